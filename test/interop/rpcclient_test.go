//go:build interop

package interop

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lwio/gen/srvsvc"
	"lwio/rpc/client"
	"lwio/test/smbclient"
)

func (d *daemon) rpcclient(who, commands string) (string, error) {
	return peer(d.t, "rpcclient", "127.0.0.1", "-p", d.port, "-U", who+"%"+password, "-c", commands)
}

func (d *daemon) mustRPC(commands string) string {
	d.t.Helper()
	out, err := d.rpcclient(admin, commands)
	if err != nil {
		d.t.Errorf("rpcclient %s: %v\n%s", commands, err, tail(out, 4000))
	}
	return out
}

func TestRpcclient(t *testing.T) {
	need(t, "rpcclient")
	d := start(t)
	dir := filepath.Join(d.dir, "data")
	for _, c := range []struct {
		command string
		want    []string
	}{
		{"srvinfo", []string{"platform_id", "500", "os version", "server type"}},
		{"netshareenumall", []string{"netname: data", "netname: IPC$", "path:\t" + dir}},
		{"netshareenum", []string{"netname: data", "path:\t" + dir}},
		{"netshareenumall 1", []string{"netname: data"}},
		{"netsharegetinfo data 1", []string{"netname: data"}},
		{"netsharegetinfo data 2", []string{"netname: data", "path:\t" + dir}},
		{"netsharegetinfo data 502", []string{"netname: data", "type: 0x8004"}},
		{"netsharegetinfo data 1005", []string{"flags: 0x0"}},
		{"netsharegetinfo data 1501", nil},
		{"netshareadd " + dir + " second 10 comment", nil},
		{"netsharegetinfo second 2", []string{"netname: second", "remark:\tcomment"}},
		{"netsharesetinfo second changed", nil},
		{"netsharegetinfo second 1", []string{"remark:\tchanged"}},
		{"netsharedel second", nil},
		{"netsessenum", []string{"Received 1 entries"}},
		{"netconnenum", nil},
		{"netfileenum", nil},
		{"netdiskenum", nil},
		{"netremotetod", nil},
		{"netnamevalidate data 9", nil},
		{"wkssvc_wkstagetinfo 100", nil},
		{"wkssvc_enumerateusers", nil},
		{"getusername", []string{"Account Name: " + admin}},
		{"lsaquery", []string{"Domain Name: WORKGROUP"}},
		{"lookupnames " + user, []string{user + " S-1-5-21-", "(User: 1)"}},
		{"lookupsids S-1-5-32-544 S-1-5-18", []string{`BUILTIN\Administrators (4)`, `NT AUTHORITY\SYSTEM (5)`}},
		{"dsroledominfo", nil},
	} {
		out, err := d.rpcclient(admin, c.command)
		if err != nil && c.command != "wkssvc_enumerateusers" && c.command != "netnamevalidate data 9" {
			t.Errorf("%s: %v\n%s", c.command, err, tail(out, 2000))
		}
		if regexp.MustCompile(`NT_STATUS_(RPC|PIPE|CONNECTION|IO_)`).MatchString(out) {
			t.Errorf("%s broke the association:\n%s", c.command, tail(out, 2000))
		}
		contains(t, out, c.want...)
	}
	if out := d.mustRPC("netshareenumall"); strings.Contains(out, "netname: second") {
		t.Errorf("the deleted share is still listed:\n%s", out)
	}
	for _, command := range []string{"netshareenumall 502", "netshareadd " + dir + " third 10 comment", "netsharedel data"} {
		if out, _ := d.rpcclient(user, command); !strings.Contains(out, "WERR_ACCESS_DENIED") {
			t.Errorf("a plain user may %s:\n%s", command, out)
		}
	}
	if out, _ := d.rpcclient(user, "netshareenumall 1"); !strings.Contains(out, "netname: data") {
		t.Errorf("a plain user does not see the shares:\n%s", out)
	}
}

func TestWrongPassword(t *testing.T) {
	need(t, "rpcclient")
	d := start(t)
	for _, who := range []string{admin + "%wrong", "nobody%" + password, "%"} {
		out, err := peer(t, "rpcclient", "127.0.0.1", "-p", d.port, "-U", who, "-c", "srvinfo")
		if err == nil || !regexp.MustCompile(`NT_STATUS_(LOGON_FAILURE|ACCESS_DENIED)`).MatchString(out) {
			t.Errorf("%s: %v\n%s", who, err, out)
		}
	}
}

func TestNetRPC(t *testing.T) {
	need(t, "net")
	ns := namespace(t) // its share commands know no port but 445
	d := bootIn(t, ns, "445")
	d.addData()
	run := func(args ...string) string {
		t.Helper()
		out, err := peer(t, "ip", append([]string{"netns", "exec", ns, "net", "rpc", "-S", "127.0.0.1", "-U", admin + "%" + password}, args...)...)
		if err != nil {
			t.Errorf("net rpc %s: %v\n%s", strings.Join(args, " "), err, tail(out, 2000))
		}
		return out
	}
	dir := filepath.Join(d.dir, "data")
	contains(t, run("share", "list"), "data", "IPC$")
	for i, name := range []string{"more", "Größe", "共有"} {
		run("share", "add", name+"="+dir)
		contains(t, run("share", "list"), name)
		if i > 0 {
			contains(t, d.lwio("", "share", "list"), name)
		}
		run("share", "delete", name)
		if out := run("share", "list"); strings.Contains(out, name) {
			t.Errorf("%s is still there:\n%s", name, out)
		}
	}
	contains(t, run("share", "list", "--long"), "Disk")
	run("file")
}

func TestManyShares(t *testing.T) {
	need(t, "rpcclient")
	d := start(t)
	const n = 2000
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "netshareadd %s many%04d 10 comment_of_some_length\n", filepath.Join(d.dir, "data"), i)
	}
	script := filepath.Join(d.dir, "script")
	if err := os.WriteFile(script, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := peerInput(t, b.String(), "rpcclient", "127.0.0.1", "-p", d.port, "-U", admin+"%"+password)
	if err != nil || strings.Contains(out, "WERR_") {
		t.Fatalf("%v\n%s", err, tail(out, 1000))
	}
	for _, command := range []string{"netshareenumall 502", "netshareenumall 1", "netshareenum 2"} {
		out := d.mustRPC(command)
		if got := strings.Count(out, "netname: many"); got != n {
			t.Errorf("%s lists %d of %d", command, got, n)
		}
	}
	// A client that writes and reads, at most 1 KiB at a time, and drains what STATUS_BUFFER_OVERFLOW leaves.
	t.Run("SmallReads", func(t *testing.T) {
		c, err := smbclient.Dial("127.0.0.1:" + d.port)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Logon(t.Context(), admin, password); err != nil {
			t.Fatal(err)
		}
		if err := c.Connect("IPC$"); err != nil {
			t.Fatal(err)
		}
		p, err := c.OpenPipe("srvsvc")
		if err != nil {
			t.Fatal(err)
		}
		small := &smallReads{Conn: p}
		assoc := client.NewConn(small, client.Config{})
		binding, err := assoc.Bind(t.Context(), srvsvc.SrvsvcInterface, nil)
		if err != nil {
			t.Fatal(err)
		}
		in := &srvsvc.NetrShareEnumRequest{PreferedMaximumLength: 0xFFFFFFFF}
		in.InfoStruct.Level = 502
		in.InfoStruct.ShareInfo.Level502 = &srvsvc.SHARE_INFO_502_CONTAINER{}
		res, err := srvsvc.NewClient(binding).NetrShareEnum(t.Context(), in)
		if err != nil || res.Return != 0 {
			t.Fatalf("%v %#x", err, res.Return)
		}
		got := 0
		for _, s := range res.InfoStruct.ShareInfo.Level502.Buffer {
			if strings.HasPrefix(*s.Shi502Netname, "many") {
				got++
			}
		}
		if got != n || small.reads < 200 {
			t.Errorf("%d of %d shares in %d reads", got, n, small.reads)
		}
	})
}

// smallReads is a connection without Transact that reads at most 1 KiB at a time.
type smallReads struct {
	net.Conn
	reads int
}

func (s *smallReads) Read(b []byte) (int, error) {
	s.reads++
	return s.Conn.Read(b[:min(len(b), 1024)])
}

// TestSession has a session of smbclient seen, and cut.
func TestSession(t *testing.T) {
	need(t, "smbclient")
	d := start(t)
	client := d.smbclientSession(user)
	defer client.Close()
	out := d.mustRPC("netsessenum")
	contains(t, out, "Received 2 entries")
	list := d.lwio("", "session", "list")
	contains(t, list, "127.0.0.1", user)
	d.lwio("", "session", "close", "127.0.0.1", "--user", user)
	if !client.ended() {
		t.Error("the client is still connected")
	}
	if out := d.lwio("", "session", "list"); strings.Contains(out, user) {
		t.Errorf("the session is still there:\n%s", out)
	}
}
