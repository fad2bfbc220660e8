package pipes

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes/npfs"
)

// Addr is the address of a pipe: its name in the manager's namespace.
type Addr string

// Network is "pipe".
func (Addr) Network() string  { return "pipe" }
func (a Addr) String() string { return string(a) }

// Conn is one end of a pipe as a net.Conn. On a message pipe every Write is one message; a Read gives at most one
// message, and a longer one comes in several reads.
type Conn struct {
	a      api.API
	h      api.Handle
	name   string
	server bool

	rd, wr  deadline
	within  atomic.Int64 // SetWriteTimeout
	reading *reading     // of StartRead; nil where nobody uses it

	closeOnce sync.Once
	closed    chan struct{}
	onClose   func() // the listener's; nil if there is none

	peerOnce sync.Once
	token    *nt.Token
	peerErr  error
	remote   Addr
	client   string
	key      []byte
	network  bool
}

var _ net.Conn = (*Conn)(nil)

func newConn(a api.API, h api.Handle, name string, server bool) *Conn {
	c := &Conn{a: a, h: h, name: name, server: server, closed: make(chan struct{}), remote: Addr(name)}
	c.rd.init()
	c.wr.init()
	return c
}

// Dial opens the client's end of a pipe: a plain name for a local pipe, or any name of the manager's namespace.
func Dial(ctx context.Context, a api.API, name string, cfg DialConfig) (*Conn, error) {
	h, err := open(ctx, a, name, cfg)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: Addr(Name(name)), Err: err}
	}
	return newConn(a, h, Name(name), false), nil
}

// Handle is the handle of this end.
func (c *Conn) Handle() api.Handle { return c.h }

// LocalAddr is the pipe's name.
func (c *Conn) LocalAddr() net.Addr { return Addr(c.name) }

// RemoteAddr is the pipe's name, on the server's end the address of a client of the network.
func (c *Conn) RemoteAddr() net.Addr {
	if c.server {
		c.learn()
	}
	return c.remote
}

// Read reads what is there, up to len(b) bytes, and waits if there is nothing.
func (c *Conn) Read(b []byte) (int, error) {
	return c.readError(c.do(context.Background(), &c.rd, 0, api.OpRead, 0, nil, b))
}

// readError makes what io.Reader wants of the outcome of a read.
func (c *Conn) readError(n int, err error) (int, error) {
	switch {
	case err == nil || errors.Is(err, nt.StatusBufferOverflow):
		return n, nil
	case errors.Is(err, nt.StatusPipeBroken), errors.Is(err, nt.StatusPipeDisconnected), errors.Is(err, nt.StatusEndOfFile):
		return n, io.EOF
	}
	return n, c.wrap("read", err)
}

// Write writes b whole.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.do(context.Background(), &c.wr, time.Duration(c.within.Load()), api.OpWrite, 0, b, nil)
	if err == nil && n < len(b) { // a non-blocking end took a part
		err = nt.StatusPipeBusy
	}
	if err != nil {
		return n, c.wrap("write", err)
	}
	return n, nil
}

// Transact is TransactNamedPipe on this end; the read deadline holds for the whole.
func (c *Conn) Transact(ctx context.Context, in, out []byte) (int, error) {
	return c.do(ctx, &c.rd, 0, api.OpFsControl, nt.FsctlPipeTransceive, in, out)
}

// do submits a request and waits for it, the deadline, the time within which it is to be done, the context or Close.
func (c *Conn) do(ctx context.Context, d *deadline, within time.Duration, op api.Op, code uint32, in, out []byte) (n int, err error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	if d.passed() {
		return 0, os.ErrDeadlineExceeded
	}
	w := waits.Get().(*wait)
	w.state = opStarts
	r := &w.r
	r.Op, r.Handle, r.Code, r.In, r.Out = op, c.h, code, in, out
	c.a.Submit(r)
	r.Attend()
	var why error
	if atomic.CompareAndSwapUint32(&w.state, opStarts, opWaits) {
		why = c.await(ctx, w, d, within)
	}
	n, status := r.N, r.Status
	if r.Reusable() {
		r.Again()
		r.Handle, r.In, r.Out = nil, nil, nil
		waits.Put(w)
	}
	if status == nt.StatusSuccess {
		return n, nil
	}
	select {
	case <-c.closed: // whatever Close made of the request
		return n, net.ErrClosed
	default:
	}
	if status == nt.StatusCancelled && why != nil {
		return n, why
	}
	return n, status.Err()
}

// await waits for a request that did not complete at once, and gives why it has cancelled it, if it has.
func (c *Conn) await(ctx context.Context, w *wait, d *deadline, within time.Duration) (why error) {
	var late <-chan time.Time
	if within > 0 {
		t := time.NewTimer(within)
		defer t.Stop()
		late = t.C
	}
	expired := d.enter()
	select {
	case <-w.ch:
	case <-expired:
		why = os.ErrDeadlineExceeded
	case <-late:
		why = os.ErrDeadlineExceeded
	case <-ctx.Done():
		why = ctx.Err()
	case <-c.closed:
		why = net.ErrClosed
	}
	d.leave()
	if why != nil {
		w.r.Cancel()
		<-w.ch
	}
	return why
}

// wait is a request of Read, Write or Transact and how its end is told, used again, mostly by the processor that has used it last.
type wait struct {
	r     api.Request
	state uint32 // changed by atomic operations alone while the request is under way
	ch    chan struct{}
}

var waits = sync.Pool{New: func() any {
	w := &wait{ch: make(chan struct{}, 1)}
	w.r.Waited, w.r.Place = true, uint8(made.Add(1))
	w.r.Done = func(*api.Request) {
		if atomic.SwapUint32(&w.state, opDone) == opWaits {
			w.ch <- struct{}{}
		}
	}
	return w
}}

// made counts the waits.
var made atomic.Uint32

func (c *Conn) wrap(op string, err error) error {
	return &net.OpError{Op: op, Net: "pipe", Source: Addr(c.name), Addr: c.remote, Err: err}
}

// Close lets the end go. The other end may still read what was written.
func (c *Conn) Close() error {
	err := net.ErrClosed
	c.closeOnce.Do(func() {
		close(c.closed)
		c.rd.stop()
		c.wr.stop()
		err = nil
		if e := c.a.Close(c.h); e != nil && !errors.Is(e, nt.StatusInvalidHandle) {
			err = c.wrap("close", e)
		}
		if c.onClose != nil {
			c.onClose()
		}
	})
	return err
}

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline ends reads and transacts at t; the zero time means never.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.rd, t) }

// SetWriteDeadline ends writes at t.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.wr, t) }

// SetWriteTimeout ends each write that takes longer; zero means that none does. It costs nothing where a write need not wait, and holds besides the deadline.
func (c *Conn) SetWriteTimeout(d time.Duration) { c.within.Store(int64(d)) }

func (c *Conn) setDeadline(d *deadline, t time.Time) error {
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
		d.set(t)
		return nil
	}
}

// learn asks the pipe, once, who the client is.
func (c *Conn) learn() {
	c.peerOnce.Do(func() {
		ctx := context.Background()
		var b []byte
		if b, c.peerErr = Attribute(ctx, c.a, c.h, npfs.AttrClientToken); c.peerErr != nil {
			return
		}
		if c.token, c.peerErr = api.ParseToken(b); c.peerErr != nil {
			return
		}
		addr, err := Attribute(ctx, c.a, c.h, npfs.AttrClientAddress)
		if err != nil || len(addr) == 0 {
			return
		}
		c.remote, c.network = Addr(addr), true
		if name, err := Attribute(ctx, c.a, c.h, npfs.AttrClientComputerName); err == nil {
			c.client = nt.DecodeUTF16(name)
		}
		if key, err := Attribute(ctx, c.a, c.h, npfs.AttrSessionKey); err == nil && len(key) > 0 {
			c.key = key
		}
	})
}

// Token is who the client is; nil if that cannot be learned, or on a client's end.
func (c *Conn) Token() *nt.Token {
	if !c.server {
		return nil
	}
	c.learn()
	return c.token
}

// SessionKey is the 16-byte key of the SMB session that the client came by, or that a remote pipe was dialled by; nil for a local one.
func (c *Conn) SessionKey() []byte {
	if c.server {
		c.learn()
		return c.key
	}
	c.peerOnce.Do(func() { // a local pipe tells its client no key
		if key, err := Attribute(context.Background(), c.a, c.h, npfs.AttrSessionKey); err == nil && len(key) > 0 {
			c.key = key
		}
	})
	return c.key
}

// Activity says, on the server's end, which request of a client of the network has brought what was read last; zeros are none. It asks the pipe each time.
func (c *Conn) Activity() (connection, session, message uint64) {
	if !c.server {
		return 0, 0, 0
	}
	b, err := Attribute(context.Background(), c.a, c.h, npfs.AttrActivity)
	if err != nil || len(b) != 24 {
		return 0, 0, 0
	}
	return le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:])
}

// ClientName is the computer name that a client of the network gave; empty for a local one.
func (c *Conn) ClientName() string {
	if !c.server {
		return ""
	}
	c.learn()
	return c.client
}

// Transport is the RPC protocol sequence and endpoint: ncacn_np for a client of the network, ncalrpc for a local one.
func (c *Conn) Transport() (protseq, endpoint string) {
	if c.server {
		if c.learn(); !c.network {
			protseq = "ncalrpc"
		}
	}
	if protseq == "" {
		protseq = "ncacn_np"
	}
	return protseq, `\PIPE\` + plainName(c.name)
}

// plainName is the pipe's name on its machine: without `\npfs\`, and without what leads to the share of the pipes of another one.
func plainName(name string) string {
	if rest, ok := strings.CutPrefix(name, `\npfs\`); ok {
		return rest
	}
	const share = `\IPC$\`
	for i := 0; i+len(share) <= len(name); i++ {
		if name[i] == '\\' && nt.EqualFold(name[i:i+len(share)], share) {
			return name[i+len(share):]
		}
	}
	return name
}

// deadline is a time at which a channel closes. Its timer runs only while somebody waits: most requests are answered at once.
type deadline struct {
	timed atomic.Bool // there is one

	mu      sync.Mutex
	at      time.Time     // guarded by mu; zero for none
	waiting int           // guarded by mu: requests that are not answered
	timer   *time.Timer   // guarded by mu
	cancel  chan struct{} // guarded by mu
	stopped bool          // guarded by mu: the end is closed
}

func (d *deadline) init() { d.cancel = make(chan struct{}) }

// passed reports whether the time has come.
func (d *deadline) passed() bool {
	if !d.timed.Load() {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.at.IsZero() && !time.Now().Before(d.at)
}

// enter begins to wait: the channel closes at the time, also if that is set later. leave ends it.
func (d *deadline) enter() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting++
	d.arm()
	return d.cancel
}

func (d *deadline) leave() {
	d.mu.Lock()
	d.waiting--
	d.mu.Unlock()
}

// stop lets the timer go: a running one is held by the runtime until it fires, which would be long after a connection that is gone.
func (d *deadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return
	}
	if d.timer != nil && !d.timer.Stop() {
		<-d.cancel // the timer is closing it
	}
	d.timer, d.at = nil, t
	d.timed.Store(!t.IsZero())
	passed := !t.IsZero() && !time.Now().Before(t)
	if !passed && d.closed() {
		d.cancel = make(chan struct{})
	}
	if d.waiting > 0 {
		d.arm()
	}
}

// arm needs mu.
func (d *deadline) arm() {
	if d.at.IsZero() || d.timer != nil || d.stopped || d.closed() {
		return
	}
	left := time.Until(d.at)
	if left <= 0 {
		close(d.cancel)
		return
	}
	ch := d.cancel
	d.timer = time.AfterFunc(left, func() { close(ch) })
}

// closed needs mu.
func (d *deadline) closed() bool {
	select {
	case <-d.cancel:
		return true
	default:
		return false
	}
}
