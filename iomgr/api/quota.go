package api

import (
	"strings"

	"lwio/iomgr/nt"
)

// Flags of a QueryQuotaInformationFile request; In is the list of SIDs that is asked for, empty for all there are.
const (
	FlagRestartScan = 2 << iota // the enumeration begins again
	FlagSingleEntry             // one entry at most
	FlagStartSID                // In is the SID at which the enumeration begins
)

// quotaName is the stream by which clients reach the quotas of a volume.
const quotaName = `\$Extend\$Quota:$Q:$INDEX_ALLOCATION`

// QuotaPath reports whether a path names the quotas of a file system, and of which directory's: clients look for it below a share's root, wherever
// that is.
func QuotaPath(path string) (dir string, ok bool) {
	at := len(path) - len(quotaName)
	if at < 0 || !nt.EqualFold(path[at:], quotaName) {
		return "", false
	}
	return path[:at], true
}

// Quota is an entry of a file system's quotas (FILE_QUOTA_INFORMATION, MS-FSCC 2.4.40). Threshold and Limit may be nt.QuotaUnlimited; a Limit that
// is set may be nt.QuotaDelete.
type Quota struct {
	SID                    nt.SID
	Changed                nt.Time
	Used, Threshold, Limit int64
}

const (
	quotaFixed    = 40
	getQuotaFixed = 8
)

// Append writes the entry at the end of a list; last is where the one before began, -1 for none. It gives where this one begins.
func (q *Quota) Append(b []byte, last int) ([]byte, int) {
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	at := len(b)
	if last >= 0 {
		le.PutUint32(b[last:], uint32(at-last))
	}
	b = le.AppendUint32(le.AppendUint32(b, 0), uint32(q.SID.Size()))
	b = le.AppendUint64(b, uint64(q.Changed))
	b = le.AppendUint64(b, uint64(q.Used))
	b = le.AppendUint64(b, uint64(q.Threshold))
	b = le.AppendUint64(b, uint64(q.Limit))
	return q.SID.Append(b), at
}

// AppendQuotas writes a list.
func AppendQuotas(b []byte, list []Quota) []byte {
	start, last := len(b), -1
	own := b[start:]
	for i := range list {
		own, last = list[i].Append(own, last)
	}
	return append(b[:start], own...)
}

// eachEntry walks a list of entries that are chained by offsets, whose SID begins at fixed and whose length is at 4.
func eachEntry(b []byte, fixed, align int, visit func(entry []byte, sid nt.SID)) bool {
	for {
		if len(b) < fixed {
			return false
		}
		next, size := le.Uint32(b), le.Uint32(b[4:])
		if uint64(size) > uint64(len(b)-fixed) {
			return false
		}
		sid, n, err := nt.DecodeSID(b[fixed : fixed+int(size)])
		if err != nil || n != int(size) {
			return false
		}
		visit(b, sid)
		if next == 0 {
			return true
		}
		if next%uint32(align) != 0 || uint64(next) < uint64(fixed)+uint64(size) || uint64(next) > uint64(len(b)) {
			return false
		}
		b = b[next:]
	}
}

// ParseQuotas reads a list of entries; StatusQuotaListInconsistent if it is none.
func ParseQuotas(b []byte) (list []Quota, status nt.Status) {
	ok := eachEntry(b, quotaFixed, 8, func(e []byte, sid nt.SID) {
		list = append(list, Quota{sid, nt.Time(le.Uint64(e[8:])), int64(le.Uint64(e[16:])), int64(le.Uint64(e[24:])), int64(le.Uint64(e[32:]))})
	})
	if !ok {
		return nil, nt.StatusQuotaListInconsistent
	}
	return list, nt.StatusSuccess
}

// AppendQuotaSIDs writes the list of SIDs that a query asks for (FILE_GET_QUOTA_INFORMATION, MS-FSCC 2.4.40.1).
func AppendQuotaSIDs(b []byte, sids []nt.SID) []byte {
	for i, sid := range sids {
		next := 0
		if i < len(sids)-1 {
			next = getQuotaFixed + (sid.Size()+3)&^3
		}
		b = le.AppendUint32(le.AppendUint32(b, uint32(next)), uint32(sid.Size()))
		b = sid.Append(b)
		if next != 0 {
			b = append(b, make([]byte, next-getQuotaFixed-sid.Size())...)
		}
	}
	return b
}

// ParseQuotaSIDs reads such a list.
func ParseQuotaSIDs(b []byte) (sids []nt.SID, status nt.Status) {
	if !eachEntry(b, getQuotaFixed, 4, func(_ []byte, sid nt.SID) { sids = append(sids, sid) }) {
		return nil, nt.StatusQuotaListInconsistent
	}
	return sids, nt.StatusSuccess
}

// VolumeControl is FileFsControlInformation (MS-FSCC 2.5.2).
type VolumeControl struct {
	StartFiltering, FilterThreshold, StopFiltering int64
	DefaultThreshold, DefaultLimit                 int64
	Flags                                          uint32 // nt.FileVc*
}

const volumeControlLen = 48

// Append writes it.
func (c *VolumeControl) Append(b []byte) []byte {
	for _, v := range []int64{c.StartFiltering, c.FilterThreshold, c.StopFiltering, c.DefaultThreshold, c.DefaultLimit, int64(c.Flags)} {
		b = le.AppendUint64(b, uint64(v))
	}
	return b
}

// ParseVolumeControl reads it. What it says is checked: limits are not less than nt.QuotaUnlimited, and there is no flag that cannot be set
// (MS-FSA 2.1.5.16.1). Those that only tell of a state are left out.
func ParseVolumeControl(b []byte) (c VolumeControl, status nt.Status) {
	if len(b) < volumeControlLen {
		return c, nt.StatusInfoLengthMismatch
	}
	v := func(i int) int64 { return int64(le.Uint64(b[8*i:])) }
	c = VolumeControl{v(0), v(1), v(2), v(3), v(4), le.Uint32(b[40:])}
	c.Flags &^= nt.FileVcQuotasIncomplete | nt.FileVcQuotasRebuilding
	if c.DefaultThreshold < nt.QuotaUnlimited || c.DefaultLimit < nt.QuotaUnlimited || c.Flags&^nt.FileVcSettable != 0 {
		return c, nt.StatusInvalidParameter
	}
	return c, nt.StatusSuccess
}

// checkSet says whether entries may be set (MS-FSA 2.1.5.22).
func checkSet(list []Quota) nt.Status {
	for _, q := range list {
		switch {
		case q.SID == nt.SIDBuiltinAdministrators && q.Limit != nt.QuotaUnlimited:
			return nt.StatusAccessDenied
		case q.Limit < nt.QuotaDelete, q.Threshold < nt.QuotaDelete:
			return nt.StatusInvalidParameter
		}
	}
	return nt.StatusSuccess
}

// sidOrder is in which order entries are told.
func sidOrder(a, b nt.SID) int { return strings.Compare(string(a.Append(nil)), string(b.Append(nil))) }
