package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"lwio/gen/rdrctl"
	"lwio/iomgr/devctl"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/rpc/ndr"
)

func connectionCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "connection", Short: "Connections of the daemon to other servers"}
	c.AddCommand(
		&cobra.Command{Use: "list", Short: "List connections and the sessions on them", Args: cobra.NoArgs, RunE: a.connectionList},
		&cobra.Command{Use: "close SERVER", Short: "Cut the connection to a server", Args: cobra.ExactArgs(1), RunE: a.connectionClose,
			Long: "Cut the connection to a server, named as in a path: host or host:port. Files that the server keeps open meanwhile are opened again over a new\n" +
				"connection as soon as they are used; pipes and all other handles are lost."},
		&cobra.Command{Use: "cache", Short: "Show what the daemon keeps of other servers' files", Args: cobra.NoArgs, RunE: a.connectionCache},
	)
	return c
}

// redirector opens the controls of the daemon's redirector.
func (a *app) redirector(ctx context.Context) (*rdrctl.Client, func(), error) {
	c, err := a.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	dev, err := devctl.Open(ctx, c, `\rdr`)
	if err != nil {
		c.Shutdown()
		if nt.StatusOf(err) == nt.StatusAccessDenied {
			return nil, nil, hint(err, "run as root or as the user of the daemon")
		}
		return nil, nil, err
	}
	return rdrctl.NewClient(dev), func() { dev.Close(); c.Shutdown() }, nil
}

type connection struct {
	Server   string `json:"server"`
	User     string `json:"user"`
	State    string `json:"state"`
	Dialect  string `json:"dialect"`
	Signed   bool   `json:"signed"`
	Sealed   bool   `json:"encrypted"`
	Shares   uint32 `json:"shares"`
	Opens    uint32 `json:"opens"`
	Requests uint32 `json:"requests"`
}

func (a *app) connectionList(c *cobra.Command, _ []string) error {
	ctl, done, err := a.redirector(c.Context())
	if err != nil {
		return err
	}
	defer done()
	res, err := ctl.RdrConnectionEnum(c.Context(), &rdrctl.RdrConnectionEnumRequest{})
	if err != nil {
		return err
	}
	if err := win32(res.Return, "list the connections"); err != nil {
		return err
	}
	list := []connection{}
	rows := [][]string{}
	for _, s := range res.Sessions.Sessions {
		x := connection{Server: ndr.Text(s.Server), User: ndr.Text(s.User), State: "connecting", Signed: s.Signs != 0, Sealed: s.Encrypts != 0, Shares: s.Shares,
			Opens: s.Opens, Requests: s.Requests}
		if s.Connected != 0 {
			x.State = "connected"
		}
		if s.Dialect != 0 {
			x.Dialect = fmt.Sprint(smb2.Dialect(s.Dialect))
		}
		protection := ""
		switch {
		case x.Sealed:
			protection = "encrypted"
		case x.Signed:
			protection = "signed"
		}
		list = append(list, x)
		rows = append(rows, []string{x.Server, x.User, x.State, x.Dialect, protection, strconv.Itoa(int(x.Shares)), strconv.Itoa(int(x.Opens)), strconv.Itoa(int(x.Requests))})
	}
	return a.print(c.OutOrStdout(), list, []string{"SERVER", "USER", "STATE", "DIALECT", "PROTECTION", "SHARES", "OPENS", "REQUESTS"}, rows)
}

func (a *app) connectionClose(c *cobra.Command, args []string) error {
	ctl, done, err := a.redirector(c.Context())
	if err != nil {
		return err
	}
	defer done()
	res, err := ctl.RdrConnectionClose(c.Context(), &rdrctl.RdrConnectionCloseRequest{Server: args[0]})
	if err != nil {
		return err
	}
	err = win32(res.Return, "close the connection to %s", args[0])
	if nt.WinError(res.Return) == nt.WErrNotFound {
		return hint(err, "lwio connection list shows the servers")
	}
	return err
}

type cacheState struct {
	Bytes    int64 `json:"bytes"`
	Limit    int64 `json:"limit"`
	Hits     int64 `json:"hits"`
	Misses   int64 `json:"misses"`
	Leases   int64 `json:"leases"`
	Durable  int64 `json:"durable"`
	Reopened int64 `json:"reopened"`
	Lost     int64 `json:"lost"`
}

func (a *app) connectionCache(c *cobra.Command, _ []string) error {
	ctl, done, err := a.redirector(c.Context())
	if err != nil {
		return err
	}
	defer done()
	res, err := ctl.RdrCacheGet(c.Context(), &rdrctl.RdrCacheGetRequest{})
	if err != nil {
		return err
	}
	if err := win32(res.Return, "look at the cache"); err != nil {
		return err
	}
	k := res.Cache
	x := cacheState{k.Bytes, k.Limit, k.Hits, k.Misses, k.Leases, k.Durable, k.Reopened, k.Gone}
	row := make([]string, 0, 8)
	for _, n := range []int64{x.Bytes, x.Limit, x.Hits, x.Misses, x.Leases, x.Durable, x.Reopened, x.Lost} {
		row = append(row, strconv.FormatInt(n, 10))
	}
	return a.print(c.OutOrStdout(), x, []string{"BYTES", "LIMIT", "HITS", "MISSES", "LEASES", "DURABLE", "REOPENED", "LOST"}, [][]string{row})
}
