package krb5

import (
	"errors"
	"time"
)

// errDER says that a message is not the DER that RFC 4120 asks for.
var errDER = errors.New("malformed Kerberos message")

// Tags of one byte; Kerberos needs no others.
const (
	tagInteger         = 0x02
	tagBitString       = 0x03
	tagOctetString     = 0x04
	tagOID             = 0x06
	tagGeneralString   = 0x1B
	tagGeneralizedTime = 0x18
	tagSequence        = 0x30
	tagApplication     = 0x60
	tagContext         = 0xA0
)

// derReader reads the members of one constructed value. Once anything is wrong all reads give zero values and bad is set, which
// readers of inner values share, so that a message is read straight through and asked at its end.
type derReader struct {
	b   []byte
	bad *bool
}

// parseDER opens the one value of the given tag that b has to consist of.
func parseDER(b []byte, tag byte) derReader {
	r := derReader{b: b, bad: new(bool)}
	in := r.open(tag)
	if len(r.b) != 0 {
		*r.bad = true
	}
	return in
}

func (r *derReader) err() error {
	if *r.bad {
		return errDER
	}
	return nil
}

func (r *derReader) more() bool { return !*r.bad && len(r.b) > 0 }

// element splits off the next value. Only definite lengths of at most four bytes are taken.
func (r *derReader) element() (tag byte, body, whole []byte) {
	b := r.b
	if *r.bad || len(b) < 2 || b[0]&0x1F == 0x1F {
		*r.bad = true
		return 0, nil, nil
	}
	tag, n, head := b[0], uint64(b[1]), 2
	if n >= 0x80 {
		k := int(n & 0x7F)
		if k == 0 || k > 4 || k > len(b)-2 {
			*r.bad = true
			return 0, nil, nil
		}
		n = 0
		for _, c := range b[2 : 2+k] {
			n = n<<8 | uint64(c)
		}
		head += k
	}
	if n > uint64(len(b)-head) {
		*r.bad = true
		return 0, nil, nil
	}
	end := head + int(n)
	r.b = b[end:]
	return tag, b[head:end:end], b[:end:end]
}

// body takes the next value, which has to be of the tag.
func (r *derReader) body(tag byte) []byte {
	got, body, _ := r.element()
	if got != tag {
		*r.bad = true
		return nil
	}
	return body
}

func (r *derReader) open(tag byte) derReader { return derReader{b: r.body(tag), bad: r.bad} }

// field opens member n of a sequence.
func (r *derReader) field(n byte) derReader { return r.open(tagContext + n) }

// has reports whether the next member is n.
func (r *derReader) has(n byte) bool { return r.more() && r.b[0] == tagContext+n }

// bytes is the content of the one value of the tag that r has to hold.
func (r derReader) bytes(tag byte) []byte {
	b := r.body(tag)
	if len(r.b) != 0 {
		*r.bad = true
	}
	return b
}

func (r derReader) octets() []byte { return r.bytes(tagOctetString) }
func (r derReader) str() string    { return string(r.bytes(tagGeneralString)) }

func (r derReader) integer() int64 {
	b := r.bytes(tagInteger)
	if len(b) == 0 || len(b) > 8 {
		*r.bad = true
		return 0
	}
	v := int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v
}

func (r derReader) int32() int32 {
	v := r.integer()
	if v != int64(int32(v)) {
		*r.bad = true
	}
	return int32(v)
}

// uint32 also takes what senders with signed sequence numbers make of the upper half.
func (r derReader) uint32() uint32 {
	v := r.integer()
	if v != int64(uint32(v)) && v != int64(int32(v)) {
		*r.bad = true
	}
	return uint32(v)
}

// flags is a KerberosFlags; bit 0 is the highest of the result (RFC 4120 5.2.8).
func (r derReader) flags() uint32 {
	b := r.bytes(tagBitString)
	if len(b) == 0 || b[0] > 7 {
		*r.bad = true
		return 0
	}
	var v uint32
	for i, c := range b[1:] {
		if i < 4 {
			v |= uint32(c) << (24 - 8*i)
		}
	}
	return v
}

// time is a KerberosTime: "20060102150405Z" and nothing else (RFC 4120 5.2.3).
func (r derReader) time() time.Time {
	b := r.bytes(tagGeneralizedTime)
	if len(b) != 15 || b[14] != 'Z' {
		*r.bad = true
		return time.Time{}
	}
	digits := func(lo, hi int) (v int) {
		for _, c := range b[lo:hi] {
			if c < '0' || c > '9' {
				*r.bad = true
			}
			v = v*10 + int(c-'0')
		}
		return v
	}
	y, mon, d, h, m, s := digits(0, 4), digits(4, 6), digits(6, 8), digits(8, 10), digits(10, 12), digits(12, 14)
	if *r.bad || mon < 1 || mon > 12 || d < 1 || d > 31 || h > 23 || m > 59 || s > 60 {
		*r.bad = true
		return time.Time{}
	}
	return time.Date(y, time.Month(mon), d, h, m, s, 0, time.UTC)
}

// tlv makes a value of the parts. Parts that are nil vanish.
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

func derField(n byte, value []byte) []byte { return tlv(tagContext+n, value) }

func derInt(v int64) []byte {
	b := make([]byte, 0, 9)
	for shift := 56; shift >= 0; shift -= 8 {
		c := byte(v >> shift)
		if len(b) == 0 && shift > 0 {
			// Leave out what the sign bit of the next byte says already.
			next := byte(v >> (shift - 8))
			if c == 0 && next < 0x80 || c == 0xFF && next >= 0x80 {
				continue
			}
		}
		b = append(b, c)
	}
	return tlv(tagInteger, b)
}

func derString(s string) []byte { return tlv(tagGeneralString, []byte(s)) }
func derOctets(b []byte) []byte { return tlv(tagOctetString, b) }
func derTime(t time.Time) []byte {
	return tlv(tagGeneralizedTime, t.UTC().AppendFormat(nil, "20060102150405Z"))
}

func derFlags(v uint32) []byte {
	return tlv(tagBitString, []byte{0, byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}
