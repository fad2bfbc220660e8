package srv_test

import (
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// statuses sends a compound and gives the status of each answer.
func (c *client) statuses(calls ...call) []reply {
	c.t.Helper()
	ps, err := c.send(c.sess, calls...)
	if err != nil {
		c.t.Fatal(err)
	}
	out := make([]reply, len(ps))
	for i, p := range ps {
		if out[i], err = p.recv(); err != nil {
			c.t.Fatalf("answer %d: %v (%v)", i, err, c.reason())
		}
	}
	return out
}

func TestCompound(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	const (
		ok     = nt.StatusSuccess
		closed = nt.StatusFileClosed
		param  = nt.StatusInvalidParameter
		none   = nt.StatusObjectNameNotFound
	)
	rel := smb2.RelatedFileID
	create := call{cmd: smb2.Create, body: createBody("echo")}
	missing := call{cmd: smb2.Create, body: createBody("none")}
	closing := call{cmd: smb2.Close, body: (&smb2.CloseRequest{FileID: rel}).Append(nil)}
	peek := call{cmd: smb2.Ioctl, body: ioctlBody(rel, nt.FsctlPipePeek, nil, 16)}
	badInfo := call{cmd: smb2.QueryInfo, body: (&smb2.QueryInfoRequest{InfoType: 1, FileInfoClass: 200, FileID: rel, OutputBufferLength: 8}).Append(nil)}
	echoCall := call{cmd: smb2.Echo, body: (&smb2.EchoRequest{}).Append(nil)}
	trans := call{cmd: smb2.Ioctl, body: ioctlBody(rel, nt.FsctlPipeTransceive, []byte("in"), 16)}
	related := func(c call) call { c.related = true; return c }
	for name, v := range map[string]struct {
		calls []call
		want  []nt.Status
	}{
		"related":                    {[]call{create, related(peek), related(closing)}, []nt.Status{ok, ok, ok}},
		"with a call that waits":     {[]call{create, related(trans), related(trans), related(closing)}, []nt.Status{ok, ok, ok, ok}},
		"a call that waits last":     {[]call{create, related(trans)}, []nt.Status{ok, ok}},
		"create fails":               {[]call{missing, related(peek), related(closing)}, []nt.Status{none, none, none}},
		"one in the middle fails":    {[]call{create, related(badInfo), related(closing)}, []nt.Status{ok, param, ok}},
		"after the close":            {[]call{create, related(closing), related(peek)}, []nt.Status{ok, ok, closed}},
		"unrelated":                  {[]call{echoCall, create, echoCall}, []nt.Status{ok, ok, ok}},
		"unrelated without a file":   {[]call{create, closing, related(closing)}, []nt.Status{ok, closed, closed}},
		"first is related":           {[]call{{cmd: create.cmd, body: create.body, edit: func(h *smb2.Header) { h.Flags |= smb2.FlagRelated }}, related(closing), closing}, []nt.Status{param, param, closed}},
		"two chains":                 {[]call{create, related(closing), missing, related(closing)}, []nt.Status{ok, ok, none, none}},
		"session setup in the midst": {[]call{echoCall, {cmd: smb2.SessionSetup, body: (&smb2.SessionSetupRequest{SecurityBuffer: []byte("x")}).Append(nil)}}, []nt.Status{ok, param}},
	} {
		for _, seal := range []bool{false, true} {
			for opt, o := range offers() {
				if seal && o.ciphers == nil || !seal && o.ciphers != nil && o.ciphers[0] != smb2.CipherAES128GCM {
					continue
				}
				c := e.dial().logon(o, "alice")
				c.sess.seal = seal
				tree := c.tree("IPC$")
				calls := append([]call(nil), v.calls...)
				for i := range calls {
					calls[i].tree = tree
				}
				for i, r := range c.statuses(calls...) {
					if r.h.Status != v.want[i] {
						t.Errorf("%s, %s, sealed %v: answer %d is %v, want %v", name, opt, seal, i, r.h.Status, v.want[i])
					}
					if r.sealed != seal || !seal && !r.h.IsSigned() {
						t.Errorf("%s, %s: answer %d sealed %v signed %v", name, opt, i, r.sealed, r.h.IsSigned())
					}
					if r.h.TreeID != tree && !r.h.IsAsync() || r.h.SessionID != c.sess.id {
						t.Errorf("%s: answer %d is of session %#x and tree %d", name, i, r.h.SessionID, r.h.TreeID)
					}
				}
				c.nc.Close()
			}
		}
	}
	// A session that is not there: what is related to it has none either.
	c := e.logon("alice")
	tree := c.tree("IPC$")
	noSession := func(h *smb2.Header) { h.SessionID = 0x12345 }
	rs := c.statuses(call{cmd: smb2.Create, tree: tree, body: create.body, edit: noSession}, related(closing))
	if rs[0].h.Status != nt.StatusUserSessionDeleted || rs[1].h.Status != param {
		t.Errorf("%v %v", rs[0].h.Status, rs[1].h.Status)
	}
}

// TestCompoundWaits: a read that waits for ever cannot stand before others; as the last it is answered by itself.
func TestCompoundWaits(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("silent", silent)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	create := call{cmd: smb2.Create, tree: tree, body: createBody("silent")}
	read := call{cmd: smb2.Read, related: true, body: readBody(smb2.RelatedFileID, 10)}
	closing := call{cmd: smb2.Close, related: true, body: (&smb2.CloseRequest{FileID: smb2.RelatedFileID}).Append(nil)}
	rs := c.statuses(create, read, closing)
	if rs[0].h.Status != 0 || rs[1].h.Status != nt.StatusInternalError || rs[2].h.Status != 0 {
		t.Errorf("%v %v %v", rs[0].h.Status, rs[1].h.Status, rs[2].h.Status)
	}
	ps, err := c.send(c.sess, create, read)
	if err != nil {
		t.Fatal(err)
	}
	ps[0].want(nt.StatusSuccess)
	r, err := ps[1].next()
	if err != nil || r.h.Status != nt.StatusPending || !r.h.IsAsync() {
		t.Fatalf("%+v %v", r.h, err)
	}
	c.cancel(func(h *smb2.Header) { h.Flags |= smb2.FlagAsyncCommand; h.AsyncID = r.h.AsyncID })
	ps[1].want(nt.StatusCancelled)
	if got := c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess); got.h.Credits == 0 {
		t.Error("no credits")
	}
}

func TestCompoundTooLong(t *testing.T) {
	e := newEnv(t, nil)
	c := e.logon("alice")
	c.wantCred = 500
	c.tree("IPC$")
	calls := make([]call, 200)
	for i := range calls {
		calls[i] = call{cmd: smb2.Echo, body: (&smb2.EchoRequest{}).Append(nil)}
	}
	if _, err := c.send(c.sess, calls...); err != nil {
		t.Fatal(err)
	}
	c.ended()
}

// TestCompoundPadding: each answer of a compound is padded, the last one too; one alone is not.
func TestCompoundPadding(t *testing.T) {
	e := newEnv(t, nil)
	c := e.logon("alice")
	echo := call{cmd: smb2.Echo, body: (&smb2.EchoRequest{}).Append(nil)}
	for _, calls := range [][]call{{echo}, {echo, echo}, {echo, echo, echo}} {
		all, err := c.send(c.sess, calls...)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range all {
			want := smb2.HeaderSize + 8
			if len(all) == 1 {
				want = smb2.HeaderSize + 4
			}
			if r := p.want(nt.StatusSuccess); len(r.raw) != want {
				t.Errorf("%d of %d: %d bytes, want %d", i, len(all), len(r.raw), want)
			}
		}
	}
}
