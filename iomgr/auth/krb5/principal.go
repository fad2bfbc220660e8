package krb5

import (
	"errors"
	"fmt"
	"strings"
)

// Name types (RFC 4120 6.2).
const (
	nameUnknown    = 0
	namePrincipal  = 1
	nameService    = 2 // krbtgt and the like
	nameEnterprise = 10
)

// maxComponents bounds a principal's name; real ones have at most three.
const maxComponents = 8

// principal is a PrincipalName (RFC 4120 5.2.2).
type principal struct {
	kind  int32
	names []string
}

// String is the name without escapes, for logs and comparisons.
func (p principal) String() string { return strings.Join(p.names, "/") }

// equal compares as RFC 4120 6.2 says: the type does not count.
func (p principal) equal(q principal) bool {
	if len(p.names) != len(q.names) {
		return false
	}
	for i := range p.names {
		if p.names[i] != q.names[i] {
			return false
		}
	}
	return true
}

func (p principal) fold(q principal) bool {
	return len(p.names) == len(q.names) && strings.EqualFold(p.String(), q.String())
}

// principal reads the PrincipalName that r has to hold.
func (r derReader) principal() (p principal) {
	in := r.open(tagSequence)
	if len(r.b) != 0 {
		*r.bad = true
	}
	p.kind = in.field(0).int32()
	list := in.field(1)
	list = list.open(tagSequence)
	for list.more() {
		if len(p.names) == maxComponents {
			*r.bad = true
			return p
		}
		p.names = append(p.names, string(list.body(tagGeneralString)))
	}
	return p
}

func (p principal) der() []byte {
	var names []byte
	for _, n := range p.names {
		names = append(names, derString(n)...)
	}
	return tlv(tagSequence, derField(0, derInt(int64(p.kind))), derField(1, tlv(tagSequence, names)))
}

func krbtgt(realm string) principal { return principal{nameService, []string{"krbtgt", realm}} }

// parsePrincipal splits "name/instance@REALM"; "\" takes the meaning from what follows it.
func parsePrincipal(s string) (p principal, realm string, err error) {
	p.kind = namePrincipal
	var part strings.Builder
	inRealm := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			part.WriteByte(s[i])
		case c == '/' && !inRealm:
			p.names = append(p.names, part.String())
			part.Reset()
		case c == '@' && !inRealm:
			p.names = append(p.names, part.String())
			part.Reset()
			inRealm = true
		default:
			part.WriteByte(c)
		}
	}
	if inRealm {
		realm = part.String()
	} else {
		p.names = append(p.names, part.String())
	}
	if len(p.names) > maxComponents {
		return p, "", errors.New("principal with too many components")
	}
	for _, n := range p.names {
		if n == "" {
			return p, "", fmt.Errorf("principal %q has an empty component", s)
		}
	}
	return p, realm, nil
}
