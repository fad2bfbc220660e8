//go:build !linux

package pvfs_test

import "testing"

// TestFaults and TestKilled put a filter before system calls, as Linux has them.
func TestFaults(t *testing.T) { t.Skip("faults below need seccomp") }
func TestKilled(t *testing.T) { t.Skip("faults below need seccomp") }
