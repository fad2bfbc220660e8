package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/pdu"
)

// pending is a call, or a bind, that waits for its answer.
type pending struct {
	id       uint32
	bind     bool // the answer is wanted whole
	security *security
	done     chan struct{} // of one

	answered  bool // done is sent, or about to be; guarded by Conn.mu
	abandoned bool // nobody waits; guarded by Conn.mu
	orphaned  bool // nor wants the answer, and it holds no slot; guarded by Conn.mu

	// The answer: the reader's until done, the caller's then.
	started bool
	stub    []byte // stub data, or of a bind the fragment
	rep     ndr.Representation
	err     error
}

// maxAbandoned is how many answers to cancelled calls may be outstanding before the server is given up.
const maxAbandoned = 16

// cancelTimeout bounds the sending of a cancel PDU.
const cancelTimeout = time.Second

// begin makes a pending call. The caller holds a slot, if it is one.
func (c *Conn) begin(p *pending) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.nextCall++
	p.id = c.nextCall
	c.pending = append(c.pending, p)
	return nil
}

func (c *Conn) find(id uint32) *pending {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pending {
		if p.id == id {
			return p
		}
	}
	return nil
}

// finish hands the answer to whoever waits, and its slot to the next call.
func (c *Conn) finish(p *pending) {
	c.mu.Lock()
	for i := range c.pending {
		if c.pending[i] == p {
			last := len(c.pending) - 1
			c.pending[i] = c.pending[last]
			c.pending[last] = nil
			c.pending = c.pending[:last]
			break
		}
	}
	p.answered = true
	if p.abandoned {
		c.abandoned--
	}
	orphaned := p.orphaned
	c.mu.Unlock()
	if !p.bind && !orphaned {
		<-c.slots
	}
	p.done <- struct{}{}
}

// acquire gets a slot for a call. While abandoned calls hold slots it reads their answers, for which nobody else waits.
func (c *Conn) acquire(ctx context.Context) error {
	for {
		select {
		case c.slots <- struct{}{}:
			return nil
		case <-c.dead:
			return c.failure()
		case <-ctx.Done():
			return ctx.Err()
		case <-c.wake:
		}
		got, err := c.readAbandoned(ctx)
		if c.anyAbandoned() {
			select {
			case c.wake <- struct{}{}:
			default:
			}
		}
		if got || err != nil {
			return err
		}
	}
}

// readAbandoned takes one fragment, unless a slot becomes free before its turn comes.
func (c *Conn) readAbandoned(ctx context.Context) (slot bool, err error) {
	select {
	case c.slots <- struct{}{}:
		return true, nil
	case <-c.dead:
		return false, c.failure()
	case <-ctx.Done():
		return false, ctx.Err()
	case c.turn <- struct{}{}:
	}
	defer func() { <-c.turn }()
	select {
	case c.slots <- struct{}{}:
		return true, nil
	default:
	}
	if !c.anyAbandoned() {
		return false, nil
	}
	return false, c.read(ctx, nil)
}

func (c *Conn) anyAbandoned() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.abandoned > 0
}

// await waits for the answer of p, reading if nobody else does.
func (c *Conn) await(ctx context.Context, p *pending) error {
	err, ended := c.wait(ctx, p)
	if !ended {
		return err
	}
	return c.abandon(ctx, p)
}

// wait is await up to the end of the context, which it tells of.
func (c *Conn) wait(ctx context.Context, p *pending) (err error, ended bool) {
	select {
	case <-p.done:
		return p.err, false
	case <-c.dead:
		return c.failure(), false
	case <-ctx.Done():
		return nil, true
	case c.turn <- struct{}{}:
	}
	err = c.read(ctx, p)
	<-c.turn
	select {
	case <-p.done:
		return p.err, false
	default:
	}
	return err, ctx.Err() != nil
}

// read takes fragments until p is answered, or one if p is nil. The caller is in turn. An error that is not ctx's has ended the association.
func (c *Conn) read(ctx context.Context, p *pending) error {
	g := newGuard(ctx, c.nc.SetReadDeadline)
	defer g.release()
	for p == nil || len(p.done) == 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, frag, err := c.rd.next(c.bufferSize())
		if err != nil {
			if ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded) {
				return ctx.Err()
			}
			return c.fail(fmt.Errorf("rpc: read: %w", err))
		}
		if err := c.dispatch(h, frag); err != nil {
			return c.fail(err)
		}
		if p == nil {
			return nil
		}
	}
	return nil
}

// bufferSize is room for any fragment that the server should send.
func (c *Conn) bufferSize() int { return c.cfg.MaxFragment }

// abandon tells the server to give up p, whose context has ended. What it answers within the time for it is the answer; without such a time nobody waits for it.
func (c *Conn) abandon(ctx context.Context, p *pending) error {
	c.mu.Lock()
	if p.answered {
		c.mu.Unlock()
		<-p.done
		return p.err
	}
	many := false
	if c.cfg.CancelTimeout <= 0 {
		p.abandoned = true
		c.abandoned++
		many = c.abandoned > maxAbandoned
	}
	c.mu.Unlock()
	if many || p.bind {
		c.fail(errIgnored)
		return ctx.Err()
	}
	if p.abandoned {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	x := pdu.Cancel{Header: pdu.Header{CallID: p.id, Flags: pdu.FirstFrag | pdu.LastFrag}}
	c.tell(x.Append(nil))
	if c.cfg.CancelTimeout <= 0 {
		return ctx.Err()
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.CancelTimeout)
	defer cancel()
	err, ended := c.wait(limit, p)
	if ended {
		return c.orphan(ctx, p)
	}
	if err == rpc.FaultCancel || err == rpc.FaultCancelled {
		return ctx.Err()
	}
	return err
}

// orphan tells the server that nobody wants the answer of p. One that was on its way is dropped; the next call need not wait for it.
func (c *Conn) orphan(ctx context.Context, p *pending) error {
	c.mu.Lock()
	if p.answered {
		c.mu.Unlock()
		<-p.done
		return ctx.Err()
	}
	p.orphaned = true
	n, oldest := 0, -1
	for i, x := range c.pending {
		if x.orphaned {
			if n++; oldest < 0 || x.id < c.pending[oldest].id {
				oldest = i
			}
		}
	}
	if n > maxAbandoned { // the server kept its word, and did not answer
		last := len(c.pending) - 1
		c.pending[oldest] = c.pending[last]
		c.pending[last] = nil
		c.pending = c.pending[:last]
	}
	c.mu.Unlock()
	x := pdu.Orphaned{Header: pdu.Header{CallID: p.id, Flags: pdu.FirstFrag | pdu.LastFrag}}
	c.tell(x.Append(nil))
	<-c.slots
	return ctx.Err()
}

// tell sends a PDU that is not answered.
func (c *Conn) tell(b []byte) {
	limit, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	c.wmu.Lock()
	defer c.wmu.Unlock()
	c.write(limit, b)
}

// dispatch hands a fragment to the call it answers. An error ends the association.
func (c *Conn) dispatch(h pdu.Header, frag []byte) error {
	if h.Type == pdu.TypeShutdown {
		return ErrShutdown
	}
	p := c.find(h.CallID)
	if p == nil {
		return fmt.Errorf("%w: answer to no call", errProtocol)
	}
	switch {
	case h.Type == pdu.TypeFault:
		x, err := pdu.ParseFault(frag)
		if err != nil {
			return err
		}
		p.err = rpc.Fault(x.Status)
	case p.bind:
		p.stub = append(p.stub, frag...)
	case h.Type == pdu.TypeResponse:
		last, err := c.response(p, frag)
		if err != nil {
			return err
		}
		if !last {
			return nil
		}
	default:
		return fmt.Errorf("%w: PDU of type %d", errProtocol, h.Type)
	}
	c.finish(p)
	return nil
}

// response takes a fragment of a response.
func (c *Conn) response(p *pending, frag []byte) (last bool, err error) {
	x, err := pdu.ParseResponse(frag)
	if err != nil {
		return false, err
	}
	if (x.Flags&pdu.FirstFrag != 0) == p.started {
		return false, fmt.Errorf("%w: fragments out of order", errProtocol)
	}
	p.started = true
	if p.security.protects() {
		if err := p.security.open(frag, &x.Secured, c.headerSign.Load()); err != nil {
			return false, fmt.Errorf("%w: %w", errVerifier, err)
		}
	}
	p.rep = ndr.LittleEndian
	if x.BigEndian {
		p.rep = ndr.BigEndian
	}
	stub := frag[x.Stub : x.StubEnd-int(x.PadLength)]
	if len(p.stub)+len(stub) > c.cfg.MaxResponse {
		return false, errTooLong
	}
	p.stub = append(p.stub, stub...)
	return x.Flags&pdu.LastFrag != 0, nil
}

// write sends one PDU. The caller holds wmu. Part of a PDU cannot be taken back, so an error ends the association.
func (c *Conn) write(ctx context.Context, b []byte) error {
	g := newGuard(ctx, c.nc.SetWriteDeadline)
	_, err := c.nc.Write(b)
	g.release()
	if err != nil {
		c.fail(fmt.Errorf("rpc: write: %w", err))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return c.failure()
	}
	return nil
}

// exchange is write and the first read of the answer in one. The caller holds wmu and is in turn.
func (c *Conn) exchange(ctx context.Context, b []byte) error {
	n, err := c.transact(ctx, b, c.rd.room(c.bufferSize()))
	c.rd.w += n
	if err != nil && nt.StatusOf(err) != nt.StatusBufferOverflow {
		c.fail(fmt.Errorf("rpc: transact: %w", err))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return c.failure()
	}
	return nil
}
