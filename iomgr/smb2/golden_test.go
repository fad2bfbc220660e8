package smb2

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// line is one line of a file of testdata: a word and bytes.
type line struct {
	word string
	b    []byte
}

func readLines(t testing.TB, name string) []line {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var list []line
	for _, s := range strings.Split(string(text), "\n") {
		if s == "" || s[0] == '#' {
			continue
		}
		word, digits, _ := strings.Cut(s, " ")
		list = append(list, line{word, unhex(t, digits)})
	}
	return list
}

func reencode[T any, P appender[T]](parse func([]byte) (T, error)) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		v, err := parse(b)
		if err != nil {
			return nil, err
		}
		return P(&v).Append(nil), nil
	}
}

func parseTreeConnectRequest311(b []byte) (TreeConnectRequest, error) {
	return ParseTreeConnectRequest(b, true)
}

// codecs are the parsers of the requests and of the responses that succeeded.
var codecs = map[bool]map[Command]func([]byte) ([]byte, error){
	false: {
		Negotiate:      reencode(ParseNegotiateRequest),
		SessionSetup:   reencode(ParseSessionSetupRequest),
		Logoff:         reencode(ParseLogoffRequest),
		TreeConnect:    reencode(parseTreeConnectRequest311),
		TreeDisconnect: reencode(ParseTreeDisconnectRequest),
		Create:         reencode(ParseCreateRequest),
		Close:          reencode(ParseCloseRequest),
		Flush:          reencode(ParseFlushRequest),
		Read:           reencode(ParseReadRequest),
		Write:          reencode(ParseWriteRequest),
		Lock:           reencode(ParseLockRequest),
		Ioctl:          reencode(ParseIoctlRequest),
		Cancel:         reencode(ParseCancelRequest),
		Echo:           reencode(ParseEchoRequest),
		QueryDirectory: reencode(ParseQueryDirectoryRequest),
		ChangeNotify:   reencode(ParseChangeNotifyRequest),
		QueryInfo:      reencode(ParseQueryInfoRequest),
		SetInfo:        reencode(ParseSetInfoRequest),
		OplockBreak:    reencodeBreakAck,
	},
	true: {
		Negotiate:      reencode(ParseNegotiateResponse),
		SessionSetup:   reencode(ParseSessionSetupResponse),
		Logoff:         reencode(ParseLogoffResponse),
		TreeConnect:    reencode(ParseTreeConnectResponse),
		TreeDisconnect: reencode(ParseTreeDisconnectResponse),
		Create:         reencode(ParseCreateResponse),
		Close:          reencode(ParseCloseResponse),
		Flush:          reencode(ParseFlushResponse),
		Read:           reencode(ParseReadResponse),
		Write:          reencode(ParseWriteResponse),
		Lock:           reencode(ParseLockResponse),
		Ioctl:          reencode(ParseIoctlResponse),
		Echo:           reencode(ParseEchoResponse),
		QueryDirectory: reencode(ParseQueryDirectoryResponse),
		ChangeNotify:   reencode(ParseChangeNotifyResponse),
		QueryInfo:      reencode(ParseQueryInfoResponse),
		SetInfo:        reencode(ParseSetInfoResponse),
		OplockBreak:    reencodeBreakAck,
	},
}

func reencodeBreakAck(b []byte) ([]byte, error) {
	if !IsLeaseBreak(b) {
		return reencode(ParseOplockBreak)(b)
	}
	if le.Uint16(b) == leaseBreakNotificationSize {
		return reencode(ParseLeaseBreakNotification)(b)
	}
	return reencode(ParseLeaseBreakAck)(b)
}

// failed reports whether a response carries an ErrorResponse (MS-SMB2 3.3.4.4 lists the warnings and errors that do not).
func failed(h *Header, body []byte) bool {
	switch {
	case h.Status == 0 || h.Command == SessionSetup && SessionSetupSucceeded(h.Status):
		return false
	case h.Status == 0x80000005 || h.Status == 0x0000010C: // BUFFER_OVERFLOW, NOTIFY_ENUM_DIR
		return le.Uint16(body) == 9 && h.Command != QueryInfo && h.Command != ChangeNotify
	}
	return !(h.Command == Ioctl && le.Uint16(body) == 49)
}

// checkGolden parses a captured message and writes it again: the result must be the captured bytes, but for what the
// codec does not keep and a sender may choose.
func checkGolden(t *testing.T, m Message, seen map[bool]map[Command]int) {
	t.Helper()
	again, err := m.Header, error(nil)
	if head := again.Append(nil); !bytes.Equal(head, m.Raw[:HeaderSize]) {
		t.Errorf("header:\n got %x\nwant %x", head, m.Raw[:HeaderSize])
	}
	h := &m.Header
	if h.Status == 0x103 { // an interim response, or a chain of errors
		_, err = ParseErrorResponse(m.Body)
	} else if h.IsResponse() && failed(h, m.Body) {
		var got []byte
		if got, err = reencode(ParseErrorResponse)(m.Body); err == nil {
			compareBody(t, h, got, m.Body)
		}
	} else if codec := codecs[h.IsResponse()][h.Command]; codec == nil {
		t.Errorf("%v: no codec", h.Command)
	} else {
		var got []byte
		if got, err = codec(m.Body); err == nil {
			compareBody(t, h, got, m.Body)
			seen[h.IsResponse()][h.Command]++
		}
	}
	if err != nil {
		t.Errorf("%v response=%v: %v\n%x", h.Command, h.IsResponse(), err, m.Raw)
	}
}

func compareBody(t *testing.T, h *Header, got, want []byte) {
	t.Helper()
	got, want = bytes.Clone(got), bytes.Clone(want)
	if h.Command == Ioctl && !h.IsResponse() {
		for _, b := range [][]byte{got, want} { // offsets beside a count of zero mean nothing, and clients differ
			for _, at := range []int{24, 36} {
				if le.Uint32(b[at+4:]) == 0 {
					le.PutUint32(b[at:], 0)
				}
			}
		}
	}
	// The padding up to the next message of a compound belongs to no body.
	for len(want) > len(got) && want[len(want)-1] == 0 {
		want = want[:len(want)-1]
	}
	for len(got) > len(want) && got[len(got)-1] == 0 {
		got = got[:len(got)-1]
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%v response=%v:\n got %x\nwant %x", h.Command, h.IsResponse(), got, want)
	}
}

func TestCapturedMessages(t *testing.T) {
	seen := map[bool]map[Command]int{false: {}, true: {}}
	for _, l := range readLines(t, "testdata/messages.txt") {
		if ProtocolID(l.b) == ProtocolSMB1 {
			continue
		}
		for it := NewMessages(l.b); it.More(); {
			m, err := it.Next()
			if err != nil {
				t.Fatalf("%x: %v", l.b, err)
			}
			if m.Header.IsResponse() != (l.word == "S") {
				t.Errorf("direction %s: flags %#x", l.word, m.Header.Flags)
			}
			checkGolden(t, m, seen)
		}
	}
	for response, table := range codecs {
		for c := range table {
			if seen[response][c] == 0 {
				t.Errorf("no sample of %v response=%v", c, response)
			}
		}
	}
}
