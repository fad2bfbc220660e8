package netlogon

import (
	"context"
	"errors"
	"fmt"

	"lwio/iomgr/auth"
)

// Channel is a secure channel that was authenticated.
type Channel struct {
	Domain, Computer string // NetBIOS names
	Key              Key
}

type initiator struct {
	channel Channel
	sent    bool
	session *session
}

// NewInitiator binds a channel to an association (MS-NRPC 3.3.4.1).
func NewInitiator(c Channel) auth.Initiator { return &initiator{channel: c} }

func (i *initiator) Context() auth.Context {
	if i.session == nil {
		return nil
	}
	return i.session
}

var errOver = errors.New("netlogon: the channel is bound already")

// Init makes the one token and takes the one that answers it.
func (i *initiator) Init(_ context.Context, token []byte) ([]byte, bool, error) {
	switch {
	case i.session != nil:
		return nil, false, errOver
	case !i.sent:
		i.sent = true
		m := Message{Type: MessageNegotiate, Domain: i.channel.Domain, Computer: i.channel.Computer}
		return m.Append(nil), false, nil
	}
	m, err := ParseMessage(token)
	if err != nil {
		return nil, false, err
	}
	if m.Type != MessageResponse {
		return nil, false, fmt.Errorf("%w: type %d answers", errMessage, m.Type)
	}
	i.session = &session{key: i.channel.Key, initiator: true}
	return nil, true, nil
}
