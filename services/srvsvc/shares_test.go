package srvsvc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

func descriptorOf(t testing.TB, sddl string) []byte {
	t.Helper()
	sd, err := nt.ParseSDDL(sddl, machine)
	if err != nil {
		t.Fatal(err)
	}
	return sd.Append(nil)
}

func add502(t testing.TB, c *gen.Client, i gen.SHARE_INFO_502_I) (nt.WinError, uint32) {
	t.Helper()
	i.Shi502Reserved = uint32(len(i.Shi502SecurityDescriptor))
	out, err := c.NetrShareAdd(t.Context(), &gen.NetrShareAddRequest{ServerName: ndr.String(`\\ANY`), Level: 502, InfoStruct: gen.SHARE_INFO{ShareInfo502: &i},
		ParmErr: ptr[uint32](77)})
	if err != nil {
		t.Fatal(err)
	}
	return nt.WinError(out.Return), *out.ParmErr
}

func get502(t testing.TB, c *gen.Client, name string) *gen.SHARE_INFO_502_I {
	t.Helper()
	out, err := c.NetrShareGetInfo(t.Context(), &gen.NetrShareGetInfoRequest{NetName: name, Level: 502})
	if err != nil || out.Return != success {
		t.Fatalf("get %q: %v, %v", name, nt.WinError(out.Return), err)
	}
	return out.InfoStruct.ShareInfo502
}

func TestShareRoundTrip(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someAdmin)
	for _, name := range []string{"Größe", "共有", "a b", "x$", strings.Repeat("n", 80), "😀"} {
		sd := descriptorOf(t, "O:BAG:SYD:(A;;FA;;;BA)(A;;FR;;;S-1-5-21-1-2-3-1000)")
		want := gen.SHARE_INFO_502_I{
			Shi502Netname: &name, Shi502Remark: ndr.String("of " + name), Shi502MaxUses: 5, Shi502Path: ndr.String(`C:\` + name),
			Shi502SecurityDescriptor: sd, Shi502Reserved: uint32(len(sd)),
		}
		if got, parm := add502(t, c, want); got != ok || parm != 0 {
			t.Errorf("add %q: %v, parameter %d", name, got, parm)
			continue
		}
		if got, _ := add502(t, c, want); got != nt.NErrDuplicateShare {
			t.Errorf("add %q again: %v", name, got)
		}
		got := get502(t, c, nt.Upcase(name))
		if *got.Shi502Netname != name || *got.Shi502Remark != *want.Shi502Remark || *got.Shi502Path != *want.Shi502Path || got.Shi502MaxUses != 5 ||
			got.Shi502Passwd != nil || got.Shi502Permissions != 0 || got.Shi502Reserved != uint32(len(sd)) || !bytes.Equal(got.Shi502SecurityDescriptor, sd) {
			t.Errorf("%q came back as %+v", name, got)
		}
		if out, err := c.NetrShareDel(t.Context(), &gen.NetrShareDelRequest{NetName: name}); err != nil || out.Return != success {
			t.Errorf("delete %q: %+v, %v", name, out, err)
		}
		if out, err := c.NetrShareDel(t.Context(), &gen.NetrShareDelRequest{NetName: name}); err != nil || out.Return != netNameNotFound {
			t.Errorf("delete %q again: %+v, %v", name, out, err)
		}
	}
	// Generic rights are replaced, and a NULL descriptor and a NULL remark are allowed.
	if got, _ := add502(t, c, gen.SHARE_INFO_502_I{Shi502Netname: ndr.String("g"), Shi502Path: ndr.String(`C:\`), Shi502MaxUses: 0xFFFFFFFF,
		Shi502SecurityDescriptor: descriptorOf(t, "D:(A;;GA;;;WD)(D;;GW;;;BG)")}); got != ok {
		t.Fatal(got)
	}
	sd, err := nt.ParseSecurityDescriptor(get502(t, c, "g").Shi502SecurityDescriptor)
	if err != nil || sd.SDDL() != "D:(A;;FA;;;WD)(D;;FW;;;BG)" {
		t.Errorf("descriptor %q, %v", sd.SDDL(), err)
	}
	if got, _ := add502(t, c, gen.SHARE_INFO_502_I{Shi502Netname: ndr.String("n"), Shi502Path: ndr.String(`C:\`), Shi502MaxUses: 1}); got != ok {
		t.Fatal(got)
	}
	if i := get502(t, c, "n"); i.Shi502SecurityDescriptor != nil || i.Shi502Reserved != 0 || *i.Shi502Remark != "" {
		t.Errorf("%+v", i)
	}
}

func TestShareAddRefused(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someAdmin)
	good := gen.SHARE_INFO_502_I{Shi502Netname: ndr.String("new"), Shi502Path: ndr.String(`C:\new`), Shi502MaxUses: 1}
	for name, test := range map[string]struct {
		change func(*gen.SHARE_INFO_502_I)
		want   nt.WinError
		parm   uint32
	}{
		"NULL name":       {func(i *gen.SHARE_INFO_502_I) { i.Shi502Netname = nil }, nt.WErrInvalidName, parmNetname},
		"empty name":      {func(i *gen.SHARE_INFO_502_I) { i.Shi502Netname = ndr.String("") }, nt.WErrInvalidName, parmNetname},
		"long name":       {func(i *gen.SHARE_INFO_502_I) { i.Shi502Netname = ndr.String(strings.Repeat("n", 81)) }, nt.WErrInvalidName, parmNetname},
		"name with slash": {func(i *gen.SHARE_INFO_502_I) { i.Shi502Netname = ndr.String("a/b") }, nt.WErrInvalidName, parmNetname},
		"pipe":            {func(i *gen.SHARE_INFO_502_I) { i.Shi502Type = gen.STYPE_IPC }, nt.WErrInvalidParameter, parmType},
		"printer":         {func(i *gen.SHARE_INFO_502_I) { i.Shi502Type = gen.STYPE_PRINTQ }, nt.WErrInvalidParameter, parmType},
		"unknown type":    {func(i *gen.SHARE_INFO_502_I) { i.Shi502Type = 0x100 }, nt.WErrInvalidParameter, parmType},
		"long remark":     {func(i *gen.SHARE_INFO_502_I) { i.Shi502Remark = ndr.String(strings.Repeat("r", 257)) }, nt.WErrInvalidParameter, parmRemark},
		"no uses":         {func(i *gen.SHARE_INFO_502_I) { i.Shi502MaxUses, i.Shi502Netname = 0, ndr.String("unlimited") }, ok, parmNone},
		"NULL path":       {func(i *gen.SHARE_INFO_502_I) { i.Shi502Path = nil }, nt.WErrInvalidParameter, parmPath},
		"empty path":      {func(i *gen.SHARE_INFO_502_I) { i.Shi502Path = ndr.String("") }, nt.WErrInvalidParameter, parmPath},
		"no such path":    {func(i *gen.SHARE_INFO_502_I) { i.Shi502Path = ndr.String(`C:\missing`) }, nt.NErrUnknownDevDir, parmPath},
		"bad descriptor":  {func(i *gen.SHARE_INFO_502_I) { i.Shi502SecurityDescriptor = []byte{1, 0, 4, 0x80} }, nt.WErrInvalidParameter, parmFileSD},
		"long descriptor": {func(i *gen.SHARE_INFO_502_I) { i.Shi502SecurityDescriptor = make([]byte, 70000) }, nt.WErrInvalidParameter, parmFileSD},
		"taken":           {func(i *gen.SHARE_INFO_502_I) { i.Shi502Netname = ndr.String("PUBLIC") }, nt.NErrDuplicateShare, parmNone},
		"cluster bits":    {func(i *gen.SHARE_INFO_502_I) { i.Shi502Type = gen.STYPE_CLUSTER_FS }, ok, parmNone},
	} {
		i := good
		test.change(&i)
		if got, parm := add502(t, c, i); got != test.want || parm != test.parm {
			t.Errorf("%s: %v, parameter %d; want %v, %d", name, got, parm, test.want, test.parm)
		}
	}
	if got := get502(t, c, "unlimited").Shi502MaxUses; got != gen.SHI_USES_UNLIMITED {
		t.Errorf("%d uses", got)
	}
	if got := get502(t, c, "new").Shi502Type; got != 0 {
		t.Errorf("type 0x%x", got)
	}
	for name, in := range map[string]*gen.NetrShareAddRequest{
		"NULL structure": {Level: 2},
		"scoped":         {Level: 503, InfoStruct: gen.SHARE_INFO{ShareInfo503: &gen.SHARE_INFO_503_I{Shi503Netname: ndr.String("s"), Shi503Servername: ndr.String("OTHER")}}},
	} {
		want := map[string]nt.WinError{"NULL structure": nt.WErrInvalidParameter, "scoped": nt.WErrNotSupported}[name]
		if out, err := c.NetrShareAdd(t.Context(), in); err != nil || nt.WinError(out.Return) != want || out.ParmErr != nil {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
}

// TestShareSetInfo follows what Samba's torture test sets, and what it reads back.
func TestShareSetInfo(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someAdmin)
	sd := descriptorOf(t, "O:BAG:SYD:(A;;FR;;;WD)")
	for _, step := range []struct {
		name  string
		level uint32
		info  gen.SHARE_INFO
		want  nt.WinError
		parm  uint32
		check func(*srvctl.SRVCTL_SHARE) bool
	}{
		{"remark", 1, gen.SHARE_INFO{ShareInfo1: &gen.SHARE_INFO_1{Shi1Netname: ndr.String("other"), Shi1Type: 7, Shi1Remark: ndr.String("one")}}, ok, 0,
			func(s *srvctl.SRVCTL_SHARE) bool { return *s.Comment == "one" && *s.Name == "public" && s.Type == 0 }},
		{"a path is not changed", 2, gen.SHARE_INFO{ShareInfo2: &gen.SHARE_INFO_2{Shi2Remark: ndr.String("two"), Shi2MaxUses: 2, Shi2CurrentUses: 1,
			Shi2Path: ndr.String("::BLaH::")}}, ok, 0,
			func(s *srvctl.SRVCTL_SHARE) bool {
				return *s.Comment == "two" && s.MaxUses == 2 && *s.Path == `C:\public` && s.CurrentUses == 3
			}},
		{"descriptor", 502, gen.SHARE_INFO{ShareInfo502: &gen.SHARE_INFO_502_I{Shi502MaxUses: 502, Shi502Reserved: uint32(len(sd)), Shi502SecurityDescriptor: sd}}, ok, 0,
			func(s *srvctl.SRVCTL_SHARE) bool {
				return *s.Comment == "" && s.MaxUses == 502 && bytes.Equal(s.Sd, sd) && s.Flags == 0x30
			}},
		{"a NULL descriptor stays", 502, gen.SHARE_INFO{ShareInfo502: &gen.SHARE_INFO_502_I{Shi502Remark: ndr.String("r"), Shi502MaxUses: 1}}, ok, 0,
			func(s *srvctl.SRVCTL_SHARE) bool { return *s.Comment == "r" && bytes.Equal(s.Sd, sd) }},
		{"503", 503, gen.SHARE_INFO{ShareInfo503: &gen.SHARE_INFO_503_I{Shi503Remark: ndr.String("three"), Shi503MaxUses: 503}}, ok, 0,
			func(s *srvctl.SRVCTL_SHARE) bool { return *s.Comment == "three" && s.MaxUses == 503 }},
		{"1004", 1004, gen.SHARE_INFO{ShareInfo1004: &gen.SHARE_INFO_1004{Shi1004Remark: ndr.String("four")}}, ok, 0,
			func(s *srvctl.SRVCTL_SHARE) bool { return *s.Comment == "four" && s.MaxUses == 503 }},
		{"1005", 1005, gen.SHARE_INFO{ShareInfo1005: &gen.SHARE_INFO_1005{Shi1005Flags: 0x8813}}, ok, 0,
			func(s *srvctl.SRVCTL_SHARE) bool { return s.Flags == 0x8810 }}, // the DFS bits are DFS's
		{"1006", 1006, gen.SHARE_INFO{ShareInfo1006: &gen.SHARE_INFO_1006{Shi1006MaxUses: 1006}}, ok, 0,
			func(s *srvctl.SRVCTL_SHARE) bool { return s.MaxUses == 1006 && *s.Comment == "four" }},
		{"1501 NULL", 1501, gen.SHARE_INFO{ShareInfo1501: &gen.SHARE_INFO_1501_I{}}, ok, 0,
			func(s *srvctl.SRVCTL_SHARE) bool { return bytes.Equal(s.Sd, sd) }},
		{"1501", 1501, gen.SHARE_INFO{ShareInfo1501: &gen.SHARE_INFO_1501_I{Shi1501Reserved: uint32(len(sd)), Shi1501SecurityDescriptor: sd}}, ok, 0,
			func(s *srvctl.SRVCTL_SHARE) bool { return bytes.Equal(s.Sd, sd) }},
		{"bad remark", 1004, gen.SHARE_INFO{ShareInfo1004: &gen.SHARE_INFO_1004{Shi1004Remark: ndr.String(strings.Repeat("r", 257))}}, nt.WErrInvalidParameter, parmRemark, nil},
		{"bad uses", 1006, gen.SHARE_INFO{ShareInfo1006: &gen.SHARE_INFO_1006{}}, nt.WErrInvalidParameter, parmMaxUses, nil},
		{"bad flags", 1005, gen.SHARE_INFO{ShareInfo1005: &gen.SHARE_INFO_1005{Shi1005Flags: 0x80000000}}, nt.WErrInvalidParameter, parmUnknown, nil},
		{"bad descriptor", 1501, gen.SHARE_INFO{ShareInfo1501: &gen.SHARE_INFO_1501_I{Shi1501Reserved: 2, Shi1501SecurityDescriptor: []byte{1, 2}}},
			nt.WErrInvalidParameter, parmFileSD, nil},
		{"NULL structure", 1, gen.SHARE_INFO{}, nt.WErrInvalidParameter, parmUnknown, nil},
	} {
		before := e.fake.shares["PUBLIC"]
		out, err := c.NetrShareSetInfo(t.Context(), &gen.NetrShareSetInfoRequest{NetName: "Public", Level: step.level, ShareInfo: step.info, ParmErr: ptr[uint32](99)})
		if err != nil || nt.WinError(out.Return) != step.want || *out.ParmErr != step.parm {
			t.Errorf("%s: %v, %v; want %v, parameter %d", step.name, nt.WinError(out.Return), err, step.want, step.parm)
			continue
		}
		after := e.fake.shares["PUBLIC"]
		if step.check != nil && !step.check(&after) {
			t.Errorf("%s: the share is %+v", step.name, after)
		}
		if step.check == nil && *before.Comment != *after.Comment {
			t.Errorf("%s: a refusal changed the share", step.name)
		}
	}
	for name, want := range map[string]nt.WinError{"none": nt.NErrNetNameNotFound, "IPC$": nt.WErrAccessDenied} {
		out, err := c.NetrShareSetInfo(t.Context(), &gen.NetrShareSetInfoRequest{NetName: name, Level: 1004, ShareInfo: gen.SHARE_INFO{ShareInfo1004: &gen.SHARE_INFO_1004{}}})
		if err != nil || nt.WinError(out.Return) != want {
			t.Errorf("%s: %v, %v; want %v", name, nt.WinError(out.Return), err, want)
		}
	}
	if out, err := c.NetrShareGetInfo(t.Context(), &gen.NetrShareGetInfoRequest{NetName: "none", Level: 1}); err != nil || out.Return != netNameNotFound {
		t.Errorf("get of nothing: %+v, %v", out, err)
	}
}

func TestShareLevels(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someAdmin)
	ctx := t.Context()
	enum := func(l uint32) *gen.SHARE_ENUM_UNION {
		t.Helper()
		out, err := c.NetrShareEnum(ctx, &gen.NetrShareEnumRequest{InfoStruct: gen.SHARE_ENUM_STRUCT{Level: l}, PreferedMaximumLength: all})
		if err != nil || out.Return != success || out.TotalEntries != 2 || out.ResumeHandle != nil {
			t.Fatalf("level %d: %+v, %v", l, out, err)
		}
		return &out.InfoStruct.ShareInfo
	}
	if l := enum(0).Level0; l.EntriesRead != 2 || *l.Buffer[0].Shi0Netname != "IPC$" || *l.Buffer[1].Shi0Netname != "public" {
		t.Errorf("0: %+v", l)
	}
	if l := enum(1).Level1; l.Buffer[0].Shi1Type != 0x80000003 || l.Buffer[1].Shi1Type != 0 || *l.Buffer[1].Shi1Remark != "for all" {
		t.Errorf("1: %+v", l)
	}
	if l := enum(2).Level2; *l.Buffer[0].Shi2Path != "" || l.Buffer[1].Shi2MaxUses != 0xFFFFFFFF || l.Buffer[1].Shi2CurrentUses != 3 || *l.Buffer[1].Shi2Path != `C:\public` {
		t.Errorf("2: %+v", l)
	}
	if l := enum(501).Level501; l.Buffer[1].Shi501Flags != 0x30 {
		t.Errorf("501: %+v", l)
	}
	if l := enum(502).Level502; len(l.Buffer[1].Shi502SecurityDescriptor) == 0 {
		t.Errorf("502: %+v", l)
	}
	if l := enum(503).Level503; *l.Buffer[1].Shi503Servername != "*" {
		t.Errorf("503: %+v", l)
	}
	get := func(l uint32) *gen.SHARE_INFO {
		t.Helper()
		out, err := c.NetrShareGetInfo(ctx, &gen.NetrShareGetInfoRequest{NetName: "PUBLIC", Level: l})
		if err != nil || out.Return != success {
			t.Fatalf("level %d: %+v, %v", l, out, err)
		}
		return &out.InfoStruct
	}
	if i := get(1005).ShareInfo1005; i.Shi1005Flags != 0x30 {
		t.Errorf("1005: %+v", i)
	}
	if i := get(1004).ShareInfo1004; *i.Shi1004Remark != "for all" {
		t.Errorf("1004: %+v", i)
	}
	if i := get(1006).ShareInfo1006; i.Shi1006MaxUses != 0xFFFFFFFF {
		t.Errorf("1006: %+v", i)
	}
	if i := get(1501).ShareInfo1501; i.Shi1501Reserved == 0 || int(i.Shi1501Reserved) != len(i.Shi1501SecurityDescriptor) {
		t.Errorf("1501: %+v", i)
	}
	// Sticky leaves out what does not last.
	e.fake.put(srvctl.SRVCTL_SHARE{Name: ndr.String("temp"), Type: gen.STYPE_TEMPORARY, Path: ndr.String(`C:\t`), MaxUses: 1})
	out, err := c.NetrShareEnumSticky(ctx, &gen.NetrShareEnumStickyRequest{InfoStruct: gen.SHARE_ENUM_STRUCT{Level: 2}, PreferedMaximumLength: all})
	if err != nil || out.TotalEntries != 1 || *out.InfoStruct.ShareInfo.Level2.Buffer[0].Shi2Netname != "public" {
		t.Errorf("sticky: %+v, %v", out, err)
	}
	if out, err := c.NetrShareDelSticky(ctx, &gen.NetrShareDelStickyRequest{NetName: "temp"}); err != nil || out.Return != netNameNotFound {
		t.Errorf("sticky delete of a temporary share: %+v, %v", out, err)
	}
	for device, want := range map[string]uint32{`C:\public`: 0, `c:\PUBLIC\`: 0, "": gen.STYPE_IPC} {
		if out, err := c.NetrShareCheck(ctx, &gen.NetrShareCheckRequest{Device: device}); err != nil || out.Return != success || out.Type != want {
			t.Errorf("check %q: %+v, %v", device, out, err)
		}
	}
	if out, err := c.NetrShareCheck(ctx, &gen.NetrShareCheckRequest{Device: `D:\`}); err != nil || nt.WinError(out.Return) != nt.NErrDeviceNotShared {
		t.Errorf("check: %+v, %v", out, err)
	}
}

// TestTwoPhaseDelete is 37 and 38, and what may go wrong between them.
func TestTwoPhaseDelete(t *testing.T) {
	e := newEnv(t, Config{})
	c, other := e.dial(someAdmin), e.dial(someAdmin)
	ctx := t.Context()
	if out, err := c.NetrShareDelStart(ctx, &gen.NetrShareDelStartRequest{NetName: "none"}); err != nil || out.Return != netNameNotFound || !out.ContextHandle.IsZero() {
		t.Errorf("start of nothing: %+v, %v", out, err)
	}
	start, err := c.NetrShareDelStart(ctx, &gen.NetrShareDelStartRequest{NetName: "public"})
	if err != nil || start.Return != success {
		t.Fatal(start, err)
	}
	if e.fake.shares["PUBLIC"].Name == nil {
		t.Error("start deleted the share")
	}
	forged := start.ContextHandle
	forged.UUID[3] ^= 1
	for name, try := range map[string]struct {
		c *gen.Client
		h rpc.ContextHandle
	}{"forged": {c, forged}, "null": {c, rpc.ContextHandle{}}, "of another association": {other, start.ContextHandle}} {
		var fault rpc.Fault
		if _, err := try.c.NetrShareDelCommit(ctx, &gen.NetrShareDelCommitRequest{ContextHandle: try.h}); !errors.As(err, &fault) || fault != rpc.FaultContextMismatch {
			t.Errorf("commit of a %s handle: %v", name, err)
		}
	}
	commit, err := c.NetrShareDelCommit(ctx, &gen.NetrShareDelCommitRequest{ContextHandle: start.ContextHandle})
	if err != nil || commit.Return != success || !commit.ContextHandle.IsZero() {
		t.Errorf("commit: %+v, %v", commit, err)
	}
	if e.fake.shares["PUBLIC"].Name != nil {
		t.Error("commit did not delete the share")
	}
	if _, err := c.NetrShareDelCommit(ctx, &gen.NetrShareDelCommitRequest{ContextHandle: start.ContextHandle}); err == nil {
		t.Error("a second commit of one handle")
	}
	for name, in := range map[string]*gen.NetrShareDelExRequest{
		"NULL":      {Level: 0},
		"NULL name": {Level: 0, ShareInfo: gen.SHARE_INFO{ShareInfo0: &gen.SHARE_INFO_0{}}},
		"scoped":    {Level: 503, ShareInfo: gen.SHARE_INFO{ShareInfo503: &gen.SHARE_INFO_503_I{Shi503Netname: ndr.String("IPC$"), Shi503Servername: ndr.String("X")}}},
	} {
		want := invalidParam
		if name == "scoped" {
			want = netNameNotFound
		}
		if out, err := c.NetrShareDelEx(ctx, in); err != nil || out.Return != want {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
}

func TestPaging(t *testing.T) {
	e := newEnv(t, Config{})
	c := e.dial(someAdmin)
	const n = 2000
	for i := range n - 2 {
		e.fake.put(srvctl.SRVCTL_SHARE{Name: ndr.String(fmt.Sprintf("share%04d", i)), Comment: ndr.String("Größe"), Path: ndr.String(`C:\x`), MaxUses: 1})
	}
	want := func(i int) string {
		switch i {
		case 0:
			return "IPC$"
		case 1:
			return "public"
		}
		return fmt.Sprintf("share%04d", i-2)
	}
	for _, prefer := range []uint32{all, 1 << 20, 65536, 4096} {
		seen, calls := 0, 0
		resume := uint32(0)
		for {
			out, err := c.NetrShareEnum(t.Context(), &gen.NetrShareEnumRequest{InfoStruct: gen.SHARE_ENUM_STRUCT{Level: 1}, PreferedMaximumLength: prefer, ResumeHandle: &resume})
			if err != nil {
				t.Fatal(err)
			}
			calls++
			if int(out.TotalEntries) != n-seen {
				t.Fatalf("prefer %d: %d entries in all after %d, want %d", prefer, out.TotalEntries, seen, n-seen)
			}
			l := out.InfoStruct.ShareInfo.Level1
			size := 0
			for i := range l.Buffer {
				if got := *l.Buffer[i].Shi1Netname; got != want(seen) {
					t.Fatalf("prefer %d: entry %d is %q, want %q", prefer, seen, got, want(seen))
				}
				size += 12 + 2*(len(*l.Buffer[i].Shi1Netname)+6)
				seen++
			}
			if prefer != all && uint64(size) > uint64(prefer) {
				t.Fatalf("prefer %d: %d bytes", prefer, size)
			}
			if out.Return == success {
				if *out.ResumeHandle != 0 {
					t.Errorf("prefer %d: the last page resumes at %d", prefer, *out.ResumeHandle)
				}
				break
			}
			if out.Return != moreData || *out.ResumeHandle != uint32(seen) {
				t.Fatalf("prefer %d: %v, resume %d after %d", prefer, nt.WinError(out.Return), *out.ResumeHandle, seen)
			}
			resume = *out.ResumeHandle
		}
		if seen != n || (prefer == all) != (calls == 1) && prefer < 1<<20 {
			t.Errorf("prefer %d: %d shares in %d calls", prefer, seen, calls)
		}
	}
	for _, test := range []struct {
		prefer uint32
		resume *uint32
		result nt.WinError
		n      int
		total  uint32
	}{
		{0, nil, nt.NErrBufTooSmall, 0, n},
		{10, ptr[uint32](5), nt.NErrBufTooSmall, 0, n - 5},
		{all, ptr[uint32](n - 1), ok, 1, 1},
		{all, ptr[uint32](n), ok, 0, 0},
		{all, ptr[uint32](0xFFFFFFFF), ok, 0, 0},
		{4096, nil, nt.WErrMoreData, -1, n},
	} {
		out, err := c.NetrShareEnum(t.Context(), &gen.NetrShareEnumRequest{InfoStruct: gen.SHARE_ENUM_STRUCT{Level: 0}, PreferedMaximumLength: test.prefer, ResumeHandle: test.resume})
		if err != nil || nt.WinError(out.Return) != test.result || out.TotalEntries != test.total || (out.ResumeHandle == nil) != (test.resume == nil) {
			t.Errorf("prefer %d: %+v, %v", test.prefer, out, err)
			continue
		}
		if got := len(out.InfoStruct.ShareInfo.Level0.Buffer); test.n >= 0 && got != test.n || test.n < 0 && got == 0 {
			t.Errorf("prefer %d: %d entries", test.prefer, got)
		}
	}
}

func TestWindowIsBounded(t *testing.T) {
	w := windowOf(1000, new(uint32), all, func(int) int { return 1 << 20 })
	if w.to != maxWindow>>20 || w.result != moreData || *w.resume != uint32(w.to) || w.total != 1000 {
		t.Errorf("%+v", w)
	}
}
