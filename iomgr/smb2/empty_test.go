package smb2

import (
	"bytes"
	"errors"
	"testing"
)

// The bodies that say nothing: LOGOFF, TREE_DISCONNECT, ECHO, CANCEL, and the responses of FLUSH, LOCK and SET_INFO.
func TestEmptyBodies(t *testing.T) {
	testCodec(t, ParseLogoffRequest, 0, LogoffRequest{})
	testCodec(t, ParseLogoffResponse, 0, LogoffResponse{})
	testCodec(t, ParseTreeDisconnectRequest, 0, TreeDisconnectRequest{})
	testCodec(t, ParseTreeDisconnectResponse, 0, TreeDisconnectResponse{})
	testCodec(t, ParseEchoRequest, 0, EchoRequest{})
	testCodec(t, ParseEchoResponse, 0, EchoResponse{})
	testCodec(t, ParseCancelRequest, 0, CancelRequest{})
	testCodec(t, ParseFlushResponse, 0, FlushResponse{})
	testCodec(t, ParseLockResponse, 0, LockResponse{})
	testCodec(t, ParseSetInfoResponse, 0, SetInfoResponse{})
	if b := (&EchoRequest{}).Append(nil); !bytes.Equal(b, []byte{4, 0, 0, 0}) {
		t.Errorf("echo: %x", b)
	}
	if b := (&SetInfoResponse{}).Append(nil); !bytes.Equal(b, []byte{2, 0}) {
		t.Errorf("set info: %x", b)
	}
	if _, err := ParseEchoRequest([]byte{5, 0, 0, 0}); !errors.Is(err, ErrStructureSize) {
		t.Errorf("echo of size 5: %v", err)
	}
}

func FuzzEmptyBodies(f *testing.F) {
	f.Add([]byte{4, 0, 0, 0})
	f.Add([]byte{2, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := ParseEchoRequest(b)
		want := len(b) >= 4 && b[0] == 4 && b[1] == 0
		if (err == nil) != want {
			t.Fatalf("%x: %v", b, err)
		}
	})
}
