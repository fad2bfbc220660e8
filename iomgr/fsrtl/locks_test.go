package fsrtl

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/cockroachdb/datadriven"

	"lwio/iomgr/nt"
)

// lockRange reads "owner offset+length excl|shared [key=n] [wait]".
func lockRange(t *testing.T, d *datadriven.TestData) (l Lock, wait bool) {
	t.Helper()
	for i, a := range d.CmdArgs {
		var v string
		if len(a.Vals) > 0 {
			v = a.Vals[0]
		}
		switch a.Key {
		case "excl":
			l.Exclusive = true
		case "shared":
		case "wait":
			wait = true
		case "key":
			k, err := strconv.ParseUint(v, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			l.Key = uint32(k)
		default:
			if i == 0 {
				l.Owner = uint64(a.Key[0])
				continue
			}
			offset, length, ok := strings.Cut(a.Key, "+")
			var err error
			if l.Offset, err = strconv.ParseUint(offset, 0, 64); err != nil || !ok {
				t.Fatalf("%q is no range", a.Key)
			}
			if l.Length, err = strconv.ParseUint(length, 0, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return l, wait
}

func TestLockTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/locks", func(t *testing.T, path string) {
		ls := &Locks{}
		waiters := map[string]*Waiter{}
		var said []string
		answer := func(s nt.Status) string {
			out := s.Name() + "\n" + strings.Join(said, "")
			said = nil
			return out
		}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "lock":
				l, wait := lockRange(t, d)
				name := fmt.Sprintf("%c %d+%d", rune(l.Owner), l.Offset, l.Length)
				w, status := ls.Lock(l, wait, func(s nt.Status) { said = append(said, name+": "+s.Name()+"\n") })
				if w != nil {
					waiters[name] = w
				}
				return answer(status)
			case "unlock":
				l, _ := lockRange(t, d)
				return answer(ls.Unlock(l))
			case "unlock-key":
				l, _ := lockRange(t, d)
				return answer(ls.UnlockKey(l.Owner, l.Key))
			case "close":
				l, _ := lockRange(t, d)
				ls.UnlockAll(l.Owner)
				return answer(nt.StatusSuccess)
			case "cancel":
				l, _ := lockRange(t, d)
				waiters[fmt.Sprintf("%c %d+%d", rune(l.Owner), l.Offset, l.Length)].Cancel()
				return answer(nt.StatusSuccess)
			case "read":
				l, _ := lockRange(t, d)
				return answer(ls.CheckRead(l.Owner, l.Key, l.Offset, l.Length))
			case "write":
				l, _ := lockRange(t, d)
				return answer(ls.CheckWrite(l.Owner, l.Key, l.Offset, l.Length))
			case "held":
				var b strings.Builder
				for _, l := range ls.Held() {
					kind := "shared"
					if l.Exclusive {
						kind = "excl"
					}
					fmt.Fprintf(&b, "%c %d+%d %s key=%d\n", rune(l.Owner), l.Offset, l.Length, kind, l.Key)
				}
				return b.String()
			}
			t.Fatalf("no command %q", d.Cmd)
			return ""
		})
	})
}

// A list of locks, checked as MS-FSA 2.1.4.10 says it, is what the tree must agree with.
type lockList []Lock

func (ls lockList) conflicts(l Lock, lock bool) bool {
	if l.Offset == 0 && l.Length == 0 {
		return false
	}
	for _, h := range ls {
		if h.Offset == 0 && h.Length == 0 || !(l.Offset <= h.Offset+h.Length-1 && h.Offset <= l.Offset+l.Length-1) {
			continue
		}
		own := h.Owner == l.Owner && h.Key == l.Key
		switch {
		case h.Exclusive && !own, h.Exclusive && lock && l.Exclusive, !h.Exclusive && l.Exclusive:
			return true
		}
	}
	return false
}

func TestLocksAgainstAList(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var ls Locks
		var list lockList
		random := func() Lock {
			l := Lock{Owner: rng.Uint64N(3), Offset: rng.Uint64N(40), Length: rng.Uint64N(8), Key: rng.Uint32N(2), Exclusive: rng.IntN(2) == 0}
			if rng.IntN(20) == 0 {
				l.Offset, l.Length = ^uint64(0)-rng.Uint64N(4), 1
			}
			return l
		}
		for range 300 {
			l := random()
			switch rng.IntN(5) {
			case 0, 1, 2:
				want := nt.StatusSuccess
				if list.conflicts(l, true) {
					want = nt.StatusLockNotGranted
				} else {
					list = append(list, l)
				}
				if _, got := ls.Lock(l, false, nil); got != want {
					t.Fatalf("lock %+v: %v, want %v, with %+v", l, got, want, list)
				}
			case 3:
				if len(list) > 0 && rng.IntN(4) > 0 {
					l = list[rng.IntN(len(list))]
				}
				want, at := nt.StatusRangeNotLocked, -1
				for i, h := range list {
					if h.Owner == l.Owner && h.Key == l.Key && h.Offset == l.Offset && h.Length == l.Length && (at < 0 || h.Exclusive) {
						want, at = nt.StatusSuccess, i
					}
				}
				if at >= 0 {
					list = slices.Delete(list, at, at+1)
				}
				if got := ls.Unlock(l); got != want {
					t.Fatalf("unlock %+v: %v, want %v", l, got, want)
				}
			case 4:
				if l.Length == 0 {
					continue
				}
				read, write := ls.CheckRead(l.Owner, l.Key, l.Offset, l.Length), ls.CheckWrite(l.Owner, l.Key, l.Offset, l.Length)
				l.Exclusive = false
				wantRead := list.conflicts(l, false)
				l.Exclusive = true
				if (read != nt.StatusSuccess) != wantRead || (write != nt.StatusSuccess) != list.conflicts(l, false) {
					t.Fatalf("%+v: read %v, write %v, with %+v", l, read, write, list)
				}
			}
		}
		if len(ls.Held()) != len(list) || ls.Any() != (len(list) > 0) {
			t.Fatalf("%d held, want %d", len(ls.Held()), len(list))
		}
		var again Locks
		again.Restore(ls.Held())
		if !slices.Equal(again.Held(), ls.Held()) {
			t.Fatal("what is restored is not what was held")
		}
		for owner := range uint64(3) {
			ls.UnlockAll(owner)
		}
		if ls.Any() || len(ls.Held()) != 0 {
			t.Fatal("locks without an owner")
		}
	}
}

func TestLockSize(t *testing.T) {
	if n := unsafe.Sizeof(rangeNode{}); n >= 128 {
		t.Errorf("a lock takes %d bytes", n)
	}
}

func BenchmarkCheckWithManyLocks(b *testing.B) {
	var ls Locks
	for i := range uint64(10000) {
		ls.Lock(Lock{Owner: 1, Offset: i * 10, Length: 5, Exclusive: true}, false, nil)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if ls.CheckRead(2, 0, uint64(i%10000)*10+5, 5) != nt.StatusSuccess {
			b.Fatal("conflict")
		}
	}
}
