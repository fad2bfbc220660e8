package samr

import (
	"context"
	"errors"
	"sync"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// place is where lists for people go on, for a handle of a domain: after which name the entry of an index comes.
type place struct {
	mu    sync.Mutex
	at    [gen.DomainDisplayOemGroup + 1]spot // guarded by mu, by class
	total [gen.DomainDisplayOemGroup + 1]int  // guarded by mu: entries there were when the list was begun
}

// spot says that the entry of an index is the first of its class whose key is not below from.
type spot struct {
	index uint32
	from  string
}

// seek gives the nearest spot that is not behind index.
func (p *place) seek(class gen.DOMAIN_DISPLAY_INFORMATION, index uint32) spot {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.at[class]; s.index <= index {
		return s
	}
	return spot{}
}

func (p *place) keep(class gen.DOMAIN_DISPLAY_INFORMATION, s spot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[class] = s
}

// shown is an entry of a list.
type shown struct {
	rid, control            uint32
	name, comment, fullName string
}

func (x *shown) size() int {
	return 60 + 2*(nt.UTF16Len(x.name)+nt.UTF16Len(x.comment)+nt.UTF16Len(x.fullName))
}

// ofClass reads an entry of the account domain if it is of the class.
func (s *Service) ofClass(ctx context.Context, class gen.DOMAIN_DISPLAY_INFORMATION, e *state.NameEntry, p *state.Policy) (*shown, error) {
	switch class {
	case gen.DomainDisplayGroup, gen.DomainDisplayOemGroup:
		if e.Kind != state.KindGroup {
			return nil, nil
		}
		g, err := s.accounts.Group(ctx, e.RID)
		if errors.Is(err, state.ErrNoGroup) {
			return nil, nil // gone since
		} else if err != nil {
			return nil, err
		}
		return &shown{rid: g.RID, control: g.Attributes, name: g.Name, comment: g.Comment}, nil
	}
	if e.Kind != state.KindUser {
		return nil, nil
	}
	u, err := s.accounts.User(ctx, e.RID)
	if errors.Is(err, state.ErrNoAccount) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if machine := class == gen.DomainDisplayMachine; machine != (u.Control&(state.ControlWorkstation|state.ControlServer) != 0) || u.Control&state.ControlTrust != 0 {
		return nil, nil
	}
	x := &shown{rid: u.RID, control: control(u, p), name: u.Name, comment: u.AdminComment, fullName: u.FullName}
	if class == gen.DomainDisplayMachine {
		x.control |= state.ControlNormal
	}
	return x, nil
}

// each gives the entries of a class in the order of their names, from a spot on, until f says no more.
func (s *Service) each(ctx context.Context, class gen.DOMAIN_DISPLAY_INFORMATION, at spot, f func(at spot, x *shown) bool) error {
	p, err := s.accounts.Policy(ctx, s.machine.SID)
	if err != nil {
		return err
	}
	for {
		names, err := s.accounts.Names(ctx, at.from, batch)
		if err != nil {
			return err
		}
		for i := range names {
			x, err := s.ofClass(ctx, class, &names[i], p)
			if err != nil {
				return err
			}
			at.from = names[i].Key
			if x != nil {
				if !f(at, x) {
					return nil
				}
				at.index++
			}
			at.from = state.After(names[i].Key)
		}
		if len(names) < batch {
			return nil
		}
	}
}

// listed tells whether a domain has entries of a class: BUILTIN shows the groups of the account domain, as Windows does, and no users.
func listed(d *object, class gen.DOMAIN_DISPLAY_INFORMATION) bool {
	return !d.builtin() || class == gen.DomainDisplayGroup || class == gen.DomainDisplayOemGroup
}

// display lists entries from an index on (MS-SAMR 3.1.5.3.1).
func (s *Service) display(ctx context.Context, call *rpc.Call, in *gen.SamrQueryDisplayInformationRequest) (*gen.SamrQueryDisplayInformationResponse, error) {
	class := in.DisplayInformationClass
	if class < gen.DomainDisplayUser || class > gen.DomainDisplayOemGroup {
		return nil, rpc.FaultInvalidTag // the answer has no form
	}
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainListAccounts)
	if err != nil {
		return nil, err
	}
	var list []*shown
	size, more := 0, false
	limit := int(min(in.PreferredMaximumLength, maxPageBytes))
	if status == nt.StatusSuccess && listed(d, class) && in.EntryCount > 0 {
		err := s.each(ctx, class, d.list.seek(class, in.Index), func(at spot, x *shown) bool {
			if at.index < in.Index {
				return true
			}
			if n := len(list); n > 0 && (uint32(n) >= in.EntryCount || n >= maxPage || size+x.size() > limit) {
				more = true
				d.list.keep(class, at)
				return false
			}
			size += x.size()
			list = append(list, x)
			return true
		})
		if err != nil {
			status, list, more = s.status(ctx, err), nil, false
		}
	}
	out := &gen.SamrQueryDisplayInformationResponse{TotalAvailable: uint32(size), TotalReturned: uint32(size), Buffer: displayBuffer(class, in.Index, list)}
	if more {
		status = nt.StatusMoreEntries
		if out.TotalAvailable, err = s.available(ctx, d, class, in.Index, size, len(list)); err != nil {
			status = s.status(ctx, err)
		}
	}
	out.Return = result(status)
	return out, nil
}

// available is about how much there is in all: the entries that were there as the list was begun, each of the size that those of this page have.
func (s *Service) available(ctx context.Context, d *object, class gen.DOMAIN_DISPLAY_INFORMATION, index uint32, size, n int) (uint32, error) {
	d.list.mu.Lock()
	total := d.list.total[class]
	d.list.mu.Unlock()
	if index == 0 || total == 0 {
		c, err := s.accounts.Counts(ctx, s.machine.SID)
		if err != nil {
			return 0, err
		}
		if total = c.Users; class == gen.DomainDisplayGroup || class == gen.DomainDisplayOemGroup {
			total = c.Groups
		}
		d.list.mu.Lock()
		d.list.total[class] = total
		d.list.mu.Unlock()
	}
	return uint32(max(int64(size)+1, min(int64(total)*int64(size)/int64(n), 1<<32-1))), nil
}

// displayBuffer puts entries in the form of their class. The index of an entry is its place, counted from 1.
func displayBuffer(class gen.DOMAIN_DISPLAY_INFORMATION, index uint32, list []*shown) (out gen.SAMPR_DISPLAY_INFO_BUFFER) {
	text := dtyp.NewRPC_UNICODE_STRING
	n := uint32(len(list))
	switch class {
	case gen.DomainDisplayUser:
		b := make([]gen.SAMPR_DOMAIN_DISPLAY_USER, n)
		for i, x := range list {
			b[i] = gen.SAMPR_DOMAIN_DISPLAY_USER{Index: index + uint32(i) + 1, Rid: x.rid, AccountControl: x.control, AccountName: text(x.name), AdminComment: text(x.comment), FullName: text(x.fullName)}
		}
		out.UserInformation = &gen.SAMPR_DOMAIN_DISPLAY_USER_BUFFER{EntriesRead: n, Buffer: b}
	case gen.DomainDisplayMachine:
		b := make([]gen.SAMPR_DOMAIN_DISPLAY_MACHINE, n)
		for i, x := range list {
			b[i] = gen.SAMPR_DOMAIN_DISPLAY_MACHINE{Index: index + uint32(i) + 1, Rid: x.rid, AccountControl: x.control, AccountName: text(x.name), AdminComment: text(x.comment)}
		}
		out.MachineInformation = &gen.SAMPR_DOMAIN_DISPLAY_MACHINE_BUFFER{EntriesRead: n, Buffer: b}
	case gen.DomainDisplayGroup:
		b := make([]gen.SAMPR_DOMAIN_DISPLAY_GROUP, n)
		for i, x := range list {
			b[i] = gen.SAMPR_DOMAIN_DISPLAY_GROUP{Index: index + uint32(i) + 1, Rid: x.rid, Attributes: x.control, AccountName: text(x.name), AdminComment: text(x.comment)}
		}
		out.GroupInformation = &gen.SAMPR_DOMAIN_DISPLAY_GROUP_BUFFER{EntriesRead: n, Buffer: b}
	case gen.DomainDisplayOemUser:
		b := make([]gen.SAMPR_DOMAIN_DISPLAY_OEM_USER, n)
		for i, x := range list {
			b[i] = gen.SAMPR_DOMAIN_DISPLAY_OEM_USER{Index: index + uint32(i) + 1, OemAccountName: gen.NewRPC_STRING(x.name)}
		}
		out.OemUserInformation = &gen.SAMPR_DOMAIN_DISPLAY_OEM_USER_BUFFER{EntriesRead: n, Buffer: b}
	case gen.DomainDisplayOemGroup:
		b := make([]gen.SAMPR_DOMAIN_DISPLAY_OEM_GROUP, n)
		for i, x := range list {
			b[i] = gen.SAMPR_DOMAIN_DISPLAY_OEM_GROUP{Index: index + uint32(i) + 1, OemAccountName: gen.NewRPC_STRING(x.name)}
		}
		out.OemGroupInformation = &gen.SAMPR_DOMAIN_DISPLAY_OEM_GROUP_BUFFER{EntriesRead: n, Buffer: b}
	}
	return out
}

// SamrQueryDisplayInformation lists entries for people (MS-SAMR 3.1.5.3.3).
func (s *Service) SamrQueryDisplayInformation(ctx context.Context, call *rpc.Call, in *gen.SamrQueryDisplayInformationRequest) (*gen.SamrQueryDisplayInformationResponse, error) {
	return s.display(ctx, call, in)
}

// SamrQueryDisplayInformation2 lists entries for people (MS-SAMR 3.1.5.3.2).
func (s *Service) SamrQueryDisplayInformation2(ctx context.Context, call *rpc.Call, in *gen.SamrQueryDisplayInformation2Request) (*gen.SamrQueryDisplayInformation2Response, error) {
	out, err := s.display(ctx, call, (*gen.SamrQueryDisplayInformationRequest)(in))
	return (*gen.SamrQueryDisplayInformation2Response)(out), err
}

// SamrQueryDisplayInformation3 lists entries for people (MS-SAMR 3.1.5.3.1).
func (s *Service) SamrQueryDisplayInformation3(ctx context.Context, call *rpc.Call, in *gen.SamrQueryDisplayInformation3Request) (*gen.SamrQueryDisplayInformation3Response, error) {
	out, err := s.display(ctx, call, (*gen.SamrQueryDisplayInformationRequest)(in))
	return (*gen.SamrQueryDisplayInformation3Response)(out), err
}

// displayIndex finds the first entry whose name is not below a prefix (MS-SAMR 3.1.5.3.4).
func (s *Service) displayIndex(ctx context.Context, call *rpc.Call, in *gen.SamrGetDisplayEnumerationIndexRequest) (uint32, nt.Status, error) {
	class := in.DisplayInformationClass
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainListAccounts)
	if err != nil || status != nt.StatusSuccess {
		return 0, status, err
	}
	if class < gen.DomainDisplayUser || class > gen.DomainDisplayGroup {
		return 0, nt.StatusInvalidParameter, nil
	}
	status = nt.StatusNoMoreEntries
	if !listed(d, class) {
		return 0, status, nil
	}
	prefix := nt.Upcase(in.Prefix.String())
	var index uint32
	err = s.each(ctx, class, spot{}, func(at spot, _ *shown) bool {
		if at.from < prefix {
			return true
		}
		index, status = at.index, nt.StatusSuccess
		d.list.keep(class, at)
		return false
	})
	if err != nil {
		return 0, s.status(ctx, err), nil
	}
	return index, status, nil
}

// SamrGetDisplayEnumerationIndex tells where a prefix begins (MS-SAMR 3.1.5.3.5).
func (s *Service) SamrGetDisplayEnumerationIndex(ctx context.Context, call *rpc.Call, in *gen.SamrGetDisplayEnumerationIndexRequest) (*gen.SamrGetDisplayEnumerationIndexResponse, error) {
	index, status, err := s.displayIndex(ctx, call, in)
	return &gen.SamrGetDisplayEnumerationIndexResponse{Index: index, Return: result(status)}, err
}

// SamrGetDisplayEnumerationIndex2 tells where a prefix begins (MS-SAMR 3.1.5.3.4).
func (s *Service) SamrGetDisplayEnumerationIndex2(ctx context.Context, call *rpc.Call, in *gen.SamrGetDisplayEnumerationIndex2Request) (*gen.SamrGetDisplayEnumerationIndex2Response, error) {
	index, status, err := s.displayIndex(ctx, call, (*gen.SamrGetDisplayEnumerationIndexRequest)(in))
	return &gen.SamrGetDisplayEnumerationIndex2Response{Index: index, Return: result(status)}, err
}
