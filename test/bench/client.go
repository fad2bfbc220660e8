package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"lwio/gen/echo"
	"lwio/gen/srvsvc"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/ipc"
	"lwio/pipes"
	"lwio/rpc/client"
	"lwio/test/smbclient"
)

// tickets measures session setups with Kerberos; the service ticket is got before.
func (b *bench) tickets(targets []target) error {
	cred, err := credential.FromEnvironment()
	if err != nil || cred == nil {
		return fmt.Errorf("no tickets: %w", err)
	}
	src := credential.New(credential.Config{NTLM: credential.Denied})
	return b.run(targets, []row{{"session setups/s (Kerberos)", 5, func(addr string, stop time.Time) (int, error) {
		host, _, _ := strings.Cut(addr, ":")
		return inParallel(stop, func() (*smbclient.Client, error) {
			c, err := smbclient.Dial(addr)
			if err != nil {
				return nil, err
			}
			init, err := src.Initiator(context.Background(), cred, "cifs", host)
			if err == nil {
				err = c.LogonBy(context.Background(), init)
			}
			if err != nil {
				c.Close()
				return nil, err
			}
			return c, nil
		})
	}}})
}

// redirector measures RPC calls to smbd over the redirector beside those of smbtorture's client, in turns: a round of NetShareEnumAll on five
// levels is a query there, as it is in rpc.bench-rpc.
func (b *bench) redirector(smbd string) error {
	if _, err := exec.LookPath("smbtorture"); err != nil {
		fmt.Println("smbtorture is not installed: the redirector is not measured")
		return nil
	}
	src := credential.New(credential.Config{})
	m := iomgr.New(iomgr.Config{})
	ctx := context.Background()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) { // every name is that server's
		var d net.Dialer
		return d.DialContext(ctx, network, smbd)
	}
	if err := m.Load(ctx, rdr.DriverEntry(rdr.Config{Initiator: src.Initiator, Dial: dial})); err != nil {
		return err
	}
	defer m.Shutdown(ctx)
	who := &api.Credential{User: b.user, Password: b.password, Method: api.MethodNTLM}
	pipe, err := pipes.Dial(ctx, m, `\rdr\`+smbd+`\IPC$\srvsvc`, pipes.DialConfig{Message: true, Contexts: []any{who}})
	if err != nil {
		return err
	}
	conn := client.NewConn(pipe, client.Config{})
	defer conn.Close()
	binding, err := conn.Bind(ctx, srvsvc.SrvsvcInterface, nil)
	if err != nil {
		return err
	}
	c := srvsvc.NewClient(binding)
	ours := func(stop time.Time) (float64, error) {
		n, start := 0, time.Now()
		for ; time.Now().Before(stop); n++ {
			for _, info := range []srvsvc.SHARE_ENUM_UNION{{Level0: &srvsvc.SHARE_INFO_0_CONTAINER{}}, {Level1: &srvsvc.SHARE_INFO_1_CONTAINER{}},
				{Level2: &srvsvc.SHARE_INFO_2_CONTAINER{}}, {Level501: &srvsvc.SHARE_INFO_501_CONTAINER{}}, {Level502: &srvsvc.SHARE_INFO_502_CONTAINER{}}} {
				level := uint32(0)
				switch {
				case info.Level1 != nil:
					level = 1
				case info.Level2 != nil:
					level = 2
				case info.Level501 != nil:
					level = 501
				case info.Level502 != nil:
					level = 502
				}
				res, err := c.NetrShareEnum(ctx, &srvsvc.NetrShareEnumRequest{InfoStruct: srvsvc.SHARE_ENUM_STRUCT{Level: level, ShareInfo: info}, PreferedMaximumLength: ^uint32(0)})
				if err != nil {
					return 0, err
				}
				if res.Return != 0 {
					return 0, fmt.Errorf("NetrShareEnum level %d answers %#x", level, res.Return)
				}
			}
		}
		return float64(n) / time.Since(start).Seconds(), nil
	}
	host, port, _ := strings.Cut(smbd, ":")
	rate := regexp.MustCompile(`([0-9.]+) queries per second\s*\n`)
	theirs := func() (float64, error) {
		seconds := max(1, int(b.span.Seconds()))
		out, err := exec.Command("smbtorture", "ncacn_np:"+host, "-p", port, "-U", b.user+"%"+b.password, "--option=torture:timelimit="+strconv.Itoa(seconds),
			"--option=torture:progress=no", "rpc.bench-rpc").CombinedOutput()
		found := rate.FindAllSubmatch(out, -1)
		if err != nil || len(found) == 0 {
			return 0, fmt.Errorf("smbtorture rpc.bench-rpc: %v\n%s", err, out)
		}
		return strconv.ParseFloat(string(found[len(found)-1][1]), 64)
	}
	var best [2]float64
	for range rounds {
		n, err := ours(time.Now().Add(b.span))
		if err != nil {
			return err
		}
		best[0] = max(best[0], n)
		if n, err = theirs(); err != nil {
			return err
		}
		best[1] = max(best[1], n)
	}
	verdict := "ok"
	if best[0] < best[1] {
		verdict = "SHORT"
	}
	fmt.Printf("%-40s  rdr %11.0f  smbtorture %3.0f  ratio %6.2f (want 1) %s\n", "rounds of 5 NetShareEnum/s to smbd", best[0], best[1], best[0]/best[1], verdict)
	return clientMemory(m, who)
}

// clientMemory measures what a connection costs the client: each to a server of another name, so that none is shared.
func clientMemory(m *iomgr.Manager, who *api.Credential) error {
	const n = 50
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapInuse + s.StackInuse
	}
	before := heap()
	for i := range n {
		p, err := pipes.Dial(context.Background(), m, fmt.Sprintf(`\rdr\server%d\IPC$\srvsvc`, i), pipes.DialConfig{Message: true, Contexts: []any{who}})
		if err != nil {
			return err
		}
		defer p.Close()
	}
	each := float64(heap()-before) / n
	verdict := "ok"
	if each > 64<<10 {
		verdict = "SHORT"
	}
	fmt.Printf("%-40s  rdr %11.1f KiB (want under 64) %s\n", "client connection with an open pipe", each/1024, verdict)
	return nil
}

// ipc measures an RPC call of another process to a service in the daemon.
func (b *bench) ipc(socket string) error {
	ctx := context.Background()
	c, err := ipc.Dial(ctx, socket)
	if err != nil {
		return err
	}
	defer c.Shutdown()
	pipe, err := pipes.Dial(ctx, c, "rpcecho", pipes.DialConfig{Message: true})
	if err != nil {
		return err
	}
	conn := client.NewConn(pipe, client.Config{})
	defer conn.Close()
	binding, err := conn.Bind(ctx, echo.RpcechoInterface, nil)
	if err != nil {
		return err
	}
	e := echo.NewClient(binding)
	best := time.Hour
	for range rounds {
		n, start := 0, time.Now()
		for stop := start.Add(b.span); time.Now().Before(stop); n++ {
			if _, err := e.AddOne(ctx, &echo.AddOneRequest{InData: 1}); err != nil {
				return err
			}
		}
		best = min(best, time.Since(start)/time.Duration(n))
	}
	verdict := "ok"
	if best >= 25*time.Microsecond {
		verdict = "SHORT"
	}
	fmt.Printf("%-40s  lwiod %9.1f µs (want under 25) %s\n", "RPC call through ipc, iomgr, npfs", float64(best.Nanoseconds())/1000, verdict)
	return nil
}
