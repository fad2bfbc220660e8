package credential

import (
	"context"
	"errors"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/spnego"
)

// negotiation is SPNEGO over what a logon is made of, with an error that says everything.
type negotiation struct {
	l     *logon
	inner auth.Initiator
	begun bool
}

// negotiate offers Kerberos under both its names, as Windows' and Samba's clients do, then NTLM.
func (l *logon) negotiate() auth.Initiator {
	var mechs []spnego.MechInitiator
	if l.kerberos != nil {
		k := &once{Initiator: l.kerberos, name: "Kerberos", l: l}
		mechs = append(mechs, spnego.MechInitiator{OID: spnego.OIDMSKerberos, Name: "Kerberos", Initiator: k},
			spnego.MechInitiator{OID: spnego.OIDKerberos, Name: "Kerberos", Initiator: k})
	}
	if l.ntlm != nil {
		mechs = append(mechs, spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: &once{Initiator: l.ntlm, name: "NTLM", l: l}})
	}
	return &negotiation{l: l, inner: spnego.NewInitiator(mechs...)}
}

// Init makes the next token.
func (n *negotiation) Init(ctx context.Context, token []byte) ([]byte, bool, error) {
	reply, done, err := n.inner.Init(ctx, token)
	if err != nil && !n.begun {
		if len(n.l.why) == 0 {
			return nil, false, err
		}
		if errors.Is(err, errTold) {
			err = nil // the reasons say it all
		}
		return nil, false, n.l.failure(err)
	}
	n.begun = true
	return reply, done, err
}

// Context is the established context; nil before.
func (n *negotiation) Context() auth.Context { return n.inner.Context() }

var errTold = errors.New("as said before")

// once is an initiator that may be offered under two names. When it cannot begin, that is noted, and once.
type once struct {
	auth.Initiator
	name   string
	l      *logon
	begun  bool
	failed bool
}

// Init makes the next token.
func (o *once) Init(ctx context.Context, token []byte) ([]byte, bool, error) {
	if o.failed || !o.begun && o.l.denied {
		return nil, false, errTold
	}
	reply, done, err := o.Initiator.Init(ctx, token)
	if err != nil && !o.begun {
		o.failed = true
		o.l.failed(o.name, err)
		return nil, false, errTold
	}
	o.begun = true
	return reply, done, err
}
