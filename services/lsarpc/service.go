package lsarpc

import (
	"context"
	"errors"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// Config is what the service stands on.
type Config struct {
	// Authority resolves names and SIDs and names the host. It is required.
	Authority auth.Authority
	// Policy is the security policy that is administered. Nil means a new one that is kept in memory.
	Policy *state.LSA
	// Workgroup is the workgroup of a host that is in no domain. Empty means WORKGROUP.
	Workgroup string
	// DomainGUID is that of the host's domain; zero if it is in none or in one without.
	DomainGUID nt.GUID
}

// Service implements lsarpc.
type Service struct {
	gen.UnimplementedLsarpcServer
	cfg Config
	lsa *state.LSA
}

var _ gen.LsarpcServer = (*Service)(nil)

// New makes the service.
func New(cfg Config) *Service {
	if cfg.Workgroup == "" {
		cfg.Workgroup = "WORKGROUP"
	}
	s := &Service{cfg: cfg, lsa: cfg.Policy}
	if s.lsa == nil {
		lsa, err := state.NewLSA(context.Background(), state.NewMemory())
		if err != nil {
			panic(err) // a new policy in memory
		}
		s.lsa = lsa
	}
	return s
}

// onPipe refuses what is not for TCP (MS-LSAD 2.1, MS-LSAT 2.1).
func onPipe(call *rpc.Call) error {
	if call.Transport == rpc.TransportTCP {
		return rpc.FaultAccessDenied
	}
	return nil
}

// isRemote reports a caller of another machine.
func isRemote(call *rpc.Call) bool {
	return call.Transport != rpc.TransportLocal
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

// failures says which status tells of an error of the policy.
var failures = []struct {
	err    error
	status nt.Status
}{
	{state.ErrLSAAccountExists, nt.StatusObjectNameCollision},
	{state.ErrLSASecretExists, nt.StatusObjectNameCollision},
	{state.ErrNoLSAAccount, nt.StatusObjectNameNotFound},
	{state.ErrNoLSASecret, nt.StatusObjectNameNotFound},
	{state.ErrLSASecretName, nt.StatusInvalidParameter},
	{state.ErrLSASecretValue, nt.StatusSecretTooLong},
	{state.ErrLSAFull, nt.StatusInsufficientResources},
}

// statusOf is what a caller is told of an error.
func statusOf(err error) nt.Status {
	if err == nil {
		return nt.StatusSuccess
	}
	for _, f := range failures {
		if errors.Is(err, f.err) {
			return f.status
		}
	}
	return nt.StatusOf(err)
}
