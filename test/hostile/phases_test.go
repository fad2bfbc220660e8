package hostile

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"lwio/iomgr/nt"
)

// tally is what became of a worker's messages.
type tally struct {
	sent     int // mutated messages
	answered int // answers to whatever was sent
	reached  int // calls whose stub data, mutated or made up, decoded
	cut      int // connections, or associations, that the server ended
	statuses map[nt.Status]int
	last     [][]byte // the last messages sent, for the report of a hang
}

// mutated counts a mutated message and keeps it.
func (y *tally) mutated(b []byte) {
	y.sent++
	if len(y.last) == 8 {
		y.last = y.last[1:]
	}
	y.last = append(y.last, b)
}

// hung describes a hang by what was sent before it.
func (y *tally) hung(err error, what string) error {
	s := fmt.Sprintf("%s: %v; what was sent last:", what, err)
	for _, b := range y.last {
		s += "\n\t" + hex.EncodeToString(b[:min(len(b), 2000)])
	}
	return errors.New(s)
}

// phase is a layer that is lied at: work sends n mutated messages.
type phase struct {
	name  string
	share int // of 100 messages
	work  func(h *host, m mutator, n int, y *tally) error
	// least is how many answers come at the least for 100 mutated messages: fewer would mean that they get nowhere.
	least int
}

var phases = []phase{
	{"frames", 14, frames, 20},
	{"tokens", 14, tokens, 80},
	{"signed", 24, signed, 60},
	{"sealed", 12, sealed, 60},
	{"pdus", 12, pdus, 100},
	{"rpctokens", 4, rpcTokens, 0},
	{"stubs", 20, stubs, 90},
}

// workers is how many of each phase's clients are at it at once.
const workers = 4

// seed is that of the messages. LWIO_SEED gives another.
func seed(t testing.TB) uint64 {
	s := uint64(0x6c77696f)
	if v := os.Getenv("LWIO_SEED"); v != "" {
		var err error
		if s, err = strconv.ParseUint(v, 0, 64); err != nil {
			t.Fatalf("LWIO_SEED: %v", err)
		}
	}
	t.Logf("LWIO_SEED=%#x", s)
	return s
}

// runMutated sends n mutated messages in all, phase by phase, to one server.
func runMutated(t *testing.T, n int) {
	h := start(t, nil)
	h.serves()
	s := seed(t)
	base, heap := newBaseline(), heapInUse()
	bounded(t, memoryLimit, func() {
		total := 0
		for i, p := range phases {
			t.Run(p.name, func(t *testing.T) {
				h.t = t
				total += h.run(p, max(workers, n*p.share/100), s+uint64(i)<<32)
				h.forgotten()
				base.restored(t)
				h.serves()
				h.sound()
				h.untouched()
				// Calls may add to the state. What else is done leaves nothing behind.
				if now := heapInUse(); p.name != "stubs" && now > heap+1<<20 {
					t.Errorf("%d bytes of heap are alive after it; there were %d before the first", now, heap)
				}
			})
			if t.Failed() {
				break
			}
		}
		if h.t = t; total < n && !t.Failed() {
			t.Errorf("%d messages, want %d", total, n)
		}
	})
	base.restored(t)
}

// run runs the workers of a phase.
func (h *host) run(p phase, n int, seed uint64) int {
	h.t.Helper()
	var wg sync.WaitGroup
	tallies := make([]tally, workers)
	for w := range workers {
		y := &tallies[w]
		y.statuses = map[nt.Status]int{}
		wg.Go(func() {
			if err := p.work(h, newMutator(seed, w), (n+workers-1)/workers, y); err != nil {
				h.t.Errorf("worker %d, after %d messages: %v", w, y.sent, err)
			}
		})
	}
	wg.Wait()
	var sum tally
	statuses := map[nt.Status]int{}
	for _, y := range tallies {
		sum.sent, sum.answered, sum.cut, sum.reached = sum.sent+y.sent, sum.answered+y.answered, sum.cut+y.cut, sum.reached+y.reached
		for st, k := range y.statuses {
			statuses[st] += k
		}
	}
	h.t.Logf("%d mutated messages, %d answers, %d times cut, %d calls decoded", sum.sent, sum.answered, sum.cut, sum.reached)
	for _, st := range slices.SortedFunc(maps.Keys(statuses), func(a, b nt.Status) int { return statuses[b] - statuses[a] }) {
		if statuses[st]*50 > sum.answered {
			h.t.Logf("\t%6d %v", statuses[st], st)
		}
	}
	if sum.answered*100 < sum.sent*p.least {
		h.t.Errorf("%d messages have but %d answers", sum.sent, sum.answered)
	}
	if p.name == "stubs" && sum.reached*3 < sum.sent {
		h.t.Errorf("but %d of %d calls decoded", sum.reached, sum.sent)
	}
	return sum.sent
}

// TestMutated lies to the server at every layer.
func TestMutated(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 4_000
	}
	runMutated(t, n)
}
