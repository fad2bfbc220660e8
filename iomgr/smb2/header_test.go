package smb2

import (
	"bytes"
	"errors"
	"testing"
)

var testHeaders = []Header{
	{Command: Echo, Credits: 1, MessageID: 7, ProcessID: 0xFEFF},
	{CreditCharge: 2, Status: 0xC0000022, Command: Create, Credits: 33, Flags: FlagServerToRedir | FlagSigned, NextCommand: 0x88,
		MessageID: 0x0102030405060708, ProcessID: 0xFEFF, TreeID: 5, SessionID: 0x1000000000025, Signature: seq16()},
	{Status: 0x103, Command: ChangeNotify, Flags: FlagServerToRedir | FlagAsyncCommand, MessageID: 9, AsyncID: 0x1234567890},
}

func TestHeader(t *testing.T) {
	testCodec(t, ParseHeader, 0, testHeaders...)
	testReject(t, ParseHeader, testHeaders[1].Append(nil),
		reject{"transform", 0, []byte{0xFD}, ErrProtocol},
		reject{"StructureSize", 4, []byte{65}, ErrStructureSize})
}

func FuzzHeader(f *testing.F) { fuzzCodec(f, ParseHeader, testHeaders...) }

// The WRITE request of the AES-GCM sample in Microsoft's "SMB 3.1.1 Encryption in Windows 10".
const sampleWrite = "FE534D4240000100000000000900010008000000000000000500000000000000FFFE000001000000" +
	"25000000001000000000000000000000000000000000000031007000170000000000000000000000" +
	"0600000004000000010000000400000000000000000000007000000000000000536D623320656E63" +
	"72797074696F6E2074657374696E67"

func TestHeaderFields(t *testing.T) {
	h, err := ParseHeader(unhex(t, sampleWrite))
	if err != nil {
		t.Fatal(err)
	}
	want := Header{CreditCharge: 1, Command: Write, Credits: 1, Flags: FlagSigned, MessageID: 5, ProcessID: 0xFEFF, TreeID: 1,
		SessionID: 0x100000000025}
	if h != want {
		t.Errorf("got %+v\nwant %+v", h, want)
	}
	if !h.IsSigned() || h.IsAsync() || h.IsRelated() || h.IsResponse() {
		t.Errorf("flags of %+v misread", h)
	}
}

func TestPatchHeader(t *testing.T) {
	b := (&Header{Command: Read, Flags: FlagServerToRedir, Credits: 1}).Append(nil)
	SetCredits(b, 300)
	SetNextCommand(b, 0x11223340)
	SetFlags(b, FlagRelated)
	want := Header{Command: Read, Flags: FlagServerToRedir | FlagRelated, Credits: 300, NextCommand: 0x11223340}
	if h, err := ParseHeader(b); err != nil || h != want {
		t.Errorf("got %+v, %v; want %+v", h, err, want)
	}
	h := Header{Status: 0xABCD1234}
	if h.ChannelSequence() != 0x1234 {
		t.Errorf("ChannelSequence %#x", h.ChannelSequence())
	}
}

func TestCommandNames(t *testing.T) {
	for c, want := range map[Command]string{Negotiate: "NEGOTIATE", Cancel: "CANCEL", OplockBreak: "OPLOCK_BREAK", 0x13: "command 0x13"} {
		if got := c.String(); got != want {
			t.Errorf("%d: %s, want %s", uint16(c), got, want)
		}
	}
	// The numbers are those of MS-SMB2 2.2.1.2.
	if Negotiate != 0 || Read != 8 || Ioctl != 11 || Cancel != 12 || Echo != 13 || OplockBreak != 18 {
		t.Error("commands are misnumbered")
	}
}

func compound(t *testing.T) []byte {
	t.Helper()
	b := (&Header{Command: Create, MessageID: 1}).Append(nil)
	b = (&CreateRequest{Name: []byte("a\x00b\x00c\x00")}).Append(b)
	b = AppendPadding(b, 0)
	SetNextCommand(b, uint32(len(b)))
	second := len(b)
	b = (&Header{Command: Flush, MessageID: 2, Flags: FlagRelated}).Append(b)
	b = (&FlushRequest{FileID: RelatedFileID}).Append(b)
	b = AppendPadding(b, second)
	SetNextCommand(b[second:], uint32(len(b)-second))
	b = (&Header{Command: Close, MessageID: 3, Flags: FlagRelated}).Append(b)
	return (&CloseRequest{FileID: RelatedFileID}).Append(b)
}

func TestMessages(t *testing.T) {
	frame := compound(t)
	var raw []byte
	var got []Command
	it := NewMessages(frame)
	for it.More() {
		m, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Raw) != HeaderSize+len(m.Body) || cap(m.Raw) < len(m.Raw) {
			t.Errorf("%v: %d bytes, body %d", m.Header.Command, len(m.Raw), len(m.Body))
		}
		raw = append(raw, m.Raw...)
		got = append(got, m.Header.Command)
	}
	if len(got) != 3 || got[0] != Create || got[1] != Flush || got[2] != Close {
		t.Errorf("commands %v", got)
	}
	if !bytes.Equal(raw, frame) {
		t.Error("the messages do not make up the frame")
	}
}

func TestMessagesRefused(t *testing.T) {
	frame := compound(t)
	first := le.Uint32(frame[20:])
	for _, c := range []struct {
		name string
		next uint32
		want error
	}{
		{"misaligned", first + 4, ErrAlignment},
		{"inside the header", 56, ErrBounds},
		{"no room for a header", uint32(len(frame)-HeaderSize+8) &^ 7, ErrBounds},
		{"behind the frame", uint32(len(frame)+7) &^ 7, ErrBounds},
		{"wraps", 0xFFFFFFF8, ErrBounds},
	} {
		b := bytes.Clone(frame)
		SetNextCommand(b, c.next)
		it := NewMessages(b)
		if _, err := it.Next(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if it.More() {
			t.Errorf("%s: the walk goes on after an error", c.name)
		}
	}
	it := NewMessages(nil)
	if _, err := it.Next(); !errors.Is(err, ErrTruncated) {
		t.Errorf("empty frame: %v", err)
	}
}

func TestMessagesTruncated(t *testing.T) {
	frame := compound(t)
	for n := range frame {
		it := NewMessages(frame[:n:n])
		for it.More() {
			m, err := it.Next()
			if err != nil {
				break
			}
			if len(m.Raw) < HeaderSize {
				t.Fatalf("%d bytes: message of %d", n, len(m.Raw))
			}
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add((&Header{Command: Echo}).Append(nil))
	b := (&Header{Command: Echo, NextCommand: 72}).Append(nil)
	b = AppendPadding((&EchoRequest{}).Append(b), 0)
	f.Add((&EchoRequest{}).Append((&Header{Command: Echo, MessageID: 1}).Append(b)))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		for it := NewMessages(b); it.More(); {
			m, err := it.Next()
			if err != nil {
				return
			}
			total += len(m.Raw)
		}
		if total != len(b) {
			t.Fatalf("messages of %d bytes in a frame of %d", total, len(b))
		}
	})
}
