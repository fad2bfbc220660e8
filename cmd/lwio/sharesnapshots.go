package main

import (
	"context"
	"fmt"

	"lwio/gen/srvctl"
	"lwio/iomgr/api"
	"lwio/iomgr/devctl"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// srvctl gives the controls of the server's device, which know what no call of srvsvc does.
func (a *app) srvctl(ctx context.Context) (*srvctl.Client, func(), error) {
	c, err := a.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	dev, err := devctl.Open(ctx, c, `\srv`)
	if err != nil {
		c.Shutdown()
		return nil, nil, err
	}
	return srvctl.NewClient(dev), func() { dev.Close(); c.Shutdown() }, nil
}

// checkSnapshots reads --snapshots before anything is changed.
func (f *shareFlags) checkSnapshots() error {
	if f.snapshots == "" {
		return nil
	}
	if _, err := api.ParseSnapshots(f.snapshots); err != nil {
		return hint(usageError{fmt.Errorf("--snapshots: %w", err)}, `examples: --snapshots .snapshots, --snapshots .zfs/snapshot:auto-%%Y-%%m-%%d_%%H-%%M, --snapshots .snapshots:snapper`)
	}
	return nil
}

// setSnapshots says where a share's previous versions are.
func (a *app) setSnapshots(ctx context.Context, share, place string) error {
	if a.server != "" {
		return hint(usage("--snapshots: the places of previous versions are set on the machine itself alone"), "run lwio share set on %s", a.server)
	}
	cl, done, err := a.srvctl(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := cl.SrvShareSetSnapshots(ctx, &srvctl.SrvShareSetSnapshotsRequest{Name: share, Snapshots: srvctl.SRVCTL_SNAPSHOTS{Place: &place}})
	if err != nil {
		return err
	}
	return shareHint(win32(res.Return, "set previous versions of share %s", share), res.Return)
}

// snapshotsOf asks where they are.
func (a *app) snapshotsOf(ctx context.Context, share string) (string, error) {
	if a.server != "" {
		return "", nil // no call of srvsvc tells
	}
	cl, done, err := a.srvctl(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	res, err := cl.SrvShareGetSnapshots(ctx, &srvctl.SrvShareGetSnapshotsRequest{Name: share})
	if err != nil {
		return "", err
	}
	if nt.WinError(res.Return) != nt.WErrSuccess {
		return "", win32(res.Return, "share %s", share)
	}
	return ndr.Text(res.Snapshots.Place), nil
}
