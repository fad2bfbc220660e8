package idl_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lwio/gen/drsuapi"
	"lwio/gen/dssetup"
	"lwio/gen/echo"
	"lwio/gen/eventlog"
	"lwio/gen/initshutdown"
	"lwio/gen/lsarpc"
	"lwio/gen/mgmt"
	"lwio/gen/netlogon"
	"lwio/gen/ntsvcs"
	"lwio/gen/samr"
	"lwio/gen/spoolss"
	"lwio/gen/srvsvc"
	"lwio/gen/svcctl"
	"lwio/gen/winreg"
	"lwio/gen/witness"
	"lwio/gen/wkssvc"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

// clients are the clients whose methods tell the types of each operation, by the beginning of the golden file's name.
var clients = map[string]any{
	"srvsvc":       srvsvc.NewClient(nil),
	"lsarpc":       lsarpc.NewClient(nil),
	"wkssvc":       wkssvc.NewClient(nil),
	"dssetup":      dssetup.NewClient(nil),
	"initshutdown": initshutdown.NewInitShutdownClient(nil),
	"witness":      witness.NewClient(nil),
	"winreg":       winreg.NewClient(nil),
	"svcctl":       svcctl.NewClient(nil),
	"spoolss":      spoolss.NewClient(nil),
	"samr":         samr.NewClient(nil),
	"ntsvcs":       ntsvcs.NewClient(nil),
	"netlogon":     netlogon.NewClient(nil),
	"eventlog":     eventlog.NewClient(nil),
	"drsuapi":      drsuapi.NewClient(nil),
	"echo":         echo.NewClient(nil),
	"mgmt":         mgmt.NewClient(nil),
}

// message is one captured call.
type message struct {
	file      string
	line      int
	op        string
	request   []byte
	response  []byte // nil if none was captured
	requestBE []byte // the same in big-endian, or nil
	answerBE  []byte
}

// golden reads every captured message. A row is: operation, request, response, and perhaps both in big-endian; - is empty.
func golden(t testing.TB) []message {
	t.Helper()
	return messages(t, "testdata/golden/*.txt")
}

func messages(t testing.TB, pattern string) []message {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files")
	}
	var ms []message
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 1<<20)
		for line := 1; sc.Scan(); line++ {
			cols := strings.Fields(sc.Text())
			if len(cols) == 0 || strings.HasPrefix(cols[0], "#") {
				continue
			}
			m := message{file: filepath.Base(name), line: line, op: cols[0]}
			for i, dst := range []*[]byte{&m.request, &m.response, &m.requestBE, &m.answerBE} {
				if i+1 >= len(cols) || cols[i+1] == "?" {
					continue
				}
				b, err := hex.DecodeString(strings.ReplaceAll(cols[i+1], "-", ""))
				if err != nil {
					t.Fatalf("%s:%d: %v", name, line, err)
				}
				*dst = b
				if b == nil {
					*dst = []byte{}
				}
			}
			ms = append(ms, m)
		}
		if sc.Err() != nil {
			t.Fatal(sc.Err())
		}
	}
	return ms
}

// codec calls the generated methods of one operation.
type codec struct{ in, out reflect.Type }

func codecOf(t testing.TB, m message) codec {
	t.Helper()
	iface, _, _ := strings.Cut(m.file, "-")
	method, ok := reflect.TypeOf(clients[strings.TrimSuffix(iface, ".txt")]).MethodByName(m.op)
	if !ok {
		t.Fatalf("%s:%d: no operation %s", m.file, m.line, m.op)
	}
	return codec{method.Type.In(2).Elem(), method.Type.Out(0).Elem()}
}

func (c codec) decodeRequest(b []byte, r ndr.Representation) (reflect.Value, *ndr.Decoder) {
	v := reflect.New(c.in)
	d := ndr.NewDecoder(b, r)
	v.Interface().(interface{ UnmarshalNDR(*ndr.Decoder) }).UnmarshalNDR(d)
	return v, d
}

func (c codec) encodeRequest(v reflect.Value) ([]byte, error) {
	e := ndr.NewEncoder(nil)
	v.Interface().(interface{ MarshalNDR(*ndr.Encoder) }).MarshalNDR(e)
	return e.Bytes(), e.Err()
}

func (c codec) decodeResponse(b []byte, r ndr.Representation, in reflect.Value) (reflect.Value, *ndr.Decoder) {
	v := reflect.New(c.out)
	d := ndr.NewDecoder(b, r)
	v.MethodByName("UnmarshalNDR").Call([]reflect.Value{reflect.ValueOf(d), in})
	return v, d
}

func (c codec) encodeResponse(v, in reflect.Value) ([]byte, error) {
	e := ndr.NewEncoder(nil)
	v.MethodByName("MarshalNDR").Call([]reflect.Value{reflect.ValueOf(e), in})
	return e.Bytes(), e.Err()
}

// TestGolden decodes what Samba and impacket sent, encodes it again, and expects the same octets.
func TestGolden(t *testing.T) {
	for _, m := range golden(t) {
		c := codecOf(t, m)
		in, d := c.decodeRequest(m.request, ndr.LittleEndian)
		if d.Err() != nil {
			t.Errorf("%s:%d: %s: request: %v\n%s", m.file, m.line, m.op, d.Err(), hex.Dump(m.request))
			continue
		}
		if d.Remaining() != 0 {
			t.Errorf("%s:%d: %s: request: %d octets are left", m.file, m.line, m.op, d.Remaining())
		}
		again, err := c.encodeRequest(in)
		if err != nil || !sameOctets(again, m.request) {
			t.Errorf("%s:%d: %s: request: %v\n%s\nwant\n%s", m.file, m.line, m.op, err, hex.Dump(again), hex.Dump(m.request))
		}
		if m.requestBE != nil {
			big, d := c.decodeRequest(m.requestBE, ndr.BigEndian)
			if d.Err() != nil || d.Remaining() != 0 || !reflect.DeepEqual(big.Interface(), in.Interface()) {
				t.Errorf("%s:%d: %s: big-endian request: %v\n%+v\nwant\n%+v", m.file, m.line, m.op, d.Err(), big, in)
			}
		}
		if m.response == nil {
			continue
		}
		out, d := c.decodeResponse(m.response, ndr.LittleEndian, in)
		if d.Err() != nil {
			t.Errorf("%s:%d: %s: response: %v\n%s", m.file, m.line, m.op, d.Err(), hex.Dump(m.response))
			continue
		}
		if d.Remaining() != 0 {
			t.Errorf("%s:%d: %s: response: %d octets are left", m.file, m.line, m.op, d.Remaining())
		}
		again, err = c.encodeResponse(out, in)
		if err != nil || !sameOctets(again, m.response) {
			t.Errorf("%s:%d: %s: response: %v\n%s\nwant\n%s", m.file, m.line, m.op, err, hex.Dump(again), hex.Dump(m.response))
		}
		if m.answerBE != nil {
			big, d := c.decodeResponse(m.answerBE, ndr.BigEndian, in)
			if d.Err() != nil || d.Remaining() != 0 || !reflect.DeepEqual(big.Interface(), out.Interface()) {
				t.Errorf("%s:%d: %s: big-endian response: %v\n%+v\nwant\n%+v", m.file, m.line, m.op, d.Err(), big, out)
			}
		}
	}
}

// gaps is what impacket fills them with.
var gaps = []byte{0xAA, 0xAB, 0xBB, 0xBC, 0xBD, 0xBF, 0xCC, 0xCE, 0xEE}

// sameOctets compares messages but for what C706 leaves open: what fills gaps, and the referent
// identifiers, of which it makes up random ones: b may have any word other than zero where a has an identifier that our encoder gives.
func sameOctets(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if a[i] == b[i] || a[i] == 0 && slices.Contains(gaps, b[i]) && i > 0 && i+2 < len(a) {
			continue
		}
		w := i &^ 3
		if w+4 > len(a) || a[w+3] != 0 || a[w+2] != 2 || bytes.Equal(b[w:w+4], []byte{0, 0, 0, 0}) {
			return false
		}
		i = w + 3
	}
	return true
}

// TestGoldenTruncated cuts every captured message at every octet: each fails as an *ndr.Error, and none panics.
func TestGoldenTruncated(t *testing.T) {
	for _, m := range golden(t) {
		c := codecOf(t, m)
		in, _ := c.decodeRequest(m.request, ndr.LittleEndian)
		for n := range m.request {
			if _, d := c.decodeRequest(m.request[:n], ndr.LittleEndian); !cut(d) {
				t.Fatalf("%s:%d: %s: request cut to %d of %d octets: %v", m.file, m.line, m.op, n, len(m.request), d.Err())
			}
		}
		for n := range m.response {
			if _, d := c.decodeResponse(m.response[:n], ndr.LittleEndian, in); !cut(d) {
				t.Fatalf("%s:%d: %s: response cut to %d of %d octets: %v", m.file, m.line, m.op, n, len(m.response), d.Err())
			}
		}
	}
}

func cut(d *ndr.Decoder) bool {
	var e *ndr.Error
	return errors.As(d.Err(), &e) && (errors.Is(e, ndr.ErrTruncated) || errors.Is(e, ndr.ErrConformance)) && rpc.FaultOf(e) == rpc.FaultNDR
}

// TestGoldenMutated changes every octet of every captured message in several ways. What still decodes encodes, and
// decodes to the same again.
func TestGoldenMutated(t *testing.T) {
	for _, m := range golden(t) {
		c := codecOf(t, m)
		for i := range m.request {
			for _, x := range []byte{0x01, 0x80, 0xFF} {
				b := bytes.Clone(m.request)
				b[i] ^= x
				if err := c.stable(b); err != nil {
					t.Fatalf("%s:%d: %s: request with octet %d ^ %#x: %v", m.file, m.line, m.op, i, x, err)
				}
			}
		}
	}
}

var errUnstable = errors.New("decoding, encoding and decoding gives another value")

func (c codec) stable(b []byte) error {
	v, d := c.decodeRequest(b, ndr.LittleEndian)
	if d.Err() != nil {
		return nil
	}
	again, err := c.encodeRequest(v)
	if err != nil {
		return err
	}
	w, d := c.decodeRequest(again, ndr.LittleEndian)
	if d.Err() != nil {
		return d.Err()
	}
	if !reflect.DeepEqual(v.Interface(), w.Interface()) {
		return errUnstable
	}
	return nil
}

// TestInvoke runs every captured request through the description that a server registers, with a server that implements nothing.
func TestInvoke(t *testing.T) {
	ifaces := map[string]struct {
		iface *rpc.Interface
		impl  any
	}{
		"srvsvc":       {srvsvc.SrvsvcInterface, srvsvc.UnimplementedSrvsvcServer{}},
		"lsarpc":       {lsarpc.LsarpcInterface, lsarpc.UnimplementedLsarpcServer{}},
		"wkssvc":       {wkssvc.WkssvcInterface, wkssvc.UnimplementedWkssvcServer{}},
		"dssetup":      {dssetup.DssetupInterface, dssetup.UnimplementedDssetupServer{}},
		"echo":         {echo.RpcechoInterface, echo.UnimplementedRpcechoServer{}},
		"mgmt":         {mgmt.MgmtInterface, mgmt.UnimplementedMgmtServer{}},
		"drsuapi":      {drsuapi.DrsuapiInterface, drsuapi.UnimplementedDrsuapiServer{}},
		"eventlog":     {eventlog.EventlogInterface, eventlog.UnimplementedEventlogServer{}},
		"initshutdown": {initshutdown.InitShutdownInterface, initshutdown.UnimplementedInitShutdownServer{}},
		"netlogon":     {netlogon.LogonInterface, netlogon.UnimplementedLogonServer{}},
		"ntsvcs":       {ntsvcs.NtsvcsInterface, ntsvcs.UnimplementedNtsvcsServer{}},
		"samr":         {samr.SamrInterface, samr.UnimplementedSamrServer{}},
		"spoolss":      {spoolss.WinspoolInterface, spoolss.UnimplementedWinspoolServer{}},
		"svcctl":       {svcctl.SvcctlInterface, svcctl.UnimplementedSvcctlServer{}},
		"winreg":       {winreg.WinregInterface, winreg.UnimplementedWinregServer{}},
		"witness":      {witness.WitnessInterface, witness.UnimplementedWitnessServer{}},
	}
	for _, m := range golden(t) {
		name, _, _ := strings.Cut(m.file, "-")
		i := ifaces[name]
		if !i.iface.Implements(i.impl) || i.iface.Implements(42) {
			t.Fatalf("%s: Implements is wrong", name)
		}
		found := false
		for _, op := range i.iface.Ops {
			if op.Name != m.op && !strings.EqualFold(strings.ReplaceAll(op.Name, "_", ""), m.op) {
				continue
			}
			found = true
			err := op.Invoke(context.Background(), i.impl, &rpc.Call{}, ndr.NewDecoder(m.request, ndr.LittleEndian), ndr.NewEncoder(nil))
			if rpc.FaultOf(err) != rpc.FaultOpRange {
				t.Errorf("%s:%d: %s: %v", m.file, m.line, m.op, err)
			}
			if len(m.request) > 0 {
				err := op.Invoke(context.Background(), i.impl, &rpc.Call{}, ndr.NewDecoder(m.request[:len(m.request)-1], ndr.LittleEndian), ndr.NewEncoder(nil))
				if rpc.FaultOf(err) != rpc.FaultNDR {
					t.Errorf("%s:%d: %s cut short: %v", m.file, m.line, m.op, err)
				}
			}
		}
		if !found {
			t.Errorf("%s has no operation %s", name, m.op)
		}
	}
}
