// Package awake reads connections on which requests and answers follow each other closely.
//
// To put a thread to sleep and to wake it costs several times what a small request does. Whoever has just been answered mostly asks again at once, and
// an answer mostly comes soon: so a reader looks again for a short while, letting other goroutines run, before it waits in the poller. One of a
// process does so at a time, and where that was for nothing it does so ever more seldom: an idle connection costs nothing.
//
//	r := awake.New(conn)
//	n, err := r.Read(buf)
//
// Who waits for an answer himself, and has no reader for it, reads it by ReadSoon: then the thread waits in the kernel for a moment, and what comes wakes one
// thread and not two.
//
// Read is not for connections whose data come in bulk, nor for many at a time: there a thread that waits is of use to others. The SMB server lost by it
// a quarter of its calls where processors are awake anyway.
package awake

import (
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// Reader reads a connection. It is for one goroutine.
type Reader struct {
	conn net.Conn
	raw  syscall.RawConn // nil if the connection has none

	skip         int          // reads that wait at once, still
	after        int          // as many as skip will be if the next look is for nothing
	length       atomic.Int64 // how long to look, in nanoseconds
	p            []byte
	n            int
	err          error
	try, trySoon func(fd uintptr) bool // made once
}

const (
	// Usual is how long a reader looks.
	Usual   = 100 * time.Microsecond
	maxSkip = 15
)

// looking is held by the one reader of this process that looks.
var looking atomic.Bool

// New gives a reader of a connection. One that is no socket is read as ever.
func New(conn net.Conn) *Reader {
	a := &Reader{conn: conn}
	if c, ok := conn.(syscall.Conn); ok && sockets && runtime.GOMAXPROCS(0) > 1 {
		a.raw, _ = c.SyscallConn()
	}
	a.try, a.trySoon = a.look, a.lookSoon
	a.LookFor(Usual)
	return a
}

// LookFor sets how long the reader looks from now on: longer than Usual while what it waits for takes longer, and is known to come. Any goroutine may call it.
func (a *Reader) LookFor(d time.Duration) { a.length.Store(int64(d)) }

// Read reads what there is, and waits if there is nothing.
func (a *Reader) Read(p []byte) (int, error) {
	if a.raw == nil || len(p) == 0 {
		return a.conn.Read(p)
	}
	return a.readBy(p, a.try)
}

// readBy reads with one of the functions that look.
func (a *Reader) readBy(p []byte, try func(uintptr) bool) (int, error) {
	a.p, a.n, a.err = p, 0, nil
	err := a.raw.Read(try)
	a.p = nil
	switch {
	case err != nil:
		return 0, err
	case a.err != nil:
		return 0, a.err
	case a.n == 0:
		return 0, io.EOF
	}
	return a.n, nil
}

// look reads; false says that there is nothing to read and the poller shall tell when there is.
func (a *Reader) look(fd uintptr) bool {
	if a.read(fd) {
		return true
	}
	if a.skip > 0 {
		a.skip--
		return false
	}
	if !looking.CompareAndSwap(false, true) {
		return false
	}
	defer looking.Store(false)
	for start := time.Now(); time.Since(start) < time.Duration(a.length.Load()); {
		runtime.Gosched()
		if a.read(fd) {
			a.after = 0
			return true
		}
	}
	a.after = min(2*a.after+1, maxSkip)
	a.skip = a.after
	return false
}
