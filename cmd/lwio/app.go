package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/config"
	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/rpc"
	"lwio/rpc/client"
)

// app is what the commands share.
type app struct {
	socket string
	json   bool

	// Of a command that was told another machine, \\server, as its first argument.
	server string
	as     *rpcFlags
}

// remotely lets a group of commands take \\server before their arguments, and as whom to log on there.
func (a *app) remotely(group *cobra.Command) *cobra.Command {
	f := &rpcFlags{}
	p := group.PersistentFlags()
	f.identity(p.StringVarP, p.StringVar, p.BoolVar)
	p.DurationVar(&f.timeout, "timeout", 30*time.Second, "give up after this time")
	for _, c := range group.Commands() {
		name, rest, _ := strings.Cut(c.Use, " ")
		c.Use = strings.TrimSpace(name + ` [\\server] ` + rest)
		check, run := c.Args, c.RunE
		c.Args = func(c *cobra.Command, args []string) error {
			_, args = serverArg(args)
			return check(c, args)
		}
		c.RunE = func(c *cobra.Command, args []string) error {
			a.as = f
			a.server, args = serverArg(args)
			return run(c, args)
		}
	}
	return group
}

func (a *app) path() string {
	if a.socket != "" {
		return a.socket
	}
	if s := os.Getenv("LWIO_SOCKET"); s != "" {
		return s
	}
	return config.DefaultSocket()
}

// connect opens the daemon's socket.
func (a *app) connect(ctx context.Context) (*ipc.Client, error) {
	path := a.path()
	c, err := ipc.Dial(ctx, path)
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, hint(fmt.Errorf("no daemon answers at %s", path), "start lwiod, or name its socket with --socket or LWIO_SOCKET")
	case errors.Is(err, fs.ErrPermission):
		return nil, hint(fmt.Errorf("%s: permission denied", path), "run as root or as the user of the daemon")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, hint(fmt.Errorf("the daemon at %s closed the connection", path), "it may have too many clients; its log says more")
	}
	return nil, err
}

// bind opens a pipe of the daemon and binds an interface on it.
func (a *app) bind(ctx context.Context, pipe string, iface *rpc.Interface) (rpc.Caller, func(), error) {
	c, err := a.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	conn, err := pipes.Dial(ctx, c, pipe, pipes.DialConfig{Message: true})
	if err != nil {
		c.Shutdown()
		if errors.Is(err, nt.StatusObjectNameNotFound) {
			return nil, nil, hint(fmt.Errorf("the daemon serves no %s", iface.Name), "start lwiod with --services all, or the service's own daemon")
		}
		return nil, nil, err
	}
	assoc := client.NewConn(conn, client.Config{})
	b, err := assoc.Bind(ctx, iface, nil)
	if err != nil {
		assoc.Close()
		c.Shutdown()
		return nil, nil, err
	}
	return b, func() { assoc.Close(); c.Shutdown() }, nil
}

// win32 makes an error of the result of a call; what says what was asked for.
func win32(code uint32, what string, args ...any) error {
	w := nt.WinError(code)
	if w == nt.WErrSuccess {
		return nil
	}
	err := fmt.Errorf(what+": %w", append(args, w)...)
	if w == nt.WErrAccessDenied {
		return hint(err, "run as root or as the user of the daemon")
	}
	return err
}

// print writes rows as a table, or v as JSON.
func (a *app) print(w io.Writer, v any, head []string, rows [][]string) error {
	if a.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, r := range rows {
		for i := range r {
			r[i] = printable(r[i])
		}
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	return t.Flush()
}

// printable shows control characters, which a name from the network may have, as what they are.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0 {
		return s
	}
	q := fmt.Sprintf("%q", s)
	return q[1 : len(q)-1]
}

func ptr[T any](v T) *T { return &v }
