package eventlog

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"lwio/iomgr/nt"
	"lwio/services/state"
)

// The layout of a record (MS-EVEN 2.2.3, EVENTLOGRECORD): a head, source and computer, the SID, the strings, data, and the length once more.
const (
	headSize   = 56
	minRecord  = headSize + 4
	signature  = "LfLe"
	tailLength = 4
)

// ErrRecord says that octets are no record.
var ErrRecord = errors.New("eventlog: not a record")

// AppendRecord lays a record out, with its texts in UTF-16 or in octets.
func AppendRecord(b []byte, r *state.EventRecord, wide bool) []byte {
	text := func(b []byte, s string) []byte {
		if wide {
			return nt.AppendUTF16(b, s+"\x00")
		}
		return append(append(b, s...), 0)
	}
	start := len(b)
	b = append(b, make([]byte, headSize)...)
	b = text(b, r.Source)
	b = text(b, r.Computer)
	for (len(b)-start)%4 != 0 {
		b = append(b, 0)
	}
	sidAt := len(b) - start
	sidLen := 0
	if !r.User.IsZero() {
		b = r.User.Append(b)
		sidLen = len(b) - start - sidAt
	}
	stringsAt := len(b) - start
	for _, s := range r.Strings {
		b = text(b, s)
	}
	dataAt := len(b) - start
	b = append(b, r.Data...)
	for (len(b)-start)%4 != 0 {
		b = append(b, 0)
	}
	size := uint32(len(b) - start + 4)
	b = binary.LittleEndian.AppendUint32(b, size)
	h := b[start:]
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(h[at:], v) }
	put(0, size)
	copy(h[4:], signature)
	put(8, r.Number)
	put(12, uint32(r.Generated.Go().Unix()))
	put(16, uint32(r.Written.Go().Unix()))
	put(20, r.ID)
	binary.LittleEndian.PutUint16(h[24:], r.Type)
	binary.LittleEndian.PutUint16(h[26:], uint16(len(r.Strings)))
	binary.LittleEndian.PutUint16(h[28:], r.Category)
	put(36, uint32(stringsAt))
	put(40, uint32(sidLen))
	put(44, uint32(sidAt))
	put(48, uint32(len(r.Data)))
	put(52, uint32(dataAt))
	return b
}

// ParseRecord reads the record that b begins with, and gives its length besides. Times are of whole seconds.
func ParseRecord(b []byte, wide bool) (r state.EventRecord, n int, err error) {
	if len(b) < minRecord || string(b[4:8]) != signature {
		return r, 0, ErrRecord
	}
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	size := word(0)
	if size < minRecord || size%4 != 0 || uint64(size) > uint64(len(b)) || word(int(size)-tailLength) != size {
		return r, 0, ErrRecord
	}
	b = b[:size-tailLength]
	// in is what lies between two places, which have to be behind the head and in order.
	in := func(from, length uint32) ([]byte, bool) {
		if from < headSize || uint64(from)+uint64(length) > uint64(len(b)) {
			return nil, false
		}
		return b[from : from+length], true
	}
	r = state.EventRecord{Number: word(8), Generated: nt.TimeOf(time.Unix(int64(word(12)), 0)), Written: nt.TimeOf(time.Unix(int64(word(16)), 0)), ID: word(20),
		Type: binary.LittleEndian.Uint16(b[24:]), Category: binary.LittleEndian.Uint16(b[28:])}
	rest := b[headSize:]
	var ok bool
	if r.Source, rest, ok = cutText(rest, wide); !ok {
		return r, 0, ErrRecord
	}
	if r.Computer, _, ok = cutText(rest, wide); !ok {
		return r, 0, ErrRecord
	}
	if length := word(40); length > 0 {
		sid, ok := in(word(44), length)
		if !ok {
			return r, 0, ErrRecord
		}
		var n int
		if r.User, n, err = nt.DecodeSID(sid); err != nil || n != len(sid) {
			return r, 0, ErrRecord
		}
	}
	if length := word(48); length > 0 {
		data, ok := in(word(52), length)
		if !ok {
			return r, 0, ErrRecord
		}
		r.Data = slices.Clone(data)
	}
	if count := binary.LittleEndian.Uint16(b[26:]); count > 0 {
		at := word(36)
		if at < headSize || uint64(at) > uint64(len(b)) {
			return r, 0, ErrRecord
		}
		rest := b[at:]
		for range count {
			var s string
			if s, rest, ok = cutText(rest, wide); !ok {
				return r, 0, ErrRecord
			}
			r.Strings = append(r.Strings, s)
		}
	}
	return r, int(size), nil
}

// cutText takes a text with its terminator off the beginning.
func cutText(b []byte, wide bool) (s string, rest []byte, ok bool) {
	if !wide {
		i := slices.Index(b, 0)
		if i < 0 {
			return "", nil, false
		}
		return string(b[:i]), b[i+1:], true
	}
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return nt.DecodeUTF16(b[:i]), b[i+2:], true
		}
	}
	return "", nil, false
}
