package state

import (
	"container/list"
	"strings"
	"sync"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// maxPrincipals bounds how many users of domains are remembered by name, and maxDomains how many domains.
const (
	maxPrincipals    = 4096
	maxDomains       = 64
	maxPrincipalName = 256
)

// principals remembers the names of those whom Kerberos has proved, so that a host that can ask no domain controller still names who is logged
// on to it. The one that logged on longest ago is forgotten first. The zero value is ready.
type principals struct {
	mu      sync.Mutex
	recent  list.List                // guarded by mu: *seenPrincipal, the latest first
	bySID   map[nt.SID]*list.Element // guarded by mu
	byName  map[string]*list.Element // guarded by mu: DOMAIN\NAME and NAME@REALM, in upper case
	domains map[string]*seenDomain   // guarded by mu, by NetBIOS and by Kerberos name in upper case
	sids    map[nt.SID]*seenDomain   // guarded by mu
}

type seenPrincipal struct {
	id   auth.Identity
	keys [2]string
}

type seenDomain struct {
	name string
	sid  nt.SID
	own  bool // the host's own realm
}

// remember takes a principal that was authorized. A domain is known by the name under which it was seen first: another one of that name does
// not displace it, unless it is the host's own.
func (p *principals) remember(in *auth.Principal) {
	if in.Account == "" || in.Domain == "" || len(in.Account)+len(in.Domain)+len(in.Name)+len(in.Realm) > maxPrincipalName || strings.ContainsRune(in.Account, '\\') {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bySID == nil {
		p.bySID, p.byName = make(map[nt.SID]*list.Element), make(map[string]*list.Element)
		p.domains, p.sids = make(map[string]*seenDomain), make(map[nt.SID]*seenDomain)
	}
	d := p.domain(in)
	if d == nil {
		return
	}
	if e := p.bySID[in.User]; e != nil {
		p.forget(e)
	}
	s := &seenPrincipal{
		id:   auth.Identity{SID: in.User, Type: auth.SIDTypeUser, Name: in.Account, Domain: d.name, DomainSID: d.sid},
		keys: [2]string{nt.Upcase(d.name + `\` + in.Account), nt.Upcase(in.Name + "@" + in.Realm)},
	}
	e := p.recent.PushFront(s)
	p.bySID[in.User] = e
	for _, k := range s.keys {
		p.byName[k] = e
	}
	if p.recent.Len() > maxPrincipals {
		p.forget(p.recent.Back())
	}
}

// domain finds or makes the domain of a principal; nil if its names are another's. mu is held.
func (p *principals) domain(in *auth.Principal) *seenDomain {
	name, realm := nt.Upcase(in.Domain), nt.Upcase(in.Realm)
	for _, k := range []string{name, realm} {
		if d := p.domains[k]; d != nil && d.sid != in.DomainSID {
			if d.own || !in.OwnRealm {
				return nil
			}
			p.drop(d)
		}
	}
	d := p.sids[in.DomainSID]
	if d == nil {
		if len(p.sids) >= maxDomains && !in.OwnRealm {
			return nil
		}
		d = &seenDomain{name: in.Domain, sid: in.DomainSID, own: in.OwnRealm}
		p.sids[d.sid] = d
	} else if nt.Upcase(d.name) != name {
		return nil
	}
	d.own = d.own || in.OwnRealm
	p.domains[name] = d
	if realm != "" {
		p.domains[realm] = d
	}
	return d
}

// drop forgets a domain whose name was another's by right. mu is held.
func (p *principals) drop(d *seenDomain) {
	for k, v := range p.domains {
		if v == d {
			delete(p.domains, k)
		}
	}
	delete(p.sids, d.sid)
	for sid, e := range p.bySID {
		if sid.IsChildOf(d.sid) {
			p.forget(e)
		}
	}
}

// forget takes an entry out. mu is held.
func (p *principals) forget(e *list.Element) {
	s := p.recent.Remove(e).(*seenPrincipal)
	delete(p.bySID, s.id.SID)
	for _, k := range s.keys {
		if p.byName[k] == e {
			delete(p.byName, k)
		}
	}
}

// lookupName resolves a name that is none of the host's own: a domain, DOMAIN\name, name@realm, or the name alone of a user of the host's own realm.
func (p *principals) lookupName(domain, account string) (auth.Identity, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if domain == "" {
		if d := p.domains[nt.Upcase(account)]; d != nil {
			return d.identity(), true
		}
		for _, d := range p.sids { // few
			if d.own {
				if e := p.byName[nt.Upcase(d.name+`\`+account)]; e != nil {
					return e.Value.(*seenPrincipal).id, true
				}
			}
		}
		return auth.Identity{}, false
	}
	d := p.domains[nt.Upcase(domain)]
	if d == nil {
		return auth.Identity{}, false
	}
	if account == "" {
		return d.identity(), true
	}
	e := p.byName[nt.Upcase(d.name+`\`+account)]
	if e == nil {
		if e = p.byName[nt.Upcase(account+"@"+domain)]; e == nil {
			return auth.Identity{Type: auth.SIDTypeUnknown, Name: account, Domain: d.name, DomainSID: d.sid}, true
		}
	}
	return e.Value.(*seenPrincipal).id, true
}

// lookupSID resolves a SID. Of a domain that is known, what is not known is answered with the domain.
func (p *principals) lookupSID(sid nt.SID) (auth.Identity, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.bySID[sid]; e != nil {
		return e.Value.(*seenPrincipal).id, true
	}
	if d := p.sids[sid]; d != nil {
		return d.identity(), true
	}
	for _, d := range p.sids {
		if sid.IsChildOf(d.sid) {
			return auth.Identity{SID: sid, Type: auth.SIDTypeUnknown, Domain: d.name, DomainSID: d.sid}, true
		}
	}
	return auth.Identity{}, false
}

func (d *seenDomain) identity() auth.Identity {
	return auth.Identity{SID: d.sid, Type: auth.SIDTypeDomain, Name: d.name, Domain: d.name, DomainSID: d.sid}
}
