package hostile

import (
	"context"
	"log/slog"

	echogen "lwio/gen/echo"
	mgmtgen "lwio/gen/mgmt"
	"lwio/iomgr"
	"lwio/rpc"
	"lwio/rpc/server"
	"lwio/services/echo"
	"lwio/services/mgmt"
	"lwio/services/state"
)

// service is what is served on a pipe. The first is rpcecho.
type service struct {
	pipe     string
	golden   string // beginning of the names of the files with captured stub data
	iface    *rpc.Interface
	client   any // tells the types of the operations
	register func(*server.Server, *iomgr.Manager, *state.Accounts, *slog.Logger) error
	// cuts tells that an administrator's calls may end sessions and opens, his own among them.
	cuts bool
}

var services = []service{
	{pipe: "rpcecho", golden: "echo", iface: echogen.RpcechoInterface, client: echogen.NewClient(nil),
		register: func(s *server.Server, _ *iomgr.Manager, _ *state.Accounts, _ *slog.Logger) error {
			return s.Register(echogen.RpcechoInterface, awake{echo.New(echo.Config{})})
		}},
	{pipe: "mgmt", golden: "mgmt", iface: mgmtgen.MgmtInterface, client: mgmtgen.NewClient(nil),
		register: func(s *server.Server, _ *iomgr.Manager, _ *state.Accounts, _ *slog.Logger) error {
			return mgmt.Register(s, mgmt.Config{Principal: func(uint8) string { return "host/hostile" }})
		}},
}

// awake is rpcecho that does not sleep: a mutated operation number or a mutated time must not make the tests wait for hours.
type awake struct{ *echo.Service }

func (awake) TestSleep(_ context.Context, _ *rpc.Call, in *echogen.TestSleepRequest) (*echogen.TestSleepResponse, error) {
	return &echogen.TestSleepResponse{Return: in.Seconds}, nil
}
