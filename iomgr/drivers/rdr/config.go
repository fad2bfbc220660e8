package rdr

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// Signing says whether sessions are signed.
type Signing uint8

// Signing policies. A server that demands signing gets it under both.
const (
	SigningRequired Signing = iota
	SigningEnabled
)

// Encryption says whether messages are sealed.
type Encryption uint8

// Encryption policies. Under EncryptionOffered the server decides, by session or by share.
const (
	EncryptionOffered Encryption = iota
	EncryptionRequired
	EncryptionOff
)

// Config configures the redirector. Initiator is needed; the rest may be zero.
type Config struct {
	// Initiator makes the client's side of one authentication to service ("cifs") at host, as the create's credential or the default one says. cred
	// is nil where Default is and the caller may use it. It is called on a goroutine that may wait.
	Initiator func(ctx context.Context, cred *api.Credential, service, host string) (auth.Initiator, error)
	// Default serves creates without a credential. Nil leaves it to Initiator.
	Default *api.Credential
	// DefaultFor decides who may use Default: by default LocalSystem and BUILTIN\Administrators. Creates that come from the
	// network (api.Peer) never may.
	DefaultFor func(*nt.Token) bool

	// Credentials serve creates without one by the name that they open.
	Credentials []PrefixCredential

	Signing    Signing    // default SigningRequired
	Encryption Encryption // default EncryptionOffered
	// Compression concerns servers of 3.1.1. Default CompressionOffered.
	Compression Compression
	// MinDialect and MaxDialect bound the dialects that are offered. Default 2.0.2 and 3.1.1.
	MinDialect, MaxDialect smb2.Dialect
	// ClientGUID identifies the client to servers. Default: random for each start.
	ClientGUID nt.GUID

	// Dial connects; default net.Dialer's.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	IdleTimeout    time.Duration // how long connections, sessions and trees are kept after their last use; default 30 s
	RequestTimeout time.Duration // time for an answer, after which the connection is cut; default 60 s
	CancelTimeout  time.Duration // time for the server to answer what was cancelled; default 1 s
	EchoInterval   time.Duration // silence after which a server with requests pended is probed; default half of RequestTimeout
	MaxCredits     int           // credits that are asked for; default 512

	// Channels is how many connections a session that moves much data may have, where a server of 3.0 or later names more addresses. Default 4; 1 for no more.
	Channels int

	// NoLeases has no lease asked for, so that nothing is kept here of what is on a server, and no handle outlives its connection.
	NoLeases bool
	// NoCache has nothing kept of the data of files.
	NoCache bool
	// SharedReads has what was read kept while others have the file open too, as long as the lease allows it. A server tells of what others write, but
	// does not wait until it is heard: for that long a read may give what was there before. By default what is read is kept while nobody else can write.
	SharedReads bool
	// NoWriteBehind has every write go to the server before it is done. By default what is written under a lease with write caching, by an open that outlives
	// its connection, goes after WriteDelay, and before anything that could show it; who wants to know that the server has it flushes, or asks for
	// AttrWriteError before closing. Write-through, by the open or by the write, is never delayed.
	NoWriteBehind bool
	// WriteDelay is how long what was written may wait. Default 1 s.
	WriteDelay time.Duration
	// NoReferrals has names that lead to other servers (DFS) refused with StatusPathNotCovered. By default they are followed.
	NoReferrals bool
	// NoDirectories has nothing kept of directories. By default a directory that is listed, or in which names are asked for again and again, gets a lease
	// where the server gives one, and what it showed is answered from here until the server tells that it has changed, or this client changes something in
	// it. The server does not wait until it is heard; and of a file that others write it tells when they close it.
	NoDirectories bool
	// DirectoryTime is how long a directory stays open on the server for its lease after it was closed here. Default 10 s.
	DirectoryTime time.Duration
	// DurableTime is for how long at most a handle is tried to be had back whose connection was lost; the server may keep it for less. Default 60 s.
	DurableTime time.Duration

	Limits Limits

	// Log defaults to the manager's.
	Log *slog.Logger
}

// Limits bound what clients can make the redirector hold. Zero fields take the default.
type Limits struct {
	Connections           int // default 1024
	SessionsPerConnection int // default 64
	TreesPerSession       int // default 256
	Opens                 int // files open and being opened; default 65536
	Directories           int // open for their leases alone; default 64
	DirtyBytes            int // that were written and are not on the server; default 32 MiB
	DirtyBytesPerFile     int // default 4 MiB
	CacheBytes            int // of the data of files that is kept; default 64 MiB
	CacheBytesPerFile     int // default a quarter of that
	BytesInFlight         int // bytes of long reads and writes under way on a connection; default 16 MiB
}

// maxTransfer is the most that one message carries, whatever the server allows: longer ones would only keep others waiting. Messages of half of it cost a server
// of Samba a tenth more for each byte.
const maxTransfer = 2 << 20

func orDefault[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

func (c *Config) fill() error {
	if c.Initiator == nil {
		return errors.New("rdr: Config without Initiator")
	}
	if c.MinDialect == 0 {
		c.MinDialect = smb2.Dialect202
	}
	if c.MaxDialect == 0 {
		c.MaxDialect = smb2.Dialect311
	}
	if c.MinDialect > c.MaxDialect {
		return fmt.Errorf("rdr: MinDialect %v is above MaxDialect %v", c.MinDialect, c.MaxDialect)
	}
	if c.offered() == nil {
		return fmt.Errorf("rdr: no dialect from %v to %v", c.MinDialect, c.MaxDialect)
	}
	if c.Encryption == EncryptionRequired && c.MaxDialect < smb2.Dialect300 {
		return fmt.Errorf("rdr: encryption is required, and MaxDialect %v has none", c.MaxDialect)
	}
	if c.DefaultFor == nil {
		c.DefaultFor = (*nt.Token).IsAdmin
	}
	c.Credentials = slices.Clone(c.Credentials)
	for i := range c.Credentials {
		p := &c.Credentials[i]
		if p.For == nil {
			p.For = c.DefaultFor
		}
		if err := p.parse(); err != nil {
			return err
		}
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	orDefault(&c.IdleTimeout, 30*time.Second)
	orDefault(&c.RequestTimeout, 60*time.Second)
	orDefault(&c.CancelTimeout, time.Second)
	orDefault(&c.EchoInterval, c.RequestTimeout/2)
	orDefault(&c.DurableTime, 60*time.Second)
	orDefault(&c.DirectoryTime, 10*time.Second)
	orDefault(&c.WriteDelay, time.Second)
	orDefault(&c.MaxCredits, 512)
	orDefault(&c.Channels, 4)
	c.MaxCredits = min(c.MaxCredits, 8192)
	l := &c.Limits
	orDefault(&l.Connections, 1024)
	orDefault(&l.SessionsPerConnection, 64)
	orDefault(&l.TreesPerSession, 256)
	orDefault(&l.Opens, 65536)
	orDefault(&l.Directories, 64)
	orDefault(&l.DirtyBytes, 32<<20)
	orDefault(&l.DirtyBytesPerFile, min(4<<20, l.DirtyBytes))
	orDefault(&l.BytesInFlight, 16<<20)
	orDefault(&l.CacheBytes, 64<<20)
	orDefault(&l.CacheBytesPerFile, l.CacheBytes/4)
	if c.ClientGUID == (nt.GUID{}) {
		rand.Read(c.ClientGUID[:]) // never fails
	}
	return nil
}

// offered are the dialects that the policy lets pass, as NEGOTIATE lists them.
func (c *Config) offered() []smb2.Dialect {
	var list []smb2.Dialect
	for _, d := range [...]smb2.Dialect{smb2.Dialect202, smb2.Dialect210, smb2.Dialect300, smb2.Dialect302, smb2.Dialect311} {
		if d >= c.MinDialect && d <= c.MaxDialect {
			list = append(list, d)
		}
	}
	return list
}

// securityMode is what NEGOTIATE and SESSION_SETUP say of signing.
func (c *Config) securityMode() uint16 {
	if c.Signing == SigningRequired {
		return smb2.NegotiateSigningEnabled | smb2.NegotiateSigningRequired
	}
	return smb2.NegotiateSigningEnabled
}
