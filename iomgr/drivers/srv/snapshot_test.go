package srv_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/rpc/ndr"
)

// snapshotTable is a table that keeps the places of previous versions.
type snapshotTable struct {
	*table
	places map[string]string
}

func (t *snapshotTable) LoadSnapshots(context.Context) (map[string]string, error) {
	return t.places, nil
}

func (t *snapshotTable) PutSnapshots(_ context.Context, share, place string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail {
		return errTable
	}
	if place == "" {
		delete(t.places, nt.Upcase(share))
	} else {
		t.places[nt.Upcase(share)] = place
	}
	return nil
}

const (
	version1 = "@GMT-2024.01.02-03.04.05"
	version2 = "@GMT-2024.05.06-07.08.09"
)

func newVersions(t *testing.T) (*diskEnv, *snapshotTable) {
	tab := &snapshotTable{places: map[string]string{"DATA": ".snap"}}
	e := newDiskEnv(t, func(c *srv.Config) {
		tab.table = c.Shares.(*table)
		c.Shares = tab
	})
	for path, content := range map[string]string{"f": "now", "sub/g": "now", ".snap/" + version1 + "/f": "first", ".snap/" + version2 + "/sub/g": "second"} {
		path = filepath.Join(e.dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return e, tab
}

func timewarp(token string) func(*smb2.CreateRequest) {
	at, _ := nt.ParseGMTToken(token)
	return contexts(withContext(smb2.ContextTimewarpToken, (&smb2.TimewarpToken{Timestamp: at}).Append(nil)))
}

func (c *client) content(tree uint32, id smb2.FileID) string {
	c.t.Helper()
	r := c.do(smb2.Read, tree, (&smb2.ReadRequest{FileID: id, Length: 100}).Append(nil), nt.StatusSuccess)
	res, err := smb2.ParseReadResponse(r.body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(res.Data)
}

func (c *client) snapshots(tree uint32, id smb2.FileID, room uint32) api.SnapshotArray {
	c.t.Helper()
	r := c.do(smb2.Ioctl, tree, ioctlBody(id, nt.FsctlSrvEnumerateSnapshots, nil, room), nt.StatusSuccess)
	res, err := smb2.ParseIoctlResponse(r.body)
	if err != nil {
		c.t.Fatal(err)
	}
	a, err := api.ParseSnapshotArray(res.Output)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// TestPreviousVersions: a client finds out how much there is, then gets the list, then opens by a context or by a token in the path.
func TestPreviousVersions(t *testing.T) {
	e, _ := newVersions(t)
	c, tree := e.client("alice", 1)
	root := c.open(tree, "", creating(nt.FileReadData, nt.FileOpen, 0))
	if a := c.snapshots(tree, root, 16); a.Available != 2 || a.Size != 102 || len(a.Snapshots) != 0 {
		t.Errorf("%+v", a)
	}
	if a := c.snapshots(tree, root, 12+102); a.Available != 2 || len(a.Snapshots) != 2 || a.Snapshots[0].GMTToken() != version2 || a.Snapshots[1].GMTToken() != version1 {
		t.Errorf("%+v", a)
	}
	reads := creating(nt.FileReadData|nt.FileReadAttributes, nt.FileOpen, 0)
	for _, v := range []struct {
		name, token, want string
		status            nt.Status
	}{
		{"f", "", "now", 0},
		{"f", version1, "first", 0},
		{`sub\g`, version2, "second", 0},
		{version1 + `\f`, "", "first", 0},
		{`sub\` + version2 + `\g`, "", "second", 0},
		{`.SNAP\` + version1 + `\f`, "", "first", 0}, // a name like any other
		{"f", version2, "", nt.StatusObjectNameNotFound},
		{"f", "@GMT-2024.01.02-03.04.06", "", nt.StatusObjectNameNotFound},
		{`@GMT-2024.01.02-03.04.06\f`, "", "", nt.StatusObjectNameNotFound},
		{version1 + `\..\..\f`, "", "", nt.StatusObjectPathSyntaxBad},
	} {
		edits := []func(*smb2.CreateRequest){reads}
		if v.token != "" {
			edits = append(edits, timewarp(v.token))
		}
		m := c.create(tree, v.status, v.name, nil, edits...)
		if v.status != 0 {
			continue
		}
		if got := c.content(tree, m.FileID); got != v.want {
			t.Errorf("%s at %s: %s", v.name, v.token, got)
		}
		all := c.query(tree, m.FileID, nt.FileNameInformation, 300, nt.StatusSuccess)
		if name := nt.DecodeUTF16(all[4:]); v.token != "" && name != `\`+v.name {
			t.Errorf("its name is %s", name)
		}
	}
	// The version itself, without a name below it.
	if m := c.create(tree, nt.StatusSuccess, version1, nil, creating(nt.FileReadData, nt.FileOpen, nt.FileDirectoryFile)); m.FileAttributes&nt.FileAttributeDirectory == 0 {
		t.Errorf("%+v", m)
	}
	// Nothing is cached of it, nothing is kept for later, nothing is changed.
	m := c.create(tree, nt.StatusSuccess, "f", nil, reads, timewarp(version1), batch, contexts(dh2q(nt.GUID{9}, 0)))
	if m.OplockLevel != 0 || m.v2 != nil {
		t.Errorf("%+v", m)
	}
	all := c.create(tree, nt.StatusSuccess, "f", nil, creating(nt.GenericRead|nt.GenericWrite, nt.FileOpen, 0), timewarp(version1))
	c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: all.FileID, Data: []byte("x")}).Append(nil), nt.StatusMediaWriteProtected)
	c.create(tree, nt.StatusMediaWriteProtected, "f", nil, creating(nt.FileReadData, nt.FileOverwrite, 0), timewarp(version1))
	c.create(tree, nt.StatusMediaWriteProtected, "new", nil, creating(nt.FileReadData, nt.FileCreate, 0), timewarp(version1))
	c.create(tree, nt.StatusMediaWriteProtected, `.snap\`+version1+`\f`, nil, creating(nt.FileReadData, nt.FileOverwrite, 0))
	c.create(tree, nt.StatusInvalidParameter, "f", nil, reads, contexts(withContext(smb2.ContextTimewarpToken, make([]byte, 7))))
	c.create(tree, nt.StatusObjectNameNotFound, "f", nil, reads, contexts(withContext(smb2.ContextTimewarpToken, make([]byte, 8))))
}

// TestSnapshotPlace: where the versions are is said while the server runs, is kept, and goes with the share.
func TestSnapshotPlace(t *testing.T) {
	e, tab := newVersions(t)
	ctl := e.ctl()
	set := func(share, place string, want nt.WinError) {
		t.Helper()
		res, err := ctl.SrvShareSetSnapshots(t.Context(), &srvctl.SrvShareSetSnapshotsRequest{Name: share, Snapshots: srvctl.SRVCTL_SNAPSHOTS{Place: ndr.String(place)}})
		if err != nil || nt.WinError(res.Return) != want {
			t.Errorf("%s, %s: %v %v", share, place, res, err)
		}
	}
	get := func(share, want string, result nt.WinError) {
		t.Helper()
		res, err := ctl.SrvShareGetSnapshots(t.Context(), &srvctl.SrvShareGetSnapshotsRequest{Name: share})
		if err != nil || nt.WinError(res.Return) != result || ndr.Text(res.Snapshots.Place) != want {
			t.Errorf("%s: %+v %v", share, res, err)
		}
	}
	get("data", ".snap", 0)
	get("IPC$", "", 0)
	get("nothing", "", nt.NErrNetNameNotFound)
	set("nothing", "x", nt.NErrNetNameNotFound)
	set("IPC$", "x", nt.WErrAccessDenied)
	set("data", "/abs", nt.WErrInvalidParameter)
	set("data", "d:%Q", nt.WErrInvalidParameter)
	get("data", ".snap", 0)
	c, tree := e.client("alice", 1)
	root := c.open(tree, "", creating(nt.FileReadData, nt.FileOpen, 0))
	set("Data", "other:x-%s", 0)
	get("data", "other:x-%s", 0)
	if tab.places["DATA"] != "other:x-%s" {
		t.Errorf("%v", tab.places)
	}
	later := c.open(tree, "", creating(nt.FileReadData, nt.FileOpen, 0))
	if a := c.snapshots(tree, later, 200); a.Available != 0 {
		t.Errorf("%+v", a)
	}
	if a := c.snapshots(tree, root, 200); a.Available != 2 { // as it was opened
		t.Errorf("%+v", a)
	}
	set("data", "", 0)
	if len(tab.places) != 0 {
		t.Errorf("%v", tab.places)
	}
	c.create(tree, nt.StatusObjectNameNotFound, "f", nil, creating(nt.FileReadData, nt.FileOpen, 0), timewarp(version1))
	tab.mu.Lock()
	tab.fail = true
	tab.mu.Unlock()
	set("data", "x", nt.WErrGenFailure)
	get("data", "", 0)
	tab.mu.Lock()
	tab.fail = false
	tab.mu.Unlock()
	set("data", "x", 0)
	if res, err := ctl.SrvShareDel(t.Context(), &srvctl.SrvShareDelRequest{Name: "data"}); err != nil || res.Return != 0 || len(tab.places) != 0 {
		t.Errorf("%+v %v %v", res, err, tab.places)
	}
}
