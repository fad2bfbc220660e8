package pvfs

import (
	"crypto/rand"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// objectIDName is the extended attribute that holds a file's FILE_OBJECTID_BUFFER (MS-FSCC 2.1.3.1).
const objectIDName = "user.lwio.objectid"

const objectIDLen = 64

// objectID reads it; nil if the file has none.
func (f *file) objectID() []byte {
	var b [objectIDLen]byte
	if n, err := getXattr(f.h, objectIDName, b[:]); err != nil || n != objectIDLen {
		return nil
	}
	return b[:]
}

// createOrGetObjectID gives the file's id, and it one if it has none (MS-FSA 2.1.5.10.1).
func (f *file) createOrGetObjectID(r *api.Request) {
	if len(r.Out) < objectIDLen {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	f.v.setting.Lock()
	b := f.objectID()
	var err error
	if b == nil {
		var id nt.GUID
		rand.Read(id[:]) // never fails
		volume := f.volumeID()
		b = append(append(append(b, id[:]...), volume[:]...), id[:]...)
		b = append(b, make([]byte, objectIDLen-len(b))...)
		err = setXattr(f.h, objectIDName, b)
	}
	f.v.setting.Unlock()
	if err != nil {
		r.Fail(err)
		return
	}
	r.Reply(b)
}

// getObjectID gives the file's id if it has one (MS-FSA 2.1.5.10.11).
func (f *file) getObjectID(r *api.Request) {
	b := f.objectID()
	if b == nil {
		r.Complete(nt.StatusObjectidNotFound, 0)
		return
	}
	r.Reply(b)
}

// setObjectID gives a file an id that it had elsewhere: for who restores it (MS-FSA 2.1.5.10.34).
func (f *file) setObjectID(r *api.Request) {
	if f.by.token != nil && !f.by.token.HasPrivilege(nt.SeRestorePrivilege) {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	f.v.setting.Lock()
	has := f.objectID() != nil
	var err error
	if !has {
		err = setXattr(f.h, objectIDName, r.In[:objectIDLen])
	}
	f.v.setting.Unlock()
	switch {
	case has:
		r.Complete(nt.StatusObjectNameCollision, 0)
	case err != nil:
		r.Fail(err)
	default:
		r.Complete(nt.StatusSuccess, 0)
	}
}

// deleteObjectID takes it away (MS-FSA 2.1.5.10.2).
func (f *file) deleteObjectID(r *api.Request) {
	r.Complete(nt.StatusOf(dropXattr(f.h, objectIDName)), 0)
}
