package npfs_test

import (
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// TestCancelReads: CancelIoFile of an end ends its reads, the oldest first, and the other end's are left alone.
func TestCancelReads(t *testing.T) {
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
	var order []int
	read := func(h api.Handle, i int) *api.Request {
		r := &api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, 4), Done: func(*api.Request) { order = append(order, i) }}
		if m.Submit(r); !r.Pended() || r.Completed() {
			t.Fatal(r.Status)
		}
		return r
	}
	var list []*api.Request
	for i := range 4 {
		list = append(list, read(server, i))
	}
	other := read(client, 9)
	list[1].Cancel() // one from the middle
	if err := m.CancelIoFile(server); err != nil {
		t.Fatal(err)
	}
	if len(order) != 4 || order[0] != 1 || order[1] != 0 || order[2] != 2 || order[3] != 3 {
		t.Errorf("ended in the order %v", order)
	}
	for i, r := range list {
		if r.Status != nt.StatusCancelled {
			t.Errorf("%d: %s", i, r.Status.Name())
		}
	}
	if other.Completed() {
		t.Errorf("the other end's read: %s", other.Status.Name())
	}
	// Those that come after it are served in their order.
	first, second := read(server, 5), read(server, 6)
	for _, s := range []string{"a", "b"} {
		if _, err := m.WriteFile(t.Context(), client, []byte(s), 0); err != nil {
			t.Fatal(err)
		}
	}
	if string(first.Out[:first.N]) != "a" || string(second.Out[:second.N]) != "b" {
		t.Errorf("%q, %q", first.Out[:first.N], second.Out[:second.N])
	}
}
