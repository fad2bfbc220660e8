package state

import (
	"context"
	"errors"
	"fmt"

	"lwio/iomgr/nt"
)

// ErrHasAccounts says that a store has accounts already.
var ErrHasAccounts = errors.New("state: there are accounts already")

// HasAccounts reports whether a store has accounts that somebody has added: one of a daemon that leaves them to another need not, and if it has, nobody asks them.
func HasAccounts(ctx context.Context, store Store) (bool, error) {
	have, err := store.Range(ctx, accountPrefix, ridKey(accountPrefix, nt.FirstUserRID), 1)
	return len(have) > 0, err
}

// CopyAccounts copies the machine, the accounts and the security policy of one store to another, which must have no accounts: who takes them over from a daemon
// takes the machine's SID as well, on which they and descriptors stand. It gives the number of accounts.
func CopyAccounts(ctx context.Context, from, to Store) (int, error) {
	if have, err := HasAccounts(ctx, to); err != nil {
		return 0, err
	} else if have {
		return 0, ErrHasAccounts
	}
	e, err := from.Get(ctx, machineKey)
	if err != nil {
		return 0, fmt.Errorf("state: copy the machine: %w", err)
	}
	if _, err := parseMachine(e.Value); err != nil {
		return 0, err
	}
	// The machine comes last: until it is there, what was copied is no database, and the copy may be made again.
	n := 0
	var ops []Op
	for _, prefix := range []string{lsaPolicyKey, lsaAccountPrefix, lsaSecretPrefix, nextRIDKey, seedKey, namePrefix, logonPrefix, groupPrefix, aliasPrefix, builtinPrefix, memberPrefix, memberOfPrefix, policyPrefix, securityPrefix, accountPrefix} {
		for e, err := range All(ctx, from, prefix) {
			if err != nil {
				return 0, err
			}
			if prefix == accountPrefix {
				if _, err := parseAccount(e.Value); err != nil {
					return 0, fmt.Errorf("%s: %w", e.Key, err)
				}
				if rid, ok := ridOfKey(accountPrefix, e.Key); ok && rid >= nt.FirstUserRID {
					n++
				}
			}
			if ops = append(ops, Op{Key: e.Key, Value: e.Value}); len(ops) == MaxOps {
				if _, err := to.Txn(ctx, nil, ops); err != nil {
					return 0, err
				}
				ops = ops[:0]
			}
		}
	}
	ops = append(ops, Op{Key: machineKey, Value: e.Value})
	_, err = to.Txn(ctx, nil, ops)
	return n, err
}
