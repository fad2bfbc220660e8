package authority

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	gen "lwio/gen/authority"
	"lwio/gen/dtyp"
	"lwio/iomgr/nt"
)

// Membership is what the daemon that takes tickets, and that has files, needs to know of the host's membership of a domain. The zero value is that of none.
type Membership struct {
	Keys   []Key
	Ranges IDRanges
}

// Key is a key of the machine's account, under one of its names. Formatting it shows no secret.
type Key struct {
	Name, Realm string
	KVNO        uint32
	Type        int32 // of RFC 3961
	Value       []byte
}

// Format shows no secret whatever the verb.
func (k Key) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "key of %s@%s, version %d", k.Name, k.Realm, k.KVNO)
}

// IDRange are the Unix ids of RIDs of a domain: FirstID is that of FirstRID, and so on.
type IDRange struct {
	Domain                   nt.SID
	FirstRID, Count, FirstID uint32
}

// IDRanges map SIDs of domains to Unix ids and back.
type IDRanges []IDRange

// UnixID is the Unix id of a user or group; ok is false where no range has it.
func (r IDRanges) UnixID(sid nt.SID) (id uint32, ok bool) {
	for i := range r {
		if x := &r[i]; sid.IsChildOf(x.Domain) {
			if rid := sid.RID(); rid >= x.FirstRID && rid-x.FirstRID < x.Count {
				return x.FirstID + rid - x.FirstRID, true
			}
		}
	}
	return 0, false
}

// SIDOf is the SID of a Unix id.
func (r IDRanges) SIDOf(id uint32) (nt.SID, bool) {
	for i := range r {
		if x := &r[i]; id >= x.FirstID && id-x.FirstID < x.Count {
			return x.Domain.Child(x.FirstRID + id - x.FirstID), true
		}
	}
	return nt.SID{}, false
}

// Limits of the interface.
const (
	maxKeys   = 256
	maxRanges = 4096
	maxKeyLen = 64
)

var revisionSeed = maphash.MakeSeed()

// toMembership makes the answer. Its revision follows from what is in it, by a hash that other processes cannot reckon.
func toMembership(m *Membership) *gen.AUTHORITY_MEMBERSHIP {
	x := &gen.AUTHORITY_MEMBERSHIP{}
	var h maphash.Hash
	h.SetSeed(revisionSeed)
	for _, k := range m.Keys[:min(len(m.Keys), maxKeys)] {
		if len(k.Value) > maxKeyLen {
			continue
		}
		fmt.Fprintf(&h, "%s\x00%s\x00%d %d %x\x00", k.Name, k.Realm, k.KVNO, k.Type, k.Value)
		x.Keys = append(x.Keys, gen.AUTHORITY_KEY{Name: dtyp.NewRPC_UNICODE_STRING(k.Name), Realm: dtyp.NewRPC_UNICODE_STRING(k.Realm), Kvno: k.KVNO, Type: k.Type,
			Length: uint32(len(k.Value)), Value: k.Value})
	}
	for _, r := range m.Ranges[:min(len(m.Ranges), maxRanges)] {
		fmt.Fprintf(&h, "%v %d %d %d\x00", r.Domain, r.FirstRID, r.Count, r.FirstID)
		x.Ranges = append(x.Ranges, gen.AUTHORITY_ID_RANGE{Domain: dtyp.NewRPC_SID(r.Domain), FirstRid: r.FirstRID, Count: r.Count, FirstId: r.FirstID})
	}
	x.KeyCount, x.RangeCount = uint32(len(x.Keys)), uint32(len(x.Ranges))
	x.Revision = int64(h.Sum64() | 1)
	return x
}

func fromMembership(x *gen.AUTHORITY_MEMBERSHIP) (m Membership, err error) {
	for i := range x.Keys {
		k := &x.Keys[i]
		m.Keys = append(m.Keys, Key{Name: k.Name.String(), Realm: k.Realm.String(), KVNO: k.Kvno, Type: k.Type, Value: slices.Clone(k.Value)})
	}
	var d sids
	for i := range x.Ranges {
		r := &x.Ranges[i]
		one := IDRange{d.sid(r.Domain), r.FirstRid, r.Count, r.FirstId}
		if d.err == nil && (one.Domain.IsZero() || one.FirstRID+one.Count < one.FirstRID || one.FirstID+one.Count < one.FirstID) {
			d.err = errAnswer
		}
		m.Ranges = append(m.Ranges, one)
	}
	return m, d.err
}

// heard is the membership as it was last heard of.
type heard struct {
	Membership
	revision int64
	asked    time.Time
}

const (
	// heardFor is how old what is known may be when a logon begins. Whoever changes keys waits longer than this before they count.
	heardFor       = 100 * time.Millisecond
	heardLately    = 200 * time.Millisecond // what is older serves nobody: the answer is waited for
	membershipWait = 2 * time.Second
)

// Membership is the other side's membership of a domain; while it is away, as it was last heard of. It may wait for a call.
func (r *Remote) Membership() Membership { return r.ask(heardFor) }

// ask asks unless what is known is newer.
func (r *Remote) ask(age time.Duration) Membership {
	have := r.membership.Load()
	switch {
	case have != nil && time.Since(have.asked) < age:
		return have.Membership
	case have != nil && time.Since(have.asked) < heardLately:
		if !r.asking.TryLock() {
			return have.Membership // somebody asks just now
		}
	default:
		r.asking.Lock()
		if have = r.membership.Load(); have != nil && time.Since(have.asked) < heardFor {
			r.asking.Unlock()
			return have.Membership
		}
	}
	defer r.asking.Unlock()
	begun := time.Now()
	next := heard{asked: begun}
	if have != nil {
		next.Membership, next.revision = have.Membership, have.revision
	}
	ctx, cancel := context.WithTimeout(context.Background(), membershipWait)
	defer cancel()
	err := r.call(ctx, func(ctx context.Context, l *link) (nt.Status, error) {
		out, err := l.AuthorityMembership(ctx, &gen.AuthorityMembershipRequest{Known: next.revision})
		if err != nil || nt.Status(out.Return) != nt.StatusSuccess || out.Membership == nil {
			return nt.StatusSuccess, err
		}
		m, err := fromMembership(out.Membership)
		if err == nil {
			next.Membership, next.revision = m, out.Membership.Revision
			err = r.learn(ctx, l) // who has joined or left is called otherwise
		}
		return nt.StatusSuccess, err
	})
	next.asked = time.Now()
	if err != nil {
		next.asked = next.asked.Add(min(time.Since(begun), time.Second)) // nobody is there: where that takes its time not every logon has to wait for it
	}
	r.membership.Store(&next)
	return next.Membership
}

// UnixID is the Unix id of a SID, by what was last heard. It asks nobody.
func (r *Remote) UnixID(sid nt.SID) (uint32, bool) {
	if have := r.membership.Load(); have != nil {
		return have.Ranges.UnixID(sid)
	}
	return 0, false
}

// SIDOf is the SID of a Unix id likewise.
func (r *Remote) SIDOf(id uint32) (nt.SID, bool) {
	if have := r.membership.Load(); have != nil {
		return have.Ranges.SIDOf(id)
	}
	return nt.SID{}, false
}

// known makes sure that the ids of who has logged on are known before files are opened: the other side may have given a domain a range with this very logon.
func (r *Remote) known(t *nt.Token) {
	have := r.membership.Load()
	if have == nil || len(have.Ranges) == 0 || t == nil {
		return
	}
	missing := func(sid nt.SID) bool {
		_, ok := have.Ranges.UnixID(sid)
		return !ok && strings.HasPrefix(sid.String(), "S-1-5-21-") && !sid.IsChildOf(r.Host().MachineSID)
	}
	if missing(t.User) || slices.ContainsFunc(t.Groups, func(g nt.Group) bool { return missing(g.SID) }) {
		r.ask(0)
	}
}
