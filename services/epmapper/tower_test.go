package epmapper

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"lwio/iomgr/nt"
	"lwio/rpc"
)

var lsarpc = Syntax{nt.MustGUID("12345778-1234-abcd-ef00-0123456789ab"), 0, 0}

// The tower that C706 appendix L lays out, of ncacn_ip_tcp:10.0.0.5[49152].
const tcpTower = "0500" +
	"1300" + "0d" + "785734123412cdabef000123456789ab" + "0000" + "0200" + "0000" +
	"1300" + "0d" + "045d888aeb1cc9119fe808002b104860" + "0200" + "0200" + "0000" +
	"0100" + "0b" + "0200" + "0000" +
	"0100" + "07" + "0200" + "c000" +
	"0100" + "09" + "0400" + "0a000005"

func TestEndpointTowers(t *testing.T) {
	for _, e := range []Endpoint{
		{Interface: lsarpc, Transfer: NDR, Transport: rpc.TransportTCP, Host: "10.0.0.5", Endpoint: "49152"},
		{Interface: lsarpc, Transfer: NDR, Transport: rpc.TransportNamedPipe, Host: "HOST", Endpoint: `\pipe\lsarpc`},
		{Interface: lsarpc, Transfer: NDR, Transport: rpc.TransportLocal, Endpoint: "lsarpc"},
	} {
		tower, err := e.Tower()
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParseTower(tower.Append(nil))
		if err != nil || !reflect.DeepEqual(parsed, tower) {
			t.Errorf("%+v: %v", parsed, err)
		}
		if got, err := ParseEndpoint(parsed); err != nil || got != e {
			t.Errorf("%+v, want %+v: %v", got, e, err)
		}
	}
	e := Endpoint{Interface: lsarpc, Transport: rpc.TransportTCP, Host: "10.0.0.5", Endpoint: "49152"}
	tower, _ := e.Tower()
	if got := hex.EncodeToString(tower.Append(nil)); got != tcpTower {
		t.Errorf("tower %s,\nwant  %s", got, tcpTower)
	}
	for _, e := range []Endpoint{{Transport: rpc.TransportTCP, Endpoint: "x"}, {Transport: rpc.TransportTCP, Endpoint: "65536"}, {Transport: "ncadg_ip_udp"}} {
		if _, err := e.Tower(); err == nil {
			t.Errorf("%+v has a tower", e)
		}
	}
}

// The address of any interface is the one that the client asked.
func TestTowerAt(t *testing.T) {
	for _, tt := range [][3]string{{"", "192.0.2.7", "192.0.2.7"}, {"10.0.0.5", "192.0.2.7", "10.0.0.5"}, {"", "2001:db8::1", "0.0.0.0"}, {"", "::ffff:192.0.2.7", "192.0.2.7"}, {"", "", "0.0.0.0"}} {
		e := Endpoint{Interface: lsarpc, Transport: rpc.TransportTCP, Host: tt[0], Endpoint: "1"}
		tower, _ := e.Tower()
		if got, err := ParseEndpoint(tower.at(tt[1])); err != nil || got.Host != tt[2] {
			t.Errorf("%q asked at %q: %+v %v", tt[0], tt[1], got, err)
		}
	}
}

func TestTowerTruncated(t *testing.T) {
	whole, _ := hex.DecodeString(tcpTower)
	for n := range whole {
		if tower, err := ParseTower(whole[:n]); !errors.Is(err, ErrTower) {
			t.Errorf("%d octets: %v %v", n, tower, err)
		}
	}
	if _, err := ParseTower(append(whole, 0)); !errors.Is(err, ErrTower) {
		t.Error("an octet too many is taken")
	}
	if _, err := ParseTower(append([]byte{17, 0}, make([]byte, 100)...)); !errors.Is(err, ErrTower) {
		t.Error("17 floors are taken")
	}
}

func FuzzTower(f *testing.F) {
	whole, _ := hex.DecodeString(tcpTower)
	f.Add(whole)
	f.Add([]byte{0, 0})
	f.Add([]byte{1, 0, 1, 0, 0x0b, 2, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		tower, err := ParseTower(b)
		if err != nil {
			return
		}
		if got := tower.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("%x comes back as %x", b, got)
		}
		tower.Interface()
		ParseEndpoint(tower)
		tower.at("192.0.2.1")
	})
}
