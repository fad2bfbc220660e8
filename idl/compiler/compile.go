package compiler

import (
	"path/filepath"
	"slices"
	"sync"

	"lwio/idl"
)

// Output is one generated file.
type Output struct {
	Path string
	Data []byte
}

// Compile reads files and returns the Go for each. Files they import are read, and no code is made for them. The
// error is a Diagnostics if the fault is in the source.
func Compile(cfg Config, files ...string) ([]Output, error) {
	pkgs, err := analyse(cfg, files)
	if err != nil {
		return nil, err
	}
	diags := &diagnostics{}
	for _, p := range pkgs {
		if len(p.Interfaces)+len(p.Order)+len(p.Constants) > 0 {
			continue // code is made of the rest
		}
		for _, o := range p.objects {
			diags.add(o.Pos, o.Hint, "%s", o.Msg)
		}
	}
	if err := diags.err(); err != nil {
		return nil, err
	}
	var out []Output
	for _, p := range pkgs {
		o, err := emitPackage(p, filepath.Join(cfg.Out, p.Name))
		if err != nil {
			return nil, err
		}
		out = append(out, o...)
	}
	return out, nil
}

// Check reads files and reports their mistakes.
func Check(cfg Config, files ...string) error {
	_, err := analyse(cfg, files)
	return err
}

// analyse returns the packages of the files named, in that order.
func analyse(cfg Config, files []string) ([]*Package, error) {
	if cfg.ImportBase == "" {
		cfg.ImportBase = importBase(cfg.Out)
	}
	diags := &diagnostics{}
	l := &loader{cfg: cfg, diags: diags, loaded: map[string]*Package{}}
	var pkgs []*Package
	for _, f := range files {
		p, err := l.load(f, nil, "")
		if err != nil {
			return nil, err
		}
		pkgs = append(pkgs, p)
	}
	for _, p := range l.order {
		resolvePackage(p, diags)
	}
	sent := sentTypes(l.order)
	for _, p := range l.order {
		checkPackage(p, sent, diags)
	}
	warn := func(p *Package, d Diagnostic) {
		if cfg.Warn != nil && slices.Contains(pkgs, p) {
			cfg.Warn(d)
		}
	}
	leaveOut(l.order, sent, warn)
	for _, p := range pkgs {
		for _, o := range p.objects {
			warn(p, Diagnostic{o.Pos, "left out: " + o.Msg, o.Hint})
		}
	}
	return pkgs, diags.err()
}

// dtypNames are the types of dtyp.idl, for hints.
var dtypNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, d := range parseFile("dtyp.idl", string(idl.Dtyp), &diagnostics{}).Decls {
		if t, ok := d.(*TypedefDecl); ok {
			for _, n := range t.Names {
				names[n.Name] = true
			}
		}
	}
	return names
})
