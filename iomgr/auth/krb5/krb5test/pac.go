package krb5test

import (
	"encoding/binary"
	"math"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/types"

	"lwio/gen/dtyp"
	"lwio/gen/pac"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// The buffers of a PAC (MS-PAC 2.4).
const (
	pacLogonInfo       = 1
	pacServerSignature = 6
	pacKDCSignature    = 7
	pacClientInfo      = 10
	pacUPNDNSInfo      = 12
)

// groupAttributes are SE_GROUP_MANDATORY, ENABLED_BY_DEFAULT and ENABLED (MS-PAC 2.2.1); resourceAttributes have SE_GROUP_RESOURCE besides.
const (
	groupAttributes    = 7
	resourceAttributes = groupAttributes | 0x20000000
)

type pacBuffer struct {
	typ  uint32
	data []byte
}

// makePAC makes and signs the PAC of a ticket that key encrypts.
func (k *KDC) makePAC(f *Forge, s *ticketSpec, key types.EncryptionKey, authTime time.Time) ([]byte, error) {
	info := k.logonInfo(s.client.user, authTime)
	if f.Logon != nil {
		f.Logon(info)
	}
	logon, err := ndr.AppendTypeSerialization(nil, info)
	if err != nil {
		return nil, err
	}
	kdcKey, err := k.krbtgt.key(k.krbtgt.etypes[0])
	if err != nil {
		return nil, err
	}
	name := s.client.name
	if f.ClientName != "" {
		name = f.ClientName
	}
	buffers := []pacBuffer{{pacLogonInfo, logon}, {pacClientInfo, clientInfo(name, authTime)}, {pacUPNDNSInfo, k.upnInfo(s.client)}}
	if !f.NoServerSignature {
		buffers = append(buffers, pacBuffer{pacServerSignature, emptySignature(key.KeyType)})
	}
	buffers = append(buffers, pacBuffer{pacKDCSignature, emptySignature(kdcKey.KeyType)})
	b, at := layout(buffers)
	// The server signs the whole with both signatures zero, the KDC signs the server's signature (MS-PAC 2.8).
	signature := []byte{}
	if !f.NoServerSignature {
		if signature, err = sign(key, b); err != nil {
			return nil, err
		}
		if f.BadServerSignature {
			signature[0] ^= 0xFF
		}
	}
	sum, err := sign(kdcKey, signature)
	if err != nil {
		return nil, err
	}
	if f.BadKDCSignature {
		sum[0] ^= 0xFF
	}
	if i, ok := at[pacServerSignature]; ok {
		copy(b[i+4:], signature)
	}
	copy(b[at[pacKDCSignature]+4:], sum)
	if f.PAC != nil {
		b = f.PAC(b)
	}
	return b, nil
}

// layout makes PACTYPE (MS-PAC 2.3) and says where each buffer is.
func layout(buffers []pacBuffer) ([]byte, map[uint32]int) {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(buffers)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	off := 8 + 16*len(buffers)
	at := map[uint32]int{}
	for _, x := range buffers {
		b = binary.LittleEndian.AppendUint32(b, x.typ)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(x.data)))
		b = binary.LittleEndian.AppendUint64(b, uint64(off))
		at[x.typ] = off
		off += (len(x.data) + 7) &^ 7
	}
	for _, x := range buffers {
		b = append(b, x.data...)
		b = append(b, make([]byte, -len(b)&7)...)
	}
	return b, at
}

// emptySignature is PAC_SIGNATURE_DATA (MS-PAC 2.8) of the key's checksum, all zero.
func emptySignature(etype int32) []byte {
	e, err := crypto.GetEtype(etype)
	if err != nil {
		panic("krb5test: " + err.Error())
	}
	return append(binary.LittleEndian.AppendUint32(nil, uint32(e.GetHashID())), make([]byte, e.GetHMACBitLength()/8)...)
}

func sign(key types.EncryptionKey, b []byte) ([]byte, error) {
	e, err := crypto.GetEtype(key.KeyType)
	if err != nil {
		return nil, err
	}
	return e.GetChecksumHash(key.KeyValue, b, keyusage.KERB_NON_KERB_CKSUM_SALT)
}

func filetime(t time.Time) dtyp.FILETIME {
	v := uint64(nt.TimeOf(t))
	return dtyp.FILETIME{DwLowDateTime: uint32(v), DwHighDateTime: uint32(v >> 32)}
}

var never = dtyp.FILETIME{DwLowDateTime: math.MaxUint32, DwHighDateTime: math.MaxInt32}

// logonInfo is KERB_VALIDATION_INFO as a domain controller fills it (MS-KILE 3.3.5.6.3.1).
func (k *KDC) logonInfo(u *User, authTime time.Time) *pac.KERB_VALIDATION_INFO {
	primary := u.PrimaryGroup
	if primary == 0 {
		primary = 513
	}
	text := dtyp.NewRPC_UNICODE_STRING
	x := &pac.KERB_VALIDATION_INFO{
		LogonTime: filetime(authTime), LogoffTime: never, KickOffTime: never, PasswordLastSet: filetime(authTime.Add(-24 * time.Hour)), PasswordMustChange: never,
		EffectiveName: text(u.Name), FullName: text(u.FullName), LogonScript: text(""), ProfilePath: text(""), HomeDirectory: text(""), HomeDirectoryDrive: text(""),
		LogonCount: 1, UserId: u.RID, PrimaryGroupId: primary, LogonServer: text(k.cfg.Server), LogonDomainName: text(k.cfg.Domain),
		LogonDomainId: dtyp.NewRPC_SID(k.cfg.SID), UserAccountControl: 0x10,
	}
	if strings.HasSuffix(u.Name, "$") {
		x.UserAccountControl = 0x80
	}
	for _, rid := range append([]uint32{primary}, u.Groups...) {
		x.GroupIds = append(x.GroupIds, pac.GROUP_MEMBERSHIP{RelativeId: rid, Attributes: groupAttributes})
	}
	x.GroupCount = uint32(len(x.GroupIds))
	for _, sid := range u.ExtraSIDs {
		x.ExtraSids = append(x.ExtraSids, pac.KERB_SID_AND_ATTRIBUTES{Sid: dtyp.NewRPC_SID(sid), Attributes: groupAttributes})
	}
	if x.SidCount = uint32(len(x.ExtraSids)); x.SidCount > 0 {
		x.UserFlags |= pac.LOGON_EXTRA_SIDS
	}
	for _, rid := range u.ResourceGroups {
		x.ResourceGroupIds = append(x.ResourceGroupIds, pac.GROUP_MEMBERSHIP{RelativeId: rid, Attributes: resourceAttributes})
	}
	if x.ResourceGroupCount = uint32(len(x.ResourceGroupIds)); x.ResourceGroupCount > 0 {
		x.UserFlags |= pac.LOGON_RESOURCE_GROUPS
		domain := u.ResourceDomain
		if domain.IsZero() {
			domain = k.cfg.SID
		}
		x.ResourceGroupDomainSid = dtyp.NewRPC_SID(domain)
	}
	return x
}

// clientInfo is PAC_CLIENT_INFO (MS-PAC 2.7).
func clientInfo(name string, authTime time.Time) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(nt.TimeOf(authTime)))
	b = binary.LittleEndian.AppendUint16(b, uint16(2*nt.UTF16Len(name)))
	return nt.AppendUTF16(b, name)
}

// upnInfo is UPN_DNS_INFO with the account name and the SID (MS-PAC 2.10).
func (k *KDC) upnInfo(p *principal) []byte {
	const head = 24
	realm := strings.ToLower(k.cfg.Realm)
	values := [][]byte{nt.AppendUTF16(nil, p.name+"@"+realm), nt.AppendUTF16(nil, k.cfg.Realm), nt.AppendUTF16(nil, p.name), k.cfg.SID.Child(p.user.RID).Append(nil)}
	var fields, data []byte
	for i, v := range values {
		data = append(data, make([]byte, -len(data)&7)...)
		fields = binary.LittleEndian.AppendUint16(fields, uint16(len(v)))
		fields = binary.LittleEndian.AppendUint16(fields, uint16(head+len(data)))
		data = append(data, v...)
		if i == 1 {
			fields = binary.LittleEndian.AppendUint32(fields, 2) // the fields after it are there
		}
	}
	return append(append(fields, make([]byte, head-len(fields))...), data...)
}
