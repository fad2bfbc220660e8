package msrpc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"

	mndr "github.com/oiweiwei/go-msrpc/ndr"

	"github.com/oiweiwei/go-msrpc/msrpc/dtyp"
	mwinreg "github.com/oiweiwei/go-msrpc/msrpc/rrp/winreg/v1"
	msamr "github.com/oiweiwei/go-msrpc/msrpc/samr/samr/v1"
	msvcctl "github.com/oiweiwei/go-msrpc/msrpc/scmr/svcctl/v2"
	msrvsvc "github.com/oiweiwei/go-msrpc/msrpc/srvs/srvsvc/v3"

	"lwio/rpc/ndr"
	"lwio/rpc/rpctest"
)

var bg = context.Background()

// stub is what a stub writes, and what one reads.
type stub interface {
	mndr.Marshaler
	mndr.Unmarshaler
}

func encode(t testing.TB, s ndr.Syntax, m mndr.Marshaler) []byte {
	t.Helper()
	e := ndr.NewEncoder([]byte("header")) // so that what is put right is found behind one
	e.SetSyntax(s)
	w := newWriter(e)
	if err := m.MarshalNDR(bg, w); err != nil {
		t.Fatal(err)
	}
	if err := w.finish(); err != nil {
		t.Fatal(err)
	}
	return e.Bytes()[len("header"):]
}

func decode(b []byte, s ndr.Syntax, u mndr.Unmarshaler) error {
	d := ndr.NewDecoder(b, ndr.LittleEndian)
	d.SetSyntax(s)
	r := newReader(d)
	err := contain(func() error { return u.UnmarshalNDR(bg, r) })
	if err == nil {
		err = r.Err()
	}
	return err
}

// messages are of all kinds: strings by value and by pointer, counted strings, unions, arrays of structures, handles, varying arrays.
var messages = []struct {
	name string
	m    stub
	zero func() stub
}{
	{"GetInfoRequest", &msrvsvc.GetInfoRequest{ServerName: "größer 語😀", Level: 101}, func() stub { return new(msrvsvc.GetInfoRequest) }},
	{"ShareEnumResponse", &msrvsvc.ShareEnumResponse{TotalEntries: 2, Info: &msrvsvc.ShareEnum{Level: 1, ShareInfo: &msrvsvc.ShareEnumUnion{Value: &msrvsvc.ShareEnumUnion_Level1{
		Level1: &msrvsvc.ShareInfo1Container{EntriesRead: 2, Buffer: []*msrvsvc.ShareInfo1{{NetworkName: "data", Remark: "für alle"}, {NetworkName: "IPC$", Type: 3, Remark: "é"}}}}}}},
		func() stub { return new(msrvsvc.ShareEnumResponse) }},
	{"EnumerateDomains", &msamr.EnumerateDomainsInSAMServerResponse{CountReturned: 1, Buffer: &msamr.EnumerationBuffer{EntriesRead: 1, Buffer: []*msamr.RIDEnumeration{
		{RelativeID: 1, Name: &dtyp.UnicodeString{Length: 14, MaximumLength: 16, Buffer: "Builtin"}}}}}, func() stub { return new(msamr.EnumerateDomainsInSAMServerResponse) }},
	{"OpenServiceW", &msvcctl.OpenServiceWRequest{ServiceManager: &msvcctl.Handle{Attributes: 0, UUID: &dtyp.GUID{Data1: 1, Data2: 2, Data3: 3, Data4: []byte{1, 2, 3, 4, 5, 6, 7, 8}}},
		ServiceName: "größer", DesiredAccess: 7}, func() stub { return new(msvcctl.OpenServiceWRequest) }},
	{"QueryValueResponse", &mwinreg.BaseRegQueryValueResponse{Type: 1, Data: []byte("value"), DataLength: 5, Length: 5}, func() stub { return new(mwinreg.BaseRegQueryValueResponse) }},
}

func TestRoundTrip(t *testing.T) {
	for _, m := range messages {
		for _, s := range []ndr.Syntax{ndr.NDR20, ndr.NDR64} {
			b := encode(t, s, m.m)
			got := m.zero()
			if err := decode(b, s, got); err != nil {
				t.Errorf("%s, %s: %v\n%x", m.name, s, err, b)
			} else if !reflect.DeepEqual(got, m.m) {
				t.Errorf("%s, %s:\n%+v\n%+v", m.name, s, got, m.m)
			}
		}
	}
}

// Where go-msrpc is right, its writer and ours write the same, but for referent identifiers.
func TestLikeTheirs(t *testing.T) {
	for _, m := range []stub{messages[2].m, messages[4].m, &msrvsvc.GetInfoRequest{ServerName: "SERVER", Level: 101}} {
		theirs, err := mndr.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		ours := encode(t, ndr.NDR20, m)
		if len(theirs) != len(ours) {
			t.Fatalf("%T: %d octets, theirs are %d", m, len(ours), len(theirs))
		}
		for i := 0; i+4 <= len(ours); i += 4 {
			a, b := binary.LittleEndian.Uint32(ours[i:]), binary.LittleEndian.Uint32(theirs[i:])
			if a != b && (a < 0x20000 || b == 0) {
				t.Errorf("%T at %d: %#x, theirs is %#x", m, i, a, b)
			}
		}
		back := reflect.New(reflect.TypeOf(m).Elem()).Interface().(stub)
		if err := decode(theirs, ndr.NDR20, back); err != nil || !reflect.DeepEqual(back, m) {
			t.Errorf("theirs read by ours: %v, %+v", err, back)
		}
	}
}

// A stub fills an array to the count beside it. What a peer gave for that ends at the limit, and not when memory does.
func TestCountBomb(t *testing.T) {
	m := &mwinreg.BaseRegSetValueRequest{Key: &mwinreg.Key{UUID: &dtyp.GUID{}}, ValueName: &mwinreg.UnicodeString{Buffer: "a"}, Type: 3, Data: []byte{1}, DataLength: 0xFFFFFFFF}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	e := ndr.NewEncoder(nil)
	w := newWriter(e)
	w.most = 1 << 20
	if err := contain(func() error { return m.MarshalNDR(bg, w) }); !errors.Is(err, ndr.ErrLimit) {
		t.Errorf("%v, want %v", err, ndr.ErrLimit)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 || e.Len() > 2<<20 {
		t.Errorf("%d octets are written, %d of memory taken", e.Len(), took)
	}
}

// A string's counts are those of its UTF-16, which go-msrpc takes from its UTF-8.
func TestStringCounts(t *testing.T) {
	for s, n := range map[string]uint32{"abc": 4, "ü": 2, "größer": 7, "語語": 3, "😀": 3, "a😀é": 5} {
		b := encode(t, ndr.NDR20, &msrvsvc.GetInfoRequest{ServerName: s, Level: 5})
		most, count := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[12:])
		if most != n || count != n {
			t.Errorf("%q: %d and %d, want %d", s, most, count, n)
		}
		end := (16 + 2*int(n) + 3) &^ 3
		if len(b) != end+4 || binary.LittleEndian.Uint32(b[end:]) != 5 {
			t.Errorf("%q: %x", s, b)
		}
	}
	// An array of shorts is written whole, and is not a string.
	e := ndr.NewEncoder(nil)
	w := newWriter(e)
	for _, n := range []uint64{3, 0, 3} {
		w.WriteSize(n)
	}
	for _, u := range []uint16{1, 0, 2, 9} {
		w.WriteData(u)
	}
	w.WriteData(uint32(1))
	if err := w.finish(); err != nil || !bytes.Equal(e.Bytes()[:12], []byte{3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0}) {
		t.Errorf("%v, %x", err, e.Bytes())
	}
}

// lengthBomb is a request whose server name says that it is 4 GiB long.
var lengthBomb = []byte{0, 0, 2, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 'a', 0, 0, 0, 5, 0, 0, 0}

// A string's length makes nothing that its octets do not fill.
func TestLengthBomb(t *testing.T) {
	for _, n := range []uint32{11, 0x1000, 0x00FFFFFF, 0x3FFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF} {
		b := append([]byte{}, lengthBomb...)
		binary.LittleEndian.PutUint32(b[4:], n)
		binary.LittleEndian.PutUint32(b[12:], n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := decode(b, ndr.NDR20, new(msrvsvc.GetInfoRequest))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ndr.ErrTruncated) {
			t.Errorf("length %#x: %v", n, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<10 {
			t.Errorf("length %#x takes %d octets of memory", n, took)
		}
	}
	wide := make([]byte, 64)
	wide[0] = 1
	binary.LittleEndian.PutUint64(wide[8:], math.MaxUint64)
	binary.LittleEndian.PutUint64(wide[24:], math.MaxUint64)
	if err := decode(wide, ndr.NDR64, new(msrvsvc.GetInfoRequest)); !errors.Is(err, ndr.ErrTruncated) {
		t.Errorf("in NDR64: %v", err)
	}
}

// aliasBomb is a request of BaseRegQueryValue whose pointers all have one referent identifier, though one is to a long and another to octets.
func aliasBomb() []byte {
	b := make([]byte, 20)                                           // the handle
	b = append(b, 2, 0, 2, 0, 1, 0, 0, 0)                           // lpValueName
	b = append(b, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'a', 0, 0, 0) //
	b = append(b, 1, 0, 0, 0, 7, 0, 0, 0)                           // lpType, by the identifier that the name has
	b = append(b, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0)   // lpData
	b = append(b, "data"...)                                        //
	b = append(b, 1, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0)   // lpcbData, lpcbLen
	return b
}

// Each pointer has a referent of its own. go-msrpc's reader shows that the bomb is one.
func TestAliasBomb(t *testing.T) {
	b := aliasBomb()
	if err := contain(func() error { return mndr.Unmarshal(b, new(mwinreg.BaseRegQueryValueRequest)) }); !errors.Is(err, ErrStub) {
		t.Errorf("go-msrpc's own reader: %v", err)
	}
	var in mwinreg.BaseRegQueryValueRequest
	if err := decode(b, ndr.NDR20, &in); err != nil {
		t.Fatal(err)
	}
	if in.ValueName.Buffer != "a" || in.Type != 7 || string(in.Data) != "data" || in.DataLength != 4 || in.Length != 4 {
		t.Errorf("%+v", in)
	}
}

// list is a type whose values nest as deep as the peer likes.
type list struct{ next *list }

func (l *list) UnmarshalNDR(_ context.Context, r mndr.Reader) error {
	return r.ReadPointer(&l.next, func(v any) { l.next = *v.(**list) }, mndr.UnmarshalNDRFunc(func(ctx context.Context, r mndr.Reader) error {
		l.next = new(list)
		return l.next.UnmarshalNDR(ctx, r)
	}))
}

func (l *list) MarshalNDR(_ context.Context, w mndr.Writer) error {
	if l.next == nil {
		return w.WritePointer(nil)
	}
	return w.WritePointer(&l.next, mndr.MarshalNDRFunc(func(ctx context.Context, w mndr.Writer) error { return l.next.MarshalNDR(ctx, w) }))
}

func TestDepth(t *testing.T) {
	for _, tt := range []struct {
		n    int
		want error
	}{{10, nil}, {maxDepth - 2, nil}, {maxDepth + 10, ndr.ErrDepth}, {1 << 20, ndr.ErrDepth}} {
		b := append(bytes.Repeat([]byte{1, 0, 0, 0}, tt.n), 0, 0, 0, 0)
		var l list
		if err := newReader(ndr.NewDecoder(b, ndr.LittleEndian)).Unmarshal(bg, &l); !errors.Is(err, tt.want) {
			t.Errorf("%d deep: %v", tt.n, err)
		}
	}
	var cycle list
	cycle.next = &cycle
	if _, err := newWriter(ndr.NewEncoder(nil)).Marshal(bg, &cycle); !errors.Is(err, ndr.ErrDepth) {
		t.Errorf("a cycle: %v", err)
	}
}

// Every message that is cut short is an error, never a panic.
func TestTruncated(t *testing.T) {
	for _, m := range messages {
		for _, s := range []ndr.Syntax{ndr.NDR20, ndr.NDR64} {
			b := encode(t, s, m.m)
			for n := range b {
				if err := decode(b[:n], s, m.zero()); err == nil || errors.Is(err, ErrStub) {
					t.Fatalf("%s, %s, %d of %d octets: %v", m.name, s, n, len(b), err)
				}
			}
		}
	}
}

// Mutations take memory in proportion to their octets, and no stub panics.
func TestMutated(t *testing.T) {
	for _, m := range messages {
		b := encode(t, ndr.NDR20, m.m)
		mut := rpctest.NewMutator(1)
		for range 2000 {
			x := mut.Mutate(b)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := decode(x, ndr.NDR20, m.zero())
			runtime.ReadMemStats(&after)
			if errors.Is(err, ErrStub) {
				t.Fatalf("%s: %x: %v", m.name, x, err)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > uint64(16<<10+256*len(x)) {
				t.Fatalf("%s: %d octets take %d of memory: %x", m.name, len(x), took, x)
			}
		}
	}
}

func FuzzReader(f *testing.F) {
	for i, m := range messages {
		f.Add(uint8(i), false, encode(f, ndr.NDR20, m.m))
		f.Add(uint8(i), true, encode(f, ndr.NDR64, m.m))
	}
	f.Add(uint8(0), false, lengthBomb)
	f.Fuzz(func(t *testing.T, which uint8, wide bool, b []byte) {
		m, s := messages[int(which)%len(messages)], ndr.NDR20
		if wide {
			s = ndr.NDR64
		}
		if err := decode(b, s, m.zero()); errors.Is(err, ErrStub) {
			t.Fatalf("%s: %v", m.name, err)
		}
	})
}

// Scalars in both syntaxes; what the sides do not have.
func TestScalars(t *testing.T) {
	for _, s := range []ndr.Syntax{ndr.NDR20, ndr.NDR64} {
		e := ndr.NewEncoder(nil)
		e.SetSyntax(s)
		w := newWriter(e)
		in := []any{true, uint8(1), int8(-1), uint16(2), int16(-2), uint32(3), int32(-3), uint64(4), int64(-4), float32(1.5), float64(-2.5), mndr.Uint3264(5), mndr.Int3264(-5)}
		for _, v := range in {
			if err := w.WriteData(v); err != nil {
				t.Fatalf("%T: %v", v, err)
			}
		}
		w.WriteEnum(uint16(6))
		w.WriteSwitch(mndr.Enum(uint16(7)))
		w.WriteAlign(9)
		w.Write([]byte("end"))
		if err := w.finish(); err != nil {
			t.Fatal(err)
		}
		d := ndr.NewDecoder(e.Bytes(), ndr.LittleEndian)
		d.SetSyntax(s)
		r := newReader(d)
		for _, v := range in {
			p := reflect.New(reflect.TypeOf(v))
			if err := r.ReadData(p.Interface()); err != nil || p.Elem().Interface() != v {
				t.Errorf("%s, %T: %v, %v", s, v, p.Elem(), err)
			}
		}
		var a, b uint16
		end := make([]byte, 3)
		r.ReadEnum(&a)
		r.ReadSwitch(mndr.Enum(&b))
		r.ReadAlign(9)
		if _, err := r.Read(end); err != nil || a != 6 || b != 7 || string(end) != "end" || !r.EOF() || r.Len() != 0 {
			t.Errorf("%s: %d, %d, %q, %v", s, a, b, end, err)
		}
		if err := r.WriteData(uint8(1)); !errors.Is(err, errSide) {
			t.Errorf("a reader writes: %v", err)
		}
	}
	w := newWriter(ndr.NewEncoder(nil))
	if err := w.WriteData("text"); !errors.Is(err, errType) || !strings.Contains(err.Error(), "string") {
		t.Errorf("a string as a scalar: %v", err)
	}
	if err := w.WriteData(uint8(1)); !errors.Is(err, errType) {
		t.Errorf("after an error: %v", err)
	}
	if err := newWriter(ndr.NewEncoder(nil)).WriteSize(1 << 32); !errors.Is(err, ndr.ErrTooLong) {
		t.Errorf("a count of 33 bits: %v", err)
	}
	r := newReader(ndr.NewDecoder([]byte{0, 0, 0, 9, 1, 2}, ndr.BigEndian))
	var n uint64
	if err := r.ReadSize(&n); err != nil || n != 3 { // one more than is there
		t.Errorf("a count of nine with two left is %d, %v", n, err)
	}
	if got := r.Bytes(); !bytes.Equal(got, []byte{1, 2}) || r.Len() != 2 || r.Offset() != 4 {
		t.Errorf("%x, %d", got, r.Len())
	}
	var v uint16
	if err := r.WithBytes([]byte{5, 1}).ReadData(&v); err != nil || v != 0x105 {
		t.Errorf("of octets: %#x, %v", v, err)
	}
}
