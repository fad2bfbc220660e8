package credential_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/auth/krb5/krb5test"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/nt"
)

var bg = context.Background()

const password = "Us3r.Pass"

// domain is a KDC, the server FILES$ and a krb5.conf.
type domain struct {
	kdc            *krb5test.KDC
	conf           string
	kerberos, ntlm auth.Mechanism
}

func newDomain(t *testing.T) *domain {
	t.Helper()
	d := &domain{kdc: krb5test.New(t, krb5test.Config{}), conf: filepath.Join(t.TempDir(), "krb5.conf")}
	if err := os.WriteFile(d.conf, []byte(d.kdc.Krb5Conf()), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := krb5.ParseKeytab(d.kdc.Keytab("FILES$"))
	if err != nil {
		t.Fatal(err)
	}
	accounts := ntlmtest.Accounts{"alice": password, "bob": "Bob's own", "": ""}
	d.kerberos = krb5.NewMechanism(krb5.Config{Authority: accounts, Keys: krb5.KeyList(keys)})
	d.ntlm = ntlm.NewMechanism(ntlm.Config{Authority: accounts, AllowAnonymous: true})
	return d
}

func (d *domain) source(cfg credential.Config) *credential.Source {
	cfg.Krb5Conf = d.conf
	return credential.New(cfg)
}

// negotiate is a server with the mechanisms, of which the one left out is nil.
func negotiate(kerberos, ntlm auth.Mechanism) auth.Mechanism {
	var list []spnego.Mech
	if kerberos != nil {
		list = append(list, spnego.Mech{OID: spnego.OIDKerberos, Name: "Kerberos", Mechanism: kerberos})
	}
	if ntlm != nil {
		list = append(list, spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: ntlm})
	}
	return spnego.NewMechanism(list...)
}

// logon runs both sides and returns the mechanism by which the server knows the user.
func logon(init auth.Initiator, m auth.Mechanism, hint bool) (mechanism, account string, err error) {
	acc := m.NewAcceptor(auth.Peer{Address: "127.0.0.1:1"})
	var token []byte
	if hint {
		token = m.Hint()
	}
	clientDone, serverDone := false, false
	for range 8 {
		var out []byte
		if out, clientDone, err = init.Init(bg, token); err != nil {
			return "", "", fmt.Errorf("client: %w", err)
		}
		if len(out) == 0 {
			break
		}
		if token, err = acc.Accept(bg, out); err != nil && !errors.Is(err, nt.StatusMoreProcessingRequired) {
			return "", "", fmt.Errorf("server: %w", err)
		}
		serverDone = err == nil
		if clientDone && serverDone && len(token) == 0 {
			break
		}
	}
	if !clientDone || !serverDone {
		return "", "", fmt.Errorf("client done %v, server done %v", clientDone, serverDone)
	}
	c, s := init.Context(), acc.Context()
	msg := []byte("message")
	sig, err := c.Sign(nil, msg)
	if err == nil {
		err = s.Verify(msg, sig)
	}
	if err == nil && (c.Mechanism() != s.Mechanism() || string(c.SessionKey()) != string(s.SessionKey())) {
		err = fmt.Errorf("%s and %s, or keys differ", c.Mechanism(), s.Mechanism())
	}
	return s.Mechanism(), s.Token().Account, err
}

const host = "files.lwio.test"

func TestInitiator(t *testing.T) {
	d := newDomain(t)
	both, krbOnly, ntlmOnly := negotiate(d.kerberos, d.ntlm), negotiate(d.kerberos, nil), negotiate(nil, d.ntlm)
	alice := func(edit func(*api.Credential)) *api.Credential {
		c := &api.Credential{User: "alice", Password: password}
		if edit != nil {
			edit(c)
		}
		return c
	}
	hash := ntlm.NTHash(password)
	cache := d.kdc.CCache("alice")
	for name, tt := range map[string]struct {
		cfg    credential.Config
		cred   *api.Credential
		host   string
		server auth.Mechanism
		want   string // mechanism and account
	}{
		"password":                     {cred: alice(nil), want: "Kerberos alice"},
		"password, NetBIOS domain":     {cred: &api.Credential{User: `lwio\alice`, Password: password}, want: "Kerberos alice"},
		"password, realm":              {cred: &api.Credential{User: "alice@lwio.test", Password: password}, want: "Kerberos alice"},
		"password, domain beside":      {cred: alice(func(c *api.Credential) { c.Domain = "LWIO" }), want: "Kerberos alice"},
		"password, other domain":       {cred: alice(func(c *api.Credential) { c.Domain = "OTHER" }), want: "NTLM alice"},
		"credential cache":             {cred: &api.Credential{CCache: cache}, want: "Kerberos alice"},
		"credential cache of the user": {cred: &api.Credential{User: "alice@LWIO.TEST", CCache: cache}, want: "Kerberos alice"},
		"keytab":                       {cred: &api.Credential{Keytab: d.kdc.Keytab("FILES$")}, want: "Kerberos FILES$"},
		"keytab of the user":           {cred: &api.Credential{User: "FILES$", Keytab: d.kdc.Keytab("FILES$")}, want: "Kerberos FILES$"},
		"NT hash":                      {cred: &api.Credential{User: "alice", NTHash: hash[:]}, want: "NTLM alice"},
		"broken cache, then password":  {cred: alice(func(c *api.Credential) { c.CCache = []byte("no cache") }), want: "Kerberos alice"},
		"cache of another, password":   {cred: alice(func(c *api.Credential) { c.CCache = d.kdc.CCache("bob") }), want: "Kerberos alice"},
		"service unknown":              {cred: alice(nil), host: "unknown.lwio.test", want: "NTLM alice"},
		"IPv4":                         {cred: alice(nil), host: "127.0.0.1", want: "NTLM alice"},
		"IPv6":                         {cred: alice(nil), host: "::1", want: "NTLM alice"},
		"IPv6 in brackets":             {cred: alice(nil), host: "[::1]", want: "NTLM alice"},
		"localhost":                    {cred: alice(nil), host: "localhost", want: "NTLM alice"},
		"dot at the end":               {cred: alice(nil), host: host + ".", want: "Kerberos alice"},
		"wrong in the realm, right at the server": {cred: &api.Credential{User: "bob", Password: "Bob's own"}, want: "NTLM bob"},
		"server without Kerberos":                 {cred: alice(nil), server: ntlmOnly, want: "NTLM alice"},
		"server without NTLM":                     {cred: alice(nil), server: krbOnly, want: "Kerberos alice"},
		"method Kerberos":                         {cred: alice(func(c *api.Credential) { c.Method = api.MethodKerberos }), want: "Kerberos alice"},
		"method NTLM":                             {cred: alice(func(c *api.Credential) { c.Method = api.MethodNTLM }), want: "NTLM alice"},
		"policy NTLM":                             {cfg: credential.Config{Kerberos: credential.Denied}, cred: alice(nil), want: "NTLM alice"},
		"policy Kerberos":                         {cfg: credential.Config{NTLM: credential.Denied}, cred: alice(nil), want: "Kerberos alice"},
		"default":                                 {cfg: credential.Config{Default: alice(nil)}, want: "Kerberos alice"},
		"anonymous":                               {cred: &api.Credential{Anonymous: true, User: "alice", Password: "wrong"}, want: "NTLM "},
	} {
		for _, hint := range []bool{false, true} {
			t.Run(fmt.Sprint(name, hint), func(t *testing.T) {
				if tt.host == "" {
					tt.host = host
				}
				if tt.server == nil {
					tt.server = both
				}
				init, err := d.source(tt.cfg).Initiator(bg, tt.cred, "cifs", tt.host)
				if err != nil {
					t.Fatal(err)
				}
				mech, account, err := logon(init, tt.server, hint)
				if account == "ANONYMOUS LOGON" {
					account = ""
				}
				if got := mech + " " + account; err != nil || got != tt.want {
					t.Errorf("%s, %v, want %s", got, err, tt.want)
				}
			})
		}
	}
}

// TestNoWay looks at the errors: they name each protocol and why it was not to be had.
func TestNoWay(t *testing.T) {
	d := newDomain(t)
	both := negotiate(d.kerberos, d.ntlm)
	alice := &api.Credential{User: "alice", Password: password}
	for name, tt := range map[string]struct {
		cfg    credential.Config
		cred   *api.Credential
		host   string
		before func()
		want   string // parts, by |
		status nt.Status
	}{
		"no credential":                {want: "none was given for cifs/files.lwio.test", status: nt.StatusNoSuchLogonSession},
		"no user":                      {cred: &api.Credential{Password: "x"}, want: "Kerberos: the credential has no tickets|NTLM: the credential names no user", status: nt.StatusNoSuchLogonSession},
		"no proof":                     {cred: &api.Credential{User: "alice"}, want: "Kerberos: |NTLM: the credential has no password", status: nt.StatusNoSuchLogonSession},
		"bad user":                     {cred: &api.Credential{User: `\alice`}, want: `want DOMAIN\name`, status: nt.StatusInvalidParameter},
		"bad hash":                     {cred: &api.Credential{User: "alice", NTHash: []byte("short")}, want: "NT hash of 5 bytes", status: nt.StatusNoSuchLogonSession},
		"address, Kerberos":            {cred: &api.Credential{User: "alice", Password: password, Method: api.MethodKerberos}, host: "10.0.0.1", want: `"10.0.0.1" is no name|NTLM: the credential is not for it`, status: nt.StatusNotSupported},
		"both denied":                  {cfg: credential.Config{NTLM: credential.Denied, Kerberos: credential.Denied}, cred: alice, want: "Kerberos: policy denies it|NTLM: policy denies it", status: nt.StatusNotSupported},
		"anonymous denied":             {cfg: credential.Config{NTLM: credential.Denied}, cred: &api.Credential{Anonymous: true}, want: "null session", status: nt.StatusNotSupported},
		"service unknown":              {cfg: credential.Config{NTLM: credential.Denied}, cred: alice, host: "unknown.lwio.test", want: "NTLM: policy denies it|Kerberos: krb5: ticket for cifs/unknown.lwio.test"},
		"wrong password":               {cred: &api.Credential{User: "alice", Password: "wrong", Method: api.MethodKerberos}, want: "NTLM: the credential is not for it|Kerberos: krb5:"},
		"wrong password in the domain": {cred: &api.Credential{User: `LWIO\alice`, Password: "wrong"}, want: "Kerberos: krb5: logon of alice@LWIO.TEST", status: nt.StatusLogonFailure},
		"expired cache": {cred: &api.Credential{CCache: func() []byte {
			d.kdc.Forge(krb5test.Forge{Age: 48 * time.Hour})
			defer d.kdc.Forge(krb5test.Forge{})
			return d.kdc.CCache("alice")
		}()}, want: "expired at", status: nt.StatusNoSuchLogonSession},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.host == "" {
				tt.host = host
			}
			init, err := d.source(tt.cfg).Initiator(bg, tt.cred, "cifs", tt.host)
			if err == nil {
				_, _, err = logon(init, both, true)
			}
			if err == nil {
				t.Fatal("logged on")
			}
			for part := range strings.SplitSeq(tt.want, "|") {
				if strings.Count(err.Error(), part) != 1 {
					t.Errorf("%v\nlacks, or says twice: %s", err, part)
				}
			}
			if tt.status != 0 && nt.StatusOf(err) != tt.status {
				t.Errorf("status %v of %v", nt.StatusOf(err), err)
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("%v shows the password", err)
			}
		})
	}
}

// TestKDCAway: with no KDC to ask, NTLM is what is left.
func TestKDCAway(t *testing.T) {
	d := newDomain(t)
	src := d.source(credential.Config{})
	d.kdc.Close()
	alice := &api.Credential{User: "alice", Password: password}
	init, err := src.Initiator(bg, alice, "cifs", host)
	if err != nil {
		t.Fatal(err)
	}
	if mech, _, err := logon(init, negotiate(d.kerberos, d.ntlm), false); mech != "NTLM" || err != nil {
		t.Error(mech, err)
	}
	init, err = d.source(credential.Config{NTLM: credential.Denied}).Initiator(bg, alice, "cifs", host)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := logon(init, negotiate(d.kerberos, d.ntlm), false); nt.StatusOf(err) != nt.StatusNoLogonServers {
		t.Error(err)
	}
}

// TestTickets counts what is asked of the KDC: a second logon asks nothing, until the client is forgotten.
func TestTickets(t *testing.T) {
	d := newDomain(t)
	var mu sync.Mutex
	offset := time.Duration(0)
	src := d.source(credential.Config{NTLM: credential.Denied, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(offset)
	}})
	both := negotiate(d.kerberos, d.ntlm)
	for n, user := range []string{"alice", "alice", "bob", "alice"} {
		init, err := src.Initiator(bg, &api.Credential{User: user, Password: password}, "cifs", host)
		if err != nil {
			t.Fatal(err)
		}
		if _, account, err := logon(init, both, false); account != user || err != nil {
			t.Fatal(account, err)
		}
		_, tgs := d.kdc.Requests()
		if want := []int{1, 1, 2, 2}[n]; tgs != want {
			t.Errorf("logon %d: %d tickets were asked for, want %d", n, tgs, want)
		}
	}
	mu.Lock()
	offset = 61 * time.Minute // the clients are forgotten; the KDC's clock goes along
	mu.Unlock()
	d.kdc.SetClock(offset)
	init, err := src.Initiator(bg, &api.Credential{User: "alice", Password: password}, "cifs", host)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := init.Init(bg, nil); err != nil {
		t.Fatal(err)
	}
	if _, tgs := d.kdc.Requests(); tgs != 3 {
		t.Errorf("%d tickets were asked for", tgs)
	}
	// More credentials than are kept: the oldest is forgotten, and all work.
	for n := range 300 {
		if _, err := src.Initiator(bg, &api.Credential{User: fmt.Sprint("user", n), Password: password}, "cifs", host); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMechanism(t *testing.T) {
	d := newDomain(t)
	alice := &api.Credential{User: "alice", Password: password}
	src := d.source(credential.Config{})
	for typ, tt := range map[uint8]struct {
		server auth.Mechanism
		want   string
	}{9: {negotiate(d.kerberos, d.ntlm), "Kerberos"}, 10: {d.ntlm, "NTLM"}, 16: {d.kerberos, "Kerberos"}} {
		init, err := src.Mechanism(bg, alice, typ, 5, "host", host)
		if err != nil {
			t.Fatal(err)
		}
		if mech, account, err := logon(init, tt.server, false); mech != tt.want || account != "alice" || err != nil {
			t.Errorf("type %d: %s %s, %v", typ, mech, account, err)
		}
	}
	if _, err := src.Mechanism(bg, alice, 16, 6, "host", "10.0.0.1"); err == nil || !strings.Contains(err.Error(), "is no name") {
		t.Error(err)
	}
	if _, err := src.Mechanism(bg, &api.Credential{CCache: d.kdc.CCache("alice")}, 10, 6, "host", host); err == nil || !strings.Contains(err.Error(), "NTLM: the credential names no user") {
		t.Error(err)
	}
	if _, err := src.Mechanism(bg, alice, 68, 6, "host", host); nt.StatusOf(err) != nt.StatusNotSupported {
		t.Error(err)
	}
}

func TestFromEnvironment(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "cc")
	if err := os.WriteFile(file, []byte{5, 4}, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		file: "", "FILE:" + file: "", "WRFILE:" + file: "",
		"FILE:" + file + "x": "there is no cache|log on with kinit", dir: "is no file|", empty: "is empty|",
		"KEYRING:persistent:0": "caches of type KEYRING cannot be read|kinit -c FILE:", "KCM:": "type KCM|kinit -c FILE:", "DIR:/tmp/x": "type DIR|kinit -c FILE:",
	} {
		t.Setenv("KRB5CCNAME", name)
		cred, err := credential.FromEnvironment()
		if want == "" {
			if err != nil || cred == nil || string(cred.CCache) != "\x05\x04" {
				t.Errorf("%s: %v, %v", name, cred, err)
			}
			continue
		}
		text, hint, _ := strings.Cut(want, "|")
		var e *credential.Error
		if err == nil || !strings.Contains(err.Error(), text) || cred != nil {
			t.Errorf("%s: %v, %v", name, cred, err)
		} else if errors.As(err, &e); hint != "" && (e == nil || !strings.Contains(e.Hint, hint)) {
			t.Errorf("%s: hint %v", name, e)
		}
	}
}

func TestParseUser(t *testing.T) {
	for in, want := range map[string]string{
		"alice": "alice|", `LAB\alice`: "alice|LAB", "alice@LAB.TEST": "alice|LAB.TEST", `LAB\a@b`: "a@b|LAB", "a@b@C": "a@b|C", "FILES$": "FILES$|",
		"": "no name", `LAB\`: "no name", `\alice`: `want DOMAIN\name`, `a\b\c`: `want DOMAIN\name`, "@LAB": "no name", "alice@": "want name@REALM", "a\x00": "control", "\xff": "control",
	} {
		user, domain, err := credential.ParseUser(in)
		if strings.Contains(want, "|") {
			if err != nil || user+"|"+domain != want {
				t.Errorf("%q: %q, %q, %v", in, user, domain, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) || user+domain != "" {
			t.Errorf("%q: %q, %q, %v, want %s", in, user, domain, err, want)
		}
	}
}

func FuzzParseUser(f *testing.F) {
	for _, s := range []string{"alice", `LAB\alice`, "alice@LAB.TEST", `a@b\c`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		user, domain, err := credential.ParseUser(s)
		switch {
		case err != nil:
			if nt.StatusOf(err) != nt.StatusInvalidParameter || user+domain != "" {
				t.Fatal(user, domain, err)
			}
		case domain == "" && user != s, domain != "" && domain+`\`+user != s && user+"@"+domain != s:
			t.Fatalf("%q: %q, %q", s, user, domain)
		}
	})
}

// TestLevels: Kerberos is asked for what the level of authentication needs.
func TestLevels(t *testing.T) {
	d := newDomain(t)
	src := d.source(credential.Config{})
	kt := keytab.New()
	if err := kt.Unmarshal(d.kdc.Keytab("FILES$")); err != nil {
		t.Fatal(err)
	}
	for level, want := range map[uint8]krb5.Flags{2: 0, 4: krb5.FlagInteg, 5: krb5.FlagInteg, 6: krb5.FlagInteg | krb5.FlagConf} {
		init, err := src.Mechanism(bg, &api.Credential{User: "alice", Password: password}, 16, level, "host", host)
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := init.Init(bg, nil)
		if err != nil {
			t.Fatal(err)
		}
		var ap messages.APReq
		if err := ap.Unmarshal(token); err != nil {
			t.Fatal(err)
		}
		account := types.NewPrincipalName(1, "FILES$")
		if err := ap.Ticket.DecryptEncPart(kt, &account); err != nil {
			t.Fatal(err)
		}
		if err := ap.DecryptAuthenticator(ap.Ticket.DecryptedEncPart.Key); err != nil {
			t.Fatal(err)
		}
		// Bytes 20 to 23 of the checksum are the flags (RFC 4121 4.1.1).
		got := krb5.Flags(binary.LittleEndian.Uint32(ap.Authenticator.Cksum.Checksum[20:]))
		if got != want|krb5.FlagDCEStyle|krb5.FlagMutual|krb5.FlagReplay|krb5.FlagSequence {
			t.Errorf("level %d: flags %#x", level, got)
		}
	}
}
