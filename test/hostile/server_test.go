package hostile

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lwio/gen/srvctl"
	"lwio/iomgr"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/devctl"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/pipes/npfs"
	"lwio/rpc"
	"lwio/rpc/server"
	"lwio/services/state"
)

// The accounts of the server. Victim is the one whose logons are mutated: it gets locked out, and the others do not.
const (
	admin, user, victim = "root", "alice", "mallory"
	password            = "Passw0rd.1"
)

// pipeSecurity is that of the daemon's services.
const pipeSecurity = "O:BAG:SYD:(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x12019b;;;WD)(A;;0x12019b;;;AN)"

// host is a running server.
type host struct {
	t       testing.TB
	m       *iomgr.Manager
	who     *state.Accounts
	addr    string
	dir     string // what is outside of the share; the share is its folder "share"
	log     *faultLog
	servers map[string]*server.Server // by pipe
	initial *srvctl.SRVCTL_SERVER     // settings of the SMB server
}

// start assembles a server: drivers, authority over a state in memory, and the services on their pipes. edit changes the SMB server's
// configuration.
func start(t testing.TB, edit func(*srv.Config)) *host {
	t.Helper()
	ctx := context.Background()
	h := &host{t: t, dir: t.TempDir(), log: &faultLog{}, servers: map[string]*server.Server{}}
	log := slog.New(h.log)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	shared := filepath.Join(h.dir, "share")
	check(os.MkdirAll(filepath.Join(shared, "folder", "sub"), 0o755))
	check(os.WriteFile(filepath.Join(shared, "file.txt"), []byte(strings.Repeat("data ", 1000)), 0o644))
	check(os.WriteFile(filepath.Join(h.dir, "outside.txt"), []byte("not shared"), 0o644))

	store := state.NewMemory()
	machine, err := state.LoadMachine(ctx, store, state.MachineHint{Name: "HOSTILE"})
	check(err)
	accounts, err := state.NewAccounts(ctx, store, state.AccountsConfig{Machine: machine, Log: log, Lockout: state.Lockout{Threshold: 1000}})
	check(err)
	for _, name := range []string{admin, user, victim} {
		_, err := accounts.Add(ctx, state.NewAccount{Name: name, Password: password, Admin: name == admin})
		check(err)
	}
	shares := state.NewShares(store)
	name, path := "data", shared
	check(shares.Put(ctx, &srvctl.SRVCTL_SHARE{Name: &name, Path: &path, MaxUses: srv.UnlimitedUses}))

	mech := ntlm.NewMechanism(ntlm.Config{Authority: accounts})
	negotiate := spnego.NewMechanism(spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: mech})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	h.addr, h.who = l.Addr().String(), accounts
	h.m = iomgr.New(iomgr.Config{Log: log})
	cfg := srv.Config{Listeners: []net.Listener{l}, Auth: negotiate, Host: accounts.Host(), Shares: shares, Roots: map[string]string{"C:": shared}, Log: log}
	cfg.Limits.DurableTimeout, cfg.Limits.DurableTimeoutMax = time.Second, 2*time.Second // what clients leave behind is looked for
	if edit != nil {
		edit(&cfg)
	}
	check(h.m.Load(ctx, npfs.DriverEntry(npfs.Config{})))
	check(h.m.Load(ctx, pvfs.DriverEntry(pvfs.Config{})))
	sd, err := nt.ParseSDDL(pipeSecurity, nt.SID{})
	check(err)
	var serving sync.WaitGroup
	var listeners []net.Listener
	budget := server.NewBudget(0)
	for _, s := range services {
		r := h.servers[s.pipe]
		if r == nil {
			r = server.New(server.Config{Logger: log, Budget: budget, Mechanisms: map[uint8]auth.Mechanism{rpc.AuthTypeNTLM: mech, rpc.AuthTypeSPNEGO: negotiate}})
			h.servers[s.pipe] = r
			l, err := pipes.Listen(ctx, h.m, s.pipe, pipes.Config{Message: true, Security: sd})
			check(err)
			listeners = append(listeners, l)
			serving.Go(func() { _ = r.Serve(l) })
		}
		impl, err := s.impl(&environment{h.m, r, accounts, log})
		check(err)
		check(r.Register(s.iface, impl))
	}
	check(h.m.Load(ctx, srv.DriverEntry(cfg)))
	h.initial = h.settings(nil)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for _, l := range listeners {
			_ = l.Close()
		}
		for _, s := range h.servers {
			_ = s.Close()
		}
		serving.Wait()
		if err := h.m.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := accounts.Close(ctx); err != nil {
			t.Errorf("accounts: %v", err)
		}
		if err := store.Close(); err != nil {
			t.Errorf("state: %v", err)
		}
		h.sound()
	})
	return h
}

// patience is how long anything may take that is not at fault, on a busy machine under the race detector.
const patience = 30 * time.Second

// device calls the server driver's controls.
func (h *host) device(f func(context.Context, *srvctl.Client) error) {
	h.t.Helper()
	ctx := context.Background()
	dev, err := devctl.Open(ctx, h.m, `\srv`)
	if err != nil {
		h.t.Error(err)
		return
	}
	defer dev.Close()
	if err := f(ctx, srvctl.NewClient(dev)); err != nil {
		h.t.Error(err)
	}
}

// settings asks for what administrators may change of the server; a set puts it back.
func (h *host) settings(set *srvctl.SRVCTL_SERVER) (got *srvctl.SRVCTL_SERVER) {
	h.t.Helper()
	h.device(func(ctx context.Context, c *srvctl.Client) error {
		if set != nil {
			res, err := c.SrvServerSet(ctx, &srvctl.SrvServerSetRequest{Server: *set})
			if err == nil && res.Return != 0 {
				err = nt.WinError(res.Return)
			}
			return err
		}
		res, err := c.SrvServerGet(ctx, &srvctl.SrvServerGetRequest{})
		if err == nil {
			got = &res.Server
		}
		return err
	})
	return got
}

// forgotten fails the test unless sessions and opens of clients that are gone go too.
func (h *host) forgotten() {
	h.t.Helper()
	var sessions, files uint32
	gone := until(patience, func() bool {
		h.device(func(ctx context.Context, c *srvctl.Client) error {
			s, err := c.SrvSessionEnum(ctx, &srvctl.SrvSessionEnumRequest{})
			if err != nil {
				return err
			}
			f, err := c.SrvFileEnum(ctx, &srvctl.SrvFileEnumRequest{})
			if err != nil {
				return err
			}
			sessions, files = s.Sessions.Count, f.Files.Count
			return nil
		})
		return sessions == 0 && files == 0
	})
	if !gone {
		h.t.Errorf("%d sessions and %d files of clients that are gone", sessions, files)
	}
}

// sound fails the test if a panic was met: a handler's is answered with a fault and logged, and no peer's octets may lead to one.
func (h *host) sound() {
	h.t.Helper()
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	for _, f := range h.log.faults {
		h.t.Errorf("logged: %s", f)
	}
	h.log.faults = nil
	for pipe, s := range h.servers {
		if n := s.Stats().Panics; n > 0 {
			h.t.Errorf("%s: %d methods panicked", pipe, n)
		}
	}
}

// untouched fails the test if something outside of the share is not as it was.
func (h *host) untouched() {
	h.t.Helper()
	list, err := os.ReadDir(h.dir)
	if err != nil {
		h.t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(h.dir, "outside.txt"))
	if len(list) != 2 || err != nil || string(b) != "not shared" {
		h.t.Errorf("outside of the share: %v, %q, %v", list, b, err)
	}
}

// serves proves that a fresh client is served: it logs on, binds, and is answered.
func (h *host) serves() {
	h.t.Helper()
	for _, name := range []string{admin, user} {
		if err := h.freshClient(name); err != nil {
			h.t.Fatalf("a fresh client, %s: %v", name, err)
		}
	}
}

func (h *host) freshClient(name string) error {
	c, err := logon(h.addr, name, dialects[0], false)
	if err != nil {
		return err
	}
	defer c.nc.Close()
	if err := c.connectTree("IPC$"); err != nil {
		return err
	}
	a, err := c.associate(0)
	if err != nil {
		return err
	}
	out, err := a.call(0, []byte{41, 0, 0, 0}) // AddOne
	if err != nil {
		return err
	}
	if len(out) != 4 || out[0] != 42 {
		return fmt.Errorf("AddOne(41) is answered with %x", out)
	}
	return nil
}

// faultLog drops what is logged but for panics.
type faultLog struct {
	mu     sync.Mutex
	faults []string // guarded by mu
}

func (*faultLog) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (f *faultLog) WithAttrs([]slog.Attr) slog.Handler         { return f }
func (f *faultLog) WithGroup(string) slog.Handler              { return f }

func (f *faultLog) Handle(_ context.Context, r slog.Record) error {
	bad := strings.Contains(strings.ToLower(r.Message), "panic")
	r.Attrs(func(a slog.Attr) bool {
		bad = bad || a.Key == "panic" || a.Key == "stack"
		return true
	})
	if !bad {
		return nil
	}
	s := r.Message
	r.Attrs(func(a slog.Attr) bool {
		s += "\n\t" + a.Key + ": " + a.Value.String()
		return true
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.faults) < 10 {
		f.faults = append(f.faults, s)
	}
	return nil
}
