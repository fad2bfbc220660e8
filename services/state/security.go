package state

import (
	"context"
	"errors"
	"fmt"

	"lwio/iomgr/nt"
)

const securityPrefix = "security/"

// Kinds of objects that are not entries of a domain, but have a descriptor too.
const (
	KindServer Kind = 's'
	KindDomain Kind = 'd' // 0 for the account domain, 1 for BUILTIN
	// KindBuiltin are aliases of BUILTIN.
	KindBuiltin Kind = 'b'
)

func securityKey(kind Kind, rid uint32) string {
	if kind == KindUser {
		kind = 'u'
	}
	return ridKey(securityPrefix+string(rune(kind))+"/", rid)
}

// Security gives the descriptor that an object was given, or nil if it has that of its kind.
func (a *Accounts) Security(ctx context.Context, kind Kind, rid uint32) (*nt.SecurityDescriptor, error) {
	e, err := a.store.Get(ctx, securityKey(kind, rid))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sd, err := nt.ParseSecurityDescriptor(e.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, e.Key, err)
	}
	return sd, nil
}

// SetSecurity gives an object a descriptor.
func (a *Accounts) SetSecurity(ctx context.Context, kind Kind, rid uint32, sd *nt.SecurityDescriptor) error {
	_, err := a.store.Put(ctx, securityKey(kind, rid), sd.Append(nil))
	return err
}
