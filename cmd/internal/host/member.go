package host

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"lwio/cmd/internal/config"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/services/authority"
	"lwio/services/domain"
	"lwio/services/state"
)

// keysHeard is how long it takes before a new password counts: other daemons ask for keys when a logon begins, if they have not within a tenth of a second.
const keysHeard = 250 * time.Millisecond

// NewMember is the membership of a domain of the daemon that has the accounts, whether there is one or not. Its pipes are opened through the redirector, which is lwiod's: now gives
// its API, nil while it is away.
func NewMember(ctx context.Context, cfg *config.Config, store state.Store, accounts *state.Accounts, now func() api.API, log *slog.Logger) (*domain.Member, error) {
	d := &cfg.Domain
	c := domain.Config{
		Table: state.NewDomain(store),
		Pipe: func(ctx context.Context, host, pipe string, cred *api.Credential) (domain.Conn, error) {
			a := now()
			if a == nil {
				return nil, nt.StatusRedirectorNotStarted
			}
			if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
				host = "[" + host + "]"
			}
			c, err := pipes.Dial(ctx, a, `\rdr\`+host+`\IPC$\`+pipe, pipes.DialConfig{Message: true, Contexts: []any{cred}})
			if err != nil {
				return nil, err
			}
			return c, nil
		},
		Host:    func() auth.Host { return accounts.Host() },
		Keytab:  MemberKeytab(cfg),
		Locator: domain.NewLocator(domain.LocatorConfig{Preferred: d.Preferred, Excluded: d.Excluded}),
		Log:     log, PasswordAge: time.Duration(d.PasswordAge), FirstID: d.FirstID, IDs: d.IDs,
		Heard: keysHeard, KeepNames: time.Duration(d.KeepNames), CachedNames: d.CachedNames,
	}
	if d.IDMap == config.IDMapAutorid {
		m, err := state.NewIDMap(ctx, store, d.Slice(), int(d.IDs/d.Slice()))
		if err != nil {
			return nil, err
		}
		c.IDMap, c.IDSlice = m, d.Slice()
	}
	return domain.New(ctx, c)
}

// Link is the connection of a daemon to lwiod, as it comes and goes.
type Link struct{ now atomic.Pointer[api.API] }

// Set is told of one. It ends with the context.
func (l *Link) Set(ctx context.Context, a api.API) {
	l.now.Store(&a)
	context.AfterFunc(ctx, func() { l.now.CompareAndSwap(&a, nil) })
}

// API is the connection; nil while there is none.
func (l *Link) API() api.API {
	if p := l.now.Load(); p != nil {
		return *p
	}
	return nil
}

// RemoteKeys are the keys of the membership that another daemon has.
func RemoteKeys(r *authority.Remote) krb5.Keys { return remoteKeys{r} }

type remoteKeys struct{ r *authority.Remote }

// Keys are those that were last heard of.
func (k remoteKeys) Keys() ([]krb5.ServiceKey, error) {
	m := k.r.Membership()
	out := make([]krb5.ServiceKey, 0, len(m.Keys))
	for _, x := range m.Keys {
		out = append(out, krb5.ServiceKey{Name: x.Name, Realm: x.Realm, KVNO: x.KVNO, EncryptionKey: krb5.EncryptionKey{Type: krb5.EncType(x.Type), Value: x.Value}})
	}
	return out, nil
}
