package ipc

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// A region is memory that a client and the server share: what is read or written in bulk is put there, and the frames say where. The server makes it, so that
// no client can make it smaller under the server's hands, and gives it to the client with the hello. Nothing is decided by what stands in it: the client may
// change that at any time, and gets or writes then what it deserves.
const (
	slotSize   = 256 << 10
	slots      = 8
	regionSize = slots * slotSize

	// sharedFrom is the least data for which the way by the region is the shorter one.
	sharedFrom = 32 << 10
)

// shared is a client's side of a region.
type shared struct {
	mu  sync.RWMutex // held for reading while mem is used
	mem []byte       // guarded by mu; nil for none

	slots sync.Mutex
	taken uint // guarded by slots: a bit for each slot
}

// take gets n adjoining slots, -1 if there are none.
func (s *shared) take(n int) int {
	s.slots.Lock()
	defer s.slots.Unlock()
	for at := 0; at+n <= slots; at++ {
		if run := uint(1<<n-1) << at; s.taken&run == 0 {
			s.taken |= run
			return at
		}
	}
	return -1
}

func (s *shared) give(at, n int) {
	s.slots.Lock()
	s.taken &^= uint(1<<n-1) << at
	s.slots.Unlock()
}

// with calls f with the memory, unless there is none any more.
func (s *shared) with(f func(mem []byte)) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.mem == nil {
		return false
	}
	f(s.mem)
	return true
}

// drop lets the memory go.
func (s *shared) drop() {
	s.mu.Lock()
	mem := s.mem
	s.mem = nil
	s.mu.Unlock()
	unmapRegion(mem)
}

// span is a part of a region that a request uses, in slots; none has n 0.
type span struct{ at, n int }

// bulk is how many bytes of a request could go by the region.
func bulk(r *api.Request) int {
	switch r.Op {
	case api.OpRead:
		return len(r.Out)
	case api.OpWrite:
		return len(r.In)
	}
	return 0
}

// lay finds room for the data of a request and, of a write, puts them there.
func (c *Client) lay(r *api.Request) span {
	n := bulk(r)
	if n < sharedFrom || n > regionSize || c.shared == nil {
		return span{}
	}
	w := span{n: (n + slotSize - 1) / slotSize}
	if w.at = c.shared.take(w.n); w.at < 0 {
		return span{}
	}
	if !c.shared.with(func(mem []byte) { copy(mem[w.at*slotSize:], r.In) }) {
		c.shared.give(w.at, w.n)
		return span{}
	}
	return w
}

// leave gives room back.
func (c *Client) leave(w span) {
	if w.n > 0 {
		c.shared.give(w.at, w.n)
	}
}

// collect takes what was read for a request, and gives its room back.
func (c *Client) collect(r *api.Request, w span, status nt.Status, n int) error {
	if w.n == 0 {
		return nil
	}
	defer c.shared.give(w.at, w.n)
	if r.Op != api.OpRead || status.IsError() {
		return nil
	}
	if n > len(r.Out) || !c.shared.with(func(mem []byte) { copy(r.Out[:n], mem[w.at*slotSize:]) }) {
		return ErrProtocol
	}
	return nil
}
