package rdr

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"lwio/gen/rdrctl"
	"lwio/iomgr/api"
	"lwio/iomgr/devctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// control is an open of the device itself.
type control struct {
	api.DefaultFile
	d     *redirector
	token *nt.Token
}

// openControl opens the device for administrators of this machine.
func (d *redirector) openControl(r *api.Request) {
	a := r.Create
	if _, network := api.Find[*api.Peer](a.Contexts); network || a.Token == nil || !a.Token.IsAdmin() {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	r.File().SetImpl(&control{d: d, token: a.Token}, nt.GenericMappingDevice.Map(a.DesiredAccess&^nt.MaximumAllowed)|nt.FileReadData|nt.FileWriteData)
	a.Result.Action = nt.FileOpened
	r.Complete(nt.StatusSuccess, 0)
}

// DeviceControl is a call of rdrctl.
func (f *control) DeviceControl(r *api.Request) {
	devctl.Serve(rdrctl.RdrctlInterface, controls{d: f.d}, f.token, r)
}

// controls serves idl/rdrctl.idl. The device has let only administrators in.
type controls struct{ d *redirector }

var _ rdrctl.RdrctlServer = controls{}

var errAdministrator = errors.New("ended by an administrator")

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// maxListed is as much as the structure has room for.
const maxListed = 100000

// RdrConnectionEnum lists the sessions, and connections without any.
func (c controls) RdrConnectionEnum(context.Context, *rpc.Call, *rdrctl.RdrConnectionEnumRequest) (*rdrctl.RdrConnectionEnumResponse, error) {
	d := c.d
	var list []rdrctl.RDRCTL_SESSION
	d.mu.Lock()
	for conn := range d.live {
		row := rdrctl.RDRCTL_SESSION{Server: &conn.key, User: new("")}
		conn.mu.Lock()
		row.Requests = uint32(len(conn.inflight) + conn.waiting.n + conn.bulky.n)
		conn.mu.Unlock()
		if conn.up {
			row.Dialect, row.Connected = uint32(conn.dialect), 1
		}
		if len(conn.sessions) == 0 {
			list = append(list, row)
		}
		for _, s := range conn.sessions {
			row := row
			row.User = new(s.cred.String())
			if row.Connected = flag(s.up); s.up {
				row.Signs, row.Encrypts = flag(s.sign), flag(s.encrypt)
			}
			row.Shares = uint32(len(s.trees))
			for _, t := range s.trees {
				row.Opens += uint32(t.users)
			}
			list = append(list, row)
		}
	}
	d.mu.Unlock()
	slices.SortFunc(list, func(a, b rdrctl.RDRCTL_SESSION) int {
		return cmp.Or(cmp.Compare(*a.Server, *b.Server), cmp.Compare(*a.User, *b.User))
	})
	out := &rdrctl.RdrConnectionEnumResponse{}
	out.Sessions.Sessions = list[:min(len(list), maxListed)]
	out.Sessions.Count = uint32(len(out.Sessions.Sessions))
	return out, nil
}

// RdrConnectionClose cuts the connections to a server.
func (c controls) RdrConnectionClose(_ context.Context, _ *rpc.Call, in *rdrctl.RdrConnectionCloseRequest) (*rdrctl.RdrConnectionCloseResponse, error) {
	d := c.d
	host, port, ok := parseServer(strings.TrimLeft(in.Server, `\`))
	if !ok {
		return &rdrctl.RdrConnectionCloseResponse{Return: uint32(nt.WErrInvalidParameter)}, nil
	}
	key := (&target{host: host, port: port}).server()
	var cut []*conn
	d.mu.Lock()
	for conn := range d.live {
		if conn.key == key {
			cut = append(cut, conn)
		}
	}
	d.mu.Unlock()
	for _, conn := range cut {
		conn.cut(errAdministrator)
	}
	out := &rdrctl.RdrConnectionCloseResponse{Closed: uint32(len(cut))}
	if len(cut) == 0 {
		out.Return = uint32(nt.WErrNotFound)
	}
	return out, nil
}

// RdrCacheGet tells what is kept here.
func (c controls) RdrCacheGet(context.Context, *rpc.Call, *rdrctl.RdrCacheGetRequest) (*rdrctl.RdrCacheGetResponse, error) {
	d := c.d
	out := &rdrctl.RdrCacheGetResponse{}
	d.mu.Lock()
	out.Cache.Leases, out.Cache.Durable = int64(len(d.leased)), int64(d.durables)
	d.mu.Unlock()
	out.Cache.Reopened, out.Cache.Gone = d.back.Load(), d.gone.Load()
	if k := d.cache; k != nil {
		k.mu.Lock()
		out.Cache.Bytes, out.Cache.Limit = int64(k.bytes)+d.dirBytes.Load(), int64(k.limit)
		k.mu.Unlock()
		out.Cache.Hits, out.Cache.Misses = k.hits.Load()+d.known.Load(), k.misses.Load()
	}
	return out, nil
}
