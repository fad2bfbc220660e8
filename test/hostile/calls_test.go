package hostile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/rpc"
	rpcclient "lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/rpctest"
	"lwio/services/state"
)

// identity is who calls. Nobody is who a service knows nothing of, on a pipe that lets it in.
type identity struct {
	name  string
	token func(h *host) *nt.Token
}

var identities = []identity{
	{"nobody", func(*host) *nt.Token { return nt.AnonymousToken() }},
	{"user", func(h *host) *nt.Token { return h.who.TokenForUID(54321, 54321) }},
	{"administrator", func(h *host) *nt.Token { return h.who.TokenForUID(0, 0) }},
}

// callers is how many associations an identity has at once, and perAssociation how many calls each makes before another takes its place.
const (
	callers        = 2
	perAssociation = 20_000
)

// calls makes n calls of a service over its pipe, of which most are mutated, and gives how many were answered and how many of those decoded.
func (h *host) calls(which int, who identity, seed uint64, n int) (answered, reached int, err error) {
	var wg sync.WaitGroup
	var sums [callers][2]int
	var errs [callers]error
	for i := range callers {
		wg.Go(func() {
			for left := n / callers; left > 0 && errs[i] == nil; left -= perAssociation {
				var a, r int
				a, r, errs[i] = h.callsOn(which, who, seed+uint64(left)<<8+uint64(i), min(left, perAssociation))
				sums[i][0] += a
				sums[i][1] += r
			}
		})
	}
	wg.Wait()
	for _, s := range sums {
		answered += s[0]
		reached += s[1]
	}
	return answered, reached, errors.Join(errs[:]...)
}

// callsOn makes n calls on one association. Each is answered or faulted in time, and the association lives to the end.
func (h *host) callsOn(which int, who identity, seed uint64, n int) (answered, reached int, err error) {
	s, ops := &services[which], allOperations()[which]
	ctx := context.Background()
	pipe, err := pipes.Dial(ctx, h.m, s.pipe, pipes.DialConfig{Message: true, Timeout: patience, Token: who.token(h)})
	if err != nil {
		return 0, 0, err
	}
	conn := rpcclient.NewConn(pipe, rpcclient.Config{})
	defer conn.Close()
	b, err := conn.Bind(ctx, s.iface, nil)
	if err != nil {
		return 0, 0, err
	}
	f := &filler{mutator: newMutator(seed, which)}
	m := rpctest.NewMutator(seed)
	var response []byte
	for i := range n {
		o := &ops[(i+f.IntN(2)*f.IntN(len(ops)))%len(ops)]
		stub := f.whole(o)
		switch {
		case f.chance(8):
		case f.chance(3):
			stub = f.lied(stub, o)
		case hasHandle(o.in) && len(stub) >= rpc.ContextHandleSize && !f.chance(8):
			stub = append(stub[:rpc.ContextHandleSize:rpc.ContextHandleSize], m.Mutate(stub[rpc.ContextHandleSize:])...)
		default:
			stub = m.Mutate(stub)
		}
		if f.chance(1000) {
			f.handles = nil // forgets what it has, so that the bound of a group is met too
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		err := b.Call(ctx, o.opnum, func(e *ndr.Encoder) { e.Uint8s(stub) }, func(d *ndr.Decoder) error {
			response = make([]byte, d.Remaining())
			d.FillUint8s(response)
			return nil
		})
		cancel()
		var fault rpc.Fault
		switch {
		case err == nil:
			f.learn(o, response)
			reached++
		case errors.As(err, &fault):
			if fault != rpc.FaultNDR {
				reached++
			}
		default:
			return answered, reached, fmt.Errorf("call %d of %s as %s, stub %x: %w", i, o.name, who.name, stub[:min(len(stub), 2000)], err)
		}
		answered++
	}
	return answered, reached, nil
}

// recreate makes the accounts anew: an administrator may have changed or deleted them.
func (h *host) recreate() {
	h.t.Helper()
	ctx := context.Background()
	for _, name := range []string{admin, user} {
		if _, err := h.who.Get(ctx, name); err == nil {
			if err := h.who.Delete(ctx, name); err != nil {
				h.t.Fatal(err)
			}
		}
		if _, err := h.who.Add(ctx, state.NewAccount{Name: name, Password: password, Admin: name == admin}); err != nil {
			h.t.Fatal(err)
		}
	}
}

// grown is what state may keep of an administrator's calls, and what the runtime keeps of any.
var grown = map[string]uint64{"nobody": 2 << 20, "user": 2 << 20, "administrator": 48 << 20}

// runCalls makes n calls of each interface, a third as each identity: nothing panics, no association ends, memory is what it was.
func runCalls(t *testing.T, n int) {
	seed := seed(t)
	for which := range services {
		t.Run(services[which].iface.Name, func(t *testing.T) {
			for k, who := range identities {
				h := start(t, nil)
				h.serves()
				base, heap := newBaseline(), heapInUse()
				began := time.Now()
				bounded(t, memoryLimit, func() {
					answered, reached, err := h.calls(which, who, seed+uint64(which*len(identities)+k)<<40, n/len(identities))
					if err != nil {
						t.Error(err)
					}
					t.Logf("%s: %d calls, %d of them decoded, in %v", who.name, answered, reached, time.Since(began).Round(time.Millisecond))
					if reached*5 < answered {
						t.Errorf("%s: but %d of %d calls decoded", who.name, reached, answered)
					}
				})
				h.settings(h.initial)
				h.recreate()
				base.restored(t)
				h.sound()
				if now := heapInUse(); now > heap+grown[who.name] {
					t.Errorf("%s: %d bytes of heap are alive after it; there were %d before", who.name, now, heap)
				}
				h.serves()
			}
		})
	}
}

// TestMutatedCalls lies in the calls of every service over its pipe, as nobody, as a user and as an administrator.
func TestMutatedCalls(t *testing.T) {
	n := 6000
	if testing.Short() {
		n = 1500
	}
	runCalls(t, n)
}
