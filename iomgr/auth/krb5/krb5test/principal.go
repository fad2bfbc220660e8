package krb5test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/types"
)

// principal is an account with keys. Keys of passwords are slow to make: each is made when it is first needed.
type principal struct {
	name     string // sAMAccountName, or krbtgt/REALM
	salt     string
	password string
	kvno     int
	etypes   []int32
	spns     []string
	user     *User // nil for services

	mu   sync.Mutex
	keys map[int32][]byte // guarded by mu
}

// key returns the key of the encryption type, which has to be one of the account's.
func (p *principal) key(etype int32) (types.EncryptionKey, error) {
	if !slices.Contains(p.etypes, etype) {
		return types.EncryptionKey{}, fmt.Errorf("%s has no key of type %d", p.name, etype)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if k, ok := p.keys[etype]; ok {
		return types.EncryptionKey{KeyType: etype, KeyValue: k}, nil
	}
	e, err := crypto.GetEtype(etype)
	if err != nil {
		return types.EncryptionKey{}, err
	}
	k, err := e.StringToKey(p.password, p.salt, e.GetDefaultStringToKeyParams())
	if err != nil {
		return types.EncryptionKey{}, err
	}
	if p.keys == nil {
		p.keys = map[int32][]byte{}
	}
	p.keys[etype] = k
	return types.EncryptionKey{KeyType: etype, KeyValue: k}, nil
}

// best is the first of the account's encryption types that is wanted; none if wanted has none of them.
func (p *principal) best(wanted []int32) (int32, bool) {
	for _, e := range p.etypes {
		if slices.Contains(wanted, e) {
			return e, true
		}
	}
	return 0, false
}

// newKey makes a session key. The library's own size for type 20 is that of an integrity key (RFC 8009 5), 24 octets instead of 32.
func newKey(etype int32) (types.EncryptionKey, error) {
	e, err := crypto.GetEtype(etype)
	if err != nil {
		return types.EncryptionKey{}, err
	}
	n := e.GetKeyByteSize()
	if etype == AES256SHA384 {
		n = 32
	}
	k := types.EncryptionKey{KeyType: etype, KeyValue: make([]byte, n)}
	rand.Read(k.KeyValue)
	return k, nil
}

// minCipher is how short a ciphertext can be: a confounder and a checksum. The library slices shorter ones without looking.
func minCipher(etype int32) int {
	e, err := crypto.GetEtype(etype)
	if err != nil {
		return 0
	}
	return e.GetConfounderByteSize() + e.GetHMACBitLength()/8
}

// decrypt opens what a client sent.
func decrypt(ed types.EncryptedData, key types.EncryptionKey, usage uint32) ([]byte, error) {
	if ed.EType != key.KeyType {
		return nil, fmt.Errorf("encrypted by type %d with a key of type %d", ed.EType, key.KeyType)
	}
	if len(ed.Cipher) < minCipher(ed.EType) {
		return nil, fmt.Errorf("%d octets of ciphertext", len(ed.Cipher))
	}
	return crypto.DecryptEncPart(ed, key, usage)
}

// build makes the accounts of the configuration and the KDC's own.
func (k *KDC) build() {
	k.krbtgt = &principal{name: "krbtgt/" + k.cfg.Realm, salt: k.cfg.Realm + "krbtgt" + k.cfg.Realm, password: rand.Text(), kvno: 1, etypes: k.cfg.ETypes}
	k.accounts = map[string]*principal{strings.ToLower(k.krbtgt.name): k.krbtgt}
	types := func(own []int32) []int32 {
		if len(own) > 0 {
			return own
		}
		return k.cfg.ETypes
	}
	for i := range k.cfg.Users {
		u := &k.cfg.Users[i]
		k.accounts[strings.ToLower(u.Name)] = &principal{name: u.Name, salt: k.cfg.Realm + u.Name, password: u.Password, kvno: 1, etypes: types(u.ETypes), user: u}
	}
	for i := range k.cfg.Services {
		s := &k.cfg.Services[i]
		p := &principal{name: s.Account, salt: k.cfg.Realm + s.Account, password: s.Password, kvno: max(s.KVNO, 1), etypes: types(s.ETypes), spns: s.SPNs}
		if s.KVNO == 0 {
			p.kvno = 2
		}
		p.user = &User{Name: s.Account, Password: s.Password, RID: s.RID, PrimaryGroup: 515}
		if host, ok := strings.CutSuffix(s.Account, "$"); ok { // the salt of computers (MS-KILE 3.1.1.2)
			p.salt = k.cfg.Realm + "host" + strings.ToLower(host+"."+k.cfg.Realm)
		}
		for _, name := range append([]string{s.Account}, s.SPNs...) {
			k.accounts[strings.ToLower(name)] = p
		}
	}
}

// find looks an account up by any of its names; an enterprise name (RFC 6806 5) may carry the realm.
func (k *KDC) find(n types.PrincipalName) *principal {
	name := strings.ToLower(n.PrincipalNameString())
	if p := k.accounts[name]; p != nil {
		return p
	}
	name, _ = strings.CutSuffix(name, "@"+strings.ToLower(k.cfg.Realm))
	return k.accounts[name]
}
