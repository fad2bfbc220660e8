package lsarpc_test

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/lsarpc"
)

// listener makes named pipes of TCP connections, for peers that speak RPC over TCP as well.
type listener struct {
	net.Listener
	token *nt.Token
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn{c, l.token, rpc.TransportNamedPipe}, nil
}

// listen serves the fake authority on a port.
func listen(t *testing.T, token *nt.Token) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go serve(t, lsarpc.Config{Authority: newAuthority()}).Serve(listener{l, token})
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return string(out)
}

func wants(t *testing.T, out string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
}

// TestImpacket does what lookupsid.py does, and looks names up by every operation there is.
func TestImpacket(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import impacket").Run() != nil {
		t.Skip("peer missing: impacket")
	}
	const script = `
import sys
from impacket.dcerpc.v5 import transport, lsad, lsat
from impacket.dcerpc.v5.dtypes import MAXIMUM_ALLOWED
d = transport.DCERPCTransportFactory("ncacn_ip_tcp:127.0.0.1[%s]" % sys.argv[1]).get_dce_rpc()
d.connect()
d.bind(lsat.MSRPC_UUID_LSAT)
lsad.hLsarOpenPolicy(d)
h = lsad.hLsarOpenPolicy2(d, MAXIMUM_ALLOWED | lsat.POLICY_LOOKUP_NAMES)["PolicyHandle"]
for query in (lsad.hLsarQueryInformationPolicy, lsad.hLsarQueryInformationPolicy2):
    print("account", query(d, h, lsad.POLICY_INFORMATION_CLASS.PolicyAccountDomainInformation)["PolicyInformation"]["PolicyAccountDomainInfo"]["DomainName"])
    print("primary", query(d, h, lsad.POLICY_INFORMATION_CLASS.PolicyPrimaryDomainInformation)["PolicyInformation"]["PolicyPrimaryDomainInfo"]["Name"])
    print("dns", query(d, h, lsad.POLICY_INFORMATION_CLASS.PolicyDnsDomainInformation)["PolicyInformation"]["PolicyDnsDomainInfo"]["Name"])
domain = query(d, h, lsad.POLICY_INFORMATION_CLASS.PolicyAccountDomainInformation)["PolicyInformation"]["PolicyAccountDomainInfo"]["DomainSid"].formatCanonical()
for lookup in (lsat.hLsarLookupSids, lsat.hLsarLookupSids2):
    try:
        r = lookup(d, h, [domain + "-%d" % rid for rid in (500, 1000, 9999)], lsat.LSAP_LOOKUP_LEVEL.LsapLookupWksta)
    except lsat.DCERPCSessionError as e:
        print(e)
        r = e.get_packet()
    for n in r["TranslatedNames"]["Names"]:
        print(n["Use"], r["ReferencedDomains"]["Domains"][n["DomainIndex"]]["Name"], n["Name"])
for lookup in (lsat.hLsarLookupNames, lsat.hLsarLookupNames2, lsat.hLsarLookupNames3):
    r = lookup(d, h, ("BUILTIN\\Administrators", "J\u00fcrgen", "Everyone"))
    print("mapped", r["MappedCount"], [s["Use"] for s in r["TranslatedSids"]["Sids"]])
try:
    lsat.hLsarLookupNames4(d, ("x",))
except Exception as e:
    print(e)
print("user", lsat.hLsarGetUserName(d)["UserName"])
print("accounts", len(lsad.hLsarEnumerateAccounts(d, h)["EnumerationBuffer"]["Information"]))
lsad.hLsarClose(d, h)
print("done")
`
	out := run(t, python, "-X", "utf8", "-c", script, listen(t, admin))
	wants(t, out, "account GRÖSSE", "primary WORKGROUP", "dns WORKGROUP", "STATUS_SOME_NOT_MAPPED", "1 GRÖSSE Administrator", "1 GRÖSSE Jürgen", "8 GRÖSSE 0000270f",
		"mapped 3 [4, 1, 5]", "STATUS_ACCESS_DENIED", "user Administrator", "accounts 10", "done")
}
