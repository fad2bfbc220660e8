package pvfs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

func mount(t *testing.T) (*iomgr.Manager, string) {
	t.Helper()
	dir := t.TempDir()
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), DriverEntry(Config{Root: dir})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	probe := filepath.Join(dir, "probe")
	os.WriteFile(probe, nil, 0o666)
	h, err := os.Open(probe)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := setXattr(h, dosName, []byte("x")); err != nil {
		t.Skip("the file system has no extended attributes: ", err)
	}
	os.Remove(probe)
	return m, dir
}

func openFile(m *iomgr.Manager, name string, access nt.AccessMask, disposition, attrs uint32) (api.Handle, error) {
	return m.CreateFile(context.Background(), &api.CreateArgs{Name: `\pvfs\` + name, DesiredAccess: access, ShareAccess: 7, Disposition: disposition, FileAttributes: attrs})
}

// basic is FileBasicInformation.
type basic struct {
	created, access, write, change nt.Time
	attrs                          uint32
}

func queryBasic(t *testing.T, m *iomgr.Manager, h api.Handle) basic {
	t.Helper()
	b := make([]byte, 40)
	if _, err := m.QueryInformationFile(t.Context(), h, nt.FileBasicInformation, b); err != nil {
		t.Fatal(err)
	}
	at := func(i int) nt.Time { return nt.Time(le.Uint64(b[i:])) }
	return basic{at(0), at(8), at(16), at(24), le.Uint32(b[32:])}
}

func setBasic(t *testing.T, m *iomgr.Manager, h api.Handle, x basic) {
	t.Helper()
	var b []byte
	for _, v := range []nt.Time{x.created, x.access, x.write, x.change} {
		b = le.AppendUint64(b, uint64(v))
	}
	b = le.AppendUint64(b, uint64(x.attrs))
	if err := m.SetInformationFile(t.Context(), h, nt.FileBasicInformation, b); err != nil {
		t.Fatal(err)
	}
}

const minusOne, minusTwo = ^nt.Time(0), ^nt.Time(1)

// TestTimesSet sets times that POSIX or the file system may not have, and stops them.
func TestTimesSet(t *testing.T) {
	m, _ := mount(t)
	h, err := openFile(m, "f", nt.MaximumAllowed, nt.FileCreate, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{time.Date(1601, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(1968, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(-1, 0), time.Unix(0, 0), time.Unix(0, 123456700),
		time.Unix(4294967295, 0), time.Unix(15032385535, 0), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)} {
		v := nt.TimeOf(at)
		setBasic(t, m, h, basic{created: v, write: v, change: v})
		if got := queryBasic(t, m, h); got.created != v || got.write != v || got.change != v {
			t.Errorf("%s: %+v, want %d", at, got, v)
		}
		other, err := openFile(m, "F", nt.FileReadAttributes, nt.FileOpen, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := queryBasic(t, m, other); got.created != v || got.write != v || got.change != v {
			t.Errorf("%s by another handle: %+v, want %d", at, got, v)
		}
		m.Close(other)
	}
	v := nt.TimeOf(time.Unix(1_000_000_000, 0))
	setBasic(t, m, h, basic{created: v, write: v, change: v})
	for _, x := range []basic{{}, {attrs: nt.FileAttributeHidden}, {created: minusOne, access: minusOne, write: minusOne, change: minusOne}} {
		setBasic(t, m, h, x)
		if got := queryBasic(t, m, h); got.created != v || got.write != v || got.change != v {
			t.Errorf("%+v changes times: %+v", x, got)
		}
	}
	// What is written through the handle leaves them; through another it does not.
	if _, err := m.WriteFile(t.Context(), h, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	if got := queryBasic(t, m, h); got.write != v || got.change != v {
		t.Errorf("written: %+v", got)
	}
	m.Close(h)
	if h, err = openFile(m, "f", nt.MaximumAllowed, nt.FileOpen, 0); err != nil {
		t.Fatal(err)
	}
	if got := queryBasic(t, m, h); got.write != v || got.change != v {
		t.Errorf("written and closed: %+v", got)
	}
	if _, err := m.WriteFile(t.Context(), h, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	if err := m.FlushBuffersFile(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if got := queryBasic(t, m, h); got.write <= v || got.created != v {
		t.Errorf("written through another: %+v", got)
	}
	m.Close(h)
}

// TestWriteTimeDelayed follows what Windows shows of writes, by a clock that the test turns.
func TestWriteTimeDelayed(t *testing.T) {
	m, dir := mount(t)
	at := time.Now()
	now = func() time.Time { return at }
	defer func() { now = time.Now }()
	h, err := openFile(m, "f", nt.MaximumAllowed, nt.FileCreate, 0)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "f")
	old := time.Unix(1_000_000_000, 0)
	os.Chtimes(path, old, old)
	write := func() {
		if _, err := m.WriteFile(t.Context(), h, []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
	}
	shown := func() nt.Time { return queryBasic(t, m, h).write }
	write()
	if shown() != nt.TimeOf(old) {
		t.Error("a first write shows at once")
	}
	at = at.Add(writeDelay)
	first := shown()
	if first == nt.TimeOf(old) {
		t.Error("a first write never shows")
	}
	write()
	at = at.Add(time.Hour)
	if shown() != first {
		t.Error("a second write shows before the close")
	}
	if err := m.SetInformationFile(t.Context(), h, nt.FileEndOfFileInformation, le.AppendUint64(nil, 1)); err != nil {
		t.Fatal(err)
	}
	if shown() <= first {
		t.Error("a new size does not show")
	}
	// Two writes more than the delay apart, then the close: it is the time of writing.
	write()
	at = at.Add(writeDelay)
	write()
	at = at.Add(time.Hour)
	m.Close(h)
	if info, err := os.Stat(path); err != nil || nt.TimeOf(info.ModTime()) != nt.TimeOf(at) {
		t.Errorf("closed at %s: %s, %v", at, info.ModTime(), err)
	}
}

// TestAttributes follows MS-FSA 2.1.5.1.1 and 2.1.5.1.2.1.
func TestAttributes(t *testing.T) {
	m, _ := mount(t)
	const R, H, S, A = nt.FileAttributeReadonly, nt.FileAttributeHidden, nt.FileAttributeSystem, nt.FileAttributeArchive
	for i, c := range []struct {
		first, then uint32
		status      nt.Status
		result      uint32
	}{
		{0, 0, 0, A},
		{nt.FileAttributeNormal, R, 0, R | A},
		{H, H, 0, H | A},
		{H, H | S, 0, H | S | A},
		{H, 0, nt.StatusAccessDenied, H | A},
		{S, H, nt.StatusAccessDenied, S | A},
		{R, 0, nt.StatusAccessDenied, R | A},
		{nt.FileAttributeTemporary, 0, 0, A},
	} {
		name := string(rune('a' + i))
		h, err := openFile(m, name, nt.FileReadAttributes, nt.FileCreate, c.first)
		if err != nil {
			t.Fatal(err)
		}
		if got := queryBasic(t, m, h).attrs; got != c.first&^nt.FileAttributeNormal|A {
			t.Errorf("made with %#x: %#x", c.first, got)
		}
		m.Close(h)
		h, err = openFile(m, name, nt.FileReadAttributes, nt.FileOverwrite, c.then)
		if nt.StatusOf(err) != c.status {
			t.Errorf("%#x overwritten with %#x: %v", c.first, c.then, err)
		}
		if err == nil {
			m.Close(h)
		}
		if h, err = openFile(m, name, nt.FileReadAttributes, nt.FileOpen, 0); err != nil {
			t.Fatal(err)
		}
		if got := queryBasic(t, m, h).attrs; got != c.result {
			t.Errorf("%#x overwritten with %#x: %#x", c.first, c.then, got)
		}
		m.Close(h)
	}
	for _, attrs := range []uint32{nt.FileAttributeDevice, 0x8, 0x8000, 0x80000000} {
		if _, err := openFile(m, "x", nt.FileReadAttributes, nt.FileCreate, attrs); !errors.Is(err, nt.StatusInvalidParameter) {
			t.Errorf("made with %#x: %v", attrs, err)
		}
	}
	d, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\dir`, DesiredAccess: nt.MaximumAllowed, Disposition: nt.FileCreate, Options: nt.FileDirectoryFile, FileAttributes: H})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(d)
	if got := queryBasic(t, m, d).attrs; got != H|nt.FileAttributeDirectory {
		t.Errorf("a directory: %#x", got)
	}
}

// TestPositionAndMode are the open's own.
func TestPositionAndMode(t *testing.T) {
	m, _ := mount(t)
	h, err := openFile(m, "f", nt.MaximumAllowed, nt.FileCreate, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	other, err := openFile(m, "f", nt.MaximumAllowed, nt.FileOpen, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(other)
	query := func(h api.Handle, class nt.FileInfoClass) uint64 {
		b := make([]byte, 8)
		if _, err := m.QueryInformationFile(t.Context(), h, class, b); err != nil {
			t.Fatal(err)
		}
		return le.Uint64(b)
	}
	if _, err := m.WriteFile(t.Context(), h, []byte("0123456789"), 5); err != nil {
		t.Fatal(err)
	}
	if at := query(h, nt.FilePositionInformation); at != 15 || query(other, nt.FilePositionInformation) != 0 {
		t.Errorf("after a write: %d", at)
	}
	if err := m.SetInformationFile(t.Context(), h, nt.FilePositionInformation, le.AppendUint64(nil, 7)); err != nil || query(h, nt.FilePositionInformation) != 7 {
		t.Errorf("set: %v", err)
	}
	for _, c := range []struct {
		mode   uint32
		status nt.Status
	}{{2, 0}, {1, nt.StatusInvalidParameter}, {0, 0}} {
		if err := m.SetInformationFile(t.Context(), h, nt.FileModeInformation, le.AppendUint32(nil, c.mode)); nt.StatusOf(err) != c.status {
			t.Errorf("mode %d: %v", c.mode, err)
		}
	}
}
