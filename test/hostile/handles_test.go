package hostile

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"lwio/iomgr/smb2"
	"lwio/rpc"
)

// serviceOf is the index of the service of an interface.
func serviceOf(t *testing.T, name string) int {
	t.Helper()
	i := slices.IndexFunc(services, func(s service) bool { return s.iface.Name == name })
	if i < 0 {
		t.Fatalf("no service %s", name)
	}
	return i
}

// TestForgedHandles: a context handle is good on the association group and the interface that it was given on, and only whole. Everything else is
// nca_s_fault_context_mismatch, and the association goes on.
func TestForgedHandles(t *testing.T) {
	h := start(t, nil)
	c, err := logon(h.addr, admin, smb2.Dialect311, false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.nc.Close()
	if err := c.connectTree("IPC$"); err != nil {
		t.Fatal(err)
	}
	lsa := serviceOf(t, "lsarpc")
	var list []*association
	for range 2 {
		a, err := c.associate(lsa)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	const opClose, opQuery, opOpen2 = 0, 7, 44
	golden := goldenStubs(t, "lsarpc")["LsarOpenPolicy2"]
	out, err := list[0].call(opOpen2, golden[0])
	if err != nil || len(out) != rpc.ContextHandleSize+4 || !bytes.Equal(out[rpc.ContextHandleSize:], make([]byte, 4)) {
		t.Fatalf("LsarOpenPolicy2: %x, %v", out, err)
	}
	good := bytes.Clone(out[:rpc.ContextHandleSize])
	edited := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	for name, tt := range map[string]struct {
		a      *association
		handle []byte
	}{
		"another association": {list[1], good},
		"attributes":          {list[0], edited(0)},
		"first octet":         {list[0], edited(4)},
		"last octet":          {list[0], edited(19)},
		"null":                {list[0], make([]byte, rpc.ContextHandleSize)},
		"all ones":            {list[0], bytes.Repeat([]byte{0xFF}, rpc.ContextHandleSize)},
	} {
		for _, call := range []struct {
			opnum uint16
			stub  []byte
		}{{opClose, tt.handle}, {opQuery, append(bytes.Clone(tt.handle), 5, 0)}} {
			_, err := tt.a.call(call.opnum, call.stub)
			var fault rpc.Fault
			if !errors.As(err, &fault) || fault != rpc.FaultContextMismatch {
				t.Errorf("%s, operation %d: %v, want %v", name, call.opnum, err, rpc.FaultContextMismatch)
			}
		}
	}
	if out, err := list[0].call(opClose, good); err != nil || !bytes.Equal(out, make([]byte, rpc.ContextHandleSize+4)) {
		t.Errorf("LsarClose: %x, %v", out, err)
	}
	var fault rpc.Fault
	if _, err := list[0].call(opClose, good); !errors.As(err, &fault) || fault != rpc.FaultContextMismatch {
		t.Errorf("LsarClose again: %v", err)
	}
}

// TestLyingStubs: counts beyond the data and pointers that claim to be one another are RPC_X_BAD_STUB_DATA or mean nothing, and the association
// goes on.
func TestLyingStubs(t *testing.T) {
	h := start(t, nil)
	c, err := logon(h.addr, user, smb2.Dialect311, false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.nc.Close()
	if err := c.connectTree("IPC$"); err != nil {
		t.Fatal(err)
	}
	a, err := c.associate(0)
	if err != nil {
		t.Fatal(err)
	}
	words := func(w ...uint32) (b []byte) {
		for _, v := range w {
			b = le.AppendUint32(b, v)
		}
		return b
	}
	const opEchoData, opTestDoublePointer = 1, 9
	for name, stub := range map[string][]byte{
		"count of all ones":         words(0xFFFFFFFF, 0xFFFFFFFF, 0),
		"count of half a gigabyte":  words(0x20000000, 0x20000000, 0),
		"count that does not agree": words(4, 5, 0, 0),
		"one too few":               words(5, 5, 0),
		"nothing":                   nil,
	} {
		var fault rpc.Fault
		if _, err := a.call(opEchoData, stub); !errors.As(err, &fault) || fault != rpc.FaultNDR {
			t.Errorf("%s: %v, want %v", name, err, rpc.FaultNDR)
		}
	}
	// Unique pointers do not alias, whatever they are numbered (C706 14.3.11.1): the value stands behind each.
	for _, stub := range [][]byte{words(0x20000, 0x20004, 7), words(0x20000, 0x20000, 7), words(0xFFFFFFFF, 1, 7)} {
		if out, err := a.call(opTestDoublePointer, stub[:10]); err != nil || !bytes.Equal(out, []byte{7, 0}) {
			t.Errorf("%x: %x, %v", stub, out, err)
		}
	}
	if out, err := a.call(0, words(1)); err != nil || !bytes.Equal(out, words(2)) {
		t.Errorf("AddOne: %x, %v", out, err)
	}
}
