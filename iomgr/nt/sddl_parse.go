package nt

import (
	"fmt"
	"strings"
)

// ParseSDDL reads a security descriptor from the definition language (MS-DTYP 2.5.1). Aliases such as DA are accounts of
// domain; with no domain they are refused, and so are conditional and resource attribute ACEs. An error says where the
// text went wrong and what would be right; its Status is StatusInvalidSecurityDescr.
func ParseSDDL(s string, domain SID) (*SecurityDescriptor, error) {
	p := sddlParser{s: s, domain: domain}
	sd := &SecurityDescriptor{}
	seen := ""
	for p.i < len(p.s) {
		if p.i+1 >= len(p.s) || p.s[p.i+1] != ':' {
			return nil, p.errorf("want O:, G:, D: or S:")
		}
		part := p.s[p.i] &^ 0x20
		if strings.IndexByte(seen, part) >= 0 {
			return nil, p.errorf("second %c:", part)
		}
		seen += string(rune(part))
		p.i += 2
		var err error
		switch part {
		case 'O':
			sd.Owner, err = p.sid()
		case 'G':
			sd.Group, err = p.sid()
		case 'D':
			var flags int
			sd.DACL, flags, err = p.acl()
			sd.Control |= ControlDACLPresent
			for i, f := range aclFlagNames {
				if flags>>i&1 != 0 {
					sd.Control |= f.dacl
				}
			}
		case 'S':
			var flags int
			sd.SACL, flags, err = p.acl()
			sd.Control |= ControlSACLPresent
			for i, f := range aclFlagNames {
				if flags>>i&1 != 0 {
					sd.Control |= f.sacl
				}
			}
		default:
			p.i -= 2
			return nil, p.errorf("want O:, G:, D: or S:")
		}
		if err != nil {
			return nil, err
		}
	}
	return sd, nil
}

type sddlParser struct {
	s      string
	i      int
	domain SID
}

func (p *sddlParser) errorf(format string, args ...any) error {
	return fmt.Errorf("SDDL, character %d: %s: %w", p.i+1, fmt.Sprintf(format, args...), StatusInvalidSecurityDescr)
}

// take skips word, which is in upper case, without regard to case.
func (p *sddlParser) take(word string) bool {
	if len(p.s)-p.i < len(word) || !strings.EqualFold(p.s[p.i:p.i+len(word)], word) {
		return false
	}
	p.i += len(word)
	return true
}

// sid reads an alias or a SID in numbers.
func (p *sddlParser) sid() (SID, error) {
	rest := p.s[p.i:]
	if len(rest) >= 2 && rest[0]|0x20 == 's' && rest[1] == '-' {
		n := 2
		for n < len(rest) && isSIDChar(rest[n]) {
			n++
		}
		// The D of a D: that follows would be a hexadecimal digit.
		if n < len(rest) && rest[n] == ':' {
			n--
		}
		sid, err := ParseSID(rest[:n])
		if err != nil {
			return SID{}, p.errorf("%.80q is not a SID", rest[:n])
		}
		p.i += n
		return sid, nil
	}
	for i := range sidAliases {
		a := &sidAliases[i]
		if len(rest) < 2 || !strings.EqualFold(rest[:2], a.name) {
			continue
		}
		sid := a.sid
		if a.rid != 0 {
			if sid = p.domain.Child(a.rid); sid.IsZero() {
				return SID{}, p.errorf("%s is an account of a domain, and no domain is known here: give the SID", a.name)
			}
		}
		p.i += 2
		return sid, nil
	}
	return SID{}, p.errorf("want a SID (S-1-…) or an alias such as BA")
}

func isSIDChar(c byte) bool {
	return c == '-' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' || c|0x20 == 'x'
}

// acl reads the flags, as bits by their place in aclFlagNames, and the ACEs.
func (p *sddlParser) acl() (*ACL, int, error) {
	flags := 0
	for p.i < len(p.s) && p.s[p.i] != '(' {
		if p.i+1 < len(p.s) && p.s[p.i+1] == ':' {
			break
		}
		if p.take(noAccessControl) {
			return nil, flags, nil
		}
		known := false
		for i, f := range aclFlagNames {
			if p.take(f.name) {
				flags |= 1 << i
				known = true
				break
			}
		}
		if !known {
			return nil, 0, p.errorf("want P, AR, AI, NO_ACCESS_CONTROL or an ACE in parentheses")
		}
	}
	acl := &ACL{}
	size := aclHeader
	for p.i < len(p.s) && p.s[p.i] == '(' {
		e, err := p.ace()
		if err != nil {
			return nil, 0, err
		}
		if size += e.Size(); size > MaxACLSize {
			return nil, 0, p.errorf("the list is larger than %d bytes", MaxACLSize)
		}
		acl.ACEs = append(acl.ACEs, e)
	}
	acl.Revision = acl.NeededRevision()
	return acl, flags, nil
}

// field reads up to the next of the separators; it does not go past it.
func (p *sddlParser) field() string {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] != ';' && p.s[p.i] != '(' && p.s[p.i] != ')' {
		p.i++
	}
	return p.s[start:p.i]
}

func (p *sddlParser) separator() error {
	if p.i >= len(p.s) || p.s[p.i] != ';' {
		return p.errorf("want ; in (type;flags;rights;object;inherited object;SID)")
	}
	p.i++
	return nil
}

func (p *sddlParser) ace() (e ACE, err error) {
	p.i++ // the parenthesis
	for _, read := range [...]func(*ACE) error{p.aceType, p.aceFlags, p.aceMask, p.aceObjectType, p.aceInheritedObject} {
		if err := read(&e); err != nil {
			return e, err
		}
		if err := p.separator(); err != nil {
			return e, err
		}
	}
	if e.SID, err = p.sid(); err != nil {
		return e, err
	}
	if p.i >= len(p.s) || p.s[p.i] != ')' {
		return e, p.errorf("want )")
	}
	p.i++
	return e, nil
}

func (p *sddlParser) aceType(e *ACE) error {
	at := p.i
	word := p.field()
	for _, t := range aceTypeNames {
		if !strings.EqualFold(t.name, word) {
			continue
		}
		if t.conditional {
			p.i = at
			return p.errorf("ACE type %s needs a condition or an attribute, which is not supported: use A, D, OA, OD, AU, OU or ML", t.name)
		}
		e.Type = t.typ
		return nil
	}
	p.i = at
	return p.errorf("%.20q is not an ACE type: want A, D, OA, OD, AU, AL, OU, OL, ML or SP", word)
}

func (p *sddlParser) aceFlags(e *ACE) error {
next:
	for p.i < len(p.s) && p.s[p.i] != ';' {
		for _, f := range aceFlagNames {
			if p.take(f.name) {
				e.Flags |= f.flag
				continue next
			}
		}
		return p.errorf("want ACE flags: OI, CI, NP, IO, ID, CR, SA, FA")
	}
	return nil
}

func (p *sddlParser) aceMask(e *ACE) error {
	at := p.i
	word := p.field()
	if word != "" && word[0] >= '0' && word[0] <= '9' {
		base, digits := 10, word
		if len(word) > 2 && word[1]|0x20 == 'x' {
			base, digits = 16, word[2:]
		}
		v, ok := parseDigits(digits, base, 1<<32-1)
		if !ok {
			p.i = at
			return p.errorf("%.20q is not a mask of 32 bits", word)
		}
		e.Mask = AccessMask(v)
		return nil
	}
	end := p.i
	p.i = at
next:
	for p.i < end {
		if e.Type == SystemMandatoryLabelACEType {
			for _, r := range labelRights {
				if p.take(r.name) {
					e.Mask |= r.mask
					continue next
				}
			}
			return p.errorf("want the policy of a label: NW, NR, NX or a number")
		}
		for _, set := range [...][]maskName{rightNames[:], rightSets[:]} {
			for _, r := range set {
				if p.take(r.name) {
					e.Mask |= r.mask
					continue next
				}
			}
		}
		return p.errorf("want rights such as GA, FA, FR, RC or a number such as 0x1200a9")
	}
	return nil
}

func (p *sddlParser) aceObjectType(e *ACE) error {
	return p.objectGUID(e, &e.ObjectType, ACEObjectTypePresent)
}

func (p *sddlParser) aceInheritedObject(e *ACE) error {
	return p.objectGUID(e, &e.InheritedObject, ACEInheritedObjectTypePresent)
}

func (p *sddlParser) objectGUID(e *ACE, g *GUID, flag uint32) error {
	at := p.i
	word := p.field()
	if word == "" {
		return nil
	}
	v, err := ParseGUID(word)
	if err != nil {
		p.i = at
		return p.errorf("%.50q is not a GUID", word)
	}
	if !e.IsObject() {
		p.i = at
		return p.errorf("only an object ACE (OA, OD, OU, OL) has an object type")
	}
	*g = v
	e.ObjectFlags |= flag
	return nil
}
