package compiler

import (
	"fmt"
	"slices"
)

// spec resolves what stands before a declarator.
func (r *resolver) spec(s *TypeSpec, outer string, def pointerKind) Type {
	switch s.Kind {
	case specBase:
		switch s.Name {
		case "void":
			return &Void{}
		case "handle_t":
			return &Handle{}
		}
		if b := basics[s.Name]; b != nil {
			return b
		}
		r.diags.add(s.Pos, "", "“%s” is no base type", s.Name)
		return &Refused{Name: s.Name}
	case specPipe:
		return &Pipe{Elem: r.finish(r.spec(s.Elem, outer, def), def, false)}
	case specNamed:
		return r.lookup(s)
	}
	if s.Defined {
		r.pkg.specPtr[s] = def
		return r.defineSpec(s, outer)
	}
	if t := r.pkg.findTag(r, s.Name, nil); t != nil {
		return t
	}
	r.nameDiags().add(s.Pos, "", "the tag %s is not declared", s.Name)
	return &Refused{Name: s.Name}
}

// lookup finds a type by its name: a typedef, a tag used without its keyword, or a predefined name.
func (r *resolver) lookup(s *TypeSpec) Type {
	if t := r.pkg.findType(r, s.Name, nil); t != nil {
		return t
	}
	if t := r.pkg.findTag(r, s.Name, nil); t != nil {
		return t
	}
	switch s.Name {
	case "error_status_t":
		return basics[s.Name]
	case "unsigned8", "unsigned16", "unsigned32", "unsigned64", "signed8", "signed16", "signed32", "signed64": // C706 appendix N
		return basics[dceIntegers[s.Name]]
	case "GUID", "UUID", "uuid_t", "IID", "CLSID", "FMTID":
		return &GUID{}
	case "BSTR", "VARIANT", "IUnknown", "IDispatch", "LPUNKNOWN", "SAFEARRAY":
		return &Refused{s.Name, "it belongs to automation, which idlc does not carry"}
	}
	if r.pkg.findInterface(s.Name, nil) {
		return &Refused{s.Name, "it is an interface: idlc does not speak DCOM"}
	}
	r.nameDiags().add(s.Pos, r.typeHint(s.Name), "the type %s is not declared", s.Name)
	return &Refused{Name: s.Name}
}

// dceIntegers are what DCE calls the integers.
var dceIntegers = map[string]string{
	"unsigned8": "unsigned small", "unsigned16": "unsigned short", "unsigned32": "unsigned long", "unsigned64": "unsigned hyper",
	"signed8": "small", "signed16": "short", "signed32": "long", "signed64": "hyper",
}

// pidlTypes are those of Samba's dialect that people paste.
var pidlTypes = map[string]string{
	"uint8": "unsigned char", "uint16": "unsigned short", "uint32": "unsigned long", "uint64": "unsigned hyper", "udlong": "unsigned hyper",
	"int8": "small", "int16": "short", "int32": "long", "int64": "hyper", "dlong": "hyper", "hyper": "hyper", "uint3264": "unsigned __int3264",
	"policy_handle": "[context_handle] void*", "WERROR": "unsigned long", "NTTIME": "unsigned hyper", "string": "[string] wchar_t*",
}

func (r *resolver) typeHint(name string) string {
	if t := pidlTypes[name]; t != "" {
		return "MIDL spells it " + t
	}
	if dtypNames()[name] {
		return `write import "ms-dtyp.idl"; above, which declares it`
	}
	var all []string
	for n := range r.pkg.types {
		all = append(all, n)
	}
	for _, p := range r.pkg.imports {
		for n := range p.types {
			all = append(all, n)
		}
	}
	if n := nearest(name, all); n != "" {
		return "did you mean " + n + "?"
	}
	return ""
}

func (p *Package) findType(r *resolver, name string, seen map[*Package]bool) Type {
	if s := p.types[name]; s != nil {
		return (&resolver{pkg: p, diags: r.nameDiags()}).typedef(s)
	}
	if seen == nil {
		seen = map[*Package]bool{}
	}
	seen[p] = true
	for _, i := range p.imports {
		if !seen[i] {
			if t := i.findType(r, name, seen); t != nil {
				return t
			}
		}
	}
	return nil
}

func (p *Package) findTag(r *resolver, name string, seen map[*Package]bool) Type {
	if s := p.tags[name]; s != nil {
		return (&resolver{pkg: p, diags: r.nameDiags()}).defineSpec(s, "")
	}
	if seen == nil {
		seen = map[*Package]bool{}
	}
	seen[p] = true
	for _, i := range p.imports {
		if !seen[i] {
			if t := i.findTag(r, name, seen); t != nil {
				return t
			}
		}
	}
	return nil
}

func (p *Package) findInterface(name string, seen map[*Package]bool) bool {
	if p.ifaces[name] {
		return true
	}
	if seen == nil {
		seen = map[*Package]bool{}
	}
	seen[p] = true
	for _, i := range p.imports {
		if !seen[i] && i.findInterface(name, seen) {
			return true
		}
	}
	return false
}

// typedefs resolves each name of a typedef, so that mistakes in unused ones are told.
func (r *resolver) typedefs(d *TypedefDecl) {
	for _, n := range d.Names {
		if s := r.pkg.types[n.Name]; s != nil {
			r.typedef(s)
		}
	}
}

func (r *resolver) typedef(s *typeSymbol) Type {
	if s.typ != nil {
		return s.typ
	}
	if s.state == 1 {
		r.diags.add(s.name.Pos, "", "the type %s is defined by itself", s.name.Name)
		return &Refused{Name: s.name.Name}
	}
	s.state = 1
	t := r.spec(s.decl.Spec, s.name.Name, s.def)
	t = r.withMods(t, s.name.Mods, s.def)
	attrs := s.decl.Attrs
	if len(s.decl.Names) > 1 && len(s.name.Mods) == 0 {
		if _, ok := t.(*Pointer); !ok { // they are for the other names, which are pointers
			attrs = slices.DeleteFunc(slices.Clone(attrs), func(a *Attr) bool { return a.Name == "ref" || a.Name == "unique" || a.Name == "ptr" })
		}
	}
	t = r.attributes(t, attrs, s.def, s.name.Pos, s.name.Name)
	s.typ, s.state = t, 2
	return t
}

// withMods wraps t in the pointers and dimensions of a declarator.
func (r *resolver) withMods(t Type, mods []Mod, def pointerKind) Type {
	for i := len(mods) - 1; i >= 0; i-- {
		m := mods[i]
		switch {
		case !m.Array:
			t = &Pointer{Default: def, Elem: t}
		case m.Open:
			t = &Array{Elem: t, Fixed: -1, Pos: m.Pos}
		default:
			n, ok := r.constant(m.Size)
			if ok && (n < 1 || n > 1<<24) {
				r.diags.add(m.Pos, "", "an array of %d elements", n)
				n = 1
			}
			t = &Array{Elem: t, Fixed: max(n, 1), Pos: m.Pos}
		}
	}
	return t
}

// attributes applies what stands in brackets to a type. Types are shared, so it copies what it changes.
func (r *resolver) attributes(t Type, attrs []*Attr, def pointerKind, pos Pos, name string) Type {
	for _, a := range attrs {
		switch a.Name {
		case "transmit_as", "represent_as", "wire_marshal", "user_marshal", "iid_is", "cs_char":
			return &Refused{name, fmt.Sprintf("[%s] needs code written by hand on both sides, which idlc does not call", a.Name)}
		case "first_is", "min_is":
			zero := func(e *Expr) bool { return e == nil || e.Op == "int" && e.Int == 0 }
			if !slices.ContainsFunc(a.Args, func(e *Expr) bool { return !zero(e) }) {
				continue // as it is without
			}
			r.diags.add(a.Pos, "send the array from its first element", "[%s] is not carried", a.Name)
		}
	}
	if hasAttr(attrs, "context_handle") {
		t = toContextHandle(t)
	}
	if a := findAttr(attrs, "string"); a != nil {
		s, ok := toString(t)
		if !ok {
			r.diags.add(a.Pos, "[string] goes with char, byte or wchar_t", "%s is [string] and %s", name, typeName(t))
		}
		t = s
	}
	sizes := boundsOf(attrs, "size_is", "max_is")
	lengths := boundsOf(attrs, "length_is", "last_is")
	for i := range max(len(sizes), len(lengths)) {
		var size, length *Expr
		if i < len(sizes) {
			size = sizes[i]
		}
		if i < len(lengths) {
			length = lengths[i]
		}
		if size != nil || length != nil {
			t = r.bounds(t, i, size, length, pos, name)
		}
	}
	if k := r.pointerAttr(attrs); k != ptrUnset {
		switch p := t.(type) {
		case *Pointer:
			c := *p
			c.Kind = k
			t = &c
		case *Array, *String:
			if k != ptrRef { // [unique] T x[]: the array parameter is the pointer it is in C
				t = &Pointer{Kind: k, Default: def, Elem: t}
			}
		case *ContextHandle, *Refused:
		default:
			a := attrs[0]
			for _, x := range attrs {
				if x.Name == "ref" || x.Name == "unique" || x.Name == "ptr" {
					a = x
				}
			}
			r.diags.add(a.Pos, "", "%s is [%s] and no pointer", name, a.Name)
		}
	}
	if a := findAttr(attrs, "switch_is"); a != nil {
		u, ok := withSwitch(t, a.Args[0], a.Pos)
		if !ok {
			r.diags.add(a.Pos, "", "%s has switch_is and is no union", name)
		}
		t = u
	}
	if a := findAttr(attrs, "range"); a != nil {
		t = r.ranged(t, a, name)
	}
	if hasAttr(attrs, "ignore") {
		if p, ok := t.(*Pointer); ok {
			c := *p
			c.Ignore = true
			t = &c
		} else {
			r.diags.add(pos, "", "%s is [ignore] and no pointer", name)
		}
	}
	return t
}

func (r *resolver) pointerAttr(attrs []*Attr) pointerKind {
	k := ptrUnset
	for _, a := range attrs {
		n := ptrUnset
		switch a.Name {
		case "ref":
			n = ptrRef
		case "unique":
			n = ptrUnique
		case "ptr":
			n = ptrFull
		default:
			continue
		}
		if k != ptrUnset && k != n {
			r.diags.add(a.Pos, "keep one of ref, unique and ptr", "[%s] contradicts [%s]", a.Name, map[pointerKind]string{ptrRef: "ref", ptrUnique: "unique", ptrFull: "ptr"}[k])
		}
		k = n
	}
	return k
}

// boundsOf returns the arguments of size, one a level of pointer or array; those of its inclusive cousin plus one.
func boundsOf(attrs []*Attr, size, last string) []*Expr {
	if a := findAttr(attrs, size); a != nil {
		return a.Args
	}
	a := findAttr(attrs, last)
	if a == nil {
		return nil
	}
	var es []*Expr
	for _, e := range a.Args {
		if e != nil {
			e = &Expr{Pos: e.Pos, Op: "+", X: e, Y: &Expr{Pos: e.Pos, Op: "int", Int: 1}}
		}
		es = append(es, e)
	}
	return es
}

// bounds gives the level-th pointer or array, from outside, its size and length.
func (r *resolver) bounds(t Type, level int, size, length *Expr, pos Pos, name string) Type {
	switch t := t.(type) {
	case *Pointer:
		c := *t
		if a, ok := t.Elem.(*Array); ok && a.sized && level > 0 {
			inner := *a
			inner.Elem = r.bounds(a.Elem, level-1, size, length, pos, name)
			c.Elem = &inner
			return &c
		}
		if level > 0 {
			c.Elem = r.bounds(t.Elem, level-1, size, length, pos, name)
			return &c
		}
		switch e := t.Elem.(type) {
		case *String:
			s := *e
			s.Size = size // a string's length is its own
			c.Elem = &s
		case *Void:
			r.diags.add(pos, "use byte*", "%s is an array of void", name)
			return &Refused{Name: name}
		default:
			if size == nil {
				r.diags.add(pos, "give it size_is too", "the pointer %s has length_is and no size_is", name)
				size = length
			}
			c.Elem = &Array{Elem: t.Elem, Fixed: -1, Size: size, Length: length, Pos: pos, sized: true}
		}
		return &c
	case *Array:
		c := *t
		if level > 0 {
			c.Elem = r.bounds(t.Elem, level-1, size, length, pos, name)
			return &c
		}
		if size != nil && t.Fixed >= 0 {
			r.diags.add(pos, "write "+name+"[]", "%s has a bound in its declaration and size_is too", name)
		}
		c.Size, c.Length = size, length
		return &c
	case *String:
		c := *t
		c.Size = size
		return &c
	case *Refused:
		return t
	}
	r.diags.add(pos, "", "%s has size_is or length_is and is no array or pointer", name)
	return t
}

// toContextHandle replaces the innermost pointer, which the attribute says is a handle.
func toContextHandle(t Type) Type {
	p, ok := t.(*Pointer)
	if !ok {
		return t
	}
	if _, ok := p.Elem.(*Pointer); ok {
		c := *p
		c.Elem = toContextHandle(p.Elem)
		return &c
	}
	if _, ok := p.Elem.(*ContextHandle); ok {
		return t
	}
	return &ContextHandle{}
}

// toString makes a string of the innermost array of characters or pointer to one.
func toString(t Type) (Type, bool) {
	switch t := t.(type) {
	case *Pointer:
		c := *t
		if b, ok := t.Elem.(*Basic); ok && b.Char > 0 {
			c.Elem = &String{Wide: b.Char == 2, Fixed: -1}
			return &c, true
		}
		e, ok := toString(t.Elem)
		c.Elem = e
		return &c, ok
	case *Array:
		if b, ok := t.Elem.(*Basic); ok && b.Char > 0 {
			return &String{Wide: b.Char == 2, Fixed: t.Fixed, Size: t.Size}, true
		}
		c := *t
		e, ok := toString(t.Elem)
		c.Elem = e
		return &c, ok
	case *String, *Refused:
		return t, true
	}
	return t, false
}

// withSwitch gives the union at the bottom of t its discriminant.
func withSwitch(t Type, e *Expr, pos Pos) (Type, bool) {
	switch t := t.(type) {
	case *Pointer:
		c := *t
		inner, ok := withSwitch(t.Elem, e, pos)
		c.Elem = inner
		return &c, ok
	case *Array:
		c := *t
		inner, ok := withSwitch(t.Elem, e, pos)
		c.Elem = inner
		return &c, ok
	case *Union:
		return &UnionRef{Union: t, Switch: e, Pos: pos}, true
	case *UnionRef:
		return &UnionRef{Union: t.Union, Switch: e, Pos: pos}, true
	case *Refused:
		return t, true
	}
	return t, false
}

// ranged applies range(lo, hi) to the count of an array or string, else to the scalar.
func (r *resolver) ranged(t Type, a *Attr, name string) Type {
	bottom := t
	for p, ok := bottom.(*Pointer); ok; p, ok = bottom.(*Pointer) {
		bottom = p.Elem
	}
	if _, ok := bottom.(*Struct); ok && slices.Contains(a.Args, nil) {
		return t // of other generators: the size in a file
	}
	if len(a.Args) != 2 || a.Args[0] == nil || a.Args[1] == nil {
		r.diags.add(a.Pos, "write range(low, high)", "range of %s needs two bounds", name)
		return t
	}
	lo, ok1 := r.constant(a.Args[0])
	hi, ok2 := r.constant(a.Args[1])
	if !ok1 || !ok2 {
		return t
	}
	if hi < lo {
		r.diags.add(a.Pos, "", "range(%d, %d) of %s is empty", lo, hi, name)
		return t
	}
	return r.withRange(t, lo, hi, a.Pos, name)
}

func (r *resolver) withRange(t Type, lo, hi int64, pos Pos, name string) Type {
	switch t := t.(type) {
	case *Pointer:
		c := *t
		c.Elem = r.withRange(t.Elem, lo, hi, pos, name)
		return &c
	case *Array:
		c := *t
		if t.Fixed >= 0 && t.Length == nil {
			c.Elem = r.withRange(t.Elem, lo, hi, pos, name)
		} else {
			c.Lo, c.Hi, c.Ranged = lo, hi, true
		}
		return &c
	case *String:
		c := *t
		c.Lo, c.Hi, c.Ranged = lo, hi, true
		return &c
	case *Basic:
		if t.Int {
			c := *t
			c.Lo, c.Hi, c.Ranged = lo, hi, true
			return &c
		}
	case *Enum, *Refused:
		return t
	}
	r.diags.add(pos, "", "range cannot apply to %s, which is %s", name, typeName(t))
	return t
}

// finish gives every pointer its kind: what was said, else ref for the outermost of a parameter (top), else the default where it
// was declared (MIDL's rule).
func (r *resolver) finish(t Type, def pointerKind, top bool) Type {
	switch t := t.(type) {
	case *Pointer:
		c := *t
		if c.Kind == ptrUnset {
			if top {
				c.Kind = ptrRef
			} else {
				c.Kind = c.Default
			}
		}
		c.Elem = r.finish(t.Elem, def, false)
		return &c
	case *Array:
		c := *t
		c.Elem = r.finish(t.Elem, def, false)
		return &c
	}
	return t
}

// specOf remembers which body a type came from; fill reads it.
func (r *resolver) specOf(t Type, s *TypeSpec) { r.pkg.bodies[t] = s }

// typeName describes a type in a message.
func typeName(t Type) string {
	switch t := t.(type) {
	case *Basic:
		return "a " + t.Name
	case *Pointer:
		return "a pointer"
	case *Array:
		return "an array"
	case *String:
		return "a string"
	case *Enum:
		return "the enum " + t.IDL
	case *Struct:
		return "the structure " + t.IDL
	case *Union:
		return "the union " + t.IDL
	case *UnionRef:
		return "the union " + t.Union.IDL
	case *Void:
		return "void"
	case *Handle:
		return "a binding handle"
	case *GUID:
		return "a GUID"
	case *ContextHandle:
		return "a context handle"
	case *Pipe:
		return "a pipe"
	case *Refused:
		return t.Name
	}
	return fmt.Sprintf("%T", t)
}
