package msrpc

import (
	"encoding/binary"

	"github.com/oiweiwei/go-msrpc/msrpc/dcetypes"
	"github.com/oiweiwei/go-msrpc/msrpc/dtyp"

	"lwio/rpc"
)

// Handle is a context handle in go-msrpc's type. Those of its interfaces are made of it by conversion:
//
//	h, err := call.Handles.Open(call, key, nil)
//	return &winreg.OpenLocalMachineResponse{Key: (*winreg.Key)(msrpc.Handle(h))}, nil
func Handle(h rpc.ContextHandle) *dcetypes.ContextHandle {
	g := h.UUID
	return &dcetypes.ContextHandle{Attributes: h.Attributes, UUID: &dtyp.GUID{
		Data1: binary.LittleEndian.Uint32(g[0:]), Data2: binary.LittleEndian.Uint16(g[4:]), Data3: binary.LittleEndian.Uint16(g[6:]),
		Data4: append([]byte{}, g[8:]...)}}
}

// HandleOf is the context handle that a client sent. NULL is the null handle, which no table has.
//
//	k, err := rpc.HandleValue[*key](call, msrpc.HandleOf((*dcetypes.ContextHandle)(in.Key)))
func HandleOf(h *dcetypes.ContextHandle) rpc.ContextHandle {
	var x rpc.ContextHandle
	if h == nil {
		return x
	}
	x.Attributes = h.Attributes
	if u := h.UUID; u != nil {
		binary.LittleEndian.PutUint32(x.UUID[0:], u.Data1)
		binary.LittleEndian.PutUint16(x.UUID[4:], u.Data2)
		binary.LittleEndian.PutUint16(x.UUID[6:], u.Data3)
		copy(x.UUID[8:], u.Data4)
	}
	return x
}
