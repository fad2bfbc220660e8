package idl_test

import (
	"errors"
	"reflect"
	"runtime"
	"sort"
	"testing"

	"lwio/rpc/ndr"
)

// operations lists every operation of every client, in an order that stays.
func operations() []codec {
	var names []string
	for n := range clients {
		names = append(names, n)
	}
	sort.Strings(names)
	var ops []codec
	for _, n := range names {
		t := reflect.TypeOf(clients[n])
		for i := range t.NumMethod() {
			m := t.Method(i).Type
			ops = append(ops, codec{m.In(2).Elem(), m.Out(0).Elem()})
		}
	}
	return ops
}

// FuzzStubData decodes anything as the request and the response of any operation. What decodes encodes, and comes back the same.
func FuzzStubData(f *testing.F) {
	ops := operations()
	for _, m := range golden(f) {
		c := codecOf(f, m)
		for i, op := range ops {
			if op == c {
				f.Add(uint16(i), m.request, m.response)
			}
		}
	}
	f.Fuzz(func(t *testing.T, op uint16, request, response []byte) {
		c := ops[int(op)%len(ops)]
		if err := c.stable(request); err != nil {
			t.Fatalf("%v: %v", c.in, err)
		}
		in, d := c.decodeRequest(request, ndr.LittleEndian)
		if d.Err() != nil {
			return
		}
		out, d := c.decodeResponse(response, ndr.LittleEndian, in)
		if d.Err() != nil {
			return
		}
		again, err := c.encodeResponse(out, in)
		if err != nil {
			t.Fatalf("%v: %v", c.out, err)
		}
		back, d := c.decodeResponse(again, ndr.LittleEndian, in)
		if d.Err() != nil || !reflect.DeepEqual(out.Interface(), back.Interface()) {
			t.Fatalf("%v: %v", c.out, d.Err())
		}
	})
}

// FuzzStubData64 does it in NDR64: what decodes there encodes in both syntaxes, and comes back the same from both.
func FuzzStubData64(f *testing.F) {
	ops := operations()
	for _, m := range golden64(f) {
		c := codecOf(f, m)
		for i, op := range ops {
			if op == c {
				f.Add(uint16(i), m.request, m.response)
			}
		}
	}
	f.Fuzz(func(t *testing.T, op uint16, request, response []byte) {
		c := ops[int(op)%len(ops)]
		in, d := c.decodeRequest64(request)
		if d.Err() != nil {
			return
		}
		wide, err := c.encodeRequest64(in)
		narrow, err20 := c.encodeRequest(in)
		if err != nil || err20 != nil && !errors.Is(err20, ndr.ErrTooLong) {
			t.Fatalf("%v: %v, %v", c.in, err, err20)
		}
		if back, d := c.decodeRequest64(wide); d.Err() != nil || !reflect.DeepEqual(in.Interface(), back.Interface()) {
			t.Fatalf("%v: %v", c.in, d.Err())
		}
		if back, d := c.decodeRequest(narrow, ndr.LittleEndian); err20 == nil && (d.Err() != nil || !reflect.DeepEqual(in.Interface(), back.Interface())) {
			t.Fatalf("%v in NDR 2.0: %v", c.in, d.Err())
		}
		out, d := c.decodeResponse64(response, in)
		if d.Err() != nil {
			return
		}
		wide, err = c.encodeResponse64(out, in)
		if err != nil {
			t.Fatalf("%v: %v", c.out, err)
		}
		if back, d := c.decodeResponse64(wide, in); d.Err() != nil || !reflect.DeepEqual(out.Interface(), back.Interface()) {
			t.Fatalf("%v: %v", c.out, d.Err())
		}
	})
}

// TestHostileCounts puts counts that promise much into every captured request, word by word, and looks at the memory it takes.
func TestHostileCounts(t *testing.T) {
	for _, m := range golden(t) {
		c := codecOf(t, m)
		for i := 0; i+4 <= len(m.request); i += 4 {
			for _, n := range []byte{0x7F, 0xFF} {
				b := append([]byte(nil), m.request...)
				b[i], b[i+1], b[i+2], b[i+3] = n, n, n, n
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				c.decodeRequest(b, ndr.LittleEndian)
				runtime.ReadMemStats(&after)
				if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
					t.Fatalf("%s:%d: %s: a count of %#x at %d took %d octets", m.file, m.line, m.op, n, i, took)
				}
			}
		}
	}
}
