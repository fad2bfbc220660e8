package pvfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// changesFile are the rights to change a file.
const changesFile = nt.FileWriteData | nt.FileAppendData | nt.FileWriteEA | nt.FileWriteAttributes | nt.FileDeleteChild | nt.Delete | nt.WriteDAC | nt.WriteOwner

// frozenFile is an open of a previous version: what would change it is refused, whatever the open was granted. Its descriptor is open for
// reading alone.
type frozenFile struct{ *file }

// impl is what requests for the open come to.
func (c *creating) impl() api.FileImpl {
	if c.frozen != notFrozen {
		return frozenFile{c.f}
	}
	return c.f
}

// fileOf is the open that a file object is; false if it is none of a file here.
func fileOf(f *api.File) (*file, bool) {
	switch f := f.Impl().(type) {
	case *file:
		return f, true
	case frozenFile:
		return f.file, true
	}
	return nil, false
}

func protected(r *api.Request) { r.Complete(nt.StatusMediaWriteProtected, 0) }

// Write refuses.
func (frozenFile) Write(r *api.Request) { protected(r) }

// SetEA refuses.
func (frozenFile) SetEA(r *api.Request) { protected(r) }

// SetSecurity refuses.
func (frozenFile) SetSecurity(r *api.Request) { protected(r) }

// SetVolume refuses.
func (frozenFile) SetVolume(r *api.Request) { protected(r) }

// SetInformation sets what is the open's own. A new name would be on another volume: that of now.
func (f frozenFile) SetInformation(r *api.Request) {
	switch nt.FileInfoClass(r.Code) {
	case nt.FilePositionInformation, nt.FileModeInformation:
		f.file.SetInformation(r)
	case nt.FileRenameInformation, nt.FileRenameInformationEx, nt.FileLinkInformation, nt.FileLinkInformationEx:
		r.Complete(nt.StatusNotSameDevice, 0)
	default:
		protected(r)
	}
}

// FsControl refuses the controls that need a right to change a file, and those that change one without.
func (f frozenFile) FsControl(r *api.Request) {
	switch r.Code {
	case nt.FsctlSrvCopychunkWrite, nt.FsctlCreateOrGetObjectId, nt.FsctlSetObjectId, nt.FsctlDeleteObjectId, nt.FsctlSetReparsePoint, nt.FsctlDeleteReparsePoint:
		protected(r)
		return
	}
	if c := controls[r.Code]; c.access != 0 && c.access&^changesFile == 0 {
		protected(r)
		return
	}
	f.file.FsControl(r)
}
