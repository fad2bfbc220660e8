package epmapper

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Protocol identifiers, the first octet of a floor's left side (C706 appendix I, MS-RPCE 2.2.1.2.3).
const (
	FloorTCP       = 0x07
	FloorIP        = 0x09
	FloorNCACN     = 0x0B // connection-oriented RPC
	FloorNCALRPC   = 0x0C
	FloorUUID      = 0x0D
	FloorSMB       = 0x0F // the name of a pipe
	FloorNamedPipe = 0x10 // the name of a local endpoint
	FloorNetBIOS   = 0x11
)

// Floor is one floor of a tower: which protocol, and its address there.
type Floor struct{ Left, Right []byte }

// Protocol is the protocol identifier; 0 where there is none.
func (f Floor) Protocol() byte {
	if len(f.Left) == 0 {
		return 0
	}
	return f.Left[0]
}

// Tower says how an interface is reached (C706 appendix L): the interface, the transfer syntax, and the protocols below with their addresses.
type Tower []Floor

// ErrTower is what the errors about towers wrap.
var ErrTower = errors.New("epmapper: malformed tower")

const (
	maxFloors = 16
	maxTower  = 2000 // octets, as ept_map takes them
)

// ParseTower parses the octet string of a twr_t, all of it.
func ParseTower(b []byte) (Tower, error) {
	if len(b) < 2 || len(b) > maxTower {
		return nil, fmt.Errorf("%w: %d octets", ErrTower, len(b))
	}
	n := int(binary.LittleEndian.Uint16(b))
	if b = b[2:]; n > maxFloors || 4*n > len(b) {
		return nil, fmt.Errorf("%w: %d floors in %d octets", ErrTower, n, len(b))
	}
	side := func() ([]byte, bool) {
		if len(b) < 2 {
			return nil, false
		}
		k := int(binary.LittleEndian.Uint16(b))
		if b = b[2:]; k > len(b) {
			return nil, false
		}
		v := b[:k:k]
		b = b[k:]
		return v, true
	}
	t := make(Tower, n)
	for i := range t {
		var left, right bool
		if t[i].Left, left = side(); left {
			t[i].Right, right = side()
		}
		if !right {
			return nil, fmt.Errorf("%w: floor %d is cut off", ErrTower, i+1)
		}
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%w: %d octets behind the floors", ErrTower, len(b))
	}
	return t, nil
}

// Append appends the octet string.
func (t Tower) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(t)))
	for _, f := range t {
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(f.Left))), f.Left...)
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(f.Right))), f.Right...)
	}
	return b
}

// Syntax is an interface or a transfer syntax with its version.
type Syntax struct {
	UUID         nt.GUID
	Major, Minor uint16
}

// NDR is the transfer syntax that every interface of this runtime is served in (C706 14).
var NDR = Syntax{nt.MustGUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2, 0}

// SyntaxOf is the syntax of an interface.
func SyntaxOf(i *rpc.Interface) Syntax { return Syntax{i.UUID, i.Major, i.Minor} }

func (s Syntax) floor() Floor {
	left := append([]byte{FloorUUID}, s.UUID[:]...)
	return Floor{binary.LittleEndian.AppendUint16(left, s.Major), binary.LittleEndian.AppendUint16(nil, s.Minor)}
}

// syntax reads a floor of an interface or transfer syntax.
func (f Floor) syntax() (Syntax, bool) {
	if f.Protocol() != FloorUUID || len(f.Left) != 19 || len(f.Right) != 2 {
		return Syntax{}, false
	}
	return Syntax{nt.GUID(f.Left[1:17]), binary.LittleEndian.Uint16(f.Left[17:]), binary.LittleEndian.Uint16(f.Right)}, true
}

// Interface is the interface that the tower leads to.
func (t Tower) Interface() (Syntax, bool) {
	if len(t) == 0 {
		return Syntax{}, false
	}
	return t[0].syntax()
}

// Endpoint is a tower of a protocol that this runtime has.
type Endpoint struct {
	Interface Syntax
	Transfer  Syntax // NDR if zero
	Transport rpc.Transport
	Host      string // of ncacn_ip_tcp an IPv4 address, of ncacn_np a NetBIOS name; empty for any
	Endpoint  string // a port, `\pipe\name`, or the name of a local endpoint
}

// Tower builds the tower. An endpoint that is empty is one to be filled in by ept_map.
func (e *Endpoint) Tower() (Tower, error) {
	transfer := e.Transfer
	if transfer == (Syntax{}) {
		transfer = NDR
	}
	t := Tower{e.Interface.floor(), transfer.floor()}
	text := func(s string) []byte { return append([]byte(s), 0) }
	minor := []byte{0, 0}
	switch e.Transport {
	case rpc.TransportTCP:
		port, err := strconv.ParseUint("0"+e.Endpoint, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("epmapper: endpoint %q is no port", e.Endpoint)
		}
		var ip [4]byte
		if a, err := netip.ParseAddr(e.Host); err == nil && a.Unmap().Is4() {
			ip = a.Unmap().As4()
		}
		return append(t, Floor{[]byte{FloorNCACN}, minor}, Floor{[]byte{FloorTCP}, binary.BigEndian.AppendUint16(nil, uint16(port))},
			Floor{[]byte{FloorIP}, ip[:]}), nil
	case rpc.TransportNamedPipe:
		host := e.Host
		if host != "" && !strings.HasPrefix(host, `\\`) {
			host = `\\` + host
		}
		return append(t, Floor{[]byte{FloorNCACN}, minor}, Floor{[]byte{FloorSMB}, text(e.Endpoint)}, Floor{[]byte{FloorNetBIOS}, text(host)}), nil
	case rpc.TransportLocal:
		return append(t, Floor{[]byte{FloorNCALRPC}, minor}, Floor{[]byte{FloorNamedPipe}, text(e.Endpoint)}), nil
	}
	return nil, fmt.Errorf("epmapper: there is no tower of %q", e.Transport)
}

// transportOf is the transport of the floors below the syntaxes, whatever their addresses are.
func (t Tower) transport() rpc.Transport {
	is := func(protocols ...byte) bool {
		if len(t) < 2+len(protocols) {
			return false
		}
		for i, p := range protocols {
			if t[2+i].Protocol() != p {
				return false
			}
		}
		return true
	}
	switch {
	case is(FloorNCACN, FloorTCP):
		return rpc.TransportTCP
	case is(FloorNCACN, FloorSMB):
		return rpc.TransportNamedPipe
	case is(FloorNCALRPC):
		return rpc.TransportLocal
	}
	return ""
}

// ParseEndpoint reads a tower of one of the protocols that this runtime has.
func ParseEndpoint(t Tower) (Endpoint, error) {
	e := Endpoint{Transport: t.transport()}
	if e.Transport == "" || len(t) < 4 {
		return e, fmt.Errorf("%w: no protocol that is known", ErrTower)
	}
	var a, b bool
	e.Interface, a = t[0].syntax()
	e.Transfer, b = t[1].syntax()
	if !a || !b {
		return e, fmt.Errorf("%w: no interface", ErrTower)
	}
	text := func(b []byte) string { s, _, _ := strings.Cut(string(b), "\x00"); return s }
	switch address := t[3].Right; e.Transport {
	case rpc.TransportTCP:
		if len(address) != 2 {
			return e, fmt.Errorf("%w: a port of %d octets", ErrTower, len(address))
		}
		e.Endpoint = strconv.Itoa(int(binary.BigEndian.Uint16(address)))
		if len(t) > 4 && t[4].Protocol() == FloorIP && len(t[4].Right) == 4 {
			e.Host = netip.AddrFrom4([4]byte(t[4].Right)).String()
		}
	default:
		e.Endpoint = text(address)
		if len(t) > 4 && t[4].Protocol() == FloorNetBIOS {
			e.Host = strings.TrimLeft(text(t[4].Right), `\`)
		}
	}
	return e, nil
}

// at is the tower with the address filled in where it says any.
func (t Tower) at(address string) Tower {
	if len(t) < 5 || t[4].Protocol() != FloorIP || string(t[4].Right) != "\x00\x00\x00\x00" {
		return t
	}
	a, err := netip.ParseAddr(address)
	if err != nil || !a.Unmap().Is4() {
		return t
	}
	ip := a.Unmap().As4()
	out := append(Tower(nil), t...)
	out[4].Right = ip[:]
	return out
}
