package krb5

import (
	"fmt"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// session is an established context.
type session struct {
	token   *nt.Token
	key     EncryptionKey
	expires time.Time
	client  string
	auth.Protector
}

var _ auth.Context = (*session)(nil)

// newSession makes the context that the exchange settled on. ours and theirs are the first sequence numbers.
func newSession(key EncryptionKey, initiator, acceptorSubkey, dceStyle bool, ours, theirs uint32) *session {
	s := &session{key: key}
	if key.Type == RC4HMAC {
		s.Protector = &rc4Protector{key: key.Value, initiator: initiator, send: newSequence(ours), recv: newSequence(theirs)}
	} else {
		s.Protector = newCFX(key, initiator, acceptorSubkey, dceStyle, ours, theirs)
	}
	return s
}

func (s *session) Token() *nt.Token   { return s.token }
func (s *session) SessionKey() []byte { return s.key.Value }
func (s *session) Mechanism() string  { return "Kerberos" }

// Expires is the end of the ticket.
func (s *session) Expires() time.Time { return s.expires }

// ResetKeystream is told by SPNEGO that the mechanism list was signed. There is no key stream; with sequence the peer did not look at our
// signature, so its count did not move and ours goes back. Peers differ in whether theirs moved.
func (s *session) ResetKeystream(restart bool) {
	var send, recv *sequence
	switch p := s.Protector.(type) {
	case *cfx:
		send, recv = &p.send.seq, &p.recv.seq
	case *rc4Protector:
		send, recv = &p.send, &p.recv
	}
	if restart {
		send.next = send.first
	}
	recv.settled = false
}

// sequence numbers the messages of one direction. Messages are taken in order and once. The first may also be one or two further, or the very
// first again after SPNEGO's: a peer may have signed something that was not shown to us.
type sequence struct {
	first, next uint64
	settled     bool
}

const sequenceSlack = 2

func newSequence(first uint32) sequence { return sequence{first: uint64(first), next: uint64(first)} }

func (s *sequence) take() uint64 {
	n := s.next
	s.next++
	return n
}

func (s *sequence) check(n uint64) error {
	if n != s.next && (s.settled || n < s.first || n > s.first+sequenceSlack) {
		return fmt.Errorf("krb5: message out of sequence: %w", nt.StatusAccessDenied)
	}
	s.next, s.settled = n+1, true
	return nil
}
