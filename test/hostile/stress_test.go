//go:build stress

package hostile

import (
	"os"
	"strconv"
	"testing"
)

// TestStressMutated is TestMutated with ten times as many messages.
func TestStressMutated(t *testing.T) { runMutated(t, 200_000) }

// TestStressCalls makes a million calls of every interface, or LWIO_CALLS of them.
func TestStressCalls(t *testing.T) {
	n := 1_000_000
	if v := os.Getenv("LWIO_CALLS"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatalf("LWIO_CALLS: %v", err)
		}
	}
	runCalls(t, n)
}
