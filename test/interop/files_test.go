//go:build interop

package interop

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lwio/iomgr/nt"
	"lwio/test/smbclient"
)

// inside runs a peer where the daemon is.
func (d *daemon) inside(program string, args ...string) (string, error) {
	d.t.Helper()
	need(d.t, program)
	line := append(append([]string{}, d.enter...), append([]string{program}, args...)...)
	return peer(d.t, line[0], line[1:]...)
}

// sameTrees compares what two folders hold.
func sameTrees(t *testing.T, want, got string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(want, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(want, path)
		if err != nil {
			return err
		}
		a, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(got, rel))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %d bytes, %d came back (%v)", rel, len(a), len(b), err)
		}
		files++
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files compared: %v", files, err)
	}
}

// TestFileCommands: the file commands of Samba's programs, each with what it must show.
func TestFileCommands(t *testing.T) {
	need(t, "smbclient")
	d := bootIn(t, namespace(t), "445") // smbcacls and smbget know no other port
	d.addData()
	data := filepath.Join(d.dir, "data")
	local := filepath.Join(d.dir, "local")
	content := []byte(strings.Repeat("content ", 1000))
	if err := os.WriteFile(local, content, 0o600); err != nil {
		t.Fatal(err)
	}
	do := func(commands string, flags ...string) string {
		t.Helper()
		out, err := d.inside("smbclient", append([]string{"//127.0.0.1/data", "-U", user + "%" + password, "-c", commands}, flags...)...)
		if err != nil || strings.Contains(out, "NT_STATUS") || strings.Contains(out, "Error") {
			t.Errorf("%s: %v\n%s", commands, err, tail(out, 2000))
		}
		return out
	}
	for _, flags := range [][]string{nil, {"--client-protection=encrypt"}} {
		do("mkdir a; mkdir a/b; put "+local+" a/one.txt; put "+local+" a/two.txt; put "+local+" a/b/three.txt; rename a/two.txt a/2.txt", flags...)
		contains(t, do("setmode a/one.txt +rsh; allinfo a/one.txt", flags...), "attributes: RHSA (27)", "stream: [::$DATA], 8000 bytes")
		contains(t, do("setmode a/one.txt -rsh; allinfo a/one.txt", flags...), "attributes: A (20)")
		contains(t, do("showacls; ls a/one.txt", flags...), "type: ACCESS ALLOWED (0)", "Owner SID:", "FILENAME:one.txt")
		into := t.TempDir()
		do("prompt; lcd "+into+"; cd a; mget *.txt", flags...)
		for _, name := range []string{"one.txt", "2.txt"} {
			if b, err := os.ReadFile(filepath.Join(into, name)); err != nil || !bytes.Equal(b, content) {
				t.Errorf("mget %s: %d bytes, %v", name, len(b), err)
			}
		}
		do("del a/2.txt; deltree a", flags...)
		if left, _ := os.ReadDir(data); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}

	// A source tree by tar, both ways, plain and encrypted.
	root, err := filepath.Abs("../../iomgr")
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(d.dir, "source.tar")
	if out, err := peer(t, "tar", "cf", archive, "-C", filepath.Dir(root), "iomgr"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, flags := range [][]string{nil, {"--client-protection=encrypt"}} {
		share := append([]string{"//127.0.0.1/data", "-U", user + "%" + password}, flags...)
		if out, err := d.inside("smbclient", append(share, "-Tx", archive)...); err != nil || strings.Contains(out, "NT_STATUS") {
			t.Fatalf("tar in: %v\n%s", err, tail(out, 2000))
		}
		sameTrees(t, root, filepath.Join(data, "iomgr"))
		back, into := filepath.Join(d.dir, "back.tar"), t.TempDir()
		os.Remove(back)
		if out, err := d.inside("smbclient", append(share, "-Tc", back, "iomgr")...); err != nil || strings.Contains(out, "NT_STATUS") {
			t.Fatalf("tar out: %v\n%s", err, tail(out, 2000))
		}
		if out, err := peer(t, "tar", "xf", back, "-C", into); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		sameTrees(t, root, filepath.Join(into, "iomgr"))
		if len(flags) == 0 {
			do("deltree iomgr")
		}
	}

	into := t.TempDir()
	if out, err := d.inside("sh", "-c", fmt.Sprintf("cd %s && smbget -R -q -U %s%%%s smb://127.0.0.1/data/iomgr", into, user, password)); err != nil {
		t.Errorf("smbget: %v\n%s", err, tail(out, 2000))
	}
	sameTrees(t, root, into)

	// Descriptors with names.
	do("put " + local + " f")
	acl := func(args ...string) string {
		t.Helper()
		out, err := d.inside("smbcacls", append([]string{"//127.0.0.1/data", "f", "-U", user + "%" + password}, args...)...)
		if err != nil || strings.Contains(out, "NT_STATUS") {
			t.Errorf("smbcacls %v: %v\n%s", args, err, out)
		}
		return out
	}
	before := acl()
	contains(t, before, `\`+user, "Everyone")
	if strings.Contains(before, "S-1-5-21-") {
		t.Errorf("SIDs without a name:\n%s", before)
	}
	acl("-a", "ACL:"+admin+":DENIED/0/W")
	contains(t, acl(), admin+":DENIED/0x0/W")
	acl("-D", "ACL:"+admin+":DENIED/0/W")
	if after := acl(); strings.Contains(after, "DENIED") {
		t.Errorf("the entry is still there:\n%s", after)
	}
}

// client connects to a share as the user.
func (d *daemon) client(share string) *smbclient.Client {
	d.t.Helper()
	c, err := smbclient.Dial("127.0.0.1:" + d.port)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { c.Close() })
	if err := c.Logon(d.t.Context(), user, password); err != nil {
		d.t.Fatal(err)
	}
	if err := c.Connect(share); err != nil {
		d.t.Fatal(err)
	}
	return c
}

// TestPersistentOpen: an open on a continuously available share is there after the daemon was killed, with its share mode, its lock, and what was
// written durably.
func TestPersistentOpen(t *testing.T) {
	d := start(t)
	d.lwio("", "share", "set", "data", "--continuous")
	id := nt.GUID{1, 2, 3}
	f, err := d.client("data").OpenPersistent("file", nt.FileReadData|nt.FileWriteData, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteThrough([]byte("durable"), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Lock(100, 10); err != nil {
		t.Fatal(err)
	}
	d.kill()
	d.run()
	if _, err := d.client("data").Open("file", nt.FileReadData, nt.FileOpen, 0); !errors.Is(err, nt.StatusSharingViolation) {
		t.Errorf("another client's open: %v, want a sharing violation", err)
	}
	g, err := d.client("data").Reclaim(f, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Lock(105, 1); !errors.Is(err, nt.StatusLockNotGranted) {
		t.Errorf("a range that is locked: %v, want that it is not granted", err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(d.dir, "data", "file")); err != nil || string(b) != "durable" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := d.client("data").Open("file", nt.FileReadData, nt.FileOpen, 0); err != nil {
		t.Errorf("after the close: %v", err)
	}
}

// TestOpenFilesAreShown: NetFileEnum tells the paths of open files, by whom they are open, and how many ranges are locked.
func TestOpenFilesAreShown(t *testing.T) {
	need(t, "rpcclient")
	d := start(t)
	c := d.client("data")
	f, err := c.Open("locked.txt", nt.FileReadData|nt.FileWriteData, nt.FileCreate, nt.FileNonDirectoryFile)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := f.Lock(uint64(i)*10, 5); err != nil {
			t.Fatal(err)
		}
	}
	out := d.mustRPC("netfileenum")
	contains(t, out, `locked.txt`) // the program shows no more of an entry
	list := d.lwio("", "file", "list")
	found := false
	for line := range strings.Lines(list) {
		if strings.Contains(line, "locked.txt") {
			found = strings.Contains(fields(line), " 3 ") && strings.Contains(line, user)
		}
	}
	if !found {
		t.Errorf("no open file with three locks in:\n%s", list)
	}
}
