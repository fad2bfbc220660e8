package state

import (
	"context"

	"lwio/iomgr/nt"
)

// servicePrivileges are what Windows gives the accounts that services run as.
const servicePrivileges = nt.SeAssignPrimaryTokenPrivilege | nt.SeIncreaseQuotaPrivilege | nt.SeAuditPrivilege | nt.SeChangeNotifyPrivilege |
	nt.SeImpersonatePrivilege | nt.SeCreateGlobalPrivilege

// lsaDefaults are the accounts of a new policy: those of a Windows server, with what its local policy gives them.
var lsaDefaults = []LSAAccount{
	{SID: nt.SIDWorld, Privileges: nt.SeChangeNotifyPrivilege, SystemAccess: AccessNetwork},
	{SID: nt.SIDService, Privileges: nt.SeImpersonatePrivilege | nt.SeCreateGlobalPrivilege},
	{SID: nt.SIDLocalService, Privileges: servicePrivileges | nt.SeSystemtimePrivilege | nt.SeTimeZonePrivilege},
	{SID: nt.SIDNetworkService, Privileges: servicePrivileges},
	{SID: nt.SIDAllServices, SystemAccess: AccessService},
	{SID: nt.SIDBuiltinAdministrators, Privileges: adminPrivileges, SystemAccess: AccessInteractive | AccessNetwork | AccessBatch | AccessRemoteInteractive},
	{SID: nt.SIDBuiltinUsers, Privileges: userPrivileges, SystemAccess: AccessInteractive | AccessNetwork},
	{SID: nt.SIDBuiltinBackupOperators, Privileges: nt.SeBackupPrivilege | nt.SeRestorePrivilege | nt.SeShutdownPrivilege | nt.SeChangeNotifyPrivilege,
		SystemAccess: AccessInteractive | AccessNetwork | AccessBatch},
	{SID: nt.SIDBuiltinRemoteDesktopUsers, SystemAccess: AccessRemoteInteractive},
	{SID: nt.NewSID(5, 32, 559), SystemAccess: AccessBatch}, // Performance Log Users
}

// seed stores a new policy in one transaction.
func (l *LSA) seed(ctx context.Context) error {
	p := defaultLSAPolicy()
	conditions := []Condition{{Key: lsaPolicyKey}}
	ops := []Op{{Key: lsaPolicyKey, Value: p.encode()}}
	for i := range lsaDefaults {
		a := lsaDefaults[i]
		a.ByDefault = a.Privileges & nt.SeChangeNotifyPrivilege
		a.Enabled = a.ByDefault
		ops = append(ops, Op{Key: lsaAccountKey(a.SID), Value: a.encode()})
	}
	_, err := l.store.Txn(ctx, conditions, ops)
	return err
}
