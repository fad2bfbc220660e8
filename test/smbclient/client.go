// Package smbclient is a small client of SMB 3.1.1 for measuring and testing servers: NTLMv2, signed, plain or sealed, pipes one request
// at a time, and files with many. It hides nothing and counts what it sends.
package smbclient

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// Client is one connection. It is for one goroutine.
type Client struct {
	nc      net.Conn
	in      smb2.FrameReader
	rd      *bufio.Reader
	raw     syscall.RawConn // nil if the connection has none
	void    []byte
	buf     []byte
	body    []byte // of a request, for use again
	data    []byte // where transfers have their requests, and what is written
	preauth smb2.PreauthHash
	signAlg smb2.SigningAlgorithm
	signer  *smb2.Signer
	cipher  smb2.CipherID
	sealer  *smb2.Sealer
	opener  *smb2.Opener
	session uint64

	protection Protection

	tree uint32
	id   uint64

	// Sent counts the requests by command.
	Sent [smb2.CommandCount]int
}

// Dial connects and negotiates.
func Dial(addr string) (*Client, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	rd := bufio.NewReaderSize(nc, 64<<10)
	c := &Client{nc: nc, rd: rd, in: smb2.FrameReader{R: rd, Limit: smb2.MaxFrameSize}, signAlg: smb2.DefaultSigningAlgorithm(smb2.Dialect311)}
	if sc, ok := nc.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn()
	}
	req := smb2.NegotiateRequest{SecurityMode: smb2.NegotiateSigningEnabled, Dialects: []smb2.Dialect{smb2.Dialect311}, Capabilities: smb2.GlobalCapLargeMTU | smb2.GlobalCapEncryption | smb2.GlobalCapPersistentHandles}
	rand.Read(req.ClientGUID[:])
	pre := smb2.PreauthIntegrityCapabilities{HashAlgorithms: []uint16{smb2.HashSHA512}, Salt: make([]byte, 32)}
	sig := smb2.SigningCapabilities{Algorithms: []smb2.SigningAlgorithm{smb2.SigningAESGMAC, smb2.SigningAESCMAC}}
	enc := smb2.EncryptionCapabilities{Ciphers: []smb2.CipherID{smb2.CipherAES128GCM}}
	req.Contexts = []smb2.NegotiateContext{{Type: smb2.ContextPreauthIntegrity, Data: pre.Append(nil)}, {Type: smb2.ContextSigning, Data: sig.Append(nil)},
		{Type: smb2.ContextEncryption, Data: enc.Append(nil)}}
	m, err := c.do(smb2.Negotiate, req.Append(nil), true)
	if err != nil {
		nc.Close()
		return nil, err
	}
	res, err := smb2.ParseNegotiateResponse(m.Body)
	if err != nil {
		return nil, err
	}
	c.preauth.Update(m.Raw)
	for _, x := range res.Contexts {
		if x.Type == smb2.ContextEncryption {
			e, err := smb2.ParseEncryptionCapabilities(x.Data)
			if err != nil || len(e.Ciphers) != 1 {
				return nil, fmt.Errorf("encryption context: %v", err)
			}
			c.cipher = e.Ciphers[0]
		}
		if x.Type == smb2.ContextSigning {
			s, err := smb2.ParseSigningCapabilities(x.Data)
			if err != nil || len(s.Algorithms) != 1 {
				return nil, fmt.Errorf("signing context: %v", err)
			}
			c.signAlg = s.Algorithms[0]
		}
	}
	return c, nil
}

// do sends one request and gives the final answer, whose slices are valid until the next.
func (c *Client) do(cmd smb2.Command, body []byte, hash bool) (smb2.Message, error) {
	return c.exchange(cmd, body, 1, hash)
}

// charge is do for a request that costs more credits than one.
func (c *Client) charge(cmd smb2.Command, body []byte, credits uint16) (smb2.Message, error) {
	return c.exchange(cmd, body, credits, false)
}

func (c *Client) exchange(cmd smb2.Command, body []byte, charge uint16, hash bool) (smb2.Message, error) {
	h := smb2.Header{Command: cmd, CreditCharge: charge, Credits: max(charge, 512), MessageID: c.id, SessionID: c.session, TreeID: c.tree, ProcessID: 0xfeff}
	c.id += uint64(charge)
	c.Sent[cmd]++
	head := smb2.FrameHeaderSize
	sealed := c.protection == Sealed && c.sealer != nil
	if sealed {
		head += smb2.SealHeadroom
	}
	c.buf = append(c.buf[:0], make([]byte, head)...)
	c.buf = h.Append(c.buf)
	c.buf = append(c.buf, body...)
	smb2.PutFrameHeader(c.buf, len(c.buf)-4)
	if sealed {
		if err := c.sealer.Seal(c.buf[4:]); err != nil {
			return smb2.Message{}, err
		}
	} else if c.signer != nil && c.protection == Signed {
		c.signer.Sign(c.buf[4:])
	}
	if hash {
		c.preauth.Update(c.buf[4:])
	}
	if _, err := c.nc.Write(c.buf); err != nil {
		return smb2.Message{}, err
	}
	for {
		frame, err := c.in.Frame(c.buf[:0])
		if err != nil {
			return smb2.Message{}, err
		}
		m, err := c.open(frame)
		if err != nil {
			return smb2.Message{}, err
		}
		if m.Header.Status == nt.StatusPending && m.Header.IsAsync() {
			continue
		}
		if m.Header.MessageID != h.MessageID {
			return smb2.Message{}, errors.New("an answer to nothing")
		}
		return m, nil
	}
}

func (c *Client) check(cmd smb2.Command, body []byte) (smb2.Message, error) {
	m, err := c.do(cmd, body, false)
	if err == nil && m.Header.Status != nt.StatusSuccess {
		err = fmt.Errorf("%v: %w", cmd, m.Header.Status)
	}
	return m, err
}

// Logon sets a session up with NTLMv2.
func (c *Client) Logon(ctx context.Context, user, password string) error {
	return c.LogonBy(ctx, spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Initiator: ntlm.NewInitiator(
		ntlm.Credentials{User: user, Password: password, Workstation: "CLIENT"}, ntlm.InitiatorConfig{})}))
}

// LogonBy sets a session up with any mechanism.
func (c *Client) LogonBy(ctx context.Context, init auth.Initiator) error {
	var token []byte
	for {
		out, done, err := init.Init(ctx, token)
		if err != nil {
			return err
		}
		req := smb2.SessionSetupRequest{SecurityMode: uint8(smb2.NegotiateSigningEnabled), SecurityBuffer: out}
		m, err := c.do(smb2.SessionSetup, req.Append(nil), true)
		if err != nil {
			return err
		}
		if m.Header.Status != nt.StatusSuccess && m.Header.Status != nt.StatusMoreProcessingRequired {
			return m.Header.Status
		}
		res, err := smb2.ParseSessionSetupResponse(m.Body)
		if err != nil {
			return err
		}
		c.session = m.Header.SessionID
		token = append([]byte(nil), res.SecurityBuffer...)
		if m.Header.Status == nt.StatusMoreProcessingRequired {
			c.preauth.Update(m.Raw)
			continue
		}
		if !done {
			if _, _, err := init.Init(ctx, token); err != nil {
				return err
			}
		}
		keys := smb2.DeriveKeys(smb2.Dialect311, c.cipher, init.Context().SessionKey(), &c.preauth)
		if c.signer, err = smb2.NewSigner(c.signAlg, keys.Signing[:]); err != nil {
			return err
		}
		if c.cipher != smb2.CipherNone {
			if c.sealer, err = smb2.NewSealer(c.cipher, keys.ClientToServer, c.session); err != nil {
				return err
			}
			if c.opener, err = smb2.NewOpener(c.cipher, keys.ServerToClient); err != nil {
				return err
			}
		}
		return c.signer.Verify(m.Raw)
	}
}

// Connect connects a tree; later requests are on it.
func (c *Client) Connect(share string) error {
	m, err := c.check(smb2.TreeConnect, (&smb2.TreeConnectRequest{Path: nt.AppendUTF16(nil, `\\127.0.0.1\`+share)}).Append(nil))
	if err == nil {
		c.tree = m.Header.TreeID
	}
	return err
}

// Pipe is an open of a pipe as a net.Conn. Its Transact is one FSCTL.
type Pipe struct {
	c  *Client
	id smb2.FileID
}

// OpenPipe opens a pipe of IPC$.
func (c *Client) OpenPipe(name string) (*Pipe, error) {
	m, err := c.check(smb2.Create, (&smb2.CreateRequest{ImpersonationLevel: 2, DesiredAccess: 0x2019f, ShareAccess: 3, CreateDisposition: nt.FileOpen,
		Name: nt.AppendUTF16(nil, name)}).Append(nil))
	if err != nil {
		return nil, err
	}
	res, err := smb2.ParseCreateResponse(m.Body)
	if err != nil {
		return nil, err
	}
	return &Pipe{c: c, id: res.FileID}, nil
}

// Transact writes and reads the answer in one request.
func (p *Pipe) Transact(_ context.Context, in, out []byte) (int, error) {
	req := smb2.IoctlRequest{CtlCode: nt.FsctlPipeTransceive, FileID: p.id, MaxOutputResponse: uint32(len(out)), Flags: smb2.IoctlFlagIsFSCTL, Input: in}
	p.c.body = req.Append(p.c.body[:0])
	m, err := p.c.do(smb2.Ioctl, p.c.body, false)
	if err != nil {
		return 0, err
	}
	if m.Header.Status != nt.StatusSuccess && m.Header.Status != nt.StatusBufferOverflow {
		return 0, m.Header.Status
	}
	res, err := smb2.ParseIoctlResponse(m.Body)
	if err != nil {
		return 0, err
	}
	return copy(out, res.Output), m.Header.Status.Err()
}

func (p *Pipe) Read(b []byte) (int, error) {
	m, err := p.c.do(smb2.Read, (&smb2.ReadRequest{Length: uint32(len(b)), FileID: p.id}).Append(nil), false)
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
	return copy(b, res.Data), nil
}

func (p *Pipe) Write(b []byte) (int, error) {
	_, err := p.c.check(smb2.Write, (&smb2.WriteRequest{FileID: p.id, Data: b}).Append(nil))
	return len(b), err
}

func (p *Pipe) Close() error                       { return p.c.nc.Close() }
func (p *Pipe) LocalAddr() net.Addr                { return p.c.nc.LocalAddr() }
func (p *Pipe) RemoteAddr() net.Addr               { return p.c.nc.RemoteAddr() }
func (p *Pipe) SetDeadline(t time.Time) error      { return p.c.nc.SetDeadline(t) }
func (p *Pipe) SetReadDeadline(t time.Time) error  { return p.c.nc.SetReadDeadline(t) }
func (p *Pipe) SetWriteDeadline(t time.Time) error { return p.c.nc.SetWriteDeadline(t) }

// Close ends the connection.
func (c *Client) Close() error { return c.nc.Close() }

// Echo makes the server answer.
func (c *Client) Echo() error {
	c.body = (&smb2.EchoRequest{}).Append(c.body[:0])
	_, err := c.check(smb2.Echo, c.body)
	return err
}

// Control makes a control of the file system that is of no file, on the tree, and gives its output, valid until the next request, and its status.
func (c *Client) Control(code uint32, in []byte, max uint32) ([]byte, nt.Status, error) {
	req := smb2.IoctlRequest{CtlCode: code, FileID: smb2.RelatedFileID, MaxOutputResponse: max, Flags: smb2.IoctlFlagIsFSCTL, Input: in}
	m, err := c.do(smb2.Ioctl, req.Append(nil), false)
	if err != nil || m.Header.Status != nt.StatusSuccess {
		return nil, m.Header.Status, err
	}
	res, err := smb2.ParseIoctlResponse(m.Body)
	return res.Output, m.Header.Status, err
}
