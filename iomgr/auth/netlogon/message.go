package netlogon

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Message is NL_AUTH_MESSAGE (MS-NRPC 2.2.1.3.1), which binds a channel to an RPC association.
type Message struct {
	Type     uint32 // MessageNegotiate or MessageResponse
	Domain   string // NetBIOS name; empty for none
	Computer string // NetBIOS name; empty for none
}

// Types of a Message.
const (
	MessageNegotiate = 0
	MessageResponse  = 1
)

// Flags of a Message.
const (
	messageDomain      = 0x1 // NetBIOS domain name, OEM
	messageComputer    = 0x2 // NetBIOS computer name, OEM
	messageDNSDomain   = 0x4 // compressed UTF-8 from here on
	messageDNSHost     = 0x8
	messageUTFComputer = 0x10
	messageAll         = messageDomain | messageComputer | messageDNSDomain | messageDNSHost | messageUTFComputer
)

var errMessage = errors.New("netlogon: malformed NL_AUTH_MESSAGE")

// maxName bounds a name: those of NetBIOS have 15 characters.
const maxName = 64

// ParseMessage parses one. Names in UTF-8, which come last, are not looked at.
func ParseMessage(b []byte) (m Message, err error) {
	if len(b) < 8 {
		return m, errMessage
	}
	m.Type = binary.LittleEndian.Uint32(b)
	flags := binary.LittleEndian.Uint32(b[4:])
	if m.Type > MessageResponse || flags&^messageAll != 0 {
		return Message{}, errMessage
	}
	if m.Type == MessageResponse {
		return m, nil // its buffer has no meaning
	}
	b = b[8:]
	for _, f := range []struct {
		flag uint32
		to   *string
	}{{messageDomain, &m.Domain}, {messageComputer, &m.Computer}} {
		if flags&f.flag == 0 {
			continue
		}
		n := bytes.IndexByte(b, 0)
		if n < 1 || n > maxName {
			return Message{}, errMessage
		}
		*f.to, b = string(b[:n]), b[n+1:]
	}
	return m, nil
}

// Append appends the message.
func (m *Message) Append(b []byte) []byte {
	var flags uint32
	if m.Domain != "" {
		flags |= messageDomain
	}
	if m.Computer != "" {
		flags |= messageComputer
	}
	b = binary.LittleEndian.AppendUint32(b, m.Type)
	b = binary.LittleEndian.AppendUint32(b, flags)
	for _, name := range []string{m.Domain, m.Computer} {
		if name != "" {
			b = append(append(b, name...), 0)
		}
	}
	return b
}
