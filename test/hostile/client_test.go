package hostile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// client is an SMB2 client of one goroutine that sends whatever it is told. It has no goroutine of its own, so that a test can have many.
type client struct {
	nc  *net.TCPConn
	in  *bufio.Reader
	fr  smb2.FrameReader
	buf []byte // of the frame read last
	out []byte // frames that flush will write

	dialect smb2.Dialect
	cipher  smb2.CipherID
	signAlg smb2.SigningAlgorithm
	preauth smb2.PreauthHash

	session uint64
	signer  *smb2.Signer
	sealer  *smb2.Sealer
	opener  *smb2.Opener
	seal    bool
	tree    uint32

	next     uint64 // message id
	credits  int
	answered int
	statuses map[nt.Status]int // of the answers; counted if there is a map
}

var (
	// errCut: the server has ended the connection.
	errCut = errors.New("cut by the server")
	// errHang: the server owes an answer and does not give it.
	errHang = errors.New("no answer in time")
)

var dialects = []smb2.Dialect{smb2.Dialect311, smb2.Dialect302, smb2.Dialect300, smb2.Dialect210, smb2.Dialect202}

// connect makes a connection on which nothing has been said.
func connect(addr string) (*client, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{nc: nc.(*net.TCPConn), in: bufio.NewReaderSize(nc, 1<<10), credits: 1}
	c.fr = smb2.FrameReader{R: c.in, Limit: smb2.MaxFrameSize}
	return c, nil
}

// failure says what an error of the socket means.
func failure(err error) error {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return errHang
	}
	return errCut
}

// offer is a NEGOTIATE request for one dialect.
func offer(d smb2.Dialect) *smb2.NegotiateRequest {
	req := &smb2.NegotiateRequest{SecurityMode: smb2.NegotiateSigningEnabled, Dialects: []smb2.Dialect{d}, ClientGUID: nt.GUID{1, 2, 3},
		Capabilities: smb2.GlobalCapEncryption | smb2.GlobalCapLargeMTU | smb2.GlobalCapMultiChannel}
	if d == smb2.Dialect311 {
		pre := smb2.PreauthIntegrityCapabilities{HashAlgorithms: []uint16{smb2.HashSHA512}, Salt: make([]byte, 32)}
		enc := smb2.EncryptionCapabilities{Ciphers: []smb2.CipherID{smb2.CipherAES128GCM, smb2.CipherAES256CCM}}
		sig := smb2.SigningCapabilities{Algorithms: []smb2.SigningAlgorithm{smb2.SigningAESGMAC, smb2.SigningAESCMAC}}
		cmp := smb2.CompressionCapabilities{Algorithms: []smb2.CompressionAlgorithm{1, 2, 3}}
		name := smb2.NetnameContext{NetName: nt.AppendUTF16(nil, "server")}
		rdma := smb2.RDMATransformCapabilities{TransformIDs: []uint16{1, 2}}
		transport := smb2.TransportCapabilities{Flags: 1}
		req.Contexts = []smb2.NegotiateContext{{Type: smb2.ContextPreauthIntegrity, Data: pre.Append(nil)}, {Type: smb2.ContextEncryption, Data: enc.Append(nil)},
			{Type: smb2.ContextSigning, Data: sig.Append(nil)}, {Type: smb2.ContextCompression, Data: cmp.Append(nil)}, {Type: smb2.ContextNetname, Data: name.Append(nil)},
			{Type: smb2.ContextRDMATransform, Data: rdma.Append(nil)}, {Type: smb2.ContextTransport, Data: transport.Append(nil)}}
	}
	return req
}

// negotiate agrees on a dialect.
func (c *client) negotiate(d smb2.Dialect) error {
	c.dialect = 0 // its message costs one credit in every dialect
	msg := c.message(smb2.Negotiate, offer(d).Append(nil))
	c.queue(msg)
	m, err := c.await(msg)
	if err != nil {
		return err
	}
	res, err := smb2.ParseNegotiateResponse(m.Body)
	if err != nil || m.Header.Status != nt.StatusSuccess {
		return fmt.Errorf("negotiate: %v, %w", m.Header.Status, err)
	}
	c.dialect, c.signAlg = res.Dialect, smb2.DefaultSigningAlgorithm(res.Dialect)
	if d != smb2.Dialect311 {
		if res.Capabilities&smb2.GlobalCapEncryption != 0 {
			c.cipher = smb2.CipherAES128CCM
		}
		return nil
	}
	c.preauth.Update(msg)
	c.preauth.Update(m.Raw)
	for _, x := range res.Contexts {
		switch x.Type {
		case smb2.ContextEncryption:
			if e, err := smb2.ParseEncryptionCapabilities(x.Data); err == nil && len(e.Ciphers) == 1 {
				c.cipher = e.Ciphers[0]
			}
		case smb2.ContextSigning:
			if s, err := smb2.ParseSigningCapabilities(x.Data); err == nil && len(s.Algorithms) == 1 {
				c.signAlg = s.Algorithms[0]
			}
		}
	}
	return nil
}

// initiator is a client's NTLM.
func initiator(name string) auth.Initiator {
	return ntlm.NewInitiator(ntlm.Credentials{User: name, Password: password, Workstation: "PEER"}, ntlm.InitiatorConfig{})
}

// negotiator is that in SPNEGO.
func negotiator(name string) auth.Initiator {
	return spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: initiator(name)})
}

// setup is one SESSION_SETUP: what was sent and what came.
func (c *client) setup(session uint64, token []byte) (sent []byte, m smb2.Message, err error) {
	req := smb2.SessionSetupRequest{SecurityMode: uint8(smb2.NegotiateSigningEnabled), SecurityBuffer: token}
	sent = c.message(smb2.SessionSetup, req.Append(nil))
	le.PutUint64(sent[40:], session)
	c.plain(sent)
	m, err = c.await(sent)
	return sent, m, err
}

// logon connects, negotiates and sets a session up.
func logon(addr, name string, d smb2.Dialect, seal bool) (*client, error) {
	c, err := connect(addr)
	if err != nil {
		return nil, err
	}
	if err = c.negotiate(d); err == nil {
		err = c.authenticate(name)
	}
	if err != nil {
		c.nc.Close()
		return nil, err
	}
	c.seal = seal && c.sealer != nil
	return c, nil
}

func (c *client) authenticate(name string) error {
	ctx := context.Background()
	init := negotiator(name)
	hash := c.preauth
	var token []byte
	var session uint64
	for {
		out, done, err := init.Init(ctx, token)
		if err != nil {
			return err
		}
		sent, m, err := c.setup(session, out)
		if err != nil {
			return err
		}
		hash.Update(sent)
		if m.Header.Status != nt.StatusSuccess && m.Header.Status != nt.StatusMoreProcessingRequired {
			return m.Header.Status
		}
		res, err := smb2.ParseSessionSetupResponse(m.Body)
		if err != nil {
			return err
		}
		session = m.Header.SessionID
		if m.Header.Status == nt.StatusMoreProcessingRequired {
			hash.Update(m.Raw)
			token = bytes.Clone(res.SecurityBuffer)
			continue
		}
		if !done {
			if _, _, err := init.Init(ctx, res.SecurityBuffer); err != nil {
				return err
			}
		}
		keys := smb2.DeriveKeys(c.dialect, c.cipher, init.Context().SessionKey(), &hash)
		if c.signer, err = smb2.NewSigner(c.signAlg, keys.Signing[:]); err != nil {
			return err
		}
		if err := c.signer.Verify(m.Raw); err != nil {
			return err
		}
		if c.cipher != smb2.CipherNone {
			if c.sealer, err = smb2.NewSealer(c.cipher, keys.ClientToServer, session); err != nil {
				return err
			}
			if c.opener, err = smb2.NewOpener(c.cipher, keys.ServerToClient); err != nil {
				return err
			}
		}
		c.session = session
		return nil
	}
}

// message makes a request of the client's session and tree with the next id.
func (c *client) message(cmd smb2.Command, body []byte) []byte {
	h := smb2.Header{Command: cmd, CreditCharge: 1, Credits: 64, MessageID: c.next, SessionID: c.session, TreeID: c.tree, ProcessID: 0xfeff}
	if c.dialect == 0 || c.dialect == smb2.Dialect202 {
		h.CreditCharge = 0
	}
	c.next++
	return append(h.Append(make([]byte, 0, smb2.HeaderSize+len(body))), body...)
}

// charge makes a message cost as many credits, before it is queued.
func (c *client) charge(msg []byte, n int) {
	le.PutUint16(msg[6:], uint16(n))
	c.next += uint64(n - 1)
}

// queue adds a message to what flush writes, signed or sealed as the session wants it.
func (c *client) queue(msg []byte) {
	switch {
	case c.seal:
		c.out = c.sealed(c.out, msg)
	default:
		if c.signer != nil && len(msg) >= smb2.HeaderSize {
			c.signer.Sign(msg)
		}
		c.plain(msg)
	}
}

// plain adds a message as it is.
func (c *client) plain(msg []byte) { c.out = append(smb2.AppendFrameHeader(c.out, len(msg)), msg...) }

// sealed appends the frame of an encrypted message.
func (c *client) sealed(out, msg []byte) []byte {
	b := append(make([]byte, smb2.SealHeadroom, smb2.SealHeadroom+len(msg)+smb2.SealTailroom), msg...)
	if err := c.sealer.Seal(b); err != nil {
		panic(err) // 2^32 messages
	}
	return append(smb2.AppendFrameHeader(out, len(b)), b...)
}

// flush writes what is queued. That the server has cut the connection shows when it is read from.
func (c *client) flush() {
	_ = c.nc.SetDeadline(time.Now().Add(patience))
	_, _ = c.nc.Write(c.out)
	if c.out = c.out[:0]; cap(c.out) > 1<<18 {
		c.out = nil
	}
}

// read gives the messages of the next frame to each.
func (c *client) read(each func(smb2.Message)) error {
	frame, err := c.fr.Frame(c.buf)
	if err != nil {
		return failure(err)
	}
	if c.buf = frame; cap(frame) > 1<<18 {
		c.buf = nil
	}
	if smb2.ProtocolID(frame) == smb2.ProtocolTransform {
		if c.opener == nil {
			return errors.New("encrypted answer without a session")
		}
		if frame, err = c.opener.Open(frame); err != nil {
			return err
		}
	}
	for it := smb2.NewMessages(frame); it.More(); {
		m, err := it.Next()
		if err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		c.credits += int(m.Header.Credits)
		if m.Header.Status == nt.StatusPending && m.Header.IsAsync() {
			continue
		}
		c.answered++
		if c.statuses != nil {
			c.statuses[m.Header.Status]++
		}
		each(m)
	}
	return nil
}

// await flushes and reads until the final answer to a message. Other answers are counted and dropped.
func (c *client) await(msg []byte) (smb2.Message, error) {
	id := le.Uint64(msg[24:])
	c.flush()
	var got smb2.Message
	for found := false; !found; {
		err := c.read(func(m smb2.Message) {
			if m.Header.MessageID == id {
				got, found = m, true
			}
		})
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

// do sends one request and gives its answer.
func (c *client) do(cmd smb2.Command, body []byte) (smb2.Message, error) {
	msg := c.message(cmd, body)
	c.queue(msg)
	return c.await(msg)
}

// check is do with success expected.
func (c *client) check(cmd smb2.Command, body []byte) (smb2.Message, error) {
	m, err := c.do(cmd, body)
	if err == nil && m.Header.Status != nt.StatusSuccess {
		err = fmt.Errorf("%v: %w", cmd, m.Header.Status)
	}
	return m, err
}

// barrier proves that the server has dealt with all that was sent before: it starts requests in the order in which they come.
func (c *client) barrier() error {
	_, err := c.do(smb2.Echo, (&smb2.EchoRequest{}).Append(nil))
	return err
}

// drain ends what the client says and reads until the server ends too.
func (c *client) drain() error {
	c.flush()
	_ = c.nc.CloseWrite()
	for {
		if err := c.read(func(smb2.Message) {}); err != nil {
			if err == errCut {
				return nil
			}
			return err
		}
	}
}

func (c *client) connectTree(share string) error {
	m, err := c.check(smb2.TreeConnect, (&smb2.TreeConnectRequest{Path: nt.AppendUTF16(nil, `\\server\`+share)}).Append(nil))
	if err == nil {
		c.tree = m.Header.TreeID
	}
	return err
}

// pipeRequest opens a pipe as Samba's client does.
func pipeRequest(name string) *smb2.CreateRequest {
	return &smb2.CreateRequest{ImpersonationLevel: 2, DesiredAccess: 0x2019f, ShareAccess: 3, CreateDisposition: nt.FileOpen, Name: nt.AppendUTF16(nil, name)}
}

func (c *client) open(req *smb2.CreateRequest) (smb2.FileID, error) {
	m, err := c.check(smb2.Create, req.Append(nil))
	if err != nil {
		return smb2.FileID{}, err
	}
	res, err := smb2.ParseCreateResponse(m.Body)
	return res.FileID, err
}

func ioctl(id smb2.FileID, code uint32, in []byte, limit uint32) []byte {
	return (&smb2.IoctlRequest{CtlCode: code, FileID: id, MaxOutputResponse: limit, Flags: smb2.IoctlFlagIsFSCTL, Input: in}).Append(nil)
}
