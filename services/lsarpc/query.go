package lsarpc

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// classes tells what each class of information needs and how it is made (MS-LSAD 3.1.4.4.3). A class without an entry, or that may
// only be set, or that only a domain controller has, is STATUS_INVALID_PARAMETER.
var classes = [...]struct {
	need nt.AccessMask
	make func(*Service, context.Context) (*gen.LSAPR_POLICY_INFORMATION, error)
}{
	gen.PolicyAuditLogInformation:           {nt.PolicyViewAuditInformation, (*Service).auditLog},
	gen.PolicyAuditEventsInformation:        {nt.PolicyViewAuditInformation, (*Service).auditEvents},
	gen.PolicyPrimaryDomainInformation:      {nt.PolicyViewLocalInformation, (*Service).primaryDomain},
	gen.PolicyPdAccountInformation:          {nt.PolicyGetPrivateInformation, (*Service).pdAccount},
	gen.PolicyAccountDomainInformation:      {nt.PolicyViewLocalInformation, (*Service).accountDomain},
	gen.PolicyLsaServerRoleInformation:      {nt.PolicyViewLocalInformation, (*Service).serverRole},
	gen.PolicyReplicaSourceInformation:      {nt.PolicyViewLocalInformation, (*Service).replicaSource},
	gen.PolicyDnsDomainInformation:          {nt.PolicyViewLocalInformation, (*Service).dnsDomain},
	gen.PolicyDnsDomainInformationInt:       {nt.PolicyViewLocalInformation, (*Service).dnsDomainInt},
	gen.PolicyLocalAccountDomainInformation: {nt.PolicyViewLocalInformation, (*Service).localAccountDomain},
}

// LsarQueryInformationPolicy tells a class of information (MS-LSAD 3.1.4.4.4).
func (s *Service) LsarQueryInformationPolicy(ctx context.Context, call *rpc.Call, in *gen.LsarQueryInformationPolicyRequest) (*gen.LsarQueryInformationPolicyResponse, error) {
	info, status, err := s.query(ctx, call, in.PolicyHandle, in.InformationClass)
	if err != nil {
		return nil, err
	}
	return &gen.LsarQueryInformationPolicyResponse{PolicyInformation: info, Return: result(status)}, nil
}

// LsarQueryInformationPolicy2 tells a class of information (MS-LSAD 3.1.4.4.3).
func (s *Service) LsarQueryInformationPolicy2(ctx context.Context, call *rpc.Call, in *gen.LsarQueryInformationPolicy2Request) (*gen.LsarQueryInformationPolicy2Response, error) {
	info, status, err := s.query(ctx, call, in.PolicyHandle, in.InformationClass)
	if err != nil {
		return nil, err
	}
	return &gen.LsarQueryInformationPolicy2Response{PolicyInformation: info, Return: result(status)}, nil
}

func (s *Service) query(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, class gen.POLICY_INFORMATION_CLASS) (*gen.LSAPR_POLICY_INFORMATION, nt.Status, error) {
	if status, err := policyOf(call, h, 0); err != nil || status != nt.StatusSuccess {
		return nil, status, err
	}
	if int(class) >= len(classes) || classes[class].make == nil {
		return nil, nt.StatusInvalidParameter, nil
	}
	if status, err := policyOf(call, h, classes[class].need); err != nil || status != nt.StatusSuccess {
		return nil, status, err
	}
	info, err := classes[class].make(s, ctx)
	if err != nil {
		return nil, nt.StatusOf(err), nil
	}
	return info, nt.StatusSuccess, nil
}

// primaryDomain is the domain that the host is in, or else its workgroup, which has no SID.
func (s *Service) primaryDomain(ctx context.Context) (*gen.LSAPR_POLICY_INFORMATION, error) {
	h := s.cfg.Authority.Host()
	x := &gen.LSAPR_POLICY_PRIMARY_DOM_INFO{Name: terminated(s.cfg.Workgroup)}
	if isMember(h) {
		sid, err := s.domainSID(ctx, h.Domain)
		if err != nil {
			return nil, err
		}
		x.Name, x.Sid = terminated(h.Domain), dtyp.NewRPC_SID(sid)
	}
	return &gen.LSAPR_POLICY_INFORMATION{PolicyPrimaryDomainInfo: x}, nil
}

// account is the domain of the host's own accounts: itself.
func (s *Service) account() *gen.LSAPR_POLICY_ACCOUNT_DOM_INFO {
	h := s.cfg.Authority.Host()
	return &gen.LSAPR_POLICY_ACCOUNT_DOM_INFO{DomainName: terminated(h.Name), DomainSid: dtyp.NewRPC_SID(h.MachineSID)}
}

func (s *Service) accountDomain(context.Context) (*gen.LSAPR_POLICY_INFORMATION, error) {
	return &gen.LSAPR_POLICY_INFORMATION{PolicyAccountDomainInfo: s.account()}, nil
}

func (s *Service) localAccountDomain(context.Context) (*gen.LSAPR_POLICY_INFORMATION, error) {
	return &gen.LSAPR_POLICY_INFORMATION{PolicyLocalAccountDomainInfo: s.account()}, nil
}

// dns is the primary domain with its DNS names, which a workgroup has none of.
func (s *Service) dns(ctx context.Context) (*gen.LSAPR_POLICY_DNS_DOMAIN_INFO, error) {
	h := s.cfg.Authority.Host()
	if !isMember(h) {
		return &gen.LSAPR_POLICY_DNS_DOMAIN_INFO{Name: terminated(s.cfg.Workgroup)}, nil
	}
	sid, err := s.domainSID(ctx, h.Domain)
	if err != nil {
		return nil, err
	}
	return &gen.LSAPR_POLICY_DNS_DOMAIN_INFO{
		Name:          terminated(h.Domain),
		DnsDomainName: terminated(h.DNSDomain),
		DnsForestName: terminated(h.DNSForest),
		DomainGuid:    s.cfg.DomainGUID,
		Sid:           dtyp.NewRPC_SID(sid),
	}, nil
}

func (s *Service) dnsDomain(ctx context.Context) (*gen.LSAPR_POLICY_INFORMATION, error) {
	x, err := s.dns(ctx)
	return &gen.LSAPR_POLICY_INFORMATION{PolicyDnsDomainInfo: x}, err
}

func (s *Service) dnsDomainInt(ctx context.Context) (*gen.LSAPR_POLICY_INFORMATION, error) {
	x, err := s.dns(ctx)
	return &gen.LSAPR_POLICY_INFORMATION{PolicyDnsDomainInfoInt: x}, err
}

// auditLog is all zero: there is no such log (MS-LSAD 2.2.4.3 has its members unused).
func (s *Service) auditLog(context.Context) (*gen.LSAPR_POLICY_INFORMATION, error) {
	return &gen.LSAPR_POLICY_INFORMATION{PolicyAuditLogInfo: &gen.POLICY_AUDIT_LOG_INFO{}}, nil
}

// auditEvents is what is audited of each category, as it was set.
func (s *Service) auditEvents(context.Context) (*gen.LSAPR_POLICY_INFORMATION, error) {
	p := s.lsa.Policy()
	x := &gen.LSAPR_POLICY_AUDIT_EVENTS_INFO{EventAuditingOptions: p.AuditOptions[:]}
	if p.Auditing {
		x.AuditingMode = 1
	}
	return &gen.LSAPR_POLICY_INFORMATION{PolicyAuditEventsInfo: x}, nil
}

// pdAccount names no account: the class is a leftover of Windows NT 3.
func (s *Service) pdAccount(context.Context) (*gen.LSAPR_POLICY_INFORMATION, error) {
	return &gen.LSAPR_POLICY_INFORMATION{PolicyPdAccountInfo: &gen.LSAPR_POLICY_PD_ACCOUNT_INFO{}}, nil
}

// serverRole is primary unless it was set: the accounts of this host are replicated from nowhere.
func (s *Service) serverRole(context.Context) (*gen.LSAPR_POLICY_INFORMATION, error) {
	return &gen.LSAPR_POLICY_INFORMATION{PolicyServerRoleInfo: &gen.POLICY_LSA_SERVER_ROLE_INFO{LsaServerRole: gen.POLICY_LSA_SERVER_ROLE(s.lsa.Policy().ServerRole)}}, nil
}

func (s *Service) replicaSource(context.Context) (*gen.LSAPR_POLICY_INFORMATION, error) {
	p := s.lsa.Policy()
	return &gen.LSAPR_POLICY_INFORMATION{PolicyReplicaSourceInfo: &gen.LSAPR_POLICY_REPLICA_SRCE_INFO{
		ReplicaSource: terminated(p.ReplicaSource), ReplicaAccountName: terminated(p.ReplicaAccount),
	}}, nil
}

// terminated is s with room for a terminator that is not sent. Windows clients take the names of domains for terminated and run on
// into what follows where MaximumLength says that there is no room. An empty name is NULL.
func terminated(s string) dtyp.RPC_UNICODE_STRING {
	if s == "" {
		return dtyp.RPC_UNICODE_STRING{}
	}
	x := dtyp.NewRPC_UNICODE_STRING(s)
	x.MaximumLength = uint16(min(int(x.Length)+2, 0xFFFE))
	return x
}
