// Command lsassd has the accounts and decides about logons, in a process of its own: it listens on the pipes of a running lwiod and serves lsarpc,
// dssetup, the administration of accounts and, to the other daemons, the authority itself. lwiod is told so by `authority = "lsassd"`.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/config"
	"lwio/cmd/internal/host"
	"lwio/iomgr/ipc"
	"lwio/rpc/server"
	"lwio/services/domain"
	"lwio/services/state"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "lsassd:", err)
		os.Exit(1)
	}
}

// storeName is the file in the folder of the state.
const storeName = "lsassd.db"

type flags struct{ file, state, socket, level string }

func newRoot() *cobra.Command {
	f := &flags{}
	root := &cobra.Command{
		Use: "lsassd", Short: "Accounts and logons for a running lwiod", Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		Example: "  lsassd --config /etc/lwio/lwiod.toml\n  lsassd import /var/lib/lwio/lwiod.db --config /etc/lwio/lwiod.toml",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.merge(c)
			if err != nil {
				return err
			}
			return serve(c.Context(), cfg)
		},
	}
	p := root.PersistentFlags()
	p.StringVar(&f.file, "config", "", "configuration file, lwiod's own")
	p.StringVar(&f.state, "state", "", "folder of the state (needed, here or in the file); lwiod's may be the same")
	p.StringVar(&f.socket, "socket", "", "socket of lwiod (default that of the system or of the user)")
	p.StringVar(&f.level, "log-level", "", "debug, info (default), warn or error")
	root.AddCommand(&cobra.Command{
		Use: "import LWIOD.DB", Short: "Take the accounts and the machine's SID over from a stopped lwiod that had them", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := f.merge(c)
			if err != nil {
				return err
			}
			n, err := takeOver(c.Context(), cfg, args[0], filepath.Join(cfg.State, storeName))
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%d accounts\n", n)
			return nil
		},
	})
	return root
}

func (f *flags) merge(c *cobra.Command) (*config.Config, error) {
	cfg, err := config.Merge(f.file, func(cfg *config.Config) {
		config.Set(c.Flags(), "state", &cfg.State, f.state)
		config.Set(c.Flags(), "socket", &cfg.Socket, f.socket)
		config.Set(c.Flags(), "log-level", &cfg.LogLevel, f.level)
	})
	if err == nil && cfg.State == "" {
		err = errors.New("no state folder: give --state DIR, or state = \"DIR\" in the file")
	}
	return cfg, err
}

// takeOver copies accounts of one file into another.
func takeOver(ctx context.Context, cfg *config.Config, from, to string) (int, error) {
	if _, err := os.Stat(from); err != nil { // opening makes a file that is not there
		return 0, err
	}
	src, err := host.OpenState(cfg, from)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	dst, err := host.OpenState(cfg, to)
	if err != nil {
		return 0, err
	}
	n, err := state.CopyAccounts(ctx, src, dst)
	return n, errors.Join(err, dst.Close())
}

// serve serves until ctx ends. lwiod may start later and may go and come back.
func serve(ctx context.Context, cfg *config.Config) (err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Level()}))
	slog.SetDefault(log)
	store, err := host.OpenState(cfg, filepath.Join(cfg.State, storeName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	machine, err := state.LoadMachine(ctx, store, host.MachineHint(cfg))
	if err != nil {
		return err
	}
	accounts, err := state.NewAccounts(ctx, store, state.AccountsConfig{Machine: machine, Log: log, Lockout: state.Lockout{
		Threshold: uint32(cfg.Users.LockoutThreshold), Duration: time.Duration(cfg.Users.LockoutDuration)}})
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = errors.Join(err, accounts.Close(end))
	}()
	link := new(host.Link)
	member, err := host.NewMember(ctx, cfg, store, accounts, link.API, log)
	if err != nil {
		return err
	}
	defer member.Close()
	who := domain.NewAuthority(accounts, member)
	mechs, err := host.NewMechanisms(who, cfg, member, log)
	if err != nil {
		return err
	}
	policy, err := host.NewPolicy(cfg.RPC.Policy)
	if err != nil {
		return err
	}
	remote, err := cfg.Users.RemoteDescriptor()
	if err != nil {
		return err
	}
	directory := host.Directory(cfg, accounts, who, member)
	stop, err := host.Userdb(cfg, directory, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop(context.Background())) }()
	d := host.Daemon{Name: "lsassd", Socket: cfg.Socket, Mapper: cfg.LocalEndpoints(), Log: log, Services: func(session context.Context, c *ipc.Client) ([]host.Service, server.Config, host.Endpoints, error) {
		link.Set(session, c)
		return []host.Service{host.Authority(who, accounts, member), host.Account(accounts, directory), host.Domain(member),
			host.Together("lsass", host.Lsarpc(who, cfg.Host.Workgroup), host.Samr(accounts, remote, log))}, server.Config{Mechanisms: mechs.RPC, Policy: policy}, host.Beside(cfg, &cfg.Lsassd, mechs, who), nil
	}}
	running, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { member.Run(running) })
	defer wg.Wait()
	defer cancel()
	return d.Run(ctx)
}
