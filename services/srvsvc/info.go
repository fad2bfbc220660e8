package srvsvc

import (
	"context"

	"lwio/gen/dtyp"
	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/rpc"
)

const (
	serverType = gen.SV_TYPE_WORKSTATION | gen.SV_TYPE_SERVER | gen.SV_TYPE_NT | gen.SV_TYPE_SERVER_NT
	licenses   = 0 // of a licensing that is no more
)

// What levels 502, 503 and 599 say of Windows' server and this one has not: the defaults that Windows documents.
var serverParameters = gen.SERVER_INFO_599{
	Sv599Sessopens: 16384, Sv599Sessvcs: 1, Sv599Opensearch: 2048, Sv599Sizreqbuf: 16644, Sv599Initworkitems: 4, Sv599Maxworkitems: 1024,
	Sv599Rawworkitems: 4, Sv599Irpstacksize: 15, Sv599Maxrawbuflen: 65535, Sv599Sessusers: 2048, Sv599Sessconns: 2048,
	Sv599Maxpagedmemoryusage: 0xFFFFFFFF, Sv599Maxnonpagedmemoryusage: 0xFFFFFFFF, Sv599Enablesoftcompat: 1, Sv599Enableforcedlogoff: 1,
	Sv599Acceptdownlevelapis: 1, Sv599Maxcopyreadlen: 8192, Sv599Minkeepsearch: 480, Sv599Maxkeepsearch: 3600, Sv599Minkeepcomplsearch: 240,
	Sv599Maxkeepcomplsearch: 600, Sv599Threadcountadd: 2, Sv599Numblockthreads: 5, Sv599Scavtimeout: 30, Sv599Minrcvqueue: 2,
	Sv599Minfreeworkitems: 2, Sv599Xactmemsize: 0x100000, Sv599Threadpriority: 1, Sv599Maxmpxct: 50, Sv599Oplockbreakwait: 35,
	Sv599Oplockbreakresponsewait: 35, Sv599Enableoplocks: 1, Sv599Enableraw: 1, Sv599Enablesharednetdrives: 1, Sv599Minfreeconnections: 2,
	Sv599Maxfreeconnections: 4096, Sv599Initsesstable: 4, Sv599Initconntable: 8, Sv599Initfiletable: 16, Sv599Initsearchtable: 8,
	Sv599Alertschedule: 5, Sv599Errorthreshold: 10, Sv599Networkerrorthreshold: 5, Sv599Diskspacethreshold: 99, Sv599Maxlinkdelay: 60,
	Sv599Linkinfovalidtime: 60, Sv599Scavqosinfoupdatetime: 300, Sv599Maxworkitemidletime: 30,
}

func info502() *gen.SERVER_INFO_502 {
	p := &serverParameters
	return &gen.SERVER_INFO_502{
		Sv502Sessopens: p.Sv599Sessopens, Sv502Sessvcs: p.Sv599Sessvcs, Sv502Opensearch: p.Sv599Opensearch, Sv502Sizreqbuf: p.Sv599Sizreqbuf,
		Sv502Initworkitems: p.Sv599Initworkitems, Sv502Maxworkitems: p.Sv599Maxworkitems, Sv502Rawworkitems: p.Sv599Rawworkitems,
		Sv502Irpstacksize: p.Sv599Irpstacksize, Sv502Maxrawbuflen: p.Sv599Maxrawbuflen, Sv502Sessusers: p.Sv599Sessusers,
		Sv502Sessconns: p.Sv599Sessconns, Sv502Maxpagedmemoryusage: p.Sv599Maxpagedmemoryusage,
		Sv502Maxnonpagedmemoryusage: p.Sv599Maxnonpagedmemoryusage, Sv502Enablesoftcompat: p.Sv599Enablesoftcompat,
		Sv502Enableforcedlogoff: p.Sv599Enableforcedlogoff, Sv502Timesource: p.Sv599Timesource,
		Sv502Acceptdownlevelapis: p.Sv599Acceptdownlevelapis, Sv502Lmannounce: p.Sv599Lmannounce,
	}
}

func info503(domain *string) *gen.SERVER_INFO_503 {
	p := &serverParameters
	return &gen.SERVER_INFO_503{
		Sv503Sessopens: p.Sv599Sessopens, Sv503Sessvcs: p.Sv599Sessvcs, Sv503Opensearch: p.Sv599Opensearch, Sv503Sizreqbuf: p.Sv599Sizreqbuf,
		Sv503Initworkitems: p.Sv599Initworkitems, Sv503Maxworkitems: p.Sv599Maxworkitems, Sv503Rawworkitems: p.Sv599Rawworkitems,
		Sv503Irpstacksize: p.Sv599Irpstacksize, Sv503Maxrawbuflen: p.Sv599Maxrawbuflen, Sv503Sessusers: p.Sv599Sessusers,
		Sv503Sessconns: p.Sv599Sessconns, Sv503Maxpagedmemoryusage: p.Sv599Maxpagedmemoryusage,
		Sv503Maxnonpagedmemoryusage: p.Sv599Maxnonpagedmemoryusage, Sv503Enablesoftcompat: p.Sv599Enablesoftcompat,
		Sv503Enableforcedlogoff: p.Sv599Enableforcedlogoff, Sv503Timesource: p.Sv599Timesource,
		Sv503Acceptdownlevelapis: p.Sv599Acceptdownlevelapis, Sv503Lmannounce: p.Sv599Lmannounce, Sv503Domain: domain,
		Sv503Maxcopyreadlen: p.Sv599Maxcopyreadlen, Sv503Maxcopywritelen: p.Sv599Maxcopywritelen, Sv503Minkeepsearch: p.Sv599Minkeepsearch,
		Sv503Maxkeepsearch: p.Sv599Maxkeepsearch, Sv503Minkeepcomplsearch: p.Sv599Minkeepcomplsearch,
		Sv503Maxkeepcomplsearch: p.Sv599Maxkeepcomplsearch, Sv503Threadcountadd: p.Sv599Threadcountadd,
		Sv503Numblockthreads: p.Sv599Numblockthreads, Sv503Scavtimeout: p.Sv599Scavtimeout, Sv503Minrcvqueue: p.Sv599Minrcvqueue,
		Sv503Minfreeworkitems: p.Sv599Minfreeworkitems, Sv503Xactmemsize: p.Sv599Xactmemsize, Sv503Threadpriority: p.Sv599Threadpriority,
		Sv503Maxmpxct: p.Sv599Maxmpxct, Sv503Oplockbreakwait: p.Sv599Oplockbreakwait,
		Sv503Oplockbreakresponsewait: p.Sv599Oplockbreakresponsewait, Sv503Enableoplocks: p.Sv599Enableoplocks,
		Sv503Enableoplockforceclose: p.Sv599Enableoplockforceclose, Sv503Enablefcbopens: p.Sv599Enablefcbopens,
		Sv503Enableraw: p.Sv599Enableraw, Sv503Enablesharednetdrives: p.Sv599Enablesharednetdrives,
		Sv503Minfreeconnections: p.Sv599Minfreeconnections, Sv503Maxfreeconnections: p.Sv599Maxfreeconnections,
	}
}

// serverNow reads what the device says of the server.
func (s *Server) serverNow(ctx context.Context) (*srvctl.SRVCTL_SERVER, uint32, error) {
	res, err := s.client.SrvServerGet(ctx, &srvctl.SrvServerGetRequest{})
	if err != nil {
		result, err := s.failed(ctx, err)
		return nil, result, err
	}
	return &res.Server, res.Return, nil
}

// NetrServerGetInfo describes the server (MS-SRVS 3.1.4.17).
func (s *Server) NetrServerGetInfo(ctx context.Context, call *rpc.Call, in *gen.NetrServerGetInfoRequest) (*gen.NetrServerGetInfoResponse, error) {
	level := nobody
	switch in.Level {
	case 100, 101:
		level = user
	case 102, 103, 502, 503, 599:
		level = administrator
	}
	out := &gen.NetrServerGetInfoResponse{Return: admit(call, user, level)}
	if out.Return != success {
		return out, nil
	}
	v, result, err := s.serverNow(ctx)
	if out.Return = result; err != nil || result != success {
		return out, err
	}
	name, u := present(v.Name), &out.InfoStruct
	switch in.Level {
	case 100:
		u.Value = &dtyp.SERVER_INFO_100{Sv100PlatformId: gen.PLATFORM_ID_NT, Sv100Name: name}
	case 101:
		u.Value = &dtyp.SERVER_INFO_101{
			Sv101PlatformId: gen.PLATFORM_ID_NT, Sv101Name: name, Sv101VersionMajor: s.cfg.VersionMajor, Sv101VersionMinor: s.cfg.VersionMinor,
			Sv101VersionType: serverType, Sv101Comment: present(v.Comment),
		}
	case 102:
		u.Value = &gen.SERVER_INFO_102{
			Sv102PlatformId: gen.PLATFORM_ID_NT, Sv102Name: name, Sv102VersionMajor: s.cfg.VersionMajor, Sv102VersionMinor: s.cfg.VersionMinor,
			Sv102Type: serverType, Sv102Comment: present(v.Comment), Sv102Users: v.Users, Sv102Disc: int32(v.Disc), Sv102Hidden: int32(v.Hidden),
			Sv102Announce: v.Announce, Sv102Anndelta: v.AnnounceDelta, Sv102Licenses: licenses, Sv102Userpath: present(v.UserPath),
		}
	case 103:
		u.Value = &gen.SERVER_INFO_103{
			Sv103PlatformId: gen.PLATFORM_ID_NT, Sv103Name: name, Sv103VersionMajor: s.cfg.VersionMajor, Sv103VersionMinor: s.cfg.VersionMinor,
			Sv103Type: serverType, Sv103Comment: present(v.Comment), Sv103Users: v.Users, Sv103Disc: int32(v.Disc), Sv103Hidden: int32(v.Hidden),
			Sv103Announce: v.Announce, Sv103Anndelta: v.AnnounceDelta, Sv103Licenses: licenses, Sv103Userpath: present(v.UserPath),
		}
	case 502:
		u.Value = info502()
	case 503:
		u.Value = info503(present(v.Domain))
	case 599:
		i := serverParameters
		i.Sv599Domain = present(v.Domain)
		u.Value = &i
	}
	return out, nil
}

// Members of server structures (lmserver.h), for ParmErr.
const (
	parmComment  = 5
	parmDisc     = 10
	parmHidden   = 16
	parmAnnounce = 17
	parmAnnDelta = 18
	parmUsers    = 107

	maxAnnounce = 65535 // seconds, MS-SRVS 2.2.4.41
	maxAnnDelta = 65535 // milliseconds
)

// serverEdit is what a level says of the server; what is nil stays.
type serverEdit struct {
	comment                   *string
	users, announce, anndelta *uint32
	disc, hidden              *int32
}

// serverEditOf gives the edit of a level. Levels of parameters that this server has not are known, and empty.
func serverEditOf(level uint32, u *gen.SERVER_INFO) (e serverEdit, present, known bool) {
	switch level {
	case 101:
		if i, _ := u.Value.(*dtyp.SERVER_INFO_101); i != nil {
			return serverEdit{comment: i.Sv101Comment}, true, true
		}
	case 102:
		if i, _ := u.Value.(*gen.SERVER_INFO_102); i != nil {
			return serverEdit{i.Sv102Comment, &i.Sv102Users, &i.Sv102Announce, &i.Sv102Anndelta, &i.Sv102Disc, &i.Sv102Hidden}, true, true
		}
	case 103:
		if i, _ := u.Value.(*gen.SERVER_INFO_103); i != nil {
			return serverEdit{i.Sv103Comment, &i.Sv103Users, &i.Sv103Announce, &i.Sv103Anndelta, &i.Sv103Disc, &i.Sv103Hidden}, true, true
		}
	case 1005:
		if i, _ := u.Value.(*gen.SERVER_INFO_1005); i != nil {
			return serverEdit{comment: i.Sv1005Comment}, true, true
		}
	case 1010:
		if i, _ := u.Value.(*gen.SERVER_INFO_1010); i != nil {
			return serverEdit{disc: &i.Sv1010Disc}, true, true
		}
	case 1016:
		if i, _ := u.Value.(*gen.SERVER_INFO_1016); i != nil {
			return serverEdit{hidden: &i.Sv1016Hidden}, true, true
		}
	case 1017:
		if i, _ := u.Value.(*gen.SERVER_INFO_1017); i != nil {
			return serverEdit{announce: &i.Sv1017Announce}, true, true
		}
	case 1018:
		if i, _ := u.Value.(*gen.SERVER_INFO_1018); i != nil {
			return serverEdit{anndelta: &i.Sv1018Anndelta}, true, true
		}
	case 1107:
		if i, _ := u.Value.(*gen.SERVER_INFO_1107); i != nil {
			return serverEdit{users: &i.Sv1107Users}, true, true
		}
	default:
		return e, false, false
	}
	return e, false, true
}

// parameterLevel reports the levels that set parameters of Windows' server only (MS-SRVS 3.1.4.18).
func parameterLevel(level uint32) bool {
	switch level {
	case 502, 503, 599, 1501, 1502, 1503, 1506, 1509, 1518, 1520, 1521, 1528, 1529, 1530:
		return true
	case 1517, 1519, 1526, 1527, 1531, 1532, 1551:
		return false
	}
	return level >= 1510 && level <= 1525 || level >= 1533 && level <= 1556
}

// NetrServerSetInfo changes comment, limits and announcement (MS-SRVS 3.1.4.18). Levels that set what this server has not answer
// ERROR_NOT_SUPPORTED.
func (s *Server) NetrServerSetInfo(ctx context.Context, call *rpc.Call, in *gen.NetrServerSetInfoRequest) (*gen.NetrServerSetInfoResponse, error) {
	e, given, known := serverEditOf(in.Level, &in.ServerInfo)
	level := nobody
	if known || parameterLevel(in.Level) {
		level = administrator
	}
	r := refusal{result: admit(call, administrator, level)}
	switch {
	case r.result != success:
	case !known:
		r = refusal{notSupported, parmNone}
	case !given:
		r = refusal{invalidParam, parmUnknown}
	default:
		var err error
		if r, err = s.serverSet(ctx, e); err != nil {
			return nil, err
		}
		s.changed(call, "server changed", "", r.result)
	}
	return &gen.NetrServerSetInfoResponse{ParmErr: r.parmErr(in.ParmErr), Return: r.result}, nil
}

func (s *Server) serverSet(ctx context.Context, e serverEdit) (refusal, error) {
	if r := checkRemark(e.comment); r.result != success {
		return refusal{r.result, parmComment}, nil
	}
	v, result, err := s.serverNow(ctx)
	if err != nil || result != success {
		return refusal{result, parmNone}, err
	}
	if e.comment != nil {
		v.Comment = e.comment
	}
	if e.users != nil {
		if *e.users == 0 {
			return refusal{invalidParam, parmUsers}, nil
		}
		v.Users = *e.users
	}
	if e.disc != nil {
		if *e.disc < -1 {
			return refusal{invalidParam, parmDisc}, nil
		}
		v.Disc = uint32(*e.disc)
	}
	if e.hidden != nil {
		if *e.hidden&^1 != 0 {
			return refusal{invalidParam, parmHidden}, nil
		}
		v.Hidden = uint32(*e.hidden)
	}
	if e.announce != nil {
		if *e.announce == 0 || *e.announce > maxAnnounce {
			return refusal{invalidParam, parmAnnounce}, nil
		}
		v.Announce = *e.announce
	}
	if e.anndelta != nil {
		if *e.anndelta > maxAnnDelta {
			return refusal{invalidParam, parmAnnDelta}, nil
		}
		v.AnnounceDelta = *e.anndelta
	}
	res, err := s.client.SrvServerSet(ctx, &srvctl.SrvServerSetRequest{Server: *v})
	if err != nil {
		result, err := s.failed(ctx, err)
		return refusal{result, parmNone}, err
	}
	return refused(res.Return), nil
}
