package krb5

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
)

// EncType is an encryption type (RFC 3961 section 8).
type EncType int32

// The encryption types that are spoken. DES in all its forms is not.
const (
	AES128SHA1 EncType = 17 // aes128-cts-hmac-sha1-96, RFC 3962
	AES256SHA1 EncType = 18 // aes256-cts-hmac-sha1-96, RFC 3962
	AES128SHA2 EncType = 19 // aes128-cts-hmac-sha256-128, RFC 8009
	AES256SHA2 EncType = 20 // aes256-cts-hmac-sha384-192, RFC 8009
	RC4HMAC    EncType = 23 // rc4-hmac, RFC 4757; only where it is allowed
)

func (t EncType) String() string {
	switch t {
	case AES128SHA1:
		return "aes128-cts-hmac-sha1-96"
	case AES256SHA1:
		return "aes256-cts-hmac-sha1-96"
	case AES128SHA2:
		return "aes128-cts-hmac-sha256-128"
	case AES256SHA2:
		return "aes256-cts-hmac-sha384-192"
	case RC4HMAC:
		return "rc4-hmac"
	}
	return fmt.Sprintf("encryption type %d", int32(t))
}

// encParams is what an encryption type is made of. Lengths are in bytes.
type encParams struct {
	key      int // the protocol key
	mac      int // the checksum, and what a ciphertext ends with
	macKey   int // Ki and Kc
	checksum int32
	hash     func() hash.Hash
	sha2     bool // RFC 8009: encrypt, then authenticate
}

var (
	paramsAES128SHA1 = encParams{16, 12, 16, 15, sha1.New, false}
	paramsAES256SHA1 = encParams{32, 12, 32, 16, sha1.New, false}
	paramsAES128SHA2 = encParams{16, 16, 16, 19, sha256.New, true}
	paramsAES256SHA2 = encParams{32, 24, 24, 20, sha512.New384, true}
	paramsRC4HMAC    = encParams{16, 16, 16, -138, nil, false}
)

// params is nil for a type that is not known.
func (t EncType) params() *encParams {
	switch t {
	case AES128SHA1:
		return &paramsAES128SHA1
	case AES256SHA1:
		return &paramsAES256SHA1
	case AES128SHA2:
		return &paramsAES128SHA2
	case AES256SHA2:
		return &paramsAES256SHA2
	case RC4HMAC:
		return &paramsRC4HMAC
	}
	return nil
}

// allowed reports whether the type may be used at all.
func (t EncType) allowed(rc4 bool) bool { return t.params() != nil && (rc4 || t != RC4HMAC) }

// EncryptionKey is a key and what it is for (RFC 4120 5.2.9).
type EncryptionKey struct {
	Type  EncType
	Value []byte
}

// valid reports whether the type is known and the length is its own.
func (k EncryptionKey) valid() bool {
	p := k.Type.params()
	return p != nil && len(k.Value) == p.key
}

// newKey makes a random key of the type, which has to be known.
func newKey(t EncType) EncryptionKey {
	k := EncryptionKey{t, make([]byte, t.params().key)}
	rand.Read(k.Value)
	return k
}

// Key usage numbers (RFC 4120 7.5.1, RFC 4121 section 2, MS-PAC 2.8).
const (
	usageASReqTimestamp     = 1
	usageTicket             = 2
	usageASRep              = 3
	usageTGSReqChecksum     = 6
	usageTGSReqAuth         = 7
	usageTGSRep             = 8
	usageAPReqChecksum      = 10
	usageAPReqAuthenticator = 11
	usageAPRep              = 12
	usagePAC                = 17
	usageAcceptorSeal       = 22
	usageAcceptorSign       = 23
	usageInitiatorSeal      = 24
	usageInitiatorSign      = 25
)
