package compiler

import "fmt"

// dec writes the code that decodes values of one scope.
type dec struct {
	*generator
	s *scope
	// late is set while parameters are decoded: counts may come later, so that agreement is checked at the end.
	late bool
	done map[*Field]bool // the parameters decoded so far
	loop int             // how many loops stand around
}

// body writes the body of x. n is the variable that holds its conformance, if that went ahead.
func (g dec) body(t Type, x, what, n string) {
	switch t := t.(type) {
	case *Basic:
		g.p("%s = d.%s()", x, t.Method)
		if t.Ranged {
			g.p("d.Range(int64(%s), %d, %d, %q)", x, t.Lo, t.Hi, what)
		}
	case *Enum:
		if t.Wide {
			g.p("%s = %s(d.Enum32())", x, g.goType(t))
		} else {
			g.p("%s = %s(d.Enum16())", x, g.goType(t))
		}
	case *GUID:
		g.p("%s = d.GUID()", x)
	case *ContextHandle:
		g.p("%s.DecodeBody(d)", method(x))
	case *String:
		width := "8"
		if t.Wide {
			width = "16"
		}
		if n == "" {
			n = fmt.Sprint(t.Fixed)
		} else {
			g.rangeOf(n, t.Ranged, t.Lo, t.Hi, what)
			g.agree(n, t.Size, what)
		}
		g.p("%s = d.VaryingString%s(%s, %q)", x, width, n, what)
	case *Struct:
		if n != "" {
			g.p("%s.DecodeBody(d, %s)", method(x), n)
		} else {
			g.p("%s.DecodeBody(d)", method(x))
		}
	case *Union:
		g.p("%s.DecodeBody(d)", method(x))
	case *UnionRef:
		if t.late {
			f := fieldNamed(g.s.fields, t.Switch.Str)
			tag, member := g.temp("tag"), g.s.holder(f)+"."+f.GoName
			g.p("%s := %s.nextTag(*d)", tag, method(x))
			g.p("%s = %s(%s)", member, g.goType(f.Type), tag)
			g.generator.post = append(g.generator.post, fmt.Sprintf("d.Tag(int64(%s), int64(%s), %q)", tag, member, what))
		}
		g.p("%s.DecodeBody(d, %s)", method(x), g.tagExpr(t, g.s))
	case *Pointer:
		switch {
		case t.Ignore:
			g.p("d.Pointer()")
		case t.Kind == ptrRef:
			g.p("d.Reference()")
		case t.Kind == ptrFull:
			g.p("%s = %s.DecodeFullPointer[%s](d)", x, g.use(ndrPath), g.goType(t.Elem))
		case isSlice(t.Elem):
			g.p("if d.Pointer() {\n%s = %s{}\n}", x, g.goType(t.Elem))
		default:
			g.p("if d.Pointer() {\n%s = %s.New[%s](d)\n}", x, g.use(ndrPath), g.goType(t.Elem))
		}
	case *Array:
		g.arrayBody(t, x, what, n)
	case *Pipe:
		g.pipe(t, x, what)
	}
}

func (g dec) rangeOf(n string, ranged bool, lo, hi int64, what string) {
	if ranged {
		g.p("d.Range(int64(%s), %d, %d, %q)", n, lo, hi, what)
	}
}

// agree writes the check that the count n, a variable, is what the expression says: here, or at the end.
func (g dec) agree(n string, e *Expr, what string) {
	if e == nil {
		return
	}
	if !g.late || g.loop > 0 || !g.waits(e) {
		g.p("d.Agree(%s, %s, %q)", n, g.intExpr(e, g.s), what)
		return
	}
	v := g.temp("count")
	g.hoist = append(g.hoist, fmt.Sprintf("%s := int64(-1)", v))
	g.p("%s = int64(%s)", v, n)
	g.generator.post = append(g.generator.post, fmt.Sprintf("if %s >= 0 {\nd.Agree(uint32(%s), %s, %q)\n}", v, v, g.intExpr(e, g.s), what))
}

// waits reports an expression that names a parameter still to be decoded.
func (g dec) waits(e *Expr) bool {
	if e == nil {
		return false
	}
	if e.Op == "name" {
		f := fieldNamed(g.s.fields, e.Str)
		return f != nil && g.s.holder(f) == "x" && !g.done[f]
	}
	return g.waits(e.X) || g.waits(e.Y) || g.waits(e.Z)
}

// arrayBody writes the elements of an array, and before them its variance.
func (g dec) arrayBody(t *Array, x, what, n string) {
	if n != "" {
		g.rangeOf(n, t.Ranged, t.Lo, t.Hi, what)
		g.agree(n, t.Size, what)
	}
	if t.Length != nil {
		limit := n
		if limit == "" {
			limit = fmt.Sprint(t.Fixed)
		}
		n = g.temp("n")
		g.p("%s := d.Variance(%s, %q)", n, limit, what)
		if t.Fixed >= 0 {
			g.rangeOf(n, t.Ranged, t.Lo, t.Hi, what)
		}
		g.agree(n, t.Length, what)
	}
	slice := isSlice(t)
	if b, ok := t.Elem.(*Basic); ok && !b.Ranged {
		switch b.Go {
		case "uint8", "uint16", "uint32", "uint64":
			if b.Method == "Uint3264" {
				break
			}
			if slice {
				g.p("%s = d.%ss(%s, %q)", x, b.Method, n, what)
			} else {
				g.p("d.Fill%ss(%s[:])", b.Method, x)
			}
			return
		}
	}
	if slice {
		g.p("%s = %s.MakeSlice[%s](d, %s, %d, %q)", x, g.use(ndrPath), g.goType(t.Elem), n, max(shapeOf(t.Elem).min, 1), what)
	}
	i := g.temp("i")
	g.p("for %s := range %s {", i, x)
	g.loop++
	g.body(t.Elem, fmt.Sprintf("%s[%s]", x, i), what, "")
	g.p("}")
}

// deferred writes the decoding of what the pointers in x point to.
func (g dec) deferred(t Type, x, what string) {
	switch t := t.(type) {
	case *Struct:
		if shapeOf(t).deferred {
			g.p("%s.DecodeDeferred(d)", method(x))
		}
	case *Union:
		if shapeOf(t).deferred {
			g.p("%s.DecodeDeferred(d)", method(x))
		}
	case *UnionRef:
		if shapeOf(t).deferred {
			g.p("%s.DecodeDeferred(d, %s)", method(x), g.tagExpr(t, g.s))
		}
	case *Array:
		if !shapeOf(t.Elem).deferred {
			return
		}
		i := g.temp("i")
		g.p("for %s := range %s {", i, x)
		g.loop++
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
			g.p("if %s.DecodeFullReferent(d, %s) {", g.use(ndrPath), x)
			g.full(t.Elem, deref(t.Elem, x, t.Kind), what)
			g.p("}")
		}
	}
}

// full writes the decoding of x as the referent of a pointer or as a parameter.
func (g dec) full(t Type, x, what string) {
	switch t := t.(type) {
	case *Struct:
		g.p("%s.UnmarshalNDR(d)", method(x))
		return
	case *String:
		if t.Fixed < 0 && t.Size == nil && !t.Ranged {
			width := "8"
			if t.Wide {
				width = "16"
			}
			g.p("%s = d.String%s(%q)", x, width, what)
			return
		}
	}
	n := ""
	if shapeOf(t).conformant {
		n = g.temp("n")
		g.p("%s := d.Conformance()", n)
	}
	g.body(t, x, what, n)
	g.deferred(t, x, what)
}

// parameter writes the decoding of a parameter.
func (g dec) parameter(f *Field) {
	t := f.Type
	if p, ok := t.(*Pointer); ok && p.Kind == ptrRef {
		t = p.Elem
	}
	g.full(t, "x."+f.GoName, f.Name)
	g.done[f] = true
}
