package compiler

// The syntax tree: what stands in a file, before any name is looked up.

// File is one parsed source file.
type File struct {
	Path   string
	src    string
	Decls  []Decl
	macros []*macro
	// leftOut is what has no wire form and was passed over.
	leftOut []Diagnostic
}

// Decl is a declaration: *ImportDecl, *ConstDecl, *TypedefDecl, *TagDecl or *InterfaceDecl.
type Decl interface{ declPos() Pos }

type ImportDecl struct {
	Pos  Pos
	Path string
}

type ConstDecl struct {
	Pos   Pos
	Doc   string
	Name  string
	Type  *TypeSpec
	Mods  []Mod
	Value *Expr
}

type TypedefDecl struct {
	Pos   Pos
	Doc   string
	Attrs []*Attr
	Spec  *TypeSpec
	Names []Declarator
}

// TagDecl is a struct, union or enum that is declared without a typedef.
type TagDecl struct {
	Pos   Pos
	Doc   string
	Attrs []*Attr
	Spec  *TypeSpec
}

type InterfaceDecl struct {
	Pos     Pos
	Doc     string
	Attrs   []*Attr
	Name    string
	Base    string
	Decls   []Decl // types and constants; imports too
	Ops     []*OpDecl
	Forward bool // interface X;
	// Dispatch is an interface of automation, which has no operations on the wire.
	Dispatch bool
}

type OpDecl struct {
	Pos    Pos
	Doc    string
	Attrs  []*Attr
	Name   string
	Return *TypeSpec
	Mods   []Mod // of the return type
	Params []*Member
	Text   string // the source of the declaration
}

func (d *ImportDecl) declPos() Pos    { return d.Pos }
func (d *ConstDecl) declPos() Pos     { return d.Pos }
func (d *TypedefDecl) declPos() Pos   { return d.Pos }
func (d *TagDecl) declPos() Pos       { return d.Pos }
func (d *InterfaceDecl) declPos() Pos { return d.Pos }

// Attr is one attribute of a bracketed list.
type Attr struct {
	Pos  Pos
	Name string
	Args []*Expr   // an argument left out is nil: size_is(,n)
	Raw  string    // the text between the parentheses
	Strs []string  // string arguments
	Type *TypeSpec // of switch_type and its like
}

// TypeSpec is a type as it is written before a declarator.
type TypeSpec struct {
	Pos    Pos
	Kind   specKind
	Name   string // base type in its normal form, or the name of a type, or the tag
	Attrs  []*Attr
	Fields []*Member // struct and union; each may have several arms' labels
	Enums  []EnumMember
	Elem   *TypeSpec // of a pipe
	// An encapsulated union: union switch (Type Name) UnionName.
	Switch     *Member
	UnionName  string
	Body       string // the text of the body, its white space evened out
	Defined    bool   // a struct, union or enum with a body
	Broken     bool   // of which a part did not parse
	IsVolatile bool
}

type specKind uint8

const (
	specBase specKind = iota
	specNamed
	specStruct
	specUnion
	specEnum
	specPipe
)

// Mod is one step of a declarator: a pointer or one dimension of an array.
type Mod struct {
	Pos   Pos
	Array bool
	Open  bool  // [] or [*]
	Size  *Expr // [n]
}

// Declarator is a name with what stands around it. Mods begin next to the name: *p[3] is an array, then a pointer.
type Declarator struct {
	Pos  Pos
	Name string
	Mods []Mod
}

// Member is a member of a structure, an arm of a union or a parameter.
type Member struct {
	Pos     Pos
	Doc     string
	Attrs   []*Attr
	Spec    *TypeSpec
	Decl    Declarator
	Cases   []*Expr // labels of an arm
	Init    *Expr   // = what a member is computed of, which MIDL does not have
	Default bool
	Empty   bool // an arm without a member
}

type EnumMember struct {
	Pos   Pos
	Doc   string
	Name  string
	Value *Expr
}

// Expr is an expression. Op is the operator as written, with "?:" for the conditional, "deref" for the unary *,
// "neg", "not" and "inv" for unary - ! ~; for leaves it is "int", "str" or "name".
type Expr struct {
	Pos     Pos
	Op      string
	Int     int64
	Str     string // of a name or string
	X, Y, Z *Expr
	Type    *TypeSpec // of sizeof
}
