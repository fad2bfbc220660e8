package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lwio/gen/account"
	"lwio/gen/dtyp"
	"lwio/gen/echo"
	"lwio/gen/lsarpc"
	"lwio/gen/srvsvc"
	"lwio/iomgr/api"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/test/smbclient"
)

// house is a host whose daemons are processes of their own.
type house struct {
	t                     testing.TB
	bin, dir, socket, tcp string
	log                   logBuffer
	running               map[string]*exec.Cmd
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// build makes the programs once for all tests.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "lwio-apart")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", dir+"/", "lwio/cmd/lwiod", "lwio/cmd/lsassd", "lwio/cmd/srvsvcd").CombinedOutput()
	if err != nil {
		err = errors.New(string(out))
	}
	return dir, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := build(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func newHouse(t testing.TB) *house {
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "apart") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	h := &house{t: t, bin: bin, dir: dir, socket: filepath.Join(dir, "s"), tcp: l.Addr().String(), running: map[string]*exec.Cmd{}}
	t.Cleanup(func() {
		for name := range h.running {
			h.kill(name)
		}
		if t.Failed() {
			t.Logf("%s", h.log.b.String())
		}
		os.RemoveAll(dir)
	})
	return h
}

func (h *house) start(name string) {
	args := []string{"--socket", h.socket}
	switch name {
	case "lwiod":
		args = append(args, "--state", filepath.Join(h.dir, "state"), "--listen", h.tcp, "--authority", "lsassd", "--services", "echo,wkssvc", "--trace", h.trace())
	case "lsassd":
		args = append(args, "--state", filepath.Join(h.dir, "state"))
	}
	cmd := exec.Command(filepath.Join(h.bin, name), args...)
	cmd.Stderr = &h.log
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.running[name] = cmd
}

// trace is the file of lwiod's trace.
func (h *house) trace() string { return filepath.Join(h.dir, "trace") }

// kill is kill -9.
func (h *house) kill(name string) {
	cmd := h.running[name]
	delete(h.running, name)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// eventually tries until it works.
func (h *house) eventually(what string, f func() error) {
	h.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%s: %v", what, err)
		}
	}
}

const (
	user     = "alice"
	password = "Secret.1"
)

// addUser does what `lwio user add` does.
func (h *house) addUser() error {
	c, err := ipc.Dial(context.Background(), h.socket)
	if err != nil {
		return err
	}
	defer c.Shutdown()
	conn, err := pipes.Dial(context.Background(), c, "lwio", pipes.DialConfig{Message: true})
	if err != nil {
		return err
	}
	a := client.NewConn(conn, client.Config{})
	defer a.Close()
	b, err := a.Bind(context.Background(), account.AccountInterface, nil)
	if err != nil {
		return err
	}
	p := nt.AppendUTF16(nil, password)
	out, err := account.NewClient(b).AccountAdd(context.Background(), &account.AccountAddRequest{Name: user, Flags: account.ACCOUNT_ADMIN, Password: account.ACCOUNT_PASSWORD{Length: uint32(len(p)), Data: p}})
	if err == nil && out.Return != 0 && nt.WinError(out.Return) != nt.NErrUserExists {
		err = nt.WinError(out.Return)
	}
	return err
}

func (h *house) logon() (*smbclient.Client, error) {
	c, err := smbclient.Dial(h.tcp)
	if err != nil {
		return nil, err
	}
	if err = c.Logon(context.Background(), user, password); err == nil {
		err = c.Connect("IPC$")
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// bind opens a pipe of the session; sealed asks the service's own process to authenticate.
func bind(c *smbclient.Client, pipe string, iface *rpc.Interface, sealed bool) (*client.Binding, error) {
	p, err := c.OpenPipe(pipe)
	if err != nil {
		return nil, err
	}
	var a *client.Auth
	if sealed {
		a = &client.Auth{Type: rpc.AuthTypeNTLM, Level: rpc.AuthLevelPktPrivacy, Initiator: ntlm.NewInitiator(ntlm.Credentials{User: user, Password: password}, ntlm.InitiatorConfig{})}
	}
	return client.NewConn(noClose{p}, client.Config{}).Bind(context.Background(), iface, a)
}

// noClose leaves the session to others when one of its pipes ends.
type noClose struct{ *smbclient.Pipe }

func (noClose) Close() error { return nil }

func username(c *smbclient.Client) error {
	b, err := bind(c, "lsarpc", lsarpc.LsarpcInterface, true)
	if err != nil {
		return err
	}
	out, err := lsarpc.NewClient(b).LsarGetUserName(context.Background(), &lsarpc.LsarGetUserNameRequest{})
	if err == nil && (out.Return != 0 || out.UserName.String() != user) {
		err = errors.New("another user's name")
	}
	return err
}

func shares(c *smbclient.Client) error {
	b, err := bind(c, "srvsvc", srvsvc.SrvsvcInterface, true)
	if err != nil {
		return err
	}
	name := "IPC$"
	out, err := srvsvc.NewClient(b).NetrShareGetInfo(context.Background(), &srvsvc.NetrShareGetInfoRequest{NetName: name, Level: 1})
	if err == nil && out.Return != 0 {
		err = nt.WinError(out.Return)
	}
	return err
}

// everything is a client that uses all daemons at once.
func (h *house) everything() error {
	c, err := h.logon()
	if err != nil {
		return err
	}
	defer c.Close()
	return errors.Join(username(c), shares(c))
}

// TestStartOrder: whichever daemon is there first waits for the others.
func TestStartOrder(t *testing.T) {
	for _, order := range []string{"lwiod lsassd srvsvcd", "srvsvcd lsassd lwiod", "lsassd lwiod srvsvcd"} {
		t.Run(order, func(t *testing.T) {
			h := newHouse(t)
			for i, name := range strings.Fields(order) {
				h.start(name)
				if i == 0 && name == "lwiod" { // it serves without the others
					h.eventually("negotiate with lwiod alone", func() error {
						c, err := smbclient.Dial(h.tcp)
						if err == nil {
							c.Close()
						}
						return err
					})
					if _, err := h.logon(); !errors.Is(err, nt.StatusNoLogonServers) {
						t.Errorf("logon with nobody who decides: %v", err)
					}
				}
			}
			h.eventually("add an account", h.addUser)
			h.eventually("a client of everything", h.everything)
		})
	}
}

// TestKill: each daemon is killed and comes back. What does not need it goes on meanwhile.
func TestKill(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"lwiod", "lsassd", "srvsvcd"} {
		h.start(name)
	}
	h.eventually("add an account", h.addUser)
	h.eventually("a client of everything", h.everything)

	c, err := h.logon()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	open, err := bind(c, "rpcecho", echo.RpcechoInterface, false) // a file of lwiod's own
	if err != nil {
		t.Fatal(err)
	}
	lives := func(after string) {
		t.Helper()
		if out, err := echo.NewClient(open).AddOne(t.Context(), &echo.AddOneRequest{InData: 41}); err != nil || out.OutData != 42 {
			t.Errorf("an open of before, after %s: %+v %v", after, out, err)
		}
		if _, err := c.OpenPipe("wkssvc"); err != nil {
			t.Errorf("a session of before, after %s: %v", after, err)
		}
	}

	h.kill("lsassd")
	lives("the death of lsassd")
	if err := shares(c); err == nil {
		t.Error("a bind was authenticated with nobody who decides")
	}
	began := time.Now()
	if _, err := h.logon(); !errors.Is(err, nt.StatusNoLogonServers) {
		t.Errorf("logon with nobody who decides: %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	if _, err := c.OpenPipe("lsarpc"); !errors.Is(err, nt.StatusObjectNameNotFound) {
		t.Errorf("a pipe whose server is dead: %v", err)
	}
	h.start("lsassd")
	h.eventually("everything with lsassd back", h.everything)
	lives("the return of lsassd")
	if err := shares(c); err != nil {
		t.Errorf("a session of before: %v", err)
	}

	h.kill("srvsvcd")
	lives("the death of srvsvcd")
	if err := username(c); err != nil {
		t.Errorf("lsarpc without srvsvcd: %v", err)
	}
	h.start("srvsvcd")
	h.eventually("srvsvc with srvsvcd back", func() error { return shares(c) })
	lives("the return of srvsvcd")

	h.kill("lwiod")
	h.start("lwiod")
	h.eventually("everything with lwiod back", h.everything)

	for _, name := range []string{"lsassd", "lwiod", "srvsvcd"} {
		h.kill(name)
	}
	for _, name := range []string{"srvsvcd", "lsassd", "lwiod"} {
		h.start(name)
	}
	h.eventually("everything after the death of all", h.everything)
}

// TestImport: accounts move from lwiod's own state.
func TestImport(t *testing.T) {
	h := newHouse(t)
	state := filepath.Join(h.dir, "state")
	lwiod := exec.Command(filepath.Join(h.bin, "lwiod"), "--socket", h.socket, "--state", state, "--listen", h.tcp)
	lwiod.Stderr = &h.log
	if err := lwiod.Start(); err != nil {
		t.Fatal(err)
	}
	h.running["lwiod"] = lwiod
	h.eventually("add an account", h.addUser)
	h.eventually("a client of everything", h.everything)
	_ = lwiod.Process.Signal(os.Interrupt)
	if err := lwiod.Wait(); err != nil {
		t.Fatal(err)
	}
	delete(h.running, "lwiod")
	out, err := exec.Command(filepath.Join(h.bin, "lsassd"), "import", filepath.Join(state, "lwiod.db"), "--state", state).CombinedOutput()
	if err != nil || string(out) != "1 accounts\n" {
		t.Fatalf("%s %v", out, err)
	}
	for _, name := range []string{"lwiod", "lsassd", "srvsvcd"} {
		h.start(name)
	}
	h.eventually("everything with accounts that moved", h.everything)
	out, err = exec.Command(filepath.Join(h.bin, "lsassd"), "import", filepath.Join(state, "none.db"), "--state", h.dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no such file") {
		t.Errorf("%s %v", out, err)
	}
}

// TestSelfHosted goes through everything there is: a program with a credential, the socket, lwiod's redirector, TCP, lwiod's SMB server, a named pipe,
// the socket again, and lsassd, which asks itself who the caller is.
func TestSelfHosted(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"lwiod", "lsassd", "srvsvcd"} {
		h.start(name)
	}
	h.eventually("add an account", h.addUser)
	h.eventually("a client of everything", h.everything)
	before, err := os.ReadFile(h.trace())
	if err != nil {
		t.Fatal(err)
	}
	c, err := ipc.Dial(t.Context(), h.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Shutdown()
	ctx := t.Context()
	for _, sealed := range []bool{false, true} {
		conn, err := pipes.Dial(ctx, c, `\rdr\`+h.tcp+`\IPC$\lsarpc`, pipes.DialConfig{Message: true, Contexts: []any{&api.Credential{User: user, Password: password, HasPassword: true, Method: api.MethodNTLM}}})
		if err != nil {
			t.Fatal(err)
		}
		var a *client.Auth
		if sealed {
			a = &client.Auth{Type: rpc.AuthTypeNTLM, Level: rpc.AuthLevelPktPrivacy, Initiator: ntlm.NewInitiator(ntlm.Credentials{User: user, Password: password}, ntlm.InitiatorConfig{})}
		}
		assoc := client.NewConn(conn, client.Config{})
		b, err := assoc.Bind(ctx, lsarpc.LsarpcInterface, a)
		if err != nil {
			t.Fatal(err)
		}
		l := lsarpc.NewClient(b)
		out, err := l.LsarGetUserName(ctx, &lsarpc.LsarGetUserNameRequest{})
		if err != nil || out.UserName.String() != user {
			t.Errorf("%+v %v", out, err)
		}
		p, err := l.LsarOpenPolicy2(ctx, &lsarpc.LsarOpenPolicy2Request{DesiredAccess: uint32(nt.PolicyLookupNames)})
		if err != nil || p.Return != 0 {
			t.Fatal(p, err)
		}
		names, err := l.LsarLookupNames2(ctx, &lsarpc.LsarLookupNames2Request{PolicyHandle: p.PolicyHandle, Names: []dtyp.RPC_UNICODE_STRING{dtyp.NewRPC_UNICODE_STRING(user)}, LookupLevel: 1, ClientRevision: 2})
		if err != nil || names.MappedCount != 1 || names.TranslatedSids.Sids[0].RelativeId != nt.FirstUserRID {
			t.Errorf("%+v %v", names, err)
		}
		assoc.Close()
	}
	if _, err := pipes.Dial(ctx, c, `\rdr\`+h.tcp+`\IPC$\lsarpc`, pipes.DialConfig{Message: true}); !errors.Is(err, nt.StatusNoSuchLogonSession) {
		t.Errorf("without a credential: %v", err)
	}
	after, err := os.ReadFile(h.trace())
	if err != nil {
		t.Fatal(err)
	}
	hops := string(after[len(before):])
	for _, hop := range []string{
		`op=create name=\rdr\` + h.tcp + `\IPC$\lsarpc`, // the program's open
		`\alice peer=127.0.0.1:`,                        // the SMB server's of the pipe, for the user
		`op=fsctl file=\npfs\lsarpc code=FSCTL_PIPE_TRANSCEIVE`,
		`op=read file=\npfs\lsarpc`,  // lsassd's
		`op=write file=\npfs\lsarpc`, // its answer
		`file=\npfs\authority`,       // lwiod asks who alice is
	} {
		if !strings.Contains(hops, hop) {
			t.Errorf("no %s in the trace:\n%s", hop, hops)
		}
	}
	if strings.Contains(hops, password) {
		t.Error("the trace has the password in it")
	}
}
