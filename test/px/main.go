package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"lwio/gen/srvsvc"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
	"lwio/pipes"
	"lwio/rpc/client"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}
func main() {
	smbd := os.Args[1]
	secs, _ := time.ParseDuration(os.Args[2])
	src := credential.New(credential.Config{})
	m := iomgr.New(iomgr.Config{})
	ctx := context.Background()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, smbd)
	}
	must(m.Load(ctx, rdr.DriverEntry(rdr.Config{Initiator: src.Initiator, Dial: dial})))
	who := &api.Credential{User: "root", Password: "Passw0rd.1", Method: api.MethodNTLM}
	pipe, err := pipes.Dial(ctx, m, `\rdr\`+smbd+`\IPC$\srvsvc`, pipes.DialConfig{Message: true, Contexts: []any{who}})
	must(err)
	conn := client.NewConn(pipe, client.Config{})
	binding, err := conn.Bind(ctx, srvsvc.SrvsvcInterface, nil)
	must(err)
	c := srvsvc.NewClient(binding)
	if len(os.Args) > 3 {
		f, _ := os.Create(os.Args[3])
		pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	usage := func() (cpu time.Duration, v, iv int64) {
		var u syscall.Rusage
		syscall.Getrusage(0, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano()), u.Nvcsw, u.Nivcsw
	}
	c0, v0, i0 := usage()
	start := time.Now()
	n := 0
	for time.Since(start) < secs {
		for _, l := range []uint32{0, 1, 2, 501, 502} {
			var u srvsvc.SHARE_ENUM_UNION
			switch l {
			case 0:
				u.Level0 = &srvsvc.SHARE_INFO_0_CONTAINER{}
			case 1:
				u.Level1 = &srvsvc.SHARE_INFO_1_CONTAINER{}
			case 2:
				u.Level2 = &srvsvc.SHARE_INFO_2_CONTAINER{}
			case 501:
				u.Level501 = &srvsvc.SHARE_INFO_501_CONTAINER{}
			case 502:
				u.Level502 = &srvsvc.SHARE_INFO_502_CONTAINER{}
			}
			_, err := c.NetrShareEnum(ctx, &srvsvc.NetrShareEnumRequest{InfoStruct: srvsvc.SHARE_ENUM_STRUCT{Level: l, ShareInfo: u}, PreferedMaximumLength: ^uint32(0)})
			must(err)
			n++
		}
	}
	el := time.Since(start)
	c1, v1, i1 := usage()
	fmt.Printf("procs %d: %.0f rounds/s, %.1f us/call, cpu %.1f us/call, vcsw %.2f ivcsw %.2f per call\n", runtime.GOMAXPROCS(0), float64(n)/5/el.Seconds(), float64(el.Microseconds())/float64(n), float64((c1-c0).Microseconds())/float64(n), float64(v1-v0)/float64(n), float64(i1-i0)/float64(n))
}
