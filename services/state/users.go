package state

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"lwio/iomgr/nt"
)

// Account control of users (MS-SAMR 2.2.1.12). ControlLocked and ControlExpired are told, never stored.
const (
	ControlDisabled          uint32 = 0x00000001
	ControlNoPassword        uint32 = 0x00000004 // none is required
	ControlNormal            uint32 = 0x00000010
	ControlTrust             uint32 = 0x00000040
	ControlWorkstation       uint32 = 0x00000080
	ControlServer            uint32 = 0x00000100
	ControlDontExpire        uint32 = 0x00000200
	ControlLocked            uint32 = 0x00000400
	ControlExpired           uint32 = 0x00020000
	ControlTypes                    = ControlNormal | ControlTrust | ControlWorkstation | ControlServer
	ControlMachine                  = ControlTrust | ControlWorkstation | ControlServer
	controlTold                     = ControlLocked | ControlExpired
	controlKnown             uint32 = 0x003FFFFF
	defaultHours                    = 168
	maxHourBytes                    = 1260
	maxUserText                     = 1024
	maxParameters                   = 64 << 10
	maxHistory                      = 24
	groupRIDWorkstations            = nt.DomainGroupRIDComputers
	groupRIDDomainController        = nt.DomainGroupRIDControllers
)

// User is an account of the machine with all that is told of it (MS-SAMR 2.2.6.6).
type User struct {
	RID                                                             uint32
	Name, FullName, AdminComment, UserComment                       string
	HomeDirectory, HomeDrive, ScriptPath, ProfilePath, Workstations string
	Parameters                                                      string // bytes, of which nothing is known here
	Control                                                         uint32 // Control…
	PrimaryGroup                                                    uint32
	CountryCode, CodePage                                           uint16
	LogonUnits                                                      uint16 // the units of a week in LogonHours: 7, 168 or 10080
	LogonHours                                                      string // one bit a unit, from Sunday 0:00 UTC; bytes
	Expires                                                         nt.Time
	Created                                                         nt.Time
	PasswordLastSet                                                 nt.Time // zero if it has to be changed at the next logon
	HasPassword                                                     bool

	// As counted since; not changed by UpdateUser.
	BadPasswords               uint32
	LastBadPassword, LastLogon nt.Time
	Logons                     uint32
	Locked                     bool
}

// IsMachine reports the account of a computer or of a domain.
func (u *User) IsMachine() bool { return u.Control&ControlMachine != 0 }

// Account is the short form of a user.
func (u *User) account(admin bool) Account {
	return Account{
		RID: u.RID, Name: u.Name, FullName: u.FullName, Comment: u.AdminComment, Admin: admin, Disabled: u.Control&ControlDisabled != 0,
		Created: u.Created, PasswordLastSet: u.PasswordLastSet,
		BadPasswords: u.BadPasswords, LastBadPassword: u.LastBadPassword, LastLogon: u.LastLogon, Logons: u.Logons, Locked: u.Locked,
	}
}

// record is a stored account.
type record struct {
	User
	hash    [16]byte   // if HasPassword
	history [][16]byte // of passwords before, the latest first
}

// fullHours is no restriction.
func fullHours() string { return strings.Repeat("\xFF", defaultHours/8) }

// newRecord is a user as SamrCreateUser2InDomain makes it (MS-SAMR 3.1.5.4.4): without a password, and disabled.
func newRecord(name string, kind uint32) *record {
	r := &record{User: User{
		Name: name, Control: kind | ControlDisabled | ControlNoPassword, PrimaryGroup: nt.DomainGroupRIDUsers, LogonUnits: defaultHours, LogonHours: fullHours(),
		Expires: nt.TimeNever, Created: nt.NowTime(),
	}}
	switch kind {
	case ControlWorkstation:
		r.PrimaryGroup = groupRIDWorkstations
	case ControlServer:
		r.PrimaryGroup = groupRIDDomainController
	}
	return r
}

func (r *record) encode() []byte {
	var flags uint32
	if r.Control&ControlDisabled != 0 {
		flags |= flagDisabled
	}
	w := recordWriter{b: []byte{accountVersion}}
	w.u32(r.RID)
	w.string(r.Name)
	w.string(r.FullName)
	w.string(r.AdminComment)
	w.u32(flags)
	if r.HasPassword {
		w.bytes(r.hash[:])
	} else {
		w.bytes(nil)
	}
	w.time(r.Created)
	w.time(r.PasswordLastSet)
	// Since version 2.
	w.u32(r.Control &^ controlTold)
	w.u32(r.PrimaryGroup)
	w.string(r.UserComment)
	w.string(r.HomeDirectory)
	w.string(r.HomeDrive)
	w.string(r.ScriptPath)
	w.string(r.ProfilePath)
	w.string(r.Workstations)
	w.string(r.Parameters)
	w.u32(uint32(r.CountryCode))
	w.u32(uint32(r.CodePage))
	w.u32(uint32(r.LogonUnits))
	w.string(r.LogonHours)
	w.time(r.Expires)
	w.u32(uint32(len(r.history)))
	for i := range r.history {
		w.b = append(w.b, r.history[i][:]...)
	}
	return w.b
}

func parseAccount(b []byte) (*record, error) {
	const what = "account"
	d, err := openRecord(what, b, accountVersion)
	if err != nil {
		return nil, err
	}
	r := &record{User: User{RID: d.u32(), Name: d.string(), FullName: d.string(), AdminComment: d.string()}}
	flags := d.u32()
	switch hash := d.bytes(); {
	case len(hash) == len(r.hash):
		r.HasPassword = true
		copy(r.hash[:], hash)
	case len(hash) != 0 || b[0] == 1:
		d.bad = true // an account without a password must not become one that anybody may use
	}
	r.Created, r.PasswordLastSet = d.time(), d.time()
	if b[0] == 1 {
		r.Control, r.PrimaryGroup, r.LogonUnits, r.LogonHours, r.Expires = ControlNormal, nt.DomainGroupRIDUsers, defaultHours, fullHours(), nt.TimeNever
		if flags&flagDisabled != 0 {
			r.Control |= ControlDisabled
		}
	} else {
		r.Control, r.PrimaryGroup = d.u32(), d.u32()
		r.UserComment, r.HomeDirectory, r.HomeDrive, r.ScriptPath = d.string(), d.string(), d.string(), d.string()
		r.ProfilePath, r.Workstations, r.Parameters = d.string(), d.string(), d.string()
		r.CountryCode, r.CodePage, r.LogonUnits, r.LogonHours = uint16(d.u32()), uint16(d.u32()), uint16(d.u32()), d.string()
		r.Expires = d.time()
		if n := d.u32(); n > maxHistory || int(n)*16 > len(d.b) {
			d.bad = true
		} else {
			for range n {
				r.history = append(r.history, [16]byte(d.b[:16]))
				d.b = d.b[16:]
			}
		}
	}
	if r.RID == 0 || r.Name == "" || r.Control&ControlTypes == 0 {
		d.bad = true
	}
	return r, d.err(what)
}

// checkUser applies the rules of attributes.
func checkUser(u *User) error {
	if err := errors.Join(CheckAccountName(u.Name), checkAccountText(u.FullName, u.AdminComment, u.UserComment)); err != nil {
		return err
	}
	for _, s := range []string{u.HomeDirectory, u.HomeDrive, u.ScriptPath, u.ProfilePath, u.Workstations} {
		if nt.UTF16Len(s) > maxUserText || strings.ContainsRune(s, 0) {
			return ErrAccountText
		}
	}
	if len(u.Parameters) > maxParameters || len(u.LogonHours) > maxHourBytes || (int(u.LogonUnits)+7)/8 != len(u.LogonHours) || u.Control&^(controlKnown|controlTold) != 0 {
		return ErrAccountText
	}
	if kind := u.Control & ControlTypes; kind&(kind-1) != 0 || kind == 0 {
		return ErrAccountControl
	}
	return nil
}

// Kind is what an entry of the account domain is: they share names and RIDs.
type Kind byte

// Kinds of entries.
const (
	KindUser  Kind = 0
	KindGroup Kind = 'g'
	KindAlias Kind = 'a'
)

func nameValue(rid uint32, kind Kind) []byte {
	if kind == KindUser {
		return ridValue(rid)
	}
	return append(ridValue(rid), byte(kind))
}

func parseName(key string, v []byte) (uint32, Kind, error) {
	switch {
	case len(v) == 4:
		return binary.BigEndian.Uint32(v), KindUser, nil
	case len(v) == 5 && (Kind(v[4]) == KindGroup || Kind(v[4]) == KindAlias):
		return binary.BigEndian.Uint32(v), Kind(v[4]), nil
	}
	return 0, 0, fmt.Errorf("%w: %s", ErrCorrupt, key)
}

// NameEntry is a name of the account domain.
type NameEntry struct {
	Key  string // for the next page: the first name that follows is After(Key)
	RID  uint32
	Kind Kind
}

// Names gives, sorted by name, at most limit entries of the account domain whose names are not below from, which is "" or of a Key.
func (a *Accounts) Names(ctx context.Context, from string, limit int) ([]NameEntry, error) {
	page, err := a.store.Range(ctx, namePrefix, namePrefix+from, limit)
	if err != nil {
		return nil, err
	}
	out := make([]NameEntry, len(page))
	for i, e := range page {
		rid, kind, err := parseName(e.Key, e.Value)
		if err != nil {
			return nil, err
		}
		out[i] = NameEntry{strings.TrimPrefix(e.Key, namePrefix), rid, kind}
	}
	return out, nil
}

// LookupName finds an entry of the account domain by its name, or gives ErrNoAccount.
func (a *Accounts) LookupName(ctx context.Context, name string) (uint32, Kind, error) {
	key, err := nameKey(namePrefix, name)
	if err != nil {
		return 0, 0, ErrNoAccount
	}
	e, err := a.store.Get(ctx, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return 0, 0, ErrNoAccount
	case err != nil:
		return 0, 0, err
	}
	return parseName(key, e.Value)
}

// User gives the user of a RID, or ErrNoAccount.
func (a *Accounts) User(ctx context.Context, rid uint32) (*User, error) {
	r, _, err := a.findRID(ctx, rid)
	if err != nil {
		return nil, err
	}
	a.fill(&r.User)
	return &r.User, nil
}

// Users gives, sorted by RID, at most limit users whose RIDs are not below from.
func (a *Accounts) Users(ctx context.Context, from uint32, limit int) ([]User, error) {
	page, err := a.store.Range(ctx, accountPrefix, ridKey(accountPrefix, from), limit)
	if err != nil {
		return nil, err
	}
	out := make([]User, 0, len(page))
	for _, e := range page {
		r, err := parseAccount(e.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Key, err)
		}
		a.fill(&r.User)
		out = append(out, r.User)
	}
	return out, nil
}

// reserved reports a name that stands for something else on every machine.
func (a *Accounts) reserved(name string) bool {
	_, known := nt.LookupWellKnownName(name)
	return known || nt.EqualFold(name, a.machine.Name) || nt.EqualFold(name, noneGroup)
}

// CreateUser makes a user of one of ControlTypes, as MS-SAMR 3.1.5.4.4 says: disabled, without a password, and in its primary group.
func (a *Accounts) CreateUser(ctx context.Context, name string, kind uint32) (*User, error) {
	if kind != ControlNormal && kind != ControlWorkstation && kind != ControlServer {
		return nil, ErrAccountControl
	}
	r := newRecord(name, kind)
	if err := a.create(ctx, r.Name, KindUser, func(rid uint32) []Op {
		r.RID = rid
		return []Op{{Key: ridKey(accountPrefix, rid), Value: r.encode()}}
	}); err != nil {
		return nil, err
	}
	a.forgetName(name)
	return &r.User, nil
}

// create gives an entry a RID, from 1000 up and never used again, and its name. It makes the operations anew each time that it is tried.
func (a *Accounts) create(ctx context.Context, name string, kind Kind, ops func(rid uint32) []Op) error {
	if err := CheckAccountName(name); err != nil {
		return err
	}
	if a.reserved(name) {
		return ErrAccountReserved
	}
	byName, err := nameKey(namePrefix, name)
	if err != nil {
		return err
	}
	for range retries {
		if _, have, err := a.LookupName(ctx, name); err == nil {
			return existsAs(have)
		} else if !errors.Is(err, ErrNoAccount) {
			return err
		}
		var last Revision
		rid := uint32(nt.FirstUserRID)
		e, err := a.store.Get(ctx, nextRIDKey)
		switch {
		case err == nil && len(e.Value) == 4:
			rid, last = binary.BigEndian.Uint32(e.Value), e.Revision
		case err == nil:
			return fmt.Errorf("%w: %s", ErrCorrupt, nextRIDKey)
		case !errors.Is(err, ErrNotFound):
			return err
		}
		if rid < nt.FirstUserRID || rid >= 1<<30 {
			return fmt.Errorf("%w: next RID is %d", ErrCorrupt, rid)
		}
		_, err = a.store.Txn(ctx, []Condition{{nextRIDKey, last}, {byName, 0}},
			append(ops(rid), Op{Key: nextRIDKey, Value: ridValue(rid + 1)}, Op{Key: byName, Value: nameValue(rid, kind)}))
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// existsAs says by what a name is taken.
func existsAs(kind Kind) error {
	switch kind {
	case KindGroup:
		return ErrGroupExists
	case KindAlias:
		return ErrAliasExists
	}
	return ErrAccountExists
}

// UpdateUser changes a user in place: all but its RID, its password, and what is counted. It may be given another name.
func (a *Accounts) UpdateUser(ctx context.Context, rid uint32, change func(*User) error) error {
	return a.mutate(ctx, rid, func(r *record) ([]Op, error) {
		keep := r.User
		if err := change(&r.User); err != nil {
			return nil, err
		}
		r.RID, r.Created, r.HasPassword = keep.RID, keep.Created, keep.HasPassword
		if r.PrimaryGroup != keep.PrimaryGroup {
			in, err := a.inGroup(ctx, rid, r.PrimaryGroup)
			if err != nil {
				return nil, err
			}
			if !in {
				return nil, ErrNotMember
			}
		}
		return nil, checkUser(&r.User)
	})
}

// mutate changes the record of a user, and what else is to change with it, in one transaction.
func (a *Accounts) mutate(ctx context.Context, rid uint32, change func(*record) ([]Op, error)) error {
	for range retries {
		r, rev, err := a.findRID(ctx, rid)
		if err != nil {
			return err
		}
		before := r.Name
		ops, err := change(r)
		if err != nil {
			return err
		}
		conditions := []Condition{{ridKey(accountPrefix, rid), rev}}
		if r.Name != before {
			more, renames, err := a.rename(ctx, rid, KindUser, before, r.Name)
			if err != nil {
				return err
			}
			conditions, ops = append(conditions, more...), append(ops, renames...)
		}
		_, err = a.store.Txn(ctx, conditions, append(ops, Op{Key: ridKey(accountPrefix, rid), Value: r.encode()}))
		if err == nil && r.Name != before {
			a.renamed(before, r.Name)
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// rename gives what moves a name: only the case may differ, and then there is one name.
func (a *Accounts) rename(ctx context.Context, rid uint32, kind Kind, before, after string) ([]Condition, []Op, error) {
	if err := CheckAccountName(after); err != nil {
		return nil, nil, err
	}
	if a.reserved(after) {
		return nil, nil, ErrAccountReserved
	}
	from, err := nameKey(namePrefix, before)
	if err != nil {
		return nil, nil, err
	}
	to, err := nameKey(namePrefix, after)
	if err != nil || from == to {
		return nil, nil, err
	}
	if _, have, err := a.LookupName(ctx, after); err == nil {
		return nil, nil, existsAs(have)
	} else if !errors.Is(err, ErrNoAccount) {
		return nil, nil, err
	}
	return []Condition{{to, 0}}, []Op{{Key: from, Delete: true}, {Key: to, Value: nameValue(rid, kind)}}, nil
}

// DeleteUser takes a user out, and out of all groups and aliases. Those that the system came with stay.
func (a *Accounts) DeleteUser(ctx context.Context, rid uint32) error {
	if rid < nt.FirstUserRID {
		if _, _, err := a.findRID(ctx, rid); err != nil {
			return err
		}
		return ErrSpecial
	}
	for range retries {
		r, rev, err := a.findRID(ctx, rid)
		if err != nil {
			return err
		}
		byName, err := nameKey(namePrefix, r.Name)
		if err != nil {
			return err
		}
		ops, err := a.leaveAll(ctx, a.machine.SID.Child(rid), rid)
		if err != nil {
			return err
		}
		ops = append(ops, Op{Key: ridKey(accountPrefix, rid), Delete: true}, Op{Key: byName, Delete: true}, Op{Key: ridKey(logonPrefix, rid), Delete: true},
			Op{Key: securityKey(KindUser, rid), Delete: true})
		_, err = a.store.Txn(ctx, []Condition{{ridKey(accountPrefix, rid), rev}}, ops)
		if err == nil {
			a.forgetName(r.Name)
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}
