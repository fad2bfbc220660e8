package pvfs_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lwio/iomgr/nt"

	"golang.org/x/sys/unix"
)

// The child processes of these tests are this test binary, told what to do by this variable.
const faultVariable = "PVFS_FAULT"

func faultChild(t *testing.T, what string) (stdout string, state *os.ProcessState) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFaultChild$", "-test.v")
	cmd.Env = append(os.Environ(), faultVariable+"="+what)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run()
	return out.String(), cmd.ProcessState
}

// TestFaultChild is what the child runs.
func TestFaultChild(t *testing.T) {
	what := strings.Split(os.Getenv(faultVariable), ",")
	switch what[0] {
	case "":
		t.Skip("is the other tests' child process")
	case "errno":
		errnoChild(t)
	case "kill":
		killChild(t, what[1], what[2], what[3])
	}
}

// faultErrnos are the errors of the system and what clients hear of them.
var faultErrnos = []struct {
	errno  unix.Errno
	status nt.Status
	calls  string // those which have it; "" for all
}{
	{unix.EIO, nt.StatusIoDeviceError, ""},
	{unix.EINTR, nt.StatusSuccess, "pwrite64 pread64 fsync ftruncate fallocate openat2 copy_file_range"},
	{unix.ENOSPC, nt.StatusDiskFull, "pwrite64 ftruncate fallocate fsync renameat renameat2 mkdirat linkat fsetxattr"},
	{unix.EDQUOT, nt.StatusDiskFull, "pwrite64 ftruncate fallocate fsync renameat renameat2 mkdirat linkat fsetxattr"},
	{unix.EROFS, nt.StatusMediaWriteProtected, "ftruncate fallocate renameat renameat2 unlinkat mkdirat linkat fsetxattr fremovexattr fchmod fchown utimensat"},
	{unix.EMFILE, nt.StatusTooManyOpenedFiles, "openat2"},
	{unix.ENFILE, nt.StatusTooManyOpenedFiles, "openat2"},
}

// TestFaults has each system call of each operation fail in turn, with each error that it may have.
func TestFaults(t *testing.T) {
	out, state := faultChild(t, "errno")
	for line := range strings.Lines(out) {
		if s, ok := strings.CutPrefix(line, "FAULT "); ok {
			t.Error(strings.TrimSpace(s))
		}
		if s, ok := strings.CutPrefix(line, "SKIP "); ok {
			t.Skip(strings.TrimSpace(s))
		}
		if s, ok := strings.CutPrefix(line, "NOTE "); ok {
			t.Log(strings.TrimSpace(s))
		}
	}
	if !state.Success() {
		t.Errorf("%v\n%s", state, out)
	}
}

// stateBefore gives what is there before and after an operation that nothing happens to.
func statesOf(c *faultCase, dir string) (before, after string, err error) {
	x, err := newFaultRun(dir)
	if err != nil {
		return "", "", err
	}
	defer x.end()
	if c.setup(x); x.err != nil {
		return "", "", x.err
	}
	if before, err = stateOf(dir); err != nil {
		return "", "", err
	}
	if err = c.do(x); err != nil {
		return "", "", err
	}
	after, err = stateOf(dir)
	return before, after, err
}

func errnoChild(t *testing.T) {
	f, err := installFaults(append(append([]uint32(nil), changing...), looking...)...)
	if err != nil {
		fmt.Println("SKIP no seccomp with notification here:", err)
		return
	}
	count := 0
	for i := range faultCases {
		c := &faultCases[i]
		before, after, err := statesOf(c, t.TempDir())
		if err != nil {
			fmt.Printf("FAULT %s: without a fault: %v\n", c.name, err)
			continue
		}
		for _, e := range faultErrnos {
			for at := 1; ; at++ {
				call, problem := oneFault(t, f, c, at, e.errno, e.status, e.calls, before, after)
				if problem != "" {
					fmt.Printf("FAULT %s: %v in call %d, %s: %s\n", c.name, e.errno, at, call, strings.ReplaceAll(problem, "\n", " | "))
				}
				if call == "" {
					break
				}
				count++
			}
		}
	}
	fmt.Println("NOTE", count, "faults")
}

// oneFault does a case with a fault and looks at what came of it.
func oneFault(t *testing.T, f *faults, c *faultCase, at int, errno unix.Errno, want nt.Status, calls, before, after string) (call, problem string) {
	dir := t.TempDir()
	x, err := newFaultRun(dir)
	if err != nil {
		return "", err.Error()
	}
	defer x.end()
	fds := countDescriptors()
	if c.setup(x); x.err != nil {
		return "", "setup: " + x.err.Error()
	}
	f.only = nil
	if calls != "" {
		f.only = make(map[int32]bool)
		for nr, name := range callNames {
			for s := range strings.FieldsSeq(calls) {
				if s == name {
					f.only[int32(nr)] = true
				}
			}
		}
	}
	call, err = f.during(at, errno, func() error { return c.do(x) })
	if x.h != nil {
		if e := x.m.Close(x.h); e != nil {
			return call, "close: " + e.Error()
		}
		x.h = nil
	}
	status := nt.StatusOf(err)
	now, serr := stateOf(dir)
	switch {
	case serr != nil:
		return call, "cannot be looked at: " + serr.Error()
	case status == nt.StatusEaTooLarge && call == "fsetxattr": // there is no room for it beside the file
	case status != nt.StatusSuccess && status != want:
		return call, fmt.Sprintf("%v, want %s", err, want.Name())
	case status == nt.StatusSuccess && now == before && c.atClose: // which nobody hears
	case status == nt.StatusSuccess && now != after && (c.unless == nil || !c.unless(now)):
		return call, fmt.Sprintf("it is said to have succeeded, and there is\n    %s\nbefore\n    %s\nafter\n    %s", now, before, after)
	case now != before && now != after && (c.unless == nil || !c.unless(now)):
		return call, fmt.Sprintf("half done: %v\n    %s\nbefore\n    %s\nafter\n    %s", err, now, before, after)
	}
	if got := countDescriptors(); got > fds {
		return call, fmt.Sprintf("%d descriptors, %d before", got, fds)
	}
	if h, err := x.try("probe", nt.FileOverwriteIf, nt.FileDeleteOnClose); err != nil {
		return call, "afterwards: " + err.Error()
	} else if err := x.m.Close(h); err != nil {
		return call, "afterwards: " + err.Error()
	}
	if call != "unlinkat" && !c.atClose {
		if n := orphans(dir); n > 0 {
			return call, fmt.Sprintf("%d streams' files that belong to nothing", n)
		}
	}
	return call, ""
}

func countDescriptors() int {
	d, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	return len(names)
}

// orphans counts the files of streams that no file has.
func orphans(dir string) (n int) {
	named := make(map[string]bool)
	var have []string
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if filepath.Base(filepath.Dir(path)) == ".lwio.streams" {
			have = append(have, d.Name())
			return nil
		}
		list := make([]byte, 4096)
		size, _ := unix.Listxattr(path, list)
		for _, name := range strings.Split(string(list[:max(size, 0)]), "\x00") {
			if strings.HasPrefix(name, "user.lwio.stream") {
				v := make([]byte, 4096)
				if size, err := unix.Getxattr(path, name, v); err == nil && size >= 20 && v[1] == 1 {
					named[hex.EncodeToString(v[size-16:size])] = true
				}
			}
		}
		return nil
	})
	for _, id := range have {
		if !named[id] {
			n++
		}
	}
	return n
}

// TestKilled kills a process before each system call by which an operation changes something. The next one has to find what was there before
// the operation, or what is there after it.
func TestKilled(t *testing.T) {
	total := 0
	for i := range faultCases {
		c := &faultCases[i]
		before, after, err := statesOf(c, t.TempDir())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if before == after {
			continue
		}
		for at := 1; at < 100; at++ {
			dir := t.TempDir()
			out, state := faultChild(t, "kill,"+strconv.Itoa(i)+","+strconv.Itoa(at)+","+dir)
			if strings.Contains(out, "SKIP ") {
				t.Skip(out)
			}
			if strings.Contains(out, "DONE") {
				break
			}
			if w, ok := state.Sys().(interface{ Signaled() bool }); !ok || !w.Signaled() {
				t.Fatalf("%s: %v\n%s", c.name, state, out)
			}
			total++
			now, err := stateOf(dir)
			if err != nil {
				t.Errorf("%s: killed before change %d: %v", c.name, at, err)
				continue
			}
			if now != before && now != after && (c.unless == nil || !c.unless(now)) && (c.killed == nil || !c.killed(now)) {
				t.Errorf("%s: killed before change %d: half done\n    %s\nbefore\n    %s\nafter\n    %s", c.name, at, now, before, after)
			}
			x, err := newFaultRun(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := x.makeNew("probe", nt.FileOverwriteIf, nt.FileDeleteOnClose); err != nil {
				t.Errorf("%s: after a kill before change %d: %v", c.name, at, err)
			}
			x.end()
		}
	}
	t.Logf("%d kills", total)
}

func killChild(t *testing.T, index, at, dir string) {
	i, _ := strconv.Atoi(index)
	n, _ := strconv.Atoi(at)
	f, err := installFaults(changing...)
	if err != nil {
		fmt.Println("SKIP no seccomp with notification here:", err)
		return
	}
	x, err := newFaultRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := &faultCases[i]
	if c.setup(x); x.err != nil {
		t.Fatal(x.err)
	}
	f.kill = true
	if _, err = f.during(n, 0, func() error { return c.do(x) }); err != nil {
		t.Fatal(err)
	}
	x.end()
	fmt.Println("DONE")
}
