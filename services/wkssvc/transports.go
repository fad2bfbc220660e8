package wkssvc

import (
	"context"

	gen "lwio/gen/wkssvc"
	"lwio/rpc"
)

// NetrWkstaTransportEnum lists the networks (MS-WKST 3.2.4.4).
func (s *Service) NetrWkstaTransportEnum(ctx context.Context, call *rpc.Call, in *gen.NetrWkstaTransportEnumRequest) (*gen.NetrWkstaTransportEnumResponse, error) {
	out := &gen.NetrWkstaTransportEnumResponse{TransportInfo: gen.WKSTA_TRANSPORT_ENUM_STRUCT{Level: in.TransportInfo.Level}, ResumeHandle: in.ResumeHandle}
	switch {
	case in.TransportInfo.Level != 0:
		out.Return = invalidLevel
	case !isAuthenticated(call):
		out.Return = accessDenied
	}
	if out.Return != success {
		return out, nil
	}
	all, err := s.cfg.Transports(ctx)
	if err != nil {
		out.Return = failed(err)
		return out, nil
	}
	p := pageOf(len(all), in.ResumeHandle, in.PreferredMaximumLength, func(i int) int { return sizeOf(20, all[i].Name, all[i].Address) })
	out.TotalEntries, out.ResumeHandle, out.Return = p.total, p.resume, p.result
	list := make([]gen.WKSTA_TRANSPORT_INFO_0, 0, p.to-p.from)
	for _, t := range all[p.from:p.to] {
		list = append(list, gen.WKSTA_TRANSPORT_INFO_0{
			Wkti0QualityOfService: allCircuits, Wkti0NumberOfVcs: t.Circuits, Wkti0TransportName: &t.Name, Wkti0TransportAddress: &t.Address, Wkti0WanIsh: routableAsWAN,
		})
	}
	out.TransportInfo.WkstaTransportInfo.Level0 = &gen.WKSTA_TRANSPORT_INFO_0_CONTAINER{Buffer: list}
	return out, nil
}
