// Command srvsvcd serves srvsvc, the interface that administers the SMB server, from a process of its own: it listens on the pipe of a running lwiod
// and sends device controls to it. Clients that authenticate to the interface itself are verified by the authority of that lwiod's pipes: lsassd,
// or lwiod.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/config"
	"lwio/cmd/internal/host"
	"lwio/iomgr/auth"
	"lwio/iomgr/ipc"
	"lwio/rpc/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "srvsvcd:", err)
		os.Exit(1)
	}
}

func newRoot() *cobra.Command {
	var file, socket, level string
	root := &cobra.Command{
		Use: "srvsvcd", Short: "Serve srvsvc for a running lwiod", Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Merge(file, func(cfg *config.Config) {
				config.Set(c.Flags(), "socket", &cfg.Socket, socket)
				config.Set(c.Flags(), "log-level", &cfg.LogLevel, level)
			})
			if err != nil {
				return err
			}
			return serve(c.Context(), cfg)
		},
	}
	root.Flags().StringVar(&file, "config", "", "configuration file, lwiod's own")
	root.Flags().StringVar(&socket, "socket", "", "socket of lwiod (default that of the system or of the user)")
	root.Flags().StringVar(&level, "log-level", "", "debug, info (default), warn or error")
	return root
}

// serve serves until ctx ends. lwiod may start later and may go and come back.
func serve(ctx context.Context, cfg *config.Config) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Level()}))
	slog.SetDefault(log)
	drives := slices.Sorted(maps.Keys(cfg.Roots))
	var known atomic.Pointer[auth.Host] // of one connection to the next
	self := host.MachineHint(cfg).Host()
	known.Store(&self)
	policy, err := host.NewPolicy(cfg.RPC.Policy)
	if err != nil {
		return err
	}
	d := host.Daemon{Name: "srvsvcd", Socket: cfg.Socket, Mapper: cfg.LocalEndpoints(), Log: log, Services: func(ctx context.Context, c *ipc.Client) ([]host.Service, server.Config, host.Endpoints, error) {
		authority := host.RemoteAuthority(c, *known.Load(), func(h auth.Host) { known.Store(&h) }, log)
		mechs, err := host.NewMechanisms(authority, cfg, host.RemoteKeys(authority), log)
		if err != nil {
			return nil, server.Config{}, host.Endpoints{}, err
		}
		go host.KeepConnecting(ctx, authority)
		return []host.Service{host.Srvsvc(c, drives, cfg.SMB.Anonymous)}, server.Config{Mechanisms: mechs.RPC, Policy: policy}, host.Beside(cfg, &cfg.Srvsvcd, mechs, authority), nil
	}}
	return d.Run(ctx)
}
