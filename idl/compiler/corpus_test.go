package compiler

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	goparser "go/parser"
	gotoken "go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var updateCorpus = flag.Bool("update-corpus", false, "write testdata/corpus.txt anew")

// corpusDir is the folder of the interfaces that go-msrpc comes with: nearly all that the Open Specifications print, and some of DCOM.
func corpusDir(t *testing.T) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/oiweiwei/go-msrpc").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "idl")
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "samr.idl"))
	}
	if err != nil {
		t.Skip("the module github.com/oiweiwei/go-msrpc is not here with its IDL")
	}
	return dir
}

func corpusFiles(t *testing.T, dir string) []string {
	var files []string
	for _, p := range []string{"*.idl", "*/*.idl"} {
		fs, err := filepath.Glob(filepath.Join(dir, p))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, fs...)
	}
	for i, f := range files {
		files[i], _ = filepath.Rel(dir, f)
	}
	slices.Sort(files)
	return files
}

func corpusConfig(dir string) Config {
	return Config{Out: "gen", ImportBase: "corpus/gen", Include: []string{dir, filepath.Join(dir, "dcom")}}
}

// object reports a file of DCOM: all it declares besides types is object interfaces.
func object(file string) bool {
	return filepath.Dir(file) == "dcom" || file == "dcom.idl" || file == "oaidl.idl"
}

// TestCorpus compiles what the Open Specifications print, and compares what becomes of each file with testdata/corpus.txt: how many
// operations there are, or why it is refused; and what of it is left out.
func TestCorpus(t *testing.T) {
	dir := corpusDir(t)
	files := corpusFiles(t, dir)
	var table bytes.Buffer
	table.WriteString("# What becomes of each IDL of go-msrpc: its interfaces and their operations, how many declarations are left out and which come\n" +
		"# first, or what is refused. go test ./idl/compiler -run TestCorpus -update-corpus writes it.\n")
	refused := 0
	for _, file := range files {
		cfg := corpusConfig(dir)
		var warned []Diagnostic
		cfg.Warn = func(d Diagnostic) { warned = append(warned, d) }
		pkgs, err := analyse(cfg, []string{filepath.Join(dir, file)})
		var list Diagnostics
		switch {
		case errors.As(err, &list):
			refused++
			fmt.Fprintf(&table, "%s refused %s\n", file, at(dir, list[0]))
			if !object(file) {
				t.Errorf("%s is refused: %s", file, at(dir, list[0]))
			}
		case err != nil:
			t.Fatal(err)
		default:
			fmt.Fprintf(&table, "%s ok", file)
			for _, i := range pkgs[0].Interfaces {
				fmt.Fprintf(&table, " %s:%d", i.Name, len(i.Ops))
			}
			table.WriteString("\n")
		}
		for i, w := range warned {
			if i == 3 {
				fmt.Fprintf(&table, "\t… %d in all\n", len(warned))
				break
			}
			fmt.Fprintf(&table, "\t%s\n", at(dir, w))
		}
	}
	fmt.Fprintf(&table, "# %d of %d compile.\n", len(files)-refused, len(files))
	if refused*20 > len(files) {
		t.Errorf("%d of %d are refused: more than 5 %%", refused, len(files))
	}
	golden := "testdata/corpus.txt"
	if *updateCorpus {
		if err := os.WriteFile(golden, table.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, table.Bytes()) {
		have, said := strings.Split(table.String(), "\n"), strings.Split(string(want), "\n")
		for i := range have {
			if i >= len(said) || have[i] != said[i] {
				t.Fatalf("%s, line %d: %s", golden, i+1, have[i])
			}
		}
		t.Fatalf("%s has %d lines, not %d", golden, len(said), len(have))
	}
}

func at(dir string, d Diagnostic) string {
	file, _ := filepath.Rel(dir, d.Pos.File)
	return fmt.Sprintf("%s:%d: %s", filepath.ToSlash(file), d.Pos.Line, d.Msg)
}

// TestCorpusBuilds type-checks the Go made of every file of the corpus that is not DCOM.
func TestCorpusBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	dir := corpusDir(t)
	c := &corpusImporter{t: t, dir: dir, fset: gotoken.NewFileSet(), done: map[string]*types.Package{}, paths: map[string]string{}}
	c.exports()
	files := corpusFiles(t, dir)
	for _, f := range files {
		c.paths["corpus/gen/"+packageName(f)] = f
	}
	built := 0
	for _, f := range files {
		if object(f) {
			continue
		}
		if _, err := c.Import("corpus/gen/" + packageName(f)); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		built++
	}
	if built < 60 {
		t.Errorf("only %d files were built", built)
	}
}

// corpusImporter makes the packages of the corpus on demand, and takes all others from the go command.
type corpusImporter struct {
	t     *testing.T
	dir   string
	fset  *gotoken.FileSet
	done  map[string]*types.Package
	paths map[string]string // of the IDL, by import path
	gc    types.Importer
}

func (c *corpusImporter) exports() {
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "lwio/rpc", "lwio/gen/dtyp", "context").Output()
	if err != nil {
		c.t.Fatal(err)
	}
	export := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		export[path] = file
	}
	c.gc = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(export[path]) })
}

func (c *corpusImporter) Import(path string) (*types.Package, error) {
	file, ok := c.paths[path]
	if !ok {
		return c.gc.Import(path)
	}
	if p := c.done[path]; p != nil {
		return p, nil
	}
	out, err := Compile(corpusConfig(c.dir), filepath.Join(c.dir, file))
	if err != nil {
		return nil, err
	}
	var parsed []*ast.File
	for _, o := range out {
		f, err := goparser.ParseFile(c.fset, filepath.Base(path)+"/"+filepath.Base(o.Path), o.Data, goparser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, f)
	}
	var errs []error
	cfg := types.Config{Importer: c, Error: func(err error) { errs = append(errs, err) }}
	p, _ := cfg.Check(path, c.fset, parsed, nil)
	c.done[path] = p
	return p, errors.Join(errs[:min(len(errs), 5)]...)
}

// TestCorpusSpeed: the largest file, of thousands of lines, is under 100 ms for each 500.
func TestCorpusSpeed(t *testing.T) {
	dir := corpusDir(t)
	for _, name := range []string{"fasp.idl", "samr.idl", "wkst.idl"} {
		file := filepath.Join(dir, name)
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		limit := 100 * time.Millisecond * time.Duration(bytes.Count(src, []byte("\n"))) / 500
		if raceEnabled {
			limit *= 20
		}
		best := time.Hour
		for range 4 {
			start := time.Now()
			if _, err := Compile(corpusConfig(dir), file); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(start))
		}
		if best > limit {
			t.Errorf("%s took %v, more than %v", name, best, limit)
		}
	}
}
