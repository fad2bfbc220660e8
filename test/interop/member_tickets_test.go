//go:build interop

package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/test/smbclient"
)

const ticketUsage = 2 // of the encrypted part of a ticket (RFC 4120 7.5.1)

// serviceTicket is a ticket as a real KDC made it, and what belongs to it.
type serviceTicket struct {
	client types.PrincipalName
	ticket messages.Ticket
	key    types.EncryptionKey
}

// ticketFor gets a user's ticket for a service.
func (l *lab) ticketFor(t testing.TB, user, service string) serviceTicket {
	t.Helper()
	env := l.kinit(t, "member", user)
	l.must(t, "member", env, "kvno", service)
	cache, err := credentials.LoadCCache(strings.TrimPrefix(env[0], "KRB5CCNAME=FILE:"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cache.GetEntries() {
		if c.Server.PrincipalName.PrincipalNameString() == service {
			s := serviceTicket{client: cache.GetClientPrincipalName(), key: c.Key}
			if err := s.ticket.Unmarshal(c.Ticket); err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	t.Fatalf("no ticket for %s", service)
	return serviceTicket{}
}

// token is an AP-REQ as SMB carries it, by a clock that is off.
func (s serviceTicket) token(t testing.TB, off time.Duration) *blob {
	t.Helper()
	a, err := types.NewAuthenticator("LAB.TEST", s.client)
	if err != nil {
		t.Fatal(err)
	}
	a.CTime = a.CTime.Add(off)
	if err := a.GenerateSeqNumberAndSubKey(s.key.KeyType, len(s.key.KeyValue)); err != nil {
		t.Fatal(err)
	}
	req, err := messages.NewAPReq(s.ticket, s.key, a)
	if err != nil {
		t.Fatal(err)
	}
	b, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	b = append([]byte("\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00"), b...) // 1.2.840.113554.1.2.2, KRB_AP_REQ (RFC 4121 4.1)
	head := []byte{0x60, 0x82, byte(len(b) >> 8), byte(len(b))}
	return &blob{token: append(head, b...), key: a.SubKey.KeyValue}
}

// blob is an initiator that says what it was made with. Without a reply the key of the session is the client's subkey.
type blob struct {
	auth.Protector
	token, key []byte
}

func (b *blob) Init(context.Context, []byte) ([]byte, bool, error) { return b.token, true, nil }
func (b *blob) Context() auth.Context                              { return b }
func (b *blob) Token() *nt.Token                                   { return nil }
func (b *blob) SessionKey() []byte                                 { return b.key }
func (b *blob) Mechanism() string                                  { return "Kerberos" }

// setup sends it from another host.
func (l *lab) setup(t testing.TB, b *blob) error {
	t.Helper()
	var c *smbclient.Client
	if err := l.inside("member", func() (err error) {
		c, err = smbclient.Dial(l.env["LAB_ADDR_OURS"] + ":445")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LogonBy(context.Background(), b)
}

// tickets that are not to be taken are refused, and the log says why.
func (j *joining) tickets(t *testing.T) {
	l := j.l
	good := l.ticketFor(t, "alice", "cifs/"+labHost)
	refused := func(name string, b *blob, want nt.Status, reason string) {
		t.Helper()
		err := l.setup(t, b)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if j.logged("kerberos logon refused", reason) == "" {
			t.Errorf("%s: nothing in the log says %q", name, reason)
		}
	}
	first := good.token(t, 0)
	if err := l.setup(t, first); err != nil {
		t.Fatalf("a good ticket: %v", err)
	}
	refused("replayed", first, nt.StatusLogonFailure, "replayed")
	refused("clock behind", good.token(t, -7*time.Minute), nt.StatusTimeDifferenceAtDc, "the client's clock is 7m")
	refused("clock ahead", good.token(t, 7*time.Minute), nt.StatusTimeDifferenceAtDc, "the client's clock is 7m")
	if err := l.setup(t, good.token(t, 3*time.Minute)); err != nil {
		t.Errorf("a clock within five minutes: %v", err)
	}
	refused("wrong service", l.ticketFor(t, "alice", "cifs/dc1.lab.test").token(t, 0), nt.StatusLogonFailure, "decrypts the ticket")

	// The ticket as an attacker with the machine's keytab, but not the domain's, could change it.
	forge := func(change func([]byte) []byte) serviceTicket {
		s := good
		key := machineKey(t, l.env["LAB_KEYTAB_OURS"], s.ticket.EncPart)
		plain, err := crypto.DecryptEncPart(s.ticket.EncPart, key, ticketUsage)
		if err != nil {
			t.Fatal(err)
		}
		if s.ticket.EncPart, err = crypto.GetEncryptedData(change(bytes.Clone(plain)), key, ticketUsage, s.ticket.EncPart.KVNO); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := l.setup(t, forge(func(b []byte) []byte { return b }).token(t, 0)); err != nil {
		t.Fatalf("the ticket, encrypted anew: %v", err)
	}
	refused("PAC", forge(func(b []byte) []byte {
		at := bytes.Index(b, []byte("a\x00l\x00i\x00c\x00e\x00"))
		if at < 0 {
			t.Fatal("the PAC does not name the user")
		}
		copy(b[at:], "c\x00a\x00r\x00o\x00l\x00")
		return b
	}).token(t, 0), nt.StatusLogonFailure, "PAC has a wrong signature")

	// Of the old passwords the last alone counts.
	j.must(t, "", "domain", "rotate-password")
	if err := l.setup(t, good.token(t, 0)); err != nil {
		t.Errorf("a ticket from before a change of the password: %v", err)
	}
	j.must(t, "", "domain", "rotate-password")
	refused("old key", good.token(t, 0), nt.StatusLogonFailure, fmt.Sprintf("(version %d)", good.ticket.EncPart.KVNO))
	if err := l.setup(t, l.ticketFor(t, "alice", "cifs/"+labHost).token(t, 0)); err != nil {
		t.Errorf("a new ticket: %v", err)
	}
}

// machineKey is the key of a keytab that something was encrypted with.
func machineKey(t testing.TB, path string, enc types.EncryptedData) types.EncryptionKey {
	t.Helper()
	b, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	kt := keytab.New()
	if err := kt.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	for _, e := range kt.Entries {
		if e.Key.KeyType == enc.EType && int(e.KVNO) == enc.KVNO {
			return e.Key
		}
	}
	t.Fatalf("no key of type %d, version %d in the keytab", enc.EType, enc.KVNO)
	return types.EncryptionKey{}
}
