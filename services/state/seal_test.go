package state

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testKeys(t *testing.T, seeds ...byte) *SealKeys {
	t.Helper()
	var text []byte
	for _, s := range seeds {
		text = append(text, hex.EncodeToString(bytes.Repeat([]byte{s}, sealKeyLen))+"\n"...)
	}
	k, err := parseSealKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestSealed: what is in the file shows no secret, also of what was in it before it was sealed; a key may be changed, and without it nothing is given away.
func TestSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	secrets := []string{"secret-now", "secret-old", "secret-next", "lsa-secret-value"}
	open := func(k *SealKeys) Store {
		t.Helper()
		s, err := Open(path, Options{Keys: k})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	shows := func() (found []string) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if bytes.Contains(b, []byte(s)) {
				found = append(found, s)
			}
		}
		return found
	}
	check := func(s Store) {
		t.Helper()
		m, _, err := NewDomain(s).Load(t.Context())
		if err != nil || m.Password.Value != "secret-now" {
			t.Fatalf("the account: %v", err)
		}
		l, err := NewLSA(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if x, err := l.Secret(t.Context(), "G$x"); err != nil || string(x.Current) != "lsa-secret-value" {
			t.Errorf("the secret: %q, %v", x.Current, err)
		}
	}
	s := open(nil)
	if _, err := NewDomain(s).Save(t.Context(), machineAccount(), 0); err != nil {
		t.Fatal(err)
	}
	l, err := NewLSA(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.ChangeSecret(t.Context(), "G$x", true, func(x *LSASecret) error { x.Current = []byte("lsa-secret-value"); return nil }); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if len(shows()) == 0 {
		t.Fatal("the test looks for the wrong thing")
	}
	s = open(testKeys(t, 1))
	check(s)
	if _, err := NewDomain(s).Save(t.Context(), machineAccount(), mustRevision(t, s)); err != nil {
		t.Fatal(err)
	}
	check(s)
	s.Close()
	if found := shows(); found != nil {
		t.Errorf("the file shows %q", found)
	}
	for _, tt := range []struct {
		keys *SealKeys
		want error
	}{{nil, ErrSealed}, {testKeys(t, 2), ErrSealKey}} {
		_, err := Open(path, Options{Keys: tt.keys})
		var oe *OpenError
		if !errors.Is(err, tt.want) || !errors.As(err, &oe) || oe.Hint == "" {
			t.Errorf("%v, want %v with a hint", err, tt.want)
		}
	}
	s = open(testKeys(t, 2, 1)) // the new key first
	check(s)
	s.Close()
	s = open(testKeys(t, 2)) // by now all is sealed with it
	check(s)
	s.Close()
	if _, err := Open(path, Options{Keys: testKeys(t, 1)}); !errors.Is(err, ErrSealKey) {
		t.Errorf("the old key: %v", err)
	}
}

func mustRevision(t *testing.T, s Store) Revision {
	t.Helper()
	_, rev, err := NewDomain(s).Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

// TestSealCutOff: a start that ended after values were sealed and before the file was rewritten is made good by the next.
func TestSealCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := openFile(path, Options{}, migrations)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewDomain(s).Save(t.Context(), machineAccount(), 0); err != nil {
		t.Fatal(err)
	}
	if _, rewrite, err := newSealedStore(t.Context(), s, testKeys(t, 1)); err != nil || !rewrite {
		t.Fatal(err)
	}
	s.Close() // here the power went
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(b, []byte("secret-now")) {
		t.Fatalf("the file shows nothing of what was in it, so that there is nothing to make good: %v", err)
	}
	again, err := Open(path, Options{Keys: testKeys(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Get(t.Context(), sealPending); !errors.Is(err, ErrNotFound) {
		t.Errorf("it is pending still: %v", err)
	}
	again.Close()
	if b, err = os.ReadFile(path); err != nil || bytes.Contains(b, []byte("secret-now")) {
		t.Errorf("the file shows what was in it: %v", err)
	}
}

// TestSealedValues: of a sealed value nothing less, nothing changed, and nothing that stood elsewhere is taken.
func TestSealedValues(t *testing.T) {
	k := testKeys(t, 1)
	b := k.seal("domain/account", []byte("value"))
	if v, stale, err := k.open("domain/account", b); err != nil || stale || string(v) != "value" {
		t.Fatalf("%q %v %v", v, stale, err)
	}
	if bytes.Equal(b, k.seal("domain/account", []byte("value"))) {
		t.Error("a nonce is used twice")
	}
	if _, _, err := k.open("domain/other", b); !errors.Is(err, ErrCorrupt) {
		t.Errorf("under another name: %v", err)
	}
	for n := range len(b) {
		if _, _, err := k.open("domain/account", b[:n]); err == nil {
			t.Errorf("%d of %d bytes are opened", n, len(b))
		}
		bad := bytes.Clone(b)
		bad[n] ^= 1
		if _, _, err := k.open("domain/account", bad); n > 1 && err == nil {
			t.Errorf("byte %d does not matter", n)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", k, *k, *k); strings.Contains(text, "01010101") || strings.Contains(text, "aead") {
		t.Error(text)
	}
}

func TestSealedStoreWatches(t *testing.T) {
	m := NewMemory()
	s, _, err := newSealedStore(t.Context(), m, testKeys(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Watch("")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	value := []byte("value")
	if _, err := s.Txn(t.Context(), nil, []Op{{Key: domainKey, Value: value}, {Key: "share/x", Value: value}}); err != nil || string(value) != "value" {
		t.Fatal(err)
	}
	events, err := w.Next(t.Context())
	if err != nil || len(events) != 2 || string(events[0].Value) != "value" || string(events[1].Value) != "value" {
		t.Errorf("%+v %v", events, err)
	}
	if e, err := m.Get(t.Context(), domainKey); err != nil || !isSealed(e.Value) {
		t.Errorf("it is not sealed: %v", err)
	}
	if e, err := m.Get(t.Context(), "share/x"); err != nil || isSealed(e.Value) {
		t.Errorf("what is no secret is sealed: %v", err)
	}
	list, err := s.Range(t.Context(), "", "", 0)
	if err != nil || len(list) != 2 || string(list[0].Value) != "value" {
		t.Errorf("%+v %v", list, err)
	}
}

func TestKeyFile(t *testing.T) {
	good := strings.Repeat("0f", 32)
	for text, want := range map[string]int{good: 1, "# key\n\n " + good + " \n" + good + "\n": 2, "": 0, "#\n": 0, good[:63]: 0, good + "0": 0, good + "\nx": 0, strings.Repeat(good+"\n", 17): 0,
		strings.Repeat("\n", 5000) + good: 0} {
		k, err := parseSealKeys([]byte(text))
		if (err == nil) != (want > 0) || err == nil && len(k.list) != want {
			t.Errorf("%.80q: %v", text, err)
		}
		if err != nil && (!errors.Is(err, ErrKeyFile) || strings.Contains(err.Error(), "0f0f")) {
			t.Errorf("%v", err)
		}
	}
	path := filepath.Join(t.TempDir(), "keys")
	for n := 1; n <= 2; n++ {
		if err := AddSealKey(path); err != nil {
			t.Fatal(err)
		}
		if k, err := LoadSealKeys(path); err != nil || len(k.list) != n {
			t.Errorf("%v", err)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSealKeys(path); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a file that others read: %v", err)
	}
	if err := AddSealKey(path); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a file that others read: %v", err)
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add([]byte("# key\n" + strings.Repeat("0f", 32) + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := parseSealKeys(b); err == nil && (len(k.list) == 0 || len(k.list)*64 > len(b)) {
			t.Errorf("%d keys of %d bytes", len(k.list), len(b))
		}
	})
}
