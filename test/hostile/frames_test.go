package hostile

import (
	"context"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// overture is what a client that has not authenticated may say, and some that it may not.
func overture(c *client, m mutator) [][]byte {
	d := pick(m, dialects)
	var list [][]byte
	say := func(cmd smb2.Command, body []byte) { list = append(list, c.message(cmd, body)) }
	if m.chance(4) {
		smb1 := smb2.SMB1Negotiate{Dialects: []string{smb2.SMB1DialectNT, smb2.SMB1Dialect202, smb2.SMB1DialectSMB2Any}[:2+m.IntN(2)]}
		list = append(list, smb1.Append(nil))
		c.next = uint64(1 * m.IntN(2))
	}
	req := offer(d)
	if m.chance(3) {
		req = offer(smb2.Dialect311)
		req.Dialects = dialects
	}
	say(smb2.Negotiate, req.Append(nil))
	token, _, err := negotiator(victim).Init(context.Background(), nil)
	if err != nil {
		panic(err)
	}
	say(smb2.SessionSetup, (&smb2.SessionSetupRequest{SecurityMode: 1, SecurityBuffer: token}).Append(nil))
	for range m.IntN(4) {
		switch m.IntN(8) {
		case 0:
			say(smb2.Echo, (&smb2.EchoRequest{}).Append(nil))
		case 1:
			say(smb2.TreeConnect, (&smb2.TreeConnectRequest{Path: nt.AppendUTF16(nil, `\\server\IPC$`)}).Append(nil))
		case 2:
			say(smb2.SessionSetup, (&smb2.SessionSetupRequest{Flags: smb2.SessionSetupFlagBinding, PreviousSessionID: m.Uint64(), SecurityBuffer: token}).Append(nil))
		case 3:
			say(smb2.Negotiate, req.Append(nil))
		case 4:
			say(smb2.Cancel, (&smb2.CancelRequest{}).Append(nil))
		case 5: // sealed for a session that may be
			h := smb2.TransformHeader{OriginalMessageSize: 80, Flags: smb2.TransformFlagEncrypted, SessionID: uint64(m.IntN(3))}
			list = append(list, append(h.Append(nil), m.noise(80)...))
		case 6: // compressed
			t := smb2.CompressionTransform{OriginalCompressedSegmentSize: 1 << 20, CompressionAlgorithm: 1}
			list = append(list, append(t.Append(nil), m.noise(60)...))
		case 7:
			say(smb2.Create, pipeRequest("rpcecho").Append(nil))
		}
	}
	return list
}

// spansOf are the spans of a message: of its header, and of its body's if that is known.
func spansOf(msg []byte) []span {
	if len(msg) < smb2.HeaderSize || smb2.ProtocolID(msg) != smb2.ProtocolSMB2 {
		return nil
	}
	s := append([]span(nil), headerSpans...)
	cmd := smb2.Command(le.Uint16(msg[12:]))
	if cmd >= smb2.CommandCount {
		return s
	}
	body := bodySpans[cmd]
	if cmd == smb2.Create {
		body = append(body[:len(body):len(body)], contextSpans(msg[smb2.HeaderSize:])...)
	}
	for _, b := range body {
		s = append(s, span{smb2.HeaderSize + b.off, b.size})
	}
	return s
}

// frame appends a message with its transport header, which lies now and then.
func (m mutator) frame(out, msg []byte) []byte {
	out = append(smb2.AppendFrameHeader(out, len(msg)), msg...)
	if m.chance(12) {
		head := out[len(out)-len(msg)-smb2.FrameHeaderSize:]
		switch m.IntN(4) {
		case 0:
			head[m.IntN(4)] ^= 1 << m.IntN(8)
		case 1:
			smb2.PutFrameHeader(head, len(msg)+1+m.IntN(64))
		case 2:
			smb2.PutFrameHeader(head, m.IntN(len(msg)+1))
		default:
			smb2.PutFrameHeader(head, 1<<(8+m.IntN(16)))
		}
	}
	return out
}

// frames lies before authentication: what is said is said in one go, and then the client ends. The server has to answer or to cut, and to end too.
func frames(h *host, m mutator, n int, y *tally) error {
	for y.sent < n {
		c, err := connect(h.addr)
		if err != nil {
			return err
		}
		c.statuses = y.statuses
		list := overture(c, m)
		if m.chance(8) {
			i, j := m.IntN(len(list)), m.IntN(len(list))
			list[i], list[j] = list[j], list[i]
		}
		if m.chance(8) {
			list = append(list, pick(m, list))
		}
		some := m.IntN(len(list))
		for i, msg := range list {
			if i == some || m.chance(3) {
				msg = m.bytes(msg, spansOf(msg)...)
				y.mutated(msg)
			}
			c.out = m.frame(c.out, msg)
			if m.chance(6) {
				c.flush()
			}
		}
		err = c.drain()
		y.answered += c.answered
		c.nc.Close()
		if err != nil {
			return y.hung(err, "the server does not end")
		}
	}
	return nil
}
