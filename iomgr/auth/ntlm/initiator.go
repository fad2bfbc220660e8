package ntlm

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// Credentials are who a client is. Without a User the logon is anonymous.
type Credentials struct {
	User, Domain string
	Password     string
	Hash         *[16]byte // used instead of Password if set; see NTHash
	Workstation  string    // NetBIOS name of this host, may be empty
}

// InitiatorConfig is how a client does NTLM. The zero value works.
type InitiatorConfig struct {
	TargetName      string           // service principal name of the server; empty if unknown
	ChannelBindings []byte           // RFC 5929 value, if the transport has one
	AllowWeakKeys   bool             // go on with a server that has no 128-bit keys
	Rand            io.Reader        // nil means crypto/rand
	Now             func() time.Time // nil means time.Now
}

// initiator is the client's half (MS-NLMP 3.1). It speaks NTLMv2 with extended session security and nothing older.
type initiator struct {
	cred Credentials
	cfg  InitiatorConfig
	hash [16]byte
	step initStep

	negotiate []byte
	session   *session
}

type initStep uint8

const (
	sendNegotiate initStep = iota
	sendAuthenticate
	initEnded
)

// NewInitiator makes the client's side of one logon.
func NewInitiator(cred Credentials, cfg InitiatorConfig) auth.Initiator {
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	i := &initiator{cred: cred, cfg: cfg}
	if cred.Hash != nil {
		i.hash = *cred.Hash
	} else {
		i.hash = NTHash(cred.Password)
	}
	i.cred.Password, i.cred.Hash = "", nil
	return i
}

const clientFlags = NegotiateUnicode | NegotiateOEM | RequestTarget | NegotiateSign | NegotiateSeal | NegotiateNTLM |
	NegotiateAlwaysSign | NegotiateExtendedSessionSecurity | NegotiateTargetInfo | NegotiateVersion |
	Negotiate128 | NegotiateKeyExch | Negotiate56

func (i *initiator) Context() auth.Context {
	if i.session == nil {
		return nil
	}
	return i.session
}

func (i *initiator) anonymous() bool { return i.cred.User == "" }

func (i *initiator) Init(_ context.Context, token []byte) (reply []byte, done bool, err error) {
	step := i.step
	i.step = initEnded
	switch step {
	case sendNegotiate:
		if len(token) != 0 {
			return nil, false, refuse("token before the first of ours", nt.StatusInvalidParameter)
		}
		m := NegotiateMessage{Flags: clientFlags, Version: ourVersion}
		i.negotiate = m.Append(nil)
		i.step = sendAuthenticate
		return i.negotiate, false, nil
	case sendAuthenticate:
		reply, err = i.authenticate(token)
		return reply, err == nil, err
	default:
		return nil, false, refuse("token after the end", nt.StatusInvalidParameter)
	}
}

// authenticate answers the challenge (MS-NLMP 3.1.5.1.2).
func (i *initiator) authenticate(token []byte) ([]byte, error) {
	ch, err := ParseChallenge(token)
	if err != nil {
		return nil, refuse(err.Error(), nt.StatusInvalidParameter)
	}
	f := ch.Flags & clientFlags
	if f.has(NegotiateUnicode) {
		f &^= NegotiateOEM
	}
	switch {
	case f&(NegotiateUnicode|NegotiateOEM) == 0:
		return nil, refuse("server names no character set", nt.StatusInvalidParameter)
	case !f.has(NegotiateExtendedSessionSecurity):
		return nil, refuse("server without extended session security", nt.StatusNotSupported)
	case f.has(NegotiateSeal) && !f.has(Negotiate128) && !i.cfg.AllowWeakKeys:
		return nil, refuse("server seals with less than 128 bits", nt.StatusNotSupported)
	}
	m := AuthenticateMessage{Flags: f, Version: ourVersion, HasVersion: true, Workstation: i.cred.Workstation}
	var kxkey [16]byte
	if i.anonymous() {
		m.Flags |= NegotiateAnonymous
		m.LMResponse = []byte{0}
	} else {
		m.UserName, m.DomainName = i.cred.User, i.cred.Domain
		if kxkey, err = i.respond(&m, &ch); err != nil {
			return nil, err
		}
	}
	exported := kxkey
	if f.has(NegotiateKeyExch) {
		if _, err := io.ReadFull(i.cfg.Rand, exported[:]); err != nil {
			return nil, fmt.Errorf("ntlm: session key: %w", err)
		}
		enc := rc4K(kxkey, exported[:])
		m.EncryptedRandomSessionKey = enc[:]
	}
	out := m.Append(nil)
	if len(out) > maxMessage {
		return nil, refuse("server's target information is too long", nt.StatusInvalidParameter)
	}
	if m.HasMIC {
		mic := messageIntegrityCode(exported, i.negotiate, token, out)
		copy(out[micOffset:], mic[:])
	}
	i.session = newSession(exported, f, true, nil)
	return out, nil
}

// respond fills in the responses and decides on the MIC: a server that tells its time knows of it.
func (i *initiator) respond(m *AuthenticateMessage, ch *ChallengeMessage) (kxkey [16]byte, err error) {
	var pairs AVPairs
	if len(ch.TargetInfo) > 0 {
		if pairs, err = ParseAVPairs(ch.TargetInfo); err != nil {
			return kxkey, refuse("target information: "+err.Error(), nt.StatusInvalidParameter)
		}
	}
	c := ClientChallenge{Timestamp: nt.TimeOf(i.cfg.Now())}
	if t, ok := pairs.Timestamp(); ok {
		c.Timestamp = t
		m.HasMIC = true
		pairs = pairs.with(MsvAvFlags, binary.LittleEndian.AppendUint32(nil, pairs.Flags()|AVFlagMIC))
		cb := make([]byte, 16)
		if len(i.cfg.ChannelBindings) > 0 {
			sum := channelBindingHash(i.cfg.ChannelBindings)
			copy(cb, sum[:])
		}
		pairs = pairs.with(MsvAvChannelBindings, cb)
		pairs = pairs.with(MsvAvTargetName, nt.AppendUTF16(nil, i.cfg.TargetName))
	}
	c.AVPairs = pairs
	if _, err := io.ReadFull(i.cfg.Rand, c.Challenge[:]); err != nil {
		return kxkey, fmt.Errorf("ntlm: client challenge: %w", err)
	}
	key := NTOWFv2(i.hash, i.cred.User, i.cred.Domain)
	m.NTResponse, kxkey = ntlmv2(key[:], ch.ServerChallenge[:], c.Append(nil))
	m.LMResponse = make([]byte, v1Len)
	if !m.HasMIC {
		m.LMResponse = lmv2(key[:], ch.ServerChallenge[:], c.Challenge[:])
	}
	return kxkey, nil
}
