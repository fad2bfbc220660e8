package state

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"sync/atomic"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// bolt is a Store in a bbolt file. The bucket "kv" holds records, "meta" the format, schema version and revision.
//
// A record is big-endian: version u8 (1), revision u64, CRC-32C u32 over the key, the revision and the value, value.
type bolt struct {
	hub    hub
	db     *bbolt.DB
	writer chan struct{} // holds a token while nobody writes: a lock that a context ends the wait for
	closed atomic.Bool
}

const (
	recordVersion = 1
	recordHeader  = 1 + 8 + 4
)

var (
	bucketKV   = []byte("kv")
	bucketMeta = []byte("meta")

	metaFormat   = []byte("format")
	metaSchema   = []byte("schema")
	metaRevision = []byte("revision")

	formatName = []byte("lwio state")

	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func recordSum(key []byte, revision uint64, value []byte) uint32 {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], revision)
	sum := crc32.Update(0, castagnoli, key)
	sum = crc32.Update(sum, castagnoli, b[:])
	return crc32.Update(sum, castagnoli, value)
}

func appendRecord(b []byte, key string, revision Revision, value []byte) []byte {
	b = append(b, recordVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(revision))
	b = binary.BigEndian.AppendUint32(b, recordSum([]byte(key), uint64(revision), value))
	return append(b, value...)
}

// parseRecord gives a value that aliases b.
func parseRecord(key, b []byte) (value []byte, revision Revision, err error) {
	if len(b) < recordHeader || b[0] != recordVersion {
		return nil, 0, fmt.Errorf("%w: record of %q", ErrCorrupt, key)
	}
	rev := binary.BigEndian.Uint64(b[1:])
	value = b[recordHeader:]
	if recordSum(key, rev, value) != binary.BigEndian.Uint32(b[9:]) {
		return nil, 0, fmt.Errorf("%w: checksum of %q", ErrCorrupt, key)
	}
	return value, Revision(rev), nil
}

func (s *bolt) check(ctx context.Context) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// view runs a read transaction.
func (s *bolt) view(ctx context.Context, f func(kv *bbolt.Bucket) error) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	err := s.db.View(func(tx *bbolt.Tx) error { return f(tx.Bucket(bucketKV)) })
	if err == berrors.ErrDatabaseNotOpen {
		return ErrClosed
	}
	return err
}

func (s *bolt) Get(ctx context.Context, key string) (e Entry, err error) {
	if !validKey(key) {
		return Entry{}, ErrInvalid
	}
	err = s.view(ctx, func(kv *bbolt.Bucket) error {
		b := kv.Get([]byte(key))
		if b == nil {
			return ErrNotFound
		}
		e, err = entryOf([]byte(key), b)
		return err
	})
	return e, err
}

func entryOf(key, record []byte) (Entry, error) {
	value, revision, err := parseRecord(key, record)
	if err != nil {
		return Entry{}, err
	}
	return Entry{string(key), append(make([]byte, 0, len(value)), value...), revision}, nil
}

func (s *bolt) Range(ctx context.Context, prefix, from string, limit int) (out []Entry, err error) {
	if len(prefix) > MaxKey || len(from) > MaxKey+1 {
		return nil, ErrInvalid
	}
	limit = rangeLimit(limit)
	err = s.view(ctx, func(kv *bbolt.Bucket) error {
		c := kv.Cursor()
		for k, v := c.Seek([]byte(max(prefix, from))); k != nil && len(out) < limit && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Next() {
			e, err := entryOf(k, v)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *bolt) Put(ctx context.Context, key string, value []byte) (Revision, error) {
	return s.Txn(ctx, nil, []Op{{Key: key, Value: value}})
}

func (s *bolt) Delete(ctx context.Context, key string) error {
	_, err := s.Txn(ctx, nil, []Op{{Key: key, Delete: true}})
	return err
}

func (s *bolt) Txn(ctx context.Context, conditions []Condition, ops []Op) (Revision, error) {
	if !validTxn(conditions, ops) {
		return 0, ErrInvalid
	}
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	select {
	case <-s.writer:
		defer func() { s.writer <- struct{}{} }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if s.closed.Load() {
		return 0, ErrClosed
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return 0, fmt.Errorf("state: begin: %w", err)
	}
	defer tx.Rollback() // after Commit it does nothing
	revision, events, err := apply(tx, conditions, ops)
	if err != nil || len(events) == 0 {
		return revision, err
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("state: commit: %w", err)
	}
	s.hub.publish(events) // still the only writer, so in order
	return revision, nil
}

// apply does a transaction in tx and leaves the commit to the caller. Without events nothing was changed.
func apply(tx *bbolt.Tx, conditions []Condition, ops []Op) (Revision, []Event, error) {
	kv, meta := tx.Bucket(bucketKV), tx.Bucket(bucketMeta)
	for _, c := range conditions {
		var at Revision
		if b := kv.Get([]byte(c.Key)); b != nil {
			var err error
			if _, at, err = parseRecord([]byte(c.Key), b); err != nil {
				return 0, nil, err
			}
		}
		if at != c.Revision {
			return 0, nil, ErrConflict
		}
	}
	now := Revision(binary.BigEndian.Uint64(meta.Get(metaRevision)))
	next := now + 1
	var events []Event
	for _, op := range ops {
		key := []byte(op.Key)
		if op.Delete {
			if kv.Get(key) == nil {
				continue
			}
			if err := kv.Delete(key); err != nil {
				return 0, nil, fmt.Errorf("state: delete %q: %w", op.Key, err)
			}
			events = append(events, Event{Entry: Entry{Key: op.Key, Revision: next}, Deleted: true})
			continue
		}
		if err := kv.Put(key, appendRecord(nil, op.Key, next, op.Value)); err != nil {
			return 0, nil, fmt.Errorf("state: put %q: %w", op.Key, err)
		}
		events = append(events, Event{Entry: Entry{strings.Clone(op.Key), op.Value, next}})
	}
	if len(events) == 0 {
		return now, nil, nil
	}
	if err := meta.Put(metaRevision, binary.BigEndian.AppendUint64(nil, uint64(next))); err != nil {
		return 0, nil, fmt.Errorf("state: put revision: %w", err)
	}
	return next, events, nil
}

func (s *bolt) Watch(prefix string) (Watcher, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	return s.hub.watch(prefix)
}

// Close waits for the transaction under way.
func (s *bolt) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	<-s.writer
	defer func() { s.writer <- struct{}{} }()
	s.hub.close()
	return s.db.Close()
}
