// Package mgmt serves the remote management interface (C706 appendix Q), which a client may ask for on each endpoint of any RPC server: which
// interfaces there are, how many calls were made, and by what name to authenticate. It tells what any client could find out by binding, so it has no
// access check; what would change the server is refused to everybody.
//
//	s := server.New(server.Config{})
//	err := mgmt.Register(s, mgmt.Config{Principal: func(uint8) string { return "host/server.example.org" }})
//
// It is not for the program that runs the server: that asks the server.Server itself.
package mgmt

import (
	"context"

	gen "lwio/gen/mgmt"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/server"
)

// Config is how the service behaves. The zero value works.
type Config struct {
	// Principal is the name to authenticate to the server with, by auth type (rpc.AuthType…); empty if the server does not take the type.
	// Nil means that there is none.
	Principal func(authType uint8) string
}

// Statuses of the interface (MS-ERREF 2.2).
const (
	statusOK             = 0
	statusAccessDenied   = uint32(nt.WErrAccessDenied)
	statusBufferTooSmall = uint32(nt.WErrInsufficientBuffer)
	statusNoInterfaces   = 1817 // RPC_S_NO_INTERFACES
	statusUnknownService = 1747 // RPC_S_UNKNOWN_AUTHN_SERVICE
)

// Service implements mgmt for one server.
type Service struct {
	s   *server.Server
	cfg Config
}

var _ gen.MgmtServer = (*Service)(nil)

// New makes the service of a server, which it only reads.
func New(s *server.Server, cfg Config) *Service { return &Service{s, cfg} }

// Register makes the service of a server and offers it there.
func Register(s *server.Server, cfg Config) error {
	return s.Register(gen.MgmtInterface, New(s, cfg))
}

// RpcMgmtInqIfIds lists the interfaces of the server but for this one, which every server has.
func (m *Service) RpcMgmtInqIfIds(context.Context, *rpc.Call, *gen.RpcMgmtInqIfIdsRequest) (*gen.RpcMgmtInqIfIdsResponse, error) {
	v := &gen.RpcIfIdVectorT{}
	for _, i := range m.s.Interfaces() {
		if i.UUID != gen.MgmtInterface.UUID {
			v.IfId = append(v.IfId, &gen.RpcIfIdT{Uuid: i.UUID, VersMajor: i.Major, VersMinor: i.Minor})
		}
	}
	if len(v.IfId) == 0 {
		return &gen.RpcMgmtInqIfIdsResponse{Status: statusNoInterfaces}, nil
	}
	return &gen.RpcMgmtInqIfIdsResponse{IfIdVector: v}, nil
}

// RpcMgmtInqStats counts since the server began, modulo 2³²: as many counters as were asked for and there are. It makes no calls, so
// those that go out are 0.
func (m *Service) RpcMgmtInqStats(_ context.Context, _ *rpc.Call, in *gen.RpcMgmtInqStatsRequest) (*gen.RpcMgmtInqStatsResponse, error) {
	st := m.s.Stats()
	counts := [gen.RpcCStatsArrayMaxSize]uint32{
		gen.RpcCStatsCallsIn: uint32(st.Calls),
		gen.RpcCStatsPktsIn:  uint32(st.PDUsIn),
		gen.RpcCStatsPktsOut: uint32(st.PDUsOut),
	}
	return &gen.RpcMgmtInqStatsResponse{Statistics: counts[:min(in.Count, gen.RpcCStatsArrayMaxSize)]}, nil
}

// RpcMgmtIsServerListening says yes: the call came through.
func (*Service) RpcMgmtIsServerListening(context.Context, *rpc.Call, *gen.RpcMgmtIsServerListeningRequest) (*gen.RpcMgmtIsServerListeningResponse, error) {
	return &gen.RpcMgmtIsServerListeningResponse{Status: statusOK, Return: 1}, nil
}

// RpcMgmtStopServerListening is refused, as Windows refuses it to remote callers.
func (*Service) RpcMgmtStopServerListening(context.Context, *rpc.Call, *gen.RpcMgmtStopServerListeningRequest) (*gen.RpcMgmtStopServerListeningResponse, error) {
	return &gen.RpcMgmtStopServerListeningResponse{Status: statusAccessDenied}, nil
}

// RpcMgmtInqPrincName tells the name of Config.Principal, if it fits with its terminator. A size of 0, which holds no string at all, is
// rpc.FaultNDR, as Windows has it.
func (m *Service) RpcMgmtInqPrincName(_ context.Context, _ *rpc.Call, in *gen.RpcMgmtInqPrincNameRequest) (*gen.RpcMgmtInqPrincNameResponse, error) {
	if in.PrincNameSize == 0 {
		return nil, rpc.FaultNDR
	}
	name := ""
	if m.cfg.Principal != nil && in.AuthnProto <= 0xFF {
		name = m.cfg.Principal(uint8(in.AuthnProto))
	}
	switch {
	case name == "":
		return &gen.RpcMgmtInqPrincNameResponse{Status: statusUnknownService}, nil
	case len(name) >= int(in.PrincNameSize):
		return &gen.RpcMgmtInqPrincNameResponse{Status: statusBufferTooSmall}, nil
	}
	return &gen.RpcMgmtInqPrincNameResponse{PrincName: name}, nil
}
