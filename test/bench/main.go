// Command bench measures a lwiod beside a smbd, both on loopback, with one client program, in turns in one run. Ratios count, not times.
//
//	bench --lwiod 127.0.0.1:4450 --smbd 127.0.0.1:4451 --user root --password-file FILE
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"lwio/gen/srvsvc"
	"lwio/iomgr/smb2"
	"lwio/rpc/client"
	"lwio/test/smbclient"
)

type target struct{ name, addr string }

func main() {
	lwiod := flag.String("lwiod", "", "address of lwiod")
	smbd := flag.String("smbd", "", "address of smbd; empty for none")
	user := flag.String("user", "root", "account on both")
	file := flag.String("password-file", "", "file with its password")
	span := flag.Duration("time", time.Second, "how long to measure each row on each server, seven times")
	socket := flag.String("socket", "", "socket of lwiod, for calls over ipc")
	kerberos := flag.Bool("kerberos", false, "measure session setups with the tickets of the environment, and nothing else")
	only := flag.String("only", "rpc,lsa,rdr,ipc,memory,files,associations", "what to measure")
	rowsOf := flag.String("rows", "", "measure only rows of files whose names contain this")
	smbdPid := flag.Int("smbd-pid", 0, "process of smbd, for its processor time")
	lwio := flag.String("lwio", "", "the command lwio, for copies")
	bulk := flag.String("bulk", "", "directory with the directories lwiod and smbd behind their shares, for copies")
	pid := flag.Int("lwiod-pid", 0, "process of lwiod, for its memory")
	awake := flag.String("awake", "", "processes that keep the processors awake, which stand still while data are moved")
	flag.Parse()
	idle := idlers(strings.Fields(*awake))
	targets := []target{{"lwiod", *lwiod}}
	if *smbd != "" {
		targets = append(targets, target{"smbd", *smbd})
	}
	if *kerberos {
		bench := &bench{span: *span}
		if err := bench.tickets(targets); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	b, err := os.ReadFile(*file)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	bench := &bench{user: *user, password: strings.TrimSpace(string(b)), span: *span}
	wanted := func(name string) bool { return err == nil && slices.Contains(strings.Split(*only, ","), name) }
	if wanted("rpc") {
		err = bench.run(targets, []row{
			{"RPC calls/s over SMB, 1 connection", 2, func(a string, s time.Time) (int, error) { return bench.calls(a, 1, s) }},
			{"RPC calls/s over SMB, 8 connections", 2, func(a string, s time.Time) (int, error) { return bench.calls(a, 8, s) }},
			{"session setups/s (NTLMv2)", 10, bench.sessions},
		})
	}
	if wanted("lsa") {
		err = bench.lsa(targets)
	}
	if wanted("lsa") && *pid != 0 {
		err = bench.handles(*lwiod, *pid)
	}
	if wanted("files") {
		err = bench.files(targets, idle, map[string]int{"lwiod": *pid, "smbd": *smbdPid}, *rowsOf)
	}
	idle.keepAwake(false)
	if wanted("copies") && *lwio != "" {
		err = bench.copies(targets, *lwio, filepath.Join(*bulk, "here"), map[string]string{"lwiod": filepath.Join(*bulk, "lwiod"), "smbd": filepath.Join(*bulk, "smbd")}, *file, *rowsOf)
	}
	idle.keepAwake(true)
	if wanted("rdr") && *smbd != "" {
		err = bench.redirector(*smbd)
	}
	if wanted("ipc") && *socket != "" {
		if err = bench.ipc(*socket); err == nil {
			idle.keepAwake(false)
			err = bench.ipcBulk(*socket)
			idle.keepAwake(true)
		}
	}
	if wanted("memory") && *pid != 0 {
		err = bench.memory(*lwiod, *pid)
	}
	if wanted("associations") && *pid != 0 {
		err = bench.associations(*lwiod, *pid)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// idlers are processes that do nothing but keep the processors awake.
type idlers []string

// keepAwake lets them run or stand still.
func (list idlers) keepAwake(on bool) {
	sig := syscall.SIGSTOP
	if on {
		sig = syscall.SIGCONT
	}
	for _, s := range list {
		if pid, err := strconv.Atoi(s); err == nil && pid > 0 {
			_ = syscall.Kill(pid, sig)
		}
	}
}

type bench struct {
	user, password string
	span           time.Duration
}

// rounds is how often each row is measured on each server.
const rounds = 7

// row is something to measure: f works until stop and gives how often it did.
type row struct {
	name string
	want float64 // ratio to smbd
	f    func(addr string, stop time.Time) (int, error)
}

// run measures rows on all targets, in turns, and prints the ratio of the first to the second.
func (b *bench) run(targets []target, rows []row) error {
	for _, r := range rows {
		rates := make([][]float64, len(targets))
		for range rounds { // in turns, so that what else the machine does hits both
			for i, t := range targets {
				start := time.Now()
				n, err := r.f(t.addr, start.Add(b.span))
				if err != nil {
					return fmt.Errorf("%s, %s: %w", r.name, t.name, err)
				}
				rates[i] = append(rates[i], float64(n)/time.Since(start).Seconds())
			}
		}
		fmt.Printf("%-40s", r.name)
		// The best round counts: what disturbs a round, on a machine of few processors most of all which of them wakes whom, only makes it slower.
		best := make([]float64, len(targets))
		for i, t := range targets {
			best[i] = slices.Max(rates[i])
			fmt.Printf("  %s %9.0f", t.name, best[i])
		}
		if len(targets) > 1 {
			ratio := best[0] / best[1]
			verdict := "ok"
			if ratio < r.want {
				verdict = "SHORT"
			}
			fmt.Printf("  ratio %6.2f (want %g) %s", ratio, r.want, verdict)
		}
		fmt.Println()
	}
	return nil
}

func (b *bench) session(addr string) (*smbclient.Client, error) {
	c, err := smbclient.Dial(addr)
	if err != nil {
		return nil, err
	}
	if err := c.Logon(context.Background(), b.user, b.password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// calls makes NetrRemoteTOD calls over a number of connections, and checks that each was one FSCTL.
func (b *bench) calls(addr string, conns int, stop time.Time) (int, error) {
	var wg sync.WaitGroup
	counts, errs := make([]int, conns), make([]error, conns)
	for i := range conns {
		wg.Go(func() { counts[i], errs[i] = b.callsOn(addr, stop) })
	}
	wg.Wait()
	total := 0
	for i := range conns {
		if errs[i] != nil {
			return 0, errs[i]
		}
		total += counts[i]
	}
	return total, nil
}

func (b *bench) callsOn(addr string, stop time.Time) (int, error) {
	ctx := context.Background()
	c, err := b.session(addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.Connect("IPC$"); err != nil {
		return 0, err
	}
	p, err := c.OpenPipe("srvsvc")
	if err != nil {
		return 0, err
	}
	assoc := client.NewConn(p, client.Config{})
	defer assoc.Close()
	binding, err := assoc.Bind(ctx, srvsvc.SrvsvcInterface, nil)
	if err != nil {
		return 0, err
	}
	cl := srvsvc.NewClient(binding)
	before := c.Sent
	n := 0
	for time.Now().Before(stop) {
		res, err := cl.NetrRemoteTOD(ctx, &srvsvc.NetrRemoteTODRequest{})
		if err != nil {
			return 0, err
		}
		if res.Return != 0 || res.BufferPtr == nil {
			return 0, fmt.Errorf("NetrRemoteTOD answered %#x", res.Return)
		}
		n++
	}
	for cmd := range c.Sent {
		want := 0
		if smb2.Command(cmd) == smb2.Ioctl {
			want = n
		}
		if got := c.Sent[cmd] - before[cmd]; got != want {
			return 0, fmt.Errorf("%d calls took %d %v requests", n, got, smb2.Command(cmd))
		}
	}
	return n, nil
}

// sessions sets up sessions, each on a connection of its own, from two goroutines.
func (b *bench) sessions(addr string, stop time.Time) (int, error) {
	return inParallel(stop, func() (*smbclient.Client, error) { return b.session(addr) })
}

func inParallel(stop time.Time, session func() (*smbclient.Client, error)) (int, error) {
	var wg sync.WaitGroup
	const workers = 2
	counts, errs := make([]int, workers), make([]error, workers)
	for i := range workers {
		wg.Go(func() {
			for time.Now().Before(stop) {
				c, err := session()
				if err != nil {
					errs[i] = err
					return
				}
				c.Close()
				counts[i]++
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return counts[0] + counts[1], nil
}

// memory measures what an idle authenticated connection costs the server.
func (b *bench) memory(addr string, pid int) error {
	const n = 1000
	base, err := b.rss(addr, pid)
	if err != nil {
		return err
	}
	held := make([]*smbclient.Client, 0, n)
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	for range n {
		c, err := b.session(addr)
		if err != nil {
			return err
		}
		held = append(held, c)
	}
	after, err := b.rss(addr, pid)
	if err != nil {
		return err
	}
	each := float64(after-base) / n
	verdict := "ok"
	if each > 64<<10 {
		verdict = "SHORT"
	}
	fmt.Printf("%-40s  lwiod %9.1f KiB (want under 64) %s\n", "idle authenticated connection", each/1024, verdict)
	return nil
}

// rss is the resident memory of a process, in bytes.
func (b *bench) rss(_ string, pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kb int
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kb); err == nil {
			return kb << 10, nil
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}
