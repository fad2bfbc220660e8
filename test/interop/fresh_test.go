//go:build interop

package interop

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// blocks cuts the code blocks of a language out of a page.
func blocks(t testing.TB, page, language string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rest := string(b); ; {
		_, after, ok := strings.Cut(rest, "```"+language+"\n")
		if !ok {
			return out
		}
		text, after, ok := strings.Cut(after, "\n```")
		if !ok {
			t.Fatalf("a block of docs/%s has no end", page)
		}
		out, rest = append(out, text+"\n"), after
	}
}

// module is an empty module that may import this one.
type module struct {
	t   testing.TB
	dir string
}

func newModule(t testing.TB) module {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	m := module{t, t.TempDir()}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(mod), "module lwio", "module example", 1)
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "tool ") {
			kept = append(kept, line)
		}
	}
	m.write("go.mod", strings.Join(kept, "")+"\nrequire lwio v0.0.0\n\nreplace lwio => "+root+"\n")
	m.write("go.sum", string(sum))
	return m
}

func (m module) write(name, text string) {
	m.t.Helper()
	name = filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m module) run(name string, args ...string) {
	m.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// TestFreshService takes the page about services at its word: its IDL, with a UUID that was never seen, and its program, in an empty module; impacket
// calls it with structures declared by hand.
func TestFreshService(t *testing.T) {
	impacketInstalled(t)
	d := start(t)
	var id [16]byte
	rand.Read(id[:])
	uuid := fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	idls, programs := blocks(t, "service.md", "idl"), blocks(t, "service.md", "go")
	if len(idls) != 2 || len(programs) != 2 {
		t.Fatalf("docs/service.md has %d interfaces and %d programs", len(idls), len(programs))
	}
	if n := strings.Count(programs[0], "\n"); n > 40 {
		t.Errorf("the first service of the page is %d lines", n)
	}
	m := newModule(t)
	m.write("clock.idl", idls[0])
	m.write("counter.idl", strings.Replace(idls[1], "2f5f6520-ca46-1067-b319-00dd010662da", uuid, 1))
	m.write("main.go", programs[1])
	m.write("clock/main.go", programs[0])
	m.run(bin(t, "idlc"), "gen", "-o", "gen", "counter.idl", "clock.idl")
	m.run("go", "build", "-o", "service", ".")
	m.run("go", "build", "-o", "clockd", "./clock")

	service := exec.Command(filepath.Join(m.dir, "service"))
	service.Env = append(os.Environ(), "LWIO_SOCKET="+d.socket)
	log := &logBuffer{}
	service.Stdout, service.Stderr = log, log
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { service.Process.Kill(); service.Wait() }()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(d.lwio("", "pipe", "list"), "counter"); {
		if time.Now().After(deadline) {
			t.Fatalf("the service does not listen:\n%s", log)
		}
	}
	out, err := peer(t, "/usr/bin/python3", mustAbs(t, "testdata/counter.py"), "127.0.0.1", d.port, admin, password, uuid)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, log)
	}
	contains(t, out, "sum 60", "number 60", "root: 60", "closed handle refused", "oversized refused", "still alive")
}

func mustAbs(t testing.TB, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
