package state

import (
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

func TestAuthorize(t *testing.T) {
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	machine := a.machine.SID
	dom := nt.NewSID(5, 21, 7, 8, 9)
	other := nt.NewSID(5, 21, 7, 8, 10)
	group := func(sid nt.SID) nt.Group { return nt.Group{SID: sid, Attributes: nt.SEGroupDefault} }
	base := auth.Principal{Name: "alice", Realm: "LAB.TEST", OwnRealm: true, Account: "alice", Domain: "LAB", DomainSID: dom, User: dom.Child(1103), PrimaryGroup: dom.Child(513)}
	with := func(edit func(*auth.Principal)) auth.Principal {
		p := base
		p.Groups = []nt.Group{group(dom.Child(513)), group(dom.Child(513)), group(dom.Child(1200))}
		edit(&p)
		return p
	}
	for name, tt := range map[string]struct {
		in     auth.Principal
		status nt.Status
		admin  bool
	}{
		"user":                  {with(func(*auth.Principal) {}), 0, false},
		"domain administrator":  {with(func(p *auth.Principal) { p.Groups = append(p.Groups, group(dom.Child(512))) }), 0, true},
		"for denying only":      {with(func(p *auth.Principal) { p.Groups = append(p.Groups, nt.Group{SID: dom.Child(512), Attributes: nt.SEGroupDefault | nt.SEGroupUseForDenyOnly}) }), 0, false},
		"another domain's":      {with(func(p *auth.Principal) { p.Groups = append(p.Groups, group(other.Child(512))) }), 0, false},
		"another realm":         {with(func(p *auth.Principal) { p.OwnRealm = false; p.Groups = append(p.Groups, group(dom.Child(512))) }), 0, false},
		"says it administers":   {with(func(p *auth.Principal) { p.Groups = append(p.Groups, group(nt.SIDBuiltinAdministrators)) }), 0, false},
		"says it is ours":       {with(func(p *auth.Principal) { p.Groups = append(p.Groups, group(machine.Child(500))) }), 0, false},
		"no user":               {with(func(p *auth.Principal) { p.User = nt.SID{} }), nt.StatusLogonFailure, false},
		"user of another":       {with(func(p *auth.Principal) { p.User = other.Child(1103) }), nt.StatusLogonFailure, false},
		"the domain is ours":    {with(func(p *auth.Principal) { p.DomainSID, p.User = machine, machine.Child(500) }), nt.StatusLogonFailure, false},
		"the domain is BUILTIN": {with(func(p *auth.Principal) { p.DomainSID, p.User = nt.SIDBuiltin, nt.SIDBuiltinAdministrators }), nt.StatusLogonFailure, false},
	} {
		t.Run(name, func(t *testing.T) {
			tok, err := a.Authorize(t.Context(), &tt.in)
			if nt.StatusOf(err) != tt.status {
				t.Fatalf("%v, want %v", err, tt.status)
			}
			if err != nil {
				return
			}
			if got := tok.HasSID(nt.SIDBuiltinAdministrators); got != tt.admin || got != (tok.Privileges&nt.SeTakeOwnershipPrivilege != 0) {
				t.Errorf("administrator: %v, want %v", got, tt.admin)
			}
			seen := map[nt.SID]bool{}
			for _, g := range tok.Groups {
				if seen[g.SID] || g.SID.IsChildOf(machine) {
					t.Errorf("group %v", g)
				}
				seen[g.SID] = true
			}
			if !seen[dom.Child(1200)] || !seen[nt.SIDAuthenticatedUsers] || tok.Account != "alice" || tok.Domain != "LAB" || tok.User != dom.Child(1103) || seen[nt.SIDNTLMAuthentication] {
				t.Errorf("token %+v", tok)
			}
		})
	}
}
