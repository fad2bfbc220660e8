package krb5

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"

	"lwio/iomgr/nt"
)

// ClientConfig is who a client is and where its KDCs are. One of CCache, Keytab and HasPassword proves it; where several are set the first
// of them is taken.
type ClientConfig struct {
	// User is the client principal, "name" or "name@REALM". Empty takes the principal of CCache, or the first of Keytab.
	User string
	// Realm is the realm where User names none; empty means krb5.conf's default_realm.
	Realm string

	CCache      []byte // contents of a FILE credential cache
	Keytab      []byte // contents of a keytab
	Password    string
	HasPassword bool // an empty Password is one

	Krb5Conf   *config.Config // nil means LoadConfig(ConfigPath)
	ConfigPath string

	AllowRC4 bool

	Timeout  time.Duration // of one KDC; zero means 5 seconds
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Resolver *net.Resolver // of SRV records
	Now      func() time.Time
}

// Client holds a client's tickets. It is safe for concurrent use: a ticket that several want at once is asked for once.
type Client struct {
	client   principal
	realm    string
	password string
	keytab   []ServiceKey
	secretly bool // there is a password or a keytab

	conf     *config.Config
	etypes   []EncType
	allowRC4 bool
	timeout  time.Duration
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	resolver *net.Resolver
	now      func() time.Time
	salt     atomic.Pointer[string] // that the password was last made a key with

	mu      sync.Mutex // guards what follows
	tgt     *credential
	tickets map[string]*credential   // by service in lower case
	flights map[string]chan struct{} // what is being asked for; closed when done
}

// maxTickets bounds the cache of a client.
const maxTickets = 1024

// NewClient makes a client. It asks no KDC yet.
func NewClient(cfg ClientConfig) (*Client, error) {
	c := &Client{
		conf: cfg.Krb5Conf, allowRC4: cfg.AllowRC4, timeout: cfg.Timeout, dial: cfg.Dial, resolver: cfg.Resolver, now: cfg.Now,
		tickets: make(map[string]*credential), flights: make(map[string]chan struct{}),
		etypes: []EncType{AES256SHA1, AES128SHA1, AES256SHA2, AES128SHA2},
	}
	var err error
	if c.conf == nil {
		if c.conf, err = LoadConfig(cfg.ConfigPath); err != nil {
			return nil, err
		}
	}
	if c.allowRC4 {
		c.etypes = append(c.etypes, RC4HMAC)
	}
	if c.timeout <= 0 {
		c.timeout = kdcTimeout
	}
	if c.dial == nil {
		c.dial = new(net.Dialer).DialContext
	}
	if c.resolver == nil {
		c.resolver = net.DefaultResolver
	}
	if c.now == nil {
		c.now = time.Now
	}
	if cfg.User != "" {
		if c.client, c.realm, err = parsePrincipal(cfg.User); err != nil {
			return nil, fmt.Errorf("krb5: %w: %w", err, nt.StatusInvalidParameter)
		}
		if c.realm == "" {
			c.realm = cfg.Realm
		}
	}
	if err := c.prove(&cfg); err != nil {
		return nil, fmt.Errorf("krb5: %w", err)
	}
	if c.realm == "" {
		c.realm = c.conf.LibDefaults.DefaultRealm
	}
	if c.realm == "" {
		return nil, fmt.Errorf("krb5: no realm for %s: name one with the user, or a default_realm in krb5.conf: %w", c.client, nt.StatusNoSuchDomain)
	}
	return c, nil
}

// prove takes the client's secret.
func (c *Client) prove(cfg *ClientConfig) error {
	switch {
	case cfg.CCache != nil:
		cc, err := parseCCache(cfg.CCache)
		if err != nil {
			return err
		}
		if cfg.User != "" && (!cc.client.fold(c.client) || c.realm != "" && !strings.EqualFold(c.realm, cc.realm)) {
			return fmt.Errorf("the credential cache is of %s@%s: %w", cc.client, cc.realm, nt.StatusNoSuchLogonSession)
		}
		c.client, c.realm = cc.client, cc.realm
		for _, e := range cc.creds {
			if !e.key.Type.allowed(c.allowRC4) {
				continue
			}
			if e.server.fold(krbtgt(c.realm)) {
				c.tgt = e
			} else {
				c.keep(e.server, e)
			}
		}
	case cfg.Keytab != nil:
		keys, err := ParseKeytab(cfg.Keytab)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return fmt.Errorf("keytab without keys: %w", nt.StatusNoSuchLogonSession)
		}
		if cfg.User == "" {
			c.client, c.realm = principal{namePrincipal, strings.Split(keys[0].Name, "/")}, keys[0].Realm
		}
		for _, k := range keys {
			if strings.EqualFold(k.Name, c.client.String()) && (c.realm == "" || strings.EqualFold(k.Realm, c.realm)) {
				c.keytab, c.realm = append(c.keytab, k), k.Realm
			}
		}
		if c.keytab == nil {
			return fmt.Errorf("keytab has no key of %s: %w", c.client, nt.StatusNoSuchLogonSession)
		}
		c.secretly = true
	case cfg.HasPassword || cfg.Password != "":
		if cfg.User == "" {
			return fmt.Errorf("password without a user: %w", nt.StatusInvalidParameter)
		}
		c.password, c.secretly = cfg.Password, true
	default:
		return fmt.Errorf("no credential cache, keytab or password: %w", nt.StatusNoSuchLogonSession)
	}
	return nil
}

// Principal is the client's name.
func (c *Client) Principal() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client.String() + "@" + c.realm
}

// renewBefore is how long before its end a ticket is no longer given out, if another can be had.
const renewBefore = 5 * time.Minute

func (c *credential) good(now time.Time, margin time.Duration) bool {
	return c != nil && now.Add(margin).Before(c.end)
}

// fly runs get unless somebody else is at it, and then waits for that and looks again.
func (c *Client) fly(ctx context.Context, name string, have func() *credential, get func() (*credential, error)) (*credential, error) {
	for {
		c.mu.Lock()
		if cred := have(); cred != nil {
			c.mu.Unlock()
			return cred, nil
		}
		other := c.flights[name]
		if other == nil {
			break
		}
		c.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, fmt.Errorf("krb5: waiting for a ticket: %w (%w)", nt.StatusNoLogonServers, ctx.Err())
		}
	}
	done := make(chan struct{})
	c.flights[name] = done
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.flights, name)
		c.mu.Unlock()
		close(done)
	}()
	return get()
}

// ticketGranting is a TGT of the client's realm: the one there is, renewed or got anew when it is about to end.
func (c *Client) ticketGranting(ctx context.Context) (*credential, error) {
	var old *credential
	return c.fly(ctx, "", func() *credential {
		if old = c.tgt; old.good(c.now(), renewBefore) {
			return old
		}
		return nil
	}, func() (*credential, error) {
		var cred *credential
		var err error
		switch {
		case c.secretly:
			cred, err = c.login(ctx)
		case old == nil:
			return nil, fmt.Errorf("krb5: the credential cache has no ticket-granting ticket of %s: %w", c.realm, nt.StatusNoSuchLogonSession)
		case old.good(c.now(), 0) && old.flags&flagRenewable != 0 && c.now().Before(old.renewTill):
			if cred, err = c.ticketFor(ctx, old, c.realm, krbtgt(c.realm), optionRenew|optionRenewable); err != nil {
				err = kdcFailed("renewal", err)
			}
		default:
			err = fmt.Errorf("krb5: the ticket of %s expired at %v: %w", c.client, old.end, nt.StatusNoSuchLogonSession)
		}
		if err != nil {
			if old.good(c.now(), 0) {
				return old, nil
			}
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tgt = cred
		if c.secretly {
			c.client, c.realm = cred.client, cred.crealm // as the KDC spells them
		}
		return cred, nil
	})
}

// service gets a ticket for a service, over as many realms as the KDCs say (RFC 6806 section 8).
func (c *Client) service(ctx context.Context, sname principal) (*credential, error) {
	name := strings.ToLower(sname.String())
	return c.fly(ctx, name, func() *credential {
		margin := renewBefore
		if !c.secretly && !c.tgt.good(c.now(), renewBefore) {
			margin = 0 // nothing better is to be had
		}
		if cred := c.tickets[name]; cred.good(c.now(), margin) {
			return cred
		}
		return nil
	}, func() (*credential, error) {
		tgt, err := c.ticketGranting(ctx)
		if err != nil {
			return nil, err
		}
		cred, err := c.follow(ctx, tgt, sname)
		if err != nil {
			return nil, kdcFailed("ticket for "+sname.String(), err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.keep(sname, cred)
		return cred, nil
	})
}

// follow asks KDCs from realm to realm. Where the home realm knows no such service, krb5.conf may know its realm.
func (c *Client) follow(ctx context.Context, tgt *credential, sname principal) (*credential, error) {
	realm := tgt.server.names[len(tgt.server.names)-1]
	mapped := ""
	if len(sname.names) > 1 {
		mapped = c.conf.ResolveRealm(strings.ToLower(sname.names[1]))
	}
	for hop := range maxHops {
		cred, err := c.ticketFor(ctx, tgt, realm, sname, 0)
		var e *krbError
		if errors.As(err, &e) && e.code == kdcServiceUnknown && hop == 0 && mapped != "" && mapped != realm {
			if cred, err = c.ticketFor(ctx, tgt, realm, krbtgt(mapped), 0); err != nil {
				return nil, e
			}
		}
		switch {
		case err != nil:
			return nil, err
		case cred.server.fold(sname):
			return cred, nil
		case len(cred.server.names) != 2 || !strings.EqualFold(cred.server.names[0], "krbtgt") || cred.server.names[1] == realm:
			// A KDC that canonicalizes may give the account's first name instead.
			return cred, nil
		}
		tgt, realm = cred, cred.server.names[1]
	}
	return nil, errors.New("KDCs refer from realm to realm without end")
}

// keep stores a ticket. The caller holds mu, or has not shared c yet.
func (c *Client) keep(sname principal, cred *credential) {
	if len(c.tickets) >= maxTickets {
		now := c.now()
		maps.DeleteFunc(c.tickets, func(_ string, old *credential) bool { return !old.good(now, 0) })
	}
	for name := range c.tickets {
		if len(c.tickets) < maxTickets {
			break
		}
		delete(c.tickets, name)
	}
	c.tickets[strings.ToLower(sname.String())] = cred
}

// forget drops a ticket that its service could not use: its key has changed.
func (c *Client) forget(sname principal, cred *credential) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name := strings.ToLower(sname.String()); c.tickets[name] == cred {
		delete(c.tickets, name)
	}
}
