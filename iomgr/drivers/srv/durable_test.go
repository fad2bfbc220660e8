package srv_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lwio/gen/srvctl"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// made is a create and its answer.
type made struct {
	smb2.CreateResponse
	lease *smb2.Lease
	v1    bool
	v2    *smb2.DurableHandleResponseV2
}

// contexts adds create contexts to a request.
func contexts(add ...func(smb2.CreateContexts) smb2.CreateContexts) func(*smb2.CreateRequest) {
	return func(r *smb2.CreateRequest) {
		for _, f := range add {
			r.Contexts = f(r.Contexts)
		}
	}
}

func withContext(name string, data []byte) func(smb2.CreateContexts) smb2.CreateContexts {
	return func(c smb2.CreateContexts) smb2.CreateContexts { return c.Append(name, data) }
}

func dhnq() func(smb2.CreateContexts) smb2.CreateContexts {
	return withContext(smb2.ContextDurableHandleRequest, (&smb2.DurableHandleRequest{}).Append(nil))
}

func dhnc(id smb2.FileID) func(smb2.CreateContexts) smb2.CreateContexts {
	return withContext(smb2.ContextDurableHandleReconnect, (&smb2.DurableHandleReconnect{FileID: id}).Append(nil))
}

func dh2q(guid nt.GUID, timeout uint32) func(smb2.CreateContexts) smb2.CreateContexts {
	return withContext(smb2.ContextDurableHandleRequestV2, (&smb2.DurableHandleRequestV2{CreateGUID: guid, Timeout: timeout}).Append(nil))
}

func dh2c(id smb2.FileID, guid nt.GUID) func(smb2.CreateContexts) smb2.CreateContexts {
	return withContext(smb2.ContextDurableHandleReconnectV2, (&smb2.DurableHandleReconnectV2{FileID: id, CreateGUID: guid}).Append(nil))
}

func rqls(key byte, state uint32) func(smb2.CreateContexts) smb2.CreateContexts {
	return withContext(smb2.ContextRequestLease, (&smb2.Lease{Version: 2, LeaseKey: smb2.LeaseKey{key}, LeaseState: state}).Append(nil))
}

func batch(r *smb2.CreateRequest)  { r.RequestedOplockLevel = smb2.OplockLevelBatch }
func leased(r *smb2.CreateRequest) { r.RequestedOplockLevel = smb2.OplockLevelLease }

func replaying(h *smb2.Header) { h.Flags |= smb2.FlagReplayOperation }

// create opens a file and reads all of the answer.
func (c *client) create(tree uint32, want nt.Status, name string, header func(*smb2.Header), edit ...func(*smb2.CreateRequest)) made {
	c.t.Helper()
	p, err := c.send(c.sess, call{cmd: smb2.Create, tree: tree, body: createBody(name, edit...), edit: header})
	if err != nil {
		c.t.Fatal(err)
	}
	r := p[0].want(want)
	if want != nt.StatusSuccess {
		return made{}
	}
	res, err := smb2.ParseCreateResponse(r.body)
	if err != nil {
		c.t.Fatal(err)
	}
	m := made{CreateResponse: res}
	for chain := res.Contexts; len(chain) > 0; {
		var one smb2.CreateContext
		if one, chain, err = chain.Next(); err != nil {
			c.t.Fatal(err)
		}
		switch string(one.Name) {
		case smb2.ContextDurableHandleRequest:
			m.v1 = true
		case smb2.ContextDurableHandleRequestV2:
			v, err := smb2.ParseDurableHandleResponseV2(one.Data)
			if err != nil {
				c.t.Fatal(err)
			}
			m.v2 = &v
		case smb2.ContextRequestLease:
			l, err := smb2.ParseLease(one.Data)
			if err != nil {
				c.t.Fatal(err)
			}
			m.lease = &l
		}
	}
	return m
}

// diskEnv is a server with a share "data".
type diskEnv struct {
	*env
	dir string
}

func newDiskEnv(t *testing.T, edit func(*srv.Config)) *diskEnv {
	t.Helper()
	dir := t.TempDir()
	e := newEnv(t, func(c *srv.Config) {
		c.Shares = newTable(share("data", dir))
		if edit != nil {
			edit(c)
		}
	})
	return &diskEnv{e, dir}
}

// again connects as a client that was there: with its ClientGuid.
func (e *diskEnv) again(user string, guid nt.GUID) (*client, uint32) {
	e.t.Helper()
	c := e.dial()
	c.guid = guid
	c.logon(negotiateOptions{ciphers: allCiphers, signings: allSignings, caps: smb2.GlobalCapLeasing | smb2.GlobalCapMultiChannel}, user)
	return c, c.tree("data")
}

func (e *diskEnv) client(user string, n byte) (*client, uint32) { return e.again(user, nt.GUID{n}) }

// lose cuts the client's connection and waits until the server has seen it.
func (e *diskEnv) lose(c *client) {
	e.t.Helper()
	c.nc.Close()
	<-c.done
	deadline := time.Now().Add(testTimeout)
	for {
		r, err := e.ctl().SrvSessionEnum(context.Background(), &srvctl.SrvSessionEnumRequest{})
		if err != nil {
			e.t.Fatal(err)
		}
		gone := true
		for _, s := range r.Sessions.Sessions {
			gone = gone && uint64(s.Id) != c.sess.id
		}
		for _, f := range e.files() {
			gone = gone && uint64(f.Session) != c.sess.id
		}
		if gone {
			return
		}
		if time.Now().After(deadline) {
			e.t.Fatal("the session lives")
		}
	}
}

// files are the opens that an administrator sees.
func (e *diskEnv) files() []srvctl.SRVCTL_FILE {
	e.t.Helper()
	r, err := e.ctl().SrvFileEnum(context.Background(), &srvctl.SrvFileEnumRequest{})
	if err != nil {
		e.t.Fatal(err)
	}
	return r.Files.Files
}

// empty waits until nothing is open.
func (e *diskEnv) empty() {
	e.t.Helper()
	deadline := time.Now().Add(testTimeout)
	for len(e.files()) > 0 {
		if time.Now().After(deadline) {
			e.t.Fatalf("still open: %+v", e.files())
		}
	}
}

var rw = creating(nt.GenericRead|nt.GenericWrite|nt.Delete, nt.FileOpenIf, 0)

func TestDurableGranted(t *testing.T) {
	e := newDiskEnv(t, func(c *srv.Config) {
		c.Limits.DurableTimeout, c.Limits.DurableTimeoutMax = 7*time.Second, 9*time.Second
	})
	c, tree := e.client("alice", 1)
	const r, w, h = smb2.LeaseReadCaching, smb2.LeaseWriteCaching, smb2.LeaseHandleCaching
	for i, v := range []struct {
		level uint8
		lease uint32
		want  bool
	}{
		{smb2.OplockLevelNone, 0, false}, {smb2.OplockLevelII, 0, false}, {smb2.OplockLevelExclusive, 0, false}, {smb2.OplockLevelBatch, 0, true},
		{smb2.OplockLevelLease, 0, false}, {smb2.OplockLevelLease, r, false}, {smb2.OplockLevelLease, r | w, false},
		{smb2.OplockLevelLease, r | h, true}, {smb2.OplockLevelLease, r | w | h, true},
	} {
		level := func(q *smb2.CreateRequest) {
			if q.RequestedOplockLevel = v.level; v.level == smb2.OplockLevelLease {
				contexts(rqls(byte(2*i+1), v.lease))(q)
			}
		}
		name := string(rune('a' + i))
		m := c.create(tree, nt.StatusSuccess, name+"1", nil, rw, level, contexts(dhnq()))
		if m.v1 != v.want || m.v2 != nil {
			t.Errorf("level %#x lease %#x: durable %v", v.level, v.lease, m.v1)
		}
		if v.level == smb2.OplockLevelLease {
			level = func(q *smb2.CreateRequest) { leased(q); contexts(rqls(byte(2*i+2), v.lease))(q) }
		}
		m = c.create(tree, nt.StatusSuccess, name+"2", nil, rw, level, contexts(dh2q(nt.GUID{byte(i)}, 0)))
		if (m.v2 != nil) != v.want || m.v1 || v.want && (m.v2.Timeout != 7000 || m.v2.Flags != 0) {
			t.Errorf("level %#x lease %#x: durable %+v", v.level, v.lease, m.v2)
		}
	}
	if m := c.create(tree, nt.StatusSuccess, "short", nil, rw, batch, contexts(dh2q(nt.GUID{100}, 10))); m.v2 == nil || m.v2.Timeout != 10 {
		t.Errorf("%+v", m.v2)
	}
	if m := c.create(tree, nt.StatusSuccess, "long", nil, rw, batch, contexts(dh2q(nt.GUID{101}, 1<<31))); m.v2 == nil || m.v2.Timeout != 9000 {
		t.Errorf("%+v", m.v2)
	}
	// A directory is never durable.
	m := c.create(tree, nt.StatusSuccess, "dir", nil, creating(nt.GenericRead, nt.FileCreate, nt.FileDirectoryFile), leased, contexts(rqls(200, r|h), dhnq()))
	if m.v1 {
		t.Error("a directory is durable")
	}
	id := smb2.FileID{Persistent: 1}
	for i, bad := range [][]func(smb2.CreateContexts) smb2.CreateContexts{
		{dhnq(), dh2q(nt.GUID{}, 0)}, {dhnc(id), dh2q(nt.GUID{}, 0)}, {dhnc(id), dh2c(id, nt.GUID{})}, {dhnq(), dh2c(id, nt.GUID{})},
		{dh2q(nt.GUID{}, 0), dh2c(id, nt.GUID{})}, {withContext(smb2.ContextDurableHandleRequest, []byte("short"))},
		{withContext(smb2.ContextDurableHandleReconnectV2, []byte("short"))},
	} {
		if r := c.do(smb2.Create, tree, createBody("bad", rw, batch, contexts(bad...)), nt.StatusInvalidParameter); r.h.Status != nt.StatusInvalidParameter {
			t.Errorf("%d", i)
		}
	}
}

// TestReconnect: an open comes back with what it had: its locks, its oplock, its lease.
func TestReconnect(t *testing.T) {
	const rwh = smb2.LeaseReadCaching | smb2.LeaseWriteCaching | smb2.LeaseHandleCaching
	guid := nt.GUID{7}
	for _, v := range []struct {
		name          string
		ask           []func(*smb2.CreateRequest)
		connect       func(smb2.FileID) func(smb2.CreateContexts) smb2.CreateContexts
		lease, logoff bool
	}{
		{"v1 oplock", []func(*smb2.CreateRequest){batch, contexts(dhnq())}, dhnc, false, false},
		{"v1 oplock logoff", []func(*smb2.CreateRequest){batch, contexts(dhnq())}, dhnc, false, true},
		{"v1 lease", []func(*smb2.CreateRequest){leased, contexts(rqls(1, rwh), dhnq())}, dhnc, true, false},
		{"v2 oplock", []func(*smb2.CreateRequest){batch, contexts(dh2q(guid, 0))},
			func(id smb2.FileID) func(smb2.CreateContexts) smb2.CreateContexts { return dh2c(id, guid) }, false, false},
		{"v2 lease", []func(*smb2.CreateRequest){leased, contexts(rqls(1, rwh), dh2q(guid, 0))},
			func(id smb2.FileID) func(smb2.CreateContexts) smb2.CreateContexts { return dh2c(id, guid) }, true, false},
	} {
		t.Run(v.name, func(t *testing.T) {
			e := newDiskEnv(t, nil)
			e.t = t
			c, tree := e.client("alice", 1)
			m := c.create(tree, nt.StatusSuccess, "file", nil, append(v.ask, rw)...)
			c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: m.FileID, Data: []byte("kept")}).Append(nil), nt.StatusSuccess)
			lock := smb2.LockRequest{FileID: m.FileID, Locks: smb2.LockElements(nil).Append(smb2.LockElement{Length: 1, Flags: smb2.LockExclusive | smb2.LockFailImmediately})}
			c.do(smb2.Lock, tree, lock.Append(nil), nt.StatusSuccess)
			// Nobody takes what is connected.
			key := contexts()
			if v.lease {
				key = contexts(rqls(1, 0))
			}
			c.create(tree, nt.StatusObjectNameNotFound, "file", nil, contexts(v.connect(m.FileID)), key)
			if v.logoff {
				c.do(smb2.Logoff, 0, (&smb2.LogoffRequest{}).Append(nil), nt.StatusSuccess)
			} else {
				e.lose(c)
			}
			if f := e.files(); len(f) != 1 || f[0].Locks != 1 || f[0].Session != 0 || *f[0].User != "alice" {
				t.Fatalf("parked: %+v", f)
			}
			bob, other := e.client("bob", 1)
			bob.create(other, nt.StatusAccessDenied, "file", nil, contexts(v.connect(m.FileID)), key)
			c, tree = e.client("alice", 1)
			wrong := m.FileID
			wrong.Persistent++
			c.create(tree, nt.StatusObjectNameNotFound, "file", nil, contexts(v.connect(wrong)), key)
			if v.lease {
				c.create(tree, nt.StatusObjectNameNotFound, "file", nil, contexts(v.connect(m.FileID)))
				c.create(tree, nt.StatusObjectNameNotFound, "file", nil, contexts(v.connect(m.FileID), rqls(2, 0)))
				c.create(tree, nt.StatusInvalidParameter, "elif", nil, contexts(v.connect(m.FileID), rqls(1, 0)))
				x, xtree := e.client("alice", 2)
				x.create(xtree, nt.StatusObjectNameNotFound, "file", nil, contexts(v.connect(m.FileID), rqls(1, 0)))
			} else {
				c.create(tree, nt.StatusObjectNameNotFound, "file", nil, contexts(v.connect(m.FileID), rqls(1, 0)))
			}
			got := c.create(tree, nt.StatusSuccess, "file", nil, contexts(v.connect(m.FileID)), key)
			if got.FileID != m.FileID || got.CreateAction != smb2.FileOpened || got.EndOfFile != 4 || got.OplockLevel != m.OplockLevel || got.v1 || got.v2 != nil {
				t.Errorf("%+v", got)
			}
			if v.lease && (got.lease == nil || got.lease.LeaseState != rwh || got.lease.Epoch != m.lease.Epoch) {
				t.Errorf("lease %+v", got.lease)
			}
			c.do(smb2.Read, tree, readBody(m.FileID, 4), nt.StatusSuccess)
			unlock := smb2.LockRequest{FileID: m.FileID, Locks: smb2.LockElements(nil).Append(smb2.LockElement{Length: 1, Flags: smb2.LockUnlock})}
			c.do(smb2.Lock, tree, unlock.Append(nil), nt.StatusSuccess) // the lock was there still
			// Once more, since it stays durable.
			e.lose(c)
			c, tree = e.client("alice", 1)
			c.create(tree, nt.StatusSuccess, "file", nil, contexts(v.connect(m.FileID)), key)
			c.do(smb2.TreeDisconnect, tree, (&smb2.TreeDisconnectRequest{}).Append(nil), nt.StatusSuccess)
			e.empty() // that closes it
		})
	}
}

func TestReconnectWrongGUID(t *testing.T) {
	e := newDiskEnv(t, nil)
	c, tree := e.client("alice", 1)
	m := c.create(tree, nt.StatusSuccess, "file", nil, rw, batch, contexts(dh2q(nt.GUID{7}, 0)))
	e.lose(c)
	c, tree = e.client("alice", 1)
	c.create(tree, nt.StatusObjectNameNotFound, "file", nil, contexts(dh2c(m.FileID, nt.GUID{8})))
	c.create(tree, nt.StatusSuccess, "file", nil, contexts(dh2c(m.FileID, nt.GUID{7})))
}

// TestParkedGivesWay: an open that waits for its client is in nobody's way.
func TestParkedGivesWay(t *testing.T) {
	const rwh = smb2.LeaseReadCaching | smb2.LeaseWriteCaching | smb2.LeaseHandleCaching
	for name, ask := range map[string]func(*smb2.CreateRequest){
		"oplock": func(r *smb2.CreateRequest) { batch(r); contexts(dhnq())(r) },
		"lease":  func(r *smb2.CreateRequest) { leased(r); contexts(rqls(1, rwh), dhnq())(r) },
	} {
		for kind, shareAccess := range map[string]uint32{"shared": 7, "violation": 0} {
			t.Run(name+" "+kind, func(t *testing.T) {
				e := newDiskEnv(t, nil)
				e.t = t
				c, tree := e.client("alice", 1)
				m := c.create(tree, nt.StatusSuccess, "file", nil, rw, ask, func(r *smb2.CreateRequest) { r.ShareAccess = shareAccess })
				if !m.v1 {
					t.Fatal("not durable")
				}
				e.lose(c)
				bob, other := e.client("bob", 2)
				bob.create(other, nt.StatusSuccess, "file", nil, rw)
				if f := e.files(); len(f) != 1 || *f[0].User != "bob" {
					t.Errorf("%+v", f)
				}
				c, tree = e.client("alice", 1)
				key := contexts()
				if name == "lease" {
					key = contexts(rqls(1, 0))
				}
				c.create(tree, nt.StatusObjectNameNotFound, "file", nil, contexts(dhnc(m.FileID)), key)
			})
		}
	}
}

// TestParkedEnds: by time, by an administrator, with its share, by a limit, and with the server (which the end of each test shows).
func TestParkedEnds(t *testing.T) {
	park := func(t *testing.T, edit func(*srv.Config), n int) *diskEnv {
		t.Helper()
		e := newDiskEnv(t, edit)
		c, tree := e.client("alice", 1)
		for i := range n {
			c.create(tree, nt.StatusSuccess, "file"+string(rune('a'+i)), nil, creating(nt.GenericAll, nt.FileCreate, nt.FileDeleteOnClose), batch, contexts(dhnq()))
		}
		e.lose(c)
		return e
	}
	t.Run("time", func(t *testing.T) {
		e := park(t, func(c *srv.Config) { c.Limits.DurableTimeout = 20 * time.Millisecond }, 1)
		e.empty()
		deadline := time.Now().Add(testTimeout)
		for _, err := os.Stat(filepath.Join(e.dir, "filea")); !os.IsNotExist(err); _, err = os.Stat(filepath.Join(e.dir, "filea")) {
			if time.Now().After(deadline) {
				t.Fatalf("deleted on close: %v", err)
			}
		}
	})
	t.Run("administrator", func(t *testing.T) {
		e := park(t, nil, 1)
		f := e.files()
		if len(f) != 1 {
			t.Fatalf("%+v", f)
		}
		if r, err := e.ctl().SrvFileClose(t.Context(), &srvctl.SrvFileCloseRequest{Id: f[0].Id}); err != nil || r.Return != 0 {
			t.Errorf("%+v %v", r, err)
		}
		e.empty()
	})
	t.Run("share", func(t *testing.T) {
		e := park(t, nil, 1)
		if r, err := e.ctl().SrvShareDel(t.Context(), &srvctl.SrvShareDelRequest{Name: "data"}); err != nil || r.Return != 0 {
			t.Errorf("%+v %v", r, err)
		}
		e.empty()
	})
	t.Run("limit", func(t *testing.T) {
		e := park(t, func(c *srv.Config) { c.Limits.DurableOpens = 2 }, 5)
		if f := e.files(); len(f) != 2 {
			t.Errorf("%d parked", len(f))
		}
	})
	t.Run("server", func(t *testing.T) {
		if f := park(t, nil, 3).files(); len(f) != 3 {
			t.Errorf("%d parked", len(f))
		}
	})
}

// TestNotDurableAnyMore: who has given up the batch oplock goes with the connection.
func TestNotDurableAnyMore(t *testing.T) {
	e := newDiskEnv(t, nil)
	c, tree := e.client("alice", 1)
	c.create(tree, nt.StatusSuccess, "plain", nil, rw, batch)
	m := c.create(tree, nt.StatusSuccess, "shared", nil, rw, leased, contexts(rqls(1, smb2.LeaseReadCaching|smb2.LeaseHandleCaching), dhnq()))
	lock := smb2.LockRequest{FileID: m.FileID, Locks: smb2.LockElements(nil).Append(smb2.LockElement{Length: 1, Flags: smb2.LockExclusive | smb2.LockFailImmediately})}
	c.do(smb2.Lock, tree, lock.Append(nil), nt.StatusSuccess) // locked, and no write caching
	if !m.v1 {
		t.Fatal("not durable")
	}
	e.lose(c)
	e.empty()
}

// TestResilient: an open that the client made resilient is kept whatever it holds.
func TestResilient(t *testing.T) {
	e := newDiskEnv(t, nil)
	c, tree := e.client("alice", 1)
	m := c.create(tree, nt.StatusSuccess, "file", nil, rw)
	for _, v := range []struct {
		in   []byte
		want nt.Status
	}{
		{[]byte("short"), nt.StatusInvalidParameter},
		{(&smb2.ResiliencyRequest{Timeout: 1 << 31}).Append(nil), nt.StatusInvalidParameter},
		{(&smb2.ResiliencyRequest{Timeout: 20000}).Append(nil), nt.StatusSuccess},
	} {
		c.do(smb2.Ioctl, tree, ioctlBody(m.FileID, nt.FsctlLmrRequestResiliency, v.in, 0), v.want)
	}
	e.lose(c)
	if f := e.files(); len(f) != 1 {
		t.Fatalf("%+v", f)
	}
	c, tree = e.client("alice", 1)
	c.create(tree, nt.StatusSuccess, "file", nil, contexts(dhnc(m.FileID)))
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: m.FileID}).Append(nil), nt.StatusSuccess)
	e.empty()
}
