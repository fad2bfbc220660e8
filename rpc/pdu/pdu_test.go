package pdu

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"lwio/iomgr/nt"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	srvsvc  = SyntaxID{UUID: nt.MustGUID("4b324fc8-1670-01d3-1278-5a47bf6ee188"), Major: 3}
	object  = nt.MustGUID("00112233-4455-6677-8899-aabbccddeeff")
	mask1   = uint32(1)
	sampleV = &Verifier{Type: 10, Level: 6, ContextID: 7, Value: []byte("token of 16 byte")}
)

// message is one PDU with its parser, for the tests that hold for all.
type message struct {
	name  string
	wire  []byte
	value any
	parse func([]byte) (any, error)
}

func messages() []message {
	first := Header{Flags: FirstFrag | LastFrag, CallID: 3}
	bind := Bind{Header: first, MaxXmitFrag: 4280, MaxRecvFrag: 5840, AssocGroupID: 0x12345, Verifier: sampleV, Contexts: []Context{
		{ID: 0, Abstract: srvsvc, Transfer: []SyntaxID{NDR}},
		{ID: 1, Abstract: srvsvc, Transfer: []SyntaxID{NDR64, NDR}},
		{ID: 2, Abstract: srvsvc, Transfer: []SyntaxID{FeatureSyntax(SecurityContextMultiplexing)}}}}
	alter := AlterContext(bind)
	alter.Verifier = nil
	ack := BindAck{Header: first, MaxXmitFrag: 4280, MaxRecvFrag: 4280, AssocGroupID: 5, SecondaryAddress: `\pipe\srvsvc`, Verifier: sampleV,
		Results: []Result{{Code: Acceptance, Transfer: NDR}, {Code: ProviderRejection, Reason: ProposedTransferSyntaxesNotSupported},
			{Code: NegotiateAck, Reason: Reason(SecurityContextMultiplexing)}}}
	resp := AlterContextResp(ack)
	resp.SecondaryAddress = ""
	nak := BindNak{Header: first, Reason: RejectProtocolVersion, Versions: []Version{{5, 0}, {5, 1}}}
	auth3 := Auth3{Header: first, Verifier: sampleV}
	fault := Fault{Header: first, AllocHint: 32, ContextID: 1, CancelCount: 2, Status: 0x1c010003}
	cancel, orphaned, shutdown := Cancel{first}, Orphaned{first}, Shutdown{first}
	req := Request{Header: first, AllocHint: 9, ContextID: 2, Opnum: 15}
	reqObj := req
	reqObj.Flags |= ObjectUUID
	reqObj.Object = object
	rsp := Response{Header: first, AllocHint: 9, ContextID: 2, CancelCount: 1}
	return []message{
		{"bind", bind.Append(nil), bind, func(b []byte) (any, error) { x, err := ParseBind(b); return x, err }},
		{"alter_context", alter.Append(nil), alter, func(b []byte) (any, error) { x, err := ParseAlterContext(b); return x, err }},
		{"bind_ack", ack.Append(nil), ack, func(b []byte) (any, error) { x, err := ParseBindAck(b); return x, err }},
		{"alter_context_resp", resp.Append(nil), resp, func(b []byte) (any, error) { x, err := ParseAlterContextResp(b); return x, err }},
		{"bind_nak", nak.Append(nil), nak, func(b []byte) (any, error) { x, err := ParseBindNak(b); return x, err }},
		{"auth3", auth3.Append(nil), auth3, func(b []byte) (any, error) { x, err := ParseAuth3(b); return x, err }},
		{"fault", fault.Append(nil), fault, func(b []byte) (any, error) { x, err := ParseFault(b); return x, err }},
		{"co_cancel", cancel.Append(nil), cancel, func(b []byte) (any, error) { x, err := ParseCancel(b); return x, err }},
		{"orphaned", orphaned.Append(nil), orphaned, func(b []byte) (any, error) { x, err := ParseOrphaned(b); return x, err }},
		{"shutdown", shutdown.Append(nil), shutdown, func(b []byte) (any, error) { x, err := ParseShutdown(b); return x, err }},
		{"request", AppendRequest(nil, &req, []byte("stub data")), req, func(b []byte) (any, error) { x, err := ParseRequest(b); return x, err }},
		{"request with object", AppendRequest(nil, &reqObj, []byte("stub data")), reqObj, func(b []byte) (any, error) { x, err := ParseRequest(b); return x, err }},
		{"response", AppendResponse(nil, &rsp, []byte("stub data")), rsp, func(b []byte) (any, error) { x, err := ParseResponse(b); return x, err }},
	}
}

// clearDerived takes out of a parsed PDU what Append sets by itself.
func clearDerived(v any) any {
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	h := p.Elem().FieldByName("Header").Addr().Interface().(*Header)
	h.Type, h.FragLength, h.AuthLength = 0, 0, 0
	if s := p.Elem().FieldByName("Secured"); s.IsValid() {
		s.SetZero()
	}
	return p.Elem().Interface()
}

func TestRoundTrip(t *testing.T) {
	for _, m := range messages() {
		got, err := m.parse(m.wire)
		if err != nil || !reflect.DeepEqual(clearDerived(got), m.value) {
			t.Errorf("%s: got %+v, %v\nwant %+v", m.name, got, err, m.value)
		}
		h, err := ParseHeader(m.wire)
		if err != nil || int(h.FragLength) != len(m.wire) || h.CallID != 3 {
			t.Errorf("%s: header %+v, %v", m.name, h, err)
		}
	}
}

// A cut fragment is refused: as it is, and with a header that admits the cut.
func TestTruncated(t *testing.T) {
	for _, m := range messages() {
		for n := range m.wire {
			b := bytes.Clone(m.wire[:n])
			if _, err := m.parse(b); err == nil {
				t.Errorf("%s cut at %d is taken", m.name, n)
			}
			if n < HeaderLen {
				continue
			}
			h, _ := ParseHeader(m.wire)
			SetLengths(b, int(h.AuthLength))
			got, err := m.parse(b)
			if err != nil {
				continue
			}
			// Only what ends in free bytes may lose some of them.
			switch x := got.(type) {
			case Request:
				if x.StubEnd > len(b) || x.Stub > x.StubEnd {
					t.Errorf("%s cut at %d: stub %d:%d", m.name, n, x.Stub, x.StubEnd)
				}
			case Response, Fault, Auth3, BindNak, Cancel, Orphaned, Shutdown:
			case Bind:
				if len(x.Contexts) != 3 {
					t.Errorf("%s cut at %d: %+v", m.name, n, x)
				}
			default:
				t.Errorf("%s cut at %d is taken: %+v", m.name, n, got)
			}
		}
	}
}

// A bind as Samba's client sends it, and its answer as Windows gives it; captured forms of C706 12.6.4.3 and 12.6.4.4.
func TestGoldenBind(t *testing.T) {
	raw := unhex(t, `05000b0310000000480000000100000 0b810b81000000000 01000000 00000100
		c84f324b7016d30112785a47bf6ee188 03000000 045d888aeb1cc9119fe808002b104860 02000000`)
	x, err := ParseBind(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := Bind{Header: Header{Flags: FirstFrag | LastFrag, CallID: 1}, MaxXmitFrag: 4280, MaxRecvFrag: 4280,
		Contexts: []Context{{ID: 0, Abstract: srvsvc, Transfer: []SyntaxID{NDR}}}}
	if got := clearDerived(x); !reflect.DeepEqual(got, want) {
		t.Errorf("bind = %+v", got)
	}
	if again := want.Append(nil); !bytes.Equal(again, raw) {
		t.Errorf("bind again = %x", again)
	}

	raw = unhex(t, `05000c03100000004400000001000000 b810b810 f0530000 0d00 5c504950455c73727673766300 00
		01000000 0000 0000 045d888aeb1cc9119fe808002b104860 02000000`)
	ack, err := ParseBindAck(raw)
	if err != nil {
		t.Fatal(err)
	}
	wantAck := BindAck{Header: want.Header, MaxXmitFrag: 4280, MaxRecvFrag: 4280, AssocGroupID: 0x53f0, SecondaryAddress: `\PIPE\srvsvc`,
		Results: []Result{{Transfer: NDR}}}
	if got := clearDerived(ack); !reflect.DeepEqual(got, wantAck) {
		t.Errorf("bind_ack = %+v", got)
	}
	if again := wantAck.Append(nil); !bytes.Equal(again, raw) {
		t.Errorf("bind_ack again = %x", again)
	}
}

// The same bind from a big-endian client.
func TestBigEndian(t *testing.T) {
	raw := unhex(t, `05000b0300000000 0048 0000 00000001 10b8 10b8 00000000 01000000 0007 0100
		4b324fc8 1670 01d3 12785a47bf6ee188 00000003 8a885d04 1ceb 11c9 9fe808002b104860 00000002`)
	x, err := ParseBind(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := []Context{{ID: 7, Abstract: srvsvc, Transfer: []SyntaxID{NDR}}}
	if !x.BigEndian || x.MaxXmitFrag != 4280 || !reflect.DeepEqual(x.Contexts, want) {
		t.Errorf("bind = %+v", x)
	}
	raw = unhex(t, `0500008300000000 002a 0000 00000002 00000002 0001 000f 00112233445566778899aabbccddeeff abcd`)
	r, err := ParseRequest(raw)
	if err != nil || r.Opnum != 15 || r.ContextID != 1 || r.Object != object || !bytes.Equal(raw[r.Stub:r.StubEnd], []byte{0xab, 0xcd}) {
		t.Errorf("request = %+v, %v", r, err)
	}
}

func TestHeaderRefuses(t *testing.T) {
	good := (&Cancel{Header{CallID: 1}}).Append(nil)
	for name, tt := range map[string]struct {
		edit func([]byte)
		want error
	}{
		"version 4":       {func(b []byte) { b[0] = 4 }, ErrVersion},
		"version 5.2":     {func(b []byte) { b[1] = 2 }, ErrVersion},
		"integer format":  {func(b []byte) { b[4] = 0x20 }, ErrDataRep},
		"EBCDIC":          {func(b []byte) { b[4] = 0x11 }, ErrDataRep},
		"VAX floats":      {func(b []byte) { b[5] = 1 }, ErrDataRep},
		"short fragment":  {func(b []byte) { b[8] = 15 }, ErrLength},
		"other type":      {func(b []byte) { b[2] = byte(TypeOrphaned) }, ErrType},
		"longer fragment": {func(b []byte) { b[8] = 17 }, ErrLength},
	} {
		b := bytes.Clone(good)
		tt.edit(b)
		if _, err := ParseCancel(b); err != tt.want {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// What a header says of its verifier is measured against the fragment.
func TestVerifierBounds(t *testing.T) {
	req := Request{Header: Header{CallID: 1}}
	build := func(pad byte, auth int) []byte {
		b := append(AppendRequestHeader(nil, &req), "stub data 16 by."...)
		b = append(AppendTrailer(b, Verifier{Type: 10, Level: 5, PadLength: pad, ContextID: 9}), "0123456789abcdef"...)
		SetLengths(b, auth)
		return b
	}
	r, err := ParseRequest(build(4, 16))
	if err != nil || r.Stub != 24 || r.StubEnd != 40 || r.SignEnd != 48 || r.PadLength != 4 || r.Type != TypeRequest ||
		r.Verifier.Type != 10 || r.Verifier.ContextID != 9 || string(r.Value) != "0123456789abcdef" {
		t.Fatalf("request = %+v, %v", r, err)
	}
	for name, b := range map[string][]byte{
		"padding over the body":  build(17, 16),
		"token over the body":    build(0, 33),
		"token over the header":  build(0, 60),
		"token over everything":  build(0, 0xFFFF),
		"trailer not aligned":    build(0, 15),
		"trailer over the start": build(0, 40),
	} {
		if r, err := ParseRequest(b); err != ErrAuth {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestBindAckBounds(t *testing.T) {
	ack := BindAck{Header: Header{CallID: 1}, SecondaryAddress: "135", Results: []Result{{Transfer: NDR}}}
	for name, at := range map[string]int{"address": 24, "results": 32} {
		b := ack.Append(nil)
		b[at], b[at+1] = 0xFF, 0xFF
		if x, err := ParseBindAck(b); err != ErrLength {
			t.Errorf("length of %s: %+v, %v", name, x, err)
		}
	}
}

func TestFeatures(t *testing.T) {
	s := FeatureSyntax(SecurityContextMultiplexing | KeepConnectionOnOrphan)
	if s.UUID.String() != "6cb71c2c-9812-4540-0300-000000000000" || s.Major != 1 {
		t.Errorf("syntax = %v", s)
	}
	if f, ok := s.Features(); !ok || f != 3 {
		t.Errorf("features = %v, %v", f, ok)
	}
	for _, s := range []SyntaxID{NDR, NDR64, {UUID: s.UUID, Major: 2}, {UUID: s.UUID, Major: 1, Minor: 1}} {
		if _, ok := s.Features(); ok {
			t.Errorf("%v is taken for features", s)
		}
	}
}

func sampleTrailer() VerificationTrailer {
	return VerificationTrailer{Bitmask1: &mask1, PContext: &VerificationContext{srvsvc, NDR},
		Header2: &VerificationHeader{Type: TypeRequest, DataRep: [4]byte{0x10}, CallID: 2, ContextID: 1, Opnum: 15}}
}

func TestVerificationTrailer(t *testing.T) {
	full := sampleTrailer()
	for _, x := range []VerificationTrailer{full, {}, {Bitmask1: &mask1}, {PContext: full.PContext}, {Header2: full.Header2}} {
		stub := x.Append([]byte("12345678"))
		for pad := range 9 {
			if at := FindVerificationTrailer(append(bytes.Clone(stub), make([]byte, pad)...)); at != 8 {
				t.Errorf("found at %d with %d bytes behind", at, pad)
			}
		}
		got, err := ParseVerificationTrailer(stub[8:])
		if err != nil || !reflect.DeepEqual(got, x) {
			t.Errorf("got %+v, %v, want %+v", got, err, x)
		}
		for n := range len(stub) - 8 {
			if _, err := ParseVerificationTrailer(bytes.Clone(stub[8 : 8+n])); err == nil {
				t.Errorf("cut at %d is taken", n)
			}
		}
	}
	if at := FindVerificationTrailer(full.Append([]byte("123456"))); at != -1 {
		t.Errorf("an unaligned trailer is found at %d", at)
	}
	if at := FindVerificationTrailer([]byte("short")); at != -1 {
		t.Errorf("found in nothing at %d", at)
	}
	head := string(verificationSignature)
	for name, s := range map[string]string{
		"unknown part that must be processed": head + "\x09\xc0\x00\x00", "mask of wrong length": head + "\x01\x40\x02\x00\x00\x00",
		"context of wrong length": head + "\x02\x40\x02\x00\x00\x00", "header of wrong length": head + "\x03\x40\x02\x00\x00\x00",
		"mask twice": head + "\x01\x00\x04\x00\x00\x00\x00\x00\x01\x40\x04\x00\x00\x00\x00\x00", "no end": head + "\x09\x00\x00\x00",
		"length past the end": head + "\x09\x40\xff\xff", "no signature": "\x09\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		if x, err := ParseVerificationTrailer([]byte(s)); err == nil {
			t.Errorf("%s: %+v", name, x)
		}
	}
	if _, err := ParseVerificationTrailer([]byte(head + "\x09\x40\x00\x00")); err != nil {
		t.Errorf("unknown part: %v", err)
	}
}

func TestVerificationTrailerMatches(t *testing.T) {
	req := Request{Header: Header{CallID: 2}, ContextID: 1, Opnum: 15}
	x := sampleTrailer()
	if !x.Matches(&req, srvsvc, NDR, true) {
		t.Error("the true trailer does not match")
	}
	if x.Matches(&req, srvsvc, NDR, false) {
		t.Error("a client that offers header signing matches where its offer is missing")
	}
	if x.Matches(&req, NDR, NDR, true) || x.Matches(&req, srvsvc, NDR64, true) {
		t.Error("another interface or transfer syntax matches")
	}
	for _, edit := range []func(*Request){
		func(r *Request) { r.Opnum++ }, func(r *Request) { r.ContextID++ }, func(r *Request) { r.CallID++ }, func(r *Request) { r.BigEndian = true },
	} {
		r := req
		edit(&r)
		if x.Matches(&r, srvsvc, NDR, true) {
			t.Errorf("%+v matches", r)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range messages() {
		f.Add(m.wire)
	}
	x := sampleTrailer()
	f.Add(x.Append(nil))
	all := messages()
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range all {
			m.parse(b)
		}
		if r, err := ParseRequest(b); err == nil {
			if r.Stub < RequestLen || r.StubEnd < r.Stub || r.SignEnd > len(b) || r.StubEnd-r.Stub < int(r.PadLength) {
				t.Errorf("%x: %+v", b, r)
			}
		}
		if x, err := ParseBind(b); err == nil {
			y, err := ParseBind(x.Append(nil))
			if err != nil && len(b) < MaxFragment-16 || err == nil && !reflect.DeepEqual(y.Contexts, x.Contexts) {
				t.Errorf("%+v became %+v, %v", x, y, err)
			}
		}
		if x, err := ParseBindAck(b); err == nil && len(b) < MaxFragment-16 {
			y, err := ParseBindAck(x.Append(nil))
			if err != nil || !reflect.DeepEqual(y.Results, x.Results) {
				t.Errorf("%+v became %+v, %v", x, y, err)
			}
		}
		if at := FindVerificationTrailer(b); at >= 0 {
			if x, err := ParseVerificationTrailer(b[at:]); err == nil {
				if y, err := ParseVerificationTrailer(x.Append(nil)); err != nil || !reflect.DeepEqual(x, y) {
					t.Errorf("%+v became %+v, %v", x, y, err)
				}
			}
		}
	})
}
