package compiler

import (
	"bytes"
	"strings"
)

// Format returns a source in its canonical form: four spaces a level, one declaration, member or enumeration constant a line, a
// parameter a line where there are several, one space where tokens do not touch, never two empty lines. Comments and directives stay as they
// are but for their indentation. A source that does not parse is an error, a Diagnostics.
func Format(name string, src []byte) ([]byte, error) {
	diags := &diagnostics{}
	parseFile(name, string(src), diags)
	if err := diags.err(); err != nil {
		return nil, err
	}
	f := &formatter{pieces: pieces(name, string(src))}
	f.file()
	return append(bytes.TrimSpace(f.out.Bytes()), '\n'), nil
}

type pieceKind uint8

const (
	pieceToken pieceKind = iota
	pieceComment
	pieceDirective
	pieceEnd
)

// piece is what is printed as it stands: a token, a comment or a line of the preprocessor.
type piece struct {
	kind  pieceKind
	tok   token
	text  string
	lines int // line ends in front of it
}

func (p piece) is(punct string) bool { return p.kind == pieceToken && p.tok.is(punct) }

func (p piece) word(w string) bool { return p.kind == pieceToken && p.tok.word(w) }

func (p piece) ident() bool { return p.kind == pieceToken && p.tok.kind == tIdent }

// pieces cuts a source that parses.
func pieces(name, src string) []piece {
	l := lexer{file: name, src: src, line: 1, col: 1, bol: true, diags: &diagnostics{}}
	var out []piece
	end := 0
	for {
		t := l.next()
		lines := 0
		for gap := src[end:t.off]; gap != ""; {
			switch {
			case strings.HasPrefix(gap, "//"):
				n := strings.IndexByte(gap, '\n')
				if n < 0 {
					n = len(gap)
				}
				out = append(out, piece{kind: pieceComment, text: strings.TrimRight(gap[:n], " \t\r"), lines: lines})
				gap, lines = gap[n:], 0
			case strings.HasPrefix(gap, "/*"):
				n := 2 + strings.Index(gap[2:], "*/") + 2 // the asterisk that opens it does not close it
				out = append(out, piece{kind: pieceComment, text: gap[:n], lines: lines})
				gap, lines = gap[n:], 0
			default:
				if gap[0] == '\n' {
					lines++
				}
				gap = gap[1:]
			}
		}
		if t.kind == tEOF {
			return append(out, piece{kind: pieceEnd, lines: lines})
		}
		if t.is("#") && t.bol {
			from := t.off
			for {
				n := strings.IndexByte(src[l.off:], '\n')
				if n < 0 {
					n = len(src) - l.off
				}
				line := strings.TrimRight(src[l.off:l.off+n], " \t\r")
				l.off += n
				if !strings.HasSuffix(line, "\\") || l.off == len(src) {
					break
				}
				l.off++
			}
			end = l.off
			l.bol = false
			out = append(out, piece{kind: pieceDirective, text: strings.TrimRight(src[from:end], " \t\r"), lines: lines})
			continue
		}
		end = l.off
		out = append(out, piece{kind: pieceToken, tok: t, text: strings.TrimSpace(src[t.off:end]), lines: lines})
	}
}

// formatter prints pieces.
type formatter struct {
	pieces []piece
	i      int
	out    bytes.Buffer
	depth  int    // of braces
	fresh  bool   // nothing is on the line yet
	braces []byte // what each open brace belongs to: i interface, e enum, s struct or union
	start  int    // the piece that the statement began with
	wide   int    // the depth of parameters that stand a line each: 1 inside them
	// blockOf is what the last closed brace belonged to; isDimension are the closing brackets of dimensions.
	blockOf     byte
	isDimension map[int]bool
}

func (f *formatter) at(i int) piece {
	if i < 0 || i >= len(f.pieces) {
		return piece{kind: pieceEnd}
	}
	return f.pieces[i]
}

// next is the index of the first token at or after i.
func (f *formatter) next(i int) int {
	for f.at(i).kind == pieceComment || f.at(i).kind == pieceDirective {
		i++
	}
	return i
}

// prev is the index of the last token before i.
func (f *formatter) prev(i int) int {
	for i--; i >= 0 && f.at(i).kind != pieceToken; i-- {
	}
	return i
}

// closing is the index of what closes the bracket at i.
func (f *formatter) closing(i int) int {
	depth := 0
	for ; i < len(f.pieces); i++ {
		p := f.pieces[i]
		switch {
		case p.is("("), p.is("["), p.is("{"):
			depth++
		case p.is(")"), p.is("]"), p.is("}"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}

func (f *formatter) newline() {
	if !f.fresh {
		f.out.WriteByte('\n')
	}
	f.fresh = true
}

// indent begins a line, if one is to be begun.
func (f *formatter) indent(more int) {
	if f.fresh {
		f.out.WriteString(strings.Repeat("    ", max(f.depth+more, 0)))
		f.fresh = false
	}
}

func (f *formatter) file() {
	f.fresh = true
	f.statements()
	for f.i < len(f.pieces) && f.at(f.i).kind != pieceEnd { // a brace too many
		f.i++
		f.statements()
	}
}

// statements prints up to the brace that closes them.
func (f *formatter) statements() {
	for first := true; ; first = false {
		p := f.at(f.i)
		if p.kind == pieceEnd || p.is("}") {
			return
		}
		if p.lines > 1 && !first {
			f.newline()
			f.out.WriteByte('\n')
		}
		switch p.kind {
		case pieceComment:
			f.comment(p)
			f.i++
		case pieceDirective:
			f.newline()
			f.out.WriteString(p.text)
			f.fresh = false
			f.newline()
			f.i++
		default:
			f.statement()
		}
	}
}

// comment prints a comment: behind what is on the line if it stood there, else on lines of its own.
func (f *formatter) comment(p piece) {
	behind := p.lines == 0 && f.out.Len() > 0
	if behind && f.fresh && !bytes.HasSuffix(f.out.Bytes(), []byte("\n\n")) {
		f.out.Truncate(f.out.Len() - 1)
		f.fresh = false
	}
	if !behind {
		f.newline()
	}
	if f.fresh {
		f.indent(0)
	} else {
		f.out.WriteByte(' ')
	}
	for i, line := range strings.Split(p.text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		if i > 0 {
			f.out.WriteByte('\n')
			line = strings.TrimLeft(line, " \t")
			if line != "" {
				f.out.WriteString(strings.Repeat("    ", f.depth))
				if strings.HasPrefix(line, "*") {
					f.out.WriteByte(' ')
				} else {
					f.out.WriteString("   ")
				}
			}
		}
		f.out.WriteString(line)
	}
	f.newline()
}

// statement prints one declaration, member or arm, or the constants of an enum.
func (f *formatter) statement() {
	f.start = f.i
	if f.at(f.i).is("[") {
		f.header()
	}
	for {
		p := f.at(f.i)
		switch {
		case p.kind == pieceEnd, p.is("}"):
			f.newline()
			return
		case p.kind != pieceToken:
			f.loose(p)
			f.i++
		case p.is("{"):
			f.block()
			if f.ended() {
				f.newline()
				return
			}
		case p.is(";"):
			f.put(p)
			f.i++
			f.newline()
			return
		case p.is("(") && f.parameters():
			f.list()
		case p.is(",") && len(f.braces) > 0 && f.braces[len(f.braces)-1] == 'e':
			f.put(p)
			f.i++
			f.newline()
			return
		default:
			f.put(p)
			f.i++
			if p.is(")") && f.quoted() && !f.at(f.next(f.i)).is(";") {
				f.newline()
				return
			}
			if p.is("}") && f.at(f.i).kind == pieceEnd {
				f.newline()
				return
			}
			if f.ended() {
				f.newline()
				return
			}
		}
	}
}

// loose prints a comment or directive in the midst of a statement.
func (f *formatter) loose(p piece) {
	if p.kind == pieceDirective {
		f.newline()
		f.out.WriteString(p.text)
		f.fresh = false
		f.newline()
		return
	}
	behind := p.lines == 0 && !f.fresh
	if !behind {
		f.newline()
	}
	if behind {
		f.out.WriteByte(' ')
	} else {
		f.indent(1)
	}
	f.out.WriteString(p.text)
	f.fresh = false
	if strings.HasPrefix(p.text, "//") || f.at(f.i+1).lines > 0 {
		f.newline()
	}
}

// quoted reports a statement like cpp_quote("…"), which may lack its semicolon.
func (f *formatter) quoted() bool {
	switch f.at(f.start).tok.text {
	case "cpp_quote", "midl_pragma", "pragma", "importlib", "midl_echo":
		return true
	}
	return false
}

// ended reports that the closing brace of an interface has just been printed, which needs no semicolon.
func (f *formatter) ended() bool {
	return f.at(f.i-1).is("}") && f.blockOf == 'i' && !f.at(f.next(f.i)).is(";")
}

// header prints the attributes of an interface a line each.
func (f *formatter) header() {
	end := f.closing(f.i)
	for f.at(f.next(end + 1)).is("[") {
		end = f.closing(f.next(end + 1))
	}
	if w := f.at(f.next(end + 1)); !w.word("interface") && !w.word("dispinterface") && !w.word("library") && !w.word("coclass") {
		return
	}
	for f.i <= end {
		p := f.at(f.i)
		inner := 0
		switch {
		case p.kind != pieceToken:
			f.depth++
			f.comment(p)
			f.depth--
		case p.is("["), p.is("]"):
			f.newline()
			f.put(p)
			f.newline()
		case p.is(","):
			f.put(p)
			f.newline()
		default:
			inner = 1
			f.depth++
			f.put(p)
			f.depth--
		}
		f.i++
		if inner == 1 && f.at(f.i).is("(") {
			for to := f.closing(f.i); f.i <= to; f.i++ {
				f.put(f.at(f.i))
			}
		}
	}
	f.newline()
}

// block prints a body in braces.
func (f *formatter) block() {
	kind := byte('s')
	for j := f.i; j >= f.start; j-- {
		w := f.at(j)
		if w.word("enum") {
			kind = 'e'
		} else if w.word("interface") || w.word("dispinterface") || w.word("library") || w.word("coclass") {
			kind = 'i'
		} else if !w.word("struct") && !w.word("union") {
			continue
		}
		break
	}
	start, wide := f.start, f.wide
	f.wide = 0
	if kind == 'i' {
		f.newline()
	}
	f.put(f.at(f.i))
	f.i++
	if p := f.at(f.i); p.kind == pieceComment && p.lines == 0 {
		f.loose(p)
		f.i++
	}
	f.newline()
	f.depth++
	f.braces = append(f.braces, kind)
	f.statements()
	f.braces = f.braces[:len(f.braces)-1]
	f.depth--
	f.newline()
	f.start, f.wide = start, wide
	f.blockOf = kind
	if f.at(f.i).is("}") {
		f.put(f.at(f.i))
		f.i++
	}
	if f.ended() || kind == 'i' && f.at(f.i).kind == pieceEnd {
		f.newline()
	}
}

// parameters reports that the parenthesis here opens the parameters of an operation.
func (f *formatter) parameters() bool {
	if len(f.braces) == 0 || f.braces[len(f.braces)-1] != 'i' || !f.at(f.prev(f.i)).ident() {
		return false
	}
	switch f.at(f.prev(f.i)).tok.text {
	case "cpp_quote", "midl_pragma", "pragma", "importlib", "switch", "SAFEARRAY", "midl_echo":
		return false
	}
	end := f.next(f.closing(f.i) + 1)
	return f.at(end).is(";") && !f.at(f.start).word("typedef") && !f.at(f.start).word("const")
}

// list prints the parameters of an operation: one where the operation is, several a line each.
func (f *formatter) list() {
	end, depth, several := f.closing(f.i), 0, false
	for j := f.i + 1; j < end; j++ {
		switch p := f.at(j); {
		case p.is("("), p.is("["), p.is("{"):
			depth++
		case p.is(")"), p.is("]"), p.is("}"):
			depth--
		case p.is(",") && depth == 0, p.kind != pieceToken:
			several = true
		}
	}
	f.put(f.at(f.i))
	f.i++
	if several {
		f.newline()
		f.depth++
	}
	for depth = 0; f.i < end; {
		p := f.at(f.i)
		switch {
		case p.is("("), p.is("["):
			depth++
		case p.is(")"), p.is("]"):
			depth--
		}
		switch {
		case p.kind != pieceToken && depth == 0:
			f.comment(p)
			f.i++
		case p.kind != pieceToken:
			f.loose(p)
			f.i++
		case p.is("{"):
			f.block()
		default:
			f.put(p)
			f.i++
			if p.is(",") && depth == 0 && several {
				f.newline()
			}
		}
	}
	if several {
		f.depth--
		if f.fresh { // the last parameter has a comment behind it
			f.indent(0)
		}
	}
	f.put(f.at(f.i))
	f.i++
}

// put prints a token and what keeps it apart from the one before.
func (f *formatter) put(p piece) {
	i := f.i
	if f.fresh {
		more := 0
		if f.at(f.start).kind == pieceToken && i != f.start && f.depth == len(f.braces) && !p.is("{") && !p.is("}") && !p.is("[") && !p.is("]") &&
			f.continued(i) {
			more = 1
		}
		f.indent(more)
	} else if f.apart(i) {
		f.out.WriteByte(' ')
	}
	f.out.WriteString(p.text)
	f.fresh = false
}

// continued reports that the piece at i goes on a statement whose beginning is on a line above.
func (f *formatter) continued(i int) bool {
	q := f.at(f.prev(i))
	return !q.is(";") && !q.is("{") && !q.is("}") && !q.is("]")
}

// dimension reports that the bracket at i opens a dimension of an array rather than attributes.
func (f *formatter) dimension(i int) bool {
	q := f.at(f.prev(i))
	if q.is("]") {
		return f.isDimension[f.prev(i)]
	}
	if !q.ident() && !q.is(")") || q.word("typedef") {
		return false
	}
	n := f.at(f.next(f.closing(i) + 1))
	return n.is(";") || n.is(",") || n.is(")") || n.is("[") || n.is("=") || n.is("}")
}

// apart reports a space between the token at i and the one before.
func (f *formatter) apart(i int) bool {
	p, j := f.at(i), f.prev(i)
	q := f.at(j)
	if f.isDimension == nil {
		f.isDimension = map[int]bool{}
	}
	switch {
	case q.kind == pieceEnd:
		return false
	case p.is(";") && q.is(":"):
		return true
	case f.spelled(i):
		return false
	case p.is(";"), p.is(","), p.is(")"), p.is("]"), q.is("("), q.is("["):
		return false
	case p.is("["):
		if f.dimension(i) {
			f.isDimension[f.closing(i)] = true
			return false
		}
		return true
	case p.is("("):
		return !q.ident() && !q.is("*") && !unary(f, j) || q.word("switch")
	case p.is(":"):
		return !f.label(i)
	case p.is(".."), q.is(".."), p.is("."), q.is("."), p.is("->"), q.is("->"):
		return false
	case q.is("*") && !f.binary(j), q.is("!"), q.is("~"), q.is("-") && unary(f, j):
		return p.ident() && qualifiers[p.tok.text] && q.is("*")
	}
	return true
}

// spelled reports a token of a UUID or a version, whose pieces touch.
func (f *formatter) spelled(i int) bool {
	for j := f.prev(i); j >= 0 && j > i-12; j = f.prev(j) {
		switch q := f.at(j); {
		case q.is("("):
			w := f.at(f.prev(j))
			return w.word("uuid") || w.word("async_uuid") || w.word("version")
		case q.is(")"), q.is("]"), q.is(";"):
			return false
		}
	}
	return false
}

// label reports the colon behind case or default.
func (f *formatter) label(i int) bool {
	for j := f.prev(i); j >= 0; j = f.prev(j) {
		q := f.at(j)
		switch {
		case q.word("case"), q.word("default"):
			return true
		case q.is(";"), q.is("{"), q.is("?"), q.word("interface"), q.is(":"):
			return false
		}
	}
	return false
}

// unary reports a minus that is no subtraction.
func unary(f *formatter, i int) bool {
	q := f.at(f.prev(i))
	return f.at(i).is("!") || f.at(i).is("~") || f.at(i).is("-") && q.kind == pieceToken && q.tok.kind == tPunct && !q.is(")") && !q.is("]")
}

// binary reports a star that multiplies: within parentheses or a dimension, behind an operand, and not in a type.
func (f *formatter) binary(i int) bool {
	q, n := f.at(f.prev(i)), f.at(f.next(i+1))
	if !q.ident() && q.tok.kind != tNumber && !q.is(")") || q.ident() && (baseWords[q.tok.text] || qualifiers[q.tok.text]) {
		return false
	}
	if q.tok.kind == tNumber {
		return true
	}
	// An operand, if what is around is an expression: a star in a type is followed by a name that something other than an operator ends.
	depth := 0
	for j := f.prev(i); j >= f.start; j = f.prev(j) {
		p := f.at(j)
		switch {
		case p.is(")"), p.is("]"), p.is("}"):
			depth++
		case p.is("("), p.is("["), p.is("{"):
			if depth--; depth < 0 {
				if p.is("[") {
					return n.ident() || n.tok.kind == tNumber || n.is("(")
				}
				w := f.at(f.prev(j)).tok.text
				return p.is("(") && (attributes[w] == argExprs || w == "" || !f.at(f.prev(j)).ident() && !n.is(")")) && !n.is(")")
			}
		case p.is("="):
			return depth == 0
		}
	}
	return false
}
