//go:build interop

package interop

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/oiweiwei/go-msrpc/msrpc/drsr/drsuapi/v4"
	"github.com/oiweiwei/go-msrpc/msrpc/dtyp"

	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
	"lwio/pipes"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/msrpc"
)

// TestMsrpcOnController calls what only a domain controller has.
func TestMsrpcOnController(t *testing.T) {
	need(t, "samba")
	l := newLab(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := l.must(t, "member", append(l.kinit(t, "member", "Administrator"), "LWIO_LAB_CONTROLLER="+labController), self, "-test.run=^TestLabMsrpc$", "-test.v")
	contains(t, out, "PASS: TestLabMsrpc/drsuapi")
}

// TestLabMsrpc is run by another test, on a host of a domain, with the tickets of its environment.
func TestLabMsrpc(t *testing.T) {
	host := os.Getenv("LWIO_LAB_CONTROLLER")
	if host == "" {
		return
	}
	cred, err := credential.FromEnvironment()
	if err != nil || cred == nil {
		t.Fatalf("no tickets: %v", err)
	}
	policy := credential.Config{NTLM: credential.Denied}
	m := redirector(t, rdr.Config{}, policy)
	dial := func(t *testing.T, pipe string) *msrpc.Conn {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		nc, err := pipes.Dial(ctx, m, `\rdr\`+host+`\IPC$\`+pipe, pipes.DialConfig{Message: true, Timeout: 10 * time.Second, Contexts: []any{cred}})
		if err != nil {
			t.Fatal(err)
		}
		init, err := credential.New(policy).Mechanism(ctx, cred, rpc.AuthTypeSPNEGO, uint8(rpc.AuthLevelPktPrivacy), "host", host)
		if err != nil {
			t.Fatal(err)
		}
		cc := msrpc.NewConn(client.NewConn(nc, client.Config{}), &client.Auth{Type: rpc.AuthTypeSPNEGO, Level: rpc.AuthLevelPktPrivacy, Initiator: init})
		t.Cleanup(func() { cc.Close(context.Background()) })
		return cc
	}
	t.Run("drsuapi", func(t *testing.T) {
		ctx := t.Context()
		cl, err := drsuapi.NewDrsuapiClient(ctx, dial(t, "lsass"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := cl.Bind(ctx, &drsuapi.BindRequest{ClientDSA: &dtyp.UUID{Data1: 0xe24d201a, Data2: 0x4fd6, Data3: 0x11d1, Data4: []byte{0xa3, 0xda, 0, 0, 0xf8, 0x75, 0xae, 0x0d}}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := cl.CrackNames(ctx, &drsuapi.CrackNamesRequest{Handle: b.DRS, InVersion: 1, In: &drsuapi.MessageCrackNamesRequest{Value: &drsuapi.MessageCrackNamesRequest_V1{
			V1: &drsuapi.MessageCrackNamesRequestV1{FormatOffered: 7 /* canonical */, FormatDesired: 1 /* distinguished */, Names: []string{"lab.test/"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		items := out.Out.GetValue().(*drsuapi.MessageCrackNamesReplyV1).Result.Items
		if len(items) != 1 || items[0].Status != 0 || items[0].Name != "DC=lab,DC=test" {
			t.Errorf("%+v", items[0])
		}
		if _, err := cl.Unbind(ctx, &drsuapi.UnbindRequest{DRS: b.DRS}); err != nil {
			t.Error(err)
		}
		if _, err := cl.Unbind(ctx, &drsuapi.UnbindRequest{DRS: b.DRS}); err == nil {
			t.Error("unbound twice")
		}
	})
}
