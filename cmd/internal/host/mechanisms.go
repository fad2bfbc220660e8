package host

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"lwio/cmd/internal/config"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/rpc"
	"lwio/services/state"
)

// Mechanisms are those that the configuration allows, over one authority.
type Mechanisms struct {
	SMB auth.Mechanism           // SPNEGO
	RPC map[uint8]auth.Mechanism // by auth type
}

var errNoMechanism = errors.New("smb.ntlm is off and there is no keytab for Kerberos: nobody could log on")

// NewMechanisms makes the server's side of authentication: Kerberos where there is a keytab, and NTLM unless it is off. Kerberos is offered first. member, if it is
// not nil, has the keys of the account in a domain besides those of the keytab; while there are any, Kerberos is accepted.
func NewMechanisms(a auth.Authority, cfg *config.Config, member krb5.Keys, log *slog.Logger) (*Mechanisms, error) {
	m := &Mechanisms{RPC: make(map[uint8]auth.Mechanism)}
	var kerberos []spnego.Mech
	var offered []spnego.Mech
	var both krb5.Keys
	keytab, err := loadKeytab(cfg)
	if cfg.Kerberos.Enabled != "off" && member != nil {
		have, _ := member.Keys()
		both = joined{keytab, member, cfg.Kerberos.AllowRC4}
		if err != nil && len(have) > 0 {
			log.Info("Kerberos is accepted", "realm", krb5.IdentityOf(have).Realm)
			err = nil
		}
	} else if keytab != nil {
		both = keytab
	}
	if both != nil {
		mech := krb5.NewMechanism(krb5.Config{Authority: a, Keys: both, AllowRC4: cfg.Kerberos.AllowRC4, AllowRC4Tickets: member != nil, Log: log})
		kerberos = []spnego.Mech{{OID: spnego.OIDMSKerberos, Name: "Kerberos", Mechanism: mech}, {OID: spnego.OIDKerberos, Name: "Kerberos", Mechanism: mech}}
		m.RPC[rpc.AuthTypeKerberos] = mech
	}
	switch {
	case err == nil && keytab != nil:
		keys, _ := keytab.Keys()
		log.Info("Kerberos is accepted", "keytab", keytab.Path(), "realm", krb5.IdentityOf(keys).Realm)
	case err != nil && cfg.Kerberos.Enabled == "required":
		return nil, fmt.Errorf("kerberos.enabled = \"required\": %w", err)
	case err != nil:
		log.Info("Kerberos is not accepted: there is no keytab that can be read", "err", err)
	}
	if cfg.SMB.NTLM != "off" {
		mech := ntlm.NewMechanism(ntlm.Config{Authority: a, AllowAnonymous: cfg.SMB.Anonymous})
		offered = append(offered, spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: mech})
		m.RPC[rpc.AuthTypeNTLM] = mech
	}
	if len(offered) == 0 && (kerberos == nil || err != nil) {
		return nil, errNoMechanism
	}
	whole := spnego.NewMechanism(append(kerberos, offered...)...)
	m.SMB = whole
	if member != nil && kerberos != nil && len(offered) > 0 {
		m.SMB = changing{whole, spnego.NewMechanism(offered...), both}
	}
	m.RPC[rpc.AuthTypeSPNEGO] = m.SMB
	return m, nil
}

// loadKeytab reads the acceptor's keytab; it is nil where Kerberos is off.
func loadKeytab(cfg *config.Config) (*krb5.Keytab, error) {
	if cfg.Kerberos.Enabled == "off" {
		return nil, nil
	}
	return krb5.LoadKeytab(krb5.KeytabPath(cfg.Kerberos.Keytab))
}

// MachineHint says how to name a machine that has no name yet: as the configuration says, else as its keytab does, else as the system does.
func MachineHint(cfg *config.Config) state.MachineHint {
	var id krb5.Identity
	if keytab, err := loadKeytab(cfg); err == nil && keytab != nil {
		if keys, err := keytab.Keys(); err == nil {
			id = krb5.IdentityOf(keys)
		}
	}
	return state.MachineHint{Name: cmp.Or(cfg.Host.Name, strings.TrimSuffix(id.Account, "$")), DNSName: cmp.Or(cfg.Host.DNSName, id.Host)}
}

// Principal names the service for Kerberos, where the authentication type is taken and the host has a name in DNS.
func Principal(m *Mechanisms, a auth.Authority) func(authType uint8) string {
	return func(authType uint8) string {
		name := a.Host().DNSName
		if m.RPC[authType] == nil || name == "" {
			return ""
		}
		return "host/" + name
	}
}

// Beside are the endpoints of a daemon beside lwiod.
func Beside(cfg *config.Config, d *config.Daemon, m *Mechanisms, a auth.Authority) Endpoints {
	return Endpoints{Name: a.Host().Name, Local: cfg.LocalEndpoints(), LocalRequired: cfg.RPC.Local != "", Token: state.NewUnixTokens(nil).ForUID, TCP: cfg.OwnPorts(d),
		Principal: Principal(m, a), Control: Control{Token: TokenOf(a), Metrics: d.Metrics}}
}
