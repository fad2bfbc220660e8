package domain

import (
	"errors"
	"strings"
)

// Tags of BER that a ping needs (RFC 4511).
const (
	tagBoolean  = 0x01
	tagInteger  = 0x02
	tagOctets   = 0x04
	tagEnum     = 0x0A
	tagSequence = 0x30
	tagSet      = 0x31
	tagSearch   = 0x63
	tagEntry    = 0x64
	tagDone     = 0x65
	tagAnd      = 0xA0
	tagEquals   = 0xA3
)

// pingVersion asks for NETLOGON_SAM_LOGON_RESPONSE_EX: NETLOGON_NT_VERSION_5 and 5EX (MS-ADTS 6.3.1.1).
const pingVersion = "\x06\x00\x00\x00"

func ber(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b := []byte{tag}
	switch {
	case n < 0x80:
		b = append(b, byte(n))
	case n < 0x100:
		b = append(b, 0x81, byte(n))
	case n < 0x10000:
		b = append(b, 0x82, byte(n>>8), byte(n))
	default:
		b = append(b, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// pingRequest is a search of the root for the attribute Netlogon (MS-ADTS 6.3.3).
func pingRequest(id byte, realm string) []byte {
	text := func(s string) []byte { return ber(tagOctets, []byte(s)) }
	small := func(tag, v byte) []byte { return ber(tag, []byte{v}) }
	return ber(tagSequence, small(tagInteger, id), ber(tagSearch,
		text(""), small(tagEnum, 0), small(tagEnum, 0), small(tagInteger, 0), small(tagInteger, 0), small(tagBoolean, 0),
		ber(tagAnd, ber(tagEquals, text("DnsDomain"), text(realm)), ber(tagEquals, text("NtVer"), text(pingVersion))),
		ber(tagSequence, text("Netlogon"))))
}

var (
	errLDAP       = errors.New("domain: malformed answer of LDAP")
	errNotServing = errors.New("the server is no controller of the domain")
)

// element takes one element of b.
func element(b []byte) (tag byte, body, rest []byte, ok bool) {
	if len(b) < 2 {
		return 0, nil, nil, false
	}
	n, at := int(b[1]), 2
	if n >= 0x80 {
		size := n & 0x7F
		if size == 0 || size > 4 || len(b) < 2+size {
			return 0, nil, nil, false
		}
		n = 0
		for _, c := range b[2 : 2+size] {
			n = n<<8 | int(c)
		}
		at += size
	}
	if n < 0 || n > len(b)-at {
		return 0, nil, nil, false
	}
	return b[0], b[at : at+n], b[at+n:], true
}

// within takes an element that has to have the tag.
func within(b []byte, tag byte) (body, rest []byte, err error) {
	got, body, rest, ok := element(b)
	if !ok || got != tag {
		return nil, nil, errLDAP
	}
	return body, rest, nil
}

// pingAnswer finds the value in what answers the request of the id. errNotServing says that there is none.
func pingAnswer(b []byte, id byte) ([]byte, error) {
	msg, _, err := within(b, tagSequence)
	if err != nil {
		return nil, err
	}
	got, msg, err := within(msg, tagInteger)
	if err != nil || len(got) != 1 || got[0] != id {
		return nil, errLDAP
	}
	if tag, _, _, ok := element(msg); ok && tag == tagDone {
		return nil, errNotServing
	}
	entry, _, err := within(msg, tagEntry)
	if err != nil {
		return nil, err
	}
	_, entry, err = within(entry, tagOctets)
	if err != nil {
		return nil, err
	}
	attributes, _, err := within(entry, tagSequence)
	if err != nil {
		return nil, err
	}
	for len(attributes) > 0 {
		var one []byte
		if one, attributes, err = within(attributes, tagSequence); err != nil {
			return nil, err
		}
		name, values, err := within(one, tagOctets)
		if err != nil {
			return nil, err
		}
		if !strings.EqualFold(string(name), "netlogon") {
			continue
		}
		if values, _, err = within(values, tagSet); err != nil {
			return nil, err
		}
		value, _, err := within(values, tagOctets)
		return value, err
	}
	return nil, errNotServing
}
