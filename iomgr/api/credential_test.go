package api

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestCredentialShowsNoSecret(t *testing.T) {
	c := Credential{User: "alice", Domain: "LAB", Password: "hunter2", NTHash: []byte("0123456789abcdef"), CCache: []byte("ticket"), Keytab: []byte("keys")}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "c", &c, "v", c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", &c, "v", c)
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", &c), fmt.Sprintf("%#v", c), fmt.Sprintf("%x", c), fmt.Sprintf("%s", []Credential{c}), log.String()} {
		for _, secret := range []string{"hunter2", "0123456789abcdef", "ticket", "keys", fmt.Sprintf("%x", "hunter2")} {
			if strings.Contains(s, secret) {
				t.Errorf("%q holds %q", s, secret)
			}
		}
		if !strings.Contains(s, "alice") {
			t.Errorf("%q does not name the user", s)
		}
	}
}

func TestCredentialID(t *testing.T) {
	seen := map[CredentialID]string{CredentialID{}: "none"}
	for _, c := range []Credential{{}, {Anonymous: true}, {HasPassword: true}, {Method: MethodNTLM}, {User: "a"}, {Domain: "a"}, {Password: "a"},
		{NTHash: []byte("a")}, {CCache: []byte("a")}, {Keytab: []byte("a")}, {User: "ab"}, {User: "a", Domain: "b"}} {
		id := c.ID()
		if old, ok := seen[id]; ok {
			t.Errorf("%v has the id of %s", &c, old)
		}
		seen[id] = c.String()
		same := c
		if same.ID() != id {
			t.Errorf("%v: a copy has another id", &c)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", (*Credential)(nil))
	if !strings.Contains(log.String(), "c=default") {
		t.Errorf("none is logged as %s", log.String())
	}
	if (*Credential)(nil).ID() != (CredentialID{}) || (*Credential)(nil).String() != "default" {
		t.Error("nil is not the default")
	}
}
