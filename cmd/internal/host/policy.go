package host

import (
	"errors"
	"fmt"
	"strings"

	"lwio/cmd/internal/config"
	"lwio/idl/known"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/server"
)

var minLevels = map[string]rpc.AuthLevel{"": 0, "connect": rpc.AuthLevelConnect, "packet": rpc.AuthLevelPacket, "integrity": rpc.AuthLevelPktIntegrity, "privacy": rpc.AuthLevelPktPrivacy}

// NewPolicy makes the policy of a configuration; nil where it has no rule. The error says everything that is wrong.
func NewPolicy(rules []config.Rule) (*server.Policy, error) {
	var out []server.Rule
	var errs []error
	for i, r := range rules {
		x, err := newRule(&r)
		if err != nil {
			errs = append(errs, fmt.Errorf("%srpc.policy, rule %d: %w", place(&r, err), i+1, err))
		}
		out = append(out, x)
	}
	if len(rules) == 0 || len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return server.NewPolicy(out...), nil
}

// ruleError is what is wrong with a setting of a rule.
type ruleError struct {
	key string
	error
}

func (e ruleError) Unwrap() error { return e.error }

// place is where what is wrong stands.
func place(r *config.Rule, err error) string {
	var e ruleError
	errors.As(err, &e)
	if at := r.At(e.key); at != "" {
		return at + ": "
	}
	return ""
}

func newRule(r *config.Rule) (server.Rule, error) {
	out := server.Rule{Opnums: r.Opnums, Rate: r.Rate, Source: r.Place}
	bad := func(key, format string, args ...any) (server.Rule, error) {
		return out, ruleError{key, fmt.Errorf(format, args...)}
	}
	var ok bool
	if out.MinLevel, ok = minLevels[r.MinLevel]; !ok {
		return bad("min_level", "min_level = %q: want one of connect, packet, integrity, privacy", r.MinLevel)
	}
	if r.Rate < 0 {
		return bad("rate", "rate = %v: want calls a second, or 0 for no limit", r.Rate)
	}
	for _, t := range r.Transports {
		switch x := rpc.Transport(t); x {
		case rpc.TransportNamedPipe, rpc.TransportTCP, rpc.TransportLocal:
			out.Transports = append(out.Transports, x)
		default:
			return bad("transports", "transports: %q: want of ncacn_np, ncacn_ip_tcp, ncalrpc", t)
		}
	}
	for _, list := range []struct {
		key  string
		from []string
		to   *[]nt.SID
	}{{"allow", r.Allow, &out.Allow}, {"deny", r.Deny, &out.Deny}} {
		for _, s := range list.from {
			sid, err := nt.ParseSID(s)
			if err != nil {
				return bad(list.key, "%q is no SID: want S-1-…", s)
			}
			*list.to = append(*list.to, sid)
		}
	}
	if r.Interface == "" {
		if len(r.Operations) > 0 || len(r.Opnums) > 0 {
			return bad("operations", "operations of no interface: name it by interface = …")
		}
		return out, nil
	}
	i, ok := known.Find(r.Interface)
	if !ok {
		uuid, err := nt.ParseGUID(r.Interface)
		if err != nil {
			return bad("interface", "interface = %q: want a UUID, or of %s", r.Interface, strings.Join(known.Names(), ", "))
		}
		if len(r.Operations) > 0 {
			return bad("operations", "operations of %s are not known by name: want opnums", r.Interface)
		}
		out.Interface = uuid
		return out, nil
	}
	out.Interface = i.UUID
	for _, name := range r.Operations {
		n, ok := known.Opnum(i.Interface, name)
		if !ok {
			return bad("operations", "operations: %s has no %q: want of %s", i.Name, name, strings.Join(known.Like(name, known.Operations(i.Interface)), ", "))
		}
		out.Opnums = append(out.Opnums, n)
	}
	for _, n := range r.Opnums {
		if i.Op(n) == nil {
			return bad("opnums", "opnums: %s has no operation %d", i.Name, n)
		}
	}
	return out, nil
}
