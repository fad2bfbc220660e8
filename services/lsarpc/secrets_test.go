package lsarpc_test

import (
	"crypto/des"
	"encoding/binary"
	"strings"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/lsarpc"
)

// sessionKey is that of the connections of keyed.
var sessionKey = []byte("0123456789abcdef")

// keyed is a connection with a session key.
type keyed struct{ conn }

func (k keyed) SessionKey() []byte { return sessionKey }

// oracle is the encryption as the specification describes it, written another way than the service has it: the key is laid out for all blocks first.
func oracle(b []byte, encrypt bool) []byte {
	out := append([]byte(nil), b...)
	at := 0
	for i := 0; i+8 <= len(out); i += 8 {
		seven := append([]byte(nil), sessionKey[at:at+7]...)
		var key [8]byte
		key[0] = seven[0] >> 1
		for j := 1; j < 7; j++ {
			key[j] = seven[j-1]<<(7-j)&0x7F | seven[j]>>(j+1)
		}
		key[7] = seven[6] & 0x7F
		for j := range key {
			key[j] <<= 1
		}
		block, _ := des.NewCipher(key[:])
		if encrypt {
			block.Encrypt(out[i:], out[i:i+8])
		} else {
			block.Decrypt(out[i:], out[i:i+8])
		}
		if at += 7; at+7 > 16 {
			at = 16 - at
		}
	}
	return out
}

func cipher(value string) *gen.LSAPR_CR_CIPHER_VALUE {
	b := make([]byte, 8, 8+len(value)+8)
	binary.LittleEndian.PutUint32(b, uint32(len(value)))
	b[4] = 1
	b = append(b, value...)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	b = oracle(b, true)
	return &gen.LSAPR_CR_CIPHER_VALUE{Length: uint32(len(b)), MaximumLength: uint32(len(b)), Buffer: b}
}

// plain is what a cipher holds; "NULL" for none.
func plain(t *testing.T, x *gen.LSAPR_CR_CIPHER_VALUE) string {
	t.Helper()
	if x == nil {
		return "NULL"
	}
	b := oracle(x.Buffer, false)
	n := binary.LittleEndian.Uint32(b)
	if b[4] != 1 || int(n) > len(b)-8 || len(b)-8-int(n) >= 8 {
		t.Fatalf("%x", b)
	}
	return string(b[8 : 8+n])
}

func secretName(s string) dtyp.RPC_UNICODE_STRING { return dtyp.NewRPC_UNICODE_STRING(s) }

// keyedClient serves a new policy to a connection with a key.
func keyedClient(t *testing.T, token *nt.Token, transport rpc.Transport) (*gen.Client, rpc.ContextHandle) {
	t.Helper()
	s := serve(t, lsarpc.Config{Authority: newAuthority(), Policy: newPolicy(t)})
	c := gen.NewClient(dialKeyed(t, s, token, transport))
	return c, open(t, c, nt.MaximumAllowed)
}

func TestSecret(t *testing.T) {
	c, h := keyedClient(t, admin, rpc.TransportNamedPipe)
	created, err := c.LsarCreateSecret(t.Context(), &gen.LsarCreateSecretRequest{PolicyHandle: h, SecretName: secretName("G$größe"), DesiredAccess: uint32(nt.MaximumAllowed)})
	if err != nil || created.Return != 0 {
		t.Fatalf("%+v %v", created, err)
	}
	x := created.SecretHandle
	if out, err := c.LsarCreateSecret(t.Context(), &gen.LsarCreateSecretRequest{PolicyHandle: h, SecretName: secretName("g$GRÖßE")}); err != nil || status(out.Return) != nt.StatusObjectNameCollision {
		t.Errorf("%+v %v", out, err)
	}
	put := func(current, old *gen.LSAPR_CR_CIPHER_VALUE) nt.Status {
		t.Helper()
		out, err := c.LsarSetSecret(t.Context(), &gen.LsarSetSecretRequest{SecretHandle: x, EncryptedCurrentValue: current, EncryptedOldValue: old})
		if err != nil {
			t.Fatal(err)
		}
		return status(out.Return)
	}
	type values struct {
		current, old string
		newer, same  bool
	}
	get := func() (v values) {
		t.Helper()
		out, err := c.LsarQuerySecret(t.Context(), &gen.LsarQuerySecretRequest{SecretHandle: x, EncryptedCurrentValue: new(*gen.LSAPR_CR_CIPHER_VALUE), EncryptedOldValue: new(*gen.LSAPR_CR_CIPHER_VALUE),
			CurrentValueSetTime: &dtyp.LARGE_INTEGER{}, OldValueSetTime: &dtyp.LARGE_INTEGER{}})
		if err != nil || out.Return != 0 {
			t.Fatalf("%+v %v", out, err)
		}
		return values{plain(t, *out.EncryptedCurrentValue), plain(t, *out.EncryptedOldValue), out.CurrentValueSetTime.QuadPart > out.OldValueSetTime.QuadPart,
			out.CurrentValueSetTime.QuadPart == out.OldValueSetTime.QuadPart}
	}
	check := func(what string, want values) {
		t.Helper()
		if got := get(); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	check("new", values{"NULL", "NULL", false, true})
	put(cipher("one"), nil)
	check("one", values{"one", "NULL", true, false})
	put(cipher("a longer value, of more than two blocks"), nil)
	check("two", values{"a longer value, of more than two blocks", "one", true, false})
	put(nil, cipher("older"))
	check("old alone", values{"NULL", "older", false, true})
	put(cipher(""), cipher("older"))
	check("empty", values{"", "older", false, true})

	broken := cipher("one")
	broken.Buffer[0]++
	for name, tt := range map[string]struct {
		x    *gen.LSAPR_CR_CIPHER_VALUE
		want nt.Status
	}{
		"broken":        {broken, nt.StatusUnknownRevision},
		"no header":     {&gen.LSAPR_CR_CIPHER_VALUE{Length: 4, MaximumLength: 4, Buffer: make([]byte, 4)}, nt.StatusInvalidParameter},
		"half a block":  {&gen.LSAPR_CR_CIPHER_VALUE{Length: 12, MaximumLength: 12, Buffer: make([]byte, 12)}, nt.StatusInvalidParameter},
		"empty":         {&gen.LSAPR_CR_CIPHER_VALUE{}, nt.StatusInvalidParameter},
		"too long says": {&gen.LSAPR_CR_CIPHER_VALUE{Length: 8, MaximumLength: 8, Buffer: oracle([]byte{1, 0, 0, 0, 1, 0, 0, 0}, true)}, nt.StatusWrongPassword},
		"too long":      {cipher(strings.Repeat("x", 65537)), nt.StatusSecretTooLong},
	} {
		if got := put(tt.x, nil); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	check("after all that", values{"", "older", false, true})
	// Only what is asked for comes back.
	if out, err := c.LsarQuerySecret(t.Context(), &gen.LsarQuerySecretRequest{SecretHandle: x}); err != nil || out.Return != 0 || out.EncryptedCurrentValue != nil || out.OldValueSetTime != nil {
		t.Errorf("%+v %v", out, err)
	}
	if out, err := c.LsarDeleteObject(t.Context(), &gen.LsarDeleteObjectRequest{ObjectHandle: x}); err != nil || out.Return != 0 {
		t.Errorf("%+v %v", out, err)
	}
	if out, err := c.LsarOpenSecret(t.Context(), &gen.LsarOpenSecretRequest{PolicyHandle: h, SecretName: secretName("G$größe")}); err != nil || status(out.Return) != nt.StatusObjectNameNotFound {
		t.Errorf("%+v %v", out, err)
	}
}

func TestPrivateData(t *testing.T) {
	c, h := keyedClient(t, admin, rpc.TransportNamedPipe)
	store := func(name string, x *gen.LSAPR_CR_CIPHER_VALUE) nt.Status {
		t.Helper()
		out, err := c.LsarStorePrivateData(t.Context(), &gen.LsarStorePrivateDataRequest{PolicyHandle: h, KeyName: secretName(name), EncryptedData: x})
		if err != nil {
			t.Fatal(err)
		}
		return status(out.Return)
	}
	retrieve := func(name string) (string, nt.Status) {
		t.Helper()
		out, err := c.LsarRetrievePrivateData(t.Context(), &gen.LsarRetrievePrivateDataRequest{PolicyHandle: h, KeyName: secretName(name)})
		if err != nil {
			t.Fatal(err)
		}
		return plain(t, out.EncryptedData), status(out.Return)
	}
	if got := store("x", nil); got != nt.StatusObjectNameNotFound {
		t.Errorf("delete what is not there: %v", got)
	}
	for _, v := range []string{"one", "two"} {
		if got := store("x", cipher(v)); got != 0 {
			t.Errorf("%v", got)
		}
		if got, st := retrieve("X"); got != v || st != 0 {
			t.Errorf("%s %v", got, st)
		}
	}
	if got := store("x", nil); got != 0 {
		t.Errorf("%v", got)
	}
	if _, st := retrieve("x"); st != nt.StatusObjectNameNotFound {
		t.Errorf("%v", st)
	}
}

// TestSecretNames: who may have to do with which names at all, by every operation that takes one.
func TestSecretNames(t *testing.T) {
	long, nul := strings.Repeat("x", 129), "a\x00b"
	for _, tt := range []struct {
		who       string
		token     *nt.Token
		transport rpc.Transport
		want      map[string]nt.Status
	}{
		{"administrator from elsewhere", admin, rpc.TransportNamedPipe, map[string]nt.Status{"plain": 0, "G$x": 0, "L$x": nt.StatusAccessDenied, "l$x": nt.StatusAccessDenied, "M$x": nt.StatusAccessDenied,
			"$MACHINE.ACC": nt.StatusAccessDenied, "NL$KM": nt.StatusAccessDenied, "_SC_srv": nt.StatusAccessDenied, "sac": nt.StatusAccessDenied, "sacred": 0,
			"": nt.StatusInvalidParameter, `a\b`: nt.StatusInvalidParameter, nul: nt.StatusInvalidParameter, long: nt.StatusNameTooLong}},
		{"administrator here", admin, rpc.TransportLocal, map[string]nt.Status{"plain": 0, "L$x": 0, "M$x": nt.StatusAccessDenied, "_SC_srv": nt.StatusAccessDenied}},
		{"the system", nt.SystemToken(), rpc.TransportLocal, map[string]nt.Status{"L$x": 0, "M$x": 0, "$MACHINE.ACC": 0}},
		{"the system of elsewhere", nt.SystemToken(), rpc.TransportNamedPipe, map[string]nt.Status{"L$x": nt.StatusAccessDenied, "M$x": nt.StatusAccessDenied}},
	} {
		c, h := keyedClient(t, tt.token, tt.transport)
		for name, want := range tt.want {
			missing := want
			if want == 0 {
				missing = nt.StatusObjectNameNotFound
			}
			opened, err := c.LsarOpenSecret(t.Context(), &gen.LsarOpenSecretRequest{PolicyHandle: h, SecretName: secretName(name)})
			if err != nil || status(opened.Return) != missing {
				t.Errorf("%s opens %q: %+v %v", tt.who, name, opened, err)
			}
			got, err := c.LsarRetrievePrivateData(t.Context(), &gen.LsarRetrievePrivateDataRequest{PolicyHandle: h, KeyName: secretName(name)})
			if err != nil || status(got.Return) != missing {
				t.Errorf("%s retrieves %q: %+v %v", tt.who, name, got, err)
			}
			created, err := c.LsarCreateSecret(t.Context(), &gen.LsarCreateSecretRequest{PolicyHandle: h, SecretName: secretName(name)})
			if err != nil || status(created.Return) != want {
				t.Errorf("%s creates %q: %+v %v", tt.who, name, created, err)
			}
			stored, err := c.LsarStorePrivateData(t.Context(), &gen.LsarStorePrivateDataRequest{PolicyHandle: h, KeyName: secretName(name), EncryptedData: cipher("v")})
			if err != nil || status(stored.Return) != want {
				t.Errorf("%s stores %q: %+v %v", tt.who, name, stored, err)
			}
		}
	}
}
