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
	"strings"
	"testing"
	"time"

	foreigndssetup "github.com/oiweiwei/go-msrpc/msrpc/dssp/dssetup/v0"
	foreignlsad "github.com/oiweiwei/go-msrpc/msrpc/lsad/lsarpc/v0"
	foreignlsat "github.com/oiweiwei/go-msrpc/msrpc/lsat/lsarpc/v0"
	foreignsrvsvc "github.com/oiweiwei/go-msrpc/msrpc/srvs/srvsvc/v3"
	foreignwkssvc "github.com/oiweiwei/go-msrpc/msrpc/wkst/wkssvc/v1"
	foreign "github.com/oiweiwei/go-msrpc/ndr"

	"lwio/gen/dssetup"
	"lwio/gen/lsarpc"
	"lwio/gen/srvsvc"
	"lwio/gen/wkssvc"
	"lwio/rpc/ndr"
)

// ours and theirs tell the types of each operation by the methods of the clients.
var ours = map[string]any{"srvsvc": srvsvc.NewClient(nil), "lsarpc": lsarpc.NewClient(nil), "wkssvc": wkssvc.NewClient(nil), "dssetup": dssetup.NewClient(nil)}

var theirs = map[string][]reflect.Type{
	"srvsvc":  {reflect.TypeFor[foreignsrvsvc.SrvsvcClient]()},
	"lsarpc":  {reflect.TypeFor[foreignlsat.LsarpcClient](), reflect.TypeFor[foreignlsad.LsarpcClient]()},
	"wkssvc":  {reflect.TypeFor[foreignwkssvc.WkssvcClient]()},
	"dssetup": {reflect.TypeFor[foreigndssetup.DssetupClient]()},
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

// rate runs f for a few milliseconds and gives the time of one run, the best of three.
func rate(f func()) float64 {
	best := math.Inf(1)
	for range 3 {
		n, start := 0, time.Now()
		for time.Since(start) < 2*time.Millisecond {
			for range 16 {
				f()
			}
			n += 16
		}
		best = min(best, float64(time.Since(start).Nanoseconds())/float64(n))
	}
	return best
}

// idle has a method of the shape that is called by reflection.
type idle struct{}

func (*idle) UnmarshalNDR(*ndr.Decoder, *idle) {}

// TestNDRBesideMSRPC decodes and encodes every captured message with both, in turns. What go-msrpc cannot read is left out and counted.
func TestNDRBesideMSRPC(t *testing.T) {
	ctx := context.Background()
	var logs float64
	var n, refused int
	worst, worstName := math.Inf(1), ""
	nothing, _ := reflect.TypeFor[*idle]().MethodByName("UnmarshalNDR")
	idleArgs := []reflect.Value{reflect.ValueOf(&idle{}), reflect.ValueOf(ndr.NewDecoder(nil, ndr.LittleEndian)), reflect.ValueOf(&idle{})}
	reflection := rate(func() { nothing.Func.Call(idleArgs); nothing.Func.Call(idleArgs) })
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
			in := reflect.New(method.Type.In(2).Elem())
			decodeIn := func() {
				in.Interface().(interface{ UnmarshalNDR(*ndr.Decoder) }).UnmarshalNDR(ndr.NewDecoder(request, ndr.LittleEndian))
			}
			decodeIn()
			one := func(what string, mine, other func()) {
				defer func() {
					if recover() != nil {
						refused++
					}
				}()
				other() // it may panic
				a, b := rate(mine), rate(other)
				if what == "response" { // ours is called through reflection here, as no program would
					a = max(a-reflection, 1)
				}
				logs += math.Log(b / a)
				n++
				if b/a < worst {
					worst, worstName = b/a, cols[0]+" "+what
				}
			}
			fr := reflect.New(fin).Interface()
			if fr.(foreign.Unmarshaler).UnmarshalNDR(ctx, foreign.NDR20(request)) != nil {
				refused++
				continue
			}
			one("request", func() {
				x := reflect.New(method.Type.In(2).Elem()).Interface()
				x.(interface{ UnmarshalNDR(*ndr.Decoder) }).UnmarshalNDR(ndr.NewDecoder(request, ndr.LittleEndian))
				e := ndr.NewEncoder(nil)
				x.(interface{ MarshalNDR(*ndr.Encoder) }).MarshalNDR(e)
			}, func() {
				x := reflect.New(fin).Interface()
				_ = x.(foreign.Unmarshaler).UnmarshalNDR(ctx, foreign.NDR20(request))
				_, _ = foreign.Marshal(x.(foreign.Marshaler))
			})
			if len(cols) < 3 || cols[2] == "?" {
				continue
			}
			response, err := hex.DecodeString(strings.ReplaceAll(cols[2], "-", ""))
			if err != nil || len(response) == 0 {
				continue
			}
			if reflect.New(fout).Interface().(foreign.Unmarshaler).UnmarshalNDR(ctx, foreign.NDR20(response)) != nil {
				refused++
				continue
			}
			out := method.Type.Out(0)
			unmarshal, _ := out.MethodByName("UnmarshalNDR")
			marshal, _ := out.MethodByName("MarshalNDR")
			args := []reflect.Value{{}, {}, in}
			one("response", func() {
				args[0] = reflect.New(out.Elem())
				args[1] = reflect.ValueOf(ndr.NewDecoder(response, ndr.LittleEndian))
				unmarshal.Func.Call(args)
				args[1] = reflect.ValueOf(ndr.NewEncoder(nil))
				marshal.Func.Call(args)
			}, func() {
				x := reflect.New(fout).Interface()
				_ = x.(foreign.Unmarshaler).UnmarshalNDR(ctx, foreign.NDR20(response))
				_, _ = foreign.Marshal(x.(foreign.Marshaler))
			})
		}
		f.Close()
	}
	mean := math.Exp(logs / float64(n))
	verdict := "ok"
	if mean < 5 {
		verdict = "SHORT"
	}
	t.Logf("NDR decode and encode beside go-msrpc: geometric mean %.1f over %d captured messages (want 5) %s; worst %.1f (%s); %d that it refuses or lacks", mean, n, verdict, worst, worstName, refused)
}
