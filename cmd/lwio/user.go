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

	"lwio/gen/account"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

func userCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "Local accounts"}
	var add struct {
		admin, disabled, stdin bool
		fullName, comment      string
	}
	addCmd := &cobra.Command{Use: "add NAME", Short: "Add an account; the password is asked for", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			password, err := readPassword(add.stdin)
			if err != nil {
				return err
			}
			flags := uint32(0)
			if add.admin {
				flags |= account.ACCOUNT_ADMIN
			}
			if add.disabled {
				flags |= account.ACCOUNT_DISABLED
			}
			return a.userAdd(c.Context(), &account.AccountAddRequest{Name: args[0], FullName: &add.fullName, Comment: &add.comment, Flags: flags, Password: password})
		}}
	f := addCmd.Flags()
	f.BoolVar(&add.admin, "admin", false, "make it an administrator")
	f.BoolVar(&add.disabled, "disabled", false, "it may not log on yet")
	f.BoolVar(&add.stdin, "password-stdin", false, "read the password from the standard input")
	f.StringVar(&add.fullName, "full-name", "", "the person's name")
	f.StringVar(&add.comment, "comment", "", "anything")

	var stdin bool
	passwd := &cobra.Command{Use: "passwd NAME", Short: "Set the password of an account; it is asked for", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeUsers,
		RunE: func(c *cobra.Command, args []string) error { return a.userPasswd(c.Context(), args[0], stdin) }}
	passwd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from the standard input")

	var set struct{ admin, disabled, unlock bool }
	setCmd := &cobra.Command{Use: "set NAME", Short: "Change an account", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeUsers,
		RunE: func(c *cobra.Command, args []string) error {
			in := &account.AccountSetInfoRequest{Name: args[0]}
			for name, flag := range map[string]uint32{"admin": account.ACCOUNT_ADMIN, "disabled": account.ACCOUNT_DISABLED} {
				if c.Flags().Changed(name) {
					in.Mask |= flag
				}
			}
			if set.admin {
				in.Flags |= account.ACCOUNT_ADMIN
			}
			if set.disabled {
				in.Flags |= account.ACCOUNT_DISABLED
			}
			if set.unlock {
				in.Mask |= account.ACCOUNT_LOCKED
			}
			if in.Mask == 0 {
				return usage("nothing to change: give --admin, --disabled or --unlock")
			}
			return a.userSet(c.Context(), in)
		}}
	setCmd.Flags().BoolVar(&set.admin, "admin", false, "an administrator (--admin=false: no more)")
	setCmd.Flags().BoolVar(&set.disabled, "disabled", false, "may not log on (--disabled=false: may again)")
	setCmd.Flags().BoolVar(&set.unlock, "unlock", false, "forget wrong passwords")

	c.AddCommand(addCmd, passwd, setCmd,
		&cobra.Command{Use: "list", Short: "List the accounts", Args: cobra.NoArgs, RunE: a.userList},
		&cobra.Command{Use: "del NAME", Short: "Delete an account", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeUsers, RunE: a.userDel})
	return c
}

// readPassword reads a password: a line of the standard input, or typed twice at a terminal. It never comes from the command line.
func readPassword(stdin bool) (account.ACCOUNT_PASSWORD, error) {
	var text string
	switch {
	case stdin:
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return account.ACCOUNT_PASSWORD{}, fmt.Errorf("read the password: %w", err)
		}
		text = strings.TrimRight(line, "\r\n")
	case term.IsTerminal(int(os.Stdin.Fd())):
		one, err := prompt("Password: ")
		if err != nil {
			return account.ACCOUNT_PASSWORD{}, err
		}
		two, err := prompt("Again: ")
		if err != nil {
			return account.ACCOUNT_PASSWORD{}, err
		}
		if one != two {
			return account.ACCOUNT_PASSWORD{}, errors.New("the passwords differ")
		}
		text = one
	default:
		return account.ACCOUNT_PASSWORD{}, hint(usage("there is no terminal to ask for the password"), "give --password-stdin and the password on the standard input")
	}
	if text == "" {
		return account.ACCOUNT_PASSWORD{}, usage("the password is empty")
	}
	data := nt.AppendUTF16(nil, text)
	return account.ACCOUNT_PASSWORD{Length: uint32(len(data)), Data: data}, nil
}

func prompt(text string) (string, error) {
	fmt.Fprint(os.Stderr, text)
	b, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return string(b), err
}

func (a *app) account(ctx context.Context) (*account.Client, func(), error) {
	b, done, err := a.bind(ctx, "lwio", account.AccountInterface)
	if err != nil {
		return nil, nil, err
	}
	return account.NewClient(b), done, nil
}

func userHint(err error, code uint32) error {
	switch nt.WinError(code) {
	case nt.NErrUserNotFound:
		return hint(err, "lwio user list shows the accounts")
	case nt.NErrUserExists:
		return hint(err, "lwio user passwd and lwio user set change an account")
	case nt.NErrBadUsername:
		return hint(err, `a name has at most 20 characters and none of " / \ [ ] : ; | = , + * ? < > @`)
	case nt.NErrPasswordTooShort:
		return hint(err, "a password is not empty and has at most 127 characters")
	}
	return err
}

func (a *app) userAdd(ctx context.Context, in *account.AccountAddRequest) error {
	cl, done, err := a.account(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.AccountAdd(ctx, in)
	if err != nil {
		return err
	}
	return userHint(win32(res.Return, "add account %s", in.Name), res.Return)
}

func (a *app) userPasswd(ctx context.Context, name string, stdin bool) error {
	password, err := readPassword(stdin)
	if err != nil {
		return err
	}
	cl, done, err := a.account(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.AccountSetPassword(ctx, &account.AccountSetPasswordRequest{Name: name, Password: password})
	if err != nil {
		return err
	}
	return userHint(win32(res.Return, "set the password of %s", name), res.Return)
}

func (a *app) userSet(ctx context.Context, in *account.AccountSetInfoRequest) error {
	cl, done, err := a.account(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.AccountSetInfo(ctx, in)
	if err != nil {
		return err
	}
	return userHint(win32(res.Return, "change account %s", in.Name), res.Return)
}

func (a *app) userDel(c *cobra.Command, args []string) error {
	cl, done, err := a.account(c.Context())
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.AccountDel(c.Context(), &account.AccountDelRequest{Name: args[0]})
	if err != nil {
		return err
	}
	return userHint(win32(res.Return, "delete account %s", args[0]), res.Return)
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

func (a *app) users(ctx context.Context) ([]user, error) {
	cl, done, err := a.account(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	list := []user{}
	in := &account.AccountEnumRequest{Level: 1, Limit: 500}
	for {
		res, err := cl.AccountEnum(ctx, in)
		if err != nil {
			return nil, err
		}
		more := nt.WinError(res.Return) == nt.WErrMoreData
		if !more {
			if err := win32(res.Return, "list the accounts"); err != nil {
				return nil, err
			}
		}
		for _, i := range res.Infos.Accounts {
			list = append(list, user{Name: ndr.Text(i.Name), RID: i.Rid, FullName: ndr.Text(i.FullName), Comment: ndr.Text(i.Comment), Admin: i.Flags&account.ACCOUNT_ADMIN != 0,
				Disabled: i.Flags&account.ACCOUNT_DISABLED != 0, Locked: i.Flags&account.ACCOUNT_LOCKED != 0,
				PasswordLastSet: moment(i.PasswordLastSet), LastLogon: moment(i.LastLogon)})
		}
		if !more || len(res.Infos.Accounts) == 0 {
			return list, nil
		}
		in.Resume = res.Resume
	}
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
	list, _ := a.users(c.Context())
	var names []string
	for _, u := range list {
		names = append(names, u.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) userList(c *cobra.Command, _ []string) error {
	list, err := a.users(c.Context())
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
