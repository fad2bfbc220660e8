package srvsvc

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/iomgr/api"
	"lwio/iomgr/devctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
)

// Config configures the service. API is needed.
type Config struct {
	// API is how to reach the device: the manager, or a connection to the process that has it.
	API api.API
	// Device is the server driver's. Default `\srv`.
	Device string
	// Drives are what NetrServerDiskEnum lists. Default "C:".
	Drives []string
	// Anonymous lets the null session list shares, as Windows does with RestrictAnonymous and RestrictNullSessAccess off.
	Anonymous bool
	// VersionMajor and VersionMinor are what the server says it is. Default 10.0.
	VersionMajor, VersionMinor uint32
	// Log takes changes at Info. Default slog.Default().
	Log *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Server is the service: an implementation of the interface srvsvc.
type Server struct {
	cfg    Config
	client *srvctl.Client // over the Server itself, see Call

	mu     sync.Mutex
	dev    *devctl.Conn // guarded by mu: nil until the first call, and after a failure
	closed bool         // guarded by mu
}

var _ gen.SrvsvcServer = (*Server)(nil)

// New makes the service. The device need not be there yet: it is opened by the first call.
func New(cfg Config) *Server {
	if cfg.Device == "" {
		cfg.Device = `\srv`
	}
	if len(cfg.Drives) == 0 {
		cfg.Drives = []string{"C:"}
	}
	if cfg.VersionMajor == 0 {
		cfg.VersionMajor = 10
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{cfg: cfg}
	s.client = srvctl.NewClient(deviceCaller{s})
	return s
}

// Register offers the interface on an RPC server.
func (s *Server) Register(r *server.Server, opts ...server.Option) error {
	return r.Register(gen.SrvsvcInterface, s, opts...)
}

// Close lets the device go. Calls then answer as if the server were not started.
func (s *Server) Close() error {
	s.mu.Lock()
	dev := s.dev
	s.dev, s.closed = nil, true
	s.mu.Unlock()
	if dev == nil {
		return nil
	}
	return dev.Close()
}

// deviceCaller makes calls on the device and opens it again when it went and came back.
type deviceCaller struct{ s *Server }

func (c deviceCaller) Call(ctx context.Context, opnum uint16, in func(*ndr.Encoder), out func(*ndr.Decoder) error) error {
	for again := false; ; again = true {
		dev, err := c.s.device(ctx)
		if err != nil {
			return err
		}
		err = dev.Call(ctx, opnum, in, out)
		if again || !gone(err) {
			return err
		}
		c.s.drop(dev)
	}
}

// gone reports errors that tell that the handle was dead before the control reached the driver.
func gone(err error) bool {
	switch nt.StatusOf(err) {
	case nt.StatusInvalidHandle, nt.StatusFileClosed, nt.StatusDeviceNotReady, nt.StatusConnectionDisconnected:
		return err != nil
	}
	return false
}

func (s *Server) device(ctx context.Context) (*devctl.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nt.StatusFileClosed
	}
	if s.dev == nil {
		dev, err := devctl.Open(ctx, s.cfg.API, s.cfg.Device)
		if err != nil {
			return nil, err
		}
		s.dev = dev
	}
	return s.dev, nil
}

func (s *Server) drop(dev *devctl.Conn) {
	s.mu.Lock()
	if s.dev == dev {
		s.dev = nil
	}
	s.mu.Unlock()
	dev.Close() // of a dead handle
}

// failed turns an error of a device control into the call's result. Only the end of the caller's own context is a fault.
func (s *Server) failed(ctx context.Context, err error) (uint32, error) {
	switch status := nt.StatusOf(err); {
	case err == nil:
		return uint32(nt.WErrSuccess), nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return 0, err
	case status == nt.StatusObjectNameNotFound || status == nt.StatusObjectPathNotFound || gone(err): // no driver, no server
		s.cfg.Log.Warn("server device", "device", s.cfg.Device, "err", err)
		return uint32(nt.NErrServerNotStarted), nil
	default:
		s.cfg.Log.Warn("server device", "device", s.cfg.Device, "err", err)
		return uint32(status.Win32()), nil
	}
}

// who is what the rules ask about a caller.
type who uint8

const (
	anonymous who = iota
	user
	administrator
	nobody // of a level that an operation has not
)

func whoIs(call *rpc.Call) who {
	t := call.Token
	switch {
	case t == nil || t.Anonymous:
		return anonymous
	case t.IsAdmin():
		return administrator
	case t.HasSID(nt.SIDAuthenticatedUsers):
		return user
	}
	return anonymous
}

const (
	success         = uint32(nt.WErrSuccess)
	accessDenied    = uint32(nt.WErrAccessDenied)
	invalidLevel    = uint32(nt.WErrInvalidLevel)
	invalidParam    = uint32(nt.WErrInvalidParameter)
	invalidName     = uint32(nt.WErrInvalidName)
	notSupported    = uint32(nt.WErrNotSupported)
	moreData        = uint32(nt.WErrMoreData)
	netNameNotFound = uint32(nt.NErrNetNameNotFound)
)

// admit judges a caller against what a level needs; least is what the operation itself needs, whatever the level. So a level that does not
// exist is told to those only who may ask at all.
func admit(call *rpc.Call, least, level who) uint32 {
	is := whoIs(call)
	switch {
	case is < least:
		return accessDenied
	case level == nobody:
		return invalidLevel
	case is < level:
		return accessDenied
	}
	return success
}

// changed logs a change with who made it; the driver knows the service only.
func (s *Server) changed(call *rpc.Call, what, name string, result uint32) {
	if result == success {
		s.cfg.Log.Info(what, "name", name, "by", call.Token.QualifiedName(), "from", call.ClientAddress)
		return
	}
	s.cfg.Log.Info(what, "name", name, "by", call.Token.QualifiedName(), "from", call.ClientAddress, "err", nt.WinError(result))
}

// present is a string that is never NULL.
func present(p *string) *string {
	if p == nil {
		return new(string)
	}
	return p
}
