package compiler

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzCompile: whatever the source is, it compiles or is refused with diagnostics; what compiles parses as Go.
func FuzzCompile(f *testing.F) {
	for _, pattern := range []string{"../*.idl", "testdata/*.idl", "testdata/diagnostics/*"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			if b, err := os.ReadFile(name); err == nil && len(b) < 20000 {
				f.Add(string(b))
			}
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		_, err := Compile(memory(map[string]string{"t.idl": src}), "t.idl")
		var list Diagnostics
		if err != nil && !errors.As(err, &list) {
			t.Fatal(err)
		}
		for _, d := range list {
			if d.Pos.File == "" || d.Pos.Line < 1 || d.Msg == "" {
				t.Fatalf("%+v", d)
			}
		}
	})
}
