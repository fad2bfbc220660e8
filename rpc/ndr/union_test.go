package ndr

import (
	"errors"
	"testing"
)

// The arm that a discriminant selects is sent, NULL if there is none; another is the caller's mistake and not sent as NULL.
func TestArm(t *testing.T) {
	number, text := uint32(7), "text"
	for _, tt := range []struct {
		name  string
		value any
		want  *uint32
		err   error
	}{
		{"the arm", &number, &number, nil},
		{"none", nil, nil, nil},
		{"NULL", (*uint32)(nil), nil, nil},
		{"another", &text, nil, ErrTag},
		{"another NULL", (*string)(nil), nil, ErrTag},
	} {
		e := NewEncoder(nil)
		if got := Arm[uint32](e, tt.value, "U"); got != tt.want || !errors.Is(e.Err(), tt.err) {
			t.Errorf("%s: %v, %v", tt.name, got, e.Err())
		}
	}
}
