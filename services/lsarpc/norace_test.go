//go:build !race

package lsarpc_test

// raced says that the race detector is on, with which nothing is as fast as it is.
const raced = false
