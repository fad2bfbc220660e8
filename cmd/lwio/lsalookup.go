package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"lwio/gen/dtyp"
	"lwio/gen/lsarpc"
	"lwio/iomgr/nt"
)

// lsaName is one answer; what is not known has only what was asked for.
type lsaName struct {
	Name string `json:"name,omitempty"`
	SID  string `json:"sid,omitempty"`
	Type string `json:"type"`
}

var sidTypes = map[lsarpc.SID_NAME_USE]string{
	lsarpc.SidTypeUser: "user", lsarpc.SidTypeGroup: "group", lsarpc.SidTypeDomain: "domain", lsarpc.SidTypeAlias: "local group",
	lsarpc.SidTypeWellKnownGroup: "well-known group", lsarpc.SidTypeDeletedAccount: "deleted", lsarpc.SidTypeComputer: "computer", lsarpc.SidTypeLabel: "label",
}

func sidType(use lsarpc.SID_NAME_USE) string {
	if t, ok := sidTypes[use]; ok {
		return t
	}
	return "unknown"
}

// maxLookup is how many names or SIDs one call takes.
const maxLookup = 500

// lookupNames translates names.
func (s *lsaSession) lookupNames(ctx context.Context, names []string) ([]lsaName, error) {
	var out []lsaName
	for len(names) > 0 {
		n := min(len(names), maxLookup)
		in := &lsarpc.LsarLookupNames3Request{PolicyHandle: s.policy, LookupLevel: lsarpc.LsapLookupWksta, ClientRevision: 2}
		for _, name := range names[:n] {
			in.Names = append(in.Names, dtyp.NewRPC_UNICODE_STRING(name))
		}
		in.Count = uint32(n)
		res, err := s.LsarLookupNames3(ctx, in)
		if err != nil {
			return nil, err
		}
		if st := nt.Status(uint32(res.Return)); st != nt.StatusNoneMapped {
			if err := lsaStatus(res.Return, "look names up"); err != nil {
				return nil, err
			}
		}
		for i, name := range names[:n] {
			x := lsaName{Name: name, Type: "unknown"}
			if i < len(res.TranslatedSids.Sids) {
				t := &res.TranslatedSids.Sids[i]
				x.Type = sidType(t.Use)
				if t.Sid != nil {
					sid, err := t.Sid.SID()
					if err != nil {
						return nil, fmt.Errorf("the SID of %s: %w", name, err)
					}
					x.SID = sid.String()
				}
			}
			out = append(out, x)
		}
		names = names[n:]
	}
	return out, nil
}

// lookupSIDs translates SIDs.
func (s *lsaSession) lookupSIDs(ctx context.Context, sids []nt.SID) ([]lsaName, error) {
	var out []lsaName
	for len(sids) > 0 {
		n := min(len(sids), maxLookup)
		in := &lsarpc.LsarLookupSids2Request{PolicyHandle: s.policy, LookupLevel: lsarpc.LsapLookupWksta, ClientRevision: 2}
		for _, sid := range sids[:n] {
			in.SidEnumBuffer.SidInfo = append(in.SidEnumBuffer.SidInfo, lsarpc.LSAPR_SID_INFORMATION{Sid: dtyp.NewRPC_SID(sid)})
		}
		res, err := s.LsarLookupSids2(ctx, in)
		if err != nil {
			return nil, err
		}
		if st := nt.Status(uint32(res.Return)); st != nt.StatusNoneMapped {
			if err := lsaStatus(res.Return, "look SIDs up"); err != nil {
				return nil, err
			}
		}
		for i, sid := range sids[:n] {
			x := lsaName{SID: sid.String(), Type: "unknown"}
			if i < len(res.TranslatedNames.Names) {
				t := &res.TranslatedNames.Names[i]
				if x.Type = sidType(t.Use); x.Type != "unknown" {
					x.Name = qualified(res.ReferencedDomains, t)
				}
			}
			out = append(out, x)
		}
		sids = sids[n:]
	}
	return out, nil
}

// qualified is DOMAIN\name; a domain and what is in none stand alone.
func qualified(list *lsarpc.LSAPR_REFERENCED_DOMAIN_LIST, t *lsarpc.LSAPR_TRANSLATED_NAME_EX) string {
	name := t.Name.String()
	if list == nil || t.Use == lsarpc.SidTypeDomain || t.DomainIndex < 0 || int(t.DomainIndex) >= len(list.Domains) {
		return name
	}
	if domain := list.Domains[t.DomainIndex].Name.String(); domain != "" {
		return domain + `\` + name
	}
	return name
}

func (a *app) lsaLookup(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) == 0 {
		return usage("want names or SIDs")
	}
	s, err := a.lsa(c.Context(), f, server, nt.PolicyLookupNames)
	if err != nil {
		return err
	}
	defer s.done()
	// Each kind is asked for at once, and the answers stand in the order of the arguments.
	list := make([]lsaName, len(rest))
	var names []string
	var sids []nt.SID
	var atName, atSID []int
	for i, arg := range rest {
		if sid, err := nt.ParseSID(arg); err == nil {
			sids, atSID = append(sids, sid), append(atSID, i)
		} else {
			names, atName = append(names, arg), append(atName, i)
		}
	}
	ofNames, err := s.lookupNames(c.Context(), names)
	if err != nil {
		return err
	}
	ofSIDs, err := s.lookupSIDs(c.Context(), sids)
	if err != nil {
		return err
	}
	for i, x := range ofNames {
		list[atName[i]] = x
	}
	for i, x := range ofSIDs {
		list[atSID[i]] = x
	}
	rows, known := [][]string{}, 0
	for _, x := range list {
		if x.Type != "unknown" {
			known++
		}
		rows = append(rows, []string{x.Name, x.SID, x.Type})
	}
	if err := a.print(c.OutOrStdout(), list, []string{"NAME", "SID", "TYPE"}, rows); err != nil {
		return err
	}
	if known < len(list) {
		return fmt.Errorf("%d of %d are not known", len(list)-known, len(list))
	}
	return nil
}
