package srv

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// queryQuota makes the request of a quota query (3.3.5.20.4): of the SIDs in a list, or of all from one on.
func (c *command) queryQuota(req *smb2.QueryInfoRequest, r *request) nt.Status {
	q, err := smb2.ParseQueryQuotaInfo(req.Input)
	if err != nil || q.SidListLength != 0 && q.StartSidLength != 0 {
		return nt.StatusInvalidParameter
	}
	r.Op = api.OpQueryQuota
	if q.ReturnSingle {
		r.Flags |= api.FlagSingleEntry
	}
	if q.RestartScan {
		r.Flags |= api.FlagRestartScan
	}
	switch {
	case q.SidListLength != 0:
		r.In = q.SidBuffer[:q.SidListLength]
	case q.StartSidLength != 0:
		r.In = q.SidBuffer[q.StartSidOffset : q.StartSidOffset+q.StartSidLength]
		r.Flags |= api.FlagStartSID
	}
	return nt.StatusSuccess
}

// queryQuotaDone answers with the entries; where not one fits the client hears so.
func (c *command) queryQuotaDone(r *request) nt.Status {
	if st := c.cancelled(gone(r.Status)); st == nt.StatusBufferTooSmall || st == nt.StatusNoMoreEntries {
		return st
	}
	return c.queryDone(r)
}
