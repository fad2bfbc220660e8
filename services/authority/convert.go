package authority

import (
	"errors"

	gen "lwio/gen/authority"
	"lwio/gen/dtyp"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

var errAnswer = errors.New("authority: an answer that is none")

func toGroups(groups []nt.Group) []gen.AUTHORITY_GROUP {
	out := make([]gen.AUTHORITY_GROUP, len(groups))
	for i, g := range groups {
		out[i] = gen.AUTHORITY_GROUP{Sid: dtyp.NewRPC_SID(g.SID), Attributes: uint32(g.Attributes)}
	}
	return out
}

// sids reads SIDs and remembers whether one was malformed.
type sids struct{ err error }

func (d *sids) sid(x *dtyp.RPC_SID) nt.SID {
	if x != nil && x.Revision != 1 {
		d.err = errAnswer
		return nt.SID{}
	}
	sid, err := x.SID()
	if err != nil {
		d.err = err
	}
	return sid
}

func (d *sids) groups(in []gen.AUTHORITY_GROUP) []nt.Group {
	if len(in) == 0 {
		return nil
	}
	out := make([]nt.Group, len(in))
	for i := range in {
		out[i] = nt.Group{SID: d.sid(in[i].Sid), Attributes: nt.GroupAttributes(in[i].Attributes)}
	}
	return out
}

// toToken is nil for a token that has more groups, or a longer list, than the interface takes.
func toToken(t *nt.Token) *gen.AUTHORITY_TOKEN {
	if len(t.Groups) > int(gen.AUTHORITY_MAX_GROUPS) {
		return nil
	}
	x := &gen.AUTHORITY_TOKEN{
		User: dtyp.NewRPC_SID(t.User), Owner: dtyp.NewRPC_SID(t.Owner), PrimaryGroup: dtyp.NewRPC_SID(t.PrimaryGroup),
		Privileges: int64(t.Privileges), LogonId: int64(t.LogonID), Uid: t.UID, Gid: t.GID,
		Account: dtyp.NewRPC_UNICODE_STRING(t.Account), Domain: dtyp.NewRPC_UNICODE_STRING(t.Domain), Groups: toGroups(t.Groups),
	}
	if t.Anonymous {
		x.Flags |= gen.AUTHORITY_TOKEN_ANONYMOUS
	}
	if t.HasUnixID {
		x.Flags |= gen.AUTHORITY_TOKEN_UNIX_ID
	}
	if t.DefaultDACL != nil {
		if x.Dacl = t.DefaultDACL.Append([]byte{}); len(x.Dacl) > 0xFFFF {
			return nil
		}
	}
	return x
}

func fromToken(x *gen.AUTHORITY_TOKEN) (*nt.Token, error) {
	const known = gen.AUTHORITY_TOKEN_ANONYMOUS | gen.AUTHORITY_TOKEN_UNIX_ID
	if x == nil || x.Flags&^known != 0 {
		return nil, errAnswer
	}
	var d sids
	t := &nt.Token{
		User: d.sid(x.User), Owner: d.sid(x.Owner), PrimaryGroup: d.sid(x.PrimaryGroup), Groups: d.groups(x.Groups),
		Privileges: nt.Privileges(x.Privileges), LogonID: nt.LUID(x.LogonId), UID: x.Uid, GID: x.Gid,
		Account: x.Account.String(), Domain: x.Domain.String(),
		Anonymous: x.Flags&gen.AUTHORITY_TOKEN_ANONYMOUS != 0, HasUnixID: x.Flags&gen.AUTHORITY_TOKEN_UNIX_ID != 0,
	}
	if x.Dacl != nil {
		acl, err := nt.ParseACL(x.Dacl)
		if err != nil {
			return nil, err
		}
		t.DefaultDACL = acl
	}
	if d.err != nil {
		return nil, d.err
	}
	if t.User.IsZero() {
		return nil, errAnswer
	}
	return t, nil
}

func toLogon(in *auth.NTLMLogon) gen.AUTHORITY_NTLM_LOGON {
	return gen.AUTHORITY_NTLM_LOGON{
		Account: dtyp.NewRPC_UNICODE_STRING(in.Account), Domain: dtyp.NewRPC_UNICODE_STRING(in.Domain),
		Workstation: dtyp.NewRPC_UNICODE_STRING(in.Workstation), Address: dtyp.NewRPC_UNICODE_STRING(in.Address),
		ServerChallenge: in.ServerChallenge, LmResponse: in.LMResponse, NtResponse: in.NTResponse,
	}
}

func fromLogon(x *gen.AUTHORITY_NTLM_LOGON) *auth.NTLMLogon {
	return &auth.NTLMLogon{
		Account: x.Account.String(), Domain: x.Domain.String(), Workstation: x.Workstation.String(), Address: x.Address.String(),
		ServerChallenge: x.ServerChallenge, LMResponse: x.LmResponse, NTResponse: x.NtResponse,
	}
}

func toPrincipal(in *auth.Principal) gen.AUTHORITY_PRINCIPAL {
	x := gen.AUTHORITY_PRINCIPAL{
		Name: dtyp.NewRPC_UNICODE_STRING(in.Name), Realm: dtyp.NewRPC_UNICODE_STRING(in.Realm),
		Account: dtyp.NewRPC_UNICODE_STRING(in.Account), Domain: dtyp.NewRPC_UNICODE_STRING(in.Domain),
		DomainSid: dtyp.NewRPC_SID(in.DomainSID), User: dtyp.NewRPC_SID(in.User), PrimaryGroup: dtyp.NewRPC_SID(in.PrimaryGroup),
		Groups: toGroups(in.Groups), LogonTime: int64(in.LogonTime), Expires: int64(in.Expires),
		Mechanism: dtyp.NewRPC_UNICODE_STRING(in.Mechanism), Address: dtyp.NewRPC_UNICODE_STRING(in.Address),
	}
	if in.OwnRealm {
		x.OwnRealm = 1
	}
	return x
}

func fromPrincipal(x *gen.AUTHORITY_PRINCIPAL) (*auth.Principal, error) {
	var d sids
	p := &auth.Principal{
		Name: x.Name.String(), Realm: x.Realm.String(), OwnRealm: x.OwnRealm != 0, Account: x.Account.String(), Domain: x.Domain.String(),
		DomainSID: d.sid(x.DomainSid), User: d.sid(x.User), PrimaryGroup: d.sid(x.PrimaryGroup), Groups: d.groups(x.Groups),
		LogonTime: nt.Time(x.LogonTime), Expires: nt.Time(x.Expires), Mechanism: x.Mechanism.String(), Address: x.Address.String(),
	}
	return p, d.err
}

func toIdentities(ids []auth.Identity) gen.AUTHORITY_IDENTITIES {
	x := gen.AUTHORITY_IDENTITIES{Identities: make([]gen.AUTHORITY_IDENTITY, len(ids))}
	for i := range ids {
		id := &ids[i]
		x.Identities[i] = gen.AUTHORITY_IDENTITY{Sid: dtyp.NewRPC_SID(id.SID), Type: uint32(id.Type), Name: dtyp.NewRPC_UNICODE_STRING(id.Name),
			Domain: dtyp.NewRPC_UNICODE_STRING(id.Domain), DomainSid: dtyp.NewRPC_SID(id.DomainSID)}
	}
	return x
}

// fromIdentities reads the answer to n questions.
func fromIdentities(x *gen.AUTHORITY_IDENTITIES, n int) ([]auth.Identity, error) {
	if len(x.Identities) != n {
		return nil, errAnswer
	}
	var d sids
	out := make([]auth.Identity, n)
	for i := range out {
		id := &x.Identities[i]
		if id.Type > 0xFFFF {
			return nil, errAnswer
		}
		out[i] = auth.Identity{SID: d.sid(id.Sid), Type: auth.SIDType(id.Type), Name: id.Name.String(), Domain: id.Domain.String(), DomainSID: d.sid(id.DomainSid)}
	}
	return out, d.err
}

func toHost(h auth.Host) gen.AUTHORITY_HOST {
	return gen.AUTHORITY_HOST{Name: dtyp.NewRPC_UNICODE_STRING(h.Name), Domain: dtyp.NewRPC_UNICODE_STRING(h.Domain), DnsName: dtyp.NewRPC_UNICODE_STRING(h.DNSName),
		DnsDomain: dtyp.NewRPC_UNICODE_STRING(h.DNSDomain), DnsForest: dtyp.NewRPC_UNICODE_STRING(h.DNSForest), MachineSid: dtyp.NewRPC_SID(h.MachineSID)}
}

func fromHost(x *gen.AUTHORITY_HOST) (auth.Host, error) {
	var d sids
	h := auth.Host{Name: x.Name.String(), Domain: x.Domain.String(), DNSName: x.DnsName.String(), DNSDomain: x.DnsDomain.String(),
		DNSForest: x.DnsForest.String(), MachineSID: d.sid(x.MachineSid)}
	if d.err == nil && (h.Name == "" || h.MachineSID.IsZero()) {
		d.err = errAnswer
	}
	return h, d.err
}
