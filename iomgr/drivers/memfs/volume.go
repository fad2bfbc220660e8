package memfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

const (
	fsName = "memfs"
	sector = 512
)

// QueryVolume answers for the volume (MS-FSCC 2.5).
func (f *file) QueryVolume(r *api.Request) {
	f.v.mu.Lock()
	total, free := uint64(f.v.capacity/pageSize), uint64((f.v.capacity-f.v.used)/pageSize)
	own := uint64(f.v.room(f.token.User) / pageSize) // what is left to the caller (MS-FSCC 2.5.4, 2.5.8)
	control := f.v.quotas.control
	f.v.mu.Unlock()
	var b []byte
	switch nt.FsInfoClass(r.Code) {
	case nt.FileFsVolumeInformation:
		b = le.AppendUint64(b, uint64(f.v.root.created))
		b = le.AppendUint32(b, volumeSerial)
		b = le.AppendUint32(b, 2*uint32(len(fsName)))
		b = nt.AppendUTF16(append(b, 0, 0), fsName)
	case nt.FileFsSizeInformation:
		b = le.AppendUint64(le.AppendUint64(b, total), own)
		b = le.AppendUint32(le.AppendUint32(b, pageSize/sector), sector)
	case nt.FileFsFullSizeInformation:
		b = le.AppendUint64(le.AppendUint64(le.AppendUint64(b, total), own), free)
		b = le.AppendUint32(le.AppendUint32(b, pageSize/sector), sector)
	case nt.FileFsDeviceInformation:
		b = le.AppendUint32(le.AppendUint32(b, nt.FileDeviceDisk), 0)
	case nt.FileFsAttributeInformation:
		b = le.AppendUint32(b, nt.FileCasePreservedNames|nt.FileUnicodeOnDisk|nt.FilePersistentACLs|nt.FileVolumeQuotas|
			nt.FileSupportsBlockRefcounting)
		b = le.AppendUint32(b, 255)
		b = le.AppendUint32(b, 2*uint32(len(fsName)))
		b = nt.AppendUTF16(b, fsName)
	case nt.FileFsControlInformation:
		b = control.Append(b)
	default:
		r.Complete(nt.StatusInvalidInfoClass, 0)
		return
	}
	r.ReplyPart(b, 8)
}

// QuerySecurity gives the parts of the descriptor that are asked for (MS-FSA 2.1.5.14).
func (f *file) QuerySecurity(r *api.Request) {
	f.v.mu.Lock()
	sd := f.node.sd
	f.v.mu.Unlock()
	r.Reply(sd.Select(nt.SecurityInformation(r.Code)).Append(nil))
}

// SetSecurity replaces parts of it (MS-FSA 2.1.5.17). That the open may has been checked before.
func (f *file) SetSecurity(r *api.Request) {
	in, err := nt.ParseSecurityDescriptor(r.In)
	if err != nil {
		r.Fail(err)
		return
	}
	info := nt.SecurityInformation(r.Code)
	if info&nt.OwnerSecurityInformation != 0 && !f.token.CanOwn(in.Owner) && !f.token.HasPrivilege(nt.SeRestorePrivilege) {
		r.Complete(nt.StatusInvalidOwner, 0)
		return
	}
	f.v.mu.Lock()
	sd := f.node.sd.Merge(in, info)
	if err = sd.Valid(); err == nil {
		err = f.v.giveAway(f.node, sd.Owner)
	}
	if err == nil {
		f.node.sd = sd
	}
	dir, name := f.node.where()
	f.v.mu.Unlock()
	if err != nil {
		r.Fail(err)
		return
	}
	f.v.report(nt.FileNotifyChangeSecurity, nt.FileActionModified, dir, name)
	r.Complete(nt.StatusSuccess, 0)
}
