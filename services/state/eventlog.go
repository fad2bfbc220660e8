package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lwio/iomgr/nt"
)

// Limits of the event logs. When a log is full its oldest records go.
const (
	MaxLogRecords   = 10000
	MaxLogBytes     = 8 << 20
	MaxEventStrings = 256
	MaxEventSize    = 61440 // of strings and data together

	eventPrefix  = "eventlog/"
	eventVersion = 1
	eventDelay   = time.Second // at most so long an event is in memory alone
	eventBatch   = 64          // and at most so many
)

// The names of the logs.
const (
	LogApplication = "Application"
	LogSecurity    = "Security"
	LogSystem      = "System"
)

// EventLogNames are the logs there are.
func EventLogNames() []string { return []string{LogApplication, LogSecurity, LogSystem} }

// ErrEventCleared says that the record asked for is not there any more, or not yet.
var ErrEventCleared = errors.New("state: there is no such record")

// EventRecord is one event (MS-EVEN 2.2.3).
type EventRecord struct {
	Number    uint32 // counts from 1, and from 1 again when the log was cleared
	Generated nt.Time
	Written   nt.Time
	ID        uint32
	Type      uint16
	Category  uint16
	Source    string
	Computer  string
	User      nt.SID // zero for none
	Strings   []string
	Data      []byte
}

// EventLogs are the logs. All of them is in memory; records are written to the store together, a second after the first of them at the latest, so that a
// logon costs no write of its own. It is safe for use by several goroutines.
type EventLogs struct {
	store Store
	logs  map[string]*EventLog // by name in upper case

	write sync.Mutex // one write to the store at a time

	mu      sync.Mutex
	dirty   map[string]Op // guarded by mu: what is to be written
	timer   *time.Timer   // guarded by mu; nil while nothing is
	closed  bool          // guarded by mu
	failure func(error)
}

// EventLog is one of them.
type EventLog struct {
	Name string
	logs *EventLogs

	// Guarded by logs.mu.
	records []EventRecord
	bytes   int
	next    uint32
	cleared uint32        // how often the log was
	changed chan struct{} // closed, and another made, with each event
}

// NewEventLogs loads the logs of a store. failure is told, with no lock held, when records could not be written; they are kept for the next try.
func NewEventLogs(ctx context.Context, store Store, failure func(error)) (*EventLogs, error) {
	l := &EventLogs{store: store, logs: map[string]*EventLog{}, dirty: map[string]Op{}, failure: failure}
	for _, name := range EventLogNames() {
		g := &EventLog{Name: name, logs: l, next: 1, changed: make(chan struct{})}
		l.logs[nt.Upcase(name)] = g
		for e, err := range All(ctx, store, eventPrefix+name+"/") {
			if err != nil {
				return nil, err
			}
			n, err := strconv.ParseUint(strings.TrimPrefix(e.Key, eventPrefix+name+"/"), 16, 32)
			if err != nil {
				return nil, fmt.Errorf("%w: event %q", ErrCorrupt, e.Key)
			}
			r, err := parseEvent(e.Value)
			if err != nil {
				return nil, err
			}
			r.Number = uint32(n)
			if len(g.records) > 0 && r.Number != g.next { // a clear that did not come to its end
				for i := range g.records {
					key := eventKey(name, g.records[i].Number)
					l.dirty[key] = Op{Key: key, Delete: true}
				}
				g.records, g.bytes = nil, 0
			}
			g.records = append(g.records, r)
			g.bytes += r.size()
			g.next = r.Number + 1
		}
		g.trim()
	}
	return l, nil
}

// Log finds a log by its name; nil if there is none of that.
func (l *EventLogs) Log(name string) *EventLog { return l.logs[nt.Upcase(name)] }

func eventKey(log string, number uint32) string {
	return fmt.Sprintf("%s%s/%08x", eventPrefix, log, number)
}

func (r *EventRecord) size() int {
	n := 128 + len(r.Source) + len(r.Computer) + len(r.Data) + r.User.Size()
	for _, s := range r.Strings {
		n += len(s) + 16
	}
	return n
}

// Report writes an event and gives its number. It does not wait for the disk.
func (g *EventLog) Report(r EventRecord) (uint32, error) {
	size := len(r.Data)
	for _, s := range r.Strings {
		size += 2*nt.UTF16Len(s) + 2
	}
	if len(r.Strings) > MaxEventStrings || size > MaxEventSize || len(r.Source) > 2048 || len(r.Computer) > 2048 {
		return 0, ErrInvalid
	}
	r.Strings, r.Data = slices.Clone(r.Strings), slices.Clone(r.Data)
	r.Written = nt.NowTime()
	if r.Generated == 0 {
		r.Generated = r.Written
	}
	l := g.logs
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return 0, ErrClosed
	}
	r.Number = g.next
	g.next++
	g.records = append(g.records, r)
	g.bytes += r.size()
	key := eventKey(g.Name, r.Number)
	l.dirty[key] = Op{Key: key, Value: r.record()}
	g.trim()
	close(g.changed)
	g.changed = make(chan struct{})
	full := len(l.dirty) >= eventBatch
	if l.timer == nil {
		delay := eventDelay
		if full {
			delay = 0
		}
		l.timer = time.AfterFunc(delay, l.flushLater)
	} else if full {
		l.timer.Reset(0)
	}
	l.mu.Unlock()
	return r.Number, nil
}

// trim lets the oldest records go, a tenth at a time so that it is not done with each event. The caller holds mu.
func (g *EventLog) trim() {
	if len(g.records) <= MaxLogRecords && g.bytes <= MaxLogBytes {
		return
	}
	n := 0
	for ; n < len(g.records)-1 && (len(g.records)-n > MaxLogRecords*9/10 || g.bytes > MaxLogBytes*9/10); n++ {
		r := &g.records[n]
		g.bytes -= r.size()
		key := eventKey(g.Name, r.Number)
		g.logs.dirty[key] = Op{Key: key, Delete: true}
	}
	g.records = slices.Clone(g.records[n:])
}

func (l *EventLogs) flushLater() {
	if err := l.Flush(context.Background()); err != nil && !errors.Is(err, ErrClosed) && l.failure != nil {
		l.failure(err)
	}
}

// Flush returns when all that was reported is in the store.
func (l *EventLogs) Flush(ctx context.Context) error {
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	ops := make([]Op, 0, len(l.dirty))
	for _, op := range l.dirty {
		ops = append(ops, op)
	}
	clear(l.dirty)
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.mu.Unlock()
	slices.SortFunc(ops, func(a, b Op) int { return strings.Compare(a.Key, b.Key) })
	for len(ops) > 0 {
		part := ops[:min(len(ops), MaxOps)]
		if _, err := l.store.Txn(ctx, nil, part); err != nil {
			l.mu.Lock()
			for _, op := range ops {
				if _, newer := l.dirty[op.Key]; !newer {
					l.dirty[op.Key] = op
				}
			}
			if l.timer == nil && !l.closed {
				l.timer = time.AfterFunc(10*eventDelay, l.flushLater)
			}
			l.mu.Unlock()
			return err
		}
		ops = ops[len(part):]
	}
	return nil
}

// Close writes what is not yet in the store, and takes no more.
func (l *EventLogs) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	return l.Flush(ctx)
}

// Bounds are the numbers of the oldest record and of that which comes next; they are equal while the log is empty. cleared changes when the log is.
func (g *EventLog) Bounds() (oldest, next, cleared uint32) {
	g.logs.mu.Lock()
	defer g.logs.mu.Unlock()
	return g.next - uint32(len(g.records)), g.next, g.cleared
}

// Full reports whether old records go for new ones: the log has been trimmed.
func (g *EventLog) Full() bool {
	g.logs.mu.Lock()
	defer g.logs.mu.Unlock()
	return len(g.records) > 0 && g.records[0].Number > 1
}

// Record gives the record of a number. Its slices are not to be changed.
func (g *EventLog) Record(number uint32) (EventRecord, error) {
	g.logs.mu.Lock()
	defer g.logs.mu.Unlock()
	oldest := g.next - uint32(len(g.records))
	if number < oldest || number >= g.next {
		return EventRecord{}, ErrEventCleared
	}
	return g.records[number-oldest], nil
}

// Changed is closed when the next event comes.
func (g *EventLog) Changed() <-chan struct{} {
	g.logs.mu.Lock()
	defer g.logs.mu.Unlock()
	return g.changed
}

// Clear empties the log, on the disk too. Numbers begin anew.
func (g *EventLog) Clear(ctx context.Context) error {
	l := g.logs
	l.mu.Lock()
	for i := range g.records {
		key := eventKey(g.Name, g.records[i].Number)
		l.dirty[key] = Op{Key: key, Delete: true}
	}
	g.records, g.bytes, g.next = nil, 0, 1
	g.cleared++
	l.mu.Unlock()
	return l.Flush(ctx)
}

func (r *EventRecord) record() []byte {
	w := recordWriter{b: []byte{eventVersion}}
	w.time(r.Generated)
	w.time(r.Written)
	w.u32(r.ID)
	w.u32(uint32(r.Type))
	w.u32(uint32(r.Category))
	w.string(r.Source)
	w.string(r.Computer)
	if r.User.IsZero() {
		w.bytes(nil)
	} else {
		w.sid(r.User)
	}
	w.u32(uint32(len(r.Strings)))
	for _, s := range r.Strings {
		w.string(s)
	}
	w.bytes(r.Data)
	return w.b
}

func parseEvent(b []byte) (EventRecord, error) {
	r, err := openRecord("event", b, eventVersion)
	if err != nil {
		return EventRecord{}, err
	}
	e := EventRecord{Generated: r.time(), Written: r.time(), ID: r.u32(), Type: uint16(r.u32()), Category: uint16(r.u32()), Source: r.string(), Computer: r.string(), User: r.sid()}
	n := r.u32()
	if n > MaxEventStrings {
		r.bad, n = true, 0
	}
	for range n {
		e.Strings = append(e.Strings, r.string())
	}
	e.Data = slices.Clone(r.bytes())
	return e, r.err("event")
}
