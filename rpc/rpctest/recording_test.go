package rpctest_test

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/rpctest"
)

func sample() rpctest.Recording {
	a := rpctest.Name{Name: "a", UUID: nt.MustGUID("60a15ec5-4de8-11d7-a637-005056a20182"), Major: 1}
	b := rpctest.Name{UUID: nt.MustGUID("12345778-1234-abcd-ef00-0123456789ab"), Major: 2, Minor: 3}
	long := make([]byte, 100)
	for i := range long {
		long[i] = byte(i * 5)
	}
	return rpctest.Recording{Exchanges: []rpctest.Exchange{
		{Interface: a, Opnum: 0, Op: "AddOne", Request: []byte{41, 0, 0, 0}, Response: []byte{42, 0, 0, 0}},
		{Interface: a, Opnum: 3, Request: []byte{}, Fault: rpc.FaultOpRange},
		{Interface: b, Opnum: 65535, Op: "Last", Syntax: ndr.NDR64, Request: long, Response: []byte{}},
		{Interface: a, Opnum: 7, Op: "Again", Request: long[:16], Response: long[:17]},
	}}
}

func TestRecordingRoundTrip(t *testing.T) {
	want := sample()
	text := want.Append(nil)
	got, err := rpctest.ParseRecording(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v\n%+v\n%+v\n%s", err, got, want, text)
	}
	golden, err := os.ReadFile("testdata/sample.rec")
	if err != nil {
		t.Fatal(err)
	}
	if string(golden) != string(text) {
		t.Errorf("the text is not that of testdata/sample.rec:\n%s", text)
	}
}

// Each text that is cut short is refused, or is the calls that are whole in it.
func TestRecordingTruncated(t *testing.T) {
	want := sample()
	text := want.Append(nil)
	for n := range text {
		got, err := rpctest.ParseRecording(text[:n])
		if err != nil {
			if !errors.Is(err, rpctest.ErrRecording) {
				t.Fatalf("%d octets: %v", n, err)
			}
			continue
		}
		if k := len(got.Exchanges); k > 0 && !reflect.DeepEqual(got.Exchanges[:k-1], want.Exchanges[:k-1]) {
			t.Fatalf("%d octets: %+v", n, got)
		}
	}
}

func TestRecordingRefused(t *testing.T) {
	const head = "interface a 60a15ec5-4de8-11d7-a637-005056a20182 1.0\n"
	for _, tt := range []struct{ text, want string }{
		{"call 0 A\n", "line 1: a call before its interface"},
		{"interface a b\n", "line 1: interface NAME UUID MAJOR.MINOR"},
		{"interface a 60a15ec5 1.0\n", "line 1: "},
		{"interface a 60a15ec5-4de8-11d7-a637-005056a20182 1\n", "line 1: "},
		{"interface a 60a15ec5-4de8-11d7-a637-005056a20182 70000.0\n", "line 1: "},
		{head + "call 0\n", "line 2: call OPNUM NAME [ndr64]"},
		{head + "call 0 A ndr32\n", "line 2: call OPNUM NAME [ndr64]"},
		{head + "call 65536 A\n", "line 2: "},
		{head + "    00\n", "line 2: octets without request or response above them"},
		{head + "call 0 A\nresponse 0\n", "line 3: a call has one request"},
		{head + "call 0 A\nrequest 0\nrequest 0\n", "line 4: a call has one request"},
		{head + "call 0 A\nrequest 1\n    00 00\n", "line 4: more than the 1 octets announced"},
		{head + "call 0 A\nrequest 1\n    0g\n", "line 4: "},
		{head + "call 0 A\nrequest 2\n    00\nresponse 0\n", "line 5: 1 of 2 octets"},
		{head + "call 0 A\nrequest 99999999999\n", "line 3: "},
		{head + "call 0 A\nrequest 0\n", "at the end: the call has no response and no fault"},
		{head + "call 0 A\nrequest 0\nfault 0\n", "line 4: a fault is not 0"},
		{head + "call 0 A\nrequest 0\nfault 5\nresponse 0\n", "line 5: a call has one request"},
		{head + "call 0 A\nfault 5\n", "line 3: fault CODE"},
		{"hello\n", `line 1: "hello"`},
	} {
		_, err := rpctest.ParseRecording([]byte(tt.text))
		if !errors.Is(err, rpctest.ErrRecording) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
	got, err := rpctest.ParseRecording([]byte("# by hand\n" + head + "\ncall 1 -\r\nrequest 3\n\t01 0203 | not read\nfault 5\n"))
	if err != nil || len(got.Exchanges) != 1 || string(got.Exchanges[0].Request) != "\x01\x02\x03" || got.Exchanges[0].Fault != rpc.FaultAccessDenied {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzParseRecording(f *testing.F) {
	r := sample()
	f.Add(r.Append(nil))
	f.Add([]byte("interface a 60a15ec5-4de8-11d7-a637-005056a20182 1.0\ncall 1 -\nrequest 2147483647\nfault 5\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := rpctest.ParseRecording(text)
		if err != nil {
			return
		}
		again, err := rpctest.ParseRecording(r.Append(nil))
		if err != nil || len(again.Exchanges) != len(r.Exchanges) {
			t.Fatalf("%v\n%s", err, r.Append(nil))
		}
		for i := range r.Exchanges {
			if !reflect.DeepEqual(again.Exchanges[i], r.Exchanges[i]) {
				t.Fatalf("%+v\n%+v", again.Exchanges[i], r.Exchanges[i])
			}
		}
	})
}
