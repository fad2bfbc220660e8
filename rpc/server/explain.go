package server

import (
	"context"
	"slices"

	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Registration is how an interface is served, for who administers the server.
type Registration struct {
	Interface *rpc.Interface
	MinLevel  rpc.AuthLevel // of the registration; 0 where it has none
	Endpoints []string      // that it is offered at; nil for all of the server
	NDR20     bool          // alone
	Objects   bool          // only for objects that are registered
	Security  bool          // the service asks a function of its own before each call
	Rules     []*Rule       // of the server's policy that cover the interface or an operation of it
}

// Registrations lists what is registered.
func (s *Server) Registrations() []Registration {
	var out []Registration
	for _, r := range *s.interfaces.Load() {
		x := Registration{Interface: r.iface, MinLevel: r.minLevel, Endpoints: slices.Clone(r.endpoints), NDR20: r.ndr20, Objects: r.typed, Security: r.security != nil}
		for _, rule := range s.cfg.Policy.Rules() {
			if rule.Interface.IsZero() || rule.Interface == r.iface.UUID {
				x.Rules = append(x.Rules, rule)
			}
		}
		out = append(out, x)
	}
	return out
}

// Verdict is what one condition says of a call.
type Verdict struct {
	Source  string  // the Rule's, or SourceRegistration or SourceService
	Rule    *Rule   // nil where the condition is the registration's
	Refusal Refusal // empty if it lets the call through
}

// The sources of conditions that are no rule's.
const (
	SourceRegistration = "registration"
	SourceService      = "service"
)

// Explain says what each condition on a call would say to it, in the order in which they are asked; the first refusal decides. The call is not made, and does not
// count for a rate: a rule's rate lets it through.
func (s *Server) Explain(ctx context.Context, call *rpc.Call) []Verdict {
	r := s.registered(call.Interface.UUID)
	if r == nil {
		return nil
	}
	var out []Verdict
	if r.minLevel > 0 {
		v := Verdict{Source: SourceRegistration}
		if call.AuthLevel < r.minLevel {
			v.Refusal = RefusedLevel
		}
		out = append(out, v)
	}
	for _, rule := range s.cfg.Policy.Rules() {
		if rule.Covers(call.Interface.UUID, call.Opnum) {
			out = append(out, Verdict{rule.Source, rule, rule.check(call)})
		}
	}
	if r.security != nil {
		v := Verdict{Source: SourceService}
		if r.security(ctx, call) != nil {
			v.Refusal = RefusedService
		}
		out = append(out, v)
	}
	return out
}

// registered finds an interface by its UUID alone.
func (s *Server) registered(id nt.GUID) *registration {
	for _, r := range *s.interfaces.Load() {
		if r.iface.UUID == id {
			return r
		}
	}
	return nil
}
