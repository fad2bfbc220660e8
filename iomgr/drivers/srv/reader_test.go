package srv

import (
	"log/slog"
	"net"
	"testing"
	"testing/synctest"

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
	cmd.rd = rd
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

// TestLend: a handler that runs long is left by the reader: the client is told that its request waits, what it sends is read, and who completes the
// request answers it.
func TestLend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rd, cmd, far := lending(t)
		answers := answered(far)
		goOn := make(chan struct{})
		if cmd.lend() != rd {
			t.Fatal("not lent")
		}
		returned := make(chan nt.Status)
		r := &request{}
		go func() {
			returned <- cmd.await(r, func(r *request) { <-goOn; r.Complete(nt.StatusNotFound, 0) }, func(_ *command, r *request) nt.Status { return r.Status })
		}()
		synctest.Wait()
		if !rd.handOver() {
			t.Fatal("not handed over")
		}
		if rd.handOver() {
			t.Fatal("handed over twice")
		}
		if st := <-answers; st != nt.StatusPending {
			t.Fatalf("%v, want an interim response", st)
		}
		close(goOn)
		if st := <-returned; st != nt.StatusPending || rd.reads {
			t.Fatalf("%v, and the role is still its own: %v", st, rd.reads)
		}
		if st := <-answers; st != nt.StatusNotFound {
			t.Fatalf("%v, want that of the request", st)
		}
		far.Close()
		c.srv.running.Wait() // the other reader has torn it down
	})
}

// TestLendBack: what returns in time keeps the role, and what is completed before the role goes is answered where it was begun.
func TestLendBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rd, cmd, far := lending(t)
		step := func(_ *command, r *request) nt.Status { return r.Status }
		cmd.lend()
		if st := cmd.await(&request{}, func(r *request) { r.Complete(nt.StatusNotFound, 0) }, step); st != nt.StatusNotFound || !rd.reads {
			t.Fatalf("%v, reads %v", st, rd.reads)
		}
		if rd.handOver() {
			t.Fatal("handed over what is not on offer")
		}
		cmd.lend()
		st := cmd.await(&request{}, func(r *request) {
			r.Complete(nt.StatusNotFound, 0)
			if !rd.handOver() {
				t.Error("not handed over")
			}
		}, step)
		if st != nt.StatusNotFound || rd.reads {
			t.Fatalf("%v, reads %v", st, rd.reads)
		}
		if cmd.lend() != nil {
			t.Fatal("lent what it has not")
		}
		cmd.recycle()
		far.Close()
		c.srv.running.Wait()
	})
}
