package nt

import "strings"

// Well-known SIDs (MS-DTYP 2.4.2.4). Those of a domain are its SID with one of the RIDs below.
var (
	SIDNull               = NewSID(0, 0)
	SIDWorld              = NewSID(1, 0)
	SIDLocal              = NewSID(2, 0)
	SIDConsoleLogon       = NewSID(2, 1)
	SIDCreatorOwner       = NewSID(3, 0)
	SIDCreatorGroup       = NewSID(3, 1)
	SIDCreatorOwnerServer = NewSID(3, 2)
	SIDCreatorGroupServer = NewSID(3, 3)
	SIDOwnerRights        = NewSID(3, 4)

	SIDNTAuthority        = NewSID(5)
	SIDDialup             = NewSID(5, 1)
	SIDNetwork            = NewSID(5, 2)
	SIDBatch              = NewSID(5, 3)
	SIDInteractive        = NewSID(5, 4)
	SIDService            = NewSID(5, 6)
	SIDAnonymous          = NewSID(5, 7)
	SIDProxy              = NewSID(5, 8)
	SIDEnterpriseDCs      = NewSID(5, 9)
	SIDSelf               = NewSID(5, 10)
	SIDAuthenticatedUsers = NewSID(5, 11)
	SIDRestricted         = NewSID(5, 12)
	SIDTerminalServer     = NewSID(5, 13)
	SIDRemoteInteractive  = NewSID(5, 14)
	SIDThisOrganization   = NewSID(5, 15)
	SIDIUSR               = NewSID(5, 17)
	SIDLocalSystem        = NewSID(5, 18)
	SIDLocalService       = NewSID(5, 19)
	SIDNetworkService     = NewSID(5, 20)
	SIDCompoundedAuth     = NewSID(5, 21, 0, 0, 0, 496)
	SIDClaimsValid        = NewSID(5, 21, 0, 0, 0, 497)
	SIDWriteRestricted    = NewSID(5, 33)
	SIDNTLMAuthentication = NewSID(5, 64, 10)
	SIDSChannelAuth       = NewSID(5, 64, 14)
	SIDDigestAuth         = NewSID(5, 64, 21)
	SIDAllServices        = NewSID(5, 80, 0)
	SIDUserModeDrivers    = NewSID(5, 84, 0, 0, 0, 0, 0)
	SIDLocalAccount       = NewSID(5, 113)
	SIDLocalAccountAdmin  = NewSID(5, 114)
	SIDOtherOrganization  = NewSID(5, 1000)

	SIDBuiltin                       = NewSID(5, 32)
	SIDBuiltinAdministrators         = NewSID(5, 32, 544)
	SIDBuiltinUsers                  = NewSID(5, 32, 545)
	SIDBuiltinGuests                 = NewSID(5, 32, 546)
	SIDBuiltinPowerUsers             = NewSID(5, 32, 547)
	SIDBuiltinAccountOperators       = NewSID(5, 32, 548)
	SIDBuiltinServerOperators        = NewSID(5, 32, 549)
	SIDBuiltinPrintOperators         = NewSID(5, 32, 550)
	SIDBuiltinBackupOperators        = NewSID(5, 32, 551)
	SIDBuiltinReplicator             = NewSID(5, 32, 552)
	SIDBuiltinPreWindows2000         = NewSID(5, 32, 554)
	SIDBuiltinRemoteDesktopUsers     = NewSID(5, 32, 555)
	SIDBuiltinNetworkConfigOperators = NewSID(5, 32, 556)

	SIDAllAppPackages  = NewSID(15, 2, 1)
	SIDUntrustedLabel  = NewSID(16, 0)
	SIDLowLabel        = NewSID(16, 4096)
	SIDMediumLabel     = NewSID(16, 8192)
	SIDMediumPlusLabel = NewSID(16, 8448)
	SIDHighLabel       = NewSID(16, 12288)
	SIDSystemLabel     = NewSID(16, 16384)
	SIDProtectedLabel  = NewSID(16, 20480)
	SIDAuthAsserted    = NewSID(18, 1)
	SIDServiceAsserted = NewSID(18, 2)
	SIDFreshPublicKey  = NewSID(18, 3)
	SIDKeyTrust        = NewSID(18, 4)
	SIDMFAKeyProperty  = NewSID(18, 5)
	SIDAttestedKey     = NewSID(18, 6)
	SIDUnixUsers       = NewSID(22, 1) // child n is the Unix user n, as Samba has it
	SIDUnixGroups      = NewSID(22, 2) // child n is the Unix group n
)

// RIDs that mean the same in every domain (MS-DTYP 2.4.2.4, MS-SAMR 2.2.1.14).
const (
	DomainUserRIDAdmin              = 500
	DomainUserRIDGuest              = 501
	DomainUserRIDKrbtgt             = 502
	DomainUserRIDDefaultAccount     = 503
	DomainGroupRIDAdmins            = 512
	DomainGroupRIDUsers             = 513
	DomainGroupRIDGuests            = 514
	DomainGroupRIDComputers         = 515
	DomainGroupRIDControllers       = 516
	DomainAliasRIDCertAdmins        = 517
	DomainGroupRIDSchemaAdmins      = 518
	DomainGroupRIDEnterpriseAdmins  = 519
	DomainGroupRIDPolicyAdmins      = 520
	DomainGroupRIDReadOnlyDCs       = 521
	DomainGroupRIDCloneableDCs      = 522
	DomainGroupRIDProtectedUsers    = 525
	DomainGroupRIDKeyAdmins         = 526
	DomainGroupRIDEnterpriseKeyAdms = 527
	DomainGroupRIDEnterpriseROs     = 498
	DomainAliasRIDRasServers        = 553
	FirstUserRID                    = 1000
)

// SIDNameUse says what kind of thing a name or SID is: SID_NAME_USE (MS-LSAT 2.2.13).
type SIDNameUse uint16

// Kinds of names.
const (
	SIDTypeUser           SIDNameUse = 1
	SIDTypeGroup          SIDNameUse = 2
	SIDTypeDomain         SIDNameUse = 3
	SIDTypeAlias          SIDNameUse = 4
	SIDTypeWellKnownGroup SIDNameUse = 5
	SIDTypeDeletedAccount SIDNameUse = 6
	SIDTypeInvalid        SIDNameUse = 7
	SIDTypeUnknown        SIDNameUse = 8
	SIDTypeComputer       SIDNameUse = 9
	SIDTypeLabel          SIDNameUse = 10
)

// WellKnownName is one well-known SID with the name Windows shows for it.
type WellKnownName struct {
	SID    SID
	Domain string // "BUILTIN", "NT AUTHORITY", …; empty for Everyone and its like
	Name   string
	Use    SIDNameUse
}

// String is DOMAIN\Name, or \Name where there is no domain.
func (w WellKnownName) String() string { return w.Domain + `\` + w.Name }

const (
	ntAuthority    = "NT AUTHORITY"
	ntPseudoDomain = "NT Pseudo Domain"
	builtinDomain  = "BUILTIN"
	labelDomain    = "Mandatory Label"
	appDomain      = "APPLICATION PACKAGE AUTHORITY"
)

// wellKnownNames is in the order of MS-DTYP 2.4.2.4.
var wellKnownNames = [...]WellKnownName{
	{SIDNull, "", "NULL SID", SIDTypeWellKnownGroup},
	{SIDWorld, "", "Everyone", SIDTypeWellKnownGroup},
	{SIDLocal, "", "LOCAL", SIDTypeWellKnownGroup},
	{SIDConsoleLogon, "", "CONSOLE LOGON", SIDTypeWellKnownGroup},
	{SIDCreatorOwner, "", "CREATOR OWNER", SIDTypeWellKnownGroup},
	{SIDCreatorGroup, "", "CREATOR GROUP", SIDTypeWellKnownGroup},
	{SIDCreatorOwnerServer, "", "CREATOR OWNER SERVER", SIDTypeWellKnownGroup},
	{SIDCreatorGroupServer, "", "CREATOR GROUP SERVER", SIDTypeWellKnownGroup},
	{SIDOwnerRights, "", "OWNER RIGHTS", SIDTypeWellKnownGroup},
	{SIDNTAuthority, ntPseudoDomain, ntPseudoDomain, SIDTypeDomain},
	{SIDDialup, ntAuthority, "DIALUP", SIDTypeWellKnownGroup},
	{SIDNetwork, ntAuthority, "NETWORK", SIDTypeWellKnownGroup},
	{SIDBatch, ntAuthority, "BATCH", SIDTypeWellKnownGroup},
	{SIDInteractive, ntAuthority, "INTERACTIVE", SIDTypeWellKnownGroup},
	{SIDService, ntAuthority, "SERVICE", SIDTypeWellKnownGroup},
	{SIDAnonymous, ntAuthority, "ANONYMOUS LOGON", SIDTypeWellKnownGroup},
	{SIDProxy, ntAuthority, "PROXY", SIDTypeWellKnownGroup},
	{SIDEnterpriseDCs, ntAuthority, "ENTERPRISE DOMAIN CONTROLLERS", SIDTypeWellKnownGroup},
	{SIDSelf, ntAuthority, "SELF", SIDTypeWellKnownGroup},
	{SIDAuthenticatedUsers, ntAuthority, "Authenticated Users", SIDTypeWellKnownGroup},
	{SIDRestricted, ntAuthority, "RESTRICTED", SIDTypeWellKnownGroup},
	{SIDTerminalServer, ntAuthority, "TERMINAL SERVER USER", SIDTypeWellKnownGroup},
	{SIDRemoteInteractive, ntAuthority, "REMOTE INTERACTIVE LOGON", SIDTypeWellKnownGroup},
	{SIDThisOrganization, ntAuthority, "This Organization", SIDTypeWellKnownGroup},
	{SIDIUSR, ntAuthority, "IUSR", SIDTypeWellKnownGroup},
	{SIDLocalSystem, ntAuthority, "SYSTEM", SIDTypeWellKnownGroup},
	{SIDLocalService, ntAuthority, "LOCAL SERVICE", SIDTypeWellKnownGroup},
	{SIDNetworkService, ntAuthority, "NETWORK SERVICE", SIDTypeWellKnownGroup},
	{SIDWriteRestricted, ntAuthority, "WRITE RESTRICTED", SIDTypeWellKnownGroup},
	{SIDNTLMAuthentication, ntAuthority, "NTLM Authentication", SIDTypeWellKnownGroup},
	{SIDSChannelAuth, ntAuthority, "SChannel Authentication", SIDTypeWellKnownGroup},
	{SIDDigestAuth, ntAuthority, "Digest Authentication", SIDTypeWellKnownGroup},
	{SIDAllServices, "NT SERVICE", "ALL SERVICES", SIDTypeWellKnownGroup},
	{SIDUserModeDrivers, ntAuthority, "USER MODE DRIVERS", SIDTypeWellKnownGroup},
	{SIDLocalAccount, ntAuthority, "Local account", SIDTypeWellKnownGroup},
	{SIDLocalAccountAdmin, ntAuthority, "Local account and member of Administrators group", SIDTypeWellKnownGroup},
	{SIDOtherOrganization, ntAuthority, "Other Organization", SIDTypeWellKnownGroup},
	{SIDBuiltin, builtinDomain, builtinDomain, SIDTypeDomain},
	{SIDBuiltinAdministrators, builtinDomain, "Administrators", SIDTypeAlias},
	{SIDBuiltinUsers, builtinDomain, "Users", SIDTypeAlias},
	{SIDBuiltinGuests, builtinDomain, "Guests", SIDTypeAlias},
	{SIDBuiltinPowerUsers, builtinDomain, "Power Users", SIDTypeAlias},
	{SIDBuiltinAccountOperators, builtinDomain, "Account Operators", SIDTypeAlias},
	{SIDBuiltinServerOperators, builtinDomain, "Server Operators", SIDTypeAlias},
	{SIDBuiltinPrintOperators, builtinDomain, "Print Operators", SIDTypeAlias},
	{SIDBuiltinBackupOperators, builtinDomain, "Backup Operators", SIDTypeAlias},
	{SIDBuiltinReplicator, builtinDomain, "Replicator", SIDTypeAlias},
	{SIDBuiltinPreWindows2000, builtinDomain, "Pre-Windows 2000 Compatible Access", SIDTypeAlias},
	{SIDBuiltinRemoteDesktopUsers, builtinDomain, "Remote Desktop Users", SIDTypeAlias},
	{SIDBuiltinNetworkConfigOperators, builtinDomain, "Network Configuration Operators", SIDTypeAlias},
	{NewSID(5, 32, 557), builtinDomain, "Incoming Forest Trust Builders", SIDTypeAlias},
	{NewSID(5, 32, 558), builtinDomain, "Performance Monitor Users", SIDTypeAlias},
	{NewSID(5, 32, 559), builtinDomain, "Performance Log Users", SIDTypeAlias},
	{NewSID(5, 32, 560), builtinDomain, "Windows Authorization Access Group", SIDTypeAlias},
	{NewSID(5, 32, 561), builtinDomain, "Terminal Server License Servers", SIDTypeAlias},
	{NewSID(5, 32, 562), builtinDomain, "Distributed COM Users", SIDTypeAlias},
	{NewSID(5, 32, 568), builtinDomain, "IIS_IUSRS", SIDTypeAlias},
	{NewSID(5, 32, 569), builtinDomain, "Cryptographic Operators", SIDTypeAlias},
	{NewSID(5, 32, 573), builtinDomain, "Event Log Readers", SIDTypeAlias},
	{NewSID(5, 32, 574), builtinDomain, "Certificate Service DCOM Access", SIDTypeAlias},
	{NewSID(5, 32, 575), builtinDomain, "RDS Remote Access Servers", SIDTypeAlias},
	{NewSID(5, 32, 576), builtinDomain, "RDS Endpoint Servers", SIDTypeAlias},
	{NewSID(5, 32, 577), builtinDomain, "RDS Management Servers", SIDTypeAlias},
	{NewSID(5, 32, 578), builtinDomain, "Hyper-V Administrators", SIDTypeAlias},
	{NewSID(5, 32, 579), builtinDomain, "Access Control Assistance Operators", SIDTypeAlias},
	{NewSID(5, 32, 580), builtinDomain, "Remote Management Users", SIDTypeAlias},
	{SIDAllAppPackages, appDomain, "ALL APPLICATION PACKAGES", SIDTypeWellKnownGroup},
	{SIDUntrustedLabel, labelDomain, "Untrusted Mandatory Level", SIDTypeLabel},
	{SIDLowLabel, labelDomain, "Low Mandatory Level", SIDTypeLabel},
	{SIDMediumLabel, labelDomain, "Medium Mandatory Level", SIDTypeLabel},
	{SIDMediumPlusLabel, labelDomain, "Medium Plus Mandatory Level", SIDTypeLabel},
	{SIDHighLabel, labelDomain, "High Mandatory Level", SIDTypeLabel},
	{SIDSystemLabel, labelDomain, "System Mandatory Level", SIDTypeLabel},
	{SIDProtectedLabel, labelDomain, "Protected Process Mandatory Level", SIDTypeLabel},
	{SIDAuthAsserted, "", "Authentication authority asserted identity", SIDTypeWellKnownGroup},
	{SIDServiceAsserted, "", "Service asserted identity", SIDTypeWellKnownGroup},
	{SIDFreshPublicKey, "", "Fresh public key identity", SIDTypeWellKnownGroup},
	{SIDKeyTrust, "", "Key trust identity", SIDTypeWellKnownGroup},
	{SIDMFAKeyProperty, "", "Key property multi-factor authentication", SIDTypeWellKnownGroup},
	{SIDAttestedKey, "", "Key property attestation", SIDTypeWellKnownGroup},
}

// LookupWellKnownSID gives the name of a well-known SID.
func LookupWellKnownSID(sid SID) (WellKnownName, bool) {
	for i := range wellKnownNames {
		if wellKnownNames[i].SID == sid {
			return wellKnownNames[i], true
		}
	}
	return WellKnownName{}, false
}

// LookupWellKnownName finds a well-known SID by its name without regard to case: "Everyone", `\Everyone`,
// "Administrators", `BUILTIN\Administrators`. A domain name alone finds the domain.
func LookupWellKnownName(name string) (WellKnownName, bool) {
	domain, account, qualified := strings.Cut(name, `\`)
	if !qualified {
		account = name
	}
	if account == "" {
		return WellKnownName{}, false
	}
	for i := range wellKnownNames {
		w := &wellKnownNames[i]
		if EqualFold(w.Name, account) && (!qualified || EqualFold(w.Domain, domain)) {
			return *w, true
		}
	}
	// Windows shows "NT Pseudo Domain" for S-1-5, yet takes the name it gives its children.
	if !qualified && EqualFold(account, ntAuthority) {
		return WellKnownName{SIDNTAuthority, ntAuthority, ntAuthority, SIDTypeDomain}, true
	}
	return WellKnownName{}, false
}

// WellKnownNames is a copy of the whole table.
func WellKnownNames() []WellKnownName {
	return append([]WellKnownName(nil), wellKnownNames[:]...)
}
