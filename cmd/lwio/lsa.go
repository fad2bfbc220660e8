package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
)

const lsaLong = `Administer the security policy of this machine or, where the first argument is \\server, of another: who holds which privileges and may log on how,
what names and SIDs are called, and which secrets there are.

An account is named as DOMAIN\name, name or name@REALM, or by its SID.`

func lsaCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	c := &cobra.Command{Use: "lsa", Short: "Security policy: rights, names, secrets", Long: lsaLong}
	f.register(c, true)
	c.PersistentFlags().DurationVar(&f.timeout, "timeout", 30*time.Second, "give up after this time")
	rights := &cobra.Command{Use: "rights", Short: "Privileges and logon rights of accounts", Args: cobra.NoArgs}
	var all bool
	remove := &cobra.Command{Use: `remove [\\server] ACCOUNT RIGHT...`, Short: "Take rights from an account", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.lsaRightsRemove(c, f, args, all) }}
	remove.Flags().BoolVar(&all, "all", false, "all that it has")
	rights.AddCommand(remove,
		&cobra.Command{Use: `list [\\server] [ACCOUNT]`, Short: "List the rights of all accounts, or of one", Args: cobra.MaximumNArgs(2),
			RunE: func(c *cobra.Command, args []string) error { return a.lsaRightsList(c, f, args) }},
		&cobra.Command{Use: `add [\\server] ACCOUNT RIGHT...`, Short: "Give an account rights", Args: cobra.MinimumNArgs(2), ValidArgsFunction: completeRights,
			RunE: func(c *cobra.Command, args []string) error { return a.lsaRightsAdd(c, f, args) }})
	remove.ValidArgsFunction = completeRights
	secrets := &cobra.Command{Use: "secrets", Short: "Secrets of this machine's policy", Args: cobra.NoArgs}
	secrets.AddCommand(&cobra.Command{Use: "list", Short: "List the secrets, without their values", Args: cobra.NoArgs, RunE: a.lsaSecrets})
	c.AddCommand(rights, secrets,
		&cobra.Command{Use: `policy [\\server]`, Short: "Show who the machine is and what its policy says", Args: cobra.MaximumNArgs(1),
			RunE: func(c *cobra.Command, args []string) error { return a.lsaPolicy(c, f, args) }},
		&cobra.Command{Use: `privileges [\\server]`, Short: "List the privileges there are", Args: cobra.MaximumNArgs(1),
			RunE: func(c *cobra.Command, args []string) error { return a.lsaPrivileges(c, f, args) }},
		&cobra.Command{Use: `lookup [\\server] NAME|SID...`, Short: "Translate names into SIDs and SIDs into names", Args: cobra.MinimumNArgs(1),
			RunE: func(c *cobra.Command, args []string) error { return a.lsaLookup(c, f, args) }})
	return c
}

func completeRights(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, p := range nt.PrivilegeNames() {
		names = append(names, p.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// lsaSession is an open policy.
type lsaSession struct {
	*lsarpc.Client
	policy rpc.ContextHandle
	done   func()
}

// serverArg takes \\server from the front of the arguments; empty for this machine.
func serverArg(args []string) (string, []string) {
	if len(args) > 0 {
		if server, ok := strings.CutPrefix(args[0], `\\`); ok && server != "" && !strings.ContainsRune(server, '\\') {
			return server, args[1:]
		}
	}
	return "", args
}

// lsa opens the policy of this machine, or of another.
func (a *app) lsa(ctx context.Context, f *rpcFlags, server string, access nt.AccessMask) (*lsaSession, error) {
	b, done, err := a.caller(ctx, f, server, "lsarpc", lsarpc.LsarpcInterface)
	if err != nil {
		return nil, err
	}
	s := &lsaSession{Client: lsarpc.NewClient(b), done: done}
	name := `\\` + server
	res, err := s.LsarOpenPolicy2(ctx, &lsarpc.LsarOpenPolicy2Request{SystemName: &name, DesiredAccess: uint32(access)})
	if err == nil {
		err = lsaStatus(res.Return, "open the policy")
	}
	if err != nil {
		done()
		return nil, err
	}
	s.policy = res.PolicyHandle
	return s, nil
}

// caller binds an interface on a pipe of this machine's daemon or, where a server is named, of that.
func (a *app) caller(ctx context.Context, f *rpcFlags, server, pipe string, iface *rpc.Interface) (rpc.Caller, func(), error) {
	if server == "" {
		return a.bind(ctx, pipe, iface)
	}
	s, sb, err := a.open(f, client.ProtocolPipe+":"+server+`[\pipe\`+pipe+"]")
	if err != nil {
		return nil, nil, err
	}
	within, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	b, err := s.dialer.Bind(within, sb, iface)
	if err != nil {
		s.close()
		return nil, nil, s.explain(sb, err)
	}
	return b, func() { b.Close(); s.close() }, nil
}

// lsaStatus makes an error of the result of a call; a warning is none.
func lsaStatus(code int32, what string, args ...any) error {
	s := nt.Status(uint32(code))
	if s.IsSuccess() || s.IsWarning() {
		return nil
	}
	err := fmt.Errorf(what+": %w", append(args, s)...)
	switch s {
	case nt.StatusAccessDenied:
		return hint(err, "run as root or as the user of the daemon, or log on to the server as an administrator")
	case nt.StatusNoSuchPrivilege:
		return hint(err, "lwio lsa privileges lists the privileges; the other rights end in LogonRight")
	case nt.StatusNoneMapped:
		return hint(err, "lwio user list shows the local accounts; others are named DOMAIN\\name, or by SID")
	}
	return err
}

// lsaPolicyView is what the command shows of a policy.
type lsaPolicyView struct {
	Computer    string `json:"computer"`
	ComputerSID string `json:"computer_sid"`
	Domain      string `json:"domain"`
	DomainSID   string `json:"domain_sid,omitempty"` // absent for a workgroup
	DNSDomain   string `json:"dns_domain,omitempty"`
	Auditing    *bool  `json:"auditing,omitempty"` // absent where the caller may not know
	SDDL        string `json:"sddl,omitempty"`
}

func (a *app) lsaPolicy(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) > 0 {
		return usage(`%q is no server: want \\server`, rest[0])
	}
	s, err := a.lsa(c.Context(), f, server, nt.MaximumAllowed)
	if err != nil {
		return err
	}
	defer s.done()
	query := func(class lsarpc.POLICY_INFORMATION_CLASS) (*lsarpc.LSAPR_POLICY_INFORMATION, error) {
		res, err := s.LsarQueryInformationPolicy2(c.Context(), &lsarpc.LsarQueryInformationPolicy2Request{PolicyHandle: s.policy, InformationClass: class})
		if err != nil {
			return nil, err
		}
		return res.PolicyInformation, lsaStatus(res.Return, "ask for the policy")
	}
	own, err := query(lsarpc.PolicyAccountDomainInformation)
	if err != nil {
		return err
	}
	dns, err := query(lsarpc.PolicyDnsDomainInformation)
	if err != nil {
		return err
	}
	v := lsaPolicyView{Computer: own.PolicyAccountDomainInfo.DomainName.String(), Domain: dns.PolicyDnsDomainInfo.Name.String(), DNSDomain: dns.PolicyDnsDomainInfo.DnsDomainName.String()}
	if sid, err := own.PolicyAccountDomainInfo.DomainSid.SID(); err == nil {
		v.ComputerSID = sid.String()
	}
	if x := dns.PolicyDnsDomainInfo.Sid; x != nil {
		if sid, err := x.SID(); err == nil {
			v.DomainSID = sid.String()
		}
	}
	// What the caller may not know is left out.
	if audit, err := query(lsarpc.PolicyAuditEventsInformation); err == nil {
		v.Auditing = ptr(audit.PolicyAuditEventsInfo.AuditingMode != 0)
	}
	sd, err := s.LsarQuerySecurityObject(c.Context(), &lsarpc.LsarQuerySecurityObjectRequest{ObjectHandle: s.policy, SecurityInformation: uint32(nt.OwnerSecurityInformation | nt.GroupSecurityInformation | nt.DACLSecurityInformation)})
	if err != nil {
		return err
	}
	if sd.SecurityDescriptor != nil {
		if d, err := nt.ParseSecurityDescriptor(sd.SecurityDescriptor.SecurityDescriptor); err == nil {
			v.SDDL = d.SDDL()
		}
	}
	rows := [][]string{{"computer", v.Computer}, {"computer SID", v.ComputerSID}, {"domain", v.Domain}, {"domain SID", v.DomainSID}, {"DNS domain", v.DNSDomain}}
	if v.Auditing != nil {
		rows = append(rows, []string{"auditing", map[bool]string{true: "on", false: "off"}[*v.Auditing]})
	}
	return a.print(c.OutOrStdout(), v, []string{"WHAT", "VALUE"}, append(rows, []string{"access", v.SDDL}))
}

type lsaPrivilege struct {
	Name string `json:"name"`
	LUID uint64 `json:"luid"`
	Text string `json:"text"`
}

func (a *app) lsaPrivileges(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) > 0 {
		return usage(`%q is no server: want \\server`, rest[0])
	}
	s, err := a.lsa(c.Context(), f, server, nt.PolicyViewLocalInformation|nt.PolicyLookupNames)
	if err != nil {
		return err
	}
	defer s.done()
	list, rows := []lsaPrivilege{}, [][]string{}
	for in := (&lsarpc.LsarEnumeratePrivilegesRequest{PolicyHandle: s.policy, PreferedMaximumLength: 1 << 16}); ; {
		res, err := s.LsarEnumeratePrivileges(c.Context(), in)
		if err != nil {
			return err
		}
		if nt.Status(uint32(res.Return)) == nt.StatusNoMoreEntries || len(res.EnumerationBuffer.Privileges) == 0 {
			break
		}
		if err := lsaStatus(res.Return, "list the privileges"); err != nil {
			return err
		}
		for _, p := range res.EnumerationBuffer.Privileges {
			x := lsaPrivilege{Name: p.Name.String(), LUID: uint64(p.LocalValue.LowPart) | uint64(uint32(p.LocalValue.HighPart))<<32}
			shown, err := s.LsarLookupPrivilegeDisplayName(c.Context(), &lsarpc.LsarLookupPrivilegeDisplayNameRequest{PolicyHandle: s.policy, Name: p.Name, ClientLanguage: 0x409})
			if err != nil {
				return err
			}
			if shown.DisplayName != nil {
				x.Text = shown.DisplayName.String()
			}
			list, rows = append(list, x), append(rows, []string{x.Name, x.Text})
		}
		in.EnumerationContext = res.EnumerationContext
	}
	return a.print(c.OutOrStdout(), list, []string{"PRIVILEGE", "WHAT IT ALLOWS"}, rows)
}

// lsaSecret is a secret as the command shows it.
type lsaSecret struct {
	Name    string     `json:"name"`
	Changed *time.Time `json:"changed"`
}

// result is a status as operations return it.
func result(s nt.Status) int32 { return int32(s) }
