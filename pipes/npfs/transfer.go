package npfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Read takes what the other end has written.
func (e *end) Read(r *api.Request) {
	in := e.in
	var c completions
	in.mu.Lock()
	if status := e.readable(); status != nt.StatusSuccess {
		c.add(r, status, 0)
	} else {
		e.startRead(r, false, &c)
	}
	in.mu.Unlock()
	c.run()
}

// mayRead and mayWrite follow the direction that the pipe was created with.
func (e *end) mayRead() bool {
	return e.in.pipe.config == nt.FilePipeFullDuplex || e.server == (e.in.pipe.config == nt.FilePipeInbound)
}

func (e *end) mayWrite() bool {
	return e.in.pipe.config == nt.FilePipeFullDuplex || e.server == (e.in.pipe.config == nt.FilePipeOutbound)
}

// readable checks the state for a read; mu is held.
func (e *end) readable() nt.Status {
	if e.gone {
		return nt.StatusInvalidHandle
	}
	if !e.mayRead() {
		return nt.StatusInvalidParameter
	}
	switch e.stateOf() {
	case nt.FilePipeDisconnectedState:
		return nt.StatusPipeDisconnected
	case nt.FilePipeListeningState:
		return nt.StatusPipeListening
	case nt.FilePipeClosingState:
		if e.incoming().empty() {
			return nt.StatusPipeBroken
		}
	}
	return nt.StatusSuccess
}

// startRead completes a read or lets it wait; mu is held. pended tells that the request has been pended before, as the
// write of a transceive.
func (e *end) startRead(r *api.Request, pended bool, c *completions) {
	q := e.incoming()
	switch {
	case !q.empty():
		if e.server && !e.in.read {
			e.in.read = true
		}
		n, status := q.take(r.Out, e.messageMode(), c)
		c.add(r, status, n)
	case e.stateOf() != nt.FilePipeConnectedState:
		c.add(r, nt.StatusPipeBroken, 0)
	case e.completion == nt.FilePipeCompleteOperation && r.Op == api.OpRead:
		c.add(r, nt.StatusPipeEmpty, 0)
	case !pended && !r.PendKept(e.cancelRequest):
		c.add(r, nt.StatusCancelled, 0)
	default:
		q.await(r)
	}
}

// Pended shows the reads that wait at the end.
func (e *end) Pended(each func(*api.Request)) {
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	if e.detached || e.gone { // others may use the queue
		return
	}
	q := e.incoming()
	for i := len(q.readers) - 1; i >= 0; i-- {
		each(q.readers[i])
	}
	if q.reader != nil {
		each(q.reader)
	}
}

// Write gives data to the other end's readers, keeps what fits the quota, and pends the rest.
func (e *end) Write(r *api.Request) {
	in := e.in
	var c completions
	in.mu.Lock()
	if status := e.writable(); status != nt.StatusSuccess {
		c.add(r, status, 0)
	} else {
		e.startWrite(r, &c)
	}
	in.mu.Unlock()
	c.run()
}

// writable checks the state for a write; mu is held.
func (e *end) writable() nt.Status {
	if e.gone {
		return nt.StatusInvalidHandle
	}
	if !e.mayWrite() {
		return nt.StatusInvalidParameter
	}
	switch e.stateOf() {
	case nt.FilePipeDisconnectedState:
		return nt.StatusPipeDisconnected
	case nt.FilePipeListeningState:
		return nt.StatusPipeListening
	case nt.FilePipeClosingState:
		return nt.StatusPipeClosing
	}
	return nt.StatusSuccess
}

// deliver hands the data of a write or transceive to waiting readers and returns what is left; mu is held. delivered tells that at least one reader was served.
func (e *end) deliver(by *api.Request, c *completions) (rest []byte, delivered bool) {
	q, reader, data := e.outgoing(), e.peer(), by.In
	for q.reader != nil && (len(data) > 0 || !delivered && q.message) {
		r := q.serve()
		n := copy(r.Out, data)
		data = data[n:]
		delivered = true
		q.taken = by.Activity
		status := nt.StatusSuccess
		if reader.messageMode() && len(data) > 0 {
			status = nt.StatusBufferOverflow
		}
		if reader.server && !e.in.read {
			e.in.read = true
		}
		c.addBy(r, by, status, n)
	}
	return data, delivered
}

// startWrite completes a write or pends it; mu is held and the end is connected.
func (e *end) startWrite(r *api.Request, c *completions) {
	q := e.outgoing()
	total := len(r.In)
	rest, delivered := e.deliver(r, c)
	switch {
	case len(rest) == 0 && (delivered || !q.message):
		c.add(r, nt.StatusSuccess, total)
	case q.fits(len(rest)):
		q.hold(rest, r.Activity)
		c.add(r, nt.StatusSuccess, total)
	case e.completion == nt.FilePipeCompleteOperation:
		// A byte pipe takes what fits; a message is taken whole or not at all.
		n := total - len(rest)
		if k := min(q.quota-q.used, len(rest)); !q.message && q.stalled == 0 && k > 0 {
			q.hold(rest[:k], r.Activity)
			n += k
		}
		c.add(r, nt.StatusSuccess, n)
	case !r.Pend(e.cancelRequest):
		c.add(r, nt.StatusCancelled, total-len(rest))
	default:
		q.push(entry{data: rest, total: total, req: r, by: r.Activity})
		q.stalled++
	}
}

// transceive is FSCTL_PIPE_TRANSCEIVE (MS-FSCC 2.3.33): a write and the read of the answer as one request.
func (e *end) transceive(r *api.Request) {
	in := e.in
	var c completions
	in.mu.Lock()
	if status := e.transceivable(); status != nt.StatusSuccess {
		c.add(r, status, 0)
		in.mu.Unlock()
		c.run()
		return
	}
	q := e.outgoing()
	rest, delivered := e.deliver(r, &c)
	switch {
	case len(rest) == 0 && (delivered || !q.message):
		e.startRead(r, false, &c)
	case q.fits(len(rest)):
		q.hold(rest, r.Activity)
		e.startRead(r, false, &c)
	case !r.Pend(e.cancelRequest):
		c.add(r, nt.StatusCancelled, 0)
	default:
		q.push(entry{data: rest, total: len(r.In), req: r, then: e, by: r.Activity})
		q.stalled++
	}
	in.mu.Unlock()
	c.run()
}

func (e *end) transceivable() nt.Status {
	if status := e.writable(); status != nt.StatusSuccess {
		return status
	}
	switch {
	case !e.mayRead():
		return nt.StatusInvalidParameter
	case !e.messageMode():
		return nt.StatusInvalidReadMode
	case !e.incoming().empty():
		return nt.StatusPipeBusy
	}
	return nt.StatusSuccess
}

// Flush waits until the other end has read everything.
func (e *end) Flush(r *api.Request) {
	in := e.in
	var c completions
	in.mu.Lock()
	q := e.outgoing()
	switch {
	case e.gone:
		c.add(r, nt.StatusInvalidHandle, 0)
	case e.stateOf() == nt.FilePipeDisconnectedState:
		c.add(r, nt.StatusPipeDisconnected, 0)
	case q.empty(): // also when the other end has read all and gone
		c.add(r, nt.StatusSuccess, 0)
	case !r.Pend(e.cancelRequest):
		c.add(r, nt.StatusCancelled, 0)
	default:
		q.flushes = append(q.flushes, r)
	}
	in.mu.Unlock()
	c.run()
}
