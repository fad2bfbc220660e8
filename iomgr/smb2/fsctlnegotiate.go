package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// ValidateNegotiateInfoRequest is the input of FSCTL_VALIDATE_NEGOTIATE_INFO (MS-SMB2 2.2.31.4).
type ValidateNegotiateInfoRequest struct {
	Capabilities uint32
	GUID         nt.GUID
	SecurityMode uint16
	Dialects     []Dialect
}

// ParseValidateNegotiateInfoRequest reads the input.
func ParseValidateNegotiateInfoRequest(b []byte) (ValidateNegotiateInfoRequest, error) {
	if len(b) < 24 {
		return ValidateNegotiateInfoRequest{}, short("validate negotiate info request", len(b), 24)
	}
	d, err := ids16[Dialect](b[24:], int(le.Uint16(b[22:])), "validate negotiate info request: DialectCount")
	if err != nil {
		return ValidateNegotiateInfoRequest{}, err
	}
	return ValidateNegotiateInfoRequest{
		Capabilities: le.Uint32(b),
		GUID:         nt.GUID(b[4:20]),
		SecurityMode: le.Uint16(b[20:]),
		Dialects:     d,
	}, nil
}

// Append writes the input after b.
func (r *ValidateNegotiateInfoRequest) Append(b []byte) []byte {
	b = le.AppendUint32(b, r.Capabilities)
	b = append(b, r.GUID[:]...)
	b = le.AppendUint16(b, r.SecurityMode)
	b = le.AppendUint16(b, uint16(len(r.Dialects)))
	return appendIDs16(b, r.Dialects)
}

// ValidateNegotiateInfoResponse is the output of FSCTL_VALIDATE_NEGOTIATE_INFO (MS-SMB2 2.2.32.6).
type ValidateNegotiateInfoResponse struct {
	Capabilities uint32
	GUID         nt.GUID
	SecurityMode uint16
	Dialect      Dialect
}

// ParseValidateNegotiateInfoResponse reads the output.
func ParseValidateNegotiateInfoResponse(b []byte) (ValidateNegotiateInfoResponse, error) {
	if len(b) < 24 {
		return ValidateNegotiateInfoResponse{}, short("validate negotiate info response", len(b), 24)
	}
	return ValidateNegotiateInfoResponse{
		Capabilities: le.Uint32(b),
		GUID:         nt.GUID(b[4:20]),
		SecurityMode: le.Uint16(b[20:]),
		Dialect:      Dialect(le.Uint16(b[22:])),
	}, nil
}

// Append writes the output after b.
func (r *ValidateNegotiateInfoResponse) Append(b []byte) []byte {
	b = le.AppendUint32(b, r.Capabilities)
	b = append(b, r.GUID[:]...)
	b = le.AppendUint16(b, r.SecurityMode)
	return le.AppendUint16(b, uint16(r.Dialect))
}

// Capabilities of a NetworkInterfaceInfo.
const (
	InterfaceRSSCapable  uint32 = 0x00000001
	InterfaceRDMACapable uint32 = 0x00000002
)

// Families of a NetworkInterfaceInfo's socket address (MS-SMB2 2.2.32.5.1).
const (
	familyIPv4 = 0x0002
	familyIPv6 = 0x0017
)

const networkInterfaceInfoSize = 152

// NetworkInterfaceInfo is a NETWORK_INTERFACE_INFO (MS-SMB2 2.2.32.5): one address of one interface.
type NetworkInterfaceInfo struct {
	IfIndex    uint32
	Capability uint32
	LinkSpeed  uint64 // bits a second
	IPv6       bool
	Port       uint16
	IP         [16]byte // an IPv4 address is in the first four bytes
	FlowInfo   uint32   // IPv6
	ScopeID    uint32   // IPv6
}

// ParseNetworkInterfaces reads the output of FSCTL_QUERY_NETWORK_INTERFACE_INFO.
func ParseNetworkInterfaces(b []byte) ([]NetworkInterfaceInfo, error) {
	const what = "network interface info"
	var list []NetworkInterfaceInfo
	for len(b) > 0 {
		if len(b) < networkInterfaceInfoSize {
			return nil, short(what, len(b), networkInterfaceInfoSize)
		}
		n := NetworkInterfaceInfo{
			IfIndex:    le.Uint32(b[4:]),
			Capability: le.Uint32(b[8:]),
			LinkSpeed:  le.Uint64(b[16:]),
			Port:       uint16(b[26])<<8 | uint16(b[27]), // network order, as in a sockaddr
		}
		switch f := le.Uint16(b[24:]); f {
		case familyIPv4:
			copy(n.IP[:4], b[28:32])
		case familyIPv6:
			n.IPv6 = true
			n.FlowInfo = le.Uint32(b[28:])
			n.IP = [16]byte(b[32:48])
			n.ScopeID = le.Uint32(b[48:])
		default:
			return nil, fmt.Errorf("%s: Family: %w: %#x", what, ErrValue, f)
		}
		list = append(list, n)
		next := uint64(le.Uint32(b))
		if next == 0 {
			break
		}
		if next < networkInterfaceInfoSize || next >= uint64(len(b)) {
			return nil, fmt.Errorf("%s: Next: %w: %d of %d", what, ErrBounds, next, len(b))
		}
		b = b[next:]
	}
	return list, nil
}

// AppendNetworkInterfaces writes the output after b.
func AppendNetworkInterfaces(b []byte, list []NetworkInterfaceInfo) []byte {
	for i := range list {
		n := &list[i]
		var w [networkInterfaceInfoSize]byte
		if i < len(list)-1 {
			le.PutUint32(w[:], networkInterfaceInfoSize)
		}
		le.PutUint32(w[4:], n.IfIndex)
		le.PutUint32(w[8:], n.Capability)
		le.PutUint64(w[16:], n.LinkSpeed)
		w[26], w[27] = byte(n.Port>>8), byte(n.Port)
		if n.IPv6 {
			le.PutUint16(w[24:], familyIPv6)
			le.PutUint32(w[28:], n.FlowInfo)
			copy(w[32:48], n.IP[:])
			le.PutUint32(w[48:], n.ScopeID)
		} else {
			le.PutUint16(w[24:], familyIPv4)
			copy(w[28:32], n.IP[:4])
		}
		b = append(b, w[:]...)
	}
	return b
}
