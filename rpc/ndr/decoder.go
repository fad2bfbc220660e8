package ndr

import (
	"encoding/binary"
	"math"
	"math/bits"

	"lwio/iomgr/nt"
)

// Representation is the data representation label of a PDU (C706 14.2.4).
type Representation [4]byte

// LittleEndian is the representation that all current implementations send: little-endian, ASCII, IEEE.
var LittleEndian = Representation{0x10, 0, 0, 0}

// BigEndian is its big-endian counterpart.
var BigEndian = Representation{0, 0, 0, 0}

// ByteOrder returns the byte order of r's integers, and ErrRepresentation if r is one this package does not read:
// EBCDIC characters, an unknown format of floats, or one in a byte order that its machines do not have.
func (r Representation) ByteOrder() (binary.ByteOrder, error) {
	if r[0]&0x0F != 0 || r[0]>>4 > 1 || !floatFits(r[1], r[0]>>4 == 0) {
		return nil, ErrRepresentation
	}
	if r[0]>>4 == 0 {
		return binary.BigEndian, nil
	}
	return binary.LittleEndian, nil
}

// Decoder reads NDR 2.0 or, told so by SetSyntax, NDR64.
type Decoder struct {
	buf      []byte
	off      int
	big      bool
	wide     bool  // NDR64
	floats   uint8 // the format of floats, octet 1 of the representation
	depth    int
	spare    int64 // octets of memory that may still be handed out
	err      error
	full     map[uint64]any   // *T of the full pointers met, by referent identifier
	fullSeen map[any]struct{} // those of them whose referents were decoded
}

// What a Decoder hands out at most: so many octets of memory an octet of input, and some more. A union of many arms or an
// array of NULL pointers takes more room in memory than on the wire; nothing honest takes this much.
const (
	memoryPerOctet = 48
	memoryFree     = 64 << 10
)

// NewDecoder reads stub data in the representation r. What it returns never points into stub.
func NewDecoder(stub []byte, r Representation) *Decoder {
	d := new(Decoder)
	d.Reset(stub, r)
	return d
}

// Reset makes d read stub as a new Decoder would.
func (d *Decoder) Reset(stub []byte, r Representation) {
	d.buf, d.off, d.depth, d.err = stub, 0, 0, nil
	d.big, d.wide, d.floats = r[0]>>4 == 0, false, r[1]
	d.spare = memoryFree + memoryPerOctet*int64(len(stub))
	if d.full != nil || d.fullSeen != nil {
		d.full, d.fullSeen = nil, nil
	}
	if r[0] == LittleEndian[0] && r[1] == floatIEEE {
		return
	}
	if _, err := r.ByteOrder(); err != nil {
		d.Fail(err, "")
	}
}

// Err is the first error, an *Error.
func (d *Decoder) Err() error { return d.err }

// Fail records err, about the member what, unless there is an error already. All reads after it return zero.
func (d *Decoder) Fail(err error, what string) {
	if d.err == nil {
		d.err = &Error{Err: err, Off: d.off, What: what}
		d.buf = d.buf[:0] // so that the check each read makes anyway fails, and nothing else needs one
	}
}

// Offset is the number of octets read.
func (d *Decoder) Offset() int { return d.off }

// Remaining is the number of octets not yet read: none after an error.
func (d *Decoder) Remaining() int { return max(len(d.buf)-d.off, 0) }

// Align skips to a multiple of n, a power of two up to 8. What the gap holds is not looked at (C706 14.2.2).
func (d *Decoder) Align(n int) { d.off = (d.off + n - 1) &^ (n - 1) }

// Skip passes over n octets.
func (d *Decoder) Skip(n int) { d.take(n) }

// take returns the next n octets of the input, or nil with the error set.
func (d *Decoder) take(n int) []byte {
	if n < 0 || n > len(d.buf)-d.off {
		d.Fail(ErrTruncated, "")
		return nil
	}
	b := d.buf[d.off : d.off+n : d.off+n]
	d.off += n
	return b
}

// Uint8 reads a byte, char, small or boolean.
func (d *Decoder) Uint8() uint8 {
	if d.off >= len(d.buf) {
		d.Fail(ErrTruncated, "")
		return 0
	}
	v := d.buf[d.off]
	d.off++
	return v
}

// Uint16 reads a short or wchar_t.
func (d *Decoder) Uint16() uint16 {
	o := (d.off + 1) &^ 1
	if len(d.buf)-o < 2 {
		d.Fail(ErrTruncated, "")
		return 0
	}
	v := binary.LittleEndian.Uint16(d.buf[o:])
	d.off = o + 2
	if d.big {
		v = bits.ReverseBytes16(v)
	}
	return v
}

// Uint32 reads a long.
func (d *Decoder) Uint32() uint32 {
	o := (d.off + 3) &^ 3
	if len(d.buf)-o < 4 {
		d.Fail(ErrTruncated, "")
		return 0
	}
	v := binary.LittleEndian.Uint32(d.buf[o:])
	d.off = o + 4
	if d.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// Uint64 reads a hyper.
func (d *Decoder) Uint64() uint64 {
	o := (d.off + 7) &^ 7
	if len(d.buf)-o < 8 {
		d.Fail(ErrTruncated, "")
		return 0
	}
	v := binary.LittleEndian.Uint64(d.buf[o:])
	d.off = o + 8
	if d.big {
		v = bits.ReverseBytes64(v)
	}
	return v
}

// Int8 reads a signed small.
func (d *Decoder) Int8() int8 { return int8(d.Uint8()) }

// Int16 reads a signed short.
func (d *Decoder) Int16() int16 { return int16(d.Uint16()) }

// Int32 reads a signed long.
func (d *Decoder) Int32() int32 { return int32(d.Uint32()) }

// Int64 reads a signed hyper.
func (d *Decoder) Int64() int64 { return int64(d.Uint64()) }

// Bool reads a boolean: zero is false, all else is true.
func (d *Decoder) Bool() bool { return d.Uint8() != 0 }

// Float32 reads a float.
func (d *Decoder) Float32() float32 {
	v := d.Uint32()
	if d.floats != floatIEEE {
		return d.foreign32(v)
	}
	return math.Float32frombits(v)
}

// Float64 reads a double.
func (d *Decoder) Float64() float64 {
	v := d.Uint64()
	if d.floats != floatIEEE {
		return d.foreign64(v)
	}
	return math.Float64frombits(v)
}

// Enum16 reads an enum without v1_enum. In NDR64 it is a long, of which a negative one is the negative short.
func (d *Decoder) Enum16() uint16 {
	if d.wide {
		return d.enum64()
	}
	return d.Uint16()
}

func (d *Decoder) enum64() uint16 {
	v := d.Int32()
	if v > math.MaxUint16 || v < math.MinInt16 {
		d.Fail(ErrRange, "enum")
		return 0
	}
	return uint16(v)
}

// Enum32 reads an enum with v1_enum.
func (d *Decoder) Enum32() uint32 { return d.Uint32() }

// Uint3264 reads an unsigned __int3264.
func (d *Decoder) Uint3264() uint64 {
	if d.wide {
		return d.Uint64()
	}
	return uint64(d.Uint32())
}

// Int3264 reads an __int3264.
func (d *Decoder) Int3264() int64 {
	if d.wide {
		return d.Int64()
	}
	return int64(d.Int32())
}

// GUID reads a UUID. Its first three fields are integers in the sender's byte order.
func (d *Decoder) GUID() nt.GUID {
	d.Align(4)
	var g nt.GUID
	b := d.take(16)
	copy(g[:], b)
	if d.big && b != nil {
		g = nt.GUID{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]}
	}
	return g
}

// Range checks v, of the member what, against its range attribute (C706 has none; MIDL's, MS-RPCE 2.2.4.12).
func (d *Decoder) Range(v, low, high int64, what string) {
	if v < low || v > high {
		d.Fail(ErrRange, what)
	}
}

// Enter counts a level of a recursive type and reports whether to go on; Leave ends the level.
func (d *Decoder) Enter() bool {
	if d.depth >= MaxDepth {
		d.Fail(ErrDepth, "")
	}
	d.depth++
	return d.err == nil
}

// Leave ends a level.
func (d *Decoder) Leave() { d.depth-- }

// charge takes n octets of memory from the allowance and reports whether they may be allocated.
func (d *Decoder) charge(n int64) bool {
	if n > d.spare {
		d.Fail(ErrLimit, "")
		return false
	}
	d.spare -= n
	return true
}
