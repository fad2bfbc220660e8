package compiler

import "fmt"

// methods writes the codec of a structure or union.
func (g *generator) methods(t Type) {
	switch t := t.(type) {
	case *Struct:
		g.structMethods(t)
	case *Union:
		g.unionMethods(t)
	}
}

func xHolder(*Field) string { return "x" }

func everyField(*Field) bool { return true }

func (g *generator) structMethods(t *Struct) {
	g.use(ndrPath)
	sh := shapeOf(t)
	s := &scope{pkg: g.pkg, fields: t.Fields, holder: xHolder, encode: true, derived: derivations(t.Fields, everyField)}
	e := enc{g, s}
	ds := *s
	ds.encode, ds.derived = false, nil
	d := dec{generator: g, s: &ds}
	recv := "(x *" + t.Name + ") "
	var last *Field
	if sh.conformant {
		last = t.Fields[len(t.Fields)-1]
		g.p("// EncodeConformance appends the count of the array that x ends in. It goes ahead of the outermost structure.")
		g.function(recv+"EncodeConformance(e *ndr.Encoder)", func() { e.conformance(last.Type, "x."+last.GoName, last.Name) })
		g.p("// DecodeConformance reads the count of the array that x ends in.")
		g.function(recv+"DecodeConformance(d *ndr.Decoder) uint32", func() {
			if st, ok := last.Type.(*Struct); ok && st != nil {
				g.p("return x.%s.DecodeConformance(d)", last.GoName)
			} else {
				g.p("return d.Conformance()")
			}
		})
	}
	g.p("// EncodeBody appends the body of x.")
	g.function(recv+"EncodeBody(e *ndr.Encoder)", func() {
		g.align("e", sh, t.Fields[0].Type)
		for _, f := range t.Fields {
			if dv := s.derived[f]; dv != nil {
				b := countType(f.Type)
				if _, isPtr := f.Type.(*Pointer); !isPtr {
					g.p("e.%s(%s(%s))", b.Method, b.Go, g.countExpr(dv, "x"))
					continue
				}
			}
			e.body(f.Type, "x."+f.GoName, f.Name)
		}
		if t.trails() {
			g.p("e.Align64(%d)", sh.align64)
		}
	})
	if sh.deferred {
		g.p("// EncodeDeferred appends what the pointers in x point to.")
		g.function(recv+"EncodeDeferred(e *ndr.Encoder)", func() {
			g.enter("e", t.layout.recursive)
			for _, f := range t.Fields {
				e.deferred(f.Type, "x."+f.GoName, f.Name)
			}
			g.leave("e", t.layout.recursive)
		})
	}
	g.p("// MarshalNDR appends x whole.")
	g.function(recv+"MarshalNDR(e *ndr.Encoder)", func() {
		if sh.conformant {
			g.p("x.EncodeConformance(e)")
		}
		g.p("x.EncodeBody(e)")
		if sh.deferred {
			g.p("x.EncodeDeferred(e)")
		}
	})
	n := ""
	sig := recv + "DecodeBody(d *ndr.Decoder)"
	if sh.conformant {
		n, sig = "n", recv+"DecodeBody(d *ndr.Decoder, n uint32)"
	}
	g.p("// DecodeBody reads the body of x.")
	g.function(sig, func() {
		g.align("d", sh, t.Fields[0].Type)
		for _, f := range t.Fields {
			if f == last {
				d.body(f.Type, "x."+f.GoName, f.Name, n)
			} else {
				d.body(f.Type, "x."+f.GoName, f.Name, "")
			}
		}
		if t.trails() {
			g.p("d.Align64(%d)", sh.align64)
		}
	})
	if sh.deferred {
		g.p("// DecodeDeferred reads what the pointers in x point to.")
		g.function(recv+"DecodeDeferred(d *ndr.Decoder)", func() {
			g.enter("d", t.layout.recursive)
			for _, f := range t.Fields {
				d.deferred(f.Type, "x."+f.GoName, f.Name)
			}
			g.leave("d", t.layout.recursive)
		})
	}
	g.p("// UnmarshalNDR reads x whole.")
	g.function(recv+"UnmarshalNDR(d *ndr.Decoder)", func() {
		if sh.conformant {
			g.p("n := x.DecodeConformance(d)\nx.DecodeBody(d, n)")
		} else {
			g.p("x.DecodeBody(d)")
		}
		if sh.deferred {
			g.p("x.DecodeDeferred(d)")
		}
	})
}

// align writes the alignment of a structure of the shape sh, as far as its first member does not see to it.
func (g *generator) align(coder string, sh shape, first Type) {
	a20, a64 := leads(first)
	switch {
	case sh.align > a20 && sh.align64 > a64 && sh.align64 != sh.align:
		g.p("%s.AlignEither(%d, %d)", coder, sh.align, sh.align64)
	case sh.align > a20:
		g.p("%s.Align(%d)", coder, sh.align)
	case sh.align64 > a64:
		g.p("%s.Align64(%d)", coder, sh.align64)
	}
}

// alignUnion writes the alignment of a union ahead of its discriminant. In NDR 2.0 only an encapsulated one is aligned as a whole (C706 14.3.8); in NDR64
// every one is.
func (g *generator) alignUnion(coder string, t *Union) {
	sh, tag := shapeOf(t), shapeOf(t.Tag)
	if t.Switch == nil {
		sh.align = tag.align
	}
	g.align(coder, sh, t.Tag)
}

// alignArm writes the alignment of the arm of a union, behind the discriminant. In NDR 2.0 an arm is aligned as itself, and with ms_union, as the compilers of
// Windows NT 3.1 had it and most interfaces since then declare, as the largest arm; so it is in NDR64.
func (g *generator) alignArm(coder string, t *Union) {
	switch a20, a64 := armAlignment(t); {
	case a20 > 1 && a64 == a20:
		g.p("%s.Align(%d)", coder, a20)
	case a20 > 1:
		g.p("%s.AlignEither(%d, %d)", coder, a20, a64)
	case a64 > 1:
		g.p("%s.Align64(%d)", coder, a64)
	}
}

// armAlignment is what the discriminant of a union is followed by, in NDR 2.0 and in NDR64: 1 where it is aligned so already.
func armAlignment(t *Union) (a20, a64 int) {
	sh, tag := shapeOf(t), shapeOf(t.Tag)
	a20, a64 = 1, 1
	if t.largest && sh.align > tag.align {
		a20 = sh.align
	}
	if sh.align64 > tag.align64 {
		a64 = sh.align64
	}
	return a20, a64
}

func (g *generator) enter(coder string, recursive bool) {
	if recursive {
		g.p("if !%s.Enter() {\n%s.Leave()\nreturn\n}", coder, coder)
	}
}

func (g *generator) leave(coder string, recursive bool) {
	if recursive {
		g.p("%s.Leave()", coder)
	}
}

func (g *generator) unionMethods(t *Union) {
	g.use(ndrPath)
	sh := shapeOf(t)
	s := &scope{pkg: g.pkg, holder: xHolder, encode: true}
	e, d := enc{g, s}, dec{generator: g, s: &scope{pkg: g.pkg, holder: xHolder}}
	recv := "(x *" + t.Name + ") "
	tag, param, pass := "tag", ", tag "+g.goType(t.Tag), ", tag"
	if t.Switch != nil {
		tag, param, pass = "x."+t.Switch.GoName, "", ""
	}

	g.p("// EncodeBody appends the discriminant and the body of the arm it selects.")
	g.function(recv+"EncodeBody(e *ndr.Encoder"+param+")", func() {
		g.alignUnion("e", t)
		e.body(t.Tag, tag, t.IDL)
		g.alignArm("e", t)
		g.arms(t, tag, "e", func(f *Field) {
			if t.oneValue() {
				g.p("e.Pointer(%s != nil)", g.arm(t, f))
			} else if armByPointer(f.Type) {
				g.p("if x.%s == nil {\nx = &%s{%s: new(%s)}\n}", f.GoName, t.Name, f.GoName, g.goType(f.Type))
				e.body(f.Type, "(*x."+f.GoName+")", f.Name)
			} else {
				e.body(f.Type, "x."+f.GoName, f.Name)
			}
		})
	})
	if sh.deferred {
		g.p("// EncodeDeferred appends what the pointers in the arm point to.")
		g.function(recv+"EncodeDeferred(e *ndr.Encoder"+param+")", func() {
			g.enter("e", t.layout.recursive)
			g.arms(t, tag, "", func(f *Field) {
				if !shapeOf(f.Type).deferred {
					return
				}
				if t.oneValue() {
					g.p("if p := %s; p != nil {\np.MarshalNDR(e)\n}", g.arm(t, f))
				} else if armByPointer(f.Type) {
					g.p("if x.%s == nil {\nx = &%s{%s: new(%s)}\n}", f.GoName, t.Name, f.GoName, g.goType(f.Type))
					e.deferred(f.Type, "(*x."+f.GoName+")", f.Name)
				} else {
					e.deferred(f.Type, "x."+f.GoName, f.Name)
				}
			})
			g.leave("e", t.layout.recursive)
		})
	}
	g.p("// MarshalNDR appends x whole.")
	g.function(recv+"MarshalNDR(e *ndr.Encoder"+param+")", func() {
		g.p("x.EncodeBody(e%s)", pass)
		if sh.deferred {
			g.p("x.EncodeDeferred(e%s)", pass)
		}
	})
	if t.late {
		g.p("// nextTag is the discriminant that comes next, for a structure that holds x ahead of what discriminates it.")
		g.function(recv+"nextTag(d ndr.Decoder) "+g.goType(t.Tag), func() {
			g.alignUnion("d", t)
			g.p("var sent %s", g.goType(t.Tag))
			dec{generator: g, s: d.s}.body(t.Tag, "sent", t.IDL, "")
			g.p("return sent")
		})
	}
	g.p("// DecodeBody reads the discriminant and the body of the arm it selects.")
	g.function(recv+"DecodeBody(d *ndr.Decoder"+param+")", func() {
		g.alignUnion("d", t)
		if t.Switch != nil {
			d.body(t.Tag, tag, t.IDL, "")
		} else {
			g.p("var sent %s", g.goType(t.Tag))
			d.body(t.Tag, "sent", t.IDL, "")
			if _, isBool := basicBool(t.Tag); isBool {
				g.p("d.Tag(ndr.Int(sent), ndr.Int(tag), %q)", t.IDL)
			} else {
				g.p("d.Tag(int64(sent), int64(tag), %q)", t.IDL)
			}
		}
		g.alignArm("d", t)
		g.arms(t, tag, "d", func(f *Field) {
			if t.oneValue() {
				g.p("if d.Pointer() {\nx.Value = ndr.New[%s](d)\n}", g.goType(f.Type.(*Pointer).Elem))
			} else if armByPointer(f.Type) {
				g.p("x.%s = ndr.New[%s](d)", f.GoName, g.goType(f.Type))
				d.body(f.Type, "(*x."+f.GoName+")", f.Name, "")
			} else {
				d.body(f.Type, "x."+f.GoName, f.Name, "")
			}
		})
	})
	if sh.deferred {
		g.p("// DecodeDeferred reads what the pointers in the arm point to.")
		g.function(recv+"DecodeDeferred(d *ndr.Decoder"+param+")", func() {
			g.enter("d", t.layout.recursive)
			g.arms(t, tag, "", func(f *Field) {
				if !shapeOf(f.Type).deferred {
					return
				}
				if t.oneValue() {
					g.p("if p, ok := x.Value.(%s); ok {\np.UnmarshalNDR(d)\n}", g.goType(f.Type))
				} else if armByPointer(f.Type) {
					g.p("if x.%s != nil {", f.GoName)
					d.deferred(f.Type, "(*x."+f.GoName+")", f.Name)
					g.p("}")
				} else {
					d.deferred(f.Type, "x."+f.GoName, f.Name)
				}
			})
			g.leave("d", t.layout.recursive)
		})
	}
	g.p("// UnmarshalNDR reads x whole.")
	g.function(recv+"UnmarshalNDR(d *ndr.Decoder"+param+")", func() {
		g.p("x.DecodeBody(d%s)", pass)
		if sh.deferred {
			g.p("x.DecodeDeferred(d%s)", pass)
		}
	})
}

// arm is the arm f of a union that holds its arms in one value, as an expression of the encoding functions.
func (g *generator) arm(t *Union, f *Field) string {
	return fmt.Sprintf("ndr.Arm[%s](e, x.Value, %q)", g.goType(f.Type.(*Pointer).Elem), t.IDL)
}

// arms writes the switch over a union. coder, if not empty, is told of a discriminant that selects nothing.
func (g *generator) arms(t *Union, tag, coder string, write func(*Field)) {
	if _, isBool := basicBool(t.Tag); isBool {
		tag = "ndr.Int(" + tag + ")"
	}
	g.p("switch %s {", tag)
	for _, a := range t.Arms {
		if len(a.Values) == 0 || a.Default {
			continue
		}
		if coder == "" && (a.Field == nil || !shapeOf(a.Field.Type).deferred) {
			continue
		}
		g.p("case %s:", g.labelList(t, a))
		if a.Field != nil {
			write(a.Field)
		}
	}
	switch {
	case t.Default != nil && t.Default.Field != nil:
		g.p("default:")
		if coder == "" {
			// Arms without pointers have no case above, so the default must keep out of theirs.
			var others []string
			for _, a := range t.Arms {
				if !a.Default && len(a.Values) > 0 && (a.Field == nil || !shapeOf(a.Field.Type).deferred) {
					others = append(others, g.labelList(t, a))
				}
			}
			if len(others) > 0 && shapeOf(t.Default.Field.Type).deferred {
				g.body.Truncate(g.body.Len() - len("default:\n"))
				for _, o := range others {
					g.p("case %s:", o)
				}
				g.p("default:")
			}
		}
		write(t.Default.Field)
	case t.Default == nil && coder != "":
		g.p("default:\n%s.BadTag(%q)", coder, t.IDL)
	}
	g.p("}")
}

func (g *generator) labelList(t *Union, a *Arm) string {
	s := ""
	for i, v := range a.Values {
		if i > 0 {
			s += ", "
		}
		s += g.label(t.Tag, v)
	}
	return s
}

// label is a case value that fits the Go type of the discriminant.
func (g *generator) label(tag Type, v int64) string {
	size, signed := 4, false
	switch t := tag.(type) {
	case *Basic:
		size, signed = t.Size, t.Go[0] == 'i'
		if t.Name == "boolean" {
			return fmt.Sprint(v)
		}
	case *Enum:
		if !t.Wide {
			size = 2
		}
		for _, ev := range t.Values {
			if ev.Value == v {
				return g.qualify(t.Pkg, ev.Name)
			}
		}
	}
	if size < 8 {
		mask := int64(1)<<(8*size) - 1
		switch {
		case !signed:
			v &= mask
		case v > mask>>1:
			v -= mask + 1
		}
	} else if !signed && v < 0 {
		return fmt.Sprintf("%#x", uint64(v))
	}
	return fmt.Sprint(v)
}
