package rdr_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// patterned gives n bytes of which no two runs are alike.
func patterned(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(b)
	return b
}

// stalled is a server's end of a connection that reads the beginning of the first long message, and the rest of it when it is told.
type stalled struct {
	net.Conn
	began chan []byte
	on    chan struct{}
	once  bool
}

func (s *stalled) Read(b []byte) (int, error) {
	if len(b) < 64<<10 || s.once {
		return s.Conn.Read(b)
	}
	s.once = true
	n, err := io.ReadFull(s.Conn, b[:1000])
	s.began <- bytes.Clone(b[:n])
	<-s.on
	return n, err
}

// deadlined is a client's end that knows until when it may be written.
type deadlined struct {
	*net.TCPConn
	at atomic.Pointer[time.Time]
}

func (d *deadlined) SetWriteDeadline(t time.Time) error {
	d.at.Store(&t)
	return d.TCPConn.SetWriteDeadline(t)
}

// stallEnv is a server that has read the beginning of a long write, and a client that has been told of nothing yet.
type stallEnv struct {
	t       *testing.T
	m       *iomgr.Manager
	h       api.Handle
	f       *fake
	far     *stalled
	near    *deadlined
	head    smb2.Header
	in      []byte // what was written, and is not the test's until done says so
	want    []byte
	arrived chan []byte // the data of WRITEs that the server has read
	done    chan *api.Request
}

func newStall(t *testing.T, signing rdr.Signing, dialect smb2.Dialect, unsteady bool) *stallEnv {
	s := &stallEnv{t: t, f: &fake{t: t, dialect: dialect, tcp: true}, arrived: make(chan []byte, 4), done: make(chan *api.Request, 1)}
	s.far = &stalled{began: make(chan []byte, 1), on: make(chan struct{})}
	s.f.far = func(nc net.Conn) net.Conn {
		_ = nc.(*net.TCPConn).SetReadBuffer(16 << 10)
		s.far.Conn = nc
		return s.far
	}
	s.f.edit = func(c *fakeConn, q *query, a *answer) []*answer {
		switch q.h.Command {
		case smb2.Write:
			req, err := smb2.ParseWriteRequest(q.body)
			if err != nil {
				t.Error(err)
			}
			s.arrived <- bytes.Clone(req.Data)
			if q.h.MessageID == s.head.MessageID {
				return nil // the test has answered
			}
		case smb2.Cancel:
			return nil
		}
		return []*answer{a}
	}
	s.m = s.f.client(func(c *rdr.Config) {
		dial := c.Dial
		c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			_ = nc.(*net.TCPConn).SetWriteBuffer(16 << 10)
			s.near = &deadlined{TCPConn: nc.(*net.TCPConn)}
			return s.near, nil
		}
		c.Signing, c.CancelTimeout = signing, 50*time.Millisecond
	})
	var err error
	s.h, err = s.m.CreateFile(t.Context(), &api.CreateArgs{Name: `\rdr\server\data\file`, DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpen, ShareAccess: 7})
	if err != nil {
		t.Fatal(err)
	}
	s.want = patterned(900<<10, 1)
	s.in = bytes.Clone(s.want)
	go s.m.Submit(&api.Request{Op: api.OpWrite, Handle: s.h, In: s.in, Unsteady: unsteady, Done: func(r *api.Request) { s.done <- r }})
	b := wait(t, s.far.began)
	if s.head, err = smb2.ParseHeader(b); err != nil {
		t.Fatal(err)
	}
	return s
}

// answer has the server answer the write, of which it has read the beginning alone.
func (s *stallEnv) answer(st nt.Status) {
	s.f.mu.Lock()
	c := s.f.conns[0]
	s.f.mu.Unlock()
	h := s.head
	a := &answer{h: smb2.Header{Command: h.Command, CreditCharge: h.CreditCharge, Credits: 64, Flags: smb2.FlagServerToRedir, MessageID: h.MessageID,
		TreeID: h.TreeID, SessionID: h.SessionID}, sign: h.IsSigned()}
	a.body = (&smb2.WriteResponse{Count: uint32(len(s.want))}).Append(nil)
	if st != nt.StatusSuccess {
		a.fail(st)
	}
	if err := c.send(a); err != nil {
		s.t.Error(err)
	}
}

// over takes what became of the write, and the buffer, which is the test's from then on.
func (s *stallEnv) over(want nt.Status) {
	s.t.Helper()
	r := wait(s.t, s.done)
	if r.Status != want {
		s.t.Errorf("the write ended with %v, want %v", r.Status, want)
	}
	for i := range s.in {
		s.in[i] ^= 0xFF
	}
}

// TestWriteLent: the bytes that are sent of a long write are those that were in the caller's buffer as long as it was the redirector's, whatever ends the
// write before the socket has taken them.
func TestWriteLent(t *testing.T) {
	arrives := func(s *stallEnv) {
		s.t.Helper()
		close(s.far.on)
		if got := wait(s.t, s.arrived); !bytes.Equal(got, s.want) {
			s.t.Error("other bytes arrived than were written")
		}
		small := []byte("and another")
		if _, err := s.m.WriteFile(s.t.Context(), s.h, small, 0); err != nil {
			s.t.Error("the next write:", err)
		}
		if got := wait(s.t, s.arrived); !bytes.Equal(got, small) {
			s.t.Errorf("the next write: %q arrived", got)
		}
		until(s.t, "the socket may be written at any time", func() bool { at := s.near.at.Load(); return at != nil && at.IsZero() })
	}
	for name, test := range map[string]func(*stallEnv){
		"answered": func(s *stallEnv) {
			close(s.far.on)
			if got := wait(s.t, s.arrived); !bytes.Equal(got, s.want) {
				s.t.Error("other bytes arrived than were written")
			}
			s.answer(nt.StatusSuccess)
			s.over(nt.StatusSuccess)
		},
		"answered early": func(s *stallEnv) {
			s.answer(nt.StatusSuccess)
			s.over(nt.StatusSuccess)
			arrives(s)
		},
		"refused early": func(s *stallEnv) {
			s.answer(nt.StatusDiskFull)
			s.over(nt.StatusDiskFull)
			arrives(s)
		},
		"cancelled": func(s *stallEnv) {
			if err := s.m.CancelIoFile(s.h); err != nil {
				s.t.Error(err)
			}
			s.over(nt.StatusCancelled)
			arrives(s)
		},
		"cancelled and answered": func(s *stallEnv) {
			if err := s.m.CancelIoFile(s.h); err != nil {
				s.t.Error(err)
			}
			s.answer(nt.StatusCancelled)
			s.over(nt.StatusCancelled)
			arrives(s)
		},
		"cancelled, and answered later": func(s *stallEnv) {
			if err := s.m.CancelIoFile(s.h); err != nil {
				s.t.Error(err)
			}
			s.over(nt.StatusCancelled)
			s.answer(nt.StatusSuccess)
			arrives(s)
		},
		"cut by the server": func(s *stallEnv) {
			_ = s.far.Conn.Close()
			s.over(nt.StatusConnectionDisconnected)
			close(s.far.on)
		},
		"cut here": func(s *stallEnv) {
			_ = s.near.TCPConn.Close()
			s.over(nt.StatusConnectionDisconnected)
			close(s.far.on)
		},
		"answered with nonsense": func(s *stallEnv) {
			s.head.Command = smb2.Read
			s.answer(nt.StatusSuccess)
			s.over(nt.StatusConnectionDisconnected)
			close(s.far.on)
		},
	} {
		for _, kind := range []struct {
			name    string
			signing rdr.Signing
			dialect smb2.Dialect
			shared  bool
		}{
			{"plain", rdr.SigningEnabled, smb2.Dialect311, false}, {"signed with GMAC", rdr.SigningRequired, smb2.Dialect311, false},
			{"signed with CMAC", rdr.SigningRequired, smb2.Dialect302, false}, {"signed with HMAC", rdr.SigningRequired, smb2.Dialect210, false},
			{"of memory that others write, signed", rdr.SigningRequired, smb2.Dialect311, true},
		} {
			t.Run(name+"/"+kind.name, func(t *testing.T) {
				t.Parallel()
				test(newStall(t, kind.signing, kind.dialect, kind.shared))
			})
		}
	}
}

// TestWriteUnsteady: what another process writes into memory whose bytes are being sent does not spoil a signature.
func TestWriteUnsteady(t *testing.T) {
	s := newStall(t, rdr.SigningRequired, smb2.Dialect311, true)
	for i := range s.in { // as that process may, at any time
		s.in[i] ^= 0xFF
	}
	close(s.far.on)
	if got := wait(t, s.arrived); !bytes.Equal(got, s.want) {
		t.Error("other bytes arrived than were signed")
	}
	s.answer(nt.StatusSuccess)
	s.over(nt.StatusSuccess)
}

// relay passes the bytes of connections on to a server, and cuts the first after so many to the server.
type relay struct {
	net.Listener
	to   string
	left int64
	used atomic.Int64
	wg   sync.WaitGroup
}

func (r *relay) serve() {
	first := true
	for {
		near, err := r.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", r.to)
		if err != nil {
			near.Close()
			continue
		}
		limit := int64(1 << 62)
		if first {
			limit = r.left
		}
		count := first
		first = false
		r.wg.Go(func() {
			n, _ := io.Copy(far, io.LimitReader(near, limit))
			if count {
				r.used.Store(n)
			}
			near.Close()
			far.Close()
		})
		r.wg.Go(func() { _, _ = io.Copy(near, far); near.Close(); far.Close() })
	}
}

// TestCutBulk cuts the connection at places in the middle of long writes: they go again over the next, and each with the bytes that were its own, though
// every buffer is used for others as soon as its write is done.
func TestCutBulk(t *testing.T) {
	for name, signing := range map[string]rdr.Signing{"plain": rdr.SigningEnabled, "signed": rdr.SigningRequired} {
		t.Run(name, func(t *testing.T) {
			e := newServer(t, func(c *srv.Config) { c.Signing = srv.SigningEnabled })
			whole := e.bulkCutAt(t, 1<<62, signing)
			if whole < 8<<20 {
				t.Fatalf("%d bytes in all", whole)
			}
			r := rand.New(rand.NewPCG(1, 2))
			count := 24
			if testing.Short() {
				count = 6
			}
			for range count {
				e.bulkCutAt(t, 8<<10+r.Int64N(whole-8<<10), signing)
			}
			e.nothingOpen(t)
		})
	}
}

func (e *env) bulkCutAt(t *testing.T, n int64, signing rdr.Signing) int64 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	way := &relay{Listener: l, to: e.addr, left: n}
	way.wg.Go(way.serve)
	m := iomgr.New(iomgr.Config{Log: testLog(t)})
	err = m.Load(t.Context(), rdr.DriverEntry(rdr.Config{Initiator: ntlmInitiator, Default: credential("alice"), RequestTimeout: testTimeout, Signing: signing, Channels: 1,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
		}}))
	if err != nil {
		t.Fatal(err)
	}
	name := "bulk" + strconv.FormatInt(n, 10)
	h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: e.name(`data\` + name), DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpenIf,
		Impersonation: api.ImpersonateImpersonation})
	if err != nil {
		t.Fatalf("cut after %d bytes: open: %v", n, err)
	}
	want := patterned(8<<20, uint64(n))
	var wg sync.WaitGroup
	var at atomic.Int64
	for range 3 {
		wg.Go(func() {
			b := make([]byte, 1500<<10)
			for {
				k := at.Add(int64(len(b))) - int64(len(b))
				if k >= int64(len(want)) {
					return
				}
				part := b[:copy(b, want[k:])]
				if _, err := m.WriteFile(t.Context(), h, part, k); err != nil {
					t.Errorf("cut after %d bytes: write at %d: %v", n, k, err)
				}
				clear(b)
			}
		})
	}
	wg.Wait()
	if err := m.Close(h); err != nil {
		t.Errorf("cut after %d bytes: close: %v", n, err)
	}
	shutdown(t, m)
	l.Close()
	way.wg.Wait()
	file := filepath.Join(e.dir, name)
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("cut after %d bytes: the server has %d bytes, or others: %v", n, len(got), err)
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	return way.used.Load()
}
