package api

import "errors"

// Inflow is data of a write that are still on their way: in a socket, say, from which a driver may have them moved to a file without a copy into
// memory. It stands in [Request.Source] of an OpWrite whose In is empty, and is of use on the goroutine that submits, until Submit returns. Only
// in-process callers have one. A driver whose files are no [InflowWriter] finds the data in In, as ever.
type Inflow interface {
	Handle
	// Len is how many bytes are still to be taken.
	Len() int
	// SpliceTo moves bytes to an offset of the file that a descriptor is open for, as many as have come, and waits if none has. It gives how many the file has
	// got. ErrNoSplice says that it cannot, and that nothing was taken.
	SpliceTo(fd uintptr, offset int64) (int, error)
	// Bytes takes all that is left into memory, which is the request's until it has completed.
	Bytes() ([]byte, error)
}

// ErrNoSplice is that of an [Inflow] whose data can only be had as bytes.
var ErrNoSplice = errors.New("data cannot be moved between descriptors")

// InflowWriter is a [FileImpl] that takes the data of a write from where they come.
type InflowWriter interface {
	WriteInflow(r *Request, in Inflow)
}

// inflow starts a write that has its data elsewhere; false says that it is one like others, now.
func (r *Request) inflow(impl FileImpl) bool {
	in, ok := r.Source.(Inflow)
	if !ok {
		return false
	}
	if w, ok := impl.(InflowWriter); ok {
		w.WriteInflow(r, in)
		return true
	}
	var err error
	if r.In, err = in.Bytes(); err != nil {
		r.Fail(err)
		return true
	}
	return false
}
