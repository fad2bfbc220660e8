package api

// Outflow is where the data of a read go: to a socket, say, to which a driver may have pages of a file moved without a copy into memory. It stands in [Request.Source]
// of an OpRead, whose Out is there as ever, and is of use on the goroutine that submits, until Submit returns. Only in-process callers have one. A driver
// that has no such pages reads into Out.
type Outflow interface {
	Handle
	// Take takes the first bytes that the read gives, at most n, from an offset of the file that a descriptor is open for, and gives how many it has got, possibly none. Out then begins
	// with as many bytes that mean nothing, and N counts them. They are the file's until the reader has them: a write that comes before may show in them. inMemory says
	// that all of the file is in memory, so that it will not take long.
	Take(fd uintptr, offset int64, n int, inMemory bool) int
}
