package auth

import (
	"context"

	"lwio/iomgr/nt"
)

// Authority decides who a logon is. The account store of the state, a domain's controller or a remote authority
// stand behind it. Calls may block; they honour the context.
type Authority interface {
	// VerifyNTLM checks a challenge response (MS-NLMP 3.3). Errors are a Status: StatusLogonFailure for a wrong name or password
	// alike, StatusAccountDisabled, StatusAccountLockedOut, StatusPasswordExpired … only after the response was right;
	// StatusNoLogonServers if nobody can be asked.
	VerifyNTLM(ctx context.Context, in *NTLMLogon) (*Logon, error)
	// Authorize makes the token of a principal that Kerberos has proved: what the domain says of it, and what it is on this host.
	// StatusAccountRestriction and the like refuse it.
	Authorize(ctx context.Context, in *Principal) (*nt.Token, error)
	// LookupNames resolves names ("DOMAIN\name", "name", "name@domain") in order. What is not known has Type SIDTypeUnknown.
	LookupNames(ctx context.Context, names []string) ([]Identity, error)
	// LookupSIDs resolves SIDs in order. What is not known has Type SIDTypeUnknown and its Domain set if that is known.
	LookupSIDs(ctx context.Context, sids []nt.SID) ([]Identity, error)
	// Host says who this host is.
	Host() Host
}

// NTLMLogon is a challenge and the response to it.
type NTLMLogon struct {
	Account, Domain, Workstation string
	ServerChallenge              [8]byte
	LMResponse, NTResponse       []byte
	Address                      string // of the peer, for audit
}

// Logon is a verified logon.
type Logon struct {
	Token          *nt.Token
	SessionBaseKey [16]byte // MS-NLMP 3.3.2
}

// Principal is a client that a mechanism has proved, and what its domain says of it (MS-PAC 2.5, MS-KILE 3.4.5.3).
type Principal struct {
	Name, Realm string // as in the ticket
	OwnRealm    bool   // Realm is this host's: what the domain says of its own groups counts here

	Account      string // sAMAccountName
	Domain       string // NetBIOS name
	DomainSID    nt.SID
	User         nt.SID
	PrimaryGroup nt.SID
	Groups       []nt.Group // of the account's domain, of others, and of resource domains, without duplicates
	LogonTime    nt.Time
	Expires      nt.Time // of the ticket

	Mechanism string // "Kerberos"
	Address   string // of the peer, for audit
}

// Host names this host: for the NTLM target information (MS-NLMP 2.2.2.1) and for account names.
type Host struct {
	Name       string // NetBIOS name, upper case, at most 15 characters
	Domain     string // NetBIOS name of the domain, or of the host where it is in none
	DNSName    string
	DNSDomain  string
	DNSForest  string
	MachineSID nt.SID
}

// SIDType is SID_NAME_USE (MS-SAMR 2.2.2.3).
type SIDType uint16

// The values of SID_NAME_USE.
const (
	SIDTypeUser           SIDType = 1
	SIDTypeGroup          SIDType = 2
	SIDTypeDomain         SIDType = 3
	SIDTypeAlias          SIDType = 4
	SIDTypeWellKnownGroup SIDType = 5
	SIDTypeDeletedAccount SIDType = 6
	SIDTypeInvalid        SIDType = 7
	SIDTypeUnknown        SIDType = 8
	SIDTypeComputer       SIDType = 9
)

// Identity is the answer to a lookup.
type Identity struct {
	SID       nt.SID
	Type      SIDType
	Name      string
	Domain    string // NetBIOS name of the domain that holds the name
	DomainSID nt.SID
}
