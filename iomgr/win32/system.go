package win32

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// Config configures a System. The zero value is that of a program that opens files as itself and has no drives.
type Config struct {
	// Contexts go with every create: an *api.Credential, for a redirector.
	Contexts []any
	// Token is who opens; nil means the process itself.
	Token *nt.Token
	// Drives gives directories of the namespace to drive letters: "C" is `\pvfs\srv\c`, "H" is `\rdr\fs1\home`.
	Drives map[string]string
	// Dir is the current directory, an absolute name in the Win32 spelling: `C:\work`. Relative names are refused without one.
	Dir string
}

// System is where the calls go.
type System struct {
	api api.API
	cfg Config
}

// New makes a System over the manager or a connection to another process's.
func New(a api.API, cfg Config) *System { return &System{a, cfg} }

// Error gives what GetLastError would say of an error of package api. A context's error stays in the chain.
func Error(err error) error {
	if err == nil {
		return nil
	}
	var w nt.WinError
	if errors.As(err, &w) {
		return err
	}
	w = nt.StatusOf(err).Win32()
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %w", nt.WErrOperationAborted, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", nt.WErrOperationAborted, context.DeadlineExceeded)
	case w == nt.WErrSuccess: // a status that is no error on Windows, of a call that gave no result
		return nt.WErrGenFailure
	}
	return w
}

// open opens what a converted name stands for.
func (s *System) open(ctx context.Context, n name, access nt.AccessMask, share, disposition, options, attributes uint32) (api.Handle, *api.CreateArgs, error) {
	a := &api.CreateArgs{Name: n.path, Token: s.cfg.Token, DesiredAccess: access | nt.FileReadAttributes | nt.Synchronize, ShareAccess: share, Disposition: disposition,
		Options: options, FileAttributes: attributes, Impersonation: api.ImpersonateImpersonation, Contexts: s.cfg.Contexts}
	h, err := s.api.CreateFile(ctx, a)
	return h, a, err
}

const shareAll = nt.FileShareRead | nt.FileShareWrite | nt.FileShareDelete

// with runs a call on what a name stands for, opened for that alone. What closing says counts where the call went well: deletion happens then.
func (s *System) with(ctx context.Context, file string, access nt.AccessMask, options uint32, run func(api.Handle) error) error {
	n, err := s.name(file)
	if err != nil {
		return err
	}
	if n.dir {
		options = options&^nt.FileNonDirectoryFile | nt.FileDirectoryFile
	}
	h, _, err := s.open(ctx, n, access, shareAll, nt.FileOpen, options, 0)
	if err != nil {
		return Error(err)
	}
	err = run(h)
	if e := s.api.Close(h); err == nil {
		err = e
	}
	return Error(err)
}
