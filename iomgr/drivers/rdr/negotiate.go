package rdr

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// negotiated is what client and server agreed upon.
type negotiated struct {
	dialect     smb2.Dialect
	multiCredit bool
	leases      bool // the server knows leases
	channels    int  // connections that a session may have
	dirLeases   bool // and such on directories
	maxTransact int
	maxRead     int
	maxWrite    int
	cipher      smb2.CipherID // CipherNone without encryption
	signAlg     smb2.SigningAlgorithm
	serverSigns bool // the server demands it
	hint        []byte
	preauth     smb2.PreauthHash // 3.1.1
	compression smb2.Compression // 3.1.1

	// As they were sent and answered, for FSCTL_VALIDATE_NEGOTIATE_INFO.
	request  smb2.NegotiateRequest
	response smb2.NegotiateResponse
}

// Ciphers and signing algorithms in the order of preference.
var (
	ciphers  = []smb2.CipherID{smb2.CipherAES256GCM, smb2.CipherAES128GCM, smb2.CipherAES256CCM, smb2.CipherAES128CCM}
	signings = []smb2.SigningAlgorithm{smb2.SigningAESGMAC, smb2.SigningAESCMAC, smb2.SigningHMACSHA256}
)

// breach is an answer that breaks the protocol, or a server that cannot be dealt with, and the status that the opens get.
func breach(st nt.Status, format string, args ...any) error {
	return fmt.Errorf("%w: %w", st, fmt.Errorf(format, args...))
}

// minTransfer is the least that a server must be able to carry; the specification wants 64 KiB.
const minTransfer = 4 << 10

// connect dials and negotiates.
func (c *conn) connect() error {
	ctx, cancel := context.WithTimeout(c.d.ctx, c.d.cfg.RequestTimeout)
	defer cancel()
	nc, err := c.d.cfg.Dial(ctx, "tcp", net.JoinHostPort(c.host, c.port))
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) {
			return fmt.Errorf("%w: %w", nt.StatusBadNetworkPath, err)
		}
		return err
	}
	if err := c.attach(nc); err != nil {
		return err
	}
	return c.negotiate()
}

// negotiate is NEGOTIATE (3.2.4.2.2.2, 3.2.5.2).
func (c *conn) negotiate() error {
	cfg := &c.d.cfg
	req := smb2.NegotiateRequest{SecurityMode: cfg.securityMode(), ClientGUID: cfg.ClientGUID, Dialects: cfg.offered()}
	if cfg.MaxDialect >= smb2.Dialect210 {
		req.Capabilities = smb2.GlobalCapLargeMTU
		if !cfg.NoReferrals {
			req.Capabilities |= smb2.GlobalCapDFS
		}
		if !cfg.NoLeases {
			req.Capabilities |= smb2.GlobalCapLeasing
		}
	} else {
		req.ClientGUID = nt.GUID{}
	}
	if cfg.MaxDialect >= smb2.Dialect300 && !cfg.NoLeases {
		req.Capabilities |= smb2.GlobalCapPersistentHandles
		if c.d.dirs != nil {
			req.Capabilities |= smb2.GlobalCapDirectoryLeasing
		}
	}
	if cfg.MaxDialect >= smb2.Dialect300 && cfg.Channels > 1 {
		req.Capabilities |= smb2.GlobalCapMultiChannel
	}
	if cfg.MaxDialect >= smb2.Dialect300 && cfg.Encryption != EncryptionOff {
		req.Capabilities |= smb2.GlobalCapEncryption
	}
	if req.HasDialect(smb2.Dialect311) {
		req.Contexts = c.offerContexts()
	}
	k, err := c.call(&opNegotiate, nil, nil, req.Append(nil), false)
	if err != nil {
		if errors.Is(err, errSMB1) {
			return breach(nt.StatusNotSupported, "the server speaks SMB1 and nothing later, which is refused: %w", errSMB1)
		}
		return err
	}
	if k.status != nt.StatusSuccess {
		if !k.status.IsError() {
			return breach(nt.StatusInvalidNetworkResponse, "NEGOTIATE answered with %v", k.status)
		}
		return k.status
	}
	res, err := smb2.ParseNegotiateResponse(k.body)
	if err != nil {
		return breach(nt.StatusInvalidNetworkResponse, "%w", err)
	}
	n := negotiated{dialect: res.Dialect, signAlg: smb2.DefaultSigningAlgorithm(res.Dialect), request: req, response: res,
		serverSigns: res.SecurityMode&smb2.NegotiateSigningRequired != 0, hint: res.SecurityBuffer,
		leases:      !cfg.NoLeases && res.Dialect >= smb2.Dialect210 && res.Capabilities&smb2.GlobalCapLeasing != 0,
		dirLeases:   c.d.dirs != nil && res.Dialect >= smb2.Dialect300 && res.Capabilities&smb2.GlobalCapDirectoryLeasing != 0,
		multiCredit: res.Dialect >= smb2.Dialect210 && res.Capabilities&smb2.GlobalCapLargeMTU != 0}
	switch {
	case !req.HasDialect(res.Dialect):
		return breach(nt.StatusInvalidNetworkResponse, "server answers with dialect %v, which was not offered", res.Dialect)
	case res.SecurityMode&smb2.NegotiateSigningEnabled == 0 && cfg.Signing == SigningRequired:
		return breach(nt.StatusAccessDenied, "server does not sign")
	case res.MaxReadSize < minTransfer, res.MaxWriteSize < minTransfer, res.MaxTransactSize < minTransfer:
		return breach(nt.StatusInvalidNetworkResponse, "server takes no more than %d, %d and %d bytes", res.MaxReadSize, res.MaxWriteSize, res.MaxTransactSize)
	}
	if n.channels = 1; res.Dialect >= smb2.Dialect300 && res.Capabilities&smb2.GlobalCapMultiChannel != 0 {
		n.channels = cfg.Channels
	}
	n.maxRead, n.maxWrite, n.maxTransact = n.limit(res.MaxReadSize), n.limit(res.MaxWriteSize), n.limit(res.MaxTransactSize)
	switch {
	case res.Dialect == smb2.Dialect311:
		if err := n.acceptContexts(cfg); err != nil {
			return err
		}
		n.preauth.Update(k.sent)
		n.preauth.Update(k.raw)
	case res.Dialect >= smb2.Dialect300 && res.Capabilities&smb2.GlobalCapEncryption != 0 && cfg.Encryption != EncryptionOff:
		n.cipher = smb2.CipherAES128CCM
	}
	if cfg.Encryption == EncryptionRequired && n.cipher == smb2.CipherNone {
		return breach(nt.StatusAccessDenied, "server does not encrypt")
	}
	c.mu.Lock() // the sender reads the dialect
	c.negotiated = n
	c.mu.Unlock()
	c.d.log.Debug("connected", "server", c.key, "dialect", n.dialect, "cipher", n.cipher, "signing", n.signAlg)
	return nil
}

// limit is what one message carries.
func (n *negotiated) limit(server uint32) int {
	most := maxTransfer
	if !n.multiCredit {
		most = creditSize
	}
	return int(min(server, uint32(most)))
}

func (c *conn) offerContexts() []smb2.NegotiateContext {
	salt := make([]byte, 32)
	rand.Read(salt) // never fails
	pre := smb2.PreauthIntegrityCapabilities{HashAlgorithms: []uint16{smb2.HashSHA512}, Salt: salt}
	list := []smb2.NegotiateContext{{Type: smb2.ContextPreauthIntegrity, Data: pre.Append(nil)}}
	if c.d.cfg.Encryption != EncryptionOff {
		enc := smb2.EncryptionCapabilities{Ciphers: ciphers}
		list = append(list, smb2.NegotiateContext{Type: smb2.ContextEncryption, Data: enc.Append(nil)})
	}
	if c.d.cfg.Compression != CompressionOff {
		comp := smb2.CompressionOffer()
		list = append(list, smb2.NegotiateContext{Type: smb2.ContextCompression, Data: comp.Append(nil)})
	}
	sig := smb2.SigningCapabilities{Algorithms: signings}
	name := smb2.NetnameContext{NetName: nt.AppendUTF16(nil, c.host)}
	return append(list, smb2.NegotiateContext{Type: smb2.ContextSigning, Data: sig.Append(nil)},
		smb2.NegotiateContext{Type: smb2.ContextNetname, Data: name.Append(nil)})
}

// acceptContexts reads what a 3.1.1 server chose among what was offered (3.2.5.2).
func (n *negotiated) acceptContexts(cfg *Config) error {
	seen := make(map[smb2.NegotiateContextType]bool)
	for _, ctx := range n.response.Contexts {
		if seen[ctx.Type] {
			return breach(nt.StatusInvalidNetworkResponse, "negotiate context %#x comes twice", uint16(ctx.Type))
		}
		seen[ctx.Type] = true
		switch ctx.Type {
		case smb2.ContextPreauthIntegrity:
			p, err := smb2.ParsePreauthIntegrityCapabilities(ctx.Data)
			if err != nil || len(p.HashAlgorithms) != 1 || p.HashAlgorithms[0] != smb2.HashSHA512 {
				return breach(nt.StatusInvalidNetworkResponse, "preauthentication context %x", ctx.Data)
			}
		case smb2.ContextEncryption:
			e, err := smb2.ParseEncryptionCapabilities(ctx.Data)
			if err != nil || len(e.Ciphers) != 1 || cfg.Encryption == EncryptionOff ||
				e.Ciphers[0] != smb2.CipherNone && !slices.Contains(ciphers, e.Ciphers[0]) {
				return breach(nt.StatusInvalidNetworkResponse, "encryption context %x", ctx.Data)
			}
			n.cipher = e.Ciphers[0]
		case smb2.ContextSigning:
			s, err := smb2.ParseSigningCapabilities(ctx.Data)
			if err != nil || len(s.Algorithms) != 1 || !slices.Contains(signings, s.Algorithms[0]) {
				return breach(nt.StatusInvalidNetworkResponse, "signing context %x", ctx.Data)
			}
			n.signAlg = s.Algorithms[0]
		case smb2.ContextCompression:
			if err := n.acceptCompression(ctx.Data, cfg); err != nil {
				return err
			}
		}
	}
	if !seen[smb2.ContextPreauthIntegrity] {
		return breach(nt.StatusInvalidNetworkResponse, "no preauthentication context")
	}
	return nil
}

// validate asks a server of a dialect without preauthentication integrity, in a signed message, what it was asked and what it answered
// (3.2.5.5, 3.2.5.14.12): somebody in between could have taken the better dialects out. A server that does not know the control is of SMB
// 2.0 or 2.1 in truth, as the signature of its error says.
func (c *conn) validate(t *tree) error {
	if c.dialect == smb2.Dialect311 || c.d.cfg.MaxDialect < smb2.Dialect300 || t.sess.signer == nil || c.validated.Load() {
		return nil
	}
	in := smb2.ValidateNegotiateInfoRequest{Capabilities: c.request.Capabilities, GUID: c.request.ClientGUID,
		SecurityMode: c.request.SecurityMode, Dialects: c.request.Dialects}
	req := smb2.IoctlRequest{CtlCode: nt.FsctlValidateNegotiateInfo, FileID: smb2.RelatedFileID, MaxOutputResponse: 24,
		Flags: smb2.IoctlFlagIsFSCTL, Input: in.Append(nil)}
	k, err := c.call(&opValidate, t.sess, t, req.Append(nil), true)
	if err != nil {
		return fmt.Errorf("validate what was negotiated: %w", err)
	}
	switch k.status {
	case nt.StatusSuccess:
		res, err := smb2.ParseIoctlResponse(k.body)
		if err != nil {
			return breach(nt.StatusInvalidNetworkResponse, "%w", err)
		}
		out, err := smb2.ParseValidateNegotiateInfoResponse(res.Output)
		if err != nil {
			return breach(nt.StatusInvalidNetworkResponse, "%w", err)
		}
		if r := &c.response; out.Capabilities != r.Capabilities || out.GUID != r.ServerGUID || out.SecurityMode != r.SecurityMode || out.Dialect != r.Dialect {
			return breach(nt.StatusDowngradeDetected, "what was negotiated is not what the server sent")
		}
	case nt.StatusAccessDenied:
		return breach(nt.StatusDowngradeDetected, "what was negotiated is not what the server received")
	default:
		if !k.status.IsError() {
			return breach(nt.StatusInvalidNetworkResponse, "FSCTL_VALIDATE_NEGOTIATE_INFO answered with %v", k.status)
		}
		if c.dialect >= smb2.Dialect300 {
			return breach(nt.StatusDowngradeDetected, "a server of dialect %v does not validate what was negotiated: %w", c.dialect, k.status)
		}
	}
	c.validated.Store(true)
	return nil
}
