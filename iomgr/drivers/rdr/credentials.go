package rdr

import (
	"fmt"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// PrefixCredential is as whom a server is asked for what lies at a name or below it. The credential of a create comes before it, the one with the longest
// prefix before others, and Config.Default after it.
type PrefixCredential struct {
	// Prefix is `\server[:port]`, `\server\share` or `\server\share\path`, in which case does not count.
	Prefix     string
	Credential *api.Credential
	// For decides who may use it; default Config.DefaultFor. Creates that come from the network (api.Peer) never may.
	For func(*nt.Token) bool

	at target // of which share may be empty
}

// parse reads the prefix.
func (p *PrefixCredential) parse() error {
	name := `\` + strings.Trim(p.Prefix, `\`)
	if p.Credential == nil {
		return fmt.Errorf("rdr: no credential for %s", p.Prefix)
	}
	if !strings.Contains(name[1:], `\`) {
		var ok bool
		if p.at.host, p.at.port, ok = parseServer(name[1:]); !ok {
			return fmt.Errorf("rdr: %q is no server", p.Prefix)
		}
		return nil
	}
	var st nt.Status
	if p.at, st = parsePath(name); st != nt.StatusSuccess {
		return fmt.Errorf("rdr: prefix %q: %w", p.Prefix, st)
	}
	return nil
}

// covers reports whether a name lies at the prefix or below it, and how long that is.
func (p *PrefixCredential) covers(to *target) (int, bool) {
	switch {
	case p.at.server() != to.server():
		return 0, false
	case p.at.share == "":
		return 1, true
	case !nt.EqualFold(p.at.share, to.share):
		return 0, false
	case p.at.name == "":
		return 2, true
	}
	up, dir := nt.Upcase(to.name), nt.Upcase(p.at.name)
	return 2 + len(dir), up == dir || strings.HasPrefix(up, dir+`\`)
}

// mayUse decides whether a create without a credential gets one of the configuration.
func mayUse(a *api.CreateArgs, may func(*nt.Token) bool) bool {
	if _, network := api.Find[*api.Peer](a.Contexts); network {
		return false
	}
	return a.Token != nil && !a.Token.Anonymous && may(a.Token)
}

// whose finds the session that a create of a name goes by.
func (d *redirector) whose(a *api.CreateArgs, to *target) (*api.Credential, sessionKey, nt.Status) {
	if cred, ok := api.Find[*api.Credential](a.Contexts); ok && cred != nil {
		return cred, sessionKey{cred: cred.ID()}, nt.StatusSuccess
	}
	cred, longest, found := d.cfg.Default, 0, mayUse(a, d.cfg.DefaultFor)
	for i := range d.cfg.Credentials {
		p := &d.cfg.Credentials[i]
		if n, ok := p.covers(to); ok && n > longest && mayUse(a, p.For) {
			cred, longest, found = p.Credential, n, true
		}
	}
	if !found {
		return nil, sessionKey{}, nt.StatusNoSuchLogonSession
	}
	return cred, sessionKey{cred.ID(), a.Token.User.String()}, nt.StatusSuccess
}
