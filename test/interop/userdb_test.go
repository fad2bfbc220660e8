//go:build interop

package interop

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUserdbctl has systemd's own program look the accounts up, and files of theirs belong to the ids that it is told.
func TestUserdbctl(t *testing.T) {
	need(t, "userdbctl")
	if os.Getuid() != 0 {
		t.Skip("userdbctl asks in /run/systemd/userdb, where root alone can listen")
	}
	const first = 3_000_000_000
	socket := fmt.Sprintf("/run/systemd/userdb/io.lwio%d", os.Getpid())
	config := filepath.Join(t.TempDir(), "userdb.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "[accounts]\nfirst_id = %d\nids = 100000\n[userdb]\nsocket = %q\n", uint32(first), socket), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(socket) })
	d := start(t, "--config", config)
	const user = "lwuser" // that no system has of its own
	d.lwio(password, "user", "add", user, "--password-stdin")
	d.lwio("", "sam", "group", "add", "lwstaff")
	d.lwio("", "sam", "group", "join", "lwstaff", user)
	run := func(args ...string) (string, error) {
		return peer(t, "userdbctl", append([]string{"--no-pager", "--multiplexer=no", "-N", "--service=" + filepath.Base(socket)}, args...)...)
	}
	var record struct {
		UserName, Service, Shell string
		UID, GID                 uint32
	}
	out, err := run("--output=json", "--json=short", "user", user)
	if err == nil {
		err = json.Unmarshal([]byte(out[max(strings.Index(out, "{"), 0):]), &record) // behind what it says of services
	}
	if err != nil || record.UserName != user || record.UID != first+1002 || record.GID != first+513 || record.Service != filepath.Base(socket) || record.Shell != "/usr/sbin/nologin" {
		t.Errorf("%+v %v\n%s", record, err, out)
	}
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"user"}, []string{user, "Administrator", "3000001002"}},
		{[]string{"user", "3000001002"}, []string{"User name: " + user, "UID: 3000001002", "GID: 3000000513 (None)"}},
		{[]string{"group"}, []string{"lwstaff", "None", "3000001003"}},
		{[]string{"group", "lwstaff"}, []string{"Group name: lwstaff", "GID: 3000001003"}},
		{[]string{"users-in-group", "lwstaff"}, []string{user}},
		{[]string{"groups-of-user", user}, []string{"lwstaff"}},
	} {
		out, err := run(tt.args...)
		if err != nil {
			t.Errorf("userdbctl %v: %v\n%s", tt.args, err, out)
		}
		contains(t, strings.Join(strings.Fields(out), " "), tt.want...)
	}
	// The system's root is not the account of that name.
	if out, err := run("user", admin); err == nil {
		t.Errorf("the account %s is taken for the system's:\n%s", admin, out)
	}
	if out, err := run("user", "nobody-of-that-name"); err == nil {
		t.Errorf("somebody:\n%s", out)
	}
	out, err = peer(t, "smbclient", "//127.0.0.1/data", "-p", d.port, "-U", user+"%"+password, "-c", "put "+config+" mine.txt")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	st, err := os.Stat(filepath.Join(d.dir, "data", "mine.txt"))
	if err != nil || st.Sys().(*syscall.Stat_t).Uid != first+1002 {
		t.Errorf("the file of %s belongs to %+v, %v", user, st.Sys(), err)
	}
	contains(t, d.lwio("", "id", "3000001002"), user, "lwstaff")
	// And by what every program asks, where glibc has systemd's module.
	if found, _ := filepath.Glob("/lib/*/libnss_systemd.so.2"); len(found) == 0 {
		t.Log("libnss-systemd is not installed")
		return
	}
	for _, tt := range []struct{ database, key, want string }{
		{"passwd", user, user + ":x:3000001002:3000000513:" + user + ":/:/usr/sbin/nologin\n"},
		{"passwd", "3000001002", user + ":x:3000001002:3000000513:" + user + ":/:/usr/sbin/nologin\n"},
		{"group", "lwstaff", "lwstaff:x:3000001003:" + user + "\n"},
		{"group", "3000001003", "lwstaff:x:3000001003:" + user + "\n"},
	} {
		if out, err := peer(t, "getent", "-s", "systemd", tt.database, tt.key); err != nil || out != tt.want {
			t.Errorf("getent %s %s: %q %v", tt.database, tt.key, out, err)
		}
	}
}
