package main

import (
	"os"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	s := newFileServer(t)
	if err := os.Mkdir(s.path("Plans"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path("plain.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	at := `\\` + s.addr
	for _, c := range []struct{ typed, want string }{
		{at + `\da`, at + `\data\`},
		{at + `\data\pla`, at + `\data\Plans\` + "\n" + at + `\data\plain.txt`},
		{"//" + s.addr + "/data/plan", "//" + s.addr + "/data/Plans/"},
		{at + `\data\x`, ""},
		{at + `\none\x`, ""},
		{`\\ser`, ""},
	} {
		out, err := cli(t, "", "__complete", "cp", "--user", "tester", c.typed)
		got, _, _ := strings.Cut(out, ":6") // the directive: no space, no files
		if got = strings.TrimSpace(got); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.typed, out, err, c.want)
		}
	}
	t.Setenv("LWIO_PASSWORD_FILE", "")
	if out, err := cli(t, "", "__complete", "cp", "--user", "tester", at+`\da`); err != nil || strings.Contains(out, "data") {
		t.Errorf("without a password: %q, %v", out, err)
	}
}
