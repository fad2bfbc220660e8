// Package fsrtl holds what every file system driver needs and none should write again: share modes, oplocks and leases ([Opens]),
// byte-range locks ([Locks]), change notification ([Watches]).
//
// Each is a state machine over plain values: a driver keeps one per stream (Watches: one per volume), calls it with what its requests ask,
// and is told by callbacks what came of what had to wait. None of them knows a path on a disk, a request or a timer; what is held can be
// taken out as values and put back, so that it may live elsewhere.
//
//	switch w, status := file.locks.Lock(fsrtl.Lock{Owner: open.id, Offset: 0, Length: 10, Exclusive: true}, true, done); status {
//	case nt.StatusPending:
//		r.Pend(w.Cancel)
//	default:
//		r.Complete(status, 0)
//	}
//
// # Locking
//
// Every machine has a mutex of its own, a leaf: no callback runs under it.
package fsrtl
