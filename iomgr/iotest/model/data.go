package model

import (
	"bytes"
	"fmt"
	"strings"

	"lwio/iomgr/nt"
)

// judgeData is what stands in the way of reads, writes and new sizes (MS-FSA 2.1.5.3, 2.1.5.4, 2.1.5.15.4, 2.1.5.15.1).
func (o *open) judgeData(op Op) (v Verdict) {
	refuse := func(is bool, s nt.Status) {
		if is {
			v.Must = append(v.Must, s)
		}
	}
	directory := o.file.dir && o.stream.name == ""
	end := int64(len(o.stream.data))
	switch op.Verb {
	case Read:
		refuse(o.access&reads == 0, nt.StatusAccessDenied)
		refuse(directory, nt.StatusInvalidDeviceRequest)
		refuse(!directory && op.Offset >= end, nt.StatusEndOfFile)
		refuse(o.stream.locked(lock{by: o, offset: uint64(op.Offset), length: uint64(op.Length)}), nt.StatusFileLockConflict)
	case Write:
		refuse(o.access&writes == 0, nt.StatusAccessDenied)
		refuse(directory, nt.StatusInvalidDeviceRequest)
		refuse(o.stream.locked(lock{by: o, offset: uint64(o.writesAt(op)), length: uint64(op.Length), exclusive: true}), nt.StatusFileLockConflict)
	case Size, Allocate:
		refuse(o.access&nt.FileWriteData == 0, nt.StatusAccessDenied)
		refuse(directory, nt.StatusInvalidParameter)
		// Whether a lock of another keeps the end, the specification leaves to the object store.
		from, to := min(end, op.Length), max(end, op.Length)
		if o.stream.locked(lock{by: o, offset: uint64(from), length: uint64(to - from), exclusive: true}) {
			v.May = append(v.May, nt.StatusFileLockConflict)
		}
	}
	return v
}

// writesAt is where a write goes: to the end, if the open may only append.
func (o *open) writesAt(op Op) int64 {
	if o.access&nt.FileWriteData == 0 {
		return int64(len(o.stream.data))
	}
	return op.Offset
}

func (o *open) read(op Op) string {
	data := o.stream.data[op.Offset:]
	return show(data[:min(op.Length, int64(len(data)))])
}

func (o *open) write(op Op) string {
	at := o.writesAt(op)
	if end := at + op.Length; end > int64(len(o.stream.data)) {
		o.stream.resize(end)
	}
	copy(o.stream.data[at:], bytes.Repeat([]byte{op.Fill}, int(op.Length)))
	o.modified()
	return fmt.Sprint(op.Length)
}

// modified follows MS-FSA 2.1.4.17.
func (o *open) modified() {
	if !o.file.dir {
		o.file.attrs |= nt.FileAttributeArchive
	}
}

func (s *stream) resize(size int64) {
	data := make([]byte, size)
	copy(data, s.data)
	s.data = data
}

// show gives bytes as runs: 3a2.1b is aaa, two zeros, b.
func show(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		n := 1
		for n < len(b) && b[n] == b[0] {
			n++
		}
		c := b[0]
		if c == 0 {
			c = '.'
		}
		fmt.Fprintf(&out, "%d%c", n, c)
		b = b[n:]
	}
	return out.String()
}
