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
	var out []string
	for {
		_, rest, ok := strings.Cut(page, "```"+language+"\n")
		if !ok {
			break
		}
		text, after, ok := strings.Cut(rest, "\n```")
		if !ok {
			t.Fatal("a block of docs/service.md has no end")
		}
		out, page = append(out, text+"\n"), after
	}
	if len(out) != 2 {
		t.Fatalf("docs/service.md has %d blocks of %s", len(out), language)
	}
	return out
}

// TestFreshService takes the page about services at its word: its IDL, with a UUID that was never seen, and its program, in an empty module; impacket
// calls it with structures declared by hand.
func TestFreshService(t *testing.T) {
	impacketInstalled(t)
	d := start(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "service.md"))
	if err != nil {
		t.Fatal(err)
	}
	var id [16]byte
	rand.Read(id[:])
	uuid := fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	idls, programs := blocks(t, string(page), "idl"), blocks(t, string(page), "go")
	idl := strings.Replace(idls[1], "2f5f6520-ca46-1067-b319-00dd010662da", uuid, 1)
	if n := strings.Count(programs[0], "\n"); n > 40 {
		t.Errorf("the first service of the page is %d lines", n)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
	write("go.mod", strings.Join(kept, "")+"\nrequire lwio v0.0.0\n\nreplace lwio => "+root+"\n")
	write("go.sum", string(sum))
	write("clock.idl", idls[0])
	write("counter.idl", idl)
	write("main.go", programs[1])
	if err := os.Mkdir(filepath.Join(dir, "clock"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("clock/main.go", programs[0])
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	run(bin(t, "idlc"), "gen", "-o", "gen", "counter.idl", "clock.idl")
	run("go", "build", "-o", "service", ".")
	run("go", "build", "-o", "clockd", "./clock")

	service := exec.Command(filepath.Join(dir, "service"))
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
