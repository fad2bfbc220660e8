package state

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestWorkstation(t *testing.T) {
	s := NewMemory()
	machine, err := LoadMachine(t.Context(), s, MachineHint{Name: "FIRST", DNSName: "first.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWorkstation(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Change(t.Context(), func(c *WorkstationSettings) error {
		c.SessionTimeout, c.Alternate = 77, []string{"a", "b.example.org"}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, names := range map[string][]string{"bad": {"a b"}, "many": strings.Split(strings.Repeat("x,", MaxAlternateNames+1)+"x", ",")} {
		if err := w.Change(t.Context(), func(c *WorkstationSettings) error { c.Alternate = names; return nil }); !errors.Is(err, ErrComputerName) {
			t.Errorf("%s: %v", name, err)
		}
	}
	again, err := NewWorkstation(t.Context(), s)
	if err != nil || !reflect.DeepEqual(again.Settings(), w.Settings()) || again.Settings().SessionTimeout != 77 {
		t.Errorf("%+v %v", again, err)
	}
	for _, bad := range []string{"", "a.b", "sixteen-chars-ab", "größe", "-x"} {
		if err := w.Rename(t.Context(), bad); !errors.Is(err, ErrComputerName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := w.Rename(t.Context(), "second_1"); err != nil {
		t.Fatal(err)
	}
	next, err := LoadMachine(t.Context(), s, MachineHint{Name: "FIRST"})
	if err != nil || next.Name != "SECOND_1" || next.SID != machine.SID {
		t.Errorf("%+v %v", next, err)
	}
	if name, err := w.ComputerName(t.Context()); name != "SECOND_1" || err != nil {
		t.Errorf("%s %v", name, err)
	}
	without, err := NewWorkstation(t.Context(), NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	if err := without.Rename(t.Context(), "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no machine: %v", err)
	}
	b := w.Settings()
	for n := range len(b.encode()) {
		if got, err := parseWorkstation(b.encode()[:n]); err == nil && len(got.Alternate) > 2 {
			t.Errorf("%d bytes: %+v", n, got)
		}
	}
}

func TestIsComputerName(t *testing.T) {
	for name, want := range map[string]bool{"a": true, "a.b-c.d_e": true, "": false, ".": false, "a.": false, ".a": false, "a..b": false, "a b": false, "-a": false, "a-": false,
		"ä": false, strings.Repeat("x", 63): true, strings.Repeat("x", 64): false, fmt.Sprintf("%s.%s", strings.Repeat("x", 63), "y"): true, strings.Repeat("x.", 128) + "x": false} {
		if IsComputerName(name) != want {
			t.Errorf("%q", name)
		}
	}
}
