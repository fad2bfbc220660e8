package pdu

// Auth3 is the rpc_auth_3 PDU (MS-RPCE 2.2.2.6): the third leg of an authentication, which has no answer.
type Auth3 struct {
	Header
	Verifier *Verifier
}

// ParseAuth3 parses an rpc_auth_3 PDU. What stands before the verifier means nothing.
func ParseAuth3(b []byte) (Auth3, error) {
	h, err := parse(b, TypeAuth3, 0)
	x := Auth3{Header: h}
	if err == nil {
		x.Verifier, _, err = h.verifier(b, HeaderLen)
	}
	return x, err
}

// Append appends the PDU.
func (x *Auth3) Append(b []byte) []byte {
	base := len(b)
	b = x.Header.append(b, TypeAuth3)
	b = append(b, 0, 0, 0, 0)
	return finish(b, base, x.Verifier)
}
