package host

import (
	"context"
	"errors"
	"fmt"

	gen "lwio/gen/epmapper"
	"lwio/iomgr/nt"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/epmapper"
)

// mapperPipe is the name of the endpoint mapper's pipe and local endpoint.
const mapperPipe = "epmapper"

// Mapper is the endpoint mapper over a registry, at these TCP addresses besides its pipe.
func Mapper(r *epmapper.Registry, addresses []string) Service {
	impl := epmapper.New(epmapper.Config{Registry: r})
	return Service{Name: "epmapper", Pipes: []string{mapperPipe}, TCP: addresses, Register: func(s *server.Server) error {
		return s.Register(gen.EpmapperInterface, impl)
	}}
}

// announce inserts entries into the endpoint map of another daemon. They are there until the Conn is closed.
func announce(ctx context.Context, dir string, list []epmapper.Entry) (*client.Conn, error) {
	if len(list) == 0 {
		return nil, errors.New("nothing to register")
	}
	nc, err := DialLocal(ctx, dir, mapperPipe)
	if err != nil {
		return nil, err
	}
	c := client.NewConn(nc, client.Config{})
	b, err := c.Bind(ctx, gen.EpmapperInterface, nil)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	in := &gen.EptInsertRequest{}
	for _, e := range list {
		octets := e.Tower.Append(nil)
		in.Entries = append(in.Entries, gen.EptEntryT{Object: e.Object, Annotation: e.Annotation,
			Tower: &gen.TwrT{TowerLength: uint32(len(octets)), TowerOctetString: octets}})
	}
	in.NumEnts = uint32(len(in.Entries))
	res, err := gen.NewClient(b).EptInsert(ctx, in)
	if err == nil && res.Status != 0 {
		err = nt.WinError(res.Status)
	}
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("register with the endpoint mapper: %w", err)
	}
	return c, nil
}
