package ipc

import (
	"sync"
	"time"
	"unsafe"

	"lwio/iomgr/api"
	"lwio/iomgr/awake"
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

	// An answer to a request with so many bytes in one piece takes a file system some 100 µs, and is looked for longer.
	largeFrom = 512 << 10
	lookLarge = 250 * time.Microsecond
)

// shared is a client's side of a region.
type shared struct {
	mu  sync.RWMutex // held for reading while mem is used
	mem []byte       // guarded by mu; nil for none

	slots sync.Mutex
	taken uint   // guarded by slots: a bit for each slot
	held  int    // guarded by slots: buffers of the user's
	left  []byte // guarded by slots: the memory of a connection that has ended, for them
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

// drop lets the memory go: at once, or with the last buffer in it.
func (s *shared) drop() {
	s.mu.Lock()
	mem := s.mem
	s.mem = nil
	s.mu.Unlock()
	s.slots.Lock()
	if s.held > 0 {
		s.left, mem = mem, nil
	}
	s.slots.Unlock()
	unmapRegion(mem)
}

// release gives a buffer back.
func (s *shared) release(at, n int) {
	s.slots.Lock()
	s.taken &^= uint(1<<n-1) << at
	s.held--
	var mem []byte
	if s.held == 0 {
		mem, s.left = s.left, nil
	}
	s.slots.Unlock()
	unmapRegion(mem)
}

// offset is where in mem data begins; false if it is other memory.
func offset(mem, data []byte) (int, bool) {
	at, from := uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(unsafe.Pointer(unsafe.SliceData(mem)))
	if at < from || at >= from+uintptr(len(mem)) || len(data) > len(mem)-int(at-from) {
		return 0, false
	}
	return int(at - from), true
}

// Buffer gives n bytes of the memory that the client shares with the server. A read into them, or a write from them, of any part of 32 KiB or more, is one
// request, and its data are not copied on their way between the processes. There is room for 2 MiB in all, in pieces of 256 KiB, which other requests use
// as well; b is nil where there is none, or no such memory. When the connection has ended the buffer stays until it is freed.
func (c *Client) Buffer(n int) (b []byte, free func()) {
	s := c.shared
	if s == nil || n < 1 || n > regionSize {
		return nil, nil
	}
	many := slotsOf(n)
	at := s.take(many)
	if at < 0 {
		return nil, nil
	}
	if !s.with(func(mem []byte) {
		s.slots.Lock()
		s.held++
		s.slots.Unlock()
		b = mem[at*slotSize : at*slotSize+n : at*slotSize+n]
	}) {
		s.give(at, many)
		return nil, nil
	}
	return b, sync.OnceFunc(func() { s.release(at, many) })
}

// span is where in a region the data of a request are, and how many slots it has taken for them.
type span struct {
	in    bool // they are there
	at    int  // in bytes
	slots int  // 0 for what lies in a buffer of the user's
	large bool // the answer takes its time
}

func slotsOf(n int) int { return (n + slotSize - 1) / slotSize }

// bulk is the data of a request that could go by the region.
func bulk(r *api.Request) []byte {
	switch r.Op {
	case api.OpRead:
		return r.Out
	case api.OpWrite:
		return r.In
	}
	return nil
}

// inBuffer finds the data of a request in the memory that is shared.
func (c *Client) inBuffer(r *api.Request) (at int, ok bool) {
	data := bulk(r)
	if len(data) < sharedFrom || c.shared == nil {
		return 0, false
	}
	c.shared.with(func(mem []byte) { at, ok = offset(mem, data) })
	return at, ok
}

// lay finds room for the data of a request and, of a write, puts them there.
func (c *Client) lay(r *api.Request) span {
	n := len(bulk(r))
	if n < sharedFrom || n > regionSize || c.shared == nil {
		return span{}
	}
	if at, ok := c.inBuffer(r); ok {
		if n >= largeFrom && c.large.Add(1) == 1 {
			c.in.LookFor(lookLarge)
		}
		return span{in: true, at: at, large: n >= largeFrom}
	}
	many := slotsOf(n)
	at := c.shared.take(many)
	if at < 0 {
		return span{}
	}
	if !c.shared.with(func(mem []byte) { copy(mem[at*slotSize:], r.In) }) {
		c.shared.give(at, many)
		return span{}
	}
	return span{in: true, at: at * slotSize, slots: many}
}

// leave gives room back.
func (c *Client) leave(w span) {
	if w.slots > 0 {
		c.shared.give(w.at/slotSize, w.slots)
	}
	if w.large && c.large.Add(-1) == 0 {
		c.in.LookFor(awake.Usual)
	}
}

// collect takes what was read for a request, and gives its room back.
func (c *Client) collect(r *api.Request, w span, status nt.Status, n int) error {
	if !w.in {
		return nil
	}
	defer c.leave(w)
	if r.Op != api.OpRead || status.IsError() {
		return nil
	}
	if n > len(r.Out) || w.slots > 0 && !c.shared.with(func(mem []byte) { copy(r.Out[:n], mem[w.at:]) }) {
		return ErrProtocol
	}
	return nil
}
