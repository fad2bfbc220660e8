package krb5

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/krb5/krb5test"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/nt"
)

func confOf(t testing.TB, k *krb5test.KDC) *config.Config {
	t.Helper()
	c, err := parseConfig("krb5.conf", []byte(k.Krb5Conf()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serverOf(t testing.TB, k *krb5test.KDC) auth.Mechanism {
	t.Helper()
	keys, err := ParseKeytab(k.Keytab("FILES$"))
	if err != nil {
		t.Fatal(err)
	}
	return NewMechanism(Config{Authority: ntlmtest.Accounts{}, Keys: KeyList(keys), AllowRC4: true})
}

func mustClient(t testing.TB, cfg ClientConfig) *Client {
	t.Helper()
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const filesSPN = "cifs/files.lwio.test"

// With each secret and each encryption type, over TCP: a logon, and a second that asks nobody.
func TestClient(t *testing.T) {
	for _, et := range encTypes {
		t.Run(et.String(), func(t *testing.T) {
			k := krb5test.New(t, krb5test.Config{ETypes: []int32{int32(et)}})
			conf := confOf(t, k)
			for name, cfg := range map[string]ClientConfig{
				"password": {User: "alice", Password: "Us3r.Pass"},
				"realm":    {User: "alice@LWIO.TEST", Password: "Us3r.Pass"},
				"keytab":   {Keytab: k.Keytab("FILES$")},
				"ccache":   {CCache: k.CCache("alice")},
			} {
				t.Run(name, func(t *testing.T) {
					cfg.Krb5Conf, cfg.AllowRC4 = conf, true
					c := mustClient(t, cfg)
					i := c.NewInitiator(InitiatorConfig{Service: filesSPN})
					_, server := mustExchange(t, i, serverOf(t, k).NewAcceptor(auth.Peer{}))
					if want := map[bool]string{true: "FILES$", false: "alice"}[name == "keytab"]; server.Token().Account != want {
						t.Errorf("%s logged on", server.Token().Account)
					}
					as, tgs := k.Requests()
					mustExchange(t, c.NewInitiator(InitiatorConfig{Service: "CIFS/Files.lwio.test", DCEStyle: true}), serverOf(t, k).NewAcceptor(auth.Peer{}))
					if a, g := k.Requests(); a != as || g != tgs {
						t.Errorf("%d and %d more requests for a ticket that is there", a-as, g-tgs)
					}
				})
			}
		})
	}
}

func TestClientUDP(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{ETypes: []int32{18}})
	conf := confOf(t, k)
	for i := range conf.Realms {
		for n, addr := range conf.Realms[i].KDC {
			conf.Realms[i].KDC[n] = "udp/" + addr
		}
	}
	c := mustClient(t, ClientConfig{User: "alice", Password: "Us3r.Pass", Krb5Conf: conf})
	if _, err := c.ticketGranting(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A cache that holds the service's ticket needs no KDC.
func TestClientOffline(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{})
	cache := k.CCache("alice", filesSPN)
	m := serverOf(t, k)
	conf := confOf(t, k)
	k.Close()
	c := mustClient(t, ClientConfig{CCache: cache, Krb5Conf: conf})
	mustExchange(t, c.NewInitiator(InitiatorConfig{Service: filesSPN}), m.NewAcceptor(auth.Peer{}))
	_, _, err := c.NewInitiator(InitiatorConfig{Service: "cifs/other.lwio.test"}).Init(t.Context(), nil)
	if !errors.Is(err, nt.StatusNoLogonServers) || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("KDC away: %v", err)
	}
}

func TestClientErrors(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{})
	conf := confOf(t, k)
	for name, c := range map[string]struct {
		cfg     ClientConfig
		service string
		want    nt.Status
		says    string
	}{
		"wrong password":  {ClientConfig{User: "alice", Password: "x"}, filesSPN, nt.StatusLogonFailure, "logon of alice@LWIO.TEST"},
		"unknown user":    {ClientConfig{User: "nobody", Password: "x"}, filesSPN, nt.StatusNoSuchUser, "KDC_ERR_C_PRINCIPAL_UNKNOWN"},
		"unknown service": {ClientConfig{User: "alice", Password: "Us3r.Pass"}, "cifs/other.lwio.test", nt.StatusObjectNameNotFound, "ticket for cifs/other.lwio.test"},
		"no service":      {ClientConfig{User: "alice", Password: "Us3r.Pass"}, "", nt.StatusInvalidParameter, "empty"},
		"other realm":     {ClientConfig{User: "alice@ELSE.TEST", Password: "x", Resolver: noDNS}, filesSPN, nt.StatusNoLogonServers, "no KDC of realm ELSE.TEST"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Krb5Conf = conf
			_, done, err := mustClient(t, c.cfg).NewInitiator(InitiatorConfig{Service: c.service}).Init(t.Context(), nil)
			if done || nt.StatusOf(err) != c.want || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v (%v), want %v", err, nt.StatusOf(err), c.want)
			}
		})
	}
}

// noDNS finds nothing, without asking anybody.
var noDNS = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no DNS here") }}

func TestNewClientErrors(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{})
	for name, c := range map[string]struct {
		cfg  ClientConfig
		want nt.Status
	}{
		"no secret":             {ClientConfig{User: "alice"}, nt.StatusNoSuchLogonSession},
		"no user":               {ClientConfig{Password: "x"}, nt.StatusInvalidParameter},
		"no realm":              {ClientConfig{User: "alice", Password: "x"}, nt.StatusNoSuchDomain},
		"empty component":       {ClientConfig{User: "a//b", Password: "x"}, nt.StatusInvalidParameter},
		"cache of another":      {ClientConfig{User: "bob", CCache: k.CCache("alice")}, nt.StatusNoSuchLogonSession},
		"keytab of another":     {ClientConfig{User: "bob", Keytab: k.Keytab("FILES$")}, nt.StatusNoSuchLogonSession},
		"keytab without a key":  {ClientConfig{Keytab: []byte{5, 2}}, nt.StatusNoSuchLogonSession},
		"cache that is none":    {ClientConfig{CCache: []byte("FILE")}, 0},
		"keytab that is none":   {ClientConfig{Keytab: []byte("FILE")}, 0},
		"krb5.conf not there":   {ClientConfig{User: "a", Password: "x", ConfigPath: "/nowhere/krb5.conf"}, 0},
		"realm of other's user": {ClientConfig{User: "alice@ELSE.TEST", CCache: k.CCache("alice")}, nt.StatusNoSuchLogonSession},
	} {
		if c.cfg.ConfigPath == "" {
			c.cfg.Krb5Conf = config.New()
		}
		if _, err := NewClient(c.cfg); err == nil || c.want != 0 && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Many at once ask for one ticket once.
func TestClientTogether(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{ETypes: []int32{18}})
	c := mustClient(t, ClientConfig{User: "alice", Password: "Us3r.Pass", Krb5Conf: confOf(t, k)})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if _, _, err := c.NewInitiator(InitiatorConfig{Service: filesSPN}).Init(t.Context(), nil); err != nil {
				t.Error(err)
			}
			c.Principal()
		})
	}
	wg.Wait()
	if as, tgs := k.Requests(); as > 2 || tgs != 1 {
		t.Errorf("%d and %d requests for one ticket", as, tgs)
	}
}

// A KDC that takes the request and says nothing holds nobody beyond his context, and those who wait for the same ticket neither.
func TestClientSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := config.New()
		conf.Realms = []config.Realm{{Realm: "LWIO.TEST", KDC: []string{"192.0.2.1", "192.0.2.2:89", "[2001:db8::1]"}}}
		var asked []string
		var mu sync.Mutex
		c := mustClient(t, ClientConfig{User: "alice@LWIO.TEST", Password: "x", Krb5Conf: conf,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, network+" "+address)
				near, far := net.Pipe()
				go func() {
					buf := make([]byte, 4096)
					for {
						if _, err := far.Read(buf); err != nil {
							return
						}
					}
				}()
				return near, nil
			}})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := c.ticketGranting(ctx)
		if took := time.Since(start); took != 3*time.Second || !errors.Is(err, nt.StatusNoLogonServers) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, err)
		}
		// Without a deadline each way gets its time, and no more.
		asked = nil
		long := make(chan error)
		go func() { _, err := c.ticketGranting(t.Context()); long <- err }()
		synctest.Wait()
		waiting, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := c.ticketGranting(waiting); !errors.Is(err, nt.StatusNoLogonServers) {
			t.Errorf("second in line: %v", err)
		}
		if err := <-long; !errors.Is(err, nt.StatusNoLogonServers) {
			t.Error(err)
		}
		if len(asked) != 6 || !strings.HasPrefix(asked[0], "tcp ") || !strings.HasPrefix(asked[5], "udp ") {
			t.Errorf("asked %v", asked)
		}
		for _, want := range []string{"tcp 192.0.2.1:88", "udp 192.0.2.2:89", "tcp [2001:db8::1]:88"} {
			if !strings.Contains(strings.Join(asked, "|"), want) {
				t.Errorf("%s was not asked: %v", want, asked)
			}
		}
	})
}

// TGTs and tickets that end are got again, as long as there is a way.
func TestClientExpiry(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{ETypes: []int32{18}})
	var offset time.Duration
	now := func() time.Time { return time.Now().Add(offset) }
	init := func(c *Client) error {
		_, _, err := c.NewInitiator(InitiatorConfig{Service: filesSPN}).Init(t.Context(), nil)
		return err
	}
	withPassword := mustClient(t, ClientConfig{User: "alice", Password: "Us3r.Pass", Krb5Conf: confOf(t, k), Now: now})
	cache := mustClient(t, ClientConfig{CCache: k.CCache("alice", filesSPN), Krb5Conf: confOf(t, k), Now: now})
	for _, c := range []*Client{withPassword, cache} {
		if err := init(c); err != nil {
			t.Fatal(err)
		}
	}
	offset = 11 * time.Hour
	k.SetClock(offset)
	before, _ := k.Requests()
	if err := init(withPassword); err != nil {
		t.Error(err)
	}
	if after, _ := k.Requests(); after == before {
		t.Error("no new logon")
	}
	if err := init(cache); !errors.Is(err, nt.StatusNoSuchLogonSession) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("expired cache: %v", err)
	}
}

// What a KDC says wrong is refused: another session key type, a reply to somebody else, errors of all kinds.
func TestClientKDCErrors(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{ETypes: []int32{18, 23}})
	for code, want := range map[int32]nt.Status{
		6: nt.StatusNoSuchUser, 12: nt.StatusAccountRestriction, 14: nt.StatusKdcUnknownEtype, 18: nt.StatusAccountDisabled,
		23: nt.StatusPasswordExpired, 37: nt.StatusTimeDifferenceAtDc, 60: nt.StatusLogonFailure,
	} {
		k.Fail(code)
		c := mustClient(t, ClientConfig{User: "alice", Password: "Us3r.Pass", Krb5Conf: confOf(t, k)})
		if _, err := c.ticketGranting(t.Context()); nt.StatusOf(err) != want {
			t.Errorf("error %d is %v, want %v", code, err, want)
		}
	}
	k.Fail(0)
	k.Forge(krb5test.Forge{SessionEType: 23})
	c := mustClient(t, ClientConfig{User: "alice", Password: "Us3r.Pass", Krb5Conf: confOf(t, k)})
	if _, err := c.ticketGranting(t.Context()); err == nil || !strings.Contains(err.Error(), "rc4-hmac") {
		t.Errorf("RC4 session key: %v", err)
	}
}

// Refusals of tickets from a KDC, end to end.
func TestForgedTickets(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{ETypes: []int32{18}})
	m := serverOf(t, k)
	for name, c := range map[string]struct {
		forge krb5test.Forge
		want  nt.Status
	}{
		"honest":                {krb5test.Forge{}, 0},
		"server signature":      {krb5test.Forge{BadServerSignature: true}, nt.StatusLogonFailure},
		"no server signature":   {krb5test.Forge{NoServerSignature: true}, nt.StatusLogonFailure},
		"no PAC":                {krb5test.Forge{NoPAC: true}, nt.StatusLogonFailure},
		"another client":        {krb5test.Forge{ClientName: "bob"}, nt.StatusLogonFailure},
		"another service realm": {krb5test.Forge{ServiceRealm: "ELSE.TEST"}, nt.StatusLogonFailure},
		"cut PAC":               {krb5test.Forge{PAC: func(b []byte) []byte { return b[:len(b)-8] }}, nt.StatusLogonFailure},
		"not yet valid":         {krb5test.Forge{Age: -time.Hour}, nt.StatusTimeDifferenceAtDc},
	} {
		t.Run(name, func(t *testing.T) {
			k.Forge(c.forge)
			cl := mustClient(t, ClientConfig{CCache: k.CCache("alice", filesSPN), Krb5Conf: confOf(t, k)})
			_, err := exchange(cl.NewInitiator(InitiatorConfig{Service: filesSPN}), m.NewAcceptor(auth.Peer{}))
			if c.want == 0 && err != nil || c.want != 0 && !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// A service that cannot read its ticket gets a fresh one next time.
func TestClientForgets(t *testing.T) {
	k := krb5test.New(t, krb5test.Config{ETypes: []int32{18}})
	c := mustClient(t, ClientConfig{User: "alice", Password: "Us3r.Pass", Krb5Conf: confOf(t, k)})
	wrong := NewMechanism(Config{Authority: ntlmtest.Accounts{}, Keys: KeyList{{Name: "FILES$", Realm: "LWIO.TEST", EncryptionKey: newKey(AES256SHA1)}}})
	cerr, _ := exchange(c.NewInitiator(InitiatorConfig{Service: filesSPN}), wrong.NewAcceptor(auth.Peer{}))
	if !errors.Is(cerr, nt.StatusLogonFailure) || !strings.Contains(cerr.Error(), "KRB_AP_ERR_MODIFIED") {
		t.Fatal(cerr)
	}
	_, before := k.Requests()
	mustExchange(t, c.NewInitiator(InitiatorConfig{Service: filesSPN}), serverOf(t, k).NewAcceptor(auth.Peer{}))
	if _, after := k.Requests(); after != before+1 {
		t.Error("the old ticket was used again")
	}
}
