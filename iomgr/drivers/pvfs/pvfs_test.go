package pvfs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/nt"
)

func mount(t testing.TB) (*iomgr.Manager, string) {
	dir := t.TempDir()
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), pvfs.DriverEntry(pvfs.Config{Root: dir})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	return m, dir
}

func create(m *iomgr.Manager, name string, disposition, options uint32) (api.Handle, uint32, error) {
	a := &api.CreateArgs{Name: `\pvfs\` + name, DesiredAccess: nt.MaximumAllowed, ShareAccess: 7, Disposition: disposition, Options: options}
	h, err := m.CreateFile(context.Background(), a)
	return h, a.Result.Action, err
}

func mustOpen(t testing.TB, m *iomgr.Manager, name string, disposition, options uint32) api.Handle {
	t.Helper()
	h, _, err := create(m, name, disposition, options)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	return h
}

// TestDispositions follows the table of MS-FSA 2.1.5.1.
func TestDispositions(t *testing.T) {
	for _, c := range []struct {
		disposition uint32
		exists      bool
		status      nt.Status
		action      uint32
		content     string
	}{
		{nt.FileOpen, true, 0, nt.FileOpened, "old"},
		{nt.FileOpen, false, nt.StatusObjectNameNotFound, 0, ""},
		{nt.FileCreate, true, nt.StatusObjectNameCollision, 0, "old"},
		{nt.FileCreate, false, 0, nt.FileCreated, ""},
		{nt.FileOpenIf, true, 0, nt.FileOpened, "old"},
		{nt.FileOpenIf, false, 0, nt.FileCreated, ""},
		{nt.FileOverwrite, true, 0, nt.FileOverwritten, ""},
		{nt.FileOverwrite, false, nt.StatusObjectNameNotFound, 0, ""},
		{nt.FileOverwriteIf, true, 0, nt.FileOverwritten, ""},
		{nt.FileOverwriteIf, false, 0, nt.FileCreated, ""},
		{nt.FileSupersede, true, 0, nt.FileSuperseded, ""},
		{nt.FileSupersede, false, 0, nt.FileCreated, ""},
		{6, true, nt.StatusInvalidParameter, 0, "old"},
	} {
		m, dir := mount(t)
		path := filepath.Join(dir, "f")
		if c.exists {
			if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		h, action, err := create(m, "f", c.disposition, 0)
		if nt.StatusOf(err) != c.status || action != c.action {
			t.Errorf("disposition %d, exists %t: %v, action %d", c.disposition, c.exists, err, action)
		}
		if err == nil {
			m.Close(h)
		}
		if got, _ := os.ReadFile(path); string(got) != c.content {
			t.Errorf("disposition %d: the file has %q", c.disposition, got)
		}
	}
}

func TestNames(t *testing.T) {
	m, dir := mount(t)
	os.MkdirAll(filepath.Join(dir, "Dir/Größe"), 0o777)
	os.WriteFile(filepath.Join(dir, "Dir/Größe/File.txt"), []byte("x"), 0o666)
	os.Symlink("/etc", filepath.Join(dir, "out"))
	os.Symlink("File.txt", filepath.Join(dir, "Dir/Größe/link"))
	os.WriteFile(filepath.Join(dir, "plain"), nil, 0o666)
	for name, status := range map[string]nt.Status{
		`Dir\Größe\File.txt`: 0, `DIR\GRÖSSE\file.TXT`: nt.StatusObjectPathNotFound /* ß has no capital */, `dir\GRÖßE\FILE.TXT`: 0, `dir`: 0, `dir\`: 0,
		`nothing`: nt.StatusObjectNameNotFound, `nothing\x`: nt.StatusObjectPathNotFound, `plain\x`: nt.StatusObjectPathNotFound,
		`out`: nt.StatusStoppedOnSymlink, `out\passwd`: nt.StatusStoppedOnSymlink, `dir\größe\link`: nt.StatusStoppedOnSymlink,
		`..\x`: nt.StatusObjectNameInvalid, `dir\..\plain`: nt.StatusObjectNameInvalid, `.`: nt.StatusObjectNameInvalid, `dir\\x`: nt.StatusObjectNameInvalid,
		"a/b": nt.StatusObjectNameInvalid, "a\x00b": nt.StatusObjectNameInvalid, "a:b": nt.StatusObjectNameNotFound, "a:": nt.StatusObjectNameInvalid, `a:b\c`: nt.StatusObjectNameInvalid, `a*`: nt.StatusObjectNameInvalid,
	} {
		h, _, err := create(m, name, nt.FileOpen, 0)
		if nt.StatusOf(err) != status {
			t.Errorf("%q: %v, want %s", name, err, status.Name())
		}
		if err == nil {
			m.Close(h)
		}
	}
	for name, c := range map[string]struct {
		options uint32
		status  nt.Status
	}{
		`dir`:   {nt.FileNonDirectoryFile, nt.StatusFileIsADirectory},
		`plain`: {nt.FileDirectoryFile, nt.StatusNotADirectory},
	} {
		if _, _, err := create(m, name, nt.FileOpen, c.options); !errors.Is(err, c.status) {
			t.Errorf("%s with options %#x: %v", name, c.options, err)
		}
	}
}

func TestReadWrite(t *testing.T) {
	m, dir := mount(t)
	ctx := t.Context()
	h := mustOpen(t, m, "f", nt.FileCreate, 0)
	for _, w := range []struct {
		data string
		at   int64
	}{{"hello", 0}, {"world", 10}, {"!", -1}} {
		if n, err := m.WriteFile(ctx, h, []byte(w.data), w.at); err != nil || n != len(w.data) {
			t.Fatalf("%d %v", n, err)
		}
	}
	buf := make([]byte, 100)
	n, err := m.ReadFile(ctx, h, buf, 3)
	if err != nil || string(buf[:n]) != "lo\x00\x00\x00\x00\x00world!" {
		t.Errorf("%q %v", buf[:n], err)
	}
	if _, err := m.ReadFile(ctx, h, buf, 16); !errors.Is(err, nt.StatusEndOfFile) {
		t.Errorf("at the end: %v", err)
	}
	var size [8]byte
	size[0] = 4
	if err := m.SetInformationFile(ctx, h, nt.FileEndOfFileInformation, size[:]); err != nil {
		t.Error(err)
	}
	if err := m.FlushBuffersFile(ctx, h); err != nil {
		t.Error(err)
	}
	m.Close(h)
	if got, _ := os.ReadFile(filepath.Join(dir, "f")); string(got) != "hell" {
		t.Errorf("%q", got)
	}
	os.Chmod(filepath.Join(dir, "f"), 0o444)
	if _, err := m.CreateFile(ctx, &api.CreateArgs{Name: `\pvfs\f`, DesiredAccess: nt.GenericWrite, Disposition: nt.FileOpen}); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("writing a read-only file: %v", err)
	}
}

func TestDirectory(t *testing.T) {
	m, dir := mount(t)
	var want []string
	for i := range 300 {
		name := fmt.Sprintf("File %03d", i)
		want = append(want, name)
		os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte("x"), i), 0o666)
	}
	os.Symlink("/etc", filepath.Join(dir, "link"))
	h := mustOpen(t, m, "", nt.FileOpen, nt.FileDirectoryFile)
	defer m.Close(h)
	list := func(pattern string, restart, single bool, size int) (names []string, err error) {
		args := &api.DirArgs{Pattern: pattern, Restart: restart, Single: single}
		for {
			buf := make([]byte, size)
			n, err := m.QueryDirectoryFile(context.Background(), h, nt.FileIdBothDirectoryInformation, args, buf)
			if errors.Is(err, nt.StatusNoMoreFiles) {
				return names, nil
			}
			if err != nil {
				return names, err
			}
			args = &api.DirArgs{Pattern: pattern, Single: single}
			for b := buf[:n]; ; {
				l := binary.LittleEndian.Uint32(b[60:])
				names = append(names, nt.DecodeUTF16(b[104:104+l]))
				next := binary.LittleEndian.Uint32(b)
				if next == 0 {
					break
				}
				b = b[next:]
			}
		}
	}
	got, err := list("*", false, false, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(got, ".") || !slices.Contains(got, "..") || slices.Contains(got, "link") {
		t.Error("dots and links")
	}
	got = slices.DeleteFunc(got, func(s string) bool { return s[0] == '.' })
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d names, want %d", len(got), len(want))
	}
	if got, err = list("file 1?0", true, true, 1000); err != nil || len(got) != 10 {
		t.Errorf("%v %v", got, err)
	}
	if _, err = list("nothing", true, false, 1000); !errors.Is(err, nt.StatusNoSuchFile) {
		t.Errorf("nothing matches: %v", err)
	}
	if _, err = list("*", true, false, 10); !errors.Is(err, nt.StatusInfoLengthMismatch) {
		t.Errorf("a short buffer: %v", err)
	}
}

func renameInfo(name string, replace bool) []byte {
	b := make([]byte, 20)
	if replace {
		b[0] = 1
	}
	binary.LittleEndian.PutUint32(b[16:], uint32(2*nt.UTF16Len(name)))
	return nt.AppendUTF16(b, name)
}

func TestRenameDelete(t *testing.T) {
	m, dir := mount(t)
	ctx := t.Context()
	for _, n := range []string{"a", "b"} {
		os.WriteFile(filepath.Join(dir, n), []byte(n), 0o666)
	}
	os.MkdirAll(filepath.Join(dir, "sub/full"), 0o777)
	h := mustOpen(t, m, "a", nt.FileOpen, 0)
	if err := m.SetInformationFile(ctx, h, nt.FileRenameInformation, renameInfo("b", false)); !errors.Is(err, nt.StatusObjectNameCollision) {
		t.Errorf("onto an existing one: %v", err)
	}
	if err := m.SetInformationFile(ctx, h, nt.FileRenameInformation, renameInfo("B", true)); err != nil {
		t.Errorf("replacing: %v", err)
	}
	if err := m.SetInformationFile(ctx, h, nt.FileRenameInformation, renameInfo(`\SUB\c`, false)); err != nil {
		t.Errorf("into another directory: %v", err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "sub/c")); err != nil || string(got) != "a" {
		t.Errorf("%q %v", got, err)
	}
	for _, bad := range []string{`\nothing\x`, `x\y`, `\..\x`, ""} {
		if err := m.SetInformationFile(ctx, h, nt.FileRenameInformation, renameInfo(bad, false)); err == nil {
			t.Errorf("renamed to %q", bad)
		}
	}
	if err := m.SetInformationFile(ctx, h, nt.FileDispositionInformation, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := create(m, `sub\c`, nt.FileOpen, 0); !errors.Is(err, nt.StatusDeletePending) {
		t.Errorf("opening what is being deleted: %v", err)
	}
	m.Close(h)
	if _, err := os.Stat(filepath.Join(dir, "sub/c")); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	h = mustOpen(t, m, "sub", nt.FileOpen, nt.FileDirectoryFile)
	if err := m.SetInformationFile(ctx, h, nt.FileDispositionInformation, []byte{1}); !errors.Is(err, nt.StatusDirectoryNotEmpty) {
		t.Errorf("a full directory: %v", err)
	}
	m.Close(h)
	h = mustOpen(t, m, `sub\full`, nt.FileOpen, nt.FileDirectoryFile|nt.FileDeleteOnClose)
	m.Close(h)
	if _, err := os.Stat(filepath.Join(dir, "sub/full")); !os.IsNotExist(err) {
		t.Errorf("delete on close: %v", err)
	}
}

func TestInformation(t *testing.T) {
	m, dir := mount(t)
	ctx := t.Context()
	os.WriteFile(filepath.Join(dir, "f"), []byte("12345"), 0o666)
	h := mustOpen(t, m, "f", nt.FileOpen, 0)
	defer m.Close(h)
	buf := make([]byte, 200)
	le := binary.LittleEndian
	n, err := m.QueryInformationFile(ctx, h, nt.FileStandardInformation, buf)
	if err != nil || n != 24 || le.Uint64(buf[8:]) != 5 || le.Uint32(buf[16:]) != 1 || buf[21] != 0 {
		t.Errorf("%x %v", buf[:n], err)
	}
	basic := make([]byte, 40)
	when := nt.Time(131000000000000000)
	le.PutUint64(basic[16:], uint64(when))
	le.PutUint32(basic[32:], nt.FileAttributeReadonly)
	if err := m.SetInformationFile(ctx, h, nt.FileBasicInformation, basic); err != nil {
		t.Fatal(err)
	}
	n, err = m.QueryInformationFile(ctx, h, nt.FileBasicInformation, buf)
	if err != nil || n != 40 || nt.Time(le.Uint64(buf[16:])) != when || le.Uint32(buf[32:])&nt.FileAttributeReadonly == 0 {
		t.Errorf("%x %v", buf[:n], err)
	}
	n, err = m.QueryInformationFile(ctx, h, nt.FileNameInformation, buf)
	if err != nil || nt.DecodeUTF16(buf[4:n]) != `\f` {
		t.Errorf("%q %v", buf[:n], err)
	}
	if _, err := m.QueryInformationFile(ctx, h, nt.FileStandardInformation, buf[:10]); !errors.Is(err, nt.StatusInfoLengthMismatch) {
		t.Errorf("short: %v", err)
	}
	n, err = m.QueryVolumeInformationFile(ctx, h, nt.FileFsSizeInformation, buf)
	if err != nil || n != 24 || le.Uint64(buf) == 0 || le.Uint32(buf[20:]) != 512 {
		t.Errorf("%x %v", buf[:n], err)
	}
	n, err = m.QuerySecurityObject(ctx, h, nt.DACLSecurityInformation, buf)
	if err != nil {
		t.Fatal(err)
	}
	if sd, err := nt.ParseSecurityDescriptor(buf[:n]); err != nil || sd.Owner != (nt.SID{}) || len(sd.DACL.ACEs) < 3 || sd.DACL.ACEs[0].SID != nt.SIDLocalSystem {
		t.Errorf("%v %v", sd, err)
	}
}
