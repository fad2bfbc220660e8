package srv

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"time"

	"lwio/gen/srvctl"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// Signing says whether sessions must be signed.
type Signing uint8

// Signing policies. A client that asks for signing gets it under both.
const (
	SigningRequired Signing = iota
	SigningEnabled
)

// Encryption says whether messages must be sealed.
type Encryption uint8

// Encryption policies. Off answers every client as if no cipher were known.
const (
	EncryptionOffered Encryption = iota
	EncryptionRequired
	EncryptionOff
)

// Config configures the server. Auth is needed; of Listeners and Addresses one should be there.
type Config struct {
	// Listeners are accepted from and closed when the driver stops.
	Listeners []net.Listener
	// Addresses are listened on by TCP ("0.0.0.0:445", "[::]:445") when the driver starts.
	Addresses []string
	// Interfaces gives the addresses that a client, connected to local, may use for more channels. By default those of the host's interfaces.
	Interfaces func(local net.Addr) []smb2.NetworkInterfaceInfo

	// Auth makes the acceptors of SESSION_SETUP, usually package spnego's.
	Auth auth.Mechanism
	// Host names this server in what it answers to administrators.
	Host auth.Host
	// Comment is the server's description.
	Comment string

	// Shares keeps the shares. Nil keeps them in memory only.
	Shares ShareTable
	// Server is what SaveServer kept, taken over at the start; nil for the defaults.
	Server *srvctl.SRVCTL_SERVER
	// SaveServer keeps what an administrator changes of the server itself; nil forgets it.
	SaveServer func(context.Context, *srvctl.SRVCTL_SERVER) error
	// Roots maps drives of share paths to directories of this host: {"C:": "/srv/lwio"} makes `C:\data` the directory /srv/lwio/data.
	// Absolute POSIX paths need no root.
	Roots map[string]string
	// PipeDevice and DiskDevice are the devices behind IPC$ and behind disk shares. Default "npfs" and "pvfs".
	PipeDevice, DiskDevice string
	// Devices are those besides DiskDevice that a share's path may begin with: with "memfs" the path `\memfs\dir` is a directory of that device. What is
	// not here is not shared, whoever asks for it.
	Devices []string

	Signing    Signing    // default SigningRequired
	Encryption Encryption // default EncryptionOffered
	// Compression lets 3.1.1 clients send and ask for compressed messages. Default CompressionOffered.
	Compression Compression
	// POSIX lets 3.1.1 clients use the POSIX extensions of Samba and Linux. Default POSIXOffered.
	POSIX POSIX
	// MinDialect and MaxDialect bound the dialects that are negotiated. Default 2.0.2 and 3.1.1.
	MinDialect, MaxDialect smb2.Dialect
	// ServerGUID identifies the server to clients. Default: random for each start.
	ServerGUID nt.GUID

	Limits Limits

	// Log defaults to the manager's.
	Log *slog.Logger
}

// Limits bound what peers can make the server hold. Zero fields take the default.
type Limits struct {
	Connections           int           // default 16384
	ConnectionsPerAddress int           // default 2048
	SessionsPerConnection int           // default 64
	TreesPerSession       int           // default 4096
	OpensPerSession       int           // default 16384
	Credits               int           // message ids that a connection may have unused and in use, at most and by default 8192
	OutstandingRequests   int           // requests of a connection that wait asynchronously; default 511, as Windows
	OutstandingBytes      int           // bytes of requests and responses of a connection in memory; default 64 MiB
	MaxTransact           int           // largest transact, read and write of dialects above 2.0.2; default and at most 8 MiB
	AuthTimeout           time.Duration // time until a connection has its first session; default 30 s
	FrameTimeout          time.Duration // time in which a message that has begun must make progress; default 30 s
	SendTimeout           time.Duration // time in which a client must take what is sent; default 30 s
	DurableOpens          int           // durable opens of all clients that wait for their client to come back; default 32768
	DurableTimeout        time.Duration // how long one waits whose client does not say; default 60 s
	DurableTimeoutMax     time.Duration // and how long at most; default 300 s
	IdleTimeout           time.Duration // idle time after which a connection without opens is cut; default 15 min, negative for never
}

// ShareTable keeps the shares over restarts. The driver calls it one call at a time.
type ShareTable interface {
	// Load gives every share.
	Load(ctx context.Context) ([]srvctl.SRVCTL_SHARE, error)
	// Put adds or replaces a share by its name without regard to case. It returns when the share is durable.
	Put(ctx context.Context, s *srvctl.SRVCTL_SHARE) error
	// Delete takes a share out; it is no error if there is none of that name.
	Delete(ctx context.Context, name string) error
}

const (
	maxCredits     = 8192
	maxTransact    = 8 << 20
	maxTransact202 = 64 << 10 // dialects without multi-credit requests
)

func orDefault[T int | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

func (c *Config) fill() error {
	if c.Auth == nil {
		return fmt.Errorf("srv: Config without Auth")
	}
	l := &c.Limits
	orDefault(&l.Connections, 16384)
	orDefault(&l.ConnectionsPerAddress, 2048)
	orDefault(&l.SessionsPerConnection, 64)
	orDefault(&l.TreesPerSession, 4096)
	orDefault(&l.OpensPerSession, 16384)
	orDefault(&l.Credits, maxCredits)
	orDefault(&l.OutstandingRequests, 511)
	orDefault(&l.OutstandingBytes, 64<<20)
	orDefault(&l.MaxTransact, maxTransact)
	orDefault(&l.AuthTimeout, 30*time.Second)
	orDefault(&l.FrameTimeout, 30*time.Second)
	orDefault(&l.SendTimeout, 30*time.Second)
	orDefault(&l.DurableOpens, 32768)
	orDefault(&l.DurableTimeout, time.Minute)
	orDefault(&l.DurableTimeoutMax, 5*time.Minute)
	orDefault(&l.IdleTimeout, 15*time.Minute)
	l.Credits = min(max(l.Credits, 1), maxCredits)
	l.MaxTransact = min(max(l.MaxTransact, maxTransact202), maxTransact)
	if c.MinDialect == 0 {
		c.MinDialect = smb2.Dialect202
	}
	if c.MaxDialect == 0 {
		c.MaxDialect = smb2.Dialect311
	}
	if c.MinDialect > c.MaxDialect {
		return fmt.Errorf("srv: MinDialect %v is above MaxDialect %v", c.MinDialect, c.MaxDialect)
	}
	if c.PipeDevice == "" {
		c.PipeDevice = "npfs"
	}
	if c.DiskDevice == "" {
		c.DiskDevice = "pvfs"
	}
	if c.ServerGUID == (nt.GUID{}) {
		rand.Read(c.ServerGUID[:]) // never fails
	}
	return nil
}

// DriverEntry gives the entry that Manager.Load takes. Start creates the device `\srv` and begins to listen; Stop closes the listeners and
// cuts every connection.
func DriverEntry(cfg Config) api.DriverEntry {
	return func(reg *api.Registration) error {
		if err := cfg.fill(); err != nil {
			return err
		}
		s := newServer(cfg)
		reg.Name = "srv"
		reg.Start = s.start
		reg.Stop = s.stop
		return nil
	}
}
