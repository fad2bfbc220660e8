package iotest

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Driver is the test driver.
type Driver struct {
	api.DefaultDevice

	StartErr, StopErr error // what its phases answer

	mu       sync.Mutex
	phases   []string       // guarded by mu: start, stop, unload as they happened
	pended   []*api.Request // guarded by mu
	leaked   []*api.File    // guarded by mu
	release  chan struct{}  // guarded by mu; closed by Release
	cleanups int            // guarded by mu
	closes   int            // guarded by mu
}

// NewDriver makes a test driver.
func NewDriver() *Driver { return &Driver{release: make(chan struct{})} }

// Entry is the driver's entry.
func (d *Driver) Entry(reg *api.Registration) error {
	reg.Name = "iotest"
	reg.Start = func(_ context.Context, host api.Host) error {
		d.note("start")
		if _, err := host.CreateDevice("iotest", d); err != nil {
			return err
		}
		return d.StartErr
	}
	reg.Stop = func(context.Context) error { d.note("stop"); return d.StopErr }
	reg.Unload = func() { d.note("unload") }
	return nil
}

func (d *Driver) note(phase string) {
	d.mu.Lock()
	d.phases = append(d.phases, phase)
	d.mu.Unlock()
}

// Phases are the phases so far.
func (d *Driver) Phases() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.phases, " ")
}

// Pended counts the requests that are pended.
func (d *Driver) Pended() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.pended)
}

// Ended counts the Cleanup and Close calls.
func (d *Driver) Ended() (cleanups, closes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cleanups, d.closes
}

// Release ends everything that pends, blocks or leaks.
func (d *Driver) Release() {
	d.mu.Lock()
	pended, leaked := d.pended, d.leaked
	d.pended, d.leaked = nil, nil
	close(d.release)
	d.release = make(chan struct{})
	d.mu.Unlock()
	for _, r := range pended {
		r.Complete(nt.StatusSuccess, 0)
	}
	for _, f := range leaked {
		f.Unref()
	}
}

// Create opens a file that behaves as its name says.
func (d *Driver) Create(r *api.Request) {
	f := &file{d: d}
	path := strings.TrimPrefix(r.File().Path(), `\`)
	kind, rest, _ := strings.Cut(path, `\`)
	switch kind {
	case "echo", "pend", "stubborn", "block", "leak":
	case "fail":
		name, atCreate := strings.CutPrefix(rest, "create:")
		code, err := strconv.ParseUint(name, 16, 32)
		if err != nil {
			r.Complete(nt.StatusObjectNameInvalid, 0)
			return
		}
		if atCreate {
			r.Complete(nt.Status(code), 0)
			return
		}
		f.fail = nt.Status(code)
	default:
		r.Complete(nt.StatusObjectNameNotFound, 0)
		return
	}
	f.kind = kind
	if kind == "leak" {
		r.File().Ref()
		d.mu.Lock()
		d.leaked = append(d.leaked, r.File())
		d.mu.Unlock()
	}
	access := nt.GenericMappingFile.Map(r.Create.DesiredAccess &^ nt.MaximumAllowed)
	if r.Create.DesiredAccess&nt.MaximumAllowed != 0 {
		access = nt.FileAllAccess
	}
	r.File().SetImpl(f, access)
	r.Create.Result.Action = nt.FileOpened
	r.Complete(nt.StatusSuccess, 0)
}

// file is an open of the test driver.
type file struct {
	api.DefaultFile
	d    *Driver
	kind string
	fail nt.Status

	mu   sync.Mutex
	data []byte // guarded by mu
}

// behave does what the name says; it reports whether the request was dealt with.
func (f *file) behave(r *api.Request) bool {
	switch f.kind {
	case "fail":
		r.Complete(f.fail, 0)
		return true
	case "block":
		f.d.mu.Lock()
		ch := f.d.release
		f.d.mu.Unlock()
		<-ch
	case "pend", "stubborn":
		cancel := f.cancel
		if f.kind == "stubborn" {
			cancel = func(*api.Request) {}
		}
		f.d.mu.Lock()
		ok := r.Pend(cancel)
		if ok {
			f.d.pended = append(f.d.pended, r)
		}
		f.d.mu.Unlock()
		if !ok {
			r.Complete(nt.StatusCancelled, 0)
		}
		return true
	}
	return false
}

func (f *file) cancel(r *api.Request) {
	f.d.mu.Lock()
	found := false
	for i, p := range f.d.pended {
		if p == r {
			f.d.pended = append(f.d.pended[:i], f.d.pended[i+1:]...)
			found = true
			break
		}
	}
	f.d.mu.Unlock()
	if found {
		r.Complete(nt.StatusCancelled, 0)
	}
}

func (f *file) Read(r *api.Request) {
	if !f.behave(r) {
		f.mu.Lock()
		n := copy(r.Out, f.data)
		f.mu.Unlock()
		r.Complete(nt.StatusSuccess, n)
	}
}

func (f *file) Write(r *api.Request) {
	if !f.behave(r) {
		f.mu.Lock()
		f.data = append(f.data[:0], r.In...)
		f.mu.Unlock()
		r.Complete(nt.StatusSuccess, len(r.In))
	}
}

func (f *file) FsControl(r *api.Request) {
	if !f.behave(r) {
		n := copy(r.Out, r.In)
		status := nt.StatusSuccess
		if n < len(r.In) {
			status = nt.StatusBufferOverflow
		}
		r.Complete(status, n)
	}
}

func (f *file) DeviceControl(r *api.Request) { f.FsControl(r) }

func (f *file) Cleanup() {
	f.d.mu.Lock()
	f.d.cleanups++
	f.d.mu.Unlock()
}

func (f *file) Close() {
	f.d.mu.Lock()
	f.d.closes++
	f.d.mu.Unlock()
}
