package account

import (
	"context"

	gen "lwio/gen/account"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// AccountSecretEnum lists the secrets of the security policy, without their values.
func (s *Server) AccountSecretEnum(ctx context.Context, call *rpc.Call, _ *gen.AccountSecretEnumRequest) (*gen.AccountSecretEnumResponse, error) {
	out := &gen.AccountSecretEnumResponse{Return: uint32(nt.WErrAccessDenied)}
	if !admitted(call) {
		return out, nil
	}
	if s.cfg.Secrets == nil {
		out.Return = uint32(nt.WErrNotSupported)
		return out, nil
	}
	list, err := s.cfg.Secrets(ctx)
	if out.Return, err = s.result(ctx, call, "secrets listed", "", err); err != nil {
		return nil, err
	}
	for i := range list {
		x := gen.ACCOUNT_SECRET{Name: &list[i].Name, CurrentSet: int64(list[i].CurrentSet), OldSet: int64(list[i].OldSet)}
		out.Secrets.Secrets = append(out.Secrets.Secrets, x)
	}
	return out, nil
}
