package rpctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"lwio/rpc"
	"lwio/rpc/ndr"
)

// Difference is an answer that was not the recorded one.
type Difference struct {
	Index    int      // of the exchange in the recording
	Recorded Exchange // as recorded
	Response []byte   // what came, and Fault
	Fault    rpc.Fault
	Offset   int // of the first octet of the response that differs; -1 if one of them is a fault
}

// String says what differs.
func (d Difference) String() string {
	op := fmt.Sprintf("call %d of the recording, %s %d %s", d.Index, d.Recorded.Interface.Name, d.Recorded.Opnum, d.Recorded.Op)
	switch {
	case d.Fault != 0 && d.Recorded.Fault != 0:
		return fmt.Sprintf("%s: fault %s, recorded was fault %s", op, d.Fault.Name(), d.Recorded.Fault.Name())
	case d.Fault != 0:
		return fmt.Sprintf("%s: fault %s, recorded was a response of %d octets", op, d.Fault.Name(), len(d.Recorded.Response))
	case d.Recorded.Fault != 0:
		return fmt.Sprintf("%s: a response of %d octets, recorded was fault %s", op, len(d.Response), d.Recorded.Fault.Name())
	}
	return fmt.Sprintf("%s: responses of %d octets, and recorded %d, differ at octet %d", op, len(d.Response), len(d.Recorded.Response), d.Offset)
}

// Player makes the calls of a recording again.
type Player struct {
	// Bind gives the Caller of an interface. It is asked once for each.
	Bind func(context.Context, Name) (rpc.Caller, error)
	// Same may take answers for the same that are not, octet by octet: times, sizes of free memory. It is asked where they differ. Nil takes none.
	Same func(recorded, got Exchange) bool
}

// ErrSyntax says that a binding speaks another transfer syntax than the recording.
var ErrSyntax = errors.New("rpctest: the call was recorded in another transfer syntax")

// Play makes the calls one after another and returns the answers that differ. Its error is that of a call that had none.
func (p *Player) Play(ctx context.Context, rec Recording) ([]Difference, error) {
	var found []Difference
	callers := map[Name]rpc.Caller{}
	places := handles(rec)
	now := map[handle]handle{} // recorded, and what the server gave out for it
	for i, x := range rec.Exchanges {
		c := callers[x.Interface]
		if c == nil {
			var err error
			if c, err = p.Bind(ctx, x.Interface); err != nil {
				return found, err
			}
			callers[x.Interface] = c
		}
		got := x
		got.Request = translate(x.Request, now)
		var err error
		if got.Response, got.Fault, err = call(ctx, c, &got); err != nil {
			return found, fmt.Errorf("call %d of the recording, %s %d %s: %w", i, x.Interface.Name, x.Opnum, x.Op, err)
		}
		masked := append([]byte(nil), got.Response...)
		for _, at := range places[i] {
			if at+handleLen <= len(got.Response) {
				now[handle(x.Response[at:])] = handle(got.Response[at:])
				copy(masked[at:at+handleLen], x.Response[at:])
			}
		}
		if (got.Fault != x.Fault || !bytes.Equal(masked, x.Response)) && (p.Same == nil || !p.Same(x, got)) {
			d := Difference{Index: i, Recorded: x, Response: got.Response, Fault: got.Fault, Offset: -1}
			if got.Fault == 0 && x.Fault == 0 {
				for d.Offset = 0; d.Offset < min(len(masked), len(x.Response)) && masked[d.Offset] == x.Response[d.Offset]; d.Offset++ {
				}
			}
			found = append(found, d)
		}
	}
	return found, nil
}

// call makes a call of stub data.
func call(ctx context.Context, c rpc.Caller, x *Exchange) (response []byte, fault rpc.Fault, err error) {
	err = c.Call(ctx, x.Opnum, func(e *ndr.Encoder) {
		if e.Syntax() != x.Syntax {
			e.Fail(ErrSyntax, x.Op)
			return
		}
		e.Uint8s(x.Request)
	}, func(d *ndr.Decoder) error {
		response = rest(d)
		return nil
	})
	if errors.As(err, &fault) && fault != 0 {
		return nil, fault, nil
	}
	return response, 0, err
}

// handleLen is the wire size of a context handle, which begins with attributes of zero.
const handleLen = rpc.ContextHandleSize

type handle [handleLen]byte

func plausible(b []byte) bool {
	return len(b) >= handleLen && bytes.Equal(b[:4], []byte{0, 0, 0, 0}) && bytes.Count(b[4:handleLen], []byte{0}) < 8
}

// handles finds, for each response, where it has context handles: what looks like one and comes back in a later request.
func handles(rec Recording) [][]int {
	places := make([][]int, len(rec.Exchanges))
	later := map[handle]bool{}
	for i := len(rec.Exchanges) - 1; i >= 0; i-- {
		x := &rec.Exchanges[i]
		for at := 0; at+handleLen <= len(x.Response); at += 4 {
			if plausible(x.Response[at:]) && later[handle(x.Response[at:])] {
				places[i] = append(places[i], at)
			}
		}
		for at := 0; at+handleLen <= len(x.Request); at += 4 {
			if plausible(x.Request[at:]) {
				later[handle(x.Request[at:])] = true
			}
		}
	}
	return places
}

// translate puts the server's handles in the place of the recorded ones.
func translate(stub []byte, now map[handle]handle) []byte {
	b := append([]byte{}, stub...)
	for at := 0; at+handleLen <= len(b); at += 4 {
		if h, ok := now[handle(stub[at:])]; ok {
			copy(b[at:], h[:])
			at += handleLen - 4
		}
	}
	return b
}

// Playback is a server made of a recording: each request that was recorded gets the answer that was, once, in the order of the recording. A request that was not, or
// was answered already, gets rpc.FaultUnspecified, and is remembered.
type Playback struct {
	mu         sync.Mutex
	rec        Recording
	used       []bool     // guarded by mu
	unexpected []Exchange // guarded by mu
}

// NewPlayback makes a Playback.
func NewPlayback(rec Recording) *Playback {
	return &Playback{rec: rec, used: make([]bool, len(rec.Exchanges))}
}

// Interfaces are those of the recording, to be registered with a server, with any implementation.
func (p *Playback) Interfaces() []*rpc.Interface {
	var all []*rpc.Interface
	seen := map[Name]*rpc.Interface{}
	for _, x := range p.rec.Exchanges {
		key := x.Interface
		key.Name = ""
		i := seen[key]
		if i == nil {
			i = &rpc.Interface{Name: x.Interface.Name, UUID: x.Interface.UUID, Major: x.Interface.Major, Minor: x.Interface.Minor, Implements: func(any) bool { return true }}
			seen[key] = i
			all = append(all, i)
		}
		for len(i.Ops) <= int(x.Opnum) {
			i.Ops = append(i.Ops, rpc.Op{})
		}
		name := x.Interface
		i.Ops[x.Opnum] = rpc.Op{Name: x.Op, Invoke: func(_ context.Context, _ any, call *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
			return p.answer(name, call.Opnum, in, out)
		}}
	}
	return all
}

func (p *Playback) answer(name Name, opnum uint16, in *ndr.Decoder, out *ndr.Encoder) error {
	got := Exchange{Interface: name, Opnum: opnum, Syntax: in.Syntax(), Request: rest(in)}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.rec.Exchanges {
		x := &p.rec.Exchanges[i]
		if p.used[i] || x.Opnum != opnum || x.Syntax != got.Syntax || !x.Interface.is(name) || !bytes.Equal(x.Request, got.Request) {
			continue
		}
		p.used[i] = true
		if x.Fault != 0 {
			return x.Fault
		}
		out.Uint8s(x.Response)
		return nil
	}
	p.unexpected = append(p.unexpected, got)
	return rpc.FaultUnspecified
}

// Unexpected are the requests that the recording had no answer for.
func (p *Playback) Unexpected() []Exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Exchange(nil), p.unexpected...)
}

// Left are the exchanges that nobody asked for.
func (p *Playback) Left() []Exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []Exchange
	for i, x := range p.rec.Exchanges {
		if !p.used[i] {
			left = append(left, x)
		}
	}
	return left
}
