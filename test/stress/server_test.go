package stress

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lwio/gen/srvctl"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
)

const password = "Passw0rd.1"

// accounts is an authority whose accounts all have one password and are administrators.
type accounts struct{}

func (accounts) Host() auth.Host {
	return auth.Host{Name: "HOST", Domain: "HOST", DNSName: "host.example", DNSDomain: "example", MachineSID: nt.NewSID(5, 21, 1, 2, 3)}
}

func (a accounts) VerifyNTLM(_ context.Context, in *auth.NTLMLogon) (*auth.Logon, error) {
	key, err := ntlm.VerifyResponse(ntlm.NTHash(password), in)
	if err != nil {
		return nil, nt.StatusLogonFailure
	}
	domain := a.Host().MachineSID
	t := &nt.Token{User: domain.Child(500), Account: in.Account, Domain: "HOST", PrimaryGroup: domain.Child(513), Privileges: nt.AllPrivileges}
	for _, sid := range []nt.SID{nt.SIDWorld, nt.SIDAuthenticatedUsers, nt.SIDBuiltinUsers, nt.SIDBuiltinAdministrators} {
		t.Groups = append(t.Groups, nt.Group{SID: sid, Attributes: nt.SEGroupDefault})
	}
	return &auth.Logon{Token: t, SessionBaseKey: key}, nil
}

func (accounts) Authorize(context.Context, *auth.Principal) (*nt.Token, error) {
	return nil, nt.StatusLogonFailure
}

func (accounts) LookupNames(_ context.Context, names []string) ([]auth.Identity, error) {
	return make([]auth.Identity, len(names)), nil
}

func (accounts) LookupSIDs(_ context.Context, sids []nt.SID) ([]auth.Identity, error) {
	return make([]auth.Identity, len(sids)), nil
}

type shareTable []srvctl.SRVCTL_SHARE

func (s shareTable) Load(context.Context) ([]srvctl.SRVCTL_SHARE, error) { return s, nil }
func (shareTable) Put(context.Context, *srvctl.SRVCTL_SHARE) error       { return nil }
func (shareTable) Delete(context.Context, string) error                  { return nil }

func initiator(_ context.Context, cred *api.Credential, service, host string) (auth.Initiator, error) {
	return spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Initiator: ntlm.NewInitiator(
		ntlm.Credentials{User: cred.User, Password: cred.Password, Workstation: "WKS"}, ntlm.InitiatorConfig{TargetName: service + "/" + host})}), nil
}

var quiet = slog.New(slog.DiscardHandler)

// startServer serves a directory as the share data and, sealed, as the share enc.
func startServer(t testing.TB, dir string, limits srv.Limits) (m *iomgr.Manager, addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sd, err := nt.ParseSDDL("D:(A;;GA;;;WD)", nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	all := sd.Append(nil)
	m = iomgr.New(iomgr.Config{Log: quiet})
	for _, entry := range []api.DriverEntry{pvfs.DriverEntry(pvfs.Config{}), srv.DriverEntry(srv.Config{Listeners: []net.Listener{l}, Host: accounts{}.Host(), Log: quiet, Limits: limits,
		Shares: shareTable{{Name: new("data"), Path: &dir, MaxUses: srv.UnlimitedUses, SdLength: uint32(len(all)), Sd: all},
			{Name: new("enc"), Path: &dir, MaxUses: srv.UnlimitedUses, SdLength: uint32(len(all)), Sd: all, Flags: srv.ShareFlagEncrypt}},
		Auth: spnego.NewMechanism(spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: ntlm.NewMechanism(ntlm.Config{Authority: accounts{}})})})} {
		if err := m.Load(context.Background(), entry); err != nil {
			t.Fatal(err)
		}
	}
	return m, l.Addr().String()
}

// wire dials for one client and can cut what it dialled.
type wire struct {
	mu    sync.Mutex
	conns []net.Conn // guarded by mu

	cuts atomic.Int64 // how often, counted before the connections go
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err == nil {
		w.mu.Lock()
		w.conns = append(w.conns, c)
		w.mu.Unlock()
	}
	return c, err
}

func (w *wire) cut() {
	w.cuts.Add(1)
	w.mu.Lock()
	conns := w.conns
	w.conns = nil
	w.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

// startClient loads a redirector whose handles end with their connection: who is to be told what is promised must hear at once that it is lost, with its
// locks, and not when the handle could not be had back.
func startClient(t testing.TB, user string, w *wire) *iomgr.Manager {
	m := iomgr.New(iomgr.Config{Log: quiet})
	if err := m.Load(context.Background(), rdr.DriverEntry(rdr.Config{Initiator: initiator, NoLeases: true, RequestTimeout: time.Minute, Dial: w.dial, Log: quiet,
		Default: &api.Credential{User: user, Password: password, HasPassword: true}})); err != nil {
		t.Fatal(err)
	}
	return m
}

// opens counts what is open below the server.
func opens(m *iomgr.Manager) (n int) {
	for _, d := range m.Drivers() {
		for _, v := range d.Devices {
			n += v.Files
		}
	}
	return n
}
