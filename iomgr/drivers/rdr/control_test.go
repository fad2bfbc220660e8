package rdr_test

import (
	"errors"
	"strings"
	"testing"

	"lwio/gen/rdrctl"
	"lwio/iomgr/api"
	"lwio/iomgr/devctl"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
)

// TestConnections lists what there is and cuts it: a durable file is had back, a pipe is lost.
func TestConnections(t *testing.T) {
	var dials counter
	e := newEnv(t, nil, func(c *rdr.Config) { c.Dial = dials.dial })
	ctx := t.Context()
	dev, err := devctl.Open(ctx, e.m, `\rdr`)
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	ctl := rdrctl.NewClient(dev)
	list := func() []rdrctl.RDRCTL_SESSION {
		t.Helper()
		res, err := ctl.RdrConnectionEnum(ctx, &rdrctl.RdrConnectionEnumRequest{})
		if err != nil || res.Return != 0 {
			t.Fatal(res, err)
		}
		return res.Sessions.Sessions
	}
	if l := list(); len(l) != 0 {
		t.Errorf("before anything was opened: %+v", l)
	}
	e.listen("echo", echo)
	h, pipe := e.open(`data\f`, create), e.open(`IPC$\echo`, as("bob"))
	l := list()
	if len(l) != 2 || *l[0].Server != e.addr || !strings.HasPrefix(*l[0].User, "alice, ") || !strings.HasPrefix(*l[1].User, "bob, ") || l[0].Opens != 1 || l[0].Shares != 1 ||
		l[0].Dialect != 0x311 || l[0].Connected != 1 || l[0].Signs != 1 || l[0].Encrypts != 0 {
		t.Errorf("%+v", l)
	}
	for server, want := range map[string]nt.WinError{"nowhere": nt.WErrNotFound, "a b": nt.WErrInvalidParameter, `\\` + e.addr: nt.WErrSuccess} {
		res, err := ctl.RdrConnectionClose(ctx, &rdrctl.RdrConnectionCloseRequest{Server: server})
		if err != nil || nt.WinError(res.Return) != want || want == nt.WErrSuccess && res.Closed != 1 {
			t.Errorf("close %s: %+v, %v", server, res, err)
		}
	}
	if _, err := e.m.WriteFile(ctx, h, []byte("x"), 0); err != nil {
		t.Error(err)
	}
	if _, err := e.m.WriteFile(ctx, pipe, []byte("x"), 0); !errors.Is(err, nt.StatusConnectionDisconnected) {
		t.Error(err)
	}
	if n := dials.n.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
	if err := e.m.FlushBuffersFile(ctx, h); err != nil {
		t.Error(err)
	}
	if _, err := e.m.ReadFile(ctx, h, make([]byte, 1), 0); err != nil {
		t.Error(err)
	}
	if _, err := e.m.ReadFile(ctx, h, make([]byte, 1), 0); err != nil {
		t.Error(err)
	}
	res, err := ctl.RdrCacheGet(ctx, &rdrctl.RdrCacheGetRequest{})
	if k := res.Cache; err != nil || k.Reopened != 1 || k.Gone != 0 || k.Durable != 1 || k.Leases != 1 || k.Hits != 1 || k.Misses != 1 || k.Bytes != 1 {
		t.Errorf("%+v, %v", k, err)
	}
	for _, h := range []api.Handle{h, pipe} {
		if err := e.m.Close(h); err != nil {
			t.Error(err)
		}
	}
	for name, a := range map[string]*api.CreateArgs{
		"user":    {Token: token("alice")},
		"network": {Token: token("root"), Contexts: []any{&api.Peer{Address: "192.0.2.1:5"}}},
	} {
		a.Name, a.DesiredAccess, a.Disposition = `\rdr`, nt.FileReadData, nt.FileOpen
		if _, err := e.m.CreateFile(ctx, a); !errors.Is(err, nt.StatusAccessDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
