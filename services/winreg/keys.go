package winreg

import (
	"context"
	"strings"

	"lwio/gen/dtyp"
	gen "lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// maxCreate is how many keys one call makes.
const maxCreate = 32

// BaseRegCreateKey makes a key, and those between, or opens the one that is there (MS-RRP 3.1.5.7).
func (s *Service) BaseRegCreateKey(ctx context.Context, call *rpc.Call, in *gen.BaseRegCreateKeyRequest) (*gen.BaseRegCreateKeyResponse, error) {
	k, _, err := s.keyOf(call, in.HKey, 0)
	if err != nil {
		return nil, err
	}
	child, made, code := s.create(ctx, call, k, in)
	if code != success {
		return &gen.BaseRegCreateKeyResponse{LpdwDisposition: in.LpdwDisposition, Return: code}, nil
	}
	out := &gen.BaseRegCreateKeyResponse{LpdwDisposition: in.LpdwDisposition}
	if in.LpdwDisposition != nil {
		d := gen.REG_OPENED_EXISTING_KEY
		if made {
			d = gen.REG_CREATED_NEW_KEY
		}
		out.LpdwDisposition = &d
	}
	switch {
	case in.DwOptions&gen.REG_OPTION_BACKUP_RESTORE != 0:
		out.PhkResult, out.Return, err = s.backup(call, child)
	default:
		out.PhkResult, out.Return, err = s.handle(call, child, in.SamDesired, k.restricted)
	}
	return out, err
}

// create finds or makes the keys of a path. The descriptor of the last that is there has to let the caller make keys.
func (s *Service) create(ctx context.Context, call *rpc.Call, k *key, in *gen.BaseRegCreateKeyRequest) (*state.RegistryKey, bool, uint32) {
	path, ok := textOf(in.LpSubKey)
	class, classOK := textOf(in.LpClass)
	switch {
	case !ok, !classOK && in.LpClass.Buffer != nil, in.DwOptions&^openOptions != 0, nt.UTF16Len(class) > state.MaxRegistryName:
		return nil, false, invalidParameter
	case in.DwOptions&gen.REG_OPTION_CREATE_LINK != 0:
		return nil, false, notSupported
	case k.perf, k.restricted:
		return nil, false, accessDenied
	case strings.HasPrefix(path, `\`):
		return nil, false, uint32(nt.WErrBadPathname)
	}
	names, err := state.SplitRegistryPath(path)
	if err != nil {
		return nil, false, invalidParameter
	}
	at := k.RegistryKey
	for len(names) > 0 {
		next, err := s.reg.Open(at, names[0])
		if err != nil {
			if code := codeOf(err); code != fileNotFound {
				return nil, false, code
			}
			break
		}
		at, names = next, names[1:]
	}
	switch {
	case len(names) == 0:
		return at, false, success
	case len(names) > maxCreate:
		return nil, false, invalidParameter
	}
	sd, err := s.reg.Security(at)
	if err != nil {
		return nil, false, codeOf(err)
	}
	if _, ok := grant(call, sd, uint32(nt.KeyCreateSubKey)); !ok && !(in.DwOptions&gen.REG_OPTION_BACKUP_RESTORE != 0 && call.Token.HasPrivilege(nt.SeRestorePrivilege)) {
		return nil, false, accessDenied
	}
	if r := s.reg.Path(at); strings.Count(r, `\`) < 2 {
		return nil, false, accessDenied // beside the predefined keys
	}
	var creator *nt.SecurityDescriptor
	if a := in.LpSecurityAttributes; a != nil && len(a.RpcSecurityDescriptor.LpSecurityDescriptor) > 0 {
		if creator, err = nt.ParseSecurityDescriptor(a.RpcSecurityDescriptor.LpSecurityDescriptor); err != nil {
			return nil, false, uint32(nt.WErrInvalidSecurityDescr)
		}
	}
	made := false
	for i, name := range names {
		n := state.NewRegistryKey{Volatile: in.DwOptions&gen.REG_OPTION_VOLATILE != 0}
		own := (*nt.SecurityDescriptor)(nil)
		if i == len(names)-1 {
			n.Class, own = class, creator
		}
		if n.Security, err = nt.CreateSecurityDescriptor(sd, own, true, nil, nt.DACLAutoInherit|nt.SACLAutoInherit, call.Token, nt.GenericMappingKey); err != nil {
			return nil, false, codeOf(err)
		}
		if at, made, err = s.reg.Create(ctx, at, name, n); err != nil {
			return nil, false, codeOf(err)
		}
		if sd, err = s.reg.Security(at); err != nil {
			return nil, false, codeOf(err)
		}
	}
	return at, made, success
}

func (s *Service) delete(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, name dtyp.RPC_UNICODE_STRING) (uint32, error) {
	k, _, err := s.keyOf(call, h, 0)
	if err != nil {
		return 0, err
	}
	path, ok := textOf(name)
	if !ok {
		return invalidParameter, nil
	}
	child, code := s.below(k, path)
	if code != success {
		return code, nil
	}
	sd, err := s.reg.Security(child)
	if err != nil {
		return codeOf(err), nil
	}
	if _, ok := grant(call, sd, uint32(nt.Delete)); !ok || strings.Count(s.reg.Path(child), `\`) < 3 {
		return accessDenied, nil // predefined keys stay
	}
	return codeOf(s.reg.DeleteKey(ctx, child)), nil
}

// BaseRegDeleteKey deletes a key that has none under it (MS-RRP 3.1.5.8).
func (s *Service) BaseRegDeleteKey(ctx context.Context, call *rpc.Call, in *gen.BaseRegDeleteKeyRequest) (*gen.BaseRegDeleteKeyResponse, error) {
	code, err := s.delete(ctx, call, in.HKey, in.LpSubKey)
	return &gen.BaseRegDeleteKeyResponse{Return: code}, err
}

// BaseRegDeleteKeyEx does the same in the view of a mask, of which there is one (MS-RRP 3.1.5.31).
func (s *Service) BaseRegDeleteKeyEx(ctx context.Context, call *rpc.Call, in *gen.BaseRegDeleteKeyExRequest) (*gen.BaseRegDeleteKeyExResponse, error) {
	code, err := s.delete(ctx, call, in.HKey, in.LpSubKey)
	return &gen.BaseRegDeleteKeyExResponse{Return: code}, err
}

// BaseRegEnumKey names the key of an index (MS-RRP 3.1.5.10). Keys are in the order of their names.
func (s *Service) BaseRegEnumKey(_ context.Context, call *rpc.Call, in *gen.BaseRegEnumKeyRequest) (*gen.BaseRegEnumKeyResponse, error) {
	out := &gen.BaseRegEnumKeyResponse{LpNameOut: dtyp.RPC_UNICODE_STRING{MaximumLength: in.LpNameIn.MaximumLength}, LpftLastWriteTime: in.LpftLastWriteTime}
	k, code, err := s.keyOf(call, in.HKey, nt.KeyEnumerateSubKeys)
	switch {
	case err != nil:
		return nil, err
	case code != success:
		out.Return = code
		return out, nil
	case k.perf, in.DwIndex > state.MaxRegistryKeys:
		out.Return = noMoreItems
		return out, nil
	}
	child, err := s.reg.Child(k.RegistryKey, int(in.DwIndex))
	if err == state.ErrNotFound {
		out.Return = noMoreItems
		return out, nil
	}
	var info state.RegistryInfo
	if err == nil {
		info, err = s.reg.Info(child)
	}
	if err != nil {
		out.Return = codeOf(err)
		return out, nil
	}
	name := terminated(info.Name, in.LpNameIn.MaximumLength)
	if name.Length > in.LpNameIn.MaximumLength {
		out.Return = moreData
		return out, nil
	}
	if in.LpClassIn != nil {
		c := terminated(info.Class, in.LpClassIn.MaximumLength)
		if c.Length > in.LpClassIn.MaximumLength && info.Class != "" {
			out.Return = moreData
			return out, nil
		}
		out.LplpClassOut = &c
	}
	out.LpNameOut = name
	if in.LpftLastWriteTime != nil {
		t := fileTime(info.Changed)
		out.LpftLastWriteTime = &t
	}
	return out, nil
}

// BaseRegQueryInfoKey counts what a key has (MS-RRP 3.1.5.16). Lengths are in bytes, without terminators.
func (s *Service) BaseRegQueryInfoKey(_ context.Context, call *rpc.Call, in *gen.BaseRegQueryInfoKeyRequest) (*gen.BaseRegQueryInfoKeyResponse, error) {
	k, code, err := s.keyOf(call, in.HKey, nt.KeyQueryValue)
	switch {
	case err != nil:
		return nil, err
	case code != success:
		return &gen.BaseRegQueryInfoKeyResponse{Return: code}, nil
	case k.perf:
		return &gen.BaseRegQueryInfoKeyResponse{LpftLastWriteTime: fileTime(nt.NowTime())}, nil
	}
	i, err := s.reg.Info(k.RegistryKey)
	if err != nil {
		return &gen.BaseRegQueryInfoKeyResponse{Return: codeOf(err)}, nil
	}
	out := &gen.BaseRegQueryInfoKeyResponse{LpcSubKeys: uint32(i.Keys), LpcbMaxSubKeyLen: uint32(i.MaxKey), LpcbMaxClassLen: uint32(i.MaxClass),
		LpcValues: uint32(i.Values), LpcbMaxValueNameLen: uint32(i.MaxName), LpcbMaxValueLen: uint32(i.MaxData), LpcbSecurityDescriptor: uint32(i.Security.Size()),
		LpftLastWriteTime: fileTime(i.Changed)}
	out.LpClassOut = terminated(i.Class, in.LpClassIn.MaximumLength)
	if room := in.LpClassIn.MaximumLength; room > 0 && out.LpClassOut.Length > room && i.Class != "" {
		out.LpClassOut = dtyp.RPC_UNICODE_STRING{MaximumLength: room}
		out.Return = moreData
	}
	return out, nil
}
