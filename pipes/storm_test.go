package pipes_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/pipes/npfs"
)

// busy is an API that makes no further instance until it is let.
type busy struct {
	api.API
	mu   sync.Mutex
	made int // guarded by mu
	let  chan struct{}
}

func (b *busy) CreateNamedPipeFile(ctx context.Context, a *api.CreateArgs) (api.Handle, error) {
	b.mu.Lock()
	b.made++
	wait := b.made > pipes.Backlog
	b.mu.Unlock()
	if wait {
		<-b.let
	}
	return b.API.CreateNamedPipeFile(ctx, a)
}

// storm listens, and has clients come at once while the server is too busy to replace the instances that they take. It returns when all but those who got one
// wait.
func storm(t *testing.T, clients int) (b *busy, results chan error, cancel context.CancelFunc) {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(t.Context(), npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	b = &busy{API: m, let: make(chan struct{})}
	l, err := pipes.Listen(t.Context(), b, "storm", pipes.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	results = make(chan error, clients)
	for range clients {
		go func() {
			c, err := pipes.Dial(ctx, m, "storm", pipes.DialConfig{})
			if err == nil {
				c.Close()
			}
			results <- err
		}()
	}
	tick, end := time.NewTicker(time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for pended(m) < uint64(clients-pipes.Backlog) {
		select {
		case <-tick.C:
		case err := <-results:
			t.Fatalf("a client is answered before there is an instance: %v", err)
		case <-end:
			t.Fatalf("%d clients wait", pended(m))
		}
	}
	return b, results, cancel
}

// pended counts the creates that have waited.
func pended(m *iomgr.Manager) uint64 {
	for _, driver := range m.Drivers() {
		for _, d := range driver.Devices {
			for _, r := range d.Requests {
				if r.Op == api.OpCreate.String() {
					return r.Pended
				}
			}
		}
	}
	return 0
}

// TestStorm: clients that come faster than the server replaces its instances wait for it, and all are served.
func TestStorm(t *testing.T) {
	const clients = 10 * pipes.Backlog
	b, results, cancel := storm(t, clients)
	defer cancel()
	close(b.let)
	for range clients {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// TestStormEnds: who has waited for a second is told that there is no instance, and who is cancelled that he was.
func TestStormEnds(t *testing.T) {
	for name, want := range map[string]error{"in time": nt.StatusPipeNotAvailable, "cancelled": context.Canceled} {
		t.Run(name, func(t *testing.T) {
			b, results, cancel := storm(t, pipes.Backlog+3)
			defer cancel()
			if name == "cancelled" {
				cancel()
			}
			for range 3 { // the others have theirs, and wait for what comes in its place
				if err := <-results; !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			}
			close(b.let)
			for range pipes.Backlog {
				if err := <-results; err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
	}
}
