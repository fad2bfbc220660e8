package krb5

import (
	"fmt"

	"lwio/iomgr/nt"
)

// The mechanism's names, as the content of their DER encodings. Windows mistyped the first once and still offers both.
const (
	oidKerberos   = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" // 1.2.840.113554.1.2.2
	oidMSKerberos = "\x2a\x86\x48\x82\xf7\x12\x01\x02\x02" // 1.2.840.48018.1.2.2
)

// Token ids of context tokens (RFC 4121 4.1).
const (
	tokenAPReq = 0x0100
	tokenAPRep = 0x0200
	tokenError = 0x0300
)

// maxToken bounds a token. Tickets of users in a thousand groups have some 50 KiB.
const maxToken = 128 << 10

// appendFrame puts a message into the GSS-API frame (RFC 2743 3.1).
func appendFrame(id uint16, msg []byte) []byte {
	return tlv(tagApplication, tlv(tagOID, []byte(oidKerberos)), []byte{byte(id >> 8), byte(id)}, msg)
}

// parseToken takes a message out of its frame, or as it is: in DCE style there is none. id is zero then.
func parseToken(b []byte) (id uint16, msg []byte, err error) {
	if len(b) == 0 || len(b) > maxToken {
		return 0, nil, errDER
	}
	if b[0] != tagApplication {
		return 0, b, nil
	}
	r := parseDER(b, tagApplication)
	oid := string(r.body(tagOID))
	if r.err() != nil || oid != oidKerberos && oid != oidMSKerberos || len(r.b) < 2 {
		return 0, nil, errDER
	}
	return uint16(r.b[0])<<8 | uint16(r.b[1]), r.b[2:], nil
}

func refuse(what string, s nt.Status) error { return fmt.Errorf("krb5: %s: %w", what, s) }
