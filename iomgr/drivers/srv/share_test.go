package srv_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/devctl"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

func (c *client) treeStatus(path string) (smb2.TreeConnectResponse, uint32, nt.Status) {
	c.t.Helper()
	r, err := c.try(smb2.TreeConnect, 0, (&smb2.TreeConnectRequest{Path: nt.AppendUTF16(nil, path)}).Append(nil))
	if err != nil {
		c.t.Fatal(err)
	}
	if r.h.Status != nt.StatusSuccess {
		return smb2.TreeConnectResponse{}, 0, r.h.Status
	}
	res, err := smb2.ParseTreeConnectResponse(r.body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, r.h.TreeID, nt.StatusSuccess
}

func TestTreeConnect(t *testing.T) {
	dir := t.TempDir()
	e := newEnv(t, func(c *srv.Config) {
		c.Shares = newTable(
			share("data", dir),
			share("Größe", dir),
			share("readonly", dir, func(s *srvctl.SRVCTL_SHARE) { s.LwioFlags = 1 }),
			share("alice", dir, withSDDL("O:BAG:SYD:(A;;FA;;;S-1-5-21-1-2-3-1000)")),
			share("reading", dir, withSDDL("O:BAG:SYD:(A;;0x1200a9;;;WD)(A;;FA;;;BA)")),
			share("nobody", dir, withSDDL("O:BAG:SYD:P")),
			share("one", dir, func(s *srvctl.SRVCTL_SHARE) { s.MaxUses = 1 }),
			share("abe", dir, func(s *srvctl.SRVCTL_SHARE) { s.Flags = 0x0800 | 0x0010 }),
			share("nowhere", `D:\none`),
		)
	})
	alice, bob, root := e.logon("alice"), e.logon("bob"), e.logon("root")
	const all, read = nt.FileAllAccess, nt.AccessMask(0x1200a9)
	for _, v := range []struct {
		c      *client
		path   string
		status nt.Status
		access nt.AccessMask
	}{
		{alice, `\\host\data`, 0, all},
		{alice, `\\10.0.0.1\DATA`, 0, all},
		{alice, `\\host\GRÖSSE`, nt.StatusBadNetworkName, 0},
		{alice, `\\host\GRÖßE`, 0, all},
		{alice, `\\host\readonly`, 0, read},
		{root, `\\host\readonly`, 0, read},
		{alice, `\\host\alice`, 0, all},
		{bob, `\\host\alice`, nt.StatusAccessDenied, 0},
		{bob, `\\host\reading`, 0, read},
		{root, `\\host\reading`, 0, all},
		{bob, `\\host\nobody`, nt.StatusAccessDenied, 0},
		{bob, `\\host\nowhere`, nt.StatusBadNetworkName, 0},
		{bob, `\\host\none`, nt.StatusBadNetworkName, 0},
		{bob, `data`, nt.StatusBadNetworkName, 0},
		{bob, `\\host`, nt.StatusBadNetworkName, 0},
		{bob, `\\host\`, nt.StatusBadNetworkName, 0},
		{bob, `\\\data`, nt.StatusBadNetworkName, 0},
		{bob, `\\host\data\sub`, nt.StatusBadNetworkName, 0},
	} {
		res, _, st := v.c.treeStatus(v.path)
		if st != v.status || res.MaximalAccess&^nt.StandardRightsAll != v.access&^nt.StandardRightsAll {
			t.Errorf("%s: %v %#x, want %v %#x", v.path, st, res.MaximalAccess, v.status, v.access)
		}
		if st == 0 && res.ShareType != smb2.ShareTypeDisk {
			t.Errorf("%s: type %d", v.path, res.ShareType)
		}
	}
	if res, _, _ := alice.treeStatus(`\\host\ipc$`); res.ShareType != smb2.ShareTypePipe {
		t.Errorf("IPC$ is of type %d", res.ShareType)
	}
	if res, _, _ := alice.treeStatus(`\\host\abe`); res.ShareFlags != smb2.ShareFlagAccessBasedDirectoryEnum|smb2.ShareFlagAutoCaching {
		t.Errorf("flags %#x", res.ShareFlags)
	}
	_, tree, st := alice.treeStatus(`\\host\one`)
	if st != 0 {
		t.Fatal(st)
	}
	if _, _, st := bob.treeStatus(`\\host\one`); st != nt.StatusRequestNotAccepted {
		t.Errorf("a second use: %v", st)
	}
	alice.do(smb2.TreeDisconnect, tree, (&smb2.TreeDisconnectRequest{}).Append(nil), nt.StatusSuccess)
	if _, _, st := bob.treeStatus(`\\host\one`); st != 0 {
		t.Errorf("after the first has gone: %v", st)
	}
}

// TestShareAccess: the share's rights bound what can be opened.
func TestShareAccess(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("data"), 0o666); err != nil {
		t.Fatal(err)
	}
	e := newEnv(t, func(c *srv.Config) {
		c.Shares = newTable(share("ro", dir, func(s *srvctl.SRVCTL_SHARE) { s.LwioFlags = 1 }))
	})
	c := e.logon("root")
	tree := c.tree("ro")
	access := func(m nt.AccessMask, disposition uint32, options uint32) func(*smb2.CreateRequest) {
		return func(r *smb2.CreateRequest) {
			r.DesiredAccess, r.CreateDisposition, r.CreateOptions = m, disposition, options
		}
	}
	for name, f := range map[string]func(*smb2.CreateRequest){
		"write":           access(nt.FileWriteData, nt.FileOpen, 0),
		"generic write":   access(nt.GenericWrite, nt.FileOpen, 0),
		"delete":          access(nt.Delete, nt.FileOpen, 0),
		"overwrite":       access(nt.FileReadData, nt.FileOverwriteIf, 0),
		"supersede":       access(nt.FileReadData, nt.FileSupersede, 0),
		"delete on close": access(nt.FileReadData, nt.FileOpen, nt.FileDeleteOnClose),
	} {
		if r, err := c.try(smb2.Create, tree, createBody("f", f)); err != nil || r.h.Status != nt.StatusAccessDenied {
			t.Errorf("%s: %v %v", name, r.h.Status, err)
		}
	}
	c.do(smb2.Create, tree, createBody("new", access(nt.FileReadData, nt.FileCreate, 0)), nt.StatusAccessDenied)
	c.do(smb2.Create, tree, createBody("new", access(nt.FileReadData, nt.FileOpenIf, 0)), nt.StatusObjectNameNotFound)
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: c.open(tree, "f", access(nt.GenericRead, nt.FileOpenIf, 0))}).Append(nil), nt.StatusSuccess)
	// All that is allowed is less than what the file would allow.
	id := c.open(tree, "f", access(nt.MaximumAllowed, nt.FileOpen, 0))
	c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Data: []byte("x")}).Append(nil), nt.StatusAccessDenied)
	c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: 1, FileInfoClass: uint8(nt.FileEndOfFileInformation), FileID: id, Buffer: make([]byte, 8)}).Append(nil), nt.StatusAccessDenied)
	c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: 1, FileInfoClass: uint8(nt.FileDispositionInformation), FileID: id, Buffer: []byte{1}}).Append(nil), nt.StatusAccessDenied)
	if b, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(b) != "data" {
		t.Errorf("%q %v", b, err)
	}
}

// ctl opens the server's device as the system and gives its client.
func (e *env) ctl() *srvctl.Client {
	e.t.Helper()
	d, err := devctl.Open(context.Background(), e.m, `\srv`)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { d.Close() })
	return srvctl.NewClient(d)
}

func TestDeviceAccess(t *testing.T) {
	e := newEnv(t, nil)
	for user, want := range map[string]nt.Status{"alice": nt.StatusAccessDenied, "root": nt.StatusSuccess} {
		h, err := e.m.CreateFile(t.Context(), &api.CreateArgs{Name: `\srv`, Token: token(user), DesiredAccess: nt.FileReadData, Disposition: nt.FileOpen})
		if nt.StatusOf(err) != want {
			t.Errorf("%s: %v", user, err)
		}
		if err == nil {
			_ = e.m.Close(h)
		}
	}
	if _, err := e.m.CreateFile(t.Context(), &api.CreateArgs{Name: `\srv\x`, DesiredAccess: nt.FileReadData, Disposition: nt.FileOpen}); !errors.Is(err, nt.StatusObjectNameNotFound) {
		t.Error(err)
	}
}

func TestShareControls(t *testing.T) {
	dir := t.TempDir()
	tab := newTable(share("data", dir))
	e := newEnv(t, func(c *srv.Config) { c.Shares, c.Roots = tab, map[string]string{"C:": dir} })
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	ctl, ctx := e.ctl(), t.Context()
	add := func(s srvctl.SRVCTL_SHARE) nt.WinError {
		t.Helper()
		r, err := ctl.SrvShareAdd(ctx, &srvctl.SrvShareAddRequest{Share: s})
		if err != nil {
			t.Fatal(err)
		}
		return nt.WinError(r.Return)
	}
	long := make([]rune, 81)
	for i := range long {
		long[i] = 'x'
	}
	for _, v := range []struct {
		s    srvctl.SRVCTL_SHARE
		want nt.WinError
	}{
		{share("new", dir), nt.WErrSuccess},
		{share("NEW", dir), nt.NErrDuplicateShare},
		{share("共有", `C:\sub`), nt.WErrSuccess},
		{share("root", `C:\`), nt.WErrSuccess},
		{share("slash", `c:/sub`), nt.WErrSuccess},
		{share("IPC$", dir), nt.NErrDuplicateShare},
		{share("ADMIN$", dir), nt.NErrDuplicateShare},
		{share("", dir), nt.WErrInvalidName},
		{share(`a\b`, dir), nt.WErrInvalidName},
		{share("a/b", dir), nt.WErrInvalidName},
		{share("a:b", dir), nt.WErrInvalidName},
		{share("a*", dir), nt.WErrInvalidName},
		{share("a\x01", dir), nt.WErrInvalidName},
		{share(string(long), dir), nt.WErrInvalidName},
		{share(string(long[:80]), dir), nt.WErrSuccess},
		{share("p1", dir+"/none"), nt.NErrUnknownDevDir},
		{share("p2", dir+"/file"), nt.NErrUnknownDevDir},
		{share("p3", `D:\sub`), nt.NErrUnknownDevDir},
		{share("p4", `C:\..\etc`), nt.NErrUnknownDevDir},
		{share("p5", `C:sub`), nt.NErrUnknownDevDir},
		{share("p6", "relative"), nt.NErrUnknownDevDir},
		{share("p7", ""), nt.NErrUnknownDevDir},
		{share("p8", dir+`/a\b`), nt.NErrUnknownDevDir},
		{share("q1", dir, func(s *srvctl.SRVCTL_SHARE) { s.Type = 1 }), nt.WErrInvalidParameter},
		{share("q2", dir, func(s *srvctl.SRVCTL_SHARE) { s.Type = 3 }), nt.WErrInvalidParameter},
		{share("q3", dir, func(s *srvctl.SRVCTL_SHARE) { s.MaxUses = 0 }), nt.WErrInvalidParameter},
		{share("q4", dir, func(s *srvctl.SRVCTL_SHARE) { s.Flags = 1 << 31 }), nt.WErrInvalidParameter},
		{share("q5", dir, func(s *srvctl.SRVCTL_SHARE) { s.LwioFlags = 2 }), nt.WErrInvalidParameter},
		{share("q6", dir, func(s *srvctl.SRVCTL_SHARE) { s.Sd, s.SdLength = []byte{1, 2, 3}, 3 }), nt.WErrInvalidSecurityDescr},
		{share("hidden$", dir, func(s *srvctl.SRVCTL_SHARE) { s.Type = 0x80000000 }), nt.WErrSuccess},
	} {
		if got := add(v.s); got != v.want {
			t.Errorf("add %q %q: %v, want %v", *v.s.Name, *v.s.Path, got, v.want)
		}
		if v.want != nt.WErrSuccess && v.want != nt.NErrDuplicateShare && tab.has(*v.s.Name) {
			t.Errorf("%q was stored", *v.s.Name)
		}
	}
	// Live at once, and stored.
	c := e.logon("alice")
	tree := c.tree("new")
	if !tab.has("new") || !tab.has("共有") {
		t.Error("not stored")
	}
	id := c.open(tree, "", func(r *smb2.CreateRequest) { r.DesiredAccess = nt.FileReadAttributes })
	c.tree("共有")
	c.tree("slash")

	// Get, and set: a descriptor is in force for who comes next.
	get, err := ctl.SrvShareGet(ctx, &srvctl.SrvShareGetRequest{Name: "New"})
	if err != nil || get.Return != 0 || *get.Share.Name != "new" || *get.Share.Path != dir || get.Share.CurrentUses != 1 || len(get.Share.Sd) == 0 {
		t.Fatalf("%+v %v", get, err)
	}
	changed := share("new", dir, withSDDL("O:BAG:SYD:(A;;FA;;;BA)"), func(s *srvctl.SRVCTL_SHARE) { *s.Comment = "only root"; s.Type = 0x80000000 })
	set, err := ctl.SrvShareSet(ctx, &srvctl.SrvShareSetRequest{Share: changed})
	if err != nil || set.Return != 0 {
		t.Fatalf("%+v %v", set, err)
	}
	if _, _, st := c.treeStatus(`\\h\new`); st != nt.StatusAccessDenied {
		t.Errorf("by the old descriptor: %v", st)
	}
	c.do(smb2.QueryInfo, tree, (&smb2.QueryInfoRequest{InfoType: 1, FileInfoClass: 5, FileID: id, OutputBufferLength: 24}).Append(nil), nt.StatusSuccess)
	if get, _ = ctl.SrvShareGet(ctx, &srvctl.SrvShareGetRequest{Name: "new"}); *get.Share.Comment != "only root" || get.Share.Type != 0 {
		t.Errorf("%+v", get.Share)
	}
	for name, s := range map[string]srvctl.SRVCTL_SHARE{"none": share("none", dir), "IPC$": share("IPC$", dir), "new": share("new", dir+"/none")} {
		want := map[string]nt.WinError{"none": nt.NErrNetNameNotFound, "IPC$": nt.WErrAccessDenied, "new": nt.NErrUnknownDevDir}[name]
		if r, err := ctl.SrvShareSet(ctx, &srvctl.SrvShareSetRequest{Share: s}); err != nil || nt.WinError(r.Return) != want {
			t.Errorf("set %s: %+v %v", name, r, err)
		}
	}

	// A table that fails: nothing changes.
	tab.mu.Lock()
	tab.fail = true
	tab.mu.Unlock()
	if got := add(share("unlucky", dir)); got != nt.WErrGenFailure {
		t.Errorf("%v", got)
	}
	if _, _, st := c.treeStatus(`\\h\unlucky`); st != nt.StatusBadNetworkName {
		t.Errorf("%v", st)
	}
	del := func(name string) nt.WinError {
		r, err := ctl.SrvShareDel(ctx, &srvctl.SrvShareDelRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return nt.WinError(r.Return)
	}
	if got := del("new"); got != nt.WErrGenFailure {
		t.Errorf("%v", got)
	}
	tab.mu.Lock()
	tab.fail = false
	tab.mu.Unlock()

	// Delete: the trees are cut.
	if got := del("New"); got != nt.WErrSuccess {
		t.Errorf("%v", got)
	}
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusNetworkNameDeleted)
	if _, _, st := c.treeStatus(`\\h\new`); st != nt.StatusBadNetworkName || tab.has("new") {
		t.Errorf("%v", st)
	}
	for name, want := range map[string]nt.WinError{"new": nt.NErrNetNameNotFound, "IPC$": nt.WErrAccessDenied, "C$": nt.WErrAccessDenied, "ADMIN$": nt.WErrAccessDenied} {
		if got := del(name); got != want {
			t.Errorf("delete %s: %v", name, got)
		}
	}
	list, err := ctl.SrvShareEnum(ctx, &srvctl.SrvShareEnumRequest{})
	if err != nil || int(list.Shares.Count) != len(list.Shares.Shares) || list.Shares.Count != 9 {
		t.Fatalf("%d %v", list.Shares.Count, err)
	}
	for _, s := range list.Shares.Shares {
		if *s.Name == "IPC$" && s.Type != 0x80000003 {
			t.Errorf("%+v", s)
		}
		if (*s.Name == "C$" || *s.Name == "ADMIN$") && (s.Type != 0x80000000 || *s.Path != `C:\`) {
			t.Errorf("%+v", s)
		}
	}
}

// TestAdministrativeShares: the drives are shared with administrators; a share of such a name that there was stays.
func TestAdministrativeShares(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	e := newEnv(t, func(c *srv.Config) { c.Roots = map[string]string{"C:": dir, "d": other} })
	alice, root := e.logon("alice"), e.logon("root")
	for _, name := range []string{"C$", "d$", "ADMIN$"} {
		if _, _, st := alice.treeStatus(`\\h\` + name); st != nt.StatusAccessDenied {
			t.Errorf("%s for a user: %v", name, st)
		}
		_, tree, st := root.treeStatus(`\\h\` + name)
		if st != nt.StatusSuccess {
			t.Fatalf("%s for an administrator: %v", name, st)
		}
		id := root.open(tree, "of "+name[:1], creating(nt.GenericAll, nt.FileCreate, 0))
		root.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
	}
	for path, there := range map[string]bool{dir + "/of C": true, dir + "/of A": true, other + "/of d": true, other + "/of C": false} {
		if _, err := os.Stat(path); (err == nil) != there {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, _, st := root.treeStatus(`\\h\E$`); st != nt.StatusBadNetworkName {
		t.Errorf("E$: %v", st)
	}
	e = newEnv(t, func(c *srv.Config) { c.Roots, c.Shares = map[string]string{"C:": dir}, newTable(share("c$", other)) })
	if _, _, st := e.logon("alice").treeStatus(`\\h\C$`); st != nt.StatusSuccess {
		t.Errorf("a C$ of the table: %v", st)
	}
}

// TestShareFlags: what a share forces upon opens.
func TestShareFlags(t *testing.T) {
	dir := t.TempDir()
	flagged := func(flags uint32) func(*srvctl.SRVCTL_SHARE) {
		return func(s *srvctl.SRVCTL_SHARE) { s.Flags = flags }
	}
	e := newEnv(t, func(c *srv.Config) {
		c.Shares = newTable(share("plain", dir), share("levelii", dir, flagged(0x1000)), share("reads", dir, flagged(0x100)), share("deletes", dir, flagged(0x200)))
	})
	alice, bob := e.logon("alice"), e.logon("bob")
	for name, want := range map[string]uint8{"plain": smb2.OplockLevelBatch, "levelii": smb2.OplockLevelII} {
		tree := alice.tree(name)
		r := alice.do(smb2.Create, tree, createBody("of "+name, creating(nt.GenericAll, nt.FileCreate, 0), func(r *smb2.CreateRequest) {
			r.RequestedOplockLevel = smb2.OplockLevelBatch
		}), nt.StatusSuccess)
		if res, err := smb2.ParseCreateResponse(r.body); err != nil || res.OplockLevel != want {
			t.Errorf("%s: oplock %#x %v", name, res.OplockLevel, err)
		}
	}
	for name, want := range map[string][2]nt.Status{
		"plain":   {nt.StatusSharingViolation, nt.StatusSharingViolation},
		"reads":   {nt.StatusSuccess, nt.StatusSharingViolation},
		"deletes": {nt.StatusSharingViolation, nt.StatusSuccess},
	} {
		tree, other := alice.tree(name), bob.tree(name)
		exclusive := func(r *smb2.CreateRequest) { r.ShareAccess = 0 }
		alice.open(tree, "alone in "+name, creating(nt.FileReadAttributes|nt.FileReadData, nt.FileCreate, 0), exclusive)
		for i, access := range []nt.AccessMask{nt.FileReadData, nt.Delete} {
			bob.do(smb2.Create, other, createBody("alone in "+name, creating(access, nt.FileOpen, 0)), want[i])
		}
	}
}

// TestManyShares lists more than fits a first buffer.
func TestManyShares(t *testing.T) {
	dir := t.TempDir()
	tab := newTable()
	for i := range 2000 {
		s := share(string(rune('一'+i)), dir)
		tab.shares[*s.Name] = s
	}
	e := newEnv(t, func(c *srv.Config) { c.Shares = tab })
	list, err := e.ctl().SrvShareEnum(t.Context(), &srvctl.SrvShareEnumRequest{})
	if err != nil || len(list.Shares.Shares) != 2001 {
		t.Fatalf("%d %v", len(list.Shares.Shares), err)
	}
}

func TestSessionControls(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("silent", silent)
	ctl, ctx := e.ctl(), t.Context()
	alice, bob := e.logon("alice"), e.logon("bob")
	tree := alice.tree("IPC$")
	id := alice.open(tree, "silent")
	bob.tree("IPC$")
	read := alice.start(smb2.Read, tree, readBody(id, 10))
	if r, err := read.next(); err != nil || r.h.Status != nt.StatusPending {
		t.Fatalf("%v %v", r.h.Status, err)
	}

	sessions, err := ctl.SrvSessionEnum(ctx, &srvctl.SrvSessionEnumRequest{})
	if err != nil || sessions.Return != 0 || sessions.Sessions.Count != 2 {
		t.Fatalf("%+v %v", sessions, err)
	}
	s := sessions.Sessions.Sessions[0]
	if *s.User != "alice" || *s.Domain != "HOST" || *s.Address != "127.0.0.1" || s.Opens != 1 || s.Dialect != 0x311 || s.Id != int64(alice.sess.id) || *s.Client == "" {
		t.Errorf("%+v", s)
	}
	str := func(s string) *string { return &s }
	for _, v := range []struct {
		client, user *string
		n            uint32
		want         nt.WinError
	}{
		{str(`\\127.0.0.1`), nil, 2, 0}, {str("127.0.0.1"), str("BOB"), 1, 0}, {str(""), str("alice"), 1, 0},
		{str(`\\elsewhere`), nil, 0, nt.NErrClientNameNotFound}, {nil, str("nobody"), 0, nt.NErrUserNotFound},
	} {
		r, err := ctl.SrvSessionEnum(ctx, &srvctl.SrvSessionEnumRequest{Client: v.client, User: v.user})
		if err != nil || r.Sessions.Count != v.n || nt.WinError(r.Return) != v.want {
			t.Errorf("%+v %v, want %d %v", r, err, v.n, v.want)
		}
	}

	conns, err := ctl.SrvConnectionEnum(ctx, &srvctl.SrvConnectionEnumRequest{Qualifier: "ipc$"})
	if err != nil || conns.Connections.Count != 2 || *conns.Connections.Connections[0].User != "alice" || conns.Connections.Connections[0].Opens != 1 {
		t.Errorf("%+v %v", conns, err)
	}
	if conns, err = ctl.SrvConnectionEnum(ctx, &srvctl.SrvConnectionEnumRequest{Qualifier: `\\127.0.0.1`}); err != nil || conns.Connections.Count != 2 || *conns.Connections.Connections[0].Netname != "IPC$" {
		t.Errorf("%+v %v", conns, err)
	}
	if conns, err = ctl.SrvConnectionEnum(ctx, &srvctl.SrvConnectionEnumRequest{Qualifier: "none"}); err != nil || nt.WinError(conns.Return) != nt.NErrNetNameNotFound {
		t.Errorf("%+v %v", conns, err)
	}

	files, err := ctl.SrvFileEnum(ctx, &srvctl.SrvFileEnumRequest{})
	if err != nil || files.Files.Count != 1 || *files.Files.Files[0].Path != `\PIPE\silent` || *files.Files.Files[0].User != "alice" {
		t.Fatalf("%+v %v", files, err)
	}
	for _, r := range []*srvctl.SrvFileEnumRequest{{User: str("bob")}, {Path: str(`\other`)}} {
		if none, err := ctl.SrvFileEnum(ctx, r); err != nil || none.Files.Count != 0 {
			t.Errorf("%+v %v", none, err)
		}
	}
	number := files.Files.Files[0].Id
	if f, err := ctl.SrvFileGet(ctx, &srvctl.SrvFileGetRequest{Id: number}); err != nil || f.Return != 0 || f.File.Permissions != 7 {
		t.Errorf("%+v %v", f, err)
	}
	if f, err := ctl.SrvFileClose(ctx, &srvctl.SrvFileCloseRequest{Id: number}); err != nil || f.Return != 0 {
		t.Errorf("%+v %v", f, err)
	}
	read.want(nt.StatusPipeBroken)
	if f, err := ctl.SrvFileClose(ctx, &srvctl.SrvFileCloseRequest{Id: number}); err != nil || nt.WinError(f.Return) != nt.NErrFileIdNotFound {
		t.Errorf("%+v %v", f, err)
	}

	if d, err := ctl.SrvSessionDel(ctx, &srvctl.SrvSessionDelRequest{}); err != nil || nt.WinError(d.Return) != nt.WErrInvalidParameter {
		t.Errorf("everybody: %+v %v", d, err)
	}
	if d, err := ctl.SrvSessionDel(ctx, &srvctl.SrvSessionDelRequest{User: str("alice")}); err != nil || d.Return != 0 || d.Closed != 1 {
		t.Errorf("%+v %v", d, err)
	}
	alice.ended() // the socket too
	bob.tree("IPC$")
}

func TestServerControls(t *testing.T) {
	var saved *srvctl.SRVCTL_SERVER
	e := newEnv(t, func(c *srv.Config) {
		c.Comment = "first"
		c.SaveServer = func(_ context.Context, s *srvctl.SRVCTL_SERVER) error { saved = s; return nil }
	})
	ctl, ctx := e.ctl(), t.Context()
	c := e.logon("alice")
	c.tree("IPC$")
	get, err := ctl.SrvServerGet(ctx, &srvctl.SrvServerGetRequest{})
	if err != nil || *get.Server.Name != "HOST" || *get.Server.Comment != "first" || get.Server.Disc != 15 || get.Server.Users != 0xFFFFFFFF || get.Server.Sessions != 1 {
		t.Fatalf("%+v %v", get, err)
	}
	next := get.Server
	comment := "second"
	next.Comment, next.Users, next.Disc, next.Hidden = &comment, 1, 0xFFFFFFFF, 1
	if set, err := ctl.SrvServerSet(ctx, &srvctl.SrvServerSetRequest{Server: next}); err != nil || set.Return != 0 {
		t.Fatalf("%+v %v", set, err)
	}
	if get, _ = ctl.SrvServerGet(ctx, &srvctl.SrvServerGetRequest{}); *get.Server.Comment != "second" || get.Server.Disc != 0xFFFFFFFF || get.Server.Hidden != 1 || saved == nil {
		t.Errorf("%+v", get.Server)
	}
	// No more users than that, but for an administrator.
	d := e.dial()
	d.negotiate(negotiateOptions{})
	if _, st := d.setupSession(setup{user: "bob", password: passwords["bob"]}); st != nt.StatusRequestNotAccepted {
		t.Errorf("%v", st)
	}
	e.logon("root").tree("IPC$")
	next.Users = 0
	if set, err := ctl.SrvServerSet(ctx, &srvctl.SrvServerSetRequest{Server: next}); err != nil || nt.WinError(set.Return) != nt.WErrInvalidParameter {
		t.Errorf("%+v %v", set, err)
	}
	st, err := ctl.SrvStatistics(ctx, &srvctl.SrvStatisticsRequest{})
	if err != nil || st.Statistics.SessionsOpened != 2 || st.Statistics.SessionsFailed != 1 || st.Statistics.BytesReceived == 0 || st.Statistics.BytesSent == 0 || st.Statistics.Started == 0 {
		t.Errorf("%+v %v", st, err)
	}
	ls, err := ctl.SrvListenerEnum(ctx, &srvctl.SrvListenerEnumRequest{})
	if err != nil || ls.Listeners.Count != 1 || *ls.Listeners.Listeners[0].Address != e.addr || ls.Listeners.Listeners[0].Connections != 3 {
		t.Errorf("%+v %v", ls, err)
	}
}

// TestStop: a driver that is unloaded cuts its clients and lets its ports go.
func TestStop(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("silent", silent)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "silent")
	c.start(smb2.Read, tree, readBody(id, 10))
	if err := e.m.Unload(t.Context(), "srv"); err != nil {
		t.Fatal(err)
	}
	c.ended()
	if nc, err := net.Dial("tcp", e.addr); err == nil {
		nc.Close()
		t.Error("something listens")
	}
}

// TestStart: what cannot start says why and leaves nothing.
func TestStart(t *testing.T) {
	ctx := t.Context()
	m := iomgr.New(iomgr.Config{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := m.Load(ctx, srv.DriverEntry(srv.Config{})); err == nil {
		t.Error("without Auth")
	}
	if err := m.Load(ctx, srv.DriverEntry(srv.Config{Auth: mechanism(false), MinDialect: smb2.Dialect311, MaxDialect: smb2.Dialect202})); err == nil {
		t.Error("dialects the wrong way round")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := m.Load(ctx, srv.DriverEntry(srv.Config{Auth: mechanism(false), Addresses: []string{l.Addr().String()}})); err == nil {
		t.Error("on a port that is taken")
	}
	bad := newTable()
	bad.fail = true
	if err := m.Load(ctx, srv.DriverEntry(srv.Config{Auth: mechanism(false), Shares: bad})); !errors.Is(err, errTable) {
		t.Error(err)
	}
	if err := m.Load(ctx, srv.DriverEntry(srv.Config{Auth: mechanism(false), Addresses: []string{"127.0.0.1:0", "[::1]:0"}})); err != nil {
		t.Error(err)
	}
	if err := m.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
