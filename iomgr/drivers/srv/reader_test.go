package srv

import (
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// lending gives a connection that nobody reads yet, its reader, a command of that, and the client's end.
func lending(t *testing.T) (*conn, *reader, *command, net.Conn) {
	t.Helper()
	cfg := Config{Auth: struct{ auth.Mechanism }{}, Log: slog.New(slog.DiscardHandler)}
	if err := cfg.fill(); err != nil {
		t.Fatal(err)
	}
	s := newServer(cfg)
	s.log = cfg.Log
	near, far := net.Pipe()
	c := newConn(s, &listener{}, near)
	if !s.admit(c) {
		t.Fatal("not admitted")
	}
	rd := &reader{c: c, reads: true}
	in := newBuffer(c, 100)
	defer in.unref()
	cmd := newCommand(c, in, smb2.Message{Header: smb2.Header{Command: smb2.Ioctl, MessageID: 7}}, nil)
	cmd.rd, cmd.open = rd, &open{share: &share{pipe: true}}
	return c, rd, cmd, far
}

// answered gives the statuses of the answers that come until the connection ends.
func answered(far net.Conn) <-chan nt.Status {
	ch := make(chan nt.Status, 4)
	go func() {
		defer close(ch)
		fr := smb2.FrameReader{R: far, Limit: 1 << 16}
		for {
			f, err := fr.Frame(nil)
			if err != nil {
				return
			}
			it := smb2.NewMessages(f)
			m, err := it.Next()
			if err != nil {
				return
			}
			ch <- m.Header.Status
		}
	}()
	return ch
}

// brings is the way of a request: its Submit, and what is borrowed then.
func brings(work func(r *request)) func(*request) {
	return func(r *request) {
		if r.Lent {
			waits := &request{}
			waits.BroughtBy(r)
			waits.Borrow(func() { work(r) })
		}
	}
}

func status(_ *command, r *request) nt.Status { return r.Status }

// begin starts the command's request and has the reader attend to it, as read does.
func begin(rd *reader, cmd *command, r *request, start func(*request), after func(nt.Status)) {
	after(cmd.await(r, start, status))
	if rd.work != nil {
		rd.attend()
	}
}

// TestLong: what runs long on the reader's goroutine is left by the reader: the client is told that its request waits, what it sends is read, and who completes the
// request answers it.
func TestLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rd, cmd, far := lending(t)
		o := cmd.open
		answers := answered(far)
		goOn, returned := make(chan struct{}), make(chan struct{})
		began := time.Now()
		go func() {
			defer close(returned)
			begin(rd, cmd, cmd.request(), brings(func(r *request) { <-goOn; r.Complete(nt.StatusNotFound, 0) }), func(st nt.Status) {
				if st != nt.StatusPending {
					t.Errorf("%v, want that it waits", st)
				}
			})
		}()
		if st := <-answers; st != nt.StatusPending || time.Since(began) > 2*(watchTick+interimDelay) {
			t.Fatalf("%v after %v, want an interim response", st, time.Since(began))
		}
		if rd.turn.Load() != turnLost {
			t.Fatal("the role was not handed over")
		}
		close(goOn)
		<-returned
		if rd.reads {
			t.Fatal("the role is still its own")
		}
		if st := <-answers; st != nt.StatusNotFound {
			t.Fatalf("%v, want that of the request", st)
		}
		// The next ones are dealt with elsewhere.
		next := newCommand(c, newBuffer(c, 10), smb2.Message{}, nil)
		next.rd, next.open = &reader{c: c, reads: true}, o
		for i := range slowFor {
			if next.lends() {
				t.Fatalf("lent at %d", i)
			}
		}
		if !next.lends() {
			t.Fatal("never lent again")
		}
		far.Close()
		c.srv.running.Wait() // the other reader has torn it down
	})
}

// TestShort: what does not run long keeps the role. What has been completed before is answered before, and what the work does not complete waits like everything else.
func TestShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rd, cmd, far := lending(t)
		answers := answered(far)
		worked, wrote := false, false
		begin(rd, cmd, cmd.request(), func(r *request) {
			brings(func(*request) { worked = true })(r)
			r.Complete(nt.StatusNotFound, 0)
		}, func(st nt.Status) {
			wrote = !worked && st == nt.StatusNotFound
			cmd.finish(st)
		})
		if !worked || !wrote || !rd.reads {
			t.Fatalf("worked %v, answered before %v, reads %v", worked, wrote, rd.reads)
		}
		if st := <-answers; st != nt.StatusNotFound {
			t.Fatalf("%v, want that of the request", st)
		}
		in := newBuffer(c, 10)
		cmd = newCommand(c, in, smb2.Message{Header: smb2.Header{Command: smb2.Ioctl, MessageID: 8}}, nil)
		in.unref()
		cmd.rd, cmd.open = rd, &open{share: &share{pipe: true}}
		r := cmd.request()
		begin(rd, cmd, r, func(r *request) {
			r.Pend(func(*request) {})
			brings(func(*request) {})(r)
		}, func(nt.Status) {})
		if !rd.reads || c.pending != cmd {
			t.Fatalf("reads %v; in the list %v", rd.reads, c.pending == cmd)
		}
		if st := <-answers; st != nt.StatusPending {
			t.Fatalf("%v, want an interim response", st)
		}
		r.Complete(nt.StatusNotFound, 0)
		if st := <-answers; st != nt.StatusNotFound {
			t.Fatalf("%v, want that of the request", st)
		}
		time.Sleep(3 * watchTick) // in the bubble
		synctest.Wait()
		if len(c.srv.watch.readers) > 0 || rd.watched.Load() {
			t.Error("an idle reader is watched")
		}
		c.cut(net.ErrClosed)
		c.teardown()
	})
}

// TestNotLent: not everything may be dealt with on the reader's goroutine.
func TestNotLent(t *testing.T) {
	c, rd, cmd, _ := lending(t)
	defer c.teardown()
	for name, change := range map[string]func(){
		"part of a compound": func() { cmd.rd = nil },
		"lost the role":      func() { rd.reads = false },
		"bulk":               func() { rd.bulk.listed = true },
		"more to read":       func() { c.w = 1 },
		"no pipe":            func() { cmd.open = &open{share: &share{}} },
	} {
		cmd.rd, cmd.open = rd, &open{share: &share{pipe: true}}
		rd.reads, rd.bulk.listed, c.w = true, false, 0
		if !cmd.lends() {
			t.Fatal("not lent")
		}
		if change(); cmd.lends() {
			t.Errorf("lent: %s", name)
		}
	}
}
