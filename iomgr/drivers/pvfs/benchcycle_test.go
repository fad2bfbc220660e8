package pvfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/nt"
)

// benchShare is a volume that lies in memory where there is such a file system, with a directory that everybody may write to a few levels down.
func benchShare(b *testing.B) *iomgr.Manager {
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = ""
	}
	dir, err := os.MkdirTemp(base, "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	deep := filepath.Join(dir, "a", "b", "c")
	if err = os.MkdirAll(deep, 0o777); err == nil {
		err = os.Chmod(deep, 0o777)
	}
	if err != nil {
		b.Fatal(err)
	}
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(b.Context(), pvfs.DriverEntry(pvfs.Config{Root: dir})); err != nil {
		b.Fatal(err)
	}
	return m
}

// benchOpen opens as the SMB server does for an account, up to the answer.
func benchOpen(b *testing.B, m *iomgr.Manager, who *nt.Token, name string, access nt.AccessMask, disposition, options uint32) api.Handle {
	var info api.NetworkOpen
	a := &api.CreateArgs{Name: `\pvfs\a\b\c\` + name, Token: who, DesiredAccess: access, ShareAccess: 7, Disposition: disposition, Options: options, Contexts: []any{&info}}
	h, err := m.CreateFile(b.Context(), a)
	if err != nil {
		b.Fatal(err)
	}
	if !info.Given {
		b.Fatal("no information with the open")
	}
	return h
}

// BenchmarkCycle makes a file, closes it, opens it again to delete it, and closes it.
func BenchmarkCycle(b *testing.B) {
	m, who := benchShare(b), account(aliceSID, 0)
	b.ReportAllocs()
	for b.Loop() {
		m.Close(benchOpen(b, m, who, "cycle", nt.FileWriteData, nt.FileCreate, nt.FileNonDirectoryFile))
		m.Close(benchOpen(b, m, who, "cycle", nt.Delete, nt.FileOpen, nt.FileDeleteOnClose))
	}
}

// BenchmarkPut writes small files over those that are there.
func BenchmarkPut(b *testing.B) {
	m, who := benchShare(b), account(aliceSID, 0)
	data := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		h := benchOpen(b, m, who, "put", nt.FileGenericWrite, nt.FileOverwriteIf, nt.FileNonDirectoryFile)
		if _, err := m.WriteFile(b.Context(), h, data, 0); err != nil {
			b.Fatal(err)
		}
		m.Close(h)
	}
}

// BenchmarkGet reads a small file.
func BenchmarkGet(b *testing.B) {
	m, who := benchShare(b), account(aliceSID, 0)
	data := make([]byte, 1024)
	h := benchOpen(b, m, who, "get", nt.FileGenericWrite, nt.FileCreate, 0)
	if _, err := m.WriteFile(b.Context(), h, data, 0); err != nil {
		b.Fatal(err)
	}
	m.Close(h)
	b.ReportAllocs()
	for b.Loop() {
		h := benchOpen(b, m, who, "get", nt.FileGenericRead, nt.FileOpen, nt.FileNonDirectoryFile)
		if _, err := m.ReadFile(b.Context(), h, data, 0); err != nil {
			b.Fatal(err)
		}
		m.Close(h)
	}
}

// BenchmarkMissing opens a name that is not there.
func BenchmarkMissing(b *testing.B) {
	m, who := benchShare(b), account(aliceSID, 0)
	b.ReportAllocs()
	for b.Loop() {
		a := &api.CreateArgs{Name: `\pvfs\a\b\c\missing`, Token: who, DesiredAccess: nt.FileGenericRead, ShareAccess: 7, Disposition: nt.FileOpen}
		if _, err := m.CreateFile(b.Context(), a); err != nt.StatusObjectNameNotFound {
			b.Fatal(err)
		}
	}
}
