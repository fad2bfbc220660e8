package state

import (
	"context"
	"errors"
	"fmt"

	"lwio/iomgr/nt"
)

const (
	domainKey     = "domain/account"
	domainVersion = 1
)

// MachineAccount is this machine's account in a domain, with its passwords. Formatting it shows none.
type MachineAccount struct {
	Realm      string // Kerberos realm, upper case
	DNSDomain  string
	Forest     string
	Domain     string // NetBIOS name
	DomainSID  nt.SID
	DomainGUID nt.GUID
	Name       string // sAMAccountName, "SERVER$"
	RID        uint32
	DNSName    string // of this machine, as the domain has it
	Site       string // of this machine
	Controller string // that was last used

	Password MachinePassword // that counts
	Old      MachinePassword // that counted before it, for tickets that are still about
	// Pending is one that is about to count: whether it does nobody knows until the controller was asked. Its Value is empty where there is none.
	Pending MachinePassword

	Joined nt.Time

	Directory string // what the domain's directory lacked of the account when it was last looked at; empty for nothing
}

// MachinePassword is a password of the account, and what makes a key of it.
type MachinePassword struct {
	Value string
	Salt  string
	KVNO  uint32
	Set   nt.Time
}

// String names the account.
func (m *MachineAccount) String() string { return m.Name + "@" + m.Realm }

// GoString is String.
func (m *MachineAccount) GoString() string { return m.String() }

// Format shows no secret whatever the verb.
func (m MachineAccount) Format(f fmt.State, _ rune) { fmt.Fprint(f, m.String()) }

// Format shows no secret whatever the verb.
func (p MachinePassword) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "password of version %d", p.KVNO)
}

// ErrNoDomain says that the machine is in no domain.
var ErrNoDomain = errors.New("state: the machine is in no domain")

// Domain is the table of the machine's account.
type Domain struct{ store Store }

// NewDomain makes it.
func NewDomain(store Store) *Domain { return &Domain{store} }

// Load gives the account and its revision, or ErrNoDomain.
func (d *Domain) Load(ctx context.Context) (*MachineAccount, Revision, error) {
	e, err := d.store.Get(ctx, domainKey)
	if errors.Is(err, ErrNotFound) {
		return nil, 0, ErrNoDomain
	}
	if err != nil {
		return nil, 0, err
	}
	m, err := parseMachineAccount(e.Value)
	return m, e.Revision, err
}

// Save puts the account if it is still of the revision; zero means that there must be none.
func (d *Domain) Save(ctx context.Context, m *MachineAccount, old Revision) (Revision, error) {
	return CompareAndSwap(ctx, d.store, domainKey, old, m.record())
}

// Delete forgets the account.
func (d *Domain) Delete(ctx context.Context) error { return d.store.Delete(ctx, domainKey) }

func (m *MachineAccount) record() []byte {
	w := recordWriter{b: []byte{domainVersion}}
	w.string(m.Realm)
	w.string(m.DNSDomain)
	w.string(m.Forest)
	w.string(m.Domain)
	w.sid(m.DomainSID)
	w.bytes(m.DomainGUID[:])
	w.string(m.Name)
	w.u32(m.RID)
	w.string(m.DNSName)
	w.string(m.Site)
	w.string(m.Controller)
	for _, p := range []*MachinePassword{&m.Password, &m.Old, &m.Pending} {
		w.string(p.Value)
		w.string(p.Salt)
		w.u32(p.KVNO)
		w.time(p.Set)
	}
	w.time(m.Joined)
	w.string(m.Directory)
	return w.b
}

func parseMachineAccount(b []byte) (*MachineAccount, error) {
	r, err := openRecord(domainKey, b, domainVersion)
	if err != nil {
		return nil, err
	}
	m := &MachineAccount{Realm: r.string(), DNSDomain: r.string(), Forest: r.string(), Domain: r.string(), DomainSID: r.sid()}
	copy(m.DomainGUID[:], r.bytes())
	m.Name, m.RID, m.DNSName, m.Site, m.Controller = r.string(), r.u32(), r.string(), r.string(), r.string()
	for _, p := range []*MachinePassword{&m.Password, &m.Old, &m.Pending} {
		*p = MachinePassword{Value: r.string(), Salt: r.string(), KVNO: r.u32(), Set: r.time()}
	}
	m.Joined, m.Directory = r.time(), r.string()
	if err := r.err(domainKey); err != nil {
		return nil, err
	}
	if m.Realm == "" || m.Name == "" || m.DomainSID.SubAuthorityCount() != 4 {
		return nil, fmt.Errorf("%w: account of the machine", ErrCorrupt)
	}
	return m, nil
}
