package srv

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestWindow(t *testing.T) {
	w := window{high: 1}
	if !w.take(0, 1) || w.take(0, 1) || w.take(1, 1) {
		t.Fatal("one id, once")
	}
	if n := w.grant(0, 10); n != 1 {
		t.Errorf("a peer without credits was granted %d", n)
	}
	if n := w.grant(0, 10); n != 0 {
		t.Errorf("granted %d unasked", n)
	}
	if n := w.grant(100, 10); n != 9 {
		t.Errorf("granted %d", n)
	}
	if w.take(9, 3) || w.take(math.MaxUint64, 1) || w.take(5, math.MaxUint64) {
		t.Error("took more than was granted")
	}
	if !w.take(5, 3) || w.take(7, 1) || w.take(4, 2) {
		t.Error("a range is taken whole or not at all")
	}
	// The ids skipped hold the window.
	if n := w.grant(100, 10); n != 0 {
		t.Errorf("granted %d behind a skipped id", n)
	}
	if !w.take(1, 4) || w.low != 8 {
		t.Errorf("low %d", w.low)
	}
	if n := w.grant(100, 10); n != 7 {
		t.Errorf("granted %d", n)
	}
}

// TestWindowModel compares the bitmap with a set.
func TestWindowModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{1, 3, 64, 100, maxCredits}).Draw(t, "limit")
		w := window{high: 1}
		free, high := map[uint64]bool{0: true}, uint64(1)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "grant") {
				n := w.grant(rapid.Uint16Range(0, 200).Draw(t, "want"), limit)
				for range n {
					free[high] = true
					high++
				}
				low := high
				for id := range free {
					low = min(low, id)
				}
				if high-low > uint64(max(limit, 1)) {
					t.Fatalf("span %d of %d", high-low, limit)
				}
				continue
			}
			id := rapid.Uint64Range(w.low-min(w.low, 3), high+3).Draw(t, "id")
			n := rapid.Uint64Range(1, 5).Draw(t, "n")
			want := true
			for i := id; i < id+n; i++ {
				want = want && free[i]
			}
			if got := w.take(id, n); got != want {
				t.Fatalf("take(%d, %d) = %v", id, n, got)
			}
			if want {
				for i := id; i < id+n; i++ {
					delete(free, i)
				}
			}
		}
	})
}

func TestIDs(t *testing.T) {
	var m idMixer
	m.init()
	seen := map[uint64]bool{}
	for range 100000 {
		id := m.id()
		if id == 0 || id == math.MaxUint64 || seen[id] {
			t.Fatalf("id %#x", id)
		}
		seen[id] = true
	}
	clear(seen)
	for range 100000 {
		id := m.short()
		if id == 0 || id >= math.MaxUint32 || seen[id] {
			t.Fatalf("short id %#x", id)
		}
		seen[id] = true
	}
}
