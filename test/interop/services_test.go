//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// inNamespace starts a daemon on port 445 of a network namespace and gives what runs a program there.
func inNamespace(t *testing.T) (*daemon, func(program string, args ...string) string) {
	t.Helper()
	ns := namespace(t)
	d := bootIn(t, ns, "445")
	d.addData()
	return d, func(program string, args ...string) string {
		t.Helper()
		out, err := peer(t, "ip", append([]string{"netns", "exec", ns, program}, args...)...)
		if err != nil {
			t.Errorf("%s %s: %v\n%s", program, strings.Join(args, " "), err, tail(out, 2000))
		}
		return out
	}
}

// TestNetAllowedUsers asks by `net rpc share allowedusers` which of some users the shares let in: their descriptors are read, and judged there.
func TestNetAllowedUsers(t *testing.T) {
	need(t, "net")
	d, run := inNamespace(t)
	d.lwio("", "share", "add", "closed", filepath.Join(d.dir, "data"), "--sddl", "D:(A;;FA;;;BA)(A;;FA;;;S-1-5-21-1-2-3-1000)") // it reads the root's descriptor, too
	users := filepath.Join(d.dir, "users")
	if err := os.WriteFile(users, []byte("one\n S-1-5-21-1-2-3-1000\n S-1-1-0\n\ntwo\n S-1-5-21-1-2-3-1001\n S-1-1-0\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for share, want := range map[string][]string{"data": {"one", "two"}, "closed": {"one"}} {
		out := run("net", "rpc", "-S", "127.0.0.1", "-U", admin+"%"+password, "share", "allowedusers", users, share)
		if got := regexp.MustCompile(`(?m)^ *(one|two)\s*$`).FindAllString(out, -1); strings.Join(strings.Fields(strings.Join(got, " ")), " ") != strings.Join(want, " ") {
			t.Errorf("%s: %q, want %q\n%s", share, got, want, out)
		}
	}
}

// TestNetFile lists open files by `net rpc file`, and closes one under who has it open.
func TestNetFile(t *testing.T) {
	need(t, "net")
	need(t, "smbclient")
	d, run := inNamespace(t)
	if err := os.WriteFile(filepath.Join(d.dir, "data", "open.txt"), []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	c := d.smbclientSession(user)
	defer c.Close()
	c.send(t, "open open.txt", "fnum")
	net := func(args ...string) string {
		t.Helper()
		return run("net", append([]string{"rpc", "-S", "127.0.0.1", "-U", admin + "%" + password, "file"}, args...)...)
	}
	row := regexp.MustCompile(`(?m)^(\d+)\s+` + user + `\s+0x\S+\s+0\s+\S*open\.txt`)
	m := row.FindStringSubmatch(net())
	if m == nil {
		t.Fatalf("the file is not listed:\n%s", net())
	}
	if out := net("user", user); !row.MatchString(out) {
		t.Errorf("nor by its user:\n%s", out)
	}
	net("close", m[1])
	if out := net(); row.MatchString(out) {
		t.Errorf("it is still open:\n%s", out)
	}
}

// TestImpacketMachineRole asks dssetup.
func TestImpacketMachineRole(t *testing.T) {
	_, run := impacketIn(t, "machine_role")
	out, err := run("", admin+":"+password+"@127.0.0.1")
	if err != nil || strings.Contains(out, "Traceback") {
		t.Errorf("%v\n%s", err, tail(out, 2000))
	}
	contains(t, out, "Standalone Server")
}

// TestSmbmap tells what each share lets a user do, as of a Windows server.
func TestSmbmap(t *testing.T) {
	need(t, "smbmap")
	d, run := inNamespace(t)
	d.lwio("", "share", "add", "closed", filepath.Join(d.dir, "data"), "--sddl", "D:(A;;FA;;;BA)")
	d.lwio("", "share", "add", "read", filepath.Join(d.dir, "data"), "--sddl", "D:(A;;0x1200a9;;;WD)")
	for who, want := range map[string]map[string]string{
		admin: {"ADMIN$": "READ, WRITE\tRemote Admin", "C$": "READ, WRITE\tDefault share", "IPC$": "READ ONLY\tRemote IPC", "data": "READ, WRITE", "closed": "READ, WRITE", "read": "READ ONLY"},
		user:  {"ADMIN$": "NO ACCESS\tRemote Admin", "C$": "NO ACCESS\tDefault share", "IPC$": "READ ONLY\tRemote IPC", "data": "READ, WRITE", "closed": "NO ACCESS", "read": "READ ONLY"},
	} {
		out := run("smbmap", "-H", "127.0.0.1", "-u", who, "-p", password)
		for share, may := range want {
			if !regexp.MustCompile(`(?m)^\s+` + regexp.QuoteMeta(share) + `\s+` + regexp.QuoteMeta(may)).MatchString(out) {
				t.Errorf("%s of %s: want %q in\n%s", share, who, may, out)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(d.dir, "data", "Größe.txt"), []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	contains(t, run("smbmap", "-H", "127.0.0.1", "-u", user, "-p", password, "-r", "data"), "Größe.txt")
}

// TestNmapScripts runs the scripts that ask for SMB 2 and 3. Those for SMB 1 end as they do at a Windows without it.
func TestNmapScripts(t *testing.T) {
	need(t, "nmap")
	_, run := inNamespace(t)
	out := run("nmap", "-n", "-Pn", "-p445", "--script", "smb2-security-mode,smb2-capabilities,smb2-time,smb-protocols,smb-enum-shares,smb-os-discovery,smb-security-mode,smb2-vuln-uptime,smb-vuln-ms17-010",
		"--script-args", "smbusername="+admin+",smbpassword="+password, "127.0.0.1")
	contains(t, out, "Message signing enabled and required", "Multi-credit operations", "|     202\n|     210\n|     300\n|     302\n|_    311", "|_  start_date: N/A")
	if strings.Contains(out, "NT LM 0.12") || strings.Contains(out, "VULNERABLE") {
		t.Errorf("SMB 1, or worse:\n%s", out)
	}
}
