package fsrtl

import "lwio/iomgr/nt"

// The accesses that share modes are about (MS-FSA 2.1.5.1.2.2). An open with none of them is a stat open: it shares with everything
// and nothing minds it.
const (
	shareRead   = nt.FileReadData | nt.FileExecute
	shareWrite  = nt.FileWriteData | nt.FileAppendData
	shareDelete = nt.Delete
)

// Share is the share modes of the opens of one stream. The zero value has no open. It has no lock of its own.
type Share struct {
	opens                                 uint32 // that read, write or delete
	readers, writers, deleters            uint32
	sharesRead, sharesWrite, sharesDelete uint32
}

// StatOpen reports whether an open with this access takes no part in share modes.
func StatOpen(access nt.AccessMask) bool { return access&(shareRead|shareWrite|shareDelete) == 0 }

// Check says whether an open with this access and share mode may stand beside those that there are: StatusSharingViolation if not.
func (s *Share) Check(access nt.AccessMask, share uint32) nt.Status {
	if StatOpen(access) {
		return nt.StatusSuccess
	}
	refuses := func(others, sharing uint32) bool { return others > sharing }
	switch {
	case access&shareRead != 0 && refuses(s.opens, s.sharesRead),
		access&shareWrite != 0 && refuses(s.opens, s.sharesWrite),
		access&shareDelete != 0 && refuses(s.opens, s.sharesDelete),
		s.readers > 0 && share&nt.FileShareRead == 0,
		s.writers > 0 && share&nt.FileShareWrite == 0,
		s.deleters > 0 && share&nt.FileShareDelete == 0:
		return nt.StatusSharingViolation
	}
	return nt.StatusSuccess
}

// Add takes an open in, without a check.
func (s *Share) Add(access nt.AccessMask, share uint32) { s.count(access, share, 1) }

// Remove lets an open go that was added with the same values.
func (s *Share) Remove(access nt.AccessMask, share uint32) { s.count(access, share, ^uint32(0)) }

func (s *Share) count(access nt.AccessMask, share uint32, by uint32) {
	if StatOpen(access) {
		return
	}
	s.opens += by
	add := func(n *uint32, is bool) {
		if is {
			*n += by
		}
	}
	add(&s.readers, access&shareRead != 0)
	add(&s.writers, access&shareWrite != 0)
	add(&s.deleters, access&shareDelete != 0)
	add(&s.sharesRead, share&nt.FileShareRead != 0)
	add(&s.sharesWrite, share&nt.FileShareWrite != 0)
	add(&s.sharesDelete, share&nt.FileShareDelete != 0)
}

// Writers is how many opens write.
func (s *Share) Writers() int { return int(s.writers) }

// Opens is how many opens take part.
func (s *Share) Opens() int { return int(s.opens) }

// Deleters is how many opens may delete.
func (s *Share) Deleters() int { return int(s.deleters) }
