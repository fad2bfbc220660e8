package kinds

import (
	"bytes"
	"slices"
	"testing"

	"lwio/rpc/ndr"
)

// TestPipe: a pipe follows the parameters of a request and leads those of a response (C706 14.3.9), and is taken in chunks of any size.
func TestPipe(t *testing.T) {
	x := StreamRequest{Sent: []byte("abcde"), After: 7}
	roundTrip(t, &x, []byte{7, 0, 0, 0, 5, 0, 0, 0, 'a', 'b', 'c', 'd', 'e', 0, 0, 0, 0, 0, 0, 0})

	var got StreamRequest
	d := ndr.NewDecoder([]byte{7, 0, 0, 0, 2, 0, 0, 0, 'a', 'b', 0, 0, 3, 0, 0, 0, 'c', 'd', 'e', 0, 0, 0, 0, 0}, ndr.LittleEndian)
	got.UnmarshalNDR(d)
	if d.Err() != nil || string(got.Sent) != "abcde" || d.Remaining() != 0 {
		t.Errorf("%q, %v", got.Sent, d.Err())
	}

	out := StreamResponse{Last: 9, Back: []PIECE{{1, 2}, {3, 4}}, Return: 5}
	e := ndr.NewEncoder(nil)
	out.MarshalNDR(e, &x)
	want := []byte{
		2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0,
	}
	if e.Err() != nil || !bytes.Equal(e.Bytes(), want) {
		t.Fatalf("%v\n%x\nwant\n%x", e.Err(), e.Bytes(), want)
	}
	var back StreamResponse
	d = ndr.NewDecoder(want, ndr.LittleEndian)
	back.UnmarshalNDR(d, &x)
	if d.Err() != nil || !slices.Equal(back.Back, out.Back) || back.Last != 9 || back.Return != 5 {
		t.Errorf("%+v, %v", back, d.Err())
	}
}

// TestPipeChunks: a long pipe goes in several chunks, in both transfer syntaxes.
func TestPipeChunks(t *testing.T) {
	x := StreamRequest{Sent: bytes.Repeat([]byte("0123456789abcdef"), 10000)}
	for _, syntax := range []ndr.Syntax{ndr.NDR20, ndr.NDR64} {
		e := ndr.NewEncoder(nil)
		e.SetSyntax(syntax)
		x.MarshalNDR(e)
		var got StreamRequest
		d := ndr.NewDecoder(e.Bytes(), ndr.LittleEndian)
		d.SetSyntax(syntax)
		got.UnmarshalNDR(d)
		if e.Err() != nil || d.Err() != nil || d.Remaining() != 0 || !bytes.Equal(got.Sent, x.Sent) {
			t.Errorf("%v: %v, %v, %d octets left", syntax, e.Err(), d.Err(), d.Remaining())
		}
	}
}

// TestHostilePipe: a chunk that promises more than there is takes no memory for it.
func TestHostilePipe(t *testing.T) {
	for _, b := range [][]byte{
		{7, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F, 'a'}, {7, 0, 0, 0, 1, 0, 0, 0}, {7, 0, 0, 0, 1, 0, 0, 0, 'a', 0, 0, 0},
	} {
		var got StreamRequest
		d := ndr.NewDecoder(b, ndr.LittleEndian)
		got.UnmarshalNDR(d)
		if d.Err() == nil || cap(got.Sent) > 64 {
			t.Errorf("%x: %v, %d octets", b, d.Err(), cap(got.Sent))
		}
	}
}

// TestBehind: what says which arm of a union counts may stand behind it. Both have to agree.
func TestBehind(t *testing.T) {
	name := "n"
	roundTrip(t, &BEHIND{First: 1, Either: ANSWER{Name: &name}}, nil)
	x := BEHIND{First: 1, Either: ANSWER{Number: 3}, IsNumber: 1}
	b := roundTrip(t, &x, nil)
	for _, syntax := range []ndr.Syntax{ndr.NDR20, ndr.NDR64} {
		e := ndr.NewEncoder(nil)
		e.SetSyntax(syntax)
		x.MarshalNDR(e)
		d := ndr.NewDecoder(e.Bytes(), ndr.LittleEndian)
		d.SetSyntax(syntax)
		var got BEHIND
		if got.UnmarshalNDR(d); d.Err() != nil || got != x {
			t.Errorf("%v: %+v, %v", syntax, got, d.Err())
		}
	}
	b[len(b)-4] = 0 // the member says the name, the union the number
	d := ndr.NewDecoder(b, ndr.LittleEndian)
	var got BEHIND
	if got.UnmarshalNDR(d); d.Err() == nil {
		t.Errorf("a union of one arm and its member of another decode as %+v", got)
	}
}
