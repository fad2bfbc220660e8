//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	d.kill()
	d.run()
	if out := d.lwio("", "share", "list"); strings.Contains(out, "kept1") || !strings.Contains(out, "kept2") {
		t.Errorf("after a deletion:\n%s", out)
	}
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
	d := boot(t, "--services", "lsarpc,account", "--trace", trace)
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
