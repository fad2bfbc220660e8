package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	root := newRoot()
	root.SetArgs([]string{"man", dir})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 40 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for page, want := range map[string][]string{
		"lwio.1":       {".SH NAME\nlwio \\- ", ".BR lwio\\-cp (1)", ".SH EXIT STATUS", ".B \"\\-\\-json\""},
		"lwio-cp.1":    {".SH SYNOPSIS\n.nf\nlwio cp ", "\n  \\e\\eserver\\eshare\\efolder\\efile", ".B \"\\-U, \\-\\-user string\"", ".B hint:", ".B 2\n"},
		"lwio-share.1": {".BR lwio\\-share\\-add (1)"},
	} {
		b, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Error(err)
		}
		for _, w := range want {
			if !strings.Contains(string(b), w) {
				t.Errorf("%s lacks %q", page, w)
			}
		}
	}
	if got := roff(".a\n'b\n\\-"); got != "\\&.a\n\\&'b\n\\e\\-" {
		t.Errorf("%q", got)
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("groff, which would read the pages, is not installed")
	}
	if out, err := exec.Command(groff, append([]string{"-man", "-ww", "-z"}, pages...)...).CombinedOutput(); err != nil || strings.Contains(string(out), "warning: macro") {
		t.Errorf("%v\n%s", err, out)
	}
}
