package svcctl_test

import (
	"context"
	"encoding/binary"
	"net"
	"testing"

	gen "lwio/gen/svcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/state"
	"lwio/services/svcctl"
)

func token(groups ...nt.SID) *nt.Token {
	t := &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1000"), Account: "größe"}
	for _, g := range groups {
		t.Groups = append(t.Groups, nt.Group{SID: g, Attributes: nt.SEGroupDefault})
	}
	return t
}

var (
	admin = token(nt.SIDWorld, nt.SIDNetwork, nt.SIDAuthenticatedUsers, nt.SIDBuiltinAdministrators)
	user  = token(nt.SIDWorld, nt.SIDNetwork, nt.SIDAuthenticatedUsers)
	local = token(nt.SIDWorld, nt.SIDInteractive, nt.SIDAuthenticatedUsers)
)

type conn struct {
	net.Conn
	token *nt.Token
}

func (c conn) Token() *nt.Token { return c.token }

func dial(t *testing.T, m *svcctl.Manager, who *nt.Token) *gen.Client {
	t.Helper()
	s := server.New(server.Config{})
	if err := s.Register(gen.SvcctlInterface, m); err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	go s.ServeConn(context.Background(), conn{a, who})
	c := client.NewConn(b, client.Config{})
	t.Cleanup(func() { c.Close(); s.Close() })
	bound, err := c.Bind(t.Context(), gen.SvcctlInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return gen.NewClient(bound)
}

// call gives what a call answered, or fails the test.
func call[R any](t *testing.T) func(R, error) R {
	return func(r R, err error) R {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

func open(t *testing.T, c *gen.Client, access nt.AccessMask) (rpc.ContextHandle, uint32) {
	t.Helper()
	out := call[*gen.ROpenSCManagerWResponse](t)(c.ROpenSCManagerW(t.Context(), &gen.ROpenSCManagerWRequest{DwDesiredAccess: uint32(access)}))
	return out.LpScHandle, out.Return
}

func service(t *testing.T, c *gen.Client, m rpc.ContextHandle, name string, access nt.AccessMask) (rpc.ContextHandle, uint32) {
	t.Helper()
	out := call[*gen.ROpenServiceWResponse](t)(c.ROpenServiceW(t.Context(), &gen.ROpenServiceWRequest{HSCManager: m, LpServiceName: name, DwDesiredAccess: uint32(access)}))
	return out.LpServiceHandle, out.Return
}

// TestAccess: who may what, for an administrator and a user of the network, a user of this machine and the null session.
func TestAccess(t *testing.T) {
	m := svcctl.New(svcctl.Config{Services: svcctl.Host("/lwiod")})
	const ok, denied, running, control = 0, 5, 1056, 1052
	with := func(access nt.AccessMask, f func(*gen.Client, rpc.ContextHandle) uint32) func(*gen.Client) uint32 {
		return func(c *gen.Client) uint32 {
			h, code := open(t, c, nt.SCManagerConnect)
			if code != 0 {
				return code
			}
			s, code := service(t, c, h, "lanmanserver", access)
			if code != 0 {
				return code
			}
			return f(c, s)
		}
	}
	for _, tt := range []struct {
		name string
		call func(*gen.Client) uint32
		want [4]uint32
	}{
		{"15 connect", func(c *gen.Client) uint32 { _, code := open(t, c, nt.SCManagerConnect); return code }, [4]uint32{ok, ok, ok, denied}},
		{"15 enumerate", func(c *gen.Client) uint32 { _, code := open(t, c, nt.SCManagerEnumerateService); return code }, [4]uint32{ok, denied, ok, denied}},
		{"15 create", func(c *gen.Client) uint32 { _, code := open(t, c, nt.SCManagerCreateService); return code }, [4]uint32{ok, denied, denied, denied}},
		{"16 status", with(nt.ServiceQueryStatus, func(*gen.Client, rpc.ContextHandle) uint32 { return 0 }), [4]uint32{ok, denied, ok, denied}},
		{"16 stop", with(nt.ServiceStop, func(*gen.Client, rpc.ContextHandle) uint32 { return 0 }), [4]uint32{ok, denied, denied, denied}},
		{"1 stop", with(nt.ServiceStop, func(c *gen.Client, s rpc.ContextHandle) uint32 {
			return call[*gen.RControlServiceResponse](t)(c.RControlService(t.Context(), &gen.RControlServiceRequest{HService: s, DwControl: 1})).Return
		}), [4]uint32{control, denied, denied, denied}},
		{"1 stop without the right", with(nt.ServiceQueryStatus, func(c *gen.Client, s rpc.ContextHandle) uint32 {
			return call[*gen.RControlServiceResponse](t)(c.RControlService(t.Context(), &gen.RControlServiceRequest{HService: s, DwControl: 1})).Return
		}), [4]uint32{denied, denied, denied, denied}},
		{"1 no control", with(nt.ServiceQueryStatus, func(c *gen.Client, s rpc.ContextHandle) uint32 {
			return call[*gen.RControlServiceResponse](t)(c.RControlService(t.Context(), &gen.RControlServiceRequest{HService: s, DwControl: 0})).Return
		}), [4]uint32{87, denied, 87, denied}},
		{"19 start", with(nt.ServiceStart, func(c *gen.Client, s rpc.ContextHandle) uint32 {
			return call[*gen.RStartServiceWResponse](t)(c.RStartServiceW(t.Context(), &gen.RStartServiceWRequest{HService: s})).Return
		}), [4]uint32{running, denied, denied, denied}},
		{"2 delete", with(nt.Delete, func(c *gen.Client, s rpc.ContextHandle) uint32 {
			return call[*gen.RDeleteServiceResponse](t)(c.RDeleteService(t.Context(), &gen.RDeleteServiceRequest{HService: s})).Return
		}), [4]uint32{denied, denied, denied, denied}},
		{"11 change nothing", with(nt.ServiceChangeConfig, func(c *gen.Client, s rpc.ContextHandle) uint32 {
			return call[*gen.RChangeServiceConfigWResponse](t)(c.RChangeServiceConfigW(t.Context(), &gen.RChangeServiceConfigWRequest{HService: s, DwServiceType: 0xFFFFFFFF, DwStartType: 2, DwErrorControl: 0xFFFFFFFF})).Return
		}), [4]uint32{ok, denied, denied, denied}},
		{"11 disable", with(nt.ServiceChangeConfig, func(c *gen.Client, s rpc.ContextHandle) uint32 {
			return call[*gen.RChangeServiceConfigWResponse](t)(c.RChangeServiceConfigW(t.Context(), &gen.RChangeServiceConfigWRequest{HService: s, DwServiceType: 0xFFFFFFFF, DwStartType: 4, DwErrorControl: 0xFFFFFFFF})).Return
		}), [4]uint32{denied, denied, denied, denied}},
		{"17 config", with(nt.ServiceQueryConfig, func(c *gen.Client, s rpc.ContextHandle) uint32 {
			return call[*gen.RQueryServiceConfigWResponse](t)(c.RQueryServiceConfigW(t.Context(), &gen.RQueryServiceConfigWRequest{HService: s, CbBufSize: 8192})).Return
		}), [4]uint32{ok, denied, ok, denied}},
		{"39/1 without the right", with(nt.ServiceQueryStatus, func(c *gen.Client, s rpc.ContextHandle) uint32 {
			return call[*gen.RQueryServiceConfig2WResponse](t)(c.RQueryServiceConfig2W(t.Context(), &gen.RQueryServiceConfig2WRequest{HService: s, DwInfoLevel: 1})).Return
		}), [4]uint32{denied, denied, denied, denied}},
		{"39/12", with(nt.ServiceQueryConfig, func(c *gen.Client, s rpc.ContextHandle) uint32 {
			return call[*gen.RQueryServiceConfig2WResponse](t)(c.RQueryServiceConfig2W(t.Context(), &gen.RQueryServiceConfig2WRequest{HService: s, DwInfoLevel: 12})).Return
		}), [4]uint32{124, denied, 124, denied}},
	} {
		for i, who := range []*nt.Token{admin, user, local, nt.AnonymousToken()} {
			if got := tt.call(dial(t, m, who)); got != tt.want[i] {
				t.Errorf("%s, caller %d: %d, want %d", tt.name, i, got, tt.want[i])
			}
		}
	}
}

// TestEnumerate: every size of the buffer gives the same list, in pages (MS-SCMR 3.1.4.14).
func TestEnumerate(t *testing.T) {
	c := dial(t, svcctl.New(svcctl.Config{Services: svcctl.Host("/lwiod")}), admin)
	h, _ := open(t, c, nt.MaximumAllowed)
	text := func(b []byte, at uint32) string {
		end := at
		for b[end] != 0 || b[end+1] != 0 {
			end += 2
		}
		return nt.DecodeUTF16(b[at:end])
	}
	for _, size := range []uint32{0, 100, 150, 200, 500, 1000, 5000} {
		var names []string
		resume := uint32(0)
		for range 30 {
			out := call[*gen.REnumServicesStatusWResponse](t)(c.REnumServicesStatusW(t.Context(), &gen.REnumServicesStatusWRequest{HSCManager: h, DwServiceType: 0x30, DwServiceState: 3, CbBufSize: size, LpResumeIndex: &resume}))
			for i := range out.LpServicesReturned {
				at := 36 * i
				names = append(names, text(out.LpBuffer, binary.LittleEndian.Uint32(out.LpBuffer[at:])))
				if text(out.LpBuffer, binary.LittleEndian.Uint32(out.LpBuffer[at+4:])) == "" || binary.LittleEndian.Uint32(out.LpBuffer[at+12:]) != gen.SERVICE_RUNNING {
					t.Errorf("%d: % x", size, out.LpBuffer[at:at+36])
				}
			}
			resume = *out.LpResumeIndex
			if out.Return == 0 {
				break
			}
			if out.Return != 234 || out.PcbBytesNeeded == 0 {
				t.Fatalf("%d: %+v", size, out)
			}
			if size < 150 { // not every one fits
				size = out.PcbBytesNeeded
			}
		}
		if len(names) != 10 || names[0] != "Eventlog" || names[9] != "Spooler" {
			t.Errorf("%d: %q", size, names)
		}
	}
	for _, tt := range [][3]uint32{{0, 3, 87}, {0x30, 0, 87}, {0x30, 4, 87}, {0x30, 2, 0}, {0x0B, 3, 0}} {
		out := call[*gen.REnumServicesStatusWResponse](t)(c.REnumServicesStatusW(t.Context(), &gen.REnumServicesStatusWRequest{HSCManager: h, DwServiceType: tt[0], DwServiceState: tt[1]}))
		if out.Return != tt[2] || out.LpServicesReturned != 0 {
			t.Errorf("%v: %+v", tt, out)
		}
	}
	s, _ := service(t, c, h, "RpcEptMapper", nt.MaximumAllowed)
	out := call[*gen.REnumDependentServicesWResponse](t)(c.REnumDependentServicesW(t.Context(), &gen.REnumDependentServicesWRequest{HService: s, DwServiceState: 1, CbBufSize: 4096}))
	if out.Return != 0 || out.LpServicesReturned != 5 { // RpcSs, and RemoteRegistry, SamSs, LanmanServer and Spooler by it
		t.Errorf("%+v", out)
	}
	for room, want := range map[uint32]uint32{5: 122, 6: 0} {
		out := call[*gen.RGetServiceDisplayNameWResponse](t)(c.RGetServiceDisplayNameW(t.Context(), &gen.RGetServiceDisplayNameWRequest{HSCManager: h, LpServiceName: "LANMANSERVER", LpcchBuffer: room}))
		if out.Return != want || out.LpcchBuffer != 6 {
			t.Errorf("%d: %+v", room, out)
		}
	}
	if out := call[*gen.RGetServiceKeyNameAResponse](t)(c.RGetServiceKeyNameA(t.Context(), &gen.RGetServiceKeyNameARequest{HSCManager: h, LpDisplayName: "Server", LpcchBuffer: 100})); out.Return != 0 || out.LpKeyName != "LanmanServer" {
		t.Errorf("%+v", out)
	}
	for name, want := range map[string]uint32{"none": 1060, `a\b`: 123, "": 123} {
		if _, code := service(t, c, h, name, nt.ServiceQueryStatus); code != want {
			t.Errorf("%q: %d", name, code)
		}
	}
}

// TestControl: a service that lets itself be stopped is, and who waits for it is told.
func TestControl(t *testing.T) {
	m := svcctl.New(svcctl.Config{Services: []svcctl.Service{{Name: "own", Display: "Own", Type: 0x10, Start: 3, Control: func(_ context.Context, control uint32) (uint32, error) {
		switch control {
		case svcctl.ControlStop:
			return gen.SERVICE_STOPPED, nil
		case svcctl.ControlPause:
			return gen.SERVICE_PAUSED, nil
		}
		return gen.SERVICE_RUNNING, nil
	}}}})
	c, waiter := dial(t, m, admin), dial(t, m, admin)
	h, _ := open(t, c, nt.MaximumAllowed)
	s, _ := service(t, c, h, "OWN", nt.MaximumAllowed)
	wh, _ := open(t, waiter, nt.MaximumAllowed)
	ws, _ := service(t, waiter, wh, "own", nt.ServiceQueryStatus)
	ask := func(h rpc.ContextHandle, mask uint32) *gen.RNotifyServiceStatusChangeResponse {
		in := &gen.RNotifyServiceStatusChangeRequest{HService: h, NotifyParams: gen.SC_RPC_NOTIFY_PARAMS{DwInfoLevel: 2}}
		in.NotifyParams.Anonymous2.PStatusChangeParams = &gen.SERVICE_NOTIFY_STATUS_CHANGE_PARAMS_2{DwNotifyMask: mask}
		return call[*gen.RNotifyServiceStatusChangeResponse](t)(waiter.RNotifyServiceStatusChange(t.Context(), in))
	}
	for _, mask := range []uint32{0, 0x400, 0x80} {
		if out := ask(ws, mask); out.Return != 87 {
			t.Errorf("%#x: %+v", mask, out)
		}
	}
	n := ask(ws, 1) // stopped
	if n.Return != 0 {
		t.Fatal(n)
	}
	told := make(chan *gen.RGetNotifyResultsResponse, 1)
	go func() {
		out, err := waiter.RGetNotifyResults(t.Context(), &gen.RGetNotifyResultsRequest{HNotify: n.PhNotify})
		if err != nil {
			out = nil
		}
		told <- out
	}()
	send := func(control uint32) (uint32, uint32) {
		out := call[*gen.RControlServiceResponse](t)(c.RControlService(t.Context(), &gen.RControlServiceRequest{HService: s, DwControl: control}))
		return out.Return, out.LpServiceStatus.DwCurrentState
	}
	for _, tt := range [][3]uint32{{4, 0, 4}, {2, 0, 7}, {3, 0, 4}, {128, 1052, 4}, {1, 0, 1}, {1, 1062, 1}, {4, 1062, 1}, {5, 87, 0}} {
		if code, now := send(tt[0]); code != tt[1] || now != tt[2] {
			t.Errorf("control %d: %d, state %d", tt[0], code, now)
		}
	}
	if out := <-told; out == nil || out.Return != 0 || out.PpNotifyParams.NotifyParamsArray[0].Anonymous2.PStatusChangeParams.ServiceStatus.DwCurrentState != gen.SERVICE_STOPPED {
		t.Errorf("%+v", out)
	}
	if out := call[*gen.RCloseNotifyHandleResponse](t)(waiter.RCloseNotifyHandle(t.Context(), &gen.RCloseNotifyHandleRequest{PhNotify: n.PhNotify})); out.Return != 0 || !out.PhNotify.IsZero() {
		t.Errorf("%+v", out)
	}
	if out := call[*gen.RStartServiceWResponse](t)(c.RStartServiceW(t.Context(), &gen.RStartServiceWRequest{HService: s})); out.Return != 0 {
		t.Errorf("%+v", out)
	}
	for reason, want := range map[uint32]uint32{0: 87, 0x20000000 | 0x00050000 | 0xA: 87, 0x40000000 | 0x00050000 | 0xA: 0} {
		in := &gen.RControlServiceExWRequest{HService: s, DwControl: 1, DwInfoLevel: 1}
		in.PControlInParams.PsrInParams = &gen.SERVICE_CONTROL_STATUS_REASON_IN_PARAMSW{DwReason: reason}
		if out := call[*gen.RControlServiceExWResponse](t)(c.RControlServiceExW(t.Context(), in)); out.Return != want {
			t.Errorf("%#x: %+v", reason, out)
		}
	}
}

// TestKept: a service's descriptor is there after a start; the lock is one, and goes with who has it.
func TestKept(t *testing.T) {
	r, err := state.NewRegistry(t.Context(), state.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	m := svcctl.New(svcctl.Config{Services: svcctl.Host("/lwiod"), Registry: r})
	c := dial(t, m, admin)
	h, _ := open(t, c, nt.MaximumAllowed)
	s, _ := service(t, c, h, "Spooler", nt.MaximumAllowed)
	sd, _ := nt.ParseSDDL("D:(A;;CCLC;;;AU)(A;;KA;;;BA)", nt.SID{})
	b := sd.Append(nil)
	if out := call[*gen.RSetServiceObjectSecurityResponse](t)(c.RSetServiceObjectSecurity(t.Context(), &gen.RSetServiceObjectSecurityRequest{HService: s, DwSecurityInformation: 4, LpSecurityDescriptor: b, CbBufSize: uint32(len(b))})); out.Return != 0 {
		t.Fatal(out)
	}
	u := dial(t, svcctl.New(svcctl.Config{Services: svcctl.Host("/lwiod"), Registry: r}), user)
	uh, _ := open(t, u, nt.SCManagerConnect)
	if _, code := service(t, u, uh, "Spooler", nt.ServiceQueryConfig); code != 0 {
		t.Error(code)
	}
	if _, code := service(t, u, uh, "SamSs", nt.ServiceQueryConfig); code != 5 {
		t.Error(code)
	}
	l := call[*gen.RLockServiceDatabaseResponse](t)(c.RLockServiceDatabase(t.Context(), &gen.RLockServiceDatabaseRequest{HSCManager: h}))
	if again := call[*gen.RLockServiceDatabaseResponse](t)(c.RLockServiceDatabase(t.Context(), &gen.RLockServiceDatabaseRequest{HSCManager: h})); l.Return != 0 || again.Return != 1055 {
		t.Errorf("%+v %+v", l, again)
	}
	st := call[*gen.RQueryServiceLockStatusWResponse](t)(c.RQueryServiceLockStatusW(t.Context(), &gen.RQueryServiceLockStatusWRequest{HSCManager: h, CbBufSize: 4096}))
	if st.LpLockStatus.FIsLocked != 1 || *st.LpLockStatus.LpLockOwner == "" {
		t.Errorf("%+v", st)
	}
	if out := call[*gen.RUnlockServiceDatabaseResponse](t)(c.RUnlockServiceDatabase(t.Context(), &gen.RUnlockServiceDatabaseRequest{Lock: l.LpLock})); out.Return != 0 {
		t.Error(out)
	}
	if out := call[*gen.RCloseServiceHandleResponse](t)(c.RCloseServiceHandle(t.Context(), &gen.RCloseServiceHandleRequest{HSCObject: s})); out.Return != 0 || !out.HSCObject.IsZero() {
		t.Error(out)
	}
}
