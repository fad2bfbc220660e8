package domain

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/nt"
	"lwio/services/state"
)

// ldapPair gives both ends of a context.
func ldapPair(t *testing.T) (client, server auth.Context) {
	t.Helper()
	store := state.NewMemory()
	machine, err := state.LoadMachine(t.Context(), store, state.MachineHint{Name: "OURS"})
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := state.NewAccounts(t.Context(), store, state.AccountsConfig{Machine: machine})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.Add(t.Context(), state.NewAccount{Name: "alice", Password: "Us3r.Pass"}); err != nil {
		t.Fatal(err)
	}
	acc := ntlm.NewMechanism(ntlm.Config{Authority: accounts}).NewAcceptor(auth.Peer{})
	init := ntlm.NewInitiator(ntlm.Credentials{User: "alice", Password: "Us3r.Pass"}, ntlm.InitiatorConfig{})
	var back []byte
	for range 3 {
		token, done, err := init.Init(t.Context(), back)
		if err != nil {
			t.Fatal(err)
		}
		if back, err = acc.Accept(t.Context(), token); err != nil && !errors.Is(err, nt.StatusMoreProcessingRequired) {
			t.Fatal(err)
		}
		if done {
			break
		}
	}
	return init.Context(), acc.Context()
}

func TestSealedConn(t *testing.T) {
	cc, sc := ldapPair(t)
	a, b := net.Pipe()
	client, server := &sealedConn{Conn: a, protector: cc}, &sealedConn{Conn: b, protector: sc}
	want := bytes.Repeat([]byte("0123456789"), sealedPart/5) // more than one buffer
	go func() {
		client.Write(want)
		client.Write([]byte("end"))
		a.Close()
	}()
	got, err := io.ReadAll(server)
	if err != nil || !bytes.Equal(got, append(want, "end"...)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// What a peer says that comes is bounded before there is memory for it, and what was changed is not taken.
func TestSealedConnRefuses(t *testing.T) {
	cc, sc := ldapPair(t)
	var wire bytes.Buffer
	w := &sealedConn{Conn: writeConn{w: &wire}, protector: cc}
	if _, err := w.Write([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	good := bytes.Clone(wire.Bytes())
	if bytes.Contains(good, []byte("secret")) {
		t.Error("it is not sealed")
	}
	read := func(b []byte) error {
		_, err := (&sealedConn{Conn: readConn{r: bytes.NewReader(b)}, protector: sc}).Read(make([]byte, 10))
		return err
	}
	for _, n := range []uint32{0, uint32(sc.SignatureLen(true)) - 1, maxSealed + 1, 1 << 31, 1<<32 - 1} {
		if err := read(binary.BigEndian.AppendUint32(nil, n)); !errors.Is(err, errSealed) {
			t.Errorf("a length of %d: %v", n, err)
		}
	}
	for n := range len(good) {
		if err := read(good[:n]); err == nil {
			t.Errorf("%d of %d bytes are a buffer", n, len(good))
		}
	}
	bad := bytes.Clone(good)
	bad[len(bad)-1] ^= 1
	if err := read(bad); err == nil {
		t.Error("a changed buffer is taken")
	}
}

type writeConn struct {
	net.Conn
	w io.Writer
}

type readConn struct {
	net.Conn
	r io.Reader
}

func (c writeConn) Write(b []byte) (int, error) { return c.w.Write(b) }
func (c readConn) Read(b []byte) (int, error)   { return c.r.Read(b) }

func TestBindAnswer(t *testing.T) {
	whole := ber(tagSequence, ber(tagInteger, []byte{2}), ber(tagBindDone, ber(tagEnum, []byte{14}), ber(tagOctets), ber(tagOctets, []byte("why")), ber(tagSASLBack, []byte("token"))))
	code, token, text, err := bindAnswer(whole, 2)
	if err != nil || code != 14 || string(token) != "token" || text != "why" {
		t.Errorf("%d %q %q %v", code, token, text, err)
	}
	if _, _, _, err := bindAnswer(whole, 3); err == nil {
		t.Error("the answer to another request is taken")
	}
	for n := range len(whole) {
		if _, _, _, err := bindAnswer(whole[:n], 2); err == nil {
			t.Errorf("%d of %d bytes are an answer", n, len(whole))
		}
		if _, err := readElement(bytes.NewReader(whole[:n]), maxBind); err == nil {
			t.Errorf("%d of %d bytes are read as an element", n, len(whole))
		}
	}
	if b, err := readElement(bytes.NewReader(append(bytes.Clone(whole), "more"...)), maxBind); err != nil || !bytes.Equal(b, whole) {
		t.Errorf("%x %v", b, err)
	}
	for _, head := range []string{"\x30\x84\x7F\xFF\xFF\xFF", "\x30\x84\xFF\xFF\xFF\xFF", "\x30\x85\x00\x00\x00\x00\x01", "\x30\x80"} {
		if _, err := readElement(strings.NewReader(head+strings.Repeat("x", 100)), maxBind); err == nil {
			t.Errorf("%x is read", head)
		}
	}
	long := ber(tagOctets, make([]byte, 70000))
	if tag, body, rest, ok := element(long); !ok || tag != tagOctets || len(body) != 70000 || len(rest) != 0 {
		t.Error("a long element does not come back")
	}
}

func FuzzBindAnswer(f *testing.F) {
	f.Add(ber(tagSequence, ber(tagInteger, []byte{1}), ber(tagBindDone, ber(tagEnum, []byte{0}), ber(tagOctets), ber(tagOctets))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, token, _, err := bindAnswer(b, 1); err == nil && len(token) > len(b) {
			t.Error("a token longer than the answer")
		}
		if e, err := readElement(bytes.NewReader(b), maxBind); err == nil && !bytes.HasPrefix(b, e) {
			t.Error("an element that is not in what was read")
		}
	})
}

func TestContainer(t *testing.T) {
	d := &directory{base: "DC=lab,DC=test"}
	for in, want := range map[string]string{"Lab": "OU=Lab,DC=lab,DC=test", "Lab/Web": "OU=Web,OU=Lab,DC=lab,DC=test", "OU=Lab": "OU=Lab,DC=lab,DC=test", "CN=Computers,dc=LAB,dc=test": "CN=Computers,dc=LAB,dc=test",
		"a,b": `OU=a\,b,DC=lab,DC=test`} {
		if got, err := d.container(in); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "/", "a//b", "OU="} {
		if got, err := d.container(in); err == nil && in != "OU=" {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestLacks(t *testing.T) {
	acct := sampleAccount()
	e := ldap.NewEntry("CN=OURS", map[string][]string{"dNSHostName": {"OURS.lab.test"}, "servicePrincipalName": append([]string{"HTTP/www.lab.test"}, principalNames(acct)...),
		"msDS-SupportedEncryptionTypes": {"24"}, "operatingSystem": {"other"}})
	if got := lacks(acct, e); len(got) != 0 {
		t.Errorf("%s", lackText(got))
	}
	got := lacks(acct, ldap.NewEntry("CN=OURS", map[string][]string{"servicePrincipalName": {"host/ours.LAB.test", "HOST/ours"}, "msDS-SupportedEncryptionTypes": {"28"}}))
	var names []string
	for _, l := range got {
		names = append(names, l.attribute)
		if l.attribute == attrSPN && (!l.add || len(l.values) != 4) {
			t.Errorf("%v", l.values)
		}
	}
	if !slices.Equal(names, []string{attrName, attrSPN, attrTypes, attrSystem}) {
		t.Errorf("%v", names)
	}
}
