package compiler

import (
	"fmt"
	"strings"
)

// calls writes the request and the response of every operation.
func (g *generator) calls(i *Interface) {
	for _, o := range i.Ops {
		if !o.OffWire {
			g.request(o)
			g.response(o)
		}
	}
}

func isIn(f *Field) bool  { return f.In }
func isOut(f *Field) bool { return f.Out }

func (g *generator) request(o *Operation) {
	g.use(ndrPath)
	name := o.GoName + "Request"
	g.p("// %s holds the [in] parameters of %s.", name, o.Name)
	g.p("type %s struct {", name)
	for _, f := range o.Params {
		if f.In {
			g.field(f)
		}
	}
	g.p("}\n")
	s := &scope{pkg: g.pkg, fields: o.Params, holder: xHolder, encode: true, derived: derivations(o.Params, isIn)}
	g.p("// MarshalNDR appends the stub data of the request.")
	g.function(fmt.Sprintf("(x *%s) MarshalNDR(e *ndr.Encoder)", name), func() {
		for _, f := range pipesLast(o.Params) {
			if f.In {
				enc{g, s}.parameter(f)
			}
		}
	})
	ds := *s
	ds.encode, ds.derived = false, nil
	g.p("// UnmarshalNDR reads the stub data of a request.")
	g.function(fmt.Sprintf("(x *%s) UnmarshalNDR(d *ndr.Decoder)", name), func() {
		done := map[*Field]bool{}
		for _, f := range pipesLast(o.Params) {
			if f.In {
				dec{generator: g, s: &ds, late: true, done: done}.parameter(f)
			}
		}
	})
}

func (g *generator) response(o *Operation) {
	name := o.GoName + "Response"
	g.p("// %s holds the [out] parameters of %s, and its result.", name, o.Name)
	g.p("type %s struct {", name)
	for _, f := range o.Params {
		if f.Out {
			g.field(f)
		}
	}
	if o.Return != nil {
		g.p("Return %s", g.goType(o.Return))
	}
	g.p("}\n")

	holder := func(f *Field) string {
		if f.Out {
			return "x"
		}
		return "in"
	}
	derived := derivations(o.Params, isOut)
	for f, d := range derivations(o.Params, isIn) {
		if !f.Out {
			derived[f] = d
		}
	}
	s := &scope{pkg: g.pkg, fields: o.Params, holder: holder, encode: true, derived: derived}
	g.p("// MarshalNDR appends the stub data of the response to in.")
	g.function(fmt.Sprintf("(x *%s) MarshalNDR(e *ndr.Encoder, in *%sRequest)", name, o.GoName), func() {
		for _, f := range pipesFirst(o.Params) {
			if f.Out {
				enc{g, s}.parameter(f)
			}
		}
		if o.Return != nil {
			enc{g, s}.body(o.Return, "x.Return", "Return")
		}
	})
	ds := *s
	ds.encode = false
	g.p("// UnmarshalNDR reads the stub data of a response to in.")
	g.function(fmt.Sprintf("(x *%s) UnmarshalNDR(d *ndr.Decoder, in *%sRequest)", name, o.GoName), func() {
		done := map[*Field]bool{}
		for _, f := range pipesFirst(o.Params) {
			if f.Out {
				dec{generator: g, s: &ds, late: true, done: done}.parameter(f)
			}
		}
		if o.Return != nil {
			dec{generator: g, s: &ds}.body(o.Return, "x.Return", "Return", "")
		}
	})
}

// opDoc is the comment of an operation: its number, what the IDL says of it, and its text.
func opDoc(o *Operation) string {
	s := fmt.Sprintf("%s is operation %d.", o.GoName, o.Opnum)
	if o.Doc != "" {
		s += "\n\n" + goComment(o.Doc)
	}
	var b strings.Builder
	b.WriteString(comment(s))
	b.WriteString("//\n")
	for line := range strings.SplitSeq(printable(o.Text), "\n") {
		b.WriteString("//\t" + line + "\n")
	}
	return b.String()
}

// server writes the interface a server implements, the implementation to embed, and the description to register.
func (g *generator) server(i *Interface) {
	g.use("context")
	g.use(ndrPath)
	g.use(rpcPath)
	g.use(ntPath)
	server, unimpl := i.GoName+"Server", "Unimplemented"+i.GoName+"Server"
	g.p("// %s is what a server of the interface %s implements. An error becomes a fault (rpc.FaultOf); the result of", server, i.Name)
	g.p("// a call is the Return of its response. Embed %s for the operations not served.", unimpl)
	g.p("type %s interface {", server)
	for _, o := range i.Ops {
		if o.OffWire {
			continue
		}
		g.body.WriteString(opDoc(o))
		g.p("%s(ctx context.Context, call *rpc.Call, in *%sRequest) (*%sResponse, error)\n", o.GoName, o.GoName, o.GoName)
	}
	g.p("}\n")
	g.p("// %s answers every operation with rpc.FaultOpRange.", unimpl)
	g.p("type %s struct{}\n", unimpl)
	for _, o := range i.Ops {
		if o.OffWire {
			continue
		}
		g.p("func (%s) %s(context.Context, *rpc.Call, *%sRequest) (*%sResponse, error) {\nreturn nil, rpc.FaultOpRange\n}\n",
			unimpl, o.GoName, o.GoName, o.GoName)
	}
	g.p("// %sInterface describes the interface %s.", i.GoName, i.Name)
	g.p("var %sInterface = &rpc.Interface{", i.GoName)
	g.p("Name: %q,\nUUID: nt.MustGUID(%q),\nMajor: %d,\nMinor: %d,", i.Name, i.UUID, i.Major, i.Minor)
	if len(i.Endpoints) > 0 {
		g.p("Endpoints: []string{")
		for _, e := range i.Endpoints {
			g.p("%q,", e)
		}
		g.p("},")
	}
	g.p("PointerDefault: rpc.%s,", map[pointerKind]string{ptrRef: "PointerRef", ptrUnique: "PointerUnique", ptrFull: "PointerFull"}[i.Default])
	g.p("Implements: func(impl any) bool {\n_, ok := impl.(%s)\nreturn ok\n},", server)
	g.p("Ops: []rpc.Op{")
	for _, o := range i.Ops {
		if o.OffWire {
			g.p("%d: {Name: %q},", o.Opnum, o.Name)
		} else {
			g.p("%d: {Name: %q, Invoke: invoke%s%s},", o.Opnum, o.Name, i.GoName, o.GoName)
		}
	}
	g.p("},\n}\n")
	for _, o := range i.Ops {
		if o.OffWire {
			continue
		}
		g.p("func invoke%s%s(ctx context.Context, impl any, call *rpc.Call, d *ndr.Decoder, e *ndr.Encoder) error {", i.GoName, o.GoName)
		g.p("in := new(%sRequest)\nin.UnmarshalNDR(d)", o.GoName)
		g.p("if err := d.Err(); err != nil {\nreturn err\n}")
		g.p("out, err := impl.(%s).%s(ctx, call, in)", server, o.GoName)
		g.p("if err != nil {\nreturn err\n}")
		g.p("out.MarshalNDR(e, in)\nreturn e.Err()\n}\n")
	}
}

// client writes the client of an interface.
func (g *generator) client(i *Interface, only bool) {
	g.use("context")
	g.use(ndrPath)
	g.use(rpcPath)
	name := "Client"
	if !only {
		name = i.GoName + "Client"
	}
	name = g.pkg.names.take(name)
	g.p("// %s calls the interface %s through a bound Caller.", name, i.Name)
	g.p("type %s struct{ caller rpc.Caller }\n", name)
	g.p("// New%s returns a client that calls through caller.", name)
	g.p("func New%s(caller rpc.Caller) *%s { return &%s{caller} }\n", name, name, name)
	for _, o := range i.Ops {
		if o.OffWire {
			continue
		}
		g.p("// %s calls operation %d.", o.GoName, o.Opnum)
		g.p("func (c *%s) %s(ctx context.Context, in *%sRequest) (*%sResponse, error) {", name, o.GoName, o.GoName, o.GoName)
		g.p("out := new(%sResponse)", o.GoName)
		g.p("err := c.caller.Call(ctx, %d, in.MarshalNDR, func(d *ndr.Decoder) error {\nout.UnmarshalNDR(d, in)\nreturn d.Err()\n})", o.Opnum)
		g.p("if err != nil {\nreturn nil, err\n}\nreturn out, nil\n}\n")
	}
}
