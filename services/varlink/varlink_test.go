package varlink_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"

	"lwio/services/varlink"
)

func counter() *varlink.Server {
	return &varlink.Server{Vendor: "v", Product: "p", Version: "1", URL: "u", Interfaces: []varlink.Interface{{Name: "io.example.counter", Description: "interface io.example.counter\n", Methods: map[string]varlink.Method{
		"Count": func(_ context.Context, in json.RawMessage, more bool, reply func(any) error) error {
			var p struct {
				To *int `json:"to"`
			}
			if err := varlink.Parameters(in, &p); err != nil {
				return err
			}
			if p.To == nil {
				return varlink.InvalidParameter("to")
			}
			for i := range *p.To {
				if err := reply(map[string]int{"n": i}); err != nil {
					return err
				}
			}
			return nil
		},
		"Fail": func(_ context.Context, _ json.RawMessage, _ bool, reply func(any) error) error {
			if err := reply(map[string]int{"n": 1}); err != nil {
				return err
			}
			return &varlink.Error{Name: "io.example.counter.Broken"}
		},
	}}}}
}

// connect runs a server on one end of a connection.
func connect(t *testing.T, s *varlink.Server) net.Conn {
	t.Helper()
	a, b := net.Pipe()
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ServeConn(context.Background(), a) }()
	t.Cleanup(func() { b.Close(); <-done })
	return b
}

// TestTranscript has calls and their replies octet for octet.
func TestTranscript(t *testing.T) {
	for _, tt := range []struct {
		call string
		want []string
	}{
		{`{"method":"org.varlink.service.GetInfo"}`, []string{`{"parameters":{"interfaces":["io.example.counter","org.varlink.service"],"product":"p","url":"u","vendor":"v","version":"1"}}`}},
		{`{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.example.counter"}}`, []string{`{"parameters":{"description":"interface io.example.counter\n"}}`}},
		{`{"method":"org.varlink.service.GetInterfaceDescription"}`, []string{`{"parameters":{"parameter":"interface"},"error":"org.varlink.service.InvalidParameter"}`}},
		{`{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.nothing"}}`, []string{`{"parameters":{"interface":"io.nothing"},"error":"org.varlink.service.InterfaceNotFound"}`}},
		{`{"method":"org.varlink.service.Nothing"}`, []string{`{"parameters":{"method":"org.varlink.service.Nothing"},"error":"org.varlink.service.MethodNotFound"}`}},
		{`{"method":"io.nothing.Count"}`, []string{`{"parameters":{"interface":"io.nothing"},"error":"org.varlink.service.InterfaceNotFound"}`}},
		{`{"method":"io.example.counter.Nothing"}`, []string{`{"parameters":{"method":"io.example.counter.Nothing"},"error":"org.varlink.service.MethodNotFound"}`}},
		{`{"method":"io.example.counter.Count","parameters":{"to":3},"more":true}`, []string{`{"parameters":{"n":0},"continues":true}`, `{"parameters":{"n":1},"continues":true}`, `{"parameters":{"n":2}}`}},
		{`{"method":"io.example.counter.Count","parameters":{"to":1}}`, []string{`{"parameters":{"n":0}}`}},
		{`{"method":"io.example.counter.Count","parameters":{"to":0}}`, []string{`{}`}},
		{`{"method":"io.example.counter.Count","parameters":{"to":2}}`, []string{`{"error":"org.varlink.service.ExpectedMore"}`}},
		{`{"method":"io.example.counter.Count","parameters":{"to":"x"}}`, []string{`{"parameters":{"parameter":"to"},"error":"org.varlink.service.InvalidParameter"}`}},
		{`{"method":"io.example.counter.Count","parameters":{"too":1}}`, []string{`{"parameters":{"parameter":"too"},"error":"org.varlink.service.InvalidParameter"}`}},
		{`{"method":"io.example.counter.Fail","more":true}`, []string{`{"parameters":{"n":1},"continues":true}`, `{"error":"io.example.counter.Broken"}`}},
		{`{"method":"io.example.counter.Fail"}`, []string{`{"error":"io.example.counter.Broken"}`}},
		{`{"method":"io.example.counter.Count","upgrade":true}`, []string{`{"parameters":{"method":"io.example.counter.Count"},"error":"org.varlink.service.MethodNotImplemented"}`}},
	} {
		c := connect(t, counter())
		go io.WriteString(c, tt.call+"\x00")
		r := bufio.NewReader(c)
		for _, want := range tt.want {
			got, err := varlink.ReadMessage(r, varlink.MaxMessage)
			if err != nil || string(got) != want {
				t.Errorf("%s:\n%s %v\nwant\n%s", tt.call, got, err, want)
			}
		}
	}
}

// TestOrder: calls that are sent at once are answered in their order, and one that nobody waits for not at all.
func TestOrder(t *testing.T) {
	c := connect(t, counter())
	go io.WriteString(c, `{"method":"io.example.counter.Count","parameters":{"to":1},"oneway":true}`+"\x00"+`{"method":"io.nothing.A"}`+"\x00"+`{"method":"io.nothing.else.B"}`+"\x00")
	r := bufio.NewReader(c)
	for _, want := range []string{"io.nothing", "io.nothing.else"} {
		got, err := varlink.ReadMessage(r, varlink.MaxMessage)
		if err != nil || !strings.Contains(string(got), `"interface":"`+want+`"`) {
			t.Fatalf("%s %v", got, err)
		}
	}
}

// TestNoMessage: what is none ends the connection, and every beginning of one is none.
func TestNoMessage(t *testing.T) {
	whole := `{"method":"org.varlink.service.GetInfo","parameters":{}}`
	bad := []string{"", "[]", "null", "1", `{"method":1}`, `{}`, `{"method":""}`, `{"method":"a"}`, `{"method":"a..b"}`, `{"method":"-a.b"}`, `{"method":"a.b","parameters":[]}`, `{"method":"a.b","oneway":true,"more":true}`,
		"{\"method\":\"a.\xff\"}", `{"method":"a.b"} {}`}
	for i := range len(whole) {
		bad = append(bad, whole[:i])
	}
	for _, text := range bad {
		c := connect(t, counter())
		go io.WriteString(c, text+"\x00")
		if got, err := varlink.ReadMessage(bufio.NewReader(c), varlink.MaxMessage); err == nil {
			t.Errorf("%q is answered: %s", text, got)
		}
	}
}

// TestTooLarge: a message that has no end is not kept.
func TestTooLarge(t *testing.T) {
	if _, err := varlink.ReadMessage(bufio.NewReader(io.LimitReader(zeroless{}, 10*varlink.MaxMessage)), varlink.MaxMessage); !errors.Is(err, varlink.ErrTooLarge) {
		t.Error(err)
	}
	for n, want := range map[int]error{varlink.MaxCall: nil, varlink.MaxCall + 1: varlink.ErrTooLarge} {
		if b, err := varlink.ReadMessage(bufio.NewReader(strings.NewReader(strings.Repeat(" ", n)+"\x00")), varlink.MaxCall); !errors.Is(err, want) || err == nil && len(b) != n {
			t.Errorf("%d octets: %d, %v", n, len(b), err)
		}
	}
	if _, err := varlink.ReadMessage(bufio.NewReader(strings.NewReader("{")), varlink.MaxMessage); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if _, err := varlink.ReadMessage(bufio.NewReader(strings.NewReader("")), varlink.MaxMessage); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

type zeroless struct{}

func (zeroless) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte{' '}, len(b))), nil }

// TestClient calls over a socket, and stops when it is told to.
func TestClient(t *testing.T) {
	path := t.TempDir() + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- counter().Serve(ctx, l) }()
	c, err := varlink.Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	collect := func(b json.RawMessage) error { got = append(got, string(b)); return nil }
	if err := c.CallMore(t.Context(), "io.example.counter.Count", map[string]int{"to": 200}, collect); err != nil || len(got) != 200 || got[199] != `{"n":199}` {
		t.Errorf("%d replies, %v", len(got), err)
	}
	var e *varlink.Error
	if err := c.Call(t.Context(), "io.example.counter.Fail", nil, nil); !errors.As(err, &e) || e.Name != "io.example.counter.Broken" {
		t.Error(err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := c.Call(t.Context(), "io.example.counter.Fail", nil, nil); err == nil {
		t.Error("served after the end")
	}
}

// FuzzMessage: what is taken for a call or a reply says the same when it is written again.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{`{"method":"io.example.counter.Count","parameters":{"to":3},"more":true}`, `{"parameters":{"n":0},"continues":true}`, `{"error":"a.B"}`, `{}`, `{"method":"a.b","oneway":true}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := varlink.ParseCall(b); err == nil {
			again(t, &c, varlink.ParseCall)
		}
		if r, err := varlink.ParseReply(b); err == nil {
			again(t, &r, varlink.ParseReply)
		}
	})
}

func again[T any](t *testing.T, v *T, parse func([]byte) (T, error)) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(b)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", b, err))
	}
	compact := func(v *T) any {
		b, _ := json.Marshal(v)
		var x any
		_ = json.Unmarshal(b, &x)
		return x
	}
	if !reflect.DeepEqual(compact(v), compact(&got)) {
		t.Errorf("%+v and %+v", v, got)
	}
}
