package npfs

import (
	"bytes"
	"encoding/binary"
	"os"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Connection attributes, by name as NT has them (NUL-terminated ASCII in, the value out). The first two are Windows' own; the server
// asks the others to know a client of the network. Only the server's end may read what identifies the client.
const (
	AttrClientProcessID    = "ClientProcessId"    // 8 bytes
	AttrClientComputerName = "ClientComputerName" // UTF-16LE; empty for a local client
	AttrClientAddress      = "ClientAddress"      // text; empty for a local client
	AttrClientToken        = "ClientToken"        // api.ParseToken
	AttrSessionKey         = "SessionKey"         // 16 bytes; empty for a local client
	AttrActivity           = "Activity"           // the api.Activity of the request whose data the server read last: connection, session, message, 8 bytes each; empty for none

	// Who made the instance, as the kernel told of it. Both ends may ask, but no client of the network.
	AttrServerProcessID = "ServerProcessId" // 8 bytes; 0 where the system does not tell
	AttrServerUserID    = "ServerUserId"    // the Unix user, 8 bytes
)

// Bounds of what a server may attach with FSCTL_PIPE_SET_CONNECTION_ATTRIBUTE.
const (
	maxAttributes     = 16
	maxAttributeName  = 64
	maxAttributeValue = 512
)

// creatorOf is the process that makes an instance: this one, unless the create says from which other it comes.
func creatorOf(contexts []any) api.Process {
	if p, ok := api.Find[*api.Process](contexts); ok {
		return *p
	}
	return api.Process{ID: uint32(os.Getpid()), UID: uint32(os.Geteuid())}
}

func attributeName(b []byte) (string, []byte, bool) {
	i := bytes.IndexByte(b, 0)
	if i <= 0 || i > maxAttributeName {
		return "", nil, false
	}
	return string(b[:i]), b[i+1:], true
}

func (e *end) getAttribute(r *api.Request) {
	name, _, ok := attributeName(r.In)
	if !ok {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	attrs, status := e.clientAttrs()
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	var value []byte
	switch name {
	case AttrClientProcessID:
		value = processID(attrs)
	case AttrClientComputerName:
		if attrs.peer != nil {
			value = nt.AppendUTF16(nil, attrs.peer.ClientName)
		}
	case AttrClientAddress:
		if attrs.peer != nil {
			value = []byte(attrs.peer.Address)
		}
	case AttrClientToken, AttrSessionKey:
		if !e.server {
			r.Complete(nt.StatusAccessDenied, 0)
			return
		}
		if name == AttrClientToken {
			token := attrs.token
			if attrs.impersonation == api.ImpersonateAnonymous {
				token = nt.AnonymousToken()
			}
			value = api.AppendToken(nil, token)
		} else if attrs.peer != nil {
			value = attrs.peer.SessionKey
		}
	case AttrActivity:
		if !e.server {
			r.Complete(nt.StatusAccessDenied, 0)
			return
		}
		e.in.mu.Lock()
		by := e.incoming().taken
		e.in.mu.Unlock()
		if !by.IsZero() {
			value = binary.LittleEndian.AppendUint64(nil, by.Connection)
			value = binary.LittleEndian.AppendUint64(value, by.Session)
			value = binary.LittleEndian.AppendUint64(value, by.Message)
		}
	case AttrServerProcessID, AttrServerUserID:
		if !e.server && attrs.peer != nil {
			r.Complete(nt.StatusAccessDenied, 0)
			return
		}
		id := e.in.creator.ID
		if name == AttrServerUserID {
			id = e.in.creator.UID
		}
		value = binary.LittleEndian.AppendUint64(nil, uint64(id))
	default:
		e.in.mu.Lock()
		value, ok = e.in.serverAttrs[name]
		e.in.mu.Unlock()
		if !ok {
			r.Complete(nt.StatusNotFound, 0)
			return
		}
	}
	r.Reply(value)
}

// setAttribute lets the server attach what the client may read: a name, NUL, and the value.
func (e *end) setAttribute(r *api.Request) {
	name, value, ok := attributeName(r.In)
	if !ok || len(value) > maxAttributeValue {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	switch name {
	case AttrClientProcessID, AttrClientComputerName, AttrClientAddress, AttrClientToken, AttrSessionKey, AttrActivity, AttrServerProcessID, AttrServerUserID:
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	if !e.server {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	status := nt.StatusSuccess
	in := e.in
	in.mu.Lock()
	switch {
	case e.gone:
		status = nt.StatusInvalidHandle
	case in.state != nt.FilePipeConnectedState:
		status = nt.StatusPipeDisconnected
	case len(in.serverAttrs) >= maxAttributes && in.serverAttrs[name] == nil:
		status = nt.StatusInsufficientResources
	default:
		if in.serverAttrs == nil {
			in.serverAttrs = make(map[string][]byte)
		}
		in.serverAttrs[name] = append([]byte{}, value...)
	}
	in.mu.Unlock()
	r.Complete(status, 0)
}
