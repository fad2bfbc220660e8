package srvsvc

import (
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// maxWindow bounds the bytes of one answer, whatever length the client prefers; it goes on with the resume handle.
const maxWindow = 16 << 20

// window is the part of a list that one enumeration answers: from the index in the resume handle on,
// as many entries as fit in PreferedMaximumLength.
type window struct {
	from, to int
	total    uint32  // entries from the resume handle on, returned or not
	resume   *uint32 // the answer's
	result   uint32
}

// windowOf cuts a window out of n entries. size gives the bytes of an entry. Of a length that has not room for one entry the result
// is NERR_BufTooSmall, of one that has not room for all ERROR_MORE_DATA.
func windowOf(n int, resume *uint32, prefer uint32, size func(i int) int) window {
	w := window{}
	if resume != nil {
		w.resume = new(uint32)
		w.from = n
		if uint64(*resume) < uint64(n) {
			w.from = int(*resume)
		}
	}
	w.total = uint32(n - w.from)
	room := int(min(prefer, maxWindow))
	for w.to = w.from; w.to < n; w.to++ {
		if room -= size(w.to); room < 0 {
			break
		}
	}
	if w.to == n {
		return w
	}
	w.result = moreData
	if w.to == w.from {
		w.result = uint32(nt.NErrBufTooSmall)
	}
	if w.resume != nil {
		*w.resume = uint32(w.to)
	}
	return w
}

// entrySize is what a structure takes: its fixed part and its strings.
func entrySize(fixed int, texts ...*string) int {
	for _, t := range texts {
		if t != nil {
			fixed += 12 + (2*ndr.StringLen16(*t)+3)&^3
		}
	}
	return fixed
}

// entries converts the part of a list that a window shows.
func entries[S, D any](list []S, w window, convert func(*S) D) []D {
	if w.from == w.to {
		return nil
	}
	out := make([]D, 0, w.to-w.from)
	for i := w.from; i < w.to; i++ {
		out = append(out, convert(&list[i]))
	}
	return out
}
