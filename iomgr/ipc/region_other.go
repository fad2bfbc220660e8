//go:build !linux

package ipc

import (
	"errors"
	"net"
	"os"
)

// Only Linux has memory that is sealed.
const regions Features = 0

var errNoRegion = errors.New("ipc: no shared memory on this system")

func newRegion() (*os.File, []byte, error)        { return nil, nil, errNoRegion }
func fillRegion(*os.File) error                   { return errNoRegion }
func unmapRegion([]byte)                          {}
func sendRegion(*net.UnixConn, *os.File) error    { return errNoRegion }
func receiveRegion(*net.UnixConn) ([]byte, error) { return nil, errNoRegion }
