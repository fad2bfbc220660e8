package ndr

import "encoding/binary"

// Type serialization version 1 (MS-RPCE 2.2.6): one value outside any call, behind a common header that gives its byte order
// and a private header that gives its length. Kerberos PACs and claims are made of such values.
const (
	serializationVersion = 1
	commonHeaderLen      = 8
	privateHeaderLen     = 8
)

// maxSerialized is the longest object that the private header can tell of, padded.
const maxSerialized = 0xFFFFFFF8

// ParseTypeSerialization reads into x a value of type serialization version 1 that was serialized behind a unique pointer,
// as every one of a PAC is (MS-PAC 2.1). What follows the value is not looked at: senders pad it. A NULL pointer is
// ErrNullReference, and other headers than version 1's are ErrRepresentation.
func ParseTypeSerialization(b []byte, x interface{ UnmarshalNDR(*Decoder) }) error {
	if len(b) < commonHeaderLen+privateHeaderLen {
		return &Error{Err: ErrTruncated, Off: len(b), What: "type serialization header"}
	}
	// Endianness holds the integer half of a data representation; the characters of type serialization are always ASCII (2.2.6.1).
	r := Representation{b[1], 0, 0, 0}
	order, err := r.ByteOrder()
	if err != nil || b[0] != serializationVersion || order.Uint16(b[2:]) != commonHeaderLen {
		return &Error{Err: ErrRepresentation, What: "type serialization header"}
	}
	object := b[commonHeaderLen+privateHeaderLen:]
	n := order.Uint32(b[commonHeaderLen:])
	if uint64(n) > uint64(len(object)) {
		return &Error{Err: ErrTruncated, Off: len(b), What: "ObjectBufferLength"}
	}
	d := NewDecoder(object[:n], r)
	if !d.Pointer() {
		d.Fail(ErrNullReference, "top-level pointer")
	}
	if d.Err() == nil {
		x.UnmarshalNDR(d)
	}
	return d.Err()
}

// AppendTypeSerialization appends x to b as ParseTypeSerialization reads it, padded to a multiple of 8 octets. On an error it
// returns b as it was.
func AppendTypeSerialization(b []byte, x interface{ MarshalNDR(*Encoder) }) ([]byte, error) {
	start := len(b)
	h := append(b, serializationVersion, LittleEndian[0], commonHeaderLen, 0, 0xCC, 0xCC, 0xCC, 0xCC)
	h = append(h, make([]byte, privateHeaderLen)...)
	e := NewEncoder(h)
	e.Pointer(true)
	x.MarshalNDR(e)
	e.Align(8)
	if e.Err() == nil && uint64(e.Len()) > maxSerialized {
		e.Fail(ErrTooLong, "ObjectBufferLength")
	}
	if err := e.Err(); err != nil {
		return b, err
	}
	out := e.Bytes()
	binary.LittleEndian.PutUint32(out[start+commonHeaderLen:], uint32(e.Len()))
	return out, nil
}
