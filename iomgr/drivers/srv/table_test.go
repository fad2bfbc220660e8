package srv_test

import (
	"context"
	"errors"
	"maps"
	"sync"

	"lwio/gen/srvctl"
	"lwio/iomgr/nt"
)

// table is a ShareTable in memory that can be told to fail.
type table struct {
	mu     sync.Mutex
	shares map[string]srvctl.SRVCTL_SHARE
	fail   bool
}

// openTable is a table that keeps persistent opens besides.
type openTable struct {
	*table
	opens     map[string][]byte // guarded by table.mu
	failOpens bool              // guarded by table.mu
	writes    int               // guarded by table.mu
	gate      chan struct{}     // a write waits for it; nil for none
}

func (t *openTable) LoadOpens(context.Context) (map[string][]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.opens), nil
}

func (t *openTable) ChangeOpens(_ context.Context, records map[string][]byte) error {
	if t.gate != nil {
		<-t.gate
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes++
	if t.failOpens {
		return errTable
	}
	for key, record := range records {
		if record == nil {
			delete(t.opens, key)
		} else {
			t.opens[key] = record
		}
	}
	return nil
}

func (t *openTable) kept() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.opens)
}

var errTable = errors.New("disk full")

func newTable(shares ...srvctl.SRVCTL_SHARE) *table {
	t := &table{shares: map[string]srvctl.SRVCTL_SHARE{}}
	for _, s := range shares {
		t.shares[nt.Upcase(*s.Name)] = s
	}
	return t
}

func (t *table) Load(context.Context) ([]srvctl.SRVCTL_SHARE, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail {
		return nil, errTable
	}
	var out []srvctl.SRVCTL_SHARE
	for _, s := range t.shares {
		out = append(out, s)
	}
	return out, nil
}

func (t *table) Put(_ context.Context, s *srvctl.SRVCTL_SHARE) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail {
		return errTable
	}
	t.shares[nt.Upcase(*s.Name)] = *s
	return nil
}

func (t *table) Delete(_ context.Context, name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail {
		return errTable
	}
	delete(t.shares, nt.Upcase(name))
	return nil
}

func (t *table) has(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.shares[nt.Upcase(name)]
	return ok
}

// share is the record of a disk share that everybody may use.
func share(name, path string, edit ...func(*srvctl.SRVCTL_SHARE)) srvctl.SRVCTL_SHARE {
	comment := ""
	s := srvctl.SRVCTL_SHARE{Name: &name, Path: &path, Comment: &comment, MaxUses: 0xFFFFFFFF}
	for _, f := range edit {
		f(&s)
	}
	return s
}

func withSDDL(sddl string) func(*srvctl.SRVCTL_SHARE) {
	return func(s *srvctl.SRVCTL_SHARE) {
		sd, err := nt.ParseSDDL(sddl, domain)
		if err != nil {
			panic(err)
		}
		s.Sd = sd.Append(nil)
		s.SdLength = uint32(len(s.Sd))
	}
}
