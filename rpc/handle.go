package rpc

import (
	"crypto/rand"
	"sync"

	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// ContextHandle is a context handle in its wire form (C706 14.2.16.6): 20 bytes that mean something to the server only.
type ContextHandle struct {
	Attributes uint32
	UUID       nt.GUID
}

// ContextHandleSize is the wire size of a ContextHandle.
const ContextHandleSize = 20

// IsZero reports the null handle: what a close returns and what [in, out] parameters begin with.
func (h ContextHandle) IsZero() bool { return h == ContextHandle{} }

// EncodeBody appends the handle.
func (h *ContextHandle) EncodeBody(e *ndr.Encoder) {
	e.Uint32(h.Attributes)
	e.GUID(h.UUID)
}

// DecodeBody reads the handle.
func (h *ContextHandle) DecodeBody(d *ndr.Decoder) {
	h.Attributes = d.Uint32()
	h.UUID = d.GUID()
}

// DefaultMaxHandles is the bound of a HandleTable whose Max is zero.
const DefaultMaxHandles = 2048

// HandleTable holds the context handles of one association group (MS-RPCE 3.3.3.2.1). The zero value is ready.
// A handle is found by the random UUID the server gave out; nothing a peer sends is an index.
type HandleTable struct {
	Max int // at most so many open handles; zero means DefaultMaxHandles. Set before the first use.

	mu     sync.Mutex
	open   map[nt.GUID]*handleEntry // guarded by mu
	closed bool                     // guarded by mu: Rundown ran
}

type handleEntry struct {
	value      any
	attributes uint32
	iface      *Interface
	rundown    func()
}

// Open makes a handle for value. It belongs to the interface of call, and to its association group: rundown, which may
// be nil, is called if the last connection of the group goes while the handle is open. A full table is FaultRemoteNoMemory.
func (t *HandleTable) Open(call *Call, value any, rundown func()) (ContextHandle, error) {
	return t.OpenAs(call, 0, value, rundown)
}

// OpenAs is Open with attributes in the handle, which have to come back as they are. Interfaces of several kinds of handles tell them apart so.
func (t *HandleTable) OpenAs(call *Call, attributes uint32, value any, rundown func()) (ContextHandle, error) {
	h := ContextHandle{Attributes: attributes}
	rand.Read(h.UUID[:]) // never fails: crypto/rand
	h.UUID[7] = h.UUID[7]&0x0F | 0x40
	h.UUID[8] = h.UUID[8]&0x3F | 0x80
	limit := t.Max
	if limit == 0 {
		limit = DefaultMaxHandles
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.open) >= limit {
		return ContextHandle{}, FaultRemoteNoMemory
	}
	if t.open == nil {
		t.open = make(map[nt.GUID]*handleEntry)
	}
	t.open[h.UUID] = &handleEntry{value: value, attributes: attributes, iface: call.Interface, rundown: rundown}
	return h, nil
}

// find returns the entry of h if it was opened through iface.
func (t *HandleTable) find(iface *Interface, h ContextHandle) *handleEntry {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	e := t.open[h.UUID]
	t.mu.Unlock()
	if e == nil || e.iface != iface || e.attributes != h.Attributes {
		return nil
	}
	return e
}

// HandleValue returns what h was opened with. A handle that is unknown, of another interface or of another type is
// FaultContextMismatch.
func HandleValue[T any](call *Call, h ContextHandle) (T, error) {
	if e := call.Handles.find(call.Interface, h); e != nil {
		if v, ok := e.value.(T); ok {
			return v, nil
		}
	}
	var zero T
	return zero, FaultContextMismatch
}

// Close forgets h without running its rundown; what it named is the caller's to release. Of two that close one handle
// at the same time one succeeds and the other gets FaultContextMismatch, as for a handle never opened.
func (t *HandleTable) Close(h ContextHandle) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.open[h.UUID]; !ok || e.attributes != h.Attributes {
		return FaultContextMismatch
	}
	delete(t.open, h.UUID)
	return nil
}

// Len is the number of open handles.
func (t *HandleTable) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

// Rundown closes the table and calls the rundown of every open handle, once each. The server calls it when the last
// connection of the association group is gone and none of its calls runs any more (C706 5.1.6).
func (t *HandleTable) Rundown() {
	t.mu.Lock()
	open := t.open
	t.open, t.closed = nil, true
	t.mu.Unlock()
	for _, e := range open {
		if e.rundown != nil {
			e.rundown()
		}
	}
}
