package account_test

import (
	"fmt"
	"strings"
	"testing"

	gen "lwio/gen/account"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/services/state"
)

// TestIdentify: every program of this machine may ask who somebody is, and nobody of the network.
func TestIdentify(t *testing.T) {
	a := accounts(t)
	if _, err := a.Add(t.Context(), state.NewAccount{Name: "alice", Password: "Passw0rd.1", Admin: true}); err != nil {
		t.Fatal(err)
	}
	plain := a.TokenForUID(4711, 4711)
	for _, tt := range []struct {
		token     *nt.Token
		transport rpc.Transport
		want      nt.WinError
	}{
		{a.TokenForUID(0, 0), rpc.TransportLocal, 0}, {plain, rpc.TransportLocal, 0}, {nt.AnonymousToken(), rpc.TransportLocal, nt.WErrAccessDenied},
		{a.TokenForUID(0, 0), rpc.TransportNamedPipe, nt.WErrAccessDenied}, {plain, rpc.TransportTCP, nt.WErrAccessDenied},
	} {
		out, err := dial(t, a, tt.token, tt.transport).AccountIdentify(t.Context(), &gen.AccountIdentifyRequest{Name: ndr.String("alice")})
		if err != nil || nt.WinError(out.Return) != tt.want || (out.Identities.Count > 0) != (tt.want == 0) {
			t.Errorf("%s by %s: %+v %v", tt.token.QualifiedName(), tt.transport, out, err)
		}
	}
	c := dial(t, a, plain, rpc.TransportLocal)
	for _, tt := range []struct {
		kind uint32
		name *string
		id   uint32
		code nt.WinError
		want string
	}{
		{gen.ACCOUNT_BY_NAME, ndr.String("alice"), 0, 0, `1 alice S-1-5-21-1-2-3-1000 1 201000 0; 2 None S-1-5-21-1-2-3-513 1 200513 1; 4 BUILTIN\Administrators S-1-5-32-544 0 0 0`},
		{gen.ACCOUNT_BY_NAME, ndr.String("S-1-5-32-545"), 0, 0, `4 BUILTIN\Users S-1-5-32-545 0 0 0`},
		{gen.ACCOUNT_BY_UID, nil, 201000, 0, `1 alice S-1-5-21-1-2-3-1000 1 201000 0; 2 None S-1-5-21-1-2-3-513 1 200513 1; 4 BUILTIN\Administrators S-1-5-32-544 0 0 0`},
		{gen.ACCOUNT_BY_GID, nil, 200513, 0, `2 None S-1-5-21-1-2-3-513 1 200513 0`},
		{gen.ACCOUNT_BY_GID, nil, 201000, nt.WErrNoneMapped, ""}, {gen.ACCOUNT_BY_UID, nil, 209999, nt.WErrNoneMapped, ""},
		{gen.ACCOUNT_BY_NAME, ndr.String("nobody"), 0, nt.WErrNoneMapped, ""}, {gen.ACCOUNT_BY_NAME, nil, 0, nt.WErrNoneMapped, ""}, {3, nil, 0, nt.WErrInvalidParameter, ""},
	} {
		out, err := c.AccountIdentify(t.Context(), &gen.AccountIdentifyRequest{Kind: tt.kind, Name: tt.name, Id: tt.id})
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, x := range out.Identities.Identities {
			rows = append(rows, fmt.Sprintf("%d %s %s %d %d %d", x.Type, ndr.Text(x.Name), ndr.Text(x.Sid), x.HasId, x.Id, x.Primary))
		}
		if got := strings.Join(rows, "; "); nt.WinError(out.Return) != tt.code || got != tt.want {
			t.Errorf("%d %s %d: %v %s", tt.kind, ndr.Text(tt.name), tt.id, nt.WinError(out.Return), got)
		}
	}
}
