package svcctl

import (
	"context"

	gen "lwio/gen/svcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Controls (MS-SCMR 3.1.4.2).
const (
	ControlStart       uint32 = 0 // of Service.Control alone
	ControlStop        uint32 = 1
	ControlPause       uint32 = 2
	ControlContinue    uint32 = 3
	controlInterrogate uint32 = 4
)

// right is what a control wants of the handle; zero for what is no control of clients.
func right(control uint32) nt.AccessMask {
	switch {
	case control == ControlStop:
		return nt.ServiceStop
	case control == ControlPause, control == ControlContinue, control >= 6 && control <= 10: // and the ones of parameters and bindings
		return nt.ServicePauseContinue
	case control == controlInterrogate:
		return nt.ServiceInterrogate
	case control >= 128 && control <= 255:
		return nt.ServiceUserDefinedControl
	}
	return 0
}

// take has a service do what a control asks for.
func (m *Manager) take(ctx context.Context, s *service, control uint32) uint32 {
	s.control.Lock()
	defer s.control.Unlock()
	now := m.statusOf(s).DwCurrentState
	switch {
	case control == ControlStart:
		if now != gen.SERVICE_STOPPED {
			return uint32(nt.WErrServiceAlreadyRunning)
		}
		if s.Control == nil {
			return accessDenied
		}
	case now == gen.SERVICE_STOPPED:
		return uint32(nt.WErrServiceNotActive)
	case control == controlInterrogate:
		return success
	case s.Control == nil || control > ControlContinue:
		return uint32(nt.WErrInvalidServiceControl)
	}
	next, err := s.Control(ctx, control)
	if err != nil {
		return uint32(nt.StatusOf(err).Win32())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.state != next {
		s.state = next
		s.sequence++
		close(m.changed)
		m.changed = make(chan struct{})
	}
	return success
}

func (m *Manager) control(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, control uint32) (*service, uint32, error) {
	need := right(control)
	s, code, err := objectOf[*serviceHandle](call, h, need)
	switch {
	case err != nil || code != success:
		return nil, code, err
	case need == 0:
		return nil, invalidParameter, nil
	}
	return s.service, m.take(ctx, s.service, control), nil
}

// RControlService sends a service a control (MS-SCMR 3.1.4.2).
func (m *Manager) RControlService(ctx context.Context, call *rpc.Call, in *gen.RControlServiceRequest) (*gen.RControlServiceResponse, error) {
	s, code, err := m.control(ctx, call, in.HService, in.DwControl)
	out := &gen.RControlServiceResponse{Return: code}
	if s != nil {
		out.LpServiceStatus = m.statusOf(s)
	}
	return out, err
}

// validReason checks the reason for a stop: whether it was planned, with a reason of those listed, or one of one's own (MS-SCMR 2.2.30).
func validReason(r uint32) bool {
	major, minor := r&0x00FF0000, r&0xFFFF
	switch r & 0xF0000000 {
	case 0x10000000, 0x40000000:
		return major >= 0x00010000 && major <= 0x00060000 && minor >= 1 && minor <= 0x19
	case 0x20000000:
		return major >= 0x00400000 && minor >= 0x100
	}
	return false
}

// RControlServiceExW sends a control with a reason, and tells what has become of the service (MS-SCMR 3.1.4.47).
func (m *Manager) RControlServiceExW(ctx context.Context, call *rpc.Call, in *gen.RControlServiceExWRequest) (*gen.RControlServiceExWResponse, error) {
	p := in.PControlInParams.PsrInParams
	st, code, err := m.controlEx(ctx, call, in.HService, in.DwControl, p != nil && (in.DwControl != ControlStop || validReason(p.DwReason)))
	out := &gen.RControlServiceExWResponse{Return: code}
	out.PControlOutParams.PsrOutParams = st
	return out, err
}

// RControlServiceExA does the same in octets.
func (m *Manager) RControlServiceExA(ctx context.Context, call *rpc.Call, in *gen.RControlServiceExARequest) (*gen.RControlServiceExAResponse, error) {
	p := in.PControlInParams.PsrInParams
	st, code, err := m.controlEx(ctx, call, in.HService, in.DwControl, p != nil && (in.DwControl != ControlStop || validReason(p.DwReason)))
	out := &gen.RControlServiceExAResponse{Return: code}
	out.PControlOutParams.PsrOutParams = st
	return out, err
}

func (m *Manager) controlEx(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, control uint32, valid bool) (*gen.SERVICE_CONTROL_STATUS_REASON_OUT_PARAMS, uint32, error) {
	if !valid {
		_, code, err := objectOf[*serviceHandle](call, h, 0)
		if code == success {
			code = invalidParameter
		}
		return nil, code, err
	}
	s, code, err := m.control(ctx, call, h, control)
	if s == nil {
		return nil, code, err
	}
	return &gen.SERVICE_CONTROL_STATUS_REASON_OUT_PARAMS{ServiceStatus: m.processOf(s)}, code, err
}

func (m *Manager) start(ctx context.Context, call *rpc.Call, h rpc.ContextHandle) (uint32, error) {
	s, code, err := objectOf[*serviceHandle](call, h, nt.ServiceStart)
	if err != nil || code != success {
		return code, err
	}
	return m.take(ctx, s.service, ControlStart), nil
}

// RStartServiceW starts a service (MS-SCMR 3.1.4.19). Arguments do not matter.
func (m *Manager) RStartServiceW(ctx context.Context, call *rpc.Call, in *gen.RStartServiceWRequest) (*gen.RStartServiceWResponse, error) {
	code, err := m.start(ctx, call, in.HService)
	return &gen.RStartServiceWResponse{Return: code}, err
}

// RStartServiceA starts a service.
func (m *Manager) RStartServiceA(ctx context.Context, call *rpc.Call, in *gen.RStartServiceARequest) (*gen.RStartServiceAResponse, error) {
	code, err := m.start(ctx, call, in.HService)
	return &gen.RStartServiceAResponse{Return: code}, err
}
