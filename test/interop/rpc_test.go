//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rpcConfig serves RPC over TCP, as an administrator would configure it.
const rpcConfig = `
[smb]
signing = "enabled"
[rpc]
tcp = ["127.0.0.1:49152"]
endpoint_mapper = ["127.0.0.1:135"]
`

// overTCP starts a daemon with TCP endpoints in a namespace, where port 135 is free.
func overTCP(t *testing.T) *daemon {
	t.Helper()
	ns := namespace(t)
	path := filepath.Join(t.TempDir(), "rpc.toml")
	if err := os.WriteFile(path, []byte(rpcConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	return bootIn(t, ns, "445", "--config", path)
}

// peer runs a program where the daemon runs.
func (d *daemon) peer(args ...string) string {
	d.t.Helper()
	all := append(append([]string{}, d.enter...), args...)
	out, err := exec.Command(all[0], all[1:]...).CombinedOutput()
	if err != nil {
		d.t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, tail(string(out), 2000))
	}
	return string(out)
}

// TestEchoOverTCP: smbtorture's rpc.echo over ncacn_ip_tcp, with the port named or found by the endpoint mapper.
func TestEchoOverTCP(t *testing.T) {
	need(t, "smbtorture")
	d := overTCP(t)
	for _, binding := range []string{"ncacn_ip_tcp:127.0.0.1", "ncacn_ip_tcp:127.0.0.1[49152,connect]", "ncacn_ip_tcp:127.0.0.1[49152,packet]", "ncacn_ip_tcp:127.0.0.1[sign]", "ncacn_ip_tcp:127.0.0.1[seal]",
		"ncacn_ip_tcp:127.0.0.1[ntlm,seal,bigendian]", "ncacn_ip_tcp:127.0.0.1[spnego,sign,bigendian]"} {
		out := d.peer("smbtorture", binding, "-U", admin+"%"+password, "rpc.echo", "--option=torture:quick=yes")
		if n := strings.Count(out, "\nsuccess: "); n < 9 || strings.Contains(out, "\nfailure: ") || strings.Contains(out, "\nerror: ") {
			t.Errorf("%s: %d successes\n%s", binding, n, tail(out, 2000))
		}
	}
}

// TestEndpointMapperLocal: smbtorture's rpc.epmapper over ncalrpc, where entries may be inserted.
func TestEndpointMapperLocal(t *testing.T) {
	need(t, "smbtorture")
	d := overTCP(t)
	out := d.peer("smbtorture", "ncalrpc:[EPMAPPER]", "--option=ncalrpc dir="+d.socket+".ncalrpc", "-U", admin+"%"+password, "rpc.epmapper")
	if n := strings.Count(out, "\nsuccess: "); n != 5 {
		t.Errorf("%d of 5\n%s", n, tail(out, 3000))
	}
}

// TestBindLeaves: all of smbtorture's rpc.bind, one of which shares handles of the endpoint mapper between two connections to port 135.
func TestBindLeaves(t *testing.T) {
	need(t, "smbtorture")
	d := overTCP(t)
	out := d.peer("smbtorture", "ncacn_np:127.0.0.1", "-U", admin+"%"+password, "rpc.bind")
	if n := strings.Count(out, "\nsuccess: "); n != 9 {
		t.Errorf("%d of 9\n%s", n, tail(out, 3000))
	}
}

// TestImpacketOverTCP: rpcdump and rpcmap.
func TestImpacketOverTCP(t *testing.T) {
	dump, first := impacket(t, "rpcdump")
	_, rpcmap := impacket(t, "rpcmap")
	d := overTCP(t)
	out := d.peer(append(append([]string{dump}, first...), "127.0.0.1")...)
	contains(t, out, "4B324FC8-1670-01D3-1278-5A47BF6EE188", `[\pipe\srvsvc]`, "60A15EC5-4DE8-11D7-A637-005056A20182", "ncacn_ip_tcp:127.0.0.1[49152]", "ncalrpc:[rpcecho]")
	out = d.peer(append(append([]string{dump}, rpcmap...), "-auth-rpc", admin+":"+password, "ncacn_ip_tcp:127.0.0.1[49152]")...)
	contains(t, strings.ToUpper(out), "6BFFD098-A112-3610-9833-46C3F87E345A", "60A15EC5-4DE8-11D7-A637-005056A20182")
}
