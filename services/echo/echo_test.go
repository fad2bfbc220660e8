package echo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gen "lwio/gen/echo"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/echo"
)

// dial returns a client of a server that serves rpcecho.
func dial(t *testing.T, cfg client.Config) *gen.Client {
	t.Helper()
	s := server.New(server.Config{})
	if err := s.Register(gen.RpcechoInterface, echo.New(echo.Config{MaxSource: 300_000})); err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	go s.ServeConn(context.Background(), a)
	c := client.NewConn(b, cfg)
	t.Cleanup(func() { c.Close(); s.Close() })
	bound, err := c.Bind(t.Context(), gen.RpcechoInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return gen.NewClient(bound)
}

func TestAddOne(t *testing.T) {
	c := dial(t, client.Config{})
	for in, want := range map[uint32]uint32{0: 1, 41: 42, 0x7FFFFFFE: 0x7FFFFFFF, 0xFFFFFFFE: 0xFFFFFFFF, 0xFFFFFFFF: 0} {
		out, err := c.AddOne(t.Context(), &gen.AddOneRequest{InData: in})
		if err != nil || out.OutData != want {
			t.Errorf("AddOne(%#x) = %+v, %v", in, out, err)
		}
	}
}

func TestData(t *testing.T) {
	c := dial(t, client.Config{})
	for _, n := range []int{0, 1, 4999, 205_000} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i)
		}
		echoed, err := c.EchoData(t.Context(), &gen.EchoDataRequest{InData: data})
		if err != nil || !bytes.Equal(echoed.OutData, data) {
			t.Errorf("EchoData of %d: %v", n, err)
		}
		if _, err := c.SinkData(t.Context(), &gen.SinkDataRequest{Data: data}); err != nil {
			t.Errorf("SinkData of %d: %v", n, err)
		}
		source, err := c.SourceData(t.Context(), &gen.SourceDataRequest{Len: uint32(n)})
		if err != nil || !bytes.Equal(source.Data, data) {
			t.Errorf("SourceData of %d: %v", n, err)
		}
	}
	for _, n := range []uint32{300_001, 0xFFFFFFFF} {
		if _, err := c.SourceData(t.Context(), &gen.SourceDataRequest{Len: n}); !errors.Is(err, rpc.FaultRemoteNoMemory) {
			t.Errorf("SourceData of %d: %v", n, err)
		}
	}
	if out, err := c.AddOne(t.Context(), &gen.AddOneRequest{}); err != nil || out.OutData != 1 {
		t.Errorf("after faults: %+v, %v", out, err)
	}
}

func TestTestCall(t *testing.T) {
	c := dial(t, client.Config{})
	for _, s := range []string{"input string", "", "Größe", "共有", "a\xed\xa0\x80b"} {
		out, err := c.TestCall(t.Context(), &gen.TestCallRequest{S1: s})
		if err != nil || out.S2 == nil || *out.S2 != s {
			t.Errorf("TestCall(%q) = %+v, %v", s, out, err)
		}
	}
}

func TestTestCall2(t *testing.T) {
	c := dial(t, client.Config{})
	want := []gen.EchoInfo{
		{Info1: &gen.EchoInfo1{V: 10}}, {Info2: &gen.EchoInfo2{V: 20}}, {Info3: &gen.EchoInfo3{V: 30}}, {Info4: &gen.EchoInfo4{V: 40}},
		{Info5: &gen.EchoInfo5{V1: 50, V2: 60}}, {Info6: &gen.EchoInfo6{V1: 70, Info1: gen.EchoInfo1{V: 80}}}, {Info7: &gen.EchoInfo7{V1: 80, Info4: gen.EchoInfo4{V: 90}}},
	}
	for i, info := range want {
		out, err := c.TestCall2(t.Context(), &gen.TestCall2Request{Level: uint16(i + 1)})
		if err != nil || out.Return != 0 || !reflect.DeepEqual(out.Info, info) {
			t.Errorf("level %d: %+v, %v", i+1, out, err)
		}
	}
	for _, level := range []uint16{0, 8, 0xFFFF} {
		if _, err := c.TestCall2(t.Context(), &gen.TestCall2Request{Level: level}); !errors.Is(err, rpc.Fault(nt.StatusInvalidLevel)) {
			t.Errorf("level %d: %v", level, err)
		}
	}
}

// Calls sleep independently of each other, and a cancelled one ends. That calls of one connection overlap is rpc/server's to test, and
// smbtorture's below.
func TestTestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := echo.New(echo.Config{})
		began := time.Now()
		done := make(chan string, 3)
		for _, n := range []uint32{3, 2, 1} {
			go func() {
				out, err := s.TestSleep(t.Context(), nil, &gen.TestSleepRequest{Seconds: n})
				if err != nil {
					done <- err.Error()
					return
				}
				done <- fmt.Sprint(out.Return, time.Since(began))
			}()
		}
		for _, want := range []string{"1 1s", "2 2s", "3 3s"} {
			if got := <-done; got != want {
				t.Errorf("TestSleep: %s, want %s", got, want)
			}
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := echo.New(echo.Config{}).TestSleep(ctx, nil, &gen.TestSleepRequest{Seconds: 0xFFFFFFFF}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	out, err := dial(t, client.Config{}).TestSleep(t.Context(), &gen.TestSleepRequest{})
	if err != nil || out.Return != 0 {
		t.Errorf("no time: %+v, %v", out, err)
	}
}

func TestTestEnum(t *testing.T) {
	c := dial(t, client.Config{})
	out, err := c.TestEnum(t.Context(), &gen.TestEnumRequest{Foo1: gen.ECHO_ENUM1, Foo2: gen.EchoEnum2{E1: 76, E2: gen.ECHO_ENUM1_32}, Foo3: gen.EchoEnum3{E1: gen.ECHO_ENUM2}})
	want := &gen.TestEnumResponse{Foo1: gen.ECHO_ENUM1, Foo2: gen.EchoEnum2{E1: gen.ECHO_ENUM2, E2: gen.ECHO_ENUM1_32}, Foo3: gen.EchoEnum3{E1: gen.ECHO_ENUM2}}
	if err != nil || !reflect.DeepEqual(out, want) {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestTestSurrounding(t *testing.T) {
	c := dial(t, client.Config{})
	for _, n := range []int{0, 1, 20} {
		out, err := c.TestSurrounding(t.Context(), &gen.TestSurroundingRequest{Data: gen.EchoSurrounding{Surrounding: make([]uint16, n)}})
		if err != nil || out.Data.X != uint32(2*n) || len(out.Data.Surrounding) != 2*n {
			t.Errorf("%d: %+v, %v", n, out, err)
		}
	}
}

func TestTestDoublePointer(t *testing.T) {
	c := dial(t, client.Config{})
	value := uint16(12)
	p := &value
	var null *uint16
	for _, tt := range []struct {
		in   **uint16
		want uint16
	}{{&p, 12}, {&null, 0}, {nil, 0}} {
		out, err := c.TestDoublePointer(t.Context(), &gen.TestDoublePointerRequest{Data: tt.in})
		if err != nil || out.Return != tt.want {
			t.Errorf("%+v, %v, want %d", out, err, tt.want)
		}
	}
}

// TestSmbtorture runs all of Samba's tests of the interface.
func TestSmbtorture(t *testing.T) {
	if _, err := exec.LookPath("smbtorture"); err != nil {
		t.Skip("peer missing: smbtorture")
	}
	s := server.New(server.Config{})
	if err := s.Register(gen.RpcechoInterface, echo.New(echo.Config{})); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	go s.Serve(l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	dir := t.TempDir()
	conf := filepath.Join(dir, "smb.conf")
	text := fmt.Sprintf("[global]\nprivate dir = %s\nlock dir = %[1]s\nstate directory = %[1]s\ncache directory = %[1]s\npid directory = %[1]s\n", dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "smbtorture", "-s", conf, "-U", "%", "ncacn_ip_tcp:127.0.0.1["+port+"]", "rpc.echo")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "success:") != 10 {
		t.Errorf("%v: %s", err, out)
	}
}
