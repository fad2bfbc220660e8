//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// configure writes a configuration file.
func configure(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lwiod.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// torture runs a suite of smbtorture where the daemon runs, and wants so many successes and nothing else.
func (d *daemon) torture(t *testing.T, want int, args ...string) {
	t.Helper()
	if len(d.enter) == 0 {
		args = append([]string{args[0], "-p", d.port}, args[1:]...)
	}
	line := append(append(slices.Clone(d.enter), "smbtorture"), args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = t.TempDir()
	b, err := cmd.CombinedOutput()
	out := "\n" + string(b)
	if n := strings.Count(out, "\nsuccess: "); n < want || strings.Contains(out, "\nfailure: ") || strings.Contains(out, "\nerror: ") {
		t.Errorf("%v: %d successes, want %d: %v\n%s", args, n, want, err, tail(out, 2000))
	}
}

// TestEchoBindings: rpc.echo over pipes and TCP, signed, sealed, in NDR64 and big-endian.
func TestEchoBindings(t *testing.T) {
	need(t, "smbtorture")
	d := overTCP(t)
	for _, transport := range []string{"ncacn_np:127.0.0.1", "ncacn_ip_tcp:127.0.0.1"} {
		for _, options := range []string{"sign", "seal", "sign,ndr64", "seal,ndr64", "sign,bigendian", "seal,bigendian", "ntlm,seal,ndr64", "spnego,sign,ndr64", "connect,ndr64", "packet"} {
			t.Run(transport[:8]+" "+options, func(t *testing.T) {
				d.torture(t, 9, transport+"["+options+"]", "-U", admin+"%"+password, "rpc.echo", "--option=torture:quick=yes")
			})
		}
	}
}

// TestRuntimeSuites: what smbtorture has of the runtime itself, over pipes and TCP.
func TestRuntimeSuites(t *testing.T) {
	need(t, "smbtorture")
	d := overTCP(t)
	for _, tt := range []struct {
		suite string
		want  int
		over  []string
		args  []string
	}{
		{"rpc.bind", 9, []string{"ncacn_np:127.0.0.1"}, nil},
		{"rpc.altercontext", 1, []string{"ncacn_np:127.0.0.1"}, nil},
		{"rpc.mgmt", 1, []string{"ncacn_np:127.0.0.1", "ncacn_ip_tcp:127.0.0.1"}, nil},
		{"rpc.countcalls", 1, []string{"ncacn_np:127.0.0.1", "ncacn_ip_tcp:127.0.0.1[135]"}, []string{"--option=countcalls:interface=epmapper"}},
		{"rpc.asyncbind", 1, []string{"ncacn_np:127.0.0.1"}, nil},
		{"rpc.objectuuid", 1, []string{"ncacn_np:127.0.0.1"}, nil},
	} {
		for _, binding := range tt.over {
			t.Run(tt.suite+" "+binding[:8], func(t *testing.T) {
				d.torture(t, tt.want, append([]string{binding, "-U", admin + "%" + password, tt.suite}, tt.args...)...)
			})
		}
	}
}

// TestImpacketFragments: impacket's calls over TCP, in fragments from 16 octets on, are in testdata/fragments.py.
func TestImpacketFragments(t *testing.T) {
	impacketInstalled(t)
	d := overTCP(t)
	out := d.peer("/usr/bin/python3", mustAbs(t, "testdata/fragments.py"), "127.0.0.1", "49152", admin, password)
	contains(t, out, "echoed in 16", "echoed in 100", "echoed in 4280", "sealed in 16", "sealed in 100", "sealed in 4280", "still alive")
}

// TestRpcdumpOverPipes: impacket's rpcdump and rpcmap by SMB.
func TestRpcdumpOverPipes(t *testing.T) {
	dump, first := impacket(t, "rpcdump")
	_, rpcmap := impacket(t, "rpcmap")
	d := overTCP(t)
	out := d.peer(append(append([]string{dump}, first...), admin+":"+password+"@127.0.0.1", "-port", "445")...)
	contains(t, out, "4B324FC8-1670-01D3-1278-5A47BF6EE188", "60A15EC5-4DE8-11D7-A637-005056A20182")
	out = d.peer(append(append([]string{dump}, rpcmap...), "-auth-rpc", admin+":"+password, "-auth-transport", admin+":"+password, "-auth-level", "6", `ncacn_np:127.0.0.1[\pipe\srvsvc]`)...)
	contains(t, strings.ToUpper(out), "4B324FC8-1670-01D3-1278-5A47BF6EE188")
}

// TestPolicyOfPeers: a rule keeps a real client off one operation, by transport and level; the log and the counters tell, and the test of the policy said so before.
func TestPolicyOfPeers(t *testing.T) {
	need(t, "rpcclient")
	path := configure(t, `
[metrics]
listen = ""
[[rpc.policy]]
interface = "srvsvc"
operations = ["NetrServerGetInfo"]
min_level = "integrity"
`)
	d := boot(t, "--config", path)
	args := func(options string) []string {
		return []string{"-U", user + "%" + password, "-p", d.port, "ncacn_np:127.0.0.1" + options, "-c", "srvinfo"}
	}
	if out, err := peer(t, "rpcclient", args("")...); err == nil || !strings.Contains(out, "ACCESS_DENIED") {
		t.Errorf("without authentication of its own: %v\n%s", err, out)
	}
	if out, err := peer(t, "rpcclient", args("[sign]")...); err != nil || !strings.Contains(out, "platform_id") {
		t.Errorf("signed: %v\n%s", err, out)
	}
	if _, err := d.tryLwio("", "rpc", "policy", "test", user, "srvsvc", "NetrServerGetInfo"); err == nil {
		t.Error("the test lets it through")
	}
	d.lwio("", "rpc", "policy", "test", user, "srvsvc", "NetrServerGetInfo", "--level", "integrity")
	if !apart {
		contains(t, d.log.String(), "call refused", path+":4", "NetrServerGetInfo", user, "127.0.0.1")
	}
	contains(t, d.lwio("", "stats", "--text"), `lwio_rpc_refused_total{interface="srvsvc",operation="NetrServerGetInfo",opnum="21"} 1`)
}

// TestTraceOfPeers follows a real client: the id of a call is that of its SMB request in the trace of the I/O manager, and the password is not shown.
func TestTraceOfPeers(t *testing.T) {
	need(t, "rpcclient")
	trace := filepath.Join(t.TempDir(), "trace")
	d := boot(t, "--trace", trace)
	cmd := d.command("lwio", "--socket", d.socket, "trace", "rpc", "--json", "--count", "3", "--user", user)
	var out, errs bytes.Buffer
	started := make(chan struct{})
	cmd.Stdout, cmd.Stderr = &out, &firstWrite{w: &errs, first: started}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-started // it follows
	if out, err := peer(t, "rpcclient", "-U", user+"%"+password, "-p", d.port, "ncacn_np:127.0.0.1", "-c", "lookupnames root; srvinfo; netshareenum 1"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("%v\n%s", err, errs.String())
		}
	case <-time.After(20 * time.Second):
		cmd.Process.Kill()
		t.Fatal("the trace does not end")
	}
	requests, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		var r struct {
			ID, Session, User, Operation, Client string
			Request                              json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if !strings.HasSuffix(r.User, `\`+user) || r.Client != "127.0.0.1" || len(r.Request) == 0 || r.Session == "" {
			t.Errorf("%s", line)
		}
		if want := fmt.Sprintf("id=%s session=%s", r.ID, r.Session); !strings.Contains(string(requests), want) {
			t.Errorf("no request with %s, of %s", want, r.Operation)
		}
	}
	if strings.Contains(out.String(), password) {
		t.Error("the password is shown")
	}
}

// firstWrite tells of the first write.
type firstWrite struct {
	w     *bytes.Buffer
	first chan struct{}
	told  bool
}

func (f *firstWrite) Write(b []byte) (int, error) {
	if !f.told {
		f.told = true
		close(f.first)
	}
	return f.w.Write(b)
}

// TestEndpointsApart: lsassd and srvsvcd are reached by TCP and ncalrpc, and lwiod's endpoint mapper knows where, as long as they are there.
func TestEndpointsApart(t *testing.T) {
	need(t, "rpcclient")
	if !apart {
		t.Skip("the daemons are one")
	}
	ns := namespace(t)
	path := configure(t, `
[smb]
signing = "enabled"
[rpc]
endpoint_mapper = ["127.0.0.1:135"]
tcp = ["127.0.0.1:49152", "127.0.0.1:49200-49210"]
[lsassd]
tcp = ["127.0.0.1:49153"]
`)
	d := bootIn(t, ns, "445", "--config", path)
	dump, first := impacket(t, "rpcdump")
	endpoints := func() string { return d.peer(append(append([]string{dump}, first...), "127.0.0.1")...) }
	const lsarpc = "12345778-1234-ABCD-EF00-0123456789AB"
	await := func(there bool) {
		t.Helper()
		var out string
		if !within(15*time.Second, func() bool {
			out = endpoints()
			return (strings.Contains(strings.ToUpper(out), lsarpc) && strings.Contains(out, "127.0.0.1[49153]")) == there
		}) {
			t.Fatalf("lsarpc there: want %v\n%s", there, out)
		}
	}
	await(true)
	// What lsassd serves besides lsarpc, whose policies are not opened by TCP.
	run := func(binding string, options ...string) string {
		return d.peer(append([]string{"rpcclient", "-U", user + "%" + password, binding, "-c", "dsroledominfo"}, options...)...)
	}
	contains(t, run("ncacn_ip_tcp:127.0.0.1[49153,sign]"), "Machine Role")
	contains(t, run("ncacn_ip_tcp:127.0.0.1[seal]"), "Machine Role") // found by the endpoint mapper
	contains(t, d.peer(bin(t, "lwio"), "--socket", d.socket, "rpc", "ping", "ncalrpc:[lsarpc]"), "true")
	contains(t, d.peer("rpcclient", "-U", user+"%"+password, "ncacn_ip_tcp:127.0.0.1[sign]", "-c", "srvinfo"), "platform_id")
	lsassd := d.apart[slices.IndexFunc(d.apart, func(p *process) bool { return p.name == "lsassd" })]
	lsassd.kill()
	await(false)
	lsassd.start()
	await(true)
	contains(t, run("ncacn_ip_tcp:127.0.0.1[sign]"), "Machine Role")
}
