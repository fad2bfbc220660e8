package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lwio/gen/dtyp"
	"lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/services/samr/sampass"
)

const samLong = `Administer the accounts of this machine or, where the first argument is \\server, of another: domains and their policy, groups, and aliases, which
Windows calls local groups. Users have commands of their own: lwio user.

Members of a group are users of the machine. Those of an alias are users and groups of any domain, named as DOMAIN\name or name, or by SID.`

func samCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	c := &cobra.Command{Use: "sam", Short: "Groups, aliases and the policy for passwords", Long: samLong}
	f.register(c, true)
	c.PersistentFlags().DurationVar(&f.timeout, "timeout", 30*time.Second, "give up after this time")
	c.AddCommand(
		&cobra.Command{Use: `domains [\\server]`, Short: "List the domains", Args: cobra.MaximumNArgs(1), RunE: func(c *cobra.Command, args []string) error { return a.samDomains(c, f, args) }},
		samPolicyCommand(a, f), samEntryCommand(a, f, groupEntries), samEntryCommand(a, f, aliasEntries))
	return c
}

// samSession is a server that was connected to.
type samSession struct {
	*samr.Client
	server   rpc.ContextHandle
	machine  string // name of the account domain
	sid      nt.SID // of the account domain
	domain   rpc.ContextHandle
	builtin  rpc.ContextHandle
	key      []byte // that passwords are encrypted with
	features uint32
	done     func()
}

// localKey is the session key of transports that have none, on both sides: what is local is not read by others.
const localKey = "SystemLibraryDTC"

// sam connects to the account manager of this machine or of another, and opens its domains.
func (a *app) sam(ctx context.Context, f *rpcFlags, server string) (*samSession, error) {
	s := &samSession{key: []byte(localKey)}
	var caller rpc.Caller
	var err error
	if server == "" {
		caller, s.done, err = a.bind(ctx, "samr", samr.SamrInterface)
	} else {
		caller, err = s.dial(ctx, a, f, server)
	}
	if err != nil {
		return nil, err
	}
	s.Client = samr.NewClient(caller)
	if err := s.open(ctx, `\\`+server); err != nil {
		s.done()
		return nil, err
	}
	return s, nil
}

// dial reaches the pipe of another machine, and learns the key of its session.
func (s *samSession) dial(ctx context.Context, a *app, f *rpcFlags, server string) (rpc.Caller, error) {
	rs, sb, err := a.open(f, client.ProtocolPipe+":"+server+`[\pipe\samr]`)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	b, err := rs.dialer.Bind(within, sb, samr.SamrInterface)
	if err != nil {
		rs.close()
		return nil, rs.explain(sb, err)
	}
	s.key, s.done = rs.sessionKey(), func() { b.Close(); rs.close() }
	return b, nil
}

func (s *samSession) open(ctx context.Context, name string) error {
	conn, err := s.SamrConnect5(ctx, &samr.SamrConnect5Request{ServerName: &name, DesiredAccess: uint32(nt.MaximumAllowed), InVersion: 1,
		InRevisionInfo: samr.SAMPR_REVISION_INFO{V1: &samr.SAMPR_REVISION_INFO_V1{Revision: 3}}})
	if err != nil {
		return err
	}
	if err := samStatus(conn.Return, "connect to the account manager"); err != nil {
		return err
	}
	s.server = conn.ServerHandle
	if v := conn.OutRevisionInfo.V1; v != nil {
		s.features = v.SupportedFeatures
	}
	list, err := s.domainNames(ctx)
	if err != nil {
		return err
	}
	for _, name := range list {
		res, err := s.SamrLookupDomainInSamServer(ctx, &samr.SamrLookupDomainInSamServerRequest{ServerHandle: s.server, Name: dtyp.NewRPC_UNICODE_STRING(name)})
		if err != nil {
			return err
		}
		if err := samStatus(res.Return, "find the domain %s", name); err != nil {
			return err
		}
		sid, err := res.DomainId.SID()
		if err != nil || res.DomainId == nil {
			return fmt.Errorf("the SID of %s: %w", name, errors.Join(err, nt.StatusInvalidSid))
		}
		d, err := s.SamrOpenDomain(ctx, &samr.SamrOpenDomainRequest{ServerHandle: s.server, DesiredAccess: uint32(nt.MaximumAllowed), DomainId: *res.DomainId})
		if err != nil {
			return err
		}
		if err := samStatus(d.Return, "open the domain %s", name); err != nil {
			return err
		}
		if sid == nt.SIDBuiltin {
			s.builtin = d.DomainHandle
		} else {
			s.machine, s.sid, s.domain = name, sid, d.DomainHandle
		}
	}
	return nil
}

func (s *samSession) domainNames(ctx context.Context) ([]string, error) {
	var out []string
	err := enumerate(func(resume uint32) (uint32, *samr.SAMPR_ENUMERATION_BUFFER, int32, error) {
		r, err := s.SamrEnumerateDomainsInSamServer(ctx, &samr.SamrEnumerateDomainsInSamServerRequest{ServerHandle: s.server, EnumerationContext: resume, PreferedMaximumLength: 1 << 16})
		if err != nil {
			return 0, nil, 0, err
		}
		return r.EnumerationContext, r.Buffer, r.Return, nil
	}, func(e *samr.SAMPR_RID_ENUMERATION) error { out = append(out, e.Name.String()); return nil })
	return out, err
}

// enumerate reads an enumeration to its end.
func enumerate(next func(resume uint32) (uint32, *samr.SAMPR_ENUMERATION_BUFFER, int32, error), each func(*samr.SAMPR_RID_ENUMERATION) error) error {
	for resume := uint32(0); ; {
		again, buffer, ret, err := next(resume)
		if err != nil {
			return err
		}
		if err := samStatus(ret, "list"); err != nil {
			return err
		}
		if buffer != nil {
			for i := range buffer.Buffer {
				if err := each(&buffer.Buffer[i]); err != nil {
					return err
				}
			}
		}
		if nt.Status(uint32(ret)) != nt.StatusMoreEntries || again == resume {
			return nil
		}
		resume = again
	}
}

// rid finds an entry of a domain.
func (s *samSession) rid(ctx context.Context, domain rpc.ContextHandle, name string) (rid, use uint32, err error) {
	res, err := s.SamrLookupNamesInDomain(ctx, &samr.SamrLookupNamesInDomainRequest{DomainHandle: domain, Count: 1, Names: []dtyp.RPC_UNICODE_STRING{dtyp.NewRPC_UNICODE_STRING(name)}})
	if err != nil {
		return 0, 0, err
	}
	if err := samStatus(res.Return, "find %s", name); err != nil {
		return 0, 0, err
	}
	if len(res.RelativeIds.Element) != 1 || len(res.Use.Element) != 1 {
		return 0, 0, fmt.Errorf("find %s: %w", name, nt.StatusInvalidNetworkResponse)
	}
	return res.RelativeIds.Element[0], res.Use.Element[0], nil
}

// close gives a handle back; that it could not does not matter to what was done with it.
func (s *samSession) close(ctx context.Context, h rpc.ContextHandle) {
	_, _ = s.SamrCloseHandle(ctx, &samr.SamrCloseHandleRequest{SamHandle: h})
}

// samStatus makes an error of the result of a call; a warning is none.
func samStatus(code int32, what string, args ...any) error {
	st := nt.Status(uint32(code))
	if st.IsSuccess() || st.IsWarning() {
		return nil
	}
	err := fmt.Errorf(what+": %w", append(args, st)...)
	switch st {
	case nt.StatusAccessDenied:
		return hint(err, "run as root or as the user of the daemon, or log on to the server as an administrator")
	case nt.StatusNoneMapped, nt.StatusNoSuchUser:
		return hint(err, "lwio user list shows the users, lwio sam group list and lwio sam alias list the rest")
	case nt.StatusUserExists:
		return hint(err, "lwio user passwd and lwio user set change an account")
	case nt.StatusGroupExists, nt.StatusAliasExists:
		return hint(err, "users, groups and aliases share their names")
	case nt.StatusInvalidAccountName:
		return hint(err, `a name has at most 256 characters and none of " / \ [ ] : ; | = , + * ? < > @, and is none that every machine has`)
	case nt.StatusPasswordRestriction:
		return hint(err, "lwio sam policy shows what passwords have to be; they have at most 256 characters")
	case nt.StatusSpecialAccount:
		return hint(err, "what came with the system can be disabled, not deleted or renamed")
	}
	return err
}

// sealed is a password as an attribute of a user, by AES where the server can that.
func (s *samSession) sealed(password string) (level samr.USER_INFORMATION_CLASS, b samr.SAMPR_USER_INFO_BUFFER, err error) {
	if s.features&0x10 != 0 {
		x, ok := sampass.SealAES(password, s.key)
		if !ok {
			return 0, b, errors.New("the password is too long: at most 256 characters")
		}
		b.Internal7 = &samr.SAMPR_USER_INTERNAL7_INFORMATION{UserPassword: samr.SAMPR_ENCRYPTED_PASSWORD_AES{AuthData: x.AuthData, Salt: x.Salt, CbCipher: uint32(len(x.Cipher)), Cipher: x.Cipher}}
		return samr.UserInternal7Information, b, nil
	}
	x, ok := sampass.SealSalted(password, s.key)
	if !ok {
		return 0, b, errors.New("the password is too long: at most 256 characters")
	}
	b.Internal5New = &samr.SAMPR_USER_INTERNAL5_INFORMATION_NEW{UserPassword: samr.SAMPR_ENCRYPTED_USER_PASSWORD_NEW{Buffer: x}}
	return samr.UserInternal5InformationNew, b, nil
}

// samDomain is a domain as the command shows it.
type samDomain struct {
	Name    string `json:"name"`
	SID     string `json:"sid"`
	Users   uint32 `json:"users"`
	Groups  uint32 `json:"groups"`
	Aliases uint32 `json:"aliases"`
	Comment string `json:"comment,omitempty"`
}

func (a *app) samDomains(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) > 0 {
		return usage(`%q is no server: want \\server`, rest[0])
	}
	s, err := a.sam(c.Context(), f, server)
	if err != nil {
		return err
	}
	defer s.done()
	list, rows := []samDomain{}, [][]string{}
	for _, d := range []struct {
		sid nt.SID
		h   rpc.ContextHandle
	}{{s.sid, s.domain}, {nt.SIDBuiltin, s.builtin}} {
		res, err := s.SamrQueryInformationDomain2(c.Context(), &samr.SamrQueryInformationDomain2Request{DomainHandle: d.h, DomainInformationClass: samr.DomainGeneralInformation})
		if err != nil {
			return err
		}
		if err := samStatus(res.Return, "ask for the domain"); err != nil {
			return err
		}
		g := res.Buffer.General
		x := samDomain{g.DomainName.String(), d.sid.String(), g.UserCount, g.GroupCount, g.AliasCount, g.OemInformation.String()}
		list = append(list, x)
		n := func(v uint32) string { return strconv.FormatUint(uint64(v), 10) }
		rows = append(rows, []string{x.Name, x.SID, n(x.Users), n(x.Groups), n(x.Aliases), x.Comment})
	}
	return a.print(c.OutOrStdout(), list, []string{"DOMAIN", "SID", "USERS", "GROUPS", "ALIASES", "COMMENT"}, rows)
}

// stripDomain takes the domain of this session from the front of a name.
func (s *samSession) stripDomain(name string) string {
	if d, account, ok := strings.Cut(name, `\`); ok && (nt.EqualFold(d, s.machine) || d == ".") {
		return account
	}
	return name
}
