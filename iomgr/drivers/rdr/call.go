package rdr

import (
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// call is an exchange of the driver's own that a goroutine waits for.
type call struct {
	status nt.Status
	header smb2.Header
	body   []byte
	raw    []byte // the answer, header and body
	sent   []byte // the request as it went, signature and all
	ended  chan struct{}
}

// calls are the operations of those exchanges, by command: the body is there already, and what comes is for the caller to read.
func callOperation(cmd smb2.Command) operation {
	return operation{
		cmd:    cmd,
		size:   func(x *exchange) int { return len(x.in) },
		encode: func(x *exchange, b []byte) []byte { return append(b, x.in...) },
	}
}

var (
	opNegotiate      = callOperation(smb2.Negotiate)
	opSetup          = callOperation(smb2.SessionSetup)
	opBind           = callOperation(smb2.SessionSetup) // its answers are verified by bind
	opProbe          = callOperation(smb2.Echo)
	opLogoff         = callOperation(smb2.Logoff)
	opTreeConnect    = callOperation(smb2.TreeConnect)
	opTreeDisconnect = callOperation(smb2.TreeDisconnect)
	opValidate       = callOperation(smb2.Ioctl)
)

// call sends a request and waits for its answer. It always comes to an end: an answer that does not come cuts the connection. An error is
// that of the connection; the server's status is in the call.
func (c *conn) call(op *operation, s *session, t *tree, body []byte, force bool) (*call, error) {
	k := &call{ended: make(chan struct{})}
	x := newExchange(op, c, s, t)
	x.in, x.capture, x.force = body, true, force
	x.done = func(x *exchange, st nt.Status, _ int) {
		k.status, k.raw, k.sent = st, x.raw, x.sent
		close(k.ended)
	}
	c.start(x)
	<-k.ended
	if k.raw == nil {
		if err := c.reason(); err != nil {
			return nil, lostError{k.status, err}
		}
		return nil, k.status
	}
	var err error
	if k.header, err = smb2.ParseHeader(k.raw); err != nil {
		return nil, err
	}
	k.body = k.raw[smb2.HeaderSize:]
	return k, nil
}

// lostError is a connection's end with its reason.
type lostError struct {
	status nt.Status
	why    error
}

func (e lostError) Error() string   { return e.why.Error() }
func (e lostError) Unwrap() []error { return []error{e.status, e.why} }
