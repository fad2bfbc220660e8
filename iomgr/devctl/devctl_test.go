package devctl_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"lwio/gen/echo"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/devctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// device serves the echo interface.
type device struct{ api.DefaultDevice }

type file struct {
	api.DefaultFile
	server server
	token  *nt.Token
}

func (d *device) Create(r *api.Request) {
	r.File().SetImpl(&file{token: r.Create.Token}, nt.FileAllAccess)
	r.Complete(nt.StatusSuccess, 0)
}

func (f *file) DeviceControl(r *api.Request) {
	devctl.Serve(echo.RpcechoInterface, f.server, f.token, r)
}

type server struct {
	echo.UnimplementedRpcechoServer
}

func (server) AddOne(_ context.Context, call *rpc.Call, in *echo.AddOneRequest) (*echo.AddOneResponse, error) {
	if call.Token == nil || !call.Token.IsSystem() {
		return nil, nt.StatusAccessDenied
	}
	return &echo.AddOneResponse{OutData: in.InData + 1}, nil
}

func (server) SourceData(_ context.Context, _ *rpc.Call, in *echo.SourceDataRequest) (*echo.SourceDataResponse, error) {
	return &echo.SourceDataResponse{Data: bytes.Repeat([]byte{7}, int(in.Len))}, nil
}

func (server) TestSleep(ctx context.Context, _ *rpc.Call, _ *echo.TestSleepRequest) (*echo.TestSleepResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestCalls(t *testing.T) {
	m := iomgr.New(iomgr.Config{})
	err := m.Load(t.Context(), func(reg *api.Registration) error {
		reg.Name = "echo"
		reg.Start = func(_ context.Context, host api.Host) error {
			_, err := host.CreateDevice("echo", &device{})
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := devctl.Open(t.Context(), m, `\echo`)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client := echo.NewClient(c)
	one, err := client.AddOne(t.Context(), &echo.AddOneRequest{InData: 41})
	if err != nil || one.OutData != 42 {
		t.Fatalf("%+v %v", one, err)
	}
	// Larger than the first buffer.
	big, err := client.SourceData(t.Context(), &echo.SourceDataRequest{Len: 100000})
	if err != nil || len(big.Data) != 100000 || big.Data[99999] != 7 {
		t.Fatalf("%v", err)
	}
	if _, err := client.EchoData(t.Context(), &echo.EchoDataRequest{}); !errors.Is(err, nt.StatusInvalidDeviceRequest) {
		t.Errorf("an operation that is not served: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := client.TestSleep(ctx, &echo.TestSleepRequest{Seconds: 1})
		got <- err
	}()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\echo`, DesiredAccess: nt.FileReadData})
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[uint32]nt.Status{
		devctl.Code(500): nt.StatusInvalidDeviceRequest, devctl.Code(0) + 3: nt.StatusInvalidDeviceRequest, 0: nt.StatusInvalidDeviceRequest,
		devctl.Code(0): nt.StatusInvalidParameter, // no input
	} {
		if _, err := m.DeviceIoControlFile(t.Context(), h, code, nil, make([]byte, 16)); !errors.Is(err, want) {
			t.Errorf("code %#x: %v, want %s", code, err, want.Name())
		}
	}
	if _, err := m.DeviceIoControlFile(t.Context(), h, devctl.Code(0), []byte{1, 0, 0, 0}, make([]byte, 2)); !errors.Is(err, nt.StatusBufferTooSmall) {
		t.Errorf("a short output: %v", err)
	}
}
