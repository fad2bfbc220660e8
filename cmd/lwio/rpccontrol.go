package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/host"
	"lwio/gen/rpcctl"
	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
)

// control is the control of one daemon's RPC runtime.
type control struct {
	daemon string
	*rpcctl.Client
	conn *client.Conn
}

// controls reaches the daemons: the one of that name, or all that are there.
func (a *app) controls(ctx context.Context, daemon string) (list []*control, done func(), err error) {
	c, err := a.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	var open []*control
	end := func() {
		for _, x := range open {
			x.conn.Close()
		}
		c.Shutdown()
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	names, err := daemons(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if daemon != "" && daemon != name {
			continue
		}
		conn, err := pipes.Dial(ctx, c, host.ControlPrefix+name, pipes.DialConfig{Message: true})
		if err != nil {
			if errors.Is(err, nt.StatusAccessDenied) {
				err = hint(fmt.Errorf("control of %s: access denied", name), "run as root or as the user of the daemon")
			}
			return nil, nil, err
		}
		assoc := client.NewConn(conn, client.Config{})
		open = append(open, &control{daemon: name, conn: assoc})
		b, err := assoc.Bind(ctx, rpcctl.RpcctlInterface, nil)
		if err != nil {
			return nil, nil, err
		}
		open[len(open)-1].Client = rpcctl.NewClient(b)
	}
	if len(open) == 0 {
		if len(names) == 0 {
			return nil, nil, fmt.Errorf("no daemon has a pipe %s…", host.ControlPrefix)
		}
		return nil, nil, hint(usage("no daemon %q", daemon), "there are %s", strings.Join(names, ", "))
	}
	return open, end, nil
}

// daemons are the names of the daemons that can be controlled.
func daemons(ctx context.Context, c *ipc.Client) ([]string, error) {
	entries, err := pipes.List(ctx, c, host.ControlPrefix+"*")
	if err != nil && !errors.Is(err, nt.StatusNoSuchFile) && !errors.Is(err, nt.StatusNoMoreFiles) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimPrefix(e.Name, host.ControlPrefix))
	}
	slices.Sort(names)
	return names, nil
}

func policyCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "policy", Short: "Which calls the daemons of this machine let through", Args: cobra.NoArgs}
	var daemon string
	c.PersistentFlags().StringVar(&daemon, "daemon-name", "", "only that daemon: lwiod, lsassd or srvsvcd")
	show := &cobra.Command{Use: "show [INTERFACE]", Short: "Show the settings of all interfaces, or of one and its operations, and where they come from", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.policyShow(c, daemon, args) }}
	var t policyTest
	test := &cobra.Command{Use: "test CALLER INTERFACE OPERATION", Short: "Say whether a call would be let through, and what decides", Args: cobra.ExactArgs(3),
		Long: `Say whether a call would be let through, and what decides. Nothing is called.

CALLER is an account, DOMAIN\account, a SID, or anonymous. Of local accounts the groups are known; of others what --group names counts besides.
The exit status is 0 where the call would be let through, and 1 where it would not.`,
		RunE: func(c *cobra.Command, args []string) error { return a.policyTest(c, daemon, &t, args) }}
	p := test.Flags()
	p.StringVar(&t.transport, "transport", "ncacn_np", "how it comes: ncacn_np, ncacn_ip_tcp or ncalrpc")
	p.StringVar(&t.level, "level", "none", "how RPC itself authenticates it: none, connect, packet, integrity or privacy")
	p.StringSliceVar(&t.groups, "group", nil, "SIDs of groups that the caller is a member of besides")
	c.AddCommand(show, test)
	return c
}

type policySetting struct {
	Daemon    string `json:"daemon"`
	Interface string `json:"interface"`
	UUID      string `json:"uuid"`
	Version   string `json:"version"`
	Service   string `json:"service"`
	Opnum     *int   `json:"opnum"` // null for all
	Operation string `json:"operation"`
	Setting   string `json:"setting"`
	Value     string `json:"value"`
	Source    string `json:"source"`
}

func (a *app) policyShow(c *cobra.Command, daemon string, args []string) error {
	list, done, err := a.controls(c.Context(), daemon)
	if err != nil {
		return err
	}
	defer done()
	in := &rpcctl.RpcctlPolicyEnumRequest{}
	if len(args) > 0 {
		in.InterfaceName = &args[0]
	}
	all, rows := []policySetting{}, [][]string{}
	for _, x := range list {
		res, err := x.RpcctlPolicyEnum(c.Context(), in)
		if err != nil {
			return err
		}
		if nt.WinError(res.Return) == nt.WErrNotFound {
			continue
		}
		if err := win32(res.Return, "policy of %s", x.daemon); err != nil {
			return err
		}
		for _, s := range res.Settings.Settings {
			p := policySetting{Daemon: x.daemon, Interface: ndr.Text(s.InterfaceName), UUID: s.Uuid.String(), Version: fmt.Sprintf("%d.%d", s.VersMajor, s.VersMinor), Service: ndr.Text(s.Service),
				Operation: ndr.Text(s.Operation), Setting: ndr.Text(s.Setting), Value: ndr.Text(s.Value), Source: ndr.Text(s.Source)}
			name := "*"
			if s.Opnum != rpcctl.RPCCTL_ALL_OPERATIONS {
				p.Opnum = ptr(int(s.Opnum))
				name = fmt.Sprintf("%d %s", s.Opnum, p.Operation)
			}
			all = append(all, p)
			if len(args) == 0 && p.Source == "default" && p.Setting != "min_level" {
				continue // the table of all has what somebody has set
			}
			rows = append(rows, []string{p.Daemon, p.Interface, name, p.Setting, p.Value, p.Source})
		}
	}
	if len(all) == 0 && len(args) > 0 {
		return hint(fmt.Errorf("no daemon serves %q", args[0]), "lwio rpc policy show lists what is served")
	}
	return a.print(c.OutOrStdout(), all, []string{"DAEMON", "INTERFACE", "OPERATION", "SETTING", "VALUE", "SOURCE"}, rows)
}

type policyTest struct {
	transport, level string
	groups           []string
}

type policyVerdict struct {
	Source    string `json:"source"`
	Condition string `json:"condition"`
	Refusal   string `json:"refusal,omitempty"`
}

type policyResult struct {
	Daemon   string          `json:"daemon"`
	Allowed  bool            `json:"allowed"`
	Decides  string          `json:"decides"` // source of the condition that refuses
	SIDs     []string        `json:"sids"`
	Verdicts []policyVerdict `json:"verdicts"`
}

// errRefused is the exit status of a call that would not be let through.
var errRefused = errors.New("the call would be refused")

func (a *app) policyTest(c *cobra.Command, daemon string, t *policyTest, args []string) error {
	list, done, err := a.controls(c.Context(), daemon)
	if err != nil {
		return err
	}
	defer done()
	in := &rpcctl.RpcctlPolicyTestRequest{Caller: args[0], InterfaceName: args[1], Operation: args[2], Level: t.level, Transport: t.transport}
	for _, g := range t.groups {
		if _, err := nt.ParseSID(g); err != nil {
			return usage("--group %s: want a SID, S-1-…", g)
		}
		in.Groups.Sids = append(in.Groups.Sids, &g)
	}
	in.Groups.Count = uint32(len(in.Groups.Sids))
	unknown := ""
	for _, x := range list {
		res, err := x.RpcctlPolicyTest(c.Context(), in)
		if err != nil {
			return err
		}
		switch nt.WinError(res.Return) {
		case nt.WErrNotFound:
			continue
		case nt.WErrNoneMapped: // another daemon may know it
			unknown = x.daemon
			continue
		case nt.WErrInvalidParameter:
			return usage("--level %s --transport %s: want a level of none, connect, packet, integrity, privacy and a transport of ncacn_np, ncacn_ip_tcp, ncalrpc", t.level, t.transport)
		}
		if err := win32(res.Return, "test the policy of %s", x.daemon); err != nil {
			return err
		}
		return a.printTest(c, x.daemon, res)
	}
	if unknown != "" {
		return hint(fmt.Errorf("%s knows nobody called %q", unknown, args[0]), "give a SID, with --group for the groups that count")
	}
	return hint(fmt.Errorf("no daemon serves the operation %s of %s", args[2], args[1]), "lwio rpc policy show %s lists the operations", args[1])
}

func (a *app) printTest(c *cobra.Command, daemon string, res *rpcctl.RpcctlPolicyTestResponse) error {
	out := policyResult{Daemon: daemon, Allowed: res.Allowed != 0, Verdicts: []policyVerdict{}}
	for _, s := range res.Sids.Sids {
		out.SIDs = append(out.SIDs, ndr.Text(s))
	}
	rows := [][]string{}
	for _, v := range res.Verdicts.Verdicts {
		x := policyVerdict{ndr.Text(v.Source), ndr.Text(v.Condition), ndr.Text(v.Refusal)}
		out.Verdicts = append(out.Verdicts, x)
		says := "lets it through"
		if x.Refusal != "" {
			says = "refuses it: " + x.Refusal
			if out.Decides == "" {
				out.Decides = x.Source
			}
		}
		rows = append(rows, []string{x.Source, x.Condition, says})
	}
	w := c.OutOrStdout()
	if !a.json {
		switch {
		case out.Allowed && len(rows) == 0:
			fmt.Fprintf(w, "let through by %s: no rule is about it\n", daemon)
			return nil
		case out.Allowed:
			fmt.Fprintf(w, "let through by %s\n", daemon)
		default:
			fmt.Fprintf(w, "refused by %s: %s\n", daemon, out.Decides)
		}
	}
	if err := a.print(w, out, []string{"SOURCE", "CONDITION", "SAYS"}, rows); err != nil {
		return err
	}
	if !out.Allowed {
		return errRefused
	}
	return nil
}
