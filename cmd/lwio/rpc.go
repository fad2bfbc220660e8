package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lwio/cmd/internal/config"
	"lwio/cmd/internal/host"
	"lwio/gen/epmapper"
	"lwio/gen/mgmt"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/rpc"
	"lwio/rpc/client"
	epmapperservice "lwio/services/epmapper"
)

const rpcLong = `Speak with RPC servers, of this machine and of others.

BINDING says where:
  ncacn_np:server[\pipe\lsarpc]   a pipe of another machine, over SMB; server:port if it is not 445
  ncacn_ip_tcp:server[135]        a TCP port; without one the server's endpoint mapper is asked for it
  ncalrpc:[lsarpc]                a local endpoint of the daemon on this machine, or a pipe
Behind the endpoint, with commas, may stand how calls are authenticated: connect, packet, sign or seal, and spnego, krb5 or ntlm;
target_principal=service/host names the server where its address does not.

Without --user the tickets of kinit are used (KRB5CCNAME). A password is asked for at the terminal, or read from the standard input with
--password-stdin, or from the file that LWIO_PASSWORD_FILE names; it is never on the command line.`

// rpcFlags are as whom and how to reach the server.
type rpcFlags struct {
	user      string
	userAt    []string      // PLACE=NAME
	passwords *bufio.Reader // what the passwords are read from, a line each
	stdin     bool
	anonymous bool
	protocol  string
	noNTLM    bool
	encrypt   bool
	noSign    bool
	daemon    bool
	timeout   time.Duration
}

// identity adds the flags of as whom, by the functions of a set of flags.
func (f *rpcFlags) identity(stringVarP func(*string, string, string, string, string), stringVar func(*string, string, string, string), boolVar func(*bool, string, bool, string)) {
	stringVarP(&f.user, "user", "U", "", `log on as this user: name, DOMAIN\name or name@REALM`)
	boolVar(&f.stdin, "password-stdin", false, "read the password from the standard input")
	boolVar(&f.anonymous, "anonymous", false, "log on as nobody")
	stringVar(&f.protocol, "auth", "negotiate", "how to log on to SMB servers: negotiate, kerberos or ntlm")
	boolVar(&f.noNTLM, "no-ntlm", false, "never use NTLM, where Kerberos cannot be had neither")
}

// register adds the flags to a command, and if persistent to those below it.
func (f *rpcFlags) register(c *cobra.Command, persistent bool) {
	p := c.Flags()
	if persistent {
		p = c.PersistentFlags()
	}
	f.identity(p.StringVarP, p.StringVar, p.BoolVar)
	p.BoolVar(&f.encrypt, "encrypt", false, "seal SMB, or do not connect")
	p.BoolVar(&f.noSign, "no-sign", false, "do not sign SMB where the server does not demand it")
	p.BoolVar(&f.daemon, "daemon", false, "reach what is of other machines through the daemon's redirector")
}

func rpcCommand(a *app) *cobra.Command {
	f := &rpcFlags{}
	c := &cobra.Command{Use: "rpc", Short: "Speak with RPC servers", Long: rpcLong}
	f.register(c, true)
	c.PersistentFlags().DurationVar(&f.timeout, "timeout", 30*time.Second, "give up after this time")
	var count int
	ping := &cobra.Command{Use: "ping BINDING", Short: "Ask whether a server listens, and how long it takes", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.rpcPing(c, f, args[0], count) }}
	ping.Flags().IntVarP(&count, "count", "c", 1, "ask so often")
	c.AddCommand(ping,
		&cobra.Command{Use: "ifs BINDING", Short: "List the interfaces of a server", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error { return a.rpcIfs(c, f, args[0]) }},
		callCommand(a, f), policyCommand(a))
	return c
}

// rpcSession is one run of the command: a dialer, and what carries it.
type rpcSession struct {
	a      *app
	f      *rpcFlags
	dialer client.Dialer
	source *credential.Source
	cred   *api.Credential // nil if there is none
	m      *iomgr.Manager  // with the redirector, once a remote pipe was asked for
	local  *ipc.Client     // once a local pipe was

	mu  sync.Mutex
	key func() []byte // of the session that the last remote pipe came by; guarded by mu
	why error         // what the last logon to an SMB server could not begin for, of which only a status comes back; guarded by mu
}

// remembering is an initiator whose error is kept for the user.
type remembering struct {
	auth.Initiator
	s *rpcSession
}

// Init makes the next token.
func (r remembering) Init(ctx context.Context, token []byte) ([]byte, bool, error) {
	reply, done, err := r.Initiator.Init(ctx, token)
	r.s.remember(err)
	return reply, done, err
}

func (s *rpcSession) remember(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = err
}

// initiator is what the redirector logs on with.
func (s *rpcSession) initiator(ctx context.Context, cred *api.Credential, service, host string) (auth.Initiator, error) {
	init, err := s.source.Initiator(ctx, cred, service, host)
	if s.remember(err); err != nil {
		return nil, err
	}
	return remembering{init, s}, nil
}

// open checks the flags and finds the credential. Nothing is connected yet.
func (a *app) open(f *rpcFlags, binding string) (*rpcSession, client.StringBinding, error) {
	sb, err := client.ParseStringBinding(binding)
	if err != nil {
		return nil, sb, hint(usageError{err}, `for example 'ncacn_np:server[\pipe\lsarpc]', in quotes for the shell; lwio rpc --help says more`)
	}
	s := &rpcSession{a: a, f: f}
	if sb.Protocol == client.ProtocolPipe && sb.Host != "" || sb.AuthType != 0 {
		if s.cred, err = f.credential(); err != nil {
			return nil, sb, s.explain(sb, err)
		}
	}
	cfg := credential.Config{Default: s.cred}
	if f.noNTLM {
		cfg.NTLM = credential.Denied
	}
	s.source = credential.New(cfg)
	s.dialer = client.Dialer{Pipe: s.pipe, Local: s.localPipe, Resolve: s.resolve,
		Initiator: func(ctx context.Context, typ uint8, level rpc.AuthLevel, service, host string) (auth.Initiator, error) {
			return s.source.Mechanism(ctx, s.cred, typ, uint8(level), service, host)
		}}
	return s, sb, nil
}

// credential is that of the flags, else of the environment; nil if there is none.
func (f *rpcFlags) credential() (*api.Credential, error) {
	methods := map[string]api.CredentialMethod{"negotiate": api.MethodNegotiate, "kerberos": api.MethodKerberos, "ntlm": api.MethodNTLM}
	method, ok := methods[f.protocol]
	if !ok {
		return nil, usage("--auth %s: want negotiate, kerberos or ntlm", f.protocol)
	}
	switch {
	case f.anonymous && f.user != "":
		return nil, usage("--anonymous and --user exclude each other")
	case f.anonymous:
		return &api.Credential{Anonymous: true}, nil
	case f.user == "":
		if f.stdin {
			return nil, usage("--password-stdin needs --user")
		}
		cred, err := credential.FromEnvironment()
		if cred != nil {
			cred.Method = method
		}
		return cred, err
	}
	if _, _, err := credential.ParseUser(f.user); err != nil {
		return nil, usageError{err}
	}
	password, err := f.password(f.user)
	return &api.Credential{User: f.user, Method: method, Password: password, HasPassword: true}, err
}

// password reads the password of a user: of those that come from one place, the next line.
func (f *rpcFlags) password(user string) (string, error) {
	switch path := os.Getenv("LWIO_PASSWORD_FILE"); {
	case f.passwords != nil:
	case f.stdin:
		f.passwords = bufio.NewReader(io.LimitReader(os.Stdin, 64<<10))
	case path != "":
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("LWIO_PASSWORD_FILE: %w", err)
		}
		f.passwords = bufio.NewReader(bytes.NewReader(b))
	case term.IsTerminal(int(os.Stdin.Fd())):
		return prompt("Password of " + user + ": ")
	default:
		return "", hint(usage("there is no terminal to ask for the password"), "give --password-stdin, or LWIO_PASSWORD_FILE")
	}
	line, err := f.passwords.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// pipe opens a pipe of another machine.
func (s *rpcSession) pipe(ctx context.Context, host, name string) (net.Conn, error) {
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		host = "[" + host + "]"
	}
	cfg := pipes.DialConfig{Message: true}
	if s.cred == nil {
		return nil, &credential.Error{Err: fmt.Errorf("no credential for %s: %w", host, nt.StatusNoSuchLogonSession), Hint: "log on with kinit, or give --user or --anonymous"}
	}
	cfg.Contexts = []any{s.cred}
	via, err := s.redirector(ctx)
	if err != nil {
		return nil, err
	}
	c, err := pipes.Dial(ctx, via, `\rdr\`+host+`\IPC$\`+name, cfg)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.key = c.SessionKey
		return c, nil
	}
	if s.why != nil {
		return nil, s.why
	}
	return nil, err
}

// sessionKey is that of the session by which the last remote pipe was opened; nil if there was none.
func (s *rpcSession) sessionKey() []byte {
	s.mu.Lock()
	key := s.key
	s.mu.Unlock()
	if key == nil {
		return nil
	}
	return key()
}

// redirector is what remote pipes are opened on: a manager of our own, or the daemon's.
func (s *rpcSession) redirector(ctx context.Context) (api.API, error) {
	if s.f.daemon {
		return s.connect(ctx)
	}
	if s.m == nil {
		cfg := rdr.Config{Initiator: s.initiator}
		if s.f.encrypt {
			cfg.Encryption = rdr.EncryptionRequired
		}
		if s.f.noSign {
			cfg.Signing = rdr.SigningEnabled
		}
		m := iomgr.New(iomgr.Config{Log: slog.New(slog.DiscardHandler)})
		if err := m.Load(ctx, rdr.DriverEntry(cfg)); err != nil {
			return nil, err
		}
		s.m = m
	}
	return s.m, nil
}

// mapperPort is the TCP port of endpoint mappers.
const mapperPort = "135"

// resolve asks the endpoint mapper of the server. The management interface is at every endpoint, so at the endpoint mapper's too.
func (s *rpcSession) resolve(ctx context.Context, sb client.StringBinding, iface *rpc.Interface) (string, error) {
	if iface == mgmt.MgmtInterface && sb.Protocol == client.ProtocolTCP {
		return mapperPort, nil
	}
	at := client.StringBinding{Protocol: sb.Protocol, Host: sb.Host}
	b, err := s.dialer.Bind(ctx, at, epmapper.EpmapperInterface)
	if err != nil {
		return "", err
	}
	defer b.Close()
	list, err := epmapperservice.Resolve(ctx, b, iface, sb.Object, rpc.Transport(sb.Protocol))
	if err != nil {
		return "", err
	}
	return list[0].Endpoint, nil
}

// localPipe opens a local endpoint of the daemon, or where it has none of the name a pipe.
func (s *rpcSession) localPipe(ctx context.Context, name string) (net.Conn, error) {
	if c, err := host.DialLocal(ctx, config.DefaultLocalEndpoints(s.a.path()), name); err == nil {
		return c, nil
	}
	via, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	c, err := pipes.Dial(ctx, via, name, pipes.DialConfig{Message: true})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (s *rpcSession) connect(ctx context.Context) (*ipc.Client, error) {
	if s.local == nil {
		c, err := s.a.connect(ctx)
		if err != nil {
			return nil, err
		}
		s.local = c
	}
	return s.local, nil
}

func (s *rpcSession) close() {
	s.dialer.Close()
	if s.m != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		s.m.Shutdown(ctx)
	}
	if s.local != nil {
		s.local.Shutdown()
	}
}

// explain adds to an error what the user can do about it.
func (s *rpcSession) explain(sb client.StringBinding, err error) error {
	var told *hinted
	var cred *credential.Error
	var rejected *client.RejectedError
	status := nt.Status(0)
	if err != nil {
		status = nt.StatusOf(err)
	}
	switch {
	case err == nil || errors.As(err, &told):
		return err
	case errors.As(err, &cred):
		return hint(err, "%s", cred.Hint)
	case errors.As(err, &rejected):
		return hint(err, "lwio rpc ifs '%s' lists what the server has", sb)
	case errors.Is(err, epmapperservice.ErrNotRegistered):
		return hint(err, "name the endpoint in brackets: %s:%s[…]", sb.Protocol, sb.Host)
	case errors.Is(err, client.ErrBinding):
		return hint(usageError{err}, `for example '%s:%s[%s]'`, sb.Protocol, sb.Host, map[string]string{client.ProtocolTCP: "135"}[sb.Protocol])
	case errors.Is(err, context.DeadlineExceeded):
		return hint(err, "the server did not answer in time; --timeout gives it more")
	case errors.Is(err, rpc.FaultAccessDenied) || errors.Is(err, nt.StatusAccessDenied):
		return hint(err, "the server does not let this user do that; it may want seal or sign in the binding")
	case errors.Is(err, rpc.FaultOpRange):
		return hint(err, "the server has no such operation")
	case errors.Is(err, syscall.ECONNREFUSED), status == nt.StatusConnectionRefused:
		return hint(err, "no server listens there")
	case errors.Is(err, fs.ErrPermission):
		return hint(err, "run as another user")
	}
	switch status {
	case nt.StatusObjectNameNotFound, nt.StatusObjectPathNotFound:
		if s.f.daemon {
			return hint(err, "the server has no such pipe, or the daemon no redirector: leave out --daemon")
		}
		return hint(err, "the server has no pipe %s", sb.Endpoint)
	case nt.StatusLogonFailure, nt.StatusWrongPassword:
		return hint(err, "user name or password is wrong")
	case nt.StatusNoSuchLogonSession:
		return hint(err, "log on with kinit, or give --user")
	case nt.StatusNoLogonServers:
		return hint(err, "krb5.conf, or DNS, has to lead to a KDC that answers; --auth ntlm does without")
	case nt.StatusNotSupported:
		return hint(err, "name the server by its DNS name for Kerberos, or allow NTLM and give --user")
	case nt.StatusBadNetworkPath, nt.StatusHostUnreachable, nt.StatusNetworkUnreachable, nt.StatusIoTimeout:
		return hint(err, "%s cannot be reached", sb.Host)
	}
	return err
}

// rpcPing is one line for each time.
type rpcPing struct {
	Binding   string  `json:"binding"`
	Listening bool    `json:"listening"`
	Connect   float64 `json:"connect_ms"` // zero where the association was there
	RoundTrip float64 `json:"round_trip_ms"`
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (a *app) rpcPing(c *cobra.Command, f *rpcFlags, binding string, count int) error {
	s, sb, err := a.open(f, binding)
	if err != nil {
		return err
	}
	defer s.close()
	list, rows := []rpcPing{}, [][]string{}
	for range max(count, 1) {
		p, err := s.ping(c.Context(), sb)
		if err != nil {
			return s.explain(sb, err)
		}
		list = append(list, p)
		rows = append(rows, []string{p.Binding, strconv.FormatBool(p.Listening), fmt.Sprintf("%.3f ms", p.Connect), fmt.Sprintf("%.3f ms", p.RoundTrip)})
	}
	return a.print(c.OutOrStdout(), list, []string{"BINDING", "LISTENING", "CONNECT", "ROUND TRIP"}, rows)
}

func (s *rpcSession) ping(ctx context.Context, sb client.StringBinding) (rpcPing, error) {
	ctx, cancel := context.WithTimeout(ctx, s.f.timeout)
	defer cancel()
	begin := time.Now()
	b, err := s.dialer.Bind(ctx, sb, mgmt.MgmtInterface)
	if err != nil {
		return rpcPing{}, err
	}
	defer b.Close()
	bound := time.Now()
	res, err := mgmt.NewClient(b).RpcMgmtIsServerListening(ctx, &mgmt.RpcMgmtIsServerListeningRequest{})
	if err != nil {
		return rpcPing{}, err
	}
	return rpcPing{sb.String(), res.Return != 0, milliseconds(bound.Sub(begin)), milliseconds(time.Since(bound))}, nil
}

// rpcInterface is one interface of a server.
type rpcInterface struct {
	UUID    string `json:"uuid"`
	Version string `json:"version"`
	Name    string `json:"name,omitempty"`
}

func (a *app) rpcIfs(c *cobra.Command, f *rpcFlags, binding string) error {
	s, sb, err := a.open(f, binding)
	if err != nil {
		return err
	}
	defer s.close()
	list, err := s.interfaces(c.Context(), sb)
	if err != nil {
		return s.explain(sb, err)
	}
	rows := make([][]string, 0, len(list))
	for _, i := range list {
		rows = append(rows, []string{i.UUID, i.Version, i.Name})
	}
	return a.print(c.OutOrStdout(), list, []string{"UUID", "VERSION", "NAME"}, rows)
}

func (s *rpcSession) interfaces(ctx context.Context, sb client.StringBinding) ([]rpcInterface, error) {
	ctx, cancel := context.WithTimeout(ctx, s.f.timeout)
	defer cancel()
	b, err := s.dialer.Bind(ctx, sb, mgmt.MgmtInterface)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	res, err := mgmt.NewClient(b).RpcMgmtInqIfIds(ctx, &mgmt.RpcMgmtInqIfIdsRequest{})
	if err != nil {
		return nil, err
	}
	if res.Status != 0 {
		return nil, fmt.Errorf("list the interfaces: %w", rpc.Fault(res.Status))
	}
	list := []rpcInterface{}
	if res.IfIdVector != nil {
		for _, i := range res.IfIdVector.IfId {
			if i != nil {
				list = append(list, rpcInterface{i.Uuid.String(), fmt.Sprintf("%d.%d", i.VersMajor, i.VersMinor), interfaceName(i.Uuid)})
			}
		}
	}
	return list, nil
}
