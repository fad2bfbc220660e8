package msrpc

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	mdrsuapi "github.com/oiweiwei/go-msrpc/msrpc/drsr/drsuapi/v4"
	mdssetup "github.com/oiweiwei/go-msrpc/msrpc/dssp/dssetup/v0"
	meventlog "github.com/oiweiwei/go-msrpc/msrpc/even/eventlog/v0"
	mlsad "github.com/oiweiwei/go-msrpc/msrpc/lsad/lsarpc/v0"
	mlsat "github.com/oiweiwei/go-msrpc/msrpc/lsat/lsarpc/v0"
	mnetlogon "github.com/oiweiwei/go-msrpc/msrpc/nrpc/logon/v1"
	mspoolss "github.com/oiweiwei/go-msrpc/msrpc/rprn/winspool/v1"
	mwinreg "github.com/oiweiwei/go-msrpc/msrpc/rrp/winreg/v1"
	minitshutdown "github.com/oiweiwei/go-msrpc/msrpc/rsp/initshutdown/v1"
	msamr "github.com/oiweiwei/go-msrpc/msrpc/samr/samr/v1"
	msvcctl "github.com/oiweiwei/go-msrpc/msrpc/scmr/svcctl/v2"
	msrvsvc "github.com/oiweiwei/go-msrpc/msrpc/srvs/srvsvc/v3"
	mwitness "github.com/oiweiwei/go-msrpc/msrpc/swn/witness/v1"
	mwkssvc "github.com/oiweiwei/go-msrpc/msrpc/wkst/wkssvc/v1"
	mndr "github.com/oiweiwei/go-msrpc/ndr"

	"lwio/gen/drsuapi"
	"lwio/gen/dssetup"
	"lwio/gen/eventlog"
	"lwio/gen/initshutdown"
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
	"lwio/rpc/rpctest"
)

// known is an interface that both know.
type known struct {
	ours   any            // a client, whose methods have the types
	theirs []reflect.Type // clients
}

var bothKnow = map[string]known{
	"srvsvc":       {srvsvc.NewClient(nil), []reflect.Type{reflect.TypeFor[msrvsvc.SrvsvcClient]()}},
	"lsarpc":       {lsarpc.NewClient(nil), []reflect.Type{reflect.TypeFor[mlsat.LsarpcClient](), reflect.TypeFor[mlsad.LsarpcClient]()}},
	"wkssvc":       {wkssvc.NewClient(nil), []reflect.Type{reflect.TypeFor[mwkssvc.WkssvcClient]()}},
	"drsuapi":      {drsuapi.NewClient(nil), []reflect.Type{reflect.TypeFor[mdrsuapi.DrsuapiClient]()}},
	"netlogon":     {netlogon.NewClient(nil), []reflect.Type{reflect.TypeFor[mnetlogon.LogonClient]()}},
	"samr":         {samr.NewClient(nil), []reflect.Type{reflect.TypeFor[msamr.SamrClient]()}},
	"spoolss":      {spoolss.NewClient(nil), []reflect.Type{reflect.TypeFor[mspoolss.WinspoolClient]()}},
	"svcctl":       {svcctl.NewClient(nil), []reflect.Type{reflect.TypeFor[msvcctl.SvcctlClient]()}},
	"winreg":       {winreg.NewClient(nil), []reflect.Type{reflect.TypeFor[mwinreg.WinregClient]()}},
	"witness":      {witness.NewClient(nil), []reflect.Type{reflect.TypeFor[mwitness.WitnessClient]()}},
	"dssetup":      {dssetup.NewClient(nil), []reflect.Type{reflect.TypeFor[mdssetup.DssetupClient]()}},
	"eventlog":     {eventlog.NewClient(nil), []reflect.Type{reflect.TypeFor[meventlog.EventlogClient]()}},
	"initshutdown": {initshutdown.NewInitShutdownClient(nil), []reflect.Type{reflect.TypeFor[minitshutdown.InitShutdownClient]()}},
}

// foreign gives go-msrpc's request and response of an operation.
func (k known) foreign(op string) (in, out reflect.Type) {
	for _, c := range k.theirs {
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

// subject is one captured message, and the types that it is of.
type subject struct {
	name    string
	stub    []byte
	ours    reflect.Type
	in      reflect.Value // of a response: the request
	foreign reflect.Type
}

// captured gives every captured message of what both know.
func captured(t testing.TB) (list []subject) {
	t.Helper()
	files, err := filepath.Glob("../../idl/testdata/golden/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no captured messages")
	}
	for _, name := range files {
		iface, _, _ := strings.Cut(filepath.Base(name), "-")
		k, ok := bothKnow[iface]
		if !ok {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(strings.NewReader(string(b)))
		sc.Buffer(nil, 1<<20)
		for line := 1; sc.Scan(); line++ {
			cols := strings.Fields(sc.Text())
			if len(cols) < 2 || strings.HasPrefix(cols[0], "#") {
				continue
			}
			m, ok := reflect.TypeOf(k.ours).MethodByName(cols[0])
			fin, fout := k.foreign(cols[0])
			if !ok || fin == nil {
				continue
			}
			octets := func(i int) []byte {
				b, err := hex.DecodeString(strings.ReplaceAll(cols[i], "-", ""))
				if err != nil {
					t.Fatalf("%s:%d: %v", name, line, err)
				}
				return b
			}
			in := reflect.New(m.Type.In(2).Elem())
			in.Interface().(interface{ UnmarshalNDR(*ndr.Decoder) }).UnmarshalNDR(ndr.NewDecoder(octets(1), ndr.LittleEndian))
			list = append(list, subject{iface + " " + cols[0] + " request", octets(1), m.Type.In(2).Elem(), reflect.Value{}, fin})
			if len(cols) > 2 && cols[2] != "?" {
				list = append(list, subject{iface + " " + cols[0] + " response", octets(2), m.Type.Out(0).Elem(), in, fout})
			}
		}
	}
	return list
}

// mine decodes with our stub and encodes what came of it.
func (s *subject) mine(b []byte) ([]byte, error) {
	x, d, e := reflect.New(s.ours), ndr.NewDecoder(b, ndr.LittleEndian), ndr.NewEncoder(nil)
	decode, encode := x.MethodByName("UnmarshalNDR"), x.MethodByName("MarshalNDR")
	args := func(v any) []reflect.Value {
		if s.in.IsValid() {
			return []reflect.Value{reflect.ValueOf(v), s.in}
		}
		return []reflect.Value{reflect.ValueOf(v)}
	}
	if decode.Call(args(d)); d.Err() != nil {
		return nil, d.Err()
	}
	encode.Call(args(e))
	if e.Err() != nil {
		return nil, fmt.Errorf("what was decoded does not encode: %w", e.Err())
	}
	return e.Bytes(), nil
}

// errUnwritten is a value that go-msrpc decodes and does not encode: counts that say more than there is, or that disagree.
var errUnwritten = errors.New("what was decoded does not encode")

// bridged decodes with go-msrpc's stub over our reader, and encodes what came of it over our writer. It cannot tell NULL from "" and fills what is short.
func (s *subject) bridged(b []byte) ([]byte, error) {
	x := reflect.New(s.foreign).Interface().(stub)
	if err := decode(b, ndr.NDR20, x); err != nil {
		return nil, err
	}
	return written(x)
}

// raw is bridged over go-msrpc's own reader.
func (s *subject) raw(b []byte) ([]byte, error) {
	x := reflect.New(s.foreign).Interface().(stub)
	if err := contain(func() error { return x.UnmarshalNDR(bg, mndr.NDR20(b)) }); err != nil {
		return nil, err
	}
	return written(x)
}

func written(x stub) ([]byte, error) {
	e := ndr.NewEncoder(nil)
	w := newWriter(e)
	w.most = 1 << 20
	err := contain(func() error { return x.MarshalNDR(bg, w) })
	if err == nil {
		err = w.finish()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnwritten, err)
	}
	return e.Bytes(), nil
}

// reasons are what go-msrpc is known to read otherwise, by the beginning of a message's name. Its IDL is the specifications', corrected by hand.
var reasons = []struct{ name, why string }{
	{"eventlog ElfrOpenELW request", "UNCServerName points to one wchar_t, which Samba sends so; theirs is a string"},
	{"initshutdown BaseAbortShutdown request", "ServerName points to one wchar_t; theirs is a string"},
	{"winreg Open", "ServerName points to one wchar_t; theirs is a string"},
	{"lsarpc LsarOpenPolicy request", "SystemName points to one wchar_t; theirs is a string"},
	{"lsarpc LsarOpenPolicy2 request", "RootDirectory points to one octet (MS-LSAD 2.2.2.4); theirs is an array"},
	{"wkssvc NetrUseEnum", "the Buffer of a USE_INFO container is an array, as Samba has it; the specification leaves size_is out, and theirs is one structure"},
	{"srvsvc Netr", "levels that the specification lists, or that the server is to refuse by itself, have an arm; theirs are refused (unsupported switch case)"},
}

// stricter are the errors with which our decoder refuses what go-msrpc does not check.
var stricter = []error{ndr.ErrTagMismatch, ndr.ErrCount, ndr.ErrString, ndr.ErrRange, ndr.ErrBounds}

// verdict compares what both make of stub data. Agreement is: both refuse, or the value that we decode, encoded by us, is to go-msrpc the value that it
// decodes itself. Where they differ, why is the index of the reason, or -1.
func (s *subject) verdict(b []byte) (agreed, compared bool, why int, detail string) {
	ours, err := s.mine(b)
	theirs, terr := s.bridged(b)
	if errors.Is(terr, errUnwritten) || err != nil && terr != nil {
		return true, false, 0, ""
	}
	switch {
	case err != nil:
		for _, e := range stricter {
			if errors.Is(err, e) {
				return true, false, 0, ""
			}
		}
		detail = fmt.Sprintf("we refuse it: %v", err)
	case terr != nil:
		detail = fmt.Sprintf("go-msrpc refuses it: %v", terr)
	default:
		again, err := s.bridged(ours)
		if err == nil && bytes.Equal(again, theirs) {
			return true, true, 0, ""
		}
		detail = fmt.Sprintf("the values differ: %v\nours: %x\nit read by go-msrpc: %x\ngo-msrpc: %x", err, ours, again, theirs)
	}
	for i, r := range reasons {
		if strings.HasPrefix(s.name, r.name) && (!strings.HasPrefix(r.name, "srvsvc") || strings.Contains(detail, "unsupported switch case")) {
			return false, false, i, detail
		}
	}
	return false, false, -1, detail
}

// TestDifferential: of every captured message of the interfaces that both know, and of what a mutator makes of it, go-msrpc's stubs read what ours read.
func TestDifferential(t *testing.T) {
	each := 60
	if testing.Short() {
		each = 10
	}
	met := make([]int, len(reasons))
	total, values := 0, 0
	for i, s := range captured(t) {
		m := rpctest.NewMutator(uint64(i))
		for k := range each {
			b := s.stub
			if k > 0 {
				b = m.Mutate(s.stub)
			}
			total++
			agreed, compared, why, detail := s.verdict(b)
			if compared {
				values++
			}
			if agreed && compared && k == 0 {
				theirs, _ := s.bridged(b)
				if raw, err := s.raw(b); err != nil || !bytes.Equal(raw, theirs) {
					t.Errorf("%s: with a reader of its own go-msrpc reads something else: %v\n%x\n%x", s.name, err, raw, theirs)
				}
			}
			switch {
			case agreed:
			case why < 0:
				t.Errorf("%s, %x: %s", s.name, b, detail)
			default:
				met[why]++
			}
		}
	}
	t.Logf("%d messages, %d values compared, %v known differences", total, values, met)
	if values*5 < total {
		t.Errorf("but %d of %d messages came to be compared", values, total)
	}
	for i, n := range met {
		if n == 0 && !testing.Short() {
			t.Errorf("no message shows any more that %s: %s", reasons[i].name, reasons[i].why)
		}
	}
}

// FuzzDifferential does it with anything.
func FuzzDifferential(f *testing.F) {
	list := captured(f)
	seen := map[string]int{}
	for i, s := range list {
		if seen[s.name]++; seen[s.name] <= 2 {
			f.Add(uint16(i), s.stub)
		}
	}
	f.Fuzz(func(t *testing.T, which uint16, b []byte) {
		s := &list[int(which)%len(list)]
		if agreed, _, why, detail := s.verdict(b); !agreed && why < 0 {
			t.Errorf("%s, %x: %s", s.name, b, detail)
		}
	})
}
