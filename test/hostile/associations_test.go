package hostile

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	echogen "lwio/gen/echo"
	"lwio/pipes"
	"lwio/rpc"
	rpcclient "lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/echo"
)

// echoPipe serves rpcecho on a pipe of a manager that has nothing else, and gives a way to bind to it.
func echoPipe(t testing.TB, cfg server.Config) func() (*rpcclient.Conn, *echogen.Client) {
	t.Helper()
	ctx := context.Background()
	m := newPipes(t)
	l, err := pipes.Listen(ctx, m, "echo", pipes.Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(cfg)
	if err := s.Register(echogen.RpcechoInterface, echo.New(echo.Config{MaxSource: 64 << 20})); err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return func() (*rpcclient.Conn, *echogen.Client) {
		t.Helper()
		conn, err := pipes.Dial(ctx, m, "echo", pipes.DialConfig{Message: true, Timeout: patience})
		if err != nil {
			t.Fatal(err)
		}
		c := rpcclient.NewConn(conn, rpcclient.Config{})
		b, err := c.Bind(ctx, echogen.RpcechoInterface, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c, echogen.NewClient(b)
	}
}

// TestIdleAssociations: 10,000 associations that have been called and wait take less than 256 MiB of heap and stacks, both ends of them together.
func TestIdleAssociations(t *testing.T) {
	const many = 10_000
	ctx := context.Background()
	dial := echoPipe(t, server.Config{MaxConnections: many})
	before := footprint()
	conns := make([]*rpcclient.Conn, many)
	for i := range conns {
		c, e := dial()
		if out, err := e.AddOne(ctx, &echogen.AddOneRequest{InData: 41}); err != nil || out.OutData != 42 {
			t.Fatal(out, err)
		}
		conns[i] = c
	}
	took := footprint() - before
	t.Logf("%.1f MiB, %d bytes an association", float64(took)/(1<<20), took/many)
	if took > 256<<20 {
		t.Errorf("%d bytes for %d associations", took, many)
	}
	for _, c := range conns {
		c.Close()
	}
}

// TestLongResponses: a response of 10 MiB takes memory for it a few times at each end, and not more the more often it comes. Eight clients that all want one at
// once get it or are told that there is no room.
func TestLongResponses(t *testing.T) {
	const size = 10 << 20
	ctx := context.Background()
	budget := server.NewBudget(48 << 20)
	dial := echoPipe(t, server.Config{Budget: budget})
	want := make([]byte, size)
	for i := range want {
		want[i] = byte(i)
	}
	fetch := func(e *echogen.Client) error {
		out, err := e.SourceData(ctx, &echogen.SourceDataRequest{Len: size})
		if err == nil && !bytes.Equal(out.Data, want) {
			err = errors.New("other data")
		}
		return err
	}
	c, e := dial()
	defer c.Close()
	if err := fetch(e); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	const calls = 10
	bounded(t, memoryLimit, func() {
		runtime.ReadMemStats(&before)
		for range calls {
			if err := fetch(e); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
	})
	per := (after.TotalAlloc - before.TotalAlloc) / calls
	t.Logf("%.1f MiB are allocated for a response of 10 MiB, both ends", float64(per)/(1<<20))
	if per > 12*size {
		t.Errorf("%d bytes are allocated for a response of %d", per, size)
	}
	answered, refused := 0, 0
	bounded(t, 640<<20, func() {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 8 {
			wg.Go(func() {
				c, e := dial()
				defer c.Close()
				for range 4 {
					err := fetch(e)
					mu.Lock()
					switch {
					case err == nil:
						answered++
					case errors.Is(err, rpc.FaultRemoteNoMemory):
						refused++
					default:
						t.Error(err)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	})
	t.Logf("%d answered, %d refused", answered, refused)
	if answered < 4 || answered+refused != 32 {
		t.Errorf("%d answered and %d refused of 32", answered, refused)
	}
	if heap := heapInUse(); heap > 48<<20 {
		t.Errorf("%d bytes of heap are alive after it", heap)
	}
}
