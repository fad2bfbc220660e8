package idl_test

import (
	"os"
	"path/filepath"
	"testing"

	"lwio/idl/compiler"
)

// TestGeneratedIsCurrent: gen is what the compiler makes of these sources now.
func TestGeneratedIsCurrent(t *testing.T) {
	files, err := filepath.Glob("*.idl")
	if err != nil {
		t.Fatal(err)
	}
	out, err := compiler.Compile(compiler.Config{Out: "../gen"}, files...)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if have, err := os.ReadFile(o.Path); err != nil || string(have) != string(o.Data) {
			t.Errorf("%s is not current: run make generate", o.Path)
		}
	}
}
