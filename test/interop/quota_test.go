//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inMemory starts a daemon that shares a volume in memory besides.
func inMemory(t *testing.T) *daemon {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lwiod.toml")
	if err := os.WriteFile(file, []byte("[memory]\ncapacity = 16777216\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := bootIn(t, namespace(t), "445", "--config", file) // smbcquotas knows no other port
	d.addData()
	d.lwio("", "share", "add", "mem", `\memfs`)
	return d
}

func (d *daemon) smbcquotas(who, share string, args ...string) string {
	d.t.Helper()
	line := append([]string{}, d.enter...)
	line = append(line, "smbcquotas", "//127.0.0.1/"+share, "-U", who+"%"+password)
	out, _ := peer(d.t, line[0], append(line[1:], args...)...)
	return out
}

// fields is a line without what separates its columns.
func fields(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestQuotas: smbcquotas sets, shows and lists quotas; smbclient meets the limit.
func TestQuotas(t *testing.T) {
	need(t, "smbcquotas")
	need(t, "smbclient")
	d := inMemory(t)
	wants := func(out, want string) {
		t.Helper()
		if !strings.Contains(fields(out), want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
	wants(d.smbcquotas(admin, "mem", "-F"), "Quotas Enabled: Off Deny Disk: Off")
	wants(d.smbcquotas(admin, "mem", "-S", "FSQLIM:5000000/6000000"), "Default Soft Limit: 5000000 Default Hard Limit: 6000000")
	wants(d.smbcquotas(admin, "mem", "-S", "FSQFLAGS:QUOTA_ENABLED/DENY_DISK/LOG_SOFTLIMIT"), "Quotas Enabled: On Deny Disk: On Log Soft Limit: On Log Hard Limit: Off")
	wants(d.smbcquotas(admin, "mem", "-F"), "Default Hard Limit: 6000000 Quota Flags: Quotas Enabled: On")
	wants(d.smbcquotas(admin, "mem", "-u", user), ": 0/ 5000000/ 6000000")
	wants(d.smbcquotas(admin, "mem", "-S", "UQLIM:"+user+":1000000/2000000"), ": 0/ 1000000/ 2000000")
	wants(d.smbcquotas(admin, "mem", "-L"), user+" : 0/ 1000000/ 2000000")
	// The limit is 488 clusters.
	put := func(commands string) (string, error) {
		line := append([]string{}, d.enter...)
		line = append(line, "smbclient", "//127.0.0.1/mem", "-U", user+"%"+password, "-c", commands)
		return peer(t, line[0], line[1:]...)
	}
	local := filepath.Join(d.dir, "local")
	if err := os.WriteFile(local, make([]byte, 1900000), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := put("put " + local + " a"); err != nil || strings.Contains(out, "NT_STATUS") {
		t.Errorf("%v\n%s", err, out)
	}
	wants(d.smbcquotas(admin, "mem", "-u", user), ": 1900544/ 1000000/ 2000000")
	if out, _ := put("put " + local + " b"); !strings.Contains(out, "NT_STATUS_DISK_FULL") {
		t.Errorf("above the limit:\n%s", out)
	}
	if !strings.Contains(d.log.String(), "quota threshold passed") {
		t.Error("nobody was told that the threshold was passed")
	}
	if out, err := put("del b; del a"); err != nil || strings.Contains(out, "NT_STATUS") {
		t.Errorf("%v\n%s", err, out)
	}
	wants(d.smbcquotas(admin, "mem", "-L"), user+" : 0/ 1000000/ 2000000")
	// Nobody but an administrator sees or sets them.
	for _, args := range [][]string{{"-L"}, {"-F"}, {"-S", "UQLIM:" + user + ":0/0"}} {
		wants(d.smbcquotas(user, "mem", args...), "NT_STATUS_ACCESS_DENIED")
	}
	// A directory of the disk says that there are none.
	wants(d.smbcquotas(admin, "data", "-L"), "Quotas are not supported by the server.")
}
