package host

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"lwio/cmd/internal/config"
	mgmtgen "lwio/gen/mgmt"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/server"
	"lwio/services/epmapper"
	"lwio/services/mgmt"
)

// Endpoints are where services are served besides their pipes. The zero value is nowhere.
type Endpoints struct {
	Name string // of this host, for the endpoint mapper

	// Local is the folder of the sockets of ncalrpc; Token says who a process is.
	Local string
	Token func(uid, gid uint32) *nt.Token
	// LocalRequired makes it an error if the sockets cannot be made.
	LocalRequired bool

	// TCP are addresses of ncacn_ip_tcp. An address with one port serves all services at it.
	TCP []config.PortRange

	// Registry takes what is served. Nil takes nothing.
	Registry *epmapper.Registry

	// Principal is the name to authenticate to the services with, by auth type.
	Principal func(authType uint8) string

	// Control says how administrators look at the daemon. The zero value is not at all.
	Control Control
}

// addMgmt offers the interface that every endpoint has (C706 appendix Q).
func (e *Endpoints) addMgmt(s *server.Server) error {
	return mgmt.Register(s, mgmt.Config{Principal: e.Principal})
}

// entries are what the endpoint mapper tells of a server's interfaces at an endpoint.
func (e *Endpoints) entries(s *server.Server, annotation string, at epmapper.Endpoint) []epmapper.Entry {
	var out []epmapper.Entry
	for _, i := range s.Interfaces() {
		if i.UUID == mgmtgen.MgmtInterface.UUID {
			continue
		}
		at.Interface = epmapper.SyntaxOf(i)
		if t, err := at.Tower(); err == nil {
			out = append(out, epmapper.Entry{Annotation: annotation, Tower: t})
		}
	}
	return out
}

// register tells the endpoint mapper, until the host stops.
func (h *Host) register(s *server.Server, annotation string, at epmapper.Endpoint) {
	list := h.at.entries(s, annotation, at)
	h.entries = append(h.entries, list...)
	if h.at.Registry != nil {
		h.removes = append(h.removes, h.at.Registry.Add(list...))
	}
}

// pipeEndpoint registers a pipe: for the network, and for this machine as ncalrpc where there is no socket of the name.
func (h *Host) pipeEndpoint(s *server.Server, svc *Service, name string) {
	if svc.onNetwork() {
		h.register(s, svc.Name, epmapper.Endpoint{Transport: rpc.TransportNamedPipe, Host: h.at.Name, Endpoint: `\pipe\` + name})
	}
}

// onNetwork reports whether clients of the network are served.
func (svc *Service) onNetwork() bool { return !svc.Local && !svc.LocalCallers }

// takesPort reports whether the service is served at the ports of TCP; the endpoint mapper has its own.
func (svc *Service) takesPort() bool {
	return svc.onNetwork() && !(len(svc.Pipes) > 0 && svc.Pipes[0] == mapperPipe)
}

// listenEndpoints serves a service at its local endpoints and at a TCP port of its own, where there are such.
func (h *Host) listenEndpoints(s *hosted, svc *Service) error {
	if h.at.Local != "" && svc.Security == "" {
		for _, name := range svc.Pipes {
			l, err := listenLocal(h.at.Local, name, h.at.Token)
			if err != nil {
				if h.at.LocalRequired {
					return err
				}
				h.log.Warn("no local endpoint", "service", svc.Name, "err", err)
				continue
			}
			h.add(s, svc.Name, l, rpc.TransportLocal, name)
			h.register(s.Server, svc.Name, epmapper.Endpoint{Transport: rpc.TransportLocal, Endpoint: name})
		}
	}
	for _, address := range svc.TCP {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		h.addTCP(s, svc.Name, l)
		h.registerTCP(s.Server, svc.Name, l)
	}
	if !svc.takesPort() {
		return nil
	}
	for _, r := range h.at.TCP {
		if r.Low == r.High {
			continue // shared
		}
		l, err := listenRange(r)
		if err != nil {
			return err
		}
		h.addTCP(s, svc.Name, l)
		h.registerTCP(s.Server, svc.Name, l)
	}
	return nil
}

// listenRange takes the first port of a range that is free.
func listenRange(r config.PortRange) (net.Listener, error) {
	for port := int(r.Low); port <= int(r.High); port++ {
		l, err := net.Listen("tcp", net.JoinHostPort(r.Host, strconv.Itoa(port)))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no port from %d to %d is free on %s", r.Low, r.High, r.Host)
}

// listenShared serves all services of the network at one server on the addresses that have one port.
func (h *Host) listenShared(services []Service, cfg server.Config) error {
	var addresses []string
	for _, r := range h.at.TCP {
		if r.Low == r.High {
			addresses = append(addresses, net.JoinHostPort(r.Host, strconv.Itoa(int(r.Low))))
		}
	}
	if len(addresses) == 0 {
		return nil
	}
	s := &hosted{Server: server.New(cfg), name: "tcp"}
	h.servers = append(h.servers, s)
	for i := range services {
		svc := &services[i]
		if !svc.takesPort() {
			continue
		}
		if err := svc.Register(s.Server); err != nil {
			return fmt.Errorf("service %s: %w", svc.Name, err)
		}
	}
	if err := h.at.addMgmt(s.Server); err != nil {
		return err
	}
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			return err
		}
		h.addTCP(s, "tcp", l)
		h.registerTCP(s.Server, "", l)
	}
	return nil
}

// registerTCP registers a listener. An address of none in particular is the one that the client of the endpoint mapper has connected to.
func (h *Host) registerTCP(s *server.Server, name string, l net.Listener) {
	a := l.Addr().(*net.TCPAddr)
	host := ""
	if !a.IP.IsUnspecified() {
		host = a.IP.String()
	}
	h.log.Info("RPC over TCP", "service", name, "address", a.String())
	h.register(s, name, epmapper.Endpoint{Transport: rpc.TransportTCP, Host: host, Endpoint: strconv.Itoa(a.Port)})
}

// add serves a listener.
func (h *Host) add(s *hosted, name string, l net.Listener, t rpc.Transport, endpoint string) {
	s.endpoints = append(s.endpoints, string(t)+":["+endpoint+"]")
	h.listens = append(h.listens, l)
	h.wg.Go(func() { h.serve(s, name, l) })
}

func (h *Host) addTCP(s *hosted, name string, l net.Listener) {
	h.add(s, name, l, rpc.TransportTCP, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}
