package rdr_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// leasing has a fake server offer leases and answer a create with the contexts that grant makes of the lease that was asked for.
func leasing(f *fake, grant func(smb2.Lease) smb2.CreateContexts, next func(*fakeConn, *query, *answer) []*answer) {
	f.edit = func(c *fakeConn, q *query, a *answer) []*answer {
		switch q.h.Command {
		case smb2.Negotiate:
			res, _ := smb2.ParseNegotiateResponse(a.body)
			res.Capabilities |= smb2.GlobalCapLeasing
			c.caps, a.body = res.Capabilities, res.Append(nil)
		case smb2.Create:
			req, err := smb2.ParseCreateRequest(q.body)
			if err != nil {
				f.t.Error(err)
			}
			for chain := req.Contexts; len(chain) > 0; {
				var one smb2.CreateContext
				if one, chain, err = chain.Next(); err != nil {
					f.t.Error(err)
					break
				}
				if string(one.Name) == smb2.ContextRequestLease {
					l, _ := smb2.ParseLease(one.Data)
					res, _ := smb2.ParseCreateResponse(a.body)
					res.OplockLevel, res.Contexts = smb2.OplockLevelLease, grant(l)
					a.body = res.Append(nil)
				}
			}
		}
		if next != nil {
			return next(c, q, a)
		}
		return []*answer{a}
	}
}

// durably is what a server answers that gives all that was asked for.
func durably(l smb2.Lease) smb2.CreateContexts {
	d := smb2.DurableHandleResponseV2{Timeout: 60000}
	return smb2.CreateContexts(nil).Append(smb2.ContextRequestLease, l.Append(nil)).Append(smb2.ContextDurableHandleRequestV2, d.Append(nil))
}

// TestHostileGrants: contexts that are not what was asked for end the connection, and the open.
func TestHostileGrants(t *testing.T) {
	one := func(name string, data []byte) func(smb2.Lease) smb2.CreateContexts {
		return func(smb2.Lease) smb2.CreateContexts { return smb2.CreateContexts(nil).Append(name, data) }
	}
	for name, grant := range map[string]func(smb2.Lease) smb2.CreateContexts{
		"lease cut":     one(smb2.ContextRequestLease, make([]byte, 31)),
		"another lease": one(smb2.ContextRequestLease, make([]byte, 52)),
		"durable cut":   one(smb2.ContextDurableHandleRequest, make([]byte, 7)),
		"durable 2 cut": one(smb2.ContextDurableHandleRequestV2, make([]byte, 7)),
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{t: t, dialect: smb2.Dialect311}
			var honest atomic.Bool
			leasing(f, func(l smb2.Lease) smb2.CreateContexts {
				if honest.Load() {
					return durably(l)
				}
				return grant(l)
			}, nil)
			m := f.client(nil)
			if _, err := openFake(m); !errors.Is(err, nt.StatusInvalidNetworkResponse) {
				t.Errorf("%v", err)
			}
			honest.Store(true)
			h, err := openFake(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Close(h); err != nil {
				t.Error(err)
			}
			shutdown(t, m)
			f.ended()
		})
	}
}

// TestPoison: a request that ends the connection each time is given up, and so is the handle.
func TestPoison(t *testing.T) {
	f := &fake{t: t, dialect: smb2.Dialect311}
	leasing(f, durably, func(_ *fakeConn, q *query, a *answer) []*answer {
		a.hangUp = q.h.Command == smb2.Flush
		if a.hangUp {
			a.frame = func([]byte) []byte { return nil }
		}
		return []*answer{a}
	})
	m := f.client(nil)
	h, err := openFake(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.FlushBuffersFile(t.Context(), h); !errors.Is(err, nt.StatusConnectionDisconnected) {
		t.Errorf("%v", err)
	}
	if n := f.count(smb2.Flush); n < 2 || n > 20 {
		t.Errorf("sent %d times", n)
	}
	if err := m.Close(h); err != nil {
		t.Error(err)
	}
	shutdown(t, m)
	f.ended()
}

// TestHostileBreaks: a break of a lease that there is not is nothing; one that is none ends the connection, which a durable file outlives.
func TestHostileBreaks(t *testing.T) {
	unknown := (&smb2.LeaseBreakNotification{Flags: smb2.LeaseBreakAckRequired, LeaseKey: smb2.LeaseKey{1}, CurrentLeaseState: 7}).Append(nil)
	for name, c := range map[string]struct {
		body  []byte
		conns int
	}{"unknown": {unknown, 1}, "cut": {unknown[:43], 2}, "empty": {nil, 2}} {
		t.Run(name, func(t *testing.T) {
			f := &fake{t: t, dialect: smb2.Dialect311}
			var asked atomic.Bool
			leasing(f, durably, func(_ *fakeConn, q *query, a *answer) []*answer {
				if q.h.Command != smb2.Flush || asked.Swap(true) {
					return []*answer{a}
				}
				return []*answer{{h: smb2.Header{Command: smb2.OplockBreak, Flags: smb2.FlagServerToRedir, MessageID: smb2.UnsolicitedMessageID}, body: c.body}, a}
			})
			m := f.client(nil)
			h, err := openFake(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.FlushBuffersFile(t.Context(), h); err != nil {
				t.Error(err)
			}
			if n := f.count(smb2.OplockBreak); n != 0 {
				t.Errorf("%d acknowledgments", n)
			}
			if err := m.Close(h); err != nil {
				t.Error(err)
			}
			shutdown(t, m)
			f.ended()
			if n := f.count(smb2.Negotiate); n != c.conns {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// TestGrantWhileBreaking: the answer to an open under a lease that is being broken has the state from before the break; nothing is kept by it.
func TestGrantWhileBreaking(t *testing.T) {
	const before, after = smb2.LeaseReadCaching | smb2.LeaseHandleCaching | smb2.LeaseWriteCaching, smb2.LeaseReadCaching | smb2.LeaseHandleCaching
	f := &fake{t: t, dialect: smb2.Dialect311}
	var key smb2.LeaseKey
	var breaks atomic.Bool
	leasing(f, func(l smb2.Lease) smb2.CreateContexts {
		key, l.LeaseState, l.Epoch = l.LeaseKey, before, 1
		if breaks.Load() {
			l.LeaseFlags, l.Epoch = l.LeaseFlags|smb2.LeaseFlagBreakInProgress, 2
		}
		return durably(l)
	}, func(_ *fakeConn, q *query, a *answer) []*answer {
		if q.h.Command == smb2.OplockBreak {
			return nil // the break goes on
		}
		if q.h.Command != smb2.Flush || breaks.Swap(true) {
			return []*answer{a}
		}
		n := smb2.LeaseBreakNotification{NewEpoch: 2, Flags: smb2.LeaseBreakAckRequired, LeaseKey: key, CurrentLeaseState: before, NewLeaseState: after}
		return []*answer{{h: smb2.Header{Command: smb2.OplockBreak, Flags: smb2.FlagServerToRedir, MessageID: smb2.UnsolicitedMessageID}, body: n.Append(nil)}, a}
	})
	m := f.client(nil)
	open := func() api.Handle {
		h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: fakeName, DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpen,
			ShareAccess: nt.FileShareRead | nt.FileShareWrite, Impersonation: api.ImpersonateImpersonation})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	read := func(h api.Handle) {
		for range 2 {
			if _, err := m.ReadFile(t.Context(), h, make([]byte, 4), 0); err != nil {
				t.Error(err)
			}
		}
	}
	h := open()
	if read(h); f.count(smb2.Read) != 1 {
		t.Errorf("%d reads under the lease", f.count(smb2.Read))
	}
	if err := m.FlushBuffersFile(t.Context(), h); err != nil {
		t.Error(err)
	}
	g := open()
	if read(g); f.count(smb2.Read) != 3 {
		t.Errorf("%d reads, two of them while the lease was being broken", f.count(smb2.Read))
	}
	if _, err := m.WriteFile(t.Context(), g, []byte("x"), 0); err != nil {
		t.Error(err)
	}
	if n := f.count(smb2.Write); n != 1 {
		t.Errorf("%d writes: it was kept", n)
	}
	for _, h := range []api.Handle{h, g} {
		if err := m.Close(h); err != nil {
			t.Error(err)
		}
	}
	shutdown(t, m)
	f.ended()
}
