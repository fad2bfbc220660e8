package krb5

import (
	"crypto/sha256"
	"sync"
	"time"
)

// replayCache remembers authenticators for as long as they would be taken again. It holds two generations a shard, so an entry lives at least as
// long as the window and nothing is ever searched for what has expired. A shard that is full starts its next generation early.
type replayCache struct {
	window time.Duration
	limit  int // entries of a shard's generation
	shards [replayShards]replayShard
}

const (
	replayShards = 32
	// maxReplayEntries bounds a generation of the whole cache: 1700 logons a second at the usual window.
	maxReplayEntries = 1 << 20
)

type replayID [16]byte

type replayShard struct {
	mu       sync.Mutex // guards what follows
	rotate   time.Time
	cur, old map[replayID]struct{}
}

func newReplayCache(window time.Duration, entries int) *replayCache {
	return &replayCache{window: window, limit: max(1, entries/replayShards)}
}

// replayed reports whether the authenticator, as it was encrypted, has been seen, and remembers it.
func (c *replayCache) replayed(authenticator []byte, now time.Time) bool {
	sum := sha256.Sum256(authenticator)
	id := replayID(sum[:16])
	s := &c.shards[sum[31]%replayShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cur == nil || len(s.cur) >= c.limit || !now.Before(s.rotate) {
		s.old = s.cur
		if !now.Before(s.rotate.Add(c.window)) {
			s.old = nil // nothing came for two windows
		}
		s.cur, s.rotate = make(map[replayID]struct{}), now.Add(c.window)
	}
	if _, ok := s.cur[id]; ok {
		return true
	}
	if _, ok := s.old[id]; ok {
		return true
	}
	s.cur[id] = struct{}{}
	return false
}
