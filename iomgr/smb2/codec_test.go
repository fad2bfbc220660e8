package smb2

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// appender is a pointer to a structure of the codec.
type appender[T any] interface {
	*T
	Append([]byte) []byte
}

// testCodec checks that each value survives Append and Parse, that Append does not care where in a buffer it writes, and
// that no body cut short parses, except when at most slack bytes, of padding, are missing.
func testCodec[T any, P appender[T]](t *testing.T, parse func([]byte) (T, error), slack int, values ...T) {
	t.Helper()
	for _, v := range values {
		body := P(&v).Append(nil)
		got, err := parse(body)
		if err != nil {
			t.Errorf("%T: own encoding does not parse: %v\n%x", v, err, body)
			continue
		}
		if !reflect.DeepEqual(got, v) {
			t.Errorf("round trip:\n got %+v\nwant %+v", got, v)
		}
		if prefixed := P(&v).Append([]byte("prefix")); !bytes.Equal(prefixed[6:], body) {
			t.Errorf("%T: encoding depends on what stands before it:\n got %x\nwant %x", v, prefixed[6:], body)
		}
		for n := range body {
			if _, err := parse(body[:n:n]); err == nil && n < len(body)-slack {
				t.Errorf("%T: %d of %d bytes parse", v, n, len(body))
			} else if err != nil && !isFormatError(err) {
				t.Errorf("%T: %d of %d bytes: error wraps no sentinel: %v", v, n, len(body), err)
			}
		}
	}
}

func isFormatError(err error) bool {
	for _, s := range []error{ErrTruncated, ErrStructureSize, ErrBounds, ErrAlignment, ErrValue, ErrProtocol, ErrFrame} {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}

// reject is a body that is spoilt at one place, and the error that it must give.
type reject struct {
	name string
	at   int
	with []byte
	want error
}

// testReject checks that a good body parses and that each spoilt one is refused for the right reason.
func testReject[T any](t *testing.T, parse func([]byte) (T, error), good []byte, cases ...reject) {
	t.Helper()
	if _, err := parse(good); err != nil {
		t.Fatalf("%T: good body: %v", *new(T), err)
	}
	for _, c := range cases {
		bad := bytes.Clone(good)
		copy(bad[c.at:], c.with)
		if _, err := parse(bad); !errors.Is(err, c.want) {
			t.Errorf("%T: %s: got error %v, want %v", *new(T), c.name, err, c.want)
		}
	}
}

// badOffsets spoils a pair of an offset field of width w at off, and a length field of width n at length: low is the first
// offset that is behind the fixed part, size the length of header and body.
func badOffsets(off, w, length, n, low, size int) []reject {
	field := func(v, width int) []byte { return le.AppendUint64(nil, uint64(v))[:width] }
	return []reject{
		{"offset in the fixed part", off, field(low-1, w), ErrBounds},
		{"offset in the header", off, field(0, w), ErrBounds},
		{"offset at the end", off, field(size, w), ErrBounds},
		{"largest offset", off, bytes.Repeat([]byte{0xFF}, w), ErrBounds},
		{"largest length", length, bytes.Repeat([]byte{0xFF}, n), ErrBounds},
		{"length one past the end", length, field(size-low+1, n), ErrBounds},
	}
}

// fuzzCodec checks that whatever parses also survives Append and Parse.
func fuzzCodec[T any, P appender[T]](f *testing.F, parse func([]byte) (T, error), values ...T) {
	for _, v := range values {
		f.Add(P(&v).Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parse(b)
		if err != nil {
			if !isFormatError(err) {
				t.Fatalf("error wraps no sentinel: %v", err)
			}
			return
		}
		again, err := parse(P(&v).Append(nil))
		if err != nil {
			t.Fatalf("own encoding of %+v does not parse: %v", v, err)
		}
		if !reflect.DeepEqual(again, v) {
			t.Fatalf("round trip:\n got %+v\nwant %+v", again, v)
		}
	})
}

func seq(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + 1)
	}
	return b
}

func seq16() [16]byte { return [16]byte(seq(16)) }

var testID = FileID{Persistent: 0x1122334455667788, Volatile: 0x99AABBCCDDEEFF00}
