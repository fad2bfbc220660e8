package pvfs_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/nt"
)

// localProgram is another process that does what it is told, one line at a time.
type localProgram struct {
	in  io.Writer
	out *bufio.Reader
}

const localProgramDir = "LWIO_TEST_LOCAL_PROGRAM"

// TestLocalProgram is not a test: it is the other process.
func TestLocalProgram(t *testing.T) {
	dir := os.Getenv(localProgramDir)
	if dir == "" {
		t.SkipNow()
	}
	fmt.Println("local program")
	var open *os.File
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		args := strings.Fields(lines.Text())
		for i := 1; i < len(args); i++ {
			args[i] = filepath.Join(dir, args[i])
		}
		var err error
		switch args[0] {
		case "touch":
			var f *os.File
			if f, err = os.OpenFile(args[1], os.O_CREATE|os.O_WRONLY, 0o666); err == nil {
				f.Close()
			}
		case "write":
			err = os.WriteFile(args[1], []byte("local"), 0o666)
		case "rm":
			err = os.RemoveAll(args[1])
		case "mv":
			err = os.Rename(args[1], args[2])
		case "chmod":
			err = os.Chmod(args[1], 0o600)
		case "mkdir":
			err = os.MkdirAll(args[1], 0o777)
		case "again": // made, renamed and made again, faster than anybody looks
			os.WriteFile(args[1], nil, 0o666)
			os.Rename(args[1], args[2])
			err = os.WriteFile(args[1], nil, 0o666)
		case "storm":
			for i := range 20000 {
				os.WriteFile(filepath.Join(args[1], fmt.Sprint("storm", i)), nil, 0o666)
			}
		case "read", "append":
			flags := os.O_RDONLY
			if args[0] == "append" {
				flags = os.O_WRONLY | os.O_APPEND
			}
			open.Close()
			open, err = os.OpenFile(args[1], flags, 0)
		case "lease":
			open.Close()
			if open, err = os.OpenFile(args[1], os.O_RDWR, 0); err == nil {
				signal.Ignore(syscall.SIGIO)
				_, err = unix.FcntlInt(open.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
			}
		case "close":
			open.Close()
		}
		if err != nil {
			fmt.Println("failed:", err)
		} else {
			fmt.Println("done")
		}
	}
	os.Exit(0)
}

func startLocalProgram(t testing.TB, dir string) *localProgram {
	cmd := exec.Command(os.Args[0], "-test.run=^TestLocalProgram$")
	cmd.Env = append(os.Environ(), localProgramDir+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	p := &localProgram{in, bufio.NewReader(out)}
	if line, err := p.out.ReadString('\n'); line != "local program\n" {
		t.Fatalf("%q %v", line, err)
	}
	return p
}

// start has it do something, answer waits until it is done.
func (p *localProgram) start(command string) { fmt.Fprintln(p.in, command) }

func (p *localProgram) answer() string {
	line, err := p.out.ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(line, "\n")
}

func (p *localProgram) do(t testing.TB, commands ...string) {
	t.Helper()
	for _, c := range commands {
		p.start(c)
		if got := p.answer(); got != "done" {
			t.Fatalf("%s: %s", c, got)
		}
	}
}

// watcher is what a client hears of a directory.
type watcher struct {
	t      testing.TB
	m      *iomgr.Manager
	h      api.Handle
	filter uint32
	tree   bool
	next   chan *api.Request
	heard  []string
}

func watch(t testing.TB, m *iomgr.Manager, name string, filter uint32, tree bool) *watcher {
	t.Helper()
	h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\` + name, DesiredAccess: nt.FileListDirectory, ShareAccess: 7, Disposition: nt.FileOpen, Options: nt.FileDirectoryFile})
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{t: t, m: m, h: h, filter: filter, tree: tree, next: make(chan *api.Request, 1)}
	w.ask()
	return w
}

func (w *watcher) ask() {
	r := &api.Request{Op: api.OpNotifyChange, Handle: w.h, Code: w.filter, Out: make([]byte, 8192), Done: func(r *api.Request) { w.next <- r }}
	if w.tree {
		r.Flags = api.FlagWatchTree
	}
	w.m.Submit(r)
}

var notifyActions = map[uint32]string{nt.FileActionAdded: "+", nt.FileActionRemoved: "-", nt.FileActionModified: "!", nt.FileActionRenamedOldName: "<",
	nt.FileActionRenamedNewName: ">"}

// until reads what is heard up to one of some records, and gives all of it.
func (w *watcher) until(last ...string) string {
	w.t.Helper()
	timeout := time.After(20 * time.Second)
	found := func() int { return slices.IndexFunc(w.heard, func(x string) bool { return slices.Contains(last, x) }) }
	for found() < 0 {
		select {
		case r := <-w.next:
			if r.Status == nt.StatusNotifyEnumDir {
				w.heard = append(w.heard, "?")
			} else if r.Status != nt.StatusSuccess {
				w.t.Fatalf("after %q: %v", w.heard, r.Status)
			}
			for b := r.Out[:r.N]; len(b) > 0; {
				n := binary.LittleEndian.Uint32(b[8:])
				w.heard = append(w.heard, notifyActions[binary.LittleEndian.Uint32(b[4:])]+nt.DecodeUTF16(b[12:12+n]))
				next := binary.LittleEndian.Uint32(b)
				if next == 0 {
					break
				}
				b = b[next:]
			}
			w.ask()
		case <-timeout:
			w.t.Fatalf("heard %q, not %s", w.heard, last)
		}
	}
	i := found()
	out := strings.Join(w.heard[:i+1], " ")
	w.heard = w.heard[i+1:]
	return out
}

func (w *watcher) expect(want string) {
	w.t.Helper()
	last := want[strings.LastIndexByte(want, ' ')+1:]
	if got := w.until(last); got != want {
		w.t.Errorf("heard %q, want %q", got, want)
	}
}

const (
	watchNames = nt.FileNotifyChangeFileName | nt.FileNotifyChangeDirName
	watchAll   = watchNames | nt.FileNotifyChangeAttributes | nt.FileNotifyChangeSize | nt.FileNotifyChangeLastWrite | nt.FileNotifyChangeSecurity
)

// TestLocalChanges hears of what another program does, with the action and by the filter.
func TestLocalChanges(t *testing.T) {
	m, dir := mount(t)
	p := startLocalProgram(t, dir)
	os.Mkdir(filepath.Join(dir, "d"), 0o777)
	names, size, sec := watch(t, m, "d", watchNames, false), watch(t, m, "d", nt.FileNotifyChangeSize, false), watch(t, m, "d", nt.FileNotifyChangeSecurity, false)
	dirs := watch(t, m, "d", nt.FileNotifyChangeDirName, false)
	p.do(t, "touch d/a", "write d/b", "chmod d/a", "mv d/a d/c", "mkdir d/sub", "touch d/sub/deep", "rm d/c", "touch e", "mv e d/e", "mv d/e e", "rm d/sub", "touch d/end", "write d/end",
		"chmod d/end")
	names.expect("+a +b <a >c +sub -c +e -e -sub +end")
	size.expect("!b !end")
	sec.expect("!a !end")
	dirs.expect("+sub -sub")
}

// TestLocalChangesOnce hears of what this process does once, in the order in which it was done.
func TestLocalChangesOnce(t *testing.T) {
	m, dir := mount(t)
	p := startLocalProgram(t, dir)
	w := watch(t, m, "", watchNames, true)
	m.Close(mustOpen(t, m, "own", nt.FileCreate, 0))
	m.Close(mustOpen(t, m, "folder", nt.FileCreate, nt.FileDirectoryFile))
	p.do(t, "touch local", "touch folder/in")
	m.Close(mustOpen(t, m, `folder\own`, nt.FileCreate, 0))
	h := mustOpen(t, m, "own", nt.FileOpen, 0)
	rename(t, m, h, "renamed")
	m.Close(h)
	m.Close(mustOpen(t, m, "renamed", nt.FileOpen, nt.FileDeleteOnClose))
	p.do(t, "touch end")
	got := strings.Fields(w.until("+end"))
	for _, want := range []string{"+own +folder +folder\\own <own >renamed -renamed", "+local +folder\\in +end"} {
		at := 0
		for _, x := range strings.Fields(want) {
			i := slices.Index(got[at:], x)
			if i < 0 {
				t.Fatalf("heard %q, without %s in its place", got, x)
			}
			got = slices.Delete(got, at+i, at+i+1)
			at += i
		}
	}
	if len(got) > 0 {
		t.Errorf("heard besides: %q", got)
	}
}

// TestLocalChangesTree hears of the whole tree: of folders that were there, of new ones with what is in them already, of those that move.
func TestLocalChangesTree(t *testing.T) {
	m, dir := mount(t)
	p := startLocalProgram(t, dir)
	p.do(t, "mkdir d/x/y", "mkdir d/z", "mkdir out/in")
	w := watch(t, m, "d", watchNames, true)
	p.do(t, "touch d/x/y/f")
	w.expect(`+x\y\f`)
	p.do(t, "mkdir d/n/nn")
	w.expect(`+n +n\nn`)
	p.do(t, "touch d/n/nn/f")
	w.expect(`+n\nn\f`)
	p.do(t, "mv d/x d/z/x")
	w.expect(`-x +z\x`)
	p.do(t, "touch d/z/x/y/g")
	w.expect(`+z\x\y\g`)
	p.do(t, "mv d/z/x/y d/z/x/v", "touch d/z/x/v/h")
	w.expect(`<z\x\y >z\x\v +z\x\v\h`)
	p.do(t, "mv d/z gone", "touch gone/x/unheard", "touch d/end")
	w.expect(`-z +end`)
	p.do(t, "rm d/n", "touch d/end2")
	if got := w.until("+end2"); !strings.HasSuffix(got, "-n +end2") || !strings.Contains(got, `-n\nn\f -n\nn`) {
		t.Errorf("a tree removed: %q", got)
	}
	// By this driver a folder is made and moved in; what is in it is heard of from then on.
	m.Close(mustOpen(t, m, `d\mine`, nt.FileCreate, nt.FileDirectoryFile))
	p.do(t, "touch d/mine/f")
	w.expect(`+mine +mine\f`)
	h := mustOpen(t, m, `d\mine`, nt.FileOpen, 0)
	rename(t, m, h, `\d\yours`)
	m.Close(h)
	p.do(t, "touch d/yours/g")
	w.expect(`<mine >yours +yours\g`)
}

// TestLocalChangesMerged: the kernel makes one event of two that concern a name.
func TestLocalChangesMerged(t *testing.T) {
	m, dir := mount(t)
	p := startLocalProgram(t, dir)
	w := watch(t, m, "", watchNames, false)
	p.do(t, "again a b", "touch end")
	w.expect("+a <a >b +a +end")
}

// TestLocalChangesBounded: who watches more than is listened to, or hears of more than there is room for, is told to look.
func TestLocalChangesBounded(t *testing.T) {
	dir := t.TempDir()
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), pvfs.DriverEntry(pvfs.Config{Root: dir, LocalWatches: 4})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	p := startLocalProgram(t, dir)
	p.do(t, "mkdir a", "mkdir b", "mkdir c")
	w := watch(t, m, "", watchNames, true)
	p.do(t, "touch a/f")
	w.expect(`+a\f`)
	p.do(t, "mkdir d")
	if got := w.until("?"); got != "+d ?" && got != "?" {
		t.Errorf("with one folder too many: %q", got)
	}
	p.do(t, "touch end")
	w.until("+end")
	p.do(t, "storm d/..")
	w.until("?")
	p.do(t, "rm a")
	for i := 0; ; i++ { // the queue may overflow again while it is read
		name := fmt.Sprint("last", i)
		p.do(t, "touch "+name)
		if got := w.until("?", "+"+name); strings.HasSuffix(got, "+"+name) {
			break
		}
	}
}

// TestLocalChangesEnd: nothing is left of a watch that has ended, and a new one hears again.
func TestLocalChangesEnd(t *testing.T) {
	m, dir := mount(t)
	p := startLocalProgram(t, dir)
	p.do(t, "mkdir d/e/f", "mkdir d/g")
	queues := func() (n int) {
		list, _ := os.ReadDir("/proc/self/fd")
		for _, e := range list {
			if to, _ := os.Readlink("/proc/self/fd/" + e.Name()); strings.Contains(to, "fanotify") {
				n++
			}
		}
		return n
	}
	before := queues()
	for range 3 {
		w, other := watch(t, m, "d", watchNames, true), watch(t, m, `d\e`, watchNames, false)
		p.do(t, "touch d/e/x")
		w.expect(`+e\x`)
		other.expect("+x")
		m.Close(w.h)
		p.do(t, "rm d/e/x", "mkdir d/e/f/new", "touch d/e/y")
		other.expect("-x +y")
		p.do(t, "rm d/e/y")
		if queues() != before+1 {
			t.Error("no queue, or more than one")
		}
		m.Close(other.h)
		if queues() != before {
			t.Error("the queue is left")
		}
	}
}
