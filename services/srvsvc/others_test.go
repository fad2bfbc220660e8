package srvsvc

import (
	"strings"
	"testing"
	"time"

	"lwio/gen/dtyp"
	gen "lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

func TestSessions(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someAdmin)
	ctx := t.Context()
	enum := func(l uint32, client, user *string) *gen.NetrSessionEnumResponse {
		t.Helper()
		out, err := c.NetrSessionEnum(ctx, &gen.NetrSessionEnumRequest{ClientName: client, UserName: user, InfoStruct: gen.SESSION_ENUM_STRUCT{Level: l},
			PreferedMaximumLength: all})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if l := enum(0, nil, nil).InfoStruct.SessionInfo.Level0; l.EntriesRead != 3 || *l.Buffer[1].Sesi0Cname != `\\CLIENT1` {
		t.Errorf("0: %+v", l)
	}
	if l := enum(1, nil, nil).InfoStruct.SessionInfo.Level1; *l.Buffer[2].Sesi1Username != "user2" || l.Buffer[2].Sesi1NumOpens != 2 || l.Buffer[2].Sesi1Time != 100 ||
		l.Buffer[2].Sesi1IdleTime != 10 || l.Buffer[2].Sesi1UserFlags != gen.SESS_NOENCRYPTION {
		t.Errorf("1: %+v", l)
	}
	if l := enum(2, nil, nil).InfoStruct.SessionInfo.Level2; *l.Buffer[0].Sesi2CltypeName != "SMB 3.1.1" || l.Buffer[0].Sesi2UserFlags != 2 {
		t.Errorf("2: %+v", l)
	}
	if l := enum(10, nil, nil).InfoStruct.SessionInfo.Level10; *l.Buffer[0].Sesi10Cname != `\\CLIENT0` || l.Buffer[0].Sesi10Time != 100 || l.Buffer[0].Sesi10IdleTime != 10 {
		t.Errorf("10: %+v", l)
	}
	if l := enum(502, ndr.String(`\\CLIENT1`), nil).InfoStruct.SessionInfo.Level502; l.EntriesRead != 1 || *l.Buffer[0].Sesi502Transport != "T" || *l.Buffer[0].Sesi502Username != "user1" {
		t.Errorf("502: %+v", l)
	}
	if out := enum(502, nil, ndr.String("user2")); out.TotalEntries != 1 {
		t.Errorf("of a user: %+v", out)
	}
	if out := enum(502, ndr.String(`\\NONE`), nil); nt.WinError(out.Return) != nt.NErrClientNameNotFound {
		t.Errorf("of no client: %+v", out)
	}
	for _, test := range []struct {
		client, user *string
		want         nt.WinError
		left         int
	}{
		{nil, nil, nt.WErrInvalidParameter, 3},
		{ndr.String(""), ndr.String(""), nt.WErrInvalidParameter, 3},
		{ndr.String(`\\NONE`), nil, nt.NErrClientNameNotFound, 3},
		{ndr.String(`\\CLIENT0`), ndr.String("user0"), ok, 2},
		{ndr.String(`CLIENT1`), nil, ok, 1},
		{nil, ndr.String("user2"), ok, 0},
	} {
		out, err := c.NetrSessionDel(ctx, &gen.NetrSessionDelRequest{ClientName: test.client, UserName: test.user})
		if err != nil || nt.WinError(out.Return) != test.want || len(e.fake.sessions) != test.left {
			t.Errorf("delete %q %q: %v, %v, %d left", ndr.Text(test.client), ndr.Text(test.user), nt.WinError(out.Return), err, len(e.fake.sessions))
		}
	}
}

func TestFilesAndConnections(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someAdmin)
	ctx := t.Context()
	out, err := c.NetrFileEnum(ctx, &gen.NetrFileEnumRequest{BasePath: ndr.String(`C:\public`), UserName: ndr.String("user1"), InfoStruct: gen.FILE_ENUM_STRUCT{Level: 3},
		PreferedMaximumLength: 4096})
	if err != nil || out.Return != success || out.TotalEntries != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	if i := out.InfoStruct.FileInfo.Level3.Buffer[0]; i.Fi3Id != 11 || i.Fi3Permissions != 3 || i.Fi3NumLocks != 1 || *i.Fi3Pathname != `C:\public\f1` || *i.Fi3Username != "user1" {
		t.Errorf("%+v", i)
	}
	if out, err := c.NetrFileEnum(ctx, &gen.NetrFileEnumRequest{InfoStruct: gen.FILE_ENUM_STRUCT{Level: 2}, PreferedMaximumLength: 8, ResumeHandle: ptr[uint32](0)}); err != nil ||
		out.Return != moreData || out.InfoStruct.FileInfo.Level2.EntriesRead != 2 || *out.ResumeHandle != 2 {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err := c.NetrFileGetInfo(ctx, &gen.NetrFileGetInfoRequest{FileId: 12, Level: 3}); err != nil || *out.InfoStruct.FileInfo3.Fi3Username != "user2" {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err := c.NetrFileGetInfo(ctx, &gen.NetrFileGetInfoRequest{FileId: 12, Level: 2}); err != nil || out.InfoStruct.FileInfo2.Fi2Id != 12 {
		t.Errorf("%+v, %v", out, err)
	}
	for _, want := range []nt.WinError{ok, nt.NErrFileIdNotFound} {
		if out, err := c.NetrFileClose(ctx, &gen.NetrFileCloseRequest{FileId: 12}); err != nil || nt.WinError(out.Return) != want {
			t.Errorf("close: %+v, %v; want %v", out, err, want)
		}
	}
	if out, err := c.NetrFileGetInfo(ctx, &gen.NetrFileGetInfoRequest{FileId: 12, Level: 3}); err != nil || nt.WinError(out.Return) != nt.NErrFileIdNotFound {
		t.Errorf("%+v, %v", out, err)
	}
	for qualifier, want := range map[string]nt.WinError{"IPC$": ok, `\\CLIENT0`: ok, "none": nt.NErrNetNameNotFound, "": nt.WErrInvalidParameter} {
		out, err := c.NetrConnectionEnum(ctx, &gen.NetrConnectionEnumRequest{Qualifier: &qualifier, InfoStruct: gen.CONNECT_ENUM_STRUCT{Level: 1}, PreferedMaximumLength: all})
		if err != nil || nt.WinError(out.Return) != want {
			t.Errorf("connections of %q: %+v, %v", qualifier, out, err)
			continue
		}
		if want == ok {
			i := out.InfoStruct.ConnectInfo.Level1.Buffer[2]
			if i.Coni1Id != 2 || i.Coni1Type != 0x80000003 || i.Coni1NumOpens != 1 || i.Coni1NumUsers != 1 || i.Coni1Time != 9 || *i.Coni1Netname != "CLIENT0" {
				t.Errorf("%+v", i)
			}
		}
	}
	if out, err := c.NetrConnectionEnum(ctx, &gen.NetrConnectionEnumRequest{InfoStruct: gen.CONNECT_ENUM_STRUCT{Level: 1}}); err != nil || out.Return != invalidParam {
		t.Errorf("NULL qualifier: %+v, %v", out, err)
	}
}

func TestServerInfo(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someAdmin)
	ctx := t.Context()
	get := func(l uint32) *gen.SERVER_INFO {
		t.Helper()
		out, err := c.NetrServerGetInfo(ctx, &gen.NetrServerGetInfoRequest{ServerName: ndr.String(`\\anything`), Level: l})
		if err != nil || out.Return != success {
			t.Fatalf("level %d: %+v, %v", l, out, err)
		}
		return &out.InfoStruct
	}
	if i := get(100).Value.(*dtyp.SERVER_INFO_100); i.Sv100PlatformId != 500 || *i.Sv100Name != "HOST" {
		t.Errorf("%+v", i)
	}
	if i := get(101).Value.(*dtyp.SERVER_INFO_101); i.Sv101VersionMajor != 10 || i.Sv101VersionType != 0x9003 || *i.Sv101Comment != "Größe" {
		t.Errorf("%+v", i)
	}
	if i := get(102).Value.(*gen.SERVER_INFO_102); i.Sv102Users != 0xFFFFFFFF || i.Sv102Disc != 15 || i.Sv102Announce != 240 || i.Sv102Anndelta != 3000 || *i.Sv102Userpath != `C:\` {
		t.Errorf("%+v", i)
	}
	if i := get(103).Value.(*gen.SERVER_INFO_103); i.Sv103Capabilities != 0 || i.Sv103Users != 0xFFFFFFFF {
		t.Errorf("%+v", i)
	}
	if a, b := get(502).Value.(*gen.SERVER_INFO_502), get(503).Value.(*gen.SERVER_INFO_503); a.Sv502Sessopens != 16384 || b.Sv503Sessopens != 16384 || *b.Sv503Domain != "DOM" || b.Sv503Maxfreeconnections != 4096 {
		t.Errorf("%+v %+v", a, b)
	}
	if i := get(599).Value.(*gen.SERVER_INFO_599); *i.Sv599Domain != "DOM" || i.Sv599Maxworkitemidletime != 30 {
		t.Errorf("%+v", i)
	}
	if serverParameters.Sv599Domain != nil {
		t.Error("an answer changed the table")
	}
	set := func(l uint32, u gen.SERVER_INFO) (nt.WinError, uint32) {
		t.Helper()
		out, err := c.NetrServerSetInfo(ctx, &gen.NetrServerSetInfoRequest{Level: l, ServerInfo: u, ParmErr: ptr[uint32](3)})
		if err != nil {
			t.Fatal(err)
		}
		return nt.WinError(out.Return), *out.ParmErr
	}
	if got, parm := set(102, gen.SERVER_INFO{Value: &gen.SERVER_INFO_102{Sv102Comment: ndr.String("共有"), Sv102Users: 7, Sv102Disc: -1, Sv102Hidden: 1,
		Sv102Announce: 60, Sv102Anndelta: 1}}); got != ok || parm != 0 {
		t.Errorf("%v %d", got, parm)
	}
	if i := get(102).Value.(*gen.SERVER_INFO_102); *i.Sv102Comment != "共有" || i.Sv102Users != 7 || i.Sv102Disc != -1 || i.Sv102Hidden != 1 || i.Sv102Announce != 60 || *i.Sv102Name != "HOST" {
		t.Errorf("%+v", i)
	}
	if got, _ := set(1005, gen.SERVER_INFO{Value: &gen.SERVER_INFO_1005{Sv1005Comment: ndr.String("c")}}); got != ok {
		t.Error(got)
	}
	if i := get(102).Value.(*gen.SERVER_INFO_102); *i.Sv102Comment != "c" || i.Sv102Users != 7 {
		t.Errorf("%+v", i)
	}
	for name, test := range map[string]struct {
		level uint32
		u     gen.SERVER_INFO
		parm  uint32
	}{
		"comment":   {1005, gen.SERVER_INFO{Value: &gen.SERVER_INFO_1005{Sv1005Comment: ndr.String(strings.Repeat("c", 257))}}, parmComment},
		"users":     {1107, gen.SERVER_INFO{Value: &gen.SERVER_INFO_1107{}}, parmUsers},
		"disc":      {1010, gen.SERVER_INFO{Value: &gen.SERVER_INFO_1010{Sv1010Disc: -2}}, parmDisc},
		"hidden":    {1016, gen.SERVER_INFO{Value: &gen.SERVER_INFO_1016{Sv1016Hidden: 2}}, parmHidden},
		"announce":  {1017, gen.SERVER_INFO{Value: &gen.SERVER_INFO_1017{}}, parmAnnounce},
		"announce+": {1017, gen.SERVER_INFO{Value: &gen.SERVER_INFO_1017{Sv1017Announce: 65536}}, parmAnnounce},
		"anndelta":  {1018, gen.SERVER_INFO{Value: &gen.SERVER_INFO_1018{Sv1018Anndelta: 65536}}, parmAnnDelta},
		"NULL":      {101, gen.SERVER_INFO{}, parmUnknown},
	} {
		if got, parm := set(test.level, test.u); got != nt.WErrInvalidParameter || parm != test.parm {
			t.Errorf("%s: %v, parameter %d; want %d", name, got, parm, test.parm)
		}
	}
}

func TestMachineCalls(t *testing.T) {
	at := time.Date(2024, 2, 29, 23, 59, 58, 120_000_000, time.FixedZone("east", 2*3600+1800))
	e := newEnv(t, Config{Drives: []string{"C:", "D:"}, Now: func() time.Time { return at }})
	c := e.dial(someAdmin)
	ctx := t.Context()
	tod, err := c.NetrRemoteTOD(ctx, &gen.NetrRemoteTODRequest{})
	if err != nil || tod.Return != success {
		t.Fatal(tod, err)
	}
	want := gen.TIME_OF_DAY_INFO{TodElapsedt: uint32(at.Unix()), TodMsecs: tod.BufferPtr.TodMsecs, TodHours: 21, TodMins: 29, TodSecs: 58, TodHunds: 12, TodTimezone: -150,
		TodTinterval: 310, TodDay: 29, TodMonth: 2, TodYear: 2024, TodWeekday: 4}
	if *tod.BufferPtr != want {
		t.Errorf("%+v, want %+v", *tod.BufferPtr, want)
	}
	// As smbtorture asks: a preferred length of zero.
	disks, err := c.NetrServerDiskEnum(ctx, &gen.NetrServerDiskEnumRequest{ResumeHandle: ptr[uint32](0)})
	if err != nil || disks.Return != success || disks.TotalEntries != 2 || disks.DiskInfoStruct.EntriesRead != 3 {
		t.Fatalf("%+v, %v", disks, err)
	}
	if b := disks.DiskInfoStruct.Buffer; b[0].Disk != "C:" || b[1].Disk != "D:" || b[2].Disk != "" {
		t.Errorf("%+v", b)
	}
	stats, err := c.NetrServerStatisticsGet(ctx, &gen.NetrServerStatisticsGetRequest{Service: ndr.String("LANMANSERVER")})
	if err != nil || stats.Return != success {
		t.Fatalf("%+v, %v", stats, err)
	}
	if i := stats.InfoStruct; i.Sts0Start != 1700000000 || i.Sts0Fopens != 7 || i.Sts0BytessentHigh != 1 || i.Sts0BytessentLow != 5 || i.Sts0BytesrcvdHigh != 2 || i.Sts0Pwerrors != 4 {
		t.Errorf("%+v", i)
	}
	for name, in := range map[string]*gen.NetrServerStatisticsGetRequest{"option": {Options: 1}, "service": {Service: ndr.String("WORKSTATION")}} {
		want := map[string]nt.WinError{"option": nt.WErrInvalidParameter, "service": nt.NErrServiceNotInstalled}[name]
		if out, err := c.NetrServerStatisticsGet(ctx, in); err != nil || nt.WinError(out.Return) != want || out.InfoStruct != nil {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	for l := range uint32(4) {
		out, err := c.NetrServerTransportEnum(ctx, &gen.NetrServerTransportEnumRequest{InfoStruct: gen.SERVER_XPORT_ENUM_STRUCT{Level: l}, PreferedMaximumLength: all})
		if err != nil || out.Return != success || out.TotalEntries != 2 {
			t.Fatalf("level %d: %+v, %v", l, out, err)
		}
		if l == 3 {
			if i := out.InfoStruct.XportInfo.Level3.Buffer[0]; i.Svti3Numberofvcs != 5 || *i.Svti3Transportname != `\Device\NetbiosSmb` || *i.Svti3Domain != "DOM" ||
				string(i.Svti3Transportaddress) != "HOST            " || *i.Svti3Networkaddress != "000000000000" {
				t.Errorf("%+v", i)
			}
		}
	}
}
