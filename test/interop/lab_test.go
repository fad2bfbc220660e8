//go:build interop

package interop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Passwords of the lab's users.
const (
	labUser  = "Us3r.Pass"
	labAdmin = "Adm1n.Pass"
)

// lab is a running domain with a controller and two hosts (test/adlab).
type lab struct {
	t   testing.TB
	dir string
	env map[string]string
}

// newLab starts the domain; without root or one of its programs the test is skipped.
func newLab(t testing.TB) *lab {
	t.Helper()
	dir, err := os.MkdirTemp("", "lwlab") // paths of sockets are below it
	if err != nil {
		t.Fatal(err)
	}
	script := func(name string) string { p, _ := filepath.Abs(filepath.Join("..", "adlab", name)); return p }
	t.Cleanup(func() {
		if out, err := exec.Command(script("ad-down.sh"), dir, "--purge").CombinedOutput(); err != nil {
			t.Errorf("end the lab: %v: %s", err, out)
		}
		os.RemoveAll(dir)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, script("ad-up.sh"), dir)
	cmd.Env = append(os.Environ(), fmt.Sprintf("LAB_PREFIX=l%d", os.Getpid()%100000))
	log, err := os.Create(filepath.Join(dir, "up.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log // a file: the daemons that it leaves behind keep no pipe of ours open
	err = cmd.Run()
	log.Close()
	if err != nil {
		out, _ := os.ReadFile(log.Name())
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 77 {
			t.Skipf("the lab cannot run: %s", strings.TrimSpace(string(out)))
		}
		t.Fatalf("start the lab: %v\n%s", err, out)
	}
	l := &lab{t: t, dir: dir, env: map[string]string{}}
	f, err := os.Open(filepath.Join(dir, "env.sh"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(strings.TrimPrefix(s.Text(), "export "), "="); ok {
			l.env[k] = strings.Trim(v, `"`)
		}
	}
	if out, err := exec.Command(script("ad-machine.sh"), dir, "ours").CombinedOutput(); err != nil {
		t.Fatalf("machine account: %v\n%s", err, out)
	}
	return l
}

// command prepares a program on a host of the lab: dc, member or ours.
func (l *lab) command(ctx context.Context, host, program string, args ...string) *exec.Cmd {
	if !filepath.IsAbs(program) {
		if p, err := exec.LookPath(program); err == nil {
			program = p
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(l.dir, "bin", host), append([]string{program}, args...)...)
	cmd.Dir = l.dir
	return cmd
}

// on runs a program on a host with more environment and input, and gives what it prints.
func (l *lab) on(host string, env []string, in, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := l.command(ctx, host, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("%s did not end within a minute", program)
	}
	return string(out), err
}

// kinit gets a user's ticket on a host and gives the environment that names it.
func (l *lab) kinit(t testing.TB, host, user string) []string {
	t.Helper()
	cache := filepath.Join(l.dir, "cc-"+host+"-"+user)
	env := []string{"KRB5CCNAME=FILE:" + cache}
	pass := labUser
	if user == "Administrator" {
		pass = labAdmin
	}
	if out, err := l.on(host, env, pass+"\n", "kinit", user+"@LAB.TEST"); err != nil {
		t.Fatalf("kinit %s: %v\n%s", user, err, out)
	}
	return env
}
