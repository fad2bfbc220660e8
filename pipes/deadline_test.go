package pipes

import (
	"context"
	"runtime"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/pipes/npfs"
)

// TestCloseStopsTimers: a closed end leaves no timer of its deadlines running. Services set deadlines of minutes, and clients that open and
// close pipes would fill the memory with timers in that time.
func TestCloseStopsTimers(t *testing.T) {
	ctx := context.Background()
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(ctx, npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(ctx, m, "timers", Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := Dial(ctx, m, "timers", DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	armed := func() bool {
		for _, d := range []*deadline{&c.rd, &c.wr} {
			d.mu.Lock()
			running := d.timer != nil
			d.mu.Unlock()
			if running {
				return true
			}
		}
		return false
	}
	if err := c.SetDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if armed() {
		t.Error("a timer runs while nobody waits")
	}
	ended := make(chan struct{})
	go func() { defer close(ended); c.Read(make([]byte, 1)) }()
	for end := time.Now().Add(10 * time.Second); !armed(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("no timer runs while somebody waits")
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	<-ended
	if armed() {
		t.Error("a timer runs on")
	}
	c.rd.set(time.Now().Add(time.Hour)) // as one does who was on his way when the end was closed
	if armed() {
		t.Error("a timer was started after the end")
	}
}
