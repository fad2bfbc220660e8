package hostile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	echogen "lwio/gen/echo"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/pipes"
	"lwio/rpc"
	rpcclient "lwio/rpc/client"
	"lwio/rpc/pdu"
)

// abused starts a server, abuses it, and sees that nothing of it stays.
func abused(t *testing.T, edit func(*srv.Config), f func(h *host)) {
	t.Helper()
	h := start(t, edit)
	h.serves()
	base, heap := newBaseline(), heapInUse()
	bounded(t, memoryLimit, func() {
		f(h)
		h.forgotten()
		base.restored(t)
	})
	if now := heapInUse(); now > heap+1<<20 {
		t.Errorf("%d bytes of heap are alive after it; there were %d before", now, heap)
	}
	h.serves()
	if err := h.longCall(4 << 20); err != nil {
		t.Errorf("a long call: %v", err)
	}
}

// longCall makes a call of n bytes both ways: what others held must have been given back.
func (h *host) longCall(n int) error {
	c, err := logon(h.addr, user, smb2.Dialect311, false)
	if err != nil {
		return err
	}
	defer c.nc.Close()
	if err := c.connectTree("IPC$"); err != nil {
		return err
	}
	ctx := context.Background()
	p := &remotePipe{a: &association{c: c}}
	if p.a.id, err = c.open(pipeRequest("rpcecho")); err != nil {
		return err
	}
	conn := rpcclient.NewConn(p, rpcclient.Config{})
	defer conn.Close()
	b, err := conn.Bind(ctx, echogen.RpcechoInterface, nil)
	if err != nil {
		return err
	}
	in := make([]byte, n-1<<10)
	out, err := echogen.NewClient(b).EchoData(ctx, &echogen.EchoDataRequest{InData: in, Len: uint32(len(in))})
	if err == nil && len(out.OutData) != len(in) {
		err = fmt.Errorf("%d bytes come back", len(out.OutData))
	}
	return err
}

// expectCut waits until the server has ended the connection.
func expectCut(c *client, within time.Duration) error {
	_ = c.nc.SetDeadline(time.Now().Add(within))
	for {
		if err := c.read(func(smb2.Message) {}); err == errCut {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// each runs f for n numbers, some at a time, and fails the test with the first error.
func each(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make(chan error, n)
	slots := make(chan struct{}, 8)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			if err := f(i); err != nil {
				errs <- fmt.Errorf("%d: %w", i, err)
			}
			<-slots
		})
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		t.Fatalf("%v, and %d more", err, len(errs))
	}
}

// TestHalfOpen: 500 connections that say nothing, or too little, are in nobody's way and are cut.
func TestHalfOpen(t *testing.T) {
	const many = 500
	abused(t, func(c *srv.Config) { c.Limits.AuthTimeout = 2 * time.Second }, func(h *host) {
		list := make([]*client, many)
		each(t, many, func(i int) (err error) {
			if list[i], err = connect(h.addr); err != nil {
				return err
			}
			switch i % 4 {
			case 1:
				_, err = list[i].nc.Write([]byte{0, 0})
			case 2:
				_, err = list[i].nc.Write([]byte{0, 1, 0, 0, 0xFE, 'S', 'M', 'B'})
			case 3:
				err = list[i].negotiate(smb2.Dialect311)
			}
			return err
		})
		h.serves()
		each(t, many, func(i int) error {
			defer list[i].nc.Close()
			return expectCut(list[i], patience)
		})
	})
}

// TestSlowBytes: a message that comes byte by byte is no reason to wait for ever, and one that is announced is no reason to hold its memory.
func TestSlowBytes(t *testing.T) {
	const many = 60
	abused(t, func(c *srv.Config) { c.Limits.AuthTimeout, c.Limits.FrameTimeout = time.Second, time.Second }, func(h *host) {
		list := make([]*client, many)
		var whole [][]byte
		each(t, many, func(i int) (err error) {
			if i%2 == 0 { // authenticated: what it announces is as long as it may be
				if list[i], err = logon(h.addr, user, smb2.Dialect311, false); err == nil {
					_, err = list[i].nc.Write([]byte{0, 0x80, 0x80, 0, 0xFE, 'S', 'M', 'B'})
				}
				return err
			}
			list[i], err = connect(h.addr)
			return err
		})
		for i := range many {
			b := make([]byte, 64)
			if i%2 == 1 {
				msg := list[i].message(smb2.Negotiate, offer(smb2.Dialect311).Append(nil))
				b = append(smb2.AppendFrameHeader(nil, len(msg)), msg...)
			}
			whole = append(whole, b)
		}
		if now := held(); now > memoryLimit/2 {
			t.Errorf("%d messages that are but announced hold %d bytes", many/2, now)
		}
		h.serves()
		// A byte every 50 ms each. Those that have not authenticated may not go on for longer than a second; the others stop after 20 bytes, and
		// then have as long.
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for k := range 30 {
			<-tick.C
			for i, c := range list {
				if k < len(whole[i]) && (i%2 == 1 || k < 20) {
					_, _ = c.nc.Write(whole[i][k : k+1])
				}
			}
		}
		each(t, many, func(i int) error {
			defer list[i].nc.Close()
			return expectCut(list[i], patience)
		})
	})
}

// largeFile puts a file of so many bytes into the share.
func (h *host) largeFile(n int64) {
	f, err := os.Create(filepath.Join(h.dir, "share", "large.bin"))
	if err == nil {
		err = errors.Join(f.Truncate(n), f.Close())
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestNeverReads: clients that ask for much and take nothing hold no more than the limit of a connection, hold up nobody, and are cut.
func TestNeverReads(t *testing.T) {
	abused(t, func(c *srv.Config) { c.Limits.SendTimeout, c.Limits.OutstandingBytes = time.Second, 32<<20 }, func(h *host) {
		h.largeFile(8 << 20)
		each(t, 4, func(int) error {
			c, err := logon(h.addr, user, smb2.Dialect311, false)
			if err != nil {
				return err
			}
			defer c.nc.Close()
			_ = c.nc.SetReadBuffer(4096)
			if err := c.connectTree("data"); err != nil {
				return err
			}
			id, err := c.open(&smb2.CreateRequest{ImpersonationLevel: 2, DesiredAccess: nt.FileReadData, ShareAccess: 7, CreateDisposition: nt.FileOpen,
				Name: nt.AppendUTF16(nil, "large.bin")})
			if err != nil {
				return err
			}
			for c.credits < 4000 { // as many as it takes
				m := c.message(smb2.Echo, (&smb2.EchoRequest{}).Append(nil))
				smb2.SetCredits(m, 4096)
				c.queue(m)
				if _, err := c.await(m); err != nil {
					return err
				}
			}
			for range 240 {
				m := c.message(smb2.Read, (&smb2.ReadRequest{FileID: id, Length: 1 << 20}).Append(nil))
				c.charge(m, 16)
				c.queue(m)
			}
			c.flush()
			if err := h.freshClient(user); err != nil {
				return err
			}
			end := time.Now().Add(patience)
			_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for { // what it sends is not read, and shows when the connection has gone
				<-tick.C
				if _, err := c.nc.Write(make([]byte, 1)); err != nil {
					if failure(err) == errHang {
						return errHang
					}
					return nil
				}
				if time.Now().After(end) {
					return errors.New("the connection lives")
				}
			}
		})
	})
}

// TestCreditAbuse: who asks for all credits gets what the limit allows, may use it at once, and is cut when he goes beyond it.
func TestCreditAbuse(t *testing.T) {
	abused(t, nil, func(h *host) {
		each(t, 8, func(i int) error {
			c, err := logon(h.addr, user, smb2.Dialect311, false)
			if err != nil {
				return err
			}
			defer c.nc.Close()
			c.credits = 0
			for range 4 {
				m := c.message(smb2.Echo, (&smb2.EchoRequest{}).Append(nil))
				smb2.SetCredits(m, 0xFFFF)
				c.queue(m)
				if _, err := c.await(m); err != nil {
					return err
				}
			}
			if c.credits > 8192 {
				return fmt.Errorf("%d credits", c.credits)
			}
			for range c.credits - 4 - 1 { // of the four echoes, one was paid with what the logon gave
				c.queue(c.message(smb2.Echo, (&smb2.EchoRequest{}).Append(nil)))
			}
			if err := c.barrier(); err != nil {
				return err
			}
			m := c.message(smb2.Echo, (&smb2.EchoRequest{}).Append(nil))
			switch i % 3 {
			case 0:
				le.PutUint64(m[24:], c.next+8192)
			case 1:
				le.PutUint64(m[24:], 3)
			case 2:
				c.charge(m, 0xFFFF)
			}
			c.queue(m)
			c.flush()
			return expectCut(c, patience)
		})
	})
}

// TestEndlessFragments: 50 requests at once of which no fragment is the last end with a fault at the limit of a request, or of them all.
func TestEndlessFragments(t *testing.T) {
	const conns, perConn = 5, 10
	abused(t, nil, func(h *host) {
		each(t, conns, func(int) error {
			c, err := logon(h.addr, user, smb2.Dialect311, false)
			if err != nil {
				return err
			}
			defer c.nc.Close()
			if err := c.connectTree("IPC$"); err != nil {
				return err
			}
			var list []*association
			for range perConn {
				a, err := c.associate(0)
				if err != nil {
					return err
				}
				list = append(list, a)
			}
			ended := map[*association]bool{}
			for k := 0; len(ended) < perConn; k++ {
				if k > 8<<20/4000 {
					return fmt.Errorf("%d of %d requests have ended after 8 MiB each", len(ended), perConn)
				}
				for _, a := range list {
					if ended[a] {
						continue
					}
					x := pdu.Request{Header: pdu.Header{CallID: 9}, Opnum: 2}
					if k == 0 {
						x.Flags = pdu.FirstFrag
					}
					m, err := c.do(smb2.Write, (&smb2.WriteRequest{FileID: a.id, Data: pdu.AppendRequest(nil, &x, make([]byte, 4000))}).Append(nil))
					if err != nil {
						return err
					}
					if m.Header.Status != nt.StatusSuccess {
						ended[a] = true
						if err := a.faulted(); err != nil {
							return err
						}
					}
				}
			}
			return nil
		})
	})
}

// faulted expects a fault as the answer, and then the end of the pipe.
func (a *association) faulted() error {
	for first := true; ; first = false {
		m, err := a.c.do(smb2.Read, (&smb2.ReadRequest{FileID: a.id, Length: fragment}).Append(nil))
		if err != nil {
			return err
		}
		if m.Header.Status != nt.StatusSuccess {
			if first || m.Header.Status != nt.StatusPipeBroken {
				return fmt.Errorf("after a request without an end: %w", m.Header.Status)
			}
			return nil
		}
		res, err := smb2.ParseReadResponse(m.Body)
		if err != nil {
			return err
		}
		if x, err := pdu.ParseFault(res.Data); err != nil || rpc.Fault(x.Status) != rpc.FaultAccessDenied {
			return fmt.Errorf("after a request without an end: fault %#x, %w", x.Status, err)
		}
	}
}

// TestHeldFragments: requests that stop short of the limit and are held there take no more than the limit of them all.
func TestHeldFragments(t *testing.T) {
	const conns, perConn = 5, 8
	abused(t, nil, func(h *host) {
		var done sync.WaitGroup
		done.Add(conns)
		each(t, conns, func(int) error {
			defer done.Wait() // all hold at once
			defer done.Done()
			c, err := logon(h.addr, user, smb2.Dialect311, false)
			if err != nil {
				return err
			}
			t.Cleanup(func() { c.nc.Close() })
			if err := c.connectTree("IPC$"); err != nil {
				return err
			}
			for i := range perConn { // of all services
				a, err := c.associate(i % len(services))
				if err != nil {
					return err
				}
				for k := range 4<<20/4096 - 1 {
					x := pdu.Request{Header: pdu.Header{CallID: 9}, Opnum: 2}
					if k == 0 {
						x.Flags = pdu.FirstFrag
					}
					m, err := c.do(smb2.Write, (&smb2.WriteRequest{FileID: a.id, Data: pdu.AppendRequest(nil, &x, make([]byte, 4096))}).Append(nil))
					if err != nil {
						return err
					}
					if m.Header.Status != nt.StatusSuccess {
						break
					}
				}
			}
			defer c.nc.Close()
			return nil
		})
		h.serves()
	})
}

// TestHeldResponses: calls whose responses are long, and that nobody reads, take no more than the limit of them all.
func TestHeldResponses(t *testing.T) {
	const conns, perConn, calls = 4, 6, 8
	abused(t, nil, func(h *host) {
		each(t, conns, func(int) error {
			c, err := logon(h.addr, user, smb2.Dialect311, false)
			if err != nil {
				return err
			}
			defer c.nc.Close()
			if err := c.connectTree("IPC$"); err != nil {
				return err
			}
			for range perConn {
				a := &association{c: c}
				if a.id, err = c.open(pipeRequest("rpcecho")); err != nil {
					return err
				}
				bind := bindPDU(&services[0], 1)
				bind.Flags |= pdu.ConcMPX
				if _, _, err := a.transceive(bind.Append(nil)); err != nil {
					return err
				}
				for id := range calls {
					stub := le.AppendUint32(nil, 1<<20) // SourceData
					m, err := c.do(smb2.Write, (&smb2.WriteRequest{FileID: a.id, Data: requestPDU(uint32(5+id), 3, stub)}).Append(nil))
					if err != nil || m.Header.Status != nt.StatusSuccess {
						return fmt.Errorf("call: %v, %w", m.Header.Status, err)
					}
				}
				// The first bytes of what comes; the rest is left.
				if m, err := c.do(smb2.Read, (&smb2.ReadRequest{FileID: a.id, Length: 256}).Append(nil)); err != nil || m.Header.Status.IsError() {
					return fmt.Errorf("read: %v, %w", m.Header.Status, err)
				}
			}
			return h.freshClient(user)
		})
	})
}

// TestPlugPulled: 1,000 clients that go with requests in flight, in the middle of messages and of compounds, leave nothing behind.
func TestPlugPulled(t *testing.T) {
	const many = 1000
	abused(t, nil, func(h *host) {
		h.busy()
		each(t, many, func(i int) error {
			m := newMutator(uint64(i), 0)
			if i%4 == 0 { // before there is a session
				c, err := connect(h.addr)
				if err != nil {
					return err
				}
				for _, msg := range overture(c, m) {
					c.plain(msg)
				}
				c.out = c.out[:m.IntN(len(c.out)+1)]
				c.flush()
				return c.nc.Close()
			}
			f, err := newFixture(h, m, user, smb2.Dialect311, i%8 == 1)
			if err != nil {
				return err
			}
			f.pull(i)
			if i%2 == 0 {
				_ = f.nc.SetLinger(0)
			}
			return f.nc.Close()
		})
	})
}

// busyPipe has one instance, which is taken.
const busyPipe = "busy"

// busy makes that pipe. It stays: with it those who wait for it would go too.
func (h *host) busy() {
	h.t.Helper()
	ctx := context.Background()
	s, err := pipes.CreateNamedPipe(ctx, h.m, busyPipe, pipes.Config{MaxInstances: 1})
	if err != nil {
		h.t.Fatal(err)
	}
	c, err := pipes.Dial(ctx, h.m, busyPipe, pipes.DialConfig{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if err := errors.Join(c.Close(), h.m.Close(s)); err != nil {
			h.t.Error(err)
		}
	})
}

// pull sends requests that wait, and goes on into a message that has no end.
func (f *fixture) pull(i int) {
	f.tree = f.ipc
	f.queue(f.message(smb2.Read, (&smb2.ReadRequest{FileID: f.pipe, Length: 1000}).Append(nil)))
	hour := -int64(time.Hour / 100) // relative, in 100 ns
	wait := smb2.PipeWaitRequest{Timeout: uint64(hour), TimeoutSpecified: true, Name: nt.AppendUTF16(nil, busyPipe)}
	f.queue(f.message(smb2.Ioctl, ioctl(smb2.RelatedFileID, nt.FsctlPipeWait, wait.Append(nil), 0)))
	f.tree = f.data
	f.queue(f.message(smb2.ChangeNotify, (&smb2.ChangeNotifyRequest{FileID: f.dir, OutputBufferLength: 1024, CompletionFilter: 0xFFF}).Append(nil)))
	whole := len(f.out)
	// Open, write, read and close as one message, related.
	create := smb2.CreateRequest{ImpersonationLevel: 2, DesiredAccess: 0x12019f, ShareAccess: 7, CreateDisposition: nt.FileOpenIf,
		Name: nt.AppendUTF16(nil, fmt.Sprintf("plug%d.txt", i%16))}
	related := smb2.RelatedFileID
	msgs := [][]byte{f.message(smb2.Create, create.Append(nil)), f.message(smb2.Write, (&smb2.WriteRequest{FileID: related, Data: make([]byte, 5000)}).Append(nil)),
		f.message(smb2.Read, (&smb2.ReadRequest{FileID: related, Length: 4096}).Append(nil)), f.message(smb2.Close, (&smb2.CloseRequest{FileID: related}).Append(nil))}
	if i%5 == 0 { // one that waits in the middle
		f.tree = f.ipc
		msgs[0] = f.message(smb2.Create, pipeRequest("rpcecho").Append(nil))
	}
	var y tally
	f.compound(msgs, &y)
	if i%2 == 1 {
		f.out = f.out[:whole+f.IntN(len(f.out)-whole)]
	}
	f.flush()
}
