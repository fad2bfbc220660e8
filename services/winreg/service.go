package winreg

import (
	"context"
	"errors"

	"lwio/gen/dtyp"
	gen "lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// Config is what the service stands on.
type Config struct {
	// Registry is what is served. It is required.
	Registry *state.Registry
	// Computer is the name of the computer, for performance data.
	Computer string
}

// Service implements winreg.
type Service struct {
	gen.UnimplementedWinregServer
	cfg Config
	reg *state.Registry
}

var _ gen.WinregServer = (*Service)(nil)

// New makes the service.
func New(cfg Config) *Service { return &Service{cfg: cfg, reg: cfg.Registry} }

const (
	success          = uint32(nt.WErrSuccess)
	accessDenied     = uint32(nt.WErrAccessDenied)
	invalidParameter = uint32(nt.WErrInvalidParameter)
	moreData         = uint32(nt.WErrMoreData)
	noMoreItems      = uint32(nt.WErrNoMoreItems)
	fileNotFound     = uint32(nt.WErrFileNotFound)
	notSupported     = uint32(nt.WErrNotSupported)
)

// failures says which result tells of an error of the registry.
var failures = []struct {
	err  error
	code nt.WinError
}{
	{state.ErrNotFound, nt.WErrFileNotFound},
	{state.ErrInvalid, nt.WErrInvalidParameter},
	{state.ErrRegistryDeleted, nt.WErrKeyDeleted},
	{state.ErrRegistryChildren, nt.WErrAccessDenied},
	{state.ErrRegistryVolatile, nt.WErrChildMustBeVolatile},
	{state.ErrRegistryFull, nt.WErrNoSystemResources},
	{state.ErrRegistryLive, nt.WErrAccessDenied},
}

func codeOf(err error) uint32 {
	if err == nil {
		return success
	}
	for _, f := range failures {
		if errors.Is(err, f.err) {
			return uint32(f.code)
		}
	}
	var w nt.WinError
	if errors.As(err, &w) {
		return uint32(w)
	}
	return uint32(nt.StatusOf(err).Win32())
}

// key is what a handle stands for.
type key struct {
	*state.RegistryKey
	granted    nt.AccessMask
	restricted bool // the caller has only what is allowed by path
	perf       bool // performance data: no key of the registry
}

// keyOf is the key of a handle that was granted all of need. A handle that is none is a fault, as the runtime of Windows has it.
func (s *Service) keyOf(call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask) (*key, uint32, error) {
	k, err := rpc.HandleValue[*key](call, h)
	if err != nil {
		return nil, 0, err
	}
	if k.granted&need != need {
		return k, accessDenied, nil
	}
	return k, success, nil
}

// textOf is a string with its terminator taken off. It is false if it is NULL, or has a NUL within.
func textOf(s dtyp.RPC_UNICODE_STRING) (string, bool) {
	u := s.Buffer
	if u == nil {
		return "", false
	}
	if n := len(u); n > 0 && u[n-1] == 0 {
		u = u[:n-1]
	}
	for _, c := range u {
		if c == 0 {
			return "", false
		}
	}
	return nt.FromUTF16(u), true
}

// terminated is a string whose length takes in the terminator (MS-RRP 2.2.4).
func terminated(s string, room uint16) dtyp.RPC_UNICODE_STRING {
	u := append(nt.ToUTF16(s), 0)
	return dtyp.RPC_UNICODE_STRING{Length: uint16(2 * len(u)), MaximumLength: max(room, uint16(2*len(u))), Buffer: u}
}

func fileTime(t nt.Time) dtyp.FILETIME {
	return dtyp.FILETIME{DwLowDateTime: uint32(t), DwHighDateTime: uint32(uint64(t) >> 32)}
}

// BaseRegCloseKey closes a handle (MS-RRP 3.1.5.6).
func (s *Service) BaseRegCloseKey(_ context.Context, call *rpc.Call, in *gen.BaseRegCloseKeyRequest) (*gen.BaseRegCloseKeyResponse, error) {
	if _, _, err := s.keyOf(call, in.HKey, 0); err != nil {
		return nil, err
	}
	if err := call.Handles.Close(in.HKey); err != nil {
		return nil, err
	}
	return &gen.BaseRegCloseKeyResponse{}, nil
}

// BaseRegFlushKey returns when what was changed is on the disk (MS-RRP 3.1.5.12).
func (s *Service) BaseRegFlushKey(ctx context.Context, call *rpc.Call, in *gen.BaseRegFlushKeyRequest) (*gen.BaseRegFlushKeyResponse, error) {
	if _, _, err := s.keyOf(call, in.HKey, 0); err != nil {
		return nil, err
	}
	return &gen.BaseRegFlushKeyResponse{Return: codeOf(s.reg.Flush(ctx))}, nil
}

// registryVersion says that the mask may choose a view of 32 or 64 bits (MS-RRP 3.1.5.24).
const registryVersion = 6

// BaseRegGetVersion tells the version of the registry (MS-RRP 3.1.5.24).
func (s *Service) BaseRegGetVersion(_ context.Context, call *rpc.Call, in *gen.BaseRegGetVersionRequest) (*gen.BaseRegGetVersionResponse, error) {
	if _, _, err := s.keyOf(call, in.HKey, 0); err != nil {
		return nil, err
	}
	return &gen.BaseRegGetVersionResponse{LpdwVersion: registryVersion}, nil
}
