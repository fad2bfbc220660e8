package dssetup_test

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	gen "lwio/gen/dssetup"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
	"lwio/services/dssetup"
)

// authority names a host; nothing else is asked of it.
type authority struct {
	auth.Authority
	host auth.Host
}

func (a authority) Host() auth.Host { return a.host }

var (
	alone  = authority{host: auth.Host{Name: "GRÖSSE", Domain: "grösse"}}
	unsaid = authority{host: auth.Host{Name: "GRÖSSE"}}
	member = authority{host: auth.Host{Name: "GRÖSSE", Domain: "EXAMPLE", DNSDomain: "corp.example.org", DNSForest: "example.org"}}
	nt4    = authority{host: auth.Host{Name: "GRÖSSE", Domain: "OLD"}}
	guid   = nt.MustGUID("00112233-4455-6677-8899-aabbccddeeff")
	user   = &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1000"), Groups: []nt.Group{{SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}}}
)

// conn is a connection that knows who is behind it.
type conn struct {
	net.Conn
	token *nt.Token
}

func (c conn) Token() *nt.Token { return c.token }

func dial(t *testing.T, cfg dssetup.Config, token *nt.Token) *client.Binding {
	t.Helper()
	s := server.New(server.Config{})
	if err := s.Register(gen.DssetupInterface, dssetup.New(cfg)); err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	go s.ServeConn(context.Background(), conn{a, token})
	c := client.NewConn(b, client.Config{})
	t.Cleanup(func() { c.Close(); s.Close() })
	bound, err := c.Bind(t.Context(), gen.DssetupInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return bound
}

func TestGetPrimaryDomainInformation(t *testing.T) {
	basic := func(x gen.DSROLER_PRIMARY_DOMAIN_INFO_BASIC) *gen.DSROLER_PRIMARY_DOMAIN_INFORMATION {
		return &gen.DSROLER_PRIMARY_DOMAIN_INFORMATION{DomainInfoBasic: &x}
	}
	upgrade := &gen.DSROLER_PRIMARY_DOMAIN_INFORMATION{UpgradStatusInfo: &gen.DSROLE_UPGRADE_STATUS_INFO{}}
	idle := &gen.DSROLER_PRIMARY_DOMAIN_INFORMATION{OperationStateInfo: &gen.DSROLE_OPERATION_STATE_INFO{}}
	for _, tt := range []struct {
		name  string
		cfg   dssetup.Config
		token *nt.Token
		level gen.DSROLE_PRIMARY_DOMAIN_INFO_LEVEL
		want  *gen.DSROLER_PRIMARY_DOMAIN_INFORMATION
		code  nt.WinError
	}{
		{"alone", dssetup.Config{Authority: alone, Workgroup: "共有", DomainGUID: guid}, user, 1, basic(gen.DSROLER_PRIMARY_DOMAIN_INFO_BASIC{MachineRole: 2, DomainNameFlat: ndr.String("共有")}), 0},
		{"alone by default", dssetup.Config{Authority: unsaid}, user, 1, basic(gen.DSROLER_PRIMARY_DOMAIN_INFO_BASIC{MachineRole: 2, DomainNameFlat: ndr.String("WORKGROUP")}), 0},
		{"member", dssetup.Config{Authority: member, DomainGUID: guid}, user, 1, basic(gen.DSROLER_PRIMARY_DOMAIN_INFO_BASIC{MachineRole: 3, Flags: 0x01000000,
			DomainNameFlat: ndr.String("EXAMPLE"), DomainNameDns: ndr.String("corp.example.org"), DomainForestName: ndr.String("example.org"), DomainGuid: guid}), 0},
		{"member of an old domain", dssetup.Config{Authority: nt4}, user, 1, basic(gen.DSROLER_PRIMARY_DOMAIN_INFO_BASIC{MachineRole: 3, DomainNameFlat: ndr.String("OLD")}), 0},
		{"system", dssetup.Config{Authority: alone}, nt.SystemToken(), 2, upgrade, 0},
		{"upgrade", dssetup.Config{Authority: member}, user, 2, upgrade, 0},
		{"operation", dssetup.Config{Authority: alone}, user, 3, idle, 0},
		{"level 0", dssetup.Config{Authority: alone}, user, 0, nil, nt.WErrInvalidParameter},
		{"level 4", dssetup.Config{Authority: alone}, user, 4, nil, nt.WErrInvalidParameter},
		{"null session", dssetup.Config{Authority: alone}, nt.AnonymousToken(), 1, nil, nt.WErrAccessDenied},
		{"null session", dssetup.Config{Authority: alone}, nt.AnonymousToken(), 3, nil, nt.WErrAccessDenied},
	} {
		out, err := gen.NewClient(dial(t, tt.cfg, tt.token)).DsRolerGetPrimaryDomainInformation(t.Context(), &gen.DsRolerGetPrimaryDomainInformationRequest{InfoLevel: tt.level})
		if err != nil || !reflect.DeepEqual(out.DomainInfo, tt.want) || out.Return != uint32(tt.code) {
			t.Errorf("%s, level %d: %+v, %v", tt.name, tt.level, out, err)
		}
	}
}

func TestOpnumRange(t *testing.T) {
	b := dial(t, dssetup.Config{Authority: alone}, user)
	for opnum := uint16(1); opnum < 14; opnum++ {
		if err := b.Call(t.Context(), opnum, nil, nil); !errors.Is(err, rpc.FaultOpRange) {
			t.Errorf("opnum %d: %v", opnum, err)
		}
	}
}

// TestImpacket asks as machine_role.py does.
func TestImpacket(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import impacket").Run() != nil {
		t.Skip("peer missing: impacket")
	}
	s := server.New(server.Config{})
	if err := s.Register(gen.DssetupInterface, dssetup.New(dssetup.Config{Authority: member, DomainGUID: guid})); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	go s.Serve(listener{l})
	_, port, _ := net.SplitHostPort(l.Addr().String())
	const script = `
import sys
from impacket.dcerpc.v5 import transport, dssp
d = transport.DCERPCTransportFactory("ncacn_ip_tcp:127.0.0.1[%s]" % sys.argv[1]).get_dce_rpc()
d.connect()
d.bind(dssp.MSRPC_UUID_DSSP)
b = dssp.hDsRolerGetPrimaryDomainInformation(d, 1)["DomainInfo"]["DomainInfoBasic"]
print(b["MachineRole"], b["Flags"], b["DomainNameFlat"], b["DomainNameDns"], b["DomainForestName"], b["DomainGuid"].hex())
for level in (2, 3):
    print(level, dssp.hDsRolerGetPrimaryDomainInformation(d, level)["DomainInfo"]["tag"])
`
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, python, "-X", "utf8", "-c", script, port).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := "3 16777216 EXAMPLE\x00 corp.example.org\x00 example.org\x00 33221100554477668899aabbccddeeff\n2 2\n3 3\n"; string(out) != want {
		t.Errorf("got %q, want %q", strings.ReplaceAll(string(out), "\x00", "<0>"), want)
	}
}

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn{c, user}, nil
}
