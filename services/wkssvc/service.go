package wkssvc

import (
	"context"
	"log/slog"

	gen "lwio/gen/wkssvc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// Config is what the service stands on.
type Config struct {
	// Authority names the host and its domain. It is required.
	Authority auth.Authority
	// Workgroup is the workgroup of a host that is in no domain. Empty means WORKGROUP.
	Workgroup string
	// VersionMajor and VersionMinor are what the host says it is. Default 10.0.
	VersionMajor, VersionMinor uint32
	// Users lists who is logged on, in any order; one user may be there several times. Nil means that there is nobody.
	Users func(context.Context) ([]User, error)
	// Transports lists the networks that the host serves on, in an order that stays. Nil means that there are none.
	Transports func(context.Context) ([]Transport, error)
	// Workstation keeps what is set. Nil means settings that are kept in memory.
	Workstation *state.Workstation
	// Log takes messages that administrators send. Nil means slog.Default().
	Log *slog.Logger
}

// User is one logon.
type User struct {
	Name   string
	Domain string // NetBIOS name
	Server string // NetBIOS name of the host that let the user in; empty if unknown
}

// Transport is one network that the host serves on.
type Transport struct {
	Name     string // of the device: \Device\NetBT_Tcpip_{…}
	Address  string // of the adapter, twelve hexadecimal digits
	Circuits uint32 // virtual circuits that clients have now
}

// Service implements wkssvc.
type Service struct {
	gen.UnimplementedWkssvcServer
	cfg     Config
	started nt.Time
	uses    uses
}

var _ gen.WkssvcServer = (*Service)(nil)

// New makes the service.
func New(cfg Config) *Service {
	if cfg.Workgroup == "" {
		cfg.Workgroup = "WORKGROUP"
	}
	if cfg.VersionMajor == 0 {
		cfg.VersionMajor, cfg.VersionMinor = 10, 0
	}
	if cfg.Users == nil {
		cfg.Users = func(context.Context) ([]User, error) { return nil, nil }
	}
	if cfg.Transports == nil {
		cfg.Transports = func(context.Context) ([]Transport, error) { return nil, nil }
	}
	if cfg.Workstation == nil {
		w, err := state.NewWorkstation(context.Background(), state.NewMemory())
		if err != nil {
			panic(err) // an empty store in memory
		}
		cfg.Workstation = w
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Service{cfg: cfg, started: nt.NowTime()}
}

const (
	success          = uint32(nt.WErrSuccess)
	accessDenied     = uint32(nt.WErrAccessDenied)
	invalidLevel     = uint32(nt.WErrInvalidLevel)
	invalidParameter = uint32(nt.WErrInvalidParameter)
	notSupported     = uint32(nt.WErrNotSupported)
	moreData         = uint32(nt.WErrMoreData)
	bufTooSmall      = uint32(nt.NErrBufTooSmall)
	platformIDNT     = 500 // MS-WKST 2.2.1.2
	allCircuits      = 0xFFFF
	routableAsWAN    = 0x400 // what Windows sends of TCP
)

// failed is the result of a call that could not find out what it should tell.
func failed(err error) uint32 { return uint32(nt.StatusOf(err).Win32()) }

func isAuthenticated(call *rpc.Call) bool {
	return call.Token.HasSID(nt.SIDAuthenticatedUsers) || call.Token.IsSystem()
}

// langroup is the domain that the host is in, or else its workgroup.
func (s *Service) langroup() string {
	if s.isMember() {
		return s.cfg.Authority.Host().Domain
	}
	return s.cfg.Workgroup
}
