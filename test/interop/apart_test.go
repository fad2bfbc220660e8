//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Apart says that the daemons are to be processes of their own (run.sh runs everything in both shapes).
var apart = os.Getenv("LWIO_SHAPE") == "apart"

// process is a daemon beside lwiod.
type process struct {
	t    testing.TB
	name string
	args []string
	d    *daemon
	cmd  *exec.Cmd
	log  *logBuffer
}

// separate takes accounts, lsarpc and srvsvc out of lwiod, where the shape is such and the test has no wish of its own.
func (d *daemon) separate() {
	if !apart || slices.Contains(d.args, "--services") {
		return
	}
	d.args = append(slices.Clone(d.args), "--authority", "lsassd", "--services", "wkssvc,netlogon,winreg,svcctl,eventlog,initshutdown,ntsvcs,echo,epmapper")
	config := []string{}
	if i := slices.Index(d.args, "--config"); i >= 0 {
		config = d.args[i : i+2]
	}
	if i := slices.Index(d.args, "--log-level"); i >= 0 {
		config = append(slices.Clone(config), d.args[i:i+2]...)
	}
	d.beside("lsassd", append([]string{"--state", filepath.Join(d.dir, "state")}, config...)...)
	d.beside("srvsvcd", config...)
}

// beside starts another daemon for this one's socket; it waits for it.
func (d *daemon) beside(name string, args ...string) *process {
	p := &process{t: d.t, name: name, args: append([]string{"--socket", d.socket}, args...), d: d}
	p.start()
	d.apart = append(d.apart, p)
	return p
}

func (p *process) start() {
	p.t.Helper()
	p.cmd, p.log = p.d.command(p.name, p.args...), &logBuffer{}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// stop ends it as an administrator would.
func (p *process) stop() {
	p.t.Helper()
	if p.cmd.ProcessState != nil {
		return
	}
	p.cmd.Process.Signal(os.Interrupt)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%s ended with %v\n%s", p.name, err, tail(p.log.String(), 4000))
	}
}

// kill ends it as a power cut would.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// awaitPipes waits until services listen that are processes of their own.
func (d *daemon) awaitPipes(names ...string) {
	d.t.Helper()
	var out string
	if !within(20*time.Second, func() bool {
		var err error
		out, err = d.tryLwio("", "pipe", "list")
		have := strings.Fields(out)
		return err == nil && !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(have, n) })
	}) {
		d.t.Fatalf("not all of %v listen:\n%s", names, out)
	}
}
