package pvfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// control is a file system control: its fixed input, the rights of which the open needs one, and what it does.
type control struct {
	in     int
	access nt.AccessMask
	do     func(*file, *api.Request)
}

const (
	writesData       = nt.FileWriteData | nt.FileAppendData
	writesAttributes = writesData | nt.FileWriteAttributes
)

// controls are those of MS-FSCC 2.3 that are about a file, besides oplocks. What is not here is answered with StatusInvalidDeviceRequest, as a file
// system does that cannot do it.
var controls = map[uint32]control{
	nt.FsctlGetCompression:  {0, 0, (*file).getCompression},
	nt.FsctlSetCompression:  {2, writesData, (*file).setCompression},
	nt.FsctlIsVolumeMounted: {0, 0, answer(nt.StatusSuccess)},
	nt.FsctlIsPathnameValid: {0, 0, answer(nt.StatusSuccess)}, // MS-FSA 2.1.5.10.16: whatever the name

	nt.FsctlSetSparse:            {0, writesAttributes, (*file).setSparse},
	nt.FsctlSetZeroData:          {16, nt.FileWriteData, (*file).setZeroData},
	nt.FsctlQueryAllocatedRanges: {16, nt.FileReadData, (*file).queryAllocatedRanges},
	nt.FsctlQueryFileRegions:     {0, nt.FileReadData, (*file).queryFileRegions},
	nt.FsctlFileLevelTrim:        {8, nt.FileWriteData, (*file).trim},

	nt.FsctlCreateOrGetObjectId: {0, 0, (*file).createOrGetObjectID},
	nt.FsctlGetObjectId:         {0, 0, (*file).getObjectID},
	nt.FsctlSetObjectId:         {objectIDLen, 0, (*file).setObjectID},
	nt.FsctlDeleteObjectId:      {0, writesAttributes, (*file).deleteObjectID},

	nt.FsctlGetNtfsVolumeData: {0, 0, (*file).ntfsVolumeData},

	nt.FsctlDuplicateExtentsToFile:   {0, nt.FileWriteData, (*file).duplicateExtents},
	nt.FsctlDuplicateExtentsToFileEx: {0, nt.FileWriteData, (*file).duplicateExtents},

	nt.FsctlSrvCopychunkWrite: {24, nt.FileWriteData | nt.FileAppendData, (*file).copyChunk},

	nt.FsctlSrvEnumerateSnapshots: {0, 0, (*file).enumerateSnapshots},

	nt.FsctlGetReparsePoint:    {0, 0, (*file).getReparsePoint},
	nt.FsctlSetReparsePoint:    {0, writesAttributes, (*file).setReparsePoint},
	nt.FsctlDeleteReparsePoint: {0, writesAttributes, (*file).deleteReparsePoint},

	nt.FsctlLockVolume:     {0, 0, answer(nt.StatusAccessDenied)},
	nt.FsctlUnlockVolume:   {0, 0, answer(nt.StatusNotLocked)},
	nt.FsctlDismountVolume: {0, 0, answer(nt.StatusAccessDenied)},

	nt.FsctlFindFilesBySid: {0, 0, answer(nt.StatusInvalidDeviceRequest)}, // MS-FSA 2.1.5.10.9: there are no quotas to find them by
}

// answer always answers the same.
func answer(status nt.Status) func(*file, *api.Request) {
	return func(_ *file, r *api.Request) { r.Complete(status, 0) }
}

// FsControl answers the file system controls.
func (f *file) FsControl(r *api.Request) {
	if f.breaks.Control(&f.stream.opens, f.open, r) {
		f.v.leases.follow(f.node)
		return
	}
	c, ok := controls[r.Code]
	switch {
	case !ok:
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
	case c.access != 0 && f.granted&c.access == 0:
		r.Complete(nt.StatusAccessDenied, 0)
	case len(r.In) < c.in:
		r.Complete(nt.StatusInvalidParameter, 0)
	default:
		c.do(f, r)
	}
}

// Formats of compression (MS-FSCC 2.3.63).
const (
	compressionNone    = 0
	compressionDefault = 1
	compressionLZNT1   = 2
)

// getCompression says that nothing is compressed.
func (f *file) getCompression(r *api.Request) { r.Reply(le.AppendUint16(nil, compressionNone)) }

func (f *file) setCompression(r *api.Request) {
	switch le.Uint16(r.In) {
	case compressionNone:
		r.Complete(nt.StatusSuccess, 0)
	case compressionDefault, compressionLZNT1:
		r.Complete(nt.StatusNotSupported, 0)
	default:
		r.Complete(nt.StatusInvalidParameter, 0)
	}
}

// ntfsVolumeData answers NTFS_VOLUME_DATA_BUFFER (MS-FSCC 2.3.14). There is no master file table to speak of.
func (f *file) ntfsVolumeData(r *api.Request) {
	total, free, unit, err := volumeSize(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	const sector, record = 512, 1024
	b := make([]byte, 0, 96)
	b = le.AppendUint64(b, f.node.id.dev)
	b = le.AppendUint64(b, total*max(unit/sector, 1))
	b = le.AppendUint64(b, total)
	b = le.AppendUint64(b, free)
	b = le.AppendUint64(b, 0) // reserved clusters
	b = le.AppendUint32(b, sector)
	b = le.AppendUint32(b, uint32(unit))
	b = le.AppendUint32(b, record)
	b = append(b, make([]byte, 96-len(b))...)
	r.Reply(b)
}

// otherVolumeClass answers the classes of MS-FSCC 2.5 that are about quotas and ids; nil for any other.
func (f *file) otherVolumeClass(class nt.FsInfoClass) []byte {
	switch class {
	case nt.FileFsControlInformation:
		c := f.volumeControl()
		return c.Append(nil)
	case nt.FileFsObjectIdInformation:
		id := f.volumeID()
		return append(id[:], make([]byte, 48)...)
	}
	return nil
}

// volumeID is a GUID that names the file system as long as it is mounted.
func (f *file) volumeID() (id nt.GUID) {
	le.PutUint64(id[:], f.node.id.dev)
	copy(id[8:], "lwiopvfs")
	return id
}

// QueryQuota says that no quotas are kept.
func (f *file) QueryQuota(r *api.Request) { r.Complete(nt.StatusNoMoreEntries, 0) }

// SetQuota refuses.
func (f *file) SetQuota(r *api.Request) { r.Complete(nt.StatusInvalidDeviceRequest, 0) }
