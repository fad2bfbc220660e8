package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/pdu"
)

var (
	bg    = context.Background()
	iface = &rpc.Interface{Name: "test", UUID: nt.MustGUID("7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b01"), Major: 1}
)

const whole = pdu.FirstFrag | pdu.LastFrag

// scripted connects a client to one. The functions run in turn, one a fragment; then the connection is held open until the client leaves.
func scripted(t *testing.T, cfg client.Config, steps ...func(h pdu.Header, frag []byte) []byte) *client.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // and not net.Pipe: both sides may write at the same time
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := client.NewConn(a, cfg)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer b.Close()
		for _, step := range steps {
			h, frag, err := readPDU(b)
			if err != nil {
				return
			}
			if out := step(h, frag); out == nil {
				return
			} else if _, err := b.Write(out); err != nil {
				return
			}
		}
		io.Copy(io.Discard, b)
	})
	t.Cleanup(func() {
		c.Close()
		wg.Wait()
	})
	return c
}

func readPDU(r io.Reader) (pdu.Header, []byte, error) {
	b := make([]byte, pdu.HeaderLen)
	if _, err := io.ReadFull(r, b); err != nil {
		return pdu.Header{}, nil, err
	}
	h, err := pdu.ParseHeader(b)
	if err != nil {
		return h, nil, err
	}
	b = append(b, make([]byte, int(h.FragLength)-len(b))...)
	_, err = io.ReadFull(r, b[pdu.HeaderLen:])
	return h, b, err
}

// silence is an answer of no bytes: the next step follows the next fragment.
var silence = []byte{}

// accept answers a bind.
func accept(h pdu.Header, _ []byte) []byte {
	ack := pdu.BindAck{MaxXmitFrag: 4280, MaxRecvFrag: 4280, AssocGroupID: 9, Results: []pdu.Result{{Transfer: pdu.NDR}, {Code: pdu.NegotiateAck}}}
	ack.CallID, ack.Flags = h.CallID, whole|h.Flags&pdu.ConcMPX
	return ack.Append(nil)
}

func respond(id uint32, flags pdu.Flags, stub string) []byte {
	x := pdu.Response{}
	x.CallID, x.Flags = id, flags
	return pdu.AppendResponse(nil, &x, []byte(stub))
}

// answer is a step that answers a call.
func answer(stub string) func(pdu.Header, []byte) []byte {
	return func(h pdu.Header, _ []byte) []byte { return respond(h.CallID, whole, stub) }
}

func fixed(b []byte) func(pdu.Header, []byte) []byte {
	return func(pdu.Header, []byte) []byte { return b }
}

// call returns the stub data of the response.
func call(ctx context.Context, b rpc.Caller) (stub string, err error) {
	err = b.Call(ctx, 1, func(e *ndr.Encoder) { e.Uint32(7) }, func(d *ndr.Decoder) error {
		v := make([]byte, d.Remaining())
		d.FillUint8s(v)
		stub = string(v)
		return nil
	})
	return stub, err
}

func mustBind(t *testing.T, c *client.Conn) *client.Binding {
	t.Helper()
	b, err := c.Bind(bg, iface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestResponses(t *testing.T) {
	id := func(f func(id uint32) []byte) func(pdu.Header, []byte) []byte {
		return func(h pdu.Header, _ []byte) []byte { return f(h.CallID) }
	}
	for name, tt := range map[string]struct {
		step func(pdu.Header, []byte) []byte
		want string
		err  bool
		dead bool
	}{
		"whole":   {answer("abcd"), "abcd", false, false},
		"nothing": {answer(""), "", false, false},
		"three fragments": {id(func(i uint32) []byte {
			return bytes.Join([][]byte{respond(i, pdu.FirstFrag, "ab"), respond(i, 0, "cd"), respond(i, pdu.LastFrag, "ef")}, nil)
		}), "abcdef", false, false},
		"fault": {id(func(i uint32) []byte {
			return (&pdu.Fault{Header: pdu.Header{CallID: i, Flags: whole}, Status: uint32(rpc.FaultAccessDenied)}).Append(nil)
		}), "", true, false},
		"fault after a fragment": {id(func(i uint32) []byte {
			return append(respond(i, pdu.FirstFrag, "ab"), (&pdu.Fault{Header: pdu.Header{CallID: i, Flags: whole}, Status: 5}).Append(nil)...)
		}), "", true, false},
		"answer to no call": {id(func(i uint32) []byte { return respond(i+1, whole, "") }), "", true, true},
		"first fragment twice": {id(func(i uint32) []byte {
			return append(respond(i, pdu.FirstFrag, "ab"), respond(i, pdu.FirstFrag, "ab")...)
		}), "", true, true},
		"no first fragment":     {id(func(i uint32) []byte { return respond(i, pdu.LastFrag, "ab") }), "", true, true},
		"over the limit":        {answer(string(make([]byte, 2000))), "", true, true},
		"shutdown":              {fixed((&pdu.Shutdown{}).Append(nil)), "", true, true},
		"another PDU":           {id(func(i uint32) []byte { return (&pdu.Cancel{Header: pdu.Header{CallID: i}}).Append(nil) }), "", true, true},
		"truncated":             {id(func(i uint32) []byte { b := respond(i, whole, "abcd"); pdu.SetLengths(b[:20], 0); return b[:20] }), "", true, true},
		"verifier out of range": {id(func(i uint32) []byte { b := respond(i, whole, "abcd"); pdu.SetLengths(b, 60); return b }), "", true, true},
		"no RPC":                {fixed([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")), "", true, true},
		"end":                   {fixed(nil), "", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := scripted(t, client.Config{MaxResponse: 1000}, accept, tt.step, answer("next"))
			b := mustBind(t, c)
			got, err := call(bg, b)
			if (err != nil) != tt.err || got != tt.want {
				t.Errorf("got %q, %v", got, err)
			}
			var f rpc.Fault
			if errors.As(err, &f) != (tt.err && !tt.dead) {
				t.Errorf("error %v", err)
			}
			if next, err := call(bg, b); (err != nil) != tt.dead || !tt.dead && next != "next" {
				t.Errorf("next call: %q, %v", next, err)
			}
		})
	}
}

func TestBindAnswers(t *testing.T) {
	ack := func(edit func(*pdu.BindAck)) func(pdu.Header, []byte) []byte {
		return func(h pdu.Header, frag []byte) []byte {
			x, _ := pdu.ParseBindAck(accept(h, frag))
			edit(&x)
			return x.Append(nil)
		}
	}
	for name, tt := range map[string]struct {
		step func(pdu.Header, []byte) []byte
		want any
	}{
		"bind_nak": {func(h pdu.Header, _ []byte) []byte {
			return (&pdu.BindNak{Header: pdu.Header{CallID: h.CallID}, Reason: pdu.RejectLocalLimitExceeded}).Append(nil)
		}, pdu.RejectLocalLimitExceeded},
		"rejected": {ack(func(x *pdu.BindAck) {
			x.Results[0] = pdu.Result{Code: pdu.ProviderRejection, Reason: pdu.AbstractSyntaxNotSupported}
		}), new(client.RejectedError)},
		"too few results": {ack(func(x *pdu.BindAck) { x.Results = x.Results[:1] }), nil},
		"no results":      {ack(func(x *pdu.BindAck) { x.Results = nil }), nil},
		"another call":    {ack(func(x *pdu.BindAck) { x.CallID += 7 }), nil},
		"response":        {answer(""), nil},
		"nothing":         {fixed(nil), nil},
		"auth unanswered": {accept, nil},
		"fault": {func(h pdu.Header, _ []byte) []byte {
			return (&pdu.Fault{Header: pdu.Header{CallID: h.CallID}, Status: 5}).Append(nil)
		}, rpc.FaultAccessDenied},
		"garbage verifier": {ack(func(x *pdu.BindAck) { x.Verifier = &pdu.Verifier{Type: 10, Level: 6, Value: []byte("garbage")} }), errInit},
	} {
		t.Run(name, func(t *testing.T) {
			c := scripted(t, client.Config{}, tt.step)
			_, err := c.Bind(bg, iface, &client.Auth{Type: 10, Level: rpc.AuthLevelPktPrivacy, Initiator: &badInit{}})
			if err == nil {
				t.Fatal("bound")
			}
			switch want := tt.want.(type) {
			case *client.RejectedError:
				if !errors.As(err, &want) || want.Reason != pdu.AbstractSyntaxNotSupported {
					t.Error(err)
				}
			case error:
				if !errors.Is(err, want) {
					t.Error(err)
				}
			}
		})
	}
	c := scripted(t, client.Config{})
	if _, err := c.Bind(bg, iface, &client.Auth{Type: 10, Level: rpc.AuthLevelNone, Initiator: &badInit{}}); err == nil {
		t.Error("bound at level none")
	}
}

var errInit = errors.New("no such token")

// badInit makes a token and is content with no answer.
type badInit struct{ n int }

func (i *badInit) Init(context.Context, []byte) ([]byte, bool, error) {
	if i.n++; i.n > 1 {
		return nil, false, errInit
	}
	return []byte("token"), false, nil
}
func (i *badInit) Context() auth.Context { return nil }

// The context of a bind or call that is not answered ends it; a bind ends the association with it.
func TestContext(t *testing.T) {
	c := scripted(t, client.Config{}, fixed(silence))
	ctx, cancel := context.WithTimeout(bg, 10*time.Millisecond)
	defer cancel()
	if _, err := c.Bind(ctx, iface, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("bind: %v", err)
	}
	if _, err := c.Bind(bg, iface, nil); err == nil {
		t.Error("the association lives")
	}

	// The call is cancelled, and its answer comes late, in two pieces, before that of the next.
	var id uint32
	cancelled := make(chan struct{})
	for _, calls := range []int{1, 4} {
		cancelled = make(chan struct{})
		c = scripted(t, client.Config{MaxCalls: calls}, accept, func(h pdu.Header, _ []byte) []byte {
			id = h.CallID
			close(cancelled)
			return respond(id, pdu.FirstFrag, "late")[:20]
		}, func(h pdu.Header, _ []byte) []byte {
			if h.Type != pdu.TypeCancel || h.CallID != id {
				t.Errorf("instead of a cancel PDU: %+v", h)
			}
			if calls > 1 {
				return silence
			}
			return append(respond(id, pdu.FirstFrag, "late")[20:], respond(id, pdu.LastFrag, "answer")...)
		}, func(h pdu.Header, _ []byte) []byte {
			out := respond(h.CallID, whole, "next")
			if calls > 1 {
				out = append(append(respond(id, pdu.FirstFrag, "late")[20:], respond(id, pdu.LastFrag, "answer")...), out...)
			}
			return out
		}, answer("last"))
		b := mustBind(t, c)
		ctx, cancel = context.WithCancel(bg)
		go func() {
			<-cancelled
			cancel()
		}()
		if _, err := call(ctx, b); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled call: %v", err)
		}
		if _, err := call(ctx, b); !errors.Is(err, context.Canceled) {
			t.Errorf("call with a context that has ended: %v", err)
		}
		for _, want := range []string{"next", "last"} {
			if got, err := call(bg, b); err != nil || got != want {
				t.Errorf("calls %d: %q, %v, want %q", calls, got, err, want)
			}
		}
	}
}

// A server that never answers cancelled calls loses the association.
func TestIgnoredCancels(t *testing.T) {
	steps := []func(pdu.Header, []byte) []byte{accept}
	arrived := make(chan struct{}, 100)
	for range 100 {
		steps = append(steps, func(h pdu.Header, _ []byte) []byte {
			if h.Type == pdu.TypeRequest {
				arrived <- struct{}{}
			}
			return silence
		})
	}
	b := mustBind(t, scripted(t, client.Config{}, steps...))
	n := 0
	for ; n < 100; n++ {
		ctx, cancel := context.WithCancel(bg)
		go func() {
			<-arrived
			cancel()
		}()
		if _, err := call(ctx, b); !errors.Is(err, context.Canceled) {
			cancel()
			break
		}
		cancel()
	}
	if n > 20 {
		t.Errorf("%d cancelled calls are outstanding", n)
	}
}

// cut is a pipe that transacts, with a context that ends in the middle.
type cut struct{ net.Conn }

func (c cut) Transact(ctx context.Context, in, out []byte) (int, error) {
	if _, err := c.Conn.Write(in); err != nil {
		return 0, err
	}
	if ctx.Done() == nil {
		return c.Conn.Read(out)
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestTransactInterrupted(t *testing.T) {
	a, b := net.Pipe()
	go func() {
		for {
			h, frag, err := readPDU(b)
			if err != nil {
				return
			}
			if h.Type == pdu.TypeBind {
				b.Write(accept(h, frag))
			}
		}
	}()
	defer b.Close()
	c := client.NewConn(cut{a}, client.Config{})
	x := mustBind(t, c)
	ctx, cancel := context.WithTimeout(bg, 10*time.Millisecond)
	defer cancel()
	if _, err := call(ctx, x); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := call(bg, x); err == nil {
		t.Error("the association lives")
	}
}

func TestCallErrorsOfItsOwn(t *testing.T) {
	b := mustBind(t, scripted(t, client.Config{}, accept, answer("ab"), answer("abcd"), answer("next")))
	if err := b.Call(bg, 1, func(e *ndr.Encoder) { e.Fail(ndr.ErrTooLong, "x") }, nil); !errors.Is(err, ndr.ErrTooLong) {
		t.Errorf("encoding: %v", err)
	}
	if err := b.Call(bg, 1, nil, func(d *ndr.Decoder) error { d.Uint32(); return nil }); !errors.Is(err, ndr.ErrTruncated) {
		t.Errorf("decoding: %v", err)
	}
	if err := b.Call(bg, 1, nil, func(*ndr.Decoder) error { return os.ErrInvalid }); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("out: %v", err)
	}
	if got, err := call(bg, b); got != "next" || err != nil {
		t.Errorf("next call: %q, %v", got, err)
	}
}

// spent is a connection that a fuzzed server speaks on.
type spent struct {
	net.Conn
	in *bytes.Reader
}

func (c spent) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c spent) Write(b []byte) (int, error)      { return len(b), nil }
func (c spent) Close() error                     { return nil }
func (c spent) SetReadDeadline(time.Time) error  { return nil }
func (c spent) SetWriteDeadline(time.Time) error { return nil }

// FuzzServer has a client bind and call, whatever the server says.
func FuzzServer(f *testing.F) {
	h := pdu.Header{CallID: 1, Flags: pdu.ConcMPX}
	f.Add(append(accept(h, nil), respond(2, whole, "abcd")...))
	f.Add(bytes.Join([][]byte{accept(h, nil), respond(2, pdu.FirstFrag, "ab"), respond(2, pdu.LastFrag, "cd"), respond(3, whole, "")}, nil))
	f.Add(append(accept(h, nil), (&pdu.Fault{Header: pdu.Header{CallID: 2}, Status: 5}).Append(nil)...))
	f.Add((&pdu.BindNak{Header: h, Reason: 4}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := client.NewConn(spent{in: bytes.NewReader(b)}, client.Config{MaxResponse: 1 << 16})
		defer c.Close()
		x, err := c.Bind(bg, iface, nil)
		if err != nil {
			return
		}
		for range 3 {
			call(bg, x)
		}
		if _, err := call(bg, x); err == nil && len(b) < 4*pdu.ResponseLen {
			t.Error("a call without an answer succeeded")
		}
	})
}
