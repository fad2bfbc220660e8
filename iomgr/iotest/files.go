package iotest

import (
	"encoding/binary"
	"errors"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Files is a directory on a file system, empty and for the suite alone.
type Files struct {
	API  api.API
	Root string // `\pvfs\tmp\x`
	// Contexts go with every create: a credential, for a redirector.
	Contexts []any
	// Lacks names the cases that do not apply, each with its reason.
	Lacks map[string]string
}

// RunFiles checks what every file system driver has to do with plain files and directories (MS-FSA). fresh gives a new directory each time. It
// passes on drivers of this machine and, through the redirector, on servers.
func RunFiles(t *testing.T, fresh func(testing.TB) Files) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, *Files)
	}{
		{"Dispositions", filesDispositions}, {"Types", filesTypes}, {"Names", filesNames}, {"Case", filesCase}, {"ReadWrite", filesReadWrite}, {"Append", filesAppend},
		{"Large", filesLarge}, {"Size", filesSize}, {"Information", filesInformation}, {"Basic", filesBasic}, {"Rename", filesRename}, {"RenameDirectory", filesRenameDirectory},
		{"Delete", filesDelete}, {"DeleteOnClose", filesDeleteOnClose}, {"Directory", filesDirectory}, {"Wildcards", filesWildcards}, {"Single", filesSingle}, {"Share", filesShare}, {"Locks", filesLocks},
		{"LockWaits", filesLockWaits}, {"Notify", filesNotify}, {"Access", filesAccess}, {"Volume", filesVolume}, {"Security", filesSecurity}, {"Flush", filesFlush}, {"Many", filesMany},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := fresh(t)
			if why := x.Lacks[c.name]; why != "" {
				t.Skip(why)
			}
			c.f(t, &x)
		})
	}
}

// All that a file may be opened for.
const filesAll = nt.GenericRead | nt.GenericWrite | nt.Delete

const shareAll = nt.FileShareRead | nt.FileShareWrite | nt.FileShareDelete

func (x *Files) create(t testing.TB, name string, disposition, options uint32, edit ...func(*api.CreateArgs)) (api.Handle, uint32, error) {
	t.Helper()
	a := &api.CreateArgs{Name: x.Root, DesiredAccess: filesAll, ShareAccess: shareAll, Disposition: disposition, Options: options,
		FileAttributes: nt.FileAttributeNormal, Impersonation: api.ImpersonateImpersonation, Contexts: x.Contexts}
	if name != "" {
		a.Name += `\` + name
	}
	for _, f := range edit {
		f(a)
	}
	h, err := x.API.CreateFile(t.Context(), a)
	return h, a.Result.Action, err
}

// open opens or makes, and closes with the test.
func (x *Files) open(t testing.TB, name string, disposition, options uint32, edit ...func(*api.CreateArgs)) api.Handle {
	t.Helper()
	h, _, err := x.create(t, name, disposition, options, edit...)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	t.Cleanup(func() { x.API.Close(h) })
	return h
}

// file makes a file with content.
func (x *Files) file(t testing.TB, name, content string) {
	t.Helper()
	h, _, err := x.create(t, name, nt.FileOverwriteIf, nt.FileNonDirectoryFile)
	if err != nil {
		t.Fatalf("make %s: %v", name, err)
	}
	if n, err := x.API.WriteFile(t.Context(), h, []byte(content), 0); err != nil || n != len(content) {
		t.Fatalf("write %s: %d, %v", name, n, err)
	}
	want(t, x.API.Close(h), nt.StatusSuccess)
}

func (x *Files) directory(t testing.TB, name string) {
	t.Helper()
	h, _, err := x.create(t, name, nt.FileCreate, nt.FileDirectoryFile)
	if err != nil {
		t.Fatalf("make directory %s: %v", name, err)
	}
	want(t, x.API.Close(h), nt.StatusSuccess)
}

func (x *Files) content(t testing.TB, name string) string {
	t.Helper()
	h, _, err := x.create(t, name, nt.FileOpen, nt.FileNonDirectoryFile, access(nt.GenericRead))
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	defer x.API.Close(h)
	b := make([]byte, 1<<16)
	n, err := x.API.ReadFile(t.Context(), h, b, 0)
	if err != nil && !errors.Is(err, nt.StatusEndOfFile) {
		t.Fatalf("read %s: %v", name, err)
	}
	return string(b[:n])
}

func access(m nt.AccessMask) func(*api.CreateArgs) {
	return func(a *api.CreateArgs) { a.DesiredAccess = m }
}

func share(s uint32) func(*api.CreateArgs) { return func(a *api.CreateArgs) { a.ShareAccess = s } }

func (x *Files) exists(t testing.TB, name string) bool {
	t.Helper()
	h, _, err := x.create(t, name, nt.FileOpen, 0, access(nt.FileReadAttributes))
	if err == nil {
		x.API.Close(h)
	}
	return err == nil
}

func (x *Files) size(t testing.TB, h api.Handle) int64 {
	t.Helper()
	return int64(binary.LittleEndian.Uint64(x.query(t, h, nt.FileStandardInformation, 24)[8:]))
}

func (x *Files) query(t testing.TB, h api.Handle, class nt.FileInfoClass, size int) []byte {
	t.Helper()
	b := make([]byte, size)
	n, err := x.API.QueryInformationFile(t.Context(), h, class, b)
	if err != nil {
		t.Fatalf("query class %d: %v", class, err)
	}
	return b[:n]
}

func (x *Files) set(t testing.TB, h api.Handle, class nt.FileInfoClass, b []byte) error {
	t.Helper()
	return x.API.SetInformationFile(t.Context(), h, class, b)
}
