//go:build interop

package interop

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/iofs"
	"lwio/iomgr/iofs/iofstest"
)

// runLwio runs the command as an administrator of the server, with a prefix that may name an emulator.
func runLwio(t *testing.T, program []string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program[0], slices.Concat(program[1:], args, []string{"--user", admin})...)
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "LWIO_PASSWORD_FILE="+secret)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("lwio %s: %v\n%s", strings.Join(args, " "), err, tail(errs.String(), 2000))
	}
	return string(out)
}

// commands has files go there and back by the command line.
func commands(t *testing.T, program []string, addr string) {
	dir := t.TempDir()
	from, back := filepath.Join(dir, "from"), filepath.Join(dir, "back")
	for name, size := range map[string]int{"empty": 0, "a/Größe 共有.txt": 300, "a/b/long": 5_000_001, "c": 70_000} {
		p := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, bytes.Repeat([]byte(name+"\n"), size/len(name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root := `\\` + addr + `\data\`
	run := func(args ...string) string { t.Helper(); return runLwio(t, program, args...) }
	contains(t, run("ls", `\\`+addr), "data", "IPC$")
	run("mkdir", "-p", root+`x\y`)
	contains(t, run("cp", "-r", "-p", "--checksum", from, root+`x\y\tree`), "long")
	contains(t, run("ls", "-l", "-R", root+"x"), "Größe 共有.txt", "5000")
	contains(t, run("tree", root+"x"), "└── ")
	contains(t, run("stat", root+`x\y\tree\c`), "Type:", "file", "archive")
	contains(t, run("acl", root+`x\y`), "Owner:", "allow")
	run("acl", root+`x\y`, "--grant", "Everyone:RX")
	contains(t, run("acl", root+`x\y`), "Everyone", "RX")
	run("cp", "-r", root+`x\y\tree`, root+`x\again`)
	run("mv", root+`x\again`, root+`x\renamed`)
	run("get", "-r", root+`x\renamed`, back)
	if out, err := peer(t, "diff", "-r", from, back); err != nil {
		t.Errorf("what came back differs: %v\n%s", err, out)
	}
	if got := run("cat", root+`x\y\tree\a\Größe 共有.txt`); !strings.HasPrefix(got, "a/Größe") {
		t.Errorf("cat gives %.40q", got)
	}
	contains(t, run("df", root), "NTFS")
	run("rm", "-r", root+"x")
	if got := run("ls", root); strings.Contains(got, "x/") {
		t.Errorf("after rm -r: %s", got)
	}
	contains(t, run("rpc", "call", `ncacn_np:`+addr+`[\pipe\lsarpc]`, "lsarpc", "LsarGetUserName"), admin)
	contains(t, run("rpc", "ifs", `ncacn_np:`+addr+`[\pipe\srvsvc,seal]`), "srvsvc")
}

// TestLwioFiles is the command against lwiod and against smbd.
func TestLwioFiles(t *testing.T) {
	t.Run("lwiod", func(t *testing.T) {
		d := start(t)
		commands(t, []string{bin(t, "lwio")}, "127.0.0.1:"+d.port)
	})
	t.Run("smbd", func(t *testing.T) { commands(t, []string{bin(t, "lwio")}, smbd(t)) })
}

// TestBigEndian has a client on a big-endian processor, which an emulator stands in for.
func TestBigEndian(t *testing.T) {
	const emulator = "qemu-s390x-static"
	need(t, emulator)
	program := filepath.Join(t.TempDir(), "lwio")
	build := exec.Command("go", "build", "-o", program, "lwio/cmd/lwio")
	build.Env = append(os.Environ(), "GOARCH=s390x", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("lwiod", func(t *testing.T) {
		d := start(t)
		commands(t, []string{emulator, program}, "127.0.0.1:"+d.port)
	})
	t.Run("smbd", func(t *testing.T) { commands(t, []string{emulator, program}, smbd(t)) })
}

// TestGoFiles is a share of smbd as Go programs see it.
func TestGoFiles(t *testing.T) {
	addr := smbd(t)
	m := redirector(t, rdr.Config{}, credential.Config{})
	for _, share := range []string{"data", "enc"} {
		t.Run(share, func(t *testing.T) {
			iofstest.Run(t, iofs.New(m, `\rdr\`+addr+`\`+share, iofs.Config{Contexts: []any{&api.Credential{User: admin, Password: password, Method: api.MethodNTLM}}}))
		})
	}
}
