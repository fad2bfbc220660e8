package srvsvc

import (
	"context"

	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

type listener = srvctl.SRVCTL_LISTENER

// noAdapter is the address of the network adapter of a transport that has none of its own.
const noAdapter = "000000000000"

// transportAddress is a NetBIOS name: 15 characters, filled with blanks, and the server's suffix (RFC 1001 14.1).
func transportAddress(name string) []byte {
	const length, suffix = 16, ' '
	b := make([]byte, length)
	for i := range b {
		b[i] = ' '
	}
	copy(b[:length-1], nt.Upcase(name))
	b[length-1] = suffix
	return b
}

// NetrServerTransportEnum lists where the server listens (MS-SRVS 3.1.4.24).
func (s *Server) NetrServerTransportEnum(ctx context.Context, call *rpc.Call, in *gen.NetrServerTransportEnumRequest) (*gen.NetrServerTransportEnumResponse, error) {
	out := &gen.NetrServerTransportEnumResponse{ResumeHandle: in.ResumeHandle}
	level := in.InfoStruct.Level
	out.InfoStruct.Level = level
	needs := nobody
	if level <= 3 {
		needs = administrator
	}
	if out.Return = admit(call, administrator, needs); out.Return != success {
		return out, nil
	}
	v, result, err := s.serverNow(ctx)
	if out.Return = result; err != nil || result != success {
		return out, err
	}
	res, err := s.client.SrvListenerEnum(ctx, &srvctl.SrvListenerEnumRequest{})
	if err != nil {
		out.Return, err = s.failed(ctx, err)
		return out, err
	}
	if out.Return = res.Return; out.Return != success {
		return out, nil
	}
	list, domain := res.Listeners.Listeners, present(v.Domain)
	address, network := transportAddress(ndr.Text(v.Name)), ndr.String(noAdapter)
	length := uint32(len(address))
	w := windowOf(len(list), in.ResumeHandle, in.PreferedMaximumLength, func(i int) int {
		size := entrySize(20, present(list[i].Name), network) + 4 + len(address)
		switch {
		case level == 3:
			return entrySize(size+12+256, domain)
		case level >= 1:
			return entrySize(size+8, domain)
		}
		return size
	})
	out.TotalEntries, out.ResumeHandle, out.Return = w.total, w.resume, w.result
	n, u := uint32(w.to-w.from), &out.InfoStruct.XportInfo
	switch level {
	case 0:
		u.Level0 = &gen.SERVER_XPORT_INFO_0_CONTAINER{EntriesRead: n, Buffer: entries(list, w, func(l *listener) gen.SERVER_TRANSPORT_INFO_0 {
			return gen.SERVER_TRANSPORT_INFO_0{Svti0Numberofvcs: l.Connections, Svti0Transportname: present(l.Name), Svti0Transportaddress: address,
				Svti0Transportaddresslength: length, Svti0Networkaddress: network}
		})}
	case 1:
		u.Level1 = &gen.SERVER_XPORT_INFO_1_CONTAINER{EntriesRead: n, Buffer: entries(list, w, func(l *listener) gen.SERVER_TRANSPORT_INFO_1 {
			return gen.SERVER_TRANSPORT_INFO_1{Svti1Numberofvcs: l.Connections, Svti1Transportname: present(l.Name), Svti1Transportaddress: address,
				Svti1Transportaddresslength: length, Svti1Networkaddress: network, Svti1Domain: domain}
		})}
	case 2:
		u.Level2 = &gen.SERVER_XPORT_INFO_2_CONTAINER{EntriesRead: n, Buffer: entries(list, w, func(l *listener) gen.SERVER_TRANSPORT_INFO_2 {
			return gen.SERVER_TRANSPORT_INFO_2{Svti2Numberofvcs: l.Connections, Svti2Transportname: present(l.Name), Svti2Transportaddress: address,
				Svti2Transportaddresslength: length, Svti2Networkaddress: network, Svti2Domain: domain}
		})}
	case 3:
		u.Level3 = &gen.SERVER_XPORT_INFO_3_CONTAINER{EntriesRead: n, Buffer: entries(list, w, func(l *listener) gen.SERVER_TRANSPORT_INFO_3 {
			return gen.SERVER_TRANSPORT_INFO_3{Svti3Numberofvcs: l.Connections, Svti3Transportname: present(l.Name), Svti3Transportaddress: address,
				Svti3Transportaddresslength: length, Svti3Networkaddress: network, Svti3Domain: domain}
		})}
	}
	return out, nil
}

// NetrServerAliasEnum lists the server's other names (MS-SRVS 3.1.4.45): it has none.
func (s *Server) NetrServerAliasEnum(_ context.Context, call *rpc.Call, in *gen.NetrServerAliasEnumRequest) (*gen.NetrServerAliasEnumResponse, error) {
	out := &gen.NetrServerAliasEnumResponse{ResumeHandle: in.ResumeHandle}
	out.InfoStruct.Level = in.InfoStruct.Level
	level := nobody
	if in.InfoStruct.Level == 0 {
		level = administrator
	}
	if out.Return = admit(call, administrator, level); out.Return != success {
		return out, nil
	}
	w := windowOf(0, in.ResumeHandle, in.PreferedMaximumLength, nil)
	out.InfoStruct.ServerAliasInfo.Level0 = &gen.SERVER_ALIAS_INFO_0_CONTAINER{}
	out.ResumeHandle = w.resume
	return out, nil
}
