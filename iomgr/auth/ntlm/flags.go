package ntlm

// Flags are the NEGOTIATE flags of all three messages (MS-NLMP 2.2.2.5).
type Flags uint32

// The flags of MS-NLMP 2.2.2.5, named as there without the NTLMSSP_ prefix.
const (
	NegotiateUnicode                 Flags = 0x00000001
	NegotiateOEM                     Flags = 0x00000002
	RequestTarget                    Flags = 0x00000004
	NegotiateSign                    Flags = 0x00000010
	NegotiateSeal                    Flags = 0x00000020
	NegotiateDatagram                Flags = 0x00000040
	NegotiateLMKey                   Flags = 0x00000080
	NegotiateNTLM                    Flags = 0x00000200
	NegotiateAnonymous               Flags = 0x00000800
	NegotiateOEMDomainSupplied       Flags = 0x00001000
	NegotiateOEMWorkstationSupplied  Flags = 0x00002000
	NegotiateAlwaysSign              Flags = 0x00008000
	TargetTypeDomain                 Flags = 0x00010000
	TargetTypeServer                 Flags = 0x00020000
	NegotiateExtendedSessionSecurity Flags = 0x00080000
	NegotiateIdentify                Flags = 0x00100000
	RequestNonNTSessionKey           Flags = 0x00400000
	NegotiateTargetInfo              Flags = 0x00800000
	NegotiateVersion                 Flags = 0x02000000
	Negotiate128                     Flags = 0x20000000
	NegotiateKeyExch                 Flags = 0x40000000
	Negotiate56                      Flags = 0x80000000
)

// has reports that all of want are set.
func (f Flags) has(want Flags) bool { return f&want == want }

// Version is the VERSION structure (MS-NLMP 2.2.2.10). It is for debugging only and never changes behaviour.
type Version struct {
	Major, Minor uint8
	Build        uint16
	Revision     uint8
}

// ourVersion is what our messages carry: NTLMSSP_REVISION_W2K3 over the version that current peers send.
var ourVersion = Version{Major: 10, Minor: 0, Build: 20348, Revision: 15}

func (v Version) append(b []byte) []byte {
	return append(b, v.Major, v.Minor, byte(v.Build), byte(v.Build>>8), 0, 0, 0, v.Revision)
}

func parseVersion(b []byte) Version {
	return Version{Major: b[0], Minor: b[1], Build: uint16(b[2]) | uint16(b[3])<<8, Revision: b[7]}
}
