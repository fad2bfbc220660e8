package nt

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// SID is a security identifier (MS-DTYP 2.4.2). It is immutable and comparable, so it serves as a map key;
// the zero value is "no SID".
type SID struct{ b string } // the binary form of MS-DTYP 2.4.2.2

const (
	sidRevision       = 1
	sidHeader         = 8
	maxSubAuthorities = 15
	maxAuthority      = 1<<48 - 1

	// MaxSIDSize is the size of the longest SID on the wire.
	MaxSIDSize = sidHeader + 4*maxSubAuthorities
)

// NewSID composes a SID that the program knows; it panics on what cannot be one. What comes from a peer goes
// through SIDFromParts.
func NewSID(authority uint64, sub ...uint32) SID {
	if authority > maxAuthority || len(sub) > maxSubAuthorities {
		panic("nt: not a SID: authority " + strconv.FormatUint(authority, 16) + " with " + strconv.Itoa(len(sub)) + " subauthorities")
	}
	var a [8]byte
	binary.BigEndian.PutUint64(a[:], authority)
	s, _ := SIDFromParts([6]byte(a[2:]), sub)
	return s
}

// SIDFromParts composes a SID from the parts that RPC_SID carries (MS-DTYP 2.4.2.3).
func SIDFromParts(authority [6]byte, sub []uint32) (SID, error) {
	if len(sub) > maxSubAuthorities {
		return SID{}, fmt.Errorf("SID with %d subauthorities, at most %d: %w", len(sub), maxSubAuthorities, StatusInvalidSid)
	}
	b := make([]byte, 2, MaxSIDSize)
	b[0], b[1] = sidRevision, byte(len(sub))
	b = append(b, authority[:]...)
	for _, v := range sub {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return SID{string(b)}, nil
}

// DecodeSID reads a SID from the front of b and says how many bytes it took.
func DecodeSID(b []byte) (SID, int, error) {
	n, err := sidSize(b)
	if err != nil {
		return SID{}, 0, err
	}
	return SID{string(b[:n])}, n, nil
}

func sidSize(b []byte) (int, error) {
	if len(b) < sidHeader {
		return 0, fmt.Errorf("SID of %d bytes: %w", len(b), StatusInvalidSid)
	}
	if b[0] != sidRevision || b[1] > maxSubAuthorities {
		return 0, fmt.Errorf("SID of revision %d with %d subauthorities: %w", b[0], b[1], StatusInvalidSid)
	}
	n := sidHeader + 4*int(b[1])
	if len(b) < n {
		return 0, fmt.Errorf("SID of %d bytes, %d wanted: %w", len(b), n, StatusInvalidSid)
	}
	return n, nil
}

// ParseSID reads the string form of MS-DTYP 2.4.2.1: S-1-5-32-544. An authority of 2^32 and more is in
// hexadecimal.
func ParseSID(s string) (SID, error) {
	bad := func(why string) (SID, error) {
		return SID{}, fmt.Errorf("%.200q is not a SID: %s: %w", s, why, StatusInvalidSid)
	}
	if len(s) < 4 || s[0]|0x20 != 's' || s[1:4] != "-1-" {
		return bad("want S-1-authority-subauthority…")
	}
	first, rest, more := strings.Cut(s[4:], "-")
	var authority uint64
	var ok bool
	if len(first) > 2 && first[0] == '0' && first[1]|0x20 == 'x' {
		authority, ok = parseDigits(first[2:], 16, maxAuthority)
	} else {
		authority, ok = parseDigits(first, 10, maxAuthority)
	}
	if !ok {
		return bad("authority out of range")
	}
	var a [8]byte
	binary.BigEndian.PutUint64(a[:], authority)
	b := append(make([]byte, 0, MaxSIDSize), sidRevision, 0)
	b = append(b, a[2:]...)
	for more {
		var part string
		part, rest, more = strings.Cut(rest, "-")
		v, ok := parseDigits(part, 10, 1<<32-1)
		if !ok {
			return bad("subauthority out of range")
		}
		if b[1] == maxSubAuthorities {
			return bad("more than 15 subauthorities")
		}
		b[1]++
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return SID{string(b)}, nil
}

// parseDigits reads a number of digits only, up to max.
func parseDigits(s string, base int, max uint64) (uint64, bool) {
	v, err := strconv.ParseUint(s, base, 64)
	return v, err == nil && v <= max
}

// MustSID is ParseSID for constants; it panics on text that is not a SID.
func MustSID(s string) SID {
	sid, err := ParseSID(s)
	if err != nil {
		panic("nt: " + err.Error())
	}
	return sid
}

// String is the string form of MS-DTYP 2.4.2.1, empty for no SID.
func (s SID) String() string {
	if s.b == "" {
		return ""
	}
	b := append(make([]byte, 0, 64), "S-1-"...)
	if a := s.Authority(); a < 1<<32 {
		b = strconv.AppendUint(b, a, 10)
	} else {
		b = fmt.Appendf(b, "0x%012x", a)
	}
	for i := range s.SubAuthorityCount() {
		b = append(b, '-')
		b = strconv.AppendUint(b, uint64(s.SubAuthority(i)), 10)
	}
	return string(b)
}

// IsZero reports "no SID".
func (s SID) IsZero() bool { return s.b == "" }

// Size is the number of bytes Append writes.
func (s SID) Size() int { return len(s.b) }

// Append appends the binary form of MS-DTYP 2.4.2.2; nothing for no SID.
func (s SID) Append(b []byte) []byte { return append(b, s.b...) }

// Authority is the identifier authority.
func (s SID) Authority() uint64 {
	var a uint64
	if len(s.b) >= sidHeader {
		for i := 2; i < sidHeader; i++ {
			a = a<<8 | uint64(s.b[i])
		}
	}
	return a
}

// SubAuthorityCount is the number of subauthorities.
func (s SID) SubAuthorityCount() int {
	if s.b == "" {
		return 0
	}
	return int(s.b[1])
}

// SubAuthority is the i-th subauthority, counted from 0.
func (s SID) SubAuthority(i int) uint32 {
	p := s.b[sidHeader+4*i:]
	return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 | uint32(p[3])<<24
}

// RID is the last subauthority, 0 where there is none.
func (s SID) RID() uint32 {
	n := s.SubAuthorityCount()
	if n == 0 {
		return 0
	}
	return s.SubAuthority(n - 1)
}

// Domain is s without its last subauthority; no SID where s has none.
func (s SID) Domain() SID {
	n := s.SubAuthorityCount()
	if n == 0 {
		return SID{}
	}
	return SID{s.b[:1] + string([]byte{byte(n - 1)}) + s.b[2:len(s.b)-4]}
}

// Child is the SID of an account in the domain s; no SID where s is none or is full.
func (s SID) Child(rid uint32) SID {
	n := s.SubAuthorityCount()
	if s.b == "" || n == maxSubAuthorities {
		return SID{}
	}
	b := make([]byte, 0, MaxSIDSize)
	b = append(b, s.b...)
	b[1]++
	return SID{string(binary.LittleEndian.AppendUint32(b, rid))}
}

// IsChildOf reports whether s is an account in domain: domain and one subauthority more. It does not allocate.
func (s SID) IsChildOf(domain SID) bool {
	return domain.b != "" && len(s.b) == len(domain.b)+4 && s.b[2:len(domain.b)] == domain.b[2:]
}

// MarshalText is String, so that a SID reads well in JSON and TOML.
func (s SID) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is ParseSID; empty text is no SID.
func (s *SID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*s = SID{}
		return nil
	}
	sid, err := ParseSID(string(b))
	if err != nil {
		return err
	}
	*s = sid
	return nil
}
