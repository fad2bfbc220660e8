//go:build interop

package interop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// torture is what smbtorture is run for; kind np goes over ncacn_np as administrator, smb to the share as a user, admin as an
// administrator.
var torture = []struct {
	suite, kind string
	args        []string
}{
	{"rpc.srvsvc", "np", []string{"--option=torture:dangerous=yes"}},
	{"rpc.echo", "np", nil},
	{"rpc.bind", "np", nil},
	{"rpc.asyncbind", "np", nil},
	{"rpc.objectuuid", "np", nil},
	{"rpc.mgmt", "np", nil},
	{"rpc.samba3.srvsvc", "admin", nil}, /* its levels 2 and 502 are for administrators */
	{"rpc.samba3.smb2-pipe-name", "smb", nil},
	{"rpc.samba3.smb2-pipe-read-close", "smb", nil},
	{"rpc.samba3.smb2-pipe-read-tdis", "smb", nil},
	{"rpc.samba3.smb2-pipe-read-logoff", "smb", nil},
	{"rpc.samba3.smb2-reauth1", "smb", nil},
	{"rpc.samba3.smb2-reauth2", "smb", nil},
	{"smb2.connect", "smb", nil},
	{"smb2.session-id", "smb", nil},
	{"smb2.credits", "smb", nil},
	{"smb2.tcon", "smb", nil},
}

// TestSmbtorture runs smbtorture leaf by leaf. A failure that known-failures does not name, and a row of it that did not fail, fail the test.
func TestSmbtorture(t *testing.T) {
	need(t, "smbtorture")
	config, err := filepath.Abs("torture.toml")
	if err != nil {
		t.Fatal(err)
	}
	d := start(t, "--config", config)
	known := knownFailures(t)
	out, err := exec.Command("smbtorture", "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	var leaves []string
	for s := bufio.NewScanner(strings.NewReader(string(out))); s.Scan(); {
		leaves = append(leaves, s.Text())
	}
	total := map[string]int{}
	for _, suite := range torture {
		found := false
		for _, leaf := range leaves {
			if leaf != suite.suite && !strings.HasPrefix(leaf, suite.suite+".") {
				continue
			}
			found = true
			for name, result := range d.leaf(leaf, suite.kind, suite.args) {
				total[result.kind]++
				reason, expected := known[name]
				delete(known, name)
				switch {
				case result.kind == "success" && expected:
					t.Errorf("%s passes: take its row (%s) out of known-failures", name, reason)
				case result.kind != "success" && !expected:
					t.Errorf("%s: %s %s", name, result.kind, result.reason)
				}
			}
		}
		if !found {
			t.Errorf("smbtorture has no %s", suite.suite)
		}
	}
	for name, reason := range known {
		t.Errorf("known-failures names %s (%s), which did not run", name, reason)
	}
	for _, kind := range slices.Sorted(maps.Keys(total)) {
		t.Logf("%s: %d", kind, total[kind])
	}
}

// knownFailures reads rows of a leaf, a tab and a reason.
func knownFailures(t testing.TB) map[string]string {
	b, err := os.ReadFile("known-failures")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, reason, ok := strings.Cut(line, "\t")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Fatalf("known-failures: %q has no reason", line)
		}
		known[name] = strings.TrimSpace(reason)
	}
	return known
}

type tortureResult struct{ kind, reason string }

var tortureLine = regexp.MustCompile(`^(test|success|failure|error|skip): (.*?)(\s*\[)?$`)

// leaf runs one leaf in a process of its own.
func (d *daemon) leaf(leaf, kind string, extra []string) map[string]tortureResult {
	target := "//127.0.0.1/data"
	who := user
	switch kind {
	case "np":
		target, who = "ncacn_np:127.0.0.1", admin
	case "admin":
		who = admin
	}
	args := append([]string{target, "-p", d.port, "-U", who + "%" + password, "--fullname", "--target=samba3",
		"--option=torture:user2name=" + admin, "--option=torture:user2password=" + password}, extra...)
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "smbtorture", append(args, leaf)...)
	cmd.Dir = d.t.TempDir()
	out, err := cmd.CombinedOutput()
	if dir := os.Getenv("LWIO_LOGDIR"); dir != "" {
		os.WriteFile(filepath.Join(dir, strings.ReplaceAll(leaf, "/", "_")+".log"), out, 0o600)
	}
	results := map[string]tortureResult{}
	lines := strings.Split(string(out), "\n")
	for i, line := range lines {
		m := tortureLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := strings.TrimSpace(m[2])
		if m[1] == "test" {
			results[name] = tortureResult{"crash", "it has no result"}
			continue
		}
		reason := ""
		if m[3] != "" && i+1 < len(lines) {
			reason = lines[i+1]
		}
		results[name] = tortureResult{m[1], reason}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		results[leaf] = tortureResult{"timeout", "90 s"}
	}
	if len(results) == 0 {
		results[leaf] = tortureResult{"crash", fmt.Sprintf("%v: %s", err, tail(string(out), 300))}
	}
	return results
}
