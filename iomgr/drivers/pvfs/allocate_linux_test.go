package pvfs_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// TestAllocateTooMuch: more than there is on the disk is refused, and the disk is as full as before.
func TestAllocateTooMuch(t *testing.T) {
	m, dir := mount(t)
	free := func() int64 {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			t.Fatal(err)
		}
		return int64(st.Bavail) * st.Bsize
	}
	before := free()
	h := mustOpen(t, m, "f", nt.FileCreate, 0)
	defer m.Close(h)
	if err := m.SetInformationFile(t.Context(), h, nt.FileAllocationInformation, u64s(uint64(before)+1<<30)); !errors.Is(err, nt.StatusDiskFull) {
		t.Errorf("a gigabyte more than there is: %v, want %v", err, nt.StatusDiskFull)
	}
	a := &api.CreateArgs{Name: `\pvfs\g`, DesiredAccess: nt.FileWriteData, ShareAccess: 7, Disposition: nt.FileCreate, AllocationSize: before + 1<<30}
	if g, err := m.CreateFile(t.Context(), a); !errors.Is(err, nt.StatusDiskFull) {
		t.Errorf("in a create: %v, want %v", err, nt.StatusDiskFull)
		if err == nil {
			m.Close(g)
		}
	}
	if after := free(); after < before-1<<30 { // others use the disk besides
		t.Errorf("%d bytes are free, were %d", after, before)
	}
	if err := m.SetInformationFile(t.Context(), h, nt.FileAllocationInformation, u64s(1<<20)); err != nil {
		t.Errorf("a mebibyte: %v", err)
	}
}
