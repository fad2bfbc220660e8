package ndr

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// Conformance appends the maximum count of a conformant array (C706 14.3.3.2).
func (e *Encoder) Conformance(n int) {
	if uint64(n) > math.MaxUint32 {
		e.Fail(ErrTooLong, "")
	}
	e.size(uint32(n))
}

// Variance appends the offset, always zero, and the actual count of a varying array, which may not exceed limit.
func (e *Encoder) Variance(n, limit int, what string) {
	if n > limit {
		e.Fail(ErrBounds, what)
	}
	e.variance(uint32(n))
}

func (e *Encoder) variance(n uint32) {
	if e.wide {
		e.Uint64(0)
		e.Uint64(uint64(n))
		return
	}
	e.Uint32(0)
	e.buf = binary.LittleEndian.AppendUint32(e.buf, n)
}

// Count is what a size_is or length_is member says of an array of n elements. A member left zero is derived: it says n. One
// that was set must say n too, unless the array is absent (a NULL pointer), when it is sent as it is. limit is the largest
// value the member's type has.
func (e *Encoder) Count(member int64, n int, present bool, limit int64, what string) int64 {
	if !present {
		return member
	}
	switch {
	case int64(n) > limit:
		e.Fail(ErrTooLong, what)
	case member != 0 && member != int64(n):
		e.Fail(ErrCount, what)
	}
	return int64(n)
}

// MaxCount is Count for a size_is member beside a length_is: it may be larger than the n elements sent.
func (e *Encoder) MaxCount(member int64, n int, _ bool, limit int64, what string) int64 {
	switch {
	case int64(n) > limit:
		e.Fail(ErrTooLong, what)
		return int64(n)
	case member == 0:
		return int64(n)
	case member < int64(n):
		e.Fail(ErrCount, what)
	}
	return member
}

// Derived is a count of a request, which may have been left zero for the n elements it counts.
func Derived(member int64, n int) int64 {
	if member == 0 {
		return int64(n)
	}
	return member
}

// Agree checks that an array of n elements is as long as its expression says.
func (e *Encoder) Agree(n int, says int64, what string) {
	if int64(n) != says {
		e.Fail(ErrCount, what)
	}
}

// Max is the conformance of an array of n elements whose expression says max: max, which may not be less than n.
func (e *Encoder) Max(n int, says int64, what string) int {
	if says < int64(n) || says > math.MaxUint32 {
		e.Fail(ErrCount, what)
		return n
	}
	return int(says)
}

// MakeOut makes the zero elements of an [out] array that a server method left nil: n of them, which the request asked for.
func MakeOut[T any](e *Encoder, n int64) []T {
	limit := e.Limit
	if limit == 0 {
		limit = DefaultOutLimit
	}
	var t T
	if n < 0 || n > int64(limit)/max(int64(unsafe.Sizeof(t)), 1) {
		e.Fail(ErrLimit, "")
		return nil
	}
	return make([]T, n)
}

// Conformance reads the maximum count of a conformant array. MakeSlice or one of its like checks it.
func (d *Decoder) Conformance() uint32 { return d.size() }

// Variance reads the offset and the actual count of a varying array whose conformance is limit, and returns the count.
// An offset other than zero is refused: no [first_is] is in use anywhere.
func (d *Decoder) Variance(limit uint32, what string) uint32 {
	var first, n uint32
	if d.wide {
		first, n = d.size64(), d.size64()
	} else {
		first, n = d.Uint32(), d.Uint32()
	}
	if first != 0 || n > limit {
		d.Fail(ErrBounds, what)
		return 0
	}
	return n
}

// Agree checks that an array of n elements, of the member what, is as long as its expression says.
func (d *Decoder) Agree(n uint32, says int64, what string) {
	if int64(n) != says {
		d.Fail(ErrCount, what)
	}
}

// fits reports whether n elements of at least wire octets each can be in the input that remains.
func (d *Decoder) fits(n uint32, wire int, what string) bool {
	if uint64(n)*uint64(wire) > uint64(d.Remaining()) {
		d.Fail(ErrConformance, what)
		return false
	}
	return true
}

// MakeSlice makes a slice of n elements that take at least wire octets each: never nil, and empty if they cannot be there.
func MakeSlice[T any](d *Decoder, n uint32, wire int, what string) []T {
	var t T
	if !d.fits(n, wire, what) || !d.charge(int64(n)*int64(unsafe.Sizeof(t))) {
		return []T{}
	}
	return make([]T, n)
}

// Uint8s appends the elements of an array of octets.
func (e *Encoder) Uint8s(v []byte) { e.buf = append(e.buf, v...) }

// Uint16s appends the elements of an array of shorts.
func (e *Encoder) Uint16s(v []uint16) {
	if len(v) == 0 {
		return
	}
	e.Align(2)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint16(e.buf, x)
	}
}

// Uint32s appends the elements of an array of longs.
func (e *Encoder) Uint32s(v []uint32) {
	if len(v) == 0 {
		return
	}
	e.Align(4)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint32(e.buf, x)
	}
}

// Uint64s appends the elements of an array of hypers.
func (e *Encoder) Uint64s(v []uint64) {
	if len(v) == 0 {
		return
	}
	e.Align(8)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint64(e.buf, x)
	}
}

// Uint8s reads n octets.
func (d *Decoder) Uint8s(n uint32, what string) []byte {
	v := MakeSlice[byte](d, n, 1, what)
	copy(v, d.take(len(v)))
	return v
}

// Uint16s reads n shorts.
func (d *Decoder) Uint16s(n uint32, what string) []uint16 {
	v := MakeSlice[uint16](d, n, 2, what)
	d.FillUint16s(v)
	return v
}

// Uint32s reads n longs.
func (d *Decoder) Uint32s(n uint32, what string) []uint32 {
	v := MakeSlice[uint32](d, n, 4, what)
	d.FillUint32s(v)
	return v
}

// Uint64s reads n hypers.
func (d *Decoder) Uint64s(n uint32, what string) []uint64 {
	v := MakeSlice[uint64](d, n, 8, what)
	d.FillUint64s(v)
	return v
}

// FillUint8s reads the elements of a fixed array of octets.
func (d *Decoder) FillUint8s(v []byte) { copy(v, d.take(len(v))) }

// FillUint16s reads the elements of a fixed array of shorts.
func (d *Decoder) FillUint16s(v []uint16) {
	if len(v) == 0 {
		return
	}
	d.Align(2)
	b := d.take(2 * len(v))
	if b == nil {
		return
	}
	if d.big {
		for i := range v {
			v[i] = binary.BigEndian.Uint16(b[2*i:])
		}
		return
	}
	for i := range v {
		v[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
}

// FillUint32s reads the elements of a fixed array of longs.
func (d *Decoder) FillUint32s(v []uint32) {
	if len(v) == 0 {
		return
	}
	d.Align(4)
	b := d.take(4 * len(v))
	if b == nil {
		return
	}
	if d.big {
		for i := range v {
			v[i] = binary.BigEndian.Uint32(b[4*i:])
		}
		return
	}
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
}

// FillUint64s reads the elements of a fixed array of hypers.
func (d *Decoder) FillUint64s(v []uint64) {
	if len(v) == 0 {
		return
	}
	d.Align(8)
	b := d.take(8 * len(v))
	if b == nil {
		return
	}
	if d.big {
		for i := range v {
			v[i] = binary.BigEndian.Uint64(b[8*i:])
		}
		return
	}
	for i := range v {
		v[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
}
