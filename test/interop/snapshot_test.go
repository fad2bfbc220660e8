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
	for c, want := range map[string]string{"del " + older + "/sub/f": "MEDIA_WRITE_PROTECTED", "mkdir " + older + "/new": "MEDIA_WRITE_PROTECTED",
		"put " + filepath.Join(data, "sub/f") + " " + older + "/sub/f": "MEDIA_WRITE_PROTECTED", "setmode " + older + "/sub/f +r": "MEDIA_WRITE_PROTECTED",
		"rename sub/f .snapshots/" + older + "/g": "MEDIA_WRITE_PROTECTED", "rename " + older + "/sub/f " + older + "/sub/g": "NOT_SAME_DEVICE"} {
		if out, _ := d.smbclient("data", c); !strings.Contains(out, "NT_STATUS_"+want) {
			t.Errorf("%s:\n%s", c, out)
		}
	}
	if b, err := os.ReadFile(filepath.Join(data, ".snapshots", older, "sub/f")); err != nil || string(b) != "older" {
		t.Errorf("%q %v", b, err)
	}
}

// TestTimewarpTorture: the leaves of smbtorture about previous versions, which want a version to look at.
func TestTimewarpTorture(t *testing.T) {
	need(t, "smbtorture")
	need(t, "smbclient")
	d := start(t)
	data := filepath.Join(d.dir, "data")
	const version = "@GMT-2015.10.31-19.40.30"
	at := filepath.Join(data, ".snapshots", version)
	for _, dir := range []string{filepath.Join(data, "subdir"), filepath.Join(at, "subdir")} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"foo", "subdir/hardlink"} {
		if err := os.WriteFile(filepath.Join(data, path), []byte("file content\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := d.smbclient("data", "put "+filepath.Join(data, "foo")+" foo:bar"); err != nil || strings.Contains(out, "NT_STATUS") {
		t.Fatalf("%v\n%s", err, out)
	}
	// The file with its stream becomes that of the version.
	if err := os.Rename(filepath.Join(data, "foo"), filepath.Join(at, "foo")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "foo"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(data, "foo"), filepath.Join(at, "foo"), filepath.Join(data, "subdir/hardlink")} {
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(data, "subdir/hardlink"), filepath.Join(at, "subdir/hardlink")); err != nil {
		t.Fatal(err)
	}
	d.lwio("", "share", "set", "data", "--snapshots", ".snapshots")
	for _, leaf := range []string{"write", "stream", "openroot", "listdir"} {
		out, err := peer(t, "smbtorture", "//127.0.0.1/data", "-p", d.port, "-U", user+"%"+password, "--option=torture:twrp_file=foo", "--option=torture:twrp_stream=bar",
			"--option=torture:twrp_stream_size=3", "--option=torture:twrp_snapshot="+version, "smb2.twrp."+leaf)
		if err != nil || !strings.Contains(out, "success: "+leaf) {
			t.Errorf("%s: %v\n%s", leaf, err, out)
		}
	}
}
