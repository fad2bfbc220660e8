package server

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lwio/rpc"
)

// Audit writes what was refused to a log: who called from where, what, and what was against it. Who calls again and again is written of once in auditEvery, with
// the number of times since, and all callers together auditBurst times a second at most: a flood of refused calls fills no log.
type Audit struct {
	log     *slog.Logger
	refused atomic.Uint64

	mu     sync.Mutex
	seen   map[auditKey]*audited // guarded by mu
	second time.Time             // guarded by mu: when the second began that lines are counted in
	lines  int                   // guarded by mu
	missed uint64                // guarded by mu: refusals that no line and no entry of seen tells of
}

const (
	auditEvery = 10 * time.Second
	auditBurst = 20
	auditKeys  = 1024
)

// auditKey is what makes two refusals alike.
type auditKey struct {
	user, address string
	iface         *rpc.Interface
	opnum         uint16
	why           Refusal
}

type audited struct {
	until time.Time // when the next line may be written
	more  uint64    // refusals since the last
}

// NewAudit makes an audit. Nil means slog.Default().
func NewAudit(log *slog.Logger) *Audit {
	if log == nil {
		log = slog.Default()
	}
	return &Audit{log: log, seen: map[auditKey]*audited{}}
}

// Refused counts the calls that were refused, whether the log tells of them or not.
func (a *Audit) Refused() uint64 { return a.refused.Load() }

// note counts a refusal and writes of it, if it may.
func (a *Audit) note(call *rpc.Call, why Refusal, source string) {
	a.refused.Add(1)
	user := call.Token.User.String()
	more, missed, write := a.admit(auditKey{user, call.ClientAddress, call.Interface, call.Opnum, why}, time.Now())
	if !write {
		return
	}
	attrs := []any{"why", string(why), "rule", source, "interface", call.Interface.Name, "operation", opName(call.Interface, call.Opnum), "opnum", call.Opnum,
		"user", call.Token.QualifiedName(), "sid", user, "level", call.AuthLevel.String(), "transport", string(call.Transport), "client", call.ClientAddress}
	if more > 0 {
		attrs = append(attrs, "repeated", more)
	}
	if missed > 0 {
		attrs = append(attrs, "others_not_shown", missed)
	}
	a.log.Warn("rpc: call refused", attrs...)
}

// admit decides whether a line may be written now, and how many refusals like it, and others, were not written of before it.
func (a *Audit) admit(k auditKey, now time.Time) (more, missed uint64, write bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.seen[k]
	if e != nil && now.Before(e.until) {
		e.more++
		return 0, 0, false
	}
	if now.Sub(a.second) >= time.Second {
		a.second, a.lines = now, 0
	}
	if e == nil && len(a.seen) >= auditKeys {
		for k, x := range a.seen {
			if !now.Before(x.until) {
				a.missed += x.more
				delete(a.seen, k)
			}
		}
	}
	if a.lines >= auditBurst || e == nil && len(a.seen) >= auditKeys {
		if e != nil {
			e.more++
		} else {
			a.missed++
		}
		return 0, 0, false
	}
	a.lines++
	if e == nil {
		e = &audited{}
		a.seen[k] = e
	}
	more, missed = e.more, a.missed
	e.until, e.more, a.missed = now.Add(auditEvery), 0, 0
	return more, missed, true
}

// opName is the name of an operation, which need not exist.
func opName(i *rpc.Interface, opnum uint16) string {
	if int(opnum) < len(i.Ops) {
		return i.Ops[opnum].Name
	}
	return ""
}
