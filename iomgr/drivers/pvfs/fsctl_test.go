package pvfs_test

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

func fsctl(t *testing.T, m *iomgr.Manager, h api.Handle, code uint32, in []byte, room int, status nt.Status) []byte {
	t.Helper()
	out := make([]byte, room)
	n, err := m.FsControlFile(t.Context(), h, code, in, out)
	if nt.StatusOf(err) != status && !(status == nt.StatusBufferOverflow && errors.Is(err, status)) {
		t.Errorf("%s: %v, want %s", nt.ControlName(code), err, status.Name())
	}
	if err != nil && status != nt.StatusBufferOverflow {
		return nil
	}
	return out[:n]
}

func u64s(v ...uint64) (b []byte) {
	for _, x := range v {
		b = le.AppendUint64(b, x)
	}
	return b
}

func TestSparse(t *testing.T) {
	m, _ := mount(t)
	h := mustOpen(t, m, "f", nt.FileCreate, 0)
	defer m.Close(h)
	data := bytes.Repeat([]byte{7}, 256<<10)
	if _, err := m.WriteFile(t.Context(), h, data, 0); err != nil {
		t.Fatal(err)
	}
	const size = 256 << 10
	all := u64s(0, size)
	// Zeros in a file that is not sparse are there.
	fsctl(t, m, h, nt.FsctlSetZeroData, u64s(64<<10, 128<<10), 0, nt.StatusSuccess)
	if got := fsctl(t, m, h, nt.FsctlQueryAllocatedRanges, all, 64, nt.StatusSuccess); !bytes.Equal(got, all) {
		t.Errorf("%x", got)
	}
	fsctl(t, m, h, nt.FsctlSetSparse, nil, 0, nt.StatusSuccess)
	fsctl(t, m, h, nt.FsctlSetZeroData, u64s(64<<10, 128<<10), 0, nt.StatusSuccess)
	fsctl(t, m, h, nt.FsctlSetZeroData, u64s(size-1, size+100), 0, nt.StatusSuccess)
	got := make([]byte, size)
	if n, err := m.ReadFile(t.Context(), h, got, 0); err != nil || n != size {
		t.Fatal(n, err)
	}
	copy(data[64<<10:128<<10], make([]byte, 64<<10))
	if data[size-1] = 0; !bytes.Equal(got, data) {
		t.Error("other bytes than those between are zeros")
	}
	if runtime.GOOS == "linux" {
		want := u64s(0, 64<<10, 128<<10, 128<<10)
		if got := fsctl(t, m, h, nt.FsctlQueryAllocatedRanges, all, 64, nt.StatusSuccess); !bytes.Equal(got, want) && !bytes.Equal(got, all) {
			t.Errorf("%x", got) // all where the file system makes no holes
		}
		if got := fsctl(t, m, h, nt.FsctlQueryAllocatedRanges, u64s(0, 64<<10), 16, nt.StatusSuccess); !bytes.Equal(got, u64s(0, 64<<10)) {
			t.Errorf("%x", got)
		}
	}
	fsctl(t, m, h, nt.FsctlQueryAllocatedRanges, all, 15, nt.StatusBufferTooSmall)
	fsctl(t, m, h, nt.FsctlQueryAllocatedRanges, u64s(0, 1<<63), 64, nt.StatusInvalidParameter)
	fsctl(t, m, h, nt.FsctlQueryAllocatedRanges, u64s(1<<62, 1<<62), 64, nt.StatusInvalidParameter)
	fsctl(t, m, h, nt.FsctlSetZeroData, u64s(5, 4), 0, nt.StatusInvalidParameter)
	fsctl(t, m, h, nt.FsctlSetZeroData, u64s(5), 0, nt.StatusInvalidParameter)
	if got := fsctl(t, m, h, nt.FsctlQueryFileRegions, nil, 64, nt.StatusSuccess); len(got) != 40 || le.Uint64(got[24:]) != size {
		t.Errorf("%x", got)
	}
	trim := append(le.AppendUint32(le.AppendUint32(nil, 0), 1), u64s(0, 4096)...)
	if got := fsctl(t, m, h, nt.FsctlFileLevelTrim, trim, 4, nt.StatusSuccess); !bytes.Equal(got, []byte{1, 0, 0, 0}) {
		t.Errorf("%x", got)
	}
	fsctl(t, m, h, nt.FsctlFileLevelTrim, trim[:20], 4, nt.StatusInvalidParameter)
	// What another has locked stays.
	other := mustOpen(t, m, "f", nt.FileOpen, 0)
	defer m.Close(other)
	if err := m.LockFile(t.Context(), other, &api.LockArgs{Offset: 10, Length: 1, Exclusive: true, FailImmediately: true}); err != nil {
		t.Fatal(err)
	}
	fsctl(t, m, h, nt.FsctlSetZeroData, u64s(0, 100), 0, nt.StatusFileLockConflict)
	dir := mustOpen(t, m, "d", nt.FileCreate, nt.FileDirectoryFile)
	defer m.Close(dir)
	fsctl(t, m, dir, nt.FsctlSetSparse, nil, 0, nt.StatusInvalidParameter)
}

func TestControlAccess(t *testing.T) {
	m, _ := mount(t)
	m.Close(mustOpen(t, m, "f", nt.FileCreate, 0))
	h, _ := mustAs(t, m, nil, "f", nt.FileReadAttributes|nt.FileReadEA, nt.FileOpen)
	defer m.Close(h)
	fsctl(t, m, h, nt.FsctlSetSparse, nil, 0, nt.StatusAccessDenied)
	fsctl(t, m, h, nt.FsctlSetZeroData, u64s(0, 1), 0, nt.StatusAccessDenied)
	fsctl(t, m, h, nt.FsctlQueryAllocatedRanges, u64s(0, 1), 16, nt.StatusAccessDenied)
	fsctl(t, m, h, nt.FsctlDeleteObjectId, nil, 0, nt.StatusAccessDenied)
}

func TestObjectID(t *testing.T) {
	m, dir := mount(t)
	attributes(t, dir)
	h := mustOpen(t, m, "f", nt.FileCreate, 0)
	defer m.Close(h)
	fsctl(t, m, h, nt.FsctlGetObjectId, nil, 64, nt.StatusObjectidNotFound)
	id := fsctl(t, m, h, nt.FsctlCreateOrGetObjectId, nil, 64, nt.StatusSuccess)
	for _, code := range []uint32{nt.FsctlCreateOrGetObjectId, nt.FsctlGetObjectId} {
		if got := fsctl(t, m, h, code, nil, 64, nt.StatusSuccess); len(got) != 64 || !bytes.Equal(got, id) {
			t.Errorf("%x, then %x", id, got)
		}
	}
	fsctl(t, m, h, nt.FsctlSetObjectId, id, 0, nt.StatusObjectNameCollision)
	fsctl(t, m, h, nt.FsctlDeleteObjectId, nil, 0, nt.StatusSuccess)
	fsctl(t, m, h, nt.FsctlGetObjectId, nil, 64, nt.StatusObjectidNotFound)
	id[0]++
	fsctl(t, m, h, nt.FsctlSetObjectId, id, 0, nt.StatusSuccess)
	if got := fsctl(t, m, h, nt.FsctlGetObjectId, nil, 64, nt.StatusSuccess); !bytes.Equal(got, id) {
		t.Errorf("%x", got)
	}
	alices, _ := mustAs(t, m, account(aliceSID, 0), "f", nt.GenericRead, nt.FileOpen)
	defer m.Close(alices)
	fsctl(t, m, alices, nt.FsctlSetObjectId, id, 0, nt.StatusAccessDenied)
}

func TestControls(t *testing.T) {
	m, _ := mount(t)
	h := mustOpen(t, m, "f", nt.FileCreate, 0)
	defer m.Close(h)
	if got := fsctl(t, m, h, nt.FsctlGetCompression, nil, 2, nt.StatusSuccess); !bytes.Equal(got, []byte{0, 0}) {
		t.Errorf("%x", got)
	}
	if got := fsctl(t, m, h, nt.FsctlGetNtfsVolumeData, nil, 96, nt.StatusSuccess); len(got) != 96 || le.Uint32(got[40:]) != 512 {
		t.Errorf("%x", got)
	}
	for _, c := range []struct {
		code   uint32
		in     []byte
		status nt.Status
	}{
		{nt.FsctlSetCompression, []byte{0, 0}, 0}, {nt.FsctlSetCompression, []byte{1, 0}, nt.StatusNotSupported}, {nt.FsctlSetCompression, []byte{9, 0}, nt.StatusInvalidParameter},
		{nt.FsctlSetCompression, nil, nt.StatusInvalidParameter}, {nt.FsctlGetReparsePoint, nil, nt.StatusNotAReparsePoint}, {nt.FsctlLockVolume, nil, nt.StatusAccessDenied},
		{nt.FsctlFindFilesBySid, nil, nt.StatusInvalidDeviceRequest}, {nt.FsctlSetEncryption, nil, nt.StatusInvalidDeviceRequest}, {nt.FsctlIsVolumeMounted, nil, 0},
	} {
		fsctl(t, m, h, c.code, c.in, 256, c.status)
	}
	for class, size := range map[nt.FsInfoClass]int{nt.FileFsControlInformation: 48, nt.FileFsObjectIdInformation: 64} {
		if n, err := m.QueryVolumeInformationFile(t.Context(), h, class, make([]byte, 100)); err != nil || n != size {
			t.Errorf("class %d: %d, %v", class, n, err)
		}
	}
}
