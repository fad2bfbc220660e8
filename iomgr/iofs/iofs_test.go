package iofs_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/iofs"
	"lwio/iomgr/iofs/iofstest"
)

func TestMemory(t *testing.T) {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(t.Context(), memfs.DriverEntry(memfs.Config{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	iofstest.Run(t, iofs.New(m, `\memfs`, iofs.Config{}))
}

func TestDisk(t *testing.T) {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(t.Context(), pvfs.DriverEntry(pvfs.Config{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	iofstest.Run(t, iofs.New(m, `\pvfs`+strings.ReplaceAll(t.TempDir(), "/", `\`), iofs.Config{}))
}

func Example() {
	m := iomgr.New(iomgr.Config{})
	defer m.Shutdown(context.Background())
	if err := m.Load(context.Background(), memfs.DriverEntry(memfs.Config{})); err != nil {
		fmt.Println(err)
		return
	}
	files := iofs.New(m, `\memfs`, iofs.Config{})
	_ = files.MkdirAll("plans/2026", 0o755)
	_ = files.WriteFile("plans/2026/may.txt", []byte("sow"), 0o644)
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		fmt.Println(name, d.IsDir())
		return err
	})
	// Output:
	// . true
	// plans true
	// plans/2026 true
	// plans/2026/may.txt false
}
