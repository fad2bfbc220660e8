package svcctl

import (
	"context"

	gen "lwio/gen/svcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// RLockServiceDatabase locks the database (MS-SCMR 3.1.4.4). Nothing here waits for the lock: there is one at a time, and it ends with its holder.
func (m *Manager) RLockServiceDatabase(_ context.Context, call *rpc.Call, in *gen.RLockServiceDatabaseRequest) (*gen.RLockServiceDatabaseResponse, error) {
	_, code, err := objectOf[*managerHandle](call, in.HSCManager, nt.SCManagerLock)
	if err != nil || code != success {
		return &gen.RLockServiceDatabaseResponse{Return: code}, err
	}
	l := &lock{owner: call.Token.QualifiedName(), since: nt.NowTime()}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked != nil {
		return &gen.RLockServiceDatabaseResponse{Return: uint32(nt.WErrServiceDatabaseLocked)}, nil
	}
	h, err := call.Handles.Open(call, any(l), func() { m.unlock(l) })
	if err != nil {
		return nil, err
	}
	m.locked = l
	return &gen.RLockServiceDatabaseResponse{LpLock: h}, nil
}

func (m *Manager) unlock(l *lock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked == l {
		m.locked = nil
	}
}

// RUnlockServiceDatabase unlocks it (MS-SCMR 3.1.4.9).
func (m *Manager) RUnlockServiceDatabase(_ context.Context, call *rpc.Call, in *gen.RUnlockServiceDatabaseRequest) (*gen.RUnlockServiceDatabaseResponse, error) {
	o, err := rpc.HandleValue[any](call, in.Lock)
	if err != nil {
		return nil, err
	}
	l, ok := o.(*lock)
	if !ok {
		return &gen.RUnlockServiceDatabaseResponse{Lock: in.Lock, Return: uint32(nt.WErrInvalidServiceLock)}, nil
	}
	if err := call.Handles.Close(in.Lock); err != nil {
		return nil, err
	}
	m.unlock(l)
	return &gen.RUnlockServiceDatabaseResponse{}, nil
}

func (m *Manager) lockStatus(call *rpc.Call, h rpc.ContextHandle, size, unit uint32) (owner string, locked, seconds, needed, code uint32, err error) {
	_, code, err = objectOf[*managerHandle](call, h, nt.SCManagerQueryLockStatus)
	if err != nil || code != success {
		return "", 0, 0, 0, code, err
	}
	m.mu.Lock()
	l := m.locked
	m.mu.Unlock()
	if l != nil {
		owner, locked, seconds = l.owner, 1, uint32(nt.NowTime().Go().Sub(l.since.Go()).Seconds())
	}
	if needed = 12 + unit*uint32(nt.UTF16Len(owner)+1); needed > size {
		return "", 0, 0, needed, insufficientBuffer, nil
	}
	return owner, locked, seconds, needed, success, nil
}

// RQueryServiceLockStatusW tells whether the database is locked, and by whom (MS-SCMR 3.1.4.18).
func (m *Manager) RQueryServiceLockStatusW(_ context.Context, call *rpc.Call, in *gen.RQueryServiceLockStatusWRequest) (*gen.RQueryServiceLockStatusWResponse, error) {
	owner, locked, seconds, needed, code, err := m.lockStatus(call, in.HSCManager, in.CbBufSize, 2)
	return &gen.RQueryServiceLockStatusWResponse{LpLockStatus: gen.QUERY_SERVICE_LOCK_STATUSW{FIsLocked: locked, LpLockOwner: &owner, DwLockDuration: seconds}, PcbBytesNeeded: needed, Return: code}, err
}

// RQueryServiceLockStatusA does the same in octets.
func (m *Manager) RQueryServiceLockStatusA(_ context.Context, call *rpc.Call, in *gen.RQueryServiceLockStatusARequest) (*gen.RQueryServiceLockStatusAResponse, error) {
	owner, locked, seconds, needed, code, err := m.lockStatus(call, in.HSCManager, in.CbBufSize, 1)
	return &gen.RQueryServiceLockStatusAResponse{LpLockStatus: gen.QUERY_SERVICE_LOCK_STATUSA{FIsLocked: locked, LpLockOwner: &owner, DwLockDuration: seconds}, PcbBytesNeeded: needed, Return: code}, err
}
