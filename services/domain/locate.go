package domain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"lwio/iomgr/nt"
)

// Times of the locator.
const (
	pingTimeout = 1500 * time.Millisecond // of all controllers together
	pingGrace   = 200 * time.Millisecond  // for others to answer after the first
	foundFor    = 15 * time.Minute
	avoidFor    = time.Minute

	maxControllers = 32
)

// Controller is a domain controller.
type Controller struct {
	Name    string // in DNS
	Address string
	Ping    Ping
	Elapsed time.Duration // of the ping
	Err     error         // of the ping; nil for one that answers
}

// LocatorConfig is how controllers are found. The zero value asks the system's DNS.
type LocatorConfig struct {
	Resolver  *net.Resolver
	Preferred []string // names of controllers that are taken where they answer
	Excluded  []string // names of those that never are
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	Now       func() time.Time
}

// Locator finds controllers by DNS and the LDAP ping (MS-ADTS 6.3), and remembers them.
type Locator struct {
	cfg LocatorConfig

	mu    sync.Mutex
	found map[string]found     // guarded by mu, by realm in lower case
	avoid map[string]time.Time // guarded by mu: controllers that failed lately, by name, and until when
	sites map[string]string    // guarded by mu: that of this machine, by realm
}

type found struct {
	list  []Controller
	until time.Time
}

// NewLocator makes a Locator.
func NewLocator(cfg LocatorConfig) *Locator {
	if cfg.Resolver == nil {
		cfg.Resolver = net.DefaultResolver
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Locator{cfg: cfg, found: make(map[string]found), avoid: make(map[string]time.Time), sites: make(map[string]string)}
}

func hostName(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

func has(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return hostName(s) == name })
}

// Avoid keeps a controller that failed at the end of the list for a while.
func (l *Locator) Avoid(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.avoid) >= maxControllers {
		clear(l.avoid)
	}
	l.avoid[hostName(name)] = l.cfg.Now().Add(avoidFor)
}

// Forget has the next Find ask again.
func (l *Locator) Forget(realm string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.found, strings.ToLower(realm))
}

// Find gives the controllers of a realm that may be used, the best first: preferred ones, those of this site, those that answered quickly. Those that
// do not answer the ping, which a firewall may be the reason of, come last. With none, the error is a *Failure.
func (l *Locator) Find(ctx context.Context, realm string) ([]Controller, error) {
	key := strings.ToLower(realm)
	l.mu.Lock()
	f, ok := l.found[key]
	l.mu.Unlock()
	if !ok || !l.cfg.Now().Before(f.until) {
		list, err := l.All(ctx, realm)
		if err != nil {
			return nil, err
		}
		f = found{list, l.cfg.Now().Add(foundFor)}
		if list[0].Err == nil {
			l.mu.Lock()
			l.found[key] = f
			l.mu.Unlock()
		}
	}
	return l.order(f.list), nil
}

// order puts those that failed lately last.
func (l *Locator) order(list []Controller) []Controller {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Controller) int {
		return cmp.Compare(boolOf(now.Before(l.avoid[hostName(a.Name)])), boolOf(now.Before(l.avoid[hostName(b.Name)])))
	})
	return list
}

func boolOf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// All asks DNS and every controller anew.
func (l *Locator) All(ctx context.Context, realm string) ([]Controller, error) {
	realm = hostName(realm)
	l.mu.Lock()
	site := l.sites[realm]
	l.mu.Unlock()
	names, err := l.names(ctx, realm, site)
	if err != nil {
		return nil, err
	}
	list := l.pingAll(ctx, realm, names)
	for _, c := range list { // the first answer may name a site with controllers nearer by
		if c.Err == nil && c.Ping.ClientSite != "" && c.Ping.ClientSite != site {
			l.mu.Lock()
			l.sites[realm] = c.Ping.ClientSite
			l.mu.Unlock()
			if c.Ping.Flags&FlagClosest == 0 {
				if more, err := l.names(ctx, realm, c.Ping.ClientSite); err == nil && !slices.Equal(more, names) {
					list = l.pingAll(ctx, realm, more)
				}
			}
			break
		}
	}
	slices.SortStableFunc(list, func(a, b Controller) int {
		rank := func(c *Controller) int {
			switch {
			case c.Err != nil:
				return 3
			case has(l.cfg.Preferred, hostName(c.Name)):
				return 0
			case c.Ping.Flags&FlagClosest != 0:
				return 1
			}
			return 2
		}
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(a.Elapsed, b.Elapsed))
	})
	return list, nil
}

// names are the controllers that the configuration and DNS know: of the site, then all (MS-ADTS 6.3.2.3).
func (l *Locator) names(ctx context.Context, realm, site string) ([]string, error) {
	var list []string
	add := func(name string) {
		if name = hostName(name); name != "" && len(list) < maxControllers && !slices.Contains(list, name) && !has(l.cfg.Excluded, name) {
			list = append(list, name)
		}
	}
	for _, name := range l.cfg.Preferred {
		add(name)
	}
	areas := []string{"dc._msdcs." + realm}
	if site != "" {
		areas = []string{site + "._sites.dc._msdcs." + realm, areas[0]}
	}
	var why error
	excluded := 0
	for _, area := range areas {
		_, records, err := l.cfg.Resolver.LookupSRV(ctx, "ldap", "tcp", area)
		if err != nil {
			why = err
		}
		for _, r := range records {
			if has(l.cfg.Excluded, hostName(r.Target)) {
				excluded++
			}
			add(r.Target)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	f := &Failure{Stage: StageDNS, Err: fmt.Errorf("no controller of %s: %w", realm, nt.StatusDomainControllerNotFound),
		Hint: fmt.Sprintf("_ldap._tcp.dc._msdcs.%s has no SRV record: check the name of the domain, and that the resolver of this machine asks the domain's DNS", realm)}
	var d *net.DNSError
	switch {
	case excluded > 0:
		f.Hint = "all controllers are excluded by the configuration"
	case errors.As(why, &d) && (d.IsTimeout || d.IsTemporary):
		f.Hint = "the DNS server does not answer: check /etc/resolv.conf and that the network is up"
	}
	if why != nil {
		f.Err = fmt.Errorf("%w: %w", f.Err, why)
	}
	return nil, f
}

// pingAll asks all of them at once.
func (l *Locator) pingAll(ctx context.Context, realm string, names []string) []Controller {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	type answer struct {
		i int
		c Controller
	}
	answers := make(chan answer, len(names))
	for i, name := range names {
		go func() { answers <- answer{i, l.ping(ctx, realm, name)} }()
	}
	list := make([]Controller, len(names))
	for i, name := range names {
		list[i] = Controller{Name: name, Err: context.DeadlineExceeded}
	}
	var grace <-chan time.Time
	for range names {
		select {
		case a := <-answers:
			list[a.i] = a.c
			if a.c.Err == nil && grace == nil {
				grace = time.After(pingGrace)
			}
		case <-grace:
			return list
		}
	}
	return list
}

// ping asks one (MS-ADTS 6.3.3). A datagram that is lost is sent again.
func (l *Locator) ping(ctx context.Context, realm, name string) Controller {
	c := Controller{Name: name}
	conn, err := l.cfg.Dial(ctx, "udp", net.JoinHostPort(name, "389"))
	if err != nil {
		c.Err = err
		return c
	}
	defer conn.Close()
	c.Address, _, _ = net.SplitHostPort(conn.RemoteAddr().String())
	end, _ := ctx.Deadline()
	began := time.Now()
	buf := make([]byte, 4096)
	for id := byte(1); id <= 3; id++ {
		if _, c.Err = conn.Write(pingRequest(id, realm)); c.Err != nil {
			return c
		}
		wait := time.Now().Add(pingTimeout / 3)
		if end.Before(wait) {
			wait = end
		}
		_ = conn.SetReadDeadline(wait)
		n, err := conn.Read(buf)
		if err != nil {
			c.Err = err
			if ctx.Err() != nil {
				return c
			}
			continue
		}
		value, err := pingAnswer(buf[:n], id)
		if err == nil {
			c.Ping, err = ParsePing(value)
		}
		if err == nil && c.Ping.Opcode == opcodePauseEx {
			err = errors.New("the controller is paused")
		}
		if err == nil && hostName(c.Ping.DNSDomain) != realm {
			err = fmt.Errorf("the controller is of %q", c.Ping.DNSDomain)
		}
		c.Err, c.Elapsed = err, time.Since(began)
		return c
	}
	return c
}
