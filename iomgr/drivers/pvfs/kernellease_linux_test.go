package pvfs_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

func mountKernel(t testing.TB) (*iomgr.Manager, string) {
	dir := t.TempDir()
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), pvfs.DriverEntry(pvfs.Config{Root: dir, KernelOplocks: true})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	return m, dir
}

// cached is an open with an oplock or a lease.
type cached struct {
	t      testing.TB
	m      *iomgr.Manager
	h      api.Handle
	state  uint8
	broken chan *api.Request
}

func openCached(t testing.TB, m *iomgr.Manager, name string, access nt.AccessMask, want api.Oplock, more ...any) *cached {
	t.Helper()
	a := &api.CreateArgs{Name: `\pvfs\` + name, DesiredAccess: access, ShareAccess: 7, Disposition: nt.FileOpenIf, Contexts: append([]any{want}, more...)}
	h, err := m.CreateFile(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := api.Find[api.Oplock](a.Result.Contexts)
	c := &cached{t: t, m: m, h: h, state: got.State, broken: make(chan *api.Request, 4)}
	if got.State != 0 {
		c.listen()
	}
	return c
}

func (c *cached) listen() {
	c.m.Submit(&api.Request{Op: api.OpFsControl, Handle: c.h, Code: nt.FsctlOplockBreakNotify, Out: make([]byte, api.OplockBreakLen), Done: func(r *api.Request) { c.broken <- r }})
}

// breaks waits for a break and acknowledges it.
func (c *cached) breaks(to uint8, acknowledge bool) {
	c.t.Helper()
	select {
	case r := <-c.broken:
		b, ok := api.ParseOplockBreak(r.Out[:r.N])
		if r.Status != nt.StatusSuccess || !ok || b.To != to || b.AckRequired != acknowledge {
			c.t.Fatalf("%v %+v, want to %d", r.Status, b, to)
		}
		c.state = b.To
	case <-time.After(20 * time.Second):
		c.t.Fatal("no break")
	}
	if !acknowledge {
		return
	}
	if _, err := c.m.FsControlFile(c.t.Context(), c.h, nt.FsctlOplockBreakAcknowledge, []byte{to}, nil); err != nil {
		c.t.Fatal(err)
	}
	if to != 0 {
		c.listen()
	}
}

func (c *cached) keeps() {
	c.t.Helper()
	select {
	case r := <-c.broken:
		c.t.Errorf("broken: %v %x", r.Status, r.Out)
	default:
	}
}

const (
	r, rw, rh, rwh = api.CacheRead, api.CacheRead | api.CacheWrite, api.CacheRead | api.CacheHandle, api.CacheRead | api.CacheHandle | api.CacheWrite
	reads          = nt.FileReadData | nt.FileReadAttributes | nt.ReadControl
	readsAndWrites = reads | nt.FileWriteData
)

func lease(key byte, state uint8) api.Oplock {
	return api.Oplock{State: state, Lease: true, Client: nt.GUID{1}, Key: nt.GUID{key}, Version: 2}
}

// leasesOfKernel says which leases this process has.
func leasesOfKernel(t testing.TB) string {
	b, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Skip("no /proc/locks: ", err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 4 && f[1] == "LEASE" && f[4] == strconv.Itoa(os.Getpid()) {
			out = append(out, f[3])
		}
	}
	return strings.Join(out, " ")
}

// TestKernelOplocks: what a local program opens waits for who caches it.
func TestKernelOplocks(t *testing.T) {
	for _, c := range []struct {
		name    string
		access  nt.AccessMask
		want    api.Oplock
		program string
		to      uint8
		ack     bool
		lease   string // afterwards
	}{
		{"batch, written", readsAndWrites, api.Oplock{State: rwh}, "append f", 0, true, ""},
		{"exclusive, written", readsAndWrites, api.Oplock{State: rw}, "append f", 0, true, ""},
		{"batch, read", readsAndWrites, api.Oplock{State: rwh}, "read f", r, true, ""},
		{"batch for reading, read", reads, api.Oplock{State: rwh}, "read f", r, true, "READ"},
		{"lease, written", readsAndWrites, lease(1, rwh), "append f", 0, true, ""},
		{"lease, read", readsAndWrites, lease(1, rwh), "read f", rh, true, ""},
		{"lease for reading, read", reads, lease(1, rwh), "read f", rh, true, "READ"},
		{"level II, written", reads, api.Oplock{State: r}, "append f", 0, false, ""},
		{"lease of reads, written", reads, lease(1, rh), "append f", 0, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, dir := mountKernel(t)
			os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o666)
			p := startLocalProgram(t, dir)
			o := openCached(t, m, "f", c.access, c.want)
			if o.state != c.want.State {
				t.Fatalf("granted %d", o.state)
			}
			if got, want := leasesOfKernel(t), "WRITE"; got != want && o.state&api.CacheWrite != 0 {
				t.Fatalf("the kernel's leases: %q", got)
			}
			p.start(c.program)
			o.breaks(c.to, c.ack)
			if got := p.answer(); got != "done" {
				t.Fatal(got)
			}
			if got := leasesOfKernel(t); got != c.lease {
				t.Errorf("the kernel's leases then: %q, want %q", got, c.lease)
			}
			if c.lease == "READ" { // what is left is guarded as well
				p.start("append f")
				o.breaks(0, c.want.Lease)
				if got := p.answer(); got != "done" {
					t.Fatal(got)
				}
			}
			m.Close(o.h)
			if got := leasesOfKernel(t); got != "" {
				t.Errorf("closed: %q", got)
			}
		})
	}
}

// TestKernelOplocksOwn: this driver's own opens break what they always break, and nothing else.
func TestKernelOplocksOwn(t *testing.T) {
	m, dir := mountKernel(t)
	os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o666)
	p := startLocalProgram(t, dir)
	o := openCached(t, m, "f", readsAndWrites|nt.Delete, lease(1, rwh))
	stat, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\f`, DesiredAccess: nt.FileReadAttributes, ShareAccess: 7, Disposition: nt.FileOpen})
	if err != nil {
		t.Fatal(err)
	}
	same := openCached(t, m, "f", readsAndWrites, lease(1, rwh))
	o.keeps()
	m.Close(stat)
	m.Close(same.h)
	if got := leasesOfKernel(t); got != "WRITE" {
		t.Errorf("alone again, the kernel's leases: %q", got)
	}
	// Another client's open breaks it through the driver, and waits.
	done := make(chan *api.Request, 1)
	m.Submit(&api.Request{Op: api.OpCreate, Create: &api.CreateArgs{Name: `\pvfs\f`, DesiredAccess: reads, ShareAccess: 7, Disposition: nt.FileOpen}, Done: func(r *api.Request) { done <- r }})
	o.breaks(rh, true)
	second := <-done
	if second.Status != nt.StatusSuccess {
		t.Fatal(second.Status)
	}
	m.Close(second.Create.Result.Handle)
	o.keeps()
	// The client that holds the lease may rename, delete and list.
	d := mustOpen(t, m, "", nt.FileOpen, nt.FileDirectoryFile)
	if _, err := m.QueryDirectoryFile(t.Context(), d, nt.FileIdBothDirectoryInformation, &api.DirArgs{}, make([]byte, 4096)); err != nil {
		t.Error(err)
	}
	m.Close(d)
	rename(t, m, o.h, "g")
	o.keeps()
	m.Close(o.h)
	p.do(t, "append g")
	// Who has it open for writing already keeps others from caching.
	o = openCached(t, m, "g", reads, lease(2, rwh))
	if o.state != 0 {
		t.Errorf("beside a program that writes: %d", o.state)
	}
	m.Close(o.h)
	p.do(t, "read g")
	o = openCached(t, m, "g", reads, lease(3, rwh))
	if o.state != rh {
		t.Errorf("beside a program that reads: %d", o.state)
	}
	m.Close(o.h)
	p.do(t, "close")
}

// TestKernelOplocksByShare: a share asks for it; without that nobody hears of local programs, and they do not wait.
func TestKernelOplocksByShare(t *testing.T) {
	m, dir := mount(t)
	os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o666)
	p := startLocalProgram(t, dir)
	o := openCached(t, m, "f", readsAndWrites, api.Oplock{State: rwh})
	p.do(t, "append f")
	o.keeps()
	m.Close(o.h)
	p.do(t, "close")
	o = openCached(t, m, "f", readsAndWrites, api.Oplock{State: rwh}, &fsrtl.ShareOptions{KernelOplocks: true})
	p.start("append f")
	o.breaks(0, true)
	if got := p.answer(); got != "done" {
		t.Fatal(got)
	}
	m.Close(o.h)
	if b, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || !bytes.Equal(b, []byte("x")) {
		t.Errorf("%q %v", b, err)
	}
}

// TestKernelOplocksDirectory: what a client knows of a directory goes when a local program changes an entry.
func TestKernelOplocksDirectory(t *testing.T) {
	m, dir := mountKernel(t)
	p := startLocalProgram(t, dir)
	for _, change := range []string{"mkdir d/sub", "touch d/f", "write d/f", "chmod d/f", "mv d/f d/g", "rm d/g"} {
		p.do(t, "mkdir d")
		a := &api.CreateArgs{Name: `\pvfs\d`, DesiredAccess: nt.FileListDirectory, ShareAccess: 7, Disposition: nt.FileOpen, Options: nt.FileDirectoryFile, Contexts: []any{lease(1, rh)}}
		h, err := m.CreateFile(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := api.Find[api.Oplock](a.Result.Contexts)
		if got.State != rh {
			t.Fatalf("granted %d", got.State)
		}
		c := &cached{t: t, m: m, h: h, state: got.State, broken: make(chan *api.Request, 4)}
		c.listen()
		p.do(t, change)
		c.breaks(0, true)
		m.Close(h)
	}
}

// TestForeignLease waits for a local program that caches a file, as that would for a client.
func TestForeignLease(t *testing.T) {
	m, dir := mount(t)
	os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o666)
	p := startLocalProgram(t, dir)
	p.do(t, "lease f")
	done := make(chan *api.Request, 2)
	open := func() *api.Request {
		r := &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{Name: `\pvfs\f`, DesiredAccess: readsAndWrites, ShareAccess: 7, Disposition: nt.FileOpen}, Done: func(r *api.Request) { done <- r }}
		m.Submit(r)
		return r
	}
	open().Cancel()
	if r := <-done; r.Status != nt.StatusCancelled {
		t.Errorf("cancelled: %v", r.Status)
	}
	open()
	select {
	case r := <-done:
		t.Fatalf("not waited: %v", r.Status)
	default:
	}
	p.do(t, "close")
	r := <-done
	if r.Status != nt.StatusSuccess {
		t.Fatal(r.Status)
	}
	m.Close(r.Create.Result.Handle)
}
