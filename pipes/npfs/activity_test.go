package npfs_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes/npfs"
)

// TestActivity: the server's end tells by which request of the network came what it read last, whether the read or the write was first.
func TestActivity(t *testing.T) {
	m := newMachine(t).m
	server, err := m.CreateNamedPipeFile(t.Context(), &api.CreateArgs{Name: `\npfs\p`, Disposition: nt.FileOpenIf, ShareAccess: 3, DesiredAccess: nt.FileReadAttributes,
		Pipe: &api.PipeArgs{Type: nt.FilePipeMessageType, MaxInstances: 1, InboundQuota: 100, OutboundQuota: 100}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\npfs\p`, DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpen})
	if err != nil {
		t.Fatal(err)
	}
	var a api.Activity
	write := func(message uint64) {
		r := &api.Request{Op: api.OpWrite, Handle: client, In: []byte("x"), Activity: api.Activity{Connection: 3, Session: 5, Message: message}}
		if message == 0 {
			r.Activity = api.Activity{}
		}
		if m.Submit(r); r.Status != nt.StatusSuccess {
			t.Fatal(r.Status)
		}
	}
	read := func() *api.Request {
		r := &api.Request{Op: api.OpRead, Handle: server, Out: make([]byte, 1)}
		m.Submit(r)
		return r
	}
	last := func() api.Activity {
		out := make([]byte, 64)
		n, err := m.FsControlFile(t.Context(), server, nt.FsctlPipeGetConnectionAttribute, []byte(npfs.AttrActivity+"\x00"), out)
		if err != nil || n != 0 && n != 24 {
			t.Fatal(n, err)
		}
		if n == 0 {
			return api.Activity{}
		}
		le := binary.LittleEndian
		return api.Activity{Connection: le.Uint64(out), Session: le.Uint64(out[8:]), Message: le.Uint64(out[16:])}
	}
	if a = last(); !a.IsZero() {
		t.Errorf("before anything: %+v", a)
	}
	write(1)
	write(2)
	for _, want := range []uint64{1, 2} {
		if read(); last().Message != want {
			t.Errorf("%+v, want %d", last(), want)
		}
	}
	if waits := read(); waits.Completed() {
		t.Error("a read of an empty pipe does not wait")
	}
	write(3)
	if a = last(); a != (api.Activity{Connection: 3, Session: 5, Message: 3}) || a.String() != "3/3" {
		t.Errorf("%+v", a)
	}
	write(0)
	if read(); !last().IsZero() {
		t.Errorf("of a local write: %+v", last())
	}
	if _, err := m.FsControlFile(t.Context(), client, nt.FsctlPipeGetConnectionAttribute, []byte(npfs.AttrActivity+"\x00"), make([]byte, 64)); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("the client asks: %v", err)
	}
}
