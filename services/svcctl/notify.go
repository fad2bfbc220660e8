package svcctl

import (
	"context"
	"sync"

	gen "lwio/gen/svcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// notifyStates are the bits of a notification mask (MS-SCMR 3.1.4.43) that are states of a service: bit 0 is SERVICE_STOPPED, and so on. The three above
// are of services made and deleted, which does not happen here.
const (
	notifyStates uint32 = 0x7F
	notifyAll    uint32 = 0x3FF
)

// notify is what a client waits for.
type notify struct {
	service *service // nil for the database
	level   uint32
	mask    uint32

	mu     sync.Mutex
	told   uint32 // guarded by mu: the sequence of the change told last; of the state at the beginning, 0xFFFFFFFF
	closed chan struct{}
	once   sync.Once
}

func (n *notify) end() { n.once.Do(func() { close(n.closed) }) }

// RNotifyServiceStatusChange asks to be told of a change (MS-SCMR 3.1.4.43).
func (m *Manager) RNotifyServiceStatusChange(_ context.Context, call *rpc.Call, in *gen.RNotifyServiceStatusChangeRequest) (*gen.RNotifyServiceStatusChangeResponse, error) {
	n := &notify{level: in.NotifyParams.DwInfoLevel, told: 0xFFFFFFFF, closed: make(chan struct{})}
	out := &gen.RNotifyServiceStatusChangeResponse{PSCMProcessGuid: m.process}
	s, code, err := objectOf[*serviceHandle](call, in.HService, nt.ServiceQueryStatus)
	if code == invalidHandle {
		_, code, err = objectOf[*managerHandle](call, in.HService, nt.SCManagerEnumerateService)
	} else if err == nil && code == success {
		n.service = s.service
	}
	if err != nil {
		return nil, err
	}
	if p := in.NotifyParams.Anonymous2.PStatusChangeParam1; p != nil {
		n.mask = p.DwNotifyMask
	} else if p := in.NotifyParams.Anonymous2.PStatusChangeParams; p != nil {
		n.mask = p.DwNotifyMask
	}
	switch {
	case code != success:
	case n.mask == 0 || n.mask&^notifyAll != 0, n.service == nil && n.mask&notifyStates != 0, n.service != nil && n.mask&^notifyStates == n.mask:
		code = invalidParameter
	default:
		if out.PhNotify, err = call.Handles.Open(call, any(n), n.end); err != nil {
			return nil, err
		}
		out.PfCreateRemoteQueue = 1
	}
	out.Return = code
	return out, nil
}

func notifyOf(call *rpc.Call, h rpc.ContextHandle) (*notify, error) {
	o, err := rpc.HandleValue[any](call, h)
	if err != nil {
		return nil, err
	}
	n, _ := o.(*notify)
	return n, nil
}

// due is the change that a client has not been told of yet.
func (m *Manager) due(n *notify) (gen.SERVICE_STATUS_PROCESS, uint32, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n.service == nil {
		return gen.SERVICE_STATUS_PROCESS{}, 0, m.changed
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	bit := uint32(1) << (n.service.state - 1)
	if n.told == n.service.sequence || n.mask&bit == 0 {
		return gen.SERVICE_STATUS_PROCESS{}, 0, m.changed
	}
	n.told = n.service.sequence
	return n.service.process(), bit, nil
}

// RGetNotifyResults waits for the change (MS-SCMR 3.1.4.44). A state that the service is in at the beginning counts as one.
func (m *Manager) RGetNotifyResults(ctx context.Context, call *rpc.Call, in *gen.RGetNotifyResultsRequest) (*gen.RGetNotifyResultsResponse, error) {
	n, err := notifyOf(call, in.HNotify)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return &gen.RGetNotifyResultsResponse{Return: invalidHandle}, nil
	}
	for {
		status, triggered, wait := m.due(n)
		if triggered != 0 {
			p := gen.SC_RPC_NOTIFY_PARAMS{DwInfoLevel: n.level}
			if n.level == 1 {
				p.Anonymous2.PStatusChangeParam1 = &gen.SERVICE_NOTIFY_STATUS_CHANGE_PARAMS_1{DwNotifyMask: n.mask, ServiceStatus: status}
			} else {
				p.Anonymous2.PStatusChangeParams = &gen.SERVICE_NOTIFY_STATUS_CHANGE_PARAMS_2{DwNotifyMask: n.mask, ServiceStatus: status, DwNotificationTriggered: triggered}
			}
			return &gen.RGetNotifyResultsResponse{PpNotifyParams: &gen.SC_RPC_NOTIFY_PARAMS_LIST{CElements: 1, NotifyParamsArray: []gen.SC_RPC_NOTIFY_PARAMS{p}}}, nil
		}
		select {
		case <-wait:
		case <-n.closed:
			return &gen.RGetNotifyResultsResponse{Return: uint32(nt.WErrRequestAborted)}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// RCloseNotifyHandle ends the wait (MS-SCMR 3.1.4.45).
func (m *Manager) RCloseNotifyHandle(_ context.Context, call *rpc.Call, in *gen.RCloseNotifyHandleRequest) (*gen.RCloseNotifyHandleResponse, error) {
	n, err := notifyOf(call, in.PhNotify)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return &gen.RCloseNotifyHandleResponse{PhNotify: in.PhNotify, Return: invalidHandle}, nil
	}
	if err := call.Handles.Close(in.PhNotify); err != nil {
		return nil, err
	}
	n.end()
	return &gen.RCloseNotifyHandleResponse{}, nil
}
