//go:build interop

package interop

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Accounts of every daemon under test.
const (
	admin    = "root"
	user     = "tester"
	password = "Passw0rd.1"
)

// daemon is a running lwiod with a state of its own.
type daemon struct {
	t      testing.TB
	dir    string
	port   string
	socket string
	args   []string
	ns     string   // network namespace that it runs in, empty for ours
	enter  []string // what runs a program where the daemon runs; follows from ns
	addr   string   // address that it listens on
	cmd    *exec.Cmd
	log    *logBuffer
	apart  []*process // the other daemons, where they are processes of their own
}

// logBuffer collects what a process prints.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func bin(t testing.TB, name string) string {
	dir := os.Getenv("LWIO_BIN")
	if dir == "" {
		t.Fatal("LWIO_BIN is not set: run make interop")
	}
	return filepath.Join(dir, name)
}

// start starts a daemon and gives it the accounts and the share data.
func start(t testing.TB, args ...string) *daemon {
	d := boot(t, args...)
	d.addData()
	return d
}

// addData adds the share data, writable by everyone.
func (d *daemon) addData() {
	d.t.Helper()
	data := filepath.Join(d.dir, "data")
	if err := os.Mkdir(data, 0o777); err != nil {
		d.t.Fatal(err)
	}
	d.lwio("", "share", "add", "data", data)
}

// boot starts a daemon and gives it the accounts.
func boot(t testing.TB, args ...string) *daemon {
	return bootIn(t, "", freePort(t), args...)
}

// namespace makes a network namespace with loopback alone, where every port is free; it needs root.
func namespace(t testing.TB) string {
	t.Helper()
	return namespaceNamed(t, fmt.Sprintf("lwio-%d", os.Getpid()))
}

func namespaceNamed(t testing.TB, name string) string {
	t.Helper()
	need(t, "ip")
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("a network namespace cannot be made: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
	if out, err := exec.Command("ip", "netns", "exec", name, "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Skipf("loopback of the namespace: %v: %s", err, out)
	}
	return name
}

func bootIn(t testing.TB, ns, port string, args ...string) *daemon {
	d := &daemon{t: t, dir: t.TempDir(), port: port, args: args, ns: ns}
	if ns != "" {
		d.enter = []string{"ip", "netns", "exec", ns}
	}
	d.boot()
	d.lwio(password, "user", "add", admin, "--admin", "--password-stdin")
	d.lwio(password, "user", "add", user, "--password-stdin")
	return d
}

// boot starts the daemon for the first time, and ends it with the test.
func (d *daemon) boot() {
	t := d.t
	if d.addr == "" {
		d.addr = "127.0.0.1"
	}
	d.socket = filepath.Join(d.dir, "sock")
	d.separate()
	d.run()
	t.Cleanup(func() {
		for _, p := range d.apart {
			p.stop()
		}
		d.stop()
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", tail(d.log.String(), 4000))
			for _, p := range d.apart {
				t.Logf("the log of %s:\n%s", p.name, tail(p.log.String(), 4000))
			}
		}
	})
}

func freePort(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// run starts the process and waits until it is ready.
func (d *daemon) run() {
	d.t.Helper()
	args := append([]string{"--state", filepath.Join(d.dir, "state"), "--listen", d.addr + ":" + d.port, "--socket", d.socket}, d.args...)
	d.cmd = d.command("lwiod", args...)
	d.log = &logBuffer{}
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		if c, err := net.Dial("unix", d.socket); err == nil { // the last that comes up
			c.Close()
			if len(d.apart) > 0 {
				d.awaitPipes("srvsvc", "lsarpc", "lwio", "authority", "domain")
			}
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("the daemon is not ready:\n%s", d.log)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// within looks again and again whether something has come true, for a while.
func within(limit time.Duration, f func() bool) bool {
	tick, end := time.NewTicker(10*time.Millisecond), time.After(limit)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-end:
			return f()
		}
	}
	return true
}

// command prepares a program of ours where the daemon runs.
func (d *daemon) command(name string, args ...string) *exec.Cmd {
	line := append(append([]string{}, d.enter...), append([]string{bin(d.t, name)}, args...)...)
	return exec.Command(line[0], line[1:]...)
}

// stop ends the process as an administrator would.
func (d *daemon) stop() {
	if d.cmd.ProcessState != nil {
		return
	}
	d.cmd.Process.Signal(os.Interrupt)
	done := make(chan error, 1)
	go func() { done <- d.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			d.t.Errorf("the daemon ended with %v\n%s", err, tail(d.log.String(), 4000))
		}
	case <-time.After(20 * time.Second):
		d.cmd.Process.Kill()
		d.t.Error("the daemon did not end on a signal")
	}
}

// kill ends it as a power cut would.
func (d *daemon) kill() {
	d.cmd.Process.Kill()
	d.cmd.Wait()
}

// lwio runs the command line, with in on its standard input, and gives what it prints.
func (d *daemon) lwio(in string, args ...string) string {
	d.t.Helper()
	out, err := d.tryLwio(in, args...)
	if err != nil {
		d.t.Fatalf("lwio %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (d *daemon) tryLwio(in string, args ...string) (string, error) {
	cmd := exec.Command(bin(d.t, "lwio"), append([]string{"--socket", d.socket}, args...)...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// need skips where a peer is not installed.
func need(t testing.TB, program string) {
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}

// peer runs a real client with a time limit and gives what it prints.
func peer(t testing.TB, program string, args ...string) (string, error) {
	return peerInput(t, "", program, args...)
}

func peerInput(t testing.TB, in, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = strings.NewReader(in)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("%s did not end within a minute", program)
	}
	return string(out), err
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// contains fails the test unless out has every text.
func contains(t testing.TB, out string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("%q is missing in:\n%s", text, tail(out, 4000))
		}
	}
}
