package compiler

import (
	"strconv"
	"strings"
)

// Binary operators by precedence, the loosest first.
var binaryLevels = [][]string{
	{"||"}, {"&&"}, {"|"}, {"^"}, {"&"}, {"==", "!="}, {"<", ">", "<=", ">="}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"},
}

// expr reads a conditional expression.
func (p *parser) expr() *Expr {
	p.enter()
	defer p.leave()
	cond := p.binary(0)
	if !p.cur().is("?") {
		return cond
	}
	pos := p.cur().pos
	p.i++
	a := p.expr()
	p.expect(":", "in a conditional expression")
	return &Expr{Pos: pos, Op: "?:", X: cond, Y: a, Z: p.expr()}
}

func (p *parser) binary(level int) *Expr {
	if level == len(binaryLevels) {
		return p.unary()
	}
	x := p.binary(level + 1)
	for {
		op := ""
		for _, o := range binaryLevels[level] {
			if p.cur().is(o) {
				op = o
			}
		}
		if op == "" {
			return x
		}
		pos := p.cur().pos
		p.i++
		x = &Expr{Pos: pos, Op: op, X: x, Y: p.binary(level + 1)}
	}
}

var unaryOps = map[string]string{"-": "neg", "!": "not", "~": "inv", "*": "deref"}

func (p *parser) unary() *Expr {
	p.enter()
	defer p.leave()
	t := p.cur()
	if op, ok := unaryOps[t.text]; ok && t.kind == tPunct {
		p.i++
		return &Expr{Pos: t.pos, Op: op, X: p.unary()}
	}
	if p.accept("+") {
		return p.unary()
	}
	if t.word("sizeof") && p.peek(1).is("(") {
		p.i += 2
		e := &Expr{Pos: t.pos, Op: "sizeof", Type: p.typeSpec()}
		for p.cur().is("*") {
			e.Int = 4
			p.i++
		}
		p.expect(")", "after sizeof")
		return e
	}
	return p.primary()
}

func (p *parser) primary() *Expr {
	t := p.cur()
	switch t.kind {
	case tNumber:
		p.i++
		v, err := parseInt(t.text)
		if err != nil {
			p.fail(t.pos, "", "“%s” is no integer", t.text)
		}
		return &Expr{Pos: t.pos, Op: "int", Int: v}
	case tChar:
		p.i++
		r := []rune(t.text)
		if len(r) != 1 {
			p.fail(t.pos, "", "a character literal holds one character")
		}
		return &Expr{Pos: t.pos, Op: "int", Int: int64(r[0])}
	case tString:
		p.i++
		s := t.text
		for p.cur().kind == tString {
			s += p.cur().text
			p.i++
		}
		return &Expr{Pos: t.pos, Op: "str", Str: s}
	case tIdent:
		p.i++
		if p.cur().is("->") || p.cur().is(".") {
			p.fail(p.cur().pos, "name a member or parameter beside it", "an expression cannot look inside %s", t.text)
		}
		return &Expr{Pos: t.pos, Op: "name", Str: t.text}
	}
	if t.is("(") {
		if p.isCast() {
			for !p.accept(")") {
				p.i++
			}
			return p.unary()
		}
		p.i++
		e := p.expr()
		p.expect(")", "in an expression")
		return e
	}
	p.fail(t.pos, "", "an expression expected, found %s", t.describe())
	return nil
}

// isCast tells (DWORD) x from (x): a parenthesised type is followed by the beginning of an operand.
func (p *parser) isCast() bool {
	n := 1
	for p.peek(n).kind == tIdent {
		n++
	}
	for p.peek(n).is("*") {
		n++
	}
	if n == 1 || !p.peek(n).is(")") {
		return false
	}
	next := p.peek(n + 1)
	return next.kind == tIdent || next.kind == tNumber || next.is("(") || baseWords[p.peek(1).text]
}

// parseInt reads a C integer: decimal, octal or hexadecimal, with the suffixes U, L and i64.
func parseInt(s string) (int64, error) {
	s = strings.TrimSuffix(strings.ToLower(s), "i64")
	s = strings.TrimRight(s, "ul")
	v, err := strconv.ParseUint(s, 0, 64)
	if strings.Contains(s, "_") {
		return 0, strconv.ErrSyntax
	}
	return int64(v), err
}

// evalConst computes e. name gives the value of a name; it reports what it does not know.
func evalConst(e *Expr, name func(*Expr) (int64, bool)) (int64, bool) {
	switch e.Op {
	case "int":
		return e.Int, true
	case "name", "sizeof", "str", "deref":
		return name(e)
	}
	x, ok := evalConst(e.X, name)
	if !ok {
		return 0, false
	}
	switch e.Op {
	case "neg":
		return -x, true
	case "inv":
		return ^x, true
	case "not":
		return b2i(x == 0), true
	case "?:":
		if x != 0 {
			return evalConst(e.Y, name)
		}
		return evalConst(e.Z, name)
	}
	y, ok := evalConst(e.Y, name)
	if !ok {
		return 0, false
	}
	switch e.Op {
	case "||":
		return b2i(x != 0 || y != 0), true
	case "&&":
		return b2i(x != 0 && y != 0), true
	case "|":
		return x | y, true
	case "^":
		return x ^ y, true
	case "&":
		return x & y, true
	case "==":
		return b2i(x == y), true
	case "!=":
		return b2i(x != y), true
	case "<":
		return b2i(x < y), true
	case ">":
		return b2i(x > y), true
	case "<=":
		return b2i(x <= y), true
	case ">=":
		return b2i(x >= y), true
	case "+":
		return x + y, true
	case "-":
		return x - y, true
	case "*":
		return x * y, true
	case "<<":
		return x << (uint64(y) & 63), true
	case ">>":
		return x >> (uint64(y) & 63), true
	case "/", "%":
		if y == 0 {
			return 0, false
		}
		if e.Op == "/" {
			return x / y, true
		}
		return x % y, true
	}
	return 0, false
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
