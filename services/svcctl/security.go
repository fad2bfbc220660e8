package svcctl

import (
	"context"

	gen "lwio/gen/svcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

const (
	servicesKey   = `MACHINE\SYSTEM\CurrentControlSet\Services\`
	securityValue = "Security"
	regBinary     = 3
)

// kept is the descriptor that a service was given, or that of new ones.
func (m *Manager) kept(name string) *nt.SecurityDescriptor {
	if m.registry == nil {
		return serviceSecurity
	}
	k, err := m.registry.Open(m.registry.Root(), servicesKey+name+`\Security`)
	if err != nil {
		return serviceSecurity
	}
	v, err := m.registry.Value(k, securityValue)
	if err != nil {
		return serviceSecurity
	}
	sd, err := nt.ParseSecurityDescriptor(v.Data)
	if err != nil || sd.Valid() != nil {
		return serviceSecurity
	}
	return sd
}

// keep writes it to the registry, where administrators alone see it.
func (m *Manager) keep(ctx context.Context, name string, sd *nt.SecurityDescriptor) error {
	if m.registry == nil {
		return nil
	}
	own, err := nt.ParseSDDL("O:BAG:SYD:P(A;CI;KA;;;BA)(A;CI;KA;;;SY)", nt.SID{})
	if err != nil {
		return err
	}
	k, err := m.registry.Seed(servicesKey+name+`\Security`, own)
	if err != nil {
		return err
	}
	return m.registry.SetValue(ctx, k, state.RegistryValue{Name: securityValue, Type: regBinary, Data: sd.Append(nil)})
}

const parts = nt.OwnerSecurityInformation | nt.GroupSecurityInformation | nt.DACLSecurityInformation | nt.SACLSecurityInformation

// RQueryServiceObjectSecurity reads parts of a descriptor (MS-SCMR 3.1.4.5).
func (m *Manager) RQueryServiceObjectSecurity(_ context.Context, call *rpc.Call, in *gen.RQueryServiceObjectSecurityRequest) (*gen.RQueryServiceObjectSecurityResponse, error) {
	info := nt.SecurityInformation(in.DwSecurityInformation)
	o, code, err := objectOf[object](call, in.HService, info.QueryAccess())
	if err != nil || code != success {
		return &gen.RQueryServiceObjectSecurityResponse{Return: code}, err
	}
	if info&parts == 0 || info&^parts != 0 {
		return &gen.RQueryServiceObjectSecurityResponse{Return: invalidParameter}, nil
	}
	m.mu.Lock()
	sd := m.manager
	if s, ok := o.(*serviceHandle); ok {
		sd = s.security
	}
	m.mu.Unlock()
	buf, needed, code := fit(sd.Select(info).Append(nil), in.CbBufSize)
	return &gen.RQueryServiceObjectSecurityResponse{LpSecurityDescriptor: buf, PcbBytesNeeded: needed, Return: code}, nil
}

// RSetServiceObjectSecurity replaces parts of a service's descriptor (MS-SCMR 3.1.4.6). That of the manager stays as it is.
func (m *Manager) RSetServiceObjectSecurity(ctx context.Context, call *rpc.Call, in *gen.RSetServiceObjectSecurityRequest) (*gen.RSetServiceObjectSecurityResponse, error) {
	info := nt.SecurityInformation(in.DwSecurityInformation)
	o, code, err := objectOf[object](call, in.HService, info.SetAccess())
	if err != nil || code != success {
		return &gen.RSetServiceObjectSecurityResponse{Return: code}, err
	}
	s, ok := o.(*serviceHandle)
	if !ok {
		return &gen.RSetServiceObjectSecurityResponse{Return: accessDenied}, nil
	}
	return &gen.RSetServiceObjectSecurityResponse{Return: m.setSecurity(ctx, call, s.service, info, in.LpSecurityDescriptor)}, nil
}

func (m *Manager) setSecurity(ctx context.Context, call *rpc.Call, s *service, info nt.SecurityInformation, b []byte) uint32 {
	if info&parts == 0 || info&^parts != 0 {
		return invalidParameter
	}
	sd, err := nt.ParseSecurityDescriptor(b)
	switch {
	case err != nil:
		return invalidParameter
	case info&nt.OwnerSecurityInformation != 0 && !call.Token.CanOwn(sd.Owner) && !call.Token.HasPrivilege(nt.SeRestorePrivilege):
		return uint32(nt.WErrInvalidOwner)
	}
	s.control.Lock()
	defer s.control.Unlock()
	m.mu.Lock()
	merged := s.security.Merge(sd, info)
	m.mu.Unlock()
	if merged.Valid() != nil {
		return uint32(nt.WErrInvalidAcl)
	}
	if err := m.keep(ctx, s.Name, merged); err != nil {
		return uint32(nt.StatusOf(err).Win32())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s.security = merged
	return success
}
