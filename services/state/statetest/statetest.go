// Package statetest is the conformance suite of state.Store: what every implementation is run through.
//
//	func TestMyStore(t *testing.T) {
//		statetest.Run(t, func(t testing.TB) state.Store { return open(t) })
//	}
package statetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"lwio/services/state"
)

// Run tests the stores that open makes. Each call of open gives a new, empty store, which the suite closes.
func Run(t *testing.T, open func(testing.TB) state.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, state.Store)
	}{
		{"GetPutDelete", getPutDelete},
		{"Range", ranges},
		{"Txn", txn},
		{"Limits", limits},
		{"Copies", copies},
		{"Context", contexts},
		{"Watch", watch},
		{"WatchCoalesces", watchCoalesces},
		{"WatchEnds", watchEnds},
		{"CompareAndSwapRace", compareAndSwapRace},
		{"Closed", closed},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			defer s.Close()
			test.run(t, s)
		})
	}
	t.Run("Model", func(t *testing.T) { model(t, open) })
}

func put(t *testing.T, s state.Store, key, value string) state.Revision {
	t.Helper()
	r, err := s.Put(t.Context(), key, []byte(value))
	if err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
	return r
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: %v, want %v", what, err, want)
	}
}

func getPutDelete(t *testing.T, s state.Store) {
	ctx := t.Context()
	_, err := s.Get(ctx, "a")
	wantErr(t, "Get of nothing", err, state.ErrNotFound)
	r1 := put(t, s, "a", "one")
	if r1 == 0 {
		t.Fatal("the first revision is zero")
	}
	r2 := put(t, s, "b", "")
	r3 := put(t, s, "a", "two")
	if !(r1 < r2 && r2 < r3) {
		t.Fatalf("revisions %d %d %d do not rise", r1, r2, r3)
	}
	for _, w := range []struct {
		key, value string
		r          state.Revision
	}{{"a", "two", r3}, {"b", "", r2}} {
		e, err := s.Get(ctx, w.key)
		if err != nil || e.Key != w.key || string(e.Value) != w.value || e.Revision != w.r {
			t.Fatalf("Get(%q) = %+v, %v; want %q at %d", w.key, e, err, w.value, w.r)
		}
	}
	for range 2 { // the second time there is nothing
		if err := s.Delete(ctx, "a"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.Get(ctx, "a")
	wantErr(t, "Get after Delete", err, state.ErrNotFound)
	if r := put(t, s, "a", "three"); r <= r3 {
		t.Fatalf("revision %d after a delete; it was %d before", r, r3)
	}
}

func ranges(t *testing.T, s state.Store) {
	ctx := t.Context()
	for _, k := range []string{"p/b", "p/a", "p/", "p", "q/x", "p/ü", "p/a/1", "o"} {
		put(t, s, k, "v"+k)
	}
	for _, test := range []struct {
		prefix, from string
		limit        int
		want         string
	}{
		{"p/", "", 0, "p/ p/a p/a/1 p/b p/ü"},
		{"p/", "", 2, "p/ p/a"},
		{"p/", "p/a", 0, "p/a p/a/1 p/b p/ü"},
		{"p/", state.After("p/a"), 2, "p/a/1 p/b"},
		{"p/", "p/ü", -1, "p/ü"},
		{"p/", "q", 0, ""},
		{"p/", "a", 1, "p/"},
		{"", "", 0, "o p p/ p/a p/a/1 p/b p/ü q/x"},
		{"z", "", 0, ""},
	} {
		got, err := s.Range(ctx, test.prefix, test.from, test.limit)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, e := range got {
			keys = append(keys, e.Key)
			if string(e.Value) != "v"+e.Key || e.Revision == 0 {
				t.Errorf("entry %+v", e)
			}
		}
		if strings.Join(keys, " ") != test.want {
			t.Errorf("Range(%q, %q, %d) = %q, want %q", test.prefix, test.from, test.limit, keys, test.want)
		}
	}
	// More than one page.
	var ops []state.Op
	const n = state.MaxRange + 7
	for i := range n {
		ops = append(ops, state.Op{Key: fmt.Sprintf("many/%05d", i)})
		if len(ops) == state.MaxOps || i == n-1 {
			if _, err := s.Txn(ctx, nil, ops); err != nil {
				t.Fatal(err)
			}
			ops = nil
		}
	}
	page, err := s.Range(ctx, "many/", "", n)
	if err != nil || len(page) != state.MaxRange {
		t.Fatalf("Range of %d gave %d, %v; want %d", n, len(page), err, state.MaxRange)
	}
	i := 0
	for e, err := range state.All(ctx, s, "many/") {
		if err != nil || e.Key != fmt.Sprintf("many/%05d", i) {
			t.Fatalf("All: entry %d is %q, %v", i, e.Key, err)
		}
		i++
	}
	if i != n {
		t.Fatalf("All gave %d entries, want %d", i, n)
	}
}

func txn(t *testing.T, s state.Store) {
	ctx := t.Context()
	ra := put(t, s, "a", "1")
	for name, conds := range map[string][]state.Condition{
		"other revision": {{Key: "a", Revision: ra + 1}},
		"must be absent": {{Key: "a"}},
		"must be there":  {{Key: "none", Revision: ra}},
		"second fails":   {{Key: "a", Revision: ra}, {Key: "a", Revision: ra + 5}},
	} {
		_, err := s.Txn(ctx, conds, []state.Op{{Key: "a", Value: []byte("x")}, {Key: "b", Value: []byte("x")}})
		wantErr(t, name, err, state.ErrConflict)
	}
	if e, err := s.Get(ctx, "a"); err != nil || string(e.Value) != "1" || e.Revision != ra {
		t.Fatalf("after conflicts a is %+v, %v", e, err)
	}
	if _, err := s.Get(ctx, "b"); !errors.Is(err, state.ErrNotFound) {
		t.Fatalf("after conflicts b is there: %v", err)
	}
	r, err := s.Txn(ctx, []state.Condition{{Key: "a", Revision: ra}, {Key: "b"}},
		[]state.Op{{Key: "a", Delete: true}, {Key: "b", Value: []byte("2")}, {Key: "c", Value: []byte("3")}, {Key: "none", Delete: true}})
	if err != nil || r <= ra {
		t.Fatalf("Txn: %d, %v", r, err)
	}
	for _, k := range []string{"b", "c"} {
		if e, err := s.Get(ctx, k); err != nil || e.Revision != r {
			t.Fatalf("%s is %+v, %v; want revision %d", k, e, err, r)
		}
	}
	if _, err := s.Get(ctx, "a"); !errors.Is(err, state.ErrNotFound) {
		t.Fatalf("a: %v", err)
	}
	// Nothing done: the revision stands still.
	for name, ops := range map[string][]state.Op{"no operation": nil, "delete of nothing": {{Key: "none", Delete: true}}} {
		if again, err := s.Txn(ctx, []state.Condition{{Key: "b", Revision: r}}, ops); err != nil || again != r {
			t.Fatalf("%s: revision %d, %v; want %d", name, again, err, r)
		}
	}
	if _, err := state.CompareAndSwap(ctx, s, "b", r+1, nil); !errors.Is(err, state.ErrConflict) {
		t.Fatalf("CompareAndSwap: %v", err)
	}
	if _, err := state.CompareAndSwap(ctx, s, "b", r, []byte("new")); err != nil {
		t.Fatal(err)
	}
}

func limits(t *testing.T, s state.Store) {
	ctx := t.Context()
	long := strings.Repeat("k", state.MaxKey)
	put(t, s, long, "ok")
	if _, err := s.Put(ctx, "big", make([]byte, state.MaxValue)); err != nil {
		t.Fatal(err)
	}
	if e, err := s.Get(ctx, "big"); err != nil || len(e.Value) != state.MaxValue {
		t.Fatalf("a value of %d bytes came back with %d: %v", state.MaxValue, len(e.Value), err)
	}
	if got, err := s.Range(ctx, long, state.After(long), 0); err != nil || len(got) != 0 {
		t.Fatalf("Range after the longest key: %v, %v", got, err)
	}
	many := make([]state.Op, state.MaxOps+1)
	conds := make([]state.Condition, state.MaxOps+1)
	for i := range many {
		many[i].Key = fmt.Sprint(i)
		conds[i].Key = many[i].Key
	}
	for name, f := range map[string]func() error{
		"empty key":       func() error { _, err := s.Put(ctx, "", nil); return err },
		"long key":        func() error { _, err := s.Put(ctx, long+"k", nil); return err },
		"get empty":       func() error { _, err := s.Get(ctx, ""); return err },
		"get long":        func() error { _, err := s.Get(ctx, long+"k"); return err },
		"delete empty":    func() error { return s.Delete(ctx, "") },
		"long prefix":     func() error { _, err := s.Range(ctx, long+"k", "", 0); return err },
		"long from":       func() error { _, err := s.Range(ctx, "", long+"kk", 0); return err },
		"long value":      func() error { _, err := s.Put(ctx, "v", make([]byte, state.MaxValue+1)); return err },
		"many operations": func() error { _, err := s.Txn(ctx, nil, many); return err },
		"many conditions": func() error { _, err := s.Txn(ctx, conds, nil); return err },
		"empty condition": func() error { _, err := s.Txn(ctx, make([]state.Condition, 1), nil); return err },
		"key twice":       func() error { _, err := s.Txn(ctx, nil, []state.Op{{Key: "x"}, {Key: "x", Delete: true}}); return err },
		"delete and value": func() error {
			_, err := s.Txn(ctx, nil, []state.Op{{Key: "x", Value: []byte{1}, Delete: true}})
			return err
		},
		"watch long": func() error { _, err := s.Watch(long + "k"); return err },
	} {
		wantErr(t, name, f(), state.ErrInvalid)
	}
	if _, err := s.Txn(ctx, conds[:state.MaxOps], many[:state.MaxOps]); err != nil {
		t.Fatalf("transaction of %d: %v", state.MaxOps, err)
	}
}

// copies finds bytes that the store shares with its caller.
func copies(t *testing.T, s state.Store) {
	ctx := t.Context()
	w, err := s.Watch("")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	v := []byte("value")
	if _, err := s.Put(ctx, "k", v); err != nil {
		t.Fatal(err)
	}
	v[0] = 'X'
	e, err := s.Get(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	e.Value[1] = 'X'
	_ = append(e.Value, "more"...)
	list, err := s.Range(ctx, "k", "", 0)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	list[0].Value[2] = 'X'
	events, err := w.Next(ctx)
	if err != nil || len(events) != 1 || string(events[0].Value) != "value" {
		t.Fatalf("events %+v, %v", events, err)
	}
	events[0].Value[3] = 'X'
	if e, err := s.Get(ctx, "k"); err != nil || string(e.Value) != "value" {
		t.Fatalf("the stored value is %q, %v", e.Value, err)
	}
}

func contexts(t *testing.T, s state.Store) {
	put(t, s, "k", "v")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Get(ctx, "k")
	wantErr(t, "Get", err, context.Canceled)
	_, err = s.Range(ctx, "", "", 0)
	wantErr(t, "Range", err, context.Canceled)
	_, err = s.Put(ctx, "k", []byte("w"))
	wantErr(t, "Put", err, context.Canceled)
	wantErr(t, "Delete", s.Delete(ctx, "k"), context.Canceled)
	for _, err := range state.All(ctx, s, "") {
		wantErr(t, "All", err, context.Canceled)
	}
	w, err := s.Watch("")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	_, err = w.Next(ctx)
	wantErr(t, "Next", err, context.Canceled)
	if e, err := s.Get(t.Context(), "k"); err != nil || string(e.Value) != "v" {
		t.Fatalf("%q, %v", e.Value, err)
	}
}

func watch(t *testing.T, s state.Store) {
	ctx := t.Context()
	put(t, s, "w/before", "0")
	w, err := s.Watch("w/")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	all, err := s.Watch("")
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()

	got := make(chan []state.Event)
	go func() { // waits before anything happens
		events, err := w.Next(ctx)
		if err != nil {
			t.Error(err)
		}
		got <- events
	}()
	put(t, s, "x", "not watched")
	r, err := s.Txn(ctx, nil, []state.Op{{Key: "w/b", Value: []byte("1")}, {Key: "w/before", Delete: true}, {Key: "y"}, {Key: "w/none", Delete: true}})
	if err != nil {
		t.Fatal(err)
	}
	want := []state.Event{{Entry: state.Entry{Key: "w/b", Value: []byte("1"), Revision: r}}, {Entry: state.Entry{Key: "w/before", Revision: r}, Deleted: true}}
	if events := <-got; !slices.EqualFunc(events, want, equalEvent) {
		t.Fatalf("events %+v, want %+v", events, want)
	}
	events, err := all.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, e := range events {
		keys = append(keys, e.Key)
	}
	if strings.Join(keys, " ") != "x w/b w/before y" {
		t.Fatalf("the watch of everything saw %q", keys)
	}
}

func equalEvent(a, b state.Event) bool {
	return a.Key == b.Key && bytes.Equal(a.Value, b.Value) && a.Revision == b.Revision && a.Deleted == b.Deleted
}

func watchCoalesces(t *testing.T, s state.Store) {
	w, err := s.Watch("k")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var last state.Revision
	for i := range 50 {
		put(t, s, "k1", fmt.Sprint(i))
		last = put(t, s, "k2", fmt.Sprint(i))
	}
	if err := s.Delete(t.Context(), "k1"); err != nil {
		t.Fatal(err)
	}
	events, err := w.Next(t.Context())
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v; want one a key", len(events), err)
	}
	if e := events[0]; e.Key != "k2" || string(e.Value) != "49" || e.Revision != last {
		t.Errorf("first event %+v", e)
	}
	if e := events[1]; e.Key != "k1" || !e.Deleted || e.Revision <= last {
		t.Errorf("second event %+v", e)
	}
}

func watchEnds(t *testing.T, s state.Store) {
	one, err := s.Watch("")
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Watch("")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	for _, w := range []state.Watcher{one, one, other} {
		go func() {
			_, err := w.Next(t.Context())
			ended <- err
		}()
	}
	one.Close()
	one.Close()
	for range 2 {
		wantErr(t, "Next of a closed watch", <-ended, state.ErrClosed)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "Next of a closed store", <-ended, state.ErrClosed)
	_, err = s.Watch("")
	wantErr(t, "Watch of a closed store", err, state.ErrClosed)
}

// compareAndSwapRace counts with as many goroutines as there are, each of which loses most races.
func compareAndSwapRace(t *testing.T, s state.Store) {
	ctx := t.Context()
	put(t, s, "n", "")
	const workers, each = 4, 10
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for done := 0; done < each; {
				e, err := s.Get(ctx, "n")
				if err != nil {
					t.Error(err)
					return
				}
				switch _, err = state.CompareAndSwap(ctx, s, "n", e.Revision, append(e.Value, 'x')); {
				case err == nil:
					done++
				case !errors.Is(err, state.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if e, err := s.Get(ctx, "n"); err != nil || len(e.Value) != workers*each {
		t.Fatalf("counted to %d, %v; want %d", len(e.Value), err, workers*each)
	}
}

func closed(t *testing.T, s state.Store) {
	ctx := t.Context()
	put(t, s, "k", "v")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Get(ctx, "k")
	wantErr(t, "Get", err, state.ErrClosed)
	_, err = s.Range(ctx, "", "", 0)
	wantErr(t, "Range", err, state.ErrClosed)
	_, err = s.Put(ctx, "k", nil)
	wantErr(t, "Put", err, state.ErrClosed)
	wantErr(t, "Delete", s.Delete(ctx, "k"), state.ErrClosed)
}

// model compares a store with a Go map over random operations.
func model(t *testing.T, open func(testing.TB) state.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t)
		defer s.Close()
		ctx := t.Context()
		have := map[string]state.Entry{}
		key := rapid.StringMatching(`[ab/]{1,4}`)
		value := rapid.SliceOfN(rapid.Byte(), 0, 8)
		var now state.Revision

		commit := func(conds []state.Condition, ops []state.Op) {
			conflict, changes := false, false
			for _, c := range conds {
				conflict = conflict || have[c.Key].Revision != c.Revision
			}
			r, err := s.Txn(ctx, conds, ops)
			if conflict {
				if !errors.Is(err, state.ErrConflict) {
					rt.Fatalf("Txn(%v): %v, want a conflict", conds, err)
				}
				return
			}
			if err != nil {
				rt.Fatalf("Txn(%v, %v): %v", conds, ops, err)
			}
			for _, op := range ops {
				if op.Delete {
					_, was := have[op.Key]
					changes = changes || was
					delete(have, op.Key)
					continue
				}
				changes = true
				have[op.Key] = state.Entry{Key: op.Key, Value: op.Value, Revision: r}
			}
			if changes != (r > now) || r < now {
				rt.Fatalf("revision %d after %d; changes: %v", r, now, changes)
			}
			now = r
		}
		rt.Repeat(map[string]func(*rapid.T){
			"put":    func(rt *rapid.T) { commit(nil, []state.Op{{Key: key.Draw(rt, "key"), Value: value.Draw(rt, "value")}}) },
			"delete": func(rt *rapid.T) { commit(nil, []state.Op{{Key: key.Draw(rt, "key"), Delete: true}}) },
			"txn": func(rt *rapid.T) {
				var conds []state.Condition
				for range rapid.IntRange(0, 2).Draw(rt, "conditions") {
					k := key.Draw(rt, "key")
					r := have[k].Revision
					if rapid.IntRange(0, 3).Draw(rt, "miss") == 0 {
						r++
					}
					conds = append(conds, state.Condition{Key: k, Revision: r})
				}
				var ops []state.Op
				for _, k := range rapid.SliceOfNDistinct(key, 0, 4, rapid.ID).Draw(rt, "keys") {
					op := state.Op{Key: k, Delete: rapid.Bool().Draw(rt, "delete")}
					if !op.Delete {
						op.Value = value.Draw(rt, "value")
					}
					ops = append(ops, op)
				}
				commit(conds, ops)
			},
			"get": func(rt *rapid.T) {
				k := key.Draw(rt, "key")
				e, err := s.Get(ctx, k)
				w, ok := have[k]
				if ok != (err == nil) || ok && !equalEntry(e, w) {
					rt.Fatalf("Get(%q) = %+v, %v; want %+v", k, e, err, w)
				}
			},
			"range": func(rt *rapid.T) {
				prefix, from := rapid.StringMatching(`[ab/]{0,2}`).Draw(rt, "prefix"), rapid.StringMatching(`[ab/]{0,3}`).Draw(rt, "from")
				limit := rapid.IntRange(0, 5).Draw(rt, "limit")
				var want []state.Entry
				for k, e := range have {
					if strings.HasPrefix(k, prefix) && k >= from {
						want = append(want, e)
					}
				}
				slices.SortFunc(want, func(a, b state.Entry) int { return strings.Compare(a.Key, b.Key) })
				if limit > 0 && len(want) > limit {
					want = want[:limit]
				}
				got, err := s.Range(ctx, prefix, from, limit)
				if err != nil || !slices.EqualFunc(got, want, equalEntry) {
					rt.Fatalf("Range(%q, %q, %d) = %+v, %v; want %+v", prefix, from, limit, got, err, want)
				}
			},
		})
	})
}

func equalEntry(a, b state.Entry) bool {
	return a.Key == b.Key && bytes.Equal(a.Value, b.Value) && a.Revision == b.Revision
}
