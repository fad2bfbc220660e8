package lsarpc

import (
	"context"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// A host that is no domain controller trusts no domain by itself: it has no trusted domain objects, and none can be made.

// LsarCreateTrustedDomain is refused (MS-LSAD 3.1.4.7.12).
func (s *Service) LsarCreateTrustedDomain(_ context.Context, call *rpc.Call, in *gen.LsarCreateTrustedDomainRequest) (*gen.LsarCreateTrustedDomainResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyTrustAdmin, nt.StatusDirectoryServiceRequired)
	return &gen.LsarCreateTrustedDomainResponse{Return: result(status)}, err
}

// LsarCreateTrustedDomainEx is refused (MS-LSAD 3.1.4.7.11).
func (s *Service) LsarCreateTrustedDomainEx(_ context.Context, call *rpc.Call, in *gen.LsarCreateTrustedDomainExRequest) (*gen.LsarCreateTrustedDomainExResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyTrustAdmin, nt.StatusDirectoryServiceRequired)
	return &gen.LsarCreateTrustedDomainExResponse{Return: result(status)}, err
}

// LsarCreateTrustedDomainEx2 is refused (MS-LSAD 3.1.4.7.10).
func (s *Service) LsarCreateTrustedDomainEx2(_ context.Context, call *rpc.Call, in *gen.LsarCreateTrustedDomainEx2Request) (*gen.LsarCreateTrustedDomainEx2Response, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyTrustAdmin, nt.StatusDirectoryServiceRequired)
	return &gen.LsarCreateTrustedDomainEx2Response{Return: result(status)}, err
}

// LsarCreateTrustedDomainEx3 is refused (MS-LSAD 3.1.4.7.17).
func (s *Service) LsarCreateTrustedDomainEx3(_ context.Context, call *rpc.Call, in *gen.LsarCreateTrustedDomainEx3Request) (*gen.LsarCreateTrustedDomainEx3Response, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyTrustAdmin, nt.StatusDirectoryServiceRequired)
	return &gen.LsarCreateTrustedDomainEx3Response{Return: result(status)}, err
}

// LsarEnumerateTrustedDomains finds none (MS-LSAD 3.1.4.7.8).
func (s *Service) LsarEnumerateTrustedDomains(_ context.Context, call *rpc.Call, in *gen.LsarEnumerateTrustedDomainsRequest) (*gen.LsarEnumerateTrustedDomainsResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyViewLocalInformation, nt.StatusNoMoreEntries)
	return &gen.LsarEnumerateTrustedDomainsResponse{EnumerationContext: in.EnumerationContext, Return: result(status)}, err
}

// LsarEnumerateTrustedDomainsEx finds none (MS-LSAD 3.1.4.7.7).
func (s *Service) LsarEnumerateTrustedDomainsEx(_ context.Context, call *rpc.Call, in *gen.LsarEnumerateTrustedDomainsExRequest) (*gen.LsarEnumerateTrustedDomainsExResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyViewLocalInformation, nt.StatusNoMoreEntries)
	return &gen.LsarEnumerateTrustedDomainsExResponse{EnumerationContext: in.EnumerationContext, Return: result(status)}, err
}

// LsarOpenTrustedDomain finds none (MS-LSAD 3.1.4.7.1).
func (s *Service) LsarOpenTrustedDomain(_ context.Context, call *rpc.Call, in *gen.LsarOpenTrustedDomainRequest) (*gen.LsarOpenTrustedDomainResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, 0, nt.StatusNoSuchDomain)
	if _, bad := sidOf(&in.TrustedDomainSid); status == nt.StatusNoSuchDomain && bad != nt.StatusSuccess {
		status = bad
	}
	return &gen.LsarOpenTrustedDomainResponse{Return: result(status)}, err
}

// LsarOpenTrustedDomainByName finds none (MS-LSAD 3.1.4.7.9).
func (s *Service) LsarOpenTrustedDomainByName(_ context.Context, call *rpc.Call, in *gen.LsarOpenTrustedDomainByNameRequest) (*gen.LsarOpenTrustedDomainByNameResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, 0, nt.StatusObjectNameNotFound)
	return &gen.LsarOpenTrustedDomainByNameResponse{Return: result(status)}, err
}

// LsarQueryInfoTrustedDomain has no handle to a trusted domain that would be valid (MS-LSAD 3.1.4.7.13).
func (s *Service) LsarQueryInfoTrustedDomain(_ context.Context, call *rpc.Call, in *gen.LsarQueryInfoTrustedDomainRequest) (*gen.LsarQueryInfoTrustedDomainResponse, error) {
	_, _, err := objectOf[object](call, in.TrustedDomainHandle, 0)
	return &gen.LsarQueryInfoTrustedDomainResponse{Return: result(nt.StatusInvalidHandle)}, err
}

// LsarSetInformationTrustedDomain has no handle to a trusted domain that would be valid (MS-LSAD 3.1.4.7.14).
func (s *Service) LsarSetInformationTrustedDomain(_ context.Context, call *rpc.Call, in *gen.LsarSetInformationTrustedDomainRequest) (*gen.LsarSetInformationTrustedDomainResponse, error) {
	_, _, err := objectOf[object](call, in.TrustedDomainHandle, 0)
	return &gen.LsarSetInformationTrustedDomainResponse{Return: result(nt.StatusInvalidHandle)}, err
}

// LsarQueryTrustedDomainInfo finds none (MS-LSAD 3.1.4.7.2).
func (s *Service) LsarQueryTrustedDomainInfo(_ context.Context, call *rpc.Call, in *gen.LsarQueryTrustedDomainInfoRequest) (*gen.LsarQueryTrustedDomainInfoResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyViewLocalInformation, trustClass(in.InformationClass, nt.StatusNoSuchDomain))
	return &gen.LsarQueryTrustedDomainInfoResponse{Return: result(status)}, err
}

// LsarSetTrustedDomainInfo finds none (MS-LSAD 3.1.4.7.3).
func (s *Service) LsarSetTrustedDomainInfo(_ context.Context, call *rpc.Call, in *gen.LsarSetTrustedDomainInfoRequest) (*gen.LsarSetTrustedDomainInfoResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyTrustAdmin, trustClass(in.InformationClass, nt.StatusNoSuchDomain))
	return &gen.LsarSetTrustedDomainInfoResponse{Return: result(status)}, err
}

// LsarDeleteTrustedDomain finds none (MS-LSAD 3.1.4.7.4).
func (s *Service) LsarDeleteTrustedDomain(_ context.Context, call *rpc.Call, in *gen.LsarDeleteTrustedDomainRequest) (*gen.LsarDeleteTrustedDomainResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyTrustAdmin, nt.StatusNoSuchDomain)
	return &gen.LsarDeleteTrustedDomainResponse{Return: result(status)}, err
}

// LsarQueryTrustedDomainInfoByName finds none (MS-LSAD 3.1.4.7.5).
func (s *Service) LsarQueryTrustedDomainInfoByName(_ context.Context, call *rpc.Call, in *gen.LsarQueryTrustedDomainInfoByNameRequest) (*gen.LsarQueryTrustedDomainInfoByNameResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyViewLocalInformation, trustClass(in.InformationClass, nt.StatusObjectNameNotFound))
	return &gen.LsarQueryTrustedDomainInfoByNameResponse{Return: result(status)}, err
}

// LsarSetTrustedDomainInfoByName finds none (MS-LSAD 3.1.4.7.6).
func (s *Service) LsarSetTrustedDomainInfoByName(_ context.Context, call *rpc.Call, in *gen.LsarSetTrustedDomainInfoByNameRequest) (*gen.LsarSetTrustedDomainInfoByNameResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyTrustAdmin, trustClass(in.InformationClass, nt.StatusObjectNameNotFound))
	return &gen.LsarSetTrustedDomainInfoByNameResponse{Return: result(status)}, err
}

// LsarQueryForestTrustInformation is for domain controllers of a forest (MS-LSAD 3.1.4.7.15).
func (s *Service) LsarQueryForestTrustInformation(_ context.Context, call *rpc.Call, in *gen.LsarQueryForestTrustInformationRequest) (*gen.LsarQueryForestTrustInformationResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyViewLocalInformation, nt.StatusInvalidDomainState)
	return &gen.LsarQueryForestTrustInformationResponse{Return: result(status)}, err
}

// LsarSetForestTrustInformation is for domain controllers of a forest (MS-LSAD 3.1.4.7.16).
func (s *Service) LsarSetForestTrustInformation(_ context.Context, call *rpc.Call, in *gen.LsarSetForestTrustInformationRequest) (*gen.LsarSetForestTrustInformationResponse, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyTrustAdmin, nt.StatusInvalidDomainState)
	return &gen.LsarSetForestTrustInformationResponse{Return: result(status)}, err
}

// LsarQueryForestTrustInformation2 is for domain controllers of a forest (MS-LSAD 3.1.4.7.18).
func (s *Service) LsarQueryForestTrustInformation2(_ context.Context, call *rpc.Call, in *gen.LsarQueryForestTrustInformation2Request) (*gen.LsarQueryForestTrustInformation2Response, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyViewLocalInformation, nt.StatusInvalidDomainState)
	return &gen.LsarQueryForestTrustInformation2Response{Return: result(status)}, err
}

// LsarSetForestTrustInformation2 is for domain controllers of a forest (MS-LSAD 3.1.4.7.19).
func (s *Service) LsarSetForestTrustInformation2(_ context.Context, call *rpc.Call, in *gen.LsarSetForestTrustInformation2Request) (*gen.LsarSetForestTrustInformation2Response, error) {
	status, err := noTrusts(call, in.PolicyHandle, nt.PolicyTrustAdmin, nt.StatusInvalidDomainState)
	return &gen.LsarSetForestTrustInformation2Response{Return: result(status)}, err
}

// noTrusts checks the handle and what it needs; the answer is otherwise that there are none.
func noTrusts(call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask, answer nt.Status) (nt.Status, error) {
	if status, err := policyOf(call, h, need); err != nil || status != nt.StatusSuccess {
		return status, err
	}
	return answer, nil
}

// trustClass is the answer, unless the class of information is none.
func trustClass(class gen.TRUSTED_INFORMATION_CLASS, answer nt.Status) nt.Status {
	if class < gen.TrustedDomainNameInformation || class > gen.TrustedDomainFullInformationInternalAes {
		return nt.StatusInvalidParameter
	}
	return answer
}
