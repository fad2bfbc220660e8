package memfs

import (
	"log/slog"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// quotas is what the files of each owner may take and do take (MS-FSA 2.1.1.1, Volume.QuotaInformation). It is always counted, and enforced if the volume
// says so. Everything is guarded by volume.mu.
type quotas struct {
	control api.VolumeControl
	entries map[nt.SID]*quota
}

// quota is one owner's.
type quota struct {
	changed                nt.Time
	used, threshold, limit int64
	named                  bool // it was set by somebody, and stays when nothing is used
}

// maxQuotas bounds what administrators set.
const maxQuotas = 1 << 16

func newQuotas() quotas {
	return quotas{control: api.VolumeControl{DefaultThreshold: nt.QuotaUnlimited, DefaultLimit: nt.QuotaUnlimited}, entries: make(map[nt.SID]*quota)}
}

// enforced reports whether an owner has a limit that counts. Administrators and the system have none.
func (q *quotas) enforced(owner nt.SID) bool {
	return q.control.Flags&nt.FileVcQuotaEnforce != 0 && owner != nt.SIDBuiltinAdministrators && owner != nt.SIDLocalSystem
}

// of gives an owner's entry, made with the defaults of now.
func (q *quotas) of(owner nt.SID) *quota {
	e := q.entries[owner]
	if e == nil {
		e = &quota{changed: nt.NowTime(), threshold: q.control.DefaultThreshold, limit: q.control.DefaultLimit}
		q.entries[owner] = e
	}
	return e
}

// room is how much an owner may take besides.
func (v *volume) room(owner nt.SID) int64 {
	free := v.capacity - v.used
	if v.quotas.enforced(owner) {
		if limit := v.quotas.entry(owner).Limit; limit >= 0 {
			free = min(free, max(limit-v.quotas.entry(owner).Used, 0))
		}
	}
	return free
}

// entry is what there is of an owner, or would be.
func (q *quotas) entry(owner nt.SID) api.Quota {
	if e := q.entries[owner]; e != nil {
		return api.Quota{SID: owner, Changed: e.changed, Used: e.used, Threshold: e.threshold, Limit: e.limit}
	}
	return api.Quota{SID: owner, Threshold: q.control.DefaultThreshold, Limit: q.control.DefaultLimit}
}

// charge counts what an owner takes, or gives back. Who passes a threshold or reaches a limit is told of, if the volume says so.
func (v *volume) charge(owner nt.SID, n int64) {
	e := v.quotas.of(owner)
	before := e.used
	e.used += n
	flags := v.quotas.control.Flags
	if flags&nt.FileVcQuotaMask != 0 && flags&nt.FileVcLogQuotaThreshold != 0 && e.threshold >= 0 && before <= e.threshold && e.used > e.threshold {
		v.log.Warn("quota threshold passed", "owner", owner, "used", e.used, "threshold", e.threshold)
	}
	if e.used == 0 && !e.named {
		delete(v.quotas.entries, owner)
	}
}

// refused tells of an owner who has come to the limit.
func (v *volume) refused(owner nt.SID) {
	if v.quotas.control.Flags&nt.FileVcLogQuotaLimit != 0 && v.quotas.enforced(owner) {
		e := v.quotas.entry(owner)
		v.log.Warn("quota limit reached", slog.Any("owner", owner), "used", e.Used, "limit", e.Limit)
	}
}

// giveAway has another owner pay for what a file takes, if that fits. The caller holds v.mu.
func (v *volume) giveAway(n *node, owner nt.SID) error {
	takes := int64(len(n.pages)) * pageSize
	if owner == n.sd.Owner || takes == 0 {
		return nil
	}
	if e := v.quotas.entry(owner); v.quotas.enforced(owner) && e.Limit >= 0 && e.Used+takes > e.Limit {
		v.refused(owner)
		return nt.StatusDiskFull
	}
	v.charge(n.sd.Owner, -takes)
	v.charge(owner, takes)
	return nil
}

// openQuotas opens the volume's quotas, by whichever directory.
func (v *volume) openQuotas(r *api.Request, dir string) {
	v.mu.Lock()
	p, status := v.lookup(dir)
	v.mu.Unlock()
	if status != nt.StatusSuccess || p.node == nil || !p.node.dir {
		r.Complete(nt.StatusObjectPathNotFound, 0)
		return
	}
	token := r.Create.Token
	if token == nil {
		token = nt.SystemToken()
	}
	api.OpenQuotas(r, quotaStore{v, &file{v: v, node: v.root, token: token}})
}

// quotaStore is the volume as those see it who open its quotas.
type quotaStore struct {
	v *volume
	f *file // of the root, for what is asked of the volume
}

func (s quotaStore) QuotaEntries() ([]api.Quota, nt.Status) {
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	list := make([]api.Quota, 0, len(s.v.quotas.entries))
	for owner := range s.v.quotas.entries {
		list = append(list, s.v.quotas.entry(owner))
	}
	return list, nt.StatusSuccess
}

func (s quotaStore) QuotaOf(sid nt.SID) (api.Quota, nt.Status) {
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	return s.v.quotas.entry(sid), nt.StatusSuccess
}

// SetQuotas changes entries (MS-FSA 2.1.5.22). One that is deleted is not where nothing is used, and has the defaults else.
func (s quotaStore) SetQuotas(list []api.Quota) nt.Status {
	v := s.v
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, q := range list {
		if q.Limit == nt.QuotaDelete && v.quotas.entries[q.SID] == nil {
			return nt.StatusNoMatch
		}
	}
	if len(v.quotas.entries)+len(list) > maxQuotas {
		return nt.StatusInsufficientResources
	}
	for _, q := range list {
		e := v.quotas.of(q.SID)
		e.changed = nt.NowTime()
		if e.threshold, e.limit, e.named = max(q.Threshold, nt.QuotaUnlimited), q.Limit, true; q.Limit != nt.QuotaDelete {
			continue
		}
		e.threshold, e.limit, e.named = v.quotas.control.DefaultThreshold, v.quotas.control.DefaultLimit, false
		if e.used == 0 {
			delete(v.quotas.entries, q.SID)
		}
	}
	return nt.StatusSuccess
}

func (s quotaStore) QueryVolume(r *api.Request) { s.f.QueryVolume(r) }
func (s quotaStore) SetVolume(r *api.Request)   { s.f.SetVolume(r) }

// SetVolume sets the quotas' defaults and whether they are enforced (MS-FSA 2.1.5.16.1). Only administrators may.
func (f *file) SetVolume(r *api.Request) {
	if nt.FsInfoClass(r.Code) != nt.FileFsControlInformation {
		r.Complete(nt.StatusInvalidInfoClass, 0)
		return
	}
	if f.token != nt.SystemToken() && !f.token.IsAdmin() {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	c, status := api.ParseVolumeControl(r.In)
	if status == nt.StatusSuccess {
		f.v.mu.Lock()
		f.v.quotas.control = c
		f.v.mu.Unlock()
	}
	r.Complete(status, 0)
}
