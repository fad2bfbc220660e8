package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lwio/gen/account"
	"lwio/gen/dtyp"
	"lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// lsaAccount is an account with its rights.
type lsaAccount struct {
	SID    string   `json:"sid"`
	Name   string   `json:"name,omitempty"` // absent where the server does not know it
	Rights []string `json:"rights"`
}

// sid is the SID of an account that the user names.
func (s *lsaSession) sid(ctx context.Context, account string) (nt.SID, error) {
	if sid, err := nt.ParseSID(account); err == nil {
		return sid, nil
	}
	found, err := s.lookupNames(ctx, []string{account})
	if err != nil {
		return nt.SID{}, err
	}
	if found[0].SID == "" {
		return nt.SID{}, lsaStatus(result(nt.StatusNoneMapped), "find %s", account)
	}
	return nt.ParseSID(found[0].SID)
}

func (s *lsaSession) rightsOf(ctx context.Context, sid nt.SID) ([]string, error) {
	res, err := s.LsarEnumerateAccountRights(ctx, &lsarpc.LsarEnumerateAccountRightsRequest{PolicyHandle: s.policy, AccountSid: *dtyp.NewRPC_SID(sid)})
	if err != nil {
		return nil, err
	}
	rights := []string{}
	if nt.Status(uint32(res.Return)) == nt.StatusObjectNameNotFound { // it has none
		return rights, nil
	}
	for _, r := range res.UserRights.UserRights {
		rights = append(rights, r.String())
	}
	return rights, lsaStatus(res.Return, "list the rights of %s", sid)
}

func (a *app) lsaRightsList(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) > 1 {
		return usage("want one account, or none for all")
	}
	s, err := a.lsa(c.Context(), f, server, nt.PolicyViewLocalInformation|nt.PolicyLookupNames)
	if err != nil {
		return err
	}
	defer s.done()
	var sids []nt.SID
	if len(rest) == 1 {
		sid, err := s.sid(c.Context(), rest[0])
		if err != nil {
			return err
		}
		sids = []nt.SID{sid}
	} else if sids, err = s.accounts(c.Context()); err != nil {
		return err
	}
	names, err := s.lookupSIDs(c.Context(), sids)
	if err != nil {
		return err
	}
	list, rows := []lsaAccount{}, [][]string{}
	for i, sid := range sids {
		x := lsaAccount{SID: sid.String(), Name: names[i].Name}
		if x.Rights, err = s.rightsOf(c.Context(), sid); err != nil {
			return err
		}
		list = append(list, x)
		shown := x.Name
		if shown == "" {
			shown = x.SID
		}
		for _, r := range x.Rights {
			rows = append(rows, []string{shown, r})
			shown = " "
		}
	}
	return a.print(c.OutOrStdout(), list, []string{"ACCOUNT", "RIGHT"}, rows)
}

// accounts are all accounts of the policy.
func (s *lsaSession) accounts(ctx context.Context) ([]nt.SID, error) {
	var sids []nt.SID
	for in := (&lsarpc.LsarEnumerateAccountsRequest{PolicyHandle: s.policy, PreferedMaximumLength: 1 << 16}); ; {
		res, err := s.LsarEnumerateAccounts(ctx, in)
		if err != nil {
			return nil, err
		}
		if nt.Status(uint32(res.Return)) == nt.StatusNoMoreEntries || res.Return == 0 && len(res.EnumerationBuffer.Information) == 0 {
			return sids, nil
		}
		if err := lsaStatus(res.Return, "list the accounts"); err != nil {
			return nil, err
		}
		for _, x := range res.EnumerationBuffer.Information {
			sid, err := x.Sid.SID()
			if err != nil {
				return nil, fmt.Errorf("a SID of the server's: %w", err)
			}
			sids = append(sids, sid)
		}
		in.EnumerationContext = res.EnumerationContext
	}
}

func rightSet(names []string) lsarpc.LSAPR_USER_RIGHT_SET {
	var set lsarpc.LSAPR_USER_RIGHT_SET
	for _, n := range names {
		set.UserRights = append(set.UserRights, dtyp.NewRPC_UNICODE_STRING(n))
	}
	return set
}

func (a *app) lsaRightsAdd(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) < 2 {
		return usage("want an account and rights")
	}
	s, err := a.lsa(c.Context(), f, server, nt.PolicyLookupNames|nt.PolicyCreateAccount)
	if err != nil {
		return err
	}
	defer s.done()
	sid, err := s.sid(c.Context(), rest[0])
	if err != nil {
		return err
	}
	res, err := s.LsarAddAccountRights(c.Context(), &lsarpc.LsarAddAccountRightsRequest{PolicyHandle: s.policy, AccountSid: *dtyp.NewRPC_SID(sid), UserRights: rightSet(rest[1:])})
	if err != nil {
		return err
	}
	return lsaStatus(res.Return, "give %s %s", rest[0], strings.Join(rest[1:], ", "))
}

func (a *app) lsaRightsRemove(c *cobra.Command, f *rpcFlags, args []string, all bool) error {
	server, rest := serverArg(args)
	switch {
	case len(rest) == 0:
		return usage("want an account and rights")
	case all == (len(rest) > 1):
		return hint(usage("want rights to take, or --all"), `lwio lsa rights list shows what an account has`)
	}
	s, err := a.lsa(c.Context(), f, server, nt.PolicyLookupNames)
	if err != nil {
		return err
	}
	defer s.done()
	sid, err := s.sid(c.Context(), rest[0])
	if err != nil {
		return err
	}
	in := &lsarpc.LsarRemoveAccountRightsRequest{PolicyHandle: s.policy, AccountSid: *dtyp.NewRPC_SID(sid), UserRights: rightSet(rest[1:])}
	if all {
		in.AllRights = 1
	}
	res, err := s.LsarRemoveAccountRights(c.Context(), in)
	if err != nil {
		return err
	}
	err = lsaStatus(res.Return, "take rights from %s", rest[0])
	if nt.Status(uint32(res.Return)) == nt.StatusObjectNameNotFound {
		return hint(err, "%s has no rights of its own; those that it has come from its groups", rest[0])
	}
	return err
}

// account is lwio's own interface for what is of this machine alone.
func (a *app) account(ctx context.Context) (*account.Client, func(), error) {
	b, done, err := a.bind(ctx, "lwio", account.AccountInterface)
	if err != nil {
		return nil, nil, err
	}
	return account.NewClient(b), done, nil
}

func (a *app) lsaSecrets(c *cobra.Command, _ []string) error {
	cl, done, err := a.account(c.Context())
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.AccountSecretEnum(c.Context(), &account.AccountSecretEnumRequest{})
	if err != nil {
		return err
	}
	if err := win32(res.Return, "list the secrets"); err != nil {
		return err
	}
	list, rows := []lsaSecret{}, [][]string{}
	for _, x := range res.Secrets.Secrets {
		s := lsaSecret{ndr.Text(x.Name), moment(x.CurrentSet)}
		changed := ""
		if s.Changed != nil {
			changed = s.Changed.Local().Format(time.DateTime)
		}
		list, rows = append(list, s), append(rows, []string{s.Name, changed})
	}
	return a.print(c.OutOrStdout(), list, []string{"NAME", "CHANGED"}, rows)
}
