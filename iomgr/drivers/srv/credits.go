package srv

// window is the CommandSequenceWindow of a connection (MS-SMB2 3.3.1.1): message ids are granted in order, each is used once. Its span, from
// the first unused id to the last granted one, never exceeds maxCredits.
type window struct {
	low, high uint64                  // ids below low are used, ids from high on are not granted
	used      [maxCredits / 64]uint64 // a bit an id, by id modulo maxCredits
}

func (w *window) has(id uint64) bool { return w.used[id%maxCredits/64]>>(id%64)&1 != 0 }

// take uses the ids from id on. False if one of them was never granted or has been used.
func (w *window) take(id uint64, n uint64) bool {
	if id < w.low || id >= w.high || n > w.high-id {
		return false
	}
	for i := id; i < id+n; i++ {
		if w.has(i) {
			return false
		}
	}
	for i := id; i < id+n; i++ {
		w.used[i%maxCredits/64] |= 1 << (i % 64)
	}
	for w.low < w.high && w.has(w.low) {
		w.used[w.low%maxCredits/64] &^= 1 << (w.low % 64)
		w.low++
	}
	return true
}

// grant adds ids to the window, as many as are wanted as long as the span stays within limit. A peer that would be left without any gets one
// (3.3.1.2).
func (w *window) grant(want uint16, limit int) uint16 {
	span := int(w.high - w.low)
	n := min(int(want), limit-span)
	if n <= 0 {
		if span > 0 {
			return 0
		}
		n = 1
	}
	w.high += uint64(n)
	return uint16(n)
}
