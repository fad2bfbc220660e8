package fsrtl

import (
	"testing"
	"testing/synctest"
	"time"

	"lwio/iomgr/nt"
)

// TestLater calls once: after the time, or before it when something else changes; never when it has been cancelled.
func TestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o Opens
		begun := time.Now()
		called := make(chan time.Duration, 3)
		wait := func() *OplockWait { return o.Later(time.Second, func() { called <- time.Since(begun) }) }
		wait()
		if got := <-called; got != time.Second {
			t.Errorf("after %s", got)
		}
		if !wait().Cancel() {
			t.Error("not cancelled")
		}
		wait()
		op, _, status := o.Enter(Opening{Access: nt.FileReadData, Share: 7}, nil)
		if status != nt.StatusSuccess {
			t.Fatal(status)
		}
		o.Remove(op)
		if got := <-called; got != time.Second {
			t.Errorf("when another open went: after %s", got)
		}
		time.Sleep(time.Minute) // of the bubble's clock
		synctest.Wait()
		if len(called) > 0 || len(o.waits) > 0 {
			t.Errorf("%d more calls, %d are left", len(called), len(o.waits))
		}
	})
}
