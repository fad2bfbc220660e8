package fsrtl

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"

	"lwio/iomgr/nt"
)

// leaseState reads the letters of LeaseState.String.
func leaseState(s string) (st LeaseState) {
	for _, c := range s {
		switch c {
		case 'R':
			st |= LeaseRead
		case 'W':
			st |= LeaseWrite
		case 'H':
			st |= LeaseHandle
		}
	}
	return st
}

// oplockRig runs transcripts: opens by name, receivers for every one that holds something, and what was told meanwhile.
type oplockRig struct {
	t     *testing.T
	mu    sync.Mutex // what a timer's goroutine does is seen by the script after pass
	o     Opens
	opens map[string]*Open
	waits map[string]*OplockWait
	said  []string
}

func leaseKey(name string) LeaseKey {
	k := LeaseKey{}
	copy(k.Client[:], "client")
	copy(k.Key[:], name)
	return k
}

func (x *oplockRig) receive(name string, op *Open) {
	x.o.Receive(op, func(b Break) {
		who := name
		if b.Lease {
			who = strings.TrimRight(string(b.Key.Key[:]), "\x00")
		}
		ack := ""
		if b.AckRequired {
			ack = " acknowledge"
		}
		if b.Lease && b.Epoch != 0 {
			ack += fmt.Sprintf(" epoch=%d", b.Epoch)
		}
		x.said = append(x.said, fmt.Sprintf("%s: break %v to %v%s\n", who, b.From, b.To, ack))
		x.receive(name, op)
	})
}

// again opens once more, on whatever goroutine.
func (x *oplockRig) again(c openCase) {
	if x.mu.TryLock() { // not under a command of the script
		defer x.mu.Unlock()
	}
	x.open(c)
}

type openCase struct {
	name string
	in   Opening
	req  *OplockRequest
	args GrantArgs
}

func (x *oplockRig) open(c openCase) {
	retry := c
	retry.in.Again = true
	op, w, status := x.o.Enter(c.in, func() { x.again(retry) })
	switch status {
	case nt.StatusPending:
		x.said = append(x.said, c.name+": waits\n")
		x.waits[c.name] = w
		return
	case nt.StatusSuccess:
	default:
		x.said = append(x.said, c.name+": "+status.Name()+"\n")
		return
	}
	delete(x.waits, c.name)
	x.opens[c.name] = op
	out := c.name + ": open"
	if c.req != nil {
		c.args.Overwritten = c.in.Overwrites
		g := x.o.Grant(op, *c.req, c.args)
		out += " " + g.State.String()
		if g.Epoch != 0 {
			out += fmt.Sprintf(" epoch=%d", g.Epoch)
		}
		if g.Breaking {
			out += " breaking"
		}
		x.receive(c.name, op)
	}
	x.said = append(x.said, out+"\n")
}

func (x *oplockRig) run(d *datadriven.TestData) string {
	var name string
	if len(d.CmdArgs) > 0 {
		name = d.CmdArgs[0].Key
	}
	vals := map[string]string{}
	for _, a := range d.CmdArgs {
		v := ""
		if len(a.Vals) > 0 {
			v = a.Vals[0]
		}
		vals[a.Key] = v
	}
	has := func(k string) bool { _, ok := vals[k]; return ok }
	switch d.Cmd {
	case "open":
		c := openCase{name: name, in: Opening{Access: nt.FileReadData | nt.FileWriteData, Share: 7, Overwrites: has("overwrite")}}
		if has("violation") {
			c.in.Share = 0
		}
		if has("stat") {
			c.in.Access = nt.FileReadAttributes | nt.Synchronize
		}
		if has("read-control") {
			c.in.Access = nt.ReadControl
		}
		c.args = GrantArgs{Directory: has("directory"), Locked: has("locked")}
		if has("lease") {
			c.req = &OplockRequest{State: leaseState(vals["state"]), Lease: true, Key: leaseKey(vals["lease"]), Version: 1}
			if has("epoch") {
				e, err := strconv.Atoi(vals["epoch"])
				if err != nil {
					x.t.Fatal(err)
				}
				c.req.Version, c.req.Epoch = 2, uint16(e)
			}
			c.in.Key = &c.req.Key
		}
		if has("oplock") {
			c.req = &OplockRequest{State: leaseState(vals["oplock"])}
		}
		x.open(c)
	case "close":
		x.o.Remove(x.opens[name])
		delete(x.opens, name)
	case "write":
		x.o.ContendReads(x.opens[name])
	case "rename":
		if w, wait := x.o.ContendHandles(x.opens[name], func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.said = append(x.said, name+": looks again\n")
		}); wait {
			x.said = append(x.said, name+": waits\n")
			x.waits[name] = w
		}
	case "foreign":
		if w, wait := x.o.ContendForeign(has("writes"), func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.said = append(x.said, name+": looks again\n")
		}); wait {
			x.said = append(x.said, name+": waits\n")
			x.waits[name] = w
		}
	case "entry-changed":
		var parent *LeaseKey
		if has("parent") {
			k := leaseKey(vals["parent"])
			parent = &k
		}
		x.o.ContendDirectory(parent)
	case "ack":
		x.said = append(x.said, x.o.Acknowledge(x.opens[name], leaseState(vals["keeps"])).Name()+"\n")
	case "cancel":
		x.said = append(x.said, fmt.Sprintln(x.waits[name].Cancel()))
	case "pass":
		span, err := time.ParseDuration(name)
		if err != nil {
			x.t.Fatal(err)
		}
		x.mu.Lock() // what was done until now is seen by the timers
		x.mu.Unlock()
		time.Sleep(span) // of the bubble's clock
		synctest.Wait()
		x.mu.Lock()
		defer x.mu.Unlock()
	case "state":
		x.said = append(x.said, x.o.State(x.opens[name]).String()+"\n")
	default:
		x.t.Fatalf("no command %q", d.Cmd)
	}
	out := strings.Join(x.said, "")
	x.said = nil
	return out
}

func TestOplockTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/oplocks", func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			x := &oplockRig{t: t, opens: map[string]*Open{}, waits: map[string]*OplockWait{}}
			datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return x.run(d) })
			for _, w := range x.waits {
				w.Cancel()
			}
			for _, op := range x.opens {
				x.o.Remove(op)
			}
			if len(x.o.holders) != 0 || len(x.o.opens) != 0 {
				t.Errorf("%d holders and %d opens are left", len(x.o.holders), len(x.o.opens))
			}
		})
	})
}

// Whatever happens: at most one holder may write, and then no other reads; a holder that breaks holds what it was told to give up; who waits is called once.
func TestOplockInvariants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for range 300 {
			var o Opens
			var opens []*Open
			waiting, called := 0, 0
			states := []LeaseState{LeaseRead, LeaseRead | LeaseHandle, LeaseRead | LeaseWrite, LeaseRead | LeaseWrite | LeaseHandle}
			for range 60 {
				switch k := rng.IntN(6); {
				case k < 2:
					req := OplockRequest{State: states[rng.IntN(4)], Lease: rng.IntN(3) > 0, Version: 2, Key: leaseKey(string(rune('a' + rng.IntN(3))))}
					in := Opening{Access: nt.FileReadData, Share: 7, Overwrites: rng.IntN(4) == 0}
					switch rng.IntN(8) {
					case 0, 1:
						in.Share = 2
					case 2:
						in.Access = nt.FileReadAttributes
					}
					if req.Lease {
						in.Key = &req.Key
					}
					op, _, status := o.Enter(in, func() { called++ })
					if status == nt.StatusPending {
						waiting++
					}
					if op == nil {
						continue
					}
					o.Grant(op, req, GrantArgs{})
					opens = append(opens, op)
				case len(opens) == 0:
				case k == 2:
					i := rng.IntN(len(opens))
					o.Remove(opens[i])
					opens = append(opens[:i], opens[i+1:]...)
				case k == 3:
					o.ContendReads(opens[rng.IntN(len(opens))])
				case k == 4:
					o.Acknowledge(opens[rng.IntN(len(opens))], LeaseState(rng.IntN(8)))
				case k == 5:
					o.Receive(opens[rng.IntN(len(opens))], func(Break) {})
				}
				writers, readers := 0, 0
				for _, h := range o.holders {
					if h.state&LeaseWrite != 0 {
						writers++
					}
					if h.state&LeaseRead != 0 {
						readers++
					}
					if len(h.opens) == 0 || h.breaking && h.required&^h.state != 0 || h.breaking != (h.timer != nil) {
						t.Fatalf("holder %+v", h)
					}
				}
				if writers > 1 || writers == 1 && readers > 1 {
					t.Fatalf("%d write, %d read", writers, readers)
				}
			}
			for _, op := range opens {
				o.Remove(op)
			}
			if len(o.holders) > 0 || len(o.opens) > 0 {
				t.Fatal("something is left")
			}
			if called > waiting {
				t.Fatalf("%d waited, %d were called", waiting, called)
			}
		}
	})
}
