package hostile

import (
	"bytes"
	"context"
	"fmt"

	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// perConnection is how many logons are tried on one connection.
const perConnection = 40

// tokens lies inside the tokens of SESSION_SETUP: in SPNEGO, in NTLM within it, in NTLM by itself.
func tokens(h *host, m mutator, n int, y *tally) error {
	for y.sent < n {
		c, err := connect(h.addr)
		if err != nil {
			return err
		}
		if err := c.negotiate(pick(m, dialects)); err != nil {
			return err
		}
		c.statuses = y.statuses
		for range min(perConnection, n-y.sent) {
			if err = c.lyingLogon(m, y); err != nil {
				break
			}
		}
		y.answered += c.answered
		c.nc.Close()
		switch {
		case err == errCut:
			y.cut++
		case err != nil:
			return y.hung(err, "no answer to SESSION_SETUP")
		}
	}
	return nil
}

// lyingLogon tries to set up a session with one token that lies.
func (c *client) lyingLogon(m mutator, y *tally) error {
	ctx := context.Background()
	bare := m.chance(4) // NTLM that is not wrapped
	inner := initiator(victim)
	token, _, err := inner.Init(ctx, nil)
	if err != nil {
		return err
	}
	wrap := func(b []byte) []byte {
		if bare {
			return b
		}
		t := spnego.NegTokenInit{MechTypes: []spnego.OID{spnego.OIDKerberos, spnego.OIDNTLM}[m.IntN(2):], MechToken: b}
		return t.Append(nil)
	}
	lieOutside := func(b []byte) []byte {
		if bare {
			return m.bytes(b)
		}
		return m.bytes(b, derSpans(b)...)
	}
	first := wrap(token)
	kind := m.IntN(8)
	switch kind {
	case 0:
		first = lieOutside(first)
	case 1:
		first = wrap(m.bytes(token, span{12, 4}, span{16, 2}, span{20, 4}, span{24, 2}, span{28, 4}))
	}
	if kind < 2 {
		y.mutated(first)
	}
	_, answer, err := c.setup(0, first)
	if err != nil {
		return err
	}
	session := answer.Header.SessionID
	res, err := smb2.ParseSessionSetupResponse(answer.Body)
	if err != nil || answer.Header.Status != nt.StatusMoreProcessingRequired {
		if kind >= 2 {
			y.sent++ // a session that could not begin: too many on this connection
			return errCut
		}
		return nil
	}
	if kind < 2 && m.chance(2) {
		return nil
	}
	if len(first) == 0 {
		return nil // which asks for the server's hint
	}
	challenge := bytes.Clone(res.SecurityBuffer)
	if !bare {
		t, err := spnego.ParseNegTokenResp(challenge)
		if err != nil {
			return fmt.Errorf("%x is answered with %x: %w", first, challenge, err)
		}
		if challenge = t.ResponseToken; challenge == nil { // another mechanism was taken: begin with it
			return nil
		}
	}
	last, _, err := inner.Init(ctx, challenge)
	if err != nil {
		return nil // the server took the lie and answers accordingly
	}
	answerToken := func(b []byte) []byte {
		if bare {
			return b
		}
		t := spnego.NegTokenResp{NegState: spnego.NoState, ResponseToken: b}
		if m.chance(4) {
			t.MechListMIC = m.noise(16)
		}
		return t.Append(nil)
	}
	var second []byte
	switch kind {
	case 2, 3, 4, 5:
		second = answerToken(m.bytes(last, authenticateSpans(last)...))
	case 6:
		second = lieOutside(answerToken(last))
	default:
		second = answerToken(m.bytes(pick(m, [][]byte{token, challenge, last})))
	}
	y.mutated(second)
	if _, answer, err = c.setup(session, second); err != nil {
		return err
	}
	if answer.Header.Status == nt.StatusMoreProcessingRequired || m.chance(16) { // yet another leg
		y.mutated(second)
		_, _, err = c.setup(session, m.bytes(second))
	}
	return err
}
