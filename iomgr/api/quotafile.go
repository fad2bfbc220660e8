package api

import (
	"io"
	"slices"
	"sync"

	"lwio/iomgr/nt"
)

// QuotaStore is what a file system that has quotas gives to a [QuotaFile]. The calls may come at the same time.
type QuotaStore interface {
	// QuotaEntries gives the entries that there are, in any order.
	QuotaEntries() ([]Quota, nt.Status)
	// QuotaOf gives that of a SID, which may have none: then what would hold for it.
	QuotaOf(sid nt.SID) (Quota, nt.Status)
	// SetQuotas changes entries; their Limit may be nt.QuotaDelete. It refuses all or none where it can.
	SetQuotas(list []Quota) nt.Status
	// QueryVolume and SetVolume are for the volume, as of any other file on it.
	QueryVolume(r *Request)
	SetVolume(r *Request)
}

// QuotaFile is an open of a file system's quotas, `\$Extend\$Quota:$Q:$INDEX_ALLOCATION`. It answers queries from a QuotaStore (MS-FSA 2.1.5.21,
// 2.1.5.22).
type QuotaFile struct {
	DefaultFile
	Store QuotaStore

	mu   sync.Mutex
	list []Quota // guarded by mu: the enumeration, as it was when it began
	next int     // guarded by mu
	run  bool    // guarded by mu: it has begun
}

// maxQuotaEntries bounds an enumeration.
const maxQuotaEntries = 1 << 16

// OpenQuotas completes a create whose path [QuotaPath] knows. Only administrators open the quotas. A store that is an io.Closer is closed with the open, or
// if there is none.
func OpenQuotas(r *Request, store QuotaStore) {
	a := r.Create
	access := nt.GenericMappingFile.Map(a.DesiredAccess &^ nt.MaximumAllowed)
	if a.DesiredAccess&nt.MaximumAllowed != 0 {
		access |= nt.FileGenericRead | nt.FileGenericWrite
	}
	f := &QuotaFile{Store: store}
	if a.DesiredAccess == 0 || a.Token != nil && a.Token != nt.SystemToken() && !a.Token.IsAdmin() ||
		a.Disposition != nt.FileOpen && a.Disposition != nt.FileOpenIf || access&nt.Delete != 0 || a.Options&nt.FileDeleteOnClose != 0 {
		f.Close()
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	a.Result.Action = nt.FileOpened
	r.File().SetImpl(f, access)
	r.Complete(nt.StatusSuccess, 0)
}

// Close closes the store.
func (f *QuotaFile) Close() {
	if c, ok := f.Store.(io.Closer); ok {
		c.Close()
	}
}

// QueryInformation says that it is a hidden file of the system, and no more.
func (f *QuotaFile) QueryInformation(r *Request) {
	i := FileInfo{Attributes: nt.FileAttributeHidden | nt.FileAttributeSystem, Links: 1, Name: quotaName}
	if !i.Answer(r) {
		r.Complete(nt.StatusInvalidInfoClass, 0)
	}
}

// QueryVolume asks the volume.
func (f *QuotaFile) QueryVolume(r *Request) { f.Store.QueryVolume(r) }

// SetVolume changes the volume.
func (f *QuotaFile) SetVolume(r *Request) { f.Store.SetVolume(r) }

// QueryQuota gives the entries of SIDs, or goes on with the enumeration.
func (f *QuotaFile) QueryQuota(r *Request) {
	if len(r.In) > 0 && r.Flags&FlagStartSID == 0 {
		f.queryList(r)
		return
	}
	var start nt.SID
	if r.Flags&FlagStartSID != 0 {
		sid, n, err := nt.DecodeSID(r.In)
		if err != nil || n != len(r.In) {
			r.Complete(nt.StatusInvalidParameter, 0)
			return
		}
		start = sid
	}
	f.mu.Lock()
	status, n := f.enumerate(r, start)
	f.mu.Unlock()
	r.Complete(status, n)
}

// queryList answers for each SID of a list. What does not fit is left out, unless it is the first.
func (f *QuotaFile) queryList(r *Request) {
	if len(r.In)%4 != 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	sids, status := ParseQuotaSIDs(r.In)
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	w := quotaWriter{out: r.Out, last: -1}
	for _, sid := range sids {
		q, status := f.Store.QuotaOf(sid)
		if status != nt.StatusSuccess {
			r.Complete(status, 0)
			return
		}
		if !w.add(&q) {
			if w.last < 0 {
				r.Complete(nt.StatusBufferTooSmall, 0)
				return
			}
			r.Complete(nt.StatusBufferOverflow, len(w.b))
			return
		}
		if r.Flags&FlagSingleEntry != 0 {
			break
		}
	}
	r.Complete(nt.StatusSuccess, len(w.b))
}

// enumerate goes on where the last one ended. The caller holds mu.
func (f *QuotaFile) enumerate(r *Request, start nt.SID) (nt.Status, int) {
	if !f.run || r.Flags&FlagRestartScan != 0 || !start.IsZero() {
		list, status := f.Store.QuotaEntries()
		if status != nt.StatusSuccess {
			return status, 0
		}
		slices.SortFunc(list, func(a, b Quota) int { return sidOrder(a.SID, b.SID) })
		f.list, f.next, f.run = list[:min(len(list), maxQuotaEntries)], 0, true
		if !start.IsZero() {
			f.next, _ = slices.BinarySearchFunc(f.list, start, func(q Quota, sid nt.SID) int { return sidOrder(q.SID, sid) })
		}
	}
	w := quotaWriter{out: r.Out, last: -1}
	for f.next < len(f.list) && w.add(&f.list[f.next]) {
		f.next++
		if r.Flags&FlagSingleEntry != 0 {
			break
		}
	}
	switch {
	case w.last >= 0:
		return nt.StatusSuccess, len(w.b)
	case f.next < len(f.list):
		return nt.StatusBufferTooSmall, 0
	}
	f.list = nil
	f.next = 0
	return nt.StatusNoMoreEntries, 0
}

// quotaWriter fills an answer with whole entries.
type quotaWriter struct {
	out, b []byte
	last   int
}

func (w *quotaWriter) add(q *Quota) bool {
	if (len(w.b)+7)&^7+quotaFixed+q.SID.Size() > len(w.out) {
		return false
	}
	w.b, w.last = q.Append(w.out[:len(w.b)], w.last)
	return true
}

// SetQuota changes entries.
func (f *QuotaFile) SetQuota(r *Request) {
	if len(r.In) == 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	list, status := ParseQuotas(r.In)
	if status == nt.StatusSuccess {
		status = checkSet(list)
	}
	if status == nt.StatusSuccess {
		status = f.Store.SetQuotas(list)
	}
	r.Complete(status, 0)
}
