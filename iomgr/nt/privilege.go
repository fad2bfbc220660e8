package nt

import "iter"

// LUID is a locally unique identifier (MS-DTYP 2.3.7).
type LUID uint64

// Privileges is a set of privileges, one bit each: bit n is the privilege whose LUID is n (MS-LSAD 3.1.1.2.1).
type Privileges uint64

// Privileges by name (MS-LSAD 3.1.1.2.1), as sets of one.
const (
	SeCreateTokenPrivilege          Privileges = 1 << 2
	SeAssignPrimaryTokenPrivilege   Privileges = 1 << 3
	SeLockMemoryPrivilege           Privileges = 1 << 4
	SeIncreaseQuotaPrivilege        Privileges = 1 << 5
	SeMachineAccountPrivilege       Privileges = 1 << 6
	SeTcbPrivilege                  Privileges = 1 << 7
	SeSecurityPrivilege             Privileges = 1 << 8
	SeTakeOwnershipPrivilege        Privileges = 1 << 9
	SeLoadDriverPrivilege           Privileges = 1 << 10
	SeSystemProfilePrivilege        Privileges = 1 << 11
	SeSystemtimePrivilege           Privileges = 1 << 12
	SeProfileSingleProcessPrivilege Privileges = 1 << 13
	SeIncreaseBasePriorityPrivilege Privileges = 1 << 14
	SeCreatePagefilePrivilege       Privileges = 1 << 15
	SeCreatePermanentPrivilege      Privileges = 1 << 16
	SeBackupPrivilege               Privileges = 1 << 17
	SeRestorePrivilege              Privileges = 1 << 18
	SeShutdownPrivilege             Privileges = 1 << 19
	SeDebugPrivilege                Privileges = 1 << 20
	SeAuditPrivilege                Privileges = 1 << 21
	SeSystemEnvironmentPrivilege    Privileges = 1 << 22
	SeChangeNotifyPrivilege         Privileges = 1 << 23
	SeRemoteShutdownPrivilege       Privileges = 1 << 24
	SeUndockPrivilege               Privileges = 1 << 25
	SeSyncAgentPrivilege            Privileges = 1 << 26
	SeEnableDelegationPrivilege     Privileges = 1 << 27
	SeManageVolumePrivilege         Privileges = 1 << 28
	SeImpersonatePrivilege          Privileges = 1 << 29
	SeCreateGlobalPrivilege         Privileges = 1 << 30
	SeTrustedCredManAccessPrivilege Privileges = 1 << 31
	SeRelabelPrivilege              Privileges = 1 << 32
	SeIncreaseWorkingSetPrivilege   Privileges = 1 << 33
	SeTimeZonePrivilege             Privileges = 1 << 34
	SeCreateSymbolicLinkPrivilege   Privileges = 1 << 35
)

// AllPrivileges is every privilege there is.
const AllPrivileges = (SeCreateSymbolicLinkPrivilege<<1 - 1) &^ (SeCreateTokenPrivilege - 1)

// PrivilegeName is one privilege with the names Windows shows for it.
type PrivilegeName struct {
	LUID        LUID
	Name        string
	DisplayName string
}

// privilegeNames is sorted by LUID, from 2 on without gaps.
var privilegeNames = [...]PrivilegeName{
	{2, "SeCreateTokenPrivilege", "Create a token object"},
	{3, "SeAssignPrimaryTokenPrivilege", "Replace a process level token"},
	{4, "SeLockMemoryPrivilege", "Lock pages in memory"},
	{5, "SeIncreaseQuotaPrivilege", "Adjust memory quotas for a process"},
	{6, "SeMachineAccountPrivilege", "Add workstations to domain"},
	{7, "SeTcbPrivilege", "Act as part of the operating system"},
	{8, "SeSecurityPrivilege", "Manage auditing and security log"},
	{9, "SeTakeOwnershipPrivilege", "Take ownership of files or other objects"},
	{10, "SeLoadDriverPrivilege", "Load and unload device drivers"},
	{11, "SeSystemProfilePrivilege", "Profile system performance"},
	{12, "SeSystemtimePrivilege", "Change the system time"},
	{13, "SeProfileSingleProcessPrivilege", "Profile single process"},
	{14, "SeIncreaseBasePriorityPrivilege", "Increase scheduling priority"},
	{15, "SeCreatePagefilePrivilege", "Create a pagefile"},
	{16, "SeCreatePermanentPrivilege", "Create permanent shared objects"},
	{17, "SeBackupPrivilege", "Back up files and directories"},
	{18, "SeRestorePrivilege", "Restore files and directories"},
	{19, "SeShutdownPrivilege", "Shut down the system"},
	{20, "SeDebugPrivilege", "Debug programs"},
	{21, "SeAuditPrivilege", "Generate security audits"},
	{22, "SeSystemEnvironmentPrivilege", "Modify firmware environment values"},
	{23, "SeChangeNotifyPrivilege", "Bypass traverse checking"},
	{24, "SeRemoteShutdownPrivilege", "Force shutdown from a remote system"},
	{25, "SeUndockPrivilege", "Remove computer from docking station"},
	{26, "SeSyncAgentPrivilege", "Synchronize directory service data"},
	{27, "SeEnableDelegationPrivilege", "Enable computer and user accounts to be trusted for delegation"},
	{28, "SeManageVolumePrivilege", "Perform volume maintenance tasks"},
	{29, "SeImpersonatePrivilege", "Impersonate a client after authentication"},
	{30, "SeCreateGlobalPrivilege", "Create global objects"},
	{31, "SeTrustedCredManAccessPrivilege", "Access Credential Manager as a trusted caller"},
	{32, "SeRelabelPrivilege", "Modify an object label"},
	{33, "SeIncreaseWorkingSetPrivilege", "Increase a process working set"},
	{34, "SeTimeZonePrivilege", "Change the time zone"},
	{35, "SeCreateSymbolicLinkPrivilege", "Create symbolic links"},
}

// LookupPrivilege finds a privilege by its LUID.
func LookupPrivilege(id LUID) (PrivilegeName, bool) {
	if i := id - privilegeNames[0].LUID; i < LUID(len(privilegeNames)) {
		return privilegeNames[i], true
	}
	return PrivilegeName{}, false
}

// LookupPrivilegeName finds a privilege by its name, without regard to case.
func LookupPrivilegeName(name string) (PrivilegeName, bool) {
	for i := range privilegeNames {
		if EqualFold(privilegeNames[i].Name, name) {
			return privilegeNames[i], true
		}
	}
	return PrivilegeName{}, false
}

// PrivilegeNames is a copy of the whole table, sorted by LUID.
func PrivilegeNames() []PrivilegeName {
	return append([]PrivilegeName(nil), privilegeNames[:]...)
}

// Privilege is the set of one privilege; empty for a LUID that is none.
func (p PrivilegeName) Privilege() Privileges { return PrivilegeOf(p.LUID) }

// PrivilegeOf is the set of the one privilege with this LUID; empty for a LUID that is none.
func PrivilegeOf(id LUID) Privileges {
	if _, ok := LookupPrivilege(id); !ok {
		return 0
	}
	return 1 << id
}

// Has reports whether p holds every privilege in q.
func (p Privileges) Has(q Privileges) bool { return p&q == q }

// All yields the LUIDs in p in rising order.
func (p Privileges) All() iter.Seq[LUID] {
	return func(yield func(LUID) bool) {
		for id := LUID(0); id < 64; id++ {
			if p>>id&1 != 0 && !yield(id) {
				return
			}
		}
	}
}
