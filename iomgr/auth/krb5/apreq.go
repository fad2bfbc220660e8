package krb5

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"time"
)

const (
	tagAPReq     = 0x6E
	messageAPReq = 14

	// AP options (RFC 4120 5.5.1).
	apUseSessionKey  = 1 << (31 - 1)
	apMutualRequired = 1 << (31 - 2)
)

// apReq is KRB_AP_REQ.
type apReq struct {
	options       uint32
	ticket        ticket
	authenticator encrypted
}

func parseAPReq(b []byte) (a apReq, err error) {
	r := parseDER(b, tagAPReq)
	r = r.open(tagSequence)
	if r.field(0).integer() != protocolVersion || r.field(1).integer() != messageAPReq {
		*r.bad = true
	}
	a.options = r.field(2).flags()
	a.ticket = r.field(3).ticket()
	a.authenticator = r.field(4).encrypted()
	return a, r.err()
}

// appendAPReq makes a KRB_AP_REQ of a ticket as it came from the KDC.
func marshalAPReq(options uint32, rawTicket []byte, authenticator *encrypted) []byte {
	return tlv(tagAPReq, tlv(tagSequence,
		derField(0, derInt(protocolVersion)), derField(1, derInt(messageAPReq)), derField(2, derFlags(options)),
		derField(3, rawTicket), derField(4, authenticator.der())))
}

// checksum is a Checksum (RFC 4120 5.2.9).
type checksum struct {
	kind int32
	sum  []byte
}

// authenticator is what proves that a client has the session key now (RFC 4120 5.5.1).
type authenticator struct {
	crealm   string
	cname    principal
	cksum    *checksum
	time     time.Time // to the microsecond
	subkey   *EncryptionKey
	seq      uint32
	hasSeq   bool
	authData []authData
}

// micros puts the seconds and microseconds of a message together.
func (r derReader) micros() (us int64) {
	if us = r.integer(); us < 0 || us > 999_999 {
		*r.bad = true
	}
	return us
}

func parseAuthenticator(b []byte) (a authenticator, err error) {
	r := parseDER(b, tagAuthenticator)
	r = r.open(tagSequence)
	if r.field(0).integer() != protocolVersion {
		*r.bad = true
	}
	a.crealm = r.field(1).str()
	a.cname = r.field(2).principal()
	if r.has(3) {
		in := r.field(3)
		in = in.open(tagSequence)
		a.cksum = &checksum{in.field(0).int32(), in.field(1).octets()}
	}
	us := r.field(4).micros()
	a.time = r.field(5).time().Add(time.Duration(us) * time.Microsecond)
	if r.has(6) {
		k := r.field(6).encryptionKey()
		a.subkey = &k
	}
	if r.has(7) {
		a.seq, a.hasSeq = r.field(7).uint32(), true
	}
	if r.has(8) {
		a.authData = r.field(8).authData()
	}
	return a, r.err()
}

func (a *authenticator) der() []byte {
	var cksum, subkey, seq, data []byte
	if a.cksum != nil {
		cksum = derField(3, tlv(tagSequence, derField(0, derInt(int64(a.cksum.kind))), derField(1, derOctets(a.cksum.sum))))
	}
	if a.subkey != nil {
		subkey = derField(6, a.subkey.der())
	}
	if a.hasSeq {
		seq = derField(7, derInt(int64(a.seq)))
	}
	if a.authData != nil {
		data = derField(8, derAuthData(a.authData...))
	}
	return tlv(tagAuthenticator, tlv(tagSequence,
		derField(0, derInt(protocolVersion)), derField(1, derString(a.crealm)), derField(2, a.cname.der()), cksum,
		derField(4, derInt(int64(a.time.Nanosecond()/1000))), derField(5, derTime(a.time)), subkey, seq, data))
}

// Flags of a security context (RFC 4121 4.1.1.1, MS-KILE 3.2.5.2).
type Flags uint32

// The flags. Those that stand in no constant are sent on and mean nothing here. Samba's RPC server goes by FlagInteg and FlagConf when it reckons
// how long its signatures are: a client of RPC asks for FlagInteg where it signs and for FlagConf where it seals, and not otherwise.
const (
	FlagDelegate  Flags = 0x1
	FlagMutual    Flags = 0x2
	FlagReplay    Flags = 0x4
	FlagSequence  Flags = 0x8
	FlagConf      Flags = 0x10
	FlagInteg     Flags = 0x20
	FlagDCEStyle  Flags = 0x1000
	FlagIdentify  Flags = 0x2000
	flagsOfClient       = FlagMutual | FlagReplay | FlagSequence | FlagConf | FlagInteg
)

const (
	checksumGSS    = 0x8003
	checksumGSSLen = 24
)

var (
	errGSSChecksum = errors.New("malformed GSS-API checksum")
	errBindings    = errors.New("wrong channel bindings")
)

// parseGSSChecksum takes the flags and channel bindings out of the checksum of type 0x8003 (RFC 4121 4.1.1). Delegated credentials are
// only measured, and not used.
func parseGSSChecksum(b []byte) (flags Flags, bindings [16]byte, err error) {
	if len(b) < checksumGSSLen || binary.LittleEndian.Uint32(b) != uint32(len(bindings)) {
		return 0, bindings, errGSSChecksum
	}
	copy(bindings[:], b[4:20])
	flags = Flags(binary.LittleEndian.Uint32(b[20:]))
	if flags&FlagDelegate != 0 {
		rest := b[checksumGSSLen:]
		if len(rest) < 4 || binary.LittleEndian.Uint16(rest) != 1 || int(binary.LittleEndian.Uint16(rest[2:])) > len(rest)-4 {
			return 0, bindings, errGSSChecksum
		}
	}
	return flags, bindings, nil
}

func gssChecksum(flags Flags, bindings []byte) *checksum {
	b := make([]byte, checksumGSSLen)
	b[0] = 16
	if len(bindings) > 0 {
		sum := bindingHash(bindings)
		copy(b[4:], sum[:])
	}
	binary.LittleEndian.PutUint32(b[20:], uint32(flags))
	return &checksum{checksumGSS, b}
}

// bindingHash is MD5 of a gss_channel_bindings_struct with no addresses whose application data is the binding (RFC 4121 4.1.1.2).
func bindingHash(binding []byte) [16]byte {
	b := make([]byte, 16, 20+len(binding))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(binding)))
	return md5.Sum(append(b, binding...))
}

// checkBindings compares channel bindings. Zeros say that the client has none.
func checkBindings(got [16]byte, want []byte, required bool) error {
	if len(want) == 0 {
		return nil
	}
	if got == [16]byte{} && !required {
		return nil
	}
	sum := bindingHash(want)
	if subtle.ConstantTimeCompare(got[:], sum[:]) != 1 {
		return errBindings
	}
	return nil
}
