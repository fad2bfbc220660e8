//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSamr administers accounts by Samba's programs: what is made by one is seen by the other, and counts at the next logon.
func TestSamr(t *testing.T) {
	need(t, "rpcclient")
	d := start(t)
	for _, c := range []struct {
		command string
		want    []string
	}{
		{"enumdomains", []string{"name:[Builtin]"}},
		{"enumdomusers", []string{"user:[Administrator] rid:[0x1f4]", "user:[Guest] rid:[0x1f5]", "user:[" + admin + "] rid:[0x3e8]"}},
		{"enumdomgroups", []string{"group:[None] rid:[0x201]"}},
		{"enumalsgroups builtin", []string{"group:[Administrators] rid:[0x220]", "group:[Users] rid:[0x221]", "group:[Backup Operators] rid:[0x227]"}},
		{"lookupdomain builtin", []string{"Domain SID: S-1-5-32"}},
		{"querydominfo 1", []string{"Minimum password length:\t\t\t0"}},
		{"querydominfo 2", []string{"ROLE_DOMAIN_PDC"}},
		{"querydominfo 7", []string{"ROLE_DOMAIN_PDC"}},
		{"querydominfo 9", []string{"Domain Server State:\t0x1"}},
		{"getdompwinfo", []string{"min_password_length: 0"}},
		{"createdomuser fresh", nil},
		{"queryuser fresh", []string{"User Name   :\tfresh", "acb_info :\t0x00020015"}},
		{"setuserinfo2 fresh 26 First.Pass1", nil},
		{"chgpasswd2 fresh First.Pass1 Second.Pass1", nil},
		{"chgpasswd3 fresh Second.Pass1 Third.Pass1", nil},
		{"setuserinfo fresh 24 Fourth.Pass1", nil},
		{"queryusergroups 500", []string{"group rid:[0x201] attr:[0x7]"}},
		{"createdomgroup staff", nil},
		{"createdomalias helpers", nil},
		{"enumalsgroups domain", []string{"group:[helpers]"}},
		{"querygroup 513", []string{"Group Name:\tNone"}},
		{"querygroupmem 513", []string{"rid:[0x1f4] attr:[0x7]"}},
		{"queryuseraliases builtin S-1-5-11", []string{"group rid:[0x221]"}},
		{"queryaliasmem builtin 545", []string{"sid:[S-1-5-11]"}},
		{"querydispinfo", []string{"Account: fresh"}},
		{"querydispinfo3", []string{"Account: " + user}},
		{"samlookupnames domain " + user, []string{"name " + user + ": 0x3e9 (1)"}},
		{"samlookuprids domain 500 513", []string{"Administrator (1)", "None (2)"}},
		{"samquerysecobj", []string{"SID: S-1-5-32-544"}},
		{"getusrdompwinfo 1000", []string{"min_password_length      : 0x0000"}},
	} {
		out, err := d.rpcclient(admin, c.command)
		if err != nil || strings.Contains(out, "NT_STATUS") {
			t.Errorf("%s: %v\n%s", c.command, err, tail(out, 2000))
		}
		contains(t, out, c.want...)
	}
	// What was set is what logs on now.
	d.lwio("", "user", "set", "fresh", "--disabled=false")
	for password, want := range map[string]bool{"Fourth.Pass1": true, "Third.Pass1": false} {
		out, err := peer(t, "smbclient", "//127.0.0.1/IPC$", "-p", d.port, "-U", "fresh%"+password, "-c", "exit")
		if (err == nil) != want {
			t.Errorf("logon with %s: %v\n%s", password, err, out)
		}
	}
	// Hashes alone change nothing, and who may not is told so.
	for command, want := range map[string]string{
		"chgpasswd fresh Fourth.Pass1 Fifth.Pass1":   "NT_STATUS_PASSWORD_RESTRICTION",
		"chgpasswd2 fresh wrong Fifth.Pass1":         "NT_STATUS_WRONG_PASSWORD",
		"createdomuser fresh":                        "NT_STATUS_USER_EXISTS",
		"deletedomuser Guest":                        "NT_STATUS_SPECIAL_ACCOUNT",
		"createdomuser Everyone":                     "NT_STATUS_INVALID_ACCOUNT_NAME",
		"samlookupnames domain nobody-of-that-name":  "NT_STATUS_NONE_MAPPED",
		"queryuser 4711":                             "NT_STATUS_NO_SUCH_USER",
		"samlookuprids builtin 4711":                 "NT_STATUS_NONE_MAPPED",
		"querygroup 4711":                            "NT_STATUS_NO_SUCH_GROUP",
		"queryaliasmem domain 4711":                  "NT_STATUS_NO_SUCH_ALIAS",
		"lookupdomain nowhere":                       "NT_STATUS_NO_SUCH_DOMAIN",
		"chgpasswd3 nobody-of-that-name one.P1 two.": "NT_STATUS_WRONG_PASSWORD",
	} {
		out, _ := d.rpcclient(admin, command)
		contains(t, out, want)
	}
	// Plain users of the network are not let in, and change their own password nevertheless.
	if out, err := d.rpcclient(user, "enumdomusers"); err == nil || !strings.Contains(out, "NT_STATUS_ACCESS_DENIED") {
		t.Errorf("a plain user lists accounts: %v\n%s", err, out)
	}
	d.mustRPC("deletedomuser fresh")
}

// TestNetRPCSamr is what `net rpc` asks samr for.
func TestNetRPCSamr(t *testing.T) {
	need(t, "net")
	ns := namespace(t) // some of its commands know no port but 445
	bootIn(t, ns, "445")
	in := func(args ...string) (string, error) {
		return peer(t, "ip", append([]string{"netns", "exec", ns}, args...)...)
	}
	net := func(args ...string) string {
		t.Helper()
		out, err := in(append([]string{"net", "rpc", "-S", "127.0.0.1", "-U", admin + "%" + password}, args...)...)
		if err != nil {
			t.Errorf("net rpc %v: %v\n%s", args, err, tail(out, 2000))
		}
		return out
	}
	contains(t, net("user"), admin, user, "Administrator")
	net("user", "add", "netuser", "Net.Passw0rd1")
	contains(t, net("user", "info", admin), "None")
	net("user", "password", "netuser", "Net.Passw0rd2")
	if out, err := in("smbclient", "//127.0.0.1/IPC$", "-U", "netuser%Net.Passw0rd2", "-c", "exit"); err != nil {
		t.Errorf("logon: %v\n%s", err, out)
	}
	contains(t, net("group"), "None")
	net("group", "addmem", "Administrators", "netuser")
	contains(t, net("group", "members", "Administrators"), `\netuser`)
	net("group", "delmem", "Administrators", "netuser")
	net("user", "rename", "netuser", "netuser2")
	net("user", "delete", "netuser2")
	if out := net("user"); strings.Contains(out, "netuser") {
		t.Errorf("a deleted user is listed:\n%s", out)
	}
}

// setPassword is what administration tools of impacket do: make the account of a computer, set its password, and change it.
const setPassword = `
import sys
from impacket.dcerpc.v5 import transport, samr, dtypes
host, port, user, password = sys.argv[1:]
t = transport.SMBTransport(host, int(port), r'\samr', username=user, password=password)
dce = t.get_dce_rpc(); dce.connect(); dce.bind(samr.MSRPC_UUID_SAMR)
server = samr.hSamrConnect5(dce, '\\\\%s\x00' % host, samr.SAM_SERVER_ENUMERATE_DOMAINS | samr.SAM_SERVER_LOOKUP_DOMAIN)['ServerHandle']
name = [d['Name'] for d in samr.hSamrEnumerateDomainsInSamServer(dce, server)['Buffer']['Buffer'] if d['Name'] != 'Builtin'][0]
sid = samr.hSamrLookupDomainInSamServer(dce, server, name)['DomainId']
domain = samr.hSamrOpenDomain(dce, server, samr.DOMAIN_LOOKUP | samr.DOMAIN_CREATE_USER | samr.DOMAIN_LIST_ACCOUNTS, sid)['DomainHandle']
made = samr.hSamrCreateUser2InDomain(dce, domain, 'IMPACKET$', samr.USER_WORKSTATION_TRUST_ACCOUNT, samr.USER_FORCE_PASSWORD_CHANGE | samr.USER_WRITE_ACCOUNT | samr.USER_READ_ACCOUNT | 0x10000)
handle = made['UserHandle']
samr.hSamrSetPasswordInternal4New(dce, handle, 'Comp.Passw0rd1')
samr.hSamrSetNTInternal1(dce, handle, 'Comp.Passw0rd2')
control = samr.SAMPR_USER_INFO_BUFFER(); control['tag'] = samr.USER_INFORMATION_CLASS.UserControlInformation
control['Control']['UserAccountControl'] = samr.USER_WORKSTATION_TRUST_ACCOUNT
samr.hSamrSetInformationUser2(dce, handle, control)
samr.hSamrUnicodeChangePasswordUser2(dce, '\x00', 'IMPACKET$', 'Comp.Passw0rd2', 'Comp.Passw0rd3')
users = samr.hSamrEnumerateUsersInDomain(dce, domain)['Buffer']['Buffer']
print('users', sorted(u['Name'] for u in users))
info = samr.hSamrQueryInformationUser2(dce, handle, samr.USER_INFORMATION_CLASS.UserControlInformation)
print('control', hex(info['Buffer']['Control']['UserAccountControl']))
samr.hSamrDeleteUser(dce, handle)
print('done')
`

func TestImpacketSamr(t *testing.T) {
	need(t, "python3")
	d := start(t)
	script := filepath.Join(t.TempDir(), "samr.py")
	if err := os.WriteFile(script, []byte(setPassword), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := peer(t, "python3", "-c", "import impacket"); err != nil {
		t.Skipf("impacket is not installed\n%s", out)
	}
	out, err := peer(t, "python3", script, "127.0.0.1", d.port, admin, password)
	if err != nil {
		t.Errorf("%v\n%s", err, tail(out, 3000))
	}
	contains(t, out, "'IMPACKET$'", "control 0x80", "done")
	need(t, "impacket-samrdump")
	out, err = peer(t, "impacket-samrdump", "-port", d.port, admin+":"+password+"@127.0.0.1")
	if err != nil || !regexp.MustCompile(`(?s)Found user: Administrator, uid = 500.*Found user: `+admin+`, uid = 1000`).MatchString(out) {
		t.Errorf("%v\n%s", err, tail(out, 3000))
	}
}

// TestPolenum reads the policy as people do who look at a Windows machine.
func TestPolenum(t *testing.T) {
	need(t, "polenum")
	ns := namespace(t) // it knows no port but 445
	d := bootIn(t, ns, "445")
	d.lwio("", "sam", "policy", "--min-length", "9", "--history", "4", "--complex", "--max-age", "1008h", "--lockout-threshold", "7", "--lockout-window", "10m", "--lockout-duration", "30m")
	out, err := peer(t, "ip", "netns", "exec", ns, "polenum", "-u", admin, "-p", "Long."+password, "-d", "127.0.0.1", "--protocols", "445/SMB")
	if err == nil && strings.Contains(out, "Minimum password length") {
		t.Errorf("it asks with a wrong password:\n%s", out)
	}
	out, err = peer(t, "ip", "netns", "exec", ns, "polenum", "-u", admin, "-p", password, "-d", "127.0.0.1", "--protocols", "445/SMB")
	if err != nil {
		t.Errorf("%v\n%s", err, tail(out, 3000))
	}
	contains(t, out, "Minimum password length: 9", "Password history length: 4", "Maximum password age: 41 days 23 hours", "Domain Password Complex: 1", "Account Lockout Threshold: 7",
		"Reset Account Lockout Counter: 10 minutes", "Locked Account Duration: 30 minutes", "Builtin")
}
