package server

import (
	"testing"

	"lwio/rpc"
)

// TestSharedGroups: servers that share their groups are one to a client; others know nothing of each other.
func TestSharedGroups(t *testing.T) {
	shared := NewGroups()
	a, b, c := New(Config{Groups: shared}), New(Config{Groups: shared}), New(Config{})
	g := a.joinGroup(0, rpc.TransportNamedPipe)
	if got := b.joinGroup(g.id, rpc.TransportNamedPipe); got != g {
		t.Errorf("a server that shares groups finds %v", got)
	}
	if b.joinGroup(g.id, rpc.TransportTCP) != nil {
		t.Error("a group is joined over another transport")
	}
	if c.joinGroup(g.id, rpc.TransportNamedPipe) != nil {
		t.Error("a group of another server is joined")
	}
	if n, m := shared.count(a), shared.count(b); n != 1 || m != 0 {
		t.Errorf("%d and %d groups were begun", n, m)
	}
	ran := 0
	call := &rpc.Call{Interface: &rpc.Interface{}}
	if _, err := g.handles.Open(call, 1, func() { ran++ }); err != nil {
		t.Fatal(err)
	}
	a.leaveGroup(g)
	if ran != 0 {
		t.Error("handles run down while a connection to the other server is there")
	}
	b.leaveGroup(g)
	if ran != 1 || a.joinGroup(g.id, rpc.TransportNamedPipe) != nil {
		t.Errorf("the last connection is gone: %d rundowns", ran)
	}
}
