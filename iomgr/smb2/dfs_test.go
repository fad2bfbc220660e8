package smb2

import (
	"reflect"
	"testing"
)

func entryOf(version, flags uint16) DFSReferralEntry {
	e := DFSReferralEntry{VersionNumber: version, ServerType: 1, ReferralEntryFlags: flags, TimeToLive: 600}
	switch {
	case version == 1:
		e.TimeToLive, e.NetworkAddress = 0, `\s2\share`
	case flags&DFSNameListReferral != 0:
		e.SpecialName, e.ExpandedNames = `\example.test`, []string{`\dc1`, `\dc2.example.test`}
	default:
		e.DFSPath, e.DFSAlternatePath, e.NetworkAddress = `\s\root\link`, `\S\ROOT\LINK`, `\größe\share`
	}
	if version == 2 {
		e.Proximity = 7
	}
	return e
}

var testReferrals = []DFSReferral{
	{PathConsumed: 24, Entries: []DFSReferralEntry{entryOf(1, 0), entryOf(1, 0)}},
	{PathConsumed: 24, ReferralHeaderFlags: DFSStorageServers, Entries: []DFSReferralEntry{entryOf(2, 0), entryOf(2, 0)}},
	{PathConsumed: 24, ReferralHeaderFlags: DFSStorageServers, Entries: []DFSReferralEntry{entryOf(3, 0), entryOf(3, 0)}},
	{PathConsumed: 26, ReferralHeaderFlags: DFSReferralServers, Entries: []DFSReferralEntry{entryOf(3, DFSNameListReferral)}},
	{PathConsumed: 24, ReferralHeaderFlags: DFSStorageServers | DFSTargetFailback, Entries: []DFSReferralEntry{entryOf(4, DFSTargetSetBoundary), entryOf(4, 0)}},
	{},
}

// TestDFSReferral: each version round, and at every truncation an error and nothing else.
func TestDFSReferral(t *testing.T) {
	for i, want := range testReferrals {
		b := want.Append(nil)
		got, err := ParseDFSReferral(b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d: %+v, %v", i, got, err)
		}
		for n := range len(b) {
			if _, err := ParseDFSReferral(b[:n:n]); err == nil {
				t.Errorf("%d: %d of %d bytes parse", i, n, len(b))
			}
		}
	}
	b := testReferrals[2].Append(nil)
	testReject(t, ParseDFSReferral, b,
		reject{"NumberOfReferrals", 2, []byte{0xFF, 0xFF}, ErrValue},
		reject{"VersionNumber", 8, []byte{5}, ErrValue},
		reject{"another version", 8 + 34, []byte{4}, ErrValue},
		reject{"Size", 10, []byte{17}, ErrBounds},
		reject{"largest Size", 10, []byte{0xFF, 0xFF}, ErrBounds},
		reject{"NetworkAddressOffset", 8 + 16, []byte{0xFF, 0xFF}, ErrBounds})
}

func TestDFSReferralRequest(t *testing.T) {
	want := DFSReferralRequest{MaxReferralLevel: 4, RequestFileName: `\s\root\link`}
	b := want.Append(nil)
	got, err := ParseDFSReferralRequest(b)
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range len(b) {
		if _, err := ParseDFSReferralRequest(b[:n:n]); err == nil {
			t.Errorf("%d of %d bytes parse", n, len(b))
		}
	}
}

func FuzzDFSReferral(f *testing.F) {
	for _, r := range testReferrals {
		f.Add(r.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseDFSReferral(b)
		if err != nil {
			return
		}
		size := 8
		for _, e := range r.Entries {
			size += e.size() + 2*(len(e.DFSPath)+len(e.DFSAlternatePath)+len(e.NetworkAddress)+len(e.SpecialName)) + 8
			for _, s := range e.ExpandedNames {
				size += 2*len(s) + 2
			}
		}
		if size > 1<<16 {
			return // offsets have 16 bits
		}
		again, err := ParseDFSReferral(r.Append(nil))
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%+v becomes %+v, %v", r, again, err)
		}
	})
}

func FuzzDFSReferralRequest(f *testing.F) {
	f.Add((&DFSReferralRequest{MaxReferralLevel: 4, RequestFileName: `\s\r`}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseDFSReferralRequest(b)
		if err != nil {
			return
		}
		if again, err := ParseDFSReferralRequest(r.Append(nil)); err != nil || again != r {
			t.Errorf("%+v becomes %+v, %v", r, again, err)
		}
	})
}
