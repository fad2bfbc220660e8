// Package host serves RPC interfaces on named pipes of an Nt API, in the daemon's own process, or over ipc in a process of its own; and at local endpoints
// and TCP ports besides.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/rpc"
	"lwio/rpc/server"
	"lwio/services/epmapper"
)

// Service is what is served together on the same pipes.
type Service struct {
	Name     string
	Pipes    []string
	Register func(*server.Server) error
	// Security is the descriptor of the pipes; empty for one that lets everybody talk to the service.
	Security string
	// Local refuses clients of the network.
	Local bool
	// LocalCallers says that the service itself refuses them: it is not offered over TCP, nor told of to the network.
	LocalCallers bool
	// TCP are addresses of its own.
	TCP []string
}

// hosted is a server of one service, or of all.
type hosted struct {
	*server.Server
	name      string
	endpoints []string // where it is reached
	local     bool     // not by the network
	internal  bool     // what the parts of the system say to each other: without policy
}

// Host is a set of services that run.
type Host struct {
	log     *slog.Logger
	servers []*hosted
	listens []net.Listener
	wg      sync.WaitGroup
	at      Endpoints
	tracer  *server.Tracer
	audit   *server.Audit
	control *hosted          // that of rpcctl; nil if there is none
	entries []epmapper.Entry // what the endpoint mapper knows of
	removes []func()         // take it away from there

	mu  sync.Mutex
	err error         // guarded by mu: why a listener ended
	bad chan struct{} // closed with err set
}

// pipeSecurity lets everyone who has a session talk to a service; the service decides what he may do. Making another instance of the pipe
// is for administrators.
const pipeSecurity = "O:BAG:SYD:(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x12019b;;;WD)(A;;0x12019b;;;AN)"

// Start listens for every service, on its pipes and at the endpoints, and serves it until Stop.
func Start(ctx context.Context, a api.API, services []Service, cfg server.Config, at Endpoints) (*Host, error) {
	h := &Host{log: cfg.Logger, at: at, bad: make(chan struct{}), tracer: new(server.Tracer)}
	if h.log == nil {
		h.log = slog.Default()
	}
	h.audit = server.NewAudit(h.log)
	cfg.Audit, cfg.Tracer = h.audit, h.tracer
	if cfg.Budget == nil {
		cfg.Budget = server.NewBudget(cfg.MaxBuffered) // one for all: a client has the pipes of all of them
	}
	if cfg.Groups == nil {
		cfg.Groups = server.NewGroups()
	}
	for i := range services {
		svc := &services[i]
		text := svc.Security
		if text == "" {
			text = pipeSecurity
		}
		sd, err := nt.ParseSDDL(text, nt.SID{})
		if err != nil {
			h.Stop(ctx)
			return nil, err
		}
		own := cfg
		if svc.Local {
			own.Policy, own.Tracer = nil, nil // what the parts of the system say to each other
		}
		s := &hosted{Server: server.New(own), name: svc.Name, local: !svc.onNetwork(), internal: svc.Local}
		if err := svc.Register(s.Server); err != nil {
			h.Stop(ctx)
			return nil, fmt.Errorf("service %s: %w", svc.Name, err)
		}
		if err := h.at.addMgmt(s.Server); err != nil {
			h.Stop(ctx)
			return nil, fmt.Errorf("service %s: %w", svc.Name, err)
		}
		h.servers = append(h.servers, s)
		for _, name := range svc.Pipes {
			l, err := pipes.Listen(ctx, a, name, pipes.Config{Message: true, Security: sd, RejectRemote: svc.Local})
			if err != nil {
				h.Stop(ctx)
				return nil, fmt.Errorf("service %s: %w", svc.Name, explain(err))
			}
			h.add(s, svc.Name, l, rpc.TransportNamedPipe, `\pipe\`+name)
			h.pipeEndpoint(s.Server, svc, name)
		}
		if err := h.listenEndpoints(s, svc); err != nil {
			h.Stop(ctx)
			return nil, fmt.Errorf("service %s: %w", svc.Name, err)
		}
		h.log.Debug("service started", "service", svc.Name, "pipes", svc.Pipes)
	}
	if err := h.listenShared(services, cfg); err != nil {
		h.Stop(ctx)
		return nil, err
	}
	if err := h.listenControl(ctx, a, cfg); err != nil {
		h.Stop(ctx)
		return nil, err
	}
	return h, nil
}

// explain says what is behind a refusal to listen.
func explain(err error) error {
	if errors.Is(err, nt.StatusAccessDenied) {
		return fmt.Errorf("%w: the pipe is another process's, or this user may not create pipes", err)
	}
	return err
}

func (h *Host) serve(s *hosted, name string, l net.Listener) {
	err := s.Serve(l)
	if err == nil || errors.Is(err, server.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.err = fmt.Errorf("service %s: %w", name, err)
		close(h.bad)
	}
}

// Failed is closed when a listener ends by itself; Err says why.
func (h *Host) Failed() <-chan struct{} { return h.bad }

// Err is why a listener ended.
func (h *Host) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// Stop stops listening and lets calls under way end until ctx does.
func (h *Host) Stop(ctx context.Context) {
	for _, remove := range h.removes {
		remove()
	}
	for _, l := range h.listens {
		_ = l.Close()
	}
	if h.control != nil {
		_ = h.control.Close() // a trace waits for calls that come no more
	}
	var wg sync.WaitGroup
	for _, s := range h.servers {
		wg.Go(func() {
			if err := s.Shutdown(ctx); err != nil {
				_ = s.Close()
			}
		})
	}
	wg.Wait()
	h.wg.Wait()
}
