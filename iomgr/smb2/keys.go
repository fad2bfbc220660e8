package smb2

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// KDF is the key derivation of SP 800-108 in counter mode, section 5.1, with HMAC-SHA256 and a 32-bit counter, as MS-SMB2
// 3.1.4.2 wants it. It fills out, of at most 32 bytes, whose length in bits is the L of the derivation.
func KDF(out, key, label, context []byte) {
	if len(out) > sha256.Size {
		panic("smb2: KDF of more than one block")
	}
	var n [4]byte
	h := hmac.New(sha256.New, key)
	binary.BigEndian.PutUint32(n[:], 1)
	h.Write(n[:])
	h.Write(label)
	h.Write([]byte{0})
	h.Write(context)
	binary.BigEndian.PutUint32(n[:], uint32(len(out))*8)
	h.Write(n[:])
	copy(out, h.Sum(nil))
}

// Keys are what is derived from the key of an authenticated session (MS-SMB2 3.2.5.3.1, 3.3.5.5.3).
type Keys struct {
	Signing        [16]byte
	Application    [16]byte // for RPC and others above SMB; in 2.x the session key itself
	ClientToServer []byte   // the client seals with it; nil in 2.x
	ServerToClient []byte   // the server seals with it; nil in 2.x
}

// SessionKey is Session.SessionKey: the first sixteen bytes of the key that the GSS context delivered, with zeros behind
// a shorter one (MS-SMB2 3.3.1.8).
func SessionKey(full []byte) (k [16]byte) {
	copy(k[:], full)
	return k
}

// IsAES256 reports whether the cipher has 256-bit keys.
func (c CipherID) IsAES256() bool { return c == CipherAES256CCM || c == CipherAES256GCM }

// Labels and contexts, each with the NUL that belongs to it.
var (
	label30Signing     = []byte("SMB2AESCMAC\x00")
	label30Cipher      = []byte("SMB2AESCCM\x00")
	label30Application = []byte("SMB2APP\x00")
	context30Signing   = []byte("SmbSign\x00")
	context30C2S       = []byte("ServerIn \x00") // the blank is part of it
	context30S2C       = []byte("ServerOut\x00")
	context30App       = []byte("SmbRpc\x00")

	label311Signing     = []byte("SMBSigningKey\x00")
	label311C2S         = []byte("SMBC2SCipherKey\x00")
	label311S2C         = []byte("SMBS2CCipherKey\x00")
	label311Application = []byte("SMBAppKey\x00")
)

// DeriveKeys derives the keys of a session or, of which only the signing key is then used, of a channel bound to it.
// full is the whole key that the GSS context delivered: an AES-256 cipher takes all of it, everything else its first
// sixteen bytes. preauth is the session's hash before the final SESSION_SETUP response; only 3.1.1 reads it.
func DeriveKeys(d Dialect, cipher CipherID, full []byte, preauth *PreauthHash) Keys {
	var k Keys
	key := SessionKey(full)
	switch d {
	case Dialect300, Dialect302:
		k.ClientToServer, k.ServerToClient = make([]byte, 16), make([]byte, 16)
		KDF(k.Signing[:], key[:], label30Signing, context30Signing)
		KDF(k.Application[:], key[:], label30Application, context30App)
		KDF(k.ClientToServer, key[:], label30Cipher, context30C2S)
		KDF(k.ServerToClient, key[:], label30Cipher, context30S2C)
	case Dialect311:
		n, cipherKey := 16, key[:]
		if cipher.IsAES256() {
			n, cipherKey = 32, full
		}
		k.ClientToServer, k.ServerToClient = make([]byte, n), make([]byte, n)
		KDF(k.Signing[:], key[:], label311Signing, preauth[:])
		KDF(k.Application[:], key[:], label311Application, preauth[:])
		KDF(k.ClientToServer, cipherKey, label311C2S, preauth[:])
		KDF(k.ServerToClient, cipherKey, label311S2C, preauth[:])
	default:
		k.Signing, k.Application = key, key
	}
	return k
}
