package model_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/iotest/model"
	"lwio/iomgr/nt"

	"pgregory.net/rapid"
)

// cacher is a client that caches a file's content as its lease lets it: it reads once, writes late, and gives up what it is told to.
type cacher struct {
	id   int
	m    api.API
	name string
	key  nt.GUID
	h    api.Handle

	mu    sync.Mutex
	state uint8  // guarded by mu: what it may cache
	data  []byte // guarded by mu: nil if it has nothing
	dirty bool   // guarded by mu
	broke int    // guarded by mu
}

const cacheLen = 4

// open opens with a lease, or without one.
func (c *cacher) open(leased uint8) error {
	a := &api.CreateArgs{Name: c.name, DesiredAccess: nt.FileReadData | nt.FileWriteData | nt.Delete | nt.Synchronize, ShareAccess: 7, Disposition: nt.FileOpen,
		Impersonation: api.ImpersonateImpersonation}
	if leased != 0 {
		a.Contexts = []any{api.Oplock{State: leased, Lease: true, Key: c.key, Version: 2}}
	}
	ctx, cancel := context.WithTimeout(context.Background(), model.Limit)
	defer cancel()
	h, err := c.m.CreateFile(ctx, a)
	if err != nil {
		return err
	}
	c.h = h
	if got, ok := api.Find[api.Oplock](a.Result.Contexts); ok {
		c.mu.Lock()
		c.state = got.State
		c.mu.Unlock()
		c.listen(h)
	}
	return nil
}

// listen pends the control by which a break is heard. What is heard is done before anything else of the one who breaks: written back, forgotten,
// acknowledged.
func (c *cacher) listen(h api.Handle) {
	c.m.Submit(&api.Request{Op: api.OpFsControl, Handle: h, Code: nt.FsctlOplockBreakNotify, Out: make([]byte, api.OplockBreakLen), Done: func(r *api.Request) {
		if r.Status != nt.StatusSuccess {
			return
		}
		b, ok := api.ParseOplockBreak(r.Out[:r.N])
		if !ok {
			return
		}
		c.mu.Lock()
		c.broke++
		data := c.data
		flush := c.dirty && b.To&api.CacheWrite == 0
		if b.To&api.CacheRead == 0 {
			c.data = nil
		}
		if flush {
			c.dirty = false
		}
		c.state = b.To
		c.mu.Unlock()
		acknowledge := func() {
			c.listen(h)
			if b.AckRequired {
				c.m.Submit(&api.Request{Op: api.OpFsControl, Handle: h, Code: nt.FsctlOplockBreakAcknowledge, In: []byte{b.To}})
			}
		}
		if !flush {
			acknowledge()
			return
		}
		c.m.Submit(&api.Request{Op: api.OpWrite, Handle: h, In: data, Done: func(*api.Request) { acknowledge() }})
	}})
}

// close writes back and closes.
func (c *cacher) close() error {
	c.mu.Lock()
	data, dirty := c.data, c.dirty
	c.data, c.dirty, c.state = nil, false, 0
	c.mu.Unlock()
	var err error
	if dirty {
		_, err = c.m.WriteFile(context.Background(), c.h, data, 0)
	}
	if e := c.m.Close(c.h); err == nil {
		err = e
	}
	c.h = nil
	return err
}

func (c *cacher) read() (string, error) {
	c.mu.Lock()
	data, state := c.data, c.state
	c.mu.Unlock()
	if data != nil && state&api.CacheRead != 0 {
		return string(data), nil
	}
	b := make([]byte, cacheLen)
	n, err := c.m.ReadFile(context.Background(), c.h, b, 0)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	if c.state&api.CacheRead != 0 && n == cacheLen {
		c.data = b
	}
	c.mu.Unlock()
	return string(b[:n]), nil
}

func (c *cacher) write(s string) error {
	c.mu.Lock()
	if c.state&api.CacheWrite != 0 {
		c.data, c.dirty = []byte(s), true
		c.mu.Unlock()
		return nil
	}
	c.data = nil
	c.mu.Unlock()
	_, err := c.m.WriteFile(context.Background(), c.h, []byte(s), 0)
	return err
}

// TestCaches has clients with leases cache what they may. Each read gives what was written last, by whomever, and wherever that is; nobody writes
// late beside another who reads early.
func TestCaches(t *testing.T) {
	for name, v := range volumes(t) {
		if name == "smb" || name == "behind" { // a program asks for no leases through the redirector
			continue
		}
		t.Run(name, func(t *testing.T) {
			breaks := 0
			rapid.Check(t, func(rt *rapid.T) { breaks += caches(t, rt, v) })
			if breaks == 0 {
				t.Error("nothing was ever broken")
			}
		})
	}
}

func caches(t *testing.T, rt *rapid.T, v volume) (breaks int) {
	target := v.fresh(t)
	name := target.Clients[0].Root + `\f`
	m := target.Clients[0].API
	h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: name, DesiredAccess: nt.FileWriteData, Disposition: nt.FileCreate, Impersonation: api.ImpersonateImpersonation})
	if err != nil {
		t.Fatal(err)
	}
	last := "0000"
	if _, err := m.WriteFile(t.Context(), h, []byte(last), 0); err != nil {
		t.Fatal(err)
	}
	m.Close(h)
	var log []string
	var all []*cacher
	for i := range 3 {
		all = append(all, &cacher{id: i, m: m, name: name, key: nt.GUID{byte(i + 1)}})
	}
	defer func() {
		for _, c := range all {
			if c.h != nil {
				_ = c.close()
			}
			breaks += c.broke
		}
	}()
	fail := func(format string, args ...any) {
		rt.Fatalf("%s\n%s", strings.Join(log, "\n"), fmt.Sprintf(format, args...))
	}
	for i := range rapid.IntRange(1, 40).Draw(rt, "operations") {
		c := all[rapid.IntRange(0, 2).Draw(rt, "client")]
		what := oneOf(rt, []string{"read", "write", "close"}, "what")
		if c.h == nil {
			leased := oneOf(rt, []uint8{7, 7, 3, 5, 1, 0}, "lease")
			log = append(log, fmt.Sprintf("%d open %d", c.id, leased))
			if err := c.open(leased); err != nil {
				fail("%v", err)
			}
			log = append(log, fmt.Sprintf("    has %d", c.state))
			exclusive(all, fail)
			continue
		}
		log = append(log, fmt.Sprintf("%d %s", c.id, what))
		switch what {
		case "read":
			got, err := c.read()
			if err != nil || got != last {
				fail("read %q, %v; want %q", got, err, last)
			}
		case "write":
			last = fmt.Sprintf("%04d", i+1)
			if err := c.write(last); err != nil {
				fail("%v", err)
			}
		case "close":
			if err := c.close(); err != nil {
				fail("%v", err)
			}
		}
		exclusive(all, fail)
	}
	return breaks
}

// exclusive: who may write late is alone with what it has.
func exclusive(all []*cacher, fail func(string, ...any)) {
	var states []uint8
	writers, readers := 0, 0
	for _, c := range all {
		c.mu.Lock()
		states = append(states, c.state)
		if c.h != nil && c.state&api.CacheWrite != 0 {
			writers++
		}
		if c.h != nil && c.state&api.CacheRead != 0 {
			readers++
		}
		c.mu.Unlock()
	}
	if writers > 1 || writers == 1 && readers > 1 {
		fail("leases %v side by side", states)
	}
}
