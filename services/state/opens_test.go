package state

import (
	"maps"
	"testing"
)

func TestOpens(t *testing.T) {
	s := NewShares(NewMemory())
	for _, change := range []map[string][]byte{
		{"1": []byte("one"), "2": []byte("two"), "a": {}},
		{"2": []byte("new"), "1": nil},
		{"1": nil}, // which finds nothing
	} {
		if err := s.ChangeOpens(t.Context(), change); err != nil {
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
