package api

import (
	"bytes"
	"reflect"
	"testing"

	"lwio/iomgr/nt"
)

var (
	alice = nt.MustSID("S-1-5-21-1-2-3-1001")
	bob   = nt.MustSID("S-1-5-21-1-2-3-1002")
	group = nt.SIDBuiltinUsers
)

func TestQuotaPath(t *testing.T) {
	for path, want := range map[string]string{`\$Extend\$Quota:$Q:$INDEX_ALLOCATION`: "", `\srv\data\$extend\$quota:$q:$index_allocation`: `\srv\data`} {
		if dir, ok := QuotaPath(path); !ok || dir != want {
			t.Errorf("%s: %q %t", path, dir, ok)
		}
	}
	for _, path := range []string{"", `\`, `\$Extend\$Quota`, `\$Extend\$Quota:$Q`, `x$Extend\$Quota:$Q:$INDEX_ALLOCATION`, `\$Extend\$Quota:$Q:$INDEX_ALLOCATION\`} {
		if dir, ok := QuotaPath(path); ok {
			t.Errorf("%s: %q", path, dir)
		}
	}
}

func TestQuotaList(t *testing.T) {
	list := []Quota{{alice, 1, 2, 3, 4}, {group, 5, 6, nt.QuotaUnlimited, nt.QuotaUnlimited}, {bob, 7, 8, 9, nt.QuotaDelete}}
	b := AppendQuotas(nil, list)
	// The first: 40 bytes and a SID of 28, aligned to 8.
	if le.Uint32(b) != 72 || le.Uint32(b[4:]) != 28 || le.Uint64(b[8:]) != 1 || le.Uint64(b[16:]) != 2 || le.Uint64(b[24:]) != 3 || le.Uint64(b[32:]) != 4 || le.Uint32(b[72:]) != 56 ||
		len(b) != 72+56+68 {
		t.Errorf("%x", b)
	}
	if got, status := ParseQuotas(b); status != 0 || !reflect.DeepEqual(got, list) {
		t.Errorf("%+v %v", got, status)
	}
	for n := range b {
		if got, status := ParseQuotas(b[:n:n]); status != nt.StatusQuotaListInconsistent {
			t.Errorf("%d bytes: %+v", n, got)
		}
	}
	for at, with := range map[int]byte{0: 70, 1: 0xFF, 3: 0xFF, 4: 27, 5: 1, 40: 2, 72: 8} {
		bad := bytes.Clone(b)
		bad[at] = with
		if got, status := ParseQuotas(bad); status != nt.StatusQuotaListInconsistent {
			t.Errorf("byte %d: %+v", at, got)
		}
	}
	sids := []nt.SID{alice, group, nt.SIDWorld, bob}
	b = AppendQuotaSIDs(nil, sids)
	if got, status := ParseQuotaSIDs(b); status != 0 || !reflect.DeepEqual(got, sids) {
		t.Errorf("%+v %v", got, status)
	}
	for n := range b {
		if got, status := ParseQuotaSIDs(b[:n:n]); status != nt.StatusQuotaListInconsistent {
			t.Errorf("%d bytes: %+v", n, got)
		}
	}
}

func TestVolumeControl(t *testing.T) {
	c := VolumeControl{1, 2, 3, nt.QuotaUnlimited, 5, nt.FileVcQuotaEnforce | nt.FileVcLogQuotaLimit}
	b := c.Append(nil)
	if got, status := ParseVolumeControl(b); len(b) != 48 || status != 0 || got != c {
		t.Errorf("%x: %+v %v", b, got, status)
	}
	for n := range b {
		if _, status := ParseVolumeControl(b[:n:n]); status != nt.StatusInfoLengthMismatch {
			t.Errorf("%d bytes: %v", n, status)
		}
	}
	for _, bad := range []VolumeControl{{DefaultLimit: -2}, {DefaultThreshold: -2}, {Flags: 4}, {Flags: 1 << 31}} {
		if _, status := ParseVolumeControl(bad.Append(nil)); status != nt.StatusInvalidParameter {
			t.Errorf("%+v: %v", bad, status)
		}
	}
	c.Flags |= nt.FileVcQuotasIncomplete
	if got, status := ParseVolumeControl(c.Append(nil)); status != 0 || got.Flags != nt.FileVcQuotaEnforce|nt.FileVcLogQuotaLimit {
		t.Errorf("%+v %v", got, status)
	}
}

func FuzzQuotas(f *testing.F) {
	f.Add(AppendQuotas(nil, []Quota{{alice, 1, 2, 3, 4}, {group, 5, 6, -1, -1}}))
	f.Add(AppendQuotaSIDs(nil, []nt.SID{alice, group}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, status := ParseQuotas(b); status == 0 {
			if again, status := ParseQuotas(AppendQuotas(nil, list)); status != 0 || !reflect.DeepEqual(list, again) {
				t.Errorf("%+v becomes %+v", list, again)
			}
		}
		if list, status := ParseQuotaSIDs(b); status == 0 {
			if again, status := ParseQuotaSIDs(AppendQuotaSIDs(nil, list)); status != 0 || !reflect.DeepEqual(list, again) {
				t.Errorf("%+v becomes %+v", list, again)
			}
		}
	})
}

// fakeQuotas is a store with entries that stay.
type fakeQuotas struct {
	list []Quota
	set  []Quota
}

func (s *fakeQuotas) QuotaEntries() ([]Quota, nt.Status) { return append([]Quota(nil), s.list...), 0 }

func (s *fakeQuotas) QuotaOf(sid nt.SID) (Quota, nt.Status) {
	for _, q := range s.list {
		if q.SID == sid {
			return q, 0
		}
	}
	return Quota{SID: sid, Threshold: -1, Limit: -1}, 0
}

func (s *fakeQuotas) SetQuotas(list []Quota) nt.Status {
	s.set = list
	return 0
}

func (s *fakeQuotas) QueryVolume(r *Request) { r.Complete(nt.StatusSuccess, 0) }
func (s *fakeQuotas) SetVolume(r *Request)   { r.Complete(nt.StatusSuccess, 0) }

func TestQuotaFile(t *testing.T) {
	store := &fakeQuotas{list: []Quota{{bob, 1, 2, 3, 4}, {alice, 5, 6, 7, 8}, {group, 9, 10, 11, 12}}}
	f := &QuotaFile{Store: store}
	query := func(flags uint32, in []byte, room int, want nt.Status, sids ...nt.SID) {
		t.Helper()
		r := &Request{Op: OpQueryQuota, Flags: flags, In: in, Out: make([]byte, room)}
		f.QueryQuota(r)
		if r.Status != want {
			t.Errorf("%v, want %v", r.Status, want)
			return
		}
		if len(sids) == 0 {
			return
		}
		list, status := ParseQuotas(r.Out[:r.N])
		if status != 0 || len(list) != len(sids) {
			t.Errorf("%+v %v", list, status)
			return
		}
		for i, q := range list {
			if q.SID != sids[i] {
				t.Errorf("%d: %v, want %v", i, q.SID, sids[i])
			}
		}
	}
	query(0, nil, 1000, 0, group, alice, bob) // by their bytes: fewer sub-authorities first
	query(0, nil, 1000, nt.StatusNoMoreEntries)
	query(FlagRestartScan|FlagSingleEntry, nil, 1000, 0, group)
	query(FlagSingleEntry, nil, 1000, 0, alice)
	query(0, nil, 67, nt.StatusBufferTooSmall)
	query(0, nil, 68, 0, bob)
	query(0, nil, 68, nt.StatusNoMoreEntries)
	query(FlagRestartScan, nil, 72+56, 0, group, alice)
	query(FlagStartSID, alice.Append(nil), 1000, 0, alice, bob)
	query(FlagStartSID|FlagRestartScan, nt.MustSID("S-1-5-21-1-2-3-1003").Append(nil), 1000, nt.StatusNoMoreEntries)
	query(FlagStartSID, alice.Append(nil)[:27], 1000, nt.StatusInvalidParameter)
	list := AppendQuotaSIDs(nil, []nt.SID{bob, nt.SIDWorld})
	query(0, list, 1000, 0, bob, nt.SIDWorld)
	query(FlagSingleEntry, list, 1000, 0, bob)
	query(0, list, 67, nt.StatusBufferTooSmall)
	query(0, list, 80, nt.StatusBufferOverflow, bob)
	query(0, list[:len(list)-4], 1000, nt.StatusQuotaListInconsistent)
	query(0, list[:len(list)-1], 1000, nt.StatusInvalidParameter)

	for _, c := range []struct {
		in     []byte
		status nt.Status
	}{
		{nil, nt.StatusInvalidParameter},
		{make([]byte, 40), nt.StatusQuotaListInconsistent},
		{AppendQuotas(nil, []Quota{{SID: nt.SIDBuiltinAdministrators, Limit: 5}}), nt.StatusAccessDenied},
		{AppendQuotas(nil, []Quota{{SID: alice, Limit: -3}}), nt.StatusInvalidParameter},
		{AppendQuotas(nil, []Quota{{SID: nt.SIDBuiltinAdministrators, Threshold: -1, Limit: -1}, {SID: bob, Limit: nt.QuotaDelete}}), 0},
	} {
		store.set = nil
		r := &Request{Op: OpSetQuota, In: c.in}
		f.SetQuota(r)
		if r.Status != c.status || (len(store.set) > 0) != (c.status == 0) {
			t.Errorf("%x: %v, %+v", c.in, r.Status, store.set)
		}
	}
}
