package eventlog

import (
	"context"

	gen "lwio/gen/eventlog"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// read gives as many records as fit (MS-EVEN 3.1.4.7). A sequential read goes on where the handle's last one ended.
func (s *Service) read(call *rpc.Call, h rpc.ContextHandle, flags, offset, size uint32, wide bool) (buf []byte, n, needed uint32, status nt.Status, err error) {
	l, status, err := logOf(call, h, logRead)
	if err != nil {
		return nil, 0, 0, 0, err
	}
	buf = make([]byte, size)
	sequential, seek := flags&gen.EVENTLOG_SEQUENTIAL_READ != 0, flags&gen.EVENTLOG_SEEK_READ != 0
	forwards, backwards := flags&gen.EVENTLOG_FORWARDS_READ != 0, flags&gen.EVENTLOG_BACKWARDS_READ != 0
	switch {
	case status != nt.StatusSuccess:
		return buf, 0, 0, status, nil
	case flags&^uint32(0xF) != 0 || sequential == seek || forwards == backwards:
		return buf, 0, 0, nt.StatusInvalidParameter, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest, next, cleared := l.Bounds()
	if cleared != l.cleared {
		l.next, l.cleared = 0, cleared
	}
	at := l.next
	switch {
	case seek:
		if at = offset; at < oldest || at >= next {
			return buf, 0, 0, nt.StatusInvalidParameter, nil
		}
	case at == 0 && backwards:
		at = next - 1
	case forwards:
		at = max(at, oldest)
	}
	out := buf[:0]
	for at >= oldest && at < next && at != 0 {
		r, err := l.Record(at)
		if err != nil {
			break // the log was cleared, or grew over it
		}
		if record := AppendRecord(nil, &r, wide); len(out)+len(record) <= int(size) {
			out = append(out, record...)
		} else {
			if len(out) == 0 {
				return buf, 0, uint32(len(record)), nt.StatusBufferTooSmall, nil
			}
			break
		}
		if forwards {
			at++
		} else {
			at--
		}
	}
	if len(out) == 0 {
		return buf, 0, 0, nt.StatusEndOfFile, nil
	}
	if l.next = at; at == 0 {
		l.next = next // behind the first record, backwards: what comes next is at an end whichever way
		if backwards {
			l.next = ended
		}
	}
	return buf, uint32(len(out)), 0, nt.StatusSuccess, nil
}

// ended is where a handle is that has read the first record backwards.
const ended = 0xFFFFFFFF

// ElfrReadELW reads records (MS-EVEN 3.1.4.7).
func (s *Service) ElfrReadELW(_ context.Context, call *rpc.Call, in *gen.ElfrReadELWRequest) (*gen.ElfrReadELWResponse, error) {
	buf, n, needed, status, err := s.read(call, in.LogHandle, in.ReadFlags, in.RecordOffset, in.NumberOfBytesToRead, true)
	return &gen.ElfrReadELWResponse{Buffer: buf, NumberOfBytesRead: n, MinNumberOfBytesNeeded: needed, Return: result(status)}, err
}

// ElfrReadELA reads records in octets (MS-EVEN 3.1.4.8).
func (s *Service) ElfrReadELA(_ context.Context, call *rpc.Call, in *gen.ElfrReadELARequest) (*gen.ElfrReadELAResponse, error) {
	buf, n, needed, status, err := s.read(call, in.LogHandle, in.ReadFlags, in.RecordOffset, in.NumberOfBytesToRead, false)
	return &gen.ElfrReadELAResponse{Buffer: buf, NumberOfBytesRead: n, MinNumberOfBytesNeeded: needed, Return: result(status)}, err
}
