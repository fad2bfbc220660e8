package srvsvc

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/devctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// fakeServer is a `\srv` in memory: what the SMB server driver answers, without a server.
type fakeServer struct {
	srvctl.UnimplementedSrvctlServer

	mu       sync.Mutex
	shares   map[string]srvctl.SRVCTL_SHARE // guarded by mu, by upper-case name
	sessions []srvctl.SRVCTL_SESSION
	files    []srvctl.SRVCTL_FILE
	conns    []srvctl.SRVCTL_CONNECTION
	server   srvctl.SRVCTL_SERVER
}

func newFake() *fakeServer {
	f := &fakeServer{shares: map[string]srvctl.SRVCTL_SHARE{}}
	ipc, err := nt.ParseSDDL("O:BAG:SYD:(A;;FA;;;WD)", nt.SID{})
	if err != nil {
		panic(err)
	}
	f.put(srvctl.SRVCTL_SHARE{Name: ndr.String("IPC$"), Type: 0x80000003, Comment: ndr.String("Remote IPC"), MaxUses: 0xFFFFFFFF, Sd: ipc.Append(nil)})
	f.put(srvctl.SRVCTL_SHARE{Name: ndr.String("public"), Comment: ndr.String("for all"), Path: ndr.String(`C:\public`), MaxUses: 0xFFFFFFFF, CurrentUses: 3,
		Flags: 0x30, Sd: ipc.Append(nil)})
	for i := range 3 {
		f.sessions = append(f.sessions, srvctl.SRVCTL_SESSION{Id: int64(i), Client: ndr.String(fmt.Sprint("CLIENT", i)), User: ndr.String(fmt.Sprint("user", i)),
			Address: ndr.String(fmt.Sprint("192.0.2.", i)), ClientType: ndr.String("SMB 3.1.1"), Transport: ndr.String("T"), Opens: uint32(i), ConnectedSeconds: 100,
			IdleSeconds: 10, Guest: 2})
		f.files = append(f.files, srvctl.SRVCTL_FILE{Id: uint32(10 + i), Permissions: 3, Locks: 1, Path: ndr.String(fmt.Sprintf(`C:\public\f%d`, i)),
			User: ndr.String(fmt.Sprint("user", i))})
		f.conns = append(f.conns, srvctl.SRVCTL_CONNECTION{Id: uint32(i), Type: 0x80000003, Opens: 1, Users: 1, Seconds: 9, User: ndr.String("user"),
			Netname: ndr.String("CLIENT0")})
	}
	f.server = srvctl.SRVCTL_SERVER{Name: ndr.String("HOST"), Domain: ndr.String("DOM"), Comment: ndr.String("Größe"), Users: 0xFFFFFFFF, Disc: 15,
		Announce: 240, AnnounceDelta: 3000, UserPath: ndr.String(`C:\`)}
	return f
}

func (f *fakeServer) put(s srvctl.SRVCTL_SHARE) {
	s.SdLength = uint32(len(s.Sd))
	f.shares[nt.Upcase(*s.Name)] = s
}

func (f *fakeServer) SrvShareEnum(context.Context, *rpc.Call, *srvctl.SrvShareEnumRequest) (*srvctl.SrvShareEnumResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &srvctl.SrvShareEnumResponse{}
	for _, s := range f.shares {
		out.Shares.Shares = append(out.Shares.Shares, s)
	}
	slices.SortFunc(out.Shares.Shares, func(a, b srvctl.SRVCTL_SHARE) int { return nt.CompareFold(*a.Name, *b.Name) })
	out.Shares.Count = uint32(len(out.Shares.Shares))
	return out, nil
}

func (f *fakeServer) SrvShareGet(_ context.Context, _ *rpc.Call, in *srvctl.SrvShareGetRequest) (*srvctl.SrvShareGetResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.shares[nt.Upcase(in.Name)]
	if !ok {
		return &srvctl.SrvShareGetResponse{Return: uint32(nt.NErrNetNameNotFound)}, nil
	}
	return &srvctl.SrvShareGetResponse{Share: s}, nil
}

func (f *fakeServer) SrvShareAdd(_ context.Context, _ *rpc.Call, in *srvctl.SrvShareAddRequest) (*srvctl.SrvShareAddResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch _, ok := f.shares[nt.Upcase(ndr.Text(in.Share.Name))]; {
	case strings.HasSuffix(ndr.Text(in.Share.Path), "missing"):
		return &srvctl.SrvShareAddResponse{Return: uint32(nt.NErrUnknownDevDir)}, nil
	case ok:
		return &srvctl.SrvShareAddResponse{Return: uint32(nt.NErrDuplicateShare)}, nil
	}
	f.put(in.Share)
	return &srvctl.SrvShareAddResponse{}, nil
}

func (f *fakeServer) SrvShareSet(_ context.Context, _ *rpc.Call, in *srvctl.SrvShareSetRequest) (*srvctl.SrvShareSetResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := ndr.Text(in.Share.Name)
	switch _, ok := f.shares[nt.Upcase(name)]; {
	case !ok:
		return &srvctl.SrvShareSetResponse{Return: uint32(nt.NErrNetNameNotFound)}, nil
	case name == "IPC$":
		return &srvctl.SrvShareSetResponse{Return: uint32(nt.WErrAccessDenied)}, nil
	}
	f.put(in.Share)
	return &srvctl.SrvShareSetResponse{}, nil
}

func (f *fakeServer) SrvShareDel(_ context.Context, _ *rpc.Call, in *srvctl.SrvShareDelRequest) (*srvctl.SrvShareDelResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.shares[nt.Upcase(in.Name)]; !ok {
		return &srvctl.SrvShareDelResponse{Return: uint32(nt.NErrNetNameNotFound)}, nil
	}
	delete(f.shares, nt.Upcase(in.Name))
	return &srvctl.SrvShareDelResponse{}, nil
}

func (f *fakeServer) SrvSessionEnum(_ context.Context, _ *rpc.Call, in *srvctl.SrvSessionEnumRequest) (*srvctl.SrvSessionEnumResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &srvctl.SrvSessionEnumResponse{}
	for _, s := range f.sessions {
		client := strings.TrimPrefix(ndr.Text(in.Client), `\\`)
		if (client == "" || client == *s.Client) && (ndr.Text(in.User) == "" || *in.User == *s.User) {
			out.Sessions.Sessions = append(out.Sessions.Sessions, s)
		}
	}
	if len(out.Sessions.Sessions) == 0 {
		out.Return = uint32(nt.NErrClientNameNotFound)
	}
	out.Sessions.Count = uint32(len(out.Sessions.Sessions))
	return out, nil
}

func (f *fakeServer) SrvSessionDel(_ context.Context, _ *rpc.Call, in *srvctl.SrvSessionDelRequest) (*srvctl.SrvSessionDelResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.sessions)
	f.sessions = slices.DeleteFunc(f.sessions, func(s srvctl.SRVCTL_SESSION) bool {
		client := strings.TrimPrefix(ndr.Text(in.Client), `\\`)
		return (client == "" || client == *s.Client) && (ndr.Text(in.User) == "" || *in.User == *s.User)
	})
	out := &srvctl.SrvSessionDelResponse{Closed: uint32(n - len(f.sessions))}
	if out.Closed == 0 {
		out.Return = uint32(nt.NErrClientNameNotFound)
	}
	return out, nil
}

func (f *fakeServer) SrvConnectionEnum(_ context.Context, _ *rpc.Call, in *srvctl.SrvConnectionEnumRequest) (*srvctl.SrvConnectionEnumResponse, error) {
	if in.Qualifier != "IPC$" && in.Qualifier != `\\CLIENT0` {
		return &srvctl.SrvConnectionEnumResponse{Return: uint32(nt.NErrNetNameNotFound)}, nil
	}
	return &srvctl.SrvConnectionEnumResponse{Connections: srvctl.SRVCTL_CONNECTIONS{Count: uint32(len(f.conns)), Connections: f.conns}}, nil
}

func (f *fakeServer) SrvFileEnum(_ context.Context, _ *rpc.Call, in *srvctl.SrvFileEnumRequest) (*srvctl.SrvFileEnumResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &srvctl.SrvFileEnumResponse{}
	for _, o := range f.files {
		if strings.HasPrefix(*o.Path, ndr.Text(in.Path)) && (ndr.Text(in.User) == "" || *in.User == *o.User) {
			out.Files.Files = append(out.Files.Files, o)
		}
	}
	out.Files.Count = uint32(len(out.Files.Files))
	return out, nil
}

func (f *fakeServer) SrvFileGet(_ context.Context, _ *rpc.Call, in *srvctl.SrvFileGetRequest) (*srvctl.SrvFileGetResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.files {
		if o.Id == in.Id {
			return &srvctl.SrvFileGetResponse{File: o}, nil
		}
	}
	return &srvctl.SrvFileGetResponse{Return: uint32(nt.NErrFileIdNotFound)}, nil
}

func (f *fakeServer) SrvFileClose(_ context.Context, _ *rpc.Call, in *srvctl.SrvFileCloseRequest) (*srvctl.SrvFileCloseResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.files)
	f.files = slices.DeleteFunc(f.files, func(o srvctl.SRVCTL_FILE) bool { return o.Id == in.Id })
	if n == len(f.files) {
		return &srvctl.SrvFileCloseResponse{Return: uint32(nt.NErrFileIdNotFound)}, nil
	}
	return &srvctl.SrvFileCloseResponse{}, nil
}

func (f *fakeServer) SrvServerGet(context.Context, *rpc.Call, *srvctl.SrvServerGetRequest) (*srvctl.SrvServerGetResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &srvctl.SrvServerGetResponse{Server: f.server}, nil
}

func (f *fakeServer) SrvServerSet(_ context.Context, _ *rpc.Call, in *srvctl.SrvServerSetRequest) (*srvctl.SrvServerSetResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.server = in.Server
	return &srvctl.SrvServerSetResponse{}, nil
}

func (f *fakeServer) SrvStatistics(context.Context, *rpc.Call, *srvctl.SrvStatisticsRequest) (*srvctl.SrvStatisticsResponse, error) {
	return &srvctl.SrvStatisticsResponse{Statistics: srvctl.SRVCTL_STATISTICS{
		Started: int64(nt.TimeOf(time.Unix(1700000000, 0))), FileOpens: 7, BytesSent: 1<<32 + 5, BytesReceived: 2<<32 + 6, PasswordErrors: 4,
	}}, nil
}

func (f *fakeServer) SrvListenerEnum(context.Context, *rpc.Call, *srvctl.SrvListenerEnumRequest) (*srvctl.SrvListenerEnumResponse, error) {
	return &srvctl.SrvListenerEnumResponse{Listeners: srvctl.SRVCTL_LISTENERS{Count: 2, Listeners: []srvctl.SRVCTL_LISTENER{
		{Address: ndr.String("0.0.0.0:445"), Name: ndr.String(`\Device\NetbiosSmb`), Connections: 5},
		{Address: ndr.String("[::]:445"), Name: ndr.String(`\Device\NetbiosSmb`), Connections: 1},
	}}}, nil
}

// fakeDevice is the driver's device.
type fakeDevice struct {
	api.DefaultDevice
	f *fakeServer
}

type fakeFile struct {
	api.DefaultFile
	f     *fakeServer
	token *nt.Token
}

func (d *fakeDevice) Create(r *api.Request) {
	if !r.Create.Token.IsAdmin() {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	r.File().SetImpl(&fakeFile{f: d.f, token: r.Create.Token}, nt.FileAllAccess)
	r.Complete(nt.StatusSuccess, 0)
}

func (f *fakeFile) DeviceControl(r *api.Request) {
	devctl.Serve(srvctl.SrvctlInterface, f.f, f.token, r)
}

func loadFake(t testing.TB, m *iomgr.Manager, f *fakeServer) {
	t.Helper()
	err := m.Load(t.Context(), func(reg *api.Registration) error {
		reg.Name = "srv"
		reg.Start = func(_ context.Context, host api.Host) error {
			_, err := host.CreateDevice("srv", &fakeDevice{f: f})
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Tokens of callers.
var (
	machine    = nt.NewSID(5, 21, 1, 2, 3)
	someUser   = &nt.Token{User: machine.Child(1001), Account: "user", Groups: []nt.Group{{SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}}}
	someAdmin  = &nt.Token{User: machine.Child(1000), Account: "admin", Groups: []nt.Group{{SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}, {SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault}}}
	formerUser = &nt.Token{User: machine.Child(1002), Groups: []nt.Group{{SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}, {SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupUseForDenyOnly}}}
)

// env is a service over a fake device, and clients of it over real associations.
type env struct {
	t    testing.TB
	fake *fakeServer
	m    *iomgr.Manager
	svc  *Server
	rpc  *server.Server
}

func newEnv(t testing.TB, cfg Config) *env {
	t.Helper()
	e := &env{t: t, fake: newFake(), m: iomgr.New(iomgr.Config{Log: quiet})}
	loadFake(t, e.m, e.fake)
	cfg.API, cfg.Log = e.m, quiet
	e.svc = New(cfg)
	e.rpc = server.New(server.Config{Logger: quiet})
	if err := e.svc.Register(e.rpc); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.svc.Close(); e.rpc.Close() })
	return e
}

type conn struct {
	net.Conn
	token *nt.Token
}

func (c conn) Token() *nt.Token { return c.token }

func (e *env) dial(token *nt.Token) *gen.Client {
	e.t.Helper()
	near, far := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		e.rpc.ServeConn(context.Background(), conn{far, token})
	}()
	c := client.NewConn(near, client.Config{})
	e.t.Cleanup(func() { c.Close(); <-served })
	b, err := c.Bind(e.t.Context(), gen.SrvsvcInterface, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	return gen.NewClient(b)
}
