package srv

import (
	"sync"
	"sync/atomic"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

type request = api.Request

// command is one request of a client on its way (MS-SMB2 3.3.1.8 calls it Request). A handler answers it at once with a status, or submits
// an api.Request and returns StatusPending; then its step makes the answer when that has completed.
type command struct {
	conn *conn
	rd   *reader // whose goroutine it is on; nil for a part of a compound, and once it has waited
	in   *buffer // the frame that body lies in; let go with the command
	hdr  smb2.Header
	raw  []byte // what a signature covers
	body []byte
	flow *inflow  // of a WRITE, the data that are not in body
	from *outflow // of a READ, the data that are not in out

	sealed  *channel // the message came encrypted for this session
	ch      *channel
	sess    *session
	tree    *tree
	open    *open
	counted *open // whose requests under way it is among

	sessionID uint64 // of the answer; in a related request not that of the header
	compound  *compound
	inherited smb2.FileID // of the compound, for a related request
	hash      *smb2.PreauthHash

	out *buffer
	end int // of the message in out

	step    func(*command, *request) nt.Status
	req     *request
	own     *request  // kept for commands on pipes; nil where there is none yet
	state   uint32    // changed by atomic operations alone while a request is under way
	instead nt.Status // what StatusCancelled is answered as; 0 for itself
	treeID  uint32    // of the answer

	// of single commands
	code uint32 // control code, information class, or MinimumCount of a READ

	sign  bool  // the message was signed and verified: so is the answer
	keep  bool  // the body stands although the status is none of success
	pack  bool  // the answer goes compressed if that saves
	known bool  // req may be known to who wants to cancel it
	place uint8 // of its requests; kept, as it is mostly used again by the processor that has used it last

	// guarded by conn.mu
	listed     bool
	seen       bool // it waited when sendInterim ran before
	async      bool // an interim response has been sent
	next, prev *command
	asyncID    uint64

	extra any // what the rarer commands keep over their steps
}

const (
	stateSubmitted = iota
	stateWaits
	stateDone
)

var commandPool = sync.Pool{New: func() any { return &command{place: uint8(commandsMade.Add(1))} }}

var commandsMade atomic.Uint32

func newCommand(c *conn, in *buffer, m smb2.Message, sealed *channel) *command {
	cmd := commandPool.Get().(*command)
	cmd.conn, cmd.in, cmd.hdr, cmd.raw, cmd.body, cmd.sealed = c, in.ref(), m.Header, m.Raw, m.Body, sealed
	cmd.sessionID, cmd.treeID = m.Header.SessionID, m.Header.TreeID
	return cmd
}

// recycle is called once nobody knows the command any more: it has been answered, and is in no list.
func (c *command) recycle() {
	if c.counted != nil {
		c.settle()
	}
	if c.in != nil {
		c.in.unref()
	}
	if c.out != nil {
		c.out.unref()
	}
	if c.from != nil {
		c.from.drop()
	}
	own := c.own
	if own != nil {
		if c.known || !own.Reusable() {
			own = nil
		} else {
			*own = request{}
		}
	}
	place := c.place
	*c = command{}
	c.own, c.place = own, place
	commandPool.Put(c)
}

// forget lets the request's frame go early: what waits long should not hold it.
func (c *command) forget() {
	c.in.unref()
	c.in, c.raw, c.body = nil, nil, nil
}

// request gives a request on the command's open, to be filled in: on a pipe one that is used again.
func (c *command) request() *request {
	r := c.own
	if r == nil || !c.open.share.pipe {
		r = new(request)
	}
	r.Handle, r.Place = c.open.handle, c.place
	if c.open.share.pipe {
		c.own, r.Lent = r, c.lends()
	}
	return r
}

// submit starts a request to the I/O manager. step is called when it has completed: here, if that is now, else later from elsewhere.
func (c *command) submit(r *request, step func(*command, *request) nt.Status) nt.Status {
	return c.await(r, c.conn.srv.api.Submit, step)
}

// elsewhere does what may take long on a goroutine of its own, and goes on with step, whose request has its status.
func (c *command) elsewhere(do func() nt.Status, step func(*command, *request) nt.Status) nt.Status {
	return c.await(new(request), func(r *request) { go func() { r.Complete(do(), 0) }() }, step)
}

func (c *command) await(r *request, start func(*request), step func(*command, *request) nt.Status) nt.Status {
	r.Owner, r.Done = c, requestDone
	r.Activity = api.Activity{Connection: c.conn.number, Session: c.sessionID, Message: c.hdr.MessageID}
	c.req, c.step = r, step
	c.state = stateSubmitted
	conn, rd := c.conn, c.rd
	start(r)
	if r.Lent && rd.borrowed(c, r) {
		return nt.StatusPending
	}
	if atomic.LoadUint32(&c.state) == stateDone {
		return step(c, r)
	}
	conn.mu.Lock()
	if !atomic.CompareAndSwapUint32(&c.state, stateSubmitted, stateWaits) {
		conn.mu.Unlock()
		return step(c, r)
	}
	c.enlist()
	conn.mu.Unlock()
	return nt.StatusPending
}

// requestDone is the Done of every request. If submit has not returned it will see the result.
func requestDone(r *request) {
	c := r.Owner.(*command)
	if atomic.SwapUint32(&c.state, stateDone) == stateSubmitted {
		return
	}
	conn := c.conn
	if !conn.led.CompareAndSwap(c, nil) {
		conn.mu.Lock()
		c.delist()
		conn.mu.Unlock()
	}
	if st := c.step(c, r); st != nt.StatusPending {
		c.finishLater(st)
	}
}

// enlist puts the command where CANCEL finds it; conn.mu is held.
func (c *command) enlist() {
	conn := c.conn
	c.rd, c.known = nil, true
	if c.own != c.req {
		c.own = nil // what waits long should not hold it
	}
	c.prev, c.next, c.listed = nil, conn.pending, true
	if c.next != nil {
		c.next.prev = c
	}
	conn.pending = c
	conn.waits++
	c.seen = false
	if !c.async {
		conn.arm()
	}
}

// delist needs conn.mu.
func (c *command) delist() {
	if !c.listed {
		return
	}
	conn := c.conn
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		conn.pending = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.next, c.prev, c.listed = nil, nil, false
	conn.waits--
	if c.async {
		conn.async--
	}
}

// cancelled maps the status of a request that the server itself ended.
func (c *command) cancelled(st nt.Status) nt.Status {
	if st == nt.StatusCancelled && c.instead != 0 {
		return c.instead
	}
	return st
}

// begin makes the buffer of an answer whose body has n bytes and gives the body, empty, to append to.
func (c *command) begin(n int) []byte {
	if c.out != nil {
		c.out.unref()
	}
	c.out = newBuffer(c.conn, outOverhead+n)
	return c.out.b[bodyStart : bodyStart : len(c.out.b)-smb2.SealTailroom]
}

// reply sets the body, which was appended to what begin gave.
func (c *command) reply(body []byte) nt.Status {
	if bodyStart+len(body)+smb2.SealTailroom > len(c.out.b) { // it has outgrown the buffer
		copy(c.begin(len(body))[:len(body)], body)
	}
	c.end = bodyStart + len(body)
	return nt.StatusSuccess
}

// prepare makes the buffer of an answer with fixed bytes of body and up to n bytes that a driver writes; it gives the latter.
func (c *command) prepare(fixed, n int) ([]byte, nt.Status) {
	if n > 1<<16 && !c.conn.room(n) {
		return nil, nt.StatusInsufficientResources
	}
	c.begin(fixed + n)
	at := bodyStart + fixed
	return c.out.b[at : at+n : at+n], nt.StatusSuccess
}

// fixed is the room before what prepare gave; n bytes behind it are used.
func (c *command) fixed(size, n int) []byte {
	c.end = bodyStart + size + n
	return c.out.b[bodyStart : bodyStart+size]
}

// fail answers with an error that carries data.
func (c *command) fail(st nt.Status, data []byte) nt.Status {
	e := smb2.ErrorResponse{ErrorData: data}
	if c.conn.dialect == smb2.Dialect311 && len(data) > 0 {
		e = smb2.NewErrorResponse(smb2.ErrorContext{ErrorID: smb2.ErrorIDDefault, Data: data})
	}
	c.reply(e.Append(c.begin(len(e.ErrorData) + 16)))
	c.keep = true
	return st
}

// encode writes the header of the answer and, for an error, the body.
func (c *command) encode(st nt.Status) {
	if st != nt.StatusSuccess && !c.keep && !st.IsSuccess() || c.end == 0 {
		var e smb2.ErrorResponse
		c.reply(e.Append(c.begin(16)))
	}
	conn := c.conn
	h := smb2.Header{
		CreditCharge: c.hdr.CreditCharge,
		Status:       st,
		Command:      c.hdr.Command,
		Flags:        smb2.FlagServerToRedir | c.hdr.Flags&(smb2.FlagRelated|smb2.FlagPriorityMask),
		MessageID:    c.hdr.MessageID,
		SessionID:    c.sessionID,
	}
	if c.hdr.IsSigned() && !c.sign {
		// Nobody here has the key. Windows then gives the client's signature back, and clients expect the flag.
		h.Flags |= smb2.FlagSigned
		h.Signature = c.hdr.Signature
	}
	if c.async {
		h.Flags |= smb2.FlagAsyncCommand
		h.AsyncID = c.asyncID // its credits came with the interim response
	} else {
		h.ProcessID, h.TreeID = c.hdr.ProcessID, c.treeID
		conn.mu.Lock()
		h.Credits = conn.grant(c.hdr.Credits)
		conn.mu.Unlock()
	}
	h.Put(c.out.b[outStart:])
}

// protect signs the answer if that is due, and gives what seals it.
func (c *command) protect() *smb2.Sealer {
	if c.sealed != nil {
		return c.sealed.sess.sealer
	}
	if c.sign && c.ch != nil {
		if s := c.ch.responseSigner(); s != nil {
			s.Sign(c.out.b[outStart:c.end])
		}
	}
	return nil
}

// finish answers on the goroutine that started the command.
func (c *command) finish(st nt.Status) {
	if c.hdr.Command == smb2.Cancel || c.conn.dead.Load() {
		c.recycle()
		return
	}
	c.encode(st)
	seal := c.protect()
	if c.hash != nil {
		c.hash.Update(c.out.b[outStart:c.end])
	}
	out := c.out
	c.out = nil
	if f := c.from; f != nil && f.n > 0 && c.keep {
		c.from = nil
		c.conn.send.transmitFlow(out, bodyStart+smb2.ReadResponseSize, f.n, c.end, f.p)
		c.recycle()
		return
	}
	if c.pack {
		out, c.end = c.conn.compressed(out, c.end)
	}
	c.conn.send.transmit(out, c.end, seal)
	c.recycle()
}

// finishLater answers from a completion.
func (c *command) finishLater(st nt.Status) {
	if p := c.compound; p != nil {
		p.collect(c, st)
		if p.it.More() {
			go p.run() // a completion must not block, and what follows may
		} else {
			p.flush()
		}
		return
	}
	c.finish(st)
}

// grant gives credits (3.3.1.2); mu is held. Before there is a session they are few.
func (c *conn) grant(want uint16) uint16 {
	limit := c.srv.cfg.Limits.Credits
	if c.established.Load() == 0 {
		limit = min(limit, 128)
	}
	return c.window.grant(want, limit)
}
