package srvsvc

import (
	"context"
	"fmt"
	"testing"

	gen "lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

const all = gen.MAX_PREFERRED_LENGTH

// operation calls one operation at one level and gives its result.
type operation struct {
	name  string
	level uint32
	call  func(context.Context, *gen.Client, uint32) (uint32, error)
	want  [3]nt.WinError // of the anonymous, a user, an administrator
}

const (
	ok     = nt.WErrSuccess
	denied = nt.WErrAccessDenied
	level  = nt.WErrInvalidLevel
	unsup  = nt.WErrNotSupported
)

func shareEnumCall(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	out, err := c.NetrShareEnum(ctx, &gen.NetrShareEnumRequest{InfoStruct: gen.SHARE_ENUM_STRUCT{Level: l}, PreferedMaximumLength: all})
	if err != nil {
		return 0, err
	}
	if out.InfoStruct.Level != l {
		return 0, fmt.Errorf("level %d came back as %d", l, out.InfoStruct.Level)
	}
	return out.Return, nil
}

func stickyCall(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	out, err := c.NetrShareEnumSticky(ctx, &gen.NetrShareEnumStickyRequest{InfoStruct: gen.SHARE_ENUM_STRUCT{Level: l}, PreferedMaximumLength: all})
	return out.Return, err
}

func shareInfoCall(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	out, err := c.NetrShareGetInfo(ctx, &gen.NetrShareGetInfoRequest{NetName: "ipc$", Level: l})
	return out.Return, err
}

func sessionCall(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	out, err := c.NetrSessionEnum(ctx, &gen.NetrSessionEnumRequest{InfoStruct: gen.SESSION_ENUM_STRUCT{Level: l}, PreferedMaximumLength: all})
	return out.Return, err
}

func fileCall(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	out, err := c.NetrFileEnum(ctx, &gen.NetrFileEnumRequest{InfoStruct: gen.FILE_ENUM_STRUCT{Level: l}, PreferedMaximumLength: all})
	return out.Return, err
}

func fileInfoCall(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	out, err := c.NetrFileGetInfo(ctx, &gen.NetrFileGetInfoRequest{FileId: 10, Level: l})
	return out.Return, err
}

func connectionCall(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	out, err := c.NetrConnectionEnum(ctx, &gen.NetrConnectionEnumRequest{Qualifier: ndr.String("IPC$"), InfoStruct: gen.CONNECT_ENUM_STRUCT{Level: l},
		PreferedMaximumLength: all})
	return out.Return, err
}

func serverCall(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	out, err := c.NetrServerGetInfo(ctx, &gen.NetrServerGetInfoRequest{Level: l})
	return out.Return, err
}

func transportCall(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	out, err := c.NetrServerTransportEnum(ctx, &gen.NetrServerTransportEnumRequest{InfoStruct: gen.SERVER_XPORT_ENUM_STRUCT{Level: l}, PreferedMaximumLength: all})
	return out.Return, err
}

// setInfo changes nothing of public.
func setInfo(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	u := gen.SHARE_INFO{
		ShareInfo0: &gen.SHARE_INFO_0{}, ShareInfo1: &gen.SHARE_INFO_1{}, ShareInfo2: &gen.SHARE_INFO_2{Shi2MaxUses: 1}, ShareInfo501: &gen.SHARE_INFO_501{},
		ShareInfo502: &gen.SHARE_INFO_502_I{Shi502MaxUses: 1}, ShareInfo503: &gen.SHARE_INFO_503_I{Shi503MaxUses: 1}, ShareInfo1004: &gen.SHARE_INFO_1004{},
		ShareInfo1005: &gen.SHARE_INFO_1005{}, ShareInfo1006: &gen.SHARE_INFO_1006{Shi1006MaxUses: 1}, ShareInfo1501: &gen.SHARE_INFO_1501_I{},
	}
	out, err := c.NetrShareSetInfo(ctx, &gen.NetrShareSetInfoRequest{NetName: "public", Level: l, ShareInfo: u})
	return out.Return, err
}

func addShare(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	u := gen.SHARE_INFO{
		ShareInfo0: &gen.SHARE_INFO_0{}, ShareInfo1: &gen.SHARE_INFO_1{}, ShareInfo501: &gen.SHARE_INFO_501{}, ShareInfo1004: &gen.SHARE_INFO_1004{},
		ShareInfo1005: &gen.SHARE_INFO_1005{}, ShareInfo1006: &gen.SHARE_INFO_1006{}, ShareInfo1501: &gen.SHARE_INFO_1501_I{},
		ShareInfo2:   &gen.SHARE_INFO_2{Shi2Netname: ndr.String("s2"), Shi2Path: ndr.String(`C:\`), Shi2MaxUses: 0xFFFFFFFF},
		ShareInfo502: &gen.SHARE_INFO_502_I{Shi502Netname: ndr.String("s502"), Shi502Path: ndr.String(`C:\`), Shi502MaxUses: 0xFFFFFFFF},
		ShareInfo503: &gen.SHARE_INFO_503_I{Shi503Netname: ndr.String("s503"), Shi503Path: ndr.String(`C:\`), Shi503MaxUses: 0xFFFFFFFF, Shi503Servername: ndr.String("*")},
	}
	out, err := c.NetrShareAdd(ctx, &gen.NetrShareAddRequest{Level: l, InfoStruct: u})
	return out.Return, err
}

func serverSet(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
	values := map[uint32]any{
		1005: &gen.SERVER_INFO_1005{Sv1005Comment: ndr.String("new")},
		1010: &gen.SERVER_INFO_1010{Sv1010Disc: 5},
		1016: &gen.SERVER_INFO_1016{},
		1017: &gen.SERVER_INFO_1017{Sv1017Announce: 60},
		1018: &gen.SERVER_INFO_1018{},
		1107: &gen.SERVER_INFO_1107{Sv1107Users: 9},
		502:  &gen.SERVER_INFO_502{},
		1533: &gen.SERVER_INFO_1533{},
		102:  &gen.SERVER_INFO_102{Sv102Users: 1, Sv102Announce: 1},
		103:  &gen.SERVER_INFO_103{Sv103Users: 1, Sv103Announce: 1},
	}
	out, err := c.NetrServerSetInfo(ctx, &gen.NetrServerSetInfoRequest{Level: l, ServerInfo: gen.SERVER_INFO{Value: values[l]}})
	return out.Return, err
}

func operations() []operation {
	reads := func(n nt.WinError) [3]nt.WinError { return [3]nt.WinError{denied, n, n} }
	admins := [3]nt.WinError{denied, denied, ok}
	none := [3]nt.WinError{denied, level, level}
	noneAdmin := [3]nt.WinError{denied, denied, level}
	everybody := [3]nt.WinError{ok, ok, ok}
	nowhere := [3]nt.WinError{unsup, unsup, unsup}
	adminUnsup := [3]nt.WinError{denied, denied, unsup}
	var list []operation
	add := func(name string, call func(context.Context, *gen.Client, uint32) (uint32, error), want [3]nt.WinError, levels ...uint32) {
		for _, l := range levels {
			list = append(list, operation{name, l, call, want})
		}
	}
	add("NetrShareEnum", shareEnumCall, reads(ok), 0, 1, 501)
	add("NetrShareEnum", shareEnumCall, admins, 2, 502, 503)
	add("NetrShareEnum", shareEnumCall, none, 3, 100, 1004, 1005, 1006, 1501, 0xFFFFFFFF)
	add("NetrShareEnumSticky", stickyCall, reads(ok), 0, 1)
	add("NetrShareEnumSticky", stickyCall, admins, 2, 502, 503)
	add("NetrShareEnumSticky", stickyCall, none, 501, 3, 1004)
	add("NetrShareGetInfo", shareInfoCall, reads(ok), 0, 1, 501, 1004, 1005)
	add("NetrShareGetInfo", shareInfoCall, admins, 2, 502, 503, 1006, 1007, 1501)
	add("NetrShareGetInfo", shareInfoCall, none, 3, 1008, 0xFFFFFFFF)
	add("NetrShareSetInfo", setInfo, admins, 1, 2, 502, 503, 1004, 1005, 1006, 1501)
	add("NetrShareSetInfo", setInfo, noneAdmin, 0, 501, 3, 1007)
	add("NetrShareAdd", addShare, admins, 2, 502, 503)
	add("NetrShareAdd", addShare, noneAdmin, 0, 1, 501, 1004, 1005, 1006, 1501, 7)
	add("NetrSessionEnum", sessionCall, reads(ok), 0, 10)
	add("NetrSessionEnum", sessionCall, admins, 1, 2, 502)
	add("NetrSessionEnum", sessionCall, none, 3, 501)
	add("NetrFileEnum", fileCall, admins, 2, 3)
	add("NetrFileEnum", fileCall, noneAdmin, 0, 1, 4)
	add("NetrFileGetInfo", fileInfoCall, admins, 2, 3)
	add("NetrFileGetInfo", fileInfoCall, noneAdmin, 0, 4)
	add("NetrConnectionEnum", connectionCall, admins, 0, 1)
	add("NetrConnectionEnum", connectionCall, noneAdmin, 2, 502)
	add("NetrServerGetInfo", serverCall, reads(ok), 100, 101)
	add("NetrServerGetInfo", serverCall, admins, 102, 103, 502, 503, 599)
	add("NetrServerGetInfo", serverCall, none, 0, 402, 403, 1005, 104)
	add("NetrServerSetInfo", serverSet, admins, 102, 103, 1005, 1010, 1016, 1017, 1018, 1107)
	add("NetrServerSetInfo", serverSet, adminUnsup, 502, 503, 599, 1501, 1510, 1518, 1533, 1556)
	add("NetrServerSetInfo", serverSet, noneAdmin, 100, 402, 1006, 1517, 1551, 1557)
	add("NetrServerTransportEnum", transportCall, admins, 0, 1, 2, 3)
	add("NetrServerTransportEnum", transportCall, noneAdmin, 4)
	add("NetrServerDiskEnum", func(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
		out, err := c.NetrServerDiskEnum(ctx, &gen.NetrServerDiskEnumRequest{Level: l})
		return out.Return, err
	}, admins, 0)
	add("NetrServerDiskEnum", func(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
		out, err := c.NetrServerDiskEnum(ctx, &gen.NetrServerDiskEnumRequest{Level: l})
		return out.Return, err
	}, noneAdmin, 1)
	stats := func(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
		out, err := c.NetrServerStatisticsGet(ctx, &gen.NetrServerStatisticsGetRequest{Level: l})
		return out.Return, err
	}
	add("NetrServerStatisticsGet", stats, admins, 0)
	add("NetrServerStatisticsGet", stats, noneAdmin, 1)
	aliases := func(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
		out, err := c.NetrServerAliasEnum(ctx, &gen.NetrServerAliasEnumRequest{InfoStruct: gen.SERVER_ALIAS_ENUM_STRUCT{Level: l}, PreferedMaximumLength: all})
		return out.Return, err
	}
	add("NetrServerAliasEnum", aliases, admins, 0)
	add("NetrServerAliasEnum", aliases, noneAdmin, 1)
	add("NetrShareCheck", func(ctx context.Context, c *gen.Client, _ uint32) (uint32, error) {
		out, err := c.NetrShareCheck(ctx, &gen.NetrShareCheckRequest{Device: `c:\PUBLIC\`})
		return out.Return, err
	}, reads(ok), 0)
	add("NetrRemoteTOD", func(ctx context.Context, c *gen.Client, _ uint32) (uint32, error) {
		out, err := c.NetrRemoteTOD(ctx, &gen.NetrRemoteTODRequest{})
		return out.Return, err
	}, reads(ok), 0)
	add("NetrFileClose", func(ctx context.Context, c *gen.Client, _ uint32) (uint32, error) {
		out, err := c.NetrFileClose(ctx, &gen.NetrFileCloseRequest{FileId: 11})
		return out.Return, err
	}, admins, 0)
	add("NetrSessionDel", func(ctx context.Context, c *gen.Client, _ uint32) (uint32, error) {
		out, err := c.NetrSessionDel(ctx, &gen.NetrSessionDelRequest{ClientName: ndr.String(`\\CLIENT0`)})
		return out.Return, err
	}, admins, 0)
	add("NetrShareDelStart", func(ctx context.Context, c *gen.Client, _ uint32) (uint32, error) {
		out, err := c.NetrShareDelStart(ctx, &gen.NetrShareDelStartRequest{NetName: "public"})
		if err == nil && (out.Return == success) == out.ContextHandle.IsZero() {
			err = fmt.Errorf("handle %+v with %v", out.ContextHandle, out.Return)
		}
		return out.Return, err
	}, admins, 0)
	del := func(ctx context.Context, c *gen.Client, l uint32) (uint32, error) {
		out, err := c.NetrShareDelEx(ctx, &gen.NetrShareDelExRequest{Level: l, ShareInfo: gen.SHARE_INFO{
			ShareInfo0: &gen.SHARE_INFO_0{Shi0Netname: ndr.String("s2")}, ShareInfo503: &gen.SHARE_INFO_503_I{Shi503Netname: ndr.String("s503")}}})
		return out.Return, err
	}
	add("NetrShareDelEx", del, admins, 0, 503)
	add("NetrShareDelEx", del, noneAdmin, 1, 502, 9)
	add("NetrShareDelSticky", func(ctx context.Context, c *gen.Client, _ uint32) (uint32, error) {
		out, err := c.NetrShareDelSticky(ctx, &gen.NetrShareDelStickyRequest{NetName: "s502"})
		return out.Return, err
	}, admins, 0)
	add("NetrShareDel", func(ctx context.Context, c *gen.Client, _ uint32) (uint32, error) {
		out, err := c.NetrShareDel(ctx, &gen.NetrShareDelRequest{NetName: "public"})
		return out.Return, err
	}, admins, 0)
	add("NetprNameValidate", func(ctx context.Context, c *gen.Client, _ uint32) (uint32, error) {
		out, err := c.NetprNameValidate(ctx, &gen.NetprNameValidateRequest{Name: "x", NameType: 9})
		return out.Return, err
	}, everybody, 0)
	add("NetprPathType", func(ctx context.Context, c *gen.Client, _ uint32) (uint32, error) {
		out, err := c.NetprPathType(ctx, &gen.NetprPathTypeRequest{PathName: `C:\x`})
		return out.Return, err
	}, everybody, 0)

	for name, call := range reservedCalls() {
		add(name, func(ctx context.Context, c *gen.Client, _ uint32) (uint32, error) { return call(ctx, c) }, nowhere, 0)
	}
	return list
}

func reservedCalls() map[string]func(context.Context, *gen.Client) (uint32, error) {
	type call = func(context.Context, *gen.Client) (uint32, error)
	return map[string]call{
		"NetrCharDevEnum": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrCharDevEnum(ctx, &gen.NetrCharDevEnumRequest{InfoStruct: gen.CHARDEV_ENUM_STRUCT{Level: 1,
				CharDevInfo: gen.CHARDEV_ENUM_UNION{Level1: &gen.CHARDEV_INFO_1_CONTAINER{}}}})
			return out.Return, err
		},
		"NetrCharDevGetInfo": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrCharDevGetInfo(ctx, &gen.NetrCharDevGetInfoRequest{})
			return out.Return, err
		},
		"NetrCharDevControl": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrCharDevControl(ctx, &gen.NetrCharDevControlRequest{})
			return out.Return, err
		},
		"NetrCharDevQEnum": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrCharDevQEnum(ctx, &gen.NetrCharDevQEnumRequest{ResumeHandle: new(uint32)})
			return out.Return, err
		},
		"NetrCharDevQGetInfo": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrCharDevQGetInfo(ctx, &gen.NetrCharDevQGetInfoRequest{})
			return out.Return, err
		},
		"NetrCharDevQSetInfo": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrCharDevQSetInfo(ctx, &gen.NetrCharDevQSetInfoRequest{ParmErr: new(uint32)})
			return out.Return, err
		},
		"NetrCharDevQPurge": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrCharDevQPurge(ctx, &gen.NetrCharDevQPurgeRequest{})
			return out.Return, err
		},
		"NetrCharDevQPurgeSelf": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrCharDevQPurgeSelf(ctx, &gen.NetrCharDevQPurgeSelfRequest{})
			return out.Return, err
		},
		"NetrServerTransportAdd": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrServerTransportAdd(ctx, &gen.NetrServerTransportAddRequest{})
			return out.Return, err
		},
		"NetrServerTransportDel": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrServerTransportDel(ctx, &gen.NetrServerTransportDelRequest{})
			return out.Return, err
		},
		"NetrServerTransportAddEx": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrServerTransportAddEx(ctx, &gen.NetrServerTransportAddExRequest{Buffer: gen.TRANSPORT_INFO{Transport0: &gen.SERVER_TRANSPORT_INFO_0{}}})
			return out.Return, err
		},
		"NetrServerTransportDelEx": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrServerTransportDelEx(ctx, &gen.NetrServerTransportDelExRequest{Level: 3, Buffer: gen.TRANSPORT_INFO{Transport3: &gen.SERVER_TRANSPORT_INFO_3{}}})
			return out.Return, err
		},
		"NetrpGetFileSecurity": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrpGetFileSecurity(ctx, &gen.NetrpGetFileSecurityRequest{ShareName: ndr.String("public"), LpFileName: `\f`})
			return out.Return, err
		},
		"NetrpSetFileSecurity": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrpSetFileSecurity(ctx, &gen.NetrpSetFileSecurityRequest{ShareName: ndr.String("public"), LpFileName: `\f`})
			return out.Return, err
		},
		"NetrServerAliasAdd": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrServerAliasAdd(ctx, &gen.NetrServerAliasAddRequest{})
			return out.Return, err
		},
		"NetrServerAliasDel": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrServerAliasDel(ctx, &gen.NetrServerAliasDelRequest{})
			return out.Return, err
		},
		"NetrDfsGetVersion": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrDfsGetVersion(ctx, &gen.NetrDfsGetVersionRequest{})
			return out.Return, err
		},
		"NetrDfsCreateLocalPartition": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrDfsCreateLocalPartition(ctx, &gen.NetrDfsCreateLocalPartitionRequest{})
			return out.Return, err
		},
		"NetrDfsDeleteLocalPartition": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrDfsDeleteLocalPartition(ctx, &gen.NetrDfsDeleteLocalPartitionRequest{})
			return out.Return, err
		},
		"NetrDfsSetLocalVolumeState": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrDfsSetLocalVolumeState(ctx, &gen.NetrDfsSetLocalVolumeStateRequest{})
			return out.Return, err
		},
		"NetrDfsCreateExitPoint": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrDfsCreateExitPoint(ctx, &gen.NetrDfsCreateExitPointRequest{ShortPrefixLen: 13})
			return out.Return, err
		},
		"NetrDfsDeleteExitPoint": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrDfsDeleteExitPoint(ctx, &gen.NetrDfsDeleteExitPointRequest{})
			return out.Return, err
		},
		"NetrDfsModifyPrefix": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrDfsModifyPrefix(ctx, &gen.NetrDfsModifyPrefixRequest{})
			return out.Return, err
		},
		"NetrDfsFixLocalVolume": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrDfsFixLocalVolume(ctx, &gen.NetrDfsFixLocalVolumeRequest{})
			return out.Return, err
		},
		"NetrDfsManagerReportSiteInfo": func(ctx context.Context, c *gen.Client) (uint32, error) {
			out, err := c.NetrDfsManagerReportSiteInfo(ctx, &gen.NetrDfsManagerReportSiteInfoRequest{})
			return out.Return, err
		},
	}
}

// TestAccess has every operation at every level asked by everybody, on three associations that have to last to the end.
func TestAccess(t *testing.T) {
	e := newEnv(t, Config{})
	callers := []struct {
		name string
		as   int // column
		c    *gen.Client
	}{
		{"anonymous", 0, e.dial(nt.AnonymousToken())}, {"no token", 0, e.dial(nil)}, {"user", 1, e.dial(someUser)},
		{"deny-only administrator", 1, e.dial(formerUser)}, {"administrator", 2, e.dial(someAdmin)},
	}
	for _, op := range operations() {
		for _, caller := range callers {
			got, err := op.call(t.Context(), caller.c, op.level)
			if err != nil || nt.WinError(got) != op.want[caller.as] {
				t.Errorf("%s level %d by %s: %v, %v; want %v", op.name, op.level, caller.name, nt.WinError(got), err, op.want[caller.as])
			}
		}
	}
}

// TestAnonymousListing is what the null session may with Config.Anonymous, after Samba's torture test of it.
func TestAnonymousListing(t *testing.T) {
	e := newEnv(t, Config{Anonymous: true})
	c := e.dial(nt.AnonymousToken())
	for _, test := range []struct {
		name string
		call func(context.Context, *gen.Client, uint32) (uint32, error)
		want map[uint32]nt.WinError
	}{
		{"NetrShareEnum", shareEnumCall, map[uint32]nt.WinError{0: ok, 1: ok, 2: denied, 501: denied, 502: denied, 7: level}},
		{"NetrShareEnumSticky", stickyCall, map[uint32]nt.WinError{0: ok, 1: ok, 2: denied, 501: level, 502: denied}},
		{"NetrShareGetInfo", shareInfoCall, map[uint32]nt.WinError{0: ok, 1: ok, 2: denied, 501: ok, 502: denied, 1005: ok, 1501: denied}},
		{"NetrShareSetInfo", setInfo, map[uint32]nt.WinError{1: denied, 0: denied}},
		{"NetrSessionEnum", sessionCall, map[uint32]nt.WinError{0: denied, 10: denied}},
		{"NetrServerGetInfo", serverCall, map[uint32]nt.WinError{100: denied, 101: denied}},
	} {
		for l, want := range test.want {
			if got, err := test.call(t.Context(), c, l); err != nil || nt.WinError(got) != want {
				t.Errorf("%s level %d: %v, %v; want %v", test.name, l, nt.WinError(got), err, want)
			}
		}
	}
}

// TestDeviceGone unloads the driver under the service, and brings it back.
func TestDeviceGone(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someAdmin)
	for _, want := range []nt.WinError{ok, nt.NErrServerNotStarted, ok} {
		for name, call := range map[string]func(context.Context, *gen.Client, uint32) (uint32, error){
			"enum": shareEnumCall, "info": shareInfoCall, "session": sessionCall, "file": fileCall, "connection": connectionCall, "transport": transportCall,
		} {
			l := uint32(0)
			if name == "file" {
				l = 2
			}
			if got, err := call(t.Context(), c, l); err != nil || nt.WinError(got) != want {
				t.Errorf("%s: %v, %v; want %v", name, nt.WinError(got), err, want)
			}
		}
		if want == ok && len(e.m.Drivers()) == 1 {
			if err := e.m.Unload(t.Context(), "srv"); err != nil {
				t.Fatal(err)
			}
		} else {
			loadFake(t, e.m, e.fake)
		}
	}
	loadFake(t, e.m, e.fake)
	e.svc.Close()
	if got, err := shareEnumCall(t.Context(), c, 0); err != nil || nt.WinError(got) != nt.NErrServerNotStarted {
		t.Errorf("closed: %v, %v", nt.WinError(got), err)
	}
}
