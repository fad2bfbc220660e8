package windows

import (
	"testing"

	"lwio/gen/dtyp"
	"lwio/gen/srvsvc"
	"lwio/gen/wkssvc"
	"lwio/rpc"
)

// serverType has the bits of a server that is no domain controller: SV_TYPE_WORKSTATION, SERVER, NT and SERVER_NT (MS-SRVS 2.2.2.7).
const serverType = 0x00009003

// whole asks for everything at once.
const whole = 0xFFFFFFFF

// about is how a server answers who it is, to anybody who has logged on: srvsvc 21/101.
func (x *tool) about() *srvsvc.NetrServerGetInfoResponse {
	return &srvsvc.NetrServerGetInfoResponse{InfoStruct: srvsvc.SERVER_INFO{Value: &dtyp.SERVER_INFO_101{Sv101PlatformId: 500, Sv101Name: text(x.host), Sv101VersionMajor: 10,
		Sv101VersionMinor: 0, Sv101VersionType: serverType, Sv101Comment: text("")}}}
}

// listing is srvsvc 15/1: the administrative shares are special (0x80000000), and the list is in the order of their names.
func (x *tool) listing(more ...srvsvc.SHARE_INFO_1) *srvsvc.NetrShareEnumResponse {
	list := append([]srvsvc.SHARE_INFO_1{
		{Shi1Netname: text("ADMIN$"), Shi1Type: srvsvc.STYPE_DISKTREE | 0x80000000, Shi1Remark: text("Remote Admin")},
		{Shi1Netname: text("C$"), Shi1Type: srvsvc.STYPE_DISKTREE | 0x80000000, Shi1Remark: text("Default share")},
		{Shi1Netname: text("data"), Shi1Type: srvsvc.STYPE_DISKTREE, Shi1Remark: text("Daten")},
		{Shi1Netname: text("IPC$"), Shi1Type: srvsvc.STYPE_IPC | 0x80000000, Shi1Remark: text("Remote IPC")},
	}, more...)
	return &srvsvc.NetrShareEnumResponse{TotalEntries: uint32(len(list)), ResumeHandle: ptr(uint32(0)), InfoStruct: srvsvc.SHARE_ENUM_STRUCT{Level: 1,
		ShareInfo: srvsvc.SHARE_ENUM_UNION{Level1: &srvsvc.SHARE_INFO_1_CONTAINER{EntriesRead: uint32(len(list)), Buffer: list}}}}
}

// TestExplorer opens \\server, as a plain user.
func TestExplorer(t *testing.T) {
	x := start(t).as(user)
	srv := srvsvc.NewClient(x.bind("srvsvc", srvsvc.SrvsvcInterface, rpc.AuthLevelNone))
	wks := wkssvc.NewClient(x.bind("wkssvc", wkssvc.WkssvcInterface, rpc.AuthLevelNone))
	x.play([]step{
		{"srvsvc 21/101", func() (any, error) {
			return srv.NetrServerGetInfo(x.ctx(), &srvsvc.NetrServerGetInfoRequest{ServerName: &x.name, Level: 101})
		}, x.about()},
		{"wkssvc 0/100", func() (any, error) {
			return wks.NetrWkstaGetInfo(x.ctx(), &wkssvc.NetrWkstaGetInfoRequest{ServerName: &x.name, Level: 100})
		}, &wkssvc.NetrWkstaGetInfoResponse{WkstaInfo: wkssvc.WKSTA_INFO{WkstaInfo100: &wkssvc.WKSTA_INFO_100{Wki100PlatformId: 500, Wki100Computername: text(x.host),
			Wki100Langroup: text("WORKGROUP"), Wki100VerMajor: 10}}}},
		{"srvsvc 15/1", func() (any, error) {
			return srv.NetrShareEnum(x.ctx(), &srvsvc.NetrShareEnumRequest{ServerName: &x.name, PreferedMaximumLength: whole, ResumeHandle: ptr(uint32(0)),
				InfoStruct: srvsvc.SHARE_ENUM_STRUCT{Level: 1, ShareInfo: srvsvc.SHARE_ENUM_UNION{Level1: &srvsvc.SHARE_INFO_1_CONTAINER{}}}})
		}, x.listing()},
	})
}

// TestNetView is `net view \\server /all`: who it is, then its shares, without a resume handle.
func TestNetView(t *testing.T) {
	x := start(t).as(user)
	srv := srvsvc.NewClient(x.bind("srvsvc", srvsvc.SrvsvcInterface, rpc.AuthLevelNone))
	all := x.listing()
	all.ResumeHandle = nil
	x.play([]step{
		{"srvsvc 21/101", func() (any, error) {
			return srv.NetrServerGetInfo(x.ctx(), &srvsvc.NetrServerGetInfoRequest{ServerName: &x.name, Level: 101})
		}, x.about()},
		{"srvsvc 15/1", func() (any, error) {
			return srv.NetrShareEnum(x.ctx(), &srvsvc.NetrShareEnumRequest{ServerName: &x.name, PreferedMaximumLength: whole,
				InfoStruct: srvsvc.SHARE_ENUM_STRUCT{Level: 1, ShareInfo: srvsvc.SHARE_ENUM_UNION{Level1: &srvsvc.SHARE_INFO_1_CONTAINER{}}}})
		}, all},
	})
}
