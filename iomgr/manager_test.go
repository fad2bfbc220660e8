package iomgr_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/iotest"
	"lwio/iomgr/nt"
)

func fresh(t testing.TB) (*iomgr.Manager, *iotest.Driver) {
	m, d := iomgr.New(iomgr.Config{}), iotest.NewDriver()
	if err := m.Load(context.Background(), d.Entry); err != nil {
		t.Fatal(err)
	}
	return m, d
}

func TestAPI(t *testing.T) {
	iotest.RunAPI(t, func(t testing.TB) iotest.Target {
		m, d := fresh(t)
		t.Cleanup(func() { d.Release(); m.Shutdown(context.Background()) })
		return iotest.Target{API: m, Driver: d}
	})
}

func TestLoad(t *testing.T) {
	m, d := fresh(t)
	ctx := t.Context()
	if err := m.Load(ctx, iotest.NewDriver().Entry); !errors.Is(err, iomgr.ErrDriverExists) {
		t.Errorf("twice: %v", err)
	}
	if err := m.Unload(ctx, "nothing"); !errors.Is(err, iomgr.ErrDriverNotFound) {
		t.Errorf("%v", err)
	}
	h, err := m.CreateFile(ctx, &api.CreateArgs{Name: `\iotest\echo`, DesiredAccess: nt.FileReadData, Disposition: nt.FileOpen})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.ReadFile(ctx, h, nil, 0); err != nil {
		t.Fatal(err)
	}
	info := m.Drivers()
	if len(info) != 1 || info[0].Name != "iotest" || len(info[0].Devices) != 1 || info[0].Devices[0].Files != 1 {
		t.Errorf("%+v", info)
	}
	if got := info[0].Devices[0].Requests; len(got) != 2 || got[0] != (iomgr.RequestInfo{Op: "create", Requests: 1}) || got[1] != (iomgr.RequestInfo{Op: "read", Requests: 1}) {
		t.Errorf("%+v", got)
	}
	if err := m.Unload(ctx, "IOTEST"); err != nil {
		t.Fatal(err)
	}
	if d.Phases() != "start stop unload" {
		t.Error(d.Phases())
	}
	if c, cl := d.Ended(); c != 1 || cl != 1 {
		t.Errorf("%d cleanups, %d closes: unload runs open files down", c, cl)
	}
	if _, err := m.ReadFile(ctx, h, nil, 0); !errors.Is(err, nt.StatusInvalidHandle) {
		t.Errorf("a handle of an unloaded driver: %v", err)
	}
	if _, err := m.CreateFile(ctx, &api.CreateArgs{Name: `\iotest\echo`}); !errors.Is(err, nt.StatusObjectPathNotFound) {
		t.Errorf("%v", err)
	}
	if err := m.Load(ctx, iotest.NewDriver().Entry); err != nil {
		t.Errorf("load again: %v", err)
	}
}

func TestUnloadWaits(t *testing.T) {
	m, d := fresh(t)
	h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\iotest\leak`, Disposition: nt.FileOpen})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := m.Unload(ctx, "iotest"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a leaked file: %v", err)
	}
	if d.Phases() != "start stop unload" {
		t.Error(d.Phases())
	}
	d.Release()
	if _, closes := d.Ended(); closes != 1 {
		t.Errorf("%d closes", closes)
	}
	_ = h
}

func TestStartFails(t *testing.T) {
	m, d := iomgr.New(iomgr.Config{}), iotest.NewDriver()
	d.StartErr = errors.New("no")
	if err := m.Load(t.Context(), d.Entry); !errors.Is(err, d.StartErr) {
		t.Fatal(err)
	}
	if len(m.Drivers()) != 0 {
		t.Error("the driver is listed")
	}
	if _, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\iotest\echo`}); !errors.Is(err, nt.StatusObjectPathNotFound) {
		t.Errorf("its device is there: %v", err)
	}
}

func BenchmarkOpenClose(b *testing.B) {
	m, _ := fresh(b)
	b.ReportAllocs()
	for b.Loop() {
		h, err := m.CreateFile(context.Background(), &api.CreateArgs{Name: `\iotest\echo`, Disposition: nt.FileOpen})
		if err != nil {
			b.Fatal(err)
		}
		m.Close(h)
	}
}

func BenchmarkRead(b *testing.B) {
	m, _ := fresh(b)
	h, err := m.CreateFile(context.Background(), &api.CreateArgs{Name: `\iotest\echo`, DesiredAccess: nt.FileReadData, Disposition: nt.FileOpen})
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.ReadFile(context.Background(), h, buf, 0); err != nil {
			b.Fatal(err)
		}
	}
}
