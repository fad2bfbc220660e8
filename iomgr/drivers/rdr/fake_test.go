package rdr_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

var le = binary.LittleEndian

// fake is a server that does as it is told: by itself it serves one session and one share whose files hold "0123456789", and edit makes
// of each answer what the test wants to see sent.
type fake struct {
	t       testing.TB
	dialect smb2.Dialect
	encrypt bool // SessionFlagEncryptData
	pipe    bool
	tcp     bool                    // reached by a socket
	far     func(net.Conn) net.Conn // has the server read otherwise; may be nil
	// edit gives the answers to send, which may be none.
	edit func(c *fakeConn, q *query, a *answer) []*answer

	mu    sync.Mutex
	conns []*fakeConn
	seen  []smb2.Command // guarded by mu
	wg    sync.WaitGroup
}

// fakeConn is one connection to it.
type fakeConn struct {
	*fake
	nc      net.Conn
	cipher  smb2.CipherID
	alg     smb2.SigningAlgorithm
	caps    uint32
	preauth smb2.PreauthHash
	hash    smb2.PreauthHash
	acc     auth.Acceptor
	signer  *smb2.Signer
	sealer  *smb2.Sealer
	opener  *smb2.Opener
	opens   int       // CREATEs that succeeded less CLOSEs
	failed  nt.Status // of the last CREATE: what is related to it fails too

	wmu sync.Mutex
}

type query struct {
	h         smb2.Header
	body, raw []byte
	sealed    bool
}

// answer is a message to send.
type answer struct {
	h       smb2.Header
	body    []byte
	sign    bool
	seal    bool
	hash    bool                // take it into the preauthentication hash
	message func([]byte)        // spoils it before it is signed
	signed  func([]byte)        // spoils it after
	frame   func([]byte) []byte // makes another frame of it
	hangUp  bool                // after it
	opened  bool
}

const (
	fakeSession = 0x1122334455
	fakeTree    = 7
)

var fakeFile = smb2.FileID{Persistent: 0x1111, Volatile: 0x2222}

func (f *fake) dial(context.Context, string, string) (net.Conn, error) {
	a, b := net.Pipe()
	if f.tcp {
		var err error
		if a, b, err = sockets(); err != nil {
			return nil, err
		}
	}
	if f.far != nil {
		b = f.far(b)
	}
	c := &fakeConn{fake: f, nc: b}
	f.mu.Lock()
	f.conns = append(f.conns, c)
	f.mu.Unlock()
	f.wg.Go(func() { defer b.Close(); c.serve() })
	return a, nil
}

// sockets gives both ends of a connection on loopback.
func sockets() (near, far net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	if far, err = l.Accept(); err != nil {
		near.Close()
	}
	return near, far, err
}

func (f *fake) client(edit func(*rdr.Config)) *iomgr.Manager {
	f.t.Helper()
	return newClient(f.t, func(c *rdr.Config) {
		c.Dial = f.dial
		if edit != nil {
			edit(c)
		}
	})
}

func (c *fakeConn) serve() {
	fr := smb2.FrameReader{R: c.nc, Limit: smb2.MaxFrameSize}
	for {
		frame, err := fr.Frame(nil)
		if err != nil {
			return
		}
		q := &query{}
		if smb2.ProtocolID(frame) == smb2.ProtocolTransform {
			if frame, err = c.opener.Open(frame); err != nil {
				c.t.Errorf("sealed request: %v", err)
				return
			}
			q.sealed = true
		}
		for it := smb2.NewMessages(frame); it.More(); {
			m, err := it.Next()
			if err != nil {
				c.t.Errorf("request: %v", err)
				return
			}
			if !c.message(&query{h: m.Header, body: m.Body, raw: m.Raw, sealed: q.sealed}) {
				return
			}
		}
	}
}

// message answers a request; false if that was the last.
func (c *fakeConn) message(q *query) bool {
	c.mu.Lock()
	c.seen = append(c.seen, q.h.Command)
	c.mu.Unlock()
	if q.h.IsSigned() {
		if c.signer == nil || c.signer.Verify(q.raw) != nil {
			c.t.Errorf("%v: signature does not verify", q.h.Command)
		}
	}
	a := c.answer(q)
	if q.h.IsRelated() && c.failed != nt.StatusSuccess {
		if q.h.Command == smb2.Close {
			c.mu.Lock()
			c.opens++
			c.mu.Unlock()
		}
		a.fail(c.failed)
	}
	list := []*answer{a}
	if q.h.Command == smb2.Cancel {
		list = nil
	}
	if c.edit != nil {
		list = c.edit(c, q, a)
	}
	if q.h.Command == smb2.Create {
		c.failed = nt.StatusSuccess
		if a.h.Status.IsError() {
			c.failed = a.h.Status
		}
	}
	for _, a := range list {
		if err := c.send(a); err != nil {
			return false
		}
	}
	return true
}

var errHangUp = errors.New("hung up")

func (c *fakeConn) send(a *answer) error {
	buf := make([]byte, smb2.SealHeadroom, 1024+len(a.body))
	buf = append(a.h.Append(buf), a.body...)
	msg := buf[smb2.SealHeadroom:]
	if a.message != nil {
		a.message(msg)
	}
	if a.sign && c.signer != nil && !a.seal {
		c.signer.Sign(msg)
	}
	if a.signed != nil {
		a.signed(msg)
	}
	if a.hash {
		c.hash.Update(msg)
	}
	frame := msg
	if a.seal && c.sealer != nil {
		if err := c.sealer.Seal(buf); err != nil {
			return err
		}
		frame = buf
	}
	frame = append(smb2.AppendFrameHeader(nil, len(frame)), frame...)
	if a.frame != nil {
		frame = a.frame(frame)
	}
	if a.opened {
		c.mu.Lock()
		c.opens++
		c.mu.Unlock()
	}
	c.wmu.Lock()
	_, err := c.nc.Write(frame)
	c.wmu.Unlock()
	if err == nil && a.hangUp {
		err = errHangUp
	}
	return err
}

// fail makes an error of an answer.
func (a *answer) fail(st nt.Status) *answer {
	a.h.Status, a.body, a.opened = st, (&smb2.ErrorResponse{}).Append(nil), false
	return a
}

// interim is the interim response that comes before an answer, which it makes the asynchronous one.
func (a *answer) interim() *answer {
	i := &answer{h: a.h, body: (&smb2.ErrorResponse{}).Append(nil), seal: a.seal}
	i.h.Status, i.h.Flags, i.h.AsyncID = nt.StatusPending, i.h.Flags|smb2.FlagAsyncCommand, a.h.MessageID+1000
	a.h.Flags, a.h.AsyncID, a.h.Credits = i.h.Flags, i.h.AsyncID, 0
	return i
}

// answer is what a server answers.
func (c *fakeConn) answer(q *query) *answer {
	h := q.h
	a := &answer{h: smb2.Header{Command: h.Command, CreditCharge: h.CreditCharge, Credits: min(max(h.Credits, 1), 64), Flags: smb2.FlagServerToRedir,
		MessageID: h.MessageID, TreeID: h.TreeID, SessionID: h.SessionID}, sign: h.IsSigned(), seal: q.sealed}
	var out interface{ Append([]byte) []byte }
	switch h.Command {
	case smb2.Negotiate:
		c.negotiate(q, a)
		return a
	case smb2.SessionSetup:
		c.setup(q, a)
		return a
	case smb2.TreeConnect:
		a.h.TreeID = fakeTree
		res := &smb2.TreeConnectResponse{ShareType: smb2.ShareTypeDisk, MaximalAccess: nt.FileAllAccess}
		if c.pipe {
			res.ShareType = smb2.ShareTypePipe
		}
		out = res
	case smb2.Create:
		req, err := smb2.ParseCreateRequest(q.body)
		if err != nil {
			c.t.Error(err)
		}
		res := &smb2.CreateResponse{CreateAction: smb2.FileOpened, FileID: fakeFile}
		if _, ok, _ := req.Contexts.Find(smb2.ContextQueryMaximalAccess); ok {
			data := smb2.QueryMaximalAccessResponse{MaximalAccess: nt.FileAllAccess}
			res.Contexts = res.Contexts.Append(smb2.ContextQueryMaximalAccess, data.Append(nil))
		}
		if _, ok, _ := req.Contexts.Find(smb2.ContextQueryOnDiskID); ok {
			data := smb2.QueryOnDiskIDResponse{DiskFileID: 1, VolumeID: 2}
			res.Contexts = res.Contexts.Append(smb2.ContextQueryOnDiskID, data.Append(nil))
		}
		a.opened = true
		out = res
	case smb2.Close:
		c.mu.Lock()
		c.opens--
		c.mu.Unlock()
		out = &smb2.CloseResponse{}
	case smb2.Read:
		req, _ := smb2.ParseReadRequest(q.body)
		out = &smb2.ReadResponse{Data: []byte("0123456789")[:min(10, req.Length)]}
	case smb2.Write:
		req, _ := smb2.ParseWriteRequest(q.body)
		out = &smb2.WriteResponse{Count: uint32(len(req.Data))}
	case smb2.Ioctl:
		req, _ := smb2.ParseIoctlRequest(q.body)
		res := &smb2.IoctlResponse{CtlCode: req.CtlCode, FileID: req.FileID, Output: req.Input}
		if req.CtlCode == nt.FsctlValidateNegotiateInfo {
			res.Output = (&smb2.ValidateNegotiateInfoResponse{Capabilities: c.caps,
				SecurityMode: smb2.NegotiateSigningEnabled, Dialect: c.dialect}).Append(nil)
		}
		out = res
	case smb2.QueryInfo:
		out = &smb2.QueryInfoResponse{Output: []byte("0123456789")}
	case smb2.QueryDirectory:
		out = &smb2.QueryDirectoryResponse{Output: []byte("0123456789")}
	case smb2.ChangeNotify:
		out = &smb2.ChangeNotifyResponse{Output: []byte("0123456789")}
	case smb2.SetInfo:
		out = &smb2.SetInfoResponse{}
	case smb2.Lock:
		out = &smb2.LockResponse{}
	case smb2.Flush:
		out = &smb2.FlushResponse{}
	case smb2.Echo:
		out = &smb2.EchoResponse{}
	case smb2.Logoff:
		out = &smb2.LogoffResponse{}
	case smb2.TreeDisconnect:
		out = &smb2.TreeDisconnectResponse{}
	default:
		return a
	}
	a.body = out.Append(nil)
	return a
}

func (c *fakeConn) negotiate(q *query, a *answer) {
	req, err := smb2.ParseNegotiateRequest(q.body)
	if err != nil {
		c.t.Error(err)
	}
	res := smb2.NegotiateResponse{SecurityMode: smb2.NegotiateSigningEnabled, Dialect: c.dialect, Capabilities: smb2.GlobalCapLargeMTU,
		MaxTransactSize: 1 << 20, MaxReadSize: 1 << 20, MaxWriteSize: 1 << 20}
	c.preauth = smb2.PreauthHash{}
	c.preauth.Update(q.raw)
	c.alg = smb2.DefaultSigningAlgorithm(c.dialect)
	if c.dialect == smb2.Dialect311 {
		pre := smb2.PreauthIntegrityCapabilities{HashAlgorithms: []uint16{smb2.HashSHA512}, Salt: make([]byte, 32)}
		enc := smb2.EncryptionCapabilities{Ciphers: []smb2.CipherID{smb2.CipherAES128GCM}}
		c.cipher = smb2.CipherAES128GCM
		c.alg = smb2.SigningAESGMAC
		sig := smb2.SigningCapabilities{Algorithms: []smb2.SigningAlgorithm{c.alg}}
		res.Contexts = []smb2.NegotiateContext{{Type: smb2.ContextPreauthIntegrity, Data: pre.Append(nil)},
			{Type: smb2.ContextEncryption, Data: enc.Append(nil)}, {Type: smb2.ContextSigning, Data: sig.Append(nil)}}
	} else if c.dialect >= smb2.Dialect300 && req.Capabilities&smb2.GlobalCapEncryption != 0 {
		res.Capabilities |= smb2.GlobalCapEncryption
		c.cipher = smb2.CipherAES128CCM
	}
	c.caps = res.Capabilities
	a.body = res.Append(nil)
	a.signed = func(msg []byte) { c.preauth.Update(msg) }
}

func (c *fakeConn) setup(q *query, a *answer) {
	req, err := smb2.ParseSessionSetupRequest(q.body)
	if err != nil {
		c.t.Error(err)
	}
	a.h.SessionID = fakeSession
	if q.h.SessionID == 0 {
		c.acc, c.signer, c.sealer, c.opener = nil, nil, nil, nil
	}
	if c.acc == nil {
		mech := spnego.NewMechanism(spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: ntlm.NewMechanism(ntlm.Config{Authority: accounts{}})})
		c.acc = mech.NewAcceptor(auth.Peer{})
		c.hash = c.preauth
	}
	c.hash.Update(q.raw)
	token, err := c.acc.Accept(context.Background(), req.SecurityBuffer)
	res := smb2.SessionSetupResponse{SecurityBuffer: token}
	switch {
	case err == nil:
		if c.signer == nil {
			keys := smb2.DeriveKeys(c.dialect, c.cipher, c.acc.Context().SessionKey(), &c.hash)
			c.signer, _ = smb2.NewSigner(c.alg, keys.Signing[:])
			if c.cipher != smb2.CipherNone && c.dialect >= smb2.Dialect300 {
				c.sealer, _ = smb2.NewSealer(c.cipher, keys.ServerToClient, fakeSession)
				c.opener, _ = smb2.NewOpener(c.cipher, keys.ClientToServer)
			}
		}
		c.acc = nil
		if c.encrypt {
			res.SessionFlags = smb2.SessionFlagEncryptData
		}
		a.sign = true
	case errors.Is(err, nt.StatusMoreProcessingRequired):
		a.h.Status, a.hash = nt.StatusMoreProcessingRequired, true
	default:
		a.fail(nt.StatusOf(err))
		return
	}
	a.body = res.Append(nil)
}

// ended waits until every connection has been closed by the client.
func (f *fake) ended() {
	done := make(chan struct{})
	go func() { f.wg.Wait(); close(done) }()
	wait(f.t, done)
}

// balance is how many files are open.
func (f *fake) balance() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.conns {
		n += c.opens
	}
	return n
}

// count is how many requests of a command came.
func (f *fake) count(cmd smb2.Command) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, s := range f.seen {
		if s == cmd {
			n++
		}
	}
	return n
}
