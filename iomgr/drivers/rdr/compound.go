package rdr

import (
	"sync/atomic"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// chain is a CREATE with what is to be done at once with the file, and its CLOSE, as related requests of one frame (MS-SMB2 3.2.4.1.4). Each is
// answered by itself; the create is completed when all of them are. A file that the CLOSE did not reach or did not close is closed by itself.
type chain struct {
	o    *opening
	then *api.Then
	left atomic.Int32 // exchanges that are still to be answered

	// Written by the reader before left counts the last one.
	status nt.Status // of the CREATE
	close  nt.Status
	opened bool // fid is that of an open file
	fid    smb2.FileID
}

// maxChained bounds the bytes that go one way with a create, and maxSteps the requests; more is for messages of their own.
const (
	maxChained = 256 << 10
	maxSteps   = 8
)

// operationOf is how a request of a Then goes over the wire; nil for one that cannot.
func operationOf(r *api.Request) *operation {
	switch r.Op {
	case api.OpRead:
		return &opRead
	case api.OpWrite:
		return &opWrite
	case api.OpFlush:
		return &opFlush
	case api.OpQueryInformation, api.OpQueryVolume, api.OpQuerySecurity:
		if r.Code <= 0xFF || r.Op == api.OpQuerySecurity {
			return &opQueryInfo
		}
	case api.OpSetInformation:
		if r.Code <= 0xFF {
			return &opSetInfo
		}
	}
	return nil
}

// chained makes the exchanges that follow a CREATE; nil if there are none, or if they cannot go with it.
func (o *opening) chained() (*chain, []*exchange) {
	t, ok := api.Find[*api.Then](o.r.Create.Contexts)
	c := o.tree.sess.conn
	if !ok || t == nil || o.unchained || o.tree.pipe || o.lease != nil || len(t.Requests) > maxSteps {
		return nil, nil
	}
	k := &chain{o: o, then: t}
	var list []*exchange
	cost, in, out := 1, 0, 0
	give := func() (*chain, []*exchange) {
		for _, x := range list {
			x.recycle()
		}
		return nil, nil
	}
	add := func(op *operation) *exchange {
		x := newExchange(op, c, o.tree.sess, o.tree)
		x.fid, x.with, x.chain = smb2.RelatedFileID, o.r, k
		x.replayed = true // an expired session ends it: the CREATE cannot be sent again without it
		list = append(list, x)
		return x
	}
	for _, r := range t.Requests {
		op := operationOf(r)
		if op == nil {
			return give()
		}
		x := add(op)
		x.r, x.in, x.out, x.offset, x.done = r, r.In, r.Out, uint64(r.Offset), stepDone
		switch {
		case r.Op == api.OpRead && (r.Offset < 0 || len(r.Out) > c.maxRead), r.Op == api.OpWrite && (r.Offset < 0 || len(r.In) > c.maxWrite),
			r.Op != api.OpRead && r.Op != api.OpWrite && max(len(r.In), len(r.Out)) > min(c.maxTransact, creditSize):
			return give()
		case r.Op == api.OpSetInformation && isRename(r):
			var st nt.Status
			if x.in, st = (&file{d: o.d, to: o.to}).target(r.In); st != nt.StatusSuccess {
				return give() // which the request by itself is told
			}
		}
		x.charge = c.chargeFor(max(len(x.in), len(x.out)))
		cost, in, out = cost+x.charge, in+len(x.in), out+len(x.out)
	}
	if t.Close {
		x := add(&opClose)
		x.op, x.done = &opChainedClose, chainedClose
		cost++
	}
	if len(list) == 0 || in > maxChained || out > maxChained || 2*cost > int(c.total.Load()) || !c.multiCredit && max(in, out) > creditSize {
		return give()
	}
	k.left.Store(int32(len(list)) + 1)
	for i := range len(list) - 1 {
		list[i].then = list[i+1]
	}
	return k, list
}

// isRename reports a request whose input has a name that is rewritten.
func isRename(r *api.Request) bool {
	switch nt.FileInfoClass(r.Code) {
	case nt.FileRenameInformation, nt.FileRenameInformationEx, nt.FileLinkInformation, nt.FileLinkInformationEx:
		return r.Op == api.OpSetInformation
	}
	return false
}

// cost is what an exchange needs of credits with those that go with it.
func (x *exchange) cost() (n int) {
	for ; x != nil; x = x.then {
		n += x.charge
	}
	return n
}

// stepDone is told what became of a request of a Then.
func stepDone(x *exchange, st nt.Status, n int) {
	x.r.Status, x.r.N = st, n
	x.chain.ended()
}

func chainedClose(x *exchange, st nt.Status, _ int) {
	x.chain.close = st
	x.chain.ended()
}

// opChainedClose is the CLOSE at the end. One that fails after its answer was given up leaves a file, which is closed by itself.
var opChainedClose operation

func init() {
	opChainedClose = opClose
	opChainedClose.late = func(x *exchange, st nt.Status, _ []byte) {
		if k := x.chain; k.opened && st.IsError() {
			x.conn.closeID(x.sess, x.tree, k.fid)
		}
	}
}

// closeID closes a file that is nobody's.
func (c *conn) closeID(s *session, t *tree, id smb2.FileID) {
	k := newExchange(&opClose, c, s, t)
	k.fid, k.done = id, func(*exchange, nt.Status, int) {}
	c.start(k)
}

// ended counts an answer, and with the last one completes the create.
func (k *chain) ended() {
	if k.left.Add(-1) > 0 {
		return
	}
	o := k.o
	if k.status != nt.StatusSuccess {
		o.endOpen(k.status)
		return
	}
	f := o.r.File().Impl().(*file)
	if k.then.Close && k.close == nt.StatusSuccess {
		f.over = true
		f.closed.Store(true)
	}
	a := o.r.Create
	a.Result.Contexts = append(a.Result.Contexts, api.ThenDone{})
	o.end(nt.StatusSuccess)
}

// buildChain makes the frame of related requests, each padded and signed by itself, and sealed all together (MS-SMB2 3.1.4.1, 3.1.4.3).
func (c *conn) buildChain(first *exchange) error {
	s := first.sess
	seal := s != nil && s.sealer != nil && (s.encrypt || first.tree != nil && first.tree.encrypt)
	sign := !seal && s != nil && s.signer != nil && s.sign
	n := outOverhead
	for x := first; x != nil; x = x.then {
		n += smb2.HeaderSize + x.op.size(x) + 8
	}
	buf := newBuffer(n)
	limit := len(buf.b) - smb2.SealTailroom
	b := buf.b[outStart:outStart:limit]
	for x := first; x != nil; x = x.then {
		start := len(b)
		h := c.header(x)
		if x != first {
			h.Flags |= smb2.FlagRelated
		}
		b = x.op.encode(x, h.Append(b))
		if x.then != nil {
			b = smb2.AppendPadding(b, start)
			smb2.SetNextCommand(b[start:], uint32(len(b)-start))
		}
		switch {
		case seal:
			x.sealed = true
		case sign:
			x.signed = true
			s.signer.Sign(b[start:])
		}
	}
	end := outStart + len(b)
	if end > limit { // it has outgrown the buffer
		larger := newBuffer(end + smb2.SealTailroom)
		copy(larger.b[outStart:], b)
		buf.free()
		buf = larger
	}
	c.out.buf = buf
	from := outStart - smb2.FrameHeaderSize
	if seal {
		if err := s.sealer.Seal(buf.b[smb2.FrameHeaderSize:end]); err != nil {
			return err
		}
		from = 0
	}
	smb2.PutFrameHeader(buf.b[from:], end-from-smb2.FrameHeaderSize)
	c.out.head = buf.b[from:end]
	return nil
}
