package srv_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// client is a raw SMB2 client: it signs and seals as it is told and hides nothing.
type client struct {
	t  testing.TB
	nc net.Conn

	dialect  smb2.Dialect
	cipher   smb2.CipherID
	signAlg  smb2.SigningAlgorithm
	preauth  smb2.PreauthHash
	guid     nt.GUID
	caps     uint32
	mode     uint16
	response smb2.NegotiateResponse

	compression smb2.Compression
	pack        bool // send compressed what becomes shorter

	sess *csession

	mu       sync.Mutex
	nextID   uint64
	credits  int
	waiting  map[uint64]chan reply
	sent     map[uint64][16]byte // signatures of what waits
	sessions map[uint64]*csession
	err      error
	done     chan struct{}
	charge   uint16
	wantCred uint16
}

// csession is a client's session on one connection.
type csession struct {
	id     uint64
	signer *smb2.Signer
	chkey  *smb2.Signer // of the channel, if bound
	sealer *smb2.Sealer
	opener *smb2.Opener
	full   []byte
	appKey [16]byte
	sign   bool
	seal   bool
	flags  uint16
}

type reply struct {
	h    smb2.Header
	body []byte
	raw  []byte
	// sealed tells that it came encrypted; interim is how many STATUS_PENDING came before it.
	sealed  bool
	interim int
	packed  bool // it came compressed
}

var le = binary.LittleEndian

var errEnded = errors.New("connection ended")

const testTimeout = 8 * time.Second

func newClient(t testing.TB, nc net.Conn) *client {
	c := &client{t: t, nc: nc, waiting: map[uint64]chan reply{}, sent: map[uint64][16]byte{}, sessions: map[uint64]*csession{}, done: make(chan struct{}), credits: 1, wantCred: 64}
	rand.Read(c.guid[:])
	go c.receive()
	t.Cleanup(func() { nc.Close(); <-c.done })
	return c
}

func (c *client) receive() {
	defer close(c.done)
	fr := smb2.FrameReader{R: c.nc, Limit: smb2.MaxFrameSize}
	for {
		frame, err := fr.Frame(nil)
		if err == nil {
			err = c.deliver(frame)
		}
		if err != nil {
			c.mu.Lock()
			c.err = err
			for id, ch := range c.waiting {
				close(ch)
				delete(c.waiting, id)
			}
			c.mu.Unlock()
			return
		}
	}
}

func (c *client) deliver(frame []byte) error {
	sealed := false
	if smb2.ProtocolID(frame) == smb2.ProtocolTransform {
		h, err := smb2.ParseTransformHeader(frame)
		if err != nil {
			return err
		}
		c.mu.Lock()
		s := c.sessions[h.SessionID]
		c.mu.Unlock()
		if s == nil || s.opener == nil {
			return fmt.Errorf("sealed for unknown session %#x", h.SessionID)
		}
		if frame, err = s.opener.Open(frame); err != nil {
			return err
		}
		sealed = true
	}
	packed := smb2.ProtocolID(frame) == smb2.ProtocolCompression
	if packed {
		c.mu.Lock()
		x := c.compression
		c.mu.Unlock()
		n, err := x.CompressedSize(frame, smb2.MaxFrameSize)
		if err != nil {
			return err
		}
		msg := make([]byte, n)
		if err := x.Decompress(msg, frame); err != nil {
			return err
		}
		frame = msg
	}
	for it := smb2.NewMessages(frame); it.More(); {
		m, err := it.Next()
		if err != nil {
			return err
		}
		if !m.Header.IsResponse() {
			return fmt.Errorf("%v request from the server", m.Header.Command)
		}
		c.mu.Lock()
		s := c.sessions[m.Header.SessionID]
		ch := c.waiting[m.Header.MessageID]
		c.credits += int(m.Header.Credits)
		key := (*smb2.Signer)(nil)
		if s != nil {
			if key = s.signer; s.chkey != nil {
				key = s.chkey
			}
		}
		if m.Header.Command == smb2.SessionSetup && m.Header.Status == nt.StatusSuccess {
			key = nil // finishSetup has it
		}
		if m.Header.Status.IsError() && m.Header.Signature == c.sent[m.Header.MessageID] {
			key = nil // the server gives it back where it has no key
		}
		if m.Header.IsSigned() && key != nil {
			if err := key.Verify(m.Raw); err != nil {
				c.mu.Unlock()
				return fmt.Errorf("%v response: %v: %w", m.Header.Command, m.Header.Status, err)
			}
		}
		if m.Header.Status != nt.StatusPending || !m.Header.IsAsync() {
			delete(c.waiting, m.Header.MessageID)
			delete(c.sent, m.Header.MessageID)
		}
		c.mu.Unlock()
		if ch == nil {
			return fmt.Errorf("response to message %d, which nobody waits for", m.Header.MessageID)
		}
		ch <- reply{h: m.Header, body: m.Body, raw: m.Raw, sealed: sealed, packed: packed}
	}
	return nil
}

// call is one request of a frame.
type call struct {
	cmd     smb2.Command
	body    []byte
	tree    uint32
	related bool
	charge  uint16
	edit    func(*smb2.Header)
}

// pending waits for the answer to a request.
type pending struct {
	c  *client
	id uint64
	ch chan reply
}

// recv gives the final answer.
func (p pending) recv() (reply, error) {
	n := 0
	for {
		r, err := p.next()
		if err != nil || r.h.Status != nt.StatusPending {
			r.interim = n
			return r, err
		}
		n++
	}
}

// next gives the next answer, interim or final.
func (p pending) next() (reply, error) {
	select {
	case r, ok := <-p.ch:
		if !ok {
			return reply{}, errEnded
		}
		return r, nil
	case <-time.After(testTimeout):
		p.c.t.Helper()
		p.c.t.Fatalf("no answer to message %d", p.id)
		return reply{}, nil
	}
}

// send sends a frame of one or several requests.
func (c *client) send(s *csession, calls ...call) ([]pending, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	frame := make([]byte, smb2.SealHeadroom, 512)
	out := make([]pending, len(calls))
	for i, q := range calls {
		h := smb2.Header{Command: q.cmd, TreeID: q.tree, Credits: c.wantCred, CreditCharge: q.charge, MessageID: c.nextID, ProcessID: 0xfeff}
		if c.dialect >= smb2.Dialect210 && h.CreditCharge == 0 {
			h.CreditCharge = max(1, c.charge)
		}
		if s != nil {
			h.SessionID = s.id
		}
		if q.related {
			h.Flags |= smb2.FlagRelated
			h.SessionID, h.TreeID = smb2.RelatedSessionID, smb2.RelatedTreeID
		}
		c.nextID += uint64(max(1, h.CreditCharge))
		c.credits -= int(max(1, h.CreditCharge))
		if q.edit != nil {
			q.edit(&h)
		}
		out[i] = pending{c, h.MessageID, make(chan reply, 4)}
		if q.cmd != smb2.Cancel {
			c.waiting[h.MessageID] = out[i].ch
		}
		start := len(frame)
		frame = h.Append(frame)
		frame = append(frame, q.body...)
		if i < len(calls)-1 {
			frame = smb2.AppendPadding(frame, start)
			smb2.SetNextCommand(frame[start:], uint32(len(frame)-start))
		}
		if s != nil && s.sign && !s.seal {
			key := s.signer
			if s.chkey != nil {
				key = s.chkey
			}
			key.Sign(frame[start:])
			c.sent[h.MessageID] = [16]byte(frame[start+48:])
		}
	}
	if c.pack {
		msg := frame[smb2.SealHeadroom:]
		out := make([]byte, smb2.SealHeadroom+len(msg))
		if n, ok := c.compression.Compress(out[smb2.SealHeadroom:], msg, 100); ok {
			frame = out[:smb2.SealHeadroom+n]
		}
	}
	if s != nil && s.seal {
		frame = append(frame, make([]byte, smb2.SealTailroom)...)[:len(frame)]
		if err := s.sealer.Seal(frame); err != nil {
			return nil, err
		}
	} else {
		frame = frame[smb2.SealHeadroom:]
	}
	return out, c.write(frame)
}

func (c *client) write(frame []byte) error {
	_, err := c.nc.Write(append(smb2.AppendFrameHeader(nil, len(frame)), frame...))
	return err
}

// try sends a request of the client's session and gives its answer.
func (c *client) try(cmd smb2.Command, tree uint32, body []byte) (reply, error) {
	p, err := c.send(c.sess, call{cmd: cmd, tree: tree, body: body})
	if err != nil {
		return reply{}, err
	}
	return p[0].recv()
}

// do is try with an answer expected.
func (c *client) do(cmd smb2.Command, tree uint32, body []byte, want nt.Status) reply {
	c.t.Helper()
	r, err := c.try(cmd, tree, body)
	if err != nil {
		c.t.Fatalf("%v: %v (%v)", cmd, err, c.reason())
	}
	if r.h.Status != want {
		c.t.Fatalf("%v: %v, want %v", cmd, r.h.Status, want)
	}
	return r
}

func (c *client) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// ended waits until the server has cut the connection.
func (c *client) ended() {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(testTimeout):
		c.t.Fatal("the connection lives")
	}
	if err := c.reason(); err != nil && !errors.Is(err, io.EOF) && !isReset(err) {
		c.t.Fatalf("ended by %v", err)
	}
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.ErrUnexpectedEOF)
}

// negotiateOptions is what a client offers.
type negotiateOptions struct {
	dialects []smb2.Dialect
	ciphers  []smb2.CipherID
	signings []smb2.SigningAlgorithm
	caps     uint32
	mode     uint16
	compress *smb2.CompressionCapabilities
	posix    []byte // data of the context of the POSIX extensions, nil for none
}

var allDialects = []smb2.Dialect{smb2.Dialect202, smb2.Dialect210, smb2.Dialect300, smb2.Dialect302, smb2.Dialect311}

func (o *negotiateOptions) request(guid nt.GUID) *smb2.NegotiateRequest {
	req := &smb2.NegotiateRequest{SecurityMode: max(o.mode, smb2.NegotiateSigningEnabled), Capabilities: o.caps, ClientGUID: guid, Dialects: o.dialects}
	if req.HasDialect(smb2.Dialect311) {
		pre := smb2.PreauthIntegrityCapabilities{HashAlgorithms: []uint16{smb2.HashSHA512}, Salt: make([]byte, 32)}
		req.Contexts = append(req.Contexts, smb2.NegotiateContext{Type: smb2.ContextPreauthIntegrity, Data: pre.Append(nil)})
		if len(o.ciphers) > 0 {
			enc := smb2.EncryptionCapabilities{Ciphers: o.ciphers}
			req.Contexts = append(req.Contexts, smb2.NegotiateContext{Type: smb2.ContextEncryption, Data: enc.Append(nil)})
		}
		if len(o.signings) > 0 {
			sig := smb2.SigningCapabilities{Algorithms: o.signings}
			req.Contexts = append(req.Contexts, smb2.NegotiateContext{Type: smb2.ContextSigning, Data: sig.Append(nil)})
		}
		if o.posix != nil {
			req.Contexts = append(req.Contexts, smb2.NegotiateContext{Type: smb2.ContextPOSIX, Data: o.posix})
		}
		if o.compress != nil {
			req.Contexts = append(req.Contexts, smb2.NegotiateContext{Type: smb2.ContextCompression, Data: o.compress.Append(nil)})
		}
	}
	return req
}

func (c *client) negotiate(o negotiateOptions) reply {
	c.t.Helper()
	if o.dialects == nil {
		o.dialects = allDialects
	}
	req := o.request(c.guid)
	body := req.Append(nil)
	h := smb2.Header{Command: smb2.Negotiate, MessageID: c.nextID, Credits: c.wantCred}
	msg := append(h.Append(nil), body...)
	p, err := c.send(nil, call{cmd: smb2.Negotiate, body: body, edit: func(x *smb2.Header) { *x = h }})
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := p[0].recv()
	if err != nil {
		c.t.Fatalf("negotiate: %v (%v)", err, c.reason())
	}
	if r.h.Status != nt.StatusSuccess {
		return r
	}
	res, err := smb2.ParseNegotiateResponse(r.body)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.response, c.dialect, c.caps, c.mode = res, res.Dialect, o.caps, req.SecurityMode
	c.signAlg = smb2.DefaultSigningAlgorithm(res.Dialect)
	switch {
	case res.Dialect == smb2.Dialect311:
		c.preauth.Update(msg)
		c.preauth.Update(r.raw)
		for _, ctx := range res.Contexts {
			switch ctx.Type {
			case smb2.ContextEncryption:
				e, err := smb2.ParseEncryptionCapabilities(ctx.Data)
				if err != nil || len(e.Ciphers) != 1 {
					c.t.Fatalf("encryption context %x: %v", ctx.Data, err)
				}
				c.cipher = e.Ciphers[0]
			case smb2.ContextSigning:
				s, err := smb2.ParseSigningCapabilities(ctx.Data)
				if err != nil || len(s.Algorithms) != 1 {
					c.t.Fatalf("signing context %x: %v", ctx.Data, err)
				}
				c.signAlg = s.Algorithms[0]
			case smb2.ContextCompression:
				s, err := smb2.ParseCompressionCapabilities(ctx.Data)
				if err == nil {
					c.compression, err = smb2.AcceptCompression(&s)
				}
				if err != nil {
					c.t.Fatalf("compression context %x: %v", ctx.Data, err)
				}
			}
		}
	case res.Capabilities&smb2.GlobalCapEncryption != 0:
		c.cipher = smb2.CipherAES128CCM
	}
	return r
}

// setup is how a session is set up.
type setup struct {
	user, password string
	anonymous      bool
	mode           uint8
	previous       uint64
	session        *csession // to authenticate again
	bind           *csession // of another connection, to bind
	unsigned       bool      // do not sign where it is due
	edit           func(*smb2.SessionSetupRequest)
}

// setupSession authenticates. The session is the client's own if it has none.
func (c *client) setupSession(o setup) (*csession, nt.Status) {
	c.t.Helper()
	ctx := context.Background()
	var init auth.Initiator
	if o.anonymous {
		init = &anonymousInit{}
	} else {
		init = ntlmInit(o.user, o.password)
	}
	s := o.session
	if o.bind != nil {
		s = &csession{id: o.bind.id, signer: o.bind.signer, sealer: o.bind.sealer, opener: o.bind.opener, sign: !o.unsigned}
		c.mu.Lock()
		c.sessions[s.id] = s
		c.mu.Unlock()
	}
	if s == nil {
		s = &csession{}
	}
	hash := c.preauth
	var token []byte
	done := false
	for {
		var err error
		if token, done, err = init.Init(ctx, token); err != nil {
			c.t.Fatalf("initiator: %v", err)
		}
		req := smb2.SessionSetupRequest{SecurityMode: o.mode, SecurityBuffer: token, PreviousSessionID: o.previous}
		if o.bind != nil {
			req.Flags = smb2.SessionSetupFlagBinding
		}
		if o.edit != nil {
			o.edit(&req)
		}
		body := req.Append(nil)
		var sent smb2.Header
		p, err := c.send(s, call{cmd: smb2.SessionSetup, body: body, edit: func(h *smb2.Header) { sent = *h }})
		if err != nil {
			c.t.Fatal(err)
		}
		if c.dialect == smb2.Dialect311 {
			msg := append(sent.Append(nil), body...)
			if s.sign {
				s.signer.Sign(msg)
			}
			hash.Update(msg)
		}
		r, err := p[0].recv()
		if err != nil {
			c.t.Fatalf("session setup: %v (%v)", err, c.reason())
		}
		if r.h.Status != nt.StatusSuccess && r.h.Status != nt.StatusMoreProcessingRequired {
			return s, r.h.Status
		}
		res, err := smb2.ParseSessionSetupResponse(r.body)
		if err != nil {
			c.t.Fatal(err)
		}
		s.id, s.flags, token = r.h.SessionID, res.SessionFlags, res.SecurityBuffer
		if r.h.Status == nt.StatusSuccess {
			if !done || len(token) > 0 && !o.anonymous {
				if _, done, err = init.Init(ctx, token); err != nil || !done {
					c.t.Fatalf("initiator: %v, %v", done, err)
				}
			}
			c.finishSetup(s, o, init, &hash, r)
			return s, nt.StatusSuccess
		}
		if c.dialect == smb2.Dialect311 {
			hash.Update(r.raw)
		}
	}
}

// ntlmInit is a client's NTLM in SPNEGO; the password is the account's if none is given.
func ntlmInit(user string, password ...string) auth.Initiator {
	password = append(password, passwords[user])
	return spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Initiator: ntlm.NewInitiator(
		ntlm.Credentials{User: user, Domain: "ANY", Password: password[0], Workstation: "WKS"}, ntlm.InitiatorConfig{})})
}

func (c *client) finishSetup(s *csession, o setup, init auth.Initiator, hash *smb2.PreauthHash, last reply) {
	c.t.Helper()
	if o.session != nil || o.anonymous {
		c.remember(s)
		return
	}
	s.full = init.Context().SessionKey()
	keys := smb2.DeriveKeys(c.dialect, c.cipher, s.full, hash)
	signer, err := smb2.NewSigner(c.signAlg, keys.Signing[:])
	if err != nil {
		c.t.Fatal(err)
	}
	if o.bind != nil {
		c.mu.Lock()
		s.chkey = signer
		c.mu.Unlock()
	} else {
		s.signer, s.appKey, s.sign = signer, keys.Application, !o.unsigned
		if c.cipher != smb2.CipherNone {
			if s.sealer, err = smb2.NewSealer(c.cipher, keys.ClientToServer, s.id); err == nil {
				s.opener, err = smb2.NewOpener(c.cipher, keys.ServerToClient)
			}
			if err != nil {
				c.t.Fatal(err)
			}
		}
	}
	if s.flags&smb2.SessionFlagEncryptData != 0 {
		s.seal = true
	}
	if !last.h.IsSigned() {
		c.t.Fatal("the last answer to SESSION_SETUP is not signed")
	}
	if err := signer.Verify(last.raw); err != nil {
		c.t.Fatalf("the last answer to SESSION_SETUP: %v", err)
	}
	c.remember(s)
}

func (c *client) remember(s *csession) {
	c.mu.Lock()
	c.sessions[s.id] = s
	if c.sess == nil {
		c.sess = s
	}
	c.mu.Unlock()
}

// anonymousInit is NTLM without a name and a password.
type anonymousInit struct{ step int }

func (a *anonymousInit) Init(_ context.Context, token []byte) ([]byte, bool, error) {
	a.step++
	switch a.step {
	case 1:
		return (&ntlm.NegotiateMessage{Flags: ntlm.NegotiateUnicode | ntlm.NegotiateExtendedSessionSecurity | ntlm.Negotiate128 | ntlm.NegotiateNTLM}).Append(nil), false, nil
	case 2:
		return (&ntlm.AuthenticateMessage{Flags: ntlm.NegotiateUnicode | ntlm.NegotiateExtendedSessionSecurity | ntlm.Negotiate128 | ntlm.NegotiateNTLM,
			LMResponse: []byte{0}}).Append(nil), true, nil
	}
	return nil, true, nil
}

func (a *anonymousInit) Context() auth.Context { return nil }

// logon negotiates and sets up a session with what is asked for, both by default the best.
func (c *client) logon(o negotiateOptions, user string) *client {
	c.t.Helper()
	if r := c.negotiate(o); r.h.Status != nt.StatusSuccess {
		c.t.Fatalf("negotiate: %v", r.h.Status)
	}
	if _, st := c.setupSession(setup{user: user, password: passwords[user]}); st != nt.StatusSuccess {
		c.t.Fatalf("session setup: %v", st)
	}
	return c
}

func (c *client) tree(share string) uint32 {
	c.t.Helper()
	return c.do(smb2.TreeConnect, 0, treeBody(share), nt.StatusSuccess).h.TreeID
}

func treeBody(share string) []byte {
	return (&smb2.TreeConnectRequest{Path: nt.AppendUTF16(nil, `\\host\`+share)}).Append(nil)
}

func createBody(name string, edit ...func(*smb2.CreateRequest)) []byte {
	req := smb2.CreateRequest{ImpersonationLevel: 2, DesiredAccess: 0x2019f, ShareAccess: 3, CreateDisposition: nt.FileOpen, Name: nt.AppendUTF16(nil, name)}
	for _, f := range edit {
		f(&req)
	}
	return req.Append(nil)
}

func (c *client) open(tree uint32, name string, edit ...func(*smb2.CreateRequest)) smb2.FileID {
	c.t.Helper()
	r := c.do(smb2.Create, tree, createBody(name, edit...), nt.StatusSuccess)
	res, err := smb2.ParseCreateResponse(r.body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.FileID
}

func ioctlBody(id smb2.FileID, code uint32, in []byte, max uint32) []byte {
	return (&smb2.IoctlRequest{CtlCode: code, FileID: id, MaxOutputResponse: max, Flags: smb2.IoctlFlagIsFSCTL, Input: in}).Append(nil)
}

func (c *client) transceive(tree uint32, id smb2.FileID, in []byte, want nt.Status) []byte {
	c.t.Helper()
	r := c.do(smb2.Ioctl, tree, ioctlBody(id, nt.FsctlPipeTransceive, in, 4280), want)
	res, err := smb2.ParseIoctlResponse(r.body)
	if err != nil {
		c.t.Fatal(err)
	}
	return bytes.Clone(res.Output)
}
