package rpcctl

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	gen "lwio/gen/rpcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/server"
)

// sourceDefault is the source of what nobody has set.
const sourceDefault = "default"

// served is an interface with the servers that have it.
type served struct {
	server.Registration
	services, endpoints []string
	server              *server.Server // the first that has it
	local               bool           // of all that have it
}

// interfaces gathers what the servers offer, each interface once.
func (s *Service) interfaces() []*served {
	var out []*served
	for _, x := range s.cfg.Servers() {
		for _, r := range x.Server.Registrations() {
			i := slices.IndexFunc(out, func(have *served) bool { return have.Interface.UUID == r.Interface.UUID })
			if i < 0 {
				i = len(out)
				out = append(out, &served{Registration: r, server: x.Server, local: true})
			}
			out[i].local = out[i].local && x.Local
			if !slices.Contains(out[i].services, x.Service) {
				out[i].services = append(out[i].services, x.Service)
			}
			for _, e := range x.Endpoints {
				if !slices.Contains(out[i].endpoints, e) {
					out[i].endpoints = append(out[i].endpoints, e)
				}
			}
		}
	}
	return out
}

// find finds an interface by name or UUID; nil if nobody serves it.
func (s *Service) find(name string) *served {
	id, err := nt.ParseGUID(name)
	for _, x := range s.interfaces() {
		if nt.EqualFold(x.Interface.Name, name) || err == nil && x.Interface.UUID == id {
			return x
		}
	}
	return nil
}

// RpcctlPolicyEnum tells the settings of an interface and its operations, or those of all interfaces.
func (s *Service) RpcctlPolicyEnum(_ context.Context, call *rpc.Call, in *gen.RpcctlPolicyEnumRequest) (*gen.RpcctlPolicyEnumResponse, error) {
	if !admitted(call) {
		return &gen.RpcctlPolicyEnumResponse{Return: denied}, nil
	}
	out := &gen.RpcctlPolicyEnumResponse{}
	if in.InterfaceName != nil {
		x := s.find(*in.InterfaceName)
		if x == nil {
			return &gen.RpcctlPolicyEnumResponse{Return: notFound}, nil
		}
		out.Settings.Settings = append(x.settings(), x.operations()...)
	} else {
		for _, x := range s.interfaces() {
			out.Settings.Settings = append(out.Settings.Settings, x.settings()...)
		}
	}
	out.Settings.Count = uint32(len(out.Settings.Settings))
	return out, nil
}

func (x *served) setting(opnum uint32, name, value, source string) gen.RPCCTL_SETTING {
	operation := ""
	if opnum != gen.RPCCTL_ALL_OPERATIONS {
		operation = x.Interface.Ops[opnum].Name
	}
	return gen.RPCCTL_SETTING{Uuid: x.Interface.UUID, VersMajor: x.Interface.Major, VersMinor: x.Interface.Minor, Opnum: opnum, InterfaceName: &x.Interface.Name,
		Operation: &operation, Service: ptr(strings.Join(x.services, ", ")), Setting: &name, Value: &value, Source: &source}
}

func ptr[T any](v T) *T { return &v }

// settings are those of the whole interface.
func (x *served) settings() (out []gen.RPCCTL_SETTING) {
	add := func(name, value, source string) {
		out = append(out, x.setting(gen.RPCCTL_ALL_OPERATIONS, name, value, source))
	}
	endpoints, source := x.endpoints, sourceDefault
	if x.Endpoints != nil {
		endpoints, source = x.Endpoints, server.SourceRegistration
	}
	add("endpoints", strings.Join(endpoints, ", "), source)
	if x.NDR20 {
		add("syntax", "ndr", server.SourceRegistration)
	} else {
		add("syntax", "ndr, ndr64", sourceDefault)
	}
	if x.Objects {
		add("objects", "registered ones only", server.SourceRegistration)
	}
	if x.local {
		add("callers", localCallers, server.SourceService)
	}
	if x.Security {
		add("check", "of the service", server.SourceService)
	}
	if x.MinLevel > 0 {
		add("min_level", x.MinLevel.String(), server.SourceRegistration)
	}
	given := map[string]bool{"min_level": x.MinLevel > 0}
	for _, r := range x.Rules {
		if len(r.Opnums) > 0 {
			continue
		}
		for _, p := range parts(r) {
			given[p.name] = true
			add(p.name, p.value, r.Source)
		}
	}
	for _, p := range defaults {
		if !given[p.name] {
			add(p.name, p.value, sourceDefault)
		}
	}
	return out
}

// operations are the settings of each operation: those of rules that name it, and the level, which all have.
func (x *served) operations() (out []gen.RPCCTL_SETTING) {
	for n := range x.Interface.Ops {
		opnum := uint16(n)
		if x.Interface.Op(opnum) == nil {
			continue
		}
		level, source := x.MinLevel, server.SourceRegistration
		if level == 0 {
			source = sourceDefault
		}
		for _, r := range x.Rules {
			if !r.Covers(x.Interface.UUID, opnum) {
				continue
			}
			if r.MinLevel > level {
				level, source = r.MinLevel, r.Source
			}
			if len(r.Opnums) == 0 {
				continue
			}
			for _, p := range parts(r) {
				if p.name != "min_level" {
					out = append(out, x.setting(uint32(n), p.name, p.value, r.Source))
				}
			}
		}
		out = append(out, x.setting(uint32(n), "min_level", max(level, rpc.AuthLevelNone).String(), source))
	}
	return out
}

// localCallers says who may call a service that the network is kept from.
const localCallers = "of this machine only"

// part is one condition of a rule in words.
type part struct{ name, value string }

var defaults = []part{{"min_level", "none"}, {"transports", "all"}, {"allow", "everyone"}, {"deny", "nobody"}, {"rate", "no limit"}}

// parts are the conditions of a rule.
func parts(r *server.Rule) (out []part) {
	if r.MinLevel > 0 {
		out = append(out, part{"min_level", r.MinLevel.String()})
	}
	if len(r.Transports) > 0 {
		out = append(out, part{"transports", join(r.Transports, func(t rpc.Transport) string { return string(t) })})
	}
	if len(r.Allow) > 0 {
		out = append(out, part{"allow", join(r.Allow, nt.SID.String)})
	}
	if len(r.Deny) > 0 {
		out = append(out, part{"deny", join(r.Deny, nt.SID.String)})
	}
	if r.Rate > 0 {
		out = append(out, part{"rate", strconv.FormatFloat(r.Rate, 'g', -1, 64) + " a second"})
	}
	return out
}

func join[T any](list []T, f func(T) string) string {
	var out []string
	for _, x := range list {
		out = append(out, f(x))
	}
	return strings.Join(out, ", ")
}

// levels are the authentication levels by name.
var levels = map[string]rpc.AuthLevel{"none": rpc.AuthLevelNone, "connect": rpc.AuthLevelConnect, "packet": rpc.AuthLevelPacket, "integrity": rpc.AuthLevelPktIntegrity, "privacy": rpc.AuthLevelPktPrivacy}

// RpcctlPolicyTest says whether a call would be let through, and what decides.
func (s *Service) RpcctlPolicyTest(ctx context.Context, call *rpc.Call, in *gen.RpcctlPolicyTestRequest) (*gen.RpcctlPolicyTestResponse, error) {
	if !admitted(call) {
		return &gen.RpcctlPolicyTestResponse{Return: denied}, nil
	}
	x := s.find(in.InterfaceName)
	if x == nil {
		return &gen.RpcctlPolicyTestResponse{Return: notFound}, nil
	}
	opnum, found := operation(x.Interface, in.Operation)
	if !found {
		return &gen.RpcctlPolicyTestResponse{Return: notFound}, nil
	}
	would := &rpc.Call{Interface: x.Interface, Opnum: opnum, Transport: rpc.Transport(in.Transport), AuthType: rpc.AuthTypeSPNEGO}
	level, known := levels[in.Level]
	switch would.Transport {
	case rpc.TransportNamedPipe, rpc.TransportTCP, rpc.TransportLocal:
	default:
		known = false
	}
	if !known {
		return &gen.RpcctlPolicyTestResponse{Return: invalid}, nil
	}
	if would.AuthLevel = level; level == rpc.AuthLevelNone {
		would.AuthType = rpc.AuthTypeNone
	}
	token, err := s.caller(ctx, in.Caller, in.Groups.Sids)
	if err != nil {
		return &gen.RpcctlPolicyTestResponse{Return: noneMapped}, nil
	}
	would.Token = token
	out := &gen.RpcctlPolicyTestResponse{Allowed: 1}
	for _, v := range x.server.Explain(ctx, would) {
		if v.Refusal != "" {
			out.Allowed = 0
		}
		out.Verdicts.Verdicts = append(out.Verdicts.Verdicts, gen.RPCCTL_VERDICT{Source: ptr(v.Source), Condition: ptr(condition(&v, x)), Refusal: ptr(string(v.Refusal))})
	}
	if x.local {
		v := gen.RPCCTL_VERDICT{Source: ptr(server.SourceService), Condition: ptr("callers " + localCallers), Refusal: ptr("")}
		if would.Transport != rpc.TransportLocal {
			out.Allowed, v.Refusal = 0, ptr(string(server.RefusedTransport))
		}
		out.Verdicts.Verdicts = append(out.Verdicts.Verdicts, v)
	}
	out.Verdicts.Count = uint32(len(out.Verdicts.Verdicts))
	out.Sids.Sids = append(out.Sids.Sids, ptr(token.User.String()))
	for _, g := range token.Groups {
		out.Sids.Sids = append(out.Sids.Sids, ptr(g.SID.String()))
	}
	out.Sids.Count = uint32(len(out.Sids.Sids))
	return out, nil
}

// condition is what a verdict is about in words.
func condition(v *server.Verdict, x *served) string {
	switch {
	case v.Rule != nil:
		return join(parts(v.Rule), func(p part) string { return p.name + " " + p.value })
	case v.Source == server.SourceRegistration:
		return "min_level " + x.MinLevel.String()
	}
	return "check of the service"
}

// operation finds an operation by its number, or its name in any spelling.
func operation(i *rpc.Interface, name string) (uint16, bool) {
	if n, err := strconv.ParseUint(name, 10, 16); err == nil {
		return uint16(n), i.Op(uint16(n)) != nil
	}
	for n := range i.Ops {
		if op := i.Op(uint16(n)); op != nil && plain(op.Name) == plain(name) {
			return uint16(n), true
		}
	}
	return 0, false
}

// plain is what the spellings of a name in IDL and in Go have in common.
func plain(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// caller makes the token of a caller, who is in groups besides.
func (s *Service) caller(ctx context.Context, name string, groups []*string) (*nt.Token, error) {
	var t nt.Token
	if nt.EqualFold(name, "anonymous") {
		t = *nt.AnonymousToken()
	} else if sid, err := nt.ParseSID(name); err == nil && !s.knows(ctx, name, &t) {
		t = nt.Token{User: sid, Account: name, Groups: []nt.Group{{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault}, {SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}}}
	} else if err != nil && !s.knows(ctx, name, &t) {
		return nil, fmt.Errorf("nobody is called %q: %w", name, nt.StatusNoneMapped)
	}
	t.Groups = slices.Clone(t.Groups)
	for _, g := range groups {
		if g == nil {
			continue
		}
		sid, err := nt.ParseSID(*g)
		if err != nil {
			return nil, err
		}
		t.Groups = append(t.Groups, nt.Group{SID: sid, Attributes: nt.SEGroupDefault})
	}
	return &t, nil
}

// knows fills in the token of somebody whom the daemon knows.
func (s *Service) knows(ctx context.Context, name string, to *nt.Token) bool {
	if s.cfg.Token == nil {
		return false
	}
	t, err := s.cfg.Token(ctx, name)
	if err != nil {
		return false
	}
	*to = *t
	return true
}
