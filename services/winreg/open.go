package winreg

import (
	"context"
	"strings"

	gen "lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// The predefined keys.
const (
	machineKey = `MACHINE`
	usersKey   = `USER`
	classesKey = `MACHINE\SOFTWARE\Classes`
	configKey  = `MACHINE\SYSTEM\CurrentControlSet\Hardware Profiles\Current`

	// remoteKey is the key whose descriptor says who of other machines has the registry at all.
	remoteKey = `MACHINE\SYSTEM\CurrentControlSet\Control\SecurePipeServers\winreg`
)

// views choose between the views of programs of 32 and 64 bits, of which there is one.
const views = nt.KeyWow6432Key | nt.KeyWow6464Key

func isRemote(call *rpc.Call) bool {
	return call.Transport == rpc.TransportTCP || call.ClientAddress != "" || call.Token.HasSID(nt.SIDNetwork)
}

// admitted says whether the caller has the registry: all of it, or what is allowed by path.
func (s *Service) admitted(call *rpc.Call) (restricted, ok bool) {
	switch {
	case call.Token.Anonymous || !(call.Token.HasSID(nt.SIDAuthenticatedUsers) || call.Token.IsSystem()):
		return false, false
	case !isRemote(call):
		return false, true
	}
	k, err := s.reg.Open(s.reg.Root(), remoteKey)
	if err != nil {
		return true, call.Token.IsAdmin()
	}
	sd, err := s.reg.Security(k)
	if err != nil {
		return false, false
	}
	_, status := nt.AccessCheck(sd, call.Token, nt.KeyQueryValue, nt.GenericMappingKey)
	return status != nt.StatusSuccess, true
}

// grant is what a descriptor gives the caller of what it desires.
func grant(call *rpc.Call, sd *nt.SecurityDescriptor, desired uint32) (nt.AccessMask, bool) {
	want := nt.AccessMask(desired) &^ views
	if want == 0 { // what cannot be used for anything is not denied
		return 0, true
	}
	granted, status := nt.AccessCheck(sd, call.Token, want, nt.GenericMappingKey)
	return granted, status == nt.StatusSuccess
}

// hive opens a predefined key.
func (s *Service) hive(call *rpc.Call, path string, desired uint32) (rpc.ContextHandle, uint32, error) {
	restricted, ok := s.admitted(call)
	if !ok || restricted && path != machineKey {
		return rpc.ContextHandle{}, accessDenied, nil
	}
	k, err := s.reg.Open(s.reg.Root(), path)
	if err != nil {
		return rpc.ContextHandle{}, codeOf(err), nil
	}
	return s.handle(call, k, desired, restricted)
}

// handle makes a handle to a key of what its descriptor grants.
func (s *Service) handle(call *rpc.Call, k *state.RegistryKey, desired uint32, restricted bool) (rpc.ContextHandle, uint32, error) {
	sd, err := s.reg.Security(k)
	if err != nil {
		return rpc.ContextHandle{}, codeOf(err), nil
	}
	granted, ok := grant(call, sd, desired)
	if !ok {
		return rpc.ContextHandle{}, accessDenied, nil
	}
	if restricted && !s.allowed(s.reg.Path(k)) {
		granted = 0
	}
	h, err := call.Handles.Open(call, &key{RegistryKey: k, granted: granted, restricted: restricted}, nil)
	return h, success, err
}

// allowed reports whether a key is one that callers have who have no others.
func (s *Service) allowed(path string) bool {
	path = nt.Upcase(strings.TrimPrefix(path, `\REGISTRY\MACHINE\`))
	for _, list := range []struct {
		key   string
		exact bool
	}{{`\AllowedPaths`, false}, {`\AllowedExactPaths`, true}} {
		k, err := s.reg.Open(s.reg.Root(), remoteKey+list.key)
		if err != nil {
			continue
		}
		v, err := s.reg.Value(k, "Machine")
		if err != nil || v.Type != gen.REG_MULTI_SZ {
			continue
		}
		for p := range strings.SplitSeq(nt.DecodeUTF16(v.Data), "\x00") {
			p = nt.Upcase(strings.Trim(p, `\`))
			if p != "" && (path == p || !list.exact && strings.HasPrefix(path, p+`\`)) {
				return true
			}
		}
	}
	return false
}

// OpenClassesRoot opens HKEY_CLASSES_ROOT (MS-RRP 3.1.5.1).
func (s *Service) OpenClassesRoot(_ context.Context, call *rpc.Call, in *gen.OpenClassesRootRequest) (*gen.OpenClassesRootResponse, error) {
	h, code, err := s.hive(call, classesKey, in.SamDesired)
	return &gen.OpenClassesRootResponse{PhKey: h, Return: code}, err
}

// OpenCurrentUser opens HKEY_CURRENT_USER (MS-RRP 3.1.5.2): the key of the caller under HKEY_USERS, which it gets when it first asks.
func (s *Service) OpenCurrentUser(_ context.Context, call *rpc.Call, in *gen.OpenCurrentUserRequest) (*gen.OpenCurrentUserResponse, error) {
	if restricted, ok := s.admitted(call); restricted || !ok {
		return &gen.OpenCurrentUserResponse{Return: accessDenied}, nil
	}
	sid := call.Token.User.String()
	sd, err := nt.ParseSDDL("O:"+sid+"G:SYD:P(A;CI;KA;;;"+sid+")(A;CI;KA;;;BA)(A;CI;KA;;;SY)", nt.SID{})
	if err != nil {
		return nil, err
	}
	if _, err := s.reg.Seed(usersKey+`\`+sid, sd); err != nil {
		return &gen.OpenCurrentUserResponse{Return: codeOf(err)}, nil
	}
	h, code, err := s.hive(call, usersKey+`\`+sid, in.SamDesired)
	return &gen.OpenCurrentUserResponse{PhKey: h, Return: code}, err
}

// OpenLocalMachine opens HKEY_LOCAL_MACHINE (MS-RRP 3.1.5.3).
func (s *Service) OpenLocalMachine(_ context.Context, call *rpc.Call, in *gen.OpenLocalMachineRequest) (*gen.OpenLocalMachineResponse, error) {
	h, code, err := s.hive(call, machineKey, in.SamDesired)
	return &gen.OpenLocalMachineResponse{PhKey: h, Return: code}, err
}

// OpenUsers opens HKEY_USERS (MS-RRP 3.1.5.5).
func (s *Service) OpenUsers(_ context.Context, call *rpc.Call, in *gen.OpenUsersRequest) (*gen.OpenUsersResponse, error) {
	h, code, err := s.hive(call, usersKey, in.SamDesired)
	return &gen.OpenUsersResponse{PhKey: h, Return: code}, err
}

// OpenCurrentConfig opens HKEY_CURRENT_CONFIG (MS-RRP 3.1.5.25).
func (s *Service) OpenCurrentConfig(_ context.Context, call *rpc.Call, in *gen.OpenCurrentConfigRequest) (*gen.OpenCurrentConfigResponse, error) {
	h, code, err := s.hive(call, configKey, in.SamDesired)
	return &gen.OpenCurrentConfigResponse{PhKey: h, Return: code}, err
}

// below finds a key under that of a handle.
func (s *Service) below(k *key, path string) (*state.RegistryKey, uint32) {
	if k.perf {
		return nil, fileNotFound
	}
	if strings.HasPrefix(path, `\`) {
		return nil, uint32(nt.WErrBadPathname)
	}
	child, err := s.reg.Open(k.RegistryKey, path)
	if k.restricted && !(err == nil && s.allowed(s.reg.Path(child))) {
		return nil, accessDenied
	}
	return child, codeOf(err)
}

const openOptions = gen.REG_OPTION_VOLATILE | gen.REG_OPTION_CREATE_LINK | gen.REG_OPTION_BACKUP_RESTORE | gen.REG_OPTION_OPEN_LINK

// BaseRegOpenKey opens a key (MS-RRP 3.1.5.15). Of its options the one for backup counts, which wants the privileges for it.
func (s *Service) BaseRegOpenKey(_ context.Context, call *rpc.Call, in *gen.BaseRegOpenKeyRequest) (*gen.BaseRegOpenKeyResponse, error) {
	k, _, err := s.keyOf(call, in.HKey, 0)
	if err != nil {
		return nil, err
	}
	path, ok := textOf(in.LpSubKey)
	if !ok && in.LpSubKey.Buffer != nil || in.DwOptions&^openOptions != 0 {
		return &gen.BaseRegOpenKeyResponse{Return: invalidParameter}, nil
	}
	child, code := s.below(k, path)
	if code != success {
		return &gen.BaseRegOpenKeyResponse{Return: code}, nil
	}
	if in.DwOptions&gen.REG_OPTION_BACKUP_RESTORE != 0 {
		h, code, err := s.backup(call, child)
		return &gen.BaseRegOpenKeyResponse{PhkResult: h, Return: code}, err
	}
	h, code, err := s.handle(call, child, in.SamDesired, k.restricted)
	return &gen.BaseRegOpenKeyResponse{PhkResult: h, Return: code}, err
}

// backup opens a key as one who saves or restores it, whatever its descriptor says: the mask asked for does not matter (MS-RRP 3.1.5.15).
func (s *Service) backup(call *rpc.Call, k *state.RegistryKey) (rpc.ContextHandle, uint32, error) {
	var granted nt.AccessMask
	if call.Token.HasPrivilege(nt.SeBackupPrivilege) {
		granted |= nt.KeyRead | nt.AccessSystemSecurity
	}
	if call.Token.HasPrivilege(nt.SeRestorePrivilege) {
		granted |= nt.KeyWrite | nt.AccessSystemSecurity | nt.WriteDAC | nt.WriteOwner | nt.Delete
	}
	if granted == 0 {
		return rpc.ContextHandle{}, accessDenied, nil
	}
	h, err := call.Handles.Open(call, &key{RegistryKey: k, granted: granted}, nil)
	return h, success, err
}
