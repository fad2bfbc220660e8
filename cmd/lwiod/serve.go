package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lwio/cmd/internal/config"
	"lwio/cmd/internal/host"
	"lwio/gen/srvctl"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
	"lwio/pipes/npfs"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
	"lwio/services/authority"
	"lwio/services/domain"
	"lwio/services/epmapper"
	"lwio/services/eventlog"
	"lwio/services/state"
)

// stopTime is how long a stopping daemon lets calls and files end.
const stopTime = 10 * time.Second

// daemon is what runs; parts are stopped in the reverse of the order in which they were started.
type daemon struct {
	cfg   *config.Config
	log   *slog.Logger
	trace *slog.Logger // nil unless asked for
	stop  []func(context.Context) error

	workstation *state.Workstation
	registry    *state.Registry
	logs        *state.EventLogs
	accounts    *state.Accounts // nil where lsassd has them
	member      *domain.Member  // beside accounts
}

// serve runs the daemon until ctx ends.
func serve(ctx context.Context, cfg *config.Config, trace string) (err error) {
	d := &daemon{cfg: cfg, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Level()}))}
	slog.SetDefault(d.log)
	if trace != "" {
		f, err := os.OpenFile(trace, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("trace: %w", err)
		}
		defer f.Close()
		d.trace = slog.New(slog.NewTextHandler(f, nil))
	}
	defer func() {
		host.Notify("STOPPING=1")
		end, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		err = errors.Join(err, d.shutdown(end))
	}()
	began := time.Now()
	failed, err := d.start(ctx)
	if err != nil {
		return err
	}
	host.Notify("READY=1")
	d.log.Info("ready", "listen", cfg.Listen, "socket", cfg.Socket, "after", time.Since(began).Round(time.Millisecond))
	select {
	case <-ctx.Done():
		d.log.Info("stopping")
		return nil
	case err := <-failed:
		return err
	}
}

func (d *daemon) shutdown(ctx context.Context) error {
	var errs []error
	for i := len(d.stop) - 1; i >= 0; i-- {
		if err := d.stop[i](ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (d *daemon) onStop(f func(context.Context) error) { d.stop = append(d.stop, f) }

// start brings everything up. The channel tells of a part that failed later.
func (d *daemon) start(ctx context.Context) (<-chan error, error) {
	cfg := d.cfg
	failed := make(chan error, 1)
	activated, err := host.FromSystemd()
	if err != nil {
		return nil, err
	}
	store, err := host.OpenState(cfg, filepath.Join(cfg.State, "lwiod.db"))
	if err != nil {
		return nil, err
	}
	d.onStop(func(context.Context) error { return store.Close() })
	if d.workstation, err = state.NewWorkstation(ctx, store); err != nil {
		return nil, err
	}
	if d.registry, err = state.NewRegistry(ctx, store); err != nil {
		return nil, err
	}
	if err := d.openLogs(ctx, store); err != nil {
		return nil, err
	}
	m := iomgr.New(iomgr.Config{Log: d.log, Trace: d.trace})
	who, err := d.authority(ctx, store, m)
	if err != nil {
		return nil, err
	}
	d.onStop(m.Shutdown)
	var keys krb5.Keys
	if d.member != nil {
		keys = d.member
	} else if r, ok := who.(*authority.Remote); ok {
		keys = host.RemoteKeys(r)
	}
	mechs, err := host.NewMechanisms(who, cfg, keys, d.log)
	if err != nil {
		return nil, err
	}
	if err := d.defaultRoot(); err != nil {
		return nil, err
	}
	settings := state.NewServer(store)
	smb := d.smb(who.Host(), state.NewShares(store), mechs.SMB, activated.TCP)
	smb.SaveServer = settings.Put
	if smb.Server, err = settings.Load(ctx); err != nil {
		return nil, err
	}
	if c := cfg.Memory.Capacity; c > 0 {
		if err := m.Load(ctx, memfs.DriverEntry(memfs.Config{Capacity: c})); err != nil {
			return nil, err
		}
		smb.Devices = []string{"memfs"}
	}
	redirector, err := d.redirector(who.Host())
	if err != nil {
		return nil, err
	}
	drivers := []api.DriverEntry{npfs.DriverEntry(npfs.Config{}), pvfs.DriverEntry(pvfs.Config{IDs: d.ids(who), KernelOplocks: cfg.Files.KernelOplocks, LocalWatches: cfg.Files.LocalWatches}), redirector, srv.DriverEntry(smb)}
	names, err := cfg.ServiceList()
	if err != nil {
		return nil, err
	}
	// The services listen before the SMB server does, so that the first client finds them.
	for _, e := range drivers[:3] {
		if err := m.Load(ctx, e); err != nil {
			return nil, err
		}
	}
	policy, err := host.NewPolicy(cfg.RPC.Policy)
	if err != nil {
		return nil, err
	}
	registry := new(epmapper.Registry)
	h, err := host.Start(ctx, m, hosted(names, m, who, d, registry), server.Config{Logger: d.log, Mechanisms: mechs.RPC, Policy: policy}, d.endpoints(who, mechs, m, registry))
	if err != nil {
		return nil, err
	}
	d.onStop(func(ctx context.Context) error { h.Stop(ctx); return nil })
	go func() {
		select {
		case <-h.Failed():
			fail(failed, h.Err())
		case <-ctx.Done():
		}
	}()
	if err := m.Load(ctx, drivers[3]); err != nil {
		return nil, err
	}
	d.live(ctx)
	if d.accounts != nil {
		stop, err := host.Userdb(cfg, host.Directory(cfg, d.accounts, who, d.member), d.log)
		if err != nil {
			return nil, err
		}
		d.onStop(stop)
	}
	if r, ok := who.(*authority.Remote); ok {
		d.keepConnecting(ctx, r)
	}
	return failed, d.listenLocal(m, activated.Unix, failed)
}

// openLogs has what the daemon logs of logons, accounts and troubles written into the event logs from now on.
func (d *daemon) openLogs(ctx context.Context, store state.Store) (err error) {
	plain := d.log
	d.logs, err = state.NewEventLogs(ctx, store, func(err error) { plain.Error("event logs are not written", "err", err) })
	if err != nil {
		return err
	}
	computer := host.MachineHint(d.cfg).Name
	if computer == "" {
		name, _ := os.Hostname()
		computer = state.NetBIOSName(name)
	}
	d.log = slog.New(eventlog.Handler(plain.Handler(), d.logs, computer))
	slog.SetDefault(d.log)
	// The numbers are those of the event log service of Windows, when it starts and when it ends.
	note := func(id uint32) {
		_, _ = d.logs.Log(state.LogSystem).Report(state.EventRecord{ID: id, Type: 4, Source: "EventLog", Computer: computer})
	}
	note(6005)
	d.onStop(func(ctx context.Context) error {
		note(6006)
		d.log = plain
		slog.SetDefault(plain)
		return d.logs.Close(ctx)
	})
	return nil
}

// authority is who decides about logons: the accounts in the store, or lsassd, which need not be there yet.
func (d *daemon) authority(ctx context.Context, store state.Store, m *iomgr.Manager) (auth.Authority, error) {
	hint := host.MachineHint(d.cfg)
	if d.cfg.Remote() {
		return d.remoteAuthority(ctx, store, m, hint)
	}
	machine, err := state.LoadMachine(ctx, store, hint)
	if err != nil {
		return nil, err
	}
	accounts, err := state.NewAccounts(ctx, store, state.AccountsConfig{Machine: machine, Log: d.log, Lockout: state.Lockout{
		Threshold: uint32(d.cfg.Users.LockoutThreshold), Duration: time.Duration(d.cfg.Users.LockoutDuration)}})
	if err != nil {
		return nil, err
	}
	d.onStop(accounts.Close)
	d.accounts = accounts
	if d.member, err = host.NewMember(ctx, d.cfg, store, accounts, func() api.API { return m }, d.log); err != nil {
		return nil, err
	}
	d.onStop(func(context.Context) error { d.member.Close(); return nil })
	return domain.NewAuthority(accounts, d.member), nil
}

func (d *daemon) remoteAuthority(ctx context.Context, store state.Store, m *iomgr.Manager, hint state.MachineHint) (auth.Authority, error) {
	known, err := state.KnownHost(ctx, store, hint)
	if err != nil {
		return nil, err
	}
	if have, err := state.HasAccounts(ctx, store); err != nil {
		return nil, err
	} else if have {
		d.log.Warn("the accounts in this state are not used: lsassd has others; lsassd import takes them over while lwiod is stopped", "state", d.cfg.State)
	}
	return host.RemoteAuthority(m, known, func(h auth.Host) {
		if err := state.RememberHost(context.Background(), store, h); err != nil {
			d.log.Error("remember the host that lsassd names", "err", err)
		}
	}, d.log), nil
}

// keepConnecting asks lsassd who the host is, as soon as there is one to ask.
func (d *daemon) keepConnecting(ctx context.Context, r *authority.Remote) {
	asking, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { host.KeepConnecting(asking, r) })
	d.onStop(func(context.Context) error {
		cancel()
		wg.Wait()
		return r.Close()
	})
}

// defaultRoot gives drive C: a folder of the state where the configuration has no roots, so that administrators' tools, which think in
// drives, have one.
func (d *daemon) defaultRoot() error {
	if len(d.cfg.Roots) > 0 {
		return nil
	}
	dir, err := filepath.Abs(filepath.Join(d.cfg.State, "c"))
	if err != nil {
		return err
	}
	d.cfg.Roots = map[string]string{"C:": dir}
	return os.MkdirAll(dir, 0o755)
}

// smb configures the SMB server.
func (d *daemon) smb(self auth.Host, shares *state.Shares, mech auth.Mechanism, listeners []net.Listener) srv.Config {
	cfg, l := d.cfg, d.cfg.Limits
	c := srv.Config{Listeners: listeners, Auth: mech, Host: self, Comment: cfg.Host.Comment, Shares: shareTable{shares, d.trace, d.log}, Roots: cfg.Roots,
		Limits: srv.Limits{Connections: l.Connections, ConnectionsPerAddress: l.ConnectionsPerAddress, SessionsPerConnection: l.SessionsPerConnection,
			TreesPerSession: l.TreesPerSession, OpensPerSession: l.OpensPerSession, AuthTimeout: time.Duration(l.AuthTimeout), IdleTimeout: time.Duration(l.IdleTimeout)}}
	if len(listeners) == 0 {
		c.Addresses = cfg.Listen
	}
	if cfg.SMB.Signing == "enabled" {
		c.Signing = srv.SigningEnabled
	}
	switch cfg.SMB.Encryption {
	case "required":
		c.Encryption = srv.EncryptionRequired
	case "off":
		c.Encryption = srv.EncryptionOff
	}
	if cfg.SMB.Compression == "off" {
		c.Compression = srv.CompressionOff
	}
	if cfg.SMB.POSIX == "off" {
		c.POSIX = srv.POSIXOff
	}
	return c
}

// listenLocal serves the Nt API on the unix socket.
func (d *daemon) listenLocal(m *iomgr.Manager, activated []net.Listener, failed chan<- error) error {
	listeners := activated
	if len(listeners) == 0 {
		l, err := host.ListenUnix(d.cfg.Socket)
		if err != nil {
			return fmt.Errorf("listen for local programs: %w", err)
		}
		listeners = append(listeners, l)
	}
	tokens := state.NewUnixTokens(nil)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, l := range listeners {
		wg.Go(func() {
			err := ipc.Serve(ctx, l, ipc.ServerConfig{API: m, Log: d.log, Token: func(p api.Process) (*nt.Token, error) {
				return tokens.ForUID(p.UID, p.GID), nil
			}})
			if err != nil {
				fail(failed, err)
			}
		})
	}
	d.onStop(func(context.Context) error {
		cancel()
		wg.Wait()
		return nil
	})
	return nil
}

// fail tells the daemon to end; of several reasons the first counts.
func fail(failed chan<- error, err error) {
	select {
	case failed <- err:
	default:
	}
}

// shareTable writes commits to the trace.
type shareTable struct {
	*state.Shares
	trace *slog.Logger
	log   *slog.Logger
}

func (t shareTable) Put(ctx context.Context, s *srvctl.SRVCTL_SHARE) error {
	err := t.Shares.Put(ctx, s)
	t.note("put", ndr.Text(s.Name), err)
	if err == nil {
		t.log.Info("share put", "share", ndr.Text(s.Name), "path", ndr.Text(s.Path))
	}
	return err
}

func (t shareTable) Delete(ctx context.Context, name string) error {
	err := t.Shares.Delete(ctx, name)
	t.note("delete", name, err)
	if err == nil {
		t.log.Info("share deleted", "share", name)
	}
	return err
}

func (t shareTable) note(what, share string, err error) {
	if t.trace != nil {
		t.trace.Info("commit", "what", what, "share", share, "status", nt.StatusOf(err).Name())
	}
}
