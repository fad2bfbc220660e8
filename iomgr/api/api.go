package api

import (
	"context"
	"sync"

	"lwio/iomgr/nt"
)

// Submitter starts requests.
type Submitter interface {
	// Submit starts a request. It does not wait: the request may have completed when it returns, or be pended.
	Submit(*Request)
}

// API is the Nt call set. The manager gives it in process, ipc.Client from another one. Calls return a nil error, a warning together
// with the data that it speaks of (StatusBufferOverflow), or an error; all are nt.Status, or the context's error if that ended the call.
type API interface {
	Submitter
	CreateFile(ctx context.Context, args *CreateArgs) (Handle, error)
	CreateNamedPipeFile(ctx context.Context, args *CreateArgs) (Handle, error)
	Close(h Handle) error
	ReadFile(ctx context.Context, h Handle, out []byte, offset int64) (int, error)
	WriteFile(ctx context.Context, h Handle, in []byte, offset int64) (int, error)
	FsControlFile(ctx context.Context, h Handle, code uint32, in, out []byte) (int, error)
	DeviceIoControlFile(ctx context.Context, h Handle, code uint32, in, out []byte) (int, error)
	QueryInformationFile(ctx context.Context, h Handle, class nt.FileInfoClass, out []byte) (int, error)
	SetInformationFile(ctx context.Context, h Handle, class nt.FileInfoClass, in []byte) error
	QueryDirectoryFile(ctx context.Context, h Handle, class nt.FileInfoClass, args *DirArgs, out []byte) (int, error)
	NotifyChangeDirectoryFile(ctx context.Context, h Handle, filter uint32, tree bool, out []byte) (int, error)
	LockFile(ctx context.Context, h Handle, lock *LockArgs) error
	UnlockFile(ctx context.Context, h Handle, lock *LockArgs) error
	QuerySecurityObject(ctx context.Context, h Handle, info nt.SecurityInformation, out []byte) (int, error)
	SetSecurityObject(ctx context.Context, h Handle, info nt.SecurityInformation, in []byte) error
	QueryEaFile(ctx context.Context, h Handle, list, out []byte) (int, error)
	SetEaFile(ctx context.Context, h Handle, in []byte) error
	QueryVolumeInformationFile(ctx context.Context, h Handle, class nt.FsInfoClass, out []byte) (int, error)
	SetVolumeInformationFile(ctx context.Context, h Handle, class nt.FsInfoClass, in []byte) error
	QueryQuotaInformationFile(ctx context.Context, h Handle, list, out []byte) (int, error)
	SetQuotaInformationFile(ctx context.Context, h Handle, in []byte) error
	FlushBuffersFile(ctx context.Context, h Handle) error
	CancelIoFile(h Handle) error
}

var syncs = sync.Pool{New: func() any { return make(chan struct{}, 1) }}

func completed(r *Request) { r.Owner.(chan struct{}) <- struct{}{} }

// Do submits a request, whose Done and Owner it sets, and waits for it. If ctx ends first the request is cancelled, waited for, and its outcome returned: the
// context's error if that is why it ended.
func Do(ctx context.Context, s Submitter, r *Request) error {
	ch := syncs.Get().(chan struct{})
	r.Done, r.Owner, r.Waited = completed, ch, true
	s.Submit(r)
	r.Attend()
	select {
	case <-ch:
	default:
		select {
		case <-ch:
		case <-ctx.Done():
			r.Cancel()
			<-ch
			syncs.Put(ch)
			if r.Status == nt.StatusCancelled {
				return ctx.Err()
			}
			return r.Status.Err()
		}
	}
	syncs.Put(ch)
	return r.Status.Err()
}

// Calls gives the synchronous call set over a Submitter; implementations of API embed it.
type Calls struct{ S Submitter }

// CreateFile opens or creates a file; args.Result has the rest of the answer.
func (c Calls) CreateFile(ctx context.Context, args *CreateArgs) (Handle, error) {
	return c.create(ctx, OpCreate, args)
}

// CreateNamedPipeFile makes an instance of a pipe; args.Pipe says of what kind.
func (c Calls) CreateNamedPipeFile(ctx context.Context, args *CreateArgs) (Handle, error) {
	if args.Pipe == nil {
		return nil, nt.StatusInvalidParameter
	}
	return c.create(ctx, OpCreateNamedPipe, args)
}

func (c Calls) create(ctx context.Context, op Op, args *CreateArgs) (Handle, error) {
	r := &Request{Op: op, Create: args}
	if err := Do(ctx, c.S, r); err != nil {
		if !r.Status.IsError() && args.Result.Handle != nil { // opened while ctx ended
			_ = c.Close(args.Result.Handle)
		}
		return nil, err
	}
	return args.Result.Handle, nil
}

// Close lets a handle go.
func (c Calls) Close(h Handle) error {
	return Do(context.Background(), c.S, &Request{Op: OpClose, Handle: h})
}

// CancelIoFile cancels every request pended on the file.
func (c Calls) CancelIoFile(h Handle) error {
	return Do(context.Background(), c.S, &Request{Op: OpCancel, Handle: h})
}

func (c Calls) do(ctx context.Context, r *Request) (int, error) {
	err := Do(ctx, c.S, r)
	return r.N, err
}

// ReadFile reads up to len(out) bytes.
func (c Calls) ReadFile(ctx context.Context, h Handle, out []byte, offset int64) (int, error) {
	return c.do(ctx, &Request{Op: OpRead, Handle: h, Out: out, Offset: offset})
}

// WriteFile writes in and returns how much of it was taken.
func (c Calls) WriteFile(ctx context.Context, h Handle, in []byte, offset int64) (int, error) {
	return c.do(ctx, &Request{Op: OpWrite, Handle: h, In: in, Offset: offset})
}

// FsControlFile sends a file system control.
func (c Calls) FsControlFile(ctx context.Context, h Handle, code uint32, in, out []byte) (int, error) {
	return c.do(ctx, &Request{Op: OpFsControl, Handle: h, Code: code, In: in, Out: out})
}

// DeviceIoControlFile sends a device control.
func (c Calls) DeviceIoControlFile(ctx context.Context, h Handle, code uint32, in, out []byte) (int, error) {
	return c.do(ctx, &Request{Op: OpDeviceControl, Handle: h, Code: code, In: in, Out: out})
}

// QueryInformationFile reads an information class (MS-FSCC 2.4).
func (c Calls) QueryInformationFile(ctx context.Context, h Handle, class nt.FileInfoClass, out []byte) (int, error) {
	return c.do(ctx, &Request{Op: OpQueryInformation, Handle: h, Code: uint32(class), Out: out})
}

// SetInformationFile sets an information class.
func (c Calls) SetInformationFile(ctx context.Context, h Handle, class nt.FileInfoClass, in []byte) error {
	_, err := c.do(ctx, &Request{Op: OpSetInformation, Handle: h, Code: uint32(class), In: in})
	return err
}

// QueryDirectoryFile lists a directory.
func (c Calls) QueryDirectoryFile(ctx context.Context, h Handle, class nt.FileInfoClass, args *DirArgs, out []byte) (int, error) {
	return c.do(ctx, &Request{Op: OpQueryDirectory, Handle: h, Code: uint32(class), Dir: args, Out: out})
}

// NotifyChangeDirectoryFile waits for a change below a directory.
func (c Calls) NotifyChangeDirectoryFile(ctx context.Context, h Handle, filter uint32, tree bool, out []byte) (int, error) {
	r := &Request{Op: OpNotifyChange, Handle: h, Code: filter, Out: out}
	if tree {
		r.Flags = FlagWatchTree
	}
	return c.do(ctx, r)
}

// LockFile takes a byte-range lock.
func (c Calls) LockFile(ctx context.Context, h Handle, lock *LockArgs) error {
	_, err := c.do(ctx, &Request{Op: OpLock, Handle: h, Lock: lock})
	return err
}

// UnlockFile lets a byte-range lock go.
func (c Calls) UnlockFile(ctx context.Context, h Handle, lock *LockArgs) error {
	_, err := c.do(ctx, &Request{Op: OpUnlock, Handle: h, Lock: lock})
	return err
}

// QuerySecurityObject reads the parts of the security descriptor that info names, self-relative. A short buffer
// gives StatusBufferTooSmall and the length that is wanted.
func (c Calls) QuerySecurityObject(ctx context.Context, h Handle, info nt.SecurityInformation, out []byte) (int, error) {
	return c.do(ctx, &Request{Op: OpQuerySecurity, Handle: h, Code: uint32(info), Out: out})
}

// SetSecurityObject sets the parts of the security descriptor that info names.
func (c Calls) SetSecurityObject(ctx context.Context, h Handle, info nt.SecurityInformation, in []byte) error {
	_, err := c.do(ctx, &Request{Op: OpSetSecurity, Handle: h, Code: uint32(info), In: in})
	return err
}

// QueryEaFile reads extended attributes; list names those wanted.
func (c Calls) QueryEaFile(ctx context.Context, h Handle, list, out []byte) (int, error) {
	return c.do(ctx, &Request{Op: OpQueryEA, Handle: h, In: list, Out: out})
}

// SetEaFile sets extended attributes.
func (c Calls) SetEaFile(ctx context.Context, h Handle, in []byte) error {
	_, err := c.do(ctx, &Request{Op: OpSetEA, Handle: h, In: in})
	return err
}

// QueryVolumeInformationFile reads a file system information class (MS-FSCC 2.5).
func (c Calls) QueryVolumeInformationFile(ctx context.Context, h Handle, class nt.FsInfoClass, out []byte) (int, error) {
	return c.do(ctx, &Request{Op: OpQueryVolume, Handle: h, Code: uint32(class), Out: out})
}

// SetVolumeInformationFile sets a file system information class.
func (c Calls) SetVolumeInformationFile(ctx context.Context, h Handle, class nt.FsInfoClass, in []byte) error {
	_, err := c.do(ctx, &Request{Op: OpSetVolume, Handle: h, Code: uint32(class), In: in})
	return err
}

// QueryQuotaInformationFile reads quotas; list names the SIDs wanted.
func (c Calls) QueryQuotaInformationFile(ctx context.Context, h Handle, list, out []byte) (int, error) {
	return c.do(ctx, &Request{Op: OpQueryQuota, Handle: h, In: list, Out: out})
}

// SetQuotaInformationFile sets quotas.
func (c Calls) SetQuotaInformationFile(ctx context.Context, h Handle, in []byte) error {
	_, err := c.do(ctx, &Request{Op: OpSetQuota, Handle: h, In: in})
	return err
}

// FlushBuffersFile makes what was written durable; on a pipe it waits until the other end has read it.
func (c Calls) FlushBuffersFile(ctx context.Context, h Handle) error {
	_, err := c.do(ctx, &Request{Op: OpFlush, Handle: h})
	return err
}
