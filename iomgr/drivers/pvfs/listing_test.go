package pvfs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// TestEntryClasses reads one entry in every class, whose fields are where MS-FSCC 2.4 has them.
func TestEntryClasses(t *testing.T) {
	m, dir := mount(t)
	put(t, m, "a long name.text", "12345")
	d := mustOpen(t, m, "", nt.FileOpen, nt.FileDirectoryFile)
	defer m.Close(d)
	info, err := os.Stat(filepath.Join(dir, "a long name.text"))
	if err != nil {
		t.Fatal(err)
	}
	short := ""
	for _, c := range []struct {
		class             nt.FileInfoClass
		length, name      int
		details           bool
		shortAt, id, id16 int
	}{
		{nt.FileDirectoryInformation, 60, 64, true, 0, 0, 0},
		{nt.FileFullDirectoryInformation, 60, 68, true, 0, 0, 0},
		{nt.FileBothDirectoryInformation, 60, 94, true, 68, 0, 0},
		{nt.FileNamesInformation, 8, 12, false, 0, 0, 0},
		{nt.FileIdBothDirectoryInformation, 60, 104, true, 68, 96, 0},
		{nt.FileIdFullDirectoryInformation, 60, 80, true, 0, 72, 0},
		{nt.FileIdExtdDirectoryInformation, 60, 88, true, 0, 0, 72},
		{nt.FileId64ExtdDirectoryInformation, 60, 80, true, 0, 72, 0},
		{nt.FileId64ExtdBothDirectoryInformation, 60, 106, true, 80, 72, 0},
		{nt.FileIdAllExtdDirectoryInformation, 60, 96, true, 0, 72, 80},
		{nt.FileIdAllExtdBothDirectoryInformation, 60, 122, true, 96, 72, 80},
	} {
		buf := make([]byte, 512)
		n, err := m.QueryDirectoryFile(t.Context(), d, c.class, &api.DirArgs{Pattern: "*.TEXT", Restart: true}, buf)
		if err != nil || n != c.name+2*len("a long name.text") || le.Uint32(buf[c.length:]) != uint32(n-c.name) || nt.DecodeUTF16(buf[c.name:n]) != "a long name.text" {
			t.Errorf("%v: %d bytes, %v", c.class, n, err)
			continue
		}
		if c.details && (le.Uint64(buf[40:]) != 5 || le.Uint32(buf[56:]) != nt.FileAttributeArchive || nt.Time(le.Uint64(buf[24:])) != nt.TimeOf(info.ModTime())) {
			t.Errorf("%v: %x", c.class, buf[:64])
		}
		if c.shortAt != 0 {
			s := nt.DecodeUTF16(buf[c.shortAt+2 : c.shortAt+2+int(buf[c.shortAt])])
			if s == "" || short != "" && s != short {
				t.Errorf("%v: short name %q, before %q", c.class, s, short)
			}
			short = s
		}
		if c.id != 0 && le.Uint64(buf[c.id:]) == 0 || c.id16 != 0 && (le.Uint64(buf[c.id16:]) == 0 || le.Uint64(buf[c.id16+8:]) != 0) {
			t.Errorf("%v: no id", c.class)
		}
		if _, err := m.QueryDirectoryFile(t.Context(), d, c.class, &api.DirArgs{Restart: true}, buf[:c.name-1]); !errors.Is(err, nt.StatusInfoLengthMismatch) {
			t.Errorf("%v: in too little: %v", c.class, err)
		}
	}
	// The short name opens it.
	if got := content(t, m, short); got != "12345" {
		t.Errorf("%s: %q", short, got)
	}
}

// names lists a directory's entries in buffers of a size.
func names(t *testing.T, m *iomgr.Manager, d api.Handle, args api.DirArgs, size int) (out []string, last uint32) {
	t.Helper()
	for {
		buf := make([]byte, size)
		n, err := m.QueryDirectoryFile(t.Context(), d, nt.FileNamesInformation, &args, buf)
		if errors.Is(err, nt.StatusNoMoreFiles) || errors.Is(err, nt.StatusNoSuchFile) {
			return out, last
		}
		if err != nil {
			t.Fatal(err)
		}
		for b := buf[:n]; ; b = b[le.Uint32(b):] {
			last = le.Uint32(b[4:])
			out = append(out, nt.DecodeUTF16(b[12:12+le.Uint32(b[8:])]))
			if le.Uint32(b) == 0 {
				break
			}
		}
		if args.Single {
			return out, last
		}
		args = api.DirArgs{}
	}
}

func TestListing(t *testing.T) {
	m, dir := mount(t)
	for i := range 600 {
		os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%03d.dat", i)), nil, 0o666)
	}
	d := mustOpen(t, m, "", nt.FileOpen, nt.FileDirectoryFile)
	defer m.Close(d)
	all, _ := names(t, m, d, api.DirArgs{Pattern: "*"}, 1000)
	if len(all) != 602 || all[0] != "." || all[1] != ".." {
		t.Errorf("%d entries", len(all))
	}
	seen := map[string]bool{}
	for _, n := range all {
		if seen[n] {
			t.Errorf("%s twice", n)
		}
		seen[n] = true
	}
	for pattern, want := range map[string]int{"f00?.dat": 10, "F01*": 10, "*.txt": 0, "f123.DAT": 1, "f9.dat": 0, `f<"dat`: 600} {
		if got, _ := names(t, m, d, api.DirArgs{Pattern: pattern, Restart: true}, 4096); len(got) != want {
			t.Errorf("%s: %d entries", pattern, len(got))
		}
	}
	// What comes after an entry, by the entry's index.
	_, _ = names(t, m, d, api.DirArgs{Pattern: "*", Restart: true, Single: true}, 4096)
	second, index := names(t, m, d, api.DirArgs{Single: true}, 4096)
	third, _ := names(t, m, d, api.DirArgs{Single: true}, 4096)
	_, _ = names(t, m, d, api.DirArgs{Single: true}, 4096)
	again, _ := names(t, m, d, api.DirArgs{ByIndex: true, Index: index, Single: true}, 4096)
	if len(second) != 1 || len(again) != 1 || again[0] != third[0] {
		t.Errorf("after %v comes %v, by index %v", second, third, again)
	}
}

// TestNamesOfOthers has local programs change a directory whose names are known.
func TestNamesOfOthers(t *testing.T) {
	m, dir := mount(t)
	there := func(name string) bool {
		h, _, err := create(m, name, nt.FileOpen, 0)
		if err == nil {
			m.Close(h)
		}
		return err == nil
	}
	old := time.Now().Add(-time.Hour)
	settle := func() { os.Chtimes(dir, old, old) }
	path := filepath.Join(dir, "Name")
	settle()
	if there("NAME") || there("name") {
		t.Error("it is not there yet")
	}
	os.WriteFile(path, nil, 0o666)
	if !there("NAME") || !there("name") || !there("Name") {
		t.Error("it is there")
	}
	os.Rename(path, filepath.Join(dir, "Other"))
	if there("NAME") || !there("OTHER") {
		t.Error("it has another name")
	}
	os.Remove(filepath.Join(dir, "Other"))
	if there("OTHER") {
		t.Error("it is gone")
	}
	// And what goes through the driver.
	for i := range 20 {
		name := fmt.Sprintf("File%d", i)
		if there("FILE" + name[4:]) {
			t.Error(name, "is not there yet")
		}
		m.Close(mustOpen(t, m, name, nt.FileCreate, 0))
		if _, _, err := create(m, "fILE"+name[4:], nt.FileCreate, 0); !errors.Is(err, nt.StatusObjectNameCollision) {
			t.Errorf("%s: %v", name, err)
		}
		m.Close(mustOpen(t, m, "FILE"+name[4:], nt.FileOpen, nt.FileDeleteOnClose))
	}
}

// TestTunnel makes a file again by its short name, right after it was deleted.
func TestTunnel(t *testing.T) {
	m, dir := mount(t)
	h := mustOpen(t, m, "the long name.document", nt.FileCreate, 0)
	buf := make([]byte, 64)
	n, err := m.QueryInformationFile(t.Context(), h, nt.FileAlternateNameInformation, buf)
	if err != nil {
		t.Fatal(err)
	}
	short := nt.DecodeUTF16(buf[4:n])
	m.Close(h)
	m.Close(mustOpen(t, m, short, nt.FileOpen, nt.FileDeleteOnClose))
	m.Close(mustOpen(t, m, short, nt.FileCreate, 0))
	if _, err := os.Stat(filepath.Join(dir, "the long name.document")); err != nil {
		t.Error(err)
	}
}
