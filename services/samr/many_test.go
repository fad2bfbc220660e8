package samr_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/server"
	"lwio/services/samr"
	"lwio/services/state"
)

// bulk is a store for many entries: it sorts its keys when they are asked for, not as they come.
type bulk struct {
	state.Store // what is not needed here
	mu          sync.Mutex
	entries     map[string]state.Entry // guarded by mu
	keys        []string               // guarded by mu; sorted unless stale
	stale       bool                   // guarded by mu
	revision    state.Revision         // guarded by mu
}

func (b *bulk) Get(_ context.Context, key string) (state.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.entries[key]
	if !ok {
		return e, state.ErrNotFound
	}
	return e, nil
}

func (b *bulk) Range(_ context.Context, prefix, from string, limit int) (out []state.Entry, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stale {
		b.keys, b.stale = b.keys[:0], false
		for k := range b.entries {
			b.keys = append(b.keys, k)
		}
		slices.Sort(b.keys)
	}
	if limit <= 0 || limit > state.MaxRange {
		limit = state.MaxRange
	}
	i, _ := slices.BinarySearch(b.keys, max(prefix, from))
	for ; i < len(b.keys) && len(out) < limit && strings.HasPrefix(b.keys[i], prefix); i++ {
		out = append(out, b.entries[b.keys[i]])
	}
	return out, nil
}

func (b *bulk) Txn(_ context.Context, conditions []state.Condition, ops []state.Op) (state.Revision, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conditions {
		if b.entries[c.Key].Revision != c.Revision {
			return 0, state.ErrConflict
		}
	}
	b.revision++
	for _, op := range ops {
		b.stale = true
		if op.Delete {
			delete(b.entries, op.Key)
			continue
		}
		b.entries[op.Key] = state.Entry{Key: op.Key, Value: op.Value, Revision: b.revision}
	}
	return b.revision, nil
}

func (b *bulk) Put(ctx context.Context, key string, value []byte) (state.Revision, error) {
	return b.Txn(ctx, nil, []state.Op{{Key: key, Value: value}})
}

func (b *bulk) Close() error { return nil }

// heap is what is in use now.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// peak is the most that is in use while f runs, above what was before: sampled by f itself.
func peak(base uint64, sample func() uint64, most *uint64) {
	if now := sample(); now > base {
		*most = max(*most, now-base)
	}
}

func live() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestManyUsers lists 50,000 users, for people and by RID, in bounded memory: what a page holds, whatever the client asks for.
func TestManyUsers(t *testing.T) {
	if testing.Short() {
		t.Skip("50,000 accounts")
	}
	const users = 50_000
	w := serveOn(t, &bulk{entries: map[string]state.Entry{}}, samr.Config{}, server.Config{Logger: quiet})
	for i := range users - 4 { // besides alice, bob, Administrator and Guest
		if _, err := w.Accounts.Add(t.Context(), state.NewAccount{Name: fmt.Sprintf("user%05d", i), FullName: "A user of many", Password: "p"}); err != nil {
			t.Fatal(err)
		}
	}
	c := w.as(t, admin)
	h := openAll(t, c)
	base := heap()
	var most uint64
	for _, limit := range []uint32{1<<32 - 1, 0x7FFF} {
		var seen, pages uint32
		last := ""
		for {
			r, err := c.SamrQueryDisplayInformation3(t.Context(), &gen.SamrQueryDisplayInformation3Request{DomainHandle: h.domain, DisplayInformationClass: gen.DomainDisplayUser,
				Index: seen, EntryCount: 1<<32 - 1, PreferredMaximumLength: limit})
			s := status(ret(r, err))
			if s != ok && s != nt.StatusMoreEntries {
				t.Fatal(s)
			}
			for i, u := range r.Buffer.UserInformation.Buffer {
				if name := nt.Upcase(u.AccountName.String()); u.Index != seen+uint32(i)+1 || name <= last {
					t.Fatalf("entry %d is %q with index %d after %q", seen+uint32(i), name, u.Index, last)
				} else {
					last = name
				}
			}
			seen += r.Buffer.UserInformation.EntriesRead
			pages++
			peak(base, live, &most)
			if s == ok {
				break
			}
		}
		if seen != users || pages < 10 {
			t.Errorf("%d users in %d pages", seen, pages)
		}
	}
	var seen, resume uint32
	for {
		r, err := c.SamrEnumerateUsersInDomain(t.Context(), &gen.SamrEnumerateUsersInDomainRequest{DomainHandle: h.domain, EnumerationContext: resume, PreferedMaximumLength: 1<<32 - 1})
		s := status(ret(r, err))
		if s != ok && s != nt.StatusMoreEntries {
			t.Fatal(s)
		}
		seen, resume = seen+r.CountReturned, r.EnumerationContext
		peak(base, live, &most)
		if s == ok {
			break
		}
	}
	if seen != users {
		t.Errorf("%d users enumerated", seen)
	}
	// Any place may be asked for, in any order.
	for _, index := range []uint32{users - 1, 0, users / 2, users, 1<<32 - 1, 17} {
		r, err := c.SamrQueryDisplayInformation(t.Context(), &gen.SamrQueryDisplayInformationRequest{DomainHandle: h.domain, DisplayInformationClass: gen.DomainDisplayUser, Index: index, EntryCount: 1, PreferredMaximumLength: 1 << 16})
		s := status(ret(r, err))
		want := min(uint32(1), max(users, index)-index)
		if s != ok && s != nt.StatusMoreEntries || r.Buffer.UserInformation.EntriesRead != want {
			t.Errorf("place %d: %v, %d entries, want %d", index, s, r.Buffer.UserInformation.EntriesRead, want)
		}
	}
	if most > 64<<20 {
		t.Errorf("%d MiB of heap while users were listed", most>>20)
	}
	t.Logf("%d KiB of heap at most", most>>10)
}

// TestManyHandles: 10,000 open handles cost less than 16 MiB.
func TestManyHandles(t *testing.T) {
	const handles = 10_000
	w := serveOn(t, state.NewMemory(), samr.Config{}, server.Config{Logger: quiet, MaxHandles: handles + 16})
	c := w.as(t, admin)
	h := openAll(t, c)
	base := heap()
	for i := range handles {
		var err error
		var r int32
		switch i % 3 {
		case 0:
			u, e := c.SamrOpenUser(t.Context(), &gen.SamrOpenUserRequest{DomainHandle: h.domain, DesiredAccess: maximum, UserId: 1000})
			r, err = ret(u, e)
		case 1:
			d, e := c.SamrOpenDomain(t.Context(), &gen.SamrOpenDomainRequest{ServerHandle: h.server, DesiredAccess: maximum, DomainId: *dtyp.NewRPC_SID(machine)})
			r, err = ret(d, e)
		case 2:
			a, e := c.SamrOpenAlias(t.Context(), &gen.SamrOpenAliasRequest{DomainHandle: h.builtin, DesiredAccess: maximum, AliasId: 544})
			r, err = ret(a, e)
		}
		if s := status(r, err); s != ok {
			t.Fatalf("handle %d: %v", i, s)
		}
	}
	if now := heap(); now > base && now-base > 16<<20 {
		t.Errorf("%d handles hold %d KiB", handles, (now-base)>>10)
	} else {
		t.Logf("%d handles hold %d KiB", handles, int64(now-base)>>10)
	}
	// One too many is refused, and the association lives.
	for range 32 {
		if _, err := c.SamrOpenUser(t.Context(), &gen.SamrOpenUserRequest{DomainHandle: h.domain, DesiredAccess: maximum, UserId: 1000}); err != nil {
			if rpc.FaultOf(err) != rpc.FaultRemoteNoMemory {
				t.Fatal(err)
			}
			if got := status(ret(c.SamrCloseHandle(t.Context(), &gen.SamrCloseHandleRequest{SamHandle: h.user}))); got != ok {
				t.Errorf("after that: %v", got)
			}
			return
		}
	}
	t.Error("handles without end")
}
