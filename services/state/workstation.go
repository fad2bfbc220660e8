package state

import (
	"context"
	"errors"
	"slices"
	"sync"

	"lwio/iomgr/nt"
)

const (
	workstationKey     = "workstation"
	workstationVersion = 1

	// MaxAlternateNames bounds the names that a computer has besides its own.
	MaxAlternateNames = 32
)

// ErrComputerName says that a name is none for a computer, or that the computer has as many as it may have.
var ErrComputerName = errors.New("state: computer names have 1 to 63 characters of each part, letters, digits, - and _, and there are at most 32")

// Workstation is what administrators set of the workstation service: three limits, and names of the computer besides its own (MS-WKST 3.2.1).
// It is safe for use by several goroutines.
type Workstation struct {
	store Store

	mu  sync.Mutex // held over the store's commit
	cur WorkstationSettings
}

// WorkstationSettings are the settings.
type WorkstationSettings struct {
	KeepConnection   uint32 // seconds
	SessionTimeout   uint32 // seconds
	DormantFileLimit uint32
	Alternate        []string
}

// NewWorkstation gives the settings of a store.
func NewWorkstation(ctx context.Context, store Store) (*Workstation, error) {
	w := &Workstation{store: store, cur: WorkstationSettings{KeepConnection: 600, SessionTimeout: 60, DormantFileLimit: 1023}}
	e, err := store.Get(ctx, workstationKey)
	if errors.Is(err, ErrNotFound) {
		return w, nil
	}
	if err == nil {
		w.cur, err = parseWorkstation(e.Value)
	}
	return w, err
}

func (s *WorkstationSettings) encode() []byte {
	w := recordWriter{b: []byte{workstationVersion}}
	w.u32(s.KeepConnection)
	w.u32(s.SessionTimeout)
	w.u32(s.DormantFileLimit)
	w.u32(uint32(len(s.Alternate)))
	for _, n := range s.Alternate {
		w.string(n)
	}
	return w.b
}

func parseWorkstation(b []byte) (WorkstationSettings, error) {
	r, err := openRecord(workstationKey, b, workstationVersion)
	if err != nil {
		return WorkstationSettings{}, err
	}
	s := WorkstationSettings{KeepConnection: r.u32(), SessionTimeout: r.u32(), DormantFileLimit: r.u32()}
	n := r.u32()
	if n > MaxAlternateNames {
		r.bad, n = true, 0
	}
	for range n {
		name := r.string()
		if !IsComputerName(name) {
			r.bad = true
			break
		}
		s.Alternate = append(s.Alternate, name)
	}
	return s, r.err(workstationKey)
}

// Settings gives a copy of them.
func (w *Workstation) Settings() WorkstationSettings {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.cur
	s.Alternate = slices.Clone(s.Alternate)
	return s
}

// Change changes them. An error of change leaves them as they were.
func (w *Workstation) Change(ctx context.Context, change func(*WorkstationSettings) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.cur
	s.Alternate = slices.Clone(s.Alternate)
	if err := change(&s); err != nil {
		return err
	}
	if len(s.Alternate) > MaxAlternateNames || slices.ContainsFunc(s.Alternate, func(n string) bool { return !IsComputerName(n) }) {
		return ErrComputerName
	}
	if _, err := w.store.Put(ctx, workstationKey, s.encode()); err != nil {
		return err
	}
	w.cur = s
	return nil
}

// ComputerName is what the machine of this store will be called when it starts the next time; empty where the store has no machine, since another
// daemon has it.
func (w *Workstation) ComputerName(ctx context.Context) (string, error) {
	m, err := readMachine(ctx, w.store)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return m.Name, err
}

// Rename gives the machine of this store another name, with which it starts the next time. Its SID stays. Where the store has no machine it is
// ErrNotFound.
func (w *Workstation) Rename(ctx context.Context, name string) error {
	if !IsComputerName(name) || NetBIOSName(name) != nt.Upcase(name) {
		return ErrComputerName
	}
	for range retries {
		e, err := w.store.Get(ctx, machineKey)
		if err != nil {
			return err
		}
		m, err := parseMachine(e.Value)
		if err != nil {
			return err
		}
		m.Name = nt.Upcase(name)
		if _, err = CompareAndSwap(ctx, w.store, machineKey, e.Revision, m.record()); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// IsComputerName reports whether a name may be one of a computer: a host name of DNS, in which Windows takes _ as well.
func IsComputerName(name string) bool {
	if len(name) == 0 || len(name) > 255 {
		return false
	}
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '.' {
			switch c := name[i]; {
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			default:
				return false
			}
			continue
		}
		if i == start || i-start > 63 || name[start] == '-' || name[i-1] == '-' {
			return false
		}
		start = i + 1
	}
	return true
}
