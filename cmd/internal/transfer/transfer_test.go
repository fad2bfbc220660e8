package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lwio/cmd/internal/transfer"
	"lwio/iomgr"
	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
)

func memory(t *testing.T) *iofs.FS {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(t.Context(), memfs.DriverEntry(memfs.Config{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	return iofs.New(m, `\memfs`, iofs.Config{})
}

// content is different at every offset.
func content(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// tree makes files of many lengths below a local directory and gives their contents.
func tree(t *testing.T, dir string) map[string][]byte {
	files := map[string][]byte{"empty": {}, "a/b/deep": content(10), "chunked": content(7_000_001), "chunk": content(2 << 20), "small": content(128 << 10), "Größe 共有": content(77)}
	for i := range 40 {
		files[fmt.Sprintf("many/%02d", i)] = content(i * 1000)
	}
	for name, b := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// same checks that a tree has these files and no others.
func same(t *testing.T, f fs.FS, files map[string][]byte) {
	t.Helper()
	n := 0
	err := fs.WalkDir(f, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		b, err := fs.ReadFile(f, name)
		if want, ok := files[name]; !ok || !bytes.Equal(b, want) {
			t.Errorf("%s: %d bytes, want %d", name, len(b), len(want))
		}
		return err
	})
	if err != nil || n != len(files) {
		t.Errorf("%d files, want %d; %v", n, len(files), err)
	}
}

func sub(t *testing.T, f fs.FS, dir string) fs.FS {
	s, err := fs.Sub(f, dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestThereAndBack(t *testing.T) {
	dir := t.TempDir()
	files := tree(t, filepath.Join(dir, "from"))
	when := time.Date(2020, 1, 2, 3, 4, 5, 600, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "from/a"), when, when); err != nil {
		t.Fatal(err)
	}
	m := memory(t)
	var mu sync.Mutex
	sums := 0
	cfg := transfer.Config{Preserve: true, Verify: true, Chunk: 64 << 10, Event: func(e transfer.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == transfer.Copied && len(e.SHA256) == 64 {
			sums++
		}
	}}
	c := transfer.New(cfg)
	if err := c.Copy(t.Context(), []transfer.Job{{From: transfer.Local{}, Source: filepath.Join(dir, "from"), To: transfer.Remote(m), Target: "to"}}); err != nil {
		t.Fatal(err)
	}
	same(t, sub(t, m, "to"), files)
	total := int64(0)
	for _, b := range files {
		total += int64(len(b))
	}
	if s := &c.Stats; s.FilesDone.Load() != int64(len(files)) || s.Files.Load() != int64(len(files)) || s.BytesDone.Load() != total || s.Bytes.Load() != total || sums != len(files) {
		t.Errorf("%d of %d files, %d of %d bytes, %d sums; want %d files, %d bytes", s.FilesDone.Load(), s.Files.Load(), s.BytesDone.Load(), s.Bytes.Load(), sums, len(files), total)
	}
	if i, err := m.Stat("to/a"); err != nil || !i.ModTime().Equal(when.Truncate(100*time.Nanosecond)) {
		t.Errorf("the directory's time is %v, %v", i.ModTime(), err)
	}
	if err := transfer.New(transfer.Config{}).Copy(t.Context(), []transfer.Job{{From: transfer.Remote(m), Source: "to", To: transfer.Local{}, Target: filepath.Join(dir, "back")}}); err != nil {
		t.Fatal(err)
	}
	same(t, os.DirFS(filepath.Join(dir, "back")), files)
}

// faulty loses its connection every so often: what is open then stays lost.
type faulty struct {
	transfer.FileSystem
	every int64 // operations between losses
	n     atomic.Int64
	gen   atomic.Int64
	down  atomic.Int64 // opens that fail after a loss
}

type faultyFile struct {
	transfer.File
	f      *faulty
	gen    int64
	closed atomic.Bool
}

func (f *faulty) Open(name string, flag int, perm fs.FileMode) (transfer.File, error) {
	if f.down.Add(-1) >= 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: nt.StatusConnectionRefused}
	}
	o, err := f.FileSystem.Open(name, flag, perm)
	return &faultyFile{File: o, f: f, gen: f.gen.Load()}, err
}

func (o *faultyFile) lost() error {
	if o.closed.Load() {
		return nt.StatusInvalidHandle
	}
	if o.f.n.Add(1)%o.f.every == 0 {
		o.f.gen.Add(1)
		o.f.down.Store(5)
	}
	if o.gen != o.f.gen.Load() {
		return &fs.PathError{Op: "read", Err: nt.StatusConnectionDisconnected}
	}
	return nil
}

// Close has what still uses the file fail in another way than the loss.
func (o *faultyFile) Close() error {
	o.closed.Store(true)
	return o.File.Close()
}

func (o *faultyFile) ReadAt(b []byte, at int64) (int, error) {
	if err := o.lost(); err != nil {
		return 0, err
	}
	return o.File.ReadAt(b, at)
}

func (o *faultyFile) WriteAt(b []byte, at int64) (int, error) {
	if err := o.lost(); err != nil {
		n, _ := o.File.WriteAt(b[:len(b)/2], at) // half of it has arrived, and nobody knows
		_ = n
		return 0, err
	}
	return o.File.WriteAt(b, at)
}

func (o *faultyFile) Stat() (fs.FileInfo, error) {
	if err := o.lost(); err != nil {
		return nil, err
	}
	return o.File.Stat()
}

// A connection that is lost again and again is not seen by who copies; without Retry it is an error.
func TestLostConnections(t *testing.T) {
	dir := t.TempDir()
	files := tree(t, filepath.Join(dir, "from"))
	m := memory(t)
	to := &faulty{FileSystem: transfer.Remote(m), every: 61}
	job := []transfer.Job{{From: transfer.Local{}, Source: filepath.Join(dir, "from"), To: to, Target: "to"}}
	if err := transfer.New(transfer.Config{Chunk: 64 << 10}).Copy(t.Context(), job); !transfer.Lost(err) {
		t.Errorf("without a retry: %v", err)
	}
	if err := transfer.New(transfer.Config{Chunk: 64 << 10, Retry: time.Minute, Verify: true}).Copy(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	same(t, sub(t, m, "to"), files)
	from := &faulty{FileSystem: transfer.Remote(m), every: 53}
	if err := transfer.New(transfer.Config{Chunk: 64 << 10, Retry: time.Minute}).Copy(t.Context(),
		[]transfer.Job{{From: from, Source: "to", To: transfer.Local{}, Target: filepath.Join(dir, "back")}}); err != nil {
		t.Fatal(err)
	}
	same(t, os.DirFS(filepath.Join(dir, "back")), files)
}

// stopping ends the copy after so many bytes.
type stopping struct {
	transfer.FileSystem
	left atomic.Int64
	stop context.CancelFunc
}

type stoppingFile struct {
	transfer.File
	s *stopping
}

func (s *stopping) Open(name string, flag int, perm fs.FileMode) (transfer.File, error) {
	o, err := s.FileSystem.Open(name, flag, perm)
	return &stoppingFile{o, s}, err
}

func (o *stoppingFile) WriteAt(b []byte, at int64) (int, error) {
	if o.s.left.Add(-int64(len(b))) < 0 {
		o.s.stop()
		return 0, context.Canceled
	}
	return o.File.WriteAt(b, at)
}

// What a run that was ended has left, the next one goes on from.
func TestResume(t *testing.T) {
	dir := t.TempDir()
	want := content(5_000_003)
	from := filepath.Join(dir, "from")
	if err := os.WriteFile(from, want, 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(from, old, old); err != nil {
		t.Fatal(err)
	}
	m := memory(t)
	for round := 0; ; round++ {
		ctx, cancel := context.WithCancel(t.Context())
		to := &stopping{FileSystem: transfer.Remote(m), stop: cancel}
		to.left.Store(1_500_000)
		c := transfer.New(transfer.Config{Chunk: 64 << 10, InFlight: 4, Resume: true})
		err := c.Copy(ctx, []transfer.Job{{From: transfer.Local{}, Source: from, To: to, Target: "to"}})
		cancel()
		if err == nil {
			if round < 2 {
				t.Errorf("ended after %d rounds", round)
			}
			break
		}
		if !errors.Is(err, context.Canceled) || round > 20 {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	if b, err := m.ReadFile("to"); err != nil || !bytes.Equal(b, want) {
		t.Errorf("%d bytes of %d, %v", len(b), len(want), err)
	}
	kept := 0
	c := transfer.New(transfer.Config{Resume: true, Event: func(e transfer.Event) {
		if e.Kind == transfer.Kept {
			kept++
		}
	}})
	if err := c.Copy(t.Context(), []transfer.Job{{From: transfer.Local{}, Source: from, To: transfer.Remote(m), Target: "to"}}); err != nil || kept != 1 {
		t.Errorf("once more: %v, %d kept", err, kept)
	}
}

// holding lets no write but that of the last bytes through until the copy is stopped.
type holding struct {
	transfer.FileSystem
	stop context.CancelFunc
}

type holdingFile struct {
	transfer.File
	h *holding
}

func (h *holding) Open(name string, flag int, perm fs.FileMode) (transfer.File, error) {
	o, err := h.FileSystem.Open(name, flag, perm)
	return &holdingFile{o, h}, err
}

func (o *holdingFile) WriteAt(b []byte, at int64) (int, error) {
	if at == 128<<10 {
		o.h.stop()
		return 0, context.Canceled
	}
	return o.File.WriteAt(b, at)
}

// A copy in which a part is missing is never as long as its source.
func TestHole(t *testing.T) {
	from := filepath.Join(t.TempDir(), "from")
	want := content(640_000)
	if err := os.WriteFile(from, want, 0o644); err != nil {
		t.Fatal(err)
	}
	m := memory(t)
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		to := &holding{FileSystem: transfer.Remote(m), stop: cancel}
		err := transfer.New(transfer.Config{Chunk: 64 << 10}).Copy(ctx, []transfer.Job{{From: transfer.Local{}, Source: from, To: to, Target: "to"}})
		cancel()
		i, e := m.Stat("to")
		if !errors.Is(err, context.Canceled) || e != nil || i.Size() >= int64(len(want)) {
			t.Fatalf("%v; %d bytes of %d, %v", err, i.Size(), len(want), e)
		}
	}
}

// failing refuses writes from an offset on.
type failing struct{ transfer.FileSystem }

type failingFile struct{ transfer.File }

func (f failing) Open(name string, flag int, perm fs.FileMode) (transfer.File, error) {
	o, err := f.FileSystem.Open(name, flag, perm)
	return failingFile{o}, err
}

func (o failingFile) WriteAt(b []byte, at int64) (int, error) {
	if at >= 128<<10 {
		return 0, nt.StatusDiskFull
	}
	return o.File.WriteAt(b, at)
}

// However many files fail, what they held is there for the next ones.
func TestManyFailures(t *testing.T) {
	dir := t.TempDir()
	b := content(400_000)
	for i := range 60 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := transfer.New(transfer.Config{Chunk: 64 << 10, InFlight: 2})
	err := c.Copy(t.Context(), []transfer.Job{{From: transfer.Local{}, Source: dir, To: failing{transfer.Remote(memory(t))}, Target: "to"}})
	if !errors.Is(err, nt.StatusDiskFull) || c.Stats.FilesFailed.Load() != 60 {
		t.Errorf("%d failed, %.200v", c.Stats.FilesFailed.Load(), err)
	}
}

// One file that fails does not keep the others from being copied.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b?", `c\d`, "e"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(".", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("gone", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	m := memory(t)
	var skipped, failed atomic.Int64
	c := transfer.New(transfer.Config{Event: func(e transfer.Event) {
		switch e.Kind {
		case transfer.Skipped:
			skipped.Add(1)
		case transfer.Failed:
			failed.Add(1)
		}
	}})
	err := c.Copy(t.Context(), []transfer.Job{{From: transfer.Local{}, Source: dir, To: transfer.Remote(m), Target: "to"}, {From: transfer.Local{}, Source: dir + "/none", To: transfer.Remote(m), Target: "x"}})
	if err == nil || !errors.Is(err, fs.ErrInvalid) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "b?") {
		t.Errorf("%v", err)
	}
	if skipped.Load() != 1 || failed.Load() != 4 {
		t.Errorf("%d skipped, %d failed", skipped.Load(), failed.Load())
	}
	same(t, sub(t, m, "to"), map[string][]byte{"a": []byte("a"), "e": []byte("e"), "link": []byte("a")})
}

// growing is written while it is read.
type growing struct{ transfer.FileSystem }

func (g growing) Open(name string, flag int, perm fs.FileMode) (transfer.File, error) {
	o, err := g.FileSystem.Open(name, flag, perm)
	return &growingFile{File: o, name: name}, err
}

type growingFile struct {
	transfer.File
	name string
	once sync.Once
}

func (o *growingFile) ReadAt(b []byte, at int64) (int, error) {
	n, err := o.File.ReadAt(b, at)
	o.once.Do(func() {
		f, e := os.OpenFile(o.name, os.O_WRONLY|os.O_APPEND, 0)
		if e == nil {
			_, e = f.WriteString("more")
			f.Close()
		}
		err = errors.Join(err, e)
	})
	return n, err
}

func TestChanged(t *testing.T) {
	from := filepath.Join(t.TempDir(), "from")
	if err := os.WriteFile(from, content(2_000_000), 0o644); err != nil {
		t.Fatal(err)
	}
	err := transfer.New(transfer.Config{}).Copy(t.Context(), []transfer.Job{{From: growing{transfer.Local{}}, Source: from, To: transfer.Remote(memory(t)), Target: "to"}})
	if !errors.Is(err, transfer.ErrChanged) {
		t.Errorf("%v", err)
	}
}
