package spnego

import "errors"

// ErrToken says that a token is not what RFC 4178 allows here. It maps to nt.StatusInvalidParameter.
var ErrToken = errors.New("malformed SPNEGO token")

// maxToken bounds a token: Kerberos tickets with large PACs stay below it, and so do the transports' own limits.
const maxToken = 0xFFFF

// The tags that occur. All are of one byte.
const (
	tagBitString     = 0x03
	tagOctetString   = 0x04
	tagOID           = 0x06
	tagEnumerated    = 0x0A
	tagGeneralString = 0x1B
	tagSequence      = 0x30
	tagApplication0  = 0x60
	tagContext0      = 0xA0 // of NegTokenInit in the choice, and of the first member of a sequence
)

// element splits b after its first element. Only definite lengths are taken, of at most four bytes.
func element(b []byte) (tag byte, body, rest []byte, err error) {
	if len(b) < 2 {
		return 0, nil, nil, ErrToken
	}
	tag, n := b[0], int(b[1])
	b = b[2:]
	if tag&0x1F == 0x1F {
		return 0, nil, nil, ErrToken // a tag of several bytes
	}
	if n >= 0x80 {
		k := n & 0x7F
		if k == 0 || k > 4 || k > len(b) {
			return 0, nil, nil, ErrToken
		}
		var v uint64
		for _, c := range b[:k] {
			v = v<<8 | uint64(c)
		}
		b = b[k:]
		if v > uint64(len(b)) {
			return 0, nil, nil, ErrToken
		}
		n = int(v)
	}
	if n > len(b) {
		return 0, nil, nil, ErrToken
	}
	return tag, b[:n:n], b[n:], nil
}

// expect splits off an element of the given tag.
func expect(b []byte, want byte) (body, rest []byte, err error) {
	tag, body, rest, err := element(b)
	if err == nil && tag != want {
		err = ErrToken
	}
	return body, rest, err
}

// only takes an element of the given tag with nothing behind it.
func only(b []byte, want byte) ([]byte, error) {
	body, rest, err := expect(b, want)
	if err == nil && len(rest) != 0 {
		err = ErrToken
	}
	return body, err
}

// tlv makes an element of the parts.
func tlv(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := make([]byte, 0, n+6)
	out = append(out, tag)
	switch {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	case n < 0x10000:
		out = append(out, 0x82, byte(n>>8), byte(n))
	default:
		out = append(out, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// optional is the context-tagged member n of a sequence, nothing if the value is absent.
func optional(n byte, tag byte, value []byte) []byte {
	if value == nil {
		return nil
	}
	return tlv(tagContext0+n, tlv(tag, value))
}
