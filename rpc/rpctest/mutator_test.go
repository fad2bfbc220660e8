package rpctest_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"lwio/gen/echo"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/rpctest"
)

func TestMutatorSeed(t *testing.T) {
	stub, err := rpctest.Stub(&echo.TestCallRequest{S1: "some string"})
	if err != nil {
		t.Fatal(err)
	}
	whole := append([]byte{}, stub...)
	a, b, c := rpctest.NewMutator(7), rpctest.NewMutator(7), rpctest.NewMutator(8)
	differ, changed := 0, 0
	for range 1000 {
		x, y, z := a.Mutate(stub), b.Mutate(stub), c.Mutate(stub)
		if !bytes.Equal(x, y) {
			t.Fatal("one seed makes two mutations")
		}
		if !bytes.Equal(x, z) {
			differ++
		}
		if !bytes.Equal(x, stub) {
			changed++
		}
	}
	if differ < 900 || changed < 900 {
		t.Errorf("of 1000, %d differ by the seed and %d from the stub", differ, changed)
	}
	if !bytes.Equal(stub, whole) {
		t.Error("the stub itself was changed")
	}
}

// All that a decoder must mind comes up: longer and shorter stubs, hostile counts, NULL and aliased pointers.
func TestMutatorReach(t *testing.T) {
	stub := []byte{5, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 'a', 0, 'b', 0, 'c', 0, 'd', 0, 0, 0, 0, 0, 0, 0, 2, 0, 4, 0, 2, 0}
	m := rpctest.NewMutator(1)
	var short, long, huge, null, alias bool
	for range 5000 {
		b := m.Mutate(stub)
		short = short || len(b) < len(stub)
		long = long || len(b) > len(stub)
		if len(b) != len(stub) {
			continue
		}
		huge = huge || bytes.Equal(b[8:12], []byte{0xFF, 0xFF, 0xFF, 0xFF})
		null = null || bytes.Equal(b[24:28], []byte{0, 0, 0, 0})
		alias = alias || bytes.Equal(b[24:28], b[28:32])
	}
	if !short || !long || !huge || !null || !alias {
		t.Errorf("shorter %v, longer %v, huge count %v, NULL %v, alias %v", short, long, huge, null, alias)
	}
}

func TestFill(t *testing.T) {
	m := rpctest.NewMutator(3)
	encoded, various := 0, map[string]bool{}
	for range 200 {
		var in echo.TestCallRequest
		m.Fill(&in)
		b, err := rpctest.Stub(&in)
		if err != nil {
			continue
		}
		encoded++
		various[string(b)] = true
	}
	if encoded < 100 || len(various) < 50 {
		t.Errorf("%d of 200 encode, %d of them different", encoded, len(various))
	}
	var s echo.TestSurroundingRequest
	sizes := map[int]bool{}
	for range 100 {
		m.Fill(&s)
		if _, err := rpctest.Stub(&s); err != nil {
			t.Fatalf("an array and its count: %v", err)
		}
		sizes[len(s.Data.Surrounding)] = true
	}
	if len(sizes) < 3 {
		t.Errorf("arrays of %v elements", sizes)
	}
}

// A server of generated code answers or faults every one of them.
func TestRun(t *testing.T) {
	s, bind := connect(t, register(t, echo.RpcechoInterface, sampler{add: 1}))
	b, err := bind(bg, rpctest.NameOf(echo.RpcechoInterface))
	if err != nil {
		t.Fatal(err)
	}
	var r rpctest.Recorder
	samples(t, r.Caller(echo.RpcechoInterface, b))
	m := rpctest.NewMutator(1)
	o, err := m.Run(bg, b, r.Recording().Exchanges, 5000)
	if err != nil {
		t.Fatal(err)
	}
	total := o.Answered
	for _, n := range o.Faults {
		total += n
	}
	if total != 5000 || o.Answered < 100 || o.Faults[rpc.FaultNDR] < 100 {
		t.Errorf("%+v", o)
	}
	if st := s.Stats(); st.Panics != 0 {
		t.Errorf("%d panics", st.Panics)
	}
	if _, err := m.Run(bg, b, nil, 1); err == nil {
		t.Error("no stubs, no error")
	}
}

// A server that hangs up is found out, with the call that it did so at.
func TestRunDied(t *testing.T) {
	n := 0
	dying := caller(func() error {
		if n++; n > 3 {
			return client.ErrClosed
		}
		return rpc.FaultNDR
	})
	_, err := rpctest.NewMutator(1).Run(bg, dying, []rpctest.Exchange{{Opnum: 4, Op: "TestCall", Request: []byte{1, 0, 0, 0}}}, 10)
	var d *rpctest.Died
	if !errors.As(err, &d) || d.N != 3 || d.Call.Opnum != 4 || !errors.Is(err, client.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// caller answers calls by itself.
type caller func() error

func (c caller) Call(_ context.Context, _ uint16, in func(*ndr.Encoder), _ func(*ndr.Decoder) error) error {
	in(ndr.NewEncoder(nil))
	return c()
}
