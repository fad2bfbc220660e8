//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// impacketInstalled skips where impacket is not.
func impacketInstalled(t testing.TB) {
	t.Helper()
	if err := exec.Command("/usr/bin/python3", "-c", "import impacket").Run(); err != nil {
		t.Skip("impacket is not installed")
	}
}

// impacket finds an example program of impacket and skips where there is none.
func impacket(t testing.TB, name string) (program string, args []string) {
	t.Helper()
	impacketInstalled(t)
	for _, path := range []string{"/usr/share/doc/python3-impacket/examples/" + name + ".py", "/usr/bin/impacket-" + name} {
		if _, err := os.Stat(path); err == nil {
			return "/usr/bin/python3", []string{path}
		}
	}
	t.Skipf("impacket's %s is not installed", name)
	return
}

// impacketIn starts a daemon on port 445 of a network namespace, since impacket's programs know no other, and gives what runs the program there.
func impacketIn(t testing.TB, name string) (*daemon, func(in string, args ...string) (string, error)) {
	t.Helper()
	program, first := impacket(t, name)
	ns := namespace(t)
	d := bootIn(t, ns, "445")
	return d, func(in string, args ...string) (string, error) {
		t.Helper()
		all := append([]string{"netns", "exec", ns, program}, first...)
		return peerInput(t, in, "ip", append(all, args...)...)
	}
}

func TestImpacketSmbclient(t *testing.T) {
	d, run := impacketIn(t, "smbclient")
	d.addData()
	out, err := run("shares\nwho\ninfo\nuse data\nmkdir d\nls\nrmdir d\nexit\n", admin+":"+password+"@127.0.0.1")
	if err != nil {
		t.Errorf("%v", err)
	}
	contains(t, out, "data", "IPC$", "user:", admin, "Version Major")
	if strings.Contains(out, "[-]") || strings.Contains(out, "Traceback") {
		t.Errorf("an error:\n%s", tail(out, 3000))
	}
}

func TestImpacketRpcmap(t *testing.T) {
	_, run := impacketIn(t, "rpcmap")
	out, err := run("", "-auth-rpc", admin+":"+password, "-auth-transport", admin+":"+password, `ncacn_np:127.0.0.1[\pipe\srvsvc]`)
	if err != nil {
		t.Errorf("%v\n%s", err, tail(out, 3000))
	}
	contains(t, strings.ToUpper(out), "4B324FC8-1670-01D3-1278-5A47BF6EE188")
}

func TestImpacketLookupsid(t *testing.T) {
	_, run := impacketIn(t, "lookupsid")
	out, err := run("", admin+":"+password+"@127.0.0.1", "1010")
	if err != nil {
		t.Errorf("%v\n%s", err, tail(out, 3000))
	}
	contains(t, out, "Domain SID is: S-1-5-21-", user)
}

func TestImpacketNetview(t *testing.T) {
	d, run := impacketIn(t, "netview")
	targets := filepath.Join(d.dir, "targets")
	if err := os.WriteFile(targets, []byte("127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := run("", "-targets", targets, "-noloop", admin+":"+password)
	if err != nil {
		t.Errorf("%v", err)
	}
	if strings.Contains(out, "Traceback") || strings.Contains(out, "SessionError") {
		t.Errorf("an error:\n%s", tail(out, 3000))
	}
	contains(t, out, "127.0.0.1", admin)
}
