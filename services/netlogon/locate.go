package netlogon

import (
	"context"

	gen "lwio/gen/netlogon"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// noController is what the two oldest questions are answered with (NERR_DCNotFound).
const noController = 2453

// NetrGetDCName finds no controller (MS-NRPC 3.5.4.3.4).
func (s *Service) NetrGetDCName(_ context.Context, call *rpc.Call, _ *gen.NetrGetDCNameRequest) (*gen.NetrGetDCNameResponse, error) {
	return &gen.NetrGetDCNameResponse{Return: answer(call, noController)}, nil
}

// NetrGetAnyDCName finds no controller (MS-NRPC 3.5.4.3.5).
func (s *Service) NetrGetAnyDCName(_ context.Context, call *rpc.Call, _ *gen.NetrGetAnyDCNameRequest) (*gen.NetrGetAnyDCNameResponse, error) {
	return &gen.NetrGetAnyDCNameResponse{Return: answer(call, noDomain)}, nil
}

// DsrGetDcName finds no controller (MS-NRPC 3.5.4.3.3).
func (s *Service) DsrGetDcName(_ context.Context, call *rpc.Call, _ *gen.DsrGetDcNameRequest) (*gen.DsrGetDcNameResponse, error) {
	return &gen.DsrGetDcNameResponse{Return: answer(call, noDomain)}, nil
}

// DsrGetDcNameEx finds no controller (MS-NRPC 3.5.4.3.2).
func (s *Service) DsrGetDcNameEx(_ context.Context, call *rpc.Call, _ *gen.DsrGetDcNameExRequest) (*gen.DsrGetDcNameExResponse, error) {
	return &gen.DsrGetDcNameExResponse{Return: answer(call, noDomain)}, nil
}

// DsrGetDcNameEx2 finds no controller (MS-NRPC 3.5.4.3.1).
func (s *Service) DsrGetDcNameEx2(_ context.Context, call *rpc.Call, _ *gen.DsrGetDcNameEx2Request) (*gen.DsrGetDcNameEx2Response, error) {
	return &gen.DsrGetDcNameEx2Response{Return: answer(call, noDomain)}, nil
}

// DsrGetSiteName says that the host is in no site (MS-NRPC 3.5.4.3.6).
func (s *Service) DsrGetSiteName(_ context.Context, call *rpc.Call, _ *gen.DsrGetSiteNameRequest) (*gen.DsrGetSiteNameResponse, error) {
	return &gen.DsrGetSiteNameResponse{Return: answer(call, uint32(nt.WErrNoSitename))}, nil
}

// NetrLogonGetTimeServiceParentDomain finds no domain to take the time from (MS-NRPC 3.5.4.8.6).
func (s *Service) NetrLogonGetTimeServiceParentDomain(_ context.Context, call *rpc.Call, _ *gen.NetrLogonGetTimeServiceParentDomainRequest) (*gen.NetrLogonGetTimeServiceParentDomainResponse, error) {
	return &gen.NetrLogonGetTimeServiceParentDomainResponse{Return: answer(call, noDomain)}, nil
}

// DsrGetDcSiteCoverageW is for controllers (MS-NRPC 3.5.4.3.7).
func (s *Service) DsrGetDcSiteCoverageW(_ context.Context, call *rpc.Call, _ *gen.DsrGetDcSiteCoverageWRequest) (*gen.DsrGetDcSiteCoverageWResponse, error) {
	return &gen.DsrGetDcSiteCoverageWResponse{Return: answer(call, notSupported)}, nil
}

// DsrAddressToSiteNamesW is for controllers (MS-NRPC 3.5.4.3.8).
func (s *Service) DsrAddressToSiteNamesW(_ context.Context, call *rpc.Call, _ *gen.DsrAddressToSiteNamesWRequest) (*gen.DsrAddressToSiteNamesWResponse, error) {
	return &gen.DsrAddressToSiteNamesWResponse{Return: answer(call, notSupported)}, nil
}
