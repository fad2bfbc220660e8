package compiler

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lwio/iomgr/nt"
)

// resolve gives every name of a package its meaning and turns the syntax tree into the types of types.go. Names may be used
// before they are declared: printed specifications keep no order.

type typeSymbol struct {
	decl  *TypedefDecl
	name  Declarator
	def   pointerKind
	typ   Type
	state uint8 // 1 while it is being resolved
}

type constSymbol struct {
	expr  *Expr
	value int64
	state uint8 // 1 being computed, 2 known, 3 not computable
}

// resolver reports to diags, and what concerns a name rather than the type at hand to hard, if that is set.
type resolver struct {
	pkg   *Package
	diags *diagnostics
	hard  *diagnostics
}

// names is where mistakes about names go: they count wherever they stand.
func (r *resolver) nameDiags() *diagnostics {
	if r.hard != nil {
		return r.hard
	}
	return r.diags
}

// fillAll resolves the members of every type not yet looked at; they define types too.
func (r *resolver) fillAll() {
	for r.pkg.filled < len(r.pkg.Order) {
		t := r.pkg.Order[r.pkg.filled]
		r.pkg.filled++ // before: a size that fill asks for fills the rest
		r.fill(t)
	}
}

func resolvePackage(pkg *Package, diags *diagnostics) {
	r := &resolver{pkg: pkg, diags: diags}
	pkg.objects = pkg.file.leftOut
	pkg.problems, pkg.twins = map[Type]*diagnostics{}, map[*TypeSpec]*TypeSpec{}
	pkg.types, pkg.tags = map[string]*typeSymbol{}, map[string]*TypeSpec{}
	pkg.consts, pkg.ifaces = map[string]*constSymbol{}, map[string]bool{}
	pkg.names, pkg.defs, pkg.bodies = scopeNames{}, map[*TypeSpec]Type{}, map[Type]*TypeSpec{}
	pkg.specNames, pkg.specAttrs = map[*TypeSpec]string{}, map[*TypeSpec][]*Attr{}
	pkg.specDocs, pkg.specPtr = map[*TypeSpec]string{}, map[*TypeSpec]pointerKind{}

	r.declare(pkg.file.Decls, ptrUnique)
	for _, m := range pkg.file.macros {
		r.declareMacro(m)
	}
	// Bodies become types in the order of the source, and only then are members looked at: types may be recursive.
	for _, d := range pkg.file.Decls {
		if i, ok := d.(*InterfaceDecl); ok {
			r.define(i.Decls)
		} else {
			r.define([]Decl{d})
		}
	}
	r.fillAll()
	for _, d := range pkg.file.Decls {
		switch d := d.(type) {
		case *TypedefDecl:
			r.typedefs(d)
		case *InterfaceDecl:
			for _, d := range d.Decls {
				if d, ok := d.(*TypedefDecl); ok {
					r.typedefs(d)
				}
			}
			r.iface(d)
		}
	}
	r.fillAll()
	r.constants()
}

// declare enters the names of declarations.
func (r *resolver) declare(ds []Decl, def pointerKind) {
	for _, d := range ds {
		switch d := d.(type) {
		case *TypedefDecl:
			r.declareSpec(d.Spec, def)
			for _, n := range d.Names {
				if old := r.pkg.types[n.Name]; old != nil && old.decl.Spec.Kind != specNamed && !sameTypedef(old, d, n) {
					r.diags.add(n.Pos, "", "%s is declared already, at line %d", n.Name, old.name.Pos.Line)
					continue
				}
				r.pkg.types[n.Name] = &typeSymbol{decl: d, name: n, def: def}
			}
			if d.Spec.Defined {
				r.nameSpec(d)
			}
		case *TagDecl:
			r.declareSpec(d.Spec, def)
			r.pkg.specAttrs[d.Spec] = d.Attrs
			r.pkg.specDocs[d.Spec] = d.Doc
		case *ConstDecl:
			r.declareConst(d.Name, d.Value, d.Pos)
		case *InterfaceDecl:
			r.pkg.ifaces[d.Name] = true
			if !d.Forward {
				r.pkg.msUnion = r.pkg.msUnion || hasAttr(d.Attrs, "ms_union")
				r.declare(d.Decls, r.pointerDefault(d))
			}
		}
	}
}

// sameTypedef forgives a typedef that is repeated word by word, or names another spelling of the same octets.
func sameTypedef(old *typeSymbol, d *TypedefDecl, n Declarator) bool {
	if d.Spec.Defined && old.decl.Spec.Defined && d.Spec.Body == old.decl.Spec.Body && len(old.name.Mods) == len(n.Mods) {
		return true
	}
	a, b := old.decl.Spec, d.Spec
	if a.Kind == b.Kind && a.Name == b.Name && a.Name != "" && a.Defined != b.Defined && len(old.name.Mods) == len(n.Mods) {
		return true // typedef struct t T; ahead of typedef struct t { … } T;
	}
	if len(old.name.Mods)+len(n.Mods) == 0 && a.Kind == specBase && b.Kind == specBase && basics[a.Name] != nil && basics[b.Name] != nil &&
		basics[a.Name].Method == basics[b.Name].Method {
		return true
	}
	return !d.Spec.Defined && !old.decl.Spec.Defined && old.decl.Spec.Kind == d.Spec.Kind && old.decl.Spec.Name == d.Spec.Name &&
		len(old.name.Mods) == len(n.Mods)
}

func (r *resolver) declareConst(name string, e *Expr, pos Pos) {
	if old := r.pkg.consts[name]; old != nil {
		if old.expr != nil && e != nil && old.expr.Op == "int" && e.Op == "int" && old.expr.Int == e.Int {
			return
		}
		r.diags.add(pos, "", "the constant %s is declared already", name)
		return
	}
	r.pkg.consts[name] = &constSymbol{expr: e}
}

// declareMacro makes a constant of a #define whose body is one.
func (r *resolver) declareMacro(m *macro) {
	if len(m.body) == 0 || r.pkg.consts[m.name] != nil {
		return
	}
	quiet := &diagnostics{}
	toks := append(slices.Clone(m.body), token{kind: tEOF, pos: m.pos})
	p := &parser{toks: toks, diags: quiet}
	p.recovering(func() {
		if e := p.expr(); p.cur().kind == tEOF {
			r.pkg.consts[m.name] = &constSymbol{expr: e}
		}
	}, func() {})
}

// declareSpec enters tags and enumeration constants, at any depth.
func (r *resolver) declareSpec(s *TypeSpec, def pointerKind) {
	if s == nil {
		return
	}
	r.pkg.specPtr[s] = def
	if s.Defined && s.Name != "" {
		if old := r.pkg.tags[s.Name]; old != nil && old.Body == s.Body && old != s {
			r.pkg.twins[s] = old
			return
		} else if old != nil && old != s {
			r.diags.add(s.Pos, "", "the tag %s is declared already, at line %d", s.Name, old.Pos.Line)
		}
		r.pkg.tags[s.Name] = s
	}
	for _, f := range s.Fields {
		if f.Spec != nil && f.Spec.Defined && r.pkg.tags[f.Spec.Name] != nil && r.pkg.tags[f.Spec.Name].Body != f.Spec.Body {
			r.nested(f.Spec, def) // a tag of its own, declared and used in place
			continue
		}
		r.declareSpec(f.Spec, def)
	}
	var prev *Expr
	for _, m := range s.Enums {
		v := m.Value
		if v == nil {
			v = &Expr{Pos: m.Pos, Op: "int"}
			if prev != nil {
				v = &Expr{Pos: m.Pos, Op: "+", X: prev, Y: &Expr{Pos: m.Pos, Op: "int", Int: 1}}
			}
		}
		r.declareConst(m.Name, v, m.Pos)
		prev = &Expr{Pos: m.Pos, Op: "name", Str: m.Name}
	}
}

// nested enters what is inside a body whose tag another one has already.
func (r *resolver) nested(s *TypeSpec, def pointerKind) {
	r.pkg.specPtr[s] = def
	for _, f := range s.Fields {
		r.declareSpec(f.Spec, def)
	}
}

// nameSpec names the body of a typedef after the first of its names that is no pointer.
func (r *resolver) nameSpec(d *TypedefDecl) {
	name := d.Spec.Name
	for _, n := range d.Names {
		if len(n.Mods) == 0 {
			name = n.Name
			break
		}
	}
	if name == "" && len(d.Names) > 0 {
		name = d.Names[0].Name
	}
	r.pkg.specNames[d.Spec] = name
	r.pkg.specAttrs[d.Spec] = d.Attrs
	r.pkg.specDocs[d.Spec] = d.Doc
}

// define makes a type of every body declared at this level.
func (r *resolver) define(ds []Decl) {
	for _, d := range ds {
		switch d := d.(type) {
		case *TypedefDecl:
			if d.Spec.Defined {
				r.defineSpec(d.Spec, "")
			}
		case *TagDecl:
			if d.Spec.Defined {
				r.defineSpec(d.Spec, "")
			}
		}
	}
}

// defineSpec makes a type of a body; outer names one that has no name of its own.
func (r *resolver) defineSpec(s *TypeSpec, outer string) Type {
	if t := r.pkg.defs[s]; t != nil {
		return t
	}
	if first := r.pkg.twins[s]; first != nil {
		return r.defineSpec(first, outer)
	}
	idlName := r.pkg.specNames[s]
	if idlName == "" {
		idlName = s.Name
	}
	if idlName == "" {
		idlName = outer
	}
	doc := r.pkg.specDocs[s]
	attrs := append(slices.Clone(s.Attrs), r.pkg.specAttrs[s]...)
	if isGUID(s, idlName) {
		t := &GUID{}
		r.pkg.defs[s] = t
		return t
	}
	name := r.pkg.names.take(GoName(idlName))
	var t Type
	switch s.Kind {
	case specStruct:
		t = &Struct{Name: name, IDL: idlName, Pkg: r.pkg, Doc: doc, Pos: s.Pos}
	case specUnion:
		t = &Union{Name: name, IDL: idlName, Pkg: r.pkg, Doc: doc, Pos: s.Pos, largest: r.pkg.msUnion || hasAttr(attrs, "ms_union")}
	case specEnum:
		e := &Enum{Name: name, IDL: idlName, Pkg: r.pkg, Doc: doc, Pos: s.Pos, Wide: hasAttr(attrs, "v1_enum")}
		for _, m := range s.Enums {
			v, _ := r.constant(&Expr{Pos: m.Pos, Op: "name", Str: m.Name})
			if !e.Wide && (v < -0x8000 || v > 0xFFFF) && e.Overflow == "" {
				e.Overflow = m.Name
			}
			e.Values = append(e.Values, EnumValue{Name: r.pkg.names.take(GoName(m.Name)), Doc: m.Doc, Value: v})
		}
		t = e
	}
	r.pkg.defs[s] = t
	r.pkg.specAttrs[s] = attrs
	r.pkg.Order = append(r.pkg.Order, t)
	r.specOf(t, s)
	return t
}

// isGUID recognises the structure of MS-DTYP 2.3.4.1 under one of its names. It becomes nt.GUID.
func isGUID(s *TypeSpec, name string) bool {
	switch name {
	case "GUID", "UUID", "uuid_t", "_GUID":
		return s.Kind == specStruct && len(s.Fields) == 4
	}
	return false
}

// sizeInMemory is what sizeof gives: the octets that a type takes in C on a 32-bit machine, with its padding.
func (r *resolver) sizeInMemory(t Type) (int64, bool) {
	if _, ok := t.(*Struct); ok {
		r.fillAll()
	}
	size, _ := r.memory(t, 0)
	return size, size > 0
}

// memory returns the size and alignment in C; a size of 0 is not known.
func (r *resolver) memory(t Type, depth int) (size, align int64) {
	if depth > 50 {
		return 0, 1
	}
	switch t := t.(type) {
	case *Basic:
		return int64(t.Size), int64(t.Size)
	case *Enum, *Pointer, *ContextHandle:
		return 4, 4 // in C an enum is an int
	case *GUID:
		return 16, 4
	case *Array:
		if t.Fixed >= 0 {
			n, a := r.memory(t.Elem, depth+1)
			return n * t.Fixed, a
		}
	case *Struct:
		align = 1
		for _, f := range t.Fields {
			n, a := r.memory(f.Type, depth+1)
			if n == 0 {
				return 0, 1
			}
			size = (size+a-1)/a*a + n
			align = max(align, a)
		}
		return (size + align - 1) / align * align, align
	}
	return 0, 1
}

// iface resolves an interface.
func (r *resolver) iface(d *InterfaceDecl) {
	if d.Forward {
		return
	}
	i := &Interface{Name: d.Name, GoName: GoName(d.Name), Doc: d.Doc, Pos: d.Pos, Default: r.pointerDefault(d)}
	if hasAttr(d.Attrs, "object") || hasAttr(d.Attrs, "odl") || d.Base != "" || d.Dispatch {
		r.pkg.objects = append(r.pkg.objects, Diagnostic{Pos: d.Pos, Hint: "only interfaces without [object] and without a base are carried",
			Msg: d.Name + " is an object interface: idlc does not speak DCOM"})
		return
	}
	if hasAttr(d.Attrs, "local") {
		return
	}
	if a := findAttr(d.Attrs, "uuid"); a != nil {
		text := strings.Map(func(c rune) rune {
			switch c {
			case '\u2010', '\u2011', '\u2012', '\u2013', '\u2212':
				return '-'
			case '"', '\u201C', '\u201D', ' ', '\n', '\r', '\t':
				return -1
			}
			return c
		}, a.Raw)
		g, err := nt.ParseGUID(text)
		if err != nil {
			r.diags.add(a.Pos, "write uuid(xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)", "“%s” is no UUID", a.Raw)
		}
		i.UUID = g.String()
	} else if len(d.Ops) > 0 {
		r.diags.add(d.Pos, "give it [uuid(xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx), version(1.0)]", "the interface %s has operations and no uuid", d.Name)
	}
	if a := findAttr(d.Attrs, "version"); a != nil {
		major, minor, _ := strings.Cut(strings.Trim(a.Raw, `" `), ".")
		maj, err := strconv.ParseUint(strings.TrimSpace(major), 10, 16)
		min, err2 := strconv.ParseUint(strings.TrimSpace("0"+minor), 10, 16)
		if err != nil || err2 != nil {
			r.diags.add(a.Pos, "write version(1.0)", "“%s” is no version", a.Raw)
		}
		i.Major, i.Minor = uint16(maj), uint16(min)
	}
	if a := findAttr(d.Attrs, "endpoint"); a != nil {
		i.Endpoints = a.Strs
	}
	names := methodNames()
	for _, op := range d.Ops {
		if a := findAttr(op.Attrs, "callback"); a != nil {
			r.pkg.objects = append(r.pkg.objects, Diagnostic{Pos: a.Pos, Hint: "declare an interface that the client serves",
				Msg: op.Name + " is a [callback], which a server calls in the midst of a call: idlc does not carry it"})
			continue
		}
		if hasAttr(op.Attrs, "local") {
			continue // it has no number
		}
		o := r.operation(op, i.Default)
		o.Opnum = len(i.Ops)
		if !o.OffWire {
			o.GoName = r.pkg.operationName(i, o.GoName)
		}
		o.GoName = names.take(o.GoName)
		i.Ops = append(i.Ops, o)
	}
	if len(i.Ops) > 0 {
		r.pkg.Interfaces = append(r.pkg.Interfaces, i)
	}
}

// operationName keeps the requests and responses of operations apart that two interfaces of a file call the same, and from types.
func (p *Package) operationName(i *Interface, name string) string {
	taken := func() bool { return p.names[name+"Request"] || p.names[name+"Response"] }
	if taken() {
		name = i.GoName + name
	}
	for taken() {
		name += "_"
	}
	p.names[name+"Request"], p.names[name+"Response"] = true, true
	return name
}

func (r *resolver) pointerDefault(d *InterfaceDecl) pointerKind {
	a := findAttr(d.Attrs, "pointer_default")
	if a == nil {
		return ptrUnique
	}
	switch a.Raw {
	case "ref":
		return ptrRef
	case "unique":
		return ptrUnique
	case "ptr":
		return ptrFull
	}
	r.diags.add(a.Pos, "write ref, unique or ptr", "pointer_default(%s) is not known", a.Raw)
	return ptrUnique
}

// offWire recognises the placeholders of printed IDL: a number that is never called.
func offWire(name string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(name), "opnum")
	return ok && (strings.HasSuffix(rest, "notusedonwire") || strings.HasSuffix(rest, "notusedbyserver") ||
		strings.HasSuffix(rest, "reserved") || strings.HasSuffix(rest, "notusedonthewire"))
}

func (r *resolver) operation(d *OpDecl, def pointerKind) *Operation {
	o := &Operation{Name: d.Name, GoName: GoName(d.Name), Doc: d.Doc, Text: d.Text, Pos: d.Pos}
	if offWire(d.Name) {
		o.OffWire = true
		return o
	}
	ret := r.withMods(r.spec(d.Return, d.Name+"_Return", def), d.Mods, def)
	ret = r.finish(ret, def, false)
	switch t := ret.(type) {
	case *Void:
	case *Basic, *Enum, *ContextHandle:
		o.Return = t
	default:
		r.diags.add(d.Pos, "return a status and give the value back through an [out] parameter",
			"the operation %s returns %s, which is no scalar and no context handle", d.Name, typeName(t))
	}
	goNames := scopeNames{"Return": true}
	for n := range methodNames() {
		goNames[n] = true
	}
	seen := map[string]bool{}
	for _, m := range d.Params {
		if seen[m.Decl.Name] {
			r.diags.add(m.Pos, "", "%s has two parameters named %s", d.Name, m.Decl.Name)
		}
		seen[m.Decl.Name] = true
		f := r.member(m, def, d.Name+"_"+m.Decl.Name, true)
		if f == nil {
			continue
		}
		f.GoName = goNames.take(GoName(f.Name))
		o.Params = append(o.Params, f)
	}
	return o
}

// member resolves a member, an arm or (top) a parameter. It returns nil for a binding handle, which is not sent.
func (r *resolver) member(m *Member, def pointerKind, outer string, top bool) *Field {
	f := &Field{Name: m.Decl.Name, Doc: m.Doc, Pos: m.Pos, In: hasAttr(m.Attrs, "in"), Out: hasAttr(m.Attrs, "out")}
	if m.Spec.Defined && r.pkg.specAttrs[m.Spec] == nil {
		r.pkg.specAttrs[m.Spec] = m.Attrs // switch_type and v1_enum of a type declared in place
	}
	t := r.spec(m.Spec, outer, def)
	t = r.withMods(t, m.Decl.Mods, def)
	t = r.attributes(t, m.Attrs, def, m.Pos, m.Decl.Name)
	t = r.finish(t, def, top)
	f.Type = t
	if !top {
		return f
	}
	if !f.In && !f.Out {
		f.In = true // as MIDL takes it
	}
	if p, ok := t.(*Pointer); ok {
		if _, ok := p.Elem.(*Handle); ok {
			return nil
		}
	}
	if _, ok := t.(*Handle); ok {
		return nil
	}
	if f.Out {
		switch t := t.(type) {
		case *Pointer:
			if t.Kind != ptrRef && !f.In {
				r.diags.add(m.Pos, "make it [ref], and point it at a "+pointerWord(t.Kind)+" pointer if it may be NULL",
					"the parameter %s is [out] only and a %s pointer: the caller could not receive it", f.Name, pointerWord(t.Kind))
			}
			if s, ok := t.Elem.(*String); ok {
				r.outString(f, s)
			}
		case *Array, *Refused:
		case *String:
			r.outString(f, t)
		default:
			r.diags.add(m.Pos, "declare it as a pointer", "the parameter %s is [out] and no pointer or array", f.Name)
		}
	}
	return f
}

// outString checks that an [out] string has room, which only size_is can give it.
func (r *resolver) outString(f *Field, s *String) {
	if s.Fixed < 0 && s.Size == nil && !f.In {
		r.diags.add(f.Pos, "give it size_is, or point at a [string] pointer", "the [out] string %s has no size", f.Name)
	}
}

func pointerWord(k pointerKind) string {
	return [...]string{"plain", "reference", "unique", "full"}[k]
}

// constant computes an expression of constants; unknown names are reported.
func (r *resolver) constant(e *Expr) (int64, bool) {
	told := len(r.diags.list)
	v, ok := evalConst(e, func(n *Expr) (int64, bool) { return r.named(r.pkg, n, true) })
	if !ok && len(r.diags.list) == told && told < maxDiagnostics {
		r.diags.add(e.Pos, "", "%s has no value", exprText(e))
	}
	return v, ok
}

// named computes a leaf of a constant expression.
func (r *resolver) named(pkg *Package, e *Expr, report bool) (int64, bool) {
	switch e.Op {
	case "sizeof":
		if e.Int > 0 {
			return e.Int, true
		}
		if n, ok := r.sizeInMemory(r.spec(e.Type, "", ptrUnique)); ok {
			return n, true
		}
		if report {
			r.diags.add(e.Pos, "write the number", "sizeof of this type is not computed")
		}
		return 0, false
	case "name":
		switch e.Str {
		case "TRUE", "true":
			return 1, true
		case "FALSE", "false", "NULL":
			return 0, true
		}
		if c, in := pkg.findConst(e.Str, nil); c != nil {
			return r.symbol(in, c, e)
		}
	}
	if report {
		r.diags.add(e.Pos, "", "%s is not a constant", exprText(e))
	}
	return 0, false
}

func (r *resolver) symbol(pkg *Package, c *constSymbol, use *Expr) (int64, bool) {
	switch c.state {
	case 2:
		return c.value, true
	case 3:
		return 0, false
	case 1:
		r.diags.add(use.Pos, "", "the constant %s is defined by itself", use.Str)
		return 0, false
	}
	c.state = 1
	v, ok := evalConst(c.expr, func(n *Expr) (int64, bool) { return r.named(pkg, n, false) })
	if c.state = 3; ok {
		c.state, c.value = 2, v
	}
	return v, ok
}

// findConst looks name up here and in what is imported.
func (p *Package) findConst(name string, seen map[*Package]bool) (*constSymbol, *Package) {
	if c := p.consts[name]; c != nil {
		return c, p
	}
	if seen == nil {
		seen = map[*Package]bool{}
	}
	seen[p] = true
	for _, i := range p.imports {
		if !seen[i] {
			if c, in := i.findConst(name, seen); c != nil {
				return c, in
			}
		}
	}
	return nil, nil
}

// constants makes the constants to emit, in the order of the source.
func (r *resolver) constants() {
	add := func(name, doc, typ string, c *constSymbol) {
		if c == nil {
			return
		}
		k := Constant{Doc: doc, Type: typ}
		if c.expr != nil && c.expr.Op == "str" {
			k.Text, k.Type = strconv.Quote(c.expr.Str), ""
		} else {
			v, ok := r.symbol(r.pkg, c, &Expr{Op: "name", Str: name})
			if !ok {
				return
			}
			k.Text = constText(v, typ)
		}
		k.Name = r.pkg.names.take(GoName(name))
		r.pkg.Constants = append(r.pkg.Constants, k)
	}
	for _, m := range r.pkg.file.macros {
		if c := r.pkg.consts[m.name]; c != nil && !r.isEnumValue(m.name) {
			add(m.name, m.doc, "", c)
		}
	}
	var walk func(ds []Decl)
	walk = func(ds []Decl) {
		for _, d := range ds {
			switch d := d.(type) {
			case *InterfaceDecl:
				walk(d.Decls)
			case *ConstDecl:
				c := r.pkg.consts[d.Name]
				if c.expr.Op != "str" {
					if _, ok := r.constant(c.expr); !ok {
						continue
					}
				}
				typ := ""
				if b, ok := r.withMods(r.spec(d.Type, "", ptrUnique), d.Mods, ptrUnique).(*Basic); ok && b.Int {
					typ = b.Go
				}
				add(d.Name, d.Doc, typ, c)
			}
		}
	}
	walk(r.pkg.file.Decls)
}

func (r *resolver) isEnumValue(name string) bool {
	for _, t := range r.pkg.Order {
		if e, ok := t.(*Enum); ok {
			for _, v := range e.Values {
				if v.Name == GoName(name) {
					return true
				}
			}
		}
	}
	return false
}

// constText is v in Go: hexadecimal where the source most likely meant bits.
func constText(v int64, typ string) string {
	if v < 0 && strings.HasPrefix(typ, "u") {
		switch typ {
		case "uint8":
			v &= 0xFF
		case "uint16":
			v &= 0xFFFF
		case "uint32":
			v &= 0xFFFFFFFF
		default:
			return fmt.Sprintf("%#x", uint64(v))
		}
	}
	switch {
	case typ == "int32" && v > 0x7FFFFFFF && v <= 0xFFFFFFFF:
		v = int64(int32(v))
	case typ == "int16" && v > 0x7FFF && v <= 0xFFFF:
		v = int64(int16(v))
	case typ == "int8" && v > 0x7F && v <= 0xFF:
		v = int64(int8(v))
	}
	if v > 0xFFF {
		return fmt.Sprintf("%#x", v)
	}
	return strconv.FormatInt(v, 10)
}
