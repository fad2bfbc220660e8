package compiler

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tEOF tokenKind = iota
	tIdent
	tNumber // as spelled: 0x10, 3.0, and the pieces of a UUID
	tString // decoded
	tChar   // decoded
	tPunct
)

type token struct {
	kind     tokenKind
	text     string
	pos      Pos
	off, end int    // in the source
	doc      string // the comment that stands right above
	bol      bool   // first on its line
}

func (t token) is(punct string) bool { return t.kind == tPunct && t.text == punct }
func (t token) word(w string) bool   { return t.kind == tIdent && t.text == w }

// describe names a token in a message.
func (t token) describe() string {
	switch t.kind {
	case tEOF:
		return "the end of the file"
	case tString:
		return "a string"
	}
	return "“" + t.text + "”"
}

// lexer cuts a file into tokens. It keeps going after a mistake.
type lexer struct {
	file      string
	src       string
	off       int
	line, col int
	bol       bool
	doc       string
	docEnd    int // line on which doc ended
	diags     *diagnostics
}

func (l *lexer) pos() Pos { return Pos{l.file, l.line, l.col} }

// peek returns the rune at the offset and its width. Typographic forms that word processors put into printed IDL come out
// as what they stand for.
func (l *lexer) peek() (rune, int) {
	if l.off >= len(l.src) {
		return -1, 0
	}
	r, n := rune(l.src[l.off]), 1
	if r >= utf8.RuneSelf {
		r, n = utf8.DecodeRuneInString(l.src[l.off:])
		switch r {
		case '\u00A0', '\u2007', '\u202F', '\uFEFF':
			r = ' '
		case '\u2010', '\u2011', '\u2012', '\u2013', '\u2212':
			r = '-'
		case '\u201C', '\u201D':
			r = '"'
		case '\u2018', '\u2019':
			r = '\''
		}
	}
	return r, n
}

func (l *lexer) advance() rune {
	r, n := l.peek()
	l.off += n
	if r == '\n' {
		l.line++
		l.col = 1
		l.bol = true
	} else if n > 0 {
		l.col++
	}
	return r
}

func (l *lexer) hasPrefix(s string) bool { return strings.HasPrefix(l.src[l.off:], s) }

// skipSpace passes over white space and comments, and keeps the last comment that stands on lines of its own.
func (l *lexer) skipSpace() {
	for {
		r, _ := l.peek()
		switch {
		case r == '\\' && (l.hasPrefix("\\\n") || l.hasPrefix("\\\r\n")):
			bol := l.bol
			for l.advance() != '\n' {
			}
			l.bol = bol
		case r == ' ', r == '\t', r == '\r', r == '\n', r == '\f', r == '\v':
			l.advance()
		case l.hasPrefix("//"):
			own, line, start := l.bol, l.line, l.off+2
			for r, _ := l.peek(); r != '\n' && r != -1; r, _ = l.peek() {
				l.advance()
			}
			l.comment(own, line, strings.TrimSpace(l.src[start:l.off]))
		case l.hasPrefix("/*"):
			own, pos, start := l.bol, l.pos(), l.off+2
			l.advance()
			l.advance()
			for !l.hasPrefix("*/") {
				if l.advance() == -1 {
					l.diags.add(pos, "end it with */", "this comment has no end")
					return
				}
			}
			text := l.src[start:l.off]
			l.advance()
			l.advance()
			l.bol = own
			l.comment(own, pos.Line, text)
		default:
			return
		}
	}
}

func (l *lexer) comment(own bool, line int, text string) {
	if !own {
		return
	}
	var lines []string
	for s := range strings.Lines(text) {
		s = strings.TrimSpace(s)
		s = strings.TrimSpace(strings.TrimLeft(s, "*"))
		lines = append(lines, s)
	}
	text = strings.Trim(strings.Join(lines, "\n"), "\n ")
	if l.doc != "" && l.docEnd == line-1 {
		l.doc += "\n" + text
	} else {
		l.doc = text
	}
	l.docEnd = l.line
}

var punctuation = []string{"...", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", "..", "::"}

// next returns the next token. A line that begins with # is returned as the punctuation "#".
func (l *lexer) next() token {
	l.skipSpace()
	t := token{pos: l.pos(), off: l.off, bol: l.bol}
	if l.doc != "" && l.docEnd >= l.line-1 {
		t.doc = l.doc
	}
	l.doc, l.bol = "", false
	r, _ := l.peek()
	switch {
	case r == -1:
		t.kind = tEOF
	case r == '_' || unicode.IsLetter(r):
		if r == 'L' && (l.hasPrefix(`L"`) || l.hasPrefix("L'")) {
			l.advance()
			return l.next1(t)
		}
		t.kind = tIdent
		for r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			l.advance()
			r, _ = l.peek()
		}
		t.text = l.src[t.off:l.off]
	case r >= '0' && r <= '9':
		t.kind = tNumber
		for r == '_' || r == '.' && !l.hasPrefix("..") || unicode.IsLetter(r) || unicode.IsDigit(r) {
			l.advance()
			r, _ = l.peek()
		}
		t.text = l.src[t.off:l.off]
	case r == '"' || r == '\'':
		return l.next1(t)
	default:
		t.kind = tPunct
		for _, p := range punctuation {
			if l.hasPrefix(p) {
				for range len(p) {
					l.advance()
				}
				t.text, t.end = p, l.off
				return t
			}
		}
		l.advance()
		t.text = string(r)
		if !strings.ContainsRune("()[]{},;:*=+-/%&|^~!<>?.#", r) {
			l.diags.add(t.pos, "", "the character %q has no meaning in IDL", r)
			return l.next()
		}
	}
	t.end = l.off
	return t
}

// next1 reads a string or character literal.
func (l *lexer) next1(t token) token {
	quote := l.advance()
	t.kind = tString
	if quote == '\'' {
		t.kind = tChar
	}
	var b strings.Builder
	for {
		r, _ := l.peek()
		if r == -1 || r == '\n' {
			l.diags.add(t.pos, "", "this literal has no closing %c", quote)
			break
		}
		l.advance()
		if r == quote {
			break
		}
		if r != '\\' {
			b.WriteRune(r)
			continue
		}
		// A backslash before a letter that is no escape stays: printed endpoints have single ones.
		switch r := l.advance(); r {
		case '\\', '"', '\'':
			b.WriteRune(r)
		case '0':
			b.WriteByte(0)
		case -1:
		default:
			if t.kind == tChar {
				r = map[rune]rune{'n': '\n', 't': '\t', 'r': '\r'}[r]
				b.WriteRune(r)
			} else {
				b.WriteRune('\\')
				b.WriteRune(r)
			}
		}
	}
	t.text, t.end = b.String(), l.off
	return t
}
