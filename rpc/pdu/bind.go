package pdu

import "encoding/binary"

// Bind is the bind PDU (C706 12.6.4.3). Flags.HeaderSign and ConcMPX are its offers.
type Bind struct {
	Header
	MaxXmitFrag, MaxRecvFrag uint16
	AssocGroupID             uint32 // zero for a new one
	Contexts                 []Context
	Verifier                 *Verifier
}

// AlterContext is the alter_context PDU (C706 12.6.4.1), which has the form of a bind.
type AlterContext Bind

// Context is p_cont_elem_t: one presentation context that is proposed.
type Context struct {
	ID       uint16
	Abstract SyntaxID
	Transfer []SyntaxID
}

const (
	bindMin    = 12 // fragment sizes, group and count of contexts
	contextMin = 4 + syntaxLen
)

// ParseBind parses a bind PDU.
func ParseBind(b []byte) (Bind, error) { return parseBind(b, TypeBind) }

// ParseAlterContext parses an alter_context PDU.
func ParseAlterContext(b []byte) (AlterContext, error) {
	x, err := parseBind(b, TypeAlterContext)
	return AlterContext(x), err
}

func parseBind(b []byte, t Type) (Bind, error) {
	h, err := parse(b, t, bindMin)
	if err != nil {
		return Bind{Header: h}, err
	}
	x := Bind{Header: h, MaxXmitFrag: h.u16(b[16:]), MaxRecvFrag: h.u16(b[18:]), AssocGroupID: h.u32(b[20:])}
	end := 0
	if x.Verifier, end, err = h.verifier(b, HeaderLen+bindMin); err != nil {
		return x, err
	}
	n, body := int(b[24]), b[HeaderLen+bindMin:end]
	if n*contextMin > len(body) {
		return x, ErrLength
	}
	x.Contexts = make([]Context, n)
	for i := range x.Contexts {
		if body, err = x.Contexts[i].parse(&h, body); err != nil {
			return x, err
		}
	}
	return x, nil
}

func (c *Context) parse(h *Header, b []byte) (rest []byte, err error) {
	if len(b) < contextMin {
		return nil, ErrLength
	}
	n := int(b[2])
	c.ID, c.Abstract = h.u16(b), h.syntax(b[4:])
	b = b[contextMin:]
	if n*syntaxLen > len(b) {
		return nil, ErrLength
	}
	c.Transfer = make([]SyntaxID, n)
	for i := range c.Transfer {
		c.Transfer[i] = h.syntax(b)
		b = b[syntaxLen:]
	}
	return b, nil
}

// Append appends the PDU.
func (x *Bind) Append(b []byte) []byte { return x.append(b, TypeBind) }

// Append appends the PDU.
func (x *AlterContext) Append(b []byte) []byte { return (*Bind)(x).append(b, TypeAlterContext) }

func (x *Bind) append(b []byte, t Type) []byte {
	base := len(b)
	b = x.Header.append(b, t)
	b = binary.LittleEndian.AppendUint16(b, x.MaxXmitFrag)
	b = binary.LittleEndian.AppendUint16(b, x.MaxRecvFrag)
	b = binary.LittleEndian.AppendUint32(b, x.AssocGroupID)
	b = append(b, byte(len(x.Contexts)), 0, 0, 0)
	for i := range x.Contexts {
		c := &x.Contexts[i]
		b = binary.LittleEndian.AppendUint16(b, c.ID)
		b = append(b, byte(len(c.Transfer)), 0)
		b = c.Abstract.append(b)
		for _, s := range c.Transfer {
			b = s.append(b)
		}
	}
	return finish(b, base, x.Verifier)
}
