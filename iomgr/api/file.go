package api

import (
	"fmt"
	"sync"
	"sync/atomic"

	"lwio/iomgr/nt"
)

// FileImpl is a driver's own file. Calls for one file may come at the same time from several goroutines. Every call but Cleanup
// and Close completes its request or pends it.
type FileImpl interface {
	Read(*Request)
	Write(*Request)
	FsControl(*Request)
	DeviceControl(*Request)
	QueryInformation(*Request)
	SetInformation(*Request)
	QueryDirectory(*Request)
	NotifyChange(*Request)
	Lock(*Request)
	Unlock(*Request)
	QuerySecurity(*Request)
	SetSecurity(*Request)
	QueryEA(*Request)
	SetEA(*Request)
	QueryVolume(*Request)
	SetVolume(*Request)
	QueryQuota(*Request)
	SetQuota(*Request)
	Flush(*Request)
	// Cleanup tells that the last handle has gone. Requests that had been submitted before may still arrive after it.
	Cleanup()
	// Close tells that nothing will reach the file again.
	Close()
}

// File is a file object: one open of something on a device. It is its own in-process [Handle].
type File struct {
	device *Device
	path   string

	granted nt.AccessMask // set by the driver before the create completes
	options uint32

	refs   atomic.Int32 // the handle, requests under way, Ref
	opened atomic.Bool  // the create succeeded
	closed atomic.Bool  // the handle has gone

	mu      sync.Mutex
	pending *Request // guarded by mu: pended requests, newest first

	impl FileImpl
}

// Device is where the file lives.
func (f *File) Device() *Device { return f.device }

// Path is the name without the device: empty for the device itself, else with a leading backslash.
func (f *File) Path() string { return f.path }

// Granted is the access that the open was granted.
func (f *File) Granted() nt.AccessMask { return f.granted }

// Options are the create options of the open.
func (f *File) Options() uint32 { return f.options }

// Impl is the driver's own object.
func (f *File) Impl() FileImpl { return f.impl }

// SetImpl is called once, by the driver, before it completes a successful create.
func (f *File) SetImpl(impl FileImpl, granted nt.AccessMask) { f.impl, f.granted = impl, granted }

// HandleString shows the file as a handle.
func (f *File) HandleString() string {
	if f.device == nil {
		return "closed"
	}
	return fmt.Sprintf(`\%s%s@%p`, f.device.name, f.path, f)
}

// Closed reports that the handle has gone.
func (f *File) Closed() bool { return f.closed.Load() }

// Ref takes a reference; false if the file has gone.
func (f *File) Ref() bool {
	for {
		n := f.refs.Load()
		if n <= 0 {
			return false
		}
		if f.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Unref lets a reference go.
func (f *File) Unref() {
	if f.refs.Add(-1) != 0 {
		return
	}
	if f.impl != nil && f.opened.Load() {
		f.impl.Close()
	}
	f.device.remove(f)
}

// CloseHandle is what Close of the API does: Cleanup, then every request still pended is cancelled, then the handle's reference goes. It
// returns false if the handle had gone before.
func (f *File) CloseHandle() bool {
	if !f.opened.Load() || f.closed.Swap(true) {
		return false
	}
	f.impl.Cleanup()
	f.CancelPending()
	f.Unref()
	return true
}

// CancelPending cancels every request pended on the file and returns how many.
func (f *File) CancelPending() int {
	f.mu.Lock()
	var list, kept []*Request
	for r := f.pending; r != nil; r = r.next {
		list = r.pin(list)
	}
	f.mu.Unlock()
	if f.opened.Load() {
		if k, ok := f.impl.(Keeper); ok {
			k.Pended(func(r *Request) {
				if atomic.LoadUint32(&r.state)&stateListed == 0 { // or it is on both lists
					kept = r.pin(kept)
				}
			})
		}
	}
	list = append(list, kept...)
	for i := len(list) - 1; i >= 0; i-- { // oldest first
		list[i].Cancel()
	}
	return len(list)
}

// Keeper is a FileImpl that has requests pended by PendKept: it knows where they wait, and spares them the file's list.
type Keeper interface {
	// Pended calls each with every one of them, newest first, under the lock that it is completed without but taken off its list with.
	Pended(each func(*Request))
}

// pin keeps a request that waits from being used again, and puts it on a list.
func (r *Request) pin(list []*Request) []*Request {
	atomic.OrUint32(&r.state, statePinned)
	return append(list, r)
}

// countPended counts a request that was pended.
func (f *File) countPended(r *Request) {
	if f.device != nil {
		f.device.count(r).pended.Add(1)
	}
}

// finish takes a completed request off the file, and off its list.
func (f *File) finish(r *Request, listed bool) {
	if listed {
		f.mu.Lock()
		if r.prev != nil {
			r.prev.next = r.next
		} else {
			f.pending = r.next
		}
		if r.next != nil {
			r.next.prev = r.prev
		}
		r.next, r.prev = nil, nil
		f.mu.Unlock()
	}
	if r.Status.IsError() {
		f.device.count(r).failed.Add(1)
	}
	if r.Op == OpCreate || r.Op == OpCreateNamedPipe {
		if r.Status.IsError() || f.impl == nil {
			if r.Status.IsSuccess() {
				r.Status = nt.StatusInternalError // a driver that forgot SetImpl
			}
			f.Unref()
			return
		}
		f.opened.Store(true)
		r.Create.Result.Handle = f
		return // the reference becomes the handle's
	}
	f.Unref()
}
