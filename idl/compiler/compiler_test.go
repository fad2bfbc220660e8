package compiler

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// memory is a Config whose only files are those given.
func memory(files map[string]string) Config {
	return Config{Out: "gen", ImportBase: "example/gen", ReadFile: func(name string) ([]byte, error) {
		if s, ok := files[filepath.ToSlash(name)]; ok {
			return []byte(s), nil
		}
		return nil, fs.ErrNotExist
	}}
}

// TestDiagnostics runs testdata/diagnostics: each case is IDL, bare or as declarations of an interface, and what is said of it when code is asked for.
func TestDiagnostics(t *testing.T) {
	datadriven.Walk(t, "testdata/diagnostics", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			src := d.Input + "\n"
			switch d.Cmd {
			case "file":
			case "interface":
				src = "import \"ms-dtyp.idl\"; [uuid(12345678-1234-1234-1234-123456789abc), version(1.0), pointer_default(unique)] interface i {\n" + src + "}\n"
			default:
				d.Fatalf(t, "unknown command %s", d.Cmd)
			}
			cfg := memory(map[string]string{"t.idl": src})
			var said Diagnostics
			cfg.Warn = func(d Diagnostic) {
				d.Msg = "warning: " + d.Msg
				said = append(said, d)
			}
			_, err := Compile(cfg, "t.idl")
			var list Diagnostics
			if err != nil && !errors.As(err, &list) {
				d.Fatalf(t, "%v", err)
			}
			said = append(said, list...)
			if len(said) == 0 {
				return "ok\n"
			}
			return strings.ReplaceAll(said.Error(), "\n\t", "\n  ") + "\n"
		})
	})
}

// TestOutput runs testdata/output: IDL, and a part of the Go made of it.
func TestOutput(t *testing.T) {
	datadriven.Walk(t, "testdata/output", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			src := "import \"ms-dtyp.idl\"; [uuid(12345678-1234-1234-1234-123456789abc), version(1.2), endpoint(\"ncacn_np:[\\\\pipe\\\\x]\")] interface i {\n" + d.Input + "\n}\n"
			out, err := Compile(memory(map[string]string{"t.idl": src}), "t.idl")
			if err != nil {
				return err.Error() + "\n"
			}
			for _, o := range out {
				if filepath.Base(o.Path) == d.Cmd+".go" {
					if !strings.HasPrefix(string(o.Data), Header+"\n") {
						d.Fatalf(t, "no header")
					}
					_, body, _ := strings.Cut(string(o.Data), "package t\n")
					return strings.TrimSpace(body) + "\n"
				}
			}
			return "no " + d.Cmd + ".go\n"
		})
	})
}

// TestStable: the same source gives the same octets.
func TestStable(t *testing.T) {
	var first []Output
	for range 5 {
		out, err := Compile(Config{Out: "gen", ImportBase: "lwio/gen"}, "../srvsvc.idl", "../dtyp.idl")
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = out
		}
		for i := range out {
			if out[i].Path != first[i].Path || string(out[i].Data) != string(first[i].Data) {
				t.Fatalf("%s differs", out[i].Path)
			}
		}
	}
}

// TestSpeed: 500 lines take less than 100 ms. The best of a few runs is measured, so that a busy machine does not count.
func TestSpeed(t *testing.T) {
	src, err := os.ReadFile("../srvsvc.idl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(string(src), "\n")
	best := time.Hour
	for range 5 {
		start := time.Now()
		if _, err := Compile(Config{Out: "gen", ImportBase: "lwio/gen"}, "../srvsvc.idl"); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	limit := 100 * time.Millisecond * time.Duration(lines) / 500
	if raceEnabled {
		limit *= 20
	}
	if best > limit {
		t.Errorf("%d lines took %v, more than %v", lines, best, limit)
	}
}

func TestGoName(t *testing.T) {
	for in, want := range map[string]string{
		"SHARE_INFO_502_I": "SHARE_INFO_502_I", "_SHARE_INFO_502": "SHARE_INFO_502", "shi502_netname": "Shi502Netname", "sv102_version_major": "Sv102VersionMajor",
		"NetrShareEnum": "NetrShareEnum", "rpc__mgmt_inq_if_ids": "RpcMgmtInqIfIds", "echo_Enum1_32": "EchoEnum1_32", "x": "X", "_": "X", "__int": "Int", "0x": "X0x",
		"12": "X12", "LSAPR_HANDLE": "LSAPR_HANDLE", "policyHandle": "PolicyHandle", "Größe": "Größe", "größe_α": "GrößeΑ",
	} {
		if got := GoName(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := Compile(memory(nil), "x.idl"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestImports: types of an imported file are of its package; a file imported twice, or in a circle, is read once.
func TestImports(t *testing.T) {
	files := map[string]string{
		"d/a.idl":     `import "sub/b.idl", "ms-c.idl"; [uuid(12345678-1234-1234-1234-123456789abc)] interface a { void F([in] B *b, [in] C *c, [out] BOOL *x); }`,
		"d/sub/b.idl": `import "ms-dtyp.idl"; import "../c.idl"; typedef struct { C c; RPC_SID *sid; DWORD d; } B;`,
		"d/c.idl":     `import "sub/b.idl"; import "ms-dtyp.idl"; typedef struct { DWORD n; } C;`,
	}
	out, err := Compile(memory(files), "d/a.idl")
	if err != nil {
		t.Fatal(err)
	}
	var calls string
	for _, o := range out {
		if !strings.HasPrefix(filepath.ToSlash(o.Path), "gen/a/") {
			t.Errorf("made %s", o.Path)
		}
		if filepath.Base(o.Path) == "calls.go" {
			calls = string(o.Data)
		}
	}
	for _, want := range []string{`"example/gen/b"`, `"example/gen/c"`, "b.B", "c.C", "X int32"} {
		if !strings.Contains(strings.Join(strings.Fields(calls), " "), want) {
			t.Errorf("no %s in\n%s", want, calls)
		}
	}
	out, err = Compile(memory(files), "d/sub/b.idl")
	if err != nil || !strings.Contains(string(out[0].Data), `"lwio/gen/dtyp"`) {
		t.Errorf("the types of MS-DTYP are not those of lwio: %v", err)
	}
	delete(files, "d/c.idl")
	err = Check(memory(files), "d/a.idl")
	if err == nil || !strings.Contains(err.Error(), `d/a.idl:1:21: the import "ms-c.idl" is not found`) {
		t.Error(err)
	}
}

// TestWellKnownImports: what the SDK calls the types of MS-DTYP is part of idlc, unless there is a file of that name; ms-x.idl is
// x.idl where there is none.
func TestWellKnownImports(t *testing.T) {
	files := map[string]string{
		"a.idl":           `import "guiddef.h", "MS-DTYP.idl", "wtypes.idl"; [uuid(12345678-1234-1234-1234-123456789abc)] interface a { DWORD F([in] CLSID *c, [in] PCONTEXT_HANDLE h); }`,
		"b.idl":           `import "ms-lsat.idl"; [uuid(12345678-1234-1234-1234-123456789abc)] interface b { void F([in] OURS *o); }`,
		"c.idl":           `import "ms-dtyp.idl"; [uuid(12345678-1234-1234-1234-123456789abc)] interface c { void F([in] OURS *o); }`,
		"inc/lsat.idl":    `typedef struct { long a; } OURS;`,
		"far/dtyp.idl":    `typedef struct { long a; } OURS;`,
		"own/d.idl":       `import "ms-dtyp.idl"; [uuid(12345678-1234-1234-1234-123456789abc)] interface d { void F([in] MINE *o); }`,
		"own/ms-dtyp.idl": `typedef struct { long a; } MINE;`,
	}
	cfg := memory(files)
	cfg.Include = []string{"inc", "far"}
	for _, name := range []string{"a.idl", "b.idl", "own/d.idl"} {
		if err := Check(cfg, name); err != nil {
			t.Error(err)
		}
	}
	if err := Check(cfg, "c.idl"); err == nil || !strings.Contains(err.Error(), "OURS is not declared") {
		t.Errorf("ms-dtyp.idl is another file than idlc's: %v", err)
	}
}

// TestKindsIsCurrent: the package that tests what is emitted is what is emitted now.
func TestKindsIsCurrent(t *testing.T) {
	out, err := Compile(Config{Out: "internal"}, "testdata/kinds.idl")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if have, err := os.ReadFile(o.Path); err != nil || string(have) != string(o.Data) {
			t.Errorf("%s is not current: run go run ./cmd/idlc gen -o idl/compiler/internal idl/compiler/testdata/kinds.idl", o.Path)
		}
	}
}

// With ms_union, of the interface or of the union, an arm is aligned as the largest; without, as itself.
func TestMSUnion(t *testing.T) {
	union := func(header, attrs string) string {
		return "[uuid(60a15ec5-4de8-11d7-a637-005056a20199), version(1.0)" + header + "]\ninterface x {\n" +
			"typedef [switch_type(short)" + attrs + "] union { [case(1)] char a; [case(2)] long b; [case(3)] short c; } U;\n" +
			"void Op([in] short k, [in, switch_is(k)] U *u);\n}\n"
	}
	for name, tt := range map[string]struct {
		text string
		want bool
	}{
		"neither":       {union("", ""), false},
		"the interface": {union(", ms_union", ""), true},
		"the union":     {union("", ", ms_union"), true},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "x.idl")
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := Compile(Config{Out: "gen", ImportBase: "example/gen"}, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range out {
			if filepath.Base(f.Path) != "codec.go" {
				continue
			}
			if got := strings.Contains(string(f.Data), "e.Align(4)"); got != tt.want {
				t.Errorf("%s: an arm is aligned by itself: %v\n%s", name, !got, f.Data)
			}
		}
	}
}
