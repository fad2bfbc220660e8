package compiler

import "strings"

// Qualifiers of C that say nothing about the wire.
var qualifiers = map[string]bool{
	"const": true, "volatile": true, "__stdcall": true, "__cdecl": true, "_cdecl": true, "far": true, "__far": true,
	"__RPC_FAR": true, "RPC_FAR": true, "__RPC_API": true, "RPC_ENTRY": true, "__ptr64": true, "__ptr32": true,
	"STDMETHODCALLTYPE": true, "WINAPI": true, "__unaligned": true, "UNALIGNED": true, "extern": true, "static": true,
	"__RPC_STUB": true, "IN": true, "OUT": true,
}

func (p *parser) skipQualifiers() {
	for p.cur().kind == tIdent && qualifiers[p.cur().text] {
		p.i++
	}
}

// baseWords are the words base types are made of.
var baseWords = map[string]bool{
	"unsigned": true, "signed": true, "void": true, "boolean": true, "byte": true, "char": true, "wchar_t": true,
	"small": true, "short": true, "long": true, "int": true, "hyper": true, "__int8": true, "__int16": true,
	"__int32": true, "__int64": true, "__int3264": true, "float": true, "double": true, "handle_t": true,
}

// baseForms gives the normal form of a base type, without its sign: the width words of MIDL name the same type as those of C.
var baseForms = map[string]string{
	"void": "void", "boolean": "boolean", "byte": "byte", "char": "char", "wchar_t": "wchar_t", "small": "small", "__int8": "small",
	"short": "short", "short int": "short", "__int16": "short", "long": "long", "long int": "long", "int": "long", "__int32": "long", "": "long",
	"hyper": "hyper", "hyper int": "hyper", "__int64": "hyper", "long long": "hyper", "long long int": "hyper", "__int3264": "__int3264",
	"float": "float", "double": "double", "long double": "double", "handle_t": "handle_t", "small int": "small",
}

// typeSpec reads a type up to the declarator.
func (p *parser) typeSpec() *TypeSpec {
	p.enter()
	defer p.leave()
	p.skipQualifiers()
	attrs := p.attrsInPlace()
	p.skipQualifiers()
	t := p.cur()
	if t.kind != tIdent {
		p.fail(t.pos, "", "a type expected, found %s", t.describe())
	}
	s := &TypeSpec{Pos: t.pos, Attrs: attrs}
	switch {
	case t.text == "struct", t.text == "union", t.text == "enum":
		p.i++
		from := p.i
		switch t.text {
		case "struct":
			p.structSpec(s)
		case "union":
			p.unionSpec(s)
		default:
			p.enumSpec(s)
		}
		for from < p.i && !p.toks[from].is("{") { // the tag may differ
			from++
		}
		s.Body = p.words(from, p.i)
	case t.text == "pipe":
		p.i++
		s.Kind = specPipe
		s.Elem = p.typeSpec()
	case t.text == "interface":
		p.i++
		s.Kind, s.Name = specNamed, p.ident("the name of an interface").text
	case t.text == "SAFEARRAY":
		p.i++
		s.Kind, s.Name = specNamed, t.text
		if p.cur().is("(") {
			p.skipParens()
		}
	case baseWords[t.text]:
		p.baseSpec(s)
	default:
		p.i++
		s.Kind, s.Name = specNamed, t.text
	}
	p.skipQualifiers()
	return s
}

// words is the text of tokens with one space between two of them.
func (p *parser) words(from, to int) string {
	var b strings.Builder
	for _, t := range p.toks[from:to] {
		b.WriteString(t.text)
		b.WriteByte(' ')
	}
	return b.String()
}

func (p *parser) baseSpec(s *TypeSpec) {
	sign, form := "", ""
	for p.cur().kind == tIdent && (baseWords[p.cur().text] || qualifiers[p.cur().text]) {
		switch w := p.cur().text; {
		case qualifiers[w]:
		case w == "unsigned", w == "signed":
			if sign != "" {
				p.fail(p.cur().pos, "", "“%s” after “%s”", w, sign)
			}
			sign = w
		case form == "":
			form = w
		default:
			form += " " + w
		}
		p.i++
	}
	base, ok := baseForms[form]
	if !ok {
		p.fail(s.Pos, "", "“%s” is no base type", form)
	}
	switch base {
	case "void", "boolean", "byte", "wchar_t", "float", "double", "handle_t":
		if sign != "" {
			p.fail(s.Pos, "drop the sign", "“%s” has no sign", base)
		}
	}
	s.Kind, s.Name = specBase, base
	if sign == "unsigned" || sign == "signed" && base == "char" {
		s.Name = sign + " " + base
	}
}

func (p *parser) structSpec(s *TypeSpec) {
	s.Kind = specStruct
	if p.cur().kind == tIdent {
		s.Name = p.cur().text
		p.i++
	}
	if !p.cur().is("{") {
		if s.Name == "" {
			p.fail(p.cur().pos, "", "a tag or “{” expected after struct, found %s", p.cur().describe())
		}
		return
	}
	p.i++
	s.Defined = true
	for !p.accept("}") {
		if p.cur().kind == tEOF {
			p.fail(s.Pos, "", "this struct has no closing “}”")
		}
		at := p.i
		p.recovering(func() { s.Fields = append(s.Fields, p.members()...) }, func() { p.skipMember(s) })
		if p.i == at {
			p.i++
		}
	}
}

// skipMember goes past the member that failed: past its semicolon, or up to the brace that ends the body.
func (p *parser) skipMember(s *TypeSpec) {
	s.Broken = true
	for p.cur().kind != tEOF && !p.cur().is("}") {
		if p.cur().is("{") {
			p.skipBraces()
			continue
		}
		if p.accept(";") {
			return
		}
		p.i++
	}
}

// members reads one line of a structure: a type and its declarators.
func (p *parser) members() []*Member {
	if p.accept(";") {
		return nil
	}
	doc := p.cur().doc
	attrs := p.attrs()
	spec := p.typeSpec()
	attrs = append(attrs, p.attrsInPlace()...)
	if p.cur().is(";") && spec.Defined { // an anonymous member
		m := &Member{Pos: spec.Pos, Doc: doc, Attrs: attrs, Spec: spec, Decl: Declarator{Pos: spec.Pos}}
		p.i++
		return []*Member{m}
	}
	var ms []*Member
	for {
		d := p.declarator()
		if p.cur().is(":") {
			p.fail(p.cur().pos, "declare the whole integer and take it apart in code", "%s is a bit field, which NDR cannot carry", d.Name)
		}
		m := &Member{Pos: d.Pos, Doc: doc, Attrs: attrs, Spec: spec, Decl: d}
		if p.accept("=") {
			m.Init = p.expr()
		}
		ms = append(ms, m)
		if !p.accept(",") {
			break
		}
	}
	p.semicolon("after a member")
	return ms
}

func (p *parser) unionSpec(s *TypeSpec) {
	s.Kind = specUnion
	if p.cur().kind == tIdent && !p.cur().word("switch") {
		s.Name = p.cur().text
		p.i++
	}
	if p.acceptWord("switch") {
		p.expect("(", "after switch")
		sw := &Member{Spec: p.typeSpec()}
		sw.Decl = p.declarator()
		sw.Pos = sw.Decl.Pos
		p.expect(")", "after the discriminant")
		s.Switch = sw
		if p.cur().kind == tIdent {
			s.UnionName = p.cur().text
			p.i++
		}
	}
	if !p.cur().is("{") {
		if s.Name == "" || s.Switch != nil {
			p.fail(p.cur().pos, "", "a tag or “{” expected after union, found %s", p.cur().describe())
		}
		return
	}
	p.i++
	s.Defined = true
	for !p.accept("}") {
		if p.cur().kind == tEOF {
			p.fail(s.Pos, "", "this union has no closing “}”")
		}
		if p.accept(";") {
			continue
		}
		at := p.i
		p.recovering(func() {
			if s.Switch != nil {
				s.Fields = append(s.Fields, p.switchArm())
			} else {
				s.Fields = append(s.Fields, p.caseArm())
			}
		}, func() { p.skipMember(s) })
		if p.i == at {
			p.i++
		}
	}
}

// switchArm reads an arm of an encapsulated union: case 1: case 2: T x;
func (p *parser) switchArm() *Member {
	m := &Member{Pos: p.cur().pos, Doc: p.cur().doc}
	for {
		if p.acceptWord("case") {
			m.Cases = append(m.Cases, p.expr())
		} else if p.acceptWord("default") {
			m.Default = true
		} else {
			break
		}
		p.expect(":", "after a label")
	}
	if len(m.Cases) == 0 && !m.Default {
		p.fail(p.cur().pos, "begin the arm with case …: or default:", "an arm without a label")
	}
	p.arm(m)
	return m
}

// caseArm reads an arm of another union: [case(1, 2)] T x; or [default] ;
func (p *parser) caseArm() *Member {
	m := &Member{Pos: p.cur().pos, Doc: p.cur().doc}
	for _, a := range p.attrs() {
		switch a.Name {
		case "case":
			if len(a.Args) == 0 {
				p.fail(a.Pos, "write case(1)", "case without a value")
			}
			for _, e := range a.Args {
				if e == nil {
					p.fail(a.Pos, "", "case with an empty value")
				}
				m.Cases = append(m.Cases, e)
			}
		case "default":
			m.Default = true
		default:
			m.Attrs = append(m.Attrs, a)
		}
	}
	p.arm(m)
	return m
}

func (p *parser) arm(m *Member) {
	if p.cur().is("[") {
		m.Attrs = append(m.Attrs, p.attrs()...)
	}
	if p.accept(";") {
		m.Empty = true
		return
	}
	if p.cur().is("}") { // the last arm, its semicolon left out
		m.Empty = true
		return
	}
	m.Spec = p.typeSpec()
	if p.cur().is(";") && m.Spec.Kind == specBase && m.Spec.Name == "void" {
		p.i++
		m.Empty = true
		return
	}
	if p.cur().is(";") && m.Spec.Defined {
		p.i++
		m.Decl = Declarator{Pos: m.Spec.Pos}
		return
	}
	m.Decl = p.declarator()
	m.Pos = m.Decl.Pos
	p.semicolon("after an arm")
}

func (p *parser) enumSpec(s *TypeSpec) {
	s.Kind = specEnum
	if p.cur().kind == tIdent {
		s.Name = p.cur().text
		p.i++
	}
	if !p.cur().is("{") {
		if s.Name == "" {
			p.fail(p.cur().pos, "", "a tag or “{” expected after enum, found %s", p.cur().describe())
		}
		return
	}
	p.i++
	s.Defined = true
	for !p.cur().is("}") {
		doc := p.cur().doc
		p.attrsInPlace()
		t := p.ident("the name of an enumeration constant")
		m := EnumMember{Pos: t.pos, Doc: doc, Name: t.text}
		if p.accept("=") {
			m.Value = p.expr()
		}
		s.Enums = append(s.Enums, m)
		if !p.accept(",") {
			break
		}
	}
	p.expect("}", "after the constants of an enum")
}

// declarator reads a name with the pointers and dimensions around it.
func (p *parser) declarator() Declarator {
	p.enter()
	defer p.leave()
	var stars []Mod
	for {
		p.skipQualifiers()
		if !p.cur().is("*") {
			break
		}
		stars = append(stars, Mod{Pos: p.cur().pos})
		p.i++
	}
	var d Declarator
	if p.accept("(") {
		d = p.declarator()
		p.expect(")", "in a declarator")
	} else {
		t := p.ident("a name")
		d = Declarator{Pos: t.pos, Name: t.text}
	}
	for p.cur().is("[") {
		d.Mods = append(d.Mods, p.dimension())
	}
	if p.cur().is("(") {
		p.fail(p.cur().pos, "declare an operation in the interface", "%s is a pointer to a function, which has no wire form", d.Name)
	}
	for i := len(stars) - 1; i >= 0; i-- {
		d.Mods = append(d.Mods, stars[i])
	}
	return d
}

func (p *parser) dimension() Mod {
	m := Mod{Pos: p.cur().pos, Array: true}
	p.i++
	switch {
	case p.accept("]"):
		m.Open = true
		return m
	case p.cur().is("*") && p.peek(1).is("]"):
		p.i += 2
		m.Open = true
		return m
	}
	m.Size = p.expr()
	if p.accept("..") { // C706 4.2.19: a lower and an upper bound
		if m.Size.Op != "int" || m.Size.Int != 0 {
			p.fail(m.Pos, "begin at 0", "a lower bound other than 0 is not carried")
		}
		if p.accept("*") {
			m.Size, m.Open = nil, true
		} else {
			high := p.expr()
			m.Size = &Expr{Pos: high.Pos, Op: "+", X: high, Y: &Expr{Pos: high.Pos, Op: "int", Int: 1}}
		}
	}
	p.expect("]", "after a dimension")
	return m
}
