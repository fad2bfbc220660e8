package npfs_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes/npfs"
)

func attribute(t *testing.T, m *iomgr.Manager, h api.Handle, name string) (uint64, error) {
	out := make([]byte, 64)
	n, err := m.FsControlFile(t.Context(), h, nt.FsctlPipeGetConnectionAttribute, append([]byte(name), 0), out)
	if err != nil || n != 8 {
		return 0, err
	}
	return binary.LittleEndian.Uint64(out), nil
}

// TestServerIdentity: a client learns which process and which Unix user serves it, from the one who asked the kernel, and the server cannot
// say otherwise.
func TestServerIdentity(t *testing.T) {
	for _, tt := range []struct {
		name     string
		contexts []any
		pid, uid uint64
	}{
		{"another process", []any{&api.Process{ID: 4711, UID: 1234, GID: 5}}, 4711, 1234},
		{"this process", nil, uint64(os.Getpid()), uint64(os.Geteuid())},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t).m
			server, err := m.CreateNamedPipeFile(t.Context(), &api.CreateArgs{Name: `\npfs\p`, Disposition: nt.FileOpenIf, ShareAccess: 3, DesiredAccess: nt.FileReadAttributes,
				Pipe: &api.PipeArgs{MaxInstances: nt.FilePipeUnlimitedInstances}, Contexts: tt.contexts})
			if err != nil {
				t.Fatal(err)
			}
			open := func(contexts ...any) (api.Handle, error) {
				return m.CreateFile(context.Background(), &api.CreateArgs{Name: `\npfs\p`, DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpen, Contexts: contexts})
			}
			client, err := open(&api.Process{ID: 1, UID: 99})
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range []api.Handle{client, server} {
				if got, err := attribute(t, m, h, npfs.AttrServerProcessID); err != nil || got != tt.pid {
					t.Errorf("process %d, %v, want %d", got, err, tt.pid)
				}
				if got, err := attribute(t, m, h, npfs.AttrServerUserID); err != nil || got != tt.uid {
					t.Errorf("user %d, %v, want %d", got, err, tt.uid)
				}
			}
			_, err = m.FsControlFile(t.Context(), server, nt.FsctlPipeSetConnectionAttribute, []byte(npfs.AttrServerUserID+"\x00\x00\x00\x00\x00\x00\x00\x00\x00"), nil)
			if !errors.Is(err, nt.StatusAccessDenied) {
				t.Errorf("a server names its own user: %v", err)
			}
			if err := m.Close(client); err != nil {
				t.Fatal(err)
			}
			if _, err := m.FsControlFile(t.Context(), server, nt.FsctlPipeDisconnect, nil, nil); err != nil {
				t.Fatal(err)
			}
			listen := &api.Request{Op: api.OpFsControl, Handle: server, Code: nt.FsctlPipeListen}
			m.Submit(listen)
			remote, err := open(&api.Peer{Address: "192.0.2.1:1"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := attribute(t, m, remote, npfs.AttrServerUserID); !errors.Is(err, nt.StatusAccessDenied) {
				t.Errorf("a client of the network asks: %v", err)
			}
		})
	}
}
