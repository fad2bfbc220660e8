package client

import (
	"errors"
	"strings"
	"testing"

	"lwio/iomgr/nt"
	"lwio/rpc"
)

func TestParseStringBinding(t *testing.T) {
	object := nt.MustGUID("12345778-1234-abcd-ef00-0123456789ab")
	pipe := func(name string) StringBinding {
		return StringBinding{Protocol: ProtocolPipe, Host: "server", Endpoint: name}
	}
	for in, want := range map[string]StringBinding{
		`ncacn_np:server[\pipe\srvsvc]`:                        pipe("srvsvc"),
		`ncacn_np:server[\\pipe\\srvsvc]`:                      pipe("srvsvc"),
		`ncacn_np:\\server[\PIPE\srvsvc]`:                      pipe("srvsvc"),
		`ncacn_np:\\\\server[\\PIPE\\srvsvc]`:                  pipe("srvsvc"),
		`NCACN_NP:server[srvsvc]`:                              pipe("srvsvc"),
		`ncacn_np:server[\srvsvc,smb2]`:                        pipe("srvsvc"),
		`ncacn_np:server[endpoint=srvsvc]`:                     pipe("srvsvc"),
		`ncacn_np:server[,endpoint=srvsvc]`:                    pipe("srvsvc"),
		`ncacn_np:server[a\]b\,c]`:                             pipe("a]b,c"),
		`ncacn_np:server[\pipe\winreg\remote]`:                 pipe(`winreg\remote`),
		`ncacn_np:server[]`:                                    pipe(""),
		`ncacn_np:server`:                                      pipe(""),
		`ncacn_np:`:                                            {Protocol: ProtocolPipe},
		`ncacn_ip_tcp:10.53.57.1[135]`:                         {Protocol: ProtocolTCP, Host: "10.53.57.1", Endpoint: "135"},
		`ncacn_ip_tcp:fe80::1%eth0[00135]`:                     {Protocol: ProtocolTCP, Host: "fe80::1%eth0", Endpoint: "135"},
		`ncalrpc:[lwio]`:                                       {Protocol: ProtocolLocal, Endpoint: "lwio"},
		`ncalrpc:`:                                             {Protocol: ProtocolLocal},
		`12345778-1234-ABCD-ef00-0123456789ab@ncacn_np:server`: {Object: object, Protocol: ProtocolPipe, Host: "server"},
		`ncacn_np:server[\pipe\srvsvc,sign]`:                   {Protocol: ProtocolPipe, Host: "server", Endpoint: "srvsvc", AuthType: rpc.AuthTypeSPNEGO, Level: rpc.AuthLevelPktIntegrity},
		`ncacn_np:server[,krb5]`:                               {Protocol: ProtocolPipe, Host: "server", AuthType: rpc.AuthTypeKerberos, Level: rpc.AuthLevelPktIntegrity},
		`ncacn_ip_tcp:server[49152,SEAL,ntlm,seal]`:            {Protocol: ProtocolTCP, Host: "server", Endpoint: "49152", AuthType: rpc.AuthTypeNTLM, Level: rpc.AuthLevelPktPrivacy},
		`ncacn_ip_tcp:10.0.0.1[,connect,spnego,target_hostname=dc1.lab.test]`: {Protocol: ProtocolTCP, Host: "10.0.0.1", AuthType: rpc.AuthTypeSPNEGO, Level: rpc.AuthLevelConnect, Target: "dc1.lab.test"},
		`ncacn_ip_tcp:10.0.0.1[1,packet,target_principal=RPCSS/dc1.lab.test]`: {Protocol: ProtocolTCP, Host: "10.0.0.1", Endpoint: "1", AuthType: rpc.AuthTypeSPNEGO, Level: rpc.AuthLevelPacket, Service: "RPCSS", Target: "dc1.lab.test"},
	} {
		got, err := ParseStringBinding(in)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v\nwant %+v", in, got, err, want)
		}
		if again, err := ParseStringBinding(got.String()); err != nil || again != got {
			t.Errorf("%s: became %s: %+v, %v", in, got, again, err)
		}
	}
}

func TestStringBindingString(t *testing.T) {
	for want, b := range map[string]StringBinding{
		`ncacn_np:dc1.lab.test[\pipe\lsarpc,spnego,seal]`: {Protocol: ProtocolPipe, Host: "dc1.lab.test", Endpoint: "lsarpc", AuthType: rpc.AuthTypeSPNEGO, Level: rpc.AuthLevelPktPrivacy},
		`ncacn_np:server`:             {Protocol: ProtocolPipe, Host: "server"},
		`ncacn_np:server[\pipe\\\[x]`: {Protocol: ProtocolPipe, Host: "server", Endpoint: "[x"},
		`ncalrpc:[]`:                  {Protocol: ProtocolLocal},
		`ncacn_ip_tcp:h[,krb5,sign,target_principal=a/b\:c]`: {Protocol: ProtocolTCP, Host: "h", AuthType: rpc.AuthTypeKerberos, Level: rpc.AuthLevelPktIntegrity, Service: "a", Target: "b:c"},
	} {
		if got := b.String(); got != want {
			t.Errorf("%+v: %s, want %s", b, got, want)
		}
		if again, err := ParseStringBinding(want); err != nil || again != b {
			t.Errorf("%s: %+v, %v", want, again, err)
		}
	}
}

func TestStringBindingRefused(t *testing.T) {
	for in, want := range map[string]string{
		``:                                       "protocol",
		`server`:                                 "there are ncacn_np, ncacn_ip_tcp and ncalrpc",
		`ncacn_http:server`:                      `protocol "ncacn_http"`,
		`ncacn_np`:                               "colon",
		`ncacn_np[x]`:                            "colon",
		`x@ncacn_np:server`:                      "no UUID",
		`ncacn_np:server[x`:                      "closing bracket",
		`ncacn_np:server[x]y`:                    "after the closing bracket",
		`ncacn_np:server[x\]`:                    "closing bracket",
		`ncacn_np:server\share[x]`:               "no host",
		`ncacn_np:a b`:                           "no host",
		`ncacn_np:server[\pipe\\]`:               "no name",
		`ncacn_np:server[a,endpoint=b]`:          "two endpoints",
		`ncacn_ip_tcp:server[srvsvc]`:            "no port",
		`ncacn_ip_tcp:server[0]`:                 "no port",
		`ncacn_ip_tcp:server[65536]`:             "no port",
		`ncacn_ip_tcp:server[1,smb2]`:            "is for ncacn_np",
		`ncacn_np:server[x,smb1]`:                "SMB 1",
		`ncacn_np:server[x,bigendian]`:           "little-endian",
		`ncacn_np:server[x,schannel]`:            "krb5, ntlm or spnego",
		`ncacn_np:server[x,frobnicate]`:          "there are sign, seal, connect, packet, krb5, ntlm, spnego, smb2",
		`ncacn_np:server[x,frobnicate=1]`:        "there are sign",
		`ncacn_np:server[x,endpoint=]`:           "needs a value",
		`ncacn_np:server[x,sign,seal]`:           "two levels",
		`ncacn_np:server[x,krb5,ntlm]`:           "two types",
		`ncacn_np:server[x,target_principal=a]`:  "service/host",
		`ncacn_np:server[x,target_hostname=a/b]`: "no host of a principal",
		`ncalrpc:server[x]`:                      "this machine",
		`ncalrpc:[x,sign]`:                       "needs no authentication",
		"ncacn_np:server[x\x00]":                 "control characters",
		"ncacn_np:server[\xff]":                  "UTF-8",
		`ncacn_np:` + strings.Repeat("a", 3000):  "longer than",
	} {
		b, err := ParseStringBinding(in)
		if !errors.Is(err, ErrBinding) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v, want %q", in, b, err, want)
		}
	}
}

func TestStringBindingTruncated(t *testing.T) {
	const s = `12345778-1234-abcd-ef00-0123456789ab@ncacn_np:dc1.lab.test[\pipe\lsarpc,krb5,seal,target_principal=host/dc1.lab.test]`
	whole := 0
	for n := range len(s) + 1 {
		if b, err := ParseStringBinding(s[:n]); err == nil {
			whole++
			if again, err := ParseStringBinding(b.String()); err != nil || again != b {
				t.Errorf("%s: %+v, %v", s[:n], again, err)
			}
		}
	}
	if want := len(":dc1.lab.test") + 1; whole != want { // up to the bracket, and whole
		t.Errorf("%d prefixes are string bindings, want %d", whole, want)
	}
}

func TestHostName(t *testing.T) {
	for in, want := range map[string]string{`ncacn_np:a`: "a", `ncacn_np:a:4450[x]`: "a", `ncacn_np:fe80::1`: "fe80::1", `ncacn_ip_tcp:::1[9]`: "::1"} {
		if b, err := ParseStringBinding(in); err != nil || b.hostName() != want {
			t.Errorf("%s: %q, %v", in, b.hostName(), err)
		}
	}
}

func TestResolve(t *testing.T) {
	iface := &rpc.Interface{Name: "lsarpc", Endpoints: []string{`ncacn_np:[\pipe\lsarpc]`, `ncacn_np:[\pipe\lsass]`, "ncacn_ip_tcp:"}}
	for in, want := range map[string]string{`ncacn_np:a`: "lsarpc", `ncacn_np:a[x]`: "x", `ncalrpc:`: "lsarpc", `ncacn_ip_tcp:a`: "", `ncacn_ip_tcp:a[9]`: "9"} {
		b, err := ParseStringBinding(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.resolve(iface); b.Endpoint != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v, want %q", in, b.Endpoint, err, want)
		}
	}
}

func FuzzParseStringBinding(f *testing.F) {
	for _, s := range []string{`12345778-1234-abcd-ef00-0123456789ab@ncacn_np:dc1.lab.test[\pipe\lsarpc,krb5,seal,target_principal=host/dc1.lab.test]`,
		`ncacn_ip_tcp:::1[135,sign]`, `ncalrpc:[lwio]`, `ncacn_np:\\s[\\pipe\\a\]b]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ParseStringBinding(s)
		if err != nil {
			if !errors.Is(err, ErrBinding) || b != (StringBinding{}) {
				t.Fatal(b, err)
			}
			return
		}
		out := b.String()
		again, err := ParseStringBinding(out)
		if len(out) <= maxStringBinding && (err != nil || again != b) {
			t.Fatalf("%q is %+v, %q is %+v, %v", s, b, out, again, err)
		}
		if strings.ContainsAny(b.Host, `\/`) || b.Protocol == ProtocolLocal && b.Host != "" {
			t.Fatalf("%q has the host %q", s, b.Host)
		}
	})
}
