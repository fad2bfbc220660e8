package nt

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// ACL is an access control list (MS-DTYP 2.4.5).
type ACL struct {
	Revision uint8
	ACEs     []ACE
}

// ACL revisions: ACLRevisionDS is wanted where an ACE is an object ACE.
const (
	ACLRevision   = 2
	ACLRevisionDS = 4

	minACLRevision = 2
	maxACLRevision = 4
	aclHeader      = 8
	// MaxACLSize is the most bytes an ACL can have: its size is a 16-bit field.
	MaxACLSize = 0xFFFC
)

// ParseACL reads one ACL. Bytes of b beyond the size it states are not looked at.
func ParseACL(b []byte) (*ACL, error) {
	if len(b) < aclHeader {
		return nil, fmt.Errorf("ACL of %d bytes: %w", len(b), StatusInvalidAcl)
	}
	revision, size, count := b[0], int(binary.LittleEndian.Uint16(b[2:])), int(binary.LittleEndian.Uint16(b[4:]))
	if revision < minACLRevision || revision > maxACLRevision {
		return nil, fmt.Errorf("ACL of revision %d: %w", revision, StatusUnknownRevision)
	}
	if size < aclHeader || size > len(b) {
		return nil, fmt.Errorf("ACL of %d bytes says %d: %w", len(b), size, StatusInvalidAcl)
	}
	body := b[aclHeader:size]
	if count > len(body)/minACESize {
		return nil, fmt.Errorf("ACL with %d ACEs in %d bytes: %w", count, len(body), StatusInvalidAcl)
	}
	acl := &ACL{Revision: revision}
	if count > 0 {
		acl.ACEs = make([]ACE, count)
	}
	for i := range acl.ACEs {
		n, err := acl.ACEs[i].parse(body)
		if err != nil {
			return nil, fmt.Errorf("ACE %d: %w", i, err)
		}
		body = body[n:]
	}
	return acl, nil
}

// Size is the number of bytes Append writes. One above MaxACLSize cannot be put on the wire.
func (a *ACL) Size() int {
	n := aclHeader
	for i := range a.ACEs {
		n += a.ACEs[i].Size()
	}
	return n
}

// Append appends the ACL. Its size must not be above MaxACLSize, which Valid checks.
func (a *ACL) Append(b []byte) []byte {
	revision := a.Revision
	if revision == 0 {
		revision = a.NeededRevision()
	}
	b = append(b, revision, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(a.Size()))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(a.ACEs)))
	b = append(b, 0, 0)
	for i := range a.ACEs {
		b = a.ACEs[i].Append(b)
	}
	return b
}

// NeededRevision is the lowest revision that may hold these ACEs.
func (a *ACL) NeededRevision() uint8 {
	for i := range a.ACEs {
		if a.ACEs[i].IsObject() {
			return ACLRevisionDS
		}
	}
	return ACLRevision
}

// Valid tells what keeps a from being put on the wire and taken by a peer: its size, its revision, or an ACE
// without a SID.
func (a *ACL) Valid() error {
	if n := a.Size(); n > MaxACLSize {
		return fmt.Errorf("ACL of %d bytes, at most %d: %w", n, MaxACLSize, StatusInvalidAcl)
	}
	if a.Revision != 0 && (a.Revision < a.NeededRevision() || a.Revision > maxACLRevision) {
		return fmt.Errorf("ACL of revision %d: %w", a.Revision, StatusRevisionMismatch)
	}
	for i := range a.ACEs {
		if a.ACEs[i].hasSID() && a.ACEs[i].SID.IsZero() {
			return fmt.Errorf("ACE %d has no SID: %w", i, StatusInvalidAcl)
		}
	}
	return nil
}

// Clone is a deep copy; nil of nil.
func (a *ACL) Clone() *ACL {
	if a == nil {
		return nil
	}
	out := &ACL{Revision: a.Revision, ACEs: slices.Clone(a.ACEs)}
	for i := range out.ACEs {
		out.ACEs[i].ApplicationData = slices.Clone(out.ACEs[i].ApplicationData)
	}
	return out
}

// Equal reports the same revision and the same ACEs in the same order; a nil ACL equals only a nil one.
func (a *ACL) Equal(b *ACL) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Revision == b.Revision && slices.EqualFunc(a.ACEs, b.ACEs, func(x, y ACE) bool { return x.Equal(y) })
}

// canonicalRank orders ACEs as the editors of Windows do: what is explicit before what is inherited, and what
// denies before what allows. Inherited ACEs are ranked alike: they come in the order of the ancestors, nearest first.
func canonicalRank(e *ACE) int {
	switch {
	case e.Flags&InheritedACE != 0:
		return 4
	case e.isDeny() && !e.IsObject():
		return 0
	case e.isDeny():
		return 1
	case !e.IsObject():
		return 2
	}
	return 3
}

// IsCanonical reports whether the ACEs stand in canonical order. An object ACE may stand among others of its kind.
func (a *ACL) IsCanonical() bool {
	last := 0
	for i := range a.ACEs {
		r := canonicalRank(&a.ACEs[i]) &^ 1
		if r < last {
			return false
		}
		last = r
	}
	return true
}

// Canonicalize puts the ACEs in canonical order; those of one rank keep theirs.
func (a *ACL) Canonicalize() {
	slices.SortStableFunc(a.ACEs, func(x, y ACE) int { return canonicalRank(&x) - canonicalRank(&y) })
}
