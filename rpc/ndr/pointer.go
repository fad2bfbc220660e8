package ndr

import "unsafe"

// Referent identifiers begin here and count by four, as Windows and Samba send them; nobody may rely on it.
const firstReferent = 0x00020000

func (e *Encoder) nextReferent() uint32 {
	id := firstReferent + 4*e.refs
	e.refs++
	return id
}

// Pointer appends the referent identifier of a unique pointer, zero if it is NULL (C706 14.3.11).
func (e *Encoder) Pointer(present bool) {
	if !present {
		e.size(0)
		return
	}
	e.size(e.nextReferent())
}

// Reference appends the referent identifier of an embedded reference pointer, which is never zero.
func (e *Encoder) Reference() { e.size(e.nextReferent()) }

// Pointer reads a referent identifier and reports whether it is other than NULL.
func (d *Decoder) Pointer() bool { return d.referent() != 0 }

// Reference reads the referent identifier of an embedded reference pointer, which must not be NULL.
func (d *Decoder) Reference() {
	if d.referent() == 0 {
		d.Fail(ErrNullReference, "")
	}
}

// New allocates what a pointer points to. It never returns nil, so that code which runs on after an error needs no
// check: after one all get what a fresh variable is.
func New[T any](d *Decoder) *T {
	p := new(T)
	d.charge(int64(unsafe.Sizeof(*p)))
	return p
}

// FullPointer appends the identifier of the full pointer p, the same each time (C706 14.3.11.2).
func FullPointer[T any](e *Encoder, p *T) {
	if p == nil {
		e.size(0)
		return
	}
	if id, ok := e.full[p]; ok {
		e.size(id)
		return
	}
	id := e.nextReferent()
	if e.full == nil {
		e.full = make(map[any]uint32)
	}
	e.full[p] = id
	e.size(id)
}

// FullReferent reports whether the referent of the full pointer p is to be sent here: at the first place that asks.
func FullReferent[T any](e *Encoder, p *T) bool {
	if p == nil {
		return false
	}
	type sent struct{ p *T }
	if _, ok := e.full[sent{p}]; ok {
		return false
	}
	e.full[sent{p}] = 0
	return true
}

// DecodeFullPointer reads the identifier of a full pointer: nil for NULL, the pointer met before for an identifier met
// before. An identifier met before with another type is an error.
func DecodeFullPointer[T any](d *Decoder) *T {
	id := d.referent()
	if id == 0 {
		return nil
	}
	if r, ok := d.full[id]; ok {
		p, ok := r.(*T)
		if !ok {
			d.Fail(ErrAlias, "")
			return New[T](d)
		}
		return p
	}
	p := New[T](d)
	if d.err != nil || !d.charge(64) { // an entry of the table, about
		return p
	}
	if d.full == nil {
		d.full = make(map[uint64]any)
	}
	d.full[id] = p
	return p
}

// DecodeFullReferent reports whether the referent of p is to be decoded here: at the first place that asks.
func DecodeFullReferent[T any](d *Decoder, p *T) bool {
	if p == nil {
		return false
	}
	if d.fullSeen == nil {
		d.fullSeen = make(map[any]struct{})
	}
	if _, ok := d.fullSeen[p]; ok {
		return false
	}
	d.fullSeen[p] = struct{}{}
	return true
}
