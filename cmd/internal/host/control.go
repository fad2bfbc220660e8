package host

import (
	"context"
	"fmt"
	"net"

	"lwio/cmd/internal/metrics"
	gen "lwio/gen/rpcctl"
	"lwio/idl/known"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/rpc"
	"lwio/rpc/server"
	"lwio/services/rpcctl"
)

// ControlPrefix begins the names of the pipes of rpcctl; behind it stands the daemon's name.
const ControlPrefix = "rpcctl."

// controlSecurity is the descriptor of these pipes: for administrators.
const controlSecurity = "O:BAG:SYD:(A;;FA;;;SY)(A;;FA;;;BA)"

// Control says how administrators of this machine look at a daemon.
type Control struct {
	Name string // of the daemon; empty for no control
	// Token is who a user of that name would be. Nil knows no names.
	Token func(ctx context.Context, name string) (*nt.Token, error)
	// Families are what the daemon counts besides the calls of its services.
	Families func(ctx context.Context) ([]metrics.Family, error)
	// Metrics is where it tells of that besides, an address or the path of a socket; empty for nowhere.
	Metrics string
}

// clientOf makes a client of an interface, for the types of its operations.
func clientOf(i *rpc.Interface) any {
	for _, k := range known.All {
		if k.UUID == i.UUID {
			return k.Client(nil)
		}
	}
	return nil
}

// served lists the servers, those without policy last: of an interface that several have, as all have mgmt, another's policy is told.
func (h *Host) served() (out []rpcctl.Served) {
	for _, internal := range []bool{false, true} {
		for _, s := range h.servers {
			if s.internal == internal {
				out = append(out, rpcctl.Served{Service: s.name, Endpoints: s.endpoints, Server: s.Server, Local: s.local})
			}
		}
	}
	return out
}

// listenControl serves rpcctl. Its own server has no policy, so that no rule locks an administrator out, and is not traced.
func (h *Host) listenControl(ctx context.Context, a api.API, cfg server.Config) error {
	c := &h.at.Control
	if c.Name == "" {
		return nil
	}
	svc, err := rpcctl.New(rpcctl.Config{Servers: h.served, Tracer: h.tracer, Client: clientOf, Token: c.Token, Metrics: h.Metrics})
	if err != nil {
		return err
	}
	sd, err := nt.ParseSDDL(controlSecurity, nt.SID{})
	if err != nil {
		return err
	}
	cfg.Policy, cfg.Tracer = nil, nil
	s := &hosted{Server: server.New(cfg), name: "rpcctl"}
	if err := s.Register(gen.RpcctlInterface, svc); err != nil {
		return err
	}
	name := ControlPrefix + c.Name
	l, err := pipes.Listen(ctx, a, name, pipes.Config{Message: true, Security: sd, RejectRemote: true})
	if err != nil {
		return fmt.Errorf("control of %s: %w", c.Name, explain(err))
	}
	// The list of servers is that of those which are controlled: this one is only stopped with them.
	h.control = s
	h.add(s, "rpcctl", l, rpc.TransportNamedPipe, `\pipe\`+name)
	return h.listenMetrics()
}

// listenMetrics answers who asks what is counted.
func (h *Host) listenMetrics() error {
	address := h.at.Control.Metrics
	if address == "" {
		return nil
	}
	var l net.Listener
	var err error
	if metrics.IsSocket(address) {
		l, err = ListenUnix(address)
	} else {
		l, err = net.Listen("tcp", address)
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	h.log.Info("metrics", "address", l.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	h.removes = append(h.removes, cancel)
	h.wg.Go(func() {
		if err := metrics.Serve(ctx, l, h.Metrics); err != nil {
			h.log.Error("metrics are not told any more", "err", err)
		}
	})
	return nil
}

// TokenOf makes the tokens of callers that a policy is tested for, of what an authority says of their names.
func TokenOf(a auth.Authority) func(context.Context, string) (*nt.Token, error) {
	return func(ctx context.Context, name string) (*nt.Token, error) {
		if x, ok := a.(interface {
			TokenFor(ctx context.Context, name string) (*nt.Token, error)
		}); ok {
			if t, err := x.TokenFor(ctx, name); err == nil {
				return t, nil
			}
		}
		var ids []auth.Identity
		sid, err := nt.ParseSID(name)
		if err == nil {
			ids, err = a.LookupSIDs(ctx, []nt.SID{sid})
		} else {
			ids, err = a.LookupNames(ctx, []string{name})
		}
		if err != nil {
			return nil, err
		}
		if len(ids) != 1 || ids[0].Type == auth.SIDTypeUnknown {
			return nil, nt.StatusNoneMapped
		}
		t := &nt.Token{User: ids[0].SID, Account: ids[0].Name, Domain: ids[0].Domain}
		for _, sid := range []nt.SID{nt.SIDWorld, nt.SIDNetwork, nt.SIDAuthenticatedUsers} {
			t.Groups = append(t.Groups, nt.Group{SID: sid, Attributes: nt.SEGroupDefault})
		}
		return t, nil
	}
}
