// Command srvsvcd serves srvsvc, the interface that administers the SMB server, from a process of its own: it listens on the pipe of a running lwiod
// and sends device controls to it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/config"
	"lwio/cmd/internal/host"
	"lwio/iomgr/ipc"
	"lwio/rpc/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var socket string
	root := &cobra.Command{
		Use: "srvsvcd", Short: "Serve srvsvc for a running lwiod", Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c.Context(), socket) },
	}
	root.Flags().StringVar(&socket, "socket", config.DefaultSocket(), "socket of lwiod")
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "srvsvcd:", err)
		os.Exit(1)
	}
}

// errGone says that lwiod went.
var errGone = errors.New("lwiod went away")

// serve serves until ctx ends. lwiod may start later and may go and come back.
func serve(ctx context.Context, socket string) error {
	wait := 50 * time.Millisecond
	said := false
	for {
		began := time.Now()
		err := session(ctx, socket, func() { said = false })
		if ctx.Err() != nil {
			return nil
		}
		if !said {
			slog.Warn("not serving; trying again until lwiod is there", "socket", socket, "err", err)
			said = true
		}
		if time.Since(began) > time.Minute {
			wait = 50 * time.Millisecond
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// session serves over one connection to lwiod.
func session(ctx context.Context, socket string, ready func()) error {
	c, err := ipc.Dial(ctx, socket)
	if err != nil {
		return err
	}
	defer c.Shutdown()
	h, err := host.Start(ctx, c, []host.Service{host.Srvsvc(c, nil, false)}, server.Config{})
	if err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		h.Stop(stop)
	}()
	ready()
	slog.Info("serving srvsvc", "socket", socket)
	host.Notify("READY=1")
	select {
	case <-ctx.Done():
		host.Notify("STOPPING=1")
		return nil
	case <-c.Done():
		return errGone
	case <-h.Failed():
		return h.Err()
	}
}
