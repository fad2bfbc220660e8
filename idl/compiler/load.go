package compiler

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"lwio/idl"
)

// Config says where things are.
type Config struct {
	// Out is the folder under which each package gets a folder of its own.
	Out string
	// ImportBase is the import path of Out. Empty means: found from the go.mod above it.
	ImportBase string
	// Include are folders to look for imports in, after that of the importing file.
	Include []string
	// Warn, if not nil, is told of what was left out of a file named: declarations that no operation needs and NDR cannot carry.
	Warn func(Diagnostic)
	// ReadFile reads a source; nil means os.ReadFile.
	ReadFile func(name string) ([]byte, error)
}

// Package is one IDL file: what it declares, and the Go package that becomes of it.
type Package struct {
	Path   string // of the file
	Name   string // of the Go package
	Import string // its import path

	file    *File
	imports []*Package

	types  map[string]*typeSymbol
	tags   map[string]*TypeSpec
	consts map[string]*constSymbol
	ifaces map[string]bool
	names  scopeNames // Go names at package level

	defs       map[*TypeSpec]Type // the type that a struct, union or enum body became
	bodies     map[Type]*TypeSpec // and back
	specNames  map[*TypeSpec]string
	msUnion    bool // an interface of the file has ms_union
	specAttrs  map[*TypeSpec][]*Attr
	specDocs   map[*TypeSpec]string
	specPtr    map[*TypeSpec]pointerKind
	problems   map[Type]*diagnostics   // what is wrong with a structure or union, which matters where one is sent
	twins      map[*TypeSpec]*TypeSpec // bodies that repeat an earlier one word by word, which is that
	objects    []Diagnostic            // object interfaces and callbacks, which are left out
	filled     int                     // of Order
	Order      []Type                  // *Struct, *Union and *Enum, to emit
	Constants  []Constant
	Interfaces []*Interface
}

// builtinImport are the files that printed interfaces import for the types of MS-DTYP, which are part of idlc, under the names that
// the specifications and the Windows SDK give them. A file of that name on the search path goes first.
var builtinImport = map[string]bool{
	"ms-dtyp.idl": true, "dtyp.idl": true, "guiddef.h": true, "basetsd.h": true, "windef.h": true, "ntdef.h": true, "winnt.h": true,
	"wtypesbase.idl": true, "wtypes.idl": true, "unknwn.idl": true,
}

const builtinPath = "lwio/gen/dtyp"

type loader struct {
	cfg    Config
	diags  *diagnostics
	loaded map[string]*Package
	order  []*Package // imported before importing
}

func (l *loader) read(name string) ([]byte, error) {
	if l.cfg.ReadFile != nil {
		return l.cfg.ReadFile(name)
	}
	return os.ReadFile(name)
}

// load reads a file and all it imports. src is nil to read it.
func (l *loader) load(name string, src []byte, importPath string) (*Package, error) {
	key := filepath.Clean(name)
	if p := l.loaded[key]; p != nil {
		return p, nil
	}
	if src == nil {
		var err error
		if src, err = l.read(name); err != nil {
			return nil, err
		}
	}
	pkg := &Package{Path: name, Name: packageName(name), Import: importPath}
	if importPath == "" {
		pkg.Import = path.Join(l.cfg.ImportBase, pkg.Name)
	}
	l.loaded[key] = pkg
	pkg.file = parseFile(name, string(src), l.diags)
	for _, d := range pkg.file.Decls {
		switch d := d.(type) {
		case *ImportDecl:
			l.importFile(pkg, d)
		case *InterfaceDecl:
			for _, d := range d.Decls {
				if d, ok := d.(*ImportDecl); ok {
					l.importFile(pkg, d)
				}
			}
		}
	}
	l.order = append(l.order, pkg)
	return pkg, nil
}

// importFile finds what an import names: a file of that name on the search path, else what idlc brings itself, else the name without
// the ms- of the specifications, which call lsat.idl ms-lsat.idl.
func (l *loader) importFile(pkg *Package, d *ImportDecl) {
	name := filepath.FromSlash(strings.ReplaceAll(d.Path, `\`, "/"))
	if l.search(pkg, d, name) {
		return
	}
	base := strings.ToLower(filepath.Base(name))
	if builtinImport[base] {
		// A dtyp.idl that is compiled in the same run is the one meant.
		for _, p := range l.loaded {
			if p.Name == "dtyp" && p.Import == builtinPath {
				pkg.imports = append(pkg.imports, p)
				return
			}
		}
		if sub, err := l.load("<builtin>/dtyp.idl", idl.Dtyp, builtinPath); err == nil {
			pkg.imports = append(pkg.imports, sub)
			return
		}
	}
	if short, ok := strings.CutPrefix(base, "ms-"); ok && l.search(pkg, d, filepath.Join(filepath.Dir(name), short)) {
		return
	}
	l.diags.add(d.Pos, "put it beside this file, or name its folder with -I", "the import %q is not found", d.Path)
}

// search looks for name beside pkg and on the search path. It reports whether there is such a file, be it one that cannot be read.
func (l *loader) search(pkg *Package, d *ImportDecl, name string) bool {
	for _, dir := range append([]string{filepath.Dir(pkg.Path)}, l.cfg.Include...) {
		sub, err := l.load(filepath.Join(dir, name), nil, "")
		if err == nil {
			pkg.imports = append(pkg.imports, sub)
			return true
		}
		if !errors.Is(err, fs.ErrNotExist) {
			l.diags.add(d.Pos, "", "import %q: %v", d.Path, err)
			return true
		}
	}
	return false
}

// packageName makes a Go package name of a file name: ms-srvs.idl, msrvs.
func packageName(file string) string {
	base := strings.ToLower(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, base)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "idl" + name
	}
	return name
}

// importBase finds the import path of a folder from the go.mod above it.
func importBase(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for up := abs; ; up = filepath.Dir(up) {
		mod, err := os.ReadFile(filepath.Join(up, "go.mod"))
		if err == nil {
			for line := range strings.Lines(string(mod)) {
				if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
					rel, _ := filepath.Rel(up, abs)
					return path.Join(strings.Trim(strings.TrimSpace(rest), `"`), filepath.ToSlash(rel))
				}
			}
			return ""
		}
		if up == filepath.Dir(up) {
			return ""
		}
	}
}
