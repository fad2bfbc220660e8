package server_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lwio/rpc"
	"lwio/rpc/server"
)

// python finds an interpreter that has impacket.
func python(t *testing.T) string {
	t.Helper()
	for _, p := range []string{os.Getenv("PYTHON"), "/usr/bin/python3", "python3"} {
		if p != "" && exec.Command(p, "-c", "import impacket").Run() == nil {
			return p
		}
	}
	t.Skip("peer missing: impacket")
	return ""
}

func TestImpacket(t *testing.T) {
	py := python(t)
	s, _ := serve(t, server.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	run := func(typ uint8, level rpc.AuthLevel, password string, fragment int) string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, py, "testdata/impacket_client.py", "127.0.0.1", port, fmt.Sprint(typ), fmt.Sprint(uint8(level)),
			password, fmt.Sprint(fragment)).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return string(out)
	}
	want := func(who string, second bool) string {
		s := "addone 42\necho True\necho True\nwho " + who + "\nfault nca_s_op_rng_error\naddone 2\n"
		if second {
			s += "second 7\n"
		}
		return s
	}
	for _, tt := range []struct {
		typ      uint8
		level    rpc.AuthLevel
		fragment int
	}{
		{rpc.AuthTypeNone, rpc.AuthLevelNone, 0},
		{rpc.AuthTypeNone, rpc.AuthLevelNone, 16},
		{rpc.AuthTypeNTLM, rpc.AuthLevelConnect, 0},
		{rpc.AuthTypeNTLM, rpc.AuthLevelPktIntegrity, 0},
		{rpc.AuthTypeNTLM, rpc.AuthLevelPktPrivacy, 0},
		{rpc.AuthTypeNTLM, rpc.AuthLevelPktPrivacy, 16},
	} {
		t.Run(fmt.Sprintf("type=%d/%s/fragment=%d", tt.typ, tt.level, tt.fragment), func(t *testing.T) {
			who := "ANONYMOUS LOGON"
			if tt.typ != rpc.AuthTypeNone {
				who = "alice"
			}
			got := run(tt.typ, tt.level, "secret", tt.fragment)
			if w := want(who, tt.level != rpc.AuthLevelConnect); got != w {
				t.Errorf("got:\n%swant:\n%s", got, w)
			}
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		if got := run(rpc.AuthTypeNTLM, rpc.AuthLevelPktPrivacy, "wrong", 0); !strings.Contains(got, "access_denied") {
			t.Errorf("got %s", got)
		}
	})
}
