package pvfs

import (
	"errors"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// WriteInflow has the data of a write moved from where they come to the file as they come. A named stream, an append and what is to be durable take them as
// bytes. Byte-range locks are checked before, as for every write; nothing is held while the data are awaited, so a client that sends
// slowly is in nobody's way, and a handle that is closed meanwhile ends the write.
func (f *file) WriteInflow(r *api.Request, in api.Inflow) {
	if f.isDir || f.named() || f.appends(r) || f.through(r) {
		var err error
		if r.In, err = in.Bytes(); err != nil {
			r.Fail(err)
			return
		}
		f.Write(r)
		return
	}
	offset, ok := f.mayWrite(r, in.Len())
	if !ok {
		return
	}
	done, err := f.flow(r, in, offset)
	f.hasWritten(offset, done)
	if done > 0 {
		f.stream.opens.ContendReads(f.open) // of who has come while the data did
	}
	r.Complete(nt.StatusOf(err), done)
}

// flow moves the data and gives how many the file has got.
func (f *file) flow(r *api.Request, in api.Inflow, offset int64) (int, error) {
	done := 0
	for in.Len() > 0 {
		if f.isClean() {
			return done, nt.StatusInvalidHandle
		}
		n, err := in.SpliceTo(f.h.Fd(), offset+int64(done))
		done += n
		if errors.Is(err, api.ErrNoSplice) {
			if r.In, err = in.Bytes(); err == nil {
				n, err = f.writeAt(r.In, offset+int64(done))
				done += n
			}
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// isClean reports whether the last handle has gone.
func (f *file) isClean() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cleaned
}
