package hostile

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"sync/atomic"
	"testing"
	"time"
)

// memoryLimit is what the server may hold, whatever it is sent. The clients of these tests, which are in the same process, count as well.
const memoryLimit = 256 << 20

// held is the memory that the runtime has from the system and has not given back: an upper bound of what Go holds resident.
func held() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

// watch samples the memory held until stopped.
type watch struct {
	peak    atomic.Uint64
	stopped chan struct{}
	done    chan struct{}
}

func newWatch() *watch {
	w := &watch{stopped: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			w.peak.Store(max(w.peak.Load(), held()))
			select {
			case <-tick.C:
			case <-w.stopped:
				return
			}
		}
	}()
	return w
}

// stop gives the most that was held.
func (w *watch) stop() uint64 {
	close(w.stopped)
	<-w.done
	return w.peak.Load()
}

// bounded runs f and fails the test if more than the limit was held meanwhile, or more than that of heap is in use after it.
func bounded(t testing.TB, limit uint64, f func()) {
	t.Helper()
	debug.FreeOSMemory() // what tests before this one held is not this one's
	w := newWatch()
	f()
	peak := w.stop()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("memory: at most %.1f MiB, %.1f MiB of heap in use after it", float64(peak)/(1<<20), float64(m.HeapInuse)/(1<<20))
	if peak > limit || m.HeapInuse > limit {
		t.Errorf("memory: %d bytes at most, %d of heap in use after it; want no more than %d", peak, m.HeapInuse, limit)
	}
}

// heapInUse is the heap that is alive. What pools keep goes with the second collection.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// until waits for a condition that nobody tells of.
func until(d time.Duration, ok func() bool) bool {
	tick, end := time.NewTicker(5*time.Millisecond), time.NewTimer(d)
	defer tick.Stop()
	defer end.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			return ok()
		}
	}
	return true
}

// baseline is what a server holds while nobody is connected.
type baseline struct{ goroutines, files int }

func newBaseline() baseline { return baseline{runtime.NumGoroutine(), openFiles()} }

// openFiles counts the descriptors of this process; 0 where the system does not tell.
func openFiles() int {
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// restored fails the test unless goroutines and descriptors come down to what there was, and a few.
func (b baseline) restored(t testing.TB) {
	t.Helper()
	const few = 8
	if !until(patience, func() bool { return runtime.NumGoroutine() <= b.goroutines+few && openFiles() <= b.files+few }) {
		var stacks bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		t.Fatalf("%d goroutines and %d descriptors, want about %d and %d\n%.6000s", runtime.NumGoroutine(), openFiles(), b.goroutines, b.files, &stacks)
	}
}
