package server_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
)

func TestPolicyCheck(t *testing.T) {
	alice := nt.NewSID(5, 21, 1, 2, 3, 1000)
	users := nt.SIDBuiltinUsers
	token := &nt.Token{User: alice, Groups: []nt.Group{{SID: users, Attributes: nt.SEGroupDefault}}}
	call := func(opnum uint16, level rpc.AuthLevel, transport rpc.Transport) *rpc.Call {
		return &rpc.Call{Interface: echoInterface, Opnum: opnum, AuthLevel: level, Transport: transport, Token: token}
	}
	for name, tt := range map[string]struct {
		rule server.Rule
		call *rpc.Call
		want server.Refusal
	}{
		"nothing asked":                 {server.Rule{}, call(0, rpc.AuthLevelNone, rpc.TransportTCP), ""},
		"another interface":             {server.Rule{Interface: secondInterface.UUID, MinLevel: rpc.AuthLevelPktPrivacy}, call(0, rpc.AuthLevelNone, rpc.TransportTCP), ""},
		"another operation":             {server.Rule{Interface: echoInterface.UUID, Opnums: []uint16{4}, MinLevel: rpc.AuthLevelPktPrivacy}, call(0, rpc.AuthLevelNone, rpc.TransportTCP), ""},
		"too low a level":               {server.Rule{Opnums: []uint16{4}, MinLevel: rpc.AuthLevelPktPrivacy}, call(4, rpc.AuthLevelPktIntegrity, rpc.TransportTCP), server.RefusedLevel},
		"a level":                       {server.Rule{MinLevel: rpc.AuthLevelPktPrivacy}, call(4, rpc.AuthLevelPktPrivacy, rpc.TransportTCP), ""},
		"a level, of this machine":      {server.Rule{MinLevel: rpc.AuthLevelPktPrivacy}, call(4, rpc.AuthLevelNone, rpc.TransportLocal), ""},
		"another transport":             {server.Rule{Transports: []rpc.Transport{rpc.TransportNamedPipe}}, call(0, 0, rpc.TransportTCP), server.RefusedTransport},
		"a transport":                   {server.Rule{Transports: []rpc.Transport{rpc.TransportNamedPipe, rpc.TransportTCP}}, call(0, 0, rpc.TransportTCP), ""},
		"denied by a group":             {server.Rule{Deny: []nt.SID{users}, Allow: []nt.SID{alice}}, call(0, 0, rpc.TransportTCP), server.RefusedDenied},
		"allowed":                       {server.Rule{Allow: []nt.SID{alice, nt.SIDBuiltinAdministrators}}, call(0, 0, rpc.TransportTCP), ""},
		"not among those that are":      {server.Rule{Allow: []nt.SID{nt.SIDBuiltinAdministrators}}, call(0, 0, rpc.TransportTCP), server.RefusedNotAllow},
		"not among those that are, UDP": {server.Rule{Transports: []rpc.Transport{"ncadg_ip_udp"}}, call(0, 0, rpc.TransportLocal), server.RefusedTransport},
	} {
		if got, _ := server.NewPolicy(tt.rule).Check(tt.call); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// A user has so many calls a second, and another his own.
func TestPolicyRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := server.NewPolicy(server.Rule{Rate: 2})
		by := func(rid uint32) server.Refusal {
			why, _ := p.Check(&rpc.Call{Interface: echoInterface, Token: &nt.Token{User: nt.NewSID(5, 21, 1, 2, 3, rid)}})
			return why
		}
		for i, want := range []server.Refusal{"", "", server.RefusedRate} {
			if got := by(1); got != want {
				t.Errorf("call %d of the first second: %q, want %q", i, got, want)
			}
		}
		if got := by(2); got != "" {
			t.Errorf("another user: %q", got)
		}
		<-time.After(500 * time.Millisecond)
		if by(1) != "" || by(1) != server.RefusedRate {
			t.Error("half a second is one call")
		}
		if server.RefusedRate.Fault() != rpc.FaultServerTooBusy || server.RefusedDenied.Fault() != rpc.FaultAccessDenied {
			t.Error("faults")
		}
	})
}

// What a policy refuses does not reach the method, is counted and logged; interceptors of both sides stand around the rest in their order.
func TestPolicyAndInterceptors(t *testing.T) {
	var log bytes.Buffer
	var order []string
	trace := func(name string) server.Interceptor {
		return func(ctx context.Context, call *rpc.Call, next func(context.Context) error) error {
			order = append(order, name)
			return next(ctx)
		}
	}
	audit := server.NewAudit(slog.New(slog.NewTextHandler(&log, nil)))
	p := server.NewPolicy(server.Rule{Source: "file:7", Interface: echoInterface.UUID, Opnums: []uint16{opFail}, MinLevel: rpc.AuthLevelPktPrivacy})
	s, _ := serve(t, server.Config{Policy: p, Audit: audit, Interceptors: []server.Interceptor{trace("s1"), trace("s2"),
		func(ctx context.Context, call *rpc.Call, next func(context.Context) error) error {
			if call.Opnum == opSource {
				return rpc.FaultCannotSupport
			}
			return next(ctx)
		}}})
	around := func(name string) client.Interceptor {
		return func(ctx context.Context, _ *rpc.Interface, opnum uint16, next func(context.Context) error) error {
			order = append(order, name)
			err := next(ctx)
			order = append(order, name+" ends")
			return err
		}
	}
	c := client.NewConn(connect(t, s, true), client.Config{Interceptors: []client.Interceptor{around("c1"), around("c2")}})
	defer c.Close()
	b := bind(t, c, echoInterface, nil)
	mustAddOne(t, b)
	if want := []string{"c1", "c2", "s1", "s2", "c2 ends", "c1 ends"}; !slices.Equal(order, want) {
		t.Errorf("%v", order)
	}
	order = nil
	if err := b.Call(bg, opFail, nil, nil); !errors.Is(err, rpc.FaultAccessDenied) || slices.Contains(order, "s1") {
		t.Errorf("%v %v", err, order)
	}
	if err := b.Call(bg, opSource, nil, nil); !errors.Is(err, rpc.FaultCannotSupport) {
		t.Errorf("the interceptor's fault: %v", err)
	}
	if audit.Refused() != 1 || !strings.Contains(log.String(), "call refused") || !strings.Contains(log.String(), "authentication level") || !strings.Contains(log.String(), "rule=file:7") {
		t.Errorf("%d refused: %s", audit.Refused(), log.String())
	}
	got := map[uint16]server.OpStats{}
	for _, o := range s.OpStats() {
		o.Time = 0
		got[o.Opnum] = o
	}
	name := echoInterface.Name
	for opnum, want := range map[uint16]server.OpStats{
		opAddOne: {Interface: name, Opnum: opAddOne, Calls: 1}, opFail: {Interface: name, Opnum: opFail, Refused: 1}, opSource: {Interface: name, Opnum: opSource, Calls: 1, Faults: 1},
	} {
		if g := got[opnum]; g.Calls != want.Calls || g.Faults != want.Faults || g.Refused != want.Refused || g.Interface != name {
			t.Errorf("operation %d: %+v", opnum, g)
		}
	}
	if len(got) != 3 {
		t.Errorf("%+v", got)
	}
}
