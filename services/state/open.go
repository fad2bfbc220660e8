package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// Errors of Open.
var (
	// ErrLocked says that another process has the file.
	ErrLocked = errors.New("state: another process has the file")
	// ErrCorrupt says that the file is a state file that is damaged.
	ErrCorrupt = errors.New("state: the file is damaged")
	// ErrForeign says that the file is no state file.
	ErrForeign = errors.New("state: not a state file")
	// ErrNewer says that a newer version of the program wrote the file.
	ErrNewer = errors.New("state: the file is of a newer version")
	// ErrExposed says that others than the owner may read or write the file, which holds password hashes.
	ErrExposed = errors.New("state: others have access to the file")
)

// OpenError says which file could not be opened, why, and what to do about it.
type OpenError struct {
	Path string
	Err  error
	Hint string // one line for the user, empty if there is nothing to advise
}

func (e *OpenError) Error() string {
	s := fmt.Sprintf("open %s: %v", e.Path, e.Err)
	if e.Hint != "" {
		s += "\nhint: " + e.Hint
	}
	return s
}

func (e *OpenError) Unwrap() error { return e.Err }

var hints = []struct {
	err  error
	hint string
}{
	{ErrLocked, "stop the daemon that uses this state, or start this one with a state folder of its own"},
	{ErrCorrupt, "restore the file from a backup; it was not changed"},
	{ErrForeign, "point the state at another path; the file was not changed"},
	{ErrNewer, "run the version that wrote it, or a later one; the file was not changed"},
	{ErrSealed, "name the file of the key in seal_key_file"},
	{ErrSealKey, "name the file that has the key; after a change of keys the old one stays in it, below the new, until the daemon has started once"},
	{ErrExposed, "chmod 600 the file, and take it that the passwords in it are known"},
	{fs.ErrPermission, "run as the user who owns the state"},
}

// Options change how Open works; the zero value is right for a daemon.
type Options struct {
	// LockTimeout is how long to wait for another process to let the file go. Zero means 250 ms, negative not at all.
	LockTimeout time.Duration
	// Keys seal secrets: accounts and their hashes, the machine's account, secrets of the policy. A file that is not sealed is sealed. Nil is for one that is not.
	Keys *SealKeys
}

const (
	fileMode = 0o600
	dirMode  = 0o700
	pageSize = 4096 // not the host's, so that a file moves between hosts
)

// Open opens the state file, or makes it, and its folder, if there is none. Errors are an *OpenError around one of the errors
// above or what the system said; the file is then as it was.
func Open(path string, opts Options) (Store, error) {
	return open(path, opts, migrations)
}

func open(path string, opts Options, steps []migration) (Store, error) {
	s, err := openSealed(path, opts, steps)
	if err == nil {
		return s, nil
	}
	oe := &OpenError{Path: path, Err: err}
	for _, h := range hints {
		if errors.Is(err, h.err) {
			oe.Hint = h.hint
			break
		}
	}
	return nil, oe
}

// openSealed opens a file, and seals the secrets in it.
func openSealed(path string, opts Options, steps []migration) (Store, error) {
	file, err := openFile(path, opts, steps)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	s, rewrite, err := newSealedStore(ctx, file, opts.Keys)
	if err == nil && rewrite {
		if err = file.rewrite(path); err == nil {
			err = file.Delete(ctx, sealPending)
		}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return s, nil
}

func openFile(path string, opts Options, steps []migration) (*bolt, error) {
	if opts.LockTimeout == 0 {
		opts.LockTimeout = 250 * time.Millisecond
	}
	switch _, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(path, steps); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, pathCause(err)
	}
	db, err := openBolt(path, func(f *os.File) error {
		if err := lock(f, opts.LockTimeout); err != nil {
			return err
		}
		if err := checkMode(f); err != nil {
			return err
		}
		return checkFile(f, uint32(len(steps)))
	})
	if err != nil {
		return nil, err
	}
	if err := migrate(db, steps); err != nil {
		db.Close()
		return nil, err
	}
	s := &bolt{db: db, writer: make(chan struct{}, 1)}
	s.writer <- struct{}{}
	return s, nil
}

// openBolt lets bbolt have the file after check has seen it. The lock that check takes is on the descriptor that bbolt
// gets, so that the file is not free for a moment in between.
func openBolt(path string, check func(*os.File) error) (db *bbolt.DB, err error) {
	defer func() {
		if p := recover(); p != nil { // bbolt's assertions about a file that check found well
			db, err = nil, fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	return bbolt.Open(path, fileMode, &bbolt.Options{
		Timeout:      time.Millisecond, // the lock is ours by then
		PageSize:     pageSize,
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
		OpenFile: func(path string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(path, flag&^os.O_CREATE, mode)
			if err != nil {
				return nil, pathCause(err)
			}
			if err := check(f); err != nil {
				f.Close()
				return nil, err
			}
			return f, nil
		},
	})
}

// create makes the file under another name and gives it its own when it is whole and on disk.
func create(path string, steps []migration) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	temp := f.Name()
	defer os.Remove(temp)
	if err := f.Close(); err != nil {
		return err
	}
	db, err := openBolt(temp, func(*os.File) error { return nil })
	if err != nil {
		return err
	}
	err = migrate(db, steps)
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) { // whoever came first has made as good a one
		return err
	}
	return syncDir(dir)
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

func lock(f *os.File, timeout time.Duration) error {
	const pause = 10 * time.Millisecond
	for deadline := time.Now().Add(timeout); ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("state: lock: %w", err)
		case !time.Now().Add(pause).Before(deadline):
			return ErrLocked
		}
		time.Sleep(pause)
	}
}

func checkMode(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: %v", ErrForeign, info.Mode().Type())
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%w: mode %v", ErrExposed, info.Mode().Perm())
	}
	return nil
}

// pathCause drops the path that OpenError says anyway.
func pathCause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
