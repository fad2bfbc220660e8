// Package idl holds the IDL sources of lwio, one interface a file, and gives the compiler the one that others import: the
// types of MS-DTYP. The Go code made from the sources is under gen; `make generate` makes it.
package idl

import _ "embed"

// Dtyp is dtyp.idl: what `import "ms-dtyp.idl";` means.
//
//go:embed dtyp.idl
var Dtyp []byte
