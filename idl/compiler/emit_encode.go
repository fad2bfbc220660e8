package compiler

import (
	"fmt"
	"strings"
)

// enc writes the code that encodes values of one scope.
type enc struct {
	*generator
	s *scope
}

// body writes the body of x: what stands in place.
func (g enc) body(t Type, x, what string) {
	switch t := t.(type) {
	case *Basic:
		g.p("e.%s(%s)", t.Method, x)
	case *Enum:
		if t.Wide {
			g.p("e.Enum32(uint32(%s))", x)
		} else {
			g.p("e.Enum16(uint16(%s))", x)
		}
	case *GUID:
		g.p("e.GUID(%s)", x)
	case *ContextHandle:
		g.p("%s.EncodeBody(e)", method(x))
	case *String: // its conformance is fixed, or went ahead
		width := "8"
		if t.Wide {
			width = "16"
		}
		limit := fmt.Sprint(t.Fixed)
		if t.Fixed < 0 {
			limit = g.stringMax(t, x, what)
		}
		g.p("e.VaryingString%s(%s, %s, %q)", width, x, limit, what)
	case *Struct:
		g.p("%s.EncodeBody(e)", method(x))
	case *Union:
		g.p("%s.EncodeBody(e)", method(x))
	case *UnionRef:
		g.p("%s.EncodeBody(e, %s)", method(x), g.tagExpr(t, g.s))
	case *Pointer:
		switch {
		case t.Ignore:
			g.p("e.Pointer(false)")
		case t.Kind == ptrRef:
			g.p("e.Reference()")
		case t.Kind == ptrUnique:
			g.p("e.Pointer(%s != nil)", x)
		default:
			g.p("%s.FullPointer(e, %s)", g.use(ndrPath), x)
		}
	case *Array:
		g.arrayBody(t, x, what)
	case *Pipe:
		g.pipe(t, x, what)
	}
}

// arrayBody writes the elements, and before them the variance.
func (g enc) arrayBody(t *Array, x, what string) {
	if t.Length != nil {
		if !g.derives(t.Length, t) && !(t.Fixed < 0 && sameExpr(t.Size, t.Length)) { // checked with the conformance
			g.p("e.Agree(len(%s), %s, %q)", x, g.intExpr(t.Length, g.s), what)
		}
		limit := "len(" + x + ")"
		if t.Fixed >= 0 {
			limit = fmt.Sprint(t.Fixed)
		}
		g.p("e.Variance(len(%s), %s, %q)", x, limit, what)
	}
	all := x
	if !isSlice(t) {
		all = x + "[:]"
	}
	if b, ok := t.Elem.(*Basic); ok {
		switch b.Go {
		case "uint8", "uint16", "uint32", "uint64":
			if b.Method != "Uint3264" {
				g.p("e.%ss(%s)", b.Method, all)
				return
			}
		}
	}
	i := g.temp("i")
	g.p("for %s := range %s {", i, x)
	g.body(t.Elem, fmt.Sprintf("%s[%s]", x, i), what)
	g.p("}")
}

// derives reports a count that follows from the array itself, so that nothing is left to check.
func (g enc) derives(e *Expr, t Type) bool {
	if e.Op == "deref" {
		e = e.X
	}
	if e.Op != "name" {
		return false
	}
	d := g.s.derived[fieldNamed(g.s.fields, e.Str)]
	return d != nil && d.typ == t && !d.atMax && g.s.holder(d.count) == "x"
}

// conformance writes the maximum count of x.
func (g enc) conformance(t Type, x, what string) {
	switch t := t.(type) {
	case *Array:
		switch {
		case t.Length == nil || sameExpr(t.Size, t.Length):
			if t.Size != nil && !g.derives(t.Size, t) {
				g.p("e.Agree(len(%s), %s, %q)", x, g.intExpr(t.Size, g.s), what)
			}
			g.p("e.Conformance(len(%s))", x)
		default:
			g.p("e.Conformance(e.Max(len(%s), %s, %q))", x, g.intExpr(t.Size, g.s), what)
		}
	case *String:
		g.p("e.Conformance(%s)", g.stringMax(t, x, what))
	case *Struct:
		g.p("%s.EncodeConformance(e)", method(x))
	}
}

// stringMax is the conformance of a string.
func (g enc) stringMax(t *String, x, what string) string {
	width := "8"
	if t.Wide {
		width = "16"
	}
	n := fmt.Sprintf("%s.StringLen%s(%s)", g.use(ndrPath), width, x)
	if t.Size == nil {
		return n
	}
	return fmt.Sprintf("e.Max(%s, %s, %q)", n, g.intExpr(t.Size, g.s), what)
}

// deferred writes what pointers in x point to.
func (g enc) deferred(t Type, x, what string) {
	switch t := t.(type) {
	case *Struct:
		if shapeOf(t).deferred {
			g.p("%s.EncodeDeferred(e)", method(x))
		}
	case *Union:
		if shapeOf(t).deferred {
			g.p("%s.EncodeDeferred(e)", method(x))
		}
	case *UnionRef:
		if shapeOf(t).deferred {
			g.p("%s.EncodeDeferred(e, %s)", method(x), g.tagExpr(t, g.s))
		}
	case *Array:
		if !shapeOf(t.Elem).deferred {
			return
		}
		i := g.temp("i")
		g.p("for %s := range %s {", i, x)
		g.deferred(t.Elem, fmt.Sprintf("%s[%s]", x, i), what)
		g.p("}")
	case *Pointer:
		switch {
		case t.Ignore:
		case t.Kind == ptrRef:
			g.full(t.Elem, x, what)
		case t.Kind == ptrUnique:
			g.p("if %s != nil {", x)
			g.full(t.Elem, deref(t.Elem, x, t.Kind), what)
			g.p("}")
		default:
			g.p("if %s.FullReferent(e, %s) {", g.use(ndrPath), x)
			g.full(t.Elem, deref(t.Elem, x, t.Kind), what)
			g.p("}")
		}
	}
}

// full writes x as the referent of a pointer or as a parameter: conformance, body, what is deferred.
func (g enc) full(t Type, x, what string) {
	switch t := t.(type) {
	case *Struct:
		g.p("%s.MarshalNDR(e)", method(x))
		return
	case *String:
		if t.Fixed < 0 && t.Size == nil {
			width := "8"
			if t.Wide {
				width = "16"
			}
			g.p("e.String%s(%s)", width, x)
			return
		}
	}
	if shapeOf(t).conformant {
		g.conformance(t, x, what)
	}
	g.body(t, x, what)
	g.deferred(t, x, what)
}

// parameter writes a parameter. The outermost reference pointer is not sent.
func (g enc) parameter(f *Field) {
	x := g.s.holder(f) + "." + f.GoName
	t := f.Type
	if p, ok := t.(*Pointer); ok && p.Kind == ptrRef {
		t = p.Elem
	}
	if d := g.s.derived[f]; d != nil && g.s.holder(f) == "x" {
		b := countType(f.Type)
		g.p("e.%s(%s(%s))", b.Method, b.Go, g.countExpr(d, "x"))
		return
	}
	if a, ok := t.(*Array); ok && f.Out && isSlice(a) && f.Type != t || ok && f.Out && isSlice(a) {
		x = g.outArray(f, a, x)
	}
	g.full(t, x, f.Name)
}

// outArray gives an [out] array that was left nil the size that the request asked for.
func (g enc) outArray(f *Field, a *Array, x string) string {
	e := a.Size
	if a.Length != nil {
		e = a.Length
	}
	if e == nil || f.In || g.derives(e, a) || g.s.holder(f) != "x" {
		return x
	}
	v := g.temp("v")
	g.p("%s := %s", v, x)
	g.p("if %s == nil {\n%s = %s.MakeOut[%s](e, %s)\n}", v, v, g.use(ndrPath), g.goType(a.Elem), g.intExpr(e, g.s))
	return v
}

// deref is the Go expression of what the pointer x points to.
func deref(elem Type, x string, kind pointerKind) string {
	if kind == ptrUnique && isSlice(elem) {
		return x
	}
	return "(*" + x + ")"
}

// method makes x fit to stand before a method: Go dereferences by itself.
func method(x string) string {
	if s, ok := strings.CutPrefix(x, "(*"); ok && strings.HasSuffix(s, ")") && !strings.HasPrefix(s, "*") && !strings.HasPrefix(s, "(") {
		return strings.TrimSuffix(s, ")")
	}
	return x
}
