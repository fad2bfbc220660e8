package hostile

import (
	"bytes"

	"lwio/iomgr/smb2"
)

// perSession is how many messages a session lives for, if it lives.
const perSession = 64

// signed lies within sessions: what is mutated is then signed, so that it reaches the handlers.
func signed(h *host, m mutator, n int, y *tally) error { return messages(h, m, n, y, false) }

// sealed is signed with encryption.
func sealed(h *host, m mutator, n int, y *tally) error { return messages(h, m, n, y, true) }

func messages(h *host, m mutator, n int, y *tally, seal bool) error {
	for y.sent < n {
		d, name := pick(m, dialects), user
		if seal {
			d = pick(m, dialects[:3])
		}
		if m.chance(4) {
			name = admin
		}
		f, err := newFixture(h, m, name, d, seal)
		if err != nil {
			return err
		}
		f.statuses, f.answered = y.statuses, 0
		for end := min(n, y.sent+perSession); y.sent < end && err == nil; {
			err = f.batch(y)
		}
		y.answered += f.answered
		if m.chance(2) {
			_ = f.nc.SetLinger(0) // a reset
		}
		f.nc.Close()
		switch {
		case err == errCut:
			y.cut++
		case err == errEnded:
		case err != nil:
			return y.hung(err, "no answer to ECHO")
		}
	}
	return nil
}

// errEnded: this session has come to its end by what was sent.
var errEnded = errCutBy("the client's own doing")

type errCutBy string

func (e errCutBy) Error() string { return "ended by " + string(e) }

// batch sends a few messages at once and waits until the server has been through them.
func (f *fixture) batch(y *tally) error {
	for range 1 + f.IntN(8) {
		var msgs [][]byte
		for range 1 + f.IntN(3)*f.IntN(2) {
			r := f.request()
			f.tree = r.tree
			msgs = append(msgs, f.message(r.cmd, r.body))
		}
		if len(msgs) > 1 {
			f.compound(msgs, y)
			continue
		}
		if !f.single(msgs[0], y) {
			if err := f.drain(); err != nil {
				return err
			}
			return errEnded
		}
	}
	m, err := f.do(smb2.Echo, (&smb2.EchoRequest{}).Append(nil))
	if err == nil && m.Header.Status.IsError() {
		return errEnded // LOGOFF was among them
	}
	return err
}

// single queues a mutated message. False means that the stream is out of step now.
func (f *fixture) single(msg []byte, y *tally) bool {
	body := msg[smb2.HeaderSize:]
	cmd := smb2.Command(le.Uint16(msg[12:]))
	spans := bodySpans[cmd]
	if cmd == smb2.Create {
		spans = append(spans[:len(spans):len(spans)], contextSpans(body)...)
	}
	switch k := f.IntN(20); {
	case k < 14:
		msg = append(msg[:smb2.HeaderSize:smb2.HeaderSize], f.bytes(body, spans...)...)
	case k < 17:
		f.lie(msg, pick(f.mutator, headerSpans))
		f.follow(msg)
	case k < 18: // sent twice
		f.queue(bytes.Clone(msg))
	default: // changed after it was signed or sealed
		var b []byte
		if f.seal {
			b = f.sealed(nil, msg)[smb2.FrameHeaderSize:]
		} else {
			f.signer.Sign(msg)
			b = msg
		}
		b = f.bytes(b)
		y.mutated(b)
		at := len(f.out)
		f.out = f.frame(f.out, b)
		return int(f.out[at+1])<<16|int(f.out[at+2])<<8|int(f.out[at+3]) == len(b)
	}
	y.mutated(msg)
	f.queue(msg)
	return true
}

// follow keeps the client's count of ids in step with a header that was changed.
func (f *fixture) follow(msg []byte) {
	if n := le.Uint16(msg[6:]); n > 1 && f.dialect != smb2.Dialect202 {
		f.next += uint64(n) - 1
	}
}

// compound queues several messages as one, with a lie in one of them.
func (f *fixture) compound(msgs [][]byte, y *tally) {
	related := f.chance(2)
	liar := f.IntN(len(msgs))
	var frame []byte
	var starts []int
	for i, msg := range msgs {
		if related && i > 0 {
			smb2.SetFlags(msg, smb2.FlagRelated)
			le.PutUint64(msg[40:], smb2.RelatedSessionID)
			le.PutUint32(msg[36:], smb2.RelatedTreeID)
			if body := msg[smb2.HeaderSize:]; f.chance(2) && len(body) >= 24 { // where most commands have their FileId
				for at := range 16 {
					body[8+at] = 0xFF
				}
			}
		}
		if i == liar {
			msg = append(msg[:smb2.HeaderSize:smb2.HeaderSize], f.bytes(msg[smb2.HeaderSize:], bodySpans[le.Uint16(msg[12:])]...)...)
		}
		start := len(frame)
		starts = append(starts, start)
		frame = append(frame, msg...)
		if i < len(msgs)-1 {
			frame = smb2.AppendPadding(frame, start)
			smb2.SetNextCommand(frame[start:], uint32(len(frame)-start))
		}
	}
	if f.chance(6) {
		f.lie(frame[starts[liar]:], span{20, 4})
	}
	y.mutated(frame)
	if f.seal {
		f.out = f.sealed(f.out, frame)
		return
	}
	for i, start := range starts {
		end := len(frame)
		if i < len(starts)-1 {
			end = starts[i+1]
		}
		f.signer.Sign(frame[start:end])
	}
	f.plain(frame)
}
