package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/pdu"
)

// With a time for cancels a call returns what the server answers to the cancel: that it was given up, or the result that it had after all.
func TestCancelAnswered(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(id uint32) []byte
		want   string
		err    error
	}{
		"given up": {func(id uint32) []byte {
			return (&pdu.Fault{Header: pdu.Header{CallID: id, Flags: whole}, Status: uint32(rpc.FaultCancel)}).Append(nil)
		}, "", context.Canceled},
		"done": {func(id uint32) []byte { return respond(id, whole, "done") }, "done", nil},
		"failed": {func(id uint32) []byte {
			return (&pdu.Fault{Header: pdu.Header{CallID: id, Flags: whole}, Status: uint32(rpc.FaultAccessDenied)}).Append(nil)
		}, "", rpc.FaultAccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan struct{})
			c := scripted(t, client.Config{CancelTimeout: time.Minute}, accept, func(pdu.Header, []byte) []byte {
				close(arrived)
				return silence
			}, func(h pdu.Header, _ []byte) []byte {
				if h.Type != pdu.TypeCancel {
					t.Errorf("instead of a cancel PDU: %+v", h)
				}
				return tt.answer(h.CallID)
			}, answer("next"))
			b := mustBind(t, c)
			ctx, cancel := context.WithCancel(bg)
			go func() { <-arrived; cancel() }()
			if got, err := call(ctx, b); got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%q %v, want %q %v", got, err, tt.want, tt.err)
			}
			if got, err := call(bg, b); err != nil || got != "next" {
				t.Errorf("next: %q %v", got, err)
			}
		})
	}
}

// A call that the server does not give up in time is orphaned. The next one does not wait for it, and an answer that was on its way, in part before, is dropped.
func TestOrphaned(t *testing.T) {
	for _, calls := range []int{1, 4} {
		var id uint32
		arrived := make(chan struct{})
		c := scripted(t, client.Config{MaxCalls: calls, CancelTimeout: time.Millisecond}, accept, func(h pdu.Header, _ []byte) []byte {
			id = h.CallID
			close(arrived)
			return respond(id, pdu.FirstFrag, "late")
		}, func(h pdu.Header, _ []byte) []byte {
			if h.Type != pdu.TypeCancel || h.CallID != id {
				t.Errorf("instead of a cancel PDU: %+v", h)
			}
			return silence
		}, func(h pdu.Header, _ []byte) []byte {
			if h.Type != pdu.TypeOrphaned || h.CallID != id {
				t.Errorf("instead of an orphaned PDU: %+v", h)
			}
			return silence
		}, func(h pdu.Header, _ []byte) []byte {
			return append(respond(id, pdu.LastFrag, "answer"), respond(h.CallID, whole, "next")...)
		}, answer("last"))
		b := mustBind(t, c)
		ctx, cancel := context.WithCancel(bg)
		go func() { <-arrived; cancel() }()
		if _, err := call(ctx, b); !errors.Is(err, context.Canceled) {
			t.Errorf("orphaned call: %v", err)
		}
		for _, want := range []string{"next", "last"} {
			if got, err := call(bg, b); err != nil || got != want {
				t.Errorf("calls %d: %q %v, want %q", calls, got, err, want)
			}
		}
	}
}

// A server that answers no orphaned call, as it should, keeps the association however many there are.
func TestManyOrphans(t *testing.T) {
	steps := []func(pdu.Header, []byte) []byte{accept}
	arrived := make(chan struct{}, 100)
	const n = 40
	for range 3 * n {
		steps = append(steps, func(h pdu.Header, _ []byte) []byte {
			if h.Type == pdu.TypeRequest {
				arrived <- struct{}{}
			}
			return silence
		})
	}
	b := mustBind(t, scripted(t, client.Config{CancelTimeout: time.Nanosecond}, append(steps, answer("last"))...))
	for range n {
		ctx, cancel := context.WithCancel(bg)
		go func() { <-arrived; cancel() }()
		if _, err := call(ctx, b); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if got, err := call(bg, b); err != nil || got != "last" {
		t.Errorf("%q %v", got, err)
	}
}

// Who is asked to close says so to its calls.
func TestShutdownPDU(t *testing.T) {
	b := mustBind(t, scripted(t, client.Config{}, accept, fixed((&pdu.Shutdown{}).Append(nil))))
	for range 2 {
		if _, err := call(bg, b); !errors.Is(err, client.ErrShutdown) {
			t.Errorf("%v", err)
		}
	}
}
