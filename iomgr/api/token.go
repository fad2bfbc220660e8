package api

import (
	"encoding/binary"
	"errors"

	"lwio/iomgr/nt"
)

// ErrToken is returned for bytes that are not a token.
var ErrToken = errors.New("not a token")

const (
	tokenVersion   = 1
	tokenAnonymous = 1
	tokenUnixID    = 2
	maxTokenGroups = 4096
	maxTokenName   = 1024
)

// AppendToken appends the form in which a token crosses a pipe's control or the ipc socket, little-endian:
//
//	version u8, flags u8, privileges u64, logon id u64, uid u32, gid u32, user, owner, primary group (each u8 length and a SID),
//	account, domain (each u16 length and UTF-8), count u16 and groups (attributes u32, u8 length, SID), default DACL (u16 length, ACL)
//
// A nil token becomes the anonymous one.
func AppendToken(b []byte, t *nt.Token) []byte {
	if t == nil {
		t = nt.AnonymousToken()
	}
	le := binary.LittleEndian
	var flags byte
	if t.Anonymous {
		flags |= tokenAnonymous
	}
	if t.HasUnixID {
		flags |= tokenUnixID
	}
	b = append(b, tokenVersion, flags)
	b = le.AppendUint64(b, uint64(t.Privileges))
	b = le.AppendUint64(b, uint64(t.LogonID))
	b = le.AppendUint32(b, t.UID)
	b = le.AppendUint32(b, t.GID)
	b = appendSID(b, t.User)
	b = appendSID(b, t.Owner)
	b = appendSID(b, t.PrimaryGroup)
	b = appendText(b, t.Account)
	b = appendText(b, t.Domain)
	groups := t.Groups[:min(len(t.Groups), maxTokenGroups)]
	b = le.AppendUint16(b, uint16(len(groups)))
	for _, g := range groups {
		b = le.AppendUint32(b, uint32(g.Attributes))
		b = appendSID(b, g.SID)
	}
	if t.DefaultDACL == nil {
		return le.AppendUint16(b, 0)
	}
	at := len(b)
	b = le.AppendUint16(b, 0)
	b = t.DefaultDACL.Append(b)
	le.PutUint16(b[at:], uint16(len(b)-at-2))
	return b
}

func appendSID(b []byte, sid nt.SID) []byte {
	at := len(b)
	b = append(b, 0)
	if sid.IsZero() {
		return b
	}
	b = sid.Append(b)
	b[at] = byte(len(b) - at - 1)
	return b
}

func appendText(b []byte, s string) []byte {
	s = s[:min(len(s), maxTokenName)]
	b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// ParseToken reads what AppendToken made.
func ParseToken(b []byte) (*nt.Token, error) {
	d := tokenReader{b: b}
	if d.u8() != tokenVersion {
		return nil, ErrToken
	}
	flags := d.u8()
	t := &nt.Token{Privileges: nt.Privileges(d.u64()), LogonID: nt.LUID(d.u64()), UID: d.u32(), GID: d.u32()}
	t.Anonymous, t.HasUnixID = flags&tokenAnonymous != 0, flags&tokenUnixID != 0
	t.User, t.Owner, t.PrimaryGroup = d.sid(), d.sid(), d.sid()
	t.Account, t.Domain = d.text(), d.text()
	n := int(d.u16())
	if n > maxTokenGroups || n > len(d.b)/5 {
		return nil, ErrToken
	}
	if n > 0 {
		t.Groups = make([]nt.Group, n)
	}
	for i := range t.Groups {
		t.Groups[i].Attributes = nt.GroupAttributes(d.u32())
		t.Groups[i].SID = d.sid()
	}
	if acl := d.take(int(d.u16())); len(acl) > 0 {
		a, err := nt.ParseACL(acl)
		if err != nil {
			return nil, ErrToken
		}
		t.DefaultDACL = a
	}
	if d.bad || len(d.b) != 0 || flags&^(tokenAnonymous|tokenUnixID) != 0 {
		return nil, ErrToken
	}
	return t, nil
}

type tokenReader struct {
	b   []byte
	bad bool
}

var zeros [8]byte

func (d *tokenReader) take(n int) []byte {
	if n > len(d.b) {
		d.bad, d.b = true, nil
		if n <= len(zeros) {
			return zeros[:n]
		}
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *tokenReader) u8() byte    { return d.take(1)[0] }
func (d *tokenReader) u16() uint16 { return binary.LittleEndian.Uint16(d.take(2)) }
func (d *tokenReader) u32() uint32 { return binary.LittleEndian.Uint32(d.take(4)) }
func (d *tokenReader) u64() uint64 { return binary.LittleEndian.Uint64(d.take(8)) }

func (d *tokenReader) sid() nt.SID {
	b := d.take(int(d.u8()))
	if len(b) == 0 || d.bad {
		return nt.SID{}
	}
	sid, n, err := nt.DecodeSID(b)
	if err != nil || n != len(b) {
		d.bad = true
	}
	return sid
}

func (d *tokenReader) text() string {
	b := d.take(int(d.u16()))
	if len(b) > maxTokenName {
		d.bad = true
		return ""
	}
	return string(b)
}
