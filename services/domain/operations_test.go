package domain

import (
	"context"
	"errors"
	"testing"

	gen "lwio/gen/domain"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// TestProgress: steps are told while the call is under way, to who watches it from before it began and to who comes later; to administrators of this machine alone.
func TestProgress(t *testing.T) {
	m, _, _ := member(t, false)
	s := NewServer(m)
	admin := &rpc.Call{Transport: rpc.TransportLocal, Token: nt.SystemToken()}
	tag := nt.GUID{1}
	got := make(chan *gen.DomainProgressResponse)
	ask := func(from uint32) {
		out, err := s.DomainProgress(t.Context(), admin, &gen.DomainProgressRequest{Tag: tag, From: from})
		if err != nil {
			t.Error(err)
		}
		got <- out
	}
	go ask(0) // before it begins
	var whole gen.DOMAIN_REPORT
	report, end := s.watched(tag, &whole)
	report(Step{Stage: StageDNS, Text: "one"})
	if out := <-got; len(out.Report.Steps) != 1 || *out.Report.Steps[0].Text != "one" || out.Ended != 0 {
		t.Errorf("%+v", out)
	}
	go ask(1)
	report(Step{Stage: StageNetwork, Text: "two"})
	if out := <-got; len(out.Report.Steps) != 1 || *out.Report.Steps[0].Text != "two" {
		t.Errorf("%+v", out)
	}
	go ask(2)
	end()
	if out := <-got; len(out.Report.Steps) != 0 || out.Ended != 1 {
		t.Errorf("%+v", out)
	}
	go ask(0) // after it
	if out := <-got; len(out.Report.Steps) != 2 || out.Ended != 1 {
		t.Errorf("%+v", out)
	}
	go ask(1 << 31)
	if out := <-got; len(out.Report.Steps) != 0 {
		t.Errorf("%+v", out)
	}
	if len(whole.Steps) != 2 {
		t.Errorf("%d steps in the report", len(whole.Steps))
	}
	user := &rpc.Call{Transport: rpc.TransportLocal, Token: &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1000")}}
	for _, call := range []*rpc.Call{user, {Transport: rpc.TransportNamedPipe, Token: nt.SystemToken()}} {
		if out, err := s.DomainProgress(t.Context(), call, &gen.DomainProgressRequest{Tag: tag}); err != nil || out.Return != denied || len(out.Report.Steps) != 0 {
			t.Errorf("%+v %v", out, err)
		}
		if out, err := s.DomainProvision(t.Context(), call, &gen.DomainProvisionRequest{}); err != nil || out.Return != denied || len(out.Blob.Data) != 0 {
			t.Errorf("%+v %v", out, err)
		}
		if out, err := s.DomainJoinOffline(t.Context(), call, &gen.DomainJoinOfflineRequest{}); err != nil || out.Return != denied {
			t.Errorf("%+v %v", out, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.DomainProgress(gone, admin, &gen.DomainProgressRequest{Tag: nt.GUID{2}}); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits for what never begins: %v", err)
	}
	for i := range byte(100) {
		s.operations.get(nt.GUID{9, i})
	}
	if n := len(s.operations.list); n != maxOperations {
		t.Errorf("%d calls are remembered", n)
	}
}

// TestJoinOffline: by the data alone, with what only a controller knows left open.
func TestJoinOffline(t *testing.T) {
	m, table, dials := member(t, false)
	data, err := FormatProvision(sampleProvision(), "192.0.2.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.JoinOffline(t.Context(), []byte("bad"), nil); nt.StatusOf(err) != nt.StatusInvalidParameter {
		t.Errorf("%v", err)
	}
	if err := m.JoinOffline(t.Context(), data, nil); err != nil {
		t.Fatal(err)
	}
	acct, _, err := table.Load(t.Context())
	if err != nil || acct.Name != "OURS$" || acct.DNSName != "ours.lab.test" || acct.Password.Value != "one" || acct.Password.KVNO != 0 || acct.Joined == 0 {
		t.Errorf("%+v %v", acct, err)
	}
	if keys, _ := m.Keys(); len(keys) == 0 {
		t.Error("no tickets are taken")
	}
	if *dials != 0 {
		t.Errorf("%d attempts at controllers", *dials)
	}
	if id, ok := m.UnixID(acct.DomainSID.Child(500)); !ok || id != 100500 {
		t.Errorf("%d %v", id, ok)
	}
	select {
	case <-m.kick:
	default:
		t.Error("no controller will be asked soon")
	}
}
