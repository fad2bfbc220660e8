package krb5

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"

	"lwio/gen/dtyp"
	"lwio/gen/pac"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// testRealm issues tickets for one service.
type testRealm struct {
	key ServiceKey
	now time.Time
}

var domainSID = nt.NewSID(5, 21, 1004336348, 1177238915, 682003330)

func newRealm(t EncType) *testRealm {
	return &testRealm{
		key: ServiceKey{Name: "host/server.lab.test", Realm: "LAB.TEST", KVNO: 3, EncryptionKey: newKey(t)},
		now: time.Date(2026, 11, 22, 10, 0, 0, 123456000, time.UTC),
	}
}

// grant is a ticket and what may be wrong with it.
type grant struct {
	service    string
	realm      string
	etype      EncType // of the session key
	part       ticketPart
	kvno       uint32
	key        EncryptionKey // that encrypts the ticket
	noPAC      bool
	signer     EncryptionKey         // of the PAC
	clientName string                // in the PAC
	editPAC    func(b []byte) []byte // after it was signed
	info       func(*pac.KERB_VALIDATION_INFO)
}

func (r *testRealm) grant(edit func(*grant)) *credential {
	g := grant{
		service: "cifs/server.lab.test", realm: "LAB.TEST", etype: r.key.Type, key: r.key.EncryptionKey, signer: r.key.EncryptionKey,
		kvno: r.key.KVNO, clientName: "alice",
		part: ticketPart{
			crealm: "LAB.TEST", cname: principal{namePrincipal, []string{"alice"}},
			authTime: r.now.Add(-time.Hour).Truncate(time.Second), startTime: r.now.Add(-time.Hour).Truncate(time.Second),
			endTime: r.now.Add(9 * time.Hour).Truncate(time.Second),
		},
	}
	if edit != nil {
		edit(&g)
	}
	if g.part.key.Value == nil {
		g.part.key = newKey(g.etype)
	}
	if !g.noPAC {
		b := testPAC(&g)
		g.part.authData = []authData{{adIfRelevant, derAuthData(authData{adWin2KPAC, b})}}
	}
	sname := principal{nameService, splitName(g.service)}
	enc := encrypted{etype: g.key.Type, kvno: g.kvno, hasKVNO: true, cipher: g.key.encrypt(usageTicket, g.part.marshal())}
	raw := tlv(tagTicket, tlv(tagSequence, derField(0, derInt(5)), derField(1, derString(g.realm)), derField(2, sname.der()), derField(3, enc.der())))
	return &credential{
		client: g.part.cname, crealm: g.part.crealm, server: sname, srealm: g.realm, key: g.part.key, ticket: raw,
		authTime: g.part.authTime, start: g.part.startTime, end: g.part.endTime,
	}
}

func splitName(s string) []string {
	p, _, err := parsePrincipal(s)
	if err != nil {
		panic(err)
	}
	return p.names
}

func (t *ticketPart) marshal() []byte {
	var data []byte
	if t.authData != nil {
		data = derField(10, derAuthData(t.authData...))
	}
	return tlv(tagEncTicketPart, tlv(tagSequence, derField(0, derFlags(t.flags)), derField(1, t.key.der()),
		derField(2, derString(t.crealm)), derField(3, t.cname.der()),
		derField(4, tlv(tagSequence, derField(0, derInt(0)), derField(1, derOctets(nil)))),
		derField(5, derTime(t.authTime)), derField(6, derTime(t.startTime)), derField(7, derTime(t.endTime)),
		derField(9, tlv(tagSequence)), data))
}

// testPAC is alice of LAB: two groups, one of another domain, one resource group.
func testPAC(g *grant) []byte {
	logon := nt.TimeOf(g.part.authTime)
	info := pac.KERB_VALIDATION_INFO{
		LogonTime:       dtyp.FILETIME{DwLowDateTime: uint32(logon), DwHighDateTime: uint32(logon >> 32)},
		EffectiveName:   dtyp.NewRPC_UNICODE_STRING("alice"),
		UserId:          1103,
		PrimaryGroupId:  513,
		GroupCount:      2,
		GroupIds:        []pac.GROUP_MEMBERSHIP{{RelativeId: 513, Attributes: 7}, {RelativeId: 1110, Attributes: 7}},
		UserFlags:       pac.LOGON_EXTRA_SIDS | pac.LOGON_RESOURCE_GROUPS,
		LogonServer:     dtyp.NewRPC_UNICODE_STRING("DC1"),
		LogonDomainName: dtyp.NewRPC_UNICODE_STRING("LAB"),
		LogonDomainId:   dtyp.NewRPC_SID(domainSID),
		SidCount:        2,
		ExtraSids: []pac.KERB_SID_AND_ATTRIBUTES{
			{Sid: dtyp.NewRPC_SID(nt.NewSID(5, 21, 9, 9, 9, 1234)), Attributes: 7},
			{Sid: dtyp.NewRPC_SID(domainSID.Child(1110)), Attributes: 7}, // twice
		},
		ResourceGroupDomainSid: dtyp.NewRPC_SID(domainSID),
		ResourceGroupCount:     1,
		ResourceGroupIds:       []pac.GROUP_MEMBERSHIP{{RelativeId: 1120, Attributes: 0x20000007}},
	}
	if g.info != nil {
		g.info(&info)
	}
	logonInfo, err := ndr.AppendTypeSerialization(nil, &info)
	if err != nil {
		panic(err)
	}
	le := binary.LittleEndian
	name := nt.AppendUTF16(nil, g.clientName)
	client := le.AppendUint64(nil, uint64(logon))
	client = append(le.AppendUint16(client, uint16(len(name))), name...)
	b := buildPAC(g.signer, map[uint32][]byte{
		pacLogonInfo: logonInfo, pacClientInfo: client, pacUPNDNSInfo: testUPN("alice@lab.test", "LAB.TEST", "alice", domainSID.Child(1103)),
		pacRequestor: domainSID.Child(1103).Append(nil),
	})
	if g.editPAC != nil {
		b = g.editPAC(b)
	}
	return b
}

func testUPN(upn, domain, account string, sid nt.SID) []byte {
	le := binary.LittleEndian
	b := make([]byte, 24)
	put := func(at int, v []byte) {
		le.PutUint16(b[at:], uint16(len(v)))
		le.PutUint16(b[at+2:], uint16(len(b)))
		b = append(b, v...)
	}
	put(0, nt.AppendUTF16(nil, upn))
	put(4, nt.AppendUTF16(nil, domain))
	put(12, nt.AppendUTF16(nil, account))
	put(16, sid.Append(nil))
	le.PutUint32(b[8:], upnExtended)
	return b
}

// buildPAC lays out the buffers and signs for the server; the KDC's signature is of its length and wrong.
func buildPAC(signer EncryptionKey, buffers map[uint32][]byte) []byte {
	le := binary.LittleEndian
	p := signer.Type.params()
	sig := func() []byte {
		return append(le.AppendUint32(nil, uint32(p.checksum)), make([]byte, signatureLen(p.checksum))...)
	}
	buffers[pacServerChecksum], buffers[pacKDCChecksum] = sig(), sig()
	order := []uint32{pacLogonInfo, pacClientInfo, pacUPNDNSInfo, pacServerChecksum, pacKDCChecksum, pacRequestor}
	n := 0
	for _, kind := range order {
		if buffers[kind] != nil {
			n++
		}
	}
	b := le.AppendUint32(nil, uint32(n))
	b = le.AppendUint32(b, 0)
	b = append(b, make([]byte, 16*n)...)
	var server int
	i := 0
	for _, kind := range order {
		v := buffers[kind]
		if v == nil {
			continue
		}
		e := b[8+16*i:]
		le.PutUint32(e, kind)
		le.PutUint32(e[4:], uint32(len(v)))
		le.PutUint64(e[8:], uint64(len(b)))
		if kind == pacServerChecksum {
			server = len(b)
		}
		b = append(b, v...)
		b = append(b, make([]byte, -len(b)&7)...)
		i++
	}
	copy(b[server+4:], signer.checksum(usagePAC, b))
	return b
}

// config is that of a server for the realm.
func (r *testRealm) config() Config {
	return Config{Authority: ntlmtest.Accounts{}, Keys: KeyList{r.key}, AllowRC4: true, Now: func() time.Time { return r.now }}
}

// client is one whose cache holds nothing but the credential.
func (r *testRealm) client(t testing.TB, cred *credential) *Client {
	t.Helper()
	c, err := NewClient(ClientConfig{
		CCache:   appendCCache(nil, &ccache{client: cred.client, realm: cred.crealm, creds: []*credential{cred}}),
		Krb5Conf: config.New(), AllowRC4: true, Now: func() time.Time { return r.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// exchange runs both sides to their ends.
func exchange(i auth.Initiator, a auth.Acceptor) (client, server error) {
	ctx := context.Background()
	var token []byte
	acceptorDone := false
	for range 8 {
		reply, done, err := i.Init(ctx, token)
		if err != nil {
			return err, nil
		}
		if done && acceptorDone && len(reply) == 0 {
			return nil, nil
		}
		if acceptorDone {
			return errors.New("token left over"), nil
		}
		token, err = a.Accept(ctx, reply)
		acceptorDone = err == nil
		if err != nil && !errors.Is(err, nt.StatusMoreProcessingRequired) {
			_, _, cerr := i.Init(ctx, token)
			return cerr, err
		}
		if acceptorDone && done && len(token) == 0 {
			return nil, nil
		}
	}
	return errors.New("no end"), nil
}

func mustExchange(t testing.TB, i auth.Initiator, a auth.Acceptor) (client, server auth.Context) {
	t.Helper()
	cerr, serr := exchange(i, a)
	if cerr != nil || serr != nil {
		t.Fatalf("client %v, server %v", cerr, serr)
	}
	client, server = i.Context(), a.Context()
	if client == nil || server == nil {
		t.Fatal("no context")
	}
	if !bytes.Equal(client.SessionKey(), server.SessionKey()) || len(client.SessionKey()) < 16 {
		t.Fatalf("session keys %x and %x", client.SessionKey(), server.SessionKey())
	}
	return client, server
}
