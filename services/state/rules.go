package state

import (
	"errors"
	"strings"

	"lwio/iomgr/nt"
)

// Errors of Accounts that the caller caused.
var (
	ErrAccountExists   = errors.New("state: there is an account of that name")
	ErrNoAccount       = errors.New("state: no such account")
	ErrAccountName     = errors.New(`state: names have 1 to 256 characters, none of "/\[]:;|=,+*?<>@ and no controls, and are not only dots and spaces`)
	ErrAccountReserved = errors.New("state: the name is of a well-known account or of this computer")
	ErrPassword        = errors.New("state: passwords have 1 to 256 characters")
	ErrAccountText     = errors.New("state: full names and comments have at most 256 characters, paths 1024, and no NUL")
	ErrAccountControl  = errors.New("state: an account is of one kind: a user, a workstation or a server")
)

// Errors of groups, aliases and policies.
var (
	ErrGroupExists   = errors.New("state: there is a group of that name")
	ErrAliasExists   = errors.New("state: there is an alias of that name")
	ErrNoGroup       = errors.New("state: no such group")
	ErrNoAlias       = errors.New("state: no such alias")
	ErrIsMember      = errors.New("state: a member already")
	ErrNotMember     = errors.New("state: not a member")
	ErrInvalidMember = errors.New("state: domains and aliases are members of nothing")
	ErrPrimaryGroup  = errors.New("state: it is the primary group of a member")
	ErrSpecial       = errors.New("state: it came with the system and stays")
	ErrPolicy        = errors.New("state: a policy that nobody could meet")
)

// Why a new password is refused.
var (
	ErrPasswordShort   = errors.New("state: the password is shorter than the policy wants")
	ErrPasswordSimple  = errors.New("state: the password is less complex than the policy wants")
	ErrPasswordHistory = errors.New("state: the password was used before")
	ErrPasswordRecent  = errors.New("state: the password was changed too recently")
	ErrPasswordRefused = errors.New("state: the policy refuses changes of passwords")
)

const (
	maxAccountName = 256
	maxPassword    = 256
	maxAccountText = 256
)

// CheckAccountName applies the rules of the account database (MS-SAMR 3.1.1.6, 3.1.1.8.4).
func CheckAccountName(name string) error {
	if n := nt.UTF16Len(name); n == 0 || n > maxAccountName || strings.ContainsAny(name, `"/\[]:;|=,+*?<>@`) || strings.Trim(name, ". ") == "" ||
		strings.HasSuffix(name, ".") || strings.HasPrefix(name, " ") || strings.HasSuffix(name, " ") {
		return ErrAccountName
	}
	for _, r := range name {
		if r < ' ' || r == 0x7F {
			return ErrAccountName
		}
	}
	return nil
}

// CheckPassword applies the rules for passwords.
func CheckPassword(password string) error {
	if n := nt.UTF16Len(password); n == 0 || n > maxPassword {
		return ErrPassword
	}
	return nil
}

func checkAccountText(texts ...string) error {
	for _, s := range texts {
		if nt.UTF16Len(s) > maxAccountText || strings.ContainsRune(s, 0) {
			return ErrAccountText
		}
	}
	return nil
}
