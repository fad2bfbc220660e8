package svcctl

import (
	"context"
	"slices"
	"strings"

	gen "lwio/gen/svcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// dependencies are the services that one depends on, as they are sent: with slashes between (MS-SCMR 2.2.15).
func (s *service) dependencies() string { return strings.Join(s.DependOn, "/") }

// RQueryServiceConfigW tells how a service is configured (MS-SCMR 3.1.4.17).
func (m *Manager) RQueryServiceConfigW(_ context.Context, call *rpc.Call, in *gen.RQueryServiceConfigWRequest) (*gen.RQueryServiceConfigWResponse, error) {
	s, code, err := objectOf[*serviceHandle](call, in.HService, nt.ServiceQueryConfig)
	if err != nil || code != success {
		return &gen.RQueryServiceConfigWResponse{Return: code}, err
	}
	depend := s.dependencies()
	needed := uint32(36)
	for _, t := range []string{s.Image, s.Group, depend, s.Account, s.Display} {
		needed += uint32(2*nt.UTF16Len(t) + 2)
	}
	if needed > in.CbBufSize {
		return &gen.RQueryServiceConfigWResponse{PcbBytesNeeded: needed, Return: insufficientBuffer}, nil
	}
	return &gen.RQueryServiceConfigWResponse{PcbBytesNeeded: needed, LpServiceConfig: gen.QUERY_SERVICE_CONFIGW{DwServiceType: s.Type, DwStartType: s.Start, DwErrorControl: ErrorNormal,
		LpBinaryPathName: &s.Image, LpLoadOrderGroup: &s.Group, LpDependencies: &depend, LpServiceStartName: &s.Account, LpDisplayName: &s.Display}}, nil
}

// RQueryServiceConfigA does the same in octets.
func (m *Manager) RQueryServiceConfigA(_ context.Context, call *rpc.Call, in *gen.RQueryServiceConfigARequest) (*gen.RQueryServiceConfigAResponse, error) {
	s, code, err := objectOf[*serviceHandle](call, in.HService, nt.ServiceQueryConfig)
	if err != nil || code != success {
		return &gen.RQueryServiceConfigAResponse{Return: code}, err
	}
	depend := s.dependencies()
	needed := uint32(36)
	for _, t := range []string{s.Image, s.Group, depend, s.Account, s.Display} {
		needed += uint32(len(t) + 1)
	}
	if needed > in.CbBufSize {
		return &gen.RQueryServiceConfigAResponse{PcbBytesNeeded: needed, Return: insufficientBuffer}, nil
	}
	return &gen.RQueryServiceConfigAResponse{PcbBytesNeeded: needed, LpServiceConfig: gen.QUERY_SERVICE_CONFIGA{DwServiceType: s.Type, DwStartType: s.Start, DwErrorControl: ErrorNormal,
		LpBinaryPathName: &s.Image, LpLoadOrderGroup: &s.Group, LpDependencies: &depend, LpServiceStartName: &s.Account, LpDisplayName: &s.Display}}, nil
}

// more is the further configuration of a level, as it lies in the buffer (MS-SCMR 3.1.4.37): a description, no actions, and else what is so by default.
func (s *service) more(level uint32, wide bool) ([]byte, bool) {
	switch level {
	case 1:
		if s.Description == "" {
			return appendWords(nil, 0), true
		}
		return append(appendWords(nil, 4), stringBytes(s.Description, wide)...), true
	case 2: // SERVICE_FAILURE_ACTIONS_WOW64
		return appendWords(nil, 0, 0, 0, 0, 0), true
	case 3, 4, 5, 6:
		return appendWords(nil, 0), true
	case 7: // the time that the system gives services to end
		return appendWords(nil, 10000), true
	}
	return nil, false
}

func (m *Manager) queryMore(call *rpc.Call, h rpc.ContextHandle, level, size uint32, wide bool) ([]byte, uint32, uint32, error) {
	s, code, err := objectOf[*serviceHandle](call, h, nt.ServiceQueryConfig)
	if err != nil || code != success {
		return nil, 0, code, err
	}
	data, ok := s.more(level, wide)
	if !ok {
		return nil, 0, invalidLevel, nil
	}
	buf, needed, code := fit(data, size)
	return buf, needed, code, nil
}

// RQueryServiceConfig2W tells the further configuration.
func (m *Manager) RQueryServiceConfig2W(_ context.Context, call *rpc.Call, in *gen.RQueryServiceConfig2WRequest) (*gen.RQueryServiceConfig2WResponse, error) {
	buf, needed, code, err := m.queryMore(call, in.HService, in.DwInfoLevel, in.CbBufSize, true)
	return &gen.RQueryServiceConfig2WResponse{LpBuffer: buf, PcbBytesNeeded: needed, Return: code}, err
}

// RQueryServiceConfig2A does the same in octets.
func (m *Manager) RQueryServiceConfig2A(_ context.Context, call *rpc.Call, in *gen.RQueryServiceConfig2ARequest) (*gen.RQueryServiceConfig2AResponse, error) {
	buf, needed, code, err := m.queryMore(call, in.HService, in.DwInfoLevel, in.CbBufSize, false)
	return &gen.RQueryServiceConfig2AResponse{LpBuffer: buf, PcbBytesNeeded: needed, Return: code}, err
}

// RQueryServiceConfigEx tells what starts and stops a service by itself, which is nothing (MS-SCMR 3.1.4.48). There is no other level.
func (m *Manager) RQueryServiceConfigEx(_ context.Context, call *rpc.Call, in *gen.RQueryServiceConfigExRequest) (*gen.RQueryServiceConfigExResponse, error) {
	if in.DwInfoLevel != 8 {
		return nil, rpc.FaultEnumRange
	}
	_, code, err := objectOf[*serviceHandle](call, in.HService, nt.ServiceQueryConfig)
	out := &gen.RQueryServiceConfigExResponse{PInfo: gen.SC_RPC_CONFIG_INFOW{DwInfoLevel: 8}, Return: code}
	if code == success {
		out.PInfo.Anonymous2.Psti = &gen.SERVICE_TRIGGER_INFO{}
	}
	return out, err
}

const noChange = 0xFFFFFFFF

// change is what the two calls that configure a service anew ask for.
type change struct {
	kind, start, errors            uint32
	image, group, account, display *string
	tag                            *uint32
	depend                         []byte
	password                       []byte
	wide                           bool
}

// changeConfig refuses changes (MS-SCMR 3.1.4.11): what is asked for is checked, and succeeds if it is as it is already.
func (m *Manager) changeConfig(call *rpc.Call, h rpc.ContextHandle, c change) (uint32, error) {
	s, code, err := objectOf[*serviceHandle](call, h, nt.ServiceChangeConfig)
	if err != nil || code != success {
		return code, err
	}
	if c.kind != noChange && c.kind&^uint32(0x1FF) != 0 || c.start != noChange && c.start > 4 || c.errors != noChange && c.errors > 3 {
		return invalidParameter, nil
	}
	same := func(want *string, have string) bool { return want == nil || nt.EqualFold(*want, have) }
	var names []string
	if c.depend != nil {
		text := string(c.depend)
		if c.wide {
			text = nt.DecodeUTF16(c.depend)
		}
		names = strings.FieldsFunc(text, func(r rune) bool { return r == 0 || r == '/' })
	}
	switch {
	case c.kind != noChange && c.kind != s.Type, c.start != noChange && c.start != s.Start, c.errors != noChange && c.errors != ErrorNormal,
		!same(c.image, s.Image), !same(c.group, s.Group), !same(c.account, s.Account), !same(c.display, s.Display), len(c.password) > 0,
		c.depend != nil && !slices.EqualFunc(names, s.DependOn, nt.EqualFold):
		return accessDenied, nil
	}
	return success, nil
}

// RChangeServiceConfigW refuses changes.
func (m *Manager) RChangeServiceConfigW(_ context.Context, call *rpc.Call, in *gen.RChangeServiceConfigWRequest) (*gen.RChangeServiceConfigWResponse, error) {
	code, err := m.changeConfig(call, in.HService, change{in.DwServiceType, in.DwStartType, in.DwErrorControl, in.LpBinaryPathName, in.LpLoadOrderGroup, in.LpServiceStartName,
		in.LpDisplayName, in.LpdwTagId, in.LpDependencies, in.LpPassword, true})
	return &gen.RChangeServiceConfigWResponse{LpdwTagId: in.LpdwTagId, Return: code}, err
}

// RChangeServiceConfigA refuses changes.
func (m *Manager) RChangeServiceConfigA(_ context.Context, call *rpc.Call, in *gen.RChangeServiceConfigARequest) (*gen.RChangeServiceConfigAResponse, error) {
	code, err := m.changeConfig(call, in.HService, change{in.DwServiceType, in.DwStartType, in.DwErrorControl, in.LpBinaryPathName, in.LpLoadOrderGroup, in.LpServiceStartName,
		in.LpDisplayName, in.LpdwTagId, in.LpDependencies, in.LpPassword, false})
	return &gen.RChangeServiceConfigAResponse{LpdwTagId: in.LpdwTagId, Return: code}, err
}

// denied is the answer to a change of the services, after the handle has been looked at.
func denied[T object](call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask) (uint32, error) {
	_, code, err := objectOf[T](call, h, need)
	if err == nil && code == success {
		code = accessDenied
	}
	return code, err
}

// RChangeServiceConfig2W is denied (MS-SCMR 3.1.4.35).
func (m *Manager) RChangeServiceConfig2W(_ context.Context, call *rpc.Call, in *gen.RChangeServiceConfig2WRequest) (*gen.RChangeServiceConfig2WResponse, error) {
	code, err := denied[*serviceHandle](call, in.HService, nt.ServiceChangeConfig)
	return &gen.RChangeServiceConfig2WResponse{Return: code}, err
}

// RChangeServiceConfig2A is denied.
func (m *Manager) RChangeServiceConfig2A(_ context.Context, call *rpc.Call, in *gen.RChangeServiceConfig2ARequest) (*gen.RChangeServiceConfig2AResponse, error) {
	code, err := denied[*serviceHandle](call, in.HService, nt.ServiceChangeConfig)
	return &gen.RChangeServiceConfig2AResponse{Return: code}, err
}

// RDeleteService is denied (MS-SCMR 3.1.4.3).
func (m *Manager) RDeleteService(_ context.Context, call *rpc.Call, in *gen.RDeleteServiceRequest) (*gen.RDeleteServiceResponse, error) {
	code, err := denied[*serviceHandle](call, in.HService, nt.Delete)
	return &gen.RDeleteServiceResponse{Return: code}, err
}

// RCreateServiceW is denied (MS-SCMR 3.1.4.12).
func (m *Manager) RCreateServiceW(_ context.Context, call *rpc.Call, in *gen.RCreateServiceWRequest) (*gen.RCreateServiceWResponse, error) {
	code, err := denied[*managerHandle](call, in.HSCManager, nt.SCManagerCreateService)
	return &gen.RCreateServiceWResponse{LpdwTagId: in.LpdwTagId, Return: code}, err
}

// RCreateServiceA is denied.
func (m *Manager) RCreateServiceA(_ context.Context, call *rpc.Call, in *gen.RCreateServiceARequest) (*gen.RCreateServiceAResponse, error) {
	code, err := denied[*managerHandle](call, in.HSCManager, nt.SCManagerCreateService)
	return &gen.RCreateServiceAResponse{LpdwTagId: in.LpdwTagId, Return: code}, err
}

// RCreateServiceWOW64W is denied.
func (m *Manager) RCreateServiceWOW64W(_ context.Context, call *rpc.Call, in *gen.RCreateServiceWOW64WRequest) (*gen.RCreateServiceWOW64WResponse, error) {
	code, err := denied[*managerHandle](call, in.HSCManager, nt.SCManagerCreateService)
	return &gen.RCreateServiceWOW64WResponse{LpdwTagId: in.LpdwTagId, Return: code}, err
}

// RCreateServiceWOW64A is denied.
func (m *Manager) RCreateServiceWOW64A(_ context.Context, call *rpc.Call, in *gen.RCreateServiceWOW64ARequest) (*gen.RCreateServiceWOW64AResponse, error) {
	code, err := denied[*managerHandle](call, in.HSCManager, nt.SCManagerCreateService)
	return &gen.RCreateServiceWOW64AResponse{LpdwTagId: in.LpdwTagId, Return: code}, err
}

// RCreateWowService is denied.
func (m *Manager) RCreateWowService(_ context.Context, call *rpc.Call, in *gen.RCreateWowServiceRequest) (*gen.RCreateWowServiceResponse, error) {
	code, err := denied[*managerHandle](call, in.HSCManager, nt.SCManagerCreateService)
	return &gen.RCreateWowServiceResponse{LpdwTagId: in.LpdwTagId, Return: code}, err
}

// RSetServiceStatus is for the processes of services, which do not come by RPC (MS-SCMR 3.1.4.8).
func (m *Manager) RSetServiceStatus(_ context.Context, call *rpc.Call, in *gen.RSetServiceStatusRequest) (*gen.RSetServiceStatusResponse, error) {
	_, code, err := objectOf[object](call, in.HServiceStatus, 0)
	if code == success {
		code = invalidHandle
	}
	return &gen.RSetServiceStatusResponse{Return: code}, err
}

// RNotifyBootConfigStatus is denied (MS-SCMR 3.1.4.10).
func (m *Manager) RNotifyBootConfigStatus(context.Context, *rpc.Call, *gen.RNotifyBootConfigStatusRequest) (*gen.RNotifyBootConfigStatusResponse, error) {
	return &gen.RNotifyBootConfigStatusResponse{Return: accessDenied}, nil
}
