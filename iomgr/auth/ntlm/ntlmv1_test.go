package ntlm

import (
	"bytes"
	"context"
	"crypto/md5"
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// oneUser is an authority for "User" with "Password".
type oneUser struct{ auth.Authority }

func (oneUser) Host() auth.Host { return auth.Host{Name: "HOST", Domain: "DOM"} }

func (oneUser) VerifyNTLM(_ context.Context, in *auth.NTLMLogon) (*auth.Logon, error) {
	key, err := VerifyResponse(vectorHash, in)
	return &auth.Logon{Token: &nt.Token{Account: in.Account}, SessionBaseKey: key}, err
}

// oldLogon is a client that answers with NTLMv1, or with LMv2 alone.
func oldLogon(t *testing.T, cfg Config, flags Flags, lmv2Only bool) (client, server *session, err error) {
	t.Helper()
	cfg.Authority = oneUser{}
	acc := NewMechanism(cfg).NewAcceptor(auth.Peer{})
	neg := (&NegotiateMessage{Flags: flags}).Append(nil)
	raw, err := acc.Accept(context.Background(), neg)
	if nt.StatusOf(err) != nt.StatusMoreProcessingRequired {
		return nil, nil, err
	}
	ch, err := ParseChallenge(raw)
	if err != nil {
		t.Fatal(err)
	}
	if ch.TargetName != "DOM" || !ch.Flags.has(TargetTypeDomain) {
		t.Errorf("target %q, flags %#x", ch.TargetName, ch.Flags)
	}
	f := ch.Flags & flags
	m := AuthenticateMessage{Flags: f, UserName: "User"}
	var kx [16]byte
	switch {
	case lmv2Only:
		key := NTOWFv2(vectorHash, "User", "")
		m.LMResponse = lmv2(key[:], ch.ServerChallenge[:], vectorClient[:])
		kx = hmacMD5(key[:], m.LMResponse[:16])
	case f.has(NegotiateExtendedSessionSecurity):
		sum := md5.Sum(append(ch.ServerChallenge[:], vectorClient[:]...))
		m.NTResponse = ntlmv1(vectorHash, sum[:8])
		m.LMResponse = append(vectorClient[:], make([]byte, 16)...)
		kx = keyExchangeKey(sessionHashV1(vectorHash), f, true, ch.ServerChallenge, m.LMResponse)
	default:
		m.NTResponse = ntlmv1(vectorHash, ch.ServerChallenge[:])
		kx = sessionHashV1(vectorHash)
	}
	enc := rc4K(kx, vectorRandomKey[:])
	m.EncryptedRandomSessionKey = enc[:]
	if _, err := acc.Accept(context.Background(), m.Append(nil)); err != nil {
		return nil, nil, err
	}
	return newSession(vectorRandomKey, f, true, nil), acc.Context().(*session), nil
}

func TestOldClients(t *testing.T) {
	const base = NegotiateUnicode | RequestTarget | NegotiateNTLM | NegotiateSign | NegotiateSeal | NegotiateKeyExch | Negotiate128
	const ess = base | NegotiateExtendedSessionSecurity
	for name, tt := range map[string]struct {
		cfg   Config
		flags Flags
		lmv2  bool
		want  nt.Status
	}{
		"NTLMv1":                         {Config{}, base, false, nt.StatusNotSupported},
		"NTLM2 session response":         {Config{}, ess, false, nt.StatusLogonFailure},
		"LMv2":                           {Config{}, ess, true, nt.StatusLogonFailure},
		"NTLMv1 allowed":                 {Config{AllowNTLMv1: true}, base, false, 0},
		"NTLM2 session response allowed": {Config{AllowNTLMv1: true}, ess, false, 0},
		"LMv2 allowed":                   {Config{AllowLMv2: true}, ess, true, 0},
		"LMv2 with NTLMv1 allowed":       {Config{AllowNTLMv1: true}, ess, true, nt.StatusLogonFailure},
		"OEM names":                      {Config{AllowNTLMv1: true}, base&^NegotiateUnicode | NegotiateOEM, false, 0},
	} {
		c, s, err := oldLogon(t, tt.cfg, tt.flags, tt.lmv2)
		if nt.StatusOf(err) != tt.want {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
			continue
		}
		if err != nil {
			continue
		}
		if !bytes.Equal(c.SessionKey(), s.SessionKey()) {
			t.Errorf("%s: session keys differ", name)
		}
		// One message each way at a time: without extended session security both share one key stream.
		for range 3 {
			for _, d := range [][2]*session{{c, s}, {s, c}} {
				msg := []byte("sealed")
				sig, err := d[0].Seal(nil, msg, 0, len(msg))
				if err != nil || string(msg) == "sealed" {
					t.Fatalf("%s: Seal = %v", name, err)
				}
				if err := d[1].Unseal(msg, 0, len(msg), sig); err != nil || string(msg) != "sealed" {
					t.Fatalf("%s: Unseal = %v, %q", name, err, msg)
				}
				if sig, err = d[0].Sign(nil, msg); err != nil {
					t.Fatal(err)
				}
				if err := d[1].Verify(msg, sig); err != nil {
					t.Fatalf("%s: Verify = %v", name, err)
				}
			}
		}
		sig, _ := c.Sign(nil, []byte("signed"))
		if err := s.Verify([]byte("signet"), sig); nt.StatusOf(err) != nt.StatusAccessDenied {
			t.Errorf("%s: changed message: %v", name, err)
		}
	}
}

// A target name from an untrusted source is as good as none.
func TestUntrustedTargetName(t *testing.T) {
	a := acceptor{cfg: &Config{TargetNames: []string{"cifs/host"}}}
	pairs := AVPairs{{MsvAvTargetName, nt.AppendUTF16(nil, "cifs/other")}}
	if a.checkTarget(pairs) == nil {
		t.Error("another target is taken")
	}
	pairs = pairs.with(MsvAvFlags, []byte{AVFlagUntrustedTarget, 0, 0, 0})
	if err := a.checkTarget(pairs); err != nil {
		t.Error(err)
	}
	a.cfg.RequireTargetName = true
	if a.checkTarget(pairs) == nil {
		t.Error("an untrusted target is taken where one is required")
	}
}

// After the mechanism list was signed the key stream starts again; the numbers go on, or not.
func TestResetKeystream(t *testing.T) {
	for _, sequence := range []bool{false, true} {
		c, s := newSession(vectorRandomKey, vectorFlagsV2, true, nil), newSession(vectorRandomKey, vectorFlagsV2, false, nil)
		sig, _ := c.Sign(nil, []byte("list"))
		if err := s.Verify([]byte("list"), sig); err != nil {
			t.Fatal(err)
		}
		c.ResetKeystream(sequence)
		s.ResetKeystream(sequence)
		msg := bytes.Clone(vectorPlaintext)
		sig, _ = c.Seal(nil, msg, 0, len(msg))
		wantHex(t, "sealed data", msg, "54e50165bf1936dc996020c1811b0f06fb5f")
		if want := byte(1); !sequence && sig[12] != want || sequence && sig[12] != 0 {
			t.Errorf("sequence number %d with reset %v", sig[12], sequence)
		}
		if err := s.Unseal(msg, 0, len(msg), sig); err != nil {
			t.Error(err)
		}
	}
}
