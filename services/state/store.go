package state

import (
	"context"
	"errors"
	"iter"
)

// Errors of every Store.
var (
	// ErrNotFound says that a key has no value.
	ErrNotFound = errors.New("state: no such key")
	// ErrConflict says that a condition of a transaction did not hold; nothing was changed.
	ErrConflict = errors.New("state: changed by somebody else")
	// ErrInvalid says that a key, a value or a transaction is outside the limits below.
	ErrInvalid = errors.New("state: invalid key, value or transaction")
	// ErrClosed is returned by a closed Store or Watcher.
	ErrClosed = errors.New("state: closed")
)

// Limits of every Store.
const (
	MaxKey   = 1024    // bytes of a key, at least one
	MaxValue = 1 << 20 // bytes of a value
	MaxOps   = 128     // conditions and operations of a transaction, each
	MaxRange = 1024    // entries that one Range gives
)

// Revision counts the transactions that changed a store. Zero means none.
type Revision uint64

// Entry is a key and its value. Revision is that of the transaction that put it. Its bytes are the caller's own.
type Entry struct {
	Key      string
	Value    []byte
	Revision Revision
}

// Condition holds if the key's value was put at Revision, or, if Revision is zero, if the key has none.
type Condition struct {
	Key      string
	Revision Revision
}

// Op puts a value or, with Delete set, takes a key out. Taking out what is not there changes nothing.
type Op struct {
	Key    string
	Value  []byte
	Delete bool
}

// Store is an ordered map of bytes. It is safe for use by several goroutines. Nothing of an implementation crosses it: no
// cursor, no transaction that is open between two calls. Keys are ordered by their bytes.
type Store interface {
	// Get gives the entry of a key, or ErrNotFound.
	Get(ctx context.Context, key string) (Entry, error)
	// Range gives, in order, the entries whose keys begin with prefix and are not below from: at most limit of them, and at most
	// MaxRange, which a limit of zero or less stands for. Who wants the rest calls again with After of the last key.
	Range(ctx context.Context, prefix, from string, limit int) ([]Entry, error)
	// Put sets a value and returns its revision.
	Put(ctx context.Context, key string, value []byte) (Revision, error)
	// Delete takes a key out. It is no error if there is none.
	Delete(ctx context.Context, key string) error
	// Txn applies all operations if all conditions hold, else none, with ErrConflict. A key is named by one operation at most. What is
	// returned without error is durable. The revision is that of the entries that were put, or the present one if nothing changed.
	Txn(ctx context.Context, conditions []Condition, ops []Op) (Revision, error)
	// Watch tells of changes to keys that begin with prefix, from now on.
	Watch(prefix string) (Watcher, error)
	// Close ends watches and lets resources go.
	Close() error
}

// Event is a change of one key.
type Event struct {
	Entry
	Deleted bool
}

// Watcher gives the changes since it was made, or since the last Next.
type Watcher interface {
	// Next waits for changes and gives them in order of revision. A key that changed more than once in between is given
	// once, as it now is, so that a slow reader costs no more memory than there are keys.
	Next(ctx context.Context) ([]Event, error)
	// Close ends the watch; Next then answers ErrClosed.
	Close()
}

// After is the first key that follows key.
func After(key string) string { return key + "\x00" }

// All gives every entry whose key begins with prefix, a page at a time: it is no snapshot. After an error it ends.
func All(ctx context.Context, s Store, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		from := ""
		for {
			page, err := s.Range(ctx, prefix, from, 0)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < MaxRange {
				return
			}
			from = After(page[len(page)-1].Key)
		}
	}
}

// CompareAndSwap puts a value if the key's revision is still old; zero means that there must be none.
func CompareAndSwap(ctx context.Context, s Store, key string, old Revision, value []byte) (Revision, error) {
	return s.Txn(ctx, []Condition{{key, old}}, []Op{{Key: key, Value: value}})
}

func validKey(key string) bool { return len(key) > 0 && len(key) <= MaxKey }

func validTxn(conditions []Condition, ops []Op) bool {
	if len(conditions) > MaxOps || len(ops) > MaxOps {
		return false
	}
	for i := range conditions {
		if !validKey(conditions[i].Key) {
			return false
		}
	}
	for i := range ops {
		if !validKey(ops[i].Key) || len(ops[i].Value) > MaxValue || ops[i].Delete && ops[i].Value != nil {
			return false
		}
		for j := range i {
			if ops[j].Key == ops[i].Key {
				return false
			}
		}
	}
	return true
}

func rangeLimit(limit int) int {
	if limit <= 0 || limit > MaxRange {
		return MaxRange
	}
	return limit
}
