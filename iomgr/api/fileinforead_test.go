package api

import (
	"testing"

	"lwio/iomgr/nt"
)

var sample = FileInfo{CreationTime: 1, LastAccessTime: 2, LastWriteTime: 3, ChangeTime: 4, Attributes: nt.FileAttributeArchive, AllocationSize: 4096, EndOfFile: 4000,
	Links: 2, DeletePending: true, FileID: 77, EASize: 5, Position: 6, Mode: 2, Name: `\Größe`}

// answer has a driver's FileInfo answer a query.
func answer(i FileInfo, class nt.FileInfoClass, size int) ([]byte, nt.Status) {
	r := &Request{Op: OpQueryInformation, Code: uint32(class), Out: make([]byte, size)}
	r.file = &File{device: NewDevice("d", "d", nil)}
	r.file.refs.Store(2)
	if !i.Answer(r) {
		return nil, nt.StatusInvalidInfoClass
	}
	return r.Out[:r.N], r.Status
}

// What a driver answers is read as it was, and nothing that is shorter.
func TestParseFileInfo(t *testing.T) {
	for _, c := range []struct {
		class nt.FileInfoClass
		least int
		want  func(*FileInfo) // leaves what the class has not
	}{
		{nt.FileBasicInformation, 36, func(i *FileInfo) {
			*i = FileInfo{CreationTime: i.CreationTime, LastAccessTime: i.LastAccessTime, LastWriteTime: i.LastWriteTime, ChangeTime: i.ChangeTime, Attributes: i.Attributes}
		}},
		{nt.FileStandardInformation, 22, func(i *FileInfo) {
			*i = FileInfo{AllocationSize: i.AllocationSize, EndOfFile: i.EndOfFile, Links: i.Links, DeletePending: i.DeletePending}
		}},
		{nt.FileInternalInformation, 8, func(i *FileInfo) { *i = FileInfo{FileID: i.FileID} }},
		{nt.FileNetworkOpenInformation, 52, func(i *FileInfo) {
			i.Links, i.DeletePending, i.FileID, i.EASize, i.Position, i.Mode, i.Name = 0, false, 0, 0, 0, 0, ""
		}},
		{nt.FileAttributeTagInformation, 8, func(i *FileInfo) { *i = FileInfo{Attributes: i.Attributes} }},
		{nt.FileAllInformation, 100, func(*FileInfo) {}},
	} {
		b, st := answer(sample, c.class, 256)
		want := sample
		c.want(&want)
		got, ok := ParseFileInfo(c.class, b)
		if st != nt.StatusSuccess || !ok || got != want {
			t.Errorf("%v: %v, %v\n got %+v\nwant %+v", c.class, st, ok, got, want)
		}
		for n := range b {
			if _, ok := ParseFileInfo(c.class, b[:n]); ok != (n >= c.least) {
				t.Errorf("%v of %d bytes: %v", c.class, n, ok)
			}
		}
	}
	if _, ok := ParseFileInfo(nt.FileEaInformation, make([]byte, 64)); ok {
		t.Error("a class is read that FileInfo does not have")
	}
}

func TestDirReader(t *testing.T) {
	for _, class := range []nt.FileInfoClass{nt.FileDirectoryInformation, nt.FileFullDirectoryInformation, nt.FileIdFullDirectoryInformation,
		nt.FileBothDirectoryInformation, nt.FileIdBothDirectoryInformation, nt.FileNamesInformation} {
		r := &Request{Op: OpQueryDirectory, Code: uint32(class), Out: make([]byte, 1024)}
		w, _ := NewDirWriter(r)
		names := []string{"a", "Größe", "共有.txt"}
		for n, name := range names {
			i := sample
			i.Name = name
			if !w.Add(&i, uint32(n)) {
				t.Fatal("does not fit")
			}
		}
		b := r.Out[:w.n]
		d, ok := NewDirReader(class, b)
		if !ok {
			t.Fatalf("%v is unknown", class)
		}
		for _, name := range names {
			i, more, err := d.Next()
			if err != nil || !more || i.Name != name {
				t.Fatalf("%v: %+v, %v, %v; want %s", class, i, more, err, name)
			}
			if class != nt.FileNamesInformation && (i.EndOfFile != 4000 || i.AllocationSize != 4096 || i.LastWriteTime != 3 || i.Attributes != nt.FileAttributeArchive) {
				t.Errorf("%v: %+v", class, i)
			}
		}
		if _, more, err := d.Next(); more || err != nil {
			t.Errorf("%v: after the end: %v, %v", class, more, err)
		}
		// Cut anywhere, it is a shorter list or an error.
		for n := range b {
			d, _ := NewDirReader(class, b[:n])
			for range names {
				i, more, err := d.Next()
				if err != nil || !more {
					break
				}
				if i.Name != "a" && i.Name != "Größe" && i.Name != "共有.txt" {
					t.Fatalf("%v cut after %d bytes has %q", class, n, i.Name)
				}
			}
		}
	}
}

func FuzzDirReader(f *testing.F) {
	f.Add(uint8(nt.FileIdBothDirectoryInformation), make([]byte, 104))
	f.Add(uint8(nt.FileNamesInformation), []byte{0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 'a', 0})
	f.Fuzz(func(t *testing.T, class uint8, b []byte) {
		ParseFileInfo(nt.FileInfoClass(class), b)
		d, ok := NewDirReader(nt.FileInfoClass(class), b)
		if !ok {
			return
		}
		for n := 0; ; n++ {
			_, more, err := d.Next()
			if err != nil || !more {
				return
			}
			if n > len(b) {
				t.Fatal("more entries than bytes")
			}
		}
	})
}
