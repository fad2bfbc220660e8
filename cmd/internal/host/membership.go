package host

import (
	"errors"
	"os"
	"slices"

	"lwio/cmd/internal/config"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/krb5"
)

// joined are the keys of a keytab, if there is one, and of the account in a domain. Those of the keytab for RC4, whose passwords may be anybody's, count only where rc4 is set;
// the account's are of a password that the daemon made.
type joined struct {
	keytab *krb5.Keytab
	member krb5.Keys
	rc4    bool
}

// Keys are those of both. That one of them cannot be read counts only where the other has none.
func (j joined) Keys() ([]krb5.ServiceKey, error) {
	keys, err := j.member.Keys()
	if j.keytab != nil {
		more, bad := j.keytab.Keys()
		keys, err = slices.Clip(keys), errors.Join(err, bad)
		for _, k := range more {
			if k.Type != krb5.RC4HMAC || j.rc4 {
				keys = append(keys, k)
			}
		}
	}
	if len(keys) > 0 {
		err = nil
	}
	return keys, err
}

// changing offers Kerberos while there are keys: a join or a leave needs no restart.
type changing struct {
	with, without auth.Mechanism
	keys          krb5.Keys
}

func (c changing) now() auth.Mechanism {
	if keys, _ := c.keys.Keys(); len(keys) > 0 {
		return c.with
	}
	return c.without
}

// NewAcceptor makes one of what is offered now.
func (c changing) NewAcceptor(p auth.Peer) auth.Acceptor { return c.now().NewAcceptor(p) }

// Hint is that of what is offered now.
func (c changing) Hint() []byte { return c.now().Hint() }

// MemberKeytab is the keytab that a member keeps for other programs: the configured one, else, for a daemon of root, the system's.
func MemberKeytab(cfg *config.Config) string {
	if cfg.Kerberos.Keytab != "" || os.Geteuid() == 0 {
		return krb5.KeytabPath(cfg.Kerberos.Keytab)
	}
	return ""
}
