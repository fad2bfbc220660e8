package winreg_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/winreg"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/state"
	"lwio/services/winreg"
)

func token(groups ...nt.SID) *nt.Token {
	t := &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1000")}
	for _, g := range groups {
		t.Groups = append(t.Groups, nt.Group{SID: g, Attributes: nt.SEGroupDefault})
	}
	return t
}

var (
	admin = func() *nt.Token {
		t := token(nt.SIDWorld, nt.SIDNetwork, nt.SIDAuthenticatedUsers, nt.SIDBuiltinAdministrators)
		t.Privileges = nt.SeBackupPrivilege | nt.SeRestorePrivilege
		return t
	}()
	user  = token(nt.SIDWorld, nt.SIDNetwork, nt.SIDAuthenticatedUsers)
	local = token(nt.SIDWorld, nt.SIDAuthenticatedUsers)
)

type conn struct {
	net.Conn
	token *nt.Token
}

func (c conn) Token() *nt.Token { return c.token }

func registry(t *testing.T, store state.Store) *state.Registry {
	t.Helper()
	r, err := state.NewRegistry(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	if err := winreg.Seed(r, winreg.System{Host: func() auth.Host { return auth.Host{Name: "FIRST", DNSDomain: "example.org"} },
		Server: func() (winreg.LanmanServer, bool) {
			return winreg.LanmanServer{Comment: "größe", RequireSigning: true}, true
		},
		Services: []winreg.SystemService{{Name: "LanmanServer", Display: "Server", Start: 2, DependOn: []string{"SamSS"}}}}); err != nil {
		t.Fatal(err)
	}
	return r
}

type clientT struct {
	*gen.Client
	t *testing.T
}

func dial(t *testing.T, r *state.Registry, who *nt.Token) clientT {
	t.Helper()
	s := server.New(server.Config{})
	if err := s.Register(gen.WinregInterface, winreg.New(winreg.Config{Registry: r, Computer: "FIRST"})); err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	go s.ServeConn(context.Background(), conn{a, who})
	c := client.NewConn(b, client.Config{})
	t.Cleanup(func() { c.Close(); s.Close() })
	bound, err := c.Bind(t.Context(), gen.WinregInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return clientT{gen.NewClient(bound), t}
}

func text(s string) dtyp.RPC_UNICODE_STRING {
	u := append(nt.ToUTF16(s), 0)
	return dtyp.RPC_UNICODE_STRING{Length: uint16(2 * len(u)), MaximumLength: uint16(2 * len(u)), Buffer: u}
}

func (c clientT) machine(access nt.AccessMask) (rpc.ContextHandle, uint32) {
	c.t.Helper()
	out, err := c.OpenLocalMachine(c.t.Context(), &gen.OpenLocalMachineRequest{SamDesired: uint32(access)})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.PhKey, out.Return
}

func (c clientT) open(h rpc.ContextHandle, path string, access nt.AccessMask) (rpc.ContextHandle, uint32) {
	c.t.Helper()
	out, err := c.BaseRegOpenKey(c.t.Context(), &gen.BaseRegOpenKeyRequest{HKey: h, LpSubKey: text(path), SamDesired: uint32(access)})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.PhkResult, out.Return
}

func (c clientT) create(h rpc.ContextHandle, path string, options uint32) (rpc.ContextHandle, uint32, uint32) {
	c.t.Helper()
	out, err := c.BaseRegCreateKey(c.t.Context(), &gen.BaseRegCreateKeyRequest{HKey: h, LpSubKey: text(path), DwOptions: options, SamDesired: uint32(nt.MaximumAllowed), LpdwDisposition: new(uint32)})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.PhkResult, *out.LpdwDisposition, out.Return
}

func (c clientT) set(h rpc.ContextHandle, name string, data []byte) uint32 {
	c.t.Helper()
	out, err := c.BaseRegSetValue(c.t.Context(), &gen.BaseRegSetValueRequest{HKey: h, LpValueName: text(name), DwType: gen.REG_BINARY, LpData: data, CbData: uint32(len(data))})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.Return
}

func (c clientT) get(h rpc.ContextHandle, name string) ([]byte, uint32) {
	c.t.Helper()
	room := uint32(1 << 16)
	out, err := c.BaseRegQueryValue(c.t.Context(), &gen.BaseRegQueryValueRequest{HKey: h, LpValueName: text(name), LpType: new(uint32), LpData: []byte{}, LpcbData: &room, LpcbLen: new(uint32)})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.LpData, out.Return
}

// TestAccess: who may what, for administrators and users of the network, users of this machine and the null session.
func TestAccess(t *testing.T) {
	r := registry(t, state.NewMemory())
	anyone := []*nt.Token{admin, user, local, nt.AnonymousToken()}
	const ok, denied, unsupported, privilege = 0, 5, 50, 1314
	software := func(c clientT, access nt.AccessMask) (rpc.ContextHandle, uint32) {
		h, code := c.machine(nt.MaximumAllowed)
		if code != 0 {
			return h, code
		}
		return c.open(h, "SOFTWARE", access)
	}
	for _, tt := range []struct {
		name string
		call func(clientT) uint32
		want [4]uint32
	}{
		{"2 HKLM", func(c clientT) uint32 { _, code := c.machine(nt.KeyRead); return code }, [4]uint32{ok, ok, ok, denied}},
		{"2 HKLM to write", func(c clientT) uint32 { _, code := c.machine(nt.KeyWrite); return code }, [4]uint32{ok, denied, denied, denied}},
		{"4 HKU", func(c clientT) uint32 {
			out, err := c.OpenUsers(t.Context(), &gen.OpenUsersRequest{SamDesired: uint32(nt.KeyRead)})
			if err != nil {
				t.Fatal(err)
			}
			return out.Return
		}, [4]uint32{ok, denied, ok, denied}},
		{"1 HKCU", func(c clientT) uint32 {
			out, err := c.OpenCurrentUser(t.Context(), &gen.OpenCurrentUserRequest{SamDesired: uint32(nt.KeyAllAccess)})
			if err != nil {
				t.Fatal(err)
			}
			return out.Return
		}, [4]uint32{ok, denied, ok, denied}},
		{"3 HKPD", func(c clientT) uint32 {
			out, err := c.OpenPerformanceData(t.Context(), &gen.OpenPerformanceDataRequest{})
			if err != nil {
				t.Fatal(err)
			}
			return out.Return
		}, [4]uint32{ok, denied, ok, denied}},
		{"15 SOFTWARE", func(c clientT) uint32 { _, code := software(c, nt.KeyRead); return code }, [4]uint32{ok, denied, ok, denied}},
		{"15 SAM", func(c clientT) uint32 {
			h, code := c.machine(nt.MaximumAllowed)
			if code == 0 {
				_, code = c.open(h, "SAM", nt.KeyRead)
			}
			return code
		}, [4]uint32{denied, denied, denied, denied}},
		{"15 ProductOptions", func(c clientT) uint32 {
			h, code := c.machine(nt.MaximumAllowed)
			if code == 0 {
				_, code = c.open(h, `SYSTEM\CurrentControlSet\Control\ProductOptions`, nt.KeyRead)
			}
			return code
		}, [4]uint32{ok, ok, ok, denied}},
		{"6 create", func(c clientT) uint32 {
			h, code := c.machine(nt.MaximumAllowed)
			if code == 0 {
				_, _, code = c.create(h, `SOFTWARE\new`, 0)
			}
			return code
		}, [4]uint32{ok, denied, ok, denied}}, // it is there when the local user comes
		{"7 delete", func(c clientT) uint32 {
			h, code := c.machine(nt.MaximumAllowed)
			if code != 0 {
				return code
			}
			out, err := c.BaseRegDeleteKey(t.Context(), &gen.BaseRegDeleteKeyRequest{HKey: h, LpSubKey: text(`SOFTWARE\Microsoft\Windows\CurrentVersion`)})
			if err != nil {
				t.Fatal(err)
			}
			return out.Return
		}, [4]uint32{ok, denied, 2, denied}},
		{"7 delete a predefined key", func(c clientT) uint32 {
			h, code := c.machine(nt.MaximumAllowed)
			if code != 0 {
				return code
			}
			out, err := c.BaseRegDeleteKey(t.Context(), &gen.BaseRegDeleteKeyRequest{HKey: h, LpSubKey: text(`HARDWARE`)})
			if err != nil {
				t.Fatal(err)
			}
			return out.Return
		}, [4]uint32{ok, denied, 2, denied}},
		{"22 set", func(c clientT) uint32 {
			h, code := software(c, nt.MaximumAllowed)
			if code == 0 {
				code = c.set(h, "x", []byte("y"))
			}
			return code
		}, [4]uint32{ok, denied, denied, denied}},
		{"20 save", func(c clientT) uint32 {
			h, code := c.machine(nt.MaximumAllowed)
			if code != 0 {
				return code
			}
			out, err := c.BaseRegSaveKey(t.Context(), &gen.BaseRegSaveKeyRequest{HKey: h, LpFile: text("x")})
			if err != nil {
				t.Fatal(err)
			}
			return out.Return
		}, [4]uint32{unsupported, privilege, privilege, denied}},
		{"24 shut down", func(c clientT) uint32 {
			out, err := c.BaseInitiateSystemShutdown(t.Context(), &gen.BaseInitiateSystemShutdownRequest{})
			if err != nil {
				t.Fatal(err)
			}
			return out.Return
		}, [4]uint32{denied, denied, denied, denied}},
	} {
		for i, who := range anyone {
			if got := tt.call(dial(t, r, who)); got != tt.want[i] {
				t.Errorf("%s, caller %d: %d, want %d", tt.name, i, got, tt.want[i])
			}
		}
	}
}

// TestBuffers: how much is told of data that do not fit (MS-RRP 3.1.5.11, 3.1.5.17).
func TestBuffers(t *testing.T) {
	c := dial(t, registry(t, state.NewMemory()), admin)
	hklm, _ := c.machine(nt.MaximumAllowed)
	h, made, code := c.create(hklm, `SOFTWARE\a\b`, 0)
	if code != 0 || made != gen.REG_CREATED_NEW_KEY {
		t.Fatal(made, code)
	}
	if _, made, code := c.create(hklm, `software\A\B`, 0); code != 0 || made != gen.REG_OPENED_EXISTING_KEY {
		t.Error(made, code)
	}
	if code := c.set(h, "größe", []byte("12345")); code != 0 {
		t.Fatal(code)
	}
	number := func(v uint32) *uint32 { return &v }
	for _, tt := range []struct {
		name       string
		in         gen.BaseRegQueryValueRequest
		want, size uint32
		data       string
	}{
		{"no name", gen.BaseRegQueryValueRequest{LpType: new(uint32), LpcbData: new(uint32), LpcbLen: new(uint32)}, 87, 0, ""},
		{"no type", gen.BaseRegQueryValueRequest{LpValueName: text("größe"), LpcbData: new(uint32), LpcbLen: new(uint32)}, 87, 0, ""},
		{"no size", gen.BaseRegQueryValueRequest{LpValueName: text("größe"), LpType: new(uint32), LpcbLen: new(uint32)}, 87, 0, ""},
		{"size only", gen.BaseRegQueryValueRequest{LpValueName: text("GRÖSSE"), LpType: new(uint32), LpcbData: new(uint32), LpcbLen: new(uint32)}, 2, 0, ""},
		{"size only", gen.BaseRegQueryValueRequest{LpValueName: text("GRÖßE"), LpType: new(uint32), LpcbData: new(uint32), LpcbLen: new(uint32)}, 0, 5, ""},
		{"too small", gen.BaseRegQueryValueRequest{LpValueName: text("größe"), LpType: new(uint32), LpData: []byte{}, LpcbData: number(4), LpcbLen: new(uint32)}, 234, 5, ""},
		{"fits", gen.BaseRegQueryValueRequest{LpValueName: text("größe"), LpType: new(uint32), LpData: []byte{}, LpcbData: number(5), LpcbLen: new(uint32)}, 0, 5, "12345"},
	} {
		tt.in.HKey = h
		out, err := c.BaseRegQueryValue(t.Context(), &tt.in)
		if err != nil || out.Return != tt.want || string(out.LpData) != tt.data || tt.size != 0 && *out.LpcbData != tt.size || tt.data != "" && *out.LpType != gen.REG_BINARY {
			t.Errorf("%s: %+v %v", tt.name, out, err)
		}
	}
	enum := func(i uint32, room uint16) *gen.BaseRegEnumValueResponse {
		out, err := c.BaseRegEnumValue(t.Context(), &gen.BaseRegEnumValueRequest{HKey: h, DwIndex: i, LpValueNameIn: dtyp.RPC_UNICODE_STRING{MaximumLength: room, Buffer: []uint16{}}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := enum(0, 11); out.Return != 234 {
		t.Errorf("%+v", out)
	}
	if out := enum(0, 12); out.Return != 0 || out.LpValueNameOut.Length != 12 {
		t.Errorf("%+v", out)
	}
	if out := enum(1, 12); out.Return != 259 {
		t.Errorf("%+v", out)
	}
	info, err := c.BaseRegQueryInfoKey(t.Context(), &gen.BaseRegQueryInfoKeyRequest{HKey: h})
	if err != nil || info.LpcValues != 1 || info.LpcbMaxValueNameLen != 10 || info.LpcbMaxValueLen != 5 || info.LpftLastWriteTime == (dtyp.FILETIME{}) {
		t.Errorf("%+v %v", info, err)
	}
	many, err := c.BaseRegQueryMultipleValues2(t.Context(), &gen.BaseRegQueryMultipleValues2Request{HKey: h, NumVals: 2, LpvalueBuf: make([]byte, 16), LdwTotsize: 16,
		ValListIn: []gen.RVALENT{{VeValuename: ptr(text("größe"))}, {VeValuename: ptr(text("größe"))}}})
	if err != nil || many.Return != 0 || many.LdwRequiredSize != 13 || many.ValListOut[1].VeValueptr != 8 || !bytes.Equal(many.LpvalueBuf[:13], []byte("12345\x00\x00\x0012345")) {
		t.Errorf("%+v %v", many, err)
	}
	for name, want := range map[string]uint32{`\x`: 161, `a\\b`: 87, "none": 2, "a\x00b": 87} {
		if _, code := c.open(hklm, name, nt.KeyRead); code != want {
			t.Errorf("%q: %d", name, code)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// TestKept: what is there after a start and what is not; what is told live cannot be set.
func TestKept(t *testing.T) {
	store := state.NewMemory()
	c := dial(t, registry(t, store), admin)
	hklm, _ := c.machine(nt.MaximumAllowed)
	kept, _, _ := c.create(hklm, `SOFTWARE\kept\below`, 0)
	c.set(kept, "", []byte("default"))
	c.set(kept, "gone", []byte("x"))
	if out, err := c.BaseRegDeleteValue(t.Context(), &gen.BaseRegDeleteValueRequest{HKey: kept, LpValueName: text("GONE")}); err != nil || out.Return != 0 {
		t.Error(out, err)
	}
	volatile, _, _ := c.create(hklm, `SOFTWARE\volatile`, gen.REG_OPTION_VOLATILE)
	if _, _, code := c.create(volatile, "x", 0); code != uint32(nt.WErrChildMustBeVolatile) {
		t.Error(code)
	}
	if out, err := c.BaseRegDeleteKey(t.Context(), &gen.BaseRegDeleteKeyRequest{HKey: hklm, LpSubKey: text(`SOFTWARE\kept`)}); err != nil || out.Return != 5 {
		t.Errorf("a key with another under it: %+v %v", out, err)
	}
	sd, _ := nt.ParseSDDL("D:P(A;;KA;;;BA)", nt.SID{})
	b := sd.Append(nil)
	if out, err := c.BaseRegSetKeySecurity(t.Context(), &gen.BaseRegSetKeySecurityRequest{HKey: kept, SecurityInformation: uint32(nt.DACLSecurityInformation),
		PRpcSecurityDescriptor: gen.RPC_SECURITY_DESCRIPTOR{LpSecurityDescriptor: b, CbInSecurityDescriptor: uint32(len(b)), CbOutSecurityDescriptor: uint32(len(b))}}); err != nil || out.Return != 0 {
		t.Error(out, err)
	}
	name, _ := c.open(hklm, `SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName`, nt.KeyAllAccess)
	if code := c.set(name, "computername", []byte("x")); code != 5 {
		t.Error(code)
	}
	if b, code := c.get(name, "ComputerName"); code != 0 || nt.DecodeUTF16(b) != "FIRST\x00" {
		t.Errorf("%q %d", b, code)
	}
	// The next start.
	r := registry(t, store)
	c = dial(t, r, admin)
	hklm, _ = c.machine(nt.MaximumAllowed)
	again, code := c.open(hklm, `software\KEPT\below`, nt.KeyAllAccess)
	if b, _ := c.get(again, ""); code != 0 || string(b) != "default" {
		t.Errorf("%q %d", b, code)
	}
	if _, code := c.get(again, "gone"); code != 2 {
		t.Error(code)
	}
	if _, code := c.open(hklm, `SOFTWARE\volatile`, nt.KeyRead); code != 2 {
		t.Error(code)
	}
	if _, err := dial(t, r, local).BaseRegGetVersion(t.Context(), &gen.BaseRegGetVersionRequest{HKey: hklm}); !errors.Is(err, rpc.FaultContextMismatch) {
		t.Error("a handle of another association:", err)
	}
	l := dial(t, r, local)
	lh, _ := l.machine(nt.KeyRead)
	if _, code := l.open(lh, `SOFTWARE\kept\below`, nt.KeyRead); code != 5 {
		t.Error(code)
	}
	if out, err := c.BaseRegDeleteKey(t.Context(), &gen.BaseRegDeleteKeyRequest{HKey: hklm, LpSubKey: text(`SOFTWARE\kept\below`)}); err != nil || out.Return != 0 {
		t.Error(out, err)
	}
	if _, code := c.get(again, ""); code != uint32(nt.WErrKeyDeleted) {
		t.Error(code)
	}
}

// TestNotify: a call waits for a change, of the kind and at the place that it asks for.
func TestNotify(t *testing.T) {
	r := registry(t, state.NewMemory())
	c, other := dial(t, r, admin), dial(t, r, admin)
	h, _ := c.machine(nt.KeyRead)
	for _, filter := range []uint32{0, 0x10000} {
		if out, err := c.BaseRegNotifyChangeKeyValue(t.Context(), &gen.BaseRegNotifyChangeKeyValueRequest{HKey: h, DwNotifyFilter: filter}); err != nil || out.Return != 87 {
			t.Error(out, err)
		}
	}
	done := make(chan uint32, 1)
	soft, _ := c.open(h, "SOFTWARE", nt.KeyRead)
	k, err := r.Open(r.Root(), `MACHINE\SOFTWARE`)
	if err != nil {
		t.Fatal(err)
	}
	early, err := r.Watch(k, false, state.RegistryChangeName)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		out, err := c.BaseRegNotifyChangeKeyValue(t.Context(), &gen.BaseRegNotifyChangeKeyValueRequest{HKey: soft, FWatchSubtree: 1, DwNotifyFilter: gen.REG_NOTIFY_CHANGE_LAST_SET})
		if err != nil {
			out = &gen.BaseRegNotifyChangeKeyValueResponse{Return: 1}
		}
		done <- out.Return
	}()
	oh, _ := other.machine(nt.MaximumAllowed)
	deep, _, _ := other.create(oh, `SOFTWARE\x\y`, 0)
	<-early.Changed()
	for i := byte(0); ; i++ { // the call may not have begun to wait
		other.set(deep, "v", []byte{i})
		select {
		case code := <-done:
			if code != 0 {
				t.Error(code)
			}
			return
		default:
		}
	}
}

func TestPerformanceData(t *testing.T) {
	c := dial(t, registry(t, state.NewMemory()), admin)
	out, err := c.OpenPerformanceData(t.Context(), &gen.OpenPerformanceDataRequest{SamDesired: uint32(nt.KeyRead)})
	if err != nil || out.Return != 0 {
		t.Fatal(out, err)
	}
	b, code := c.get(out.PhKey, "Global")
	if code != 0 || !bytes.HasPrefix(b, nt.AppendUTF16(nil, "PERF")) || len(b) != 104 || int(b[20]) != len(b) || b[28] != 0 {
		t.Errorf("% x %d", b, code)
	}
	if b, code := c.get(out.PhKey, "Counter 009"); code != 0 || len(b) != 2 {
		t.Errorf("% x %d", b, code)
	}
	if _, code := c.get(out.PhKey, "nothing"); code != 2 {
		t.Error(code)
	}
	if _, code := c.open(out.PhKey, "x", nt.KeyRead); code != 2 {
		t.Error(code)
	}
}
