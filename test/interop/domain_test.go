//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	labHost       = "ours.lab.test"
	labController = "dc1.lab.test"
)

// TestDomain has a domain: clients of it against our server, our client against its controller.
func TestDomain(t *testing.T) {
	for _, p := range []string{"samba", "samba-tool", "kinit", "smbclient", "rpcclient", "ip", "nsenter"} {
		need(t, p)
	}
	l := newLab(t)
	d := l.server()
	alice, carol := l.kinit(t, "member", "alice"), l.kinit(t, "member", "carol")
	t.Run("clients", func(t *testing.T) { l.clients(t, d, alice, carol) })
	t.Run("controller", func(t *testing.T) { l.controller(t, alice) })
	t.Run("ourselves", func(t *testing.T) { l.ourselves(t, alice) })
	t.Run("page", func(t *testing.T) { l.page(t, d, alice) })
	t.Run("shares", func(t *testing.T) { l.shares(t, alice) })
	t.Run("fallback", func(t *testing.T) { l.fallback(t) })
	t.Run("expiry", func(t *testing.T) { l.expiry(t) })
	t.Run("no NTLM", func(t *testing.T) { l.noNTLM(t, d, alice) })
}

// server starts lwiod on the host ours, with the keytab of its machine account there, and the share data.
func (l *lab) server(args ...string) *daemon {
	d := &daemon{t: l.t, dir: filepath.Join(l.dir, "srv"), port: "445", addr: l.env["LAB_ADDR_OURS"], enter: []string{filepath.Join(l.dir, "bin", "ours")}, args: args}
	if err := os.Mkdir(d.dir, 0o755); err != nil {
		l.t.Fatal(err)
	}
	d.boot()
	d.addData()
	return d
}

// must runs a program on a host, which has to succeed.
func (l *lab) must(t testing.TB, host string, env []string, program string, args ...string) string {
	t.Helper()
	out, err := l.on(host, env, "", program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, tail(out, 3000))
	}
	return out
}

// ccacheOf is the cache's path as smbclient's option wants it.
func ccacheOf(env []string) string {
	return "--use-krb5-ccache=" + strings.TrimPrefix(env[0], "KRB5CCNAME=FILE:")
}

// clients are Samba's, with Kerberos.
func (l *lab) clients(t *testing.T, d *daemon, alice, carol []string) {
	for _, level := range []string{"", "[connect]", "[sign]", "[seal]", "[krb5,sign]", "[krb5,seal]", "[spnego,sign]", "[spnego,seal]"} {
		out := l.must(t, "member", alice, "rpcclient", ccacheOf(alice), "ncacn_np:"+labHost+level, "-c", "getusername")
		contains(t, out, "Account Name: alice, Authority Name: LAB")
	}
	for _, protocol := range []string{"SMB2_02", "SMB2_10", "SMB3_00", "SMB3_11"} {
		out := l.must(t, "member", alice, "smbclient", ccacheOf(alice), "//"+labHost+"/data", "-m", protocol, "-c", "put /etc/hosts h; get h "+filepath.Join(l.dir, "h")+"; del h")
		contains(t, out, "putting file")
		got, err := os.ReadFile(filepath.Join(l.dir, "h"))
		if err != nil || len(got) == 0 {
			t.Errorf("%s: what came back: %v", protocol, err)
		}
	}
	l.must(t, "member", alice, "smbclient", ccacheOf(alice), "//"+labHost+"/data", "--client-protection=encrypt", "-c", "ls")
	// Whoever administers the domain administers its members; a user does not.
	out, _ := l.on("member", alice, "", "rpcclient", ccacheOf(alice), "ncacn_np:"+labHost, "-c", "netshareadd "+d.dir+" byalice 10 x")
	contains(t, out, "WERR_ACCESS_DENIED")
	l.must(t, "member", carol, "rpcclient", ccacheOf(carol), "ncacn_np:"+labHost, "-c", "netshareadd "+d.dir+" bycarol 10 x")
	contains(t, d.lwio("", "share", "list"), "bycarol")
	contains(t, d.lwio("", "session", "list")+d.log.String(), "Kerberos")
}

// controller is Samba's, called by our client with alice's ticket: plain, signed, sealed, over SMB that is encrypted, by Kerberos alone.
func (l *lab) controller(t *testing.T, alice []string) {
	domain := l.env["LAB_DOMAIN_SID"]
	for name, args := range map[string][]string{
		"plain":     {"ncacn_np:" + labController + `[\pipe\lsarpc]`},
		"signed":    {"ncacn_np:" + labController + `[\pipe\lsarpc,sign]`},
		"sealed":    {"ncacn_np:" + labController + `[\pipe\lsarpc,seal]`},
		"krb5":      {"ncacn_np:" + labController + `[\pipe\lsarpc,krb5,seal]`},
		"encrypted": {"--encrypt", "ncacn_np:" + labController + `[\pipe\lsarpc]`},
	} {
		t.Run(name, func(t *testing.T) {
			out := l.must(t, "member", alice, bin(t, "lwio"), append(append([]string{"rpc", "call", "--no-ntlm", "--auth", "kerberos"}, args...), "lsarpc",
				"LsarOpenPolicy2", `{"DesiredAccess": "0x02000000"}`,
				"LsarQueryInformationPolicy2", `{"PolicyHandle": "$1.PolicyHandle", "InformationClass": 12}`,
				"LsarLookupSids2", `{"PolicyHandle": "$1.PolicyHandle", "SidEnumBuffer": {"Entries": 1, "SidInfo": [{"Sid": "`+domain+`-500"}]}, "LookupLevel": 1}`)...)
			contains(t, out, domain, "lab.test", "Administrator")
		})
	}
	out := l.must(t, "member", alice, bin(t, "lwio"), "rpc", "call", "ncacn_np:"+labController, "srvsvc", "NetrShareEnum", `{"InfoStruct": {"Level": 1, "ShareInfo": {"Level1": {}}}, "PreferedMaximumLength": "0xffffffff"}`)
	contains(t, out, "sysvol", "netlogon", "enc")
	contains(t, l.must(t, "member", alice, bin(t, "lwio"), "rpc", "ifs", "ncacn_np:"+labController+`[\pipe\lsarpc]`), "12345778-1234-abcd-ef00-0123456789ab", "lsarpc")
}

// ourselves are called by our own client, from another host.
func (l *lab) ourselves(t *testing.T, alice []string) {
	for _, level := range []string{"", ",sign", ",seal", ",krb5,sign", ",krb5,seal"} {
		out := l.must(t, "member", alice, bin(t, "lwio"), "rpc", "call", "--no-ntlm", "ncacn_np:"+labHost+`[\pipe\lsarpc`+level+"]", "lsarpc", "LsarGetUserName", `{"DomainName": ""}`)
		contains(t, out, "alice", "LAB")
	}
}

// fallback: to an address there is no ticket; NTLM serves, unless it may not.
func (l *lab) fallback(t *testing.T) {
	address := l.env["LAB_DC_ADDR"]
	run := func(args ...string) (string, error) {
		return l.on("member", []string{"KRB5CCNAME=FILE:" + filepath.Join(l.dir, "none")}, labUser+"\n", bin(t, "lwio"), append([]string{"rpc", "--password-stdin", "--user", `LAB\alice`}, args...)...)
	}
	if out, err := run("ping", "ncacn_np:"+address+`[\pipe\lsarpc]`); err != nil {
		t.Errorf("by address: %v\n%s", err, out)
	}
	out, err := run("--no-ntlm", "ping", "ncacn_np:"+address+`[\pipe\lsarpc]`)
	if err == nil {
		t.Errorf("by address without NTLM:\n%s", out)
	}
	contains(t, out, "hint:")
}

// noNTLM: where the policy says so nobody logs on without a ticket.
func (l *lab) noNTLM(t *testing.T, d *daemon, alice []string) {
	config := filepath.Join(d.dir, "no-ntlm.toml")
	if err := os.WriteFile(config, []byte("[smb]\nntlm = \"off\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.lwio(password, "user", "add", "dave", "--password-stdin")
	if out, err := l.on("member", nil, "", "smbclient", "//"+labHost+"/data", "-U", "dave%"+password, "-c", "ls"); err != nil {
		t.Errorf("NTLM before: %v\n%s", err, out)
	}
	d.stop()
	d.args = append(d.args, "--config", config)
	d.run()
	out, err := l.on("member", nil, "", "smbclient", "//"+labHost+"/data", "-U", "dave%"+password, "-c", "ls")
	if err == nil {
		t.Errorf("NTLM is taken:\n%s", out)
	}
	contains(t, out, "NT_STATUS_")
	l.must(t, "member", alice, "smbclient", ccacheOf(alice), "//"+labHost+"/data", "-c", "ls")
}

// page takes the page about clients at its word: its program in an empty module, with a redirector of its own and over ipc with lwiod's.
func (l *lab) page(t *testing.T, d *daemon, alice []string) {
	programs := blocks(t, "client.md", "go")
	if len(programs) != 1 {
		t.Fatalf("docs/client.md has %d programs", len(programs))
	}
	if n := strings.Count(programs[0], "\n"); n > 40 {
		t.Errorf("the program of the page is %d lines", n)
	}
	m := newModule(t)
	m.write("main.go", programs[0])
	program := filepath.Join(l.dir, "whoami")
	m.run("go", "build", "-o", program, ".")
	for _, host := range []string{labController, labHost} {
		contains(t, l.must(t, "member", alice, program, host), "alice")
	}
	ours := l.kinit(t, "ours", "alice")
	contains(t, l.must(t, "ours", append(ours, "LWIO_SOCKET="+d.socket), program, labController), "alice")
}

// expiry is what smbtorture has of sessions whose tickets are valid for seconds; without Kerberos these leaves skip themselves.
func (l *lab) expiry(t *testing.T) {
	need(t, "smbtorture")
	for _, leaf := range []string{"expire1n", "expire1s", "expire1e", "expire2s", "expire2e", "expire_disconnect"} {
		t.Run(leaf, func(t *testing.T) {
			t.Parallel()
			out, err := l.on("member", nil, "", "smbtorture", "//"+labHost+"/data", "--use-kerberos=required", "-U", "alice@LAB.TEST%"+labUser, "--target=samba3",
				"smb2.session."+leaf)
			if err != nil || !strings.Contains(out, "success: "+leaf) {
				t.Errorf("%v\n%s", err, tail(out, 3000))
			}
		})
	}
}

// shares are the controller's, and ours: files through the redirector with Kerberos alone, signed and sealed.
func (l *lab) shares(t *testing.T, alice []string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for share, env := range map[string][]string{`dc1.lab.test\data`: alice, `dc1.lab.test\enc`: alice, `ours.lab.test\data`: alice} {
		out := l.must(t, "member", append(env, "LWIO_LAB_SHARE="+share), self, "-test.run=^TestLabShare$", "-test.v")
		contains(t, out, "PASS: TestLabShare/ReadWrite", "PASS: TestLabShare/Locks")
	}
}
