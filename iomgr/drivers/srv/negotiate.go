package srv

import (
	"crypto/rand"
	"errors"
	"slices"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// negotiated is what client and server agreed upon.
type negotiated struct {
	dialect     smb2.Dialect
	multiCredit bool
	maxTransact int
	cipher      smb2.CipherID // CipherNone without encryption
	signAlg     smb2.SigningAlgorithm
	preauth     smb2.PreauthHash // 3.1.1
	compression smb2.Compression // 3.1.1
	posix       bool             // 3.1.1

	// As the client sent it and as it was answered, for FSCTL_VALIDATE_NEGOTIATE_INFO.
	clientCaps uint32
	clientGUID nt.GUID
	clientMode uint16
	serverCaps uint32
}

// dialects in the order of the server's preference.
var dialects = [...]smb2.Dialect{smb2.Dialect311, smb2.Dialect302, smb2.Dialect300, smb2.Dialect210, smb2.Dialect202}

// Ciphers and signing algorithms in the order of the server's preference.
var (
	ciphers  = [...]smb2.CipherID{smb2.CipherAES256GCM, smb2.CipherAES128GCM, smb2.CipherAES256CCM, smb2.CipherAES128CCM}
	signings = [...]smb2.SigningAlgorithm{smb2.SigningAESGMAC, smb2.SigningAESCMAC, smb2.SigningHMACSHA256}
)

var errSecondNegotiate = errors.New("second NEGOTIATE")

// commonDialect is the best dialect that both sides know.
func (s *server) commonDialect(offered []smb2.Dialect) smb2.Dialect {
	for _, d := range dialects {
		if d >= s.cfg.MinDialect && d <= s.cfg.MaxDialect && slices.Contains(offered, d) {
			return d
		}
	}
	return 0
}

// negotiate is NEGOTIATE (3.3.5.4).
func (c *command) negotiate() nt.Status {
	conn := c.conn
	if conn.dialect != 0 || c.compound != nil || c.sealed != nil {
		conn.cut(errSecondNegotiate)
		return nt.StatusInvalidParameter
	}
	req, err := smb2.ParseNegotiateRequest(c.body)
	if err != nil || len(req.Dialects) == 0 || c.hdr.IsSigned() { // 3.3.5.2.4: nothing can be signed yet
		return nt.StatusInvalidParameter
	}
	n := negotiated{dialect: conn.srv.commonDialect(req.Dialects), clientCaps: req.Capabilities, clientGUID: req.ClientGUID, clientMode: req.SecurityMode}
	if n.dialect == 0 {
		return nt.StatusNotSupported
	}
	res := smb2.NegotiateResponse{}
	if n.dialect == smb2.Dialect311 {
		if st := conn.contexts(&req, &n, &res); st != nt.StatusSuccess {
			return st
		}
	} else {
		n.signAlg = smb2.DefaultSigningAlgorithm(n.dialect)
		if n.dialect >= smb2.Dialect300 && req.Capabilities&smb2.GlobalCapEncryption != 0 && conn.srv.cfg.Encryption != EncryptionOff {
			n.cipher = smb2.CipherAES128CCM
		}
	}
	conn.decide(&n)
	res.Dialect = n.dialect
	conn.negotiated = n
	if n.dialect == smb2.Dialect311 {
		conn.preauth.Update(c.raw)
		c.hash = &conn.preauth
	}
	return c.negotiateReply(&res)
}

// decide fills in what follows from the dialect and from what the client can.
func (c *conn) decide(n *negotiated) {
	n.maxTransact = maxTransact202
	if n.dialect >= smb2.Dialect210 && n.dialect != smb2.DialectWildcard {
		n.multiCredit = true
		n.maxTransact = c.srv.cfg.Limits.MaxTransact
		n.serverCaps |= smb2.GlobalCapLargeMTU | smb2.GlobalCapLeasing
	}
	if n.dialect >= smb2.Dialect300 {
		n.serverCaps |= n.clientCaps & (smb2.GlobalCapMultiChannel | smb2.GlobalCapDirectoryLeasing)
		if c.srv.openTable() != nil {
			n.serverCaps |= n.clientCaps & smb2.GlobalCapPersistentHandles
		}
		if n.dialect < smb2.Dialect311 && n.cipher != smb2.CipherNone {
			n.serverCaps |= smb2.GlobalCapEncryption
		}
	}
}

// securityMode is what the server says of signing.
func (s *server) securityMode() uint16 {
	if s.cfg.Signing == SigningRequired {
		return smb2.NegotiateSigningEnabled | smb2.NegotiateSigningRequired
	}
	return smb2.NegotiateSigningEnabled
}

func (c *command) negotiateReply(res *smb2.NegotiateResponse) nt.Status {
	conn := c.conn
	s := conn.srv
	res.SecurityMode = s.securityMode()
	res.ServerGUID = s.cfg.ServerGUID
	res.Capabilities = conn.serverCaps
	res.MaxTransactSize, res.MaxReadSize, res.MaxWriteSize = uint32(conn.maxTransact), uint32(conn.maxTransact), uint32(conn.maxTransact)
	res.SystemTime = nt.NowTime()
	res.SecurityBuffer = s.cfg.Auth.Hint()
	return c.reply(res.Append(c.begin(256 + len(res.SecurityBuffer))))
}

// contexts chooses among what a 3.1.1 client offers (3.3.5.4). The name by which it knows this server is of no consequence here.
func (c *conn) contexts(req *smb2.NegotiateRequest, n *negotiated, res *smb2.NegotiateResponse) nt.Status {
	seen := map[smb2.NegotiateContextType]bool{}
	n.signAlg = smb2.SigningAESCMAC
	for _, ctx := range req.Contexts {
		switch ctx.Type {
		case smb2.ContextPreauthIntegrity, smb2.ContextEncryption, smb2.ContextSigning, smb2.ContextCompression, smb2.ContextRDMATransform:
			if seen[ctx.Type] {
				return nt.StatusInvalidParameter
			}
			seen[ctx.Type] = true
		}
		switch ctx.Type {
		case smb2.ContextPreauthIntegrity:
			p, err := smb2.ParsePreauthIntegrityCapabilities(ctx.Data)
			if err != nil || len(p.HashAlgorithms) == 0 {
				return nt.StatusInvalidParameter
			}
			if !slices.Contains(p.HashAlgorithms, smb2.HashSHA512) {
				return nt.StatusSmbNoPreauthIntegrityHashOverlap
			}
			salt := make([]byte, 32)
			rand.Read(salt) // never fails
			answer := smb2.PreauthIntegrityCapabilities{HashAlgorithms: []uint16{smb2.HashSHA512}, Salt: salt}
			res.Contexts = append(res.Contexts, smb2.NegotiateContext{Type: ctx.Type, Data: answer.Append(nil)})
		case smb2.ContextEncryption:
			e, err := smb2.ParseEncryptionCapabilities(ctx.Data)
			if err != nil || len(e.Ciphers) == 0 {
				return nt.StatusInvalidParameter
			}
			if c.srv.cfg.Encryption == EncryptionOff {
				continue
			}
			n.cipher = first(ciphers[:], e.Ciphers, smb2.CipherNone)
			answer := smb2.EncryptionCapabilities{Ciphers: []smb2.CipherID{n.cipher}}
			res.Contexts = append(res.Contexts, smb2.NegotiateContext{Type: ctx.Type, Data: answer.Append(nil)})
		case smb2.ContextSigning:
			s, err := smb2.ParseSigningCapabilities(ctx.Data)
			if err != nil || len(s.Algorithms) == 0 {
				return nt.StatusInvalidParameter
			}
			n.signAlg = first(signings[:], s.Algorithms, smb2.SigningAESCMAC)
			if !slices.Contains(s.Algorithms, n.signAlg) {
				continue // nothing in common: no answer, and the dialect's own algorithm
			}
			answer := smb2.SigningCapabilities{Algorithms: []smb2.SigningAlgorithm{n.signAlg}}
			res.Contexts = append(res.Contexts, smb2.NegotiateContext{Type: ctx.Type, Data: answer.Append(nil)})
		case smb2.ContextPOSIX:
			if st := c.posixContext(ctx.Data, n, res); st != nt.StatusSuccess {
				return st
			}
		case smb2.ContextCompression:
			if st := c.compressionContext(ctx.Data, n, res); st != nt.StatusSuccess {
				return st
			}
		}
	}
	if !seen[smb2.ContextPreauthIntegrity] {
		return nt.StatusInvalidParameter
	}
	return nt.StatusSuccess
}

// first is the first of ours that is among theirs.
func first[T comparable](ours, theirs []T, none T) T {
	for _, v := range ours {
		if slices.Contains(theirs, v) {
			return v
		}
	}
	return none
}

// negotiateSMB1 answers the SMB1 NEGOTIATE of a client that offers SMB2 (3.3.5.3).
func (c *conn) negotiateSMB1(msg []byte) {
	req, err := smb2.ParseSMB1Negotiate(msg)
	if err == nil && (c.dialect != 0 || c.smb1) {
		err = errSecondNegotiate
	}
	if err != nil {
		c.cut(err)
		return
	}
	d, ok := req.SMB2Dialect()
	if d == smb2.DialectWildcard && c.srv.cfg.MaxDialect < smb2.Dialect210 {
		d = smb2.Dialect202
	}
	if !ok || d == smb2.Dialect202 && c.srv.cfg.MinDialect > smb2.Dialect202 {
		c.cut(errors.New("client knows no SMB2"))
		return
	}
	c.smb1 = true
	n := negotiated{dialect: d}
	c.decide(&n)
	if d == smb2.DialectWildcard { // the client will negotiate again, now in SMB2
		n.serverCaps |= smb2.GlobalCapLargeMTU
		n.maxTransact = c.srv.cfg.Limits.MaxTransact
	}
	n.signAlg = smb2.DefaultSigningAlgorithm(smb2.Dialect202)
	c.negotiated = n
	cmd := commandPool.Get().(*command)
	cmd.conn = c
	cmd.hdr = smb2.Header{Command: smb2.Negotiate, Credits: 1}
	c.mu.Lock()
	c.window.take(0, 1)
	c.mu.Unlock()
	st := cmd.negotiateReply(&smb2.NegotiateResponse{Dialect: d})
	if d == smb2.DialectWildcard {
		c.negotiated = negotiated{}
	}
	cmd.finish(st)
}
