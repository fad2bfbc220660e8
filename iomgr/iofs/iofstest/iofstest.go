// Package iofstest checks that an iofs.FS is a file system as Go programs know them: it passes testing/fstest, and what is written by the calls that
// package os has too is there afterwards. It is run on drivers of this machine and, through the redirector, on servers.
package iofstest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
)

// Run checks files, whose directory has to be empty; it is left empty.
func Run(t *testing.T, files *iofs.FS) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, *iofs.FS)
	}{
		{"FS", testFS}, {"Files", testFiles}, {"Errors", testErrors}, {"Directories", testDirectories}, {"Rename", testRename}, {"Times", testTimes},
		{"Many", testMany}, {"Concurrent", testConcurrent},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := files.ReadDir(".")
			if err != nil || len(list) != 0 {
				t.Fatalf("the directory is not empty: %v, %v", list, err)
			}
			t.Cleanup(func() {
				list, err := files.ReadDir(".")
				if err != nil {
					t.Error(err)
				}
				for _, e := range list {
					if err := files.Chmod(e.Name(), 0o644); err != nil {
						t.Error(err)
					}
					if err := files.RemoveAll(e.Name()); err != nil {
						t.Error(err)
					}
				}
			})
			c.f(t, files)
		})
	}
}

func write(t *testing.T, f *iofs.FS, name, content string) {
	t.Helper()
	if err := f.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// want checks the content of a file.
func want(t *testing.T, f *iofs.FS, name, content string) {
	t.Helper()
	b, err := f.ReadFile(name)
	if err != nil || string(b) != content {
		t.Errorf("%s: %d bytes (%.40q), %v; want %d (%.40q)", name, len(b), b, err, len(content), content)
	}
}

func testFS(t *testing.T, f *iofs.FS) {
	if err := f.MkdirAll("sub/deep", 0o755); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("0123456789abcdef", 600)
	write(t, f, "empty", "")
	write(t, f, "Größe 共有.txt", "eins")
	write(t, f, "sub/long", long)
	write(t, f, "sub/deep/x", "y")
	if err := fstest.TestFS(f, "empty", "Größe 共有.txt", "sub/long", "sub/deep/x"); err != nil {
		t.Error(err)
	}
	sub, err := fs.Sub(f, "sub")
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(sub, "long", "deep/x"); err != nil {
		t.Error(err)
	}
	var seen []string
	if err := fs.WalkDir(f, ".", func(name string, _ fs.DirEntry, err error) error {
		seen = append(seen, name)
		return err
	}); err != nil {
		t.Error(err)
	}
	if all := []string{".", "Größe 共有.txt", "empty", "sub", "sub/deep", "sub/deep/x", "sub/long"}; !slices.Equal(seen, all) {
		t.Errorf("walked %q, want %q", seen, all)
	}
	want(t, f, "sub/long", long)
	if i, err := f.Stat("sub/long"); err != nil || i.Size() != int64(len(long)) || i.IsDir() || i.Name() != "long" {
		t.Errorf("stat: %v, %v", i, err)
	}
}

func testFiles(t *testing.T, f *iofs.FS) {
	o, err := f.OpenFile("a", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if !o.Created() {
		t.Error("the file was not made")
	}
	if _, err := o.WriteString("hello, world"); err != nil {
		t.Error(err)
	}
	if n, err := o.WriteAt([]byte("W"), 7); n != 1 || err != nil {
		t.Errorf("WriteAt: %d, %v", n, err)
	}
	if at, err := o.Seek(-5, io.SeekEnd); at != 7 || err != nil {
		t.Errorf("Seek: %d, %v", at, err)
	}
	if b, err := io.ReadAll(o); string(b) != "World" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	b := make([]byte, 8)
	if n, err := o.ReadAt(b, 7); n != 5 || err != io.EOF || string(b[:n]) != "World" {
		t.Errorf("ReadAt: %q, %v", b[:n], err)
	}
	if n, err := o.ReadAt(b[:5], 0); n != 5 || err != nil || string(b[:n]) != "hello" {
		t.Errorf("ReadAt: %q, %v", b[:n], err)
	}
	if err := o.Truncate(5); err != nil {
		t.Error(err)
	}
	if i, err := o.Stat(); err != nil || i.Size() != 5 {
		t.Errorf("Stat: %v, %v", i, err)
	}
	if err := o.Sync(); err != nil {
		t.Error(err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if err := o.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := o.Read(b); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read of a closed file: %v", err)
	}
	want(t, f, "a", "hello")

	for _, line := range []string{"one\n", "two\n"} {
		o, err := f.OpenFile("log", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.WriteString(line); err != nil {
			t.Error(err)
		}
		if _, err := o.WriteAt([]byte("x"), 0); err == nil {
			t.Error("WriteAt on a file opened with O_APPEND")
		}
		o.Close()
	}
	want(t, f, "log", "one\ntwo\n")
	write(t, f, "log", "three")
	want(t, f, "log", "three")
	if err := f.Truncate("log", 3); err != nil {
		t.Error(err)
	}
	want(t, f, "log", "thr")
	big := bytes.Repeat([]byte("lwio"), 700_001)
	if err := f.WriteFile("big", big, 0); err != nil {
		t.Error(err)
	}
	want(t, f, "big", string(big))
	if err := f.WriteFile("readonly", []byte("x"), 0o444); err != nil {
		t.Error(err)
	}
	if i, err := f.Stat("readonly"); err != nil || i.Mode() != 0o444 {
		t.Errorf("mode %v, %v", i, err)
	}
	if _, err := f.OpenFile("readonly", os.O_WRONLY, 0); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a read-only file opens for writing: %v", err)
	}
	if err := f.Chmod("readonly", 0o644); err != nil {
		t.Error(err)
	}
	write(t, f, "readonly", "y")
}

func testErrors(t *testing.T, f *iofs.FS) {
	write(t, f, "a", "x")
	if err := f.Mkdir("d", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, f, "d/b", "x")
	for _, c := range []struct {
		what string
		err  func() error
		want error
	}{
		{"a file that is not there", func() error { _, err := f.Open("none"); return err }, fs.ErrNotExist},
		{"a file in a folder that is not there", func() error { _, err := f.Open("none/a"); return err }, fs.ErrNotExist},
		{"stat of nothing", func() error { _, err := f.Stat("none"); return err }, fs.ErrNotExist},
		{"a file that is there", func() error { _, err := f.OpenFile("a", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0); return err }, fs.ErrExist},
		{"a folder that is there", func() error { return f.Mkdir("d", 0) }, fs.ErrExist},
		{"a folder that is not empty", func() error { return f.Remove("d") }, fs.ErrExist},
		{"a name that leads out", func() error { _, err := f.Open("../a"); return err }, fs.ErrInvalid},
		{"a backslash", func() error { _, err := f.Open(`d\b`); return err }, fs.ErrInvalid},
		{"a stream", func() error { _, err := f.Open("a:s"); return err }, fs.ErrInvalid},
		{"an absolute name", func() error { _, err := f.Open("/a"); return err }, fs.ErrInvalid},
		{"a name with a question mark", func() error { return f.WriteFile("a?", nil, 0) }, fs.ErrInvalid},
		{"removal of nothing", func() error { return f.Remove("none") }, fs.ErrNotExist},
		{"writing a folder", func() error { return f.WriteFile("d", nil, 0) }, nt.StatusFileIsADirectory},
		{"reading a folder as a file", func() error { _, err := f.ReadFile("d"); return err }, nil},
		{"listing a file", func() error { _, err := f.ReadDir("a"); return err }, nil},
		{"an offset below zero", func() error {
			o, err := f.OpenFile("a", os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer o.Close()
			_, err = o.WriteAt([]byte("x"), -1)
			return err
		}, fs.ErrInvalid},
	} {
		err := c.err()
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		var p *fs.PathError
		if !errors.As(err, &p) {
			t.Errorf("%s: %T is no *fs.PathError", c.what, err)
		}
	}
	if err := f.RemoveAll("none"); err != nil {
		t.Errorf("RemoveAll of nothing: %v", err)
	}
	if err := f.RemoveAll("d"); err != nil {
		t.Error(err)
	}
	if _, err := f.Stat("d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after RemoveAll: %v", err)
	}
	if _, err := f.ReadLink("a"); err == nil {
		t.Error("a plain file is read as a link")
	}
}

func testDirectories(t *testing.T, f *iofs.FS) {
	for _, name := range []string{"c", "a", "b"} {
		write(t, f, name, name)
	}
	o, err := f.Open(".")
	if err != nil {
		t.Fatal(err)
	}
	d := o.(*iofs.File)
	defer d.Close()
	var seen []string
	for {
		list, err := d.ReadDir(2)
		for _, e := range list {
			seen = append(seen, e.Name())
		}
		if err == io.EOF {
			break
		}
		if err != nil || len(list) == 0 || len(list) > 2 {
			t.Fatalf("ReadDir(2): %v, %v", list, err)
		}
	}
	slices.Sort(seen)
	if !slices.Equal(seen, []string{"a", "b", "c"}) {
		t.Errorf("listed %q", seen)
	}
	if _, err := d.Seek(0, io.SeekStart); err != nil {
		t.Error(err)
	}
	if list, err := d.ReadDir(-1); err != nil || len(list) != 3 {
		t.Errorf("after Seek: %v, %v", list, err)
	}
	if list, err := d.ReadDir(-1); err != nil || len(list) != 0 {
		t.Errorf("at the end: %v, %v", list, err)
	}
}

func testRename(t *testing.T, f *iofs.FS) {
	write(t, f, "a", "1")
	write(t, f, "b", "2")
	if err := f.Mkdir("d", 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Rename("a", "d/c"); err != nil {
		t.Error(err)
	}
	want(t, f, "d/c", "1")
	if err := f.Rename("b", "d/c"); err != nil {
		t.Error(err)
	}
	want(t, f, "d/c", "2")
	if err := f.Rename("d/c", "d/C"); err != nil {
		t.Error(err)
	}
	if list, err := f.ReadDir("d"); err != nil || len(list) != 1 || list[0].Name() != "C" {
		t.Errorf("after a change of case: %v, %v", list, err)
	}
	if err := f.Rename("none", "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rename of nothing: %v", err)
	}
	var l *os.LinkError
	if err := f.Rename("d", "../x"); !errors.Is(err, fs.ErrInvalid) || !errors.As(err, &l) {
		t.Errorf("rename out of the directory: %v", err)
	}
	if err := f.Rename("d", "e"); err != nil {
		t.Error(err)
	}
	want(t, f, "e/C", "2")
}

func testTimes(t *testing.T, f *iofs.FS) {
	write(t, f, "a", "x")
	when := time.Date(2009, 2, 13, 23, 31, 30, 123456700, time.UTC)
	if err := f.Chtimes("a", time.Time{}, when); err != nil {
		t.Fatal(err)
	}
	if i, err := f.Stat("a"); err != nil || !i.ModTime().Equal(when) {
		t.Errorf("%v, %v", i.ModTime(), err)
	}
	list, err := f.ReadDir(".")
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	if i, err := list[0].Info(); err != nil || !i.ModTime().Equal(when) {
		t.Errorf("in the listing: %v, %v", i, err)
	}
}

// testMany has a directory that is listed in several answers.
func testMany(t *testing.T, f *iofs.FS) {
	if err := f.Mkdir("many", 0); err != nil {
		t.Fatal(err)
	}
	const n = 1200
	name := func(i int) string {
		return "many/" + strings.Repeat("n", 60) + string(rune('0'+i/1000)) + string(rune('0'+i/100%10)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
	}
	for i := range n {
		write(t, f, name(i), "")
	}
	list, err := f.ReadDir("many")
	if err != nil || len(list) != n {
		t.Fatalf("%d entries, %v", len(list), err)
	}
	for i, e := range list {
		if "many/"+e.Name() != name(i) {
			t.Fatalf("entry %d is %s", i, e.Name())
		}
	}
}

// testConcurrent writes one file by parts from several goroutines and reads it so.
func testConcurrent(t *testing.T, f *iofs.FS) {
	o, err := f.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	const parts, size = 16, 100_003
	done := make(chan error)
	for i := range parts {
		go func() {
			b := bytes.Repeat([]byte{byte(i)}, size)
			if _, err := o.WriteAt(b, int64(i)*size); err != nil {
				done <- err
				return
			}
			got := make([]byte, size)
			_, err := o.ReadAt(got, int64(i)*size)
			if err == nil && !bytes.Equal(b, got) {
				err = errors.New("another part was read than was written")
			}
			done <- err
		}()
	}
	for range parts {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if i, err := o.Stat(); err != nil || i.Size() != parts*size {
		t.Errorf("%v, %v", i, err)
	}
}
