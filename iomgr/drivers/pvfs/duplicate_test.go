package pvfs_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// TestDuplicateExtents: a range becomes another file's, whether the file system shares extents or copies them.
func TestDuplicateExtents(t *testing.T) {
	m, _ := mount(t)
	const size, cluster = 70000, 4096
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	from := mustOpen(t, m, "from", nt.FileCreate, 0)
	defer m.Close(from)
	if _, err := m.WriteFile(t.Context(), from, data, 0); err != nil {
		t.Fatal(err)
	}
	to := mustOpen(t, m, "to", nt.FileCreate, 0)
	defer m.Close(to)
	dir := mustOpen(t, m, "dir", nt.FileCreate, nt.FileDirectoryFile)
	defer m.Close(dir)
	duplicate := func(source, target api.Handle, at, toAt, n uint64, ex bool) nt.Status {
		t.Helper()
		code, in := uint32(nt.FsctlDuplicateExtentsToFile), make([]byte, 16)
		if ex {
			code, in = nt.FsctlDuplicateExtentsToFileEx, append(u64s(0x30), in...)
		}
		if in = append(in, u64s(at, toAt, n)...); ex {
			in = append(in, make([]byte, 8)...)
		}
		r := &api.Request{Op: api.OpFsControl, Handle: target, Source: source, Code: code, In: in}
		return nt.StatusOf(api.Do(t.Context(), m, r))
	}
	b := make([]byte, 100)
	if _, err := m.QueryVolumeInformationFile(t.Context(), from, nt.FileFsAttributeInformation, b); err != nil {
		t.Fatal(err)
	}
	if le.Uint32(b)&nt.FileSupportsBlockRefcounting == 0 {
		t.Error("the volume does not say that it takes the control")
	}
	content := func(h api.Handle) []byte {
		b := make([]byte, size+1)
		n, err := m.ReadFile(t.Context(), h, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		return b[:n]
	}
	setSize := func(h api.Handle, n uint64) {
		t.Helper()
		if err := m.SetInformationFile(t.Context(), h, nt.FileEndOfFileInformation, u64s(n)); err != nil {
			t.Fatal(err)
		}
	}
	setSize(to, size)
	want := make([]byte, size)
	const whole = (size + cluster - 1) / cluster * cluster
	check := func(what string) {
		t.Helper()
		if !bytes.Equal(content(to), want) {
			t.Errorf("%s: other bytes", what)
		}
	}
	for _, c := range []struct {
		what            string
		source, target  api.Handle
		at, toAt, count uint64
		status          nt.Status
	}{
		{"a cluster", from, to, cluster, 3 * cluster, cluster, 0},
		{"nothing", from, to, 0, 0, 0, 0},
		{"misaligned", from, to, 1, 0, cluster, nt.StatusInvalidParameter},
		{"past the source", from, to, 0, 0, whole + cluster, nt.StatusNotSupported},
		{"no source", nil, to, 0, 0, cluster, nt.StatusInvalidParameter},
		{"of a directory", dir, to, 0, 0, cluster, nt.StatusInvalidParameter},
		{"to a directory", from, dir, 0, 0, cluster, nt.StatusInvalidParameter},
		{"within a file, apart", to, to, 3 * cluster, 8 * cluster, cluster, 0},
		{"within a file, overlapping", to, to, 0, cluster, 2 * cluster, nt.StatusNotSupported},
	} {
		if status := duplicate(c.source, c.target, c.at, c.toAt, c.count, false); status != c.status {
			t.Errorf("%s: %v, want %v", c.what, status, c.status)
		}
	}
	copy(want[3*cluster:], data[cluster:2*cluster])
	copy(want[8*cluster:], data[cluster:2*cluster])
	check("clusters")
	// All of it, with a last cluster that is not whole.
	if status := duplicate(from, to, 0, 0, whole, true); status != nt.StatusSuccess {
		t.Errorf("all: %v", status)
	}
	copy(want, data)
	check("all")
	// A shorter target stays as long as it is, a longer one gets zeros where the source's last cluster has none.
	setSize(to, 10000)
	want = append([]byte(nil), data[:10000]...)
	if status := duplicate(from, to, 8*cluster, 0, 8*cluster, false); status != nt.StatusSuccess {
		t.Errorf("shorter: %v", status)
	}
	copy(want, data[8*cluster:])
	check("shorter")
	other := mustOpen(t, m, "other", nt.FileCreate, 0)
	defer m.Close(other)
	if _, err := m.WriteFile(t.Context(), other, bytes.Repeat([]byte{9}, 3*cluster), 0); err != nil {
		t.Fatal(err)
	}
	setSize(from, 5000)
	if status := duplicate(from, other, 0, 0, 2*cluster, false); status != nt.StatusSuccess {
		t.Errorf("longer: %v", status)
	}
	if got, want := content(other), append(append(bytes.Clone(data[:5000]), make([]byte, 2*cluster-5000)...), bytes.Repeat([]byte{9}, cluster)...); !bytes.Equal(got, want) {
		t.Error("longer: other bytes")
	}
	// A lock is in nobody's way; a sparse source is, unless the target is sparse too.
	lock := mustOpen(t, m, "to", nt.FileOpen, 0)
	defer m.Close(lock)
	if err := m.LockFile(t.Context(), lock, &api.LockArgs{Length: 1 << 20, Exclusive: true, FailImmediately: true}); err != nil {
		t.Fatal(err)
	}
	if status := duplicate(from, to, 0, 0, cluster, false); status != nt.StatusSuccess {
		t.Errorf("locked: %v", status)
	}
	fsctl(t, m, from, nt.FsctlSetSparse, nil, 0, nt.StatusSuccess)
	if status := duplicate(from, to, 0, 0, cluster, false); status != nt.StatusNotSupported {
		t.Errorf("sparse source: %v", status)
	}
	fsctl(t, m, to, nt.FsctlSetSparse, nil, 0, nt.StatusSuccess)
	if status := duplicate(from, to, 0, 0, cluster, false); status != nt.StatusSuccess {
		t.Errorf("both sparse: %v", status)
	}
	// Rights.
	reader, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\to`, DesiredAccess: nt.FileReadAttributes, ShareAccess: 7, Disposition: nt.FileOpen})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(reader)
	if status := duplicate(reader, to, 0, 0, cluster, false); status != nt.StatusAccessDenied {
		t.Errorf("a source that may not be read: %v", status)
	}
	if status := duplicate(from, reader, 0, 0, cluster, false); status != nt.StatusAccessDenied {
		t.Errorf("a target that may not be written: %v", status)
	}
}
