//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRpcclientLSA runs rpcclient's commands for the security authority, one after the other on one policy.
func TestRpcclientLSA(t *testing.T) {
	need(t, "rpcclient")
	d := start(t)
	const nobody = "S-1-5-21-1-2-3-1000"
	for _, c := range []struct {
		command string
		want    []string
	}{
		{"lsaquery", []string{"Domain Name: WORKGROUP"}},
		{"lookupnames " + user + " Administrators Everyone", []string{user + " S-1-5-21-", "(User: 1)", "Administrators S-1-5-32-544 (Local Group: 4)", "Everyone S-1-1-0"}},
		{"lookupnames_level 1 " + user, []string{"(User: 1)"}},
		{"lookupsids S-1-5-32-544 S-1-1-0", []string{`BUILTIN\Administrators (4)`, `\Everyone (5)`}},
		{"lsaenumsid", []string{"S-1-1-0", "S-1-5-32-544", "S-1-5-32-551", "S-1-5-20"}},
		{"enumprivs", []string{"found 34 privileges", "SeBackupPrivilege"}},
		{"getdispname SeBackupPrivilege", []string{"Back up files and directories"}},
		{"lsalookupprivvalue SeBackupPrivilege", []string{"0:17"}},
		{"lsaenumprivsaccount S-1-5-32-551", []string{"found 4 privileges"}},
		{"lsaenumacctrights S-1-1-0", []string{"SeChangeNotifyPrivilege", "SeNetworkLogonRight"}},
		{"lsaaddacctrights " + nobody + " SeBackupPrivilege SeBatchLogonRight", nil},
		{"lsaenumacctrights " + nobody, []string{"SeBackupPrivilege", "SeBatchLogonRight"}},
		{"lsaremoveacctrights " + nobody + " SeBackupPrivilege", nil},
		{"lsaenumacctrights " + nobody, []string{"found 1 privileges", "SeBatchLogonRight"}},
		{"lsacreateaccount S-1-5-21-1-2-3-1001", []string{"successfully created"}},
		{"lsaquerysecobj", []string{"S-1-5-32-544", "0xf1fff"}},
		{"createsecret torture", nil},
		{"setsecret torture value", nil},
		{"querysecret torture", []string{"new secret: value"}},
		{"deletesecret torture", nil},
		{"storeprivatedata torture private", nil},
		{"retrieveprivatedata torture", []string{"secret: private"}},
		{"wkssvc_wkstagetinfo 502", nil},
		{"wkssvc_getjoininformation", []string{"WORKGROUP (2)"}},
		{"wkssvc_enumeratecomputernames", []string{"name: 0"}},
		{"wkssvc_messagebuffersend", nil},
		{"dsroledominfo", []string{"Machine Role = [2]"}},
	} {
		contains(t, d.mustRPC(c.command), c.want...)
	}
	for command, want := range map[string]string{
		"querysecret nothing": "NT_STATUS_OBJECT_NAME_NOT_FOUND", "createsecret L$local": "NT_STATUS_ACCESS_DENIED", "lsacreateaccount S-1-5-32-544": "NT_STATUS_OBJECT_NAME_COLLISION",
		"lookupsids3 S-1-1-0": "NT_STATUS_ACCESS_DENIED", "lookupnames4 root": "NT_STATUS_ACCESS_DENIED", "lsaaddacctrights " + nobody + " SeNothing": "NT_STATUS_NO_SUCH_PRIVILEGE",
		"lsaenumacctrights S-1-5-21-9": "NT_STATUS_OBJECT_NAME_NOT_FOUND",
	} {
		if out, _ := d.rpcclient(admin, command); !strings.Contains(out, want) {
			t.Errorf("%s: want %s\n%s", command, want, tail(out, 2000))
		}
	}
	for _, command := range []string{"lsaaddacctrights " + nobody + " SeDebugPrivilege", "createsecret mine", "retrieveprivatedata torture", "lsaenumprivsaccount S-1-5-32-551"} {
		if out, _ := d.rpcclient(user, command); !strings.Contains(out, "NT_STATUS_ACCESS_DENIED") {
			t.Errorf("a plain user may %s:\n%s", command, tail(out, 2000))
		}
	}
	for command, want := range map[string]string{"dsr_getdcname X": "WERR_NO_SUCH_DOMAIN", "dsr_getsitename X": "WERR_NO_SITENAME", "getdcname X": "WERR_NERR_DCNOTFOUND", "dsr_enumtrustdom": "WERR_NO_LOGON_SERVERS"} {
		if out, _ := d.rpcclient(user, command); !strings.Contains(out, want) {
			t.Errorf("%s: want %s\n%s", command, want, tail(out, 2000))
		}
	}
	contains(t, d.lwio("", "lsa", "secrets", "list"), "torture")
	contains(t, d.lwio("", "lsa", "rights", "list", nobody), "SeBatchLogonRight")
}

// TestNetRights is `net rpc rights`.
func TestNetRights(t *testing.T) {
	need(t, "net")
	d := start(t)
	run := func(args ...string) string {
		t.Helper()
		out, err := peer(t, "net", append([]string{"-p", d.port, "-S", "127.0.0.1", "-U", admin + "%" + password, "rpc", "rights"}, args...)...)
		if err != nil {
			t.Errorf("net rpc rights %s: %v\n%s", strings.Join(args, " "), err, tail(out, 2000))
		}
		return out
	}
	contains(t, run("list"), "SeBackupPrivilege", "Back up files and directories")
	contains(t, run("list", "accounts"), "Everyone", `BUILTIN\Administrators`, `NT AUTHORITY\LOCAL SERVICE`)
	contains(t, run("grant", user, "SeBackupPrivilege", "SeRestorePrivilege"), "Successfully granted")
	contains(t, run("list", user), "SeBackupPrivilege", "SeRestorePrivilege")
	contains(t, run("list", "privileges", "SeBackupPrivilege"), user, `BUILTIN\Backup Operators`)
	contains(t, run("revoke", user, "SeBackupPrivilege"), "Successfully revoked")
	if out := run("list", user); strings.Contains(out, "SeBackupPrivilege") {
		t.Errorf("revoked, and still there:\n%s", out)
	}
}

// TestLogonRights: the policy decides who logs on over the network.
func TestLogonRights(t *testing.T) {
	need(t, "rpcclient")
	d := start(t)
	d.lwio("", "lsa", "rights", "add", user, "SeDenyNetworkLogonRight")
	if out, err := d.rpcclient(user, "lsaquery"); err == nil || !strings.Contains(out, "NT_STATUS_LOGON_TYPE_NOT_GRANTED") {
		t.Errorf("denied, and: %v\n%s", err, tail(out, 2000))
	}
	d.lwio("", "lsa", "rights", "remove", user, "SeDenyNetworkLogonRight")
	if out, err := d.rpcclient(user, "lsaquery"); err != nil {
		t.Errorf("allowed again: %v\n%s", err, tail(out, 2000))
	}
}

// TestSmbcaclsNames: access lists show and take names of users and groups.
func TestSmbcaclsNames(t *testing.T) {
	need(t, "smbcacls")
	ns := namespace(t) // it knows no port but 445
	d := bootIn(t, ns, "445")
	d.addData()
	if err := os.WriteFile(filepath.Join(d.dir, "data", "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	cacls := func(args ...string) string {
		t.Helper()
		out, err := peer(t, "ip", append([]string{"netns", "exec", ns, "smbcacls", "//127.0.0.1/data", "file", "-U", admin + "%" + password}, args...)...)
		if err != nil {
			t.Errorf("smbcacls %s: %v\n%s", strings.Join(args, " "), err, tail(out, 2000))
		}
		return out
	}
	cacls("-a", "ACL:"+user+":ALLOWED/0x0/READ")
	cacls("-a", `ACL:BUILTIN\Users:ALLOWED/0x0/READ`)
	contains(t, cacls(), `\`+user+":ALLOWED/0x0/READ", `BUILTIN\Users:ALLOWED/0x0/READ`)
}

// TestLwioLSA: the command reaches another machine's policy.
func TestLwioLSA(t *testing.T) {
	d := start(t)
	server := `\\127.0.0.1:` + d.port
	run := func(args ...string) string {
		t.Helper()
		return d.lwio(password+"\n", append([]string{"lsa"}, append(args, "-U", admin, "--password-stdin")...)...)
	}
	contains(t, run("policy", server), "S-1-5-21-", "WORKGROUP")
	run("rights", "add", server, user, "SeBackupPrivilege")
	contains(t, run("rights", "list", server, user), "SeBackupPrivilege")
	contains(t, run("rights", "list", server), `BUILTIN\Administrators`)
	contains(t, run("privileges", server), "Back up files and directories")
	contains(t, run("lookup", server, user, "S-1-5-18"), "user", `NT AUTHORITY\SYSTEM`)
	run("rights", "remove", server, user, "--all")
	if out := d.lwio("", "lsa", "rights", "list", user); strings.Contains(out, "SeBackupPrivilege") {
		t.Errorf("taken, and still there:\n%s", out)
	}
}
