package ntlm

import (
	"context"
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// acceptor is the server's half (MS-NLMP 3.2).
type acceptor struct {
	cfg  *Config
	peer auth.Peer
	step acceptStep

	negotiate, challenge []byte // the messages as they went, for the MIC
	offered              Flags  // of our CHALLENGE_MESSAGE
	serverChallenge      [8]byte
	session              *session
}

type acceptStep uint8

const (
	wantNegotiate acceptStep = iota
	wantAuthenticate
	acceptEnded
)

// serverFlags are what a server agrees to if the client asks (MS-NLMP 3.2.5.1.1).
const serverFlags = NegotiateUnicode | NegotiateOEM | RequestTarget | NegotiateSign | NegotiateSeal | NegotiateNTLM |
	NegotiateAlwaysSign | NegotiateExtendedSessionSecurity | NegotiateIdentify | NegotiateVersion |
	Negotiate128 | NegotiateKeyExch | Negotiate56

func (a *acceptor) Accept(ctx context.Context, token []byte) ([]byte, error) {
	step := a.step
	a.step = acceptEnded // unless what follows says otherwise
	switch step {
	case wantNegotiate:
		return a.acceptNegotiate(token)
	case wantAuthenticate:
		return nil, a.acceptAuthenticate(ctx, token)
	default:
		return nil, fmt.Errorf("ntlm: token after the end: %w", nt.StatusInvalidParameter)
	}
}

func (a *acceptor) Context() auth.Context {
	if a.session == nil {
		return nil
	}
	return a.session
}

func refuse(what string, s nt.Status) error { return fmt.Errorf("ntlm: %s: %w", what, s) }

func (a *acceptor) acceptNegotiate(token []byte) ([]byte, error) {
	m, err := ParseNegotiate(token)
	if err != nil {
		return nil, refuse(err.Error(), nt.StatusInvalidParameter)
	}
	switch {
	case m.Flags.has(NegotiateDatagram):
		return nil, refuse("connectionless authentication", nt.StatusInvalidParameter)
	case m.Flags&(NegotiateUnicode|NegotiateOEM) == 0:
		return nil, refuse("client names no character set", nt.StatusInvalidParameter)
	case !m.Flags.has(NegotiateExtendedSessionSecurity) && !a.cfg.AllowNTLMv1:
		return nil, refuse("client without extended session security", nt.StatusNotSupported)
	}
	f := m.Flags&serverFlags | NegotiateNTLM | NegotiateTargetInfo
	if f.has(NegotiateUnicode) {
		f &^= NegotiateOEM
	}
	host := a.cfg.Authority.Host()
	ch := ChallengeMessage{TargetInfo: a.targetInfo(host)}
	if f.has(RequestTarget) {
		if host.Domain != "" && host.Domain != host.Name {
			ch.TargetName, f = host.Domain, f|TargetTypeDomain
		} else {
			ch.TargetName, f = host.Name, f|TargetTypeServer
		}
	}
	if f.has(NegotiateVersion) {
		ch.Version = ourVersion
	}
	if _, err := io.ReadFull(a.cfg.Rand, ch.ServerChallenge[:]); err != nil {
		return nil, fmt.Errorf("ntlm: challenge: %w", err)
	}
	ch.Flags = f
	a.offered, a.serverChallenge = f, ch.ServerChallenge
	a.negotiate = append([]byte(nil), token...)
	a.challenge = ch.Append(nil)
	a.step = wantAuthenticate
	return a.challenge, nt.StatusMoreProcessingRequired
}

// targetInfo lists who this host is. The timestamp is what makes clients send a MIC.
func (a *acceptor) targetInfo(h auth.Host) []byte {
	var l AVPairs
	add := func(id AVID, s string) {
		if s != "" {
			l = append(l, AVPair{id, nt.AppendUTF16(nil, s)})
		}
	}
	domain := h.Domain
	if domain == "" {
		domain = h.Name
	}
	add(MsvAvNbDomainName, domain)
	add(MsvAvNbComputerName, h.Name)
	add(MsvAvDnsDomainName, h.DNSDomain)
	add(MsvAvDnsComputerName, h.DNSName)
	add(MsvAvDnsTreeName, h.DNSForest)
	now := binary.LittleEndian.AppendUint64(nil, uint64(nt.TimeOf(a.cfg.Now())))
	l = append(l, AVPair{MsvAvTimestamp, now})
	return l.Append(nil)
}

func (a *acceptor) acceptAuthenticate(ctx context.Context, token []byte) error {
	m, err := ParseAuthenticate(token)
	if err != nil {
		return refuse(err.Error(), nt.StatusInvalidParameter)
	}
	f := a.offered
	if m.Flags != 0 {
		f &= m.Flags
	}
	if f.has(NegotiateSeal) && !f.has(Negotiate128) && !a.cfg.AllowWeakKeys {
		return refuse("client seals with less than 128 bits", nt.StatusNotSupported)
	}
	if !f.has(NegotiateExtendedSessionSecurity) && !a.cfg.AllowNTLMv1 && !m.anonymous() { // Samba drops it for the null session
		return refuse("client dropped extended session security", nt.StatusNotSupported)
	}
	l, err := a.logon(ctx, &m, f)
	if err != nil {
		return err
	}
	exported, err := exportedKey(l.key, &m, f)
	if err != nil {
		return err
	}
	if err := a.checkMIC(token, &m, exported, l.avPairs); err != nil {
		return err
	}
	if !l.token.Anonymous {
		if err := a.checkBindings(l.avPairs); err != nil {
			return err
		}
		if err := a.checkTarget(l.avPairs); err != nil {
			return err
		}
	}
	a.session = newSession(exported, f, false, l.token)
	a.negotiate, a.challenge = nil, nil
	return nil
}

// logonResult is a response that was right, and what it bound.
type logonResult struct {
	token   *nt.Token
	key     [16]byte // KeyExchangeKey
	avPairs AVPairs  // of an NTLMv2 response
}

func (a *acceptor) logon(ctx context.Context, m *AuthenticateMessage, f Flags) (logonResult, error) {
	var r logonResult
	if m.anonymous() {
		if !a.cfg.AllowAnonymous {
			return r, refuse("anonymous logon", nt.StatusAccessDenied)
		}
		r.token = nt.AnonymousToken()
		return r, nil // with a key of zeros, MS-NLMP 3.2.5.1.2
	}
	in := auth.NTLMLogon{
		Account: m.UserName, Domain: m.DomainName, Workstation: m.Workstation,
		ServerChallenge: a.serverChallenge, LMResponse: m.LMResponse, NTResponse: m.NTResponse,
		Address: a.peer.Address,
	}
	v1 := false
	switch n := len(m.NTResponse); {
	case n >= minV2Len:
		c, err := ParseClientChallenge(m.NTResponse[proofLen:])
		if err != nil {
			return r, refuse("NTLMv2 response: "+err.Error(), nt.StatusInvalidParameter)
		}
		r.avPairs = c.AVPairs
	case n == v1Len:
		if !a.cfg.AllowNTLMv1 {
			return r, refuse("NTLMv1 response", nt.StatusLogonFailure)
		}
		v1 = true
		if f.has(NegotiateExtendedSessionSecurity) && len(m.LMResponse) >= 8 {
			sum := md5.Sum(append(a.serverChallenge[:], m.LMResponse[:8]...))
			copy(in.ServerChallenge[:], sum[:])
		}
	case n == 0 && len(m.LMResponse) == v1Len:
		if !a.cfg.AllowLMv2 {
			return r, refuse("LMv2 response alone", nt.StatusLogonFailure)
		}
	default:
		return r, refuse("response of no known form", nt.StatusInvalidParameter)
	}
	l, err := a.cfg.Authority.VerifyNTLM(ctx, &in)
	if err != nil {
		return r, err
	}
	r.token = l.Token
	r.key = keyExchangeKey(l.SessionBaseKey, f, v1, a.serverChallenge, m.LMResponse)
	return r, nil
}

// anonymous reports the logon without a name and a response (MS-NLMP 3.2.5.1.2).
func (m *AuthenticateMessage) anonymous() bool {
	return m.UserName == "" && len(m.NTResponse) == 0 && len(m.LMResponse) <= 1
}

// exportedKey is ExportedSessionKey (MS-NLMP 3.2.5.1.2). Some clients agree to a key exchange and then have nothing to protect, and
// send no key: then the key exchange key is used. That is an error if the key was to protect something.
func exportedKey(kxkey [16]byte, m *AuthenticateMessage, f Flags) ([16]byte, error) {
	switch {
	case !f.has(NegotiateKeyExch):
		return kxkey, nil
	case len(m.EncryptedRandomSessionKey) == 16:
		return rc4K(kxkey, m.EncryptedRandomSessionKey), nil
	case len(m.EncryptedRandomSessionKey) == 0 && f&(NegotiateSign|NegotiateSeal) == 0:
		return kxkey, nil
	default:
		return kxkey, refuse("session key is not of 16 bytes", nt.StatusInvalidParameter)
	}
}

// checkMIC checks the MIC if the client says, in what its response proves, that there is one.
func (a *acceptor) checkMIC(token []byte, m *AuthenticateMessage, exported [16]byte, pairs AVPairs) error {
	if pairs.Flags()&AVFlagMIC == 0 {
		if a.cfg.RequireMIC {
			return refuse("client sent no MIC", nt.StatusAccessDenied)
		}
		return nil
	}
	if !m.HasMIC {
		return refuse("the MIC that was announced is absent", nt.StatusInvalidParameter)
	}
	want := messageIntegrityCode(exported, a.negotiate, a.challenge, token)
	if subtle.ConstantTimeCompare(want[:], m.MIC[:]) != 1 {
		return refuse("wrong MIC", nt.StatusInvalidParameter)
	}
	return nil
}

// checkBindings compares channel bindings. A value of zeros says that the client has none (MS-NLMP 2.2.2.1).
func (a *acceptor) checkBindings(pairs AVPairs) error {
	if len(a.peer.ChannelBindings) == 0 {
		return nil
	}
	got, _ := pairs.Get(MsvAvChannelBindings)
	var zero [16]byte
	if len(got) == 0 || subtle.ConstantTimeCompare(got, zero[:]) == 1 {
		if a.cfg.RequireChannelBindings {
			return refuse("client sent no channel bindings", nt.StatusAccessDenied)
		}
		return nil
	}
	want := channelBindingHash(a.peer.ChannelBindings)
	if subtle.ConstantTimeCompare(got, want[:]) != 1 {
		return refuse("wrong channel bindings", nt.StatusAccessDenied)
	}
	return nil
}

// checkTarget compares the name that the client meant to reach.
func (a *acceptor) checkTarget(pairs AVPairs) error {
	if len(a.cfg.TargetNames) == 0 {
		return nil
	}
	v, _ := pairs.Get(MsvAvTargetName)
	name := nt.DecodeUTF16(v)
	if name == "" || pairs.Flags()&AVFlagUntrustedTarget != 0 {
		if a.cfg.RequireTargetName {
			return refuse("client sent no target name", nt.StatusAccessDenied)
		}
		return nil
	}
	for _, t := range a.cfg.TargetNames {
		if nt.EqualFold(t, name) {
			return nil
		}
	}
	return refuse(fmt.Sprintf("client means to reach %q", name), nt.StatusAccessDenied)
}
