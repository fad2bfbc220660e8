package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"lwio/gen/dtyp"
	"lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// samEntries is what groups and aliases do alike.
type samEntries struct {
	name, short, members string
	list                 func(context.Context, *samSession) ([]samEntry, error)
	create               func(context.Context, *samSession, string) (int32, error)
	open                 func(context.Context, *samSession, string) (rpc.ContextHandle, error)
	remove               func(context.Context, *samSession, rpc.ContextHandle) (int32, error)
	listed               func(context.Context, *samSession, *lsaSession, rpc.ContextHandle) ([]lsaName, error)
	change               func(ctx context.Context, s *samSession, l *lsaSession, h rpc.ContextHandle, member string, add bool) error
}

// samEntry is a group or an alias as the command shows it.
type samEntry struct {
	Domain string `json:"domain"`
	Name   string `json:"name"`
	RID    uint32 `json:"rid"`
}

func samEntryCommand(a *app, f *rpcFlags, e *samEntries) *cobra.Command {
	c := &cobra.Command{Use: e.name, Short: e.short, Args: cobra.NoArgs}
	with := func(run func(context.Context, *samSession, *lsaSession, []string) error, names bool) func(*cobra.Command, []string) error {
		return func(c *cobra.Command, args []string) error {
			server, rest := serverArg(args)
			if len(rest) == 0 {
				return usage("no %s is named", e.name)
			}
			s, err := a.sam(c.Context(), f, server)
			if err != nil {
				return err
			}
			defer s.done()
			var l *lsaSession
			if names {
				if l, err = a.lsa(c.Context(), f, server, nt.PolicyLookupNames); err != nil {
					return err
				}
				defer l.done()
			}
			return run(c.Context(), s, l, rest)
		}
	}
	change := func(add bool) func(context.Context, *samSession, *lsaSession, []string) error {
		return func(ctx context.Context, s *samSession, l *lsaSession, args []string) error {
			if len(args) < 2 {
				return usage("no %s is named", e.members)
			}
			h, err := e.open(ctx, s, args[0])
			if err != nil {
				return err
			}
			for _, m := range args[1:] {
				if err := e.change(ctx, s, l, h, m, add); err != nil {
					return err
				}
			}
			return nil
		}
	}
	c.AddCommand(
		&cobra.Command{Use: `list [\\server]`, Short: "List them", Args: cobra.MaximumNArgs(1), RunE: func(c *cobra.Command, args []string) error { return a.samList(c, f, e, args) }},
		&cobra.Command{Use: `add [\\server] NAME`, Short: "Make one", Args: cobra.RangeArgs(1, 2), RunE: with(func(ctx context.Context, s *samSession, _ *lsaSession, args []string) error {
			ret, err := e.create(ctx, s, args[0])
			if err != nil {
				return err
			}
			return samStatus(ret, "add %s %s", e.name, args[0])
		}, false)},
		&cobra.Command{Use: `del [\\server] NAME`, Short: "Delete one", Args: cobra.RangeArgs(1, 2), RunE: with(func(ctx context.Context, s *samSession, _ *lsaSession, args []string) error {
			h, err := e.open(ctx, s, args[0])
			if err != nil {
				return err
			}
			ret, err := e.remove(ctx, s, h)
			if err != nil {
				return err
			}
			return samStatus(ret, "delete %s %s", e.name, args[0])
		}, false)},
		&cobra.Command{Use: `members [\\server] NAME`, Short: "List who is in it", Args: cobra.RangeArgs(1, 2), RunE: func(c *cobra.Command, args []string) error {
			return with(func(ctx context.Context, s *samSession, l *lsaSession, args []string) error {
				h, err := e.open(ctx, s, args[0])
				if err != nil {
					return err
				}
				list, err := e.listed(ctx, s, l, h)
				if err != nil {
					return err
				}
				rows := [][]string{}
				for _, m := range list {
					rows = append(rows, []string{m.Name, m.SID, m.Type})
				}
				if list == nil {
					list = []lsaName{}
				}
				return a.print(c.OutOrStdout(), list, []string{"MEMBER", "SID", "TYPE"}, rows)
			}, true)(c, args)
		}},
		&cobra.Command{Use: `join [\\server] NAME MEMBER...`, Short: "Add members", Args: cobra.MinimumNArgs(2), RunE: with(change(true), true)},
		&cobra.Command{Use: `leave [\\server] NAME MEMBER...`, Short: "Take members out", Args: cobra.MinimumNArgs(2), RunE: with(change(false), true)})
	return c
}

func (a *app) samList(c *cobra.Command, f *rpcFlags, e *samEntries, args []string) error {
	server, rest := serverArg(args)
	if len(rest) > 0 {
		return usage(`%q is no server: want \\server`, rest[0])
	}
	s, err := a.sam(c.Context(), f, server)
	if err != nil {
		return err
	}
	defer s.done()
	list, err := e.list(c.Context(), s)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, x := range list {
		rows = append(rows, []string{x.Domain, x.Name, strconv.FormatUint(uint64(x.RID), 10)})
	}
	return a.print(c.OutOrStdout(), list, []string{"DOMAIN", "NAME", "RID"}, rows)
}

var groupEntries = &samEntries{
	name: "group", short: "Groups of users of the machine", members: "user",
	list: func(ctx context.Context, s *samSession) ([]samEntry, error) {
		list := []samEntry{}
		err := enumerate(func(resume uint32) (uint32, *samr.SAMPR_ENUMERATION_BUFFER, int32, error) {
			r, err := s.SamrEnumerateGroupsInDomain(ctx, &samr.SamrEnumerateGroupsInDomainRequest{DomainHandle: s.domain, EnumerationContext: resume, PreferedMaximumLength: 1 << 16})
			if err != nil {
				return 0, nil, 0, err
			}
			return r.EnumerationContext, r.Buffer, r.Return, nil
		}, func(x *samr.SAMPR_RID_ENUMERATION) error {
			list = append(list, samEntry{s.machine, x.Name.String(), x.RelativeId})
			return nil
		})
		return list, err
	},
	create: func(ctx context.Context, s *samSession, name string) (int32, error) {
		r, err := s.SamrCreateGroupInDomain(ctx, &samr.SamrCreateGroupInDomainRequest{DomainHandle: s.domain, Name: dtyp.NewRPC_UNICODE_STRING(name)})
		if err != nil {
			return 0, err
		}
		return r.Return, nil
	},
	open: func(ctx context.Context, s *samSession, name string) (h rpc.ContextHandle, err error) {
		rid, use, err := s.rid(ctx, s.domain, s.stripDomain(name))
		if err != nil {
			return h, err
		}
		if use != uint32(samr.SidTypeGroup) {
			return h, fmt.Errorf("%s is no group", name)
		}
		r, err := s.SamrOpenGroup(ctx, &samr.SamrOpenGroupRequest{DomainHandle: s.domain, DesiredAccess: uint32(nt.MaximumAllowed), GroupId: rid})
		if err != nil {
			return h, err
		}
		return r.GroupHandle, samStatus(r.Return, "open group %s", name)
	},
	remove: func(ctx context.Context, s *samSession, h rpc.ContextHandle) (int32, error) {
		r, err := s.SamrDeleteGroup(ctx, &samr.SamrDeleteGroupRequest{GroupHandle: h})
		if err != nil {
			return 0, err
		}
		return r.Return, nil
	},
	listed: func(ctx context.Context, s *samSession, l *lsaSession, h rpc.ContextHandle) ([]lsaName, error) {
		r, err := s.SamrGetMembersInGroup(ctx, &samr.SamrGetMembersInGroupRequest{GroupHandle: h})
		if err != nil {
			return nil, err
		}
		if err := samStatus(r.Return, "list the members"); err != nil || r.Members == nil {
			return nil, err
		}
		var sids []nt.SID
		for _, rid := range r.Members.Members {
			sids = append(sids, s.sid.Child(rid))
		}
		return l.lookupSIDs(ctx, sids)
	},
	change: func(ctx context.Context, s *samSession, _ *lsaSession, h rpc.ContextHandle, member string, add bool) error {
		rid, _, err := s.rid(ctx, s.domain, s.stripDomain(member))
		if err != nil {
			return err
		}
		if add {
			r, err := s.SamrAddMemberToGroup(ctx, &samr.SamrAddMemberToGroupRequest{GroupHandle: h, MemberId: rid, Attributes: uint32(nt.SEGroupDefault)})
			if err != nil {
				return err
			}
			return samStatus(r.Return, "add %s", member)
		}
		r, err := s.SamrRemoveMemberFromGroup(ctx, &samr.SamrRemoveMemberFromGroupRequest{GroupHandle: h, MemberId: rid})
		if err != nil {
			return err
		}
		return samStatus(r.Return, "take out %s", member)
	},
}

// aliasDomains are the domains that have aliases, the machine's first.
func (s *samSession) aliasDomains() []struct {
	name string
	h    rpc.ContextHandle
} {
	return []struct {
		name string
		h    rpc.ContextHandle
	}{{s.machine, s.domain}, {"BUILTIN", s.builtin}}
}

var aliasEntries = &samEntries{
	name: "alias", short: "Aliases, which Windows calls local groups", members: "member",
	list: func(ctx context.Context, s *samSession) ([]samEntry, error) {
		list := []samEntry{}
		for _, d := range s.aliasDomains() {
			err := enumerate(func(resume uint32) (uint32, *samr.SAMPR_ENUMERATION_BUFFER, int32, error) {
				r, err := s.SamrEnumerateAliasesInDomain(ctx, &samr.SamrEnumerateAliasesInDomainRequest{DomainHandle: d.h, EnumerationContext: resume, PreferedMaximumLength: 1 << 16})
				if err != nil {
					return 0, nil, 0, err
				}
				return r.EnumerationContext, r.Buffer, r.Return, nil
			}, func(x *samr.SAMPR_RID_ENUMERATION) error {
				list = append(list, samEntry{d.name, x.Name.String(), x.RelativeId})
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		return list, nil
	},
	create: func(ctx context.Context, s *samSession, name string) (int32, error) {
		r, err := s.SamrCreateAliasInDomain(ctx, &samr.SamrCreateAliasInDomainRequest{DomainHandle: s.domain, AccountName: dtyp.NewRPC_UNICODE_STRING(name)})
		if err != nil {
			return 0, err
		}
		return r.Return, nil
	},
	open: func(ctx context.Context, s *samSession, name string) (h rpc.ContextHandle, err error) {
		for _, d := range s.aliasDomains() {
			var rid, use uint32
			if rid, use, err = s.rid(ctx, d.h, s.stripDomain(stripBuiltin(name))); err != nil || use != uint32(samr.SidTypeAlias) {
				continue
			}
			r, err := s.SamrOpenAlias(ctx, &samr.SamrOpenAliasRequest{DomainHandle: d.h, DesiredAccess: uint32(nt.MaximumAllowed), AliasId: rid})
			if err != nil {
				return h, err
			}
			return r.AliasHandle, samStatus(r.Return, "open alias %s", name)
		}
		if err == nil {
			err = fmt.Errorf("%s is no alias", name)
		}
		return h, err
	},
	remove: func(ctx context.Context, s *samSession, h rpc.ContextHandle) (int32, error) {
		r, err := s.SamrDeleteAlias(ctx, &samr.SamrDeleteAliasRequest{AliasHandle: h})
		if err != nil {
			return 0, err
		}
		return r.Return, nil
	},
	listed: func(ctx context.Context, s *samSession, l *lsaSession, h rpc.ContextHandle) ([]lsaName, error) {
		r, err := s.SamrGetMembersInAlias(ctx, &samr.SamrGetMembersInAliasRequest{AliasHandle: h})
		if err != nil {
			return nil, err
		}
		if err := samStatus(r.Return, "list the members"); err != nil {
			return nil, err
		}
		var sids []nt.SID
		for _, m := range r.Members.Sids {
			sid, err := m.SidPointer.SID()
			if err != nil {
				return nil, err
			}
			sids = append(sids, sid)
		}
		return l.lookupSIDs(ctx, sids)
	},
	change: func(ctx context.Context, s *samSession, l *lsaSession, h rpc.ContextHandle, member string, add bool) error {
		sid, err := nt.ParseSID(member)
		if err != nil {
			found, err := l.lookupNames(ctx, []string{member})
			if err != nil {
				return err
			}
			if len(found) != 1 || found[0].SID == "" {
				return samStatus(result(nt.StatusNoneMapped), "find %s", member)
			}
			if sid, err = nt.ParseSID(found[0].SID); err != nil {
				return err
			}
		}
		return s.aliasMember(ctx, h, sid, member, add)
	},
}

func stripBuiltin(name string) string {
	const prefix = `BUILTIN\`
	if len(name) > len(prefix) && nt.EqualFold(name[:len(prefix)], prefix) {
		return name[len(prefix):]
	}
	return name
}

// aliasMember adds a SID to an open alias, or takes it out.
func (s *samSession) aliasMember(ctx context.Context, h rpc.ContextHandle, sid nt.SID, name string, add bool) error {
	if add {
		r, err := s.SamrAddMemberToAlias(ctx, &samr.SamrAddMemberToAliasRequest{AliasHandle: h, MemberId: *dtyp.NewRPC_SID(sid)})
		if err != nil {
			return err
		}
		return samStatus(r.Return, "add %s", name)
	}
	r, err := s.SamrRemoveMemberFromAlias(ctx, &samr.SamrRemoveMemberFromAliasRequest{AliasHandle: h, MemberId: *dtyp.NewRPC_SID(sid)})
	if err != nil {
		return err
	}
	return samStatus(r.Return, "take out %s", name)
}
