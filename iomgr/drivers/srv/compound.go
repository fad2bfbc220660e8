package srv

import (
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// maxCompound bounds the requests of one message. Windows stops near it too.
const maxCompound = 128

// compound is a message of several requests (MS-SMB2 3.3.5.2.7). They are started one after the other, each when the one before it
// has been answered, and answered together.
type compound struct {
	conn   *conn
	in     *buffer
	it     smb2.Messages
	sealed *channel
	count  int

	first     *smb2.Message // set until run has taken it
	sessionID uint64        // of the request before, for a related one
	treeID    uint32
	file      smb2.FileID
	fileError nt.Status // why there is no file
	refused   bool      // the request before had no session
	answers   []answer
}

type answer struct {
	buf    *buffer
	end    int
	signer *smb2.Signer
}

// begin starts the first request.
func (p *compound) begin(first smb2.Message) {
	p.first = &first
	p.sessionID, p.treeID = smb2.RelatedSessionID, smb2.RelatedTreeID
	p.file, p.fileError = smb2.RelatedFileID, nt.StatusFileClosed
	p.run()
}

// last reports that the request under way is the last one.
func (p *compound) last() bool { return !p.it.More() }

// run starts requests until one waits or all are answered.
func (p *compound) run() {
	for p.first != nil || p.it.More() {
		var m smb2.Message
		if p.first != nil {
			m, p.first = *p.first, nil
		} else {
			var err error
			if m, err = p.it.Next(); err != nil {
				p.conn.cut(err)
				break
			}
		}
		if p.count++; p.count > maxCompound {
			p.conn.cut(errCompound)
			break
		}
		cmd := newCommand(p.conn, p.in, m, p.sealed)
		cmd.compound = p
		cmd.inherited = smb2.RelatedFileID
		if m.Header.IsRelated() && p.count > 1 {
			cmd.sessionID, cmd.treeID, cmd.inherited = p.sessionID, p.treeID, p.file
		}
		st := cmd.start()
		if st == nt.StatusPending {
			return
		}
		p.collect(cmd, st)
		if p.conn.dead.Load() {
			break
		}
	}
	p.flush()
}

// collect keeps the answer of a request and what the next one may refer to.
func (p *compound) collect(c *command, st nt.Status) {
	if c.hdr.Command == smb2.Cancel {
		c.recycle()
		return
	}
	p.sessionID, p.treeID = c.sessionID, c.treeID
	p.refused = c.sess == nil && st.IsError()
	if !c.hdr.IsRelated() {
		p.file, p.fileError = smb2.RelatedFileID, nt.StatusFileClosed
	}
	switch {
	case c.hdr.Command == smb2.Create && (st.IsError() || c.open == nil):
		p.file, p.fileError = smb2.RelatedFileID, st
	case c.open != nil:
		p.file = c.open.id
	}
	c.encode(st)
	a := answer{buf: c.out, end: c.end}
	if c.sealed == nil && c.sign && c.ch != nil {
		a.signer = c.ch.responseSigner()
	}
	p.answers = append(p.answers, a)
	c.out = nil
	c.recycle()
}

// assemble joins the answers, each padded and signed by itself, and what more adds.
func (p *compound) assemble(more func([]byte) []byte) (*buffer, int) {
	n := outOverhead + 2*smb2.HeaderSize
	for _, a := range p.answers {
		n += a.end - outStart + 8
	}
	out := newBuffer(p.conn, n)
	b := out.b[outStart:outStart]
	for i, a := range p.answers {
		start := len(b)
		b = append(b, a.buf.b[outStart:a.end]...)
		if len(p.answers) > 1 || more != nil { // the last one too, as Windows does it
			b = smb2.AppendPadding(b, start)
		}
		if i < len(p.answers)-1 || more != nil {
			smb2.SetNextCommand(b[start:], uint32(len(b)-start))
		}
		if a.signer != nil {
			a.signer.Sign(b[start:])
		}
		a.buf.unref()
	}
	p.answers = nil
	if more != nil {
		b = more(b)
	}
	return out, outStart + len(b)
}

// flush sends the answers.
func (p *compound) flush() {
	if len(p.answers) > 0 {
		buf, end := p.assemble(nil)
		var seal *smb2.Sealer
		if p.sealed != nil {
			seal = p.sealed.sess.sealer
		}
		p.conn.send.transmit(buf, end, seal)
	}
	p.release()
}

func (p *compound) release() {
	p.in.unref()
	p.in = nil
}
