package smb2

import (
	"slices"
	"testing"
)

var testSMB1 = SMB1Negotiate{Dialects: []string{SMB1DialectNT, SMB1Dialect202, SMB1DialectSMB2Any}}

func TestSMB1Negotiate(t *testing.T) {
	testCodec(t, ParseSMB1Negotiate, 0, testSMB1, SMB1Negotiate{})
	b := testSMB1.Append(nil)
	testReject(t, ParseSMB1Negotiate, b,
		reject{"protocol", 0, []byte{0xFE}, ErrProtocol},
		reject{"command", 4, []byte{0x73}, ErrValue},
		reject{"WordCount", 32, []byte{1}, ErrValue},
		reject{"ByteCount", 33, []byte{0xFF, 0xFF}, ErrBounds},
		reject{"BufferFormat", 35, []byte{1}, ErrValue},
		reject{"last terminator", len(b) - 1, []byte{'x'}, ErrBounds})
	many := SMB1Negotiate{Dialects: slices.Repeat([]string{""}, 20000)}
	if got, err := ParseSMB1Negotiate(many.Append(nil)); err != nil || len(got.Dialects) != smb1MaxDialects {
		t.Errorf("%d dialects, %v", len(got.Dialects), err)
	}
}

func TestSMB1Captured(t *testing.T) {
	found := false
	for _, l := range readLines(t, "testdata/messages.txt") {
		if ProtocolID(l.b) != ProtocolSMB1 {
			continue
		}
		found = true
		r, err := ParseSMB1Negotiate(l.b)
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"NT LANMAN 1.0", "NT LM 0.12", "SMB 2.002", "SMB 2.???"}; !slices.Equal(r.Dialects, want) {
			t.Errorf("dialects %q, want %q", r.Dialects, want)
		}
	}
	if !found {
		t.Error("no sample")
	}
}

func TestSMB2Dialect(t *testing.T) {
	for _, c := range []struct {
		offered []string
		want    Dialect
		ok      bool
	}{
		{[]string{SMB1DialectNT}, 0, false},
		{[]string{SMB1DialectNT, SMB1Dialect202}, Dialect202, true},
		{[]string{SMB1Dialect202, SMB1DialectSMB2Any}, DialectWildcard, true},
		{[]string{SMB1DialectSMB2Any, SMB1Dialect202}, DialectWildcard, true},
		{nil, 0, false},
	} {
		r := SMB1Negotiate{Dialects: c.offered}
		if got, ok := r.SMB2Dialect(); got != c.want || ok != c.ok {
			t.Errorf("%q: %v %v, want %v %v", c.offered, got, ok, c.want, c.ok)
		}
	}
}

func FuzzSMB1Negotiate(f *testing.F) { fuzzCodec(f, ParseSMB1Negotiate, testSMB1) }
