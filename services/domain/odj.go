package domain

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"lwio/gen/dtyp"
	"lwio/gen/odj"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
	"lwio/services/state"
)

// Limits of the data of an offline join. Real ones are of some kilobytes.
const (
	maxProvision  = 256 << 10
	maxNameLength = 1024
)

// Types of parts of a package.
var (
	partJoin     = nt.MustGUID("631c7621-5289-4321-bc9e-80f843f868c3")
	partJoinInfo = nt.MustGUID("fc0ccf25-7ffa-474a-8611-69ffe269645f") // OP_JOINPROV3_PART
)

var errProvision = fmt.Errorf("this is no data of an offline join: %w", nt.StatusInvalidParameter)

// ParseProvision reads the data of an offline join as files have it: Base64, in UTF-16 with a mark or as plain text, of an ODJ_PROVISION_DATA. The account has no version of its key
// and no salt, which the KDC tells when it is first asked.
func ParseProvision(b []byte) (*state.MachineAccount, error) {
	if len(b) > 4*maxProvision {
		return nil, errProvision
	}
	text := string(b)
	if len(b) >= 2 && b[0] == 0xFF && b[1] == 0xFE {
		text = nt.DecodeUTF16(b[2:])
	}
	text = strings.Map(func(r rune) rune {
		if r == 0 || r == '\r' || r == '\n' || r == ' ' {
			return -1
		}
		return r
	}, text)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) > maxProvision {
		return nil, errProvision
	}
	return parseProvisionData(raw)
}

func parseProvisionData(raw []byte) (*state.MachineAccount, error) {
	var data odj.ODJ_PROVISION_DATA
	if err := ndr.ParseTypeSerialization(raw, &data); err != nil || data.UlVersion != 1 {
		return nil, errProvision
	}
	var win7 *odj.ODJ_WIN7BLOB
	var info *odj.OP_JOINPROV3_PART
	for i := range data.PBlobs {
		switch b := &data.PBlobs[i]; b.UlODJFormat {
		case odj.ODJ_WIN7_FORMAT:
			w, err := parseWin7(b.PBlob)
			if err != nil {
				return nil, err
			}
			if win7 == nil {
				win7 = w
			}
		case odj.ODJ_WIN8_FORMAT:
			w, p, err := parsePackage(b.PBlob)
			if err != nil {
				return nil, err
			}
			if w != nil {
				win7 = w
			}
			info = cmp.Or(info, p)
		}
	}
	if win7 == nil {
		return nil, errProvision
	}
	return provisioned(win7, info)
}

func parseWin7(b []byte) (*odj.ODJ_WIN7BLOB, error) {
	var w odj.ODJ_WIN7BLOB
	if err := ndr.ParseTypeSerialization(b, &w); err != nil {
		return nil, errProvision
	}
	return &w, nil
}

// parsePackage takes what is known out of a package. A part that is not known, and is essential, is an error.
func parsePackage(b []byte) (win7 *odj.ODJ_WIN7BLOB, info *odj.OP_JOINPROV3_PART, err error) {
	var p odj.OP_PACKAGE
	if err := ndr.ParseTypeSerialization(b, &p); err != nil {
		return nil, nil, errProvision
	}
	if p.EncryptionType != (nt.GUID{}) {
		return nil, nil, fmt.Errorf("the data of the offline join are encrypted: %w", nt.StatusNotSupported)
	}
	var list odj.OP_PACKAGE_PART_COLLECTION
	if err := ndr.ParseTypeSerialization(p.WrappedPartCollection.PBlob, &list); err != nil {
		return nil, nil, errProvision
	}
	for i := range list.PParts {
		switch part := &list.PParts[i]; {
		case part.PartType == partJoin:
			if win7, err = parseWin7(part.Part.PBlob); err != nil {
				return nil, nil, err
			}
		case part.PartType == partJoinInfo:
			info = &odj.OP_JOINPROV3_PART{}
			if err := ndr.ParseTypeSerialization(part.Part.PBlob, info); err != nil {
				return nil, nil, errProvision
			}
		case part.UlFlags&odj.OPSPI_PACKAGE_PART_ESSENTIAL != 0:
			return nil, nil, fmt.Errorf("the data of the offline join have a part %v that has to be understood, and is not: %w", part.PartType, nt.StatusNotSupported)
		}
	}
	return win7, info, nil
}

// provisioned makes the account of what the data say.
func provisioned(w *odj.ODJ_WIN7BLOB, info *odj.OP_JOINPROV3_PART) (*state.MachineAccount, error) {
	d := &w.DnsDomainInfo
	dns := cmp.Or(d.DnsDomainName.String(), ndr.Text(w.LpDomain))
	computer := nt.Upcase(ndr.Text(w.LpMachineName))
	password := ndr.Text(w.LpMachinePassword)
	for _, s := range []string{dns, computer, password, d.Name.String(), d.DnsForestName.String(), ndr.Text(w.DcInfo.DomainControllerName), ndr.Text(w.DcInfo.ClientSiteName)} {
		if len(s) > maxNameLength || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return nil, errProvision
		}
	}
	if !strings.Contains(dns, ".") || computer != state.NetBIOSName(computer) || password == "" || d.Name.String() == "" || d.Sid == nil {
		return nil, errProvision
	}
	sid, err := d.Sid.SID()
	if err != nil || sid.SubAuthorityCount() != 4 {
		return nil, errProvision
	}
	acct := &state.MachineAccount{Realm: strings.ToUpper(dns), DNSDomain: strings.ToLower(dns), Forest: strings.ToLower(d.DnsForestName.String()), Domain: d.Name.String(), DomainSID: sid, DomainGUID: d.DomainGuid,
		Name: computer + "$", Site: ndr.Text(w.DcInfo.ClientSiteName), Controller: strings.ToLower(strings.TrimLeft(ndr.Text(w.DcInfo.DomainControllerName), `\`))}
	if info != nil {
		acct.RID = info.Rid
	}
	acct.Password = state.MachinePassword{Value: password, Salt: saltOf(acct.Realm, acct.Name)}
	return acct, nil
}

// Flags and options of a blob that other writers set too.
const (
	provisionOptions = 6
	addressInet      = 1 // DS_INET_ADDRESS
)

// FormatProvision writes the data as djoin does: Base64 in UTF-16 with a mark. address is the controller's.
func FormatProvision(acct *state.MachineAccount, address string, flags uint32) ([]byte, error) {
	raw, err := appendProvision(nil, acct, address, flags)
	if err != nil {
		return nil, err
	}
	return nt.AppendUTF16([]byte{0xFF, 0xFE}, base64.StdEncoding.EncodeToString(raw)), nil
}

func appendProvision(b []byte, acct *state.MachineAccount, address string, flags uint32) ([]byte, error) {
	var failed error
	pack := func(x interface{ MarshalNDR(*ndr.Encoder) }) []byte {
		b, err := ndr.AppendTypeSerialization(nil, x)
		failed = errors.Join(failed, err)
		return b
	}
	blob := func(x interface{ MarshalNDR(*ndr.Encoder) }) odj.OP_BLOB {
		b := pack(x)
		return odj.OP_BLOB{CbBlob: uint32(len(b)), PBlob: b}
	}
	text := func(s string) *string { return &s }
	win7 := &odj.ODJ_WIN7BLOB{LpDomain: text(acct.DNSDomain), LpMachineName: text(shortName(acct.Name)), LpMachinePassword: text(acct.Password.Value),
		DnsDomainInfo: odj.ODJ_POLICY_DNS_DOMAIN_INFO{Name: dtyp.NewRPC_UNICODE_STRING(acct.Domain), DnsDomainName: dtyp.NewRPC_UNICODE_STRING(acct.DNSDomain),
			DnsForestName: dtyp.NewRPC_UNICODE_STRING(acct.Forest), DomainGuid: acct.DomainGUID, Sid: dtyp.NewRPC_SID(acct.DomainSID)},
		DcInfo: odj.ODJ_DOMAIN_CONTROLLER_INFO{DomainControllerName: text(`\\` + acct.Controller), DomainControllerAddress: text(`\\` + address), DomainControllerAddressType: addressInet,
			DomainGuid: acct.DomainGUID, DomainName: text(acct.DNSDomain), DnsForestName: text(acct.Forest), Flags: flags, DcSiteName: text(acct.Site), ClientSiteName: text(acct.Site)},
		Options: provisionOptions}
	list := &odj.OP_PACKAGE_PART_COLLECTION{PParts: []odj.OP_PACKAGE_PART{
		{PartType: partJoin, UlFlags: odj.OPSPI_PACKAGE_PART_ESSENTIAL, Part: blob(win7)},
		{PartType: partJoinInfo, Part: blob(&odj.OP_JOINPROV3_PART{Rid: acct.RID, LpSid: text(acct.DomainSID.Child(acct.RID).String())})},
	}}
	list.CParts = uint32(len(list.PParts))
	one, two := pack(win7), pack(&odj.OP_PACKAGE{WrappedPartCollection: blob(list)})
	data := &odj.ODJ_PROVISION_DATA{UlVersion: 1, UlcBlobs: 2, PBlobs: []odj.ODJ_BLOB{{UlODJFormat: odj.ODJ_WIN7_FORMAT, CbBlob: uint32(len(one)), PBlob: one},
		{UlODJFormat: odj.ODJ_WIN8_FORMAT, CbBlob: uint32(len(two)), PBlob: two}}}
	b = slices.Concat(b, pack(data))
	return b, failed
}
