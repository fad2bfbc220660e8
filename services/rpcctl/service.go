package rpcctl

import (
	"context"
	"errors"

	gen "lwio/gen/rpcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/server"
)

// Served is one server of the daemon.
type Served struct {
	Service   string
	Endpoints []string // where it is reached: `ncacn_np:[\pipe\srvsvc]`
	Server    *server.Server
	Local     bool // clients of the network are refused, whatever the policy
}

// Config is what the service tells of. Servers is needed.
type Config struct {
	Servers func() []Served // where an interface is at several, the policy of the first is told
	// Tracer is the servers'. Nil traces nothing: ERROR_NOT_SUPPORTED.
	Tracer *server.Tracer
	// Client makes the generated client of an interface, for the types of its operations; nil for one that is not known. Nil knows none.
	Client func(*rpc.Interface) any
	// Token is who a caller of that name would be; an error if there is none. Nil knows only SIDs.
	Token func(ctx context.Context, name string) (*nt.Token, error)
	// Metrics is what the daemon counts. Nil is ERROR_NOT_SUPPORTED.
	Metrics func(ctx context.Context) ([]byte, error)
}

// Service implements rpcctl.
type Service struct {
	cfg   Config
	types types
}

var _ gen.RpcctlServer = (*Service)(nil)

// New makes the service.
func New(cfg Config) (*Service, error) {
	if cfg.Servers == nil {
		return nil, errors.New("rpcctl: no servers to control")
	}
	return &Service{cfg: cfg, types: types{client: cfg.Client}}, nil
}

const (
	ok           = uint32(nt.WErrSuccess)
	denied       = uint32(nt.WErrAccessDenied)
	notFound     = uint32(nt.WErrNotFound)
	notSupported = uint32(nt.WErrNotSupported)
	invalid      = uint32(nt.WErrInvalidParameter)
	noneMapped   = uint32(nt.WErrNoneMapped)
)

// admitted reports whether the caller may call at all.
func admitted(call *rpc.Call) bool {
	return call.Transport == rpc.TransportLocal && call.Token != nil && !call.Token.Anonymous && call.Token.IsAdmin()
}

// maxMetrics bounds the text of the metrics, as the interface does.
const maxMetrics = 16 << 20

// RpcctlMetrics gives the text of the metrics.
func (s *Service) RpcctlMetrics(ctx context.Context, call *rpc.Call, _ *gen.RpcctlMetricsRequest) (*gen.RpcctlMetricsResponse, error) {
	switch {
	case !admitted(call):
		return &gen.RpcctlMetricsResponse{Return: denied}, nil
	case s.cfg.Metrics == nil:
		return &gen.RpcctlMetricsResponse{Return: notSupported}, nil
	}
	text, err := s.cfg.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	if len(text) > maxMetrics {
		return nil, rpc.FaultOutArgsTooBig
	}
	return &gen.RpcctlMetricsResponse{Length: uint32(len(text)), Text: text}, nil
}
