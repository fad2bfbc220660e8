package nt

// The security descriptor definition language (MS-DTYP 2.5.1) in tables; ParseSDDL reads by them and SDDL writes.

// sidAlias is a two-letter SID. A domain alias is a RID in the domain that the reader is told.
type sidAlias struct {
	name string
	sid  SID    // zero for a domain alias
	rid  uint32 // of a domain alias
}

// sidAliases has the aliases of MS-DTYP 2.5.1.1. SDDL uses those with a SID of their own.
var sidAliases = [...]sidAlias{
	{"WD", SIDWorld, 0}, {"CO", SIDCreatorOwner, 0}, {"CG", SIDCreatorGroup, 0}, {"OW", SIDOwnerRights, 0},
	{"NU", SIDNetwork, 0}, {"IU", SIDInteractive, 0}, {"SU", SIDService, 0}, {"AN", SIDAnonymous, 0},
	{"ED", SIDEnterpriseDCs, 0}, {"PS", SIDSelf, 0}, {"AU", SIDAuthenticatedUsers, 0}, {"RC", SIDRestricted, 0},
	{"SY", SIDLocalSystem, 0}, {"LS", SIDLocalService, 0}, {"NS", SIDNetworkService, 0}, {"WR", SIDWriteRestricted, 0},
	{"BA", SIDBuiltinAdministrators, 0}, {"BU", SIDBuiltinUsers, 0}, {"BG", SIDBuiltinGuests, 0},
	{"PU", SIDBuiltinPowerUsers, 0}, {"AO", SIDBuiltinAccountOperators, 0}, {"SO", SIDBuiltinServerOperators, 0},
	{"PO", SIDBuiltinPrintOperators, 0}, {"BO", SIDBuiltinBackupOperators, 0}, {"RE", SIDBuiltinReplicator, 0},
	{"RU", SIDBuiltinPreWindows2000, 0}, {"RD", SIDBuiltinRemoteDesktopUsers, 0},
	{"NO", SIDBuiltinNetworkConfigOperators, 0}, {"MU", NewSID(5, 32, 558), 0}, {"LU", NewSID(5, 32, 559), 0},
	{"IS", NewSID(5, 32, 568), 0}, {"CY", NewSID(5, 32, 569), 0}, {"ER", NewSID(5, 32, 573), 0},
	{"CD", NewSID(5, 32, 574), 0}, {"RA", NewSID(5, 32, 575), 0}, {"ES", NewSID(5, 32, 576), 0},
	{"MS", NewSID(5, 32, 577), 0}, {"HA", NewSID(5, 32, 578), 0}, {"AA", NewSID(5, 32, 579), 0},
	{"RM", NewSID(5, 32, 580), 0}, {"UD", SIDUserModeDrivers, 0}, {"AC", SIDAllAppPackages, 0},
	{"LW", SIDLowLabel, 0}, {"ME", SIDMediumLabel, 0}, {"MP", SIDMediumPlusLabel, 0}, {"HI", SIDHighLabel, 0},
	{"SI", SIDSystemLabel, 0}, {"AS", SIDAuthAsserted, 0}, {"SS", SIDServiceAsserted, 0},

	{"RO", SID{}, DomainGroupRIDEnterpriseROs}, {"LA", SID{}, DomainUserRIDAdmin}, {"LG", SID{}, DomainUserRIDGuest},
	{"DA", SID{}, DomainGroupRIDAdmins}, {"DU", SID{}, DomainGroupRIDUsers}, {"DG", SID{}, DomainGroupRIDGuests},
	{"DC", SID{}, DomainGroupRIDComputers}, {"DD", SID{}, DomainGroupRIDControllers},
	{"CA", SID{}, DomainAliasRIDCertAdmins}, {"SA", SID{}, DomainGroupRIDSchemaAdmins},
	{"EA", SID{}, DomainGroupRIDEnterpriseAdmins}, {"PA", SID{}, DomainGroupRIDPolicyAdmins},
	{"CN", SID{}, DomainGroupRIDCloneableDCs}, {"AP", SID{}, DomainGroupRIDProtectedUsers},
	{"KA", SID{}, DomainGroupRIDKeyAdmins}, {"EK", SID{}, DomainGroupRIDEnterpriseKeyAdms},
	{"RS", SID{}, DomainAliasRIDRasServers},
}

// maskName is a two-letter right.
type maskName struct {
	name string
	mask AccessMask
}

// rightNames are single rights, in the order Windows writes them.
var rightNames = [...]maskName{
	{"CC", ADSRightDSCreateChild}, {"DC", ADSRightDSDeleteChild}, {"LC", ADSRightACTRLDSList}, {"SW", ADSRightDSSelf},
	{"RP", ADSRightDSReadProp}, {"WP", ADSRightDSWriteProp}, {"DT", ADSRightDSDeleteTree}, {"LO", ADSRightDSListObject},
	{"CR", ADSRightDSControlAccess}, {"SD", Delete}, {"RC", ReadControl}, {"WD", WriteDAC}, {"WO", WriteOwner},
	{"GA", GenericAll}, {"GR", GenericRead}, {"GW", GenericWrite}, {"GX", GenericExecute},
}

// rightSets are whole sets of rights. SDDL writes the first that is exactly the mask.
var rightSets = [...]maskName{
	{"FA", FileAllAccess}, {"FR", FileGenericRead}, {"FW", FileGenericWrite}, {"FX", FileGenericExecute},
	{"KA", KeyAllAccess}, {"KR", KeyRead}, {"KW", KeyWrite}, {"KX", KeyExecute},
}

// labelRights are the policy bits of a mandatory label ACE.
var labelRights = [...]maskName{
	{"NW", SystemMandatoryLabelNoWriteUp}, {"NR", SystemMandatoryLabelNoReadUp}, {"NX", SystemMandatoryLabelNoExecuteUp},
}

// aceTypeNames are the ACE types with a name; conditional marks those that end in an expression.
var aceTypeNames = [...]struct {
	name        string
	typ         uint8
	conditional bool
}{
	{"A", AccessAllowedACEType, false}, {"D", AccessDeniedACEType, false},
	{"OA", AccessAllowedObjectACEType, false}, {"OD", AccessDeniedObjectACEType, false},
	{"AU", SystemAuditACEType, false}, {"AL", SystemAlarmACEType, false},
	{"OU", SystemAuditObjectACEType, false}, {"OL", SystemAlarmObjectACEType, false},
	{"ML", SystemMandatoryLabelACEType, false}, {"SP", SystemScopedPolicyIDACEType, false},
	{"XA", AccessAllowedCallbackACEType, true}, {"XD", AccessDeniedCallbackACEType, true},
	{"XU", SystemAuditCallbackACEType, true}, {"ZA", AccessAllowedCallbackObjectACEType, true},
	{"ZD", AccessDeniedCallbackObjectACEType, true}, {"RA", SystemResourceAttributeACEType, true},
}

// aceFlagNames are in the order Windows writes them.
var aceFlagNames = [...]struct {
	name string
	flag uint8
}{
	{"OI", ObjectInheritACE}, {"CI", ContainerInheritACE}, {"NP", NoPropagateInheritACE}, {"IO", InheritOnlyACE},
	{"ID", InheritedACE}, {"CR", CriticalACEFlag}, {"SA", SuccessfulAccessACEFlag}, {"FA", FailedAccessACEFlag},
}

// aclFlagNames are the flags before the ACEs of a list, with what they set for a DACL and for a SACL.
var aclFlagNames = [...]struct {
	name       string
	dacl, sacl uint16
}{
	{"P", ControlDACLProtected, ControlSACLProtected},
	{"AR", ControlDACLAutoInheritReq, ControlSACLAutoInheritReq},
	{"AI", ControlDACLAutoInherited, ControlSACLAutoInherited},
}

// noAccessControl stands for a list that is present and NULL.
const noAccessControl = "NO_ACCESS_CONTROL"
