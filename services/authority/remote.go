package authority

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	gen "lwio/gen/authority"
	"lwio/gen/dtyp"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc/client"
)

// RemoteConfig configures a Remote. Dial is needed.
type RemoteConfig struct {
	// Dial opens the pipe and makes sure who serves it: what answers decides about every logon.
	Dial func(ctx context.Context) (net.Conn, error)
	// Host is what Host says until the other side has been asked.
	Host auth.Host
	// Learned is told of a host that is another than the one that was known, to remember it. May be nil.
	Learned func(auth.Host)
	// Timeout bounds a call to somebody who does not answer. Default 20 s.
	Timeout time.Duration
	// MaxConnections bounds the calls that run at once; more wait their turn. Default 64.
	MaxConnections int
	// Log tells when the other side goes and comes. Default slog.Default().
	Log *slog.Logger
}

// maxIdle is how many connections are kept for later calls.
const maxIdle = 4

// Remote is the authority of another process.
type Remote struct {
	cfg   RemoteConfig
	slots chan struct{}

	mu   sync.Mutex
	idle []*link   // guarded by mu, the one last used at the end
	host auth.Host // guarded by mu
	away bool      // guarded by mu: it has been said that nobody answers

	membership atomic.Pointer[heard]
	asking     sync.Mutex // held by who asks for the membership, over the call
}

var _ auth.Authority = (*Remote)(nil)

// link is one connection, for one call at a time.
type link struct {
	conn *client.Conn
	*gen.Client
}

// NewRemote makes a Remote. Nothing is dialled before the first call. It panics without a Dial.
func NewRemote(cfg RemoteConfig) *Remote {
	if cfg.Dial == nil {
		panic("authority: RemoteConfig without a Dial")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 20 * time.Second
	}
	if cfg.MaxConnections <= 0 {
		cfg.MaxConnections = 64
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Remote{cfg: cfg, host: cfg.Host, slots: make(chan struct{}, cfg.MaxConnections)}
}

// Close closes the connections that are kept. Calls may still be made, and open others.
func (r *Remote) Close() error {
	r.mu.Lock()
	idle := r.idle
	r.idle = nil
	r.mu.Unlock()
	for _, l := range idle {
		_ = l.conn.Close()
	}
	return nil
}

// Connect asks the other side who the host is, and keeps the connection for the first logon.
func (r *Remote) Connect(ctx context.Context) error {
	return r.call(ctx, func(ctx context.Context, l *link) (nt.Status, error) { return nt.StatusSuccess, r.learn(ctx, l) })
}

// call runs f on a connection. What ends without an answer on a connection that was kept is tried again on a new one: the other side may have
// been restarted since. (That the first try was counted as a wrong password is possible, and harmless.)
func (r *Remote) call(parent context.Context, f func(context.Context, *link) (nt.Status, error)) error {
	ctx, cancel := context.WithTimeout(parent, r.cfg.Timeout)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return r.failed(parent, ctx.Err())
	}
	defer func() { <-r.slots }()
	for {
		l, kept, err := r.get(ctx)
		if err != nil {
			return r.failed(parent, err)
		}
		status, err := f(ctx, l)
		if err == nil {
			r.put(l)
			return status.Err()
		}
		_ = l.conn.Close()
		if !kept || ctx.Err() != nil {
			return r.failed(parent, err)
		}
		_ = r.Close() // the others are of the same age
	}
}

// failed is the error of a call that nobody answered.
func (r *Remote) failed(parent context.Context, err error) error {
	if parent.Err() != nil {
		return parent.Err()
	}
	r.mu.Lock()
	said := r.away
	r.away = true
	r.mu.Unlock()
	if !said {
		r.cfg.Log.Warn("nobody decides about logons: is lsassd running?", "err", err)
	}
	return fmt.Errorf("%w: %v", nt.StatusNoLogonServers, err)
}

// get gives a connection: one that was kept, or a new one.
func (r *Remote) get(ctx context.Context) (l *link, kept bool, err error) {
	r.mu.Lock()
	if n := len(r.idle); n > 0 {
		l = r.idle[n-1]
		r.idle[n-1] = nil
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return l, true, nil
	}
	r.mu.Unlock()
	nc, err := r.cfg.Dial(ctx)
	if err != nil {
		return nil, false, err
	}
	c := client.NewConn(nc, client.Config{MaxCalls: 1})
	b, err := c.Bind(ctx, gen.AuthorityInterface, nil)
	if err != nil {
		_ = c.Close()
		return nil, false, err
	}
	l = &link{c, gen.NewClient(b)}
	if err := r.learn(ctx, l); err != nil {
		_ = c.Close()
		return nil, false, err
	}
	return l, false, nil
}

func (r *Remote) put(l *link) {
	r.mu.Lock()
	back := r.away
	r.away = false
	keep := len(r.idle) < maxIdle
	if keep {
		r.idle = append(r.idle, l)
	}
	r.mu.Unlock()
	if !keep {
		_ = l.conn.Close()
	}
	if back {
		r.cfg.Log.Info("the authority over logons answers again")
	}
}

// learn asks for the host.
func (r *Remote) learn(ctx context.Context, l *link) error {
	out, err := l.AuthorityHost(ctx, &gen.AuthorityHostRequest{})
	if err != nil {
		return err
	}
	if s := nt.Status(out.Return); s != nt.StatusSuccess {
		return s
	}
	h, err := fromHost(&out.Host)
	if err != nil {
		return err
	}
	r.mu.Lock()
	changed := r.host != h
	r.host = h
	r.mu.Unlock()
	if changed && r.cfg.Learned != nil {
		r.cfg.Learned(h)
	}
	return nil
}

// Host is what is known of the host. It never waits.
func (r *Remote) Host() auth.Host {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.host
}

// maxText bounds the names that are sent, in bytes. Nothing is called by a longer one.
const maxText = 4096

func short(texts ...string) bool {
	for _, s := range texts {
		if len(s) > maxText {
			return false
		}
	}
	return true
}

// VerifyNTLM has a response verified.
func (r *Remote) VerifyNTLM(ctx context.Context, in *auth.NTLMLogon) (*auth.Logon, error) {
	if !short(in.Account, in.Domain, in.Workstation, in.Address) || len(in.LMResponse) > 0xFFFF || len(in.NTResponse) > 0xFFFF {
		return nil, nt.StatusLogonFailure
	}
	var logon *auth.Logon
	err := r.call(ctx, func(ctx context.Context, l *link) (nt.Status, error) {
		out, err := l.AuthorityVerifyNTLM(ctx, &gen.AuthorityVerifyNTLMRequest{Logon: toLogon(in)})
		if err != nil || nt.Status(out.Return) != nt.StatusSuccess {
			return statusOf(out, err)
		}
		if out.Verified == nil {
			return 0, errAnswer
		}
		t, err := fromToken(out.Verified.Token)
		logon = &auth.Logon{Token: t, SessionBaseKey: out.Verified.SessionBaseKey}
		return nt.StatusSuccess, err
	})
	if err != nil {
		r.refused(ctx, in.Account, in.Domain, in.Address, err)
		return nil, err
	}
	r.known(logon.Token)
	return logon, nil
}

// refused says of a logon what the other side has said in its own log, and of one that nobody was there for, too: this daemon is where the logon was tried.
func (r *Remote) refused(ctx context.Context, account, domain, address string, err error) {
	if ctx.Err() == nil {
		r.cfg.Log.Info("logon refused", "account", account, "domain", domain, "address", address, "reason", nt.StatusOf(err).Name())
	}
}

// answer is what all responses have.
type answer interface {
	*gen.AuthorityVerifyNTLMResponse | *gen.AuthorityAuthorizeResponse | *gen.AuthorityLookupNamesResponse | *gen.AuthorityLookupSIDsResponse | *gen.AuthorityTokenForUIDResponse
}

var errWarning = errors.New("authority: a status that is neither success nor an error")

// statusOf is the status of a call that did not succeed: a refusal has to be an error, whatever the other side says.
func statusOf[R answer](out R, err error) (nt.Status, error) {
	if err != nil {
		return 0, err
	}
	var ret int32
	switch x := any(out).(type) {
	case *gen.AuthorityVerifyNTLMResponse:
		ret = x.Return
	case *gen.AuthorityAuthorizeResponse:
		ret = x.Return
	case *gen.AuthorityLookupNamesResponse:
		ret = x.Return
	case *gen.AuthorityLookupSIDsResponse:
		ret = x.Return
	case *gen.AuthorityTokenForUIDResponse:
		ret = x.Return
	}
	if s := nt.Status(ret); s.IsError() {
		return s, nil
	}
	return 0, errWarning
}

// Authorize has the token of a principal made.
func (r *Remote) Authorize(ctx context.Context, in *auth.Principal) (*nt.Token, error) {
	if !short(in.Name, in.Realm, in.Account, in.Domain, in.Mechanism, in.Address) {
		return nil, nt.StatusLogonFailure
	}
	if len(in.Groups) > int(gen.AUTHORITY_MAX_GROUPS) {
		return nil, tooManyGroups
	}
	t, err := r.token(ctx, func(ctx context.Context, l *link) (*gen.AUTHORITY_TOKEN, nt.Status, error) {
		out, err := l.AuthorityAuthorize(ctx, &gen.AuthorityAuthorizeRequest{Principal: toPrincipal(in)})
		if err != nil || nt.Status(out.Return) != nt.StatusSuccess {
			s, err := statusOf(out, err)
			return nil, s, err
		}
		return out.Token, nt.StatusSuccess, nil
	})
	if err != nil {
		r.refused(ctx, in.Account, in.Domain, in.Address, err)
		return nil, err
	}
	r.known(t)
	return t, nil
}

// TokenForUID has the token of a process of this host made.
func (r *Remote) TokenForUID(ctx context.Context, uid, gid uint32) (*nt.Token, error) {
	return r.token(ctx, func(ctx context.Context, l *link) (*gen.AUTHORITY_TOKEN, nt.Status, error) {
		out, err := l.AuthorityTokenForUID(ctx, &gen.AuthorityTokenForUIDRequest{Uid: uid, Gid: gid})
		if err != nil || nt.Status(out.Return) != nt.StatusSuccess {
			s, err := statusOf(out, err)
			return nil, s, err
		}
		return out.Token, nt.StatusSuccess, nil
	})
}

func (r *Remote) token(ctx context.Context, ask func(context.Context, *link) (*gen.AUTHORITY_TOKEN, nt.Status, error)) (*nt.Token, error) {
	var t *nt.Token
	err := r.call(ctx, func(ctx context.Context, l *link) (nt.Status, error) {
		x, status, err := ask(ctx, l)
		if err == nil && status == nt.StatusSuccess {
			t, err = fromToken(x)
		}
		return status, err
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Lookups are asked in parts, so that no answer is beyond what the runtime takes.
const (
	namesAtOnce = 512
	sidsAtOnce  = 4096
)

// LookupNames has names resolved. One that is too long to be any is unknown without asking.
func (r *Remote) LookupNames(ctx context.Context, names []string) ([]auth.Identity, error) {
	out := make([]auth.Identity, 0, len(names))
	for at := 0; at < len(names); at += namesAtOnce {
		part := names[at:min(at+namesAtOnce, len(names))]
		in := gen.AUTHORITY_NAMES{Names: make([]dtyp.RPC_UNICODE_STRING, len(part))}
		for i, n := range part {
			if !short(n) {
				n = "\x00" // no name either
			}
			in.Names[i] = dtyp.NewRPC_UNICODE_STRING(n)
		}
		err := r.call(ctx, func(ctx context.Context, l *link) (nt.Status, error) {
			res, err := l.AuthorityLookupNames(ctx, &gen.AuthorityLookupNamesRequest{Names: in})
			if err != nil || nt.Status(res.Return) != nt.StatusSuccess {
				return statusOf(res, err)
			}
			ids, err := fromIdentities(&res.Identities, len(part))
			if err == nil {
				out = append(out, ids...)
			}
			return nt.StatusSuccess, err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// LookupSIDs has SIDs resolved.
func (r *Remote) LookupSIDs(ctx context.Context, list []nt.SID) ([]auth.Identity, error) {
	out := make([]auth.Identity, 0, len(list))
	for at := 0; at < len(list); at += sidsAtOnce {
		part := list[at:min(at+sidsAtOnce, len(list))]
		in := gen.AUTHORITY_SIDS{Sids: make([]gen.AUTHORITY_SID, len(part))}
		for i, sid := range part {
			in.Sids[i].Sid = dtyp.NewRPC_SID(sid)
		}
		err := r.call(ctx, func(ctx context.Context, l *link) (nt.Status, error) {
			res, err := l.AuthorityLookupSIDs(ctx, &gen.AuthorityLookupSIDsRequest{Sids: in})
			if err != nil || nt.Status(res.Return) != nt.StatusSuccess {
				return statusOf(res, err)
			}
			ids, err := fromIdentities(&res.Identities, len(part))
			if err == nil {
				out = append(out, ids...)
			}
			return nt.StatusSuccess, err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
