package ndr

import "math"

// Formats of floats, octet 1 of a representation (C706 14.2.5).
const (
	floatIEEE uint8 = iota
	floatVAX
	floatCray
	floatIBM
)

// Machines whose floats are not IEEE have one byte order each, so that the other is no representation of theirs: the VAX is
// little-endian, Cray and IBM are big-endian.
func floatFits(format uint8, big bool) bool {
	switch format {
	case floatIEEE:
		return true
	case floatVAX:
		return !big
	case floatCray, floatIBM:
		return big
	}
	return false
}

// foreign32 is the float that a machine with floats of its own sent, from its octets as an integer of its byte order.
func (d *Decoder) foreign32(v uint32) float32 {
	var f float64
	switch d.floats {
	case floatVAX:
		// F_floating: the half with sign and exponent goes first.
		f = d.vax(uint64(v<<16|v>>16)<<32, 8)
	case floatIBM:
		f = hexadecimal(uint64(v) << 32)
	default: // of Cray, single precision is IEEE
		return math.Float32frombits(v)
	}
	if f > math.MaxFloat32 || f < -math.MaxFloat32 {
		d.Fail(ErrRange, "float")
		return 0
	}
	return float32(f)
}

// foreign64 is foreign32 for doubles.
func (d *Decoder) foreign64(v uint64) float64 {
	switch d.floats {
	case floatVAX: // G_floating: four quarters, the most significant first
		return d.vax(v<<48|v>>16<<48>>16|v>>32<<48>>32|v>>48, 11)
	case floatIBM:
		return hexadecimal(v)
	}
	// 15 bits of exponent, of which 0x4000 is zero, and 48 of fraction without a hidden one.
	exp, frac := int(v>>48&0x7FFF)-0x4000, v<<16>>16
	f := math.Ldexp(float64(frac), exp-48)
	if math.IsInf(f, 0) {
		d.Fail(ErrRange, "double")
		return 0
	}
	if v>>63 != 0 {
		f = -f
	}
	return f
}

// vax is the value of a sign, expBits of exponent and the fraction, left-justified: 0.1f × 2^(exponent - bias). An exponent of
// zero is zero, or with the sign a reserved operand, which no arithmetic takes.
func (d *Decoder) vax(v uint64, expBits int) float64 {
	exp := int(v << 1 >> (64 - expBits))
	if exp == 0 {
		if v>>63 != 0 {
			d.Fail(ErrRange, "reserved operand")
		}
		return 0
	}
	frac := 1<<63 | v<<(1+expBits)>>1
	f := math.Ldexp(float64(frac), exp-1<<(expBits-1)-64)
	if v>>63 != 0 {
		f = -f
	}
	return f
}

// hexadecimal is the value of a sign, 7 bits of exponent to the base 16 and 56 of fraction.
func hexadecimal(v uint64) float64 {
	f := math.Ldexp(float64(v<<8>>8), 4*(int(v>>56&0x7F)-64)-56)
	if v>>63 != 0 {
		f = -f
	}
	return f
}
