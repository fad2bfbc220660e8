package samr

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// page collects entries of an enumeration until the answer has the size that the client prefers, or the most that there is in one.
type page struct {
	out   gen.SAMPR_ENUMERATION_BUFFER
	bytes int
	limit int
	next  uint32 // the first entry that found no room
	more  bool
}

const (
	maxPageBytes  = 128 << 10
	maxPage       = 4096
	entryOverhead = 28 // of an entry, besides its name: structure, pointer, and counts of the string
)

func newPage(preferred uint32) *page { return &page{limit: int(min(preferred, maxPageBytes))} }

// add takes an entry, or says that there is no room; the first always has.
func (p *page) add(rid uint32, name string) bool {
	size := entryOverhead + 2*nt.UTF16Len(name)
	if len(p.out.Buffer) > 0 && (p.bytes+size > p.limit || len(p.out.Buffer) >= maxPage) {
		p.next, p.more = rid, true
		return false
	}
	p.bytes += size
	p.out.Buffer = append(p.out.Buffer, gen.SAMPR_RID_ENUMERATION{RelativeId: rid, Name: dtyp.NewRPC_UNICODE_STRING(name)})
	return true
}

// finish gives the answer. Where to go on is the RID of the entry that found no room, and 0 at the end.
func (p *page) finish() (resume uint32, buffer *gen.SAMPR_ENUMERATION_BUFFER, count uint32, ret int32) {
	status := nt.StatusSuccess
	if p.more {
		status = nt.StatusMoreEntries
	}
	p.out.EntriesRead = uint32(len(p.out.Buffer))
	return p.next, &p.out, p.out.EntriesRead, result(status)
}

const batch = 256 // entries that are read at a time

// walk reads entries by RID in batches and gives each to add until that says no more.
func walk[T any](from uint32, read func(from uint32, limit int) ([]T, error), rid func(*T) uint32, add func(*T) bool) error {
	for {
		list, err := read(from, batch)
		if err != nil {
			return err
		}
		for i := range list {
			if !add(&list[i]) {
				return nil
			}
		}
		if len(list) < batch {
			return nil
		}
		from = rid(&list[len(list)-1]) + 1
	}
}

// SamrEnumerateUsersInDomain lists users whose account control has one of the flags asked for (MS-SAMR 3.1.5.2.5).
func (s *Service) SamrEnumerateUsersInDomain(ctx context.Context, call *rpc.Call, in *gen.SamrEnumerateUsersInDomainRequest) (*gen.SamrEnumerateUsersInDomainResponse, error) {
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainListAccounts)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrEnumerateUsersInDomainResponse{EnumerationContext: in.EnumerationContext, Return: result(status)}, err
	}
	p := newPage(in.PreferedMaximumLength)
	if !d.builtin() {
		policy, err := s.accounts.Policy(ctx, s.machine.SID)
		if err == nil {
			err = walk(in.EnumerationContext, func(from uint32, limit int) ([]state.User, error) { return s.accounts.Users(ctx, from, limit) },
				func(u *state.User) uint32 { return u.RID },
				func(u *state.User) bool {
					return in.UserAccountControl != 0 && control(u, policy)&in.UserAccountControl == 0 || p.add(u.RID, u.Name)
				})
		}
		if err != nil {
			return &gen.SamrEnumerateUsersInDomainResponse{EnumerationContext: in.EnumerationContext, Return: result(s.status(ctx, err))}, nil
		}
	}
	out := &gen.SamrEnumerateUsersInDomainResponse{}
	out.EnumerationContext, out.Buffer, out.CountReturned, out.Return = p.finish()
	return out, nil
}

// SamrEnumerateGroupsInDomain lists groups (MS-SAMR 3.1.5.2.3).
func (s *Service) SamrEnumerateGroupsInDomain(ctx context.Context, call *rpc.Call, in *gen.SamrEnumerateGroupsInDomainRequest) (*gen.SamrEnumerateGroupsInDomainResponse, error) {
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainListAccounts)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrEnumerateGroupsInDomainResponse{EnumerationContext: in.EnumerationContext, Return: result(status)}, err
	}
	p := newPage(in.PreferedMaximumLength)
	if !d.builtin() {
		if err := walk(in.EnumerationContext, func(from uint32, limit int) ([]state.Group, error) { return s.accounts.Groups(ctx, from, limit) },
			func(g *state.Group) uint32 { return g.RID }, func(g *state.Group) bool { return p.add(g.RID, g.Name) }); err != nil {
			return &gen.SamrEnumerateGroupsInDomainResponse{EnumerationContext: in.EnumerationContext, Return: result(s.status(ctx, err))}, nil
		}
	}
	out := &gen.SamrEnumerateGroupsInDomainResponse{}
	out.EnumerationContext, out.Buffer, out.CountReturned, out.Return = p.finish()
	return out, nil
}

// SamrEnumerateAliasesInDomain lists aliases (MS-SAMR 3.1.5.2.4).
func (s *Service) SamrEnumerateAliasesInDomain(ctx context.Context, call *rpc.Call, in *gen.SamrEnumerateAliasesInDomainRequest) (*gen.SamrEnumerateAliasesInDomainResponse, error) {
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainListAccounts)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrEnumerateAliasesInDomainResponse{EnumerationContext: in.EnumerationContext, Return: result(status)}, err
	}
	p := newPage(in.PreferedMaximumLength)
	if err := walk(in.EnumerationContext, func(from uint32, limit int) ([]state.Alias, error) {
		return s.accounts.Aliases(ctx, d.domain, from, limit)
	},
		func(x *state.Alias) uint32 { return x.SID.RID() }, func(x *state.Alias) bool { return p.add(x.SID.RID(), x.Name) }); err != nil {
		return &gen.SamrEnumerateAliasesInDomainResponse{EnumerationContext: in.EnumerationContext, Return: result(s.status(ctx, err))}, nil
	}
	out := &gen.SamrEnumerateAliasesInDomainResponse{}
	out.EnumerationContext, out.Buffer, out.CountReturned, out.Return = p.finish()
	return out, nil
}
