package state_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"lwio/services/state"
	"lwio/services/state/statetest"
)

func TestMemory(t *testing.T) {
	statetest.Run(t, func(testing.TB) state.Store { return state.NewMemory() })
}

func TestBolt(t *testing.T) {
	dir, n := t.TempDir(), 0
	statetest.Run(t, func(t testing.TB) state.Store {
		n++
		s, err := state.Open(filepath.Join(dir, fmt.Sprint(n), "state.db"), state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestSealedBolt(t *testing.T) {
	dir, n := t.TempDir(), 0
	key := filepath.Join(dir, "key")
	if err := state.AddSealKey(key); err != nil {
		t.Fatal(err)
	}
	keys, err := state.LoadSealKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	statetest.Run(t, func(t testing.TB) state.Store {
		n++
		s, err := state.Open(filepath.Join(dir, fmt.Sprint(n), "state.db"), state.Options{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
