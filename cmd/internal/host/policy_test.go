package host

import (
	"strings"
	"testing"

	"lwio/cmd/internal/config"
	"lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/server"
)

func TestNewPolicy(t *testing.T) {
	for want, r := range map[string]config.Rule{
		"": {Interface: "srvsvc", Operations: []string{"netr_share_add"}, Opnums: []uint16{14}, MinLevel: "privacy", Transports: []string{"ncacn_np"}, Allow: []string{"S-1-5-32-544"}, Deny: []string{"S-1-5-7"}, Rate: 2},
		"rule 1: interface = \"samba\": want a UUID, or of InitShutdown": {Interface: "samba"},
		"operations: srvsvc has no \"NetrShareFly\": want of":            {Interface: "srvsvc", Operations: []string{"NetrShareFly"}},
		"srvsvc has no operation 999":                                    {Interface: "srvsvc", Opnums: []uint16{999}},
		"operations of no interface":                                     {Operations: []string{"NetrShareAdd"}},
		"are not known by name":                                          {Interface: "11111111-2222-3333-4444-555555555555", Operations: []string{"NetrShareAdd"}},
		"want one of connect, packet":                                    {MinLevel: "none"},
		"want of ncacn_np":                                               {Transports: []string{"udp"}},
		`"x" is no SID`:                                                  {Deny: []string{"x"}},
		"want calls a second":                                            {Rate: -1},
	} {
		p, err := NewPolicy([]config.Rule{r})
		if want == "" && (err != nil || p == nil) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if p, err := NewPolicy(nil); p != nil || err != nil {
		t.Errorf("no rules: %v %v", p, err)
	}
	p, err := NewPolicy([]config.Rule{{Interface: "srvsvc", Transports: []string{"ncacn_np"}}})
	if err != nil {
		t.Fatal(err)
	}
	call := &rpc.Call{Interface: srvsvc.SrvsvcInterface, Transport: rpc.TransportTCP, Token: nt.AnonymousToken()}
	if why, _ := p.Check(call); why != server.RefusedTransport {
		t.Errorf("by TCP: %q", why)
	}
}
