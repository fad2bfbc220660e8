package windows

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lwio/gen/srvsvc"
	"lwio/gen/svcctl"
	"lwio/gen/winreg"
	"lwio/gen/wkssvc"
	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

// TestSharedFoldersConnect is the snap-in when it is pointed at another computer: who and what that is, and whether its server service runs.
func TestSharedFoldersConnect(t *testing.T) {
	x := start(t).as(admin)
	srv := srvsvc.NewClient(x.bind("srvsvc", srvsvc.SrvsvcInterface, rpc.AuthLevelNone))
	wks := wkssvc.NewClient(x.bind("wkssvc", wkssvc.WkssvcInterface, rpc.AuthLevelNone))
	reg := winreg.NewClient(x.bind("winreg", winreg.WinregInterface, rpc.AuthLevelPktPrivacy))
	scm := svcctl.NewClient(x.bind("svcctl", svcctl.SvcctlInterface, rpc.AuthLevelPktPrivacy))
	var hklm, key, manager, service rpc.ContextHandle
	product := nt.AppendUTF16(nil, "ServerNT\x00")
	x.play([]step{
		{"wkssvc 0/100", func() (any, error) {
			return wks.NetrWkstaGetInfo(x.ctx(), &wkssvc.NetrWkstaGetInfoRequest{ServerName: &x.name, Level: 100})
		}, &wkssvc.NetrWkstaGetInfoResponse{WkstaInfo: wkssvc.WKSTA_INFO{WkstaInfo100: &wkssvc.WKSTA_INFO_100{Wki100PlatformId: 500, Wki100Computername: text(x.host),
			Wki100Langroup: text("WORKGROUP"), Wki100VerMajor: 10}}}},
		{"srvsvc 21/101", func() (any, error) {
			return srv.NetrServerGetInfo(x.ctx(), &srvsvc.NetrServerGetInfoRequest{ServerName: &x.name, Level: 101})
		}, x.about()},
		// Announcement and disconnection are the defaults that Windows documents (MS-SRVS 2.2.4.41).
		{"srvsvc 21/102", func() (any, error) {
			return srv.NetrServerGetInfo(x.ctx(), &srvsvc.NetrServerGetInfoRequest{ServerName: &x.name, Level: 102})
		}, &srvsvc.NetrServerGetInfoResponse{InfoStruct: srvsvc.SERVER_INFO{Value: &srvsvc.SERVER_INFO_102{Sv102PlatformId: 500, Sv102Name: text(x.host), Sv102VersionMajor: 10,
			Sv102Type: serverType, Sv102Comment: text(""), Sv102Users: 0xFFFFFFFF, Sv102Disc: 15, Sv102Announce: 240, Sv102Anndelta: 3000, Sv102Userpath: text(`C:\`)}}}},
		{"winreg 2", func() (any, error) {
			out, err := reg.OpenLocalMachine(x.ctx(), &winreg.OpenLocalMachineRequest{ServerName: ptr(uint16('W')), SamDesired: 0x02000000})
			hklm = out.PhKey
			return out, err
		}, &winreg.OpenLocalMachineResponse{PhKey: handle}},
		{"winreg 15", func() (any, error) {
			out, err := reg.BaseRegOpenKey(x.ctx(), &winreg.BaseRegOpenKeyRequest{HKey: hklm, LpSubKey: unicode("SYSTEM\\CurrentControlSet\\Control\\ProductOptions\x00"), SamDesired: winreg.KEY_QUERY_VALUE})
			key = out.PhkResult
			return out, err
		}, &winreg.BaseRegOpenKeyResponse{PhkResult: handle}},
		{"winreg 17", func() (any, error) {
			return reg.BaseRegQueryValue(x.ctx(), &winreg.BaseRegQueryValueRequest{HKey: key, LpValueName: unicode("ProductType\x00"), LpType: ptr(uint32(0)), LpData: []byte{},
				LpcbData: ptr(uint32(64)), LpcbLen: ptr(uint32(0))})
		}, &winreg.BaseRegQueryValueResponse{LpType: ptr(winreg.REG_SZ), LpData: product, LpcbData: ptr(uint32(len(product))), LpcbLen: ptr(uint32(len(product)))}},
		{"svcctl 15", func() (any, error) {
			out, err := scm.ROpenSCManagerW(x.ctx(), &svcctl.ROpenSCManagerWRequest{LpMachineName: text("127.0.0.1"), LpDatabaseName: text("ServicesActive"), DwDesiredAccess: uint32(nt.SCManagerConnect)})
			manager = out.LpScHandle
			return out, err
		}, &svcctl.ROpenSCManagerWResponse{LpScHandle: handle}},
		{"svcctl 16", func() (any, error) {
			out, err := scm.ROpenServiceW(x.ctx(), &svcctl.ROpenServiceWRequest{HSCManager: manager, LpServiceName: "LanmanServer", DwDesiredAccess: uint32(nt.ServiceQueryStatus)})
			service = out.LpServiceHandle
			return out, err
		}, &svcctl.ROpenServiceWResponse{LpServiceHandle: handle}},
		{"svcctl 6", func() (any, error) {
			return scm.RQueryServiceStatus(x.ctx(), &svcctl.RQueryServiceStatusRequest{HService: service})
		}, &svcctl.RQueryServiceStatusResponse{LpServiceStatus: svcctl.SERVICE_STATUS{DwServiceType: 0x20, DwCurrentState: svcctl.SERVICE_RUNNING}}},
		{"svcctl 0", func() (any, error) {
			return scm.RCloseServiceHandle(x.ctx(), &svcctl.RCloseServiceHandleRequest{HSCObject: service})
		}, &svcctl.RCloseServiceHandleResponse{}},
	})
}

// volume is where the paths of shares of this server begin, as it tells them.
func (x *tool) shared() string { return x.s.data() }

func (x *tool) data502() *srvsvc.SHARE_INFO_502_I {
	d := sd(x.t, everyone, x.machine)
	return &srvsvc.SHARE_INFO_502_I{Shi502Netname: text("data"), Shi502Type: srvsvc.STYPE_DISKTREE, Shi502Remark: text("Daten"), Shi502MaxUses: whole, Shi502Path: text(x.shared()),
		Shi502Reserved: uint32(len(d)), Shi502SecurityDescriptor: d}
}

// TestSharedFoldersShares is the list of shares: all of them, then how each is cached.
func TestSharedFoldersShares(t *testing.T) {
	x := start(t).as(admin)
	srv := srvsvc.NewClient(x.bind("srvsvc", srvsvc.SrvsvcInterface, rpc.AuthLevelNone))
	c := filepath.Join(x.s.dir, "state", "c")
	list := []srvsvc.SHARE_INFO_2{
		{Shi2Netname: text("ADMIN$"), Shi2Type: 0x80000000, Shi2Remark: text("Remote Admin"), Shi2MaxUses: whole, Shi2Path: text(`C:\`)},
		{Shi2Netname: text("C$"), Shi2Type: 0x80000000, Shi2Remark: text("Default share"), Shi2MaxUses: whole, Shi2Path: text(`C:\`)},
		{Shi2Netname: text("data"), Shi2Remark: text("Daten"), Shi2MaxUses: whole, Shi2Path: text(x.shared())},
		{Shi2Netname: text("IPC$"), Shi2Type: 0x80000003, Shi2Remark: text("Remote IPC"), Shi2MaxUses: whole, Shi2CurrentUses: 1, Shi2Path: text("")},
	}
	if _, err := os.Stat(c); err != nil {
		t.Fatal(err)
	}
	steps := []step{{"srvsvc 15/2", func() (any, error) {
		return srv.NetrShareEnum(x.ctx(), &srvsvc.NetrShareEnumRequest{ServerName: &x.name, PreferedMaximumLength: whole, ResumeHandle: ptr(uint32(0)),
			InfoStruct: srvsvc.SHARE_ENUM_STRUCT{Level: 2, ShareInfo: srvsvc.SHARE_ENUM_UNION{Level2: &srvsvc.SHARE_INFO_2_CONTAINER{}}}})
	}, &srvsvc.NetrShareEnumResponse{TotalEntries: 4, ResumeHandle: ptr(uint32(0)), InfoStruct: srvsvc.SHARE_ENUM_STRUCT{Level: 2,
		ShareInfo: srvsvc.SHARE_ENUM_UNION{Level2: &srvsvc.SHARE_INFO_2_CONTAINER{EntriesRead: 4, Buffer: list}}}}}, {"srvsvc 15/502", func() (any, error) {
		return srv.NetrShareEnum(x.ctx(), &srvsvc.NetrShareEnumRequest{ServerName: &x.name, PreferedMaximumLength: whole,
			InfoStruct: srvsvc.SHARE_ENUM_STRUCT{Level: 502, ShareInfo: srvsvc.SHARE_ENUM_UNION{Level502: &srvsvc.SHARE_INFO_502_CONTAINER{}}}})
	}, that("each descriptor is self-relative, with its length in reserved", func(out *srvsvc.NetrShareEnumResponse) bool {
		u := out.InfoStruct.ShareInfo.Level502
		if out.Return != 0 || out.TotalEntries != 4 || u == nil || u.EntriesRead != 4 {
			return false
		}
		for _, s := range u.Buffer {
			if int(s.Shi502Reserved) != len(s.Shi502SecurityDescriptor) {
				return false
			}
			if len(s.Shi502SecurityDescriptor) > 0 {
				if _, err := nt.ParseSecurityDescriptor(s.Shi502SecurityDescriptor); err != nil {
					return false
				}
			}
		}
		return bytes.Equal(u.Buffer[2].Shi502SecurityDescriptor, x.data502().Shi502SecurityDescriptor)
	})}}
	for _, name := range []string{"ADMIN$", "C$", "data", "IPC$"} {
		steps = append(steps, step{"srvsvc 16/1005 " + name, func() (any, error) {
			return srv.NetrShareGetInfo(x.ctx(), &srvsvc.NetrShareGetInfoRequest{ServerName: &x.name, NetName: name, Level: 1005})
		}, &srvsvc.NetrShareGetInfoResponse{InfoStruct: srvsvc.SHARE_INFO{ShareInfo1005: &srvsvc.SHARE_INFO_1005{}}}})
	}
	x.play(steps)
}

// TestSharedFoldersProperties opens the properties of a share, and presses OK on each page.
func TestSharedFoldersProperties(t *testing.T) {
	x := start(t).as(admin)
	srv := srvsvc.NewClient(x.bind("srvsvc", srvsvc.SrvsvcInterface, rpc.AuthLevelNone))
	get := func(level uint32, want srvsvc.SHARE_INFO) step {
		return step{"srvsvc 16", func() (any, error) {
			return srv.NetrShareGetInfo(x.ctx(), &srvsvc.NetrShareGetInfoRequest{ServerName: &x.name, NetName: "data", Level: level})
		}, &srvsvc.NetrShareGetInfoResponse{InfoStruct: want}}
	}
	set := func(level uint32, info srvsvc.SHARE_INFO, want *srvsvc.NetrShareSetInfoResponse) step {
		return step{"srvsvc 17", func() (any, error) {
			return srv.NetrShareSetInfo(x.ctx(), &srvsvc.NetrShareSetInfoRequest{ServerName: &x.name, NetName: "data", Level: level, ShareInfo: info, ParmErr: ptr(uint32(0))})
		}, want}
	}
	done := &srvsvc.NetrShareSetInfoResponse{ParmErr: ptr(uint32(0))}
	const readers = "D:(A;;0x1200a9;;;WD)(A;;FA;;;BA)"
	first, now, then := x.data502(), x.data502(), x.data502()
	now.Shi502Remark, now.Shi502MaxUses = text("Größe"), 10
	now.Shi502SecurityDescriptor, now.Shi502Reserved = nil, 0 // the first page leaves the descriptor alone
	then.Shi502Remark, then.Shi502MaxUses = now.Shi502Remark, now.Shi502MaxUses
	d := sd(t, readers, x.machine)
	last := *then
	last.Shi502SecurityDescriptor, last.Shi502Reserved = d, uint32(len(d))
	other := *now
	other.Shi502Type = srvsvc.STYPE_PRINTQ
	x.play([]step{
		get(502, srvsvc.SHARE_INFO{ShareInfo502: first}),
		get(1005, srvsvc.SHARE_INFO{ShareInfo1005: &srvsvc.SHARE_INFO_1005{}}),
		get(1501, srvsvc.SHARE_INFO{ShareInfo1501: &srvsvc.SHARE_INFO_1501_I{Shi1501Reserved: first.Shi502Reserved, Shi1501SecurityDescriptor: first.Shi502SecurityDescriptor}}),
		set(502, srvsvc.SHARE_INFO{ShareInfo502: now}, done),
		set(1005, srvsvc.SHARE_INFO{ShareInfo1005: &srvsvc.SHARE_INFO_1005{Shi1005Flags: 0x30 | 0x800}}, done), // not cached, and enumerated by access
		get(1005, srvsvc.SHARE_INFO{ShareInfo1005: &srvsvc.SHARE_INFO_1005{Shi1005Flags: 0x30 | 0x800}}),
		get(502, srvsvc.SHARE_INFO{ShareInfo502: then}),
		set(1501, srvsvc.SHARE_INFO{ShareInfo1501: &srvsvc.SHARE_INFO_1501_I{Shi1501Reserved: uint32(len(d)), Shi1501SecurityDescriptor: d}}, done),
		get(502, srvsvc.SHARE_INFO{ShareInfo502: &last}),
	})
}

// TestSharedFoldersWizard makes a share: the drives, what is on one, whether the name is free, the share, its caching and its descriptor. Then it is shared no more.
func TestSharedFoldersWizard(t *testing.T) {
	x := start(t).as(admin)
	srv := srvsvc.NewClient(x.bind("srvsvc", srvsvc.SrvsvcInterface, rpc.AuthLevelNone))
	files := iofs.New(x.m, x.path("C$"), iofs.Config{Contexts: []any{x.cred}})
	get := func(level uint32) func() (any, error) {
		return func() (any, error) {
			return srv.NetrShareGetInfo(x.ctx(), &srvsvc.NetrShareGetInfoRequest{ServerName: &x.name, NetName: "new", Level: level})
		}
	}
	d := sd(t, "D:(A;;0x1200a9;;;WD)", x.machine)
	info := &srvsvc.SHARE_INFO_502_I{Shi502Netname: text("new"), Shi502Remark: text("made by the wizard"), Shi502MaxUses: whole, Shi502Path: text(`C:\folder`), Shi502Reserved: uint32(len(d)),
		Shi502SecurityDescriptor: d}
	var deletion rpc.ContextHandle
	x.play([]step{
		{"srvsvc 23/0", func() (any, error) {
			return srv.NetrServerDiskEnum(x.ctx(), &srvsvc.NetrServerDiskEnumRequest{ServerName: &x.name, PreferedMaximumLength: whole, ResumeHandle: ptr(uint32(0))})
		}, &srvsvc.NetrServerDiskEnumResponse{TotalEntries: 1, ResumeHandle: ptr(uint32(0)), DiskInfoStruct: srvsvc.DISK_ENUM_CONTAINER{EntriesRead: 2, Buffer: []srvsvc.DISK_INFO{{Disk: "C:"}, {Disk: ""}}}}},
		{"make a folder on C$", func() (any, error) { return nil, files.Mkdir("folder", 0o777) }, nil},
		{"look at C$", func() (any, error) { return fs.ReadDir(files, ".") }, that("the folder is there", func(list []fs.DirEntry) bool {
			return slices.ContainsFunc(list, func(e fs.DirEntry) bool { return e.Name() == "folder" && e.IsDir() })
		})},
		{"srvsvc 16/2", get(2), &srvsvc.NetrShareGetInfoResponse{Return: uint32(nt.NErrNetNameNotFound)}},
		{"srvsvc 14/502", func() (any, error) {
			return srv.NetrShareAdd(x.ctx(), &srvsvc.NetrShareAddRequest{ServerName: &x.name, Level: 502, InfoStruct: srvsvc.SHARE_INFO{ShareInfo502: info}, ParmErr: ptr(uint32(0))})
		}, &srvsvc.NetrShareAddResponse{ParmErr: ptr(uint32(0))}},
		{"srvsvc 14/502, again", func() (any, error) {
			return srv.NetrShareAdd(x.ctx(), &srvsvc.NetrShareAddRequest{ServerName: &x.name, Level: 502, InfoStruct: srvsvc.SHARE_INFO{ShareInfo502: info}, ParmErr: ptr(uint32(0))})
		}, &srvsvc.NetrShareAddResponse{ParmErr: ptr(uint32(0)), Return: uint32(nt.NErrDuplicateShare)}},
		{"srvsvc 17/1005", func() (any, error) {
			return srv.NetrShareSetInfo(x.ctx(), &srvsvc.NetrShareSetInfoRequest{ServerName: &x.name, NetName: "new", Level: 1005, ParmErr: ptr(uint32(0)),
				ShareInfo: srvsvc.SHARE_INFO{ShareInfo1005: &srvsvc.SHARE_INFO_1005{Shi1005Flags: 0x20}}})
		}, &srvsvc.NetrShareSetInfoResponse{ParmErr: ptr(uint32(0))}},
		{"srvsvc 17/1501", func() (any, error) {
			return srv.NetrShareSetInfo(x.ctx(), &srvsvc.NetrShareSetInfoRequest{ServerName: &x.name, NetName: "new", Level: 1501, ParmErr: ptr(uint32(0)),
				ShareInfo: srvsvc.SHARE_INFO{ShareInfo1501: &srvsvc.SHARE_INFO_1501_I{Shi1501Reserved: uint32(len(d)), Shi1501SecurityDescriptor: d}}})
		}, &srvsvc.NetrShareSetInfoResponse{ParmErr: ptr(uint32(0))}},
		{"srvsvc 16/502", get(502), &srvsvc.NetrShareGetInfoResponse{InfoStruct: srvsvc.SHARE_INFO{ShareInfo502: info}}},
		{"srvsvc 16/1005", get(1005), &srvsvc.NetrShareGetInfoResponse{InfoStruct: srvsvc.SHARE_INFO{ShareInfo1005: &srvsvc.SHARE_INFO_1005{Shi1005Flags: 0x20}}}},
		{"srvsvc 37", func() (any, error) {
			out, err := srv.NetrShareDelStart(x.ctx(), &srvsvc.NetrShareDelStartRequest{ServerName: &x.name, NetName: "new"})
			deletion = out.ContextHandle
			return out, err
		}, &srvsvc.NetrShareDelStartResponse{ContextHandle: handle}},
		{"srvsvc 38", func() (any, error) {
			return srv.NetrShareDelCommit(x.ctx(), &srvsvc.NetrShareDelCommitRequest{ContextHandle: deletion})
		}, &srvsvc.NetrShareDelCommitResponse{}},
		{"srvsvc 16/502, stopped", get(502), &srvsvc.NetrShareGetInfoResponse{Return: uint32(nt.NErrNetNameNotFound)}},
		{"srvsvc 18", func() (any, error) {
			return srv.NetrShareDel(x.ctx(), &srvsvc.NetrShareDelRequest{ServerName: &x.name, NetName: "data"})
		}, &srvsvc.NetrShareDelResponse{}},
		{"srvsvc 19", func() (any, error) {
			return srv.NetrShareDelSticky(x.ctx(), &srvsvc.NetrShareDelStickyRequest{ServerName: &x.name, NetName: "data"})
		}, &srvsvc.NetrShareDelStickyResponse{Return: uint32(nt.NErrNetNameNotFound)}},
	})
}

// TestSharedFoldersSessions looks at who is connected and what is open, closes a file, and ends the session.
func TestSharedFoldersSessions(t *testing.T) {
	s := start(t)
	x, u := s.as(admin), s.as(user)
	if err := os.WriteFile(filepath.Join(s.data(), "open.txt"), []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := iofs.New(u.m, u.path("data"), iofs.Config{Contexts: []any{u.cred}}).OpenFile("open.txt", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	srv := srvsvc.NewClient(x.bind("srvsvc", srvsvc.SrvsvcInterface, rpc.AuthLevelNone))
	sessions := func(level uint32, u srvsvc.SESSION_ENUM_UNION) func() (any, error) {
		return func() (any, error) {
			out, err := srv.NetrSessionEnum(x.ctx(), &srvsvc.NetrSessionEnumRequest{ServerName: &x.name, UserName: text(user), PreferedMaximumLength: whole, ResumeHandle: ptr(uint32(0)),
				InfoStruct: srvsvc.SESSION_ENUM_STRUCT{Level: level, SessionInfo: u}})
			// How long it takes is not compared.
			for _, l := range []*srvsvc.SESSION_INFO_1_CONTAINER{out.InfoStruct.SessionInfo.Level1} {
				if l != nil {
					for i := range l.Buffer {
						l.Buffer[i].Sesi1Time, l.Buffer[i].Sesi1IdleTime = 0, 0
					}
				}
			}
			if l := out.InfoStruct.SessionInfo.Level2; l != nil {
				for i := range l.Buffer {
					l.Buffer[i].Sesi2Time, l.Buffer[i].Sesi2IdleTime = 0, 0
				}
			}
			if l := out.InfoStruct.SessionInfo.Level502; l != nil {
				for i := range l.Buffer {
					l.Buffer[i].Sesi502Time, l.Buffer[i].Sesi502IdleTime = 0, 0
				}
			}
			return out, err
		}
	}
	answer := func(level, n uint32, u srvsvc.SESSION_ENUM_UNION) *srvsvc.NetrSessionEnumResponse {
		return &srvsvc.NetrSessionEnumResponse{InfoStruct: srvsvc.SESSION_ENUM_STRUCT{Level: level, SessionInfo: u}, TotalEntries: n, ResumeHandle: ptr(uint32(0))}
	}
	files := func(path *string) func() (any, error) {
		return func() (any, error) {
			return srv.NetrFileEnum(x.ctx(), &srvsvc.NetrFileEnumRequest{ServerName: &x.name, BasePath: path, UserName: text(user), PreferedMaximumLength: whole, ResumeHandle: ptr(uint32(0)),
				InfoStruct: srvsvc.FILE_ENUM_STRUCT{Level: 3, FileInfo: srvsvc.FILE_ENUM_UNION{Level3: &srvsvc.FILE_INFO_3_CONTAINER{}}}})
		}
	}
	var id uint32
	client := text(`\\127.0.0.1`)
	kind := text("SMB 3.1.1") // the dialect is told where Windows says nothing
	const opens = 2           // the file, and the pipe that asked for the machine's SID
	x.play([]step{
		{"srvsvc 12/2", sessions(2, srvsvc.SESSION_ENUM_UNION{Level2: &srvsvc.SESSION_INFO_2_CONTAINER{}}), answer(2, 1, srvsvc.SESSION_ENUM_UNION{Level2: &srvsvc.SESSION_INFO_2_CONTAINER{EntriesRead: 1,
			Buffer: []srvsvc.SESSION_INFO_2{{Sesi2Cname: client, Sesi2Username: text(user), Sesi2NumOpens: opens, Sesi2CltypeName: kind}}}})},
		{"srvsvc 12/1", sessions(1, srvsvc.SESSION_ENUM_UNION{Level1: &srvsvc.SESSION_INFO_1_CONTAINER{}}), answer(1, 1, srvsvc.SESSION_ENUM_UNION{Level1: &srvsvc.SESSION_INFO_1_CONTAINER{EntriesRead: 1,
			Buffer: []srvsvc.SESSION_INFO_1{{Sesi1Cname: client, Sesi1Username: text(user), Sesi1NumOpens: opens}}}})},
		{"srvsvc 12/502", sessions(502, srvsvc.SESSION_ENUM_UNION{Level502: &srvsvc.SESSION_INFO_502_CONTAINER{}}), answer(502, 1, srvsvc.SESSION_ENUM_UNION{Level502: &srvsvc.SESSION_INFO_502_CONTAINER{EntriesRead: 1,
			Buffer: []srvsvc.SESSION_INFO_502{{Sesi502Cname: client, Sesi502Username: text(user), Sesi502NumOpens: opens, Sesi502CltypeName: kind, Sesi502Transport: text(`\Device\NetbiosSmb`)}}}})},
		{"srvsvc 9/3", files(nil), that("the file and the pipe, with path, user and access", func(out *srvsvc.NetrFileEnumResponse) bool {
			l := out.InfoStruct.FileInfo.Level3
			if out.Return != 0 || l == nil || len(l.Buffer) != opens || out.TotalEntries != opens {
				return false
			}
			for _, f := range l.Buffer {
				if ndr.Text(f.Fi3Pathname) == filepath.Join(s.data(), "open.txt") && ndr.Text(f.Fi3Username) == user && f.Fi3Permissions == 7 && f.Fi3NumLocks == 0 {
					id = f.Fi3Id
				}
			}
			return id != 0
		})},
		{"srvsvc 11", func() (any, error) {
			return srv.NetrFileClose(x.ctx(), &srvsvc.NetrFileCloseRequest{ServerName: &x.name, FileId: id})
		}, &srvsvc.NetrFileCloseResponse{}},
		{"srvsvc 11, again", func() (any, error) {
			return srv.NetrFileClose(x.ctx(), &srvsvc.NetrFileCloseRequest{ServerName: &x.name, FileId: id})
		}, &srvsvc.NetrFileCloseResponse{Return: uint32(nt.NErrFileIdNotFound)}},
		{"srvsvc 13", func() (any, error) {
			return srv.NetrSessionDel(x.ctx(), &srvsvc.NetrSessionDelRequest{ServerName: &x.name, ClientName: client, UserName: text(user)})
		}, &srvsvc.NetrSessionDelResponse{}},
		{"srvsvc 13, again", func() (any, error) {
			return srv.NetrSessionDel(x.ctx(), &srvsvc.NetrSessionDelRequest{ServerName: &x.name, ClientName: client, UserName: text(user)})
		}, &srvsvc.NetrSessionDelResponse{Return: uint32(nt.NErrUserNotFound)}}, // the client is the administrator's, too
		{"srvsvc 13, elsewhere", func() (any, error) {
			return srv.NetrSessionDel(x.ctx(), &srvsvc.NetrSessionDelRequest{ServerName: &x.name, ClientName: text(`\\192.0.2.1`)})
		}, &srvsvc.NetrSessionDelResponse{Return: uint32(nt.NErrClientNameNotFound)}},
	})
	f.Close()
}
