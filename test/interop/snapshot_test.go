//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPreviousVersions: smbclient lists the versions of a file, reads them by a token in the path, and changes none.
func TestPreviousVersions(t *testing.T) {
	need(t, "smbclient")
	d := start(t)
	data := filepath.Join(d.dir, "data")
	const older, newer = "@GMT-2024.01.02-03.04.05", "@GMT-2024.05.06-07.08.09"
	for path, content := range map[string]string{"sub/f": "now", ".snapshots/" + older + "/sub/f": "older", ".snapshots/" + newer + "/sub/f": "newer"} {
		path = filepath.Join(data, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := d.smbclient("data", "allinfo sub/f"); err != nil || strings.Contains(out, "@GMT") {
		t.Errorf("before: %v\n%s", err, out)
	}
	d.lwio("", "share", "set", "data", "--snapshots", ".snapshots")
	out, err := d.smbclient("data", "allinfo sub/f")
	if err != nil {
		t.Errorf("allinfo: %v", err)
	}
	contains(t, out, older, newer)
	if n := strings.Count(out, "create_time"); n < 3 {
		t.Errorf("times of %d versions:\n%s", n, out)
	}
	get := func(name string, flags ...string) string {
		back := filepath.Join(t.TempDir(), "back")
		out, err := d.smbclient("data", `get "`+name+`" `+back, flags...)
		if err != nil || strings.Contains(out, "NT_STATUS") {
			return out
		}
		b, _ := os.ReadFile(back)
		return string(b)
	}
	for _, v := range [][2]string{{"sub/f", "now"}, {older + "/sub/f", "older"}, {newer + "/sub/f", "newer"}, {"sub/" + newer + "/f", "newer"}} {
		for _, dialect := range []string{"SMB2_02", "SMB3_11"} {
			if got := get(v[0], "-m", dialect); got != v[1] {
				t.Errorf("%s by %s: %s, want %s", v[0], dialect, got, v[1])
			}
		}
	}
	contains(t, get("@GMT-2024.01.02-03.04.06/sub/f"), "NT_STATUS_OBJECT_NAME_NOT_FOUND")
	out, _ = d.smbclient("data", "cd "+older+"/sub; ls")
	contains(t, out, "  f  ")
	for _, c := range []string{"del " + older + "/sub/f", "mkdir " + older + "/new", "rename " + older + "/sub/f " + older + "/sub/g", "put " + filepath.Join(data, "sub/f") + " " + older + "/sub/f",
		"setmode " + older + "/sub/f +r", "rename sub/f .snapshots/" + older + "/g"} {
		if out, _ := d.smbclient("data", c); !strings.Contains(out, "NT_STATUS_MEDIA_WRITE_PROTECTED") {
			t.Errorf("%s:\n%s", c, out)
		}
	}
	if b, err := os.ReadFile(filepath.Join(data, ".snapshots", older, "sub/f")); err != nil || string(b) != "older" {
		t.Errorf("%q %v", b, err)
	}
}
