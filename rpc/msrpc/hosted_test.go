package msrpc_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/oiweiwei/go-msrpc/dcerpc"
	"github.com/oiweiwei/go-msrpc/msrpc/dcetypes"
	"github.com/oiweiwei/go-msrpc/msrpc/dtyp"
	mwinreg "github.com/oiweiwei/go-msrpc/msrpc/rrp/winreg/v1"
	msamr "github.com/oiweiwei/go-msrpc/msrpc/samr/samr/v1"
	msvcctl "github.com/oiweiwei/go-msrpc/msrpc/scmr/svcctl/v2"
	msrvsvc "github.com/oiweiwei/go-msrpc/msrpc/srvs/srvsvc/v3"
	mw32time "github.com/oiweiwei/go-msrpc/msrpc/w32t/w32time/v4"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/msrpc"
	"lwio/rpc/rpctest"
	"lwio/rpc/server"
)

var bg = context.Background()

// Five interfaces, each with a little of its methods.
type (
	shares struct {
		msrvsvc.UnimplementedSrvsvcServer
	}
	accounts struct{ msamr.UnimplementedSamrServer }
	registry struct {
		mwinreg.UnimplementedWinregServer
		rundowns *atomic.Int32
	}
	control struct {
		msvcctl.UnimplementedSvcctlServer
	}
	clock struct {
		mw32time.UnimplementedW32TimeServer
	}
)

func (shares) GetInfo(_ context.Context, in *msrvsvc.GetInfoRequest) (*msrvsvc.GetInfoResponse, error) {
	if in.Level != 101 {
		return &msrvsvc.GetInfoResponse{Level: in.Level, Info: &msrvsvc.ServerInfo{}, Return: uint32(nt.WErrInvalidLevel)}, nil
	}
	return &msrvsvc.GetInfoResponse{Level: 101, Info: &msrvsvc.ServerInfo{Value: &msrvsvc.ServerInfo_101{ServerInfo101: &dtyp.ServerInfo101{
		PlatformID: 500, Name: "SERVER", VersionMajor: 6, VersionMinor: 1, VersionType: 0x9003, Comment: "größer 語😀"}}}}, nil
}

func (shares) ShareEnum(_ context.Context, in *msrvsvc.ShareEnumRequest) (*msrvsvc.ShareEnumResponse, error) {
	if in.Info == nil || in.Info.Level != 1 {
		return nil, nt.StatusInvalidLevel
	}
	return &msrvsvc.ShareEnumResponse{TotalEntries: 2, Info: &msrvsvc.ShareEnum{Level: 1, ShareInfo: &msrvsvc.ShareEnumUnion{Value: &msrvsvc.ShareEnumUnion_Level1{
		Level1: &msrvsvc.ShareInfo1Container{Buffer: []*msrvsvc.ShareInfo1{{NetworkName: "data", Remark: "für alle"}, {NetworkName: "IPC$", Type: 0x80000003}}}}}}}, nil
}

// RemoteToD panics.
func (shares) RemoteToD(context.Context, *msrvsvc.RemoteToDRequest) (*msrvsvc.RemoteToDResponse, error) {
	panic("as asked")
}

// DiskEnum says who calls.
func (shares) DiskEnum(ctx context.Context, _ *msrvsvc.DiskEnumRequest) (*msrvsvc.DiskEnumResponse, error) {
	if call := msrpc.CallOf(ctx); call.Token.Account != "alice" || call.Transport != rpc.TransportNamedPipe {
		return nil, errors.New("somebody else")
	}
	return nil, nt.StatusAccessDenied
}

func open(ctx context.Context, value any, rundown func()) (*dcetypes.ContextHandle, error) {
	call := msrpc.CallOf(ctx)
	h, err := call.Handles.Open(call, value, rundown)
	return msrpc.Handle(h), err
}

func (accounts) Connect5(ctx context.Context, in *msamr.Connect5Request) (*msamr.Connect5Response, error) {
	h, err := open(ctx, "sam", nil)
	return &msamr.Connect5Response{OutVersion: 1, OutRevisionInfo: &msamr.RevisionInfo{Value: &msamr.RevisionInfo_V1{V1: &msamr.RevisionInfoV1{Revision: 3}}}, Server: (*msamr.Handle)(h)}, err
}

func (accounts) Connect(ctx context.Context, in *msamr.ConnectRequest) (*msamr.ConnectResponse, error) {
	h, err := open(ctx, "sam", nil)
	return &msamr.ConnectResponse{Server: (*msamr.Handle)(h)}, err
}

func (accounts) EnumerateDomainsInSAMServer(ctx context.Context, in *msamr.EnumerateDomainsInSAMServerRequest) (*msamr.EnumerateDomainsInSAMServerResponse, error) {
	if _, err := rpc.HandleValue[string](msrpc.CallOf(ctx), msrpc.HandleOf((*dcetypes.ContextHandle)(in.Server))); err != nil {
		return nil, err
	}
	return &msamr.EnumerateDomainsInSAMServerResponse{CountReturned: 2, Buffer: &msamr.EnumerationBuffer{Buffer: []*msamr.RIDEnumeration{
		{Name: &dtyp.UnicodeString{Buffer: "SERVER"}}, {RelativeID: 1, Name: &dtyp.UnicodeString{Buffer: "Builtin"}}}}}, nil
}

func (accounts) CloseHandle(ctx context.Context, in *msamr.CloseHandleRequest) (*msamr.CloseHandleResponse, error) {
	return &msamr.CloseHandleResponse{SAMHandle: &msamr.Handle{}}, msrpc.CallOf(ctx).Handles.Close(msrpc.HandleOf((*dcetypes.ContextHandle)(in.SAMHandle)))
}

func (r registry) OpenLocalMachine(ctx context.Context, _ *mwinreg.OpenLocalMachineRequest) (*mwinreg.OpenLocalMachineResponse, error) {
	h, err := open(ctx, 'k', func() { r.rundowns.Add(1) })
	return &mwinreg.OpenLocalMachineResponse{Key: (*mwinreg.Key)(h)}, err
}

func (registry) BaseRegGetVersion(ctx context.Context, in *mwinreg.BaseRegGetVersionRequest) (*mwinreg.BaseRegGetVersionResponse, error) {
	if _, err := rpc.HandleValue[rune](msrpc.CallOf(ctx), msrpc.HandleOf((*dcetypes.ContextHandle)(in.Key))); err != nil {
		return nil, err
	}
	return &mwinreg.BaseRegGetVersionResponse{Version: 6}, nil
}

// BaseRegQueryValue gives the name of the value as its data.
func (registry) BaseRegQueryValue(_ context.Context, in *mwinreg.BaseRegQueryValueRequest) (*mwinreg.BaseRegQueryValueResponse, error) {
	d := []byte(in.ValueName.Buffer)
	return &mwinreg.BaseRegQueryValueResponse{Type: 3, Data: d, DataLength: uint32(len(d)), Length: uint32(len(d))}, nil
}

func (registry) BaseRegCloseKey(ctx context.Context, in *mwinreg.BaseRegCloseKeyRequest) (*mwinreg.BaseRegCloseKeyResponse, error) {
	return &mwinreg.BaseRegCloseKeyResponse{Key: &mwinreg.Key{}}, msrpc.CallOf(ctx).Handles.Close(msrpc.HandleOf((*dcetypes.ContextHandle)(in.Key)))
}

func (control) OpenSCMW(ctx context.Context, in *msvcctl.OpenSCMWRequest) (*msvcctl.OpenSCMWResponse, error) {
	h, err := open(ctx, 1, nil)
	return &msvcctl.OpenSCMWResponse{SCM: (*msvcctl.Handle)(h)}, err
}

func (control) OpenServiceW(ctx context.Context, in *msvcctl.OpenServiceWRequest) (*msvcctl.OpenServiceWResponse, error) {
	if in.ServiceName != "größer" && in.ServiceName != "lwio" {
		return &msvcctl.OpenServiceWResponse{Service: &msvcctl.Handle{}, Return: 1060}, nil
	}
	h, err := open(ctx, 2, nil)
	return &msvcctl.OpenServiceWResponse{Service: (*msvcctl.Handle)(h)}, err
}

func (control) QueryServiceStatus(ctx context.Context, in *msvcctl.QueryServiceStatusRequest) (*msvcctl.QueryServiceStatusResponse, error) {
	if n, err := rpc.HandleValue[int](msrpc.CallOf(ctx), msrpc.HandleOf((*dcetypes.ContextHandle)(in.Service))); err != nil || n != 2 {
		return nil, rpc.FaultContextMismatch
	}
	return &msvcctl.QueryServiceStatusResponse{ServiceStatus: &msvcctl.ServiceStatus{CurrentState: 4}}, nil
}

func (control) CloseService(ctx context.Context, in *msvcctl.CloseServiceRequest) (*msvcctl.CloseServiceResponse, error) {
	return &msvcctl.CloseServiceResponse{ServiceObject: &msvcctl.Handle{}}, msrpc.CallOf(ctx).Handles.Close(msrpc.HandleOf((*dcetypes.ContextHandle)(in.ServiceObject)))
}

func (clock) QuerySource(context.Context, *mw32time.QuerySourceRequest) (*mw32time.QuerySourceResponse, error) {
	return &mw32time.QuerySourceResponse{Source: "tempo é ☀"}, nil
}

// hosted is a server of the five.
func hosted(t testing.TB) (*server.Server, *atomic.Int32) {
	t.Helper()
	s := server.New(server.Config{})
	t.Cleanup(func() { s.Close() })
	h := msrpc.NewHost(s)
	rundowns := new(atomic.Int32)
	msrvsvc.RegisterSrvsvcServer(h, shares{})
	msamr.RegisterSamrServer(h, accounts{})
	mwinreg.RegisterWinregServer(h, registry{rundowns: rundowns})
	msvcctl.RegisterSvcctlServer(h, control{})
	mw32time.RegisterW32TimeServer(h, clock{})
	if err := h.Err(); err != nil {
		t.Fatal(err)
	}
	return s, rundowns
}

// alice is the caller of all pipes here.
var alice = rpctest.Peer{Token: &nt.Token{User: nt.SIDAnonymous, Account: "alice"}, Endpoint: `\PIPE\srvsvc`}

// dial is an association with s over a pipe in memory.
func dial(t testing.TB, s *server.Server) *client.Conn {
	t.Helper()
	near, far := rpctest.Pipe(alice)
	done := make(chan struct{})
	go func() { defer close(done); s.ServeConn(bg, far) }()
	c := client.NewConn(near, client.Config{})
	t.Cleanup(func() { c.Close(); <-done })
	return c
}

// must is the client that a generated constructor makes.
func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var _ dcerpc.Conn = (*msrpc.Conn)(nil)
