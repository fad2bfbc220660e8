package win32

import (
	"context"
	"errors"
	"math"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Overlapped says where a read or a write begins. It waits as every call does.
type Overlapped struct{ Offset uint64 }

// EndOfFile as the offset of a write puts it at the end.
const EndOfFile = math.MaxUint64

// ReadFile reads at the file pointer, which it moves, or with an Overlapped at its offset. At the end of the file it gives 0 bytes and no error in the
// first case, WErrHandleEof in the second. A message that is longer than b comes in part with WErrMoreData.
func (s *System) ReadFile(ctx context.Context, h *Handle, b []byte, o *Overlapped) (int, error) {
	if h.name.pipe {
		n, err := s.api.ReadFile(ctx, h.h, b, 0)
		return n, Error(err)
	}
	if o != nil {
		if o.Offset > math.MaxInt64 {
			return 0, nt.WErrInvalidParameter
		}
		n, err := s.api.ReadFile(ctx, h.h, b, int64(o.Offset))
		if err == nil && n == 0 && len(b) > 0 {
			err = nt.StatusEndOfFile
		}
		return n, Error(err)
	}
	if h.asks {
		return 0, nt.WErrInvalidParameter
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n, err := s.api.ReadFile(ctx, h.h, b, h.pos)
	h.pos += int64(n)
	if errors.Is(err, nt.StatusEndOfFile) {
		err = nil
	}
	return n, Error(err)
}

// WriteFile writes at the file pointer, which it moves, or with an Overlapped at its offset, of which EndOfFile is the end. A handle that may append
// only writes at the end always.
func (s *System) WriteFile(ctx context.Context, h *Handle, b []byte, o *Overlapped) (int, error) {
	switch {
	case h.name.pipe:
		n, err := s.api.WriteFile(ctx, h.h, b, 0)
		return n, Error(err)
	case h.append || o != nil && o.Offset == EndOfFile:
		n, err := s.appendFile(ctx, h, b)
		return n, Error(err)
	case o != nil:
		if o.Offset > math.MaxInt64 {
			return 0, nt.WErrInvalidParameter
		}
		n, err := s.writeAll(ctx, h.h, b, int64(o.Offset))
		return n, Error(err)
	case h.asks:
		return 0, nt.WErrInvalidParameter
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n, err := s.writeAll(ctx, h.h, b, h.pos)
	h.pos += int64(n)
	return n, Error(err)
}

func (s *System) writeAll(ctx context.Context, h api.Handle, b []byte, at int64) (int, error) {
	if at > math.MaxInt64-int64(len(b)) {
		return 0, nt.StatusInvalidParameter
	}
	for n := 0; ; {
		m, err := s.api.WriteFile(ctx, h, b[n:], at+int64(n))
		if n += m; err != nil || n == len(b) {
			return n, err
		}
		if m == 0 {
			return n, nt.StatusUnexpectedIoError
		}
	}
}

// appendFile writes in one request, since another's may come between two (FILE_WRITE_TO_END_OF_FILE, MS-FSA 2.1.5.4). Servers that do not know the
// offset are told where the end is.
func (s *System) appendFile(ctx context.Context, h *Handle, b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.noEnd {
		n, err := s.api.WriteFile(ctx, h.h, b, -1)
		if n > 0 || !errors.Is(err, nt.StatusInvalidParameter) {
			return n, err
		}
		h.noEnd = true
	}
	size, err := s.size(ctx, h.h)
	if err != nil {
		return 0, err
	}
	return s.writeAll(ctx, h.h, b, size)
}

func (s *System) size(ctx context.Context, h api.Handle) (int64, error) {
	i, err := s.query(ctx, h, nt.FileStandardInformation)
	return i.EndOfFile, err
}

// GetFileSizeEx gives the length of a file.
func (s *System) GetFileSizeEx(ctx context.Context, h *Handle) (int64, error) {
	n, err := s.size(ctx, h.h)
	return n, Error(err)
}

// SetFilePointerEx moves the file pointer and says where it is. It may be behind the end.
func (s *System) SetFilePointerEx(ctx context.Context, h *Handle, distance int64, method uint32) (int64, error) {
	base := int64(0)
	switch method {
	case FileBegin, FileCurrent:
	case FileEnd:
		var err error
		if base, err = s.size(ctx, h.h); err != nil {
			return 0, Error(err)
		}
	default:
		return 0, nt.WErrInvalidParameter
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if method == FileCurrent {
		base = h.pos
	}
	switch {
	case distance > math.MaxInt64-base:
		return h.pos, nt.WErrInvalidParameter
	case base+distance < 0:
		return h.pos, ErrNegativeSeek
	}
	h.pos = base + distance
	return h.pos, nil
}

// SetEndOfFile makes the file end at the file pointer.
func (s *System) SetEndOfFile(ctx context.Context, h *Handle) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Error(s.api.SetInformationFile(ctx, h.h, nt.FileEndOfFileInformation, le.AppendUint64(nil, uint64(h.pos))))
}

// FlushFileBuffers makes what was written durable; on a pipe it waits until the other end has read it.
func (s *System) FlushFileBuffers(ctx context.Context, h *Handle) error {
	return Error(s.api.FlushBuffersFile(ctx, h.h))
}

// LockFileEx locks a range. Without LockFileFailImmediately it waits until it can be had or ctx ends; with it a range that is taken is WErrLockViolation.
func (s *System) LockFileEx(ctx context.Context, h *Handle, flags uint32, offset, length uint64) error {
	if flags&^(LockFileFailImmediately|LockFileExclusiveLock) != 0 {
		return nt.WErrInvalidParameter
	}
	return Error(s.api.LockFile(ctx, h.h, &api.LockArgs{Offset: offset, Length: length, Exclusive: flags&LockFileExclusiveLock != 0,
		FailImmediately: flags&LockFileFailImmediately != 0}))
}

// UnlockFileEx lets a lock of just this range go.
func (s *System) UnlockFileEx(ctx context.Context, h *Handle, offset, length uint64) error {
	return Error(s.api.UnlockFile(ctx, h.h, &api.LockArgs{Offset: offset, Length: length}))
}
