//go:build interop

package interop

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
)

// TestChannels spreads long reads and writes over the channels that Samba's server offers, and cuts them in between.
func TestChannels(t *testing.T) {
	for name, cfg := range map[string]rdr.Config{"signed": {}, "sealed": {Encryption: rdr.EncryptionRequired}} {
		t.Run(name, func(t *testing.T) {
			var net cuttable
			cfg.Dial = net.dial
			m := redirector(t, cfg, credential.Config{})
			h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\rdr\` + smbd(t) + `\durable\wide`, DesiredAccess: nt.GenericRead | nt.GenericWrite,
				Disposition: nt.FileOpenIf, Impersonation: api.ImpersonateImpersonation, Contexts: []any{byNTLM}})
			if err != nil {
				t.Fatal(err)
			}
			data, got := make([]byte, 8<<20), make([]byte, 8<<20)
			rand.Read(data)
			round := func() {
				t.Helper()
				if _, err := m.WriteFile(t.Context(), h, data, 0); err != nil {
					t.Fatal(err)
				}
				if n, err := m.ReadFile(t.Context(), h, got, 0); err != nil || !bytes.Equal(got[:n], data) {
					t.Fatalf("%d bytes, %v", n, err)
				}
			}
			conns := func() int {
				net.mu.Lock()
				defer net.mu.Unlock()
				return len(net.conns)
			}
			for end := time.Now().Add(10 * time.Second); conns() < 4 && time.Now().Before(end); {
				round()
			}
			if n := conns(); n != 4 {
				t.Errorf("%d connections", n)
			}
			for _, which := range []int{1, 0} { // another, then the first
				net.mu.Lock()
				c := net.conns[which]
				net.mu.Unlock()
				done := make(chan error, 1)
				go func() {
					_, err := m.WriteFile(t.Context(), h, data, 0)
					done <- err
				}()
				c.Close()
				if err := <-done; err != nil {
					t.Errorf("connection %d cut: %v", which, err)
				}
				round()
			}
			if err := m.Close(h); err != nil {
				t.Error(err)
			}
		})
	}
}
