package epmapper_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"testing"

	"lwio/gen/echo"
	gen "lwio/gen/epmapper"
	"lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/epmapper"
)

// conn is a connection by a transport as somebody.
type conn struct {
	net.Conn
	protseq string
	token   *nt.Token
}

func (c conn) Transport() (string, string) { return c.protseq, "epmapper" }
func (c conn) Token() *nt.Token            { return c.token }

func admin() *nt.Token {
	return &nt.Token{User: nt.SIDUnixUsers.Child(0), Groups: []nt.Group{{SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault}}}
}

func plain() *nt.Token { return &nt.Token{User: nt.SIDUnixUsers.Child(5)} }

// host is a service over a registry.
type host struct {
	t        *testing.T
	registry epmapper.Registry
	server   *server.Server
}

func newHost(t *testing.T) *host {
	h := &host{t: t, server: server.New(server.Config{})}
	t.Cleanup(func() { h.server.Close() })
	if err := h.server.Register(gen.EpmapperInterface, epmapper.New(epmapper.Config{Registry: &h.registry})); err != nil {
		t.Fatal(err)
	}
	return h
}

// dial gives a client and what ends its connection, in the association group of another if that is not 0.
func (h *host) dial(protseq string, token *nt.Token, group uint32) (*client.Binding, *client.Conn, <-chan struct{}) {
	h.t.Helper()
	a, b := net.Pipe()
	ended := make(chan struct{})
	go func() {
		h.server.ServeConn(context.Background(), conn{a, protseq, token})
		close(ended)
	}()
	c := client.NewConn(b, client.Config{AssocGroup: group})
	h.t.Cleanup(func() { c.Close() })
	bound, err := c.Bind(h.t.Context(), gen.EpmapperInterface, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return bound, c, ended
}

func entry(t *testing.T, iface *rpc.Interface, transport rpc.Transport, endpoint string) epmapper.Entry {
	t.Helper()
	e := epmapper.Endpoint{Interface: epmapper.SyntaxOf(iface), Transport: transport, Endpoint: endpoint}
	tower, err := e.Tower()
	if err != nil {
		t.Fatal(err)
	}
	return epmapper.Entry{Tower: tower, Annotation: endpoint}
}

func wire(e epmapper.Entry) gen.EptEntryT {
	b := e.Tower.Append(nil)
	return gen.EptEntryT{Object: e.Object, Annotation: e.Annotation, Tower: &gen.TwrT{TowerLength: uint32(len(b)), TowerOctetString: b}}
}

func (h *host) annotations() []string {
	var out []string
	for _, e := range h.registry.Entries() {
		out = append(out, e.Annotation)
	}
	return out
}

func TestResolve(t *testing.T) {
	h := newHost(t)
	remove := h.registry.Add(entry(t, srvsvc.SrvsvcInterface, rpc.TransportTCP, "49152"), entry(t, srvsvc.SrvsvcInterface, rpc.TransportNamedPipe, `\pipe\srvsvc`))
	b, _, _ := h.dial("ncacn_ip_tcp", plain(), 0)
	list, err := epmapper.Resolve(t.Context(), b, srvsvc.SrvsvcInterface, nt.GUID{}, rpc.TransportTCP)
	if err != nil || len(list) != 1 || list[0].Endpoint != "49152" {
		t.Errorf("%+v %v", list, err)
	}
	list, err = epmapper.Resolve(t.Context(), b, srvsvc.SrvsvcInterface, nt.MustGUID("11111111-0000-0000-0000-000000000001"), rpc.TransportNamedPipe)
	if err != nil || len(list) != 1 || list[0].Endpoint != `\pipe\srvsvc` {
		t.Errorf("of an object: %+v %v", list, err)
	}
	newer := *srvsvc.SrvsvcInterface
	newer.Minor++
	for name, i := range map[string]*rpc.Interface{"another interface": echo.RpcechoInterface, "a newer version": &newer} {
		if list, err := epmapper.Resolve(t.Context(), b, i, nt.GUID{}, rpc.TransportTCP); !errors.Is(err, epmapper.ErrNotRegistered) {
			t.Errorf("%s: %+v %v", name, list, err)
		}
	}
	remove()
	if _, err := epmapper.Resolve(t.Context(), b, srvsvc.SrvsvcInterface, nt.GUID{}, rpc.TransportTCP); !errors.Is(err, epmapper.ErrNotRegistered) {
		t.Errorf("after its end: %v", err)
	}
}

// A lookup in parts: the handle holds over the connections of its association group, and over no other.
func TestLookupParts(t *testing.T) {
	h := newHost(t)
	for i := range 7 {
		h.registry.Add(entry(t, srvsvc.SrvsvcInterface, rpc.TransportTCP, strconv.Itoa(1000+i)))
	}
	b1, c1, _ := h.dial("ncacn_ip_tcp", plain(), 0)
	b2, _, _ := h.dial("ncacn_ip_tcp", plain(), c1.AssocGroup())
	b3, _, _ := h.dial("ncacn_ip_tcp", plain(), 0)
	in := &gen.EptLookupRequest{MaxEnts: 3}
	var got []string
	for i, want := range []struct {
		b      *client.Binding
		n      int
		status uint32
	}{{b1, 3, 0}, {b2, 3, 0}, {b1, 1, gen.EPT_S_NOT_REGISTERED}} {
		out, err := gen.NewClient(want.b).EptLookup(t.Context(), in)
		if err != nil || len(out.Entries) != want.n || out.Status != want.status || out.EntryHandle.IsZero() != (i == 2) {
			t.Fatalf("part %d: %+v %v", i, out, err)
		}
		for _, e := range out.Entries {
			got = append(got, e.Annotation)
		}
		in.EntryHandle = out.EntryHandle
		if i == 0 {
			if _, err := gen.NewClient(b3).EptLookup(t.Context(), in); err != rpc.FaultContextMismatch {
				t.Errorf("a handle of another group: %v", err)
			}
			if _, err := gen.NewClient(b1).EptMap(t.Context(), &gen.EptMapRequest{EntryHandle: in.EntryHandle, MaxTowers: 1}); err != rpc.FaultContextMismatch {
				t.Errorf("a lookup's handle in a map: %v", err)
			}
		}
	}
	slices.Sort(got)
	if want := []string{"1000", "1001", "1002", "1003", "1004", "1005", "1006"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	// All at once is a success, and a handle that was freed is none.
	all, err := gen.NewClient(b1).EptLookup(t.Context(), &gen.EptLookupRequest{MaxEnts: 500})
	if err != nil || all.Status != 0 || len(all.Entries) != 7 || !all.EntryHandle.IsZero() {
		t.Errorf("all: %+v %v", all, err)
	}
	some, _ := gen.NewClient(b1).EptLookup(t.Context(), &gen.EptLookupRequest{MaxEnts: 1})
	free := &gen.EptLookupHandleFreeRequest{EntryHandle: some.EntryHandle}
	if out, err := gen.NewClient(b1).EptLookupHandleFree(t.Context(), free); err != nil || out.Status != 0 || !out.EntryHandle.IsZero() {
		t.Errorf("free: %+v %v", out, err)
	}
	if _, err := gen.NewClient(b1).EptLookupHandleFree(t.Context(), free); err != rpc.FaultContextMismatch {
		t.Errorf("free twice: %v", err)
	}
}

func TestInquiry(t *testing.T) {
	h := newHost(t)
	object := nt.MustGUID("11111111-0000-0000-0000-000000000001")
	for _, v := range [][2]uint16{{1, 0}, {1, 5}, {2, 0}} {
		i := *srvsvc.SrvsvcInterface
		i.Major, i.Minor = v[0], v[1]
		h.registry.Add(entry(t, &i, rpc.TransportTCP, strconv.Itoa(int(v[0]*10+v[1]))))
	}
	e := entry(t, echo.RpcechoInterface, rpc.TransportTCP, "99")
	e.Object = object
	h.registry.Add(e)
	b, _, _ := h.dial("ncacn_ip_tcp", plain(), 0)
	id := &gen.RPC_IF_ID{Uuid: srvsvc.SrvsvcInterface.UUID, VersMajor: 1, VersMinor: 3}
	for name, tt := range map[string]struct {
		in     gen.EptLookupRequest
		want   []string
		status uint32
	}{
		"all":                     {gen.EptLookupRequest{}, []string{"10", "15", "20", "99"}, 0},
		"any version":             {gen.EptLookupRequest{InquiryType: 1, Ifid: id, VersOption: gen.RPC_C_VERS_ALL}, []string{"10", "15", "20"}, 0},
		"compatible":              {gen.EptLookupRequest{InquiryType: 1, Ifid: id, VersOption: gen.RPC_C_VERS_COMPATIBLE}, []string{"15"}, 0},
		"exact":                   {gen.EptLookupRequest{InquiryType: 1, Ifid: id, VersOption: gen.RPC_C_VERS_EXACT}, nil, gen.EPT_S_NOT_REGISTERED},
		"major":                   {gen.EptLookupRequest{InquiryType: 1, Ifid: id, VersOption: gen.RPC_C_VERS_MAJOR_ONLY}, []string{"10", "15"}, 0},
		"up to":                   {gen.EptLookupRequest{InquiryType: 1, Ifid: id, VersOption: gen.RPC_C_VERS_UPTO}, []string{"10"}, 0},
		"object":                  {gen.EptLookupRequest{InquiryType: 2, Object: &object}, []string{"99"}, 0},
		"both":                    {gen.EptLookupRequest{InquiryType: 3, Object: &object, Ifid: id}, nil, gen.EPT_S_NOT_REGISTERED},
		"an interface not named":  {gen.EptLookupRequest{InquiryType: 1}, nil, gen.EPT_S_CANT_PERFORM_OP},
		"an object not named":     {gen.EptLookupRequest{InquiryType: 2}, nil, gen.EPT_S_CANT_PERFORM_OP},
		"an inquiry that is none": {gen.EptLookupRequest{InquiryType: 4}, nil, gen.EPT_S_CANT_PERFORM_OP},
		"an option that is none":  {gen.EptLookupRequest{InquiryType: 1, Ifid: id, VersOption: 6}, nil, gen.EPT_S_CANT_PERFORM_OP},
	} {
		tt.in.MaxEnts = 10
		out, err := gen.NewClient(b).EptLookup(t.Context(), &tt.in)
		if err != nil || out.Status != tt.status {
			t.Errorf("%s: %+v %v", name, out, err)
			continue
		}
		var got []string
		for _, e := range out.Entries {
			got = append(got, e.Annotation)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// Only local administrators change the map; what they insert goes with them, and what this process serves stays.
func TestInsert(t *testing.T) {
	h := newHost(t)
	h.registry.Add(entry(t, srvsvc.SrvsvcInterface, rpc.TransportLocal, "own"))
	e := entry(t, echo.RpcechoInterface, rpc.TransportLocal, "inserted")
	in := &gen.EptInsertRequest{NumEnts: 1, Entries: []gen.EptEntryT{wire(e)}}
	del := &gen.EptDeleteRequest{NumEnts: 1, Entries: in.Entries}
	for _, tt := range []struct {
		protseq string
		token   *nt.Token
	}{{"ncacn_np", admin()}, {"ncacn_ip_tcp", admin()}, {"ncalrpc", plain()}} {
		b, _, _ := h.dial(tt.protseq, tt.token, 0)
		out, err := gen.NewClient(b).EptInsert(t.Context(), in)
		if err != nil || out.Status != 5 {
			t.Errorf("insert by %s as %s: %+v %v", tt.protseq, tt.token.User, out, err)
		}
		gone, err := gen.NewClient(b).EptDelete(t.Context(), del)
		if err != nil || gone.Status != 5 {
			t.Errorf("delete by %s as %s: %+v %v", tt.protseq, tt.token.User, gone, err)
		}
		some, err := gen.NewClient(b).EptMgmtDelete(t.Context(), &gen.EptMgmtDeleteRequest{Tower: in.Entries[0].Tower})
		if err != nil || some.Status != 5 {
			t.Errorf("mgmt_delete by %s as %s: %+v %v", tt.protseq, tt.token.User, some, err)
		}
	}
	b, c, ended := h.dial("ncalrpc", admin(), 0)
	insert := func(in *gen.EptInsertRequest, status uint32, want ...string) {
		t.Helper()
		out, err := gen.NewClient(b).EptInsert(t.Context(), in)
		if err != nil || out.Status != status || !slices.Equal(h.annotations(), want) {
			t.Errorf("%+v %v: %v, want %v", out, err, h.annotations(), want)
		}
	}
	insert(in, 0, "own", "inserted")
	insert(in, 0, "own", "inserted")
	moved := entry(t, echo.RpcechoInterface, rpc.TransportLocal, "moved")
	insert(&gen.EptInsertRequest{NumEnts: 1, Entries: []gen.EptEntryT{wire(moved)}, Replace: 1}, 0, "own", "moved")
	foreign := entry(t, srvsvc.SrvsvcInterface, rpc.TransportLocal, "foreign")
	insert(&gen.EptInsertRequest{NumEnts: 1, Entries: []gen.EptEntryT{wire(foreign)}, Replace: 1}, 0, "own", "moved", "foreign")
	insert(&gen.EptInsertRequest{NumEnts: 1, Entries: []gen.EptEntryT{{Tower: &gen.TwrT{TowerLength: 1, TowerOctetString: []byte{9}}}}}, 87, "own", "moved", "foreign")
	insert(&gen.EptInsertRequest{NumEnts: 1, Entries: []gen.EptEntryT{{}}}, 87, "own", "moved", "foreign")
	gone, err := gen.NewClient(b).EptDelete(t.Context(), del)
	if err != nil || gone.Status != gen.EPT_S_NOT_REGISTERED {
		t.Errorf("delete what was replaced: %+v %v", gone, err)
	}
	some, err := gen.NewClient(b).EptMgmtDelete(t.Context(), &gen.EptMgmtDeleteRequest{Tower: wire(moved).Tower})
	if err != nil || some.Status != 0 || !slices.Equal(h.annotations(), []string{"own", "foreign"}) {
		t.Errorf("%+v %v %v", some, err, h.annotations())
	}
	c.Close()
	<-ended
	if got := h.annotations(); !slices.Equal(got, []string{"own"}) {
		t.Errorf("after the server is gone: %v", got)
	}
}

// One association cannot fill the map.
func TestInsertBound(t *testing.T) {
	h := newHost(t)
	b, _, _ := h.dial("ncalrpc", admin(), 0)
	for i := range 3 {
		in := &gen.EptInsertRequest{}
		for j := range 200 {
			in.Entries = append(in.Entries, wire(entry(t, echo.RpcechoInterface, rpc.TransportLocal, strconv.Itoa(1000*i+j))))
		}
		in.NumEnts = uint32(len(in.Entries))
		want := uint32(0)
		if i == 2 {
			want = gen.EPT_S_CANT_PERFORM_OP
		}
		if out, err := gen.NewClient(b).EptInsert(t.Context(), in); err != nil || out.Status != want {
			t.Errorf("%d: %+v %v", i, out, err)
		}
	}
	if n := len(h.registry.Entries()); n != 400 {
		t.Errorf("%d entries", n)
	}
}
