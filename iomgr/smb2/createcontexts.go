package smb2

import "fmt"

// Names of create contexts (MS-SMB2 2.2.13.2). The last ones are GUIDs in their wire form. The data of a SecD is a
// self-relative security descriptor, for nt.ParseSecurityDescriptor; that of an ExtA is for ParseEAList.
const (
	ContextEABuffer                 = "ExtA"
	ContextSecurityDescriptor       = "SecD"
	ContextDurableHandleRequest     = "DHnQ"
	ContextDurableHandleReconnect   = "DHnC"
	ContextAllocationSize           = "AlSi"
	ContextQueryMaximalAccess       = "MxAc"
	ContextTimewarpToken            = "TWrp"
	ContextQueryOnDiskID            = "QFid"
	ContextRequestLease             = "RqLs" // v1 and v2, told apart by their length
	ContextDurableHandleRequestV2   = "DH2Q"
	ContextDurableHandleReconnectV2 = "DH2C"
	ContextAppleExtensions          = "AAPL" // kept raw
	ContextAppInstanceID            = "\x45\xBC\xA6\x6A\xEF\xA7\xF7\x4A\x90\x08\xFA\x46\x2E\x14\x4D\x74"
	ContextAppInstanceVersion       = "\xB9\x82\xD0\xB7\x3B\x56\x07\x4F\xA0\x7B\x52\x4A\x81\x16\xA0\x10"
	ContextSVHDXOpenDevice          = "\x9C\xCB\xCF\x9E\x04\xC1\xE6\x43\x98\x0E\x15\x8D\xA1\xF6\xEC\x83"
)

const (
	createContextFixed   = 16
	createContextNameMin = 4
)

// CreateContext is one SMB2_CREATE_CONTEXT. Comparing string(c.Name) with one of the names above does not allocate.
type CreateContext struct {
	Name []byte
	Data []byte
}

// CreateContexts is a chain of create contexts as it stands on the wire. The nil chain is empty.
type CreateContexts []byte

// Next returns the first context of the chain and what follows it; nil after the last. The chain must not be empty.
//
//	for chain := req.Contexts; len(chain) > 0; {
//		var c smb2.CreateContext
//		if c, chain, err = chain.Next(); err != nil {
//			return err
//		}
//		…
//	}
//
// Each distance to a next context must be a multiple of eight and lie in the chain; names have at least four bytes; name
// and data lie between the context's fixed part and the next context.
func (c CreateContexts) Next() (CreateContext, CreateContexts, error) {
	b := []byte(c)
	if len(b) < createContextFixed {
		return CreateContext{}, nil, short("create context", len(b), createContextFixed)
	}
	var tail CreateContexts
	if next := uint64(le.Uint32(b)); next != 0 {
		if next%8 != 0 {
			return CreateContext{}, nil, fmt.Errorf("create context: Next: %w: %d", ErrAlignment, next)
		}
		if next < createContextFixed || next >= uint64(len(b)) {
			return CreateContext{}, nil, fmt.Errorf("create context: Next: %w: %d of %d", ErrBounds, next, len(b))
		}
		tail = c[next:]
		b = b[:next]
	}
	name, err := part(b, uint32(le.Uint16(b[4:])), uint32(le.Uint16(b[6:])), createContextFixed, "create context: Name")
	if err != nil {
		return CreateContext{}, nil, err
	}
	if len(name) < createContextNameMin {
		return CreateContext{}, nil, fmt.Errorf("create context: Name: %w: length %d", ErrValue, len(name))
	}
	data, err := part(b, uint32(le.Uint16(b[10:])), le.Uint32(b[12:]), createContextFixed, "create context: Data")
	if err != nil {
		return CreateContext{}, nil, err
	}
	return CreateContext{Name: name, Data: data}, tail, nil
}

// Find returns the data of the first context of that name. ok is false when there is none; the error is that of Next.
func (c CreateContexts) Find(name string) (data []byte, ok bool, err error) {
	for len(c) > 0 {
		var one CreateContext
		if one, c, err = c.Next(); err != nil {
			return nil, false, err
		}
		if string(one.Name) == name {
			return one.Data, true, nil
		}
	}
	return nil, false, nil
}

// Append adds a context at the end of the chain, which must be well formed: one that this method built or Next walked.
func (c CreateContexts) Append(name string, data []byte) CreateContexts {
	if len(c) > 0 {
		last := 0
		for {
			next := int(le.Uint32(c[last:]))
			if next == 0 {
				break
			}
			last += next
		}
		c = pad8(c, 0)
		le.PutUint32(c[last:], uint32(len(c)-last))
	}
	start := len(c)
	b := le.AppendUint32(c, 0)
	b = le.AppendUint16(b, createContextFixed)
	b = le.AppendUint16(b, uint16(len(name)))
	b = append(b, 0, 0, 0, 0)
	b = le.AppendUint32(b, uint32(len(data)))
	b = append(b, name...)
	b = pad8(b, start)
	if len(data) > 0 {
		le.PutUint16(b[start+10:], uint16(len(b)-start))
		b = append(b, data...)
	}
	return b
}
