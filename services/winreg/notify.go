package winreg

import (
	"context"

	gen "lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

const notifyAll = gen.REG_NOTIFY_CHANGE_NAME | gen.REG_NOTIFY_CHANGE_ATTRIBUTES | gen.REG_NOTIFY_CHANGE_LAST_SET | gen.REG_NOTIFY_CHANGE_SECURITY

// BaseRegNotifyChangeKeyValue waits for a change of a key, or of one under it. The call ends with the change, with the key or with the connection; the
// names of a pipe to tell of it on, which old clients send, do not matter.
func (s *Service) BaseRegNotifyChangeKeyValue(ctx context.Context, call *rpc.Call, in *gen.BaseRegNotifyChangeKeyValueRequest) (*gen.BaseRegNotifyChangeKeyValueResponse, error) {
	k, code, err := s.keyOf(call, in.HKey, nt.KeyNotify)
	switch {
	case err != nil:
		return nil, err
	case code != success:
		return &gen.BaseRegNotifyChangeKeyValueResponse{Return: code}, nil
	case in.DwNotifyFilter == 0 || in.DwNotifyFilter&^notifyAll != 0 || k.perf:
		return &gen.BaseRegNotifyChangeKeyValueResponse{Return: invalidParameter}, nil
	}
	w, err := s.reg.Watch(k.RegistryKey, in.FWatchSubtree != 0, in.DwNotifyFilter)
	if err != nil {
		return &gen.BaseRegNotifyChangeKeyValueResponse{Return: codeOf(err)}, nil
	}
	defer w.Close()
	select {
	case <-w.Changed():
		return &gen.BaseRegNotifyChangeKeyValueResponse{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
