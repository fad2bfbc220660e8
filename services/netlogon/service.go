package netlogon

import (
	gen "lwio/gen/netlogon"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Config is what the service stands on. It needs nothing yet.
type Config struct{}

// Service implements netlogon.
type Service struct {
	gen.UnimplementedLogonServer
}

var _ gen.LogonServer = (*Service)(nil)

// New makes the service.
func New(Config) *Service { return &Service{} }

const (
	accessDenied = uint32(nt.WErrAccessDenied)
	notSupported = uint32(nt.WErrNotSupported)
	noDomain     = uint32(nt.WErrNoSuchDomain)
	noServers    = uint32(nt.WErrNoLogonServers)
	invalidLevel = uint32(nt.WErrInvalidLevel)
)

// refused is the status of operations for controllers.
func refused() int32 { return status(nt.StatusNotSupported) }

func status(s nt.Status) int32 { return int32(s) }

// answer is the result for who is authenticated; others are denied.
func answer(call *rpc.Call, result uint32) uint32 {
	if !call.Token.HasSID(nt.SIDAuthenticatedUsers) && !call.Token.IsSystem() {
		return accessDenied
	}
	return result
}
