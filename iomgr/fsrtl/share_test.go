package fsrtl

import (
	"testing"

	"lwio/iomgr/nt"
)

// The table of MS-FSA 2.1.5.1.2.2 for two opens, by reading it: each accesses what the other shares.
func TestShare(t *testing.T) {
	type open struct {
		access nt.AccessMask
		share  uint32
	}
	var opens []open
	for _, a := range []nt.AccessMask{0, nt.FileReadData, nt.FileWriteData, nt.FileReadData | nt.FileWriteData, nt.Delete, nt.FileExecute, nt.FileAppendData,
		nt.FileReadAttributes | nt.Synchronize, nt.FileReadData | nt.Delete} {
		for share := range uint32(8) {
			opens = append(opens, open{a, share})
		}
	}
	wants := func(a nt.AccessMask) (share uint32) {
		if a&(nt.FileReadData|nt.FileExecute) != 0 {
			share |= nt.FileShareRead
		}
		if a&(nt.FileWriteData|nt.FileAppendData) != 0 {
			share |= nt.FileShareWrite
		}
		if a&nt.Delete != 0 {
			share |= nt.FileShareDelete
		}
		return share
	}
	for _, first := range opens {
		for _, second := range opens {
			var s Share
			s.Add(first.access, first.share)
			fits := wants(first.access) == 0 || wants(second.access) == 0 ||
				wants(first.access)&^second.share == 0 && wants(second.access)&^first.share == 0
			if got := s.Check(second.access, second.share) == nt.StatusSuccess; got != fits {
				t.Errorf("%+v then %+v: %v, want %v", first, second, got, fits)
			}
			s.Add(second.access, second.share)
			s.Remove(first.access, first.share)
			s.Remove(second.access, second.share)
			if s != (Share{}) {
				t.Errorf("%+v and %+v leave %+v", first, second, s)
			}
		}
	}
}

func TestShareCounts(t *testing.T) {
	var s Share
	s.Add(nt.FileReadData, nt.FileShareRead|nt.FileShareWrite)
	s.Add(nt.FileWriteData, nt.FileShareRead|nt.FileShareWrite)
	s.Add(nt.FileReadAttributes, 0)
	if s.Opens() != 2 || s.Writers() != 1 {
		t.Errorf("%d opens, %d write", s.Opens(), s.Writers())
	}
	s.Remove(nt.FileWriteData, nt.FileShareRead|nt.FileShareWrite)
	if s.Check(nt.FileReadData, nt.FileShareRead) != nt.StatusSuccess || s.Check(nt.Delete, 7) != nt.StatusSharingViolation {
		t.Errorf("after one went: %+v", s)
	}
}
