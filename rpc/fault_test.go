package rpc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

func TestFaultOf(t *testing.T) {
	d := ndr.NewDecoder(nil, ndr.LittleEndian)
	d.Uint8()
	limit := ndr.NewDecoder(make([]byte, 4096), ndr.LittleEndian)
	ndr.MakeSlice[[1 << 20]byte](limit, 1, 1, "")
	for _, c := range []struct {
		err  error
		want Fault
	}{
		{nil, 0},
		{FaultOpRange, 0x1C010002},
		{fmt.Errorf("finding it: %w", FaultContextMismatch), 0x1C00001A},
		{d.Err(), 0x6F7},
		{limit.Err(), 0x1C00001B},
		{nt.StatusAccessDenied, 5},
		{nt.StatusObjectNameNotFound, 0xC0000034},
		{nt.StatusCancelled, 0x1C00000D},
		{nt.WErrInvalidLevel, 124},
		{context.Canceled, 0x1C00000D},
		{fmt.Errorf("reading: %w", context.DeadlineExceeded), 0x1C00000D},
		{fs.ErrPermission, 5},
		{errors.New("anything"), 0x1C000012},
	} {
		if got := FaultOf(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got.Name(), c.want.Name())
		}
	}
}

func TestFaultNames(t *testing.T) {
	for f, want := range map[Fault]string{
		0x1C010002: "nca_s_op_rng_error", 0x1C010003: "nca_s_unk_if", 0x1C01000B: "nca_s_proto_error", 0x6F7: "nca_s_fault_ndr",
		0x1C00001A: "nca_s_fault_context_mismatch", 5: "nca_s_fault_access_denied", 0x1C000006: "nca_s_fault_invalid_tag", 0x12345678: "0x12345678",
	} {
		if f.Name() != want || f.Error() != "rpc fault "+want {
			t.Errorf("%#x: %s", uint32(f), f.Error())
		}
	}
	if len(faultNames) < 30 {
		t.Error("names are missing")
	}
}

func TestOp(t *testing.T) {
	invoke := func(context.Context, any, *Call, *ndr.Decoder, *ndr.Encoder) error { return nil }
	i := &Interface{Ops: []Op{{Name: "unused"}, {Name: "used", Invoke: invoke}}}
	if i.Op(0) != nil || i.Op(2) != nil || i.Op(65535) != nil || i.Op(1) == nil || i.Op(1).Name != "used" {
		t.Error("Op")
	}
	for l, want := range map[AuthLevel]string{AuthLevelNone: "none", AuthLevelPktPrivacy: "privacy", 99: "unknown"} {
		if l.String() != want {
			t.Error(l.String())
		}
	}
}
