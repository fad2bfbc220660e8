package srv

import (
	"io"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"lwio/iomgr/api"
)

// canSplice: this system moves data between descriptors.
const canSplice = true

// pipeSize is what a pipe should hold: the longest answers that clients ask for. Where the user may not have so much it holds half, or what the system gives.
const pipeSize = 2 << 20

// pipe is what data pass through between socket and file. It is empty but while somebody uses it.
type pipe struct{ r, w int }

func (p *pipe) close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

// pipes are those that nobody uses. For data that come nobody keeps one while he waits, so there are not more of them than threads; answers that wait for their client
// keep them, and there are at most maxLentPipes of those.
type splicePipes struct {
	mu     sync.Mutex
	idle   []*pipe // guarded by mu
	closed bool    // guarded by mu: the server has stopped
	lent   atomic.Int32
}

const (
	maxIdlePipes = 8
	maxLentPipes = 64
)

// lend gives a pipe for an answer; nil if there are enough.
func (s *splicePipes) lend() *pipe {
	if s.lent.Add(1) <= maxLentPipes {
		if p, err := s.get(); err == nil {
			return p
		}
	}
	s.lent.Add(-1)
	return nil
}

// giveBack takes one that was lent and holds n bytes.
func (s *splicePipes) giveBack(p *pipe, n int) {
	s.lent.Add(-1)
	if n > 0 {
		p.close()
		return
	}
	s.put(p)
}

func (s *splicePipes) get() (*pipe, error) {
	s.mu.Lock()
	if n := len(s.idle); n > 0 {
		p := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.mu.Unlock()
		return p, nil
	}
	s.mu.Unlock()
	var fd [2]int
	if err := unix.Pipe2(fd[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	if _, err := unix.FcntlInt(uintptr(fd[0]), unix.F_SETPIPE_SZ, pipeSize); err != nil {
		_, _ = unix.FcntlInt(uintptr(fd[0]), unix.F_SETPIPE_SZ, pipeSize/2) // a smaller one takes more turns
	}
	return &pipe{r: fd[0], w: fd[1]}, nil
}

func (s *splicePipes) put(p *pipe) {
	s.mu.Lock()
	if len(s.idle) < maxIdlePipes && !s.closed {
		s.idle = append(s.idle, p)
		p = nil
	}
	s.mu.Unlock()
	if p != nil {
		p.close()
	}
}

// close closes those that are idle, and has the others closed when they are.
func (s *splicePipes) close() {
	s.mu.Lock()
	idle := s.idle
	s.idle, s.closed = nil, true
	s.mu.Unlock()
	for _, p := range idle {
		p.close()
	}
}

// SpliceTo moves to the file what has come.
func (f *inflow) SpliceTo(fd uintptr, offset int64) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if b := f.buffered(f.left); len(b) > 0 {
		return writeAll(fd, b, offset)
	}
	f.arm()
	f.n, f.errno = 0, nil
	err := f.c.raw.Read(f.fill)
	if err == nil {
		err = f.errno
	}
	if err == unix.EINVAL || err == unix.EMFILE || err == unix.ENFILE {
		return 0, api.ErrNoSplice
	}
	if err == nil && f.n == 0 {
		err = io.EOF
	}
	if err != nil {
		return 0, f.fail(err)
	}
	p := f.pipe
	f.pipe = nil
	f.left -= f.n
	done, err := p.empty(fd, offset, f.n)
	if err != nil { // and there may be something in it
		p.close()
		return done, err
	}
	f.c.srv.pipes.put(p)
	return done, nil
}

// fill moves what has come into a pipe; false says that nothing has.
func (f *inflow) fill(fd uintptr) bool {
	p, err := f.c.srv.pipes.get()
	if err != nil {
		f.errno = err
		return true
	}
	for {
		n, err := unix.Splice(int(fd), nil, p.w, nil, min(f.left, pipeSize), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		switch {
		case err == unix.EINTR:
			continue
		case err == nil && n > 0:
			f.n, f.pipe = int(n), p
			return true
		}
		f.c.srv.pipes.put(p)
		if err == unix.EAGAIN {
			f.c.setLowWater(fd, min(f.left, lowWater))
			return false
		}
		f.errno = err
		return true
	}
}

// empty moves n bytes out of the pipe to the file. A file that takes nothing from pipes gets them by way of memory.
func (p *pipe) empty(fd uintptr, offset int64, n int) (int, error) {
	done := 0
	for done < n {
		at := offset + int64(done)
		k, err := unix.Splice(p.r, nil, int(fd), &at, n-done, unix.SPLICE_F_MOVE)
		switch {
		case err == unix.EINTR:
		case err == unix.EINVAL:
			b := make([]byte, min(n-done, 1<<16))
			m, err := unix.Read(p.r, b)
			if err != nil {
				return done, err
			}
			m, err = writeAll(fd, b[:m], at)
			if done += m; err != nil {
				return done, err
			}
		case err != nil:
			return done, err
		case k == 0:
			return done, io.ErrShortWrite
		default:
			done += int(k)
		}
	}
	return done, nil
}

func writeAll(fd uintptr, b []byte, offset int64) (int, error) {
	done := 0
	for done < len(b) {
		n, err := syscall.Pwrite(int(fd), b[done:], offset+int64(done))
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return done, err
		default:
			done += n
		}
	}
	return done, nil
}

// Take moves pages of a file into a pipe.
func (f *outflow) Take(fd uintptr, offset int64, n int, inMemory bool) int {
	if f.p == nil {
		if f.p = f.c.srv.pipes.lend(); f.p == nil {
			return 0
		}
	}
	for f.n < n {
		var k int
		var err error
		if at := offset + int64(f.n); inMemory {
			k, err = spliceAtOnce(fd, &at, uintptr(f.p.w), n-f.n, unix.SPLICE_F_MOVE)
		} else {
			var k64 int64
			k64, err = unix.Splice(int(fd), &at, f.p.w, nil, n-f.n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
			k = int(k64)
		}
		if err == unix.EINTR {
			continue
		}
		if err != nil || k <= 0 { // it is full, or the file ends there, or that file cannot; what is not taken is read
			break
		}
		f.n += k
	}
	return f.n
}

// sendNow moves what the socket takes at once, of n bytes; nothing is no error. more says that more of the same message follows.
func (p *pipe) sendNow(fd uintptr, n int, more bool) (int, error) {
	flags := unix.SPLICE_F_MOVE
	if more {
		flags |= unix.SPLICE_F_MORE
	}
	for {
		k, err := spliceAtOnce(uintptr(p.r), nil, fd, n, flags)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, nil
		case err == nil && k == 0:
			return 0, io.ErrUnexpectedEOF
		}
		return k, err
	}
}
