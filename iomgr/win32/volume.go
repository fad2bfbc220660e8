package win32

import (
	"context"
	"math"
	"math/bits"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// VolumeInformation is what GetVolumeInformation gives.
type VolumeInformation struct {
	Label                  string
	SerialNumber           uint32
	MaximumComponentLength uint32
	Flags                  uint32 // nt.FileCaseSensitiveSearch …
	FileSystem             string // "NTFS"
}

func (s *System) volumeInformation(ctx context.Context, h api.Handle) (VolumeInformation, error) {
	var v VolumeInformation
	b := make([]byte, 1<<10)
	n, err := s.api.QueryVolumeInformationFile(ctx, h, nt.FileFsVolumeInformation, b)
	if err != nil {
		return v, err
	}
	// VolumeCreationTime, VolumeSerialNumber, VolumeLabelLength, SupportsObjects, Reserved, VolumeLabel (MS-FSCC 2.5.9).
	if n < 18 || uint64(le.Uint32(b[12:])) > uint64(n-18) {
		return v, nt.StatusInvalidNetworkResponse
	}
	v.SerialNumber, v.Label = le.Uint32(b[8:]), nt.DecodeUTF16(b[18:18+le.Uint32(b[12:])&^1])
	if n, err = s.api.QueryVolumeInformationFile(ctx, h, nt.FileFsAttributeInformation, b); err != nil {
		return v, err
	}
	// FileSystemAttributes, MaximumComponentNameLength, FileSystemNameLength, FileSystemName (MS-FSCC 2.5.1).
	if n < 12 || uint64(le.Uint32(b[8:])) > uint64(n-12) {
		return v, nt.StatusInvalidNetworkResponse
	}
	v.Flags, v.MaximumComponentLength, v.FileSystem = le.Uint32(b), le.Uint32(b[4:]), nt.DecodeUTF16(b[12:12+le.Uint32(b[8:])&^1])
	return v, nil
}

// GetVolumeInformation says what file system a directory lies on. Windows wants the root; here any directory or file will do.
func (s *System) GetVolumeInformation(ctx context.Context, root string) (v VolumeInformation, err error) {
	err = s.with(ctx, root, nt.FileReadAttributes, nt.FileOpenForBackupIntent, func(h api.Handle) error {
		v, err = s.volumeInformation(ctx, h)
		return err
	})
	return v, err
}

// GetDiskFreeSpaceEx gives bytes: what the caller may still write, by quota, what there is in all for the caller, and what is free.
func (s *System) GetDiskFreeSpaceEx(ctx context.Context, dir string) (available, total, free uint64, err error) {
	err = s.with(ctx, dir, nt.FileReadAttributes, nt.FileOpenForBackupIntent|nt.FileOpenForFreeSpaceQuery, func(h api.Handle) error {
		var b [32]byte
		n, err := s.api.QueryVolumeInformationFile(ctx, h, nt.FileFsFullSizeInformation, b[:])
		if err != nil {
			return err
		}
		if n < len(b) {
			return nt.StatusInvalidNetworkResponse
		}
		// TotalAllocationUnits, CallerAvailableAllocationUnits, ActualAvailableAllocationUnits, SectorsPerAllocationUnit, BytesPerSector (2.5.4).
		unit := uint64(le.Uint32(b[24:])) * uint64(le.Uint32(b[28:]))
		total, available, free = product(le.Uint64(b[:]), unit), product(le.Uint64(b[8:]), unit), product(le.Uint64(b[16:]), unit)
		return nil
	})
	return available, total, free, err
}

// product is what a server says the size is, or the most that can be said.
func product(units, size uint64) uint64 {
	hi, lo := bits.Mul64(units, size)
	if hi != 0 {
		return math.MaxUint64
	}
	return lo
}

// securityAccess is the access that the parts of a descriptor want (MS-FSA 2.1.5.14, 2.1.5.17).
func securityAccess(info nt.SecurityInformation, change bool) nt.AccessMask {
	var access nt.AccessMask
	if info&nt.SACLSecurityInformation != 0 {
		access |= nt.AccessSystemSecurity
	}
	const owner = nt.OwnerSecurityInformation | nt.GroupSecurityInformation | nt.LabelSecurityInformation
	switch {
	case !change && info&(owner|nt.DACLSecurityInformation) != 0:
		access |= nt.ReadControl
	case change:
		if info&owner != 0 {
			access |= nt.WriteOwner
		}
		if info&nt.DACLSecurityInformation != 0 {
			access |= nt.WriteDAC
		}
	}
	return access
}

// securityMax is the longest descriptor: an ACL counts its bytes in 16 bits, and there are two.
const securityMax = 256 << 10

// GetFileSecurity reads parts of the security descriptor.
func (s *System) GetFileSecurity(ctx context.Context, file string, info nt.SecurityInformation) (sd *nt.SecurityDescriptor, err error) {
	err = s.with(ctx, file, securityAccess(info, false), nt.FileOpenForBackupIntent, func(h api.Handle) error {
		b := make([]byte, 4<<10)
		n, err := s.api.QuerySecurityObject(ctx, h, info, b)
		if err == nt.StatusBufferTooSmall || err == nt.StatusBufferOverflow {
			b = make([]byte, securityMax)
			n, err = s.api.QuerySecurityObject(ctx, h, info, b)
		}
		if err != nil {
			return err
		}
		if sd, err = nt.ParseSecurityDescriptor(b[:n]); err != nil {
			return nt.WErrInvalidSecurityDescr
		}
		return nil
	})
	return sd, err
}

// SetFileSecurity sets parts of the security descriptor.
func (s *System) SetFileSecurity(ctx context.Context, file string, info nt.SecurityInformation, sd *nt.SecurityDescriptor) error {
	if sd == nil {
		return nt.WErrInvalidSecurityDescr
	}
	return s.with(ctx, file, securityAccess(info, true), nt.FileOpenForBackupIntent, func(h api.Handle) error {
		return s.api.SetSecurityObject(ctx, h, info, sd.Append(nil))
	})
}
