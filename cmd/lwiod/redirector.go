package main

import (
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/credential"
	"lwio/iomgr/drivers/rdr"
)

// redirector lets programs of this host open `\rdr\server\share\path`, each by the credential that it brings: the daemon has none of its own to lend.
func (d *daemon) redirector(self auth.Host) api.DriverEntry {
	cfg := credential.Config{Workstation: self.Name, AllowRC4: d.cfg.Kerberos.AllowRC4, Log: d.log}
	if d.cfg.SMB.NTLM == "off" {
		cfg.NTLM = credential.Denied
	}
	c := rdr.Config{Initiator: credential.New(cfg).Initiator}
	k := &d.cfg.Client
	c.NoLeases, c.NoCache, c.SharedReads = k.Leases == "off", k.Cache == "off", k.Cache == "shared"
	c.Limits.CacheBytes, c.DurableTime = k.CacheBytes, time.Duration(k.DurableTime)
	switch d.cfg.SMB.Compression {
	case "always":
		c.Compression = rdr.CompressionAlways
	case "off":
		c.Compression = rdr.CompressionOff
	}
	return rdr.DriverEntry(c)
}
