package pvfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// fsName is what clients know to mean Windows semantics.
const fsName = "NTFS"

// label is the volume's name; an empty one makes Samba's client find the answer too short.
const label = "lwio"

// volumeAttributes are what every file system here can do (MS-FSCC 2.5.1).
const volumeAttributes = nt.FileCaseSensitiveSearch | nt.FileCasePreservedNames | nt.FileUnicodeOnDisk | nt.FileNamedStreams | nt.FileSupportsExtendedAttributes |
	nt.FileSupportsReparsePoints | nt.FileSupportsHardLinks | nt.FilePersistentACLs | nt.FileSupportsSparseFiles | nt.FileSupportsObjectIds |
	nt.FileSupportsBlockRefcounting // or a copy that looks like it: see duplicateExtents

// volumeAttributes are what the file system that the file is on can do.
func (f *file) volumeAttributes() uint32 {
	a := uint32(volumeAttributes)
	if f.frozen != notFrozen {
		a |= nt.FileReadOnlyVolume
	}
	if f.v.quotas.on(f.h) {
		a |= nt.FileVolumeQuotas
	}
	return a
}

// fixedOf is what of each class's answer has to fit.
func fixedOf(class nt.FsInfoClass) int {
	switch class {
	case nt.FileFsVolumeInformation, nt.FileFsSizeInformation:
		return 24
	case nt.FileFsAttributeInformation:
		return 16
	case nt.FileFsFullSizeInformation:
		return 32
	case nt.FileFsSectorSizeInformation:
		return 28
	case nt.FileFsControlInformation:
		return 48
	case api.FileFsPosixInformation:
		return 56
	}
	return 8
}

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
		b = le.AppendUint32(b, f.volumeAttributes())
		b = le.AppendUint32(b, 255)
		b = le.AppendUint32(b, 2*uint32(len(fsName)))
		b = nt.AppendUTF16(b, fsName)
	case nt.FileFsSectorSizeInformation:
		for range 4 {
			b = le.AppendUint32(b, sector)
		}
		b = le.AppendUint32(b, 3|8) // aligned device and partition, trims are taken
		b = le.AppendUint32(b, 0)
		b = le.AppendUint32(b, 0)
	case api.FileFsPosixInformation:
		if !f.posix {
			r.Complete(nt.StatusInvalidInfoClass, 0)
			return
		}
		if b, err = volumePOSIX(f.h); err != nil {
			r.Fail(err)
			return
		}
	default:
		if b = f.otherVolumeClass(nt.FsInfoClass(r.Code)); b == nil {
			r.Complete(nt.StatusInvalidInfoClass, 0)
			return
		}
	}
	r.ReplyPart(b, fixedOf(nt.FsInfoClass(r.Code)))
}
