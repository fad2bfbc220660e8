package lsarpc

import (
	"context"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// setters tells what setting each class of information needs and how it is done (MS-LSAD 3.1.4.4.5). A class without an entry cannot be set.
var setters = [...]struct {
	need nt.AccessMask
	set  func(*Service, context.Context, *gen.LSAPR_POLICY_INFORMATION) error
}{
	gen.PolicyAuditLogInformation:           {nt.PolicyAuditLogAdmin, (*Service).setNothing},
	gen.PolicyAuditEventsInformation:        {nt.PolicySetAuditRequirements, (*Service).setAuditEvents},
	gen.PolicyPrimaryDomainInformation:      {nt.PolicyTrustAdmin, (*Service).setPrimaryDomain},
	gen.PolicyAccountDomainInformation:      {nt.PolicyTrustAdmin, (*Service).setAccountDomain},
	gen.PolicyLsaServerRoleInformation:      {nt.PolicyServerAdmin, (*Service).setServerRole},
	gen.PolicyReplicaSourceInformation:      {nt.PolicyServerAdmin, (*Service).setReplicaSource},
	gen.PolicyDnsDomainInformation:          {nt.PolicyTrustAdmin, (*Service).setDNSDomain},
	gen.PolicyDnsDomainInformationInt:       {nt.PolicyTrustAdmin, (*Service).setDNSDomain},
	gen.PolicyLocalAccountDomainInformation: {nt.PolicyTrustAdmin, (*Service).setAccountDomain},
}

// LsarSetInformationPolicy sets a class of information (MS-LSAD 3.1.4.4.6).
func (s *Service) LsarSetInformationPolicy(ctx context.Context, call *rpc.Call, in *gen.LsarSetInformationPolicyRequest) (*gen.LsarSetInformationPolicyResponse, error) {
	status, err := s.setPolicy(ctx, call, in.PolicyHandle, in.InformationClass, &in.PolicyInformation)
	return &gen.LsarSetInformationPolicyResponse{Return: result(status)}, err
}

// LsarSetInformationPolicy2 sets a class of information (MS-LSAD 3.1.4.4.5).
func (s *Service) LsarSetInformationPolicy2(ctx context.Context, call *rpc.Call, in *gen.LsarSetInformationPolicy2Request) (*gen.LsarSetInformationPolicy2Response, error) {
	status, err := s.setPolicy(ctx, call, in.PolicyHandle, in.InformationClass, &in.PolicyInformation)
	return &gen.LsarSetInformationPolicy2Response{Return: result(status)}, err
}

func (s *Service) setPolicy(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, class gen.POLICY_INFORMATION_CLASS, info *gen.LSAPR_POLICY_INFORMATION) (nt.Status, error) {
	if status, err := policyOf(call, h, 0); err != nil || status != nt.StatusSuccess {
		return status, err
	}
	if int(class) >= len(setters) || setters[class].set == nil {
		return nt.StatusInvalidParameter, nil
	}
	if status, err := policyOf(call, h, setters[class].need); err != nil || status != nt.StatusSuccess {
		return status, err
	}
	return statusOf(setters[class].set(s, ctx, info)), nil
}

// setNothing is for what a host of today only tells.
func (s *Service) setNothing(context.Context, *gen.LSAPR_POLICY_INFORMATION) error {
	return nt.StatusNotImplemented
}

// Options of a category of events (MS-LSAD 2.2.4.4). One that says unchanged, which is none of them, is left as it is.
const (
	auditSuccess = 1
	auditFailure = 2
	auditNone    = 4
)

// setAuditEvents takes options for the categories that are given; the others stay.
func (s *Service) setAuditEvents(ctx context.Context, info *gen.LSAPR_POLICY_INFORMATION) error {
	x := info.PolicyAuditEventsInfo
	if x == nil || len(x.EventAuditingOptions) > state.AuditCategories {
		return nt.StatusInvalidParameter
	}
	for _, o := range x.EventAuditingOptions {
		if o&^(auditSuccess|auditFailure|auditNone) != 0 {
			return nt.StatusInvalidParameter
		}
	}
	return s.lsa.ChangePolicy(ctx, func(p *state.LSAPolicy) error {
		p.Auditing = x.AuditingMode != 0
		for i, o := range x.EventAuditingOptions {
			switch {
			case o&auditNone != 0:
				p.AuditOptions[i] = 0
			case o != 0:
				p.AuditOptions[i] = o
			}
		}
		return nil
	})
}

func (s *Service) setServerRole(ctx context.Context, info *gen.LSAPR_POLICY_INFORMATION) error {
	x := info.PolicyServerRoleInfo
	if x == nil || x.LsaServerRole != gen.PolicyServerRoleBackup && x.LsaServerRole != gen.PolicyServerRolePrimary {
		return nt.StatusInvalidParameter
	}
	return s.lsa.ChangePolicy(ctx, func(p *state.LSAPolicy) error { p.ServerRole = uint32(x.LsaServerRole); return nil })
}

func (s *Service) setReplicaSource(ctx context.Context, info *gen.LSAPR_POLICY_INFORMATION) error {
	x := info.PolicyReplicaSourceInfo
	if x == nil {
		return nt.StatusInvalidParameter
	}
	return s.lsa.ChangePolicy(ctx, func(p *state.LSAPolicy) error {
		p.ReplicaSource, p.ReplicaAccount = x.ReplicaSource.String(), x.ReplicaAccountName.String()
		return nil
	})
}

// Who this host is and which domain it is in is not the policy's to change: the machine's SID stands in accounts and descriptors, and a domain is
// joined or left, not named. What is set to what it is anyway succeeds.

func (s *Service) setPrimaryDomain(ctx context.Context, info *gen.LSAPR_POLICY_INFORMATION) error {
	have, err := s.primaryDomain(ctx)
	if err != nil {
		return err
	}
	x, is := info.PolicyPrimaryDomainInfo, have.PolicyPrimaryDomainInfo
	return unchanged(x != nil && nt.EqualFold(x.Name.String(), is.Name.String()) && sameSID(x.Sid.SID, is.Sid.SID))
}

func (s *Service) setAccountDomain(_ context.Context, info *gen.LSAPR_POLICY_INFORMATION) error {
	x, is := info.PolicyAccountDomainInfo, s.account()
	if x == nil {
		x = info.PolicyLocalAccountDomainInfo
	}
	return unchanged(x != nil && nt.EqualFold(x.DomainName.String(), is.DomainName.String()) && sameSID(x.DomainSid.SID, is.DomainSid.SID))
}

func (s *Service) setDNSDomain(ctx context.Context, info *gen.LSAPR_POLICY_INFORMATION) error {
	is, err := s.dns(ctx)
	if err != nil {
		return err
	}
	x := info.PolicyDnsDomainInfo
	if x == nil {
		x = info.PolicyDnsDomainInfoInt
	}
	return unchanged(x != nil && nt.EqualFold(x.Name.String(), is.Name.String()) && nt.EqualFold(x.DnsDomainName.String(), is.DnsDomainName.String()) &&
		nt.EqualFold(x.DnsForestName.String(), is.DnsForestName.String()) && x.DomainGuid == is.DomainGuid && sameSID(x.Sid.SID, is.Sid.SID))
}

func sameSID(a, b func() (nt.SID, error)) bool {
	x, err := a()
	if err != nil {
		return false
	}
	y, err := b()
	return err == nil && x == y
}

func unchanged(same bool) error {
	if same {
		return nil
	}
	return nt.StatusNotImplemented
}
