package lsarpc

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// LsarGetUserName tells the caller's own name, and its domain if it has asked for that (MS-LSAT 3.1.4.4). What UserName and DomainName hold
// on the way in is not looked at.
func (s *Service) LsarGetUserName(ctx context.Context, call *rpc.Call, in *gen.LsarGetUserNameRequest) (*gen.LsarGetUserNameResponse, error) {
	if err := onPipe(call); err != nil {
		return nil, err
	}
	account, domain := call.Token.Account, call.Token.Domain
	if account == "" {
		ids, err := s.cfg.Authority.LookupSIDs(ctx, []nt.SID{call.Token.User})
		if err != nil || len(ids) != 1 || ids[0].Type == auth.SIDTypeUnknown {
			return &gen.LsarGetUserNameResponse{DomainName: null(in), Return: result(nt.StatusNoneMapped)}, nil
		}
		account, domain = ids[0].Name, ids[0].Domain
	}
	user := dtyp.NewRPC_UNICODE_STRING(account)
	out := &gen.LsarGetUserNameResponse{UserName: &user, DomainName: null(in)}
	if out.DomainName != nil {
		d := dtyp.NewRPC_UNICODE_STRING(domain)
		*out.DomainName = &d
	}
	return out, nil
}

// null is where the domain goes: the pointer that comes in, which may be NULL, goes out again.
func null(in *gen.LsarGetUserNameRequest) **dtyp.RPC_UNICODE_STRING {
	if in.DomainName == nil {
		return nil
	}
	return new(*dtyp.RPC_UNICODE_STRING)
}
