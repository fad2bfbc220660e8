package ndr

// What size_is expressions need beyond Go's own operators, for values a peer chose: none of these panics.

// Integer is any integer type a member can have.
type Integer interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Deref is *p, and zero for NULL.
func Deref[T Integer](p *T) int64 {
	if p == nil {
		return 0
	}
	return int64(*p)
}

// Div is a/b, and zero where b is zero.
func Div(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Mod is a%b, and zero where b is zero.
func Mod(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	return a % b
}

// Shl is a<<b, and zero where b is negative or past the width.
func Shl(a, b int64) int64 {
	if uint64(b) > 63 {
		return 0
	}
	return a << uint(b)
}

// Shr is a>>b, and zero where b is negative or past the width.
func Shr(a, b int64) int64 {
	if uint64(b) > 63 {
		return 0
	}
	return a >> uint(b)
}

// Int is 1 for true.
func Int(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// If is the conditional operator.
func If(cond bool, a, b int64) int64 {
	if cond {
		return a
	}
	return b
}
