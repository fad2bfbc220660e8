//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTutorial does what docs/tutorial.md says, from an empty folder: its files are written, its commands run in one shell, in order, and what
// it says that they print is looked for in what they print. Only the ports are others.
func TestTutorial(t *testing.T) {
	impacketInstalled(t)
	root := mustAbs(t, "../..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "tutorial.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := strings.NewReplacer("4450", freePort(t), "4451", freePort(t)).Replace(string(text))

	type step struct{ commands, want string }
	var steps []step
	script := &strings.Builder{}
	fmt.Fprintf(script, "set -eu -o pipefail\nexport LWIO=%s PATH=%s:$PATH CGO_ENABLED=0\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n", root, filepath.Dir(bin(t, "lwiod")))
	kinds := map[string]int{}
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]+)(?: ([a-z/_.]+))?\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		kind, name, body := m[1], m[2], m[3]
		kinds[kind]++
		switch {
		case name != "":
			fmt.Fprintf(script, "mkdir -p %s\ncat > %s <<'END OF THE FILE'\n%sEND OF THE FILE\n", filepath.Dir(name), name, body)
		case kind == "sh":
			fmt.Fprintf(script, "echo '=== step %d'\n%s", len(steps), body)
			steps = append(steps, step{commands: body})
		case kind == "text":
			steps[len(steps)-1].want = body
		default:
			t.Errorf("a block of %s has no file", kind)
		}
	}
	for kind, n := range map[string]int{"sh": 7, "text": 6, "go": 4, "idl": 1, "python": 1} {
		if kinds[kind] < n {
			t.Errorf("%d blocks of %s, want %d", kinds[kind], kind, n)
		}
	}

	dir := t.TempDir()
	whole := filepath.Join(t.TempDir(), "tutorial.sh")
	if err := os.WriteFile(whole, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", whole)
	cmd.Dir = dir
	start := time.Now()
	out, err := cmd.CombinedOutput()
	t.Logf("from an empty folder to the end in %v", time.Since(start).Round(100*time.Millisecond))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers := regexp.MustCompile(`(?m)^=== step \d+\n`).Split(string(out), -1)[1:]
	if len(answers) != len(steps) {
		t.Fatalf("%d of %d steps\n%s", len(answers), len(steps), out)
	}
	for i, s := range steps {
		for line := range strings.Lines(s.want) {
			if !strings.Contains(answers[i], strings.TrimSpace(line)) {
				t.Errorf("no %q in the output of\n%s\nwhich is\n%s", strings.TrimSpace(line), s.commands, answers[i])
			}
		}
	}
}
