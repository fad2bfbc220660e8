package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// sealedStore is a Store whose secrets are sealed. Whoever uses it sees them as they are; the store under it does not.
type sealedStore struct {
	Store
	keys *SealKeys // nil where there is no key: then no secret is sealed
}

// sealPending is there from before the first value of a file is sealed until nothing of it is left in the file.
const sealPending = "seal/pending"

// newSealedStore checks that the keys open what there is, and seals what is clear, or sealed with an old key, with the present one. rewrite says that there was something of that
// kind: also where an earlier start came no further.
func newSealedStore(ctx context.Context, s Store, keys *SealKeys) (store Store, rewrite bool, err error) {
	switch _, err := s.Get(ctx, sealPending); {
	case err == nil:
		rewrite = true
	case !errors.Is(err, ErrNotFound):
		return nil, false, err
	}
	for _, prefix := range secretPrefixes {
		for e, err := range All(ctx, s, prefix) {
			if err != nil {
				return nil, false, err
			}
			v, stale := e.Value, keys != nil
			if isSealed(e.Value) {
				if v, stale, err = keys.open(e.Key, e.Value); err != nil {
					return nil, false, err
				}
			}
			if !stale {
				continue
			}
			if !rewrite {
				if _, err := s.Put(ctx, sealPending, nil); err != nil {
					return nil, false, err
				}
				rewrite = true
			}
			if _, err := CompareAndSwap(ctx, s, e.Key, e.Revision, keys.seal(e.Key, v)); err != nil {
				return nil, false, fmt.Errorf("state: seal %q: %w", e.Key, err)
			}
		}
	}
	if keys == nil {
		return s, false, nil
	}
	return &sealedStore{s, keys}, rewrite, nil
}

func (s *sealedStore) unseal(e *Entry) (err error) {
	if isSecret(e.Key) && isSealed(e.Value) {
		e.Value, _, err = s.keys.open(e.Key, e.Value)
	}
	return err
}

func (s *sealedStore) Get(ctx context.Context, key string) (Entry, error) {
	e, err := s.Store.Get(ctx, key)
	if err == nil {
		err = s.unseal(&e)
	}
	if err != nil {
		return Entry{}, err
	}
	return e, nil
}

func (s *sealedStore) Range(ctx context.Context, prefix, from string, limit int) ([]Entry, error) {
	out, err := s.Store.Range(ctx, prefix, from, limit)
	for i := range out {
		if err := s.unseal(&out[i]); err != nil {
			return nil, err
		}
	}
	return out, err
}

func (s *sealedStore) Put(ctx context.Context, key string, value []byte) (Revision, error) {
	return s.Txn(ctx, nil, []Op{{Key: key, Value: value}})
}

func (s *sealedStore) Txn(ctx context.Context, conditions []Condition, ops []Op) (Revision, error) {
	var mine []Op
	for i := range ops {
		if ops[i].Delete || !isSecret(ops[i].Key) {
			continue
		}
		if mine == nil { // the caller's stay what they are
			mine = append(mine, ops...)
		}
		mine[i].Value = s.keys.seal(ops[i].Key, ops[i].Value)
	}
	if mine != nil {
		ops = mine
	}
	return s.Store.Txn(ctx, conditions, ops)
}

func (s *sealedStore) Watch(prefix string) (Watcher, error) {
	w, err := s.Store.Watch(prefix)
	if err != nil {
		return nil, err
	}
	return &sealedWatcher{w, s}, nil
}

type sealedWatcher struct {
	Watcher
	s *sealedStore
}

func (w *sealedWatcher) Next(ctx context.Context) ([]Event, error) {
	events, err := w.Watcher.Next(ctx)
	for i := range events {
		if !events[i].Deleted {
			err = errors.Join(err, w.s.unseal(&events[i].Entry))
		}
	}
	if err != nil {
		return nil, err
	}
	return events, nil
}

// rewrite puts a copy in the place of a file that is open, and opens that: pages that were freed in it hold what was in them.
func (s *bolt) rewrite(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	temp := f.Name()
	defer os.Remove(temp)
	if err := f.Close(); err != nil {
		return err
	}
	open := func(name string) (*bbolt.DB, error) {
		return openBolt(name, func(f *os.File) error { return lock(f, 0) })
	}
	to, err := open(temp)
	if err != nil {
		return err
	}
	const together = 1 << 20 // bytes of a transaction
	if err := bbolt.Compact(to, s.db, together); err != nil {
		to.Close()
		return fmt.Errorf("state: rewrite: %w", err)
	}
	// The copy is locked from before it has the name.
	if err := os.Rename(temp, path); err != nil {
		to.Close()
		return err
	}
	old := s.db
	s.db = to
	return errors.Join(old.Close(), syncDir(filepath.Dir(path)))
}
