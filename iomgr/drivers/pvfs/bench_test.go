package pvfs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/nt"
)

func benchMount(b *testing.B) (*iomgr.Manager, string) {
	dir := b.TempDir()
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(b.Context(), pvfs.DriverEntry(pvfs.Config{Root: dir})); err != nil {
		b.Fatal(err)
	}
	return m, dir
}

// BenchmarkCreateClose makes files in a directory that has many.
func BenchmarkCreateClose(b *testing.B) {
	m, dir := benchMount(b)
	os.MkdirAll(filepath.Join(dir, "a/b"), 0o777)
	for i := range 1000 {
		os.WriteFile(filepath.Join(dir, "a/b", fmt.Sprintf("old%d", i)), nil, 0o666)
	}
	info := make([]byte, 56)
	for i := 0; b.Loop(); i++ {
		h, err := m.CreateFile(b.Context(), &api.CreateArgs{Name: fmt.Sprintf(`\pvfs\a\b\f%d`, i), DesiredAccess: nt.FileGenericRead | nt.FileGenericWrite, ShareAccess: 7, Disposition: nt.FileCreate})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.QueryInformationFile(b.Context(), h, nt.FileNetworkOpenInformation, info); err != nil {
			b.Fatal(err)
		}
		m.Close(h)
	}
}

// BenchmarkOpenClose opens a file that is there.
func BenchmarkOpenClose(b *testing.B) {
	m, dir := benchMount(b)
	os.MkdirAll(filepath.Join(dir, "a/b"), 0o777)
	os.WriteFile(filepath.Join(dir, "a/b/f"), nil, 0o666)
	info := make([]byte, 56)
	for b.Loop() {
		h, err := m.CreateFile(b.Context(), &api.CreateArgs{Name: `\pvfs\a\b\f`, DesiredAccess: nt.FileGenericRead, ShareAccess: 7, Disposition: nt.FileOpen})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.QueryInformationFile(b.Context(), h, nt.FileNetworkOpenInformation, info); err != nil {
			b.Fatal(err)
		}
		m.Close(h)
	}
}

// BenchmarkList lists 10,000 entries.
func BenchmarkList(b *testing.B) {
	m, dir := benchMount(b)
	for i := range 10000 {
		os.WriteFile(filepath.Join(dir, fmt.Sprintf("file%d", i)), nil, 0o666)
	}
	h, err := m.CreateFile(b.Context(), &api.CreateArgs{Name: `\pvfs\`, DesiredAccess: nt.FileListDirectory, ShareAccess: 7, Disposition: nt.FileOpen})
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	for b.Loop() {
		args := api.DirArgs{Pattern: "*", Restart: true}
		for {
			if _, err := m.QueryDirectoryFile(b.Context(), h, nt.FileIdBothDirectoryInformation, &args, buf); err != nil {
				break
			}
			args = api.DirArgs{}
		}
	}
}
