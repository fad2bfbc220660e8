package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lwio/gen/echo"
	"lwio/gen/lsarpc"
	"lwio/gen/srvsvc"
	"lwio/gen/wkssvc"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/test/smbclient"
)

// associations measures what RPC costs lwiod beside itself: the rate of many connections beside that of few, a call beside an SMB echo, and what waits for calls
// that do not come.
func (b *bench) associations(addr string, pid int) error {
	for _, f := range []func(string, int) error{b.many, b.beside, b.idle} {
		if err := f(addr, pid); err != nil {
			return err
		}
	}
	return nil
}

// verdict prints a row.
func verdict(name, what string, ok bool) {
	v := "ok"
	if !ok {
		v = "SHORT"
	}
	fmt.Printf("%-40s  %s %s\n", name, what, v)
}

// many compares the rate of calls of 64 connections with that of 8, in turns.
func (b *bench) many(addr string, _ int) error {
	var best [2]float64
	for range rounds {
		for i, n := range []int{8, 64} {
			start := time.Now()
			calls, err := b.calls(addr, n, start.Add(b.span))
			if err != nil {
				return err
			}
			best[i] = max(best[i], float64(calls)/time.Since(start).Seconds())
		}
	}
	verdict("RPC calls/s over SMB, 64 connections", fmt.Sprintf("lwiod %9.0f  of 8 %.0f  ratio %.2f (want 0.95)", best[1], best[0], best[1]/best[0]), best[1] >= 0.95*best[0])
	return nil
}

// beside compares the processor time that lwiod takes for an RPC call in one FSCTL_PIPE_TRANSCEIVE with that for an SMB2 ECHO, signed, on eight
// connections: with one it is how long the server looks for what follows, and not what it does, that is measured.
func (b *bench) beside(addr string, pid int) error {
	ctx := context.Background()
	const conns = 8
	var does [2][conns]func() error
	for i := range conns {
		c, err := b.session(addr)
		if err != nil {
			return err
		}
		defer c.Close()
		e, err := b.echo(ctx, c)
		if err != nil {
			return err
		}
		does[0][i] = c.Echo
		does[1][i] = func() error {
			_, err := e.AddOne(ctx, &echo.AddOneRequest{InData: 1})
			return err
		}
	}
	var best [2]time.Duration
	for range rounds {
		for i := range does {
			n, err := 0, error(nil)
			before, stop := processorTime(pid), time.Now().Add(b.span)
			if n, err = together(does[i][:], stop); err != nil {
				return err
			}
			if used := (processorTime(pid) - before) / time.Duration(n); best[i] == 0 || used < best[i] {
				best[i] = used
			}
		}
	}
	ratio := float64(best[1]) / float64(best[0])
	verdict("processor time of an RPC call over SMB", fmt.Sprintf("lwiod %9.1f µs  of an SMB echo %.1f µs  ratio %.2f (want at most 1.5)",
		float64(best[1].Nanoseconds())/1000, float64(best[0].Nanoseconds())/1000, ratio), ratio <= 1.5)
	return nil
}

// together does things, each over and over, at the same time, and counts how often.
func together(list []func() error, stop time.Time) (int, error) {
	var wg sync.WaitGroup
	counts, errs := make([]int, len(list)), make([]error, len(list))
	for i, f := range list {
		wg.Go(func() {
			for time.Now().Before(stop) && errs[i] == nil {
				errs[i] = f()
				counts[i]++
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return total, errors.Join(errs...)
}

func (b *bench) echo(ctx context.Context, c *smbclient.Client) (*echo.Client, error) {
	if err := c.Connect("IPC$"); err != nil {
		return nil, err
	}
	p, err := c.OpenPipe("rpcecho")
	if err != nil {
		return nil, err
	}
	binding, err := client.NewConn(p, client.Config{}).Bind(ctx, echo.RpcechoInterface, nil)
	if err != nil {
		return nil, err
	}
	return echo.NewClient(binding), nil
}

// idle measures what 10,000 associations take that have been called once: of several services and sessions, since each of them has its bound.
func (b *bench) idle(addr string, pid int) error {
	const sessions, each = 10, 1000
	ctx := context.Background()
	before, err := b.rss(addr, pid)
	if err != nil {
		return err
	}
	served := []struct {
		pipe  string
		iface *rpc.Interface
		call  func(rpc.Caller) error
	}{
		{"srvsvc", srvsvc.SrvsvcInterface, func(c rpc.Caller) error {
			_, err := srvsvc.NewClient(c).NetrRemoteTOD(ctx, &srvsvc.NetrRemoteTODRequest{})
			return err
		}},
		{"wkssvc", wkssvc.WkssvcInterface, func(c rpc.Caller) error {
			_, err := wkssvc.NewClient(c).NetrWkstaGetInfo(ctx, &wkssvc.NetrWkstaGetInfoRequest{Level: 100})
			return err
		}},
		{"lsarpc", lsarpc.LsarpcInterface, func(c rpc.Caller) error {
			_, err := lsarpc.NewClient(c).LsarOpenPolicy2(ctx, &lsarpc.LsarOpenPolicy2Request{DesiredAccess: 0x02000000})
			return err
		}},
	}
	for range sessions {
		c, err := b.session(addr)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.Connect("IPC$"); err != nil {
			return err
		}
		for i := range each {
			s := &served[i%len(served)]
			p, err := c.OpenPipe(s.pipe)
			if err != nil {
				return err
			}
			binding, err := client.NewConn(p, client.Config{}).Bind(ctx, s.iface, nil)
			if err != nil {
				return err
			}
			if err := s.call(binding); err != nil {
				return fmt.Errorf("%s: %w", s.pipe, err)
			}
		}
	}
	after, err := b.rss(addr, pid)
	if err != nil {
		return err
	}
	mib := float64(after) / (1 << 20)
	verdict("10,000 idle associations", fmt.Sprintf("lwiod %9.1f MiB resident, %.1f KiB each (want under 256 MiB)", mib, float64(after-before)/(sessions*each)/1024), mib < 256)
	return nil
}
