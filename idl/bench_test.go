package idl_test

import (
	"reflect"
	"testing"

	"lwio/rpc/ndr"
)

// BenchmarkRequests decodes and encodes every captured request.
func BenchmarkRequests(b *testing.B) {
	type marshaler interface {
		MarshalNDR(*ndr.Encoder)
		UnmarshalNDR(*ndr.Decoder)
	}
	ms := golden(b)
	types := make([]reflect.Type, len(ms))
	values := make([]marshaler, len(ms))
	octets := 0
	for i, m := range ms {
		c := codecOf(b, m)
		types[i] = c.in
		v, _ := c.decodeRequest(m.request, ndr.LittleEndian)
		values[i] = v.Interface().(marshaler)
		octets += len(m.request)
	}
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(octets))
		b.ReportAllocs()
		var d ndr.Decoder
		for b.Loop() {
			for i, m := range ms {
				d.Reset(m.request, ndr.LittleEndian)
				reflect.New(types[i]).Interface().(marshaler).UnmarshalNDR(&d)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(octets))
		b.ReportAllocs()
		var e ndr.Encoder
		buf := make([]byte, 0, 4096)
		for b.Loop() {
			for _, v := range values {
				e.Reset(buf)
				v.MarshalNDR(&e)
			}
		}
	})
}
