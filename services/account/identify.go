package account

import (
	"context"
	"errors"

	gen "lwio/gen/account"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/services/identity"
)

// maxIdentities is what the interface takes in one answer.
const maxIdentities = 4096

// AccountIdentify tells who a name, a SID or a Unix id is. Unlike all else here it is for every program of this machine.
func (s *Server) AccountIdentify(ctx context.Context, call *rpc.Call, in *gen.AccountIdentifyRequest) (*gen.AccountIdentifyResponse, error) {
	out := &gen.AccountIdentifyResponse{}
	switch {
	case call.Transport != rpc.TransportLocal || call.Token == nil || call.Token.Anonymous:
		out.Return = uint32(nt.WErrAccessDenied)
		return out, nil
	case s.cfg.Identities == nil:
		out.Return = uint32(nt.WErrNotSupported)
		return out, nil
	}
	e, err := s.identify(ctx, in)
	var groups []*identity.Entry
	if err == nil && e.IsUser() {
		groups, err = s.cfg.Identities.Groups(ctx, e)
	}
	var status nt.Status
	switch {
	case err == nil:
	case errors.Is(err, identity.ErrNotFound):
		out.Return = uint32(nt.WErrNoneMapped)
		return out, nil
	case errors.Is(err, errKind):
		out.Return = uint32(nt.WErrInvalidParameter)
		return out, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &status):
		out.Return = uint32(status.Win32())
		return out, nil
	default:
		s.cfg.Log.Error("look for an account", "err", err)
		out.Return = uint32(nt.WErrGenFailure)
		return out, nil
	}
	list := append([]*identity.Entry{e}, groups...)
	for i, x := range list[:min(len(list), maxIdentities)] {
		id := gen.ACCOUNT_IDENTITY{Type: uint32(x.Type), Name: ndr.String(x.Name), Sid: ndr.String(x.SID.String()), Id: x.ID}
		if x.HasID {
			id.HasId = 1
		}
		if i > 0 && x.SID == e.Primary {
			id.Primary = 1
		}
		out.Identities.Identities = append(out.Identities.Identities, id)
	}
	out.Identities.Count = uint32(len(out.Identities.Identities))
	return out, nil
}

var errKind = errors.New("account: no such way to ask")

func (s *Server) identify(ctx context.Context, in *gen.AccountIdentifyRequest) (*identity.Entry, error) {
	switch in.Kind {
	case gen.ACCOUNT_BY_NAME:
		name := ndr.Text(in.Name)
		if sid, err := nt.ParseSID(name); err == nil {
			return s.cfg.Identities.BySID(ctx, sid)
		}
		return s.cfg.Identities.ByName(ctx, name)
	case gen.ACCOUNT_BY_UID, gen.ACCOUNT_BY_GID:
		return s.cfg.Identities.ByID(ctx, in.Id, in.Kind == gen.ACCOUNT_BY_GID)
	}
	return nil, errKind
}
