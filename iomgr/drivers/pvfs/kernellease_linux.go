package pvfs

import (
	"errors"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"lwio/iomgr/fsrtl"
)

// kernelLeases have the kernel tell when a local program opens a file that a client caches: leases of fcntl(2), F_SETLEASE. The program's open waits
// meanwhile, for as long as /proc/sys/fs/lease-break-time says (45 s) unless it does not want to wait; a holder of an oplock that does not answer has
// lost it by then.
//
// While somebody may cache what is written, the file has a lease of kind F_WRLCK, which the kernel gives to who is alone with the file in the whole
// system: where two handles of clients have it open, be it under one key, there is none. While somebody may cache what is read, it is F_RDLCK,
// which there is only while nobody, this driver included, has the file open for writing. The caller has to own the file or to have CAP_LEASE. Where
// there is no lease the oplock is granted all the same.
//
// An open by this driver would break the lease as any other does, so that the lease is let go before one and taken again after it. A signal tells of a break, but not of
// which: all leases are asked.
type kernelLeases struct {
	armed atomic.Int32 // files that are guarded: what is not worth a lock while it is 0

	mu      sync.Mutex
	guards  map[*node]*guard // guarded by mu, as what is in them
	signals chan os.Signal   // guarded by mu; nil before the first lease
}

// guard is a file that clients have open, whose leases follow what they cache.
type guard struct {
	files  []*file // the clients' opens
	h      *os.File
	own    bool // h is the guard's own
	kind   int  // F_WRLCK, F_RDLCK; F_UNLCK for no lease
	target int  // what the kernel wants it to become
	away   int  // opens by this driver that are under way
}

// leaseSignal is what the kernel sends: a real-time signal, of which none is lost among others. Where too many wait it sends SIGIO.
const leaseSignal = syscall.Signal(42)

// enter takes an open in whose share wants local programs to be heard of. It says what the open may be granted at most, given that a local program may
// have the file open: any is false where it may cache nothing, exclusive where nothing that is written.
func (k *kernelLeases) enter(f *file, wants fsrtl.LeaseState) (any, exclusive bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.guards == nil {
		k.guards = make(map[*node]*guard)
	}
	g := k.guards[f.node]
	if g == nil {
		g = &guard{kind: unix.F_UNLCK}
		k.guards[f.node] = g
		k.armed.Add(1)
	}
	g.files = append(g.files, f)
	if wants == 0 || f.node.opensOf() != 1 {
		return true, true
	}
	if err := k.take(g, f.h, unix.F_WRLCK); err == nil || !errors.Is(err, unix.EAGAIN) {
		return true, true
	}
	if f.granted&writesData != 0 {
		return false, false // somebody has it open; whether for writing is not to be found out while it is open for writing here
	}
	err := k.takeOwn(g, f.h)
	return !errors.Is(err, unix.EAGAIN), false
}

// leave takes it out.
func (k *kernelLeases) leave(f *file) {
	if k.armed.Load() == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	g := k.guards[f.node]
	if g == nil {
		return
	}
	if g.h == f.h {
		g.release()
	}
	for i, x := range g.files {
		if x == f {
			g.files = append(g.files[:i], g.files[i+1:]...)
			break
		}
	}
	if len(g.files) == 0 && g.away == 0 {
		k.drop(f.node, g)
	}
}

func (k *kernelLeases) drop(n *node, g *guard) {
	g.release()
	delete(k.guards, n)
	k.armed.Add(-1)
}

// take gets a lease on a descriptor. The caller holds mu.
func (k *kernelLeases) take(g *guard, h *os.File, kind int) error {
	if k.signals == nil {
		k.signals = make(chan os.Signal, 1)
		signal.Notify(k.signals, leaseSignal, syscall.SIGIO)
		go k.listen(k.signals)
	}
	fd := h.Fd()
	// The owner comes first: the kernel would take the thread.
	for _, c := range [...]struct{ cmd, arg int }{{unix.F_SETOWN, os.Getpid()}, {unix.F_SETSIG, int(leaseSignal)}, {unix.F_SETLEASE, kind}} {
		if _, err := unix.FcntlInt(fd, c.cmd, c.arg); err != nil {
			return err
		}
	}
	g.h, g.own, g.kind, g.target = h, false, kind, kind
	return nil
}

// takeOwn gets a lease for who reads, on a descriptor of its own, since the opens' may be for writing or go at any time.
func (k *kernelLeases) takeOwn(g *guard, of *os.File) error {
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(int(of.Fd())), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	h := os.NewFile(uintptr(fd), of.Name())
	if err := k.take(g, h, unix.F_RDLCK); err != nil {
		h.Close()
		return err
	}
	g.own = true
	return nil
}

// release lets the lease go.
func (g *guard) release() {
	switch {
	case g.h == nil:
	case g.own:
		g.h.Close()
	default:
		_, _ = unix.FcntlInt(g.h.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	g.h, g.own, g.kind, g.target = nil, false, unix.F_UNLCK, unix.F_UNLCK
}

// follow makes the lease one of what clients cache now.
func (k *kernelLeases) follow(n *node) {
	if k.armed.Load() == 0 {
		return
	}
	k.mu.Lock()
	g := k.guards[n]
	foreign := g != nil && k.adjust(n, g)
	k.mu.Unlock()
	if foreign {
		k.contend(n, unix.F_UNLCK)
	}
}

// adjust is follow; it reports whether somebody who does not come through this driver turns out to have the file open. The caller holds mu.
func (k *kernelLeases) adjust(n *node, g *guard) (foreign bool) {
	if g.away > 0 || len(g.files) == 0 {
		return false
	}
	switch {
	case n.opens.Any(fsrtl.LeaseWrite):
		if g.kind == unix.F_WRLCK {
			return false
		}
		g.release()
		if n.opensOf() != 1 {
			return false
		}
		return errors.Is(k.take(g, g.files[0].h, unix.F_WRLCK), unix.EAGAIN)
	case n.opens.Any(fsrtl.LeaseRead | fsrtl.LeaseHandle):
		if g.kind != unix.F_RDLCK || g.target != unix.F_RDLCK {
			g.release()
			_ = k.takeOwn(g, g.files[0].h)
		}
	default:
		g.release()
	}
	return false
}

func nothing() {}

// away lets the lease of a file go while this driver opens it by its name. What it gives is called once the descriptor is an open's, or closed.
func (k *kernelLeases) away(v *volume, dir *os.File, name string) func() {
	if k.armed.Load() == 0 {
		return nothing
	}
	info, err := statAt(dir, name)
	if err != nil || info.IsDir() {
		return nothing
	}
	n := v.peek(detailsOf(info).id)
	if n == nil {
		return nothing
	}
	k.mu.Lock()
	g := k.guards[n]
	if g == nil {
		k.mu.Unlock()
		n.release()
		return nothing
	}
	g.away++
	if g.target == g.kind { // else it is being broken, and goes when that is done
		g.release()
	}
	k.mu.Unlock()
	return func() {
		k.mu.Lock()
		g.away--
		foreign := false
		if len(g.files) == 0 && g.away == 0 {
			k.drop(n, g)
		} else if g.target == g.kind {
			foreign = k.adjust(n, g)
		}
		k.mu.Unlock()
		if foreign {
			k.contend(n, unix.F_UNLCK)
		}
		n.release()
	}
}

// listen asks all leases whenever a signal comes.
func (k *kernelLeases) listen(signals <-chan os.Signal) {
	for range signals {
		type broken struct {
			n      *node
			target int
		}
		var list []broken
		k.mu.Lock()
		for n, g := range k.guards {
			if g.h == nil {
				continue
			}
			now, err := unix.FcntlInt(g.h.Fd(), unix.F_GETLEASE, 0)
			if err == nil && now != g.target {
				g.target = now
				if n = n.v.peek(n.id); n != nil {
					list = append(list, broken{n, now})
				}
			}
		}
		k.mu.Unlock()
		for _, b := range list {
			k.contend(b.n, b.target)
			b.n.release()
		}
	}
}

// contend breaks what a local program's open is in conflict with, and lets the program go on once that is done.
func (k *kernelLeases) contend(n *node, target int) {
	if _, waits := n.opens.ContendForeign(target == unix.F_UNLCK, func() { k.contend(n, target) }); waits {
		return
	}
	k.mu.Lock()
	if g := k.guards[n]; g != nil {
		g.release()
		k.adjust(n, g)
	}
	k.mu.Unlock()
}

// end lets everything go with the driver.
func (k *kernelLeases) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for n, g := range k.guards {
		k.drop(n, g)
	}
	if k.signals != nil {
		signal.Stop(k.signals)
		close(k.signals)
		k.signals = nil
	}
}
