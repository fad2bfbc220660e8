package state

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Errors of sealing.
var (
	// ErrSealed says that the file has sealed values and no key was given.
	ErrSealed = errors.New("state: the secrets in the file are sealed, and there is no key")
	// ErrSealKey says that none of the keys is the one that the file is sealed with.
	ErrSealKey = errors.New("state: none of the keys opens the secrets in the file")
	// ErrKeyFile says that a file of keys is none.
	ErrKeyFile = errors.New("state: not a file of keys")
)

const (
	sealKeyLen  = 32 // AES-256
	maxSealKeys = 16
	maxKeyFile  = 4096
)

// SealKeys are the keys that secrets in a state file are sealed with: the first seals, all of them open. They come from a file outside the state. Formatting them shows none.
type SealKeys struct{ list []sealKey }

type sealKey struct {
	id   [4]byte
	aead cipher.AEAD
}

// Format shows how many there are.
func (k SealKeys) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%d keys", len(k.list)) }

func newSealKey(b []byte) sealKey {
	block, err := aes.NewCipher(b)
	if err != nil {
		panic(err) // the length is checked
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(append([]byte("lwio seal key\x00"), b...))
	return sealKey{[4]byte(sum[:4]), aead}
}

// LoadSealKeys reads a file of keys: one in each line, as 64 hexadecimal digits, the one that seals first. Empty lines, and lines that begin with #, do not count. Nobody but the
// owner, who has to be root or this process's user, may have access to it.
func LoadSealKeys(path string) (*SealKeys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("state: keys: %w", err)
	}
	defer f.Close()
	if err := checkKeyFile(f); err != nil {
		return nil, fmt.Errorf("state: keys: %s: %w", path, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("state: keys: %w", err)
	}
	k, err := parseSealKeys(b)
	clear(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

func parseSealKeys(b []byte) (*SealKeys, error) {
	if len(b) > maxKeyFile {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrKeyFile, maxKeyFile)
	}
	k := &SealKeys{}
	n := 0
	for line := range bytes.Lines(b) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		var key [sealKeyLen]byte
		if got, err := hex.Decode(key[:], line[:min(len(line), 2*sealKeyLen)]); err != nil || got != sealKeyLen || len(line) != 2*sealKeyLen {
			return nil, fmt.Errorf("%w: line %d is no key: want %d hexadecimal digits", ErrKeyFile, n, 2*sealKeyLen) // not what it is instead
		}
		if len(k.list) == maxSealKeys {
			return nil, fmt.Errorf("%w: it has more than %d keys", ErrKeyFile, maxSealKeys)
		}
		k.list = append(k.list, newSealKey(key[:]))
	}
	if len(k.list) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrKeyFile)
	}
	return k, nil
}

// AddSealKey makes a new key and puts it before those of a file, which is made where there is none. A daemon that starts next seals everything with the new one.
func AddSealKey(path string) error {
	var have []byte
	switch f, err := os.Open(path); {
	case err == nil:
		defer f.Close()
		if err := checkKeyFile(f); err != nil {
			return fmt.Errorf("state: keys: %s: %w", path, err)
		}
		if have, err = io.ReadAll(io.LimitReader(f, maxKeyFile+1)); err != nil {
			return err
		}
		if _, err := parseSealKeys(have); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	var key [sealKeyLen]byte
	rand.Read(key[:]) // never fails
	text := append([]byte(hex.EncodeToString(key[:])+"\n"), have...)
	if _, err := parseSealKeys(text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// The form of a sealed value: a mark, which no version of a record is, the key's id, the nonce, and what AES-256-GCM makes of the value, with its key in the store as additional data.
var sealMark = []byte{0xFF, 'S'}

const (
	sealNonce    = 12
	sealHead     = 2 + 4 + sealNonce
	sealOverhead = sealHead + 16
)

func isSealed(v []byte) bool { return bytes.HasPrefix(v, sealMark) }

func sealedAs(key string) []byte { return []byte("lwio state\x00" + key) }

// seal seals a value for a key of the store.
func (k *SealKeys) seal(key string, v []byte) []byte {
	first := &k.list[0]
	b := make([]byte, sealHead, sealOverhead+len(v))
	copy(b, sealMark)
	copy(b[2:], first.id[:])
	rand.Read(b[6:sealHead])
	return first.aead.Seal(b, b[6:sealHead], v, sealedAs(key))
}

// open opens a sealed value; stale says that another key than the first did.
func (k *SealKeys) open(key string, b []byte) (v []byte, stale bool, err error) {
	if k == nil {
		return nil, false, ErrSealed
	}
	if len(b) < sealOverhead {
		return nil, false, fmt.Errorf("%w: sealed value of %q", ErrCorrupt, key)
	}
	known := false
	for i := range k.list {
		if !bytes.Equal(b[2:6], k.list[i].id[:]) {
			continue
		}
		known = true
		if v, err := k.list[i].aead.Open(nil, b[6:sealHead], b[sealHead:], sealedAs(key)); err == nil {
			return v, i > 0, nil
		}
	}
	if !known {
		return nil, false, ErrSealKey
	}
	return nil, false, fmt.Errorf("%w: sealed value of %q", ErrCorrupt, key)
}

// isSecret reports whether a key's value is sealed: the machine's account, accounts with their hashes, and secrets of the policy.
func isSecret(key string) bool {
	for _, prefix := range secretPrefixes {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

var secretPrefixes = []string{domainKey, accountPrefix, lsaSecretPrefix}
