//go:build !linux

package main

// clockSynchronized is not known here.
func clockSynchronized() (synchronized, known bool) { return false, false }
