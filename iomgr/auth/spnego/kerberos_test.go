package spnego_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/config"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/auth/krb5/krb5test"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/nt"
)

const files = "cifs/files.lwio.test"

// domain is a KDC, a server's mechanism and a client of it.
func domain(t *testing.T) (*krb5test.KDC, spnego.Mech, *krb5.Client) {
	t.Helper()
	kdc := krb5test.New(t, krb5test.Config{ETypes: []int32{18}})
	keys, err := krb5.ParseKeytab(kdc.Keytab("FILES$"))
	if err != nil {
		t.Fatal(err)
	}
	conf, err := config.NewFromString(kdc.Krb5Conf())
	if err != nil {
		t.Fatal(err)
	}
	client, err := krb5.NewClient(krb5.ClientConfig{User: "alice", Password: "Us3r.Pass", Krb5Conf: conf})
	if err != nil {
		t.Fatal(err)
	}
	m := krb5.NewMechanism(krb5.Config{Authority: ntlmtest.Accounts{}, Keys: krb5.KeyList(keys)})
	return kdc, spnego.Mech{OID: spnego.OIDKerberos, Name: "Kerberos", Mechanism: m}, client
}

// both offers Kerberos under both its names, as Windows does.
func both(i auth.Initiator) []spnego.MechInitiator {
	return []spnego.MechInitiator{{OID: spnego.OIDMSKerberos, Name: "Kerberos", Initiator: i}, {OID: spnego.OIDKerberos, Name: "Kerberos", Initiator: i}}
}

func forNTLMInit() spnego.MechInitiator {
	return spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: ntlmInit()}
}

// talk runs both sides to their ends.
func talk(i auth.Initiator, a auth.Acceptor) (client, server error) {
	var token []byte
	finished := false
	for range 8 {
		reply, done, err := i.Init(ctx, token)
		if err != nil {
			return err, nil
		}
		if done && (finished || len(reply) == 0) {
			if a.Context() == nil {
				return errors.New("client is done before the server"), nil
			}
			return nil, nil
		}
		token, err = a.Accept(ctx, reply)
		finished = err == nil
		if err != nil && !errors.Is(err, nt.StatusMoreProcessingRequired) {
			server = err
			if _, _, client = i.Init(ctx, token); client == nil {
				client = errors.New("client goes on")
			}
			return client, server
		}
		if done && finished && len(token) == 0 {
			return nil, nil
		}
	}
	return errors.New("no end"), nil
}

func TestKerberos(t *testing.T) {
	_, mech, client := domain(t)
	another := spnego.MechInitiator{OID: spnego.OIDNegoEx, Name: "unknown to the server", Initiator: ntlmInit()}
	for _, dce := range []bool{false, true} {
		krb := func() auth.Initiator {
			return client.NewInitiator(krb5.InitiatorConfig{Service: files, DCEStyle: dce})
		}
		for name, c := range map[string]struct {
			client []spnego.MechInitiator
			server []spnego.Mech
			want   string
		}{
			"alone":                  {both(krb()), []spnego.Mech{mech}, "Kerberos"},
			"first of both":          {append(both(krb()), forNTLMInit()), []spnego.Mech{mech, forNTLM}, "Kerberos"},
			"server likes NTLM":      {append(both(krb()), forNTLMInit()), []spnego.Mech{forNTLM, mech}, "Kerberos"},
			"client likes NTLM":      {append([]spnego.MechInitiator{forNTLMInit()}, both(krb())...), []spnego.Mech{mech, forNTLM}, "NTLM"},
			"second choice":          {append([]spnego.MechInitiator{another}, both(krb())...), []spnego.Mech{mech, forNTLM}, "Kerberos"},
			"NTLM as second choice":  {append(both(krb()), forNTLMInit()), []spnego.Mech{forNTLM}, "NTLM"},
			"only the standard name": {both(krb())[1:], []spnego.Mech{mech}, "Kerberos"},
		} {
			t.Run(fmt.Sprintf("%s/%v", name, dce), func(t *testing.T) {
				i, a := spnego.NewInitiator(c.client...), spnego.NewMechanism(c.server...).NewAcceptor(auth.Peer{})
				if cerr, serr := talk(i, a); cerr != nil || serr != nil {
					t.Fatalf("client %v, server %v", cerr, serr)
				}
				if m := i.Context().Mechanism(); m != c.want || a.Context().Mechanism() != c.want {
					t.Errorf("mechanism %s, want %s", m, c.want)
				}
				// Both directions protect messages after whatever the list's signatures took of their numbers.
				for n := range 4 {
					from, to := i.Context(), a.Context()
					if n%2 == 1 {
						from, to = to, from
					}
					msg := []byte("header plain text trailer")
					sig, err := from.Seal(nil, msg, 7, 17)
					if err != nil {
						t.Fatal(err)
					}
					if err := to.Unseal(msg, 7, 17, sig); err != nil || string(msg) != "header plain text trailer" {
						t.Fatalf("message %d: %q, %v", n, msg, err)
					}
					if sig, err = from.Sign(sig[:0], msg); err != nil {
						t.Fatal(err)
					}
					if err := to.Verify(msg, sig); err != nil {
						t.Fatalf("message %d: %v", n, err)
					}
				}
				if !bytes.Equal(i.Context().SessionKey(), a.Context().SessionKey()) {
					t.Error("session keys differ")
				}
			})
		}
	}
}

// Where Kerberos cannot begin NTLM does it, and if that fails too both reasons are told.
func TestFallback(t *testing.T) {
	kdc, mech, client := domain(t)
	nowhere := func() []spnego.MechInitiator {
		return both(client.NewInitiator(krb5.InitiatorConfig{Service: "cifs/nowhere.lwio.test"}))
	}
	server := spnego.NewMechanism(mech, forNTLM)
	i, a := spnego.NewInitiator(append(nowhere(), forNTLMInit())...), server.NewAcceptor(auth.Peer{})
	if cerr, serr := talk(i, a); cerr != nil || serr != nil || i.Context().Mechanism() != "NTLM" {
		t.Fatalf("client %v, server %v", cerr, serr)
	}
	_, _, err := spnego.NewInitiator(nowhere()...).Init(ctx, nil)
	if !errors.Is(err, nt.StatusObjectNameNotFound) || strings.Count(err.Error(), "KDC_ERR_S_PRINCIPAL_UNKNOWN") != 1 {
		t.Errorf("nothing begins: %v", err)
	}
	wrong := spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM",
		Initiator: ntlm.NewInitiator(ntlm.Credentials{User: "alice", Password: "x"}, ntlm.InitiatorConfig{})}
	err, _ = talk(spnego.NewInitiator(append(nowhere(), wrong)...), server.NewAcceptor(auth.Peer{}))
	if nt.StatusOf(err) != nt.StatusLogonFailure || !strings.Contains(err.Error(), "left out: Kerberos") || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("NTLM fails after Kerberos: %v", err)
	}
	// A server that rejects says why in the mechanism's words.
	kdc.Forge(krb5test.Forge{NoPAC: true})
	err, serr := talk(spnego.NewInitiator(both(client.NewInitiator(krb5.InitiatorConfig{Service: files}))...), server.NewAcceptor(auth.Peer{}))
	if !errors.Is(serr, nt.StatusLogonFailure) || !errors.Is(err, nt.StatusLogonFailure) || !strings.Contains(err.Error(), "KRB_ERR_GENERIC") {
		t.Errorf("client %v, server %v", err, serr)
	}
}
