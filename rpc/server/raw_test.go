package server_test

import (
	"io"
	"net"
	"testing"

	"lwio/rpc"
	"lwio/rpc/pdu"
)

var echoSyntax = pdu.SyntaxID{UUID: echoInterface.UUID, Major: 1, Minor: 2}

// rawBind is a bind to the echo interface as context 0.
func rawBind(flags pdu.Flags) []byte {
	x := pdu.Bind{MaxXmitFrag: 4280, MaxRecvFrag: 4280, Contexts: []pdu.Context{{ID: 0, Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR}}}}
	x.CallID, x.Flags = 1, pdu.FirstFrag|pdu.LastFrag|flags
	return x.Append(nil)
}

func rawRequest(id uint32, context, opnum uint16, flags pdu.Flags, stub []byte) []byte {
	x := pdu.Request{ContextID: context, Opnum: opnum, AllocHint: uint32(len(stub))}
	x.CallID, x.Flags = id, flags
	return pdu.AppendRequest(nil, &x, stub)
}

// readPDU reads one fragment.
func readPDU(t testing.TB, nc net.Conn) (pdu.Header, []byte) {
	t.Helper()
	h, b, err := tryReadPDU(nc)
	if err != nil {
		t.Fatal(err)
	}
	return h, b
}

func tryReadPDU(nc net.Conn) (pdu.Header, []byte, error) {
	b := make([]byte, pdu.HeaderLen)
	if _, err := io.ReadFull(nc, b); err != nil {
		return pdu.Header{}, nil, err
	}
	h, err := pdu.ParseHeader(b)
	if err != nil {
		return h, nil, err
	}
	b = append(b, make([]byte, int(h.FragLength)-len(b))...)
	_, err = io.ReadFull(nc, b[pdu.HeaderLen:])
	return h, b, err
}

func faultStatus(t testing.TB, frag []byte) rpc.Fault {
	t.Helper()
	x, err := pdu.ParseFault(frag)
	if err != nil {
		t.Fatalf("%x is no fault: %v", frag, err)
	}
	return rpc.Fault(x.Status)
}
