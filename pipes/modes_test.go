package pipes

import (
	"context"
	"errors"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes/npfs"
)

// modeless is an API whose pipes have no modes to set.
type modeless struct {
	api.Calls
	m      *iomgr.Manager
	answer nt.Status
}

func (a *modeless) Submit(r *api.Request) {
	if r.Op == api.OpSetInformation {
		r.Complete(a.answer, 0)
		return
	}
	a.m.Submit(r)
}

// TestDialModeless: a server that knows no modes reads by message anyway; one that refuses the mode is heeded.
func TestDialModeless(t *testing.T) {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(t.Context(), npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(t.Context(), m, "modeless", Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := &modeless{m: m, answer: nt.StatusNotSupported}
	a.Calls.S = a
	c, err := Dial(context.Background(), a, "modeless", DialConfig{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	a.answer = nt.StatusInvalidParameter
	if _, err := Dial(context.Background(), a, "modeless", DialConfig{Message: true}); !errors.Is(err, nt.StatusInvalidParameter) {
		t.Fatal(err)
	}
}

// TestClientSessionKey: a local pipe has no session, so its client learns no key.
func TestClientSessionKey(t *testing.T) {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(t.Context(), npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(t.Context(), m, "key", Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := Dial(t.Context(), m, "key", DialConfig{Contexts: []any{&api.Peer{SessionKey: []byte("0123456789abcdef")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if key := c.SessionKey(); key != nil {
		t.Errorf("%x", key)
	}
}

func TestPlainName(t *testing.T) {
	for name, want := range map[string]string{
		`\npfs\lsarpc`: `lsarpc`, `\rdr\server\IPC$\lsarpc`: `lsarpc`, `\rdr\server:4450\ipc$\a\b`: `a\b`, `\other\x`: `\other\x`,
	} {
		if got := plainName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
