// Package initshutdown answers who would shut the computer down from afar (MS-RSP 3.2): denied, whoever it is, since a daemon does not shut its machine
// down. The calls of the same name in winreg answer so, too; the interface over TCP, WindowsShutdown, is not served.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.InitShutdownInterface, initshutdown.Service{})
package initshutdown

import (
	"context"

	gen "lwio/gen/initshutdown"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Service implements InitShutdown.
type Service struct {
	gen.UnimplementedInitShutdownServer
}

var _ gen.InitShutdownServer = Service{}

const denied = uint32(nt.WErrAccessDenied)

// BaseInitiateShutdown is denied (MS-RSP 3.2.4.1).
func (Service) BaseInitiateShutdown(context.Context, *rpc.Call, *gen.BaseInitiateShutdownRequest) (*gen.BaseInitiateShutdownResponse, error) {
	return &gen.BaseInitiateShutdownResponse{Return: denied}, nil
}

// BaseAbortShutdown is denied (MS-RSP 3.2.4.2).
func (Service) BaseAbortShutdown(context.Context, *rpc.Call, *gen.BaseAbortShutdownRequest) (*gen.BaseAbortShutdownResponse, error) {
	return &gen.BaseAbortShutdownResponse{Return: denied}, nil
}

// BaseInitiateShutdownEx is denied (MS-RSP 3.2.4.3).
func (Service) BaseInitiateShutdownEx(context.Context, *rpc.Call, *gen.BaseInitiateShutdownExRequest) (*gen.BaseInitiateShutdownExResponse, error) {
	return &gen.BaseInitiateShutdownExResponse{Return: denied}, nil
}
