package state

import (
	"maps"
	"testing"
)

func TestOpens(t *testing.T) {
	s := NewShares(NewMemory())
	for key, record := range map[string]string{"1": "one", "2": "two", "a": ""} {
		if err := s.PutOpen(t.Context(), key, []byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutOpen(t.Context(), "2", []byte("new")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds nothing
		if err := s.DeleteOpen(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.LoadOpens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for k, v := range got {
		text[k] = string(v)
	}
	if want := map[string]string{"2": "new", "a": ""}; !maps.Equal(text, want) {
		t.Errorf("%v, want %v", text, want)
	}
	if list, err := s.Load(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("opens among the shares: %v %v", list, err)
	}
}
