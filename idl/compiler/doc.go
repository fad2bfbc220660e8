// Package compiler turns MIDL, as the Open Specifications print it, into Go that stands on rpc and rpc/ndr.
//
// It is a library for cmd/idlc and for tests; a program that only calls or serves an interface needs the output, not this
// package. It has no part in type libraries, ACF files or DCOM: object interfaces, callbacks, coclasses and structures that no operation
// sends and NDR cannot carry are read, so that a specification can be pasted whole, and left out with a warning (Config.Warn). What an
// operation does send and idlc does not carry is refused: interface pointers, wire_marshal, conformant arrays of more than one dimension,
// first_is other than 0.
//
//	out, err := compiler.Compile(compiler.Config{Out: "gen"}, "idl/srvsvc.idl")
//
// An error is a Diagnostics: every mistake found, each with file, line, column, and where there is one a remedy.
//
// # The way through
//
//	lexer, preprocess   text to tokens; #define, #if and their kind
//	parse…              tokens to the syntax tree of ast.go
//	load                imports; each file is one Package
//	resolve, attributes names and attributes to the types of types.go
//	check               what MIDL forbids, and what NDR cannot carry
//	layout              alignment, least size on the wire, what is deferred
//	emit…               Go
//
// Format prints a source in its canonical form, and a Dumper takes stub data apart by the declarations alone.
//
// # What the output looks like
//
// One package a file. Names keep the spelling of the specification: SHARE_INFO_502_I stays, shi502_netname becomes
// Shi502Netname (GoName). A reference pointer is its referent; a unique pointer is a Go pointer, or a slice where it points
// to an array of a size given elsewhere, nil being NULL; [string] is string, so a unique string is *string with nil for NULL and
// a pointer to "" for the empty one. A union is a structure with a field for each arm, of which the discriminant, held
// outside as the specification has it, says which counts; arms that are structures are pointers, nil meaning all zero.
// A union of more than 32 arms, each a pointer to another structure, is one field, Value, that holds the pointer: its type says the arm, and
// to send one that the discriminant does not select is an error.
//
// What ms_union says of an interface or a union is heeded: behind the discriminant stands the alignment of the largest arm, whichever is sent.
//
// A pipe is a slice: it goes in chunks on the wire, and a call holds the whole of it.
//
// Sizes: a size_is or length_is that names a plain member is derived. The member may be left zero and then says what the slice
// is long; if it is set it must agree, or encoding fails. With a NULL array it is sent as it stands. An expression (size_is(n/2))
// is never derived, only checked. Decoding checks both kinds. An [out] array of a size the request gives may be left nil
// and is then sent as zeros.
package compiler
