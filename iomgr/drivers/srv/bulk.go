package srv

import (
	"runtime"
	"sync"

	"lwio/iomgr/smb2"
)

// bulkMin is the size from which a READ or WRITE is bulk, and from which a message is worth another goroutine.
const bulkMin = 256 << 10

// bulk has two goroutines of a connection at work with reads and writes of many bytes: who has such a message hands reading over before it opens,
// verifies, copies and signs, so that the data stay in its processor's cache. What a client may rely on stays as if requests were done
// one after the other: two are under way at once only if both read, or both write to different ranges of the same open; everything else waits until those
// before it have been done. A message that is encrypted or compressed shows only when it is opened what it is; until then, what follows waits.
// A READ whose data go as pages (see outflow) needs no second goroutine: there is little to do. Its data alone may be those of a WRITE behind it.
//
// The one ahead has handed the role over. The one behind it reads, and when it comes to a job of its own it offers the role: the one ahead takes
// it when it has finished, and nobody has to be woken.
type bulk struct {
	mu      sync.Mutex
	changed sync.Cond
	ahead   *reader // guarded by mu: at work and without the role; nil for none
	behind  *reader // guarded by mu: at work, with ahead, and offers the role; nil for none
}

// job is what a goroutine is at.
type job struct {
	counted bool // among the server's; its goroutine's own
	listed  bool // as ahead or behind; its goroutine's own

	// guarded by bulk.mu
	declared bool // the rest is known
	kind     kind
	open     *open
	from, to uint64
}

type kind uint8

const (
	alone kind = iota // nothing else may be under way
	reads
	writes
)

// besides reports whether b may be done while a is under way.
func (b *job) besides(a *job) bool {
	switch {
	case a.kind == reads && b.kind == reads:
		return true
	case a.kind == writes && b.kind == writes:
		return a.open == b.open && (a.to <= b.from || b.to <= a.from)
	}
	return false
}

// bulky tells from what is to be seen of a message whether it may be bulk; a READ is not seen so.
func (c *conn) bulky(msg []byte) bool {
	if len(msg) < bulkMin || c.established.Load() == 0 {
		return false
	}
	if smb2.ProtocolID(msg) != smb2.ProtocolSMB2 {
		return true
	}
	it := smb2.NewMessages(msg)
	m, err := it.Next()
	return err == nil && !it.More() && m.Header.Command == smb2.Write
}

// jobOf gives what a request is to the order. Pipes are no files: what is written to one stays in order, whatever it says of offsets.
func (c *conn) jobOf(m *smb2.Message) job {
	switch m.Header.Command {
	case smb2.Read:
		r, err := smb2.ParseReadRequest(m.Body)
		if err != nil {
			return job{}
		}
		if n := int(r.Length); n >= bulkMin && n <= c.maxTransact {
			return c.job(reads, r.FileID.Persistent, r.Offset, n)
		}
	case smb2.Write:
		r, err := smb2.ParseWriteRequest(m.Body)
		if err != nil {
			return job{}
		}
		if n := len(r.Data); n >= bulkMin && n <= c.maxTransact {
			return c.job(writes, r.FileID.Persistent, r.Offset, n)
		}
	}
	return job{}
}

// job is a read or write of n bytes of a file; what is none, and what goes beyond the last offset there is, is alone.
func (c *conn) job(k kind, id, from uint64, n int) job {
	to := from + uint64(n)
	o, ok := c.srv.opens.get(id)
	if !ok || o.share.pipe || to < from {
		return job{}
	}
	return job{kind: k, open: o, from: from, to: to}
}

// begin lists the reader with a job that is still to be declared, and has another read meanwhile if that may help: not while as many goroutines of the
// server are at bulk as there are processors.
func (rd *reader) begin() {
	c := rd.c
	b := &c.bulk
	if rd.bulk.counted {
		return
	}
	room := int(c.srv.bulk.Add(1)) < runtime.GOMAXPROCS(0)
	rd.bulk.counted = true
	b.mu.Lock()
	over := b.ahead == nil
	if over && !room {
		b.mu.Unlock()
		return
	}
	rd.bulk = job{counted: true, listed: true}
	if over {
		b.ahead = rd
		rd.reads = false
	} else {
		b.behind = rd
	}
	b.mu.Unlock()
	if over {
		go c.read()
	}
}

// declare waits until a request may be started. A job that is listed is told to those behind it.
func (rd *reader) declare(j job) {
	b := &rd.c.bulk
	b.mu.Lock()
	if rd.bulk.listed {
		j.counted, j.listed, j.declared = true, true, true
		rd.bulk = j
		b.changed.Broadcast()
	}
	for a := b.ahead; a != nil && a != rd && !(a.bulk.declared && j.besides(&a.bulk)); a = b.ahead {
		b.changed.Wait()
	}
	b.mu.Unlock()
}

// end says that the job is done. It takes the reader off the list, and has it take the role from the one behind it, who is at work.
func (rd *reader) end() {
	c := rd.c
	b := &c.bulk
	c.srv.bulk.Add(-1)
	if !rd.bulk.listed {
		rd.bulk = job{}
		return
	}
	b.mu.Lock()
	rd.bulk = job{}
	if b.ahead == rd {
		b.ahead, b.behind = b.behind, nil
		rd.reads = b.ahead != nil
		if rd.reads {
			b.ahead.reads = false
		}
		b.changed.Broadcast()
	} else {
		b.behind = nil
	}
	b.mu.Unlock()
}

// wait returns when nobody is at work without the role.
func (b *bulk) wait() {
	b.mu.Lock()
	for b.ahead != nil {
		b.changed.Wait()
	}
	b.mu.Unlock()
}
