package main

import (
	"context"
	"errors"
	"fmt"

	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/transfer"
)

// copyFlags are those of cp, put, get and mv.
type copyFlags struct {
	rpcFlags
	recursive, preserve, resume, keep, checksum, sync bool
	verbose, quiet                                    bool
	retry                                             time.Duration
	parallel                                          int
}

const copyLong = `A file is copied to the name that TARGET says, or into TARGET if that is a directory. What is there is replaced. Many files go side
by side, and parts of long ones; the progress is shown where the standard error is a terminal. A lost connection is made again and the copy goes on, for
as long as --retry says. Links are followed where they lead to files.

If some files could not be copied the others are, and the exit status is 1.`

func (f *copyFlags) flags(a *app, c *cobra.Command, mv bool) *cobra.Command {
	p := c.Flags()
	if !mv {
		p.BoolVarP(&f.recursive, "recursive", "r", false, "copy directories with all that is in them")
		p.BoolVarP(&f.preserve, "preserve", "p", false, "keep the times of last writing")
	}
	p.BoolVarP(&f.keep, "no-clobber", "n", false, "leave alone what is there")
	p.BoolVar(&f.resume, "resume", false, "go on where an earlier copy ended, and leave alone what is complete")
	p.BoolVar(&f.checksum, "checksum", false, "read source and copy once more, compare them and print their SHA-256")
	p.BoolVar(&f.sync, "sync", false, "have each copy on the disk before it counts as done")
	p.BoolVarP(&f.verbose, "verbose", "v", false, "name each file")
	p.BoolVarP(&f.quiet, "quiet", "q", false, "show no progress")
	p.DurationVar(&f.retry, "retry", time.Minute, "how long a lost connection is tried anew; 0 for not at all")
	p.IntVar(&f.parallel, "parallel", 16, "how many files go side by side")
	return a.fileFlags(c, &f.rpcFlags)
}

func copyCommand(a *app) *cobra.Command {
	f := &copyFlags{}
	return f.flags(a, &cobra.Command{Use: "cp SOURCE... TARGET", Short: "Copy files between this machine and shares, or from share to share", Long: copyLong, Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.copy(c, f, args[:len(args)-1], args[len(args)-1], false)
		}}, false)
}

func putCommand(a *app) *cobra.Command {
	f := &copyFlags{}
	return f.flags(a, &cobra.Command{Use: `put FILE... \\server\share[\folder]`, Short: "Copy files of this machine to a share", Long: copyLong, Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := sides(args[:len(args)-1], args[len(args)-1:]); err != nil {
				return err
			}
			return a.copy(c, f, args[:len(args)-1], args[len(args)-1], false)
		}}, false)
}

func getCommand(a *app) *cobra.Command {
	f := &copyFlags{}
	return f.flags(a, &cobra.Command{Use: `get \\server\share\file... [DIRECTORY]`, Short: "Copy files of shares to this machine, by default into the current directory", Long: copyLong, Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			target := "."
			if l, err := parseLocation(args[len(args)-1]); err == nil && !l.remote && len(args) > 1 {
				args, target = args[:len(args)-1], args[len(args)-1]
			}
			if err := sides([]string{target}, args); err != nil {
				return err
			}
			return a.copy(c, f, args, target, false)
		}}, false)
}

// sides checks which PATHs are of this machine and which of a share.
func sides(here, there []string) error {
	for i, list := range [][]string{here, there} {
		for _, text := range list {
			if l, err := parseLocation(text); err != nil {
				return err
			} else if l.remote != (i == 1) {
				return hint(usage("%s: want %s", text, map[int]string{0: "a file of this machine", 1: `a name of a share, \\server\share\…`}[i]), "lwio cp copies in every direction")
			}
		}
	}
	return nil
}

func moveCommand(a *app) *cobra.Command {
	f := &copyFlags{recursive: true, preserve: true}
	return f.flags(a, &cobra.Command{Use: "mv SOURCE... TARGET", Short: "Rename files, or move them from one place to another",
		Long: "Within a share files are renamed. Between places they are copied, with their times, and removed when the whole copy has gone well.\n\n" + copyLong, Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.copy(c, f, args[:len(args)-1], args[len(args)-1], true)
		}}, true)
}

// copy copies or moves sources to a target.
func (a *app) copy(c *cobra.Command, f *copyFlags, sources []string, target string, move bool) error {
	if f.parallel < 1 || f.parallel > 1024 {
		return usage("--parallel %d: want 1 to 1024", f.parallel)
	}
	if f.keep && f.resume {
		return usage("--no-clobber and --resume exclude each other")
	}
	ctx := c.Context()
	s := a.files(&f.rpcFlags)
	defer s.close()
	to, err := parseLocation(target)
	if err != nil {
		return err
	}
	dst, err := s.place(ctx, to)
	if err != nil {
		return s.explain(to, err)
	}
	into, err := isDirectory(dst, to)
	if err != nil {
		return s.explain(to, err)
	}
	if !into && (len(sources) > 1 || strings.HasSuffix(target, "/") || strings.HasSuffix(target, `\`)) {
		return hint(fmt.Errorf("%s: is no directory", target), "lwio mkdir makes it")
	}
	var jobs []transfer.Job
	for _, text := range sources {
		j, l, err := s.job(ctx, text, dst, to, into, f.recursive)
		if err != nil {
			return s.explain(l, err)
		}
		if move && j.From.Same(j.To) {
			if f.keep {
				if _, err := j.To.Lstat(j.Target); err == nil {
					continue
				}
			}
			if err := j.From.Rename(j.Source, j.Target); err == nil {
				continue
			} else if l.remote || !isCrossDevice(err) {
				return s.explain(l, err)
			}
		}
		jobs = append(jobs, j)
	}
	if len(jobs) == 0 {
		return nil
	}
	if err := s.run(c, f, jobs, to); err != nil {
		return err
	}
	if move {
		for _, j := range jobs {
			if err := j.From.RemoveAll(j.Source); err != nil {
				return fmt.Errorf("copied, but not removed: %w", err)
			}
		}
	}
	return nil
}

// isDirectory reports whether the target of a copy is a directory.
func isDirectory(p transfer.FileSystem, l location) (bool, error) {
	i, err := p.Stat(l.name)
	switch {
	case err == nil:
		return i.IsDir(), nil
	case errors.Is(err, fs.ErrNotExist) && !(l.remote && l.name == "."):
		return false, nil
	}
	return false, err
}

// job is what a SOURCE asks for.
func (s *files) job(ctx context.Context, text string, dst transfer.FileSystem, to location, into, recursive bool) (transfer.Job, location, error) {
	l, err := parseLocation(text)
	if err != nil {
		return transfer.Job{}, l, err
	}
	src, err := s.place(ctx, l)
	if err != nil {
		return transfer.Job{}, l, err
	}
	i, err := src.Stat(l.name)
	if err != nil {
		return transfer.Job{}, l, err
	}
	if i.IsDir() && !recursive {
		return transfer.Job{}, l, hint(usage("%s: is a directory", text), "-r copies directories")
	}
	j := transfer.Job{From: src, Source: l.name, To: dst, Target: to.name}
	if into {
		base := src.Base(l.name)
		if l.remote && l.name == "." {
			base = l.share
		}
		j.Target = dst.Join(to.name, base)
	}
	if src.Same(dst) && within(j, l, to) {
		return j, l, fmt.Errorf("%s: cannot be copied to itself or into itself", text)
	}
	return j, l, nil
}

// within reports whether the target of a copy is its source, or lies in it.
func within(j transfer.Job, from, to location) bool {
	a, b := j.Source, j.Target
	if !from.remote {
		if x, err := filepath.Abs(a); err == nil {
			a = filepath.ToSlash(x)
		}
		if x, err := filepath.Abs(b); err == nil {
			b = filepath.ToSlash(x)
		}
	} else {
		if !strings.EqualFold(from.share, to.share) {
			return false
		}
		a, b = strings.ToUpper(a), strings.ToUpper(b)
	}
	return a == "." || a == b || strings.HasPrefix(b, strings.TrimSuffix(a, "/")+"/")
}

// run copies, with progress and a list of what was done.
func (s *files) run(c *cobra.Command, f *copyFlags, jobs []transfer.Job, to location) error {
	out, errs := c.OutOrStdout(), c.ErrOrStderr()
	p := &progress{w: errs}
	var mu sync.Mutex
	list := []copied{}
	cp := transfer.New(transfer.Config{Preserve: f.preserve, Resume: f.resume, Keep: f.keep, Verify: f.checksum, Sync: f.sync, Retry: f.retry, Jobs: f.parallel,
		Event: func(e transfer.Event) {
			mu.Lock()
			defer mu.Unlock()
			if s.a.json {
				if len(list) < maxListed {
					list = append(list, copiedOf(e))
				}
				return
			}
			switch {
			case e.Kind == transfer.Failed:
				p.line(errs, "lwio: "+e.Err.Error())
			case e.Kind == transfer.Skipped:
				p.line(errs, "lwio: "+e.Source+": left out: "+e.Err.Error())
			case e.Kind == transfer.Copied && e.SHA256 != "":
				p.line(out, e.SHA256+"  "+printable(e.Target))
			case f.verbose && e.Kind == transfer.Kept:
				p.line(out, printable(e.Target)+" is there")
			case f.verbose:
				p.line(out, printable(e.Source)+" -> "+printable(e.Target))
			}
		}})
	if file, ok := errs.(*os.File); ok && !f.quiet && !s.a.json {
		p.start(file, &cp.Stats, &mu)
	}
	err := cp.Copy(c.Context(), jobs)
	p.stop()
	st := &cp.Stats
	if s.a.json {
		if e := s.a.print(out, copyResult{list, st.FilesDone.Load(), st.FilesFailed.Load(), st.FilesSkipped.Load(), st.BytesDone.Load()}, nil, nil); e != nil {
			return e
		}
	}
	switch {
	case err == nil:
		return nil
	case c.Context().Err() != nil:
		return hint(c.Context().Err(), "--resume goes on where this ended")
	case len(jobs) == 1 && st.Files.Load() <= 1 && st.FilesFailed.Load() == 1:
		return s.explain(to, firstOf(err))
	}
	return fmt.Errorf("%d of %d files could not be copied", st.FilesFailed.Load(), max(st.Files.Load(), st.FilesFailed.Load()))
}

// firstOf is the first of joined errors.
func firstOf(err error) error {
	if j, ok := err.(interface{ Unwrap() []error }); ok && len(j.Unwrap()) > 0 {
		return j.Unwrap()[0]
	}
	return err
}

// maxListed is how many files the JSON form lists.
const maxListed = 100_000

// copied is a file in the JSON form.
type copied struct {
	Source string `json:"source"`
	Target string `json:"target"`
	Result string `json:"result"` // copied, kept, skipped, failed
	Bytes  int64  `json:"bytes,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Error  string `json:"error,omitempty"`
}

type copyResult struct {
	List    []copied `json:"list"`
	Files   int64    `json:"files"`
	Failed  int64    `json:"failed"`
	Skipped int64    `json:"skipped"`
	Bytes   int64    `json:"bytes"`
}

func copiedOf(e transfer.Event) copied {
	r := copied{Source: e.Source, Target: e.Target, Bytes: e.Bytes, SHA256: e.SHA256}
	r.Result = map[transfer.EventKind]string{transfer.Copied: "copied", transfer.Kept: "kept", transfer.Skipped: "skipped", transfer.Failed: "failed"}[e.Kind]
	if e.Err != nil {
		r.Error = e.Err.Error()
	}
	return r
}
