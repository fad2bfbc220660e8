package compiler

import (
	"fmt"
	"slices"
)

// checker reports what MIDL forbids and what idlc does not carry, after names are resolved.
type checker struct {
	diags *diagnostics
	pkg   *Package
}

// sentTypes are the structures and unions that the operations of pkgs send.
func sentTypes(pkgs []*Package) map[Type]bool {
	sent := map[Type]bool{}
	var walk func(t Type)
	walk = func(t Type) {
		if sent[t] {
			return
		}
		sent[t] = true
		for _, m := range membersOf(t) {
			walk(m)
		}
	}
	for _, p := range pkgs {
		for _, i := range p.Interfaces {
			for _, o := range i.Ops {
				for _, f := range o.Params {
					for _, m := range heldBy(f.Type) {
						walk(m)
					}
				}
			}
		}
	}
	return sent
}

// leaveOut drops the types that no operation sends and NDR cannot carry, and what holds them. Specifications print such: tables in
// files, and what is in memory only.
func leaveOut(pkgs []*Package, sent map[Type]bool, warn func(*Package, Diagnostic)) {
	out := map[Type]bool{}
	for _, p := range pkgs {
		for _, t := range p.Order {
			if d := p.problems[t]; d != nil && len(d.list) > 0 && !sent[t] {
				out[t] = true
				for _, m := range d.list {
					warn(p, Diagnostic{m.Pos, nameOf(t) + " is left out: " + m.Msg, m.Hint})
				}
			}
		}
	}
	for more := true; more; {
		more = false
		for _, p := range pkgs {
			for _, t := range p.Order {
				for _, m := range membersOf(t) {
					if out[m] && !out[t] {
						out[t], more = true, true
						warn(p, Diagnostic{Pos: p.bodies[t].Pos, Msg: nameOf(t) + " is left out: it holds " + nameOf(m)})
						break
					}
				}
			}
		}
	}
	for _, p := range pkgs {
		p.Order = slices.DeleteFunc(p.Order, func(t Type) bool { return out[t] })
	}
}

func nameOf(t Type) string {
	switch t := t.(type) {
	case *Struct:
		return t.IDL
	case *Union:
		return t.IDL
	case *Enum:
		return t.IDL
	}
	return ""
}

func checkPackage(pkg *Package, sent map[Type]bool, diags *diagnostics) {
	c := &checker{diags, pkg}
	for _, t := range pkg.Order {
		c.tags(t)
	}
	for _, i := range pkg.Interfaces {
		for _, o := range i.Ops {
			c.paramTags(o)
		}
	}
	for _, t := range pkg.Order {
		if u, ok := t.(*Union); ok && u.Tag == nil {
			u.Tag = basics["unsigned long"]
		}
	}
	for _, t := range pkg.Order {
		problems := pkg.problems[t]
		tc := &checker{problems, pkg}
		switch t := t.(type) {
		case *Struct:
			tc.structure(t)
		case *Union:
			tc.union(t)
		}
		if problems != nil && sent[t] {
			diags.merge(problems)
		}
	}
	for _, i := range pkg.Interfaces {
		for _, o := range i.Ops {
			c.operation(o)
		}
	}
	markRecursive(pkg.Order)
}

// tags gives a union without switch_type the type of the expression that discriminates it (MIDL's rule).
func (c *checker) tags(t Type) {
	if s, ok := t.(*Struct); ok {
		for _, f := range s.Fields {
			c.tagFrom(f.Type, s.Fields)
		}
	}
}

func (c *checker) paramTags(o *Operation) {
	for _, f := range o.Params {
		c.tagFrom(f.Type, o.Params)
	}
}

func (c *checker) tagFrom(t Type, scope []*Field) {
	switch t := t.(type) {
	case *Pointer:
		c.tagFrom(t.Elem, scope)
	case *Array:
		c.tagFrom(t.Elem, scope)
	case *UnionRef:
		if t.Union.Tag != nil {
			return
		}
		e := t.Switch
		if e != nil && e.Op == "deref" {
			e = e.X
		}
		if e == nil {
			return // said elsewhere
		}
		if f := fieldNamed(scope, e.Str); e.Op == "name" && f != nil {
			ft := f.Type
			if p, ok := ft.(*Pointer); ok {
				ft = p.Elem
			}
			if isTag(ft) {
				t.Union.Tag = unranged(ft)
			}
		}
	}
}

func unranged(t Type) Type {
	if b, ok := t.(*Basic); ok && b.Ranged {
		c := *b
		c.Ranged = false
		return &c
	}
	return t
}

func fieldNamed(scope []*Field, name string) *Field {
	for _, f := range scope {
		if f.Name == name {
			return f
		}
	}
	return nil
}

func (c *checker) structure(s *Struct) {
	if len(s.Fields) == 0 && !c.pkg.bodies[s].Broken {
		c.diags.add(s.Pos, "", "the structure %s has no member", s.IDL)
	}
	if s.laid(); s.layout.loop {
		c.diags.add(s.Pos, "hold it through a pointer", "the structure %s holds itself", s.IDL)
		return
	}
	for i, f := range s.Fields {
		last := i == len(s.Fields)-1
		if shapeOf(f.Type).conformant && !last {
			c.diags.add(f.Pos, "move it to the end", "%s is of a size known only at run time and not the last member of %s", f.Name, s.IDL)
		}
		c.typ(f.Type, use{pos: f.Pos, name: shownName(f), scope: s.Fields, before: s.Fields[:i], where: "the structure " + s.IDL})
	}
}

func (c *checker) union(u *Union) {
	if u.laid(); u.layout.loop {
		c.diags.add(u.Pos, "hold it through a pointer", "the union %s holds itself", u.IDL)
		return
	}
	lo, hi := tagRange(u.Tag)
	for _, a := range u.Arms {
		for _, v := range a.Values {
			if v < lo || v > hi {
				c.diags.add(u.Pos, "", "the label %d of the union %s does not fit %s", v, u.IDL, typeName(u.Tag))
			}
		}
		if a.Field == nil {
			continue
		}
		if shapeOf(a.Field.Type).conformant {
			c.diags.add(a.Field.Pos, "hold it through a pointer", "the arm %s of %s is of a size known only at run time", a.Field.Name, u.IDL)
		}
		c.typ(a.Field.Type, use{pos: a.Field.Pos, name: shownName(a.Field), where: "the union " + u.IDL})
	}
}

// shownName is how a message calls a member.
func shownName(f *Field) string {
	if f.Name == "" {
		return "an anonymous member"
	}
	return f.Name
}

func tagRange(t Type) (lo, hi int64) {
	switch t := t.(type) {
	case *Basic:
		if t.Name == "boolean" {
			return 0, 1
		}
		bits := uint(t.Size) * 8
		if bits == 64 {
			return -1 << 63, 1<<63 - 1
		}
		// Labels are often printed with the other sign: both are taken.
		return -1 << (bits - 1), 1<<bits - 1
	case *Enum:
		if !t.Wide {
			return -0x8000, 0xFFFF
		}
	}
	return -1 << 31, 1<<32 - 1
}

func (c *checker) operation(o *Operation) {
	for i, f := range o.Params {
		u := use{pos: f.Pos, name: f.Name, scope: o.Params, before: o.Params[:i], where: "the operation " + o.Name, param: f, top: true}
		c.typ(f.Type, u)
	}
}

// use is where a type stands.
type use struct {
	pos    Pos
	name   string
	scope  []*Field // what expressions may name
	before []*Field // those of them that are on the wire by then
	where  string
	param  *Field // a parameter
	top    bool   // not in an array of it: what it is can be checked when all parameters are there
	behind bool   // behind a pointer: sent after the body, when all of scope is there
}

func (c *checker) typ(t Type, u use) {
	inner := u
	inner.top = false
	switch t := t.(type) {
	case *Refused:
		if u.param != nil && t.Why == "" {
			c.diags.addOnce(u.pos, "%s of %s is of the type %s, which is refused", u.name, u.where, t.Name)
		}
		if t.Why != "" {
			c.diags.add(u.pos, "declare what is on the wire, or call the operation OpnumNNotUsedOnWire to keep its number free",
				"%s of %s is %s: %s", u.name, u.where, t.Name, t.Why)
		}
	case *Void:
		c.diags.add(u.pos, "use byte*, or [context_handle] void*", "%s of %s is void", u.name, u.where)
	case *Handle:
		c.diags.add(u.pos, "drop it", "%s of %s is a binding handle, which only a parameter can be", u.name, u.where)
	case *Enum:
		if t.Overflow != "" {
			c.diags.add(u.pos, "give the enum the attribute [v1_enum], which makes it 32 bits wide",
				"%s of %s is the enum %s of 16 bits, which %s does not fit", u.name, u.where, t.IDL, t.Overflow)
		}
	case *Pointer:
		if t.Ignore {
			return
		}
		inner.behind = u.param == nil
		inner.top = u.top
		c.typ(t.Elem, inner)
	case *Pipe:
		if !u.top || u.param == nil {
			c.diags.add(u.pos, "make it a parameter of its own", "%s of %s is a pipe, which only a parameter can be", u.name, u.where)
			return
		}
		if s := shapeOf(t.Elem); s.deferred || s.conformant {
			c.diags.add(u.pos, "hold the elements by value", "the elements of the pipe %s of %s hold pointers, or are of a size known only at run time", u.name, u.where)
			return
		}
		c.typ(t.Elem, inner)
	case *Array:
		if t.Fixed < 0 && t.Size == nil && u.param != nil && u.top {
			// The parameter brings its own count, and nothing else says what it is.
		} else if t.Fixed < 0 && t.Size == nil {
			c.diags.add(u.pos, "give it size_is", "the array %s of %s has no size", u.name, u.where)
		}
		if shapeOf(t.Elem).conformant {
			if _, ok := t.Elem.(*Array); ok {
				c.diags.add(u.pos, "use an array of pointers, or one dimension", "%s of %s has more than one dimension known only at run time", u.name, u.where)
			} else {
				c.diags.add(u.pos, "use an array of pointers to them", "the elements of %s of %s are of a size known only at run time", u.name, u.where)
			}
		}
		if t.Fixed >= 0 && t.Fixed*int64(shapeOf(t.Elem).min) > 1<<24 {
			c.diags.add(u.pos, "make it conformant", "the array %s of %s takes more than 16 MiB", u.name, u.where)
		}
		late := u.behind || u.param != nil && u.top || t.Fixed < 0 && u.param == nil
		c.expr(t.Size, u, "size_is", late)
		c.expr(t.Length, u, "length_is", late)
		c.typ(t.Elem, inner)
	case *String:
		c.expr(t.Size, u, "size_is", u.behind || u.param != nil && u.top)
	case *Union:
		if t.Switch == nil {
			c.diags.add(u.pos, "write [switch_is(member)] in front of it", "%s of %s is the union %s without a discriminant", u.name, u.where, t.IDL)
		}
	case *UnionRef:
		if t.Union.Switch != nil {
			c.diags.add(u.pos, "drop switch_is", "%s of %s is an encapsulated union, which brings its own discriminant", u.name, u.where)
			return
		}
		if t.Switch != nil && t.Switch.Op == "name" && u.param == nil && !u.behind && c.later(t.Switch.Str, u) && isNumber(t.Union.Tag) {
			t.late, t.Union.late = true, true
			return
		}
		c.expr(t.Switch, u, "switch_is", u.behind)
	}
}

// expr checks the names in an expression. late says that every member in scope is known when it is needed.
func (c *checker) expr(e *Expr, u use, attr string, late bool) { c.operand(e, u, attr, late, false) }

// operand is expr; where e is a condition (cond) it may be a pointer, which is true unless it is NULL.
func (c *checker) operand(e *Expr, u use, attr string, late, cond bool) {
	if e == nil {
		return
	}
	switch e.Op {
	case "int", "sizeof":
		return
	case "str":
		c.diags.add(e.Pos, "", "%s of %s is a string", attr, u.name)
		return
	case "deref":
		if e.X.Op != "name" {
			c.diags.add(e.Pos, "", "only a name can be dereferenced in %s", attr)
			return
		}
		f := fieldNamed(u.scope, e.X.Str)
		if f == nil {
			c.unknown(e.X, u, attr)
			return
		}
		p, ok := f.Type.(*Pointer)
		if !ok {
			c.diags.add(e.Pos, "drop the *", "%s of %s dereferences %s, which is no pointer", attr, u.name, f.Name)
			return
		}
		if !isTag(p.Elem) {
			c.diags.add(e.Pos, "", "%s of %s: *%s is %s, not an integer", attr, u.name, f.Name, typeName(p.Elem))
			return
		}
		c.order(f, e.X, u, attr, late)
		return
	case "name":
		if f := fieldNamed(u.scope, e.Str); f != nil {
			if p, ok := f.Type.(*Pointer); ok && cond {
				c.order(f, e, u, attr, late)
			} else if ok {
				hint := ""
				if isTag(p.Elem) {
					hint = "write *" + f.Name
				}
				c.diags.add(e.Pos, hint, "%s of %s names %s, which is a pointer", attr, u.name, f.Name)
			} else if !isTag(f.Type) {
				c.diags.add(e.Pos, "", "%s of %s names %s, which is %s, not an integer", attr, u.name, f.Name, typeName(f.Type))
			} else {
				c.order(f, e, u, attr, late)
			}
			return
		}
		if _, ok := (&resolver{pkg: c.pkg, diags: c.diags}).named(c.pkg, e, false); !ok {
			c.unknown(e, u, attr)
		}
		return
	}
	logic := e.Op == "&&" || e.Op == "||" || e.Op == "not"
	c.operand(e.X, u, attr, late, logic || e.Op == "?:")
	c.operand(e.Y, u, attr, late, logic)
	c.operand(e.Z, u, attr, late, false)
}

// later reports a member that says what a union is and stands behind it. The union brings its discriminant with it on the wire.
func (c *checker) later(name string, u use) bool {
	f := fieldNamed(u.scope, name)
	if f == nil || !isTag(f.Type) || slices.Contains(u.before, f) {
		return false
	}
	_, boolean := basicBool(f.Type)
	return !boolean
}

func isNumber(t Type) bool {
	_, boolean := basicBool(t)
	return !boolean && isTag(t)
}

func (c *checker) unknown(e *Expr, u use, attr string) {
	var names []string
	for _, f := range u.scope {
		names = append(names, f.Name)
	}
	hint := ""
	if n := nearest(e.Str, names); n != "" {
		hint = "did you mean " + n + "?"
	}
	c.diags.add(e.Pos, hint, "%s of %s names %s, which %s does not have", attr, u.name, e.Str, u.where)
}

// order checks that f is there when it is needed: on the wire before what names it, and in the same direction.
func (c *checker) order(f *Field, e *Expr, u use, attr string, late bool) {
	if u.param != nil && u.param.In && !f.In {
		c.diags.add(e.Pos, "make "+f.Name+" [in, out]", "%s of %s names %s, which the request does not carry", attr, u.name, f.Name)
		return
	}
	if late && attr != "switch_is" || late && u.behind {
		return
	}
	for _, b := range u.before {
		if b == f {
			return
		}
	}
	if u.param != nil && f.In && !u.param.In {
		return // the whole request is there before the response
	}
	if f == u.param {
		c.diags.add(e.Pos, "", "%s of %s names itself", attr, u.name)
		return
	}
	c.diags.add(e.Pos, "declare "+f.Name+" before "+u.name, "%s of %s names %s, which comes later", attr, u.name, f.Name)
}

// exprText writes an expression as in IDL.
func exprText(e *Expr) string {
	switch {
	case e == nil:
		return ""
	case e.Op == "int":
		return fmt.Sprint(e.Int)
	case e.Op == "name":
		return e.Str
	case e.Op == "str":
		return fmt.Sprintf("%q", e.Str)
	case e.Op == "deref":
		return "*" + exprText(e.X)
	case e.Op == "sizeof":
		return "sizeof"
	case e.Op == "neg":
		return "-" + exprText(e.X)
	case e.Op == "not":
		return "!" + exprText(e.X)
	case e.Op == "inv":
		return "~" + exprText(e.X)
	case e.Op == "?:":
		return "(" + exprText(e.X) + " ? " + exprText(e.Y) + " : " + exprText(e.Z) + ")"
	}
	return "(" + exprText(e.X) + " " + e.Op + " " + exprText(e.Y) + ")"
}
