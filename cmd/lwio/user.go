package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lwio/gen/dtyp"
	"lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

const userLong = `Accounts of this machine or, where the first argument is \\server, of another.

With add and passwd, --password-stdin is for the password of the account. That of --user, to log on to another machine with, is then asked for at the
terminal, or read from the file that LWIO_PASSWORD_FILE names.`

// userAdd is what an account is made with.
type userAdd struct {
	admin, disabled, stdin bool
	fullName, comment      string
}

// userSet is what of an account is changed; nil stays.
type userSet struct {
	admin, disabled   *bool
	unlock            bool
	fullName, comment *string
}

func userCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	c := &cobra.Command{Use: "user", Short: "Accounts", Long: userLong}
	f.register(c, true)
	c.PersistentFlags().DurationVar(&f.timeout, "timeout", 30*time.Second, "give up after this time")
	one := func(run func(context.Context, *samSession, string) error) func(*cobra.Command, []string) error {
		return func(c *cobra.Command, args []string) error {
			server, rest := serverArg(args)
			if len(rest) != 1 {
				return usage("want the name of an account")
			}
			s, err := a.sam(c.Context(), f, server)
			if err != nil {
				return err
			}
			defer s.done()
			return run(c.Context(), s, s.stripDomain(rest[0]))
		}
	}
	var add userAdd
	addCmd := &cobra.Command{Use: `add [\\server] NAME`, Short: "Add an account; the password is asked for", Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			password, err := readPassword(add.stdin)
			if err != nil {
				return err
			}
			return one(func(ctx context.Context, s *samSession, name string) error {
				return s.userAdd(ctx, name, password, &add)
			})(c, args)
		}}
	fl := addCmd.Flags()
	fl.BoolVar(&add.admin, "admin", false, "make it an administrator")
	fl.BoolVar(&add.disabled, "disabled", false, "it may not log on yet")
	fl.BoolVar(&add.stdin, "password-stdin", false, "read the password from the standard input")
	fl.StringVar(&add.fullName, "full-name", "", "the person's name")
	fl.StringVar(&add.comment, "comment", "", "anything")

	var stdin bool
	passwd := &cobra.Command{Use: `passwd [\\server] NAME`, Short: "Set the password of an account; it is asked for", Args: cobra.RangeArgs(1, 2), ValidArgsFunction: a.completeUsers,
		RunE: func(c *cobra.Command, args []string) error {
			password, err := readPassword(stdin)
			if err != nil {
				return err
			}
			return one(func(ctx context.Context, s *samSession, name string) error { return s.userPasswd(ctx, name, password) })(c, args)
		}}
	passwd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from the standard input")

	var set struct {
		admin, disabled, unlock bool
		fullName, comment       string
	}
	setCmd := &cobra.Command{Use: `set [\\server] NAME`, Short: "Change an account", Args: cobra.RangeArgs(1, 2), ValidArgsFunction: a.completeUsers,
		RunE: func(c *cobra.Command, args []string) error {
			x := userSet{unlock: set.unlock}
			for name, to := range map[string]func(){"admin": func() { x.admin = &set.admin }, "disabled": func() { x.disabled = &set.disabled },
				"full-name": func() { x.fullName = &set.fullName }, "comment": func() { x.comment = &set.comment }} {
				if c.Flags().Changed(name) {
					to()
				}
			}
			if x == (userSet{}) {
				return usage("nothing to change: give --admin, --disabled, --unlock, --full-name or --comment")
			}
			return one(func(ctx context.Context, s *samSession, name string) error { return s.userSet(ctx, name, &x) })(c, args)
		}}
	fl = setCmd.Flags()
	fl.BoolVar(&set.admin, "admin", false, "an administrator (--admin=false: no more)")
	fl.BoolVar(&set.disabled, "disabled", false, "may not log on (--disabled=false: may again)")
	fl.BoolVar(&set.unlock, "unlock", false, "forget wrong passwords")
	fl.StringVar(&set.fullName, "full-name", "", "the person's name")
	fl.StringVar(&set.comment, "comment", "", "anything")

	c.AddCommand(addCmd, passwd, setCmd,
		&cobra.Command{Use: `list [\\server]`, Short: "List the accounts", Args: cobra.MaximumNArgs(1), RunE: func(c *cobra.Command, args []string) error { return a.userList(c, f, args) }},
		&cobra.Command{Use: `del [\\server] NAME`, Short: "Delete an account", Args: cobra.RangeArgs(1, 2), ValidArgsFunction: a.completeUsers,
			RunE: one(func(ctx context.Context, s *samSession, name string) error { return s.userDel(ctx, name) })})
	return c
}

// readPassword reads a password: a line of the standard input, or typed twice at a terminal. It never comes from the command line.
func readPassword(stdin bool) (string, error) {
	var text string
	switch {
	case stdin:
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		text = strings.TrimRight(line, "\r\n")
	case term.IsTerminal(int(os.Stdin.Fd())):
		one, err := prompt("Password: ")
		if err != nil {
			return "", err
		}
		two, err := prompt("Again: ")
		if err != nil {
			return "", err
		}
		if one != two {
			return "", errors.New("the passwords differ")
		}
		text = one
	default:
		return "", hint(usage("there is no terminal to ask for the password"), "give --password-stdin and the password on the standard input")
	}
	if text == "" {
		return "", usage("the password is empty")
	}
	return text, nil
}

func prompt(text string) (string, error) {
	fmt.Fprint(os.Stderr, text)
	b, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return string(b), err
}

// openUser opens the user of a name.
func (s *samSession) openUser(ctx context.Context, name string) (h rpc.ContextHandle, rid uint32, err error) {
	rid, use, err := s.rid(ctx, s.domain, name)
	if err != nil {
		return h, 0, err
	}
	if use != uint32(samr.SidTypeUser) {
		return h, 0, hint(fmt.Errorf("%s is no user", name), "lwio sam is for groups and aliases")
	}
	res, err := s.SamrOpenUser(ctx, &samr.SamrOpenUserRequest{DomainHandle: s.domain, DesiredAccess: uint32(nt.MaximumAllowed), UserId: rid})
	if err != nil {
		return h, 0, err
	}
	return res.UserHandle, rid, samStatus(res.Return, "open %s", name)
}

func (s *samSession) setUser(ctx context.Context, h rpc.ContextHandle, class samr.USER_INFORMATION_CLASS, b samr.SAMPR_USER_INFO_BUFFER, what string) error {
	res, err := s.SamrSetInformationUser2(ctx, &samr.SamrSetInformationUser2Request{UserHandle: h, UserInformationClass: class, Buffer: b})
	if err != nil {
		return err
	}
	return samStatus(res.Return, "%s", what)
}

func (s *samSession) allOf(ctx context.Context, h rpc.ContextHandle) (*samr.SAMPR_USER_ALL_INFORMATION, error) {
	res, err := s.SamrQueryInformationUser2(ctx, &samr.SamrQueryInformationUser2Request{UserHandle: h, UserInformationClass: samr.UserAllInformation})
	if err != nil {
		return nil, err
	}
	if err := samStatus(res.Return, "ask for the account"); err != nil {
		return nil, err
	}
	return res.Buffer.All, nil
}

// userAdd makes an account. What cannot be finished is taken back.
func (s *samSession) userAdd(ctx context.Context, name, password string, add *userAdd) (err error) {
	res, err := s.SamrCreateUser2InDomain(ctx, &samr.SamrCreateUser2InDomainRequest{DomainHandle: s.domain, Name: dtyp.NewRPC_UNICODE_STRING(name),
		AccountType: samr.USER_NORMAL_ACCOUNT, DesiredAccess: uint32(nt.MaximumAllowed)})
	if err != nil {
		return err
	}
	if err := samStatus(res.Return, "add account %s", name); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = s.SamrDeleteUser(ctx, &samr.SamrDeleteUserRequest{UserHandle: res.UserHandle})
		}
	}()
	class, b, err := s.sealed(password)
	if err != nil {
		return err
	}
	what := "add account " + name
	if err := s.setUser(ctx, res.UserHandle, class, b, what); err != nil {
		return err
	}
	const nameFields, controlField = 0x12, 0x100000
	all := samr.SAMPR_USER_ALL_INFORMATION{WhichFields: nameFields | controlField, FullName: dtyp.NewRPC_UNICODE_STRING(add.fullName), AdminComment: dtyp.NewRPC_UNICODE_STRING(add.comment),
		UserAccountControl: samr.USER_NORMAL_ACCOUNT}
	if add.disabled {
		all.UserAccountControl |= samr.USER_ACCOUNT_DISABLED
	}
	if err := s.setUser(ctx, res.UserHandle, samr.UserAllInformation, samr.SAMPR_USER_INFO_BUFFER{All: &all}, what); err != nil {
		return err
	}
	if add.admin {
		return s.setAdmin(ctx, res.RelativeId, name, true)
	}
	return nil
}

// setAdmin makes a user an administrator, or no more; that it is so already is well.
func (s *samSession) setAdmin(ctx context.Context, rid uint32, name string, admin bool) error {
	a, err := s.SamrOpenAlias(ctx, &samr.SamrOpenAliasRequest{DomainHandle: s.builtin, DesiredAccess: uint32(nt.MaximumAllowed), AliasId: nt.SIDBuiltinAdministrators.RID()})
	if err != nil {
		return err
	}
	if err := samStatus(a.Return, "open the administrators"); err != nil {
		return err
	}
	defer s.close(ctx, a.AliasHandle)
	err = s.aliasMember(ctx, a.AliasHandle, s.sid.Child(rid), name, admin)
	if errors.Is(err, nt.StatusMemberInAlias) || errors.Is(err, nt.StatusMemberNotInAlias) {
		return nil
	}
	return err
}

func (s *samSession) userPasswd(ctx context.Context, name, password string) error {
	h, _, err := s.openUser(ctx, name)
	if err != nil {
		return err
	}
	class, b, err := s.sealed(password)
	if err != nil {
		return err
	}
	return s.setUser(ctx, h, class, b, "set the password of "+name)
}

func (s *samSession) userSet(ctx context.Context, name string, x *userSet) error {
	h, rid, err := s.openUser(ctx, name)
	if err != nil {
		return err
	}
	var all samr.SAMPR_USER_ALL_INFORMATION
	if x.fullName != nil {
		all.WhichFields, all.FullName = all.WhichFields|0x2, dtyp.NewRPC_UNICODE_STRING(*x.fullName)
	}
	if x.comment != nil {
		all.WhichFields, all.AdminComment = all.WhichFields|0x10, dtyp.NewRPC_UNICODE_STRING(*x.comment)
	}
	if x.disabled != nil || x.unlock {
		have, err := s.allOf(ctx, h)
		if err != nil {
			return err
		}
		all.WhichFields, all.UserAccountControl = all.WhichFields|0x100000, have.UserAccountControl
		if x.unlock {
			all.UserAccountControl &^= samr.USER_ACCOUNT_AUTO_LOCKED
		}
		if x.disabled != nil {
			if all.UserAccountControl &^= samr.USER_ACCOUNT_DISABLED; *x.disabled {
				all.UserAccountControl |= samr.USER_ACCOUNT_DISABLED
			}
		}
	}
	if all.WhichFields != 0 {
		if err := s.setUser(ctx, h, samr.UserAllInformation, samr.SAMPR_USER_INFO_BUFFER{All: &all}, "change account "+name); err != nil {
			return err
		}
	}
	if x.admin != nil {
		return s.setAdmin(ctx, rid, name, *x.admin)
	}
	return nil
}

func (s *samSession) userDel(ctx context.Context, name string) error {
	h, _, err := s.openUser(ctx, name)
	if err != nil {
		return err
	}
	res, err := s.SamrDeleteUser(ctx, &samr.SamrDeleteUserRequest{UserHandle: h})
	if err != nil {
		return err
	}
	return samStatus(res.Return, "delete account %s", name)
}

// user is an account as the command shows it.
type user struct {
	Name            string     `json:"name"`
	RID             uint32     `json:"rid"`
	FullName        string     `json:"full_name"`
	Comment         string     `json:"comment"`
	Admin           bool       `json:"admin"`
	Disabled        bool       `json:"disabled"`
	Locked          bool       `json:"locked"`
	PasswordLastSet *time.Time `json:"password_last_set"`
	LastLogon       *time.Time `json:"last_logon"`
}

// admins are the users of the machine that are administrators by themselves.
func (s *samSession) admins(ctx context.Context) (map[uint32]bool, error) {
	a, err := s.SamrOpenAlias(ctx, &samr.SamrOpenAliasRequest{DomainHandle: s.builtin, DesiredAccess: uint32(nt.MaximumAllowed), AliasId: nt.SIDBuiltinAdministrators.RID()})
	if err != nil {
		return nil, err
	}
	if err := samStatus(a.Return, "open the administrators"); err != nil {
		return nil, err
	}
	defer s.close(ctx, a.AliasHandle)
	res, err := s.SamrGetMembersInAlias(ctx, &samr.SamrGetMembersInAliasRequest{AliasHandle: a.AliasHandle})
	if err != nil {
		return nil, err
	}
	out := map[uint32]bool{}
	for _, m := range res.Members.Sids {
		if sid, err := m.SidPointer.SID(); err == nil && sid.IsChildOf(s.sid) {
			out[sid.RID()] = true
		}
	}
	return out, samStatus(res.Return, "list the administrators")
}

// users lists the accounts by RID.
func (s *samSession) users(ctx context.Context) ([]user, error) {
	admins, err := s.admins(ctx)
	if err != nil {
		return nil, err
	}
	list := []user{}
	err = enumerate(func(resume uint32) (uint32, *samr.SAMPR_ENUMERATION_BUFFER, int32, error) {
		r, err := s.SamrEnumerateUsersInDomain(ctx, &samr.SamrEnumerateUsersInDomainRequest{DomainHandle: s.domain, EnumerationContext: resume, PreferedMaximumLength: 1 << 16})
		if err != nil {
			return 0, nil, 0, err
		}
		return r.EnumerationContext, r.Buffer, r.Return, nil
	}, func(x *samr.SAMPR_RID_ENUMERATION) error {
		o, err := s.SamrOpenUser(ctx, &samr.SamrOpenUserRequest{DomainHandle: s.domain, DesiredAccess: uint32(nt.MaximumAllowed), UserId: x.RelativeId})
		if err != nil {
			return err
		}
		if nt.Status(uint32(o.Return)) == nt.StatusNoSuchUser {
			return nil // gone since
		}
		if err := samStatus(o.Return, "open %s", x.Name.String()); err != nil {
			return err
		}
		defer s.close(ctx, o.UserHandle)
		all, err := s.allOf(ctx, o.UserHandle)
		if err != nil {
			return err
		}
		list = append(list, user{Name: all.UserName.String(), RID: x.RelativeId, FullName: all.FullName.String(), Comment: all.AdminComment.String(), Admin: admins[x.RelativeId],
			Disabled: all.UserAccountControl&samr.USER_ACCOUNT_DISABLED != 0, Locked: all.UserAccountControl&samr.USER_ACCOUNT_AUTO_LOCKED != 0,
			PasswordLastSet: moment(oldNumber(all.PasswordLastSet)), LastLogon: moment(oldNumber(all.LastLogon))})
		return nil
	})
	return list, err
}

func moment(t int64) *time.Time {
	if t <= 0 {
		return nil
	}
	g := nt.Time(t).Go()
	return &g
}

func (a *app) completeUsers(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	if s, err := a.sam(c.Context(), &rpcFlags{}, ""); err == nil {
		defer s.done()
		list, _ := s.users(c.Context())
		for _, u := range list {
			names = append(names, u.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) userList(c *cobra.Command, f *rpcFlags, args []string) error {
	server, rest := serverArg(args)
	if len(rest) > 0 {
		return usage(`%q is no server: want \\server`, rest[0])
	}
	s, err := a.sam(c.Context(), f, server)
	if err != nil {
		return err
	}
	defer s.done()
	list, err := s.users(c.Context())
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(list))
	for _, u := range list {
		var flags []string
		for _, f := range []struct {
			on   bool
			name string
		}{{u.Admin, "admin"}, {u.Disabled, "disabled"}, {u.Locked, "locked"}} {
			if f.on {
				flags = append(flags, f.name)
			}
		}
		last := ""
		if u.LastLogon != nil {
			last = u.LastLogon.Local().Format(time.DateTime)
		}
		rows = append(rows, []string{u.Name, strconv.FormatUint(uint64(u.RID), 10), strings.Join(flags, ","), last, u.FullName})
	}
	return a.print(c.OutOrStdout(), list, []string{"NAME", "RID", "FLAGS", "LAST LOGON", "FULL NAME"}, rows)
}
