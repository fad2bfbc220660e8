package ipc

import (
	"fmt"
	"io"
	"net"
)

// Version is that of the protocol, and Lowest the oldest that is still spoken. Two sides speak the highest that both know.
const (
	Version = 2
	Lowest  = 2
)

const magic = "lwio"

// Features are what a side understands beyond its version; each uses what both have.
type Features uint32

// The features.
const (
	// FeatureCredentials: creates may carry an api.Credential.
	FeatureCredentials Features = 1 << iota

	// FeatureRegion: behind its hello the server gives the client memory that they share, if it has any left.
	FeatureRegion

	ourFeatures = FeatureCredentials | regions
)

// Hello is the first that each side says, on the wire:
//
//	"lwio", version u8, lowest u8, size u16 of what follows, features u32, requests u32, bytes u32
//
// A later version appends to it; who does not know more reads past it by the size.
type Hello struct {
	Version, Lowest uint8
	Features        Features
	// Requests and Bytes are the credits that a server gives: how many requests a client may have under way, and how much data they
	// and their answers may hold. A client says 0.
	Requests, Bytes uint32
}

const (
	helloHead = len(magic) + 4
	helloBody = 12
	maxHello  = 512
)

// Append appends the hello.
func (h *Hello) Append(b []byte) []byte {
	b = append(b, magic...)
	b = append(b, h.Version, h.Lowest)
	b = le.AppendUint16(b, helloBody)
	b = le.AppendUint32(b, uint32(h.Features))
	b = le.AppendUint32(b, h.Requests)
	return le.AppendUint32(b, h.Bytes)
}

// ParseHello reads a hello, which is to be all of b.
func ParseHello(b []byte) (Hello, error) {
	if len(b) < helloHead || string(b[:len(magic)]) != magic {
		return Hello{}, ErrProtocol
	}
	h := Hello{Version: b[4], Lowest: b[5]}
	if n := int(le.Uint16(b[6:])); n < helloBody || n > maxHello || n != len(b)-helloHead || h.Lowest > h.Version {
		return Hello{}, ErrProtocol
	}
	b = b[helloHead:]
	h.Features, h.Requests, h.Bytes = Features(le.Uint32(b)), le.Uint32(b[4:]), le.Uint32(b[8:])
	return h, nil
}

// readHello reads a hello and nothing behind it.
func readHello(r io.Reader) (Hello, error) {
	var b [helloHead + maxHello]byte
	// The version stands where every version has it: a side that is too old has said nothing more.
	if _, err := io.ReadFull(r, b[:len(magic)+1]); err != nil {
		return Hello{}, err
	}
	if string(b[:len(magic)]) != magic {
		return Hello{}, ErrProtocol
	}
	if v := b[len(magic)]; v < Lowest {
		return Hello{}, versionError(v, v)
	}
	if _, err := io.ReadFull(r, b[len(magic)+1:helloHead]); err != nil {
		return Hello{}, err
	}
	n := int(le.Uint16(b[6:]))
	if n > maxHello {
		return Hello{}, ErrProtocol
	}
	if _, err := io.ReadFull(r, b[helloHead:helloHead+n]); err != nil {
		return Hello{}, err
	}
	return ParseHello(b[:helloHead+n])
}

func versionError(low, high uint8) error {
	return fmt.Errorf("ipc: the other side speaks versions %d to %d, this one %d to %d: restart the daemons after an upgrade", low, high, Lowest, Version)
}

// greet sends ours and reads the other's. Both speak at once.
func greet(conn io.ReadWriter, ours Hello) (theirs Hello, err error) {
	ours.Version, ours.Lowest, ours.Features = Version, Lowest, ourFeatures
	if _, ok := conn.(*net.UnixConn); !ok { // no descriptor can go by it
		ours.Features &^= FeatureRegion
	}
	if _, err = conn.Write(ours.Append(nil)); err != nil {
		return Hello{}, err
	}
	if theirs, err = readHello(conn); err != nil {
		return Hello{}, err
	}
	if theirs.Lowest > Version || theirs.Version < Lowest {
		return Hello{}, versionError(theirs.Lowest, theirs.Version)
	}
	theirs.Features &= ours.Features
	return theirs, nil
}
