package krb5

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"lwio/iomgr/nt"
)

func TestDERIntegers(t *testing.T) {
	for v, want := range map[int64]string{0: "020100", 1: "020101", 127: "02017f", 128: "02020080", 255: "020200ff", 256: "02020100",
		-1: "0201ff", -128: "020180", -129: "0202ff7f", 1 << 31: "02050080000000", -138: "0202ff76", 1<<63 - 1: "02087fffffffffffffff", -1 << 63: "02088000000000000000"} {
		b := derInt(v)
		if fmt.Sprintf("%x", b) != want {
			t.Errorf("%d is %x, want %s", v, b, want)
		}
		r := derReader{b: b, bad: new(bool)}
		if got := r.integer(); got != v || r.err() != nil {
			t.Errorf("%s is %d, want %d", want, got, v)
		}
	}
	// Sequence numbers of senders that take them for signed.
	r := derReader{b: derInt(-2), bad: new(bool)}
	if v := r.uint32(); v != 0xFFFFFFFE || r.err() != nil {
		t.Errorf("-2 is %x, %v", v, r.err())
	}
	for _, bad := range []string{"", "\x02", "\x02\x00", "\x02\x09123456789", "\x02\x81", "\x02\x85\x00\x00\x00\x00\x01\x01", "\x02\x80\x01", "\x04\x01\x01", "\x02\x01\x01\x01"} {
		r := derReader{b: []byte(bad), bad: new(bool)}
		if r.integer(); r.err() == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestDERTimes(t *testing.T) {
	at := time.Date(2026, 2, 28, 23, 59, 58, 0, time.UTC)
	r := derReader{b: derTime(at), bad: new(bool)}
	if got := r.time(); !got.Equal(at) || r.err() != nil {
		t.Errorf("%v, %v", got, r.err())
	}
	for _, bad := range []string{"", "20260228235958", "20260228235958z", "2026022823595Z", "20261328235958Z", "20260028235958Z", "20260228245958Z", "20260228236058Z", "2026022a235958Z", "20260228235961Z", "20260232235958Z"} {
		r := derReader{b: tlv(tagGeneralizedTime, []byte(bad)), bad: new(bool)}
		if r.time(); r.err() == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// truncations calls parse with every proper beginning, which it has to refuse.
func truncations(t *testing.T, b []byte, parse func([]byte) error) {
	t.Helper()
	if err := parse(b); err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if parse(b[:n:n]) == nil {
			t.Errorf("the first %d of %d bytes were taken", n, len(b))
		}
	}
	if parse(append(bytes.Clone(b), 0)) == nil {
		t.Error("a byte more was taken")
	}
}

func TestMessages(t *testing.T) {
	r := newRealm(AES256SHA1)
	subkey := newKey(AES128SHA1)
	a := authenticator{crealm: "LAB.TEST", cname: principal{namePrincipal, []string{"alice", "x"}}, time: r.now, subkey: &subkey, seq: 1 << 31, hasSeq: true,
		cksum: gssChecksum(flagsOfClient, []byte("x")), authData: []authData{{1, []byte("a")}, {128, nil}}}
	a.authData[1].data = []byte{}
	truncations(t, a.der(), func(b []byte) error {
		got, err := parseAuthenticator(b)
		if err == nil && !reflect.DeepEqual(got, a) {
			t.Errorf("authenticator %+v, want %+v", got, a)
		}
		return err
	})
	var theirs types.Authenticator
	if err := theirs.Unmarshal(a.der()); err != nil || theirs.CRealm != "LAB.TEST" || theirs.CName.PrincipalNameString() != "alice/x" ||
		theirs.SeqNumber != 1<<31 || theirs.Cusec != 123456 || !bytes.Equal(theirs.SubKey.KeyValue, subkey.Value) || len(theirs.Cksum.Checksum) != 24 {
		t.Errorf("gokrb5 reads %+v, %v", theirs, err)
	}

	cred := r.grant(nil)
	req := marshalAPReq(apMutualRequired, cred.ticket, cred.key.seal(usageAPReqAuthenticator, a.der()))
	truncations(t, req, func(b []byte) error { _, err := parseAPReq(b); return err })
	var ap messages.APReq
	if err := ap.Unmarshal(req); err != nil || ap.Ticket.SName.PrincipalNameString() != "cifs/server.lab.test" || ap.APOptions.Bytes[0] != 0x20 {
		t.Errorf("gokrb5 reads %+v, %v", ap, err)
	}
	if err := ap.Ticket.Decrypt(types.EncryptionKey{KeyType: 18, KeyValue: r.key.Value}); err != nil || ap.Ticket.DecryptedEncPart.CRealm != "LAB.TEST" {
		t.Errorf("gokrb5 decrypts %v", err)
	}
	if err := ap.DecryptAuthenticator(types.EncryptionKey{KeyType: 18, KeyValue: cred.key.Value}); err != nil {
		t.Error(err)
	}

	part := ticketPart{flags: flagRenewable, key: newKey(RC4HMAC), crealm: "A", cname: a.cname, authTime: r.now.Truncate(time.Second), startTime: r.now.Truncate(time.Second), endTime: r.now.Truncate(time.Second), authData: a.authData}
	truncations(t, part.marshal(), func(b []byte) error {
		got, err := parseTicketPart(b)
		if err == nil && !reflect.DeepEqual(got, part) {
			t.Errorf("ticket %+v, want %+v", got, part)
		}
		return err
	})

	rep := apRepPart{time: r.now, subkey: &subkey, seq: 77, hasSeq: true}
	truncations(t, rep.marshal(cred.key), func(b []byte) error {
		got, err := parseAPRep(b, cred.key)
		if err == nil && !reflect.DeepEqual(got, rep) {
			t.Errorf("reply %+v, want %+v", got, rep)
		}
		return err
	})
	var aprep messages.APRep
	if err := aprep.Unmarshal(rep.marshal(cred.key)); err != nil || aprep.EncPart.EType != 18 {
		t.Errorf("gokrb5 reads %+v, %v", aprep, err)
	}

	e := krbError{code: apSkew, stime: r.now, crealm: "A", realm: "B", sname: cred.server, text: "why", edata: []byte{1}}
	truncations(t, e.marshal(), func(b []byte) error {
		got, err := parseError(b)
		if err == nil && !reflect.DeepEqual(got, e) {
			t.Errorf("error %+v, want %+v", got, e)
		}
		return err
	})
	var ke messages.KRBError
	if err := ke.Unmarshal(e.marshal()); err != nil || ke.ErrorCode != 37 || ke.SName.PrincipalNameString() != "cifs/server.lab.test" || ke.EText != "why" {
		t.Errorf("gokrb5 reads %+v, %v", ke, err)
	}

	truncations(t, appendFrame(tokenAPRep, []byte("message")), func(b []byte) error {
		id, msg, err := parseToken(b)
		if err == nil && (id != tokenAPRep || string(msg) != "message") {
			t.Errorf("token %x %q", id, msg)
		}
		return err
	})
}

// A Windows KDC says what it means beside the code (MS-KILE 2.2.1).
func TestExtendedError(t *testing.T) {
	data := binary.LittleEndian.AppendUint32(nil, uint32(nt.StatusAccountLockedOut))
	data = append(data, make([]byte, 8)...)
	e := krbError{code: kdcRevoked, edata: tlv(tagSequence, derField(1, derInt(errorDataExtended)), derField(2, derOctets(data)))}
	if e.status() != nt.StatusAccountLockedOut {
		t.Errorf("%v", e.status())
	}
	for n := range e.edata {
		cut := e
		cut.edata = e.edata[:n]
		if cut.status() != nt.StatusAccountDisabled {
			t.Errorf("first %d bytes: %v", n, cut.status())
		}
	}
}

func TestPrincipals(t *testing.T) {
	for s, want := range map[string]string{
		"alice": "[alice] ", "alice@LAB.TEST": "[alice] LAB.TEST", "cifs/a.b": "[cifs a.b] ", "a/b/c@R": "[a b c] R",
		`a\/b\@c@R`: "[a/b@c] R", "a@b@c": "[a] b@c",
	} {
		p, realm, err := parsePrincipal(s)
		if got := fmt.Sprintf("%v %s", p.names, realm); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", s, got, err, want)
		}
	}
	for _, bad := range []string{"", "/", "a/", "@R", "a//b", strings.Repeat("a/", maxComponents) + "a"} {
		if _, _, err := parsePrincipal(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func testKeys() []ServiceKey {
	var keys []ServiceKey
	for i, name := range []string{"SERVER$", "host/SERVER", "host/server.lab.test", "cifs/server.lab.test"} {
		for _, t := range encTypes {
			keys = append(keys, ServiceKey{Name: name, Realm: "LAB.TEST", KVNO: uint32(i * 200), EncryptionKey: newKey(t)})
		}
	}
	return keys
}

func TestKeytab(t *testing.T) {
	keys := testKeys()
	b := AppendKeytab(nil, keys)
	got, err := ParseKeytab(b)
	if err != nil || !reflect.DeepEqual(got, keys) {
		t.Errorf("%v, %v", got, err)
	}
	if id := IdentityOf(got); id != (Identity{Realm: "LAB.TEST", Host: "server.lab.test", Account: "SERVER$"}) {
		t.Errorf("identity %+v", id)
	}
	if id := IdentityOf(nil); id != (Identity{}) {
		t.Errorf("identity of nothing %+v", id)
	}
	kt := keytab.New()
	if err := kt.Unmarshal(b); err != nil || len(kt.Entries) != len(keys) || kt.Entries[7].Key.KeyType != int32(keys[7].Type) {
		t.Errorf("gokrb5 reads %d entries, %v", len(kt.Entries), err)
	}
	// Between entries the file may end; nowhere else.
	whole := 0
	for n := range b {
		if got, err := ParseKeytab(b[:n:n]); err == nil {
			if whole++; !reflect.DeepEqual(got, keys[:len(got)]) && len(got) > 0 {
				t.Errorf("first %d bytes give %v", n, got)
			}
		}
	}
	if whole != len(keys) {
		t.Errorf("%d beginnings were taken, want %d", whole, len(keys))
	}
	// A hole, an entry of DES, and zeros at the end.
	hole := append(AppendKeytab(nil, keys[:1]), 0xFF, 0xFF, 0xFF, 0xFC, 1, 2, 3, 4)
	des := ServiceKey{Name: "a", Realm: "b", EncryptionKey: EncryptionKey{3, make([]byte, 8)}}
	hole = append(hole, AppendKeytab(nil, []ServiceKey{des, keys[1]})[2:]...)
	hole = append(hole, 0, 0, 0, 0, 9, 9, 9)
	if got, err := ParseKeytab(hole); err != nil || !reflect.DeepEqual(got, keys[:2]) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "\x05", "\x05\x01", "\x04\x02", "\x05\x02\x80\x00\x00\x00", "\x05\x02\x7F\xFF\xFF\xFF", "\x05\x02\x00\x00\x00\x01\x00"} {
		if _, err := ParseKeytab([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestKeytabReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keytab")
	keys := testKeys()
	write := func(b []byte, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadKeytab(path); err == nil {
		t.Error("a keytab that is not there")
	}
	old := time.Now().Add(-time.Hour)
	write([]byte{5, 2}, old)
	if _, err := LoadKeytab(path); err == nil || !strings.Contains(err.Error(), "no keys") {
		t.Errorf("an empty keytab: %v", err)
	}
	write(AppendKeytab(nil, keys[:5]), old)
	k, err := LoadKeytab(path)
	if err != nil || k.Path() != path {
		t.Fatal(err)
	}
	want := func(n int, ok bool) {
		t.Helper()
		if got, err := k.Keys(); len(got) != n || (err == nil) != ok {
			t.Errorf("%d keys, %v, want %d", len(got), err, n)
		}
	}
	want(5, true)
	write(AppendKeytab(nil, keys[5:10]), old) // the same time and length: nothing says that it changed
	want(5, true)
	write(AppendKeytab(nil, keys[:7]), old.Add(time.Second))
	want(7, true)
	write([]byte("rubbish"), old.Add(2*time.Second))
	want(7, false)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	want(7, false)
	write(AppendKeytab(nil, keys[:3]), time.Now())
	want(3, true)
	write(AppendKeytab(nil, keys[3:6]), time.Now())
	if got, err := k.Keys(); err != nil || !reflect.DeepEqual(got, keys[3:6]) {
		t.Errorf("a second change within one tick: %v, %v", got, err)
	}
}

func TestKeytabPath(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(conf, []byte("[libdefaults]\n default_keytab_name = FILE:/of/conf\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KRB5_CONFIG", "/nowhere:"+conf)
	t.Setenv("KRB5_KTNAME", "")
	if p := KeytabPath(""); p != "/of/conf" {
		t.Errorf("krb5.conf's: %s", p)
	}
	t.Setenv("KRB5_KTNAME", "WRFILE:/of/environment")
	if p := KeytabPath(""); p != "/of/environment" {
		t.Errorf("the environment's: %s", p)
	}
	if p := KeytabPath("/explicit"); p != "/explicit" {
		t.Errorf("explicit: %s", p)
	}
}

func TestConfig(t *testing.T) {
	c, err := parseConfig("x", []byte("[libdefaults]\n default_realm = A\n[realms]\n A = {\n  kdc = a.test\n  kdc = b.test:89\n }\n[domain_realm]\n .a.test = A\n"))
	if err != nil || c.LibDefaults.DefaultRealm != "A" || len(c.Realms[0].KDC) != 2 || c.ResolveRealm("x.a.test") != "A" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{"[libdefaults]\n default_realm\n", "[libdefaults]\n clockskew = x\n", strings.Repeat("#", maxConfig+1)} {
		if _, err := parseConfig("bad.conf", []byte(bad)); err == nil || !strings.Contains(err.Error(), "bad.conf") {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

func TestCCache(t *testing.T) {
	r := newRealm(AES256SHA1)
	cred := r.grant(nil)
	cred.flags, cred.renewTill = flagRenewable, cred.end.Add(time.Hour)
	conf := *cred
	conf.srealm = "X-CACHECONF:"
	in := &ccache{client: cred.client, realm: "LAB.TEST", creds: []*credential{&conf, cred}}
	b := appendCCache(nil, in)
	got, err := parseCCache(b)
	if err != nil || len(got.creds) != 1 || !reflect.DeepEqual(got.creds[0], cred) || got.realm != "LAB.TEST" || !got.client.equal(cred.client) {
		t.Fatalf("%+v, %v", got, err)
	}
	var theirs credentials.CCache
	if err := theirs.Unmarshal(b); err != nil || len(theirs.Credentials) != 2 || theirs.DefaultPrincipal.Realm != "LAB.TEST" || !bytes.Equal(theirs.Credentials[1].Ticket, cred.ticket) {
		t.Errorf("gokrb5 reads %v", err)
	}
	one := len(appendCCache(nil, &ccache{client: cred.client, realm: "LAB.TEST", creds: in.creds[:1]}))
	none := len(appendCCache(nil, &ccache{client: cred.client, realm: "LAB.TEST"}))
	for n := range b {
		if _, err := parseCCache(b[:n:n]); (err == nil) != (n == one || n == none) {
			t.Errorf("first %d bytes: %v", n, err)
		}
	}
	for _, bad := range []string{"\x05\x02", "\x05\x05\x00\x00", "\x06\x04\x00\x00", "\x05\x04\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", "\x05\x04\xFF\xFF"} {
		if _, err := parseCCache([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestReplayCache(t *testing.T) {
	at := time.Unix(1e9, 0)
	c := newReplayCache(10*time.Minute, 32*4)
	id := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	if c.replayed(id(1), at) || !c.replayed(id(1), at) || c.replayed(id(2), at) {
		t.Error("first and second sight")
	}
	if !c.replayed(id(1), at.Add(10*time.Minute-1)) || !c.replayed(id(1), at.Add(10*time.Minute)) {
		t.Error("forgotten within the window")
	}
	if c.replayed(id(2), at.Add(time.Hour)) {
		t.Error("remembered for ever")
	}
	// However many come, two generations are held, and the last of them are known.
	for n := range 10000 {
		c.replayed(id(100+n), at)
	}
	total := 0
	for i := range c.shards {
		total += len(c.shards[i].cur) + len(c.shards[i].old)
	}
	if total > 2*32*4 || !c.replayed(id(100+9999), at) {
		t.Errorf("%d entries", total)
	}
}

// Where each buffer lies is checked before anything is believed.
func TestPACDirectory(t *testing.T) {
	r := newRealm(AES256SHA1)
	g := grant{signer: r.key.EncryptionKey, clientName: "alice", part: ticketPart{authTime: r.now}}
	whole := testPAC(&g)
	if _, err := parsePAC(whole); err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	for name, edit := range map[string]func(b []byte) []byte{
		"empty":         func(b []byte) []byte { return nil },
		"version":       func(b []byte) []byte { b[4] = 1; return b },
		"no buffers":    func(b []byte) []byte { b[0] = 0; return b },
		"many buffers":  func(b []byte) []byte { le.PutUint32(b, 1<<31); return b },
		"more than fit": func(b []byte) []byte { le.PutUint32(b, 60); return b[:8+16*10] },
		"offset":        func(b []byte) []byte { le.PutUint64(b[16:], 1<<63); return b },
		"odd offset":    func(b []byte) []byte { b[16] += 4; return b },
		"in directory":  func(b []byte) []byte { le.PutUint64(b[16:], 8); return b },
		"length":        func(b []byte) []byte { le.PutUint32(b[12:], 1<<31); return b },
		"twice":         func(b []byte) []byte { copy(b[24:28], b[8:12]); return b },
	} {
		if _, err := parsePAC(edit(bytes.Clone(whole))); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for n := range whole {
		p, err := parsePAC(whole[:n:n])
		if err == nil && p.verify(r.key.EncryptionKey) == nil {
			t.Errorf("the first %d of %d bytes were taken", n, len(whole))
		}
	}
	// Signed once again after each byte of it is dropped: every buffer that is too short is refused, and nothing panics.
	sizes := func(b []byte, kind uint32, size uint32) []byte {
		for i := range int(le.Uint32(b)) {
			if e := b[8+16*i:]; le.Uint32(e) == kind {
				le.PutUint32(e[4:], size)
			}
		}
		return b
	}
	for _, kind := range []uint32{pacLogonInfo, pacClientInfo, pacUPNDNSInfo, pacRequestor, pacServerChecksum, pacKDCChecksum} {
		p, _ := parsePAC(whole)
		full := len(p.buffer(kind))
		if kind == pacLogonInfo {
			full -= 8 // it is padded
		}
		for n := range full {
			b := sizes(bytes.Clone(whole), kind, uint32(n))
			p, err := parsePAC(b)
			if err != nil {
				t.Fatal(err)
			}
			if kind == pacServerChecksum || kind == pacKDCChecksum {
				err = p.verify(r.key.EncryptionKey)
			} else if err = p.checkClient(&ticketPart{authTime: r.now, cname: principal{1, []string{"alice"}}}); err == nil {
				_, err = p.principal()
			}
			if err == nil {
				t.Errorf("buffer %d of %d bytes instead of %d was taken", kind, n, full)
			}
		}
	}
}

func TestUPNInfo(t *testing.T) {
	b := testUPN("alice@lab.test", "LAB.TEST", "alice", domainSID.Child(1103))
	u, err := parseUPNInfo(b)
	if err != nil || u != (upnInfo{"alice@lab.test", "LAB.TEST", "alice", domainSID.Child(1103)}) {
		t.Errorf("%+v, %v", u, err)
	}
	b[8] = 0
	if u, err = parseUPNInfo(b); err != nil || u.account != "" || !u.user.IsZero() {
		t.Errorf("short form: %+v, %v", u, err)
	}
}
