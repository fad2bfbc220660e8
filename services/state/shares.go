package state

import (
	"context"
	"errors"

	"lwio/gen/srvctl"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

const (
	sharePrefix = "share/"
	serverKey   = "server"
)

// Shares is the table of shares: what the SMB server driver keeps them in.
type Shares struct{ store Store }

// NewShares gives the shares of a store.
func NewShares(store Store) *Shares { return &Shares{store} }

// Load gives every share, sorted by name. One that cannot be read fails it all, lest a share vanish unseen.
func (t *Shares) Load(ctx context.Context) ([]srvctl.SRVCTL_SHARE, error) {
	var out []srvctl.SRVCTL_SHARE
	for e, err := range All(ctx, t.store, sharePrefix) {
		if err != nil {
			return nil, err
		}
		var s srvctl.SRVCTL_SHARE
		if err := decodeNDR(e.Key, e.Value, &s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Put adds or replaces a share, by its name without regard to case. It is durable when Put returns.
func (t *Shares) Put(ctx context.Context, s *srvctl.SRVCTL_SHARE) error {
	key, err := nameKey(sharePrefix, ndr.Text(s.Name))
	if err != nil {
		return err
	}
	record := *s
	record.CurrentUses = 0 // of the moment
	value, err := encodeNDR(key, &record)
	if err != nil {
		return err
	}
	_, err = t.store.Put(ctx, key, value)
	return err
}

// Delete takes a share out. It is no error if there is none of that name.
func (t *Shares) Delete(ctx context.Context, name string) error {
	key, err := nameKey(sharePrefix, name)
	if err != nil {
		return err
	}
	return t.store.Delete(ctx, key)
}

// Watch tells of changes to shares; the entries' keys are ShareKey of the names.
func (t *Shares) Watch() (Watcher, error) { return t.store.Watch(sharePrefix) }

// ShareKey is the key under which a share stands.
func ShareKey(name string) string { return sharePrefix + nt.Upcase(name) }

// Server is the settings of the SMB server that an administrator changes while it runs.
type Server struct{ store Store }

// NewServer gives the settings of a store.
func NewServer(store Store) *Server { return &Server{store} }

// Load gives the settings, or nil if none were ever stored.
func (t *Server) Load(ctx context.Context) (*srvctl.SRVCTL_SERVER, error) {
	e, err := t.store.Get(ctx, serverKey)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(srvctl.SRVCTL_SERVER)
	if err := decodeNDR(serverKey, e.Value, s); err != nil {
		return nil, err
	}
	return s, nil
}

// Put stores the settings.
func (t *Server) Put(ctx context.Context, s *srvctl.SRVCTL_SERVER) error {
	record := *s
	record.Sessions = 0 // of the moment
	value, err := encodeNDR(serverKey, &record)
	if err != nil {
		return err
	}
	_, err = t.store.Put(ctx, serverKey, value)
	return err
}
