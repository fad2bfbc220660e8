package rdr_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/iofs"
	"lwio/iomgr/iofs/iofstest"
	"lwio/iomgr/iotest"
	"lwio/iomgr/nt"
)

// remote is the API of a machine whose device `\iotest` is on the other side of a redirector: behind the server's share of pipes.
type remote struct {
	api.Calls
	e *env
}

func (r remote) Submit(q *api.Request) {
	if a := q.Create; a != nil && a.Root == nil && len(a.Name) > 8 && nt.EqualFold(a.Name[:8], `\iotest\`) {
		to := *a
		to.Name = r.e.name(`IPC$\`) + a.Name[8:]
		to.Impersonation = api.ImpersonateImpersonation
		q.Create = &to
		done := q.Done
		q.Done = func(q *api.Request) {
			a.Result = to.Result
			if done != nil {
				done(q)
			}
		}
	}
	r.e.m.Submit(q)
}

// Close returns when the server has closed the file too, which the suite looks at: what is asked of it later is answered later.
func (r remote) Close(h api.Handle) error {
	err := r.Calls.Close(h)
	if _, e := r.e.try(`IPC$\fail\create:C0000022`); !errors.Is(e, nt.StatusAccessDenied) {
		r.e.t.Errorf("after a close: %v", e)
	}
	return err
}

// notRemote are the cases that cannot be the same at a distance.
var notRemote = map[string]string{
	"Access": "IPC$ passes no control but FSCTL_PIPE_TRANSCEIVE and FSCTL_PIPE_PEEK",
	"Echo":   "device controls have no message",
}

func TestAPI(t *testing.T) {
	iotest.RunAPI(t, func(t testing.TB) iotest.Target {
		if why := notRemote[t.Name()[strings.LastIndexByte(t.Name(), '/')+1:]]; why != "" {
			t.Skip(why)
		}
		d := iotest.NewDriver()
		e := newServer(t, func(c *srv.Config) { c.PipeDevice = "iotest" }, d.Entry)
		e.m = newClient(t, nil)
		r := remote{e: e}
		r.Calls.S = r
		return iotest.Target{API: r, Driver: d}
	})
}

// TestEcho is what of the suite's case of that name goes over the wire.
func TestEcho(t *testing.T) {
	d := iotest.NewDriver()
	e := newServer(t, func(c *srv.Config) { c.PipeDevice = "iotest" }, d.Entry)
	e.m = newClient(t, nil)
	h := e.open(`IPC$\echo`)
	ctx := context.Background()
	n, err := e.m.WriteFile(ctx, h, []byte("hello"), 0)
	if n != 5 || err != nil {
		t.Fatal(n, err)
	}
	buf := make([]byte, 3)
	if n, err = e.m.ReadFile(ctx, h, buf, 0); err != nil || string(buf[:n]) != "hel" {
		t.Fatalf("%q %v", buf[:n], err)
	}
	n, err = e.m.FsControlFile(ctx, h, nt.FsctlPipeTransceive, []byte("longer"), buf)
	if !errors.Is(err, nt.StatusBufferOverflow) || string(buf[:n]) != "lon" {
		t.Fatalf("%q %v", buf[:n], err)
	}
	if err := e.m.Close(h); err != nil {
		t.Fatal(err)
	}
	low := e.open(`IPC$\echo`, func(a *api.CreateArgs) { a.DesiredAccess = nt.FileReadAttributes })
	defer e.m.Close(low)
	if _, err = e.m.ReadFile(ctx, low, buf, 0); !errors.Is(err, nt.StatusAccessDenied) {
		t.Error(err)
	}
	if _, err = e.m.FsControlFile(ctx, low, nt.FsctlPipeTransceive, buf, buf); !errors.Is(err, nt.StatusAccessDenied) {
		t.Error(err)
	}
}

// TestGoFiles is a share as a Go program sees it, signed and sealed.
func TestGoFiles(t *testing.T) {
	for _, share := range []string{"data", "enc"} {
		t.Run(share, func(t *testing.T) {
			e := newEnv(t, nil, nil)
			iofstest.Run(t, iofs.New(e.m, e.name(share), iofs.Config{Contexts: []any{credential("root")}}))
		})
	}
}
