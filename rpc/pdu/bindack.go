package pdu

import "encoding/binary"

// BindAck is the bind_ack PDU (C706 12.6.4.4).
type BindAck struct {
	Header
	MaxXmitFrag, MaxRecvFrag uint16
	AssocGroupID             uint32
	SecondaryAddress         string // the endpoint, empty in an alter_context_resp
	Results                  []Result
	Verifier                 *Verifier
}

// AlterContextResp is the alter_context_resp PDU (C706 12.6.4.2), which has the form of a bind_ack.
type AlterContextResp BindAck

// ResultCode is p_cont_def_result_t; NegotiateAck is of MS-RPCE 2.2.2.4.
type ResultCode uint16

// The results.
const (
	Acceptance        ResultCode = 0
	UserRejection     ResultCode = 1
	ProviderRejection ResultCode = 2
	NegotiateAck      ResultCode = 3
)

// Reason is p_provider_reason_t. With NegotiateAck it holds the Features instead.
type Reason uint16

// The reasons.
const (
	ReasonNotSpecified                   Reason = 0
	AbstractSyntaxNotSupported           Reason = 1
	ProposedTransferSyntaxesNotSupported Reason = 2
	LocalLimitExceeded                   Reason = 3
)

// Result is p_result_t: the answer to one Context, in the order of the bind.
type Result struct {
	Code     ResultCode
	Reason   Reason
	Transfer SyntaxID // zero unless accepted
}

const (
	bindAckMin = 10 // fragment sizes, group and length of the address
	resultLen  = 4 + syntaxLen
)

// ParseBindAck parses a bind_ack PDU.
func ParseBindAck(b []byte) (BindAck, error) { return parseBindAck(b, TypeBindAck) }

// ParseAlterContextResp parses an alter_context_resp PDU.
func ParseAlterContextResp(b []byte) (AlterContextResp, error) {
	x, err := parseBindAck(b, TypeAlterContextResp)
	return AlterContextResp(x), err
}

func parseBindAck(b []byte, t Type) (BindAck, error) {
	h, err := parse(b, t, bindAckMin)
	if err != nil {
		return BindAck{Header: h}, err
	}
	x := BindAck{Header: h, MaxXmitFrag: h.u16(b[16:]), MaxRecvFrag: h.u16(b[18:]), AssocGroupID: h.u32(b[20:])}
	end := 0
	if x.Verifier, end, err = h.verifier(b, HeaderLen+bindAckMin); err != nil {
		return x, err
	}
	at := HeaderLen + bindAckMin
	n := int(h.u16(b[24:]))
	if at+n > end {
		return x, ErrLength
	}
	if n > 0 {
		addr := b[at : at+n]
		if addr[n-1] == 0 { // the length counts the terminator
			addr = addr[:n-1]
		}
		x.SecondaryAddress = string(addr)
	}
	at = (at + n + 3) &^ 3
	if at+4 > end {
		return x, ErrLength
	}
	n = int(b[at])
	at += 4
	if n*resultLen > end-at {
		return x, ErrLength
	}
	x.Results = make([]Result, n)
	for i := range x.Results {
		x.Results[i] = Result{Code: ResultCode(h.u16(b[at:])), Reason: Reason(h.u16(b[at+2:])), Transfer: h.syntax(b[at+4:])}
		at += resultLen
	}
	return x, nil
}

// Append appends the PDU.
func (x *BindAck) Append(b []byte) []byte { return x.append(b, TypeBindAck) }

// Append appends the PDU.
func (x *AlterContextResp) Append(b []byte) []byte {
	return (*BindAck)(x).append(b, TypeAlterContextResp)
}

func (x *BindAck) append(b []byte, t Type) []byte {
	base := len(b)
	b = x.Header.append(b, t)
	b = binary.LittleEndian.AppendUint16(b, x.MaxXmitFrag)
	b = binary.LittleEndian.AppendUint16(b, x.MaxRecvFrag)
	b = binary.LittleEndian.AppendUint32(b, x.AssocGroupID)
	if x.SecondaryAddress == "" {
		b = append(b, 0, 0)
	} else {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(x.SecondaryAddress)+1))
		b = append(append(b, x.SecondaryAddress...), 0)
	}
	for (len(b)-base)%4 != 0 {
		b = append(b, 0)
	}
	b = append(b, byte(len(x.Results)), 0, 0, 0)
	for _, r := range x.Results {
		b = binary.LittleEndian.AppendUint16(b, uint16(r.Code))
		b = binary.LittleEndian.AppendUint16(b, uint16(r.Reason))
		b = r.Transfer.append(b)
	}
	return finish(b, base, x.Verifier)
}
