package srv_test

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lwio/iomgr/drivers/srv"
)

// peer finds a program of Samba's or skips the test by its name.
func peer(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// run runs a peer against the server.
func (e *env) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, port, err := net.SplitHostPort(e.addr)
	if err != nil {
		t.Fatal(err)
	}
	args = append(args, "-p", port, "-U", "tester%"+passwords["tester"], "--configfile=/dev/null")
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return string(out), err
}

func peerEnv(t *testing.T) *env {
	e := newEnv(t, func(c *srv.Config) { c.Shares = newTable(share("data", t.TempDir())) })
	for _, name := range []string{"srvsvc", "lsarpc"} {
		e.listen(name, silent)
	}
	return e
}

func TestSmbclient(t *testing.T) {
	smbclient := peer(t, "smbclient")
	e := peerEnv(t)
	for _, dialect := range []string{"SMB2_02", "SMB2_10", "SMB3_00", "SMB3_02", "SMB3_11"} {
		for _, protection := range []string{"sign", "encrypt"} {
			if protection == "encrypt" && strings.HasPrefix(dialect, "SMB2") {
				continue
			}
			args := []string{"-m", dialect, "--client-protection=" + protection}
			if out, err := e.run(t, smbclient, append(args, "//127.0.0.1/IPC$", "-c", "exit")...); err != nil {
				t.Errorf("%s %s: %v\n%s", dialect, protection, err, out)
			}
			local := filepath.Join(t.TempDir(), "got")
			script := "mkdir d; put /proc/version d/v; rename d/v d/w; get d/w " + local + "; allinfo d/w; del d/w; rmdir d; ls"
			if out, err := e.run(t, smbclient, append(args, "//127.0.0.1/data", "-c", script)...); err != nil || strings.Contains(out, "NT_STATUS_ACCESS_DENIED") {
				t.Errorf("%s %s: %v\n%s", dialect, protection, err, out)
			}
		}
	}
	if out, err := e.run(t, smbclient, "//127.0.0.1/none", "-c", "exit"); err == nil || !strings.Contains(out, "NT_STATUS_BAD_NETWORK_NAME") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestSmbtorture runs the leaves of Samba's own tests that need no more than pipes and plain files.
func TestSmbtorture(t *testing.T) {
	smbtorture := peer(t, "smbtorture")
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	e := peerEnv(t)
	for _, leaf := range []string{
		"smb2.connect", "smb2.tcon", "smb2.session-id", "smb2.credits",
		"rpc.samba3.smb2-pipe-name", "rpc.samba3.smb2-pipe-read-close", "rpc.samba3.smb2-pipe-read-tdis", "rpc.samba3.smb2-pipe-read-logoff",
		"smb2.compound.related1", "smb2.compound.related2", "smb2.compound.related5", "smb2.compound.related6", "smb2.compound.related8",
		"smb2.compound.related9", "smb2.compound.unrelated1", "smb2.compound.invalid1", "smb2.compound.invalid2", "smb2.compound.invalid3",
		"smb2.compound.create-write-close",
	} {
		if out, err := e.run(t, smbtorture, "//127.0.0.1/data", leaf); err != nil || !strings.Contains(out, "success: ") {
			t.Errorf("%s: %v\n%s", leaf, err, out)
		}
	}
}
