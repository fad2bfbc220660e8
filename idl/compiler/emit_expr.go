package compiler

import "fmt"

// scope is where the names in expressions are looked up while code is written.
type scope struct {
	pkg    *Package
	fields []*Field
	// holder gives the Go variable that has a field: x, or in for what only the request carries.
	holder func(*Field) string
	// derived are the counts that follow from slices. They matter when encoding and in responses, where a count of the
	// request that was left zero still says what its slice is long.
	derived map[*Field]*derivation
	encode  bool
}

// derivation is a plain count and the array it counts.
type derivation struct {
	count *Field
	array *Field
	typ   Type // the *Array or *String under the pointers of array
	atMax bool // the count is a size_is beside a length_is: it may be larger
	null  bool // a unique pointer leads to the array, so that it may be absent
}

// derivations finds the counts among fields that a size_is or length_is names plainly.
func derivations(fields []*Field, use func(*Field) bool) map[*Field]*derivation {
	ds := map[*Field]*derivation{}
	null := false
	add := func(array *Field, t Type, e *Expr, atMax bool) {
		if e != nil && e.Op == "deref" {
			e = e.X
		}
		if e == nil || e.Op != "name" {
			return
		}
		f := fieldNamed(fields, e.Str)
		if f == nil || !use(f) || !use(array) || countType(f.Type) == nil {
			return
		}
		if d := ds[f]; d == nil || d.atMax && !atMax {
			ds[f] = &derivation{f, array, t, atMax, null}
		}
	}
	for _, f := range fields {
		t := f.Type
		if p, ok := t.(*Pointer); ok && p.Kind == ptrRef {
			t = p.Elem
		}
		null = false
		if p, ok := t.(*Pointer); ok && p.Kind == ptrUnique {
			t, null = p.Elem, true
		}
		switch a := t.(type) {
		case *Array:
			if sameExpr(a.Size, a.Length) || a.Length == nil {
				add(f, a, a.Size, false)
			} else {
				add(f, a, a.Length, false)
				if a.Fixed < 0 {
					add(f, a, a.Size, true)
				}
			}
		case *String:
			add(f, a, a.Size, true)
		}
	}
	return ds
}

func sameExpr(a, b *Expr) bool {
	return a != nil && b != nil && exprText(a) == exprText(b)
}

// countType returns the integer that a count is: the field, or what its reference points to.
func countType(t Type) *Basic {
	if p, ok := t.(*Pointer); ok && p.Kind == ptrRef {
		t = p.Elem
	}
	if b, ok := t.(*Basic); ok && b.Int {
		return b
	}
	return nil
}

// present is the Go condition that the array of d is there at all.
func (d *derivation) present(holder string) string {
	if d.null {
		return holder + "." + d.array.GoName + " != nil"
	}
	return "true"
}

// length is the Go length of the array of d.
func (g *generator) length(d *derivation, holder string) string {
	x := holder + "." + d.array.GoName
	if s, ok := d.typ.(*String); ok {
		width := "8"
		if s.Wide {
			width = "16"
		}
		if d.null {
			return fmt.Sprintf("%s.StringPointerLen%s(%s)", g.use(ndrPath), width, x)
		}
		return fmt.Sprintf("%s.StringLen%s(%s)", g.use(ndrPath), width, x)
	}
	return "len(" + x + ")"
}

// countExpr is the Go expression, an int64, of a derived count while encoding: it checks a count that was set.
func (g *generator) countExpr(d *derivation, holder string) string {
	method := "Count"
	if d.atMax {
		method = "MaxCount"
	}
	return fmt.Sprintf("e.%s(int64(%s.%s), %s, %s, %s, %q)", method, holder, d.count.GoName,
		g.length(d, holder), d.present(holder), maxOf(countType(d.count.Type)), d.count.Name)
}

func maxOf(b *Basic) string {
	switch b.Go {
	case "int8":
		return "0x7F"
	case "uint8":
		return "0xFF"
	case "int16":
		return "0x7FFF"
	case "uint16":
		return "0xFFFF"
	case "int32":
		return "0x7FFFFFFF"
	}
	return "0xFFFFFFFF"
}

// intExpr writes an expression as a Go int64.
func (g *generator) intExpr(e *Expr, s *scope) string {
	if v, ok := g.constExpr(e, s); ok {
		return fmt.Sprint(v)
	}
	ndr := func() string { return g.use(ndrPath) }
	switch e.Op {
	case "name":
		return g.fieldExpr(fieldNamed(s.fields, e.Str), s)
	case "deref":
		f := fieldNamed(s.fields, e.X.Str)
		if p := f.Type.(*Pointer); p.Kind != ptrRef {
			return fmt.Sprintf("%s.Deref(%s.%s)", ndr(), s.holder(f), f.GoName)
		}
		return g.fieldExpr(f, s)
	case "neg":
		return "(-" + g.intExpr(e.X, s) + ")"
	case "inv":
		return "(^" + g.intExpr(e.X, s) + ")"
	case "+", "-", "*", "&", "|", "^":
		return "(" + g.intExpr(e.X, s) + " " + e.Op + " " + g.intExpr(e.Y, s) + ")"
	case "/", "%":
		if v, ok := g.constExpr(e.Y, s); ok && v > 0 {
			return fmt.Sprintf("(%s %s %d)", g.intExpr(e.X, s), e.Op, v)
		}
		name := map[string]string{"/": "Div", "%": "Mod"}[e.Op]
		return fmt.Sprintf("%s.%s(%s, %s)", ndr(), name, g.intExpr(e.X, s), g.intExpr(e.Y, s))
	case "<<", ">>":
		name := map[string]string{"<<": "Shl", ">>": "Shr"}[e.Op]
		return fmt.Sprintf("%s.%s(%s, %s)", ndr(), name, g.intExpr(e.X, s), g.intExpr(e.Y, s))
	case "?:":
		return fmt.Sprintf("%s.If(%s, %s, %s)", ndr(), g.boolExpr(e.X, s), g.intExpr(e.Y, s), g.intExpr(e.Z, s))
	}
	return fmt.Sprintf("%s.Int(%s)", ndr(), g.boolExpr(e, s))
}

// boolExpr writes an expression as a Go condition.
func (g *generator) boolExpr(e *Expr, s *scope) string {
	switch e.Op {
	case "==", "!=", "<", ">", "<=", ">=":
		return "(" + g.intExpr(e.X, s) + " " + e.Op + " " + g.intExpr(e.Y, s) + ")"
	case "&&", "||":
		return "(" + g.boolExpr(e.X, s) + " " + e.Op + " " + g.boolExpr(e.Y, s) + ")"
	case "not":
		return "!" + g.boolExpr(e.X, s)
	}
	if f := fieldNamed(s.fields, e.Str); e.Op == "name" && f != nil {
		if p, ok := f.Type.(*Pointer); ok {
			if p.Kind == ptrRef {
				return "true"
			}
			return "(" + s.holder(f) + "." + f.GoName + " != nil)"
		}
	}
	return "(" + g.intExpr(e, s) + " != 0)"
}

func (g *generator) constExpr(e *Expr, s *scope) (int64, bool) {
	r := &resolver{pkg: s.pkg, diags: &diagnostics{}}
	return evalConst(e, func(n *Expr) (int64, bool) {
		if n.Op == "name" && fieldNamed(s.fields, n.Str) != nil || n.Op == "deref" {
			return 0, false
		}
		return r.named(s.pkg, n, false)
	})
}

func (g *generator) fieldExpr(f *Field, s *scope) string {
	h := s.holder(f)
	if d := s.derived[f]; d != nil {
		switch {
		case s.encode && h == "x":
			return g.countExpr(d, h)
		case h == "in":
			return fmt.Sprintf("%s.Derived(int64(in.%s), %s)", g.use(ndrPath), f.GoName, g.length(d, h))
		}
	}
	t := f.Type
	if p, ok := t.(*Pointer); ok {
		t = p.Elem
	}
	if b, ok := t.(*Basic); ok && b.Name == "boolean" {
		return fmt.Sprintf("%s.Int(%s.%s)", g.use(ndrPath), h, f.GoName)
	}
	return fmt.Sprintf("int64(%s.%s)", h, f.GoName)
}

// tagExpr writes the discriminant of a union as its Go type.
func (g *generator) tagExpr(u *UnionRef, s *scope) string {
	e := u.Switch
	name := e
	if e.Op == "deref" {
		name = e.X
	}
	if f := fieldNamed(s.fields, name.Str); name.Op == "name" && f != nil && (e.Op == "name" || f.Type.(*Pointer).Kind == ptrRef) {
		t := f.Type
		if p, ok := t.(*Pointer); ok {
			t = p.Elem
		}
		if s.derived[f] == nil {
			x := s.holder(f) + "." + f.GoName
			if g.goType(t) == g.goType(u.Union.Tag) {
				return x
			}
			if _, isBool := basicBool(t); !isBool {
				return g.goType(u.Union.Tag) + "(" + x + ")"
			}
		}
	}
	if _, isBool := basicBool(u.Union.Tag); isBool {
		return g.boolExpr(e, s)
	}
	return g.goType(u.Union.Tag) + "(" + g.intExpr(e, s) + ")"
}

func basicBool(t Type) (*Basic, bool) {
	b, ok := t.(*Basic)
	return b, ok && b.Name == "boolean"
}
