package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// Share types and flags (MS-SRVS 2.2.2.4, 2.2.4.29).
const (
	stypeIPC         = 3
	stypeSpecial     = 0x80000000
	flagABE          = 0x0800
	flagContinuous   = 0x4000
	flagEncrypt      = 0x8000
	flagCompress     = 0x100000
	unlimited        = 0xFFFFFFFF
	readOnlyShareSDL = "D:(A;;0x1200a9;;;WD)(A;;FA;;;BA)(A;;FA;;;SY)"
)

// share is a share as the command shows it.
type share struct {
	Name       string  `json:"name"`
	Path       string  `json:"path"`
	Comment    string  `json:"comment"`
	Special    bool    `json:"special"`
	MaxUsers   *uint32 `json:"max_users"` // null for no limit
	Users      uint32  `json:"users"`
	SDDL       string  `json:"sddl,omitempty"`
	ABE        bool    `json:"abe"`
	Compress   bool    `json:"compress"`
	Continuous bool    `json:"continuous"`
	Encrypt    bool    `json:"encrypt"`

	Snapshots string `json:"snapshots,omitempty"` // where previous versions are; only share show says it
}

func shareOf(i *srvsvc.SHARE_INFO_502_I) share {
	s := share{Name: ndr.Text(i.Shi502Netname), Path: ndr.Text(i.Shi502Path), Comment: ndr.Text(i.Shi502Remark), Users: i.Shi502CurrentUses,
		Special: i.Shi502Type&stypeSpecial != 0}
	if i.Shi502MaxUses != unlimited {
		s.MaxUsers = &i.Shi502MaxUses
	}
	if len(i.Shi502SecurityDescriptor) > 0 {
		if sd, err := nt.ParseSecurityDescriptor(i.Shi502SecurityDescriptor); err == nil {
			s.SDDL = sd.SDDL()
		}
	}
	return s
}

func (a *app) srvsvc(ctx context.Context) (*srvsvc.Client, func(), error) {
	b, done, err := a.caller(ctx, a.as, a.server, "srvsvc", srvsvc.SrvsvcInterface)
	if err != nil {
		return nil, nil, err
	}
	return srvsvc.NewClient(b), done, nil
}

// shareFlags are the flags of add and set.
type shareFlags struct {
	comment, sddl string
	maxUsers      uint32
	readOnly      bool
	encrypt, abe  bool
	compress      bool
	continuous    bool
	snapshots     string
}

// of gives the flags of a share as they are to be: those that the user names as he says, the others as they were.
func (f *shareFlags) of(old uint32, named func(string) bool) uint32 {
	for _, x := range [...]struct {
		name string
		on   bool
		flag uint32
	}{{"abe", f.abe, flagABE}, {"encrypt", f.encrypt, flagEncrypt}, {"compress", f.compress, flagCompress},
		{"continuous", f.continuous, flagContinuous}} {
		if named(x.name) {
			old &^= x.flag
			if x.on {
				old |= x.flag
			}
		}
	}
	return old
}

func (f *shareFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.comment, "comment", "", "what users see beside the name")
	c.Flags().StringVar(&f.sddl, "sddl", "", "security descriptor of the share, as SDDL")
	c.Flags().Uint32Var(&f.maxUsers, "max-users", 0, "how many may be connected at a time; 0 for no limit")
	c.Flags().BoolVar(&f.readOnly, "read-only", false, "only administrators may write: short for the descriptor "+readOnlyShareSDL)
	c.Flags().BoolVar(&f.encrypt, "encrypt", false, "only encrypted connections")
	c.Flags().BoolVar(&f.compress, "compress", false, "send what is read compressed to clients that can")
	c.Flags().BoolVar(&f.continuous, "continuous", false, "continuously available: files that clients ask it for stay open when the daemon starts again")
	c.Flags().BoolVar(&f.abe, "abe", false, "show users only what they may read")
	c.Flags().StringVar(&f.snapshots, "snapshots", "", "where previous versions are: DIR below the share, or DIR:FORMAT of the names in it; empty for nowhere")
	c.MarkFlagsMutuallyExclusive("sddl", "read-only")
}

func (f *shareFlags) descriptor() ([]byte, error) {
	text := f.sddl
	if f.readOnly {
		text = readOnlyShareSDL
	}
	if text == "" {
		return nil, nil
	}
	sd, err := nt.ParseSDDL(text, nt.SID{})
	if err != nil {
		return nil, hint(usageError{fmt.Errorf("--sddl: %w", err)}, `an example: --sddl "D:(A;;FA;;;BA)(A;;0x1200a9;;;AU)"`)
	}
	return sd.Append(nil), nil
}

func (f *shareFlags) uses() uint32 {
	if f.maxUsers == 0 {
		return unlimited
	}
	return f.maxUsers
}

func shareCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "share", Short: "Shares of the server"}
	add := &shareFlags{}
	addCmd := &cobra.Command{Use: "add NAME PATH", Short: "Add a share", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return a.shareAdd(c.Context(), args[0], args[1], add) }}
	add.add(addCmd)
	set := &shareFlags{}
	setCmd := &cobra.Command{Use: "set NAME", Short: "Change a share", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeShares,
		RunE: func(c *cobra.Command, args []string) error { return a.shareSet(c, args[0], set) }}
	set.add(setCmd)
	c.AddCommand(
		&cobra.Command{Use: "list", Short: "List the shares", Args: cobra.NoArgs, RunE: a.shareList},
		&cobra.Command{Use: "show NAME", Short: "Show a share with its descriptor", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeShares, RunE: a.shareShow},
		addCmd, setCmd,
		&cobra.Command{Use: "del NAME", Short: "Delete a share; its files stay", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeShares, RunE: a.shareDel},
	)
	return a.remotely(c)
}

func (a *app) shares(ctx context.Context) ([]share, error) {
	cl, done, err := a.srvsvc(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	var out []share
	resume := ptr(uint32(0))
	for {
		in := &srvsvc.NetrShareEnumRequest{PreferedMaximumLength: 1 << 20, ResumeHandle: resume}
		in.InfoStruct.Level = 502
		in.InfoStruct.ShareInfo.Level502 = &srvsvc.SHARE_INFO_502_CONTAINER{}
		res, err := cl.NetrShareEnum(ctx, in)
		if err != nil {
			return nil, err
		}
		more := nt.WinError(res.Return) == nt.WErrMoreData
		if !more {
			if err := win32(res.Return, "list the shares"); err != nil {
				return nil, err
			}
		}
		l := res.InfoStruct.ShareInfo.Level502
		if l == nil || more && len(l.Buffer) == 0 {
			return out, nil
		}
		for i := range l.Buffer {
			out = append(out, shareOf(&l.Buffer[i]))
		}
		if resume = res.ResumeHandle; !more || resume == nil {
			return out, nil
		}
	}
}

func (a *app) completeShares(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, _ := a.shares(c.Context())
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func limit(n *uint32) string {
	if n == nil {
		return "no limit"
	}
	return strconv.FormatUint(uint64(*n), 10)
}

func (a *app) shareList(c *cobra.Command, _ []string) error {
	list, err := a.shares(c.Context())
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(list))
	for _, s := range list {
		rows = append(rows, []string{s.Name, s.Path, strconv.Itoa(int(s.Users)), limit(s.MaxUsers), s.Comment})
	}
	if list == nil {
		list = []share{}
	}
	return a.print(c.OutOrStdout(), list, []string{"NAME", "PATH", "USERS", "LIMIT", "COMMENT"}, rows)
}

func (a *app) get(ctx context.Context, cl *srvsvc.Client, name string) (*srvsvc.SHARE_INFO_502_I, uint32, error) {
	res, err := cl.NetrShareGetInfo(ctx, &srvsvc.NetrShareGetInfoRequest{NetName: name, Level: 502})
	if err != nil {
		return nil, 0, err
	}
	if err := win32(res.Return, "share %s", name); err != nil {
		return nil, 0, shareHint(err, res.Return)
	}
	flags, err := cl.NetrShareGetInfo(ctx, &srvsvc.NetrShareGetInfoRequest{NetName: name, Level: 1005})
	if err != nil {
		return nil, 0, err
	}
	if err := win32(flags.Return, "share %s", name); err != nil {
		return nil, 0, err
	}
	if res.InfoStruct.ShareInfo502 == nil || flags.InfoStruct.ShareInfo1005 == nil {
		return nil, 0, fmt.Errorf("share %s: the server's answer has no data", name)
	}
	return res.InfoStruct.ShareInfo502, flags.InfoStruct.ShareInfo1005.Shi1005Flags, nil
}

func shareHint(err error, code uint32) error {
	if nt.WinError(code) == nt.NErrNetNameNotFound {
		return hint(err, "lwio share list shows what there is")
	}
	return err
}

func (a *app) shareShow(c *cobra.Command, args []string) error {
	cl, done, err := a.srvsvc(c.Context())
	if err != nil {
		return err
	}
	defer done()
	info, flags, err := a.get(c.Context(), cl, args[0])
	if err != nil {
		return err
	}
	s := shareOf(info)
	if s.Snapshots, err = a.snapshotsOf(c.Context(), args[0]); err != nil {
		return err
	}
	s.ABE, s.Encrypt, s.Compress, s.Continuous = flags&flagABE != 0, flags&flagEncrypt != 0, flags&flagCompress != 0, flags&flagContinuous != 0
	return a.print(c.OutOrStdout(), s, []string{"SHARE", s.Name}, [][]string{{"path", s.Path}, {"comment", s.Comment}, {"limit", limit(s.MaxUsers)},
		{"users", strconv.Itoa(int(s.Users))}, {"descriptor", s.SDDL}, {"encrypt", strconv.FormatBool(s.Encrypt)}, {"abe", strconv.FormatBool(s.ABE)},
		{"compress", strconv.FormatBool(s.Compress)}, {"continuous", strconv.FormatBool(s.Continuous)},
		{"snapshots", s.Snapshots}})
}

func (a *app) shareAdd(ctx context.Context, name, path string, f *shareFlags) error {
	sd, err := f.descriptor()
	if err != nil {
		return err
	}
	if err := f.checkSnapshots(); err != nil {
		return err
	}
	cl, done, err := a.srvsvc(ctx)
	if err != nil {
		return err
	}
	defer done()
	in := &srvsvc.NetrShareAddRequest{Level: 502, ParmErr: ptr(uint32(0)), InfoStruct: srvsvc.SHARE_INFO{ShareInfo502: &srvsvc.SHARE_INFO_502_I{
		Shi502Netname: &name, Shi502Path: &path, Shi502Remark: &f.comment, Shi502MaxUses: f.uses(),
		Shi502Reserved: uint32(len(sd)), Shi502SecurityDescriptor: sd}}}
	res, err := cl.NetrShareAdd(ctx, in)
	if err != nil {
		return err
	}
	if err := win32(res.Return, "add share %s", name); err != nil {
		switch nt.WinError(res.Return) {
		case nt.NErrDuplicateShare:
			return hint(err, "lwio share set %s changes the one that is there", name)
		case nt.NErrUnknownDevDir, nt.WErrBadPathname, nt.WErrPathNotFound, nt.WErrFileNotFound:
			return hint(err, "%s must be a directory of the server: an absolute path, or C:\\dir below a configured root", path)
		case nt.WErrInvalidParameter, nt.WErrInvalidName:
			if res.ParmErr != nil && *res.ParmErr != 0 {
				return hint(err, "the server refuses field %d (1 name, 3 type, 4 comment, 5 permissions, 6 limit, 8 path, 501 descriptor)", *res.ParmErr)
			}
		}
		return err
	}
	if f.snapshots != "" {
		if err := a.setSnapshots(ctx, name, f.snapshots); err != nil {
			return err
		}
	}
	if flags := f.of(0, func(string) bool { return true }); flags != 0 {
		return a.setShareFlags(ctx, cl, name, flags)
	}
	return nil
}

func (a *app) setShareFlags(ctx context.Context, cl *srvsvc.Client, name string, flags uint32) error {
	res, err := cl.NetrShareSetInfo(ctx, &srvsvc.NetrShareSetInfoRequest{NetName: name, Level: 1005, ParmErr: ptr(uint32(0)),
		ShareInfo: srvsvc.SHARE_INFO{ShareInfo1005: &srvsvc.SHARE_INFO_1005{Shi1005Flags: flags}}})
	if err != nil {
		return err
	}
	return win32(res.Return, "set flags of share %s", name)
}

func (a *app) shareSet(c *cobra.Command, name string, f *shareFlags) error {
	ctx := c.Context()
	sd, err := f.descriptor()
	if err != nil {
		return err
	}
	if err := f.checkSnapshots(); err != nil {
		return err
	}
	changed := c.Flags().Changed
	if changed("snapshots") {
		if err := a.setSnapshots(ctx, name, f.snapshots); err != nil {
			return err
		}
	}
	cl, done, err := a.srvsvc(ctx)
	if err != nil {
		return err
	}
	defer done()
	info, flags, err := a.get(ctx, cl, name)
	if err != nil {
		return err
	}
	if changed("comment") || changed("max-users") || sd != nil {
		if changed("comment") {
			info.Shi502Remark = &f.comment
		}
		if changed("max-users") {
			info.Shi502MaxUses = f.uses()
		}
		if sd != nil {
			info.Shi502SecurityDescriptor, info.Shi502Reserved = sd, uint32(len(sd))
		}
		res, err := cl.NetrShareSetInfo(ctx, &srvsvc.NetrShareSetInfoRequest{NetName: name, Level: 502, ParmErr: ptr(uint32(0)),
			ShareInfo: srvsvc.SHARE_INFO{ShareInfo502: info}})
		if err != nil {
			return err
		}
		if err := win32(res.Return, "set share %s", name); err != nil {
			return err
		}
	}
	if is := f.of(flags, changed); is != flags {
		return a.setShareFlags(ctx, cl, name, is)
	}
	return nil
}

func (a *app) shareDel(c *cobra.Command, args []string) error {
	cl, done, err := a.srvsvc(c.Context())
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.NetrShareDel(c.Context(), &srvsvc.NetrShareDelRequest{NetName: args[0]})
	if err != nil {
		return err
	}
	return shareHint(win32(res.Return, "delete share %s", args[0]), res.Return)
}
