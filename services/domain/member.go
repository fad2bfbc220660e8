package domain

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/services/authority"
	"lwio/services/state"
)

// Conn is a pipe of another machine; *pipes.Conn is one.
type Conn interface {
	net.Conn
	SessionKey() []byte // of the SMB session
}

// Config configures a Member. Table, Pipe and Host are needed.
type Config struct {
	Table *state.Domain
	// Pipe opens a pipe of a controller as somebody.
	Pipe func(ctx context.Context, host, pipe string, cred *api.Credential) (Conn, error)
	// Host says who this machine is.
	Host func() auth.Host
	// Keytab is the file that the keys are written to, for other programs; empty for none.
	Keytab string
	// Krb5Conf is the path of krb5.conf; empty for the system's.
	Krb5Conf string
	Locator  *Locator // nil for one that asks the system's DNS
	// PasswordAge is how old the password may get. Zero means 30 days, as Windows has it; a negative value for ever.
	PasswordAge time.Duration
	// KeepNames is how long names and SIDs that a controller told serve while none can be asked. Zero means seven days; a negative value not at all.
	KeepNames time.Duration
	// CachedNames bounds how many names, and how many SIDs, are remembered. Zero means 8192.
	CachedNames int
	// FirstID and IDs are the range of Unix ids that RIDs of the domain are mapped to: FirstID + RID. Zero IDs map none.
	FirstID, IDs uint32
	// IDMap, if it is not nil, gives each domain slices of that range, of IDSlice RIDs each.
	IDMap   *state.IDMap
	IDSlice uint32
	// Heard is how long others who have the keys may take to hear of new ones: a new password is made known to the controller after that, and a join ends after it.
	Heard time.Duration
	Log   *slog.Logger
	Now   func() time.Time
}

// Timeouts.
const (
	defaultPasswordAge = 30 * 24 * time.Hour
	callTimeout        = 10 * time.Second // of what a client waits for
	lookupTimeout      = 3 * time.Second
	changeTimeout      = 45 * time.Second // of a join, a leave, a rotation
	failFast           = 5 * time.Second  // after nobody answered, nobody is asked
)

// Member is this machine's membership. It is there whether the machine is in a domain or not, so that joining needs no restart.
type Member struct {
	cfg    Config
	change chan struct{} // of one: a join, leave or rotation
	alone  chan struct{} // of one: a channel is opened
	kick   chan struct{} // of one: Run is to look at once

	mu      sync.Mutex
	account *state.MachineAccount // nil in no domain; not changed once it is here; guarded by mu
	rev     state.Revision        // guarded by mu
	keys    []krb5.ServiceKey     // of the account; guarded by mu
	channel *channel              // nil if there is none; guarded by mu
	opening chan struct{}         // closed when the channel that is being opened is, or has failed; guarded by mu
	failed  error                 // of the last attempt; guarded by mu
	failAt  time.Time             // guarded by mu

	ids    atomic.Pointer[authority.IDRanges]
	policy policies
	cache  cache
}

// New makes a Member of what the state has.
func New(ctx context.Context, cfg Config) (*Member, error) {
	if cfg.Locator == nil {
		cfg.Locator = NewLocator(LocatorConfig{})
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.PasswordAge == 0 {
		cfg.PasswordAge = defaultPasswordAge
	}
	m := &Member{cfg: cfg, change: make(chan struct{}, 1), alone: make(chan struct{}, 1), kick: make(chan struct{}, 1)}
	m.policy.free = make(chan *policy, maxPolicies)
	m.cache.limit, m.cache.keep = cfg.CachedNames, cfg.KeepNames
	if cfg.KeepNames == 0 {
		m.cache.keep = defaultKeep
	}
	acct, rev, err := cfg.Table.Load(ctx)
	if errors.Is(err, state.ErrNoDomain) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	m.take(acct, rev)
	if names, err := cfg.Table.LoadNames(ctx); err != nil {
		cfg.Log.Warn("names that were kept cannot be read; they are asked for again", "err", err)
	} else if m.cache.keep > 0 {
		m.cache.load(names)
	}
	m.ensureIDs(ctx, acct.DomainSID.Child(nt.DomainGroupRIDUsers))
	return m, nil
}

// Account is the machine's account; nil in no domain. It is not to be changed.
func (m *Member) Account() *state.MachineAccount {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.account
}

// take makes an account the one that counts.
func (m *Member) take(acct *state.MachineAccount, rev state.Revision) {
	var keys []krb5.ServiceKey
	if acct != nil {
		keys = accountKeys(acct)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.account, m.rev, m.keys = acct, rev, keys
}

// save stores an account over the one that counts, and writes its keytab.
func (m *Member) save(ctx context.Context, acct *state.MachineAccount) error {
	m.mu.Lock()
	old := m.rev
	m.mu.Unlock()
	rev, err := m.cfg.Table.Save(ctx, acct, old)
	if err != nil {
		return err
	}
	m.take(acct, rev)
	if err := m.writeKeytab(); err != nil {
		m.cfg.Log.Warn("the keytab is not written; this daemon needs it not, other programs may", "path", m.cfg.Keytab, "err", err)
	}
	return nil
}

// Keys are the account's, current and old: what tickets to this machine may be encrypted with.
func (m *Member) Keys() ([]krb5.ServiceKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys, nil
}

// enter begins a change, when the one before has ended: its context has a limit, and end is called with it.
func (m *Member) enter(ctx context.Context) (of context.Context, end func(), err error) {
	of, cancel := context.WithTimeout(ctx, changeTimeout)
	select {
	case m.change <- struct{}{}:
		return of, func() { <-m.change; cancel() }, nil
	case <-of.Done():
		defer cancel()
		return nil, nil, of.Err()
	}
}

// Close ends the secure channel.
func (m *Member) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	m.keepNames(ctx)
	m.drop(nil)
	m.policy.close()
}

// machineCredential is the account's, for SMB.
func machineCredential(acct *state.MachineAccount, password string) *api.Credential {
	return &api.Credential{User: acct.Name + "@" + acct.Realm, Password: password, HasPassword: true, Method: api.MethodKerberos}
}

// bind opens a pipe and binds an interface on it.
func (m *Member) bind(ctx context.Context, host, pipe string, cred *api.Credential, iface *rpc.Interface, a *client.Auth) (*client.Binding, *client.Conn, []byte, error) {
	nc, err := m.cfg.Pipe(ctx, host, pipe, cred)
	if err != nil {
		return nil, nil, nil, err
	}
	key := nc.SessionKey()
	conn := client.NewConn(nc, client.Config{MaxCalls: 1})
	b, err := conn.Bind(ctx, iface, a)
	if err != nil {
		conn.Close()
		return nil, nil, nil, err
	}
	return b, conn, key, nil
}

// newPassword makes a password as Windows has them: 120 characters.
func newPassword() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var b [120]byte
	rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = alphabet[b[i]&63]
	}
	return string(b[:])
}

// shortName is the NetBIOS name of the account.
func shortName(account string) string { return strings.TrimSuffix(account, "$") }

// candidates are the controllers to try, the one that was last used first.
func (m *Member) candidates(ctx context.Context, acct *state.MachineAccount) ([]string, error) {
	list, err := m.cfg.Locator.Find(ctx, acct.DNSDomain)
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
	}
	if err != nil {
		if acct.Controller == "" {
			return nil, err
		}
		names = []string{acct.Controller} // DNS is away; the controller need not be
	}
	if len(names) > 3 {
		names = names[:3]
	}
	return names, nil
}

var errUnjoined = fmt.Errorf("this machine is in no domain: %w", nt.StatusNoSuchDomain)
