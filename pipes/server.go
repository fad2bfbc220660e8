package pipes

import (
	"context"
	"errors"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Direction is which way data goes, seen from the server.
type Direction uint8

// The directions of PIPE_ACCESS_*.
const (
	Duplex Direction = iota
	Inbound
	Outbound
)

// Config says what CreateNamedPipe makes; the zero value is a duplex byte pipe with unlimited instances.
type Config struct {
	Direction     Direction
	Message       bool   // message type; both ends may read it in message mode
	ReadMessages  bool   // the server's end reads messages
	NonBlocking   bool   // PIPE_NOWAIT: calls that would wait answer at once
	RejectRemote  bool   // clients of the network are refused
	FirstInstance bool   // fail if the pipe exists
	MaxInstances  uint32 // 0 for no limit

	InQuota  uint32 // bytes the client may be ahead; default 64 KiB
	OutQuota uint32 // bytes the server may be ahead; default 64 KiB

	DefaultTimeout time.Duration // of WaitNamedPipe; default 50 ms
	Security       *nt.SecurityDescriptor
	Token          *nt.Token // who creates; nil for the process

	replaced bool // a Listener's: nt.FilePipeReplaced
}

const defaultQuota = 64 << 10

// Name makes the manager's name of a local pipe of its plain one: `srvsvc` becomes `\npfs\srvsvc`. Names that begin with a backslash stay.
func Name(name string) string {
	if len(name) > 0 && name[0] == '\\' {
		return name
	}
	return `\npfs\` + name
}

// CreateNamedPipe makes an instance of a pipe and gives the server's end.
func CreateNamedPipe(ctx context.Context, a api.API, name string, cfg Config) (api.Handle, error) {
	args := &api.CreateArgs{
		Name: Name(name), Token: cfg.Token, Disposition: nt.FileOpenIf, SecurityDescriptor: cfg.Security,
		DesiredAccess: nt.Synchronize | nt.ReadControl | nt.WriteDAC | nt.FileReadAttributes | nt.FileWriteAttributes,
		Pipe:          &api.PipeArgs{MaxInstances: cfg.MaxInstances, InboundQuota: cfg.InQuota, OutboundQuota: cfg.OutQuota},
	}
	p := args.Pipe
	switch cfg.Direction {
	case Inbound:
		args.ShareAccess = nt.FileShareWrite
	case Outbound:
		args.ShareAccess = nt.FileShareRead
	default:
		args.ShareAccess = nt.FileShareRead | nt.FileShareWrite
	}
	if cfg.FirstInstance {
		args.Disposition = nt.FileCreate
	}
	if cfg.Message {
		p.Type = nt.FilePipeMessageType
	}
	if cfg.ReadMessages {
		p.ReadMode = nt.FilePipeMessageMode
	}
	if cfg.RejectRemote {
		p.Type |= nt.FilePipeRejectRemoteClients
	}
	if cfg.replaced {
		p.Type |= nt.FilePipeReplaced
	}
	if cfg.NonBlocking {
		p.CompletionMode = nt.FilePipeCompleteOperation
	}
	if p.MaxInstances == 0 {
		p.MaxInstances = nt.FilePipeUnlimitedInstances
	}
	if p.InboundQuota == 0 {
		p.InboundQuota = defaultQuota
	}
	if p.OutboundQuota == 0 {
		p.OutboundQuota = defaultQuota
	}
	timeout := cfg.DefaultTimeout
	if timeout == 0 {
		timeout = 50 * time.Millisecond
	}
	p.DefaultTimeout = -int64(timeout / 100)
	return a.CreateNamedPipeFile(ctx, args)
}

// ConnectNamedPipe waits for a client. A client that came before is no error.
func ConnectNamedPipe(ctx context.Context, a api.API, h api.Handle) error {
	_, err := a.FsControlFile(ctx, h, nt.FsctlPipeListen, nil, nil)
	if errors.Is(err, nt.StatusPipeConnected) {
		return nil
	}
	return err
}

// DisconnectNamedPipe cuts the client off; what it has not read is lost. The instance can be connected again.
func DisconnectNamedPipe(ctx context.Context, a api.API, h api.Handle) error {
	_, err := a.FsControlFile(ctx, h, nt.FsctlPipeDisconnect, nil, nil)
	return err
}

// ImpersonateNamedPipeClient gives the client's token; something must have been read from the client before.
func ImpersonateNamedPipeClient(ctx context.Context, a api.API, h api.Handle) (*nt.Token, error) {
	b, err := ask(512, func(out []byte) (int, error) {
		return a.FsControlFile(ctx, h, nt.FsctlPipeImpersonate, nil, out)
	})
	if err != nil {
		return nil, err
	}
	return api.ParseToken(b)
}

// GetNamedPipeClientProcessId gives the client's process id, 0 if it is not on this machine or not known.
func GetNamedPipeClientProcessId(ctx context.Context, a api.API, h api.Handle) (uint64, error) {
	var b [8]byte
	_, err := a.FsControlFile(ctx, h, nt.FsctlPipeQueryClientProcess, nil, b[:])
	return le.Uint64(b[:]), err
}

// Attribute reads a connection attribute (npfs.AttrClientToken and the others).
func Attribute(ctx context.Context, a api.API, h api.Handle, name string) ([]byte, error) {
	in := append([]byte(name), 0)
	return ask(256, func(out []byte) (int, error) {
		return a.FsControlFile(ctx, h, nt.FsctlPipeGetConnectionAttribute, in, out)
	})
}

// ask repeats a query with a larger buffer while the answer says that it is too small.
func ask(size int, query func(out []byte) (int, error)) ([]byte, error) {
	for range 3 {
		out := make([]byte, size)
		n, err := query(out)
		if err == nil {
			return out[:n], nil
		}
		if !errors.Is(err, nt.StatusBufferTooSmall) || n <= size || n > 1<<20 {
			return nil, err
		}
		size = n
	}
	return nil, nt.StatusBufferTooSmall
}
