package lsarpc

import (
	"context"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Config is what the service stands on.
type Config struct {
	// Authority resolves names and SIDs and names the host. It is required.
	Authority auth.Authority
	// Workgroup is the workgroup of a host that is in no domain. Empty means WORKGROUP.
	Workgroup string
	// DomainGUID is that of the host's domain; zero if it is in none or in one without.
	DomainGUID nt.GUID
	// Descriptor says who may open the policy and for what. Nil means what the package doc says.
	Descriptor *nt.SecurityDescriptor
}

// Service implements lsarpc.
type Service struct {
	gen.UnimplementedLsarpcServer
	cfg Config
}

var _ gen.LsarpcServer = (*Service)(nil)

// defaultDescriptor is that of Windows but for the null session, which is in none of the groups: it may not even view local information.
const defaultDescriptor = "O:BAG:SYD:(A;;0xF1FFF;;;BA)(A;;0xF1FFF;;;SY)(A;;0x20801;;;WD)(A;;0x1000;;;LS)(A;;0x1000;;;NS)"

// New makes the service.
func New(cfg Config) *Service {
	if cfg.Workgroup == "" {
		cfg.Workgroup = "WORKGROUP"
	}
	if cfg.Descriptor == nil {
		sd, err := nt.ParseSDDL(defaultDescriptor, nt.SID{})
		if err != nil {
			panic(err) // a constant
		}
		cfg.Descriptor = sd
	}
	return &Service{cfg: cfg}
}

// policy is what a policy handle stands for.
type policy struct{ granted nt.AccessMask }

// onPipe refuses what is not for TCP (MS-LSAD 2.1, MS-LSAT 2.1).
func onPipe(call *rpc.Call) error {
	if call.Transport == rpc.TransportTCP {
		return rpc.FaultAccessDenied
	}
	return nil
}

// policyOf is the policy of a handle, if it was granted all of need. A handle that is none is an error, and with that a fault, as the
// runtime of Windows has it.
func policyOf(call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask) (nt.Status, error) {
	if err := onPipe(call); err != nil {
		return 0, err
	}
	p, err := rpc.HandleValue[*policy](call, h)
	if err != nil {
		return 0, err
	}
	if p.granted&need != need {
		return nt.StatusAccessDenied, nil
	}
	return nt.StatusSuccess, nil
}

// isMember reports whether the host is in a domain. Host names itself as its domain where it is in none.
func isMember(h auth.Host) bool { return h.Domain != "" && !nt.EqualFold(h.Domain, h.Name) }

// domainSID asks for the SID of the host's domain; it is zero where the authority does not know it now.
func (s *Service) domainSID(ctx context.Context, domain string) (nt.SID, error) {
	ids, err := s.cfg.Authority.LookupNames(ctx, []string{domain})
	if err != nil || len(ids) != 1 || ids[0].Type != auth.SIDTypeDomain {
		return nt.SID{}, err
	}
	return ids[0].SID, nil
}

// result is a status as operations return it.
func result(s nt.Status) int32 { return int32(s) }
