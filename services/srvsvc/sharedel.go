package srvsvc

import (
	"context"

	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

func (s *Server) shareDel(ctx context.Context, call *rpc.Call, name string) (uint32, error) {
	res, err := s.client.SrvShareDel(ctx, &srvctl.SrvShareDelRequest{Name: name})
	if err != nil {
		return s.failed(ctx, err)
	}
	s.changed(call, "share deleted", name, res.Return)
	return res.Return, nil
}

// NetrShareDel deletes a share and cuts who is connected to it (MS-SRVS 3.1.4.12).
func (s *Server) NetrShareDel(ctx context.Context, call *rpc.Call, in *gen.NetrShareDelRequest) (*gen.NetrShareDelResponse, error) {
	out := &gen.NetrShareDelResponse{Return: admit(call, administrator, administrator)}
	var err error
	if out.Return == success {
		out.Return, err = s.shareDel(ctx, call, in.NetName)
	}
	return out, err
}

// NetrShareDelSticky deletes a share of those that NetrShareEnumSticky lists (MS-SRVS 3.1.4.13). The specification would have it live on
// until the next start; as with Samba it goes at once.
func (s *Server) NetrShareDelSticky(ctx context.Context, call *rpc.Call, in *gen.NetrShareDelStickyRequest) (*gen.NetrShareDelStickyResponse, error) {
	out := &gen.NetrShareDelStickyResponse{Return: admit(call, administrator, administrator)}
	if out.Return != success {
		return out, nil
	}
	sh, result, err := s.shareNamed(ctx, in.NetName)
	if out.Return = result; err != nil || result != success {
		return out, err
	}
	if len(persistent([]share{*sh})) == 0 {
		out.Return = netNameNotFound
		return out, nil
	}
	out.Return, err = s.shareDel(ctx, call, in.NetName)
	return out, err
}

// deletion is what a SHARE_DEL_HANDLE stands for.
type deletion struct{ name string }

// NetrShareDelStart is the first of two steps: it finds the share (MS-SRVS 3.1.4.14).
func (s *Server) NetrShareDelStart(ctx context.Context, call *rpc.Call, in *gen.NetrShareDelStartRequest) (*gen.NetrShareDelStartResponse, error) {
	out := &gen.NetrShareDelStartResponse{Return: admit(call, administrator, administrator)}
	if out.Return != success {
		return out, nil
	}
	sh, result, err := s.shareNamed(ctx, in.NetName)
	if out.Return = result; err != nil || result != success {
		return out, err
	}
	out.ContextHandle, err = call.Handles.Open(call, deletion{ndr.Text(sh.Name)}, nil)
	return out, err
}

// NetrShareDelCommit is the second: it deletes what the first found (MS-SRVS 3.1.4.15). The handle is gone, whatever the result.
func (s *Server) NetrShareDelCommit(ctx context.Context, call *rpc.Call, in *gen.NetrShareDelCommitRequest) (*gen.NetrShareDelCommitResponse, error) {
	d, err := rpc.HandleValue[deletion](call, in.ContextHandle)
	if err != nil {
		return nil, err
	}
	if err := call.Handles.Close(in.ContextHandle); err != nil {
		return nil, err
	}
	out := &gen.NetrShareDelCommitResponse{Return: admit(call, administrator, administrator)} // another may use the handle of a group
	if out.Return == success {
		out.Return, err = s.shareDel(ctx, call, d.name)
	}
	return out, err
}

// NetrShareDelEx deletes the share that a structure names (MS-SRVS 3.1.4.47).
func (s *Server) NetrShareDelEx(ctx context.Context, call *rpc.Call, in *gen.NetrShareDelExRequest) (*gen.NetrShareDelExResponse, error) {
	level := nobody
	var name *string
	switch u := &in.ShareInfo; in.Level {
	case 0:
		level = administrator
		if u.ShareInfo0 != nil {
			name = u.ShareInfo0.Shi0Netname
		}
	case 503:
		level = administrator
		if u.ShareInfo503 != nil {
			name = u.ShareInfo503.Shi503Netname
			if scope := ndr.Text(u.ShareInfo503.Shi503Servername); scope != "" && scope != notScoped {
				name = ndr.String("") // there is nothing in any scope
			}
		}
	}
	out := &gen.NetrShareDelExResponse{Return: admit(call, administrator, level)}
	var err error
	switch {
	case out.Return != success:
	case name == nil:
		out.Return = invalidParam
	case *name == "":
		out.Return = netNameNotFound
	default:
		out.Return, err = s.shareDel(ctx, call, *name)
	}
	return out, err
}
