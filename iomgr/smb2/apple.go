package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// AppleServerQuery is the one command of an AAPL create context that clients need: what kind of server is this?
const AppleServerQuery uint32 = 1

// Parts of the answer to an AppleServerQuery that a client asks for.
const (
	AppleServerCapabilities uint64 = 1
	AppleVolumeCapabilities uint64 = 2
	AppleModelInfo          uint64 = 4
)

// Capabilities of server and volume.
const (
	AppleReadDirAttributes uint64 = 1 // listings carry Unix modes and Finder information
	AppleCopyFile          uint64 = 2
	AppleUnixBased         uint64 = 4
	AppleNFSACE            uint64 = 8

	AppleResolveID     uint64 = 1
	AppleCaseSensitive uint64 = 2
	AppleFullSync      uint64 = 4 // FLUSH reaches the disk
)

// AppleQuery is the Data of a request's AAPL: the extension of macOS, described by Apple's client alone.
type AppleQuery struct {
	Command            uint32
	Wanted             uint64 // AppleServerCapabilities …
	ClientCapabilities uint64
}

// ParseAppleQuery reads it.
func ParseAppleQuery(b []byte) (AppleQuery, error) {
	if len(b) < 24 {
		return AppleQuery{}, short("AAPL request", len(b), 24)
	}
	return AppleQuery{Command: le.Uint32(b), Wanted: le.Uint64(b[8:]), ClientCapabilities: le.Uint64(b[16:])}, nil
}

// Append writes the Data after b.
func (q *AppleQuery) Append(b []byte) []byte {
	b = le.AppendUint64(b, uint64(q.Command))
	b = le.AppendUint64(b, q.Wanted)
	return le.AppendUint64(b, q.ClientCapabilities)
}

// AppleReply is the Data of a response's AAPL. Of the last three fields those are there that Given names.
type AppleReply struct {
	Command            uint32
	Given              uint64
	ServerCapabilities uint64
	VolumeCapabilities uint64
	Model              string
}

// ParseAppleReply reads it.
func ParseAppleReply(b []byte) (AppleReply, error) {
	const what = "AAPL response"
	if len(b) < 16 {
		return AppleReply{}, short(what, len(b), 16)
	}
	r := AppleReply{Command: le.Uint32(b), Given: le.Uint64(b[8:])}
	b = b[16:]
	for _, f := range []struct {
		bit uint64
		v   *uint64
	}{{AppleServerCapabilities, &r.ServerCapabilities}, {AppleVolumeCapabilities, &r.VolumeCapabilities}} {
		if r.Given&f.bit == 0 {
			continue
		}
		if len(b) < 8 {
			return AppleReply{}, short(what, len(b), 8)
		}
		*f.v, b = le.Uint64(b), b[8:]
	}
	if r.Given&AppleModelInfo != 0 {
		if len(b) < 8 {
			return AppleReply{}, short(what, len(b), 8)
		}
		n := uint64(le.Uint32(b[4:]))
		if n%2 != 0 || n > uint64(len(b)-8) {
			return AppleReply{}, fmt.Errorf("%s: Model: %w: %d of %d", what, ErrBounds, n, len(b)-8)
		}
		r.Model = nt.DecodeUTF16(b[8 : 8+n])
	}
	return r, nil
}

// Append writes the Data after b.
func (r *AppleReply) Append(b []byte) []byte {
	b = le.AppendUint64(b, uint64(r.Command))
	b = le.AppendUint64(b, r.Given)
	if r.Given&AppleServerCapabilities != 0 {
		b = le.AppendUint64(b, r.ServerCapabilities)
	}
	if r.Given&AppleVolumeCapabilities != 0 {
		b = le.AppendUint64(b, r.VolumeCapabilities)
	}
	if r.Given&AppleModelInfo != 0 {
		b = le.AppendUint32(b, 0)
		b = le.AppendUint32(b, uint32(2*nt.UTF16Len(r.Model)))
		b = nt.AppendUTF16(b, r.Model)
	}
	return b
}
