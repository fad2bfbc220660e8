package krb5

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"

	"lwio/iomgr/nt"
)

// kdcQuestion is what a scripted KDC looks at.
type kdcQuestion struct {
	realm   string // whose KDC is asked
	tag     byte
	sname   principal
	nonce   uint32
	options uint32
	preauth bool
}

func (q *kdcQuestion) String() string {
	return fmt.Sprintf("%s: %s", q.realm, q.sname)
}

func parseQuestion(t testing.TB, b []byte) (q kdcQuestion) {
	t.Helper()
	q.tag = b[0]
	r := parseDER(b, q.tag)
	r = r.open(tagSequence)
	r.field(1)
	r.field(2)
	if r.has(3) {
		for _, pa := range r.field(3).paData() {
			q.preauth = q.preauth || pa.kind == paEncTimestamp
		}
	}
	body := r.field(4)
	body = body.open(tagSequence)
	q.options = body.field(0).flags()
	if body.has(1) {
		body.field(1)
	}
	q.realm = body.field(2).str()
	q.sname = body.field(3).principal()
	body.field(5)
	if body.has(6) {
		body.field(6)
	}
	q.nonce = body.field(7).uint32()
	if r.err() != nil {
		t.Errorf("malformed request %x", b)
	}
	return q
}

// scripted is a net of KDCs, one a realm, that answer as answer says.
type scripted struct {
	t      testing.TB
	answer func(q kdcQuestion) []byte
	raw    func(conn net.Conn) // instead of answer

	mu    sync.Mutex
	asked []string
}

func (s *scripted) dial(_ context.Context, _, address string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		var head [4]byte
		if _, err := io.ReadFull(far, head[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(far, b); err != nil {
			return
		}
		if s.raw != nil {
			s.raw(far)
			return
		}
		q := parseQuestion(s.t, b)
		s.mu.Lock()
		s.asked = append(s.asked, address+" "+q.String())
		s.mu.Unlock()
		reply := s.answer(q)
		far.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(reply))), reply...))
	}()
	return near, nil
}

// client has the password "secret" in realm A.
func (s *scripted) client(edit func(*ClientConfig)) *Client {
	s.t.Helper()
	conf := config.New()
	for _, r := range []string{"A", "B", "C"} {
		conf.Realms = append(conf.Realms, config.Realm{Realm: r, KDC: []string{"tcp/" + strings.ToLower(r)}})
	}
	conf.DomainRealm = config.DomainRealm{".b.test": "B"}
	cfg := ClientConfig{User: "alice@A", Password: "secret", Krb5Conf: conf, Dial: s.dial, Timeout: time.Minute}
	if edit != nil {
		edit(&cfg)
	}
	return mustClient(s.t, cfg)
}

// issued is a reply for the client alice of realm A.
type issued struct {
	key    EncryptionKey // of the reply
	server principal
	sess   EncryptionKey
	nonce  uint32
	padata []paData
	crealm string
	flags  uint32
	life   time.Duration
}

func (i issued) der(q kdcQuestion) []byte {
	now := time.Now()
	if i.life == 0 {
		i.life = time.Hour
	}
	part := tlv(tagEncAS, tlv(tagSequence, derField(0, i.sess.der()), derField(1, tlv(tagSequence)), derField(2, derInt(int64(i.nonce))),
		derField(4, derFlags(i.flags)), derField(5, derTime(now)), derField(7, derTime(now.Add(i.life))), derField(8, derTime(now.Add(24*time.Hour))),
		derField(9, derString(q.realm)), derField(10, i.server.der())))
	raw := tlv(tagTicket, tlv(tagSequence, derField(0, derInt(5)), derField(1, derString(q.realm)), derField(2, i.server.der()),
		derField(3, (&encrypted{etype: AES256SHA1, cipher: []byte("ticket")}).der())))
	usage := uint32(usageTGSRep)
	if q.tag == tagASReq {
		usage = usageASRep
	}
	var padata []byte
	for _, p := range i.padata {
		padata = append(padata, tlv(tagSequence, derField(1, derInt(int64(p.kind))), derField(2, derOctets(p.value)))...)
	}
	if padata != nil {
		padata = derField(2, tlv(tagSequence, padata))
	}
	return tlv(q.tag+1, tlv(tagSequence, derField(0, derInt(5)), derField(1, derInt(int64(q.tag-tagASReq+messageAS+1))), padata,
		derField(3, derString(i.crealm)), derField(4, principal{namePrincipal, []string{"alice"}}.der()), derField(5, raw),
		derField(6, i.key.seal(usage, part).der())))
}

func kdcError(code errorCode, edit func(*krbError)) []byte {
	e := krbError{code: code, stime: time.Now(), realm: "A", sname: krbtgt("A")}
	if edit != nil {
		edit(&e)
	}
	return e.marshal()
}

func passwordKey(t testing.TB, salt string) EncryptionKey {
	k, err := stringToKey(AES256SHA1, "secret", salt, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TGTs of the script all have this session key.
var tgtKey = EncryptionKey{AES256SHA1, []byte("0123456789abcdef0123456789abcdef")}

func TestReferrals(t *testing.T) {
	pw := passwordKey(t, "Aalice")
	svc := func(host string) principal { return principal{nameService, []string{"cifs", host}} }
	for name, c := range map[string]struct {
		host   string
		answer func(q kdcQuestion) principal // the ticket's server; none is unknown
		asked  string
		want   nt.Status
	}{
		"at home": {"x.a.test", func(q kdcQuestion) principal { return q.sname }, "A: cifs/x.a.test", 0},
		"two realms on": {"x.c.test", func(q kdcQuestion) principal {
			return map[string]principal{"A": krbtgt("B"), "B": krbtgt("C"), "C": q.sname}[q.realm]
		}, "A: cifs/x.c.test, B: cifs/x.c.test, C: cifs/x.c.test", 0},
		"by krb5.conf": {"x.b.test", func(q kdcQuestion) principal {
			switch {
			case q.realm == "B":
				return q.sname
			case q.sname.names[0] == "krbtgt":
				return krbtgt("B")
			}
			return principal{}
		}, "A: cifs/x.b.test, A: krbtgt/B, B: cifs/x.b.test", 0},
		"nowhere":         {"x.a.test", func(kdcQuestion) principal { return principal{} }, "A: cifs/x.a.test", nt.StatusObjectNameNotFound},
		"mapped, nowhere": {"x.b.test", func(kdcQuestion) principal { return principal{} }, "A: cifs/x.b.test, A: krbtgt/B", nt.StatusObjectNameNotFound},
		"canonical name":  {"x.a.test", func(kdcQuestion) principal { return principal{namePrincipal, []string{"X$"}} }, "A: cifs/x.a.test", 0},
		"without end": {"x.a.test", func(q kdcQuestion) principal {
			return krbtgt(map[string]string{"A": "B", "B": "A"}[q.realm])
		}, strings.TrimSuffix(strings.Repeat("A: cifs/x.a.test, B: cifs/x.a.test, ", maxHops/2), ", "), nt.StatusLogonFailure},
	} {
		t.Run(name, func(t *testing.T) {
			s := &scripted{t: t}
			s.answer = func(q kdcQuestion) []byte {
				if q.tag == tagASReq {
					return issued{key: pw, server: krbtgt("A"), sess: tgtKey, nonce: q.nonce, crealm: "A"}.der(q)
				}
				server := c.answer(q)
				if server.names == nil {
					return kdcError(kdcServiceUnknown, nil)
				}
				return issued{key: tgtKey, server: server, sess: tgtKey, nonce: q.nonce, crealm: "A"}.der(q)
			}
			cl := s.client(nil)
			cred, err := cl.service(t.Context(), svc(c.host))
			switch {
			case c.want == 0 && (err != nil || cred == nil):
				t.Error(err)
			case c.want != 0 && !errors.Is(err, c.want):
				t.Errorf("%v, want %v", err, c.want)
			}
			var asked []string
			for _, a := range s.asked[1:] {
				_, what, _ := strings.Cut(a, " ")
				if !strings.HasPrefix(a, strings.ToLower(what[:1])+":88 ") {
					t.Errorf("asked the wrong KDC: %s", a)
				}
				asked = append(asked, what)
			}
			if got := strings.Join(asked, ", "); got != c.asked {
				t.Errorf("asked %s, want %s", got, c.asked)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	info2 := func(fields ...[]byte) paData {
		return paData{paEtypeInfo2, tlv(tagSequence, tlv(tagSequence, append([][]byte{derField(0, derInt(int64(AES256SHA1)))}, fields...)...))}
	}
	method := func(list ...paData) []byte {
		var b []byte
		for _, p := range list {
			b = append(b, tlv(tagSequence, derField(1, derInt(int64(p.kind))), derField(2, derOctets(p.value)))...)
		}
		return tlv(tagSequence, b)
	}
	salted := passwordKey(t, "salt")
	good := func(q kdcQuestion, k EncryptionKey, padata ...paData) []byte {
		return issued{key: k, server: krbtgt(q.realm), sess: tgtKey, nonce: q.nonce, crealm: q.realm, padata: padata}.der(q)
	}
	first := func(e []byte, then func(q kdcQuestion) []byte) func(q kdcQuestion) []byte {
		return func(q kdcQuestion) []byte {
			if !q.preauth {
				return e
			}
			return then(q)
		}
	}
	oldInfo := paData{paEtypeInfo, tlv(tagSequence, tlv(tagSequence, derField(0, derInt(int64(AES256SHA1))), derField(1, derOctets([]byte("salt")))))}
	for name, c := range map[string]struct {
		answer func(q kdcQuestion) []byte
		want   nt.Status
		says   string
		is     string
	}{
		"no pre-authentication": {func(q kdcQuestion) []byte { return good(q, passwordKey(t, "Aalice")) }, 0, "", "alice@A"},
		"salt in the reply":     {func(q kdcQuestion) []byte { return good(q, salted, info2(derField(1, derString("salt")))) }, 0, "", "alice@A"},
		"ETYPE-INFO2": {first(kdcError(kdcPreauthNeeded, func(e *krbError) { e.edata = method(info2(derField(1, derString("salt")))) }),
			func(q kdcQuestion) []byte { return good(q, salted) }), 0, "", "alice@A"},
		"ETYPE-INFO": {first(kdcError(kdcPreauthNeeded, func(e *krbError) { e.edata = method(oldInfo) }),
			func(q kdcQuestion) []byte { return good(q, salted) }), 0, "", "alice@A"},
		"PW-SALT": {first(kdcError(kdcPreauthNeeded, func(e *krbError) { e.edata = method(paData{paSalt, []byte("salt")}) }),
			func(q kdcQuestion) []byte { return good(q, salted) }), 0, "", "alice@A"},
		"no hint": {first(kdcError(kdcPreauthNeeded, nil), func(q kdcQuestion) []byte { return good(q, passwordKey(t, "Aalice")) }), 0, "", "alice@A"},
		"iterations": {first(kdcError(kdcPreauthNeeded, func(e *krbError) {
			e.edata = method(info2(derField(1, derString("salt")), derField(2, derOctets([]byte{0xFF, 0xFF, 0xFF, 0xFF}))))
		}), nil), nt.StatusLogonFailure, "iterations", ""},
		"only DES": {first(kdcError(kdcPreauthNeeded, func(e *krbError) {
			e.edata = method(paData{paEtypeInfo2, tlv(tagSequence, tlv(tagSequence, derField(0, derInt(3))))})
		}), nil), nt.StatusLogonFailure, "no key of a type", ""},
		"wrong password": {first(kdcError(kdcPreauthNeeded, nil), func(q kdcQuestion) []byte { return kdcError(kdcPreauthFailed, nil) }), nt.StatusLogonFailure, "PREAUTH_FAILED", ""},
		"of another realm": {func(q kdcQuestion) []byte {
			if q.realm == "A" {
				return kdcError(kdcWrongRealm, func(e *krbError) { e.crealm = "B" })
			}
			return good(q, passwordKey(t, "Balice"))
		}, 0, "", "alice@B"},
		"of no realm": {func(q kdcQuestion) []byte {
			return kdcError(kdcWrongRealm, func(e *krbError) { e.crealm = map[string]string{"A": "B", "B": "A"}[q.realm] })
		}, nt.StatusLogonFailure, "never ends", ""},
		"another key":      {func(q kdcQuestion) []byte { return good(q, newKey(AES256SHA1)) }, nt.StatusLogonFailure, "wrong key", ""},
		"another question": {func(q kdcQuestion) []byte { q.nonce ^= 1; return good(q, passwordKey(t, "Aalice")) }, nt.StatusLogonFailure, "another question", ""},
		"not a TGT": {func(q kdcQuestion) []byte {
			return issued{key: passwordKey(t, "Aalice"), server: principal{2, []string{"cifs", "x"}}, sess: tgtKey, nonce: q.nonce, crealm: "A"}.der(q)
		}, nt.StatusLogonFailure, "ticket for cifs/x", ""},
		"DES session key": {func(q kdcQuestion) []byte {
			return issued{key: passwordKey(t, "Aalice"), server: krbtgt("A"), sess: EncryptionKey{3, make([]byte, 8)}, nonce: q.nonce, crealm: "A"}.der(q)
		}, nt.StatusLogonFailure, "not allowed", ""},
		"a reply to another kind": {func(q kdcQuestion) []byte { q.tag = tagTGSReq; return good(q, passwordKey(t, "Aalice")) }, nt.StatusLogonFailure, "malformed", ""},
		"rubbish":                 {func(kdcQuestion) []byte { return []byte("rubbish") }, nt.StatusLogonFailure, "malformed", ""},
		"malformed error":         {func(kdcQuestion) []byte { return []byte{tagError, 0} }, nt.StatusNoLogonServers, "malformed", ""},
		"unavailable":             {func(kdcQuestion) []byte { return kdcError(kdcUnavailable, nil) }, nt.StatusNoLogonServers, "a:88", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &scripted{t: t, answer: c.answer}
			cl := s.client(nil)
			_, err := cl.ticketGranting(t.Context())
			if c.want == 0 {
				if err != nil || cl.Principal() != c.is {
					t.Errorf("%s: %v", cl.Principal(), err)
				}
			} else if nt.StatusOf(err) != c.want || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v (%v), want %v", err, nt.StatusOf(err), c.want)
			}
			if len(s.asked) > maxHops {
				t.Errorf("%d questions", len(s.asked))
			}
		})
	}
}

// A cache's TGT that is about to end is renewed; one that cannot be is used to its end.
func TestRenewal(t *testing.T) {
	for _, c := range []struct {
		flags  uint32
		fails  bool
		renews bool
	}{{flagRenewable, false, true}, {flagRenewable, true, true}, {0, false, false}} {
		s := &scripted{t: t}
		renewed := false
		s.answer = func(q kdcQuestion) []byte {
			if q.options&optionRenew != 0 {
				renewed = true
				if c.fails {
					return kdcError(kdcPolicy, nil)
				}
			}
			return issued{key: tgtKey, server: q.sname, sess: tgtKey, nonce: q.nonce, crealm: "A"}.der(q)
		}
		now := time.Now()
		tgt := &credential{client: principal{1, []string{"alice"}}, crealm: "A", server: krbtgt("A"), srealm: "A", key: tgtKey, ticket: tlv(tagTicket),
			authTime: now.Add(-time.Hour), end: now.Add(2 * time.Minute), renewTill: now.Add(time.Hour), flags: c.flags}
		cl := s.client(func(cfg *ClientConfig) {
			*cfg = ClientConfig{CCache: appendCCache(nil, &ccache{client: tgt.client, realm: "A", creds: []*credential{tgt}}), Krb5Conf: cfg.Krb5Conf, Dial: cfg.Dial}
		})
		if _, err := cl.service(t.Context(), principal{2, []string{"cifs", "x"}}); err != nil {
			t.Error(err)
		}
		if renewed != c.renews {
			t.Errorf("%+v: renewed %v", c, renewed)
		}
	}
}

// What comes over the wire is bounded before it is believed.
func TestKDCWire(t *testing.T) {
	for name, raw := range map[string]func(net.Conn){
		"nothing":     func(net.Conn) {},
		"half":        func(c net.Conn) { c.Write([]byte{0, 0}) },
		"no length":   func(c net.Conn) { c.Write([]byte{0, 0, 0, 0}) },
		"huge":        func(c net.Conn) { c.Write([]byte{0x7F, 0xFF, 0xFF, 0xFF, 1}) },
		"cut":         func(c net.Conn) { c.Write([]byte{0, 0, 0, 9, 1, 2, 3}) },
		"no such sum": func(c net.Conn) { c.Write([]byte{0xFF, 0xFF, 0xFF, 0xFF}) },
	} {
		s := &scripted{t: t, raw: raw}
		if _, err := s.client(nil).ticketGranting(t.Context()); !errors.Is(err, nt.StatusNoLogonServers) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The cache of tickets is bounded, and forgets those that ended first.
func TestTicketsBounded(t *testing.T) {
	s := &scripted{t: t}
	cl := s.client(nil)
	now := time.Now()
	for n := range maxTickets - 1 {
		cl.keep(principal{2, []string{"cifs", "old", fmt.Sprint(n)}}, &credential{end: now.Add(-time.Hour)})
	}
	for n := range 2 {
		cl.keep(principal{2, []string{"cifs", fmt.Sprint(n)}}, &credential{end: now.Add(time.Hour)})
	}
	if len(cl.tickets) != 2 {
		t.Errorf("%d tickets, want the two that are good", len(cl.tickets))
	}
	for n := range 3 * maxTickets {
		cl.keep(principal{2, []string{"cifs", fmt.Sprint(n)}}, &credential{end: now.Add(time.Hour)})
	}
	if len(cl.tickets) > maxTickets || cl.tickets[fmt.Sprintf("cifs/%d", 3*maxTickets-1)] == nil {
		t.Errorf("%d tickets", len(cl.tickets))
	}
}
