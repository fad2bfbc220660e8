package wkssvc

import "lwio/rpc/ndr"

// maxPage bounds the bytes of one answer, whatever length the client prefers; it goes on with the resume handle.
const maxPage = 16 << 20

// page is what one call of an enumeration answers: list[from:to].
type page struct {
	from, to int
	total    uint32  // entries from the resume handle on, returned or not
	resume   *uint32 // for the next call; NULL if the client sent none
	result   uint32
}

// pageOf cuts n entries, of which each takes size bytes, at the resume handle and at the preferred length. A length that has no room
// for one entry is NERR_BufTooSmall, one that has not for all ERROR_MORE_DATA.
func pageOf(n int, resume *uint32, prefer uint32, size func(int) int) page {
	p := page{}
	if resume != nil {
		p.from = int(min(uint64(*resume), uint64(n)))
		p.resume = new(uint32)
	}
	p.total = uint32(n - p.from)
	room := int(min(prefer, maxPage))
	for p.to = p.from; p.to < n; p.to++ {
		if room -= size(p.to); room < 0 {
			break
		}
	}
	switch {
	case p.to == n:
		return p
	case p.to == p.from:
		p.result = bufTooSmall
	default:
		p.result = moreData
	}
	if p.resume != nil {
		*p.resume = uint32(p.to)
	}
	return p
}

// sizeOf is what a structure of so many bytes takes with its strings.
func sizeOf(fixed int, texts ...string) int {
	for _, t := range texts {
		fixed += 12 + (2*ndr.StringLen16(t)+3)&^3
	}
	return fixed
}
