package credential

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"

	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/nt"
)

// Policy says whether a protocol may be used.
type Policy uint8

// The policies.
const (
	Allowed Policy = iota
	Denied
)

// Config is how a Source decides. The zero value allows both protocols and finds KDCs as the system's krb5.conf says.
type Config struct {
	Krb5Conf string // path; empty is $KRB5_CONFIG, else /etc/krb5.conf, else DNS
	Kerberos Policy
	NTLM     Policy
	AllowRC4 bool // of Kerberos

	// Default is the credential of those who give none. Nil refuses them.
	Default *api.Credential
	// Workstation is this host's NetBIOS name, which NTLM tells.
	Workstation string
	// Log takes why a protocol was left out of a logon, at debug level. Nil is not to log.
	Log *slog.Logger

	Now func() time.Time // nil means time.Now
}

// Source makes initiators. It is safe for concurrent use.
type Source struct {
	cfg Config

	mu      sync.Mutex
	clients map[clientKey]*list.Element // guarded by mu
	recent  list.List                   // of *cached, the one used last in front; guarded by mu
}

// How many clients with their tickets are kept, and how long after their last use.
const (
	maxClients = 256
	keepClient = time.Hour
)

// clientKey is one way to prove one credential.
type clientKey struct {
	id    api.CredentialID
	proof proof
}

type cached struct {
	key    clientKey
	client *krb5.Client
	used   time.Time
}

// New makes a Source.
func New(cfg Config) *Source {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Source{cfg: cfg, clients: map[clientKey]*list.Element{}}
}

// Error is an error with what the user can do about it.
type Error struct {
	Err  error
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// RPC's types of authentication (MS-RPCE 2.2.1.1.7).
const (
	rpcSPNEGO   = 9
	rpcNTLM     = 10
	rpcKerberos = 16
)

// Its levels from which on messages are signed, and sealed (MS-RPCE 2.2.1.1.8).
const (
	rpcCall    = 3
	rpcPrivacy = 6
)

// Initiator begins a logon to the service at the host, by SPNEGO. It is what a redirector needs. Nothing is asked of a KDC before the
// initiator's first Init, whose error says of each protocol why it was not to be had.
//
// When the KDC refuses the user of a named domain, NTLM is not tried: it would be the second wrong password of one logon. A user
// without a domain may be the server's own, so that then it is.
func (s *Source) Initiator(ctx context.Context, cred *api.Credential, service, host string) (auth.Initiator, error) {
	l, err := s.begin(cred, service, host, 0)
	if err != nil {
		return nil, err
	}
	return l.negotiate(), nil
}

// Mechanism begins a logon by one of RPC's types of authentication: 9 is SPNEGO, 10 is NTLM, 16 is Kerberos. Kerberos is in DCE style, within
// SPNEGO too (MS-KILE 3.2.5.2, MS-RPCE 3.2.1.4.1.1), and asks for what RPC's level of authentication, 2 to 6, needs: of a context that could seal
// Samba expects signatures as long as those of sealed messages.
func (s *Source) Mechanism(ctx context.Context, cred *api.Credential, authType, level uint8, service, host string) (auth.Initiator, error) {
	flags := krb5.FlagDCEStyle | krb5.FlagMutual | krb5.FlagReplay | krb5.FlagSequence
	if level >= rpcCall {
		flags |= krb5.FlagInteg
	}
	if level >= rpcPrivacy {
		flags |= krb5.FlagConf
	}
	l, err := s.begin(cred, service, host, flags)
	if err != nil {
		return nil, err
	}
	switch authType {
	case rpcSPNEGO:
		return l.negotiate(), nil
	case rpcNTLM:
		if l.ntlm == nil {
			return nil, l.failure(nil)
		}
		return l.ntlm, nil
	case rpcKerberos:
		if l.kerberos == nil {
			return nil, l.failure(nil)
		}
		return l.kerberos, nil
	}
	return nil, fmt.Errorf("credential: authentication type %d; there are 9 (SPNEGO), 10 (NTLM) and 16 (Kerberos): %w", authType, nt.StatusNotSupported)
}

// logon is what one logon can be made of.
type logon struct {
	target         string
	log            *slog.Logger
	kerberos, ntlm auth.Initiator // nil where it is not to be had
	why            []error        // of what is not
	named          bool           // the credential names the user's domain
	denied         bool           // the domain's controller has refused the user
}

// begin decides what there is, as far as that can be known without asking anybody. The flags are Kerberos'; zero is its own choice.
func (s *Source) begin(cred *api.Credential, service, host string, flags krb5.Flags) (*logon, error) {
	if cred == nil {
		cred = s.cfg.Default
	}
	if cred == nil {
		return nil, &Error{fmt.Errorf("credential: none was given for %s/%s: %w", service, host, nt.StatusNoSuchLogonSession), "log on with kinit, or name a user"}
	}
	host = strings.TrimSuffix(host, ".")
	l := &logon{target: service + "/" + host, log: s.cfg.Log}
	if cred.Anonymous {
		if s.cfg.NTLM == Denied {
			return nil, fmt.Errorf("credential: a null session is NTLM's, which policy denies: %w", nt.StatusNotSupported)
		}
		l.ntlm = ntlm.NewInitiator(ntlm.Credentials{}, ntlm.InitiatorConfig{TargetName: l.target})
		return l, nil
	}
	user, domain, err := cred.User, cred.Domain, error(nil)
	if user != "" {
		var own string
		if user, own, err = ParseUser(cred.User); err != nil {
			return nil, err
		}
		if own != "" {
			domain = own
		}
	}
	l.named = domain != ""
	if err := s.beginKerberos(l, cred, user, domain, host, flags); err != nil {
		l.leaveOut("Kerberos", err)
	}
	if err := s.beginNTLM(l, cred, user, domain); err != nil {
		l.leaveOut("NTLM", err)
	}
	if l.kerberos == nil && l.ntlm == nil {
		return nil, l.failure(nil)
	}
	return l, nil
}

func (l *logon) leaveOut(name string, err error) {
	l.log.Debug("logon goes without "+name, "target", l.target, "err", err)
	l.why = append(l.why, fmt.Errorf("%s: %w", name, err))
}

// failed is leaveOut of a protocol that was begun. What became of it says more than a policy, and its status counts.
func (l *logon) failed(name string, err error) {
	l.denied = l.denied || l.named && refused(err)
	before := l.why
	l.why = nil
	l.leaveOut(name, err)
	l.why = append(l.why, before...)
}

// refused reports whether the KDC has refused the user, and not merely the ticket.
func refused(err error) bool {
	for _, s := range []nt.Status{nt.StatusLogonFailure, nt.StatusWrongPassword, nt.StatusAccountDisabled, nt.StatusAccountLockedOut, nt.StatusAccountExpired,
		nt.StatusPasswordExpired, nt.StatusPasswordMustChange, nt.StatusInvalidLogonHours, nt.StatusInvalidWorkstation} {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}

// failure says of each protocol why it was not to be had.
func (l *logon) failure(err error) error {
	why := l.why
	if err != nil {
		why = append([]error{err}, why...)
	}
	return fmt.Errorf("credential: no way to log on to %s: %w", l.target, joined(why))
}

// joined is errors.Join in one line.
type joined []error

func (j joined) Error() string {
	parts := make([]string, len(j))
	for i, err := range j {
		parts[i] = err.Error()
	}
	return strings.Join(parts, "; ")
}

func (j joined) Unwrap() []error { return j }

// Why a protocol is left out.
var (
	errPolicy = fmt.Errorf("policy denies it: %w", nt.StatusNotSupported)
	errMethod = fmt.Errorf("the credential is not for it: %w", nt.StatusNotSupported)
)

func (s *Source) beginNTLM(l *logon, cred *api.Credential, user, domain string) error {
	switch {
	case s.cfg.NTLM == Denied:
		return errPolicy
	case cred.Method == api.MethodKerberos:
		return errMethod
	case user == "":
		return fmt.Errorf("the credential names no user: %w", nt.StatusNoSuchLogonSession)
	case len(cred.NTHash) == 0 && !hasPassword(cred):
		return fmt.Errorf("the credential has no password: %w", nt.StatusNoSuchLogonSession)
	case len(cred.NTHash) != 0 && len(cred.NTHash) != 16:
		return fmt.Errorf("NT hash of %d bytes, want 16: %w", len(cred.NTHash), nt.StatusInvalidParameter)
	}
	c := ntlm.Credentials{User: user, Domain: domain, Password: cred.Password, Workstation: s.cfg.Workstation}
	if len(cred.NTHash) == 16 {
		c.Hash = (*[16]byte)(cred.NTHash)
	}
	l.ntlm = ntlm.NewInitiator(c, ntlm.InitiatorConfig{TargetName: l.target})
	return nil
}

func hasPassword(c *api.Credential) bool { return c.HasPassword || c.Password != "" }

// named reports whether a host can be a principal's: an address cannot (MS-KILE 3.1.5.11), nor can this machine's name for itself.
func named(host string) bool {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "" {
		return false
	}
	return !nt.EqualFold(host, "localhost")
}

// proof is what of a credential Kerberos uses.
type proof uint8

const (
	byCCache proof = iota
	byKeytab
	byPassword
)

func (s *Source) beginKerberos(l *logon, cred *api.Credential, user, domain, host string, flags krb5.Flags) error {
	switch {
	case s.cfg.Kerberos == Denied:
		return errPolicy
	case cred.Method == api.MethodNTLM:
		return errMethod
	case !named(host):
		return fmt.Errorf("%q is no name that a server can prove: %w", host, nt.StatusNotSupported)
	}
	var usable alternatives
	var failed []error
	for p, has := range []bool{byCCache: len(cred.CCache) > 0, byKeytab: len(cred.Keytab) > 0, byPassword: hasPassword(cred) && user != ""} {
		if !has {
			continue
		}
		c, err := s.client(cred, proof(p), user, domain)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		usable.left = append(usable.left, c.NewInitiator(krb5.InitiatorConfig{Service: l.target, Flags: flags}))
	}
	switch {
	case len(usable.left) > 0:
		l.kerberos = &usable
		return nil
	case len(failed) > 0:
		return joined(failed)
	}
	return fmt.Errorf("the credential has no tickets, keytab or password: %w", nt.StatusNoSuchLogonSession)
}

// alternatives takes the first initiator that can begin.
type alternatives struct {
	left []auth.Initiator
	now  auth.Initiator
}

// Init makes the next token.
func (a *alternatives) Init(ctx context.Context, token []byte) ([]byte, bool, error) {
	if a.now != nil {
		return a.now.Init(ctx, token)
	}
	var failed []error
	for _, i := range a.left {
		reply, done, err := i.Init(ctx, token)
		if err == nil {
			a.now, a.left = i, nil
			return reply, done, nil
		}
		if failed = append(failed, err); ctx.Err() != nil {
			break
		}
	}
	a.left = nil
	if len(failed) == 0 {
		failed = []error{nt.StatusInvalidParameter} // Init after it had failed
	}
	return nil, false, joined(failed)
}

// Context is that of the initiator that began.
func (a *alternatives) Context() auth.Context {
	if a.now == nil {
		return nil
	}
	return a.now.Context()
}

// client is the one that holds the tickets of the credential.
func (s *Source) client(cred *api.Credential, p proof, user, domain string) (*krb5.Client, error) {
	key := clientKey{cred.ID(), p}
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.recent.Back(); e != nil && now.Sub(e.Value.(*cached).used) > keepClient; e = s.recent.Back() {
		s.drop(e)
	}
	if e := s.clients[key]; e != nil {
		c := e.Value.(*cached)
		c.used = now
		s.recent.MoveToFront(e)
		return c.client, nil
	}
	conf, err := krb5.LoadConfig(s.cfg.Krb5Conf)
	if err != nil {
		return nil, err
	}
	cfg := krb5.ClientConfig{User: user, Realm: realmOf(conf, domain), Krb5Conf: conf, AllowRC4: s.cfg.AllowRC4, Now: s.cfg.Now}
	if domain != "" && cfg.Realm == "" && p != byCCache {
		return nil, fmt.Errorf("krb5.conf tells no realm of the domain %s: %w", domain, nt.StatusNoSuchDomain)
	}
	switch p {
	case byCCache:
		cfg.CCache = cred.CCache
	case byKeytab:
		cfg.Keytab = cred.Keytab
	case byPassword:
		cfg.Password, cfg.HasPassword = cred.Password, true
	}
	c, err := krb5.NewClient(cfg)
	if err != nil {
		return nil, err
	}
	s.clients[key] = s.recent.PushFront(&cached{key, c, now})
	if len(s.clients) > maxClients {
		s.drop(s.recent.Back())
	}
	return c, nil
}

// drop forgets a client. The caller holds mu.
func (s *Source) drop(e *list.Element) {
	delete(s.clients, e.Value.(*cached).key)
	s.recent.Remove(e)
}

// realmOf is the realm of a domain: a DNS name is it, a NetBIOS name is that of the realm that begins with it. It is empty if none is known, and
// for no domain, which leaves it to the default realm.
func realmOf(conf *config.Config, domain string) string {
	if domain == "" || strings.Contains(domain, ".") {
		return strings.ToUpper(domain)
	}
	realms := []string{conf.LibDefaults.DefaultRealm}
	for _, r := range conf.Realms {
		realms = append(realms, r.Realm)
	}
	for _, r := range realms {
		if label, _, _ := strings.Cut(r, "."); nt.EqualFold(label, domain) {
			return r
		}
	}
	return ""
}
