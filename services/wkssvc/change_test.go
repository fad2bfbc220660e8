package wkssvc_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"testing"

	gen "lwio/gen/wkssvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/services/state"
	"lwio/services/wkssvc"
)

// here is a connection of a program of this machine.
type here struct{ conn }

func (here) Transport() (string, string) { return string(rpc.TransportLocal), "wkssvc" }

func dialHere(t *testing.T, cfg wkssvc.Config, token *nt.Token) *gen.Client {
	t.Helper()
	a, b := net.Pipe()
	go serve(t, cfg).ServeConn(context.Background(), here{conn{a, token}})
	c := client.NewConn(b, client.Config{})
	t.Cleanup(func() { c.Close() })
	bound, err := c.Bind(t.Context(), gen.WkssvcInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return gen.NewClient(bound)
}

// settings are of a machine FIRST.
func settings(t *testing.T) (*state.Workstation, state.Store) {
	t.Helper()
	store := state.NewMemory()
	if _, err := state.LoadMachine(t.Context(), store, state.MachineHint{Name: "FIRST", DNSName: "first"}); err != nil {
		t.Fatal(err)
	}
	w, err := state.NewWorkstation(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return w, store
}

func TestSetInfo(t *testing.T) {
	w, store := settings(t)
	c := dial(t, wkssvc.Config{Authority: alone, Workstation: w}, admin)
	one := func(level uint32, v uint32) gen.WKSTA_INFO {
		switch level {
		case 1013:
			return gen.WKSTA_INFO{WkstaInfo1013: &gen.WKSTA_INFO_1013{Wki1013KeepConn: v}}
		case 1018:
			return gen.WKSTA_INFO{WkstaInfo1018: &gen.WKSTA_INFO_1018{Wki1018SessTimeout: v}}
		case 1046:
			return gen.WKSTA_INFO{WkstaInfo1046: &gen.WKSTA_INFO_1046{Wki1046DormantFileLimit: v}}
		}
		return gen.WKSTA_INFO{WkstaInfo502: &gen.WKSTA_INFO_502{Wki502KeepConn: v, Wki502SessTimeout: v, Wki502DormantFileLimit: v, Wki502CharWait: 1}}
	}
	for _, tt := range []struct{ level, v, want, parameter uint32 }{
		{1013, 0, 87, 13}, {1013, 65536, 87, 13}, {1013, 1, 0, 0}, {1018, 59, 87, 18}, {1018, 65535, 0, 0}, {1046, 0, 87, 46}, {1046, 7, 0, 0}, {502, 59, 87, 18}, {100, 0, 124, 0}, {5, 0, 124, 0},
	} {
		info := one(tt.level, tt.v)
		if tt.level == 100 {
			info = gen.WKSTA_INFO{WkstaInfo100: &gen.WKSTA_INFO_100{}}
		}
		out, err := c.NetrWkstaSetInfo(t.Context(), &gen.NetrWkstaSetInfoRequest{Level: tt.level, WkstaInfo: info, ErrorParameter: new(uint32)})
		if err != nil || out.Return != tt.want || *out.ErrorParameter != tt.parameter {
			t.Errorf("level %d to %d: %+v %v", tt.level, tt.v, out, err)
		}
	}
	check := func(keep, session, dormant uint32) {
		t.Helper()
		again, err := state.NewWorkstation(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		out, err := dial(t, wkssvc.Config{Authority: alone, Workstation: again}, admin).NetrWkstaGetInfo(t.Context(), &gen.NetrWkstaGetInfoRequest{Level: 502})
		if x := out.WkstaInfo.WkstaInfo502; err != nil || x.Wki502KeepConn != keep || x.Wki502SessTimeout != session || x.Wki502DormantFileLimit != dormant || x.Wki502CharWait != 3600 {
			t.Errorf("%+v %v", x, err)
		}
	}
	check(1, 65535, 7)
	if out, err := c.NetrWkstaSetInfo(t.Context(), &gen.NetrWkstaSetInfoRequest{Level: 502, WkstaInfo: one(502, 100)}); err != nil || out.Return != 0 {
		t.Errorf("%+v %v", out, err)
	}
	check(100, 100, 100)
	if out, err := c.NetrWkstaSetInfo(t.Context(), &gen.NetrWkstaSetInfoRequest{Level: 502}); err != nil || out.Return != 87 {
		t.Errorf("NULL: %+v %v", out, err)
	}
}

func TestComputerNames(t *testing.T) {
	w, store := settings(t)
	c := dial(t, wkssvc.Config{Authority: alone, Workstation: w}, admin)
	list := func(kind gen.NET_COMPUTER_NAME_TYPE) []string {
		t.Helper()
		out, err := c.NetrEnumerateComputerNames(t.Context(), &gen.NetrEnumerateComputerNamesRequest{NameType: kind})
		if err != nil || out.Return != 0 {
			t.Fatalf("%+v %v", out, err)
		}
		var names []string
		for _, n := range out.ComputerNames.ComputerNames {
			names = append(names, n.String())
		}
		return names
	}
	want := func(what string, primary string, alternate ...string) {
		t.Helper()
		all := append([]string{primary}, alternate...)
		if !reflect.DeepEqual(list(0), []string{primary}) || !reflect.DeepEqual(list(1), alternate) || !reflect.DeepEqual(list(2), all) {
			t.Errorf("%s: %q %q %q, want %q", what, list(0), list(1), list(2), all)
		}
	}
	add := func(name *string) uint32 {
		t.Helper()
		out, err := c.NetrAddAlternateComputerName(t.Context(), &gen.NetrAddAlternateComputerNameRequest{AlternateName: name})
		if err != nil {
			t.Fatal(err)
		}
		return out.Return
	}
	want("at first", "FIRST")
	for _, tt := range []struct {
		name *string
		want uint32
	}{{ndr.String("other.example.org"), 0}, {ndr.String("OTHER.example.org"), 0}, {nil, 87}, {ndr.String(""), 123}, {ndr.String("größe"), 123}, {ndr.String("a\x00b"), 123}} {
		if got := add(tt.name); got != tt.want {
			t.Errorf("%v: %d", tt.name, got)
		}
	}
	want("added", "FIRST", "other.example.org")
	add(ndr.String("second"))
	if out, err := c.NetrSetPrimaryComputerName(t.Context(), &gen.NetrSetPrimaryComputerNameRequest{PrimaryName: ndr.String("second")}); err != nil || out.Return != 0 {
		t.Errorf("%+v %v", out, err)
	}
	want("another primary", "SECOND", "other.example.org", "FIRST")
	if out, err := c.NetrRenameMachineInDomain2(t.Context(), &gen.NetrRenameMachineInDomain2Request{MachineName: ndr.String("third")}); err != nil || out.Return != 0 {
		t.Errorf("%+v %v", out, err)
	}
	for _, name := range []string{"first", "OTHER.example.org", "never-there"} {
		if out, err := c.NetrRemoveAlternateComputerName(t.Context(), &gen.NetrRemoveAlternateComputerNameRequest{AlternateName: &name}); err != nil || out.Return != 0 {
			t.Errorf("%+v %v", out, err)
		}
	}
	want("renamed", "THIRD")
	if m, err := state.LoadMachine(t.Context(), store, state.MachineHint{}); err != nil || m.Name != "THIRD" {
		t.Errorf("at the next start: %+v %v", m, err)
	}
	if out, err := c.NetrEnumerateComputerNames(t.Context(), &gen.NetrEnumerateComputerNamesRequest{NameType: 3}); err != nil || out.Return != 87 || out.ComputerNames != nil {
		t.Errorf("%+v %v", out, err)
	}
	// Where another daemon has the machine.
	apart := dial(t, wkssvc.Config{Authority: alone}, admin)
	if out, err := apart.NetrRenameMachineInDomain2(t.Context(), &gen.NetrRenameMachineInDomain2Request{MachineName: ndr.String("third")}); err != nil || out.Return != 50 {
		t.Errorf("%+v %v", out, err)
	}
	for kind, names := range map[gen.NET_COMPUTER_NAME_TYPE][]string{0: {"GRÖSSE"}} {
		out, err := apart.NetrEnumerateComputerNames(t.Context(), &gen.NetrEnumerateComputerNamesRequest{NameType: kind})
		if err != nil || len(out.ComputerNames.ComputerNames) != 1 || out.ComputerNames.ComputerNames[0].String() != names[0] {
			t.Errorf("%+v %v", out, err)
		}
	}
}

func TestUses(t *testing.T) {
	s := serve(t, wkssvc.Config{Authority: alone})
	as := func(token *nt.Token) *gen.Client {
		a, b := net.Pipe()
		go s.ServeConn(context.Background(), conn{a, token})
		c := client.NewConn(b, client.Config{})
		t.Cleanup(func() { c.Close() })
		bound, err := c.Bind(t.Context(), gen.WkssvcInterface, nil)
		if err != nil {
			t.Fatal(err)
		}
		return gen.NewClient(bound)
	}
	c := as(user)
	add := func(local, remote string, kind uint32) uint32 {
		t.Helper()
		in := &gen.NetrUseAddRequest{Level: 2, InfoStruct: gen.USE_INFO{UseInfo2: &gen.USE_INFO_2{Ui2Useinfo: gen.USE_INFO_1{Ui1Local: &local, Ui1Remote: &remote, Ui1Password: ndr.String("secret"), Ui1AsgType: kind},
			Ui2Username: ndr.String("jürgen"), Ui2Domainname: ndr.String("EXAMPLE")}}}
		out, err := c.NetrUseAdd(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out.Return
	}
	for _, tt := range []struct {
		local, remote string
		kind, want    uint32
	}{{"S:", `\\host\größe`, 0, 0}, {"s:", `\\host\other`, 0, 85}, {"", `\\host\IPC$`, 0xFFFFFFFF, 0}, {"", `\\HOST\ipc$`, 0xFFFFFFFF, 0}, {"LPT1", `\\host\printer`, 1, 0},
		{"SS:", `\\host\x`, 0, 87}, {"T:", `host\x`, 0, 67}, {"T:", `\\host`, 0, 67}, {"T:", `\\host\`, 0, 67}, {"T:", "\\\\host\\a\x00", 0, 67}, {"T:", `\\host\x`, 4, 2251}} {
		if got := add(tt.local, tt.remote, tt.kind); got != tt.want {
			t.Errorf("%q %q: %d, want %d", tt.local, tt.remote, got, tt.want)
		}
	}
	out, err := c.NetrUseEnum(t.Context(), &gen.NetrUseEnumRequest{InfoStruct: gen.USE_ENUM_STRUCT{Level: 2, UseInfo: gen.USE_ENUM_UNION{Level2: &gen.USE_INFO_2_CONTAINER{}}}, PreferredMaximumLength: 0xFFFFFFFF})
	if err != nil || out.Return != 0 || out.TotalEntries != 3 {
		t.Fatalf("%+v %v", out, err)
	}
	var rows []string
	for _, u := range out.InfoStruct.UseInfo.Level2.Buffer {
		rows = append(rows, *u.Ui2Useinfo.Ui1Local+" "+*u.Ui2Useinfo.Ui1Remote+" "+string(rune('0'+u.Ui2Useinfo.Ui1AsgType))+" "+*u.Ui2Domainname+`\`+*u.Ui2Username)
		if u.Ui2Useinfo.Ui1Password != nil {
			t.Error("a password was told")
		}
	}
	if want := []string{`S: \\host\größe 0 EXAMPLE\jürgen`, ` \\host\IPC$ 3 EXAMPLE\jürgen`, `LPT1 \\host\printer 1 EXAMPLE\jürgen`}; !reflect.DeepEqual(rows, want) {
		t.Errorf("%q", rows)
	}
	for name, want := range map[string]uint32{"s:": 0, `\\host\größe`: 2250, `\\HOST\ipc$`: 0, "T:": 2250} {
		for level := range uint32(4) {
			out, err := c.NetrUseGetInfo(t.Context(), &gen.NetrUseGetInfoRequest{UseName: name, Level: level})
			if err != nil || out.Return != want || (out.InfoStruct != gen.USE_INFO{}) != (want == 0) {
				t.Errorf("%s, level %d: %+v %v", name, level, out, err)
			}
		}
	}
	// Another user has none of them.
	other := token(nt.SIDAuthenticatedUsers, nt.SIDBuiltinAdministrators)
	other.User = nt.MustSID("S-1-5-21-1-2-3-1001")
	if out, err := as(other).NetrUseDel(t.Context(), &gen.NetrUseDelRequest{UseName: "S:"}); err != nil || out.Return != 2250 {
		t.Errorf("%+v %v", out, err)
	}
	for _, tt := range []struct {
		name        string
		force, want uint32
	}{{"S:", 3, 124}, {"S:", 2, 0}, {"S:", 0, 2250}} {
		if out, err := c.NetrUseDel(t.Context(), &gen.NetrUseDelRequest{UseName: tt.name, ForceLevel: tt.force}); err != nil || out.Return != tt.want {
			t.Errorf("%+v: %+v %v", tt, out, err)
		}
	}
	for i := range 70 {
		want := uint32(0)
		if i >= 62 {
			want = 2121 // two were left
		}
		if got := add("", `\\host\`+strings.Repeat("x", i+1), 0); got != want {
			t.Errorf("%d more: %d", i, got)
		}
	}
}

// TestAccessOfChanges: who may call what, for administrators, users and the null session.
func TestAccessOfChanges(t *testing.T) {
	const ok, denied, unsupported = 0, 5, 50
	name := ndr.String("other")
	for _, tt := range []struct {
		name string
		call func(*gen.Client) (uint32, error)
		want [3]uint32
	}{
		{"add a name", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrAddAlternateComputerName2(t.Context(), &gen.NetrAddAlternateComputerName2Request{AlternateName: name})
			return out.Return, err
		}, [3]uint32{ok, denied, denied}},
		{"remove a name", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrRemoveAlternateComputerName2(t.Context(), &gen.NetrRemoveAlternateComputerName2Request{AlternateName: name})
			return out.Return, err
		}, [3]uint32{ok, denied, denied}},
		{"primary name", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrSetPrimaryComputerName2(t.Context(), &gen.NetrSetPrimaryComputerName2Request{PrimaryName: name})
			return out.Return, err
		}, [3]uint32{ok, denied, denied}},
		{"rename", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrRenameMachineInDomain3(t.Context(), &gen.NetrRenameMachineInDomain3Request{MachineName: name})
			return out.Return, err
		}, [3]uint32{ok, denied, denied}},
		{"set info", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrWkstaSetInfo(t.Context(), &gen.NetrWkstaSetInfoRequest{Level: 1013, WkstaInfo: gen.WKSTA_INFO{WkstaInfo1013: &gen.WKSTA_INFO_1013{Wki1013KeepConn: 7}}})
			return out.Return, err
		}, [3]uint32{ok, denied, denied}},
		{"join", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrJoinDomain2(t.Context(), &gen.NetrJoinDomain2Request{DomainNameParam: "x"})
			return out.Return, err
		}, [3]uint32{unsupported, denied, denied}},
		{"unjoin", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrUnjoinDomain3(t.Context(), &gen.NetrUnjoinDomain3Request{})
			return out.Return, err
		}, [3]uint32{2692, denied, denied}},
		{"join information", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrGetJoinInformation(t.Context(), &gen.NetrGetJoinInformationRequest{NameBuffer: name})
			return out.Return, err
		}, [3]uint32{ok, ok, denied}},
		{"names", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrEnumerateComputerNames(t.Context(), &gen.NetrEnumerateComputerNamesRequest{NameType: 2})
			return out.Return, err
		}, [3]uint32{ok, ok, denied}},
		{"statistics", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrWorkstationStatisticsGet(t.Context(), &gen.NetrWorkstationStatisticsGetRequest{})
			return out.Return, err
		}, [3]uint32{ok, ok, denied}},
		{"statistics 1", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrWorkstationStatisticsGet(t.Context(), &gen.NetrWorkstationStatisticsGetRequest{Level: 1})
			return out.Return, err
		}, [3]uint32{124, 124, denied}},
		{"transport add", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrWkstaTransportAdd(t.Context(), &gen.NetrWkstaTransportAddRequest{TransportInfo: gen.WKSTA_TRANSPORT_INFO_0{Wkti0TransportName: ndr.String(`\Device\x`)}})
			return out.Return, err
		}, [3]uint32{87, denied, denied}},
		{"transport that is there", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrWkstaTransportAdd(t.Context(), &gen.NetrWkstaTransportAddRequest{TransportInfo: gen.WKSTA_TRANSPORT_INFO_0{Wkti0TransportName: ndr.String(`\Device\Größe`)}})
			return out.Return, err
		}, [3]uint32{ok, denied, denied}},
		{"transport del", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrWkstaTransportDel(t.Context(), &gen.NetrWkstaTransportDelRequest{TransportName: ndr.String("x")})
			return out.Return, err
		}, [3]uint32{ok, denied, denied}},
		{"use enum 0", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrUseEnum(t.Context(), &gen.NetrUseEnumRequest{PreferredMaximumLength: 1000})
			return out.Return, err
		}, [3]uint32{ok, ok, denied}},
		{"use enum 3", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrUseEnum(t.Context(), &gen.NetrUseEnumRequest{InfoStruct: gen.USE_ENUM_STRUCT{Level: 3}, PreferredMaximumLength: 1000})
			return out.Return, err
		}, [3]uint32{124, 124, 124}},
		{"use add 0", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrUseAdd(t.Context(), &gen.NetrUseAddRequest{InfoStruct: gen.USE_INFO{UseInfo0: &gen.USE_INFO_0{}}})
			return out.Return, err
		}, [3]uint32{124, 124, denied}},
		{"use add, NULL", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrUseAdd(t.Context(), &gen.NetrUseAddRequest{Level: 1})
			return out.Return, err
		}, [3]uint32{87, 87, denied}},
		{"own session 0", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrWkstaUserGetInfo(t.Context(), &gen.NetrWkstaUserGetInfoRequest{})
			return out.Return, err
		}, [3]uint32{1312, 1312, denied}},
		{"own session 1101", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrWkstaUserGetInfo(t.Context(), &gen.NetrWkstaUserGetInfoRequest{Level: 1101})
			return out.Return, err
		}, [3]uint32{ok, ok, denied}},
		{"own session of another", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrWkstaUserGetInfo(t.Context(), &gen.NetrWkstaUserGetInfoRequest{Reserved: name, Level: 1101})
			return out.Return, err
		}, [3]uint32{87, 87, denied}},
		{"organizational units", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrGetJoinableOUs2(t.Context(), &gen.NetrGetJoinableOUs2Request{DomainNameParam: "x"})
			return out.Return, err
		}, [3]uint32{0x8001011C, 0x8001011C, 0x8001011C}},
		{"validate", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrValidateName2(t.Context(), &gen.NetrValidateName2Request{NameToValidate: "x", NameType: gen.NetSetupMachine})
			return out.Return, err
		}, [3]uint32{0x8001011C, 0x8001011C, 0x8001011C}},
		{"of old", func(c *gen.Client) (uint32, error) {
			out, err := c.NetrGetJoinableOUs(t.Context(), &gen.NetrGetJoinableOUsRequest{DomainNameParam: "x"})
			return out.Return, err
		}, [3]uint32{50, 50, 50}},
	} {
		for i, who := range []*nt.Token{admin, user, anonymous} {
			w, _ := settings(t)
			got, err := tt.call(dial(t, wkssvc.Config{Authority: alone, Transports: transports, Workstation: w}, who))
			if err != nil || got != tt.want[i] {
				t.Errorf("%s as caller %d: %d %v, want %d", tt.name, i, got, err, tt.want[i])
			}
		}
	}
}

func TestValidateName(t *testing.T) {
	c := dialHere(t, wkssvc.Config{Authority: alone}, user)
	for _, tt := range []struct {
		name string
		kind gen.NETSETUP_NAME_TYPE
		want uint32
	}{
		{"host", gen.NetSetupMachine, 0}, {"a b", gen.NetSetupMachine, 1210}, {"sixteen-chars-ab", gen.NetSetupMachine, 1210}, {"a.b", gen.NetSetupMachine, 1210},
		{"a.b", gen.NetSetupDnsMachine, 0}, {"a..b", gen.NetSetupDnsMachine, 1210}, {"GROUP", gen.NetSetupWorkgroup, 0}, {"a b", gen.NetSetupWorkgroup, 123},
		{"example.org", gen.NetSetupDomain, 1355}, {"example.org", gen.NetSetupNonExistentDomain, 0}, {"x", gen.NetSetupUnknown, 87},
	} {
		for range 2 {
			out, err := c.NetrValidateName3(t.Context(), &gen.NetrValidateName3Request{NameToValidate: tt.name, NameType: tt.kind})
			if err != nil || out.Return != tt.want {
				t.Errorf("%+v: %+v %v", tt, out, err)
			}
		}
	}
	if out, err := c.NetrGetJoinableOUs2(t.Context(), &gen.NetrGetJoinableOUs2Request{DomainNameParam: "x"}); err != nil || out.Return != 1355 {
		t.Errorf("%+v %v", out, err)
	}
}

func TestMessage(t *testing.T) {
	var log bytes.Buffer
	cfg := wkssvc.Config{Authority: alone, Log: slog.New(slog.NewTextHandler(&log, nil))}
	send := func(token *nt.Token, message []byte) uint32 {
		t.Helper()
		out, err := dial(t, cfg, token).NetrMessageBufferSend(t.Context(), &gen.NetrMessageBufferSendRequest{MessageName: "host", Message: message, MessageSize: uint32(len(message))})
		if err != nil {
			t.Fatal(err)
		}
		return out.Return
	}
	hello := nt.AppendUTF16(nil, "hello\nlevel=ERROR")
	if got := send(user, hello); got != 5 || log.Len() > 0 {
		t.Errorf("a user: %d %s", got, &log)
	}
	if got := send(admin, make([]byte, 2050)); got != 87 {
		t.Errorf("long: %d", got)
	}
	if got := send(admin, hello[:3]); got != 87 {
		t.Errorf("odd: %d", got)
	}
	if got := send(admin, hello); got != 0 || strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), `text="hello\nlevel=ERROR"`) {
		t.Errorf("%d %s", got, &log)
	}
}
