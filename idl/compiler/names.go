package compiler

import (
	"strings"
	"unicode"
)

// GoName is the exported Go name of an IDL name. A name without lower-case letters stays as the specification spells it
// (SHARE_INFO_502_I); in others the underscores go and what follows them is capitalised (shi502_netname, Shi502Netname), except between
// two digits, where one has to stay.
func GoName(s string) string {
	s = strings.TrimLeft(s, "_")
	if s == "" {
		return "X"
	}
	if strings.IndexFunc(s, unicode.IsLower) < 0 {
		if s[0] >= '0' && s[0] <= '9' {
			s = "X" + s
		}
		return s
	}
	var b strings.Builder
	var last rune
	for part := range strings.SplitSeq(s, "_") {
		for i, r := range part {
			if i == 0 {
				if unicode.IsDigit(last) && unicode.IsDigit(r) {
					b.WriteByte('_')
				}
				r = unicode.ToUpper(r)
			}
			b.WriteRune(r)
			last = r
		}
	}
	name := b.String()
	if r := []rune(name)[0]; !unicode.IsUpper(r) {
		name = "X" + name
	}
	return name
}

// scopeNames keeps the Go names of one scope apart.
type scopeNames map[string]bool

// take returns name, or name with underscores behind it if it is taken.
func (s scopeNames) take(name string) string {
	for s[name] {
		name += "_"
	}
	s[name] = true
	return name
}

// methodNames are taken in every structure and union that has methods.
func methodNames() scopeNames {
	s := scopeNames{}
	for _, n := range []string{
		"EncodeConformance", "EncodeBody", "EncodeDeferred", "DecodeConformance", "DecodeBody", "DecodeDeferred",
		"MarshalNDR", "UnmarshalNDR", "String", "SetString", "SID",
	} {
		s[n] = true
	}
	return s
}
