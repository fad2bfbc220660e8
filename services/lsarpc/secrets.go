package lsarpc

import (
	"context"
	"errors"
	"slices"
	"strings"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// Secrets that are not for everybody whom descriptors let in (MS-LSAD 3.1.1.4): those of this machine are not for callers of another, those of its
// system not for callers at all, be it by their prefix or because the system itself keeps things under these names.
var (
	machinePrefixes = []string{"L$"}
	systemPrefixes  = []string{"M$", "_SC_", "NL$"}
	systemNames     = []string{"$MACHINE.ACC", "SAC", "SAI", "SANSC", "DPAPI_SYSTEM"}
)

// mayName is whether the caller may have to do with a secret of that name at all.
func mayName(call *rpc.Call, name string) bool {
	name = nt.Upcase(name)
	begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	switch {
	case slices.Contains(systemNames, name), slices.ContainsFunc(systemPrefixes, begins):
		return !isRemote(call) && call.Token.IsSystem()
	case slices.ContainsFunc(machinePrefixes, begins):
		return !isRemote(call)
	}
	return true
}

// secretName checks the name of a secret.
func secretName(call *rpc.Call, x *dtyp.RPC_UNICODE_STRING) (string, nt.Status) {
	name := x.String()
	switch {
	case len(x.Buffer) > state.MaxLSASecretName:
		return "", nt.StatusNameTooLong
	case state.CheckLSASecretName(name) != nil:
		return "", nt.StatusInvalidParameter
	case !mayName(call, name):
		return "", nt.StatusAccessDenied
	}
	return name, nt.StatusSuccess
}

// secretOf is the secret of a handle.
func (s *Service) secretOf(ctx context.Context, o *secret) (state.LSASecret, nt.Status) {
	x, err := s.lsa.Secret(ctx, o.name)
	if errors.Is(err, state.ErrNoLSASecret) {
		return x, nt.StatusInvalidHandle
	}
	return x, statusOf(err)
}

// LsarCreateSecret makes a secret without a value and opens it (MS-LSAD 3.1.4.6.1).
func (s *Service) LsarCreateSecret(ctx context.Context, call *rpc.Call, in *gen.LsarCreateSecretRequest) (*gen.LsarCreateSecretResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyCreateSecret)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarCreateSecretResponse{}
	var name string
	if status == nt.StatusSuccess {
		name, status = secretName(call, &in.SecretName)
	}
	var granted nt.AccessMask
	if status == nt.StatusSuccess {
		granted, status = grant(call, secretSecurity, in.DesiredAccess, nt.GenericMappingSecret)
	}
	if status == nt.StatusSuccess {
		status = statusOf(s.lsa.AddSecret(ctx, name))
	}
	if status == nt.StatusSuccess {
		out.SecretHandle, err = call.Handles.Open(call, &secret{name, granted}, nil)
	}
	out.Return = result(status)
	return out, err
}

// LsarOpenSecret opens a secret (MS-LSAD 3.1.4.6.2).
func (s *Service) LsarOpenSecret(ctx context.Context, call *rpc.Call, in *gen.LsarOpenSecretRequest) (*gen.LsarOpenSecretResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, 0)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarOpenSecretResponse{}
	var name string
	if status == nt.StatusSuccess {
		name, status = secretName(call, &in.SecretName)
	}
	if status == nt.StatusSuccess {
		x, err := s.lsa.Secret(ctx, name)
		var granted nt.AccessMask
		if status = statusOf(err); status == nt.StatusSuccess {
			granted, status = grant(call, or(x.Security, secretSecurity), in.DesiredAccess, nt.GenericMappingSecret)
		}
		if status == nt.StatusSuccess {
			if out.SecretHandle, err = call.Handles.Open(call, &secret{x.Name, granted}, nil); err != nil {
				return nil, err
			}
		}
	}
	out.Return = result(status)
	return out, nil
}

// LsarSetSecret sets the values of a secret (MS-LSAD 3.1.4.6.3). Where no old one is given the current one becomes it.
func (s *Service) LsarSetSecret(ctx context.Context, call *rpc.Call, in *gen.LsarSetSecretRequest) (*gen.LsarSetSecretResponse, error) {
	o, status, err := objectOf[*secret](call, in.SecretHandle, nt.SecretSetValue)
	if err != nil {
		return nil, err
	}
	var current, old []byte
	if status == nt.StatusSuccess {
		current, status = decrypt(call, in.EncryptedCurrentValue)
	}
	if status == nt.StatusSuccess {
		old, status = decrypt(call, in.EncryptedOldValue)
	}
	if status == nt.StatusSuccess {
		status = statusOf(s.lsa.ChangeSecret(ctx, o.name, false, func(x *state.LSASecret) error {
			setSecret(x, current, old)
			return nil
		}))
		if status == nt.StatusObjectNameNotFound {
			status = nt.StatusInvalidHandle
		}
	}
	return &gen.LsarSetSecretResponse{Return: result(status)}, nil
}

func setSecret(x *state.LSASecret, current, old []byte) {
	now := nt.NowTime()
	if old != nil {
		x.Old, x.OldSet = old, now
	} else {
		x.Old, x.OldSet = x.Current, x.CurrentSet
	}
	x.Current, x.CurrentSet = current, now
}

// LsarQuerySecret tells the values of a secret and when they were set, as far as the caller asks (MS-LSAD 3.1.4.6.4).
func (s *Service) LsarQuerySecret(ctx context.Context, call *rpc.Call, in *gen.LsarQuerySecretRequest) (*gen.LsarQuerySecretResponse, error) {
	o, status, err := objectOf[*secret](call, in.SecretHandle, nt.SecretQueryValue)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarQuerySecretResponse{EncryptedCurrentValue: in.EncryptedCurrentValue, CurrentValueSetTime: in.CurrentValueSetTime,
		EncryptedOldValue: in.EncryptedOldValue, OldValueSetTime: in.OldValueSetTime}
	var x state.LSASecret
	if status == nt.StatusSuccess {
		x, status = s.secretOf(ctx, o)
	}
	if out.Return = result(status); status != nt.StatusSuccess {
		return out, nil
	}
	if in.EncryptedCurrentValue != nil {
		v := encrypt(call, x.Current)
		out.EncryptedCurrentValue = &v
	}
	if in.EncryptedOldValue != nil {
		v := encrypt(call, x.Old)
		out.EncryptedOldValue = &v
	}
	if in.CurrentValueSetTime != nil {
		out.CurrentValueSetTime = &dtyp.LARGE_INTEGER{QuadPart: int64(x.CurrentSet)}
	}
	if in.OldValueSetTime != nil {
		out.OldValueSetTime = &dtyp.LARGE_INTEGER{QuadPart: int64(x.OldSet)}
	}
	return out, nil
}

// LsarStorePrivateData sets a secret by its name, makes it where there is none, and deletes it where no data is given (MS-LSAD 3.1.4.6.5).
func (s *Service) LsarStorePrivateData(ctx context.Context, call *rpc.Call, in *gen.LsarStorePrivateDataRequest) (*gen.LsarStorePrivateDataResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyCreateSecret)
	if err != nil {
		return nil, err
	}
	var name string
	if status == nt.StatusSuccess {
		name, status = secretName(call, &in.KeyName)
	}
	var value []byte
	if status == nt.StatusSuccess {
		value, status = decrypt(call, in.EncryptedData)
	}
	if status == nt.StatusSuccess {
		err := s.lsa.ChangeSecret(ctx, name, value != nil, func(x *state.LSASecret) error {
			need := nt.SecretSetValue
			if value == nil {
				need = nt.Delete
			}
			if _, status := grant(call, or(x.Security, secretSecurity), uint32(need), nt.GenericMappingSecret); status != nt.StatusSuccess {
				return status
			}
			setSecret(x, value, nil)
			return nil
		})
		if err == nil && value == nil {
			err = s.lsa.DeleteSecret(ctx, name)
		}
		status = statusOf(err)
	}
	return &gen.LsarStorePrivateDataResponse{Return: result(status)}, nil
}

// LsarRetrievePrivateData tells the value of a secret by its name (MS-LSAD 3.1.4.6.6).
func (s *Service) LsarRetrievePrivateData(ctx context.Context, call *rpc.Call, in *gen.LsarRetrievePrivateDataRequest) (*gen.LsarRetrievePrivateDataResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyGetPrivateInformation)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarRetrievePrivateDataResponse{}
	var name string
	if status == nt.StatusSuccess {
		name, status = secretName(call, &in.KeyName)
	}
	if status == nt.StatusSuccess {
		x, err := s.lsa.Secret(ctx, name)
		if status = statusOf(err); status == nt.StatusSuccess {
			_, status = grant(call, or(x.Security, secretSecurity), uint32(nt.SecretQueryValue), nt.GenericMappingSecret)
		}
		if status == nt.StatusSuccess {
			out.EncryptedData = encrypt(call, x.Current)
		}
	}
	out.Return = result(status)
	return out, nil
}
