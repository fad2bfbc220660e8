package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// server is lwiod in a process of its own, with a share of everybody's and the account tester.
type server struct {
	t                           *testing.T
	bin, dir, addr, socket, log string
	cmd                         *exec.Cmd
}

func newFileServer(t *testing.T) *server {
	dir, err := os.MkdirTemp("", "lwio") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, dir: dir, bin: filepath.Join(dir, "lwiod"), addr: l.Addr().String(), socket: filepath.Join(dir, "s"), log: filepath.Join(dir, "log")}
	l.Close()
	if out, err := exec.Command("go", "build", "-o", s.bin, "lwio/cmd/lwiod").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Mkdir(s.path(""), 0o755); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(s.kill)
	t.Setenv("LWIO_PASSWORD_FILE", filepath.Join(dir, "password"))
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("Passw0rd.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"user", "add", "tester", "--password-stdin"}, {"share", "add", "data", s.path(""), "--sddl", "D:(A;;FA;;;WD)"}} {
		if _, err := cli(t, "Passw0rd.1\n", append([]string{"--socket", s.socket}, args...)...); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// path is where a file of the share lies.
func (s *server) path(name string) string { return filepath.Join(s.dir, "data", name) }

// unc is what clients call it.
func (s *server) unc(name string) string {
	return `\\` + s.addr + `\data\` + strings.ReplaceAll(name, "/", `\`)
}

func (s *server) start() {
	s.cmd = exec.Command(s.bin, "--state", filepath.Join(s.dir, "state"), "--listen", s.addr, "--socket", s.socket, "--services", "srvsvc,lsarpc,samr,account")
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("tcp", s.addr); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			b, _ := os.ReadFile(s.log)
			s.t.Fatalf("the daemon is not ready:\n%s", b)
		}
	}
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// until waits for a condition on a file.
func until(t *testing.T, path string, ok func(os.FileInfo) bool) {
	for deadline := time.Now().Add(30 * time.Second); ; {
		if i, err := os.Stat(path); err == nil && ok(i) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come so far", path)
		}
	}
}

// A server that is killed in the middle of a copy and comes back is not noticed by who copies, in either direction.
func TestCopyOverKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	s := newFileServer(t)
	const size = 192 << 20
	from, back := filepath.Join(s.dir, "from"), filepath.Join(s.dir, "back")
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(b)
	if err := os.WriteFile(from, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ source, target, local string }{{from, s.unc("f"), s.path("f")}, {s.unc("f"), back, back}} {
		type result struct {
			out string
			err error
		}
		ended := make(chan result)
		go func() {
			out, err := cli(t, "", "cp", "--user", "tester", "--checksum", "-q", c.source, c.target)
			ended <- result{out, err}
		}()
		until(t, c.local, func(i os.FileInfo) bool { return i.Size() > 16<<20 })
		s.kill()
		select {
		case r := <-ended:
			t.Fatalf("it ended before the server did: %v", r.err)
		default:
		}
		s.start()
		if r := <-ended; r.err != nil || len(r.out) < 64 {
			t.Fatalf("%v\n%s", r.err, r.out)
		}
		if got, err := os.ReadFile(c.local); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%d bytes, %v: not what was copied", len(got), err)
		}
	}
}

// waiting tells when a text has been written.
type waiting struct {
	want  string
	seen  chan struct{}
	found bool
	all   string
}

func (w *waiting) Write(b []byte) (int, error) {
	if w.all += string(b); !w.found && strings.Contains(w.all, w.want) {
		w.found = true
		close(w.seen)
	}
	return len(b), nil
}

func TestWatch(t *testing.T) {
	s := newFileServer(t)
	root := newRoot()
	r, w := io.Pipe()
	told := &waiting{want: "watching", seen: make(chan struct{})}
	root.SetArgs([]string{"watch", "--user", "tester", "--count", "2", s.unc("")})
	root.SetOut(w)
	root.SetErr(told)
	ended := make(chan error)
	go func() {
		err := root.ExecuteContext(context.Background())
		w.Close()
		ended <- err
	}()
	<-told.seen
	text := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		text <- string(b)
	}()
	// What is there when the directory is opened is not told; the watch begins just after. Files are made until it has seen two changes.
	for i := 0; ; i++ {
		if _, err := cli(t, "", "mkdir", "--user", "tester", s.unc(string(rune('a'+i)))); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if out := <-text; err != nil || strings.Count(out, "added") != 2 {
				t.Errorf("%v\n%s", err, out)
			}
			return
		default:
		}
		if i == 20 {
			t.Fatal("nothing was seen of twenty directories")
		}
	}
}

// Pipes are served by a command and used by others, of this machine and over SMB.
func TestPipes(t *testing.T) {
	s := newFileServer(t)
	serve := func(count string, args ...string) chan error {
		root := newRoot()
		told := &waiting{want: "serving", seen: make(chan struct{})}
		root.SetArgs(append([]string{"--socket", s.socket, "pipe", "serve", "greet", "--count", count}, args...))
		root.SetErr(told)
		ended := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		t.Cleanup(cancel)
		go func() { ended <- root.ExecuteContext(ctx) }()
		select {
		case <-told.seen:
		case err := <-ended:
			t.Fatalf("%v: %v", args, err)
		}
		return ended
	}
	run := func(want, in string, args ...string) {
		t.Helper()
		root := newRoot()
		var out bytes.Buffer
		root.SetArgs(append([]string{"--socket", s.socket, "pipe"}, args...))
		root.SetIn(strings.NewReader(in))
		root.SetOut(&out)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := root.ExecuteContext(ctx); err != nil || out.String() != want {
			t.Errorf("%v: %q, %v; want %q", args, out.String(), err, want)
		}
	}
	ended := serve("2", "--message", "--remote", "--sddl", "D:(A;;GA;;;WD)", "--", "sh", "-c", `read line; echo "$line for ${LWIO_PIPE_CLIENT##*\\}"`)
	run("hello for tester\n", "hello\n", "call", "--user", "tester", `\\`+s.addr+`\pipe\greet`)
	run("hello for root\n", "hello\n", "call", "greet")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	ended = serve("1", "--", "sh", "-c", "cat >/dev/null & echo one; echo two")
	run("one\ntwo\n", "", "cat", "greet")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := cli(t, "", "--socket", s.socket, "pipe", "cat", "greet"); err == nil || !strings.Contains(err.Error(), "there is no pipe greet") {
		t.Errorf("a pipe that is gone: %v", err)
	}
}
