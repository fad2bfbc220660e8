package pvfs

import (
	"errors"
	"io"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// posts are requests that wait for the disk: reads of what is not in memory, and all that is to be durable. They are done by goroutines of their
// own, so that who submitted goes on; of those there are few, since each may hold a thread of the system. Writes to memory are done at once: to
// hand a mebibyte to another processor costs more than to copy it.
type posts struct {
	mu      sync.Mutex
	running int      // guarded by mu
	queue   []posted // guarded by mu: what waits for one of those that run
}

type posted struct {
	f      *file
	r      *api.Request
	offset int64
	done   int              // bytes that were moved before
	work   func() nt.Status // of what is no read, write or flush
}

const maxPosts = 64

// atEnd is the offset of a write behind the last byte (MS-FSA 2.1.5.4).
const atEnd = -1

func (p *posts) post(x posted) {
	x.f.enter()
	p.mu.Lock()
	if p.running == maxPosts {
		p.queue = append(p.queue, x)
		p.mu.Unlock()
		return
	}
	p.running++
	p.mu.Unlock()
	go p.run(x)
}

func (p *posts) run(x posted) {
	for {
		x.move()
		p.mu.Lock()
		if len(p.queue) == 0 {
			p.running--
			p.mu.Unlock()
			return
		}
		x, p.queue[0] = p.queue[0], posted{}
		if p.queue = p.queue[1:]; len(p.queue) == 0 {
			p.queue = nil
		}
		p.mu.Unlock()
	}
}

func (x posted) move() {
	var status nt.Status
	var n int
	switch {
	case x.work != nil:
		status = x.work()
	case x.r.Op == api.OpRead:
		n, status = x.f.read(x.r, x.offset, x.done)
	case x.r.Op == api.OpWrite:
		n, status = x.f.write(x.r, x.offset)
	default:
		status = x.f.flush()
	}
	x.f.exit()
	x.r.Complete(status, n)
}

// enter counts what moves: Cleanup waits for it.
func (f *file) enter() {
	f.mu.Lock()
	f.moving++
	f.mu.Unlock()
}

func (f *file) exit() {
	f.mu.Lock()
	if f.moving--; f.moving == 0 && f.still != nil {
		close(f.still)
		f.still = nil
	}
	f.mu.Unlock()
}

// clean marks the file as cleaned up, and waits until nothing moves.
func (f *file) clean() {
	f.mu.Lock()
	f.cleaned = true
	for f.moving > 0 {
		if f.still == nil {
			f.still = make(chan struct{})
		}
		still := f.still
		f.mu.Unlock()
		<-still
		f.mu.Lock()
	}
	f.mu.Unlock()
}

// read reads what the first done bytes do not have, and gives how many there are.
func (f *file) read(r *api.Request, offset int64, done int) (int, nt.Status) {
	n, err := f.readAt(r.Out[done:], offset+int64(done))
	return f.haveRead(r, offset, done+n, err)
}

func (f *file) haveRead(r *api.Request, offset int64, n int, err error) (int, nt.Status) {
	switch {
	case n > 0 || len(r.Out) == 0:
		f.position.Store(offset + int64(n))
		return n, nt.StatusSuccess
	case err == nil || errors.Is(err, io.EOF):
		return 0, nt.StatusEndOfFile
	}
	return 0, nt.StatusOf(err)
}

// write writes, durably if that is wanted, and gives how much was. At atEnd it writes behind what any other has written there.
func (f *file) write(r *api.Request, offset int64) (int, nt.Status) {
	var n int
	var err error
	if offset == atEnd {
		n, offset, err = f.append(r.In)
	} else {
		n, err = f.writeAt(r.In, offset)
	}
	f.hasWritten(offset, n)
	if err == nil && f.through(r) {
		err = f.sync()
	}
	return n, nt.StatusOf(err)
}

// hasWritten takes note of n bytes that were written.
func (f *file) hasWritten(offset int64, n int) {
	if n > 0 {
		f.written.Store(true)
		f.noteWritten()
		f.position.Store(offset + int64(n))
	}
}

// append writes behind the last byte and gives where that was. Who makes it durable holds up no other.
func (f *file) append(b []byte) (n int, at int64, err error) {
	f.stream.appending.Lock()
	defer f.stream.appending.Unlock()
	if at, _, err = f.size(); err != nil {
		return 0, 0, err
	}
	n, err = f.writeAt(b, at)
	return n, at, err
}

// through reports whether a write is to be durable before it completes.
func (f *file) through(r *api.Request) bool {
	return r.Flags&api.FlagWriteThrough != 0 || (r.File().Options()|f.mode.Load())&nt.FileWriteThrough != 0
}

// flush makes what was written durable.
func (f *file) flush() nt.Status {
	err := f.sync()
	if err == nil {
		f.showWrites()
	}
	return nt.StatusOf(err)
}
