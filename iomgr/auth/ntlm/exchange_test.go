package ntlm_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/nt"
)

var accounts = ntlmtest.Accounts{"alice": "secret", "Jörg": "Größe共有"}

// exchange runs a logon. edit, if any, changes each message on its way.
func exchange(t *testing.T, cred ntlm.Credentials, ic ntlm.InitiatorConfig, ac ntlm.Config, peer auth.Peer,
	edit func(n int, msg []byte) []byte) (client, server auth.Context, err error) {
	t.Helper()
	if ac.Authority == nil {
		ac.Authority = accounts
	}
	if edit == nil {
		edit = func(_ int, b []byte) []byte { return b }
	}
	ctx := context.Background()
	init := ntlm.NewInitiator(cred, ic)
	acc := ntlm.NewMechanism(ac).NewAcceptor(peer)
	neg, done, err := init.Init(ctx, nil)
	if err != nil || done || init.Context() != nil {
		t.Fatalf("first Init = %v, %v", done, err)
	}
	ch, err := acc.Accept(ctx, edit(1, neg))
	if nt.StatusOf(err) != nt.StatusMoreProcessingRequired {
		return nil, nil, err
	}
	if acc.Context() != nil {
		t.Fatal("context before the end")
	}
	reply, done, err := init.Init(ctx, edit(2, ch))
	if err != nil {
		return nil, nil, err
	}
	if !done {
		t.Fatal("initiator not done after its AUTHENTICATE_MESSAGE")
	}
	out, err := acc.Accept(ctx, edit(3, reply))
	if err != nil {
		if acc.Context() != nil {
			t.Fatal("context after a refusal")
		}
		return nil, nil, err
	}
	if len(out) != 0 {
		t.Fatalf("acceptor ends with a token of %d bytes", len(out))
	}
	if _, err := acc.Accept(ctx, reply); nt.StatusOf(err) != nt.StatusInvalidParameter {
		t.Fatalf("a token after the end: %v", err)
	}
	return init.Context(), acc.Context(), nil
}

var alice = ntlm.Credentials{User: "alice", Domain: "ANY", Password: "secret"}

func TestLogon(t *testing.T) {
	hash := ntlm.NTHash("secret")
	for name, cred := range map[string]ntlm.Credentials{
		"password": alice,
		"hash":     {User: "alice", Domain: "ANY", Hash: &hash, Workstation: "WKS"},
		"unicode":  {User: "Jörg", Password: "Größe共有"},
	} {
		c, s, err := exchange(t, cred, ntlm.InitiatorConfig{TargetName: "cifs/host"}, ntlm.Config{RequireMIC: true}, auth.Peer{}, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(c.SessionKey(), s.SessionKey()) || len(s.SessionKey()) != 16 {
			t.Errorf("%s: keys %x and %x", name, c.SessionKey(), s.SessionKey())
		}
		if s.Token().Account != cred.User || c.Token() != nil || s.Mechanism() != "NTLM" {
			t.Errorf("%s: token %+v", name, s.Token())
		}
		protect(t, c, s)
	}
}

// protect sends signed and sealed messages both ways.
func protect(t *testing.T, a, b auth.Context) {
	t.Helper()
	for n := range 4 {
		for _, d := range [][2]auth.Context{{a, b}, {b, a}} {
			plain := []byte("header body that is sealed trailer")
			msg := bytes.Clone(plain)
			sig, err := d[0].Sign([]byte("x"), msg)
			if err != nil || len(sig) != 1+d[0].SignatureLen(false) {
				t.Fatalf("%d: Sign = %x, %v", n, sig, err)
			}
			if err := d[1].Verify(msg, sig[1:]); err != nil {
				t.Fatalf("%d: Verify: %v", n, err)
			}
			lo, hi := 7, 7+20
			sig, err = d[0].Seal(nil, msg, lo, hi)
			if err != nil || len(sig) != d[0].SignatureLen(true) {
				t.Fatalf("%d: Seal = %x, %v", n, sig, err)
			}
			if !bytes.Equal(msg[:lo], plain[:lo]) || !bytes.Equal(msg[hi:], plain[hi:]) || bytes.Equal(msg[lo:hi], plain[lo:hi]) {
				t.Fatalf("%d: Seal encrypted the wrong part: %q", n, msg)
			}
			if err := d[1].Unseal(msg, lo, hi, sig); err != nil || !bytes.Equal(msg, plain) {
				t.Fatalf("%d: Unseal = %q, %v", n, msg, err)
			}
		}
	}
}

func TestProtectionRefuses(t *testing.T) {
	for name, spoil := range map[string]func(msg, sig []byte) ([]byte, []byte){
		"message":         func(m, s []byte) ([]byte, []byte) { m[0] ^= 1; return m, s },
		"sealed part":     func(m, s []byte) ([]byte, []byte) { m[9] ^= 1; return m, s },
		"checksum":        func(m, s []byte) ([]byte, []byte) { s[5] ^= 1; return m, s },
		"version":         func(m, s []byte) ([]byte, []byte) { s[0]++; return m, s },
		"sequence":        func(m, s []byte) ([]byte, []byte) { s[12]++; return m, s },
		"short signature": func(m, s []byte) ([]byte, []byte) { return m, s[:15] },
		"long signature":  func(m, s []byte) ([]byte, []byte) { return m, append(s, 0) },
		"no signature":    func(m, s []byte) ([]byte, []byte) { return m, nil },
	} {
		c, s, err := exchange(t, alice, ntlm.InitiatorConfig{}, ntlm.Config{}, auth.Peer{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		msg := []byte("header and body")
		sig, _ := c.Seal(nil, msg, 7, len(msg))
		msg, sig = spoil(msg, sig)
		if err := s.Unseal(msg, 7, len(msg), sig); nt.StatusOf(err) != nt.StatusAccessDenied {
			t.Errorf("sealed, wrong %s: %v", name, err)
		}
		c, s, _ = exchange(t, alice, ntlm.InitiatorConfig{}, ntlm.Config{}, auth.Peer{}, nil)
		msg = []byte("header and body")
		sig, _ = c.Sign(nil, msg)
		msg, sig = spoil(msg, sig)
		if err := s.Verify(msg, sig); nt.StatusOf(err) != nt.StatusAccessDenied {
			t.Errorf("signed, wrong %s: %v", name, err)
		}
	}
	c, s, _ := exchange(t, alice, ntlm.InitiatorConfig{}, ntlm.Config{}, auth.Peer{}, nil)
	msg := []byte("replay")
	sig, _ := c.Sign(nil, msg)
	if s.Verify(msg, sig) != nil || s.Verify(msg, sig) == nil {
		t.Error("a message was taken twice, or not at all")
	}
	for _, r := range [][2]int{{-1, 3}, {3, 2}, {0, 99}} {
		if _, err := c.Seal(nil, msg, r[0], r[1]); err == nil {
			t.Errorf("sealed %v of %d bytes", r, len(msg))
		}
		if err := s.Unseal(msg, r[0], r[1], sig); err == nil {
			t.Errorf("unsealed %v of %d bytes", r, len(msg))
		}
	}
}

func setFlags(b []byte, at int, set, clear ntlm.Flags) []byte {
	b = bytes.Clone(b)
	f := ntlm.Flags(binary.LittleEndian.Uint32(b[at:]))
	binary.LittleEndian.PutUint32(b[at:], uint32(f&^clear|set))
	return b
}

func TestRefused(t *testing.T) {
	wrong := ntlm.Credentials{User: "alice", Password: "Secret"}
	binding := []byte("tls-server-end-point:0123456789")
	for name, tt := range map[string]struct {
		cred ntlm.Credentials
		ic   ntlm.InitiatorConfig
		ac   ntlm.Config
		peer auth.Peer
		edit func(n int, b []byte) []byte
		want nt.Status
	}{
		"wrong password":    {cred: wrong, want: nt.StatusLogonFailure},
		"unknown user":      {cred: ntlm.Credentials{User: "bob"}, want: nt.StatusLogonFailure},
		"anonymous":         {want: nt.StatusAccessDenied},
		"anonymous allowed": {ac: ntlm.Config{AllowAnonymous: true}},
		"datagram": {cred: alice, want: nt.StatusInvalidParameter, edit: func(n int, b []byte) []byte {
			if n == 1 {
				return setFlags(b, 12, ntlm.NegotiateDatagram, 0)
			}
			return b
		}},
		"no charset": {cred: alice, want: nt.StatusInvalidParameter, edit: func(n int, b []byte) []byte {
			if n == 1 {
				return setFlags(b, 12, 0, ntlm.NegotiateUnicode|ntlm.NegotiateOEM)
			}
			return b
		}},
		"no extended session security": {cred: alice, want: nt.StatusNotSupported, edit: func(n int, b []byte) []byte {
			if n == 1 {
				return setFlags(b, 12, 0, ntlm.NegotiateExtendedSessionSecurity)
			}
			return b
		}},
		"flags changed in the negotiate message": {cred: alice, want: nt.StatusInvalidParameter, edit: func(n int, b []byte) []byte {
			if n == 1 {
				return setFlags(b, 12, 0, ntlm.NegotiateIdentify|ntlm.NegotiateAlwaysSign)
			}
			return b
		}},
		"flags changed in the authenticate message": {cred: alice, want: nt.StatusInvalidParameter, edit: func(n int, b []byte) []byte {
			if n == 3 {
				return setFlags(b, 60, 0, ntlm.NegotiateSeal)
			}
			return b
		}},
		"weak keys": {cred: alice, ic: ntlm.InitiatorConfig{AllowWeakKeys: true}, want: nt.StatusNotSupported, edit: func(n int, b []byte) []byte {
			if n == 2 {
				return setFlags(b, 20, 0, ntlm.Negotiate128)
			}
			return b
		}},
		"weak server": {cred: alice, want: nt.StatusNotSupported, edit: func(n int, b []byte) []byte {
			if n == 2 {
				return setFlags(b, 20, 0, ntlm.Negotiate128)
			}
			return b
		}},
		"MIC spoiled": {cred: alice, want: nt.StatusInvalidParameter, edit: func(n int, b []byte) []byte {
			if n == 3 {
				b = bytes.Clone(b)
				b[80] ^= 1
			}
			return b
		}},
		"no MIC though required": {cred: alice, ac: ntlm.Config{RequireMIC: true}, want: nt.StatusAccessDenied, edit: dropTimestamp},
		"no MIC":                 {cred: alice, edit: dropTimestamp},
		"wrong bindings": {cred: alice, peer: auth.Peer{ChannelBindings: binding},
			ic: ntlm.InitiatorConfig{ChannelBindings: []byte("other")}, want: nt.StatusAccessDenied},
		"right bindings": {cred: alice, peer: auth.Peer{ChannelBindings: binding}, ic: ntlm.InitiatorConfig{ChannelBindings: binding},
			ac: ntlm.Config{RequireChannelBindings: true}},
		"no bindings": {cred: alice, peer: auth.Peer{ChannelBindings: binding}},
		"no bindings though required": {cred: alice, peer: auth.Peer{ChannelBindings: binding},
			ac: ntlm.Config{RequireChannelBindings: true}, want: nt.StatusAccessDenied},
		"right target": {cred: alice, ic: ntlm.InitiatorConfig{TargetName: "CIFS/Host"}, ac: ntlm.Config{TargetNames: []string{"cifs/host"}}},
		"wrong target": {cred: alice, ic: ntlm.InitiatorConfig{TargetName: "cifs/other"},
			ac: ntlm.Config{TargetNames: []string{"cifs/host"}}, want: nt.StatusAccessDenied},
		"no target": {cred: alice, ac: ntlm.Config{TargetNames: []string{"cifs/host"}}},
		"no target though required": {cred: alice, ac: ntlm.Config{TargetNames: []string{"cifs/host"}, RequireTargetName: true},
			want: nt.StatusAccessDenied},
	} {
		c, s, err := exchange(t, tt.cred, tt.ic, tt.ac, tt.peer, tt.edit)
		if got := nt.StatusOf(err); got != tt.want {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
			continue
		}
		if err == nil {
			protect(t, c, s)
			if s.Token().Anonymous != (tt.cred.User == "") {
				t.Errorf("%s: token %+v", name, s.Token())
			}
		}
	}
}

// What the first message may not ask for is refused before there is a challenge.
func TestDatagramRefused(t *testing.T) {
	acc := ntlm.NewMechanism(ntlm.Config{Authority: accounts}).NewAcceptor(auth.Peer{})
	neg, _, _ := ntlm.NewInitiator(alice, ntlm.InitiatorConfig{}).Init(context.Background(), nil)
	if ch, err := acc.Accept(context.Background(), setFlags(neg, 12, ntlm.NegotiateDatagram, 0)); nt.StatusOf(err) != nt.StatusInvalidParameter || ch != nil {
		t.Errorf("challenge %x, %v", ch, err)
	}
}

// dropTimestamp takes the timestamp out of the challenge, so that the client sees a server that does not know of the MIC.
func dropTimestamp(n int, b []byte) []byte {
	if n != 2 {
		return b
	}
	m, err := ntlm.ParseChallenge(b)
	if err != nil {
		return nil
	}
	pairs, _ := ntlm.ParseAVPairs(m.TargetInfo)
	var keep ntlm.AVPairs
	for _, p := range pairs {
		if p.ID != ntlm.MsvAvTimestamp {
			keep = append(keep, p)
		}
	}
	m.TargetInfo = keep.Append(nil)
	return m.Append(nil)
}

// A server that allows it does 56-bit and 40-bit keys, and without key exchange; both sides agree on the keys.
func TestWeakKeysAllowed(t *testing.T) {
	for _, clear := range []ntlm.Flags{ntlm.Negotiate128, ntlm.Negotiate128 | ntlm.Negotiate56, ntlm.NegotiateKeyExch,
		ntlm.NegotiateKeyExch | ntlm.Negotiate128} {
		edit := func(n int, b []byte) []byte {
			if b = dropTimestamp(n, b); n == 2 {
				b = setFlags(b, 20, 0, clear)
			}
			return b
		}
		c, s, err := exchange(t, alice, ntlm.InitiatorConfig{AllowWeakKeys: true}, ntlm.Config{AllowWeakKeys: true}, auth.Peer{}, edit)
		if err != nil {
			t.Errorf("without %x: %v", clear, err)
			continue
		}
		protect(t, c, s)
	}
}

// Without SIGN and SEAL there is a session key, and protection is refused rather than made up.
func TestNothingToProtect(t *testing.T) {
	edit := func(n int, b []byte) []byte {
		if b = dropTimestamp(n, b); n == 2 {
			b = setFlags(b, 20, 0, ntlm.NegotiateSign|ntlm.NegotiateSeal)
		}
		return b
	}
	c, s, err := exchange(t, alice, ntlm.InitiatorConfig{}, ntlm.Config{}, auth.Peer{}, edit)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.SessionKey(), s.SessionKey()) {
		t.Error("session keys differ")
	}
	if _, err := s.Sign(nil, []byte("m")); nt.StatusOf(err) != nt.StatusNotSupported {
		t.Errorf("Sign: %v", err)
	}
	if err := s.Verify([]byte("m"), make([]byte, 16)); nt.StatusOf(err) != nt.StatusNotSupported {
		t.Errorf("Verify: %v", err)
	}
	if _, err := s.Seal(nil, []byte("m"), 0, 1); nt.StatusOf(err) != nt.StatusNotSupported {
		t.Errorf("Seal: %v", err)
	}
	if err := s.Unseal([]byte("m"), 0, 1, make([]byte, 16)); nt.StatusOf(err) != nt.StatusNotSupported {
		t.Errorf("Unseal: %v", err)
	}
}

func FuzzAcceptor(f *testing.F) {
	mech := ntlm.NewMechanism(ntlm.Config{Authority: accounts, AllowAnonymous: true, AllowNTLMv1: true, AllowLMv2: true, AllowWeakKeys: true})
	ctx := context.Background()
	init := ntlm.NewInitiator(alice, ntlm.InitiatorConfig{})
	neg, _, _ := init.Init(ctx, nil)
	ch, _ := mech.NewAcceptor(auth.Peer{}).Accept(ctx, neg)
	reply, _, _ := init.Init(ctx, ch)
	f.Add(neg, reply)
	anon := ntlm.NewInitiator(ntlm.Credentials{}, ntlm.InitiatorConfig{})
	anon.Init(ctx, nil)
	reply, _, _ = anon.Init(ctx, ch)
	f.Add(neg, reply)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		acc := mech.NewAcceptor(auth.Peer{ChannelBindings: []byte("b")})
		if _, err := acc.Accept(ctx, first); nt.StatusOf(err) != nt.StatusMoreProcessingRequired {
			return
		}
		if _, err := acc.Accept(ctx, second); err == nil && !acc.Context().Token().Anonymous {
			t.Error("a response to another challenge was taken")
		}
	})
}

func FuzzInitiator(f *testing.F) {
	ctx := context.Background()
	mech := ntlm.NewMechanism(ntlm.Config{Authority: accounts})
	neg, _, _ := ntlm.NewInitiator(alice, ntlm.InitiatorConfig{}).Init(ctx, nil)
	ch, _ := mech.NewAcceptor(auth.Peer{}).Accept(ctx, neg)
	f.Add(ch)
	f.Fuzz(func(t *testing.T, challenge []byte) {
		init := ntlm.NewInitiator(alice, ntlm.InitiatorConfig{TargetName: "cifs/host"})
		init.Init(ctx, nil)
		if reply, _, err := init.Init(ctx, challenge); err == nil {
			if _, err := ntlm.ParseAuthenticate(reply); err != nil {
				t.Errorf("our own reply does not parse: %v", err)
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	ctx := context.Background()
	init := ntlm.NewInitiator(alice, ntlm.InitiatorConfig{})
	acc := ntlm.NewMechanism(ntlm.Config{Authority: accounts}).NewAcceptor(auth.Peer{})
	neg, _, _ := init.Init(ctx, nil)
	ch, _ := acc.Accept(ctx, neg)
	if _, _, err := init.Init(ctx, ch); err != nil {
		b.Fatal(err)
	}
	c := init.Context()
	msg, sig := make([]byte, 4280), make([]byte, 0, 16)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Sign(sig, msg); err != nil {
			b.Fatal(err)
		}
	}
}
