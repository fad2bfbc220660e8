package rdr_test

import (
	"errors"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
)

// TestQuota: the quotas of a server's volume are set, listed from anywhere on, and asked for by SID.
func TestQuota(t *testing.T) {
	path := `\memfs`
	e := newServer(t, func(c *srv.Config) {
		c.Devices = []string{"memfs"}
		c.Shares = &shareTable{list: []srvctl.SRVCTL_SHARE{{Name: new("mem"), Path: &path, MaxUses: srv.UnlimitedUses}}}
	}, memfs.DriverEntry(memfs.Config{}))
	e.m = newClient(t, func(c *rdr.Config) { c.Default = credential("root") })
	h, err := e.m.CreateFile(t.Context(), &api.CreateArgs{Name: e.name(`mem\$Extend\$Quota:$Q:$INDEX_ALLOCATION`), DesiredAccess: nt.FileReadData | nt.FileWriteData, ShareAccess: 7,
		Disposition: nt.FileOpen, Impersonation: api.ImpersonateImpersonation})
	if err != nil {
		t.Fatal(err)
	}
	defer e.m.Close(h)
	a, b := domain.Child(1001), domain.Child(1002)
	if err := e.m.SetQuotaInformationFile(t.Context(), h, api.AppendQuotas(nil, []api.Quota{{SID: a, Limit: 5}, {SID: b, Limit: 6}})); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags uint32
		in    []byte
		want  []nt.SID
	}{
		{api.FlagRestartScan, nil, []nt.SID{a, b}},
		{api.FlagRestartScan | api.FlagSingleEntry, nil, []nt.SID{a}},
		{0, nil, []nt.SID{b}},
		{0, nil, nil},
		{api.FlagStartSID, b.Append(nil), []nt.SID{b}},
		{0, api.AppendQuotaSIDs(nil, []nt.SID{b, a}), []nt.SID{b, a}},
	} {
		r := &api.Request{Op: api.OpQueryQuota, Handle: h, Flags: c.flags, In: c.in, Out: make([]byte, 1000)}
		err := api.Do(t.Context(), e.m, r)
		if c.want == nil {
			if !errors.Is(err, nt.StatusNoMoreEntries) && r.Status != nt.StatusNoMoreEntries {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		list, status := api.ParseQuotas(r.Out[:r.N])
		if err != nil || status != 0 || len(list) != len(c.want) {
			t.Errorf("%+v: %+v %v", c, list, err)
			continue
		}
		for i, q := range list {
			if q.SID != c.want[i] {
				t.Errorf("%+v: %+v", c, list)
			}
		}
	}
}
