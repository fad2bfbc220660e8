package lsarpc

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// maxEFS bounds the recovery policy of encrypted files, which is a blob of certificates.
const maxEFS = 64 << 10

// LsarQueryDomainInformationPolicy tells what is called the domain's policy and is this host's own (MS-LSAD 3.1.4.4.7). A recovery policy that was
// never set is not found.
func (s *Service) LsarQueryDomainInformationPolicy(_ context.Context, call *rpc.Call, in *gen.LsarQueryDomainInformationPolicyRequest) (*gen.LsarQueryDomainInformationPolicyResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyViewLocalInformation)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarQueryDomainInformationPolicyResponse{Return: result(status)}
	if status != nt.StatusSuccess {
		return out, nil
	}
	p := s.lsa.Policy()
	x := &gen.LSAPR_POLICY_DOMAIN_INFORMATION{}
	switch in.InformationClass {
	case gen.PolicyDomainQualityOfServiceInformation:
		x.PolicyDomainQualityOfServiceInfo = &gen.POLICY_DOMAIN_QUALITY_OF_SERVICE_INFO{QualityOfService: p.QualityOfService}
	case gen.PolicyDomainEfsInformation:
		if p.EFS == nil {
			out.Return = result(nt.StatusObjectNameNotFound)
			return out, nil
		}
		x.PolicyDomainEfsInfo = &gen.LSAPR_POLICY_DOMAIN_EFS_INFO{InfoLength: uint32(len(p.EFS)), EfsBlob: p.EFS}
	case gen.PolicyDomainKerberosTicketInformation:
		k := &p.Kerberos
		x.PolicyDomainKerbTicketInfo = &gen.POLICY_DOMAIN_KERBEROS_TICKET_INFO{
			AuthenticationOptions: k.Options, MaxServiceTicketAge: large(k.ServiceTicketAge), MaxTicketAge: large(k.TicketAge),
			MaxRenewAge: large(k.RenewAge), MaxClockSkew: large(k.ClockSkew), Reserved: large(k.Spare),
		}
	default:
		out.Return = result(nt.StatusInvalidParameter)
		return out, nil
	}
	out.PolicyDomainInformation = x
	return out, nil
}

func large(v int64) dtyp.LARGE_INTEGER { return dtyp.LARGE_INTEGER{QuadPart: v} }

// LsarSetDomainInformationPolicy sets it (MS-LSAD 3.1.4.4.8). NULL takes the recovery policy away.
func (s *Service) LsarSetDomainInformationPolicy(ctx context.Context, call *rpc.Call, in *gen.LsarSetDomainInformationPolicyRequest) (*gen.LsarSetDomainInformationPolicyResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyTrustAdmin)
	if err != nil {
		return nil, err
	}
	if status == nt.StatusSuccess {
		status = statusOf(s.lsa.ChangePolicy(ctx, func(p *state.LSAPolicy) error { return setDomainPolicy(p, in) }))
	}
	return &gen.LsarSetDomainInformationPolicyResponse{Return: result(status)}, nil
}

func setDomainPolicy(p *state.LSAPolicy, in *gen.LsarSetDomainInformationPolicyRequest) error {
	x := in.PolicyDomainInformation
	switch {
	case in.InformationClass == gen.PolicyDomainEfsInformation:
		if x == nil || x.PolicyDomainEfsInfo == nil || x.PolicyDomainEfsInfo.EfsBlob == nil {
			p.EFS = nil
			return nil
		}
		if len(x.PolicyDomainEfsInfo.EfsBlob) > maxEFS {
			return nt.StatusInvalidParameter
		}
		p.EFS = append([]byte{}, x.PolicyDomainEfsInfo.EfsBlob...)
	case x == nil:
		return nt.StatusInvalidParameter
	case x.PolicyDomainQualityOfServiceInfo != nil:
		p.QualityOfService = x.PolicyDomainQualityOfServiceInfo.QualityOfService
	case x.PolicyDomainKerbTicketInfo != nil:
		k := x.PolicyDomainKerbTicketInfo
		p.Kerberos = state.LSAKerberos{Options: k.AuthenticationOptions, ServiceTicketAge: k.MaxServiceTicketAge.QuadPart, TicketAge: k.MaxTicketAge.QuadPart,
			RenewAge: k.MaxRenewAge.QuadPart, ClockSkew: k.MaxClockSkew.QuadPart, Spare: k.Reserved.QuadPart}
	default:
		return nt.StatusInvalidParameter
	}
	return nil
}
