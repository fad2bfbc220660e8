//go:build interop

package interop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lwio/gen/dtyp"
	"lwio/gen/srvsvc"
	"lwio/rpc/client"
	"lwio/test/smbclient"
)

// TestPowerCut: what was answered before the process was killed is there afterwards.
func TestPowerCut(t *testing.T) {
	need(t, "rpcclient")
	d := start(t)
	for i := range 3 {
		name := fmt.Sprint("kept", i)
		d.mustRPC("netshareadd " + filepath.Join(d.dir, "data") + " " + name + " 10 comment")
		d.kill()
		d.run()
		contains(t, d.mustRPC("netshareenumall"), "netname: "+name)
	}
	d.lwio("", "share", "del", "kept1")
	d.setComment("a comment that stays")
	d.kill()
	d.run()
	if out := d.lwio("", "share", "list"); strings.Contains(out, "kept1") || !strings.Contains(out, "kept2") {
		t.Errorf("after a deletion:\n%s", out)
	}
	res, err := d.srvsvc().NetrServerGetInfo(t.Context(), &srvsvc.NetrServerGetInfoRequest{Level: 101})
	if err != nil {
		t.Fatal(err)
	}
	info, _ := res.InfoStruct.Value.(*dtyp.SERVER_INFO_101)
	if info == nil || *info.Sv101Comment != "a comment that stays" {
		t.Errorf("the server's comment: %+v", res)
	}
}

// setComment changes the server's comment through srvsvc.
func (d *daemon) setComment(text string) {
	d.t.Helper()
	c := d.srvsvc()
	res, err := c.NetrServerSetInfo(d.t.Context(), &srvsvc.NetrServerSetInfoRequest{Level: 1005,
		ServerInfo: srvsvc.SERVER_INFO{Value: &srvsvc.SERVER_INFO_1005{Sv1005Comment: &text}}})
	if err != nil || res.Return != 0 {
		d.t.Fatalf("%v %+v", err, res)
	}
}

// srvsvc binds it as an administrator over SMB.
func (d *daemon) srvsvc() *srvsvc.Client {
	d.t.Helper()
	ctx := context.Background()
	c, err := smbclient.Dial("127.0.0.1:" + d.port)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { c.Close() })
	if err := c.Logon(ctx, admin, password); err != nil {
		d.t.Fatal(err)
	}
	if err := c.Connect("IPC$"); err != nil {
		d.t.Fatal(err)
	}
	p, err := c.OpenPipe("srvsvc")
	if err != nil {
		d.t.Fatal(err)
	}
	b, err := client.NewConn(p, client.Config{}).Bind(ctx, srvsvc.SrvsvcInterface, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return srvsvc.NewClient(b)
}

// TestSecondInstance: a state belongs to one daemon.
func TestSecondInstance(t *testing.T) {
	d := start(t)
	out, err := peer(t, bin(t, "lwiod"), "--state", filepath.Join(d.dir, "state"), "--listen", "127.0.0.1:0", "--socket", filepath.Join(d.dir, "sock2"))
	if err == nil {
		t.Fatal("a second daemon runs on the same state")
	}
	contains(t, out, "another process", "hint:")
}

// TestServiceApart has srvsvc served by a process of its own.
func TestServiceApart(t *testing.T) {
	need(t, "rpcclient")
	trace := filepath.Join(t.TempDir(), "trace")
	d := boot(t, "--services", "lsarpc,samr,account", "--trace", trace)
	if out, _ := d.rpcclient(admin, "netshareenumall"); !strings.Contains(out, "NT_STATUS_OBJECT_NAME_NOT_FOUND") {
		t.Errorf("without srvsvcd:\n%s", out)
	}
	stop := d.srvsvcd()
	d.mustRPC("netshareadd " + d.dir + " apart 10 comment")
	// Every hop of that call: the open of the pipe, the transceive, the control on the driver, the commit, in this order.
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	rest := string(text)
	for _, hop := range []string{`op=create name=\npfs\srvsvc token=`, `code=FSCTL_PIPE_TRANSCEIVE`, `op=ioctl file=\srv`, `msg=commit what=put share=apart status=STATUS_SUCCESS`} {
		_, after, ok := strings.Cut(rest, hop)
		if !ok {
			t.Errorf("the trace has no %s after what came before:\n%s", hop, tail(string(text), 4000))
			break
		}
		rest = after
	}
	contains(t, d.mustRPC("netshareenumall"), "netname: apart")
	contains(t, d.lwio("", "share", "list"), "apart")
	stop()
	if out, _ := d.rpcclient(admin, "netshareenumall"); !strings.Contains(out, "NT_STATUS_OBJECT_NAME_NOT_FOUND") {
		t.Errorf("after srvsvcd went:\n%s", out)
	}
	stop = d.srvsvcd()
	contains(t, d.mustRPC("netshareenumall"), "netname: apart")
	stop()
}

// srvsvcd starts the service as a process of its own, waits until it listens, and gives what ends it.
func (d *daemon) srvsvcd(args ...string) (stop func()) {
	d.t.Helper()
	cmd := exec.Command(bin(d.t, "srvsvcd"), append([]string{"--socket", d.socket}, args...)...)
	log := &logBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if out, _ := d.tryLwio("", "pipe", "list", "srvsvc"); strings.Contains(out, "srvsvc") {
			break
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			d.t.Fatalf("srvsvcd does not listen:\n%s", log)
		}
	}
	return func() {
		d.t.Helper()
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			d.t.Errorf("srvsvcd ended with %v:\n%s", err, log)
		}
	}
}
