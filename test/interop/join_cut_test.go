//go:build interop

package interop

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestJoinCut has the controller die before each message of a join and of a change of the password, and has it hang at some: what is run again afterwards succeeds, and the
// machine's account works.
func TestJoinCut(t *testing.T) {
	for _, p := range []string{"samba", "samba-tool", "kinit", "smbclient", "ip", "nsenter"} {
		need(t, p)
	}
	l := newLab(t)
	if err := os.WriteFile(l.env["LAB_KEYTAB_OURS"], []byte{5, 2}, 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMiddle(t, l)
	j := &joining{l: l, d: l.server()}
	join := []string{"domain", "join", "LAB.TEST", "--user", "joiner", "--password-stdin"}
	leave := []string{"domain", "leave", "--user", "Administrator", "--password-stdin", "--delete"}

	m.pass(0, false)
	j.must(t, labAdmin+"\n", "domain", "join", "LAB.TEST", "--user", "Administrator", "--password-stdin") // over the account that the lab made
	j.must(t, labAdmin+"\n", leave...)
	m.pass(0, false)
	j.must(t, labUser+"\n", join...)
	whole := m.count()
	t.Logf("a join is %d messages", whole)
	if whole < 40 {
		t.Fatalf("a join of %d messages is none", whole)
	}
	step := 1
	if apart {
		step = 3 // what is different then has nothing to do with the messages
	}
	works := func(t *testing.T) {
		t.Helper()
		contains(t, j.must(t, "", "domain", "verify"), "OURS$ logs on")
	}
	works(t)
	refused := func(t *testing.T, n int, out string, err error) {
		t.Helper()
		if err == nil {
			return // what was lost was not needed: LDAP, or a handle that was to be closed
		}
		if !strings.Contains(out, "failed at") || !strings.Contains(out, "hint:") {
			t.Errorf("message %d: it is not said what failed and what to do:\n%s", n, out)
		}
	}
	t.Run("join", func(t *testing.T) {
		failed := 0
		for n := 1; n <= whole; n += step {
			m.pass(0, false)
			if _, err := j.lwio("", "domain", "status"); err == nil {
				j.must(t, labAdmin+"\n", leave...)
			}
			m.pass(n, false)
			out, err := j.lwio(labUser+"\n", join...)
			refused(t, n, out, err)
			if err != nil {
				failed++
			}
			m.pass(0, false)
			if out, err := j.lwio(labUser+"\n", join...); err != nil {
				t.Fatalf("again, after message %d was lost: %v\n%s", n, err, out)
			}
			if n%8 < step {
				works(t)
			}
		}
		if failed < whole/step/2 {
			t.Errorf("%d of %d joins failed that were cut off", failed, whole)
		}
		works(t)
	})
	t.Run("rotation", func(t *testing.T) {
		m.pass(0, false)
		before := j.version(t)
		j.must(t, "", "domain", "rotate-password")
		whole := m.count()
		t.Logf("a change of the password is %d messages", whole)
		for n := 1; n <= whole; n += step {
			m.pass(n, false)
			out, err := j.lwio("", "domain", "rotate-password")
			refused(t, n, out, err)
			m.pass(0, false)
			works(t)
			if n%4 < step {
				j.must(t, "", "domain", "rotate-password")
			}
		}
		after := j.version(t)
		if after <= before+whole/step/4 {
			t.Errorf("version %d after many changes of version %d", after, before)
		}
		contains(t, j.tool(t, "computer", "show", "OURS", "--attributes=msDS-KeyVersionNumber"), "msDS-KeyVersionNumber: "+strconv.Itoa(after))
	})
	t.Run("silence", func(t *testing.T) {
		for name, c := range map[string]struct {
			at   int
			in   string
			args []string
		}{"join": {whole / 2, labUser + "\n", join}, "rotation": {12, "", []string{"domain", "rotate-password"}}} {
			m.pass(c.at, true)
			began := time.Now()
			out, err := j.lwio(c.in, c.args...)
			if err == nil || !strings.Contains(out, "failed at") {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
			if took := time.Since(began); took > 50*time.Second {
				t.Errorf("%s: it took %v", name, took)
			}
			m.pass(0, false)
			j.must(t, c.in, c.args...)
			works(t)
		}
	})
	t.Run("no LDAP", func(t *testing.T) {
		j.must(t, labAdmin+"\n", leave...)
		m.ldap(false)
		defer m.ldap(true)
		if out, err := j.lwio(labUser+"\n", append(join, "--ou", "Lab")...); err == nil || !strings.Contains(out, "failed at network") || !strings.Contains(out, "389") {
			t.Errorf("an organizational unit without LDAP: %v\n%s", err, out)
		}
		contains(t, j.must(t, labUser+"\n", join...), "LDAP of dc1.lab.test cannot be used", "msDS-SupportedEncryptionTypes")
		contains(t, j.must(t, "", "domain", "status"), "LDAP could not be reached")
		contains(t, j.tool(t, "computer", "show", "OURS"), "dNSHostName: ours.lab.test", "servicePrincipalName: HOST/ours.lab.test", "CN=OURS,CN=Computers")
		works(t)
		alice := l.kinit(t, "member", "alice")
		l.must(t, "member", alice, "smbclient", ccacheOf(alice), "//"+labHost+"/data", "-c", "ls")
	})
	t.Run("organizational unit", func(t *testing.T) {
		if out, err := j.lwio(labUser+"\n", append(join, "--ou", "OU=Nowhere")...); err == nil || !strings.Contains(out, "hint: check the name") {
			t.Errorf("one that there is not: %v\n%s", err, out)
		}
		contains(t, j.must(t, labUser+"\n", append(join, "--ou", "Lab", "--dry-run")...), "would be in OU=Lab", "would be taken over")
		contains(t, j.must(t, labAdmin+"\n", "domain", "join", "LAB.TEST", "--user", "Administrator", "--password-stdin", "--ou", "Lab"), "moved to OU=Lab,DC=lab,DC=test")
		j.must(t, labAdmin+"\n", leave...)
		contains(t, j.must(t, labUser+"\n", append(join, "--ou", "OU=Lab")...), "made in OU=Lab,DC=lab,DC=test", "as they should be", "aes256-cts")
		contains(t, j.tool(t, "computer", "show", "OURS"), "CN=OURS,OU=Lab", "msDS-SupportedEncryptionTypes: 24", "servicePrincipalName: cifs/ours.lab.test", "servicePrincipalName: RestrictedKrbHost/OURS",
			"servicePrincipalName: HOST/OURS", "dNSHostName: ours.lab.test", "operatingSystem: lwio", "userAccountControl: 4096")
		contains(t, j.must(t, "", "domain", "verify"), "as they should be")
		j.tool(t, "spn", "delete", "cifs/OURS", "OURS$")
		contains(t, j.must(t, "", "domain", "verify"), "lacking in the directory: servicePrincipalName cifs/OURS")
		contains(t, j.must(t, "", "domain", "status"), "lacks servicePrincipalName cifs/OURS")
		j.must(t, labUser+"\n", join...)
		contains(t, j.must(t, "", "domain", "status"), "as it should be")
	})
	contains(t, l.must(t, "member", nil, "smbclient", "//"+labHost+"/data", "-U", `LAB\alice%`+labUser, "--use-kerberos=off", "-c", "ls"), "blocks")
	alice := l.kinit(t, "member", "alice")
	l.must(t, "member", alice, "smbclient", ccacheOf(alice), "//"+labHost+"/data", "-c", "ls")
}
