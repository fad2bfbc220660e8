package state

import (
	"encoding/binary"
	"fmt"
	"strings"

	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// The values of tables begin with a version byte. What follows is either NDR of a generated type, where the interface that
// describes it grows at its end only, or fields one after another: integers as uvarints, strings and bytes with their length as
// a uvarint before them. Fields are added at the end; one that an older record lacks reads as zero.

// recordWriter builds a record of fields.
type recordWriter struct{ b []byte }

func (w *recordWriter) u64(v uint64)    { w.b = binary.AppendUvarint(w.b, v) }
func (w *recordWriter) u32(v uint32)    { w.u64(uint64(v)) }
func (w *recordWriter) time(v nt.Time)  { w.u64(uint64(v)) }
func (w *recordWriter) bytes(v []byte)  { w.u64(uint64(len(v))); w.b = append(w.b, v...) }
func (w *recordWriter) string(v string) { w.u64(uint64(len(v))); w.b = append(w.b, v...) }
func (w *recordWriter) sid(v nt.SID)    { w.bytes(v.Append(nil)) }

// recordReader reads one. After the first error, and past the end, it gives zero values.
type recordReader struct {
	b   []byte
	bad bool
}

func (r *recordReader) u64() uint64 {
	if len(r.b) == 0 {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *recordReader) u32() uint32 {
	v := r.u64()
	if v > 0xFFFFFFFF {
		r.bad, r.b = true, nil
		return 0
	}
	return uint32(v)
}

func (r *recordReader) time() nt.Time { return nt.Time(r.u64()) }

// bytes aliases the record.
func (r *recordReader) bytes() []byte {
	n := r.u64()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *recordReader) string() string { return string(r.bytes()) }

func (r *recordReader) sid() nt.SID {
	b := r.bytes()
	if len(b) == 0 {
		return nt.SID{}
	}
	sid, n, err := nt.DecodeSID(b)
	if err != nil || n != len(b) {
		r.bad = true
		return nt.SID{}
	}
	return sid
}

// openRecord checks the version of a record of fields; newer programs may have added fields, which are not looked at.
func openRecord(what string, b []byte, version byte) (*recordReader, error) {
	if len(b) == 0 || b[0] == 0 || b[0] > version {
		return nil, fmt.Errorf("%w: %s is of another version", ErrCorrupt, what)
	}
	return &recordReader{b: b[1:]}, nil
}

func (r *recordReader) err(what string) error {
	if r.bad {
		return fmt.Errorf("%w: %s", ErrCorrupt, what)
	}
	return nil
}

// ndrVersion is the version byte of NDR records.
const ndrVersion = 1

type ndrType interface {
	MarshalNDR(*ndr.Encoder)
	UnmarshalNDR(*ndr.Decoder)
}

func encodeNDR(what string, x ndrType) ([]byte, error) {
	e := ndr.NewEncoder(nil)
	x.MarshalNDR(e)
	if err := e.Err(); err != nil {
		return nil, fmt.Errorf("state: encode %s: %w", what, err)
	}
	return append([]byte{ndrVersion}, e.Bytes()...), nil
}

func decodeNDR(what string, b []byte, x ndrType) error {
	if len(b) == 0 || b[0] != ndrVersion {
		return fmt.Errorf("%w: %s is of another version", ErrCorrupt, what)
	}
	d := ndr.NewDecoder(b[1:], ndr.LittleEndian)
	x.UnmarshalNDR(d)
	if err := d.Err(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, what, err)
	}
	return nil
}

// nameKey is the key of something that is named without regard to case.
func nameKey(prefix, name string) (string, error) {
	key := prefix + nt.Upcase(name)
	if name == "" || len(key) > MaxKey || strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("%w: name %q", ErrInvalid, name)
	}
	return key, nil
}
