package msrpc_test

import (
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	mwinreg "github.com/oiweiwei/go-msrpc/msrpc/rrp/winreg/v1"
	msrvsvc "github.com/oiweiwei/go-msrpc/msrpc/srvs/srvsvc/v3"

	"lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/msrpc"
	"lwio/rpc/ndr"
	"lwio/rpc/rpctest"
	"lwio/rpc/server"
)

var winregInterface = &rpc.Interface{Name: "winreg", UUID: nt.MustGUID("338cd001-2244-31f1-aaaa-900038001003"), Major: 1}

// words are little-endian longs.
func words(v ...uint32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}

// The bombs known to kill go-msrpc, sent to a hosted server: it faults or answers them, takes no memory for them, and lives.
func TestBombsForServer(t *testing.T) {
	s, _ := hosted(t)
	c := dial(t, s)
	shares, err := c.Bind(bg, srvsvc.SrvsvcInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	reg, err := c.Bind(bg, winregInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		err = shares.Call(bg, 21, func(e *ndr.Encoder) { e.Uint8s(words(0x20000, 0xFFFFFFFF, 0, 0xFFFFFFFF, 'a', 101)) }, nil)
		if !errors.Is(err, rpc.FaultNDR) {
			t.Fatalf("a string of 4 GiB: %v", err)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("100 of them take %d octets of memory", took)
	}
	// All pointers of BaseRegQueryValue by one referent identifier: a name, a type, four octets and their counts.
	alias := append(make([]byte, 20), words(0x20002, 1, 1, 0, 1, 'a', 1, 7, 1, 4, 0, 4, 0x61746164, 1, 4, 1, 4)...)
	err = reg.Call(bg, 17, func(e *ndr.Encoder) { e.Uint8s(alias) }, func(d *ndr.Decoder) error {
		if d.Pointer(); d.Uint32() != 3 {
			t.Error("the type is another")
		}
		return nil
	})
	if err != nil {
		t.Errorf("aliases: %v", err)
	}
	if st := s.Stats(); st.Panics != 0 || st.Connections != 1 {
		t.Errorf("%+v", st)
	}
}

// The same from a hostile server for a client.
func TestBombsForClient(t *testing.T) {
	// A length of 4 GiB; a union whose arm is not there; a message that ends; pointers by one identifier.
	info := rpctest.NameOf(srvsvc.SrvsvcInterface)
	query := rpctest.NameOf(winregInterface)
	request := func(bind func(c *msrpc.Conn) error) []byte {
		var r rpctest.Recorder
		s := server.New(server.Config{})
		defer s.Close()
		for _, i := range []*rpc.Interface{srvsvc.SrvsvcInterface, winregInterface} {
			i = r.Interface(&rpc.Interface{Name: i.Name, UUID: i.UUID, Major: i.Major, Ops: everything(), Implements: func(any) bool { return true }})
			if err := s.Register(i, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := bind(msrpc.NewConn(dial(t, s), nil)); !errors.Is(err, rpc.FaultOpRange) {
			t.Fatal(err)
		}
		return r.Recording().Exchanges[0].Request
	}
	getInfo := func(c *msrpc.Conn) error {
		cl, err := msrvsvc.NewSrvsvcClient(bg, c)
		if err == nil {
			_, err = cl.GetInfo(bg, &msrvsvc.GetInfoRequest{Level: 101})
		}
		return err
	}
	queryValue := func(c *msrpc.Conn) error {
		cl, err := mwinreg.NewWinregClient(bg, c)
		if err == nil {
			_, err = cl.BaseRegQueryValue(bg, &mwinreg.BaseRegQueryValueRequest{Key: &mwinreg.Key{}, ValueName: &mwinreg.UnicodeString{Buffer: "a"}})
		}
		return err
	}
	for _, tt := range []struct {
		name     string
		iface    rpctest.Name
		opnum    uint16
		call     func(*msrpc.Conn) error
		response []byte
		want     error // nil for a call that ends well
		any      bool  // or any error
	}{
		{"length", info, 21, getInfo, words(101, 1, 500, 2, 6, 1, 0, 3, 0xFFFFFFFF, 0, 0xFFFFFFFF, 'a'), ndr.ErrTruncated, false},
		{"end", info, 21, getInfo, words(101, 1), ndr.ErrTruncated, false},
		{"arm", info, 21, getInfo, words(77, 1, 0, 0), nil, true},
		{"aliases", query, 17, queryValue, words(1, 7, 1, 4, 0, 4, 0x61746164, 1, 4, 1, 4, 0), nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play := rpctest.NewPlayback(rpctest.Recording{Exchanges: []rpctest.Exchange{{Interface: tt.iface, Opnum: tt.opnum, Request: request(tt.call), Response: tt.response}}})
			s := server.New(server.Config{})
			defer s.Close()
			for _, i := range play.Interfaces() {
				if err := s.Register(i, nil); err != nil {
					t.Fatal(err)
				}
			}
			err := tt.call(msrpc.NewConn(dial(t, s), nil))
			switch {
			case len(play.Unexpected()) != 0:
				t.Fatalf("another request: %x", play.Unexpected()[0].Request)
			case errors.Is(err, msrpc.ErrStub):
				t.Errorf("it panics: %v", err)
			case tt.any && err == nil, !tt.any && !errors.Is(err, tt.want):
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// everything is operations that are not there.
func everything() []rpc.Op {
	ops := make([]rpc.Op, 64)
	for i := range ops {
		ops[i].Invoke = func(context.Context, any, *rpc.Call, *ndr.Decoder, *ndr.Encoder) error { return rpc.FaultOpRange }
	}
	return ops
}

// Mutations of calls that were taken for whole: each is answered or faulted.
func TestMutatedCalls(t *testing.T) {
	s, _ := hosted(t)
	var r rpctest.Recorder
	b, err := dial(t, s).Bind(bg, srvsvc.SrvsvcInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	cl := srvsvc.NewClient(r.Caller(srvsvc.SrvsvcInterface, b))
	name := "größer"
	cl.NetrServerGetInfo(bg, &srvsvc.NetrServerGetInfoRequest{ServerName: &name, Level: 101})
	in := &srvsvc.NetrShareEnumRequest{ServerName: &name, PreferedMaximumLength: 1}
	in.InfoStruct.Level = 1
	in.InfoStruct.ShareInfo.Level1 = &srvsvc.SHARE_INFO_1_CONTAINER{}
	cl.NetrShareEnum(bg, in)
	o, err := rpctest.NewMutator(1).Run(bg, b, r.Recording().Exchanges, 5000)
	if err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); o.Answered < 100 || o.Faults[rpc.FaultNDR] < 100 || st.Panics != 0 {
		t.Errorf("%+v, %+v", o, st)
	}
}
