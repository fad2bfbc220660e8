package rdr_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// readOnce opens a file of the fake server, reads it and closes it in one frame.
func readOnce(m *iomgr.Manager, buf []byte) (*api.Request, bool, error) {
	r := &api.Request{Op: api.OpRead, Out: buf}
	a := &api.CreateArgs{Name: `\rdr\server\data\f`, DesiredAccess: nt.GenericRead, Disposition: nt.FileOpen, ShareAccess: 7,
		Impersonation: api.ImpersonateImpersonation, Contexts: []any{&api.Then{Requests: []*api.Request{r}, Close: true}}}
	h, err := m.CreateFile(context.Background(), a)
	_, done := api.Find[api.ThenDone](a.Result.Contexts)
	if err == nil {
		if _, e := m.ReadFile(context.Background(), h, make([]byte, 1), 0); done && r.Status == nt.StatusSuccess && !errors.Is(e, nt.StatusFileClosed) && !errors.Is(e, nt.StatusConnectionDisconnected) {
			return r, done, e
		}
		err = m.Close(h)
	}
	return r, done, err
}

// TestCompound: an open with what is done at once is one message each way; whatever part of it fails, the file is closed.
func TestCompound(t *testing.T) {
	for name, c := range map[string]struct {
		spoil map[smb2.Command]nt.Status
		err   nt.Status // of the open
		read  nt.Status
		close int // CLOSE requests
	}{
		"all well":    {nil, 0, 0, 1},
		"open fails":  {map[smb2.Command]nt.Status{smb2.Create: nt.StatusAccessDenied}, nt.StatusAccessDenied, 0, 1},
		"read fails":  {map[smb2.Command]nt.Status{smb2.Read: nt.StatusEndOfFile}, 0, nt.StatusEndOfFile, 1},
		"close fails": {map[smb2.Command]nt.Status{smb2.Close: nt.StatusInsufficientResources}, 0, 0, 2},
		"both fail": {map[smb2.Command]nt.Status{smb2.Read: nt.StatusInvalidParameter, smb2.Close: nt.StatusInvalidParameter}, 0,
			nt.StatusInvalidParameter, 2},
	} {
		for _, dialect := range []smb2.Dialect{smb2.Dialect210, smb2.Dialect311} {
			for _, sealed := range []bool{false, dialect == smb2.Dialect311} {
				t.Run(name+" "+dialect.String()+strconv.FormatBool(sealed), func(t *testing.T) {
					f := &fake{t: t, dialect: dialect, encrypt: sealed}
					f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
						if st, ok := c.spoil[q.h.Command]; ok && (q.h.Command == smb2.Create || q.h.IsRelated()) {
							if q.h.Command == smb2.Close {
								f.mu.Lock()
								f.conns[0].opens++
								f.mu.Unlock()
							}
							a.fail(st)
						}
						return []*answer{a}
					}
					m := f.client(nil)
					buf := make([]byte, 10)
					r, done, err := readOnce(m, buf)
					if c.err != 0 {
						if !errors.Is(err, c.err) {
							t.Errorf("open: %v", err)
						}
					} else if err != nil || !done || r.Status != c.read {
						t.Errorf("%v, done %v, read %v", err, done, r.Status)
					}
					if c.err == 0 && c.read == 0 && (r.N != 10 || string(buf) != "0123456789") {
						t.Errorf("read %d bytes, %q", r.N, buf)
					}
					shutdown(t, m)
					f.ended()
					if n := f.balance(); n != 0 {
						t.Errorf("%d files open", n)
					}
					if n := f.count(smb2.Close); n != c.close {
						t.Errorf("%d CLOSE requests, want %d", n, c.close)
					}
				})
			}
		}
	}
}

// TestCompoundCancelled: an open that is given up together with what goes with it leaves nothing open, whenever the answers come.
func TestCompoundCancelled(t *testing.T) {
	f := &fake{t: t, dialect: smb2.Dialect311}
	var held []*answer
	asked := make(chan struct{})
	f.edit = func(c *fakeConn, q *query, a *answer) []*answer {
		switch {
		case q.h.Command == smb2.Create && held == nil:
			i := a.interim()
			held = append(held, a)
			close(asked)
			return []*answer{i}
		case q.h.Command == smb2.Cancel:
			return nil
		case q.h.IsRelated() && q.h.Command == smb2.Read:
			held = append(held, a)
			return nil
		case q.h.IsRelated() && q.h.Command == smb2.Close:
			c.mu.Lock()
			c.opens++ // it fails
			c.mu.Unlock()
			held = append(held, a.fail(nt.StatusInsufficientResources))
			return nil
		case q.h.Command == smb2.Echo:
			return append(held, a)
		}
		return []*answer{a}
	}
	m := f.client(func(c *rdr.Config) { c.CancelTimeout = 10 * time.Millisecond; c.EchoInterval = 200 * time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	r := &api.Request{Op: api.OpRead, Out: make([]byte, 10)}
	result := make(chan error, 1)
	go func() {
		_, err := m.CreateFile(ctx, &api.CreateArgs{Name: `\rdr\server\data\f`, DesiredAccess: nt.GenericRead, Disposition: nt.FileOpen,
			Contexts: []any{&api.Then{Requests: []*api.Request{r}, Close: true}}})
		result <- err
	}()
	wait(t, asked)
	cancel()
	if err := wait(t, result); !errors.Is(err, nt.StatusCancelled) && !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if r.Status != nt.StatusCancelled {
		t.Errorf("read: %v", r.Status)
	}
	until(t, "the file is closed", func() bool { return f.balance() == 0 && f.count(smb2.Close) == 2 })
	shutdown(t, m)
	f.ended()
}

// TestCutCompound cuts the connection after each byte of calls by path: they go well, or say that the connection is lost, and nothing stays open.
func TestCutCompound(t *testing.T) {
	e := newServer(t, nil)
	once := func(n int64) int64 {
		left := new(atomic.Int64)
		left.Store(n)
		cfg := rdr.Config{Initiator: ntlmInitiator, Default: credential("alice"), RequestTimeout: testTimeout,
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return &cutter{nc, left}, nil
			}}
		m := iomgr.New(iomgr.Config{Log: testLog(t)})
		if err := m.Load(context.Background(), rdr.DriverEntry(cfg)); err != nil {
			t.Error(err)
			return 0
		}
		files := iofs.New(m, e.name("data"), iofs.Config{})
		name := "small" + strconv.FormatInt(n, 10)
		want := bytes.Repeat([]byte("abc"), 50)
		buf := make([]byte, 200)
		steps := []func() error{
			func() error { return files.WriteSmall(name, want, time.Unix(1e9, 0), true) },
			func() error {
				k, info, err := files.ReadSmall(name, buf)
				if err == nil && (!bytes.Equal(buf[:k], want) || info.Size() != 150 || !info.ModTime().Equal(time.Unix(1e9, 0))) {
					t.Errorf("cut after %d bytes: %q, %v", n, buf[:k], info)
				}
				return err
			},
			func() error { _, err := files.Stat(name); return err },
			func() error { return files.Rename(name, name+"r") },
			func() error { return files.Remove(name + "r") },
		}
		for i, step := range steps {
			if err := step(); err != nil {
				if !errors.Is(err, nt.StatusConnectionDisconnected) && !errors.Is(err, nt.StatusConnectionAborted) && !(i > 0 && errors.Is(err, fs.ErrNotExist)) {
					t.Errorf("cut after %d bytes: step %d: %v", n, i, err)
				}
				break
			}
		}
		end, done := context.WithTimeout(context.Background(), testTimeout)
		defer done()
		if err := m.Shutdown(end); err != nil {
			t.Error(err)
		}
		return n - left.Load()
	}
	used := once(1 << 40)
	t.Logf("%d bytes in all", used)
	step := int64(5)
	if testing.Short() {
		step = 101
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := next.Add(step) - step; n < used && !t.Failed(); n = next.Add(step) - step {
				once(n)
			}
		})
	}
	wg.Wait()
	e.nothingOpen(t)
}
