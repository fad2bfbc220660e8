package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/auth"
	"lwio/rpc"
	"lwio/rpc/pdu"
)

// Config is how a Conn behaves. The zero value works.
type Config struct {
	// MaxFragment is proposed for the fragments of both directions. Zero means 4280, as Samba and Windows propose on pipes.
	MaxFragment int
	// MaxResponse bounds the stub data of a response. Zero means 64 MiB.
	MaxResponse int
	// MaxCalls bounds the calls that run at once. Zero means 32; 1 does not negotiate PFC_CONC_MPX.
	MaxCalls int
	// Interceptors stand around every call of the bindings, the first outermost.
	Interceptors []Interceptor
	// NDR64 offers that transfer syntax besides NDR 2.0; it is used where the server takes it. Only operations made by idlc may be called then.
	NDR64 bool
	// AssocGroup joins the association group of another Conn to the same server. Zero begins one.
	AssocGroup uint32
	// CancelTimeout is how long a call whose context has ended waits for the server to give it up, as the server is told to, before it is orphaned: then nobody wants
	// the answer (C706 9.5.3 and 12.6.4.8). The call returns what the server answers within the time, else the context's error. Zero does not wait, and the answer is dropped
	// when it comes.
	CancelTimeout time.Duration
}

// Interceptor stands around a call of an operation of the interface. It makes the call by next, at most once, or fails it by an error.
type Interceptor func(ctx context.Context, iface *rpc.Interface, opnum uint16, next func(context.Context) error) error

// Errors of a Conn.
var (
	ErrClosed   = errors.New("rpc: connection closed")
	ErrShutdown = errors.New("rpc: server shuts down")
	errProtocol = errors.New("rpc: server broke the protocol")
	errVerifier = errors.New("rpc: wrong verifier in a response")
	errTooLong  = errors.New("rpc: response over the limit")
	errIgnored  = errors.New("rpc: server answers no cancelled call")
)

// RejectedError says that the server is there and does not take the interface as it was proposed.
type RejectedError struct {
	Interface *rpc.Interface
	Code      pdu.ResultCode
	Reason    pdu.Reason
}

func (e *RejectedError) Error() string {
	why := "reason not specified"
	switch e.Reason {
	case pdu.AbstractSyntaxNotSupported:
		why = "the server has no such interface"
	case pdu.ProposedTransferSyntaxesNotSupported:
		why = "the server does not speak NDR 2.0 on it"
	case pdu.LocalLimitExceeded:
		why = "limit of the server"
	}
	return fmt.Sprintf("rpc: bind to %s: %s", e.Interface.Name, why)
}

// Auth is how a binding authenticates.
type Auth struct {
	Type      uint8 // rpc.AuthTypeSPNEGO, AuthTypeNTLM, AuthTypeKerberos
	Level     rpc.AuthLevel
	Initiator auth.Initiator // for one logon
}

// Conn is an association over one connection.
type Conn struct {
	nc       net.Conn
	cfg      Config
	transact func(ctx context.Context, in, out []byte) (int, error) // nil if the connection has none

	bindMu sync.Mutex // one bind or alter_context exchange at a time; stands above all else
	bound  bool       // guarded by bindMu
	nextPC uint16     // guarded by bindMu
	nextAC uint32     // guarded by bindMu

	// Set by the first bind, before there are calls.
	frag       int
	group      uint32
	headerSign atomic.Bool
	slots      chan struct{} // room for calls

	turn chan struct{} // of one: whoever is in it reads
	wake chan struct{} // of one: there are answers for which nobody waits
	rd   reader        // the reader's

	wmu sync.Mutex // held while a PDU is signed and written, for a request until its last fragment

	mu        sync.Mutex
	nextCall  uint32
	pending   []*pending // guarded by mu
	abandoned int        // of them; guarded by mu
	err       error      // why the association ended; guarded by mu
	dead      chan struct{}
}

// NewConn makes a Conn, which owns nc from then on. Nothing is sent before the first Bind.
func NewConn(nc net.Conn, cfg Config) *Conn {
	if cfg.MaxFragment <= 0 {
		cfg.MaxFragment = 4280
	}
	cfg.MaxFragment = min(max(cfg.MaxFragment, 256), 0xFFF8) &^ 7
	if cfg.MaxResponse <= 0 {
		cfg.MaxResponse = 64 << 20
	}
	if cfg.MaxCalls <= 0 {
		cfg.MaxCalls = 32
	}
	c := &Conn{nc: nc, cfg: cfg, turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), dead: make(chan struct{})}
	c.rd.nc = nc
	if t, ok := nc.(interface {
		Transact(ctx context.Context, in, out []byte) (n int, err error)
	}); ok {
		c.transact = t.Transact
		c.cfg.MaxCalls = 1
	}
	return c
}

// AssocGroup identifies the association group, once there is a binding.
func (c *Conn) AssocGroup() uint32 {
	c.bindMu.Lock()
	defer c.bindMu.Unlock()
	return c.group
}

// Close ends the association. Calls that wait return ErrClosed.
func (c *Conn) Close() error {
	c.fail(ErrClosed)
	return nil
}

// fail ends the association; the first reason is kept.
func (c *Conn) fail(err error) error {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
		close(c.dead)
	}
	err = c.err
	c.mu.Unlock()
	c.nc.Close()
	return err
}

func (c *Conn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// guard lets the end of ctx interrupt reads or writes through their deadline. release undoes what it did.
type guard struct {
	set   func(time.Time) error
	stop  func() bool
	fired chan struct{}
}

var past = time.Unix(1, 0)

func newGuard(ctx context.Context, set func(time.Time) error) guard {
	if ctx.Done() == nil {
		return guard{}
	}
	g := guard{set: set, fired: make(chan struct{})}
	g.stop = context.AfterFunc(ctx, func() {
		set(past)
		close(g.fired)
	})
	return g
}

func (g *guard) release() {
	if g.stop != nil && !g.stop() {
		<-g.fired
		g.set(time.Time{})
	}
}
