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
		"": {Interface: "srvsvc", Opnums: []uint16{14}, MinLevel: "privacy", Transports: []string{"ncacn_np"}, Allow: []string{"S-1-5-32-544"}, Deny: []string{"S-1-5-7"}, Rate: 2},
		"rule 1: interface = \"samba\": want a UUID, or of account": {Interface: "samba"},
		"want one of connect, packet":                               {MinLevel: "none"},
		"want of ncacn_np":                                          {Transports: []string{"udp"}},
		`"x" is no SID`:                                             {Deny: []string{"x"}},
		"want calls a second":                                       {Rate: -1},
	} {
		p, err := NewPolicy([]config.Rule{r}, nil)
		if want == "" && (err != nil || p == nil) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if p, err := NewPolicy(nil, nil); p != nil || err != nil {
		t.Errorf("no rules: %v %v", p, err)
	}
	p, err := NewPolicy([]config.Rule{{Interface: "srvsvc", Transports: []string{"ncacn_np"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	call := &rpc.Call{Interface: srvsvc.SrvsvcInterface, Transport: rpc.TransportTCP, Token: nt.AnonymousToken()}
	if why := p.Check(call); why != server.RefusedTransport {
		t.Errorf("by TCP: %q", why)
	}
}
