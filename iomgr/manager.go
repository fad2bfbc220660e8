package iomgr

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Config configures a Manager; the zero value works.
type Config struct {
	Log *slog.Logger // default slog.Default()
	// Trace takes a line for every request. Nil for none, which costs a comparison.
	Trace *slog.Logger
	// Token is who opens when a create names nobody. Default: LocalSystem.
	Token *nt.Token
}

// Manager holds the namespace and the drivers.
type Manager struct {
	api.Calls
	log   *slog.Logger
	trace *slog.Logger
	token *nt.Token

	devices atomic.Pointer[map[string]*api.Device] // by upper-case and by registered name; copied on change

	loadMu sync.Mutex
	mu     sync.Mutex
	loaded []*driver // guarded by mu, in load order
}

var _ api.API = (*Manager)(nil)

// New makes a manager without drivers.
func New(cfg Config) *Manager {
	m := &Manager{log: cfg.Log, trace: cfg.Trace, token: cfg.Token}
	if m.log == nil {
		m.log = slog.Default()
	}
	if m.token == nil {
		m.token = nt.SystemToken()
	}
	m.Calls.S = m
	m.devices.Store(&map[string]*api.Device{})
	return m
}

// Submit starts a request.
func (m *Manager) Submit(r *api.Request) {
	if m.trace != nil {
		m.traceRequest(r)
	}
	if r.Op != api.OpCreate && r.Op != api.OpCreateNamedPipe {
		api.Dispatch(r)
		return
	}
	a := r.Create
	if a == nil || (r.Op == api.OpCreateNamedPipe) != (a.Pipe != nil) {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if a.Token == nil {
		a.Token = m.token
	}
	d, path, status := m.resolve(a)
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	api.StartCreate(r, d, path)
}

// resolve finds the device and the rest of the name (MS-FSA 2.1.5.1 leaves this to the I/O manager).
func (m *Manager) resolve(a *api.CreateArgs) (*api.Device, string, nt.Status) {
	if a.Root != nil {
		root, ok := a.Root.(*api.File)
		if !ok || root == nil || root.Closed() {
			return nil, "", nt.StatusInvalidHandle
		}
		if a.Name == "" {
			return root.Device(), root.Path(), nt.StatusSuccess
		}
		if a.Name[0] == '\\' {
			return nil, "", nt.StatusObjectNameInvalid
		}
		path := root.Path()
		if path == "" || path[len(path)-1] != '\\' {
			path += `\`
		}
		return root.Device(), path + a.Name, nt.StatusSuccess
	}
	if len(a.Name) < 2 || a.Name[0] != '\\' {
		return nil, "", nt.StatusObjectPathSyntaxBad
	}
	name, path := a.Name[1:], ""
	for i := 0; i < len(name); i++ {
		if name[i] == '\\' {
			name, path = name[:i], name[i:]
			break
		}
	}
	devices := *m.devices.Load()
	d := devices[name]
	if d == nil {
		if d = devices[nt.Upcase(name)]; d == nil {
			if path != "" {
				return nil, "", nt.StatusObjectPathNotFound
			}
			return nil, "", nt.StatusObjectNameNotFound
		}
	}
	return d, path, nt.StatusSuccess
}
