package smb2

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestFrameHeader(t *testing.T) {
	b := AppendFrameHeader(nil, 0x012345)
	if !bytes.Equal(b, []byte{0, 1, 0x23, 0x45}) {
		t.Errorf("header %x", b)
	}
	var w [4]byte
	PutFrameHeader(w[:], 0x012345)
	if !bytes.Equal(b, w[:]) {
		t.Errorf("PutFrameHeader %x, AppendFrameHeader %x", w, b)
	}
	if n, err := ParseFrameHeader(b, 0x012345); n != 0x012345 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if _, err := ParseFrameHeader(b, 0x012344); !errors.Is(err, ErrFrame) {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := ParseFrameHeader([]byte{0x85, 0, 0, 0}, 100); !errors.Is(err, ErrFrame) {
		t.Errorf("NetBIOS keepalive: %v", err)
	}
	if _, err := ParseFrameHeader(b[:3], 100); !errors.Is(err, ErrTruncated) {
		t.Errorf("cut short: %v", err)
	}
}

func TestFrameReader(t *testing.T) {
	stream := append(AppendFrameHeader(nil, 5), "hello"...)
	stream = append(stream, AppendFrameHeader(nil, 0)...)
	stream = append(append(stream, AppendFrameHeader(nil, 3)...), "you"...)
	f := FrameReader{R: iotest.OneByteReader(bytes.NewReader(stream)), Limit: 5}
	buf := make([]byte, 0, 4)
	for _, want := range []string{"hello", "", "you"} {
		got, err := f.Frame(buf)
		if err != nil || string(got) != want || cap(got)-len(got) < SealTailroom {
			t.Fatalf("got %q, %v, capacity %d", got, err, cap(got))
		}
		buf = got
	}
	if _, err := f.Frame(buf); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	for n := 1; n < 9; n++ {
		f := FrameReader{R: bytes.NewReader(stream[:n]), Limit: 5}
		if _, err := f.Frame(nil); err != io.ErrUnexpectedEOF {
			t.Errorf("stream of %d bytes: %v", n, err)
		}
	}
	f = FrameReader{R: bytes.NewReader(stream), Limit: 4}
	if _, err := f.Frame(nil); !errors.Is(err, ErrFrame) {
		t.Errorf("over the limit: %v", err)
	}
}

func FuzzFrameHeader(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := ParseFrameHeader(b, 65536)
		if err == nil && (n > 65536 || !bytes.Equal(AppendFrameHeader(nil, n), b[:4])) {
			t.Fatalf("%x: %d", b, n)
		}
	})
}
