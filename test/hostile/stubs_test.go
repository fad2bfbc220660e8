package hostile

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

// operation is one operation of a service: its types, and what captured clients sent for it.
type operation struct {
	opnum   uint16
	name    string
	in, out reflect.Type
	golden  [][]byte
}

// operations lists those of a service that are used on the wire. The names that generated methods have are those of the IDL without underscores.
func operations(t testing.TB, s *service) []operation {
	t.Helper()
	var golden map[string][][]byte
	if s.golden != "" {
		golden = goldenStubs(t, s.golden)
	}
	client := reflect.TypeOf(s.client)
	var ops []operation
	for i, op := range s.iface.Ops {
		if op.Invoke == nil {
			continue
		}
		o := operation{opnum: uint16(i), name: op.Name}
		for k := range client.NumMethod() {
			if m := client.Method(k); same(m.Name, op.Name) {
				o.in, o.out = m.Type.In(2).Elem(), m.Type.Out(0).Elem()
			}
		}
		if o.in == nil {
			t.Fatalf("%s: no method of the client for %s", s.pipe, op.Name)
		}
		for name, stubs := range golden {
			if same(name, op.Name) {
				o.golden = append(o.golden, stubs...)
			}
		}
		ops = append(ops, o)
	}
	return ops
}

func same(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, "_", ""), strings.ReplaceAll(b, "_", ""))
}

// goldenStubs reads the requests that real clients made (the format is that of idl's tests).
func goldenStubs(t testing.TB, prefix string) map[string][][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "idl", "testdata", "golden", prefix+"-*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no captured stub data of %s", prefix)
	}
	stubs := map[string][][]byte{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(strings.NewReader(string(b)))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			cols := strings.Fields(lines.Text())
			if len(cols) < 2 || strings.HasPrefix(cols[0], "#") {
				continue
			}
			stub, err := hex.DecodeString(strings.ReplaceAll(cols[1], "-", ""))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			stubs[cols[0]] = append(stubs[cols[0]], stub)
		}
	}
	return stubs
}

var allOperations = sync.OnceValue(func() [][]operation {
	var all [][]operation
	for i := range services {
		all = append(all, operations(onceTB{}, &services[i]))
	}
	return all
})

// onceTB panics where a test would fail.
type onceTB struct{ testing.TB }

func (onceTB) Helper()                        {}
func (onceTB) Fatal(args ...any)              { panic(fmt.Sprint(args...)) }
func (onceTB) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// filler makes values of the types of requests.
type filler struct {
	mutator
	handles []rpc.ContextHandle // that the server gave out
	left    int                 // values that may still be made, against types that hold themselves
}

var handleType = reflect.TypeFor[rpc.ContextHandle]()

// words are strings that calls may take for something.
var words = []string{"", "data", "IPC$", `\\server`, `C:\`, `C:\folder`, "alice", `BUILTIN\Administrators`, "Größe", "\x00", strings.Repeat("x", 300), `..\..`, "S-1-5-32-544"}

func (f *filler) fill(v reflect.Value, depth int) {
	if f.left--; f.left < 0 {
		return
	}
	if v.Type() == handleType {
		if len(f.handles) > 0 && !f.chance(4) {
			v.Set(reflect.ValueOf(pick(f.mutator, f.handles)))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if depth > 8 || f.chance(4) {
			return
		}
		p := reflect.New(v.Type().Elem())
		f.fill(p.Elem(), depth+1)
		v.Set(p)
	case reflect.Struct:
		if u, ok := v.Interface().(interface{ Arms() []any }); ok {
			arm := reflect.New(reflect.TypeOf(pick(f.mutator, u.Arms()))).Elem()
			f.fill(arm, depth+1)
			v.FieldByName("Value").Set(arm)
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				f.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		n := f.IntN(5)
		if f.chance(20) {
			n = f.IntN(200)
		}
		if depth > 8 || n == 0 {
			return
		}
		s := reflect.MakeSlice(v.Type(), n, n)
		for i := range n {
			f.fill(s.Index(i), depth+1)
		}
		v.Set(s)
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.String:
		v.SetString(pick(f.mutator, words))
	case reflect.Bool:
		v.SetBool(f.chance(2))
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.number()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.number() & (1<<v.Type().Bits() - 1))
	}
}

// levels are numbers that mean something somewhere: levels of information, classes, access.
var levels = []uint64{0, 1, 2, 3, 5, 10, 12, 50, 100, 101, 102, 501, 502, 503, 599, 1004, 1005, 1006, 1501, 0x02000000, 0xFFFFFFFF}

func (f *filler) number() uint64 {
	switch f.IntN(3) {
	case 0:
		return uint64(f.IntN(16))
	case 1:
		return pick(f.mutator, levels)
	}
	return pick(f.mutator, boundaries)
}

// stub makes stub data of a request: captured or made up, then mostly mutated.
func (f *filler) stub(o *operation) []byte {
	b := f.whole(o)
	if f.chance(5) {
		return b
	}
	return f.lied(b, o)
}

// whole makes stub data that are true: captured or made up.
func (f *filler) whole(o *operation) []byte {
	if len(o.golden) > 0 && !f.chance(3) {
		return f.withHandle(pick(f.mutator, o.golden), o)
	}
	v := reflect.New(o.in)
	f.left = 400
	f.fill(v.Elem(), 0)
	e := ndr.NewEncoder(nil)
	v.Interface().(interface{ MarshalNDR(*ndr.Encoder) }).MarshalNDR(e)
	if e.Err() != nil && len(o.golden) > 0 {
		return f.withHandle(pick(f.mutator, o.golden), o)
	}
	return e.Bytes()
}

// lied mutates stub data of a request.
func (f *filler) lied(b []byte, o *operation) []byte {
	// Handles stand first, and a lie there is told often enough by others.
	spans := []span{}
	for at := 0; at+4 <= len(b) && at < 400; at += 4 {
		spans = append(spans, span{at, 4})
	}
	if len(spans) > 8 && b[0] == 0 && hasHandle(o.in) && !f.chance(8) {
		return append(b[:rpc.ContextHandleSize:rpc.ContextHandleSize], f.bytes(b[rpc.ContextHandleSize:], spans[:len(spans)-5]...)...)
	}
	return f.bytes(b, spans...)
}

func hasHandle(t reflect.Type) bool { return t.NumField() > 0 && t.Field(0).Type == handleType }

// withHandle puts a handle of this association into captured stub data that begin with one.
func (f *filler) withHandle(b []byte, o *operation) []byte {
	if !hasHandle(o.in) || len(f.handles) == 0 || len(b) < rpc.ContextHandleSize || f.chance(8) {
		return b
	}
	h := pick(f.mutator, f.handles)
	e := ndr.NewEncoder(nil)
	h.EncodeBody(e)
	return append(e.Bytes(), b[rpc.ContextHandleSize:]...)
}

// learn takes the handles out of a response.
func (f *filler) learn(o *operation, stub []byte) {
	at := handleAt(o.out)
	if at < 0 || len(f.handles) >= 32 {
		return
	}
	d := ndr.NewDecoder(stub, ndr.LittleEndian)
	var h rpc.ContextHandle
	if at == 0 {
		h.DecodeBody(d)
	} else {
		out := reflect.New(o.out)
		out.MethodByName("UnmarshalNDR").Call([]reflect.Value{reflect.ValueOf(d), reflect.New(o.in)})
		h = out.Elem().Field(at).Interface().(rpc.ContextHandle)
	}
	if d.Err() == nil && !h.IsZero() {
		f.handles = append(f.handles, h)
	}
}

// handleAt is which field of a request or a response is a context handle, or -1.
func handleAt(t reflect.Type) int {
	for i := range t.NumField() {
		if t.Field(i).Type == handleType {
			return i
		}
	}
	return -1
}

// stubs lies in the stub data of every operation of every service, as an administrator and as another user. The framing is true, so each call is
// answered, and the association lives (but where an administrator's call may cut it).
func stubs(h *host, m mutator, n int, y *tally) error {
	all := allOperations()
	defer h.settings(h.initial)
	for turn := m.IntN(16); y.sent < n; turn++ {
		which, name := turn/2%len(services), []string{admin, user}[turn%2]
		c, err := logon(h.addr, name, smb2.Dialect311, false)
		if errors.Is(err, nt.StatusRequestNotAccepted) {
			h.settings(h.initial) // an administrator has bounded the users
			continue
		}
		if err != nil {
			return err
		}
		if err := c.connectTree("IPC$"); err != nil {
			return err
		}
		c.statuses = y.statuses
		sent, err := c.lyingCalls(m, which, all[which], min(n-y.sent, max(100, 2*len(all[which]))), y)
		y.answered += sent
		c.nc.Close()
		if err != nil && services[which].cuts && ended(err) {
			y.cut++
			err = nil
		}
		if err != nil {
			return y.hung(err, fmt.Sprintf("%s as %s", services[which].iface.Name, name))
		}
	}
	return nil
}

// ended reports errors that tell that a session or an open went.
func ended(err error) bool {
	for _, st := range []error{errCut, nt.StatusFileClosed, nt.StatusUserSessionDeleted, nt.StatusNetworkNameDeleted, nt.StatusPipeBroken, nt.StatusPipeDisconnected} {
		if errors.Is(err, st) {
			return true
		}
	}
	return false
}

func (c *client) lyingCalls(m mutator, which int, ops []operation, n int, y *tally) (answered int, err error) {
	f := &filler{mutator: m}
	a, err := c.associate(which)
	if err != nil {
		return 0, err
	}
	for i := range n {
		o := &ops[(i+m.IntN(2)*m.IntN(len(ops)))%len(ops)]
		stub := f.stub(o)
		if len(stub) > fragment-100 {
			stub = stub[:fragment-100]
		}
		y.mutated(append([]byte(fmt.Sprintf("%s:", o.name)), stub...))
		out, err := a.call(o.opnum, stub)
		var fault rpc.Fault
		switch {
		case err == nil:
			f.learn(o, out)
			answered++
			y.reached++
		case errors.As(err, &fault):
			answered++
			if fault != rpc.FaultNDR {
				y.reached++
			}
		case err == errAbandoned:
			answered++
			y.reached++
			f.handles = nil
			if err := a.close(); err != nil {
				return answered, err
			}
			if a, err = c.associate(which); err != nil {
				return answered, err
			}
		default:
			return answered, fmt.Errorf("%s: %w", o.name, err)
		}
	}
	return answered, a.close()
}

// TestOperations: every operation of every service is found, with captured stub data for the most of them, and what is made up mostly encodes.
func TestOperations(t *testing.T) {
	for i := range services {
		s := &services[i]
		ops, made, golden := operations(t, s), 0, 0
		f := &filler{mutator: newMutator(1, i)}
		for _, o := range ops {
			if len(o.golden) > 0 {
				golden++
			}
			for range 10 {
				v := reflect.New(o.in)
				f.left = 400
				f.fill(v.Elem(), 0)
				e := ndr.NewEncoder(nil)
				v.Interface().(interface{ MarshalNDR(*ndr.Encoder) }).MarshalNDR(e)
				if e.Err() == nil {
					made++
				}
			}
		}
		t.Logf("%s: %d operations, %d captured, %d of %d made up", s.iface.Name, len(ops), golden, made, 10*len(ops))
		if len(ops) == 0 || s.golden != "" && golden*6 < len(ops) || made < 2*len(ops) {
			t.Errorf("%s: %d operations, %d captured, %d of %d made up", s.iface.Name, len(ops), golden, made, 10*len(ops))
		}
	}
}
