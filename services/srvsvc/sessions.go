package srvsvc

import (
	"context"
	"strings"

	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

type session = srvctl.SRVCTL_SESSION

// clientName is a client as the protocol spells it: with two backslashes before it.
func clientName(s *session) *string {
	name := ndr.Text(s.Client)
	if name == "" {
		name = ndr.Text(s.Address)
	}
	return ndr.String(`\\` + strings.TrimPrefix(name, `\\`))
}

func sessionInfo0(s *session) gen.SESSION_INFO_0 {
	return gen.SESSION_INFO_0{Sesi0Cname: clientName(s)}
}

func sessionInfo1(s *session) gen.SESSION_INFO_1 {
	return gen.SESSION_INFO_1{
		Sesi1Cname: clientName(s), Sesi1Username: present(s.User), Sesi1NumOpens: s.Opens, Sesi1Time: s.ConnectedSeconds, Sesi1IdleTime: s.IdleSeconds,
		Sesi1UserFlags: s.Guest,
	}
}

func sessionInfo2(s *session) gen.SESSION_INFO_2 {
	return gen.SESSION_INFO_2{
		Sesi2Cname: clientName(s), Sesi2Username: present(s.User), Sesi2NumOpens: s.Opens, Sesi2Time: s.ConnectedSeconds, Sesi2IdleTime: s.IdleSeconds,
		Sesi2UserFlags: s.Guest, Sesi2CltypeName: present(s.ClientType),
	}
}

func sessionInfo10(s *session) gen.SESSION_INFO_10 {
	return gen.SESSION_INFO_10{
		Sesi10Cname: clientName(s), Sesi10Username: present(s.User), Sesi10Time: s.ConnectedSeconds, Sesi10IdleTime: s.IdleSeconds,
	}
}

func sessionInfo502(s *session) gen.SESSION_INFO_502 {
	return gen.SESSION_INFO_502{
		Sesi502Cname: clientName(s), Sesi502Username: present(s.User), Sesi502NumOpens: s.Opens, Sesi502Time: s.ConnectedSeconds,
		Sesi502IdleTime: s.IdleSeconds, Sesi502UserFlags: s.Guest, Sesi502CltypeName: present(s.ClientType), Sesi502Transport: present(s.Transport),
	}
}

func sessionSize(level uint32, s *session) int {
	switch level {
	case 0:
		return entrySize(4, clientName(s))
	case 1:
		return entrySize(24, clientName(s), present(s.User))
	case 2:
		return entrySize(28, clientName(s), present(s.User), present(s.ClientType))
	case 10:
		return entrySize(16, clientName(s), present(s.User))
	}
	return entrySize(32, clientName(s), present(s.User), present(s.ClientType), present(s.Transport))
}

// NetrSessionEnum lists sessions (MS-SRVS 3.1.4.5).
func (s *Server) NetrSessionEnum(ctx context.Context, call *rpc.Call, in *gen.NetrSessionEnumRequest) (*gen.NetrSessionEnumResponse, error) {
	out := &gen.NetrSessionEnumResponse{ResumeHandle: in.ResumeHandle}
	level := in.InfoStruct.Level
	out.InfoStruct.Level = level
	needs := nobody
	switch level {
	case 0, 10:
		needs = user
	case 1, 2, 502:
		needs = administrator
	}
	if out.Return = admit(call, user, needs); out.Return != success {
		return out, nil
	}
	res, err := s.client.SrvSessionEnum(ctx, &srvctl.SrvSessionEnumRequest{Client: in.ClientName, User: in.UserName})
	if err != nil {
		out.Return, err = s.failed(ctx, err)
		return out, err
	}
	if out.Return = res.Return; out.Return != success {
		return out, nil
	}
	list := res.Sessions.Sessions
	w := windowOf(len(list), in.ResumeHandle, in.PreferedMaximumLength, func(i int) int { return sessionSize(level, &list[i]) })
	out.TotalEntries, out.ResumeHandle, out.Return = w.total, w.resume, w.result
	n, u := uint32(w.to-w.from), &out.InfoStruct.SessionInfo
	switch level {
	case 0:
		u.Level0 = &gen.SESSION_INFO_0_CONTAINER{EntriesRead: n, Buffer: entries(list, w, sessionInfo0)}
	case 1:
		u.Level1 = &gen.SESSION_INFO_1_CONTAINER{EntriesRead: n, Buffer: entries(list, w, sessionInfo1)}
	case 2:
		u.Level2 = &gen.SESSION_INFO_2_CONTAINER{EntriesRead: n, Buffer: entries(list, w, sessionInfo2)}
	case 10:
		u.Level10 = &gen.SESSION_INFO_10_CONTAINER{EntriesRead: n, Buffer: entries(list, w, sessionInfo10)}
	case 502:
		u.Level502 = &gen.SESSION_INFO_502_CONTAINER{EntriesRead: n, Buffer: entries(list, w, sessionInfo502)}
	}
	return out, nil
}

// NetrSessionDel ends sessions of a client, of a user, or of a user at a client (MS-SRVS 3.1.4.6).
func (s *Server) NetrSessionDel(ctx context.Context, call *rpc.Call, in *gen.NetrSessionDelRequest) (*gen.NetrSessionDelResponse, error) {
	out := &gen.NetrSessionDelResponse{Return: admit(call, administrator, administrator)}
	if out.Return != success {
		return out, nil
	}
	if ndr.Text(in.ClientName) == "" && ndr.Text(in.UserName) == "" {
		out.Return = invalidParam
		return out, nil
	}
	res, err := s.client.SrvSessionDel(ctx, &srvctl.SrvSessionDelRequest{Client: in.ClientName, User: in.UserName})
	if err != nil {
		out.Return, err = s.failed(ctx, err)
		return out, err
	}
	out.Return = res.Return
	s.changed(call, "sessions ended", strings.TrimSpace(ndr.Text(in.ClientName)+" "+ndr.Text(in.UserName)), out.Return)
	return out, nil
}
