package winreg

import (
	"context"

	gen "lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// file is the answer to a call that would read or write a file of the server: who holds the privilege is told that it is not done here.
func (s *Service) file(call *rpc.Call, h rpc.ContextHandle, privilege nt.Privileges) (uint32, error) {
	if _, _, err := s.keyOf(call, h, 0); err != nil {
		return 0, err
	}
	if !call.Token.HasPrivilege(privilege) {
		return uint32(nt.WErrPrivilegeNotHeld), nil
	}
	return notSupported, nil
}

// BaseRegSaveKey is refused (MS-RRP 3.1.5.20).
func (s *Service) BaseRegSaveKey(_ context.Context, call *rpc.Call, in *gen.BaseRegSaveKeyRequest) (*gen.BaseRegSaveKeyResponse, error) {
	code, err := s.file(call, in.HKey, nt.SeBackupPrivilege)
	return &gen.BaseRegSaveKeyResponse{Return: code}, err
}

// BaseRegSaveKeyEx is refused (MS-RRP 3.1.5.27).
func (s *Service) BaseRegSaveKeyEx(_ context.Context, call *rpc.Call, in *gen.BaseRegSaveKeyExRequest) (*gen.BaseRegSaveKeyExResponse, error) {
	code, err := s.file(call, in.HKey, nt.SeBackupPrivilege)
	return &gen.BaseRegSaveKeyExResponse{Return: code}, err
}

// BaseRegLoadKey is refused (MS-RRP 3.1.5.14).
func (s *Service) BaseRegLoadKey(_ context.Context, call *rpc.Call, in *gen.BaseRegLoadKeyRequest) (*gen.BaseRegLoadKeyResponse, error) {
	code, err := s.file(call, in.HKey, nt.SeRestorePrivilege)
	return &gen.BaseRegLoadKeyResponse{Return: code}, err
}

// BaseRegUnLoadKey is refused (MS-RRP 3.1.5.24).
func (s *Service) BaseRegUnLoadKey(_ context.Context, call *rpc.Call, in *gen.BaseRegUnLoadKeyRequest) (*gen.BaseRegUnLoadKeyResponse, error) {
	code, err := s.file(call, in.HKey, nt.SeRestorePrivilege)
	return &gen.BaseRegUnLoadKeyResponse{Return: code}, err
}

// BaseRegReplaceKey is refused (MS-RRP 3.1.5.18).
func (s *Service) BaseRegReplaceKey(_ context.Context, call *rpc.Call, in *gen.BaseRegReplaceKeyRequest) (*gen.BaseRegReplaceKeyResponse, error) {
	code, err := s.file(call, in.HKey, nt.SeRestorePrivilege)
	return &gen.BaseRegReplaceKeyResponse{Return: code}, err
}

// BaseRegRestoreKey is refused (MS-RRP 3.1.5.19).
func (s *Service) BaseRegRestoreKey(_ context.Context, call *rpc.Call, in *gen.BaseRegRestoreKeyRequest) (*gen.BaseRegRestoreKeyResponse, error) {
	code, err := s.file(call, in.HKey, nt.SeRestorePrivilege)
	return &gen.BaseRegRestoreKeyResponse{Return: code}, err
}

// BaseInitiateSystemShutdown is denied to everybody (MS-RSP 3.1.4.1): a daemon does not shut its machine down.
func (s *Service) BaseInitiateSystemShutdown(context.Context, *rpc.Call, *gen.BaseInitiateSystemShutdownRequest) (*gen.BaseInitiateSystemShutdownResponse, error) {
	return &gen.BaseInitiateSystemShutdownResponse{Return: accessDenied}, nil
}

// BaseAbortSystemShutdown is denied to everybody (MS-RSP 3.1.4.2).
func (s *Service) BaseAbortSystemShutdown(context.Context, *rpc.Call, *gen.BaseAbortSystemShutdownRequest) (*gen.BaseAbortSystemShutdownResponse, error) {
	return &gen.BaseAbortSystemShutdownResponse{Return: accessDenied}, nil
}

// BaseInitiateSystemShutdownEx is denied to everybody (MS-RSP 3.1.4.3).
func (s *Service) BaseInitiateSystemShutdownEx(context.Context, *rpc.Call, *gen.BaseInitiateSystemShutdownExRequest) (*gen.BaseInitiateSystemShutdownExResponse, error) {
	return &gen.BaseInitiateSystemShutdownExResponse{Return: accessDenied}, nil
}
