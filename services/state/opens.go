package state

import (
	"context"
	"strings"
)

// openPrefix is before the keys of persistent opens, whose records are the server's own.
const openPrefix = "opens/"

// LoadOpens gives the records of persistent opens by their keys.
func (t *Shares) LoadOpens(ctx context.Context) (map[string][]byte, error) {
	out := make(map[string][]byte)
	for e, err := range All(ctx, t.store, openPrefix) {
		if err != nil {
			return nil, err
		}
		out[strings.TrimPrefix(e.Key, openPrefix)] = e.Value
	}
	return out, nil
}

// PutOpen keeps the record of a persistent open. It is durable when PutOpen returns.
func (t *Shares) PutOpen(ctx context.Context, key string, record []byte) error {
	_, err := t.store.Put(ctx, openPrefix+key, record)
	return err
}

// DeleteOpen lets a record go; durably when it returns.
func (t *Shares) DeleteOpen(ctx context.Context, key string) error {
	return t.store.Delete(ctx, openPrefix+key)
}
