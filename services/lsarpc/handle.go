package lsarpc

import (
	"context"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// What a handle stands for. Each was granted what the descriptor of its object gave the caller when it was opened; that decides from then on.
// An object may be gone while handles to it are open: they are invalid then.
type (
	policy  struct{ granted nt.AccessMask }
	account struct {
		sid     nt.SID
		granted nt.AccessMask
	}
	secret struct {
		name    string
		granted nt.AccessMask
	}
)

func (p *policy) access() nt.AccessMask  { return p.granted }
func (a *account) access() nt.AccessMask { return a.granted }
func (s *secret) access() nt.AccessMask  { return s.granted }

type object interface{ access() nt.AccessMask }

// objectOf is the object of a handle, if it was granted all of need. A handle that is none is an error, and with that a fault, as the runtime of
// Windows has it; one of another kind of object is StatusInvalidHandle.
func objectOf[T object](call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask) (T, nt.Status, error) {
	var zero T
	if err := onPipe(call); err != nil {
		return zero, 0, err
	}
	any, err := rpc.HandleValue[object](call, h)
	if err != nil {
		return zero, 0, err
	}
	o, ok := any.(T)
	switch {
	case !ok:
		return zero, nt.StatusInvalidHandle, nil
	case o.access()&need != need:
		return zero, nt.StatusAccessDenied, nil
	}
	return o, nt.StatusSuccess, nil
}

// policyOf checks a policy handle.
func policyOf(call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask) (nt.Status, error) {
	_, status, err := objectOf[*policy](call, h, need)
	return status, err
}

// grant is what the descriptor of an object gives a caller of what it desires.
func grant(call *rpc.Call, sd *nt.SecurityDescriptor, desired uint32, m nt.GenericMapping) (nt.AccessMask, nt.Status) {
	granted, status := nt.AccessCheck(sd, call.Token, nt.AccessMask(desired), m)
	if status != nt.StatusSuccess {
		return 0, nt.StatusAccessDenied
	}
	return granted, nt.StatusSuccess
}

// LsarClose closes a handle (MS-LSAD 3.1.4.9.4).
func (s *Service) LsarClose(_ context.Context, call *rpc.Call, in *gen.LsarCloseRequest) (*gen.LsarCloseResponse, error) {
	if _, _, err := objectOf[object](call, in.ObjectHandle, 0); err != nil {
		return nil, err
	}
	if err := call.Handles.Close(in.ObjectHandle); err != nil {
		return nil, err
	}
	return &gen.LsarCloseResponse{}, nil
}

// LsarDelete is not supported by any server; LsarDeleteObject has taken its place.
func (s *Service) LsarDelete(_ context.Context, call *rpc.Call, in *gen.LsarDeleteRequest) (*gen.LsarDeleteResponse, error) {
	if _, _, err := objectOf[object](call, in.ObjectHandle, 0); err != nil {
		return nil, err
	}
	return &gen.LsarDeleteResponse{Return: result(nt.StatusNotSupported)}, nil
}

// LsarDeleteObject deletes an account or a secret and closes the handle (MS-LSAD 3.1.4.9.3).
func (s *Service) LsarDeleteObject(ctx context.Context, call *rpc.Call, in *gen.LsarDeleteObjectRequest) (*gen.LsarDeleteObjectResponse, error) {
	o, status, err := objectOf[object](call, in.ObjectHandle, 0)
	if err != nil {
		return nil, err
	}
	if _, ok := o.(*policy); ok {
		status = nt.StatusInvalidParameter
	} else if status == nt.StatusSuccess && o.access()&nt.Delete == 0 {
		status = nt.StatusAccessDenied
	}
	if status == nt.StatusSuccess {
		switch o := o.(type) {
		case *account:
			status = statusOf(s.lsa.DeleteAccount(ctx, o.sid))
		case *secret:
			status = statusOf(s.lsa.DeleteSecret(ctx, o.name))
		}
		if status == nt.StatusObjectNameNotFound {
			status = nt.StatusInvalidHandle // through another handle
		}
	}
	if status != nt.StatusSuccess {
		return &gen.LsarDeleteObjectResponse{ObjectHandle: in.ObjectHandle, Return: result(status)}, nil
	}
	if err := call.Handles.Close(in.ObjectHandle); err != nil {
		return nil, err
	}
	return &gen.LsarDeleteObjectResponse{}, nil
}
