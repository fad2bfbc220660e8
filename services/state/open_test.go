package state

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func mustOpen(t testing.TB, path string) *bolt {
	t.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s.(*bolt)
}

// fill puts enough for a tree of several levels, with values on overflow pages.
func fill(t testing.TB, s Store, n int) {
	t.Helper()
	for i := 0; i < n; {
		var ops []Op
		for ; i < n && len(ops) < 50; i++ {
			ops = append(ops, Op{Key: fmt.Sprintf("fill/%06d", i), Value: bytes.Repeat([]byte{byte(i)}, 20+i%300)})
		}
		if _, err := s.Txn(context.Background(), nil, ops); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Put(context.Background(), "fill/long", make([]byte, 20000)); err != nil {
		t.Fatal(err)
	}
}

func TestOpenMakesAPrivateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "state.db")
	s := mustOpen(t, path)
	if _, err := s.Put(t.Context(), "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for p, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700 | fs.ModeDir} {
		info, err := os.Stat(p)
		if err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, %v; want %v", p, info.Mode(), err, want)
		}
	}
	if list, err := os.ReadDir(filepath.Dir(path)); err != nil || len(list) != 1 {
		t.Errorf("the folder holds %v, %v; want the file alone", list, err)
	}
	s = mustOpen(t, path)
	defer s.Close()
	if e, err := s.Get(t.Context(), "k"); err != nil || string(e.Value) != "v" || e.Revision != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	if r, err := s.Put(t.Context(), "k", nil); err != nil || r != 2 {
		t.Errorf("revision %d after reopening, %v; want 2", r, err)
	}
}

func TestSecondOpenerIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	_, err := Open(path, Options{LockTimeout: -1})
	var oe *OpenError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &oe) || oe.Path != path || !strings.Contains(err.Error(), "\nhint: stop the daemon") {
		t.Fatalf("second open: %v", err)
	}
	// One that waits gets it.
	got := make(chan error)
	go func() {
		s, err := Open(path, Options{LockTimeout: time.Minute})
		if err == nil {
			err = s.Close()
		}
		got <- err
	}()
	s.Close()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

// refused opens path, wants err, and wants the file as it was.
func refused(t *testing.T, path string, want error) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Open(path, Options{LockTimeout: -1}); !errors.Is(err, want) {
		t.Errorf("Open: %v, want %v", err, want)
		if err == nil {
			s.Close()
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file changed: %v", err)
	}
	if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
		t.Errorf("left behind: %v", list)
	}
}

func TestForeignFiles(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.db")
	db, err := bbolt.Open(other, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{"kv", "meta", "users"} {
			b, err := tx.CreateBucket([]byte(name))
			if err != nil {
				return err
			}
			if name != "kv" {
				if err := b.Put([]byte("key"), []byte("value")); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	bolted, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty":         {},
		"text":          []byte("shares = []\n"),
		"sqlite":        append([]byte("SQLite format 3\x00"), make([]byte, 8192)...),
		"zeros":         make([]byte, 16384),
		"other program": bolted,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, path, ErrForeign)
		})
	}
	t.Run("folder", func(t *testing.T) {
		if _, err := Open(t.TempDir(), Options{}); err == nil {
			t.Error("a folder opened")
		}
	})
}

func TestExposedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	mustOpen(t, path).Close()
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		refused(t, path, ErrExposed)
	}
}

func TestSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	if _, err := s.Put(t.Context(), "old/a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	s.Close()

	rename := func(tx *bbolt.Tx) error { // what a migration is like: records move to another key
		kv := tx.Bucket(bucketKV)
		value, rev, err := parseRecord([]byte("old/a"), kv.Get([]byte("old/a")))
		if err != nil {
			return err
		}
		if err := kv.Put([]byte("new/a"), appendRecord(nil, "new/a", rev, value)); err != nil {
			return err
		}
		return kv.Delete([]byte("old/a"))
	}
	steps := append(migrations[:len(migrations):len(migrations)], rename)
	boom := errors.New("boom")

	// A step that fails undoes those before it.
	if _, err := open(path, Options{}, append(steps[:len(steps):len(steps)], func(*bbolt.Tx) error { return boom })); !errors.Is(err, boom) {
		t.Fatalf("failing migration: %v", err)
	}
	s = mustOpen(t, path)
	if e, err := s.Get(t.Context(), "old/a"); err != nil || string(e.Value) != "1" {
		t.Fatalf("after a failed migration: %+v, %v", e, err)
	}
	s.Close()

	for range 2 { // the second time there is nothing to do
		m, err := open(path, Options{}, steps)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := m.Get(t.Context(), "new/a"); err != nil || string(e.Value) != "1" || e.Revision != 1 {
			t.Fatalf("migrated: %+v, %v", e, err)
		}
		m.Close()
	}
	refused(t, path, ErrNewer)
}

// TestDamage garbles a good file in many places. It must open with all that was in it or be refused; it must never panic, and what opens
// must be readable to the end.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	s := mustOpen(t, path)
	fill(t, s, 600)
	older := dump(t, s) // what a damaged meta page, which is as one that was torn, falls back to
	if _, err := s.Put(t.Context(), "last", nil); err != nil {
		t.Fatal(err)
	}
	want := dump(t, s)
	s.Close()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opened, refusedN := 0, 0
	try := func(what string, b []byte) {
		t.Helper()
		metaOnly := bytes.Equal(b[min(len(b), 2*pageSize):], good[2*pageSize:])
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path, Options{LockTimeout: -1})
		if err != nil {
			refusedN++
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrForeign) {
				t.Errorf("%s: %v", what, err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(after, b) {
				t.Errorf("%s: the file was changed", what)
			}
			return
		}
		opened++
		got := dump(t, s)
		s.Close()
		if got != want && !(metaOnly && got == older) {
			t.Errorf("%s: opened with other contents", what)
		}
	}
	for n := 0; n < len(good); n += 8191 {
		try(fmt.Sprintf("cut at %d", n), good[:n])
	}
	for at := 0; at < len(good); at += 2039 {
		b := bytes.Clone(good)
		b[at] ^= 0xFF
		try(fmt.Sprintf("byte %d", at), b)
	}
	for page := 0; page*pageSize < len(good); page += 1 + page/8 {
		at := page * pageSize
		for _, off := range []int{0, 8, 10, 12, 16, 20, 24, 28} {
			b := bytes.Clone(good)
			copy(b[at+off:], "\xff\xff\xff\xff")
			try(fmt.Sprintf("header of page %d at %d", at/pageSize, off), b)
		}
		b := bytes.Clone(good)
		clear(b[at : at+pageSize])
		try(fmt.Sprintf("page %d zero", at/pageSize), b)
	}
	t.Logf("%d opened, %d refused", opened, refusedN)
	if refusedN == 0 || opened == 0 {
		t.Errorf("%d opened, %d refused: the test tests nothing", opened, refusedN)
	}
}

func dump(t testing.TB, s Store) string {
	t.Helper()
	var b strings.Builder
	for e, err := range All(context.Background(), s, "") {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %x %d\n", e.Key, e.Value, e.Revision)
	}
	return b.String()
}

// TestTornCommits makes the states in which a power cut can leave the file. bbolt writes data pages, syncs, writes a meta page,
// syncs: before the first sync any of the sectors of the first write may be there, and before the second any of the second.
// Each must open and hold all that was acknowledged before, or also what was under way.
func TestTornCommits(t *testing.T) {
	const sector = 512
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	s := mustOpen(t, path)
	fill(t, s, 100)
	read := func() []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	torn := filepath.Join(dir, "torn.db")
	states := 0
	check := func(what string, b []byte, want ...string) {
		t.Helper()
		states++
		if err := os.WriteFile(torn, b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(torn, Options{LockTimeout: -1})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		defer r.Close()
		got := dump(t, r)
		for _, w := range want {
			if got == w {
				return
			}
		}
		t.Fatalf("%s: opened with something else than what was acknowledged", what)
	}
	before, old := read(), dump(t, s)
	for i := range 30 {
		// Puts, deletes, and now and then a file that grows.
		ops := []Op{{Key: fmt.Sprintf("fill/%06d", i*3), Value: bytes.Repeat([]byte{'n'}, i*17)}, {Key: fmt.Sprintf("fill/%06d", i*3+1), Delete: true}}
		if i%10 == 9 {
			ops = append(ops, Op{Key: fmt.Sprint("grow", i), Value: make([]byte, 40000)})
		}
		if _, err := s.Txn(t.Context(), nil, ops); err != nil {
			t.Fatal(err)
		}
		after, now := read(), dump(t, s)

		var data, meta []int // sectors that differ
		grown := append(bytes.Clone(before), make([]byte, len(after)-len(before))...)
		for at := 0; at < len(after); at += sector {
			if !bytes.Equal(grown[at:at+sector], after[at:at+sector]) {
				if at < 2*pageSize {
					meta = append(meta, at)
				} else {
					data = append(data, at)
				}
			}
		}
		if len(data) == 0 || len(meta) == 0 {
			t.Fatalf("commit %d wrote %d data and %d meta sectors", i, len(data), len(meta))
		}
		name := func(s string, n int) string { return fmt.Sprintf("commit %d, %s %d", i, s, n) }
		if len(after) > len(before) {
			check(name("grown to", len(after)), grown, old)
		}
		for n := 0; n <= len(data); n += 1 + len(data)/6 { // the first n, and all but the first n
			first, rest := bytes.Clone(grown), bytes.Clone(grown)
			for j, at := range data {
				dst := first
				if j >= n {
					dst = rest
				}
				copy(dst[at:at+sector], after[at:])
			}
			check(name("first data sectors", n), first, old)
			check(name("last data sectors from", n), rest, old)
		}
		synced := bytes.Clone(after)
		for _, at := range meta {
			copy(synced[at:at+sector], before[at:])
		}
		check(name("before the meta page", 0), synced, old)
		for _, at := range meta { // a sector torn inside
			for n := 0; n <= sector; n += 32 {
				b := bytes.Clone(synced)
				copy(b[at:at+n], after[at:])
				check(name("meta bytes", n), b, old, now)
			}
		}
		check(name("all", 0), after, now)
		before, old = after, now
	}
	s.Close()
	t.Logf("%d states opened", states)
}

// TestKilled starts this test binary as a writer, kills it for real at some moment, and looks for every write that it reported.
func TestKilled(t *testing.T) {
	if path := os.Getenv("STATE_WRITER"); path != "" {
		writer(path)
	}
	path := filepath.Join(t.TempDir(), "state.db")
	var next uint64
	for round := range 8 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "STATE_WRITER="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var acked uint64
		for range 1 + round*23 {
			var b [8]byte
			if n, err := out.Read(b[:]); err != nil || n != 8 {
				t.Fatalf("the writer ended: %d, %v", n, err)
			}
			acked = binary.BigEndian.Uint64(b[:])
		}
		cmd.Process.Kill()
		// What it had reported by then is still in the pipe.
		for {
			var b [8]byte
			if n, err := out.Read(b[:]); err != nil || n != 8 {
				break
			}
			acked = binary.BigEndian.Uint64(b[:])
		}
		cmd.Wait()

		s := mustOpen(t, path)
		n := uint64(0)
		for e, err := range All(t.Context(), s, "ack/") {
			if err != nil {
				t.Fatal(err)
			}
			if e.Key != fmt.Sprintf("ack/%08d", n) || binary.BigEndian.Uint64(e.Value) != n {
				t.Fatalf("round %d: entry %d is %q", round, n, e.Key)
			}
			n++
		}
		s.Close()
		if n <= acked || n > acked+2 {
			t.Fatalf("round %d: %d writes are there, %d were acknowledged", round, n, acked+1)
		}
		if n <= next {
			t.Fatalf("round %d: %d writes, there were %d before", round, n, next)
		}
		next = n
	}
}

// writer puts one entry after another and reports each on standard output once it is acknowledged. It does not return.
func writer(path string) {
	s, err := Open(path, Options{LockTimeout: 10 * time.Second})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx := context.Background()
	n := uint64(0)
	for _, err := range All(ctx, s, "ack/") {
		if err != nil {
			os.Exit(1)
		}
		n++
	}
	for ; ; n++ {
		b := binary.BigEndian.AppendUint64(nil, n)
		if _, err := s.Put(ctx, fmt.Sprintf("ack/%08d", n), b); err != nil {
			os.Exit(1)
		}
		if _, err := os.Stdout.Write(b); err != nil {
			os.Exit(1)
		}
	}
}

func FuzzCheckFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state.db")
	s := mustOpen(f, path)
	fill(f, s, 3)
	s.Close()
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	// The pages in use are few; the tail of the file is left out to keep inputs small.
	f.Add(0, []byte{})
	f.Add(2*pageSize+8, []byte{1, 0})
	f.Add(3*pageSize+16, []byte{0xFF, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, at int, patch []byte) {
		b := bytes.Clone(good)
		if at < 0 || at > len(b) {
			return
		}
		copy(b[at:], patch)
		c := &boltFile{r: bytes.NewReader(b), size: int64(len(b)), seen: make(map[uint64]bool)}
		if err := c.readMeta(); err != nil {
			return
		}
		if err := c.check(uint32(len(migrations))); err != nil {
			return
		}
		bad := filepath.Join(t.TempDir(), "state.db")
		if err := os.WriteFile(bad, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(bad, Options{})
		if err != nil {
			t.Fatalf("the check passed what bbolt does not open: %v", err)
		}
		dump(t, s)
		s.Close()
	})
}
