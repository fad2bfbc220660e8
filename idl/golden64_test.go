package idl_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"lwio/rpc/ndr"
)

// golden64 reads the messages of testdata/golden64, whose rows are: operation, request and response in NDR64, the same in NDR 2.0.
// Of a message, requestBE and answerBE hold the latter.
func golden64(t testing.TB) []message {
	t.Helper()
	return messages(t, "testdata/golden64/*.txt")
}

func (c codec) decodeRequest64(b []byte) (reflect.Value, *ndr.Decoder) {
	v := reflect.New(c.in)
	d := ndr.NewDecoder(b, ndr.LittleEndian)
	d.SetSyntax(ndr.NDR64)
	v.Interface().(interface{ UnmarshalNDR(*ndr.Decoder) }).UnmarshalNDR(d)
	return v, d
}

func (c codec) encodeRequest64(v reflect.Value) ([]byte, error) {
	e := ndr.NewEncoder(nil)
	e.SetSyntax(ndr.NDR64)
	v.Interface().(interface{ MarshalNDR(*ndr.Encoder) }).MarshalNDR(e)
	return e.Bytes(), e.Err()
}

func (c codec) decodeResponse64(b []byte, in reflect.Value) (reflect.Value, *ndr.Decoder) {
	v := reflect.New(c.out)
	d := ndr.NewDecoder(b, ndr.LittleEndian)
	d.SetSyntax(ndr.NDR64)
	v.MethodByName("UnmarshalNDR").Call([]reflect.Value{reflect.ValueOf(d), in})
	return v, d
}

func (c codec) encodeResponse64(v, in reflect.Value) ([]byte, error) {
	e := ndr.NewEncoder(nil)
	e.SetSyntax(ndr.NDR64)
	v.MethodByName("MarshalNDR").Call([]reflect.Value{reflect.ValueOf(e), in})
	return e.Bytes(), e.Err()
}

// TestGolden64 decodes messages in NDR64, expects what their forms in NDR 2.0 decode to, encodes it again and expects the
// same octets, in both syntaxes.
func TestGolden64(t *testing.T) {
	for _, m := range golden64(t) {
		c := codecOf(t, m)
		in, d := c.decodeRequest64(m.request)
		if d.Err() != nil || d.Remaining() != 0 {
			t.Errorf("%s:%d: %s: request: %v, %d octets are left\n%s", m.file, m.line, m.op, d.Err(), d.Remaining(), hex.Dump(m.request))
			continue
		}
		if again, err := c.encodeRequest64(in); err != nil || !sameOctets(again, m.request) {
			t.Errorf("%s:%d: %s: request: %v\n%s\nwant\n%s", m.file, m.line, m.op, err, hex.Dump(again), hex.Dump(m.request))
		}
		if in20, d := c.decodeRequest(m.requestBE, ndr.LittleEndian); d.Err() != nil || !reflect.DeepEqual(in.Interface(), in20.Interface()) {
			t.Errorf("%s:%d: %s: request: %+v, in NDR 2.0 %+v (%v)", m.file, m.line, m.op, in, in20, d.Err())
		}
		if m.response == nil {
			continue
		}
		out, d := c.decodeResponse64(m.response, in)
		if d.Err() != nil || d.Remaining() != 0 {
			t.Errorf("%s:%d: %s: response: %v, %d octets are left\n%s", m.file, m.line, m.op, d.Err(), d.Remaining(), hex.Dump(m.response))
			continue
		}
		if again, err := c.encodeResponse64(out, in); err != nil || !sameOctets(again, m.response) {
			t.Errorf("%s:%d: %s: response: %v\n%s\nwant\n%s", m.file, m.line, m.op, err, hex.Dump(again), hex.Dump(m.response))
		}
		if out20, d := c.decodeResponse(m.answerBE, ndr.LittleEndian, in); d.Err() != nil || !reflect.DeepEqual(out.Interface(), out20.Interface()) {
			t.Errorf("%s:%d: %s: response: %+v, in NDR 2.0 %+v (%v)", m.file, m.line, m.op, out, out20, d.Err())
		}
	}
}

// TestGolden64Truncated cuts every message at every octet: it fails as an *ndr.Error, unless what is cut off is padding.
func TestGolden64Truncated(t *testing.T) {
	for _, m := range golden64(t) {
		c := codecOf(t, m)
		in, _ := c.decodeRequest64(m.request)
		out, _ := c.decodeResponse64(m.response, in)
		for n := range m.request {
			v, d := c.decodeRequest64(m.request[:n])
			if !cut(d) && (len(m.request)-n > 8 || !reflect.DeepEqual(v.Interface(), in.Interface())) {
				t.Fatalf("%s:%d: %s: request cut to %d of %d octets: %v", m.file, m.line, m.op, n, len(m.request), d.Err())
			}
		}
		for n := range m.response {
			v, d := c.decodeResponse64(m.response[:n], in)
			if !cut(d) && (len(m.response)-n > 8 || !reflect.DeepEqual(v.Interface(), out.Interface())) {
				t.Fatalf("%s:%d: %s: response cut to %d of %d octets: %v", m.file, m.line, m.op, n, len(m.response), d.Err())
			}
		}
	}
}

// TestGolden64Mutated changes every octet of every request in several ways: what still decodes encodes, and decodes to the same again.
func TestGolden64Mutated(t *testing.T) {
	for _, m := range golden64(t) {
		c := codecOf(t, m)
		for i := range m.request {
			for _, x := range []byte{0x01, 0x80, 0xFF} {
				b := bytes.Clone(m.request)
				b[i] ^= x
				v, d := c.decodeRequest64(b)
				if d.Err() != nil {
					var e *ndr.Error
					if !errors.As(d.Err(), &e) {
						t.Fatalf("%s:%d: %s: octet %d ^ %#x: %v", m.file, m.line, m.op, i, x, d.Err())
					}
					continue
				}
				again, err := c.encodeRequest64(v)
				if err != nil {
					t.Fatalf("%s:%d: %s: octet %d ^ %#x: %v", m.file, m.line, m.op, i, x, err)
				}
				if w, d := c.decodeRequest64(again); d.Err() != nil || !reflect.DeepEqual(v.Interface(), w.Interface()) {
					t.Fatalf("%s:%d: %s: octet %d ^ %#x: %v (%v)", m.file, m.line, m.op, i, x, errUnstable, d.Err())
				}
			}
		}
	}
}
