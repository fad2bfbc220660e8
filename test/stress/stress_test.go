package stress

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/srv"
)

// duration is how long to run.
func duration(t *testing.T) time.Duration {
	v := os.Getenv("STRESS_TIME")
	if v == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// heap is what is in use once all that can go has gone.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// TestStress is the whole of it.
func TestStress(t *testing.T) {
	seed := uint64(1)
	if v := os.Getenv("STRESS_SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 0, 64); err != nil {
			t.Fatal(err)
		}
	}
	length := duration(t)
	goroutines, fds, before := runtime.NumGoroutine(), descriptors(), heap()
	dir := t.TempDir()
	prepare(t, dir)
	server, addr := startServer(t, dir, srv.Limits{})
	led := newLedger()
	var clients []*client
	for i := range 6 {
		share := "data"
		if i%2 == 1 {
			share = "enc"
		}
		w := new(wire)
		clients = append(clients, &client{id: i, m: startClient(t, fmt.Sprintf("user%d", i), w), wire: w, root: `\rdr\` + addr + `\` + share,
			rng: rand.New(rand.NewPCG(seed, uint64(i))), led: led, open: make(map[int]api.Handle), count: make(map[string]int), buf: make([]byte, 8*blockSize)})
	}
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	most := drive(t, ctx, clients, length, seed)
	sum := make(map[string]int)
	for _, c := range clients {
		for what, n := range c.count {
			sum[what] += n
		}
		if err := c.m.Shutdown(context.Background()); err != nil {
			t.Errorf("client %d: %v", c.id, err)
		}
	}
	until(t, "opens of the server", func() int { return opens(server) }, 0)
	if err := server.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	settled(t, dir, led)
	until(t, "goroutines", runtime.NumGoroutine, goroutines)
	until(t, "descriptors", descriptors, fds)
	after := heap()
	t.Logf("%v: %d MiB of heap at most, %d KiB before, %d KiB after; %d goroutines, %d descriptors", length, most>>20, before>>10, after>>10, runtime.NumGoroutine(), descriptors())
	total := 0
	for _, what := range slices.Sorted(maps.Keys(sum)) {
		t.Logf("%9d %s", sum[what], what)
		total += sum[what]
	}
	t.Logf("%9d in all, %.0f a second", total, float64(total)/length.Seconds())
	if most > 256<<20 {
		t.Errorf("%d MiB of heap", most>>20)
	}
	if after > before+(16<<20) {
		t.Errorf("%d MiB of heap stay", (after-before)>>20)
	}
	for _, what := range []string{"write", "read", "truncate", "own rename", "rename", "list", "delete", "wait", "cut"} {
		if sum[what] == 0 && length >= 5*time.Second {
			t.Errorf("no %s", what)
		}
	}
}

// prepare makes the directories and the files that everybody renames.
func prepare(t *testing.T, dir string) {
	for _, d := range []string{"shared", "own", "moves"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, "shared", fmt.Sprintf("f%d", i)), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for i := range tokens {
		if err := os.WriteFile(filepath.Join(dir, "moves", fmt.Sprintf("p%d", i)), []byte{byte('a' + i)}, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// drive lets the clients run, cuts the wires of half of them, and gives the most memory that was in use.
func drive(t *testing.T, ctx context.Context, clients []*client, length time.Duration, seed uint64) (most uint64) {
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(func() {
			if err := c.run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	rng := rand.New(rand.NewPCG(seed, 1000))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return most
		case <-tick.C:
			if ctx.Err() == nil && rng.IntN(8) == 0 {
				clients[rng.IntN(len(clients)/2)].wire.cut()
			}
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			most = max(most, s.HeapAlloc)
		case <-time.After(length + 3*time.Minute):
			buf := make([]byte, 1<<20)
			t.Fatalf("it does not end:\n%s", buf[:runtime.Stack(buf, true)])
		}
	}
}

// until waits for a count to fall to where it was.
func until(t *testing.T, what string, count func() int, want int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Minute)
	for count() > want {
		select {
		case <-tick.C:
		case <-end:
			buf := make([]byte, 1<<20)
			t.Fatalf("%s: %d are left, %d were there\n%s", what, count(), want, buf[:runtime.Stack(buf, true)])
		}
	}
}

// settled looks at the disk when nobody uses it any more.
func settled(t *testing.T, dir string, led *ledger) {
	for f := range files {
		data, err := os.ReadFile(filepath.Join(dir, "shared", fmt.Sprintf("f%d", f)))
		if err != nil {
			t.Error(err)
			continue
		}
		for i := range blocks {
			b := make([]byte, blockSize)
			n := copy(b, data[min(i*blockSize, len(data)):])
			s, err := readBlock(b, n, f, i)
			if err == nil {
				err = led.found(f, i, s)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	seen := ""
	list, err := os.ReadDir(filepath.Join(dir, "moves"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(dir, "moves", e.Name()))
		if err != nil {
			t.Error(err)
		}
		seen += string(b)
	}
	letters := []byte(seen)
	slices.Sort(letters)
	if string(letters) != "abcdefghij"[:tokens] {
		t.Errorf("of what was renamed there is %q", letters)
	}
	own, err := os.ReadDir(filepath.Join(dir, "own"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range own {
		if len(e.Name()) > 4 && e.Name()[:4] == "gone" {
			t.Errorf("%s is there, which was to go with its handle", e.Name())
		}
	}
}
