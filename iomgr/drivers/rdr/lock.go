package rdr

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// opLock is LOCK (MS-SMB2 3.2.4.19, 3.2.5.13), one range at a time. The protocol has no keys: they are left out.
var opLock = operation{
	cmd:  smb2.Lock,
	size: func(*exchange) int { return 48 },
	encode: func(x *exchange, b []byte) []byte {
		k := x.r.Lock
		e := smb2.LockElement{Offset: k.Offset, Length: k.Length, Flags: smb2.LockUnlock}
		if x.r.Op == api.OpLock {
			if e.Flags = smb2.LockShared; k.Exclusive {
				e.Flags = smb2.LockExclusive
			}
			if k.FailImmediately {
				e.Flags |= smb2.LockFailImmediately
			}
		}
		return (&smb2.LockRequest{FileID: x.fid, Locks: smb2.LockElements(nil).Append(e)}).Append(b)
	},
	decode: func(_ *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		_, err := smb2.ParseLockResponse(body)
		return st, 0, err
	},
}

// Lock takes a byte-range lock.
func (f *file) Lock(r *api.Request) { f.send(&opLock, r) }

// Unlock lets one go.
func (f *file) Unlock(r *api.Request) { f.send(&opLock, r) }
