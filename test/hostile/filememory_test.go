package hostile

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/test/smbclient"
)

// connect is a client of the share data, which keeps next to nothing of what it does.
func (h *host) connect() *smbclient.Client {
	h.t.Helper()
	c, err := smbclient.Dial(h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	if err := c.Logon(h.t.Context(), admin, password); err != nil {
		h.t.Fatal(err)
	}
	if err := c.Connect("data"); err != nil {
		h.t.Fatal(err)
	}
	return c
}

// within checks what each of many costs.
func within(t *testing.T, what string, limit int, many int, do func()) {
	t.Helper()
	before := int64(heapInUse())
	do()
	per := (int64(heapInUse()) - before) / int64(many)
	t.Logf("%s: %d bytes", what, per)
	if per >= int64(limit) {
		t.Errorf("%s costs %d bytes, want less than %d", what, per, limit)
	}
}

// TestFileMemory: an open file costs less than 2 KiB in the whole server, a byte-range lock less than 128 bytes, a watch less than 1 KiB, and the
// request of SMB that waits for it a quarter of that besides.
func TestFileMemory(t *testing.T) {
	const many = 800 // each open file is a descriptor
	h := start(t, func(c *srv.Config) { c.Limits.OpensPerSession = 4 * many })
	c := h.connect()
	files := make([]*smbclient.File, 0, many)
	open := func(name string, access nt.AccessMask, options uint32) *smbclient.File {
		f, err := c.Open(name, access, nt.FileOpenIf, options)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for i := range 50 { // what grows once
		files = append(files, open(fmt.Sprintf("warm%d", i), nt.FileReadData|nt.FileWriteData, nt.FileNonDirectoryFile))
	}
	within(t, "an open file", 2<<10, many, func() {
		for i := range many {
			files = append(files, open(fmt.Sprintf("file%d", i), nt.FileReadData|nt.FileWriteData, nt.FileNonDirectoryFile))
		}
	})
	const locks = 20000
	within(t, "a lock", 128, locks, func() {
		for i := range uint64(locks) {
			if err := files[i%8].Lock(i*10, 5); err != nil {
				t.Fatal(err)
			}
		}
	})
	for i, f := range files {
		if i%8 == 0 {
			continue
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	const watches = 300
	dirs := make([]*smbclient.File, watches)
	for i := range dirs {
		dirs[i] = open(fmt.Sprintf("dir%d", i), nt.FileListDirectory, nt.FileDirectoryFile)
	}
	within(t, "a watch of a client", 1<<10+256, watches, func() {
		for _, d := range dirs {
			if err := d.Watch(); err != nil {
				t.Fatal(err)
			}
		}
	})
	handles := make([]api.Handle, watches)
	var err error
	for i := range handles {
		args := api.CreateArgs{Name: `\pvfs` + strings.ReplaceAll(filepath.Join(h.dir, "share", fmt.Sprintf("dir%d", i)), "/", `\`), DesiredAccess: nt.FileListDirectory, ShareAccess: 7,
			Disposition: nt.FileOpen, Options: nt.FileDirectoryFile}
		if handles[i], err = h.m.CreateFile(t.Context(), &args); err != nil {
			t.Fatal(err)
		}
	}
	within(t, "a watch", 1<<10, watches, func() {
		for _, d := range handles {
			r := &api.Request{Op: api.OpNotifyChange, Handle: d, Code: nt.FileNotifyChangeFileName, Room: 4096}
			if h.m.Submit(r); !r.Pended() {
				t.Fatal(r.Status)
			}
		}
	})
	for _, d := range handles {
		if err := h.m.Close(d); err != nil {
			t.Error(err)
		}
	}
}

// TestListMany: a directory of very many entries is listed in bounded memory, and no request of it waits long.
func TestListMany(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	many := 200_000
	if n, err := strconv.Atoi(os.Getenv("LIST_ENTRIES")); err == nil {
		many = n
	}
	h := start(t, nil)
	dir := filepath.Join(h.dir, "share", "many")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range many {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("entry%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	c := h.connect()
	d, err := c.Open("many", nt.FileListDirectory, nt.FileOpen, nt.FileDirectoryFile)
	if err != nil {
		t.Fatal(err)
	}
	before := int64(heapInUse())
	n, longest, err := d.List()
	if err != nil || n != many+2 {
		t.Fatalf("%d entries, want %d: %v", n, many+2, err)
	}
	grown := int64(heapInUse()) - before
	t.Logf("%d entries: %d KiB more heap, at most %v for a request", n, grown>>10, longest)
	if grown > 8<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if longest > time.Second {
		t.Errorf("a request took %v", longest)
	}
}
