package nt

// Rights of the objects that the RPC services guard. A right here is named as its specification names it.

// Service control manager and services (MS-SCMR 3.1.4).
const (
	SCManagerConnect          AccessMask = 0x0001
	SCManagerCreateService    AccessMask = 0x0002
	SCManagerEnumerateService AccessMask = 0x0004
	SCManagerLock             AccessMask = 0x0008
	SCManagerQueryLockStatus  AccessMask = 0x0010
	SCManagerModifyBootConfig AccessMask = 0x0020
	SCManagerAllAccess                   = StandardRightsRequired | AccessMask(0x003F)

	ServiceQueryConfig         AccessMask = 0x0001
	ServiceChangeConfig        AccessMask = 0x0002
	ServiceQueryStatus         AccessMask = 0x0004
	ServiceEnumerateDependents AccessMask = 0x0008
	ServiceStart               AccessMask = 0x0010
	ServiceStop                AccessMask = 0x0020
	ServicePauseContinue       AccessMask = 0x0040
	ServiceInterrogate         AccessMask = 0x0080
	ServiceUserDefinedControl  AccessMask = 0x0100
	ServiceAllAccess                      = StandardRightsRequired | AccessMask(0x01FF)
)

// Registry keys (MS-RRP 2.2.4).
const (
	KeyQueryValue       AccessMask = 0x0001
	KeySetValue         AccessMask = 0x0002
	KeyCreateSubKey     AccessMask = 0x0004
	KeyEnumerateSubKeys AccessMask = 0x0008
	KeyNotify           AccessMask = 0x0010
	KeyCreateLink       AccessMask = 0x0020
	KeyWow6464Key       AccessMask = 0x0100
	KeyWow6432Key       AccessMask = 0x0200

	KeyRead      = StandardRightsRead | KeyQueryValue | KeyEnumerateSubKeys | KeyNotify
	KeyWrite     = StandardRightsWrite | KeySetValue | KeyCreateSubKey
	KeyExecute   = KeyRead
	KeyAllAccess = StandardRightsRequired | AccessMask(0x003F)
)

// LSA policy, account and secret objects (MS-LSAD 2.2.1.1).
const (
	PolicyViewLocalInformation  AccessMask = 0x0001
	PolicyViewAuditInformation  AccessMask = 0x0002
	PolicyGetPrivateInformation AccessMask = 0x0004
	PolicyTrustAdmin            AccessMask = 0x0008
	PolicyCreateAccount         AccessMask = 0x0010
	PolicyCreateSecret          AccessMask = 0x0020
	PolicyCreatePrivilege       AccessMask = 0x0040
	PolicySetDefaultQuotaLimits AccessMask = 0x0080
	PolicySetAuditRequirements  AccessMask = 0x0100
	PolicyAuditLogAdmin         AccessMask = 0x0200
	PolicyServerAdmin           AccessMask = 0x0400
	PolicyLookupNames           AccessMask = 0x0800
	PolicyNotification          AccessMask = 0x1000
	PolicyAllAccess                        = StandardRightsRequired | AccessMask(0x0FFF)
	AccountView                 AccessMask = 0x0001
	AccountAdjustPrivileges     AccessMask = 0x0002
	AccountAdjustQuotas         AccessMask = 0x0004
	AccountAdjustSystemAccess   AccessMask = 0x0008
	AccountAllAccess                       = StandardRightsRequired | AccessMask(0x000F)
	SecretSetValue              AccessMask = 0x0001
	SecretQueryValue            AccessMask = 0x0002
	SecretAllAccess                        = StandardRightsRequired | AccessMask(0x0003)
)

// SAM objects (MS-SAMR 2.2.1.3 to 2.2.1.7).
const (
	SamServerConnect          AccessMask = 0x0001
	SamServerShutdown         AccessMask = 0x0002
	SamServerInitialize       AccessMask = 0x0004
	SamServerCreateDomain     AccessMask = 0x0008
	SamServerEnumerateDomains AccessMask = 0x0010
	SamServerLookupDomain     AccessMask = 0x0020
	SamServerAllAccess                   = StandardRightsRequired | AccessMask(0x003F)

	DomainReadPasswordParams   AccessMask = 0x0001
	DomainWritePasswordParams  AccessMask = 0x0002
	DomainReadOtherParameters  AccessMask = 0x0004
	DomainWriteOtherParameters AccessMask = 0x0008
	DomainCreateUser           AccessMask = 0x0010
	DomainCreateGroup          AccessMask = 0x0020
	DomainCreateAlias          AccessMask = 0x0040
	DomainGetAliasMembership   AccessMask = 0x0080
	DomainListAccounts         AccessMask = 0x0100
	DomainLookup               AccessMask = 0x0200
	DomainAdministerServer     AccessMask = 0x0400
	DomainAllAccess                       = StandardRightsRequired | AccessMask(0x07FF)

	GroupReadInformation AccessMask = 0x0001
	GroupWriteAccount    AccessMask = 0x0002
	GroupAddMember       AccessMask = 0x0004
	GroupRemoveMember    AccessMask = 0x0008
	GroupListMembers     AccessMask = 0x0010
	GroupAllAccess                  = StandardRightsRequired | AccessMask(0x001F)

	AliasAddMember       AccessMask = 0x0001
	AliasRemoveMember    AccessMask = 0x0002
	AliasListMembers     AccessMask = 0x0004
	AliasReadInformation AccessMask = 0x0008
	AliasWriteAccount    AccessMask = 0x0010
	AliasAllAccess                  = StandardRightsRequired | AccessMask(0x001F)

	UserReadGeneral           AccessMask = 0x0001
	UserReadPreferences       AccessMask = 0x0002
	UserWritePreferences      AccessMask = 0x0004
	UserReadLogon             AccessMask = 0x0008
	UserReadAccount           AccessMask = 0x0010
	UserWriteAccount          AccessMask = 0x0020
	UserChangePassword        AccessMask = 0x0040
	UserForcePasswordChange   AccessMask = 0x0080
	UserListGroups            AccessMask = 0x0100
	UserReadGroupInformation  AccessMask = 0x0200
	UserWriteGroupInformation AccessMask = 0x0400
	UserAllAccess                        = StandardRightsRequired | AccessMask(0x07FF)
)

// Generic mappings of the objects above.
var (
	GenericMappingSCManager = GenericMapping{
		Read:    StandardRightsRead | SCManagerEnumerateService | SCManagerQueryLockStatus,
		Write:   StandardRightsWrite | SCManagerCreateService | SCManagerModifyBootConfig,
		Execute: StandardRightsExecute | SCManagerConnect | SCManagerLock,
		All:     SCManagerAllAccess}
	GenericMappingService = GenericMapping{
		Read:    StandardRightsRead | ServiceQueryConfig | ServiceQueryStatus | ServiceInterrogate | ServiceEnumerateDependents,
		Write:   StandardRightsWrite | ServiceChangeConfig,
		Execute: StandardRightsExecute | ServiceStart | ServiceStop | ServicePauseContinue | ServiceUserDefinedControl,
		All:     ServiceAllAccess}
	GenericMappingKey = GenericMapping{Read: KeyRead, Write: KeyWrite, Execute: KeyExecute, All: KeyAllAccess}

	GenericMappingPolicy = GenericMapping{
		Read:    StandardRightsRead | PolicyViewAuditInformation | PolicyGetPrivateInformation,
		Write:   0x000207F8,
		Execute: StandardRightsExecute | PolicyViewLocalInformation | PolicyLookupNames,
		All:     PolicyAllAccess}
	GenericMappingAccount = GenericMapping{Read: 0x00020001, Write: 0x0002000E, Execute: 0x00020000, All: AccountAllAccess}
	GenericMappingSecret  = GenericMapping{Read: 0x00020002, Write: 0x00020001, Execute: 0x00020000, All: SecretAllAccess}

	GenericMappingSamServer = GenericMapping{Read: 0x00020010, Write: 0x0002000E, Execute: 0x00020021, All: SamServerAllAccess}
	GenericMappingDomain    = GenericMapping{Read: 0x00020084, Write: 0x0002047A, Execute: 0x00020301, All: DomainAllAccess}
	GenericMappingGroup     = GenericMapping{Read: 0x00020010, Write: 0x0002000E, Execute: 0x00020001, All: GroupAllAccess}
	GenericMappingAlias     = GenericMapping{Read: 0x00020004, Write: 0x00020013, Execute: 0x00020008, All: AliasAllAccess}
	GenericMappingUser      = GenericMapping{Read: 0x0002031A, Write: 0x00020044, Execute: 0x00020041, All: UserAllAccess}
)
