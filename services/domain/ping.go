package domain

import (
	"encoding/binary"
	"errors"
	"strings"

	"lwio/iomgr/nt"
)

// Flags of a controller (DS_FLAG, MS-ADTS 6.3.1.2).
const (
	FlagPDC      = 0x00000001
	FlagGC       = 0x00000004
	FlagLDAP     = 0x00000008
	FlagKDC      = 0x00000020
	FlagClosest  = 0x00000080
	FlagWritable = 0x00000100
)

// Ping is what a controller says of itself (NETLOGON_SAM_LOGON_RESPONSE_EX, MS-ADTS 6.3.1.9).
type Ping struct {
	Opcode     uint16
	Flags      uint32
	GUID       nt.GUID // of the domain
	Forest     string
	DNSDomain  string
	DNSHost    string
	Domain     string // NetBIOS
	Computer   string // NetBIOS
	User       string
	Site       string // of the controller
	ClientSite string
	Version    uint32
}

const (
	opcodeResponseEx = 23 // LOGON_SAM_LOGON_RESPONSE_EX; others tell of no account or of a pause
	opcodePauseEx    = 24
	opcodeUnknownEx  = 25
)

var errPing = errors.New("domain: malformed answer to a ping")

// ParsePing parses the value of the attribute Netlogon.
func ParsePing(b []byte) (p Ping, err error) {
	if len(b) < 24 {
		return p, errPing
	}
	p.Opcode = binary.LittleEndian.Uint16(b)
	if p.Opcode < opcodeResponseEx || p.Opcode > opcodeUnknownEx {
		return Ping{}, errPing
	}
	p.Flags = binary.LittleEndian.Uint32(b[4:])
	copy(p.GUID[:], b[8:24])
	at := 24
	for _, to := range []*string{&p.Forest, &p.DNSDomain, &p.DNSHost, &p.Domain, &p.Computer, &p.User, &p.Site, &p.ClientSite} {
		if *to, at = compressedName(b, at); at < 0 {
			return Ping{}, errPing
		}
	}
	if len(b)-at < 8 {
		return Ping{}, errPing
	}
	p.Version = binary.LittleEndian.Uint32(b[len(b)-8:]) // before it may stand what newer versions were asked for
	return p, nil
}

// Append appends the answer, without compression.
func (p *Ping) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, p.Opcode)
	b = append(b, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, p.Flags)
	b = append(b, p.GUID[:]...)
	for _, name := range []string{p.Forest, p.DNSDomain, p.DNSHost, p.Domain, p.Computer, p.User, p.Site, p.ClientSite} {
		if name != "" {
			for label := range strings.SplitSeq(name, ".") {
				b = append(append(b, byte(len(label))), label...)
			}
		}
		b = append(b, 0)
	}
	b = binary.LittleEndian.AppendUint32(b, p.Version)
	return append(b, 0xFF, 0xFF, 0xFF, 0xFF)
}

// maxDNSName bounds a name and the labels that pointers lead to (RFC 1035 3.1).
const maxDNSName = 255

// compressedName reads a name (RFC 1035 4.1.4) and gives what follows it; -1 for none. A pointer leads backwards only, so that reading ends.
func compressedName(b []byte, at int) (string, int) {
	var name []byte
	next, bound := -1, at
	for {
		if at >= len(b) {
			return "", -1
		}
		n := int(b[at])
		switch {
		case n == 0:
			if next < 0 {
				next = at + 1
			}
			return string(name), next
		case n&0xC0 == 0xC0:
			if at+1 >= len(b) {
				return "", -1
			}
			to := (n&0x3F)<<8 | int(b[at+1])
			if to >= bound {
				return "", -1
			}
			if next < 0 {
				next = at + 2
			}
			at, bound = to, to
			continue
		case n&0xC0 != 0 || at+1+n > len(b) || len(name)+1+n > maxDNSName:
			return "", -1
		}
		label := b[at+1 : at+1+n]
		for _, c := range label {
			if c == 0 || c == '.' { // of a name with those nothing comes out that goes in
				return "", -1
			}
		}
		if name != nil {
			name = append(name, '.')
		}
		name = append(name, label...)
		at += 1 + n
	}
}
