package pipes

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// WaitForever and WaitDefault are the time-outs NMPWAIT_WAIT_FOREVER and NMPWAIT_USE_DEFAULT_WAIT.
const (
	WaitForever time.Duration = -1
	WaitDefault time.Duration = 0
)

// WaitNamedPipe waits until an instance of the pipe listens: nt.StatusIoTimeout if none does in time, nt.StatusObjectNameNotFound
// if there is no such pipe.
func WaitNamedPipe(ctx context.Context, a api.API, name string, timeout time.Duration) error {
	name = Name(name)
	i := strings.LastIndexByte(name, '\\')
	if i <= 0 {
		return nt.StatusObjectPathSyntaxBad
	}
	h, err := a.CreateFile(ctx, &api.CreateArgs{Name: name[:i], DesiredAccess: nt.FileReadAttributes | nt.Synchronize,
		ShareAccess: nt.FileShareRead | nt.FileShareWrite, Disposition: nt.FileOpen, Impersonation: api.ImpersonateImpersonation})
	if err != nil {
		return err
	}
	defer a.Close(h)
	var in [14]byte
	switch {
	case timeout < 0:
		le.PutUint64(in[:], 1<<63)
		in[12] = 1
	case timeout > 0:
		le.PutUint64(in[:], uint64(-int64(min(timeout/100, math.MaxInt64))))
		in[12] = 1
	}
	b := nt.AppendUTF16(in[:], name[i+1:])
	le.PutUint32(b[8:], uint32(len(b)-len(in)))
	_, err = a.FsControlFile(ctx, h, nt.FsctlPipeWait, b, nil)
	return err
}

// Peek is what PeekNamedPipe sees.
type Peek struct {
	State     uint32 // nt.FilePipeConnectedState …
	Available int    // bytes that can be read in all
	Messages  int
	Message   int // bytes left of the first message; 0 on a byte pipe
	N         int // bytes copied
}

// PeekNamedPipe copies what can be read into buf and leaves it there.
func PeekNamedPipe(ctx context.Context, a api.API, h api.Handle, buf []byte) (Peek, error) {
	out := make([]byte, 16+len(buf))
	n, err := a.FsControlFile(ctx, h, nt.FsctlPipePeek, nil, out)
	if err != nil && !errors.Is(err, nt.StatusBufferOverflow) {
		return Peek{}, err
	}
	return Peek{State: le.Uint32(out), Available: int(le.Uint32(out[4:])), Messages: int(le.Uint32(out[8:])),
		Message: int(le.Uint32(out[12:])), N: copy(buf, out[16:n])}, nil
}

// TransactNamedPipe writes a message and reads the answer in one request. nt.StatusBufferOverflow comes with the first n bytes of a longer answer;
// the rest is read with ReadFile.
func TransactNamedPipe(ctx context.Context, a api.API, h api.Handle, in, out []byte) (n int, err error) {
	return a.FsControlFile(ctx, h, nt.FsctlPipeTransceive, in, out)
}

// CallNamedPipe opens a message pipe, transacts once and closes it. It waits up to timeout for a free instance.
func CallNamedPipe(ctx context.Context, a api.API, name string, in, out []byte, timeout time.Duration) (n int, err error) {
	h, err := open(ctx, a, name, DialConfig{Message: true, Timeout: timeout})
	if err != nil {
		return 0, err
	}
	defer a.Close(h)
	return TransactNamedPipe(ctx, a, h, in, out)
}

// HandleState is how an end reads and completes.
type HandleState struct {
	ReadMessages bool
	NonBlocking  bool
}

// GetNamedPipeHandleState asks for the state of an end.
func GetNamedPipeHandleState(ctx context.Context, a api.API, h api.Handle) (HandleState, error) {
	var b [8]byte
	_, err := a.QueryInformationFile(ctx, h, nt.FilePipeInformation, b[:])
	return HandleState{le.Uint32(b[:]) == nt.FilePipeMessageMode, le.Uint32(b[4:]) == nt.FilePipeCompleteOperation}, err
}

// SetNamedPipeHandleState sets it.
func SetNamedPipeHandleState(ctx context.Context, a api.API, h api.Handle, s HandleState) error {
	var b [8]byte
	if s.ReadMessages {
		le.PutUint32(b[:], nt.FilePipeMessageMode)
	}
	if s.NonBlocking {
		le.PutUint32(b[4:], nt.FilePipeCompleteOperation)
	}
	return a.SetInformationFile(ctx, h, nt.FilePipeInformation, b[:])
}

// Info describes a pipe and one end of it.
type Info struct {
	Message      bool
	Direction    Direction
	MaxInstances uint32 // nt.FilePipeUnlimitedInstances for no limit
	Instances    uint32
	InQuota      uint32
	OutQuota     uint32
	Readable     uint32 // bytes that this end can read
	Writable     uint32 // bytes that it can write without waiting
	State        uint32
	Server       bool
}

// GetNamedPipeInfo asks for it.
func GetNamedPipeInfo(ctx context.Context, a api.API, h api.Handle) (Info, error) {
	var b [40]byte
	if _, err := a.QueryInformationFile(ctx, h, nt.FilePipeLocalInformation, b[:]); err != nil {
		return Info{}, err
	}
	u := func(i int) uint32 { return le.Uint32(b[4*i:]) }
	info := Info{Message: u(0) == nt.FilePipeMessageType, MaxInstances: u(2), Instances: u(3), InQuota: u(4), Readable: u(5),
		OutQuota: u(6), Writable: u(7), State: u(8), Server: u(9) == nt.FilePipeServerEnd}
	switch u(1) {
	case nt.FilePipeInbound:
		info.Direction = Inbound
	case nt.FilePipeOutbound:
		info.Direction = Outbound
	}
	return info, nil
}

// DialConfig says how Dial opens; the zero value opens for reading and writing.
type DialConfig struct {
	Message       bool              // read messages; the pipe must be of message type
	Access        nt.AccessMask     // default GENERIC_READ | GENERIC_WRITE
	Timeout       time.Duration     // how long to wait for a free instance; default not at all, WaitForever for ever
	Impersonation api.Impersonation // default ImpersonateImpersonation; ImpersonateAnonymous cannot be asked for here
	Token         *nt.Token
	Contexts      []any // create contexts, for credentials and the like
}

// open opens the client's end and sets its mode.
func open(ctx context.Context, a api.API, name string, cfg DialConfig) (api.Handle, error) {
	args := api.CreateArgs{Name: Name(name), Token: cfg.Token, DesiredAccess: cfg.Access, ShareAccess: nt.FileShareRead | nt.FileShareWrite,
		Disposition: nt.FileOpen, Options: nt.FileNonDirectoryFile, Impersonation: cfg.Impersonation, Contexts: cfg.Contexts}
	if args.DesiredAccess == 0 {
		args.DesiredAccess = nt.GenericRead | nt.GenericWrite
	}
	if args.Impersonation == api.ImpersonateAnonymous {
		args.Impersonation = api.ImpersonateImpersonation
	}
	deadline := time.Now().Add(cfg.Timeout)
	for {
		try := args
		h, err := a.CreateFile(ctx, &try)
		if err == nil {
			if cfg.Message {
				err = SetNamedPipeHandleState(ctx, a, h, HandleState{ReadMessages: true})
				// Samba's server has no modes: all of its pipes are read by message.
				if err != nil && !errors.Is(err, nt.StatusNotSupported) {
					_ = a.Close(h)
					return nil, err
				}
			}
			return h, nil
		}
		if cfg.Timeout == 0 || !errors.Is(err, nt.StatusPipeNotAvailable) {
			return nil, err
		}
		left := WaitForever
		if cfg.Timeout > 0 {
			if left = time.Until(deadline); left <= 0 {
				return nil, nt.StatusIoTimeout
			}
		}
		if err := WaitNamedPipe(ctx, a, name, left); err != nil {
			return nil, err
		}
	}
}
