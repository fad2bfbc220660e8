package lsarpc_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/services/lsarpc"
	"lwio/services/state"
)

// openers are the three operations that open a policy.
var openers = map[string]func(*testing.T, *gen.Client, gen.LSAPR_OBJECT_ATTRIBUTES, nt.AccessMask) (rpc.ContextHandle, nt.Status, error){
	"LsarOpenPolicy": func(t *testing.T, c *gen.Client, a gen.LSAPR_OBJECT_ATTRIBUTES, m nt.AccessMask) (rpc.ContextHandle, nt.Status, error) {
		name := uint16('\\')
		out, err := c.LsarOpenPolicy(t.Context(), &gen.LsarOpenPolicyRequest{SystemName: &name, ObjectAttributes: a, DesiredAccess: uint32(m)})
		if err != nil {
			return rpc.ContextHandle{}, 0, err
		}
		return out.PolicyHandle, status(out.Return), nil
	},
	"LsarOpenPolicy2": func(t *testing.T, c *gen.Client, a gen.LSAPR_OBJECT_ATTRIBUTES, m nt.AccessMask) (rpc.ContextHandle, nt.Status, error) {
		out, err := c.LsarOpenPolicy2(t.Context(), &gen.LsarOpenPolicy2Request{SystemName: ndr.String(`\\GRÖSSE`), ObjectAttributes: a, DesiredAccess: uint32(m)})
		if err != nil {
			return rpc.ContextHandle{}, 0, err
		}
		return out.PolicyHandle, status(out.Return), nil
	},
	"LsarOpenPolicy3": func(t *testing.T, c *gen.Client, a gen.LSAPR_OBJECT_ATTRIBUTES, m nt.AccessMask) (rpc.ContextHandle, nt.Status, error) {
		out, err := c.LsarOpenPolicy3(t.Context(), &gen.LsarOpenPolicy3Request{ObjectAttributes: a, DesiredAccess: uint32(m), InVersion: 1,
			InRevisionInfo: gen.LSAPR_REVISION_INFO{V1: &gen.LSAPR_REVISION_INFO_V1{Revision: 1, SupportedFeatures: 1}}})
		if err != nil {
			return rpc.ContextHandle{}, 0, err
		}
		if out.OutVersion != 1 || out.OutRevisionInfo.V1 == nil || *out.OutRevisionInfo.V1 != (gen.LSAPR_REVISION_INFO_V1{Revision: 1}) {
			t.Errorf("revision: %+v", out)
		}
		return out.PolicyHandle, status(out.Return), nil
	},
}

func TestOpenPolicy(t *testing.T) {
	s := serve(t, lsarpc.Config{Authority: newAuthority()})
	open, err := nt.ParseSDDL("O:BAG:SYD:(A;;0x801;;;AN)", nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	free, err := state.NewLSA(t.Context(), state.NewMemory())
	if err == nil {
		err = free.ChangePolicy(t.Context(), func(p *state.LSAPolicy) error { p.Security = open; return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	lax := serve(t, lsarpc.Config{Authority: newAuthority(), Policy: free})
	root := gen.LSAPR_OBJECT_ATTRIBUTES{RootDirectory: new(uint8)}
	full := gen.LSAPR_OBJECT_ATTRIBUTES{Length: 24, SecurityQualityOfService: &gen.SECURITY_QUALITY_OF_SERVICE{Length: 12, ImpersonationLevel: gen.SecurityImpersonation, ContextTrackingMode: 1}}
	for name, opener := range openers {
		for _, tt := range []struct {
			who        string
			token      *nt.Token
			attributes gen.LSAPR_OBJECT_ATTRIBUTES
			access     nt.AccessMask
			want       nt.Status
		}{
			{"administrator", admin, full, nt.MaximumAllowed, nt.StatusSuccess},
			{"administrator", admin, full, nt.PolicyAllAccess, nt.StatusSuccess},
			{"administrator", admin, full, nt.GenericAll, nt.StatusSuccess},
			{"user", user, full, nt.MaximumAllowed, nt.StatusSuccess},
			{"user", user, full, nt.MaximumAllowed | nt.PolicyLookupNames, nt.StatusSuccess},
			{"user", user, full, nt.PolicyLookupNames | nt.PolicyViewLocalInformation, nt.StatusSuccess},
			{"user", user, full, nt.GenericExecute, nt.StatusSuccess},
			{"user", user, full, 0, nt.StatusSuccess},
			{"user", user, full, nt.GenericRead, nt.StatusAccessDenied},
			{"user", user, full, nt.PolicyViewAuditInformation, nt.StatusAccessDenied},
			{"user", user, full, nt.PolicyCreateAccount, nt.StatusAccessDenied},
			{"user", user, full, nt.AccessSystemSecurity, nt.StatusAccessDenied},
			{"anonymous", anonymous, full, nt.MaximumAllowed, nt.StatusAccessDenied},
			{"anonymous", anonymous, full, nt.PolicyLookupNames, nt.StatusAccessDenied},
			{"anonymous", anonymous, full, nt.PolicyViewLocalInformation, nt.StatusAccessDenied},
			{"administrator", admin, root, nt.MaximumAllowed, nt.StatusInvalidParameter},
			{"system", nt.SystemToken(), full, nt.PolicyAllAccess, nt.StatusSuccess},
		} {
			c := gen.NewClient(dial(t, s, tt.token, rpc.TransportNamedPipe))
			h, got, err := opener(t, c, tt.attributes, tt.access)
			if err != nil || got != tt.want || h.IsZero() != (tt.want != nt.StatusSuccess) {
				t.Errorf("%s as %s for %#x: %+v, %v, %v, want %v", name, tt.who, tt.access, h, got, err, tt.want)
			}
		}
		if _, got, err := opener(t, gen.NewClient(dial(t, lax, anonymous, rpc.TransportNamedPipe)), full, nt.MaximumAllowed); err != nil || got != nt.StatusSuccess {
			t.Errorf("%s as anonymous where the descriptor allows it: %v, %v", name, got, err)
		}
		for _, transport := range []rpc.Transport{rpc.TransportTCP, rpc.TransportLocal} {
			_, _, err := opener(t, gen.NewClient(dial(t, s, admin, transport)), full, nt.MaximumAllowed)
			if errors.Is(err, rpc.FaultAccessDenied) != (transport == rpc.TransportTCP) {
				t.Errorf("%s over %s: %v", name, transport, err)
			}
		}
	}
}

// A version that no client sends yet is refused without ending the association.
func TestOpenPolicy3Version(t *testing.T) {
	b := dial(t, serve(t, lsarpc.Config{Authority: newAuthority()}), admin, rpc.TransportNamedPipe)
	// What Windows 11 sends: a system name, empty attributes with a quality of service, access 0x800, version 1 and its revision.
	request := func(version byte) []byte {
		var w bytes.Buffer
		w.Write([]byte{0, 0, 2, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, '\\', 0, '\\', 0, 'h', 0, 'i', 0, 0, 0, 0, 0})
		w.Write([]byte{24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 2, 0, 12, 0, 0, 0, 2, 0, 1, 0})
		w.Write([]byte{0, 8, 0, 0, version, 0, 0, 0, version, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0})
		return w.Bytes()
	}
	send := func(version byte) (out gen.LsarOpenPolicy3Response, err error) {
		err = b.Call(t.Context(), 130, func(e *ndr.Encoder) { e.Uint8s(request(version)) }, func(d *ndr.Decoder) error {
			out.UnmarshalNDR(d, &gen.LsarOpenPolicy3Request{})
			return d.Err()
		})
		return out, err
	}
	if _, err := send(2); !errors.Is(err, rpc.FaultNDR) {
		t.Errorf("version 2: %v", err)
	}
	out, err := send(1)
	if err != nil || out.Return != 0 || out.PolicyHandle.IsZero() {
		t.Errorf("version 1: %+v, %v", out, err)
	}
}

func TestClose(t *testing.T) {
	c := connect(t, newAuthority(), user)
	h := open(t, c, nt.MaximumAllowed)
	other := connect(t, newAuthority(), user)
	for _, tt := range []struct {
		name string
		c    *gen.Client
		h    rpc.ContextHandle
		err  error
	}{
		{"the handle of another association", other, h, rpc.FaultContextMismatch},
		{"null", c, rpc.ContextHandle{}, rpc.FaultContextMismatch},
		{"forged", c, rpc.ContextHandle{UUID: nt.MustGUID("00112233-4455-6677-8899-aabbccddeeff")}, rpc.FaultContextMismatch},
		{"attributes", c, rpc.ContextHandle{Attributes: 1, UUID: h.UUID}, rpc.FaultContextMismatch},
		{"open", c, h, nil},
		{"closed", c, h, rpc.FaultContextMismatch},
	} {
		out, err := tt.c.LsarClose(t.Context(), &gen.LsarCloseRequest{ObjectHandle: tt.h})
		if !errors.Is(err, tt.err) || err == nil && (out.Return != 0 || !out.ObjectHandle.IsZero()) {
			t.Errorf("%s: %+v, %v", tt.name, out, err)
		}
	}
	if _, err := c.LsarQueryInformationPolicy(t.Context(), &gen.LsarQueryInformationPolicyRequest{PolicyHandle: h, InformationClass: 5}); !errors.Is(err, rpc.FaultContextMismatch) {
		t.Errorf("query with a closed handle: %v", err)
	}
}

// What is not served is a fault of its own, and what is not on the wire too.
func TestOpnumRange(t *testing.T) {
	b := dial(t, serve(t, lsarpc.Config{Authority: newAuthority()}), admin, rpc.TransportNamedPipe)
	h := open(t, gen.NewClient(b), nt.MaximumAllowed)
	for _, opnum := range []uint16{5, 9, 21, 22, 52, 56, 60, 67, 69, 72, 75, 78, 128, 131, 134, 142, 0xFFFF} {
		if err := b.Call(t.Context(), opnum, nil, nil); !errors.Is(err, rpc.FaultOpRange) {
			t.Errorf("opnum %d: %v", opnum, err)
		}
	}
	c := gen.NewClient(b)
	_, creds := c.LsarOpenPolicyWithCreds(t.Context(), &gen.LsarOpenPolicyWithCredsRequest{InVersion: 1, InRevisionInfo: gen.LSAPR_REVISION_INFO{V1: &gen.LSAPR_REVISION_INFO_V1{}}})
	_, secret := c.LsarOpenSecret2(t.Context(), &gen.LsarOpenSecret2Request{PolicyHandle: h})
	for i, err := range []error{creds, secret} {
		if !errors.Is(err, rpc.FaultOpRange) {
			t.Errorf("operation %d that is not served: %v", i, err)
		}
	}
	if out, err := c.LsarDelete(t.Context(), &gen.LsarDeleteRequest{ObjectHandle: h}); err != nil || status(out.Return) != nt.StatusNotSupported {
		t.Errorf("delete: %+v %v", out, err)
	}
	if _, err := c.LsarClose(t.Context(), &gen.LsarCloseRequest{ObjectHandle: h}); err != nil {
		t.Errorf("after them: %v", err)
	}
}

// Policy handles are bounded, and the bound is a fault.
func TestManyHandles(t *testing.T) {
	c := connect(t, newAuthority(), user)
	for i := range rpc.DefaultMaxHandles {
		if _, err := c.LsarOpenPolicy2(t.Context(), &gen.LsarOpenPolicy2Request{DesiredAccess: uint32(nt.MaximumAllowed)}); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := c.LsarOpenPolicy2(t.Context(), &gen.LsarOpenPolicy2Request{DesiredAccess: uint32(nt.MaximumAllowed)}); !errors.Is(err, rpc.FaultRemoteNoMemory) {
		t.Errorf("one handle too many: %v", err)
	}
}

func Example() {
	a := newAuthority()
	service := lsarpc.New(lsarpc.Config{Authority: a, Workgroup: "ARBEITSGRUPPE"})
	fmt.Println(gen.LsarpcInterface.Implements(service))
	// Output: true
}
