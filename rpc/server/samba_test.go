package server_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
)

// rpcecho is the part of Samba's sample interface that moves data: AddOne, EchoData, SinkData, SourceData.
var rpcecho = func() *rpc.Interface {
	data := func(sink bool) rpc.Op {
		return rpc.Op{Invoke: func(_ context.Context, _ any, _ *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
			n := in.Uint32()
			b := in.Uint8s(in.Conformance(), "data")
			in.Agree(uint32(len(b)), int64(n), "data")
			if err := in.Err(); err != nil || sink {
				return err
			}
			out.Conformance(len(b))
			out.Uint8s(b)
			return nil
		}}
	}
	return &rpc.Interface{Name: "rpcecho", UUID: nt.MustGUID("60a15ec5-4de8-11d7-a637-005056a20182"), Major: 1,
		Ops: []rpc.Op{echoInterface.Ops[opAddOne], data(false), data(true), echoInterface.Ops[opSource]}}
}()

func TestSmbtorture(t *testing.T) {
	if _, err := exec.LookPath("smbtorture"); err != nil {
		t.Skip("peer missing: smbtorture")
	}
	s, impl := serve(t, server.Config{})
	if err := s.Register(rpcecho, impl); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	dir := t.TempDir()
	conf := filepath.Join(dir, "smb.conf")
	text := fmt.Sprintf("[global]\nprivate dir = %s\nlock dir = %[1]s\nstate directory = %[1]s\ncache directory = %[1]s\npid directory = %[1]s\n", dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, options := range []string{"", ",connect,ntlm", ",packet,ntlm", ",sign,ntlm", ",seal,ntlm", ",sign,spnego", ",seal,spnego"} {
		t.Run("options="+options, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, "smbtorture", "-s", conf, "-U", "alice%secret",
				fmt.Sprintf("ncacn_ip_tcp:127.0.0.1[%s%s]", port, options), "rpc.echo.echo.addone", "rpc.echo.echo.sinkdata", "rpc.echo.echo.echodata", "rpc.echo.echo.sourcedata").CombinedOutput()
			if err != nil || strings.Count(string(out), "success:") != 4 {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
