package state

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"lwio/iomgr/nt"
)

func TestRegistryLimits(t *testing.T) {
	r, err := NewRegistry(t.Context(), NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	k, err := r.Seed("A", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := NewRegistryKey{Security: registrySecurity}
	for _, tt := range []struct {
		name string
		want error
	}{{strings.Repeat("ß", 255), nil}, {strings.Repeat("ß", 256), ErrInvalid}, {strings.Repeat("😀", 128), ErrInvalid}, {"", ErrInvalid}, {`a\b`, ErrInvalid}, {"a\x00", ErrInvalid}, {"a/b", nil}} {
		if _, _, err := r.Create(t.Context(), k, tt.name, n); !errors.Is(err, tt.want) {
			t.Errorf("%q: %v", tt.name, err)
		}
	}
	for _, tt := range []struct {
		v    RegistryValue
		want error
	}{{RegistryValue{Name: strings.Repeat("x", 16383)}, nil}, {RegistryValue{Name: strings.Repeat("x", 16384)}, ErrInvalid},
		{RegistryValue{Data: make([]byte, MaxRegistryData)}, nil}, {RegistryValue{Data: make([]byte, MaxRegistryData+1)}, ErrInvalid}, {RegistryValue{Name: "a\x00b"}, ErrInvalid}} {
		if err := r.SetValue(t.Context(), k, tt.v); !errors.Is(err, tt.want) {
			t.Errorf("%d, %d: %v", len(tt.v.Name), len(tt.v.Data), err)
		}
	}
	volatile := NewRegistryKey{Security: registrySecurity, Volatile: true}
	deep := k
	for i := 0; ; i++ {
		next, _, err := r.Create(t.Context(), deep, "x", volatile)
		if err != nil {
			if !errors.Is(err, ErrRegistryFull) || i != MaxRegistryDepth-2 {
				t.Errorf("at depth %d: %v", i, err)
			}
			break
		}
		deep = next
	}
	full, _, _ := r.Create(t.Context(), k, "full", volatile)
	for i := 0; ; i++ {
		if err := r.SetValue(t.Context(), full, RegistryValue{Name: fmt.Sprint(i), Data: make([]byte, MaxRegistryData)}); err != nil {
			if !errors.Is(err, ErrRegistryFull) || i < 60 || i > 70 {
				t.Errorf("after %d: %v", i, err)
			}
			break
		}
	}
	if err := r.DeleteKey(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	if err := r.SetValue(t.Context(), k, RegistryValue{Name: "again", Data: make([]byte, MaxRegistryData)}); err != nil {
		t.Errorf("what a deleted key had is not given back: %v", err)
	}
}

// TestRegistryRecovery: a delete that did not come to its end leaves nothing behind, and numbers are not given again.
func TestRegistryRecovery(t *testing.T) {
	store := NewMemory()
	r, err := NewRegistry(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	top, _ := r.Seed("TOP", nil)
	k, _, err := r.Create(t.Context(), top, "k", NewRegistryKey{Security: registrySecurity, Class: "class"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if err := r.SetValue(t.Context(), k, RegistryValue{Name: fmt.Sprint(i), Type: 3, Data: []byte{byte(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Delete(t.Context(), registryKeyKey(k.id)); err != nil {
		t.Fatal(err)
	}
	if r, err = NewRegistry(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if left, err := store.Range(t.Context(), registryValuePrefix, "", 0); err != nil || len(left) != 0 {
		t.Errorf("%d values are left, %v", len(left), err)
	}
	top, err = r.Open(r.Root(), "top")
	if err != nil {
		t.Fatal("the key above was not written with it:", err)
	}
	again, made, err := r.Create(t.Context(), top, "K", NewRegistryKey{Security: registrySecurity})
	if err != nil || !made || again.id <= k.id {
		t.Errorf("%+v %v %v", again, made, err)
	}
	if v, err := r.Values(again); err != nil || len(v) != 0 {
		t.Errorf("%v %v", v, err)
	}
	for i := range 300 {
		if err := r.SetValue(t.Context(), again, RegistryValue{Name: fmt.Sprint(i), Type: 3}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.DeleteKey(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if left, err := store.Range(t.Context(), "registry/", "", 0); err != nil || len(left) != 1 {
		t.Errorf("%d records are left, %v", len(left), err)
	}
}

func registryRecords() (key, value []byte) {
	sd, _ := nt.ParseSDDL("O:BAG:SYD:(A;;KA;;;BA)", nt.SID{})
	k := &RegistryKey{parent: &RegistryKey{id: 300}, name: "Größe", class: "c", security: sd}
	v := &registryValue{RegistryValue: RegistryValue{Name: "Wert", Type: 3, Data: []byte{1, 2, 3}}}
	return k.record(nt.Time(1 << 60)), v.record()
}

func TestRegistryRecords(t *testing.T) {
	key, value := registryRecords()
	k, up, err := parseRegistryKey(key)
	if err != nil || up != 300 || k.name != "Größe" || k.class != "c" || k.changed != 1<<60 {
		t.Errorf("%+v %d %v", k, up, err)
	}
	v, err := parseRegistryValue(value)
	if err != nil || v.Name != "Wert" || v.Type != 3 || !bytes.Equal(v.Data, []byte{1, 2, 3}) {
		t.Errorf("%+v %v", v, err)
	}
	for i := range key {
		if _, _, err := parseRegistryKey(key[:i]); err == nil {
			t.Errorf("a key of %d bytes was read", i)
		}
	}
	for i := range value {
		if v, err := parseRegistryValue(value[:i]); err == nil && len(v.Data) == 3 {
			t.Errorf("a value of %d bytes was read", i)
		}
	}
}

func FuzzRegistryRecord(f *testing.F) {
	key, value := registryRecords()
	f.Add(key)
	f.Add(value)
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, up, err := parseRegistryKey(b); err == nil {
			k.parent = &RegistryKey{id: up}
			if _, _, err := parseRegistryKey(k.record(k.changed)); err != nil {
				t.Error(err)
			}
		}
		if v, err := parseRegistryValue(b); err == nil {
			if w, err := parseRegistryValue(v.record()); err != nil || w.Name != v.Name || !bytes.Equal(w.Data, v.Data) {
				t.Error(w, err)
			}
		}
	})
}
