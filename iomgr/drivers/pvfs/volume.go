package pvfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// fsName is what clients know to mean Windows semantics.
const fsName = "NTFS"

// label is the volume's name; an empty one makes Samba's client find the answer too short.
const label = "lwio"

// QueryVolume answers for the file system that the file is on (MS-FSCC 2.5).
func (f *file) QueryVolume(r *api.Request) {
	total, free, unit, err := volumeSize(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	const sector = 512
	perUnit := max(unit/sector, 1)
	var b []byte
	switch nt.FsInfoClass(r.Code) {
	case nt.FileFsVolumeInformation:
		b = le.AppendUint64(b, 0)
		b = le.AppendUint32(b, uint32(f.node.id.dev))
		b = le.AppendUint32(b, 2*uint32(len(label)))
		b = append(b, 0, 0)
		b = nt.AppendUTF16(b, label)
	case nt.FileFsSizeInformation:
		b = le.AppendUint64(b, total)
		b = le.AppendUint64(b, free)
		b = le.AppendUint32(b, uint32(perUnit))
		b = le.AppendUint32(b, sector)
	case nt.FileFsFullSizeInformation:
		b = le.AppendUint64(b, total)
		b = le.AppendUint64(b, free)
		b = le.AppendUint64(b, free)
		b = le.AppendUint32(b, uint32(perUnit))
		b = le.AppendUint32(b, sector)
	case nt.FileFsDeviceInformation:
		b = le.AppendUint32(b, nt.FileDeviceDisk)
		b = le.AppendUint32(b, 0x20) // FILE_DEVICE_IS_MOUNTED
	case nt.FileFsAttributeInformation:
		b = le.AppendUint32(b, nt.FileCasePreservedNames|nt.FileUnicodeOnDisk)
		b = le.AppendUint32(b, 255)
		b = le.AppendUint32(b, 2*uint32(len(fsName)))
		b = nt.AppendUTF16(b, fsName)
	case nt.FileFsSectorSizeInformation:
		for range 4 {
			b = le.AppendUint32(b, sector)
		}
		b = le.AppendUint32(b, 3) // aligned device and partition
		b = le.AppendUint32(b, 0)
		b = le.AppendUint32(b, 0)
	default:
		r.Complete(nt.StatusInvalidInfoClass, 0)
		return
	}
	r.ReplyPart(b, 12)
}

// fileDescriptor is what every file shows: the process's access, which the share's descriptor narrows.
var fileDescriptor = func() *nt.SecurityDescriptor {
	sd, err := nt.ParseSDDL("O:BAG:SYD:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)", nt.SID{})
	if err != nil {
		panic(err)
	}
	return sd
}()

// QuerySecurity answers the descriptor that stands for all files.
func (f *file) QuerySecurity(r *api.Request) {
	r.Reply(fileDescriptor.Select(nt.SecurityInformation(r.Code)).Append(nil))
}

// QueryEA says that there are none.
func (f *file) QueryEA(r *api.Request) { r.Complete(nt.StatusNoEasOnFile, 0) }
