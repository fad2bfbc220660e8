package compiler

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// captured is one call of a golden file.
type captured struct {
	at, idl, op        string
	request, response  []byte
	bigIn, bigOut      []byte
	ndr64              bool
	answered, bigKnown bool
}

func capturedCalls(t testing.TB) []captured {
	var calls []captured
	for _, pattern := range []string{"../testdata/golden/*.txt", "../testdata/golden64/*.txt"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			iface, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(name), ".txt"), "-")
			for line := range strings.Lines(string(src)) {
				cols := strings.Fields(line)
				if len(cols) < 3 || strings.HasPrefix(line, "#") {
					continue
				}
				octets := func(i int) []byte {
					if i >= len(cols) {
						return nil
					}
					b, _ := hex.DecodeString(strings.Trim(cols[i], "-?"))
					return b
				}
				c := captured{at: filepath.Base(name) + ": " + cols[0], idl: "../" + iface + ".idl", op: cols[0], request: octets(1), response: octets(2), answered: cols[2] != "?"}
				if c.ndr64 = strings.Contains(pattern, "64"); !c.ndr64 && len(cols) == 5 {
					c.bigIn, c.bigOut, c.bigKnown = octets(3), octets(4), cols[4] != "?"
				}
				calls = append(calls, c)
			}
		}
	}
	if len(calls) < 100 {
		t.Fatalf("only %d calls were captured", len(calls))
	}
	return calls
}

var dumpers = map[string]*Dumper{}

// dumper reads a file once.
func dumper(t testing.TB, file string) *Dumper {
	t.Helper()
	if dumpers[file] == nil {
		d, err := NewDumper(Config{}, file)
		if err != nil {
			t.Fatal(err)
		}
		dumpers[file] = d
	}
	return dumpers[file]
}

// TestDumpGolden takes every captured message apart, to its last octet, and the big-endian one to the same values.
func TestDumpGolden(t *testing.T) {
	for _, c := range capturedCalls(t) {
		for _, response := range []bool{false, true} {
			stub, big := c.request, c.bigIn
			if response {
				if !c.answered {
					continue
				}
				stub, big = c.response, c.bigOut
			}
			call := Call{Operation: c.op, Response: response, NDR64: c.ndr64}
			v, err := dumper(t, c.idl).Dump(call, stub)
			if err != nil {
				t.Errorf("%s: %v\n%v", c.at, err, v)
				continue
			}
			b, err := json.Marshal(v)
			if err != nil || !json.Valid(b) {
				t.Errorf("%s: %v: %s", c.at, err, b)
			}
			if c.bigKnown {
				call.BigEndian = true
				if w, err := dumper(t, c.idl).Dump(call, big); err != nil || w.String() != v.String() {
					t.Errorf("%s, big-endian: %v\n%v\nnot\n%v", c.at, err, w, v)
				}
			}
		}
	}
}

// TestDumpTruncated: what ends early is an error, and what could be read is there.
func TestDumpTruncated(t *testing.T) {
	for i, c := range capturedCalls(t) {
		if i%17 != 0 {
			continue
		}
		for n := 0; n < len(c.request); n += 1 + len(c.request)/40 {
			if v, err := dumper(t, c.idl).Dump(Call{Operation: c.op, NDR64: c.ndr64}, c.request[:n]); err == nil || v == nil {
				t.Errorf("%s cut to %d of %d: %v, %v", c.at, n, len(c.request), v, err)
			}
		}
	}
}

func TestDump(t *testing.T) {
	src := `[uuid(12345678-1234-1234-1234-123456789abc)] interface i {
		typedef enum { RED = 1, BLUE = 2 } COLOUR;
		typedef struct N { long v; [ptr] struct N *next; } N;
		typedef [switch_type(short)] union { [case(1)] [string] wchar_t *name; [default]; } U;
		typedef struct { COLOUR c; short t; [switch_is(t)] U u; byte b[3]; long n; [size_is(n)] long *a; } S;
		long F([in] S *s, [in, ptr] N *n, [in, unique] long *none);
		long G([out] boolean *yes);
	}`
	cfg := memory(map[string]string{"t.idl": src})
	stub := "0200" + "0100" + "0100" + "0000" + "00000200" + "010203" + "00" + "02000000" + "04000200" + "02000000" + "00000000" + "02000000" + "78000000" + "02000000" + "07000000" + "ffffffff" +
		"08000200" + "05000000" + "08000200" + "00000000"
	b, err := hex.DecodeString(stub)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDumper(cfg, "t.idl")
	if err != nil {
		t.Fatal(err)
	}
	v, err := d.Dump(Call{Operation: "i.f"}, b)
	if err != nil {
		t.Fatalf("%v\n%v", err, v)
	}
	want := `F
  s
    c = 2 BLUE
    t = 1
    u
      switch = 1
      name = "x"
    b = "010203"
    n = 2
    a [2]
      0 = 7
      1 = -1
  n
    v = 5
    next = "as n"
  none = NULL
`
	if v.String() != want {
		t.Errorf("%v\nwant\n%s", v, want)
	}
	j, err := json.Marshal(v)
	if s := `{"s":{"c":2,"t":1,"u":{"switch":1,"name":"x"},"b":"010203","n":2,"a":[7,-1]},"n":{"v":5,"next":"as n"},"none":null}`; err != nil || string(j) != s {
		t.Errorf("%s, %v", j, err)
	}
	if v, err = d.Dump(Call{Operation: "1", Response: true}, []byte{1, 0, 0, 0, 9, 0, 0, 0, 5}); err == nil || !strings.Contains(err.Error(), "1 octets are left") || v.Members[0].Scalar != true {
		t.Errorf("%v, %v", v, err)
	}
	for op, says := range map[string]string{"FF": "has no operation FF", "j.F": "has no interface j", "2": "has no operation 2"} {
		if _, err := d.Dump(Call{Operation: op}, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// FuzzDump: any octets give a value, an error, or both, that can be shown.
func FuzzDump(f *testing.F) {
	src, err := os.ReadFile("testdata/kinds.idl")
	if err != nil {
		f.Fatal(err)
	}
	cfg := memory(map[string]string{"kinds.idl": string(src)})
	d, err := NewDumper(cfg, "kinds.idl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("List", false, false, []byte{0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2, 0})
	f.Add("Shared", true, false, []byte{0, 0, 2, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2, 0})
	f.Add("Stream", false, true, []byte{7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2})
	f.Fuzz(func(t *testing.T, op string, response, ndr64 bool, stub []byte) {
		v, err := d.Dump(Call{Operation: op, Response: response, NDR64: ndr64}, stub)
		if err == nil && v == nil {
			t.Fatal("neither a value nor an error")
		}
		if v != nil {
			if _, err := json.Marshal(v); err != nil || v.String() == "" {
				t.Fatal(err)
			}
		}
	})
}
