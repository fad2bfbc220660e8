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

// ChangeOpens puts records by their keys, and lets those of nil go: all or nothing, and durable when it returns. There are at most MaxOps.
func (t *Shares) ChangeOpens(ctx context.Context, records map[string][]byte) error {
	ops := make([]Op, 0, len(records))
	for key, record := range records {
		ops = append(ops, Op{Key: openPrefix + key, Value: record, Delete: record == nil})
	}
	_, err := t.store.Txn(ctx, nil, ops)
	return err
}
