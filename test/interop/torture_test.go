//go:build interop

package interop

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// suite is a suite of smbtorture, or a leaf. Kind np goes over ncacn_np as administrator, smb to the share as a user, admin as an administrator.
type suite struct {
	name, kind string
	args       []string
	limit      time.Duration // of a leaf; 90 s if zero
	cuts       bool          // it cuts its connections with iptables
}

// services are what the daemons' own services are run for; files what the server is.
var services = []suite{
	{name: "rpc.srvsvc", kind: "np", args: []string{"--option=torture:dangerous=yes"}},
	{name: "rpc.echo", kind: "np"},
	{name: "rpc.bind", kind: "np"},
	{name: "rpc.asyncbind", kind: "np"},
	{name: "rpc.objectuuid", kind: "np"},
	{name: "rpc.mgmt", kind: "np"},
	{name: "rpc.epmapper", kind: "np"},
	{name: "rpc.altercontext", kind: "np"},
	{name: "rpc.handles", kind: "np"},
	{name: "rpc.countcalls", kind: "np", args: []string{"--option=countcalls:interface=epmapper"}},
	{name: "rpc.lsa", kind: "np", args: []string{"--option=torture:dangerous=yes"}},
	{name: "rpc.lsalookup", kind: "np"},
	{name: "rpc.lsa-getuser", kind: "np"},
	{name: "rpc.dssetup", kind: "np"},
	{name: "rpc.wkssvc", kind: "np", args: []string{"--option=torture:dangerous=yes"}},
	// What a target of Samba's own leaves out here, a member server answers.
	{name: "rpc.samr", kind: "np", args: []string{"--workgroup=TORTURE", "--option=torture:dangerous=yes", "--target=other"}},
	{name: "rpc.samba3.getaliasmembership-0", kind: "smb"},
	{name: "rpc.winreg", kind: "np", args: []string{"--option=torture:dangerous=yes"}},
	{name: "rpc.svcctl", kind: "np", args: []string{"--option=torture:dangerous=yes"}},
	{name: "rpc.eventlog", kind: "np", args: []string{"--option=torture:dangerous=yes"}},
	{name: "rpc.initshutdown", kind: "np", args: []string{"--option=torture:dangerous=yes"}},
	{name: "rpc.ntsvcs", kind: "np"},
	{name: "rpc.samba3.winreg", kind: "admin"}, /* it looks at all of the registry */
	{name: "rpc.samba3.lsa", kind: "admin"},    /* so are its levels 2 and 4 */
	{name: "rpc.samba3.wkssvc", kind: "admin"},
	{name: "rpc.samba3.getusername", kind: "smb"},
	{name: "rpc.samba3.srvsvc", kind: "admin"}, /* its levels 2 and 502 are for administrators */
	{name: "rpc.samba3.smb2-pipe-name", kind: "smb"},
	{name: "rpc.samba3.smb2-pipe-read-close", kind: "smb"},
	{name: "rpc.samba3.smb2-pipe-read-tdis", kind: "smb"},
	{name: "rpc.samba3.smb2-pipe-read-logoff", kind: "smb"},
	{name: "rpc.samba3.smb2-reauth1", kind: "smb"},
	{name: "rpc.samba3.smb2-reauth2", kind: "smb"},
	{name: "smb2.connect", kind: "smb"},
	{name: "smb2.session-id", kind: "smb"},
	{name: "smb2.credits", kind: "smb"},
	{name: "smb2.tcon", kind: "smb"},
}

// Left out are scanners, benchmarks, what waits for a person, and what wants a special share.
var files2 = []suite{
	{name: "smb2.session", kind: "smb", limit: 60 * time.Second},
	{name: "smb2.compound", kind: "smb"},
	{name: "smb2.compound_find", kind: "smb"},
	{name: "smb2.compound_async", kind: "smb"},
	{name: "smb2.create", kind: "smb"},
	{name: "smb2.mkdir", kind: "smb"},
	{name: "smb2.getinfo", kind: "smb"},
	{name: "smb2.setinfo", kind: "smb"},
	{name: "smb2.dir", kind: "smb", limit: 2 * time.Minute},
	{name: "smb2.rw", kind: "smb"},
	{name: "smb2.read", kind: "smb"},
	{name: "smb2.lock", kind: "smb", limit: 2 * time.Minute},
	{name: "smb2.oplock.batch22b", kind: "smb", limit: 2 * time.Minute, cuts: true},
	{name: "smb2.oplock", kind: "smb", limit: 2 * time.Minute},
	{name: "smb2.lease", kind: "smb", limit: 2 * time.Minute, cuts: true},
	{name: "smb2.durable-open", kind: "smb"},
	{name: "smb2.durable-open-disconnect", kind: "smb"},
	{name: "smb2.durable-v2-open", kind: "smb", limit: 2 * time.Minute},
	{name: "smb2.durable-v2-delay", kind: "smb"},
	{name: "smb2.replay", kind: "smb", limit: 2 * time.Minute, cuts: true},
	{name: "smb2.notify", kind: "smb", limit: 3 * time.Minute},
	{name: "smb2.ioctl", kind: "smb"},
	{name: "smb2.ioctl-on-stream", kind: "smb"},
	{name: "smb2.streams", kind: "smb"},
	{name: "smb2.acls", kind: "smb"},
	{name: "smb2.acls_non_canonical", kind: "smb"},
	{name: "smb2.sdread", kind: "smb"},
	{name: "smb2.maximum_allowed", kind: "smb"},
	{name: "smb2.rename", kind: "smb"},
	{name: "smb2.sharemode", kind: "smb"},
	{name: "smb2.deny", kind: "smb", limit: 2 * time.Minute},
	{name: "smb2.openattr", kind: "smb"},
	{name: "smb2.winattr", kind: "smb"},
	{name: "smb2.dosmode", kind: "smb"},
	{name: "smb2.async_dosmode", kind: "smb"},
	{name: "smb2.timestamps", kind: "smb", limit: 60 * time.Second},
	{name: "smb2.timestamp_resolution", kind: "smb"},
	{name: "smb2.charset", kind: "smb"},
	{name: "smb2.mangle", kind: "smb", limit: 2 * time.Minute},
	{name: "smb2.secleak", kind: "smb"},
	{name: "smb2.delete-on-close-perms", kind: "smb"},
	{name: "smb2.fileid", kind: "smb"},
	{name: "smb2.maxfid", kind: "smb", limit: 2 * time.Minute},
	{name: "smb2.multichannel", kind: "smb", limit: 2 * time.Minute, cuts: true},
}

var leftOut = []string{"smb2.create.bench-path-contention-shared", "smb2.rename.rename_dir_bench",
	"smb2.multichannel.oplocks", "smb2.multichannel.leases"} // what these two find depends on when a connection that is cut is noticed

// leftOutApart are leaves that rename the machine, which lsassd has then: over the network it is renamed where one daemon has all.
var leftOutApart = []string{"rpc.wkssvc.wkssvc.NetrSetPrimaryComputername", "rpc.wkssvc.wkssvc.NetrRenameMachineInDomain2"}

// workers is how many daemons, each in a network namespace, take leaves at a time: most of what smbtorture does is wait.
const workers = 4

// TestSmbtorture runs smbtorture leaf by leaf. A failure that known-failures does not name, and a row of it that did not fail, fail the test.
func TestSmbtorture(t *testing.T) {
	need(t, "smbtorture")
	config, err := filepath.Abs("torture.toml")
	if err != nil {
		t.Fatal(err)
	}
	known := knownFailures(t)
	suites := services
	if apart {
		leftOut = append(leftOut, leftOutApart...)
	} else { // where the services are matters to them alone: they are all that runs apart
		suites = append(slices.Clone(files2), services...)
	}
	if only := os.Getenv("LWIO_TORTURE"); only != "" { // a suite or a leaf to look at
		if i := slices.IndexFunc(services, func(s suite) bool { return under(only, s.name) }); i >= 0 {
			suites = services[i : i+1]
		} else {
			suites = []suite{{name: only, kind: "smb", limit: 3 * time.Minute, cuts: true}}
		}
		leftOut = nil
	}
	jobs := leaves(t, suites)
	for name := range known {
		if (apart || leftOut == nil) && !slices.ContainsFunc(suites, func(s suite) bool { return under(name, s.name) }) {
			delete(known, name)
		}
	}
	iptables, _ := exec.LookPath("iptables")
	results := make(chan map[string]tortureResult)
	var running sync.WaitGroup
	var again atomic.Int32
	unseen := maps.Clone(known)
	for i := range workers {
		d := bootIn(t, namespaceNamed(t, fmt.Sprintf("lwio-%d-%d", os.Getpid(), i)), "445", "--config", config)
		d.addData()
		d.addShares()
		running.Go(func() {
			for j := range jobs {
				r := d.leaf(j.leaf, j.suite, iptables)
				for name, result := range r { // leaves measure times: on a busy machine one may fail that does not the next time
					if _, expected := known[name]; result.kind != "success" && !expected {
						again.Add(1)
						r = d.leaf(j.leaf, j.suite, iptables)
						break
					}
				}
				results <- r
			}
		})
	}
	go func() { running.Wait(); close(results) }()
	total := map[string]int{}
	var record []string
	for r := range results {
		for name, result := range r {
			total[result.kind]++
			record = append(record, name+"\t"+result.kind+"\t"+strings.TrimSpace(result.reason)+"\n")
			reason, expected := known[name]
			delete(unseen, name)
			switch {
			case result.kind == "success" && expected:
				t.Errorf("%s passes: take its row (%s) out of known-failures", name, reason)
			case result.kind != "success" && !expected:
				t.Errorf("%s: %s %s", name, result.kind, result.reason)
			}
		}
	}
	for name, reason := range unseen {
		t.Errorf("known-failures names %s (%s), which did not run", name, reason)
	}
	if path := os.Getenv("LWIO_TORTURE_RECORD"); path != "" {
		slices.Sort(record)
		if err := os.WriteFile(path, []byte(strings.Join(record, "")), 0o666); err != nil {
			t.Error(err)
		}
	}
	t.Logf("tried twice: %d", again.Load())
	for _, kind := range slices.Sorted(maps.Keys(total)) {
		t.Logf("%s: %d", kind, total[kind])
	}
}

// addShares adds what single leaves want: a share that lists only what may be read, and one whose folder is nobody's.
func (d *daemon) addShares() {
	d.t.Helper()
	hidden, closed := filepath.Join(d.dir, "hideunread"), filepath.Join(d.dir, "noperm")
	for dir, mode := range map[string]os.FileMode{hidden: 0o777, closed: 0o700} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			d.t.Fatal(err)
		}
	}
	d.lwio("", "share", "add", "hideunread", hidden, "--abe")
	d.lwio("", "share", "add", "noperm", closed)
	d.lwio("", "share", "set", "data", "--continuous") // for what wants persistent opens
}

type job struct {
	leaf  string
	suite *suite
}

func under(name, of string) bool { return name == of || strings.HasPrefix(name, of+".") }

// leaves lists what there is of the suites, long ones first.
func leaves(t testing.TB, suites []suite) <-chan job {
	t.Helper()
	out, err := exec.Command("smbtorture", "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []job
	found := map[string]bool{}
	for s := bufio.NewScanner(strings.NewReader(string(out))); s.Scan(); {
		leaf := s.Text()
		if slices.ContainsFunc(leftOut, func(x string) bool { return under(leaf, x) }) {
			continue
		}
		for i := range suites {
			if under(leaf, suites[i].name) {
				found[suites[i].name] = true
				all = append(all, job{leaf, &suites[i]})
				break
			}
		}
	}
	for _, s := range suites {
		if !found[s.name] {
			t.Errorf("smbtorture has no %s", s.name)
		}
	}
	slices.SortStableFunc(all, func(a, b job) int { return cmp.Compare(b.suite.limit, a.suite.limit) })
	c := make(chan job, len(all))
	for _, j := range all {
		c <- j
	}
	close(c)
	return c
}

// knownFailures reads rows of a leaf, a tab and a reason.
func knownFailures(t testing.TB) map[string]string {
	b, err := os.ReadFile("known-failures")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, reason, ok := strings.Cut(line, "\t")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Fatalf("known-failures: %q has no reason", line)
		}
		known[name] = strings.TrimSpace(reason)
	}
	return known
}

type tortureResult struct{ kind, reason string }

var tortureLine = regexp.MustCompile(`^(test|success|failure|error|skip): (.*?)(\s*\[)?$`)

// empty takes away what a leaf has left on the shares: the next may use the same names.
func (d *daemon) empty() {
	for _, share := range []string{"data", "hideunread", "noperm"} {
		left, _ := filepath.Glob(filepath.Join(d.dir, share, "*"))
		hidden, _ := filepath.Glob(filepath.Join(d.dir, share, ".[!.]*"))
		for _, path := range append(left, hidden...) {
			if err := os.RemoveAll(path); err != nil {
				d.t.Error(err)
			}
		}
	}
}

// strictness is what smbtorture takes the server for: one that is like Samba where Windows may differ, unless the environment says win7.
func strictness() string { return cmp.Or(os.Getenv("LWIO_TORTURE_TARGET"), "samba3") }

// leaf runs one leaf in a process of its own, on empty shares.
func (d *daemon) leaf(leaf string, s *suite, iptables string) map[string]tortureResult {
	d.empty()
	target := "//127.0.0.1/data"
	who := user
	switch s.kind {
	case "np":
		target, who = "ncacn_np:127.0.0.1", admin
	case "admin":
		who = admin
	}
	args := append(slices.Clone(d.enter), "smbtorture", target, "-p", d.port, "-U", who+"%"+password, "--fullname", "--target="+strictness(),
		"--option=torture:sharedelay=100000", "--option=torture:writetimeupdatedelay=500000",
		"--option=torture:user2name="+admin, "--option=torture:user2password="+password)
	args = append(args, s.args...)
	if s.cuts && iptables != "" && d.ns != "" {
		args = append(args, "--option=torture:use_iptables=yes", "--option=torture:iptables_command="+iptables)
	}
	limit := cmp.Or(s.limit, 90*time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	args = append(args, leaf)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = d.t.TempDir()
	out, err := cmd.CombinedOutput()
	if dir := os.Getenv("LWIO_LOGDIR"); dir != "" {
		os.WriteFile(filepath.Join(dir, strings.ReplaceAll(leaf, "/", "_")+".log"), out, 0o600)
	}
	results := map[string]tortureResult{}
	lines := strings.Split(string(out), "\n")
	for i, line := range lines {
		m := tortureLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := strings.TrimSpace(m[2])
		if m[1] == "test" {
			results[name] = tortureResult{"crash", "it has no result"}
			continue
		}
		reason := ""
		if m[3] != "" && i+1 < len(lines) {
			reason = lines[i+1]
		}
		results[name] = tortureResult{m[1], reason}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		for name, r := range results {
			if r.kind == "crash" {
				results[name] = tortureResult{"timeout", limit.String()}
			}
		}
	}
	if len(results) == 0 {
		results[leaf] = tortureResult{"crash", fmt.Sprintf("%v: %s", err, tail(string(out), 300))}
	}
	return results
}
