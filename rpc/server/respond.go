package server

import (
	"slices"

	"lwio/rpc"
	"lwio/rpc/pdu"
)

const faultProtocol = rpc.FaultProtocol

// padTo is what stub data are padded to where a verifier follows, as Windows and Samba do.
const padTo = 16

// respond sends the response that stands in out behind room for one header. A fragment is made where its stub data are: its header goes over the
// end of the fragment before, which is sent, and what its trailer goes over is kept and put back.
func (c *conn) respond(k *call, out *buffer) (rpc.Fault, pdu.Flags) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	a := k.auth
	room, tail := c.frag-pdu.ResponseLen, 0
	if a.protects() {
		tail = pdu.TrailerLen + a.ctx.SignatureLen(a.level == rpc.AuthLevelPktPrivacy)
		room -= tail
	}
	room &^= padTo - 1
	total := len(out.b) - pdu.ResponseLen
	if room <= 0 || tail > maxTail {
		return rpc.FaultOutArgsTooBig, 0
	}
	out.b = slices.Grow(out.b, tail+padTo)
	headerSign := c.headerSign.Load()
	x := pdu.Response{ContextID: k.wire.ContextID}
	x.CallID = k.wire.CallID
	c.deadline((total + room - 1) / room)
	for at := 0; ; at += room {
		n := min(room, total-at)
		x.Flags = 0
		if at == 0 {
			x.Flags |= pdu.FirstFrag
		}
		if at+n == total {
			x.Flags |= pdu.LastFrag
		}
		x.AllocHint = uint32(total - at)
		whole := out.b[at:cap(out.b)]
		end := pdu.ResponseLen + n
		pdu.AppendResponseHeader(whole[:0], &x)
		frag := whole[:end]
		if a.protects() {
			if fault, err := c.sendSecured(whole, end, len(out.b)-at, a, tail, headerSign); fault != 0 || err != nil {
				return fault, 0
			}
		} else {
			pdu.SetLengths(frag, 0)
			if c.write(frag) != nil {
				return 0, 0
			}
		}
		if at+n == total {
			return 0, 0
		}
	}
}

// maxTail is how long a trailer and its signature may be.
const maxTail = 256

// sendSecured sends the fragment of end bytes at the start of whole with a trailer of tail bytes, and puts back what of the response's used bytes that goes over.
func (c *conn) sendSecured(whole []byte, end, used int, a *security, tail int, headerSign bool) (rpc.Fault, error) {
	var kept [maxTail]byte
	over := kept[:copy(kept[:], whole[end:min(end+tail, used)])]
	frag, err := secure(whole[:end], a, tail, headerSign)
	if err != nil {
		c.s.cfg.Logger.Error("rpc: response not protected", "err", err)
		return rpc.FaultSecPackage, nil
	}
	err = c.write(frag)
	copy(whole[end:], over)
	return 0, err
}

// secure pads the fragment and ends it with a verifier of tail bytes.
func secure(frag []byte, a *security, tail int, headerSign bool) ([]byte, error) {
	pad := -(len(frag) - pdu.ResponseLen) & (padTo - 1)
	frag = append(frag, make([]byte, pad)...)
	stubEnd := len(frag)
	frag = pdu.AppendTrailer(frag, pdu.Verifier{Type: a.typ, Level: a.wire, PadLength: uint8(pad), ContextID: a.id})
	signed := len(frag)
	pdu.SetLengths(frag[:stubEnd+tail], tail-pdu.TrailerLen)
	frag, err := a.close(frag, pdu.ResponseLen, stubEnd, headerSign)
	if err == nil && len(frag) != signed+tail-pdu.TrailerLen {
		err = errVerifier // the mechanism does not keep to the length it said
	}
	return frag, err
}

// fault answers a call with a fault. Faults are not protected, here as in Samba: a client that trusts one learns no more than that its call failed.
func (c *conn) fault(callID uint32, contextID uint16, f rpc.Fault, flags pdu.Flags) {
	x := pdu.Fault{AllocHint: pdu.FaultLen, ContextID: contextID, Status: uint32(f)}
	x.CallID, x.Flags = callID, pdu.FirstFrag|pdu.LastFrag|flags
	c.counts.faults.Add(1)
	var b [pdu.FaultLen]byte
	c.send(x.Append(b[:0]))
}
