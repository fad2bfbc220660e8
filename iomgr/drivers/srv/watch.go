package srv

import (
	"sync"
	"time"
)

// watch sees to it that no reader is kept from reading by what it works at for others. It looks every watchTick, only while readers work, and has the role of each
// handed over that is still at what it was at the time before.
type watch struct {
	mu      sync.Mutex
	readers []*reader   // guarded by mu: that have worked since the last look
	timer   *time.Timer // guarded by mu
}

// watchTick is how long a reader may work without another in its place, and at most twice that.
const watchTick = time.Millisecond

// add has a reader watched that has begun to work.
func (w *watch) add(rd *reader) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if rd.watched.Swap(true) {
		return
	}
	rd.seen = 0 // which no turn is that it works in
	w.readers = append(w.readers, rd)
	if len(w.readers) > 1 {
		return
	}
	if w.timer == nil {
		w.timer = time.AfterFunc(watchTick, w.look)
	} else {
		w.timer.Reset(watchTick)
	}
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := w.readers[:0]
	for _, rd := range w.readers {
		turn := rd.turn.Load()
		if turn == rd.seen {
			if turn%2 == 1 && rd.handOver(turn) {
				continue // it does not read any more
			}
			rd.watched.Store(false)
			if rd.turn.Load() == turn { // whoever begins from here on sees that it is not watched
				continue
			}
			rd.watched.Store(true)
		}
		rd.seen = rd.turn.Load()
		rest = append(rest, rd)
	}
	clear(w.readers[len(rest):])
	w.readers = rest
	if len(rest) > 0 {
		w.timer.Reset(watchTick)
	}
}
