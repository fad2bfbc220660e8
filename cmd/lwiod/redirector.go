package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"lwio/cmd/internal/config"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
)

// redirector lets programs of this host open `\rdr\server\share\path`, each by the credential that it brings. Where it brings none the daemon has one to lend
// for the names that the configuration says, to administrators.
func (d *daemon) redirector(self auth.Host) (api.DriverEntry, error) {
	cfg := credential.Config{Workstation: self.Name, AllowRC4: d.cfg.Kerberos.AllowRC4, Log: d.log}
	if d.cfg.SMB.NTLM == "off" {
		cfg.NTLM = credential.Denied
	}
	c := rdr.Config{Initiator: credential.New(cfg).Initiator}
	k := &d.cfg.Client
	c.NoLeases, c.NoCache, c.SharedReads = k.Leases == "off", k.Cache == "off", k.Cache == "shared"
	c.NoDirectories, c.NoWriteBehind, c.NoReferrals, c.Channels = k.Directories == "off", k.WriteBehind == "off", k.Referrals == "off", k.Channels
	c.Limits.CacheBytes, c.DurableTime = k.CacheBytes, time.Duration(k.DurableTime)
	switch d.cfg.SMB.Compression {
	case "always":
		c.Compression = rdr.CompressionAlways
	case "off":
		c.Compression = rdr.CompressionOff
	}
	for i := range k.Credentials {
		cred, err := lent(&k.Credentials[i])
		if err != nil {
			return nil, fmt.Errorf("client.credential for %s: %w", k.Credentials[i].Prefix, err)
		}
		c.Credentials = append(c.Credentials, rdr.PrefixCredential{Prefix: k.Credentials[i].Prefix, Credential: cred})
	}
	return rdr.DriverEntry(c), nil
}

// lent reads what proves a credential of the configuration.
func lent(k *config.Credential) (*api.Credential, error) {
	cred := &api.Credential{User: k.User}
	path := k.PasswordFile + k.Keytab // of which there is one
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s: others than its owner may read it; chmod 600 makes it right", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if k.Keytab != "" {
		cred.Keytab = b
		return cred, nil
	}
	line, _, _ := strings.Cut(string(b), "\n")
	cred.Password, cred.HasPassword = strings.TrimSuffix(line, "\r"), true
	return cred, nil
}
