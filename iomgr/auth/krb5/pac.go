package krb5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"lwio/gen/dtyp"
	"lwio/gen/pac"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// Types of PAC buffers (MS-PAC 2.4).
const (
	pacLogonInfo      = 1
	pacServerChecksum = 6
	pacKDCChecksum    = 7
	pacClientInfo     = 10
	pacUPNDNSInfo     = 12
	pacRequestor      = 18
)

// maxPACBuffers bounds the directory of a PAC; there are 20 types.
const maxPACBuffers = 64

var errPAC = errors.New("malformed PAC")

// pacFile is a PACTYPE (MS-PAC 2.3): where each buffer lies.
type pacFile struct {
	b       []byte
	buffers map[uint32][2]int // begin and end, by type
}

// parsePAC checks the directory. A type comes once, and buffers lie inside.
func parsePAC(b []byte) (*pacFile, error) {
	le := binary.LittleEndian
	if len(b) < 8 || le.Uint32(b[4:]) != 0 {
		return nil, errPAC
	}
	n := le.Uint32(b)
	if n == 0 || n > maxPACBuffers || 8+16*int(n) > len(b) {
		return nil, errPAC
	}
	p := &pacFile{b: b, buffers: make(map[uint32][2]int, n)}
	head := uint64(8 + 16*n)
	for i := range int(n) {
		e := b[8+16*i:]
		kind, size, off := le.Uint32(e), uint64(le.Uint32(e[4:])), le.Uint64(e[8:])
		if off < head || off > uint64(len(b)) || size > uint64(len(b))-off || off%8 != 0 {
			return nil, errPAC
		}
		if _, twice := p.buffers[kind]; twice {
			return nil, errPAC
		}
		p.buffers[kind] = [2]int{int(off), int(off + size)}
	}
	return p, nil
}

func (p *pacFile) buffer(kind uint32) []byte {
	at, ok := p.buffers[kind]
	if !ok {
		return nil
	}
	return p.b[at[0]:at[1]:at[1]]
}

// signatureLen is the length of a PAC_SIGNATURE_DATA's signature; 0 for a type that is not known (MS-PAC 2.8).
func signatureLen(kind int32) int {
	switch kind {
	case paramsAES128SHA1.checksum, paramsAES256SHA1.checksum:
		return 12
	case paramsAES128SHA2.checksum, paramsRC4HMAC.checksum:
		return 16
	case paramsAES256SHA2.checksum:
		return 24
	}
	return 0
}

// verify checks the server's signature with the key that the ticket was encrypted with (MS-PAC 2.8.1). The KDC's is not ours to check, but has
// to be there.
func (p *pacFile) verify(key EncryptionKey) error {
	signed := append([]byte(nil), p.b...)
	var got []byte
	for _, kind := range []uint32{pacServerChecksum, pacKDCChecksum} {
		at, ok := p.buffers[kind]
		if !ok || at[1]-at[0] < 4 {
			return errors.New("PAC is not signed")
		}
		sum := p.b[at[0]:at[1]]
		typ := int32(binary.LittleEndian.Uint32(sum))
		n := signatureLen(typ)
		if n == 0 || len(sum) < 4+n {
			return errors.New("PAC is signed in no known way")
		}
		clear(signed[at[0]+4 : at[0]+4+n])
		if kind == pacServerChecksum {
			if typ != key.Type.params().checksum {
				return errors.New("PAC is signed by another type of key")
			}
			got = sum[4 : 4+n]
		}
	}
	if !key.verifyChecksum(usagePAC, signed, got) {
		return errors.New("PAC has a wrong signature")
	}
	return nil
}

// checkClient compares PAC_CLIENT_INFO with the ticket that the PAC came in (MS-PAC 2.7).
func (p *pacFile) checkClient(t *ticketPart) error {
	b := p.buffer(pacClientInfo)
	if len(b) < 10 {
		return errPAC
	}
	n := int(binary.LittleEndian.Uint16(b[8:]))
	if n > len(b)-10 || n%2 != 0 {
		return errPAC
	}
	if nt.Time(binary.LittleEndian.Uint64(b)) != nt.TimeOf(t.authTime) {
		return errors.New("PAC of another logon")
	}
	name := nt.DecodeUTF16(b[10 : 10+n])
	// A KDC writes the client's name with or without the realm.
	full := t.cname.String() + "@" + t.crealm
	if !strings.EqualFold(name, t.cname.String()) && !strings.EqualFold(name, full) {
		return errors.New("PAC of another client")
	}
	return nil
}

// upnInfo is UPN_DNS_INFO (MS-PAC 2.10).
type upnInfo struct {
	upn, dnsDomain string
	account        string // in the extended form
	user           nt.SID
}

const (
	upnExtended   = 2 // flag S
	upnHeader     = 12
	upnHeaderLong = 20
)

func parseUPNInfo(b []byte) (u upnInfo, err error) {
	if len(b) < upnHeader {
		return u, errPAC
	}
	le := binary.LittleEndian
	at := func(i int) []byte {
		n, off := int(le.Uint16(b[i:])), int(le.Uint16(b[i+2:]))
		if n > 0 && off+n > len(b) || n%2 != 0 {
			err = errPAC
			return nil
		}
		if n == 0 {
			return nil
		}
		return b[off : off+n]
	}
	u.upn, u.dnsDomain = nt.DecodeUTF16(at(0)), nt.DecodeUTF16(at(4))
	if err == nil && le.Uint32(b[8:])&upnExtended != 0 {
		if len(b) < upnHeaderLong {
			return u, errPAC
		}
		u.account = nt.DecodeUTF16(at(12))
		if sid := at(16); err == nil && sid != nil {
			if u.user, _, err = nt.DecodeSID(sid); err != nil {
				err = errPAC
			}
		}
	}
	return u, err
}

// principalOf makes the principal of a signed PAC: who the domain says the client is (MS-PAC 2.5, MS-KILE 3.4.5.3).
func (p *pacFile) principal() (*auth.Principal, error) {
	raw := p.buffer(pacLogonInfo)
	if raw == nil {
		return nil, errors.New("PAC without logon information")
	}
	var info pac.KERB_VALIDATION_INFO
	if err := ndr.ParseTypeSerialization(raw, &info); err != nil {
		return nil, fmt.Errorf("PAC: %w", err)
	}
	domain, err := info.LogonDomainId.SID()
	if err != nil || domain.IsZero() || domain.SubAuthorityCount() >= maxSubAuthorities {
		return nil, errPAC
	}
	out := &auth.Principal{
		Account:      info.EffectiveName.String(),
		Domain:       info.LogonDomainName.String(),
		DomainSID:    domain,
		User:         domain.Child(info.UserId),
		PrimaryGroup: domain.Child(info.PrimaryGroupId),
		LogonTime:    timeOf(info.LogonTime),
	}
	seen := make(map[nt.SID]bool, len(info.GroupIds)+len(info.ExtraSids)+len(info.ResourceGroupIds))
	add := func(sid nt.SID, attributes uint32) {
		if !seen[sid] {
			seen[sid] = true
			out.Groups = append(out.Groups, nt.Group{SID: sid, Attributes: nt.GroupAttributes(attributes)})
		}
	}
	for _, g := range info.GroupIds {
		add(domain.Child(g.RelativeId), g.Attributes)
	}
	if info.UserFlags&pac.LOGON_EXTRA_SIDS != 0 {
		for i, g := range info.ExtraSids {
			sid, err := g.Sid.SID()
			if err != nil || sid.IsZero() {
				return nil, errPAC
			}
			if i == 0 && info.UserId == 0 {
				out.User = sid // a user of no domain of RIDs
				continue
			}
			add(sid, g.Attributes)
		}
	}
	if info.UserFlags&pac.LOGON_RESOURCE_GROUPS != 0 && len(info.ResourceGroupIds) > 0 {
		resource, err := info.ResourceGroupDomainSid.SID()
		if err != nil || resource.IsZero() || resource.SubAuthorityCount() >= maxSubAuthorities {
			return nil, errPAC
		}
		for _, g := range info.ResourceGroupIds {
			add(resource.Child(g.RelativeId), g.Attributes)
		}
	}
	return out, p.checkUser(out.User)
}

const maxSubAuthorities = 15

func timeOf(f dtyp.FILETIME) nt.Time {
	return nt.Time(uint64(f.DwHighDateTime)<<32 | uint64(f.DwLowDateTime))
}

// checkUser compares the other places that name the client's SID.
func (p *pacFile) checkUser(user nt.SID) error {
	if b := p.buffer(pacUPNDNSInfo); b != nil {
		u, err := parseUPNInfo(b)
		if err != nil {
			return err
		}
		if !u.user.IsZero() && u.user != user {
			return errors.New("PAC names two users")
		}
	}
	if b := p.buffer(pacRequestor); b != nil {
		sid, _, err := nt.DecodeSID(b)
		if err != nil {
			return errPAC
		}
		if sid != user {
			return errors.New("PAC names two users")
		}
	}
	return nil
}

// readPAC verifies the PAC of a ticket and makes the principal of it. Without a PAC both results are nil.
func readPAC(t *ticketPart, key EncryptionKey) (*auth.Principal, error) {
	b, err := findAuthData(t.authData, adWin2KPAC)
	if err != nil || b == nil {
		return nil, err
	}
	p, err := parsePAC(b)
	if err != nil {
		return nil, err
	}
	if err := p.verify(key); err != nil {
		return nil, err
	}
	if err := p.checkClient(t); err != nil {
		return nil, err
	}
	return p.principal()
}
