package transfer

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"lwio/iomgr/nt"
)

// transient are the statuses that tell of a connection or a server that has gone, or is not there yet.
var transient = map[nt.Status]bool{
	nt.StatusConnectionDisconnected: true, nt.StatusConnectionReset: true, nt.StatusConnectionAborted: true, nt.StatusConnectionRefused: true,
	nt.StatusConnectionInvalid: true, nt.StatusNetworkNameDeleted: true, nt.StatusVirtualCircuitClosed: true, nt.StatusUserSessionDeleted: true,
	nt.StatusFileClosed: true, nt.StatusNetworkSessionExpired: true, nt.StatusUnexpectedNetworkError: true, nt.StatusIoTimeout: true,
	nt.StatusNetworkUnreachable: true, nt.StatusHostUnreachable: true, nt.StatusBadNetworkPath: true, nt.StatusNoLogonServers: true,
}

// Lost reports whether an error tells of a connection or a server that has gone, so that it may go well another time.
func Lost(err error) bool {
	var st nt.Status
	return errors.As(err, &st) && transient[st]
}

// busy reports that a file cannot be opened because the open that was lost is still known to the server.
func busy(err error) bool {
	return errors.Is(err, nt.StatusSharingViolation) || errors.Is(err, nt.StatusFileNotAvailable)
}

// Waits between attempts.
const (
	firstWait = 50 * time.Millisecond
	lastWait  = 2 * time.Second
)

// handle is a file that is opened again when its connection is lost.
type handle struct {
	fs    FileSystem
	name  string
	flag  int
	retry time.Duration

	mu  sync.Mutex
	f   File // guarded by mu; nil while it is lost
	gen int  // guarded by mu: how often it was opened again
}

// again calls try until it goes well, fails for good, or retry has passed since it first told of a loss.
func again(ctx context.Context, retry time.Duration, lost func(error) bool, try func() error) error {
	err := try()
	if err == nil || retry <= 0 || !Lost(err) {
		return err
	}
	end := time.Now().Add(retry)
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		t := time.NewTimer(min(wait, time.Until(end)))
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
		if err = try(); err == nil || !lost(err) || !time.Now().Before(end) {
			return err
		}
	}
}

// open opens a file; name and flag are kept for the next time.
func open(ctx context.Context, c *Config, files FileSystem, name string, flag int) (*handle, error) {
	h := &handle{fs: files, name: name, flag: flag &^ (os.O_CREATE | os.O_TRUNC | os.O_EXCL), retry: c.Retry}
	err := again(ctx, c.Retry, func(err error) bool { return Lost(err) || busy(err) }, func() (err error) {
		h.f, err = files.Open(name, flag, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (h *handle) current() (File, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.f, h.gen
}

// reopen replaces what was lost in generation gen, once for all who lost it.
func (h *handle) reopen(gen int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gen != gen {
		return nil
	}
	if h.f != nil {
		_ = h.f.Close()
		h.f = nil
	}
	f, err := h.fs.Open(h.name, h.flag, 0)
	if err != nil {
		return err
	}
	h.f = f
	h.gen++
	return nil
}

// do has op done, on the file opened anew where its connection was lost.
func (h *handle) do(ctx context.Context, op func(File) error) error {
	attempt := func(f File, gen int) error {
		if f == nil {
			return nt.StatusFileClosed // nobody could open it again yet
		}
		err := op(f)
		if g, now := h.current(); err != nil && (now != gen || g != f) && !Lost(err) {
			return errors.Join(nt.StatusFileClosed, err) // somebody has replaced it meanwhile, and closed this one
		}
		return err
	}
	f, gen := h.current()
	err := attempt(f, gen)
	if err == nil || h.retry <= 0 || !Lost(err) {
		return err
	}
	first := true
	return again(ctx, h.retry, func(err error) bool { return Lost(err) || busy(err) }, func() error {
		if first { // it has been tried
			first = false
			return err
		}
		if err := h.reopen(gen); err != nil {
			return err
		}
		f, gen = h.current()
		return attempt(f, gen)
	})
}

func (h *handle) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.f == nil {
		return nt.StatusFileClosed
	}
	return h.f.Close()
}
