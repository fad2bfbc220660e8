package state

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// migration changes a file from one schema version to the next. It runs in one transaction with all that follow it.
type migration func(*bbolt.Tx) error

// migrations brings a file of any older schema to the present one: entry n makes version n+1 from version n. An empty file is
// of version 0. Entries are never changed once released.
var migrations = []migration{
	0: func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket(bucketMeta)
		if err != nil {
			return err
		}
		if _, err := tx.CreateBucket(bucketKV); err != nil {
			return err
		}
		if err := meta.Put(metaFormat, formatName); err != nil {
			return err
		}
		return meta.Put(metaRevision, make([]byte, 8))
	},
	1: migrateAdmins,
}

func schemaOf(tx *bbolt.Tx) uint32 {
	if meta := tx.Bucket(bucketMeta); meta != nil {
		if b := meta.Get(metaSchema); len(b) == 4 {
			return binary.BigEndian.Uint32(b)
		}
	}
	return 0
}

// migrate brings a file up to date: all steps or none.
func migrate(db *bbolt.DB, steps []migration) error {
	var have uint32
	if err := db.View(func(tx *bbolt.Tx) error { have = schemaOf(tx); return nil }); err != nil {
		return fmt.Errorf("state: schema: %w", err)
	}
	if int(have) >= len(steps) {
		return nil // checkFile has refused what is newer
	}
	return db.Update(func(tx *bbolt.Tx) error {
		for n := int(have); n < len(steps); n++ {
			if err := steps[n](tx); err != nil {
				return fmt.Errorf("state: schema %d to %d: %w", n, n+1, err)
			}
		}
		return tx.Bucket(bucketMeta).Put(metaSchema, binary.BigEndian.AppendUint32(nil, uint32(len(steps))))
	})
}
