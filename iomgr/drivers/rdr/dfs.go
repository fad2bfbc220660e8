package rdr

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// A name may lead to another server: the one that is asked says StatusPathNotCovered, and in answer to FSCTL_DFS_GET_REFERRALS where the name goes
// (MS-DFSC 3.1.5). What it says is kept for as long as it says, and of several targets the next is tried where one cannot be reached.

// referral is where the names below one lead.
type referral struct {
	targets []target // of which name is a directory
	expires time.Time

	mu      sync.Mutex
	current int // guarded by mu: the target that answered last
}

// referrals keeps them by the names that they are for: server, share and directory in capitals.
type referrals struct {
	mu sync.Mutex
	m  map[string]*referral // guarded by mu
}

const (
	maxReferrals = 1024
	maxTargets   = 32
	maxHops      = 8               // from referral to referral, after which it is taken for a circle
	leastTTL     = 5 * time.Second // what says less would be asked for with every open
	mostTTL      = 1 * time.Hour   // what says more would outlast a change too long
	referralSize = 16 << 10        // room for an answer, and the most of it
	referralMost = 56 << 10
)

// key is the name of a target in the table.
func (t *target) key() string { return t.server() + `\` + nt.Upcase(t.share+`\`+t.name) }

// find gives the referral for a target or what it lies below, and what of its name comes behind that.
func (k *referrals) find(t *target) (*referral, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.m) == 0 {
		return nil, ""
	}
	now := time.Now()
	for dir := *t; ; {
		key := dir.key()
		if r := k.m[key]; r != nil {
			if now.Before(r.expires) {
				return r, strings.TrimPrefix(t.name[len(dir.name):], `\`)
			}
			delete(k.m, key)
		}
		if dir.name == "" {
			return nil, ""
		}
		dir.name = dir.name[:max(0, strings.LastIndexByte(dir.name, '\\'))]
	}
}

func (k *referrals) put(at *target, r *referral) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.m == nil {
		k.m = make(map[string]*referral)
	}
	if len(k.m) >= maxReferrals {
		clear(k.m)
	}
	k.m[at.key()] = r
}

// below is the target for a name below one of a referral's targets.
func (t target) below(rest string) target {
	switch {
	case rest == "":
	case t.name == "":
		t.name = rest
	default:
		t.name += `\` + rest
	}
	return t
}

// follow replaces the target of an open by where it leads as far as that is known, and notes what can be tried instead.
func (o *opening) follow() {
	for range maxHops {
		r, rest := o.d.referrals.find(&o.to)
		if r == nil {
			return
		}
		r.mu.Lock()
		first := r.current
		r.mu.Unlock()
		o.others = nil
		for i := range r.targets {
			n := (first + i) % len(r.targets)
			o.others = append(o.others, alternative{r, n, r.targets[n].below(rest)})
		}
		if o.others[0].to.key() == o.to.key() {
			o.others = nil
			return // it leads to itself
		}
		o.next()
	}
}

// alternative is a target that has not been tried yet.
type alternative struct {
	r  *referral
	n  int
	to target
}

// next takes the next target.
func (o *opening) next() {
	a := o.others[0]
	o.others, o.to, o.via, o.named = o.others[1:], a.to, &a, leaseName{}
}

// resolve is where a name leads as far as that is known.
func (d *redirector) resolve(to target) target {
	o := &opening{d: d, to: to}
	o.follow()
	return o.to
}

// unreachable are the statuses after which another target may do.
func unreachable(st nt.Status) bool {
	switch st {
	case nt.StatusBadNetworkPath, nt.StatusBadNetworkName, nt.StatusNetworkNameDeleted, nt.StatusFileNotAvailable, nt.StatusNetworkUnreachable, nt.StatusHostUnreachable,
		nt.StatusConnectionRefused, nt.StatusConnectionReset, nt.StatusConnectionAborted, nt.StatusConnectionDisconnected, nt.StatusIoTimeout,
		nt.StatusUnexpectedNetworkError, nt.StatusDfsUnavailable, nt.StatusNoLogonServers:
		return true
	}
	return false
}

// redirected has an open go on elsewhere that failed where it was; false if there is nowhere.
func (o *opening) redirected(st nt.Status) bool {
	d := o.d
	switch {
	case o.f != nil || o.r == nil || d.cfg.NoReferrals || o.pipeName():
		return false
	case unreachable(st) && len(o.others) > 0:
		o.restart()
		o.next()
		o.start()
		return true
	case st == nt.StatusPathNotCovered, st == nt.StatusBadNetworkName && !o.asked:
		if o.hops++; o.hops > maxHops || o.r.Cancelled() {
			return false
		}
		o.asked = true
		o.restart()
		return d.spawn(func() {
			ctx, cancel := context.WithTimeout(d.ctx, d.cfg.RequestTimeout)
			defer cancel()
			about := o.to
			if st == nt.StatusBadNetworkName { // what is elsewhere is the whole share
				about.name = ""
			}
			if err := d.refer(ctx, &about, o.r.Create); err != nil {
				d.log.Debug("referral", "server", o.to.server(), "share", o.to.share, "name", o.to.name, "err", err)
				o.over = true
				o.end(st)
				return
			}
			was := o.to.key()
			if o.follow(); o.to.key() == was {
				o.over = true
				o.end(st)
				return
			}
			o.start()
		})
	}
	if o.via != nil && st == nt.StatusSuccess {
		o.via.r.mu.Lock()
		o.via.r.current = o.via.n
		o.via.r.mu.Unlock()
	}
	return false
}

func (o *opening) pipeName() bool { return nt.EqualFold(o.to.share, "IPC$") }

// restart undoes what an open has got so far.
func (o *opening) restart() {
	d := o.d
	if o.lease != nil {
		d.dropLease(o.lease)
	}
	if o.tree != nil {
		o.leave()
	}
	if o.changes != nil {
		d.mu.Lock()
		d.changed(o.changes)
		d.mu.Unlock()
	}
	o.lease, o.durable, o.bare, o.empties, o.replays = nil, nil, false, false, 0
	o.changes, o.inDir, o.looked, o.unchained = nil, nil, false, false
}

var errNoTargets = errors.New("a referral without a target")

// refer asks the server of a target where it leads, as who asks for the target, and keeps the answer.
func (d *redirector) refer(ctx context.Context, to *target, a *api.CreateArgs) error {
	share := target{host: to.host, port: to.port, share: "IPC$"}
	args := &api.CreateArgs{Name: strings.TrimSuffix(d.path(&share, ""), `\`), Token: a.Token, DesiredAccess: nt.FileReadAttributes, ShareAccess: shareAll,
		Disposition: nt.FileOpen, Impersonation: a.Impersonation}
	for _, c := range a.Contexts {
		switch c.(type) {
		case *api.Credential, *api.Peer:
			args.Contexts = append(args.Contexts, c)
		}
	}
	h, err := d.api.CreateFile(ctx, args)
	if err != nil {
		return err
	}
	defer d.api.Close(h)
	name := `\` + to.host + `\` + to.share
	if to.name != "" {
		name += `\` + to.name
	}
	in := (&smb2.DFSReferralRequest{MaxReferralLevel: 4, RequestFileName: name}).Append(nil)
	out := make([]byte, referralSize)
	n, err := d.api.FsControlFile(ctx, h, nt.FsctlDfsGetReferrals, in, out)
	if errors.Is(err, nt.StatusBufferOverflow) {
		out = make([]byte, referralMost)
		n, err = d.api.FsControlFile(ctx, h, nt.FsctlDfsGetReferrals, in, out)
	}
	if err != nil {
		return err
	}
	res, err := smb2.ParseDFSReferral(out[:n])
	if err != nil {
		return err
	}
	at, r, err := d.take(to, name, &res)
	if err == nil {
		d.referrals.put(&at, r)
	}
	return err
}

// take reads a referral: which part of the name it is for, and its targets, of which the first set is asked first.
func (d *redirector) take(to *target, name string, res *smb2.DFSReferral) (target, *referral, error) {
	units := nt.AppendUTF16(nil, name)
	used := int(res.PathConsumed)
	if used > len(units) || used%2 != 0 {
		return target{}, nil, errors.New("a referral for more than was asked for")
	}
	prefix := strings.TrimSuffix(nt.DecodeUTF16(units[:used]), `\`)
	rest := name[min(len(prefix), len(name)):]
	parts := strings.SplitN(prefix, `\`, 4) // before the first `\` is nothing
	if len(parts) < 3 || !strings.HasPrefix(name, prefix) || rest != "" && rest[0] != '\\' || !nt.EqualFold(parts[2], to.share) {
		return target{}, nil, errors.New("a referral for something else than was asked for")
	}
	at := target{host: to.host, port: to.port, share: to.share}
	if len(parts) == 4 {
		at.name = parts[3]
	}
	r := &referral{}
	ttl := mostTTL
	for _, e := range res.Entries {
		t, ok := targetOf(e.NetworkAddress, to)
		if !ok || len(r.targets) >= maxTargets || slices.Contains(r.targets, t) {
			continue
		}
		r.targets = append(r.targets, t)
		ttl = min(ttl, time.Duration(e.TimeToLive)*time.Second)
	}
	if len(r.targets) == 0 {
		return target{}, nil, errNoTargets
	}
	r.expires = time.Now().Add(max(ttl, leastTTL))
	return at, r, nil
}

// targetOf reads the name of a target, `\server\share\path`. A server on a port of its own leads to its own shares there; others are on the usual one
// unless the name says it.
func targetOf(address string, from *target) (target, bool) {
	t, st := parsePath(`\` + strings.TrimLeft(address, `\`))
	if st != nt.StatusSuccess {
		return t, false
	}
	if nt.EqualFold(t.host, from.host) && t.port == defaultPort && !strings.Contains(address, ":"+defaultPort) {
		t.port = from.port
	}
	return t, true
}

// wireName is a name as CREATE has it: on a share of a DFS namespace with server and share (MS-SMB2 3.2.4.3).
func (t *tree) wireName(name string) string {
	if !t.dfs {
		return name
	}
	whole := t.sess.conn.host + `\` + t.share
	if name != "" {
		whole += `\` + name
	}
	return whole
}
