package rpctest

import (
	"context"
	"errors"
	"sync"

	"lwio/rpc"
	"lwio/rpc/ndr"
)

// Recorder takes down calls, of any number of interfaces and goroutines. The zero value is ready.
type Recorder struct {
	mu  sync.Mutex
	rec Recording // guarded by mu
}

// Recording is what was taken down so far.
func (r *Recorder) Recording() Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Recording{Exchanges: append([]Exchange(nil), r.rec.Exchanges...)}
}

func (r *Recorder) add(x Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rec.Exchanges = append(r.rec.Exchanges, x)
}

// Caller is c with its calls taken down. A call that neither was answered nor faulted leaves nothing.
func (r *Recorder) Caller(i *rpc.Interface, c rpc.Caller) rpc.Caller { return &recording{r, i, c} }

// recording is a Caller of a Recorder.
type recording struct {
	r     *Recorder
	iface *rpc.Interface
	next  rpc.Caller
}

func (c *recording) Call(ctx context.Context, opnum uint16, in func(*ndr.Encoder), out func(*ndr.Decoder) error) error {
	x := exchangeOf(c.iface, opnum)
	x.Request = []byte{}
	err := c.next.Call(ctx, opnum, func(e *ndr.Encoder) {
		if in != nil {
			in(e)
		}
		x.Syntax, x.Request = e.Syntax(), append(x.Request, stubOf(e)...)
	}, func(d *ndr.Decoder) error {
		x.Response = rest(d)
		if out == nil {
			return nil
		}
		return out(d)
	})
	if x.Response != nil || errors.As(err, &x.Fault) && x.Fault != 0 {
		c.r.add(x)
	}
	return err
}

// Interface is i with all calls to it taken down, to be registered in its place.
func (r *Recorder) Interface(i *rpc.Interface) *rpc.Interface {
	n := *i
	n.Ops = append([]rpc.Op(nil), i.Ops...)
	for opnum := range n.Ops {
		invoke := n.Ops[opnum].Invoke
		if invoke == nil {
			continue
		}
		n.Ops[opnum].Invoke = func(ctx context.Context, impl any, call *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
			x := exchangeOf(i, uint16(opnum))
			x.Syntax, x.Request = in.Syntax(), rest(in)
			err := invoke(ctx, impl, call, in, out)
			if err == nil {
				err = out.Err()
			}
			if err != nil {
				x.Fault = rpc.FaultOf(err)
			} else {
				x.Response = append([]byte{}, stubOf(out)...)
			}
			r.add(x)
			return err
		}
	}
	return &n
}

func exchangeOf(i *rpc.Interface, opnum uint16) Exchange {
	x := Exchange{Interface: NameOf(i), Opnum: opnum}
	if op := i.Op(opnum); op != nil {
		x.Op = op.Name
	}
	return x
}

// stubOf is what was encoded; the buffer may begin with the room for a header.
func stubOf(e *ndr.Encoder) []byte {
	b := e.Bytes()
	return b[len(b)-e.Len():]
}

// rest is a copy of what d has not read, and leaves it unread.
func rest(d *ndr.Decoder) []byte {
	ahead := *d
	b := make([]byte, ahead.Remaining())
	ahead.FillUint8s(b)
	return b
}
