package compiler

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestFormat runs testdata/format: IDL, and its canonical form.
func TestFormat(t *testing.T) {
	datadriven.RunTest(t, "testdata/format", func(t *testing.T, d *datadriven.TestData) string {
		out, err := Format("t.idl", []byte(d.Input))
		if err != nil {
			return err.Error() + "\n"
		}
		again, err := Format("t.idl", out)
		if err != nil || string(again) != string(out) {
			d.Fatalf(t, "formatted again, %v:\n%s", err, again)
		}
		return string(out)
	})
}

// TestFormatKeeps: formatting changes no token, loses no comment and no directive, and is a fixed point.
func TestFormatKeeps(t *testing.T) {
	files, _ := filepath.Glob("../*.idl")
	files = append(files, "testdata/kinds.idl")
	files = append(files, corpusFilesOrNone(t)...)
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Format(name, src)
		if err != nil {
			continue // what does not parse
		}
		if a, b := contents(name, src), contents(name, out); a != b {
			i := 0
			for i < len(a) && i < len(b) && a[i] == b[i] {
				i++
			}
			t.Errorf("%s: %q became %q", name, a[max(i-60, 0):min(i+60, len(a))], b[max(i-60, 0):min(i+60, len(b))])
			continue
		}
		again, err := Format(name, out)
		if err != nil || string(again) != string(out) {
			x, y := strings.Split(string(out), "\n"), strings.Split(string(again), "\n")
			for i := range x {
				if i >= len(y) || x[i] != y[i] {
					t.Errorf("%s, line %d: %q, formatted again %q, %v", name, i+1, x[i], y[min(i, len(y)-1)], err)
					break
				}
			}
		}
	}
}

func corpusFilesOrNone(t *testing.T) []string {
	if testing.Short() {
		return nil
	}
	files, _ := filepath.Glob(filepath.Join(corpusDir(t), "*.idl"))
	return files
}

// contents is what may not change: the pieces, without white space.
func contents(name string, src []byte) string {
	var b strings.Builder
	for _, p := range pieces(name, string(src)) {
		b.WriteString(strings.Join(strings.Fields(p.text), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// FuzzFormat: what parses formats to the same tokens and comments, and once is enough.
func FuzzFormat(f *testing.F) {
	files, _ := filepath.Glob("testdata/diagnostics/*")
	files = append(files, "testdata/kinds.idl", "testdata/format", "../echo.idl")
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	f.Fuzz(func(t *testing.T, src string) {
		out, err := Format("t.idl", []byte(src))
		if err != nil {
			return
		}
		if a, b := contents("t.idl", []byte(src)), contents("t.idl", out); a != b {
			t.Fatalf("%q became %q", a, b)
		}
		if again, err := Format("t.idl", out); err != nil || string(again) != string(out) {
			t.Fatalf("formatted again, %v:\n%q\nwas\n%q", err, again, out)
		}
	})
}
