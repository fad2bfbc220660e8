package srv_test

import (
	"context"
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
)

// keyless is a mechanism that knows who the client is and shares no key with it.
type keyless struct{}

func (keyless) NewAcceptor(auth.Peer) auth.Acceptor { return keylessSide{} }
func (keyless) Hint() []byte                        { return nil }

type keylessSide struct{}

func (keylessSide) Accept(context.Context, []byte) ([]byte, error) { return nil, nil }
func (keylessSide) Context() auth.Context                          { return keylessContext{} }

type keylessContext struct{ auth.Protector }

func (keylessContext) Token() *nt.Token   { return token("alice") }
func (keylessContext) SessionKey() []byte { return nil }
func (keylessContext) Mechanism() string  { return "keyless" }

// TestKeyless: a user without a session key gets no session, whatever the signing policy, for nothing of his could be signed.
func TestKeyless(t *testing.T) {
	for _, signing := range []srv.Signing{srv.SigningRequired, srv.SigningEnabled} {
		c := newEnv(t, func(cfg *srv.Config) { cfg.Auth, cfg.Signing = keyless{}, signing }).dial()
		c.negotiate(negotiateOptions{})
		if _, st := c.setupSession(setup{anonymous: true}); st != nt.StatusLogonFailure {
			t.Errorf("signing policy %d: %v", signing, st)
		}
	}
}
