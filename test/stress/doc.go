// Package stress has clients of one server do at random what clients do, for as long as is asked for, on files whose content verifies itself.
//
// Each client has a redirector and connections of its own: some signed, some sealed, some through a wire that is cut now and then. Files are
// arrays of blocks; a block says which file it is of, where it stands, who wrote it as its how-manieth, and has a checksum. Whoever holds
// the exclusive lock of a block knows what must be in it. Besides there are files that are renamed back and forth, by their owners and
// against each other, listings of what comes and goes, files that delete themselves, and truncation. When all is over nothing may be
// open, no goroutine and no descriptor left, and memory as it was.
//
//	go test ./test/stress                       5 seconds, in make test
//	STRESS_TIME=10m go test -race ./test/stress   what make stress does
//	STRESS_SEED=7 …                             other operations
package stress
