package srv

import (
	"errors"
	"io"
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// A large WRITE that is neither signed nor sealed nor compressed need not be read to be started: its headers say what it is, and its data may go from the
// socket to the file without passing through memory. It is started with an inflow in the place of its data.

const (
	// inflowMin is the length of a message from which that is done.
	inflowMin = 128 << 10
	// inflowHead is how much of the message is read: both headers.
	inflowHead = smb2.HeaderSize + 48
)

// inflow is the data of such a WRITE; an [lwio/iomgr/api.Inflow]. It is the reader's.
type inflow struct {
	c     *conn
	cmd   *command
	size  int
	left  int
	err   error     // of the connection, which then ends
	since time.Time // when the deadline was set

	// Of splice.
	pipe  *pipe
	n     int
	errno error
}

// HandleString shows the inflow as a handle.
func (f *inflow) HandleString() string { return "data of " + f.c.remote }

// Len is how many bytes are still to be taken.
func (f *inflow) Len() int { return f.left }

// flows gives the inflow of a message of n bytes that begins at c.r of small, if it is a WRITE that allows it: one with nothing between its headers and
// its data, nor behind them, as clients send it. What else may be wrong with it is found when it is started. It takes the headers off.
func (c *conn) flows(n int) (*inflow, *buffer, error) {
	if !canSplice || c.raw == nil || n < inflowMin || c.established.Load() == 0 || !c.multiCredit {
		return nil, nil, nil
	}
	if have := c.w - c.r; have < inflowHead {
		if !c.flowed {
			return nil, nil, nil
		}
		if c.r > 0 {
			copy(c.small[:], c.small[c.r:c.w])
			c.r, c.w = 0, have
		}
		if err := c.readRest(c.small[have:inflowHead]); err != nil {
			return nil, nil, err
		}
		c.w = inflowHead
	}
	head := c.small[c.r : c.r+inflowHead]
	h, err := smb2.ParseHeader(head)
	if err != nil || h.Command != smb2.Write || h.NextCommand != 0 || h.IsResponse() || h.IsSigned() || h.IsRelated() || h.IsAsync() {
		return nil, nil, nil
	}
	body := head[smb2.HeaderSize:]
	if le.Uint16(body) != 49 || le.Uint16(body[2:]) != inflowHead || int64(le.Uint32(body[4:])) != int64(n-inflowHead) || le.Uint32(body[40:]) != 0 {
		return nil, nil, nil
	}
	in := newBuffer(c, inflowHead)
	copy(in.b, head)
	le.PutUint32(in.b[smb2.HeaderSize+4:], 0) // for the parser: the data are not behind it
	if c.r += inflowHead; c.r == c.w {
		c.r, c.w = 0, 0
	}
	return &inflow{c: c, size: n - inflowHead, left: n - inflowHead}, in, nil
}

// flow starts a WRITE with an inflow. It takes over the reference to the buffer. What the request has not taken, because it was refused or failed,
// is read and thrown away.
func (c *conn) flow(rd *reader, in *buffer, f *inflow) {
	it := smb2.NewMessages(in.b[:inflowHead])
	m, err := it.Next()
	if err != nil {
		in.unref()
		c.cut(err)
		return
	}
	body := m.Body
	rd.declare(c.job(writes, le.Uint64(body[16:]), le.Uint64(body[8:]), f.size))
	cmd := newCommand(c, in, m, nil)
	in.unref()
	cmd.rd, cmd.flow, f.cmd = rd, f, cmd
	c.srv.bulk.Add(1)
	defer c.srv.bulk.Add(-1)
	f.arm()
	st := cmd.start() // after which the command may be gone
	f.discard()
	c.calm()
	if f.err != nil {
		c.cut(f.err)
	} else {
		c.armDeadline()
	}
	if st != nt.StatusPending {
		cmd.finish(st)
	}
}

// arm has the connection wait no longer than FrameTimeout for the client to go on.
func (f *inflow) arm() {
	if now := time.Now(); now.Sub(f.since) > f.c.srv.cfg.Limits.FrameTimeout/16 {
		f.since = now
		_ = f.c.nc.SetReadDeadline(now.Add(f.c.srv.cfg.Limits.FrameTimeout))
	}
}

// fail keeps why the connection gives no more.
func (f *inflow) fail(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	f.err = err
	return err
}

// buffered takes what has come with the headers, at most as much as is wanted.
func (f *inflow) buffered(n int) []byte {
	c := f.c
	b := c.small[c.r:min(c.w, c.r+min(n, f.left))]
	if c.r += len(b); c.r == c.w {
		c.r, c.w = 0, 0
	}
	f.left -= len(b)
	return b
}

// Bytes takes what is left into the command's buffer.
func (f *inflow) Bytes() ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	n := f.left
	if !f.c.room(n) {
		return nil, f.fail(errors.New("no room for a message"))
	}
	b := newBuffer(f.c, n)
	f.cmd.in.unref()
	f.cmd.in, f.cmd.raw, f.cmd.body = b, nil, nil
	if err := f.read(b.b[:n]); err != nil {
		return nil, err
	}
	return b.b[:n], nil
}

// read fills b.
func (f *inflow) read(b []byte) error {
	b = b[copy(b, f.buffered(len(b))):]
	for len(b) > 0 {
		f.arm()
		n, err := f.c.receive(b)
		b = b[n:]
		f.left -= n
		if err != nil && n == 0 {
			return f.fail(err)
		}
	}
	return nil
}

// discard reads what nobody wants.
func (f *inflow) discard() {
	if f.left == 0 || f.err != nil {
		return
	}
	b := newBuffer(f.c, 1<<16)
	defer b.unref()
	for f.left > 0 && f.read(b.b[:min(f.left, 1<<16)]) == nil {
	}
}
