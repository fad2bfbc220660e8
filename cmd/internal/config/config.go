// Package config reads the configuration file of the daemons: TOML, strict, with an error that says which line and what would be accepted.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"lwio/iomgr/nt"
)

// Config is the whole file. Flags of the command line win over it.
type Config struct {
	State    string   `toml:"state"`    // folder of the state
	Listen   []string `toml:"listen"`   // addresses of the SMB server, "127.0.0.1:4450"
	Socket   string   `toml:"socket"`   // unix socket of the Nt API
	Services []string `toml:"services"` // "all", "none", or names
	LogLevel string   `toml:"log_level"`
	// SealKeyFile has the keys that secrets in the state are sealed with; empty for none.
	SealKeyFile string `toml:"seal_key_file"`
	// Authority is who decides about logons: "local" (default), the accounts in this daemon's own state, or "lsassd", the daemon of that name.
	Authority string `toml:"authority"`

	Host     Host              `toml:"host"`
	SMB      SMB               `toml:"smb"`
	Client   Client            `toml:"client"`
	Kerberos Kerberos          `toml:"kerberos"`
	Domain   Domain            `toml:"domain"`
	RPC      RPC               `toml:"rpc"`
	Metrics  Metrics           `toml:"metrics"`
	Lsassd   Daemon            `toml:"lsassd"`
	Srvsvcd  Daemon            `toml:"srvsvcd"`
	Limits   Limits            `toml:"limits"`
	Roots    map[string]string `toml:"roots"` // "C:" = "/srv/lwio"
	Users    Accounts          `toml:"accounts"`
	Memory   Memory            `toml:"memory"`
	Files    Files             `toml:"files"`
	Userdb   Userdb            `toml:"userdb"`
}

// Userdb configures the provider of accounts for systemd.
type Userdb struct {
	Socket string `toml:"socket"` // "/run/systemd/userdb/io.lwio"; default none, and systemd is told nothing
}

// Memory configures a volume in memory, which shares reach by paths that begin with \\memfs.
type Memory struct {
	Capacity int64 `toml:"capacity"` // bytes that its files may hold; 0 for no such volume
}

// Files configures how the daemon and local programs share the disk (Linux).
type Files struct {
	KernelOplocks bool `toml:"kernel_oplocks"` // local programs break what clients cache; each open of a cached file costs some system calls more
	LocalWatches  int  `toml:"local_watches"`  // directories at most that are listened to for what local programs change; default 8192
}

// Host names this host; empty fields follow from the system's hostname.
type Host struct {
	Name      string `toml:"name"`
	DNSName   string `toml:"dns_name"`
	Comment   string `toml:"comment"`
	Workgroup string `toml:"workgroup"`
}

// Client configures the redirector, by which programs of this host open \\rdr\server\share\path.
type Client struct {
	Leases      string   `toml:"leases"`       // "on" (default) or "off": nothing is kept, and handles end with their connection
	Cache       string   `toml:"cache"`        // "on" (default), "shared", which keeps reads while others may write, or "off"
	CacheBytes  int      `toml:"cache_bytes"`  // of what was read; default 64 MiB
	Directories string   `toml:"directories"`  // "on" (default) or "off": nothing is kept of directories
	WriteBehind string   `toml:"write_behind"` // "on" (default) or "off": every write goes to the server before it is done
	Referrals   string   `toml:"referrals"`    // "on" (default) or "off": names that lead to other servers (DFS) are refused
	Channels    int      `toml:"channels"`     // connections of a session that moves much data; default 4, 1 for no more
	DurableTime Duration `toml:"durable_time"` // for which a handle whose connection was lost is tried to be had back; default 1m
	// Credentials are as whom servers are asked, by administrators of this host whose programs bring no credential, for names at a prefix and below.
	Credentials []Credential `toml:"credential"`
}

// Credential is as whom names at a prefix and below are asked for.
type Credential struct {
	Prefix       string `toml:"prefix"`        // `\\server`, `\\server\share` or `\\server\share\path`
	User         string `toml:"user"`          // "name", "DOMAIN\\name" or "name@REALM"
	PasswordFile string `toml:"password_file"` // of which the first line is the password; readable by root alone
	Keytab       string `toml:"keytab"`        // instead of a password
}

// SMB configures the protocol.
type SMB struct {
	Signing    string `toml:"signing"`    // "required" (default) or "enabled"
	Encryption string `toml:"encryption"` // "offered" (default), "required" or "off"
	// Compression and POSIX, the extensions of Samba and Linux, are of 3.1.1. Where compression is "always", programs of this host read and write
	// compressed on servers that can.
	Compression string `toml:"compression"` // "offered" (default), "always" or "off"
	POSIX       string `toml:"posix"`       // "offered" (default) or "off"
	Anonymous   bool   `toml:"anonymous"`   // accept the null session
	NTLM        string `toml:"ntlm"`        // "v2" (default), or "off": Kerberos or nothing, for RPC as well
}

// Kerberos configures the acceptor.
type Kerberos struct {
	Enabled  string `toml:"enabled"`   // "auto" (default): where there is a keytab; "required": no start without one; "off"
	Keytab   string `toml:"keytab"`    // default that of KRB5_KTNAME, else of krb5.conf
	AllowRC4 bool   `toml:"allow_rc4"` // accept tickets and session keys of RC4
}

// Domain configures the membership of a domain, of which lwio domain join makes the host a member.
type Domain struct {
	Preferred   []string `toml:"preferred"`    // controllers that are taken where they answer
	Excluded    []string `toml:"excluded"`     // controllers that never are
	PasswordAge Duration `toml:"password_age"` // of the machine's password, before it is changed; default 720h, negative for never
	FirstID     uint32   `toml:"first_id"`     // Unix id of the RID 0; the others follow
	IDs         uint32   `toml:"ids"`          // how many RIDs have a Unix id; default none
	// KeepNames is how long names that a controller told serve while none can be asked: default 168h, negative for not at all. CachedNames bounds them.
	KeepNames   Duration `toml:"keep_names"`
	CachedNames int      `toml:"cached_names"` // default 8192
	// IDMap is how SIDs become Unix ids: "rid" (default), the range is the machine's own domain's, or "autorid", each domain has slices of the range as it is met.
	IDMap   string `toml:"id_map"`
	IDSlice uint32 `toml:"id_slice"` // RIDs of a slice; default 100000
}

// Limits bound what clients may use; zero means the default of the driver.
type Limits struct {
	Connections           int      `toml:"connections"`
	ConnectionsPerAddress int      `toml:"connections_per_address"`
	SessionsPerConnection int      `toml:"sessions_per_connection"`
	TreesPerSession       int      `toml:"trees_per_session"`
	OpensPerSession       int      `toml:"opens_per_session"`
	AuthTimeout           Duration `toml:"auth_timeout"`
	IdleTimeout           Duration `toml:"idle_timeout"`
}

// Accounts configures the local account store.
type Accounts struct {
	LockoutThreshold int      `toml:"lockout_threshold"` // wrong passwords before an account is locked; 0 for never
	LockoutDuration  Duration `toml:"lockout_duration"`
	FirstID          uint32   `toml:"first_id"`   // Unix id of the RID 0 of this machine; the others follow
	IDs              uint32   `toml:"ids"`        // how many RIDs have a Unix id; default none
	RemoteSAM        string   `toml:"remote_sam"` // who may administer and list accounts over the network, as a descriptor in SDDL that grants RC; administrators by default
}

// RemoteDescriptor is RemoteSAM as a descriptor; nil for the default.
func (a *Accounts) RemoteDescriptor() (*nt.SecurityDescriptor, error) {
	if a.RemoteSAM == "" {
		return nil, nil
	}
	return nt.ParseSDDL(a.RemoteSAM, nt.SID{})
}

// Duration is a time span as Go writes it: "30s", "15m".
type Duration time.Duration

// UnmarshalText reads a Go duration.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// ServiceNames are the services that a daemon can run.
var ServiceNames = []string{"srvsvc", "wkssvc", "lsarpc", "samr", "netlogon", "winreg", "svcctl", "eventlog", "initshutdown", "ntsvcs", "account", "echo", "epmapper", "domain"}

// lsassdServices are those that lsassd serves where it has the accounts.
var lsassdServices = []string{"lsarpc", "samr", "account", "domain"}

// The values of Authority.
const (
	AuthorityLocal  = "local"
	AuthorityLsassd = "lsassd"
)

// The values of Domain.IDMap.
const (
	IDMapRID     = "rid"
	IDMapAutorid = "autorid"
)

// Slice is how many RIDs a domain has at once.
func (d *Domain) Slice() uint32 {
	if d.IDSlice == 0 {
		return 100000
	}
	return d.IDSlice
}

// Remote reports whether another daemon decides about logons.
func (c *Config) Remote() bool { return c.Authority == AuthorityLsassd }

// Load reads and checks a file.
func Load(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	dec := toml.NewDecoder(strings.NewReader(string(b))).DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, explain(path, err)
	}
	c.place(path, b)
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Merge reads the file, if one is named, puts the flags of the command line over it and checks the whole.
func Merge(path string, flags func(*Config)) (*Config, error) {
	c := &Config{}
	if path != "" {
		var err error
		if c, err = Load(path); err != nil {
			return nil, err
		}
	}
	flags(c)
	if c.Socket == "" {
		c.Socket = DefaultSocket()
	}
	return c, c.Check()
}

// FlagSet tells which flags were given; *pflag.FlagSet does.
type FlagSet interface{ Changed(name string) bool }

// Set puts the value of a flag over the file's if the flag was given.
func Set(flags FlagSet, name string, to *string, v string) {
	if flags.Changed(name) {
		*to = v
	}
}

// explain puts the place of an error before it.
func explain(path string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		var out []error
		for _, e := range strict.Errors {
			line, col := e.Position()
			out = append(out, fmt.Errorf("%s:%d:%d: there is no setting %s", path, line, col, strings.Join(e.Key(), ".")))
		}
		return errors.Join(out...)
	}
	var dec *toml.DecodeError
	if errors.As(err, &dec) {
		line, col := dec.Position()
		return fmt.Errorf("%s:%d:%d: %w", path, line, col, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Check says everything that is wrong with the values.
func (c *Config) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	oneOf := func(key, v string, allowed ...string) {
		if v != "" && !slices.Contains(allowed, v) {
			bad("%s = %q: want one of %s", key, v, strings.Join(allowed, ", "))
		}
	}
	oneOf("smb.signing", c.SMB.Signing, "required", "enabled")
	oneOf("smb.encryption", c.SMB.Encryption, "offered", "required", "off")
	oneOf("smb.compression", c.SMB.Compression, "offered", "always", "off")
	oneOf("client.leases", c.Client.Leases, "on", "off")
	oneOf("client.directories", c.Client.Directories, "on", "off")
	oneOf("client.write_behind", c.Client.WriteBehind, "on", "off")
	oneOf("client.referrals", c.Client.Referrals, "on", "off")
	oneOf("client.cache", c.Client.Cache, "on", "shared", "off")
	if n := c.Client.Channels; n < 0 || n > 64 {
		bad("client.channels = %d: want 1 to 64", n)
	}
	for _, k := range c.Client.Credentials {
		if k.Prefix == "" || k.User == "" || (k.PasswordFile == "") == (k.Keytab == "") {
			bad("client.credential for %q: want prefix, user, and one of password_file and keytab", k.Prefix)
		}
	}
	if c.Client.CacheBytes < 0 || c.Client.DurableTime < 0 {
		bad("client.cache_bytes and client.durable_time: want no less than 0")
	}
	oneOf("smb.posix", c.SMB.POSIX, "offered", "off")
	oneOf("smb.ntlm", c.SMB.NTLM, "v2", "off")
	oneOf("authority", c.Authority, AuthorityLocal, AuthorityLsassd)
	oneOf("kerberos.enabled", c.Kerberos.Enabled, "auto", "required", "off")
	if c.SMB.NTLM == "off" && c.Kerberos.Enabled == "off" {
		bad("smb.ntlm and kerberos.enabled are both off: nobody could log on")
	}
	d, u := c.Domain, c.Users
	for _, r := range []struct {
		section    string
		first, ids uint32
	}{{"domain", d.FirstID, d.IDs}, {"accounts", u.FirstID, u.IDs}} {
		if r.ids > 0 && (r.first < 1000 || r.first+r.ids < r.first) {
			bad("%s.first_id = %d with %s.ids = %d: want a range above 1000, as those of the system's own users are below", r.section, r.first, r.section, r.ids)
		}
	}
	if d.IDs > 0 && u.IDs > 0 && d.FirstID < u.FirstID+u.IDs && u.FirstID < d.FirstID+d.IDs {
		bad("the Unix ids of accounts (%d and %d more) and of domain (%d and %d more) are partly the same: want ranges apart", u.FirstID, u.IDs-1, d.FirstID, d.IDs-1)
	}
	if s := c.Userdb.Socket; s != "" && !filepath.IsAbs(s) {
		bad("userdb.socket = %q: want an absolute path, \"/run/systemd/userdb/io.lwio\"", s)
	}
	if n := c.Domain.CachedNames; n < 0 || n > 1<<20 {
		bad("domain.cached_names = %d: want 0 for the default, or up to 1048576", n)
	}
	oneOf("domain.id_map", c.Domain.IDMap, IDMapRID, IDMapAutorid)
	if d := c.Domain; d.IDMap == IDMapAutorid && (d.IDs == 0 || d.IDs < d.Slice()) {
		bad("domain.id_map = %q: want domain.first_id, and domain.ids of at least one slice, which is %d", IDMapAutorid, d.Slice())
	}
	if k := c.Kerberos.Keytab; k != "" && !filepath.IsAbs(k) {
		bad("kerberos.keytab = %q: want an absolute path", k)
	}
	if k := c.SealKeyFile; k != "" && !filepath.IsAbs(k) {
		bad("seal_key_file = %q: want an absolute path", k)
	}
	oneOf("log_level", c.LogLevel, "debug", "info", "warn", "error")
	for _, a := range c.Listen {
		if err := checkAddress(a); err != nil {
			bad("listen: %w", err)
		}
	}
	c.RPC.check(bad)
	c.Lsassd.check("lsassd", bad)
	c.Srvsvcd.check("srvsvcd", bad)
	if err := checkListen(c.Metrics.Listen); err != nil {
		bad("metrics.listen: %w", err)
	}
	if _, err := c.ServiceList(); err != nil {
		errs = append(errs, err)
	}
	for drive, dir := range c.Roots {
		if len(drive) != 2 || drive[1] != ':' || !(drive[0] >= 'A' && drive[0] <= 'Z' || drive[0] >= 'a' && drive[0] <= 'z') {
			bad("roots: %q is no drive: want a letter and a colon, \"C:\"", drive)
		}
		if !filepath.IsAbs(dir) {
			bad("roots: %s = %q: want an absolute path", drive, dir)
		}
	}
	if n := c.Host.Name; n != "" && (len(n) > 15 || strings.ContainsAny(n, `"/\[]:;|=,+*?<>. `)) {
		bad("host.name = %q: a NetBIOS name has at most 15 characters, none of them \" / \\ [ ] : ; | = , + * ? < > . or a blank", n)
	}
	for key, v := range map[string]int{"connections": c.Limits.Connections, "connections_per_address": c.Limits.ConnectionsPerAddress,
		"sessions_per_connection": c.Limits.SessionsPerConnection, "trees_per_session": c.Limits.TreesPerSession, "opens_per_session": c.Limits.OpensPerSession} {
		if v < 0 {
			bad("limits.%s = %d: want 0 for the default, or more", key, v)
		}
	}
	if c.Files.LocalWatches < 0 {
		bad("files.local_watches = %d: want a number of directories, or 0 for the default", c.Files.LocalWatches)
	}
	if c.Memory.Capacity < 0 {
		bad("memory.capacity = %d: want 0 for no volume in memory, or bytes", c.Memory.Capacity)
	}
	if c.Users.LockoutThreshold < 0 {
		bad("accounts.lockout_threshold = %d: want 0 for never, or more", c.Users.LockoutThreshold)
	}
	if _, err := c.Users.RemoteDescriptor(); err != nil {
		bad("accounts.remote_sam = %q: %v", c.Users.RemoteSAM, err)
	}
	return errors.Join(errs...)
}

func checkAddress(a string) error {
	host, port, err := net.SplitHostPort(a)
	if err != nil {
		return fmt.Errorf("%q: want ADDRESS:PORT, \"0.0.0.0:445\" or \"[::]:445\"", a)
	}
	if host != "" && net.ParseIP(host) == nil {
		return fmt.Errorf("%q: want a numeric address, not a name", a)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535 {
		return fmt.Errorf("%q: want a port from 0 to 65535", a)
	}
	return nil
}

// ServiceList expands "all", which leaves out what lsassd serves, and "none".
func (c *Config) ServiceList() ([]string, error) {
	var out []string
	for _, s := range c.Services {
		for name := range strings.SplitSeq(s, ",") {
			switch name = strings.TrimSpace(name); {
			case name == "all":
				out = append(out, c.ownServices()...)
			case name == "none" || name == "":
			case c.Remote() && slices.Contains(lsassdServices, name):
				return nil, fmt.Errorf("services: with authority = %q it is lsassd that serves %s", AuthorityLsassd, name)
			case slices.Contains(ServiceNames, name):
				out = append(out, name)
			default:
				return nil, fmt.Errorf("services: there is no service %q: want all, none, or of %s", name, strings.Join(ServiceNames, ", "))
			}
		}
	}
	if len(c.Services) == 0 {
		out = c.ownServices()
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// ownServices are those that this daemon may serve: not what is lsassd's.
func (c *Config) ownServices() []string {
	out := slices.Clone(ServiceNames)
	if c.Remote() {
		out = slices.DeleteFunc(out, func(s string) bool { return slices.Contains(lsassdServices, s) })
	}
	return out
}

// Level is the log level.
func (c *Config) Level() slog.Level {
	var l slog.Level
	if c.LogLevel != "" {
		_ = l.UnmarshalText([]byte(c.LogLevel)) // Check has seen it
	}
	return l
}

// DefaultSocket is where the daemon listens and the command looks: the system's runtime folder for root, else the user's.
func DefaultSocket() string {
	if os.Getuid() == 0 {
		return "/run/lwio/lwiod.sock"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "lwio", "lwiod.sock")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("lwio-%d", os.Getuid()), "lwiod.sock")
}
