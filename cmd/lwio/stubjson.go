package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"lwio/gen/dtyp"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Generated types as JSON. Structures are objects whose members have the names of the Go fields; NULL is null; counted strings are strings, SIDs and
// UUIDs what people write, octets hexadecimal, context handles their UUID. A union that holds its arms in one value is an object whose only member
// has the name of the arm's type. All else is as encoding/json has it.

var (
	typeGUID   = reflect.TypeFor[nt.GUID]()
	typeHandle = reflect.TypeFor[rpc.ContextHandle]()
	typeText   = reflect.TypeFor[dtyp.RPC_UNICODE_STRING]()
	typeSID    = reflect.TypeFor[dtyp.RPC_SID]()
)

// stubJSON makes JSON of a request or response.
func stubJSON(v any) ([]byte, error) {
	var b, out bytes.Buffer
	appendJSON(&b, reflect.ValueOf(v))
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func appendString(b *bytes.Buffer, s string) {
	q, _ := json.Marshal(s) // of a string there is no error
	b.Write(q)
}

func appendJSON(b *bytes.Buffer, v reflect.Value) {
	switch v.Type() {
	case typeGUID:
		appendString(b, v.Interface().(nt.GUID).String())
		return
	case typeHandle:
		appendString(b, v.Interface().(rpc.ContextHandle).UUID.String())
		return
	case typeText:
		if x := v.Interface().(dtyp.RPC_UNICODE_STRING); x.Buffer != nil {
			appendString(b, x.String())
		} else {
			b.WriteString("null")
		}
		return
	case typeSID:
		x := v.Interface().(dtyp.RPC_SID)
		if sid, err := x.SID(); err == nil {
			appendString(b, sid.String())
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			b.WriteString("null")
			return
		}
		appendJSON(b, v.Elem())
	case reflect.Struct:
		appendObject(b, v)
	case reflect.Slice, reflect.Array:
		appendArray(b, v)
	case reflect.String:
		appendString(b, v.String())
	default:
		q, err := json.Marshal(v.Interface())
		if err != nil {
			q = []byte("null") // a float that JSON does not have
		}
		b.Write(q)
	}
}

// armed is a union that holds its arms in one value.
type armed interface{ Arms() []any }

func appendObject(b *bytes.Buffer, v reflect.Value) {
	if _, ok := v.Interface().(armed); ok {
		if v = v.FieldByName("Value").Elem(); !v.IsValid() || v.IsNil() {
			b.WriteString("null")
			return
		}
		b.WriteByte('{')
		appendString(b, v.Type().Elem().Name())
		b.WriteByte(':')
		appendJSON(b, v)
		b.WriteByte('}')
		return
	}
	b.WriteByte('{')
	first := true
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		appendString(b, f.Name)
		b.WriteByte(':')
		appendJSON(b, v.Field(i))
	}
	b.WriteByte('}')
}

func appendArray(b *bytes.Buffer, v reflect.Value) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		b.WriteString("null")
		return
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		octets := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(octets), v)
		appendString(b, hex.EncodeToString(octets))
		return
	}
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		appendJSON(b, v.Index(i))
	}
	b.WriteByte(']')
}

// parseStub fills a request from JSON. A string `$n.Member.Member` stands for what the n-th answer has there; one that begins with $$ for itself,
// without the first.
func parseStub(text []byte, into any, answers []any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("input: more than one JSON value")
	}
	p := stubParser{answers}
	return p.set(reflect.ValueOf(into).Elem(), x, "input")
}

type stubParser struct{ answers []any }

func (p *stubParser) set(v reflect.Value, x any, path string) error {
	if s, ok := x.(string); ok && strings.HasPrefix(s, "$") {
		if !strings.HasPrefix(s, "$$") {
			return p.refer(v, s, path)
		}
		if v.Kind() != reflect.Pointer { // what it points to gets it as it is
			x = s[1:]
		}
	}
	if x == nil {
		v.SetZero()
		return nil
	}
	wrong := func(want string) error { return fmt.Errorf("%s: want %s", path, want) }
	if v.Kind() == reflect.Pointer {
		if v.Type().Elem() == typeSID {
			text, _ := x.(string)
			sid, err := nt.ParseSID(text)
			if err != nil {
				return wrong("a SID, S-1-…")
			}
			v.Set(reflect.ValueOf(dtyp.NewRPC_SID(sid)))
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return p.set(v.Elem(), x, path)
	}
	text, isText := x.(string)
	switch v.Type() {
	case typeGUID:
		id, err := nt.ParseGUID(text)
		if err != nil {
			return wrong("a UUID")
		}
		v.Set(reflect.ValueOf(id))
		return nil
	case typeHandle:
		return wrong(`null, or an answer's handle as "$1.Member"`)
	case typeText:
		if !isText {
			return wrong("a string")
		}
		v.Set(reflect.ValueOf(dtyp.NewRPC_UNICODE_STRING(text)))
		return nil
	case typeSID:
		sid, err := nt.ParseSID(text)
		if err != nil {
			return wrong("a SID, S-1-…")
		}
		v.Set(reflect.ValueOf(*dtyp.NewRPC_SID(sid)))
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return p.setObject(v, x, path)
	case reflect.Slice, reflect.Array:
		return p.setArray(v, x, path)
	case reflect.String:
		if !isText {
			return wrong("a string")
		}
		v.SetString(text)
		return nil
	case reflect.Bool:
		on, ok := x.(bool)
		if !ok {
			return wrong("true or false")
		}
		v.SetBool(on)
		return nil
	case reflect.Float32, reflect.Float64:
		n, ok := x.(json.Number)
		f, err := strconv.ParseFloat(n.String(), v.Type().Bits())
		if !ok || err != nil {
			return wrong("a number")
		}
		v.SetFloat(f)
		return nil
	}
	if n, ok := x.(json.Number); ok {
		text, isText = n.String(), true
	}
	if isText && setInteger(v, text) {
		return nil
	}
	return wrong("a number of " + v.Type().Kind().String() + `, or one in hexadecimal as "0x1f"`)
}

func setInteger(v reflect.Value, text string) bool {
	switch {
	case v.CanInt():
		n, err := strconv.ParseInt(text, 0, v.Type().Bits())
		v.SetInt(n)
		return err == nil
	case v.CanUint():
		n, err := strconv.ParseUint(text, 0, v.Type().Bits())
		v.SetUint(n)
		return err == nil
	}
	return false
}

func (p *stubParser) setObject(v reflect.Value, x any, path string) error {
	object, ok := x.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: want an object", path)
	}
	if u, ok := v.Interface().(armed); ok {
		return p.setArm(v.FieldByName("Value"), u.Arms(), object, path)
	}
	for name, value := range object {
		f, ok := v.Type().FieldByName(name)
		if !ok || !f.IsExported() {
			return fmt.Errorf("%s: no member %q; there are %s", path, name, strings.Join(members(v.Type()), ", "))
		}
		if err := p.set(v.FieldByIndex(f.Index), value, path+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// setArm sets a union that holds its arms in one value.
func (p *stubParser) setArm(v reflect.Value, arms []any, object map[string]any, path string) error {
	var names []string
	for _, a := range arms {
		t := reflect.TypeOf(a)
		names = append(names, t.Elem().Name())
		if x, ok := object[t.Elem().Name()]; ok && len(object) == 1 {
			arm := reflect.New(t).Elem()
			if err := p.set(arm, x, path+"."+t.Elem().Name()); err != nil {
				return err
			}
			v.Set(arm)
			return nil
		}
	}
	return fmt.Errorf("%s: want one member, of %s", path, strings.Join(names, ", "))
}

func members(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			names = append(names, f.Name)
		}
	}
	return names
}

func (p *stubParser) setArray(v reflect.Value, x any, path string) error {
	var list []any
	if v.Type().Elem().Kind() == reflect.Uint8 {
		text, ok := x.(string)
		octets, err := hex.DecodeString(text)
		if !ok || err != nil {
			return fmt.Errorf("%s: want octets in hexadecimal, as a string", path)
		}
		if v.Kind() == reflect.Slice {
			v.Set(reflect.MakeSlice(v.Type(), len(octets), len(octets)))
		} else if v.Len() != len(octets) {
			return fmt.Errorf("%s: want %d octets", path, v.Len())
		}
		reflect.Copy(v, reflect.ValueOf(octets).Convert(reflect.TypeFor[[]uint8]()))
		return nil
	}
	list, ok := x.([]any)
	if !ok {
		return fmt.Errorf("%s: want an array", path)
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	} else if v.Len() != len(list) {
		return fmt.Errorf("%s: want %d elements", path, v.Len())
	}
	for i := range list {
		if err := p.set(v.Index(i), list[i], fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

// refer takes a value out of an answer.
func (p *stubParser) refer(v reflect.Value, s, path string) error {
	parts := strings.Split(s[1:], ".")
	n, err := strconv.Atoi(parts[0])
	if err != nil || n < 1 || n > len(p.answers) {
		return fmt.Errorf("%s: %s: there are %d answers before it", path, s, len(p.answers))
	}
	from := reflect.ValueOf(p.answers[n-1])
	for _, name := range parts[1:] {
		for from.Kind() == reflect.Pointer && !from.IsNil() {
			from = from.Elem()
		}
		if i, err := strconv.Atoi(name); err == nil && from.Kind() == reflect.Slice && i >= 0 && i < from.Len() {
			from = from.Index(i)
			continue
		}
		if from.Kind() != reflect.Struct || !from.FieldByName(name).IsValid() {
			return fmt.Errorf("%s: %s: there is no %s", path, s, name)
		}
		from = from.FieldByName(name)
	}
	switch {
	case from.Type() == v.Type():
		v.Set(from)
	case v.Kind() == reflect.Pointer && from.Type() == v.Type().Elem():
		v.Set(reflect.New(from.Type()))
		v.Elem().Set(from)
	case from.Kind() == reflect.Pointer && !from.IsNil() && from.Type().Elem() == v.Type():
		v.Set(from.Elem())
	default:
		return fmt.Errorf("%s: %s is of another type", path, s)
	}
	return nil
}
