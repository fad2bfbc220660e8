package ndr

// BadTag records that the discriminant of a union selects no arm.
func (e *Encoder) BadTag(what string) { e.Fail(ErrTag, what) }

// BadTag records that the discriminant of a union selects no arm.
func (d *Decoder) BadTag(what string) { d.Fail(ErrTag, what) }

// Tag checks that the discriminant sent with a union is the one its switch_is gives (C706 14.3.8).
func (d *Decoder) Tag(sent, says int64, what string) {
	if sent != says {
		d.Fail(ErrTagMismatch, what)
	}
}

// Arm is the value of a union that holds its arms in one value, as the arm that the discriminant selects: nil for none. Another is an error.
func Arm[T any](e *Encoder, v any, what string) *T {
	p, ok := v.(*T)
	if !ok && v != nil {
		e.BadTag(what)
	}
	return p
}
