package state

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"lwio/iomgr/nt"
)

const (
	lsaPolicyKey      = "lsa/policy"
	lsaAccountPrefix  = "lsa/account/"
	lsaSecretPrefix   = "lsa/secret/"
	lsaAccountVersion = 1

	// MaxLSAAccounts bounds the accounts of the policy, all of which are kept in memory.
	MaxLSAAccounts = 8192
)

// Errors of LSA that the caller caused.
var (
	ErrLSAAccountExists = errors.New("state: the policy has an account of that SID")
	ErrNoLSAAccount     = errors.New("state: the policy has no account of that SID")
	ErrLSAFull          = errors.New("state: the policy has as many accounts or secrets as it may have")
)

// LSA is the local security policy (MS-LSAD 3.1.1): accounts with the privileges and logon rights that tokens are made with, secrets, and the
// settings of the policy object. A change is durable when the call that makes it returns. It is safe for use by several goroutines.
//
// Accounts and settings are kept in memory too, since every logon asks; secrets are not.
type LSA struct {
	store Store

	// change is held over a change, the store's commit included, so that memory takes changes in the store's order.
	change  sync.Mutex
	secrets int // guarded by change: how many there are

	mu       sync.RWMutex
	accounts map[nt.SID]LSAAccount // guarded by mu
	order    []nt.SID              // guarded by mu: the keys of accounts, as enumerations give them
	policy   LSAPolicy             // guarded by mu
}

// LSAAccount is an account object (MS-LSAD 3.1.1.3): a user or group that holds rights, known here or not.
type LSAAccount struct {
	SID        nt.SID
	Privileges nt.Privileges
	// ByDefault and Enabled are those privileges whose attributes say so (MS-LSAD 2.2.5.4); tokens of network logons have all enabled.
	ByDefault, Enabled nt.Privileges
	SystemAccess       uint32                 // logon rights, see LogonRights
	Security           *nt.SecurityDescriptor // nil means that of every new account
}

// LogonRight is a right to log on in one way, or a refusal of it (MS-LSAD 2.2.1.2, 3.1.1.2.2).
type LogonRight struct {
	Name   string
	Access uint32
}

// System access bits (MS-LSAD 2.2.1.2).
const (
	AccessInteractive           uint32 = 0x001
	AccessNetwork               uint32 = 0x002
	AccessBatch                 uint32 = 0x004
	AccessProxy                 uint32 = 0x008
	AccessService               uint32 = 0x010
	AccessDenyInteractive       uint32 = 0x040
	AccessDenyNetwork           uint32 = 0x080
	AccessDenyBatch             uint32 = 0x100
	AccessDenyService           uint32 = 0x200
	AccessRemoteInteractive     uint32 = 0x400
	AccessDenyRemoteInteractive uint32 = 0x800

	// AccessAll is every bit that system access may have.
	AccessAll = AccessInteractive | AccessNetwork | AccessBatch | AccessProxy | AccessService | AccessDenyInteractive | AccessDenyNetwork |
		AccessDenyBatch | AccessDenyService | AccessRemoteInteractive | AccessDenyRemoteInteractive
)

var logonRights = [...]LogonRight{
	{"SeInteractiveLogonRight", AccessInteractive},
	{"SeNetworkLogonRight", AccessNetwork},
	{"SeBatchLogonRight", AccessBatch},
	{"SeServiceLogonRight", AccessService},
	{"SeDenyInteractiveLogonRight", AccessDenyInteractive},
	{"SeDenyNetworkLogonRight", AccessDenyNetwork},
	{"SeDenyBatchLogonRight", AccessDenyBatch},
	{"SeDenyServiceLogonRight", AccessDenyService},
	{"SeRemoteInteractiveLogonRight", AccessRemoteInteractive},
	{"SeDenyRemoteInteractiveLogonRight", AccessDenyRemoteInteractive},
}

// LogonRights is a copy of the logon rights that have names, in the order of their bits.
func LogonRights() []LogonRight { return slices.Clone(logonRights[:]) }

// LookupLogonRight finds a logon right by its name, without regard to case.
func LookupLogonRight(name string) (LogonRight, bool) {
	for _, r := range logonRights {
		if nt.EqualFold(r.Name, name) {
			return r, true
		}
	}
	return LogonRight{}, false
}

// NewLSA gives the policy of a store, and makes it with what Windows sets up the first time.
func NewLSA(ctx context.Context, store Store) (*LSA, error) {
	l := &LSA{store: store, accounts: make(map[nt.SID]LSAAccount)}
	e, err := store.Get(ctx, lsaPolicyKey)
	if errors.Is(err, ErrNotFound) {
		if err := l.seed(ctx); err != nil {
			return nil, fmt.Errorf("state: set the security policy up: %w", err)
		}
		e, err = store.Get(ctx, lsaPolicyKey)
	}
	if err != nil {
		return nil, err
	}
	if l.policy, err = parseLSAPolicy(e.Value); err != nil {
		return nil, err
	}
	for e, err := range All(ctx, store, lsaAccountPrefix) {
		if err != nil {
			return nil, err
		}
		a, err := parseLSAAccount(e.Value)
		if err == nil && e.Key != lsaAccountKey(a.SID) {
			err = fmt.Errorf("%w: it stands under another SID", ErrCorrupt)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Key, err)
		}
		l.accounts[a.SID] = a
	}
	for _, err := range All(ctx, store, lsaSecretPrefix) {
		if err != nil {
			return nil, err
		}
		l.secrets++
	}
	l.sort()
	return l, nil
}

// sort makes the order of enumerations: those of short SIDs, which every system has, come first. mu is held, or nobody has l yet.
func (l *LSA) sort() {
	l.order = slices.SortedFunc(maps.Keys(l.accounts), func(a, b nt.SID) int {
		if d := a.SubAuthorityCount() - b.SubAuthorityCount(); d != 0 {
			return d
		}
		return strings.Compare(string(a.Append(nil)), string(b.Append(nil)))
	})
}

func lsaAccountKey(sid nt.SID) string { return lsaAccountPrefix + sid.String() }

func (a *LSAAccount) encode() []byte {
	w := recordWriter{b: []byte{lsaAccountVersion}}
	w.sid(a.SID)
	w.u64(uint64(a.Privileges))
	w.u64(uint64(a.ByDefault))
	w.u64(uint64(a.Enabled))
	w.u32(a.SystemAccess)
	w.descriptor(a.Security)
	return w.b
}

func parseLSAAccount(b []byte) (LSAAccount, error) {
	const what = "account of the security policy"
	r, err := openRecord(what, b, lsaAccountVersion)
	if err != nil {
		return LSAAccount{}, err
	}
	a := LSAAccount{SID: r.sid(), Privileges: nt.Privileges(r.u64()), ByDefault: nt.Privileges(r.u64()), Enabled: nt.Privileges(r.u64()), SystemAccess: r.u32(), Security: r.descriptor()}
	if a.SID.IsZero() {
		r.bad = true
	}
	a.Privileges &= nt.AllPrivileges
	return a, r.err(what)
}

// descriptor writes a security descriptor; nil is written too.
func (w *recordWriter) descriptor(sd *nt.SecurityDescriptor) {
	if sd == nil {
		w.bytes(nil)
		return
	}
	w.bytes(sd.Append(nil))
}

func (r *recordReader) descriptor() *nt.SecurityDescriptor {
	b := r.bytes()
	if len(b) == 0 {
		return nil
	}
	sd, err := nt.ParseSecurityDescriptor(b)
	if err != nil {
		r.bad = true
		return nil
	}
	return sd
}

// Account gives the account of a SID.
func (l *LSA) Account(sid nt.SID) (LSAAccount, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	a, ok := l.accounts[sid]
	return a, ok
}

// Accounts gives at most limit accounts, from the one at an index on; the order is that of SIDs and stays while accounts come and go elsewhere in it.
func (l *LSA) Accounts(from, limit int) []LSAAccount {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if from < 0 || from >= len(l.order) || limit <= 0 {
		return nil
	}
	rest := l.order[from:]
	out := make([]LSAAccount, 0, min(limit, len(rest)))
	for _, sid := range rest[:min(limit, len(rest))] {
		out = append(out, l.accounts[sid])
	}
	return out
}

// AddAccount makes an account without rights.
func (l *LSA) AddAccount(ctx context.Context, sid nt.SID) error {
	l.change.Lock()
	defer l.change.Unlock()
	if _, ok := l.Account(sid); ok {
		return ErrLSAAccountExists
	}
	return l.put(ctx, LSAAccount{SID: sid})
}

// ChangeAccount changes an account. Where there is none of the SID, it is made if create is set. An error of change leaves it as it was.
func (l *LSA) ChangeAccount(ctx context.Context, sid nt.SID, create bool, change func(*LSAAccount) error) error {
	l.change.Lock()
	defer l.change.Unlock()
	a, ok := l.Account(sid)
	if !ok && !create {
		return ErrNoLSAAccount
	}
	a.SID = sid
	if err := change(&a); err != nil {
		return err
	}
	a.Privileges &= nt.AllPrivileges
	a.ByDefault &= a.Privileges
	a.Enabled &= a.Privileges
	return l.put(ctx, a)
}

// put stores an account. change is held.
func (l *LSA) put(ctx context.Context, a LSAAccount) error {
	l.mu.RLock()
	_, known := l.accounts[a.SID]
	full := len(l.accounts) >= MaxLSAAccounts
	l.mu.RUnlock()
	if !known && full {
		return ErrLSAFull
	}
	if _, err := l.store.Put(ctx, lsaAccountKey(a.SID), a.encode()); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accounts[a.SID] = a
	if !known {
		l.sort()
	}
	return nil
}

// DeleteAccount takes an account out, and with it its rights.
func (l *LSA) DeleteAccount(ctx context.Context, sid nt.SID) error {
	l.change.Lock()
	defer l.change.Unlock()
	if _, ok := l.Account(sid); !ok {
		return ErrNoLSAAccount
	}
	if err := l.store.Delete(ctx, lsaAccountKey(sid)); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.accounts, sid)
	l.order = slices.DeleteFunc(l.order, func(s nt.SID) bool { return s == sid })
	return nil
}

// RightsOf is what the accounts of a token's user and groups hold together. A group counts as an allow ACE for it would.
func (l *LSA) RightsOf(t *nt.Token) (nt.Privileges, uint32) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	own := l.accounts[t.User]
	p, access := own.Privileges, own.SystemAccess
	for i := range t.Groups {
		g := &t.Groups[i]
		a, ok := l.accounts[g.SID]
		if !ok {
			continue
		}
		if g.Attributes&(nt.SEGroupEnabled|nt.SEGroupUseForDenyOnly) == nt.SEGroupEnabled {
			p |= a.Privileges
			access |= a.SystemAccess
		} else {
			access |= a.SystemAccess & (AccessDenyInteractive | AccessDenyNetwork | AccessDenyBatch | AccessDenyService | AccessDenyRemoteInteractive)
		}
	}
	return p, access
}

// LogOn gives a token that is being made for a logon over the network the privileges that the policy grants its user and groups, or refuses
// the logon with StatusLogonTypeNotGranted where they have no right to it or are denied it.
func (l *LSA) LogOn(t *nt.Token) error {
	p, access := l.RightsOf(t)
	t.Privileges = p
	if access&AccessNetwork == 0 || access&AccessDenyNetwork != 0 {
		return nt.StatusLogonTypeNotGranted
	}
	return nil
}
