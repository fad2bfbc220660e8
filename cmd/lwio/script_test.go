package main

import (
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

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lwio": func() { os.Exit(run(context.Background(), os.Args[1:])) }})
}

// TestScripts runs the command against a daemon of its own for each script: `daemon` starts it, `daemon stop` ends it, `daemon kill` without a
// warning.
func TestScripts(t *testing.T) {
	dir := t.TempDir()
	lwiod := filepath.Join(dir, "lwiod")
	if out, err := exec.Command("go", "build", "-o", lwiod, "lwio/cmd/lwiod").CombinedOutput(); err != nil {
		t.Fatalf("build lwiod: %v\n%s", err, out)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			sock, err := os.MkdirTemp("", "lwio") // a socket's path is short
			if err != nil {
				return err
			}
			e.Defer(func() { os.RemoveAll(sock) })
			e.Setenv("LWIO_SOCKET", filepath.Join(sock, "s"))
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			e.Setenv("SMB", l.Addr().String()) // where the script's daemon listens, each time that it starts
			l.Close()
			return os.Mkdir(filepath.Join(e.WorkDir, "data"), 0o755)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"daemon": func(ts *testscript.TestScript, neg bool, args []string) { daemon(ts, lwiod, neg, args) },
			"lwiodcheck": func(ts *testscript.TestScript, neg bool, args []string) {
				if err := ts.Exec(lwiod, append([]string{"check"}, args...)...); (err != nil) != neg {
					ts.Fatalf("lwiod check: %v", err)
				}
			},
			"waitfor": func(ts *testscript.TestScript, _ bool, _ []string) { follows(ts) },
		},
	})
}

// running has the daemons by their sockets; scripts run side by side.
var running sync.Map

// daemon starts lwiod with the flags given, or stops it.
func daemon(ts *testscript.TestScript, lwiod string, neg bool, args []string) {
	socket := ts.Getenv("LWIO_SOCKET")
	switch {
	case len(args) == 1 && args[0] == "stop":
		end(socket)
		return
	case len(args) == 1 && args[0] == "kill":
		if v, ok := running.LoadAndDelete(socket); ok {
			_ = v.(*exec.Cmd).Process.Kill()
			_ = v.(*exec.Cmd).Wait()
		}
		return
	}
	log, err := os.Create(ts.MkAbs("log"))
	ts.Check(err)
	cmd := exec.Command(lwiod, append([]string{"--state", ts.MkAbs("state"), "--listen", ts.Getenv("SMB"), "--socket", socket}, args...)...)
	cmd.Stderr = log
	ts.Check(cmd.Start())
	log.Close()
	if neg {
		if cmd.Wait() == nil {
			ts.Fatalf("the daemon ended well")
		}
		return
	}
	running.Store(socket, cmd)
	ts.Defer(func() { end(socket) })
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			b, _ := os.ReadFile(ts.MkAbs("log"))
			ts.Fatalf("the daemon is not ready:\n%s", strings.TrimSpace(string(b)))
		}
	}
}

func end(socket string) {
	if v, ok := running.LoadAndDelete(socket); ok {
		cmd := v.(*exec.Cmd)
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			fmt.Fprintln(os.Stderr, "lwiod:", err)
		}
	}
}

// follows waits until somebody follows the calls of the daemon.
func follows(ts *testscript.TestScript) {
	for deadline := time.Now().Add(20 * time.Second); ; {
		ts.Check(ts.Exec("lwio", "stats", "--text"))
		if strings.Contains(ts.ReadFile("stdout"), "\nlwio_rpc_traces 1\n") {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("nobody follows")
		}
	}
}
