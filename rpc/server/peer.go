package server

import (
	"net"

	"lwio/iomgr/nt"
	"lwio/rpc"
)

// peer is what the transport says of the other side. It is asked once a connection.
type peer struct {
	token      *nt.Token
	sessionKey []byte
	address    string
	server     string // address of ours that it connected to
	name       string
	transport  rpc.Transport
	endpoint   string
}

// anonymous is the caller whom nobody authenticated.
var anonymous = &nt.Token{
	User:      nt.SIDAnonymous,
	Groups:    []nt.Group{{SID: nt.SIDNetwork, Attributes: 7}},
	Anonymous: true,
	Account:   "ANONYMOUS LOGON",
	Domain:    "NT AUTHORITY",
}

// systemLibrary is the session key of transports that have none of their own, in Windows and in Samba: all servers share it, so that it protects nothing and
// fits everywhere. What is encrypted by it is to be sealed besides.
var systemLibrary = []byte("SystemLibraryDTC")

func newPeer(nc net.Conn) peer {
	p := peer{token: anonymous}
	if x, ok := nc.(interface{ Token() *nt.Token }); ok {
		if t := x.Token(); t != nil {
			p.token = t
		}
	}
	if x, ok := nc.(interface{ SessionKey() []byte }); ok {
		p.sessionKey = x.SessionKey()
	}
	if x, ok := nc.(interface{ ClientName() string }); ok {
		p.name = x.ClientName()
	}
	if x, ok := nc.(interface {
		Transport() (protseq, endpoint string)
	}); ok {
		t, e := x.Transport()
		p.transport, p.endpoint = rpc.Transport(t), e
	} else {
		p.transport, p.endpoint = transportOf(nc.LocalAddr())
	}
	if p.transport != rpc.TransportLocal {
		p.address = hostOf(nc.RemoteAddr())
	}
	if p.transport == rpc.TransportTCP {
		p.server = hostOf(nc.LocalAddr())
	}
	if p.transport != rpc.TransportNamedPipe && p.sessionKey == nil {
		p.sessionKey = systemLibrary
	}
	return p
}

// transportOf knows the addresses of package net.
func transportOf(a net.Addr) (rpc.Transport, string) {
	switch a := a.(type) {
	case *net.TCPAddr:
		_, port, _ := net.SplitHostPort(a.String())
		return rpc.TransportTCP, port
	case *net.UnixAddr:
		return rpc.TransportLocal, a.Name
	}
	return rpc.TransportLocal, ""
}

// hostOf is an address without its port.
func hostOf(a net.Addr) string {
	if a == nil {
		return ""
	}
	s := a.String()
	if host, _, err := net.SplitHostPort(s); err == nil {
		return host
	}
	return s
}
