package srvsvc

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	gen "lwio/gen/srvsvc"
	"lwio/iomgr/api"
	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// TestFromAnotherProcess runs the service over a socket, as a daemon of its own does.
func TestFromAnotherProcess(t *testing.T) {
	e := newEnv(t, Config{})
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() {
		served <- ipc.Serve(ctx, l, ipc.ServerConfig{API: e.m, Log: quiet, Token: func(api.Process) (*nt.Token, error) { return someAdmin, nil }})
	}()
	remote, err := ipc.Dial(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	e.svc.Close()
	e.svc = New(Config{API: remote, Log: quiet})
	e.rpc.Unregister(gen.SrvsvcInterface)
	if err := e.svc.Register(e.rpc); err != nil {
		t.Fatal(err)
	}
	c := e.dial(someAdmin)
	sd := descriptorOf(t, "O:BAG:SYD:(A;;FA;;;BA)")
	if got, parm := add502(t, c, gen.SHARE_INFO_502_I{Shi502Netname: ndr.String("共有"), Shi502Path: ndr.String(`C:\`), Shi502MaxUses: 3, Shi502SecurityDescriptor: sd}); got != ok || parm != 0 {
		t.Fatalf("%v, parameter %d", got, parm)
	}
	if i := get502(t, c, "共有"); i.Shi502MaxUses != 3 || string(i.Shi502SecurityDescriptor) != string(sd) {
		t.Errorf("%+v", i)
	}
	if got, err := setInfo(t.Context(), e.dial(someUser), 1004); err != nil || nt.WinError(got) != denied {
		t.Errorf("a user's change: %v, %v", nt.WinError(got), err)
	}
	// The process that has the device goes.
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	<-remote.Done()
	if got, err := shareEnumCall(t.Context(), c, 1); err != nil || nt.WinError(got) != nt.NErrServerNotStarted {
		t.Errorf("without the other process: %v, %v", nt.WinError(got), err)
	}
}
