//go:build interop

package interop

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const labSID = "S-1-5-21-1004336348-1177238915-682003330"

// TestJoin makes the host ours a member of a domain by lwio, as an administrator and as a user to whom computers are delegated, and has clients of the domain reach it.
func TestJoin(t *testing.T) {
	for _, p := range []string{"samba", "samba-tool", "kinit", "smbclient", "rpcclient", "ip", "nsenter"} {
		need(t, p)
	}
	l := newLab(t)
	// What ad-machine.sh made is an account that somebody else knows the password of; here it is the join that makes the keytab.
	if err := os.WriteFile(l.env["LAB_KEYTAB_OURS"], []byte{5, 2}, 0o600); err != nil {
		t.Fatal(err)
	}
	d := l.server("--log-level", "debug")
	j := &joining{l: l, d: d}
	t.Run("refusals", j.refusals)
	t.Run("pre-created", func(t *testing.T) { j.life(t, "Administrator", labAdmin) })
	t.Run("logons", j.logons)
	t.Run("names", j.names)
	t.Run("rotation", j.rotation)
	t.Run("cut off", j.cutOff)
	t.Run("controller away", j.away)
	t.Run("leave", func(t *testing.T) { j.leave(t, "Administrator", labAdmin, true) })
	t.Run("delegated", func(t *testing.T) { j.life(t, "joiner", labUser) })
	t.Run("logons after", j.logons)
	t.Run("rotation after", j.rotation)
	t.Run("soft leave", func(t *testing.T) { j.leave(t, "joiner", labUser, false) })
	for _, secret := range []string{labAdmin, labUser} {
		if j.logged(secret) != "" {
			t.Error("a password is in the log")
		}
	}
}

type joining struct {
	l *lab
	d *daemon
}

// lwio runs the command on the host.
func (j *joining) lwio(in string, args ...string) (string, error) {
	return j.l.on("ours", []string{"LWIO_SOCKET=" + j.d.socket}, in, bin(j.l.t, "lwio"), args...)
}

func (j *joining) must(t *testing.T, in string, args ...string) string {
	t.Helper()
	out, err := j.lwio(in, args...)
	if err != nil {
		t.Fatalf("lwio %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// tool asks the controller itself.
func (j *joining) tool(t *testing.T, args ...string) string {
	t.Helper()
	return j.l.must(t, "dc", nil, "samba-tool", args...)
}

// version is that of the machine's key, as the daemon knows it.
func (j *joining) version(t *testing.T) int {
	t.Helper()
	var s struct {
		KVNO     int  `json:"kvno"`
		Changing bool `json:"changing"`
	}
	if err := json.Unmarshal([]byte(j.must(t, "", "domain", "status", "--json")), &s); err != nil {
		t.Fatal(err)
	}
	if s.Changing {
		t.Error("a change of the password is not settled")
	}
	return s.KVNO
}

// refusals name what failed and what to do, and change nothing.
func (j *joining) refusals(t *testing.T) {
	for _, tt := range []struct {
		name, in, stage string
		args            []string
	}{
		{"no such domain", labAdmin, "dns", []string{"NOWHERE.TEST", "--user", "Administrator"}},
		{"wrong password", "wrong", "permission", []string{"LAB.TEST", "--user", "Administrator"}},
		{"no such user", labUser, "permission", []string{"LAB.TEST", "--user", "nobody"}},
		{"disabled user", labUser, "permission", []string{"LAB.TEST", "--user", "locked"}},
		{"no right", labUser, "permission", []string{"LAB.TEST", "--user", "alice"}},
		{"no such controller", labAdmin, "network", []string{"LAB.TEST", "--user", "Administrator", "--controller", "member.lab.test"}},
	} {
		out, err := j.lwio(tt.in+"\n", append([]string{"domain", "join", "--password-stdin"}, tt.args...)...)
		if err == nil || !strings.Contains(out, "failed at "+tt.stage) || !strings.Contains(out, "hint:") {
			t.Errorf("%s: want a failure at %s with a hint: %v\n%s", tt.name, tt.stage, err, out)
		}
	}
	if out, err := j.lwio("", "domain", "status"); err == nil || !strings.Contains(out, "in no domain") {
		t.Errorf("after refusals: %s", out)
	}
	j.must(t, labAdmin+"\n", "domain", "join", "LAB.TEST", "--user", "Administrator", "--password-stdin", "--dry-run")
	if out, err := j.lwio("", "domain", "status"); err == nil {
		t.Errorf("after a dry run: %s", out)
	}
}

// life is a join, twice, and what looks at it.
func (j *joining) life(t *testing.T, user, password string) {
	for range 2 { // the second takes over what the first made
		out := j.must(t, password+"\n", "domain", "join", "LAB.TEST", "--user", user, "--password-stdin")
		contains(t, out, "account OURS$", "signed and sealed with AES", "as they should be", "encrypted with aes256-cts-hmac-sha1-96")
	}
	contains(t, j.must(t, "", "domain", "status"), "LAB.TEST", labSID, "OURS$", "ours.lab.test")
	contains(t, j.must(t, "", "domain", "verify"), "OURS$ logs on", "secure channel")
	if out, err := j.lwio("", "doctor"); err != nil {
		t.Errorf("doctor in a domain: %v\n%s", err, out)
	} else {
		contains(t, strings.Join(strings.Fields(out), " "), "DNS of the domain ok controller", "time of the KDC ok", "machine account ok OURS$ logs on", "secure channel ok", "keytab's account ok")
	}
	contains(t, j.must(t, "", "domain", "dc-list"), labController, "closest")
	contains(t, j.must(t, "", "domain", "id", `LAB\alice`), labSID+"-1103", "user")
	contains(t, j.must(t, "", "domain", "id", labSID+"-512"), `LAB\Domain Admins`, "group")
	contains(t, j.tool(t, "computer", "show", "OURS"), "dNSHostName: ours.lab.test", "servicePrincipalName: HOST/ours.lab.test", "servicePrincipalName: cifs/OURS", "msDS-SupportedEncryptionTypes: 24", "userAccountControl: 4096")
	st, err := os.Stat(j.l.env["LAB_KEYTAB_OURS"])
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("keytab: %v", err)
	}
}

// logons are of users of the domain, with Kerberos and NTLM, from two hosts.
func (j *joining) logons(t *testing.T) {
	l := j.l
	for _, user := range []string{"alice", "carol"} {
		for _, from := range []string{"member", "dc"} {
			out := l.must(t, from, nil, "smbclient", "//"+labHost+"/data", "-U", `LAB\`+user+"%"+labUser, "--use-kerberos=off", "-c", "put /etc/hosts "+user+"; ls")
			contains(t, out, "putting file")
		}
		env := l.kinit(t, "member", user)
		l.must(t, "member", env, "smbclient", ccacheOf(env), "//"+labHost+"/data", "-c", "ls")
		for _, level := range []string{"", "[sign]", "[seal]", "[krb5,seal]"} {
			contains(t, l.must(t, "member", env, "rpcclient", ccacheOf(env), "ncacn_np:"+labHost+level, "-c", "getusername"), "Account Name: "+user+", Authority Name: LAB")
		}
		contains(t, l.must(t, "member", nil, "rpcclient", "ncacn_np:"+labHost+"[seal]", "-U", `LAB\`+user+"%"+labUser, "--use-kerberos=off", "-c", "getusername"),
			"Account Name: "+user+", Authority Name: LAB")
	}
	for credential, want := range map[string]string{`LAB\locked%` + labUser: "NT_STATUS_ACCOUNT_DISABLED", `LAB\alice%wrong`: "NT_STATUS_LOGON_FAILURE", `LAB\nobody%` + labUser: "NT_STATUS_LOGON_FAILURE",
		`OURS\alice%` + labUser: "NT_STATUS_LOGON_FAILURE"} {
		out, err := l.on("member", nil, "", "smbclient", "//"+labHost+"/data", "-U", credential, "--use-kerberos=off", "-c", "ls")
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: want %s: %s", credential, want, out)
		}
	}
	// Local accounts stay what they are, whatever the client calls the domain.
	j.lwio(password, "user", "add", "dora", "--password-stdin")
	for _, name := range []string{`OURS\dora`, `WORKGROUP\dora`} {
		l.must(t, "member", nil, "smbclient", "//"+labHost+"/data", "-U", name+"%"+password, "--use-kerberos=off", "-c", "ls")
	}
	// Domain Admins administer the host, others do not, by either mechanism.
	out, _ := l.on("member", nil, "", "rpcclient", "ncacn_np:"+labHost, "-U", `LAB\alice%`+labUser, "--use-kerberos=off", "-c", "netsharegetinfo data 502")
	contains(t, out, "WERR_ACCESS_DENIED")
	contains(t, l.must(t, "member", nil, "rpcclient", "ncacn_np:"+labHost, "-U", `LAB\carol%`+labUser, "--use-kerberos=off", "-c", "netsharegetinfo data 502"), "data")
}

// names are the domain's, through our lsarpc.
func (j *joining) names(t *testing.T) {
	out := j.l.must(t, "member", nil, "rpcclient", "ncacn_np:"+labHost, "-U", `LAB\alice%`+labUser, "--use-kerberos=off", "-c",
		`lookupnames LAB\\bob "LAB\\Domain Users"; lookupsids `+labSID+`-500 `+labSID+`-99999 S-1-5-32-544; lsaquery`)
	contains(t, out, labSID+"-1104 (User: 1)", `LAB\Administrator (1)`, `BUILTIN\Administrators (4)`, "Domain Sid: "+labSID)
	env := j.l.kinit(t, "ours", "alice")
	out = j.l.must(t, "ours", env, bin(t, "lwio"), "acl", `\\`+labHost+`\data\alice`)
	contains(t, out, `LAB\alice`)
}

// rotation changes the password twice; the controller agrees, and tickets from before are good.
func (j *joining) rotation(t *testing.T) {
	env := j.l.kinit(t, "member", "alice")
	j.l.must(t, "member", env, "smbclient", ccacheOf(env), "//"+labHost+"/data", "-c", "ls") // has a ticket from now on
	before := j.version(t)
	for i := range 2 {
		j.must(t, "", "domain", "rotate-password")
		if got := j.version(t); got != before+i+1 {
			t.Errorf("version %d after %d changes of %d", got, i+1, before)
		}
		if i == 0 {
			j.l.must(t, "member", env, "smbclient", ccacheOf(env), "//"+labHost+"/data", "-c", "ls")
		}
	}
	j.must(t, "", "domain", "verify")
	env = j.l.kinit(t, "member", "carol")
	j.l.must(t, "member", env, "smbclient", ccacheOf(env), "//"+labHost+"/data", "-c", "ls")
	contains(t, j.tool(t, "computer", "show", "OURS", "--attributes=msDS-KeyVersionNumber"), "msDS-KeyVersionNumber: "+strconv.Itoa(before+2))
}

// cutOff kills the daemon in the middle of changes of the password, at whatever step it is then.
func (j *joining) cutOff(t *testing.T) {
	for i := range 6 {
		args := append(append([]string{}, j.d.enter...), bin(t, "lwio"), "domain", "rotate-password")
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "LWIO_SOCKET="+j.d.socket)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.NewTimer(time.Duration(25+i*45) * time.Millisecond) // what is under way then differs with the load: every step has to do
		<-timer.C
		j.crash(t)
		_ = cmd.Wait() // fails, or has done it
		j.must(t, "", "domain", "verify")
		j.l.must(t, "member", nil, "smbclient", "//"+labHost+"/data", "-U", `LAB\alice%`+labUser, "--use-kerberos=off", "-c", "ls")
	}
	j.must(t, "", "domain", "rotate-password")
	j.version(t)
}

// crash kills the daemon that has the membership, and starts it again.
func (j *joining) crash(t *testing.T) {
	t.Helper()
	for _, p := range j.d.apart {
		if p.name == "lsassd" {
			killDaemon(t, j.d, "lsassd")
			_ = p.cmd.Wait()
			p.start()
			j.d.awaitPipes("domain", "authority", "lsarpc")
			return
		}
	}
	killDaemon(t, j.d, "lwiod")
	_ = j.d.cmd.Wait()
	j.d.run()
}

// killDaemon ends a daemon with no chance to do anything more.
func killDaemon(t *testing.T, d *daemon, name string) {
	t.Helper()
	pids, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pids { // what runs it on the host may be its parent
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", p.Name(), "cmdline"))
		if err == nil && strings.HasPrefix(string(line), bin(t, name)+"\x00") && strings.Contains(string(line), d.socket) {
			if proc, err := os.FindProcess(pid); err == nil {
				_ = proc.Kill()
			}
		}
	}
}

// away takes the controller's address from the host: what needs no controller goes on, the rest is refused in time and comes back by itself.
func (j *joining) away(t *testing.T) {
	l, dc := j.l, j.l.env["LAB_DC_ADDR"]
	alice := l.kinit(t, "member", "alice")
	ls := func() (string, error) {
		return l.on("member", nil, "", "smbclient", "//"+labHost+"/data", "-U", `LAB\bob%`+labUser, "--use-kerberos=off", "-c", "ls")
	}
	if out, err := ls(); err != nil {
		t.Fatalf("before: %v\n%s", err, out)
	}
	l.must(t, "ours", nil, "ip", "route", "add", "blackhole", dc+"/32")
	back := func() { l.on("ours", nil, "", "ip", "route", "del", "blackhole", dc+"/32") }
	t.Cleanup(back)
	for range 2 {
		began := time.Now()
		if out, err := ls(); err == nil || !strings.Contains(out, "NT_STATUS_NO_LOGON_SERVERS") {
			t.Errorf("NTLM: %v\n%s", err, out)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("refused after %v", took)
		}
	}
	l.must(t, "member", alice, "smbclient", ccacheOf(alice), "//"+labHost+"/data", "-c", "ls")
	if out, err := j.lwio("", "domain", "verify"); err == nil || !strings.Contains(out, "hint:") {
		t.Errorf("verify: %v\n%s", err, out)
	}
	back()
	deadline := time.Now().Add(30 * time.Second)
	for {
		out, err := ls()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not come back: %v\n%s", err, out)
		}
	}
	j.must(t, "", "domain", "verify")
}

// leave ends the membership.
func (j *joining) leave(t *testing.T, user, password string, remove bool) {
	args := []string{"domain", "leave", "--user", user, "--password-stdin"}
	if remove {
		args = append(args, "--delete")
	}
	j.must(t, password+"\n", args...)
	if out, err := j.lwio("", "domain", "status"); err == nil {
		t.Errorf("after it: %s", out)
	}
	if remove {
		if out := j.tool(t, "computer", "list"); strings.Contains(out, "OURS$") {
			t.Errorf("the account is there: %s", out)
		}
	} else {
		contains(t, j.tool(t, "computer", "show", "OURS"), "userAccountControl: 4098")
	}
	if out, err := j.l.on("member", nil, "", "smbclient", "//"+labHost+"/data", "-U", `LAB\alice%`+labUser, "--use-kerberos=off", "-c", "ls"); err == nil {
		t.Errorf("a user of the domain logs on: %s", out)
	}
	j.l.must(t, "member", nil, "smbclient", "//"+labHost+"/data", "-U", `OURS\dora%Passw0rd.1`, "--use-kerberos=off", "-c", "ls")
}
