package compiler

import (
	"fmt"
	"strings"
)

// goType is the Go type of a type.
func (g *generator) goType(t Type) string {
	switch t := t.(type) {
	case *Basic:
		return t.Go
	case *String:
		return "string"
	case *GUID:
		return g.use(ntPath) + ".GUID"
	case *ContextHandle:
		return g.use(rpcPath) + ".ContextHandle"
	case *Pipe:
		return "[]" + g.goType(t.Elem)
	case *Enum:
		return g.qualify(t.Pkg, t.Name)
	case *Struct:
		return g.qualify(t.Pkg, t.Name)
	case *Union:
		return g.qualify(t.Pkg, t.Name)
	case *UnionRef:
		return g.qualify(t.Union.Pkg, t.Union.Name)
	case *Array:
		if isSlice(t) {
			return "[]" + g.goType(t.Elem)
		}
		return fmt.Sprintf("[%d]%s", t.Fixed, g.goType(t.Elem))
	case *Pointer:
		switch {
		case t.Ignore:
			return "struct{}"
		case t.Kind == ptrRef, t.Kind == ptrUnique && isSlice(t.Elem):
			return g.goType(t.Elem)
		}
		return "*" + g.goType(t.Elem)
	}
	panic(fmt.Sprintf("idlc: no Go type for %T", t))
}

func (g *generator) qualify(pkg *Package, name string) string {
	if pkg == g.pkg {
		return name
	}
	return g.use(pkg.Import) + "." + name
}

// isSlice reports an array whose length is found at run time: its nil is a NULL pointer to it.
func isSlice(t Type) bool {
	a, ok := t.(*Array)
	return ok && (a.Fixed < 0 || a.Length != nil)
}

// constants writes the constants of the file.
func (g *generator) constants() {
	if len(g.pkg.Constants) == 0 {
		return
	}
	g.p("const (")
	for _, c := range g.pkg.Constants {
		g.body.WriteString(memberDoc(c.Doc))
		if c.Type != "" {
			g.p("%s %s = %s", c.Name, c.Type, c.Text)
		} else {
			g.p("%s = %s", c.Name, c.Text)
		}
	}
	g.p(")\n")
}

// declare writes the Go type of a structure, union or enum.
func (g *generator) declare(t Type) {
	switch t := t.(type) {
	case *Enum:
		g.doc(t.Name, t.Doc, "is an enum of %s bits.", map[bool]string{true: "32", false: "16"}[t.Wide])
		g.p("type %s %s\n", t.Name, enumGo(t))
		if len(t.Values) == 0 {
			return
		}
		g.p("const (")
		for _, v := range t.Values {
			g.body.WriteString(memberDoc(v.Doc))
			val := v.Value
			if val < 0 {
				if t.Wide {
					val &= 0xFFFFFFFF
				} else {
					val &= 0xFFFF
				}
			}
			g.p("%s %s = %s", v.Name, t.Name, constText(val, ""))
		}
		g.p(")\n")
	case *Struct:
		g.doc(t.Name, t.Doc, "is the structure %s.", t.IDL)
		g.p("type %s struct {", t.Name)
		for _, f := range t.Fields {
			g.field(f)
		}
		g.p("}\n")
		g.conversions(t)
	case *Union:
		if t.Switch != nil {
			g.doc(t.Name, t.Doc, "is the union %s. %s says which arm counts.", t.IDL, t.Switch.GoName)
		} else {
			g.doc(t.Name, t.Doc, "is the union %s. What holds it says which arm counts.", t.IDL)
		}
		g.p("type %s struct {", t.Name)
		if t.Switch != nil {
			g.field(t.Switch)
		}
		if t.oneValue() {
			g.p("// Value is nil for NULL, and otherwise the arm:")
			g.p("//")
		}
		for _, a := range t.Arms {
			if a.Field == nil {
				continue
			}
			if t.oneValue() {
				g.p("//\t%s: *%s", labels(a), g.named(a.Field.Type.(*Pointer).Elem.(*Struct)))
				continue
			}
			g.body.WriteString(memberDoc(a.Field.Doc))
			g.p("%s %s // %s", a.Field.GoName, g.armType(a.Field.Type), labels(a))
		}
		if t.oneValue() {
			g.p("Value any")
		}
		g.p("}\n")
		if t.oneValue() {
			g.p("// Arms gives a nil pointer of each type that Value may have, for programs that do not know them.")
			g.p("func (%s) Arms() []any {\nreturn []any{", t.Name)
			for _, a := range t.Arms {
				if a.Field != nil {
					g.p("(%s)(nil),", g.goType(a.Field.Type))
				}
			}
			g.p("}\n}\n")
		}
	}
}

func labels(a *Arm) string {
	var parts []string
	for _, v := range a.Values {
		parts = append(parts, fmt.Sprint(v))
	}
	if a.Default {
		parts = append(parts, "default")
	}
	return strings.Join(parts, ", ")
}

func (g *generator) doc(name, doc, format string, args ...any) {
	s := name + " " + fmt.Sprintf(format, args...)
	if doc != "" {
		s += "\n\n" + goComment(doc)
	}
	g.body.WriteString(comment(s))
}

func (g *generator) field(f *Field) {
	g.body.WriteString(memberDoc(f.Doc))
	g.p("%s %s", f.GoName, g.goType(f.Type))
}

// named is the name of a structure as a comment has it, which imports nothing.
func (g *generator) named(t *Struct) string {
	if t.Pkg == g.pkg {
		return t.Name
	}
	return t.Pkg.Name + "." + t.Name
}

// manyArms is how many arms a union must have to hold them in one value.
const manyArms = 32

// oneValue reports a union of many arms that are unique pointers to structures, each to another: it holds them in one interface value, which says
// which one it is. A field for each would be half a kilobyte, to be cleared and looked through by the collector with every message.
func (t *Union) oneValue() bool {
	seen := map[*Struct]bool{}
	for _, a := range t.Arms {
		if a.Field == nil {
			continue
		}
		p, ok := a.Field.Type.(*Pointer)
		if !ok || p.Kind != ptrUnique || p.Ignore {
			return false
		}
		st, ok := p.Elem.(*Struct)
		if !ok || seen[st] {
			return false
		}
		seen[st] = true
	}
	return len(seen) > manyArms
}

// armByPointer reports an arm that is held through a pointer though the IDL holds it in place: it would make every value of the
// union as large as its largest arm.
func armByPointer(t Type) bool {
	switch t := t.(type) {
	case *Struct, *Union, *UnionRef:
		return true
	case *Array:
		return !isSlice(t)
	}
	return false
}

func (g *generator) armType(t Type) string {
	if armByPointer(t) {
		return "*" + g.goType(t)
	}
	return g.goType(t)
}

func enumGo(t *Enum) string {
	if t.Wide || t.Overflow != "" {
		return "uint32"
	}
	return "uint16"
}

// conversions writes the methods that make the counted strings and the SID of the specifications pleasant to use. They are
// recognised by their members, under any name.
func (g *generator) conversions(t *Struct) {
	switch {
	case isCountedString(t, 2):
		nt, ndr := g.use(ntPath), g.use(ndrPath)
		l, m, b := t.Fields[0].GoName, t.Fields[1].GoName, t.Fields[2].GoName
		g.p("// New%s returns s as a counted string: lengths in octets, no terminator. One too long for its lengths is cut.", t.Name)
		g.p("func New%s(s string) %s {\nvar x %s\nx.SetString(s)\nreturn x\n}\n", t.Name, t.Name, t.Name)
		g.p("// SetString makes x hold s.")
		g.p("func (x *%s) SetString(s string) {\nu := %s.CountedUTF16(s)\nx.%s, x.%s, x.%s = uint16(2*len(u)), uint16(2*len(u)), u\n}\n", t.Name, ndr, l, m, b)
		g.p("// String is what x holds; NULL is the empty string.")
		g.p("func (x %s) String() string { return %s.FromUTF16(x.%s) }\n", t.Name, nt, b)
	case isCountedString(t, 1):
		ndr := g.use(ndrPath)
		l, m, b := t.Fields[0].GoName, t.Fields[1].GoName, t.Fields[2].GoName
		g.p("// New%s returns the octets of s as a counted string. One too long for its lengths is cut.", t.Name)
		g.p("func New%s(s string) %s {\nvar x %s\nx.SetString(s)\nreturn x\n}\n", t.Name, t.Name, t.Name)
		g.p("// SetString makes x hold s.")
		g.p("func (x *%s) SetString(s string) {\nb := %s.CountedBytes(s)\nx.%s, x.%s, x.%s = uint16(len(b)), uint16(len(b)), b\n}\n", t.Name, ndr, l, m, b)
		g.p("// String is what x holds; NULL is the empty string.")
		g.p("func (x %s) String() string { return string(x.%s) }\n", t.Name, b)
	case isSID(t):
		nt := g.use(ntPath)
		f := t.Fields
		g.p("// New%s returns sid in its form on the wire, and nil for the zero SID.", t.Name)
		g.p("func New%s(sid %s.SID) *%s {", t.Name, nt, t.Name)
		g.p("if sid.IsZero() {\nreturn nil\n}")
		g.p("x := &%s{%s: 1, %s: uint8(sid.SubAuthorityCount())}", t.Name, f[0].GoName, f[1].GoName)
		g.p("authority := sid.Authority()")
		g.p("for i := range x.%s.%s {\nx.%s.%s[i] = uint8(authority >> (40 - 8*i))\n}", f[2].GoName, sidValue(t).GoName, f[2].GoName, sidValue(t).GoName)
		g.p("x.%s = make([]uint32, sid.SubAuthorityCount())", f[3].GoName)
		g.p("for i := range x.%s {\nx.%s[i] = sid.SubAuthority(i)\n}", f[3].GoName, f[3].GoName)
		g.p("return x\n}\n")
		g.p("// SID is the SID that x holds, and the zero SID for nil.")
		g.p("func (x *%s) SID() (%s.SID, error) {", t.Name, nt)
		g.p("if x == nil {\nreturn %s.SID{}, nil\n}", nt)
		g.p("return %s.SIDFromParts(x.%s.%s, x.%s)\n}\n", nt, f[2].GoName, sidValue(t).GoName, f[3].GoName)
	}
}

// isCountedString recognises RPC_UNICODE_STRING (MS-DTYP 2.3.10) and its like: Length and MaximumLength in octets, and a buffer
// they size, of characters of the width given.
func isCountedString(t *Struct, width int) bool {
	if len(t.Fields) != 3 {
		return false
	}
	for _, f := range t.Fields[:2] {
		if b, ok := f.Type.(*Basic); !ok || b.Go != "uint16" || b.Ranged {
			return false
		}
	}
	p, ok := t.Fields[2].Type.(*Pointer)
	if !ok || p.Kind != ptrUnique {
		return false
	}
	a, ok := p.Elem.(*Array)
	if !ok || a.Fixed >= 0 || a.Size == nil || a.Length == nil {
		return false
	}
	b, ok := a.Elem.(*Basic)
	if !ok || b.Char != width || b.Size != width || b.Go == "int8" {
		return false
	}
	return halves(a.Size, t.Fields[1].Name, width) && halves(a.Length, t.Fields[0].Name, width)
}

// halves recognises the name itself for octets, and name/2 for wide characters.
func halves(e *Expr, name string, width int) bool {
	if width == 1 {
		return e.Op == "name" && e.Str == name
	}
	return e.Op == "/" && e.X.Op == "name" && e.X.Str == name && e.Y.Op == "int" && e.Y.Int == 2
}

// isSID recognises RPC_SID (MS-DTYP 2.4.2.3).
func isSID(t *Struct) bool {
	if len(t.Fields) != 4 || sidValue(t) == nil {
		return false
	}
	for _, f := range t.Fields[:2] {
		if b, ok := f.Type.(*Basic); !ok || b.Go != "uint8" || b.Ranged {
			return false
		}
	}
	a, ok := t.Fields[3].Type.(*Array)
	if !ok || a.Fixed >= 0 || a.Length != nil || a.Size == nil || a.Size.Op != "name" || a.Size.Str != t.Fields[1].Name {
		return false
	}
	b, ok := a.Elem.(*Basic)
	return ok && b.Go == "uint32"
}

// sidValue is the six octets of the identifier authority, or nil.
func sidValue(t *Struct) *Field {
	s, ok := t.Fields[2].Type.(*Struct)
	if !ok || len(s.Fields) != 1 {
		return nil
	}
	a, ok := s.Fields[0].Type.(*Array)
	if !ok || a.Fixed != 6 || a.Length != nil {
		return nil
	}
	if b, ok := a.Elem.(*Basic); !ok || b.Go != "uint8" {
		return nil
	}
	return s.Fields[0]
}
