package ndr

import (
	"errors"
	"strconv"
)

// What is wrong with input. An *Error wraps one of these.
var (
	ErrTruncated      = errors.New("the data ends too early")
	ErrConformance    = errors.New("the array is longer than the data that remains")
	ErrBounds         = errors.New("the variance of the array does not fit its conformance")
	ErrCount          = errors.New("the size of the array disagrees with the member that gives it")
	ErrRange          = errors.New("the value is out of its range")
	ErrTag            = errors.New("the discriminant selects no arm of the union")
	ErrTagMismatch    = errors.New("the discriminant disagrees with the member that gives it")
	ErrString         = errors.New("the string has no terminator")
	ErrNullReference  = errors.New("a reference pointer is NULL")
	ErrAlias          = errors.New("a full pointer refers to a value of another type")
	ErrRepresentation = errors.New("the data representation is not supported")
)

// What is too much, in either direction.
var (
	ErrDepth = errors.New("pointers nest too deeply")
	ErrLimit = errors.New("the value takes more memory than allowed")
)

// What is wrong with a value to encode.
var ErrTooLong = errors.New("the value does not fit its type on the wire")

// Error is the first error of an Encoder or Decoder.
type Error struct {
	Err  error  // one of the errors above
	Off  int    // where in the stub data
	What string // the member, where it is known
}

func (e *Error) Error() string {
	s := "ndr: "
	if e.What != "" {
		s += e.What + ": "
	}
	return s + e.Err.Error() + " (offset " + strconv.Itoa(e.Off) + ")"
}

func (e *Error) Unwrap() error { return e.Err }
