package rdr_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/iofs"
)

// names of a listing.
func names(t *testing.T, files *iofs.FS, dir string) string {
	t.Helper()
	list, err := files.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := ""
	for _, e := range list {
		i, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		s += fmt.Sprintf("%s:%d ", e.Name(), i.Size())
	}
	return s
}

// TestDirectoryCache: what a directory showed is not asked for again until it changes, whoever changes it.
func TestDirectoryCache(t *testing.T) {
	var moved atomic.Int64
	long := func(c *rdr.Config) { c.DirectoryTime = time.Hour }
	e := newEnv(t, nil, func(c *rdr.Config) { counted(&moved)(c); long(c) })
	files := iofs.New(e.m, e.name("data"), iofs.Config{})
	other := iofs.New(newClient(t, nil), e.name("data"), iofs.Config{})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(files.Mkdir("d", 0))
	must(files.WriteFile("d/one", []byte("1"), 0))
	changes := map[string]func(){
		"own create":      func() { must(files.WriteFile("d/two", []byte("22"), 0)) },
		"own write":       func() { must(files.WriteFile("d/two", []byte("4444"), 0)) },
		"own rename":      func() { must(files.Rename("d/two", "d/three")) },
		"own rename in":   func() { must(files.WriteFile("out", nil, 0)); must(files.Rename("out", "d/in")) },
		"own rename out":  func() { must(files.Rename("d/in", "out")); must(files.Remove("out")) },
		"own delete":      func() { must(files.Remove("d/three")) },
		"others' create":  func() { must(other.WriteFile("d/four", []byte("4"), 0)) },
		"others' write":   func() { must(other.WriteFile("d/four", []byte("444"), 0)) },
		"others' delete":  func() { must(other.Remove("d/four")) },
		"on the server":   func() { must(os.WriteFile(filepath.Join(e.dir, "d", "five"), []byte("5"), 0o644)) },
		"own move of all": func() { must(files.Rename("d", "e")); must(files.Rename("e", "d")) },
	}
	for _, what := range []string{"own create", "own write", "own rename", "own rename in", "own rename out", "own delete", "others' create", "others' write", "others' delete", "own move of all"} {
		names(t, files, "d") // with a lease from here on, once what was before is over
		var before int64
		until(t, what+": the listing is kept", func() bool {
			names(t, files, "d")
			before = moved.Load()
			_, err := files.Stat("d/one")
			_, no := files.Stat("d/none")
			_, no2 := files.Stat("d/none")
			return err == nil && errors.Is(no, fs.ErrNotExist) && errors.Is(no2, fs.ErrNotExist) && func() bool {
				before = moved.Load()
				_, err := files.Stat("d/one")
				return err == nil && moved.Load() == before
			}()
		})
		if _, err := files.Stat("d/none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
		if i, err := files.Stat("d/ONE"); err != nil || i.Size() != 1 {
			t.Errorf("%v, %v", i, err)
		}
		if n := moved.Load() - before; n != 0 {
			t.Errorf("before %s: %d bytes went over the connection", what, n)
		}
		changes[what]()
		until(t, what, func() bool {
			want := ""
			list, _ := os.ReadDir(filepath.Join(e.dir, "d"))
			for _, x := range list {
				i, _ := x.Info()
				want += fmt.Sprintf("%s:%d ", x.Name(), i.Size())
			}
			got := names(t, files, "d")
			if what[:3] == "own" && got != want {
				t.Errorf("after %s: %s, want %s", what, got, want)
			}
			return got == want
		})
	}
	if err := other.Remove("d/one"); err != nil {
		t.Error(err)
	}
	if err := other.Remove("d"); err != nil {
		t.Error(err)
	}
	until(t, "a directory that is kept can be deleted", func() bool { _, err := os.Stat(filepath.Join(e.dir, "d")); return err != nil })
}

// TestDirectoryLimits: what is kept of directories is bounded, and let go after a while.
func TestDirectoryLimits(t *testing.T) {
	e := newEnv(t, nil, func(c *rdr.Config) { c.Limits.Directories = 3; c.DirectoryTime = 100 * time.Millisecond })
	files := iofs.New(e.m, e.name("data"), iofs.Config{})
	for i := range 10 {
		dir := fmt.Sprint("d", i)
		if err := files.Mkdir(dir, 0); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			names(t, files, dir)
		}
	}
	e.nothingOpen(t)
}

// TestDirectoryHistory has two clients make, change and delete files in one directory and look at it: each sees its own changes at once, and what the
// other has done before long.
func TestDirectoryHistory(t *testing.T) {
	e := newEnv(t, nil, nil)
	clients := []*iofs.FS{iofs.New(e.m, e.name("data"), iofs.Config{}), iofs.New(newClient(t, nil), e.name("data"), iofs.Config{})}
	if err := clients[0].Mkdir("d", 0); err != nil {
		t.Fatal(err)
	}
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var wg sync.WaitGroup
	for who, files := range clients {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(who)))
			sizes := map[string]int{}
			for range rounds {
				name := fmt.Sprintf("d/%d-%d", who, rnd.IntN(5))
				size, there := sizes[name]
				switch rnd.IntN(6) {
				case 0:
					size = rnd.IntN(100)
					if err := files.WriteFile(name, make([]byte, size), 0); err != nil {
						t.Errorf("write: %v", err)
					}
					sizes[name] = size
				case 1:
					if err := files.Remove(name); (err == nil) != there {
						t.Errorf("remove %s: %v, there: %v", name, err, there)
					}
					delete(sizes, name)
				case 2:
					list, err := files.ReadDir("d")
					if err != nil {
						t.Errorf("list: %v", err)
					}
					seen := 0
					for _, x := range list {
						if want, ok := sizes["d/"+x.Name()]; ok {
							seen++
							if i, err := x.Info(); err != nil || i.Size() != int64(want) {
								t.Errorf("%s in the list: %v, %v, want %d bytes", x.Name(), i, err, want)
							}
						} else if int(x.Name()[0]-'0') == who {
							t.Errorf("%s is in the list", x.Name())
						}
					}
					if seen != len(sizes) {
						t.Errorf("%d of %d in the list", seen, len(sizes))
					}
				default:
					i, err := files.Stat(name)
					if there && (err != nil || i.Size() != int64(size)) || !there && !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s: %v, %v, want %v %d", name, i, err, there, size)
					}
				}
			}
		})
	}
	wg.Wait()
	until(t, "both see the same", func() bool {
		want := ""
		list, _ := os.ReadDir(filepath.Join(e.dir, "d"))
		for _, x := range list {
			i, _ := x.Info()
			want += fmt.Sprintf("%s:%d ", x.Name(), i.Size())
		}
		return names(t, clients[0], "d") == want && names(t, clients[1], "d") == want
	})
	e.nothingOpen(t)
}
