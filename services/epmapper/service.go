// Package epmapper is the endpoint mapper (C706 appendix O, MS-RPCE 2.2.1.2): the map of the interfaces of this host and the endpoints at which they
// are served, the interface by which clients ask for them, and the client's side of asking.
//
//	var registry epmapper.Registry
//	remove := registry.Add(epmapper.Entry{Tower: tower, Annotation: "srvsvc"})
//	err := s.Register(gen.EpmapperInterface, epmapper.New(epmapper.Config{Registry: &registry}))
//
// Anybody may ask: what is told can be found out by connecting. Entries are added by the servers of this process, through the Registry, and by
// ept_insert, which local administrators alone may call, over ncalrpc; those are theirs as long as their association lives, so that a server that has died leaves
// none behind.
//
// It opens no socket and finds no server out by itself: who listens registers. A client that has a Caller of the interface asks by Resolve.
//
// # Lock order
//
//	Service.mu
//	    Registry.mu
package epmapper

import (
	"context"
	"strings"
	"sync"

	gen "lwio/gen/epmapper"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Config is how the service behaves.
type Config struct {
	Registry *Registry // nil is one of its own
}

// Statuses besides those of the interface.
const (
	statusOK            = 0
	statusAccessDenied  = uint32(nt.WErrAccessDenied)
	statusInvalid       = uint32(nt.WErrInvalidParameter)
	statusNotRegistered = gen.EPT_S_NOT_REGISTERED
	statusCannotPerform = gen.EPT_S_CANT_PERFORM_OP
)

// Service implements epmapper.
type Service struct {
	registry *Registry

	mu     sync.Mutex
	groups map[*rpc.HandleTable]*inserted // guarded by mu
	count  int                            // of entries in groups; guarded by mu
}

var _ gen.EpmapperServer = (*Service)(nil)

// New makes the service.
func New(cfg Config) *Service {
	r := cfg.Registry
	if r == nil {
		r = new(Registry)
	}
	return &Service{registry: r, groups: map[*rpc.HandleTable]*inserted{}}
}

// admitted reports whether the caller may change the map.
func admitted(call *rpc.Call) bool {
	return call.Transport == rpc.TransportLocal && call.Token != nil && !call.Token.Anonymous && call.Token.IsAdmin()
}

// entries reads those of a request; all or none.
func entries(in []gen.EptEntryT) ([]Entry, bool) {
	out := make([]Entry, len(in))
	for i := range in {
		x := &in[i]
		if x.Tower == nil || len(x.Annotation) >= int(gen.EPT_MAX_ANNOTATION_SIZE) {
			return nil, false
		}
		t, err := ParseTower(x.Tower.TowerOctetString)
		if _, ok := t.Interface(); err != nil || !ok {
			return nil, false
		}
		out[i] = Entry{Object: x.Object, Annotation: strings.TrimRight(x.Annotation, "\x00"), Tower: t}
	}
	return out, true
}

// EptInsert adds entries.
func (s *Service) EptInsert(_ context.Context, call *rpc.Call, in *gen.EptInsertRequest) (*gen.EptInsertResponse, error) {
	if !admitted(call) {
		return &gen.EptInsertResponse{Status: statusAccessDenied}, nil
	}
	list, ok := entries(in.Entries)
	if !ok {
		return &gen.EptInsertResponse{Status: statusInvalid}, nil
	}
	switch room, err := s.insert(call, list, in.Replace != 0); {
	case err != nil:
		return nil, err
	case !room:
		return &gen.EptInsertResponse{Status: statusCannotPerform}, nil
	}
	return &gen.EptInsertResponse{}, nil
}

// EptDelete takes entries away that ept_insert added.
func (s *Service) EptDelete(_ context.Context, call *rpc.Call, in *gen.EptDeleteRequest) (*gen.EptDeleteResponse, error) {
	if !admitted(call) {
		return &gen.EptDeleteResponse{Status: statusAccessDenied}, nil
	}
	list, ok := entries(in.Entries)
	switch {
	case !ok:
		return &gen.EptDeleteResponse{Status: statusInvalid}, nil
	case !s.delete(list):
		return &gen.EptDeleteResponse{Status: statusNotRegistered}, nil
	}
	return &gen.EptDeleteResponse{}, nil
}

// EptMgmtDelete takes one entry away that ept_insert added.
func (s *Service) EptMgmtDelete(_ context.Context, call *rpc.Call, in *gen.EptMgmtDeleteRequest) (*gen.EptMgmtDeleteResponse, error) {
	if !admitted(call) {
		return &gen.EptMgmtDeleteResponse{Status: statusAccessDenied}, nil
	}
	if in.Tower == nil {
		return &gen.EptMgmtDeleteResponse{Status: statusInvalid}, nil
	}
	t, err := ParseTower(in.Tower.TowerOctetString)
	if err != nil {
		return &gen.EptMgmtDeleteResponse{Status: statusInvalid}, nil
	}
	e := Entry{Tower: t}
	if in.ObjectSpeced != 0 && in.Object != nil {
		e.Object = *in.Object
	}
	if !s.delete([]Entry{e}) {
		return &gen.EptMgmtDeleteResponse{Status: statusNotRegistered}, nil
	}
	return &gen.EptMgmtDeleteResponse{}, nil
}

// EptInqObject has no object to tell of: the endpoint mapper is found by its well-known endpoints (MS-RPCE 2.2.1.2 leaves the call out).
func (*Service) EptInqObject(context.Context, *rpc.Call, *gen.EptInqObjectRequest) (*gen.EptInqObjectResponse, error) {
	return &gen.EptInqObjectResponse{Status: statusCannotPerform}, nil
}
