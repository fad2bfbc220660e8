//go:build stress

package hostile

import "testing"

// TestStressMutated is TestMutated with ten times as many messages.
func TestStressMutated(t *testing.T) { runMutated(t, 200_000) }
