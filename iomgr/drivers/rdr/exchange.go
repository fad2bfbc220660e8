package rdr

import (
	"sync"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// operation is how a kind of exchange is written and read. The table of them is fixed; what differs is in the exchange.
type operation struct {
	cmd smb2.Command
	// size is an upper bound of the request's body; a wrong one costs a copy.
	size func(*exchange) int
	// encode appends the body.
	encode func(x *exchange, b []byte) []byte
	// decode reads the body of an answer with a status of success, and of one with StatusBufferOverflow if overflow is set. An error is a breach
	// of the protocol and ends the connection.
	decode func(x *exchange, st nt.Status, body []byte) (nt.Status, int, error)
	// overflow: a warning that the buffer was too small comes with what fitted.
	overflow bool
	// failed looks at the data of an error; may be nil.
	failed func(x *exchange, st nt.Status, body []byte) (nt.Status, int)
	// late deals with an answer that comes after the request was given up; may be nil.
	late func(x *exchange, st nt.Status, body []byte)
	// silent: there is no answer.
	silent bool
}

// exchange is a request to the server and its answer.
type exchange struct {
	op   *operation
	conn *conn
	sess *session // nil for NEGOTIATE
	tree *tree    // nil for commands without one
	file *file    // nil for commands without one; a CREATE makes it
	fid  smb2.FileID
	r    *api.Request // nil for the driver's own, and once it has been given up

	// done is told the outcome; without it r is completed.
	done  func(x *exchange, st nt.Status, n int)
	owner any

	in, out  []byte // of r, or of the part of it that this exchange is for
	offset   uint64
	charge   int    // credits (MS-SMB2 3.1.5.2)
	bulk     int    // bytes that count against Limits.BytesInFlight
	capture  bool   // keep what was sent and received, for the preauthentication hash
	sequence uint16 // ChannelSequence of the open
	replay   bool   // the server may have had it before: it is told so in 3.x
	force    bool   // sign although the session does not
	sent     []byte
	raw      []byte
	waited   bool               // who submitted r does nothing but wait for it
	pend     func(*api.Request) // r is pended with it when the exchange is put in line

	lends bool // its data are sent from where they are (outgoing.go)

	// Of those that go in one frame: until that is sent the first stands in line for all.
	then  *exchange    // the next
	with  *api.Request // which ends it too when it is cancelled
	chain *chain

	// guarded by conn.mu
	list       *line
	next, prev *exchange
	id         uint64
	asyncID    uint64
	want       int       // credits to ask for
	deadline   time.Time // for the answer; zero for none
	giveUp     time.Time // when a cancelled request is completed without the server
	async      bool      // an interim response came
	cancelled  bool
	again      uint8 // how often it was refused because of its sequence
	replayed   bool  // it has been sent again after the session had expired
	timedOut   bool
	onWire     bool // the server may have it
	signed     bool
	sealed     bool
	ended      bool // and the sender, which has its data, is to tell of it:
	status     nt.Status
	count      int
}

var exchangePool = sync.Pool{New: func() any { return new(exchange) }}

func newExchange(op *operation, c *conn, s *session, t *tree) *exchange {
	x := exchangePool.Get().(*exchange)
	x.op, x.conn, x.sess, x.tree, x.charge = op, c, s, t, 1
	return x
}

func (x *exchange) recycle() {
	*x = exchange{}
	exchangePool.Put(x)
}

// tell hands the outcome to whom it is for.
func (x *exchange) tell(st nt.Status, n int) {
	switch {
	case x.done != nil:
		x.done(x, st, n)
	case x.r != nil:
		if st == nt.StatusConnectionDisconnected && x.file != nil && x.file.again(x.r, x.tree, x.onWire) {
			return
		}
		x.r.Complete(st, n)
	}
}

// complete ends an exchange that is in no list any more, and those that were to go with it. It may be the sender that tells of it, a little later.
func (x *exchange) complete(st nt.Status, n int) {
	if x.lends && x.conn.keeps(x, st, n) {
		return
	}
	next := x.then
	x.tell(st, n)
	x.recycle()
	if next != nil {
		next.complete(st, 0)
	}
}

// line is a list of exchanges in the order in which they were put in.
type line struct {
	head, tail *exchange
	n          int
}

func (l *line) push(x *exchange) {
	x.list, x.prev, x.next = l, l.tail, nil
	if l.tail != nil {
		l.tail.next = x
	} else {
		l.head = x
	}
	l.tail = x
	l.n++
}

func (l *line) remove(x *exchange) {
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		l.head = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	} else {
		l.tail = x.prev
	}
	x.list, x.next, x.prev = nil, nil, nil
	l.n--
}

// each calls f for every exchange, which f may remove.
func (l *line) each(f func(*exchange)) {
	for x := l.head; x != nil; {
		next := x.next
		f(x)
		x = next
	}
}
