package host

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/pipes/npfs"
	"lwio/rpc/server"
	"lwio/services/authority"
	"lwio/services/state"
)

func manager(t *testing.T) *iomgr.Manager {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(t.Context(), npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	return m
}

func accounts(t *testing.T) *state.Accounts {
	machine := state.Machine{Name: "HOST", SID: nt.NewSID(5, 21, 1, 2, 3)}
	a, err := state.NewAccounts(t.Context(), state.NewMemory(), state.AccountsConfig{Machine: machine, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestRemoteAuthority: the service over a pipe of the manager, and nobody but the system may open it.
func TestRemoteAuthority(t *testing.T) {
	m, a := manager(t), accounts(t)
	h, err := Start(t.Context(), m, []Service{Authority(a, a, nil)}, server.Config{}, Endpoints{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Stop(context.Background())
	var learned auth.Host
	r := RemoteAuthority(m, auth.Host{Name: "GUESS"}, func(h auth.Host) { learned = h }, slog.New(slog.DiscardHandler))
	defer r.Close()
	KeepConnecting(t.Context(), r)
	if r.Host() != a.Host() || learned != a.Host() {
		t.Errorf("%+v %+v, want %+v", r.Host(), learned, a.Host())
	}
	if ids, err := r.LookupNames(t.Context(), []string{"HOST"}); err != nil || ids[0].SID != a.Host().MachineSID {
		t.Errorf("%+v %v", ids, err)
	}
	plain := state.NewUnixTokens(nil).ForUID(4711, 4711)
	if _, err := pipes.Dial(t.Context(), m, authority.Pipe, pipes.DialConfig{Token: plain}); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("a plain user opens the pipe: %v", err)
	}
	admin := state.NewUnixTokens(nil).ForUID(0, 0)
	if _, err := pipes.Dial(t.Context(), m, authority.Pipe, pipes.DialConfig{Token: admin, Contexts: []any{&api.Peer{Address: "192.0.2.1:1"}}}); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("an administrator of the network opens the pipe: %v", err)
	}
}

// TestSquatter: who took the name of the pipe and is not of the system is not asked about logons, nor told of any.
func TestSquatter(t *testing.T) {
	for uid, want := range map[uint32]bool{0: true, uint32(os.Geteuid()): true, 4711: uint32(os.Geteuid()) == 4711} {
		m := manager(t)
		h, err := m.CreateNamedPipeFile(t.Context(), &api.CreateArgs{Name: pipes.Name(authority.Pipe), Disposition: nt.FileOpenIf, ShareAccess: 3,
			DesiredAccess: nt.FileReadAttributes, Pipe: &api.PipeArgs{Type: nt.FilePipeMessageType, MaxInstances: 8}, Contexts: []any{&api.Process{ID: 1, UID: uid}}})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := dialAuthority(t.Context(), m)
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "another user") {
			t.Errorf("user %d: %v", uid, err)
		}
		if err == nil {
			conn.Close()
			continue
		}
		if n, err := m.ReadFile(t.Context(), h, make([]byte, 100), 0); n != 0 || err == nil {
			t.Errorf("user %d was sent %d bytes", uid, n)
		}
		r := RemoteAuthority(m, auth.Host{}, nil, slog.New(slog.DiscardHandler))
		if _, err := r.VerifyNTLM(t.Context(), &auth.NTLMLogon{}); !errors.Is(err, nt.StatusNoLogonServers) {
			t.Errorf("user %d: %v", uid, err)
		}
	}
}
