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

	"lwio/gen/domain"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

const domainLong = `Make this machine a member of an Active Directory domain, and look after the membership. The daemon does it; nothing has to be restarted.

The password of --user is asked for at the terminal, or read from the standard input with --password-stdin; it is never on the command line.`

func domainCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "domain", Short: "Membership of a domain", Long: domainLong}
	var join domainJoin
	joinCmd := &cobra.Command{Use: "join REALM --user NAME | join --offline-blob FILE", Short: "Join a domain, or join it anew",
		Example: "  lwio domain join LAB.TEST --user Administrator\n  lwio domain join --offline-blob ours.odj", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.domainJoin(c, args, &join) }}
	f := joinCmd.Flags()
	f.StringVarP(&join.user, "user", "U", "", "who of the domain may make the account, or set its password where there is one")
	f.BoolVar(&join.stdin, "password-stdin", false, "read the password from the standard input")
	f.StringVar(&join.controller, "controller", "", "the controller to join at (default the nearest)")
	f.StringVar(&join.computer, "computer", "", "NetBIOS name of the account (default this machine's)")
	f.StringVar(&join.ou, "ou", "", "organizational unit of the account, \"OU=Servers,OU=Lab\" or \"Lab/Servers\" (default where it is, or where the domain has new ones); needs LDAP")
	f.StringVar(&join.blob, "offline-blob", "", "join by what `lwio domain provision` or djoin has written to this file (- for the standard input), and ask no controller")
	f.BoolVar(&join.dry, "dry-run", false, "check everything and change nothing")
	var leave domainLeave
	leaveCmd := &cobra.Command{Use: "leave", Short: "Leave the domain: disable the account and forget it", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.domainLeave(c, &leave) }}
	f = leaveCmd.Flags()
	f.StringVarP(&leave.user, "user", "U", "", "who may disable the account")
	f.BoolVar(&leave.stdin, "password-stdin", false, "read the password from the standard input")
	f.BoolVar(&leave.remove, "delete", false, "delete the account")
	f.BoolVar(&leave.force, "force", false, "forget the domain whatever its controller says")
	c.AddCommand(joinCmd, a.domainProvisionCommand(), leaveCmd,
		&cobra.Command{Use: "status", Short: "Show the membership, asking no controller", Args: cobra.NoArgs, RunE: a.domainStatus},
		&cobra.Command{Use: "verify", Short: "Check password, secure channel and tickets", Args: cobra.NoArgs, RunE: a.domainVerify},
		&cobra.Command{Use: "rotate-password", Short: "Change the machine's password now", Args: cobra.NoArgs, RunE: a.domainRotate},
		&cobra.Command{Use: "dc-list [REALM]", Short: "Find the controllers and ask how they are", Args: cobra.MaximumNArgs(1), RunE: a.domainControllers},
		&cobra.Command{Use: "id NAME", Short: `Ask the domain who a name (DOMAIN\name, name@REALM, name) or a SID is`, Args: cobra.ExactArgs(1), RunE: a.domainID})
	return c
}

type domainJoin struct {
	user, controller, computer, ou, blob string
	stdin, dry                           bool
}

type domainLeave struct {
	user                 string
	stdin, remove, force bool
}

// domain calls the daemon.
func (a *app) domain(ctx context.Context) (*domain.Client, func(), error) {
	b, done, err := a.bind(ctx, "domain", domain.DomainInterface)
	if err != nil {
		return nil, nil, err
	}
	return domain.NewClient(b), done, nil
}

// domainPassword reads the password of a user of the domain.
func domainPassword(user string, stdin bool) (p domain.DOMAIN_PASSWORD, err error) {
	var text string
	switch {
	case stdin:
		text, err = bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		text = strings.TrimRight(text, "\r\n")
	case term.IsTerminal(int(os.Stdin.Fd())):
		text, err = prompt("Password of " + user + ": ")
	default:
		return p, hint(usage("there is no terminal to ask for the password"), "give --password-stdin and the password on the standard input")
	}
	if err != nil {
		return p, fmt.Errorf("read the password: %w", err)
	}
	if text == "" {
		return p, usage("the password is empty")
	}
	p.Data = nt.AppendUTF16(nil, text)
	if len(p.Data) > 512 {
		return p, usage("the password is too long: at most 256 characters")
	}
	p.Length = uint32(len(p.Data))
	return p, nil
}

func (a *app) domainJoin(c *cobra.Command, args []string, j *domainJoin) error {
	switch {
	case j.blob != "" && (len(args) > 0 || j.user != ""):
		return usage("--offline-blob names the realm, and nobody logs on")
	case j.blob != "":
		return a.domainJoinOffline(c, j.blob)
	case len(args) == 0:
		return usage("the realm is missing")
	case j.user == "":
		return usage("--user is missing: who of the domain joins this machine")
	}
	password, err := domainPassword(j.user, j.stdin)
	if err != nil {
		return err
	}
	in := &domain.DomainJoinRequest{Join: j.request(args[0]), Password: password}
	if j.dry {
		in.Join.Flags |= domain.DOMAIN_DRY_RUN
	}
	return a.domainCall(c, "join", func(cl *domain.Client, tag nt.GUID) (int32, *domain.DOMAIN_REPORT, error) {
		in.Join.Tag = tag
		res, err := cl.DomainJoin(c.Context(), in)
		if err != nil {
			return 0, nil, err
		}
		return res.Return, &res.Report, nil
	})
}

func (j *domainJoin) request(realm string) domain.DOMAIN_JOIN {
	out := domain.DOMAIN_JOIN{Realm: &realm, User: &j.user}
	for text, to := range map[*string]**string{&j.controller: &out.Controller, &j.computer: &out.Computer, &j.ou: &out.Ou} {
		if *text != "" {
			*to = text
		}
	}
	return out
}

func (a *app) domainLeave(c *cobra.Command, l *domainLeave) error {
	in := &domain.DomainLeaveRequest{}
	if l.user != "" {
		var err error
		if in.Password, err = domainPassword(l.user, l.stdin); err != nil {
			return err
		}
		in.User = &l.user
	} else if !l.force {
		return hint(usage("--user is missing: who of the domain disables the account"), "with --force the domain is forgotten here alone")
	}
	if l.remove {
		in.Flags |= domain.DOMAIN_DELETE
	}
	if l.force {
		in.Flags |= domain.DOMAIN_FORCE
	}
	return a.domainCall(c, "leave", func(cl *domain.Client, tag nt.GUID) (int32, *domain.DOMAIN_REPORT, error) {
		in.Tag = tag
		res, err := cl.DomainLeave(c.Context(), in)
		if err != nil {
			return 0, nil, err
		}
		return res.Return, &res.Report, nil
	})
}

func (a *app) domainVerify(c *cobra.Command, _ []string) error {
	return a.domainCall(c, "verify", func(cl *domain.Client, tag nt.GUID) (int32, *domain.DOMAIN_REPORT, error) {
		res, err := cl.DomainVerify(c.Context(), &domain.DomainVerifyRequest{Tag: tag})
		if err != nil {
			return 0, nil, err
		}
		return res.Return, &res.Report, nil
	})
}

func (a *app) domainRotate(c *cobra.Command, _ []string) error {
	return a.domainCall(c, "change of the password", func(cl *domain.Client, tag nt.GUID) (int32, *domain.DOMAIN_REPORT, error) {
		res, err := cl.DomainRotatePassword(c.Context(), &domain.DomainRotatePasswordRequest{Tag: tag})
		if err != nil {
			return 0, nil, err
		}
		return res.Return, &res.Report, nil
	})
}

// domainState is the membership as it is shown.
type domainState struct {
	Realm       string `json:"realm"`
	Domain      string `json:"domain"`
	SID         string `json:"sid"`
	Forest      string `json:"forest"`
	Account     string `json:"account"`
	RID         uint32 `json:"rid"`
	DNSName     string `json:"dns_name"`
	Site        string `json:"site"`
	Controller  string `json:"controller"`
	Channel     bool   `json:"channel"`
	Error       string `json:"error,omitempty"`
	KVNO        uint32 `json:"kvno"`
	Changing    bool   `json:"changing"`
	Joined      string `json:"joined"`
	PasswordSet string `json:"password_set"`
	PasswordDue string `json:"password_due,omitempty"`
	Directory   string `json:"directory_lacks,omitempty"`
}

func fileTime(v int64) string {
	if v == 0 {
		return ""
	}
	return nt.Time(v).Go().Local().Format(time.RFC3339)
}

func (a *app) domainStatus(c *cobra.Command, _ []string) error {
	cl, done, err := a.domain(c.Context())
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.DomainStatus(c.Context(), &domain.DomainStatusRequest{})
	if err != nil {
		return err
	}
	if s := nt.Status(uint32(res.Return)); s != nt.StatusSuccess {
		return hint(s, "run as root or as the user of the daemon")
	}
	i := &res.Info
	if i.Realm == nil {
		return hint(errors.New("this machine is in no domain"), "lwio domain join REALM --user NAME makes it a member")
	}
	s := domainState{ndr.Text(i.Realm), ndr.Text(i.Domain), ndr.Text(i.DomainSid), ndr.Text(i.Forest), ndr.Text(i.Account), i.Rid, ndr.Text(i.DnsName), ndr.Text(i.Site), ndr.Text(i.Controller),
		i.Channel == 1, ndr.Text(i.LastError), i.Kvno, i.Changing == 1, fileTime(i.Joined), fileTime(i.PasswordSet), fileTime(i.PasswordDue), ndr.Text(i.Directory)}
	channel := "up, to " + s.Controller
	if !s.Channel {
		channel = "not open"
		if s.Error != "" {
			channel = "down: " + s.Error
		}
	}
	password := "version " + strconv.FormatUint(uint64(s.KVNO), 10) + ", set " + s.PasswordSet
	if s.PasswordDue != "" {
		password += ", due " + s.PasswordDue
	}
	if s.Changing {
		password += "; a change was begun and is not confirmed"
	}
	directory := "as it should be"
	if strings.HasPrefix(s.Directory, "not known") {
		directory = s.Directory
	} else if s.Directory != "" {
		directory = "lacks " + s.Directory
	}
	return a.print(c.OutOrStdout(), s, []string{"REALM", s.Realm}, [][]string{{"DOMAIN", s.Domain}, {"SID", s.SID}, {"ACCOUNT", s.Account + ", RID " + strconv.FormatUint(uint64(s.RID), 10)},
		{"NAME", s.DNSName}, {"SITE", s.Site}, {"CHANNEL", channel}, {"PASSWORD", password}, {"DIRECTORY", directory}, {"JOINED", s.Joined}})
}

type domainController struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Site    string `json:"site"`
	Flags   uint32 `json:"flags"`
	Elapsed uint32 `json:"elapsed_us"`
	Problem string `json:"problem,omitempty"`
}

func (a *app) domainControllers(c *cobra.Command, args []string) error {
	cl, done, err := a.domain(c.Context())
	if err != nil {
		return err
	}
	defer done()
	in := &domain.DomainControllersRequest{}
	if len(args) > 0 {
		in.Realm = &args[0]
	}
	res, err := cl.DomainControllers(c.Context(), in)
	if err != nil {
		return err
	}
	if s := nt.Status(uint32(res.Return)); s != nt.StatusSuccess {
		err := fmt.Errorf("find controllers: %w", s)
		if s == nt.StatusNoSuchDomain {
			return hint(err, "this machine is in no domain: give the name of one")
		}
		return hint(err, "check the name of the domain, and that the resolver of this machine asks the domain's DNS")
	}
	list, rows := []domainController{}, [][]string{}
	for _, x := range res.List.Controllers {
		d := domainController{ndr.Text(x.Name), ndr.Text(x.Address), ndr.Text(x.Site), x.Flags, x.Elapsed, ndr.Text(x.Problem)}
		list = append(list, d)
		state := (time.Duration(d.Elapsed) * time.Microsecond).Round(100 * time.Microsecond).String()
		if d.Problem != "" {
			state = d.Problem
		}
		rows = append(rows, []string{d.Name, d.Address, d.Site, controllerRoles(d.Flags), state})
	}
	return a.print(c.OutOrStdout(), list, []string{"CONTROLLER", "ADDRESS", "SITE", "IS", "ANSWERS"}, rows)
}

// controllerRoles are the flags of a controller (MS-ADTS 6.3.1.2) in words.
func controllerRoles(flags uint32) string {
	var out []string
	for _, f := range []struct {
		flag uint32
		name string
	}{{0x1, "pdc"}, {0x4, "gc"}, {0x20, "kdc"}, {0x80, "closest"}, {0x100, "writable"}} {
		if flags&f.flag != 0 {
			out = append(out, f.name)
		}
	}
	return strings.Join(out, ",")
}

type domainIdentity struct {
	Name   string `json:"name"`
	Domain string `json:"domain"`
	SID    string `json:"sid"`
	Use    uint32 `json:"use"`
	ID     uint32 `json:"id,omitempty"`
}

func (a *app) domainID(c *cobra.Command, args []string) error {
	cl, done, err := a.domain(c.Context())
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.DomainIdentity(c.Context(), &domain.DomainIdentityRequest{Name: args[0]})
	if err != nil {
		return err
	}
	switch s := nt.Status(uint32(res.Return)); s {
	case nt.StatusSuccess:
	case nt.StatusNoneMapped:
		return fmt.Errorf("the domain knows no %s", args[0])
	case nt.StatusNoSuchDomain:
		return hint(errors.New("this machine is in no domain"), "lwio domain join REALM --user NAME makes it a member")
	default:
		return hint(fmt.Errorf("look up %s: %w", args[0], s), "lwio domain verify says what is wrong")
	}
	i := &res.Identity
	d := domainIdentity{ndr.Text(i.Name), ndr.Text(i.Domain), ndr.Text(i.Sid), i.Use, i.Id}
	uses := map[uint32]string{1: "user", 2: "group", 3: "domain", 4: "alias", 5: "well-known group", 9: "computer"}
	id := ""
	if d.ID != 0 {
		id = strconv.FormatUint(uint64(d.ID), 10)
	}
	return a.print(c.OutOrStdout(), d, []string{"NAME", "IS", "SID", "UNIX ID"}, [][]string{{d.Domain + `\` + d.Name, uses[d.Use], d.SID, id}})
}
