package windows

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lwio/gen/dtyp"
	"lwio/gen/lsarpc"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/rpc"
	"lwio/rpc/client"
)

// Accounts of the server, with the RIDs that the first two accounts get.
const (
	admin, adminRID = "root", 1000
	user, userRID   = "tester", 1001
	password        = "Passw0rd.1"
)

// server is a lwiod with a folder to share.
type server struct {
	t    *testing.T
	dir  string
	port string
	lwio string
	sock string
}

// programs builds lwiod and lwio once for all tests.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "windows")
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-o", dir+"/", "lwio/cmd/lwiod", "lwio/cmd/lwio").CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := programs(); dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// start starts a server with the share data, for everybody.
func start(t *testing.T) *server {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	dir, err := os.MkdirTemp("", "w") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, dir: dir, port: port, lwio: filepath.Join(bin, "lwio"), sock: filepath.Join(dir, "s")}
	cmd := exec.Command(filepath.Join(bin, "lwiod"), "--state", filepath.Join(dir, "state"), "--listen", "127.0.0.1:"+port, "--socket", s.sock, "--log-level", "warn")
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("lwiod: %v", err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
		os.RemoveAll(dir)
	})
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("unix", s.sock); err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("lwiod is not ready")
		}
	}
	s.run(password, "user", "add", admin, "--admin", "--password-stdin")
	s.run(password, "user", "add", user, "--password-stdin")
	if err := os.Mkdir(s.data(), 0o777); err != nil {
		t.Fatal(err)
	}
	s.run("", "share", "add", "data", s.data(), "--comment", "Daten", "--sddl", everyone)
	return s
}

// everyone is the descriptor of the share.
const everyone = "D:(A;;FA;;;WD)"

func (s *server) data() string { return filepath.Join(s.dir, "data") }

// run runs the command line of the server's own machine.
func (s *server) run(in string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command(s.lwio, append([]string{"--socket", s.sock}, args...)...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("lwio %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// tool is a program on another machine, run by somebody.
type tool struct {
	t       *testing.T
	s       *server
	m       *iomgr.Manager
	cred    *api.Credential
	source  *credential.Source
	name    string // of the server, as the tool was given it: \\name
	host    string // as the server calls itself
	machine nt.SID
	keys    map[*rpc.Interface][]byte // session keys of the pipes' sessions
}

// as starts a tool of a user of the server.
func (s *server) as(who string) *tool {
	s.t.Helper()
	x := &tool{t: s.t, s: s, m: iomgr.New(iomgr.Config{}), cred: &api.Credential{User: who, Password: password}, name: `\\127.0.0.1`, keys: map[*rpc.Interface][]byte{},
		source: credential.New(credential.Config{Workstation: "CLIENT"})}
	if err := x.m.Load(x.ctx(), rdr.DriverEntry(rdr.Config{Initiator: x.source.Initiator})); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := x.m.Shutdown(context.Background()); err != nil {
			s.t.Errorf("redirector: %v", err)
		}
	})
	lsa := lsarpc.NewClient(x.bind("lsarpc", lsarpc.LsarpcInterface, rpc.AuthLevelNone))
	p, err := lsa.LsarOpenPolicy2(x.ctx(), &lsarpc.LsarOpenPolicy2Request{SystemName: &x.name, ObjectAttributes: attributes, DesiredAccess: uint32(nt.PolicyViewLocalInformation)})
	if err != nil || p.Return != 0 {
		s.t.Fatalf("open the policy: %+v %v", p, err)
	}
	q, err := lsa.LsarQueryInformationPolicy2(x.ctx(), &lsarpc.LsarQueryInformationPolicy2Request{PolicyHandle: p.PolicyHandle, InformationClass: lsarpc.PolicyAccountDomainInformation})
	if err != nil || q.Return != 0 {
		s.t.Fatalf("the account domain: %+v %v", q, err)
	}
	x.host = q.PolicyInformation.PolicyAccountDomainInfo.DomainName.String()
	if x.machine, err = q.PolicyInformation.PolicyAccountDomainInfo.DomainSid.SID(); err != nil {
		s.t.Fatal(err)
	}
	return x
}

func (x *tool) ctx() context.Context { return x.t.Context() }

// path is a path of the server in the tool's namespace.
func (x *tool) path(p string) string { return `\rdr\127.0.0.1:` + x.s.port + `\` + p }

// bind opens a pipe and binds an interface at an authentication level; none is whoever the session says, as most of Windows' tools have it over SMB.
func (x *tool) bind(pipe string, iface *rpc.Interface, level rpc.AuthLevel) *client.Binding {
	x.t.Helper()
	conn, err := pipes.Dial(x.ctx(), x.m, x.path(`IPC$\`+pipe), pipes.DialConfig{Message: true, Contexts: []any{x.cred}})
	if err != nil {
		x.t.Fatalf("open %s: %v", pipe, err)
	}
	x.keys[iface] = conn.SessionKey()
	assoc := client.NewConn(conn, client.Config{NDR64: true})
	x.t.Cleanup(func() { assoc.Close() })
	var how *client.Auth
	if level != rpc.AuthLevelNone {
		init, err := x.source.Mechanism(x.ctx(), x.cred, rpc.AuthTypeSPNEGO, uint8(level), "host", "127.0.0.1")
		if err != nil {
			x.t.Fatal(err)
		}
		how = &client.Auth{Type: rpc.AuthTypeSPNEGO, Level: level, Initiator: init}
	}
	b, err := assoc.Bind(x.ctx(), iface, how)
	if err != nil {
		x.t.Fatalf("bind %s on %s: %v", iface.Name, pipe, err)
	}
	return b
}

// step is one call of a tool.
type step struct {
	call string // interface, operation number and level
	do   func() (any, error)
	want any // the answer, field by field; or a func(any) string that says what is wrong with it
}

// handle is any context handle: which it is, the server decides.
var handle = rpc.ContextHandle{Attributes: 0, UUID: nt.GUID{1}}

// alike compares answers: handles by whether there is one, texts by what they say, and nil and empty lists are the same.
var alike = cmp.Options{
	cmp.Comparer(func(a, b rpc.ContextHandle) bool { return a.IsZero() == b.IsZero() }),
	cmp.Comparer(func(a, b dtyp.RPC_UNICODE_STRING) bool { return a.String() == b.String() }),
	cmpopts.EquateEmpty(),
}

// play makes the calls one after the other.
func (x *tool) play(steps []step) {
	x.t.Helper()
	for _, s := range steps {
		got, err := s.do()
		if err != nil {
			x.t.Fatalf("%s: %v", s.call, err)
		}
		if check, ok := s.want.(func(any) string); ok {
			if wrong := check(got); wrong != "" {
				x.t.Errorf("%s: %s\n%+v", s.call, wrong, got)
			}
			continue
		}
		if diff := cmp.Diff(s.want, got, alike); diff != "" {
			x.t.Errorf("%s: Windows' answer (-), this one (+)\n%s", s.call, diff)
		}
	}
}

// that checks an answer by a condition.
func that[T any](what string, ok func(T) bool) func(any) string {
	return func(v any) string {
		if x, is := v.(T); !is || !ok(x) {
			return "not so: " + what
		}
		return ""
	}
}

func text(s string) *string                    { return &s }
func unicode(s string) dtyp.RPC_UNICODE_STRING { return dtyp.NewRPC_UNICODE_STRING(s) }
func ptr[T any](v T) *T                        { return &v }

func sd(t *testing.T, sddl string, machine nt.SID) []byte {
	t.Helper()
	d, err := nt.ParseSDDL(sddl, machine)
	if err != nil {
		t.Fatal(err)
	}
	return d.Append(nil)
}

// attributes are those of every open of a policy.
var attributes = lsarpc.LSAPR_OBJECT_ATTRIBUTES{Length: 24, SecurityQualityOfService: &lsarpc.SECURITY_QUALITY_OF_SERVICE{Length: 12,
	ImpersonationLevel: lsarpc.SecurityImpersonation, ContextTrackingMode: 1}}
