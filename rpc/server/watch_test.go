package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
)

// A user who is refused again and again is written of once in ten seconds, with how often it was; many users together fill no log either.
func TestAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		audit := server.NewAudit(slog.New(slog.NewTextHandler(&log, nil)))
		refused := func(n int) {
			for range n {
				server.AuditNote(audit, &rpc.Call{Interface: echoInterface, Opnum: opFail, Token: nt.AnonymousToken(), Transport: rpc.TransportLocal})
			}
		}
		refused(1000)
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("%d lines for a thousand refusals:\n%s", n, log.String())
		}
		<-time.After(11 * time.Second)
		log.Reset()
		refused(1)
		if !strings.Contains(log.String(), "repeated=999") || !strings.Contains(log.String(), "rule=rule") || !strings.Contains(log.String(), "operation=") {
			t.Error(log.String())
		}
		if audit.Refused() != 1001 {
			t.Error(audit.Refused())
		}
	})
}

// Many that are refused, each of its own kind, have twenty lines a second, and the next says how many had none.
func TestAuditFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		audit := server.NewAudit(slog.New(slog.NewTextHandler(&log, nil)))
		for i := range 5000 {
			server.AuditNote(audit, &rpc.Call{Interface: echoInterface, Token: &nt.Token{User: nt.NewSID(5, 21, 1, 2, 3, uint32(i))}})
		}
		if n := strings.Count(log.String(), "\n"); n != 20 {
			t.Errorf("%d lines", n)
		}
		<-time.After(time.Minute)
		log.Reset()
		server.AuditNote(audit, &rpc.Call{Interface: echoInterface, Token: &nt.Token{User: nt.NewSID(5, 21, 1, 2, 3, 9999)}})
		if !strings.Contains(log.String(), "others_not_shown=4980") {
			t.Error(log.String())
		}
	})
}

// brought is a connection that says what brought what was read.
type brought struct{ net.Conn }

func (brought) Activity() (connection, session, message uint64) { return 7, 8, 9 }

// Who follows sees calls with their stub data, sizes and faults, refused ones as well, and only those it asked for.
func TestTrace(t *testing.T) {
	tracer := new(server.Tracer)
	audit := server.NewAudit(slog.New(slog.DiscardHandler))
	s, _ := serve(t, server.Config{Tracer: tracer, Audit: audit, Policy: server.NewPolicy(server.Rule{Source: "conf:1", Opnums: []uint16{opWho}, Deny: []nt.SID{nt.SIDAnonymous}})})
	near, far := net.Pipe()
	go s.ServeConn(bg, brought{far})
	c := client.NewConn(near, client.Config{})
	defer c.Close()
	b := bind(t, c, echoInterface, nil)
	mustAddOne(t, b) // nobody sees it
	all, other, nobody := tracer.Follow(server.Filter{User: `NT AUTHORITY\anonymous logon`}), tracer.Follow(server.Filter{Interface: secondInterface.UUID}), tracer.Follow(server.Filter{User: "alice"})
	if tracer.Following() != 3 {
		t.Error(tracer.Following())
	}
	mustAddOne(t, b)
	for _, opnum := range []uint16{opFail, opWho, opUnused} {
		if b.Call(bg, opnum, func(e *ndr.Encoder) { e.Uint32(uint32(rpc.FaultObjectNotFound)) }, nil) == nil {
			t.Errorf("operation %d went well", opnum)
		}
	}
	list, lost, err := all.Next(t.Context(), 100)
	for len(list) < 4 && err == nil {
		var more []*server.Record
		more, lost, err = all.Next(t.Context(), 100)
		list = append(list, more...)
	}
	if err != nil || lost != 0 {
		t.Fatalf("%d lost, %v", lost, err)
	}
	r := list[0]
	if r.ID != "7/9" || r.Session != 8 || r.Opnum != opAddOne || r.In != len(r.Request) || r.In < 4 || r.Out != 4 || len(r.Response) != 4 || r.Fault != 0 || r.User != `NT AUTHORITY\ANONYMOUS LOGON` {
		t.Errorf("%+v", r)
	}
	if r := list[1]; r.Opnum != opFail || r.Fault == 0 || r.Refusal != "" || r.Out != 0 {
		t.Errorf("%+v", r)
	}
	if r := list[2]; r.Opnum != opWho || r.Fault != rpc.FaultAccessDenied || r.Refusal != server.RefusedDenied || r.Rule != "conf:1" {
		t.Errorf("%+v", r)
	}
	if r := list[3]; r.Opnum != opUnused || r.Fault != rpc.FaultOpRange {
		t.Errorf("%+v", r)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for _, f := range []*server.Follower{other, nobody} {
		if list, lost, err := f.Next(done, 1); len(list) != 0 || lost != 0 || err != nil {
			t.Errorf("%d records that nobody asked for", len(list))
		}
	}
	all.Close()
	other.Close()
	nobody.Close()
	if _, _, err := all.Next(t.Context(), 1); !errors.Is(err, server.ErrFollowerClosed) || tracer.Following() != 0 {
		t.Errorf("%v, %d follow", err, tracer.Following())
	}
}

// Who does not read loses records and is told how many; what is held for him is bounded.
func TestTraceLoses(t *testing.T) {
	tracer := new(server.Tracer)
	s, _ := serve(t, server.Config{Tracer: tracer})
	f := tracer.Follow(server.Filter{})
	defer f.Close()
	b := bind(t, newClient(t, s, client.Config{}), echoInterface, nil)
	const calls = 5000
	for range calls {
		mustAddOne(t, b)
	}
	seen := 0
	for seen < calls {
		list, lost, err := f.Next(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(list) + int(lost)
		if lost > 0 && seen != calls && len(list) != 1000 {
			t.Errorf("%d lost after %d", lost, seen)
		}
	}
	// With long ones, the memory.
	for range 300 {
		if _, err := echoBytes(bg, b, make([]byte, 60_000)); err != nil {
			t.Fatal(err)
		}
	}
	held, missing := 0, 0
	for held+missing < 300 {
		list, lost, _ := f.Next(t.Context(), 1000)
		held, missing = held+len(list), missing+int(lost)
	}
	if held > 8<<20/120_000+1 || held < 50 {
		t.Errorf("%d held, %d lost", held, missing)
	}
}

// The counters of an operation know what runs, how long it took and how much it was.
func TestOpStats(t *testing.T) {
	s, e := serve(t, server.Config{})
	c := newClient(t, s, client.Config{})
	b := bind(t, c, echoInterface, nil)
	mustAddOne(t, b)
	done := make(chan error)
	go func() { done <- b.Call(bg, opBlock, nil, nil) }()
	<-e.entered
	stats := func() map[string]server.OpStats {
		m := map[string]server.OpStats{}
		for _, o := range s.OpStats() {
			m[fmt.Sprint(o.Opnum)] = o
		}
		return m
	}
	if o := stats()[fmt.Sprint(opBlock)]; o.Running != 1 || o.Calls != 1 {
		t.Errorf("%+v", o)
	}
	e.letGo <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.Call(bg, opPanic, nil, nil)
	m := stats()
	if o := m[fmt.Sprint(opBlock)]; o.Running != 0 || o.BytesOut != 4 {
		t.Errorf("%+v", o)
	}
	if o := m[fmt.Sprint(opPanic)]; o.Running != 0 || o.Faults != 1 || o.BytesOut != 0 {
		t.Errorf("%+v", o)
	}
	if o := m[fmt.Sprint(opAddOne)]; o.BytesIn < 4 || o.BytesOut != 4 || sum(o.Latency[:]) != 1 || o.Time <= 0 {
		t.Errorf("%+v", o)
	}
}

func sum(list []uint64) (n uint64) {
	for _, x := range list {
		n += x
	}
	return n
}

// Explain says what each condition would say, without making the call or taking of the rate.
func TestExplain(t *testing.T) {
	s, _ := serve(t, server.Config{Policy: server.NewPolicy(
		server.Rule{Source: "a", Opnums: []uint16{opAddOne}, MinLevel: rpc.AuthLevelPktPrivacy},
		server.Rule{Source: "b", Rate: 1},
		server.Rule{Source: "c", Interface: secondInterface.UUID, Deny: []nt.SID{nt.SIDWorld}})})
	call := &rpc.Call{Interface: echoInterface, Opnum: opAddOne, Token: nt.AnonymousToken(), AuthLevel: rpc.AuthLevelNone, Transport: rpc.TransportTCP}
	for range 3 {
		v := s.Explain(bg, call)
		if len(v) != 2 || v[0].Source != "a" || v[0].Refusal != server.RefusedLevel || v[1].Source != "b" || v[1].Refusal != "" {
			t.Errorf("%+v", v)
		}
	}
	for _, r := range s.Registrations() {
		want := 2
		if r.Interface == secondInterface {
			want = 3 // c as well
		}
		if len(r.Rules) != want {
			t.Errorf("%s: %d rules", r.Interface.Name, len(r.Rules))
		}
	}
}
