package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lwio/gen/account"
	"lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

const idLong = `Tell who somebody is: by a name (alice, LAB\alice, alice@lab.test), a SID, or a Unix id; without an argument, who runs this command. The daemon is asked, and neither nsswitch
nor a name service of the system has to know of it. Groups are those that the machine knows of without a logon.`

func idCommand(a *app) *cobra.Command {
	var group bool
	c := &cobra.Command{Use: "id [NAME|SID|UID]", Short: "Tell SID, Unix id and groups of somebody", Long: idLong, Args: cobra.MaximumNArgs(1),
		Example: "  lwio id alice\n  lwio id 201000\n  lwio id --group 200513\n  lwio id S-1-5-32-544",
		RunE:    func(c *cobra.Command, args []string) error { return a.id(c, args, group) }}
	c.Flags().BoolVarP(&group, "group", "g", false, "a number is a group's id, not a user's")
	return c
}

// identityRow is the entry, and each of its groups.
type identityRow struct {
	Name    string  `json:"name"`
	SID     string  `json:"sid"`
	Type    string  `json:"type"`
	ID      *uint32 `json:"id,omitempty"`
	Primary bool    `json:"primary,omitempty"`
}

type identityAnswer struct {
	identityRow
	Groups []identityRow `json:"groups"`
}

func (a *app) id(c *cobra.Command, args []string, group bool) error {
	in := &account.AccountIdentifyRequest{Kind: account.ACCOUNT_BY_UID, Id: uint32(os.Getuid())}
	what := "this user"
	if len(args) == 1 {
		what = args[0]
		if id, err := strconv.ParseUint(what, 10, 32); err == nil {
			if in.Id = uint32(id); group {
				in.Kind = account.ACCOUNT_BY_GID
			}
		} else {
			in = &account.AccountIdentifyRequest{Kind: account.ACCOUNT_BY_NAME, Name: &args[0]}
		}
	}
	b, done, err := a.bind(c.Context(), "lwio", account.AccountInterface)
	if err != nil {
		return err
	}
	defer done()
	out, err := account.NewClient(b).AccountIdentify(c.Context(), in)
	if err != nil {
		return err
	}
	if nt.WinError(out.Return) == nt.WErrNoneMapped {
		return hint(fmt.Errorf("%s is nobody that this machine knows", what), "lwio user list, and lwio sam group list, show who is here; names of a domain are DOMAIN\\name")
	}
	if err := win32(out.Return, "look for %s", what); err != nil {
		return err
	}
	if len(out.Identities.Identities) == 0 {
		return fmt.Errorf("look for %s: the daemon answered with nobody", what)
	}
	var list []identityRow
	var rows [][]string
	for _, x := range out.Identities.Identities {
		r := identityRow{Name: ndr.Text(x.Name), SID: ndr.Text(x.Sid), Type: sidType(lsarpc.SID_NAME_USE(x.Type)), Primary: x.Primary != 0}
		id := ""
		if x.HasId != 0 {
			r.ID, id = ptr(x.Id), strconv.FormatUint(uint64(x.Id), 10)
		}
		list = append(list, r)
		kind := r.Type
		if r.Primary {
			kind = "primary " + kind
		}
		rows = append(rows, []string{r.Name, id, kind, r.SID})
	}
	answer := identityAnswer{identityRow: list[0], Groups: slices.Clone(list[1:])}
	if answer.Groups == nil {
		answer.Groups = []identityRow{}
	}
	return a.print(c.OutOrStdout(), answer, strings.Fields("NAME ID TYPE SID"), rows)
}
