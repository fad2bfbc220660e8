package spnego_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/nt"
)

var (
	ctx      = context.Background()
	ntlmMech = ntlm.NewMechanism(ntlm.Config{Authority: ntlmtest.Accounts{"alice": "secret"}})
	forNTLM  = spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: ntlmMech}
)

func ntlmInit() auth.Initiator {
	return ntlm.NewInitiator(ntlm.Credentials{User: "alice", Password: "secret"}, ntlm.InitiatorConfig{})
}

// ticket is a mechanism in the manner of Kerberos: one token each way. It signs with the key "k" and counts nothing.
type ticket struct{}

func (k ticket) NewAcceptor(auth.Peer) auth.Acceptor { return &ticketSide{} }
func (k ticket) Hint() []byte                        { return nil }

type ticketSide struct {
	fail error
	sent bool
	ok   bool
}

func (s *ticketSide) Accept(_ context.Context, token []byte) ([]byte, error) {
	if string(token) != "AP-REQ" {
		return []byte("KRB-ERROR"), nt.StatusLogonFailure
	}
	s.ok = true
	return []byte("AP-REP"), nil
}

func (s *ticketSide) Init(_ context.Context, token []byte) ([]byte, bool, error) {
	switch {
	case s.fail != nil:
		return nil, false, s.fail
	case !s.sent:
		s.sent = true
		return []byte("AP-REQ"), false, nil
	case string(token) == "AP-REP":
		s.ok = true
		return nil, true, nil
	}
	return nil, false, errors.New("no AP-REP")
}

func (s *ticketSide) Context() auth.Context {
	if !s.ok {
		return nil
	}
	return s
}
func (s *ticketSide) Token() *nt.Token                             { return nil }
func (s *ticketSide) SessionKey() []byte                           { return []byte("k") }
func (s *ticketSide) Mechanism() string                            { return "Kerberos" }
func (s *ticketSide) SignatureLen(bool) int                        { return 1 }
func (s *ticketSide) Sign(sig, _ []byte) ([]byte, error)           { return append(sig, 'k'), nil }
func (s *ticketSide) Seal(sig, m []byte, _, _ int) ([]byte, error) { return s.Sign(sig, m) }
func (s *ticketSide) Verify(_, sig []byte) error {
	if string(sig) != "k" {
		return nt.StatusAccessDenied
	}
	return nil
}
func (s *ticketSide) Unseal(m []byte, _, _ int, sig []byte) error { return s.Verify(m, sig) }

var forKerberos = spnego.Mech{OID: spnego.OIDKerberos, Name: "Kerberos", Mechanism: ticket{}}

// run drives both halves to the end. It returns the tokens in the order in which they went; edit may change them.
func run(init auth.Initiator, acc auth.Acceptor, hint []byte, edit func(n int, b []byte) []byte) (log [][]byte, cerr, serr error) {
	token, done, err := init.Init(ctx, hint)
	if err != nil {
		return log, err, nil
	}
	for n := 1; ; n += 2 {
		if edit != nil {
			token = edit(n, token)
		}
		log = append(log, bytes.Clone(token))
		reply, serr := acc.Accept(ctx, token)
		if serr != nil && !errors.Is(serr, nt.StatusMoreProcessingRequired) {
			_, _, cerr := init.Init(ctx, reply)
			return append(log, reply), cerr, serr
		}
		if edit != nil {
			reply = edit(n+1, reply)
		}
		log = append(log, bytes.Clone(reply))
		if done {
			return log, nil, serr
		}
		if token, done, err = init.Init(ctx, reply); err != nil || done && token == nil {
			return log, err, serr
		}
	}
}

func resp(t *testing.T, b []byte) spnego.NegTokenResp {
	t.Helper()
	r, err := spnego.ParseNegTokenResp(b)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return r
}

// protect checks that both sides agree on keys, key streams and sequence numbers.
func protect(t *testing.T, a, b auth.Context) {
	t.Helper()
	if a == nil || b == nil {
		t.Fatalf("contexts %v and %v", a, b)
	}
	for range 3 {
		for _, d := range [][2]auth.Context{{a, b}, {b, a}} {
			msg := []byte("header body")
			sig, err := d[0].Seal(nil, msg, 7, 11)
			if err != nil {
				t.Fatal(err)
			}
			if err := d[1].Unseal(msg, 7, 11, sig); err != nil {
				t.Fatalf("Unseal: %v", err)
			}
		}
	}
}

func TestNTLMAlone(t *testing.T) {
	for _, hinted := range []bool{false, true} {
		mech := spnego.NewMechanism(forNTLM)
		init := spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: ntlmInit()})
		acc := mech.NewAcceptor(auth.Peer{})
		var hint []byte
		if hinted {
			hint = mech.Hint()
		}
		log, cerr, serr := run(init, acc, hint, nil)
		if cerr != nil || serr != nil || len(log) != 4 {
			t.Fatalf("%d tokens, %v, %v", len(log), cerr, serr)
		}
		first, last := resp(t, log[1]), resp(t, log[3])
		if first.NegState != spnego.AcceptIncomplete || first.SupportedMech != spnego.OIDNTLM || first.MechListMIC != nil {
			t.Errorf("first reply = %+v", first)
		}
		if last.NegState != spnego.AcceptCompleted || last.SupportedMech != "" || last.MechListMIC == nil {
			t.Errorf("last reply = %+v", last)
		}
		protect(t, init.Context(), acc.Context())
	}
}

// A client that sends no MIC (impacket) gets none.
func TestNoUnsolicitedMIC(t *testing.T) {
	acc := spnego.NewMechanism(forNTLM).NewAcceptor(auth.Peer{})
	inner := ntlmInit()
	neg, _, _ := inner.Init(ctx, nil)
	reply, err := acc.Accept(ctx, (&spnego.NegTokenInit{MechTypes: []spnego.OID{spnego.OIDNTLM}, MechToken: neg}).Append(nil))
	if nt.StatusOf(err) != nt.StatusMoreProcessingRequired {
		t.Fatal(err)
	}
	token, _, _ := inner.Init(ctx, resp(t, reply).ResponseToken)
	reply, err = acc.Accept(ctx, (&spnego.NegTokenResp{NegState: spnego.NoState, ResponseToken: token}).Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if r := resp(t, reply); r.NegState != spnego.AcceptCompleted || r.MechListMIC != nil {
		t.Errorf("last reply = %+v", r)
	}
	protect(t, inner.Context(), acc.Context())
}

// A server that ignores our MIC counts its messages from zero.
func TestServerWithoutMIC(t *testing.T) {
	init := spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: ntlmInit()})
	acc := spnego.NewMechanism(forNTLM).NewAcceptor(auth.Peer{})
	_, cerr, serr := run(init, acc, nil, func(n int, b []byte) []byte {
		if n == 3 {
			r := resp(t, b)
			r.MechListMIC = nil
			return r.Append(nil)
		}
		return b
	})
	if cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	protect(t, init.Context(), acc.Context())
}

func TestOptimisticTicket(t *testing.T) {
	for _, oid := range []spnego.OID{spnego.OIDKerberos, spnego.OIDMSKerberos} {
		init := spnego.NewInitiator(spnego.MechInitiator{OID: oid, Initiator: &ticketSide{}},
			spnego.MechInitiator{OID: spnego.OIDNTLM, Initiator: ntlmInit()})
		acc := spnego.NewMechanism(forKerberos, forNTLM).NewAcceptor(auth.Peer{})
		log, cerr, serr := run(init, acc, nil, nil)
		if cerr != nil || serr != nil || len(log) != 2 {
			t.Fatalf("%d tokens, %v, %v", len(log), cerr, serr)
		}
		if r := resp(t, log[1]); r.NegState != spnego.AcceptCompleted || r.SupportedMech != oid || string(r.ResponseToken) != "AP-REP" || r.MechListMIC != nil {
			t.Errorf("reply = %+v", r)
		}
		if acc.Context().Mechanism() != "Kerberos" || init.Context().Mechanism() != "Kerberos" {
			t.Error("another mechanism was used")
		}
	}
}

// The server has no Kerberos: it reselects NTLM, asks for the MIC, and both prove the list.
func TestReselection(t *testing.T) {
	newInit := func() auth.Initiator {
		return spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDKerberos, Name: "Kerberos", Initiator: &ticketSide{}},
			spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: ntlmInit()})
	}
	mech := spnego.NewMechanism(forNTLM)
	init, acc := newInit(), mech.NewAcceptor(auth.Peer{})
	log, cerr, serr := run(init, acc, nil, nil)
	if cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	if r := resp(t, log[1]); r.NegState != spnego.RequestMIC || r.SupportedMech != spnego.OIDNTLM || r.ResponseToken != nil {
		t.Errorf("first reply = %+v", r)
	}
	if r := resp(t, log[len(log)-1]); r.NegState != spnego.AcceptCompleted || r.MechListMIC == nil {
		t.Errorf("last reply = %+v", r)
	}
	protect(t, init.Context(), acc.Context())

	// With the hint the client knows, and nothing has to be proven.
	init, acc = newInit(), mech.NewAcceptor(auth.Peer{})
	log, cerr, serr = run(init, acc, mech.Hint(), nil)
	if cerr != nil || serr != nil || len(log) != 4 {
		t.Fatalf("with hint: %d tokens, %v, %v", len(log), cerr, serr)
	}
	protect(t, init.Context(), acc.Context())
}

// Somebody in between takes Kerberos out of the client's list, or otherwise spoils the exchange.
func TestDowngradeIsSeen(t *testing.T) {
	onlyNTLM := func(b []byte) []byte {
		return (&spnego.NegTokenInit{MechTypes: []spnego.OID{spnego.OIDNTLM}}).Append(nil)
	}
	for name, tt := range map[string]struct {
		edit       func(n int, b []byte) []byte
		cerr, serr nt.Status
	}{
		"list changed": {func(n int, b []byte) []byte {
			if n == 1 {
				return onlyNTLM(b)
			}
			return b
		}, nt.StatusLogonFailure, nt.StatusAccessDenied},
		"list changed and client's MIC taken out": {func(n int, b []byte) []byte {
			switch n {
			case 1:
				return onlyNTLM(b)
			case 5:
				r := resp(t, b)
				r.MechListMIC = nil
				return r.Append(nil)
			}
			return b
		}, nt.StatusAccessDenied, nt.StatusSuccess},
		"client's MIC taken out": {func(n int, b []byte) []byte {
			if n == 5 {
				r := resp(t, b)
				r.MechListMIC = nil
				return r.Append(nil)
			}
			if n == 6 { // the server waits for it; it is told nothing
				return (&spnego.NegTokenResp{NegState: spnego.AcceptCompleted}).Append(nil)
			}
			return b
		}, nt.StatusAccessDenied, nt.StatusMoreProcessingRequired},
		"server's MIC taken out": {func(n int, b []byte) []byte {
			if n == 6 {
				r := resp(t, b)
				r.MechListMIC = nil
				return r.Append(nil)
			}
			return b
		}, nt.StatusAccessDenied, nt.StatusSuccess},
		"server's MIC spoiled": {func(n int, b []byte) []byte {
			if n == 6 {
				b[len(b)-1]++
			}
			return b
		}, nt.StatusAccessDenied, nt.StatusSuccess},
	} {
		init := spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDKerberos, Name: "Kerberos", Initiator: &ticketSide{}},
			spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: ntlmInit()})
		acc := spnego.NewMechanism(forKerberos, forNTLM).NewAcceptor(auth.Peer{})
		if name != "list changed" && name != "list changed and client's MIC taken out" {
			acc = spnego.NewMechanism(forNTLM).NewAcceptor(auth.Peer{})
		}
		edit := tt.edit
		_, cerr, serr := run(init, acc, nil, func(n int, b []byte) []byte { return edit(n, b) })
		if nt.StatusOf(cerr) != tt.cerr || nt.StatusOf(serr) != tt.serr {
			t.Errorf("%s: client %v, server %v; want %v and %v", name, cerr, serr, tt.cerr, tt.serr)
		}
		if init.Context() != nil {
			t.Errorf("%s: the client has a context", name)
		}
	}
}

// A client whose MIC comes in a token of its own (RFC 4178 section 5).
func TestLateMIC(t *testing.T) {
	acc := spnego.NewMechanism(forNTLM).NewAcceptor(auth.Peer{})
	list := []spnego.OID{spnego.OIDKerberos, spnego.OIDNTLM}
	offer := (&spnego.NegTokenInit{MechTypes: list, MechToken: []byte("AP-REQ")}).Append(nil)
	parsed, _ := spnego.ParseNegTokenInit(offer)
	if _, err := acc.Accept(ctx, offer); nt.StatusOf(err) != nt.StatusMoreProcessingRequired {
		t.Fatal(err)
	}
	inner := ntlmInit()
	token, _, _ := inner.Init(ctx, nil)
	for range 2 {
		reply, err := acc.Accept(ctx, (&spnego.NegTokenResp{NegState: spnego.NoState, ResponseToken: token}).Append(nil))
		if nt.StatusOf(err) != nt.StatusMoreProcessingRequired {
			t.Fatal(err)
		}
		r := resp(t, reply)
		if inner.Context() != nil {
			if r.MechListMIC == nil || r.NegState != spnego.AcceptIncomplete {
				t.Fatalf("server waits with %+v", r)
			}
			if err := inner.Context().Verify(parsed.MechList, r.MechListMIC); err != nil {
				t.Fatal(err)
			}
			break
		}
		token, _, _ = inner.Init(ctx, r.ResponseToken)
	}
	if acc.Context() != nil {
		t.Fatal("context before the MIC")
	}
	mic, _ := inner.Context().Sign(nil, parsed.MechList)
	reply, err := acc.Accept(ctx, (&spnego.NegTokenResp{NegState: spnego.NoState, MechListMIC: mic}).Append(nil))
	if err != nil || resp(t, reply).NegState != spnego.AcceptCompleted {
		t.Fatalf("%x, %v", reply, err)
	}
	inner.Context().(interface{ ResetKeystream(bool) }).ResetKeystream(false)
	protect(t, inner.Context(), acc.Context())
}

// What a server may not answer.
func TestInitiatorRefuses(t *testing.T) {
	challenge := func(t *testing.T, init auth.Initiator) []byte {
		first, _, err := init.Init(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		token, err := spnego.ParseNegTokenInit(first)
		if err != nil {
			t.Fatal(err)
		}
		ch, _ := ntlmMech.NewAcceptor(auth.Peer{}).Accept(ctx, token.MechToken)
		return ch
	}
	two := func() auth.Initiator {
		return spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: ntlmInit()},
			spnego.MechInitiator{OID: spnego.OIDKerberos, Name: "Kerberos", Initiator: &ticketSide{}})
	}
	for name, replies := range map[string]func(ch []byte) []spnego.NegTokenResp{
		"end before the mechanism's": func(ch []byte) []spnego.NegTokenResp {
			return []spnego.NegTokenResp{{NegState: spnego.AcceptCompleted, SupportedMech: spnego.OIDNTLM, ResponseToken: ch}}
		},
		"another mechanism with a token": func(ch []byte) []spnego.NegTokenResp {
			return []spnego.NegTokenResp{{NegState: spnego.AcceptIncomplete, SupportedMech: spnego.OIDKerberos, ResponseToken: ch}}
		},
		"another mechanism later": func(ch []byte) []spnego.NegTokenResp {
			return []spnego.NegTokenResp{{NegState: spnego.AcceptIncomplete, SupportedMech: spnego.OIDNTLM, ResponseToken: ch},
				{NegState: spnego.AcceptIncomplete, SupportedMech: spnego.OIDKerberos}}
		},
		"mechanism that was not offered": func(ch []byte) []spnego.NegTokenResp {
			return []spnego.NegTokenResp{{NegState: spnego.AcceptIncomplete, SupportedMech: spnego.OIDNegoEx}}
		},
		"nothing to go on with": func(ch []byte) []spnego.NegTokenResp {
			return []spnego.NegTokenResp{{NegState: spnego.AcceptIncomplete, SupportedMech: spnego.OIDNTLM, ResponseToken: ch},
				{NegState: spnego.AcceptIncomplete}}
		},
	} {
		init := two()
		list := replies(challenge(t, init))
		var err error
		for i := range list {
			if err != nil {
				t.Fatalf("%s: reply %d: %v", name, i, err)
			}
			_, _, err = init.Init(ctx, list[i].Append(nil))
		}
		if nt.StatusOf(err) != nt.StatusInvalidParameter || init.Context() != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFallBackWithoutTicket(t *testing.T) {
	noTicket := errors.New("no ticket")
	init := spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDKerberos, Name: "Kerberos", Initiator: &ticketSide{fail: noTicket}},
		spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: ntlmInit()})
	acc := spnego.NewMechanism(forKerberos, forNTLM).NewAcceptor(auth.Peer{})
	if _, cerr, serr := run(init, acc, nil, nil); cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	protect(t, init.Context(), acc.Context())

	init = spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDKerberos, Name: "Kerberos", Initiator: &ticketSide{fail: noTicket}})
	if _, _, err := init.Init(ctx, nil); !errors.Is(err, noTicket) {
		t.Errorf("with nothing to fall back to: %v", err)
	}
}

func TestBareTokens(t *testing.T) {
	mech := spnego.NewMechanism(forKerberos, forNTLM)
	acc, inner := mech.NewAcceptor(auth.Peer{}), ntlmInit()
	if _, cerr, serr := run(inner, acc, nil, nil); cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	protect(t, inner.Context(), acc.Context())

	bare := ntlmInit()
	token, _, _ := bare.Init(ctx, nil)
	if _, err := spnego.NewMechanism(forKerberos).NewAcceptor(auth.Peer{}).Accept(ctx, token); nt.StatusOf(err) != nt.StatusNotSupported {
		t.Errorf("NTLM without NTLM: %v", err)
	}
}

func TestAcceptorRefuses(t *testing.T) {
	mech := spnego.NewMechanism(forNTLM)
	for name, tt := range map[string]struct {
		token []byte
		want  nt.Status
	}{
		"nothing":     {nil, nt.StatusMoreProcessingRequired},
		"noise":       {[]byte("hello"), nt.StatusInvalidParameter},
		"response":    {(&spnego.NegTokenResp{NegState: spnego.AcceptIncomplete}).Append(nil), nt.StatusInvalidParameter},
		"other mechs": {(&spnego.NegTokenInit{MechTypes: []spnego.OID{spnego.OIDNegoEx}}).Append(nil), nt.StatusNotSupported},
		"bad inner": {(&spnego.NegTokenInit{MechTypes: []spnego.OID{spnego.OIDNTLM}, MechToken: []byte("x")}).Append(nil),
			nt.StatusInvalidParameter},
	} {
		acc := mech.NewAcceptor(auth.Peer{})
		reply, err := acc.Accept(ctx, tt.token)
		if nt.StatusOf(err) != tt.want {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if name == "other mechs" && resp(t, reply).NegState != spnego.Reject {
			t.Errorf("%s: reply %x", name, reply)
		}
		if _, err := acc.Accept(ctx, []byte("more")); nt.StatusOf(err) != nt.StatusInvalidParameter {
			t.Errorf("%s: a token after the end: %v", name, err)
		}
	}
}

func FuzzAcceptor(f *testing.F) {
	mech := spnego.NewMechanism(forKerberos, forNTLM)
	inner := ntlmInit()
	neg, _, _ := inner.Init(ctx, nil)
	f.Add((&spnego.NegTokenInit{MechTypes: []spnego.OID{spnego.OIDNTLM}, MechToken: neg}).Append(nil),
		(&spnego.NegTokenResp{ResponseToken: neg}).Append(nil), []byte(nil))
	f.Add((&spnego.NegTokenInit{MechTypes: []spnego.OID{spnego.OIDNegoEx, spnego.OIDKerberos}}).Append(nil),
		(&spnego.NegTokenResp{ResponseToken: []byte("AP-REQ")}).Append(nil), (&spnego.NegTokenResp{MechListMIC: []byte("k")}).Append(nil))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		acc := mech.NewAcceptor(auth.Peer{})
		for _, token := range [][]byte{a, b, c} {
			_, err := acc.Accept(ctx, token)
			if (err == nil) != (acc.Context() != nil) {
				t.Fatalf("error %v with context %v", err, acc.Context())
			}
			if err != nil && !errors.Is(err, nt.StatusMoreProcessingRequired) {
				return
			}
		}
	})
}

func FuzzInitiator(f *testing.F) {
	f.Add([]byte(nil), (&spnego.NegTokenResp{NegState: spnego.AcceptCompleted, SupportedMech: spnego.OIDKerberos, ResponseToken: []byte("AP-REP")}).Append(nil))
	f.Add(spnego.NewMechanism(forNTLM).Hint(), (&spnego.NegTokenResp{NegState: spnego.RequestMIC, SupportedMech: spnego.OIDNTLM}).Append(nil))
	f.Fuzz(func(t *testing.T, hint, reply []byte) {
		init := spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDKerberos, Name: "Kerberos", Initiator: &ticketSide{}},
			spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: ntlmInit()})
		if _, _, err := init.Init(ctx, hint); err != nil {
			return
		}
		if _, done, err := init.Init(ctx, reply); (done && err == nil) != (init.Context() != nil) {
			t.Fatalf("done %v, %v with context %v", done, err, init.Context())
		}
	})
}
