package msrpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/oiweiwei/go-msrpc/dcerpc"
	"github.com/oiweiwei/go-msrpc/msrpc/dcetypes"
	mdtyp "github.com/oiweiwei/go-msrpc/msrpc/dtyp"
	mwinreg "github.com/oiweiwei/go-msrpc/msrpc/rrp/winreg/v1"
	msamr "github.com/oiweiwei/go-msrpc/msrpc/samr/samr/v1"
	msvcctl "github.com/oiweiwei/go-msrpc/msrpc/scmr/svcctl/v2"
	msrvsvc "github.com/oiweiwei/go-msrpc/msrpc/srvs/srvsvc/v3"
	mw32time "github.com/oiweiwei/go-msrpc/msrpc/w32t/w32time/v4"

	"lwio/gen/dtyp"
	"lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/msrpc"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
)

// go-msrpc's clients on our associations call go-msrpc's servers on our server, five interfaces on one association.
func TestFiveInterfaces(t *testing.T) {
	s, rundowns := hosted(t)
	cc := msrpc.NewConn(dial(t, s), nil)
	t.Run("srvsvc", func(t *testing.T) {
		cl := must[msrvsvc.SrvsvcClient](t)(msrvsvc.NewSrvsvcClient(bg, cc))
		out, err := cl.GetInfo(bg, &msrvsvc.GetInfoRequest{ServerName: "größer", Level: 101})
		if err != nil {
			t.Fatal(err)
		}
		if i := out.Info.GetValue().(*mdtyp.ServerInfo101); out.Level != 101 || i.Name != "SERVER" || i.Comment != "größer 語😀" {
			t.Errorf("%+v", i)
		}
		out, err = cl.GetInfo(bg, &msrvsvc.GetInfoRequest{Level: 102})
		if err == nil || out.Return != uint32(nt.WErrInvalidLevel) {
			t.Errorf("level 102: %v, %+v", err, out)
		}
		list, err := cl.ShareEnum(bg, &msrvsvc.ShareEnumRequest{Info: &msrvsvc.ShareEnum{Level: 1, ShareInfo: &msrvsvc.ShareEnumUnion{
			Value: &msrvsvc.ShareEnumUnion_Level1{Level1: &msrvsvc.ShareInfo1Container{}}}}, PreferredMaximumLength: 0xFFFFFFFF})
		if err != nil {
			t.Fatal(err)
		}
		if b := list.Info.ShareInfo.GetValue().(*msrvsvc.ShareInfo1Container).Buffer; len(b) != 2 || b[0].NetworkName != "data" || b[0].Remark != "für alle" || b[1].Type != 0x80000003 {
			t.Errorf("%+v", b)
		}
	})
	t.Run("samr", func(t *testing.T) {
		cl := must[msamr.SamrClient](t)(msamr.NewSamrClient(bg, cc))
		h, err := cl.Connect5(bg, &msamr.Connect5Request{ServerName: `\\ü`, InVersion: 1, InRevisionInfo: &msamr.RevisionInfo{Value: &msamr.RevisionInfo_V1{V1: &msamr.RevisionInfoV1{Revision: 3}}}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := cl.EnumerateDomainsInSAMServer(bg, &msamr.EnumerateDomainsInSAMServerRequest{Server: h.Server, PreferredMaximumLength: 1000})
		if err != nil || len(out.Buffer.Buffer) != 2 || out.Buffer.Buffer[1].Name.Buffer != "Builtin" {
			t.Fatalf("%v, %+v", err, out)
		}
		if out, err := cl.CloseHandle(bg, &msamr.CloseHandleRequest{SAMHandle: h.Server}); err != nil || msrpc.HandleOf((*dcetypes.ContextHandle)(out.SAMHandle)) != (rpc.ContextHandle{}) {
			t.Errorf("%v, %+v", err, out)
		}
		if _, err := cl.CloseHandle(bg, &msamr.CloseHandleRequest{SAMHandle: h.Server}); !errors.Is(err, rpc.FaultContextMismatch) {
			t.Errorf("closed twice: %v", err)
		}
	})
	t.Run("winreg", func(t *testing.T) {
		cl := must[mwinreg.WinregClient](t)(mwinreg.NewWinregClient(bg, cc))
		k, err := cl.OpenLocalMachine(bg, &mwinreg.OpenLocalMachineRequest{DesiredAccess: 0x2000000})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := cl.BaseRegGetVersion(bg, &mwinreg.BaseRegGetVersionRequest{Key: k.Key}); err != nil || v.Version != 6 {
			t.Errorf("%v, %+v", err, v)
		}
		// What is announced is more than what is sent: a maximum is not a count.
		v, err := cl.BaseRegQueryValue(bg, &mwinreg.BaseRegQueryValueRequest{Key: k.Key, ValueName: &mwinreg.UnicodeString{Buffer: "Name"}, DataLength: 1 << 20})
		if err != nil || !bytes.Equal(v.Data, []byte("Name")) {
			t.Errorf("%v, %+v", err, v)
		}
	})
	t.Run("svcctl", func(t *testing.T) {
		cl := must[msvcctl.SvcctlClient](t)(msvcctl.NewSvcctlClient(bg, cc))
		m, err := cl.OpenSCMW(bg, &msvcctl.OpenSCMWRequest{MachineName: "größer", DesiredAccess: 4})
		if err != nil {
			t.Fatal(err)
		}
		v, err := cl.OpenServiceW(bg, &msvcctl.OpenServiceWRequest{ServiceManager: m.SCM, ServiceName: "größer", DesiredAccess: 4})
		if err != nil {
			t.Fatal(err)
		}
		if st, err := cl.QueryServiceStatus(bg, &msvcctl.QueryServiceStatusRequest{Service: v.Service}); err != nil || st.ServiceStatus.CurrentState != 4 {
			t.Errorf("%v, %+v", err, st)
		}
		if _, err := cl.QueryServiceStatus(bg, &msvcctl.QueryServiceStatusRequest{Service: m.SCM}); !errors.Is(err, rpc.FaultContextMismatch) {
			t.Errorf("with the manager's handle: %v", err)
		}
		if out, err := cl.OpenServiceW(bg, &msvcctl.OpenServiceWRequest{ServiceManager: m.SCM, ServiceName: "none"}); err == nil || out.Return != 1060 {
			t.Errorf("%v, %+v", err, out)
		}
	})
	t.Run("w32time", func(t *testing.T) {
		cl := must[mw32time.W32TimeClient](t)(mw32time.NewW32TimeClient(bg, cc))
		if out, err := cl.QuerySource(bg, &mw32time.QuerySourceRequest{}); err != nil || out.Source != "tempo é ☀" {
			t.Errorf("%v, %+v", err, out)
		}
	})
	if n := rundowns.Load(); n != 0 {
		t.Errorf("%d rundowns with the association alive", n)
	}
}

// A handle that is open when its association goes is run down; one of another association, another interface or nobody is refused.
func TestHandles(t *testing.T) {
	s, rundowns := hosted(t)
	a, b := msrpc.NewConn(dial(t, s), nil), msrpc.NewConn(dial(t, s), nil)
	reg := must[mwinreg.WinregClient](t)(mwinreg.NewWinregClient(bg, a))
	k, err := reg.OpenLocalMachine(bg, &mwinreg.OpenLocalMachineRequest{})
	if err != nil {
		t.Fatal(err)
	}
	sam := must[msamr.SamrClient](t)(msamr.NewSamrClient(bg, a))
	if _, err := sam.EnumerateDomainsInSAMServer(bg, &msamr.EnumerateDomainsInSAMServerRequest{Server: (*msamr.Handle)(k.Key)}); !errors.Is(err, rpc.FaultContextMismatch) {
		t.Errorf("of another interface: %v", err)
	}
	other := must[mwinreg.WinregClient](t)(mwinreg.NewWinregClient(bg, b))
	forged := msrpc.Handle(rpc.ContextHandle{UUID: nt.MustGUID("00112233-4455-6677-8899-aabbccddeeff")})
	for name, h := range map[string]*mwinreg.Key{"of another association": k.Key, "forged": (*mwinreg.Key)(forged), "null": {}, "absent": nil} {
		if _, err := other.BaseRegGetVersion(bg, &mwinreg.BaseRegGetVersionRequest{Key: h}); !errors.Is(err, rpc.FaultContextMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := reg.BaseRegGetVersion(bg, &mwinreg.BaseRegGetVersionRequest{Key: k.Key}); err != nil {
		t.Errorf("its own: %v", err)
	}
	if err := a.Close(bg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(bg, 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if n := rundowns.Load(); n != 1 {
		t.Errorf("%d rundowns", n)
	}
}

// Faults leave the association, whatever they come of.
func TestFaults(t *testing.T) {
	s, _ := hosted(t)
	c := dial(t, s)
	cl := must[msrvsvc.SrvsvcClient](t)(msrvsvc.NewSrvsvcClient(bg, msrpc.NewConn(c, nil)))
	raw, err := c.Bind(bg, srvsvc.SrvsvcInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	stub := func(opnum uint16, b ...byte) func() error {
		return func() error { return raw.Call(bg, opnum, func(e *ndr.Encoder) { e.Uint8s(b) }, nil) }
	}
	for _, tt := range []struct {
		name string
		call func() error
		want error
	}{
		{"not implemented", func() error { _, err := cl.SessionDelete(bg, &msrvsvc.SessionDeleteRequest{}); return err }, rpc.FaultOpRange},
		{"no such operation", stub(500), rpc.FaultOpRange},
		{"beyond any operation", stub(60000), rpc.FaultOpRange},
		{"panic", func() error { _, err := cl.RemoteToD(bg, &msrvsvc.RemoteToDRequest{}); return err }, rpc.FaultUnspecified},
		{"error", func() error {
			_, err := cl.ShareEnum(bg, &msrvsvc.ShareEnumRequest{Info: &msrvsvc.ShareEnum{Level: 0, ShareInfo: &msrvsvc.ShareEnumUnion{Value: &msrvsvc.ShareEnumUnion_Level0{}}}})
			return err
		}, rpc.Fault(nt.StatusInvalidLevel)},
		{"who calls", func() error { _, err := cl.DiskEnum(bg, &msrvsvc.DiskEnumRequest{}); return err }, rpc.FaultOf(nt.StatusAccessDenied)},
		{"no input", stub(21), rpc.FaultNDR},
		{"half of it", stub(21, 0, 0, 0, 0, 101, 0), rpc.FaultNDR},
	} {
		if err := tt.call(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if _, err := cl.GetInfo(bg, &msrvsvc.GetInfoRequest{Level: 101}); err != nil {
			t.Fatalf("after %s: %v", tt.name, err)
		}
	}
	if st := s.Stats(); st.Panics != 1 || st.Connections != 1 {
		t.Errorf("%+v", st)
	}
}

// idlc's client calls a server of go-msrpc's, and go-msrpc's client one of idlc's: what the one writes the other reads.
func TestOurStubs(t *testing.T) {
	s, _ := hosted(t)
	b, err := dial(t, s).Bind(bg, srvsvc.SrvsvcInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	name := "größer 😀"
	out, err := srvsvc.NewClient(b).NetrServerGetInfo(bg, &srvsvc.NetrServerGetInfoRequest{ServerName: &name, Level: 101})
	if err != nil || *out.InfoStruct.Value.(*dtyp.SERVER_INFO_101).Sv101Comment != "größer 語😀" {
		t.Errorf("%v, %+v", err, out)
	}
	ours := server.New(server.Config{})
	defer ours.Close()
	if err := ours.Register(srvsvc.SrvsvcInterface, namer{}); err != nil {
		t.Fatal(err)
	}
	cl := must[msrvsvc.SrvsvcClient](t)(msrvsvc.NewSrvsvcClient(bg, msrpc.NewConn(dial(t, ours), nil)))
	res, err := cl.GetInfo(bg, &msrvsvc.GetInfoRequest{ServerName: name, Level: 101})
	if err != nil {
		t.Fatal(err)
	}
	if i := res.Info.GetValue().(*mdtyp.ServerInfo101); i.Name != name {
		t.Errorf("%+v", i)
	}
}

// namer says its name as it was called.
type namer struct {
	srvsvc.UnimplementedSrvsvcServer
}

func (namer) NetrServerGetInfo(_ context.Context, _ *rpc.Call, in *srvsvc.NetrServerGetInfoRequest) (*srvsvc.NetrServerGetInfoResponse, error) {
	out := &srvsvc.NetrServerGetInfoResponse{}
	out.InfoStruct.Value = &dtyp.SERVER_INFO_101{Sv101PlatformId: 500, Sv101Name: in.ServerName}
	return out, nil
}

// What go-msrpc's options ask for and the association has not is refused, and never dropped in silence.
func TestOptions(t *testing.T) {
	s, _ := hosted(t)
	cc := msrpc.NewConn(dial(t, s), nil)
	for _, tt := range []struct {
		name string
		opt  dcerpc.Option
		want error
	}{
		{"seal", dcerpc.WithSeal(), msrpc.ErrLevel},
		{"sign", dcerpc.WithSign(), msrpc.ErrLevel},
		{"insecure", dcerpc.WithInsecure(), nil},
		{"endpoint", dcerpc.WithEndpoint("ncacn_np:[srvsvc]"), msrpc.ErrEndpoint},
		{"NDR64 if there is one", dcerpc.WithNDR64(), nil},
	} {
		if _, err := mw32time.NewW32TimeClient(bg, cc, tt.opt); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	cl := must[mw32time.W32TimeClient](t)(mw32time.NewW32TimeClient(bg, cc))
	if err := cl.AlterContext(bg, dcerpc.WithSeal()); !errors.Is(err, msrpc.ErrLevel) {
		t.Errorf("alter context: %v", err)
	}
	again := must[mw32time.W32TimeClient](t)(mw32time.NewW32TimeClient(bg, cc, dcerpc.WithNoBind(cl.Conn())))
	if _, err := again.QuerySource(bg, &mw32time.QuerySourceRequest{}); err != nil {
		t.Errorf("without a bind: %v", err)
	}
	if err := cc.Invoke(bg, nil); !errors.Is(err, msrpc.ErrNotBound) {
		t.Errorf("of the root: %v", err)
	}
	both, err := cc.Bind(bg, dcerpc.WithAbstractSyntax(mw32time.W32TimeSyntaxV4_1), dcerpc.WithAbstractSyntax(msamr.SamrSyntaxV1_0))
	if err != nil {
		t.Fatal(err)
	}
	sub, err := both.(dcerpc.SubConn).SubConn(bg, msamr.SamrSyntaxV1_0)
	if err != nil {
		t.Fatal(err)
	}
	sam := must[msamr.SamrClient](t)(msamr.NewSamrClient(bg, sub, dcerpc.WithNoBind(sub)))
	if _, err := sam.Connect(bg, &msamr.ConnectRequest{}); err != nil {
		t.Errorf("of a sub-connection: %v", err)
	}
	if _, err := both.(dcerpc.SubConn).SubConn(bg, msvcctl.SvcctlSyntaxV2_0); !errors.Is(err, dcerpc.ErrConnNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
	var r *client.RejectedError
	if _, err := cc.Bind(bg, dcerpc.WithAbstractSyntax(&dcerpc.SyntaxID{IfUUID: dcerpc.TransferNDR})); !errors.As(err, &r) {
		t.Errorf("an interface that is not there: %v", err)
	}
	// A host refuses what is there already, and calls nothing.
	h := msrpc.NewHost(s)
	mw32time.RegisterW32TimeServer(h, clock{})
	if err := h.Err(); !errors.Is(err, server.ErrRegistered) {
		t.Errorf("registered twice: %v", err)
	}
	if _, err := mw32time.NewW32TimeClient(bg, h); !errors.Is(err, msrpc.ErrHost) {
		t.Errorf("a client of a host: %v", err)
	}
}

// A Dialer's bindings, over TCP.
func TestDial(t *testing.T) {
	s, _ := hosted(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	sb, err := client.ParseStringBinding("ncacn_ip_tcp:127.0.0.1[" + port + "]")
	if err != nil {
		t.Fatal(err)
	}
	d := &client.Dialer{}
	defer d.Close()
	cc := msrpc.Dial(d, sb)
	defer cc.Close(bg)
	cl := must[mw32time.W32TimeClient](t)(mw32time.NewW32TimeClient(bg, cc))
	if out, err := cl.QuerySource(bg, &mw32time.QuerySourceRequest{}); err != nil || out.Source != "tempo é ☀" {
		t.Errorf("%v, %+v", err, out)
	}
}

// impacket calls the hosted servers.
func TestImpacket(t *testing.T) {
	py := ""
	for _, p := range []string{os.Getenv("PYTHON"), "/usr/bin/python3", "python3"} {
		if p != "" && exec.Command(p, "-c", "import impacket").Run() == nil {
			py = p
			break
		}
	}
	if py == "" {
		t.Skip("peer missing: impacket")
	}
	s, _ := hosted(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ctx, cancel := context.WithTimeout(bg, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, py, "testdata/impacket_hosted.py", "127.0.0.1", port).CombinedOutput()
	want := strings.Join([]string{
		"srvsvc SERVER größer 語😀", "shares data/für alle IPC$/", "level 102 refused", "panic nca_s_fault_unspec", "not there nca_s_op_rng_error",
		"samr SERVER Builtin", "closed twice nca_s_fault_context_mismatch",
		"winreg 6 Name", "svcctl 4", "w32time tempo é ☀", ""}, "\n")
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

func Example() {
	s := server.New(server.Config{})
	defer s.Close()
	h := msrpc.NewHost(s)
	mw32time.RegisterW32TimeServer(h, clock{})
	if err := h.Err(); err != nil {
		fmt.Println(err)
		return
	}
	a, b := net.Pipe() // a pipe, a socket: any net.Conn
	go s.ServeConn(context.Background(), b)

	cc := msrpc.NewConn(client.NewConn(a, client.Config{}), nil)
	defer cc.Close(context.Background())
	cl, err := mw32time.NewW32TimeClient(context.Background(), cc)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := cl.QuerySource(context.Background(), &mw32time.QuerySourceRequest{})
	fmt.Println(out.Source, err)
	_, err = cl.Log(context.Background(), &mw32time.LogRequest{})
	fmt.Println(err)
	// Output:
	// tempo é ☀ <nil>
	// msrpc: /W32Time/v4.1/W32TimeLog: rpc fault nca_s_op_rng_error
}
