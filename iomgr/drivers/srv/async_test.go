package srv_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/pipes"
)

func readBody(id smb2.FileID, n uint32) []byte {
	return (&smb2.ReadRequest{Length: n, FileID: id}).Append(nil)
}

func (c *client) start(cmd smb2.Command, tree uint32, body []byte) pending {
	c.t.Helper()
	p, err := c.send(c.sess, call{cmd: cmd, tree: tree, body: body})
	if err != nil {
		c.t.Fatal(err)
	}
	return p[0]
}

func (p pending) want(st nt.Status) reply {
	p.c.t.Helper()
	r, err := p.recv()
	if err != nil || r.h.Status != st {
		p.c.t.Fatalf("message %d: %v %v (%v), want %v", p.id, r.h.Status, err, p.c.reason(), st)
	}
	return r
}

// TestInterim: what waits long has an interim response, unsigned and with the credits; the answer has none.
func TestInterim(t *testing.T) {
	e := newEnv(t, nil)
	conns := make(chan *pipes.Conn, 1)
	e.listen("late", func(c *pipes.Conn) { conns <- c; silent(c) })
	for _, seal := range []bool{false, true} {
		c := e.logon("alice")
		c.sess.seal = seal
		tree := c.tree("IPC$")
		id := c.open(tree, "late")
		p := c.start(smb2.Read, tree, readBody(id, 100))
		r, err := p.next()
		if err != nil || r.h.Status != nt.StatusPending || !r.h.IsAsync() || r.h.AsyncID == 0 || r.h.Credits == 0 || r.h.IsSigned() || r.sealed != seal {
			t.Fatalf("interim %+v %v", r.h, err)
		}
		if _, err := wait(t, conns).Write([]byte("data")); err != nil {
			t.Fatal(err)
		}
		f := p.want(nt.StatusSuccess)
		if !f.h.IsAsync() || f.h.AsyncID != r.h.AsyncID || f.h.Credits != 0 || f.h.IsSigned() == seal || f.sealed != seal || f.h.MessageID != r.h.MessageID {
			t.Errorf("final %+v", f.h)
		}
		if res, err := smb2.ParseReadResponse(f.body); err != nil || string(res.Data) != "data" {
			t.Errorf("%q %v", res.Data, err)
		}
	}
}

// TestNoInterim: what is answered at once has none.
func TestNoInterim(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "echo")
	for range 50 {
		c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Data: []byte("x")}).Append(nil), nt.StatusSuccess)
		if r := c.do(smb2.QueryInfo, tree, (&smb2.QueryInfoRequest{InfoType: 1, FileInfoClass: 5, FileID: id, OutputBufferLength: 24}).Append(nil), nt.StatusSuccess); r.interim != 0 || r.h.IsAsync() {
			t.Fatalf("%+v", r.h)
		}
	}
}

func (c *client) cancel(edit func(*smb2.Header)) {
	c.t.Helper()
	c.mu.Lock()
	id := c.nextID
	c.mu.Unlock()
	if _, err := c.send(c.sess, call{cmd: smb2.Cancel, body: (&smb2.CancelRequest{}).Append(nil), edit: edit}); err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.nextID = id // a CANCEL uses none
	c.credits++
	c.mu.Unlock()
}

func TestCancel(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("silent", silent)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "silent")
	// By message id, sometimes before the interim response.
	for range 20 {
		p := c.start(smb2.Read, tree, readBody(id, 100))
		c.cancel(func(h *smb2.Header) { h.MessageID = p.id })
		p.want(nt.StatusCancelled)
	}
	// By async id.
	a, b := c.start(smb2.Read, tree, readBody(id, 100)), c.start(smb2.Read, tree, readBody(id, 100))
	ra, err := a.next()
	if err != nil {
		t.Fatal(err)
	}
	rb, err := b.next()
	if err != nil || ra.h.AsyncID == rb.h.AsyncID {
		t.Fatalf("%v %d %d", err, ra.h.AsyncID, rb.h.AsyncID)
	}
	c.cancel(func(h *smb2.Header) { h.Flags |= smb2.FlagAsyncCommand; h.AsyncID, h.MessageID = rb.h.AsyncID, 0 })
	b.want(nt.StatusCancelled)
	// What is not there is not answered.
	c.cancel(func(h *smb2.Header) { h.MessageID = 1 << 40 })
	c.cancel(func(h *smb2.Header) { h.Flags |= smb2.FlagAsyncCommand; h.AsyncID = 99999 })
	// Another session's request is not touched.
	first := c.sess
	c.sess = nil
	if _, st := c.setupSession(setup{user: "bob", password: passwords["bob"]}); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	c.cancel(func(h *smb2.Header) { h.MessageID = a.id })
	c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
	c.sess = first
	c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
	select {
	case r := <-a.ch:
		t.Fatalf("cancelled by another session: %v", r.h.Status)
	default:
	}
	// A cancel that is not signed is none.
	c.sess.sign = false
	c.cancel(func(h *smb2.Header) { h.MessageID = a.id })
	c.sess.sign = true
	c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
	select {
	case r := <-a.ch:
		t.Fatalf("cancelled unsigned: %v", r.h.Status)
	default:
	}
	c.cancel(func(h *smb2.Header) { h.MessageID = a.id })
	a.want(nt.StatusCancelled)
}

// TestReadsEnd: a read that waits ends when its file does, with PIPE_BROKEN.
func TestReadsEnd(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("silent", silent)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "silent")
	p := c.start(smb2.Read, tree, readBody(id, 10))
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
	p.want(nt.StatusPipeBroken)
	id = c.open(tree, "silent")
	p = c.start(smb2.Read, tree, readBody(id, 10))
	c.do(smb2.TreeDisconnect, tree, (&smb2.TreeDisconnectRequest{}).Append(nil), nt.StatusSuccess)
	p.want(nt.StatusPipeBroken)
	c.do(smb2.TreeDisconnect, tree, (&smb2.TreeDisconnectRequest{}).Append(nil), nt.StatusNetworkNameDeleted)
}

// TestOutstanding: no more than so many requests wait; the next is refused.
func TestOutstanding(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Limits.OutstandingRequests = 3 })
	e.listen("silent", silent)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "silent")
	var ps []pending
	for range 5 {
		ps = append(ps, c.start(smb2.Read, tree, readBody(id, 10)))
	}
	waits, refused := 0, 0
	for _, p := range ps {
		r, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		switch r.h.Status {
		case nt.StatusPending:
			waits++
		case nt.StatusInsufficientResources:
			refused++
		default:
			t.Errorf("%v", r.h.Status)
		}
	}
	if waits != 3 || refused != 2 {
		t.Errorf("%d wait, %d were refused", waits, refused)
	}
}

// TestOutstandingBytes: reads that would hold too much are refused.
func TestOutstandingBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the server's patience")
	}
	e := newEnv(t, func(c *srv.Config) { c.Limits.OutstandingBytes = 4 << 20 })
	e.listen("silent", silent)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "silent")
	c.charge = 16
	refused := false
	for range 5 {
		p := c.start(smb2.Read, tree, readBody(id, 1<<20))
		r, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		refused = refused || r.h.Status == nt.StatusInsufficientResources
	}
	if !refused {
		t.Error("5 MiB wait")
	}
}

// TestWriteOrder: pipelined writes to one pipe arrive in the order in which they were sent.
func TestWriteOrder(t *testing.T) {
	e := newEnv(t, nil)
	got := make(chan []byte, 1)
	e.listen("sink", func(c *pipes.Conn) {
		var all []byte
		buf := make([]byte, 100)
		for {
			n, err := c.Read(buf)
			all = append(all, buf[:n]...)
			if err != nil || bytes.HasSuffix(all, []byte("end")) {
				got <- all
				return
			}
		}
	})
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "sink")
	var want []byte
	var ps []pending
	for i := range 60 {
		data := fmt.Appendf(nil, "<%d>", i)
		want = append(want, data...)
		ps = append(ps, c.start(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Data: data}).Append(nil)))
	}
	want = append(want, "end"...)
	ps = append(ps, c.start(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Data: []byte("end")}).Append(nil)))
	for _, p := range ps {
		p.want(nt.StatusSuccess)
	}
	if all := wait(t, got); !bytes.Equal(all, want) {
		t.Errorf("got %q", all)
	}
}

// TestDisconnect: with its connection go a client's files.
func TestDisconnect(t *testing.T) {
	e := newEnv(t, nil)
	ended := make(chan error, 1)
	e.listen("watch", func(c *pipes.Conn) {
		_, err := io.Copy(io.Discard, c)
		ended <- err
	})
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "watch")
	c.start(smb2.Read, tree, readBody(id, 10))
	c.nc.Close()
	wait(t, ended)
}

func TestPipeControls(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "echo")
	ioctl := func(id smb2.FileID, code uint32, in []byte, max uint32, want nt.Status) []byte {
		t.Helper()
		r := c.do(smb2.Ioctl, tree, ioctlBody(id, code, in, max), want)
		if want != nt.StatusSuccess && want != nt.StatusBufferOverflow {
			return nil
		}
		res, err := smb2.ParseIoctlResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		return res.Output
	}
	// PEEK shows and leaves.
	c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Data: []byte("seen")}).Append(nil), nt.StatusSuccess)
	var peek smb2.PipePeekReply
	for peek.ReadDataAvailable == 0 {
		var err error
		if peek, err = smb2.ParsePipePeekReply(ioctl(id, nt.FsctlPipePeek, nil, 1024, nt.StatusSuccess)); err != nil {
			t.Fatal(err)
		}
	}
	if string(peek.Data) != "seen" || peek.NamedPipeState != nt.FilePipeConnectedState || peek.NumberOfMessages != 1 {
		t.Errorf("%+v", peek)
	}
	if out := ioctl(id, nt.FsctlPipePeek, nil, 18, nt.StatusBufferOverflow); string(out[16:]) != "se" {
		t.Errorf("%q", out)
	}
	// WAIT, by name on the share.
	name := func(s string) []byte {
		return (&smb2.PipeWaitRequest{TimeoutSpecified: true, Timeout: uint64(1<<64 - 10000), Name: nt.AppendUTF16(nil, s)}).Append(nil)
	}
	ioctl(smb2.RelatedFileID, nt.FsctlPipeWait, name("echo"), 0, nt.StatusSuccess)
	ioctl(smb2.RelatedFileID, nt.FsctlPipeWait, name("none"), 0, nt.StatusObjectNameNotFound)
	ioctl(smb2.RelatedFileID, nt.FsctlPipeWait, []byte{1, 2}, 0, nt.StatusInvalidParameter)
	ioctl(id, nt.FsctlPipeWait, name("echo"), 0, nt.StatusInvalidParameter)
	// What is the server's end's is nothing for a client.
	for _, code := range []uint32{nt.FsctlPipeImpersonate, nt.FsctlPipeListen, nt.FsctlPipeDisconnect, nt.FsctlPipeGetConnectionAttribute, nt.FsctlPipeQueryClientProcess} {
		ioctl(id, code, []byte("SessionKey\x00"), 1024, nt.StatusInvalidDeviceRequest)
	}
	ioctl(smb2.RelatedFileID, nt.FsctlDfsGetReferrals, []byte{4, 0, 0, 0}, 1024, nt.StatusFsDriverRequired)
	ioctl(id, nt.FsctlDfsGetReferrals, nil, 1024, nt.StatusInvalidParameter)
	ioctl(smb2.FileID{Persistent: 1}, nt.FsctlPipeTransceive, nil, 1024, nt.StatusFileClosed)
	ifs, err := smb2.ParseNetworkInterfaces(ioctl(smb2.RelatedFileID, nt.FsctlQueryNetworkInterfaceInfo, nil, 65536, nt.StatusSuccess))
	if err != nil || len(ifs) == 0 || ifs[0].IPv6 || ifs[0].IP[0] != 127 {
		t.Errorf("%+v %v", ifs, err)
	}
	notFsctl := (&smb2.IoctlRequest{CtlCode: nt.FsctlPipePeek, FileID: id, MaxOutputResponse: 16}).Append(nil)
	c.do(smb2.Ioctl, tree, notFsctl, nt.StatusNotSupported)
}

// TestPipeNames is smbtorture's rpc.samba3.smb2-pipe-name.
func TestPipeNames(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("srvsvc", echo)
	c := e.logon("alice")
	tree := c.tree("ipc$")
	for _, name := range []string{"__none__", `\srvsvc`, `\pipe\srvsvc`, `pipe\srvsvc`} {
		c.do(smb2.Create, tree, createBody(name), nt.StatusObjectNameNotFound)
	}
	c.open(tree, "srvsvc")
	c.open(tree, "SrvSvc")
}
