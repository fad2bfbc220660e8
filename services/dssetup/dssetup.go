// Package dssetup tells what part this host plays in its domain: the one operation of the interface that is still on the wire (MS-DSSP
// 3.2.5.1). Object pickers and joiners ask it, on the pipes of lsarpc.
//
// It decides nothing and changes nothing: an auth.Authority says what the host and its domain are called. A host of ours is a member server or in
// no domain, never a domain controller, and it is not being promoted.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.DssetupInterface, dssetup.New(dssetup.Config{Authority: accounts}))
//
// Everybody who is authenticated may ask; the null session is denied.
package dssetup

import (
	"context"

	gen "lwio/gen/dssetup"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Config is what the service stands on.
type Config struct {
	// Authority names the host and its domain. It is required.
	Authority auth.Authority
	// Workgroup is the workgroup of a host that is in no domain. Empty means WORKGROUP.
	Workgroup string
	// DomainGUID is that of the host's domain; zero if it is in none or in one without.
	DomainGUID nt.GUID
}

// Service implements dssetup.
type Service struct {
	gen.UnimplementedDssetupServer
	cfg Config
}

var _ gen.DssetupServer = (*Service)(nil)

// New makes the service.
func New(cfg Config) *Service {
	if cfg.Workgroup == "" {
		cfg.Workgroup = "WORKGROUP"
	}
	return &Service{cfg: cfg}
}

// DsRolerGetPrimaryDomainInformation tells the role, or that nothing is going on: neither an upgrade nor a promotion.
func (s *Service) DsRolerGetPrimaryDomainInformation(_ context.Context, call *rpc.Call, in *gen.DsRolerGetPrimaryDomainInformationRequest) (*gen.DsRolerGetPrimaryDomainInformationResponse, error) {
	var info gen.DSROLER_PRIMARY_DOMAIN_INFORMATION
	switch {
	case call.Token.Anonymous:
		return &gen.DsRolerGetPrimaryDomainInformationResponse{Return: uint32(nt.WErrAccessDenied)}, nil
	case in.InfoLevel == gen.DsRolePrimaryDomainInfoBasic:
		info.DomainInfoBasic = s.basic()
	case in.InfoLevel == gen.DsRoleUpgradeStatus:
		info.UpgradStatusInfo = &gen.DSROLE_UPGRADE_STATUS_INFO{PreviousServerState: gen.DsRoleServerUnknown}
	case in.InfoLevel == gen.DsRoleOperationState:
		info.OperationStateInfo = &gen.DSROLE_OPERATION_STATE_INFO{OperationState: gen.DsRoleOperationIdle}
	default:
		return &gen.DsRolerGetPrimaryDomainInformationResponse{Return: uint32(nt.WErrInvalidParameter)}, nil
	}
	return &gen.DsRolerGetPrimaryDomainInformationResponse{DomainInfo: &info}, nil
}

// basic is the role with the names that go with it. A workgroup has a flat name only.
func (s *Service) basic() *gen.DSROLER_PRIMARY_DOMAIN_INFO_BASIC {
	h := s.cfg.Authority.Host()
	if h.Domain == "" || nt.EqualFold(h.Domain, h.Name) { // Host names itself where it is in no domain
		return &gen.DSROLER_PRIMARY_DOMAIN_INFO_BASIC{MachineRole: gen.DsRoleRoleStandaloneServer, DomainNameFlat: &s.cfg.Workgroup}
	}
	x := &gen.DSROLER_PRIMARY_DOMAIN_INFO_BASIC{
		MachineRole:      gen.DsRoleRoleMemberServer,
		DomainNameFlat:   present(h.Domain),
		DomainNameDns:    present(h.DNSDomain),
		DomainForestName: present(h.DNSForest),
		DomainGuid:       s.cfg.DomainGUID,
	}
	if !x.DomainGuid.IsZero() {
		x.Flags = gen.DSROLE_PRIMARY_DOMAIN_GUID_PRESENT
	}
	return x
}

// present is s, or NULL where there is none.
func present(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
