package compiler_test

import (
	"fmt"

	"lwio/idl/compiler"
)

func Example() {
	source := `
		[uuid(12345678-1234-1234-1234-123456789abc), version(1.0)]
		interface sums {
			long Sum([in] unsigned long n, [in, size_is(n)] long *numbers, [out] hyper *total);
			long Mean([in, size_is(count)] long *numbers);
		}`
	cfg := compiler.Config{
		Out:        "gen",
		ImportBase: "example.org/gen",
		ReadFile:   func(string) ([]byte, error) { return []byte(source), nil },
	}
	_, err := compiler.Compile(cfg, "sums.idl")
	fmt.Println(err)
	// Output:
	// sums.idl:5:27: size_is of numbers names count, which the operation Mean does not have
}
