//go:build bench

package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	foreigndrsuapi "github.com/oiweiwei/go-msrpc/msrpc/drsr/drsuapi/v4"
	foreigndssetup "github.com/oiweiwei/go-msrpc/msrpc/dssp/dssetup/v0"
	foreignlsad "github.com/oiweiwei/go-msrpc/msrpc/lsad/lsarpc/v0"
	foreignlsat "github.com/oiweiwei/go-msrpc/msrpc/lsat/lsarpc/v0"
	foreignnetlogon "github.com/oiweiwei/go-msrpc/msrpc/nrpc/logon/v1"
	foreignspoolss "github.com/oiweiwei/go-msrpc/msrpc/rprn/winspool/v1"
	foreignwinreg "github.com/oiweiwei/go-msrpc/msrpc/rrp/winreg/v1"
	foreignsamr "github.com/oiweiwei/go-msrpc/msrpc/samr/samr/v1"
	foreignsvcctl "github.com/oiweiwei/go-msrpc/msrpc/scmr/svcctl/v2"
	foreignsrvsvc "github.com/oiweiwei/go-msrpc/msrpc/srvs/srvsvc/v3"
	foreignwitness "github.com/oiweiwei/go-msrpc/msrpc/swn/witness/v1"
	foreignwkssvc "github.com/oiweiwei/go-msrpc/msrpc/wkst/wkssvc/v1"
	foreign "github.com/oiweiwei/go-msrpc/ndr"

	"lwio/gen/drsuapi"
	"lwio/gen/dssetup"
	"lwio/gen/lsarpc"
	"lwio/gen/netlogon"
	"lwio/gen/samr"
	"lwio/gen/spoolss"
	"lwio/gen/srvsvc"
	"lwio/gen/svcctl"
	"lwio/gen/winreg"
	"lwio/gen/witness"
	"lwio/gen/wkssvc"
	"lwio/rpc/ndr"
)

// ours and theirs tell the types of each operation by the methods of the clients.
var ours = map[string]any{
	"drsuapi":  drsuapi.NewClient(nil),
	"dssetup":  dssetup.NewClient(nil),
	"lsarpc":   lsarpc.NewClient(nil),
	"netlogon": netlogon.NewClient(nil),
	"samr":     samr.NewClient(nil),
	"spoolss":  spoolss.NewClient(nil),
	"srvsvc":   srvsvc.NewClient(nil),
	"svcctl":   svcctl.NewClient(nil),
	"winreg":   winreg.NewClient(nil),
	"witness":  witness.NewClient(nil),
	"wkssvc":   wkssvc.NewClient(nil),
}

var theirs = map[string][]reflect.Type{
	"srvsvc":   {reflect.TypeFor[foreignsrvsvc.SrvsvcClient]()},
	"lsarpc":   {reflect.TypeFor[foreignlsat.LsarpcClient](), reflect.TypeFor[foreignlsad.LsarpcClient]()},
	"wkssvc":   {reflect.TypeFor[foreignwkssvc.WkssvcClient]()},
	"drsuapi":  {reflect.TypeFor[foreigndrsuapi.DrsuapiClient]()},
	"netlogon": {reflect.TypeFor[foreignnetlogon.LogonClient]()},
	"samr":     {reflect.TypeFor[foreignsamr.SamrClient]()},
	"spoolss":  {reflect.TypeFor[foreignspoolss.WinspoolClient]()},
	"svcctl":   {reflect.TypeFor[foreignsvcctl.SvcctlClient]()},
	"winreg":   {reflect.TypeFor[foreignwinreg.WinregClient]()},
	"witness":  {reflect.TypeFor[foreignwitness.WitnessClient]()},
	"dssetup":  {reflect.TypeFor[foreigndssetup.DssetupClient]()},
}

// foreignTypes gives go-msrpc's request and response of an operation.
func foreignTypes(iface, op string) (in, out reflect.Type) {
	for _, c := range theirs[iface] {
		for i := range c.NumMethod() {
			m := c.Method(i).Type
			if m.NumIn() < 2 || m.In(1).Kind() != reflect.Pointer {
				continue
			}
			if r, ok := reflect.New(m.In(1).Elem()).Interface().(interface{ OpName() string }); ok && strings.HasSuffix(r.OpName(), "/"+op) {
				return m.In(1).Elem(), m.Out(0).Elem()
			}
		}
	}
	return nil, nil
}

// rates runs two functions in turns and gives the time of one run of each, the best of several, since other programs run beside.
func rates(mine, other func()) (a, b float64) {
	a, b = math.Inf(1), math.Inf(1)
	slot := func(f func()) float64 {
		n, start := 0, time.Now()
		for time.Since(start) < 300*time.Microsecond {
			for range 8 {
				f()
			}
			n += 8
		}
		return float64(time.Since(start).Nanoseconds()) / float64(n)
	}
	for range 8 {
		a, b = min(a, slot(mine)), min(b, slot(other))
	}
	return a, b
}

// allocations is how many one run of f makes.
func allocations(f func()) float64 {
	const runs = 16
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / runs)
}

// direct is a method of a generated type as a function that is called without reflection, which would take longer than it does.
// Its receiver and its pointer arguments are untyped; what it does not take it does not look at.
func direct(t reflect.Type, method string) func(x, coder, in unsafe.Pointer) {
	m, ok := t.MethodByName(method)
	if !ok {
		panic(t.String() + " has no " + method)
	}
	code := m.Func.Pointer()
	f := &code
	return *(*func(x, coder, in unsafe.Pointer))(unsafe.Pointer(&f))
}

// comparison adds up what was measured of one direction.
type comparison struct {
	ratios        []float64
	worst         float64
	worstName     string
	ours, theirs  float64 // allocations
	worstAllocs   float64
	worstAllocsOf string
}

func (c *comparison) add(name string, mine, other func()) {
	a, b := rates(mine, other)
	for range 5 { // what looks short may have been disturbed
		if b/a > 5 {
			break
		}
		x, y := rates(mine, other)
		a, b = min(a, x), min(b, y)
	}
	aAllocs, bAllocs := allocations(mine), allocations(other)
	if c.ratios = append(c.ratios, b/a); b/a < c.worst || c.worst == 0 {
		c.worst, c.worstName = b/a, name
	}
	c.ours, c.theirs = c.ours+aAllocs, c.theirs+bAllocs
	if share := aAllocs / max(bAllocs, 1); share > c.worstAllocs {
		c.worstAllocs, c.worstAllocsOf = share, name
	}
}

func (c *comparison) mean() float64 {
	logs := 0.0
	for _, r := range c.ratios {
		logs += math.Log(r)
	}
	return math.Exp(logs / float64(len(c.ratios)))
}

func (c *comparison) report(t *testing.T, what string) {
	sorted := slices.Sorted(slices.Values(c.ratios))
	below := 0
	for below < len(sorted) && sorted[below] < 4 {
		below++
	}
	verdict := "ok"
	if c.mean() < 10 || below > 0 || c.ours > c.theirs/10 {
		verdict = "SHORT"
	}
	t.Logf("NDR %s beside go-msrpc: geometric mean %.1f over %d captured messages (want 10); worst %.1f (%s), %d below 4 (want none); allocations %.0f beside %.0f, %.3f of them (want 0.1), at most %.2f (%s) %s",
		what, c.mean(), len(sorted), c.worst, c.worstName, below, c.ours, c.theirs, c.ours/c.theirs, c.worstAllocs, c.worstAllocsOf, verdict)
}

// TestNDRBesideMSRPC decodes and encodes every captured message with both, in turns, each as its runtime does: ours with a decoder, an
// encoder and a buffer that are used again, go-msrpc with new ones. What go-msrpc cannot read is left out and counted.
func TestNDRBesideMSRPC(t *testing.T) {
	ctx := context.Background()
	var decode, encode comparison
	var refused, half int
	daemon := make([]byte, 64<<20) // on a heap of nothing else the collector would run all the time, for both
	defer runtime.KeepAlive(daemon)
	var d ndr.Decoder
	var e ndr.Encoder
	buf := make([]byte, 0, 1<<20)
	one := func(name string, stub []byte, typ, foreignType reflect.Type, in unsafe.Pointer) {
		defer func() {
			if recover() != nil {
				refused++
			}
		}()
		other := reflect.New(foreignType).Interface()
		if other.(foreign.Unmarshaler).UnmarshalNDR(ctx, foreign.NDR20(stub)) != nil { // it may panic
			refused++
			return
		}
		// What it encodes to less than half it has not decoded either: a response whose level is in the request.
		encoded, err := foreign.Marshal(other.(foreign.Marshaler))
		if err == nil && 2*len(encoded) < len(stub) {
			half++
			return
		}
		unmarshal, marshal := direct(reflect.PointerTo(typ), "UnmarshalNDR"), direct(reflect.PointerTo(typ), "MarshalNDR")
		decode.add(name, func() {
			d.Reset(stub, ndr.LittleEndian)
			unmarshal(reflect.New(typ).UnsafePointer(), unsafe.Pointer(&d), in)
		}, func() {
			x := reflect.New(foreignType).Interface()
			_ = x.(foreign.Unmarshaler).UnmarshalNDR(ctx, foreign.NDR20(stub))
		})
		if d.Err() != nil {
			t.Errorf("%s: %v", name, d.Err())
		}
		if err != nil {
			return
		}
		x := reflect.New(typ).UnsafePointer()
		d.Reset(stub, ndr.LittleEndian)
		unmarshal(x, unsafe.Pointer(&d), in)
		encode.add(name, func() {
			e.Reset(buf)
			marshal(x, unsafe.Pointer(&e), in)
		}, func() {
			_, _ = foreign.Marshal(other.(foreign.Marshaler))
		})
		if e.Err() != nil || e.Len() != len(stub) {
			t.Errorf("%s: %v, %d octets for %d", name, e.Err(), e.Len(), len(stub))
		}
	}
	files, _ := filepath.Glob("../../idl/testdata/golden/*.txt")
	for _, name := range files {
		iface, _, _ := strings.Cut(filepath.Base(name), "-")
		if ours[iface] == nil {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			cols := strings.Fields(sc.Text())
			if len(cols) < 2 || strings.HasPrefix(cols[0], "#") {
				continue
			}
			method, ok := reflect.TypeOf(ours[iface]).MethodByName(cols[0])
			if !ok {
				continue
			}
			fin, fout := foreignTypes(iface, cols[0])
			if fin == nil {
				refused++
				continue
			}
			request, err := hex.DecodeString(strings.ReplaceAll(cols[1], "-", ""))
			if err != nil {
				continue
			}
			inType, outType := method.Type.In(2).Elem(), method.Type.Out(0).Elem()
			in := reflect.New(inType)
			in.Interface().(interface{ UnmarshalNDR(*ndr.Decoder) }).UnmarshalNDR(ndr.NewDecoder(request, ndr.LittleEndian))
			one(cols[0]+" request", request, inType, fin, nil)
			if len(cols) < 3 || cols[2] == "?" {
				continue
			}
			if response, err := hex.DecodeString(strings.ReplaceAll(cols[2], "-", "")); err == nil && len(response) > 0 {
				one(cols[0]+" response", response, outType, fout, in.UnsafePointer())
			}
			runtime.KeepAlive(in)
		}
		f.Close()
	}
	decode.report(t, "decode")
	encode.report(t, "encode")
	t.Logf("NDR messages that go-msrpc refuses or lacks: %d, that it decodes half: %d", refused, half)
}
