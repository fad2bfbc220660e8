package state

import (
	"context"
	"strings"
)

const (
	snapshotPrefix  = "snapshots/"
	snapshotVersion = 1
)

// LoadSnapshots gives the places of the shares' previous versions, by the names of the shares in upper case.
func (t *Shares) LoadSnapshots(ctx context.Context) (map[string]string, error) {
	out := make(map[string]string)
	for e, err := range All(ctx, t.store, snapshotPrefix) {
		if err != nil {
			return nil, err
		}
		r, err := openRecord(e.Key, e.Value, snapshotVersion)
		if err != nil {
			return nil, err
		}
		place := r.string()
		if err := r.err(e.Key); err != nil {
			return nil, err
		}
		out[strings.TrimPrefix(e.Key, snapshotPrefix)] = place
	}
	return out, nil
}

// PutSnapshots sets the place of a share's previous versions; an empty one takes it out. It is durable when PutSnapshots returns.
func (t *Shares) PutSnapshots(ctx context.Context, share, place string) error {
	key, err := nameKey(snapshotPrefix, share)
	if err != nil {
		return err
	}
	if place == "" {
		return t.store.Delete(ctx, key)
	}
	w := recordWriter{b: []byte{snapshotVersion}}
	w.string(place)
	_, err = t.store.Put(ctx, key, w.b)
	return err
}
