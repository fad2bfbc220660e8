package srv

import (
	"sync"
	"time"
)

// serverInfo is what an administrator may change of the server (MS-SRVS 2.2.4.43).
type serverInfo struct {
	mu      sync.Mutex
	comment string        // guarded by mu
	users   uint32        // guarded by mu: sessions allowed
	idle    time.Duration // guarded by mu; 0 for never
	hidden  bool          // guarded by mu
	ann     uint32        // guarded by mu: seconds
	delta   uint32        // guarded by mu: milliseconds
}

func (i *serverInfo) init(cfg *Config) {
	i.comment, i.users, i.idle = cfg.Comment, 0xFFFFFFFF, max(cfg.Limits.IdleTimeout, 0)
	i.ann, i.delta = 240, 3000 // as a Windows server announces itself
}

// full reports that no further session is allowed.
func (s *server) full() bool {
	s.info.mu.Lock()
	defer s.info.mu.Unlock()
	return s.info.users != UnlimitedUses && s.live.Load() >= int64(s.info.users)
}

func (s *server) idleTimeout() time.Duration {
	s.info.mu.Lock()
	defer s.info.mu.Unlock()
	return s.info.idle
}
