//go:build !linux

package srv

// unacked is unknown here: what was sent counts as delivered.
func unacked(uintptr) int { return 0 }
