package main

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
	"time"

	"lwio/gen/dtyp"
	"lwio/gen/lsarpc"
	"lwio/gen/mgmt"
	"lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// cli runs the command with the standard input given.
func cli(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w.WriteString(stdin)
	w.Close()
	old := os.Stdin
	os.Stdin = r
	defer func() {
		os.Stdin = old
		r.Close()
	}()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&out)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = root.ExecuteContext(ctx)
	return out.String(), err
}

// TestRPCRemote goes the whole way: the redirector in the command, SMB over loopback, the daemon's pipes.
func TestRPCRemote(t *testing.T) {
	dir, err := os.MkdirTemp("", "lwio") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "lwiod")
	if out, err := exec.Command("go", "build", "-o", bin, "lwio/cmd/lwiod").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr, socket := l.Addr().String(), filepath.Join(dir, "s")
	l.Close()
	var log bytes.Buffer
	cmd := exec.Command(bin, "--state", filepath.Join(dir, "state"), "--listen", addr, "--socket", socket, "--services", "srvsvc,lsarpc,samr,account")
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("lwiod: %v\n%s", err, log.String())
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the daemon is not ready")
		}
	}
	if _, err := cli(t, "secret\n", "--socket", socket, "user", "add", "alice", "--password-stdin"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KRB5CCNAME", "")
	binding := func(rest string) string { return "ncacn_np:" + addr + rest }
	for _, tt := range []struct {
		stdin string
		args  []string
		want  string // in the output, or after ! in the error
	}{
		{"secret\n", []string{"ping", binding(`[\pipe\srvsvc]`), "-U", "alice", "--password-stdin"}, "true"},
		{"secret\n", []string{"ping", binding(`[\pipe\srvsvc]`), "-U", "alice", "--password-stdin", "--encrypt"}, "true"},
		{"secret\n", []string{"ifs", binding(`[\pipe\lsarpc,ntlm,seal]`), "-U", "alice", "--password-stdin"}, "dssetup"},
		{"secret\n", []string{"call", binding(`[,spnego,sign]`), "lsarpc", "LsarGetUserName", "-U", "alice", "--password-stdin"}, `"UserName": "alice"`},
		{"wrong\n", []string{"ping", binding(`[\pipe\srvsvc]`), "-U", "alice", "--password-stdin"}, "!user name or password is wrong"},
		{"secret\n", []string{"ping", binding(`[\pipe\nothing]`), "-U", "alice", "--password-stdin"}, "!has no pipe nothing"},
		{"secret\n", []string{"ping", binding(`[\pipe\srvsvc]`), "-U", "alice", "--password-stdin", "--no-ntlm"}, "!name the server by its DNS name for Kerberos"},
		{"secret\n", []string{"ping", binding(`[\pipe\srvsvc]`), "-U", "alice", "--password-stdin", "--auth", "kerberos"}, "!name the server by its DNS name for Kerberos"},
		{"", []string{"ping", binding(`[\pipe\srvsvc,krb5]`), "--anonymous"}, "!"},
	} {
		out, err := cli(t, tt.stdin, append([]string{"--socket", socket, "rpc"}, tt.args...)...)
		if want, fails := strings.CutPrefix(tt.want, "!"); fails {
			var h *hinted
			if err == nil || want != "" && (!errors.As(err, &h) || !strings.Contains(h.hint, want)) {
				t.Errorf("%v: %v, %v, want the hint %q", tt.args, err, h, want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%v: the error shows the password: %v", tt.args, err)
			}
		} else if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: %v\n%s", tt.args, err, out)
		}
	}
}

// TestStubJSON makes JSON of values and values of JSON.
func TestStubJSON(t *testing.T) {
	sid := dtyp.NewRPC_SID(nt.MustSID("S-1-5-21-1-2-3"))
	name := "HERE"
	for _, in := range []any{
		&lsarpc.LsarQueryInformationPolicyResponse{Return: -5, PolicyInformation: &lsarpc.LSAPR_POLICY_INFORMATION{
			PolicyAccountDomainInfo: &lsarpc.LSAPR_POLICY_ACCOUNT_DOM_INFO{DomainName: dtyp.NewRPC_UNICODE_STRING("LÄB \U0001F600"), DomainSid: sid}}},
		&srvsvc.NetrServerGetInfoRequest{ServerName: &name, Level: 101},
		&mgmt.RpcMgmtInqIfIdsResponse{IfIdVector: &mgmt.RpcIfIdVectorT{Count: 2, IfId: []*mgmt.RpcIfIdT{
			{Uuid: nt.MustGUID("60a15ec5-4de8-11d7-a637-005056a20182"), VersMajor: 1}, nil}}},
		&srvsvc.NetrShareEnumRequest{PreferedMaximumLength: 1},
		&srvsvc.NetrServerSetInfoRequest{Level: 1005, ServerInfo: srvsvc.SERVER_INFO{Value: &srvsvc.SERVER_INFO_1005{Sv1005Comment: &name}}},
		&srvsvc.NetrServerGetInfoResponse{InfoStruct: srvsvc.SERVER_INFO{Value: &dtyp.SERVER_INFO_100{Sv100PlatformId: 500}}},
		&srvsvc.NetrServerGetInfoResponse{Return: 5},
	} {
		b, err := stubJSON(in)
		if err != nil {
			t.Errorf("%T: %v", in, err)
			continue
		}
		out := reflect.New(reflect.TypeOf(in).Elem()).Interface()
		if err := parseStub(b, out, nil); err != nil || !reflect.DeepEqual(in, out) {
			t.Errorf("%s\nbecame %+v, %v", b, out, err)
		}
	}
}

func TestStubJSONRefused(t *testing.T) {
	type numbers struct {
		A int8
		B uint16
		F float32
		G nt.GUID
		H rpc.ContextHandle
		S *dtyp.RPC_SID
		T dtyp.RPC_UNICODE_STRING
		O [2]byte
		L []uint32
		Y bool
		N *string
	}
	for in, want := range map[string]string{
		`{"A": 127, "B": "0xffff", "F": 1.5, "O": "c0de", "L": [1, "2"], "Y": true, "N": "$$x", "H": null, "S": "S-1-1-0"}`: "",
		`{"A": 128}`:        "input.A: want a number of int8",
		`{"A": 1.5}`:        "input.A: want a number",
		`{"B": -1}`:         "input.B: want a number of uint16",
		`{"B": true}`:       "input.B: want a number",
		`{"F": "1"}`:        "input.F: want a number",
		`{"G": 1}`:          "input.G: want a UUID",
		`{"H": "x"}`:        "input.H: want null, or an answer's handle",
		`{"S": "x"}`:        "input.S: want a SID",
		`{"T": 1}`:          "input.T: want a string",
		`{"O": "c0"}`:       "input.O: want 2 octets",
		`{"O": "x"}`:        "input.O: want octets in hexadecimal",
		`{"L": {}}`:         "input.L: want an array",
		`{"L": [1, "x"]}`:   "input.L[1]: want a number",
		`{"Y": 1}`:          "input.Y: want true or false",
		`{"N": 1}`:          "input.N: want a string",
		`{"Z": 1}`:          `input: no member "Z"; there are A, B`,
		`{"A": "$1.A"}`:     "there are 0 answers",
		`[]`:                "input: want an object",
		`{"A": 1} {}`:       "more than one JSON value",
		`{"A": `:            "input: unexpected EOF",
		`{"L": ["$0.x.y"]}`: "there are 0 answers",
	} {
		err := parseStub([]byte(in), &numbers{}, nil)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
	for in, want := range map[string]string{
		`{"ServerInfo": {"Value": 1}}`:                                    "input.ServerInfo: want one member, of SERVER_INFO_100, ",
		`{"ServerInfo": {"SERVER_INFO_1005": {}, "SERVER_INFO_101": {}}}`: "input.ServerInfo: want one member",
		`{"ServerInfo": {"SERVER_INFO_1010": {"Sv1010Disc": "x"}}}`:       "input.ServerInfo.SERVER_INFO_1010.Sv1010Disc: want a number",
	} {
		if err := parseStub([]byte(in), &srvsvc.NetrServerSetInfoRequest{}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
	answer := &numbers{A: 5, L: []uint32{7, 8}, S: dtyp.NewRPC_SID(nt.MustSID("S-1-1-0"))}
	var got numbers
	if err := parseStub([]byte(`{"A": "$1.A", "L": ["$1.L.1"], "S": "$1.S"}`), &got, []any{answer}); err != nil || got.A != 5 || got.L[0] != 8 || got.S == nil {
		t.Errorf("%+v, %v", got, err)
	}
	if err := parseStub([]byte(`{"B": "$1.A"}`), &got, []any{answer}); err == nil || !strings.Contains(err.Error(), "of another type") {
		t.Error(err)
	}
}

// TestKnownInterfaces: every operation of an interface that is known by name can be called by name.
func TestKnownInterfaces(t *testing.T) {
	for _, k := range knownInterfaces {
		for n := range k.iface.Ops {
			op := k.iface.Op(uint16(n))
			if op == nil {
				continue
			}
			if got, err := k.opnum(op.Name); err != nil || int(got) != n {
				t.Errorf("%s: %s is %d, %v, want %d", k.iface.Name, op.Name, got, err, n)
			}
			if _, _, err := k.method(step{opnum: uint16(n)}, nil); err != nil {
				t.Errorf("%s: %v", k.iface.Name, err)
			}
		}
		if found, err := findInterface(k.iface.UUID.String() + fmt.Sprintf("/%d.%d", k.iface.Major, k.iface.Minor)); err != nil || found.iface != k.iface {
			t.Errorf("%s: %v", k.iface.Name, err)
		}
	}
	for id := range otherNames {
		if _, err := nt.ParseGUID(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func FuzzParseStub(f *testing.F) {
	f.Add([]byte(`{"InfoStruct":{"Level":1,"ShareInfo":{"Level1":{"Buffer":[{"Shi1Netname":"x"}]}}},"PreferedMaximumLength":"0xffffffff"}`))
	f.Add([]byte(`{"ServerName":"$1.x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var in srvsvc.NetrShareEnumRequest
		if parseStub(b, &in, nil) != nil {
			return
		}
		out, err := stubJSON(&in)
		if err != nil {
			t.Fatal(err)
		}
		var again srvsvc.NetrShareEnumRequest
		if err := parseStub(out, &again, nil); err != nil && !strings.Contains(err.Error(), "$") {
			t.Fatalf("%s: %v", out, err)
		}
	})
}
