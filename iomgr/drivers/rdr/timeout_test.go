package rdr_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// timed is a redirector before a fake server, with times that are easily told apart.
func timed(t *testing.T, f *fake) bubble {
	m := iomgr.New(iomgr.Config{Log: testLog(t)})
	cfg := rdr.Config{Initiator: ntlmInitiator, Default: credential("alice"), Dial: f.dial, IdleTimeout: 30 * time.Second,
		RequestTimeout: 20 * time.Second, CancelTimeout: 3 * time.Second, EchoInterval: 7 * time.Second}
	if err := m.Load(context.Background(), rdr.DriverEntry(cfg)); err != nil {
		t.Fatal(err)
	}
	return bubble{t, m}
}

// begin submits a read and gives its end.
func begin(m *iomgr.Manager, h api.Handle) (*api.Request, chan nt.Status) {
	ch := make(chan nt.Status, 1)
	r := &api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, 10), Done: func(r *api.Request) { ch <- r.Status }}
	m.Submit(r)
	return r, ch
}

// beginOpen submits a create.
func beginOpen(m *iomgr.Manager) (*api.Request, chan nt.Status) {
	ch := make(chan nt.Status, 1)
	r := &api.Request{Op: api.OpCreate, Create: &api.CreateArgs{Name: fakeName, DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpen},
		Done: func(r *api.Request) { ch <- r.Status }}
	m.Submit(r)
	return r, ch
}

// bubble has the synchronous calls that are wanted here. Those of package api wait on channels that are used again, which the bubbles of synctest
// do not allow.
type bubble struct {
	t *testing.T
	*iomgr.Manager
}

func (b bubble) do(r *api.Request) int {
	b.t.Helper()
	ch := make(chan nt.Status, 1)
	r.Done = func(r *api.Request) { ch <- r.Status }
	b.Submit(r)
	if st := <-ch; st != nt.StatusSuccess {
		b.t.Fatalf("%v: %v", r.Op, st)
	}
	return r.N
}

func (b bubble) open() api.Handle {
	b.t.Helper()
	r, ch := beginOpen(b.Manager)
	if st := <-ch; st != nt.StatusSuccess {
		b.t.Fatalf("open: %v", st)
	}
	return r.Create.Result.Handle
}

func (b bubble) close(h api.Handle) { b.t.Helper(); b.do(&api.Request{Op: api.OpClose, Handle: h}) }

// at tells the status with which a request ended, and when.
func at(t *testing.T, since time.Time, ch chan nt.Status, want nt.Status, after time.Duration) {
	t.Helper()
	st := <-ch
	if d := time.Since(since); st != want || d != after {
		t.Errorf("%v after %v, want %v after %v", st, d, want, after)
	}
}

// nothing answers no READ.
func nothing(*fakeConn, *query, *answer) []*answer { return nil }

// TestNoAnswer: a server that does not answer is given up, with all that is under way.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, dialect: smb2.Dialect311, edit: only(smb2.Read, nothing)}
		m := timed(t, f)
		defer shutdown(t, m.Manager)
		h := m.open()
		start := time.Now()
		_, one := begin(m.Manager, h)
		time.Sleep(5 * time.Second)
		_, two := begin(m.Manager, h)
		at(t, start, one, nt.StatusIoTimeout, 20*time.Second)
		at(t, start, two, nt.StatusConnectionDisconnected, 20*time.Second)
		f.ended()
	})
}

// TestNoAnswerEver: a server that takes the connection and says nothing.
func TestNoAnswerEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, dialect: smb2.Dialect311, edit: nothing}
		m := timed(t, f)
		defer shutdown(t, m.Manager)
		start := time.Now()
		_, ch := beginOpen(m.Manager)
		at(t, start, ch, nt.StatusIoTimeout, 20*time.Second)
	})
}

// TestPended: what the server has pended may wait for hours as long as it answers ECHO; then it is lost with the connection.
func TestPended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alive := true
		f := &fake{t: t, dialect: smb2.Dialect311}
		f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
			switch q.h.Command {
			case smb2.Read:
				return []*answer{a.interim()}
			case smb2.Cancel:
				return nil
			case smb2.Echo:
				f.mu.Lock()
				defer f.mu.Unlock()
				if !alive {
					return nil
				}
			}
			return []*answer{a}
		}
		m := timed(t, f)
		defer shutdown(t, m.Manager)
		h := m.open()
		_, ch := begin(m.Manager, h)
		time.Sleep(time.Hour)
		select {
		case st := <-ch:
			t.Fatal(st)
		default:
		}
		if n := f.count(smb2.Echo); n != 514 && n != 515 {
			t.Errorf("%d probes in an hour of silence", n)
		}
		f.mu.Lock()
		alive = false
		f.mu.Unlock()
		start := time.Now()
		if st := <-ch; st != nt.StatusConnectionDisconnected || time.Since(start) > 28*time.Second {
			t.Errorf("%v after %v", st, time.Since(start))
		}
		f.ended()
	})
}

// TestCancelUnanswered: a request whose CANCEL the server does not heed is given up after a while. Its answer, should it come, is known and
// dropped, and the connection lives.
func TestCancelUnanswered(t *testing.T) {
	for _, interim := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{t: t, dialect: smb2.Dialect311}
			var late *answer
			var ids []uint64
			f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
				f.mu.Lock()
				defer f.mu.Unlock()
				switch q.h.Command {
				case smb2.Cancel:
					ids = append(ids, q.h.MessageID, q.h.AsyncID)
					if q.h.IsAsync() != interim {
						t.Errorf("flags %#x", q.h.Flags)
					}
					return nil
				case smb2.Read:
					if late == nil {
						late = a
						if interim {
							return []*answer{a.interim()}
						}
						return nil
					}
				case smb2.Write:
					return []*answer{late, a}
				}
				return []*answer{a}
			}
			m := timed(t, f)
			defer shutdown(t, m.Manager)
			h := m.open()
			r, ch := begin(m.Manager, h)
			synctest.Wait()
			start := time.Now()
			r.Cancel()
			at(t, start, ch, nt.StatusCancelled, 3*time.Second)
			copy(r.Out, "##########")
			f.mu.Lock()
			if len(ids) != 2 || ids[0] != late.h.MessageID || interim && ids[1] != late.h.AsyncID {
				t.Errorf("cancelled %v of %+v", ids, late.h)
			}
			f.mu.Unlock()
			if n := m.do(&api.Request{Op: api.OpWrite, Handle: h, In: []byte("x")}); n != 1 {
				t.Fatal(n)
			}
			if string(r.Out) != "##########" {
				t.Errorf("the buffer was written after the end: %q", r.Out)
			}
			if n := m.do(&api.Request{Op: api.OpRead, Handle: h, Out: r.Out}); n != 10 {
				t.Fatal(n)
			}
			m.close(h)
		})
	}
}

// TestCancelAnswered: the server's word counts.
func TestCancelAnswered(t *testing.T) {
	for _, st := range []nt.Status{nt.StatusCancelled, nt.StatusSuccess, nt.StatusPipeBroken} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{t: t, dialect: smb2.Dialect302, encrypt: true}
			var held *answer
			f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
				switch q.h.Command {
				case smb2.Read:
					i := a.interim()
					if held = a; st != nt.StatusSuccess {
						held.fail(st)
					}
					return []*answer{i}
				case smb2.Cancel:
					if !q.sealed {
						t.Error("CANCEL in the clear")
					}
					return []*answer{held}
				}
				return []*answer{a}
			}
			m := timed(t, f)
			defer shutdown(t, m.Manager)
			h := m.open()
			r, ch := begin(m.Manager, h)
			synctest.Wait()
			start := time.Now()
			r.Cancel()
			at(t, start, ch, st, 0)
			if n := f.count(smb2.Cancel); n != 1 {
				t.Errorf("%d CANCELs", n)
			}
		})
	}
}

// TestLateCreate: a file that is opened after the open was given up is closed again.
func TestLateCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, dialect: smb2.Dialect311}
		var late *answer
		f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
			switch q.h.Command {
			case smb2.Create:
				if late == nil {
					late = a
					return nil
				}
				return []*answer{late, a}
			case smb2.Cancel:
				return nil
			}
			return []*answer{a}
		}
		m := timed(t, f)
		defer shutdown(t, m.Manager)
		start := time.Now()
		r, ch := beginOpen(m.Manager)
		time.Sleep(time.Second)
		r.Cancel()
		at(t, start, ch, nt.StatusCancelled, 4*time.Second)
		h := m.open()
		synctest.Wait()
		if n := f.balance(); n != 1 {
			t.Errorf("%d files are open", n)
		}
		m.close(h)
		synctest.Wait()
		if n := f.balance(); n != 0 {
			t.Errorf("%d files are open", n)
		}
	})
}

// TestIdle: what nobody uses is disconnected in its turn, and made again when it is wanted.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, dialect: smb2.Dialect311}
		m := timed(t, f)
		defer shutdown(t, m.Manager)
		use := func() {
			h := m.open()
			time.Sleep(time.Hour) // nothing open is idle
			m.close(h)
		}
		use()
		time.Sleep(29 * time.Second)
		if f.count(smb2.TreeDisconnect) != 0 {
			t.Error("disconnected too early")
		}
		use()
		if n := f.count(smb2.Negotiate); n != 1 {
			t.Errorf("%d connections", n)
		}
		time.Sleep(31 * time.Second)
		if a, b := f.count(smb2.TreeDisconnect), f.count(smb2.Logoff); a != 1 || b != 1 {
			t.Errorf("%d TREE_DISCONNECTs, %d LOGOFFs", a, b)
		}
		f.ended()
		use()
		if n := f.count(smb2.Negotiate); n != 2 {
			t.Errorf("%d connections", n)
		}
		synctest.Wait()
		if n := f.balance(); n != 0 {
			t.Errorf("%d files are open", n)
		}
	})
}

// TestStop: the driver ends in time before a server that says nothing more, and leaves nothing running; synctest would tell.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, dialect: smb2.Dialect311}
		f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
			switch q.h.Command {
			case smb2.Read, smb2.Close, smb2.Logoff, smb2.Cancel:
				return nil
			}
			return []*answer{a}
		}
		m := timed(t, f)
		h := m.open()
		_, ch := begin(m.Manager, h)
		start := time.Now()
		if err := m.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("took %v", d)
		}
		if st := <-ch; st != nt.StatusCancelled {
			t.Error(st)
		}
		f.ended()
	})
}

// TestStopDialled: a connection that comes after the driver has stopped is closed.
func TestStopDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, dialect: smb2.Dialect311}
		m := iomgr.New(iomgr.Config{Log: testLog(t)})
		cfg := rdr.Config{Initiator: ntlmInitiator, Default: credential("alice"), Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // does not heed it
			return f.dial(ctx, network, addr)
		}}
		if err := m.Load(context.Background(), rdr.DriverEntry(cfg)); err != nil {
			t.Fatal(err)
		}
		_, ch := beginOpen(m)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = m.Shutdown(ctx)
		if st := <-ch; !st.IsError() {
			t.Error(st)
		}
		f.ended()
		if n := f.count(smb2.Negotiate); n != 0 {
			t.Errorf("%d NEGOTIATEs", n)
		}
	})
}

// TestStopConnecting: so it does while a connection is being made.
func TestStopConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := iomgr.New(iomgr.Config{Log: testLog(t)})
		cfg := rdr.Config{Initiator: ntlmInitiator, Default: credential("alice"), Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		if err := m.Load(context.Background(), rdr.DriverEntry(cfg)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		r, one := beginOpen(m)
		_, two := beginOpen(m)
		synctest.Wait()
		r.Cancel()
		at(t, start, one, nt.StatusCancelled, 0) // without waiting for what it asked for
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = m.Shutdown(ctx) // an open under way keeps its file
		if st := <-two; st == nt.StatusSuccess {
			t.Error(st)
		}
		synctest.Wait()
	})
}

// TestParts: a few parts of a long transfer are under way at a time, one where each goes behind the one before.
func TestParts(t *testing.T) {
	for offset, want := range map[int64]int{0: 4, -1: 1} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{t: t, dialect: smb2.Dialect311}
			held := true
			f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
				f.mu.Lock()
				defer f.mu.Unlock()
				if held && q.h.Command == smb2.Write || q.h.Command == smb2.Cancel {
					return nil
				}
				return []*answer{a}
			}
			m := timed(t, f)
			defer shutdown(t, m.Manager)
			h := m.open()
			for range 20 { // until the credits are many
				m.do(&api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, 10)})
			}
			ch := make(chan nt.Status, 1)
			r := &api.Request{Op: api.OpWrite, Handle: h, In: make([]byte, 8<<20), Offset: offset, Done: func(r *api.Request) { ch <- r.Status }}
			m.Submit(r)
			synctest.Wait()
			if n := f.count(smb2.Write); n != want {
				t.Errorf("at %d: %d parts under way, want %d", offset, n, want)
			}
			r.Cancel()
			if st := <-ch; st != nt.StatusCancelled || r.N != 0 {
				t.Errorf("%v, %d bytes", st, r.N)
			}
			if n := f.count(smb2.Write); n != want {
				t.Errorf("at %d: %d parts after the end, want %d", offset, n, want)
			}
		})
	}
}
