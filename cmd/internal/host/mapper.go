package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

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

// keepAnnounced has the entries in the endpoint map of another daemon until ctx ends, or this process does. The mapper may not be there yet.
func keepAnnounced(ctx context.Context, dir string, list []epmapper.Entry, log *slog.Logger) {
	said := false
	for wait := firstWait; ; wait = min(2*wait, mapperWait) {
		told, err := announce(ctx, dir, list)
		if err == nil {
			<-ctx.Done()
			_ = told.Close()
			return
		}
		if !said && ctx.Err() == nil {
			log.Info("the endpoint mapper does not know of this daemon yet", "err", err)
			said = true
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// mapperWait is the longest wait between attempts to reach the endpoint mapper.
const mapperWait = 30 * time.Second

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
