package pvfs

import (
	"errors"
	"math"
	"os"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// diskQuota is what a user may have of a file system and does have, in bytes; 0 is no limit.
type diskQuota struct {
	uid              uint32
	used, soft, hard uint64
}

// diskQuotas are the quotas of users on file systems: the kernel's, or a test's. Each call names a file system by a file on it.
type diskQuotas interface {
	// on reports whether the file system counts and enforces them.
	on(h *os.File) bool
	// get gives that of a user, all zeros for one who has none.
	get(h *os.File, uid uint32) (diskQuota, error)
	// next gives that of the first user from one on who has one; errNoQuota if there is none.
	next(h *os.File, uid uint32) (diskQuota, error)
	// set sets both limits.
	set(h *os.File, q diskQuota) error
}

// errNoQuota says that nobody has one.
var errNoQuota = errors.New("no quota")

const (
	quotaUnit     = 1024    // in which file systems count limits
	maxDiskQuotas = 1 << 16 // bounds a listing
)

// quotaVolume is a file system as those see it who open its quotas (api.QuotaStore). It is a directory on it.
type quotaVolume struct{ *file }

// openQuotas opens the quotas of the file system that a directory is on. False if it has none: then their name is any file's, which does not exist.
func (v *volume) openQuotas(r *api.Request) bool {
	path, ok := api.QuotaPath(r.File().Path())
	if !ok {
		return false
	}
	parts, status := split(path)
	if status != nt.StatusSuccess {
		return false
	}
	p, status := v.walk(parts)
	if status != nt.StatusSuccess {
		return false
	}
	info, err := fstat(p.dir)
	if err != nil || !v.quotas.on(p.dir) {
		p.close()
		return false
	}
	api.OpenQuotas(r, quotaVolume{&file{v: v, h: p.dir, isDir: true, by: v.callerOf(r.Create), node: &node{v: v, id: detailsOf(info).id, dir: true}}})
	return true
}

// Close closes the directory.
func (q quotaVolume) Close() error { return q.h.Close() }

// entry is a quota as clients know it. What has no limit is nt.QuotaUnlimited to them.
func (q quotaVolume) entry(sid nt.SID, d diskQuota) api.Quota {
	limit := func(n uint64) int64 {
		if n == 0 || n > math.MaxInt64 {
			return nt.QuotaUnlimited
		}
		return int64(n)
	}
	return api.Quota{SID: sid, Used: int64(min(d.used, math.MaxInt64)), Threshold: limit(d.soft), Limit: limit(d.hard)}
}

// QuotaEntries lists those of all users.
func (q quotaVolume) QuotaEntries() ([]api.Quota, nt.Status) {
	var list []api.Quota
	for uid := uint32(0); len(list) < maxDiskQuotas; {
		d, err := q.v.quotas.next(q.h, uid)
		if errors.Is(err, errNoQuota) {
			break
		}
		if err != nil {
			return nil, nt.StatusOf(err)
		}
		list = append(list, q.entry(q.v.ids.UserSID(d.uid), d))
		if d.uid < uid || d.uid == math.MaxUint32 {
			break
		}
		uid = d.uid + 1
	}
	return list, nt.StatusSuccess
}

// QuotaOf gives that of a user. Who is none on this system has none, and no limit.
func (q quotaVolume) QuotaOf(sid nt.SID) (api.Quota, nt.Status) {
	uid, ok := q.v.ids.UID(sid)
	if !ok {
		return q.entry(sid, diskQuota{}), nt.StatusSuccess
	}
	d, err := q.v.quotas.get(q.h, uid)
	if err != nil {
		return api.Quota{}, nt.StatusOf(err)
	}
	return q.entry(sid, d), nt.StatusSuccess
}

// SetQuotas sets limits, rounded up to what the file system counts in. To it a limit of 0 is none, as to Samba.
func (q quotaVolume) SetQuotas(list []api.Quota) nt.Status {
	set := make([]diskQuota, 0, len(list))
	for _, e := range list {
		uid, ok := q.v.ids.UID(e.SID)
		if !ok {
			return nt.StatusNoneMapped
		}
		d := diskQuota{uid: uid}
		if e.Limit == nt.QuotaDelete {
			if has, err := q.v.quotas.get(q.h, uid); err == nil && has.soft == 0 && has.hard == 0 {
				return nt.StatusNoMatch
			}
		} else {
			d.soft, d.hard = limitOf(e.Threshold), limitOf(e.Limit)
		}
		set = append(set, d)
	}
	for _, d := range set {
		if err := q.v.quotas.set(q.h, d); err != nil {
			return nt.StatusOf(err)
		}
	}
	return nt.StatusSuccess
}

func limitOf(n int64) uint64 {
	if n <= 0 {
		return 0
	}
	return (uint64(n) + quotaUnit - 1) / quotaUnit * quotaUnit
}

// volumeControl is what FileFsControlInformation tells: the kernel enforces what it counts, and gives nobody a limit who was given none.
func (f *file) volumeControl() api.VolumeControl {
	c := api.VolumeControl{DefaultThreshold: nt.QuotaUnlimited, DefaultLimit: nt.QuotaUnlimited}
	if f.v.quotas.on(f.h) {
		c.Flags = nt.FileVcQuotaEnforce
	}
	return c
}

// SetVolume accepts of FileFsControlInformation what is so already (MS-FSA 2.1.5.16.1): quotas are turned on and off on the host.
func (f *file) SetVolume(r *api.Request) {
	if nt.FsInfoClass(r.Code) != nt.FileFsControlInformation {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	if f.by.token != nil && !f.by.token.IsAdmin() {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	has := f.volumeControl()
	if has.Flags == nt.FileVcQuotaNone {
		r.Complete(nt.StatusVolumeNotUpgraded, 0)
		return
	}
	c, status := api.ParseVolumeControl(r.In)
	switch {
	case status != nt.StatusSuccess:
	case c.Flags&nt.FileVcQuotaEnforce == 0, c.DefaultThreshold != has.DefaultThreshold, c.DefaultLimit != has.DefaultLimit:
		status = nt.StatusNotSupported
	}
	r.Complete(status, 0)
}
