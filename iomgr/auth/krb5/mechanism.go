package krb5

import (
	"log/slog"
	"time"

	"lwio/iomgr/auth"
)

// DefaultMaxSkew is how far clocks may be apart (RFC 4120 1.6).
const DefaultMaxSkew = 5 * time.Minute

// Config is how a server does Kerberos. Authority and Keys are needed; the rest may be zero, which refuses whatever is weak.
type Config struct {
	Authority auth.Authority
	Keys      Keys

	AllowRC4 bool // take tickets, session keys and subkeys of type rc4-hmac

	// AllowRC4Tickets takes tickets that are encrypted with rc4-hmac, if what they carry and all that follows is AES: what a domain gives for the account of a machine that has
	// not got msDS-SupportedEncryptionTypes. Its password is random and long, so that the ticket tells nobody anything.
	AllowRC4Tickets bool

	// AllowNoPAC takes tickets without a PAC, whose client has a name and nothing else: its SIDs are zero, and the Authority decides.
	// A PAC that is there has to be right at all times.
	AllowNoPAC bool
	// RequireChannelBindings refuses a client that sends none when the Peer has some. Bindings that the client does send are
	// compared always.
	RequireChannelBindings bool

	MaxSkew time.Duration // zero means DefaultMaxSkew
	// MaxReplayEntries bounds what is remembered of the logons of the last two MaxSkew. Zero means a million. More logons than that
	// push out the oldest.
	MaxReplayEntries int

	Log *slog.Logger     // says why a logon was refused; nil means not
	Now func() time.Time // nil means time.Now
}

type mechanism struct {
	cfg    Config
	replay *replayCache
}

// NewMechanism makes the server's side of Kerberos. It panics without an Authority or Keys.
func NewMechanism(cfg Config) auth.Mechanism {
	if cfg.Authority == nil || cfg.Keys == nil {
		panic("krb5: Config without an Authority or Keys")
	}
	if cfg.MaxSkew <= 0 {
		cfg.MaxSkew = DefaultMaxSkew
	}
	if cfg.MaxReplayEntries <= 0 {
		cfg.MaxReplayEntries = maxReplayEntries
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &mechanism{cfg: cfg, replay: newReplayCache(2*cfg.MaxSkew, cfg.MaxReplayEntries)}
}

func (m *mechanism) NewAcceptor(p auth.Peer) auth.Acceptor { return &acceptor{m: m, peer: p} }

// Hint is nil: in Kerberos the client speaks first.
func (m *mechanism) Hint() []byte { return nil }
