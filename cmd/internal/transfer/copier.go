package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how to copy. The zero value copies what there is and replaces what is in the way.
type Config struct {
	// Preserve gives copies the time of last writing of what they are copied from.
	Preserve bool
	// Resume goes on where a copy is shorter than its source, and leaves alone what is as long and not older.
	Resume bool
	// Keep leaves alone what is there.
	Keep bool
	// Verify reads both files once more and compares their SHA-256.
	Verify bool
	// Sync has every copy durable before it counts as done.
	Sync bool
	// Retry is how long a lost connection is tried anew; zero for not at all.
	Retry time.Duration
	// Jobs is how many files go side by side; zero means 16.
	Jobs int
	// Chunk is the length of what goes at once, in bytes; zero means 2 MiB.
	Chunk int
	// InFlight is how many chunks are under way, of all files together; zero means 8.
	InFlight int
	// Event is told what happens to each file. It is called from several goroutines. May be nil.
	Event func(Event)
}

// Job is a file or a tree to copy.
type Job struct {
	From   FileSystem
	Source string
	To     FileSystem
	Target string // the name that the copy gets
}

// EventKind says what an Event tells.
type EventKind uint8

// The kinds.
const (
	Copied  EventKind = iota
	Kept              // what is there was left alone
	Skipped           // it is no file, nor a directory
	Failed
)

// Event is the end of one file.
type Event struct {
	Kind   EventKind
	Source string
	Target string
	Bytes  int64
	SHA256 string // of both, where Config.Verify
	Err    error  // why it failed, or was skipped
}

// Stats count; they may be read at any time.
type Stats struct {
	Files, FilesDone, FilesFailed, FilesKept, FilesSkipped atomic.Int64
	Bytes, BytesDone                                       atomic.Int64
	Walked                                                 atomic.Bool // Files and Bytes are whole
}

// Copier copies.
type Copier struct {
	Stats  Stats
	cfg    Config
	chunks chan []byte // buffers of Chunk bytes; nil for one that is still to be made
}

// ErrChanged says that a source was written while it was copied.
var ErrChanged = errors.New("changed while it was copied")

// ErrDiffers says that a copy has another content than its source.
var ErrDiffers = errors.New("the copy differs from its source")

// New makes a Copier.
func New(cfg Config) *Copier {
	if cfg.Jobs <= 0 {
		cfg.Jobs = 16
	}
	if cfg.Chunk <= 0 {
		cfg.Chunk = 2 << 20
	}
	if cfg.InFlight <= 0 {
		cfg.InFlight = 8
	}
	c := &Copier{cfg: cfg, chunks: make(chan []byte, cfg.InFlight)}
	for range cfg.InFlight {
		c.chunks <- nil
	}
	return c
}

// one is a file on its way.
type one struct {
	Job
	info fs.FileInfo
}

// dirTime is what a directory's time becomes when all is in it.
type dirTime struct {
	fs   FileSystem
	name string
	at   time.Time
}

// walk is a run of Copy.
type walk struct {
	c     *Copier
	ctx   context.Context
	files chan one

	mu   sync.Mutex
	errs []error   // guarded by mu
	dirs []dirTime // of the walker alone
}

// maxErrors is how many errors are kept; the rest is counted.
const maxErrors = 100

// Copy copies. The error joins those of all files that failed.
func (c *Copier) Copy(ctx context.Context, jobs []Job) error {
	w := &walk{c: c, ctx: ctx, files: make(chan one, 4*c.cfg.Jobs)}
	var wg sync.WaitGroup
	for range c.cfg.Jobs {
		wg.Go(func() {
			for o := range w.files {
				if ctx.Err() == nil {
					w.end(o, w.copyFile(o))
				}
			}
		})
	}
	for _, j := range jobs {
		var info fs.FileInfo
		err := w.again(func() (err error) { info, err = j.From.Stat(j.Source); return })
		if err != nil {
			w.fail(j, err)
			continue
		}
		w.walk(j, info, 0)
	}
	c.Stats.Walked.Store(true)
	close(w.files)
	wg.Wait()
	if c.cfg.Preserve && ctx.Err() == nil {
		for i := len(w.dirs) - 1; i >= 0; i-- {
			d := w.dirs[i]
			if err := w.again(func() error { return d.fs.Chtimes(d.name, time.Time{}, d.at) }); err != nil {
				w.fail(Job{Target: d.name}, err)
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if n := int(c.Stats.FilesFailed.Load()) - len(w.errs); n > 0 {
		w.errs = append(w.errs, fmt.Errorf("%d more failed", n))
	}
	return errors.Join(w.errs...)
}

func (w *walk) again(try func() error) error { return again(w.ctx, w.c.cfg.Retry, Lost, try) }

// maxDepth ends a tree that has no end.
const maxDepth = 256

// walk sends the files of a tree to be copied, and makes its directories.
func (w *walk) walk(j Job, info fs.FileInfo, depth int) {
	switch {
	case w.ctx.Err() != nil:
		return
	case info.Mode().IsRegular():
		w.c.Stats.Files.Add(1)
		w.c.Stats.Bytes.Add(info.Size())
		w.files <- one{j, info}
		return
	case !info.IsDir():
		w.skip(j, fmt.Errorf("neither a file nor a directory: %v", info.Mode().Type()))
		return
	case depth > maxDepth:
		w.fail(j, fmt.Errorf("more than %d directories deep", maxDepth))
		return
	}
	if err := w.mkdir(j.To, j.Target); err != nil {
		w.fail(j, err)
		return
	}
	var list []fs.DirEntry
	if err := w.again(func() (err error) { list, err = j.From.ReadDir(j.Source); return }); err != nil {
		w.fail(j, err)
		return
	}
	if w.c.cfg.Preserve {
		w.dirs = append(w.dirs, dirTime{j.To, j.Target, info.ModTime()})
	}
	for _, e := range list {
		child := Job{From: j.From, Source: j.From.Join(j.Source, e.Name()), To: j.To, Target: j.To.Join(j.Target, e.Name())}
		i, err := e.Info()
		if err == nil && i.Mode()&fs.ModeSymlink != 0 {
			// What a link leads to is copied if it is a file; a directory could be one that the tree lies in.
			if i, err = j.From.Stat(child.Source); err == nil && i.IsDir() {
				w.skip(child, errors.New("a link to a directory"))
				continue
			}
		}
		if err != nil {
			w.fail(child, err)
			continue
		}
		w.walk(child, i, depth+1)
	}
}

func (w *walk) mkdir(f FileSystem, name string) error {
	err := w.again(func() error { return f.Mkdir(name, 0o777) })
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	if i, e := f.Stat(name); e != nil || !i.IsDir() {
		return err
	}
	return nil
}

func (w *walk) event(e Event) {
	if w.c.cfg.Event != nil {
		w.c.cfg.Event(e)
	}
}

func (w *walk) skip(j Job, why error) {
	w.c.Stats.FilesSkipped.Add(1)
	w.event(Event{Kind: Skipped, Source: j.Source, Target: j.Target, Err: why})
}

func (w *walk) fail(j Job, err error) {
	w.c.Stats.FilesFailed.Add(1)
	w.mu.Lock()
	if len(w.errs) < maxErrors {
		w.errs = append(w.errs, err)
	}
	w.mu.Unlock()
	w.event(Event{Kind: Failed, Source: j.Source, Target: j.Target, Err: err})
}

func (w *walk) end(o one, e Event) {
	e.Source, e.Target = o.Source, o.Target
	switch {
	case e.Err != nil:
		w.fail(o.Job, e.Err)
		return
	case e.Kind == Kept:
		w.c.Stats.FilesKept.Add(1)
		w.c.Stats.BytesDone.Add(o.info.Size())
	}
	w.c.Stats.FilesDone.Add(1)
	w.event(e)
}
