package domain

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/services/state"
)

// Limits of lookups.
const (
	maxPolicies = 2   // connections that are kept
	maxLookup   = 256 // names or SIDs in one call

	accessLookup  = 0x800 // POLICY_LOOKUP_NAMES
	lookupAll     = 1     // LsapLookupWksta
	lookupVersion = 2     // of the client
)

// policy is a handle of the controller's policy, with its connection. The pipe is plain, in a session of the machine account: through a secure
// channel on a named pipe controllers refuse lookups.
type policy struct {
	acct   *state.MachineAccount
	host   string
	conn   *client.Conn
	calls  *gen.Client
	handle rpc.ContextHandle
}

// policies are those that nobody uses just now.
type policies struct{ free chan *policy }

func (p *policies) close() { p.flush() }

func (p *policies) flush() {
	for {
		select {
		case x := <-p.free:
			x.conn.Close()
		default:
			return
		}
	}
}

func (p *policies) put(x *policy) {
	select {
	case p.free <- x:
	default:
		x.conn.Close()
	}
}

// openLookups opens the policy for lookups.
func (m *Member) openLookups(ctx context.Context, acct *state.MachineAccount, host string) (*policy, error) {
	b, conn, _, err := m.bind(ctx, host, "lsarpc", machineCredential(acct, acct.Password.Value), gen.LsarpcInterface, nil)
	if err != nil {
		return nil, err
	}
	x := &policy{acct: acct, host: host, conn: conn, calls: gen.NewClient(b)}
	if x.handle, err = openPolicy(ctx, x.calls, host, accessLookup); err != nil {
		conn.Close()
		return nil, err
	}
	return x, nil
}

// withPolicy calls a controller: on a connection that is kept, and if that has died on a new one.
func (m *Member) withPolicy(ctx context.Context, f func(*policy) error) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	acct := m.Account()
	if acct == nil {
		return errUnjoined
	}
	for {
		select {
		case x := <-m.policy.free:
			if x.acct != acct {
				x.conn.Close()
				continue
			}
			err := f(x)
			if answered(err) {
				m.policy.put(x)
				return err
			}
			x.conn.Close()
			continue
		default:
		}
		break
	}
	ch, err := m.secure(ctx) // which knows who answers, and fails fast where nobody does
	if err != nil {
		return err
	}
	x, err := m.openLookups(ctx, acct, ch.host)
	if err != nil {
		return err
	}
	if err = f(x); answered(err) {
		m.policy.put(x)
	} else {
		x.conn.Close()
		m.drop(ch)
	}
	return err
}

// answered reports whether a call came back, however it went.
func answered(err error) bool {
	var s callStatus
	return err == nil || errors.As(err, &s)
}

// callStatus is a status that a call returned, in difference to one that says why it could not be made.
type callStatus nt.Status

func (s callStatus) Error() string { return nt.Status(s).Error() }
func (s callStatus) Unwrap() error { return nt.Status(s) }

// lookupResult is the result of a lookup: some or all may be not mapped.
func lookupResult(code int32) error {
	switch s := nt.Status(uint32(code)); s {
	case nt.StatusSuccess, nt.StatusSomeNotMapped, nt.StatusNoneMapped:
		return nil
	default:
		return callStatus(s)
	}
}

// referenced is a domain of an answer; zero where the index is none.
func referenced(list *gen.LSAPR_REFERENCED_DOMAIN_LIST, i int32) (name string, sid nt.SID) {
	if list == nil || i < 0 || int(i) >= len(list.Domains) {
		return "", nt.SID{}
	}
	d := &list.Domains[i]
	if d.Sid != nil {
		sid, _ = d.Sid.SID() // a SID that is none is as good as none
	}
	return d.Name.String(), sid
}

// askNames looks names up (lsarpc 68).
func (m *Member) askNames(ctx context.Context, names []string) (out []auth.Identity, err error) {
	in := &gen.LsarLookupNames3Request{Count: uint32(len(names)), LookupLevel: lookupAll, ClientRevision: lookupVersion}
	for _, n := range names {
		in.Names = append(in.Names, dtyp.NewRPC_UNICODE_STRING(n))
	}
	err = m.withPolicy(ctx, func(p *policy) error {
		in.PolicyHandle = p.handle
		res, err := p.calls.LsarLookupNames3(ctx, in)
		if err != nil {
			return err
		}
		if err := lookupResult(res.Return); err != nil {
			return err
		}
		out = make([]auth.Identity, len(names))
		for i, name := range names {
			out[i] = auth.Identity{Type: auth.SIDTypeUnknown, Name: name}
			if i >= len(res.TranslatedSids.Sids) {
				continue
			}
			t := &res.TranslatedSids.Sids[i]
			sid, err := nt.SID{}, error(nil)
			if t.Sid != nil {
				sid, err = t.Sid.SID()
			}
			if err != nil || sid.IsZero() || t.Use == 0 || auth.SIDType(t.Use) == auth.SIDTypeUnknown || auth.SIDType(t.Use) == auth.SIDTypeInvalid {
				continue
			}
			_, account := splitName(name)
			out[i] = auth.Identity{SID: sid, Type: auth.SIDType(t.Use), Name: account}
			out[i].Domain, out[i].DomainSID = referenced(res.ReferencedDomains, t.DomainIndex)
			if out[i].Type == auth.SIDTypeDomain {
				out[i].Name = out[i].Domain
			}
		}
		return nil
	})
	return out, err
}

// askSIDs looks SIDs up (lsarpc 57).
func (m *Member) askSIDs(ctx context.Context, sids []nt.SID) (out []auth.Identity, err error) {
	in := &gen.LsarLookupSids2Request{LookupLevel: lookupAll, ClientRevision: lookupVersion}
	for _, s := range sids {
		in.SidEnumBuffer.SidInfo = append(in.SidEnumBuffer.SidInfo, gen.LSAPR_SID_INFORMATION{Sid: dtyp.NewRPC_SID(s)})
	}
	in.SidEnumBuffer.Entries = uint32(len(sids))
	err = m.withPolicy(ctx, func(p *policy) error {
		in.PolicyHandle = p.handle
		res, err := p.calls.LsarLookupSids2(ctx, in)
		if err != nil {
			return err
		}
		if err := lookupResult(res.Return); err != nil {
			return err
		}
		out = make([]auth.Identity, len(sids))
		for i, sid := range sids {
			out[i] = auth.Identity{SID: sid, Type: auth.SIDTypeUnknown}
			if i >= len(res.TranslatedNames.Names) {
				continue
			}
			t := &res.TranslatedNames.Names[i]
			domain, dsid := referenced(res.ReferencedDomains, t.DomainIndex)
			if t.Use == 0 || auth.SIDType(t.Use) == auth.SIDTypeInvalid {
				continue
			}
			out[i].Domain, out[i].DomainSID = domain, dsid
			if auth.SIDType(t.Use) != auth.SIDTypeUnknown {
				out[i].Type, out[i].Name = auth.SIDType(t.Use), t.Name.String()
			}
		}
		return nil
	})
	return out, err
}

// splitName takes "DOMAIN\name" or "name@domain" apart.
func splitName(s string) (domain, account string) {
	if d, a, ok := strings.Cut(s, `\`); ok {
		return d, a
	}
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		return s[i+1:], s[:i]
	}
	return "", s
}

// isOwn reports whether a domain's name is that of the account's domain.
func isOwn(acct *state.MachineAccount, domain string) bool {
	return nt.EqualFold(domain, acct.Domain) || strings.EqualFold(strings.TrimSuffix(domain, "."), acct.DNSDomain)
}

// ownDomain is the domain as an identity.
func ownDomain(acct *state.MachineAccount) auth.Identity {
	return auth.Identity{SID: acct.DomainSID, Type: auth.SIDTypeDomain, Name: acct.Domain, Domain: acct.Domain, DomainSID: acct.DomainSID}
}

// lookupNames resolves names at the controller; what it does not know, or nobody can be asked for, stays unknown.
func (m *Member) lookupNames(ctx context.Context, acct *state.MachineAccount, names []string) []auth.Identity {
	out, ask, at := make([]auth.Identity, len(names)), []string(nil), []int(nil)
	for i, name := range names {
		domain, account := splitName(name)
		out[i] = auth.Identity{Type: auth.SIDTypeUnknown, Name: name}
		switch {
		case account == "" && isOwn(acct, domain), domain == "" && isOwn(acct, account):
			out[i] = ownDomain(acct)
		case account == "" || len(name) > 512:
		default:
			if id, ok := m.cache.name(name, m.cfg.Now()); ok {
				out[i] = id
			} else {
				ask, at = append(ask, name), append(at, i)
			}
		}
	}
	for len(ask) > 0 {
		n := min(len(ask), maxLookup)
		ids, err := m.askNames(ctx, ask[:n])
		if err != nil {
			m.cfg.Log.Info("names are not looked up", "domain", acct.Domain, "err", err)
			for i, name := range ask {
				if id, ok := m.cache.oldName(name, m.cfg.Now()); ok {
					out[at[i]] = id
				}
			}
			break
		}
		for i, id := range ids {
			out[at[i]] = id
			m.cache.putName(ask[i], id, m.cfg.Now())
		}
		ask, at = ask[n:], at[n:]
	}
	return out
}

// lookupSIDs resolves SIDs likewise.
func (m *Member) lookupSIDs(ctx context.Context, acct *state.MachineAccount, sids []nt.SID) []auth.Identity {
	out, ask, at := make([]auth.Identity, len(sids)), []nt.SID(nil), []int(nil)
	for i, sid := range sids {
		out[i] = auth.Identity{SID: sid, Type: auth.SIDTypeUnknown}
		if sid.IsChildOf(acct.DomainSID) {
			out[i].Domain, out[i].DomainSID = acct.Domain, acct.DomainSID
		}
		if sid == acct.DomainSID {
			out[i] = ownDomain(acct)
		} else if !strings.HasPrefix(sid.String(), "S-1-5-21-") {
			continue // no domain's
		} else if id, ok := m.cache.sid(sid, m.cfg.Now()); ok {
			out[i] = id
		} else {
			ask, at = append(ask, sid), append(at, i)
		}
	}
	for len(ask) > 0 {
		n := min(len(ask), maxLookup)
		ids, err := m.askSIDs(ctx, ask[:n])
		if err != nil {
			m.cfg.Log.Info("SIDs are not looked up", "domain", acct.Domain, "err", err)
			for i, sid := range ask {
				if id, ok := m.cache.oldSID(sid, m.cfg.Now()); ok {
					out[at[i]] = id
				}
			}
			break
		}
		for i, id := range ids {
			out[at[i]] = id
			m.cache.putSID(ask[i], id, m.cfg.Now())
		}
		ask, at = ask[n:], at[n:]
	}
	return out
}

// Identity looks one name or SID up, and asks the controller even where the cache knows better.
func (m *Member) Identity(ctx context.Context, name string) (auth.Identity, error) {
	acct := m.Account()
	if acct == nil {
		return auth.Identity{}, errUnjoined
	}
	var ids []auth.Identity
	var err error
	if sid, bad := nt.ParseSID(name); bad == nil {
		if sid == acct.DomainSID {
			return ownDomain(acct), nil
		}
		ids, err = m.askSIDs(ctx, []nt.SID{sid})
	} else {
		if d, a := splitName(name); a == "" && isOwn(acct, d) || d == "" && isOwn(acct, a) {
			return ownDomain(acct), nil
		}
		ids, err = m.askNames(ctx, []string{name})
	}
	if err != nil {
		return auth.Identity{}, err
	}
	if ids[0].Type == auth.SIDTypeUnknown {
		return ids[0], fmt.Errorf("%s: %w", name, nt.StatusNoneMapped)
	}
	if named, err := m.askSIDs(ctx, []nt.SID{ids[0].SID}); err == nil && named[0].Name != "" {
		ids[0].Name, ids[0].Domain = named[0].Name, named[0].Domain // as the domain spells it
	}
	return ids[0], nil
}
