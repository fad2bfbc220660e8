// Command lwiod is the I/O manager with its drivers (named pipes, POSIX files, the SMB server) and, unless told otherwise, every service.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/config"
	"lwio/cmd/internal/host"
	"lwio/services/state"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer runtime.KeepAlive(raiseHeap())
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "lwiod:", err)
		var u usageError
		if errors.As(err, &u) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// usageError is a mistake in the command line or the configuration.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// flags of the command line; those that are set win over the file.
type flags struct {
	file, state, socket, signing, authority, logLevel, trace string
	listen, services                                         []string
}

func newRoot() *cobra.Command {
	f := &flags{}
	root := &cobra.Command{
		Use:   "lwiod",
		Short: "I/O manager, named pipes, SMB server and RPC services in one daemon",
		Example: "  lwiod --state /var/lib/lwio --listen 0.0.0.0:445 --socket /run/lwio/lwiod.sock\n" +
			"  lwiod --config /etc/lwio/lwiod.toml",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.merge(c)
			if err != nil {
				return usageError{err}
			}
			return serve(c.Context(), cfg, f.trace)
		},
	}
	p := root.Flags()
	p.StringVar(&f.file, "config", "", "configuration file")
	p.StringVar(&f.state, "state", "", "folder of the state (needed, here or in the file)")
	p.StringArrayVar(&f.listen, "listen", nil, "address and port of the SMB server; may be given several times")
	p.StringVar(&f.socket, "socket", "", "unix socket for local programs (default that of the system or of the user)")
	p.StringVar(&f.signing, "signing", "", "required (default) or enabled")
	p.StringVar(&f.authority, "authority", "", "who decides about logons: local (default), or lsassd, the daemon of that name")
	p.StringSliceVar(&f.services, "services", nil, "all (default), none, or a list of services")
	p.StringVar(&f.trace, "trace", "", "write a line for every request of the I/O manager and every commit to this file")
	p.StringVar(&f.logLevel, "log-level", "", "debug, info (default), warn or error")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(&cobra.Command{
		Use: "check FILE", Short: "Check a configuration file", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0])
			if err == nil {
				_, err = host.NewPolicy(cfg.RPC.Policy)
			}
			if err != nil {
				return usageError{err}
			}
			fmt.Fprintln(c.OutOrStdout(), args[0]+": ok")
			return nil
		},
	})
	root.AddCommand(&cobra.Command{
		Use: "seal-key FILE", Short: "Make a key for seal_key_file, or put a new one before those of the file", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return state.AddSealKey(args[0]) },
	})
	return root
}

// merge reads the file and puts the flags over it.
func (f *flags) merge(c *cobra.Command) (*config.Config, error) {
	cfg, err := config.Merge(f.file, func(cfg *config.Config) { f.put(c, cfg) })
	if err == nil && cfg.State == "" {
		err = errors.New("no state folder: give --state DIR, or state = \"DIR\" in the file")
	}
	return cfg, err
}

// put puts the flags that were given over the file's settings.
func (f *flags) put(c *cobra.Command, cfg *config.Config) {
	set := func(name string, to *string, v string) { config.Set(c.Flags(), name, to, v) }
	set("state", &cfg.State, f.state)
	set("socket", &cfg.Socket, f.socket)
	set("signing", &cfg.SMB.Signing, f.signing)
	set("authority", &cfg.Authority, f.authority)
	set("log-level", &cfg.LogLevel, f.logLevel)
	if len(f.listen) > 0 {
		cfg.Listen = f.listen
	}
	if len(f.services) > 0 {
		cfg.Services = f.services
	}
}
