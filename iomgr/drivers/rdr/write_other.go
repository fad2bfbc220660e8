//go:build !unix

package rdr

// writeNow writes nothing: the writer's goroutine does.
func writeNow(uintptr, []byte) (int, error) { return 0, nil }
