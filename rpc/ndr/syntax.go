package ndr

import "lwio/iomgr/nt"

// Syntax is a transfer syntax: what the two sides of a presentation context agree on. The zero value is NDR20.
type Syntax uint8

const (
	NDR20 Syntax = iota // NDR 2.0 (C706 chapter 14, MS-RPCE 2.2.4)
	NDR64               // NDR64 (MS-RPCE 2.2.5)
)

var syntaxes = [...]struct {
	name  string
	uuid  nt.GUID
	major uint16
}{
	NDR20: {"NDR 2.0", nt.MustGUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2},
	NDR64: {"NDR64", nt.MustGUID("71710533-beba-4937-8319-b5dbef9ccc36"), 1},
}

// String is the name of the syntax.
func (s Syntax) String() string {
	if int(s) < len(syntaxes) {
		return syntaxes[s].name
	}
	return "unknown"
}

// ID is what a bind names the syntax by (MS-RPCE 2.2.4, 2.2.5).
func (s Syntax) ID() (uuid nt.GUID, major, minor uint16) {
	if int(s) < len(syntaxes) {
		return syntaxes[s].uuid, syntaxes[s].major, 0
	}
	return nt.GUID{}, 0, 0
}

// SyntaxOf is the syntax that a bind names so, and false for any other.
func SyntaxOf(uuid nt.GUID, major, minor uint16) (Syntax, bool) {
	for s, x := range syntaxes {
		if uuid == x.uuid && major == x.major && minor == 0 {
			return Syntax(s), true
		}
	}
	return NDR20, false
}

// SetSyntax makes e append in s. It goes between Reset, which returns to NDR20, and the first value.
func (e *Encoder) SetSyntax(s Syntax) { e.wide = s == NDR64 }

// Syntax is the syntax that e appends in.
func (e *Encoder) Syntax() Syntax { return syntaxOf(e.wide) }

// SetSyntax makes d read s. It goes between Reset, which returns to NDR20, and the first value. NDR64 has one data
// representation only, LittleEndian (MS-RPCE 2.2.5): any other is ErrRepresentation.
func (d *Decoder) SetSyntax(s Syntax) {
	d.wide = s == NDR64
	if d.wide && (d.big || d.floats != 0) {
		d.Fail(ErrRepresentation, "")
	}
}

// Syntax is the syntax that d reads.
func (d *Decoder) Syntax() Syntax { return syntaxOf(d.wide) }

func syntaxOf(wide bool) Syntax {
	if wide {
		return NDR64
	}
	return NDR20
}

// Align64 pads to a multiple of n in NDR64 and does nothing in NDR 2.0: what follows the members of a structure up to its
// alignment (MS-RPCE 2.2.5.3.4.1), and what surrounds the discriminant of a union (2.2.5.3.4.4).
func (e *Encoder) Align64(n int) {
	if e.wide {
		e.Align(n)
	}
}

// AlignEither pads to a multiple of ndr20 or of ndr64, as the syntax is.
func (e *Encoder) AlignEither(ndr20, ndr64 int) {
	if e.wide {
		ndr20 = ndr64
	}
	e.Align(ndr20)
}

// Align64 skips to a multiple of n in NDR64 and does nothing in NDR 2.0.
func (d *Decoder) Align64(n int) {
	if d.wide {
		d.Align(n)
	}
}

// AlignEither skips to a multiple of ndr20 or of ndr64, as the syntax is.
func (d *Decoder) AlignEither(ndr20, ndr64 int) {
	if d.wide {
		ndr20 = ndr64
	}
	d.Align(ndr20)
}

// size appends what is 32 bits wide in NDR 2.0 and 64 in NDR64: counts, offsets, referent identifiers.
func (e *Encoder) size(v uint32) {
	if e.wide {
		e.Uint64(uint64(v))
		return
	}
	e.Uint32(v)
}

// size reads a count or an offset. None over 32 bits can be true of data that has a 32-bit length.
func (d *Decoder) size() uint32 {
	if d.wide {
		return d.size64()
	}
	return d.Uint32()
}

func (d *Decoder) size64() uint32 {
	v := d.Uint64()
	if v>>32 != 0 {
		d.Fail(ErrConformance, "")
		return 0
	}
	return uint32(v)
}

// referent reads a referent identifier. Of one in NDR64 all 64 bits count.
func (d *Decoder) referent() uint64 {
	if d.wide {
		return d.Uint64()
	}
	return uint64(d.Uint32())
}
