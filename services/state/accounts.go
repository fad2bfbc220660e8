package state

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/nt"
)

// Account is a local user in short; User has the rest.
type Account struct {
	RID               uint32
	Name              string
	FullName, Comment string
	Admin             bool // member of BUILTIN\Administrators
	Disabled          bool

	Created, PasswordLastSet nt.Time

	// As counted since; not changed by Set.
	BadPasswords               uint32
	LastBadPassword, LastLogon nt.Time
	Logons                     uint32
	Locked                     bool
}

// NewAccount is what Add wants to know.
type NewAccount struct {
	Name, FullName, Comment string
	Password                string
	Admin, Disabled         bool
}

// Lockout locks accounts after wrong passwords. The zero value never does.
type Lockout struct {
	Threshold uint32        // wrong passwords in a row that lock; zero for never
	Window    time.Duration // after which a wrong password is forgotten; zero means 30 minutes
	Duration  time.Duration // for which an account is locked; zero means 30 minutes
}

// AccountsConfig configures Accounts.
type AccountsConfig struct {
	Machine Machine
	Lockout Lockout
	// FlushInterval is how long logons and wrong passwords may be in memory only. Zero means 15 s.
	FlushInterval time.Duration
	// AdminUID is the Unix user who administers besides root. Nil means the one this process runs as.
	AdminUID *uint32
	// Log takes logons at Info and lockouts at Warn. Nil means slog.Default().
	Log *slog.Logger
}

// Accounts is the local account database and the authority over it. It is safe for use by several goroutines.
type Accounts struct {
	store      Store
	machine    Machine
	configured Lockout
	interval   time.Duration
	unix       *UnixTokens
	log        *slog.Logger
	nobody     [16]byte // a hash that nobody's password has
	seen       principals
	lsa        *LSA

	attempts
}

var _ auth.Authority = (*Accounts)(nil)

const (
	accountPrefix  = "account/rid/"
	namePrefix     = "account/name/"
	logonPrefix    = "account/logon/"
	nextRIDKey     = "account/next"
	accountVersion = 2

	flagDisabled = 2
)

// NewAccounts gives the accounts of a store.
func NewAccounts(ctx context.Context, store Store, cfg AccountsConfig) (*Accounts, error) {
	if cfg.Machine.Name == "" || cfg.Machine.SID.IsZero() {
		return nil, errors.New("state: accounts without a machine")
	}
	a := &Accounts{
		store: store, machine: cfg.Machine, configured: cfg.Lockout, interval: cfg.FlushInterval, unix: NewUnixTokens(cfg.AdminUID), log: cfg.Log,
	}
	if a.interval <= 0 {
		a.interval = 15 * time.Second
	}
	if a.configured.Window <= 0 {
		a.configured.Window = 30 * time.Minute
	}
	if a.configured.Duration <= 0 {
		a.configured.Duration = 30 * time.Minute
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	rand.Read(a.nobody[:]) // never fails
	a.attempts.init(a)
	if err := a.seed(ctx); err != nil {
		return nil, err
	}
	var err error
	if a.lsa, err = NewLSA(ctx, store); err != nil {
		return nil, err
	}
	p, err := a.Policy(ctx, a.machine.SID)
	if err != nil {
		return nil, err
	}
	a.setLockout(p.lockout())
	return a, a.load(ctx)
}

func ridKey(prefix string, rid uint32) string { return fmt.Sprintf("%s%08x", prefix, rid) }

func ridValue(rid uint32) []byte { return binary.BigEndian.AppendUint32(nil, rid) }

// find reads the user of a name.
func (a *Accounts) find(ctx context.Context, name string) (*record, Revision, error) {
	rid, kind, err := a.LookupName(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	if kind != KindUser {
		return nil, 0, ErrNoAccount
	}
	return a.findRID(ctx, rid)
}

func (a *Accounts) findRID(ctx context.Context, rid uint32) (*record, Revision, error) {
	e, err := a.store.Get(ctx, ridKey(accountPrefix, rid))
	if errors.Is(err, ErrNotFound) {
		return nil, 0, ErrNoAccount
	}
	if err != nil {
		return nil, 0, err
	}
	r, err := parseAccount(e.Value)
	if err == nil && r.RID != rid {
		err = fmt.Errorf("%w: account %d stands under %d", ErrCorrupt, r.RID, rid)
	}
	return r, e.Revision, err
}

// retries bounds how often a change that lost a race is tried again.
const retries = 16

// Add makes an account and gives its RID, from 1000 up and never used again.
func (a *Accounts) Add(ctx context.Context, n NewAccount) (Account, error) {
	if err := errors.Join(CheckAccountName(n.Name), CheckPassword(n.Password), checkAccountText(n.FullName, n.Comment)); err != nil {
		return Account{}, err
	}
	r := newRecord(n.Name, ControlNormal)
	r.FullName, r.AdminComment, r.Control = n.FullName, n.Comment, ControlNormal
	r.hash, r.HasPassword, r.PasswordLastSet = ntlm.NTHash(n.Password), true, r.Created
	if n.Disabled {
		r.Control |= ControlDisabled
	}
	p, err := a.Policy(ctx, a.machine.SID)
	if err != nil {
		return Account{}, err
	}
	if err := p.judge(r, &Secret{Text: n.Password}); err != nil {
		return Account{}, err
	}
	err = a.create(ctx, n.Name, KindUser, func(rid uint32) []Op {
		r.RID = rid
		ops := []Op{{Key: ridKey(accountPrefix, rid), Value: r.encode()}}
		if n.Admin {
			ops = append(ops, aliasOps(nt.SIDBuiltinAdministrators, a.machine.SID.Child(rid), false)...)
		}
		return ops
	})
	if err != nil {
		return Account{}, err
	}
	a.forgetName(n.Name)
	return r.account(n.Admin), nil
}

// Delete takes an account out.
func (a *Accounts) Delete(ctx context.Context, name string) error {
	r, _, err := a.find(ctx, name)
	if err != nil {
		return err
	}
	return a.DeleteUser(ctx, r.RID)
}

// isAdmin reports whether a user is itself a member of BUILTIN\Administrators.
func (a *Accounts) isAdmin(ctx context.Context, rid uint32) (bool, error) {
	return a.has(ctx, aliasOps(nt.SIDBuiltinAdministrators, a.machine.SID.Child(rid), false)[0].Key)
}

// Set replaces the full name, the comment and the flags Admin and Disabled of the account of s.Name.
func (a *Accounts) Set(ctx context.Context, s Account) error {
	r, _, err := a.find(ctx, s.Name)
	if err != nil {
		return err
	}
	return a.mutate(ctx, r.RID, func(r *record) ([]Op, error) {
		r.FullName, r.AdminComment = s.FullName, s.Comment
		r.Control &^= ControlDisabled
		if s.Disabled {
			r.Control |= ControlDisabled
		}
		return aliasOps(nt.SIDBuiltinAdministrators, a.machine.SID.Child(r.RID), !s.Admin), checkAccountText(s.FullName, s.Comment)
	})
}

// SetPassword gives an account another password and forgets the wrong ones that were tried.
func (a *Accounts) SetPassword(ctx context.Context, name, password string) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	r, _, err := a.find(ctx, name)
	if err != nil {
		return err
	}
	return a.ResetPassword(ctx, r.RID, Secret{Text: password}, false)
}

// Unlock ends the lockout of an account.
func (a *Accounts) Unlock(ctx context.Context, name string) error {
	r, _, err := a.find(ctx, name)
	if err != nil {
		return err
	}
	a.unlock(r.Name)
	return nil
}

// Get gives the account of a name, or ErrNoAccount.
func (a *Accounts) Get(ctx context.Context, name string) (Account, error) {
	r, _, err := a.find(ctx, name)
	if err != nil {
		return Account{}, err
	}
	a.fill(&r.User)
	admin, err := a.isAdmin(ctx, r.RID)
	return r.account(admin), err
}

// Enum gives, sorted by RID, at most limit accounts that were added, whose RIDs are not below from.
func (a *Accounts) Enum(ctx context.Context, from uint32, limit int) ([]Account, error) {
	users, err := a.Users(ctx, max(from, nt.FirstUserRID), limit)
	if err != nil {
		return nil, err
	}
	out := make([]Account, len(users))
	for i := range users {
		admin, err := a.isAdmin(ctx, users[i].RID)
		if err != nil {
			return nil, err
		}
		out[i] = users[i].account(admin)
	}
	return out, nil
}

// Counts is how many entries a domain has.
type Counts struct{ Users, Groups, Aliases int }

// Counts counts the entries of a domain, BUILTIN or the machine's.
func (a *Accounts) Counts(ctx context.Context, domain nt.SID) (c Counts, err error) {
	if domain == nt.SIDBuiltin {
		return Counts{Aliases: len(builtinAliases)}, nil
	}
	for _, x := range []struct {
		prefix string
		n      *int
	}{{accountPrefix, &c.Users}, {groupPrefix, &c.Groups}, {aliasPrefix, &c.Aliases}} {
		for _, err := range All(ctx, a.store, x.prefix) {
			if err != nil {
				return Counts{}, err
			}
			*x.n++
		}
	}
	return c, nil
}

// Count is the number of accounts that were added.
func (a *Accounts) Count(ctx context.Context) (int, error) {
	return countAdded(ctx, a.store)
}

func countAdded(ctx context.Context, store Store) (int, error) {
	n := 0
	for e, err := range All(ctx, store, accountPrefix) {
		if err != nil {
			return 0, err
		}
		if rid, ok := ridOfKey(accountPrefix, e.Key); ok && rid >= nt.FirstUserRID {
			n++
		}
	}
	return n, nil
}

// Machine says who this host is, and the account domain.
func (a *Accounts) Machine() Machine { return a.machine }

// Close writes what is in memory only. The store is the caller's.
func (a *Accounts) Close(ctx context.Context) error { return a.attempts.close(ctx) }

// ridOfKey is the RID in a key that ridKey made.
func ridOfKey(prefix, key string) (uint32, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(key, prefix), 16, 32)
	return uint32(n), err == nil
}
