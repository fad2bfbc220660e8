package api

import "lwio/iomgr/nt"

// DuplicateExtents is what FSCTL_DUPLICATE_EXTENTS_TO_FILE and its extended form ask for (MS-FSCC 2.3.7.2, 2.3.9.2): a range of [Request.Source]
// becomes one of the file that the control is sent on.
type DuplicateExtents struct {
	SourceOffset, TargetOffset, Count int64
	Atomic                            bool // DUPLICATE_EXTENTS_DATA_EX_SOURCE_ATOMIC
}

const (
	duplicateLen   = 40
	duplicateExLen = 52
	// duplicateExSize is what the structure says of itself, which is the size of its local form.
	duplicateExSize = 0x30
)

// DuplicateSource says where in the input of a control the id of the source file is, whose 16 bytes mean something to the one alone who gave it; false
// if the control is another or the input too short (MS-SMB2 3.3.5.15.17, 3.3.5.15.18).
func DuplicateSource(code uint32, in []byte) (id []byte, ok bool) {
	switch {
	case code == nt.FsctlDuplicateExtentsToFile && len(in) >= duplicateLen:
		return in[:16], true
	case code == nt.FsctlDuplicateExtentsToFileEx && len(in) >= duplicateExLen:
		return in[8:24], true
	}
	return nil, false
}

// ParseDuplicateExtents reads the input and checks it against a size of clusters and against itself (MS-FSA 2.1.5.10.4, 2.1.5.10.5). Neither end can
// be past what an int64 holds.
func ParseDuplicateExtents(code uint32, in []byte, cluster int64) (d DuplicateExtents, status nt.Status) {
	if _, ok := DuplicateSource(code, in); !ok {
		return d, nt.StatusBufferTooSmall
	}
	at := in[16:]
	if code == nt.FsctlDuplicateExtentsToFileEx {
		if le.Uint64(in) != duplicateExSize {
			return d, nt.StatusNotSupported
		}
		at = in[24:]
		d.Atomic = le.Uint32(at[24:])&1 != 0
	}
	d.SourceOffset, d.TargetOffset, d.Count = int64(le.Uint64(at)), int64(le.Uint64(at[8:])), int64(le.Uint64(at[16:]))
	switch {
	case d.SourceOffset < 0, d.TargetOffset < 0, d.Count < 0, d.SourceOffset+d.Count < 0, d.TargetOffset+d.Count < 0:
		return d, nt.StatusInvalidParameter
	case d.SourceOffset%cluster != 0, d.TargetOffset%cluster != 0, d.Count%cluster != 0:
		return d, nt.StatusInvalidParameter
	}
	return d, nt.StatusSuccess
}

// Overlaps reports whether the ranges have a byte in common, were they of one file.
func (d *DuplicateExtents) Overlaps() bool {
	return d.SourceOffset < d.TargetOffset+d.Count && d.TargetOffset < d.SourceOffset+d.Count
}

// Clip gives how much there is to duplicate and how much of the target behind that becomes zeros, from the sizes of both files. A source that ends
// in a range's last cluster is taken with the rest of that cluster; one that ends before is refused. What is behind the target's end is left out:
// a duplication does not make a file longer, and Windows does not refuse it.
func (d *DuplicateExtents) Clip(source, target, cluster int64) (n, zeros int64, status nt.Status) {
	if allocated := (source + cluster - 1) / cluster * cluster; d.SourceOffset+d.Count > allocated {
		return 0, 0, nt.StatusNotSupported
	}
	room := max(min(d.Count, target-d.TargetOffset), 0)
	n = min(room, max(source-d.SourceOffset, 0))
	return n, room - n, nt.StatusSuccess
}

// SourceFile is the file object of Source, with a reference that the caller gives back; false if there is none that is open on the same device.
func (r *Request) SourceFile() (*File, bool) {
	f, ok := r.Source.(*File)
	if !ok || f == nil || !f.opened.Load() || f.closed.Load() || f.device != r.file.device || !f.Ref() {
		return nil, false
	}
	return f, true
}
