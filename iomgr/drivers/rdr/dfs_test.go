package rdr_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// namespace is a fake server whose share `data` is a DFS root: names below `link` are elsewhere.
type namespace struct {
	*fake
	asked atomic.Int32
	names chan string // of the CREATEs
	refer func(name string) (smb2.DFSReferral, nt.Status)
}

func newNamespace(t *testing.T) *namespace {
	n := &namespace{fake: &fake{t: t, dialect: smb2.Dialect311}, names: make(chan string, 100)}
	n.edit = func(c *fakeConn, q *query, a *answer) []*answer {
		switch q.h.Command {
		case smb2.Negotiate:
			res, _ := smb2.ParseNegotiateResponse(a.body)
			res.Capabilities |= smb2.GlobalCapDFS
			c.caps, a.body = res.Capabilities, res.Append(nil)
		case smb2.TreeConnect:
			req, _ := smb2.ParseTreeConnectRequest(q.body, c.dialect == smb2.Dialect311)
			path := nt.DecodeUTF16(req.Path)
			res, _ := smb2.ParseTreeConnectResponse(a.body)
			switch {
			case strings.HasSuffix(path, `\IPC$`):
				res.ShareType = smb2.ShareTypePipe
			case strings.HasSuffix(path, `\gone`):
				a.fail(nt.StatusBadNetworkName)
				return []*answer{a}
			default:
				res.Capabilities |= smb2.ShareCapDFS
			}
			a.body = res.Append(nil)
		case smb2.Create:
			req, _ := smb2.ParseCreateRequest(q.body)
			name := nt.DecodeUTF16(req.Name)
			if q.h.Flags&smb2.FlagDFSOperations == 0 {
				t.Errorf("%s: no DFS operation", name)
			}
			n.names <- name
			if strings.Contains(name, "link") {
				a.fail(nt.StatusPathNotCovered)
			}
		case smb2.Ioctl:
			req, _ := smb2.ParseIoctlRequest(q.body)
			if req.CtlCode != nt.FsctlDfsGetReferrals {
				break
			}
			n.asked.Add(1)
			in, err := smb2.ParseDFSReferralRequest(req.Input)
			if err != nil || req.FileID != smb2.RelatedFileID {
				t.Errorf("%+v, %v", req, err)
			}
			r, st := n.refer(in.RequestFileName)
			if st != nt.StatusSuccess {
				a.fail(st)
				break
			}
			a.body = (&smb2.IoctlResponse{CtlCode: req.CtlCode, FileID: req.FileID, Output: r.Append(nil)}).Append(nil)
		}
		return []*answer{a}
	}
	return n
}

// to is a referral for a prefix.
func to(prefix string, ttl uint32, targets ...string) smb2.DFSReferral {
	r := smb2.DFSReferral{PathConsumed: uint16(2 * len(prefix)), ReferralHeaderFlags: smb2.DFSStorageServers}
	for _, s := range targets {
		r.Entries = append(r.Entries, smb2.DFSReferralEntry{VersionNumber: 4, TimeToLive: ttl, DFSPath: prefix, DFSAlternatePath: prefix, NetworkAddress: s})
	}
	return r
}

// machines has a client find fake servers by name; others refuse.
func machines(t *testing.T, list map[string]*fake) *iomgr.Manager {
	return newClient(t, func(c *rdr.Config) {
		c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, _ := net.SplitHostPort(addr)
			if f := list[host]; f != nil {
				return f.dial(ctx, network, addr)
			}
			return nil, nt.StatusConnectionRefused
		}
	})
}

func openName(m *iomgr.Manager, name string) error {
	h, err := m.CreateFile(context.Background(), &api.CreateArgs{Name: name, DesiredAccess: nt.GenericRead, Disposition: nt.FileOpen, ShareAccess: 7,
		Impersonation: api.ImpersonateImpersonation})
	if err == nil {
		err = m.Close(h)
	}
	return err
}

// plain is a server whose names are told.
func plain(t *testing.T) (*fake, chan string) {
	names := make(chan string, 100)
	f := &fake{t: t, dialect: smb2.Dialect311}
	f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
		if q.h.Command == smb2.Create {
			req, _ := smb2.ParseCreateRequest(q.body)
			names <- nt.DecodeUTF16(req.Name)
		}
		return []*answer{a}
	}
	return f, names
}

// TestReferral: what is not on a server is opened where it says, from then on without asking, and on another target where one is away.
func TestReferral(t *testing.T) {
	n := newNamespace(t)
	n.refer = func(name string) (smb2.DFSReferral, nt.Status) {
		switch {
		case strings.HasPrefix(name, `\root\data\link`):
			return to(`\root\data\link`, 600, `\away\x`, `\target\share\dir`, `\third\y`), nt.StatusSuccess
		case strings.HasPrefix(name, `\root\gone`):
			return to(`\root\gone`, 600, `\target\moved`), nt.StatusSuccess
		}
		return smb2.DFSReferral{}, nt.StatusNotFound
	}
	target, names := plain(t)
	m := machines(t, map[string]*fake{"root": n.fake, "target": target})
	if err := openName(m, `\rdr\root\data\plain`); err != nil {
		t.Error(err)
	}
	if s := wait(t, n.names); s != `root\data\plain` {
		t.Errorf("name %q", s)
	}
	for i, name := range []string{`link\a\b`, `LINK\c`, `link`} {
		if err := openName(m, `\rdr\root\data\`+name); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s, want := wait(t, names), []string{`dir\a\b`, `dir\c`, `dir`}[i]; s != want {
			t.Errorf("%s opened as %q, want %q", name, s, want)
		}
	}
	if k := n.asked.Load(); k != 1 {
		t.Errorf("%d referrals were asked for", k)
	}
	if err := openName(m, `\rdr\root\gone\f`); err != nil {
		t.Error(err)
	}
	if s := wait(t, names); s != "f" {
		t.Errorf("name %q", s)
	}
	// A new name that lies below the link is on the same volume, one beside it is not.
	h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\rdr\root\data\link\a`, DesiredAccess: nt.Delete, Disposition: nt.FileOpen, Impersonation: api.ImpersonateImpersonation})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	for name, want := range map[string]error{`\root\data\link\b`: nil, `\root\data\b`: nt.StatusNotSameDevice} {
		b := make([]byte, 20)
		u := nt.AppendUTF16(nil, name)
		le.PutUint32(b[16:], uint32(len(u)))
		if err := m.SetInformationFile(t.Context(), h, nt.FileRenameInformation, append(b, u...)); !errors.Is(err, want) && (err != nil || want != nil) {
			t.Errorf("rename to %s: %v, want %v", name, err, want)
		}
	}
}

// TestReferralRefused: referrals that lead nowhere, in a circle, or that are none, end with what the server said first.
func TestReferralRefused(t *testing.T) {
	for name, refer := range map[string]func(string) (smb2.DFSReferral, nt.Status){
		"no DFS":          func(string) (smb2.DFSReferral, nt.Status) { return smb2.DFSReferral{}, nt.StatusFsDriverRequired },
		"no target":       func(string) (smb2.DFSReferral, nt.Status) { return to(`\root\data\link`, 1), 0 },
		"bad target":      func(string) (smb2.DFSReferral, nt.Status) { return to(`\root\data\link`, 1, `\`, `\x`, `\y\`), 0 },
		"to itself":       func(string) (smb2.DFSReferral, nt.Status) { return to(`\root\data\link`, 1, `\root\data\link`), 0 },
		"in a circle":     func(s string) (smb2.DFSReferral, nt.Status) { return to(s, 1, s+`\link`), 0 },
		"for half a name": func(string) (smb2.DFSReferral, nt.Status) { return to(`\root\data\li`, 1, `\target\x`), 0 },
		"for too much": func(string) (smb2.DFSReferral, nt.Status) {
			return to(`\root\data\link\a\b\c\d\e\f`, 1, `\target\x`), 0
		},
		"all away": func(string) (smb2.DFSReferral, nt.Status) { return to(`\root\data\link`, 1, `\away\x`, `\gone\y`), 0 },
	} {
		t.Run(name, func(t *testing.T) {
			n := newNamespace(t)
			n.refer = refer
			m := machines(t, map[string]*fake{"root": n.fake})
			want := nt.StatusPathNotCovered
			if name == "all away" {
				want = nt.StatusConnectionRefused
			}
			if err := openName(m, `\rdr\root\data\link\a`); !errors.Is(err, want) {
				t.Errorf("%v", err)
			}
			if k := n.asked.Load(); k > 10 {
				t.Errorf("%d referrals were asked for", k)
			}
			shutdown(t, m)
			n.ended()
		})
	}
}
