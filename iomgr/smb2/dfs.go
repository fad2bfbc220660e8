package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// DFSReferralRequest is the input of FSCTL_DFS_GET_REFERRALS (MS-DFSC 2.2.2).
type DFSReferralRequest struct {
	MaxReferralLevel uint16
	RequestFileName  string // `\server\share\path`
}

// ParseDFSReferralRequest reads the input.
func ParseDFSReferralRequest(b []byte) (DFSReferralRequest, error) {
	const what = "DFS referral request"
	if len(b) < 4 {
		return DFSReferralRequest{}, short(what, len(b), 4)
	}
	name, ok := zeroTerminated(b[2:])
	if !ok {
		return DFSReferralRequest{}, fmt.Errorf("%s: RequestFileName: %w: no end", what, ErrBounds)
	}
	return DFSReferralRequest{MaxReferralLevel: le.Uint16(b), RequestFileName: nt.DecodeUTF16(name)}, nil
}

// Append writes the input after b.
func (r *DFSReferralRequest) Append(b []byte) []byte {
	b = le.AppendUint16(b, r.MaxReferralLevel)
	return append(nt.AppendUTF16(b, r.RequestFileName), 0, 0)
}

// ReferralHeaderFlags of a DFSReferral.
const (
	DFSReferralServers uint32 = 0x1 // the targets give referrals themselves
	DFSStorageServers  uint32 = 0x2 // the targets can be used without another referral
	DFSTargetFailback  uint32 = 0x4
)

// ReferralEntryFlags of a DFSReferralEntry.
const (
	DFSNameListReferral  uint16 = 0x2
	DFSTargetSetBoundary uint16 = 0x4 // version 4: the first of a set of targets of equal cost
)

// DFSReferral is the output of FSCTL_DFS_GET_REFERRALS (MS-DFSC 2.2.4). All entries have the same version.
type DFSReferral struct {
	PathConsumed        uint16 // bytes of the request's name that the entries stand for
	ReferralHeaderFlags uint32
	Entries             []DFSReferralEntry
}

// DFSReferralEntry is a DFS_REFERRAL_V1 to V4 (MS-DFSC 2.2.5). What a version does not have is zero.
type DFSReferralEntry struct {
	VersionNumber      uint16
	ServerType         uint16 // 1 for a root
	ReferralEntryFlags uint16
	Proximity          uint32 // version 2
	TimeToLive         uint32 // seconds, from version 2 on
	DFSPath            string // from version 2 on
	DFSAlternatePath   string
	NetworkAddress     string   // the target, `\server\share\path`; in version 1 ShareName
	SpecialName        string   // with DFSNameListReferral
	ExpandedNames      []string // the same
}

// maxDFSEntries bounds the entries and the names of one; Windows gives some tens.
const maxDFSEntries = 1024

// zeroTerminated gives the UTF-16 before its zero; false if there is none.
func zeroTerminated(b []byte) ([]byte, bool) {
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return b[:i], true
		}
	}
	return nil, false
}

// ParseDFSReferral reads the output.
func ParseDFSReferral(b []byte) (DFSReferral, error) {
	const what = "DFS referral"
	if len(b) < 8 {
		return DFSReferral{}, short(what, len(b), 8)
	}
	r := DFSReferral{PathConsumed: le.Uint16(b), ReferralHeaderFlags: le.Uint32(b[4:])}
	n := int(le.Uint16(b[2:]))
	if n > maxDFSEntries {
		return r, fmt.Errorf("%s: NumberOfReferrals: %w: %d", what, ErrValue, n)
	}
	entry := b[8:]
	for i := range n {
		e, size, err := parseDFSEntry(entry)
		if err != nil {
			return r, err
		}
		if i > 0 && e.VersionNumber != r.Entries[0].VersionNumber {
			return r, fmt.Errorf("%s: VersionNumber: %w: %d after %d", what, ErrValue, e.VersionNumber, r.Entries[0].VersionNumber)
		}
		r.Entries = append(r.Entries, e)
		entry = entry[size:]
	}
	return r, nil
}

// dfsFixed are the least sizes of entries by version, without names.
var dfsFixed = [...]int{1: 8, 2: 22, 3: 18, 4: 18}

func parseDFSEntry(b []byte) (e DFSReferralEntry, size int, err error) {
	const what = "DFS referral entry"
	if len(b) < 8 {
		return e, 0, short(what, len(b), 8)
	}
	e.VersionNumber, size = le.Uint16(b), int(le.Uint16(b[2:]))
	e.ServerType, e.ReferralEntryFlags = le.Uint16(b[4:]), le.Uint16(b[6:])
	if e.VersionNumber < 1 || e.VersionNumber > 4 {
		return e, 0, fmt.Errorf("%s: VersionNumber: %w: %d", what, ErrValue, e.VersionNumber)
	}
	if size < dfsFixed[e.VersionNumber] || size > len(b) {
		return e, 0, fmt.Errorf("%s: Size: %w: %d of %d", what, ErrBounds, size, len(b))
	}
	text := func(field string, from int, to *string) {
		if err != nil {
			return
		}
		if from > len(b) {
			err = fmt.Errorf("%s: %s: %w: %d of %d", what, field, ErrBounds, from, len(b))
			return
		}
		s, ok := zeroTerminated(b[from:])
		if !ok {
			err = fmt.Errorf("%s: %s: %w: no end", what, field, ErrBounds)
			return
		}
		*to = nt.DecodeUTF16(s)
	}
	at := 12
	switch {
	case e.VersionNumber == 1:
		s, ok := zeroTerminated(b[8:size])
		if !ok {
			return e, 0, fmt.Errorf("%s: ShareName: %w: no end", what, ErrBounds)
		}
		e.NetworkAddress = nt.DecodeUTF16(s)
		return e, size, nil
	case e.VersionNumber == 2:
		e.Proximity, e.TimeToLive, at = le.Uint32(b[8:]), le.Uint32(b[12:]), 16
	default:
		e.TimeToLive = le.Uint32(b[8:])
	}
	if e.VersionNumber >= 3 && e.ReferralEntryFlags&DFSNameListReferral != 0 {
		text("SpecialNameOffset", int(le.Uint16(b[12:])), &e.SpecialName)
		n, from := int(le.Uint16(b[14:])), int(le.Uint16(b[16:]))
		if n > maxDFSEntries {
			return e, 0, fmt.Errorf("%s: NumberOfExpandedNames: %w: %d", what, ErrValue, n)
		}
		for range n {
			var s string
			if text("ExpandedNameOffset", from, &s); err != nil {
				break
			}
			e.ExpandedNames = append(e.ExpandedNames, s)
			from += 2*nt.UTF16Len(s) + 2
		}
		return e, size, err
	}
	text("DFSPathOffset", int(le.Uint16(b[at:])), &e.DFSPath)
	text("DFSAlternatePathOffset", int(le.Uint16(b[at+2:])), &e.DFSAlternatePath)
	text("NetworkAddressOffset", int(le.Uint16(b[at+4:])), &e.NetworkAddress)
	return e, size, err
}

// size is how long an entry is written, without strings.
func (e *DFSReferralEntry) size() int {
	switch {
	case e.VersionNumber == 1:
		return 8 + 2*nt.UTF16Len(e.NetworkAddress) + 2
	case e.VersionNumber == 2:
		return 22
	case e.ReferralEntryFlags&DFSNameListReferral != 0:
		return 18
	}
	return 34
}

// Append writes the output after b: the entries, and behind them the strings of all.
func (r *DFSReferral) Append(b []byte) []byte {
	b = le.AppendUint16(b, r.PathConsumed)
	b = le.AppendUint16(b, uint16(len(r.Entries)))
	b = le.AppendUint32(b, r.ReferralHeaderFlags)
	left := 0
	for i := range r.Entries {
		left += r.Entries[i].size()
	}
	var texts []byte
	for i := range r.Entries {
		e := &r.Entries[i]
		put := func(s string) uint16 {
			from := left + len(texts)
			texts = append(nt.AppendUTF16(texts, s), 0, 0)
			return uint16(from)
		}
		b = le.AppendUint16(b, e.VersionNumber)
		b = le.AppendUint16(b, uint16(e.size()))
		b = le.AppendUint16(b, e.ServerType)
		b = le.AppendUint16(b, e.ReferralEntryFlags)
		switch {
		case e.VersionNumber == 1:
			b = append(nt.AppendUTF16(b, e.NetworkAddress), 0, 0)
			left -= e.size()
			continue
		case e.VersionNumber == 2:
			b = le.AppendUint32(b, e.Proximity)
		}
		b = le.AppendUint32(b, e.TimeToLive)
		if e.VersionNumber >= 3 && e.ReferralEntryFlags&DFSNameListReferral != 0 {
			b = le.AppendUint16(b, put(e.SpecialName))
			b = le.AppendUint16(b, uint16(len(e.ExpandedNames)))
			b = le.AppendUint16(b, uint16(left+len(texts)))
			for _, s := range e.ExpandedNames {
				put(s)
			}
			left -= e.size()
			continue
		}
		b = le.AppendUint16(b, put(e.DFSPath))
		b = le.AppendUint16(b, put(e.DFSAlternatePath))
		b = le.AppendUint16(b, put(e.NetworkAddress))
		if e.VersionNumber >= 3 {
			b = append(b, make([]byte, 16)...) // ServiceSiteGuid
		}
		left -= e.size()
	}
	return append(b, texts...)
}
