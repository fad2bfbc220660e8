package krb5

import (
	"context"
	"fmt"
	"strings"
)

// Proof is what a KDC says of the key of a client that logged on with its password.
type Proof struct {
	Salt string // that it is made with
	KVNO uint32 // its version; 0 where the KDC does not say
}

// Prove logs the client on with its password, unless it is, and says what key that was. It is how a machine learns what belongs into its keytab.
func (c *Client) Prove(ctx context.Context) (Proof, error) {
	cred, err := c.ticketGranting(ctx)
	if err != nil {
		return Proof{}, err
	}
	p := Proof{KVNO: cred.kvno}
	if salt := c.salt.Load(); salt != nil {
		p.Salt = *salt
	}
	return p, nil
}

// ServiceKey asks for a ticket to a service, and says which key of the service the KDC encrypted it with.
func (c *Client) ServiceKey(ctx context.Context, service string) (etype EncType, kvno uint32, err error) {
	cred, err := c.service(ctx, principal{namePrincipal, strings.Split(service, "/")})
	if err != nil {
		return 0, 0, err
	}
	r := derReader{b: cred.ticket, bad: new(bool)}
	t := r.ticket()
	if err := r.err(); err != nil {
		return 0, 0, fmt.Errorf("krb5: ticket for %s: %w", service, err)
	}
	return t.enc.etype, t.enc.kvno, nil
}

// PasswordKey makes the key of a password (RFC 3962, RFC 8009, RFC 4757). That takes milliseconds.
func PasswordKey(t EncType, password, salt string) (EncryptionKey, error) {
	return stringToKey(t, password, salt, nil)
}
