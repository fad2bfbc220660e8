package compiler

import "strings"

// macro is an object-like #define.
type macro struct {
	name string
	pos  Pos
	doc  string
	body []token
}

// preprocessor runs the directives that printed IDL uses, and hands the rest on as one slice of tokens.
type preprocessor struct {
	lex     lexer
	ahead   *token
	macros  map[string]*macro
	defined []*macro // in order, for the constants they may be
	out     []token
	conds   []condition

	expanded int // how often a macro was
}

const maxExpansions = 1 << 18

type condition struct {
	pos          Pos
	active, done bool // this branch is read; a branch was read already
	outer        bool // the condition around it is read
}

func tokenize(file, src string, diags *diagnostics) ([]token, []*macro) {
	p := &preprocessor{
		lex:    lexer{file: file, src: src, line: 1, col: 1, bol: true, diags: diags},
		macros: map[string]*macro{},
	}
	for {
		t := p.next()
		switch {
		case t.is("#") && t.bol:
			p.directive(t)
		case t.kind == tEOF:
			for _, c := range p.conds {
				diags.add(c.pos, "end it with #endif", "this condition has no end")
			}
			p.out = append(p.out, t)
			return p.out, p.defined
		case p.active():
			p.expand(t, 0)
		}
	}
}

func (p *preprocessor) active() bool {
	return len(p.conds) == 0 || p.conds[len(p.conds)-1].active
}

func (p *preprocessor) next() token {
	if t := p.ahead; t != nil {
		p.ahead = nil
		return *t
	}
	return p.lex.next()
}

// line returns the tokens up to the end of the line.
func (p *preprocessor) line() []token {
	var ts []token
	for {
		t := p.next()
		if t.bol || t.kind == tEOF {
			p.ahead = &t
			return ts
		}
		ts = append(ts, t)
	}
}

func (p *preprocessor) expand(t token, depth int) {
	m := p.macros[t.text]
	if t.kind != tIdent || m == nil || depth > 32 {
		p.out = append(p.out, t)
		return
	}
	if p.expanded++; p.expanded == maxExpansions {
		p.lex.diags.add(t.pos, "", "macros are expanded more than %d times", maxExpansions)
	}
	if p.expanded >= maxExpansions { // macros that double each other
		return
	}
	for _, b := range m.body {
		b.pos, b.off, b.end, b.doc = t.pos, t.off, t.end, t.doc
		p.expand(b, depth+1)
	}
}

func (p *preprocessor) directive(hash token) {
	ts := p.line()
	if len(ts) == 0 {
		return
	}
	name, ts := ts[0], ts[1:]
	diags := p.lex.diags
	switch name.text {
	case "if", "ifdef", "ifndef":
		c := condition{pos: hash.pos, outer: p.active()}
		c.active = c.outer && p.holds(name, ts)
		c.done = c.active
		p.conds = append(p.conds, c)
		return
	case "elif", "else", "endif":
		if len(p.conds) == 0 {
			diags.add(name.pos, "", "#%s without #if", name.text)
			return
		}
		c := &p.conds[len(p.conds)-1]
		switch name.text {
		case "endif":
			p.conds = p.conds[:len(p.conds)-1]
		case "else":
			c.active = c.outer && !c.done
			c.done = true
		case "elif":
			c.active = c.outer && !c.done && p.holds(name, ts)
			c.done = c.done || c.active
		}
		return
	}
	if !p.active() {
		return
	}
	switch name.text {
	case "define":
		p.define(hash, ts)
	case "undef":
		if len(ts) > 0 {
			delete(p.macros, ts[0].text)
		}
	case "include":
		// An include of printed IDL names a header of types; import does what is meant.
		if len(ts) == 1 && ts[0].kind == tString {
			p.out = append(p.out, token{kind: tIdent, text: "import", pos: hash.pos}, ts[0],
				token{kind: tPunct, text: ";", pos: hash.pos})
			return
		}
		diags.add(name.pos, `write import "file.idl";`, "only #include \"file\" is understood")
	case "pragma", "line":
	case "error":
		diags.add(name.pos, "", "#error %s", p.text(ts))
	default:
		diags.add(name.pos, "#define, #undef, #if, #ifdef, #ifndef, #elif, #else, #endif, #include and #pragma are",
			"the directive #%s is not understood", name.text)
	}
}

func (p *preprocessor) text(ts []token) string {
	if len(ts) == 0 {
		return ""
	}
	return p.lex.src[ts[0].off:ts[len(ts)-1].end]
}

func (p *preprocessor) define(hash token, ts []token) {
	if len(ts) == 0 || ts[0].kind != tIdent {
		p.lex.diags.add(hash.pos, "", "#define needs a name")
		return
	}
	name, body := ts[0], ts[1:]
	if len(body) > 0 && body[0].is("(") && body[0].off == name.end {
		p.lex.diags.add(name.pos, "write out what it stands for", "%s is a macro with arguments, which are not expanded", name.text)
		return
	}
	m := &macro{name: name.text, pos: name.pos, doc: hash.doc, body: body}
	p.macros[name.text] = m
	p.defined = append(p.defined, m)
}

// holds evaluates the condition of a directive.
func (p *preprocessor) holds(name token, ts []token) bool {
	if name.text != "if" && name.text != "elif" {
		if len(ts) == 0 {
			p.lex.diags.add(name.pos, "", "#%s needs a name", name.text)
			return false
		}
		_, ok := p.macros[ts[0].text]
		return ok == (name.text == "ifdef")
	}
	sub := &preprocessor{lex: p.lex, macros: p.macros}
	for i := 0; i < len(ts); i++ {
		if !ts[i].word("defined") {
			sub.expand(ts[i], 0)
			continue
		}
		rest := ts[i+1:]
		arg := 0
		if len(rest) > 2 && rest[0].is("(") && rest[2].is(")") {
			arg = 1
			i += 2
		}
		if len(rest) <= arg {
			break
		}
		i++
		text := "0"
		if _, ok := p.macros[rest[arg].text]; ok {
			text = "1"
		}
		sub.out = append(sub.out, token{kind: tNumber, text: text, pos: rest[arg].pos})
	}
	sub.out = append(sub.out, token{kind: tEOF, pos: name.pos})
	ps := &parser{toks: sub.out, diags: p.lex.diags}
	var v int64
	ps.recovering(func() {
		e := ps.expr()
		// A name that is no macro is zero, as in C.
		v, _ = evalConst(e, func(*Expr) (int64, bool) { return 0, true })
	}, func() {})
	return v != 0
}

// goComment turns the text of a comment into lines for a Go comment.
func goComment(doc string) string { return strings.TrimSpace(doc) }
