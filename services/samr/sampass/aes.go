package sampass

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"

	"lwio/iomgr/nt"
)

// Labels of the keys of AEAD-AES-256-CBC-HMAC-SHA512 (MS-SAMR 3.2.2.4), with the terminators that belong to them.
const (
	labelEncryption = "Microsoft SAM encryption key AEAD-AES-256-CBC-HMAC-SHA512 16\x00"
	labelMAC        = "Microsoft SAM MAC key AEAD-AES-256-CBC-HMAC-SHA512 16\x00"
	algorithm       = 1 // version of the algorithm, which is authenticated

	plainSize  = 2 + textSize
	cipherSize = plainSize + aes.BlockSize - plainSize%aes.BlockSize
)

// Iterations of the derivation of a key from a password that servers take (MS-SAMR 3.1.5.10.4).
const (
	MinIterations = 5000
	MaxIterations = 1000000
)

// AES is a password as SAMPR_ENCRYPTED_PASSWORD_AES carries it.
type AES struct {
	AuthData [64]byte
	Salt     [16]byte
	Cipher   []byte
}

func derive(key []byte, label string) []byte {
	m := hmac.New(sha512.New, key)
	m.Write([]byte(label))
	return m.Sum(nil)
}

func authenticate(key, iv, ciphertext []byte) []byte {
	m := hmac.New(sha512.New, derive(key, labelMAC))
	m.Write([]byte{algorithm})
	m.Write(iv)
	m.Write(ciphertext)
	m.Write([]byte{1}) // the length of the version
	return m.Sum(nil)
}

// SealAES encrypts a password with a session key, or with the key of a change.
func SealAES(password string, key []byte) (*AES, bool) {
	text := nt.AppendUTF16(nil, password)
	if len(text) > textSize {
		return nil, false
	}
	x := &AES{Cipher: make([]byte, cipherSize)}
	rand.Read(x.Salt[:]) // never fails
	rand.Read(x.Cipher[:plainSize])
	return x, x.seal(text, key)
}

// seal encrypts text into what is there, under the salt that is there.
func (x *AES) seal(text, key []byte) bool {
	binary.LittleEndian.PutUint16(x.Cipher, uint16(len(text)))
	copy(x.Cipher[2:], text)
	for i := plainSize; i < cipherSize; i++ {
		x.Cipher[i] = cipherSize - plainSize
	}
	c, err := aes.NewCipher(derive(key, labelEncryption)[:32])
	if err != nil {
		return false
	}
	cipher.NewCBCEncrypter(c, x.Salt[:]).CryptBlocks(x.Cipher, x.Cipher)
	copy(x.AuthData[:], authenticate(key, x.Salt[:], x.Cipher))
	return true
}

// OpenAES is the reverse of SealAES. What was sealed with another key, or changed, does not open.
func OpenAES(authData *[64]byte, salt *[16]byte, ciphertext, key []byte) (string, bool) {
	if len(ciphertext) != cipherSize || !hmac.Equal(authData[:], authenticate(key, salt[:], ciphertext)) {
		return "", false
	}
	c, err := aes.NewCipher(derive(key, labelEncryption)[:32])
	if err != nil {
		return "", false
	}
	plain := make([]byte, cipherSize)
	cipher.NewCBCDecrypter(c, salt[:]).CryptBlocks(plain, ciphertext)
	for _, b := range plain[plainSize:] {
		if b != cipherSize-plainSize {
			return "", false
		}
	}
	n := int(binary.LittleEndian.Uint16(plain))
	if n > textSize || n%2 != 0 {
		return "", false
	}
	return nt.DecodeUTF16(plain[2 : 2+n]), true
}

// ChangeKey is the key of SamrUnicodeChangePasswordUser4: it is made of the NT hash of the old password. It takes a while, on purpose.
func ChangeKey(old [16]byte, salt *[16]byte, iterations uint64) ([]byte, bool) {
	if iterations < MinIterations || iterations > MaxIterations {
		return nil, false
	}
	key, err := pbkdf2.Key(sha512.New, string(old[:]), salt[:], int(iterations), 16)
	return key, err == nil
}

// SealChange encrypts a new password for SamrUnicodeChangePasswordUser4.
func SealChange(password string, old [16]byte, iterations uint64) (*AES, bool) {
	x := &AES{Cipher: make([]byte, cipherSize)}
	rand.Read(x.Salt[:])
	rand.Read(x.Cipher[:plainSize])
	text := nt.AppendUTF16(nil, password)
	key, ok := ChangeKey(old, &x.Salt, iterations)
	if !ok || len(text) > textSize {
		return nil, false
	}
	return x, x.seal(text, key)
}
