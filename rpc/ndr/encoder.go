package ndr

import (
	"encoding/binary"
	"math"

	"lwio/iomgr/nt"
)

// MaxDepth is how deep the pointers of a recursive type may nest, in either direction.
const MaxDepth = 128

// Encoder appends NDR 2.0 or, told so by SetSyntax, NDR64: little-endian, ASCII, IEEE. The zero value is ready and appends to nothing.
type Encoder struct {
	buf   []byte
	base  int // offset of the stub data in buf: alignment counts from here
	refs  uint32
	depth int
	wide  bool // NDR64
	err   error
	full  map[any]uint32 // referent identifiers of the full pointers already sent

	// Limit bounds what MakeOut may allocate; zero means DefaultOutLimit.
	Limit int
}

// DefaultOutLimit is the Limit of an Encoder that sets none.
const DefaultOutLimit = 16 << 20

// NewEncoder returns an Encoder that appends to buf. Alignment counts from the end of buf as it is now.
func NewEncoder(buf []byte) *Encoder { return &Encoder{buf: buf, base: len(buf)} }

// Reset makes e append to buf as a new Encoder would.
func (e *Encoder) Reset(buf []byte) {
	e.buf, e.base, e.refs, e.depth, e.wide, e.err = buf, len(buf), 0, 0, false, nil
	if e.full != nil {
		e.full = nil
	}
}

// Bytes is the buffer given to NewEncoder with all that was appended.
func (e *Encoder) Bytes() []byte { return e.buf }

// Len is the number of octets of stub data so far.
func (e *Encoder) Len() int { return len(e.buf) - e.base }

// Err is the first error, an *Error.
func (e *Encoder) Err() error { return e.err }

// Fail records err, about the member what, unless there is an error already.
func (e *Encoder) Fail(err error, what string) {
	if e.err == nil {
		e.err = &Error{Err: err, Off: e.Len(), What: what}
	}
}

var padding [8]byte

// Align pads to a multiple of n, a power of two up to 8 (C706 14.2.2).
func (e *Encoder) Align(n int) {
	if pad := (e.base - len(e.buf)) & (n - 1); pad != 0 {
		e.buf = append(e.buf, padding[:pad]...)
	}
}

// Uint8 appends a byte, char, small or boolean.
func (e *Encoder) Uint8(v uint8) { e.buf = append(e.buf, v) }

// Uint16 appends a short or wchar_t.
func (e *Encoder) Uint16(v uint16) {
	if (len(e.buf)-e.base)&1 != 0 {
		e.buf = append(e.buf, 0)
	}
	e.buf = binary.LittleEndian.AppendUint16(e.buf, v)
}

// Uint32 appends a long.
func (e *Encoder) Uint32(v uint32) {
	if (len(e.buf)-e.base)&3 != 0 {
		e.Align(4)
	}
	e.buf = binary.LittleEndian.AppendUint32(e.buf, v)
}

// Uint64 appends a hyper.
func (e *Encoder) Uint64(v uint64) {
	if (len(e.buf)-e.base)&7 != 0 {
		e.Align(8)
	}
	e.buf = binary.LittleEndian.AppendUint64(e.buf, v)
}

// Int8 appends a signed small.
func (e *Encoder) Int8(v int8) { e.Uint8(uint8(v)) }

// Int16 appends a signed short.
func (e *Encoder) Int16(v int16) { e.Uint16(uint16(v)) }

// Int32 appends a signed long.
func (e *Encoder) Int32(v int32) { e.Uint32(uint32(v)) }

// Int64 appends a signed hyper.
func (e *Encoder) Int64(v int64) { e.Uint64(uint64(v)) }

// Bool appends a boolean: one octet, 0 or 1.
func (e *Encoder) Bool(v bool) {
	if v {
		e.Uint8(1)
	} else {
		e.Uint8(0)
	}
}

// Float32 appends a float, IEEE 754.
func (e *Encoder) Float32(v float32) { e.Uint32(math.Float32bits(v)) }

// Float64 appends a double, IEEE 754.
func (e *Encoder) Float64(v float64) { e.Uint64(math.Float64bits(v)) }

// Enum16 appends an enum without v1_enum: a short in NDR 2.0 (C706 14.2.6), a long in NDR64 (MS-RPCE 2.2.5.2).
func (e *Encoder) Enum16(v uint16) {
	if e.wide {
		e.Uint32(uint32(v))
		return
	}
	e.Uint16(v)
}

// Enum32 appends an enum with v1_enum (MS-RPCE 2.2.4.13).
func (e *Encoder) Enum32(v uint32) { e.Uint32(v) }

// Uint3264 appends an unsigned __int3264, which is a long in NDR 2.0 (MS-RPCE 2.2.4.1.1) and a hyper in NDR64.
func (e *Encoder) Uint3264(v uint64) {
	if e.wide {
		e.Uint64(v)
		return
	}
	if v > math.MaxUint32 {
		e.Fail(ErrTooLong, "__int3264")
	}
	e.Uint32(uint32(v))
}

// Int3264 appends an __int3264.
func (e *Encoder) Int3264(v int64) {
	if e.wide {
		e.Int64(v)
		return
	}
	if v > math.MaxInt32 || v < math.MinInt32 {
		e.Fail(ErrTooLong, "__int3264")
	}
	e.Int32(int32(v))
}

// GUID appends a UUID, aligned as the structure it is.
func (e *Encoder) GUID(g nt.GUID) {
	e.Align(4)
	e.buf = append(e.buf, g[:]...)
}

// Enter counts a level of a recursive type and reports whether it may be encoded; Leave ends the level.
func (e *Encoder) Enter() bool {
	if e.depth >= MaxDepth {
		e.Fail(ErrDepth, "")
	}
	e.depth++
	return e.err == nil
}

// Leave ends a level.
func (e *Encoder) Leave() { e.depth-- }
