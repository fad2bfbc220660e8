package compiler

import "strings"

// parser turns tokens into a File. A mistake ends the declaration it stands in, and the next one is read.
type parser struct {
	file  *File
	src   string
	toks  []token
	i     int
	depth int // of types, declarators and expressions in each other
	diags *diagnostics
}

// maxNesting is far past what anyone writes.
const maxNesting = 200

// enter goes a level deeper, and leave comes back; a failure in between is caught where the depth is set again.
func (p *parser) enter() {
	if p.depth++; p.depth > maxNesting {
		p.fail(p.cur().pos, "", "nested more than %d levels deep", maxNesting)
	}
}

func (p *parser) leave() { p.depth-- }

// bail unwinds to the nearest recovering call.
type bail struct{}

func parseFile(path, src string, diags *diagnostics) *File {
	f := &File{Path: path, src: src}
	toks, macros := tokenize(path, src, diags)
	f.macros = macros
	p := &parser{file: f, src: src, toks: toks, diags: diags}
	for p.cur().kind != tEOF {
		start := p.i
		p.recovering(func() { f.Decls = append(f.Decls, p.decl(nil)...) }, p.skipDecl)
		if p.i == start {
			p.i++
		}
	}
	return f
}

// recovering runs parse; if it fails, skip finds the place to go on.
func (p *parser) recovering(parse, skip func()) {
	depth := p.depth
	defer func() {
		p.depth = depth
		if r := recover(); r != nil {
			if _, ok := r.(bail); !ok {
				panic(r)
			}
			skip()
		}
	}()
	parse()
}

// skipDecl goes past the declaration that failed: to its semicolon, or past the braces it opens.
func (p *parser) skipDecl() {
	for p.cur().kind != tEOF {
		switch {
		case p.accept(";"):
			return
		case p.cur().is("}"):
			return
		case p.cur().is("{"):
			p.skipBraces()
			// A body may be followed by declarators: up to the semicolon on them, but not into what has none.
			if !p.cur().is("*") && !(p.cur().kind == tIdent && !p.startsDecl()) && !p.cur().is(";") {
				return
			}
		default:
			p.i++
		}
	}
}

func (p *parser) startsDecl() bool {
	switch p.cur().text {
	case "typedef", "const", "interface", "import", "struct", "union", "enum", "cpp_quote", "library", "coclass":
		return true
	}
	return false
}

func (p *parser) skipBraces() {
	depth := 0
	for p.cur().kind != tEOF {
		if p.cur().is("{") {
			depth++
		}
		if p.cur().is("}") {
			depth--
		}
		p.i++
		if depth == 0 {
			return
		}
	}
}

func (p *parser) cur() token { return p.toks[p.i] }

func (p *parser) peek(n int) token {
	if p.i+n >= len(p.toks) {
		return p.toks[len(p.toks)-1]
	}
	return p.toks[p.i+n]
}

func (p *parser) fail(pos Pos, hint, format string, args ...any) {
	p.diags.add(pos, hint, format, args...)
	panic(bail{})
}

func (p *parser) accept(punct string) bool {
	if p.cur().is(punct) {
		p.i++
		return true
	}
	return false
}

func (p *parser) acceptWord(w string) bool {
	if p.cur().word(w) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(punct, where string) token {
	t := p.cur()
	if !t.is(punct) {
		pos := t.pos
		if (punct == ";" || punct == ")") && p.i > 0 && p.toks[p.i-1].pos.Line < t.pos.Line {
			// What is missing is missing at the end of the line before.
			prev := p.toks[p.i-1]
			pos = prev.pos
			pos.Col += len([]rune(p.slice(prev.off, prev.end)))
		}
		p.fail(pos, "", "“%s” expected %s, found %s", punct, where, t.describe())
	}
	p.i++
	return t
}

// semicolon expects one. If it is missing at the end of a line the mistake is told and the next line read as if it was there.
func (p *parser) semicolon(where string) {
	if p.cur().is(";") {
		p.i++
		return
	}
	report := func() { p.expect(";", where) }
	if p.i > 0 && p.toks[p.i-1].pos.Line < p.cur().pos.Line {
		p.recovering(report, func() {})
		return
	}
	report()
}

func (p *parser) slice(from, to int) string {
	if from < 0 || to > len(p.src) || from > to {
		return ""
	}
	return p.src[from:to]
}

func (p *parser) ident(what string) token {
	t := p.cur()
	if t.kind != tIdent {
		p.fail(t.pos, "", "%s expected, found %s", what, t.describe())
	}
	p.i++
	return t
}

// decl reads one declaration outside (in is nil) or inside an interface.
func (p *parser) decl(in *InterfaceDecl) []Decl {
	start := p.cur()
	doc := start.doc
	if p.accept(";") {
		return nil
	}
	switch {
	case start.word("import"):
		p.i++
		return p.importDecl(start)
	case start.word("cpp_quote"), start.word("midl_pragma"), start.word("pragma"), start.word("importlib"), start.word("midl_echo"):
		for p.i++; p.cur().kind == tIdent; p.i++ {
		}
		if p.cur().is("(") {
			p.skipParens()
		}
		p.accept(";")
		return nil
	}
	attrs := p.attrs()
	t := p.cur()
	switch {
	case t.word("typedef"):
		p.i++
		return []Decl{p.typedef(t, doc, attrs)}
	case t.word("const") && p.isConst():
		p.i++
		return p.constDecl(t, doc)
	case t.word("interface") && in == nil, t.word("dispinterface") && in == nil:
		return []Decl{p.interfaceDecl(doc, attrs)}
	case t.word("library"), t.word("coclass"), t.word("module"):
		if p.peek(2).is(";") {
			p.i += 3
			return nil
		}
		for p.i++; p.cur().kind == tIdent; p.i++ {
		}
		if p.cur().is("{") {
			p.skipBraces()
		}
		p.accept(";")
		p.file.leftOut = append(p.file.leftOut, Diagnostic{Pos: t.pos, Hint: "take the interfaces and types out of it; a type library has no wire form",
			Msg: "“" + t.text + "” belongs to type libraries, which idlc does not make"})
		return nil
	case t.word("interface") && p.peek(2).is(";"):
		p.i += 3 // a forward declaration inside an interface
		return nil
	case in == nil && t.kind != tIdent:
		p.fail(t.pos, "", "a declaration expected, found %s", t.describe())
	}
	if t.word("struct") || t.word("union") || t.word("enum") {
		if p.peek(1).is("{") || p.peek(2).is("{") || p.peek(2).is(";") || p.peek(1).word("switch") {
			save := p.i
			spec := p.typeSpec()
			if p.accept(";") {
				return []Decl{&TagDecl{Pos: t.pos, Doc: doc, Attrs: attrs, Spec: spec}}
			}
			p.i = save
		}
	}
	if in == nil {
		p.fail(t.pos, "put operations inside an interface", "“%s” begins no declaration that can stand outside an interface", t.text)
	}
	in.Ops = append(in.Ops, p.operation(start, doc, attrs))
	return nil
}

// skipParens passes over what stands in parentheses and means nothing here.
func (p *parser) skipParens() {
	open, depth := p.cur(), 0
	for {
		if t := p.cur(); t.kind == tEOF || t.is("{") || t.is("}") || t.is(";") {
			p.fail(t.pos, "close the parenthesis of "+open.pos.String()+" with “)”", "“)” expected, found %s", t.describe())
		}
		if p.cur().is("(") {
			depth++
		}
		if p.cur().is(")") {
			depth--
		}
		p.i++
		if depth == 0 {
			return
		}
	}
}

func (p *parser) importDecl(start token) []Decl {
	var ds []Decl
	for {
		t := p.cur()
		if t.kind != tString {
			p.fail(t.pos, `write import "ms-dtyp.idl";`, "the name of a file expected after import, found %s", t.describe())
		}
		p.i++
		ds = append(ds, &ImportDecl{Pos: t.pos, Path: t.text})
		if !p.accept(",") {
			break
		}
	}
	p.semicolon("after import")
	return ds
}

// isConst tells a constant from an operation or member whose type begins with const: a constant has an = before any ( or ;.
func (p *parser) isConst() bool {
	for n := 1; ; n++ {
		switch t := p.peek(n); {
		case t.is("="):
			return true
		case t.is(";"), t.is("("), t.is("{"), t.kind == tEOF:
			return false
		}
	}
}

func (p *parser) constDecl(start token, doc string) []Decl {
	spec := p.typeSpec()
	var ds []Decl
	for {
		d := p.declarator()
		p.expect("=", "in a constant")
		ds = append(ds, &ConstDecl{Pos: d.Pos, Doc: doc, Name: d.Name, Type: spec, Mods: d.Mods, Value: p.expr()})
		if !p.accept(",") {
			break
		}
	}
	p.semicolon("after a constant")
	return ds
}

func (p *parser) typedef(start token, doc string, attrs []*Attr) Decl {
	attrs = append(attrs, p.attrs()...)
	d := &TypedefDecl{Pos: start.pos, Doc: doc, Attrs: attrs}
	d.Spec = p.typeSpec()
	for {
		d.Names = append(d.Names, p.declarator())
		if !p.accept(",") {
			break
		}
	}
	p.semicolon("after a typedef")
	return d
}

func (p *parser) interfaceDecl(doc string, attrs []*Attr) Decl {
	dispatch := p.cur().word("dispinterface")
	p.i++
	name := p.ident("the name of an interface")
	d := &InterfaceDecl{Pos: name.pos, Doc: doc, Attrs: attrs, Name: name.text, Dispatch: dispatch}
	if p.accept(";") {
		d.Forward = true
		return d
	}
	if p.accept(":") {
		d.Base = p.ident("the name of the base interface").text
	}
	open := p.expect("{", "after the name of an interface")
	if dispatch { // properties and methods are not operations
		p.i--
		p.skipBraces()
		p.accept(";")
		return d
	}
	for !p.cur().is("}") {
		if p.cur().kind == tEOF {
			p.fail(open.pos, "", "the interface %s has no closing “}”", d.Name)
		}
		at := p.i
		p.recovering(func() { d.Decls = append(d.Decls, p.decl(d)...) }, p.skipDecl)
		if p.i == at {
			p.i++
		}
	}
	p.i++
	p.accept(";")
	return d
}

func (p *parser) operation(start token, doc string, attrs []*Attr) *OpDecl {
	op := &OpDecl{Doc: doc, Attrs: attrs}
	op.Return = p.typeSpec()
	for {
		p.skipQualifiers()
		if !p.cur().is("*") {
			break
		}
		op.Mods = append(op.Mods, Mod{Pos: p.cur().pos})
		p.i++
	}
	name := p.ident("the name of an operation")
	op.Pos, op.Name = name.pos, name.text
	p.expect("(", "after the name of the operation "+op.Name)
	if p.cur().word("void") && p.peek(1).is(")") {
		p.i++
	}
	for !p.cur().is(")") {
		op.Params = append(op.Params, p.parameter())
		if !p.accept(",") {
			break
		}
	}
	end := p.expect(")", "after the parameters of "+op.Name)
	p.semicolon("after the operation " + op.Name)
	op.Text = dedent(p.src, start.off, end.end)
	return op
}

func (p *parser) parameter() *Member {
	m := &Member{Pos: p.cur().pos, Doc: p.cur().doc, Attrs: p.attrs()}
	m.Spec = p.typeSpec()
	m.Attrs = append(m.Attrs, p.attrsInPlace()...)
	m.Decl = p.declarator()
	m.Pos = m.Decl.Pos
	return m
}

// attrsInPlace reads attributes that stand between a type and its name, as some specifications print them.
func (p *parser) attrsInPlace() []*Attr {
	if p.cur().is("[") {
		return p.attrs()
	}
	return nil
}

// dedent returns src[from:to] with the indentation its lines share removed.
func dedent(src string, from, to int) string {
	if from < 0 || to > len(src) || from >= to {
		return ""
	}
	lines := strings.Split(strings.ReplaceAll(src[from:to], "\t", "    "), "\n")
	shared := -1
	for i, s := range lines {
		s = strings.TrimRight(s, " \r")
		lines[i] = s
		if i == 0 || s == "" {
			continue
		}
		if n := len(s) - len(strings.TrimLeft(s, " ")); shared < 0 || n < shared {
			shared = n
		}
	}
	for i, s := range lines {
		if i > 0 && len(s) >= shared && shared > 0 {
			s = s[shared:]
			if !strings.HasPrefix(s, ")") {
				s = "    " + s
			}
			lines[i] = s
		}
	}
	return strings.Join(lines, "\n")
}
