package rdr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// Multichannel (MS-SMB2 3.2.4.20.10, 3.2.5.5.1): a session that moves much data gets more connections, to the addresses that the server names. A channel is
// a session on its connection with the id and the keys of the first one and a signing key of its own, and trees with the ids of the first one's.
// Long reads and writes are spread over all of them. What was on its way on a channel that dies goes by another; when the first one dies a channel
// takes its place, and files move to it.

// rssChannels is how many connections one address with receive side scaling gets; another gets one.
const rssChannels = 4

// way is the tree by which the next long request goes.
func (t *tree) way(n int) *tree {
	list := t.ways.Load()
	if list == nil {
		return t
	}
	w := (*list)[int(t.turn.Add(1))%len(*list)]
	if c := w.sess.conn; c.down.Load() || c.fit(n, n) < n { // it is gone, or has few credits yet
		return t
	}
	return w
}

// by has an exchange go by a tree of another channel.
func (x *exchange) by(t *tree) { x.conn, x.sess, x.tree = t.sess.conn, t.sess, t }

// pumpAll sends what was put in line, on whatever channel.
func (t *tree) pumpAll() {
	list := t.ways.Load()
	if list == nil {
		t.sess.conn.pump()
		return
	}
	for _, w := range *list {
		w.sess.conn.pump()
	}
}

// cancelAll ends a request early on whatever channel it is.
func (f *file) cancelAll(r *api.Request) {
	t := f.tree()
	list := t.ways.Load()
	if list == nil {
		t.sess.conn.cancel(r)
		return
	}
	for _, w := range *list {
		w.sess.conn.cancel(r)
	}
}

// widen has a session get channels once, when it moves much data.
func (s *session) widen(t *tree) {
	d, c := s.conn.d, s.conn
	if s.asked.Load() || c.channels <= 1 || s.signer == nil || s.anonymous() || s.asked.Swap(true) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !s.up || s.main != nil || d.stopping || t.gone {
		return
	}
	d.spawn(func() {
		if err := d.addChannels(s, t); err != nil {
			d.log.Debug("channels", "server", c.key, "err", err)
		}
	})
}

// addChannels asks the server for its addresses and binds a connection to some of them.
func (d *redirector) addChannels(s *session, t *tree) error {
	c := s.conn
	req := smb2.IoctlRequest{CtlCode: nt.FsctlQueryNetworkInterfaceInfo, FileID: smb2.RelatedFileID, MaxOutputResponse: 64 << 10, Flags: smb2.IoctlFlagIsFSCTL}
	k, err := c.call(&opValidate, s, t, req.Append(nil), false)
	if err != nil {
		return err
	}
	if k.status != nt.StatusSuccess {
		return fmt.Errorf("FSCTL_QUERY_NETWORK_INTERFACE_INFO: %w", k.status)
	}
	res, err := smb2.ParseIoctlResponse(k.body)
	if err != nil {
		return err
	}
	list, err := smb2.ParseNetworkInterfaces(res.Output)
	if err != nil {
		return err
	}
	var errs []error
	for _, addr := range addresses(list, c.nc.RemoteAddr(), c.channels-1) {
		if err := d.addChannel(s, addr); err != nil {
			errs = append(errs, fmt.Errorf("%v: %w", addr, err))
		}
	}
	return errors.Join(errs...)
}

// addresses chooses among what a server names, best links first as it lists them: other addresses once, such with receive side scaling more often.
func addresses(list []smb2.NetworkInterfaceInfo, have net.Addr, most int) []netip.Addr {
	var used netip.Addr
	if tcp, ok := have.(*net.TCPAddr); ok {
		used = tcp.AddrPort().Addr().Unmap()
	}
	var out []netip.Addr
	seen := make(map[netip.Addr]bool)
	for round := range rssChannels {
		for i := range list {
			n := &list[i]
			var a netip.Addr
			if n.IPv6 {
				a = netip.AddrFrom16(n.IP)
			} else {
				a = netip.AddrFrom4([4]byte(n.IP[:4]))
			}
			switch {
			case len(out) >= most:
				return out
			case a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || used.IsValid() && a.Is4() != used.Is4() || a.IsLoopback() != used.IsLoopback():
			case round == 0 && (a == used || seen[a]), round > 0 && n.Capability&smb2.InterfaceRSSCapable == 0:
			default:
				out = append(out, a)
			}
			seen[a] = seen[a] || round == 0
		}
	}
	return out
}

// addChannel connects to an address and binds the connection to a session (3.2.4.2.3, 3.2.5.3.3).
func (d *redirector) addChannel(s *session, addr netip.Addr) (err error) {
	c := s.conn
	ctx, cancel := context.WithTimeout(d.ctx, d.cfg.RequestTimeout)
	defer cancel()
	nc, err := d.cfg.Dial(ctx, "tcp", net.JoinHostPort(addr.String(), c.port))
	if err != nil {
		return err
	}
	w := newConn(d, &target{host: c.host, port: c.port})
	w.channelOf.Store(s)
	defer func() {
		if err != nil {
			w.cut(err)
		}
	}()
	d.mu.Lock()
	if d.stopping {
		d.mu.Unlock()
		_ = nc.Close()
		return errStopping
	}
	d.live[w] = struct{}{}
	d.mu.Unlock()
	if err := w.attach(nc); err != nil {
		return err
	}
	if err := w.negotiate(); err != nil {
		return err
	}
	if w.dialect != c.dialect || w.cipher != c.cipher || w.signAlg != c.signAlg || w.response.ServerGUID != c.response.ServerGUID {
		return breach(nt.StatusInvalidNetworkResponse, "another server, or not as it was")
	}
	w.validated.Store(true) // by the signature of the binding
	b := &session{conn: w, key: s.key, cred: s.cred, id: s.id, signer: s.signer, ready: make(chan struct{}), trees: make(map[string]*tree), binding: true}
	close(b.ready)
	if err := b.bind(s); err != nil {
		return err
	}
	for range 8 { // long messages want credits
		if int(w.total.Load())*creditSize/4 >= maxTransfer {
			break
		}
		if _, err := w.call(&opProbe, b, nil, (&smb2.EchoRequest{}).Append(nil), false); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.sessions[s.key] != s || s.main != nil || d.conns[c.key] != c {
		return errLost // meanwhile
	}
	b.main, b.up, w.up = s, true, true
	s.channels = append(s.channels, b)
	for _, t := range s.trees {
		if t.up {
			t.spread()
		}
	}
	d.log.Debug("channel", "server", c.key, "address", addr, "channels", len(s.channels)+1)
	return nil
}

// bind authenticates a channel. The requests are signed with the session's key, the last answer with the channel's.
func (b *session) bind(s *session) error {
	init, _, hash, last, err := b.authenticate()
	if err != nil {
		return err
	}
	w := b.conn
	if init.Context() == nil || len(init.Context().SessionKey()) == 0 {
		return breach(nt.StatusNoUserSessionKey, "authentication without a session key")
	}
	keys := smb2.DeriveKeys(w.dialect, w.cipher, init.Context().SessionKey(), hash)
	signer, err := smb2.NewSigner(w.signAlg, keys.Signing[:])
	if err != nil {
		return err
	}
	if !last.header.IsSigned() {
		return breach(nt.StatusInvalidNetworkResponse, "binding: %w", errUnsigned)
	}
	if err := signer.Verify(last.raw); err != nil {
		return breach(nt.StatusInvalidNetworkResponse, "binding: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return nt.StatusConnectionDisconnected
	}
	b.binding = false
	b.signer, b.sealer, b.opener, b.sign, b.encrypt, b.appKey = signer, s.sealer, s.opener, s.sign, s.encrypt, s.appKey
	w.byID[b.id] = b
	return nil
}

// spread makes the ways of a tree anew; redirector.mu is held.
func (t *tree) spread() {
	s := t.sess
	if len(s.channels) == 0 {
		t.ways.Store(nil)
		return
	}
	list := []*tree{t}
	name := nt.Upcase(t.share)
	for _, b := range s.channels {
		w := b.trees[name]
		if w == nil || w.id != t.id {
			w = &tree{sess: b, share: t.share, id: t.id, pipe: t.pipe, dfs: t.dfs, encrypt: t.encrypt, lasting: t.lasting, compress: t.compress, up: true, idle: time.Now()}
			b.trees[name] = w
		}
		list = append(list, w)
	}
	t.ways.Store(&list)
}

// narrow takes a channel out of its session; mu is held.
func (d *redirector) narrow(w *conn) {
	s := w.channelOf.Load()
	if s == nil {
		return
	}
	for i, b := range s.channels {
		if b.conn == w {
			s.channels = append(s.channels[:i:i], s.channels[i+1:]...)
			for _, t := range s.trees {
				t.spread()
			}
			return
		}
	}
}

// promote puts a channel in the place of a connection that is lost; false if there is none. mu is held.
func (d *redirector) promote(c *conn) bool {
	if d.stopping || d.conns[c.key] != c {
		return false
	}
	for _, s := range c.sessions {
		if len(s.channels) == 0 {
			continue
		}
		b := s.channels[0]
		w := b.conn
		rest := s.channels[1:]
		s.channels = nil
		b.main, b.channels = nil, rest
		for _, x := range rest {
			x.main = b
			x.conn.channelOf.Store(b)
		}
		w.channelOf.Store(nil)
		w.sessions[b.key] = b
		d.conns[c.key] = w
		select {
		case <-w.ready:
		default:
			close(w.ready)
		}
		for name, t := range s.trees {
			n := b.trees[name]
			if !t.up || n == nil {
				delete(b.trees, name)
				continue
			}
			t.successor.Store(n)
			n.spread()
		}
		b.asked.Store(true)
		d.log.Debug("a channel takes the place of the first", "server", c.key)
		return true
	}
	return false
}

// channelConns are the connections of all channels of a connection's sessions; mu is held.
func channelConns(list ...*session) (out []*conn) {
	for _, s := range list {
		for _, b := range s.channels {
			out = append(out, b.conn)
		}
		s.channels = nil
	}
	return out
}

// move has a file go by the channel that took the place of its connection; false if none did.
func (f *file) move() bool {
	at := f.at.Load()
	n := at.tree.successor.Load()
	if n == nil {
		return false
	}
	d := f.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.at.Load() == at {
		at.tree.users--
		n.users++
		f.at.Store(&place{tree: n, fid: at.fid, sequence: at.sequence + 1})
	}
	return true
}

// elsewhere reports that a request, which was lost at a tree, can be sent by another channel: the file is told of there by a new sequence.
func (f *file) elsewhere(lostAt *tree) bool {
	if f.closed.Load() {
		return false
	}
	at := f.at.Load()
	if lostAt == at.tree {
		return f.move()
	}
	if lostAt.sess.id != at.tree.sess.id || lostAt.id != at.tree.id {
		return false
	}
	f.at.CompareAndSwap(at, &place{tree: at.tree, fid: at.fid, sequence: at.sequence + 1})
	return true
}

// outdated sends an exchange again that the server has refused because of its ChannelSequence (3.3.5.2.10): another of a later one came by another channel
// first; or it is sent once more, and what was on its way before it has not ended at the server. False if that is not why.
func (x *exchange) outdated() bool {
	if x.file == nil || x.givenUp() || x.r != nil && !repeatable(x.r) {
		return false
	}
	at := x.file.at.Load()
	if at.sequence == 0 || at.tree.sess.id != x.sess.id || x.again == maxAgain {
		return false
	}
	x.again++
	x.sequence, x.replay = at.sequence, modifies(x.op)
	x.async, x.signed, x.sealed, x.asyncID = false, false, false, 0
	time.AfterFunc(againAfter, func() {
		c := x.conn
		if x.r != nil && x.r.Cancelled() {
			x.complete(nt.StatusCancelled, 0)
			return
		}
		c.mu.Lock()
		if c.dead {
			c.mu.Unlock()
			x.complete(nt.StatusConnectionDisconnected, 0)
			return
		}
		x.cancelled, x.giveUp = false, time.Time{}
		c.queue(x)
		c.mu.Unlock()
		c.pump()
	})
	return true
}

// How often and after what time.
const (
	maxAgain   = 200
	againAfter = 10 * time.Millisecond
)
