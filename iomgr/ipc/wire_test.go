package ipc

import (
	"bytes"
	"reflect"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// everyone is a descriptor as parsing gives it.
func everyone() *nt.SecurityDescriptor {
	sd, err := nt.ParseSecurityDescriptor((&nt.SecurityDescriptor{Owner: nt.SIDWorld}).Append(nil))
	if err != nil {
		panic(err)
	}
	return sd
}

func samples() []*api.Request {
	return []*api.Request{
		{Op: api.OpRead, Offset: 7, Out: make([]byte, 100)},
		{Op: api.OpWrite, Offset: -1, In: []byte("data")},
		{Op: api.OpFsControl, Code: nt.FsctlPipeTransceive, In: []byte("in"), Out: make([]byte, 10)},
		{Op: api.OpCreate, Create: &api.CreateArgs{Name: `\x\ü`, DesiredAccess: 1, ShareAccess: 2, Disposition: 3, Options: 4, FileAttributes: 5,
			AllocationSize: 6, Impersonation: 2, CaseSensitive: true, EA: []byte{1, 2}, SecurityDescriptor: everyone(),
			Contexts: []any{api.MaximalAccess{Status: 1, Access: 2}, api.DiskID{FileID: 3, VolumeID: 4}}}},
		{Op: api.OpCreateNamedPipe, Create: &api.CreateArgs{Name: `\npfs\p`, Pipe: &api.PipeArgs{Type: 1, ReadMode: 1, CompletionMode: 1, MaxInstances: 2,
			InboundQuota: 3, OutboundQuota: 4, DefaultTimeout: -5}}},
		{Op: api.OpQueryDirectory, Code: 3, Dir: &api.DirArgs{Pattern: "*.x", Restart: true, Single: true, ByIndex: true, Index: 9}, Out: make([]byte, 5)},
		{Op: api.OpLock, Lock: &api.LockArgs{Offset: 1, Length: 2, Key: 3, Exclusive: true, FailImmediately: true}},
	}
}

func TestRequestRoundTrip(t *testing.T) {
	for _, r := range samples() {
		b := appendRequest(nil, r, 11, 12)
		got, handle, root, err := parseRequest(b)
		if err != nil {
			t.Fatalf("%s: %v", r.Op, err)
		}
		if handle != 11 || r.Create != nil && root != 12 {
			t.Errorf("%s: handle %d root %d", r.Op, handle, root)
		}
		if got.Op != r.Op || got.Code != r.Code || got.Offset != r.Offset || len(got.Out) != len(r.Out) || !bytes.Equal(got.In, r.In) ||
			!reflect.DeepEqual(got.Create, r.Create) || !reflect.DeepEqual(got.Dir, r.Dir) || !reflect.DeepEqual(got.Lock, r.Lock) {
			t.Errorf("%s:\n got %+v %+v\nwant %+v %+v", r.Op, got, got.Create, r, r.Create)
		}
		for i := range b { // cut anywhere it is refused
			if _, _, _, err := parseRequest(b[:i]); err == nil {
				t.Errorf("%s: accepted when cut to %d of %d bytes", r.Op, i, len(b))
			}
		}
		if _, _, _, err := parseRequest(append(b, 0)); err == nil {
			t.Errorf("%s: accepted with a byte too many", r.Op)
		}
	}
}

func TestResponseRoundTrip(t *testing.T) {
	r := &api.Request{Op: api.OpRead, Out: []byte("hello"), Status: nt.StatusBufferOverflow, N: 5}
	b := appendResponse(nil, r, 0)
	got := &api.Request{Op: api.OpRead, Out: make([]byte, 5)}
	status, n, _, err := parseResponse(b, got)
	if err != nil || status != nt.StatusBufferOverflow || n != 5 || string(got.Out) != "hello" {
		t.Errorf("%v %d %q %v", status, n, got.Out, err)
	}
	for i := range b {
		if _, _, _, err := parseResponse(b[:i], got); err == nil {
			t.Errorf("accepted when cut to %d bytes", i)
		}
	}
	if _, _, _, err := parseResponse(b, &api.Request{Op: api.OpRead, Out: make([]byte, 4)}); err == nil {
		t.Error("more data than was asked for is accepted")
	}
	c := &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{Result: api.CreateResult{Action: 1, Contexts: []any{api.DiskID{FileID: 1}}}}}
	b = appendResponse(nil, c, 77)
	gc := &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{}}
	if _, _, h, err := parseResponse(b, gc); err != nil || h != 77 || !reflect.DeepEqual(gc.Create.Result, c.Create.Result) {
		t.Errorf("%d %+v %v", h, gc.Create.Result, err)
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, r := range samples() {
		f.Add(appendRequest(nil, r, 1, 2))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, handle, root, err := parseRequest(b)
		if err != nil {
			return
		}
		if _, _, _, err := parseRequest(appendRequest(nil, r, handle, root)); err != nil {
			t.Errorf("what was parsed does not parse again: %v", err)
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	f.Add(appendResponse(nil, &api.Request{Op: api.OpRead, Out: []byte("hello"), N: 5}, 0), true)
	f.Fuzz(func(t *testing.T, b []byte, create bool) {
		r := &api.Request{Op: api.OpRead, Out: make([]byte, 64)}
		if create {
			r = &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{}}
		}
		parseResponse(b, r)
	})
}
