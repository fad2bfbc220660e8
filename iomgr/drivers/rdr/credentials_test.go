package rdr_test

import (
	"context"
	"errors"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
)

// TestCredentialsByPrefix: the create's credential comes before that of the longest prefix, and that before the default; none of the configuration is for everybody.
func TestCredentialsByPrefix(t *testing.T) {
	f := &fake{t: t, dialect: 0x311}
	asked := make(chan string, 10)
	one := func(prefix, user string) rdr.PrefixCredential {
		return rdr.PrefixCredential{Prefix: prefix, Credential: credential(user)}
	}
	m := f.client(func(c *rdr.Config) {
		c.Credentials = []rdr.PrefixCredential{one(`\\S1`, "alice"), one(`\\s1\data`, "bob"), one(`\s1\data\deep\down`, "root"), one(`\s2:4450\x`, "alice")}
		c.Default = nil
		c.Initiator = func(ctx context.Context, cred *api.Credential, service, host string) (auth.Initiator, error) {
			if cred == nil {
				asked <- "none"
				return nil, nt.StatusNoSuchLogonSession
			}
			asked <- cred.User
			return nil, nt.StatusLogonFailure
		}
	})
	admin, user := token("root"), token("alice")
	for _, c := range []struct {
		name     string
		token    *nt.Token
		contexts []any
		want     string
	}{
		{`\rdr\s1\other\f`, admin, nil, "alice"},
		{`\rdr\s1\DATA\f`, admin, nil, "bob"},
		{`\rdr\s1\data\deep\downer`, admin, nil, "bob"},
		{`\rdr\s1\data\DEEP\down`, admin, nil, "root"},
		{`\rdr\s1\data\deep\down\f`, admin, nil, "root"},
		{`\rdr\s1\data\f`, admin, []any{credential("root")}, "root"},
		{`\rdr\s2\x\f`, admin, nil, "none"},
		{`\rdr\s2:4450\x\f`, admin, nil, "alice"},
		{`\rdr\s1\data\f`, user, nil, ""},
		{`\rdr\s1\data\f`, admin, []any{&api.Peer{}}, ""},
	} {
		_, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: c.name, Token: c.token, DesiredAccess: nt.GenericRead, Disposition: nt.FileOpen, Contexts: c.contexts})
		if c.want == "" {
			if !errors.Is(err, nt.StatusNoSuchLogonSession) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if got := wait(t, asked); got != c.want {
			t.Errorf("%s: as %s, want %s", c.name, got, c.want)
		}
	}
	for _, p := range []rdr.PrefixCredential{one(``, "alice"), one(`\\s1\a:b`, "alice"), one(`\\s1:0`, "alice"), {Prefix: `\\s1`}} {
		cfg := rdr.Config{Initiator: ntlmInitiator, Credentials: []rdr.PrefixCredential{p}}
		if err := iomgr.New(iomgr.Config{}).Load(t.Context(), rdr.DriverEntry(cfg)); err == nil {
			t.Errorf("prefix %q is accepted", p.Prefix)
		}
	}
}
