package srv

import "context"

// openSaver writes the records of persistent opens. What comes while a write is under way goes together with the next one: a write to disk takes
// as long for one record as for many. Guarded by server.saving.
type openSaver struct {
	queue   []savedOpen
	running bool
}

// savedOpen is a record to write, or with none a key to let go.
type savedOpen struct {
	key    string
	record []byte
	done   chan error
}

// maxSavedAtOnce bounds one write.
const maxSavedAtOnce = 64

// saveOpen writes a record, or lets a key go, durably.
func (s *server) saveOpen(ctx context.Context, key string, record []byte) error {
	x := savedOpen{key, record, make(chan error, 1)}
	s.saving.Lock()
	s.saver.queue = append(s.saver.queue, x)
	start := !s.saver.running
	s.saver.running = true
	s.saving.Unlock()
	if start {
		go s.saveOpens(ctx)
	}
	return <-x.done
}

func (s *server) saveOpens(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for {
		s.saving.Lock()
		n := min(len(s.saver.queue), maxSavedAtOnce)
		if n == 0 {
			s.saver.queue, s.saver.running = nil, false
			s.saving.Unlock()
			return
		}
		batch := s.saver.queue[:n:n]
		s.saver.queue = s.saver.queue[n:]
		s.saving.Unlock()
		changes := make(map[string][]byte, n)
		for _, x := range batch { // of one open no two are under way
			changes[x.key] = x.record
		}
		err := s.openTable().ChangeOpens(ctx, changes)
		for _, x := range batch {
			x.done <- err
		}
	}
}
