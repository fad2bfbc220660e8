package krb5

import (
	"context"
	"encoding/binary"
	"testing"

	"lwio/iomgr/auth"
)

// fixedRealm is one of known keys, so that what was found before is found again.
func fixedRealm(t EncType) *testRealm {
	r := newRealm(t)
	for i := range r.key.Value {
		r.key.Value[i] = byte(i)
	}
	return r
}

func FuzzAcceptor(f *testing.F) {
	for _, t := range encTypes {
		r := fixedRealm(t)
		cred := r.grant(func(g *grant) { g.part.key = r.key.EncryptionKey })
		for _, cfg := range []InitiatorConfig{{}, {DCEStyle: true}} {
			cfg.Service = "cifs/server.lab.test"
			token, _, err := r.client(f, cred).NewInitiator(cfg).Init(context.Background(), nil)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(token)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, et := range []EncType{AES256SHA1, RC4HMAC} {
			a := NewMechanism(fixedRealm(et).config()).NewAcceptor(auth.Peer{ChannelBindings: []byte("x")})
			_, err := a.Accept(context.Background(), b)
			if (a.Context() != nil) != (err == nil) {
				t.Error("a context and an error, or neither")
			}
			a.Accept(context.Background(), b)
		}
	})
}

// FuzzPlain has the fuzzer write what only a key's holder could: the plain text of tickets, authenticators, replies.
func FuzzPlain(f *testing.F) {
	r := fixedRealm(AES256SHA1)
	g := r.grant(nil)
	a := authenticator{crealm: "LAB.TEST", cname: g.client, time: r.now, subkey: &g.key, hasSeq: true, cksum: gssChecksum(FlagDelegate, nil),
		authData: []authData{{adIfRelevant, derAuthData(authData{adEtypeNegotiation, tlv(tagSequence, derInt(18))})}}}
	f.Add(a.der())
	part := ticketPart{key: g.key, crealm: "A", cname: g.client, authTime: r.now, startTime: r.now, endTime: r.now, authData: a.authData}
	f.Add(part.marshal())
	e := krbError{code: 25, stime: r.now, realm: "A", sname: g.server, edata: tlv(tagSequence)}
	f.Add(e.marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseAuthenticator(b); err == nil {
			if a.cksum != nil {
				parseGSSChecksum(a.cksum.sum)
			}
			negotiatedType(a.authData)
			if again, err := parseAuthenticator(a.der()); err != nil || !again.cname.equal(a.cname) || !again.time.Equal(a.time) || again.seq != a.seq {
				t.Errorf("%+v does not come back: %+v, %v", a, again, err)
			}
		}
		if p, err := parseTicketPart(b); err == nil {
			readPAC(&p, r.key.EncryptionKey)
		}
		var c credential
		parseKDCRepPart(b, &c)
		if e, err := parseError(b); err == nil {
			_ = e.Error()
			e.status()
			in := derReader{b: e.edata, bad: new(bool)}
			parseHints(in.paData())
		}
	})
}

func FuzzInitiatorReply(f *testing.F) {
	r := fixedRealm(AES256SHA1)
	cred := r.grant(func(g *grant) { g.part.key = r.key.EncryptionKey })
	ctx := context.Background()
	for _, cfg := range []InitiatorConfig{{}, {DCEStyle: true}} {
		cfg.Service = "cifs/server.lab.test"
		token, _, err := r.client(f, cred).NewInitiator(cfg).Init(ctx, nil)
		if err != nil {
			f.Fatal(err)
		}
		reply, _ := NewMechanism(r.config()).NewAcceptor(auth.Peer{}).Accept(ctx, token)
		f.Add(reply)
	}
	e := krbError{code: apSkew, stime: r.now, realm: "A", sname: cred.server}
	f.Add(appendFrame(tokenError, e.marshal()))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, cfg := range []InitiatorConfig{{}, {DCEStyle: true}} {
			cfg.Service = "cifs/server.lab.test"
			i := r.client(t, cred).NewInitiator(cfg) // an error may have taken the ticket out of another one's cache
			if _, _, err := i.Init(ctx, nil); err != nil {
				t.Fatal(err)
			}
			_, done, err := i.Init(ctx, b)
			if done != (err == nil) || done != (i.Context() != nil) {
				t.Errorf("done %v, %v", done, err)
			}
		}
	})
}

func FuzzKDCReply(f *testing.F) {
	r := fixedRealm(AES256SHA1)
	cred := r.grant(nil)
	enc := r.key.seal(usageASRep, []byte("x"))
	f.Add(tlv(tagASRep, tlv(tagSequence, derField(0, derInt(5)), derField(1, derInt(11)),
		derField(2, tlv(tagSequence, tlv(tagSequence, derField(1, derInt(paEtypeInfo2)), derField(2, derOctets(tlv(tagSequence, tlv(tagSequence, derField(0, derInt(18)), derField(1, derString("salt")), derField(2, derOctets([]byte{0, 0, 16, 0}))))))))),
		derField(3, derString("A")), derField(4, cred.client.der()), derField(5, cred.ticket), derField(6, enc.der()))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parseKDCRep(b, tagASRep, messageAS+1); err == nil {
			parseHints(p.padata)
		}
		parseKDCRep(b, tagTGSRep, messageTGS+1)
	})
}

func FuzzPAC(f *testing.F) {
	r := fixedRealm(AES256SHA1)
	g := grant{signer: r.key.EncryptionKey, clientName: "alice", part: ticketPart{authTime: r.now}}
	f.Add(testPAC(&g))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePAC(b)
		if err != nil {
			return
		}
		p.verify(r.key.EncryptionKey)
		p.checkClient(&ticketPart{authTime: r.now, cname: principal{1, []string{"alice"}}})
		if out, err := p.principal(); err == nil && out.User.IsZero() {
			t.Error("a principal of nothing")
		}
	})
}

func FuzzUnseal(f *testing.F) {
	for _, et := range encTypes {
		k := EncryptionKey{et, make([]byte, et.params().key)}
		c := newSession(k, true, false, true, 1, 1)
		msg := make([]byte, 40)
		sig, err := c.Seal(nil, msg, 8, 32)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(et), msg, sig, 8, 32)
		if sig, err = c.Sign(nil, msg); err != nil {
			f.Fatal(err)
		}
		f.Add(byte(et), msg, sig, 0, 0)
	}
	f.Fuzz(func(t *testing.T, et byte, msg, sig []byte, lo, hi int) {
		p := EncType(et).params()
		if p == nil {
			return
		}
		k := EncryptionKey{EncType(et), make([]byte, p.key)}
		for _, dce := range []bool{true, false} {
			c := newSession(k, false, false, dce, 1, 1)
			c.Verify(msg, sig)
			c.Unseal(msg, lo, hi, sig)
		}
	})
}

func FuzzKeytab(f *testing.F) {
	f.Add(AppendKeytab(nil, testKeys()[:3]))
	f.Add(binary.BigEndian.AppendUint32([]byte{5, 2}, 0x80000000))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := ParseKeytab(b)
		if err != nil {
			return
		}
		IdentityOf(keys)
		again, err := ParseKeytab(AppendKeytab(nil, keys))
		if err != nil || len(again) != len(keys) {
			// A component with a slash in it comes back as two, perhaps too many.
			for _, k := range keys {
				if len(splitSlash(k.Name)) > maxComponents {
					return
				}
			}
			t.Errorf("%d keys come back as %d, %v", len(keys), len(again), err)
		}
	})
}

func splitSlash(s string) (parts []string) {
	for at := 0; ; {
		end := at
		for end < len(s) && s[end] != '/' {
			end++
		}
		parts = append(parts, s[at:end])
		if end == len(s) {
			return parts
		}
		at = end + 1
	}
}

func FuzzCCache(f *testing.F) {
	r := fixedRealm(AES256SHA1)
	cred := r.grant(nil)
	f.Add(appendCCache(nil, &ccache{client: cred.client, realm: "LAB.TEST", creds: []*credential{cred}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := parseCCache(b); err == nil {
			if _, err := parseCCache(appendCCache(nil, c)); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("[libdefaults]\n default_realm = A\n[realms]\n A = {\n  kdc = a.test\n }\n[domain_realm]\n .a.test = A\n"))
	f.Fuzz(func(t *testing.T, b []byte) { parseConfig("f", b) })
}
