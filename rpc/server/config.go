package server

import (
	"log/slog"
	"sync/atomic"
	"time"

	"lwio/iomgr/auth"
)

// Config is how a Server behaves. The zero value works and has no authentication of its own.
type Config struct {
	// Mechanisms authenticate by auth type: rpc.AuthTypeNTLM, AuthTypeSPNEGO, AuthTypeKerberos.
	Mechanisms map[uint8]auth.Mechanism
	// Logger takes panics with their stacks and, at debug level, why connections ended. Nil means slog.Default().
	Logger *slog.Logger

	// Policy is asked before every call. Nil lets all through that the registrations do.
	Policy *Policy
	// Audit takes what is refused. Nil is one of this server's own, over Logger.
	Audit *Audit
	// Tracer shows calls to who follows them. Nil shows none.
	Tracer *Tracer
	// Interceptors stand around every call that the policy and the registration let through, the first outermost.
	Interceptors []Interceptor
	// NDR20Only takes NDR64 from no client. Where it is offered it is taken otherwise.
	NDR20Only bool

	// MaxFragment bounds the fragments of requests and responses; a client may negotiate less, down to 2048. Zero means 5840, as Windows has.
	// Values below 256 are taken as 256.
	MaxFragment int
	// MaxRequest bounds the stub data of a request over all its fragments. Zero means 4 MiB.
	MaxRequest int
	// MaxResponse bounds the stub data of a response. Zero means 16 MiB.
	MaxResponse int
	// MaxBuffered bounds, over all connections, the stub data of requests that are in several fragments and of responses that are longer than one
	// and wait for their clients to take them. A request beyond it ends its association; a response beyond it is rpc.FaultRemoteNoMemory.
	// Zero means 48 MiB. With a Budget it is not looked at.
	MaxBuffered int64
	// Budget is MaxBuffered for several servers together. Nil is one of this server's own.
	Budget *Budget
	// Groups are the association groups of several servers together. Nil are ones of this server's own.
	Groups *Groups
	// MaxConnections bounds the connections; one too many is closed at once. Zero means 4096.
	MaxConnections int
	// MaxCalls bounds the calls of a connection that run or wait; a client with more is not read from. Zero means 64.
	MaxCalls int
	// MaxContexts bounds the presentation contexts of a connection. Zero means 128.
	MaxContexts int
	// MaxAuthContexts bounds the security contexts of a connection. Zero means 16.
	MaxAuthContexts int
	// MaxHandles bounds the context handles of an association group. Zero means rpc.DefaultMaxHandles.
	MaxHandles int

	// BindTimeout bounds the time from accepting a connection to the end of its first bind and authentication. Zero means
	// two minutes, a negative value none.
	BindTimeout time.Duration
	// RequestTimeout bounds the time from the first fragment of a request to its last: whoever dribbles does not hold what others need. Its end is
	// the association's. Zero means two minutes, a negative value none.
	RequestTimeout time.Duration
	// WriteTimeout bounds the time a response may take to be written to a client that does not read. Zero means one minute, a negative value none.
	WriteTimeout time.Duration
	// DrainTime is how long a client without a call has to close its connection after Shutdown has sent it a shutdown PDU. Zero means 200 ms; with a negative value
	// such connections are closed at once and no PDU is sent.
	DrainTime time.Duration
}

const (
	defaultFragment = 5840
	minFragment     = 256
	// floorFragment is what Windows raises smaller proposals to.
	floorFragment   = 2048
	defaultBuffered = 48 << 20
)

// Budget bounds what servers hold of stub data. It is shared by those whose Config has it.
type Budget struct {
	max  int64
	used atomic.Int64
}

// NewBudget makes a budget of so many bytes. Zero means 48 MiB.
func NewBudget(n int64) *Budget {
	if n <= 0 {
		n = defaultBuffered
	}
	return &Budget{max: n}
}

// take counts n bytes. False is over the limit; they count all the same, until they are given back.
func (b *Budget) take(n int64) bool { return b.used.Add(n) <= b.max }

func (b *Budget) give(n int64) { b.used.Add(-n) }

// withDefaults is c with every zero replaced.
func (c Config) withDefaults() Config {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&c.MaxFragment, defaultFragment)
	c.MaxFragment = min(max(c.MaxFragment, minFragment), 0xFFF8) &^ 7
	def(&c.MaxRequest, 4<<20)
	def(&c.MaxResponse, 16<<20)
	def(&c.MaxConnections, 4096)
	def(&c.MaxCalls, 64)
	def(&c.MaxContexts, 128)
	def(&c.MaxAuthContexts, 16)
	if c.MaxBuffered <= 0 {
		c.MaxBuffered = defaultBuffered
	}
	if c.Budget == nil {
		c.Budget = NewBudget(c.MaxBuffered)
	}
	if c.Groups == nil {
		c.Groups = NewGroups()
	}
	if c.BindTimeout == 0 {
		c.BindTimeout = 2 * time.Minute
	}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = 2 * time.Minute
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = time.Minute
	}
	if c.DrainTime == 0 {
		c.DrainTime = 200 * time.Millisecond
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Audit == nil {
		c.Audit = NewAudit(c.Logger)
	}
	return c
}
