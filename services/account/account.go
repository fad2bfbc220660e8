// Package account serves lwio's own interface for local accounts (idl/account.idl): what `lwio user` calls over the pipe `lwio`. It is not
// samr, and is never offered to the network.
//
//	svc, err := account.New(account.Config{Accounts: accounts})
//	err = svc.Register(rpcServer)
//
// Callers are local (ncalrpc) and administrators: root, the daemon's own user, or members of BUILTIN\Administrators. A user changes no
// password here, not even its own. Whoever else calls gets ERROR_ACCESS_DENIED, but for AccountIdentify, which every local program may call.
package account

import (
	"context"
	"errors"
	"log/slog"

	gen "lwio/gen/account"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
	"lwio/services/identity"
	"lwio/services/state"
)

// Accounts is the account database; *state.Accounts is one.
type Accounts interface {
	Add(ctx context.Context, n state.NewAccount) (state.Account, error)
	Delete(ctx context.Context, name string) error
	Get(ctx context.Context, name string) (state.Account, error)
	Enum(ctx context.Context, from uint32, limit int) ([]state.Account, error)
	Set(ctx context.Context, a state.Account) error
	SetPassword(ctx context.Context, name, password string) error
	Unlock(ctx context.Context, name string) error
}

var _ Accounts = (*state.Accounts)(nil)

// Config configures the service. Accounts is needed.
type Config struct {
	Accounts Accounts
	// Log takes changes at Info. Default slog.Default().
	Log *slog.Logger
	// Secrets lists the secrets of the security policy. Nil means that there is none to ask.
	Secrets func(context.Context) ([]state.LSASecret, error)
	// Identities tells who is who. Nil means that nobody is told.
	Identities *identity.Directory
}

// Server is the service.
type Server struct{ cfg Config }

var _ gen.AccountServer = (*Server)(nil)

// New makes the service.
func New(cfg Config) (*Server, error) {
	if cfg.Accounts == nil {
		return nil, errors.New("account: no accounts to serve")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Server{cfg}, nil
}

// Register offers the interface on an RPC server.
func (s *Server) Register(r *server.Server, opts ...server.Option) error {
	return r.Register(gen.AccountInterface, s, opts...)
}

const (
	maxLimit   = 1024 // what the interface takes in one answer
	knownFlags = gen.ACCOUNT_DISABLED | gen.ACCOUNT_ADMIN | gen.ACCOUNT_LOCKED
)

// admitted reports whether the caller may call at all.
func admitted(call *rpc.Call) bool {
	return call.Transport == rpc.TransportLocal && call.Token != nil && !call.Token.Anonymous && call.Token.IsAdmin()
}

// results are the Win32 errors of what the database says.
var results = []struct {
	err error
	win nt.WinError
}{
	{state.ErrAccountExists, nt.NErrUserExists},
	{state.ErrNoAccount, nt.NErrUserNotFound},
	{state.ErrAccountReserved, nt.NErrGroupExists}, // the name is taken, by no user
	{state.ErrAccountName, nt.NErrBadUsername},
	{state.ErrGroupExists, nt.NErrGroupExists},
	{state.ErrAliasExists, nt.NErrGroupExists},
	{state.ErrPassword, nt.NErrPasswordTooShort},
	{state.ErrPasswordShort, nt.NErrPasswordTooShort},
	{state.ErrPasswordSimple, nt.NErrPasswordTooShort},
	{state.ErrAccountText, nt.WErrInvalidParameter},
	{state.ErrConflict, nt.WErrBusy},
}

// result ends a change: it logs it, and turns the error into the call's result. Only the end of the caller's own context is a fault.
func (s *Server) result(ctx context.Context, call *rpc.Call, what, name string, err error) (uint32, error) {
	win := nt.WErrSuccess
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return 0, err
		}
		win = nt.WErrGenFailure
		for _, r := range results {
			if errors.Is(err, r.err) {
				win = r.win
				break
			}
		}
		s.cfg.Log.Info(what, "account", name, "by", call.Token.QualifiedName(), "err", err)
		return uint32(win), nil
	}
	s.cfg.Log.Info(what, "account", name, "by", call.Token.QualifiedName())
	return uint32(win), nil
}

// text is a password's. Its length is judged here, since the rules tell too long from too short.
func text(p *gen.ACCOUNT_PASSWORD) (string, nt.WinError) {
	const maxBytes = 2 * 127
	switch {
	case len(p.Data)%2 != 0:
		return "", nt.WErrInvalidParameter
	case len(p.Data) == 0:
		return "", nt.NErrPasswordTooShort
	case len(p.Data) > maxBytes:
		return "", nt.NErrPasswordTooLong
	}
	return nt.DecodeUTF16(p.Data), nt.WErrSuccess
}

// AccountAdd makes an account.
func (s *Server) AccountAdd(ctx context.Context, call *rpc.Call, in *gen.AccountAddRequest) (*gen.AccountAddResponse, error) {
	out := &gen.AccountAddResponse{Return: uint32(nt.WErrAccessDenied)}
	if !admitted(call) {
		return out, nil
	}
	if in.Flags&^(gen.ACCOUNT_DISABLED|gen.ACCOUNT_ADMIN) != 0 {
		out.Return = uint32(nt.WErrInvalidParameter)
		return out, nil
	}
	password, win := text(&in.Password)
	if win != nt.WErrSuccess {
		out.Return = uint32(win)
		return out, nil
	}
	acc, err := s.cfg.Accounts.Add(ctx, state.NewAccount{
		Name: in.Name, FullName: ndr.Text(in.FullName), Comment: ndr.Text(in.Comment), Password: password,
		Admin: in.Flags&gen.ACCOUNT_ADMIN != 0, Disabled: in.Flags&gen.ACCOUNT_DISABLED != 0,
	})
	out.Rid = acc.RID
	out.Return, err = s.result(ctx, call, "account added", in.Name, err)
	return out, err
}

// AccountDel takes one out.
func (s *Server) AccountDel(ctx context.Context, call *rpc.Call, in *gen.AccountDelRequest) (*gen.AccountDelResponse, error) {
	out := &gen.AccountDelResponse{Return: uint32(nt.WErrAccessDenied)}
	if !admitted(call) {
		return out, nil
	}
	var err error
	out.Return, err = s.result(ctx, call, "account deleted", in.Name, s.cfg.Accounts.Delete(ctx, in.Name))
	return out, err
}

// AccountEnum lists accounts.
func (s *Server) AccountEnum(ctx context.Context, call *rpc.Call, in *gen.AccountEnumRequest) (*gen.AccountEnumResponse, error) {
	out := &gen.AccountEnumResponse{Resume: in.Resume, Return: uint32(nt.WErrAccessDenied)}
	switch {
	case !admitted(call):
		return out, nil
	case in.Level > 1:
		out.Return = uint32(nt.WErrInvalidLevel)
		return out, nil
	}
	limit := int(min(max(in.Limit, 1), maxLimit-1))
	list, err := s.cfg.Accounts.Enum(ctx, in.Resume, limit+1) // one more tells whether there are more
	if err != nil {
		out.Return, err = s.result(ctx, call, "accounts listed", "", err)
		return out, err
	}
	out.Resume, out.Return = 0, uint32(nt.WErrSuccess)
	if len(list) > limit {
		out.Resume, out.Return = list[limit].RID, uint32(nt.WErrMoreData)
		list = list[:limit]
	}
	out.Infos.Count = uint32(len(list))
	for i := range list {
		out.Infos.Accounts = append(out.Infos.Accounts, info(&list[i], in.Level))
	}
	return out, nil
}

func info(a *state.Account, level uint32) gen.ACCOUNT_INFO {
	i := gen.ACCOUNT_INFO{Rid: a.RID, Name: &a.Name}
	if a.Disabled {
		i.Flags |= gen.ACCOUNT_DISABLED
	}
	if a.Admin {
		i.Flags |= gen.ACCOUNT_ADMIN
	}
	if a.Locked {
		i.Flags |= gen.ACCOUNT_LOCKED
	}
	if level == 0 {
		return i
	}
	i.FullName, i.Comment = &a.FullName, &a.Comment
	i.Created, i.PasswordLastSet = int64(a.Created), int64(a.PasswordLastSet)
	i.LastLogon, i.LastBadPassword = int64(a.LastLogon), int64(a.LastBadPassword)
	i.Logons, i.BadPasswords = a.Logons, a.BadPasswords
	return i
}

// AccountSetPassword gives an account another password.
func (s *Server) AccountSetPassword(ctx context.Context, call *rpc.Call, in *gen.AccountSetPasswordRequest) (*gen.AccountSetPasswordResponse, error) {
	out := &gen.AccountSetPasswordResponse{Return: uint32(nt.WErrAccessDenied)}
	if !admitted(call) {
		return out, nil
	}
	password, win := text(&in.Password)
	if win != nt.WErrSuccess {
		out.Return = uint32(win)
		return out, nil
	}
	var err error
	out.Return, err = s.result(ctx, call, "password set", in.Name, s.cfg.Accounts.SetPassword(ctx, in.Name, password))
	return out, err
}

// AccountSetInfo changes flags and texts.
func (s *Server) AccountSetInfo(ctx context.Context, call *rpc.Call, in *gen.AccountSetInfoRequest) (*gen.AccountSetInfoResponse, error) {
	out := &gen.AccountSetInfoResponse{Return: uint32(nt.WErrAccessDenied)}
	switch {
	case !admitted(call):
		return out, nil
	case in.Mask&^knownFlags != 0, in.Flags&^in.Mask != 0, in.Flags&gen.ACCOUNT_LOCKED != 0:
		out.Return = uint32(nt.WErrInvalidParameter)
		return out, nil
	}
	err := s.change(ctx, in)
	out.Return, err = s.result(ctx, call, "account changed", in.Name, err)
	return out, err
}

func (s *Server) change(ctx context.Context, in *gen.AccountSetInfoRequest) error {
	acc, err := s.cfg.Accounts.Get(ctx, in.Name)
	if err != nil {
		return err
	}
	if in.FullName != nil {
		acc.FullName = *in.FullName
	}
	if in.Comment != nil {
		acc.Comment = *in.Comment
	}
	if in.Mask&gen.ACCOUNT_DISABLED != 0 {
		acc.Disabled = in.Flags&gen.ACCOUNT_DISABLED != 0
	}
	if in.Mask&gen.ACCOUNT_ADMIN != 0 {
		acc.Admin = in.Flags&gen.ACCOUNT_ADMIN != 0
	}
	if err := s.cfg.Accounts.Set(ctx, acc); err != nil {
		return err
	}
	if in.Mask&gen.ACCOUNT_LOCKED != 0 {
		return s.cfg.Accounts.Unlock(ctx, in.Name)
	}
	return nil
}
