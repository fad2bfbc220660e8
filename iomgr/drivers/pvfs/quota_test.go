package pvfs

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// memoryQuotas are those of a file system that has some.
type memoryQuotas struct {
	mu     sync.Mutex
	off    bool
	fail   error
	quotas map[uint32]diskQuota
}

func (m *memoryQuotas) on(h *os.File) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.off
}

func (m *memoryQuotas) get(_ *os.File, uid uint32) (diskQuota, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := m.quotas[uid]
	q.uid = uid
	return q, m.fail
}

func (m *memoryQuotas) next(_ *os.File, uid uint32) (diskQuota, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var uids []uint32
	for u := range m.quotas {
		if u >= uid {
			uids = append(uids, u)
		}
	}
	if len(uids) == 0 {
		return diskQuota{}, errNoQuota
	}
	u := slices.Min(uids)
	q := m.quotas[u]
	q.uid = u
	return q, m.fail
}

func (m *memoryQuotas) set(_ *os.File, q diskQuota) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		q.used = m.quotas[q.uid].used
		m.quotas[q.uid] = q
	}
	return m.fail
}

func mountQuotas(t *testing.T, q diskQuotas) (*iomgr.Manager, string) {
	t.Helper()
	dir := t.TempDir()
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), DriverEntry(Config{Root: dir, quotas: q})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	return m, dir
}

func user(uid uint32) nt.SID { return nt.SIDUnixUsers.Child(uid) }

func TestQuotas(t *testing.T) {
	disk := &memoryQuotas{quotas: map[uint32]diskQuota{1000: {used: 5000, soft: 10240, hard: 20480}, 1<<32 - 1: {used: 7}}}
	m, dir := mountQuotas(t, disk)
	if err := os.Mkdir(filepath.Join(dir, "share"), 0o777); err != nil {
		t.Fatal(err)
	}
	open := func(token *nt.Token, access nt.AccessMask) (api.Handle, error) {
		return m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\Share\$Extend\$Quota:$Q:$INDEX_ALLOCATION`, Token: token, DesiredAccess: access, ShareAccess: 3, Disposition: nt.FileOpen})
	}
	if _, err := open(&nt.Token{User: user(1000), PrimaryGroup: nt.SIDBuiltinUsers}, nt.FileReadData); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("a user: %v", err)
	}
	h, err := open(nil, nt.FileReadData|nt.FileWriteData)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	query := func(flags uint32, sids ...nt.SID) ([]api.Quota, nt.Status) {
		t.Helper()
		r := &api.Request{Op: api.OpQueryQuota, Handle: h, Flags: flags, Out: make([]byte, 1000)}
		if len(sids) > 0 {
			r.In = api.AppendQuotaSIDs(nil, sids)
		}
		if err := api.Do(t.Context(), m, r); err != nil {
			return nil, r.Status
		}
		return api.ParseQuotas(r.Out[:r.N])
	}
	set := func(want nt.Status, list ...api.Quota) {
		t.Helper()
		if err := m.SetQuotaInformationFile(t.Context(), h, api.AppendQuotas(nil, list)); nt.StatusOf(err) != want {
			t.Errorf("%+v: %v, want %v", list, err, want)
		}
	}
	if l, status := query(api.FlagRestartScan); status != 0 || len(l) != 2 || l[0] != (api.Quota{SID: user(1000), Used: 5000, Threshold: 10240, Limit: 20480}) ||
		l[1] != (api.Quota{SID: user(1<<32 - 1), Used: 7, Threshold: -1, Limit: -1}) {
		t.Errorf("%+v %v", l, status)
	}
	domain := nt.MustSID("S-1-5-21-1-2-3-1000")
	if l, status := query(0, user(7), domain); status != 0 || len(l) != 2 || l[0].Limit != -1 || l[1].SID != domain || l[1].Used != 0 {
		t.Errorf("%+v %v", l, status)
	}
	set(0, api.Quota{SID: user(7), Threshold: -1, Limit: 1025}, api.Quota{SID: user(1000), Threshold: 1, Limit: 0})
	if a, b := disk.quotas[7], disk.quotas[1000]; a.soft != 0 || a.hard != 2048 || b.soft != 1024 || b.hard != 0 || b.used != 5000 {
		t.Errorf("%+v %+v", a, b)
	}
	set(nt.StatusNoneMapped, api.Quota{SID: user(7), Limit: 5}, api.Quota{SID: domain, Limit: 5})
	if disk.quotas[7].hard != 2048 {
		t.Error("a part of the list was set")
	}
	set(0, api.Quota{SID: user(7), Limit: nt.QuotaDelete})
	set(nt.StatusNoMatch, api.Quota{SID: user(7), Limit: nt.QuotaDelete})
	disk.fail = os.ErrPermission
	set(nt.StatusAccessDenied, api.Quota{SID: user(7), Limit: 5})
	if _, status := query(api.FlagRestartScan); status != nt.StatusAccessDenied {
		t.Errorf("%v", status)
	}
	disk.fail = nil

	b := make([]byte, 100)
	volume := func(h api.Handle) (attributes, flags uint32) {
		t.Helper()
		if _, err := m.QueryVolumeInformationFile(t.Context(), h, nt.FileFsAttributeInformation, b); err != nil {
			t.Fatal(err)
		}
		attributes = binary.LittleEndian.Uint32(b)
		if _, err := m.QueryVolumeInformationFile(t.Context(), h, nt.FileFsControlInformation, b); err != nil {
			t.Fatal(err)
		}
		if limit := int64(binary.LittleEndian.Uint64(b[32:])); limit != nt.QuotaUnlimited {
			t.Errorf("%d", limit)
		}
		return attributes, binary.LittleEndian.Uint32(b[40:])
	}
	if a, f := volume(h); a&nt.FileVolumeQuotas == 0 || f != nt.FileVcQuotaEnforce {
		t.Errorf("%x %x", a, f)
	}
	control := func(h api.Handle, want nt.Status, c api.VolumeControl) {
		t.Helper()
		if err := m.SetVolumeInformationFile(t.Context(), h, nt.FileFsControlInformation, c.Append(nil)); nt.StatusOf(err) != want {
			t.Errorf("%+v: %v, want %v", c, err, want)
		}
	}
	control(h, 0, api.VolumeControl{DefaultThreshold: -1, DefaultLimit: -1, Flags: nt.FileVcQuotaEnforce})
	control(h, nt.StatusNotSupported, api.VolumeControl{DefaultThreshold: -1, DefaultLimit: 5, Flags: nt.FileVcQuotaEnforce})
	control(h, nt.StatusNotSupported, api.VolumeControl{DefaultThreshold: -1, DefaultLimit: -1})
	control(h, nt.StatusInvalidParameter, api.VolumeControl{DefaultLimit: -5})
	// Without quotas the volume says so, and has nothing to open.
	disk.mu.Lock()
	disk.off = true
	disk.mu.Unlock()
	if a, f := volume(h); a&nt.FileVolumeQuotas != 0 || f != nt.FileVcQuotaNone {
		t.Errorf("%x %x", a, f)
	}
	control(h, nt.StatusVolumeNotUpgraded, api.VolumeControl{DefaultThreshold: -1, DefaultLimit: -1, Flags: nt.FileVcQuotaEnforce})
	if _, err := open(nil, nt.FileReadData); nt.StatusOf(err) != nt.StatusObjectNameInvalid {
		t.Errorf("%v", err)
	}
}

// TestKernelQuotas: what the kernel says of the file system that the test is on agrees with itself.
func TestKernelQuotas(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	k := kernelQuotas{}
	if !k.on(dir) {
		if q, err := k.next(dir, 0); err == nil {
			t.Errorf("%+v of a file system without quotas", q)
		}
		m, _ := mountQuotas(t, nil)
		if _, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\$Extend\$Quota:$Q:$INDEX_ALLOCATION`, DesiredAccess: nt.FileReadData, Disposition: nt.FileOpen}); nt.StatusOf(err) != nt.StatusObjectNameInvalid {
			t.Errorf("%v", err)
		}
		return
	}
	first, err := k.next(dir, 0)
	if errors.Is(err, errNoQuota) {
		return
	}
	if got, err2 := k.get(dir, first.uid); err != nil || err2 != nil || got != first {
		t.Errorf("%+v %v, %+v %v", first, err, got, err2)
	}
}
