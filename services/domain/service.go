package domain

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	gen "lwio/gen/domain"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
)

// Server serves lwio's own interface for the membership (idl/domain.idl): what `lwio domain` calls. Callers are local, and administrators.
type Server struct {
	m          *Member
	operations operations
}

var _ gen.DomainServer = (*Server)(nil)

// NewServer makes the service.
func NewServer(m *Member) *Server { return &Server{m: m} }

// Register offers the interface on an RPC server.
func (s *Server) Register(r *server.Server, opts ...server.Option) error {
	return r.Register(gen.DomainInterface, s, opts...)
}

func admitted(call *rpc.Call) bool {
	return call.Transport == rpc.TransportLocal && call.Token != nil && !call.Token.Anonymous && call.Token.IsAdmin()
}

const denied = int32(-0x3FFFFFDE) // STATUS_ACCESS_DENIED

// result is the status of a call.
func result(err error) int32 {
	if err == nil {
		return 0
	}
	return int32(uint32(nt.StatusOf(err)))
}

const maxSteps = 64

// collect makes a report of steps.
func collect(r *gen.DOMAIN_REPORT) func(Step) {
	return func(s Step) {
		if len(r.Steps) == maxSteps {
			return
		}
		x := gen.DOMAIN_STEP{Stage: s.Stage, Status: result(s.Err), Elapsed: uint32(min(s.Elapsed.Milliseconds(), 1<<31)), Text: optional(s.Text), Hint: optional(s.Hint)}
		r.Steps = append(r.Steps, x)
		r.Count = uint32(len(r.Steps))
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	s = strings.ReplaceAll(s, "\x00", "")
	return &s
}

// secret is a password's text.
func secret(p *gen.DOMAIN_PASSWORD) (string, bool) {
	return nt.DecodeUTF16(p.Data), len(p.Data)%2 == 0 && len(p.Data) <= 512
}

// DomainJoin joins.
func (s *Server) DomainJoin(ctx context.Context, call *rpc.Call, in *gen.DomainJoinRequest) (*gen.DomainJoinResponse, error) {
	out := &gen.DomainJoinResponse{Return: denied}
	password, ok := secret(&in.Password)
	switch {
	case !admitted(call):
	case !ok || in.Join.Flags&^gen.DOMAIN_DRY_RUN != 0:
		out.Return = result(nt.StatusInvalidParameter)
	default:
		s.m.cfg.Log.Info("join", "realm", ndr.Text(in.Join.Realm), "user", ndr.Text(in.Join.User), "by", call.Token.QualifiedName())
		report, end := s.watched(in.Join.Tag, &out.Report)
		defer end()
		err := s.m.Join(ctx, joinRequest(&in.Join, password), report)
		s.log("join failed", err)
		out.Return = result(err)
	}
	return out, nil
}

func joinRequest(j *gen.DOMAIN_JOIN, password string) JoinRequest {
	return JoinRequest{Realm: ndr.Text(j.Realm), User: ndr.Text(j.User), Password: password, Controller: ndr.Text(j.Controller), Computer: ndr.Text(j.Computer), OU: ndr.Text(j.Ou),
		DryRun: j.Flags&gen.DOMAIN_DRY_RUN != 0}
}

// DomainProvision makes the account of another computer.
func (s *Server) DomainProvision(ctx context.Context, call *rpc.Call, in *gen.DomainProvisionRequest) (*gen.DomainProvisionResponse, error) {
	out := &gen.DomainProvisionResponse{Return: denied}
	password, ok := secret(&in.Password)
	switch {
	case !admitted(call):
	case !ok || in.Join.Flags&^gen.DOMAIN_REUSE != 0:
		out.Return = result(nt.StatusInvalidParameter)
	default:
		s.m.cfg.Log.Info("provision", "realm", ndr.Text(in.Join.Realm), "user", ndr.Text(in.Join.User), "computer", ndr.Text(in.Join.Computer), "by", call.Token.QualifiedName())
		report, end := s.watched(in.Join.Tag, &out.Report)
		defer end()
		b, err := s.m.Provision(ctx, ProvisionRequest{joinRequest(&in.Join, password), in.Join.Flags&gen.DOMAIN_REUSE != 0}, report)
		s.log("provision failed", err)
		out.Return, out.Blob = result(err), gen.DOMAIN_BLOB{Length: uint32(len(b)), Data: b}
	}
	return out, nil
}

// DomainJoinOffline joins by what was provisioned.
func (s *Server) DomainJoinOffline(ctx context.Context, call *rpc.Call, in *gen.DomainJoinOfflineRequest) (*gen.DomainJoinOfflineResponse, error) {
	out := &gen.DomainJoinOfflineResponse{Return: denied}
	if admitted(call) {
		s.m.cfg.Log.Info("offline join", "by", call.Token.QualifiedName())
		report, end := s.watched(in.Tag, &out.Report)
		defer end()
		err := s.m.JoinOffline(ctx, in.Blob.Data, report)
		s.log("offline join failed", err)
		out.Return = result(err)
	}
	return out, nil
}

func (s *Server) log(what string, err error) {
	if err != nil {
		s.m.cfg.Log.Log(context.Background(), slog.LevelWarn, what, "err", err)
	}
}

// DomainLeave leaves.
func (s *Server) DomainLeave(ctx context.Context, call *rpc.Call, in *gen.DomainLeaveRequest) (*gen.DomainLeaveResponse, error) {
	out := &gen.DomainLeaveResponse{Return: denied}
	password, ok := secret(&in.Password)
	switch {
	case !admitted(call):
	case !ok || in.Flags&^(gen.DOMAIN_DELETE|gen.DOMAIN_FORCE) != 0:
		out.Return = result(nt.StatusInvalidParameter)
	default:
		report, end := s.watched(in.Tag, &out.Report)
		defer end()
		err := s.m.Leave(ctx, LeaveRequest{User: ndr.Text(in.User), Password: password, Delete: in.Flags&gen.DOMAIN_DELETE != 0, Force: in.Flags&gen.DOMAIN_FORCE != 0}, report)
		s.log("leave failed", err)
		out.Return = result(err)
	}
	return out, nil
}

// DomainStatus tells what is known without asking anybody.
func (s *Server) DomainStatus(_ context.Context, call *rpc.Call, _ *gen.DomainStatusRequest) (*gen.DomainStatusResponse, error) {
	out := &gen.DomainStatusResponse{Return: denied}
	if !admitted(call) {
		return out, nil
	}
	out.Return = 0
	acct := s.m.Account()
	if acct == nil {
		return out, nil
	}
	i := &out.Info
	i.Realm, i.Domain, i.Forest, i.Account, i.DnsName, i.Site = optional(acct.Realm), optional(acct.Domain), optional(acct.Forest), optional(acct.Name), optional(acct.DNSName), optional(acct.Site)
	i.DomainSid, i.Rid, i.Kvno, i.Joined = optional(acct.DomainSID.String()), acct.RID, acct.Password.KVNO, int64(acct.Joined)
	i.PasswordSet, i.Changing = int64(acct.Password.Set), uint32(boolOf(acct.Pending.Value != ""))
	if due := s.m.due(acct); !due.IsZero() {
		i.PasswordDue = int64(nt.TimeOf(due))
	}
	i.Controller, i.Directory = optional(acct.Controller), optional(acct.Directory)
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.m.channel != nil {
		i.Channel, i.Controller = 1, optional(s.m.channel.host)
	} else if s.m.failed != nil {
		i.LastError = optional(s.m.failed.Error())
	}
	return out, nil
}

// DomainVerify checks the membership.
func (s *Server) DomainVerify(ctx context.Context, call *rpc.Call, in *gen.DomainVerifyRequest) (*gen.DomainVerifyResponse, error) {
	out := &gen.DomainVerifyResponse{Return: denied}
	if admitted(call) {
		report, end := s.watched(in.Tag, &out.Report)
		defer end()
		out.Return = result(s.m.Verify(ctx, report))
	}
	return out, nil
}

// DomainRotatePassword changes the machine's password.
func (s *Server) DomainRotatePassword(ctx context.Context, call *rpc.Call, in *gen.DomainRotatePasswordRequest) (*gen.DomainRotatePasswordResponse, error) {
	out := &gen.DomainRotatePasswordResponse{Return: denied}
	if admitted(call) {
		report, end := s.watched(in.Tag, &out.Report)
		defer end()
		out.Return = result(s.m.Rotate(ctx, report))
	}
	return out, nil
}

// DomainControllers asks DNS and every controller.
func (s *Server) DomainControllers(ctx context.Context, call *rpc.Call, in *gen.DomainControllersRequest) (*gen.DomainControllersResponse, error) {
	out := &gen.DomainControllersResponse{Return: denied}
	if !admitted(call) {
		return out, nil
	}
	realm := ndr.Text(in.Realm)
	if realm == "" {
		acct := s.m.Account()
		if acct == nil {
			out.Return = result(errUnjoined)
			return out, nil
		}
		realm = acct.DNSDomain
	}
	list, err := s.m.cfg.Locator.All(ctx, realm)
	out.Return = result(err)
	for _, c := range list {
		x := gen.DOMAIN_CONTROLLER{Name: optional(c.Name), Address: optional(c.Address), Site: optional(c.Ping.Site), Flags: c.Ping.Flags, Elapsed: uint32(c.Elapsed.Microseconds())}
		if c.Err != nil {
			x.Problem = optional(problem(c.Err))
		}
		out.List.Controllers = append(out.List.Controllers, x)
	}
	out.List.Count = uint32(len(out.List.Controllers))
	return out, nil
}

func problem(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "does not answer the ping on UDP port 389"
	}
	return err.Error()
}

// DomainIdentity looks a name or a SID up.
func (s *Server) DomainIdentity(ctx context.Context, call *rpc.Call, in *gen.DomainIdentityRequest) (*gen.DomainIdentityResponse, error) {
	out := &gen.DomainIdentityResponse{Return: denied}
	if !admitted(call) {
		return out, nil
	}
	id, err := s.m.Identity(ctx, in.Name)
	if out.Return = result(err); err != nil {
		return out, nil
	}
	s.m.ensureIDs(ctx, id.SID)
	unix, _ := s.m.UnixID(id.SID)
	out.Identity = gen.DOMAIN_IDENTITY{Name: optional(id.Name), Domain: optional(id.Domain), Sid: optional(id.SID.String()), Use: uint32(id.Type), Id: unix}
	return out, nil
}
