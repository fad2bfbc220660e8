//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// newMember starts the lab and a server on ours that is a member of its domain.
func newMember(t *testing.T, config string, args ...string) *joining {
	t.Helper()
	for _, p := range []string{"samba", "samba-tool", "kinit", "smbclient", "rpcclient", "ip", "nsenter"} {
		need(t, p)
	}
	l := newLab(t)
	if err := os.WriteFile(l.env["LAB_KEYTAB_OURS"], []byte{5, 2}, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(l.dir, "lwiod.toml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	j := &joining{l: l, d: l.server(append([]string{"--config", path}, args...)...)}
	j.must(t, labAdmin+"\n", "domain", "join", "LAB.TEST", "--user", "Administrator", "--password-stdin")
	return j
}

// TestMember has clients of a domain reach a member of it, from two hosts, and be refused where they have to be.
func TestMember(t *testing.T) {
	j := newMember(t, "[smb]\nanonymous = true\nsigning = \"enabled\"\n")
	t.Run("clients", j.clients)
	t.Run("access", j.access)
	t.Run("impacket", j.impacket)
	t.Run("torture", j.torture)
	t.Run("tickets", j.tickets)
	t.Run("accounts", j.accounts)
}

// clients are Samba's, on a member and on the controller, with Kerberos and NTLM, each level of protection of RPC.
func (j *joining) clients(t *testing.T) {
	l := j.l
	for _, from := range []string{"member", "dc"} {
		for _, user := range []string{"alice", "carol"} {
			env := l.kinit(t, from, user)
			name := fmt.Sprintf("%s-%s", user, from)
			l.must(t, from, env, "smbclient", ccacheOf(env), "//"+labHost+"/data", "-c", "put /etc/hosts "+name+"; get "+name+" "+filepath.Join(l.dir, name)+"; del "+name)
			contains(t, l.must(t, from, nil, "smbclient", "//"+labHost+"/data", "-U", `LAB\`+user+"%"+labUser, "--use-kerberos=off", "-c", "ls"), "blocks")
			for _, level := range []string{"sign", "seal", "krb5,sign", "krb5,seal", "spnego,sign", "spnego,seal"} {
				out := l.must(t, from, env, "rpcclient", ccacheOf(env), "ncacn_np:"+labHost+"["+level+"]", "-c", `getusername; lookupnames LAB\\bob`)
				contains(t, out, "Account Name: "+user+", Authority Name: LAB", labSID+"-1104 (User: 1)")
			}
		}
		out, err := l.on(from, nil, "", "smbclient", "//"+labHost+"/data", "-U", `LAB\locked%`+labUser, "--use-kerberos=off", "-c", "ls")
		if err == nil || !strings.Contains(out, "NT_STATUS_ACCOUNT_DISABLED") {
			t.Errorf("locked from %s: %s", from, out)
		}
	}
}

// access is given and taken with names of the domain, by smbcacls of another host.
func (j *joining) access(t *testing.T) {
	need(t, "smbcacls")
	l := j.l
	carol, bob := l.kinit(t, "member", "carol"), l.kinit(t, "member", "bob")
	l.must(t, "member", carol, "smbclient", ccacheOf(carol), "//"+labHost+"/data", "-c", "put /etc/hosts guarded")
	acl := func(args ...string) string {
		return l.must(t, "member", carol, "smbcacls", append([]string{ccacheOf(carol), "//" + labHost + "/data", "guarded"}, args...)...)
	}
	read := func() (string, error) {
		return l.on("member", bob, "", "smbclient", ccacheOf(bob), "//"+labHost+"/data", "-c", "get guarded "+filepath.Join(l.dir, "guarded"))
	}
	acl("-S", `ACL:LAB\carol:ALLOWED/0x0/FULL,ACL:LAB\labusers:ALLOWED/0x0/READ`)
	contains(t, acl(), `OWNER:LAB\carol`, `ACL:LAB\labusers:ALLOWED/0x0/READ`, `ACL:LAB\carol:ALLOWED/0x0/FULL`)
	if out, err := read(); err != nil {
		t.Errorf("a member of labusers may not read: %v\n%s", err, out)
	}
	acl("-M", `ACL:LAB\labusers:DENIED/0x0/READ`)
	if out, err := read(); err == nil || !strings.Contains(out, "NT_STATUS_ACCESS_DENIED") {
		t.Errorf("a member of labusers may read: %v\n%s", err, out)
	}
	acl("-D", `ACL:LAB\labusers:DENIED/0x0/READ`)
	// labusers is in lablocal, a group of the domain that counts for its resources.
	acl("-a", `ACL:LAB\lablocal:ALLOWED/0x0/READ`)
	if out, err := read(); err != nil {
		t.Errorf("a member of lablocal may not read: %v\n%s", err, out)
	}
	ours := l.kinit(t, "ours", "carol")
	contains(t, l.must(t, "ours", ours, bin(t, "lwio"), "acl", `\\`+labHost+`\data\guarded`), `LAB\lablocal`)
	l.must(t, "member", carol, "smbclient", ccacheOf(carol), "//"+labHost+"/data", "-c", "del guarded")
}

// impacket comes with a ticket and no password.
func (j *joining) impacket(t *testing.T) {
	l := j.l
	env := l.kinit(t, "member", "carol")
	l.must(t, "member", env, "kvno", "cifs/"+labHost)                                // its own requests for tickets lack a checksum that the controller wants
	env = []string{strings.Replace(env[0], "FILE:", "", 1), "PYTHONWARNINGS=ignore"} // it knows the path alone
	commands := filepath.Join(l.dir, "commands")
	if err := os.WriteFile(commands, []byte("shares\nuse data\nmkdir imp\nls\nrmdir imp\nexit\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		program    string
		args, want []string
	}{
		{"smbclient", []string{"-file", commands}, []string{"data", "IPC$", "imp"}},
		{"samrdump", nil, []string{"Found domain(s)"}},
		{"services", []string{"list"}, []string{"LanmanServer"}},
		{"reg", []string{"query", "-keyName", `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion`}, []string{"ProductName"}},
	} {
		t.Run(c.program, func(t *testing.T) {
			program, args := impacket(t, c.program)
			who := []string{"-k", "-no-pass", "-dc-ip", l.env["LAB_DC_ADDR"], "LAB.TEST/carol@" + labHost}
			if c.program == "smbclient" {
				args = append(args, c.args...)
				args = append(args, who...)
			} else {
				args = append(append(args, who...), c.args...)
			}
			out, err := l.on("member", env, "", program, args...)
			if err != nil || strings.Contains(out, "Traceback") || strings.Contains(out, "[-]") {
				t.Errorf("%v\n%s", err, tail(out, 3000))
			}
			contains(t, out, c.want...)
		})
	}
	if j.logged("user=\"LAB\\\\carol\"", "mechanism=Kerberos") == "" && j.logged(`user=LAB\carol`, "mechanism=Kerberos") == "" {
		t.Error("it did not come with Kerberos")
	}
}

// kerberosFailures are leaves that fail or skip themselves with Kerberos, and why.
var kerberosFailures = map[string]string{
	"reauth5":             "it wants a file that is not there to be deleted with success (session.c:705)",
	"reauth6":             "it skips itself: it cannot have a logon with Kerberos fail (session.c:968)",
	"bind_different_user": "it skips itself: with Kerberos it takes its second user for the first (session.c:2493)",
	"NetShareAddSetDel":   "no server can pass: it wants a level refused whose remark it then reads (srvsvc.c:677, 701)",
}

// torture is what smbtorture has for Kerberos: sessions, and services over pipes that are signed and sealed. A leaf that skips itself is a failure here.
func (j *joining) torture(t *testing.T) {
	need(t, "smbtorture")
	l := j.l
	run := func(name, leaf, target, who string, args ...string) {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(leaf, "expire") {
				t.Parallel() // they wait for tickets to expire
			}
			out, _ := l.on("member", nil, "", "smbtorture", append(append([]string{target, "--use-kerberos=required", "-U", who, "--target=samba3"}, args...), leaf)...)
			succeeded := 0
			for line := range strings.Lines(out) {
				m := tortureLine.FindStringSubmatch(strings.TrimSpace(line))
				if m == nil || m[1] == "test" {
					continue
				}
				_, expected := kerberosFailures[m[2][strings.LastIndexByte(m[2], '.')+1:]]
				switch {
				case m[1] == "success" && expected:
					t.Errorf("%s passes: its row of kerberosFailures is stale", m[2])
				case m[1] != "success" && !expected:
					t.Errorf("%s: %s", m[1], m[2])
				default:
					succeeded++
				}
			}
			if succeeded == 0 || t.Failed() {
				t.Errorf("%d as expected\n%s", succeeded, tail(out, 2000))
			}
		})
	}
	for _, leaf := range []string{"smb2.connect", "smb2.session.reauth1", "smb2.session.reauth2", "smb2.session.reauth3", "smb2.session.reauth4", "smb2.session.reauth5", "smb2.session.reauth6",
		"smb2.session.reconnect1", "smb2.session.reconnect2", "smb2.session.bind1", "smb2.session.bind2", "smb2.session.bind_invalid_auth", "smb2.session.bind_different_user", "smb2.session.two_logoff",
		"smb2.session.signing-aes-128-gmac", "smb2.session.encryption-aes-256-gcm", "smb2.session.expire1n", "smb2.session.expire1s", "smb2.session.expire1e", "smb2.session.expire2s",
		"smb2.session.expire2e", "smb2.session.expire_disconnect"} {
		run(leaf, leaf, "//"+labHost+"/data", "alice@LAB.TEST%"+labUser, "--option=torture:user2name=bob", "--option=torture:user2password="+labUser, "--option=torture:user2domain=LAB")
	}
	for _, level := range []string{"sign", "seal"} {
		for _, leaf := range []string{"rpc.lsa-getuser", "rpc.lsa.lookupnames", "rpc.lsa.lookupsids", "rpc.mgmt", "rpc.srvsvc", "rpc.svcctl"} {
			run(level+"/"+leaf, leaf, "ncacn_np:"+labHost+"["+level+"]", "Administrator@LAB.TEST%"+labAdmin, "--option=torture:dangerous=yes")
		}
	}
}

// accounts that may not log on are refused for what they are, by NTLM, which the controller decides; Kerberos refuses them before they have a ticket.
func (j *joining) accounts(t *testing.T) {
	l := j.l
	l.must(t, "dc", nil, "samba-tool", "domain", "passwordsettings", "set", "--account-lockout-threshold=3", "--account-lockout-duration=30", "--reset-account-lockout-after=30")
	t.Cleanup(func() {
		l.on("dc", nil, "", "samba-tool", "domain", "passwordsettings", "set", "--account-lockout-threshold=0")
	})
	for _, name := range []string{"expired", "stale", "shut"} {
		l.must(t, "dc", nil, "samba-tool", "user", "create", name, labUser)
	}
	l.must(t, "dc", nil, "samba-tool", "user", "setexpiry", "expired", "--days=0")
	l.must(t, "dc", nil, "/usr/bin/python3", "-c", setAttributes, "stale", "pwdLastSet", "0")
	l.must(t, "dc", nil, "/usr/bin/python3", "-c", setAttributes, "expired", "accountExpires", "116444736000000001")
	logon := func(user, password string) (string, error) {
		return l.on("member", nil, "", "smbclient", "//"+labHost+"/data", "-U", `LAB\`+user+"%"+password, "--use-kerberos=off", "-c", "ls")
	}
	for range 4 {
		logon("shut", "wrong")
	}
	for _, tt := range []struct{ user, status string }{{"locked", "ACCOUNT_DISABLED"}, {"expired", "ACCOUNT_EXPIRED"}, {"stale", "PASSWORD_MUST_CHANGE"}, {"shut", "ACCOUNT_LOCKED_OUT"}} {
		out, err := logon(tt.user, labUser)
		if err == nil || !strings.Contains(out, "NT_STATUS_"+tt.status) {
			t.Errorf("%s: want %s: %s", tt.user, tt.status, out)
		}
		if j.logged("logon refused", "account="+tt.user, "reason=STATUS_"+tt.status) == "" {
			t.Errorf("%s: the log does not say why", tt.user)
		}
		cache := []string{"KRB5CCNAME=FILE:" + filepath.Join(l.dir, "cc-"+tt.user)}
		if out, err := l.on("member", cache, labUser+"\n", "kinit", tt.user+"@LAB.TEST"); err == nil {
			t.Errorf("%s has a ticket: %s", tt.user, out)
		}
	}
}

// setAttributes sets an attribute of a user in the controller's own database.
const setAttributes = `
import sys, ldb
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.auth import system_session
lp = LoadParm(); lp.load("/etc/samba/smb.conf")
s = SamDB(url="/var/lib/samba/private/sam.ldb", session_info=system_session(), lp=lp)
r = s.search(s.domain_dn(), expression="(sAMAccountName=%s)" % sys.argv[1], attrs=[])[0]
m = ldb.Message(r.dn)
m["a"] = ldb.MessageElement(sys.argv[3], ldb.FLAG_MOD_REPLACE, sys.argv[2])
s.modify(m)
`

// logged is the last line of the log that has all texts; it waits a moment for it.
func (j *joining) logged(texts ...string) (found string) {
	logs := []*logBuffer{j.d.log}
	for _, p := range j.d.apart {
		logs = append(logs, p.log)
	}
	within(2*time.Second, func() bool {
		for _, log := range logs {
			lines := strings.Split(log.String(), "\n")
			for _, line := range slices.Backward(lines) {
				if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
					found = line
					return true
				}
			}
		}
		return false
	})
	return found
}
