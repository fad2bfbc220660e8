package server

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/pdu"
)

// Tracer shows calls to whoever follows them. It may be shared by servers. While nobody follows, a call costs one load of it. A connection may say which request of an SMB
// client has brought what was read from it last:
//
//	Activity() (connection, session, message uint64)
type Tracer struct {
	followers atomic.Pointer[[]*Follower] // replaced whole under mu
	number    atomic.Uint64

	mu sync.Mutex
}

// Filter says which calls are followed. What is empty does not matter.
type Filter struct {
	Interface nt.GUID
	Endpoint  string // as Transport spells it, or what follows its last backslash; ignoring case
	User      string // account, DOMAIN\account or SID; ignoring case
}

// Bounds of what a Follower holds for somebody who does not read.
const (
	MaxTraceStub    = 64 << 10 // of the request and of the response each; more is cut
	maxTraceRecords = 4096
	maxTraceBytes   = 8 << 20
)

// Record is one call that was made or refused.
type Record struct {
	ID                           string // of the SMB request and of the I/O request that brought it, "connection/message"; of other calls "rpc/" and a number
	Connection, Session, Message uint64 // of SMB; 0 for calls that did not come by it

	Began    time.Time
	Duration time.Duration

	Interface *rpc.Interface
	Opnum     uint16
	CallID    uint32
	User, SID string
	Level     rpc.AuthLevel
	Transport rpc.Transport
	Endpoint  string
	Client    string

	Fault   rpc.Fault // 0 for none
	Refusal Refusal   // empty for none
	Rule    string    // the source of what refused it

	In, Out           int    // bytes of stub data
	Request, Response []byte // of them, at most MaxTraceStub each
	Representation    ndr.Representation
	NDR64             bool
}

// Follower has the calls of a Filter since it was made.
type Follower struct {
	t      *Tracer
	filter Filter

	mu      sync.Mutex
	records []*Record     // guarded by mu
	bytes   int           // of stub data in them; guarded by mu
	lost    uint64        // since the last Next; guarded by mu
	closed  bool          // guarded by mu
	more    chan struct{} // of one: there are records
}

// ErrFollowerClosed is what Next says after Close.
var ErrFollowerClosed = errors.New("rpc: trace is closed")

// Follow begins to collect. The Follower is to be closed.
func (t *Tracer) Follow(f Filter) *Follower {
	x := &Follower{t: t, filter: f, more: make(chan struct{}, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	list := []*Follower{x}
	if old := t.followers.Load(); old != nil {
		list = append(list, *old...)
	}
	t.followers.Store(&list)
	return x
}

// Following counts who follows.
func (t *Tracer) Following() int {
	if l := t.list(); l != nil {
		return len(*l)
	}
	return 0
}

func (t *Tracer) list() *[]*Follower {
	if t == nil {
		return nil
	}
	return t.followers.Load()
}

// Close ends it. Calls cost nothing once the last has ended.
func (f *Follower) Close() {
	t := f.t
	t.mu.Lock()
	var list []*Follower
	for _, x := range *t.followers.Load() {
		if x != f {
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		t.followers.Store(nil)
	} else {
		t.followers.Store(&list)
	}
	t.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed, f.records = true, nil
	f.wake()
}

func (f *Follower) wake() {
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// Next gives records, at most max, and how many were lost since the last time because nobody took them; it waits for one if there is none. When ctx ends there may be none.
func (f *Follower) Next(ctx context.Context, max int) (list []*Record, lost uint64, err error) {
	for {
		f.mu.Lock()
		if f.closed {
			f.mu.Unlock()
			return nil, 0, ErrFollowerClosed
		}
		if n := min(len(f.records), max); n > 0 || f.lost > 0 {
			list = f.records[:n:n]
			if f.records = f.records[n:]; len(f.records) == 0 {
				f.records = nil
			} else {
				f.wake()
			}
			for _, r := range list {
				f.bytes -= len(r.Request) + len(r.Response)
			}
			lost, f.lost = f.lost, 0
			f.mu.Unlock()
			return list, lost, nil
		}
		f.mu.Unlock()
		select {
		case <-f.more:
		case <-ctx.Done():
			return nil, 0, nil
		}
	}
}

// add keeps a record, or counts it as lost.
func (f *Follower) add(r *Record) {
	n := len(r.Request) + len(r.Response)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return
	case len(f.records) >= maxTraceRecords || f.bytes+n > maxTraceBytes:
		f.lost++
	default:
		f.records = append(f.records, r)
		f.bytes += n
	}
	f.wake()
}

// wants reports whether the call is to be shown.
func (f *Filter) wants(call *rpc.Call) bool {
	if !f.Interface.IsZero() && f.Interface != call.Interface.UUID {
		return false
	}
	if f.Endpoint != "" && !nt.EqualFold(f.Endpoint, call.Endpoint) && !nt.EqualFold(f.Endpoint, lastPart(call.Endpoint)) {
		return false
	}
	t := call.Token
	return f.User == "" || nt.EqualFold(f.User, t.Account) || nt.EqualFold(f.User, t.QualifiedName()) || nt.EqualFold(f.User, t.User.String())
}

func lastPart(s string) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '\\' {
			return s[i+1:]
		}
	}
	return s
}

// activity is the request of an SMB client that a call came by.
type activity struct{ connection, session, message uint64 }

// activityOf asks a connection what brought what was read last.
func activityOf(nc net.Conn) (a activity) {
	if x, ok := nc.(interface {
		Activity() (connection, session, message uint64)
	}); ok {
		a.connection, a.session, a.message = x.Activity()
	}
	return a
}

// traced is a call that somebody wants to see.
type traced struct {
	Record
	to []*Follower
}

// trace begins the record of a call that is described, with the stub data of its request; nil if nobody wants to see it.
func (k *call) trace(stub []byte) *traced {
	if k.followers == nil {
		return nil
	}
	var to []*Follower
	for _, f := range *k.followers {
		if f.filter.wants(&k.rpc) {
			to = append(to, f)
		}
	}
	if len(to) == 0 {
		return nil
	}
	a, c := k.activity, &k.rpc
	r := &traced{to: to, Record: Record{Connection: a.connection, Session: a.session, Message: a.message, Began: time.Now(), Interface: c.Interface, Opnum: c.Opnum, CallID: c.CallID,
		User: c.Token.QualifiedName(), SID: c.Token.User.String(), Level: c.AuthLevel, Transport: c.Transport, Endpoint: c.Endpoint, Client: c.ClientAddress,
		In: len(stub), Request: append([]byte(nil), stub[:min(len(stub), MaxTraceStub)]...), NDR64: k.transfer == pdu.NDR64}}
	r.ID = "rpc/" + strconv.FormatUint(k.c.s.cfg.Tracer.number.Add(1), 10)
	if a.connection != 0 {
		r.ID = strconv.FormatUint(a.connection, 10) + "/" + strconv.FormatUint(a.message, 10)
	}
	r.Representation = ndr.LittleEndian
	if k.wire.BigEndian {
		r.Representation = ndr.BigEndian
	}
	return r
}

// end shows the call. out is the stub data of the response.
func (r *traced) end(fault rpc.Fault, out []byte) {
	r.Duration, r.Fault = time.Since(r.Began), fault
	if fault == 0 {
		r.Out = len(out)
		r.Response = append([]byte(nil), out[:min(len(out), MaxTraceStub)]...)
	}
	for _, f := range r.to {
		f.add(&r.Record)
	}
}
