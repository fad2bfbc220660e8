package config

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// RPC configures where services are served besides their pipes.
type RPC struct {
	// TCP are the addresses of ncacn_ip_tcp: "0.0.0.0:49152" serves all services at one port, "0.0.0.0:49152-49200" each at one of its own, the
	// first that is free. None by default.
	TCP []string `toml:"tcp"`
	// EndpointMapper are the addresses at which the endpoint mapper answers, "0.0.0.0:135". None by default; its pipe and its local endpoint are there anyway.
	EndpointMapper []string `toml:"endpoint_mapper"`
	// Local is the folder of the sockets of ncalrpc, or "off". By default it stands beside the daemon's socket.
	Local string `toml:"local"`
	// Policy are conditions on calls. Each call has to meet all that it falls under; refusals are logged.
	Policy []Rule `toml:"policy"`
}

// Rule is a condition on calls. What is left out is no condition.
type Rule struct {
	Interface  string   `toml:"interface"`  // name or UUID; empty for every interface
	Operations []string `toml:"operations"` // by name; none for every one
	Opnums     []uint16 `toml:"opnums"`     // or by number
	MinLevel   string   `toml:"min_level"`  // of RPC's own authentication, by callers of the network: connect, packet, integrity or privacy
	Transports []string `toml:"transports"` // ncacn_np, ncacn_ip_tcp, ncalrpc
	Allow      []string `toml:"allow"`      // SIDs of which the caller has one
	Deny       []string `toml:"deny"`       // SIDs of which the caller has none
	Rate       float64  `toml:"rate"`       // calls a second by one user

	// Place is where the rule begins, "FILE:LINE", and places where its settings stand, "FILE:LINE:COLUMN"; empty for a rule of no file.
	Place  string            `toml:"-"`
	places map[string]string `toml:"-"`
}

// At is where a setting of the rule stands, or where the rule does.
func (r *Rule) At(key string) string {
	if p := r.places[key]; p != "" {
		return p
	}
	return r.Place
}

// Daemon configures a daemon that serves interfaces beside lwiod.
type Daemon struct {
	// TCP are addresses of ncacn_ip_tcp, as in [rpc]. The ranges of [rpc] are its as well: each service takes the first port that is free.
	TCP []string `toml:"tcp"`
	// Metrics is where it answers with what it counts, as metrics.listen for lwiod.
	Metrics string `toml:"metrics"`
}

// Metrics configures where lwiod tells what it counts.
type Metrics struct {
	// Listen is "ADDRESS:PORT" or the absolute path of a unix socket; empty for nowhere. Who can connect can read.
	Listen string `toml:"listen"`
}

// OwnPorts are the ports of a daemon beside lwiod: its own, and the ranges of all.
func (c *Config) OwnPorts(d *Daemon) []PortRange {
	out := ports(d.TCP)
	for _, r := range ports(c.RPC.TCP) {
		if r.Low != r.High {
			out = append(out, r)
		}
	}
	return out
}

// Ports are those of lwiod.
func (r *RPC) Ports() []PortRange { return ports(r.TCP) }

func ports(list []string) (out []PortRange) {
	for _, s := range list {
		if r, err := ParsePortRange(s); err == nil { // the configuration was checked
			out = append(out, r)
		}
	}
	return out
}

// checkListen checks an address or the path of a socket.
func checkListen(s string) error {
	if s == "" || filepath.IsAbs(s) {
		return nil
	}
	if err := checkAddress(s); err != nil {
		return fmt.Errorf("%w, or the absolute path of a unix socket", err)
	}
	return nil
}

// Off turns a setting off.
const Off = "off"

// LocalEndpoints is the folder of the sockets of ncalrpc; empty if there are none.
func (c *Config) LocalEndpoints() string {
	switch c.RPC.Local {
	case Off:
		return ""
	case "":
		return DefaultLocalEndpoints(c.Socket)
	}
	return c.RPC.Local
}

// DefaultLocalEndpoints is the folder of the sockets of ncalrpc of a daemon with this socket.
func DefaultLocalEndpoints(socket string) string {
	return strings.TrimSuffix(socket, ".sock") + ".ncalrpc"
}

// PortRange is an address with one port or several.
type PortRange struct {
	Host      string
	Low, High uint16
}

// ParsePortRange reads "ADDRESS:PORT" or "ADDRESS:LOW-HIGH".
func ParsePortRange(s string) (PortRange, error) {
	host, ports, err := net.SplitHostPort(s)
	if err != nil {
		return PortRange{}, fmt.Errorf("%q: want ADDRESS:PORT or ADDRESS:LOW-HIGH, \"0.0.0.0:49152-49200\"", s)
	}
	if host != "" && net.ParseIP(host) == nil {
		return PortRange{}, fmt.Errorf("%q: want a numeric address, not a name", s)
	}
	low, high, several := strings.Cut(ports, "-")
	if !several {
		high = low
	}
	a, err1 := strconv.ParseUint(low, 10, 16)
	b, err2 := strconv.ParseUint(high, 10, 16)
	if err1 != nil || err2 != nil || several && (a == 0 || a > b) {
		return PortRange{}, fmt.Errorf("%q: want a port from 0 to 65535, or two of which the first is the lower", s)
	}
	return PortRange{host, uint16(a), uint16(b)}, nil
}

// check says what is wrong with the values.
func (d *Daemon) check(name string, bad func(string, ...any)) {
	for _, s := range d.TCP {
		if _, err := ParsePortRange(s); err != nil {
			bad("%s.tcp: %w", name, err)
		}
	}
	if err := checkListen(d.Metrics); err != nil {
		bad("%s.metrics: %w", name, err)
	}
}

// check says what is wrong with the values.
func (r *RPC) check(bad func(string, ...any)) {
	for _, s := range r.TCP {
		if _, err := ParsePortRange(s); err != nil {
			bad("rpc.tcp: %w", err)
		}
	}
	for _, s := range r.EndpointMapper {
		if err := checkAddress(s); err != nil {
			bad("rpc.endpoint_mapper: %w", err)
		}
	}
	if r.Local != "" && r.Local != Off && !filepath.IsAbs(r.Local) {
		bad("rpc.local = %q: want an absolute path, or \"off\"", r.Local)
	}
}
