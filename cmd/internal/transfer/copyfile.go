package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// smallFile is what goes with a buffer of its own length, in one piece.
const smallFile = 128 << 10

// copyFile copies one file.
func (w *walk) copyFile(o one) Event {
	c := w.c
	from := int64(0)
	flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if c.cfg.Keep || c.cfg.Resume {
		there, err := o.To.Stat(o.Target)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return Event{Err: err}
		case there.IsDir():
			return Event{Err: fmt.Errorf("%s: is a directory", o.Target)}
		case c.cfg.Keep, there.Size() == o.info.Size() && !there.ModTime().Before(o.info.ModTime().Truncate(time.Second)):
			return Event{Kind: Kept}
		case there.Size() < o.info.Size():
			// Of the chunks that were under way when the last run ended any may be missing, and no other.
			whole := there.Size() - int64(c.cfg.InFlight)*int64(c.cfg.Chunk)
			if from = max(whole-whole%int64(c.cfg.Chunk), 0); from > 0 {
				flag = os.O_WRONLY | os.O_CREATE
			}
		}
	}
	if from == 0 && o.info.Size() <= smallFile && !c.cfg.Verify {
		if e, done := w.whole(o); done {
			return e
		}
	}
	src, err := open(w.ctx, &c.cfg, o.From, o.Source, os.O_RDONLY)
	if err != nil {
		return Event{Err: err}
	}
	defer src.close()
	info, err := w.stat(src, true)
	if err != nil {
		return Event{Err: err}
	}
	if info.IsDir() {
		return Event{Err: fmt.Errorf("%s: is a directory now", o.Source)}
	}
	size := info.Size()
	c.Stats.Bytes.Add(size - o.info.Size())
	o.info = info
	from = min(from, size)
	dst, err := open(w.ctx, &c.cfg, o.To, o.Target, flag)
	if err != nil {
		return Event{Err: err}
	}
	counted := from
	c.Stats.BytesDone.Add(from)
	done := func(n int) { counted += int64(n); c.Stats.BytesDone.Add(int64(n)) }
	switch {
	case from == 0 && size > smallFile && o.From.Same(o.To) && w.onServer(src, dst, size):
		done(int(size))
	case size-from <= smallFile:
		err = w.small(src, dst, from, size, done)
	default:
		if err = w.chunks(src, dst, from, size, done); err == nil {
			err = w.unchanged(src, info)
		}
	}
	if err == nil && c.cfg.Sync {
		err = dst.do(w.ctx, File.Sync)
	}
	if e := dst.close(); err == nil && !Lost(e) {
		err = e
	}
	e := Event{Bytes: size, Err: err}
	if err == nil && c.cfg.Verify {
		e.SHA256, e.Err = w.compare(src, o)
	}
	if e.Err == nil && c.cfg.Preserve {
		e.Err = w.again(func() error { return o.To.Chtimes(o.Target, time.Time{}, info.ModTime()) })
	}
	if e.Err != nil {
		c.Stats.BytesDone.Add(-counted)
		c.Stats.Bytes.Add(-size)
	}
	return e
}

// whole copies a file in one piece, which saves the answers in between; false if it has grown out of that.
func (w *walk) whole(o one) (Event, bool) {
	c := w.c
	b := smallBuffers.Get().(*[smallFile]byte)
	defer smallBuffers.Put(b)
	room := int(min(o.info.Size()+1, smallFile)) // what is longer now shows
	var n int
	var info fs.FileInfo
	err := again(w.ctx, c.cfg.Retry, failing, func() (err error) { n, info, err = o.From.ReadSmall(o.Source, b[:room]); return err })
	switch {
	case err != nil:
		return Event{Err: err}, true
	case info.IsDir():
		return Event{Err: fmt.Errorf("%s: is a directory now", o.Source)}, true
	case info.Size() != int64(n):
		return Event{}, false
	}
	var at time.Time
	if c.cfg.Preserve {
		at = info.ModTime()
	}
	err = again(w.ctx, c.cfg.Retry, failing, func() error { return o.To.WriteSmall(o.Target, b[:n], at, c.cfg.Sync) })
	if err != nil {
		return Event{Err: err}, true
	}
	c.Stats.Bytes.Add(int64(n) - o.info.Size())
	c.Stats.BytesDone.Add(int64(n))
	return Event{Bytes: int64(n)}, true
}

// failing reports an error that may be over in a while.
func failing(err error) bool { return Lost(err) || busy(err) }

// stat says what a file is; what it was when it was opened is as good just after that.
func (w *walk) stat(h *handle, fresh bool) (info fs.FileInfo, err error) {
	err = h.do(w.ctx, func(f File) (err error) {
		if o, ok := f.(interface{ Opened() (fs.FileInfo, bool) }); ok && fresh {
			if info, ok = o.Opened(); ok {
				return nil
			}
		}
		info, err = f.Stat()
		return err
	})
	return info, err
}

// unchanged looks whether the source is still as it was when it was opened.
func (w *walk) unchanged(src *handle, was fs.FileInfo) error {
	now, err := w.stat(src, false)
	if err == nil && (now.Size() != was.Size() || !now.ModTime().Equal(was.ModTime())) {
		return fmt.Errorf("%s: %w", src.name, ErrChanged)
	}
	return err
}

// read fills b from an offset on.
func (w *walk) read(src *handle, b []byte, at int64) error {
	return src.do(w.ctx, func(f File) error {
		n, err := f.ReadAt(b, at)
		switch {
		case n == len(b):
			return nil
		case err == io.EOF:
			return fmt.Errorf("%s: %w", src.name, ErrChanged)
		case err == nil:
			return io.ErrUnexpectedEOF
		}
		return err
	})
}

// write writes b at an offset. Sent twice, after a loss, it is the same.
func (w *walk) write(dst *handle, b []byte, at int64) error {
	return dst.do(w.ctx, func(f File) error { _, err := f.WriteAt(b, at); return err })
}

var smallBuffers = sync.Pool{New: func() any { return new([smallFile]byte) }}

func (w *walk) small(src, dst *handle, from, size int64, done func(int)) error {
	if from == size {
		return nil
	}
	b := smallBuffers.Get().(*[smallFile]byte)
	defer smallBuffers.Put(b)
	part := b[:size-from]
	if err := w.read(src, part, from); err != nil {
		return err
	}
	if err := w.write(dst, part, from); err != nil {
		return err
	}
	done(len(part))
	return nil
}

// chunks copies a long file, several chunks at a time. Config.Resume goes by two things: a chunk begins when that which is Config.InFlight before it has
// arrived, so that what may be missing lies in the last so many; and the last one goes when all others have arrived, so that a copy that is as long
// as its source is whole.
func (w *walk) chunks(src, dst *handle, from, size int64, done func(int)) error {
	ctx, cancel := context.WithCancelCause(w.ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var mu sync.Mutex // done
	window := make([]chan struct{}, w.c.cfg.InFlight)
	n := 0
	for at := from; at < size; at += int64(w.c.cfg.Chunk) {
		if size-at <= int64(w.c.cfg.Chunk) {
			wg.Wait()
		}
		if before := window[n%len(window)]; before != nil {
			select {
			case <-before:
			case <-ctx.Done():
			}
		}
		arrived := make(chan struct{})
		window[n%len(window)] = arrived
		n++
		var b []byte
		taken := false
		select {
		case b = <-w.c.chunks:
			taken = true
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			if taken {
				w.c.chunks <- b
			}
			break
		}
		wg.Go(func() {
			if b == nil {
				b = make([]byte, w.c.cfg.Chunk)
			}
			defer func() { w.c.chunks <- b }()
			part := b[:min(size-at, int64(len(b)))]
			err := w.read(src, part, at)
			if err == nil {
				err = w.write(dst, part, at)
			}
			if err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			done(len(part))
			mu.Unlock()
			close(arrived)
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// compare gives the SHA-256 of both files, or says that it is not the same.
func (w *walk) compare(src *handle, o one) (string, error) {
	dst, err := open(w.ctx, &w.c.cfg, o.To, o.Target, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer dst.close()
	var sums [2][]byte
	var errs [2]error
	var wg sync.WaitGroup
	for i, h := range []*handle{src, dst} {
		wg.Go(func() { sums[i], errs[i] = w.sum(h, o.info.Size()) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return "", err
	}
	if !bytes.Equal(sums[0], sums[1]) {
		return "", fmt.Errorf("%s: %w", o.Target, ErrDiffers)
	}
	return hex.EncodeToString(sums[0]), nil
}

// sum reads a file of which it is known how long it has to be.
func (w *walk) sum(h *handle, size int64) ([]byte, error) {
	sum := sha256.New()
	b := make([]byte, min(size, int64(w.c.cfg.Chunk)))
	for at := int64(0); at < size; {
		part := b[:min(size-at, int64(len(b)))]
		if err := w.read(h, part, at); err != nil {
			return nil, err
		}
		sum.Write(part)
		at += int64(len(part))
	}
	return sum.Sum(nil), nil
}
