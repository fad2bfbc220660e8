//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestJoinOffline joins by files that Samba has written, and has Samba join by ours; the state is sealed, and Unix ids are given to domains as they are met.
func TestJoinOffline(t *testing.T) {
	for _, p := range []string{"samba", "samba-tool", "net", "kinit", "smbclient", "ip", "nsenter"} {
		need(t, p)
	}
	l := newLab(t)
	if err := os.WriteFile(l.env["LAB_KEYTAB_OURS"], []byte{5, 2}, 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(l.dir, "seal.key")
	newKey := func() {
		if out, err := exec.Command(bin(t, "lwiod"), "seal-key", key).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	newKey()
	config := filepath.Join(l.dir, "lwiod.toml")
	if err := os.WriteFile(config, []byte("seal_key_file = \""+key+"\"\n[domain]\nid_map = \"autorid\"\nfirst_id = 200000\nids = 1000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := &joining{l: l, d: l.server("--config", config)}

	theirs := filepath.Join(l.dir, "theirs.odj")
	l.must(t, "dc", nil, "samba-tool", "computer", "delete", "OURS")
	l.must(t, "member", nil, "net", "offlinejoin", "provision", "-U", "Administrator%"+labAdmin, "domain=LAB.TEST", "machine_name=OURS", "savefile="+theirs)
	contains(t, j.must(t, "", "domain", "join", "--offline-blob", theirs), "account OURS$ of LAB, LAB.TEST")
	if !within(20*time.Second, func() bool { return j.version(t) != 0 }) { // the controller is asked by itself
		t.Fatal("the version of the key is not learnt")
	}
	contains(t, j.must(t, "", "domain", "verify"), "OURS$ logs on", "encrypted with aes256", "as they should be")
	contains(t, j.tool(t, "computer", "show", "OURS"), "servicePrincipalName: cifs/ours.lab.test")
	alice := l.kinit(t, "member", "alice")
	l.must(t, "member", alice, "smbclient", ccacheOf(alice), "//"+labHost+"/data", "-c", "put /etc/hosts alice")
	l.must(t, "member", nil, "smbclient", "//"+labHost+"/data", "-U", `LAB\bob%`+labUser, "--use-kerberos=off", "-c", "put /etc/hosts bob")
	j.must(t, "", "domain", "rotate-password")

	t.Run("ids", func(t *testing.T) {
		contains(t, j.must(t, "", "domain", "id", `LAB\alice`), "201103")
		for name, want := range map[string]uint32{"alice": 201103, "bob": 201104} {
			st, err := os.Stat(filepath.Join(j.d.dir, "data", name))
			if err != nil {
				t.Fatal(err)
			}
			if got := st.Sys().(*syscall.Stat_t).Uid; got != want {
				t.Errorf("the file of %s is of %d, want %d", name, got, want)
			}
		}
	})
	t.Run("ours", func(t *testing.T) {
		ours := filepath.Join(l.dir, "member.odj")
		args := []string{"domain", "provision", "LAB.TEST", "--user", "joiner", "--computer", "MEMBER", "--output", ours, "--password-stdin"}
		contains(t, j.must(t, labUser+"\n", args...), "account MEMBER$ made")
		if st, err := os.Stat(ours); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("the file: %v", err)
		}
		if out, err := j.lwio(labUser+"\n", args...); err == nil || !strings.Contains(out, "exists") {
			t.Errorf("over a file: %v\n%s", err, out)
		}
		os.Rename(ours, ours+".first")
		if out, err := j.lwio(labUser+"\n", args...); err == nil || !strings.Contains(out, "failed at account") || !strings.Contains(out, "--reuse") {
			t.Errorf("over an account: %v\n%s", err, out)
		}
		j.must(t, labUser+"\n", append(args, "--reuse")...)
		// With a keytab Samba asks a controller that it has not connected to.
		if out, err := l.on("member", nil, "", "net", "offlinejoin", "requestodj", "loadfile="+ours, "--option=kerberos method=secrets only"); err != nil {
			t.Errorf("net offlinejoin: %v\n%s", err, out)
		}
		l.must(t, "member", nil, "net", "ads", "testjoin")
	})
	t.Run("no file", func(t *testing.T) {
		if out, err := j.lwio("no such thing", "domain", "join", "--offline-blob", "-"); err == nil || !strings.Contains(out, "failed at account") || !strings.Contains(out, "hint:") {
			t.Errorf("%v\n%s", err, out)
		}
		j.version(t) // it is a member still
	})
	t.Run("sealed", func(t *testing.T) { j.sealed(t, config, key, newKey) })
}

// sealed changes the key, and takes it away.
func (j *joining) sealed(t *testing.T, config, key string, newKey func()) {
	name := "lwiod.db"
	stop, start := j.d.stop, j.d.run
	for _, p := range j.d.apart {
		if p.name == "lsassd" {
			name = "lsassd.db"
			stop, start = p.stop, func() { p.start(); j.d.awaitPipes("domain", "authority") }
		}
	}
	before := j.version(t)
	stop()
	newKey()
	start()
	j.must(t, "", "domain", "verify")
	if after := j.version(t); after != before {
		t.Errorf("version %d, and %d before", after, before)
	}
	stop()
	b, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(b), "\n")
	if err := os.WriteFile(key, []byte(strings.Repeat("0", 64)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon := strings.TrimSuffix(name, ".db")
	refused := func(want string, args ...string) {
		t.Helper()
		out, err := exec.Command(bin(t, daemon), append([]string{"--state", filepath.Join(j.d.dir, "state"), "--socket", j.d.socket + "x"}, args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), "hint:") {
			t.Errorf("want %q with a hint: %v\n%s", want, err, out)
		}
	}
	refused("none of the keys", "--config", config)
	refused("there is no key")
	if err := os.WriteFile(key, []byte(lines[0]), 0o600); err != nil { // the new one, which is enough by now
		t.Fatal(err)
	}
	start()
	contains(t, j.must(t, "", "domain", "verify"), "version "+strconv.Itoa(before))
}
