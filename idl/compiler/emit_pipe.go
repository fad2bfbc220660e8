package compiler

import "slices"

// Pipes (C706 14.3.9): chunks, each a count and so many elements, and an empty one at the end. A parameter that is a pipe
// is a slice in Go, so a call holds the whole of it; on the wire it goes in chunks of maxChunk elements, and is taken in chunks of any size.

const maxChunk = 0x10000

func isPipe(t Type) bool {
	if p, ok := t.(*Pointer); ok {
		t = p.Elem
	}
	_, ok := t.(*Pipe)
	return ok
}

// pipesLast is the order of a request: pipes follow everything else.
func pipesLast(fields []*Field) []*Field { return pipesAt(fields, 1) }

// pipesFirst is the order of a response: a server sends its pipes before it returns anything else.
func pipesFirst(fields []*Field) []*Field { return pipesAt(fields, -1) }

func pipesAt(fields []*Field, sign int) []*Field {
	rank := func(f *Field) int {
		if isPipe(f.Type) {
			return sign
		}
		return 0
	}
	fields = slices.Clone(fields)
	slices.SortStableFunc(fields, func(a, b *Field) int { return rank(a) - rank(b) })
	return fields
}

func (g enc) pipe(t *Pipe, x, what string) {
	rest := g.temp("rest")
	g.p("for %s := %s; len(%s) > 0; {", rest, x, rest)
	chunk := g.temp("chunk")
	g.p("%s := %s[:min(len(%s), %#x)]", chunk, rest, rest, maxChunk)
	g.p("e.Chunk(len(%s))", chunk)
	g.arrayBody(&Array{Elem: t.Elem, Fixed: -1}, chunk, what)
	g.p("e.EndChunk(len(%s))", chunk)
	g.p("%s = %s[len(%s):]", rest, rest, chunk)
	g.p("}")
	g.p("e.Chunk(0)\ne.EndChunk(0)")
}

func (g dec) pipe(t *Pipe, x, what string) {
	n, chunk := g.temp("n"), g.temp("chunk")
	g.p("for %s := d.Chunk(); %s > 0 && d.Err() == nil; %s = d.Chunk() {", n, n, n)
	g.p("var %s []%s", chunk, g.goType(t.Elem))
	g.arrayBody(&Array{Elem: t.Elem, Fixed: -1}, chunk, what, n)
	g.p("d.EndChunk(%s)", n)
	g.p("%s = append(%s, %s...)", x, x, chunk)
	g.p("}")
	g.p("d.EndChunk(0)")
}
