package api

import "lwio/iomgr/nt"

// Dispatch sends a request to the file that its handle names: access is checked, a reference taken, and the driver called on
// this goroutine. The manager calls it for everything but creates.
func Dispatch(r *Request) {
	if r.Op >= NumOps || dispatch[r.Op] == nil && r.Op != OpClose && r.Op != OpCancel {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	f, ok := r.Handle.(*File)
	if !ok || f == nil || !f.opened.Load() {
		r.Complete(nt.StatusInvalidHandle, 0)
		return
	}
	switch r.Op {
	case OpClose:
		f.device.count(r).requests.Add(1)
		if !f.CloseHandle() {
			r.Complete(nt.StatusInvalidHandle, 0)
			return
		}
		r.Complete(nt.StatusSuccess, 0)
		return
	case OpCancel:
		n := f.CancelPending()
		r.Complete(nt.StatusSuccess, n)
		return
	}
	if f.closed.Load() || !f.Ref() {
		r.Complete(nt.StatusInvalidHandle, 0)
		return
	}
	r.file = f
	f.device.count(r).requests.Add(1)
	if bad(r) {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if !allowed(r, f.granted) {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	if r.Op == OpWrite && r.Source != nil && r.inflow(f.impl) {
		return
	}
	dispatch[r.Op](f.impl, r)
}

// bad reports a request without the arguments that its operation has.
func bad(r *Request) bool {
	switch r.Op {
	case OpQueryDirectory:
		return r.Dir == nil
	case OpLock, OpUnlock:
		return r.Lock == nil
	case OpRead, OpWrite:
		return r.Offset < -2
	}
	return false
}

// allowed compares the request with what the handle was granted.
func allowed(r *Request, granted nt.AccessMask) bool {
	switch r.Op {
	case OpFsControl, OpDeviceControl: // the access bits of the code (MS-FSCC 2.3, CTL_CODE)
		if r.Code>>14&1 != 0 && granted&nt.FileReadData == 0 {
			return false
		}
		return r.Code>>15&1 == 0 || granted&(nt.FileWriteData|nt.FileAppendData) != 0
	case OpQuerySecurity:
		want := nt.SecurityInformation(r.Code).QueryAccess()
		return granted&want == want
	case OpSetSecurity:
		want := nt.SecurityInformation(r.Code).SetAccess()
		return granted&want == want
	}
	need := opAccess[r.Op]
	return need == 0 || granted&need != 0
}

// StartCreate makes the file object of a create on a device and calls the driver. The manager calls it once it has resolved the name.
func StartCreate(r *Request, d *Device, path string) {
	f := &File{device: d, path: path, options: r.Create.Options}
	f.refs.Store(1)
	d.count(r).requests.Add(1)
	if !d.add(f) {
		r.Complete(nt.StatusDeviceNotReady, 0)
		return
	}
	r.file = f // not before: a refused create has no file to finish
	if r.Op == OpCreateNamedPipe {
		d.impl.CreateNamedPipe(r)
		return
	}
	d.impl.Create(r)
}
