package ntlm

import (
	"crypto/rand"
	"io"
	"time"

	"lwio/iomgr/auth"
)

// Config is how a server does NTLM. Authority is needed; the rest may be zero, which refuses whatever is weak.
type Config struct {
	Authority auth.Authority

	AllowAnonymous bool // accept the logon without name and response; its Token is Anonymous
	AllowNTLMv1    bool // let the Authority see NTLMv1 responses, and do without extended session security
	AllowLMv2      bool // let the Authority see an LMv2 response without an NTLMv2 one beside it
	AllowWeakKeys  bool // accept sealing with 56 or 40 bits of key

	// RequireMIC refuses clients that send no message integrity code.
	RequireMIC bool
	// RequireChannelBindings refuses a client that sends none when the Peer has some. Bindings that
	// the client does send are compared always.
	RequireChannelBindings bool
	// TargetNames are the service principal names ("cifs/host", "host/name.domain") that this server answers to. If there are any, a target
	// name that the client sends has to be one of them, ignoring case; RequireTargetName refuses a client that sends none.
	TargetNames       []string
	RequireTargetName bool

	Rand io.Reader        // of challenges; nil means crypto/rand
	Now  func() time.Time // nil means time.Now
}

type mechanism struct{ cfg Config }

// NewMechanism makes the server's side of NTLM. It panics without an Authority.
func NewMechanism(cfg Config) auth.Mechanism {
	if cfg.Authority == nil {
		panic("ntlm: Config without an Authority")
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &mechanism{cfg}
}

func (m *mechanism) NewAcceptor(p auth.Peer) auth.Acceptor { return &acceptor{cfg: &m.cfg, peer: p} }

// Hint is nil: in NTLM the client speaks first.
func (m *mechanism) Hint() []byte { return nil }
