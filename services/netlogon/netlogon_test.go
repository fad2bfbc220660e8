package netlogon_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	gen "lwio/gen/netlogon"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/rpctest"
	"lwio/rpc/server"
	"lwio/services/netlogon"
)

var (
	user = &nt.Token{User: nt.NewSID(5, 21, 1, 2, 3, 1000), Groups: []nt.Group{{SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}}}
	root = &nt.Token{User: nt.NewSID(5, 21, 1, 2, 3, 1001), Groups: []nt.Group{{SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault},
		{SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault}}}
)

func dial(t *testing.T, token *nt.Token) *client.Binding {
	t.Helper()
	s := server.New(server.Config{})
	if err := s.Register(gen.LogonInterface, netlogon.New(netlogon.Config{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	near, far := rpctest.Pipe(rpctest.Peer{Token: token})
	go s.ServeConn(context.Background(), far)
	c := client.NewConn(near, client.Config{})
	t.Cleanup(func() { c.Close() })
	b, err := c.Bind(t.Context(), gen.LogonInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAnswers is the table (caller, operation, level) → result, of administrators, users and the null session.
func TestAnswers(t *testing.T) {
	const denied, unsupported = 5, 50
	refused := [3]uint32{0xC00000BB, 0xC00000BB, 0xC00000BB}
	control := func(function, level uint32) func(*gen.Client) (uint32, error) {
		return func(c *gen.Client) (uint32, error) {
			in := &gen.NetrLogonControl2ExRequest{FunctionCode: function, QueryLevel: level}
			out, err := c.NetrLogonControl2Ex(t.Context(), in)
			if err != nil {
				return 0, err
			}
			two, err := c.NetrLogonControl2(t.Context(), &gen.NetrLogonControl2Request{FunctionCode: function, QueryLevel: level})
			if err != nil {
				return 0, err
			}
			if two.Return != out.Return {
				return 0, fmt.Errorf("opnum 14 says %d, 18 %d", two.Return, out.Return)
			}
			return out.Return, nil
		}
	}
	for _, tt := range []struct {
		name string
		call func(*gen.Client) (uint32, error)
		want [3]uint32
	}{
		{"4 challenge", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrServerReqChallenge(t.Context(), &gen.NetrServerReqChallengeRequest{ComputerName: "X"})
			if err != nil {
				return 0, err
			}
			return uint32(out.Return), nil
		}, refused},
		{"15 authenticate", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrServerAuthenticate2(t.Context(), &gen.NetrServerAuthenticate2Request{AccountName: "X$", ComputerName: "X", SecureChannelType: 2})
			if err != nil {
				return 0, err
			}
			return uint32(out.Return), nil
		}, refused},
		{"26 authenticate", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrServerAuthenticate3(t.Context(), &gen.NetrServerAuthenticate3Request{AccountName: "X$", ComputerName: "X", SecureChannelType: 2})
			if err != nil {
				return 0, err
			}
			return uint32(out.Return), nil
		}, refused},
		{"30 password", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrServerPasswordSet2(t.Context(), &gen.NetrServerPasswordSet2Request{AccountName: "X$", ComputerName: "X", SecureChannelType: 2})
			if err != nil {
				return 0, err
			}
			return uint32(out.Return), nil
		}, refused},
		{"11 controller", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrGetDCName(t.Context(), &gen.NetrGetDCNameRequest{})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{2453, 2453, denied}},
		{"13 any controller", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrGetAnyDCName(t.Context(), &gen.NetrGetAnyDCNameRequest{})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{1355, 1355, denied}},
		{"20 controller", func(c *gen.Client) (uint32, error) {
			out, err := c.DsrGetDcName(t.Context(), &gen.DsrGetDcNameRequest{})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{1355, 1355, denied}},
		{"27 controller", func(c *gen.Client) (uint32, error) {
			out, err := c.DsrGetDcNameEx(t.Context(), &gen.DsrGetDcNameExRequest{})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{1355, 1355, denied}},
		{"34 controller", func(c *gen.Client) (uint32, error) {
			out, err := c.DsrGetDcNameEx2(t.Context(), &gen.DsrGetDcNameEx2Request{})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{1355, 1355, denied}},
		{"28 site", func(c *gen.Client) (uint32, error) {
			out, err := c.DsrGetSiteName(t.Context(), &gen.DsrGetSiteNameRequest{})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{1919, 1919, denied}},
		{"35 time", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrLogonGetTimeServiceParentDomain(t.Context(), &gen.NetrLogonGetTimeServiceParentDomainRequest{})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{1355, 1355, denied}},
		{"38 coverage", func(c *gen.Client) (uint32, error) {
			out, err := c.DsrGetDcSiteCoverageW(t.Context(), &gen.DsrGetDcSiteCoverageWRequest{})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{unsupported, unsupported, denied}},
		{"33 sites", func(c *gen.Client) (uint32, error) {
			out, err := c.DsrAddressToSiteNamesW(t.Context(), &gen.DsrAddressToSiteNamesWRequest{})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{unsupported, unsupported, denied}},
		{"19 trusts", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrEnumerateTrustedDomains(t.Context(), &gen.NetrEnumerateTrustedDomainsRequest{})
			if err != nil {
				return 0, err
			}
			return uint32(out.Return), nil
		}, [3]uint32{0xC000005E, 0xC000005E, 0xC0000022}},
		{"36 trusts", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrEnumerateTrustedDomainsEx(t.Context(), &gen.NetrEnumerateTrustedDomainsExRequest{})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{1311, 1311, denied}},
		{"40 trusts", func(c *gen.Client) (uint32, error) {
			out, err := c.DsrEnumerateDomainTrusts(t.Context(), &gen.DsrEnumerateDomainTrustsRequest{Flags: 0x3F})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{1311, 1311, denied}},
		{"12 query", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrLogonControl(t.Context(), &gen.NetrLogonControlRequest{FunctionCode: 1, QueryLevel: 1})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{0, denied, denied}},
		{"12 verify", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrLogonControl(t.Context(), &gen.NetrLogonControlRequest{FunctionCode: 10, QueryLevel: 2})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, [3]uint32{unsupported, denied, denied}},
		{"query 0", control(1, 0), [3]uint32{124, denied, denied}},
		{"query 1", control(1, 1), [3]uint32{0, denied, denied}},
		{"query 2", control(1, 2), [3]uint32{87, denied, denied}},
		{"query 3", control(1, 3), [3]uint32{0, denied, denied}},
		{"query 5", control(1, 5), [3]uint32{124, denied, denied}},
		{"replicate", control(2, 1), [3]uint32{unsupported, denied, denied}},
		{"rediscover", control(5, 2), [3]uint32{1355, denied, denied}},
		{"verify", control(10, 2), [3]uint32{1355, denied, denied}},
		{"verify 1", control(10, 1), [3]uint32{87, denied, denied}},
		{"find", control(8, 4), [3]uint32{1317, denied, denied}},
		{"find 2", control(8, 2), [3]uint32{87, denied, denied}},
		{"debug", control(0xFFFE, 1), [3]uint32{unsupported, denied, denied}},
		{"nonsense", control(0xFFFFFFFF, 1), [3]uint32{unsupported, denied, denied}},
	} {
		for i, token := range []*nt.Token{root, user, nt.AnonymousToken()} {
			got, err := tt.call(gen.NewClient(dial(t, token)))
			if err != nil || got != tt.want[i] {
				t.Errorf("%s as caller %d: %#x %v, want %#x", tt.name, i, got, err, tt.want[i])
			}
		}
	}
}

// TestState: the query says why nobody is connected to.
func TestState(t *testing.T) {
	out, err := gen.NewClient(dial(t, root)).NetrLogonControl2Ex(t.Context(), &gen.NetrLogonControl2ExRequest{FunctionCode: 1, QueryLevel: 1})
	if err != nil || out.Buffer.NetlogonInfo1 == nil || out.Buffer.NetlogonInfo1.Netlog1PdcConnectionStatus != 1311 {
		t.Errorf("%+v %v", out, err)
	}
}

func TestOpnumRange(t *testing.T) {
	b := dial(t, root)
	for _, opnum := range []uint16{47, 50, 0xFFFF} {
		if err := b.Call(t.Context(), opnum, nil, nil); !errors.Is(err, rpc.FaultOpRange) {
			t.Errorf("opnum %d: %v", opnum, err)
		}
	}
}
