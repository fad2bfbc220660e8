package domain

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// Tags of a bind (RFC 4511 4.2).
const (
	tagBind     = 0x60
	tagBindDone = 0x61
	tagSASL     = 0xA3
	tagSASLBack = 0x87
)

const (
	saslMechanism = "GSS-SPNEGO" // MS-ADTS 5.1.1.1.2: what is sealed follows from the context, no layer is negotiated (as RFC 4752 does for GSSAPI)

	ldapSuccess    = 0
	ldapInProgress = 14

	maxBind    = 128 << 10 // of an answer to a bind: its token is some hundred bytes
	maxSealed  = 1 << 20   // of a sealed buffer that is taken: answers here are some kilobytes
	sealedPart = 32 << 10  // of what is sealed at once
	maxRounds  = 8
)

// saslBind authenticates on a connection to an LDAP server, and gives the connection over which what follows is sealed.
func saslBind(ctx context.Context, nc net.Conn, init auth.Initiator) (net.Conn, error) {
	var theirs []byte
	for id := byte(1); ; id++ {
		token, done, err := init.Init(ctx, theirs)
		if err != nil {
			return nil, err
		}
		if id > maxRounds {
			return nil, fmt.Errorf("bind: it does not end: %w", nt.StatusInvalidNetworkResponse)
		}
		if len(token) > 0 || id == 1 {
			if _, err := nc.Write(bindRequest(id, token)); err != nil {
				return nil, err
			}
			b, err := readElement(nc, maxBind)
			if err != nil {
				return nil, err
			}
			code, back, text, err := bindAnswer(b, id)
			switch {
			case err != nil:
				return nil, err
			case code == ldapSuccess && done && len(back) == 0:
				return sealed(nc, init)
			case code == ldapSuccess && len(back) > 0 && !done:
				if token, done, err = init.Init(ctx, back); err == nil && (!done || len(token) > 0) {
					err = nt.StatusInvalidNetworkResponse
				}
				if err != nil {
					return nil, fmt.Errorf("bind: %w", err)
				}
				return sealed(nc, init)
			case code != ldapInProgress:
				return nil, fmt.Errorf("bind: the server answers %d %q: %w", code, text, nt.StatusLogonFailure)
			}
			theirs = back
			continue
		}
		return nil, fmt.Errorf("bind: the server goes on after the end: %w", nt.StatusInvalidNetworkResponse)
	}
}

func sealed(nc net.Conn, init auth.Initiator) (net.Conn, error) {
	c := init.Context()
	if c == nil {
		return nil, fmt.Errorf("bind: the server ends it early: %w", nt.StatusInvalidNetworkResponse)
	}
	return &sealedConn{Conn: nc, protector: c}, nil
}

// bindRequest is a bind by SASL (RFC 4511 4.2).
func bindRequest(id byte, token []byte) []byte {
	return ber(tagSequence, ber(tagInteger, []byte{id}), ber(tagBind, ber(tagInteger, []byte{3}), ber(tagOctets),
		ber(tagSASL, ber(tagOctets, []byte(saslMechanism)), ber(tagOctets, token))))
}

// bindAnswer takes a BindResponse apart.
func bindAnswer(b []byte, id byte) (code int, token []byte, text string, err error) {
	msg, _, err := within(b, tagSequence)
	if err != nil {
		return 0, nil, "", err
	}
	got, msg, err := within(msg, tagInteger)
	if err != nil || len(got) != 1 || got[0] != id {
		return 0, nil, "", errLDAP
	}
	body, _, err := within(msg, tagBindDone)
	if err != nil {
		return 0, nil, "", err
	}
	result, body, err := within(body, tagEnum)
	if err != nil || len(result) != 1 {
		return 0, nil, "", errLDAP
	}
	if _, body, err = within(body, tagOctets); err != nil { // matchedDN
		return 0, nil, "", err
	}
	diagnostic, body, err := within(body, tagOctets)
	if err != nil {
		return 0, nil, "", err
	}
	for len(body) > 0 {
		tag, value, rest, ok := element(body)
		if !ok {
			return 0, nil, "", errLDAP
		}
		if tag == tagSASLBack {
			token = value
		}
		body = rest
	}
	return int(result[0]), token, string(diagnostic), nil
}

// readElement reads one element, header and all, of at most max bytes.
func readElement(r io.Reader, max int) ([]byte, error) {
	head := make([]byte, 2, 6)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n := int(head[1])
	if n >= 0x80 {
		size := n & 0x7F
		if size == 0 || size > 4 {
			return nil, errLDAP
		}
		head = head[:2+size]
		if _, err := io.ReadFull(r, head[2:]); err != nil {
			return nil, err
		}
		n = 0
		for _, c := range head[2:] {
			n = n<<8 | int(c)
		}
	}
	if n < 0 || n > max {
		return nil, errLDAP
	}
	b := append(make([]byte, 0, len(head)+n), head...)
	_, err := io.ReadFull(r, b[len(head):cap(b)])
	return b[:cap(b)], err
}

// sealedConn seals what goes over a connection in buffers that have their length before them (RFC 4422 3.7). It is for one reader and one writer at a time.
type sealedConn struct {
	net.Conn
	protector auth.Protector

	in   []byte // of the buffer that was read last; the writer does not touch it
	rest []byte // of in that has not been given yet
	out  []byte // the writer's
}

var errSealed = errors.New("domain: a sealed buffer of LDAP of no possible length")

// Read gives what is left of a buffer, or reads the next.
func (c *sealedConn) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		var head [4]byte
		if _, err := io.ReadFull(c.Conn, head[:]); err != nil {
			return 0, err
		}
		n, sig := int64(binary.BigEndian.Uint32(head[:])), c.protector.SignatureLen(true)
		if n < int64(sig) || n > maxSealed {
			return 0, errSealed
		}
		c.in = c.in[:0]
		for left := int(n); left > 0; { // what has not come takes no memory
			step := min(left, sealedPart)
			at := len(c.in)
			c.in = append(c.in, make([]byte, step)...)
			if _, err := io.ReadFull(c.Conn, c.in[at:]); err != nil {
				if errors.Is(err, io.EOF) {
					err = io.ErrUnexpectedEOF
				}
				return 0, err
			}
			left -= step
		}
		msg := c.in[sig:]
		if err := c.protector.Unseal(msg, 0, len(msg), c.in[:sig]); err != nil {
			return 0, err
		}
		c.rest = msg
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write seals b.
func (c *sealedConn) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		part := b[done:min(len(b), done+sealedPart)]
		sig := c.protector.SignatureLen(true)
		c.out = append(c.out[:0], make([]byte, 4+sig)...)
		c.out = append(c.out, part...)
		binary.BigEndian.PutUint32(c.out, uint32(sig+len(part)))
		msg := c.out[4+sig:]
		if _, err := c.protector.Seal(c.out[4:4:4+sig], msg, 0, len(msg)); err != nil {
			return done, err
		}
		if _, err := c.Conn.Write(c.out); err != nil {
			return done, err
		}
		done += len(part)
	}
	return done, nil
}
