package compiler

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// Call says what stub data is to be taken apart by Dump.
type Call struct {
	// Operation is the name of an operation or its number, with the interface and a dot in front where a file has several.
	Operation string
	// Response says that the stub data is of a response rather than of a request.
	Response bool
	// BigEndian and NDR64 say how it is represented.
	BigEndian, NDR64 bool
}

// Value is decoded data: a scalar, a list or named members.
type Value struct {
	Name    string // of a member or parameter
	Scalar  any    // nil for NULL, else bool, int64, uint64, float64 or string, unless there are members or elements
	Note    string // what a scalar means: the name of an enumeration constant
	Members []*Value
	List    []*Value
	IsList  bool
	fields  bool
}

// Dumper takes stub data apart by the declarations of a file, with no code made for it. It may be used by several goroutines.
type Dumper struct{ pkg *Package }

// NewDumper reads a file and what it imports.
func NewDumper(cfg Config, file string) (*Dumper, error) {
	pkgs, err := analyse(cfg, []string{file})
	if err != nil {
		return nil, err
	}
	for _, t := range pkgs[0].Order {
		shapeOf(t) // laid out before it is shared
	}
	return &Dumper{pkgs[0]}, nil
}

// Dump takes the stub data of a call apart. When the data ends early, or is not what the declarations say, it returns what could be
// read and the error.
func (dp *Dumper) Dump(call Call, stub []byte) (*Value, error) {
	op, err := findOperation(dp.pkg, call.Operation)
	if err != nil {
		return nil, err
	}
	rep := ndr.LittleEndian
	if call.BigEndian {
		rep = ndr.BigEndian
	}
	r := &stubReader{d: ndr.NewDecoder(stub, rep)}
	if call.NDR64 {
		r.d.SetSyntax(ndr.NDR64)
	}
	v := &Value{Name: op.Name, fields: true}
	params := pipesLast(op.Params)
	if call.Response {
		params = pipesFirst(op.Params)
	}
	for _, f := range params {
		if r.d.Err() != nil || call.Response && !f.Out || !call.Response && !f.In {
			continue
		}
		m := &Value{Name: f.Name}
		v.Members = append(v.Members, m)
		t := f.Type
		if p, ok := t.(*Pointer); ok && p.Kind == ptrRef {
			t = p.Elem
		}
		r.full(t, m)
	}
	if call.Response && op.Return != nil && r.d.Err() == nil {
		m := &Value{Name: "return"}
		v.Members = append(v.Members, m)
		r.body(op.Return, m, 0)
	}
	if err := r.d.Err(); err != nil {
		return v, fmt.Errorf("%s: at octet %d of %d: %w", op.Name, r.d.Offset(), len(stub), err)
	}
	if n := r.d.Remaining(); n > 0 {
		return v, fmt.Errorf("%s: %d octets are left", op.Name, n)
	}
	return v, nil
}

// findOperation finds an operation by name or number.
func findOperation(p *Package, name string) (*Operation, error) {
	iface, op, dotted := strings.Cut(name, ".")
	if !dotted {
		iface, op = "", name
	}
	number, notNumber := strconv.Atoi(op)
	var names []string
	for _, i := range p.Interfaces {
		if iface != "" && !strings.EqualFold(i.Name, iface) {
			continue
		}
		for _, o := range i.Ops {
			if !o.OffWire && (strings.EqualFold(o.Name, op) || strings.EqualFold(o.GoName, op) || notNumber == nil && o.Opnum == number) {
				return o, nil
			}
			if !o.OffWire {
				names = append(names, o.Name)
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no interface %s", p.Path, iface)
	}
	hint := "\n\thint: its operations are " + strings.Join(names, ", ")
	if n := nearest(op, names); n != "" {
		hint = "\n\thint: did you mean " + n + "?"
	}
	return nil, errors.New(p.Path + " has no operation " + op + hint)
}

// stubReader decodes by types. Counts and discriminants are on the wire, so no expression of the source is computed.
type stubReader struct{ d *ndr.Decoder }

// pending is what is read after the body that a pointer stands in.
type pending func()

// full reads t as a parameter or the referent of a pointer.
func (r *stubReader) full(t Type, v *Value) {
	if !r.d.Enter() {
		r.d.Leave()
		return
	}
	n := uint32(0)
	if s, ok := t.(*String); ok && s.Fixed < 0 {
		n = r.d.Conformance()
	} else if shapeOf(t).conformant {
		n = r.d.Conformance()
	}
	for _, p := range r.body(t, v, n) {
		p()
	}
	r.d.Leave()
}

// body reads the body of t; n is its conformance, if it has one. It returns what is left to read.
func (r *stubReader) body(t Type, v *Value, n uint32) []pending {
	d := r.d
	if d.Err() != nil {
		return nil
	}
	switch t := t.(type) {
	case *Basic:
		v.Scalar = r.scalar(t)
	case *Enum:
		x := int64(0)
		if t.Wide {
			x = int64(d.Enum32())
		} else {
			x = int64(d.Enum16())
		}
		v.Scalar = x
		for _, c := range t.Values {
			if c.Value == x {
				v.Note = c.Name
			}
		}
	case *GUID:
		v.Scalar = d.GUID().String()
	case *ContextHandle:
		attributes := d.Uint32()
		v.Scalar = fmt.Sprintf("%d:%s", attributes, d.GUID())
	case *String:
		limit := n
		if t.Fixed >= 0 {
			limit = uint32(t.Fixed)
		}
		if t.Wide {
			v.Scalar = d.VaryingString16(limit, v.Name)
		} else {
			v.Scalar = d.VaryingString8(limit, v.Name)
		}
	case *Pointer:
		return r.pointer(t, v)
	case *Array:
		return r.array(t, v, n)
	case *Pipe:
		v.IsList = true
		for c := d.Chunk(); c > 0 && d.Err() == nil; c = d.Chunk() {
			chunk := &Value{Name: v.Name}
			r.elements(t.Elem, chunk, c)
			v.List = append(v.List, chunk)
			d.EndChunk(c)
		}
		d.EndChunk(0)
	case *Struct:
		return r.structure(t, v, n)
	case *Union:
		return r.union(t, v)
	case *UnionRef:
		return r.union(t.Union, v)
	}
	return nil
}

func (r *stubReader) scalar(t *Basic) any {
	d := r.d
	switch t.Method {
	case "Bool":
		return d.Bool()
	case "Uint8":
		return uint64(d.Uint8())
	case "Int8":
		return int64(d.Int8())
	case "Uint16":
		return uint64(d.Uint16())
	case "Int16":
		return int64(d.Int16())
	case "Uint32":
		return uint64(d.Uint32())
	case "Int32":
		return int64(d.Int32())
	case "Uint64":
		return d.Uint64()
	case "Int64":
		return d.Int64()
	case "Uint3264":
		return d.Uint3264()
	case "Int3264":
		return d.Int3264()
	case "Float32":
		return float64(d.Float32())
	case "Float64":
		return d.Float64()
	}
	return nil
}

func (r *stubReader) pointer(t *Pointer, v *Value) []pending {
	switch {
	case t.Ignore:
		r.d.Pointer()
	case t.Kind == ptrRef:
		r.d.Reference()
		return []pending{func() { r.full(t.Elem, v) }}
	case t.Kind == ptrFull:
		if target := ndr.DecodeFullPointer[Value](r.d); target != nil {
			return []pending{func() {
				if !ndr.DecodeFullReferent(r.d, target) {
					v.Scalar = "as " + target.Name // what points to one place may point to itself
					return
				}
				target.Name = v.Name
				r.full(t.Elem, v)
			}}
		}
	case r.d.Pointer():
		return []pending{func() { r.full(t.Elem, v) }}
	}
	return nil
}

func (r *stubReader) array(t *Array, v *Value, n uint32) []pending {
	if t.Fixed >= 0 {
		n = uint32(t.Fixed)
	}
	if t.Length != nil {
		n = r.d.Variance(n, v.Name)
	}
	return r.elements(t.Elem, v, n)
}

// elements reads n elements: octets as hexadecimal, UTF-16 as text where it is some, others as a list.
func (r *stubReader) elements(elem Type, v *Value, n uint32) []pending {
	d := r.d
	if b, ok := elem.(*Basic); ok && b.Method == "Uint8" {
		v.Scalar = hex.EncodeToString(d.Uint8s(n, v.Name))
		return nil
	} else if ok && b.Method == "Uint16" && b.Name == "wchar_t" {
		v.Scalar = string(utf16.Decode(d.Uint16s(n, v.Name)))
		return nil
	}
	v.IsList = true
	var rest []pending
	for range ndr.MakeSlice[struct{}](d, n, max(shapeOf(elem).min, 1), v.Name) {
		e := &Value{}
		v.List = append(v.List, e)
		rest = append(rest, r.body(elem, e, 0)...)
		if d.Err() != nil {
			break
		}
	}
	return rest
}

func (r *stubReader) structure(t *Struct, v *Value, n uint32) []pending {
	v.fields = true
	sh := shapeOf(t)
	r.d.AlignEither(sh.align, sh.align64)
	var rest []pending
	for _, f := range t.Fields {
		m := &Value{Name: f.Name}
		v.Members = append(v.Members, m)
		rest = append(rest, r.body(f.Type, m, n)...)
		if r.d.Err() != nil {
			return nil
		}
	}
	if t.trails() {
		r.d.Align64(sh.align64)
	}
	if isSID(t) {
		rest = append(rest, func() { v.sid() })
	}
	return rest
}

// sid shows a SID as it is written.
func (v *Value) sid() {
	authority, _ := hex.DecodeString(fmt.Sprint(v.Members[2].Members[0].Scalar))
	var id [6]byte
	copy(id[:], authority)
	var subs []uint32
	for _, s := range v.Members[3].List {
		n, _ := s.Scalar.(uint64)
		subs = append(subs, uint32(n))
	}
	if s, err := nt.SIDFromParts(id, subs); err == nil {
		*v = Value{Name: v.Name, Scalar: s.String()}
	}
}

func (r *stubReader) union(t *Union, v *Value) []pending {
	v.fields = true
	d, sh, tag := r.d, shapeOf(t), shapeOf(t.Tag)
	if t.Switch == nil {
		sh.align = tag.align
	}
	d.AlignEither(sh.align, sh.align64)
	which := &Value{Name: "switch"}
	if t.Switch != nil {
		which.Name = t.Switch.Name
	}
	v.Members = append(v.Members, which)
	r.body(t.Tag, which, 0)
	d.AlignEither(armAlignment(t))
	arm := t.Default
	for _, a := range t.Arms {
		if slices.ContainsFunc(a.Values, func(label int64) bool { return sameLabel(label, which.Scalar, tag.min) }) {
			arm = a
		}
	}
	switch {
	case d.Err() != nil:
	case arm == nil:
		d.BadTag(t.IDL)
	case arm.Field != nil:
		m := &Value{Name: arm.Field.Name}
		v.Members = append(v.Members, m)
		return r.body(arm.Field.Type, m, 0)
	}
	return nil
}

// sameLabel compares a label with a discriminant of so many octets, whatever its sign.
func sameLabel(label int64, scalar any, size int) bool {
	mask := uint64(1)<<(8*min(size, 7)) - 1
	if size >= 8 {
		mask = ^uint64(0)
	}
	switch x := scalar.(type) {
	case int64:
		return uint64(x)&mask == uint64(label)&mask
	case uint64:
		return x&mask == uint64(label)&mask
	case bool:
		return x == (label != 0)
	}
	return false
}

// text is a scalar as it is shown.
func (v *Value) text() string {
	s := "NULL"
	switch x := v.Scalar.(type) {
	case nil:
	case string:
		s = strconv.Quote(x)
	case uint64:
		if s = strconv.FormatUint(x, 10); x > 9 {
			s += fmt.Sprintf(" (%#x)", x)
		}
	default:
		s = fmt.Sprint(x)
	}
	if v.Note != "" {
		s += " " + v.Note
	}
	return s
}

// String shows v a member a line, what is inside indented.
func (v *Value) String() string {
	var b strings.Builder
	v.write(&b, 0)
	return b.String()
}

func (v *Value) write(b *strings.Builder, depth int) {
	b.WriteString(strings.Repeat("  ", depth))
	b.WriteString(v.Name)
	switch {
	case v.IsList:
		fmt.Fprintf(b, " [%d]\n", len(v.List))
		for i, e := range v.List {
			c := *e
			c.Name = strconv.Itoa(i)
			c.write(b, depth+1)
		}
	case v.fields:
		b.WriteByte('\n')
		for _, m := range v.Members {
			m.write(b, depth+1)
		}
	default:
		b.WriteString(" = " + v.text() + "\n")
	}
}

// MarshalJSON gives members in the order they are sent in. A number that JSON has no form of is a string: "NaN", "+Inf" or "-Inf".
func (v *Value) MarshalJSON() ([]byte, error) {
	switch {
	case v.IsList:
		if v.List == nil {
			return []byte("[]"), nil
		}
		return json.Marshal(v.List)
	case !v.fields:
		if x, ok := v.Scalar.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
			return json.Marshal(fmt.Sprint(x))
		}
		return json.Marshal(v.Scalar)
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range v.Members {
		if i > 0 {
			b.WriteByte(',')
		}
		name := m.Name
		if name == "" {
			name = fmt.Sprintf("anonymous%d", i+1)
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		val, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(val)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
