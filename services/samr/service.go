package samr

import (
	"context"
	"errors"
	"log/slog"

	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// Config is what the service stands on.
type Config struct {
	// Accounts are required.
	Accounts *state.Accounts
	// Remote says which callers of the network may connect: those whom it grants READ_CONTROL. Nil means administrators.
	Remote *nt.SecurityDescriptor
	// Log takes changes at Info. Default slog.Default().
	Log *slog.Logger
}

// Service implements samr.
type Service struct {
	gen.UnimplementedSamrServer
	accounts *state.Accounts
	machine  state.Machine
	remote   *nt.SecurityDescriptor
	log      *slog.Logger
	slow     chan struct{} // holds a token for each derivation of a key from a password that runs
}

var _ gen.SamrServer = (*Service)(nil)

// defaultRemote is that of RestrictRemoteSAM.
const defaultRemote = "O:BAG:BAD:(A;;RC;;;BA)"

// New makes the service.
func New(cfg Config) *Service {
	if cfg.Remote == nil {
		cfg.Remote = mustSDDL(defaultRemote)
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Service{accounts: cfg.Accounts, machine: cfg.Accounts.Machine(), remote: cfg.Remote, log: cfg.Log, slow: make(chan struct{}, 1)}
}

// statuses are what errors of the accounts are to callers.
var statuses = []struct {
	err    error
	status nt.Status
}{
	{state.ErrAccountExists, nt.StatusUserExists},
	{state.ErrGroupExists, nt.StatusGroupExists},
	{state.ErrAliasExists, nt.StatusAliasExists},
	{state.ErrNoAccount, nt.StatusNoSuchUser},
	{state.ErrNoGroup, nt.StatusNoSuchGroup},
	{state.ErrNoAlias, nt.StatusNoSuchAlias},
	{state.ErrAccountName, nt.StatusInvalidAccountName},
	{state.ErrAccountReserved, nt.StatusInvalidAccountName},
	{state.ErrAccountText, nt.StatusInvalidParameter},
	{state.ErrAccountControl, nt.StatusInvalidParameter},
	{state.ErrPolicy, nt.StatusInvalidParameter},
	{state.ErrInvalidMember, nt.StatusInvalidMember},
	{state.ErrPrimaryGroup, nt.StatusMembersPrimaryGroup},
	{state.ErrSpecial, nt.StatusSpecialAccount},
	{state.ErrPassword, nt.StatusPasswordRestriction},
	{state.ErrPasswordShort, nt.StatusPasswordRestriction},
	{state.ErrPasswordSimple, nt.StatusPasswordRestriction},
	{state.ErrPasswordHistory, nt.StatusPasswordRestriction},
	{state.ErrPasswordRecent, nt.StatusPasswordRestriction},
	{state.ErrPasswordRefused, nt.StatusPasswordRestriction},
	{state.ErrConflict, nt.StatusRetry},
}

// status is what an error is to the caller. What is nobody's fault but the database's is logged.
func (s *Service) status(ctx context.Context, err error) nt.Status {
	var status nt.Status
	switch {
	case err == nil:
		return nt.StatusSuccess
	case errors.As(err, &status):
		return status
	}
	for _, x := range statuses {
		if errors.Is(err, x.err) {
			return x.status
		}
	}
	if ctx.Err() != nil {
		return nt.StatusCancelled
	}
	s.log.Error("samr", "err", err)
	return nt.StatusInternalDbCorruption
}

// changed is status for a change, which is logged.
func (s *Service) changed(ctx context.Context, call *rpc.Call, what string, sid nt.SID, err error) nt.Status {
	status := s.status(ctx, err)
	if status == nt.StatusSuccess {
		s.log.Info(what, "sid", sid, "by", call.Token.QualifiedName(), "address", call.ClientAddress)
	} else {
		s.log.Info(what, "sid", sid, "by", call.Token.QualifiedName(), "address", call.ClientAddress, "refused", status.Name())
	}
	return status
}

// result is a status as operations return it.
func result(s nt.Status) int32 { return int32(s) }
