package rpc

import "lwio/iomgr/nt"

// Transport is a protocol sequence (C706 appendix B, MS-RPCE 2.1).
type Transport string

const (
	TransportNamedPipe Transport = "ncacn_np"
	TransportTCP       Transport = "ncacn_ip_tcp"
	TransportLocal     Transport = "ncalrpc"
)

// AuthLevel is an authentication level (MS-RPCE 2.2.1.1.8).
type AuthLevel uint8

const (
	AuthLevelDefault      AuthLevel = 0
	AuthLevelNone         AuthLevel = 1
	AuthLevelConnect      AuthLevel = 2
	AuthLevelCall         AuthLevel = 3 // taken as AuthLevelPacket on a connection
	AuthLevelPacket       AuthLevel = 4
	AuthLevelPktIntegrity AuthLevel = 5
	AuthLevelPktPrivacy   AuthLevel = 6
)

var authLevelNames = [...]string{"default", "none", "connect", "call", "packet", "integrity", "privacy"}

// String is the level in a word.
func (l AuthLevel) String() string {
	if int(l) < len(authLevelNames) {
		return authLevelNames[l]
	}
	return "unknown"
}

// Authentication types: the security providers of MS-RPCE 2.2.1.1.7.
const (
	AuthTypeNone     uint8 = 0x00
	AuthTypeSPNEGO   uint8 = 0x09
	AuthTypeNTLM     uint8 = 0x0A
	AuthTypeTLS      uint8 = 0x0E
	AuthTypeKerberos uint8 = 0x10
	AuthTypeNetlogon uint8 = 0x44
	AuthTypeDefault  uint8 = 0xFF
)

// Call is one call as a server method sees it. It and what it points to are read-only to the method and valid until the
// method returns; the Token is immutable and may be kept.
type Call struct {
	Interface *Interface
	Opnum     uint16
	CallID    uint32
	Object    nt.GUID // the object UUID of the request, zero if it had none

	// Who calls. Token is of the RPC authentication where there was one, else of the transport; it is never nil.
	Token *nt.Token

	AuthType       uint8     // one of AuthType…; AuthTypeNone if only the transport authenticated
	AuthLevel      AuthLevel // AuthLevelNone if only the transport authenticated
	AuthSessionKey []byte    // of the RPC authentication, nil without one

	// Where the call came from.
	Transport     Transport
	Endpoint      string // as the server listens: `\pipe\srvsvc`, "49152"
	ClientAddress string // without port; empty for a local caller
	ServerAddress string // that the client connected to, without port; empty unless over TCP
	ClientName    string // what the client calls itself; empty if unknown
	SessionKey    []byte // of the transport (SMB: the application key), 16 bytes, nil if it has none

	// Handles holds the context handles of the association group.
	Handles *HandleTable
}
