package ipc

import (
	"encoding/binary"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// reader takes the fields of a body; one that runs short is marked bad and gives zeros.
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
	hasRegion
)

// appendRequest appends the body of a request. handle and root are the client's numbers, 0 for none; where is where its data are in the region, if they go by that.
func appendRequest(b []byte, r *api.Request, handle, root uint64, where span) []byte {
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
	data := r.In
	if where.in {
		parts |= hasRegion
		data = nil
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
	if where.in {
		b = le.AppendUint32(b, uint32(where.at))
		b = le.AppendUint32(b, uint32(len(r.In)))
	}
	return appendBytes(b, data)
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
	return appendContexts(b, a.Contexts, ourFeatures)
}

// parsed is what a request says besides what is put into it.
type parsed struct {
	handle, root uint64
	out          int  // bytes of output that it has room for
	secret       bool // there is a credential in it
	region       bool // its data are in the region
	at, in       int  // where they begin there, and how many a write has
}

// parseRequest reads a request's body into r. Only In aliases body.
func parseRequest(body []byte, r *api.Request) (p parsed, err error) {
	d := reader{b: body}
	r.Op = api.Op(d.u8())
	parts := d.u8()
	p.handle = d.u64()
	r.Code, r.Flags = d.u32(), d.u32()
	r.Offset = int64(d.u64())
	out := d.u32()
	if out > MaxData || parts >= 2*hasRegion || parts&hasCreate == 0 && parts&(hasPipe|hasSecurity) != 0 {
		return p, ErrProtocol
	}
	p.out = int(out)
	if parts&hasCreate != 0 {
		r.Create, p.root = d.create(parts&hasPipe != 0)
		_, p.secret = api.Find[*api.Credential](r.Create.Contexts)
	}
	if parts&hasSecurity != 0 {
		if r.Create.SecurityDescriptor, err = nt.ParseSecurityDescriptor(d.bytes()); err != nil {
			return p, ErrProtocol
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
	if p.region = parts&hasRegion != 0; p.region {
		at, n := d.u32(), d.u32()
		whole := n
		switch r.Op {
		case api.OpRead:
			whole = out
		case api.OpWrite:
			if out > 0 {
				return p, ErrProtocol
			}
		default:
			return p, ErrProtocol
		}
		if at > regionSize || whole > regionSize-at || r.Op == api.OpRead && n > 0 {
			return p, ErrProtocol
		}
		p.at, p.in = int(at), int(n)
	}
	in := d.bytes()
	if p.region && len(in) > 0 {
		return p, ErrProtocol
	}
	if d.bad || len(d.b) != 0 || len(in) > MaxData {
		return p, ErrProtocol
	}
	if len(in) > 0 {
		r.In = in
	}
	return p, nil
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
	a.Contexts = d.contexts(true)
	return a, root
}

// Responses begin with a status u32, a count i32 and, of a create, what it answers; then come the data, with their length before them. Those of all
// else are built around the output buffer of the request, which stands responseHead behind the start of the frame.
const responseHead = frameHeader + 12

// finishResponse makes the frame of a response around the output in b, which is not a create's.
func finishResponse(b []byte, r *api.Request, id uint64) []byte {
	n := 0
	if hasOutput(r.Op) && !r.Status.IsError() {
		n = max(0, min(r.N, len(r.Out)))
	}
	head := startFrame(b[:0], kindResponse, id)
	head = le.AppendUint32(head, uint32(r.Status))
	head = le.AppendUint32(head, uint32(r.N))
	le.AppendUint32(head, uint32(n))
	return endFrame(b[:responseHead+n], 0)
}

// appendCreated appends the frame of a create's response.
func appendCreated(b []byte, r *api.Request, id, handle uint64) []byte {
	at := len(b)
	b = startFrame(b, kindResponse, id)
	b = le.AppendUint32(b, uint32(r.Status))
	b = le.AppendUint32(b, uint32(r.N))
	b = le.AppendUint64(b, handle)
	b = le.AppendUint32(b, r.Create.Result.Action)
	b = appendContexts(b, r.Create.Result.Contexts, 0)
	return endFrame(appendBytes(b, nil), at)
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
		r.Create.Result.Contexts = d.contexts(false)
	}
	data := d.bytes()
	if d.bad || len(d.b) != 0 || n < 0 || len(data) > len(r.Out) {
		return 0, 0, 0, ErrProtocol
	}
	copy(r.Out, data)
	return status, n, handle, nil
}
