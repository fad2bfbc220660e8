package srv_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/pipes"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/pdu"
	"lwio/rpc/server"
)

// Operations of the interface that callPipe serves.
const (
	opAdd    = iota // one to a number
	opBlock         // until it is let go, or its context ends
	opLetGo         // a blocked one
	opSource        // so many bytes
	opPanic
)

// blocking implements it.
type blocking struct {
	entered chan struct{}
	letGo   chan struct{}
	ended   chan struct{} // a context has
}

func (b *blocking) block(ctx context.Context, _ any, _ *rpc.Call, _ *ndr.Decoder, out *ndr.Encoder) error {
	b.entered <- struct{}{}
	select {
	case <-b.letGo:
		out.Uint32(7)
		return nil
	case <-ctx.Done():
		b.ended <- struct{}{}
		return ctx.Err()
	}
}

// callPipe serves an interface on a pipe, and gives the syntax to bind to.
func callPipe(t *testing.T, e *env) (*blocking, pdu.SyntaxID) {
	t.Helper()
	b := &blocking{entered: make(chan struct{}, 8), letGo: make(chan struct{}), ended: make(chan struct{}, 8)}
	uuid, err := nt.ParseGUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	if err != nil {
		t.Fatal(err)
	}
	iface := &rpc.Interface{Name: "calls", UUID: uuid, Major: 1, Ops: []rpc.Op{
		opAdd: {Name: "Add", Invoke: func(_ context.Context, _ any, _ *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
			out.Uint32(in.Uint32() + 1)
			return in.Err()
		}},
		opBlock: {Name: "Block", Invoke: b.block},
		opLetGo: {Name: "LetGo", Invoke: func(context.Context, any, *rpc.Call, *ndr.Decoder, *ndr.Encoder) error {
			b.letGo <- struct{}{}
			return nil
		}},
		opSource: {Name: "Source", Invoke: func(_ context.Context, _ any, _ *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
			out.Uint8s(make([]byte, in.Uint32()))
			return in.Err()
		}},
		opPanic: {Name: "Panic", Invoke: func(context.Context, any, *rpc.Call, *ndr.Decoder, *ndr.Encoder) error { panic("as asked") }},
	}}
	sd, err := nt.ParseSDDL(pipeOpen, nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := pipes.Listen(t.Context(), e.m, "calls", pipes.Config{Message: true, ReadMessages: true, Security: sd})
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{})
	if err := s.Register(iface, nil); err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() {
		s.Close()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b, pdu.SyntaxID{UUID: uuid, Major: 1}
}

func (c *client) bound(tree uint32, syntax pdu.SyntaxID, flags pdu.Flags) smb2.FileID {
	c.t.Helper()
	id := c.open(tree, "calls")
	x := pdu.Bind{MaxXmitFrag: 4280, MaxRecvFrag: 4280, Contexts: []pdu.Context{{Abstract: syntax, Transfer: []pdu.SyntaxID{pdu.NDR}}}}
	x.CallID, x.Flags = 1, pdu.FirstFrag|pdu.LastFrag|flags
	c.wantPDU(c.transceive(tree, id, x.Append(nil), nt.StatusSuccess), pdu.TypeBindAck, 1)
	return id
}

func (c *client) wantPDU(b []byte, typ pdu.Type, call uint32) {
	c.t.Helper()
	h, err := pdu.ParseHeader(b)
	if err != nil || h.Type != typ || h.CallID != call {
		c.t.Fatalf("%+v %v, want a PDU of type %d for call %d", h, err, typ, call)
	}
}

func callPDU(id uint32, op uint16, stub ...byte) []byte {
	x := pdu.Request{Opnum: op, AllocHint: uint32(len(stub))}
	x.CallID, x.Flags = id, pdu.FirstFrag|pdu.LastFrag
	return pdu.AppendRequest(nil, &x, stub)
}

func number(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

func (c *client) startCall(tree uint32, id smb2.FileID, b []byte) pending {
	c.t.Helper()
	return c.start(smb2.Ioctl, tree, ioctlBody(id, nt.FsctlPipeTransceive, b, 4280))
}

func (p pending) answer(typ pdu.Type, call uint32) {
	p.c.t.Helper()
	res, err := smb2.ParseIoctlResponse(p.want(nt.StatusSuccess).body)
	if err != nil {
		p.c.t.Fatal(err)
	}
	p.c.wantPDU(res.Output, typ, call)
}

func writeBody(id smb2.FileID, b []byte) []byte {
	return (&smb2.WriteRequest{FileID: id, Data: b}).Append(nil)
}

// TestBlockedCalls: a call that does not end holds up neither its connection, nor its association, nor what ends either.
func TestBlockedCalls(t *testing.T) {
	e := newEnv(t, nil)
	b, syntax := callPipe(t, e)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	control := func(build func(h pdu.Header) []byte) []byte {
		return build(pdu.Header{CallID: 5, Flags: pdu.FirstFrag | pdu.LastFrag})
	}
	for range 3 { // the later ones are run elsewhere from the beginning
		id := c.bound(tree, syntax, pdu.ConcMPX)
		// Another call, of another pipe of the connection, lets it go.
		p := c.startCall(tree, id, callPDU(5, opBlock))
		wait(t, b.entered)
		other := c.bound(tree, syntax, 0)
		c.wantPDU(c.transceive(tree, other, callPDU(6, opLetGo), nt.StatusSuccess), pdu.TypeResponse, 6)
		p.answer(pdu.TypeResponse, 5)

		// A cancel PDU of another request.
		p = c.startCall(tree, id, callPDU(5, opBlock))
		wait(t, b.entered)
		c.do(smb2.Write, tree, writeBody(id, control(func(h pdu.Header) []byte { return (&pdu.Cancel{Header: h}).Append(nil) })), nt.StatusSuccess)
		p.answer(pdu.TypeFault, 5)
		wait(t, b.ended)

		// A second call on the association that lets the first one go: they run at once.
		p = c.startCall(tree, id, callPDU(5, opBlock))
		wait(t, b.entered)
		c.do(smb2.Write, tree, writeBody(id, callPDU(8, opLetGo)), nt.StatusSuccess)
		res, err := smb2.ParseIoctlResponse(p.want(nt.StatusSuccess).body)
		if err != nil {
			t.Fatal(err)
		}
		rest := c.do(smb2.Read, tree, readBody(id, 4280), nt.StatusSuccess)
		second, err := smb2.ParseReadResponse(rest.body)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := res.Output[12], second.Data[12]; x+y != 5+8 { // call ids, in the order in which they ended
			t.Fatalf("calls %d and %d are answered", x, y)
		}

		// SMB2 CANCEL of the request.
		p = c.startCall(tree, id, callPDU(5, opBlock))
		wait(t, b.entered)
		r, err := p.next()
		if err != nil || r.h.Status != nt.StatusPending {
			t.Fatalf("interim %+v %v", r.h, err)
		}
		if _, err := c.send(c.sess, call{cmd: smb2.Cancel, body: (&smb2.CancelRequest{}).Append(nil), edit: func(h *smb2.Header) {
			h.Flags |= smb2.FlagAsyncCommand
			h.AsyncID, h.MessageID = r.h.AsyncID, r.h.MessageID
		}}); err != nil {
			t.Fatal(err)
		}
		p.want(nt.StatusCancelled)
		// And the pipe goes with the call in it.
		c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
		wait(t, b.ended)
	}
	// The connection goes with the call in it.
	id := c.bound(tree, syntax, 0)
	c.startCall(tree, id, callPDU(5, opBlock))
	wait(t, b.entered)
	c.nc.Close()
	wait(t, b.ended)
}

// TestCallPanics: a panic on the goroutine that reads is a fault, and nothing else.
func TestCallPanics(t *testing.T) {
	e := newEnv(t, nil)
	_, syntax := callPipe(t, e)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.bound(tree, syntax, 0)
	for range 3 {
		c.wantPDU(c.transceive(tree, id, callPDU(2, opPanic), nt.StatusSuccess), pdu.TypeFault, 2)
		c.wantPDU(c.transceive(tree, id, callPDU(3, opAdd, number(1)...), nt.StatusSuccess), pdu.TypeResponse, 3)
	}
}

// TestWrittenCalls: calls may be written without reading their answers, to the bound of the pipe and beyond; answers that are not read hold up their own pipe alone.
// They come in order, whole.
func TestWrittenCalls(t *testing.T) {
	e := newEnv(t, nil)
	_, syntax := callPipe(t, e)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.bound(tree, syntax, 0)
	const calls, size = 60, 3000 // more than twice what a pipe holds
	var writes []pending
	for i := range uint32(calls) {
		writes = append(writes, c.start(smb2.Write, tree, writeBody(id, callPDU(10+i, opSource, number(size)...))))
	}
	c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
	other := c.bound(tree, syntax, 0)
	c.wantPDU(c.transceive(tree, other, callPDU(3, opAdd, number(1)...), nt.StatusSuccess), pdu.TypeResponse, 3)
	for i := range uint32(calls) {
		r := c.do(smb2.Read, tree, readBody(id, 4280), nt.StatusSuccess)
		res, err := smb2.ParseReadResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		c.wantPDU(res.Data, pdu.TypeResponse, 10+i)
		if want := pdu.ResponseLen + size; len(res.Data) != want || !bytes.Equal(res.Data[pdu.ResponseLen:], make([]byte, size)) {
			t.Fatalf("answer %d has %d bytes, want %d", i, len(res.Data), want)
		}
	}
	for _, w := range writes {
		w.want(nt.StatusSuccess)
	}
	// A response that is longer than the pipe holds comes in parts, the first with the transceive.
	long := c.startCall(tree, id, callPDU(5, opSource, number(200_000)...))
	res, err := smb2.ParseIoctlResponse(long.want(nt.StatusSuccess).body)
	if err != nil {
		t.Fatal(err)
	}
	got := len(res.Output) - pdu.ResponseLen
	for h, _ := pdu.ParseHeader(res.Output); h.Flags&pdu.LastFrag == 0; {
		part, err := smb2.ParseReadResponse(c.do(smb2.Read, tree, readBody(id, 4280), nt.StatusSuccess).body)
		if err != nil {
			t.Fatal(err)
		}
		if h, err = pdu.ParseHeader(part.Data); err != nil || h.CallID != 5 {
			t.Fatalf("%+v %v", h, err)
		}
		got += len(part.Data) - pdu.ResponseLen
	}
	if got != 200_000 {
		t.Errorf("%d bytes, want 200000", got)
	}
}
