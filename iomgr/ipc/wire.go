package ipc

import (
	"encoding/binary"
	"errors"
	"io"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// Version is that of the protocol; both sides must have the same.
const Version = 1

const magic = "lwio"

// Frame kinds.
const (
	kindRequest  = 1
	kindResponse = 2
	kindCancel   = 3
)

const (
	frameHeader = 13 // length, kind, id
	// MaxData is the most bytes that one request may carry each way.
	MaxData  = 8 << 20
	maxFrame = MaxData + 128<<10
)

// ErrProtocol is returned for a peer that does not keep to the protocol.
var ErrProtocol = errors.New("ipc: protocol error")

// frame is a received frame; body aliases the buffer that was read into.
type frame struct {
	kind byte
	id   uint64
	body []byte
}

// readFrame reads one frame, into buf if it has the room.
func readFrame(r io.Reader, buf []byte) (frame, []byte, error) {
	var h [frameHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, buf, err
	}
	n := le.Uint32(h[:])
	if n < frameHeader-4 || n > maxFrame {
		return frame{}, buf, ErrProtocol
	}
	size := int(n) - (frameHeader - 4)
	// A length alone gets no memory: the buffer grows as the bytes come.
	const step = 64 << 10
	for have := 0; have < size; {
		n := min(size, max(step, 2*have))
		if cap(buf) < n {
			grown := make([]byte, max(n, 4096))
			copy(grown, buf[:have])
			buf = grown
		}
		if _, err := io.ReadFull(r, buf[have:n]); err != nil {
			return frame{}, buf, err
		}
		have = n
	}
	return frame{kind: h[4], id: le.Uint64(h[5:]), body: buf[:size]}, buf, nil
}

// startFrame begins a frame at the end of b; endFrame sets its length.
func startFrame(b []byte, kind byte, id uint64) []byte {
	b = append(b, 0, 0, 0, 0, kind)
	return le.AppendUint64(b, id)
}

func endFrame(b []byte, start int) []byte {
	le.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// writer and reader put the fields of a body; a reader that runs short is marked bad and gives zeros.
type reader struct {
	b   []byte
	bad bool
}

var zeros [8]byte

func (d *reader) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.bad, d.b = true, nil
		if n >= 0 && n <= len(zeros) {
			return zeros[:n]
		}
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *reader) u8() byte      { return d.take(1)[0] }
func (d *reader) u32() uint32   { return le.Uint32(d.take(4)) }
func (d *reader) u64() uint64   { return le.Uint64(d.take(8)) }
func (d *reader) bytes() []byte { return d.take(int(d.u32())) }

func appendBytes(b, v []byte) []byte {
	b = le.AppendUint32(b, uint32(len(v)))
	return append(b, v...)
}

// Parts of a request that only some operations have.
const (
	hasCreate = 1 << iota
	hasPipe
	hasDir
	hasLock
	hasSecurity
)

// appendRequest appends the body of a request. handle and root are the client's numbers, 0 for none.
func appendRequest(b []byte, r *api.Request, handle, root uint64) []byte {
	var parts byte
	var sd []byte
	if r.Create != nil {
		parts |= hasCreate
		if r.Create.Pipe != nil {
			parts |= hasPipe
		}
		if r.Create.SecurityDescriptor != nil {
			parts |= hasSecurity
			sd = r.Create.SecurityDescriptor.Append(nil)
		}
	}
	if r.Dir != nil {
		parts |= hasDir
	}
	if r.Lock != nil {
		parts |= hasLock
	}
	b = append(b, byte(r.Op), parts)
	b = le.AppendUint64(b, handle)
	b = le.AppendUint32(b, r.Code)
	b = le.AppendUint32(b, r.Flags)
	b = le.AppendUint64(b, uint64(r.Offset))
	b = le.AppendUint32(b, uint32(len(r.Out)))
	if parts&hasCreate != 0 {
		b = appendCreate(b, r.Create, root)
	}
	if parts&hasSecurity != 0 {
		b = appendBytes(b, sd)
	}
	if d := r.Dir; d != nil {
		b = appendBytes(b, []byte(d.Pattern))
		b = append(b, bit(d.Restart, 1)|bit(d.Single, 2)|bit(d.ByIndex, 4))
		b = le.AppendUint32(b, d.Index)
	}
	if l := r.Lock; l != nil {
		b = le.AppendUint64(b, l.Offset)
		b = le.AppendUint64(b, l.Length)
		b = le.AppendUint32(b, l.Key)
		b = append(b, bit(l.Exclusive, 1)|bit(l.FailImmediately, 2))
	}
	return appendBytes(b, r.In)
}

func bit(v bool, mask byte) byte {
	if v {
		return mask
	}
	return 0
}

func appendCreate(b []byte, a *api.CreateArgs, root uint64) []byte {
	b = le.AppendUint64(b, root)
	b = appendBytes(b, []byte(a.Name))
	for _, v := range []uint32{uint32(a.DesiredAccess), a.ShareAccess, a.Disposition, a.Options, a.FileAttributes, uint32(a.Impersonation)} {
		b = le.AppendUint32(b, v)
	}
	b = le.AppendUint64(b, uint64(a.AllocationSize))
	b = append(b, bit(a.CaseSensitive, 1))
	b = appendBytes(b, a.EA)
	if p := a.Pipe; p != nil {
		for _, v := range []uint32{p.Type, p.ReadMode, p.CompletionMode, p.MaxInstances, p.InboundQuota, p.OutboundQuota} {
			b = le.AppendUint32(b, v)
		}
		b = le.AppendUint64(b, uint64(p.DefaultTimeout))
	}
	return appendContexts(b, a.Contexts)
}

// parseRequest reads a request's body. The data is copied where the request keeps it, so that body may be used again.
func parseRequest(body []byte) (r *api.Request, handle, root uint64, err error) {
	d := reader{b: body}
	r = &api.Request{Op: api.Op(d.u8())}
	parts := d.u8()
	handle = d.u64()
	r.Code, r.Flags = d.u32(), d.u32()
	r.Offset = int64(d.u64())
	out := d.u32()
	if out > MaxData || parts >= 2*hasSecurity || parts&hasCreate == 0 && parts&(hasPipe|hasSecurity) != 0 {
		return nil, 0, 0, ErrProtocol
	}
	if parts&hasCreate != 0 {
		r.Create, root = d.create(parts&hasPipe != 0)
	}
	if parts&hasSecurity != 0 {
		if r.Create.SecurityDescriptor, err = nt.ParseSecurityDescriptor(d.bytes()); err != nil {
			return nil, 0, 0, ErrProtocol
		}
	}
	if parts&hasDir != 0 {
		r.Dir = &api.DirArgs{Pattern: string(d.bytes())}
		f := d.u8()
		r.Dir.Restart, r.Dir.Single, r.Dir.ByIndex = f&1 != 0, f&2 != 0, f&4 != 0
		r.Dir.Index = d.u32()
	}
	if parts&hasLock != 0 {
		r.Lock = &api.LockArgs{Offset: d.u64(), Length: d.u64(), Key: d.u32()}
		f := d.u8()
		r.Lock.Exclusive, r.Lock.FailImmediately = f&1 != 0, f&2 != 0
	}
	in := d.bytes()
	if d.bad || len(d.b) != 0 || len(in) > MaxData {
		return nil, 0, 0, ErrProtocol
	}
	if len(in) > 0 {
		r.In = append([]byte(nil), in...)
	}
	if out > 0 {
		r.Out = make([]byte, out)
	}
	return r, handle, root, nil
}

func (d *reader) create(pipe bool) (*api.CreateArgs, uint64) {
	root := d.u64()
	a := &api.CreateArgs{Name: string(d.bytes())}
	a.DesiredAccess = nt.AccessMask(d.u32())
	a.ShareAccess, a.Disposition, a.Options, a.FileAttributes = d.u32(), d.u32(), d.u32(), d.u32()
	a.Impersonation = api.Impersonation(d.u32())
	a.AllocationSize = int64(d.u64())
	a.CaseSensitive = d.u8()&1 != 0
	if ea := d.bytes(); len(ea) > 0 {
		a.EA = append([]byte(nil), ea...)
	}
	if pipe {
		a.Pipe = &api.PipeArgs{Type: d.u32(), ReadMode: d.u32(), CompletionMode: d.u32(), MaxInstances: d.u32(), InboundQuota: d.u32(), OutboundQuota: d.u32()}
		a.Pipe.DefaultTimeout = int64(d.u64())
	}
	a.Contexts = d.contexts()
	return a, root
}

// appendResponse appends the body of a response.
func appendResponse(b []byte, r *api.Request, handle uint64) []byte {
	b = le.AppendUint32(b, uint32(r.Status))
	b = le.AppendUint32(b, uint32(r.N))
	if r.Create != nil {
		b = le.AppendUint64(b, handle)
		b = le.AppendUint32(b, r.Create.Result.Action)
		b = appendContexts(b, r.Create.Result.Contexts)
	}
	if r.Status.IsError() || !hasOutput(r.Op) {
		return appendBytes(b, nil)
	}
	return appendBytes(b, r.Out[:max(0, min(r.N, len(r.Out)))])
}

// hasOutput tells for which operations N counts bytes of Out.
func hasOutput(op api.Op) bool {
	switch op {
	case api.OpRead, api.OpFsControl, api.OpDeviceControl, api.OpQueryInformation, api.OpQueryDirectory, api.OpNotifyChange, api.OpQuerySecurity,
		api.OpQueryEA, api.OpQueryVolume, api.OpQueryQuota:
		return true
	}
	return false
}

// parseResponse puts a response into its request and gives the handle of a create.
func parseResponse(body []byte, r *api.Request) (status nt.Status, n int, handle uint64, err error) {
	d := reader{b: body}
	status, n = nt.Status(d.u32()), int(int32(d.u32()))
	if r.Create != nil {
		handle = d.u64()
		r.Create.Result.Action = d.u32()
		r.Create.Result.Contexts = d.contexts()
	}
	data := d.bytes()
	if d.bad || len(d.b) != 0 || n < 0 || len(data) > len(r.Out) {
		return 0, 0, 0, ErrProtocol
	}
	copy(r.Out, data)
	return status, n, handle, nil
}

// Create contexts that cross the socket.
const (
	contextMaximalAccess = 1
	contextDiskID        = 2
	maxContexts          = 32
)

func appendContexts(b []byte, list []any) []byte {
	at := len(b)
	b = append(b, 0)
	for _, c := range list {
		switch c := c.(type) {
		case api.MaximalAccess:
			b = append(b, contextMaximalAccess)
			b = le.AppendUint32(b, uint32(c.Status))
			b = le.AppendUint32(b, uint32(c.Access))
		case api.DiskID:
			b = append(b, contextDiskID)
			b = le.AppendUint64(b, c.FileID)
			b = le.AppendUint64(b, c.VolumeID)
		default:
			continue
		}
		b[at]++
	}
	return b
}

func (d *reader) contexts() []any {
	n := int(d.u8())
	if n > maxContexts {
		d.bad = true
		return nil
	}
	var list []any
	for range n {
		switch d.u8() {
		case contextMaximalAccess:
			list = append(list, api.MaximalAccess{Status: nt.Status(d.u32()), Access: nt.AccessMask(d.u32())})
		case contextDiskID:
			list = append(list, api.DiskID{FileID: d.u64(), VolumeID: d.u64()})
		default:
			d.bad = true
			return nil
		}
	}
	return list
}
