package compiler

import (
	"slices"
	"strings"
)

// argKind says how the arguments of an attribute are read.
type argKind uint8

const (
	argNone argKind = iota
	argExprs
	argType
	argRaw
	argStrings
	argAny // optional, and not looked at
)

// attributes are the attributes of MIDL and of C706 that can stand in front of a declaration.
var attributes = map[string]argKind{
	// interface headers
	"uuid": argRaw, "version": argRaw, "endpoint": argStrings, "pointer_default": argRaw, "object": argNone, "local": argNone,
	"ms_union": argNone, "helpstring": argStrings, "explicit_handle": argNone, "implicit_handle": argAny, "auto_handle": argNone,
	"strict_context_handle": argNone, "type_strict_context_handle": argNone, "disable_consistency_check": argNone,
	"async_uuid": argRaw, "exceptions": argAny, "dual": argNone, "oleautomation": argNone, "hidden": argNone, "code": argNone, "nocode": argNone,
	"ms_conf_struct": argNone, "no_injected_text": argAny, "lcid": argAny, "control": argNone, "restricted": argAny, "nonextensible": argNone,
	"odl": argNone, "proxy": argNone, "private_char_8": argNone, "private_char_16": argNone,
	// operations
	"idempotent": argNone, "broadcast": argNone, "maybe": argNone, "reflect_deletions": argNone, "callback": argNone, "async": argNone,
	"message": argNone, "notify": argNone, "notify_flag": argNone, "enable_allocate": argNone, "byte_count": argAny, "optimize": argAny,
	"call_as": argRaw, "context_handle_noserialize": argNone, "context_handle_serialize": argNone, "fault_status": argNone, "comm_status": argNone,
	"id": argAny, "propget": argNone, "propput": argNone, "propputref": argNone, "vararg": argNone, "decode": argNone, "encode": argNone,
	// types and members
	"in": argNone, "out": argNone, "ref": argNone, "unique": argNone, "ptr": argNone, "string": argNone, "context_handle": argNone, "handle": argNone,
	"size_is": argExprs, "max_is": argExprs, "length_is": argExprs, "last_is": argExprs, "first_is": argExprs, "min_is": argExprs,
	"switch_is": argExprs, "switch_type": argType, "case": argExprs, "default": argAny, "range": argExprs, "ignore": argNone, "v1_enum": argNone,
	"v1_struct": argNone, "v1_string": argNone, "v1_array": argNone, "transmit_as": argType, "represent_as": argType, "wire_marshal": argType,
	"user_marshal": argType, "iid_is": argExprs, "retval": argNone, "optional": argNone, "defaultvalue": argAny, "public": argNone, "allocate": argAny,
	"align": argAny, "unaligned": argNone, "partial_ignore": argNone, "force_allocate": argNone, "annotation": argAny, "shape": argNone, "out_of_line": argNone,
	"cs_char": argAny, "cs_stag": argNone, "cs_drtag": argNone, "cs_rtag": argNone, "bstring": argNone, "pipe": argNone, "small": argNone, "system_handle": argAny,
	"annotate": argAny, "display": argNone,
	// of other generators, which say nothing about the wire
	"goext_layout": argAny, "goext_default_null": argAny, "format": argAny, "pad": argAny, "safearray": argAny,
	"appobject": argNone, "custom": argAny, "helpcontext": argAny, "helpstringcontext": argAny, "source": argNone, "uidefault": argNone, "bindable": argNone,
}

// attributeNames is for guessing at misspelt ones.
var attributeNames = func() []string {
	var names []string
	for n := range attributes {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}()

// attrs reads every attribute list that stands here.
func (p *parser) attrs() []*Attr {
	var as []*Attr
	for p.cur().is("[") {
		open := p.cur()
		p.i++
		for !p.cur().is("]") {
			if p.accept(",") {
				continue
			}
			if p.cur().kind != tIdent {
				p.fail(p.cur().pos, "", "an attribute expected, found %s", p.cur().describe())
			}
			as = append(as, p.attr())
			if !p.cur().is(",") && !p.cur().is("]") {
				p.fail(p.cur().pos, "", "“,” or “]” expected after the attribute %s, found %s", as[len(as)-1].Name, p.cur().describe())
			}
		}
		if p.cur().kind == tEOF {
			p.fail(open.pos, "", "this attribute list has no closing “]”")
		}
		p.i++
	}
	return as
}

func (p *parser) attr() *Attr {
	t := p.cur()
	p.i++
	a := &Attr{Pos: t.pos, Name: t.text}
	kind, known := attributes[a.Name]
	if !known {
		hint := ""
		if n := nearest(a.Name, attributeNames); n != "" {
			hint = "did you mean " + n + "?"
		} else if h := pidlAttributes[a.Name]; h != "" {
			hint = h
		}
		p.diags.add(t.pos, hint, "the attribute “%s” is not known", a.Name)
		kind = argAny
	}
	if !p.cur().is("(") {
		if kind == argExprs || kind == argType || kind == argRaw {
			p.fail(t.pos, "", "the attribute %s needs an argument", a.Name)
		}
		return a
	}
	open := p.cur()
	end := p.closing()
	a.Raw = strings.TrimSpace(p.slice(open.end, p.toks[end].off))
	switch kind {
	case argNone:
		p.fail(open.pos, "", "the attribute %s takes no argument", a.Name)
	case argExprs:
		p.i++
		for {
			if p.cur().is(",") || p.cur().is(")") {
				a.Args = append(a.Args, nil)
			} else if p.cur().is("*") && p.peek(1).is(")") { // size_is(*): whatever is left, in tables that are not NDR
				a.Args = append(a.Args, nil)
				p.i++
			} else {
				a.Args = append(a.Args, p.expr())
			}
			if !p.accept(",") && !p.accept("..") {
				break
			}
		}
		p.expect(")", "after the arguments of "+a.Name)
		return a
	case argType:
		p.i++
		a.Type = p.typeSpec()
		p.expect(")", "after the type of "+a.Name)
		return a
	case argStrings:
		for p.i++; p.i < end; p.i++ {
			if p.cur().kind == tString {
				a.Strs = append(a.Strs, p.cur().text)
			}
		}
	}
	p.i = end + 1
	return a
}

// pidlAttributes are those of Samba's dialect that people paste.
var pidlAttributes = map[string]string{
	"charset":    "for UTF-16 write [string] wchar_t*, for bytes [string] char*",
	"flag":       "MIDL has no such thing; leave it out",
	"value":      "MIDL has no such thing; leave it out",
	"switch_":    "write switch_is",
	"relative":   "NDR has no relative pointers",
	"todo":       "declare the operation, or name it OpnumNNotUsedOnWire",
	"represent":  "write represent_as",
	"nodiscrim":  "NDR always sends the discriminant",
	"subcontext": "NDR has no subcontexts: declare an array of byte",
}

// closing returns the index of the parenthesis that closes the one at the current token.
func (p *parser) closing() int {
	depth := 0
	for i := p.i; i < len(p.toks); i++ {
		switch {
		case p.toks[i].is("("):
			depth++
		case p.toks[i].is(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	p.fail(p.cur().pos, "", "this “(” is never closed")
	return 0
}

func findAttr(as []*Attr, name string) *Attr {
	for _, a := range as {
		if a.Name == name {
			return a
		}
	}
	return nil
}

func hasAttr(as []*Attr, name string) bool { return findAttr(as, name) != nil }
