package state

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// migrateAdmins makes version 2 of a file: administrators, who were a flag of their account, become members of BUILTIN\Administrators. The
// records of accounts stay as they are; the flag in them is no longer looked at.
func migrateAdmins(tx *bbolt.Tx) error {
	const (
		accounts  = "account/rid/"
		admins    = "S-1-5-32-544"
		flagAdmin = 1
	)
	kv, meta := tx.Bucket(bucketKV), tx.Bucket(bucketMeta)
	record := kv.Get([]byte("machine"))
	if record == nil {
		return nil // no machine, no accounts
	}
	value, _, err := parseRecord([]byte("machine"), record)
	if err != nil {
		return err
	}
	machine, err := parseMachine(value)
	if err != nil {
		return err
	}
	next := Revision(binary.BigEndian.Uint64(meta.Get(metaRevision))) + 1
	var keys []string
	for c, k, v := cursorAt(kv, accounts); k != nil && bytes.HasPrefix(k, []byte(accounts)); k, v = c.Next() {
		value, _, err := parseRecord(k, v)
		if err != nil {
			return err
		}
		d, err := openRecord("account", value, 1)
		if err != nil {
			return err
		}
		rid, _, _, _ := d.u32(), d.string(), d.string(), d.string()
		flags := d.u32()
		if err := d.err("account"); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		if flags&flagAdmin != 0 {
			sid := machine.SID.Child(rid).String()
			keys = append(keys, "member/alias/"+admins+"/"+sid, "memberof/alias/"+sid+"/"+admins)
		}
	}
	for _, k := range keys {
		if err := kv.Put([]byte(k), appendRecord(nil, k, next, nil)); err != nil {
			return err
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return meta.Put(metaRevision, binary.BigEndian.AppendUint64(nil, uint64(next)))
}

func cursorAt(b *bbolt.Bucket, prefix string) (*bbolt.Cursor, []byte, []byte) {
	c := b.Cursor()
	k, v := c.Seek([]byte(prefix))
	return c, k, v
}
