package epmapper

import (
	"context"
	"fmt"

	gen "lwio/gen/epmapper"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// maxResolved is how many towers Resolve looks at.
const maxResolved = 32

// Resolve asks an endpoint mapper at which endpoints of a transport the interface is served. c is bound to epmapper. The error
// says so if there is none.
func Resolve(ctx context.Context, c rpc.Caller, iface *rpc.Interface, object nt.GUID, transport rpc.Transport) ([]Endpoint, error) {
	ask := Endpoint{Interface: SyntaxOf(iface), Transport: transport}
	t, err := ask.Tower()
	if err != nil {
		return nil, err
	}
	in := &gen.EptMapRequest{MapTower: tower(t), MaxTowers: maxResolved, Obj: &object}
	client := gen.NewClient(c)
	res, err := client.EptMap(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("ask the endpoint mapper for %s: %w", iface.Name, err)
	}
	if !res.EntryHandle.IsZero() {
		// There are more than anybody looks at. The server forgets the rest with the connection, if not by this.
		_, _ = client.EptLookupHandleFree(ctx, &gen.EptLookupHandleFreeRequest{EntryHandle: res.EntryHandle})
	}
	var out []Endpoint
	for _, x := range res.ITowers {
		if x == nil {
			continue
		}
		t, err := ParseTower(x.TowerOctetString)
		if err != nil {
			continue
		}
		if e, err := ParseEndpoint(t); err == nil && e.Transport == transport && e.Endpoint != "" && e.Endpoint != "0" {
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: no endpoint of %s on %s", ErrNotRegistered, iface.Name, transport)
	}
	return out, nil
}
