package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func lwiod(ctx context.Context, args ...string) (string, error) {
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	return out.String(), err
}

func TestCheck(t *testing.T) {
	good, bad := filepath.Join(t.TempDir(), "good.toml"), filepath.Join(t.TempDir(), "bad.toml")
	os.WriteFile(good, []byte("[smb]\nsigning = \"enabled\"\n"), 0o600)
	os.WriteFile(bad, []byte("[smb]\nsining = \"enabled\"\n"), 0o600)
	if out, err := lwiod(t.Context(), "check", good); err != nil || !strings.Contains(out, "ok") {
		t.Errorf("%q %v", out, err)
	}
	if _, err := lwiod(t.Context(), "check", bad); err == nil || !strings.Contains(err.Error(), "bad.toml:2:1") {
		t.Errorf("%v", err)
	}
}

func TestCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		"": "no state folder", "--state x --signing maybe": "want one of required, enabled", "--state x --services samba": "there is no service",
		"--state x --listen localhost:1": "want a numeric address", "--nonsense": "unknown flag", "--config /nonexistent": "no such file",
	} {
		if _, err := lwiod(t.Context(), strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("lwiod %s: %v, want %s", args, err, want)
		}
	}
}

// TestStart: a daemon is ready soon, serves, and ends when it is told to.
func TestStart(t *testing.T) {
	dir, err := os.MkdirTemp("", "lwiod")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	for range 2 { // the second time with a state and a socket that are there
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		began := time.Now()
		go func() {
			_, err := lwiod(ctx, "--state", filepath.Join(dir, "state"), "--listen", "127.0.0.1:0", "--socket", socket, "--log-level", "warn")
			ended <- err
		}()
		for {
			if c, err := net.Dial("unix", socket); err == nil {
				c.Close()
				break
			}
			select {
			case err := <-ended:
				t.Fatal(err)
			default:
			}
			if time.Since(began) > 10*time.Second {
				t.Fatal("not ready after 10 s")
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("ready after %v", took)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "state", "lwiod.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}
