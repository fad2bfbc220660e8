package hostile

import (
	"context"
	"encoding/binary"
	"net"
	"testing"

	echogen "lwio/gen/echo"
	"lwio/iomgr"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/drivers/srv"
	"lwio/pipes"
	"lwio/pipes/npfs"
	rpcclient "lwio/rpc/client"
	"lwio/rpc/pdu"
	"lwio/rpc/server"
	"lwio/services/echo"
	"lwio/services/state"
	"lwio/test/smbclient"
)

// served is an association with the sample interface over SMB, whose client allocates nothing of its own.
type served struct {
	c       *smbclient.Client
	pipe    *smbclient.Pipe
	request []byte // AddOne(1)
	out     []byte
}

// serveEcho has a server of its own serve nothing but the sample interface, signed, and binds to it.
func serveEcho(t testing.TB) *served {
	t.Helper()
	ctx := context.Background()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	store := state.NewMemory()
	machine, err := state.LoadMachine(ctx, store, state.MachineHint{Name: "CALLS"})
	check(err)
	accounts, err := state.NewAccounts(ctx, store, state.AccountsConfig{Machine: machine})
	check(err)
	_, err = accounts.Add(ctx, state.NewAccount{Name: admin, Password: password, Admin: true})
	check(err)
	mech := ntlm.NewMechanism(ntlm.Config{Authority: accounts})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	m := iomgr.New(iomgr.Config{})
	check(m.Load(ctx, npfs.DriverEntry(npfs.Config{})))
	check(m.Load(ctx, srv.DriverEntry(srv.Config{Listeners: []net.Listener{l}, Auth: spnego.NewMechanism(spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: mech}),
		Host: accounts.Host(), Shares: state.NewShares(store)})))
	pl, err := pipes.Listen(ctx, m, "rpcecho", pipes.Config{Message: true})
	check(err)
	s := server.New(server.Config{})
	check(s.Register(echogen.RpcechoInterface, echo.New(echo.Config{})))
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Serve(pl) }()
	x := &served{out: make([]byte, 4280)}
	x.c, err = smbclient.Dial(l.Addr().String())
	check(err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, _ = x.c.Close(), pl.Close()
		_ = s.Close()
		<-ended
		if err := m.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		_, _ = accounts.Close(ctx), store.Close()
	})
	check(x.c.Logon(ctx, admin, password))
	check(x.c.Connect("IPC$"))
	x.pipe, err = x.c.OpenPipe("rpcecho")
	check(err)
	_, err = rpcclient.NewConn(x.pipe, rpcclient.Config{}).Bind(ctx, echogen.RpcechoInterface, nil)
	check(err)
	x.request = pdu.AppendRequest(nil, &pdu.Request{Header: pdu.Header{Flags: pdu.FirstFrag | pdu.LastFrag, CallID: 7}, AllocHint: 4}, []byte{1, 0, 0, 0})
	return x
}

// call makes the call that is one FSCTL_PIPE_TRANSCEIVE.
func (x *served) call(t testing.TB) {
	n, err := x.pipe.Transact(context.Background(), x.request, x.out)
	if err != nil {
		t.Fatal(err)
	}
	if n != pdu.ResponseLen+4 || x.out[2] != byte(pdu.TypeResponse) || binary.LittleEndian.Uint32(x.out[pdu.ResponseLen:]) != 2 {
		t.Fatalf("% x", x.out[:n])
	}
}

func (x *served) echo(t testing.TB) {
	if err := x.c.Echo(); err != nil {
		t.Fatal(err)
	}
}

// TestCallAllocationsOverSMB: an RPC call through srv, npfs and rpc/server allocates what its stub decodes, what the method answers, and the context that the
// method may keep. An echo of SMB allocates nothing.
func TestCallAllocationsOverSMB(t *testing.T) {
	x := serveEcho(t)
	for _, c := range []struct {
		name string
		do   func(testing.TB)
		want float64
	}{{"echo", x.echo, 0}, {"call", x.call, 3}} {
		for range 100 { // what is pooled, or grows once
			c.do(t)
		}
		n := testing.AllocsPerRun(2000, func() { c.do(t) })
		t.Logf("%s: %.1f allocations", c.name, n)
		if !raceEnabled && n > c.want { // pools forget there
			t.Errorf("%s: %.1f allocations, want at most %g", c.name, n, c.want)
		}
	}
}

// BenchmarkSMB is an RPC call beside an echo of SMB, both with their client.
func BenchmarkSMB(b *testing.B) {
	x := serveEcho(b)
	for _, c := range []struct {
		name string
		do   func(testing.TB)
	}{{"echo", x.echo}, {"call", x.call}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.do(b)
			}
		})
	}
}
