package server_test

import (
	"encoding/binary"
	"net"
	"runtime"
	"testing"

	"lwio/rpc"
	"lwio/rpc/pdu"
	"lwio/rpc/server"
)

// Responses that a client does not take count against the server's limit. A call beyond it is faulted, the association goes on, and what was held is free
// when it has been read.
func TestHeldResponses(t *testing.T) {
	const size = 900_000
	s, _ := serve(t, server.Config{MaxRequest: 1 << 20, MaxBuffered: 3 << 20})
	stub := append(binary.LittleEndian.AppendUint32(nil, size), make([]byte, size)...)
	echo := func(id uint32) [][]byte {
		var frags [][]byte
		for at := 0; at < len(stub); at += 4000 {
			end, flags := min(at+4000, len(stub)), pdu.Flags(0)
			if at == 0 {
				flags |= pdu.FirstFrag
			}
			if end == len(stub) {
				flags |= pdu.LastFrag
			}
			frags = append(frags, rawRequest(id, 0, opEcho, flags, stub[at:end]))
		}
		return frags
	}
	dial := func() net.Conn { // of memory: a socket would take the response for a client that does not
		nc := connect(t, s, false)
		t.Cleanup(func() { nc.Close() })
		nc.Write(rawBind(0))
		readPDU(t, nc)
		return nc
	}
	a := dial()
	for _, f := range echo(6) {
		a.Write(f)
	}
	h, frag := readPDU(t, a) // the rest of it waits
	if h.Type != pdu.TypeResponse {
		t.Fatalf("answer %x", frag)
	}
	b := dial()
	for range 2 {
		for _, f := range echo(6) {
			b.Write(f)
		}
		if _, frag := readPDU(t, b); faultStatus(t, frag) != rpc.FaultRemoteNoMemory {
			t.Errorf("answer %x", frag)
		}
		alive(t, b) // and by now the request is let go as well
	}
	for h.Flags&pdu.LastFrag == 0 {
		h, _ = readPDU(t, a)
	}
	alive(t, a)
	for _, f := range echo(7) {
		b.Write(f)
	}
	if h, _ := readPDU(t, b); h.Type != pdu.TypeResponse {
		t.Errorf("answer %+v", h)
	}
}

// Servers with one budget have it together.
func TestBudget(t *testing.T) {
	budget := server.NewBudget(1 << 20)
	s, _ := serve(t, server.Config{Budget: budget})
	other, _ := serve(t, server.Config{Budget: budget})
	a := bound(t, s, 0)
	before := s.Stats().PDUsIn
	const held = 250
	for i := range held {
		flags := pdu.Flags(0)
		if i == 0 {
			flags = pdu.FirstFrag
		}
		a.Write(rawRequest(6, 0, opEcho, flags, make([]byte, 4000)))
	}
	for s.Stats().PDUsIn < before+held {
		runtime.Gosched() // until the server has read it all
	}
	b := bound(t, other, 0)
	go func() {
		for i := range 20 {
			flags := pdu.Flags(0)
			if i == 0 {
				flags = pdu.FirstFrag
			}
			if _, err := b.Write(rawRequest(6, 0, opEcho, flags, make([]byte, 4000))); err != nil {
				return
			}
		}
	}()
	if _, frag := readPDU(t, b); faultStatus(t, frag) != rpc.FaultAccessDenied {
		t.Errorf("answer %x", frag)
	}
	alive(t, bound(t, other, 0))
}
