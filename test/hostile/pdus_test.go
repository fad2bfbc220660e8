package hostile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	echogen "lwio/gen/echo"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/rpc"
	rpcclient "lwio/rpc/client"
	"lwio/rpc/pdu"
)

// perPipeClient is how many pipes one session opens after another.
const perPipeClient = 40

// dialogue is what a client may say on a pipe, as PDUs. bound tells that the bind has been.
func dialogue(m mutator, s *service, bound bool) [][]byte {
	var list [][]byte
	if !bound || m.chance(6) {
		x := bindPDU(s, 1)
		if m.chance(3) {
			x.Contexts = append(x.Contexts, pdu.Context{ID: 1, Abstract: x.Contexts[0].Abstract, Transfer: []pdu.SyntaxID{pdu.FeatureSyntax(3)}},
				pdu.Context{ID: 2, Abstract: pdu.SyntaxID{UUID: nt.GUID{9}, Major: 1}, Transfer: []pdu.SyntaxID{pdu.NDR, pdu.NDR}})
		}
		if m.chance(3) {
			token, _, err := initiator(victim).Init(context.Background(), nil)
			if err != nil {
				panic(err)
			}
			x.Flags |= pdu.HeaderSign
			x.Verifier = &pdu.Verifier{Type: rpc.AuthTypeNTLM, Level: uint8(2 + m.IntN(5)), ContextID: 7, Value: token}
		}
		list = append(list, x.Append(nil))
	}
	opnum := uint16(m.IntN(len(s.iface.Ops) + 1))
	stub := m.noise(m.IntN(100))
	head := func(flags pdu.Flags) pdu.Header { return pdu.Header{Flags: flags, CallID: 5} }
	for range 1 + m.IntN(3) {
		switch m.IntN(9) {
		case 0, 1:
			list = append(list, requestPDU(5, opnum, stub))
		case 2: // in fragments
			k := 2 + m.IntN(4)
			for i := range k {
				x := pdu.Request{Header: head(0), AllocHint: uint32(k * 64), Opnum: opnum}
				if i == 0 {
					x.Flags |= pdu.FirstFrag
				}
				if i == k-1 {
					x.Flags |= pdu.LastFrag
				}
				list = append(list, pdu.AppendRequest(nil, &x, m.noise(64)))
			}
		case 3:
			x := pdu.Request{Header: head(pdu.FirstFrag | pdu.LastFrag | pdu.ObjectUUID), Object: nt.GUID{1}, Opnum: opnum}
			list = append(list, pdu.AppendRequest(nil, &x, stub))
		case 4:
			list = append(list, (*pdu.AlterContext)(bindPDU(s, 6)).Append(nil))
		case 5:
			list = append(list, (&pdu.Cancel{Header: head(pdu.FirstFrag | pdu.LastFrag)}).Append(nil))
		case 6:
			list = append(list, (&pdu.Orphaned{Header: head(pdu.FirstFrag | pdu.LastFrag)}).Append(nil))
		case 7:
			x := pdu.Auth3{Header: head(pdu.FirstFrag | pdu.LastFrag), Verifier: &pdu.Verifier{Type: rpc.AuthTypeNTLM, Level: 5, ContextID: 7, Value: m.noise(90)}}
			list = append(list, x.Append(nil))
		case 8: // protected in a context that is not, or not yet
			b := requestPDU(5, opnum, make([]byte, 16))
			b = append(pdu.AppendTrailer(b, pdu.Verifier{Type: rpc.AuthTypeNTLM, Level: 6, ContextID: 7}), m.noise(16)...)
			pdu.SetLengths(b, 16)
			list = append(list, b)
		}
	}
	return list
}

// whole reports that a stream of fragments ends with a fragment's end, or breaks the protocol before: then the server owes an answer, or
// the end of the association.
func whole(b []byte, bound bool) bool {
	for len(b) > 0 {
		if len(b) < pdu.HeaderLen {
			return false
		}
		h, err := pdu.ParseHeader(b)
		if err != nil {
			return true
		}
		long := h.Type == pdu.TypeBind || h.Type == pdu.TypeAlterContext
		if int(h.FragLength) > len(b) {
			return !long && h.FragLength > 5840
		}
		if !bound && h.Type != pdu.TypeBind {
			return true
		}
		bound = true
		b = b[h.FragLength:]
	}
	return true
}

// pdus lies in the PDUs of RPC on pipes, without authentication of their own. Behind each lie goes a request that is valid, and what the server owes
// is waited for.
func pdus(h *host, m mutator, n int, y *tally) error {
	for y.sent < n {
		c, err := logon(h.addr, user, smb2.Dialect311, false)
		if err != nil {
			return err
		}
		if err := c.connectTree("IPC$"); err != nil {
			return err
		}
		c.statuses, c.answered = y.statuses, 0
		for range perPipeClient {
			if y.sent >= n {
				break
			}
			if err = c.lyingPDU(m, y); err != nil {
				break
			}
		}
		y.answered += c.answered
		c.nc.Close()
		if err != nil {
			return y.hung(err, "pipe")
		}
	}
	return nil
}

func (c *client) lyingPDU(m mutator, y *tally) error {
	which := m.IntN(len(services))
	s := &services[which]
	bound := !m.chance(4)
	a := &association{c: c}
	var err error
	if bound {
		a, err = c.associate(which)
	} else {
		a.id, err = c.open(pipeRequest(s.pipe))
	}
	if err != nil {
		return err
	}
	list := dialogue(m, s, bound)
	i := m.IntN(len(list))
	switch m.IntN(8) {
	case 0:
		list = append(list, list[i])
	case 1:
		list = slices.Delete(list, i, i+1)
	case 2:
		j := m.IntN(len(list))
		list[i], list[j] = list[j], list[i]
	default:
		list[i] = m.bytes(list[i], pduSpans...)
	}
	stream := bytes.Join(list, nil)
	y.mutated(stream)
	if m.chance(16) {
		// Cut in the middle of it all, with the answer waited for by nobody.
		c.queue(c.message(smb2.Write, (&smb2.WriteRequest{FileID: a.id, Data: stream}).Append(nil)))
		return a.close()
	}
	last := requestPDU(99, 0, make([]byte, 4))
	for rest := stream; len(rest) > 0; {
		k := len(rest)
		if m.chance(4) {
			k = 1 + m.IntN(k)
		}
		c.queue(c.message(smb2.Write, (&smb2.WriteRequest{FileID: a.id, Data: rest[:k]}).Append(nil)))
		rest = rest[k:]
	}
	read := c.message(smb2.Read, (&smb2.ReadRequest{FileID: a.id, Length: fragment}).Append(nil))
	c.queue(read)
	c.queue(c.message(smb2.Write, (&smb2.WriteRequest{FileID: a.id, Data: last}).Append(nil)))
	if whole(append(stream, last...), bound) {
		if _, err := c.await(read); err != nil {
			return err
		}
	}
	return a.close()
}

// remotePipe is an open of a pipe as a net.Conn, for the RPC client.
type remotePipe struct {
	a    *association
	rest []byte
	lie  func([]byte) []byte // applied to what is written next but skip times
	skip int
	lied bool
}

func (p *remotePipe) Write(b []byte) (int, error) {
	out := b
	if p.lie != nil && !p.lied {
		if p.skip--; p.skip < 0 {
			out, p.lied = p.lie(b), true
		}
	}
	m, err := p.a.c.do(smb2.Write, (&smb2.WriteRequest{FileID: p.a.id, Data: out}).Append(nil))
	if err == nil {
		err = m.Header.Status.Err()
	}
	return len(b), err
}

func (p *remotePipe) Read(b []byte) (int, error) {
	if p.lied {
		return 0, io.EOF // who knows whether the server saw a whole PDU
	}
	for len(p.rest) == 0 {
		m, err := p.a.c.do(smb2.Read, (&smb2.ReadRequest{FileID: p.a.id, Length: fragment}).Append(nil))
		if err != nil {
			return 0, err
		}
		if m.Header.Status != nt.StatusSuccess && m.Header.Status != nt.StatusBufferOverflow {
			return 0, io.EOF
		}
		res, err := smb2.ParseReadResponse(m.Body)
		if err != nil {
			return 0, err
		}
		p.rest = bytes.Clone(res.Data)
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *remotePipe) Close() error                     { return nil }
func (p *remotePipe) LocalAddr() net.Addr              { return p.a.c.nc.LocalAddr() }
func (p *remotePipe) RemoteAddr() net.Addr             { return p.a.c.nc.RemoteAddr() }
func (p *remotePipe) SetDeadline(time.Time) error      { return nil }
func (p *remotePipe) SetReadDeadline(time.Time) error  { return nil }
func (p *remotePipe) SetWriteDeadline(time.Time) error { return nil }

// lyingInitiator changes one of the tokens of another initiator.
type lyingInitiator struct {
	auth.Initiator
	m   mutator
	leg int
	y   *tally
}

func (l *lyingInitiator) Init(ctx context.Context, token []byte) ([]byte, bool, error) {
	out, done, err := l.Initiator.Init(ctx, token)
	if l.leg--; l.leg < 0 && err == nil && len(out) > 0 {
		l.leg = 1 << 30
		spans := derSpans(out)
		if len(out) > 12 && out[0] == 'N' {
			spans = nil
			if out[8] == 3 {
				spans = authenticateSpans(out)
			}
		}
		out = l.m.bytes(out, spans...)
		l.y.mutated(out)
	}
	return out, done, err
}

// rpcTokens lies in the authentication of RPC, and in what it protects.
func rpcTokens(h *host, m mutator, n int, y *tally) error {
	for y.sent < n {
		c, err := logon(h.addr, user, smb2.Dialect311, false)
		if err != nil {
			return err
		}
		if err := c.connectTree("IPC$"); err != nil {
			return err
		}
		c.statuses, c.answered = y.statuses, 0
		for range perPipeClient {
			if y.sent >= n {
				break
			}
			if err = c.lyingSecurity(m, y); err != nil {
				break
			}
		}
		y.answered += c.answered
		c.nc.Close()
		if err != nil {
			return y.hung(err, "pipe")
		}
	}
	return nil
}

func (c *client) lyingSecurity(m mutator, y *tally) error {
	id, err := c.open(pipeRequest("rpcecho"))
	if err != nil {
		return err
	}
	ctx := context.Background()
	p := &remotePipe{a: &association{c: c, id: id}}
	a := &rpcclient.Auth{Type: rpc.AuthTypeNTLM, Level: rpc.AuthLevel(2 + m.IntN(5)), Initiator: initiator(user)}
	if m.chance(2) {
		a.Type, a.Initiator = rpc.AuthTypeSPNEGO, negotiator(user)
	}
	if m.chance(2) {
		// The wrong password counts, so it is the victim's.
		if a.Initiator = initiator(victim); a.Type == rpc.AuthTypeSPNEGO {
			a.Initiator = negotiator(victim)
		}
		a.Initiator = &lyingInitiator{a.Initiator, m, m.IntN(2), y}
	} else {
		p.skip = m.IntN(6)
		p.lie = func(b []byte) []byte {
			spans := pduSpans
			if n := len(b) - int(le.Uint16(b[10:])) - pdu.TrailerLen; le.Uint16(b[10:]) > 0 && n > 0 {
				spans = append(spans[:len(spans):len(spans)], span{n, 1}, span{n + 1, 1}, span{n + 2, 1}, span{n + 4, 4})
			}
			b = m.bytes(b, spans...)
			y.mutated(b)
			return b
		}
	}
	conn := rpcclient.NewConn(p, rpcclient.Config{})
	err = converse(ctx, conn, a)
	conn.Close()
	if errors.Is(err, errHang) || errors.Is(err, errCut) {
		return err
	}
	return p.a.close()
}

// converse binds and calls, some calls in several fragments.
func converse(ctx context.Context, conn *rpcclient.Conn, a *rpcclient.Auth) error {
	b, err := conn.Bind(ctx, echogen.RpcechoInterface, a)
	if err != nil {
		return err
	}
	e := echogen.NewClient(b)
	if _, err := e.AddOne(ctx, &echogen.AddOneRequest{InData: 1}); err != nil {
		return err
	}
	if _, err := e.EchoData(ctx, &echogen.EchoDataRequest{InData: make([]byte, 9000), Len: 9000}); err != nil {
		return err
	}
	_, err = e.SinkData(ctx, &echogen.SinkDataRequest{Data: make([]byte, 100), Len: 100})
	return err
}
