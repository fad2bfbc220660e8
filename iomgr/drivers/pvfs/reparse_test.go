package pvfs

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

func openReparse(t *testing.T, m api.API, name string, disposition, options uint32) (api.Handle, error) {
	t.Helper()
	return m.CreateFile(context.Background(), &api.CreateArgs{Name: `\pvfs\` + name, DesiredAccess: nt.FileAllAccess, ShareAccess: 7, Disposition: disposition,
		Options: options | nt.FileOpenReparsePoint, Contexts: []any{&fsrtl.ShareOptions{}}})
}

// TestReparsePoints sets, gets and deletes those that are no links, with the checks of MS-FSA 2.1.5.10.3, .14 and .37.
func TestReparsePoints(t *testing.T) {
	m, _ := mount(t)
	h, err := openReparse(t, m, "f", nt.FileCreate, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	control := func(code uint32, in []byte, room int) ([]byte, nt.Status) {
		out := make([]byte, room)
		n, err := m.FsControlFile(t.Context(), h, code, in, out)
		return out[:n], nt.StatusOf(err)
	}
	const get, set, del = nt.FsctlGetReparsePoint, nt.FsctlSetReparsePoint, nt.FsctlDeleteReparsePoint
	if _, status := control(get, nil, 100); status != nt.StatusNotAReparsePoint {
		t.Errorf("none: %v", status)
	}
	nfs := reparseData{tag: nt.IoReparseTagNfs, data: []byte("some data")}
	other := reparseData{tag: 0x123, guid: nt.GUID{1}, data: []byte("x")}
	otherGUID := reparseData{tag: 0x123, guid: nt.GUID{2}}
	bytesOf := func(d reparseData) []byte { return d.append(nil) }
	if _, status := control(del, bytesOf(reparseData{tag: nt.IoReparseTagNfs}), 0); status != nt.StatusNotAReparsePoint {
		t.Errorf("none deleted: %v", status)
	}
	short := bytesOf(nfs)
	for _, in := range [][]byte{nil, short[:7], short[:len(short)-1], append(bytesOf(nfs), 0), make([]byte, maxReparse+1), bytesOf(other)[:20]} {
		if _, status := control(set, in, 0); status != nt.StatusIoReparseDataInvalid {
			t.Errorf("%d bytes: %v", len(in), status)
		}
	}
	for _, tag := range []uint32{0, 1} {
		if _, status := control(set, bytesOf(reparseData{tag: tag}), 0); status != nt.StatusIoReparseTagInvalid {
			t.Errorf("tag %d: %v", tag, status)
		}
	}
	attributes := func() (attrs, tag uint32) {
		b := make([]byte, 8)
		if _, err := m.QueryInformationFile(t.Context(), h, nt.FileAttributeTagInformation, b); err != nil {
			t.Fatal(err)
		}
		return le.Uint32(b), le.Uint32(b[4:])
	}
	for _, d := range []reparseData{nfs, other} {
		if _, status := control(set, bytesOf(d), 0); status != nt.StatusSuccess {
			t.Fatalf("%x: %v", d.tag, status)
		}
		if got, status := control(get, nil, 100); status != nt.StatusSuccess || !bytes.Equal(got, bytesOf(d)) {
			t.Errorf("%x: %x %v", d.tag, got, status)
		}
		if got, status := control(get, nil, 24); status != nt.StatusBufferOverflow && len(bytesOf(d)) > 24 || !bytes.HasPrefix(bytesOf(d), got) {
			t.Errorf("%x in 24 bytes: %x %v", d.tag, got, status)
		}
		if _, status := control(get, nil, 7); status.IsSuccess() || status == nt.StatusBufferOverflow {
			t.Errorf("in 7 bytes: %v", status)
		}
		if attrs, tag := attributes(); attrs != nt.FileAttributeReparsePoint|nt.FileAttributeArchive || tag != d.tag {
			t.Errorf("%x: attributes %#x, tag %#x", d.tag, attrs, tag)
		}
		setBasic(t, m, h, basic{attrs: nt.FileAttributeHidden})
		if attrs, _ := attributes(); attrs != nt.FileAttributeReparsePoint|nt.FileAttributeHidden {
			t.Errorf("%x, hidden: %#x", d.tag, attrs)
		}
		setBasic(t, m, h, basic{attrs: nt.FileAttributeArchive})
		// In a listing the tag is where the size of extended attributes would be.
		dir, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\`, DesiredAccess: nt.FileListDirectory, ShareAccess: 7, Disposition: nt.FileOpen, Options: nt.FileDirectoryFile})
		if err != nil {
			t.Fatal(err)
		}
		for class, at := range map[nt.FileInfoClass]int{nt.FileFullDirectoryInformation: 64, nt.FileIdExtdDirectoryInformation: 68} {
			out := make([]byte, 1000)
			if _, err := m.QueryDirectoryFile(t.Context(), dir, class, &api.DirArgs{Pattern: "f", Restart: true}, out); err != nil {
				t.Fatal(err)
			}
			if le.Uint32(out[56:]) != nt.FileAttributeReparsePoint|nt.FileAttributeArchive || le.Uint32(out[at:]) != d.tag {
				t.Errorf("listed by class %d: %#x, tag %#x", class, le.Uint32(out[56:]), le.Uint32(out[at:]))
			}
		}
		m.Close(dir)
		if _, status := control(set, bytesOf(reparseData{tag: 0x80000777}), 0); status != nt.StatusIoReparseTagMismatch {
			t.Errorf("%x, another set: %v", d.tag, status)
		}
		if _, status := control(del, bytesOf(reparseData{tag: 0x80000777}), 0); status != nt.StatusIoReparseTagMismatch {
			t.Errorf("%x, another deleted: %v", d.tag, status)
		}
		if _, status := control(del, bytesOf(d), 0); status != nt.StatusIoReparseDataInvalid {
			t.Errorf("%x, deleted with data: %v", d.tag, status)
		}
		if d.tag == other.tag {
			for _, code := range []uint32{set, del} {
				if _, status := control(code, bytesOf(otherGUID), 0); status != nt.StatusReparseAttributeConflict {
					t.Errorf("somebody else's: %v", status)
				}
			}
		}
		if _, status := control(del, bytesOf(reparseData{tag: d.tag, guid: d.guid}), 0); status != nt.StatusSuccess {
			t.Errorf("%x, deleted: %v", d.tag, status)
		}
		if attrs, tag := attributes(); attrs != nt.FileAttributeArchive || tag != 0 {
			t.Errorf("%x, then: attributes %#x, tag %#x", d.tag, attrs, tag)
		}
	}
	full, err := openReparse(t, m, "full", nt.FileCreate, nt.FileDirectoryFile)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(full)
	in, err := openReparse(t, m, `full\x`, nt.FileCreate, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.Close(in)
	if _, err := m.FsControlFile(t.Context(), full, set, bytesOf(nfs), nil); nt.StatusOf(err) != nt.StatusDirectoryNotEmpty {
		t.Errorf("a directory that has something: %v", err)
	}
}

// TestReparseLinks makes symbolic links, and tells of those that are there.
func TestReparseLinks(t *testing.T) {
	m, dir := mount(t)
	link := func(target string, flags uint32) []byte {
		s := symlinkData{substitute: target, print: target, flags: flags}
		d := reparseData{tag: nt.IoReparseTagSymlink, data: s.append(nil)}
		return d.append(nil)
	}
	os.Mkdir(filepath.Join(dir, "d"), 0o777)
	os.WriteFile(filepath.Join(dir, "f"), []byte("content"), 0o666)
	for i, c := range []struct {
		target  string
		flags   uint32
		options uint32
		status  nt.Status
	}{
		{`..\f`, symlinkFlagRelative, 0, 0},
		{`..\d`, symlinkFlagRelative, nt.FileDirectoryFile, 0},
		{`not\there`, symlinkFlagRelative, 0, 0},
		{`..\..\f`, symlinkFlagRelative, 0, nt.StatusAccessDenied},
		{`..\d\..\..\f`, symlinkFlagRelative, 0, nt.StatusAccessDenied},
		{`\f`, symlinkFlagRelative, 0, nt.StatusIoReparseDataInvalid},
		{`\??\C:\f`, 0, 0, nt.StatusAccessDenied},
		{`a:b`, symlinkFlagRelative, 0, nt.StatusIoReparseDataInvalid},
		{``, symlinkFlagRelative, 0, nt.StatusIoReparseDataInvalid},
	} {
		name := `d\link` + string(rune('a'+i))
		h, err := openReparse(t, m, name, nt.FileCreate, c.options)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.FsControlFile(t.Context(), h, nt.FsctlSetReparsePoint, link(c.target, c.flags), nil)
		if nt.StatusOf(err) != c.status {
			t.Errorf("%s: %v, want %v", c.target, err, c.status)
		}
		m.Close(h)
		got, err := os.Readlink(filepath.Join(dir, strings.ReplaceAll(name, `\`, "/")))
		if want := strings.ReplaceAll(c.target, `\`, "/"); c.status == 0 && got != want || c.status != 0 && err == nil {
			t.Errorf("%s: a link to %q", c.target, got)
		}
		if c.status != 0 {
			continue
		}
		if h, err = openReparse(t, m, name, nt.FileOpen, c.options); err != nil {
			t.Fatal(err)
		}
		out := make([]byte, 1000)
		if n, err := m.FsControlFile(t.Context(), h, nt.FsctlGetReparsePoint, nil, out); err != nil || !bytes.Equal(out[:n], link(c.target, c.flags)) {
			t.Errorf("%s: %x %v", c.target, out[:n], err)
		}
		b := make([]byte, 8)
		want := uint32(nt.FileAttributeReparsePoint)
		if c.options != 0 {
			want |= nt.FileAttributeDirectory
		}
		if _, err := m.QueryInformationFile(t.Context(), h, nt.FileAttributeTagInformation, b); err != nil || le.Uint32(b) != want || le.Uint32(b[4:]) != nt.IoReparseTagSymlink {
			t.Errorf("%s: %x %v", c.target, b, err)
		}
		// It is made to lead elsewhere; that its tag is another's is refused.
		if _, err := m.FsControlFile(t.Context(), h, nt.FsctlSetReparsePoint, (&reparseData{tag: nt.IoReparseTagNfs}).append(nil), nil); nt.StatusOf(err) != nt.StatusIoReparseTagMismatch {
			t.Errorf("another tag: %v", err)
		}
		if _, err := m.FsControlFile(t.Context(), h, nt.FsctlSetReparsePoint, link(`..\f`, symlinkFlagRelative), nil); err != nil {
			t.Errorf("led elsewhere: %v", err)
		}
		m.Close(h)
		if got, _ := os.Readlink(filepath.Join(dir, strings.ReplaceAll(name, `\`, "/"))); got != "../f" {
			t.Errorf("led elsewhere: %q", got)
		}
	}
	h, err := openReparse(t, m, "f", nt.FileOpen, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.FsControlFile(t.Context(), h, nt.FsctlSetReparsePoint, link("d", symlinkFlagRelative), nil); nt.StatusOf(err) != nt.StatusIoReparseDataInvalid {
		t.Errorf("a file with content: %v", err)
	}
	m.Close(h)
	if list, _ := filepath.Glob(filepath.Join(dir, "d", ".lwio*")); len(list) != 0 {
		t.Errorf("left: %q", list)
	}
}

func TestParseReparse(t *testing.T) {
	s := symlinkData{substitute: `..\a`, print: "b", flags: symlinkFlagRelative}
	b := s.append(nil)
	if got, status := parseSymlink(b); status != nt.StatusSuccess || got != s {
		t.Errorf("%+v %v", got, status)
	}
	for n := range b {
		if _, status := parseSymlink(b[:n]); status != nt.StatusIoReparseDataInvalid {
			t.Errorf("%d bytes: %v", n, status)
		}
	}
	// MS-FSCC 2.1.2.4: the header of a link to `..\a`.
	d := reparseData{tag: nt.IoReparseTagSymlink, data: b}
	if got := d.append(nil); !bytes.Equal(got[:20], []byte{0x0C, 0, 0, 0xA0, 22, 0, 0, 0, 0, 0, 8, 0, 8, 0, 2, 0, 1, 0, 0, 0}) {
		t.Errorf("%x", got)
	}
	whole := d.append(nil)
	for n := range whole {
		if _, status := parseReparse(whole[:n]); status == nt.StatusSuccess {
			t.Errorf("%d bytes are taken", n)
		}
	}
}

func FuzzReparse(f *testing.F) {
	s := symlinkData{substitute: `..\a`, print: "b", flags: symlinkFlagRelative}
	d := reparseData{tag: nt.IoReparseTagSymlink, data: s.append(nil)}
	f.Add(d.append(nil))
	d = reparseData{tag: 5, guid: nt.GUID{1}, data: []byte{1, 2}}
	f.Add(d.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, status := parseReparse(b)
		if status != nt.StatusSuccess {
			return
		}
		if again, status := parseReparse(d.append(nil)); status != nt.StatusSuccess || again.tag != d.tag || again.guid != d.guid || !bytes.Equal(again.data, d.data) {
			t.Fatalf("%+v %v", again, status)
		}
		s, status := parseSymlink(d.data)
		if status != nt.StatusSuccess {
			return
		}
		if len(s.append(nil)) > 1<<15 {
			return
		}
		if again, status := parseSymlink(s.append(nil)); status != nt.StatusSuccess || again != s {
			t.Fatalf("%+v %+v %v", s, again, status)
		}
	})
}
