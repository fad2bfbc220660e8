package host

import (
	"errors"
	"log/slog"

	"lwio/cmd/internal/config"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/rpc"
)

// Mechanisms are those that the configuration allows, over one authority.
type Mechanisms struct {
	SMB auth.Mechanism           // SPNEGO
	RPC map[uint8]auth.Mechanism // by auth type
}

var errNoMechanism = errors.New("smb.ntlm is off and there is no keytab for Kerberos: nobody could log on")

// NewMechanisms makes the server's side of authentication.
func NewMechanisms(a auth.Authority, cfg *config.Config, log *slog.Logger) (*Mechanisms, error) {
	m := &Mechanisms{RPC: make(map[uint8]auth.Mechanism)}
	var offered []spnego.Mech
	if cfg.SMB.NTLM != "off" {
		mech := ntlm.NewMechanism(ntlm.Config{Authority: a, AllowAnonymous: cfg.SMB.Anonymous})
		offered = append(offered, spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: mech})
		m.RPC[rpc.AuthTypeNTLM] = mech
	}
	if len(offered) == 0 {
		return nil, errNoMechanism
	}
	m.SMB = spnego.NewMechanism(offered...)
	m.RPC[rpc.AuthTypeSPNEGO] = m.SMB
	return m, nil
}
