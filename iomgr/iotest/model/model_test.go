package model_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/iotest/model"
	"lwio/iomgr/nt"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"
)

// TestMain makes what is drawn the same each time. MODEL_CHECKS asks for more runs than the default, MODEL_SEED for others.
func TestMain(m *testing.M) {
	flag.Parse()
	set := func(name, variable, value string) {
		if v := os.Getenv(variable); v != "" {
			value = v
		}
		given := false
		flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
		if !given {
			if err := flag.Set(name, value); err != nil {
				panic(err)
			}
		}
	}
	set("rapid.seed", "MODEL_SEED", "20")
	set("rapid.checks", "MODEL_CHECKS", "1000")
	set("rapid.nofailfile", "", "true")
	set("rapid.shrinktime", "", "1ms") // scripts are made shorter here
	os.Exit(m.Run())
}

// volume makes empty directories on a file system.
type volume struct {
	streams bool
	fresh   func(testing.TB) model.Target
}

var runs atomic.Int64

// directories gives the way to make them through a manager, for so many clients of it.
func directories(m api.API, device string, clients int, contexts ...any) func(testing.TB) model.Target {
	return func(t testing.TB) model.Target {
		root := device + `\r` + strconv.FormatInt(runs.Add(1), 10)
		h, err := m.CreateFile(context.Background(), &api.CreateArgs{Name: root, DesiredAccess: nt.FileReadAttributes, Disposition: nt.FileCreate,
			Options: nt.FileDirectoryFile, Impersonation: api.ImpersonateImpersonation, Contexts: contexts})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(h); err != nil {
			t.Fatal(err)
		}
		var out model.Target
		for range clients {
			out.Clients = append(out.Clients, model.Client{API: m, Root: root, Contexts: contexts})
		}
		return out
	}
}

func load(t testing.TB, entry api.DriverEntry) *iomgr.Manager {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), entry); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

// volumes are what is compared.
func volumes(t testing.TB) map[string]volume {
	return map[string]volume{
		"memfs":  {false, directories(load(t, memfs.DriverEntry(memfs.Config{})), `\memfs`, 3)},
		"pvfs":   {true, directories(load(t, pvfs.DriverEntry(pvfs.Config{Root: t.TempDir()})), `\pvfs`, 3)},
		"smb":    {true, overSMB(t, false)},
		"behind": {true, overSMB(t, true)},
	}
}

// TestRandom compares each file system with the reference, by operations at random.
func TestRandom(t *testing.T) {
	for name, v := range volumes(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				ops, diff := draw(t, rt, v)
				if diff != "" {
					script, diff := shrink(t, v, ops, diff)
					rt.Fatalf("%s\n    %s", script, diff)
				}
			})
		})
	}
}

// draw runs operations until the volume and the reference differ.
func draw(t testing.TB, rt *rapid.T, v volume) (ops []model.Op, diff string) {
	target := v.fresh(t)
	r, err := model.NewRunner(target)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil && diff == "" {
			diff = err.Error()
		}
	}()
	d := drawing{clients: len(target.Clients), slots: 3, streams: v.streams}
	for range rapid.IntRange(1, 60).Draw(rt, "operations") {
		op := d.op(rt, r.Reference)
		ops = append(ops, op)
		if diff = r.Do(op); diff != "" {
			break
		}
	}
	return ops, diff
}

// shrink leaves out of a script what has no part in its failure.
func shrink(t testing.TB, v volume, ops []model.Op, diff string) (script, why string) {
	script, why = "it does not fail again", diff
	for shorter := true; shorter; {
		shorter = false
		for at := len(ops) - 1; at >= 0; at-- {
			less := slices.Delete(slices.Clone(ops), at, at+1)
			if s, err := run(t, v, less); err != nil {
				ops, script, why, shorter = less, s, err.Error(), true
			}
		}
	}
	if s, err := run(t, v, ops); err != nil {
		script, why = s, err.Error()
	}
	return script, why
}

// TestScripts replays what was found. A script says what each operation answers.
func TestScripts(t *testing.T) {
	vs := volumes(t)
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out := ""
			for _, name := range []string{"memfs", "behind", "smb", "pvfs"} {
				v := vs[name]
				if !v.streams && strings.Contains(d.Input, ":") {
					continue
				}
				got, err := replay(t, v, d.Input)
				if err != nil {
					t.Errorf("%s: %s: %v\n%s", d.Pos, name, err, got)
				}
				out = got
			}
			return out
		})
	})
}

// replay runs a script, whose last line's difference is an error.
func replay(t testing.TB, v volume, script string) (string, error) {
	var ops []model.Op
	for line := range strings.SplitSeq(script, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		op, err := model.ParseOp(line)
		if err != nil {
			return "", err
		}
		ops = append(ops, op)
	}
	return run(t, v, ops)
}

func run(t testing.TB, v volume, ops []model.Op) (script string, err error) {
	r, err := model.NewRunner(v.fresh(t))
	if err != nil {
		return "", err
	}
	for _, op := range ops {
		if diff := r.Do(op); diff != "" {
			err = errors.New(diff)
			break
		}
	}
	script = r.Script() + "\n"
	return script, errors.Join(err, r.Close())
}

// TestOps reads what it writes.
func TestOps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := model.NewReference()
		op := drawing{clients: 3, slots: 3, streams: true}.op(rt, r)
		if got, err := model.ParseOp(op.String()); err != nil || got != op {
			rt.Fatalf("%+v\n%+v %v", op, got, err)
		}
	})
	for _, bad := range []string{"", "x", "0.0 fly", "0 close", "0.0 read 1", "0.0 create", "0.0 create a access=q", "0.0 write 1 1", "0.0 rename", "0.0 create a do=x", "0.0 attributes"} {
		if op, err := model.ParseOp(bad); err == nil {
			t.Errorf("%q: %+v", bad, op)
		}
	}
}
