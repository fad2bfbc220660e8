package epmapper

import (
	"context"

	gen "lwio/gen/epmapper"
	"lwio/rpc"
)

// cursor is what a lookup handle stands for: what is still to be told, as it was when the lookup began.
type cursor struct {
	rest   []Entry
	towers bool // of ept_map
}

// resume finds the cursor of a handle.
func resume(call *rpc.Call, h rpc.ContextHandle, towers bool) (*cursor, error) {
	c, err := rpc.HandleValue[*cursor](call, h)
	if err == nil && c.towers != towers {
		err = rpc.FaultContextMismatch
	}
	return c, err
}

// part takes the next entries, at most n. h is the handle that the caller has, or zero; the one returned is zero when there are no more. Two calls with one handle at a time
// get what the handle had when each began.
func (s *Service) part(call *rpc.Call, h rpc.ContextHandle, c *cursor, n uint32) ([]Entry, rpc.ContextHandle, error) {
	s.mu.Lock()
	k := min(int(n), len(c.rest))
	out := c.rest[:k:k]
	c.rest = c.rest[k:]
	more := len(c.rest) > 0
	s.mu.Unlock()
	switch {
	case !more && !h.IsZero():
		if err := call.Handles.Close(h); err != nil {
			return nil, h, err
		}
		return out, rpc.ContextHandle{}, nil
	case more && h.IsZero():
		h, err := call.Handles.Open(call, c, nil)
		return out, h, err
	}
	return out, h, nil
}

// EptLookup lists entries. The last part of several comes with EPT_S_NOT_REGISTERED, as in Samba; all at once come with success, which impacket and Windows' clients go by.
func (s *Service) EptLookup(_ context.Context, call *rpc.Call, in *gen.EptLookupRequest) (*gen.EptLookupResponse, error) {
	out := &gen.EptLookupResponse{EntryHandle: in.EntryHandle}
	var c *cursor
	resumed := !in.EntryHandle.IsZero()
	if resumed {
		var err error
		if c, err = resume(call, in.EntryHandle, false); err != nil {
			return nil, err
		}
	} else {
		f, ok := filter(in)
		if !ok {
			out.Status = statusCannotPerform
			return out, nil
		}
		c = &cursor{rest: s.registry.match(f)}
	}
	list, h, err := s.part(call, in.EntryHandle, c, in.MaxEnts)
	if err != nil {
		return nil, err
	}
	out.EntryHandle = h
	for _, e := range list {
		out.Entries = append(out.Entries, gen.EptEntryT{Object: e.Object, Tower: tower(e.Tower.at(call.ServerAddress)), Annotation: e.Annotation})
	}
	out.NumEnts = uint32(len(out.Entries))
	if h.IsZero() && (resumed || len(list) == 0) {
		out.Status = statusNotRegistered
	}
	return out, nil
}

func tower(t Tower) *gen.TwrT {
	b := t.Append(nil)
	return &gen.TwrT{TowerLength: uint32(len(b)), TowerOctetString: b}
}

// filter is what the inquiry asks for. False says that it makes no sense.
func filter(in *gen.EptLookupRequest) (func(*Entry) bool, bool) {
	byIf, byObj := in.InquiryType&gen.RPC_C_EP_MATCH_BY_IF != 0, in.InquiryType&gen.RPC_C_EP_MATCH_BY_OBJ != 0
	if in.InquiryType > gen.RPC_C_EP_MATCH_BY_BOTH || byIf && (in.Ifid == nil || in.VersOption > gen.RPC_C_VERS_UPTO) || byObj && in.Object == nil {
		return nil, false
	}
	return func(e *Entry) bool {
		if byObj && e.Object != *in.Object {
			return false
		}
		return !byIf || versionMatches(e, in.Ifid, in.VersOption)
	}, true
}

// versionMatches goes by the version options (C706, rpc_mgmt_ep_elt_inq_begin). 0, which Samba's tools send, is all.
func versionMatches(e *Entry, want *gen.RPC_IF_ID, option uint32) bool {
	have, ok := e.Tower.Interface()
	if !ok || have.UUID != want.Uuid {
		return false
	}
	switch option {
	case gen.RPC_C_VERS_COMPATIBLE:
		return have.Major == want.VersMajor && have.Minor >= want.VersMinor
	case gen.RPC_C_VERS_EXACT:
		return have.Major == want.VersMajor && have.Minor == want.VersMinor
	case gen.RPC_C_VERS_MAJOR_ONLY:
		return have.Major == want.VersMajor
	case gen.RPC_C_VERS_UPTO:
		return have.Major < want.VersMajor || have.Major == want.VersMajor && have.Minor <= want.VersMinor
	}
	return true
}

// EptMap finds the endpoints that fit a tower: the same interface in a version that serves it, transfer syntax and protocols (C706 appendix O). An entry for
// an object is for that object alone; one for none is for all of them that have no entry.
func (s *Service) EptMap(_ context.Context, call *rpc.Call, in *gen.EptMapRequest) (*gen.EptMapResponse, error) {
	out := &gen.EptMapResponse{EntryHandle: in.EntryHandle}
	var c *cursor
	if in.EntryHandle.IsZero() {
		c = &cursor{rest: s.fitting(in), towers: true}
	} else {
		var err error
		if c, err = resume(call, in.EntryHandle, true); err != nil {
			return nil, err
		}
	}
	list, h, err := s.part(call, in.EntryHandle, c, in.MaxTowers)
	if err != nil {
		return nil, err
	}
	out.EntryHandle = h
	for _, e := range list {
		out.ITowers = append(out.ITowers, tower(e.Tower.at(call.ServerAddress)))
	}
	out.NumTowers = uint32(len(out.ITowers))
	if len(list) == 0 && h.IsZero() {
		out.Status = statusNotRegistered
	}
	return out, nil
}

// fitting lists the entries for the tower and object of a request.
func (s *Service) fitting(in *gen.EptMapRequest) []Entry {
	if in.MapTower == nil {
		return nil
	}
	want, err := ParseTower(in.MapTower.TowerOctetString)
	if err != nil || len(want) < 3 {
		return nil
	}
	iface, ok := want.Interface()
	transfer, ok2 := want[1].syntax()
	transport := want.transport()
	if !ok || !ok2 || transport == "" {
		return nil
	}
	fits := func(e *Entry) bool {
		have, _ := e.Tower.Interface()
		if have.UUID != iface.UUID || have.Major != iface.Major || have.Minor < iface.Minor || e.Tower.transport() != transport {
			return false
		}
		t, ok := e.Tower[1].syntax()
		return ok && t == transfer
	}
	if in.Obj != nil && !in.Obj.IsZero() {
		if list := s.registry.match(func(e *Entry) bool { return e.Object == *in.Obj && fits(e) }); len(list) > 0 {
			return list
		}
	}
	return s.registry.match(func(e *Entry) bool { return e.Object.IsZero() && fits(e) })
}

// EptLookupHandleFree ends a lookup.
func (*Service) EptLookupHandleFree(_ context.Context, call *rpc.Call, in *gen.EptLookupHandleFreeRequest) (*gen.EptLookupHandleFreeResponse, error) {
	if in.EntryHandle.IsZero() {
		return &gen.EptLookupHandleFreeResponse{}, nil
	}
	if _, err := rpc.HandleValue[*cursor](call, in.EntryHandle); err != nil {
		return nil, err
	}
	if err := call.Handles.Close(in.EntryHandle); err != nil {
		return nil, err
	}
	return &gen.EptLookupHandleFreeResponse{}, nil
}
