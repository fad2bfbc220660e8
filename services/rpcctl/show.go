package rpcctl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"sync"

	"lwio/gen/dtyp"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
)

// Bounds of what is shown of one request or response.
const (
	maxShown    = 16 << 10 // octets of JSON, about
	maxElements = 32       // of an array
	maxText     = 256      // characters of a string
	maxDepth    = 64
)

// types finds the generated types of operations.
type types struct {
	client func(*rpc.Interface) any
	known  sync.Map // *rpc.Interface to []operationTypes
}

// operationTypes are a request and a response, as what they point to; nil if they are not known.
type operationTypes struct{ request, response reflect.Type }

func (t *types) of(i *rpc.Interface, opnum uint16) operationTypes {
	v, ok := t.known.Load(i)
	if !ok {
		list := make([]operationTypes, len(i.Ops))
		if t.client != nil {
			if c := t.client(i); c != nil {
				methods(list, i, reflect.TypeOf(c))
			}
		}
		v, _ = t.known.LoadOrStore(i, list)
	}
	if list := v.([]operationTypes); int(opnum) < len(list) {
		return list[opnum]
	}
	return operationTypes{}
}

// methods takes the types from the methods of a generated client: func(context.Context, *Request) (*Response, error).
func methods(list []operationTypes, i *rpc.Interface, t reflect.Type) {
	byName := map[string]reflect.Type{}
	for n := range t.NumMethod() {
		m := t.Method(n)
		byName[plain(m.Name)] = m.Type
	}
	for n := range list {
		m := byName[plain(i.Ops[n].Name)]
		if m != nil && m.NumIn() == 3 && m.NumOut() == 2 && m.In(2).Kind() == reflect.Pointer && m.Out(0).Kind() == reflect.Pointer {
			list[n] = operationTypes{m.In(2).Elem(), m.Out(0).Elem()}
		}
	}
}

// show decodes what a record has and gives it as JSON; empty where it is not known or does not decode.
func (t *types) show(r *server.Record) (request, response string) {
	op := t.of(r.Interface, r.Opnum)
	if op.request == nil {
		return "", ""
	}
	if r.In > len(r.Request) {
		return `"` + strconv.Itoa(r.In) + ` octets, too many to show"`, ""
	}
	in := reflect.New(op.request)
	u, ok := in.Interface().(interface{ UnmarshalNDR(*ndr.Decoder) })
	if !ok {
		return "", ""
	}
	var d ndr.Decoder
	reset(&d, r.NDR64, r.Representation, r.Request)
	if u.UnmarshalNDR(&d); d.Err() != nil {
		return `"does not decode"`, ""
	}
	request = asJSON(in)
	if r.Fault != 0 {
		return request, ""
	}
	if r.Out > len(r.Response) {
		return request, `"` + strconv.Itoa(r.Out) + ` octets, too many to show"`
	}
	out := reflect.New(op.response)
	m := out.MethodByName("UnmarshalNDR")
	if !m.IsValid() || m.Type().NumIn() != 2 || m.Type().In(1) != in.Type() {
		return request, ""
	}
	reset(&d, r.NDR64, ndr.LittleEndian, r.Response) // what the server sends
	if m.Call([]reflect.Value{reflect.ValueOf(&d), in}); d.Err() != nil {
		return request, `"does not decode"`
	}
	return request, asJSON(out)
}

func reset(d *ndr.Decoder, ndr64 bool, rep ndr.Representation, stub []byte) {
	d.Reset(stub, rep)
	if ndr64 {
		d.SetSyntax(ndr.NDR64)
	}
}

// asJSON is a value without what is secret. Pointers that are NULL, and structures and arrays that are empty, are left out.
func asJSON(v reflect.Value) string {
	w := &writer{}
	w.value(v, false, 0)
	return w.b.String()
}

type writer struct {
	b         bytes.Buffer
	unbounded bool // for tests
}

var (
	typeGUID   = reflect.TypeFor[nt.GUID]()
	typeHandle = reflect.TypeFor[rpc.ContextHandle]()
	typeText   = reflect.TypeFor[dtyp.RPC_UNICODE_STRING]()
	typeSID    = reflect.TypeFor[dtyp.RPC_SID]()
)

// text writes a string, cut where it is long.
func (w *writer) text(s string) {
	if n := 0; len(s) > maxText {
		for i := range s {
			if n++; n > maxText {
				s = s[:i] + "…"
				break
			}
		}
	}
	q, _ := json.Marshal(s) // of a string there is no error
	w.b.Write(q)
}

// hidden stands for what is secret.
func (w *writer) hidden() { w.text("(secret)") }

// value writes a value. In a member that has a secret name no text is shown, at any depth.
func (w *writer) value(v reflect.Value, secret bool, depth int) {
	if !w.unbounded && w.b.Len() > maxShown || depth > maxDepth {
		w.text("…")
		return
	}
	t := v.Type()
	switch {
	case secretType(t):
		w.hidden()
		return
	case t == typeGUID:
		w.text(v.Interface().(nt.GUID).String())
		return
	case t == typeHandle:
		w.text(v.Interface().(rpc.ContextHandle).UUID.String())
		return
	case t == typeText:
		x := v.Interface().(dtyp.RPC_UNICODE_STRING)
		w.string(x.String(), secret)
		return
	case t == typeSID:
		x := v.Interface().(dtyp.RPC_SID)
		if sid, err := x.SID(); err == nil {
			w.text(sid.String())
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			w.b.WriteString("null")
			return
		}
		if octet(t.Elem()) {
			w.text("(octets)")
			return
		}
		w.value(v.Elem(), secret, depth+1)
	case reflect.Interface: // the arm of a union that holds one
		if v.IsNil() {
			w.b.WriteString("null")
			return
		}
		w.value(v.Elem(), secret, depth+1)
	case reflect.Struct:
		if _, ok := v.Interface().(armed); ok {
			w.arm(v, secret, depth)
			return
		}
		w.object(v, secret, depth)
	case reflect.Slice, reflect.Array:
		w.array(v, secret, depth)
	case reflect.String:
		w.string(v.String(), secret)
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		fmt.Fprint(&w.b, v.Interface())
	case reflect.Float32, reflect.Float64:
		w.text(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	default:
		w.b.WriteString("null")
	}
}

// armed is a union that holds its arm as one value.
type armed interface{ Arms() []any }

// arm writes such a union as an object whose only member is the arm, by the name of its type.
func (w *writer) arm(v reflect.Value, secret bool, depth int) {
	x := v.FieldByName("Value")
	if !x.IsValid() || x.Kind() != reflect.Interface || x.IsNil() {
		w.b.WriteString("null")
		return
	}
	t := x.Elem().Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	w.b.WriteByte('{')
	w.text(t.Name())
	w.b.WriteByte(':')
	w.value(x.Elem(), secret || secretName(t.Name()), depth+1)
	w.b.WriteByte('}')
}

func (w *writer) string(s string, secret bool) {
	if secret && s != "" {
		w.hidden()
		return
	}
	w.text(s)
}

func (w *writer) object(v reflect.Value, secret bool, depth int) {
	w.b.WriteByte('{')
	first := true
	for i := range v.NumField() {
		f, x := v.Type().Field(i), v.Field(i)
		if !f.IsExported() || empty(x) {
			continue
		}
		if !first {
			w.b.WriteByte(',')
		}
		first = false
		w.text(f.Name)
		w.b.WriteByte(':')
		w.value(x, secret || secretName(f.Name), depth+1)
	}
	w.b.WriteByte('}')
}

// empty reports what an object leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	case reflect.Slice:
		return v.Len() == 0
	case reflect.Struct:
		return v.IsZero() && v.Type() != typeHandle
	}
	return false
}

// octet reports a type whose values are what something is made of, and no numbers.
func octet(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Uint8, reflect.Int8, reflect.Uint16, reflect.Int16:
		return true
	}
	return false
}

func (w *writer) array(v reflect.Value, secret bool, depth int) {
	n := v.Len()
	if octet(v.Type().Elem()) {
		size := n * int(v.Type().Elem().Size())
		w.text("(" + strconv.Itoa(size) + " octets)")
		return
	}
	if secret && n > 0 {
		w.hidden()
		return
	}
	w.b.WriteByte('[')
	for i := range min(n, maxElements) {
		if i > 0 {
			w.b.WriteByte(',')
		}
		w.value(v.Index(i), secret, depth+1)
	}
	if n > maxElements {
		w.b.WriteByte(',')
		w.text("and " + strconv.Itoa(n-maxElements) + " more")
	}
	w.b.WriteByte(']')
}
