package srv

import (
	"context"
	"strings"

	"lwio/gen/srvctl"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

// SnapshotTable is what a ShareTable may be besides: where the previous versions of shares are is kept over restarts too. The record of a
// share has no room for it, nor has any call that administers shares (MS-SRVS 2.2.4).
type SnapshotTable interface {
	// LoadSnapshots gives the places, as api.ParseSnapshots reads them, by the shares' names in upper case.
	LoadSnapshots(ctx context.Context) (map[string]string, error)
	// PutSnapshots sets a share's; an empty one takes it out. It returns when that is durable.
	PutSnapshots(ctx context.Context, share, place string) error
}

// loadSnapshots reads them for the shares that there are.
func (l *shares) loadSnapshots(ctx context.Context) error {
	t, ok := l.table.(SnapshotTable)
	if !ok {
		return nil
	}
	places, err := t.LoadSnapshots(ctx)
	if err != nil {
		return err
	}
	for name, place := range places {
		sh := l.find(name)
		s, err := api.ParseSnapshots(place)
		if err != nil || sh == nil {
			l.s.log.Warn("previous versions left out", "share", name, "place", place, "err", err)
			continue
		}
		sh.snapshots.Store(&s)
	}
	return nil
}

// setSnapshots says where a share's previous versions are.
func (l *shares) setSnapshots(ctx context.Context, name, place string) nt.WinError {
	var s *api.Snapshots
	if place != "" {
		parsed, err := api.ParseSnapshots(place)
		if err != nil {
			return nt.WErrInvalidParameter
		}
		s = &parsed
	}
	l.changing.Lock()
	defer l.changing.Unlock()
	sh := l.find(name)
	switch {
	case sh == nil:
		return nt.NErrNetNameNotFound
	case sh.pipe, sh.admin:
		return nt.WErrAccessDenied
	}
	info := sh.info.Load()
	if info.Type&ShareTypeTemp == 0 {
		if err := l.storeSnapshots(ctx, info.Name, place); err != nt.WErrSuccess {
			return err
		}
	}
	sh.snapshots.Store(s)
	return nt.WErrSuccess
}

func (l *shares) storeSnapshots(ctx context.Context, name, place string) nt.WinError {
	t, ok := l.table.(SnapshotTable)
	if !ok {
		return nt.WErrSuccess
	}
	if err := t.PutSnapshots(ctx, name, place); err != nil {
		l.s.log.Error("store the place of previous versions", "share", name, "err", err)
		l.s.counts.systemErrors.Add(1)
		return nt.WErrGenFailure
	}
	return nt.WErrSuccess
}

// SrvShareGetSnapshots tells where a share's previous versions are.
func (c controls) SrvShareGetSnapshots(_ context.Context, _ *rpc.Call, in *srvctl.SrvShareGetSnapshotsRequest) (*srvctl.SrvShareGetSnapshotsResponse, error) {
	sh := c.s.shares.find(in.Name)
	if sh == nil {
		return &srvctl.SrvShareGetSnapshotsResponse{Return: uint32(nt.NErrNetNameNotFound)}, nil
	}
	out := &srvctl.SrvShareGetSnapshotsResponse{}
	if s := sh.snapshots.Load(); s != nil {
		out.Snapshots.Place = ndr.String(s.Spec())
	}
	return out, nil
}

// SrvShareSetSnapshots says where they are from now on.
func (c controls) SrvShareSetSnapshots(ctx context.Context, call *rpc.Call, in *srvctl.SrvShareSetSnapshotsRequest) (*srvctl.SrvShareSetSnapshotsResponse, error) {
	err := c.s.shares.setSnapshots(ctx, in.Name, ndr.Text(in.Snapshots.Place))
	c.audit(call, "set the place of previous versions", in.Name, err)
	return &srvctl.SrvShareSetSnapshotsResponse{Return: uint32(err)}, nil
}

// snapshotsOf is what a file system is told of the previous versions of a tree; nil if the share names none.
func (t *tree) snapshotsOf() *api.Snapshots {
	s := t.share.snapshots.Load()
	if s == nil {
		return nil
	}
	with := *s
	with.Root = t.directory()
	return &with
}

// takeToken takes a token that names a previous version out of a name. Clients of SMB 2 give the time as a context; some programs put the
// token into the path all the same, as those of SMB 1 do (MS-SMB 2.2.1.1.1). Below the directory that has the versions it is a name like any other.
func (k *creating) takeToken(s *api.Snapshots) {
	rest, before := k.name, ""
	for rest != "" {
		part, after, _ := strings.Cut(rest, `\`)
		if at, ok := nt.ParseGMTToken(part); ok {
			if nt.EqualFold(before, strings.ReplaceAll(s.Dir, "/", `\`)) {
				return
			}
			k.at, k.warped = at, true
			k.name = strings.Trim(before+`\`+after, `\`)
			return
		}
		before = strings.TrimPrefix(before+`\`+part, `\`)
		rest = after
	}
}

// versions has a create say where previous versions are, and which one it is about (3.3.5.9.4). Of a version nothing is cached or kept for a client
// that has gone: it does not change.
func (c *command) versions(k *creating, req *smb2.CreateRequest, s *api.Snapshots) nt.Status {
	if s == nil {
		if k.warped {
			return nt.StatusObjectNameNotFound
		}
		return nt.StatusSuccess
	}
	k.args.Contexts = append(k.args.Contexts, s)
	if !k.warped {
		return nt.StatusSuccess
	}
	k.args.Contexts = append(k.args.Contexts, api.TimeWarp{Time: k.at})
	req.RequestedOplockLevel, k.leaseContext = smb2.OplockLevelNone, nil
	k.durable.request, k.durable.requestV2, k.durable.instance = false, nil, nil
	return nt.StatusSuccess
}

// leastSnapshotArray is what the answer to an enumeration takes that has no names.
const leastSnapshotArray = 16

// enumerateSnapshots is FSCTL_SRV_ENUMERATE_SNAPSHOTS (3.3.5.15.1). The file system knows; one that does not has none.
func (c *command) enumerateSnapshots(req *smb2.IoctlRequest, o *open) nt.Status {
	if req.MaxOutputResponse < leastSnapshotArray {
		return nt.StatusInvalidParameter
	}
	buf, st := c.prepare(smb2.IoctlResponseSize, int(req.MaxOutputResponse))
	if st != nt.StatusSuccess {
		return st
	}
	return c.submit(&request{Op: api.OpFsControl, Handle: o.handle, Code: req.CtlCode, Out: buf}, (*command).snapshotsDone)
}

func (c *command) snapshotsDone(r *request) nt.Status {
	if r.Status == nt.StatusInvalidDeviceRequest {
		none := api.NewSnapshotArray(nil, leastSnapshotArray)
		r.Status, r.N = nt.StatusSuccess, copy(r.Out, none.Append(nil))
	}
	return c.ioctlDone(r)
}
