package hostile

import (
	"bytes"
	"errors"
	"fmt"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/rpc"
	"lwio/rpc/pdu"
)

// association is an open of a pipe on which one interface is bound.
type association struct {
	c      *client
	id     smb2.FileID
	callID uint32
	buf    []byte
}

const (
	fragment = 4280 // what Samba and Windows propose on pipes
	// enough is how much of a response is read before the association is let go instead.
	enough = 256 << 10
)

// errAbandoned: the response is longer than it is worth reading.
var errAbandoned = errors.New("response abandoned")

// bindPDU proposes the interface of a service as context 0.
func bindPDU(s *service, callID uint32) *pdu.Bind {
	return &pdu.Bind{Header: pdu.Header{Flags: pdu.FirstFrag | pdu.LastFrag, CallID: callID}, MaxXmitFrag: fragment, MaxRecvFrag: fragment,
		Contexts: []pdu.Context{{Abstract: pdu.SyntaxID{UUID: s.iface.UUID, Major: s.iface.Major, Minor: s.iface.Minor}, Transfer: []pdu.SyntaxID{pdu.NDR}}}}
}

// requestPDU is a request in one fragment.
func requestPDU(callID uint32, opnum uint16, stub []byte) []byte {
	x := pdu.Request{Header: pdu.Header{Flags: pdu.FirstFrag | pdu.LastFrag, CallID: callID}, AllocHint: uint32(len(stub)), Opnum: opnum}
	return pdu.AppendRequest(nil, &x, stub)
}

// associate opens the pipe of a service and binds. The client is connected to IPC$.
func (c *client) associate(service int) (*association, error) {
	s := &services[service]
	id, err := c.open(pipeRequest(s.pipe))
	if err != nil {
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	a := &association{c: c, id: id, callID: 1}
	b, _, err := a.transceive(bindPDU(s, 1).Append(nil))
	if err != nil {
		return nil, fmt.Errorf("bind: %w", err)
	}
	ack, err := pdu.ParseBindAck(b)
	if err != nil || len(ack.Results) != 1 || ack.Results[0].Code != pdu.Acceptance {
		return nil, fmt.Errorf("bind: %+v, %w", ack.Results, err)
	}
	return a, nil
}

// transceive writes a PDU and reads what comes; more tells that there is yet more of it.
func (a *association) transceive(b []byte) (out []byte, more bool, err error) {
	m, err := a.c.do(smb2.Ioctl, ioctl(a.id, nt.FsctlPipeTransceive, b, fragment))
	if err != nil {
		return nil, false, err
	}
	if m.Header.Status != nt.StatusSuccess && m.Header.Status != nt.StatusBufferOverflow {
		return nil, false, m.Header.Status
	}
	res, err := smb2.ParseIoctlResponse(m.Body)
	return res.Output, m.Header.Status == nt.StatusBufferOverflow, err
}

// call makes a call in one fragment and gives the stub data of the response, or the fault.
func (a *association) call(opnum uint16, stub []byte) ([]byte, error) {
	a.callID++
	b, _, err := a.transceive(requestPDU(a.callID, opnum, stub))
	if err != nil {
		return nil, err
	}
	a.buf = a.buf[:0]
	for {
		h, err := pdu.ParseHeader(b)
		if err != nil || len(b) < int(h.FragLength) {
			return nil, fmt.Errorf("answer of %d bytes: %w", len(b), errors.Join(err, pdu.ErrLength))
		}
		switch h.Type {
		case pdu.TypeFault:
			x, err := pdu.ParseFault(b)
			if err != nil {
				return nil, err
			}
			return nil, rpc.Fault(x.Status)
		case pdu.TypeResponse:
			x, err := pdu.ParseResponse(b)
			if err != nil {
				return nil, err
			}
			if x.CallID != a.callID {
				return nil, fmt.Errorf("answer to call %d, not %d", x.CallID, a.callID)
			}
			a.buf = append(a.buf, b[x.Stub:x.StubEnd]...)
		default:
			return nil, fmt.Errorf("a call is answered with a PDU of type %d", h.Type)
		}
		if h.Flags&pdu.LastFrag != 0 {
			return a.buf, nil
		}
		if len(a.buf) > enough {
			return nil, errAbandoned
		}
		m, err := a.c.do(smb2.Read, (&smb2.ReadRequest{FileID: a.id, Length: fragment}).Append(nil))
		if err != nil {
			return nil, err
		}
		if m.Header.Status != nt.StatusSuccess {
			return nil, m.Header.Status
		}
		res, err := smb2.ParseReadResponse(m.Body)
		if err != nil {
			return nil, err
		}
		b = bytes.Clone(res.Data)
	}
}

func (a *association) close() error {
	_, err := a.c.do(smb2.Close, (&smb2.CloseRequest{FileID: a.id}).Append(nil))
	return err
}
