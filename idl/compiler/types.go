package compiler

// Type is a resolved type. The concrete types are below; none is changed once resolve is through.
type Type interface{ typ() }

// Basic is a scalar.
type Basic struct {
	Name   string // as MIDL spells it, for messages
	Go     string
	Method string // of the encoder and decoder
	Size   int    // on the wire, and its alignment
	Int    bool
	Char   int // width of a character type, else 0
	Lo, Hi int64
	Ranged bool
}

// Pointer is a pointer to Elem.
type Pointer struct {
	Kind    pointerKind
	Default pointerKind // what Kind becomes where nothing says and the pointer is embedded
	Elem    Type
	Ignore  bool
}

type pointerKind uint8

const (
	ptrUnset pointerKind = iota
	ptrRef
	ptrUnique
	ptrFull
)

// Array is one dimension. Fixed is its bound, or -1 if it is conformant and Size gives the conformance; Length, if there is one,
// makes it varying.
type Array struct {
	Elem   Type
	Fixed  int64
	Size   *Expr
	Length *Expr
	Pos    Pos
	Lo, Hi int64 // of a range attribute
	Ranged bool
	sized  bool // made by the size_is of a pointer, with which it shares a level
}

// String is a [string]: Fixed is its bound, or -1 if it is conformant. Size may give the conformance.
type String struct {
	Wide   bool
	Fixed  int64
	Size   *Expr
	Lo, Hi int64
	Ranged bool
}

// Enum is an enumeration, 16 bits on the wire or, with v1_enum, 32.
type Enum struct {
	Name   string
	IDL    string
	Pkg    *Package
	Wide   bool
	Doc    string
	Pos    Pos
	Values []EnumValue

	Overflow string // a constant that does not fit, which counts only if the enum is sent
}

type EnumValue struct {
	Name, Doc string
	Value     int64
}

// Struct is a structure.
type Struct struct {
	Name   string
	IDL    string
	Pkg    *Package
	Doc    string
	Pos    Pos
	Fields []*Field

	layout layoutState
}

// Union is a union. An encapsulated one carries its discriminant, Switch, as a member of its own.
type Union struct {
	Name    string
	IDL     string
	Pkg     *Package
	Doc     string
	Pos     Pos
	Tag     Type // *Basic or *Enum
	Switch  *Field
	Arms    []*Arm
	Default *Arm // also in Arms

	layout  layoutState
	largest bool // ms_union: behind the discriminant stands the alignment of the largest arm, whichever is sent
	late    bool // a structure holds it ahead of what discriminates it
}

// Arm is an arm of a union; Field is nil if it is empty.
type Arm struct {
	Values  []int64
	Default bool
	Field   *Field
}

// UnionRef is a union that is not encapsulated, with the expression that discriminates it where it is used.
type UnionRef struct {
	Union  *Union
	Switch *Expr
	Pos    Pos
	late   bool // Switch comes after it
}

// Pipe is a stream of elements, which only a parameter can be.
type Pipe struct{ Elem Type }

// Others: types without members.
type (
	Void          struct{}
	Handle        struct{} // handle_t: not sent
	GUID          struct{}
	ContextHandle struct{}
	// Refused is a type that MIDL has and idlc does not carry. What uses it is told Why.
	Refused struct{ Name, Why string }
)

func (*Basic) typ()         {}
func (*Pointer) typ()       {}
func (*Array) typ()         {}
func (*String) typ()        {}
func (*Enum) typ()          {}
func (*Struct) typ()        {}
func (*Union) typ()         {}
func (*UnionRef) typ()      {}
func (*Pipe) typ()          {}
func (*Void) typ()          {}
func (*Handle) typ()        {}
func (*GUID) typ()          {}
func (*ContextHandle) typ() {}
func (*Refused) typ()       {}

// Field is a member of a structure, the member of an arm, or a parameter.
type Field struct {
	Name    string // in IDL; empty for an anonymous member
	GoName  string
	Doc     string
	Pos     Pos
	Type    Type
	In, Out bool
}

// Operation is one operation of an interface; OffWire ones have a number and nothing else.
type Operation struct {
	Name    string
	GoName  string
	Doc     string
	Text    string
	Pos     Pos
	Opnum   int
	OffWire bool
	Params  []*Field
	Return  Type // nil for void
}

// Interface is one interface to emit.
type Interface struct {
	Name         string
	GoName       string
	Doc          string
	Pos          Pos
	UUID         string
	Major, Minor uint16
	Endpoints    []string
	Default      pointerKind
	Ops          []*Operation
}

// Constant is a constant to emit; Text is its Go value.
type Constant struct {
	Name, Doc, Text string
	Type            string // Go type, or empty
}

var basics = map[string]*Basic{
	"boolean":            {Name: "boolean", Go: "bool", Method: "Bool", Size: 1},
	"byte":               {Name: "byte", Go: "uint8", Method: "Uint8", Size: 1, Char: 1, Int: true},
	"char":               {Name: "char", Go: "uint8", Method: "Uint8", Size: 1, Char: 1, Int: true},
	"unsigned char":      {Name: "unsigned char", Go: "uint8", Method: "Uint8", Size: 1, Char: 1, Int: true},
	"signed char":        {Name: "signed char", Go: "int8", Method: "Int8", Size: 1, Char: 1, Int: true},
	"wchar_t":            {Name: "wchar_t", Go: "uint16", Method: "Uint16", Size: 2, Char: 2, Int: true},
	"small":              {Name: "small", Go: "int8", Method: "Int8", Size: 1, Int: true},
	"unsigned small":     {Name: "unsigned small", Go: "uint8", Method: "Uint8", Size: 1, Int: true},
	"short":              {Name: "short", Go: "int16", Method: "Int16", Size: 2, Int: true},
	"unsigned short":     {Name: "unsigned short", Go: "uint16", Method: "Uint16", Size: 2, Int: true, Char: 2},
	"long":               {Name: "long", Go: "int32", Method: "Int32", Size: 4, Int: true},
	"unsigned long":      {Name: "unsigned long", Go: "uint32", Method: "Uint32", Size: 4, Int: true},
	"hyper":              {Name: "hyper", Go: "int64", Method: "Int64", Size: 8, Int: true},
	"unsigned hyper":     {Name: "unsigned hyper", Go: "uint64", Method: "Uint64", Size: 8, Int: true},
	"__int3264":          {Name: "__int3264", Go: "int64", Method: "Int3264", Size: 4, Int: true},
	"unsigned __int3264": {Name: "unsigned __int3264", Go: "uint64", Method: "Uint3264", Size: 4, Int: true},
	"float":              {Name: "float", Go: "float32", Method: "Float32", Size: 4},
	"double":             {Name: "double", Go: "float64", Method: "Float64", Size: 8},
	"error_status_t":     {Name: "error_status_t", Go: "uint32", Method: "Uint32", Size: 4, Int: true},
}
