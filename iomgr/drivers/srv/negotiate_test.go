package srv_test

import (
	"slices"
	"testing"

	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

func TestNegotiate(t *testing.T) {
	e := newEnv(t, nil)
	const all = smb2.GlobalCapDFS | smb2.GlobalCapLeasing | smb2.GlobalCapLargeMTU | smb2.GlobalCapMultiChannel | smb2.GlobalCapDirectoryLeasing |
		smb2.GlobalCapPersistentHandles | smb2.GlobalCapDirectoryLeasing | smb2.GlobalCapEncryption
	for name, v := range map[string]struct {
		o       negotiateOptions
		status  nt.Status
		dialect smb2.Dialect
		caps    uint32
		size    uint32
		cipher  smb2.CipherID
		sign    smb2.SigningAlgorithm
	}{
		"2.0.2":           {o: negotiateOptions{dialects: allDialects[:1]}, dialect: smb2.Dialect202, size: 65536},
		"2.1":             {o: negotiateOptions{dialects: allDialects[:2]}, dialect: smb2.Dialect210, caps: smb2.GlobalCapLargeMTU | smb2.GlobalCapLeasing, size: 8 << 20},
		"3.0":             {o: negotiateOptions{dialects: allDialects[:3]}, dialect: smb2.Dialect300, caps: smb2.GlobalCapLargeMTU | smb2.GlobalCapLeasing, size: 8 << 20, sign: smb2.SigningAESCMAC},
		"3.0 all caps":    {o: negotiateOptions{dialects: allDialects[2:3], caps: all}, dialect: smb2.Dialect300, caps: smb2.GlobalCapLargeMTU | smb2.GlobalCapLeasing | smb2.GlobalCapMultiChannel | smb2.GlobalCapDirectoryLeasing | smb2.GlobalCapEncryption, size: 8 << 20, cipher: smb2.CipherAES128CCM, sign: smb2.SigningAESCMAC},
		"3.0.2":           {o: negotiateOptions{dialects: allDialects[:4], caps: smb2.GlobalCapEncryption}, dialect: smb2.Dialect302, caps: smb2.GlobalCapLargeMTU | smb2.GlobalCapLeasing | smb2.GlobalCapEncryption, size: 8 << 20, cipher: smb2.CipherAES128CCM, sign: smb2.SigningAESCMAC},
		"3.1.1":           {o: negotiateOptions{ciphers: allCiphers, signings: allSignings, caps: all}, dialect: smb2.Dialect311, caps: smb2.GlobalCapLargeMTU | smb2.GlobalCapLeasing | smb2.GlobalCapMultiChannel | smb2.GlobalCapDirectoryLeasing, size: 8 << 20, cipher: smb2.CipherAES256GCM, sign: smb2.SigningAESGMAC},
		"3.1.1 bare":      {o: negotiateOptions{}, dialect: smb2.Dialect311, caps: smb2.GlobalCapLargeMTU | smb2.GlobalCapLeasing, size: 8 << 20, sign: smb2.SigningAESCMAC},
		"3.1.1 CCM, HMAC": {o: negotiateOptions{ciphers: allCiphers[:1], signings: allSignings[:1]}, dialect: smb2.Dialect311, caps: smb2.GlobalCapLargeMTU | smb2.GlobalCapLeasing, size: 8 << 20, cipher: smb2.CipherAES128CCM, sign: smb2.SigningHMACSHA256},
		"3.1.1 unknown":   {o: negotiateOptions{ciphers: []smb2.CipherID{99}, signings: []smb2.SigningAlgorithm{99}}, dialect: smb2.Dialect311, caps: smb2.GlobalCapLargeMTU | smb2.GlobalCapLeasing, size: 8 << 20, sign: smb2.SigningAESCMAC},
		"none known":      {o: negotiateOptions{dialects: []smb2.Dialect{0x0222}}, status: nt.StatusNotSupported},
		"no dialect":      {o: negotiateOptions{dialects: []smb2.Dialect{}}, status: nt.StatusInvalidParameter},
		"wildcard":        {o: negotiateOptions{dialects: []smb2.Dialect{smb2.DialectWildcard}}, status: nt.StatusNotSupported},
	} {
		t.Run(name, func(t *testing.T) {
			c := e.dial()
			c.t = t
			r := c.negotiate(v.o)
			if r.h.Status != v.status {
				t.Fatalf("status %v, want %v", r.h.Status, v.status)
			}
			if v.status != nt.StatusSuccess {
				return
			}
			res := c.response
			if res.Dialect != v.dialect || res.Capabilities != v.caps || c.cipher != v.cipher || c.signAlg != v.sign {
				t.Errorf("dialect %v capabilities %#x cipher %d signing %d", res.Dialect, res.Capabilities, c.cipher, c.signAlg)
			}
			if res.MaxTransactSize != v.size || res.MaxReadSize != v.size || res.MaxWriteSize != v.size {
				t.Errorf("sizes %d %d %d", res.MaxTransactSize, res.MaxReadSize, res.MaxWriteSize)
			}
			if res.SecurityMode != smb2.NegotiateSigningEnabled|smb2.NegotiateSigningRequired {
				t.Errorf("security mode %#x", res.SecurityMode)
			}
			if len(res.SecurityBuffer) == 0 || res.ServerGUID == (nt.GUID{}) {
				t.Error("no token or GUID")
			}
			has := func(typ smb2.NegotiateContextType) bool {
				return slices.ContainsFunc(res.Contexts, func(c smb2.NegotiateContext) bool { return c.Type == typ })
			}
			if v.dialect == smb2.Dialect311 && !has(smb2.ContextPreauthIntegrity) || v.o.ciphers == nil && has(smb2.ContextEncryption) ||
				v.o.signings == nil && has(smb2.ContextSigning) {
				t.Errorf("contexts %+v", res.Contexts)
			}
		})
	}
}

func TestNegotiateContexts(t *testing.T) {
	e := newEnv(t, nil)
	pre := (&smb2.PreauthIntegrityCapabilities{HashAlgorithms: []uint16{smb2.HashSHA512}}).Append(nil)
	context := func(typ smb2.NegotiateContextType, data []byte) smb2.NegotiateContext {
		return smb2.NegotiateContext{Type: typ, Data: data}
	}
	for name, v := range map[string]struct {
		contexts []smb2.NegotiateContext
		want     nt.Status
	}{
		"none":        {nil, nt.StatusInvalidParameter},
		"twice":       {[]smb2.NegotiateContext{context(1, pre), context(1, pre)}, nt.StatusInvalidParameter},
		"other hash":  {[]smb2.NegotiateContext{context(1, []byte{1, 0, 0, 0, 9, 0})}, nt.StatusSmbNoPreauthIntegrityHashOverlap},
		"no hash":     {[]smb2.NegotiateContext{context(1, []byte{0, 0, 0, 0})}, nt.StatusInvalidParameter},
		"no cipher":   {[]smb2.NegotiateContext{context(1, pre), context(2, []byte{0, 0})}, nt.StatusInvalidParameter},
		"bad cipher":  {[]smb2.NegotiateContext{context(1, pre), context(2, []byte{9, 0})}, nt.StatusInvalidParameter},
		"bad signing": {[]smb2.NegotiateContext{context(1, pre), context(8, []byte{1})}, nt.StatusInvalidParameter},
		"unknown":     {[]smb2.NegotiateContext{context(1, pre), context(0x77, []byte("x"))}, nt.StatusSuccess},
		"net name":    {[]smb2.NegotiateContext{context(1, pre), context(5, nt.AppendUTF16(nil, "host"))}, nt.StatusSuccess},
		"compression": {[]smb2.NegotiateContext{context(1, pre), context(3, []byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0})}, nt.StatusSuccess},
	} {
		c := e.dial()
		req := &smb2.NegotiateRequest{SecurityMode: 1, Dialects: []smb2.Dialect{smb2.Dialect311}, Contexts: v.contexts}
		p, err := c.send(nil, call{cmd: smb2.Negotiate, body: req.Append(nil)})
		if err != nil {
			t.Fatal(err)
		}
		r, err := p[0].recv()
		if err != nil || r.h.Status != v.want {
			t.Errorf("%s: %v %v, want %v", name, r.h.Status, err, v.want)
		}
	}
}

// TestNegotiateSMB1 is the SMB1 negotiate with which some clients begin (3.3.5.3).
func TestNegotiateSMB1(t *testing.T) {
	e := newEnv(t, nil)
	const any, old, nt1 = smb2.SMB1DialectSMB2Any, smb2.SMB1Dialect202, smb2.SMB1DialectNT
	smb1 := func(c *client, dialects ...string) (reply, error) {
		ch := make(chan reply, 1)
		c.mu.Lock()
		c.waiting[0], c.nextID = ch, 1
		err := c.write((&smb2.SMB1Negotiate{Dialects: dialects}).Append(nil))
		c.mu.Unlock()
		if err != nil {
			return reply{}, err
		}
		return pending{c, 0, ch}.recv()
	}
	c := e.dial()
	r, err := smb1(c, nt1, old, any)
	if err != nil {
		t.Fatal(err)
	}
	res, err := smb2.ParseNegotiateResponse(r.body)
	if err != nil || res.Dialect != smb2.DialectWildcard {
		t.Fatalf("%+v %v", res, err)
	}
	c.logon(negotiateOptions{}, "alice") // negotiates again, in SMB2
	c.tree("IPC$")

	c = e.dial()
	if r, err = smb1(c, nt1, old); err != nil {
		t.Fatal(err)
	}
	if res, err = smb2.ParseNegotiateResponse(r.body); err != nil || res.Dialect != smb2.Dialect202 {
		t.Fatalf("%+v %v", res, err)
	}
	c.dialect = smb2.Dialect202
	if _, st := c.setupSession(setup{user: "alice", password: "secret"}); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	c.tree("IPC$")

	c = e.dial()
	if _, err := smb1(c, nt1); err == nil {
		t.Error("a client without SMB2 was answered")
	}
	c.ended()
	c = e.dial()
	if _, err := smb1(c, any); err != nil {
		t.Fatal(err)
	}
	_, _ = smb1(c, any)
	c.ended()
}

func TestSecondNegotiate(t *testing.T) {
	e := newEnv(t, nil)
	c := e.dial()
	c.negotiate(negotiateOptions{})
	_, _ = c.try(smb2.Negotiate, 0, (&negotiateOptions{dialects: allDialects}).request(c.guid).Append(nil))
	c.ended()
	c = e.logon("alice")
	_, _ = c.try(smb2.Negotiate, 0, (&negotiateOptions{dialects: allDialects}).request(c.guid).Append(nil))
	c.ended()
}

func TestDialectBounds(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.MinDialect, c.MaxDialect = smb2.Dialect300, smb2.Dialect302 })
	if r := e.dial().negotiate(negotiateOptions{dialects: allDialects[:2]}); r.h.Status != nt.StatusNotSupported {
		t.Errorf("2.1: %v", r.h.Status)
	}
	c := e.dial()
	if c.negotiate(negotiateOptions{}); c.dialect != smb2.Dialect302 {
		t.Errorf("best is %v", c.dialect)
	}
}

// TestValidateNegotiate is the downgrade protection of 3.0 (3.3.5.15.12).
func TestValidateNegotiate(t *testing.T) {
	e := newEnv(t, nil)
	for name, edit := range map[string]func(*smb2.ValidateNegotiateInfoRequest){
		"":             func(*smb2.ValidateNegotiateInfoRequest) {},
		"dialects":     func(r *smb2.ValidateNegotiateInfoRequest) { r.Dialects = allDialects },
		"GUID":         func(r *smb2.ValidateNegotiateInfoRequest) { r.GUID[3]++ },
		"mode":         func(r *smb2.ValidateNegotiateInfoRequest) { r.SecurityMode ^= 2 },
		"capabilities": func(r *smb2.ValidateNegotiateInfoRequest) { r.Capabilities ^= 0x40 },
	} {
		c := e.dial().logon(negotiateOptions{dialects: allDialects[:4], caps: smb2.GlobalCapEncryption}, "alice")
		tree := c.tree("IPC$")
		req := smb2.ValidateNegotiateInfoRequest{Capabilities: c.caps, GUID: c.guid, SecurityMode: c.mode, Dialects: allDialects[:4]}
		edit(&req)
		r, err := c.try(smb2.Ioctl, tree, ioctlBody(smb2.RelatedFileID, nt.FsctlValidateNegotiateInfo, req.Append(nil), 24))
		if name != "" {
			c.ended()
			continue
		}
		if err != nil || r.h.Status != nt.StatusSuccess || !r.h.IsSigned() {
			t.Fatalf("%v %v", r.h.Status, err)
		}
		out, err := smb2.ParseIoctlResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		res, err := smb2.ParseValidateNegotiateInfoResponse(out.Output)
		if err != nil || res.Dialect != c.dialect || res.GUID != c.response.ServerGUID || res.Capabilities != c.response.Capabilities ||
			res.SecurityMode != c.response.SecurityMode {
			t.Errorf("%+v %v", res, err)
		}
	}
}
