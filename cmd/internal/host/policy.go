package host

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"lwio/cmd/internal/config"
	"lwio/gen/account"
	"lwio/gen/dssetup"
	"lwio/gen/echo"
	"lwio/gen/epmapper"
	"lwio/gen/lsarpc"
	"lwio/gen/mgmt"
	"lwio/gen/srvsvc"
	"lwio/gen/wkssvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/server"
)

// served are the interfaces that rules may name.
var served = []*rpc.Interface{account.AccountInterface, dssetup.DssetupInterface, echo.RpcechoInterface, epmapper.EpmapperInterface, lsarpc.LsarpcInterface, mgmt.MgmtInterface,
	srvsvc.SrvsvcInterface, wkssvc.WkssvcInterface}

var minLevels = map[string]rpc.AuthLevel{"": 0, "connect": rpc.AuthLevelConnect, "packet": rpc.AuthLevelPacket, "integrity": rpc.AuthLevelPktIntegrity, "privacy": rpc.AuthLevelPktPrivacy}

// NewPolicy makes the policy of a configuration; nil where it has no rule. The error says everything that is wrong.
func NewPolicy(rules []config.Rule, log *slog.Logger) (*server.Policy, error) {
	var out []server.Rule
	var errs []error
	for i, r := range rules {
		x, err := newRule(&r)
		if err != nil {
			errs = append(errs, fmt.Errorf("rpc.policy, rule %d: %w", i+1, err))
		}
		out = append(out, x)
	}
	if len(rules) == 0 || len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return server.NewPolicy(log, out...), nil
}

func newRule(r *config.Rule) (server.Rule, error) {
	out := server.Rule{Opnums: r.Opnums, Rate: r.Rate}
	var ok bool
	if out.MinLevel, ok = minLevels[r.MinLevel]; !ok {
		return out, fmt.Errorf("min_level = %q: want one of connect, packet, integrity, privacy", r.MinLevel)
	}
	if r.Rate < 0 {
		return out, fmt.Errorf("rate = %v: want calls a second, or 0 for no limit", r.Rate)
	}
	for _, t := range r.Transports {
		switch x := rpc.Transport(t); x {
		case rpc.TransportNamedPipe, rpc.TransportTCP, rpc.TransportLocal:
			out.Transports = append(out.Transports, x)
		default:
			return out, fmt.Errorf("transports: %q: want of ncacn_np, ncacn_ip_tcp, ncalrpc", t)
		}
	}
	for _, list := range []struct {
		from []string
		to   *[]nt.SID
	}{{r.Allow, &out.Allow}, {r.Deny, &out.Deny}} {
		for _, s := range list.from {
			sid, err := nt.ParseSID(s)
			if err != nil {
				return out, fmt.Errorf("%q is no SID: want S-1-…", s)
			}
			*list.to = append(*list.to, sid)
		}
	}
	if r.Interface == "" {
		return out, nil
	}
	var names []string
	for _, i := range served {
		if i.Name == r.Interface {
			out.Interface = i.UUID
			return out, nil
		}
		names = append(names, i.Name)
	}
	uuid, err := nt.ParseGUID(r.Interface)
	if err != nil {
		return out, fmt.Errorf("interface = %q: want a UUID, or of %s", r.Interface, strings.Join(names, ", "))
	}
	out.Interface = uuid
	return out, nil
}
