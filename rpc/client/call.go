package client

import (
	"context"
	"slices"
	"sync"

	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/pdu"
)

// call is what a Call needs and the next may use again.
type call struct {
	enc ndr.Encoder
	dec ndr.Decoder
	buf []byte // of the request
	p   *pending
}

var calls = sync.Pool{New: func() any {
	return &call{p: &pending{done: make(chan struct{}, 1)}, buf: make([]byte, 0, 1<<10)}
}}

// keepBuffer is the capacity above which buffers are not kept for the next call.
const keepBuffer = 256 << 10

func (k *call) release() {
	if cap(k.buf) > keepBuffer {
		k.buf = nil
	}
	stub := k.p.stub[:0]
	if cap(stub) > keepBuffer {
		stub = nil
	}
	*k.p = pending{done: k.p.done, stub: stub}
	k.enc.Reset(nil)
	k.dec.Reset(nil, ndr.LittleEndian)
	calls.Put(k)
}

// Call makes one call. in and out may be nil, for an operation without parameters that way.
func (b *Binding) Call(ctx context.Context, opnum uint16, in func(*ndr.Encoder), out func(*ndr.Decoder) error) error {
	if list := b.c.cfg.Interceptors; len(list) > 0 {
		return b.intercepted(ctx, list, opnum, in, out)
	}
	return b.call(ctx, opnum, in, out)
}

// intercepted makes the call inside the interceptors.
func (b *Binding) intercepted(ctx context.Context, list []Interceptor, opnum uint16, in func(*ndr.Encoder), out func(*ndr.Decoder) error) error {
	if len(list) == 0 {
		return b.call(ctx, opnum, in, out)
	}
	return list[0](ctx, b.iface, opnum, func(ctx context.Context) error { return b.intercepted(ctx, list[1:], opnum, in, out) })
}

func (b *Binding) call(ctx context.Context, opnum uint16, in func(*ndr.Encoder), out func(*ndr.Decoder) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k := calls.Get().(*call)
	head := pdu.RequestLen
	if !b.object.IsZero() {
		head = pdu.RequestObjectLen
	}
	k.enc.Reset(append(k.buf[:0], make([]byte, head)...))
	if b.transfer == pdu.NDR64 {
		k.enc.SetSyntax(ndr.NDR64)
	}
	if in != nil {
		in(&k.enc)
	}
	k.buf = k.enc.Bytes()
	if err := k.enc.Err(); err != nil {
		k.release()
		return err
	}
	if err := b.c.acquire(ctx); err != nil {
		k.release()
		return err
	}
	// From here on the pending call, and its slot, belong to the answer. Only with the answer are they used again.
	k.p.security = b.security
	if err := b.c.begin(k.p); err != nil {
		return err
	}
	if err := b.send(ctx, k, opnum, head, 0); err != nil {
		return err
	}
	err := b.c.await(ctx, k.p)
	if err != nil {
		if _, ok := err.(rpc.Fault); ok {
			k.release()
		}
		return err
	}
	b.verified.Store(true)
	k.dec.Reset(k.p.stub, k.p.rep)
	if b.transfer == pdu.NDR64 {
		k.dec.SetSyntax(ndr.NDR64)
	}
	if out != nil {
		err = out(&k.dec)
	}
	if err == nil {
		err = k.dec.Err()
	}
	k.release()
	return err
}

// CallMaybe makes a call that is not answered, not even by a fault: one of an operation with the attribute maybe, which has no outputs (C706 12.6.3.1). It
// is on its way when CallMaybe returns, and nobody learns what became of it.
func (b *Binding) CallMaybe(ctx context.Context, opnum uint16, in func(*ndr.Encoder)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k := calls.Get().(*call)
	defer k.release()
	head := pdu.RequestLen
	if !b.object.IsZero() {
		head = pdu.RequestObjectLen
	}
	k.enc.Reset(append(k.buf[:0], make([]byte, head)...))
	if b.transfer == pdu.NDR64 {
		k.enc.SetSyntax(ndr.NDR64)
	}
	if in != nil {
		in(&k.enc)
	}
	k.buf = k.enc.Bytes()
	if err := k.enc.Err(); err != nil {
		return err
	}
	c := b.c
	c.mu.Lock()
	err := c.err
	c.nextCall++
	k.p.id = c.nextCall
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return b.send(ctx, k, opnum, head, pdu.Maybe)
}

// trailer puts a verification trailer behind the stub data, which what signs them covers (MS-RPCE 3.3.1.5.2.2): what the client believes to
// have been agreed and, where headers are not signed, what stands in the request's. Where they are signed one answer shows that the server
// believes the same, and further calls have none.
func (b *Binding) trailer(k *call, opnum uint16, head int) {
	signed := b.c.headerSign.Load()
	if !b.security.protects() || signed && b.verified.Load() {
		return
	}
	mask := uint32(pdu.SupportsHeaderSigning)
	x := pdu.VerificationTrailer{Bitmask1: &mask, PContext: &pdu.VerificationContext{Transfer: b.transfer,
		Abstract: pdu.SyntaxID{UUID: b.iface.UUID, Major: b.iface.Major, Minor: b.iface.Minor}}}
	if !signed {
		x.Header2 = &pdu.VerificationHeader{DataRep: [4]byte{0x10}, CallID: k.p.id, ContextID: b.context, Opnum: opnum}
	}
	for (len(k.buf)-head)%4 != 0 {
		k.buf = append(k.buf, 0)
	}
	k.buf = x.Append(k.buf)
}

// send sends the request in k.buf, in fragments. Each is made where its stub data are, as in the server's responses: its header goes over the end of the fragment
// before, and what its trailer goes over is kept and put back.
func (b *Binding) send(ctx context.Context, k *call, opnum uint16, head int, flags pdu.Flags) error {
	c := b.c
	b.trailer(k, opnum, head)
	tail := b.security.tail()
	room := (c.frag - head - tail) &^ (padTo - 1)
	var kept [256]byte
	if room <= 0 || tail > len(kept) {
		return c.fail(errProtocol)
	}
	x := pdu.Request{ContextID: b.context, Opnum: opnum, Object: b.object}
	x.CallID = k.p.id
	k.buf = slices.Grow(k.buf, tail+padTo)
	total := len(k.buf) - head
	if c.transact != nil {
		c.turn <- struct{}{}
		defer func() { <-c.turn }()
	}
	c.wmu.Lock()
	defer c.wmu.Unlock()
	headerSign := c.headerSign.Load()
	for at := 0; ; at += room {
		n := min(room, total-at)
		last := at+n == total
		x.Flags = flags
		if head == pdu.RequestObjectLen {
			x.Flags |= pdu.ObjectUUID
		}
		if at == 0 {
			x.Flags |= pdu.FirstFrag
		}
		if last {
			x.Flags |= pdu.LastFrag
		}
		x.AllocHint = uint32(total - at)
		whole := k.buf[at:cap(k.buf)]
		end := head + n
		pdu.AppendRequestHeader(whole[:0], &x)
		frag := whole[:end]
		over := 0
		if b.security.protects() {
			over = copy(kept[:], whole[end:min(end+tail, len(k.buf)-at)])
			var err error
			if frag, err = b.security.close(frag, head, headerSign); err != nil {
				return c.fail(err)
			}
		} else {
			pdu.SetLengths(frag, 0)
		}
		var err error
		if last && c.transact != nil && flags&pdu.Maybe == 0 {
			err = c.exchange(ctx, frag)
		} else {
			err = c.write(ctx, frag)
		}
		if err != nil || last {
			return err
		}
		copy(whole[end:], kept[:over])
	}
}
