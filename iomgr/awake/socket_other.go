//go:build !unix

package awake

// sockets of this system are read as ever.
const sockets = false

// CanReadSoon reports whether ReadSoon is of use. Here it is not.
func (a *Reader) CanReadSoon() bool { return false }

// ReadSoon reads nothing.
func (a *Reader) ReadSoon([]byte) (int, error) { return 0, nil }

func (a *Reader) lookSoon(uintptr) bool { return true }
func (a *Reader) read(uintptr) bool     { return true }
