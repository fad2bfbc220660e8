package npfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// queue carries the data of one direction. It holds data or waiting readers, never both. All of it is guarded by the instance's mu.
type queue struct {
	reader *api.Request // the oldest read or transceive that is pended; nil for none
	taken  api.Activity // whose data was read last

	quota   int // bytes that may be held for the reader
	used    int // bytes held
	message bool

	entries []entry // from head on
	head    int
	stalled int // how many of the last entries still belong to their writers

	readers []*api.Request // pended reads and transceives behind reader, oldest first
	flushes []*api.Request // pended flushes of the writing end
}

// await has a read wait that has been pended.
func (q *queue) await(r *api.Request) {
	if q.reader == nil {
		q.reader = r
		return
	}
	q.readers = append(q.readers, r)
}

// serve takes the read that has waited longest, which there is.
func (q *queue) serve() *api.Request {
	r := q.reader
	q.promote()
	return r
}

// promote puts the next read into the place of the oldest, which is taken.
func (q *queue) promote() {
	if len(q.readers) == 0 {
		q.reader = nil
		return
	}
	q.reader, q.readers[0] = q.readers[0], nil
	if q.readers = q.readers[1:]; len(q.readers) == 0 {
		q.readers = nil
	}
}

// entry is one write, or on a byte pipe several small ones.
type entry struct {
	data  []byte       // what has not been read
	total int          // length of the write
	req   *api.Request // the writer if the data is still in its request
	then  *end         // the writer's end if the request is a transceive, which goes on to read
	by    api.Activity // of the write, or of the last of several
}

// written ends a write, or lets a transceive go on to its read.
func (e entry) written(c *completions) {
	if e.then != nil {
		e.then.startRead(e.req, true, c)
		return
	}
	c.add(e.req, nt.StatusSuccess, e.total)
}

// Small writes to a byte pipe are gathered up to this many bytes, so that a queue of them costs no more than its data.
const gather = 4096

func (q *queue) empty() bool { return q.head == len(q.entries) }

func (q *queue) push(e entry) {
	if q.head > 0 && len(q.entries) == cap(q.entries) { // reuse the room in front before growing
		n := copy(q.entries, q.entries[q.head:])
		clear(q.entries[n:])
		q.entries, q.head = q.entries[:n], 0
	}
	q.entries = append(q.entries, e)
}

func (q *queue) pop() {
	q.entries[q.head] = entry{}
	q.head++
	if q.head == len(q.entries) {
		q.entries, q.head = nil, 0 // an idle pipe holds no memory
	}
}

// fits reports whether n more bytes may be held. Messages are counted too, so that empty ones are bounded.
func (q *queue) fits(n int) bool {
	if q.stalled > 0 || q.used+n > q.quota {
		return false
	}
	return !q.message || len(q.entries)-q.head < max(16, q.quota/16)
}

// hold copies data into the queue. The caller has asked fits.
func (q *queue) hold(data []byte, by api.Activity) {
	q.used += len(data)
	if !q.message && !q.empty() {
		if last := &q.entries[len(q.entries)-1]; len(last.data)+len(data) <= gather {
			last.data = append(last.data, data...)
			last.total += len(data)
			last.by = by
			return
		}
	}
	q.push(entry{data: append([]byte(nil), data...), total: len(data), by: by})
}

// take moves data to a reader. The queue is not empty.
func (q *queue) take(out []byte, messageMode bool, c *completions) (n int, status nt.Status) {
	for !q.empty() {
		e := &q.entries[q.head]
		k := copy(out[n:], e.data)
		n += k
		q.taken = e.by
		e.data = e.data[k:]
		if e.req == nil {
			q.used -= k
		}
		if len(e.data) > 0 {
			if messageMode {
				status = nt.StatusBufferOverflow
			}
			break
		}
		done := *e
		q.pop()
		if done.req != nil {
			q.stalled--
			done.written(c)
		}
		if messageMode || n == len(out) && n > 0 {
			break
		}
	}
	q.settle(c)
	return n, status
}

// settle takes over the data of writers for whom there is room now, and ends flushes when all has been read.
func (q *queue) settle(c *completions) {
	for q.stalled > 0 {
		e := &q.entries[len(q.entries)-q.stalled]
		if q.used+len(e.data) > q.quota {
			break
		}
		q.stalled--
		q.used += len(e.data)
		e.data = append([]byte(nil), e.data...)
		done := *e
		e.req, e.then = nil, nil
		done.written(c)
	}
	if q.empty() {
		for _, r := range q.flushes {
			c.add(r, nt.StatusSuccess, 0)
		}
		q.flushes = nil
	}
}

// fail ends every read, write and flush of the queue and drops its data.
func (q *queue) fail(c *completions, readers, writers nt.Status) {
	q.failReaders(c, readers)
	for i := q.head; i < len(q.entries); i++ {
		if e := q.entries[i]; e.req != nil {
			c.add(e.req, writers, 0)
		}
	}
	q.entries, q.head, q.used, q.stalled = nil, 0, 0, 0
	for _, r := range q.flushes {
		c.add(r, writers, 0)
	}
	q.flushes = nil
}

func (q *queue) failReaders(c *completions, status nt.Status) {
	for q.reader != nil {
		c.add(q.serve(), status, 0)
	}
}

// dropStalled ends the writes that still belong to their writer, whose handle goes. What was taken over stays for the reader.
func (q *queue) dropStalled(c *completions, status nt.Status) {
	first := len(q.entries) - q.stalled
	for i := first; i < len(q.entries); i++ {
		c.add(q.entries[i].req, status, 0)
		q.entries[i] = entry{}
	}
	q.entries, q.stalled = q.entries[:first], 0
	if q.empty() {
		q.entries, q.head = nil, 0
	}
	for _, r := range q.flushes {
		c.add(r, status, 0)
	}
	q.flushes = nil
}

// withdraw takes a cancelled request out; false if it is not here any more.
func (q *queue) withdraw(r *api.Request) (n int, ok bool) {
	if q.reader == r {
		q.promote()
		return 0, true
	}
	if removeRequest(&q.readers, r) || removeRequest(&q.flushes, r) {
		return 0, true
	}
	for i := len(q.entries) - q.stalled; i < len(q.entries); i++ {
		if q.entries[i].req == r {
			n = q.entries[i].total - len(q.entries[i].data)
			q.entries = append(q.entries[:i], q.entries[i+1:]...)
			q.stalled--
			if q.empty() {
				q.entries, q.head = nil, 0
			}
			return n, true
		}
	}
	return 0, false
}

func removeRequest(list *[]*api.Request, r *api.Request) bool {
	for i, x := range *list {
		if x == r {
			*list = append((*list)[:i], (*list)[i+1:]...)
			if len(*list) == 0 {
				*list = nil
			}
			return true
		}
	}
	return false
}
