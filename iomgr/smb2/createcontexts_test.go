package smb2

import (
	"bytes"
	"errors"
	"testing"

	"lwio/iomgr/nt"
)

func walk(c CreateContexts) (names []string, datas [][]byte, err error) {
	for len(c) > 0 {
		var one CreateContext
		if one, c, err = c.Next(); err != nil {
			return nil, nil, err
		}
		names = append(names, string(one.Name))
		datas = append(datas, one.Data)
	}
	return names, datas, nil
}

func TestCreateContexts(t *testing.T) {
	chain := testChain()
	names, datas, err := walk(chain)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"MxAc", "RqLs", ContextAppInstanceID, "AAPL"}
	if len(names) != len(want) {
		t.Fatalf("names %q", names)
	}
	for i := range want {
		if names[i] != want[i] {
			t.Errorf("context %d is %q, want %q", i, names[i], want[i])
		}
	}
	if datas[0] != nil || len(datas[1]) != 32 || len(datas[2]) != 20 || !bytes.Equal(datas[3], seq(3)) {
		t.Errorf("data %x", datas)
	}
	// MS-SMB2 2.2.13.2: the wire form of one context and its neighbour.
	const first = "18000000" + "1000" + "0400" + "0000" + "0000" + "00000000" + "4d784163" + "00000000"
	if !bytes.HasPrefix(chain, unhex(t, first)) {
		t.Errorf("chain begins %x, want %s", chain[:24], first)
	}
	if data, ok, err := chain.Find(ContextAppleExtensions); !ok || err != nil || !bytes.Equal(data, seq(3)) {
		t.Errorf("find: %x %v %v", data, ok, err)
	}
	if _, ok, err := chain.Find(ContextTimewarpToken); ok || err != nil {
		t.Errorf("find of what is not there: %v %v", ok, err)
	}
	if _, _, err := chain[:len(chain)-1].Find("none"); !errors.Is(err, ErrBounds) {
		t.Errorf("find in a broken chain: %v", err)
	}
}

func TestCreateContextsRefused(t *testing.T) {
	chain := testChain()
	for _, c := range []reject{
		{"Next misaligned", 0, []byte{20}, ErrAlignment},
		{"Next in the fixed part", 0, []byte{8}, ErrBounds},
		{"Next in the fixed part, no name", 0, []byte{8, 0, 0, 0, 16, 0, 0, 0}, ErrBounds},
		{"Next at the end", 0, le.AppendUint32(nil, uint32(len(chain)+7)&^7), ErrBounds},
		{"Next wraps", 0, []byte{0xF8, 0xFF, 0xFF, 0xFF}, ErrBounds},
		{"NameOffset in the fixed part", 4, []byte{15}, ErrBounds},
		{"NameOffset", 4, []byte{0xFF, 0xFF}, ErrBounds},
		{"NameLength into the next context", 6, []byte{9}, ErrBounds},
		{"NameLength", 6, []byte{3}, ErrValue},
		{"NameLength zero", 6, []byte{0}, ErrValue},
		{"DataOffset in the fixed part", 24 + 10, []byte{15}, ErrBounds},
		{"DataOffset", 24 + 10, []byte{0xFF, 0xFF}, ErrBounds},
		{"DataLength", 24 + 12, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds},
	} {
		bad := bytes.Clone(chain)
		copy(bad[c.at:], c.with)
		if _, _, err := walk(bad); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	for n := 1; n < len(chain); n++ {
		if _, _, err := walk(chain[:n:n]); err == nil {
			t.Errorf("%d of %d bytes parse", n, len(chain))
		}
	}
}

// Captured chains: each context of a known name must be read by the parser of that name.
func TestCapturedCreateContexts(t *testing.T) {
	parsed := map[string]int{}
	for _, l := range readLines(t, "testdata/messages.txt") {
		for it := NewMessages(l.b); ProtocolID(l.b) == ProtocolSMB2 && it.More(); {
			m, err := it.Next()
			if err != nil {
				t.Fatal(err)
			}
			if m.Header.Command != Create || m.Header.Status != 0 {
				continue
			}
			var chain CreateContexts
			if m.Header.IsResponse() {
				r, err := ParseCreateResponse(m.Body)
				if err != nil {
					t.Fatal(err)
				}
				chain = r.Contexts
			} else {
				r, err := ParseCreateRequest(m.Body)
				if err != nil {
					t.Fatal(err)
				}
				chain = r.Contexts
			}
			for len(chain) > 0 {
				var c CreateContext
				if c, chain, err = chain.Next(); err != nil {
					t.Fatal(err)
				}
				key := string(c.Name) + map[bool]string{true: " response"}[m.Header.IsResponse()]
				parse := contextParsers[key]
				if parse == nil {
					t.Errorf("no parser of %q", key)
					continue
				}
				if err := parse(c.Data); err != nil {
					t.Errorf("%s: %v\n%x", key, err, c.Data)
				}
				parsed[key]++
			}
		}
	}
	for key := range contextParsers {
		if parsed[key] == 0 {
			t.Errorf("no sample of %q", key)
		}
	}
}

func parses[T any](parse func([]byte) (T, error)) func([]byte) error {
	return func(b []byte) error {
		_, err := parse(b)
		return err
	}
}

var contextParsers = map[string]func([]byte) error{
	"DH2Q":          parses(ParseDurableHandleRequestV2),
	"DH2Q response": parses(ParseDurableHandleResponseV2),
	"DH2C":          parses(ParseDurableHandleReconnectV2),
	"DHnQ":          parses(ParseDurableHandleRequest),
	"DHnQ response": parses(ParseDurableHandleResponse),
	"RqLs":          parses(ParseLease),
	"RqLs response": parses(ParseLease),
	"MxAc":          parses(ParseQueryMaximalAccessRequest),
	"MxAc response": parses(ParseQueryMaximalAccessResponse),
	"TWrp":          parses(ParseTimewarpToken),
	"AlSi":          parses(ParseAllocationSizeContext),
	"SecD":          parses(nt.ParseSecurityDescriptor),
	"ExtA":          parses(ParseEAList),

	ContextAppInstanceID: parses(ParseAppInstanceID),
}

func FuzzCreateContexts(f *testing.F) {
	f.Add([]byte(testChain()))
	f.Fuzz(func(t *testing.T, b []byte) {
		names, datas, err := walk(b)
		if err != nil {
			if !isFormatError(err) {
				t.Fatal(err)
			}
			return
		}
		var again CreateContexts
		for i := range names {
			again = again.Append(names[i], datas[i])
		}
		names2, datas2, err := walk(again)
		if err != nil || len(names2) != len(names) {
			t.Fatalf("%v: %d contexts of %d", err, len(names2), len(names))
		}
		for i := range names {
			if names[i] != names2[i] || !bytes.Equal(datas[i], datas2[i]) {
				t.Fatalf("context %d changed", i)
			}
		}
	})
}

var (
	testLeases = []Lease{
		{Version: 1, LeaseKey: seq16(), LeaseState: LeaseReadCaching | LeaseHandleCaching, LeaseFlags: LeaseFlagBreakInProgress, LeaseDuration: 4},
		{Version: 2, LeaseKey: seq16(), LeaseState: LeaseWriteCaching, LeaseFlags: LeaseFlagParentKeySet, ParentKey: LeaseKey{9}, Epoch: 513},
	}
	testDH2Q = DurableHandleRequestV2{Timeout: 60000, Flags: DurableHandleFlagPersistent, CreateGUID: nt.GUID(seq16())}
	testDH2C = DurableHandleReconnectV2{FileID: testID, CreateGUID: nt.GUID(seq16()), Flags: DurableHandleFlagPersistent}
)

// exact checks that a structure of fixed length refuses one byte more.
func exact[T any, P appender[T]](t *testing.T, parse func([]byte) (T, error), v T) {
	t.Helper()
	testCodec[T, P](t, parse, 0, v)
	if _, err := parse(append(P(&v).Append(nil), 0)); !errors.Is(err, ErrValue) {
		t.Errorf("%T: one byte too many: %v", v, err)
	}
}

func TestCreateContextData(t *testing.T) {
	exact(t, ParseDurableHandleRequest, DurableHandleRequest{})
	exact(t, ParseDurableHandleReconnect, DurableHandleReconnect{testID})
	exact(t, ParseDurableHandleRequestV2, testDH2Q)
	exact(t, ParseDurableHandleReconnectV2, testDH2C)
	exact(t, ParseAllocationSizeContext, AllocationSizeContext{1 << 40})
	exact(t, ParseTimewarpToken, TimewarpToken{1 << 50})
	exact(t, ParseLease, testLeases[0])
	testCodec(t, ParseDurableHandleResponse, 0, DurableHandleResponse{})
	testCodec(t, ParseDurableHandleResponseV2, 0, DurableHandleResponseV2{Timeout: 16000, Flags: 2})
	testCodec(t, ParseQueryMaximalAccessResponse, 0, QueryMaximalAccessResponse{0xC0000022, 0x1F01FF})
	testCodec(t, ParseQueryOnDiskIDResponse, 0, QueryOnDiskIDResponse{1 << 40, 7})
	testCodec(t, ParseAppInstanceID, 0, AppInstanceID{nt.GUID(seq16())})
	testCodec(t, ParseAppInstanceVersion, 0, AppInstanceVersion{1, 2})
	if len(testLeases[1].Append(nil)) != 52 || len(testDH2Q.Append(nil)) != 32 || len(testDH2C.Append(nil)) != 36 {
		t.Error("lengths are not those of MS-SMB2 2.2.13.2")
	}
}

// The first 32 bytes of a version 2 are a version 1.
func TestLeaseV2(t *testing.T) {
	b := testLeases[1].Append(nil)
	if got, err := ParseLease(b); err != nil || got != testLeases[1] {
		t.Errorf("got %+v, %v", got, err)
	}
	for n := range 60 {
		got, err := ParseLease(append(b, seq(8)...)[:n])
		if (err == nil) != (n == 32 || n == 52) || err == nil && got.Version != map[int]int{32: 1, 52: 2}[n] {
			t.Errorf("%d bytes: version %d, %v", n, got.Version, err)
		}
	}
}

func TestQueryMaximalAccessRequest(t *testing.T) {
	for _, want := range []QueryMaximalAccessRequest{{}, {HasTimestamp: true, Timestamp: 5}} {
		got, err := ParseQueryMaximalAccessRequest(want.Append(nil))
		if err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}
	for _, n := range []int{1, 7, 9} {
		if _, err := ParseQueryMaximalAccessRequest(make([]byte, n)); !errors.Is(err, ErrValue) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

var testEAs = []EA{{Flags: 0x80, Name: []byte("ONE"), Value: seq(5)}, {Name: []byte("TWO")}, {Name: []byte("X"), Value: seq(300)}}

func TestEAList(t *testing.T) {
	b := AppendEAList(nil, testEAs)
	got, err := ParseEAList(b)
	if err != nil || len(got) != 3 || string(got[0].Name) != "ONE" || got[0].Flags != 0x80 || !bytes.Equal(got[0].Value, seq(5)) ||
		string(got[1].Name) != "TWO" || got[1].Value != nil || len(got[2].Value) != 300 {
		t.Fatalf("got %+v, %v", got, err)
	}
	const first = "14000000" + "80" + "03" + "0500" + "4f4e4500" + "0102030405" + "000000"
	if !bytes.HasPrefix(b, unhex(t, first)) {
		t.Errorf("list begins %x, want %s", b[:20], first)
	}
	for n := 1; n < len(b); n++ {
		if _, err := ParseEAList(b[:n:n]); err == nil {
			t.Errorf("%d of %d bytes parse", n, len(b))
		}
	}
	for _, c := range []reject{
		{"NextEntryOffset misaligned", 0, []byte{18}, ErrAlignment},
		{"NextEntryOffset in the fixed part", 0, []byte{4}, ErrBounds},
		{"NextEntryOffset", 0, []byte{0xFC, 0xFF, 0xFF, 0xFF}, ErrBounds},
		{"name", 5, []byte{0xFF}, ErrBounds},
		{"value into the next", 6, []byte{9}, ErrBounds},
		{"terminator", 11, []byte{1}, ErrValue},
	} {
		bad := bytes.Clone(b)
		copy(bad[c.at:], c.with)
		if _, err := ParseEAList(bad); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func FuzzEAList(f *testing.F) {
	f.Add(AppendEAList(nil, testEAs))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := ParseEAList(b)
		if err != nil {
			return
		}
		again, err := ParseEAList(AppendEAList(nil, list))
		if err != nil || len(again) != len(list) {
			t.Fatalf("%v: %d of %d", err, len(again), len(list))
		}
	})
}

func FuzzLease(f *testing.F) { fuzzCodec(f, ParseLease, testLeases...) }
func FuzzDurableHandleRequestV2(f *testing.F) {
	fuzzCodec(f, ParseDurableHandleRequestV2, testDH2Q)
}
func FuzzDurableHandleReconnectV2(f *testing.F) {
	fuzzCodec(f, ParseDurableHandleReconnectV2, testDH2C)
}
func FuzzAppInstanceVersion(f *testing.F) {
	fuzzCodec(f, ParseAppInstanceVersion, AppInstanceVersion{1, 2})
}
