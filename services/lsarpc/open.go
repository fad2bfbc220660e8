package lsarpc

import (
	"context"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// open checks the caller and makes a policy handle. The handle needs no rundown: it holds nothing.
func (s *Service) open(call *rpc.Call, attributes *gen.LSAPR_OBJECT_ATTRIBUTES, desired uint32) (rpc.ContextHandle, nt.Status, error) {
	if err := onPipe(call); err != nil {
		return rpc.ContextHandle{}, 0, err
	}
	if attributes.RootDirectory != nil {
		return rpc.ContextHandle{}, nt.StatusInvalidParameter, nil
	}
	granted, status := grant(call, s.lsa.Policy().Security, desired, nt.GenericMappingPolicy)
	if status != nt.StatusSuccess {
		return rpc.ContextHandle{}, status, nil
	}
	h, err := call.Handles.Open(call, &policy{granted}, nil)
	return h, nt.StatusSuccess, err
}

// LsarOpenPolicy opens the policy (MS-LSAD 3.1.4.4.2).
func (s *Service) LsarOpenPolicy(_ context.Context, call *rpc.Call, in *gen.LsarOpenPolicyRequest) (*gen.LsarOpenPolicyResponse, error) {
	h, status, err := s.open(call, &in.ObjectAttributes, in.DesiredAccess)
	if err != nil {
		return nil, err
	}
	return &gen.LsarOpenPolicyResponse{PolicyHandle: h, Return: result(status)}, nil
}

// LsarOpenPolicy2 opens the policy (MS-LSAD 3.1.4.4.1).
func (s *Service) LsarOpenPolicy2(_ context.Context, call *rpc.Call, in *gen.LsarOpenPolicy2Request) (*gen.LsarOpenPolicy2Response, error) {
	h, status, err := s.open(call, &in.ObjectAttributes, in.DesiredAccess)
	if err != nil {
		return nil, err
	}
	return &gen.LsarOpenPolicy2Response{PolicyHandle: h, Return: result(status)}, nil
}

// LsarOpenPolicy3 opens the policy and tells which features the server has: none, since trusts are not served (MS-LSAD 3.1.4.4.9).
// Windows 11 and Server 2025 call it first and give up where they get a fault.
func (s *Service) LsarOpenPolicy3(_ context.Context, call *rpc.Call, in *gen.LsarOpenPolicy3Request) (*gen.LsarOpenPolicy3Response, error) {
	h, status, err := s.open(call, &in.ObjectAttributes, in.DesiredAccess)
	if err != nil {
		return nil, err
	}
	return &gen.LsarOpenPolicy3Response{
		OutVersion:      1,
		OutRevisionInfo: gen.LSAPR_REVISION_INFO{V1: &gen.LSAPR_REVISION_INFO_V1{Revision: 1}},
		PolicyHandle:    h,
		Return:          result(status),
	}, nil
}
