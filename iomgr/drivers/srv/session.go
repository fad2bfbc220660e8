package srv

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// session is an authenticated context (MS-SMB2 3.3.1.8). It lives in the server's table; connections refer to it by channels.
type session struct {
	srv     *server
	id      uint64
	created time.Time

	// Written before the first channel becomes valid, read by all after it.
	dialect         smb2.Dialect
	cipher          smb2.CipherID
	signAlg         smb2.SigningAlgorithm
	signer          *smb2.Signer // Session.SigningKey; nil for an anonymous session
	sealer          *smb2.Sealer // nil without encryption
	opener          *smb2.Opener
	appKey          []byte // 16 bytes: what RPC servers use as the session key
	signingRequired bool
	encrypt         bool // everything must be sealed
	clientName      string
	mechanism       string

	anonymous atomic.Bool
	gone      atomic.Bool // in no table any more
	token     atomic.Pointer[nt.Token]
	expires   atomic.Int64 // Unix nanoseconds, 0 for never
	lastUse   atomic.Int64
	opens     atomic.Int32
	recent    atomic.Pointer[tree] // that was asked for last, which is mostly asked for again; it may be gone

	mu       sync.Mutex
	channels []*channel       // guarded by mu
	trees    map[uint32]*tree // guarded by mu
	nextTree uint32           // guarded by mu
	files    *open            // guarded by mu: list of opens
	orphans  []*request       // guarded by mu: creates that wait, whose connection has gone
}

// orphan is a create that waits, of a session.
type orphan struct {
	sess *session
	req  *request
}

// adopt keeps a create that lost its connection going for as long as the session lives.
func (s *session) adopt(r *request) {
	s.mu.Lock()
	gone := s.gone.Load()
	if !gone {
		s.orphans = slices.DeleteFunc(s.orphans, (*request).Completed)
		s.orphans = append(s.orphans, r)
	}
	s.mu.Unlock()
	if gone {
		r.Cancel()
	}
}

// channel is a session on one connection.
type channel struct {
	conn    *conn
	sess    *session
	valid   atomic.Bool // established: what follows up to signer is fixed
	counted atomic.Bool // among conn.established
	signer  *smb2.Signer

	binding atomic.Bool // the exchange under way binds the channel

	mu    sync.Mutex
	steps []step // guarded by mu: the first one runs, or waits for its turn

	// Of the step that runs.
	acceptor auth.Acceptor // of the exchange under way
	hash     smb2.PreauthHash
}

// requestSigner verifies what the client signs: until a channel is bound, that is the key of the session (3.3.5.2.4).
func (ch *channel) requestSigner() *smb2.Signer {
	switch {
	case ch.valid.Load():
		return ch.signer
	case ch.binding.Load():
		return ch.sess.signer
	}
	return nil
}

func (ch *channel) responseSigner() *smb2.Signer { return ch.requestSigner() }

func (s *session) tree(id uint32) *tree {
	if t := s.recent.Load(); t != nil && t.id == id && !t.gone.Load() {
		return t
	}
	s.mu.Lock()
	t := s.trees[id]
	if t != nil {
		s.recent.Store(t)
	}
	s.mu.Unlock()
	return t
}

// maxChannels bounds the connections of a session, as Windows does.
const maxChannels = 32

func (s *session) addChannel(ch *channel) nt.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone.Load() {
		return nt.StatusUserSessionDeleted
	}
	if len(s.channels) >= maxChannels {
		return nt.StatusInsufficientResources
	}
	s.channels = append(s.channels, ch)
	return nt.StatusSuccess
}

// expired reports whether the time of what the user has authenticated with is over.
func (s *session) expired(now int64) bool {
	exp := s.expires.Load()
	return exp != 0 && now > exp
}

// removeChannel is told that a connection has gone. With the last one goes the session (3.3.7.1).
func (s *session) removeChannel(ch *channel) {
	s.mu.Lock()
	for i, x := range s.channels {
		if x == ch {
			s.channels = append(s.channels[:i:i], s.channels[i+1:]...)
			break
		}
	}
	last := len(s.channels) == 0
	s.mu.Unlock()
	if last {
		s.close(true)
	}
}

// close ends the session: its files are closed and its trees go. With keep, durable opens stay (3.3.7.1). It gives the connections that are left
// without a session.
func (s *session) close(keep bool) []*conn {
	s.mu.Lock()
	if s.gone.Swap(true) {
		s.mu.Unlock()
		return nil
	}
	channels, trees, established := s.channels, s.trees, s.token.Load() != nil
	orphans := s.orphans
	s.channels, s.trees, s.orphans = nil, nil, nil
	s.recent.Store(nil)
	var opens []*open
	for o := s.files; o != nil; o = o.next {
		opens = append(opens, o)
	}
	s.mu.Unlock()
	s.srv.sessions.remove(s.id)
	if established {
		s.srv.live.Add(-1)
	}
	for _, r := range orphans {
		r.Cancel()
	}
	for i := len(opens) - 1; i >= 0; i-- { // oldest first
		if !keep || !opens[i].park() {
			opens[i].close()
		}
	}
	for _, t := range trees {
		t.release()
	}
	var idle []*conn
	for _, ch := range channels {
		if ch.conn.removeChannel(ch) == 0 {
			idle = append(idle, ch.conn)
		}
	}
	return idle
}

// disconnect ends the session for an administrator: connections that have no other go too.
func (s *session) disconnect(why error) {
	for _, c := range s.close(false) {
		c.cut(why)
	}
}

// logoff is LOGOFF (3.3.5.6).
func (c *command) logoff() nt.Status {
	if _, err := smb2.ParseLogoffRequest(c.body); err != nil {
		return nt.StatusInvalidParameter
	}
	c.sess.close(true)
	return c.reply((&smb2.LogoffResponse{}).Append(c.begin(8)))
}
