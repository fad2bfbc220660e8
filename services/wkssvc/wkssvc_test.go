package wkssvc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	gen "lwio/gen/wkssvc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
	"lwio/services/wkssvc"
)

// authority names a host; nothing else is asked of it.
type authority struct {
	auth.Authority
	host auth.Host
}

func (a authority) Host() auth.Host { return a.host }

func token(groups ...nt.SID) *nt.Token {
	t := &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1000"), Groups: []nt.Group{{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault}}}
	for _, g := range groups {
		t.Groups = append(t.Groups, nt.Group{SID: g, Attributes: nt.SEGroupDefault})
	}
	return t
}

var (
	alone     = authority{host: auth.Host{Name: "GRÖSSE", Domain: "GRÖSSE"}}
	member    = authority{host: auth.Host{Name: "GRÖSSE", Domain: "EXAMPLE"}}
	admin     = token(nt.SIDAuthenticatedUsers, nt.SIDBuiltinAdministrators)
	user      = token(nt.SIDAuthenticatedUsers)
	guest     = token(nt.SIDBuiltinGuests)
	anonymous = nt.AnonymousToken()
	loggedOn  = []wkssvc.User{{Name: "共有", Domain: "GRÖSSE"}, {Name: "jürgen", Domain: "EXAMPLE", Server: "DC"}, {Name: "Administrator", Domain: "grösse", Server: "GRÖSSE"}}
)

func users(context.Context) ([]wkssvc.User, error) { return loggedOn, nil }

func transports(context.Context) ([]wkssvc.Transport, error) {
	return []wkssvc.Transport{{Name: `\Device\Tcpip_{1}`, Address: "005056000001", Circuits: 3}, {Name: `\Device\Größe`, Address: "000000000000"}}, nil
}

// conn is a connection that knows who is behind it.
type conn struct {
	net.Conn
	token *nt.Token
}

func (c conn) Token() *nt.Token          { return c.token }
func (conn) Transport() (string, string) { return string(rpc.TransportNamedPipe), `\pipe\wkssvc` }

func serve(t *testing.T, cfg wkssvc.Config) *server.Server {
	t.Helper()
	s := server.New(server.Config{})
	if err := s.Register(gen.WkssvcInterface, wkssvc.New(cfg)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func bind(t *testing.T, cfg wkssvc.Config, token *nt.Token) *client.Binding {
	t.Helper()
	a, b := net.Pipe()
	go serve(t, cfg).ServeConn(context.Background(), conn{a, token})
	c := client.NewConn(b, client.Config{})
	t.Cleanup(func() { c.Close() })
	bound, err := c.Bind(t.Context(), gen.WkssvcInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return bound
}

func dial(t *testing.T, cfg wkssvc.Config, token *nt.Token) *gen.Client {
	t.Helper()
	return gen.NewClient(bind(t, cfg, token))
}

func TestGetInfo(t *testing.T) {
	s := ndr.String
	workgroup := wkssvc.Config{Authority: alone, Users: users}
	domain := wkssvc.Config{Authority: member, Workgroup: "ignored", VersionMajor: 6, VersionMinor: 1, Users: users}
	for _, tt := range []struct {
		name string
		cfg  wkssvc.Config
		want gen.WKSTA_INFO
	}{
		{"100", workgroup, gen.WKSTA_INFO{WkstaInfo100: &gen.WKSTA_INFO_100{Wki100PlatformId: 500, Wki100Computername: s("GRÖSSE"), Wki100Langroup: s("WORKGROUP"), Wki100VerMajor: 10}}},
		{"100", domain, gen.WKSTA_INFO{WkstaInfo100: &gen.WKSTA_INFO_100{Wki100PlatformId: 500, Wki100Computername: s("GRÖSSE"), Wki100Langroup: s("EXAMPLE"), Wki100VerMajor: 6, Wki100VerMinor: 1}}},
		{"101", workgroup, gen.WKSTA_INFO{WkstaInfo101: &gen.WKSTA_INFO_101{Wki101PlatformId: 500, Wki101Computername: s("GRÖSSE"), Wki101Langroup: s("WORKGROUP"), Wki101VerMajor: 10, Wki101Lanroot: s("")}}},
		{"102", workgroup, gen.WKSTA_INFO{WkstaInfo102: &gen.WKSTA_INFO_102{Wki102PlatformId: 500, Wki102Computername: s("GRÖSSE"), Wki102Langroup: s("WORKGROUP"), Wki102VerMajor: 10, Wki102Lanroot: s(""), Wki102LoggedOnUsers: 3}}},
	} {
		var level uint32
		fmt.Sscan(tt.name, &level)
		out, err := dial(t, tt.cfg, admin).NetrWkstaGetInfo(t.Context(), &gen.NetrWkstaGetInfoRequest{ServerName: s(`\\anything`), Level: level})
		if err != nil || out.Return != 0 || !reflect.DeepEqual(out.WkstaInfo, tt.want) {
			t.Errorf("level %s: %+v, %v", tt.name, out, err)
		}
	}
}

// Who may what, by level. An entry is what administrators, users, guests and the null session get.
func TestAccess(t *testing.T) {
	const ok, denied, level = 0, 5, 124
	callers := []*nt.Token{admin, user, guest, anonymous, nt.SystemToken()}
	cfg := wkssvc.Config{Authority: alone, Users: users, Transports: transports}
	info := func(l uint32) func(*gen.Client) (uint32, bool, error) {
		return func(c *gen.Client) (uint32, bool, error) {
			out, err := c.NetrWkstaGetInfo(t.Context(), &gen.NetrWkstaGetInfoRequest{Level: l})
			return out.Return, out.WkstaInfo != gen.WKSTA_INFO{}, err
		}
	}
	enum := func(u gen.WKSTA_USER_ENUM_STRUCT) func(*gen.Client) (uint32, bool, error) {
		return func(c *gen.Client) (uint32, bool, error) {
			out, err := c.NetrWkstaUserEnum(t.Context(), &gen.NetrWkstaUserEnumRequest{UserInfo: u, PreferredMaximumLength: 0xFFFFFFFF})
			return out.Return, out.UserInfo.WkstaUserInfo != gen.WKSTA_USER_ENUM_UNION{}, err
		}
	}
	transport := func(u gen.WKSTA_TRANSPORT_ENUM_STRUCT) func(*gen.Client) (uint32, bool, error) {
		return func(c *gen.Client) (uint32, bool, error) {
			out, err := c.NetrWkstaTransportEnum(t.Context(), &gen.NetrWkstaTransportEnumRequest{TransportInfo: u, PreferredMaximumLength: 0xFFFFFFFF})
			return out.Return, out.TransportInfo.WkstaTransportInfo != gen.WKSTA_TRANSPORT_ENUM_UNION{}, err
		}
	}
	level0, level1 := gen.WKSTA_USER_ENUM_UNION{Level0: &gen.WKSTA_USER_INFO_0_CONTAINER{}}, gen.WKSTA_USER_ENUM_UNION{Level1: &gen.WKSTA_USER_INFO_1_CONTAINER{}}
	for _, tt := range []struct {
		name string
		call func(*gen.Client) (uint32, bool, error)
		want [5]uint32
	}{
		{"info 100", info(100), [5]uint32{ok, ok, ok, ok, ok}},
		{"info 101", info(101), [5]uint32{ok, ok, denied, denied, ok}},
		{"info 102", info(102), [5]uint32{ok, denied, denied, denied, ok}},
		{"info 502", info(502), [5]uint32{ok, denied, denied, denied, ok}},
		{"info 1013", info(1013), [5]uint32{level, level, level, level, level}},
		{"info 0", info(0), [5]uint32{level, level, level, level, level}},
		{"info 2³²-1", info(0xFFFFFFFF), [5]uint32{level, level, level, level, level}},
		{"users 0", enum(gen.WKSTA_USER_ENUM_STRUCT{WkstaUserInfo: level0}), [5]uint32{ok, denied, denied, denied, ok}},
		{"users 1", enum(gen.WKSTA_USER_ENUM_STRUCT{Level: 1, WkstaUserInfo: level1}), [5]uint32{ok, denied, denied, denied, ok}},
		{"users 2", enum(gen.WKSTA_USER_ENUM_STRUCT{Level: 2}), [5]uint32{level, level, level, level, level}},
		{"users 0, NULL", enum(gen.WKSTA_USER_ENUM_STRUCT{}), [5]uint32{ok, denied, denied, denied, ok}},
		{"users 1, NULL", enum(gen.WKSTA_USER_ENUM_STRUCT{Level: 1}), [5]uint32{ok, denied, denied, denied, ok}},
		{"transports 0", transport(gen.WKSTA_TRANSPORT_ENUM_STRUCT{WkstaTransportInfo: gen.WKSTA_TRANSPORT_ENUM_UNION{Level0: &gen.WKSTA_TRANSPORT_INFO_0_CONTAINER{}}}), [5]uint32{ok, ok, denied, denied, ok}},
		{"transports 1", transport(gen.WKSTA_TRANSPORT_ENUM_STRUCT{Level: 1}), [5]uint32{level, level, level, level, level}},
		{"transports 0, NULL", transport(gen.WKSTA_TRANSPORT_ENUM_STRUCT{}), [5]uint32{ok, ok, denied, denied, ok}},
	} {
		for i, who := range callers {
			got, answered, err := tt.call(dial(t, cfg, who))
			if err != nil || got != tt.want[i] || answered != (tt.want[i] == ok) {
				t.Errorf("%s as caller %d: %d, %v, want %d", tt.name, i, got, err, tt.want[i])
			}
		}
	}
}

// enumerate lists users at a level as one line each, call by call.
func enumerate(t *testing.T, c *gen.Client, level, prefer uint32, resume *uint32) (rows []string, out *gen.NetrWkstaUserEnumResponse) {
	t.Helper()
	in := &gen.NetrWkstaUserEnumRequest{UserInfo: gen.WKSTA_USER_ENUM_STRUCT{Level: level}, PreferredMaximumLength: prefer, ResumeHandle: resume}
	if level == 0 {
		in.UserInfo.WkstaUserInfo.Level0 = &gen.WKSTA_USER_INFO_0_CONTAINER{}
	} else {
		in.UserInfo.WkstaUserInfo.Level1 = &gen.WKSTA_USER_INFO_1_CONTAINER{}
	}
	out, err := c.NetrWkstaUserEnum(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if l := out.UserInfo.WkstaUserInfo.Level0; l != nil {
		for _, u := range l.Buffer {
			rows = append(rows, *u.Wkui0Username)
		}
	}
	if l := out.UserInfo.WkstaUserInfo.Level1; l != nil {
		for _, u := range l.Buffer {
			rows = append(rows, *u.Wkui1LogonDomain+`\`+*u.Wkui1Username+"/"+*u.Wkui1OthDomains+"/"+*u.Wkui1LogonServer)
		}
	}
	return rows, out
}

func TestUserEnum(t *testing.T) {
	names := []string{"jürgen", "Administrator", "共有"}
	full := []string{`EXAMPLE\jürgen//DC`, `grösse\Administrator//GRÖSSE`, `GRÖSSE\共有//`}
	c := dial(t, wkssvc.Config{Authority: alone, Users: users}, admin)
	for _, tt := range []struct {
		level, prefer uint32
		resume        *uint32
		want          []string
		total, result uint32
		next          *uint32
	}{
		{0, 0xFFFFFFFF, nil, names, 3, 0, nil},
		{1, 0xFFFFFFFF, new(uint32), full, 3, 0, new(uint32)},
		{0, 32, new(uint32), names[:1], 3, 234, ptr(1)},
		{0, 0xFFFFFFFF, ptr(1), names[1:], 2, 0, ptr(0)},
		{1, 0xFFFFFFFF, ptr(2), full[2:], 1, 0, ptr(0)},
		{0, 0xFFFFFFFF, ptr(3), nil, 0, 0, ptr(0)},
		{0, 0xFFFFFFFF, ptr(0xFFFFFFFF), nil, 0, 0, ptr(0)},
		{0, 0, new(uint32), nil, 3, 2123, ptr(0)},
		{1, 16, ptr(1), nil, 2, 2123, ptr(1)},
		{0, 32, nil, names[:1], 3, 234, nil},
	} {
		got, out := enumerate(t, c, tt.level, tt.prefer, tt.resume)
		if !reflect.DeepEqual(got, tt.want) || out.TotalEntries != tt.total || out.Return != tt.result || !reflect.DeepEqual(out.ResumeHandle, tt.next) {
			t.Errorf("level %d, %d bytes: %q, %+v, want %q, %d, %d", tt.level, tt.prefer, got, out, tt.want, tt.total, tt.result)
		}
	}
}

func ptr(v uint32) *uint32 { return &v }

// Many users come over in pages, each once, whatever the length that the client prefers.
func TestUserEnumPages(t *testing.T) {
	var many []wkssvc.User
	for i := range 1000 {
		many = append(many, wkssvc.User{Name: fmt.Sprintf("Benutzer %04d", i), Domain: "GRÖSSE"})
	}
	c := dial(t, wkssvc.Config{Authority: alone, Users: func(context.Context) ([]wkssvc.User, error) { return many, nil }}, admin)
	for _, prefer := range []uint32{200, 4096, 65536, 0xFFFFFFFF} {
		var all []string
		resume := new(uint32)
		for calls := 0; ; calls++ {
			rows, out := enumerate(t, c, 1, prefer, resume)
			all = append(all, rows...)
			if resume = out.ResumeHandle; out.Return == 0 {
				break
			}
			if out.Return != 234 || calls > 1000 || out.TotalEntries != uint32(1000-len(all)+len(rows)) {
				t.Fatalf("%d bytes: %d, %d entries", prefer, out.Return, out.TotalEntries)
			}
		}
		if len(all) != 1000 || all[0] != `GRÖSSE\Benutzer 0000//` || all[999] != `GRÖSSE\Benutzer 0999//` {
			t.Errorf("%d bytes: %d users", prefer, len(all))
		}
	}
}

func TestTransportEnum(t *testing.T) {
	want := []gen.WKSTA_TRANSPORT_INFO_0{
		{Wkti0QualityOfService: 0xFFFF, Wkti0NumberOfVcs: 3, Wkti0TransportName: ndr.String(`\Device\Tcpip_{1}`), Wkti0TransportAddress: ndr.String("005056000001"), Wkti0WanIsh: 0x400},
		{Wkti0QualityOfService: 0xFFFF, Wkti0TransportName: ndr.String(`\Device\Größe`), Wkti0TransportAddress: ndr.String("000000000000"), Wkti0WanIsh: 0x400},
	}
	request := func(resume *uint32) *gen.NetrWkstaTransportEnumRequest {
		return &gen.NetrWkstaTransportEnumRequest{TransportInfo: gen.WKSTA_TRANSPORT_ENUM_STRUCT{WkstaTransportInfo: gen.WKSTA_TRANSPORT_ENUM_UNION{Level0: &gen.WKSTA_TRANSPORT_INFO_0_CONTAINER{}}},
			PreferredMaximumLength: 0xFFFFFFFF, ResumeHandle: resume}
	}
	c := dial(t, wkssvc.Config{Authority: alone, Transports: transports}, user)
	for from := range want {
		out, err := c.NetrWkstaTransportEnum(t.Context(), request(ptr(uint32(from))))
		if err != nil || out.Return != 0 || out.TotalEntries != uint32(2-from) || *out.ResumeHandle != 0 || !reflect.DeepEqual(out.TransportInfo.WkstaTransportInfo.Level0.Buffer, want[from:]) {
			t.Errorf("from %d: %+v, %v", from, out, err)
		}
	}
	none, err := dial(t, wkssvc.Config{Authority: alone}, user).NetrWkstaTransportEnum(t.Context(), request(nil))
	if err != nil || none.Return != 0 || none.TotalEntries != 0 || none.ResumeHandle != nil || len(none.TransportInfo.WkstaTransportInfo.Level0.Buffer) != 0 {
		t.Errorf("none: %+v, %v", none, err)
	}
}

// What the service cannot find out is told as a Win32 error.
func TestSourcesFail(t *testing.T) {
	c := dial(t, wkssvc.Config{Authority: alone,
		Users:      func(context.Context) ([]wkssvc.User, error) { return nil, nt.StatusNoMemory },
		Transports: func(context.Context) ([]wkssvc.Transport, error) { return nil, nt.StatusAccessDenied }}, admin)
	if out, err := c.NetrWkstaGetInfo(t.Context(), &gen.NetrWkstaGetInfoRequest{Level: 102}); err != nil || out.Return != 8 {
		t.Errorf("info: %+v, %v", out, err)
	}
	if _, out := enumerate(t, c, 0, 0xFFFFFFFF, nil); out.Return != 8 {
		t.Errorf("users: %+v", out)
	}
	in := &gen.NetrWkstaTransportEnumRequest{TransportInfo: gen.WKSTA_TRANSPORT_ENUM_STRUCT{WkstaTransportInfo: gen.WKSTA_TRANSPORT_ENUM_UNION{Level0: &gen.WKSTA_TRANSPORT_INFO_0_CONTAINER{}}}}
	if out, err := c.NetrWkstaTransportEnum(t.Context(), in); err != nil || out.Return != 5 {
		t.Errorf("transports: %+v, %v", out, err)
	}
}

func TestOpnumRange(t *testing.T) {
	b := bind(t, wkssvc.Config{Authority: alone}, admin)
	for _, opnum := range []uint16{4, 38, 0xFFFF} {
		if err := b.Call(t.Context(), opnum, nil, nil); !errors.Is(err, rpc.FaultOpRange) {
			t.Errorf("opnum %d: %v", opnum, err)
		}
	}
}

// TestImpacket asks as netview.py does.
func TestImpacket(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import impacket").Run() != nil {
		t.Skip("peer missing: impacket")
	}
	s := serve(t, wkssvc.Config{Authority: alone, Users: users, Transports: transports})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(listener{l})
	_, port, _ := net.SplitHostPort(l.Addr().String())
	const script = `
import sys
from impacket.dcerpc.v5 import transport, wkst
d = transport.DCERPCTransportFactory("ncacn_ip_tcp:127.0.0.1[%s]" % sys.argv[1]).get_dce_rpc()
d.connect()
d.bind(wkst.MSRPC_UUID_WKST)
for level in (100, 101, 102):
    i = wkst.hNetrWkstaGetInfo(d, level)["WkstaInfo"]["WkstaInfo%d" % level]
    print(level, i["wki%d_computername" % level][:-1], i["wki%d_langroup" % level][:-1], i["wki%d_ver_major" % level])
for level in (0, 1):
    for u in wkst.hNetrWkstaUserEnum(d, level)["UserInfo"]["WkstaUserInfo"]["Level%d" % level]["Buffer"]:
        print(level, u["wkui%d_username" % level][:-1])
for n in wkst.hNetrWkstaTransportEnum(d, 0)["TransportInfo"]["WkstaTransportInfo"]["Level0"]["Buffer"]:
    print(n["wkti0_transport_name"][:-1])
try:
    wkst.hNetrWkstaGetInfo(d, 999)
except Exception as e:
    print(e)
`
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, python, "-X", "utf8", "-c", script, port).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"100 GRÖSSE WORKGROUP 10", "101 GRÖSSE WORKGROUP 10", "102 GRÖSSE WORKGROUP 10", "0 jürgen", "1 Administrator", "1 共有", `\Device\Größe`, "ERROR_INVALID_LEVEL"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn{c, admin}, nil
}
