package krb5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"lwio/iomgr/nt"
)

// ServiceKey is one key of an account, under one of the account's names.
type ServiceKey struct {
	Name  string // "host/server.example", "SERVER$"
	Realm string
	KVNO  uint32
	EncryptionKey
}

// Keys gives the keys with which tickets may be encrypted: all those of the account, under all its names, the old ones too. It is asked at each
// logon, so keys may change while the server runs. Keys that come together with an error are used, and the error is logged.
type Keys interface {
	Keys() ([]ServiceKey, error)
}

// KeyList is Keys that do not change.
type KeyList []ServiceKey

// Keys is the list.
func (l KeyList) Keys() ([]ServiceKey, error) { return l, nil }

var errKeytab = errors.New("malformed keytab")

// binReader reads the big-endian, length-counted values of keytabs and credential caches.
type binReader struct {
	b   []byte
	bad bool
}

func (r *binReader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *binReader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *binReader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *binReader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *binReader) counted16() []byte { return r.take(uint64(r.u16())) }
func (r *binReader) counted32() []byte { return r.take(uint64(r.u32())) }

// ParseKeytab parses a keytab of version 2. Keys of encryption types that are not spoken are left out.
func ParseKeytab(b []byte) ([]ServiceKey, error) {
	if len(b) < 2 || b[0] != 5 || b[1] != 2 {
		return nil, errKeytab
	}
	var keys []ServiceKey
	r := binReader{b: b[2:]}
	for len(r.b) > 0 {
		n := int32(r.u32())
		if r.bad {
			return nil, errKeytab
		}
		if n == 0 {
			break // as other readers do: the rest was never written
		}
		if n < 0 { // a hole
			r.take(uint64(-int64(n)))
			if r.bad {
				return nil, errKeytab
			}
			continue
		}
		e := binReader{b: r.take(uint64(n))}
		if r.bad {
			return nil, errKeytab
		}
		k, err := e.keytabEntry()
		if err != nil {
			return nil, err
		}
		if k.valid() {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

func (r *binReader) keytabEntry() (k ServiceKey, err error) {
	n := r.u16()
	k.Realm = string(r.counted16())
	if n == 0 || n > maxComponents {
		return k, errKeytab
	}
	var names []string
	for range n {
		names = append(names, string(r.counted16()))
	}
	k.Name = strings.Join(names, "/")
	r.u32() // name type
	r.u32() // timestamp
	k.KVNO = uint32(r.u8())
	k.Type = EncType(r.u16())
	k.Value = append([]byte(nil), r.counted16()...)
	if r.bad {
		return k, errKeytab
	}
	if len(r.b) >= 4 {
		if v := r.u32(); v != 0 {
			k.KVNO = v
		}
	}
	return k, nil
}

// AppendKeytab appends a keytab of version 2 with the keys.
func AppendKeytab(b []byte, keys []ServiceKey) []byte {
	be := binary.BigEndian
	counted := func(b []byte, s string) []byte { return append(be.AppendUint16(b, uint16(len(s))), s...) }
	b = append(b, 5, 2)
	for _, k := range keys {
		at := len(b)
		b = be.AppendUint32(b, 0)
		names := strings.Split(k.Name, "/")
		b = be.AppendUint16(b, uint16(len(names)))
		b = counted(b, k.Realm)
		for _, n := range names {
			b = counted(b, n)
		}
		b = be.AppendUint32(b, namePrincipal)
		b = be.AppendUint32(b, 0)
		b = append(b, byte(k.KVNO))
		b = be.AppendUint16(b, uint16(k.Type))
		b = counted(b, string(k.Value))
		b = be.AppendUint32(b, k.KVNO)
		be.PutUint32(b[at:], uint32(len(b)-at-4))
	}
	return b
}

// maxKeytab bounds a file; those of a large server have some tens of kilobytes.
const maxKeytab = 4 << 20

// Keytab is a keytab file. It is read again when it has changed; while it cannot be read the keys that it had are kept.
type Keytab struct {
	path string

	mu   sync.Mutex // guards what follows
	stat os.FileInfo
	keys []ServiceKey
}

// LoadKeytab reads a keytab.
func LoadKeytab(path string) (*Keytab, error) {
	k := &Keytab{path: path}
	if _, err := k.Keys(); err != nil {
		return nil, err
	}
	return k, nil
}

// Path is the file.
func (k *Keytab) Path() string { return k.path }

// Keys is what the file holds now.
func (k *Keytab) Keys() ([]ServiceKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	st, err := os.Stat(k.path)
	if err != nil {
		return k.keys, fmt.Errorf("keytab: %w", err)
	}
	if k.stat != nil && os.SameFile(st, k.stat) && st.ModTime().Equal(k.stat.ModTime()) && st.Size() == k.stat.Size() {
		return k.keys, nil
	}
	if st.Size() > maxKeytab {
		return k.keys, fmt.Errorf("keytab %s: %d bytes is too long", k.path, st.Size())
	}
	b, err := os.ReadFile(k.path)
	if err != nil {
		return k.keys, fmt.Errorf("keytab: %w", err)
	}
	keys, err := ParseKeytab(b)
	if err != nil {
		return k.keys, fmt.Errorf("keytab %s: %w", k.path, err)
	}
	if len(keys) == 0 {
		return k.keys, fmt.Errorf("keytab %s: no keys of a usable encryption type", k.path)
	}
	k.keys = keys
	if time.Since(st.ModTime()) > time.Second {
		k.stat = st
	} else {
		k.stat = nil // too fresh to tell the next change from this one by its time
	}
	return k.keys, nil
}

// KeytabPath is the acceptor's keytab: the explicit one, else that of $KRB5_KTNAME, of krb5.conf's default_keytab_name, or
// /etc/krb5.keytab. The types FILE and WRFILE may stand before the path.
func KeytabPath(explicit string) string {
	name := explicit
	if name == "" {
		name = os.Getenv("KRB5_KTNAME")
	}
	if name == "" {
		if conf, err := LoadConfig(""); err == nil {
			name = conf.LibDefaults.DefaultKeytabName
		}
	}
	if name == "" {
		name = "/etc/krb5.keytab"
	}
	for _, t := range []string{"FILE:", "WRFILE:"} {
		if s, ok := strings.CutPrefix(name, t); ok {
			return s
		}
	}
	return name
}

// Identity is who a server is by its keys.
type Identity struct {
	Realm   string
	Host    string // DNS name, of a host or cifs principal; empty if there is none
	Account string // sAMAccountName, "SERVER$"; empty if there is none
}

// IdentityOf follows from the names of the keys. The realm is the one of most keys.
func IdentityOf(keys []ServiceKey) (id Identity) {
	count := make(map[string]int)
	for _, k := range keys {
		if count[k.Realm]++; count[k.Realm] > count[id.Realm] {
			id.Realm = k.Realm
		}
	}
	for _, k := range keys {
		if k.Realm != id.Realm {
			continue
		}
		service, host, two := strings.Cut(k.Name, "/")
		switch {
		case !two && strings.HasSuffix(k.Name, "$"):
			if id.Account == "" {
				id.Account = nt.Upcase(k.Name)
			}
		case two && strings.Contains(host, ".") && !strings.Contains(host, "/") &&
			(strings.EqualFold(service, "host") || strings.EqualFold(service, "cifs")):
			if id.Host == "" {
				id.Host = strings.ToLower(host)
			}
		}
	}
	return id
}
