package srv_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// locker is a disk whose one file keeps account of locks and watches. A lock at 666 is refused, one at 777 waits for ever.
type locker struct {
	api.DefaultDevice
	mu      sync.Mutex
	log     []string
	watches chan *api.Request
}

type lockFile struct {
	api.DefaultFile
	d *locker
}

func (d *locker) Create(r *api.Request) {
	r.File().SetImpl(&lockFile{d: d}, nt.FileAllAccess)
	r.Complete(nt.StatusSuccess, 0)
}

func (d *locker) note(s string) {
	d.mu.Lock()
	d.log = append(d.log, s)
	d.mu.Unlock()
}

func (d *locker) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	log := d.log
	d.log = nil
	return log
}

func cancelled(r *api.Request) { r.Complete(nt.StatusCancelled, 0) }

func (f *lockFile) Lock(r *api.Request) {
	kind := "shared"
	if r.Lock.Exclusive {
		kind = "exclusive"
	}
	f.d.note(kind + string(rune('A'+r.Lock.Offset%26)))
	switch r.Lock.Offset {
	case 666:
		r.Complete(nt.StatusLockNotGranted, 0)
	case 777:
		if !r.Pend(cancelled) {
			cancelled(r)
		}
	default:
		r.Complete(nt.StatusSuccess, 0)
	}
}

func (f *lockFile) Unlock(r *api.Request) {
	f.d.note("unlock" + string(rune('A'+r.Lock.Offset%26)))
	if r.Lock.Offset == 666 {
		r.Complete(nt.StatusRangeNotLocked, 0)
		return
	}
	r.Complete(nt.StatusSuccess, 0)
}

func (f *lockFile) QueryInformation(r *api.Request) {
	if !(&api.FileInfo{Attributes: nt.FileAttributeNormal, Name: `\f`}).Answer(r) {
		r.Complete(nt.StatusInvalidInfoClass, 0)
	}
}

func (f *lockFile) NotifyChange(r *api.Request) {
	if !r.Pend(cancelled) {
		cancelled(r)
		return
	}
	f.d.watches <- r
}

func newLocker(t *testing.T) (*client, uint32, smb2.FileID, *locker) {
	t.Helper()
	d := &locker{watches: make(chan *api.Request, 4)}
	name, path := "locks", "/x"
	e := newEnv(t, func(c *srv.Config) { c.Shares, c.DiskDevice = newTable(share(name, path)), "locker" })
	err := e.m.Load(context.Background(), func(reg *api.Registration) error {
		reg.Name = "locker"
		reg.Start = func(_ context.Context, host api.Host) error {
			_, err := host.CreateDevice("locker", d)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := e.logon("alice")
	tree := c.tree(name)
	return c, tree, c.open(tree, "f", creating(nt.FileReadData|nt.FileWriteData, nt.FileOpen, 0)), d
}

func TestLock(t *testing.T) {
	c, tree, id, d := newLocker(t)
	type el struct {
		offset, length uint64
		flags          uint32
	}
	const sh, ex, un, now = smb2.LockShared, smb2.LockExclusive, smb2.LockUnlock, smb2.LockFailImmediately
	lock := func(list ...el) []byte {
		var l smb2.LockElements
		for _, e := range list {
			l = l.Append(smb2.LockElement{Offset: e.offset, Length: e.length, Flags: e.flags})
		}
		return (&smb2.LockRequest{FileID: id, Locks: l}).Append(nil)
	}
	for name, v := range map[string]struct {
		list []el
		want nt.Status
		log  []string
	}{
		"one":           {[]el{{0, 1, sh | now}}, 0, []string{"sharedA"}},
		"one, waiting":  {[]el{{1, 1, ex}}, 0, []string{"exclusiveB"}},
		"two":           {[]el{{0, 1, sh | now}, {1, 1, ex | now}}, 0, []string{"sharedA", "exclusiveB"}},
		"third refused": {[]el{{0, 1, sh | now}, {1, 1, ex | now}, {666, 1, ex | now}}, nt.StatusLockNotGranted, []string{"sharedA", "exclusiveB", "exclusiveQ", "unlockB", "unlockA"}},
		"unlock":        {[]el{{0, 1, un}, {1, 1, un}}, 0, []string{"unlockA", "unlockB"}},
		"unlock fails":  {[]el{{0, 1, un}, {666, 1, un}, {1, 1, un}}, nt.StatusRangeNotLocked, []string{"unlockA", "unlockQ"}},
		"mixed":         {[]el{{0, 1, sh | now}, {1, 1, un}}, nt.StatusInvalidParameter, nil},
		"mixed unlock":  {[]el{{0, 1, un}, {1, 1, sh | now}, {2, 1, un}}, nt.StatusInvalidParameter, []string{"unlockA"}},
		"two waiting":   {[]el{{0, 1, sh}, {1, 1, sh}}, nt.StatusInvalidParameter, nil},
		"both kinds":    {[]el{{0, 1, sh | ex}}, nt.StatusInvalidParameter, nil},
		"no kind":       {[]el{{0, 1, now}}, nt.StatusInvalidParameter, nil},
		"wraps":         {[]el{{1<<64 - 1, 2, ex | now}}, nt.StatusInvalidLockRange, nil},
		"to the end":    {[]el{{1<<64 - 1, 1, ex | now}}, 0, []string{"exclusive" + string(rune('A'+(1<<64-1)%26))}},
	} {
		c.do(smb2.Lock, tree, lock(v.list...), v.want)
		if got := d.take(); !slices.Equal(got, v.log) {
			t.Errorf("%s: %q", name, got)
		}
	}
	c.do(smb2.Lock, tree, lock(make([]el, 65)...), nt.StatusInvalidParameter)
	// One that waits can be cancelled.
	p := c.start(smb2.Lock, tree, lock(el{777, 1, ex}))
	if r, err := p.next(); err != nil || r.h.Status != nt.StatusPending {
		t.Fatalf("%v %v", r.h.Status, err)
	}
	c.cancel(func(h *smb2.Header) { h.MessageID = p.id })
	p.want(nt.StatusCancelled)
}

func TestChangeNotify(t *testing.T) {
	c, tree, id, d := newLocker(t)
	body := (&smb2.ChangeNotifyRequest{FileID: id, OutputBufferLength: 100, CompletionFilter: 3, Flags: smb2.ChangeNotifyWatchTree}).Append(nil)
	p := c.start(smb2.ChangeNotify, tree, body)
	r := wait(t, d.watches)
	if r.Code != 3 || r.Flags != api.FlagWatchTree || r.Limit() != 100 {
		t.Errorf("%+v", r)
	}
	n := r.Give([]byte("changed"))
	r.Complete(nt.StatusSuccess, n)
	res, err := smb2.ParseChangeNotifyResponse(p.want(nt.StatusSuccess).body)
	if err != nil || string(res.Output) != "changed" {
		t.Errorf("%q %v", res.Output, err)
	}
	p = c.start(smb2.ChangeNotify, tree, body)
	wait(t, d.watches).Complete(nt.StatusNotifyEnumDir, 0)
	p.want(nt.StatusNotifyEnumDir)
	p = c.start(smb2.ChangeNotify, tree, body)
	wait(t, d.watches)
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
	p.want(nt.StatusCancelled)
}
