package pvfs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// TestNetworkOpen: what comes with an open is what a query says, whatever the open did to the file.
func TestNetworkOpen(t *testing.T) {
	m, dir := mount(t)
	attributes(t, dir)
	who := account(aliceSID, 0)
	for _, c := range []struct {
		name        string
		file        string
		disposition uint32
		options     uint32
		attributes  uint32
		allocation  int64
		want        uint32 // attributes
	}{
		{name: "new", file: "f", disposition: nt.FileCreate, want: nt.FileAttributeArchive},
		{name: "found", file: "f", disposition: nt.FileOpenIf, want: nt.FileAttributeArchive},
		{name: "new with attributes", file: "h", disposition: nt.FileCreate, attributes: nt.FileAttributeHidden, want: nt.FileAttributeArchive | nt.FileAttributeHidden},
		{name: "found with attributes", file: "h", disposition: nt.FileOpen, want: nt.FileAttributeArchive | nt.FileAttributeHidden},
		{name: "overwritten with attributes", file: "h", disposition: nt.FileOverwrite, attributes: nt.FileAttributeHidden, want: nt.FileAttributeArchive | nt.FileAttributeHidden},
		{name: "overwritten", file: "f", disposition: nt.FileOverwriteIf, want: nt.FileAttributeArchive},
		{name: "superseded with others", file: "f", disposition: nt.FileSupersede, attributes: nt.FileAttributeSystem, want: nt.FileAttributeArchive | nt.FileAttributeSystem},
		{name: "new with room", file: "room", disposition: nt.FileCreate, allocation: 100000, want: nt.FileAttributeArchive},
		{name: "new directory", file: "d", disposition: nt.FileCreate, options: nt.FileDirectoryFile, want: nt.FileAttributeDirectory},
		{name: "directory", file: "d", disposition: nt.FileOpen, want: nt.FileAttributeDirectory},
		{name: "new stream", file: "f:s", disposition: nt.FileCreate, want: nt.FileAttributeArchive | nt.FileAttributeSystem},
	} {
		var with api.NetworkOpen
		h, _ := mustAs(t, m, who, c.file, nt.FileGenericRead|nt.FileGenericWrite, c.disposition, options(c.options), func(a *api.CreateArgs) {
			a.FileAttributes, a.AllocationSize, a.Contexts = c.attributes, c.allocation, []any{&with}
		})
		var asked [api.NetworkOpenSize]byte
		if _, err := m.QueryInformationFile(t.Context(), h, nt.FileNetworkOpenInformation, asked[:]); err != nil {
			t.Fatal(err)
		}
		if !with.Given || !bytes.Equal(with.Info[:], asked[:]) {
			t.Errorf("%s: given %v\n%x, a query says\n%x", c.name, with.Given, with.Info, asked)
		}
		if got := le.Uint32(with.Info[48:]); got != c.want {
			t.Errorf("%s: attributes %#x, want %#x", c.name, got, c.want)
		}
		if _, err := m.WriteFile(t.Context(), h, []byte("something"), 0); err != nil && c.want&nt.FileAttributeDirectory == 0 {
			t.Errorf("%s: %v", c.name, err)
		}
		m.Close(h)
	}
}

// TestArchiveOfOthers: a file that was made without attributes and has them from another handle is marked when it is written.
func TestArchiveOfOthers(t *testing.T) {
	m, dir := mount(t)
	attributes(t, dir)
	made, _ := mustAs(t, m, nil, "f", nt.GenericAll, nt.FileCreate)
	other, _ := mustAs(t, m, nil, "f", nt.FileWriteAttributes, nt.FileOpen)
	b := make([]byte, 40)
	le.PutUint32(b[32:], nt.FileAttributeHidden)
	if err := m.SetInformationFile(t.Context(), other, nt.FileBasicInformation, b); err != nil {
		t.Fatal(err)
	}
	attrs := func() uint32 {
		t.Helper()
		if _, err := m.QueryInformationFile(t.Context(), made, nt.FileBasicInformation, b); err != nil {
			t.Fatal(err)
		}
		return le.Uint32(b[32:])
	}
	if got := attrs(); got != nt.FileAttributeHidden {
		t.Errorf("attributes %#x after they were set, want hidden alone", got)
	}
	if _, err := m.WriteFile(t.Context(), made, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	if got := attrs(); got != nt.FileAttributeHidden|nt.FileAttributeArchive {
		t.Errorf("attributes %#x after a write, want hidden and archive", got)
	}
	m.Close(other)
	m.Close(made)
}

// TestDeletedWhereItIs: an open that deletes finds its file in the directory that it was found in, wherever a local program has moved that; and no other
// file that has the name by then.
func TestDeletedWhereItIs(t *testing.T) {
	m, dir := mount(t)
	path := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	for _, d := range []string{"a", "b"} {
		if err := os.Mkdir(path(d), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(d, "f"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	open := func(name string) api.Handle {
		t.Helper()
		h, _ := mustAs(t, m, nil, name, nt.Delete, nt.FileOpen, options(nt.FileDeleteOnClose))
		return h
	}
	h := open(`a\f`)
	if err := os.Rename(path("a"), path("moved")); err != nil {
		t.Fatal(err)
	}
	m.Close(h)
	if _, err := os.Stat(path("moved", "f")); !os.IsNotExist(err) {
		t.Errorf("in a directory that was moved: %v, want it gone", err)
	}
	h = open(`b\f`)
	if err := os.WriteFile(path("b", "new"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path("b", "new"), path("b", "f")); err != nil {
		t.Fatal(err)
	}
	m.Close(h)
	if _, err := os.Stat(path("b", "f")); err != nil {
		t.Errorf("another file of the name: %v, want it left", err)
	}
	if err := os.Mkdir(path("c"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path("c", "f"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	h = open(`c\f`)
	rename(t, m, h, `\c\g`)
	m.Close(h)
	if left, err := os.ReadDir(path("c")); err != nil || len(left) != 0 {
		t.Errorf("after a rename by the open itself: %v, %v, want nothing left", left, err)
	}
}
