package krb5

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// errSignature is what a message that is not the peer's next one gets.
var errSignature = fmt.Errorf("krb5: wrong message signature: %w", nt.StatusAccessDenied)

// Flags of a token of RFC 4121 4.2.2.
const (
	cfxSentByAcceptor = 1
	cfxSealed         = 2
	cfxAcceptorSubkey = 4
)

const (
	cfxHeader = 16
	cfxFiller = aes.BlockSize // EC of a wrap token in DCE style
)

// cfx is message protection by RFC 4121 with an AES key. The detached signature of a sealed message is the wrap token without the data: with the
// right rotation count what stands behind the data in the token comes before it on the wire.
//
//	token header | filler, encrypted header, checksum | encrypted confounder || encrypted data
//
// In DCE style there is a filler of a cipher block, and the rotation is by EC more than RRC says, as Windows does it (MS-KILE 3.4.5.4.1).
type cfx struct {
	key      EncryptionKey
	flags    byte // of tokens of ours
	peer     byte // of the peer's
	dceStyle bool
	send     cfxDirection
	recv     cfxDirection
}

var _ auth.Protector = (*cfx)(nil)

// cfxDirection is the state of one direction. Its keys are derived when the first message wants them: SMB needs none.
type cfxDirection struct {
	signUsage, sealUsage uint32
	mac                  hash.Hash
	sum                  [64]byte
	crypt                *aesCrypt
	conf                 [aesConfounder]byte
	head                 [cfxHeader]byte
	seq                  sequence
}

func newCFX(key EncryptionKey, initiator, acceptorSubkey, dceStyle bool, send, recv uint32) *cfx {
	c := &cfx{key: key, dceStyle: dceStyle}
	if acceptorSubkey {
		c.flags = cfxAcceptorSubkey
	}
	c.peer = c.flags
	from := cfxDirection{signUsage: usageInitiatorSign, sealUsage: usageInitiatorSeal}
	to := cfxDirection{signUsage: usageAcceptorSign, sealUsage: usageAcceptorSeal}
	if initiator {
		c.send, c.recv = from, to
		c.peer |= cfxSentByAcceptor
	} else {
		c.send, c.recv = to, from
		c.flags |= cfxSentByAcceptor
	}
	c.send.seq, c.recv.seq = newSequence(send), newSequence(recv)
	return c
}

func (c *cfx) macLen() int { return c.key.Type.params().mac }

func (c *cfx) filler() int {
	if c.dceStyle {
		return cfxFiller
	}
	return 0
}

func (c *cfx) SignatureLen(confidential bool) int {
	if confidential {
		return cfxHeader + c.filler() + cfxHeader + c.macLen() + aesConfounder
	}
	return cfxHeader + c.macLen()
}

// checksum authenticates a message that is signed only.
func (d *cfxDirection) checksum(key EncryptionKey, msg, header []byte) []byte {
	if d.mac == nil {
		d.mac = hmac.New(key.Type.params().hash, key.derive(d.signUsage, deriveChecksum))
	}
	d.mac.Reset()
	d.mac.Write(msg)
	d.mac.Write(header)
	return d.mac.Sum(d.sum[:0])[:key.Type.params().mac]
}

func (d *cfxDirection) sealer(key EncryptionKey) *aesCrypt {
	if d.crypt == nil {
		d.crypt = newAESCrypt(key, d.sealUsage)
	}
	return d.crypt
}

// Sign makes a MIC token (RFC 4121 4.2.6.1).
func (c *cfx) Sign(sig, msg []byte) ([]byte, error) {
	h := c.send.head[:]
	copy(h, []byte{0x04, 0x04, c.flags, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
	binary.BigEndian.PutUint64(h[8:], c.send.seq.take())
	sum := c.send.checksum(c.key, msg, h)
	return append(append(sig, h...), sum...), nil
}

func (c *cfx) Verify(msg, sig []byte) error {
	if len(sig) != cfxHeader+c.macLen() || sig[0] != 4 || sig[1] != 4 || !c.fromPeer(sig[2], 0) ||
		string(sig[3:8]) != "\xFF\xFF\xFF\xFF\xFF" {
		return errSignature
	}
	if subtle.ConstantTimeCompare(c.recv.checksum(c.key, msg, sig[:cfxHeader]), sig[cfxHeader:]) != 1 {
		return errSignature
	}
	return c.recv.seq.check(binary.BigEndian.Uint64(sig[8:]))
}

// fromPeer looks at the flags; unknown ones do not matter (RFC 4121 4.2.2).
func (c *cfx) fromPeer(flags, sealed byte) bool {
	return flags&(cfxSentByAcceptor|cfxSealed|cfxAcceptorSubkey) == c.peer|sealed
}

// scratch buffers hold a message while it is encrypted: the cipher wants in one piece what lies apart.
var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

func getScratch(n int) *[]byte {
	p := scratch.Get().(*[]byte)
	if cap(*p) < n {
		*p = make([]byte, n, n+n/4)
	}
	*p = (*p)[:n]
	return p
}

// Seal makes a wrap token with confidentiality (RFC 4121 4.2.6.2). What is signed and not encrypted counts where it stands, as in
// GSS_WrapEx.
func (c *cfx) Seal(sig, msg []byte, lo, hi int) ([]byte, error) {
	if lo < 0 || hi < lo || hi > len(msg) {
		return nil, fmt.Errorf("krb5: seal %d:%d of %d bytes: %w", lo, hi, len(msg), nt.StatusInvalidParameter)
	}
	d, crypt := &c.send, c.send.sealer(c.key)
	filler := c.filler()
	h := d.head[:]
	copy(h, []byte{0x05, 0x04, c.flags | cfxSealed, 0xFF, byte(filler >> 8), byte(filler), 0, 0})
	binary.BigEndian.PutUint64(h[8:], d.seq.take())
	end := aesConfounder + hi - lo
	p := getScratch(end + filler + cfxHeader)
	defer scratch.Put(p)
	b := *p
	rand.Read(d.conf[:])
	copy(b, d.conf[:])
	copy(b[aesConfounder:], msg[lo:hi])
	for i := range filler {
		b[end+i] = 0xFF
	}
	copy(b[end+filler:], h)
	if !crypt.sha2 {
		c.authenticate(crypt, b[:aesConfounder], msg, lo, hi, b[aesConfounder:end], b[end:])
	}
	crypt.encrypt(b)
	if crypt.sha2 {
		c.authenticate(crypt, b[:aesConfounder], msg, lo, hi, b[aesConfounder:end], b[end:])
	}
	copy(msg[lo:hi], b[aesConfounder:end])
	binary.BigEndian.PutUint16(h[6:], uint16(cfxHeader+crypt.macLen)) // RRC
	sig = append(sig, h...)
	sig = append(sig, b[end:]...)
	sig = append(sig, crypt.tag()...)
	return append(sig, b[:aesConfounder]...), nil
}

// authenticate runs the checksum over a message whose encrypted part is data instead of msg[lo:hi].
func (c *cfx) authenticate(crypt *aesCrypt, conf, msg []byte, lo, hi int, data, tail []byte) {
	mac := crypt.begin()
	mac.Write(conf)
	mac.Write(msg[:lo])
	mac.Write(data)
	mac.Write(msg[hi:])
	mac.Write(tail)
}

// Unseal takes a token with any rotation.
func (c *cfx) Unseal(msg []byte, lo, hi int, sig []byte) error {
	if lo < 0 || hi < lo || hi > len(msg) {
		return fmt.Errorf("krb5: unseal %d:%d of %d bytes: %w", lo, hi, len(msg), nt.StatusInvalidParameter)
	}
	if len(sig) < cfxHeader || sig[0] != 5 || sig[1] != 4 || sig[3] != 0xFF || !c.fromPeer(sig[2], cfxSealed) {
		return errSignature
	}
	h, rest := sig[:cfxHeader], sig[cfxHeader:]
	filler, rotated := int(binary.BigEndian.Uint16(h[4:])), int(binary.BigEndian.Uint16(h[6:]))
	if len(rest) != aesConfounder+filler+cfxHeader+c.macLen() {
		return errSignature
	}
	if c.dceStyle {
		rotated += filler
	}
	d, crypt := &c.recv, c.recv.sealer(c.key)
	n := len(rest) + hi - lo
	p := getScratch(n)
	defer scratch.Put(p)
	whole := *p
	unrotate(whole, rest, msg[lo:hi], rotated%n)
	b, tag := whole[:n-crypt.macLen], whole[n-crypt.macLen:]
	end := aesConfounder + hi - lo
	if crypt.sha2 {
		c.authenticate(crypt, b[:aesConfounder], msg, lo, hi, b[aesConfounder:end], b[end:])
	}
	crypt.decrypt(b)
	if !crypt.sha2 {
		c.authenticate(crypt, b[:aesConfounder], msg, lo, hi, b[aesConfounder:end], b[end:])
	}
	if subtle.ConstantTimeCompare(crypt.tag(), tag) != 1 {
		return errSignature
	}
	// The header inside counts; only its RRC was not known yet when it was encrypted.
	inner := b[end+filler:]
	if string(inner[:6]) != string(h[:6]) || string(inner[8:]) != string(h[8:]) {
		return errSignature
	}
	if err := d.seq.check(binary.BigEndian.Uint64(h[8:])); err != nil {
		return err
	}
	copy(msg[lo:hi], b[aesConfounder:end])
	return nil
}

// unrotate puts first||second, rotated right by r, back in order into out, which is as long as both.
func unrotate(out, first, second []byte, r int) {
	at := len(out) - r // where the first byte belongs
	for _, part := range [2][]byte{first, second} {
		for len(part) > 0 {
			if at == len(out) {
				at = 0
			}
			n := copy(out[at:], part)
			part, at = part[n:], at+n
		}
	}
}
