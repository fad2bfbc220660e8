// Package ntsvcs answers what Computer Management asks the plug and play manager: which devices the computer has. None, as far as it is told here: the
// devices of the machine are not Windows'.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.NtsvcsInterface, ntsvcs.Service{})
//
// Who is authenticated may ask; the null session is told that there is an error of the registry, which is how this interface says so. Nothing is changed.
package ntsvcs

import (
	"context"
	"strings"

	gen "lwio/gen/ntsvcs"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Service implements ntsvcs.
type Service struct{ gen.UnimplementedNtsvcsServer }

var _ gen.NtsvcsServer = Service{}

const version = 0x400

func allowed(call *rpc.Call) bool {
	return !call.Token.Anonymous && (call.Token.HasSID(nt.SIDAuthenticatedUsers) || call.Token.IsSystem())
}

// refuse is the answer to who may not ask.
func refuse(call *rpc.Call, code uint32) uint32 {
	if !allowed(call) {
		return gen.CR_REGISTRY_ERROR
	}
	return code
}

// PNPGetVersion tells the version of the manager.
func (Service) PNPGetVersion(_ context.Context, call *rpc.Call, _ *gen.PNPGetVersionRequest) (*gen.PNPGetVersionResponse, error) {
	out := &gen.PNPGetVersionResponse{Return: refuse(call, gen.CR_SUCCESS)}
	if out.Return == gen.CR_SUCCESS {
		out.Version = version
	}
	return out, nil
}

// PNPValidateDeviceInstance knows the root of the tree of devices, and no other.
func (Service) PNPValidateDeviceInstance(_ context.Context, call *rpc.Call, in *gen.PNPValidateDeviceInstanceRequest) (*gen.PNPValidateDeviceInstanceResponse, error) {
	code := gen.CR_NO_SUCH_DEVNODE
	if strings.EqualFold(in.Devicepath, `HTREE\ROOT\0`) {
		code = gen.CR_SUCCESS
	}
	return &gen.PNPValidateDeviceInstanceResponse{Return: refuse(call, code)}, nil
}

// filters are the flags that want a filter (CM_GETIDLIST_FILTER_ENUMERATOR to _BUSRELATIONS).
const filters = 0x3F

// empty is a list of no names: its terminator alone.
const empty = 1

// PNPGetDeviceListSize tells how much room the list takes.
func (Service) PNPGetDeviceListSize(_ context.Context, call *rpc.Call, in *gen.PNPGetDeviceListSizeRequest) (*gen.PNPGetDeviceListSizeResponse, error) {
	out := &gen.PNPGetDeviceListSizeResponse{Size: empty}
	if in.Flags&filters != 0 && in.Devicename == nil {
		out.Size, out.Return = 0, gen.CR_INVALID_POINTER
	}
	if out.Return = refuse(call, out.Return); out.Return != gen.CR_SUCCESS {
		out.Size = 0
	}
	return out, nil
}

// PNPGetDeviceList lists the devices.
func (Service) PNPGetDeviceList(_ context.Context, call *rpc.Call, in *gen.PNPGetDeviceListRequest) (*gen.PNPGetDeviceListResponse, error) {
	out := &gen.PNPGetDeviceListResponse{}
	switch {
	case in.Flags&filters != 0 && in.Filter == nil:
		out.Return = gen.CR_INVALID_POINTER
	case in.Length < empty:
		out.Return = gen.CR_BUFFER_SMALL
	}
	if out.Return = refuse(call, out.Return); out.Return == gen.CR_SUCCESS {
		out.Buffer, out.Length = make([]uint16, empty), empty
	}
	return out, nil
}

// PNPGetDeviceRegProp finds no device that had properties.
func (Service) PNPGetDeviceRegProp(_ context.Context, call *rpc.Call, in *gen.PNPGetDeviceRegPropRequest) (*gen.PNPGetDeviceRegPropResponse, error) {
	return &gen.PNPGetDeviceRegPropResponse{RegDataType: in.RegDataType, Return: refuse(call, gen.CR_NO_SUCH_DEVNODE)}, nil
}

// PNPGetHwProfInfo tells of the one hardware profile there is, the one in use.
func (Service) PNPGetHwProfInfo(_ context.Context, call *rpc.Call, in *gen.PNPGetHwProfInfoRequest) (*gen.PNPGetHwProfInfoResponse, error) {
	out := &gen.PNPGetHwProfInfoResponse{Info: in.Info, Return: gen.CR_NO_SUCH_VALUE}
	if in.Idx == 0 || in.Idx == 0xFFFFFFFF {
		out.Return = gen.CR_SUCCESS
	}
	if out.Return = refuse(call, out.Return); out.Return == gen.CR_SUCCESS {
		out.Info = gen.PNPHwProfInfo{}
		copy(out.Info.FriendlyName[:], nt.ToUTF16("Profile 1"))
	}
	return out, nil
}
