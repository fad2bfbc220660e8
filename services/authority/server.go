package authority

import (
	"context"

	gen "lwio/gen/authority"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/server"
)

// Pipe is the name of the pipe that the interface is served on.
const Pipe = "authority"

// PipeSecurity is the descriptor of the pipe: for LocalSystem and administrators alone.
const PipeSecurity = "O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)"

// Config configures the server's side.
type Config struct {
	// Authority answers. It is needed.
	Authority auth.Authority
	// TokenForUID makes the token of a process of this host. Nil answers nt.StatusNotSupported.
	TokenForUID func(uid, gid uint32) *nt.Token
	// Membership is that of a domain, for the daemon that takes the tickets. Nil is in none.
	Membership func() Membership
}

// Server is the service.
type Server struct{ cfg Config }

var _ gen.AuthorityServer = (*Server)(nil)

// New makes the service. It panics without an Authority.
func New(cfg Config) *Server {
	if cfg.Authority == nil {
		panic("authority: Config without an Authority")
	}
	return &Server{cfg}
}

// Register offers the interface on an RPC server.
func (s *Server) Register(r *server.Server, opts ...server.Option) error {
	return r.Register(gen.AuthorityInterface, s, opts...)
}

// admit refuses callers that are not local administrators, which LocalSystem, root and the daemon's own user are.
func admit(call *rpc.Call) error {
	if call.Transport == rpc.TransportLocal && call.Token != nil && !call.Token.Anonymous && call.Token.IsAdmin() {
		return nil
	}
	return rpc.FaultAccessDenied
}

// ret is a status as the interface returns it.
func ret(s nt.Status) int32 { return int32(s) }

// result is the status of an error of the authority. The end of the caller's own context is a fault.
func result(ctx context.Context, err error) (int32, error) {
	if err != nil && ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return ret(nt.StatusOf(err)), nil
}

// AuthorityVerifyNTLM verifies a response.
func (s *Server) AuthorityVerifyNTLM(ctx context.Context, call *rpc.Call, in *gen.AuthorityVerifyNTLMRequest) (*gen.AuthorityVerifyNTLMResponse, error) {
	if err := admit(call); err != nil {
		return nil, err
	}
	out := &gen.AuthorityVerifyNTLMResponse{}
	l, err := s.cfg.Authority.VerifyNTLM(ctx, fromLogon(&in.Logon))
	if err == nil {
		t := toToken(l.Token)
		if t == nil {
			return &gen.AuthorityVerifyNTLMResponse{Return: ret(tooManyGroups)}, nil
		}
		out.Verified = &gen.AUTHORITY_LOGON{Token: t, SessionBaseKey: l.SessionBaseKey}
	}
	out.Return, err = result(ctx, err)
	return out, err
}

const tooManyGroups = nt.StatusInsufficientResources

// AuthorityAuthorize makes the token of a principal.
func (s *Server) AuthorityAuthorize(ctx context.Context, call *rpc.Call, in *gen.AuthorityAuthorizeRequest) (*gen.AuthorityAuthorizeResponse, error) {
	if err := admit(call); err != nil {
		return nil, err
	}
	p, err := fromPrincipal(&in.Principal)
	if err != nil {
		return &gen.AuthorityAuthorizeResponse{Return: ret(nt.StatusInvalidParameter)}, nil
	}
	t, err := s.cfg.Authority.Authorize(ctx, p)
	out := &gen.AuthorityAuthorizeResponse{}
	if err == nil {
		if out.Token = toToken(t); out.Token == nil {
			out.Return = ret(tooManyGroups)
			return out, nil
		}
	}
	out.Return, err = result(ctx, err)
	return out, err
}

// AuthorityLookupNames resolves names.
func (s *Server) AuthorityLookupNames(ctx context.Context, call *rpc.Call, in *gen.AuthorityLookupNamesRequest) (*gen.AuthorityLookupNamesResponse, error) {
	if err := admit(call); err != nil {
		return nil, err
	}
	names := make([]string, len(in.Names.Names))
	for i := range names {
		names[i] = in.Names.Names[i].String()
	}
	ids, err := s.cfg.Authority.LookupNames(ctx, names)
	out := &gen.AuthorityLookupNamesResponse{}
	if err == nil {
		out.Identities = toIdentities(ids)
	}
	out.Return, err = result(ctx, err)
	return out, err
}

// AuthorityLookupSIDs resolves SIDs.
func (s *Server) AuthorityLookupSIDs(ctx context.Context, call *rpc.Call, in *gen.AuthorityLookupSIDsRequest) (*gen.AuthorityLookupSIDsResponse, error) {
	if err := admit(call); err != nil {
		return nil, err
	}
	var d sids
	wanted := make([]nt.SID, len(in.Sids.Sids))
	for i := range wanted {
		wanted[i] = d.sid(in.Sids.Sids[i].Sid)
	}
	if d.err != nil {
		return &gen.AuthorityLookupSIDsResponse{Return: ret(nt.StatusInvalidParameter)}, nil
	}
	ids, err := s.cfg.Authority.LookupSIDs(ctx, wanted)
	out := &gen.AuthorityLookupSIDsResponse{}
	if err == nil {
		out.Identities = toIdentities(ids)
	}
	out.Return, err = result(ctx, err)
	return out, err
}

// AuthorityHost says who the host is.
func (s *Server) AuthorityHost(_ context.Context, call *rpc.Call, _ *gen.AuthorityHostRequest) (*gen.AuthorityHostResponse, error) {
	if err := admit(call); err != nil {
		return nil, err
	}
	return &gen.AuthorityHostResponse{Host: toHost(s.cfg.Authority.Host())}, nil
}

// AuthorityTokenForUID makes the token of a process.
func (s *Server) AuthorityTokenForUID(_ context.Context, call *rpc.Call, in *gen.AuthorityTokenForUIDRequest) (*gen.AuthorityTokenForUIDResponse, error) {
	if err := admit(call); err != nil {
		return nil, err
	}
	if s.cfg.TokenForUID == nil {
		return &gen.AuthorityTokenForUIDResponse{Return: ret(nt.StatusNotSupported)}, nil
	}
	return &gen.AuthorityTokenForUIDResponse{Token: toToken(s.cfg.TokenForUID(in.Uid, in.Gid))}, nil
}

// AuthorityMembership tells of the membership of a domain.
func (s *Server) AuthorityMembership(_ context.Context, call *rpc.Call, in *gen.AuthorityMembershipRequest) (*gen.AuthorityMembershipResponse, error) {
	if err := admit(call); err != nil {
		return nil, err
	}
	var m Membership
	if s.cfg.Membership != nil {
		m = s.cfg.Membership()
	}
	out := &gen.AuthorityMembershipResponse{}
	if x := toMembership(&m); x.Revision != in.Known {
		out.Membership = x
	}
	return out, nil
}
