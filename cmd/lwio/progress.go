package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"lwio/cmd/internal/transfer"
)

// progress is the line at the foot of a terminal that says how far a copy is.
type progress struct {
	w     io.Writer
	shown bool // guarded by the mutex that start is given
	end   chan struct{}
	done  sync.WaitGroup
}

// line prints a line above the progress; the caller holds the mutex.
func (p *progress) line(w io.Writer, text string) {
	p.clear()
	fmt.Fprintln(w, text)
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// start shows it until stop, if file is a terminal.
func (p *progress) start(file *os.File, s *transfer.Stats, mu *sync.Mutex) {
	if !term.IsTerminal(int(file.Fd())) {
		return
	}
	p.end = make(chan struct{})
	p.done.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		begin := time.Now()
		r := &rate{}
		for {
			select {
			case <-p.end:
				mu.Lock()
				p.clear()
				mu.Unlock()
				return
			case now := <-tick.C:
				text := status(s, now.Sub(begin), r.at(now, s.BytesDone.Load()))
				if width, _, err := term.GetSize(int(file.Fd())); err == nil && len(text) >= width && width > 1 {
					text = text[:width-1]
				}
				mu.Lock()
				fmt.Fprint(p.w, "\r\x1b[K"+text)
				p.shown = true
				mu.Unlock()
			}
		}
	})
}

func (p *progress) stop() {
	if p.end != nil {
		close(p.end)
		p.done.Wait()
	}
}

// rate is that of the last seconds.
type rate struct {
	bytes [16]int64
	times [16]time.Time
	n     int
}

// at takes a count of bytes and gives how many came a second.
func (r *rate) at(now time.Time, bytes int64) float64 {
	i := r.n % len(r.bytes)
	oldBytes, old := r.bytes[i], r.times[i]
	if r.n < len(r.bytes) {
		oldBytes, old = r.bytes[0], r.times[0]
	}
	r.bytes[i], r.times[i] = bytes, now
	r.n++
	if old.IsZero() || !now.After(old) {
		return 0
	}
	return max(float64(bytes-oldBytes)/now.Sub(old).Seconds(), 0)
}

// status is the text of the line: files, bytes, rate, and the time left once it is known how much there is.
func status(s *transfer.Stats, spent time.Duration, perSecond float64) string {
	done, all := s.BytesDone.Load(), s.Bytes.Load()
	text := fmt.Sprintf("%d of %d files  %s of %s", s.FilesDone.Load(), s.Files.Load(), size(done), size(all))
	if all > 0 {
		text += fmt.Sprintf("  %d %%", min(100*done/all, 100))
	}
	text += fmt.Sprintf("  %s/s", size(int64(perSecond)))
	if left := all - done; s.Walked.Load() && perSecond > 0 && left > 0 {
		text += "  " + (time.Duration(float64(left) / perSecond * float64(time.Second))).Round(time.Second).String() + " left"
	} else {
		text += "  " + spent.Round(time.Second).String()
	}
	if n := s.FilesFailed.Load(); n > 0 {
		text += fmt.Sprintf("  %d failed", n)
	}
	return text
}

// size writes a number of bytes as people read it.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, u := float64(n)/1024, 0
	for f >= 1024 && u < len(units)-1 {
		f /= 1024
		u++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[u])
}
