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

// Account is a local user.
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
	store    Store
	machine  Machine
	lockout  Lockout
	interval time.Duration
	unix     *UnixTokens
	log      *slog.Logger
	nobody   [16]byte // a hash that nobody's password has
	seen     principals
	lsa      *LSA

	attempts
}

var _ auth.Authority = (*Accounts)(nil)

const (
	accountPrefix  = "account/rid/"
	namePrefix     = "account/name/"
	logonPrefix    = "account/logon/"
	nextRIDKey     = "account/next"
	accountVersion = 1

	flagAdmin    = 1
	flagDisabled = 2
)

// NewAccounts gives the accounts of a store.
func NewAccounts(ctx context.Context, store Store, cfg AccountsConfig) (*Accounts, error) {
	if cfg.Machine.Name == "" || cfg.Machine.SID.IsZero() {
		return nil, errors.New("state: accounts without a machine")
	}
	a := &Accounts{
		store: store, machine: cfg.Machine, lockout: cfg.Lockout, interval: cfg.FlushInterval, unix: NewUnixTokens(cfg.AdminUID), log: cfg.Log,
	}
	if a.interval <= 0 {
		a.interval = 15 * time.Second
	}
	if a.lockout.Window <= 0 {
		a.lockout.Window = 30 * time.Minute
	}
	if a.lockout.Duration <= 0 {
		a.lockout.Duration = 30 * time.Minute
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	rand.Read(a.nobody[:]) // never fails
	a.attempts.init(a)
	var err error
	if a.lsa, err = NewLSA(ctx, store); err != nil {
		return nil, err
	}
	return a, a.load(ctx)
}

// record is a stored account.
type record struct {
	Account
	hash [16]byte
}

func (r *record) encode() []byte {
	var flags uint32
	if r.Admin {
		flags |= flagAdmin
	}
	if r.Disabled {
		flags |= flagDisabled
	}
	w := recordWriter{b: []byte{accountVersion}}
	w.u32(r.RID)
	w.string(r.Name)
	w.string(r.FullName)
	w.string(r.Comment)
	w.u32(flags)
	w.bytes(r.hash[:])
	w.time(r.Created)
	w.time(r.PasswordLastSet)
	return w.b
}

func parseAccount(b []byte) (*record, error) {
	const what = "account"
	d, err := openRecord(what, b, accountVersion)
	if err != nil {
		return nil, err
	}
	r := &record{Account: Account{RID: d.u32(), Name: d.string(), FullName: d.string(), Comment: d.string()}}
	flags := d.u32()
	r.Admin, r.Disabled = flags&flagAdmin != 0, flags&flagDisabled != 0
	if hash := d.bytes(); len(hash) == len(r.hash) {
		copy(r.hash[:], hash)
	} else {
		d.bad = true // an account without a password must not become one that anybody may use
	}
	r.Created, r.PasswordLastSet = d.time(), d.time()
	if r.RID < nt.FirstUserRID || r.Name == "" {
		d.bad = true
	}
	return r, d.err(what)
}

func ridKey(prefix string, rid uint32) string { return fmt.Sprintf("%s%08x", prefix, rid) }

func ridValue(rid uint32) []byte { return binary.BigEndian.AppendUint32(nil, rid) }

// find reads the account of a name.
func (a *Accounts) find(ctx context.Context, name string) (*record, Revision, error) {
	key, err := nameKey(namePrefix, name)
	if err != nil {
		return nil, 0, ErrNoAccount
	}
	e, err := a.store.Get(ctx, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, 0, ErrNoAccount
	case err != nil:
		return nil, 0, err
	case len(e.Value) != 4:
		return nil, 0, fmt.Errorf("%w: %s", ErrCorrupt, key)
	}
	return a.findRID(ctx, binary.BigEndian.Uint32(e.Value))
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
	if _, known := nt.LookupWellKnownName(n.Name); known || nt.EqualFold(n.Name, a.machine.Name) || nt.EqualFold(n.Name, noneGroup) {
		return Account{}, ErrAccountReserved
	}
	byName, err := nameKey(namePrefix, n.Name)
	if err != nil {
		return Account{}, err
	}
	now := nt.NowTime()
	r := &record{hash: ntlm.NTHash(n.Password), Account: Account{
		Name: n.Name, FullName: n.FullName, Comment: n.Comment, Admin: n.Admin, Disabled: n.Disabled, Created: now, PasswordLastSet: now,
	}}
	for range retries {
		var last Revision
		r.RID = nt.FirstUserRID
		e, err := a.store.Get(ctx, nextRIDKey)
		switch {
		case err == nil && len(e.Value) == 4:
			r.RID, last = binary.BigEndian.Uint32(e.Value), e.Revision
		case err == nil:
			return Account{}, fmt.Errorf("%w: %s", ErrCorrupt, nextRIDKey)
		case !errors.Is(err, ErrNotFound):
			return Account{}, err
		}
		if r.RID < nt.FirstUserRID || r.RID >= 1<<30 {
			return Account{}, fmt.Errorf("%w: next RID is %d", ErrCorrupt, r.RID)
		}
		_, err = a.store.Txn(ctx,
			[]Condition{{nextRIDKey, last}, {byName, 0}, {ridKey(accountPrefix, r.RID), 0}},
			[]Op{{Key: nextRIDKey, Value: ridValue(r.RID + 1)}, {Key: byName, Value: ridValue(r.RID)}, {Key: ridKey(accountPrefix, r.RID), Value: r.encode()}})
		if !errors.Is(err, ErrConflict) {
			a.forgetName(n.Name)
			return r.Account, err
		}
		if _, _, err := a.find(ctx, n.Name); err == nil {
			return Account{}, ErrAccountExists
		}
	}
	return Account{}, ErrConflict
}

// Delete takes an account out.
func (a *Accounts) Delete(ctx context.Context, name string) error {
	for range retries {
		r, rev, err := a.find(ctx, name)
		if err != nil {
			return err
		}
		byName, err := nameKey(namePrefix, r.Name)
		if err != nil {
			return err
		}
		_, err = a.store.Txn(ctx, []Condition{{ridKey(accountPrefix, r.RID), rev}},
			[]Op{{Key: ridKey(accountPrefix, r.RID), Delete: true}, {Key: byName, Delete: true}, {Key: ridKey(logonPrefix, r.RID), Delete: true}})
		if err == nil {
			a.forgetName(r.Name)
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// update changes an account in place.
func (a *Accounts) update(ctx context.Context, name string, change func(*record)) error {
	for range retries {
		r, rev, err := a.find(ctx, name)
		if err != nil {
			return err
		}
		change(r)
		if _, err = CompareAndSwap(ctx, a.store, ridKey(accountPrefix, r.RID), rev, r.encode()); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// Set replaces the full name, the comment and the flags Admin and Disabled of the account of s.Name.
func (a *Accounts) Set(ctx context.Context, s Account) error {
	if err := checkAccountText(s.FullName, s.Comment); err != nil {
		return err
	}
	return a.update(ctx, s.Name, func(r *record) {
		r.FullName, r.Comment, r.Admin, r.Disabled = s.FullName, s.Comment, s.Admin, s.Disabled
	})
}

// SetPassword gives an account another password and forgets the wrong ones that were tried.
func (a *Accounts) SetPassword(ctx context.Context, name, password string) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	hash := ntlm.NTHash(password)
	err := a.update(ctx, name, func(r *record) { r.hash, r.PasswordLastSet = hash, nt.NowTime() })
	if err == nil {
		a.unlock(name)
	}
	return err
}

// Unlock ends the lockout of an account.
func (a *Accounts) Unlock(ctx context.Context, name string) error {
	if _, _, err := a.find(ctx, name); err != nil {
		return err
	}
	a.unlock(name)
	return nil
}

// Get gives the account of a name, or ErrNoAccount.
func (a *Accounts) Get(ctx context.Context, name string) (Account, error) {
	r, _, err := a.find(ctx, name)
	if err != nil {
		return Account{}, err
	}
	a.fill(&r.Account)
	return r.Account, nil
}

// Enum gives, sorted by RID, at most limit accounts whose RIDs are not below from.
func (a *Accounts) Enum(ctx context.Context, from uint32, limit int) ([]Account, error) {
	page, err := a.store.Range(ctx, accountPrefix, ridKey(accountPrefix, from), limit)
	if err != nil {
		return nil, err
	}
	out := make([]Account, 0, len(page))
	for _, e := range page {
		r, err := parseAccount(e.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Key, err)
		}
		a.fill(&r.Account)
		out = append(out, r.Account)
	}
	return out, nil
}

// Count is the number of accounts.
func (a *Accounts) Count(ctx context.Context) (int, error) {
	n := 0
	for _, err := range All(ctx, a.store, accountPrefix) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// Close writes what is in memory only. The store is the caller's.
func (a *Accounts) Close(ctx context.Context) error { return a.attempts.close(ctx) }

// ridOfKey is the RID in a key that ridKey made.
func ridOfKey(prefix, key string) (uint32, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(key, prefix), 16, 32)
	return uint32(n), err == nil
}
