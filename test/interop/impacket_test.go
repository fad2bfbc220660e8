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

func TestImpacketSmbclient(t *testing.T) {
	program, args := impacket(t, "smbclient")
	d := start(t)
	args = append(args, "-port", d.port, admin+":"+password+"@127.0.0.1")
	out, err := peerInput(t, "shares\nwho\ninfo\nuse data\nmkdir d\nls\nrmdir d\nexit\n", program, args...)
	if err != nil {
		t.Errorf("%v", err)
	}
	contains(t, out, "data", "IPC$", "user:", admin, "Version Major")
	if strings.Contains(out, "[-]") || strings.Contains(out, "Traceback") {
		t.Errorf("an error:\n%s", tail(out, 3000))
	}
}

func TestImpacketRpcmap(t *testing.T) {
	program, args := impacket(t, "rpcmap")
	d := start(t)
	args = append(args, "-port", d.port, "-target-ip", "127.0.0.1", "-auth-rpc", admin+":"+password, "-auth-transport", admin+":"+password, `ncacn_np:127.0.0.1[\pipe\srvsvc]`)
	out, err := peer(t, program, args...)
	if err != nil {
		t.Errorf("%v\n%s", err, tail(out, 3000))
	}
	contains(t, strings.ToUpper(out), "4B324FC8-1670-01D3-1278-5A47BF6EE188")
}

func TestImpacketLookupsid(t *testing.T) {
	program, args := impacket(t, "lookupsid")
	d := start(t)
	out, err := peer(t, program, append(args, "-port", d.port, admin+":"+password+"@127.0.0.1", "1010")...)
	if err != nil {
		t.Errorf("%v\n%s", err, tail(out, 3000))
	}
	contains(t, out, "Domain SID is: S-1-5-21-", user)
}

// TestImpacketNetview needs port 445: the program knows no other.
func TestImpacketNetview(t *testing.T) {
	program, args := impacket(t, "netview")
	ns := namespace(t)
	d := bootIn(t, ns, "445")
	d.addData()
	targets := filepath.Join(d.dir, "targets")
	if err := os.WriteFile(targets, []byte("127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"netns", "exec", ns, program}, args...)
	out, err := peer(t, "ip", append(args, "-targets", targets, "-noloop", admin+":"+password)...)
	if err != nil {
		t.Errorf("%v", err)
	}
	if strings.Contains(out, "Traceback") || strings.Contains(out, "[-]") {
		t.Errorf("an error:\n%s", tail(out, 3000))
	}
	contains(t, out, "127.0.0.1", admin)
}
