//go:build unix

package awake

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sockets: those of this system can be read without waiting.
const sockets = true

// soon is how long ReadSoon waits: longer than most answers take, and short enough for a processor to be kept by a thread that does nothing.
const soon = time.Millisecond

// inKernel counts the threads that wait in ReadSoon.
var inKernel atomic.Int32

// CanReadSoon reports whether ReadSoon is of use: the connection is a socket, and a thread that waits in the kernel leaves a processor to others.
func (a *Reader) CanReadSoon() bool { return a.raw != nil }

// ReadSoon reads what there is or comes within a millisecond; 0 and no error say that nothing came. The thread waits for it in the kernel and goes on with
// this goroutine, where Read would have the poller wake one thread and that another. Half the processors at most are waited with: beyond that it looks and
// does not wait.
func (a *Reader) ReadSoon(p []byte) (int, error) {
	n, err := a.readBy(p, a.trySoon)
	if err == syscall.EAGAIN {
		return 0, nil
	}
	return n, err
}

// await has the thread wait for data. It does not look before: what it waits for has just been asked for, or answered.
func await(fd uintptr) {
	if int(inKernel.Add(1)) <= runtime.GOMAXPROCS(0)/2 {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		_, _ = unix.Poll(fds[:], int(soon/time.Millisecond)) // an error shows in the read
	}
	inKernel.Add(-1)
}

// lookSoon never asks for the poller.
func (a *Reader) lookSoon(fd uintptr) bool {
	await(fd)
	a.read(fd)
	return true
}

// read reports whether it is known what a read gives.
func (a *Reader) read(fd uintptr) bool {
	for {
		a.n, a.err = syscall.Read(int(fd), a.p)
		switch a.err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return false
		}
		return true
	}
}
