package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// wrongLength reports a structure whose length must be one of those wanted.
func wrongLength(what string, got int, want ...int) error {
	return fmt.Errorf("%s: %w: %d bytes, want %d", what, ErrValue, got, want)
}

// AllocationSizeContext is SMB2_CREATE_ALLOCATION_SIZE (MS-SMB2 2.2.13.2.6).
type AllocationSizeContext struct {
	AllocationSize uint64
}

// ParseAllocationSizeContext reads the Data of an AlSi.
func ParseAllocationSizeContext(b []byte) (AllocationSizeContext, error) {
	if len(b) != 8 {
		return AllocationSizeContext{}, wrongLength("AlSi", len(b), 8)
	}
	return AllocationSizeContext{AllocationSize: le.Uint64(b)}, nil
}

// Append writes the Data after b.
func (c *AllocationSizeContext) Append(b []byte) []byte { return le.AppendUint64(b, c.AllocationSize) }

// TimewarpToken is SMB2_CREATE_TIMEWARP_TOKEN (MS-SMB2 2.2.13.2.7).
type TimewarpToken struct {
	Timestamp nt.Time
}

// ParseTimewarpToken reads the Data of a TWrp.
func ParseTimewarpToken(b []byte) (TimewarpToken, error) {
	if len(b) != 8 {
		return TimewarpToken{}, wrongLength("TWrp", len(b), 8)
	}
	return TimewarpToken{Timestamp: nt.Time(le.Uint64(b))}, nil
}

// Append writes the Data after b.
func (c *TimewarpToken) Append(b []byte) []byte { return le.AppendUint64(b, uint64(c.Timestamp)) }

// QueryMaximalAccessRequest is SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST (MS-SMB2 2.2.13.2.5). The timestamp is optional.
type QueryMaximalAccessRequest struct {
	HasTimestamp bool
	Timestamp    nt.Time // answer only when the file changed since
}

// ParseQueryMaximalAccessRequest reads the Data of a request's MxAc.
func ParseQueryMaximalAccessRequest(b []byte) (QueryMaximalAccessRequest, error) {
	switch len(b) {
	case 0:
		return QueryMaximalAccessRequest{}, nil
	case 8:
		return QueryMaximalAccessRequest{HasTimestamp: true, Timestamp: nt.Time(le.Uint64(b))}, nil
	}
	return QueryMaximalAccessRequest{}, wrongLength("MxAc request", len(b), 0, 8)
}

// Append writes the Data after b.
func (c *QueryMaximalAccessRequest) Append(b []byte) []byte {
	if !c.HasTimestamp {
		return b
	}
	return le.AppendUint64(b, uint64(c.Timestamp))
}

// QueryMaximalAccessResponse is SMB2_CREATE_QUERY_MAXIMAL_ACCESS_RESPONSE (MS-SMB2 2.2.14.2.5).
type QueryMaximalAccessResponse struct {
	QueryStatus   nt.Status
	MaximalAccess nt.AccessMask
}

// ParseQueryMaximalAccessResponse reads the Data of a response's MxAc.
func ParseQueryMaximalAccessResponse(b []byte) (QueryMaximalAccessResponse, error) {
	if len(b) < 8 {
		return QueryMaximalAccessResponse{}, short("MxAc response", len(b), 8)
	}
	return QueryMaximalAccessResponse{
		QueryStatus:   nt.Status(le.Uint32(b)),
		MaximalAccess: nt.AccessMask(le.Uint32(b[4:])),
	}, nil
}

// Append writes the Data after b.
func (c *QueryMaximalAccessResponse) Append(b []byte) []byte {
	return le.AppendUint32(le.AppendUint32(b, uint32(c.QueryStatus)), uint32(c.MaximalAccess))
}

// QueryOnDiskIDResponse is SMB2_CREATE_QUERY_ON_DISK_ID's answer (MS-SMB2 2.2.14.2.9); the request has no data.
type QueryOnDiskIDResponse struct {
	DiskFileID uint64
	VolumeID   uint64
}

// ParseQueryOnDiskIDResponse reads the Data of a response's QFid.
func ParseQueryOnDiskIDResponse(b []byte) (QueryOnDiskIDResponse, error) {
	if len(b) < 32 {
		return QueryOnDiskIDResponse{}, short("QFid response", len(b), 32)
	}
	return QueryOnDiskIDResponse{DiskFileID: le.Uint64(b), VolumeID: le.Uint64(b[8:])}, nil
}

// Append writes the Data after b.
func (c *QueryOnDiskIDResponse) Append(b []byte) []byte {
	b = le.AppendUint64(b, c.DiskFileID)
	b = le.AppendUint64(b, c.VolumeID)
	return append(b, make([]byte, 16)...)
}

// EA is one FILE_FULL_EA_INFORMATION (MS-FSCC 2.4.15), as an ExtA and the query and set of extended attributes have it.
type EA struct {
	Flags uint8 // 0x80: FILE_NEED_EA
	Name  []byte
	Value []byte
}

// ParseEAList reads a chain of FILE_FULL_EA_INFORMATION. NextEntryOffset must be a multiple of four.
func ParseEAList(b []byte) ([]EA, error) {
	var list []EA
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, short("EA", len(b), 8)
		}
		next := uint64(le.Uint32(b))
		one := b
		if next != 0 {
			if next%4 != 0 {
				return nil, fmt.Errorf("EA: NextEntryOffset: %w: %d", ErrAlignment, next)
			}
			if next < 8 || next >= uint64(len(b)) {
				return nil, fmt.Errorf("EA: NextEntryOffset: %w: %d of %d", ErrBounds, next, len(b))
			}
			one = b[:next]
		}
		n, v := int(one[5]), int(le.Uint16(one[6:]))
		if 8+n+1+v > len(one) {
			return nil, fmt.Errorf("EA: %w: name %d, value %d of %d", ErrBounds, n, v, len(one))
		}
		if one[8+n] != 0 {
			return nil, fmt.Errorf("EA: %w: name is not terminated", ErrValue)
		}
		list = append(list, EA{Flags: one[4], Name: rest(one[:8+n], 8), Value: rest(one[:8+n+1+v], 8+n+1)})
		if next == 0 {
			break
		}
		b = b[next:]
	}
	return list, nil
}

// AppendEAList writes the chain after b. Names have at most 255 bytes.
func AppendEAList(b []byte, list []EA) []byte {
	for i, ea := range list {
		start := len(b)
		b = le.AppendUint32(b, 0)
		b = append(b, ea.Flags, uint8(len(ea.Name)))
		b = le.AppendUint16(b, uint16(len(ea.Value)))
		b = append(b, ea.Name...)
		b = append(b, 0)
		b = append(b, ea.Value...)
		if i < len(list)-1 {
			for (len(b)-start)%4 != 0 {
				b = append(b, 0)
			}
			le.PutUint32(b[start:], uint32(len(b)-start))
		}
	}
	return b
}
