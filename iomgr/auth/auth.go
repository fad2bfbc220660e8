package auth

import (
	"context"

	"lwio/iomgr/nt"
)

// Peer is what an acceptor may know of the other side before it authenticates.
type Peer struct {
	Address         string // transport address, for audit
	ChannelBindings []byte // RFC 5929 value if the transport has one
}

// Acceptor is the server's half of one authentication. It is used by one goroutine at a time and for one logon.
type Acceptor interface {
	// Accept takes the peer's next token. A nil error means established: the reply, if any, is still to be
	// sent. nt.StatusMoreProcessingRequired asks for the reply to be sent and the next token to be passed in.
	// Any other error refuses the logon; reply may then hold a token that tells the peer so.
	Accept(ctx context.Context, token []byte) (reply []byte, err error)
	// Context is the established context; nil before.
	Context() Context
}

// Initiator is the client's half.
type Initiator interface {
	// Init takes the server's last token (nil at first) and makes the next one. done reports that this side is
	// established; a token may still have to be sent.
	Init(ctx context.Context, token []byte) (reply []byte, done bool, err error)
	// Context is the established context; nil before.
	Context() Context
}

// Mechanism makes acceptors. It is shared by all connections of a server.
type Mechanism interface {
	NewAcceptor(Peer) Acceptor
	// Hint is the unsolicited first token of the acceptor (for SPNEGO NegTokenInit2, MS-SPNG 2.2.1), nil if there is none.
	Hint() []byte
}

// Context is an established security context.
type Context interface {
	Token() *nt.Token   // of the peer; nil on the initiator's side
	SessionKey() []byte // exported key, 16 bytes or more; callers do not change it
	Mechanism() string  // "NTLM", "Kerberos"
	Protector
}

// Protector signs and seals messages in the order in which they are sent. Sequence numbers are implicit and separate for each
// direction; a Protector is safe for one sender and one receiver at a time.
type Protector interface {
	// SignatureLen is the exact length of the signatures that Sign and Seal append.
	SignatureLen(confidential bool) int
	// Sign appends to sig the signature of msg.
	Sign(sig, msg []byte) ([]byte, error)
	// Verify checks a signature made by the peer's Sign.
	Verify(msg, sig []byte) error
	// Seal signs msg whole, encrypts msg[lo:hi] in place and appends the signature to sig
	// (MS-RPCE 3.3.1.5.2.2; GSS_WrapEx of MS-NLMP 3.4.6).
	Seal(sig, msg []byte, lo, hi int) ([]byte, error)
	// Unseal reverses Seal in place; on error msg holds nothing that may be used.
	Unseal(msg []byte, lo, hi int, sig []byte) error
}
