package state

import (
	"context"
	"errors"

	"lwio/iomgr/auth"
)

const (
	knownHostKey     = "host"
	knownHostVersion = 1
)

// KnownHost is what a daemon whose machine is another daemon's was last told of it. Until it has been told once there is the name that the
// other one will make of the same hint, and no SID.
func KnownHost(ctx context.Context, store Store, hint MachineHint) (auth.Host, error) {
	e, err := store.Get(ctx, knownHostKey)
	if errors.Is(err, ErrNotFound) {
		return hint.Host(), nil
	}
	if err != nil {
		return auth.Host{}, err
	}
	r, err := openRecord(knownHostKey, e.Value, knownHostVersion)
	if err != nil {
		return auth.Host{}, err
	}
	h := auth.Host{Name: r.string(), Domain: r.string(), DNSName: r.string(), DNSDomain: r.string(), DNSForest: r.string(), MachineSID: r.sid()}
	return h, r.err(knownHostKey)
}

// Host is the host as far as it can be told without a state: it has no SID.
func (h MachineHint) Host() auth.Host {
	h = h.complete()
	m := Machine{Name: NetBIOSName(h.Name)}
	m.setDNS(h.DNSName)
	return m.Host()
}

// RememberHost keeps what a daemon was told.
func RememberHost(ctx context.Context, store Store, h auth.Host) error {
	w := recordWriter{b: []byte{knownHostVersion}}
	for _, s := range []string{h.Name, h.Domain, h.DNSName, h.DNSDomain, h.DNSForest} {
		w.string(s)
	}
	w.sid(h.MachineSID)
	_, err := store.Put(ctx, knownHostKey, w.b)
	return err
}
