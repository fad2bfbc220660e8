package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lwio/iomgr/nt"
	"lwio/test/smbclient"
)

const (
	gigabyte = 1 << 30
	chunk    = 1 << 20
	depth    = 8 // chunks under way at once
)

// transfer is a measurement of rate and of the server's processor time.
type transfer struct {
	name    string
	rate    float64 // wanted ratio of rates
	unit    string
	perUnit float64 // rates are divided by it
	cpu     bool    // no more processor time than smbd is wanted
	f       func(addr string) (float64, error)
	prepare func(addr string) error // once before; nil for nothing
}

// files measures what MS-SMB2 clients do with files on both servers, in turns. The shares lie on tmpfs.
func (b *bench) files(targets []target, pids map[string]int, only string) error {
	var rows []transfer
	for _, write := range []bool{true, false} {
		for _, conns := range []int{1, 4} {
			for _, p := range []smbclient.Protection{smbclient.Plain, smbclient.Signed, smbclient.Sealed} {
				verb := "read"
				if write {
					verb = "write"
				}
				var prepare func(string) error
				if !write { // the rows that write may have been left out
					prepare = func(a string) error { _, err := b.bulk(a, conns, smbclient.Plain, true); return err }
				}
				rows = append(rows, transfer{prepare: prepare, name: fmt.Sprintf("%s 1 GiB, %d clients, %s", verb, conns, p), rate: 1.2, unit: "MiB/s", perUnit: 1 << 20, cpu: true,
					f: func(a string) (float64, error) { return b.bulk(a, conns, p, write) }})
			}
		}
	}
	for _, write := range []bool{false, true} {
		verb := "read"
		if write {
			verb = "write"
		}
		rows = append(rows, transfer{name: "4 KiB random " + verb + " at depth 16", rate: 1.5, unit: "/s", perUnit: 1, f: func(a string) (float64, error) { return b.random(a, write) }})
	}
	rows = append(rows,
		transfer{name: "create, close, delete", rate: 2, unit: "/s", perUnit: 1, f: b.cycles},
		transfer{name: "list 10,000 entries", rate: 2, unit: "/s", perUnit: 1, f: b.list, prepare: b.populate})
	rows = slices.DeleteFunc(rows, func(r transfer) bool { return !strings.Contains(r.name, only) })
	for _, r := range rows {
		if r.prepare != nil {
			for _, t := range targets {
				if err := r.prepare(t.addr); err != nil {
					return fmt.Errorf("%s, %s: %w", r.name, t.name, err)
				}
			}
		}
		best, cpu := make([]float64, len(targets)), make([]float64, len(targets))
		for range 5 {
			for i, t := range targets {
				before := processorTime(pids[t.name])
				start := time.Now()
				n, err := r.f(t.addr)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", r.name, t.name, err)
				}
				n /= r.perUnit
				best[i] = max(best[i], n/time.Since(start).Seconds())
				if used := (processorTime(pids[t.name]) - before).Seconds() * 1000 / n; cpu[i] == 0 || used < cpu[i] {
					cpu[i] = used
				}
			}
		}
		fmt.Printf("%-40s", r.name)
		for i, t := range targets {
			fmt.Printf("  %s %8.0f %s %.3f ms", t.name, best[i], r.unit, cpu[i])
		}
		if len(targets) > 1 {
			verdict := "ok"
			if best[0] < r.rate*best[1] || r.cpu && cpu[0] > cpu[1] {
				verdict = "SHORT"
			}
			fmt.Printf("  ratio %5.2f (want %g), processor time %.2f %s", best[0]/best[1], r.rate, cpu[0]/cpu[1], verdict)
		}
		fmt.Println()
	}
	return nil
}

// share is a session on the share for measurements.
func (b *bench) share(addr string, p smbclient.Protection) (*smbclient.Client, error) {
	c, err := b.session(addr)
	if err != nil {
		return nil, err
	}
	if err = c.Connect("bulk"); err == nil {
		err = c.Protect(p)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

const entries = 10000

// populate makes the directory that is listed.
func (b *bench) populate(addr string) error {
	c, err := b.share(addr, smbclient.Plain)
	if err != nil {
		return err
	}
	defer c.Close()
	d, err := c.Open("many", nt.FileListDirectory, nt.FileOpenIf, nt.FileDirectoryFile)
	if err != nil {
		return err
	}
	defer d.Close()
	for i := range entries {
		f, err := c.Open(fmt.Sprintf(`many\entry number %d.txt`, i), nt.FileWriteData, nt.FileOpenIf, nt.FileNonDirectoryFile)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// bulk reads or writes one GiB, in equal parts over some connections, and gives the bytes.
func (b *bench) bulk(addr string, conns int, p smbclient.Protection, write bool) (float64, error) {
	var wg sync.WaitGroup
	errs := make([]error, conns)
	for i := range conns {
		wg.Go(func() {
			errs[i] = func() error {
				c, err := b.share(addr, p)
				if err != nil {
					return err
				}
				defer c.Close()
				f, err := c.Open(fmt.Sprintf("bulk%d-%d", conns, i), nt.FileReadData|nt.FileWriteData, nt.FileOpenIf, nt.FileNonDirectoryFile)
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = f.Do(smbclient.Transfer{Write: write, Size: chunk, Depth: depth, Count: gigabyte / chunk / conns,
					Offset: func(n int) uint64 { return uint64(n) * chunk }})
				return err
			}()
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return gigabyte, nil
}

// random reads or writes pages of the file of one GiB.
func (b *bench) random(addr string, write bool) (float64, error) {
	c, err := b.share(addr, smbclient.Plain)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	f, err := c.Open("bulk1-0", nt.FileReadData|nt.FileWriteData, nt.FileOpenIf, nt.FileNonDirectoryFile)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := rand.New(rand.NewPCG(1, 2))
	n, err := f.Do(smbclient.Transfer{Write: write, Size: 4096, Depth: 16, Until: time.Now().Add(b.span),
		Offset: func(int) uint64 { return r.Uint64N(gigabyte/4096) * 4096 }})
	return float64(n), err
}

// cycles creates, closes and deletes files.
func (b *bench) cycles(addr string) (float64, error) {
	c, err := b.share(addr, smbclient.Plain)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	n := 0
	for stop := time.Now().Add(b.span); time.Now().Before(stop); n++ {
		f, err := c.Open("cycle", nt.FileWriteData, nt.FileCreate, nt.FileNonDirectoryFile)
		if err != nil {
			return 0, err
		}
		if err := f.Close(); err != nil {
			return 0, err
		}
		if f, err = c.Open("cycle", nt.Delete, nt.FileOpen, nt.FileDeleteOnClose); err != nil {
			return 0, err
		}
		if err := f.Close(); err != nil {
			return 0, err
		}
	}
	return float64(n), nil
}

// list lists the directory over and over.
func (b *bench) list(addr string) (float64, error) {
	c, err := b.share(addr, smbclient.Plain)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	n := 0
	for stop := time.Now().Add(b.span); time.Now().Before(stop); n++ {
		d, err := c.Open("many", nt.FileListDirectory, nt.FileOpen, nt.FileDirectoryFile)
		if err != nil {
			return 0, err
		}
		seen, _, err := d.List()
		if err == nil && seen != entries+2 {
			err = fmt.Errorf("%d entries, want %d", seen, entries+2)
		}
		if err != nil {
			return 0, err
		}
		if err := d.Close(); err != nil {
			return 0, err
		}
	}
	return float64(n), nil
}

// processorTime is what a process, its children and those that ended have used.
func processorTime(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux
	children := make(map[int][]int)
	used := make(map[int]int)
	dir, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, e := range dir {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		b, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		_, after, ok := strings.Cut(string(b), ") ")
		f := strings.Fields(after)
		if !ok || len(f) < 15 {
			continue
		}
		parent, _ := strconv.Atoi(f[1])
		children[parent] = append(children[parent], id)
		for _, x := range f[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.Atoi(x)
			used[id] += n
		}
	}
	total := 0
	for todo := []int{pid}; len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = slices.Concat(todo[:len(todo)-1], children[id])
		total += used[id]
	}
	return time.Duration(total) * tick
}
