package wkssvc

import (
	"cmp"
	"context"
	"slices"

	gen "lwio/gen/wkssvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// NetrWkstaUserEnum lists who is logged on (MS-WKST 3.2.4.3), sorted, so that a resume handle goes on where the last call ended. The
// container that comes in is not looked at: Samba's rpcclient sends none.
func (s *Service) NetrWkstaUserEnum(ctx context.Context, call *rpc.Call, in *gen.NetrWkstaUserEnumRequest) (*gen.NetrWkstaUserEnumResponse, error) {
	out := &gen.NetrWkstaUserEnumResponse{UserInfo: gen.WKSTA_USER_ENUM_STRUCT{Level: in.UserInfo.Level}, ResumeHandle: in.ResumeHandle}
	switch {
	case in.UserInfo.Level > 1:
		out.Return = invalidLevel
	case !call.Token.IsAdmin():
		out.Return = accessDenied
	}
	if out.Return != success {
		return out, nil
	}
	users, err := s.cfg.Users(ctx)
	if err != nil {
		out.Return = failed(err)
		return out, nil
	}
	users = slices.Clone(users)
	slices.SortStableFunc(users, func(a, b User) int {
		return cmp.Or(nt.CompareFold(a.Domain, b.Domain), nt.CompareFold(a.Name, b.Name))
	})
	p := pageOf(len(users), in.ResumeHandle, in.PreferredMaximumLength, func(i int) int {
		if in.UserInfo.Level == 0 {
			return sizeOf(4, users[i].Name)
		}
		return sizeOf(16, users[i].Name, users[i].Domain, "", users[i].Server)
	})
	out.TotalEntries, out.ResumeHandle, out.Return = p.total, p.resume, p.result
	shown, other := users[p.from:p.to], ""
	if in.UserInfo.Level == 0 {
		list := make([]gen.WKSTA_USER_INFO_0, len(shown))
		for i := range shown {
			list[i].Wkui0Username = &shown[i].Name
		}
		out.UserInfo.WkstaUserInfo.Level0 = &gen.WKSTA_USER_INFO_0_CONTAINER{Buffer: list}
		return out, nil
	}
	list := make([]gen.WKSTA_USER_INFO_1, len(shown))
	for i := range shown {
		list[i] = gen.WKSTA_USER_INFO_1{Wkui1Username: &shown[i].Name, Wkui1LogonDomain: &shown[i].Domain, Wkui1OthDomains: &other, Wkui1LogonServer: &shown[i].Server}
	}
	out.UserInfo.WkstaUserInfo.Level1 = &gen.WKSTA_USER_INFO_1_CONTAINER{Buffer: list}
	return out, nil
}
