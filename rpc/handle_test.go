package rpc

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

func TestContextHandle(t *testing.T) {
	h := ContextHandle{Attributes: 0x01020304, UUID: nt.MustGUID("01020304-0506-0708-090a-0b0c0d0e0f10")}
	e := ndr.NewEncoder(nil)
	e.Uint8(1) // it aligns itself
	h.EncodeBody(e)
	if len(e.Bytes()) != 4+ContextHandleSize {
		t.Fatalf("%x", e.Bytes())
	}
	d := ndr.NewDecoder(e.Bytes(), ndr.LittleEndian)
	var got ContextHandle
	d.Uint8()
	if got.DecodeBody(d); got != h || d.Err() != nil {
		t.Errorf("%+v %v", got, d.Err())
	}
	if h.IsZero() || !(ContextHandle{}).IsZero() {
		t.Error("IsZero")
	}
}

func TestHandleTable(t *testing.T) {
	a, b := &Interface{Name: "a"}, &Interface{Name: "b"}
	table := &HandleTable{}
	call := &Call{Interface: a, Handles: table}
	h, err := table.Open(call, "value", nil)
	if err != nil || h.IsZero() || h.Attributes != 0 {
		t.Fatal(h, err)
	}
	if v, err := HandleValue[string](call, h); v != "value" || err != nil {
		t.Error(v, err)
	}
	mismatch := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, FaultContextMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = HandleValue[int](call, h)
	mismatch("wrong type", err)
	_, err = HandleValue[string](&Call{Interface: b, Handles: table}, h)
	mismatch("other interface", err)
	_, err = HandleValue[string](&Call{Interface: a, Handles: &HandleTable{}}, h)
	mismatch("other group", err)
	_, err = HandleValue[string](&Call{Interface: a}, h)
	mismatch("no table", err)
	_, err = HandleValue[string](call, ContextHandle{})
	mismatch("null", err)
	forged := h
	forged.Attributes = 1
	_, err = HandleValue[string](call, forged)
	mismatch("attributes", err)
	mismatch("close with attributes", table.Close(forged))
	if err := table.Close(h); err != nil {
		t.Error(err)
	}
	mismatch("closed twice", table.Close(h))
	_, err = HandleValue[string](call, h)
	mismatch("closed", err)
}

func TestHandleTableBound(t *testing.T) {
	table := &HandleTable{Max: 3}
	call := &Call{Interface: &Interface{}, Handles: table}
	seen := map[nt.GUID]bool{}
	var last ContextHandle
	for range 3 {
		h, err := table.Open(call, 1, nil)
		if err != nil || seen[h.UUID] {
			t.Fatal(h, err)
		}
		seen[h.UUID], last = true, h
	}
	if _, err := table.Open(call, 1, nil); err != FaultRemoteNoMemory || table.Len() != 3 {
		t.Error(err, table.Len())
	}
	table.Close(last)
	if _, err := table.Open(call, 1, nil); err != nil {
		t.Error(err)
	}
}

func TestRundown(t *testing.T) {
	table := &HandleTable{}
	call := &Call{Interface: &Interface{}, Handles: table}
	var ran atomic.Int32
	h, _ := table.Open(call, 1, func() { ran.Add(100) })
	table.Close(h) // closed: its rundown does not run
	for range 5 {
		table.Open(call, 1, func() { ran.Add(1); table.Len() }) // may use the table
	}
	table.Open(call, 1, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(table.Rundown)
	}
	wg.Wait()
	if ran.Load() != 5 || table.Len() != 0 {
		t.Errorf("%d rundowns, %d left", ran.Load(), table.Len())
	}
	if _, err := table.Open(call, 1, nil); err != FaultRemoteNoMemory {
		t.Error("a handle was opened after rundown:", err)
	}
}
